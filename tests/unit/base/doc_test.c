#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "fsm/base/doc.h"
#include "tests/lib/table.h"

static void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not say '%s'", text, part);
}

static struct doc *sample(struct arena *a)
{
	struct doc *d = doc_map(a), *list = doc_put(a, d, "list", doc_list(a));
	struct doc *map = doc_put(a, d, "map", doc_map(a));

	doc_add(a, list, doc_nil(a));
	doc_add(a, list, doc_bool(a, true));
	doc_add(a, list, doc_bool(a, false));
	doc_add(a, list, doc_list(a));
	doc_add(a, list, doc_real(a, 1.5));
	doc_add(a, list, doc_strn(a, "a\0b", 3));
	doc_put_str(a, map, "text", "caf\xc3\xa9");
	doc_put_int(a, map, "num", -7);
	doc_put_bool(a, map, "yes", true);
	doc_put_bin(a, map, "bin", "\0\xff", 2);
	doc_put_str(a, map, "", "the empty key");
	return d;
}

/* -- reading --------------------------------------------------------------- */

static void readers_never_fail(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = sample(a), *map = doc_get(d, "map");

	(void)state;
	assert_string_equal(doc_get_str(map, "text", "x"), "caf\xc3\xa9");
	assert_int_equal(doc_get_int(map, "num", 1), -7);
	assert_true(doc_get_bool(map, "yes", false));
	assert_string_equal(doc_get_str(map, "", "x"), "the empty key");
	/* missing, of another type, no map, nothing */
	assert_string_equal(doc_get_str(map, "none", "x"), "x");
	assert_string_equal(doc_get_str(map, "num", "x"), "x");
	assert_string_equal(doc_get_str(map, "bin", "x"), "x");
	assert_null(doc_get_str(map, "none", NULL));
	assert_true(doc_is(map, "", "the empty key"));
	assert_false(doc_is(map, "", "the empty"));
	assert_true(doc_is(map, "none", ""));
	assert_true(doc_is(map, "num", ""));
	assert_false(doc_is(map, "none", "x"));
	assert_false(doc_is(NULL, "text", "x"));
	assert_int_equal(doc_get_int(map, "text", 5), 5);
	assert_int_equal(doc_get_int(NULL, "num", 5), 5);
	assert_true(doc_get_bool(map, "num", true));
	assert_null(doc_get(NULL, "x"));
	assert_null(doc_get(doc_get(d, "list"), "x"));
	assert_string_equal(doc_text(NULL, "x"), "x");
	assert_string_equal(doc_text(map, "x"), "x");
	assert_int_equal(doc_len(NULL), 0);
	assert_int_equal(doc_len(doc_get(map, "text")), 0);
	assert_int_equal(doc_len(map), 5);
	assert_int_equal(doc_len(doc_get(d, "list")), 6);
	assert_int_equal(doc_at(doc_get(d, "list"), 1)->type, DOC_BOOL);
}

static void a_map_keeps_the_order_of_its_keys(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = doc_map(a);
	char key[] = "b";

	(void)state;
	doc_put_int(a, d, key, 1);
	*key = 'a'; /* the key was copied */
	doc_put_int(a, d, key, 2);
	doc_put_int(a, d, "c", 3);
	doc_put_str(a, d, "b", "again");
	assert_int_equal(doc_len(d), 3);
	assert_string_equal(doc_at(d, 0)->key, "b");
	assert_string_equal(doc_at(d, 1)->key, "a");
	assert_string_equal(doc_at(d, 2)->key, "c");
	assert_string_equal(doc_get_str(d, "b", ""), "again");
}

static void no_text_is_nil(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = doc_map(a);

	(void)state;
	doc_put_str(a, d, "k", NULL);
	assert_int_equal(doc_get(d, "k")->type, DOC_NIL);
	assert_string_equal(doc_get_str(d, "k", "x"), "x");
}

/* -- equality and copies ----------------------------------------------------
 */

static void the_order_of_keys_does_not_count_for_equality(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *x = doc_map(a), *y = doc_map(a);

	(void)state;
	doc_put_int(a, x, "a", 1);
	doc_put_int(a, x, "b", 2);
	doc_put_int(a, y, "b", 2);
	assert_false(doc_equal(x, y));
	doc_put_int(a, y, "a", 1);
	assert_true(doc_equal(x, y));
	doc_put_int(a, y, "a", 3);
	assert_false(doc_equal(x, y));
	doc_put_str(a, y, "a", "1");
	assert_false(doc_equal(x, y));
}

static void values_are_equal_by_type_and_content(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *all[] = {
		doc_nil(a),
		doc_bool(a, false),
		doc_bool(a, true),
		doc_int(a, 0),
		doc_int(a, 1),
		doc_real(a, 0),
		doc_real(a, 1),
		doc_real(a, NAN),
		doc_str(a, ""),
		doc_str(a, "a"),
		doc_strn(a, "a\0", 2),
		doc_bin(a, "a", 1),
		doc_list(a),
		doc_map(a),
	};
	size_t n = sizeof(all) / sizeof(all[0]);

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			assert_int_equal(doc_equal(all[i], all[j]), i == j);
	assert_false(doc_equal(all[0], NULL));
	assert_true(doc_equal(NULL, NULL));
}

static void a_copy_is_its_own(void **state)
{
	struct arena *from = arena_new();
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = sample(from), *copy = doc_copy(a, d);
	struct buf one = BUF(a), two = BUF(a);

	(void)state;
	assert_true(doc_equal(d, copy));
	doc_json(&one, d, 0);
	arena_free(from); /* and with it all that the original had */
	doc_json(&two, copy, 0);
	assert_string_equal(buf_text(&one), buf_text(&two));
	assert_null(copy->key);
}

/* -- bytes
 * ---------------------------------------------------------------------- */

static void what_is_encoded_is_decoded(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = sample(a), *back = NULL;
	struct buf b = BUF(a), again = BUF(a);
	struct err err = { 0 };

	(void)state;
	doc_encode(&b, d);
	assert_int_equal(doc_decode(a, b.data, b.len, &back, &err), 0);
	assert_true(doc_equal(d, back));
	doc_encode(&again, back);
	assert_int_equal(b.len, again.len);
	assert_memory_equal(b.data, again.data, b.len);
	/* What was decoded does not point into the bytes. */
	memset(b.data, 0xc1, b.len);
	assert_true(doc_equal(d, back));
}

static const struct num_row {
	const char *name;
	int64_t num;
	size_t len; /* in bytes: the shortest form */
} nums[] = {
	{ "zero", 0, 1 },	   { "127", 127, 1 },
	{ "128", 128, 2 },	   { "255", 255, 2 },
	{ "256", 256, 3 },	   { "65536", 65536, 5 },
	{ "2^32", 4294967296, 9 }, { "the greatest", INT64_MAX, 9 },
	{ "-1", -1, 1 },	   { "-32", -32, 1 },
	{ "-33", -33, 2 },	   { "-129", -129, 3 },
	{ "-32769", -32769, 5 },   { "the least", INT64_MIN, 9 },
};

static void number_comes_back(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct num_row *row = *state;
	struct buf b = BUF(a);
	struct doc *back;

	doc_encode(&b, doc_int(a, row->num));
	assert_int_equal(b.len, row->len);
	assert_int_equal(doc_decode(a, b.data, b.len, &back, NULL), 0);
	assert_int_equal(back->type, DOC_INT);
	assert_true(back->num == row->num);
}

#define BYTES(s) s, sizeof(s) - 1

static const struct bad_row {
	const char *name, *bytes;
	size_t len;
	const char *says;
} bads[] = {
	{ "nothing", BYTES(""), "byte 0 of 0: ends too early" },
	{ "a reserved byte", BYTES("\xc1"), "a type that is not used here" },
	{ "an extension", BYTES("\xd4\x01\x02"), "a type that is not used" },
	{ "a long extension", BYTES("\xc7\x01\x02\x03"),
	  "a type that is not used" },
	{ "two values", BYTES("\x01\x02"), "byte 1 of 2: bytes after the end" },
	{ "a number cut short", BYTES("\xcd\x01"), "ends too early" },
	{ "a double cut short", BYTES("\xcb\x00\x00"), "ends too early" },
	{ "a text cut short",
	  BYTES("\xa3"
		"ab"),
	  "claims more than there is" },
	{ "a text of 4 GiB",
	  BYTES("\xdb\xff\xff\xff\xff"
		"ab"),
	  "claims more than there is" },
	{ "a binary of 4 GiB",
	  BYTES("\xc6\xff\xff\xff\xff"
		"ab"),
	  "claims more than there is" },
	{ "a list cut short", BYTES("\x93\x01\x02"),
	  "claims more than there is" },
	{ "a list of 2^32", BYTES("\xdd\xff\xff\xff\xff\x01"),
	  "claims more than there is" },
	{ "a map of 2^32", BYTES("\xdf\xff\xff\xff\xff\x01"),
	  "claims more than there is" },
	{ "a map without its last value",
	  BYTES("\x81\xa1"
		"a"),
	  "ends too early" },
	{ "a key that is a number", BYTES("\x81\x01\x02"),
	  "a map key that is no text" },
	{ "a key that is nil", BYTES("\x81\xc0\x02"),
	  "a map key that is no text" },
	{ "a key with a zero byte",
	  BYTES("\x81\xa2"
		"a\0"
		"\x02"),
	  "a map key that is no text" },
	{ "a key twice",
	  BYTES("\x82\xa1"
		"a\x01\xa1"
		"a\x02"),
	  "or comes twice" },
	{ "a key twice, far apart",
	  BYTES("\x83\xa1"
		"a\x01\xa1"
		"b\x01\xa1"
		"a\x02"),
	  "or comes twice" },
	{ "a number beyond int64", BYTES("\xcf\x80\0\0\0\0\0\0\0"),
	  "a number out of range" },
};

static void bytes_are_refused(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct bad_row *row = *state;
	struct err err = { 0 };
	struct doc *d = NULL;

	assert_int_equal(doc_decode(a, row->bytes, row->len, &d, &err),
			 -EBADMSG);
	assert_says(err.text, row->says);
	assert_null(d);
}

/* All of a real message is needed: each shorter one is refused. */
static void a_truncated_message_is_refused(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);
	struct doc *d;

	(void)state;
	doc_encode(&b, sample(a));
	for (size_t n = 0; n < b.len; n++) {
		char *exact = malloc(n ? n : 1); /* the sanitizer watches it */

		memcpy(exact, b.data, n);
		assert_int_equal(doc_decode(a, exact, n, &d, NULL), -EBADMSG);
		free(exact);
	}
}

static void depth_is_bounded(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	char bytes[DOC_MAX_DEPTH + 2];
	struct err err = { 0 };
	struct doc *d;

	(void)state;
	memset(bytes, 0x91, sizeof(bytes)); /* lists of one */
	bytes[DOC_MAX_DEPTH] = (char)0xc0;
	assert_int_equal(doc_decode(a, bytes, DOC_MAX_DEPTH + 1, &d, &err), 0);
	bytes[DOC_MAX_DEPTH] = (char)0x91;
	bytes[DOC_MAX_DEPTH + 1] = (char)0xc0;
	assert_int_equal(doc_decode(a, bytes, DOC_MAX_DEPTH + 2, &d, &err),
			 -EBADMSG);
	assert_says(err.text, "nested too deep");
}

/* A map of @n keys, @maps of them in a list. */
static void put_maps(struct buf *b, unsigned maps, unsigned n)
{
	buf_add(b,
		(unsigned char[]){ 0xdc, (unsigned char)(maps >> 8),
				   (unsigned char)maps },
		3);
	for (unsigned m = 0; m < maps; m++) {
		buf_add(b,
			(unsigned char[]){ 0xde, (unsigned char)(n >> 8),
					   (unsigned char)n },
			3);
		for (unsigned i = 0; i < n; i++)
			buf_printf(b, "%c%04x%c", 0xa4, i, 0xc0);
	}
}

static void keys_are_counted(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);
	struct err err = { 0 };
	struct doc *d;

	(void)state;
	put_maps(&b, 1, DOC_MAX_KEYS);
	assert_int_equal(doc_decode(a, b.data, b.len, &d, &err), 0);
	assert_int_equal(doc_len(doc_at(d, 0)), DOC_MAX_KEYS);
	b = BUF(a);
	put_maps(&b, 1, DOC_MAX_KEYS + 1);
	assert_int_equal(doc_decode(a, b.data, b.len, &d, &err), -EBADMSG);
	assert_says(err.text, "a map with too many keys");
}

static void put_list(struct buf *b, uint32_t n)
{
	buf_add(b,
		(unsigned char[]){ 0xdd, (unsigned char)(n >> 24),
				   (unsigned char)(n >> 16),
				   (unsigned char)(n >> 8), (unsigned char)n },
		5);
}

/* @n items: a list of two lists of what takes the most for its byte. */
static void put_items(struct buf *b, uint32_t n)
{
	put_list(b, 2);
	n -= 3;
	for (int half = 0; half < 2; half++) {
		uint32_t here = half ? n - n / 2 : n / 2;

		put_list(b, here);
		while (here--)
			buf_add(b, "\xa0", 1);
	}
}

/* Sixteen million of them would be more than a gigabyte. */
static void items_are_counted(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);
	struct err err = { 0 };
	struct doc *d;

	(void)state;
	put_items(&b, DOC_MAX_ITEMS);
	assert_int_equal(doc_decode(a, b.data, b.len, &d, &err), 0);
	assert_int_equal(doc_len(doc_at(d, 1)), (DOC_MAX_ITEMS - 2) / 2);
	b = BUF(a);
	put_items(&b, DOC_MAX_ITEMS + 1);
	assert_int_equal(doc_decode(a, b.data, b.len, &d, &err), -EBADMSG);
	assert_says(err.text, "too many items");
}

/* A key is one as well. */
static void keys_are_items(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);
	struct err err = { 0 };
	struct doc *d;

	(void)state;
	put_maps(&b, DOC_MAX_ITEMS / (2 * DOC_MAX_KEYS), DOC_MAX_KEYS);
	assert_int_equal(doc_decode(a, b.data, b.len, &d, &err), -EBADMSG);
	assert_says(err.text, "too many items");
}

/* What a peer may send takes time by its size, not by its square: this one
 * would take a minute. */
static void many_keys_take_no_long_time(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);
	clock_t start = clock();
	struct doc *d;

	(void)state;
	put_maps(&b, 60, DOC_MAX_KEYS);
	assert_int_equal(doc_decode(a, b.data, b.len, &d, NULL), 0);
	assert_int_equal(doc_len(doc_copy(a, d)), 60);
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 8);
}

/* -- JSON
 * ----------------------------------------------------------------------------
 */

static const struct json_row {
	const char *name;
	struct doc d;
	const char *json;
} jsons[] = {
#define STR(s)                                                                 \
	{                                                                      \
		.type = DOC_STR, .str = { s, sizeof(s) - 1 }                   \
	}
	{ "nil", { .type = DOC_NIL }, "null" },
	{ "true", { .type = DOC_BOOL, .yes = true }, "true" },
	{ "false", { .type = DOC_BOOL }, "false" },
	{ "int",
	  { .type = DOC_INT, .num = INT64_MIN },
	  "-9223372036854775808" },
	{ "real", { .type = DOC_REAL, .real = 1.5 }, "1.5" },
	{ "a real that needs 17 digits",
	  { .type = DOC_REAL, .real = 0.1 },
	  "0.10000000000000001" },
	{ "infinite", { .type = DOC_REAL, .real = INFINITY }, "null" },
	{ "no number", { .type = DOC_REAL, .real = NAN }, "null" },
	{ "text", STR("a"), "\"a\"" },
	{ "empty text", STR(""), "\"\"" },
	{ "quotes", STR("a\"b\\c"), "\"a\\\"b\\\\c\"" },
	{ "lines", STR("a\nb\tc"), "\"a\\nb\\tc\"" },
	{ "controls", STR("\x01\x1f\x7f\r"),
	  "\"\\u0001\\u001f\\u007f\\u000d\"" },
	{ "a zero byte", STR("a\0b"), "\"a\\u0000b\"" },
	{ "UTF-8", STR("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
	  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
	{ "no UTF-8", STR("caf\xe9!"), "\"caf\\ufffd!\"" },
	{ "UTF-8 cut short", STR("a\xe2\x82"), "\"a\\ufffd\\ufffd\"" },
	{ "a surrogate", STR("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"" },
	{ "binary", { .type = DOC_BIN, .str = { "\0\xff", 2 } }, "\"00ff\"" },
	{ "empty list", { .type = DOC_LIST }, "[]" },
	{ "empty map", { .type = DOC_MAP }, "{}" },
};

static void json_is(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct json_row *row = *state;
	struct buf one = BUF(a), two = BUF(a);

	doc_json(&one, &row->d, 0);
	assert_string_equal(buf_text(&one), row->json);
	doc_json(&two, &row->d, 2);
	assert_string_equal(buf_text(&two), row->json);
}

static void json_is_one_line_or_indented(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf one = BUF(a), two = BUF(a);
	struct doc *d = doc_map(a), *list = doc_put(a, d, "l", doc_list(a));

	(void)state;
	doc_add(a, list, doc_int(a, 1));
	doc_add(a, list, doc_str(a, "x"));
	doc_put(a, d, "e", doc_map(a));
	doc_put_int(a, d, "a\"b", 2);
	doc_json(&one, d, 0);
	assert_string_equal(buf_text(&one),
			    "{\"l\": [1, \"x\"], \"e\": {}, \"a\\\"b\": 2}");
	doc_json(&two, d, 2);
	assert_string_equal(buf_text(&two), "{\n"
					    "  \"l\": [\n"
					    "    1,\n"
					    "    \"x\"\n"
					    "  ],\n"
					    "  \"e\": {},\n"
					    "  \"a\\\"b\": 2\n"
					    "}");
}

static void texts_are_joined(void **state)
{
	struct arena *a = arena_new();
	struct doc *list = doc_list(a);

	(void)state;
	assert_string_equal(doc_join(a, NULL, ", "), "");
	assert_string_equal(doc_join(a, list, ", "), "");
	doc_add(a, list, doc_str(a, "one"));
	assert_string_equal(doc_join(a, list, ", "), "one");
	doc_add(a, list, doc_bool(a, true));
	doc_add(a, list, doc_str(a, "three"));
	assert_string_equal(doc_join(a, list, ", "), "one, , three");
	arena_free(a);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_never_fail),
		cmocka_unit_test(a_map_keeps_the_order_of_its_keys),
		cmocka_unit_test(no_text_is_nil),
		cmocka_unit_test(texts_are_joined),
		cmocka_unit_test(the_order_of_keys_does_not_count_for_equality),
		cmocka_unit_test(values_are_equal_by_type_and_content),
		cmocka_unit_test(a_copy_is_its_own),
		cmocka_unit_test(what_is_encoded_is_decoded),
		cmocka_unit_test(a_truncated_message_is_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(keys_are_counted),
		cmocka_unit_test(items_are_counted),
		cmocka_unit_test(keys_are_items),
		cmocka_unit_test(many_keys_take_no_long_time),
		cmocka_unit_test(json_is_one_line_or_indented),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(nums, number_comes_back);
	failed += TABLE_RUN(bads, bytes_are_refused);
	failed += TABLE_RUN(jsons, json_is);
	return failed != 0;
}
