/*
 * track - the processes that a resource has started, found again by anybody
 * who comes later: another thread, another agent.
 *
 *     track_begin ─▶ run (joins the cgroup, gets the token) ─▶ track_main
 *     track_load  ─▶ track_alive, track_pids, track_end ...
 *
 * A file below RUN_DIR names a token, the cgroup (where one could be made)
 * and the main process by pid and start time. The processes are those in the
 * cgroup; without one, those whose environment holds the token or whose
 * session the main process leads. Never by name. The file is written before
 * anything is started, so a crash in between loses nothing.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "drivers/driver.h"
#include "drivers/run.h"

#define TRACK_ENV "ENCAP_RUN" /* the token in a process's environment */
#define TRACK_MAX 4096	      /* processes that are looked at */

struct track {
	const char *file;
	const char *token;  /* "ENCAP_RUN=..." */
	const char *cgroup; /* NULL: none */
	struct {
		pid_t pid; /* 0: none */
		uint64_t start;
	} main;
};

/* Before a start: what is to be put into the run (its cgroup, and the token,
 * which the caller puts into the environment). */
int track_begin(const struct job *j, struct track *t, struct err *err);
int track_join(const struct track *t, struct run *r, struct err *err);
void track_joined(struct run *r); /* it runs, or never will */
/* After it: @pid is the one that stays. */
int track_main(struct track *t, pid_t pid, struct err *err);

/* What was started before: 0, or 1 if nothing was. */
int track_load(const struct job *j, struct track *t, struct err *err);
bool track_alive(const struct track *t); /* the main process */
/* All of them, on @a. */
size_t track_pids(const struct track *t, struct arena *a, pid_t **ret);

/* Wait, without a signal, for the end of the main process, or of all where
 * there is none: 0, or 1 at @until_ms. */
int track_wait(const struct job *j, const struct track *t, int64_t until_ms);
/* How to end them: SIGTERM to the main process alone, to all, or no SIGTERM;
 * what is still there when the job's time is nearly over gets SIGKILL. */
enum track_end { TRACK_TERM_MAIN, TRACK_TERM_ALL, TRACK_KILL };
int track_end(const struct job *j, const struct track *t, enum track_end how,
	      struct err *err);
/* Forget them: they are gone. The cgroup and the file are removed. */
void track_forget(const struct track *t);

/* Of what runs for a while, and is not up or down: tasks and copies. Before a
 * run: -EBUSY while one is under way, also one that an agent which is gone has
 * left behind. */
int track_is_free(const struct job *j, struct err *err);
/* struct driver::stop and kill of it. */
int track_stop(const struct job *j, struct err *err);
int track_kill(const struct job *j, struct err *err);

/* struct driver::guard of what is tracked: whatever is found in its cgroup, or
 * with its token. */
void track_guard(const struct job *j, struct buf *out);
