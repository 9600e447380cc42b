/*
 * The small things: keywords, time, files, lines for people.
 */
#include "tests/unit/drivers/sandbox.h"

#include "drivers/channel.h"
#include "drivers/owner.h"
#include "tests/lib/table.h"

static int setup(void **state)
{
	(void)state;
	snprintf(sandbox_dir, sizeof(sandbox_dir), "/tmp/encap-drivers-XXXXXX");
	return mkdtemp(sandbox_dir) ? 0 : -1;
}

static int teardown(void **state)
{
	RIG(r, "x", "x", "x", "x", "x");

	(void)state;
	shell(r.arena, arena_printf(r.arena, "rm -rf %s", sandbox_dir));
	return 0;
}

static void test_keywords(void **state)
{
	RIG(r, "fs#1", "fs", "ext4", "mnt", "/srv", "empty", "", "n", "12",
	    "bad", "12x", "yes", "true", "no", "false");
	struct job *j = rig_within(&r, 1000);
	const char *text;

	(void)state;
	assert_string_equal(job_kw(j, "mnt"), "/srv");
	assert_null(job_kw(j, "empty"));
	assert_null(job_kw(j, "absent"));
	assert_int_equal(job_kw_int(j, "n", 7), 12);
	assert_int_equal(job_kw_int(j, "bad", 7), 7);
	assert_int_equal(job_kw_int(j, "absent", 7), 7);
	assert_true(job_kw_bool(j, "yes", false));
	assert_false(job_kw_bool(j, "no", true));
	assert_true(job_kw_bool(j, "absent", true));
	assert_int_equal(job_need(j, "mnt", &text, &r.err), 0);
	assert_int_equal(job_need(j, "empty", &text, &r.err), -EINVAL);
	assert_string_equal(r.err.text, "keyword fs#1.empty is not set");
	r.res.kw = NULL;
	assert_null(job_kw(j, "mnt"));
}

static void test_time(void **state)
{
	RIG(r, "fs#1", "fs", "ext4", "x", "x");
	int64_t before = driver_now_ms();

	(void)state;
	assert_int_equal(job_sleep(rig_within(&r, 1000), 30, "nap", &r.err), 0);
	assert_in_range(driver_now_ms() - before, 30, 500);
	before = driver_now_ms();
	assert_int_equal(job_sleep(rig_within(&r, 30), 1000, "nap", &r.err),
			 -ETIMEDOUT);
	assert_in_range(driver_now_ms() - before, 30, 500);
	assert_string_equal(r.err.text, "nap: not done in time");
	assert_int_equal(job_left_ms(rig_within(&r, -5)), 0);
	assert_int_equal(job_check_time(&r.job, "x", NULL), -ETIMEDOUT);
}

static void test_files(void **state)
{
	RIG(r, "fs#1", "fs", "ext4", "x", "x");
	struct job *j = rig_within(&r, 1000);
	const char *path, *plain;
	char *text, *big;

	(void)state;
	assert_int_equal(job_file(j, "area", ".x", false, &path, &r.err), 0);
	assert_string_equal(
		path,
		arena_printf(r.arena, "%s/run/area/web/fs#1.x", sandbox_dir));
	assert_int_equal(job_file(j, "area", "", true, &plain, &r.err), 0);
	expect_text(plain, "/area/web/fs1");
	assert_int_equal(job_file_read(r.arena, path, &text, &r.err), 1);
	assert_int_equal(job_file_remove(path, &r.err), 1);
	assert_int_equal(job_file_write(path, "one\n", &r.err), 0);
	assert_int_equal(job_file_write(path, "two\n", &r.err), 0);
	assert_int_equal(job_file_read(r.arena, path, &text, &r.err), 0);
	assert_string_equal(text, "two\n");
	assert_int_equal(access(arena_printf(r.arena, "%s.new", path), F_OK),
			 -1);
	assert_int_equal(job_file_remove(path, &r.err), 0);
	big = arena_alloc(r.arena, 100 * 1024 + 1);
	memset(big, 'x', 100 * 1024);
	assert_int_equal(job_file_write(path, big, &r.err), 0);
	assert_int_equal(job_file_read(r.arena, path, &text, &r.err), 0);
	assert_int_equal(strlen(text), 64 * 1024);
	assert_int_equal(job_file_write("/proc/no/such", "x", &r.err), -ENOENT);
	expect_text(r.err.text, "/proc/no/such.new: create: ");
}

static void test_folders(void **state)
{
	RIG(r, "fs#1", "fs", "ext4", "x", "x");
	const char *deep = arena_printf(r.arena, "%s/a/b//c/", sandbox_dir);
	const char *file = arena_printf(r.arena, "%s/file", sandbox_dir);
	const char *dir;
	struct stat st;

	(void)state;
	assert_int_equal(dir_make(deep, 0750, &r.err), 0);
	assert_int_equal(dir_make(deep, 0700, &r.err), 0);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	assert_int_equal(dir_make("", 0700, &r.err), -ENAMETOOLONG);
	assert_int_equal(job_file_write(file, "", &r.err), 0);
	assert_int_equal(dir_make(file, 0700, &r.err), -ENOTDIR);
	assert_int_equal(
		dir_make(arena_printf(r.arena, "%s/x", file), 0700, &r.err),
		-ENOTDIR);
	assert_int_equal(channel_dir(rig_within(&r, 100), &dir, &r.err), 0);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
}

static const struct clean_row {
	const char *name, *text, *clean;
} clean_rows[] = {
	{ "plain", "a b", "a b" },
	{ "control", "a\tb\nc\033d", "a b c d" },
	{ "UTF-8",
	  "Stra\xc3\x9f"
	  "e",
	  "Stra\xc3\x9f"
	  "e" },
	{ "cut UTF-8", "a\xc3", "a?" },
	{ "Latin-1",
	  "\xfc"
	  "b\xfc",
	  "?b?" },
	{ "empty", "", "" },
};

static void test_clean(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct clean_row *row = *state;

	assert_string_equal(job_clean(a, row->text), row->clean);
}

static void test_log(void **state)
{
	RIG(r, "fs#1", "fs", "ext4", "x", "x");
	struct probe p = { 0 };

	(void)state;
	probe_log(rig_within(&r, 100), &p, "warn", "%s %d", "a\nb", 1);
	probe_log(&r.job, &p, "info", "c");
	assert_string_equal(p.log, "warn: a b 1\ninfo: c");
}

static const struct owner_row {
	const char *name, *user, *group, *perm;
	int rc;
	uid_t uid;
	gid_t gid;
	mode_t mode;
} owner_rows[] = {
	{ "names", "nobody", "daemon", "0750", 0, 65534, 1, 0750 },
	{ "numbers", "12345", "54321", "7777", 0, 12345, 54321, 07777 },
	{ "unknown user", "no-such", "0", "700", -ENOENT, 0, 0, 0 },
	{ "unknown group", "0", "no-such", "700", -ENOENT, 0, 0, 0 },
	{ "no octal", "0", "0", "789", -EINVAL, 0, 0, 0 },
	{ "letters", "0", "0", "rwx", -EINVAL, 0, 0, 0 },
	{ "too much", "0", "0", "10000", -EINVAL, 0, 0, 0 },
	{ "not an id", "4294967295", "0", "700", -ENOENT, 0, 0, 0 },
	{ "signed", "-1", "0", "700", -ENOENT, 0, 0, 0 },
};

static void test_owner(void **state)
{
	const struct owner_row *row = *state;
	RIG(r, "fs#1", "fs", "directory", "user", row->user, "group",
	    row->group, "perm", row->perm);
	struct owner o;

	rig_expect("read", row->rc, owner_read(rig_within(&r, 100), &o, &r.err),
		   &r.err);
	if (row->rc < 0)
		return;
	assert_int_equal(o.uid, row->uid);
	assert_int_equal(o.gid, row->gid);
	assert_int_equal(o.mode, row->mode);
	assert_true(o.has_uid && o.has_gid && o.has_mode);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keywords), cmocka_unit_test(test_time),
		cmocka_unit_test(test_files),	 cmocka_unit_test(test_folders),
		cmocka_unit_test(test_log),
	};
	int failed = TABLE_RUN(clean_rows, test_clean);

	failed += TABLE_RUN(owner_rows, test_owner);
	return failed + cmocka_run_group_tests(tests, setup, teardown);
}
