/*
 * reconcile - from an assignment and what is there to the next actions.
 *
 *     want + probes + containers' own status ──▶ [actions] | wait | settled
 *
 * Pure and level-triggered: it compares and derives; it remembers nothing.
 * The executor carries out what comes back, all of it at once, looks again when
 * the last of it has ended, and asks again, until nothing comes back.
 *
 * Start, at the hypervisor level: resources before the container in group
 * order, the container, its agent answering, its encap resources (which the
 * agent inside starts, driven by its own assignment), then the resources after
 * it. Stop: the exact reverse. Within a group by subset, then natural order of
 * rids, file systems by depth; those of a parallel subset at once. An agent
 * that is at work on its assignment is waited for as long as that takes (each
 * of its operations has a deadline). One that is not connected, or does not say
 * within agent_timeout_ms that it is at work, does not answer, and blocks
 * neither. At the encap level: the encap resources alone.
 *
 * A stop that fails goes on by the ladder, as far as stop_failed of the service
 * says: by force, then the network of a container is taken away; what runs in a
 * container and does not stop is stopped with it. Each rung is an operation
 * with a deadline of its own. After the last it is "stop failed", and never
 * silently stopped. (The next rung is the orchestrator's: the node is fenced.)
 *
 * A start that fails is rolled back: what it has started is stopped in reverse;
 * in a container that it has started, the agent is told to halt first.
 *
 * The flags of a resource: disable and the tag noaction take it out of
 * everything; a failure of an optional one fails nothing; a standby one is up
 * wherever anybody has ever asked for anything, assigned or not. What fell down
 * after its start is started again as often as restart says, a standby one at
 * least twice, with pauses (actions_restart_wait_ms). A monitored one that
 * stays down is told of in `monitor`.
 *
 * What a person asked of some resources alone is in `holds`: it goes before the
 * assignment, for as long as that lasts.
 *
 * A provision is a start in which each resource is provisioned before it is
 * started; an unprovision is a stop in which each is unprovisioned once it is
 * down. A provision that fails is a start that fails: what was started is
 * stopped, what was made stays. After an unprovision that fails nothing more
 * is taken away, the rest is only stopped.
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
	int64_t halted_ms; /* since it was first told to halt; 0: was not */
};

/* What a person asked of one resource. */
enum hold {
	HOLD_NOT,
	HOLD_UP,
	HOLD_DOWN,
	HOLD_RESTART, /* down, then up */
	HOLD_KEEP,    /* as it is: others of it were asked for */
	/* What it needs is made first, then it is up. */
	HOLD_PROVISION,
	HOLD_MAKE,	  /* made; for that alone also up for a while */
	HOLD_UNPROVISION, /* down, then what was made is taken away */
};

/* Per resource, for this assignment: all is forgotten with the next one, and
 * after a kill. Of a restart of the agent nothing of it is left, which costs
 * no more than an operation that is done again. */
struct recon_memory {
	unsigned restarts; /* starts after the first that came back well */
	int64_t last_ms;   /* when the last of them began */
	bool busy;	   /* an operation of it is under way */
	bool done;	   /* its last operation came back well */
	bool started;	   /* by us, and it was not up: a rollback stops it */
	bool start_failed, stop_failed;
	enum rung { RUNG_SOFT, RUNG_KILL, RUNG_CUT } rung; /* of its stop */
	bool asked; /* its hold is newer than was_up */
	/* HOLD_RESTART: it was down; of a provision or unprovision: that is
	 * done, or there was nothing to do. */
	bool turned;
	bool unmade; /* its unprovision has failed */
	const char
		*error; /* what has failed, when that is found out, or NULL */
};

/* Per scope: [0] the whole instance, [1 + k] inst->subsets[k]. */
struct recon_hooks {
	bool acted;	    /* something in it was begun */
	bool before, after; /* its triggers were run */
	bool failed;	    /* a blocking one did */
	const char *error;
};

struct recon_in {
	const struct instance *inst;
	enum want want;
	bool kill;   /* the lease runs out: hard stop, wait for nobody */
	bool frozen; /* what falls down stays down */
	/* There is no assignment, but the service was once asked for. */
	bool standby;
	const struct probe *probes; /* one for each inst->res */
	const struct encap_view *encaps;
	size_t n_encaps;
	/* This assignment once had everything up (so what is down now fell
	 * down by itself and is governed by its restart keyword). */
	bool was_up;
	const enum hold *holds; /* in the order of inst->res; NULL: none */
	/* They are of all of it: "provision", "unprovision"; else NULL. The
	 * triggers around the whole are those of that action, then. */
	const char *whole;
	/* In the order of inst->res, and by scope. Written where something is
	 * found out that the next pass could not: a container of which the
	 * encap part failed (the rollback takes away who said so), a
	 * requirement that was not met, a restart that has come to its half,
	 * a scope in which something was begun. */
	struct recon_memory *memory;
	struct recon_hooks *hooks; /* NULL: no triggers around the whole */
	int64_t agent_timeout_ms;  /* to wait for the agent in a container */
	int64_t now_ms;
};

enum recon_op {
	RECON_START,
	RECON_STOP,
	RECON_KILL, /* a lease that runs out; or a rung of the ladder */
	RECON_CUT,  /* take the network of a container away */
	RECON_PROVISION,
	RECON_UNPROVISION,
	RECON_HOOK, /* run the triggers of a scope */
};

struct recon_action {
	enum recon_op op;
	size_t res;	    /* index in inst->res; of a hook: the scope */
	bool after;	    /* of a hook: its post triggers */
	const char *action; /* of a hook: "start", "stop", ... */
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
	struct recon_action *at; /* all at once */
	size_t n;
	/* "idle", "start failed", "stop failed", or what is being done:
	 * instance_is_busy() */
	const char *word;
	const char *wait; /* a sentence, or NULL */
	const char
		*error; /* what has failed, when that is found out, or NULL */
	const char *act_error; /* what failed of that which was held, or NULL */
	const char *note;      /* for the log: what was left out, or NULL */
	const char *halt;      /* tell the agent in this container to stop what
				  runs in it */
	int64_t again_ms;      /* 0, or: ask again after so long */
	const char *monitor;   /* a monitored resource stays down: which, why */
	size_t monitor_res;
};

void reconcile(struct arena *a, const struct recon_in *in,
	       struct recon_out *ret);

/* "start", "stop", "kill", "cut", "provision", ... */
const char *recon_op_word(enum recon_op op);
/* The rung of a stop that stood at @now once @op was done. */
enum rung recon_rung(enum recon_op op, enum rung now);

/* What would be if @act went well: the probes and memory that the next pass
 * would see. For plans and tests: @probes is in->probes, writable. */
void recon_assume(const struct recon_in *in, const struct recon_action *act,
		  struct probe *probes);
