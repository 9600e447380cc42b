/*
 * Work on the network: for a while nobody stops by a lost lease, and nobody is
 * taken over (docs/decisions/disarm.md).
 *
 * The cluster's row has "disarm": {n, on, ms, bound, carry?, at, by}. n counts;
 * bound is the longest time for which a lease of it, or of one before it, may
 * have been granted; carry: one before it may still hold somewhere. A node's
 * row has "disarm": {n, over}: it has a long lease of that one; or has said
 * that it has none any more, and takes none.
 */
#include "fsm/op/internal.h"

#define DISARM_MIN_MS 1000
#define DISARM_MAX_MS (4 * 3600 * 1000LL)

bool op_disarm_is_over(const struct doc *cluster, const struct doc *node)
{
	const struct doc *d = doc_get(cluster, "disarm");
	const struct doc *own = doc_get(node, "disarm");

	/* Who only votes, or has left, runs nothing under any lease. */
	if (doc_get_bool(node, "witness", false) ||
	    doc_is(node, "state", "left"))
		return true;
	return !d || (doc_get_bool(own, "over", false) &&
		      doc_get_int(own, "n", 0) == doc_get_int(d, "n", 0));
}

static bool all_are_over(const struct op_env *env, const struct doc *cluster)
{
	const struct doc *nodes = state_nodes(env->s);

	for (size_t i = 0; i < doc_len(nodes); i++)
		if (!op_disarm_is_over(cluster, doc_at(nodes, i)))
			return false;
	return true;
}

static void cluster_put(const struct op_env *env, const struct doc *row)
{
	struct state_key k = state_key("", NULL);

	state_put(env->s, TABLE_CLUSTER, &k, row);
}

struct doc *op_cluster_disarm(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	struct doc *row = state_cluster(env->s), *d = doc_map(a), *r;
	const struct doc *was = doc_get(row, "disarm");
	int64_t ms = doc_get_int(cmd, "ms", 0), bound = ms;
	bool carry;

	if (!row)
		return op_result(env, OP_NOT_FOUND, "there is no cluster");
	if (ms < DISARM_MIN_MS || ms > DISARM_MAX_MS)
		return op_result(env, OP_USAGE,
				 "a cluster is disarmed for 1s to 4h");
	carry = !all_are_over(env, row);
	if (carry && doc_get_int(was, "bound", 0) > bound)
		bound = doc_get_int(was, "bound", 0);
	doc_put_int(a, d, "n", doc_get_int(was, "n", 0) + 1);
	doc_put_bool(a, d, "on", true);
	doc_put_int(a, d, "ms", ms);
	doc_put_int(a, d, "bound", bound);
	if (carry)
		doc_put_bool(a, d, "carry", true);
	doc_put_int(a, d, "at", env->at);
	if (env->by)
		doc_put(a, d, "by", doc_copy(a, env->by));
	doc_put(a, row, "disarm", d);
	cluster_put(env, row);
	op_event(env, "disarm", NULL, NULL,
		 "disarmed for %lld s: no node stops what it runs when it is "
		 "cut off, and none is taken over",
		 (long long)ms / 1000);
	r = op_result(env, OP_OK, NULL);
	doc_put_int(a, r, "n", doc_get_int(d, "n", 0));
	return r;
}

/* By a person, or, with "n", by the leader when its time is over. */
struct doc *op_cluster_arm(const struct op_env *env, const struct doc *cmd)
{
	struct doc *row = state_cluster(env->s);
	struct doc *d = doc_get(row, "disarm");
	bool by_time = doc_get(cmd, "n") != NULL;

	if (!doc_get_bool(d, "on", false))
		return by_time ? op_result(env, OP_CONFLICT, "it is armed")
			       : op_result(env, OP_OK, NULL);
	if (by_time && doc_get_int(cmd, "n", 0) != doc_get_int(d, "n", 0))
		return op_result(env, OP_CONFLICT,
				 "it was disarmed anew since");
	doc_put_bool(env->s->arena, d, "on", false);
	cluster_put(env, row);
	op_event(env, "disarm", NULL, NULL, "armed again%s",
		 by_time ? ": the time is over" : "");
	return op_result(env, OP_OK, NULL);
}

/* What the node @id said to the leader about disarm @n. */
struct doc *op_node_disarm(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	const struct doc *d = doc_get(state_cluster(env->s), "disarm");
	struct doc *own,
		*row = state_node(env->s, (uint64_t)doc_get_int(cmd, "id", 0));
	int64_t n = doc_get_int(cmd, "n", 0);
	bool over = doc_get_bool(cmd, "over", false);
	struct state_key k =
		state_key_num(NULL, (uint64_t)doc_get_int(cmd, "id", 0));

	if (!row || !d || doc_get_int(d, "n", 0) != n ||
	    over == doc_get_bool(d, "on", false))
		return op_result(env, OP_CONFLICT, "it has moved on");
	own = doc_put(a, row, "disarm", doc_map(a));
	doc_put_int(a, own, "n", n);
	doc_put_bool(a, own, "over", over);
	state_put(env->s, TABLE_NODE, &k, row);
	return op_result(env, OP_OK, NULL);
}
