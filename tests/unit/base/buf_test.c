#include <string.h>

#include "fsm/base/buf.h"
#include "tests/lib/table.h"

static void nothing_is_an_empty_string(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);

	(void)state;
	assert_string_equal(buf_text(&b), "");
	assert_int_equal(b.len, 0);
	buf_add(&b, NULL, 0);
	buf_puts(&b, "");
	assert_string_equal(buf_text(&b), "");
	assert_int_equal(b.len, 0);
}

static void content_grows_and_ends_with_nul(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);

	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		buf_add(&b, &(char){ (char)('a' + i % 26) }, 1);
		assert_int_equal(b.len, i + 1);
		assert_int_equal(b.data[b.len], '\0');
		assert_true(b.len < b.cap);
	}
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
}

static void bytes_may_be_zero(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);

	(void)state;
	buf_add(&b, "a\0b", 3);
	buf_add(&b, "\0", 1);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "a\0b\0", 5);
}

/* Lengths around the first capacity and its doubles. */
static void printed_text_is_appended_whole(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();

	(void)state;
	for (int n = 55; n < 140; n++) {
		struct buf b = BUF(a);

		buf_puts(&b, "x");
		buf_printf(&b, "%0*d", n, 7);
		buf_printf(&b, "%s", "");
		assert_int_equal(b.len, n + 1);
		assert_int_equal(strlen(buf_text(&b)), n + 1);
		assert_int_equal(b.data[n], '7');
		assert_int_equal(b.data[0], 'x');
	}
}

static void a_large_piece_fits(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);
	char *large = arena_alloc(a, 100000);

	(void)state;
	memset(large, 'y', 100000);
	buf_puts(&b, "x");
	buf_add(&b, large, 100000);
	assert_int_equal(b.len, 100001);
	assert_int_equal(b.data[0], 'x');
	assert_int_equal(b.data[100000], 'y');
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_an_empty_string),
		cmocka_unit_test(content_grows_and_ends_with_nul),
		cmocka_unit_test(bytes_may_be_zero),
		cmocka_unit_test(printed_text_is_appended_whole),
		cmocka_unit_test(a_large_piece_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
