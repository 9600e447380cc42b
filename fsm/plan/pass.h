/*
 * pass - one look of the orchestrator at one level of a service: at who holds
 * it (orchestrate.c), at several that do (orchestrate_flex.c), at containers as
 * the nodes (orchestrate_encap.c), and which are fit (orchestrate_fit.c).
 */
#pragma once

#include <string.h>

#include "fsm/plan/orchestrate.h"
#include "store/plant.h"

struct view { /* of one hypervisor, or one container */
	const char *name;
	const struct orch_node *node; /* NULL: not in the cluster's table */
	const struct doc *row, *inst; /* its assignment, its document */
	bool listed, drp;	      /* in nodes, in drpnodes; or encapnodes */
	bool on;		      /* assigned up after this pass */
	bool placed;		      /* in this pass */
	bool picked;		      /* flex: one of those that shall be up */
	bool given_up;		      /* its start failed: rather another one */
	/* A hypervisor: the containers with agents that it has, once looked at.
	 * All that the service has, where that is not to be told. */
	struct carried {
		const char *name, *rid;
	} * carries;
	size_t n_carries;
	bool looked;
	/* A container: the hypervisor that is to have it up; NULL: none. */
	const struct view *host;
	const char *rid;		  /* of it there; NULL: not known */
	const struct orch_node *host_was; /* whose lease its own is part of */
	/* It is lost, and that is not enough (stonith); it could not stop. */
	bool must_fence, stop_failed;
	bool is_fenced_last; /* the last rung of its service's stops */
};

struct pass {
	struct arena *a;
	const struct orch_in *in;
	struct orch_out *out;
	enum level level;
	uint64_t token; /* the next */
	struct view *at;
	size_t n;

	const char *want;  /* of this level */
	const char *asked; /* the node that was named, or NULL */
	const char *orchestrate;
	uint64_t seq;
	bool served;
	struct view *holder; /* assigned up, with a lease that may hold */
	struct view *up;     /* who will hold it after this pass */
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
	return strcmp(p->orchestrate, "ha") == 0;
}

static inline bool is_up(const struct view *v)
{
	return doc_is(v->row, "want", "up");
}

/* A container's lease lasts no longer than its host's. */
static inline bool is_host_lost(const struct view *v)
{
	return v->row && v->host_was &&
	       v->host_was->epoch > num(v->row, "host_epoch");
}

/* The epoch of its assignment is over. What was assigned in a container without
 * an epoch needs no lease. */
static inline bool is_lost(const struct view *v)
{
	bool bound = num(v->row, "epoch") || !doc_is(v->row, "level", "encap");

	return v->row && bound && v->node &&
	       (v->node->epoch > num(v->row, "epoch") || is_host_lost(v));
}

/* Its document speaks of its present assignment. */
static inline bool has_said(const struct view *v)
{
	return v->row && v->inst && num(v->inst, "token") != 0 &&
	       (num(v->inst, "token") == num(v->row, "token") ||
		PLANTED(IGNORES_TOKEN));
}

static inline bool said_state(const struct view *v, const char *state)
{
	return has_said(v) && doc_is(v->inst, "state", state);
}

/* The executor has settled on an assignment down, and nothing is up. */
static inline bool said_down(const struct view *v)
{
	if (PLANTED(STOPPED_EARLY))
		return !is_up(v) && has_said(v);
	return !is_up(v) && said_state(v, "idle") && !instance_runs(v->inst);
}

/* How the start that an assignment up asked for has ended. */
enum ended { ENDED_NOT, ENDED_UP, ENDED_FAILED };

/* What it started is up no more and cannot be: monitor_action = switch. */
static inline bool said_switch(const struct view *v)
{
	return has_said(v) && doc_get_bool(v->inst, "switch", false);
}

static inline enum ended start_ended(const struct view *v)
{
	if (said_state(v, "start failed") || said_switch(v))
		return ENDED_FAILED;
	if (has_said(v) && doc_get_bool(v->inst, "up_once", false))
		return ENDED_UP;
	return ENDED_NOT;
}

/* It keeps what it runs when it is cut off, as far as it knows. */
static inline bool is_alone(const struct view *v)
{
	if (v->node && v->node->left)
		return false;
	/* Unless it was ended, or somebody vouches that it is down. */
	return v->row &&
	       !(v->node && v->node->fenced >= num(v->row, "epoch")) &&
	       (doc_get_bool(v->row, "alone", false) ||
		(doc_get_bool(v->row, "was_alone", false) && !has_said(v)));
}

/* What it says is of its present epoch, since when it is back. */
static inline bool is_back(const struct view *v)
{
	return is_alive(v) && num(v->inst, "lease") == v->node->epoch;
}

static inline bool has_served(const struct view *v, uint64_t seq)
{
	if (!v->row || num(v->row, "seq") != seq)
		return false;
	if (is_up(v))
		return !is_lost(v) || is_alone(v) ||
		       start_ended(v) != ENDED_NOT;
	return doc_get_bool(v->row, "lost", false) ||
	       doc_get_bool(v->row, "failed", false);
}

static inline bool stop_is_tried_again(const struct view *v, uint64_t seq)
{
	return !is_up(v) && said_state(v, "stop failed") &&
	       num(v->row, "seq") != seq;
}

/* -- orchestrate.c: one holder at most ------------------------------------ */

void pass_init_encap(struct pass *p, const struct pass *of);
struct view *pass_view(const struct pass *p, const char *name); /* or NULL */
/* Those that have rows, whether the file names them or not. */
struct names pass_names_left(struct pass *p, bool containers);
/* May anything of it be running there? */
bool pass_may_run(const struct view *v);
const char *pass_may_run_why(struct arena *a, const struct view *v);
bool pass_runs_unasked(const struct view *v);
struct view *pass_found_running(const struct pass *p);
const struct view *pass_other_that_may_run(const struct pass *p,
					   const struct view *target);
struct orch_change *pass_change(struct pass *p, enum orch_kind kind,
				const char *node, enum level level);
struct orch_change *pass_assign(struct pass *p, const struct view *v,
				const char *want, const char *why);
void pass_restart_goes_on(struct pass *p, enum level level, const char *node);
const char *pass_asker(const struct pass *p);
const char *pass_up_why(const struct pass *p, const struct view *v);
bool pass_waits_for_child(struct pass *p);
void pass_write_off_lost(struct pass *p);
void pass_place(struct pass *p);
void pass_stop_all(struct pass *p);
void pass_stop_doubles(struct pass *p);
void pass_retry_stops(struct pass *p);
/* Has its start failed, so that another one is to be tried? */
bool pass_gives_up(const struct pass *p, const struct view *v);
void pass_take_down(struct pass *p, const struct view *v,
		    const struct view *next);

/* -- orchestrate_flex.c: several ------------------------------------------- */

void flex_place(struct pass *p);

/* -- orchestrate_encap.c: in containers ------------------------------------ */

/* The containers of @v. */
void encap_look(const struct pass *p, struct view *v);
bool encap_carries(const struct view *v, const char *container);
void encap_decide(struct pass *p);
/* Why the encap level could not run in @v, as the end of a sentence; or NULL.
 */
const char *encap_refused(const struct pass *p, const struct view *v);
struct view *encap_best(const struct pass *p, const struct view *but);
/* With the hosts of all. */
void encap_pass(struct pass *q, struct pass *p);

/* -- orchestrate_fit.c ----------------------------------------------------- */
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

/* So many look dead that nothing is done by itself; NULL. */
const char *fit_too_many_dead(const struct pass *p);
/* Why @v cannot run it, as the end of a sentence about the node; NULL if it
 * can. @asked: a person has named it. */
const char *fit_refused(const struct pass *p, const struct view *v, bool asked);
/* What a start needs and is not there, likewise; NULL. */
const char *fit_unmade(const struct pass *p, const struct view *v);
/* The best of the nodes that can, by placement and soft affinities; NULL. */
struct view *fit_best(const struct pass *p, const struct view *but);
/* Its rank by placement alone: the least is the best. */
uint64_t fit_place(const struct pass *p, const struct view *v);
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
bool upkeep_drains_from(const struct pass *p, const struct view *v);
/* There is none. True where it is to be stopped there all the same; says in
 * p->out->blocked why it stays, or is nowhere. */
bool upkeep_drain_stuck(struct pass *p);
/* Where its start failed, the holder the last, and what to do. */
const char *upkeep_start_failed(struct pass *p);
