/*
 * order - what a person asked of some resources of one node alone.
 *
 *     svc_act ──▶ order (a row per service and node) ──▶ hold per resource
 *
 * {act, seq, token, keep, whole, holds{rid: {want, act}}, by, at}
 *
 * want is up, down, restart, provision, make or unprovision; whole is
 * "provision" or "unprovision" where all of it was meant. A word that is not
 * known holds nothing.
 *
 * It counts as long as the intent that it was given under, and the assignment:
 * a start, stop or move of the whole, and a failover, end it. With keep it came
 * with the assignment: what it does not name is left as it is.
 */
#pragma once

#include "fsm/base/doc.h"
#include "fsm/plan/reconcile.h"

/* The sequence number of the part of the intent that is for @node. */
int64_t order_intent_seq(const struct doc *intent, const char *node,
			 bool container);
/* Does @order count under this intent and assignment (NULL: none)? */
bool order_counts(const struct doc *order, const struct doc *intent,
		  const char *node, bool container, const struct doc *assign);

/* "provision", "unprovision", or NULL. */
const char *order_whole(const struct doc *order);

/* What it means for inst->res[i]; @ret_act: which act asked for that, 0 if
 * none. */
enum hold order_hold(const struct instance *inst, const struct doc *order,
		     size_t i, uint64_t *ret_act);
