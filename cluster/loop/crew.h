/*
 * crew - threads for what may block.
 *
 *     crew_work ─▶ [queue] ─▶ run() on a thread ─▶ [ended] ─▶ done() on the
 * loop
 *
 * A crew of one runs its jobs in order; a larger one grows by a thread
 * whenever all are busy, up to its bound, so that a job which hangs delays
 * nobody until the bound is reached. Jobs get their argument and nothing else:
 * what they share with the loop they may only touch in done().
 *
 * libuv's own pool is not used: its size is fixed, and one driver operation
 * that hangs for each of its threads would stop the flushes of the log.
 */
#pragma once

#include <uv.h>

#include "store/err.h"

struct crew;

/* @max: threads at most. All functions are for the loop's thread. @worked is
 * called once before the done() calls of a batch; may be NULL. */
int crew_open(struct crew **ret, uv_loop_t *loop, unsigned max,
	      void (*worked)(void *data), void *data, struct err *err);
/* @done is called exactly once, never from inside this call. */
void crew_work(struct crew *c, void (*run)(void *arg), void (*done)(void *arg),
	       void *arg);
/* Jobs whose done() has not been called. */
unsigned crew_busy(const struct crew *c);
unsigned crew_threads(const struct crew *c);
/* Nothing may be under way. Its memory is freed as the loop turns. */
void crew_close(struct crew *c);
