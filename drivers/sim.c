#include "drivers/sim.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "drivers/job.h"

static bool fails(const struct job *j, const char *op)
{
	const char *at = job_kw(j, "fail");
	size_t n = strlen(op);

	while (at && *at) {
		size_t word = strcspn(at, " ,\t");

		if (word == n && strncmp(at, op, n) == 0)
			return true;
		at += word;
		at += strspn(at, " ,\t");
	}
	return false;
}

/* -- provisioned ---------------------------------------------------------- */

static bool must_be_made(const struct job *j)
{
	return job_kw_bool(j, "needs_provision", false);
}

static enum provisioned made(const struct job *j)
{
	const char *path;

	if (!must_be_made(j) ||
	    job_file(j, "sim", ".made", false, &path, NULL) < 0)
		return PROVISIONED_NA;
	return access(path, F_OK) == 0 ? PROVISIONED_YES : PROVISIONED_NO;
}

int sim_provision(const struct job *j, struct err *err)
{
	const char *path;
	int rc = job_file(j, "sim", ".made", false, &path, err);

	if (rc < 0 || made(j) != PROVISIONED_NO)
		return rc < 0 ? rc : DRIVER_NOOP;
	if (fails(j, "provision"))
		return err_set(err, -EIO,
			       "the provision fails, as fail= asks for");
	return job_file_write(path, "made\n", err);
}

int sim_unprovision(const struct job *j, struct err *err)
{
	const char *path;
	int rc = job_file(j, "sim", ".made", false, &path, err);

	if (rc < 0 || made(j) != PROVISIONED_YES)
		return rc < 0 ? rc : DRIVER_NOOP;
	if (fails(j, "unprovision"))
		return err_set(err, -EIO,
			       "the unprovision fails, as fail= asks for");
	return job_file_remove(path, err);
}

/* -- up and down ----------------------------------------------------------- */

int sim_probe(const struct job *j, struct probe *ret, struct err *err)
{
	const char *path;
	int rc = job_file(j, "sim", "", false, &path, err);

	if (rc < 0)
		return rc;
	if (fails(j, "probe"))
		return err_set(err, -EIO, "the probe fails, as fail= asks for");
	ret->status = access(path, F_OK) == 0 ? STATUS_UP : STATUS_DOWN;
	ret->provisioned = made(j);
	return 0;
}

/* The file goes last, both ways: a start that did not get to its end is not up,
 * a stop that did not is not down. */
int sim_start(const struct job *j, struct err *err)
{
	const char *path;
	int rc = job_file(j, "sim", "", false, &path, err);

	if (rc < 0)
		return rc;
	if (access(path, F_OK) == 0)
		return DRIVER_NOOP;
	if (made(j) == PROVISIONED_NO)
		return err_set(err, -ENOENT,
			       "it is not provisioned: 'encap provision %s'",
			       j->service);
	rc = job_sleep(j, job_kw_int(j, "start_delay", 0), "simulated start",
		       err);
	if (rc < 0)
		return rc;
	if (fails(j, "start"))
		return err_set(err, -EIO, "the start fails, as fail= asks for");
	return job_file_write(path, "up\n", err);
}

int sim_stop(const struct job *j, struct err *err)
{
	const char *path;
	int rc = job_file(j, "sim", "", false, &path, err);

	if (rc < 0)
		return rc;
	if (access(path, F_OK) < 0)
		return DRIVER_NOOP;
	if (fails(j, "stop"))
		return err_set(err, -EIO, "the stop fails, as fail= asks for");
	rc = job_sleep(j, job_kw_int(j, "stop_delay", 0), "simulated stop",
		       err);
	return rc < 0 ? rc : job_file_remove(path, err);
}

int sim_kill(const struct job *j, struct err *err)
{
	const char *path;
	int rc = job_file(j, "sim", "", false, &path, err);

	if (rc < 0)
		return rc;
	rc = job_file_remove(path, err);
	return rc > 0 ? DRIVER_NOOP : rc;
}
