/*
 * fence - who carries out a fence that was asked for, and when it is given up.
 *
 *     nodes with what was asked + devices ──▶ run it there | it has failed
 *
 * Pure. Runs on the leader of the cluster's group. A fence is tried by one
 * surviving node after the other, each with all devices of the node and all
 * their retries; what it says is committed, and so is that it shall.
 */
#pragma once

#include "fsm/base/doc.h"
#include "fsm/conf/fence.h"

#define FENCE_RUNNERS 3 /* that try it, one after the other */

struct fence_node {
	uint64_t id;
	const char *name;
	bool alive;		 /* state "up" */
	bool connected;		 /* it can be reached from the leader */
	const struct doc *fence; /* NULL: never (fsm/op/fence.c) */
	/* For how long the leader knows it in its present state. */
	int64_t waited_ms;
};

enum fence_verdict {
	FENCE_WAIT, /* nothing to do, or not yet */
	FENCE_RUN,  /* propose fence_run with @runner */
	FENCE_FAIL, /* propose fence_fail with @text */
};

struct fence_out {
	enum fence_verdict verdict;
	const char *runner;
	const char *text;
	int64_t again_ms; /* of FENCE_WAIT: decide again then; 0: on a change */
};

/* About the fence of nodes[i]; @config: of the cluster, may be NULL. */
void fence_decide(struct arena *a, const struct fence_node *nodes, size_t n,
		  size_t i, const char *config, struct fence_out *ret);
