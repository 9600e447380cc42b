#include "store/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int dir_sync(int fd)
{
	return fsync(fd) < 0 ? -errno : 0;
}

/* A directory that a crash could take back would take the log with it. */
static int sync_parent(int fd)
{
	int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (parent < 0)
		return -errno;
	rc = dir_sync(parent);
	close(parent);
	return rc;
}

int dir_open(const char *path, struct err *err)
{
	bool made = mkdir(path, 0700) == 0;
	int fd, rc;

	if (!made && errno != EEXIST)
		return err_set(err, -errno, "make directory %s: %s", path,
			       strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "open directory %s: %s", path,
			       strerror(errno));
	rc = made ? sync_parent(fd) : 0;
	if (rc < 0) {
		err_set(err, rc, "sync the parent of %s: %s", path,
			strerror(-rc));
	} else if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
		err_set(err, rc, "lock %s: %s", path,
			rc == -EBUSY ? "another agent runs on it; stop it first"
				     : strerror(-rc));
	}
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);
	ssize_t n;

	for (; left; text += n, left -= (size_t)n) {
		n = write(fd, text, left);
		if (n < 0 && errno == EINTR)
			n = 0;
		if (n < 0)
			return -errno;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int dir_write(int dir, const char *name, const char *text)
{
	char tmp[NAME_MAX + 1];
	int fd, rc;

	snprintf(tmp, sizeof(tmp), "%s.tmp", name);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, text);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && renameat(dir, tmp, dir, name) < 0)
		rc = -errno;
	return rc < 0 ? rc : dir_sync(dir);
}
