/*
 * chaos - what goes wrong in the world, who is to be a member, and the end.
 *
 *     faults for some seconds ─▶ all is well again ─▶ does it converge?
 */
#pragma once

#include "tests/sim/clients.h"
#include "tests/sim/plan.h"
#include "tests/sim/world.h"

enum want {
	WANT_NONE,
	WANT_SPARE,
	WANT_STANDBY,
	WANT_VOTER,
};

struct chaos {
	struct world *world;
	struct clients *clients;
	const struct plan *plan;
	uint64_t chance; /* of the step that is played */
	bool quick_restarts;
	enum want want[WORLD_GROUPS][WORLD_NODES];
	uint64_t first_voters[WORLD_GROUPS];	/* bits */
	uint64_t bootstrap_again[WORLD_GROUPS]; /* bits */
	uint64_t calm_us;
	bool settled;
};

/* The kinds of steps; NULL ends them. */
extern const char *const chaos_kinds[];
void chaos_draw(struct plan *p, uint64_t *chance);

void chaos_begin(struct chaos *c, struct world *w, struct clients *clients,
		 const struct plan *plan);
/* From here nothing goes wrong any more. */
void chaos_end(struct chaos *c);
/* Everything is as it should be in the end; why not, where it is not. */
bool chaos_converged(struct chaos *c, char why[256]);
/* Who knows what, for a person to read. */
void chaos_describe(struct chaos *c);
/* What has to hold once it has converged. */
void chaos_check_end(struct chaos *c);
