/*
 * image - snapshots of a container, as its platform makes and restores them:
 * disks, database and identity of one moment.
 */
#pragma once

#include "cluster/sim/world.h"

struct image;

/* Of what is durable now; the container may run. NULL if it never did. */
struct image *image_take(struct world_node *n);
/* The container becomes what it was: its agent dies, and starts from the
 * image. The image may be used again. */
void image_restore(const struct image *i, struct world_node *n);
void image_free(struct image *i); /* NULL is fine */
