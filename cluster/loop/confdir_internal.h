/*
 * Shared by confdir.c (what comes in, and when to look) and confdir_look.c
 * (what is found, and what is made of it).
 */
#pragma once

#include <sys/queue.h>

#include "cluster/loop/confdir.h"
#include "cluster/loop/envfile.h"
#include "cluster/loop/recent.h"
#include "cluster/loop/strangers.h"

#define NEVER UINT64_MAX

struct entry {
	LIST_ENTRY(entry) link; /* confdir::entries */
	char *name;
	struct known head; /* none: not named yet, or gone */
	bool gone;
	struct record record; /* none: we never wrote it */
	struct recent recent; /* what stood there before */

	uint64_t look_ms;
	bool forced;	     /* look at the content, too */
	struct file_sig sig; /* as last seen ... */
	uint64_t sig_ms;     /* ... and since when it is like that */
	bool unsure;	     /* it was read within a tick of its change */
	bool told_odd, told_open;

	/* An edit. */
	struct known asked; /* as it was proposed last; rev: its base */
	bool asking;
	bool asked_keep;   /* the group was to keep it if it is not valid */
	uint64_t retry_ms; /* not before */
	uint64_t wait_ms;  /* not agreed since; 0: there is none */
	uint64_t await_ms; /* it was taken: the head comes until then */
	bool told_later, told_waits;
	char *refused;	   /* why, or NULL */
	bool invalid;	   /* refused for what it holds */
	char *draft;	   /* where the group keeps it, or NULL */
	struct known kept; /* what is a draft, and is still there */
	struct file_sig kept_sig;

	/* What was replaced. */
	struct file_sig old_sig; /* it is kept, if it is this one */
	uint64_t old_ms;	 /* look at it; NEVER: there is none */

	struct arena *drafts_arena;
	const struct doc *drafts; /* as last told */
	char *news;		  /* to be told with them */
};

struct confdir {
	char *services, *heads, *drafts;
	struct confdir_io io;
	uint64_t now, rescan_ms;
	LIST_HEAD(, entry) entries;
	struct strangers *strangers;
	struct file_sig drafts_sig;
	bool drafts_changed;
	bool named; /* services: others' files may be told apart */
};

void confdir_say(struct confdir *c, int level, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

void entry_look_at(struct entry *e, uint64_t at);
/* At the content, too, even if the file has not changed by then. */
void entry_read_at(struct entry *e, uint64_t at);
/* Now, and at the content, too. */
void entry_poke(struct confdir *c, struct entry *e);

/* confdir_look.c: what was replaced, then what is there. */
void look_old(struct confdir *c, struct entry *e);
void look(struct confdir *c, struct entry *e);
void look_write_failed(struct confdir *c, struct entry *e,
		       const struct err *err);
