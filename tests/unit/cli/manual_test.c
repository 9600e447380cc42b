/* docs/cli.md names every command, option and older action, and gives the exit
 * codes their meaning. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/older.h"
#include "tests/lib/table.h"

static char manual[65536];

static int read_manual(void **state)
{
	FILE *f = fopen(DOCS_DIR "/cli.md", "r");

	(void)state;
	assert_non_null(f);
	manual[fread(manual, 1, sizeof(manual) - 1, f)] = '\0';
	return fclose(f);
}

static void every_command_is_there(void **state)
{
	(void)state;
	for (const struct command *c = command_table; c->words; c++) {
		char quoted[64];

		snprintf(quoted, sizeof(quoted), "`%s", c->words);
		if (!strstr(manual, quoted))
			fail_msg("docs/cli.md does not name '%s'", c->words);
	}
}

static bool names(const char *word)
{
	size_t n = strlen(word);

	for (const char *p = strstr(manual, word); p; p = strstr(p + 1, word))
		if (!strchr("abcdefghijklmnopqrstuvwxyz-", p[n]))
			return true;
	return false;
}

/* By its name or its letter. */
static void every_option_is_there(void **state)
{
	(void)state;
	for (unsigned i = 0; i < OPT_N; i++) {
		const struct option_row *o = &option_table[i];
		char name[64], letter[] = { '-', o->letter, '\0' };

		snprintf(name, sizeof(name), "--%s", o->name);
		if (!names(name) && !(o->letter && names(letter)))
			fail_msg("docs/cli.md does not name '%s'", name);
	}
}

static void every_older_action_is_there(void **state)
{
	(void)state;
	for (const struct older *p = older_programs; p->name; p++)
		for (const struct older_action *o = p->actions; o->words; o++) {
			const char *last = strrchr(o->words, ' ');

			last = last ? last + 1 : o->words;
			if (o->command && *last && !names(last))
				fail_msg("docs/cli.md does not name %s's '%s'",
					 p->name, o->words);
		}
}

static void every_exit_code_has_its_meaning(void **state)
{
	(void)state;
	for (const struct exit_row *e = exit_table; e->word; e++) {
		char row[256];

		snprintf(row, sizeof(row), "| %d | %s |\n", e->code,
			 e->meaning);
		if (!strstr(manual, row))
			fail_msg("docs/cli.md has no line '%s'", row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_is_there),
		cmocka_unit_test(every_option_is_there),
		cmocka_unit_test(every_older_action_is_there),
		cmocka_unit_test(every_exit_code_has_its_meaning),
	};

	return cmocka_run_group_tests(tests, read_manual, NULL);
}
