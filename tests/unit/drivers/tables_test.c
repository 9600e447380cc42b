/*
 * The parsers: the mount table, /proc, masks, exit codes; and the registry.
 */
#include "tests/unit/drivers/sandbox.h"

#include <arpa/inet.h>
#include <sys/sysmacros.h>

#include "drivers/app_command.h"
#include "drivers/fs.h"
#include "drivers/mountinfo.h"
#include "drivers/netif.h"
#include "fsm/conf/keyword.h"
#include "fsm/conf/text.h"
#include "tests/lib/table.h"

/* -- mountinfo --------------------------------------------------------------
 */

static const char mountinfo[] =
	"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
	"23 22 0:21 / /proc rw,nosuid - proc proc rw\n"
	"30 22 8:17 / /srv/data ro,noatime shared:2 master:3 - ext4 /dev/sdb1 "
	"ro,errors=remount-ro\n"
	"31 30 8:33 / /srv/data rw - xfs /dev/sdc1 rw,attr2\n"
	"32 22 8:1 /var/www /srv/with\\040blank rw - ext4 /dev/sda1 rw\n"
	"33 22 0:45 /@sub /btr rw - btrfs /dev/sdd1 rw,subvol=/@sub\n"
	"34 22 0:50 / /ramdisk rw - tmpfs  rw\n"
	"this is no line of it\n"
	"35 22 0:51 / /odd\\134name rw - tmpfs none rw\n"
	"36 33 0:45 /@sub/inner /shown rw - btrfs /dev/sdd1 rw\n"
	"37 31 8:33 /deep/down /srv/down rw - xfs /dev/sdc1 rw";

static const struct top_row {
	const char *name, *path;
	unsigned id; /* 0: nothing is mounted there */
} top_rows[] = {
	{ "root", "/", 22 },
	{ "the upper of two", "/srv/data", 31 },
	{ "blank", "/srv/with blank", 32 },
	{ "backslash", "/odd\\name", 35 },
	{ "no source", "/ramdisk", 34 },
	{ "no tags, no newline", "/srv/down", 37 },
	{ "not a mount point", "/srv", 0 },
	{ "below one", "/srv/data/x", 0 },
};

static void test_top(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct top_row *row = *state;
	const struct mount *m;
	struct mounts all;

	mounts_parse(a, mountinfo, &all);
	assert_int_equal(all.n, 10);
	m = mounts_top(&all, row->path);
	assert_int_equal(m ? m->id : 0, row->id);
}

static void test_fields(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct mount *m;
	struct mounts all;

	(void)state;
	mounts_parse(a, mountinfo, &all);
	m = &all.at[2];
	assert_int_equal(m->parent, 22);
	assert_int_equal(m->dev, makedev(8, 17));
	assert_string_equal(m->options, "ro,noatime");
	assert_string_equal(m->type, "ext4");
	assert_string_equal(m->source, "/dev/sdb1");
	assert_string_equal(m->super, "ro,errors=remount-ro");
	assert_string_equal(all.at[6].source, "");
	assert_int_equal(mounts_holding(&all, "/srv/data/x/y")->id, 31);
	assert_int_equal(mounts_holding(&all, "/srv/database")->id, 22);
	assert_int_equal(mounts_of_dev(&all, makedev(8, 33), NULL)->id, 31);
	assert_int_equal(mounts_of_dev(&all, makedev(8, 33), &all.at[3])->id,
			 37);
	assert_null(mounts_of_dev(&all, makedev(8, 99), NULL));
	mounts_parse(a, "", &all);
	assert_int_equal(all.n, 0);
}

static const struct option_row {
	const char *name, *options, *word;
	bool have;
} option_rows[] = {
	{ "only", "ro", "ro", true },
	{ "first", "ro,noatime", "ro", true },
	{ "last", "rw,errors=remount-ro,ro", "ro", true },
	{ "part of another", "errors=remount-ro,rox", "ro", false },
	{ "none", "", "ro", false },
	{ "not given", NULL, "ro", false },
};

static void test_option(void **state)
{
	const struct option_row *row = *state;

	assert_int_equal(options_have(row->options, row->word), row->have);
}

static const struct below_row {
	const char *name, *path, *dir;
	bool below;
} below_rows[] = {
	{ "itself", "/srv/a", "/srv/a", true },
	{ "below", "/srv/a/b", "/srv/a", true },
	{ "a longer name", "/srv/ab", "/srv/a", false },
	{ "above", "/srv", "/srv/a", false },
	{ "all is below /", "/x", "/", true },
};

static void test_below(void **state)
{
	const struct below_row *row = *state;

	assert_int_equal(path_is_below(row->path, row->dir), row->below);
}

/* -- /proc -------------------------------------------------------------- */

#define STAT_TAIL " S 1 77 76 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1 2 3"

static const struct stat_row {
	const char *name, *text;
	bool good;
	pid_t pid, session;
	uint64_t start;
} stat_rows[] = {
	{ "plain", "78 (sleep)" STAT_TAIL, true, 78, 76, 4242 },
	{ "evil name", "78 (a) S 1 2 3 (b)) x)" STAT_TAIL, true, 78, 76, 4242 },
	{ "cut", "78 (sleep) S 1 77", false, 0, 0, 0 },
	{ "empty", "", false, 0, 0, 0 },
};

static void test_stat(void **state)
{
	const struct stat_row *row = *state;
	struct proc p;

	assert_int_equal(proc_parse(row->text, &p), row->good);
	if (!row->good)
		return;
	assert_int_equal(p.pid, row->pid);
	assert_int_equal(p.session, row->session);
	assert_int_equal(p.start, row->start);
	assert_int_equal(p.state, 'S');
}

static void test_own_process(void **state)
{
	struct proc p;

	(void)state;
	assert_true(proc_read(getpid(), &p));
	assert_int_equal(p.session, getsid(0));
	assert_true(p.start > 0);
	assert_true(proc_is_alive(getpid()));
	assert_false(proc_is_alive(0x3ffffff));
	assert_false(proc_has_env(getpid(), "NO_SUCH_VARIABLE=x"));
	if (getenv("PATH")) {
		SCOPED(arena) struct arena *a = arena_new();

		assert_true(proc_has_env(
			getpid(), arena_printf(a, "PATH=%s", getenv("PATH"))));
		assert_false(
			proc_has_env(getpid(), arena_printf(a, "PATH=%s:/x",
							    getenv("PATH"))));
	}
}

/* -- addresses --------------------------------------------------------------
 */

static const struct prefix_row {
	const char *name, *mask;
	int family, prefix;
} prefix_rows[] = {
	{ "dotted", "255.255.255.0", AF_INET, 24 },
	{ "odd", "255.255.240.0", AF_INET, 20 },
	{ "all", "255.255.255.255", AF_INET, 32 },
	{ "none", "0.0.0.0", AF_INET, 0 },
	{ "number", "24", AF_INET, 24 },
	{ "too long", "33", AF_INET, -1 },
	{ "holes", "255.0.255.0", AF_INET, -1 },
	{ "other family", "ffff::", AF_INET, -1 },
	{ "number 6", "64", AF_INET6, 64 },
	{ "too long 6", "129", AF_INET6, -1 },
	{ "mask 6", "ffff:ffff:ffff:ffff::", AF_INET6, 64 },
	{ "word", "wide", AF_INET, -1 },
	{ "empty", "", AF_INET, -1 },
	{ "signed", "-1", AF_INET, -1 },
};

static void test_prefix(void **state)
{
	const struct prefix_row *row = *state;

	assert_int_equal(ip_prefix_parse(row->mask, row->family), row->prefix);
}

static const struct net_row {
	const char *name, *a, *b;
	unsigned prefix;
	bool same;
} net_rows[] = {
	{ "same /24", "10.0.0.1", "10.0.0.254", 24, true },
	{ "other /24", "10.0.0.1", "10.0.1.1", 24, false },
	{ "same /20", "10.0.15.1", "10.0.0.1", 20, true },
	{ "other /20", "10.0.16.1", "10.0.0.1", 20, false },
	{ "/32", "10.0.0.1", "10.0.0.1", 32, true },
	{ "/0", "10.0.0.1", "99.0.0.1", 0, true },
	{ "families", "10.0.0.1", "::1", 0, false },
	{ "same /64", "fd00::1", "fd00::2", 64, true },
	{ "other /127", "fd00::1", "fd00::2", 127, false },
	{ "longer than it is", "10.0.0.1", "10.0.0.1", 64, false },
};

static void test_net(void **state)
{
	const struct net_row *row = *state;
	struct ip a, b;

	assert_true(ip_parse(row->a, &a));
	assert_true(ip_parse(row->b, &b));
	assert_int_equal(ip_same_net(&a, &b, row->prefix), row->same);
}

static const struct dad_row {
	const char *name, *line;
	int dad; /* -1: not this address */
} dad_rows[] = {
#define FD00_1 "fd000000000000000000000000000001"
	{ "done", FD00_1 " 02 40 00 80     eth0\n", DAD_DONE },
	{ "tentative", FD00_1 " 02 40 00 c0     eth0\n", DAD_TENTATIVE },
	{ "failed", FD00_1 " 02 40 00 c8     eth0\n", DAD_FAILED },
	{ "other interface", FD00_1 " 02 40 00 80     eth1\n", -1 },
	{ "other address",
	  "fd000000000000000000000000000002 02 40 00 80 eth0\n", -1 },
	{ "garbage", "garbage\n", -1 },
};

static void test_dad(void **state)
{
	const struct dad_row *row = *state;
	enum dad dad = DAD_GONE;
	struct ip ip;

	assert_true(ip_parse("fd00::1", &ip));
	assert_int_equal(netif_parse_inet6(row->line, "eth0", &ip, &dad),
			 row->dad >= 0);
	if (row->dad >= 0)
		assert_int_equal(dad, row->dad);
}

/* -- apps -------------------------------------------------------------------
 */

static const struct code_row {
	const char *name, *codes;
	int code;
	enum status status; /* STATUS_UNDEF: not mapped */
} code_rows[] = {
	{ "up", "0:up 1:down", 0, STATUS_UP },
	{ "down", "0:up 1:down", 1, STATUS_DOWN },
	{ "not listed", "0:up 1:down", 2, STATUS_UNDEF },
	{ "the last one", "0:down 17:warn", 17, STATUS_WARN },
	{ "n/a", "3:n/a", 3, STATUS_NA },
	{ "no prefix of another", "10:up", 1, STATUS_UNDEF },
	{ "unknown word", "1:sideways", 1, STATUS_UNDEF },
	{ "no colon", "1 up", 1, STATUS_UNDEF },
	{ "empty word", "1:", 1, STATUS_UNDEF },
	{ "empty", "", 0, STATUS_UNDEF },
};

static void test_code(void **state)
{
	const struct code_row *row = *state;

	assert_int_equal(app_retcode(row->codes, row->code), row->status);
}

static const struct command_row {
	const char *name, *value;
	bool script, none;
} command_rows[] = {
	{ "true", "true", true, false },
	{ "yes", "yes", true, false },
	{ "number", "10", true, false },
	{ "false", "false", false, true },
	{ "no", "no", false, true },
	{ "command", "/x y", false, false },
	{ "a word", "true -x", false, false },
};

static void test_command(void **state)
{
	const struct command_row *row = *state;

	assert_int_equal(app_calls_script(row->value), row->script);
	assert_int_equal(app_means_none(row->value), row->none);
}

/* -- the registry -----------------------------------------------------------
 */

static void test_rows(void **state)
{
	(void)state;
	for (const struct driver *const *d = driver_table; *d; d++) {
		const struct driver *k = *d;

		assert_non_null(k->group);
		assert_non_null(k->kind);
		assert_non_null(k->summary);
		assert_non_null(k->probe);
		assert_true(k->start || k->run);
		assert_in_range(k->start_timeout_ms, 1000, 3600000);
		assert_in_range(k->stop_timeout_ms, 1000, 3600000);
		assert_ptr_equal(driver_find(k->group, k->kind), k);
		assert_int_equal(k->channel_dir != NULL,
				 strcmp(k->group, "container") == 0);
		assert_int_equal(k->operational != NULL,
				 strcmp(k->group, "container") == 0);
		/* By name, so that a group's kinds stand together. */
		if (d > driver_table)
			assert_true(strcmp(d[-1]->group, k->group) < 0 ||
				    (strcmp(d[-1]->group, k->group) == 0 &&
				     strcmp(d[-1]->kind, k->kind) < 0));
	}
}

/* What the language lets one name is what there is, and the other way. */
static void test_rows_and_language(void **state)
{
	(void)state;
	for (const struct driver *const *d = driver_table; *d; d++) {
		const struct group *g = group_find((*d)->group);

		assert_non_null(g);
		if (!words_have(g->drivers, (*d)->kind))
			fail_msg("%s.%s is not in keywords.c", (*d)->group,
				 (*d)->kind);
	}
	for (size_t i = 0; i < group_count; i++) {
		SCOPED(arena) struct arena *a = arena_new();
		const struct group *g = &group_table[i];
		struct names kinds =
			words_split(a, g->drivers ? g->drivers : "");

		for (size_t k = 0; k < kinds.n; k++)
			if (!driver_find(g->name, kinds.at[k]))
				fail_msg("there is no driver %s.%s", g->name,
					 kinds.at[k]);
	}
}

static void test_unknown(void **state)
{
	RIG(kind, "fs#1", "fs", "zfs", "mnt", "/x");
	RIG(sync, "sync#1", "sync", "zfs", "src", "/x");
	int rc = driver_start(rig_within(&kind, 1000), &kind.err);

	(void)state;
	assert_int_equal(rc, -ENOTSUP);
	expect_text(kind.err.text, "start fs#1: this version has no driver for "
				   "fs.zfs; of fs it drives: ");
	expect_text(kind.err.text, "ext4, flag, tmpfs, xfs");
	rc = driver_probe(rig_within(&kind, 1000), &kind.probe, &kind.err);
	assert_int_equal(rc, 0);
	assert_int_equal(kind.probe.status, STATUS_NA);
	assert_true(kind.probe.undriven);
	assert_string_equal(kind.probe.label, "");
	assert_string_equal(kind.probe.log,
			    "warn: this version has no driver for fs.zfs");
	assert_int_equal(driver_stop(rig_within(&kind, 1000), &kind.err),
			 DRIVER_NOOP);
	assert_int_equal(driver_kill(rig_within(&kind, 1000), &kind.err),
			 DRIVER_NOOP);
	rc = driver_probe(rig_within(&sync, 1000), &sync.probe, &sync.err);
	assert_int_equal(rc, 0);
	assert_false(sync.probe.undriven);
	assert_string_equal(sync.probe.log,
			    "info: this version has no driver for sync.zfs");
	assert_int_equal(driver_start(rig_within(&sync, 1000), &sync.err),
			 DRIVER_NOOP);
}

static void test_no_time(void **state)
{
	RIG(r, "fs#1", "fs", "flag", "x", "x");
	int rc = driver_start(rig_within(&r, -1), &r.err);

	(void)state;
	assert_int_equal(rc, -ETIMEDOUT);
	expect_text(r.err.text, "start fs#1: ");
}

static const struct timeout_row {
	const char *name;
	int64_t own;
	const char *timeout;
	bool start;
	int64_t want;
} timeout_rows[] = {
	{ "the kind's", 0, NULL, true, 60000 },
	{ "its own", 7000, NULL, true, 7000 },
	{ "timeout", 0, "9000", true, 9000 },
	{ "its own before timeout", 7000, "9000", false, 7000 },
};

static void test_timeout(void **state)
{
	const struct timeout_row *row = *state;
	RIG(r, "app#1", "app", "forking", "timeout",
	    row->timeout ? row->timeout : "");

	r.res.start_timeout_ms = r.res.stop_timeout_ms = row->own;
	assert_int_equal(driver_timeout_ms(&r.res, row->start), row->want);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_own_process),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_rows_and_language),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_no_time),
	};
	int failed = TABLE_RUN(top_rows, test_top);

	failed += TABLE_RUN(option_rows, test_option);
	failed += TABLE_RUN(below_rows, test_below);
	failed += TABLE_RUN(stat_rows, test_stat);
	failed += TABLE_RUN(prefix_rows, test_prefix);
	failed += TABLE_RUN(net_rows, test_net);
	failed += TABLE_RUN(dad_rows, test_dad);
	failed += TABLE_RUN(code_rows, test_code);
	failed += TABLE_RUN(command_rows, test_command);
	failed += TABLE_RUN(timeout_rows, test_timeout);
	return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
