#include "cluster/loop/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int disk_failed(struct err *err, const char *what, const char *path)
{
	int code = -errno;

	return err_set(err, code, "%s: %s: %s", path, what, strerror(-code));
}

static int read_all(struct arena *a, int fd, const char *path, size_t max,
		    char **ret, size_t *ret_len, struct err *err)
{
	struct stat st;
	size_t len = 0, room;
	char *text;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return disk_failed(err, "look at", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s: is no file", path);
	if ((unsigned long long)st.st_size > max)
		return DISK_TOO_LARGE;
	room = (size_t)st.st_size;
	text = arena_alloc(a, room + 1);
	while (len < room && (n = read(fd, text + len, room - len)) != 0) {
		if (n < 0 && errno != EINTR)
			return disk_failed(err, "read", path);
		len += n > 0 ? (size_t)n : 0;
	}
	text[len] = '\0';
	*ret = text;
	*ret_len = len;
	return 0;
}

int disk_read(struct arena *a, const char *path, size_t max, char **ret,
	      size_t *ret_len, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;

	if (fd < 0 && errno == ENOENT)
		return DISK_NOT_THERE;
	if (fd < 0)
		return disk_failed(err, "open", path);
	rc = read_all(a, fd, path, max, ret, ret_len, err);
	close(fd);
	return rc;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int create(const char *path, mode_t mode)
{
	int fd;

	if (unlink(path) < 0 && errno != ENOENT)
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd >= 0 && fchmod(fd, mode) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Sync and close; on failure the file is removed. */
static int finish(int fd, int rc, const char *path, struct err *err)
{
	if (rc < 0)
		disk_failed(err, "write", path);
	else if (fsync(fd) < 0)
		rc = disk_failed(err, "sync", path);
	close(fd);
	if (rc < 0)
		unlink(path);
	return rc < 0 && err ? err->code : rc;
}

int disk_write(const char *path, const void *data, size_t len, mode_t mode,
	       struct err *err)
{
	int fd = create(path, mode);

	if (fd < 0)
		return disk_failed(err, "create", path);
	return finish(fd, write_all(fd, data, len), path, err);
}

int disk_copy(const char *from, const char *to, mode_t mode, struct err *err)
{
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), out;
	char part[65536];
	ssize_t n;
	int rc = 0;

	if (in < 0)
		return disk_failed(err, "open", from);
	out = create(to, mode);
	if (out < 0) {
		rc = disk_failed(err, "create", to);
		close(in);
		return rc;
	}
	while (rc == 0 && (n = read(in, part, sizeof(part))) != 0)
		rc = n < 0 ? -1 : write_all(out, part, (size_t)n);
	rc = finish(out, rc, to, err);
	close(in);
	return rc;
}

int disk_sync_dir(const char *dir, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return disk_failed(err, "open", dir);
	if (fsync(fd) < 0 && errno != EINVAL)
		rc = disk_failed(err, "sync", dir);
	close(fd);
	return rc;
}

int disk_sync_parent(const char *path, struct err *err)
{
	char dir[PATH_MAX];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (!slash)
		return disk_sync_dir(".", err);
	*(slash == dir ? slash + 1 : slash) = '\0';
	return disk_sync_dir(dir, err);
}

int disk_replace(const char *path, const void *data, size_t len, mode_t mode,
		 struct err *err)
{
	char temp[PATH_MAX];
	int rc;

	if (snprintf(temp, sizeof(temp), "%s.new", path) >= (int)sizeof(temp))
		return err_set(err, -ENAMETOOLONG, "%.80s...: too long a path",
			       path);
	rc = disk_write(temp, data, len, mode, err);
	if (rc < 0)
		return rc;
	if (rename(temp, path) < 0) {
		rc = disk_failed(err, "replace", path);
		unlink(temp);
		return rc;
	}
	return disk_sync_parent(path, err);
}

int disk_make_dir(const char *path, mode_t mode, struct err *err)
{
	char part[PATH_MAX];
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(part))
		return err_set(err, -ENAMETOOLONG,
			       "'%.80s': no path for a "
			       "folder",
			       path);
	memcpy(part, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return disk_failed(err, "make folder", part);
		part[i] = path[i];
	}
	if (chmod(path, mode) < 0)
		return disk_failed(err, "set the mode of", path);
	return 0;
}
