/* instance_eval and service_eval: what a node gets of a file. */
#include <errno.h>

#include "fsm/conf/eval.h"
#include "tests/unit/conf/confs.h"

#define HEAD "[DEFAULT]\nnodes = n1 n2\ndrpnodes = d1\nencapnodes = vm1 vm2\n"
#define FLAG "type = flag\n"

static struct instance get(struct arena *a, const char *text, const char *node,
			   enum level level)
{
	struct instance inst;
	struct err err = { 0 };

	if (instance_eval(a, parse(a, text), "web", node, level, &inst, &err) <
	    0)
		fail_msg("%s", err.text);
	return inst;
}

/* "rid rid ...", encap ones as (rid). */
static const char *rids(struct arena *a, const struct instance *inst)
{
	struct buf b = BUF(a);

	for (size_t i = 0; i < inst->n; i++)
		buf_printf(&b, inst->res[i].encap ? "%s(%s)" : "%s%s",
			   i ? " " : "", inst->res[i].rid);
	return buf_text(&b);
}

static const struct order_row {
	const char *name, *text, *rids;
} orders[] = {
	{ "groups",
	  "[app#1]\ntype = sim\n[container#1]\ntype = sim\n[fs#1]\n" FLAG
	  "[disk#1]\ntype = loop\nfile = /f\n[ip#1]\nipname = a\n"
	  "ipdev = lo\n",
	  "ip#1 disk#1 fs#1 container#1 app#1" },
	{ "natural order", "[fs#10]\n" FLAG "[fs#2]\n" FLAG "[fs#a]\n" FLAG,
	  "fs#2 fs#10 fs#a" },
	{ "subsets by name, those without first",
	  "[fs#1]\n" FLAG "subset = b\n[fs#2]\n" FLAG
	  "subset = a\n[fs#3]\n" FLAG,
	  "fs#3 fs#2 fs#1" },
	{ "by depth of the mount point",
	  "[fs#1]\ntype = bind\ndev = /x\nmnt = /a/b/c\n[fs#2]\ntype = bind\n"
	  "dev = /x\nmnt = /a\n[fs#3]\ntype = bind\ndev = /x\nmnt = /a/b/\n",
	  "fs#2 fs#3 fs#1" },
	{ "a directory below a mount",
	  "[fs#1]\ntype = directory\npath = /a/b\n[fs#2]\ntype = bind\n"
	  "dev = /x\nmnt = /a\n",
	  "fs#2 fs#1" },
	{ "subset before depth",
	  "[fs#1]\ntype = bind\ndev = /x\nmnt = /a/b\n[fs#2]\ntype = bind\n"
	  "dev = /x\nmnt = /a\nsubset = s\n",
	  "fs#1 fs#2" },
	{ "the root is no depth",
	  "[fs#1]\ntype = bind\ndev = /x\nmnt = /a\n[fs#2]\ntype = bind\n"
	  "dev = /x\nmnt = /\n",
	  "fs#2 fs#1" },
	{ "encap among them",
	  "[app#1]\ntype = sim\n[fs#1]\n" FLAG "encap = true\n[fs#2]\n" FLAG
	  "[container#1]\ntype = sim\n",
	  "(fs#1) fs#2 container#1 app#1" },
	{ "the tag encap", "[fs#1]\n" FLAG "tags = x encap\n", "(fs#1)" },
	{ "an old section", "[loop#1]\nfile = /f\n[fs#1]\n" FLAG,
	  "loop#1 fs#1" },
	{ "a bare app", "[app]\ntype = sim\n", "app" },
	{ "what has no driver",
	  "[sync#1]\ntype = zfs\n[task#1]\ncommand = x\n[hb#1]\ntype = x\n"
	  "[fs#1]\n" FLAG,
	  "fs#1 sync#1 task#1 hb#1" },
	{ "what is no resource",
	  "[env]\nk = v\n[labels]\n[data]\n[subset#fs:a]\n[expose#1]\n", "" },
	{ "disabled ones too", "[fs#1]\n" FLAG "disable = true\n", "fs#1" },
};

static void resources_are_in_start_order(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct order_row *row = *state;
	struct instance inst = get(a, arena_printf(a, HEAD "%s", row->text),
				   "n1", LEVEL_HYPERVISOR);

	assert_string_equal(rids(a, &inst), row->rids);
}

static const char encap_file[] =
	HEAD "[fs#1]\n" FLAG "[container#1]\ntype = sim\nname = VM1\n"
	     "[fs#2]\n" FLAG "encap = true\nrestart = 1\nrestart@vm1 = 3\n"
	     "restart@n1 = 7\nmonitor@encapnodes = true\n"
	     "[app#1]\ntype = sim\ntags = encap noaction\n"
	     "start_delay = {nodename}s\nstart_delay@vm1 = 2s\n";

/* A hypervisor knows of encap resources only what it needs to show them. */
static void a_hypervisor_sees_flags_of_encap_resources(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct instance inst = get(a, encap_file, "n1", LEVEL_HYPERVISOR);
	const struct resource *fs2 = &inst.res[1], *app = &inst.res[3];

	(void)state;
	assert_string_equal(rids(a, &inst), "fs#1 (fs#2) container#1 (app#1)");
	assert_string_equal(fs2->type, "flag");
	assert_int_equal(fs2->restart, 3);
	assert_true(fs2->monitor);
	assert_non_null(fs2->kw);
	assert_null(fs2->kw[0]);
	assert_string_equal(app->type, "sim");
	assert_true(app->noaction && app->optional);
	assert_null(resource_kw(app, "start_delay"));
	assert_string_equal(inst.res[2].encapnode, "vm1");
	assert_string_equal(inst.res[0].encapnode, "");
	assert_string_equal(inst.node, "n1");
}

static void a_container_sees_encap_resources_alone(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct instance inst = get(a, encap_file, "vm1", LEVEL_ENCAP);

	(void)state;
	assert_string_equal(rids(a, &inst), "(fs#2) (app#1)");
	assert_int_equal(inst.res[0].restart, 3);
	assert_string_equal(resource_kw(&inst.res[1], "start_delay"), "2000");
	assert_int_equal(inst.level, LEVEL_ENCAP);
	assert_string_equal(inst.conf.nodes.at[0], "n1");
}

/* Of several containers, the flags are those for the first one's node. */
static void flags_are_for_the_first_container(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct instance inst =
		get(a,
		    HEAD "[container#0]\ntype = sim\nname = other\n"
			 "[container#2]\ntype = sim\nname = vm1\n"
			 "[container#1]\ntype = sim\nhostname = vm2\n"
			 "[fs#1]\n" FLAG "encap = true\nrestart@vm1 = 1\n"
			 "restart@vm2 = 2\n",
		    "n1", LEVEL_HYPERVISOR);

	(void)state;
	assert_string_equal(rids(a, &inst),
			    "(fs#1) container#0 container#1 container#2");
	assert_int_equal(inst.res[0].restart, 2);
	assert_string_equal(inst.res[1].encapnode, "");
	assert_string_equal(inst.res[2].encapnode, "vm2");
	assert_string_equal(inst.res[3].encapnode, "vm1");
	/* Without any container: for the first encap node. */
	inst = get(a, HEAD "[fs#1]\n" FLAG "encap = 1\nrestart@vm1 = 1\n", "n1",
		   LEVEL_HYPERVISOR);
	assert_int_equal(inst.res[0].restart, 1);
}

static void without_encapnodes_encap_resources_are_nowhere(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct instance inst = get(a,
				   "[DEFAULT]\nnodes = n1\n[fs#1]\n" FLAG
				   "encap = true\n[fs#2]\n" FLAG,
				   "n1", LEVEL_HYPERVISOR);

	(void)state;
	assert_string_equal(rids(a, &inst), "fs#2");
}

static void the_service_name_is_the_last_resort(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct instance inst = get(a,
				   "[DEFAULT]\nnodes = n1\nencapnodes = web\n"
				   "[container#1]\ntype = sim\n",
				   "n1", LEVEL_HYPERVISOR);

	(void)state;
	assert_string_equal(inst.res[0].encapnode, "web");
	assert_string_equal(resource_kw(&inst.res[0], "name"), "web");
	assert_string_equal(resource_kw(&inst.res[0], "hostname"), "web");
}

/* -- flags -------------------------------------------------------------------
 */

enum {
	DISABLE = 1,
	OPTIONAL = 2,
	MONITOR = 4,
	STANDBY = 8,
	NOACTION = 16,
	NOSTATUS = 32
};

static const struct flag_row {
	const char *name, *text, *node;
	unsigned flags;
	int64_t restart;
} flags[] = {
	{ "none", "", "n1", 0, 0 },
	{ "disable", "disable = true\n", "n1", DISABLE, 0 },
	{ "disable, scoped", "disable@n2 = true\n", "n1", 0, 0 },
	{ "optional", "optional = true\n", "n1", OPTIONAL, 0 },
	{ "monitor and restart", "monitor = true\nrestart = 3\n", "n1", MONITOR,
	  3 },
	{ "a negative restart is none", "restart = -1\n", "n1", 0, 0 },
	{ "noaction is optional", "tags = noaction\n", "n1",
	  NOACTION | OPTIONAL, 0 },
	{ "noaction, not optional", "tags = noaction\noptional = false\n", "n1",
	  NOACTION, 0 },
	{ "nostatus", "tags = nostatus\n", "n1", NOSTATUS, 0 },
	{ "standby has two restarts", "standby = true\n", "n1", STANDBY, 2 },
	{ "or more", "standby = true\nrestart = 5\n", "n1", STANDBY, 5 },
	{ "always_on a node", "always_on = n1\n", "n1", STANDBY, 2 },
	{ "always_on another", "always_on = n2\n", "n1", 0, 0 },
	{ "always_on nodes", "always_on = nodes\n", "n1", STANDBY, 2 },
	{ "always_on nodes, on a drpnode", "always_on = nodes\n", "d1", 0, 0 },
	{ "always_on drpnodes", "always_on = n7 drpnodes\n", "d1", STANDBY, 2 },
	{ "optional_on", "optional_on = n1\n", "n1", OPTIONAL, 0 },
	{ "monitor_on", "monitor_on = nodes\n", "n1", MONITOR, 0 },
	{ "disable_on", "disable_on = n1\n", "n1", DISABLE, 0 },
	{ "enable_on", "disable = true\nenable_on = n1\n", "n1", 0, 0 },
	{ "enable_on another", "disable = true\nenable_on = n2\n", "n1",
	  DISABLE, 0 },
};

static void flags_are_read(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct flag_row *row = *state;
	struct instance inst =
		get(a, arena_printf(a, HEAD "[fs#1]\n" FLAG "%s", row->text),
		    row->node, LEVEL_HYPERVISOR);
	const struct resource *r = &inst.res[0];
	unsigned got = r->disable * DISABLE | r->optional * OPTIONAL |
		       r->monitor * MONITOR | r->standby * STANDBY |
		       r->noaction * NOACTION | r->nostatus * NOSTATUS;

	assert_int_equal(got, row->flags);
	assert_int_equal(r->restart, row->restart);
}

/* -- keywords
 * ------------------------------------------------------------------ */

static const struct kw_row {
	const char *name, *text, *kw, *value; /* of the first resource */
} kws[] = {
	{ "text", "[fs#1]\ntype = bind\ndev = /x\nmnt = /srv/{svcname}\n",
	  "mnt", "/srv/web" },
	{ "a default", "[ip#1]\nipname = a\nipdev = lo\n", "check_carrier",
	  "true" },
	{ "boolean", "[ip#1]\nipname = a\nipdev = lo\ncheck_carrier = NO\n",
	  "check_carrier", "false" },
	{ "duration in ms", "[ip#1]\nipname = a\nipdev = lo\nwait_dns = 1m\n",
	  "wait_dns", "60000" },
	{ "size in bytes", "[disk#1]\ntype = loop\nfile = /f\nsize = 1m\n",
	  "size", "1048576" },
	{ "size in percent",
	  "[fs#1]\ntype = ext4\ndev = /x\nmnt = /y\nsize = 50%FREE\n", "size",
	  "50%FREE" },
	{ "an older spelling, by its current name",
	  "[container#1]\ntype = lxc\ncontainer_data_dir = /c\n", "data_dir",
	  "/c" },
	{ "inherited",
	  "mnt_opt = ro\n[fs#1]\ntype = bind\ndev = /x\nmnt = /y\n", "mnt_opt",
	  "ro" },
	{ "unset", "[fs#1]\ntype = bind\ndev = /x\nmnt = /y\n", "mnt_opt",
	  NULL },
	{ "of no driver", "[fs#1]\ntype = bind\ndev = /x\nmnt = /y\nabc = d\n",
	  "abc", NULL },
	{ "of another driver",
	  "[fs#1]\ntype = bind\ndev = /x\nmnt = /y\npath = /z\n", "path",
	  NULL },
	{ "an app has the env",
	  "[env]\nPORT = {nodename}\n[app#1]\ntype = sim\n", "env.PORT", "n1" },
	{ "another has not", "[env]\nPORT = 1\n[fs#1]\n" FLAG, "env.PORT",
	  NULL },
	{ "the type that an old section has", "[loop#1]\nfile = /f\n", "file",
	  "/f" },
	{ "an older type", "[fs#1]\ntype = none\ndev = /x\nmnt = /y\n", "dev",
	  "/x" },
};

static void keywords_are_for_the_driver(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct kw_row *row = *state;
	struct instance inst = get(a, arena_printf(a, HEAD "%s", row->text),
				   "n1", LEVEL_HYPERVISOR);

	assert_int_equal(inst.n, 1);
	assert_value(resource_kw(&inst.res[0], row->kw), row->value);
}

static void timeouts_are_found(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct instance inst = get(
		a,
		HEAD "stop_timeout = 20\n[app#1]\ntype = simple\nstart = x\n"
		     "timeout = 5\n[app#2]\ntype = simple\nstart = x\n"
		     "start_timeout = 1m\n[app#3]\ntype = sim\n",
		"n1", LEVEL_HYPERVISOR);

	(void)state;
	assert_int_equal(inst.res[0].start_timeout_ms, 5000);
	assert_int_equal(inst.res[0].stop_timeout_ms, 20000);
	assert_int_equal(inst.res[1].start_timeout_ms, 60000);
	assert_int_equal(inst.res[2].start_timeout_ms, 0);
}

/* -- what cannot be evaluated
 * ---------------------------------------------------- */

static const struct bad_row {
	const char *name, *text, *says;
} bads[] = {
	{ "no nodes", "[fs#1]\n" FLAG, "DEFAULT.nodes is required" },
	{ "nodes with a scope only", "[DEFAULT]\nnodes@n1 = n1\n",
	  "DEFAULT.nodes is required, without a scope" },
	{ "a required keyword", HEAD "[fs#1]\ntype = bind\nmnt = /x\n",
	  "fs#1.dev is required (the device; for bind the directory), and has "
	  "no value that holds for n1" },
	{ "a value", HEAD "[fs#1]\n" FLAG "monitor = perhaps\n",
	  "fs#1.monitor: 'perhaps' is not true or false" },
	{ "a value of the service", HEAD "orchestrate = never\n",
	  "DEFAULT.orchestrate: 'never' is none of: no start ha" },
	{ "a cycle",
	  HEAD "[fs#1]\ntype = directory\npath = {path}{fs#1.path}\n",
	  "a reference cycle: fs#1.path -> fs#1.path" },
};

static void what_is_wrong_is_said(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct bad_row *row = *state;
	struct instance inst;
	struct err err = { 0 };
	struct conf *c = parse(a, row->text);

	assert_int_equal(
		instance_eval(a, c, "web", "n1", LEVEL_HYPERVISOR, &inst, &err),
		-EINVAL);
	assert_says(err.text, row->says);
	assert_int_equal(
		instance_eval(a, c, "web", "n1", LEVEL_HYPERVISOR, &inst, NULL),
		-EINVAL);
}

/* -- the service
 * -------------------------------------------------------------------- */

static void the_service_has_defaults(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct conf *c = parse(a, "[DEFAULT]\nnodes = n1 n2 n3\n");
	struct service_conf sc;

	(void)state;
	assert_int_equal(service_eval(a, c, "web", NULL, &sc, NULL), 0);
	assert_int_equal(sc.nodes.n, 3);
	assert_int_equal(sc.drpnodes.n + sc.encapnodes.n, 0);
	assert_string_equal(sc.topology, "failover");
	assert_string_equal(sc.orchestrate, "no");
	assert_string_equal(sc.app, "");
	assert_string_equal(sc.env, "");
	assert_string_equal(sc.comment, "");
	assert_int_equal(sc.priority, 50);
	assert_false(sc.disable);
	assert_true(sc.rollback);
	assert_int_equal(sc.flex_min, 1);
	assert_int_equal(sc.flex_max, 3);
	assert_int_equal(sc.flex_target, 1);
}

static void the_service_is_read_for_a_node(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct conf *c = parse(a, "[DEFAULT]\nnodes = n1 n2\n"
				  "nodes@n2 = n2\norchestrate = ha\n"
				  "orchestrate@n2 = start\ndisable@n2 = yes\n"
				  "app = shop\nenv = PRD\nrollback = false\n"
				  "priority = -5\ncomment = for {nodename}\n");
	struct service_conf sc;

	(void)state;
	assert_int_equal(service_eval(a, c, "web", NULL, &sc, NULL), 0);
	assert_string_equal(sc.orchestrate, "ha");
	assert_string_equal(sc.comment, "for {nodename}");
	assert_int_equal(service_eval(a, c, "web", "n2", &sc, NULL), 0);
	assert_string_equal(sc.orchestrate, "start");
	assert_string_equal(sc.comment, "for n2");
	assert_string_equal(sc.app, "shop");
	assert_string_equal(sc.env, "PRD");
	assert_int_equal(sc.priority, -5);
	assert_true(sc.disable);
	assert_false(sc.rollback);
	assert_int_equal(sc.nodes.n, 2);
}

static const struct flex_row {
	const char *name, *text;
	int64_t min, max, target;
} flexes[] = {
	{ "given", "flex_min = 2\nflex_max = 3\nflex_target = 3\n", 2, 3, 3 },
	{ "more than there are", "flex_min = 9\nflex_max = 9\n", 4, 4, 4 },
	{ "no limit", "flex_max = 0\n", 1, 4, 1 },
	{ "negative", "flex_min = -1\nflex_target = -1\n", 0, 4, 0 },
	{ "max below min", "flex_min = 3\nflex_max = 2\n", 3, 3, 3 },
	{ "target above max", "flex_max = 2\nflex_target = 3\n", 1, 2, 2 },
	{ "older names", "flex_min_nodes = 2\nflex_max_nodes = 3\n", 2, 3, 2 },
};

static void flex_is_clamped(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct flex_row *row = *state;
	struct conf *c =
		parse(a, arena_printf(a, "[DEFAULT]\nnodes = a b c d\n%s",
				      row->text));
	struct service_conf sc;

	assert_int_equal(service_eval(a, c, "web", NULL, &sc, NULL), 0);
	assert_int_equal(sc.flex_min, row->min);
	assert_int_equal(sc.flex_max, row->max);
	assert_int_equal(sc.flex_target, row->target);
}

/* -- the whole file, for people
 * ------------------------------------------------------ */

static void the_whole_file_is_evaluated(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct conf *c =
		parse(a, HEAD "nodes@vm1 = vm1\n[env]\nk = {nodename}\n"
			      "k@n1 = one\nj@n2 = two\n"
			      "[fs#1]\n" FLAG "stop_timeout = 2m\nabc = d\n"
			      "[fs#2]\n" FLAG "encap = true\n"
			      "restart = {nodename}\nrestart@vm1 = 1\n"
			      "[data]\nx = {env.k}\ny = {y}\n");
	struct buf b = BUF(a);
	struct doc *all = conf_eval_all(a, c, "web", "n1", NULL);

	(void)state;
	doc_json(&b, all, 0);
	assert_string_equal(
		buf_text(&b),
		"{\"DEFAULT\": {\"nodes\": \"n1 n2\", \"drpnodes\": \"d1\", "
		"\"encapnodes\": \"vm1 vm2\"}, \"env\": {\"k\": \"one\"}, "
		"\"fs#1\": {\"type\": \"flag\", \"stop_timeout\": \"120s\", "
		"\"abc\": \"d\"}, \"fs#2\": {\"type\": \"flag\", "
		"\"encap\": \"true\", \"restart\": \"{nodename}\"}, "
		"\"data\": {\"x\": \"one\", \"y\": \"{y}\"}}");
	all = conf_eval_all(a, c, "web", "vm1", NULL);
	assert_string_equal(doc_get_str(doc_get(all, "fs#2"), "restart", ""),
			    "1");
	assert_string_equal(doc_get_str(doc_get(all, "env"), "k", ""), "vm1");
	assert_string_equal(doc_get_str(doc_get(all, "DEFAULT"), "nodes", ""),
			    "vm1");
}

static void without_node_lists_nothing_is_evaluated(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct err err = { 0 };

	(void)state;
	assert_null(conf_eval_all(a, parse(a, "[DEFAULT]\nnodes = a,b\n"),
				  "web", "n1", &err));
	assert_says(err.text, "commas");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hypervisor_sees_flags_of_encap_resources),
		cmocka_unit_test(a_container_sees_encap_resources_alone),
		cmocka_unit_test(flags_are_for_the_first_container),
		cmocka_unit_test(
			without_encapnodes_encap_resources_are_nowhere),
		cmocka_unit_test(the_service_name_is_the_last_resort),
		cmocka_unit_test(timeouts_are_found),
		cmocka_unit_test(the_service_has_defaults),
		cmocka_unit_test(the_service_is_read_for_a_node),
		cmocka_unit_test(the_whole_file_is_evaluated),
		cmocka_unit_test(without_node_lists_nothing_is_evaluated),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(orders, resources_are_in_start_order);
	failed += TABLE_RUN(flags, flags_are_read);
	failed += TABLE_RUN(kws, keywords_are_for_the_driver);
	failed += TABLE_RUN(bads, what_is_wrong_is_said);
	failed += TABLE_RUN(flexes, flex_is_clamped);
	return failed != 0;
}
