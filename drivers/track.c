#include "drivers/track.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "drivers/cgroup.h"
#include "drivers/job.h"
#include "drivers/proc.h"

#define KILL_SHARE_MS 2000 /* of a stop: kept for SIGKILL, at most */
#define POLL_MS	      20

/* -- the file -------------------------------------------------------------- */

static int save(const struct track *t, struct err *err)
{
	char text[4096];

	snprintf(text, sizeof(text), "%s\n%s\n%d %" PRIu64 "\n", t->token,
		 t->cgroup ? t->cgroup : "-", (int)t->main.pid, t->main.start);
	return job_file_write(t->file, text, err);
}

static bool parse(struct arena *a, const char *text, struct track *t)
{
	char token[512], cgroup[2048];
	int pid;

	if (sscanf(text, "%511[^\n]\n%2047[^\n]\n%d %" SCNu64, token, cgroup,
		   &pid, &t->main.start) != 4)
		return false;
	t->token = arena_printf(a, "%s", token);
	if (strcmp(cgroup, "-") != 0)
		t->cgroup = arena_printf(a, "%s", cgroup);
	t->main.pid = pid;
	return true;
}

static int file_of(const struct job *j, struct track *t, struct err *err)
{
	*t = (struct track){ 0 };
	return job_file(j, "run", ".pids", false, &t->file, err);
}

/* "ENCAP_RUN=..." in the environment of all that a resource has started. The
 * same at each start: what an earlier one has left is found too. */
static const char *token_of(const struct job *j)
{
	return arena_printf(j->arena, TRACK_ENV "=%s/%s@%s", j->service,
			    j->res->rid, j->node);
}

static const char *cgroup_of(const struct job *j)
{
	return arena_printf(j->arena, "encap/%s/%s", j->service,
			    job_plain_rid(j));
}

int track_begin(const struct job *j, struct track *t, struct err *err)
{
	int rc = file_of(j, t, err);

	if (rc < 0)
		return rc;
	t->token = token_of(j);
	rc = cgroup_make(j->arena, cgroup_of(j), &t->cgroup, err);
	return rc < 0 ? rc : save(t, err);
}

int track_join(const struct track *t, struct run *r, struct err *err)
{
	int fd;

	if (!t->cgroup)
		return 0;
	fd = cgroup_join_fd(t->cgroup, err);
	if (fd < 0)
		return fd;
	r->cgroups[r->n_cgroups++] = fd;
	return 0;
}

void track_joined(struct run *r)
{
	while (r->n_cgroups)
		close(r->cgroups[--r->n_cgroups]);
}

int track_main(struct track *t, pid_t pid, struct err *err)
{
	struct proc p;

	/* One that ended already has no start time, and never is alive. */
	t->main.pid = pid;
	t->main.start = proc_read(pid, &p) ? p.start : 1;
	return save(t, err);
}

/* -- the processes ----------------------------------------------------------
 */

static bool main_is(const struct track *t, const struct proc *p)
{
	return t->main.pid > 0 && p->pid == t->main.pid &&
	       p->start == t->main.start;
}

bool track_alive(const struct track *t)
{
	struct proc p;

	return t->main.pid > 0 && proc_read(t->main.pid, &p) &&
	       p.state != 'Z' && main_is(t, &p);
}

static size_t scan(const struct track *t, pid_t *pids, size_t max)
{
	bool alive = track_alive(t);
	DIR *d = opendir("/proc");
	struct dirent *e;
	size_t n = 0;

	while (d && n < max && (e = readdir(d))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
		struct proc p;

		if (pid <= 1 || !proc_read(pid, &p) || p.state == 'Z')
			continue;
		if ((alive && p.session == t->main.pid) ||
		    proc_has_env(pid, t->token))
			pids[n++] = pid;
	}
	if (d)
		closedir(d);
	return n;
}

size_t track_pids(const struct track *t, struct arena *a, pid_t **ret)
{
	*ret = ARENA_VEC(a, pid_t, TRACK_MAX);
	if (t->cgroup)
		return cgroup_pids(t->cgroup, *ret, TRACK_MAX);
	return scan(t, *ret, TRACK_MAX);
}

/* The agent ended between a start and track_main(): the one that stays knows
 * its own pid from its environment (run.h). */
static void adopt_main(struct arena *a, struct track *t)
{
	pid_t *pids;
	size_t n = track_pids(t, a, &pids);

	for (size_t i = 0; i < n; i++) {
		struct proc p;

		if (proc_has_env(pids[i], arena_printf(a, RUN_PID_ENV "=%d",
						       (int)pids[i])) &&
		    proc_read(pids[i], &p)) {
			t->main.pid = p.pid;
			t->main.start = p.start;
		}
	}
}

int track_load(const struct job *j, struct track *t, struct err *err)
{
	char *text;
	int rc = file_of(j, t, err);

	if (rc == 0)
		rc = job_file_read(j->arena, t->file, &text, err);
	if (rc != 0)
		return rc;
	if (parse(j->arena, text, t)) {
		if (!t->main.pid)
			adopt_main(j->arena, t);
		return 0;
	}
	return err_set(err, -EINVAL,
		       "%s is damaged; end what the resource had started by "
		       "hand, and remove the file",
		       t->file);
}

/* -- ending them ------------------------------------------------------------
 */

static size_t signal_all(const struct track *t, pid_t *pids, int signal)
{
	size_t n = t->cgroup ? cgroup_pids(t->cgroup, pids, TRACK_MAX)
			     : scan(t, pids, TRACK_MAX);

	for (size_t i = 0; signal && i < n; i++)
		kill(pids[i], signal);
	return n;
}

/* 0 when all are gone, 1 when some are left at @until_ms. */
static int wait_gone(const struct track *t, pid_t *pids, int signal,
		     int64_t until_ms)
{
	struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };

	while (signal_all(t, pids, signal)) {
		if (driver_now_ms() >= until_ms)
			return 1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static void wait_main(const struct track *t, int64_t until_ms)
{
	struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };

	while (track_alive(t) && driver_now_ms() < until_ms)
		nanosleep(&pause, NULL);
}

int track_wait(const struct job *j, const struct track *t, int64_t until_ms)
{
	pid_t *pids = ARENA_VEC(j->arena, pid_t, TRACK_MAX);

	if (!t->main.pid)
		return wait_gone(t, pids, 0, until_ms);
	wait_main(t, until_ms);
	return track_alive(t) ? 1 : 0;
}

int track_end(const struct job *j, const struct track *t, enum track_end how,
	      struct err *err)
{
	pid_t *pids = ARENA_VEC(j->arena, pid_t, TRACK_MAX);
	int64_t left = job_left_ms(j);
	int64_t share = left / 2 < KILL_SHARE_MS ? left / 2 : KILL_SHARE_MS;
	int64_t until = j->deadline_ms - share;

	if (how == TRACK_TERM_MAIN && track_alive(t)) {
		kill(t->main.pid, SIGTERM);
		wait_main(t, until);
	}
	/* What the main process has left behind is asked as well. */
	if (how != TRACK_KILL) {
		signal_all(t, pids, SIGTERM);
		if (wait_gone(t, pids, 0, until) == 0)
			return 0;
	}
	if (wait_gone(t, pids, SIGKILL, j->deadline_ms) == 0)
		return 0;
	return err_set(err, -ETIMEDOUT,
		       "process %d did not end, not even by SIGKILL",
		       (int)pids[0]);
}

void track_forget(const struct track *t)
{
	char parent[2048], *slash;

	unlink(t->file);
	if (!t->cgroup || !cgroup_remove(t->cgroup))
		return;
	/* "encap/SERVICE" and "encap", as far as they are empty now. */
	snprintf(parent, sizeof(parent), "%s", t->cgroup);
	for (int i = 0; i < 2 && (slash = strrchr(parent, '/')); i++) {
		*slash = '\0';
		rmdir(parent);
	}
}

int track_is_free(const struct job *j, struct err *err)
{
	struct track t;
	pid_t *pids;

	if (track_load(j, &t, NULL) != 0)
		return 0;
	if (track_pids(&t, j->arena, &pids))
		return err_set(err, -EBUSY, "it is still running");
	track_forget(&t);
	return 0;
}

static int end_run(const struct job *j, enum track_end how, struct err *err)
{
	struct track t;
	pid_t *pids;
	int rc = track_load(j, &t, err);

	if (rc != 0)
		return rc < 0 ? rc : DRIVER_NOOP;
	if (!track_pids(&t, j->arena, &pids)) {
		track_forget(&t);
		return DRIVER_NOOP;
	}
	rc = track_end(j, &t, how, err);
	if (rc >= 0)
		track_forget(&t);
	return rc;
}

int track_stop(const struct job *j, struct err *err)
{
	return end_run(j, TRACK_TERM_ALL, err);
}

int track_kill(const struct job *j, struct err *err)
{
	return end_run(j, TRACK_KILL, err);
}

void track_guard(const struct job *j, struct buf *out)
{
	driver_guard_item(out, "cgroup", cgroup_of(j), NULL);
	driver_guard_item(out, "env", token_of(j), NULL);
}
