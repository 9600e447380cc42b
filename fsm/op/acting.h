/*
 * acting - one svc_act on its way, for action.c and provision.c.
 *
 *     targets ──▶ target_find ──▶ an order per node, and the intent ──▶ written
 *
 * Nothing is written before all of it is known to be allowed.
 */
#pragma once

#include "fsm/op/internal.h"
#include "fsm/plan/actions.h"

struct acting {
	const struct op_env *env;
	const struct doc *cmd;
	struct doc *row; /* of the service */
	const char *name, *action;
	struct conf *conf;
	struct service_conf sc;
	struct selection sel;
	int64_t act;
	enum op_code code; /* of a refusal */
	/* What is written once all is known to be allowed: */
	struct doc *intent; /* changed, or NULL */
	struct doc *orders; /* {node: row} */
	struct doc *peers;  /* [those that nobody named] */
	struct buf said;    /* for the event */
};

struct target { /* one node */
	const char *node;
	bool container;
	struct instance inst;
	bool *picked;
	bool all_standby;
	const struct doc *assign;
};

/* action.c. Texts are why not; NULL where it is allowed. */
const char *acting_refused(struct acting *q, enum op_code code,
			   const char *text);
bool acting_is_up(const struct doc *assign);
/* 1: nothing of it is meant there. */
int acting_target(struct acting *q, const char *node, struct target *t,
		  const char **ret_why);
/* The intent, with a sequence number of its own. */
struct doc *acting_intent(struct acting *q);
/* What is shared may only run where it is assigned: a start of some of it,
 * where nothing is, is a start that is for them alone. Its sequence number, or
 * 0 with *ret_why. */
int64_t acting_start_part(struct acting *q, const struct target *t,
			  const char **ret_why);
/* A new order for the target, with the holds of before if they still count. Of
 * an assignment that is still to come for @comes of the intent; 0: of the one
 * that is there. */
struct doc *acting_order(struct acting *q, const struct target *t,
			 int64_t comes);
void acting_hold(struct acting *q, struct doc *order, const char *rid,
		 const char *want);
bool acting_has_failed(const struct acting *q, const struct target *t);

/* provision.c: is the action provision or unprovision, and its orders. */
bool acting_makes(const struct acting *q);
const char *acting_make(struct acting *q, const struct target *t);
/* Is it a container that is gone when the order is carried out? What went wrong
 * in it, its host has noted then. */
bool acting_ends_with_host(const struct acting *q, const char *node);
/* On the other nodes, once those for the target are made. */
void acting_make_peers(struct acting *q, const char *node);
