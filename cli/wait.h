/*
 * wait - has a service arrived where it was sent?
 *
 *     intent ──▶ watch events, look at status ──▶ there | failed | too late
 *
 * wait_judge() is pure: a goal and status documents in, a verdict out.
 * wait_run() asks the agent until there is a verdict other than WAIT_MORE.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"
#include "fsm/base/doc.h"

enum wait_want {
	WAIT_UP,
	WAIT_DOWN,
	WAIT_RESTARTED,
	WAIT_MOVED,
	WAIT_ACT, /* what was asked of some resources was carried out */
};

struct wait_goal {
	enum wait_want want;
	const char *service;
	const char *node;	  /* WAIT_MOVED: where to */
	bool hypervisor;	  /* this level counts */
	bool encap;		  /* what runs in containers counts */
	const struct doc *slaves; /* names or rids; empty: all containers */
	const struct doc *nodes;  /* WAIT_ACT: on which */
	const struct doc *peers; /* ... and of these, on those that are there */
	int64_t seq;		 /* of the intent, or of the act */
	const struct doc *before; /* the status document before it, or NULL */
};

enum wait_verdict { WAIT_MORE, WAIT_THERE, WAIT_FAILED, WAIT_BLOCKED };

/* What --timeout says, if it fits with --wait and --no-wait; 5 minutes. */
int wait_timeout(struct cli *c, int64_t *ret_ms);

/* @ret_why: a sentence, set unless there; may be "" with WAIT_MORE. */
enum wait_verdict wait_judge(struct arena *a, const struct wait_goal *g,
			     const struct doc *status, const char **ret_why);

/* Where the events are now, to be read before the intent is sent; NULL where
 * the agent knows none. */
struct doc *wait_cursor(struct cli *c, const char *service);

/* Follows until there is a verdict; prints one line per action on c->err. The
 * exit code. */
int wait_run(struct cli *c, const struct wait_goal *g, const struct doc *cursor,
	     int64_t timeout_ms);

/* cmd_local.c: what a node did that has no majority. @word: "stop", "start". */
int local_wait(struct cli *c, const char *node, const char *word,
	       int64_t timeout_ms);
/* What the agent answered to a stop that it does alone: says so, and waits. */
int local_stopped(struct cli *c, const struct doc *data, int64_t timeout_ms);
