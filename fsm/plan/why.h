/*
 * why - why a service, an instance or a resource is as it is.
 *
 *     what is there ◀── what was decided ◀── the rule ◀── who asked for what
 *
 * Pure, from what the orchestrator itself looks at. Sentences for people, in
 * this order, each with its kind:
 *   observed  what the nodes have found
 *   decided   the assignment, with its reason and time
 *   rule      what forbids another state, or keeps this one
 *   next      what is about to be done, by orchestrate() itself
 *   asked     the intent, with its author and time
 */
#pragma once

#include "fsm/plan/orchestrate.h"

/* {service, about?, lines: [{kind, text, node?, at?, by?}]}. @about: NULL for
 * the service, or the name of a node, a container or a resource; -ENOENT with
 * a sentence if it is none. */
int why(struct arena *a, const struct orch_in *in, const char *about,
	struct doc **ret, struct err *err);
