/*
 * disk.loop - a block device whose content is a file.
 *
 *   file    the file; a start finds it there
 *   size    how large a provision makes it
 *
 * start attaches a free loop device, stop detaches it, and both look at the
 * kernel for what is attached (loop.h says whose a device is). Which device it
 * is, /dev/loopN, differs from start to start: what uses it names the file, or
 * LABEL= or UUID= of what is on it.
 *
 * provision makes a sparse file under another name and links it to its own when
 * it is whole and marked: nobody ever sees half of it, and no file that is
 * there already is touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/drivers.h"
#include "drivers/job.h"
#include "drivers/loop.h"
#include "drivers/mark.h"

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
	ret->provisioned = rc == 0 ? PROVISIONED_YES : job_made(j, file);
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
	if (stat(file, &st) < 0 && errno == ENOENT)
		return err_set(err, -ENOENT,
			       "%s is not there: 'encap provision %s' makes it",
			       file, j->service);
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

/* -- provision ------------------------------------------------------------ */

static int file_size(const struct job *j, off_t *ret, struct err *err)
{
	const char *size;
	char *end;
	int rc = job_need(j, "size", &size, err);

	if (rc < 0)
		return rc;
	errno = 0;
	*ret = strtoll(size, &end, 10);
	if (*end || errno || *ret <= 0)
		return err_set(err, -EINVAL,
			       "size '%s' is not how large a file can be made",
			       size);
	return 0;
}

static int make_file(const struct job *j, const char *temp, off_t size,
		     struct err *err)
{
	int fd = open(temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = 0;

	if (fd < 0)
		return err_set(err, -errno, "%s: make it: %s", temp,
			       strerror(errno));
	if (ftruncate(fd, size) < 0)
		rc = err_set(err, -errno, "%s: %lld bytes: %s", temp,
			     (long long)size, strerror(errno));
	if (rc == 0)
		rc = mark_put(j, temp, MARK_DONE, err);
	if (rc == 0 && fsync(fd) < 0)
		rc = err_set(err, -errno, "%s: %s", temp, strerror(errno));
	close(fd);
	return rc;
}

static int provision(const struct job *j, struct err *err)
{
	const char *file, *temp, *slash, *hidden;
	off_t size;
	int rc = job_need(j, "file", &file, err);

	if (rc < 0)
		return rc;
	hidden = job_hidden(j, file);
	if (hidden)
		return err_set(err, -ENOENT, "%s: %s is not mounted", file,
			       hidden);
	if (access(file, F_OK) == 0)
		return DRIVER_NOOP;
	rc = file_size(j, &size, err);
	slash = strrchr(file, '/');
	if (rc == 0 && slash && slash > file)
		rc = dir_make(arena_printf(j->arena, "%.*s",
					   (int)(slash - file), file),
			      0755, err);
	if (rc < 0)
		return rc;
	temp = arena_printf(j->arena, "%s.encap-new", file);
	/* Of a provision that was cut short. */
	if (mark_get(j, temp) != MARK_NONE)
		unlink(temp);
	rc = make_file(j, temp, size, err);
	if (rc == 0 && link(temp, file) < 0)
		rc = err_set(err, -errno, "%s: %s", file, strerror(errno));
	if (rc == 0 || mark_get(j, temp) != MARK_NONE)
		unlink(temp);
	return rc;
}

static int unprovision(const struct job *j, struct err *err)
{
	const char *file;
	struct loop l;
	int rc = job_need(j, "file", &file, err);

	if (rc == 0)
		rc = loop_find(j, file, &l, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, -EBUSY, "%s is attached to %s", file,
			       l.path);
	if (job_hidden(j, file))
		return DRIVER_LEFT;
	if (access(file, F_OK) < 0)
		return DRIVER_NOOP;
	if (mark_get(j, file) == MARK_NONE)
		return DRIVER_LEFT;
	return job_file_remove(file, err);
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
	.provision = provision,
	.unprovision = unprovision,
};
