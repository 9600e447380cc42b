/*
 * A fence that is carried out, and not agreed yet: the node that it ended must
 * not be let back into the epoch that is about to be over. In a simulated
 * cluster of real agents, with a power switch that reaches every machine.
 */
#include <string.h>

#include "cluster/sim/world.h"
#include "tests/lib/table.h"

#define CONFIG                                                                 \
	"[DEFAULT]\nnodes = hv1 hv2 hv3\norchestrate = ha\n[fs#1]\ntype = "    \
	"flag\n"
#define STEP_MS 5

struct lab {
	struct world *w;
	struct arena *a;
	struct world_node *hv[3];
};

static struct doc *request(struct lab *l, const char *op)
{
	struct doc *d = doc_map(l->a);

	doc_put_str(l->a, d, "op", op);
	return d;
}

static struct doc *must(struct lab *l, struct world_node *n,
			const struct doc *req)
{
	struct doc *answer = world_call(n, l->a, req, 20000);

	if (!answer || doc_get_int(answer, "code", -1) != 0)
		fail_msg("%s: %s", doc_get_str(req, "op", ""),
			 doc_get_str(answer, "err", "no answer"));
	return doc_get(answer, "data");
}

static void pass(struct lab *l, uint64_t ms)
{
	if (!world_run(l->w, ms))
		fail_msg("%s", l->w->failure);
}

static void join(struct lab *l, struct world_node *n)
{
	const char *hash = arena_printf(l->a, "%064u", n->slot + 1);
	struct doc *req = request(l, "token_add");
	struct err err;
	uint64_t id;

	doc_put_str(l->a, req, "hash", hash);
	doc_put_int(l->a, req, "expires", INT64_MAX);
	must(l, l->hv[0], req);
	req = request(l, "node_join");
	doc_put_str(l->a, req, "hash", hash);
	doc_put_str(l->a, req, "name", n->name);
	id = (uint64_t)doc_get_int(must(l, l->hv[0], req), "id", 0);
	assert_int_equal(
		agent_joined(n->agent, world_node_ms(n), id, "c1", &err), 0);
	pass(l, 300);
}

static void configure(struct lab *l)
{
	struct doc *req = request(l, "cluster_configure");
	struct doc *set = doc_put(l->a, req, "set", doc_list(l->a));

	doc_add(l->a, set, doc_str(l->a, "fence#hv1.command=switch"));
	doc_add(l->a, set, doc_str(l->a, "fence#hv1.retries=0"));
	doc_add(l->a, set, doc_str(l->a, "fence#hv1.timeout=1s"));
	must(l, l->hv[0], req);
}

static void begin(struct lab *l, uint64_t seed)
{
	static const char *const names[] = { "hv1", "hv2", "hv3" };
	struct doc *req, *addresses;
	struct agent_founding f = { "sim", "c1", 3000, NULL };
	struct err err;

	l->a = arena_new();
	l->w = world_new(seed, NULL);
	for (size_t i = 0; i < 3; i++) {
		l->hv[i] = world_add(l->w, names[i], false);
		world_boot(l->hv[i]);
	}
	addresses = doc_list(l->a);
	doc_add(l->a, addresses, doc_str(l->a, "hv1"));
	f.addresses = addresses;
	assert_int_equal(
		agent_found(l->hv[0]->agent, world_node_ms(l->hv[0]), &f, &err),
		0);
	pass(l, 1500);
	join(l, l->hv[1]);
	join(l, l->hv[2]);
	configure(l);
	req = request(l, "svc_create");
	doc_put_str(l->a, req, "name", "web");
	doc_put_str(l->a, req, "config", CONFIG);
	must(l, l->hv[0], req);
	req = request(l, "svc_intent");
	doc_put_str(l->a, req, "name", "web");
	doc_put_str(l->a, req, "want", "started");
	doc_put_str(l->a, req, "node", "hv1");
	must(l, l->hv[0], req);
	for (int i = 0; i < 2000 && !world_resource_up(l->hv[0], "web", "fs#1");
	     i++)
		pass(l, STEP_MS);
	assert_true(world_resource_up(l->hv[0], "web", "fs#1"));
	pass(l, 2000);
}

static void end(struct lab *l)
{
	world_free(l->w);
	arena_free(l->a);
}

static void fence(struct lab *l, struct world_node *asked)
{
	struct doc *req = request(l, "node_fence");

	doc_put_str(l->a, req, "node", "hv1");
	doc_put_str(l->a, req, "action", "reboot");
	must(l, asked, req);
}

static const struct doc *fence_of_hv1(struct lab *l, struct world_node *asked)
{
	const struct doc *nodes =
		doc_get(must(l, asked, request(l, "node_ls")), "nodes");

	for (size_t i = 0; i < doc_len(nodes); i++)
		if (doc_is(doc_at(nodes, i), "name", "hv1"))
			return doc_at(nodes, i);
	fail_msg("hv1 is not known");
	return NULL;
}

/* Until it was switched off and is up again, with an agent. */
static void until_rebooted(struct lab *l, unsigned boots)
{
	for (int i = 0; i < 4000 && (l->hv[0]->boots == boots || !l->hv[0]->up);
	     i++)
		pass(l, STEP_MS);
	assert_true(l->hv[0]->boots > boots && l->hv[0]->up);
}

static void until_up_once(struct lab *l)
{
	for (int i = 0; i < 8000 && world_places(l->w, "web") != 1; i++)
		pass(l, STEP_MS);
	assert_int_equal(world_places(l->w, "web"), 1);
}

/* -- as it goes when nothing else goes wrong --------------------------------
 */

static void test_confirmed(void **state)
{
	struct lab l;
	unsigned boots;
	int i = 0;

	(void)state;
	begin(&l, 11);
	boots = l.hv[0]->boots;
	fence(&l, l.hv[2]);
	until_rebooted(&l, boots);
	while (i++ < 2000 &&
	       !doc_is(doc_get(fence_of_hv1(&l, l.hv[2]), "fence"), "state",
		       "done"))
		pass(&l, STEP_MS);
	assert_int_equal(doc_get_int(fence_of_hv1(&l, l.hv[2]), "fenced", 0),
			 1);
	until_up_once(&l);
	/* It is a member like any other, in its next epoch. */
	pass(&l, 5000);
	assert_string_equal(doc_get_str(fence_of_hv1(&l, l.hv[2]), "state", ""),
			    "up");
	assert_int_equal(l.hv[0]->lease_epoch, 2);
	assert_int_equal(world_places(l.w, "web"), 1);
	end(&l);
}

/* -- the one who did it cannot say so ---------------------------------------
 */

static void test_not_agreed_yet(void **state)
{
	struct world_node *runner;
	const struct doc *row;
	struct lab l;
	unsigned boots, looks = 0;
	const char *who;

	(void)state;
	begin(&l, 12);
	boots = l.hv[0]->boots;
	fence(&l, l.hv[2]);
	while (l.hv[0]->up && l.hv[0]->boots == boots)
		pass(&l, 1);
	/* It is off. Who has done it is cut off before that is agreed. */
	row = fence_of_hv1(&l, l.hv[2]);
	who = doc_get_str(doc_get(row, "fence"), "runner", "");
	runner = world_named(l.w, who);
	assert_non_null(runner);
	if (doc_is(doc_get(row, "fence"), "state", "done")) {
		end(&l);
		fail_msg("it was agreed within a millisecond");
	}
	runner->cut = true;
	until_rebooted(&l, boots);
	/* hv1 is back, and asks; the epoch in which it ran is not over. */
	for (int i = 0; i < 400; i++) {
		struct world_node *other =
			runner == l.hv[2] ? l.hv[1] : l.hv[2];
		const struct doc *now = fence_of_hv1(&l, other);

		if (!doc_is(doc_get(now, "fence"), "state", "running") ||
		    l.hv[0]->boots != boots + 1)
			break;
		looks++;
		assert_int_equal(l.hv[0]->lease_epoch, 0);
		assert_int_equal(world_places(l.w, "web"), 0);
		pass(&l, STEP_MS);
	}
	assert_true(looks > 10);
	runner->cut = false;
	until_up_once(&l);
	pass(&l, 10000);
	assert_int_equal(world_places(l.w, "web"), 1);
	end(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_confirmed),
		cmocka_unit_test(test_not_agreed_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
