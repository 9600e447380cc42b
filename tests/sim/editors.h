/*
 * editors - a person with the env file open on each node, in the container as
 * well: reads the head there, edits it some time later, saves, resolves drafts.
 *
 * So edits rest on older revisions, and are merged or refused. An edit whose
 * answer did not come is saved again, unchanged, as the agent does with a file.
 * The container's copy is at times of another life: rolled back, or a clone's.
 */
#pragma once

#include "cluster/sim/world.h"

struct editors;

struct editors *editors_new(struct world *w, const char *service);
void editors_free(struct editors *e); /* once nothing is under way */

/* Somebody does something, by @chance (plan.h). */
void editors_act(struct editors *e, uint64_t *chance);
/* @n was rolled back: so was the copy that is open there. */
void editors_rolled_back(struct editors *e, struct world_node *n);
/* Is no answer awaited? */
bool editors_idle(const struct editors *e);

/* Of the copy that @n has: each edit that was acknowledged is an ancestor of
 * the head, and in it; one that was refused is not there; the text of a
 * conflict is a draft. world_fail() if not. */
void editors_check(struct editors *e, struct world_node *n);
/* The history and the drafts are the same on both. */
void editors_compare(struct editors *e, struct world_node *x,
		     struct world_node *y);

struct editors_counts {
	unsigned acked, merged, drafted, resolved, old_copies;
};
struct editors_counts editors_counts(const struct editors *e);
