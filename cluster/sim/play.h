/*
 * play - a written scenario, carried out in a simulated world.
 *
 *     setup + scenario + seed ──play_run──▶ a diary, and what became of it
 *
 * The agents are the real ones; machines, the network, disks, time and every
 * resource are pretended, whatever its driver. Nothing is left to chance but
 * what agents draw themselves: the same seed gives the same diary.
 */
#pragma once

#include "cluster/sim/diary.h"
#include "cluster/sim/scenario.h"
#include "cluster/sim/setup.h"

struct play_outage {
	const char *service;
	const char *where; /* at the end; "" if it is not up */
	bool wanted;	   /* at the end: somebody wants it up */
	uint64_t down_us;  /* in all, while it was wanted */
	uint64_t longest_us;
	unsigned times;
	bool twice; /* it was up more than once, which must not be */
};

struct play_result {
	struct diary diary; /* sorted */
	uint64_t lasted_us;
	unsigned met, failed; /* expectations */
	struct play_outage *services;
	size_t n;
	bool broken;	   /* a rule was broken, or the world could not go on */
	const char *error; /* the scenario could not be played on; or NULL */
	unsigned error_line;
};

/* All is on @a. @base: the folder from which a scenario's files are read. */
void play_run(struct arena *a, const struct setup *setup,
	      const struct scenario *scenario, const char *base, uint64_t seed,
	      struct play_result *ret);

void play_text(struct buf *out, const struct play_result *r);
struct doc *play_doc(struct arena *a, const struct play_result *r);
