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
 * it. Stop: the exact reverse. An agent that is at work on its assignment is
 * waited for as long as that takes (each of its operations has a deadline). One
 * that is not connected, or does not say within agent_timeout_ms that it is at
 * work, does not answer, and blocks neither. At the encap level: the encap
 * resources alone.
 *
 * The flags of a resource: disable and the tag noaction take it out of
 * everything; a failure of an optional one fails nothing; a standby one is up
 * wherever there is an assignment, up or down. What fell down after its start
 * is started again as often as restart says, a standby one at least twice.
 */
#pragma once

#include "fsm/conf/conf.h"
#include "fsm/status/status.h"

enum want { WANT_NOTHING, WANT_UP, WANT_DOWN };

/* What is known of the agent in a container of this instance. */
struct encap_view {
	const char *rid; /* of the container */
	bool connected;	 /* its channel is up and it has its identity */
	enum want want;	 /* its own assignment, and the token of that */
	uint64_t token;
	const struct doc *status; /* its instance document, of this session */
	int64_t since_ms;	  /* how long the container is up */
	/* How long it could have known its assignment: since it is connected
	 * and there is this token. */
	int64_t asked_ms;
};

/* Per resource, for this assignment: all is forgotten with the next one, and
 * after a kill. Of a restart of the agent nothing of it is left, which costs
 * no more than an operation that is done again. */
struct recon_memory {
	unsigned restarts; /* starts after the first that came back well */
	bool done;	   /* its last operation came back well */
	bool started;	   /* by us, and it was not up: a rollback stops it */
	bool start_failed, stop_failed;
	const char
		*error; /* what has failed, when that is found out, or NULL */
};

struct recon_in {
	const struct instance *inst;
	enum want want;
	bool kill;   /* the lease runs out: hard stop, wait for nobody */
	bool frozen; /* what falls down stays down */
	const struct probe *probes; /* one for each inst->res */
	const struct encap_view *encaps;
	size_t n_encaps;
	/* This assignment once had everything up (so what is down now fell
	 * down by itself and is governed by its restart keyword). */
	bool was_up;
	/* In the order of inst->res. Written in one case: a container of which
	 * the encap part failed is noted as start_failed, since the rollback
	 * takes away who said so. */
	struct recon_memory *memory;
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
	RECON_ACT,     /* carry out the actions, then ask again */
	RECON_WAIT,    /* for `wait`; ask again when something changes */
	RECON_FAILED,  /* given up for this assignment; `wait` says why */
};

struct recon_out {
	enum recon_state state;
	struct recon_action *at; /* one; of a kill, all: at once */
	size_t n;
	/* "idle", "starting", "stopping", "start failed", "stop failed" */
	const char *word;
	const char *wait; /* a sentence, or NULL */
	const char
		*error; /* what has failed, when that is found out, or NULL */
};

void reconcile(struct arena *a, const struct recon_in *in,
	       struct recon_out *ret);
