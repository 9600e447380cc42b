/*
 * Tasks are run, bounded and ended; in a pid namespace.
 */
#include "tests/unit/drivers/sandbox.h"

#include <fcntl.h>

#include "tests/lib/table.h"

static int run(struct rig *r)
{
	return driver_run(rig_within(r, 5000), &r->err);
}

static void assert_nothing_left(void)
{
	for (int i = 0; i < 100 && sandbox_processes(); i++)
		usleep(1000);
	assert_int_equal(sandbox_processes(), 0);
}

static void test_code(void **state)
{
	RIG(ok, "task#1", "task", "host", "command", "true");
	RIG(bad, "task#1", "task", "host", "command", "sh -c 'exit 3'");

	(void)state;
	assert_int_equal(run(&ok), 0);
	assert_int_equal(run(&ok), 0); /* again */
	assert_int_equal(run(&bad), 3);
	assert_nothing_left();
}

static void test_no_such_command(void **state)
{
	RIG(r, "task#1", "task", "host", "command", "/no/such/thing");

	(void)state;
	assert_true(run(&r) < 0);
	assert_non_null(strstr(r.err.text, "run task#1"));
	assert_nothing_left();
}

static void test_what_it_leaves_behind_ends(void **state)
{
	RIG(r, "task#1", "task", "host", "command",
	    "sh -c 'setsid sleep 1000 >/dev/null 2>&1 & true'");

	(void)state;
	assert_int_equal(run(&r), 0);
	assert_nothing_left();
}

static void test_timeout(void **state)
{
	RIG(r, "task#1", "task", "host", "command", "sleep 1000");

	(void)state;
	assert_int_equal(driver_run(rig_within(&r, 200), &r.err), -ETIMEDOUT);
	assert_nothing_left();
}

static void test_stopped_while_it_runs(void **state)
{
	RIG(r, "task#1", "task", "host", "command", "sleep 1000");
	RIG(other, "task#1", "task", "host", "command", "true");
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		driver_run(rig_within(&r, 20000), &r.err);
		_exit(0);
	}
	for (int i = 0; i < 200 && sandbox_processes() < 2; i++)
		usleep(5000);
	usleep(50000);
	assert_int_equal(run(&other), -EBUSY);
	rig_stop(&other, 0);
	waitpid(pid, NULL, 0);
	rig_stop(&other, DRIVER_NOOP);
	assert_int_equal(run(&other), 0);
	assert_nothing_left();
}

struct row {
	const char *name;
	const char *check;
	bool has_run;
	int code;
	enum status status;
	const char *log;
};

static const struct row rows[] = {
	{ "no check", "none", true, 0, STATUS_NA, NULL },
	{ "never ran", "last_run", false, 0, STATUS_NA, NULL },
	{ "ran well", "last_run", true, 0, STATUS_UP, NULL },
	{ "ran badly", "last_run", true, 1, STATUS_DOWN, NULL },
	{ "another code", "last_run", true, 7, STATUS_WARN,
	  "warn: its last run ended with code 7" },
	{ "did not run at all", "last_run", true, -2, STATUS_WARN,
	  "warn: its last run failed" },
};

static void test_status(void **state)
{
	const struct row *row = *state;
	RIG(r, "task#1", "task", "host", "command", "true");
	const char *kw[] = { "command", "true", "check", row->check, NULL };

	r.res.kw = kw;
	r.job.has_run = row->has_run;
	r.job.last_code = row->code;
	rig_probe(&r, row->status, row->log);
	assert_string_equal(r.probe.label, "true");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_no_such_command),
		cmocka_unit_test(test_what_it_leaves_behind_ends),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_stopped_while_it_runs),
	};
	static char service[32];
	int failed;

	snprintf(service, sizeof(service), "task-%d", (int)getpid());
	sandbox_service = service;
	sandbox_enter(NULL);
	failed = TABLE_RUN(rows, test_status);
	sandbox_exit(failed + cmocka_run_group_tests(tests, NULL, NULL));
}
