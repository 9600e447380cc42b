#include "drivers/fs_make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/fs.h"
#include "drivers/job.h"
#include "drivers/loop.h"
#include "drivers/mark.h"
#include "drivers/run.h"
#include "fsm/conf/convert.h"

#define LOOK_BYTES (1024UL * 1024) /* at either end: is there any data? */

/* -- what is there, for a look ---------------------------------------------
 */

/* Where each type has its magic: the kernel's, and mkfs's, own constants. */
static const struct magic {
	const char *kind, *text;
	size_t len;
	off_t at;
} magics[] = {
	{ "ext", "\x53\xef", 2, 1080 },
	{ "xfs", "XFSB", 4, 0 },
	{ "btrfs", "_BHRfS_M", 8, 65600 },
};
#define N_MAGICS (sizeof(magics) / sizeof(magics[0]))

enum found { FOUND_NOTHING = N_MAGICS, FOUND_NO_ANSWER };

/* Of a device in a child, as it may not answer. Makes system calls only. */
static int find_magic(const void *arg)
{
	const char *dev = arg;
	int fd = open(dev, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int found = FOUND_NOTHING;
	char bytes[8];

	if (fd < 0)
		return FOUND_NO_ANSWER;
	for (size_t i = 0; i < N_MAGICS && found == FOUND_NOTHING; i++)
		if (pread(fd, bytes, magics[i].len, magics[i].at) ==
			    (ssize_t)magics[i].len &&
		    memcmp(bytes, magics[i].text, magics[i].len) == 0)
			found = (int)i;
	close(fd);
	return found;
}

static bool is_of(const struct job *j, const struct magic *m)
{
	return strncmp(j->res->type, m->kind, strlen(m->kind)) == 0;
}

enum provisioned fs_made(const struct job *j, const char *dev,
			 struct probe *ret)
{
	const char *path;
	struct stat st;
	int found;

	if (fs_device(j, dev, &path, NULL) < 0)
		return PROVISIONED_NA;
	if (stat(path, &st) < 0) {
		/* A device comes with what is below it; a file is made. */
		if (errno != ENOENT || strncmp(path, "/dev/", 5) == 0 ||
		    job_hidden(j, path))
			return PROVISIONED_NA;
		return PROVISIONED_NO;
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return PROVISIONED_NA;
	/* A device may be gone; a file was looked at just now. */
	found = S_ISREG(st.st_mode)
			? find_magic(path)
			: run_call(find_magic, path, j->deadline_ms, NULL);
	if (found < 0 || found == FOUND_NO_ANSWER)
		return PROVISIONED_NA;
	if (found == FOUND_NOTHING)
		return PROVISIONED_NO;
	if (!is_of(j, &magics[found]))
		probe_log(j, ret, "warn", "%s holds a file system %s, not %s",
			  dev, magics[found].kind, j->res->type);
	return PROVISIONED_YES;
}

/* -- what is there, before it is written to --------------------------------
 */

struct holds {
	const char *type, *uuid; /* "" if there is none */
};

/* The value of KEY=VALUE in lines; "" if it is not there. */
static const char *line_value(struct arena *a, const char *text,
			      const char *key)
{
	size_t n = strlen(key);

	for (const char *at = text; *at;
	     at += strcspn(at, "\n;"), at += strspn(at, "\n; "))
		if (strncmp(at, key, n) == 0 && at[n] == '=')
			return arena_printf(a, "%.*s",
					    (int)strcspn(at + n + 1, "\n;"),
					    at + n + 1);
	return "";
}

/* blkid(8) knows all that anybody has ever put on a disk. 2: nothing of it; 8:
 * several things at once. */
static int look(const struct job *j, const char *path, struct holds *ret,
		struct err *err)
{
	const char *const argv[] = { "blkid", "-p",   "-o", "export",
				     "-s",    "TYPE", "-s", "PTTYPE",
				     "-s",    "UUID", path, NULL };
	struct run r = { .argv = argv, .deadline_ms = j->deadline_ms };
	int rc = run_wait(&r, err);
	const char *said;

	*ret = (struct holds){ "", "" };
	if (rc < 0 || (rc > 0 && r.code == 2))
		return rc < 0 ? rc : 0;
	if (rc > 0 && r.code == 8) {
		ret->type = "several file systems at once";
		return 0;
	}
	if (rc > 0)
		return err_set(err, -EIO, "blkid %s: exit code %d: %s", path,
			       r.code, run_said(&r));
	said = run_said(&r);
	ret->type = line_value(j->arena, said, "TYPE");
	ret->uuid = line_value(j->arena, said, "UUID");
	if (!*ret->type)
		ret->type = line_value(j->arena, said, "PTTYPE");
	if (!*ret->type)
		ret->type = "something that blkid knows";
	return 0;
}

static bool is_blank(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i])
			return false;
	return true;
}

struct looking {
	const char *path;
	char *bytes;
};

/* In a child: 1 where its first or last part holds anything but zeros. */
static int find_data(const void *arg)
{
	const struct looking *l = arg;
	int fd = open(l->path, O_RDONLY | O_CLOEXEC);
	off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	off_t from = end > (off_t)LOOK_BYTES ? end - (off_t)LOOK_BYTES : 0;
	ssize_t n;

	if (end < 0)
		return 2;
	n = pread(fd, l->bytes, LOOK_BYTES, 0);
	if (n < 0)
		return 2;
	if (!is_blank(l->bytes, (size_t)n))
		return 1;
	n = pread(fd, l->bytes, LOOK_BYTES, from);
	return n < 0 ? 2 : !is_blank(l->bytes, (size_t)n);
}

/* -- making ---------------------------------------------------------------- */

/* As each mkfs wants it. */
static const struct maker {
	const char *kind, *program, *quiet, *uuid, *force;
} makers[] = {
	{ "ext2", "mkfs.ext2", "-q", "-U", "-F" },
	{ "ext3", "mkfs.ext3", "-q", "-U", "-F" },
	{ "ext4", "mkfs.ext4", "-q", "-U", "-F" },
	{ "xfs", "mkfs.xfs", "-q", "-m", "-f" },
	{ "btrfs", "mkfs.btrfs", "-q", "-U", "-f" },
};

static const struct maker *maker_of(const char *kind)
{
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
		if (strcmp(makers[i].kind, kind) == 0)
			return &makers[i];
	return NULL;
}

static int mkfs(const struct job *j, const struct maker *m,
		const struct names *words, const char *path, struct err *err)
{
	const char **argv = ARENA_VEC(j->arena, const char *, words->n + 6);
	struct run r = { .argv = argv, .deadline_ms = j->deadline_ms };
	char uuid[MARK_UUID];
	size_t n = 0;

	mark_uuid(j, uuid);
	argv[n++] = m->program;
	argv[n++] = m->quiet;
	argv[n++] = m->uuid;
	argv[n++] =
		arena_printf(j->arena, "%s%s",
			     strcmp(m->kind, "xfs") == 0 ? "uuid=" : "", uuid);
	for (size_t i = 0; i < words->n; i++)
		argv[n++] = words->at[i];
	argv[n++] = path;
	return run_ok(&r, err);
}

/* NULL if it may be written to. */
static const char *refused(const struct job *j, const char *path,
			   const struct holds *h, int *ret_rc, struct err *err)
{
	struct looking l = { path, NULL };

	*ret_rc = -EEXIST;
	if (*h->type)
		return arena_printf(j->arena, "it holds %s", h->type);
	l.bytes = arena_alloc(j->arena, LOOK_BYTES);
	*ret_rc = run_call(find_data, &l, j->deadline_ms, err);
	if (*ret_rc <= 0)
		return NULL;
	*ret_rc = *ret_rc == 1 ? -EEXIST : -EIO;
	return *ret_rc == -EIO ? "it cannot be read"
			       : "it holds data of no known kind";
}

/* The loop device that a disk resource has made of a file. As long as it is
 * open it cannot become that of another file. */
static int loop_hold(const struct job *j, const char *file, struct loop *l,
		     int *ret_fd, struct err *err)
{
	struct stat st;

	if (loop_find(j, file, l, NULL) != 0)
		return 1;
	*ret_fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*ret_fd >= 0 && fstat(*ret_fd, &st) == 0 &&
	    loop_is(j, st.st_rdev, file))
		return 0;
	if (*ret_fd >= 0)
		close(*ret_fd);
	*ret_fd = -1;
	return err_set(err, -EAGAIN, "%s was detached from %s meanwhile", file,
		       l->path);
}

/* What is to be written to; @ret_fd holds it, where it is a loop device. */
static int block_path(const struct job *j, const char *dev, const char **ret,
		      int *ret_fd, struct err *err)
{
	int rc = fs_device(j, dev, ret, err);
	struct stat st;
	struct loop l;

	*ret_fd = -1;

	if (rc < 0)
		return rc;
	if (stat(*ret, &st) < 0)
		return err_set(err, -errno, "%s: %s", *ret, strerror(errno));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(err, -ENOTBLK, "%s is no block device, no file",
			       *ret);
	if (S_ISBLK(st.st_mode))
		return 0;
	rc = loop_hold(j, *ret, &l, ret_fd, err);
	if (rc == 0)
		*ret = arena_printf(j->arena, "%s", l.path);
	return rc < 0 ? rc : 0;
}

/* ext3 is read as ext4 where it has been given its features. */
static bool is_wanted(const struct job *j, const struct holds *h)
{
	bool ext = strncmp(j->res->type, "ext", 3) == 0;

	return ext ? strncmp(h->type, "ext", 3) == 0
		   : strcmp(h->type, j->res->type) == 0;
}

static int make(const struct job *j, const char *dev, const char *path,
		struct err *err)
{
	const struct maker *m = maker_of(j->res->type);
	const char *text = job_kw(j, "mkfs_opt"), *why;
	struct names words = { 0 };
	struct holds h;
	int rc = text ? shlex_split(j->arena, text, &words, err) : 0;

	if (rc == 0)
		rc = look(j, path, &h, err);
	if (rc < 0)
		return rc;
	if (is_wanted(j, &h))
		return DRIVER_NOOP;
	if (!names_have(&words, m->force)) {
		why = refused(j, path, &h, &rc, err);
		if (why)
			return err_set(err, rc,
				       "%s is not formatted: %s. 'wipefs -a "
				       "%s' clears it; mkfs_opt = %s writes "
				       "over it",
				       dev, why, path, m->force);
		if (rc < 0)
			return rc;
	}
	return mkfs(j, m, &words, path, err);
}

int fs_make(const struct job *j, const char *dev, struct err *err)
{
	const char *path;
	int fd, rc = block_path(j, dev, &path, &fd, err);

	if (rc == 0)
		rc = make(j, dev, path, err);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Without its magic it is no file system any more. */
static int wipe(const struct job *j, const char *path, struct err *err)
{
	const char *const argv[] = { "wipefs", "-a", "-q", path, NULL };
	struct run r = { .argv = argv, .deadline_ms = j->deadline_ms };
	struct holds h;
	int rc = look(j, path, &h, err);

	if (rc < 0)
		return rc;
	if (!*h.type)
		return DRIVER_NOOP;
	return mark_uuid_is(j, h.uuid) ? run_ok(&r, err) : DRIVER_LEFT;
}

int fs_unmake(const struct job *j, const char *dev, struct err *err)
{
	const char *path;
	int fd, rc;

	if (fs_device(j, dev, &path, NULL) < 0 || access(path, F_OK) < 0)
		return job_hidden(j, dev) ? DRIVER_LEFT : DRIVER_NOOP;
	rc = block_path(j, dev, &path, &fd, err);
	if (rc == 0)
		rc = wipe(j, path, err);
	if (fd >= 0)
		close(fd);
	return rc;
}
