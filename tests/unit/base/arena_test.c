#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "fsm/base/arena.h"
#include "tests/lib/table.h"

static void memory_is_zeroed_and_aligned(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();

	(void)state;
	for (size_t size = 0; size < 300; size++) {
		unsigned char *p = arena_alloc(a, size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
	}
}

/* Each piece keeps what was written to it, across chunks small and large. */
static void pieces_do_not_overlap(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	static const size_t sizes[] = {
		1, 4095, 16, 4096, 17, 4097, 100000, 3
	};
	unsigned char *p[64];

	(void)state;
	for (size_t i = 0; i < 64; i++) {
		p[i] = arena_alloc(a, sizes[i % 8]);
		memset(p[i], (int)i, sizes[i % 8]);
	}
	for (size_t i = 0; i < 64; i++)
		for (size_t j = 0; j < sizes[i % 8]; j++)
			assert_int_equal(p[i][j], i);
}

static void text_is_printed_whole(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	char *text;

	(void)state;
	assert_string_equal(arena_printf(a, "%s-%d", "a", 7), "a-7");
	assert_string_equal(arena_printf(a, "%s", ""), "");
	text = arena_printf(a, "%09000d", 1);
	assert_int_equal(strlen(text), 9000);
	assert_int_equal(text[8999], '1');
}

static void typed_memory_has_its_size(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	int64_t *many = ARENA_VEC(a, int64_t, 1000);
	int64_t *one = ARENA_NEW(a, int64_t);

	(void)state;
	for (int i = 0; i < 1000; i++)
		many[i] = i;
	*one = -1;
	assert_int_equal(many[999], 999);
}

static void nothing_can_be_freed(void **state)
{
	(void)state;
	arena_free(NULL);
	arena_free(arena_new());
}

/* TAKE hands on what SCOPED would end. */
static struct arena *taken(void)
{
	SCOPED(arena) struct arena *a = arena_new();

	arena_printf(a, "kept");
	return TAKE(a);
}

static void what_is_taken_lives_on(void **state)
{
	struct arena *a = taken();

	(void)state;
	assert_non_null(a);
	assert_string_equal(arena_printf(a, "alive"), "alive");
	arena_free(a);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(pieces_do_not_overlap),
		cmocka_unit_test(text_is_printed_whole),
		cmocka_unit_test(typed_memory_has_its_size),
		cmocka_unit_test(nothing_can_be_freed),
		cmocka_unit_test(what_is_taken_lives_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
