/*
 * How nodes leave the cluster, take another's place, and what is said of them:
 * labels, and the cluster's own options.
 *
 *     up ──(leaving: it is emptied)──▶ left ──(out of every list)──▶ gone
 *     lost, joining ───────────────────▶ left
 *
 * A node that has left keeps its row, without an address: the epoch in it is
 * above every epoch that it ran anything in, so what was assigned to it is
 * void. Who comes under the same name later begins above that.
 */
#include <string.h>

#include "fsm/conf/conf.h"
#include "fsm/op/internal.h"

#define MAX_LABELS    32
#define MAX_LABEL_LEN 63
#define GRACE_MIN_MS  1000
#define GRACE_MAX_MS  (7 * 24 * 3600 * 1000LL)

static void row_put(const struct op_env *env, const struct doc *row)
{
	struct state_key k =
		state_key_num(NULL, (uint64_t)doc_get_int(row, "id", 0));

	state_put(env->s, TABLE_NODE, &k, row);
}

static struct doc *no_node(const struct op_env *env, const char *name)
{
	return op_result(env, OP_NOT_FOUND,
			 "there is no node %s: see 'encap node ls'", name);
}

struct doc *op_node_here(const struct op_env *env, const char *name)
{
	struct doc *row = state_node_named(env->s, name);

	return row && !doc_is(row, "state", "left") ? row : NULL;
}

/* -- leaving --------------------------------------------------------------- */

static bool is_hypervisor(const struct doc *row)
{
	return !doc_get_bool(row, "witness", false);
}

/* Somebody must be left who can go on. */
static bool others_up(const struct op_env *env, const struct doc *but)
{
	struct doc *nodes = state_nodes(env->s);

	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *n = doc_at(nodes, i);

		if (doc_get_int(n, "id", 0) != doc_get_int(but, "id", 0) &&
		    doc_is(n, "state", "up") && is_hypervisor(n) &&
		    !doc_get_bool(n, "leaving", false))
			return true;
	}
	return false;
}

struct doc *op_node_leaving(const struct op_env *env, const struct doc *cmd)
{
	const char *name = doc_get_str(cmd, "node", "");
	bool leaving = doc_get_bool(cmd, "leaving", true);
	struct doc *row = op_node_here(env, name);

	if (!row)
		return no_node(env, name);
	if (leaving && !others_up(env, row))
		return op_result(env, OP_CONFLICT,
				 "no other machine of the cluster is up: with "
				 "%s all that is agreed would be gone",
				 name);
	if (doc_get_bool(row, "leaving", false) == leaving)
		return op_result(env, OP_OK, NULL);
	doc_put_bool(env->s->arena, row, "leaving", leaving);
	row_put(env, row);
	op_event(env, "node", NULL, name,
		 leaving ? "is to leave the cluster: what runs there moves"
			 : "stays in the cluster");
	return op_result(env, OP_OK, NULL);
}

/* It can hold no lease of its epoch any more: it said so itself, or that lease
 * has run out. */
static void leave(const struct op_env *env, const struct doc *row,
		  const char *how)
{
	struct arena *a = env->s->arena;
	struct doc *left = doc_map(a);
	const char *name = doc_get_str(row, "name", "");

	doc_put_int(a, left, "id", doc_get_int(row, "id", 0));
	doc_put_str(a, left, "name", name);
	doc_put(a, left, "addresses",
		doc_get(row, "addresses")
			? doc_copy(a, doc_get(row, "addresses"))
			: doc_list(a));
	if (doc_get(row, "cert"))
		doc_put_str(a, left, "cert", doc_get_str(row, "cert", ""));
	doc_put_str(a, left, "state", "left");
	doc_put_int(a, left, "epoch", doc_get_int(row, "epoch", 0) + 1);
	doc_put_int(a, left, "since", env->at);
	row_put(env, left);
	op_event(env, "node", NULL, name, "%s", how);
}

static const char *stays(const struct op_env *env, const struct doc *row,
			 bool said)
{
	const char *name = doc_get_str(row, "name", "");

	if (said || doc_is(row, "state", "lost") ||
	    doc_is(row, "state", "joining") || !is_hypervisor(row))
		return NULL;
	return arena_printf(env->s->arena,
			    "%s is up: 'encap cluster leave' on it empties it "
			    "first; one that is dead can be removed when its "
			    "lease has run out, which takes seconds",
			    name);
}

/* "said": by the node itself, which runs nothing and holds no lease any more.
 */
struct doc *op_node_left(const struct op_env *env, const struct doc *cmd)
{
	const char *name = doc_get_str(cmd, "node", "");
	bool said = doc_get_bool(cmd, "said", false);
	struct doc *row = op_node_here(env, name);
	const char *why;

	if (!row)
		return no_node(env, name);
	if (doc_get(cmd, "epoch") &&
	    doc_get_int(cmd, "epoch", 0) != doc_get_int(row, "epoch", 0))
		return op_result(env, OP_CONFLICT, "the epoch has moved on");
	if (said && !doc_get_bool(row, "leaving", false))
		return op_result(env, OP_CONFLICT,
				 "%s is not to leave any more", name);
	why = stays(env, row, said);
	if (why)
		return op_result(env, OP_CONFLICT, "%s", why);
	leave(env, row, said ? "has left the cluster" : "is removed");
	return op_result(env, OP_OK, NULL);
}

/* Nobody listens to it any more. */
struct doc *op_node_gone(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	struct doc *row =
		state_node(env->s, (uint64_t)doc_get_int(cmd, "id", 0));
	struct doc *rest = doc_map(a);

	if (!row || !doc_is(row, "state", "left"))
		return op_result(env, OP_CONFLICT, "it has not left");
	for (size_t i = 0; i < doc_len(row); i++) {
		const struct doc *f = doc_at(row, i);

		if (strcmp(f->key, "addresses") != 0 &&
		    strcmp(f->key, "cert") != 0)
			doc_put(a, rest, f->key, doc_copy(a, f));
	}
	doc_put_bool(a, rest, "gone", true);
	row_put(env, rest);
	return op_result(env, OP_OK, NULL);
}

/* -- coming in another's place ----------------------------------------------
 */

const char *op_place_refused(const struct op_env *env, const char *name,
			     const char *old)
{
	const struct doc *is = op_node_here(env, name);
	const struct doc *was = *old ? state_node_named(env->s, old) : NULL;

	if (*old && !was)
		return arena_printf(env->s->arena,
				    "there is no node %s whose place could be "
				    "taken: see 'encap node ls'",
				    old);
	if (was && doc_is(was, "state", "up"))
		return arena_printf(env->s->arena,
				    "%s is up: its place can be taken once it "
				    "has left ('encap cluster leave' on it), "
				    "or is lost",
				    old);
	if (is && !doc_is(is, "state", "joining") && strcmp(name, old) != 0)
		return arena_printf(env->s->arena,
				    "%s is a member of this cluster already: a "
				    "node needs a host name of its own; if it "
				    "is the same machine anew, join with "
				    "--replace %s",
				    name, name);
	return NULL;
}

int64_t op_place_take(const struct op_env *env, const char *name,
		      const char *old, struct doc *row)
{
	struct arena *a = env->s->arena;
	struct doc *was = *old ? state_node_named(env->s, old) : NULL;
	struct doc *same = state_node_named(env->s, name);
	int64_t epoch = 1;
	struct state_key k;

	if (was && doc_get(was, "labels") && row)
		doc_put(a, row, "labels", doc_copy(a, doc_get(was, "labels")));
	if (was && !doc_is(was, "state", "left") && strcmp(name, old) != 0)
		leave(env, was,
		      arena_printf(a, "is removed: %s takes its place", name));
	if (same) { /* its old id is given up, what it ran then is void */
		epoch = doc_get_int(same, "epoch", 0) + 1;
		k = state_key_num(NULL, (uint64_t)doc_get_int(same, "id", 0));
		state_del(env->s, TABLE_NODE, &k);
	}
	return epoch;
}

/* -- what is said of a node and of the cluster ------------------------------
 */

static bool label_word(const char *s, bool may_be_empty)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz"
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return !s[n] && n <= MAX_LABEL_LEN && (n > 0 || may_be_empty);
}

static const char *labels_wrong(const struct doc *labels)
{
	if (!doc_len(labels))
		return "no label is given: rack=a, or rack= to take it away";
	for (size_t i = 0; i < doc_len(labels); i++) {
		const struct doc *l = doc_at(labels, i);

		if (!label_word(l->key, false) ||
		    !label_word(doc_text(l, "?/"), true))
			return "a label is KEY=VALUE, both of at most 63 "
			       "letters, digits, '.', '_' and '-'";
	}
	return NULL;
}

/* A value of "" takes the label away. */
struct doc *op_node_label(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	const char *name = doc_get_str(cmd, "node", "");
	const struct doc *given = doc_get(cmd, "labels");
	struct doc *row = op_node_here(env, name), *labels = doc_map(a);
	const char *wrong = labels_wrong(given);
	struct buf b = BUF(a);

	if (wrong)
		return op_result(env, OP_USAGE, "%s", wrong);
	if (!row)
		return no_node(env, name);
	for (size_t i = 0; i < doc_len(doc_get(row, "labels")); i++) {
		const struct doc *l = doc_at(doc_get(row, "labels"), i);

		if (!doc_get(given, l->key))
			doc_put_str(a, labels, l->key, doc_text(l, ""));
	}
	for (size_t i = 0; i < doc_len(given); i++) {
		const struct doc *l = doc_at(given, i);

		if (*doc_text(l, ""))
			doc_put_str(a, labels, l->key, doc_text(l, ""));
		buf_printf(&b, "%s%s=%s", i ? " " : "", l->key,
			   doc_text(l, ""));
	}
	if (doc_len(labels) > MAX_LABELS)
		return op_result(env, OP_USAGE, "a node has at most %d labels",
				 MAX_LABELS);
	doc_put(a, row, "labels", labels);
	row_put(env, row);
	op_event(env, "node", NULL, name, "labels: %s", buf_text(&b));
	return op_result(env, OP_OK, NULL);
}

struct doc *op_cluster_set(const struct op_env *env, const struct doc *cmd)
{
	struct doc *row = state_cluster(env->s);
	struct state_key k = state_key("", NULL);
	int64_t grace = doc_get_int(cmd, "voter_grace_ms", -1);

	if (!row)
		return op_result(env, OP_NOT_FOUND, "there is no cluster");
	if (grace < GRACE_MIN_MS || grace > GRACE_MAX_MS)
		return op_result(env, OP_USAGE,
				 "voter_grace is a time of 1s to 7d");
	doc_put_int(env->s->arena, row, "voter_grace_ms", grace);
	state_put(env->s, TABLE_CLUSTER, &k, row);
	op_event(env, "cluster", NULL, NULL,
		 "a voter that is gone for %lld s is replaced",
		 (long long)grace / 1000);
	return op_result(env, OP_OK, NULL);
}
