/*
 * fs.flag - a file that says "up". It takes part in everything a resource does
 * and touches nothing: for tests, demonstrations and learning.
 *
 *   (no keywords)    the file is RUN_DIR/flag/SERVICE/RID.flag
 *
 * It lies below the run directory, so a reboot takes it down.
 */
#include <errno.h>
#include <unistd.h>

#include "drivers/drivers.h"
#include "drivers/job.h"

static int probe(const struct job *j, struct probe *ret, struct err *err)
{
	int rc = job_file(j, "flag", ".flag", false, &ret->label, err);

	if (rc < 0)
		return rc;
	if (access(ret->label, F_OK) == 0)
		ret->status = STATUS_UP;
	else if (errno == ENOENT)
		ret->status = STATUS_DOWN;
	else
		return err_set(err, -errno, "%s: cannot be looked at",
			       ret->label);
	return 0;
}

static int start(const struct job *j, struct err *err)
{
	const char *path;
	int rc = job_file(j, "flag", ".flag", false, &path, err);

	if (rc < 0)
		return rc;
	if (access(path, F_OK) == 0)
		return DRIVER_NOOP;
	return job_file_write(path, "", err);
}

static int stop(const struct job *j, struct err *err)
{
	const char *path;
	int rc = job_file(j, "flag", ".flag", false, &path, err);

	if (rc < 0)
		return rc;
	rc = job_file_remove(path, err);
	return rc > 0 ? DRIVER_NOOP : rc;
}

const struct driver driver_fs_flag = {
	.group = "fs",
	.kind = "flag",
	.summary = "a file that says up; touches nothing",
	.start_timeout_ms = 5000,
	.stop_timeout_ms = 5000,
	.probe = probe,
	.start = start,
	.stop = stop,
};
