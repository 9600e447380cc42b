/* The manual: from markdown and from the tables to what man(1) reads. */
#include "cli/manual/pages.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "cli/manual/markdown.h"
#include "cli/manual/roff.h"
#include "cli/older.h"
#include "tests/unit/cli/cli_run.h"

// clang-format off
static const struct markdown_row {
	const char *name, *in, *out;
} markdowns[] = {
	{ "the first heading is the page's own", "# A page\n", "" },
	{ "text before any heading", "Some\ntext.\n", ".SH \"DESCRIPTION\"\n.PP\nSome\ntext.\n" },
	{ "headings", "## What it `is`\n### Inside\n", ".SH \"WHAT IT IS\"\n.SS \"Inside\"\n" },
	{ "code in a line", "## A\nthe `--node NAME` of it\n", ".SH \"A\"\n.PP\nthe \\fB\\-\\-node NAME\\fR of it\n" },
	{ "emphasis", "## A\n**one** and *two*, 2 * 3 * 4\n", ".SH \"A\"\n.PP\n\\fBone\\fR and \\fItwo\\fR, 2 * 3 * 4\n" },
	{ "a link keeps its text", "## A\nsee [the page](x.md#y), [not] this\n", ".SH \"A\"\n.PP\nsee the page, [not] this\n" },
	{ "a mark that is never closed", "## A\none ` two\n", ".SH \"A\"\n.PP\none \\(ga two\n" },
	{ "a line that looks like a request", "## A\n.TH is text\n'so is this\n", ".SH \"A\"\n.PP\n\\&.TH is text\n\\(aqso is this\n" },
	{ "a backslash", "## A\na\\b\n", ".SH \"A\"\n.PP\na\\eb\n" },
	{ "code by indentation, with a blank line", "## A\n    one\n\n    .two\n\nafter\n",
	  ".SH \"A\"\n.PP\n.RS 4\n.nf\none\n\n\\&.two\n.fi\n.RE\n.PP\nafter\n" },
	{ "code between fences", "## A\n```sh\n# one\n| two\n```\nafter\n",
	  ".SH \"A\"\n.PP\n.RS 4\n.nf\n# one\n| two\n.fi\n.RE\n.PP\nafter\n" },
	{ "a list", "## A\n- one\n  goes on\n- two\n", ".SH \"A\"\n.IP \\(bu 2\none\ngoes on\n.IP \\(bu 2\ntwo\n" },
	{ "a table of two", "## A\n| x | y |\n|---|---|\n| `a` | b. |\n", ".SH \"A\"\n.TP\n\\fBa\\fR\nb.\n" },
	{ "a table of more", "## A\n| x | y | z | |\n|---|---|---|---|\n| a | `b` | | d |\n| e | | | f |\n",
	  ".SH \"A\"\n.TP\na\nd (y: \\fBb\\fR)\n.TP\ne\nf\n" },
	{ "a bar in a cell", "## A\n| x | y |\n|---|---|\n| `a\\|b` | c |\n", ".SH \"A\"\n.TP\n\\fBa|b\\fR\nc\n" },
	{ "an empty last cell", "## A\n| x | y | z |\n|---|---|---|\n| a | b | |\n", ".SH \"A\"\n.TP\na\n(y: b)\n" },
};
// clang-format on

static void markdown_becomes_roff(void **state)
{
	const struct markdown_row *row = *state;
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	markdown_page(f, row->in);
	fclose(f);
	assert_string_equal(text, row->out);
	free(text);
}

static void options_in_prose_are_bold(void **state)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	assert_non_null(f);
	roff_prose(f, "With --eval, or - alone; well-known.");
	fclose(f);
	assert_string_equal(text, "With \\fB\\-\\-eval\\fR, or \\- alone; "
				  "well\\-known.\n");
	free(text);
}

/* -- the pages ------------------------------------------------------------- */

static char *page_text(const struct command *k)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	pages_command(f, k);
	fclose(f);
	return text;
}

static void each_command_has_its_page(void **state)
{
	(void)state;
	for (const struct command *k = command_table; k->words; k++) {
		char *text = page_text(k);

		says(text, ".SH \"EXAMPLES\"");
		says(text, ".SH \"EXIT STATUS\"");
		for (unsigned i = 0; i < OPT_N; i++) {
			char name[64];
			size_t len = 0;

			if (!(k->options >> i & 1))
				continue;
			/* Once in the synopsis, once below OPTIONS. */
			for (const char *o = option_table[i].name; *o; o++)
				len += (size_t)snprintf(
					name + len, sizeof(name) - len,
					*o == '-' ? "\\-" : "%c", *o);
			says(text, name);
			says(strstr(text, ".SH \"OPTIONS\""), name);
		}
		free(text);
	}
}

static void every_page_is_written(void **state)
{
	char dir[] = "/tmp/encap-man-XXXXXX", path[512];
	struct err err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	if (pages_write(dir, DOCS_DIR, &err) < 0)
		fail_msg("%s", err.text);
	for (const struct command *k = command_table; k->words; k++) {
		size_t n =
			(size_t)snprintf(path, sizeof(path),
					 "%s/man1/encap-%s.1", dir, k->words);

		for (size_t i = 0; i < n; i++)
			if (path[i] == ' ')
				path[i] = '-';
		assert_int_equal(access(path, R_OK), 0);
	}
	for (const struct older *p = older_programs; p->name; p++) {
		snprintf(path, sizeof(path), "%s/man1/%s.1", dir, p->name);
		assert_int_equal(access(path, R_OK), 0);
	}
	snprintf(path, sizeof(path), "rm -rf %s", dir);
	assert_int_equal(system(path), 0);
}

static void what_cannot_be_written_is_said(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_true(pages_write("/nowhere/at/all", DOCS_DIR, &err) < 0);
	says(err.text, "/nowhere/at/all");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_in_prose_are_bold),
		cmocka_unit_test(each_command_has_its_page),
		cmocka_unit_test(every_page_is_written),
		cmocka_unit_test(what_cannot_be_written_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) +
		       TABLE_RUN(markdowns, markdown_becomes_roff) !=
	       0;
}
