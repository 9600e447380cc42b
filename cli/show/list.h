/*
 * list - one line per service, per node, per event.
 */
#pragma once

#include <stdio.h>

#include "cli/show/text.h"
#include "fsm/base/doc.h"

/* @services: status documents; @nodes: as in node_ls (docs/api.md). */
void list_services(FILE *out, const struct term *t, struct arena *a,
		   const struct doc *services);
void list_nodes(FILE *out, const struct term *t, struct arena *a,
		const struct doc *nodes);
/* The answer of cluster_status. */
void list_cluster(FILE *out, const struct term *t, struct arena *a,
		  const struct doc *cluster);
/* "2026-11-23 21:06:44.123 hv1 web fs#1 action: started" */
const char *list_event(struct arena *a, const struct doc *event);

/* What is to be said of one instance beside its status word: its state, its
 * error, frozen, its age if that is not fresh; "" if nothing. */
const char *list_instance_notes(struct arena *a, const struct doc *inst);
