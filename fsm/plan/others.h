/*
 * others - what the orchestrator of one service has to know of the others that
 * its env file names.
 *
 *     their env files, assignments, documents, the nodes ──▶ up? where?
 *
 * Pure. They live in other raft groups, so what is known of them is of another
 * moment: an order between services comes out of it, not safety.
 */
#pragma once

#include "fsm/plan/orchestrate.h"

/* Fills @ret->avail, ->nodes and ->on from a service as it is stored, with the
 * name that it was asked under. @conf NULL: there is none of that name. */
void other_see(struct arena *a, const struct service_conf *conf,
	       const struct doc *assigns, const struct doc *instances,
	       const struct orch_node *nodes, size_t n_nodes,
	       struct orch_other *ret);

/* All services that an env file names, once each, without the node behind an
 * '@': parents, children, affinities. */
struct names others_named(struct arena *a, const struct service_conf *conf);

/* "db@hv1" -> "db", "hv1"; the node is "" if there is none. */
void other_split(struct arena *a, const char *word, const char **ret_name,
		 const char **ret_node);
