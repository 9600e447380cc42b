/* The older spellings: each action is what it is now, or says why not. */
#include "cli/older.h"

#include <string.h>

#include "cli/line.h"
#include "tests/unit/cli/cli_run.h"
#include "tests/unit/cli/doctext.h"

static const char conf[] = "[DEFAULT]\n"
			   "nodes = hv1 hv2\n"
			   "\n"
			   "[fs#1]\n"
			   "type = flag\n"
			   "\n"
			   "[fs#2]\n"
			   "type = flag\n";
static const char status[] =
	"{ service: web, avail: up, overall: warn, frozen: frozen,"
	"  intent: { seq: 7, want: started },"
	"  instances: { hv1: { avail: up, overall: 'stdby up', state: idle },"
	"               hv2: { avail: down, state: idle } } }";
static const char nodes[] = "{ nodes: [ { name: hv1, frozen: false },"
			    "           { name: hv2, frozen: true } ] }";

static struct doc *answer(struct fake_agent *f, struct arena *a, const char *op,
			  const struct doc *req, int *code, const char **err)
{
	const char *node = f->data;
	struct doc *d = doc_map(a);

	if (strcmp(doc_get_str(req, "name", "web"), "web") != 0) {
		*code = CLI_NOT_FOUND;
		*err = "there is no such service";
	} else if (strcmp(op, "ping") == 0) {
		doc_put_str(a, d, "node", node);
		doc_put_str(a, d, "level",
			    strcmp(node, "vm1") == 0 ? "encap" : "hypervisor");
	} else if (strcmp(op, "status") == 0) {
		return doctext(a, status);
	} else if (strcmp(op, "node_ls") == 0) {
		return doctext(a, nodes);
	} else if (strcmp(op, "svc_ls") == 0) {
		return doctext(a, "{ services: [ { service: web },"
				  "              { service: db } ] }");
	} else if (strcmp(op, "svc_config") == 0) {
		doc_put_str(a, d, "config", conf);
		doc_put_str(a, d, "rev", "r0");
	} else if (strcmp(op, "svc_edit") == 0) {
		doc_put_str(a, d, "rev", "r1");
	} else if (strcmp(op, "events") == 0) {
		doc_put(a, d, "events", doc_list(a));
	}
	return d;
}

/* -- the tables ------------------------------------------------------------ */

static void every_row_is_complete(void **state)
{
	(void)state;
	for (const struct older *p = older_programs; p->name; p++) {
		assert_non_null(p->usage);
		for (const struct older_action *o = p->actions; o->words; o++) {
			if (!o->command) {
				assert_non_null(o->note);
				continue;
			}
			assert_null(o->note);
			assert_non_null(line_command_named(o->command));
		}
	}
}

static void no_action_is_listed_twice(void **state)
{
	(void)state;
	for (const struct older *p = older_programs; p->name; p++)
		for (const struct older_action *o = p->actions; o->words; o++)
			for (const struct older_action *q = o + 1; q->words;
			     q++)
				assert_string_not_equal(o->words, q->words);
}

/* What an older name stands for must be there. Only --cluster has another
 * meaning today, where no older command is. */
static void options_are_older_ones(void **state)
{
	(void)state;
	for (const struct older_option *o = older_options; o->name; o++) {
		if (strcmp(o->name, "cluster") != 0)
			assert_int_equal(line_option(o->name, strlen(o->name)),
					 OPT_N);
		assert_true(!o->now != !o->note);
		if (o->now && *o->now)
			assert_int_not_equal(
				line_option(o->now, strlen(o->now)), OPT_N);
	}
}

static void help_lists_all_of_them(void **state)
{
	(void)state;
	for (const struct older *p = older_programs; p->name; p++) {
		char line[64];
		struct ran r;

		snprintf(line, sizeof(line), "/usr/bin/%s --help", p->name);
		r = cli_run(line);
		assert_int_equal(r.code, CLI_DONE);
		says(r.out, p->example[0]);
		says(r.out, p->example[1]);
		for (const struct older_action *o = p->actions; o->words; o++)
			says(r.out, o->words);
		for (const char *l = r.out; *l; l += strcspn(l, "\n") + 1)
			assert_true(strcspn(l, "\n") <= 100);
		ran_free(&r);
	}
}

/* -- what each comes to ---------------------------------------------------- */

// clang-format off
static const struct line_row {
	const char *name, *line, *node;
	int code;
	const char *out, *err, *asked;
} lines[] = {
	{ "status is the state and its code", "svcmgr -s web status", "hv1", 6, "stdby up\n", "", "" },
	{ "of the service where no instance is", "svcmgr -s web status", "hv9", 2, "warn\n", "", "" },
	{ "status of no service", "svcmgr -s db status", "hv1", 1, "", "no such service", "" },
	{ "frozen", "svcmgr -s web frozen", "hv1", 1, "frozen\n", "", "" },
	{ "not found is 1", "svcmgr -s db start", "hv1", 1, "", "svcmgr start: there is no such service", "" },
	{ "not found is 1: edits", "svcmgr -s db set --kw a.b=c", "hv1", 1, "", "no such service", "" },
	{ "status of several is the greatest code", "svcmgr -s w*,web status", "hv1", 6, "stdby up\n", "", "svc_ls" },
	{ "no service matches", "svcmgr -s x* frozen", "hv1", 0, "", "no service is meant", "svc_ls" },
	{ "no service to start matches", "svcmgr -s x* start", "hv1", 0, "", "no service is meant", "svc_ls" },
	{ "none of that name", "svcmgr -s web,x frozen", "hv1", 1, "", "", "svc_ls" },
	{ "an edit of several", "svcmgr -s we* disable --rid fs#2", "hv1", 0, "r1", "", "disable = true" },
	{ "ls", "svcmgr ls", "hv1", 0, "db\nweb\n", "", "svc_ls" },
	{ "all of them", "svcmgr print status", "hv1", 0, "web", "", "svc_ls" },
	{ "svcmon", "svcmon", "hv1", 0, "web", "", "svc_ls" },
	{ "svcmon of none", "svcmon -s db", "hv1", 1, "", "svcmon status: there is no such service", "" },
	{ "svcmon of one", "svcmon -s web", "hv1", 0, "web", "", "\"status\"" },
	{ "json status", "svcmgr -s web json status", "hv1", 0, "\"overall\": \"warn\"", "", "" },
	{ "--format json", "svcmgr -s web print status --format json", "hv1", 0, "\"overall\": \"warn\"", "", "" },
	{ "--format flat_json", "svcmgr -s web print status --format flat_json", "hv1", 0, ".overall = \"warn\"", "", "" },
	{ "--format csv", "svcmgr -s web print status --format csv", "hv1", 2, "", "csv", "" },
	{ "switch", "svcmgr -s web switch --to hv1", "hv1", 0, "", "", "\"node\": \"hv1\"" },
	{ "switch to nowhere", "svcmgr -s web switch", "hv1", 2, "", "where to? svcmgr -s web switch --to NODE", "" },
	{ "takeover", "svcmgr -s web takeover --no-wait", "hv2", 0, "", "", "\"node\": \"hv2\"" },
	{ "--time", "svcmgr -s web start --time 10s", "hv1", 0, "", "", "svc_intent" },
	{ "--cluster is what is always done", "svcmgr --cluster ls", "hv1", 0, "web\n", "", "" },
	{ "--local of some", "svcmgr -s web startfs --local --no-wait", "hv1", 0, "", "", "\"rid\": \"volume,disk,fs\"" },
	{ "--local of all", "svcmgr -s web start --local", "hv1", 2, "", "use switch --to NODE, or takeover", "ping" },
	{ "--local in a container", "svcmgr -s web start --local --no-wait", "vm1", 0, "", "", "svc_intent" },
	{ "set", "svcmgr -s web set --param fs#1.comment --value a=b", "hv1", 0, "r1", "", "comment = a=b" },
	{ "set twice", "svcmgr -s web set --kw fs#1.comment=a,b --kw fs#2.comment=c", "hv1", 0, "r1", "", "comment = a,b\\n\\n[fs#2]\\ntype = flag\\ncomment = c" },
	{ "value of nothing", "svcmgr -s web set --value x", "hv1", 2, "", "--value x is the value of no --param", "" },
	{ "get", "svcmgr -s web get --param fs#1.type", "hv1", 0, "flag\n", "", "" },
	{ "get two", "svcmgr -s web get --kw fs#1.type --kw fs#2.type", "hv1", 0, "fs#2.type=flag\n", "", "" },
	{ "get what is not set", "svcmgr -s web get --param fs#1.comment", "hv1", 1, "", "not set", "" },
	{ "eval", "svcmgr -s web eval --param DEFAULT.nodes", "hv1", 0, "hv1 hv2\n", "", "ping" },
	{ "--impersonate", "svcmgr -s web eval --param DEFAULT.nodes --impersonate hv2", "hv1", 0, "hv1 hv2\n", "", "" },
	{ "disable", "svcmgr -s web disable --rid fs#1,fs#2", "hv1", 0, "r1", "", "disable = true\\n\\n[fs#2]\\ntype = flag\\ndisable = true" },
	{ "disable the whole", "svcmgr -s web disable", "hv1", 0, "r1", "", "nodes = hv1 hv2\\ndisable = true" },
	{ "enable", "svcmgr -s web enable --rid fs#2", "hv1", 0, "r1", "", "disable = false" },
	{ "validate config", "svcmgr -s web validate config", "hv1", 0, "web: valid\n", "", "" },
	{ "no action", "svcmgr -s web", "hv1", 2, "", "usage: svcmgr", "" },
	{ "no service", "svcmgr start", "hv1", 2, "", "which service? svcmgr -s NAME start", "" },
	{ "misspelt", "svcmgr -s web sttart", "hv1", 2, "", "did you mean 'start'? svcmgr --help", "" },
	{ "two words misspelt", "svcmgr -s web print statsu", "hv1", 2, "", "did you mean 'print status'?", "" },
	{ "unknown", "svcmgr -s web xyzzy", "hv1", 2, "", "'xyzzy' is no action; svcmgr --help", "" },
	{ "no more", "svcmgr -s web push config", "hv1", 2, "", "svcmgr push config: every member has the env file", "" },
	{ "no more, without a service", "svcmgr push", "hv1", 2, "", "no collector", "" },
	{ "option that is no more", "svcmgr -s web start --waitlock=60", "hv1", 2, "", "--waitlock: there is no lock", "" },
	{ "option without meaning", "svcmgr -s web freeze --master", "hv1", 2, "", "option '--master' has no meaning here", "" },
	{ "misspelt option", "svcmgr -s web start --slavs", "hv1", 2, "", "did you mean '--slave'?", "" },
	{ "one too many", "svcmgr -s web freeze --to hv2", "hv1", 2, "", "one argument too many", "" },
	{ "as a word of encap", "encap svcmgr start", "hv1", 2, "", "which service?", "" },
	{ "nodemgr ls", "nodemgr ls", "hv1", 0, "hv2", "", "node_ls" },
	{ "nodemgr freeze", "nodemgr freeze", "hv1", 0, "", "", "\"op\": \"node_freeze\", \"node\": \"hv1\"" },
	{ "nodemgr thaw --node", "nodemgr thaw --node hv2", "hv1", 0, "", "", "\"op\": \"node_thaw\", \"node\": \"hv2\"" },
	{ "nodemgr frozen", "nodemgr frozen", "hv1", 0, "thawed\n", "", "" },
	{ "nodemgr frozen --node", "nodemgr frozen --node hv2", "hv1", 1, "frozen\n", "", "" },
	{ "nodemgr frozen of none", "nodemgr frozen --node hv9", "hv1", 1, "", "there is no node hv9", "" },
	{ "nodemgr daemon running", "nodemgr daemon running", "hv1", 0, "", "", "ping" },
	{ "nodemgr daemon stop", "nodemgr daemon stop", "hv1", 2, "", "systemctl stop encapd", "" },
	{ "nodemgr unknown", "nodemgr lss", "hv1", 2, "", "did you mean 'ls'? nodemgr --help", "" },
};
// clang-format on

static void line_is_understood(void **state)
{
	const struct line_row *row = *state;
	char *asked;
	struct ran r =
		cli_run_asking(answer, (void *)row->node, row->line, &asked);

	says(r.err, row->err);
	says(r.out, row->out);
	says(asked, row->asked);
	if (row->code == CLI_USAGE && !*row->out && !*row->asked)
		assert_string_equal(asked, "");
	assert_int_equal(r.code, row->code);
	ran_free(&r);
	free(asked);
}

static void nobody_there_is_1(void **state)
{
	struct ran r;

	(void)state;
	setenv("ENCAP_SOCKET", "/nowhere", 1);
	r = cli_run("nodemgr daemon running");
	unsetenv("ENCAP_SOCKET");
	assert_int_equal(r.code, CLI_FAILED);
	says(r.err, "nodemgr daemon running: the agent does not answer");
	ran_free(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_complete),
		cmocka_unit_test(no_action_is_listed_twice),
		cmocka_unit_test(options_are_older_ones),
		cmocka_unit_test(help_lists_all_of_them),
		cmocka_unit_test(nobody_there_is_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) +
		       TABLE_RUN(lines, line_is_understood) !=
	       0;
}
