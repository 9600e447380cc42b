/*
 * cluster_sim - whole agents, hypervisors and a container, under seeded
 * disasters: people edit the env file on every node at once, administrators
 * start, stop, move and freeze, while agents die or stand still, machines lose
 * power, networks are cut in all ways, disks and drivers fail, clocks are wrong
 * and the container is rolled back to an old snapshot.
 *
 * What holds after every step is in invariants.h. Held at the end, once the
 * disasters have stopped: each service is as it was last asked for, each edit
 * that was acknowledged is an ancestor of the head on every copy, each other
 * one a draft or refused (editors.h), and all copies are equal.
 *
 * What is drawn from the seed is a plan (plan.h). See runner.h for how it is
 * called, docs/simulator.md for what to do with what it finds.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/runner.h"
#include "tests/sim/scene.h"

/* Weights: what people do, what goes wrong, and what gets better again. */
// clang-format off
static const struct kind {
	const char *name;
	unsigned weight;
	void (*fn)(struct scene *s);
} kinds[] = {
	{ "edit",            66, people_edit },
	{ "start",            5, people_start },
	{ "stop",             2, people_stop },
	{ "move",             7, people_move },
	{ "hasty",            3, people_hasty },
	{ "tangle",           1, people_tangle },
	{ "restart",          2, people_restart },
	{ "freeze",           1, people_freeze },
	{ "thaw",             2, people_thaw },
	{ "node-freeze",      1, people_node_freeze },
	{ "node-thaw",        2, people_node_thaw },
	{ "part",             1, people_part },
	{ "kill",             4, fault_kill },
	{ "dead",             2, fault_dead },
	{ "power",            4, fault_power },
	{ "power-all",        1, fault_power_all },
	{ "boot",            10, fault_boot },
	{ "cut",              3, fault_cut },
	{ "one-way",          2, fault_one_way },
	{ "split",            2, fault_split },
	{ "heal",             8, fault_heal },
	{ "late",             2, fault_late },
	{ "pause",            3, fault_pause },
	{ "sleep",            2, fault_sleep },
	{ "wall",             1, fault_wall },
	{ "disk-full",        1, fault_disk_full },
	{ "disk-room",        3, fault_disk_room },
	{ "disk-error",       1, fault_disk_error },
	{ "disk-slow",        2, fault_disk_slow },
	{ "op-fails",         1, fault_fails },
	{ "op-hangs",         1, fault_hangs },
	{ "op-late",          2, fault_is_late },
	{ "op-lies",          1, fault_lies },
	{ "op-blind",         1, fault_blind },
	{ "container-crash",  1, fault_container },
	{ "container-agent",  2, fault_container_agent },
	{ "container-pause",  1, fault_container_pause },
	{ "snapshot",         4, fault_snapshot },
};
// clang-format on

enum {
	KINDS = sizeof(kinds) / sizeof(kinds[0]),
	STEPS = 110,
	BEGIN_MS = 12000, /* the cluster is built by then */
};

static const char *kind_names[KINDS + 1];

static const char *const count_names[] = {
	"s of simulated time",
	"edits acknowledged",
	"of them merged",
	"drafts",
	"of them resolved",
	"old copies that were no edit",
	"intents",
	"moves",
	"copies compared",
	NULL,
};

static void draw(uint64_t seed, struct plan *p)
{
	uint64_t chance = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	unsigned weights[KINDS], sum = 0;
	uint64_t at = BEGIN_MS;

	p->seed = seed;
	plan_set(p, "hosts", chance_hit(&chance, 700) ? 3 : 5, 3);
	plan_set(p, "services",
		 1 + (unsigned)chance_pick(&chance, SCENE_SERVICES), 1);
	plan_set(p, "lease-ms", chance_hit(&chance, 600) ? 3000 : 1000, 1000);
	plan_set(p, "guard", chance_hit(&chance, 600), 0);
	plan_set(p, "resets",
		 chance_hit(&chance, 300) ? (unsigned)chance_pick(&chance, 100)
					  : 0,
		 0);
	plan_set(p, "drift", 10 + (unsigned)chance_pick(&chance, 40), 0);
	plan_set(p, "snapshot-after", 20 + (unsigned)chance_pick(&chance, 300),
		 20);
	/* Some kinds are left out of a run, others come often: swarm testing
	 * (Groce et al. 2012). */
	for (unsigned i = 0; i < KINDS; i++) {
		weights[i] =
			kinds[i].weight * (unsigned)chance_pick(&chance, 4);
		if (i == 0 || kinds[i].fn == fault_boot ||
		    kinds[i].fn == fault_heal || kinds[i].fn == fault_disk_room)
			weights[i] = kinds[i].weight;
		sum += weights[i];
	}
	for (unsigned i = 0; i < STEPS; i++) {
		uint64_t pick = chance_pick(&chance, sum);
		unsigned kind = 0;

		while (pick >= weights[kind])
			pick -= weights[kind++];
		plan_step(p, kind, at, chance_next(&chance));
		at += 50 + chance_pick(&chance, 1200);
	}
	p->end_ms = at;
}

static void play_steps(struct scene *s, const struct plan *p)
{
	uint64_t base = s->w->now_us / 1000;

	/* A larger cluster takes longer to build. */
	base = base > BEGIN_MS ? base - BEGIN_MS : 0;
	s->w->resets = plan_get(p, "resets");
	for (unsigned i = 0; i < p->n && !s->w->failure[0]; i++) {
		const struct plan_step *t = &p->step[i];
		uint64_t now = s->w->now_us / 1000;

		if (base + t->at_ms > now &&
		    !world_run(s->w, base + t->at_ms - now))
			return;
		s->chance = t->chance;
		kinds[t->kind].fn(s);
	}
	world_run(s->w, 1000);
}

static void count(const struct scene *s, uint64_t *to)
{
	struct editors_counts c = editors_counts(s->editors);
	const uint64_t all[] = {
		s->w->now_us / 1000000,
		c.acked,
		c.merged,
		c.drafted,
		c.resolved,
		c.old_copies,
		s->n_intents,
		s->n_moves,
		invariants_compared(s->invariants),
	};

	memcpy(to, all, sizeof(all));
}

static void play(const struct plan *p, struct sim_outcome *ret)
{
	struct scene s;

	scene_begin(&s, p, sim_tells() ? sim_tell : NULL);
	scene_build(&s);
	if (!s.w->failure[0])
		play_steps(&s, p);
	if (!s.w->failure[0])
		scene_end(&s);
	strcpy(ret->failure, s.w->failure);
	if (s.w->rule)
		strncpy(ret->rule, s.w->rule, sizeof(ret->rule) - 1);
	ret->at_ms = s.w->now_us / 1000;
	ret->trace = s.w->trace;
	count(&s, ret->counts);
	scene_free(&s);
}

int main(int argc, char **argv)
{
	static const struct sim sim = {
		.name = "cluster_sim",
		.finder = FOUND_BY_CLUSTER,
		.kinds = kind_names,
		.counts = count_names,
		.draw = draw,
		.play = play,
	};

	for (unsigned i = 0; i < KINDS; i++)
		kind_names[i] = kinds[i].name;
	return sim_main(&sim, argc, argv);
}
