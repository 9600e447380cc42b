#include "cli/show/json.h"

#include <errno.h>
#include <string.h>

#include "tests/lib/table.h"

/* What is read, and how doc_json() writes it again; or the complaint. */
static const struct json_row {
	const char *name, *text, *want, *complaint;
} rows[] = {
	{ "an empty map", " { } ", "{}", NULL },
	{ "an empty list", "[]", "[]", NULL },
	{ "nested", "{\"a\":[1,{\"b\":null}],\"c\":true,\"d\":false}",
	  "{\"a\": [1, {\"b\": null}], \"c\": true, \"d\": false}", NULL },
	{ "numbers", "[0,-1,12345678901,1.5,-2e3]",
	  "[0, -1, 12345678901, 1.5, -2000]", NULL },
	{ "escapes", "\"a\\n\\t\\\"\\\\\\/\\u00e4\"",
	  "\"a\\n\\t\\\"\\\\/\xc3\xa4\"", NULL },
	{ "a pair of surrogates", "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"",
	  NULL },
	{ "a key twice: the last", "{\"a\":1,\"a\":2}", "{\"a\": 2}", NULL },
	{ "nothing", "", NULL, "line 1: this is no JSON: a value expected" },
	{ "half a pair", "\"\\ud83d\"", NULL, "an escape sequence" },
	{ "the other half", "\"\\ude00\"", NULL, "an escape sequence" },
	{ "a NUL", "\"\\u0000\"", NULL, "an escape sequence" },
	{ "a bad escape", "\"\\x\"", NULL, "an escape sequence" },
	{ "an open string", "\"abc", NULL, "the end of a string" },
	{ "a line break in a string", "\"a\nb\"", NULL, "the end of a string" },
	{ "no UTF-8", "\"\xff\"", NULL, "UTF-8 expected" },
	{ "an open list", "[1", NULL, ", or ]" },
	{ "an open map", "{\"a\":1", NULL, ", or }" },
	{ "no colon", "{\"a\" 1}", NULL, ": expected" },
	{ "no key", "{1:2}", NULL, "\" expected" },
	{ "a comma too many", "[1,]", NULL, "a value" },
	{ "more behind it", "{} x", NULL, "the end expected" },
	{ "a word", "yes", NULL, "a value" },
	{ "a number too large", "99999999999999999999", NULL, "a value" },
	{ "a number with more", "1-2", NULL, "a value" },
	{ "the line is named", "{\n\n\"a\":\nx}", NULL, "line 4: " },
};

static void text_gives(void **state)
{
	const struct json_row *r = *state;
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = NULL;
	struct err err = { 0 };
	struct buf b = BUF(a);
	int rc = json_parse(a, r->text, strlen(r->text), &d, &err);

	if (r->complaint) {
		assert_int_equal(rc, -EBADMSG);
		assert_non_null(strstr(err.text, r->complaint));
		return;
	}
	assert_int_equal(rc, 0);
	doc_json(&b, d, 0);
	assert_string_equal(buf_text(&b), r->want);
}

static void what_is_too_deep_is_refused(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	char text[2 * DOC_MAX_DEPTH + 8];
	struct doc *d;
	struct err err;

	(void)state;
	memset(text, '[', sizeof(text));
	assert_int_equal(json_parse(a, text, sizeof(text), &d, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "less depth"));
}

/* Whatever is cut off is refused, and nothing behind the end is read. */
static void what_is_cut_off_is_refused(void **state)
{
	static const char whole[] =
		"{\"a\": [1, true, null, \"x\\u00e4\\n\"], \"b\": {}}";
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d;
	struct err err;

	(void)state;
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		char *cut = memcpy(malloc(n + 1), whole, n);

		assert_int_equal(json_parse(a, cut, n, &d, &err), -EBADMSG);
		free(cut);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_too_deep_is_refused),
		cmocka_unit_test(what_is_cut_off_is_refused),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(rows, text_gives);
	return failed != 0;
}
