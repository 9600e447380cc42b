#include "tests/sim/chaos.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/checks.h"

static const struct engine_timing timing = { .heartbeat_ms = 50,
					     .election_ms = 200 };

static const char *const names[WORLD_NODES] = { "one",	"two",	"three",
						"four", "five", "six" };

static uint64_t gid_of(const struct chaos *c, unsigned group)
{
	return c->world->checks->groups[group].gid;
}

/* -- faults
 * -------------------------------------------------------------------- */

static struct node *some_up(struct chaos *c)
{
	struct world *w = c->world;
	unsigned first = (unsigned)chance_pick(&c->chance, w->n_nodes);

	for (unsigned i = 0; i < w->n_nodes; i++)
		if (w->nodes[(first + i) % w->n_nodes].up)
			return &w->nodes[(first + i) % w->n_nodes];
	return NULL;
}

/* The others may have been told that the leader's node is dead. */
static void hasten_others(struct chaos *c, uint64_t id)
{
	struct world *w = c->world;

	for (unsigned i = 0; i < w->n_nodes; i++) {
		struct node *x = &w->nodes[i];
		unsigned delay = (unsigned)chance_pick(&c->chance, 50);

		for (unsigned g = 0; g < w->checks->n_groups && x->up; g++) {
			uint64_t gid = w->checks->groups[g].gid;
			struct engine_info info;

			if (engine_info(x->engine, gid, &info) &&
			    info.leader == id)
				engine_hasten(x->engine, gid, delay);
		}
		node_turn_soon(x);
	}
}

static void crash(struct chaos *c, enum crash how)
{
	struct world *w = c->world;
	struct node *x = some_up(c);

	if (!x)
		return;
	/* Most die just as a disk works for them. */
	if (chance_hit(&c->chance, 600))
		node_doom(x, how);
	else
		node_crash(x, how);
	x->restart_us =
		w->now_us +
		chance_pick(&c->chance,
			    c->quick_restarts || chance_hit(&c->chance, 500)
				    ? 20 * MS
				    : 1500 * MS);
	if (chance_hit(&c->chance, 300))
		hasten_others(c, x->id);
}

static void fault_kill(struct chaos *c)
{
	crash(c, CRASH_PROCESS);
}

static void fault_power(struct chaos *c)
{
	crash(c, CRASH_MACHINE);
}

static void fault_stop(struct chaos *c)
{
	crash(c, CRASH_CLEAN);
}

static void fault_power_all(struct chaos *c)
{
	struct world *w = c->world;

	for (unsigned i = 0; i < w->n_nodes; i++) {
		node_crash(&w->nodes[i], CRASH_MACHINE);
		w->nodes[i].restart_us =
			w->now_us + chance_pick(&c->chance, 500 * MS);
	}
}

static void fault_split(struct chaos *c)
{
	struct world *w = c->world;
	uint64_t side = chance_next(&c->chance);

	world_say(w, "the network splits");
	for (unsigned i = 0; i < w->n_nodes; i++)
		for (unsigned j = 0; j < w->n_nodes; j++)
			w->net.links[i][j].cut =
				(side >> i & 1) != (side >> j & 1);
}

static void fault_one_way(struct chaos *c)
{
	struct world *w = c->world;
	unsigned i = (unsigned)chance_pick(&c->chance, w->n_nodes);
	unsigned j = (unsigned)chance_pick(&c->chance, w->n_nodes);

	world_say(w, "nothing comes from node %u to node %u", i + 1, j + 1);
	w->net.links[i][j].cut = true;
}

static void fault_heal(struct chaos *c)
{
	struct world *w = c->world;

	world_say(w, "the network heals");
	for (unsigned i = 0; i < w->n_nodes; i++)
		for (unsigned j = 0; j < w->n_nodes; j++)
			w->net.links[i][j].cut = false;
}

static void fault_slow_disk(struct chaos *c)
{
	struct world *w = c->world;
	struct node *x = &w->nodes[chance_pick(&c->chance, w->n_nodes)];

	x->slow_until_us = w->now_us + chance_pick(&c->chance, SECOND);
}

static void fault_bad_disk(struct chaos *c)
{
	struct world *w = c->world;
	struct node *x = some_up(c);

	if (!x)
		return;
	world_say(w, "the disk of node %u has an error", x->index + 1);
	x->disk_hurt = true;
	simdisk_fail_after(chance_hit(&c->chance, 700) ? x->wal : x->snap,
			   (unsigned)chance_pick(&c->chance, 10), -EIO);
}

static void transfer(struct chaos *c, struct node *x, uint64_t gid)
{
	struct world *w = c->world;
	uint64_t to = chance_hit(&c->chance, 500)
			      ? 0
			      : 1 + chance_pick(&c->chance, w->n_nodes);
	struct engine_info info;

	if (!x->up || !engine_info(x->engine, gid, &info) || !info.is_leader)
		return;
	world_say(w, "node %u hands group %" PRIu64 " over", x->index + 1, gid);
	if (engine_transfer(x->engine, gid, to, NULL) == 0)
		w->counts.transfers++;
	node_turn_soon(x);
}

static void on_transfer(struct world *w, void *arg, uint64_t id)
{
	struct chaos *c = arg;

	for (unsigned g = 0; g < w->checks->n_groups; g++)
		transfer(c, world_node(w, id), gid_of(c, g));
}

static void fault_transfer(struct chaos *c)
{
	struct world *w = c->world;
	uint64_t gid = gid_of(
		c, (unsigned)chance_pick(&c->chance, w->checks->n_groups));

	for (unsigned i = 0; i < w->n_nodes; i++)
		transfer(c, &w->nodes[i], gid);
}

/* A leader hears late what the others say, and may have handed over by then. */
static void fault_late(struct chaos *c)
{
	struct world *w = c->world;
	struct node *x = &w->nodes[chance_pick(&c->chance, w->n_nodes)];

	x->late_us = chance_pick(&c->chance, 250 * MS);
	x->late_until_us = w->now_us + chance_pick(&c->chance, 2 * SECOND);
	world_say(w, "node %u hears everything %.0f ms late", x->index + 1,
		  (double)x->late_us / MS);
	if (chance_hit(&c->chance, 500))
		world_at(w, chance_pick(&c->chance, 500 * MS), on_transfer, c,
			 x->id);
}

static void fault_members(struct chaos *c)
{
	struct world *w = c->world;
	unsigned g = (unsigned)chance_pick(&c->chance, w->checks->n_groups);
	unsigned voters = 1 + (unsigned)chance_pick(&c->chance, w->n_nodes);
	unsigned first = (unsigned)chance_pick(&c->chance, w->n_nodes);

	if (voters > 5)
		voters = 5;
	for (unsigned i = 0; i < w->n_nodes; i++) {
		unsigned n = (first + i) % w->n_nodes;

		if (i < voters)
			c->want[g][n] = WANT_VOTER;
		else
			c->want[g][n] = chance_hit(&c->chance, 100) ? WANT_SPARE
					: chance_hit(&c->chance, 500)
						? WANT_STANDBY
						: WANT_NONE;
	}
	world_say(w, "group %" PRIu64 " shall have %u voters from node %u on",
		  gid_of(c, g), voters, first + 1);
}

static void fault_full_disk(struct chaos *c)
{
	struct world *w = c->world;
	struct node *x = some_up(c);

	if (!x)
		return;
	world_say(w, "the disk of node %u is full", x->index + 1);
	x->disk_full = true;
	simdisk_limit(x->wal, 1);
	simdisk_limit(x->snap, 1);
}

static void fault_room(struct chaos *c)
{
	struct world *w = c->world;

	for (unsigned i = 0; i < w->n_nodes; i++) {
		w->nodes[i].disk_full = false;
		simdisk_limit(w->nodes[i].wal, 0);
		simdisk_limit(w->nodes[i].snap, 0);
	}
}

static void fault_pause(struct chaos *c)
{
	struct node *x = some_up(c);

	if (x)
		node_pause(x, 1 + chance_pick(&c->chance, 3 * SECOND));
}

static void fault_jump(struct chaos *c)
{
	struct node *x = some_up(c);

	if (x)
		node_jump(x, 1 + chance_pick(&c->chance, 10000));
}

// clang-format off
static const struct fault {
	const char *name;
	unsigned weight;
	void (*fn)(struct chaos *c);
} faults[] = {
	{ "kill",      20, fault_kill },
	{ "power",     12, fault_power },
	{ "power-all",  2, fault_power_all },
	{ "stop",       5, fault_stop },
	{ "split",      8, fault_split },
	{ "one-way",    8, fault_one_way },
	{ "heal",      20, fault_heal },
	{ "slow-disk",  8, fault_slow_disk },
	{ "bad-disk",   4, fault_bad_disk },
	{ "full-disk",  3, fault_full_disk },
	{ "room",      10, fault_room },
	{ "transfer",  10, fault_transfer },
	{ "late",      10, fault_late },
	{ "pause",      6, fault_pause },
	{ "jump",       4, fault_jump },
	{ "members",   10, fault_members },
};
// clang-format on

enum { FAULTS = sizeof(faults) / sizeof(faults[0]) };

const char *const chaos_kinds[FAULTS + 1] = {
	"kill", "power",     "power-all", "stop",      "split", "one-way",
	"heal", "slow-disk", "bad-disk",  "full-disk", "room",	"transfer",
	"late", "pause",     "jump",	  "members",
};

void chaos_draw(struct plan *p, uint64_t *chance)
{
	unsigned weights[FAULTS] = { 0 }, sum = 0;
	bool quick = chance_hit(chance, 250);
	uint64_t pause_ms = 50 + chance_pick(chance, 600), at = 300;

	for (unsigned i = 0; i < FAULTS; i++) {
		if (chance_hit(chance, 700) || faults[i].fn == fault_heal ||
		    faults[i].fn == fault_room)
			weights[i] = faults[i].weight *
				     (1 + (unsigned)chance_pick(chance, 3));
		if (quick && faults[i].fn == fault_kill)
			weights[i] = 5 * faults[i].weight;
		sum += weights[i];
	}
	plan_set(p, "quick-restarts", quick, 0);
	if (quick)
		pause_ms /= 3;
	while (at < p->end_ms && p->n < PLAN_STEPS) {
		unsigned kind = 0;
		uint64_t pick = chance_pick(chance, sum);

		while (pick >= weights[kind])
			pick -= weights[kind++];
		plan_step(p, kind, at, chance_next(chance));
		at += 1 + chance_pick(chance, pause_ms);
	}
}

static void on_fault(struct world *w, void *arg, uint64_t n)
{
	struct chaos *c = arg;
	const struct plan_step *s = &c->plan->step[n];

	if (w->calm)
		return;
	c->chance = s->chance;
	faults[s->kind].fn(c);
}

/* -- members
 * ----------------------------------------------------------------------- */

static size_t wanted(const struct chaos *c, unsigned g,
		     struct engine_server ret[WORLD_NODES])
{
	size_t n = 0;

	for (unsigned i = 0; i < c->world->n_nodes; i++)
		if (c->want[g][i] != WANT_NONE)
			ret[n++] = (struct engine_server){
				.id = i + 1,
				.role = c->want[g][i] == WANT_VOTER
						? ENGINE_VOTER
					: c->want[g][i] == WANT_SPARE
						? ENGINE_SPARE
						: ENGINE_STANDBY,
				.address = names[i],
			};
	return n;
}

static void bootstrap(struct chaos *c, unsigned g, struct node *x)
{
	struct engine_server s[WORLD_NODES];
	struct err err;
	size_t n = 0;

	for (unsigned i = 0; i < c->world->n_nodes; i++)
		if (c->first_voters[g] >> i & 1)
			s[n++] = (struct engine_server){ i + 1, ENGINE_VOTER,
							 names[i] };
	if (engine_bootstrap(x->engine, gid_of(c, g), x->id, &timing, s, n,
			     NULL, 0, &err) < 0)
		world_fail(c->world, "bootstrap: %s", err.text);
}

static void join(struct chaos *c, unsigned g, struct node *x)
{
	struct err err;
	int rc;

	if (engine_has(x->engine, gid_of(c, g)))
		return;
	/* Its first records can have been lost before they were written. */
	if (c->bootstrap_again[g] >> x->index & 1) {
		bootstrap(c, g, x);
	} else if (c->want[g][x->index] != WANT_NONE) {
		rc = engine_join(x->engine, gid_of(c, g), x->id, &timing, &err);
		if (rc < 0 && rc != -EBUSY)
			world_fail(c->world, "join: %s", err.text);
		c->world->counts.joins += rc == 0;
	}
	node_turn_soon(x);
}

/* The leader of the latest term that has one. */
static struct node *leader_of(const struct chaos *c, unsigned g)
{
	struct node *best = NULL;
	uint64_t term = 0;

	for (unsigned i = 0; i < c->world->n_nodes; i++) {
		struct node *x = &c->world->nodes[i];
		struct engine_info info;

		if (!x->up || !engine_info(x->engine, gid_of(c, g), &info) ||
		    !info.is_leader || !info.is_ready || info.term < term)
			continue;
		best = x;
		term = info.term;
	}
	return best;
}

static bool is_member(struct node *leader, uint64_t gid, uint64_t id)
{
	struct arena *a = arena_new();
	struct engine_server *s;
	size_t n = engine_members(leader->engine, gid, a, &s);
	bool yes = false;

	for (size_t i = 0; i < n; i++)
		yes |= s[i].id == id;
	arena_free(a);
	return yes;
}

/* Who was removed forgets the group. */
static void drop(struct chaos *c, unsigned g, struct node *leader,
		 struct node *x)
{
	struct err err;

	if (c->want[g][x->index] != WANT_NONE || !x->up ||
	    !engine_has(x->engine, gid_of(c, g)) ||
	    is_member(leader, gid_of(c, g), x->id))
		return;
	world_say(c->world, "node %u forgets group %" PRIu64, x->index + 1,
		  gid_of(c, g));
	c->world->counts.drops++;
	c->bootstrap_again[g] &= ~(UINT64_C(1) << x->index);
	if (engine_drop(x->engine, gid_of(c, g), &err) < 0)
		world_fail(c->world, "drop: %s", err.text);
	node_turn_soon(x);
}

static int set_members(struct chaos *c, unsigned g, struct node *leader)
{
	struct engine_server want[WORLD_NODES];
	size_t n = wanted(c, g, want);
	struct err err;
	int rc =
		engine_set_members(leader->engine, gid_of(c, g), want, n, &err);

	if (rc < 0 && rc != -EAGAIN)
		world_fail(c->world, "members: %s", err.text);
	if (rc == 1)
		c->world->counts.changes++;
	node_turn_soon(leader);
	return rc;
}

static void on_members(struct world *w, void *arg, uint64_t n)
{
	struct chaos *c = arg;

	(void)n;
	c->settled = true;
	for (unsigned g = 0; g < w->checks->n_groups; g++) {
		struct node *leader;

		for (unsigned i = 0; i < w->n_nodes; i++)
			if (w->nodes[i].up)
				join(c, g, &w->nodes[i]);
		leader = leader_of(c, g);
		if (!leader || set_members(c, g, leader) != 0)
			c->settled = false;
		for (unsigned i = 0; i < w->n_nodes && leader; i++)
			drop(c, g, leader, &w->nodes[i]);
	}
	world_at(w, 20 * MS + world_pick(w, 100 * MS), on_members, c, 0);
}

/* -- restarts, copies
 * ----------------------------------------------------------------- */

static void on_watch(struct world *w, void *arg, uint64_t n)
{
	struct chaos *c = arg;

	for (unsigned i = 0; i < w->n_nodes; i++) {
		struct node *x = &w->nodes[i];

		if (!x->up && (w->calm || w->now_us >= x->restart_us))
			node_start(x);
	}
	for (unsigned i = 0; i < w->n_nodes && n % 16 == 0; i++)
		for (unsigned g = 0; g < w->checks->n_groups; g++)
			checks_copy(&w->nodes[i], gid_of(c, g));
	world_at(w, 5 * MS, on_watch, c, n + 1);
}

/* -- begin and end
 * ---------------------------------------------------------------------- */

void chaos_begin(struct chaos *c, struct world *w, struct clients *clients,
		 const struct plan *plan)
{
	c->world = w;
	c->clients = clients;
	c->plan = plan;
	c->quick_restarts = plan_get(plan, "quick-restarts") != 0;
	for (unsigned g = 0; g < w->checks->n_groups; g++) {
		unsigned voters = 1 + 2 * (unsigned)world_pick(w, 3);
		unsigned first = (unsigned)world_pick(w, w->n_nodes);

		for (unsigned i = 0; i < w->n_nodes; i++) {
			unsigned n = (first + i) % w->n_nodes;
			bool votes = i < voters;

			c->want[g][n] = votes ? WANT_VOTER : WANT_STANDBY;
			if (votes)
				c->first_voters[g] |= UINT64_C(1) << n;
		}
		c->bootstrap_again[g] = c->first_voters[g];
	}
	for (unsigned i = 0; i < w->n_nodes; i++)
		node_start(&w->nodes[i]);
	world_at(w, 0, on_members, c, 0);
	world_at(w, 0, on_watch, c, 0);
	for (unsigned i = 0; i < plan->n; i++)
		world_at(w, plan->step[i].at_ms * MS, on_fault, c, i);
}

void chaos_end(struct chaos *c)
{
	struct world *w = c->world;

	world_say(w, "from here on all is well");
	w->calm = true;
	c->calm_us = w->now_us;
	fault_heal(c);
	fault_room(c);
	w->net.loss = w->net.dup = 0;
	for (unsigned i = 0; i < w->n_nodes; i++) {
		w->nodes[i].slow_until_us = 0;
		w->nodes[i].late_until_us = 0;
		/* An error that waits would hit it yet. */
		simdisk_restart(w->nodes[i].wal);
		simdisk_restart(w->nodes[i].snap);
	}
	c->clients->only_finish = true;
}

static bool copies_meet(struct chaos *c, unsigned g, char why[256])
{
	struct node *leader = leader_of(c, g);
	struct engine_info l, info;

	if (!leader) {
		snprintf(why, 256, "group %" PRIu64 " has no leader",
			 gid_of(c, g));
		return false;
	}
	engine_info(leader->engine, gid_of(c, g), &l);
	for (unsigned i = 0; i < c->world->n_nodes; i++) {
		struct node *x = &c->world->nodes[i];

		if (c->want[g][i] != WANT_STANDBY &&
		    c->want[g][i] != WANT_VOTER)
			continue;
		if (x->up && engine_info(x->engine, gid_of(c, g), &info) &&
		    info.applied == l.last)
			continue;
		snprintf(why, 256,
			 "node %u, group %" PRIu64 ": applied %" PRIu64
			 " of %" PRIu64,
			 i + 1, gid_of(c, g), x->up ? info.applied : 0, l.last);
		return false;
	}
	return true;
}

bool chaos_converged(struct chaos *c, char why[256])
{
	if (!clients_are_idle(c->clients)) {
		snprintf(why, 256, "a client still waits");
		return false;
	}
	if (!c->settled) {
		snprintf(why, 256, "the members are not as they shall be");
		return false;
	}
	for (unsigned g = 0; g < c->world->checks->n_groups; g++)
		if (!copies_meet(c, g, why))
			return false;
	return true;
}

void chaos_describe(struct chaos *c)
{
	static const char *const roles[] = { "standby", "voter", "spare" };
	struct world *w = c->world;

	for (unsigned i = 0; i < w->n_nodes * w->checks->n_groups; i++) {
		struct node *x = &w->nodes[i % w->n_nodes];
		uint64_t gid = gid_of(c, i / w->n_nodes);
		struct arena *a = arena_new();
		struct engine_server *s = NULL;
		struct engine_info info;
		struct buf b = BUF(a);
		size_t n;

		if (!x->up || !engine_info(x->engine, gid, &info)) {
			arena_free(a);
			continue;
		}
		n = engine_members(x->engine, gid, a, &s);
		for (size_t k = 0; k < n; k++)
			buf_printf(&b, " %" PRIu64 ":%s", s[k].id,
				   roles[s[k].role]);
		world_say(w,
			  "node %u group %" PRIu64
			  ": %s (want %u), leader %" PRIu64 ", term %" PRIu64
			  ", applied %" PRIu64 ", commit %" PRIu64
			  ", last %" PRIu64 ",%s",
			  x->index + 1, gid, roles[info.role],
			  c->want[i / w->n_nodes][x->index], info.leader,
			  info.term, info.applied, info.commit, info.last,
			  buf_text(&b));
		arena_free(a);
	}
}

/* @left: those whose removal gave an error, too. */
static unsigned count_files(const struct simdisk *d, bool left)
{
	const char *name;
	unsigned n = 0;

	for (size_t i = 0; (name = simdisk_name(d, i)); i++)
		n += strncmp(name, "snap-", 5) == 0 &&
		     (left || !simdisk_is_left(d, name));
	return n;
}

static void check_files(struct chaos *c, struct node *x)
{
	struct world *w = c->world;
	unsigned n = count_files(x->snap, false);

	/* The newest of each group, and one before it that was lately read. */
	if (n > 2 * w->checks->n_groups)
		world_fail(w, "node %u has %u snapshot files", x->index + 1, n);
	/* A start keeps the newest, and removes what could not be. */
	node_crash(x, CRASH_CLEAN);
	node_start(x);
	n = count_files(x->snap, true);
	if (n > w->checks->n_groups)
		world_fail(w, "node %u has %u snapshot files after its start",
			   x->index + 1, n);
}

void chaos_check_end(struct chaos *c)
{
	struct world *w = c->world;

	for (unsigned i = 0; i < w->n_nodes; i++) {
		struct node *x = &w->nodes[i];

		for (unsigned g = 0; g < w->checks->n_groups; g++) {
			if (c->want[g][i] != WANT_STANDBY &&
			    c->want[g][i] != WANT_VOTER)
				continue;
			checks_copy(x, gid_of(c, g));
			checks_content(x, gid_of(c, g));
		}
		check_files(c, x);
	}
}
