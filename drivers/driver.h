/*
 * driver - what every kind of resource promises.
 *
 * One file per kind: drivers/GROUP_KIND.c defines one `const struct driver`
 * and nothing else is visible from it. To add a kind: write the file from its
 * neighbour, add a line to drivers/registry.c and its keywords to
 * fsm/conf/keywords.c.
 *
 *     probe ─▶ start ─▶ probe ... stop ─▶ probe          (any op, any time)
 *
 *  probe   mandatory and read-only: what is there now. Never trusts memory,
 *          always looks. Fills label always, log with "warn: ..." lines where
 *          a person should look. A failing probe returns an error; the
 *          resource then shows undef with that text.
 *  start   makes it so. 0: it is up, and nothing had to be done when it was
 *          up already (DRIVER_NOOP, so that a rollback leaves it alone).
 *  stop    takes it down; DRIVER_NOOP when it was down already. Must leave
 *          nothing of its own behind. Never touches what it did not make.
 *  provision    makes what a start needs: a file, a file system, a container.
 *          DRIVER_NOOP when that is there already. Overwrites nothing: what
 *          is there and is something else is an error. What it makes it marks
 *          (mark.h), half-made things differently from finished ones.
 *  unprovision  of a resource that is down: takes away what carries its mark,
 *          and nothing else. DRIVER_NOOP when nothing is there, DRIVER_LEFT
 *          when what is there was not made by us, or cannot be seen now.
 *          The probe fills `provisioned` where one of the two is there: NO
 *          only where a start would fail for want of it, NA where it cannot be
 *          told (job_hidden()).
 *  kill    the hard way, within a second if at all possible: used when a
 *          lease runs out. NULL: stop is used.
 *
 * Every op may be repeated. An op left NULL means "nothing to do here"; there
 * are no flags to keep in step with the pointers. Ops run on worker threads:
 * they may block, share nothing, see no raft, and give up with -ETIMEDOUT when
 * job->deadline_ms has passed. Child processes go through drivers/run.h,
 * which holds the deadline, the cgroup and the output. An error names what was
 * done, on what, and the last lines of a command's output.
 */
#pragma once

#include <stdint.h>

#include "fsm/base/buf.h"
#include "fsm/conf/conf.h"
#include "fsm/status/status.h"
#include "store/err.h"

#define DRIVER_NOOP 1
#define DRIVER_LEFT 2 /* an unprovision: it is not ours to take away */

/* What a sync has to know of the others (fsm/plan/copies.h). */
struct job_copy {
	enum job_part {
		JOB_PAUSED,   /* the service is up nowhere that is known */
		JOB_SENDS,    /* it is up here */
		JOB_RECEIVES, /* it is up elsewhere: `to` is this node alone */
	} part;
	int64_t now_ms; /* on the wall: `last_ms` and `done_ms` are, too */
	struct job_copy_to {
		const char *node;
		int64_t last_ms; /* it got its last copy; 0: never */
		bool wanted;	 /* of a run: copy to it */
		int64_t done_ms; /* of a run: it has got one; else 0 */
		/* Where its agent is, for a bridge; 0, "" if not known. */
		uint64_t id;
		const char *addresses; /* blank-separated */
		const char *cert;      /* its fingerprint; "": not known */
	} * to;
	size_t n;
	/* This node, for a bridge: */
	uint64_t self;
	const char *cluster_id, *pki_dir;
};

struct job {
	const char *service, *node;
	const struct resource *res;
	enum level level;
	bool ask_system;     /* a probe: is a container's system up, too? */
	bool instance_up;    /* other resources of the instance are up: an app
				without that is not asked (spec 6.4) */
	int64_t deadline_ms; /* CLOCK_MONOTONIC */
	uint64_t token;	     /* of the assignment, grows with each */
	bool has_run; /* a probe of a task: it has, and ended with last_code */
	int last_code;
	/* Mount points of the instance that are not mounted now: what is below
	 * them cannot be seen. Ends with NULL; NULL: none. */
	const char *const *hidden;
	struct job_copy *copy; /* of a sync, else NULL */
	const char **ret_said; /* of a run: what it printed, or NULL */
	/* Of driver_command(); res may be NULL then: */
	const char *command, *action; /* "start", "stop", ... */
	const char *const *env;	      /* "env.KEY", value, ..., NULL */
	const char *run_dir;	      /* "/run/encap": gone after a reboot */
	const char *etc_dir;	      /* "/etc/encap" */
	/* "VARIABLE=value" for the processes of this resource, or NULL; and
	 * what is missing of them, or NULL. */
	const char *const *secrets;
	const char *secrets_missing;
	struct arena *arena; /* of this job: for labels and logs */
};

struct driver {
	const char *group, *kind; /* "fs", "ext4" */
	const char *summary;
	int64_t start_timeout_ms, stop_timeout_ms; /* defaults */

	int (*probe)(const struct job *j, struct probe *ret, struct err *err);
	int (*start)(const struct job *j, struct err *err);
	int (*stop)(const struct job *j, struct err *err);
	int (*provision)(const struct job *j, struct err *err);
	int (*unprovision)(const struct job *j, struct err *err);
	int (*kill)(const struct job *j, struct err *err);
	/* Containers only, of which neither stop nor kill has come to an end:
	 * nothing of it can be reached from outside any more. NULL: nothing is
	 * done. */
	int (*cut)(const struct job *j, struct err *err);
	/* Tasks and syncs: do it once; its exit code, or negative. */
	int (*run)(const struct job *j, struct err *err);
	/* What the guard, which knows no drivers, has to take away where the
	 * agent cannot (cluster/guard/page.h): items by driver_guard_item().
	 * NULL: nothing that must not be in two places. Blocks on nothing. */
	void (*guard)(const struct job *j, struct buf *out);

	/* Containers only. The directory that is shared with the container
	 * for the channel: the agent listens on a socket "sock" in it before
	 * start; NULL for other groups. */
	int (*channel_dir)(const struct job *j, const char **ret,
			   struct err *err);
	/* Containers only: 0 once the system inside is up. */
	int (*operational)(const struct job *j, struct err *err);
};

/* NULL-terminated: the one list of what this build can do. */
extern const struct driver *const driver_table[];

/* NULL if there is no such kind. */
const struct driver *driver_find(const char *group, const char *kind);

/* Entry points for everybody: find the driver of j->res, hold its rules. A
 * kind without one (the file may come from another version) shows n/a, as
 * nobody can look; its start is an error with the kinds of that group that
 * there are, and there is nothing to stop. Of syncs, tasks and heartbeats a
 * start has nothing to do anyway. */
int driver_probe(const struct job *j, struct probe *ret, struct err *err);
int driver_start(const struct job *j, struct err *err);
int driver_stop(const struct job *j, struct err *err);
int driver_kill(const struct job *j, struct err *err);
int driver_provision(const struct job *j, struct err *err);
int driver_unprovision(const struct job *j, struct err *err);
int driver_cut(const struct job *j, struct err *err);
void driver_guard(const struct job *j, struct buf *out);
/* An item; @two may be NULL. One with a NUL or nothing in it is left out. */
void driver_guard_item(struct buf *out, const char *kind, const char *one,
		       const char *two);
int driver_run(const struct job *j, struct err *err);
/* Run job->command as the agent's user, with the [env] of the file, who and
 * what it is for: 0, or an error with its code and its last lines. */
int driver_command(const struct job *j, struct err *err);

int64_t driver_now_ms(void); /* CLOCK_MONOTONIC */
int64_t driver_timeout_ms(const struct resource *r, bool start);
/* Of a provision or unprovision: archives are unpacked, trees removed. */
#define DRIVER_PROVISION_MS (INT64_C(30) * 60 * 1000)
