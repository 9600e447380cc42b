/*
 * forecast - what would be done, from here until nothing more would be.
 *
 *     services, nodes ──orchestrate──▶ assignments ──reconcile──▶ actions
 *            ▲                                                      │
 *            └───────────── as if each of them went well ───────────┘
 *
 * Pure: the functions that decide and that act are asked over a copy of the
 * state, drivers are taken to succeed and agents to answer, and what they say
 * is written down in order. What is asked for has to be in the state already
 * (the command is applied to a copy of it), so a forecast without a question
 * is what is on its way.
 *
 * A service that is not among those given is not there for the others, so those
 * that a service's env file names have to be among them.
 *
 * Where several machines are at work at once there is no order between them;
 * they come in the order of their services' priorities, then of their names as
 * the env file gives them, a container behind its hypervisor.
 */
#pragma once

#include "fsm/plan/orchestrate.h"

struct forecast_service {
	const char *name;
	const struct conf *conf;			/* of the head */
	const struct doc *intent, *assigns, *instances; /* as stored */
	const struct doc *orders; /* {node: order}; NULL: none */
	bool frozen;
	bool maintenance, maintenance_of_all; /* as in orch_in */
	uint64_t next_token;
};

struct forecast_in {
	const struct forecast_service *services;
	size_t n;
	const struct orch_node *nodes;
	size_t n_nodes;
};

/*
 * {steps: [{service, node, host (of a container), kind, op, rid, why}],
 *  interrupted: [{service, node, host, rid (the first that stops), again (the
 *                 node where it is up in the end)}],
 *  waiting: [{service, node, why}],
 *  ladders: [{service, node, rungs: kill, cut, fence}] (what would be done if a
 *            stop of the service there failed), settled}
 *
 * kind is "assign" (op up, down), "fence" (the node is ended), "intent" (op
 * started: a restart goes on), or "action" (op start, stop, with a rid; or
 * pre_start, ..., the triggers around the whole, or around a subset that
 * "subset" names). "waiting" is what is not done, and why; "settled" is false
 * where no end was found.
 * @ret_after, unless it is NULL: one for each of in->services, as it is in the
 * end, in another order. */
struct doc *forecast(struct arena *a, const struct forecast_in *in,
		     struct forecast_service *ret_after);
