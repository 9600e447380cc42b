/*
 * plant - those of the planted bugs (store/plant.h) that are the world's and
 * not the product's. Without one, everything here passes through.
 */
#pragma once

#include "tests/sim/world.h"

void plant_power_lost(struct node *x);
void plant_message(struct world *w, struct arena *a, struct doc *msg);
void plant_begin(struct world *w);
