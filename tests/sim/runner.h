/*
 * runner - what both simulators have in common: which seeds, how many at once,
 * what is told, planted bugs, and a failing run that makes itself smaller.
 *
 *     PROGRAM [--seeds A-B | --hours H] [--jobs N] [--plant NAME]
 *     PROGRAM --seed N [--trace] [--only STEP,...] [--set NAME=VALUE,...]
 *     PROGRAM --plants [--limit N]
 *
 * Every 16th seed runs twice, and both runs must have the same trace. The last
 * line says how many passed.
 */
#pragma once

#include "store/plant.h"
#include "tests/sim/plan.h"

enum { SIM_COUNTS = 32 };

struct sim_outcome {
	char failure[1024]; /* "" if nothing was found */
	char rule[256];	    /* the same without numbers and names */
	uint64_t at_ms;	    /* when, of the simulated time */
	uint64_t trace;
	uint64_t counts[SIM_COUNTS];
};

struct sim {
	const char *name;
	enum plant_finder finder;
	const char *const *kinds;  /* of steps; NULL ends it */
	const char *const *counts; /* what is counted; NULL ends it */
	void (*draw)(uint64_t seed, struct plan *p);
	/* Says what happens by sim_tell(). */
	void (*play)(const struct plan *p, struct sim_outcome *ret);
};

int sim_main(const struct sim *s, int argc, char **argv);

/* Is anybody interested in what happens? */
bool sim_tells(void);
/* A line of the trace. */
void sim_tell(const char *line);
