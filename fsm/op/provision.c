/*
 * What a service needs made, and taken away again (docs/decisions/
 * provision.md): the orders for one node, its containers, and the others that
 * have something of their own.
 */
#include <string.h>

#include "fsm/op/acting.h"
#include "fsm/plan/order.h"

static bool is_provision(const struct acting *q)
{
	return strcmp(q->action, "provision") == 0;
}

bool acting_makes(const struct acting *q)
{
	return is_provision(q) || strcmp(q->action, "unprovision") == 0;
}

static bool is_whole(const struct acting *q)
{
	return selection_is_empty(&q->sel);
}

/* Of keywords that are true unless they say otherwise. */
static bool says_no(const struct resource *r, const char *keyword)
{
	const char *text = kw_find(r->common, keyword);

	return text && strcmp(text, "false") == 0;
}

static void put_holds(struct acting *q, const struct target *t,
		      struct doc *order)
{
	for (size_t i = 0; i < t->inst.n; i++) {
		const struct resource *r = &t->inst.res[i];
		bool no = says_no(r, q->action);

		if (!t->picked[i])
			continue;
		acting_hold(q, order, r->rid,
			    !no		      ? q->action
			    : is_provision(q) ? "up"
					      : "down");
		buf_printf(&q->said, " %s", r->rid);
	}
	if (is_whole(q))
		doc_put_str(q->env->s->arena, order, "whole", q->action);
}

/* What a person would ask of all of it: both levels. */
static int64_t ask_whole(struct acting *q, const char *want, const char *node)
{
	static const char *const levels[] = { "want", "encap" };
	struct arena *a = q->env->s->arena;
	struct doc *was = acting_intent(q), *intent = doc_map(a);
	int64_t seq = doc_get_int(was, "seq", 0);

	for (size_t i = 0; i < 2; i++) {
		doc_put_str(a, intent, levels[i], want);
		doc_put_int(a, intent, arena_printf(a, "%s_seq", levels[i]),
			    seq);
	}
	if (node)
		doc_put_str(a, intent, "node", node);
	doc_put_int(a, intent, "seq", seq);
	doc_put_int(a, intent, "at", q->env->at);
	if (q->env->by)
		doc_put(a, intent, "by", doc_copy(a, q->env->by));
	q->intent = intent;
	return seq;
}

/* -- provision ------------------------------------------------------------- */

/* The containers of a start of the whole come up with it. */
static bool comes_up(const struct acting *q, const struct target *t)
{
	return t->container && q->intent && !acting_is_up(t->assign);
}

static const char *provision(struct acting *q, const struct target *t)
{
	bool up = acting_is_up(t->assign) && !acting_has_failed(q, t);
	const char *why = NULL;
	struct doc *order;
	int64_t seq = 0;

	if (!up && comes_up(q, t) && is_whole(q))
		seq = doc_get_int(q->intent, "encap_seq", 0);
	else if (!up)
		seq = acting_start_part(q, t, &why);
	if (why)
		return why;
	if (!up && !t->container && is_whole(q))
		seq = ask_whole(q, "started", t->node);
	order = acting_order(q, t, seq);
	put_holds(q, t, order);
	return NULL;
}

/* -- unprovision ----------------------------------------------------------- */

static const char *still_runs(struct acting *q, const struct target *t)
{
	struct arena *a = q->env->s->arena;
	const struct service_conf here = {
		.nodes = { &(const char *){ t->node }, 1 }
	};
	const char *other =
		t->container ? NULL : op_runs_beside(q->env, q->name, &here);
	const struct doc *said = state_instance(q->env->s, q->name, t->node);
	bool up = acting_is_up(t->assign) || (said && instance_runs(said));

	if (other)
		return arena_printf(a,
				    "%s is up on %s, or was not yet seen down "
				    "there: nothing of it is taken away from "
				    "under it",
				    q->name, other);
	if (!up || doc_get_bool(q->cmd, "stop", false))
		return NULL;
	return arena_printf(a,
			    "%s is up on %s: 'encap stop %s' first, or "
			    "unprovision it with --stop",
			    q->name, t->node, q->name);
}

static const char *unprovision(struct acting *q, const struct target *t)
{
	bool up = acting_is_up(t->assign);
	const struct doc *intent = doc_get(q->row, "intent");
	const char *why = still_runs(q, t);
	struct doc *order;
	int64_t seq = 0;

	if (why)
		return acting_refused(q, OP_CONFLICT, why);
	/* What is in a container goes with it, where that is down. */
	if (t->container && !up && q->said.len)
		return NULL;
	if (t->container && !up)
		return acting_refused(
			q, OP_CONFLICT,
			arena_printf(q->env->s->arena,
				     "the container %s is not started: what is "
				     "in it cannot be reached",
				     t->node));
	if (is_whole(q) && !t->container &&
	    (up || doc_get_int(intent, "want_seq", 0)))
		ask_whole(q, "stopped", NULL);
	if (q->intent)
		seq = order_intent_seq(q->intent, t->node, t->container);
	order = acting_order(q, t, up ? seq : 0);
	if (seq)
		doc_put_int(q->env->s->arena, order, "seq", seq);
	put_holds(q, t, order);
	return NULL;
}

const char *acting_make(struct acting *q, const struct target *t)
{
	return is_provision(q) ? provision(q, t) : unprovision(q, t);
}

/* -- the others ------------------------------------------------------------ */

/* What several nodes see is made by one; what says that it is not shared, by
 * each for itself. */
static void make_peer(struct acting *q, const char *node)
{
	const char *want = is_provision(q) ? "make" : "unprovision", *why;
	struct doc *order = NULL;
	struct target t;

	if (acting_target(q, node, &t, &why) != 0)
		return;
	for (size_t i = 0; i < t.inst.n; i++) {
		const struct resource *r = &t.inst.res[i];

		if (!t.picked[i] || !says_no(r, "shared") ||
		    says_no(r, q->action))
			continue;
		if (!order) {
			order = acting_order(q, &t, 0);
			doc_add(q->env->s->arena, q->peers,
				doc_str(q->env->s->arena, node));
		}
		acting_hold(q, order, r->rid, want);
		buf_printf(&q->said, " %s", r->rid);
	}
	if (order && q->intent)
		doc_put_int(q->env->s->arena, order, "seq",
			    order_intent_seq(q->intent, node, false));
}

void acting_make_peers(struct acting *q, const char *node)
{
	const struct names *lists[] = { &q->sc.nodes, &q->sc.drpnodes };

	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; i < lists[l]->n; i++)
			if (strcmp(lists[l]->at[i], node) != 0)
				make_peer(q, lists[l]->at[i]);
}

bool acting_ends_with_host(const struct acting *q, const char *node)
{
	return acting_makes(q) && !is_provision(q) &&
	       names_have(&q->sc.encapnodes, node) &&
	       *doc_get_str(q->cmd, "node", "");
}
