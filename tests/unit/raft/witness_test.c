/* Two members and a witness, of one group. */
#include "cluster/raft/internal.h"
#include "tests/unit/raft/rig.h"

#define W 2 /* its place among the nodes; its id is 3 */

static bool leaked, led_sealed;
static uint64_t cut_a, cut_b;

static bool holds_text(const struct doc *d, const char *text)
{
	if (d->type == DOC_BIN || d->type == DOC_STR)
		return memmem(d->str.data, d->str.len, text, strlen(text)) !=
		       NULL;
	for (size_t i = 0; i < doc_len(d); i++)
		if (holds_text(doc_at(d, i), text))
			return true;
	return false;
}

static bool pass(struct rig *r, uint64_t from, uint64_t to,
		 const struct doc *msg)
{
	(void)r;
	leaked = leaked ||
		 ((to == W + 1 || from == W + 1) && holds_text(msg, "plain"));
	led_sealed = led_sealed || (from == W + 1 && doc_get(msg, "e") &&
				    doc_get_bool(msg, "sl", false));
	return !((from == cut_a && to == cut_b) ||
		 (from == cut_b && to == cut_a));
}

static struct engine_server server(uint64_t id)
{
	struct engine_server s = rig_server(id, ENGINE_VOTER);

	if (id == W + 1)
		s.address = ENGINE_WITNESS "three";
	return s;
}

static void witness_set_up(struct rig *r, bool member)
{
	struct engine_server s[] = { server(1), server(2), server(3) };
	struct err err;

	leaked = led_sealed = false;
	cut_a = cut_b = 0;
	r->pass = pass;
	rig_start(r, 3);
	r->nodes[W].witness = true;
	engine_be_witness(r->nodes[W].engine);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(engine_bootstrap(r->nodes[i].engine, RIG_GROUP,
						  i + 1, &rig_timing, s,
						  member ? 3 : 2, NULL, 0,
						  &err),
				 0);
	assert_int_equal(engine_join(r->nodes[W].engine, RIG_GROUP, W + 1,
				     &rig_timing, &err),
			 0);
	rig_run(r, 1000); /* it has heard of them */
}

static void cut(uint64_t a, uint64_t b)
{
	cut_a = a;
	cut_b = b;
}

static void boot(struct rig_node *x)
{
	struct err err;

	assert_int_equal(rig_boot(x, "boot", &err), 0);
}

static const struct egroup *group_of(struct rig *r, size_t i)
{
	return engine_group(r->nodes[i].engine, RIG_GROUP);
}

static void assert_value(struct rig_node *x, const char *key, const char *val)
{
	char got[64];

	rig_get(x, key, got, sizeof(got));
	assert_string_equal(got, val);
}

static struct rig_node *other(struct rig *r, const struct rig_node *x)
{
	return &r->nodes[x == &r->nodes[0]];
}

static void it_keeps_what_it_cannot_read(void **state)
{
	struct rig r = { 0 };
	struct rig_node *leader;

	(void)state;
	witness_set_up(&r, true);
	leader = rig_leader(&r);
	rig_put(leader, "k", "plain");
	rig_run(&r, 200);
	assert_value(other(&r, leader), "k", "plain");
	assert_value(&r.nodes[W], "k", "");
	assert_int_equal(glog_last(&group_of(&r, W)->log),
			 glog_last(&group_of(&r, 0)->log));
	assert_false(leaked);
	rig_end(&r);
}

static void any_one_may_die(void **state)
{
	struct rig r = { 0 };
	struct rig_node *leader;

	(void)state;
	witness_set_up(&r, true);
	rig_put(rig_leader(&r), "k0", "plain");
	for (size_t i = 0; i < 3; i++) {
		char key[8];

		rig_stop(&r.nodes[i]);
		leader = rig_leader(&r);
		assert_true(leader != &r.nodes[W]);
		snprintf(key, sizeof(key), "k%zu", i + 1);
		rig_put(leader, key, "plain");
		boot(&r.nodes[i]);
		rig_run(&r, 2000);
		assert_value(&r.nodes[0], key, "plain");
		assert_value(&r.nodes[1], key, "plain");
	}
	assert_false(leaked);
	rig_end(&r);
}

/* It is on the leader and on the witness when the leader dies: the other one
 * must get it from the witness, which has to lead for that. */
static void a_fresh_entry(void **state)
{
	struct rig r = { 0 };

	(void)state;
	for (unsigned n = 1; n < 1200; n += 599) {
		struct rig_node *leader, *heir;
		char key[16];

		witness_set_up(&r, true);
		leader = rig_leader(&r);
		heir = other(&r, leader);
		rig_put(leader, "before", "plain");
		rig_run(&r, 100);
		cut(leader->id, heir->id);
		for (unsigned i = 0; i < n; i++) {
			snprintf(key, sizeof(key), "k%u", i);
			rig_put(leader, key, "plain");
		}
		assert_value(heir, key, "");
		rig_stop(leader);
		assert_ptr_equal(rig_leader(&r), heir);
		assert_value(heir, key, "plain");
		assert_value(heir, "k0", "plain");
		assert_true(led_sealed);
		rig_put(heir, "after", "plain");
		assert_false(leaked);
		rig_end(&r);
	}
}

/* And it is so durable there that the witness may crash, too. */
static void a_fresh_entry_and_power_cuts(void **state)
{
	struct rig r = { 0 };
	struct rig_node *leader, *heir;

	(void)state;
	witness_set_up(&r, true);
	leader = rig_leader(&r);
	heir = other(&r, leader);
	cut(leader->id, heir->id);
	rig_put(leader, "k", "plain");
	rig_stop(leader);
	rig_stop(&r.nodes[W]);
	boot(&r.nodes[W]);
	assert_ptr_equal(rig_leader(&r), heir);
	assert_value(heir, "k", "plain");
	rig_end(&r);
}

static void put_many(struct rig *r, unsigned n)
{
	char key[16];

	for (unsigned i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "m%u", i);
		rig_put(rig_leader(r), key, "plain");
	}
}

static void it_keeps_only_the_tail(void **state)
{
	struct rig r = { 0 };

	(void)state;
	witness_set_up(&r, true);
	put_many(&r, 1000);
	rig_run(&r, 500);
	assert_true(group_of(&r, W)->log.n < 600);
	assert_true(group_of(&r, W)->snap.index > 400);
	rig_stop(&r.nodes[W]);
	boot(&r.nodes[W]);
	rig_run(&r, 500);
	assert_true(group_of(&r, W)->log.n < 600);
	rig_stop(&r.nodes[1]);
	rig_put(rig_leader(&r), "k", "plain");
	assert_false(leaked);
	rig_end(&r);
}

/* The leader's log does not reach back to the begin: it is told of a snapshot,
 * and takes it as read. */
static void it_joins_late(void **state)
{
	struct engine_server s[] = { server(1), server(2), server(3) };
	struct rig r = { .snapshot_entries = 50, .trailing = 10 };
	struct err err;

	(void)state;
	witness_set_up(&r, false);
	put_many(&r, 300);
	for (unsigned ms = 0; ms < 5000; ms++) {
		engine_set_members(rig_leader(&r)->engine, RIG_GROUP, s, 3,
				   &err);
		rig_run(&r, 1);
	}
	assert_true(group_of(&r, W)->snap.index > 200);
	rig_stop(rig_leader(&r));
	rig_put(rig_leader(&r), "k", "plain");
	assert_false(leaked);
	rig_end(&r);
}

/* -- at random ------------------------------------------------------------- */

static unsigned dice(uint64_t *seed, unsigned sides)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(*seed >> 33) % sides;
}

struct written {
	struct rig_answer answer;
	char key[16];
};

static void upset(struct rig *r, uint64_t *seed)
{
	struct rig_node *x = &r->nodes[dice(seed, 3)];

	switch (dice(seed, 3)) {
	case 0:
		for (size_t i = 0; i < 3; i++)
			if (r->nodes[i].down)
				boot(&r->nodes[i]);
		rig_stop(x);
		break;
	case 1:
		cut(1 + dice(seed, 3), 1 + dice(seed, 3));
		break;
	default:
		cut(0, 0);
	}
}

/* Whatever was acknowledged is there in the end, on both. */
static void nothing_acknowledged_is_lost(void **state)
{
	enum { WRITES = 60 };

	(void)state;
	for (uint64_t start = 1; start <= 12; start++) {
		struct written w[WRITES];
		struct rig r = { .snapshot_entries = 20, .trailing = 5 };
		uint64_t seed = start;
		unsigned acknowledged = 0;

		witness_set_up(&r, true);
		for (unsigned i = 0; i < WRITES; i++) {
			struct rig_node *x = &r.nodes[dice(&seed, 2)];

			if (dice(&seed, 3) == 0)
				upset(&r, &seed);
			snprintf(w[i].key, sizeof(w[i].key), "w%u", i);
			w[i].answer = (struct rig_answer){ .code = -1 };
			if (!x->down)
				rig_propose(x, &w[i].answer, w[i].key, "plain",
					    300);
			rig_run(&r, 20 + dice(&seed, 400));
		}
		cut(0, 0);
		for (size_t i = 0; i < 3; i++)
			if (r.nodes[i].down)
				boot(&r.nodes[i]);
		rig_put(rig_leader(&r), "end", "plain");
		rig_run(&r, 1000);
		for (unsigned i = 0; i < WRITES; i++) {
			if (!w[i].answer.calls || w[i].answer.code != 0)
				continue;
			acknowledged++;
			assert_value(&r.nodes[0], w[i].key, "plain");
			assert_value(&r.nodes[1], w[i].key, "plain");
		}
		assert_true(acknowledged > 5);
		assert_false(leaked);
		rig_end(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_keeps_what_it_cannot_read),
		cmocka_unit_test(any_one_may_die),
		cmocka_unit_test(a_fresh_entry),
		cmocka_unit_test(a_fresh_entry_and_power_cuts),
		cmocka_unit_test(it_keeps_only_the_tail),
		cmocka_unit_test(it_joins_late),
		cmocka_unit_test(nothing_acknowledged_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
