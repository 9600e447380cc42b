/*
 * orchestrate - from what is asked and what is there to who shall run it.
 *
 *     intent + nodes + assignments + instance documents ──▶ changes (committed)
 *
 * Pure. Runs on the leader of the service's group after each change; what it
 * decides is proposed with the version of the state that it saw, and is
 * refused if that has moved on.
 *
 * Safety rests on one rule, `orch_may_start_elsewhere`: a failover service is
 * assigned up to a node only when every other node that ever had an assignment
 * up for it either has confirmed, in a document that names the token of its
 * assignment down, that nothing of it runs, or has lost the epoch which it was
 * assigned in. A node's epoch grows when its lease has certainly run out (or
 * fencing was confirmed), and a node runs an assignment only while it holds a
 * lease of the same epoch. So reading an old copy of the node table can delay
 * a start but never double it. With `stonith` the second is not enough: the end
 * of the epoch must have been confirmed (orch_node::fenced).
 *
 * An assignment to the one node that the service has is marked "alone": that
 * node keeps what it runs when it is cut off, so its epoch being over says
 * nothing. It counts as running until the node itself has said otherwise in
 * its new epoch, or has confirmed an assignment that is not alone.
 *
 * With topology = flex several hypervisors are assigned up, as many as
 * flex_target says. Where the encap level is failover and there is more than
 * one container, the rule above holds for containers likewise: each has an
 * epoch and a lease of its own, by its service's group. Else what is assigned
 * in a container has epoch 0 and lasts as long as that is up.
 *
 * The intent has one part per level: "want" with the seq in "want_seq" and
 * "node", "encap" with "encap_seq" and "encap_node", and "slaves": {container:
 * {want, seq}} for those that were named by themselves. A seq of 0 was never
 * asked by anybody, and nothing is done about it.
 */
#pragma once

#include "fsm/base/doc.h"
#include "fsm/conf/conf.h"
#include "fsm/status/status.h"

struct orch_node {
	const char *name;
	bool alive;	/* state "up" in the cluster's table */
	uint64_t epoch; /* current */
	bool frozen;
	bool maintenance; /* Encap looks at it, and does not touch it */
	bool draining;	  /* what runs there goes, nothing comes */
	bool drain_over;  /* and what cannot go is stopped */
	bool leaving;	  /* the cluster; it is draining, too */
	bool witness;	  /* it only votes */
	/* Its epochs up to this one are over for certain: it was fenced, or a
	 * person vouches for it; and is it so since it was lost? */
	uint64_t fenced;
	bool sure;
	/* Of its last fence: is it under way; has it failed in this epoch, and
	 * why (NULL: it has not). */
	bool fencing;
	const char *fence_failed;
	bool left; /* it has, or was removed: nothing runs there */
};

/* NULL if it is none of them. */
const struct orch_node *orch_node_named(const struct orch_node *nodes, size_t n,
					const char *name);

/* What is known of another service, which the env file names (others.h). */
struct orch_other {
	const char *name;
	bool known; /* there is such a service */
	enum status avail;
	struct doc *nodes; /* {node: {avail}}, of nodes that are up */
	struct names on;   /* where it is, or is to be */
};

struct orch_in {
	const char *service;
	const struct service_conf *conf; /* of the head revision */
	/* The same before it was evaluated, for what is scoped; NULL: nothing
	 * is. */
	const struct conf *file;
	const struct orch_other *others;
	size_t n_others;
	/* Documents as stored (fsm/state/state.h): */
	const struct doc *intent;
	bool frozen;
	/* Its own or, with _of_all, that of the whole cluster. */
	bool maintenance, maintenance_of_all;
	/* Not all members know what "alone" is. */
	bool no_alone;
	/* {node: {want,epoch,token,level,seq,lost?,failed?,error?,alone?,
	 * was_alone?}}, containers too */
	const struct doc *assigns;
	const struct doc *instances; /* {node: instance document} */
	const struct orch_node *nodes;
	size_t n_nodes;
	/* The agents in containers: alive while they have a lease of their own,
	 * which they ask for where the encap level could run in another one. */
	const struct orch_node *members;
	size_t n_members;
	uint64_t next_token;
};

enum orch_kind {
	ORCH_ASSIGN,
	ORCH_INTENT, /* a restart goes on as a start: want, level, node */
	ORCH_FENCE,  /* end this node: for the cluster's group (node, why) */
};

struct orch_change {
	enum orch_kind kind;
	const char *node; /* ORCH_INTENT: the container, or NULL: the level */
	enum level level;
	const char *want; /* "up", "down" (assign); "started" (intent) */
	uint64_t epoch, token;
	/* Of an assignment up that needs a container's lease: who grants that,
	 * and in which of its own epochs. */
	const char *host;
	uint64_t host_epoch;
	uint64_t seq; /* of the part of the intent that it serves */
	/* Of an assignment down; what became of the one before: */
	bool lost;   /* its lease ran out: nothing of it can run there */
	bool failed; /* its start failed: not tried again for this intent */
	const char *error; /* of that; NULL */
	bool alone;	   /* up on the only node: kept though it is cut off */
	bool was_alone;	   /* that was so before, and it may not know yet */
	/* Of a fence: where no device can, the node may end itself. */
	bool self;
	const char *why; /* a sentence for people */
};

struct orch_out {
	struct orch_change *at;
	size_t n;
	/* Where nothing can be done although something is asked: why. */
	const char *blocked; /* NULL if not */
};

void orchestrate(struct arena *a, const struct orch_in *in,
		 struct orch_out *ret);

/* Exposed for tests and for `encap why`. NULL if it may; else why not. */
const char *orch_may_start_elsewhere(struct arena *a, const struct orch_in *in,
				     const char *node);

/* What is in maintenance, so that nothing is done: a sentence; NULL. */
const char *orch_rests(struct arena *a, const struct orch_in *in);

/* Why @node could not run the service if a person asked for it there now, as
 * the end of a sentence about the node; NULL if it could. */
const char *orch_unfit(struct arena *a, const struct orch_in *in,
		       const char *node);

/* Where @node runs the service and leaves the cluster: why the service cannot
 * go elsewhere, as a sentence; NULL if it can, or if nothing of it is there. */
const char *orch_cannot_go(struct arena *a, const struct orch_in *in,
			   const char *node);

/* What a start needs and is not on @node, likewise; NULL. A person may ask for
 * it there all the same. */
const char *orch_unmade(struct arena *a, const struct orch_in *in,
			const char *node);

/* A change as it is proposed, and as the row of an assignment is stored. */
struct doc *orch_change_doc(struct arena *a, const struct orch_change *c);
/* What an ORCH_INTENT makes of the intent. False if it has no such part. */
bool orch_intent_goes_on(struct arena *a, struct doc *intent,
			 const struct doc *change);
