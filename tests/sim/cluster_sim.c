/*
 * cluster_sim - whole agents, three hypervisors and a container, under seeded
 * disasters: people edit the env file on every node at once, an administrator
 * starts, stops and moves, while agents die, machines lose power, the network
 * is cut and the container is rolled back to an old snapshot.
 *
 * Held after every step: a failover service is up on at most one node. Held at
 * the end, once the disasters have stopped: each edit that was acknowledged is
 * an ancestor of the head on every copy, each other one a draft or refused, and
 * the history is the same everywhere; all copies are equal at equal index, the
 * service is where it was last asked to be. The same seed gives the same run:
 * each runs twice.
 *
 *     cluster_sim [FIRST LAST]         every seed of the range, twice
 *     cluster_sim --one SEED           one, telling all
 *     cluster_sim --plant clock|kill|merge   a bug that must be found
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"
#include "cluster/sim/world.h"
#include "tests/sim/editors.h"
#include "cluster/sim/image.h"

#define HOSTS 3

static const char config[] = "[DEFAULT]\n"
			     "nodes = hv1 hv2 hv3\n"
			     "encapnodes = vm1\n"
			     "topology = failover\n"
			     "orchestrate = ha\n"
			     "[fs#1]\n"
			     "type = flag\n"
			     "[container#0]\n"
			     "type = sim\n"
			     "name = vm1\n"
			     "[app#1]\n"
			     "type = sim\n"
			     "encap = true\n"
			     "[env]\n"
			     "shared0 = nobody\n";

struct scene {
	struct world *w;
	struct world_node *hv[HOSTS], *vm;
	struct editors *editors;
	struct image *image; /* of the container; NULL: none yet */
	unsigned n_troubles;
	bool intending;
	bool want_up;	  /* the last intent that was acknowledged ... */
	bool want_unsure; /* ... unless one after it may have been, too */
};

static struct doc *request(struct arena *a, const char *op)
{
	struct doc *d = doc_map(a), *by = doc_map(a);

	doc_put_str(a, d, "op", op);
	doc_put_str(a, by, "user", "sim");
	doc_put_str(a, by, "tool", "sim");
	doc_put(a, d, "by", by);
	return d;
}

static int code_of(const struct doc *answer)
{
	return answer ? (int)doc_get_int(answer, "code", -1) : -2;
}

/* -- the beginning -----------------------------------------------------------
 */

static void found(struct scene *s)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *addresses = doc_list(a);
	const struct agent_founding f = { "sim", "c1", 0, addresses };
	struct world_node *n = s->hv[0];
	struct err err;

	doc_add(a, addresses, doc_str(a, n->name));
	if (agent_found(n->agent, world_node_ms(n), &f, &err) < 0)
		world_fail(s->w, "found: %s", err.text);
	world_run(s->w, 1500);
}

static void join(struct scene *s, struct world_node *n)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *req = request(a, "token_add"), *answer;
	char hash[65];
	struct err err;

	snprintf(hash, sizeof(hash), "%064u", n->slot + 1);
	doc_put_str(a, req, "hash", hash);
	doc_put_int(a, req, "expires", INT64_MAX);
	answer = world_call(s->hv[0], a, req, 5000);
	if (code_of(answer) != 0) {
		world_fail(s->w, "token_add: %d %s", code_of(answer),
			   doc_get_str(answer, "err", ""));
		return;
	}
	req = request(a, "node_join");
	doc_put_str(a, req, "hash", hash);
	doc_put_str(a, req, "name", n->name);
	answer = world_call(s->hv[0], a, req, 5000);
	if (code_of(answer) != 0) {
		world_fail(s->w, "node_join: %s",
			   doc_get_str(answer, "err", "no answer"));
		return;
	}
	if (agent_joined(
		    n->agent, world_node_ms(n),
		    (uint64_t)doc_get_int(doc_get(answer, "data"), "id", 0),
		    "c1", &err) < 0)
		world_fail(s->w, "joined: %s", err.text);
	world_run(s->w, 500);
}

static void create(struct scene *s)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *req = request(a, "svc_create"), *answer;

	doc_put_str(a, req, "name", "web");
	doc_put_str(a, req, "config", config);
	answer = world_call(s->hv[1], a, req, 20000);
	if (code_of(answer) != 0)
		world_fail(s->w, "create: %s",
			   doc_get_str(answer, "err", "no answer"));
}

static bool service_up(const struct scene *s)
{
	return world_places(s->w, "web") == 1 &&
	       world_resource_up(s->vm, "web", "app#1");
}

static bool service_down(const struct scene *s)
{
	return world_places(s->w, "web") == 0;
}

static bool until(struct scene *s, bool (*is)(const struct scene *s),
		  uint64_t ms)
{
	for (uint64_t t = 0; t < ms && !is(s); t += 20)
		if (!world_run(s->w, 20))
			return false;
	return is(s);
}

/* -- what people do ----------------------------------------------------------
 */

struct asked {
	struct scene *s;
	bool up;
};

static void on_intended(void *arg, struct arena *a, struct doc *answer)
{
	struct asked *e = arg;

	(void)a;
	e->s->intending = false;
	if (code_of(answer) == OP_OK) {
		e->s->want_up = e->up;
		e->s->want_unsure = false;
	} else if (code_of(answer) == OP_TIMEOUT) {
		e->s->want_unsure = true;
	}
	world_trace(e->s->w, "intent %s: %d %s", e->up ? "up" : "down",
		    code_of(answer), doc_get_str(answer, "err", ""));
	free(e);
}

static void intend(struct scene *s, struct world_node *n, bool up,
		   const char *node)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *req = request(a, "svc_intent");
	struct asked *e;

	if (!n->agent || s->intending)
		return;
	e = calloc(1, sizeof(*e));
	if (!e)
		abort();
	e->s = s;
	e->up = up;
	s->intending = true;
	doc_put_str(a, req, "name", "web");
	doc_put_str(a, req, "want", up ? "started" : "stopped");
	doc_put_str(a, req, "level", "both");
	if (node)
		doc_put_str(a, req, "node", node);
	world_trace(s->w, "intent %s%s%s at %s", up ? "up" : "down",
		    node ? " on " : "", node ? node : "", n->name);
	world_ask(n, req, on_intended, e);
}

/* -- disasters ---------------------------------------------------------------
 */

static void boot_all(struct scene *s)
{
	for (unsigned i = 0; i < HOSTS; i++) {
		s->hv[i]->cut = false;
		world_boot(s->hv[i]);
	}
}

/* Whatever supervises it starts it again within half a lease; what if nothing
 * does is docs/decisions/leases.md's last paragraph but one. */
static void agent_dies(struct world_node *n)
{
	if (!n->agent)
		return;
	world_agent_kill(n);
	world_agent_start_in(n, 50 + world_random(n->world, 1450));
}

/* A snapshot of the container, or the way back to the last one. */
static void snapshot(struct scene *s)
{
	if (!s->vm->up)
		return;
	if (s->image && world_random(s->w, 3) != 0) {
		image_restore(s->image, s->vm);
		editors_rolled_back(s->editors, s->vm);
		return;
	}
	image_free(s->image);
	s->image = image_take(s->vm);
}

static void disaster(struct scene *s)
{
	struct world *w = s->w;
	struct world_node *n = s->hv[world_random(w, HOSTS)];

	switch (world_random(w, 14)) {
	case 12:
	case 13:
		snapshot(s);
		break;
	case 0:
	case 1:
		s->n_troubles++;
		agent_dies(n);
		break;
	case 2:
		agent_dies(s->vm);
		break;
	case 3:
	case 4:
		s->n_troubles++;
		world_power_off(n);
		break;
	case 5:
	case 6:
		s->n_troubles++;
		n->cut = true;
		world_trace(w, "%s: cut", n->name);
		break;
	case 7:
		s->n_troubles += HOSTS;
		for (unsigned i = 0; i < HOSTS; i++)
			world_power_off(s->hv[i]);
		break;
	default: /* things get better */
		n->cut = false;
		world_boot(n);
		break;
	}
}

static void act(struct scene *s)
{
	static const char *const names[] = { "hv1", "hv2", "hv3" };
	struct world_node *n = s->hv[world_random(s->w, HOSTS)];

	switch (world_random(s->w, 16)) {
	case 0:
		intend(s, n, world_random(s->w, 4) != 0, NULL);
		break;
	case 1:
		intend(s, n, true, names[world_random(s->w, HOSTS)]);
		break;
	case 2:
	case 3:
	case 4:
		disaster(s);
		break;
	default:
		for (unsigned i = 0; i < 3; i++)
			editors_act(s->editors);
		break;
	}
}

/* -- what must hold at the end ------------------------------------------------
 */

static void check_group(struct scene *s, struct world_node *x,
			struct world_node *y, uint64_t gid)
{
	struct engine_info xi, yi;
	struct txn *xt, *yt;

	if (!engine_info(x->agent->engine, gid, &xi) ||
	    !engine_info(y->agent->engine, gid, &yi) ||
	    xi.applied != yi.applied)
		return;
	xt = txn_begin_read(x->db, NULL);
	yt = txn_begin_read(y->db, NULL);
	if (xt && yt && txn_digest(xt, gid) != txn_digest(yt, gid))
		world_fail(s->w,
			   "group %llu differs between %s and %s at index %llu",
			   (unsigned long long)gid, x->name, y->name,
			   (unsigned long long)xi.applied);
	txn_abort(xt);
	txn_abort(yt);
}

static void check_copies(struct scene *s)
{
	uint64_t gids[16];
	size_t n = engine_groups(s->hv[0]->agent->engine, gids, 16);

	for (size_t g = 0; g < n; g++)
		for (unsigned i = 0; i < s->w->n; i++)
			if (s->w->node[i].agent)
				check_group(s, s->hv[0], &s->w->node[i],
					    gids[g]);
}

/* A node is declared lost for a reason. */
static void check_epochs(struct scene *s)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = txn_begin_read(s->hv[0]->db, NULL);
	struct doc *nodes = state_nodes(&(struct state){ t, CLUSTER_GROUP, a });
	int64_t losses = 0;

	for (size_t i = 0; i < doc_len(nodes); i++)
		losses += doc_get_int(doc_at(nodes, i), "epoch", 1) - 1;
	txn_abort(t);
	if (losses > (int64_t)s->n_troubles + HOSTS)
		world_fail(s->w,
			   "nodes were declared lost %lld times in %u "
			   "disasters",
			   (long long)losses, s->n_troubles);
}

static bool all_answered(const struct scene *s)
{
	return editors_idle(s->editors) && !s->intending;
}

static void check_end(struct scene *s)
{
	bool (*is)(const struct scene *s) = service_up;

	if (!until(s, all_answered, 30000)) {
		world_fail(s->w, "a request is not answered");
		return;
	}
	if (!s->want_up && !s->want_unsure)
		is = service_down;
	if (s->want_unsure) {
		world_run(s->w, 60000);
		if (!service_up(s) && !service_down(s))
			world_fail(s->w, "the service is neither up nor down");
	} else if (!until(s, is, 90000)) {
		world_fail(s->w,
			   "a minute and a half after the last disaster "
			   "the service is not %s",
			   s->want_up ? "up" : "down");
	}
	world_run(s->w, 5000); /* for all to have what was agreed on last */
	for (unsigned i = 0; i < s->w->n && !s->w->failure[0]; i++) {
		struct world_node *n = &s->w->node[i];

		if (!n->agent) /* the container's, where it is stopped */
			continue;
		editors_check(s->editors, n);
		editors_compare(s->editors, s->hv[0], n);
	}
	if (!s->w->failure[0])
		check_copies(s);
	if (!s->w->failure[0])
		check_epochs(s);
}

/* -- a run
 * --------------------------------------------------------------------- */

static const char *plant;

static void plant_bug(struct scene *s)
{
	if (plant && strcmp(plant, "clock") == 0)
		for (unsigned i = 0; i < HOSTS; i++)
			s->hv[i]->speed = i ? 1000 : 300;
	if (plant && strcmp(plant, "kill") == 0)
		s->w->drop_kills = true;
	if (plant && strcmp(plant, "merge") == 0)
		editors_plant_lost_key();
}

static void play(struct scene *s)
{
	char name[8];

	for (unsigned i = 0; i < HOSTS; i++) {
		snprintf(name, sizeof(name), "hv%u", i + 1);
		s->hv[i] = world_add(s->w, name, false);
	}
	s->vm = world_add(s->w, "vm1", true);
	plant_bug(s);
	for (unsigned i = 0; i < HOSTS; i++)
		world_boot(s->hv[i]);
	found(s);
	for (unsigned i = 1; i < HOSTS && !s->w->failure[0]; i++)
		join(s, s->hv[i]);
	if (!s->w->failure[0])
		create(s);
	s->want_up = true;
	intend(s, s->hv[1], true, NULL);
	if (!s->w->failure[0] && !until(s, service_up, 30000))
		world_fail(s->w, "the service does not start");
	for (unsigned i = 0; i < 120 && !s->w->failure[0]; i++) {
		act(s);
		world_run(s->w, 50 + world_random(s->w, 1200));
	}
	if (s->w->failure[0])
		return;
	world_trace(s->w, "-- the disasters end --");
	boot_all(s);
	check_end(s);
}

static void tell_groups(const struct world_node *n)
{
	uint64_t gids[16];
	size_t count = engine_groups(n->agent->engine, gids, 16);

	for (size_t i = 0; i < count; i++) {
		struct engine_info e;

		if (engine_info(n->agent->engine, gids[i], &e))
			printf("%s: group %llu: self %llu leader %llu term "
			       "%llu commit %llu applied %llu last %llu\n",
			       n->name, (unsigned long long)gids[i],
			       (unsigned long long)e.self,
			       (unsigned long long)e.leader,
			       (unsigned long long)e.term,
			       (unsigned long long)e.commit,
			       (unsigned long long)e.applied,
			       (unsigned long long)e.last);
	}
}

static void counts_add(struct editors_counts *to,
		       const struct editors_counts *c)
{
	to->acked += c->acked;
	to->merged += c->merged;
	to->drafted += c->drafted;
	to->resolved += c->resolved;
	to->old_copies += c->old_copies;
}

static bool run_once(uint64_t seed, bool verbose, uint64_t *ret_trace,
		     struct editors_counts *counts)
{
	struct scene s = { .w = world_new(seed, verbose) };
	struct editors_counts c;
	bool ok;

	s.editors = editors_new(s.w, "web");

	play(&s);
	ok = !s.w->failure[0];
	if (!ok)
		printf("seed %llu: at %.3f s: %s\n", (unsigned long long)seed,
		       (double)s.w->now_us / 1e6, s.w->failure);
	for (unsigned i = 0; verbose && !ok && i < s.w->n; i++)
		if (s.w->node[i].agent)
			tell_groups(&s.w->node[i]);
	*ret_trace = s.w->trace;
	world_free(s.w);
	image_free(s.image);
	c = editors_counts(s.editors);
	counts_add(counts, &c);
	editors_free(s.editors);
	return ok;
}

static bool run_twice(uint64_t seed, struct editors_counts *counts)
{
	struct editors_counts again = { 0 };
	uint64_t one, two;

	if (!run_once(seed, false, &one, counts) ||
	    !run_once(seed, false, &two, &again))
		return false;
	if (one == two)
		return true;
	printf("seed %llu: two runs differ\n", (unsigned long long)seed);
	return false;
}

static int run_plant(void)
{
	struct editors_counts counts = { 0 };
	uint64_t trace;

	for (uint64_t seed = 1; seed <= 30; seed++)
		if (!run_once(seed, false, &trace, &counts)) {
			printf("the planted bug was found\n1 passed, 0 "
			       "failed\n");
			return 0;
		}
	printf("30 seeds did not find the planted bug '%s'\n0 passed, 1 "
	       "failed\n",
	       plant);
	return 1;
}

int main(int argc, char **argv)
{
	uint64_t first = 1, last = 20, trace;
	struct editors_counts counts = { 0 };
	unsigned passed = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && strcmp(argv[1], "--one") == 0)
		return !run_once(strtoull(argv[2], NULL, 10), true, &trace,
				 &counts);
	if (argc == 3 && strcmp(argv[1], "--plant") == 0) {
		plant = argv[2];
		return run_plant();
	}
	if (argc == 3) {
		first = strtoull(argv[1], NULL, 10);
		last = strtoull(argv[2], NULL, 10);
	}
	for (uint64_t seed = first; seed <= last; seed++)
		if (run_twice(seed, &counts))
			passed++;
		else
			failed++;
	printf("%u edits were acknowledged, %u of them by a merge; %u became "
	       "drafts, of which %u were resolved; %u old copies were no "
	       "edit\n",
	       counts.acked, counts.merged, counts.drafted, counts.resolved,
	       counts.old_copies);
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
