/*
 * disk.loop - a block device whose content is a file.
 *
 *   file    the file; it must exist. Its size is its own business: `size` is
 *           for provisioning
 *
 * start attaches a free loop device, stop detaches it, and both look at the
 * kernel for what is attached (loop.h says whose a device is). Which device it
 * is, /dev/loopN, differs from start to start: what uses it names the file, or
 * LABEL= or UUID= of what is on it.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "drivers/drivers.h"
#include "drivers/job.h"
#include "drivers/loop.h"

static int probe(const struct job *j, struct probe *ret, struct err *err)
{
	const char *file;
	struct loop l;
	int rc = job_need(j, "file", &file, err);

	if (rc < 0)
		return rc;
	ret->label = file;
	rc = loop_find(j, file, &l, err);
	if (rc < 0)
		return rc;
	ret->status = rc == 0 ? STATUS_UP : STATUS_DOWN;
	if (rc == 0)
		probe_log(j, ret, "info", "%s", l.path);
	return 0;
}

static int start(const struct job *j, struct err *err)
{
	const char *file;
	struct stat st;
	struct loop l;
	int rc = job_need(j, "file", &file, err);

	if (rc < 0)
		return rc;
	if (stat(file, &st) < 0)
		return err_set(err, -errno, "%s: %s", file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s is no regular file", file);
	rc = loop_find(j, file, &l, err);
	if (rc <= 0)
		return rc < 0 ? rc : DRIVER_NOOP;
	return loop_attach(j, file, false, &l, NULL, err);
}

static int stop(const struct job *j, struct err *err)
{
	const char *file;
	struct loop l;
	int rc = job_need(j, "file", &file, err);

	if (rc == 0)
		rc = loop_find(j, file, &l, err);
	if (rc != 0)
		return rc < 0 ? rc : DRIVER_NOOP;
	return loop_detach(j, &l, file, err);
}

const struct driver driver_disk_loop = {
	.group = "disk",
	.kind = "loop",
	.summary = "a block device whose content is a file",
	.start_timeout_ms = 10000,
	.stop_timeout_ms = 10000,
	.probe = probe,
	.start = start,
	.stop = stop,
};
