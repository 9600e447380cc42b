/*
 * Programs that are started, found again and ended; in a pid namespace.
 */
#include "tests/unit/drivers/sandbox.h"

#include <fcntl.h>

#include "drivers/cgroup.h"
#include "drivers/track.h"
#include "tests/lib/table.h"

/* As it may be in a container. */
static void cgroups_hide(void)
{
	assert_int_equal(
		mount("tmpfs", "/sys/fs/cgroup", "tmpfs", MS_RDONLY, NULL), 0);
}

static void assert_nothing_left(void)
{
	const char *const *homes;
	RIG(r, "app#1", "app", "simple", "start", "x");

	/* One that is ending has no environment any more, a moment before it
	 * is a zombie. */
	SANDBOX_WAIT(sandbox_processes() == 0);
	assert_int_equal(cgroup_mounts(r.arena, &homes, NULL), 0);
	for (; *homes; homes++)
		assert_int_equal(access(arena_printf(r.arena, "%s/encap/%s",
						     *homes, r.job.service),
					F_OK),
				 -1);
}

static pid_t main_pid(struct rig *r)
{
	struct track t;

	assert_int_equal(track_load(rig_within(r, 1000), &t, &r->err), 0);
	return t.main.pid;
}

static void kill_main(struct rig *r)
{
	pid_t pid = main_pid(r);

	kill(pid, SIGKILL);
	SANDBOX_WAIT(!proc_is_alive(pid));
}

static const char *script(struct rig *r, const char *name, const char *text)
{
	const char *dir = arena_printf(r->arena, "%s/services/%s.d",
				       r->job.etc_dir, r->job.service);
	const char *path = arena_printf(r->arena, "%s/%s", dir, name);

	assert_int_equal(dir_make(dir, 0755, NULL), 0);
	assert_int_equal(
		job_file_write(path,
			       arena_printf(r->arena, "#!/bin/sh\n%s\n", text),
			       NULL),
		0);
	assert_int_equal(chmod(path, 0755), 0);
	return path;
}

/* -- simple -----------------------------------------------------------------
 */

static void test_simple(void **state)
{
	RIG(r, "app#1", "app", "simple", "start", "/bin/sleep 1000");
	pid_t pid;

	(void)state;
	rig_probe(&r, STATUS_DOWN, NULL);
	assert_string_equal(r.probe.label, "sleep");
	rig_stop(&r, DRIVER_NOOP);
	rig_start(&r, 0);
	pid = main_pid(&r);
	assert_true(proc_is_alive(pid));
	rig_start(&r, DRIVER_NOOP);
	assert_int_equal(main_pid(&r), pid);
	rig_probe(&r, STATUS_UP, NULL);
	r.job.instance_up = false; /* a process is looked for all the same */
	rig_probe(&r, STATUS_UP, NULL);
	rig_stop(&r, 0);
	rig_probe(&r, STATUS_DOWN, NULL);
	rig_stop(&r, DRIVER_NOOP);
	rig_kill(&r, DRIVER_NOOP);
	assert_nothing_left();
}

/* It dies; and somebody else gets its pid, as a restart would give. */
static void test_simple_dies(void **state)
{
	RIG(r, "app#1", "app", "simple", "start", "/bin/sleep 1000");
	struct track t;

	(void)state;
	rig_start(&r, 0);
	kill_main(&r);
	rig_probe(&r, STATUS_DOWN, NULL);
	rig_start(&r, 0);
	rig_probe(&r, STATUS_UP, NULL);
	assert_int_equal(track_load(rig_within(&r, 1000), &t, &r.err), 0);
	t.main.start--; /* another process with that number */
	assert_false(track_alive(&t));
	t.main.start++;
	assert_true(track_alive(&t));
	rig_kill(&r, 0);
	assert_nothing_left();
}

/* Children go as well: those that ignore SIGTERM, and those that went into a
 * session of their own. */
static void test_simple_tree(void **state)
{
	RIG(r, "app#1", "app", "simple", "start", "tree");
	const char *kw[] = { "start",
			     script(&r, "tree",
				    "sleep 1001 &\n"
				    "setsid sleep 1002 &\n"
				    "trap '' TERM\n"
				    "sh -c 'sleep 1003; "
				    ":' &\n"
				    "trap - TERM\n"
				    "sleep 1004 & wait"),
			     NULL };
	int64_t before;

	(void)state;
	r.res.kw = kw;
	rig_start(&r, 0);
	SANDBOX_WAIT(sandbox_processes() >= 6);
	before = driver_now_ms();
	rig_expect("stop", 0, driver_stop(rig_within(&r, 600), &r.err), &r.err);
	assert_in_range(driver_now_ms() - before, 250, 600);
	assert_nothing_left();
	rig_start(&r, 0);
	SANDBOX_WAIT(sandbox_processes() >= 6);
	before = driver_now_ms();
	rig_kill(&r, 0);
	assert_true(driver_now_ms() - before < 500);
	assert_nothing_left();
}

/* The main process has gone, its child is there: neither up nor down. */
static void test_simple_orphan(void **state)
{
	RIG(r, "app#1", "app", "simple", "start", "orphan");
	const char *kw[] = {
		"start", script(&r, "orphan", "sleep 1001 &\nexec sleep 1002"),
		NULL
	};

	(void)state;
	r.res.kw = kw;
	rig_start(&r, 0);
	kill_main(&r);
	rig_probe(&r, STATUS_WARN, "has ended, but 1 that it started");
	rig_start(&r, 0); /* it is ended first */
	assert_int_equal(sandbox_processes(), 2);
	rig_probe(&r, STATUS_UP, NULL);
	rig_stop(&r, 0);
	assert_nothing_left();
}

/* An agent that ended right after the exec has not written the pid down. */
static void test_simple_adopted(void **state)
{
	RIG(r, "app#1", "app", "simple", "start", "adopt");
	const char *kw[] = { "start", script(&r, "adopt", "sleep 1001 &\nwait"),
			     NULL };
	struct track t;
	pid_t pid;

	(void)state;
	r.res.kw = kw;
	rig_start(&r, 0);
	SANDBOX_WAIT(sandbox_processes() >= 2);
	pid = main_pid(&r);
	assert_int_equal(track_load(rig_within(&r, 1000), &t, &r.err), 0);
	job_file_write(t.file,
		       arena_printf(r.arena, "%s\n%s\n0 0\n", t.token,
				    t.cgroup ? t.cgroup : "-"),
		       NULL);
	assert_int_equal(main_pid(&r), pid);
	rig_probe(&r, STATUS_UP, NULL);
	rig_stop(&r, 0);
	job_file_write(t.file, "garbage", NULL);
	assert_int_equal(driver_stop(rig_within(&r, 1000), &r.err), -EINVAL);
	expect_text(r.err.text, "is damaged");
	unlink(t.file);
	assert_nothing_left();
}

static void test_simple_fails(void **state)
{
	RIG(brief, "app#1", "app", "simple", "start",
	    "sh -c \"echo no such database >&2\"");
	RIG(missing, "app#1", "app", "simple", "start", "/no/such/daemon -x");
	RIG(user, "app#1", "app", "simple", "start", "sleep 1000", "user",
	    "no-such-user");

	(void)state;
	rig_expect("start", -EIO,
		   driver_start(rig_within(&brief, 5000), &brief.err),
		   &brief.err);
	expect_text(brief.err.text,
		    "start app#1: sh ended at once: no such database");
	rig_probe(&brief, STATUS_DOWN, NULL);
	rig_expect("start", -ENOENT,
		   driver_start(rig_within(&missing, 5000), &missing.err),
		   &missing.err);
	expect_text(missing.err.text, "/no/such/daemon: execute: ");
	rig_expect("start", -ENOENT,
		   driver_start(rig_within(&user, 5000), &user.err), &user.err);
	assert_nothing_left();
}

/* As whom, where and with what it runs. */
static void test_surroundings(void **state)
{
	RIG(r, "app#1", "app", "simple", "start",
	    "sh -c 'id -un; id -gn; pwd; umask; ulimit -n; ulimit -t; echo $A "
	    "$HOME $ENCAP_RID $OPENSVC_SVCNAME $ENCAP_LEVEL $ENCAP_ACTION; "
	    "exec "
	    "sleep 1000'",
	    "user", "nobody", "group", "daemon", "cwd", "/usr", "umask", "027",
	    "limit_nofile", "99", "limit_cpu", "77000", "environment",
	    "A='x y' B=2");
	char *text;

	(void)state;
	rig_start(&r, 0);
	assert_int_equal(
		job_file_read(r.arena,
			      arena_printf(r.arena, "%s/log/%s/app#1.out",
					   r.job.run_dir, r.job.service),
			      &text, NULL),
		0);
	assert_string_equal(
		text, arena_printf(r.arena,
				   "nobody\ndaemon\n/usr\n0027\n99\n77\nx y "
				   "/nonexistent app#1 %s hypervisor start\n",
				   r.job.service));
	rig_kill(&r, 0);
	assert_nothing_left();
}

/* Secrets are variables of its processes, and nothing else shows them. */
static void test_secrets(void **state)
{
	static const char *const secrets[] = { "PW=open sesame", NULL };
	RIG(r, "app#1", "app", "simple", "start",
	    "sh -c 'test \"$PW\" = \"open sesame\" && echo told; exec sleep "
	    "1000'",
	    "secrets_environment", "PW=pw");
	char *text;

	(void)state;
	r.job.secrets_missing = "web has no secret 'pw'";
	rig_expect("start", -ENOKEY, driver_start(rig_within(&r, 5000), &r.err),
		   &r.err);
	expect_text(r.err.text, "secrets_environment: web has no secret 'pw'");
	r.job.secrets_missing = NULL;
	r.job.secrets = secrets;
	rig_start(&r, 0);
	assert_int_equal(
		job_file_read(r.arena,
			      arena_printf(r.arena, "%s/log/%s/app#1.out",
					   r.job.run_dir, r.job.service),
			      &text, NULL),
		0);
	assert_string_equal(text, "told\n");
	rig_kill(&r, 0);
	assert_nothing_left();
}

/* A stop command of its own comes first, and is given time. */
static void test_simple_stop_command(void **state)
{
	RIG(r, "app#1", "app", "simple", "start", "", "stop", "");
	const char *done = arena_printf(r.arena, "%s/done", sandbox_dir);
	const char *kw[] = {
		"start",
		script(&r, "main",
		       arena_printf(r.arena,
				    "trap 'sleep 0.3; echo ok >%s; exit' "
				    "USR1\nsleep 1000 & wait",
				    done)),
		"stop", "sh -c 'kill -USR1 $(pgrep -x main)'", NULL
	};
	char *text;

	(void)state;
	r.res.kw = kw;
	rig_start(&r, 0);
	rig_stop(&r, 0);
	assert_int_equal(job_file_read(r.arena, done, &text, NULL), 0);
	assert_string_equal(text, "ok\n");
	assert_nothing_left();
}

/* With a check, that says whether it is up, and a start waits for it. */
static void test_simple_check(void **state)
{
	RIG(r, "app#1", "app", "simple", "start", "", "check", "");
	const char *flag = arena_printf(r.arena, "%s/ready", sandbox_dir);
	const char *kw[] = { "start",
			     script(&r, "slow",
				    arena_printf(r.arena,
						 "sleep 0.4\ntouch %s\nexec "
						 "sleep 1000",
						 flag)),
			     "check", arena_printf(r.arena, "test -e %s", flag),
			     NULL };
	int64_t before = driver_now_ms();

	(void)state;
	r.res.kw = kw;
	rig_start(&r, 0);
	assert_true(driver_now_ms() - before >= 400);
	rig_probe(&r, STATUS_UP, NULL);
	rig_start(&r, DRIVER_NOOP);
	unlink(flag);
	rig_probe(&r, STATUS_DOWN, NULL);
	/* Its process is there, and is replaced. */
	rig_start(&r, 0);
	assert_int_equal(sandbox_processes(), 1);
	unlink(flag);
	rig_stop(&r, 0);
	kw[1] = "sleep 1000";
	rig_expect("start", -ETIMEDOUT,
		   driver_start(rig_within(&r, 600), &r.err), &r.err);
	/* The last check may have been cut short itself. */
	expect_text(r.err.text, "it was started, but check says ");
	assert_nothing_left();
}

/* -- forking ----------------------------------------------------------------
 */

static const char daemon_script[] =
	"pidfile=%s/pid\n"
	"case $1 in\n"
	"start) sleep 1000 >/dev/null & echo $! >$pidfile; echo started;;\n"
	"stop) kill $(cat $pidfile); rm $pidfile;;\n"
	"check) echo looked; "
	"kill -0 $(cat $pidfile 2>/dev/null) 2>/dev/null || exit 1;;\n"
	"*) exit 9;;\n"
	"esac";

static const char *daemon_text(struct rig *r)
{
	const char *at = strstr(daemon_script, "%s");

	return arena_printf(r->arena, "%.*s%s%s", (int)(at - daemon_script),
			    daemon_script, sandbox_dir, at + 2);
}

static void test_forking(void **state)
{
	RIG(r, "app#2", "app", "forking", "script", "launcher", "start", "true",
	    "stop", "10", "check", "yes", "status_log", "true");

	(void)state;
	script(&r, "launcher", daemon_text(&r));
	rig_probe(&r, STATUS_DOWN, "info: looked");
	assert_string_equal(r.probe.label, "launcher");
	rig_stop(&r, DRIVER_NOOP);
	rig_start(&r, 0);
	rig_start(&r, DRIVER_NOOP);
	rig_probe(&r, STATUS_UP, "info: looked");
	r.job.instance_up = false;
	rig_probe(&r, STATUS_NA, "info: not evaluated (instance not up)");
	r.job.instance_up = true;
	rig_stop(&r, 0);
	rig_probe(&r, STATUS_DOWN, "info: looked");
	rig_start(&r, 0);
	rig_kill(&r, 0); /* what it started is known, without its script */
	assert_int_equal(sandbox_processes(), 0);
	rig_probe(&r, STATUS_DOWN, "info: looked");
	assert_nothing_left();
}

/* No stop command: what the start has started is ended. */
static void test_forking_without_stop(void **state)
{
	RIG(r, "app#2", "app", "forking", "start",
	    "sh -c 'setsid sleep 1000 >/dev/null 2>&1 &'");

	(void)state;
	rig_probe(&r, STATUS_NA, "info: no checkup scripts");
	rig_start(&r, 0);
	assert_int_equal(sandbox_processes(), 1);
	rig_probe(&r, STATUS_NA, "info: no checkup scripts");
	rig_stop(&r, 0);
	rig_stop(&r, DRIVER_NOOP);
	assert_nothing_left();
}

static void test_bare(void **state)
{
	RIG(r, "app", "app", "forking", "retcodes", "0:up 1:down");

	(void)state;
	rig_probe(&r, STATUS_NA, "info: no checkup scripts");
	assert_string_equal(r.probe.label, "app");
	rig_start(&r, DRIVER_NOOP);
	rig_stop(&r, DRIVER_NOOP);
	rig_kill(&r, DRIVER_NOOP);
	assert_nothing_left();
}

static const struct check_row {
	const char *name, *check, *retcodes;
	enum status status;
	const char *log;
} check_rows[] = {
	{ "up", "true", NULL, STATUS_NA, NULL }, /* replaced: see below */
	{ "up by code", "sh -c 'exit 0'", NULL, STATUS_UP, NULL },
	{ "down by code", "sh -c 'exit 1'", NULL, STATUS_DOWN, NULL },
	{ "not mapped", "sh -c 'echo hm; exit 2'", NULL, STATUS_WARN,
	  "warn: check: exit code 2 is not in retcodes: hm" },
	{ "mapped", "sh -c 'exit 2'", "2:n/a", STATUS_NA, NULL },
	{ "too slow", "sleep 1000", NULL, STATUS_WARN,
	  "warn: sleep: did not end in time and was killed" },
	{ "no such program", "/no/such/check", NULL, STATUS_WARN,
	  "warn: /no/such/check: execute: " },
};

static void test_check(void **state)
{
	const struct check_row *row = *state;
	RIG(r, "app#2", "app", "forking", "check", row->check, "check_timeout",
	    "200", "retcodes", row->retcodes ? row->retcodes : "0:up 1:down");

	if (row->status == STATUS_NA && !row->retcodes) {
		/* "true" calls the script, and there is none. */
		assert_int_equal(
			driver_probe(rig_within(&r, 1000), &r.probe, &r.err),
			-EINVAL);
		expect_text(r.err.text, "there is no keyword script");
		return;
	}
	rig_probe(&r, row->status, row->log);
}

static void test_forking_fails(void **state)
{
	RIG(bad, "app#2", "app", "forking", "start",
	    "sh -c 'sleep 1000 & echo no licence; exit 3'");
	RIG(missing, "app#2", "app", "forking", "script", "missing", "start",
	    "true", "check", "true");
	RIG(late, "app#2", "app", "forking", "start", "sleep 1000");
	RIG(stop, "app#2", "app", "forking", "start",
	    "sh -c 'sleep 1000 >/dev/null 2>&1 &'", "stop",
	    "sh -c 'echo will not; exit 1'");

	(void)state;
	rig_expect("start", -EIO,
		   driver_start(rig_within(&bad, 5000), &bad.err), &bad.err);
	expect_text(bad.err.text,
		    "start app#2: /bin/sh: exit code 3: no licence");
	assert_nothing_left();
	rig_probe(&missing, STATUS_WARN, ".d/missing is missing");
	rig_expect("start", -ENOENT,
		   driver_start(rig_within(&missing, 5000), &missing.err),
		   &missing.err);
	rig_expect("start", -ETIMEDOUT,
		   driver_start(rig_within(&late, 300), &late.err), &late.err);
	expect_text(late.err.text, "did not end in time");
	assert_nothing_left();
	rig_start(&stop, 0);
	rig_expect("stop", -EIO,
		   driver_stop(rig_within(&stop, 5000), &stop.err), &stop.err);
	expect_text(stop.err.text, "exit code 1: will not");
	assert_int_equal(sandbox_processes(), 1);
	rig_kill(&stop, 0);
	assert_nothing_left();
}

/* A start that fails because something of it runs must not end that. */
static void test_forking_runs_already(void **state)
{
	RIG(r, "app#2", "app", "forking", "start", "");
	const char *kw[] = { "start",
			     script(&r, "once",
				    "pgrep -x sleep >/dev/null && { echo runs "
				    "already; exit 1; }\nsleep 1000 >/dev/null "
				    "2>&1 &"),
			     NULL };

	(void)state;
	r.res.kw = kw;
	rig_start(&r, 0);
	/* What a shell puts into the background takes a moment to be that. */
	for (int i = 0; i < 500 && system("pgrep -x sleep >/dev/null"); i++)
		usleep(10 * 1000);
	rig_expect("start", -EIO, driver_start(rig_within(&r, 5000), &r.err),
		   &r.err);
	assert_int_equal(sandbox_processes(), 1);
	rig_stop(&r, 0);
	assert_nothing_left();
}

/* -- sim --------------------------------------------------------------------
 */

static void test_sim(void **state)
{
	RIG(r, "app#3", "app", "sim", "start_delay", "50", "stop_delay", "50");
	RIG(bad, "app#4", "app", "sim", "fail", "start stop");
	RIG(blind, "app#5", "app", "sim", "fail", "probe");
	RIG(slow, "app#6", "app", "sim", "start_delay", "60000");
	int64_t before = driver_now_ms();

	(void)state;
	rig_probe(&r, STATUS_DOWN, NULL);
	rig_start(&r, 0);
	rig_start(&r, DRIVER_NOOP);
	rig_probe(&r, STATUS_UP, NULL);
	rig_stop(&r, 0);
	rig_stop(&r, DRIVER_NOOP);
	assert_true(driver_now_ms() - before >= 100);
	rig_expect("start", -EIO,
		   driver_start(rig_within(&bad, 1000), &bad.err), &bad.err);
	rig_probe(&bad, STATUS_DOWN, NULL);
	assert_int_equal(driver_probe(rig_within(&blind, 1000), &blind.probe,
				      &blind.err),
			 -EIO);
	assert_int_equal(blind.probe.status, STATUS_UNDEF);
	rig_expect("start", -ETIMEDOUT,
		   driver_start(rig_within(&slow, 50), &slow.err), &slow.err);
	rig_probe(&slow, STATUS_DOWN, NULL);
	rig_start(&r, 0);
	rig_kill(&r, 0);
	rig_kill(&r, DRIVER_NOOP);
}

/* Each begins with nothing, whatever the one before has left. */
static int teardown(void **state)
{
	RIG(r, "app#1", "app", "simple", "start", "x");

	(void)state;
	for (int i = 0; i < 100 && sandbox_processes(); i++) {
		kill(-1, SIGKILL); /* as process 1, that means in here */
		usleep(10000);
	}
	shell(r.arena, arena_printf(r.arena, "rm -rf %s/*", sandbox_dir));
	return 0;
}

static void after(void)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "find /sys/fs/cgroup -depth -type d -path '*/encap/%s*' "
		 "-exec rmdir {} + 2>/dev/null",
		 sandbox_service);
	if (system(command) != 0)
		printf("cgroups were left\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_simple, teardown),
		cmocka_unit_test_teardown(test_simple_dies, teardown),
		cmocka_unit_test_teardown(test_simple_tree, teardown),
		cmocka_unit_test_teardown(test_simple_orphan, teardown),
		cmocka_unit_test_teardown(test_simple_adopted, teardown),
		cmocka_unit_test_teardown(test_simple_fails, teardown),
		cmocka_unit_test_teardown(test_surroundings, teardown),
		cmocka_unit_test_teardown(test_secrets, teardown),
		cmocka_unit_test_teardown(test_simple_stop_command, teardown),
		cmocka_unit_test_teardown(test_simple_check, teardown),
		cmocka_unit_test_teardown(test_forking, teardown),
		cmocka_unit_test_teardown(test_forking_without_stop, teardown),
		cmocka_unit_test_teardown(test_bare, teardown),
		cmocka_unit_test_teardown(test_forking_fails, teardown),
		cmocka_unit_test_teardown(test_forking_runs_already, teardown),
		cmocka_unit_test_teardown(test_sim, teardown),
	};
	static const struct CMUnitTest without[] = {
		cmocka_unit_test_teardown(test_simple_tree, teardown),
		cmocka_unit_test_teardown(test_simple_adopted, teardown),
		cmocka_unit_test_teardown(test_forking_without_stop, teardown),
		cmocka_unit_test_teardown(test_forking_runs_already, teardown),
	};
	static char service[32];
	int failed;

	/* Tests that run beside this one see the same cgroups. */
	snprintf(service, sizeof(service), "test-%d", (int)getpid());
	sandbox_service = service;
	sandbox_enter(after);
	failed = TABLE_RUN(check_rows, test_check);
	failed +=
		cmocka_run_group_tests_name("with cgroups", tests, NULL, NULL);
	cgroups_hide();
	sandbox_exit(failed + cmocka_run_group_tests_name("without cgroups",
							  without, NULL, NULL));
}
