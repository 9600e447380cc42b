/*
 * list - one line per service, per node, per event.
 */
#pragma once

#include <stdio.h>

#include "cli/show/text.h"
#include "fsm/base/doc.h"

/* A column per node; in it what is available there, with ! for a warning, * for
 * frozen, ? and its age for what is not fresh.
 * @services: status documents; @nodes: as in node_ls (docs/api.md). */
void list_services(FILE *out, const struct term *t, struct arena *a,
		   const struct doc *services);
void list_nodes(FILE *out, const struct term *t, struct arena *a,
		const struct doc *nodes);
/* The answer of cluster_status. */
void list_cluster(FILE *out, const struct term *t, struct arena *a,
		  const struct doc *cluster);
/* "2026-11-23 21:06:44.123 hv1 web fs#1 action: started" */
const char *list_event(struct arena *a, const struct doc *event);

/* What is to be said of a service beside its status words: frozen, not
 * provisioned, not where it should be; "" if nothing. */
const char *list_service_state(struct arena *a, const struct doc *service);
/* And of one instance: a warning (if @warn), frozen, its node frozen, not
 * provisioned, its state, its error, an older revision, and its age if that is
 * not fresh. */
const char *list_instance_notes(struct arena *a, const struct doc *inst,
				bool warn);
