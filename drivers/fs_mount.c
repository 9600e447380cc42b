/*
 * fs.ext2, ext3, ext4, xfs, btrfs, bind, tmpfs - something mounted somewhere.
 *
 *   dev                  a block device, LABEL=..., UUID=..., or a file that
 *                        holds a file system; for bind a directory or file
 *   mnt                  the mount point; made if it is not there
 *   mnt_opt              mount options
 *   user, group, perm    whose the root of what is mounted is to be
 *   size                 of a tmpfs
 *   mkfs_opt             options of mkfs, when it is provisioned (fs_make.h)
 *   stat_timeout         how long it may take to answer
 *   check_read           true: read its root directory at each look
 *
 * Happy path of a start: nothing is mounted there, the device exists, the
 * mount point is made, e2fsck -p (ext*) or btrfs device scan, mount, owner.
 * Of a stop: what is mounted below goes first, then umount.
 *
 * What can go wrong:
 *  - something else is mounted there: a start refuses, a look says what it is
 *  - the same device is mounted on another machine: only the file system can
 *    know. ext4 made with the feature mmp refuses, after some 10 s
 *  - a stop finds it busy: its users get SIGTERM, then SIGKILL (kill: SIGKILL
 *    at once); in the end the error names them
 *  - it hangs: all that may hang runs in child processes with a deadline
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "drivers/drivers.h"
#include "drivers/fs.h"
#include "drivers/fs_make.h"
#include "drivers/job.h"
#include "drivers/loop.h"
#include "drivers/mountinfo.h"
#include "drivers/owner.h"
#include "drivers/run.h"
#include "drivers/users.h"

struct fs {
	const char *kind, *dev, *mnt, *opt;
	const char *at; /* mnt without links */
	struct mounts mounts;
	const struct mount *top; /* what is mounted there, or NULL */
	bool ours;		 /* and it is what it should be */
};

static bool is_kind(const struct fs *f, const char *kind)
{
	return strcmp(f->kind, kind) == 0;
}

/* -- what is there -------------------------------------------------------- */

static bool is_mounted_dev(const struct job *j, const struct fs *f,
			   const struct mount *m)
{
	struct stat st;
	const char *dev;

	if (is_kind(f, "tmpfs"))
		return strcmp(m->type, "tmpfs") == 0;
	if (is_kind(f, "bind"))
		return fs_is_bind(&f->mounts, j->arena, f->dev, m);
	if (fs_device(j, f->dev, &dev, NULL) != 0 || stat(dev, &st) < 0)
		return false;
	if (S_ISREG(st.st_mode))
		return fs_backed_by(j, m, dev);
	return fs_on_device(m, st.st_rdev);
}

static int look(const struct job *j, struct fs *f, struct err *err)
{
	int rc;

	*f = (struct fs){ .kind = j->res->type, .opt = job_kw(j, "mnt_opt") };
	rc = job_need(j, "mnt", &f->mnt, err);
	if (rc == 0 && is_kind(f, "tmpfs"))
		f->dev = job_kw(j, "dev") ? job_kw(j, "dev") : "tmpfs";
	else if (rc == 0)
		rc = job_need(j, "dev", &f->dev, err);
	if (rc == 0)
		rc = path_canonical(j->arena, f->mnt, &f->at, err);
	if (rc == 0)
		rc = mounts_read(j->arena, &f->mounts, err);
	if (rc < 0)
		return rc;
	if (strcmp(f->at, "/") == 0)
		return err_set(err, -EINVAL, "%s: mnt must not be /",
			       j->res->rid);
	f->top = mounts_top(&f->mounts, f->at);
	f->ours = f->top && is_mounted_dev(j, f, f->top);
	return 0;
}

/* -- probe ------------------------------------------------------------------
 */

static int ask_statfs(const void *path)
{
	struct statfs st;

	return statfs(path, &st) < 0 ? errno : 0;
}

static int ask_read(const void *path)
{
	char entries[512];
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return errno;
	if (syscall(SYS_getdents64, fd, entries, sizeof(entries)) < 0 &&
	    errno != ENOTDIR) /* the bind mount of a file */
		return errno;
	return 0;
}

static void check_answer(const struct job *j, const struct fs *f,
			 struct probe *ret)
{
	bool read = job_kw_bool(j, "check_read", false);
	int64_t limit = job_kw_int(j, "stat_timeout", 5000);
	int64_t left = job_left_ms(j);
	int rc;

	rc = run_call(read ? ask_read : ask_statfs, f->at,
		      driver_now_ms() + (limit < left ? limit : left), NULL);
	if (rc == 0)
		return;
	ret->status = STATUS_WARN;
	if (rc == -ETIMEDOUT)
		probe_log(j, ret, "warn", "%s is not responding", f->mnt);
	else
		probe_log(j, ret, "warn", "%s: %s: %s", f->mnt,
			  read ? "read" : "statfs",
			  strerror(rc < 0 ? -rc : rc));
}

static void check_state(const struct job *j, const struct fs *f,
			struct probe *ret)
{
	const char *differs = NULL;
	struct owner owner;
	struct err e;

	if (!options_have(f->opt, "ro") && !is_kind(f, "bind") &&
	    (options_have(f->top->options, "ro") ||
	     options_have(f->top->super, "ro"))) {
		ret->status = STATUS_WARN;
		probe_log(j, ret, "warn",
			  "it is mounted read-only, which mnt_opt does not "
			  "ask for: the kernel does that after an error");
	}
	if (owner_read(j, &owner, &e) < 0 ||
	    owner_differs(&owner, f->at, j->arena, &differs, &e) < 0)
		probe_log(j, ret, "warn", "%s", e.text);
	else if (differs)
		probe_log(j, ret, "warn", "%s: %s", f->mnt, differs);
}

static bool is_made(const struct fs *f)
{
	return !is_kind(f, "tmpfs") && !is_kind(f, "bind");
}

static int probe(const struct job *j, struct probe *ret, struct err *err)
{
	struct fs f;
	int rc = look(j, &f, err);

	if (f.dev && f.mnt)
		ret->label = arena_printf(j->arena, "%s@%s", f.dev, f.mnt);
	if (rc < 0)
		return rc;
	ret->status = f.ours ? STATUS_UP : STATUS_DOWN;
	if (f.ours) {
		check_answer(j, &f, ret);
		if (ret->status == STATUS_UP)
			check_state(j, &f, ret);
	} else if (f.top) {
		probe_log(j, ret, "warn", "%s has %s (%s) mounted instead",
			  f.mnt, f.top->source, f.top->type);
	}
	if (is_made(&f))
		ret->provisioned =
			f.ours ? PROVISIONED_YES : fs_made(j, f.dev, ret);
	return 0;
}

/* -- start ------------------------------------------------------------------
 */

static int command(const struct job *j, const char *const *argv,
		   struct err *err)
{
	struct run r = { .argv = argv, .deadline_ms = j->deadline_ms };

	return run_ok(&r, err);
}

/* 1: errors were corrected; 32: cancelled by the user, with 1: both. */
static int check_ext(const struct job *j, const char *dev, struct err *err)
{
	const char *const argv[] = { "e2fsck", "-p", dev, NULL };
	struct run r = { .argv = argv, .deadline_ms = j->deadline_ms };
	int rc = run_wait(&r, err);

	if (rc <= 0 || r.code == 1 || r.code == 32 || r.code == 33)
		return rc < 0 ? rc : 0;
	return err_set(err, -EIO, "e2fsck -p %s: exit code %d: %s%s", dev,
		       r.code, run_said(&r),
		       r.code & 4 ? " (run e2fsck by hand to repair it)" : "");
}

static int check_before(const struct job *j, const struct fs *f,
			const char *dev, struct err *err)
{
	const char *const scan[] = { "btrfs", "device", "scan", dev, NULL };

	if (strncmp(f->kind, "ext", 3) == 0)
		return check_ext(j, dev, err);
	if (is_kind(f, "btrfs"))
		return command(j, scan, err);
	return 0;
}

static const char *mount_options(const struct job *j, const struct fs *f)
{
	const char *size = job_kw(j, "size"), *opt = f->opt ? f->opt : "";

	if (is_kind(f, "bind") && !options_have(opt, "bind") &&
	    !options_have(opt, "rbind"))
		opt = arena_printf(j->arena, "bind%s%s", *opt ? "," : "", opt);
	if (is_kind(f, "tmpfs") && size)
		opt = arena_printf(j->arena, "size=%s%s%s", size,
				   *opt ? "," : "", opt);
	return opt;
}

static int mount_it(const struct job *j, const struct fs *f, const char *dev,
		    struct err *err)
{
	const char *opt = mount_options(j, f), *argv[8];
	size_t n = 0;
	int rc;

	argv[n++] = "mount";
	if (!is_kind(f, "bind")) {
		argv[n++] = "-t";
		argv[n++] = f->kind;
	}
	if (*opt) {
		argv[n++] = "-o";
		argv[n++] = opt;
	}
	argv[n++] = dev;
	argv[n++] = f->mnt;
	argv[n] = NULL;
	rc = command(j, argv, err);
	return rc < 0 ? err_wrap(err, rc, "%s on %s", f->dev, f->mnt) : 0;
}

/* A file goes through the loop device that it has from a disk resource, or one
 * that lives as long as the mount. */
static int mount_loop(const struct job *j, const char *file, struct loop *l,
		      int *fd, struct err *err)
{
	int rc = loop_find(j, file, l, err);

	return rc > 0 ? loop_attach(j, file, true, l, fd, err) : rc;
}

static int mount_device(const struct job *j, const struct fs *f,
			struct err *err)
{
	const char *dev;
	struct loop l;
	struct stat st;
	int fd = -1, rc = fs_device(j, f->dev, &dev, err);

	if (rc < 0)
		return rc;
	if (stat(dev, &st) < 0)
		return err_set(err, -errno, "%s: %s", dev, strerror(errno));
	if (S_ISREG(st.st_mode)) {
		rc = mount_loop(j, dev, &l, &fd, err);
		dev = l.path;
	} else if (!S_ISBLK(st.st_mode)) {
		rc = err_set(err, -ENOTBLK, "%s is no block device and no file",
			     dev);
	}
	if (rc == 0)
		rc = check_before(j, f, dev, err);
	if (rc == 0)
		rc = mount_it(j, f, dev, err);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int make_mount_point(const struct fs *f, struct err *err)
{
	struct stat st;

	/* The bind mount of a file is on a file, which must be there. */
	if (is_kind(f, "bind") && stat(f->dev, &st) == 0 &&
	    !S_ISDIR(st.st_mode))
		return 0;
	return dir_make(f->mnt, 0755, err);
}

static int start(const struct job *j, struct err *err)
{
	struct owner owner;
	struct fs f;
	int rc = look(j, &f, err);

	if (rc == 0)
		rc = owner_read(j, &owner, err);
	if (rc < 0)
		return rc;
	if (f.ours)
		return DRIVER_NOOP;
	if (f.top)
		return err_set(err, -EBUSY,
			       "%s: %s (%s) is mounted there; it is not "
			       "covered",
			       f.mnt, f.top->source, f.top->type);
	rc = make_mount_point(&f, err);
	if (rc == 0 && (is_kind(&f, "bind") || is_kind(&f, "tmpfs")))
		rc = mount_it(j, &f, f.dev, err);
	else if (rc == 0)
		rc = mount_device(j, &f, err);
	if (rc == 0)
		rc = look(j, &f, err); /* mnt may have been a new directory */
	if (rc < 0)
		return rc;
	if (!f.ours)
		return err_set(err, -EIO,
			       "%s: mount said that it worked, but %s is there",
			       f.mnt, f.top ? f.top->source : "nothing");
	return owner_apply(&owner, f.at, err);
}

/* -- stop -------------------------------------------------------------------
 */

static bool still_there(const struct job *j, unsigned id)
{
	struct mounts m;

	if (mounts_read(j->arena, &m, NULL) < 0)
		return true;
	for (size_t i = 0; i < m.n; i++)
		if (m.at[i].id == id)
			return true;
	return false;
}

/* What to do to its users before each further try, and how long to wait. */
static const struct round {
	int signal, wait_ms;
} gently[] = { { 0, 200 },
	       { SIGTERM, 1500 },
	       { SIGKILL, 300 },
	       { SIGKILL, 1000 } },
  hard[] = { { SIGKILL, 100 }, { SIGKILL, 200 } };

/* Wait until nobody uses it, at most for the round. */
static int wait_unused(const struct job *j, unsigned id, int64_t ms,
		       struct err *err)
{
	struct users u;
	int rc = 0;

	for (; ms > 0 && rc == 0; ms -= 50) {
		rc = job_sleep(j, 50, "unmount", err);
		users_of_mount(id, &u);
		if (!u.n)
			break;
	}
	return rc;
}

static int busy_error(const struct job *j, const struct mount *m,
		      struct err *err)
{
	struct users u;

	users_of_mount(m->id, &u);
	if (u.n)
		return err_wrap(err, -EBUSY, "%s: used by %s", m->at,
				users_text(j->arena, &u));
	return err_wrap(err, -EBUSY,
			"%s: no process uses it; a loop device or swap file "
			"on it may",
			m->at);
}

static int umount_it(const struct job *j, const struct mount *m,
		     const struct round *rounds, size_t n, struct err *err)
{
	const char *const argv[] = { "umount", m->at, NULL };

	for (size_t i = 0;; i++) {
		struct users u;
		int rc = command(j, argv, err);

		if (rc == 0 || !still_there(j, m->id))
			return 0;
		if (rc == -ETIMEDOUT)
			return err_wrap(err, rc, "%s", m->at);
		if (i == n)
			return busy_error(j, m, err);
		if (rounds[i].signal) {
			users_of_mount(m->id, &u);
			users_signal(&u, rounds[i].signal);
		}
		if (wait_unused(j, m->id, rounds[i].wait_ms, err) < 0)
			return busy_error(j, m, err);
	}
}

static int take_down(const struct job *j, const struct round *rounds, size_t n,
		     struct err *err)
{
	struct fs f;
	int rc = look(j, &f, err);

	if (rc < 0)
		return rc;
	if (!f.ours)
		return DRIVER_NOOP;
	/* Younger mounts are on top of older ones, or below them. */
	for (size_t i = f.mounts.n; i-- > 0 && rc == 0;) {
		const struct mount *m = &f.mounts.at[i];

		if (m != f.top && path_is_below(m->at, f.at) &&
		    strcmp(m->at, f.at) != 0)
			rc = umount_it(j, m, rounds, n, err);
	}
	return rc < 0 ? rc : umount_it(j, f.top, rounds, n, err);
}

static int stop(const struct job *j, struct err *err)
{
	return take_down(j, gently, sizeof(gently) / sizeof(gently[0]), err);
}

static int kill_it(const struct job *j, struct err *err)
{
	return take_down(j, hard, sizeof(hard) / sizeof(hard[0]), err);
}

/* -- provision ------------------------------------------------------------ */

static int provision(const struct job *j, struct err *err)
{
	struct fs f;
	int rc = look(j, &f, err);

	if (rc < 0)
		return rc;
	return f.ours ? DRIVER_NOOP : fs_make(j, f.dev, err);
}

static int unprovision(const struct job *j, struct err *err)
{
	struct fs f;
	int rc = look(j, &f, err);

	if (rc < 0)
		return rc;
	if (f.ours)
		return err_set(err, -EBUSY, "%s is mounted", f.mnt);
	return fs_unmake(j, f.dev, err);
}

static void guard(const struct job *j, struct buf *out)
{
	driver_guard_item(out, "mount", job_kw(j, "mnt"), NULL);
}

/* A start may have to replay a journal, or to wait for mmp. */
#define FS_DRIVER(NAME, SUMMARY, ...)                                          \
	const struct driver driver_fs_##NAME = { .group = "fs",                \
						 .kind = #NAME,                \
						 .summary = SUMMARY,           \
						 .start_timeout_ms = 300000,   \
						 .stop_timeout_ms = 60000,     \
						 .probe = probe,               \
						 .start = start,               \
						 .stop = stop,                 \
						 .kill = kill_it,              \
						 .guard = guard,               \
						 __VA_ARGS__ }
#define FS_MADE .provision = provision, .unprovision = unprovision

FS_DRIVER(ext2, "an ext2 file system", FS_MADE);
FS_DRIVER(ext3, "an ext3 file system", FS_MADE);
FS_DRIVER(ext4, "an ext4 file system", FS_MADE);
FS_DRIVER(xfs, "an XFS file system", FS_MADE);
FS_DRIVER(btrfs, "a btrfs file system", FS_MADE);
FS_DRIVER(bind, "a directory shown at a second place", .provision = NULL);
FS_DRIVER(tmpfs, "a file system in memory", .provision = NULL);
