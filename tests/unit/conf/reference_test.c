#include <errno.h>

#include "fsm/conf/eval.h"
#include "tests/unit/conf/confs.h"

static const char file[] = "[DEFAULT]\n"
			   "nodes = n1 n2.acme.com n3\n"
			   "encapnodes = vm1\n"
			   "app = shop\n"
			   "stop_timeout = 2m\n"
			   "id = 7\n"
			   "mnt_opt = noatime\n"
			   "[env]\n"
			   "x = one two  three\n"
			   "x@n1 = uno\n"
			   "empty =\n"
			   "i = 1\n"
			   "which = x\n"
			   "mixed = hello World-wide\n"
			   "y = <{env.x}>\n"
			   "a.b = dotted\n"
			   "here = {nodename}\n"
			   "brace = {start}\n"
			   "[container#0]\n"
			   "type = sim\n"
			   "[ip#1]\n"
			   "ipname = deb1\n"
			   "ipdev = lo\n"
			   "[fs#1]\n"
			   "type = ext4\n"
			   "dev = /dev/x\n"
			   "mnt = /srv/{svcname}\n"
			   "size = 10m\n"
			   "start_timeout = 90\n"
			   "check_read = YES\n"
			   "tags =  a   b\n"
			   "[app#1.x]\n"
			   "start = run\n";

/* [app#1.x] comment = @text, read on n2.acme.com (or @node). */
static const struct row {
	const char *name, *text, *value, *node;
} rows[] = {
	{ "none", "plain", "plain", NULL },
	{ "env", "{env.x}", "one two  three", NULL },
	{ "env, scoped", "{env.x}", "uno", "n1" },
	{ "env, dotted", "{env.a.b}", "dotted", NULL },
	{ "in the middle", "<{env.i}>{env.i}", "<1>1", NULL },
	{ "empty", "<{env.empty}>", "<>", NULL },
	{ "of a reference", "{env.y}", "<one two  three>", NULL },
	{ "the same section", "{start}", "run", NULL },
	{ "then DEFAULT", "{app}", "shop", NULL },
	{ "DEFAULT by name", "{DEFAULT.app}", "shop", NULL },
	{ "a default", "{topology} {priority}", "failover 50", NULL },
	{ "another section", "{fs#1.mnt}", "/srv/web", NULL },
	{ "inherited by it", "{fs#1.mnt_opt}", "noatime", NULL },
	{ "its default", "{fs#1.stat_timeout}", "5s", NULL },
	{ "by its own name there", "{ip#1.ipname}", "deb1", NULL },
	{ "a section with a dot", "{app#1.x.start}", "run", NULL },
	{ "a default with references", "{container#0.name}", "web", NULL },
	{ "and further", "{container#0.hostname}", "web", NULL },
	{ "id is a keyword", "{id}", "7", NULL },

	/* Values come as text that means the same again. */
	{ "size", "{fs#1.size}", "10485760", NULL },
	{ "duration", "{fs#1.start_timeout}", "90s", NULL },
	{ "boolean", "{fs#1.check_read}", "true", NULL },
	{ "list", "{fs#1.tags}", "a b", NULL },
	{ "nodes", "{nodes}", "n1 n2.acme.com n3", NULL },
	{ "encapnodes", "{encapnodes}", "vm1", NULL },

	{ "nested", "{env.{env.which}}", "one two  three", NULL },
	{ "nested section", "{{rid}.start}", "run", NULL },
	{ "index", "{nodes[1]}", "n2.acme.com", NULL },
	{ "index 0", "{env.x[0]}", "one", NULL },
	{ "index by reference", "{nodes[{env.i}]}", "n2.acme.com", NULL },
	{ "index out of range", "{nodes[3]}", "{nodes[3]}", NULL },
	{ "index that is none", "{nodes[x]}", "{nodes[x]}", NULL },
	{ "index of nothing", "{[1]}", "{[1]}", NULL },
	{ "an empty index", "{nodes[]}", "{nodes[]}", NULL },
	{ "a huge index", "{nodes[99999999999999999999]}",
	  "{nodes[99999999999999999999]}", NULL },
	{ "count", "{#nodes} {#env.x} {#env.empty}", "3 3 0", NULL },
	{ "count of the unknown", "{#abc}", "{#abc}", NULL },
	{ "count and index", "{env.x[{#encapnodes}]}", "two", NULL },
	{ "upper", "{upper:env.mixed}", "HELLO WORLD-WIDE", NULL },
	{ "lower", "{lower:env.mixed}", "hello world-wide", NULL },
	{ "capitalize", "{capitalize:env.mixed}", "Hello world-wide", NULL },
	{ "title", "{title:env.mixed}", "Hello World-Wide", NULL },
	{ "swapcase", "{swapcase:env.mixed}", "HELLO wORLD-WIDE", NULL },
	{ "modifier and index", "{upper:env.x[1]}", "TWO", NULL },
	{ "modifiers", "{lower:upper:env.mixed}", "hello world-wide", NULL },
	{ "a modifier of the unknown", "{upper:abc}", "{upper:abc}", NULL },
	{ "no such modifier", "{shout:env.x}", "{shout:env.x}", NULL },

	{ "name", "{name} {svcname} {path} {svcpath}", "web web web web",
	  NULL },
	{ "namespace", "{namespace} {kind}", "root svc", NULL },
	{ "nodename", "{nodename} {short_nodename}", "n2.acme.com n2", NULL },
	{ "nodename is of who asks", "{env.here}", "vm1", "vm1" },
	{ "rid", "{rid} {rindex} {rgroup}", "app#1.x 1.x app", NULL },

	{ "unknown", "{abcd}", "{abcd}", NULL },
	{ "unknown section", "{fs#9.mnt}", "{fs#9.mnt}", NULL },
	{ "unknown keyword", "{fs#1.abc}", "{fs#1.abc}", NULL },
	{ "unset keyword", "{fs#1.vg}", "{fs#1.vg}", NULL },
	{ "unknown env", "{env.abc}", "{env.abc}", NULL },
	{ "a range of a shell", "{1...8}", "{1...8}", NULL },
	{ "a shell's variable", "${HOME} ${abc:-x}", "${HOME} ${abc:-x}",
	  NULL },
	{ "awk", "awk '{print $1}'", "awk '{print $1}'", NULL },
	{ "JSON", "{\"a\": {\"b\": 1}}", "{\"a\": {\"b\": 1}}", NULL },
	{ "empty braces", "{} {{}}", "{} {{}}", NULL },
	{ "open brace", "{ {env.i}", "{ 1", NULL },
	{ "close brace", "} {env.i}}", "} 1}", NULL },
	{ "around a reference", "{a {env.i} b}", "{a 1 b}", NULL },
	{ "unknown around known", "{abc{env.i}}", "{abc1}", NULL },
	{ "what was inserted is not looked into", "{env.brace}", "{start}",
	  NULL },
	{ "arithmetic", "$(1 + {env.i})", "2", NULL },
	{ "a download is no longer there", "{safe://x}", "{safe://x}", NULL },
};

static void reference_is_replaced(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct row *row = *state;
	struct conf *c =
		parse(a, arena_printf(a, "%scomment = %s\n", file, row->text));

	assert_value(value_for(a, c, row->node ? row->node : "n2.acme.com",
			       "app#1.x.comment"),
		     row->value);
}

/* In other contexts than a resource. */
static const struct context_row {
	const char *name, *text, *key, *value;
} contexts[] = {
	{ "rid outside a resource", "[env]\nk = {rid}\n", "env.k", "{rid}" },
	{ "the same section, in env", "[env]\nk = {j}\nj = v\n", "env.k", "v" },
	{ "a value of DEFAULT is worked out where it is used",
	  "[DEFAULT]\nmnt_opt = {rindex}\n[fs#a]\ntype = ext4\ndev = x\n"
	  "mnt = y\n",
	  "fs#a.mnt_opt", "a" },
	{ "a name of dots", "[env]\nk = {short_name}\n", "env.k", "web" },
	{ "no DEFAULT", "[env]\nk = {topology}\n", "env.k", "failover" },
	{ "flex",
	  "[DEFAULT]\nnodes = n1 n2\n[env]\n"
	  "k = {flex_min} {flex_max} {flex_target} {flex_primary}\n",
	  "env.k", "1 2 1 n1" },
	{ "a cycle of one", "[env]\nk = {env.k}\n", "env.k",
	  "error: env.k: a reference cycle: env.k -> env.k" },
	{ "a cycle of two", "[env]\nk = a{env.j}\nj = {k}\n", "env.k",
	  "error: env.k: env.j: a reference cycle: env.k -> env.j -> env.k" },
	{ "a cycle reached from outside", "[env]\nk = {j}\nj = {i}\ni = {j}\n",
	  "env.k",
	  "error: env.k: env.j: env.i: a reference cycle: env.j -> env.i -> "
	  "env.j" },
	{ "a cycle of nodes", "[DEFAULT]\nnodes = {nodes}\n", "nodes",
	  "error: DEFAULT.nodes: a reference cycle: DEFAULT.nodes -> "
	  "DEFAULT.nodes" },
	{ "a cycle by way of the type", "[fs#1]\ntype = {fs#1.mnt}\nmnt = /x\n",
	  "fs#1.mnt",
	  "error: fs#1.type: a reference cycle: fs#1.type -> fs#1.type" },
	{ "twice is no cycle", "[env]\nk = {j}{j}{j}{j}{j}{j}\nj = v\n",
	  "env.k", "vvvvvv" },
	{ "a command keeps what cannot be worked out",
	  "[app#1]\nstart = run {start} {fs#1.size}\n[fs#1]\ntype = ext4\n"
	  "dev = x\nmnt = /y\nsize = much\n",
	  "app#1.start", "run {start} {fs#1.size}" },
	{ "others do not",
	  "[env]\nk = {fs#1.size}\n[fs#1]\ntype = ext4\nsize = much\n", "env.k",
	  "error: env.k: fs#1.size: 'much' is not a size such as 512, 10m, "
	  "1.5GiB (1024) or 2GB (1000)" },
	{ "converted after it is put together",
	  "[fs#1]\ntype = ext4\nsize = {env.n}g\n[env]\nn = 2\n", "fs#1.size",
	  "2147483648" },
	{ "a duration keeps its meaning",
	  "[fs#1]\ntype = flag\nstart_timeout = 2m\n"
	  "stop_timeout = {start_timeout}\n",
	  "fs#1.stop_timeout", "120s" },
};

static void reference_has_a_context(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct context_row *row = *state;

	assert_value(value_for(a, parse(a, row->text), "n1", row->key),
		     row->value);
}

static void builtin_names_of_a_dotted_service(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct conf *c = parse(a, "[env]\nk = {name} {short_name} "
				  "{scaler_name} {scaler_short_name}\n");
	struct conf_key k = { "env", "k", "" };
	const char *value;

	(void)state;
	assert_int_equal(
		conf_eval_key(a, c, "3.web.acme", "n1", &k, &value, NULL), 0);
	assert_string_equal(value, "3.web.acme 3 web.acme web");
}

/* k0 = v, k1 = {k0} ..., each once or twice. */
static struct conf *chain(struct arena *a, int n, const char *form)
{
	struct buf b = BUF(a);

	buf_puts(&b, "[env]\nk0 = 0123456789\n");
	for (int i = 1; i <= n; i++) {
		buf_printf(&b, "k%d = ", i);
		for (const char *p = form; *p; p++)
			buf_printf(&b, "{k%d}", i - 1);
		buf_puts(&b, "\n");
	}
	return parse(a, buf_text(&b));
}

static void depth_and_size_are_bounded(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();

	(void)state;
	assert_string_equal(value_for(a, chain(a, 40, "-"), "n1", "env.k31"),
			    "0123456789");
	assert_says(value_for(a, chain(a, 40, "-"), "n1", "env.k32"),
		    "references within references, more than 32 deep");
	/* Every line doubles the one before. */
	assert_int_equal(
		strlen(value_for(a, chain(a, 30, "--"), "n1", "env.k12")),
		10 << 12);
	assert_says(value_for(a, chain(a, 30, "--"), "n1", "env.k14"),
		    "references insert more than 65536 bytes");
	assert_says(value_for(a, chain(a, 30, "--"), "n1", "env.k30"),
		    "references insert more than 65536 bytes");
}

/* Empty values never fill the size: their number is bounded. */
static void the_number_is_bounded(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct conf *c = chain(a, 31, "--");
	struct conf_key k = { "env", "k0", "" };

	(void)state;
	assert_int_equal(conf_set(c, &k, "", NULL), 0);
	assert_string_equal(value_for(a, c, "n1", "env.k10"), "");
	assert_says(value_for(a, c, "n1", "env.k30"),
		    "the references of this file insert too much");
}

static void braces_may_be_deep(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);

	(void)state;
	buf_puts(&b, "[env]\nj = v\nk = ");
	for (int i = 0; i < 20000; i++)
		buf_puts(&b, "{");
	buf_puts(&b, "{env.j}");
	for (int i = 0; i < 20000; i++)
		buf_puts(&b, "}");
	buf_puts(&b, "{env.j}");
	/* Too deep: as it is. After it, as ever. */
	assert_int_equal(
		strlen(value_for(a, parse(a, buf_text(&b)), "n1", "env.k")),
		40000 + strlen("{env.j}") + 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(builtin_names_of_a_dotted_service),
		cmocka_unit_test(depth_and_size_are_bounded),
		cmocka_unit_test(the_number_is_bounded),
		cmocka_unit_test(braces_may_be_deep),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(rows, reference_is_replaced);
	failed += TABLE_RUN(contexts, reference_has_a_context);
	return failed != 0;
}
