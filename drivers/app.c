/*
 * app.simple, app.forking - programs of the service.
 *
 *   start     simple: the command that stays, kept by us
 *             forking: a command that starts something and ends
 *   stop, check           commands; simple can do without
 *   script    called with "start", "stop", "check" where those are true, or a
 *             number; if relative, from ETC_DIR/services/SERVICE.d
 *   retcodes, status_log, check_timeout, timeout, user, group, cwd, umask,
 *   environment, limit_*, kill (app_command.h)
 *
 * What a start starts is put into a cgroup of its own and written down
 * (track.h), so that any later agent knows it. A simple app is up when the
 * process that its start became is there; a forking one, and a simple one with
 * a check, is what its check says. With neither it shows n/a.
 *
 * A stop runs the stop command and waits; what a simple app, or a forking one
 * without a stop command, still has then gets SIGTERM and, when the time is
 * nearly over, SIGKILL. A kill is SIGKILL at once, to all that was started;
 * where nothing is known (the start asked another daemon), the stop command.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/app_command.h"
#include "drivers/drivers.h"
#include "drivers/job.h"
#include "drivers/track.h"

#define RETCODES  "0:up 1:down"
#define SETTLE_MS 100
#define POLL_MS	  50 /* between two checks; doubled each time, up to */
#define POLL_MAX  1000
#define LOG_MAX	  (1024L * 1024)
#define NO_CHECK  STATUS_UNDEF

static bool is_simple(const struct job *j)
{
	return strcmp(j->res->type, "simple") == 0;
}

/* -- check ------------------------------------------------------------------
 */

struct check {
	enum status status; /* NO_CHECK: there is none */
	const char *said, *problem;
};

static int64_t check_deadline(const struct job *j)
{
	int64_t limit = job_kw_int(j, "check_timeout", 0);

	if (limit <= 0)
		limit = job_kw_int(j, "timeout", 0);
	if (limit <= 0 || limit > job_left_ms(j))
		return j->deadline_ms;
	return driver_now_ms() + limit;
}

static int run_check(const struct job *j, const struct app *a,
		     struct check *ret, struct err *err)
{
	const char *codes = job_kw(j, "retcodes");
	const char *const *argv;
	struct err e = { 0 };
	struct run r;
	int rc = app_argv(j, a, APP_CHECK, &argv, err);

	*ret = (struct check){ .status = NO_CHECK, .said = "" };
	if (rc != 0)
		return rc < 0 ? rc : 0;
	app_prepare(j, a, APP_CHECK, argv, &r);
	r.deadline_ms = check_deadline(j);
	rc = run_wait(&r, &e);
	ret->said = arena_printf(j->arena, "%s", run_said(&r));
	ret->status = STATUS_WARN;
	if (rc < 0) {
		ret->problem = arena_printf(j->arena, "%s", e.text);
		return 0;
	}
	ret->status = app_retcode(codes ? codes : RETCODES, r.code);
	if (ret->status != STATUS_UNDEF)
		return 0;
	ret->status = STATUS_WARN;
	ret->problem = arena_printf(
		j->arena, "check: exit code %d is not in retcodes%s%s", r.code,
		*ret->said ? ": " : "", ret->said);
	return 0;
}

/* Until check says up, for a start, or no longer up, for a stop. */
static int wait_check(const struct job *j, const struct app *a, bool up,
		      struct err *err)
{
	int64_t pause = POLL_MS;
	struct check c;

	for (;; pause = pause * 2 < POLL_MAX ? pause * 2 : POLL_MAX) {
		int rc = run_check(j, a, &c, err);

		if (rc < 0)
			return rc;
		if (c.status == NO_CHECK || (c.status == STATUS_UP) == up)
			return 0;
		if (job_sleep(j, pause, "check", NULL) < 0)
			return err_set(err, -ETIMEDOUT,
				       "%s, but check says %s%s%s",
				       up ? "it was started" : "it was stopped",
				       status_name(c.status),
				       *c.said ? ": " : "", c.said);
	}
}

/* -- probe ------------------------------------------------------------------
 */

static const char *base_name(const struct job *j, const char *text)
{
	const char *word =
		arena_printf(j->arena, "%.*s", (int)strcspn(text, " \t"), text);
	const char *slash = strrchr(word, '/');

	return slash ? slash + 1 : word;
}

static const char *label(const struct job *j)
{
	const char *script = job_kw(j, "script"), *start = job_kw(j, "start");

	if (strcmp(j->res->rid, "app") == 0)
		return "app";
	if (script)
		return base_name(j, script);
	return start && !app_calls_script(start) && !app_means_none(start)
		       ? base_name(j, start)
		       : "app";
}

/* The output of what runs is kept on the run directory's tmpfs: not for ever.
 * Writers append, so they go on at the new end. */
static void trim_log(const struct app *a)
{
	struct stat st;

	if (stat(a->log, &st) == 0 && st.st_size > LOG_MAX &&
	    truncate(a->log, 0) < 0)
		return; /* as well next time */
}

static int probe_process(const struct job *j, struct probe *ret,
			 struct err *err)
{
	struct track t;
	pid_t *pids;
	size_t n;
	int rc = track_load(j, &t, err);

	ret->status = STATUS_DOWN;
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (track_alive(&t)) {
		ret->status = STATUS_UP;
		return 0;
	}
	n = track_pids(&t, j->arena, &pids);
	if (n) {
		ret->status = STATUS_WARN;
		probe_log(j, ret, "warn",
			  "process %d has ended, but %zu that it started are "
			  "left, the first is %d",
			  (int)t.main.pid, n, (int)pids[0]);
	}
	return 0;
}

static bool script_missing(const struct job *j, const struct app *a)
{
	const char *check = job_kw(j, "check");

	return check && app_calls_script(check) && a->script &&
	       access(a->script, F_OK) < 0;
}

static void probe_check(const struct job *j, const struct check *c,
			struct probe *ret)
{
	ret->status = c->status;
	if (c->problem)
		probe_log(j, ret, "warn", "%s", c->problem);
	else if (job_kw_bool(j, "status_log", false) && *c->said)
		probe_log(j, ret, "info", "%s", c->said);
}

static int probe(const struct job *j, struct probe *ret, struct err *err)
{
	const char *const *argv;
	struct check c;
	struct app a;
	int rc;

	ret->label = label(j);
	rc = app_read(j, &a, err);
	if (rc < 0)
		return rc;
	trim_log(&a);
	rc = app_argv(j, &a, APP_CHECK, &argv, err);
	if (rc < 0)
		return rc;
	if (rc > 0 && is_simple(j))
		return probe_process(j, ret, err);
	ret->status = STATUS_NA;
	if (rc > 0) {
		probe_log(j, ret, "info", "no checkup scripts");
	} else if (!j->instance_up) {
		probe_log(j, ret, "info", "not evaluated (instance not up)");
	} else if (script_missing(j, &a)) {
		ret->status = STATUS_WARN;
		probe_log(j, ret, "warn", "script %s is missing", a.script);
	} else {
		rc = run_check(j, &a, &c, err);
		if (rc < 0)
			return rc;
		probe_check(j, &c, ret);
	}
	return 0;
}

/* -- start ------------------------------------------------------------------
 */

/* The run of a start: tracked, with its output in a file, as what it starts
 * keeps that output open. */
static int prepare_start(const struct job *j, const struct app *a,
			 const char *const *argv, struct track *t,
			 struct run *r, struct err *err)
{
	int rc = app_need_secrets(j, err);

	app_prepare(j, a, APP_START, argv, r);
	r->log = a->log;
	if (rc == 0)
		rc = track_begin(j, t, err);
	return rc < 0 ? rc : app_join(a, t, r, err);
}

static int ended_at_once(struct run *r, struct err *err)
{
	const char *said;

	run_log_tail(r);
	said = run_said(r);
	return err_set(err, -EIO, "%s ended at once%s%s", r->argv[0],
		       *said ? ": " : "", said);
}

static int start_simple(const struct job *j, const struct app *a,
			const char *const *argv, struct track *t,
			struct err *err)
{
	struct run r;
	int rc = prepare_start(j, a, argv, t, &r, err);

	if (rc == 0)
		rc = run_detach(&r, err);
	track_joined(&r);
	if (rc == 0)
		rc = track_main(t, r.pid, err);
	if (rc == 0)
		rc = job_sleep(j, SETTLE_MS, "start", err);
	if (rc == 0 && !track_alive(t))
		rc = ended_at_once(&r, err);
	return rc;
}

static int start_forking(const struct job *j, const struct app *a,
			 const char *const *argv, struct track *t,
			 struct err *err)
{
	struct run r;
	int rc = prepare_start(j, a, argv, t, &r, err);

	if (rc == 0)
		rc = run_ok(&r, err);
	track_joined(&r);
	return rc;
}

/* What a failed start has started is ended, unless something of it ran before:
 * then the start failed for that, and what runs is not ours to judge. */
static void clear_away(const struct job *j, const struct track *t)
{
	struct job soon = *j;

	soon.deadline_ms = driver_now_ms() + 1000;
	if (t->file && track_end(&soon, t, TRACK_TERM_ALL, NULL) == 0)
		track_forget(t);
}

/* 1: it is up already. What is left of a simple app whose process has ended,
 * or whose check says that it is not up, would be in the way: it is ended. */
static int is_started(const struct job *j, const struct app *a, size_t *before,
		      struct err *err)
{
	struct track t;
	struct check c;
	pid_t *pids;
	int rc = run_check(j, a, &c, err);

	*before = 0;
	if (rc < 0 || c.status == STATUS_UP)
		return rc < 0 ? rc : 1;
	rc = track_load(j, &t, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (is_simple(j) && c.status == NO_CHECK && track_alive(&t))
		return 1;
	*before = track_pids(&t, j->arena, &pids);
	if (!is_simple(j) || !*before)
		return 0;
	*before = 0;
	return track_end(j, &t, TRACK_TERM_ALL, err);
}

static int start(const struct job *j, struct err *err)
{
	const char *const *argv;
	struct track t = { 0 };
	size_t before;
	struct app a;
	int rc = app_read(j, &a, err);

	if (rc == 0)
		rc = app_argv(j, &a, APP_START, &argv, err);
	if (rc != 0)
		return rc < 0 ? rc : DRIVER_NOOP;
	rc = is_started(j, &a, &before, err);
	if (rc != 0)
		return rc < 0 ? rc : DRIVER_NOOP;
	rc = (is_simple(j) ? start_simple : start_forking)(j, &a, argv, &t,
							   err);
	if (rc == 0)
		rc = wait_check(j, &a, true, err);
	if (rc < 0 && !before)
		clear_away(j, &t);
	return rc;
}

/* -- stop -------------------------------------------------------------------
 */

static enum track_end how_to_end(const struct job *j)
{
	const char *how = job_kw(j, "kill");

	return is_simple(j) && (!how || strcmp(how, "parent") == 0)
		       ? TRACK_TERM_MAIN
		       : TRACK_TERM_ALL;
}

static int run_stop(const struct job *j, const struct app *a,
		    const char *const *argv, struct err *err)
{
	struct run r;

	app_prepare(j, a, APP_STOP, argv, &r);
	r.log = a->log; /* a stop may start things too */
	return run_ok(&r, err);
}

/* What is known to run, and has to go. */
struct there {
	struct track track;
	bool tracked;		 /* there is a file */
	size_t n;		 /* processes */
	const char *const *stop; /* NULL: no command */
	struct check check;
};

static int look(const struct job *j, const struct app *a, struct there *w,
		struct err *err)
{
	pid_t *pids;
	int rc = track_load(j, &w->track, err);

	if (rc < 0)
		return rc;
	w->tracked = rc == 0;
	w->n = w->tracked ? track_pids(&w->track, j->arena, &pids) : 0;
	rc = app_argv(j, a, APP_STOP, &w->stop, err);
	if (rc > 0)
		w->stop = NULL;
	return rc < 0 ? rc : run_check(j, a, &w->check, err);
}

static void forget_if_gone(const struct job *j, const struct there *w)
{
	pid_t *pids;

	if (w->tracked && !track_pids(&w->track, j->arena, &pids))
		track_forget(&w->track);
}

static bool is_down(const struct job *j, const struct there *w)
{
	if (w->check.status != NO_CHECK)
		return w->check.status == STATUS_DOWN && !w->n;
	/* Without a check, a forking app's stop command has to find out. */
	return !w->n && (is_simple(j) || !w->stop);
}

/* The stop command, then the signals. A stop command that fails counts only
 * when it is all there is. */
static int end_it(const struct job *j, const struct app *a,
		  const struct there *w, struct err *err)
{
	bool ours = is_simple(j) || !w->stop || job_kw(j, "kill");
	int rc = w->stop ? run_stop(j, a, w->stop, err) : 0;

	if (rc < 0 && !ours)
		return rc;
	if (rc == 0 && w->stop && ours && w->n)
		track_wait(j, &w->track, driver_now_ms() + job_left_ms(j) / 2);
	if (ours && w->tracked) {
		int ended = track_end(j, &w->track, how_to_end(j), err);

		rc = ended < 0 || w->n ? ended : rc;
	}
	return rc < 0 ? rc : wait_check(j, a, false, err);
}

static int stop(const struct job *j, struct err *err)
{
	struct there w = { 0 };
	struct app a;
	int rc = app_read(j, &a, err);

	if (rc == 0)
		rc = look(j, &a, &w, err);
	if (rc < 0)
		return rc;
	if (is_down(j, &w)) {
		forget_if_gone(j, &w);
		return DRIVER_NOOP;
	}
	rc = end_it(j, &a, &w, err);
	if (rc == 0)
		forget_if_gone(j, &w);
	return rc;
}

static int kill_it(const struct job *j, struct err *err)
{
	struct there w = { 0 };
	const char *const *argv;
	struct app a;
	pid_t *pids;
	int rc = track_load(j, &w.track, err);

	w.tracked = rc == 0;
	w.n = rc == 0 ? track_pids(&w.track, j->arena, &pids) : 0;
	if (w.n)
		rc = track_end(j, &w.track, TRACK_KILL, err);
	if (rc < 0)
		return rc;
	forget_if_gone(j, &w);
	if (is_simple(j) || w.n)
		return w.n ? 0 : DRIVER_NOOP;
	rc = app_read(j, &a, err);
	if (rc == 0)
		rc = app_argv(j, &a, APP_STOP, &argv, err);
	if (rc != 0)
		return rc < 0 ? rc : DRIVER_NOOP;
	return run_stop(j, &a, argv, err);
}

const struct driver driver_app_simple = {
	.group = "app",
	.kind = "simple",
	.summary = "a program that stays, kept by the agent",
	.start_timeout_ms = 60000,
	.stop_timeout_ms = 60000,
	.probe = probe,
	.start = start,
	.stop = stop,
	.kill = kill_it,
	.guard = track_guard,
};

const struct driver driver_app_forking = {
	.group = "app",
	.kind = "forking",
	.summary = "programs that commands start, stop and check",
	.start_timeout_ms = 60000,
	.stop_timeout_ms = 60000,
	.probe = probe,
	.start = start,
	.stop = stop,
	.kill = kill_it,
	.guard = track_guard,
};
