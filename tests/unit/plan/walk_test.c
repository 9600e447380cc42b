/*
 * Random walks: crashes, cuts, restarts of agents, operations that fail, late
 * and lost documents, old copies of the node table, people who change their
 * minds. At every step: never up on two nodes, never up after a stop. In the
 * end, once nothing fails any more, what a person asks for is what is there,
 * and nothing changes any more.
 *
 * PLAN_SEEDS=N walks N of them, PLAN_SEED=S the one.
 */
#include "tests/lib/table.h"

#include "tests/unit/plan/plan_world.h"

#define SEEDS  16
#define STEPS  500
#define REPAIR 60 /* for the leases and documents to be current */
#define SETTLE 260
#define QUIET  40

static const char *const worlds[] = {
	"ha hv1 hv2 hv3; vms vm1; want stopped 0; encap stopped 0",
	"no hv1 hv2 hv3; vms vm1; want stopped 0; encap stopped 0",
	"start hv3 hv1 hv2; vms vm1; want stopped 0; encap stopped 0",
	"ha hv1 hv2 hv3; norollback; vms vm1; want stopped 0; encap stopped 0",
};

static void walk(struct world *w, uint64_t seed, unsigned steps)
{
	while (steps--) {
		world_step(w);
		if (!w->broken)
			continue;
		print_error("seed %llu, time %u: %s\n",
			    (unsigned long long)seed, w->now, w->broken);
		fail();
	}
}

static void repair(struct world *w, uint64_t seed)
{
	w->faults = false;
	w->s.frozen = false;
	for (size_t i = 0; i < WORLD_NODES; i++) {
		w->node[i].powered = w->node[i].linked = true;
	}
	walk(w, seed, REPAIR);
}

static void assert_settled(struct world *w, uint64_t seed, const char *want)
{
	uint64_t version;
	size_t up = 0, inside = 0, any = 0;

	walk(w, seed, SETTLE);
	version = w->version;
	walk(w, seed, QUIET);
	for (size_t i = 0; i < WORLD_NODES; i++) {
		up += world_all_up(&w->node[i].hv);
		inside += world_all_up(&w->node[i].vm);
		any += world_any_up(&w->node[i].hv);
	}
	if (version != w->version ||
	    (strcmp(want, "stopped") == 0 ? any != 0 : up != 1 || inside != 1))
		print_error("seed %llu, %s: %zu up, %zu inside, %zu partly%s\n",
			    (unsigned long long)seed, want, up, inside, any,
			    version == w->version ? "" : ", and it changes");
	assert_int_equal(version, w->version);
	if (strcmp(want, "stopped") == 0) {
		assert_int_equal(any, 0);
		return;
	}
	assert_int_equal(up, 1);
	assert_int_equal(inside, 1);
	assert_string_equal(doc_get_str(w->s.intent, "want", ""), "started");
}

static uint64_t digest(const struct world *w)
{
	struct buf b = BUF(w->a);
	uint64_t h = 14695981039346656037ULL;

	doc_json(&b, w->s.assigns, 0);
	doc_json(&b, w->s.instances, 0);
	for (size_t i = 0; i < b.len; i++)
		h = (h ^ (unsigned char)b.data[i]) * 1099511628211ULL;
	return h ^ w->version;
}

/* Returns how often it was brought up, so that a walk in which nothing ever
 * ran is not taken for a good one. */
static size_t one_walk(uint64_t seed, uint64_t *ret_digest)
{
	static const char *const ends[] = { "started", "stopped", "restart" };
	SCOPED(arena) struct arena *a = arena_new();
	struct world *w = world_new(a, worlds[seed % 4], seed);
	const char *end = ends[seed / 4 % 3];

	w->faults = true;
	world_intent(w, "started", -1);
	walk(w, seed, STEPS);
	repair(w, seed);
	world_intent(w, end, seed % 5 == 0 && end != ends[1] ? 1 : -1);
	assert_settled(w, seed, end);
	if (seed % 5 == 0 && end != ends[1])
		assert_true(world_all_up(&w->node[1].hv));
	*ret_digest = digest(w);
	return w->ups;
}

static void never_twice_and_it_settles(void **state)
{
	const char *only = getenv("PLAN_SEED"), *many = getenv("PLAN_SEEDS");
	uint64_t first = only ? strtoull(only, NULL, 10) : 1, d;
	uint64_t n = many ? strtoull(many, NULL, 10) : only ? 1 : SEEDS;
	size_t ups = 0;

	(void)state;
	for (uint64_t seed = first; seed < first + n; seed++)
		ups += one_walk(seed, &d);
	assert_true(ups > 3 * n);
}

static void the_same_seed_gives_the_same_walk(void **state)
{
	uint64_t d1, d2, other;

	(void)state;
	one_walk(3, &d1);
	one_walk(3, &d2);
	one_walk(4, &other);
	assert_int_equal(d1, d2);
	assert_int_not_equal(d1, other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_twice_and_it_settles),
		cmocka_unit_test(the_same_seed_gives_the_same_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
