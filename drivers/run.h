/*
 * run - child processes: with a deadline, what they said, and nothing leaked.
 *
 *     struct run r = { .argv = ..., .deadline_ms = j->deadline_ms };
 *     rc = run_ok(&r, err);          // 0, or a sentence with the last lines
 *
 * Safe on any thread of a process with many: everything is prepared before
 * the fork, and the child only makes system calls until it execs. A child has
 * its own process group, default signals, an environment of its own making, no
 * descriptor but 0, 1 and 2, and is waited for by its own pid alone, so that
 * others who wait for children (libuv, liblxc) are not disturbed.
 *
 * At the deadline the whole group gets SIGTERM, then SIGKILL. A child that
 * does not die of that (it hangs in the kernel) is left behind and reaped by
 * a later call.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "fsm/base/arena.h"
#include "store/err.h"

#define RUN_FAILED   1	 /* it ended, but with another code than 0 */
#define RUN_HEAD     120 /* bytes of output that are kept: the first ones */
#define RUN_TAIL     320 /* and the last ones */
#define RUN_LIMITS   12
#define RUN_CGROUPS  4
#define RUN_NO_UMASK ((mode_t)-1)
#define RUN_NO_ID    ((uid_t)-1)
#define RUN_GROUPS   64
#define RUN_PID_ENV  "ENCAP_EXEC_PID" /* of a detached child: its own pid */

/* As whom and under which limits; RUN_AS for "as the agent". */
struct run_as {
	uid_t uid; /* RUN_NO_ID: unchanged */
	gid_t gid;
	gid_t groups[RUN_GROUPS];
	int n_groups; /* < 0: unchanged */
	mode_t umask; /* RUN_NO_UMASK: 022 */
	struct run_limit {
		int which; /* RLIMIT_... */
		struct rlimit to;
	} limits[RUN_LIMITS];
	size_t n_limits;
};
#define RUN_AS                                                                 \
	((struct run_as){ .uid = RUN_NO_ID,                                    \
			  .gid = RUN_NO_ID,                                    \
			  .n_groups = -1,                                      \
			  .umask = RUN_NO_UMASK })

struct run {
	const char *const *argv; /* [0] is its name in messages */
	const char *program;	 /* its file; NULL: argv[0]. Without a / it is
				    searched in PATH */
	const char *const *env;	 /* "K=V"..., on top of PATH, LANG, TZ */
	const char *input;	 /* on its standard input; NULL: nothing */
	const char *cwd;	 /* NULL: / */
	const struct run_as *as; /* NULL: as the agent */
	/* Output is appended to this file instead of a pipe: for what starts
	 * daemons, which would die of a pipe that nobody reads. */
	const char *log;
	int cgroups[RUN_CGROUPS]; /* descriptors of cgroup.procs to join */
	size_t n_cgroups;
	int64_t deadline_ms; /* CLOCK_MONOTONIC */

	/* What came of it. */
	pid_t pid;
	int code;	/* exit code, or 128 + signal */
	off_t log_from; /* where its output begins in the log */
	char tail[RUN_TAIL + 1];
	size_t tail_len;
	char head[RUN_HEAD + 1];
	size_t head_len;
	bool cut; /* something in between was dropped */
	char said[2 * (RUN_HEAD + RUN_TAIL) + 16]; /* by run_said() */
};

/* 0; RUN_FAILED; negative when it could not be started, or -ETIMEDOUT. */
int run_wait(struct run *r, struct err *err);
/* As run_wait(), but RUN_FAILED is an error with code and last lines too. */
int run_ok(struct run *r, struct err *err);
/* Start it in a session of its own, as nobody's child, and do not wait: 0 when
 * it has been exec'd, r->pid then is its pid. Needs r->log. */
int run_detach(struct run *r, struct err *err);
/* What a detached child has said since, into r->tail. */
void run_log_tail(struct run *r);

/* Call @fn(@arg) in a forked child, for what may hang in the kernel: its
 * return value 0..255, or -ETIMEDOUT. @fn may only make system calls. */
int run_call(int (*fn)(const void *arg), const void *arg, int64_t deadline_ms,
	     struct err *err);

/* A command text as argv: by words, with quotes and backslashes, or by a shell
 * when it has one of | && ; in it. */
int run_split(struct arena *a, const char *command, const char *const **ret,
	      struct err *err);

/* The last lines of what was said, on one line: "a; b"; when that was much, its
 * first line comes first: "a; ...; y; z". "" if nothing. */
const char *run_said(struct run *r);
