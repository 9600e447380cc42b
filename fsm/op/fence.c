/*
 * Ending a node, and being sure of it: what is asked, who carries it out, what
 * came of it; a person's word that a node is down; and the cluster's
 * configuration, in which the devices are.
 *
 * The row of a node has, beside what cluster.c puts there:
 *
 *     fence   the last one: {n, action off|reboot|on, state asked|running|done|
 *             failed|vouched, why, epoch, auto, self, runner, tries, device,
 *             text, at, ended, by}
 *     fenced  all its epochs up to this one are over for certain: a fence was
 *             confirmed, or a person vouches for it
 *     sure    "fenced" or "vouched", of a node that is lost, since that is
 *             known; "" otherwise
 *
 * While one that ends the node is running nobody may give it a lease or let it
 * in: so whatever it runs when the device says that it was off is what it ran
 * before, and a node that is up again before this is agreed runs nothing of an
 * earlier epoch (docs/decisions/fencing.md).
 */
#include "fsm/op/op.h"

#include <string.h>

#include "fsm/conf/fence.h"
#include "fsm/op/internal.h"

static void node_put(const struct op_env *env, const struct doc *row)
{
	struct state_key k =
		state_key_num(NULL, (uint64_t)doc_get_int(row, "id", 0));

	state_put(env->s, TABLE_NODE, &k, row);
}

static bool is_under_way(const struct doc *fence)
{
	return doc_is(fence, "state", "asked") ||
	       doc_is(fence, "state", "running");
}

bool op_fence_bars(const struct doc *node)
{
	const struct doc *fence = doc_get(node, "fence");

	return doc_is(fence, "state", "running") &&
	       !doc_is(fence, "action", "on");
}

static const char *name_of(const struct doc *row)
{
	return doc_get_str(row, "name", "?");
}

/* -- asking -----------------------------------------------------------------
 */

static bool is_action(const char *word)
{
	return strcmp(word, "off") == 0 || strcmp(word, "reboot") == 0 ||
	       strcmp(word, "on") == 0;
}

/* By the orchestrator: once for each epoch of a node. */
static const char *auto_refused(const struct doc *cmd, const struct doc *row)
{
	const struct doc *last = doc_get(row, "fence");
	int64_t epoch = doc_get_int(row, "epoch", 0);

	if (doc_get_int(cmd, "epoch", 0) != epoch)
		return "its epoch has moved on";
	if (!doc_is(row, "state", "up") && *doc_get_str(row, "sure", ""))
		return "it is known to be down";
	if (doc_is(last, "state", "failed") &&
	    doc_get_int(last, "epoch", 0) == epoch)
		return "a fence of it has failed";
	return NULL;
}

static struct doc *fence_new(const struct op_env *env, const struct doc *cmd,
			     const struct doc *row)
{
	struct arena *a = env->s->arena;
	struct doc *f = doc_map(a);

	doc_put_int(a, f, "n", (int64_t)state_next(env->s, "fence"));
	doc_put_str(a, f, "action", doc_get_str(cmd, "action", ""));
	doc_put_str(a, f, "state", "asked");
	doc_put_str(a, f, "why", doc_get_str(cmd, "why", "a person asked"));
	doc_put_int(a, f, "epoch", doc_get_int(row, "epoch", 0));
	doc_put_int(a, f, "tries", 0);
	doc_put_int(a, f, "at", env->at);
	if (doc_get_bool(cmd, "auto", false))
		doc_put_bool(a, f, "auto", true);
	if (doc_get_bool(cmd, "self", false))
		doc_put_bool(a, f, "self", true);
	if (env->by)
		doc_put(a, f, "by", doc_copy(a, env->by));
	return f;
}

struct doc *op_fence_ask(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	const char *node = doc_get_str(cmd, "node", "");
	const char *action = doc_get_str(cmd, "action", ""), *why = NULL;
	struct doc *row = state_node_named(env->s, node), *f, *r;

	if (!row || doc_is(row, "state", "joining") ||
	    doc_is(row, "state", "left"))
		return op_result(env, OP_NOT_FOUND,
				 "there is no node %s: see 'encap node ls'",
				 node);
	if (!is_action(action))
		return op_result(env, OP_USAGE,
				 "a node is fenced by off, reboot or on, not "
				 "'%.20s'",
				 action);
	if (is_under_way(doc_get(row, "fence")))
		why = "that is under way already";
	else if (doc_get_bool(cmd, "auto", false))
		why = auto_refused(cmd, row);
	if (why)
		return op_result(env, OP_CONFLICT, "fence %s: %s", node, why);
	f = doc_put(a, row, "fence", fence_new(env, cmd, row));
	node_put(env, row);
	op_event(env, "fence", NULL, node, "%s is asked for: %s", action,
		 doc_get_str(f, "why", ""));
	r = op_result(env, OP_OK, NULL);
	doc_put_int(a, r, "n", doc_get_int(f, "n", 0));
	return r;
}

/* -- carrying out -----------------------------------------------------------
 */

/* The row of the node whose fence the command speaks of, if that is under way.
 */
static struct doc *row_of(const struct op_env *env, const struct doc *cmd)
{
	struct doc *row =
		state_node(env->s, (uint64_t)doc_get_int(cmd, "id", 0));
	const struct doc *f = doc_get(row, "fence");

	if (!is_under_way(f) ||
	    doc_get_int(f, "n", 0) != doc_get_int(cmd, "n", -1))
		return NULL;
	return row;
}

static struct doc *moved_on(const struct op_env *env)
{
	return op_result(env, OP_CONFLICT, "the fence has moved on");
}

struct doc *op_fence_run(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	struct doc *row = row_of(env, cmd), *f = doc_get(row, "fence");
	int64_t tries = doc_get_int(cmd, "tries", 0);

	if (!row || tries != doc_get_int(f, "tries", 0) + 1)
		return moved_on(env);
	doc_put_str(a, f, "state", "running");
	doc_put_str(a, f, "runner", doc_get_str(cmd, "runner", ""));
	doc_put_int(a, f, "tries", tries);
	node_put(env, row);
	op_event(env, "fence", NULL, name_of(row), "%s: %s carries it out",
		 doc_get_str(f, "action", ""), doc_get_str(cmd, "runner", ""));
	return op_result(env, OP_OK, NULL);
}

static void end(const struct op_env *env, struct doc *row, const char *state,
		const char *text)
{
	struct arena *a = env->s->arena;
	struct doc *f = doc_get(row, "fence");

	doc_put_str(a, f, "state", state);
	doc_put_str(a, f, "text", text);
	doc_put_int(a, f, "ended", env->at);
}

static void is_over(const struct op_env *env, struct doc *row, const char *sure)
{
	struct arena *a = env->s->arena;
	int64_t epoch = doc_get_int(row, "epoch", 0);

	/* One that is lost has moved on already, and was not let in since. */
	if (doc_is(row, "state", "up"))
		doc_put_int(a, row, "epoch", ++epoch);
	if (!doc_is(row, "state", "lost"))
		doc_put_int(a, row, "since", env->at);
	doc_put_str(a, row, "state", "lost");
	doc_put_int(a, row, "fenced", epoch - 1);
	doc_put_str(a, row, "sure", sure);
}

/* By who carried it out. A failure leaves it asked: the leader has another node
 * try, or gives it up. */
struct doc *op_fence_done(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	struct doc *row = row_of(env, cmd), *f = doc_get(row, "fence");
	const char *text = doc_get_str(cmd, "text", "");
	const char *action = doc_get_str(f, "action", "");
	const char *runner = doc_get_str(f, "runner", "?");

	if (!row || !doc_is(f, "state", "running") ||
	    doc_get_int(cmd, "tries", 0) != doc_get_int(f, "tries", -1))
		return moved_on(env);
	if (!doc_get_bool(cmd, "ok", false)) {
		doc_put_str(a, f, "state", "asked");
		doc_put_str(a, f, "text", text);
		node_put(env, row);
		op_event(env, "fence", NULL, name_of(row),
			 "%s by %s failed: %.400s", action, runner, text);
		return op_result(env, OP_OK, NULL);
	}
	doc_put_str(a, f, "device", doc_get_str(cmd, "device", ""));
	if (strcmp(action, "on") != 0)
		is_over(env, row, "fenced");
	end(env, row, "done", text);
	node_put(env, row);
	op_event(env, "fence", NULL, name_of(row), "%s: done by %s with %s",
		 action, runner, doc_get_str(cmd, "device", "?"));
	return op_result(env, OP_OK, NULL);
}

struct doc *op_fence_fail(const struct op_env *env, const struct doc *cmd)
{
	struct doc *row = row_of(env, cmd);
	const struct doc *f = doc_get(row, "fence");

	if (!row || doc_get_int(cmd, "tries", 0) != doc_get_int(f, "tries", -1))
		return moved_on(env);
	end(env, row, "failed", doc_get_str(cmd, "text", "no reason given"));
	node_put(env, row);
	op_event(env, "fence", NULL, name_of(row), "%s has failed: %.400s",
		 doc_get_str(f, "action", ""),
		 doc_get_str(cmd, "text", "no reason given"));
	return op_result(env, OP_OK, NULL);
}

/* -- a person's word --------------------------------------------------------
 */

struct doc *op_node_vouch(const struct op_env *env, const struct doc *cmd)
{
	const char *node = doc_get_str(cmd, "node", "");
	struct doc *row = state_node_named(env->s, node);

	if (!row || doc_is(row, "state", "joining") ||
	    doc_is(row, "state", "left"))
		return op_result(env, OP_NOT_FOUND,
				 "there is no node %s: see 'encap node ls'",
				 node);
	if (!doc_is(row, "state", "lost"))
		return op_result(env, OP_CONFLICT,
				 "%s is up, or its lease has not run out yet: "
				 "what is up is not down. Power it off, wait "
				 "until 'encap node ls' shows it as lost, and "
				 "say it again",
				 node);
	is_over(env, row, "vouched");
	if (is_under_way(doc_get(row, "fence")))
		end(env, row, "vouched", "a person vouches that it is down");
	node_put(env, row);
	op_event(env, "fence", NULL, node,
		 "%s vouches that it is down: nothing waits for a fence of it",
		 doc_get_str(env->by, "user", "somebody"));
	return op_result(env, OP_OK, NULL);
}

/* -- what protects a node ---------------------------------------------------
 */

struct doc *op_node_says(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	struct doc *row =
		state_node(env->s, (uint64_t)doc_get_int(cmd, "id", 0));
	const char *text = doc_get_str(cmd, "protection", "");

	if (!row || strlen(text) > 256)
		return op_result(env, OP_NOT_FOUND, "there is no such node");
	doc_put_str(a, row, "protection", text);
	node_put(env, row);
	return op_result(env, OP_OK, NULL);
}

/* -- the cluster's configuration --------------------------------------------
 */

static struct doc *refused_by(const struct op_env *env,
			      const struct problems *p)
{
	struct buf b = BUF(env->s->arena);
	struct doc *r;

	for (size_t i = 0; i < p->n; i++)
		buf_printf(&b, "%s%s", i ? "; " : "", p->at[i].text);
	r = op_result(env, OP_FAILED, "%.480s", buf_text(&b));
	return r;
}

/* 0, or a code and the sentence in @err. */
static enum op_code change(struct conf *c, const struct doc *cmd,
			   struct err *err)
{
	const struct doc *set = doc_get(cmd, "set"),
			 *unset = doc_get(cmd, "unset");

	for (size_t i = 0; i < doc_len(set); i++)
		if (conf_assign(c, doc_text(doc_at(set, i), ""), err) < 0)
			return OP_USAGE;
	for (size_t i = 0; i < doc_len(unset); i++) {
		const char *key = doc_text(doc_at(unset, i), "");
		int rc = conf_remove(c, key, err);

		if (rc < 0)
			return OP_USAGE;
		if (rc > 0) {
			err_set(err, -1,
				"the cluster's configuration has no %.80s",
				key);
			return OP_NOT_FOUND;
		}
	}
	return OP_OK;
}

/* The secrets of devices that are there no more. */
static void drop_secrets(const struct op_env *env, const struct conf *c)
{
	const struct state *s = env->s;
	struct txn_iter it;

	txn_iter_init(&it, s->txn, s->group, TABLE_SECRET,
		      (struct bytes){ "fence#", 6 });
	while (txn_iter_next(&it)) {
		const char *key = it.key.data;
		const char *end = memchr(key, '\0', it.key.len);
		size_t n = end ? (size_t)(end - key) : it.key.len;

		if (!fence_has_section(
			    c, arena_printf(s->arena, "%.*s", (int)n, key)))
			txn_del(s->txn, s->group, TABLE_SECRET, it.key);
	}
}

static const char *changes_text(struct arena *a, const struct doc *cmd)
{
	const struct doc *set = doc_get(cmd, "set"),
			 *unset = doc_get(cmd, "unset");
	struct buf b = BUF(a);

	if (doc_get(cmd, "config"))
		return "configured anew";
	for (size_t i = 0; i < doc_len(set); i++) {
		const char *t = doc_text(doc_at(set, i), "");

		buf_printf(&b, "%sset %.*s", i ? ", " : "",
			   (int)strcspn(t, "=+|^"), t);
	}
	for (size_t i = 0; i < doc_len(unset); i++)
		buf_printf(&b, "%sunset %s", b.len ? ", " : "",
			   doc_text(doc_at(unset, i), ""));
	return buf_text(&b);
}

struct doc *op_cluster_conf(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	struct doc *row = state_cluster(env->s), *r;
	const char *whole = doc_get_str(cmd, "config", NULL);
	const char *text = whole ? whole : doc_get_str(row, "config", "");
	int64_t n = doc_get_int(row, "config_n", 0);
	struct problems p = { .arena = a };
	struct state_key k = state_key("", NULL);
	struct buf out = BUF(a);
	struct err err = { 0 };
	enum op_code code;
	struct conf *c;

	if (!row)
		return op_result(env, OP_NOT_FOUND, "there is no cluster");
	if (doc_get(cmd, "base") && doc_get_int(cmd, "base", -1) != n)
		return op_result(env, OP_CONFLICT,
				 "the configuration was changed meanwhile");
	c = conf_parse(a, text, strlen(text), &p);
	if (!c)
		return refused_by(env, &p);
	code = change(c, cmd, &err);
	if (code != OP_OK)
		return op_result(env, code, "%s", err.text);
	cluster_config_validate(a, c, &p);
	if (p.fatal)
		return refused_by(env, &p);
	conf_text(c, &out);
	if (out.len > CLUSTER_CONFIG_MAX)
		return op_result(env, OP_USAGE,
				 "a cluster's configuration has at most %d "
				 "bytes",
				 CLUSTER_CONFIG_MAX);
	doc_put_str(a, row, "config", buf_text(&out));
	doc_put_int(a, row, "config_n", n + 1);
	state_put(env->s, TABLE_CLUSTER, &k, row);
	drop_secrets(env, c);
	op_event(env, "cluster", NULL, NULL, "configuration: %.400s",
		 changes_text(a, cmd));
	r = op_result(env, OP_OK, NULL);
	doc_put_int(a, r, "n", n + 1);
	return r;
}

bool op_fence_owner(const struct state *s, const char *name)
{
	const char *text = doc_get_str(state_cluster(s), "config", "");
	struct problems p = { .arena = s->arena };
	const struct conf *c;

	if (!fence_section_node(s->arena, name))
		return false;
	c = conf_parse(s->arena, text, strlen(text), &p);
	return c && fence_has_section(c, name);
}
