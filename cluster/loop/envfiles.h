/*
 * envfiles - confdir on the loop: events from the folder, a thread for its
 * work, the agent's requests for its edits.
 *
 *     envfiles_head ─▶ [inbox] ─▶ confdir_step (a thread) ─▶ edits, drafts
 *     inotify ────────────┘
 */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "cluster/agent/agent.h"
#include "cluster/loop/crew.h"

struct envfiles;

struct envfiles_io {
	void *ctx;
	/* As agent_request(). */
	void (*request)(void *ctx, const struct doc *req, agent_answer done,
			void *arg);
	/* As confdir_io.drafts, on the loop's thread. */
	void (*drafts)(void *ctx, const char *service, const struct doc *list,
		       const char *news);
	/* As confdir_io.waits, on the loop's thread. */
	void (*waits)(void *ctx, const char *service, uint64_t since_ms,
		      const char *why);
};

struct envfiles_options {
	uv_loop_t *loop;
	struct crew *crew; /* of one thread */
	const char *etc;   /* the files are in ETC/services */
	const char *var;   /* VAR/heads, VAR/drafts */
	struct envfiles_io io;
};

int envfiles_open(struct envfiles **ret, const struct envfiles_options *o,
		  struct err *err);
/* As agent_io.head. */
void envfiles_head(struct envfiles *e, const char *service, const char *rev,
		   const char *text);
void envfiles_all_named(struct envfiles *e);
/* At the end of a turn: let the thread work on what has come. */
void envfiles_turn(struct envfiles *e, uint64_t now_ms);
uint64_t envfiles_next_ms(const struct envfiles *e);
/* Once the crew is idle and no request is under way; the memory goes as the
 * loop turns. */
void envfiles_close(struct envfiles *e);
