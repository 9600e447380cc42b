/*
 * Copies on this machine, by a real rsync: what is copied, what is replaced
 * when, what a run that is ended half-way leaves; and what a status says.
 */
#include "tests/unit/drivers/sandbox.h"

#include "tests/lib/table.h"

#define NOW INT64_C(1700000000000)

static struct job_copy_to here, other = { .node = "hv2" };
static struct job_copy copy = { .part = JOB_SENDS, .now_ms = NOW };

/* A shell inside of the sandbox. */
static void sh(const char *command)
{
	const char *const argv[] = { "sh", "-ec", command, NULL };
	struct run r = { .argv = argv,
			 .cwd = sandbox_dir,
			 .deadline_ms = driver_now_ms() + 20000 };
	struct err err = { 0 };

	if (run_ok(&r, &err) < 0)
		fail_msg("%s: %s", command, err.text);
}

static void in(struct rig *r, struct job_copy_to *to)
{
	here = (struct job_copy_to){ .node = sandbox_node, .wanted = true };
	copy.to = to;
	copy.n = 1;
	r->job.copy = &copy;
}

#define SYNC(name, src, dst, ...)                                              \
	char name##_src[128], name##_dst[128];                                 \
	snprintf(name##_src, 128, "%s/" src, sandbox_dir);                     \
	snprintf(name##_dst, 128, "%s/" dst, sandbox_dir);                     \
	RIG(name, "sync#1", "sync", "rsync", "src", name##_src, "dst",         \
	    name##_dst, "target", "local", __VA_ARGS__);                       \
	in(&name, &here)

static int run(struct rig *r)
{
	return driver_run(rig_within(r, 20000), &r->err);
}

static void test_directory(void **state)
{
	SYNC(s, "src/", "dst", "snap", "false");

	(void)state;
	sh("mkdir -p src/d dst; echo one >src/a; echo two >src/d/b; "
	   "echo x >dst/gone");
	assert_int_equal(run(&s), 0);
	assert_int_equal(here.done_ms, NOW);
	sh("diff -r src dst; rm -r src dst");
}

static void test_file(void **state)
{
	SYNC(s, "a.conf", "b.conf", "snap", "false");

	(void)state;
	sh("echo one >a.conf; echo beside >c.conf");
	assert_int_equal(run(&s), 0);
	sh("cmp a.conf b.conf; [ \"$(cat c.conf)\" = beside ]; rm *.conf");
}

static void test_pattern_and_options(void **state)
{
	SYNC(s, "*.x", "dst", "options", "--exclude=no.x");

	(void)state;
	sh("mkdir -p dst; echo 1 >yes.x; echo 2 >no.x");
	assert_int_equal(run(&s), 0);
	sh("[ -e dst/yes.x ]; [ ! -e dst/no.x ]; rm -r dst *.x");
}

static void test_killed(void **state)
{
	SYNC(s, "src/", "dst", "bwlimit", "1000000");

	(void)state;
	sh("mkdir -p src dst; echo newer >src/a; echo old >dst/a; "
	   "echo x >dst/gone; head -c 3000000 /dev/urandom >src/big");
	assert_int_equal(driver_run(rig_within(&s, 1000), &s.err), -ETIMEDOUT);
	assert_int_equal(here.done_ms, 0);
	sh("[ \"$(cat dst/a)\" = old ]; [ -e dst/gone ]; [ ! -e dst/big ]");
	assert_int_equal(sandbox_processes(), 0);
	SYNC(again, "src/", "dst", "snap", "false");
	assert_int_equal(run(&again), 0);
	sh("diff -r src dst; [ -z \"$(find dst -name '.*')\" ]; rm -r src dst");
}

static void test_refused(void **state)
{
	SYNC(none, "nothing-*", "dst", "snap", "false");
	SYNC(fs, "", "dst", "dstfs", "/no/mount/point");

	(void)state;
	assert_true(run(&none) < 0);
	assert_non_null(strstr(none.err.text, "there is nothing at src"));
	assert_true(run(&fs) < 0);
	assert_non_null(strstr(fs.err.text, "is not mounted"));
	in(&none, &other);
	other.wanted = true;
	sh("echo x >nothing-1");
	assert_true(run(&none) < 0);
	assert_non_null(strstr(none.err.text, "to hv2: hv2 cannot be reached"));
	assert_int_equal(other.done_ms, 0);
	sh("rm nothing-1");
}

static const struct status_row {
	const char *name;
	enum job_part part;
	int64_t ago_ms; /* of the last copy; 0: never */
	enum status want;
	const char *log;
} status_rows[] = {
	{ "new", JOB_SENDS, 1000, STATUS_UP, "" },
	{ "never", JOB_SENDS, 0, STATUS_DOWN, "warn: hv2 need update" },
	{ "old", JOB_SENDS, 60001, STATUS_DOWN, "warn: hv2 need update" },
	{ "not yet", JOB_SENDS, 60000, STATUS_UP, "" },
	{ "passive", JOB_RECEIVES, 1000, STATUS_UP, "" },
	{ "passive, old", JOB_RECEIVES, 60001, STATUS_WARN,
	  "warn: passive node needs update" },
	{ "up nowhere", JOB_PAUSED, 60001, STATUS_NA,
	  "info: paused: the service is not up" },
};

static void test_status(void **state)
{
	const struct status_row *row = *state;
	RIG(s, "sync#1", "sync", "rsync", "src", "/a", "dst", "/b", "target",
	    "nodes drpnodes", "sync_max_delay", "60000");

	in(&s, &other);
	other.last_ms = row->ago_ms ? NOW - row->ago_ms : 0;
	copy.part = row->part;
	assert_int_equal(driver_probe(rig_within(&s, 1000), &s.probe, &s.err),
			 0);
	assert_int_equal(s.probe.status, row->want);
	assert_string_equal(s.probe.log, row->log);
	assert_string_equal(s.probe.label, "rsync /a to nodes drpnodes");
	copy.part = JOB_SENDS;
	copy.n = 0;
	driver_probe(rig_within(&s, 1000), &s.probe, &s.err);
	assert_int_equal(s.probe.status, STATUS_NA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_pattern_and_options),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_refused),
	};
	int failed;

	if (system("rsync --version >/dev/null 2>&1") != 0)
		sandbox_skip("rsync is not installed");
	sandbox_enter(NULL);
	failed = TABLE_RUN(status_rows, test_status);
	sandbox_exit(failed + cmocka_run_group_tests(tests, NULL, NULL));
}
