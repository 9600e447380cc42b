/*
 * What holds for all commands: each once, numbered and bounded; and the chain
 * of revisions. The kinds themselves are in ops_test.c.
 */
#include "tests/unit/op/op_fixture.h"

static struct op_fixture fixture;

#define TEST(f) OP_TEST(&fixture, f)

/* -- once ------------------------------------------------------------------ */

static struct doc *counted(const char *text, const char *client, int64_t sq,
			   int64_t ak)
{
	struct op_text t = { fixture.a, text };
	struct doc *cmd = op_text_command(&t);

	doc_put_str(fixture.a, cmd, "cl", client);
	doc_put_int(fixture.a, cmd, "sq", sq);
	doc_put_int(fixture.a, cmd, "ak", ak);
	return op_do(&fixture, cmd);
}

static size_t n_events(void)
{
	struct op_look l = op_look(&fixture);
	size_t n = doc_len(state_events(&l.s, 0, STATE_EVENTS_KEPT));

	txn_abort(l.t);
	return n;
}

#define EVENT "event events=[{text=x}]"

static void a_number_counts_once_per_client(void **state)
{
	(void)state;
	assert_int_equal(op_code_of(counted(EVENT, "a", 1, 0)), OP_OK);
	assert_int_equal(op_code_of(counted(EVENT, "a", 1, 0)), OP_OK);
	assert_int_equal(n_events(), 1);
	counted(EVENT, "a", 2, 0);
	counted(EVENT, "b", 1, 0);
	assert_int_equal(n_events(), 3);
	/* In any order. */
	counted(EVENT, "a", 9, 0);
	counted(EVENT, "a", 5, 0);
	counted(EVENT, "a", 9, 0);
	assert_int_equal(n_events(), 5);
}

static void the_recorded_answer_is_the_first_one(void **state)
{
	struct doc *first, *again;

	(void)state;
	first = counted("svc_create name=web config='x'", "a", 1, 0);
	again = counted("svc_create name=web config='x'", "a", 1, 0);
	assert_string_equal(doc_get_str(again, "rev", "?"),
			    doc_get_str(first, "rev", "!"));
	/* By its number alone, whatever it carries. */
	again = counted("svc_delete name=web", "a", 1, 0);
	assert_true(doc_equal(first, again));
	op_expect(&fixture, "service web version=1");
}

static void a_refusal_is_recorded_too(void **state)
{
	struct doc *r;

	(void)state;
	r = counted("svc_delete name=web", "a", 1, 0);
	assert_int_equal(op_code_of(r), OP_NOT_FOUND);
	counted("svc_create name=web config='x'", "b", 1, 0);
	r = counted("svc_delete name=web", "a", 1, 0);
	assert_int_equal(op_code_of(r), OP_NOT_FOUND);
	op_expect(&fixture, "service web version=1");
}

static void what_its_client_gave_up_is_refused(void **state)
{
	struct doc *r;

	(void)state;
	counted(EVENT, "a", 1, 0);
	counted(EVENT, "a", 4, 3); /* 1 and 2 are settled */
	assert_int_equal(n_events(), 2);
	r = counted(EVENT, "a", 2, 0); /* never came, comes late */
	assert_int_equal(op_code_of(r), OP_TIMEOUT);
	r = counted(EVENT, "a", 1, 0);
	assert_int_equal(op_code_of(r), OP_TIMEOUT);
	assert_int_equal(n_events(), 2);
	counted(EVENT, "a", 3, 0);
	assert_int_equal(n_events(), 3);
	/* The floor never sinks, and is never above the command itself. */
	counted(EVENT, "a", 5, 1);
	assert_int_equal(op_code_of(counted(EVENT, "a", 2, 0)), OP_TIMEOUT);
	counted(EVENT, "a", 6, 99);
	assert_int_equal(op_code_of(counted(EVENT, "a", 7, 0)), OP_OK);
}

static size_t n_rows(enum table table)
{
	struct op_look l = op_look(&fixture);
	struct txn_iter it;
	size_t n = 0;

	txn_iter_init(&it, l.t, fixture.group, table, (struct bytes){ "", 0 });
	while (txn_iter_next(&it))
		n++;
	txn_abort(l.t);
	return n;
}

static void settled_results_are_forgotten(void **state)
{
	(void)state;
	for (int64_t sq = 1; sq <= 200; sq++)
		counted(EVENT, "a", sq, sq > 5 ? sq - 5 : 0);
	/* The client, its number, and the results from the floor on. */
	assert_int_equal(n_rows(TABLE_SEEN), 2 + 6);
}

static void clients_are_forgotten(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		counted(EVENT, name, 1, 0);
	}
	assert_int_equal(n_rows(TABLE_SEEN), 256 * 3);
	assert_int_equal(n_events(), 300);
	counted(EVENT, "c299", 1, 0); /* still known */
	assert_int_equal(n_events(), 300);
}

static void without_a_client_nothing_is_recorded(void **state)
{
	(void)state;
	counted(EVENT, "", 1, 0);
	counted(EVENT, "", 1, 0);
	counted(EVENT,
		"a-name-of-a-client-that-is-longer-than-the-sixty-four-letters-"
		"that-it-may-have",
		1, 0);
	assert_int_equal(n_events(), 3);
	assert_int_equal(n_rows(TABLE_SEEN), 0);
}

/* -- revisions ----------------------------------------------------------------
 */

static void ids_are_of_content_and_parents(void **state)
{
	struct doc *none = doc_list(fixture.a), *two = doc_list(fixture.a);

	(void)state;
	doc_add(fixture.a, two, doc_str(fixture.a, "aa"));
	doc_add(fixture.a, two, doc_str(fixture.a, "bb"));
	/* printf 'encap revision 1\n\nhello\n' | sha256sum, and with the lines
	 * "parent aa" and "parent bb". */
	assert_string_equal(op_revision_id(fixture.a, none, "hello\n", 6),
			    "22b529a8ebf9287c9e483fda4c610b9ea0f3fe6c3c280e1cee"
			    "08c0a872d5e8f5");
	assert_string_equal(op_revision_id(fixture.a, two, "hello\n", 6),
			    "8277be6cd94a5a1341a9c1b7b8ac8c65946a5d685b40a6ad8c"
			    "7183e5e90dd552");
	assert_string_not_equal(op_revision_id(fixture.a, none, "hello\n", 5),
				"22b529a8ebf9287c9e483fda4c610b9ea0f3fe6c3c280e"
				"1cee08c0a872d5e8f5");
}

static struct doc *edit_command(const char *base, const char *config)
{
	struct doc *cmd = op_new(fixture.a, "svc_edit", 1000, NULL);

	doc_put_str(fixture.a, cmd, "name", "web");
	doc_put_str(fixture.a, cmd, "base", base);
	doc_put_str(fixture.a, cmd, "config", config);
	return cmd;
}

static struct doc *edit(const char *base, const char *config)
{
	return op_do(&fixture, edit_command(base, config));
}

static const char *rev_of(const struct doc *result)
{
	assert_int_equal(op_code_of(result), OP_OK);
	assert_int_equal(strlen(doc_get_str(result, "rev", "")), 64);
	return doc_get_str(result, "rev", "");
}

static void an_edit_is_a_child_of_the_head(void **state)
{
	const char *one, *two;

	(void)state;
	one = rev_of(op_do_text(&fixture, "svc_create name=web config='one'"));
	two = rev_of(edit(one, "two"));
	op_expect(&fixture, arena_printf(fixture.a,
					 "service web head=%s;"
					 "head web parents.0=%s;"
					 "head web config=two;"
					 "head web n=2;"
					 "service web revisions=2;"
					 "service web version=2",
					 two, one));
}

static void a_strict_edit_of_an_old_base_is_refused_with_both(void **state)
{
	const char *one, *two;
	struct doc *r, *cmd;

	(void)state;
	one = rev_of(op_do_text(&fixture, "svc_create name=web config='one'"));
	two = rev_of(edit(one, "two"));
	cmd = edit_command(one, "three");
	doc_put_bool(fixture.a, cmd, "strict", true);
	r = op_do(&fixture, cmd);
	assert_int_equal(op_code_of(r), OP_CONFLICT);
	assert_string_equal(doc_get_str(r, "base", ""), one);
	assert_string_equal(doc_get_str(r, "head", ""), two);
	/* And so is every one that was made before there were merges. */
	cmd = edit_command(one, "three");
	doc_put_int(fixture.a, cmd, "v", 1);
	assert_int_equal(op_code_of(op_do(&fixture, cmd)), OP_CONFLICT);
	assert_int_equal(n_rows(TABLE_DRAFT), 0);
	op_expect(&fixture, "head web config=two; service web revisions=2");
}

static void the_same_text_again_is_another_revision(void **state)
{
	const char *one, *two, *three;

	(void)state;
	one = rev_of(op_do_text(&fixture, "svc_create name=web config='one'"));
	two = rev_of(edit(one, "two"));
	three = rev_of(edit(two, "one"));
	assert_string_not_equal(one, three);
	assert_int_equal(op_code_of(edit(one, "x")), OP_CONFLICT);
}

#define NODES(list) "[DEFAULT]\nnodes = " list "\n[fs#1]\ntype = flag\n"
#define UP_ON_HV1                                                              \
	"assign name=web version=1 changes=[{kind=assign node=hv1 want=up "    \
	"epoch=1 token=1 seq=1}]; "

static void an_edit_must_not_take_away_where_it_runs(void **state)
{
	const char *one;
	struct doc *r;

	(void)state;
	one = rev_of(op_do_text(&fixture, "svc_create name=web config='x'"));
	op_do_text(&fixture, UP_ON_HV1);
	r = edit(one, NODES("hv2 hv3"));
	assert_int_equal(op_code_of(r), OP_FAILED);
	assert_non_null(strstr(doc_get_str(r, "err", ""), "hv1"));
	op_expect(&fixture, "service web revisions=1");
	rev_of(edit(one, NODES("hv2 hv1")));
}

static void an_edit_may_take_away_where_it_is_down(void **state)
{
	const char *one;

	(void)state;
	one = rev_of(op_do_text(&fixture, "svc_create name=web config='x'"));
	op_do_text(&fixture, UP_ON_HV1
		   "assign name=web version=2 changes=[{kind=assign node=hv1 "
		   "want=down epoch=1 token=2 seq=2}]");
	assert_int_equal(op_code_of(edit(one, NODES("hv2"))), OP_FAILED);
	op_do_text(&fixture,
		   "observe name=web node=hv1 doc={token=2 avail=down "
		   "state=idle}");
	rev_of(edit(one, NODES("hv2")));
}

static void history_is_bounded(void **state)
{
	const char *rev[STATE_REVISIONS_KEPT + 3];
	size_t n = STATE_REVISIONS_KEPT + 3;
	struct op_look l;

	(void)state;
	rev[0] = rev_of(op_do_text(&fixture, "svc_create name=web config=c"));
	for (size_t i = 1; i < n; i++)
		rev[i] = rev_of(edit(rev[i - 1], i % 2 ? "d" : "c"));
	l = op_look(&fixture);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(state_revision(&l.s, "web", rev[i]) != NULL,
				 i >= 3);
	txn_abort(l.t);
	assert_int_equal(n_rows(TABLE_REVISION), STATE_REVISIONS_KEPT);
	assert_int_equal(n_rows(TABLE_HISTORY), STATE_REVISIONS_KEPT);
}

static void a_deleted_service_leaves_no_rows(void **state)
{
	(void)state;
	op_do_text(&fixture, "svc_create name=web config='x';"
			     "svc_create name=webs config='y';"
			     "observe name=web node=hv1 doc={avail=down};"
			     "observe name=webs node=hv1 doc={avail=down};"
			     "svc_delete name=web");
	assert_int_equal(n_rows(TABLE_REVISION), 1);
	assert_int_equal(n_rows(TABLE_HISTORY), 1);
	assert_int_equal(n_rows(TABLE_INSTANCE), 1);
	op_expect(&fixture, "instance webs hv1 avail=down; head webs config=y");
}

/* -- events
 * --------------------------------------------------------------------- */

static void put_events(size_t n)
{
	for (size_t i = 0; i < n; i += 64)
		op_do_text(&fixture,
			   "event events=["
			   "{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} "
			   "{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} "
			   "{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} "
			   "{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}]");
}

static void assert_events(struct state *s, uint64_t after, size_t max,
			  int64_t first, size_t n)
{
	struct doc *list = state_events(s, after, max);

	assert_int_equal(doc_len(list), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(doc_get_int(doc_at(list, i), "seq", 0),
				 first + (int64_t)i);
}

static void events_are_bounded(void **state)
{
	const size_t more = 128, last = STATE_EVENTS_KEPT + more;
	struct op_look l;

	(void)state;
	put_events(last);
	assert_int_equal(n_rows(TABLE_EVENT), STATE_EVENTS_KEPT);
	l = op_look(&fixture);
	assert_events(&l.s, 0, 10, (int64_t)more + 1, 10);
	assert_events(&l.s, 0, 10000, (int64_t)more + 1, STATE_EVENTS_KEPT);
	assert_events(&l.s, last - 3, 10, (int64_t)last - 2, 3);
	assert_events(&l.s, last, 10, 0, 0);
	assert_events(&l.s, last + 1000, 10, 0, 0);
	assert_events(&l.s, UINT64_MAX, 10, 0, 0);
	txn_abort(l.t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_number_counts_once_per_client),
		TEST(the_recorded_answer_is_the_first_one),
		TEST(a_refusal_is_recorded_too),
		TEST(what_its_client_gave_up_is_refused),
		TEST(settled_results_are_forgotten),
		TEST(clients_are_forgotten),
		TEST(without_a_client_nothing_is_recorded),
		TEST(ids_are_of_content_and_parents),
		TEST(an_edit_is_a_child_of_the_head),
		TEST(a_strict_edit_of_an_old_base_is_refused_with_both),
		TEST(the_same_text_again_is_another_revision),
		TEST(an_edit_must_not_take_away_where_it_runs),
		TEST(an_edit_may_take_away_where_it_is_down),
		TEST(history_is_bounded),
		TEST(a_deleted_service_leaves_no_rows),
		TEST(events_are_bounded),
	};
	int failed;

	op_fixture_init(&fixture);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	op_fixture_fini(&fixture);
	return failed;
}
