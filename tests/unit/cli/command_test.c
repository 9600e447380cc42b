#include "cli/command.h"

#include <ctype.h>
#include <string.h>

#include "tests/unit/cli/cli_run.h"

/* -- the table ----------------------------------------------------------- */

static void every_row_is_complete(void **state)
{
	(void)state;
	for (const struct command *k = command_table; k->words; k++) {
		assert_non_null(k->args);
		assert_non_null(k->summary);
		assert_true(strlen(k->summary) > 10);
		assert_non_null(k->run);
		assert_true(k->min <= k->max);
		assert_true(k->options < OPT_BIT(OPT_N));
		assert_true(k->topic < TOPIC_N);
		assert_true(k->about && k->about[strlen(k->about) - 1] == '.');
		assert_int_equal(k->required & ~k->options, 0);
		/* Who needs arguments says which. */
		assert_true(k->min == 0 || *k->args);
		assert_true(k->max > 0 || !*k->args);
		for (unsigned i = 0; i < 2; i++) {
			assert_non_null(k->example[i]);
			says(k->example[i],
			     strcmp(k->words, "help") == 0 ? "help" : "encap ");
			says(k->example[i], k->words);
		}
		assert_string_not_equal(k->example[0], k->example[1]);
	}
}

static void no_words_are_used_twice(void **state)
{
	(void)state;
	for (const struct command *k = command_table; k->words; k++)
		for (const struct command *l = k + 1; l->words; l++)
			assert_string_not_equal(k->words, l->words);
}

static void every_option_is_complete_and_used(void **state)
{
	/* These are svcmgr's spelling of arguments, or belong to all. */
	uint64_t used =
		OPT_BIT(OPT_HELP) | OPT_BIT(OPT_SERVICE) | OPT_BIT(OPT_TO) |
		OPT_BIT(OPT_PARAM) | OPT_BIT(OPT_VALUE) | OPT_BIT(OPT_KW) |
		OPT_BIT(OPT_NODE) | OPT_BIT(OPT_RID) | OPT_BIT(OPT_LOCAL);

	(void)state;
	for (const struct command *k = command_table; k->words; k++)
		used |= k->options;
	assert_true(used == OPT_BIT(OPT_N) - 1);
	for (unsigned i = 0; i < OPT_N; i++) {
		const struct option_row *o = &option_table[i];

		assert_non_null(o->name);
		assert_non_null(o->help);
		for (unsigned j = i + 1; j < OPT_N; j++)
			assert_string_not_equal(o->name, option_table[j].name);
	}
}

/* A letter means one option of a command, if not the same of all. */
static void a_letter_means_one_thing(void **state)
{
	(void)state;
	for (const struct command *k = command_table; k->words; k++) {
		uint64_t all = k->options | OPT_BIT(OPT_HELP);

		for (unsigned i = 0; i < OPT_N; i++)
			for (unsigned j = i + 1; j < OPT_N; j++)
				if (all >> i & 1 && all >> j & 1 &&
				    option_table[i].letter)
					assert_int_not_equal(
						option_table[i].letter,
						option_table[j].letter);
	}
}

/* -- help ------------------------------------------------------------------ */

static void help_names_every_command(void **state)
{
	struct ran r = cli_run("encap help");

	(void)state;
	assert_int_equal(r.code, CLI_DONE);
	for (const struct command *k = command_table; k->words; k++) {
		says(r.out, k->words);
		says(r.out, k->summary);
	}
	for (unsigned t = 0; t < TOPIC_N; t++)
		says(r.out, topic_table[t]);
	assert_string_equal(r.err, "");
	ran_free(&r);
}

static void each_command_explains_itself_without_an_agent(void **state)
{
	(void)state;
	setenv("ENCAP_SOCKET", "/nowhere", 1);
	for (const struct command *k = command_table; k->words; k++) {
		char line[64];
		struct ran r, same;

		snprintf(line, sizeof(line), "encap %s --help", k->words);
		r = cli_run(line);
		assert_int_equal(r.code, CLI_DONE);
		says(r.out, k->summary);
		says(r.out, k->example[0]);
		says(r.out, k->example[1]);
		says(r.out, "usage: encap ");
		for (unsigned i = 0; i < OPT_N; i++)
			if (k->options >> i & 1)
				says(r.out, option_table[i].help);
		snprintf(line, sizeof(line), "encap help %s", k->words);
		same = cli_run(line);
		assert_string_equal(r.out, same.out);
		ran_free(&r);
		ran_free(&same);
	}
	unsetenv("ENCAP_SOCKET");
}

static void a_family_lists_its_commands(void **state)
{
	static const char *const lines[] = { "encap node --help",
					     "encap help node",
					     "encap --help node" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct ran r = cli_run(lines[i]);

		assert_int_equal(r.code, CLI_DONE);
		says(r.out, "node freeze NODE");
		assert_null(strstr(r.out, "cluster join"));
		assert_string_equal(r.err, "");
		ran_free(&r);
	}
}

/* -- lines that cannot be understood ------------------------------- */

static const struct usage_row {
	const char *name, *line, *said;
} usages[] = {
	{ "nothing", "encap", "usage: encap COMMAND" },
	{ "unknown command", "encap frobnicate", "is no command" },
	{ "misspelt command", "encap stauts web", "did you mean 'status'?" },
	{ "misspelt second word", "encap node lst", "did you mean 'node ls'?" },
	{ "half a command", "encap cluster", "cluster join" },
	{ "argument missing", "encap start", "NAME is missing" },
	{ "one argument too many", "encap start web db",
	  "'db' is one argument too many" },
	{ "usage is shown", "encap move web", "usage: encap move NAME NODE" },
	{ "unknown option", "encap start web --frob", "unknown option" },
	{ "misspelt option", "encap start web --slavs",
	  "did you mean '--slave'?" },
	{ "option of another command", "encap freeze web --wait",
	  "unknown option '--wait'" },
	{ "unknown letter", "encap status -z", "unknown option '-z'" },
	{ "option without its value", "encap start web --timeout",
	  "'--timeout' needs a value: TIME" },
	{ "value for a flag", "encap start web --wait=yes",
	  "'--wait' takes no value" },
	{ "required option missing", "encap apply web.conf",
	  "--file FILE is missing" },
	{ "create from nothing", "encap create web",
	  "from what? --config FILE, or --draft" },
	{ "create from both", "encap create web --draft --config x",
	  "from what? --config FILE, or --draft" },
	{ "diff of nothing", "encap diff", "which service? or -f FILE" },
	{ "diff of many", "encap diff web a b c", "two revisions at most" },
	{ "resolve, but how", "encap resolve web d1",
	  "one of --ours, --theirs and --edit" },
	{ "resolve in two ways", "encap resolve web d1 --ours --edit",
	  "one of --ours, --theirs and --edit" },
	{ "validate nothing", "encap validate", "which one? NAME, or" },
	{ "unknown format", "encap status -o xml",
	  "unknown output format 'xml'" },
};

static void usage_is_refused(void **state)
{
	const struct usage_row *u = *state;
	struct ran r;

	/* Nothing may be asked of an agent: there is none. */
	setenv("ENCAP_SOCKET", "/nowhere", 1);
	r = cli_run(u->line);
	unsetenv("ENCAP_SOCKET");
	assert_int_equal(r.code, CLI_USAGE);
	says(r.err, u->said);
	assert_string_equal(r.out, "");
	ran_free(&r);
}

/* -- small parts --------------------------------------------------- */

static void durations_are_read(void **state)
{
	(void)state;
	assert_int_equal(cli_duration_ms("10"), 10000);
	assert_int_equal(cli_duration_ms("250ms"), 250);
	assert_int_equal(cli_duration_ms("90s"), 90000);
	assert_int_equal(cli_duration_ms("5m"), 300000);
	assert_int_equal(cli_duration_ms("2h"), 7200000);
	assert_int_equal(cli_duration_ms("1d"), 86400000);
	assert_int_equal(cli_duration_ms(""), -1);
	assert_int_equal(cli_duration_ms("m"), -1);
	assert_int_equal(cli_duration_ms("5 m"), -1);
	assert_int_equal(cli_duration_ms("5x"), -1);
	assert_int_equal(cli_duration_ms("-5"), -1);
	assert_int_equal(cli_duration_ms("99999999999999999999"), -1);
}

static void the_nearest_is_found_if_it_is_near(void **state)
{
	static const char *const names[] = { "start", "stop", "status" };

	(void)state;
	assert_string_equal(cli_nearest("statu", names, 3), "status");
	assert_string_equal(cli_nearest("strat", names, 3), "start");
	assert_string_equal(cli_nearest("stop", names, 3), "stop");
	assert_null(cli_nearest("xyzzy", names, 3));
	assert_null(cli_nearest("", names, 0));
}

static void an_agent_that_is_not_there_is_said_once(void **state)
{
	struct ran r;

	(void)state;
	setenv("ENCAP_SOCKET", "/nowhere", 1);
	r = cli_run("encap status web");
	unsetenv("ENCAP_SOCKET");
	assert_int_equal(r.code, CLI_FAILED);
	assert_string_equal(
		r.err, "encap status: the agent does not answer: /nowhere: No "
		       "such file or directory; is encapd running? systemctl "
		       "status encapd, or its log, say why not\n");
	ran_free(&r);
}

static void the_version_is_said_without_an_agent(void **state)
{
	struct ran r;

	(void)state;
	setenv("ENCAP_SOCKET", "/nowhere", 1);
	r = cli_run("encap --version");
	unsetenv("ENCAP_SOCKET");
	assert_int_equal(r.code, CLI_DONE);
	says(r.out, "encap " ENCAP_VERSION "\n");
	says(r.out, "agent: the agent does not answer");
	ran_free(&r);
}

static void output_that_cannot_be_written_is_a_failure(void **state)
{
	static const char *const argv[] = { "encap", "help" };
	FILE *full = fopen("/dev/full", "w");
	char *text = NULL;
	size_t n;
	FILE *err = open_memstream(&text, &n);

	(void)state;
	assert_non_null(full);
	assert_int_equal(cli_main(2, argv, full, err), CLI_FAILED);
	fclose(err);
	says(text, "could not be written");
	free(text);
	fclose(full);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_complete),
		cmocka_unit_test(no_words_are_used_twice),
		cmocka_unit_test(every_option_is_complete_and_used),
		cmocka_unit_test(a_letter_means_one_thing),
		cmocka_unit_test(help_names_every_command),
		cmocka_unit_test(each_command_explains_itself_without_an_agent),
		cmocka_unit_test(a_family_lists_its_commands),
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(the_nearest_is_found_if_it_is_near),
		cmocka_unit_test(an_agent_that_is_not_there_is_said_once),
		cmocka_unit_test(the_version_is_said_without_an_agent),
		cmocka_unit_test(output_that_cannot_be_written_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) +
		       TABLE_RUN(usages, usage_is_refused) !=
	       0;
}
