/*
 * A real container: a busybox in a tree of its own.
 */
#include "tests/unit/drivers/sandbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "drivers/helper.h"

#define BUSYBOX "/bin/busybox"

static char name[32], root[96];

static void root_make(const char *dir)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, dir);
	assert_int_equal(dir_make(path, 0755, NULL), 0);
}

static int setup(void **state)
{
	static const char *const dirs[] = { "bin", "dev", "proc", "sys",
					    "etc", "tmp", "run" };
	static const char *const links[] = { "sh",   "sleep", "init", "ls",
					     "kill", "cat",   "sync" };
	struct arena *a = arena_new();
	char path[256];

	(void)state;
	snprintf(name, sizeof(name), "test-%s", strrchr(sandbox_dir, '-') + 1);
	snprintf(root, sizeof(root), "%s/root", sandbox_dir);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		root_make(dirs[i]);
	shell(a, arena_printf(a, "cp " BUSYBOX " %s/bin/", root));
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		snprintf(path, sizeof(path), "%s/bin/%s", root, links[i]);
		assert_int_equal(symlink("busybox", path), 0);
	}
	/* liblxc's own directories must not be those of the machine. */
	dir_make("/var/lib/lxc", 0755, NULL);
	assert_int_equal(mount("tmpfs", "/var/lib/lxc", "tmpfs", 0, NULL), 0);
	arena_free(a);
	return 0;
}

/* -- what is left -----------------------------------------------------------
 */

/* Groups of others vanish while it looks, which find calls an error. */
static const char *find_cgroups(void)
{
	RIG(r, "x", "container", "lxc", "x", "x");

	return shell(r.arena, arena_printf(r.arena,
					   "find /sys/fs/cgroup -name "
					   "'lxc.*.%s*' 2>/dev/null; true",
					   name));
}

/* A monitor that was killed may take a moment to be gone. */
static void assert_nothing_left(void)
{
	for (int i = 0; i < 200 && sandbox_processes() > 0; i++)
		usleep(10 * 1000);
	assert_int_equal(sandbox_processes(), 0);
	assert_string_equal(find_cgroups(), "");
}

/* -- tests -------------------------------------------------------------- */

#define KW(init) "name", name, "rootfs", root, "hostname", "vm1", "init", init

static void test_life(void **state)
{
	RIG(r, "container#0", "container", "lxc",
	    KW("/bin/sh -c \"trap 'exit 0' PWR; while :; do sleep 1 & wait; "
	       "done\""));

	(void)state;
	rig_probe(&r, STATUS_DOWN, NULL);
	assert_string_equal(r.probe.label, name);
	rig_stop(&r, DRIVER_NOOP);
	rig_start(&r, 0);
	rig_start(&r, DRIVER_NOOP);
	rig_probe(&r, STATUS_UP, NULL);
	assert_int_equal(driver_find("container", "lxc")
				 ->operational(rig_within(&r, 5000), &r.err),
			 0);
	rig_stop(&r, 0);
	rig_probe(&r, STATUS_DOWN, NULL);
	assert_nothing_left();
}

/* Whether the system in it is up, which is asked only where somebody wants to
 * know. */
static void test_booting(void **state)
{
	RIG(r, "container#0", "container", "lxc", KW("/bin/sleep 1000"));
	const char *systemctl = arena_printf(r.arena, "%s/bin/systemctl", root);
	const char *up = arena_printf(r.arena, "%s/run/systemd/system", root);

	(void)state;
	root_make("run/systemd");
	root_make("run/systemd/system");
	shell(r.arena, arena_printf(r.arena,
				    "printf '#!/bin/sh\\nexit 3\\n' > %s && "
				    "chmod 755 %s",
				    systemctl, systemctl));
	rig_start(&r, 0);
	rig_probe(&r, STATUS_UP, NULL);
	assert_false(r.probe.booting);
	r.job.ask_system = true;
	rig_probe(&r, STATUS_UP, NULL);
	assert_true(r.probe.booting);
	assert_int_equal(rmdir(up), 0);
	rig_probe(&r, STATUS_UP, NULL);
	assert_false(r.probe.booting);
	rig_stop(&r, 0);
	rig_probe(&r, STATUS_DOWN, NULL);
	assert_false(r.probe.booting);
	assert_int_equal(unlink(systemctl), 0);
	assert_nothing_left();
}

/* An init that hears no signal is killed without waiting for it. */
static void test_deaf_init(void **state)
{
	RIG(r, "container#0", "container", "lxc", KW("/bin/sleep 1000"));
	int64_t before;

	(void)state;
	rig_start(&r, 0);
	before = driver_now_ms();
	rig_stop(&r, 0);
	assert_true(driver_now_ms() - before < 2000);
	assert_nothing_left();
}

/* One that hears, and does not end: killed when half of the time is over. */
static void test_stubborn_init(void **state)
{
	RIG(r, "container#0", "container", "lxc",
	    KW("/bin/sh -c \"trap : PWR; while :; do sleep 1; done\""));
	int64_t before;

	(void)state;
	rig_start(&r, 0);
	before = driver_now_ms();
	rig_expect("stop", 0, driver_stop(rig_within(&r, 2000), &r.err),
		   &r.err);
	assert_in_range(driver_now_ms() - before, 900, 2000);
	rig_start(&r, 0);
	before = driver_now_ms();
	rig_kill(&r, 0);
	assert_true(driver_now_ms() - before < 1000);
	rig_kill(&r, DRIVER_NOOP);
	assert_nothing_left();
}

static void test_busybox_init(void **state)
{
	RIG(r, "container#0", "container", "lxc", KW("/bin/init"));
	int64_t before;

	(void)state;
	rig_start(&r, 0);
	before = driver_now_ms();
	rig_expect("stop", 0, driver_stop(rig_within(&r, 20000), &r.err),
		   &r.err);
	assert_true(driver_now_ms() - before < 9000);
	rig_probe(&r, STATUS_DOWN, NULL);
	assert_nothing_left();
}

/* By the kernel's files alone, of either version of cgroups. */
static void freeze(struct rig *r)
{
	shell(r->arena,
	      arena_printf(r->arena,
			   "for f in $(find /sys/fs/cgroup -path "
			   "'*lxc.payload.%s/freezer.state'); do echo FROZEN "
			   ">$f; done; [ -n \"$f\" ] || for f in $(find "
			   "/sys/fs/cgroup -path '*lxc.payload.%s/"
			   "cgroup.freeze'); do echo 1 >$f; done",
			   name, name));
}

static void test_frozen(void **state)
{
	RIG(r, "container#0", "container", "lxc", KW("/bin/sleep 1000"));

	(void)state;
	rig_start(&r, 0);
	freeze(&r);
	rig_probe(&r, STATUS_NA, "the container is frozen");
	rig_stop(&r, 0);
	assert_nothing_left();
}

/* A monitor that hangs answers nobody, frozen processes do not die. */
static void test_hung_monitor(void **state)
{
	RIG(r, "container#0", "container", "lxc", KW("/bin/sleep 1000"));
	int64_t before;

	(void)state;
	rig_start(&r, 0);
	freeze(&r);
	shell(r.arena, arena_printf(r.arena,
				    "kill -STOP $(pgrep -f 'lxc monitor. "
				    "/var/lib/lxc %s$')",
				    name));
	assert_int_equal(driver_probe(rig_within(&r, 200), &r.probe, &r.err),
			 -ETIMEDOUT);
	assert_int_equal(r.probe.status, STATUS_UNDEF);
	before = driver_now_ms();
	rig_expect("kill", 0, driver_kill(rig_within(&r, 1000), &r.err),
		   &r.err);
	assert_true(driver_now_ms() - before < 1000);
	rig_probe(&r, STATUS_DOWN, NULL);
	assert_nothing_left();
}

/* A socket of ours in the channel's directory is there inside. */
static void test_channel(void **state)
{
	RIG(r, "container#0", "container", "lxc",
	    KW("/bin/sh -c \"hostname >/dev/encap/out; ls /dev/encap "
	       ">>/dev/encap/out; sync; sleep 1000\""));
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *dir;
	char *text = NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	symlink("busybox", arena_printf(r.arena, "%s/bin/hostname", root));
	assert_int_equal(
		driver_find("container", "lxc")
			->channel_dir(rig_within(&r, 5000), &dir, &r.err),
		0);
	assert_string_equal(dir,
			    arena_printf(r.arena, "%s/channel/web/container0",
					 r.job.run_dir));
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/sock", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	rig_start(&r, 0);
	for (int i = 0; i < 100; i++) {
		if (job_file_read(r.arena, arena_printf(r.arena, "%s/out", dir),
				  &text, NULL) == 0 &&
		    strstr(text, "sock"))
			break;
		usleep(20000);
	}
	expect_text(text ? text : "", "vm1\n");
	expect_text(text ? text : "", "sock\n");
	rig_kill(&r, 0);
	close(fd);
	assert_nothing_left();
}

/* Somebody else starts, freezes and ends it; liblxc's own commands find it. */
static void test_by_hand(void **state)
{
	RIG(r, "container#0", "container", "lxc", "name", name);
	const char *config = arena_printf(r.arena, "/var/lib/lxc/%s", name);

	(void)state;
	rig_expect("start", -EINVAL, driver_start(rig_within(&r, 5000), &r.err),
		   &r.err);
	expect_text(r.err.text, "no configuration");
	dir_make(config, 0755, NULL);
	config = arena_printf(r.arena, "%s/config", config);
	job_file_write(config,
		       arena_printf(r.arena,
				    "lxc.rootfs.path = dir:%s\n"
				    "lxc.net.0.type = empty\n"
				    "lxc.start.auto = 1\n"
				    "lxc.init.cmd = /bin/sleep 1000\n",
				    root),
		       NULL);
	shell(r.arena, arena_printf(r.arena, "lxc-start -n %s", name));
	rig_probe(&r, STATUS_UP, "auto boot is on");
	shell(r.arena, arena_printf(r.arena, "lxc-freeze -n %s", name));
	rig_probe(&r, STATUS_NA, "frozen");
	rig_stop(&r, 0);
	rig_start(&r, 0);
	shell(r.arena, arena_printf(r.arena, "lxc-attach -n %s -- ls /", name));
	shell(r.arena, arena_printf(r.arena, "lxc-stop -k -n %s", name));
	rig_probe(&r, STATUS_DOWN, "auto boot is on");
	rig_start(&r, 0);
	/* It dies: its init is the child of its monitor. */
	shell(r.arena,
	      arena_printf(r.arena, "kill -9 $(lxc-info -n %s -pH)", name));
	for (int i = 0; i < 100; i++) {
		driver_probe(rig_within(&r, 5000), &r.probe, &r.err);
		if (r.probe.status == STATUS_DOWN)
			break;
		usleep(20000);
	}
	rig_probe(&r, STATUS_DOWN, "auto boot is on");
	rig_stop(&r, DRIVER_NOOP);
	unlink(config);
	assert_nothing_left();
}

static void test_cf_and_network(void **state)
{
	const char *cf = "/run/vm.conf";
	RIG(r, "container#0", "container", "lxc", "name", name, "cf", cf,
	    "hostname", "vm1", "network", "br9", "address",
	    "10.9.8.7/24 fd00::7/64", "gateway", "10.9.8.1", "mount",
	    "tmpfs mnt/with\\040blank tmpfs create=dir 0 0\n  "
	    "tmpfs tmp tmpfs size=1m 0 0  \n");
	const char *text;

	(void)state;
	shell(r.arena, "ip link add br9 type bridge && ip addr add "
		       "10.9.8.1/24 dev br9 && ip link set br9 up");
	rig_expect("start", -ENOENT, driver_start(rig_within(&r, 5000), &r.err),
		   &r.err);
	expect_text(r.err.text, cf);
	job_file_write(cf,
		       arena_printf(r.arena,
				    "lxc.rootfs.path = dir:%s\n"
				    "lxc.net.0.type = empty\n"
				    "lxc.mount.auto = proc:mixed\n"
				    "lxc.init.cmd = /bin/sleep 1000\n",
				    root),
		       NULL);
	rig_start(&r, 0);
	unlink(cf); /* its storage goes away: state and stop need no file */
	rig_probe(&r, STATUS_UP, NULL);
	text = shell(r.arena,
		     arena_printf(r.arena,
				  "lxc-attach -n %s -- /bin/busybox sh -c "
				  "'/bin/busybox ip addr; /bin/busybox ip "
				  "route; /bin/busybox cat /proc/mounts'",
				  name));
	expect_text(text, "10.9.8.7/24");
	expect_text(text, "fd00::7/64");
	expect_text(text, "default via 10.9.8.1");
	expect_text(text, "/mnt/with\\040blank");
	expect_text(text, "size=1024k");
	rig_stop(&r, 0);
	assert_nothing_left();
}

/* Errors carry what liblxc wrote into its log. */
static void test_failures(void **state)
{
	RIG(bad, "container#0", "container", "lxc", KW("/bin/missing"));
	RIG(gone, "container#0", "container", "lxc", "name", name, "rootfs",
	    "/nowhere");
	RIG(brief, "container#0", "container", "lxc",
	    KW("/bin/sh -c 'echo no such disk; exit 1'"));
	RIG(bridge, "container#0", "container", "lxc", KW("/bin/sleep 1000"),
	    "network", "nobridge");

	(void)state;
	rig_expect("start", -EIO,
		   driver_start(rig_within(&bad, 5000), &bad.err), &bad.err);
	expect_text(bad.err.text, "start container#0: ");
	expect_text(bad.err.text, "/bin/missing");
	rig_expect("start", -ENOENT,
		   driver_start(rig_within(&gone, 5000), &gone.err), &gone.err);
	expect_text(gone.err.text, "/nowhere");
	rig_expect("start", -EIO,
		   driver_start(rig_within(&brief, 5000), &brief.err),
		   &brief.err);
	expect_text(brief.err.text, ": its first process ended at once; its "
				    "last words: no such disk");
	rig_expect("start", -EIO,
		   driver_start(rig_within(&bridge, 5000), &bridge.err),
		   &bridge.err);
	expect_text(bridge.err.text, "nobridge");
	assert_nothing_left();
}

/* Empty cgroups that an old monitor has left go, others of like names stay. */
static void test_leftovers(void **state)
{
	RIG(r, "container#0", "container", "lxc", KW("/bin/sleep 1000"));
	const struct {
		const char *before, *after;
		bool goes;
	} rows[] = {
		{ "lxc.monitor.", "x", false },
		{ "lxc.payload.", "-a", false },
		{ "lxc.monitor.x", "", false },
		{ "lxc.monitor.", "", true },
		{ "lxc.payload.", "-12", true },
	};
	const char *top =
		shell(r.arena, "awk '$9==\"cgroup\"||$8==\"cgroup2\"||"
			       "$8==\"cgroup\"||$9==\"cgroup2\"{print $5; "
			       "exit}' /proc/self/mountinfo");
	const char *path[5];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		path[i] = arena_printf(r.arena, "%s/%s%s%s", top,
				       rows[i].before, name, rows[i].after);
		assert_int_equal(mkdir(path[i], 0755), 0);
	}
	rig_stop(&r, DRIVER_NOOP);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(rmdir(path[i]), rows[i].goes ? -1 : 0);
	assert_nothing_left();
}

/* After a test that failed, the next ones begin anew. */
static int teardown(void **state)
{
	RIG(r, "container#0", "container", "lxc", "name", name);

	(void)state;
	driver_kill(rig_within(&r, 3000), &r.err);
	return 0;
}

/* -- provision ------------------------------------------------------------ */

static const char *make_archive(struct rig *r)
{
	const char *path =
		arena_printf(r->arena, "%s/root.tar.gz", sandbox_dir);

	shell(r->arena,
	      arena_printf(r->arena, "tar -czf %s -C %s .", path, root));
	return path;
}

/* From an archive to a directory that is named, started, and back. */
static void test_provision(void **state)
{
	RIG(r, "container#0", "container", "lxc", "name", name, "rootfs", "",
	    "template", "", "init", "/bin/sleep 1000");
	const char *made = arena_printf(r.arena, "%s/made/vm", sandbox_dir);
	const char *hidden[] = { made, NULL };

	(void)state;
	r_kw[3] = made;
	r_kw[5] = make_archive(&r);
	rig_made(&r, PROVISIONED_NO);
	rig_provision(&r, 0);
	rig_provision(&r, DRIVER_NOOP);
	rig_made(&r, PROVISIONED_YES);
	rig_start(&r, 0);
	rig_made(&r, PROVISIONED_YES);
	rig_provision(&r, DRIVER_NOOP);
	rig_expect("unprovision", -EBUSY,
		   driver_unprovision(rig_within(&r, 8000), &r.err), &r.err);
	rig_stop(&r, 0);
	r.job.hidden = hidden;
	rig_made(&r, PROVISIONED_NA);
	rig_unprovision(&r, DRIVER_LEFT);
	r.job.hidden = NULL;
	/* Nothing that is mounted in it is emptied with it. */
	shell(r.arena,
	      arena_printf(r.arena, "mount --bind %s %s/tmp", root, made));
	rig_expect("unprovision", -EBUSY,
		   driver_unprovision(rig_within(&r, 8000), &r.err), &r.err);
	expect_text(r.err.text, "is mounted below it");
	shell(r.arena, arena_printf(r.arena, "umount %s/tmp", made));
	assert_int_equal(
		access(arena_printf(r.arena, "%s/bin/busybox", made), X_OK), 0);
	rig_unprovision(&r, 0);
	rig_unprovision(&r, DRIVER_NOOP);
	rig_made(&r, PROVISIONED_NO);
	assert_int_equal(access(made, F_OK), -1);
	assert_nothing_left();
}

/* What was there before, by whomever, is used and never removed. */
static void test_provision_not_ours(void **state)
{
	RIG(r, "container#0", "container", "lxc", "name", name, "rootfs", root,
	    "template", root, "init", "/bin/sleep 1000");
	RIG(none, "container#0", "container", "lxc", "name", name, "rootfs",
	    "/nonexistent/root");

	(void)state;
	rig_made(&r, PROVISIONED_YES);
	rig_provision(&r, DRIVER_NOOP);
	rig_unprovision(&r, DRIVER_LEFT);
	assert_int_equal(
		access(arena_printf(r.arena, "%s/bin/busybox", root), X_OK), 0);
	rig_expect("provision", -EINVAL,
		   driver_provision(rig_within(&none, 8000), &none.err),
		   &none.err);
	expect_text(none.err.text, "no template");
}

/* Without a rootfs there is a configuration of its own; a copy that was cut
 * short is made anew. */
static void test_provision_copy(void **state)
{
	RIG(r, "container#0", "container", "lxc", "name", name, "template",
	    root, "init", "/bin/sleep 1000");
	const char *dir = arena_printf(r.arena, "/var/lib/lxc/%s", name);
	const char *half = arena_printf(r.arena, "%s/rootfs", dir);

	(void)state;
	shell(r.arena, arena_printf(r.arena, "rm -rf %s", dir));
	rig_made(&r, PROVISIONED_NO);
	rig_provision(&r, 0);
	rig_made(&r, PROVISIONED_YES);
	rig_start(&r, 0);
	rig_stop(&r, 0);
	shell(r.arena, arena_printf(r.arena,
				    "rm %s/config && touch %s/half && python3 "
				    "-c \"import os; os.setxattr('%s', "
				    "'user.encap', b'web/container#0 "
				    "(half-made)')\"",
				    dir, half, half));
	rig_made(&r, PROVISIONED_NO);
	rig_provision(&r, 0);
	assert_int_equal(access(arena_printf(r.arena, "%s/half", half), F_OK),
			 -1);
	rig_unprovision(&r, 0);
	assert_string_equal(
		shell(r.arena, arena_printf(r.arena,
					    "find %s 2>/dev/null || "
					    "true",
					    dir)),
		"");
	rig_made(&r, PROVISIONED_NO);
	assert_nothing_left();
}

/* By a template of lxc-create. */
static void test_provision_lxc_create(void **state)
{
	RIG(r, "container#0", "container", "lxc", "name", name, "template",
	    "busybox");
	const char *dir = arena_printf(r.arena, "/var/lib/lxc/%s", name);

	(void)state;
	if (access("/usr/share/lxc/templates/lxc-busybox", X_OK) < 0) {
		printf("not here: lxc-create and its template busybox\n");
		skip();
	}
	shell(r.arena, arena_printf(r.arena, "rm -rf %s", dir));
	rig_provision(&r, 0);
	rig_made(&r, PROVISIONED_YES);
	assert_int_equal(access(arena_printf(r.arena, "%s/config", dir), F_OK),
			 0);
	rig_unprovision(&r, 0);
	assert_int_equal(access(dir, F_OK), -1);
}

/* A cgroup outlives what was in it. */
static void after(void)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "find /sys/fs/cgroup -depth -type d -path '*/lxc.*test-%s*' "
		 "-exec rmdir {} +",
		 strrchr(sandbox_dir, '-') + 1);
	if (system(command) != 0)
		printf("%s: failed\n", command);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_life, teardown),
		cmocka_unit_test_teardown(test_booting, teardown),
		cmocka_unit_test_teardown(test_deaf_init, teardown),
		cmocka_unit_test_teardown(test_stubborn_init, teardown),
		cmocka_unit_test_teardown(test_busybox_init, teardown),
		cmocka_unit_test_teardown(test_frozen, teardown),
		cmocka_unit_test_teardown(test_hung_monitor, teardown),
		cmocka_unit_test_teardown(test_channel, teardown),
		cmocka_unit_test_teardown(test_by_hand, teardown),
		cmocka_unit_test_teardown(test_cf_and_network, teardown),
		cmocka_unit_test_teardown(test_failures, teardown),
		cmocka_unit_test_teardown(test_leftovers, teardown),
		cmocka_unit_test_teardown(test_provision, teardown),
		cmocka_unit_test_teardown(test_provision_not_ours, teardown),
		cmocka_unit_test_teardown(test_provision_copy, teardown),
		cmocka_unit_test_teardown(test_provision_lxc_create, teardown),
	};

	if (helper_wanted(argc, argv))
		return helper_main(argc, argv);
	if (access(BUSYBOX, X_OK) < 0)
		sandbox_skip("busybox-static is not installed");
	sandbox_enter(after);
	cmocka_set_test_filter(getenv("T"));
	sandbox_exit(cmocka_run_group_tests(tests, setup, NULL));
}
