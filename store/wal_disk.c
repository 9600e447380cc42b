/*
 * A directory of files, through one descriptor at a time: the one last used is
 * kept open, as a log writes to the same segment for long.
 *
 * Direct I/O writes past the page cache: about half the latency, and no copy
 * that could differ from what is on the disk. Not every file system has it, and
 * not every access is aligned; those go through the page cache, with the same
 * promise (O_DSYNC). Linux keeps the two views of a file the same.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/dir.h"
#include "store/wal_internal.h"

enum { ZERO_PIECE = 256 << 10 };

struct disk {
	int dir;
	bool no_direct; /* the file system has no direct I/O */
	int fd;		/* of `name`; -1: none */
	bool is_direct; /* it is */
	char name[NAME_MAX + 1];
};

static const char suffix[] = ".tmp";

static bool is_tmp(const char *name)
{
	size_t n = strlen(name), m = sizeof(suffix) - 1;

	return n >= m && strcmp(name + n - m, suffix) == 0;
}

static void forget(struct disk *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

static bool is_aligned(const void *buf, uint64_t off, size_t len)
{
	return ((uintptr_t)buf | off | len) % WAL_BLOCK == 0;
}

/* A descriptor of @name that suits the access, or a negated errno. */
static int use(struct disk *d, const char *name, bool want_direct)
{
	int flags = O_RDWR | O_DSYNC | O_CLOEXEC;
	int fd = -1;

	want_direct = want_direct && !d->no_direct;
	if (d->fd >= 0 && d->is_direct == want_direct &&
	    strcmp(d->name, name) == 0)
		return d->fd;
	forget(d);
	if (want_direct) {
		fd = openat(d->dir, name, flags | O_DIRECT);
		d->no_direct = fd < 0 && errno == EINVAL;
		want_direct = !d->no_direct;
	}
	if (!want_direct)
		fd = openat(d->dir, name, flags);
	if (fd < 0)
		return -errno;
	d->fd = fd;
	d->is_direct = want_direct;
	snprintf(d->name, sizeof(d->name), "%s", name);
	return fd;
}

/* One pread or pwrite; at the end of the file a read gives -EIO. */
static ssize_t transfer_some(int fd, bool is_write, uint64_t off, uint8_t *buf,
			     size_t len)
{
	ssize_t n = is_write ? pwrite(fd, buf, len, (off_t)off)
			     : pread(fd, buf, len, (off_t)off);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n ? n : -EIO;
}

static int transfer(struct disk *d, const char *name, bool is_write,
		    uint64_t off, uint8_t *buf, size_t len)
{
	while (len) {
		int fd = use(d, name, is_aligned(buf, off, len));
		ssize_t n;

		if (fd < 0)
			return fd;
		n = transfer_some(fd, is_write, off, buf, len);
		if (n == -EINVAL && d->is_direct) {
			/* Opened, and refused all the same. */
			d->no_direct = true;
			continue;
		}
		if (n < 0)
			return (int)n;
		off += (uint64_t)n;
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

static int disk_read(void *ctx, const char *name, uint64_t off, void *buf,
		     size_t len)
{
	return transfer(ctx, name, false, off, buf, len);
}

static int disk_write(void *ctx, const char *name, uint64_t off,
		      const void *buf, size_t len)
{
	/* It is only read from. */
	return transfer(ctx, name, true, off, (uint8_t *)buf, len);
}

static int disk_list(void *ctx, void (*each)(void *arg, const char *name),
		     void *arg)
{
	struct disk *d = ctx;
	struct dirent *e;
	int fd = openat(d->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int rc;

	if (!dir) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	for (;;) {
		errno = 0;
		e = readdir(dir);
		if (!e)
			break;
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 && !is_tmp(e->d_name))
			each(arg, e->d_name);
	}
	rc = -errno;
	closedir(dir);
	return rc;
}

static int disk_size(void *ctx, const char *name, uint64_t *ret)
{
	const struct disk *d = ctx;
	struct stat st;

	if (fstatat(d->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	*ret = (uint64_t)st.st_size;
	return 0;
}

/* Written, not only reserved: the first use of a reserved block would change
 * the file system's own records once more, and a write that must wait for
 * those takes twice as long. */
static int fill(int fd, uint64_t size)
{
	uint8_t *zeros = NULL;
	uint64_t off = 0;
	int rc;

	if (size && fallocate(fd, 0, 0, (off_t)size) < 0 &&
	    errno != EOPNOTSUPP && errno != ENOSYS)
		return -errno;
	zeros = calloc(1, ZERO_PIECE);
	rc = zeros ? 0 : -ENOMEM;
	while (off < size && rc == 0) {
		size_t len = size - off < ZERO_PIECE ? (size_t)(size - off)
						     : ZERO_PIECE;
		ssize_t n = transfer_some(fd, true, off, zeros, len);

		if (n < 0)
			rc = (int)n;
		else
			off += (uint64_t)n;
	}
	free(zeros);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	return rc;
}

static int disk_create(void *ctx, const char *name, uint64_t size)
{
	struct disk *d = ctx;
	char tmp[NAME_MAX + 1];
	int fd, rc;

	snprintf(tmp, sizeof(tmp), "%s%s", name, suffix);
	fd = openat(d->dir, tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = fill(fd, size);
	close(fd);
	forget(d); /* @name may be open, and is about to be replaced */
	if (rc == 0 && renameat(d->dir, tmp, d->dir, name) < 0)
		rc = -errno;
	if (rc < 0) {
		unlinkat(d->dir, tmp, 0);
		return rc;
	}
	return dir_sync(d->dir);
}

static int disk_rename(void *ctx, const char *from, const char *to)
{
	struct disk *d = ctx;

	forget(d);
	if (renameat(d->dir, from, d->dir, to) < 0)
		return -errno;
	return dir_sync(d->dir);
}

static int disk_remove(void *ctx, const char *name)
{
	struct disk *d = ctx;

	forget(d);
	if (unlinkat(d->dir, name, 0) < 0)
		return -errno;
	return dir_sync(d->dir);
}

/* What creations left that a crash interrupted. */
static int sweep(int fd, struct err *err)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (!dir) {
		int rc = -errno;

		if (copy >= 0)
			close(copy);
		return err_set(err, rc, "list: %s", strerror(-rc));
	}
	while ((e = readdir(dir)))
		if (is_tmp(e->d_name))
			unlinkat(fd, e->d_name, 0);
	closedir(dir);
	return 0;
}

int wal_disk_open(struct wal_disk *ret, const char *path, struct err *err)
{
	struct disk *d;
	int rc, fd = dir_open(path, err);

	if (fd < 0)
		return err_wrap(err, fd, "log directory");
	rc = sweep(fd, err);
	d = rc < 0 ? NULL : calloc(1, sizeof(*d));
	if (!d) {
		close(fd);
		return rc < 0 ? err_wrap(err, rc, "log directory %s", path)
			      : wal_no_memory(err);
	}
	d->dir = fd;
	d->fd = -1;
	*ret = (struct wal_disk){ .ctx = d,
				  .list = disk_list,
				  .create = disk_create,
				  .size = disk_size,
				  .read = disk_read,
				  .write = disk_write,
				  .rename = disk_rename,
				  .remove = disk_remove };
	return 0;
}

void wal_disk_close(struct wal_disk *w)
{
	struct disk *d = w->ctx;

	if (!d)
		return;
	forget(d);
	close(d->dir);
	free(d);
	*w = (struct wal_disk){ 0 };
}
