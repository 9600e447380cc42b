/*
 * A command on this machine that is run by a schedule, or on demand. Its
 * processes are found again as those of an app are, so a stop ends what is left
 * of it, whoever has started it.
 */
#include <string.h>

#include "drivers/app_command.h"
#include "drivers/drivers.h"
#include "drivers/job.h"
#include "drivers/track.h"

static int probe(const struct job *j, struct probe *ret, struct err *err)
{
	const char *check = job_kw(j, "check"), *codes = job_kw(j, "retcodes");

	(void)err;
	ret->label = job_clean(j->arena, job_kw(j, "command"));
	ret->status = STATUS_NA;
	if (!check || strcmp(check, "last_run") != 0 || !j->has_run)
		return 0;
	ret->status = app_retcode(codes ? codes : "0:up 1:down", j->last_code);
	if (ret->status == STATUS_UNDEF)
		ret->status = STATUS_WARN;
	if (j->last_code < 0)
		probe_log(j, ret, "warn", "its last run failed");
	else if (ret->status == STATUS_WARN)
		probe_log(j, ret, "warn", "its last run ended with code %d",
			  j->last_code);
	return 0;
}

static void on_error(const struct job *j, const struct app *a)
{
	const char *command = job_kw(j, "on_error");
	const char *const *argv;
	struct run r;

	if (!command || run_split(j->arena, command, &argv, NULL) < 0)
		return;
	app_prepare(j, a, APP_START, argv, &r);
	run_wait(&r, NULL);
}

static int run_command(const struct job *j, const struct app *a,
		       const char *const *argv, struct err *err)
{
	struct track t;
	struct run r;
	int rc = track_begin(j, &t, err);

	if (rc < 0)
		return rc;
	app_prepare(j, a, APP_RUN, argv, &r);
	rc = app_join(a, &t, &r, err);
	if (rc == 0)
		rc = run_wait(&r, err);
	track_joined(&r);
	if (rc >= 0 && j->ret_said && job_kw_bool(j, "log", true))
		*j->ret_said = job_clean(j->arena, run_said(&r));
	/* What it has left behind ends with it. */
	if (track_end(j, &t, TRACK_KILL, NULL) >= 0)
		track_forget(&t);
	return rc < 0 ? rc : r.code;
}

static int run(const struct job *j, struct err *err)
{
	const char *const *argv;
	const char *command;
	struct app a;
	int rc = job_need(j, "command", &command, err);

	if (rc == 0)
		rc = track_is_free(j, err);
	if (rc == 0)
		rc = app_read(j, &a, err);
	if (rc == 0)
		rc = app_need_secrets(j, err);
	if (rc == 0)
		rc = run_split(j->arena, command, &argv, err);
	if (rc < 0)
		return rc;
	rc = run_command(j, &a, argv, err);
	if (rc != 0)
		on_error(j, &a);
	return rc;
}

const struct driver driver_task_host = {
	.group = "task",
	.kind = "host",
	.summary = "a command that is run by a schedule, or on demand",
	.start_timeout_ms = 60000,
	.stop_timeout_ms = 30000,
	.probe = probe,
	.stop = track_stop,
	.kill = track_kill,
	.run = run,
	.guard = track_guard,
};
