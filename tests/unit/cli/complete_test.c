/* What may come next on a command line, with names that an agent gives. */
#include "cli/complete.h"

#include <ctype.h>
#include <string.h>

#include "cli/line.h"
#include "tests/unit/cli/cli_run.h"
#include "tests/unit/cli/doctext.h"

static const char conf[] = "[DEFAULT]\n"
			   "nodes = hv1 hv2\n"
			   "drpnodes = dr1\n"
			   "encapnodes = vm1\n"
			   "\n"
			   "[fs#1]\n"
			   "type = flag\n"
			   "comment@hv1 = here\n"
			   "\n"
			   "[container#0]\n"
			   "type = sim\n"
			   "name = vm1\n"
			   "\n"
			   "[env]\n"
			   "data = /srv\n";

static struct doc *answer(struct fake_agent *f, struct arena *a, const char *op,
			  const struct doc *req, int *code, const char **err)
{
	struct doc *d = doc_map(a);

	(void)f;
	if (strcmp(op, "svc_ls") == 0)
		return doctext(a, "{ services: ["
				  "  { service: web, avail: up },"
				  "  { service: wiki, avail: down },"
				  "  { service: db, avail: up } ] }");
	if (strcmp(op, "node_ls") == 0)
		return doctext(a, "{ nodes: [ { name: hv1, state: alive },"
				  "           { name: hv9, state: alive } ] }");
	if (strcmp(op, "secret_ls") == 0)
		return doctext(a, "{ secrets: [ { key: db_password } ] }");
	if (strcmp(op, "svc_config") == 0 &&
	    strcmp(doc_get_str(req, "name", ""), "web") == 0) {
		doc_put_str(a, d, "config", conf);
		return d;
	}
	*code = CLI_NOT_FOUND;
	*err = "there is no such thing";
	return NULL;
}

/* -- lines ----------------------------------------------------------------- */

/* The last word of a line is being typed; a blank at its end begins one. The
 * candidates without their helps, a blank between two. */
// clang-format off
static const struct line_row {
	const char *name, *line, *words;
} lines[] = {
	{ "a command begun", "encap fr", "freeze" },
	{ "a family once", "encap nod", "node" },
	{ "the second word", "encap node ",
	  "ls freeze thaw drain undrain label rm fence confirm-down" },
	{ "the second word begun", "encap cluster st", "status" },
	{ "nothing like it", "encap xyzzy", "" },
	{ "behind what is no command", "encap xyzzy ", "" },
	{ "services", "encap start ", "web wiki db" },
	{ "services begun", "encap freeze w", "web wiki" },
	{ "no second service", "encap start web ", "" },
	{ "behind an option", "encap start --no-wait d", "db" },
	{ "behind an option with a value", "encap start --timeout 5m d", "db" },
	{ "the value of an option that is anything", "encap start web --timeout ", "" },
	{ "a new service has no name yet", "encap create ", "" },
	{ "files", "encap create web --config ", ":file" },
	{ "files, joined", "encap create web --config=/e", ":file" },
	{ "options", "encap move web --n", "--no-wait" },
	{ "options that are given are not offered", "encap stop web --slaves --sl", "--slave" },
	{ "a letter", "encap status -o js", "json" },
	{ "a value joined to its option", "encap status --output=te", "--output=text" },
	{ "words to choose from", "encap status web --flags ", "short wide" },
	{ "no option of another command", "encap freeze web --sl", "" },
	{ "nodes of the service", "encap move web ", "hv1 hv2 dr1" },
	{ "machines", "encap node freeze ", "hv1 hv9" },
	{ "containers", "encap stop web --slave ", "vm1" },
	{ "containers, one more", "encap stop web --slave vm2,v", "vm2,vm1" },
	{ "as whom", "encap config web --as ", "hv1 hv2 dr1 vm1" },
	{ "sections", "encap set web ", "DEFAULT. fs#1. container#0. env." },
	{ "keywords of the section's type", "encap set web fs#1.comm", "fs#1.comment=" },
	{ "not those of another type", "encap set web fs#1.rootfs", "" },
	{ "of the service", "encap set web DEFAULT.orch", "DEFAULT.orchestrate=" },
	{ "values", "encap set web DEFAULT.orchestrate=", "DEFAULT.orchestrate=no DEFAULT.orchestrate=start DEFAULT.orchestrate=ha" },
	{ "values of a scope", "encap set web DEFAULT.orchestrate@hv1=h", "DEFAULT.orchestrate@hv1=ha" },
	{ "true or false", "encap set web fs#1.optional=t", "fs#1.optional=true" },
	{ "of each argument", "encap set web fs#1.optional=true fs#1.standb", "fs#1.standby=" },
	{ "a section that is not there", "encap set web fs#7.", "" },
	{ "keys that are set", "encap unset web fs#1.", "fs#1.type fs#1.comment@hv1" },
	{ "keys of env", "encap get web env.", "env.data" },
	{ "of a service that is not there", "encap get nowhere fs", "" },
	{ "secrets", "encap secret unset web ", "db_password" },
	{ "a cluster's name is nobody's", "encap cluster init ", "" },
	{ "one of several actions", "encap plan st", "start stop" },
	{ "help", "encap help node f", "freeze fence" },
	{ "svcmgr: its services", "svcmgr -s w", "web wiki" },
	{ "svcmgr: actions", "svcmgr -s web print ", "status resource config schedule" },
	{ "svcmgr: the service behind", "svcmgr edi", "edit" },
	{ "svcmgr: actions that are no more are not offered", "svcmgr -s web giveb", "" },
	{ "svcmgr: nodes", "svcmgr -s web switch --to ", "hv1 hv2 dr1" },
	{ "svcmgr: resources", "svcmgr -s web disable --rid fs#1,c", "fs#1,container#0" },
	{ "svcmgr: keys", "svcmgr -s web get --param env.", "env.data" },
	{ "svcmgr: options of its action", "svcmgr -s web freeze --no", "--node" },
	{ "svcmgr as a word", "encap svcmgr -s web unfr", "unfreeze" },
	{ "nodemgr", "nodemgr daemon r", "running" },
	{ "by a path", "/usr/bin/encap thaw wi", "wiki" },
};
// clang-format on

/* cli_run() drops a blank at the end. */
static struct ran complete(const char *line)
{
	const char *argv[16] = { "encap", "__complete" };
	char copy[256], *save = NULL;
	int argc = 2;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w && argc < 15;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	if (line[strlen(line) - 1] == ' ')
		argv[argc++] = "";
	return cli_run_words(argc, argv);
}

/* "web\tup\nwiki\tdown\n" -> "web wiki" */
static const char *words_of(const char *text, char *to, size_t size)
{
	size_t n = 0;

	*to = '\0';
	while (*text) {
		n += (size_t)snprintf(to + n, size - n, "%s%.*s", n ? " " : "",
				      (int)strcspn(text, "\t\n"), text);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return to;
}

static void line_is_completed(void **state)
{
	const struct line_row *row = *state;
	struct fake_agent f = { .answer = answer };
	char words[1024];
	struct ran r;

	fake_start(&f);
	r = complete(row->line);
	fake_stop(&f);
	assert_string_equal(words_of(r.out, words, sizeof(words)), row->words);
	assert_string_equal(r.err, "");
	assert_int_equal(r.code, CLI_DONE);
	ran_free(&r);
}

/* -- the tables ------------------------------------------------------------ */

/* Who adds a row whose argument has a new name says how it is completed. */
static void every_argument_is_known(void **state)
{
	(void)state;
	for (const struct command *k = command_table; k->words; k++) {
		char copy[128], *save = NULL;

		snprintf(copy, sizeof(copy), "%s", k->args);
		for (char *w = strtok_r(copy, " ", &save); w;
		     w = strtok_r(NULL, " ", &save))
			if (!complete_knows(w))
				fail_msg("'%s': cli/complete.c does not know "
					 "how to complete a %s: a row of "
					 "`kinds` is missing",
					 k->words, w);
	}
}

static void alternatives_are_each_known(void **state)
{
	(void)state;
	assert_true(complete_knows("[RID|NODE|CONTAINER]"));
	assert_true(complete_knows("short|wide"));
	assert_false(complete_knows("RID|NOWHERE"));
	assert_false(complete_knows("NOWHERE"));
}

static void every_value_is_known(void **state)
{
	(void)state;
	for (unsigned i = 0; i < OPT_N; i++)
		if (option_table[i].arg && !complete_knows(option_table[i].arg))
			fail_msg("--%s: cli/complete.c does not know how to "
				 "complete a %s: a row of `kinds` is missing",
				 option_table[i].name, option_table[i].arg);
}

/* All words of all commands are found by completing them. */
static void every_command_is_offered(void **state)
{
	(void)state;
	setenv("ENCAP_SOCKET", "/nowhere", 1);
	for (const struct command *k = command_table; k->words; k++) {
		const char *last = strrchr(k->words, ' ');
		char line[128], want[128];
		struct ran r;

		last = last ? last + 1 : k->words;
		snprintf(line, sizeof(line), "encap %s", k->words);
		snprintf(want, sizeof(want), "%s\t%s\n", last, k->summary);
		r = complete(line);
		says(r.out, want);
		ran_free(&r);
	}
	unsetenv("ENCAP_SOCKET");
}

static void without_an_agent_there_are_no_names(void **state)
{
	struct ran r;

	(void)state;
	setenv("ENCAP_SOCKET", "/nowhere", 1);
	r = complete("encap start ");
	unsetenv("ENCAP_SOCKET");
	assert_string_equal(r.out, "");
	assert_string_equal(r.err, "");
	assert_int_equal(r.code, CLI_DONE);
	ran_free(&r);
}

static void a_line_without_a_word_is_no_failure(void **state)
{
	struct ran r = cli_run("encap __complete");

	(void)state;
	assert_string_equal(r.out, "");
	assert_string_equal(r.err, "");
	ran_free(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_argument_is_known),
		cmocka_unit_test(every_value_is_known),
		cmocka_unit_test(alternatives_are_each_known),
		cmocka_unit_test(every_command_is_offered),
		cmocka_unit_test(without_an_agent_there_are_no_names),
		cmocka_unit_test(a_line_without_a_word_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) +
		       TABLE_RUN(lines, line_is_completed) !=
	       0;
}
