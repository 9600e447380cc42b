/*
 * confdir - the heads of services as files that a person may edit.
 *
 *     head ─▶ ETC/services/NAME.conf ─▶ an editor ─▶ [edit] ─▶ agent ─▶ head
 *                                                      └─▶ refused: a draft
 *
 * What was written last, and which revision it was, is remembered on disk
 * (envfile.h), so an edit made while the agent was stopped is known as one,
 * and based on that revision. File times are never compared with each other.
 *
 * No edit is lost: one that cannot be proposed now stays in its file, one that
 * is refused becomes a draft (drafts.h), one that is saved at the very moment
 * when a new head replaces the file becomes a draft, too.
 *
 * All functions may block (they sync files). One thread at a time; the
 * callbacks come on it, from inside confdir_open() and confdir_step(). Time
 * comes in as milliseconds that only grow.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fsm/base/doc.h"
#include "store/err.h"

#define CONFDIR_SETTLE_MS 150  /* without a change, before a file is read */
#define CONFDIR_RESCAN_MS 3000 /* where no event told of a change */
#define CONFDIR_OLD_MS	  2000 /* what was replaced is looked at again */
#define CONFDIR_RETRY_MS  2000 /* of an edit that could not be proposed */
#define CONFDIR_GRACE_MS  2000 /* in which what is not valid may become it */
#define CONFDIR_WAITS_MS  1000 /* from then on an edit is told as waiting */

struct confdir;

struct confdir_edit {
	const char *base; /* a revision; "": it is not known */
	const char *text;
	size_t len;
	const char *user;
	bool keep; /* as a draft, if it is not valid */
};

struct confdir_io {
	void *ctx;
	/* Propose it; confdir_answer() later, once. */
	void (*edit)(void *ctx, const char *service,
		     const struct confdir_edit *edit);
	/* The drafts of @service that lie here: [{path, why, at}]. @news, when
	 * one has come: a sentence for people, else NULL. */
	void (*drafts)(void *ctx, const char *service, const struct doc *list,
		       const char *news);
	/* An edit of @service's file waits to be agreed since @since_ms; @why
	 * NULL: none does any more. */
	void (*waits)(void *ctx, const char *service, uint64_t since_ms,
		      const char *why);
	/* A file that is no service's, @text NULL: it is gone (strangers.h). */
	void (*offer)(void *ctx, const char *name, const char *path,
		      const char *text, size_t len);
	void (*log)(void *ctx, int level, const char *text);
};

/* @services: the folder of the files; @heads and @drafts: the agent's own.
 * All are made if absent. */
int confdir_open(struct confdir **ret, const char *services, const char *heads,
		 const char *drafts, const struct confdir_io *io,
		 struct err *err);
void confdir_close(struct confdir *c);

/* The head of @service is @rev; @text NULL: the service is gone. */
void confdir_head(struct confdir *c, const char *service, const char *rev,
		  const char *text);
enum confdir_verdict {
	CONFDIR_TAKEN,
	CONFDIR_LATER, /* it could not be proposed now */
	CONFDIR_REFUSED,
	CONFDIR_INVALID, /* refused for what it holds: it may be half a file */
};

struct confdir_answer {
	enum confdir_verdict verdict;
	const char *why; /* for people; not of one that was taken */
	const char *rev; /* what came of one that was taken */
	/* The revision whose text is just this edit, where that is not @rev
	 * (@rev is a merge of it); "" where there is none; NULL: @rev is. */
	const char *own;
	/* Where the group keeps one that was refused; NULL: nowhere. */
	const char *draft;
};

void confdir_answer(struct confdir *c, const char *service,
		    const struct confdir_answer *answer);
/* Something happened to this name in the folder; NULL: look at all. */
void confdir_touch(struct confdir *c, const char *file);
/* Every service that there is has been named: files that we wrote for others
 * are of services which are gone. */
void confdir_all_named(struct confdir *c);

void confdir_step(struct confdir *c, uint64_t now_ms);
uint64_t confdir_next_ms(const struct confdir *c);
