/*
 * scenario - what happens to a cluster, as people write it.
 *
 *     text ──scenario_parse──▶ [steps, in order of lines] ──play──▶ a log
 *
 * One step a line, `#` begins a comment:
 *
 *     at 10s kill hv1
 *     expect web up on hv2 within 8s
 *     run 30s
 *
 * The steps are rows of one table (scenario.c), which the manual and the
 * messages follow: a row is a line with places for what differs. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fsm/conf/conf.h"

enum act {
	/* Before anything happens. */
	ACT_CLUSTER, /* file */
	ACT_SEED,
	ACT_BEGIN_STOPPED,
	/* Machines and containers. */
	ACT_KILL,
	ACT_BOOT,
	ACT_REBOOT,
	ACT_AGENT_KILL,
	ACT_AGENT_START,
	ACT_AGENT_RESTART,
	ACT_PAUSE,
	ACT_SLEEP,
	ACT_ADD,
	ACT_SNAPSHOT,
	ACT_RESTORE,
	/* The network, disks, clocks. */
	ACT_CUT,
	ACT_CUT_BETWEEN,
	ACT_CUT_TO,
	ACT_HEAL,
	ACT_DISK,
	ACT_DRIFT,
	ACT_CLOCK,
	/* Resources. */
	ACT_DOWN,
	ACT_FAIL,
	ACT_FAIL_FENCE,
	ACT_HANG,
	ACT_SLOW,
	ACT_MEND,
	/* What people ask for. */
	ACT_WANT, /* start, stop, restart */
	ACT_MOVE,
	ACT_FREEZE,
	ACT_THAW,
	ACT_FREEZE_NODE,
	ACT_THAW_NODE,
	ACT_SET,
	ACT_UNSET,
	ACT_EDIT,
	ACT_CREATE,
	ACT_DELETE,
	ACT_DRAIN,
	ACT_UNDRAIN,
	ACT_MAINTENANCE,
	ACT_MAINTENANCE_NODE,
	ACT_FENCE,
	ACT_CONFIRM_DOWN,
	ACT_DISARM,
	ACT_ARM,
	ACT_EMERGENCY,
	ACT_CLEAR,
	ACT_LEAVE,
	ACT_REMOVE,
	ACT_ASK,
	/* What is expected. */
	ACT_RUN,
	ACT_EXPECT_SERVICE,
	ACT_EXPECT_RESOURCE,
	ACT_EXPECT_NODE,
	ACT_EXPECT_LEADER,
	ACT_EXPECT_DONE,
	ACT_EXPECT_REFUSED,
	ACT_EXPECT_SAID,
	ACT_N,
};

struct scenario_step {
	unsigned line;
	const char *text; /* as written, without the time and a comment */
	enum act act;
	bool timed;
	int64_t at_ms;	     /* since the beginning; if timed */
	const char *word;    /* the word of its row that says which one */
	const char *service; /* NULL where the row has none; so the others */
	const char *rid, *state, *file, *rest;
	struct names nodes, others;	  /* others: behind from or to */
	struct names on;		  /* behind on: nodes or containers */
	const char *via;		  /* whose agent is asked */
	int64_t ms;			  /* the row's TIME */
	int64_t within_ms, for_ms, times; /* 0: not given */
	int64_t number;
};

struct scenario {
	const char *name; /* of the file, for messages */
	struct scenario_step *at;
	size_t n;
};

#define SCENARIO_MAX_BYTES (1 << 20)
#define SCENARIO_MAX_MS	   (30 * 24 * 3600 * 1000LL)

/* All is on @a; @text need not be NUL-terminated. NULL when any problem is
 * fatal: @p has all of them, with their lines and the nearest spelling. */
struct scenario *scenario_parse(struct arena *a, const char *name,
				const char *text, size_t len,
				struct problems *p);

/* The rows as people write them, for the manual and tests: "kill NODE...";
 * NULL behind the last one. */
const char *scenario_form(size_t i);

/* "10s", "1.5s", "200ms", "2m", "1h"; a number alone is of seconds. -EINVAL
 * with what was expected. */
int scenario_time(const char *word, int64_t *ret_ms, struct err *err);
