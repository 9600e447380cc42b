#include <errno.h>

#include "fsm/conf/text.h"
#include "tests/unit/conf/confs.h"

static const struct utf8_row {
	const char *name, *text;
	size_t len, bad; /* bad == len: all is well */
} utf8s[] = {
	{ "ascii", "abc", 3, 3 },
	{ "two bytes", "\xc3\xa9", 2, 2 },
	{ "three bytes", "a\xe2\x82\xac", 4, 4 },
	{ "four bytes", "\xf0\x9f\x98\x80", 4, 4 },
	{ "the last character", "\xf4\x8f\xbf\xbf", 4, 4 },
	{ "beyond the last", "\xf4\x90\x80\x80", 4, 0 },
	{ "latin-1", "caf\xe9", 4, 3 },
	{ "cut short", "a\xe2\x82", 3, 1 },
	{ "a continuation alone", "a\x80", 2, 1 },
	{ "overlong, two bytes", "\xc0\xaf", 2, 0 },
	{ "overlong, three bytes", "\xe0\x80\xaf", 3, 0 },
	{ "overlong, four bytes", "\xf0\x80\x80\xaf", 4, 0 },
	{ "a surrogate", "\xed\xa0\x80", 3, 0 },
	{ "before the surrogates", "\xed\x9f\xbf", 3, 3 },
	{ "no first byte", "\xff", 1, 0 },
	{ "a zero byte", "a\0b", 3, 1 },
};

static void utf8_is_checked(void **state)
{
	const struct utf8_row *row = *state;

	assert_int_equal(text_bad_utf8(row->text, row->len), row->bad);
}

static const struct order_row {
	const char *name, *a, *b;
} orders[] = {
	{ "numbers", "fs#2", "fs#10" },
	{ "words", "fs#a", "fs#b" },
	{ "the shorter first", "fs#1", "fs#1a" },
	{ "a number in the middle", "a2b9", "a10b1" },
	{ "zeros in front", "a01", "a1" },
	{ "zeros in front of a greater one", "a01", "a2" },
	{ "nothing", "", "a" },
	{ "long numbers", "99999999999999999999998",
	  "99999999999999999999999" },
	{ "a digit before a letter", "fs#1", "fs#a" },
};

static void order_is_natural(void **state)
{
	const struct order_row *row = *state;

	assert_true(natural_cmp(row->a, row->b) < 0);
	assert_true(natural_cmp(row->b, row->a) > 0);
	assert_int_equal(natural_cmp(row->a, row->a), 0);
}

static const struct name_row {
	const char *name, *text;
	bool good;
} names[] = {
	{ "word", "web", true },
	{ "digits", "10web", true },
	{ "dots", "deb1.opensvc.com", true },
	{ "upper case", "WEB", true },
	{ "dash inside", "my-web", true },
	{ "63 letters",
	  "a23456789012345678901234567890123456789012345678901234"
	  "567890123",
	  true },
	{ "64 letters",
	  "a23456789012345678901234567890123456789012345678901234"
	  "5678901234",
	  false },
	{ "nothing", "", false },
	{ "a dot", ".", false },
	{ "two dots", "a..b", false },
	{ "dot first", ".a", false },
	{ "dot last", "a.", false },
	{ "dash first", "-a", false },
	{ "dash last", "a-", false },
	{ "dash before a dot", "a-.b", false },
	{ "slash", "a/b", false },
	{ "up", "..", false },
	{ "blank", "a b", false },
	{ "underscore", "a_b", false },
	{ "newline", "a\n", false },
	{ "not ascii", "caf\xc3\xa9", false },
};

static void name_is_checked(void **state)
{
	const struct name_row *row = *state;
	struct err err = { 0 };

	assert_int_equal(name_check(row->text, &err), row->good ? 0 : -EINVAL);
	if (!row->good)
		assert_says(err.text, "letters, digits and '-'");
}

static void a_name_is_not_too_long(void **state)
{
	char name[202] = "";
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < 200; i++)
		name[i] = i % 50 == 49 && i < 199 ? '.' : 'a';
	assert_int_equal(name_check(name, &err), 0);
	name[200] = 'a';
	assert_int_equal(name_check(name, &err), -EINVAL);
	assert_says(err.text, "201 letters; 200 are allowed");
}

static const struct distance_row {
	const char *name, *a, *b;
	unsigned distance;
} distances[] = {
	{ "the same", "nodes", "nodes", 0 },
	{ "case does not count", "default", "DEFAULT", 0 },
	{ "one more", "node", "nodes", 1 },
	{ "one other", "nodes", "modes", 1 },
	{ "two swapped", "nodse", "nodes", 1 },
	{ "far away", "abc", "xyz", 3 },
	{ "at the limit", "abcdefgh", "stuvwxyz", 5 },
	{ "nothing", "", "abc", 3 },
};

static void distance_is_of_letters(void **state)
{
	const struct distance_row *row = *state;

	assert_int_equal(text_distance(row->a, row->b, 5), row->distance);
	assert_int_equal(text_distance(row->b, row->a, 5), row->distance);
}

static void long_words_are_not_compared(void **state)
{
	char word[TEXT_MAX_SPELLING + 2] = "";
	struct nearest near;

	(void)state;
	memset(word, 'a', TEXT_MAX_SPELLING + 1);
	assert_int_equal(text_distance(word, word, 3), 3);
	near = nearest_to(word);
	nearest_try(&near, word);
	assert_null(near.best);
}

static void the_nearest_is_kept(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct nearest near = nearest_to("ndoes");

	(void)state;
	assert_string_equal(nearest_hint(a, &near), "");
	nearest_try(&near, "topology");
	assert_string_equal(nearest_hint(a, &near), "");
	nearest_try(&near, "nodes");
	nearest_try(&near, "modes");
	assert_string_equal(nearest_hint(a, &near), "; did you mean nodes?");
}

static void shown_is_short_and_printable(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	char text[80] = "", cut[70];

	(void)state;
	assert_string_equal(text_shown(a, "a\tb\x7f\x1b[1m"), "a?b??[1m");
	memset(text, 'x', 79);
	snprintf(cut, sizeof(cut), "%.60s...", text);
	assert_string_equal(text_shown(a, text), cut);
	/* Not in the middle of a character. */
	memcpy(text + 59, "\xc3\xa9", 2);
	snprintf(cut, sizeof(cut), "%.59s...", text);
	assert_string_equal(text_shown(a, text), cut);
}

static void words_are_blank_separated(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct names l = words_split(a, " a\tbb \n ccc ");
	struct names none = words_split(a, " \t");

	(void)state;
	assert_int_equal(l.n, 3);
	assert_string_equal(words_join(a, &l), "a bb ccc");
	assert_true(names_have(&l, "bb"));
	assert_false(names_have(&l, "b"));
	assert_true(words_have("a bb ccc", "ccc"));
	assert_false(words_have("a bb ccc", "cc"));
	assert_false(words_have("", ""));
	assert_int_equal(none.n, 0);
	assert_string_equal(words_join(a, &none), "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_not_too_long),
		cmocka_unit_test(long_words_are_not_compared),
		cmocka_unit_test(the_nearest_is_kept),
		cmocka_unit_test(shown_is_short_and_printable),
		cmocka_unit_test(words_are_blank_separated),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(utf8s, utf8_is_checked);
	failed += TABLE_RUN(orders, order_is_natural);
	failed += TABLE_RUN(names, name_is_checked);
	failed += TABLE_RUN(distances, distance_is_of_letters);
	return failed != 0;
}
