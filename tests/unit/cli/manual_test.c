/* docs/cli.md names every command, and no exit code is missing from it. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
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

static void every_exit_code_is_there(void **state)
{
	static const int codes[] = { 0, 1, 2, 3, 4, 5, 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		char row[16];

		snprintf(row, sizeof(row), "| %d |", codes[i]);
		assert_non_null(strstr(manual, row));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_is_there),
		cmocka_unit_test(every_exit_code_is_there),
	};

	return cmocka_run_group_tests(tests, read_manual, NULL);
}
