/* Keys, and who finds what. */
#include "tests/unit/op/op_fixture.h"

static struct op_fixture fixture;

static struct bytes key_of(const struct state_key *k)
{
	return (struct bytes){ k->bytes, k->len };
}

static void assert_order(const struct state_key *a, const struct state_key *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int c = memcmp(a->bytes, b->bytes, n);

	assert_true(c < 0 || (c == 0 && a->len < b->len));
}

static void numbers_in_keys_are_in_order(void **state)
{
	static const uint64_t nums[] = { 0,	     1,		 255,
					 256,	     257,	 65536,
					 UINT32_MAX, 1ULL << 32, UINT64_MAX };

	(void)state;
	for (size_t i = 1; i < sizeof(nums) / sizeof(nums[0]); i++) {
		struct state_key a = state_key_num("web", nums[i - 1]);
		struct state_key b = state_key_num("web", nums[i]);

		assert_int_equal(a.len, 3 + 1 + 8);
		assert_order(&a, &b);
		a = state_key_num(NULL, nums[i - 1]);
		b = state_key_num(NULL, nums[i]);
		assert_int_equal(a.len, 8);
		assert_order(&a, &b);
	}
}

static void long_parts_make_a_key_of_nothing(void **state)
{
	char text[600];
	struct state_key k;
	struct txn *t = op_write(&fixture);
	struct state s = { t, 1, arena_new() };

	(void)state;
	memset(text, 'x', sizeof(text));
	text[599] = '\0';
	k = state_key(text, NULL);
	assert_false(state_key_fits(&k));
	k = state_key("web", text);
	assert_false(state_key_fits(&k));
	k = state_key_num(text, 7);
	assert_false(state_key_fits(&k));
	text[479] = '\0';
	k = state_key(text, NULL);
	assert_true(state_key_fits(&k));
	state_put(&s, TABLE_SERVICE, &k, doc_map(s.arena));
	assert_non_null(state_service(&s, text));
	text[479] = 'x';
	assert_null(state_service(&s, text));
	assert_null(state_assign(&s, text, text));
	arena_free(s.arena);
	txn_abort(t);
}

static void what_does_not_decode_is_not_there(void **state)
{
	struct txn *t = op_write(&fixture);
	struct state s = { t, 2, arena_new() };
	struct state_key k = state_key("web", NULL);

	(void)state;
	txn_put(t, 2, TABLE_SERVICE, key_of(&k), bytes_of("\xc1"));
	assert_null(state_service(&s, "web"));
	assert_int_equal(doc_len(state_services(&s)), 0);
	arena_free(s.arena);
	txn_abort(t);
}

static void put(struct state *s, enum table t, const char *a, const char *b)
{
	struct state_key k = state_key(a, b);
	struct doc *d = doc_map(s->arena);

	doc_put_str(s->arena, d, "name", b ? b : a);
	state_put(s, t, &k, d);
}

static void lists_are_of_one_service_and_group(void **state)
{
	struct txn *t = op_write(&fixture);
	struct state s = { t, 3, arena_new() }, other = { t, 4, s.arena };
	struct doc *map;

	(void)state;
	put(&s, TABLE_ASSIGN, "web", "hv2");
	put(&s, TABLE_ASSIGN, "web", "hv1");
	put(&s, TABLE_ASSIGN, "web2", "hv3");
	put(&s, TABLE_ASSIGN, "we", "hv4");
	put(&other, TABLE_ASSIGN, "web", "hv5");
	map = state_assigns(&s, "web");
	assert_int_equal(doc_len(map), 2);
	assert_string_equal(doc_at(map, 0)->key, "hv1");
	assert_string_equal(doc_at(map, 1)->key, "hv2");
	assert_int_equal(doc_len(state_assigns(&s, "webs")), 0);
	assert_int_equal(doc_len(state_instances(&s, "web")), 0);

	put(&s, TABLE_MEMBER, "vm2", NULL);
	put(&s, TABLE_MEMBER, "vm1", NULL);
	map = state_members(&s);
	assert_int_equal(doc_len(map), 2);
	assert_string_equal(doc_at(map, 0)->key, "vm1");
	arena_free(s.arena);
	txn_abort(t);
}

static void counters_start_at_one(void **state)
{
	struct txn *t = op_write(&fixture);
	struct state s = { t, 5, arena_new() };

	(void)state;
	assert_int_equal(state_counter(&s, "x"), 0);
	assert_int_equal(state_next(&s, "x"), 1);
	assert_int_equal(state_next(&s, "x"), 2);
	assert_int_equal(state_next(&s, "y"), 1);
	assert_int_equal(state_counter(&s, "x"), 2);
	arena_free(s.arena);
	txn_abort(t);
}

static void nodes_are_found_by_name(void **state)
{
	struct arena *a = arena_new();
	struct txn *t;
	struct state s;

	(void)state;
	fixture.a = a;
	fixture.group = 6;
	op_do_text(&fixture, "cluster_init name=c node={name=hv1}");
	t = txn_begin_read(fixture.db, NULL);
	s = (struct state){ t, 6, a };
	assert_int_equal(doc_get_int(state_node_named(&s, "hv1"), "id", 0), 1);
	assert_null(state_node_named(&s, "hv"));
	assert_null(state_node(&s, 2));
	assert_int_equal(doc_len(state_nodes(&s)), 1);
	txn_abort(t);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_in_keys_are_in_order),
		cmocka_unit_test(long_parts_make_a_key_of_nothing),
		cmocka_unit_test(what_does_not_decode_is_not_there),
		cmocka_unit_test(lists_are_of_one_service_and_group),
		cmocka_unit_test(counters_start_at_one),
		cmocka_unit_test(nodes_are_found_by_name),
	};
	int failed;

	op_fixture_init(&fixture);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	op_fixture_fini(&fixture);
	return failed;
}
