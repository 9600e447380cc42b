/*
 * The audit log: what is recorded, and that a change of it shows.
 */
#include "fsm/state/audit.h"
#include "tests/unit/op/op_fixture.h"

static struct op_fixture fixture;

static struct doc *records(void)
{
	struct op_look l = op_look(&fixture);
	struct doc *d = audit_records(&l.s, 0, 100000);

	txn_abort(l.t);
	return d;
}

static const char *checked(const struct doc *list)
{
	struct op_look l = op_look(&fixture);
	struct audit_check c;
	const char *why = NULL;

	audit_check_begin(&c, audit_anchor(&l.s));
	txn_abort(l.t);
	for (size_t i = 0; i < doc_len(list) && !why; i++)
		why = audit_check_next(&c, fixture.a, doc_at(list, i));
	return why;
}

#define MADE                                                                   \
	"cluster_init name=c1 id=abc node={name=hv1};"                         \
	"token_add hash=@64 expires=5000;"                                     \
	"svc_create name=web config='[DEFAULT]|nodes = hv1|' "                 \
	"comment='for the shop';"                                              \
	"svc_intent name=web want=started;"                                    \
	"assign name=web version=2 changes=[{kind=assign node=hv1 want=up "    \
	"epoch=1 token=1 seq=1 why='it is asked for'}];"                       \
	"observe name=web node=hv1 doc={avail=up state=idle};"                 \
	"node_freeze node=hv1 frozen=true"

static const char *field(const struct doc *d, const char *key)
{
	return doc_get_str(d, key, "");
}

static void every_change_is_recorded(void **state)
{
	static const char *const kinds[] = { "node",   "token",	 "edit",
					     "intent", "assign", "freeze" };
	struct doc *list, *edit;

	(void)state;
	op_do_text(&fixture, MADE);
	list = records();
	assert_int_equal(doc_len(list), 6);
	for (size_t i = 0; i < 6; i++) {
		const struct doc *r = doc_at(list, i);

		assert_string_equal(field(r, "kind"), kinds[i]);
		assert_int_equal(doc_get_int(r, "seq", 0), i + 1);
		assert_int_equal(doc_get_int(r, "at", 0), 1000);
		assert_string_equal(field(doc_get(r, "by"), "user"), "ann");
		assert_string_equal(field(doc_get(r, "by"), "node"), "hv1");
	}
	edit = doc_at(list, 2);
	assert_string_equal(field(edit, "op"), "svc_create");
	assert_string_equal(field(edit, "service"), "web");
	assert_string_equal(field(edit, "comment"), "for the shop");
	assert_int_equal(strlen(field(edit, "rev")), 64);
	assert_string_equal(field(doc_at(list, 4), "text"),
			    "up: it is asked for");
}

static void what_is_refused_is_not_recorded(void **state)
{
	struct op_text t = { fixture.a, "svc_delete name=nothing" };

	(void)state;
	op_do(&fixture, op_text_command(&t));
	assert_int_equal(doc_len(records()), 0);
}

static void the_chain_holds(void **state)
{
	struct doc *list;

	(void)state;
	op_do_text(&fixture, MADE);
	list = records();
	assert_null(checked(list));
	/* The first one's, computed by hand with Python's json and hashlib. */
	assert_string_equal(field(doc_at(list, 0), "hash"),
			    "af3f8c702001446de188ec50a6a1f64be20d1a5460d37d3531"
			    "0276e2c14c3f1d");
}

static void a_changed_record_shows(void **state)
{
	static const char *const keys[] = { "text", "at",   "by", "op",
					    "prev", "hash", "seq" };

	(void)state;
	op_do_text(&fixture, MADE);
	for (size_t i = 0; i < 6; i++)
		for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
			struct doc *list = records();

			doc_put_str(fixture.a, doc_at(list, i), keys[k],
				    "something else");
			assert_non_null(checked(list));
		}
}

static void a_missing_record_shows(void **state)
{
	(void)state;
	op_do_text(&fixture, MADE);
	for (size_t gap = 0; gap < 5; gap++) {
		struct doc *list = records(), *left = doc_list(fixture.a);

		for (size_t i = 0; i < doc_len(list); i++)
			if (i != gap)
				doc_add(fixture.a, left, doc_at(list, i));
		assert_non_null(strstr(checked(left), "is missing"));
	}
}

/* One that was changed, and its hash made to fit: the next does not follow. */
static void a_forged_record_shows(void **state)
{
	struct doc *list, *r;
	const char *why;

	(void)state;
	op_do_text(&fixture, MADE);
	list = records();
	r = doc_at(list, 2);
	doc_put_str(fixture.a, r, "text", "something else");
	doc_put_str(fixture.a, r, "hash", audit_hash(fixture.a, r));
	why = checked(list);
	assert_non_null(why);
	assert_non_null(strstr(why, "record 4 does not follow"));
}

static void old_records_go_and_the_chain_holds(void **state)
{
	struct txn *t = op_write(&fixture);
	struct arena *all = fixture.a;
	struct op_look l;

	(void)state;
	for (int i = 0; i < AUDIT_KEPT + 10; i++) {
		SCOPED(arena) struct arena *a = arena_new();
		struct state s = { t, fixture.group, a };
		struct doc *d = doc_map(a);

		doc_put_int(a, d, "at", i);
		audit_add(&s, d);
	}
	op_commit(t);
	fixture.a = all;
	assert_int_equal(doc_len(records()), AUDIT_KEPT);
	assert_null(checked(records()));
	l = op_look(&fixture);
	assert_int_equal(doc_get_int(audit_anchor(&l.s), "seq", 0), 10);
	assert_int_equal(audit_last(&l.s), AUDIT_KEPT + 10);
	assert_int_equal(doc_len(audit_records(&l.s, 8000, 5)), 5);
	assert_int_equal(doc_len(audit_records(&l.s, AUDIT_KEPT + 10, 5)), 0);
	assert_int_equal(doc_len(audit_records(&l.s, UINT64_MAX, 5)), 0);
	txn_abort(l.t);
}

#define TEST(f) OP_TEST(&fixture, f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_change_is_recorded),
		TEST(what_is_refused_is_not_recorded),
		TEST(the_chain_holds),
		TEST(a_changed_record_shows),
		TEST(a_missing_record_shows),
		TEST(a_forged_record_shows),
		TEST(old_records_go_and_the_chain_holds),
	};
	int failed;

	op_fixture_init(&fixture);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	op_fixture_fini(&fixture);
	return failed;
}
