/*
 * pass - one look of the orchestrator at a service (orchestrate.c), and which
 * nodes are fit for it (orchestrate_fit.c).
 */
#pragma once

#include <string.h>

#include "fsm/plan/orchestrate.h"

struct view { /* of one hypervisor, or one container */
	const char *name;
	const struct orch_node *node; /* NULL: not in the cluster's table */
	const struct doc *row, *inst; /* its assignment, its document */
	bool listed, drp;	      /* in nodes, in drpnodes */
	/* It is lost, and that is not enough (stonith); it could not stop. */
	bool must_fence, stop_failed;
	bool is_fenced_last; /* the last rung of its service's stops */
};

struct pass {
	struct arena *a;
	const struct orch_in *in;
	struct orch_out *out;
	uint64_t token; /* the next */
	struct view *at;
	size_t n;

	const char *want; /* of the hypervisor level */
	uint64_t seq;
	bool served;
	struct view *holder; /* assigned up, with a lease that may hold */
	struct view *up;     /* who will hold it after this pass */
	bool placed;	     /* in this pass */
	bool waits;	     /* a stop, for a child */
};

static inline uint64_t num(const struct doc *d, const char *key)
{
	return (uint64_t)doc_get_int(d, key, 0);
}

static inline bool is_alive(const struct view *v)
{
	return v->node && v->node->alive;
}

/* Who is in charge of a start, now. */
static inline bool is_ha(const struct pass *p)
{
	return strcmp(p->in->conf->orchestrate, "ha") == 0;
}

/* The latest assignment of all: where it was until a restart took it down. */
struct view *pass_latest(const struct pass *p);

/* orchestrate_fence.c: have nodes ended that must be; and what is said of one
 * for which that is waited. */
void fence_nodes(struct pass *p);
const char *fence_why(struct arena *a, const struct view *v);
/* stop_failed = fence */
bool fence_is_last(const struct orch_in *in);
/* Why nothing of a lost node's can run there any more. */
const char *fence_lost_why(const struct pass *p, const struct view *v);
/* A change for @p->out; @node may be of an earlier one. */
struct orch_change *change_new(struct pass *p, enum orch_kind kind,
			       const char *node, enum level level);

/* So many look dead that nothing is done by itself; NULL. */
const char *fit_too_many_dead(const struct pass *p);
/* Why @v cannot run it, as the end of a sentence about the node; NULL if it
 * can. @asked: a person has named it. */
const char *fit_refused(const struct pass *p, const struct view *v, bool asked);
/* What a start needs and is not there, likewise; NULL. */
const char *fit_unmade(const struct pass *p, const struct view *v);
/* The best of the nodes that can, by placement and soft affinities; NULL. */
struct view *fit_best(const struct pass *p, const struct view *but);
const char *fit_nobody(const struct pass *p);
/* NULL where any start is allowed. */
const char *fit_must_not_start(const struct pass *p);
/* What a start has to wait for: a parent that is not up; NULL. */
const char *fit_waits_for_parent(const struct pass *p);
/* What a stop has to wait for: a child that is not down; NULL. */
const char *fit_waits_for_child(const struct pass *p);

/* orchestrate_upkeep.c */
/* What is in maintenance, so that nothing is done; NULL. */
const char *upkeep_rests(const struct pass *p);
/* Is its holder to give it to another node, which has to be found? */
bool upkeep_drains(const struct pass *p);
/* There is none. True where it is to be stopped there all the same; says in
 * p->out->blocked why it stays, or is nowhere. */
bool upkeep_drain_stuck(struct pass *p);
/* Where its start failed, the holder the last, and what to do. */
const char *upkeep_start_failed(struct pass *p);
