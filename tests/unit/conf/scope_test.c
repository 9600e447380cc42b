/* Which line counts, for whom: every row of the precedence, and of a node list
 * that is itself scoped. */
#include <errno.h>

#include "fsm/conf/eval.h"
#include "tests/unit/conf/confs.h"

#define LISTS                                                                  \
	"[DEFAULT]\nnodes = n1 n2 n3\ndrpnodes = d1 d2\n"                      \
	"encapnodes = vm1 vm2\n"

/* The value of env.k for a node, with @lines in [env]. */
static const struct row {
	const char *name, *lines, *node, *value;
} rows[] = {
	/* Each rank alone, where its condition holds and where not. */
	{ "1: the node's own", "k@n1 = own\n", "n1", "own" },
	{ "1: another node's", "k@n1 = own\n", "n2", NULL },
	{ "1: a container's own", "k@vm1 = own\n", "vm1", "own" },
	{ "1: a container's, seen from a hypervisor", "k@vm1 = own\n", "n1",
	  NULL },
	{ "1: the case of names does not count", "k@N1 = own\n", "n1", "own" },
	{ "1: nor that of the asking node", "k@n1 = own\n", "N1", "own" },
	{ "2: @nodes on a node", "k@nodes = v\n", "n3", "v" },
	{ "2: @nodes on a drpnode", "k@nodes = v\n", "d1", NULL },
	{ "2: @nodes in a container", "k@nodes = v\n", "vm1", NULL },
	{ "2: the case of scopes does not count", "k@NODES = v\n", "n3", "v" },
	{ "3: @drpnodes on a drpnode", "k@drpnodes = v\n", "d2", "v" },
	{ "3: @drpnodes on a node", "k@drpnodes = v\n", "n1", NULL },
	{ "3: @drpnodes in a container", "k@drpnodes = v\n", "vm1", NULL },
	{ "4: @encapnodes in a container", "k@encapnodes = v\n", "vm2", "v" },
	{ "4: @encapnodes on a node", "k@encapnodes = v\n", "n1", NULL },
	{ "5: @flex_primary on the first node", "k@flex_primary = v\n", "n1",
	  "v" },
	{ "5: @flex_primary on another", "k@flex_primary = v\n", "n2", NULL },
	{ "5: @flex_primary in a container", "k@flex_primary = v\n", "vm1",
	  NULL },
	{ "6: @drp_flex_primary on the first drpnode",
	  "k@drp_flex_primary = v\n", "d1", "v" },
	{ "6: @drp_flex_primary on another", "k@drp_flex_primary = v\n", "d2",
	  NULL },
	{ "6: @drp_flex_primary on the first node", "k@drp_flex_primary = v\n",
	  "n1", NULL },
	{ "7: without a scope", "k = v\n", "n1", "v" },
	{ "7: in a container", "k = v\n", "vm1", "v" },
	{ "7: for a node that is not named", "k = v\n", "other", "v" },

	/* Each against the next. */
	{ "1 before 2", "k@nodes = two\nk@n1 = one\n", "n1", "one" },
	{ "1 before 3", "k@drpnodes = three\nk@d1 = one\n", "d1", "one" },
	{ "1 before 4", "k@encapnodes = four\nk@vm1 = one\n", "vm1", "one" },
	{ "2 before 5", "k@flex_primary = five\nk@nodes = two\n", "n1", "two" },
	{ "3 before 6", "k@drp_flex_primary = six\nk@drpnodes = three\n", "d1",
	  "three" },
	{ "5 before 7", "k = seven\nk@flex_primary = five\n", "n1", "five" },
	{ "6 before 7", "k = seven\nk@drp_flex_primary = six\n", "d1", "six" },
	{ "2 before 7", "k = seven\nk@nodes = two\n", "n2", "two" },
	{ "3 before 7", "k = seven\nk@drpnodes = three\n", "d2", "three" },
	{ "4 before 7", "k = seven\nk@encapnodes = four\n", "vm1", "four" },

/* One file with all of them. */
#define ALL                                                                    \
	"k = seven\nk@drp_flex_primary = six\nk@flex_primary = five\n"         \
	"k@encapnodes = four\nk@drpnodes = three\nk@nodes = two\nk@n2 = own\n"
	{ "all, first node", ALL, "n1", "two" },
	{ "all, second node", ALL, "n2", "own" },
	{ "all, third node", ALL, "n3", "two" },
	{ "all, first drpnode", ALL, "d1", "three" },
	{ "all, second drpnode", ALL, "d2", "three" },
	{ "all, container", ALL, "vm1", "four" },
	{ "all, other node", ALL, "other", "seven" },

	/* Conditions that fail are skipped, not ended with. */
	{ "skipped", "k@n1 = one\nk@nodes = two\nk = seven\n", "d1", "seven" },
	/* @nodes and @encapnodes agree at both levels. */
	{ "a container is none of nodes",
	  "k@nodes = two\nk@encapnodes = four\n", "vm1", "four" },
	{ "the last of equals", "k@n1 = a\nk@n1 = b\n", "n1", "b" },
	{ "an empty value counts", "k = seven\nk@n1 =\n", "n1", "" },
	{ "a name that begins the same", "k@n1.acme = one\n", "n1", NULL },
};

static void the_right_line_counts(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct row *row = *state;
	const char *text = arena_printf(a, LISTS "[env]\n%s", row->lines);

	assert_value(value_for(a, parse(a, text), row->node, "env.k"),
		     row->value);
}

/* The same for keywords, whole file and key given. */
static const struct keyword_row {
	const char *name, *text, *node, *key, *value;
} keywords[] = {
	/* Lists are not scoped by themselves. */
	{ "nodes is not scoped by @nodes",
	  "[DEFAULT]\nnodes = n1\nnodes@nodes = n9\n", "n1", "nodes", "n1" },
	{ "drpnodes is not scoped by @drpnodes",
	  "[DEFAULT]\nnodes = n1\ndrpnodes = d1\ndrpnodes@drpnodes = d9\n",
	  "d1", "drpnodes", "d1" },
	{ "encapnodes has no scope at all",
	  "[DEFAULT]\nnodes = n1\nencapnodes = vm1\nencapnodes@n1 = vm9\n",
	  "n1", "encapnodes", "vm1" },
	{ "flex_primary is not scoped by itself",
	  "[DEFAULT]\nnodes = n1 n2\nflex_primary = n2\n"
	  "flex_primary@flex_primary = n1\n",
	  "n2", "flex_primary", "n2" },
	{ "in other sections these are words as any",
	  "[DEFAULT]\nnodes = n1\n[env]\nnodes = a\nnodes@nodes = b\n", "n1",
	  "env.nodes", "b" },
	/* A scoped list is what references see; conditions go by the plain. */
	{ "nodes@encapnodes is what a container reads",
	  "[DEFAULT]\nnodes = n1\nencapnodes = vm1\n"
	  "nodes@encapnodes = vm1\n",
	  "vm1", "nodes", "vm1" },
	{ "but @nodes does not hold for it",
	  "[DEFAULT]\nnodes = n1\nencapnodes = vm1\n"
	  "nodes@encapnodes = vm1\n[env]\nk@nodes = two\n"
	  "k@encapnodes = four\n",
	  "vm1", "env.k", "four" },
	{ "nor is it the flex_primary",
	  "[DEFAULT]\nnodes = n1\nencapnodes = vm1\n"
	  "nodes@encapnodes = vm1\n[env]\nk@flex_primary = five\n",
	  "vm1", "env.k", NULL },
	{ "a list that is smaller for one node",
	  "[DEFAULT]\nnodes = n1 n2\nnodes@n2 = n2\n[env]\n"
	  "k@nodes = two\n",
	  "n2", "env.k", "two" },
	{ "lists have no case", "[DEFAULT]\nnodes = N1\n[env]\nk@nodes = v\n",
	  "n1", "env.k", "v" },
	{ "flex_primary, given",
	  "[DEFAULT]\nnodes = n1 n2\nflex_primary = N2\n[env]\n"
	  "k@flex_primary = v\n",
	  "n2", "env.k", "v" },
	{ "flex_primary, given as another",
	  "[DEFAULT]\nnodes = n1 n2\nflex_primary = n2\n[env]\n"
	  "k@flex_primary = v\n",
	  "n1", "env.k", NULL },
	{ "flex_primary, scoped",
	  "[DEFAULT]\nnodes = n1 n2\nflex_primary@n2 = n2\n[env]\n"
	  "k@flex_primary = v\n",
	  "n2", "env.k", "v" },
	{ "drpnode comes first",
	  "[DEFAULT]\nnodes = n1\ndrpnode = d2\ndrpnodes = d1\n", "n1",
	  "drpnodes", "d2 d1" },
	{ "drpnode once",
	  "[DEFAULT]\nnodes = n1\ndrpnode = d1\n"
	  "drpnodes = d1 d2\n",
	  "n1", "drpnodes", "d1 d2" },
	{ "drpnode holds @drpnodes",
	  "[DEFAULT]\nnodes = n1\ndrpnode = d2\n[env]\nk@drpnodes = v\n", "d2",
	  "env.k", "v" },
	{ "lists may hold references",
	  "[DEFAULT]\nnodes = {env.hosts}\n[env]\nhosts = n1 n2\n"
	  "k@nodes = v\n",
	  "n2", "env.k", "v" },

/* Inheritance comes after scoping. */
#define FS "type = flag\n"
	{ "leaf before head",
	  "[DEFAULT]\nnodes = n1\nrestart = 1\n[fs#1]\n" FS "restart = 2\n",
	  "n1", "fs#1.restart", "2" },
	{ "head if no leaf", "[DEFAULT]\nnodes = n1\nrestart = 1\n[fs#1]\n" FS,
	  "n1", "fs#1.restart", "1" },
	{ "any leaf hides the head",
	  "[DEFAULT]\nnodes = n1\nrestart@n1 = 1\n[fs#1]\n" FS "restart = 2\n",
	  "n1", "fs#1.restart", "2" },
	{ "a leaf of others does not",
	  "[DEFAULT]\nnodes = n1 n2\nrestart = 1\n[fs#1]\n" FS
	  "restart@n2 = 2\n",
	  "n1", "fs#1.restart", "1" },
	{ "leaf alone", "[DEFAULT]\nnodes = n1\ncomment = head\n[fs#1]\n" FS,
	  "n1", "fs#1.comment", NULL },
	{ "the default after both", "[DEFAULT]\nnodes = n1\n[fs#1]\n" FS, "n1",
	  "fs#1.restart", "0" },

	/* Older spellings count where there is no current one. */
	{ "an older spelling", "[DEFAULT]\nnodes = n1\ncluster_type = flex\n",
	  "n1", "topology", "flex" },
	{ "asked for by it", "[DEFAULT]\nnodes = n1\ntopology = flex\n", "n1",
	  "cluster_type", "flex" },
	{ "the current one counts",
	  "[DEFAULT]\nnodes = n1\ntopology = failover\ncluster_type@n1 = "
	  "flex\n",
	  "n1", "topology", "failover" },
	{ "where it does not hold, the older",
	  "[DEFAULT]\nnodes = n1 n2\ntopology@n2 = failover\n"
	  "cluster_type = flex\n",
	  "n1", "topology", "flex" },
	{ "the first of older spellings",
	  "[DEFAULT]\nnodes = n1\nsvc_env = DEV\nservice_type = PRD\n", "n1",
	  "env", "PRD" },
	{ "an exact line", "[DEFAULT]\nnodes = n1\n[env]\nk = a\nk@n1 = b\n",
	  "n2", "env.k@n1", "b" },
	{ "an exact line that is not there",
	  "[DEFAULT]\nnodes = n1\n[env]\nk = a\n", "n1", "env.k@n1", NULL },
};

static void the_right_keyword_counts(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct keyword_row *row = *state;

	assert_value(value_for(a, parse(a, row->text), row->node, row->key),
		     row->value);
}

/* Without a node no scope holds, not even that of the first node. */
static void nobody_has_no_scope(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct conf *c = parse(a, LISTS "[env]\nk = seven\n" ALL);
	struct conf *empty = parse(a, "");
	const char *value = NULL;
	struct eval e;
	struct value v;

	(void)state;
	assert_int_equal(eval_init(&e, a, c, "web", NULL, NULL), 0);
	assert_int_equal(eval_option(&e, "env", "k", &v, NULL), 0);
	assert_string_equal(v.text, "seven");
	/* And one eval serves one node after the other. */
	assert_int_equal(eval_switch(&e, "n2", NULL), 0);
	assert_int_equal(eval_option(&e, "env", "k", &v, NULL), 0);
	assert_string_equal(v.text, "own");
	assert_int_equal(eval_switch(&e, "vm1", NULL), 0);
	assert_int_equal(eval_option(&e, "env", "k", &v, NULL), 0);
	assert_string_equal(v.text, "four");
	assert_int_equal(eval_switch(&e, NULL, NULL), 0);
	assert_int_equal(eval_option(&e, "env", "k", &v, NULL), 0);
	assert_string_equal(v.text, "seven");
	value = value_for(a, empty, "n1", "nodes");
	assert_null(value);
}

static const struct level_row {
	const char *name, *node;
	int rc;
	enum level level;
} levels[] = {
	{ "node", "n2", 0, LEVEL_HYPERVISOR },
	{ "in upper case", "N2", 0, LEVEL_HYPERVISOR },
	{ "drpnode", "d1", 0, LEVEL_HYPERVISOR },
	{ "container", "vm2", 0, LEVEL_ENCAP },
	{ "other", "n9", -ENOENT, LEVEL_HYPERVISOR },
};

static void level_is_by_the_lists(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct level_row *row = *state;
	enum level level = LEVEL_HYPERVISOR;
	struct err err = { 0 };

	assert_int_equal(
		conf_level(a, parse(a, LISTS), "web", row->node, &level, &err),
		row->rc);
	assert_int_equal(level, row->level);
	if (row->rc)
		assert_string_equal(err.text,
				    "n9 is in none of nodes, drpnodes "
				    "and encapnodes of web");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_has_no_scope),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(rows, the_right_line_counts);
	failed += TABLE_RUN(keywords, the_right_keyword_counts);
	failed += TABLE_RUN(levels, level_is_by_the_lists);
	return failed != 0;
}
