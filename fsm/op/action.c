/*
 * What a person asks of some resources alone (docs/decisions/
 * partial-actions.md): on one hypervisor, in containers, or both.
 */
#include <errno.h>
#include <string.h>

#include "fsm/op/acting.h"
#include "fsm/plan/order.h"

const char *acting_refused(struct acting *q, enum op_code code,
			   const char *text)
{
	q->code = code;
	return text;
}

static const char *arg(const struct doc *cmd, const char *key)
{
	const char *text = doc_get_str(cmd, key, NULL);

	return text && *text ? text : NULL;
}

/* -- one node ---------------------------------------------------------------
 */

bool acting_is_up(const struct doc *assign)
{
	return doc_is(assign, "want", "up");
}

static bool is_start(const struct acting *q)
{
	return strcmp(q->action, "start") == 0 ||
	       strcmp(q->action, "restart") == 0;
}

/* Run where it is up, and changing nothing of what is up. */
static bool is_now_and_then(const struct acting *q)
{
	return q->sel.run || q->sel.copies;
}

int acting_target(struct acting *q, const char *node, struct target *t,
		  const char **ret_why)
{
	struct arena *a = q->env->s->arena;
	struct err err = { 0 };
	enum level level;
	int rc;

	*t = (struct target){ .node = node, .all_standby = true };
	rc = conf_level(a, q->conf, q->name, node, &level, &err);
	if (rc == 0)
		rc = instance_eval(a, q->conf, q->name, node, level, &t->inst,
				   &err);
	if (rc < 0) {
		*ret_why = acting_refused(
			q, rc == -ENOENT ? OP_NOT_FOUND : OP_FAILED,
			arena_printf(a, "%s", err.text));
		return rc;
	}
	t->container = level == LEVEL_ENCAP;
	t->picked = ARENA_VEC(a, bool, t->inst.n + 1);
	t->assign = state_assign(q->env->s, q->name, node);
	rc = actions_select(&t->inst, &q->sel, t->picked, &err);
	if (rc < 0) {
		*ret_why = acting_refused(q, OP_NOT_FOUND,
					  arena_printf(a, "%s", err.text));
		return 1;
	}
	for (size_t i = 0; i < t->inst.n; i++)
		if (t->picked[i] && !t->inst.res[i].standby)
			t->all_standby = false;
	return 0;
}

/* A hypervisor but @node that is assigned up, or NULL. */
static const char *up_elsewhere(const struct acting *q, const char *node)
{
	const struct doc *assigns = state_assigns(q->env->s, q->name);

	for (size_t i = 0; i < doc_len(assigns); i++) {
		const struct doc *row = doc_at(assigns, i);

		if (strcmp(row->key, node) != 0 && acting_is_up(row) &&
		    !doc_is(row, "level", "encap"))
			return row->key;
	}
	return NULL;
}

struct doc *acting_intent(struct acting *q)
{
	struct arena *a = q->env->s->arena;
	struct doc *was = doc_get(q->row, "intent");

	if (q->intent)
		return q->intent;
	q->intent = doc_copy(a, was);
	doc_put_int(a, q->intent, "seq", doc_get_int(was, "seq", 0) + 1);
	doc_put_int(a, q->intent, "at", q->env->at);
	if (q->env->by)
		doc_put(a, q->intent, "by", doc_copy(a, q->env->by));
	return q->intent;
}

int64_t acting_start_part(struct acting *q, const struct target *t,
			  const char **ret_why)
{
	struct arena *a = q->env->s->arena;
	bool flex = strcmp(q->sc.topology, "flex") == 0;
	const char *other =
		t->container || flex ? NULL : up_elsewhere(q, t->node);
	struct doc *intent, *slaves, *own;
	int64_t seq;

	if (other) {
		*ret_why = acting_refused(
			q, OP_CONFLICT,
			arena_printf(a,
				     "%s is assigned to %s: what it shares may "
				     "run on one node only; stop or move it "
				     "first",
				     q->name, other));
		return 0;
	}
	if (t->container && encap_is_failover(&q->sc)) {
		*ret_why = acting_refused(
			q, OP_CONFLICT,
			arena_printf(a,
				     "%s is not up in %s, and is up in one "
				     "container at a time: 'encap move %s %s'",
				     q->name, t->node, q->name, t->node));
		return 0;
	}
	if (t->container && !up_elsewhere(q, "")) {
		*ret_why =
			acting_refused(q, OP_CONFLICT,
				       arena_printf(a,
						    "the container %s is not "
						    "started: 'encap start %s "
						    "--master' starts it",
						    t->node, q->name));
		return 0;
	}
	intent = acting_intent(q);
	seq = doc_get_int(intent, "seq", 0);
	if (!t->container) {
		doc_put_str(a, intent, "want", "started");
		doc_put_int(a, intent, "want_seq", seq);
		doc_put_str(a, intent, "node", t->node);
		doc_put_str(a, intent, "part", t->node);
		return seq;
	}
	slaves = doc_get(intent, "slaves");
	if (!slaves)
		slaves = doc_put(a, intent, "slaves", doc_map(a));
	own = doc_put(a, slaves, t->node, doc_map(a));
	doc_put_str(a, own, "want", "started");
	doc_put_int(a, own, "seq", seq);
	return seq;
}

void acting_hold(struct acting *q, struct doc *order, const char *rid,
		 const char *want)
{
	struct arena *a = q->env->s->arena;
	struct doc *one = doc_put(a, doc_get(order, "holds"), rid, doc_map(a));

	doc_put_str(a, one, "want", want);
	doc_put_int(a, one, "act", q->act);
}

/* Its start has failed: that assignment does no more. */
bool acting_has_failed(const struct acting *q, const struct target *t)
{
	const struct doc *inst = state_instance(q->env->s, q->name, t->node);

	return doc_is(inst, "state", "start failed") &&
	       doc_get_int(inst, "token", 0) ==
		       doc_get_int(t->assign, "token", -1);
}

/* What it wants of each resource; NULL: there is no such action. */
static const char *action_want(const char *action)
{
	static const char *const wants[][2] = { { "start", "up" },
						{ "stop", "down" },
						{ "restart", "restart" },
						{ "run", "run" },
						{ "provision", "provision" },
						{ "unprovision",
						  "unprovision" },
						{ "sync_nodes", "sync_nodes" },
						{ "sync_drp", "sync_drp" },
						{ "sync_all", "sync_all" } };

	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		if (strcmp(wants[i][0], action) == 0)
			return wants[i][1];
	return NULL;
}

struct doc *acting_order(struct acting *q, const struct target *t,
			 int64_t comes)
{
	struct arena *a = q->env->s->arena;
	const struct doc *intent = doc_get(q->row, "intent");
	const struct doc *was = state_order(q->env->s, q->name, t->node);
	struct doc *row = doc_map(a);

	if (!comes &&
	    order_counts(was, intent, t->node, t->container, t->assign))
		row = doc_copy(a, was);
	if (!doc_get(row, "holds"))
		doc_put(a, row, "holds", doc_map(a));
	doc_put_int(a, row, "act", q->act);
	doc_put_int(a, row, "seq",
		    comes ? comes
			  : order_intent_seq(intent, t->node, t->container));
	if (comes)
		doc_put_bool(a, row, "keep", true);
	else
		doc_put_int(a, row, "token",
			    doc_get_int(t->assign, "token", 0));
	if (doc_get(row, "whole")) /* this one may not be of all of it */
		doc_put_str(a, row, "whole", "");
	doc_put_int(a, row, "at", q->env->at);
	if (q->env->by)
		doc_put(a, row, "by", doc_copy(a, q->env->by));
	doc_put(a, q->orders, t->node, row);
	buf_printf(&q->said, "%s %s:", q->said.len ? ";" : "", t->node);
	return row;
}

/* NULL, or why not. */
static const char *target_order(struct acting *q, const struct target *t)
{
	struct arena *a = q->env->s->arena;
	bool part = is_start(q) && !t->all_standby &&
		    (!acting_is_up(t->assign) || acting_has_failed(q, t));
	const char *why = NULL;
	struct doc *row;
	int64_t seq = 0;

	if (is_now_and_then(q) && !acting_is_up(t->assign))
		why = acting_refused(
			q, OP_CONFLICT,
			arena_printf(a,
				     "a %s runs only where %s is up, "
				     "and it is not on %s",
				     q->sel.run ? "task" : "sync", q->name,
				     t->node));
	else if (q->sel.copies && !copies_sends(&t->inst))
		why = acting_refused(
			q, OP_CONFLICT,
			arena_printf(a,
				     "%s does not send: of a flex service the "
				     "first node does (flex_primary)",
				     t->node));
	if (part)
		seq = acting_start_part(q, t, &why);
	if (why)
		return why;
	row = acting_order(q, t, seq);
	for (size_t i = 0; i < t->inst.n; i++) {
		if (!t->picked[i])
			continue;
		acting_hold(q, row, t->inst.res[i].rid,
			    part ? "up" : action_want(q->action));
		buf_printf(&q->said, " %s", t->inst.res[i].rid);
	}
	return NULL;
}

/* -- all of them -------------------------------------------------------------
 */

/* The nodes that are meant; NULL with *ret_why if one is none. */
static struct names targets(struct acting *q, const char **ret_why)
{
	struct arena *a = q->env->s->arena;
	const struct doc *slave = doc_get(q->cmd, "slave");
	const char *node = arg(q->cmd, "node");
	struct names l = { .at = ARENA_VEC(a, const char *,
					   q->sc.encapnodes.n + doc_len(slave) +
						   1) };
	enum level level;

	/* Tasks and syncs run where the instance is; what a service needs is
	 * made there, unless a node was named. */
	if (node &&
	    (is_now_and_then(q) ||
	     (acting_makes(q) && !doc_get_bool(q->cmd, "named", false))) &&
	    !acting_is_up(state_assign(q->env->s, q->name, node)) &&
	    up_elsewhere(q, node))
		node = up_elsewhere(q, node);
	/* The one that was asked may be none of the service's. */
	if (node && acting_makes(q) && !doc_get_bool(q->cmd, "named", false) &&
	    q->sc.nodes.n &&
	    conf_level(a, q->conf, q->name, node, &level, NULL) < 0)
		node = q->sc.nodes.at[0];
	if (node)
		l.at[l.n++] = node;
	for (size_t i = 0; i < doc_len(slave); i++) {
		const char *word = doc_text(doc_at(slave, i), "");
		const char *c = op_container_named(q->env, q->name, q->conf,
						   &q->sc, word);

		if (!c) {
			*ret_why = acting_refused(
				q, OP_NOT_FOUND,
				arena_printf(a, "%s has no container '%.64s'",
					     q->name, word));
			return l;
		}
		if (!names_have(&l, c))
			l.at[l.n++] = c;
	}
	for (size_t i = 0;
	     doc_get_bool(q->cmd, "slaves", false) && i < q->sc.encapnodes.n;
	     i++)
		if (!names_have(&l, q->sc.encapnodes.at[i]))
			l.at[l.n++] = q->sc.encapnodes.at[i];
	return l;
}

static const char *act_all(struct acting *q)
{
	const char *why = NULL, *none = "no node is named";
	struct names l = targets(q, &why);

	for (size_t i = 0; !why && i < l.n; i++) {
		struct target t;
		int rc = acting_target(q, l.at[i], &t, &none);

		if (rc < 0)
			return none;
		if (rc == 0)
			why = acting_makes(q) ? acting_make(q, &t)
					      : target_order(q, &t);
	}
	if (!why && acting_makes(q) && l.n && arg(q->cmd, "node"))
		acting_make_peers(q, l.at[0]);
	if (why)
		return why;
	return doc_len(q->orders) ? NULL : none;
}

static const char *act_refused(struct acting *q)
{
	q->code = OP_USAGE;
	if (!action_want(q->action))
		return "an action on some resources is start, stop, restart, "
		       "run, provision, unprovision, sync_nodes, "
		       "sync_drp or sync_all";
	if (selection_is_empty(&q->sel) && !acting_makes(q) && !q->sel.copies)
		return "which resources are meant is not said";
	if (!q->sc.disable)
		return NULL;
	return acting_refused(q, OP_CONFLICT,
			      arena_printf(q->env->s->arena,
					   "%s is disabled in its env file",
					   q->name));
}

static bool doc_has(const struct doc *list, const char *text)
{
	for (size_t i = 0; i < doc_len(list); i++)
		if (strcmp(doc_text(doc_at(list, i), ""), text) == 0)
			return true;
	return false;
}

static struct doc *act_write(struct acting *q)
{
	const struct state *s = q->env->s;
	struct doc *r = op_result(q->env, OP_OK, NULL), *nodes;

	nodes = doc_put(s->arena, r, "nodes", doc_list(s->arena));
	for (size_t i = 0; i < doc_len(q->orders); i++) {
		const struct doc *order = doc_at(q->orders, i);
		struct state_key ok = state_key(q->name, order->key);

		state_put(s, TABLE_ORDER, &ok, order);
		if (!doc_has(q->peers, order->key) &&
		    !acting_ends_with_host(q, order->key))
			doc_add(s->arena, nodes, doc_str(s->arena, order->key));
	}
	if (doc_len(q->peers))
		doc_put(s->arena, r, "peers", q->peers);
	if (q->intent)
		doc_put(s->arena, q->row, "intent", q->intent);
	doc_put_int(s->arena, q->row, "acts", q->act);
	op_service_put(q->env, q->row);
	doc_put_int(s->arena, r, "act", q->act);
	op_event(q->env, "intent", q->name, NULL, "%s of%s", q->action,
		 buf_text(&q->said));
	return r;
}

struct doc *op_svc_act(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	struct acting q = {
		.env = env,
		.cmd = cmd,
		.row = op_service_here(env, cmd),
		.name = doc_get_str(cmd, "name", ""),
		.action = doc_get_str(cmd, "action", ""),
		.sel = { arg(cmd, "rid"), arg(cmd, "tags"), arg(cmd, "subsets"),
			 arg(cmd, "upto"), arg(cmd, "downto"),
			 doc_get_bool(cmd, "standby", false) },
		.orders = doc_map(a),
		.peers = doc_list(a),
		.said = BUF(a),
	};
	const char *why;
	struct doc *no;

	if (!q.row)
		return op_no_service(env, q.name);
	no = op_head_conf(env, q.row, &q.conf, &q.sc);
	if (no)
		return no;
	q.sel.run = strcmp(q.action, "run") == 0;
	if (strncmp(q.action, "sync_", 5) == 0)
		q.sel.copies = copies_word(q.action + 5);
	q.act = doc_get_int(q.row, "acts", 0) + 1;
	why = act_refused(&q);
	if (!why)
		why = act_all(&q);
	return why ? op_result(env, q.code, "%s", why) : act_write(&q);
}
