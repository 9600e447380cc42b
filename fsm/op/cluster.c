#include "fsm/op/op.h"

#include <string.h>

#include "fsm/conf/conf.h"
#include "fsm/op/internal.h"

static struct state_key node_key(uint64_t id)
{
	return state_key_num(NULL, id);
}

static struct doc *node_row(const struct op_env *env, uint64_t id,
			    const char *name, const struct doc *addresses,
			    const char *state)
{
	struct arena *a = env->s->arena;
	struct doc *row = doc_map(a);

	doc_put_int(a, row, "id", (int64_t)id);
	doc_put_str(a, row, "name", name);
	doc_put(a, row, "addresses",
		addresses ? doc_copy(a, addresses) : doc_list(a));
	doc_put_str(a, row, "state", state);
	doc_put_int(a, row, "epoch", 1);
	doc_put_int(a, row, "since", env->at);
	return row;
}

struct doc *op_cluster_init(const struct op_env *env, const struct doc *cmd)
{
	const struct state *s = env->s;
	struct arena *a = s->arena;
	const struct doc *node = doc_get(cmd, "node");
	struct state_key k = state_key("", NULL);
	struct doc *row = doc_map(a);
	struct err err;
	uint64_t id;

	if (name_check(doc_get_str(node, "name", ""), &err) < 0)
		return op_result(env, OP_USAGE, "node name: %s", err.text);
	if (state_cluster(s))
		return op_result(env, OP_CONFLICT, "the cluster exists");
	doc_put_str(a, row, "name", doc_get_str(cmd, "name", "encap"));
	doc_put_str(a, row, "id", doc_get_str(cmd, "id", ""));
	doc_put_int(a, row, "lease_ms", doc_get_int(cmd, "lease_ms", 3000));
	doc_put_int(a, row, "created", env->at);
	state_put(s, TABLE_CLUSTER, &k, row);

	id = state_next(s, "node");
	k = node_key(id);
	row = node_row(env, id, doc_get_str(node, "name", ""),
		       doc_get(node, "addresses"), "up");
	if (doc_get(cmd, "state_version"))
		doc_put_int(a, row, "speaks",
			    doc_get_int(cmd, "state_version", 1));
	state_put(s, TABLE_NODE, &k, row);
	op_version_put(env, doc_get_int(cmd, "state_version", 1));
	op_event(env, "node", NULL, doc_get_str(node, "name", ""),
		 "the cluster is made");
	return op_result(env, OP_OK, NULL);
}

#define TOKEN_KEPT_MS (24 * 3600 * 1000LL) /* to say what became of it */

static void tokens_forget(const struct op_env *env)
{
	const struct state *s = env->s;
	struct txn_iter it;
	struct doc *row;

	txn_iter_init(&it, s->txn, s->group, TABLE_TOKEN,
		      (struct bytes){ "", 0 });
	while (txn_iter_next(&it)) {
		if (doc_decode(s->arena, it.value.data, it.value.len, &row,
			       NULL) == 0 &&
		    env->at > 0 &&
		    env->at - TOKEN_KEPT_MS > doc_get_int(row, "expires", 0))
			txn_del(s->txn, s->group, TABLE_TOKEN, it.key);
	}
}

struct doc *op_token_add(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	const char *hash = doc_get_str(cmd, "hash", "");
	struct state_key k;
	struct doc *row = doc_map(a);

	if (strlen(hash) != 64)
		return op_result(env, OP_USAGE, "a token's hash has 64 digits");
	k = state_key(hash, NULL);
	if (state_row(env->s, TABLE_TOKEN, &k))
		return op_result(env, OP_CONFLICT, "this token exists");
	tokens_forget(env);
	doc_put_int(a, row, "expires", doc_get_int(cmd, "expires", 0));
	state_put(env->s, TABLE_TOKEN, &k, row);
	op_audit(env, "token", NULL, doc_get_str(env->by, "node", NULL),
		 "a token for one machine to join is made");
	return op_result(env, OP_OK, NULL);
}

const char *op_token_refused(const struct state *s, const char *hash,
			     int64_t at)
{
	struct state_key k = state_key(hash, NULL);
	struct doc *row =
		strlen(hash) == 64 ? state_row(s, TABLE_TOKEN, &k) : NULL;

	if (!row)
		return "the token is not known to this cluster: make one with "
		       "'encap cluster token'";
	if (doc_get(row, "used"))
		return "the token was used before: each is good once; make "
		       "another with 'encap cluster token'";
	if (at > doc_get_int(row, "expires", 0))
		return "the token is older than an hour: make another with "
		       "'encap cluster token'";
	return NULL;
}

struct doc *op_node_join(const struct op_env *env, const struct doc *cmd)
{
	const struct state *s = env->s;
	struct arena *a = s->arena;
	const char *hash = doc_get_str(cmd, "hash", "");
	const char *name = doc_get_str(cmd, "name", "");
	struct state_key k;
	const char *old = doc_get_str(cmd, "replace", "");
	struct doc *token, *result, *row;
	const char *why;
	struct err err;
	uint64_t id;

	if (strlen(hash) != 64)
		return op_result(env, OP_USAGE, "a token's hash has 64 digits");
	why = op_token_refused(s, hash, env->at);
	if (why)
		return op_result(env, OP_FAILED, "%s", why);
	if (name_check(name, &err) < 0)
		return op_result(env, OP_USAGE, "node name: %s", err.text);
	why = op_version_refused(env, name, cmd);
	if (!why)
		why = op_place_refused(env, name, old);
	if (why)
		return op_result(env, OP_CONFLICT, "%s", why);
	id = state_next(s, "node");
	k = state_key(hash, NULL);
	token = state_row(s, TABLE_TOKEN, &k);
	doc_put_int(a, token, "used", (int64_t)id);
	state_put(s, TABLE_TOKEN, &k, token);
	row = node_row(env, id, name, doc_get(cmd, "addresses"), "joining");
	op_put_known(a, row, "cert", doc_get_str(cmd, "cert", ""));
	if (doc_get_bool(cmd, "witness", false))
		doc_put_bool(a, row, "witness", true);
	if (doc_get(cmd, "speaks"))
		doc_put_int(a, row, "speaks", doc_get_int(cmd, "speaks", 1));
	doc_put_int(a, row, "epoch", op_place_take(env, name, old, row));
	k = node_key(id);
	state_put(s, TABLE_NODE, &k, row);
	op_event(env, "node", NULL, name, "joins the cluster%s%s",
		 *old ? " in the place of " : "", old);
	result = op_result(env, OP_OK, NULL);
	doc_put_int(a, result, "id", (int64_t)id);
	return result;
}

/* The row, if it is at the epoch that the command speaks of. */
static struct doc *node_at_epoch(const struct op_env *env,
				 const struct doc *cmd)
{
	struct doc *row =
		state_node(env->s, (uint64_t)doc_get_int(cmd, "id", 0));

	if (!row ||
	    doc_get_int(row, "epoch", 0) != doc_get_int(cmd, "epoch", -1))
		return NULL;
	return row;
}

static void node_turn(const struct op_env *env, struct doc *row,
		      const char *state)
{
	struct arena *a = env->s->arena;
	struct state_key k = node_key((uint64_t)doc_get_int(row, "id", 0));

	doc_put_str(a, row, "state", state);
	doc_put_int(a, row, "since", env->at);
	state_put(env->s, TABLE_NODE, &k, row);
}

struct doc *op_node_up(const struct op_env *env, const struct doc *cmd)
{
	struct doc *row = node_at_epoch(env, cmd);

	if (!row || doc_is(row, "state", "left"))
		return op_result(env, OP_CONFLICT, "the epoch has moved on");
	if (op_fence_bars(row))
		return op_result(env, OP_CONFLICT, "it is being fenced");
	if (!doc_is(row, "state", "up")) {
		doc_put_str(env->s->arena, row, "sure", "");
		node_turn(env, row, "up");
		op_event(env, "node", NULL, doc_get_str(row, "name", ""),
			 "is up, epoch %lld",
			 (long long)doc_get_int(row, "epoch", 0));
	}
	return op_result(env, OP_OK, NULL);
}

/* Proposed only once the node's lease of this epoch has certainly run out: the
 * new epoch makes every assignment of the old one void. */
struct doc *op_node_lost(const struct op_env *env, const struct doc *cmd)
{
	struct doc *row = node_at_epoch(env, cmd);
	int64_t epoch = doc_get_int(cmd, "epoch", 0) + 1;

	if (!row || !doc_is(row, "state", "up"))
		return op_result(env, OP_CONFLICT, "the epoch has moved on");
	doc_put_int(env->s->arena, row, "epoch", epoch);
	node_turn(env, row, "lost");
	op_event(env, "node", NULL, doc_get_str(row, "name", ""),
		 "is lost: its lease of epoch %lld has run out",
		 (long long)epoch - 1);
	return op_result(env, OP_OK, NULL);
}

struct doc *op_node_freeze(const struct op_env *env, const struct doc *cmd)
{
	const struct state *s = env->s;
	const char *name = doc_get_str(cmd, "node", "");
	bool frozen = doc_get_bool(cmd, "frozen", false);
	struct doc *row = op_node_here(env, name);
	struct state_key k;

	if (!row)
		return op_result(env, OP_NOT_FOUND,
				 "there is no node %s: see 'encap node ls'",
				 name);
	doc_put_bool(s->arena, row, "frozen", frozen);
	k = node_key((uint64_t)doc_get_int(row, "id", 0));
	state_put(s, TABLE_NODE, &k, row);
	op_event(env, "freeze", NULL, name, frozen ? "frozen" : "thawed");
	return op_result(env, OP_OK, NULL);
}

/* A service with encap nodes lives in a group of its own; the cluster keeps
 * its name, its group's number, and what the group begins with. */
#define FIRST_SERVICE_GROUP 100

struct doc *op_index_add(const struct op_env *env, const struct doc *cmd)
{
	const struct state *s = env->s;
	struct arena *a = s->arena;
	const char *name = doc_get_str(cmd, "name", "");
	struct state_key k = state_key(name, NULL);
	struct doc *row = doc_map(a), *result;
	const struct doc *voters = doc_get(cmd, "voters");
	struct err err;
	uint64_t gid;

	if (name_check(name, &err) < 0)
		return op_result(env, OP_USAGE, "service name: %s", err.text);
	if (state_service(s, name))
		return op_result(env, OP_CONFLICT,
				 "the service %s exists: 'encap edit %s' "
				 "changes it",
				 name, name);
	if (!doc_len(voters))
		return op_result(env, OP_USAGE, "no voters are named");
	gid = FIRST_SERVICE_GROUP + state_next(s, "group");
	doc_put_str(a, row, "name", name);
	doc_put_int(a, row, "group", (int64_t)gid);
	doc_put(a, row, "voters", doc_copy(a, voters));
	doc_put_int(a, row, "created", env->at);
	if (env->version > 1)
		doc_put_int(a, row, "state_version", env->version);
	doc_put_str(a, row, "config", doc_get_str(cmd, "config", ""));
	if (env->by)
		doc_put(a, row, "by", doc_copy(a, env->by));
	state_put(s, TABLE_SERVICE, &k, row);
	op_event(env, "edit", name, NULL, "created, group %llu",
		 (unsigned long long)gid);
	result = op_result(env, OP_OK, NULL);
	doc_put_int(a, result, "group", (int64_t)gid);
	return result;
}

struct doc *op_index_del(const struct op_env *env, const struct doc *cmd)
{
	const char *name = doc_get_str(cmd, "name", "");
	struct state_key k = state_key(name, NULL);
	struct doc *row = state_service(env->s, name);

	if (!row || !doc_get(row, "group"))
		return op_result(env, OP_NOT_FOUND, "there is no service %s",
				 name);
	state_del(env->s, TABLE_SERVICE, &k);
	/* The group is forgotten by its members on this word, never because a
	 * row is absent: a member that is being rebuilt lacks rows too. */
	k = state_key_num("gone", (uint64_t)doc_get_int(row, "group", 0));
	state_put(env->s, TABLE_COUNTER, &k, doc_int(env->s->arena, 1));
	op_event(env, "edit", name, NULL, "deleted");
	return op_result(env, OP_OK, NULL);
}

bool op_group_gone(const struct state *s, uint64_t group)
{
	struct state_key k = state_key_num("gone", group);

	return state_row(s, TABLE_COUNTER, &k) != NULL;
}
