/*
 * engine_sim - the raft engine in a simulated world, one run per seed.
 *
 *     engine_sim [--seeds A-B] [--one SEED [--verbose | --messages]]
 *                [--plant NAME]
 *
 * Each seed runs twice, and both runs must have the same trace. With --plant
 * the world has that bug, and the runs stop at the first seed that finds it:
 * not to find it is the failure. The last line says how many passed.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/chaos.h"
#include "tests/sim/checks.h"
#include "tests/sim/plant.h"

enum {
	CONVERGE_US = 60 * SECOND,
};

struct outcome {
	char failure[1024];
	uint64_t trace, events, us;
	struct counts counts;
	unsigned acked, reads, digests;
};

struct options {
	uint64_t first, last;
	bool verbose, messages;
	enum plant plant;
};

static void shape(struct world *w, struct clients *clients, struct chaos *c)
{
	static const uint64_t gids[WORLD_GROUPS] = { 1, 20, UINT64_MAX / 3 };
	bool big = world_chance(w, 150);

	w->checks->n_groups = 1 + (unsigned)world_pick(w, WORLD_GROUPS);
	for (unsigned i = 0; i < w->checks->n_groups; i++)
		w->checks->groups[i].gid = gids[i];
	w->net.delay_us = world_chance(w, 300) ? 20 * MS : 2 * MS;
	w->net.loss = world_chance(w, 500) ? (unsigned)world_pick(w, 80) : 0;
	w->net.dup = world_chance(w, 500) ? (unsigned)world_pick(w, 80) : 0;
	w->net.reorders = world_chance(w, 400);
	w->snapshot_entries = 10 + (unsigned)world_pick(w, 90);
	w->trailing = 1 + (unsigned)world_pick(w, 30);
	w->wal_segment = (big ? 1024 : 128) << 10;
	w->die_voting = w->plant == PLANT_VOTE_LOST ? 500
			: world_chance(w, 300)	    ? 100
						    : 0;
	clients->text_len = big ? 20000 : 200;
	clients->pause_us = (world_chance(w, 500) ? 10 : 100) * MS;
	c->pause_us = (50 + world_pick(w, 600)) * MS;
}

static void run_world(struct world *w, struct chaos *c)
{
	uint64_t end = (3 + world_pick(w, 6)) * SECOND;
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

static void run(uint64_t seed, const struct options *o, bool verbose,
		struct outcome *ret)
{
	struct world *w = calloc(1, sizeof(*w));
	struct checks *checks = calloc(1, sizeof(*checks));
	struct clients *clients = calloc(1, sizeof(*clients));
	struct chaos *chaos = calloc(1, sizeof(*chaos));

	assert(w && checks && clients && chaos);
	w->verbose = verbose;
	w->tells_messages = verbose && o->messages;
	w->plant = o->plant;
	w->checks = checks;
	world_init(w, seed, 3 + (unsigned)(seed % 4));
	shape(w, clients, chaos);
	plant_begin(w);
	chaos_begin(chaos, w, clients);
	clients_begin(clients, w);
	run_world(w, chaos);
	ret->trace = w->trace_hash;
	world_fini(w);
	if (clients->calls && !w->failure[0])
		world_fail(w, "%u calls were never answered", clients->calls);
	memcpy(ret->failure, w->failure, sizeof(ret->failure));
	ret->us = w->now_us;
	ret->events = w->n_events;
	ret->counts = w->counts;
	ret->acked = checks->acked;
	ret->reads = checks->reads;
	ret->digests = checks->digests;
	checks_fini(checks);
	free(chaos);
	free(clients);
	free(checks);
	free(w);
}

/* To see that the runs did something. */
static void sum(struct outcome *total, const struct outcome *o)
{
	unsigned *to = (unsigned *)(void *)&total->counts;
	const unsigned *from = (const unsigned *)(const void *)&o->counts;

	for (size_t i = 0; i < sizeof(o->counts) / sizeof(*to); i++)
		to[i] += from[i];
	total->us += o->us;
	total->events += o->events;
	total->acked += o->acked;
	total->reads += o->reads;
	total->digests += o->digests;
}

static void report(const struct outcome *o)
{
	const struct counts *c = &o->counts;

	printf("%.1f s of simulated time, %llu events; %u messages, %u of them "
	       "lost; %u crashes, %u of machines, %u torn writes; %u leaders, "
	       "%u transfers, %u member steps, %u joins, %u drops; %u chunks "
	       "of snapshots; %u commands acknowledged, %u reads, %u copies "
	       "compared\n",
	       (double)o->us / SECOND, (unsigned long long)o->events,
	       c->messages, c->lost, c->crashes, c->reboots, c->torn,
	       c->leaders, c->transfers, c->changes, c->joins, c->drops,
	       c->chunks, o->acked, o->reads, o->digests);
}

static bool run_seed(uint64_t seed, const struct options *o,
		     struct outcome *total)
{
	struct outcome first = { 0 }, second = { 0 };

	run(seed, o, o->verbose, &first);
	if (first.failure[0]) {
		printf("seed %llu: %s\n", (unsigned long long)seed,
		       first.failure);
		return false;
	}
	run(seed, o, o->verbose, &second);
	if (first.trace != second.trace) {
		printf("seed %llu: two runs differ\n",
		       (unsigned long long)seed);
		return false;
	}
	sum(total, &first);
	return true;
}

static int usage(void)
{
	fprintf(stderr, "usage: engine_sim [--seeds A-B] [--one SEED "
			"[--verbose | --messages]] [--plant NAME]\n"
			"plants:");
	for (int i = 1; i < PLANT_N; i++)
		fprintf(stderr, " %s", plant_names[i]);
	fprintf(stderr, "\n");
	return 2;
}

static bool parse_plant(const char *name, struct options *o)
{
	for (int i = 0; i < PLANT_N; i++)
		if (strcmp(plant_names[i], name) == 0) {
			o->plant = (enum plant)i;
			return true;
		}
	return false;
}

static bool parse(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i], *value = argv[i + 1];
		unsigned long long a, b;

		if (strcmp(arg, "--verbose") == 0) {
			o->verbose = true;
			continue;
		}
		if (strcmp(arg, "--messages") == 0) {
			o->verbose = o->messages = true;
			continue;
		}
		if (!value)
			return false;
		i++;
		if (strcmp(arg, "--seeds") == 0 &&
		    sscanf(value, "%llu-%llu", &a, &b) == 2) {
			o->first = a;
			o->last = b;
		} else if (strcmp(arg, "--one") == 0 &&
			   sscanf(value, "%llu", &a) == 1) {
			o->first = o->last = a;
		} else if (strcmp(arg, "--plant") != 0 ||
			   !parse_plant(value, o)) {
			return false;
		}
	}
	return o->first <= o->last;
}

int main(int argc, char **argv)
{
	struct options o = { .first = 1, .last = 20 };
	struct outcome total = { 0 };
	unsigned passed = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!parse(argc, argv, &o))
		return usage();
	for (uint64_t seed = o.first; seed <= o.last; seed++) {
		bool ok = run_seed(seed, &o, &total);

		if (o.plant == PLANT_NONE) {
			passed += ok;
			failed += !ok;
		} else if (!ok) {
			passed = 1;
			break;
		}
	}
	if (o.plant != PLANT_NONE && !passed) {
		printf("the planted bug '%s' was not found\n",
		       plant_names[o.plant]);
		failed = 1;
	}
	if (passed && o.plant == PLANT_NONE)
		report(&total);
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
