/*
 * File systems and loop devices for real, in a mount namespace.
 */
#include "tests/unit/drivers/sandbox.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "drivers/loop.h"
#include "drivers/mountinfo.h"
#include "tests/lib/table.h"

static const char *in(struct rig *r, const char *name)
{
	return arena_printf(r->arena, "%s/%s", sandbox_dir, name);
}

#define PATH(name)                                                             \
	(snprintf(path_##name, sizeof(path_##name), "%s/" #name, sandbox_dir), \
	 path_##name)
static char path_img[96], path_mnt[96], path_src[96], path_dir[96],
	path_fresh[96];

static bool have(const char *program)
{
	char command[96];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
	return system(command) == 0;
}

static bool have_loop(void)
{
	return access("/dev/loop-control", R_OK | W_OK) == 0;
}

/* -- on devices -------------------------------------------------------------
 */

static const struct made_row {
	const char *name, *program, *options;
	unsigned mib;
} made_rows[] = {
	{ "ext2", "mkfs.ext2", "-q -F", 8 },
	{ "ext3", "mkfs.ext3", "-q -F", 8 },
	{ "ext4", "mkfs.ext4", "-q -F", 8 },
	{ "xfs", "mkfs.xfs", "-q -f", 300 },
	{ "btrfs", "mkfs.btrfs", "-q -f", 128 },
};

/* The kernel may not have every type. */
static bool kernel_has(const char *type)
{
	char command[96];

	snprintf(command, sizeof(command),
		 "grep -qw %s /proc/filesystems || modprobe -q %s 2>/dev/null",
		 type, type);
	return system(command) == 0;
}

static void test_made(void **state)
{
	const struct made_row *row = *state;
	RIG(r, "fs#1", "fs", row->name, "dev", PATH(img), "mnt", PATH(mnt),
	    "check_read", "true", "perm", "1770");
	RIG(ro, "fs#1", "fs", row->name, "dev", PATH(img), "mnt", PATH(mnt));
	struct stat st;

	if (!have(row->program) || !have_loop() || !kernel_has(row->name)) {
		printf("not here: %s, its mkfs, or loop devices\n", row->name);
		skip();
	}
	shell(r.arena, arena_printf(r.arena,
				    "rm -f %s && truncate -s %uM %s && %s %s "
				    "%s 2>&1",
				    path_img, row->mib, path_img, row->program,
				    row->options, path_img));
	rig_probe(&r, STATUS_DOWN, NULL);
	assert_string_equal(r.probe.label,
			    arena_printf(r.arena, "%s@%s", path_img, path_mnt));
	rig_stop(&r, DRIVER_NOOP);
	rig_start(&r, 0);
	rig_start(&r, DRIVER_NOOP);
	rig_probe(&r, STATUS_UP, NULL);
	assert_int_equal(stat(path_mnt, &st), 0);
	assert_int_equal(st.st_mode & 07777, 01770);
	chmod(path_mnt, 0755);
	rig_probe(&r, STATUS_UP, "mode is 0755, not 1770");
	shell(r.arena,
	      arena_printf(r.arena, "mount -o remount,ro %s", path_mnt));
	rig_probe(&ro, STATUS_WARN, "mounted read-only");
	rig_stop(&r, 0);
	rig_probe(&r, STATUS_DOWN, NULL);
	/* The loop device went with the mount. */
	assert_string_equal(
		shell(r.arena,
		      arena_printf(r.arena, "losetup -j %s", path_img)),
		"");
}

static void test_busy(void **state)
{
	RIG(r, "fs#1", "fs", "tmpfs", "mnt", PATH(mnt));
	int64_t before;
	pid_t pid;

	(void)state;
	rig_start(&r, 0);
	/* One ends at SIGTERM, one only at SIGKILL, one works elsewhere. */
	shell(r.arena,
	      arena_printf(r.arena,
			   "(cd %s && exec sleep 71) >/dev/null 2>&1 & "
			   "(exec sh -c 'trap : TERM; while :; do sleep 1; "
			   "done' 9>%s/file) >/dev/null 2>&1 & "
			   "(cd / && exec sleep 72) >/dev/null 2>&1 & "
			   "sleep 0.1",
			   path_mnt, path_mnt));
	rig_stop(&r, 0);
	rig_probe(&r, STATUS_DOWN, NULL);
	assert_int_equal(sandbox_processes(), 1);
	rig_start(&r, 0);
	pid = fork();
	if (pid == 0) {
		if (chdir(path_mnt) == 0)
			pause();
		_exit(0);
	}
	usleep(50000);
	before = driver_now_ms();
	rig_kill(&r, 0);
	assert_true(driver_now_ms() - before < 1000);
	waitpid(pid, NULL, 0);
	shell(r.arena, "kill $(pgrep -x sleep)");
	SANDBOX_WAIT(sandbox_processes() == 0);
}

/* This program itself is never killed: then the error says who it is. */
static void test_busy_for_good(void **state)
{
	RIG(r, "fs#1", "fs", "tmpfs", "mnt", PATH(mnt));
	const char *file = arena_printf(r.arena, "%s/file", PATH(mnt));
	int rc, fd;

	(void)state;
	rig_start(&r, 0);
	fd = open(file, O_RDWR | O_CREAT, 0600);
	rc = driver_kill(rig_within(&r, 3000), &r.err);
	assert_int_equal(rc, -EBUSY);
	expect_text(r.err.text, "kill fs#1: ");
	expect_text(r.err.text, path_mnt);
	expect_text(r.err.text, "busy");
	close(fd);
	rig_stop(&r, 0);
}

static void test_nested(void **state)
{
	RIG(r, "fs#1", "fs", "tmpfs", "mnt", PATH(mnt), "size", "1048576");
	struct mounts m;

	(void)state;
	rig_start(&r, 0);
	shell(r.arena,
	      arena_printf(r.arena,
			   "mkdir -p %s/a && mount -t tmpfs x %s/a && mkdir "
			   "%s/a/b && mount -t tmpfs y %s/a/b && grep -q "
			   "size=1024k /proc/mounts",
			   path_mnt, path_mnt, path_mnt, path_mnt));
	rig_stop(&r, 0);
	assert_int_equal(mounts_read(r.arena, &m, NULL), 0);
	for (size_t i = 0; i < m.n; i++)
		assert_null(strstr(m.at[i].at, path_mnt));
}

static void test_other_there(void **state)
{
	RIG(r, "fs#1", "fs", "ext4", "dev", PATH(img), "mnt", PATH(mnt));
	int rc;

	(void)state;
	shell(r.arena, arena_printf(r.arena,
				    "mkdir -p %s && touch %s && mount -t tmpfs "
				    "other %s",
				    PATH(mnt), PATH(img), path_mnt));
	rig_probe(&r, STATUS_DOWN, "has other (tmpfs) mounted instead");
	rc = driver_start(rig_within(&r, 5000), &r.err);
	assert_int_equal(rc, -EBUSY);
	expect_text(r.err.text, "other (tmpfs) is mounted there");
	rig_stop(&r, DRIVER_NOOP); /* not ours: it stays */
	shell(r.arena, arena_printf(r.arena, "umount %s", path_mnt));
}

static void test_failures(void **state)
{
	RIG(absent, "fs#1", "fs", "ext4", "dev", "/dev/no-such-device", "mnt",
	    PATH(mnt));
	RIG(no_fs, "fs#1", "fs", "ext4", "dev", PATH(img), "mnt", PATH(mnt));
	RIG(no_mnt, "fs#1", "fs", "ext4", "dev", PATH(img));
	RIG(relative, "fs#1", "fs", "tmpfs", "mnt", "mnt");
	RIG(root, "fs#1", "fs", "tmpfs", "mnt", "/");
	RIG(label, "fs#1", "fs", "ext4", "dev", "LABEL=no-such-label", "mnt",
	    PATH(mnt));

	(void)state;
	rig_expect("start", -ENOENT,
		   driver_start(rig_within(&absent, 5000), &absent.err),
		   &absent.err);
	expect_text(absent.err.text, "/dev/no-such-device");
	rig_probe(&absent, STATUS_DOWN, NULL);
	if (have_loop()) {
		shell(no_fs.arena,
		      arena_printf(no_fs.arena, "rm -f %s; truncate -s 1M %s",
				   path_img, path_img));
		rig_expect("start", -EIO,
			   driver_start(rig_within(&no_fs, 5000), &no_fs.err),
			   &no_fs.err);
		expect_text(no_fs.err.text, "e2fsck -p ");
	}
	rig_expect("start", -EINVAL,
		   driver_start(rig_within(&no_mnt, 5000), &no_mnt.err),
		   &no_mnt.err);
	expect_text(no_mnt.err.text, "keyword fs#1.mnt is not set");
	rig_expect("start", -EINVAL,
		   driver_start(rig_within(&relative, 5000), &relative.err),
		   &relative.err);
	rig_expect("start", -EINVAL,
		   driver_start(rig_within(&root, 5000), &root.err), &root.err);
	rig_expect("start", -EIO,
		   driver_start(rig_within(&label, 5000), &label.err),
		   &label.err);
	expect_text(label.err.text, "findfs");
}

/* By label, on a device that was attached by hand. */
static void test_label(void **state)
{
	RIG(r, "fs#1", "fs", "ext4", "dev", "LABEL=encaptest", "mnt",
	    PATH(mnt));
	RIG(uuid, "fs#1", "fs", "ext4", "dev",
	    "UUID=6f1e3a52-4a7e-4d39-9a43-0d2f3b1c5e77", "mnt", PATH(mnt));
	RIG(disk, "disk#1", "disk", "loop", "file", PATH(img));
	RIG(file, "fs#1", "fs", "ext4", "dev", PATH(img), "mnt", PATH(mnt));

	(void)state;
	if (!have_loop())
		skip();
	shell(r.arena,
	      arena_printf(r.arena,
			   "rm -f %s; truncate -s 8M %s && mkfs.ext4 -q -F -L "
			   "encaptest -U 6f1e3a52-4a7e-4d39-9a43-0d2f3b1c5e77 "
			   "%s",
			   PATH(img), path_img, path_img));
	rig_start(&disk, 0);
	rig_start(&r, 0);
	rig_probe(&r, STATUS_UP, NULL);
	rig_probe(&uuid, STATUS_UP, NULL);
	rig_stop(&r, 0);
	/* By its file: no second device is made. */
	rig_start(&file, 0);
	rig_probe(&uuid, STATUS_UP, NULL);
	assert_string_equal(
		shell(r.arena,
		      arena_printf(r.arena, "losetup -j %s | wc -l", path_img)),
		"1");
	rig_expect("stop", -EBUSY,
		   driver_stop(rig_within(&disk, 1000), &disk.err), &disk.err);
	expect_text(disk.err.text, "it is mounted on ");
	rig_stop(&r, 0);
	rig_stop(&disk, 0);
}

/* -- bind ----------------------------------------------------------------- */

static void test_bind(void **state)
{
	RIG(r, "fs#1", "fs", "bind", "dev", PATH(src), "mnt", PATH(mnt),
	    "mnt_opt", "ro");
	RIG(deep, "fs#1", "fs", "bind", "dev", "", "mnt", "");
	RIG(wrong, "fs#1", "fs", "bind", "dev", "/usr", "mnt", PATH(mnt));
	const char *sub_kw[] = { "dev", in(&r, "mnt/sub"), "mnt",
				 in(&r, "deep"), NULL };

	(void)state;
	deep.res.kw = sub_kw;
	rig_expect("start", -EIO, driver_start(rig_within(&r, 5000), &r.err),
		   &r.err);
	expect_text(r.err.text, path_src);
	shell(r.arena, arena_printf(r.arena, "mkdir -p %s/sub && echo x >%s/f",
				    path_src, path_src));
	rig_start(&r, 0);
	rig_probe(&r, STATUS_UP, NULL);
	rig_probe(&wrong, STATUS_DOWN, "mounted instead");
	shell(r.arena, arena_printf(r.arena,
				    "test $(cat %s/f) = x && ! touch "
				    "%s/g 2>/dev/null",
				    path_mnt, path_mnt));
	/* A bind mount of a part of a bind mount. */
	rig_start(&deep, 0);
	rig_probe(&deep, STATUS_UP, NULL);
	rig_stop(&deep, 0);
	/* Who uses the source uses not the mount: nobody is ended. */
	shell(r.arena, arena_printf(r.arena,
				    "(cd %s && exec sleep 73) >/dev/null 2>&1 "
				    "& sleep 0.05",
				    path_src));
	rig_stop(&r, 0);
	assert_int_equal(sandbox_processes(), 1);
	shell(r.arena, "kill $(pgrep -x sleep)");
	rig_probe(&r, STATUS_DOWN, NULL);
}

static void test_bind_file(void **state)
{
	RIG(r, "fs#1", "fs", "bind", "dev", PATH(img), "mnt", PATH(dir));

	(void)state;
	shell(r.arena, arena_printf(r.arena,
				    "echo image >%s; rm -rf %s; "
				    "echo plain >%s",
				    PATH(img), PATH(dir), path_dir));
	rig_start(&r, 0);
	rig_probe(&r, STATUS_UP, NULL);
	assert_string_equal(
		shell(r.arena, arena_printf(r.arena, "cat %s", path_dir)),
		"image");
	rig_stop(&r, 0);
	assert_int_equal(unlink(path_dir), 0);
}

/* The mount point is reached over a link. */
static void test_link(void **state)
{
	RIG(r, "fs#1", "fs", "tmpfs", "mnt", "", "mnt_opt", "mode=711");
	const char *kw[] = { "mnt", in(&r, "link/under/"), NULL };

	(void)state;
	r.res.kw = kw;
	shell(r.arena, arena_printf(r.arena, "mkdir -p %s && ln -sfn %s %s",
				    PATH(dir), path_dir, in(&r, "link")));
	rig_start(&r, 0);
	rig_probe(&r, STATUS_UP, NULL);
	rig_start(&r, DRIVER_NOOP);
	rig_stop(&r, 0);
	rig_probe(&r, STATUS_DOWN, NULL);
}

/* -- directory and flag -----------------------------------------------------
 */

static void test_directory(void **state)
{
	RIG(r, "fs#2", "fs", "directory", "path", "", "user", "nobody", "group",
	    "0", "perm", "2750");
	const char *kw[] = { "path", in(&r, "a/b/c"), "user", "nobody", "group",
			     "0",    "perm",	      "2750", NULL };
	struct stat st;

	(void)state;
	r.res.kw = kw;
	rig_probe(&r, STATUS_DOWN, NULL);
	rig_start(&r, 0);
	rig_start(&r, DRIVER_NOOP);
	rig_probe(&r, STATUS_NA, NULL);
	assert_int_equal(stat(kw[1], &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(st.st_gid, 0);
	assert_int_equal(st.st_mode & 07777, 02750);
	assert_int_equal(chmod(kw[1], 0700), 0);
	assert_int_equal(chown(kw[1], 1, 0), 0);
	rig_probe(&r, STATUS_WARN,
		  "owner is 1, not 65534; mode is 0700, not "
		  "2750");
	rig_start(&r, 0);
	rig_probe(&r, STATUS_NA, NULL);
	rig_stop(&r, DRIVER_NOOP);
	assert_int_equal(stat(kw[1], &st), 0);
	assert_int_equal(rmdir(kw[1]), 0);
	job_file_write(kw[1], "", NULL);
	rig_probe(&r, STATUS_WARN, "is no directory");
	rig_expect("start", -ENOTDIR,
		   driver_start(rig_within(&r, 5000), &r.err), &r.err);
	kw[3] = "no-such-user";
	rig_expect("start", -ENOENT, driver_start(rig_within(&r, 5000), &r.err),
		   &r.err);
	expect_text(r.err.text, "user 'no-such-user' is not known");
	kw[3] = "nobody";
	kw[7] = "78";
	rig_expect("start", -EINVAL, driver_start(rig_within(&r, 5000), &r.err),
		   &r.err);
}

static void test_flag(void **state)
{
	RIG(r, "fs#3", "fs", "flag", "x", "x");

	(void)state;
	rig_probe(&r, STATUS_DOWN, NULL);
	rig_start(&r, 0);
	rig_start(&r, DRIVER_NOOP);
	rig_probe(&r, STATUS_UP, NULL);
	rig_stop(&r, 0);
	rig_stop(&r, DRIVER_NOOP);
	rig_probe(&r, STATUS_DOWN, NULL);
}

/* -- provision ------------------------------------------------------------ */

/* From nothing to a file system, by the drivers alone; and back. */
static void test_provision(void **state)
{
	const struct made_row *row = *state;
	RIG(disk, "disk#1", "disk", "loop", "file", PATH(img), "size",
	    "314572800");
	RIG(r, "fs#1", "fs", row->name, "dev", PATH(img), "mnt", PATH(mnt));
	struct stat st;

	if (!have(row->program) || !have_loop() || !kernel_has(row->name)) {
		printf("not here: %s, its mkfs, or loop devices\n", row->name);
		skip();
	}
	unlink(path_img);
	rig_made(&disk, PROVISIONED_NO);
	rig_made(&r, PROVISIONED_NO);
	rig_provision(&disk, 0);
	rig_provision(&disk, DRIVER_NOOP);
	rig_made(&disk, PROVISIONED_YES);
	assert_int_equal(stat(path_img, &st), 0);
	assert_int_equal(st.st_size, 314572800);
	assert_true(st.st_blocks < 100); /* sparse */
	rig_made(&r, PROVISIONED_NO);
	rig_start(&disk, 0);
	rig_provision(&r, 0);
	rig_provision(&r, DRIVER_NOOP);
	rig_made(&r, PROVISIONED_YES);
	rig_start(&r, 0);
	rig_provision(&r, DRIVER_NOOP);
	rig_expect("unprovision", -EBUSY,
		   driver_unprovision(rig_within(&r, 8000), &r.err), &r.err);
	rig_expect("unprovision", -EBUSY,
		   driver_unprovision(rig_within(&disk, 8000), &disk.err),
		   &disk.err);
	rig_stop(&r, 0);
	rig_unprovision(&r, 0);
	rig_made(&r, PROVISIONED_NO);
	rig_unprovision(&r, DRIVER_NOOP);
	rig_stop(&disk, 0);
	rig_unprovision(&disk, 0);
	rig_unprovision(&disk, DRIVER_NOOP);
	rig_made(&disk, PROVISIONED_NO);
	assert_int_equal(stat(path_img, &st), -1);
}

/* What holds something is not formatted, and what is not ours stays. */
static void test_not_ours(void **state)
{
	RIG(disk, "disk#1", "disk", "loop", "file", PATH(img), "size",
	    "8388608");
	RIG(r, "fs#1", "fs", "ext4", "dev", PATH(img), "mnt", PATH(mnt));
	RIG(force, "fs#1", "fs", "ext4", "dev", PATH(img), "mnt", PATH(mnt),
	    "mkfs_opt", "-F -L 'two words'");
	const char *uuid;

	(void)state;
	if (!have("mkfs.ext4") || !have("mkswap"))
		skip();
	shell(r.arena, arena_printf(r.arena,
				    "rm -f %s && truncate -s 8M %s && "
				    "mkswap -q %s",
				    path_img, path_img, path_img));
	rig_provision(&disk, DRIVER_NOOP);
	rig_expect("provision", -EEXIST,
		   driver_provision(rig_within(&r, 8000), &r.err), &r.err);
	expect_text(r.err.text, "it holds swap");
	rig_unprovision(&r, DRIVER_LEFT);
	/* Data that nobody knows, at the end. */
	shell(r.arena,
	      arena_printf(r.arena,
			   "rm %s && truncate -s 8M %s && printf data | dd "
			   "of=%s bs=1 seek=8388600 conv=notrunc status=none",
			   path_img, path_img, path_img));
	rig_made(&r, PROVISIONED_NO);
	rig_expect("provision", -EEXIST,
		   driver_provision(rig_within(&r, 8000), &r.err), &r.err);
	expect_text(r.err.text, "holds data of no known kind");
	rig_provision(&force, 0);
	assert_string_equal(
		shell(r.arena,
		      arena_printf(r.arena, "blkid -p -o value -s LABEL %s",
				   path_img)),
		"two words");
	/* Even with -F, what is of the type already is kept. */
	uuid = shell(r.arena,
		     arena_printf(r.arena, "blkid -p -o value -s UUID %s",
				  path_img));
	rig_provision(&force, DRIVER_NOOP);
	assert_string_equal(
		shell(r.arena,
		      arena_printf(r.arena, "blkid -p -o value -s UUID %s",
				   path_img)),
		uuid);
	/* That of another resource, and one made by hand. */
	r.res.rid = "fs#2";
	rig_unprovision(&r, DRIVER_LEFT);
	shell(r.arena, arena_printf(r.arena, "mkfs.ext4 -q -F %s", path_img));
	rig_provision(&r, DRIVER_NOOP);
	r.res.rid = "fs#1";
	rig_unprovision(&r, DRIVER_LEFT);
	rig_made(&r, PROVISIONED_YES);
	rig_unprovision(&disk, DRIVER_LEFT);
	assert_int_equal(access(path_img, F_OK), 0);
	unlink(path_img);
}

/* Below what is not mounted now nothing can be told, made or removed. */
static void test_hidden(void **state)
{
	RIG(disk, "disk#1", "disk", "loop", "file", PATH(img), "size", "4096");
	RIG(bad, "disk#1", "disk", "loop", "file", PATH(img), "size",
	    "50%FREE");
	const char *hidden[] = { sandbox_dir, NULL };

	(void)state;
	unlink(path_img);
	disk.job.hidden = hidden;
	rig_made(&disk, PROVISIONED_NA);
	rig_expect("provision", -ENOENT,
		   driver_provision(rig_within(&disk, 8000), &disk.err),
		   &disk.err);
	expect_text(disk.err.text, "is not mounted");
	assert_int_equal(access(path_img, F_OK), -1);
	rig_unprovision(&disk, DRIVER_LEFT);
	rig_expect("provision", -EINVAL,
		   driver_provision(rig_within(&bad, 8000), &bad.err),
		   &bad.err);
	/* One that was cut short is made anew. */
	disk.job.hidden = NULL;
	rig_provision(&disk, 0);
	shell(disk.arena, arena_printf(disk.arena, "mv %s %s.encap-new",
				       path_img, path_img));
	rig_provision(&disk, 0);
	rig_unprovision(&disk, 0);
	assert_string_equal(shell(disk.arena, arena_printf(disk.arena,
							   "ls %s* 2>/dev/null"
							   " || true",
							   path_img)),
			    "");
}

static void test_directory_made(void **state)
{
	RIG(r, "fs#3", "fs", "directory", "path", PATH(fresh), "perm", "0700");

	(void)state;
	rmdir(path_fresh);
	rig_made(&r, PROVISIONED_NA);
	rig_provision(&r, 0);
	rig_provision(&r, DRIVER_NOOP);
	shell(r.arena, arena_printf(r.arena, "touch %s/x", path_fresh));
	rig_unprovision(&r, DRIVER_LEFT);
	shell(r.arena, arena_printf(r.arena, "rm %s/x", path_fresh));
	rig_unprovision(&r, 0);
	rig_unprovision(&r, DRIVER_NOOP);
	assert_int_equal(mkdir(path_fresh, 0700), 0);
	rig_provision(&r, DRIVER_NOOP);
	rig_unprovision(&r, DRIVER_LEFT);
	assert_int_equal(rmdir(path_fresh), 0);
}

static void test_sim_made(void **state)
{
	RIG(r, "app#1", "app", "sim", "needs_provision", "true");
	RIG(f, "app#1", "app", "sim", "needs_provision", "true", "fail",
	    "provision unprovision");
	RIG(no, "app#2", "app", "sim", "name", "x");

	(void)state;
	rig_made(&no, PROVISIONED_NA);
	rig_provision(&no, DRIVER_NOOP);
	rig_made(&r, PROVISIONED_NO);
	rig_expect("start", -ENOENT, driver_start(rig_within(&r, 5000), &r.err),
		   &r.err);
	expect_text(r.err.text, "encap provision web");
	rig_expect("provision", -EIO,
		   driver_provision(rig_within(&f, 5000), &f.err), &f.err);
	rig_provision(&r, 0);
	rig_made(&r, PROVISIONED_YES);
	rig_start(&r, 0);
	rig_stop(&r, 0);
	rig_expect("unprovision", -EIO,
		   driver_unprovision(rig_within(&f, 5000), &f.err), &f.err);
	rig_unprovision(&r, 0);
	rig_made(&r, PROVISIONED_NO);
}

/* -- loop ----------------------------------------------------------------- */

static void test_loop(void **state)
{
	RIG(r, "disk#1", "disk", "loop", "file", PATH(img));
	RIG(other, "disk#1", "disk", "loop", "file", PATH(img));
	const char *dev;

	(void)state;
	if (!have_loop())
		skip();
	/* Its name begins as ours, on the same kernel. */
	other.job.node = arena_printf(r.arena, "%s0", sandbox_node);
	unlink(path_img);
	rig_probe(&r, STATUS_DOWN, NULL);
	assert_string_equal(r.probe.label, path_img);
	rig_stop(&r, DRIVER_NOOP);
	rig_expect("start", -ENOENT, driver_start(rig_within(&r, 5000), &r.err),
		   &r.err);
	expect_text(r.err.text, path_img);
	shell(r.arena, arena_printf(r.arena, "truncate -s 1M %s", path_img));
	rig_start(&r, 0);
	rig_start(&r, DRIVER_NOOP);
	rig_probe(&r, STATUS_UP, "info: /dev/loop");
	/* Another host's is another device, and neither takes the other's. */
	rig_probe(&other, STATUS_DOWN, NULL);
	rig_stop(&other, DRIVER_NOOP);
	rig_start(&other, 0);
	assert_string_not_equal(r.probe.log, other.probe.log);
	rig_probe(&other, STATUS_UP, "info: /dev/loop");
	rig_stop(&r, 0);
	rig_probe(&r, STATUS_DOWN, NULL);
	rig_probe(&other, STATUS_UP, "info: /dev/loop");
	rig_stop(&other, 0);
	/* One without a mark, from a person. */
	dev = shell(r.arena,
		    arena_printf(r.arena, "losetup -f --show %s", path_img));
	rig_probe(&r, STATUS_UP, dev);
	rig_stop(&r, 0);
	assert_string_equal(
		shell(r.arena,
		      arena_printf(r.arena, "losetup -j %s", path_img)),
		"");
}

/* Detaching it "works" while it is open: then it is not gone. */
static void test_loop_in_use(void **state)
{
	RIG(r, "disk#1", "disk", "loop", "file", PATH(img));
	const char *dev;
	int fd;

	(void)state;
	if (!have_loop())
		skip();
	shell(r.arena, arena_printf(r.arena, "truncate -s 1M %s", path_img));
	rig_start(&r, 0);
	rig_probe(&r, STATUS_UP, "info: /dev/loop");
	dev = r.probe.log + strlen("info: ");
	fd = open(dev, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	rig_expect("stop", -EBUSY, driver_stop(rig_within(&r, 300), &r.err),
		   &r.err);
	expect_text(r.err.text, "something still uses it");
	close(fd);
	usleep(50000);
	rig_stop(&r, DRIVER_NOOP);
}

/* Loop devices are the machine's: none may stay when a test failed. */
static void after(void)
{
	char mark[48];

	snprintf(mark, sizeof(mark), "encap:%s", sandbox_node);
	for (unsigned nr = 0; nr < 256; nr++) {
		struct loop_info64 info;
		char path[32];
		int fd;

		snprintf(path, sizeof(path), "/dev/loop%u", nr);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (ioctl(fd, LOOP_GET_STATUS64, &info) == 0 &&
		    (strncmp((char *)info.lo_file_name, mark, strlen(mark)) ==
			     0 ||
		     strncmp((char *)info.lo_file_name, sandbox_dir,
			     strlen(sandbox_dir)) == 0)) {
			printf("%s was left attached\n", path);
			ioctl(fd, LOOP_CLR_FD);
		}
		close(fd);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_busy_for_good),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_other_there),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_label),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_bind_file),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_flag),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_loop_in_use),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_directory_made),
		cmocka_unit_test(test_sim_made),
	};
	int failed;

	sandbox_enter(after);
	failed = TABLE_RUN(made_rows, test_made);
	failed += TABLE_RUN(made_rows, test_provision);
	sandbox_exit(failed + cmocka_run_group_tests(tests, NULL, NULL));
}
