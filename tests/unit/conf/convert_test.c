#include <errno.h>

#include "fsm/conf/convert.h"
#include "fsm/conf/text.h"
#include "tests/unit/conf/confs.h"

/* text NULL: refused, and the sentence holds @says. */
static const struct row {
	const char *name;
	enum conv conv;
	const char *in, *text;
	int64_t num;
	const char *says;
} rows[] = {
	{ "string", CONV_STRING, " 'a' \"b\" ", " 'a' \"b\" ", 0, NULL },
	{ "list", CONV_LIST, "a  B\n\tc", "a B c", 0, NULL },
	{ "list, empty", CONV_LIST, "", "", 0, NULL },
	{ "list, lower-cased", CONV_LIST_LOWER, "A b", "a b", 0, NULL },

	{ "nodes", CONV_NODES, "N1  n2.Acme.com", "n1 n2.acme.com", 0, NULL },
	{ "nodes, each once", CONV_NODES, "n1 n2 N1", "n1 n2", 0, NULL },
	{ "nodes, commas", CONV_NODES, "n1,n2", NULL, 0,
	  "separated by blanks" },
	{ "nodes, no name", CONV_NODES, "n1 n_2", NULL, 0, "'n_2'" },

	{ "integer", CONV_INTEGER, "12", "12", 12, NULL },
	{ "integer, negative", CONV_INTEGER, "-3", "-3", -3, NULL },
	{ "integer, plus", CONV_INTEGER, "+3", "3", 3, NULL },
	{ "integer, truncated", CONV_INTEGER, "1.9", "1", 1, NULL },
	{ "integer, truncated to zero", CONV_INTEGER, "-1.9", "-1", -1, NULL },
	{ "integer, zeros", CONV_INTEGER, "007", "7", 7, NULL },
	{ "integer, greatest", CONV_INTEGER, "9223372036854775807",
	  "9223372036854775807", INT64_MAX, NULL },
	{ "integer, too great", CONV_INTEGER, "9223372036854775808", NULL, 0,
	  "a number" },
	{ "integer, empty", CONV_INTEGER, "", NULL, 0, "a number" },
	{ "integer, word", CONV_INTEGER, "two", NULL, 0, "'two'" },
	{ "integer, two", CONV_INTEGER, "1 2", NULL, 0, "'1 2'" },

	{ "boolean, true", CONV_BOOLEAN, "true", "true", 1, NULL },
	{ "boolean, TRUE", CONV_BOOLEAN, "TRUE", "true", 1, NULL },
	{ "boolean, yes", CONV_BOOLEAN, "yes", "true", 1, NULL },
	{ "boolean, y", CONV_BOOLEAN, "y", "true", 1, NULL },
	{ "boolean, t", CONV_BOOLEAN, "t", "true", 1, NULL },
	{ "boolean, 1", CONV_BOOLEAN, "1", "true", 1, NULL },
	{ "boolean, false", CONV_BOOLEAN, "False", "false", 0, NULL },
	{ "boolean, no", CONV_BOOLEAN, "no", "false", 0, NULL },
	{ "boolean, n", CONV_BOOLEAN, "n", "false", 0, NULL },
	{ "boolean, f", CONV_BOOLEAN, "f", "false", 0, NULL },
	{ "boolean, 0", CONV_BOOLEAN, "0", "false", 0, NULL },
	{ "boolean, 0.0", CONV_BOOLEAN, "0.0", "false", 0, NULL },
	{ "boolean, none", CONV_BOOLEAN, "none", "false", 0, NULL },
	{ "boolean, empty", CONV_BOOLEAN, "", "false", 0, NULL },
	{ "boolean, empty list", CONV_BOOLEAN, "[]", "false", 0, NULL },
	{ "boolean, 2", CONV_BOOLEAN, "2", NULL, 0, "true or false" },
	{ "boolean, two words", CONV_BOOLEAN, "yes no", NULL, 0,
	  "true or false" },
	{ "tristate", CONV_TRISTATE, "yes", "true", 1, NULL },

	{ "duration, seconds", CONV_DURATION, "90", "90s", 90000, NULL },
	{ "duration, unit", CONV_DURATION, "2m", "120s", 120000, NULL },
	{ "duration, upper case", CONV_DURATION, "2M", "120s", 120000, NULL },
	{ "duration, terms", CONV_DURATION, "1w1d1h1m1s", "694861s", 694861000,
	  NULL },
	{ "duration, blanks", CONV_DURATION, "1h 30 m", "5400s", 5400000,
	  NULL },
	{ "duration, ms", CONV_DURATION, "1500ms", "1500ms", 1500, NULL },
	{ "duration, us", CONV_DURATION, "1500us", "1ms", 1, NULL },
	{ "duration, ns", CONV_DURATION, "2000000ns", "2ms", 2, NULL },
	{ "duration, year", CONV_DURATION, "1y", "31536000s", 31536000000,
	  NULL },
	{ "duration, decimals", CONV_DURATION, "1.5s", "1500ms", 1500, NULL },
	{ "duration, negative", CONV_DURATION, "-10s", "-10s", -10000, NULL },
	{ "duration, empty", CONV_DURATION, "", "0s", 0, NULL },
	{ "duration, no unit that exists", CONV_DURATION, "3x", NULL, 0,
	  "30s, 1h30m" },
	{ "duration, unit alone", CONV_DURATION, "s", NULL, 0, "duration" },
	{ "duration, long unit", CONV_DURATION, "3seconds", NULL, 0,
	  "duration" },
	{ "duration, minus in the middle", CONV_DURATION, "1h-2m", NULL, 0,
	  "duration" },
	{ "duration, too long", CONV_DURATION, "9223372036854775807", NULL, 0,
	  "duration" },
	{ "duration, sum too long", CONV_DURATION, "9223372036854775807ms 1ms",
	  NULL, 0, "duration" },

	{ "size", CONV_SIZE, "512", "512", 512, NULL },
	{ "size, b", CONV_SIZE, "512b", "512", 512, NULL },
	{ "size, k", CONV_SIZE, "10k", "10240", 10240, NULL },
	{ "size, K", CONV_SIZE, "10K", "10240", 10240, NULL },
	{ "size, ki", CONV_SIZE, "1ki", "1024", 1024, NULL },
	{ "size, kib", CONV_SIZE, "1KiB", "1024", 1024, NULL },
	{ "size, kb", CONV_SIZE, "1kb", "1000", 1000, NULL },
	{ "size, m", CONV_SIZE, "10m", "10485760", 10485760, NULL },
	{ "size, g", CONV_SIZE, "1g", "1073741824", 1073741824, NULL },
	{ "size, GB", CONV_SIZE, "2GB", "2000000000", 2000000000, NULL },
	{ "size, t", CONV_SIZE, "1t", "1099511627776", 1099511627776, NULL },
	{ "size, p", CONV_SIZE, "1p", "1125899906842624", 1125899906842624,
	  NULL },
	{ "size, e", CONV_SIZE, "7e", "8070450532247928832",
	  8070450532247928832, NULL },
	{ "size, too great", CONV_SIZE, "8e", NULL, 0, "size" },
	{ "size, decimals", CONV_SIZE, "1.5k", "1536", 1536, NULL },
	{ "size, comma", CONV_SIZE, "1,5k", "1536", 1536, NULL },
	{ "size, blank", CONV_SIZE, "10 m", "10485760", 10485760, NULL },
	{ "size, percent", CONV_SIZE, "50%FREE", "50%FREE", 50, NULL },
	{ "size, empty", CONV_SIZE, "", "0", 0, NULL },
	{ "size, no unit that exists", CONV_SIZE, "1x", NULL, 0, "1.5GiB" },
	{ "size, unit with a tail", CONV_SIZE, "1kibb", NULL, 0, "size" },
	{ "size, negative", CONV_SIZE, "-1", NULL, 0, "size" },
	{ "size, two", CONV_SIZE, "1k 2k", NULL, 0, "size" },

	{ "speed", CONV_SPEED, "10m/s", "10485760", 10485760, NULL },
	{ "speed, no /s", CONV_SPEED, "1kB", "1000", 1000, NULL },
	{ "speed, blank", CONV_SPEED, "1 kb /s", "1000", 1000, NULL },
	{ "speed, per minute", CONV_SPEED, "1k/m", NULL, 0, "size" },
	{ "size, per second", CONV_SIZE, "1k/s", NULL, 0, "size" },

	{ "minutes", CONV_MINUTES, "10", "600s", 600000, NULL },
	{ "minutes, unit", CONV_MINUTES, "90s 1", "150s", 150000, NULL },

	{ "list, commas", CONV_LIST_COMMA, " a b,, c ,a", "a b,c,a", 0, NULL },
	{ "list, commas, empty", CONV_LIST_COMMA, "", "", 0, NULL },
	{ "set", CONV_SET, "b a  b", "b a", 0, NULL },
	{ "set, commas", CONV_SET_COMMA, "b,a,b", "b,a", 0, NULL },
	{ "nodes, a pattern", CONV_NODES, "n1 n*", NULL, 0, "one by one" },
	{ "nodes, a label", CONV_NODES, "az=fr1", NULL, 0, "pattern" },

	{ "flags", CONV_FLAGS, "-it --rm -v /a:/b", "-i -t --rm -v /a:/b", 0,
	  NULL },
	{ "flags, quoted", CONV_FLAGS, "-e 'A=b c' \"it's\" ''",
	  "-e 'A=b c' 'it'\\''s' ''", 0, NULL },
	{ "flags, none", CONV_FLAGS, "- -5 -a=b", "- -5 -a=b", 0, NULL },
	{ "flags, open quote", CONV_FLAGS, "-i '", NULL, 0, "not closed" },

	{ "shlex", CONV_SHLEX, "a 'b c'", "a 'b c'", 0, NULL },
	{ "shlex, open quote", CONV_SHLEX, "a 'b", NULL, 0, "not closed" },
};

static void value_is_converted(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct row *row = *state;
	struct err err = { 0 };
	struct value v, again;
	int rc = convert(a, row->conv, row->in, &v, &err);

	if (!row->text) {
		assert_int_equal(rc, -EINVAL);
		assert_says(err.text, row->says);
		return;
	}
	assert_int_equal(rc, 0);
	assert_string_equal(v.text, row->text);
	if (!v.is_percent)
		assert_int_equal(v.num, row->num);
	/* What a reference inserts must mean the same where it lands. */
	assert_int_equal(convert(a, row->conv, v.text, &again, &err), 0);
	assert_string_equal(again.text, v.text);
	assert_int_equal(again.num, v.num);
}

/* KB and KiB are the other way round in files of OpenSVC 2. */
static void older_sizes_are_noted(void **state)
{
	static const char *const quiet[] = { "10",  "10k", "3G",
					     "0KB", "5b",  "50%FREE" };
	SCOPED(arena) struct arena *a = arena_new();
	struct value v;

	(void)state;
	for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
		assert_int_equal(convert(a, CONV_SIZE, quiet[i], &v, NULL), 0);
		assert_null(v.note);
	}
	assert_int_equal(convert(a, CONV_SIZE, "10MB", &v, NULL), 0);
	assert_says(v.note, "is 10000000 bytes; OpenSVC 2 read it as 10485760");
	assert_int_equal(convert(a, CONV_SIZE, "1 KiB", &v, NULL), 0);
	assert_says(v.note, "is 1024 bytes; OpenSVC 2 read it as 1000");
}

static const struct shlex_row {
	const char *name, *in;
	const char *words[6];
} shlexes[] = {
	{ "blanks", " a  b\tc\n", { "a", "b", "c" } },
	{ "nothing", "  ", { NULL } },
	{ "single quotes", "'a b' c", { "a b", "c" } },
	{ "double quotes", "\"a b\" c", { "a b", "c" } },
	{ "in a word", "a'b c'd", { "ab cd" } },
	{ "an empty word", "a '' b", { "a", "", "b" } },
	{ "backslash", "a\\ b c\\\\d", { "a b", "c\\d" } },
	{ "backslash in single quotes", "'a\\'", { "a\\" } },
	{ "backslash in double quotes",
	  "\"a\\\"b\\\\c\\n\"",
	  { "a\"b\\c\\n" } },
	{ "a quote in the other",
	  "\"it's\" 'say \"x\"'",
	  { "it's", "say \"x\"" } },
	{ "joined", "VAR='x y'", { "VAR=x y" } },
	{ "more than four", "a b c d e", { "a", "b", "c", "d", "e" } },
};

static void shlex_splits_as_a_shell(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct shlex_row *row = *state;
	struct names words;
	size_t n = 0;

	assert_int_equal(shlex_split(a, row->in, &words, NULL), 0);
	while (row->words[n])
		n++;
	assert_int_equal(words.n, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(words.at[i], row->words[i]);
}

static void shlex_refuses_what_is_open(void **state)
{
	static const char *const open[] = { "'",      "a 'b", "\"",
					    "a \"b'", "a\\",  "\"a\\" };
	SCOPED(arena) struct arena *a = arena_new();
	struct names words;

	(void)state;
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		assert_int_equal(shlex_split(a, open[i], &words, NULL),
				 -EINVAL);
}

static void only_so_many_nodes(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);
	struct err err = { 0 };
	struct value v;

	(void)state;
	for (int i = 0; i < CONV_MAX_NODES; i++)
		buf_printf(&b, "n%d ", i);
	assert_int_equal(convert(a, CONV_NODES, buf_text(&b), &v, &err), 0);
	assert_int_equal(v.words.n, CONV_MAX_NODES);
	buf_puts(&b, "one-more");
	assert_int_equal(convert(a, CONV_NODES, buf_text(&b), &v, &err),
			 -EINVAL);
	assert_says(err.text, "more than 256 nodes");
}

static void every_converter_has_a_name(void **state)
{
	(void)state;
	for (enum conv c = CONV_STRING; c <= CONV_FLAGS; c++)
		assert_true(strlen(conv_name(c)) > 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(shlex_refuses_what_is_open),
		cmocka_unit_test(older_sizes_are_noted),
		cmocka_unit_test(only_so_many_nodes),
		cmocka_unit_test(every_converter_has_a_name),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(rows, value_is_converted);
	failed += TABLE_RUN(shlexes, shlex_splits_as_a_shell);
	return failed != 0;
}
