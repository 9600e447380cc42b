/*
 * fs.directory - a directory that is to be there, owned as said.
 *
 *   path                 the directory
 *   user, group, perm    whose it is to be; what is not given is not looked at
 *
 * start makes it, with its parents, and sets owner and mode; so does a
 * provision, which marks what it makes. stop leaves it; an unprovision removes
 * what is marked, if it is empty.
 * As it has no down but being absent, it shows n/a where all is well, so that
 * it never makes an instance look up by itself.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/drivers.h"
#include "drivers/job.h"
#include "drivers/mark.h"
#include "drivers/owner.h"

static int probe(const struct job *j, struct probe *ret, struct err *err)
{
	const char *path, *differs;
	struct owner owner;
	struct stat st;
	int rc = job_need(j, "path", &path, err);

	if (rc < 0)
		return rc;
	ret->label = path;
	if (stat(path, &st) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return err_set(err, -errno, "%s: look at it: %s", path,
				       strerror(errno));
		ret->status = STATUS_DOWN;
		return 0;
	}
	ret->status = STATUS_NA;
	if (!S_ISDIR(st.st_mode)) {
		ret->status = STATUS_WARN;
		probe_log(j, ret, "warn", "%s is no directory", path);
		return 0;
	}
	rc = owner_read(j, &owner, err);
	if (rc == 0)
		rc = owner_differs(&owner, path, j->arena, &differs, err);
	if (rc == 0 && differs) {
		ret->status = STATUS_WARN;
		probe_log(j, ret, "warn", "%s", differs);
	}
	return rc;
}

static int start(const struct job *j, struct err *err)
{
	const char *path, *differs;
	struct owner owner;
	struct stat st;
	bool there;
	int rc = job_need(j, "path", &path, err);

	if (rc == 0)
		rc = owner_read(j, &owner, err);
	if (rc < 0)
		return rc;
	there = stat(path, &st) == 0;
	rc = dir_make(path, 0755, err);
	if (rc == 0)
		rc = owner_differs(&owner, path, j->arena, &differs, err);
	if (rc < 0)
		return rc;
	if (there && !differs)
		return DRIVER_NOOP;
	return owner_apply(&owner, path, err);
}

static int provision(const struct job *j, struct err *err)
{
	const char *path;
	int rc = job_need(j, "path", &path, err);
	bool there;

	if (rc < 0)
		return rc;
	there = access(path, F_OK) == 0;
	rc = start(j, err);
	if (rc == 0 && !there) /* unmarked, an unprovision leaves it */
		mark_put(j, path, MARK_DONE, NULL);
	return rc;
}

static int unprovision(const struct job *j, struct err *err)
{
	const char *path;
	int rc = job_need(j, "path", &path, err);

	if (rc < 0)
		return rc;
	if (job_hidden(j, path))
		return DRIVER_LEFT;
	if (access(path, F_OK) < 0)
		return DRIVER_NOOP;
	if (mark_get(j, path) == MARK_NONE)
		return DRIVER_LEFT;
	if (rmdir(path) == 0)
		return 0;
	if (errno == ENOTEMPTY || errno == EEXIST)
		return DRIVER_LEFT;
	return err_set(err, -errno, "%s: remove: %s", path, strerror(errno));
}

const struct driver driver_fs_directory = {
	.group = "fs",
	.kind = "directory",
	.summary = "a directory that is there, owned as said",
	.start_timeout_ms = 10000,
	.stop_timeout_ms = 10000,
	.probe = probe,
	.start = start,
	.provision = provision,
	.unprovision = unprovision,
};
