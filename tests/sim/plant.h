/*
 * plant - bugs of the simulated world, each behind its name, so that a test can
 * see that the checks find them. Without one, everything here passes through.
 */
#pragma once

#include "tests/sim/world.h"

/* The disk on which @x's log is. */
const struct wal_disk *plant_disk(struct node *x);
void plant_power_lost(struct node *x);
void plant_message(struct world *w, struct arena *a, struct doc *msg);
void plant_arrival(struct node *x, struct doc *msg);
void plant_begin(struct world *w);
