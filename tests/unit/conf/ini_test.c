#include <stdlib.h>

#include "fsm/conf/ini.h"
#include "tests/unit/conf/confs.h"

/* What [s].k (or @key) reads as in this file; the file is written back as it
 * is, whatever it is. */
static const struct row {
	const char *name, *text, *key, *value;
} rows[] = {
	{ "plain", "[s]\nk = v\n", NULL, "v" },
	{ "no blanks", "[s]\nk=v\n", NULL, "v" },
	{ "colon", "[s]\nk : v\n", NULL, "v" },
	{ "the first separator counts", "[s]\nk = a=b:c\n", NULL, "a=b:c" },
	{ "colon before equals", "[s]\nk: a=b\n", NULL, "a=b" },
	{ "blanks at both ends", "[s]\n\tk \t=\t v w \t\n", NULL, "v w" },
	{ "no newline at the end", "[s]\nk = v", NULL, "v" },
	{ "CRLF", "[s]\r\nk = v\r\n", NULL, "v" },
	{ "a byte order mark", "\xef\xbb\xbf[s]\nk = v\n", NULL, "v" },
	{ "empty value", "[s]\nk =\n", NULL, "" },
	{ "empty value, blanks", "[s]\nk = \t \n", NULL, "" },
	{ "absent", "[s]\nj = v\n", NULL, NULL },
	{ "another section's", "[t]\nk = v\n", NULL, NULL },
	{ "option names have case", "[s]\nK = v\n", NULL, NULL },
	{ "section names have case", "[S]\nk = v\n", NULL, NULL },
	{ "quotes stay", "[s]\nk = \"v\"\n", NULL, "\"v\"" },
	{ "percent stays", "[s]\nk = %(x)s %d\n", NULL, "%(x)s %d" },
	{ "no inline comments", "[s]\nk = echo a ; echo b # c\n", NULL,
	  "echo a ; echo b # c" },
	{ "comments", "# c\n; d\n[s]\n  # k = x\n;k = y\nk = v\n", NULL, "v" },
	{ "the last one wins", "[s]\nk = a\nk = b\n", NULL, "b" },
	{ "sections are merged", "[s]\nk = a\n[t]\n[s]\nk = b\n", NULL, "b" },
	{ "a merged section has both", "[s]\nk = a\n[t]\n[s]\nj = b\n", NULL,
	  "a" },
	{ "text after a header", "[s] # mine\nk = v\n", NULL, "v" },
	{ "continuation", "[s]\nk = a\n\tb\n  c\n", NULL, "a\nb\nc" },
	{ "continuation of nothing", "[s]\nk =\n\tb\n", NULL, "b" },
	{ "a blank line in a value", "[s]\nk = a\n\n\tb\n", NULL, "a\nb" },
	{ "a comment in a value", "[s]\nk = a\n# c\n\tb\n", NULL, "a\nb" },
	{ "an indented comment in a value", "[s]\nk = a\n\t# c\n\tb\n", NULL,
	  "a\nb" },
	{ "a continuation with a separator", "[s]\nk = a\n b = c\n", NULL,
	  "a\nb = c" },
	{ "a continuation that looks like a header", "[s]\nk = a\n [t]\n", NULL,
	  "a\n[t]" },
	{ "an indented section", "  [s]\n  k = v\n  j = w\n", NULL, "v" },
	{ "indented as deep is the next key", "[s]\n  j = w\n  k = v\n", NULL,
	  "v" },
	{ "continuation of an indented key", "[s]\n  k = v\n    w\n  j = x\n",
	  NULL, "v\nw" },
	{ "CRLF continuation", "[s]\r\nk = a\r\n\tb\r\n", NULL, "a\nb" },
	{ "a header with everything", "[subset#fs:a.b]\nk = v\n",
	  "subset#fs:a.b.k", "v" },
	{ "scoped", "[s]\nk@n1 = a\nk = b\n", "s.k@n1", "a" },
	{ "scopes are lower-cased", "[s]\nk@N1.Acme = a\n", "s.k@n1.acme",
	  "a" },
	{ "unscoped beside scoped", "[s]\nk@n1 = a\nk = b\n", "s.k", "b" },
	{ "a dotted option in env", "[env]\na.b = v\n", "env.a.b", "v" },
	{ "UTF-8", "[s]\nk = caf\xc3\xa9\n", NULL, "caf\xc3\xa9" },
	{ "an empty file", "", NULL, NULL },
	{ "blank lines", "\n\n \t\n", NULL, NULL },
	{ "a comment alone", "# nothing", NULL, NULL },
	{ "blank lines everywhere", "\n\n[s]\n\n\nk = v\n\n\n[t]\n\n", NULL,
	  "v" },
};

static void file_is_read_and_kept(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct row *row = *state;
	struct conf *c = parse(a, row->text);
	struct conf_key k;

	assert_int_equal(
		conf_key_parse(a, row->key ? row->key : "s.k", &k, NULL), 0);
	assert_value(conf_raw(c, &k), row->value);
	assert_string_equal(written(a, c), row->text);
}

static const struct bad_row {
	const char *name, *text;
	const char *says; /* all of it */
} bads[] = {
	{ "no separator", "[s]\nk = v\nnonsense\n",
	  "web.conf:3: expected 'keyword = value', [section] or a # comment, "
	  "found 'nonsense'\n" },
	{ "a separator alone", "[s]\n= v\n",
	  "web.conf:2: expected 'keyword = value', [section] or a # comment, "
	  "found '= v'\n" },
	{ "before any section", "k = v\n",
	  "web.conf:1: a keyword before any section: put [DEFAULT] above "
	  "it\n" },
	{ "a header that does not end", "[s\nk = v\n",
	  "web.conf:1: a section header is expected, as in [fs#1]\n"
	  "web.conf:2: a keyword before any section: put [DEFAULT] above "
	  "it\n" },
	{ "a header without a name", "[]\n",
	  "web.conf:1: a section header is expected, as in [fs#1]\n" },
	{ "an empty scope", "[s]\nmnt@ = v\n",
	  "web.conf:2: expected a scope after '@', as in mnt@nodes\n" },
	{ "latin-1", "[s]\nk = caf\xe9\n",
	  "web.conf:2: byte 0xe9 is not UTF-8: save the file as UTF-8\n" },
	{ "all at once", "x\n[s]\ny\nk = v\n[\n",
	  "web.conf:1: expected 'keyword = value', [section] or a # comment, "
	  "found 'x'\n"
	  "web.conf:3: expected 'keyword = value', [section] or a # comment, "
	  "found 'y'\n"
	  "web.conf:5: a section header is expected, as in [fs#1]\n" },
};

static void syntax_is_refused(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct bad_row *row = *state;

	assert_string_equal(all_problems(a, row->text, strlen(row->text)),
			    row->says);
}

static void a_zero_byte_is_refused(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();

	(void)state;
	assert_string_equal(all_problems(a, "[s]\nk = a\0b\n", 12),
			    "web.conf:2: a zero byte: is this a text file?\n");
}

/* @n bytes of a value in line 3. */
static const char *long_line(struct arena *a, size_t n, size_t *ret_len)
{
	struct buf b = BUF(a);
	char *line = arena_alloc(a, n + 1);

	memset(line, 'x', n);
	buf_puts(&b, "# a\n[s]\nk = ");
	buf_puts(&b, line);
	buf_puts(&b, "\nj = w\n");
	*ret_len = b.len;
	return b.data;
}

static void a_long_line_is_refused(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	size_t len;
	const char *text = long_line(a, CONF_MAX_LINE - 5, &len);
	struct problems p = { .arena = a };

	(void)state;
	assert_non_null(conf_parse(a, text, len, &p));
	text = long_line(a, CONF_MAX_LINE - 4, &len);
	assert_string_equal(
		all_problems(a, text, len),
		"web.conf:3: a line of 65537 bytes; 65536 are allowed\n");
	text = long_line(a, 10 * 1024 * 1024, &len);
	assert_string_equal(
		all_problems(a, text, len),
		"web.conf: a file of 10485779 bytes; 1048576 are allowed\n"
		"web.conf:3: a line of 10485765 bytes; 65536 are allowed\n");
}

/* @n times @line, with the number in place of %d. */
static const char *lines(struct arena *a, const char *head, const char *line,
			 int n)
{
	struct buf b = BUF(a);

	buf_puts(&b, head);
	for (int i = 0; i < n; i++)
		buf_printf(&b, "%s%d%s\n", line, i,
			   *line == '[' ? "]" : " = v");
	return buf_text(&b);
}

static void keywords_and_sections_are_counted(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct problems p = { .arena = a };
	const char *text;

	(void)state;
	text = lines(a, "[env]\n", "k", INI_MAX_KEYS);
	assert_non_null(conf_parse(a, text, strlen(text), &p));
	text = lines(a, "[env]\n", "k", INI_MAX_KEYS + 1);
	assert_null(conf_parse(a, text, strlen(text), &p));
	assert_string_equal(problems_text(&p),
			    "line 16386: more than 16384 keywords\n");
	p = (struct problems){ .arena = a };
	text = lines(a, "", "[fs#", INI_MAX_SECTIONS);
	assert_non_null(conf_parse(a, text, strlen(text), &p));
	text = lines(a, "", "[fs#", INI_MAX_SECTIONS + 1);
	assert_null(conf_parse(a, text, strlen(text), &p));
	assert_string_equal(problems_text(&p),
			    "line 1025: more than 1024 sections\n");
}

static void problems_are_cut_and_counted(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct problems p = { .arena = a, .name = "f" };

	(void)state;
	for (unsigned i = 1; i <= 1500; i++)
		problem_add(&p, i, true, "no good");
	assert_int_equal(p.n, 1001);
	assert_int_equal(p.fatal, 1500);
	assert_true(problems_full(&p));
	assert_string_equal(
		p.at[1000].text,
		"f: more than 1000 problems, the others are not listed");
}

static void a_problem_is_listed_once(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct problems p = { .arena = a };

	(void)state;
	problem_add(&p, 1, false, "a %d", 1);
	problem_add(&p, 1, true, "a %d", 1);
	problem_add(&p, 2, true, "a %d", 1);
	problem_add(&p, 1, true, "a %d", 1);
	problem_add(&p, 0, true, "whole");
	assert_string_equal(problems_text(&p), "line 1: warning: a 1\n"
					       "line 1: a 1\n"
					       "line 2: a 1\n"
					       "whole\n");
	assert_int_equal(p.fatal, 3);
}

/* Any text at all is either refused or written back as it was. */
static void whatever_is_parsed_is_written_back(void **state)
{
	static const char *const bits[] = { "[",  "]", "s",	"#",  ";",
					    "=",  ":", "@",	" ",  "\t",
					    "\n", "k", "[s]\n", "\r", "k = v\n",
					    "{",  "}", "\n\t",	"é" };
	unsigned seed = 7, parsed = 0;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		SCOPED(arena) struct arena *a = arena_new();
		struct problems p = { .arena = a };
		struct buf b = BUF(a);
		struct conf *c;

		buf_puts(&b, i % 2 ? "[s]\n" : "");
		for (int j = i % 17; j >= 0; j--)
			buf_puts(&b, bits[(unsigned)rand_r(&seed) %
					  (sizeof(bits) / sizeof(bits[0]))]);
		c = conf_parse(a, b.data, b.len, &p);
		assert_true(c ? p.fatal == 0 : p.fatal > 0);
		if (!c)
			continue;
		parsed++;
		assert_string_equal(written(a, c), buf_text(&b));
	}
	assert_true(parsed > 300);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zero_byte_is_refused),
		cmocka_unit_test(a_long_line_is_refused),
		cmocka_unit_test(keywords_and_sections_are_counted),
		cmocka_unit_test(problems_are_cut_and_counted),
		cmocka_unit_test(a_problem_is_listed_once),
		cmocka_unit_test(whatever_is_parsed_is_written_back),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(rows, file_is_read_and_kept);
	failed += TABLE_RUN(bads, syntax_is_refused);
	return failed != 0;
}
