#include <stdlib.h>
#include <string.h>

#include "fsm/base/buf.h"
#include "fsm/plan/copies.h"
#include "fsm/plan/schedule.h"
#include "tests/lib/table.h"

#define HEAD                                                                   \
	"[DEFAULT]\nnodes = n1 n2 n3\ndrpnodes = d1 d2\nencapnodes = vm1\n"    \
	"[fs#1]\ntype = flag\n"
#define SYNC "[sync#1]\nsrc = /a\ndst = /b\ntarget = "

static const struct to_row {
	const char *name, *conf, *node, *rid;
	enum copies which;
	const char *want; /* "-": there is no such resource */
} rows[] = {
	{ "the other nodes", HEAD SYNC "nodes\n", "n2", "sync#1", COPIES_ALL,
	  "n1 n3" },
	{ "both sites", HEAD SYNC "nodes drpnodes\n", "n1", "sync#1",
	  COPIES_ALL, "n2 n3 d1 d2" },
	{ "this site alone", HEAD SYNC "nodes drpnodes\n", "n1", "sync#1",
	  COPIES_NODES, "n2 n3" },
	{ "the other one alone", HEAD SYNC "nodes drpnodes\n", "n1", "sync#1",
	  COPIES_DRP, "d1 d2" },
	{ "from there", HEAD SYNC "nodes drpnodes\n", "d2", "sync#1",
	  COPIES_ALL, "n1 n2 n3 d1" },
	{ "what is no target", HEAD SYNC "nodes\n", "n1", "sync#1", COPIES_DRP,
	  "" },
	{ "here", HEAD SYNC "local\n", "n1", "sync#1", COPIES_ALL, "n1" },
	{ "here is not the others", HEAD SYNC "local\n", "n1", "sync#1",
	  COPIES_NODES, "" },
	{ "by scope", HEAD SYNC "nodes\ntarget@n2 = drpnodes\n", "n2", "sync#1",
	  COPIES_ALL, "d1 d2" },
	{ "in a container", HEAD SYNC "nodes\nencap = true\n", "vm1", "sync#1",
	  COPIES_ALL, "" },
	/* the one that is there by itself */
	{ "nothing to copy", HEAD, "n1", "sync#i0", COPIES_ALL, "-" },
	{ "a script of the launcher directory",
	  HEAD "[app#1]\ntype = forking\nscript = go\n", "n1", "sync#i0",
	  COPIES_ALL, "n2 n3 d1 d2" },
	{ "a script somewhere",
	  HEAD "[app#1]\ntype = forking\nscript = /x/go\n", "n1", "sync#i0",
	  COPIES_ALL, "-" },
	{ "an app inside",
	  HEAD "[app#1]\ntype = forking\nscript = go\nencap = true\n", "n1",
	  "sync#i0", COPIES_ALL, "-" },
	{ "a container's configuration",
	  HEAD "[container#0]\ntype = lxc\nname = vm1\ncf = /etc/vm1.conf\n",
	  "n1", "sync#i0", COPIES_ALL, "n2 n3 d1 d2" },
	{ "a section has it be there", HEAD "[sync#i0]\n", "n1", "sync#i0",
	  COPIES_ALL, "n2 n3 d1 d2" },
	{ "but not where nobody gets it",
	  "[DEFAULT]\nnodes = n1\n[fs#1]\ntype = flag\n[sync#i0]\n", "n1",
	  "sync#i0", COPIES_ALL, "-" },
	{ "a single node with another site",
	  "[DEFAULT]\nnodes = n1\ndrpnodes = d1\n[fs#1]\ntype = flag\n"
	  "[sync#i0]\n",
	  "n1", "sync#i0", COPIES_ALL, "d1" },
	{ "and from there",
	  "[DEFAULT]\nnodes = n1\ndrpnodes = d1\n[fs#1]\ntype = flag\n"
	  "[sync#i0]\n",
	  "d1", "sync#i0", COPIES_ALL, "n1" },
	{ "nothing but itself", "[DEFAULT]\nnodes = n1 n2\n[sync#i0]\n", "n1",
	  "sync#i0", COPIES_ALL, "-" },
};

static void eval(struct arena *a, const char *text, const char *node,
		 struct instance *inst)
{
	struct problems p = { .arena = a };
	struct conf *c = conf_parse(a, text, strlen(text), &p);
	struct err err = { 0 };
	enum level level;

	assert_non_null(c);
	if (conf_level(a, c, "web", node, &level, &err) < 0 ||
	    instance_eval(a, c, "web", node, level, inst, &err) < 0)
		fail_msg("%s", err.text);
}

static const struct resource *find(const struct instance *inst, const char *rid)
{
	for (size_t i = 0; i < inst->n; i++)
		if (strcmp(inst->res[i].rid, rid) == 0)
			return &inst->res[i];
	return NULL;
}

static void test_to(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct to_row *row = *state;
	const struct resource *r;
	struct buf b = BUF(a);
	struct instance inst;
	struct names l;

	eval(a, row->conf, row->node, &inst);
	r = find(&inst, row->rid);
	if (!r) {
		assert_string_equal("-", row->want);
		return;
	}
	l = copies_to(a, &inst, r, row->which);
	for (size_t i = 0; i < l.n; i++)
		buf_printf(&b, "%s%s", i ? " " : "", l.at[i]);
	assert_string_equal(buf_text(&b), row->want);
	assert_int_equal(copies_any(&inst, r, row->which), l.n > 0);
}

static void late_by_its_own_limit(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const int64_t now = INT64_C(1700000000000), minute = 60000;
	struct instance inst;
	const struct resource *r;

	(void)state;
	eval(a, HEAD SYNC "nodes\nsync_max_delay = 90\n", "n1", &inst);
	r = find(&inst, "sync#1");
	assert_true(copies_late(r, 0, now));
	assert_false(copies_late(r, now - 90 * minute, now));
	assert_true(copies_late(r, now - 90 * minute - 1, now));
	eval(a, HEAD SYNC "nodes\n", "n1", &inst);
	r = find(&inst, "sync#1");
	assert_false(copies_late(r, now - 24 * 60 * minute, now));
	assert_true(copies_late(r, now - 24 * 60 * minute - 1, now));
	eval(a,
	     "[DEFAULT]\nnodes = n1 n2\nsync_max_delay = 2h\n"
	     "[fs#1]\ntype = flag\n" SYNC "nodes\n",
	     "n1", &inst);
	r = find(&inst, "sync#1");
	assert_false(copies_late(r, now - 120 * minute, now));
	assert_true(copies_late(r, now - 121 * minute, now));
	eval(a, HEAD "[sync#i0]\nschedule = @30\n", "n1", &inst);
	r = find(&inst, "sync#i0");
	assert_string_equal(resource_kw(r, "schedule"), "@30");
	assert_false(copies_late(r, now - 61 * minute, now));
	assert_true(copies_late(r, now - 62 * minute, now));
}

static void of_flex_one_sends(void **state)
{
	static const char conf[] =
		"[DEFAULT]\nnodes = n1 n2\ndrpnodes = d1\n"
		"topology = flex\nflex_primary = n2\n" SYNC "nodes drpnodes\n";
	SCOPED(arena) struct arena *a = arena_new();
	struct instance inst;

	(void)state;
	eval(a, conf, "n1", &inst);
	assert_false(copies_sends(&inst));
	eval(a, conf, "n2", &inst);
	assert_true(copies_sends(&inst));
	eval(a, conf, "d1", &inst);
	assert_true(copies_sends(&inst));
	eval(a, HEAD SYNC "nodes\n", "n3", &inst);
	assert_true(copies_sends(&inst));
}

static void words(void **state)
{
	(void)state;
	assert_int_equal(copies_word("nodes"), COPIES_NODES);
	assert_int_equal(copies_word("drp"), COPIES_DRP);
	assert_int_equal(copies_word("all"), COPIES_ALL);
	assert_int_equal(copies_word("node"), COPIES_NONE);
	assert_string_equal(copies_action(COPIES_NODES), "sync_nodes");
	assert_string_equal(copies_action(COPIES_DRP), "sync_drp");
	assert_string_equal(copies_action(COPIES_ALL), "sync_all");
}

static const struct schedule_row {
	const char *name, *said, *want;
} schedule_rows[] = {
	{ "none", "", "~04:00-06:00" },
	{ "its own", "schedule = @60\n", "@60" },
	{ "an interval", "sync_interval = 30\n", "*@1800s" },
	{ "a period", "sync_period = [\"03:00\", \"05:00\"]\n", "03:00-05:00" },
	{ "two",
	  "sync_period = [[\"03:00\", \"05:00\"], [\"12:00\", \"13:00\"]]\n",
	  "03:00-05:00,12:00-13:00" },
	{ "days", "sync_days = [\"monday\", \"friday\"]\n", "* monday,friday" },
	{ "all of them",
	  "sync_period = [\"03:00\", \"05:00\"]\nsync_days = [\"sunday\"]\n"
	  "sync_interval = 10\n",
	  "03:00-05:00@600s sunday" },
	{ "by their short names",
	  "interval = 5\nperiod = [\"1:00\", \"2:00\"]\n", "1:00-2:00@300s" },
};

static void test_schedule(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct schedule_row *row = *state;
	struct instance inst;
	struct schedule s;
	const char *text;

	eval(a, arena_printf(a, HEAD SYNC "nodes\n%s", row->said), "n1", &inst);
	text = copies_schedule(a, find(&inst, "sync#1"));
	assert_string_equal(text, row->want);
	assert_int_equal(schedule_parse(a, text, &s, NULL), 0);
	assert_int_equal(s.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_by_its_own_limit),
		cmocka_unit_test(of_flex_one_sends),
		cmocka_unit_test(words),
	};
	int failed = TABLE_RUN(rows, test_to);

	failed += TABLE_RUN(schedule_rows, test_schedule);
	return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
