#include "drivers/loop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "drivers/job.h"
#include "drivers/mountinfo.h"

#define LOOP_MAJOR 7
#define TRIES	   64 /* to get a free device that others want as well */
#define MARK	   "encap:"

/* The kernel's encoding of a device number in 32 bits, as the ioctl has it. */
static dev_t dev_decode(uint64_t d)
{
	return makedev((unsigned)((d & 0xfff00) >> 8),
		       (unsigned)((d & 0xff) | ((d >> 12) & 0xfff00)));
}

static void make_mark(const struct job *j, char *to, size_t size)
{
	snprintf(to, size, MARK "%s:", j->node);
}

/* What @nr holds; false if it holds nothing or cannot be asked. */
static bool loop_status(unsigned nr, struct loop_info64 *info)
{
	char path[32];
	int fd, rc;

	snprintf(path, sizeof(path), "/dev/loop%u", nr);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	rc = ioctl(fd, LOOP_GET_STATUS64, info);
	close(fd);
	return rc == 0;
}

static bool loop_holds(const struct job *j, unsigned nr, const struct stat *st)
{
	char mark[LO_NAME_SIZE];
	struct loop_info64 info;
	const char *name;

	if (!loop_status(nr, &info))
		return false;
	info.lo_file_name[LO_NAME_SIZE - 1] = '\0';
	name = (const char *)info.lo_file_name;
	make_mark(j, mark, sizeof(mark));
	if (strncmp(name, MARK, strlen(MARK)) == 0 &&
	    strncmp(name, mark, strlen(mark)) != 0)
		return false;
	return dev_decode(info.lo_device) == st->st_dev &&
	       info.lo_inode == st->st_ino;
}

static struct loop loop_numbered(unsigned nr)
{
	struct loop l = { .dev = makedev(LOOP_MAJOR, nr) };

	snprintf(l.path, sizeof(l.path), "/dev/loop%u", nr);
	return l;
}

/* Those in use have a folder "loop" in sysfs. */
static bool is_attached(const char *name, unsigned *nr)
{
	char path[300], after;

	if (sscanf(name, "loop%u%c", nr, &after) != 1)
		return false;
	snprintf(path, sizeof(path), "/sys/block/%s/loop/backing_file", name);
	return access(path, F_OK) == 0;
}

int loop_find(const struct job *j, const char *file, struct loop *ret,
	      struct err *err)
{
	struct dirent *e;
	struct stat st;
	unsigned nr;
	int rc = 1;
	DIR *d;

	if (stat(file, &st) < 0) {
		if (errno == ENOENT)
			return 1;
		return err_set(err, -errno, "%s: look at it: %s", file,
			       strerror(errno));
	}
	d = opendir("/sys/block");
	if (!d)
		return err_set(err, -errno, "/sys/block: open: %s",
			       strerror(errno));
	while (rc == 1 && (e = readdir(d))) {
		if (is_attached(e->d_name, &nr) && loop_holds(j, nr, &st)) {
			*ret = loop_numbered(nr);
			rc = 0;
		}
	}
	closedir(d);
	return rc;
}

bool loop_is(const struct job *j, dev_t dev, const char *file)
{
	struct stat st;

	return major(dev) == LOOP_MAJOR && stat(file, &st) == 0 &&
	       loop_holds(j, minor(dev), &st);
}

/* -- attach -------------------------------------------------------------- */

/* The device file may be made by udev, a moment after the device. */
static int open_device(const struct job *j, const struct loop *l,
		       struct err *err)
{
	for (int i = 0;; i++) {
		int fd = open(l->path, O_RDWR | O_CLOEXEC), rc = -errno;

		if (fd >= 0)
			return fd;
		if (rc != -ENOENT || i == 50)
			return err_set(err, rc, "%s: open: %s", l->path,
				       strerror(-rc));
		rc = job_sleep(j, 20, l->path, err);
		if (rc < 0)
			return rc;
	}
}

/* 1: somebody else was faster, try the next. */
static int attach_once(const struct job *j, const char *file, int file_fd,
		       unsigned flags, struct loop *ret, int *ret_fd,
		       struct err *err)
{
	struct loop_config c = { .fd = (unsigned)file_fd };
	int control, nr, fd, rc;

	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return err_set(err, -errno,
			       "/dev/loop-control: open: %s (is the module "
			       "loop loaded?)",
			       strerror(errno));
	nr = ioctl(control, LOOP_CTL_GET_FREE);
	rc = -errno;
	close(control);
	if (nr < 0)
		return err_set(err, rc, "no loop device is free: %s",
			       strerror(-rc));
	*ret = loop_numbered((unsigned)nr);
	fd = open_device(j, ret, err);
	if (fd < 0)
		return fd;
	make_mark(j, (char *)c.info.lo_file_name, LO_NAME_SIZE);
	c.info.lo_flags = flags;
	if (ioctl(fd, LOOP_CONFIGURE, &c) == 0) {
		*ret_fd = fd;
		return 0;
	}
	rc = -errno;
	close(fd);
	if (rc == -EBUSY)
		return 1;
	return err_set(err, rc, "%s: attach %s: %s", ret->path, file,
		       strerror(-rc));
}

int loop_attach(const struct job *j, const char *file, bool until_unused,
		struct loop *ret, int *ret_fd, struct err *err)
{
	int file_fd = open(file, O_RDWR | O_CLOEXEC), fd = -1, rc = 1;

	if (file_fd < 0)
		return err_set(err, -errno, "%s: open: %s", file,
			       strerror(errno));
	for (int i = 0; rc == 1 && i < TRIES; i++)
		rc = attach_once(j, file, file_fd,
				 until_unused ? LO_FLAGS_AUTOCLEAR : 0, ret,
				 &fd, err);
	close(file_fd);
	if (rc == 1)
		rc = err_set(err, -EBUSY,
			     "%s: attach: others took %d loop devices first",
			     file, TRIES);
	if (rc == 0 && until_unused)
		*ret_fd = fd;
	else if (fd >= 0)
		close(fd);
	return rc;
}

/* -- detach -------------------------------------------------------------- */

/* Detaching a device in use "succeeds" and happens when its last user goes;
 * so say no where a mount can be named, and look whether it is gone. */
int loop_detach(const struct job *j, const struct loop *l, const char *file,
		struct err *err)
{
	const struct mount *user;
	struct mounts m;
	int fd, rc;

	rc = mounts_read(j->arena, &m, err);
	if (rc < 0)
		return rc;
	user = mounts_of_dev(&m, l->dev, NULL);
	if (user)
		return err_set(err, -EBUSY, "%s: detach: it is mounted on %s",
			       l->path, user->at);
	fd = open(l->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "%s: open: %s", l->path,
			       strerror(errno));
	rc = ioctl(fd, LOOP_CLR_FD) < 0 ? -errno : 0;
	close(fd);
	if (rc < 0 && rc != -ENXIO)
		return err_set(err, rc, "%s: detach: %s", l->path,
			       strerror(-rc));
	while (loop_is(j, l->dev, file)) {
		rc = job_sleep(j, 20, l->path, err);
		if (rc < 0)
			return err_set(err, -EBUSY,
				       "%s: detach: something still uses it "
				       "(it goes away with its last user)",
				       l->path);
	}
	return 0;
}
