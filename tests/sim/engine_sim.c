/*
 * engine_sim - the raft engine in a simulated world, one run per seed.
 *
 * What is drawn from the seed is a plan (plan.h): how the world is, and what
 * goes wrong in it, when. See runner.h for how it is called.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/chaos.h"
#include "tests/sim/checks.h"
#include "tests/sim/plant.h"
#include "tests/sim/runner.h"

enum {
	CONVERGE_US = 60 * SECOND,
};

static const char *const count_names[] = {
	"s of simulated time",
	"events",
	"messages",
	"lost",
	"crashes",
	"of machines",
	"torn writes",
	"pauses",
	"jumps of clocks",
	"leaders",
	"transfers",
	"member steps",
	"joins",
	"drops",
	"chunks of snapshots",
	"commands acknowledged",
	"reads",
	"copies compared",
	NULL,
};

/* What a run is like; it is made smaller by lowering these. */
static void draw(uint64_t seed, struct plan *p)
{
	uint64_t chance = seed * UINT64_C(0x2545f4914f6cdd1d);
	bool big = chance_hit(&chance, 150);

	p->seed = seed;
	p->end_ms = 3000 + chance_pick(&chance, 6000);
	plan_set(p, "nodes", 3 + (unsigned)(seed % 4), 2);
	plan_set(p, "groups", 1 + (unsigned)chance_pick(&chance, WORLD_GROUPS),
		 1);
	plan_set(p, "delay-ms", chance_hit(&chance, 300) ? 20 : 2, 1);
	plan_set(p, "loss",
		 chance_hit(&chance, 500) ? (unsigned)chance_pick(&chance, 80)
					  : 0,
		 0);
	plan_set(p, "twice",
		 chance_hit(&chance, 500) ? (unsigned)chance_pick(&chance, 80)
					  : 0,
		 0);
	plan_set(p, "reorders", chance_hit(&chance, 400), 0);
	plan_set(p, "snapshot-after", 10 + (unsigned)chance_pick(&chance, 90),
		 10);
	plan_set(p, "trailing", 1 + (unsigned)chance_pick(&chance, 30), 1);
	plan_set(p, "big", big, 0);
	plan_set(p, "dies-voting", chance_hit(&chance, 300) ? 200 : 0, 0);
	plan_set(p, "busy", chance_hit(&chance, 500), 0);
	chaos_draw(p, &chance);
}

static void shape(const struct plan *p, struct world *w,
		  struct clients *clients)
{
	static const uint64_t gids[WORLD_GROUPS] = { 1, 20, UINT64_MAX / 3 };
	bool big = plan_get(p, "big") != 0;

	w->checks->n_groups = plan_get(p, "groups");
	for (unsigned i = 0; i < w->checks->n_groups; i++)
		w->checks->groups[i].gid = gids[i];
	w->net.delay_us = plan_get(p, "delay-ms") * MS;
	w->net.loss = plan_get(p, "loss");
	w->net.dup = plan_get(p, "twice");
	w->net.reorders = plan_get(p, "reorders") != 0;
	w->snapshot_entries = plan_get(p, "snapshot-after");
	w->trailing = plan_get(p, "trailing");
	w->wal_segment = (big ? 1024 : 128) << 10;
	w->die_voting = plan_get(p, "dies-voting");
	clients->text_len = big ? 20000 : 200;
	clients->pause_us = (plan_get(p, "busy") ? 10 : 100) * MS;
}

static void run_world(const struct plan *p, struct world *w, struct chaos *c)
{
	uint64_t end = p->end_ms * MS;
	char why[256] = "";

	while (w->now_us < end && world_step(w))
		;
	if (w->ended)
		return;
	chaos_end(c);
	end = w->now_us + CONVERGE_US;
	while (!chaos_converged(c, why)) {
		uint64_t next = w->now_us + 50 * MS;

		if (w->now_us >= end) {
			chaos_describe(c);
			world_fail(w, "it does not converge: %s", why);
			return;
		}
		while (w->now_us < next && world_step(w))
			;
		if (w->ended)
			return;
	}
	chaos_check_end(c);
}

static void count(const struct world *w, uint64_t *to)
{
	const struct counts *c = &w->counts;
	const uint64_t all[] = {
		w->now_us / SECOND,
		w->n_events,
		c->messages,
		c->lost,
		c->crashes,
		c->reboots,
		c->torn,
		c->pauses,
		c->jumps,
		c->leaders,
		c->transfers,
		c->changes,
		c->joins,
		c->drops,
		c->chunks,
		w->checks->acked,
		w->checks->reads,
		w->checks->digests,
	};

	memcpy(to, all, sizeof(all));
}

static void play(const struct plan *p, struct sim_outcome *ret)
{
	struct world *w = calloc(1, sizeof(*w));
	struct checks *checks = calloc(1, sizeof(*checks));
	struct clients *clients = calloc(1, sizeof(*clients));
	struct chaos *chaos = calloc(1, sizeof(*chaos));

	assert(w && checks && clients && chaos);
	w->verbose = sim_tells();
	w->checks = checks;
	world_init(w, p->seed, plan_get(p, "nodes"));
	shape(p, w, clients);
	plant_begin(w);
	chaos_begin(chaos, w, clients, p);
	clients_begin(clients, w);
	run_world(p, w, chaos);
	count(w, ret->counts);
	ret->trace = w->trace_hash;
	world_fini(w);
	if (clients->calls && !w->failure[0])
		world_fail(w, "%u calls were never answered", clients->calls);
	memcpy(ret->failure, w->failure, sizeof(ret->failure));
	ret->at_ms = w->now_us / MS;
	checks_fini(checks);
	free(chaos);
	free(clients);
	free(checks);
	free(w);
}

int main(int argc, char **argv)
{
	static const struct sim sim = {
		.name = "engine_sim",
		.finder = FOUND_BY_ENGINE,
		.kinds = chaos_kinds,
		.counts = count_names,
		.draw = draw,
		.play = play,
	};

	return sim_main(&sim, argc, argv);
}
