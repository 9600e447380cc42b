/*
 * invariants - what must hold after every step, whoever does what.
 *
 *  1. a failover service is up on one node at most   (cluster/sim, at each
 *     and a container runs in one place               change of a resource)
 *  2. at most one leader per term of a group
 *  3. copies of a group are equal at an equal index
 *  4. an assignment up names an epoch of its node that has begun, and no two
 *     are up in epochs that both stand; no two have one token
 *  5. a node is declared lost only when every lease that it was ever given has
 *     run out, by its own clock
 *  6. at the end: nodes were declared lost no more often than there was reason
 */
#pragma once

#include "cluster/sim/world.h"

struct invariants;

/* Looks after each event of the world from now on. */
struct invariants *invariants_new(struct world *w);
void invariants_free(struct invariants *v);
void invariants_end(struct invariants *v, unsigned reasons);
/* Copies that were compared. */
unsigned invariants_compared(const struct invariants *v);
