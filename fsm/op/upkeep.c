/*
 * What people say about machines and services as such: a drain, maintenance,
 * and that what has failed is to be tried again.
 */
#include <string.h>

#include "fsm/op/internal.h"

/* -- clear ------------------------------------------------------------------
 */

/* What its agent says of its present assignment. */
static bool has_failed(const struct doc *assign, const struct doc *inst)
{
	return assign &&
	       doc_get_int(inst, "token", 0) ==
		       doc_get_int(assign, "token", -1) &&
	       (doc_is(inst, "state", "start failed") ||
		doc_is(inst, "state", "stop failed") ||
		doc_get_bool(inst, "switch", false));
}

/* The row forgets that a start failed there. */
static void forgive(const struct op_env *env, const char *name,
		    const struct doc *assign)
{
	struct state_key k = state_key(name, assign->key);
	struct doc *row = doc_copy(env->s->arena, assign);

	doc_put_bool(env->s->arena, row, "failed", false);
	state_put(env->s, TABLE_ASSIGN, &k, row);
}

/* That part of the intent counts as asked anew. */
static void ask_again(const struct op_env *env, struct doc *part,
		      const char *key, int64_t seq)
{
	if (doc_get_int(part, key, 0) > 0)
		doc_put_int(env->s->arena, part, key, seq);
}

static void ask_container(const struct op_env *env, struct doc *intent,
			  const char *container, int64_t seq)
{
	struct doc *own = doc_get(doc_get(intent, "slaves"), container);

	ask_again(env, own ? own : intent, own ? "seq" : "encap_seq", seq);
}

struct doc *op_svc_clear(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	const char *name = doc_get_str(cmd, "name", "");
	struct doc *row = op_service_here(env, cmd), *intent, *r;
	const struct doc *assigns = state_assigns(env->s, name);
	const struct doc *insts = state_instances(env->s, name);
	struct buf said = BUF(a);
	int64_t seq;

	if (!row)
		return op_no_service(env, name);
	intent = doc_copy(a, doc_get(row, "intent"));
	seq = doc_get_int(intent, "seq", 0) + 1;
	for (size_t i = 0; i < doc_len(assigns); i++) {
		const struct doc *assign = doc_at(assigns, i);
		bool again = has_failed(assign, doc_get(insts, assign->key));
		bool left_out = doc_get_bool(assign, "failed", false);

		if (left_out)
			forgive(env, name, assign);
		if (again && doc_is(assign, "level", "encap"))
			ask_container(env, intent, assign->key, seq);
		else if (again)
			ask_again(env, intent, "want_seq", seq);
		if (again || left_out)
			buf_printf(&said, "%s%s", said.len ? ", " : "",
				   assign->key);
	}
	r = op_result(env, OP_OK, NULL);
	if (!said.len) {
		doc_put_bool(a, r, "same", true);
		return r;
	}
	doc_put_int(a, intent, "seq", seq);
	doc_put(a, row, "intent", intent);
	op_service_put(env, row);
	op_event(env, "intent", name, NULL,
		 "what failed is cleared: on %s it may be tried again",
		 buf_text(&said));
	doc_put_int(a, r, "seq", seq);
	return r;
}

/* -- maintenance ------------------------------------------------------------
 */

static const char *turned(bool on)
{
	return on ? "maintenance on: looked at, not touched"
		  : "maintenance off";
}

struct doc *op_svc_maintenance(const struct op_env *env, const struct doc *cmd)
{
	struct doc *row = op_service_here(env, cmd);
	const char *name = doc_get_str(cmd, "name", "");
	bool on = doc_get_bool(cmd, "on", false);

	if (!row)
		return op_no_service(env, name);
	doc_put_bool(env->s->arena, row, "maintenance", on);
	op_service_put(env, row);
	op_event(env, "maintenance", name, NULL, "%s", turned(on));
	return op_result(env, OP_OK, NULL);
}

static struct doc *no_node(const struct op_env *env, const char *name)
{
	return op_result(env, OP_NOT_FOUND,
			 "there is no node %s: see 'encap node ls'", name);
}

static void node_put(const struct op_env *env, const struct doc *row)
{
	struct state_key k =
		state_key_num(NULL, (uint64_t)doc_get_int(row, "id", 0));

	state_put(env->s, TABLE_NODE, &k, row);
}

/* Of a node or, where none is named, of the whole cluster. */
struct doc *op_maintenance(const struct op_env *env, const struct doc *cmd)
{
	const struct state *s = env->s;
	const char *name = doc_get_str(cmd, "node", NULL);
	bool on = doc_get_bool(cmd, "on", false);
	struct state_key k = state_key("", NULL);
	struct doc *row = name ? state_node_named(s, name) : state_cluster(s);

	if (!row)
		return no_node(env, name ? name : "");
	doc_put_bool(s->arena, row, "maintenance", on);
	if (name)
		node_put(env, row);
	else
		state_put(s, TABLE_CLUSTER, &k, row);
	op_event(env, "maintenance", NULL, name, "%s%s",
		 name ? "" : "the whole cluster: ", turned(on));
	return op_result(env, OP_OK, NULL);
}

/* -- drain ------------------------------------------------------------------
 */

/* "until" (ms since the epoch), if there is one: when what could not be moved
 * is stopped. A drain that is asked for again gets the new one. */
struct doc *op_node_drain(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	const char *name = doc_get_str(cmd, "node", "");
	struct doc *row = state_node_named(env->s, name), *drain;
	bool on = doc_get_bool(cmd, "on", false);

	if (!row)
		return no_node(env, name);
	if (!on && !doc_get_int(doc_get(row, "drain"), "at", 0))
		return op_result(env, OP_OK, NULL);
	drain = doc_put(a, row, "drain", doc_map(a));
	if (on) {
		doc_put_int(a, drain, "at", env->at);
		if (doc_get_int(cmd, "until", 0) > 0)
			doc_put_int(a, drain, "until",
				    doc_get_int(cmd, "until", 0));
		if (env->by)
			doc_put(a, drain, "by", doc_copy(a, env->by));
	}
	node_put(env, row);
	op_event(env, "drain", NULL, name, "%s",
		 on ? "drained: what runs there is moved away, and nothing is "
		      "placed there"
		    : "services may be placed there again");
	return op_result(env, OP_OK, NULL);
}

/* The leader of the cluster's group says so: @at names the drain. */
struct doc *op_node_drain_over(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	struct doc *row =
		state_node(env->s, (uint64_t)doc_get_int(cmd, "id", 0));
	struct doc *drain = doc_get(row, "drain");
	int64_t at = doc_get_int(cmd, "drained_at", 0);

	if (!drain || !at || doc_get_int(drain, "at", 0) != at ||
	    doc_get_bool(drain, "over", false))
		return op_result(env, OP_CONFLICT,
				 "this drain is over, or was taken back");
	doc_put_bool(a, drain, "over", true);
	node_put(env, row);
	op_event(env, "drain", NULL, doc_get_str(row, "name", ""),
		 "the time of its drain is over: what could not be moved is "
		 "stopped");
	return op_result(env, OP_OK, NULL);
}
