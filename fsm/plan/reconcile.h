/*
 * reconcile - from an assignment and what is there to the next actions.
 *
 *     want + probes + containers' own status ──▶ [actions] | wait | settled
 *
 * Pure and level-triggered: it compares and derives; it remembers nothing.
 * The executor carries out what comes back, looks again, and asks again, until
 * nothing comes back.
 *
 * Start, at the hypervisor level: resources before the container in group
 * order, the container, its agent answering, its encap resources (which the
 * agent inside starts, driven by its own assignment), then the resources after
 * it. Stop: the exact reverse; a container whose agent does not answer does
 * not block. At the encap level: the encap resources alone.
 */
#pragma once

#include "fsm/conf/conf.h"
#include "fsm/status/status.h"

enum want { WANT_NOTHING, WANT_UP, WANT_DOWN };

/* What is known of the agent in a container of this instance. */
struct encap_view {
	const char *rid;    /* of the container */
	bool connected;	    /* its channel is up and it has its identity */
	bool was_connected; /* since the container's start */
	enum want want;	    /* its own assignment */
	const struct doc *status; /* its instance document, of this session */
	int64_t since_ms; /* how long the container is up without its agent */
};

struct recon_in {
	const struct instance *inst;
	enum want want;
	bool kill; /* the lease runs out: hard stop, wait for nobody */
	const struct probe *probes; /* one for each inst->res */
	const struct encap_view *encaps;
	size_t n_encaps;
	/* This assignment once had everything up (so what is down now fell
	 * down by itself and is governed by its restart keyword). */
	bool was_up;
	/* Per resource, in the order of inst->res, for this assignment: */
	struct recon_memory {
		unsigned restarts; /* done since it was last up */
		bool started;	   /* by us: a rollback would stop it */
		bool failed;	   /* its start or stop failed */
		const char *error;
	} * memory;
	int64_t agent_timeout_ms; /* to wait for the agent in a container */
};

enum recon_op { RECON_START, RECON_STOP, RECON_KILL };

struct recon_action {
	enum recon_op op;
	size_t res; /* index in inst->res */
	const char *why;
};

enum recon_state {
	RECON_SETTLED, /* as wanted, or nothing wanted */
	RECON_ACT,     /* carry out the actions, in order, then ask again */
	RECON_WAIT,    /* for `wait`; ask again when something changes */
	RECON_FAILED,  /* given up for this assignment; `wait` says why */
};

struct recon_out {
	enum recon_state state;
	struct recon_action
		*at; /* independent of each other: may run at once */
	size_t n;
	const char *word; /* "idle", "starting", "stopping", "start failed", */
	const char *wait; /* a sentence, or NULL */
};

void reconcile(struct arena *a, const struct recon_in *in,
	       struct recon_out *ret);

/* The whole order at once, for `encap plan` and the tests: what a start or
 * stop of this instance would do, with the encap part in its place as actions
 * on the container's rid. */
