#include "fsm/op/op.h"

#include <string.h>

#include "fsm/conf/conf.h"

static struct doc *not_found(const struct op_env *env, const char *name)
{
	return op_result(env, OP_NOT_FOUND,
			 "there is no service %s: see 'encap status'", name);
}

/* Every change that the orchestrator looks at moves the version on. */
static void service_put(const struct op_env *env, struct doc *row)
{
	struct state_key k = state_key(doc_get_str(row, "name", ""), NULL);

	doc_put_int(env->s->arena, row, "version",
		    doc_get_int(row, "version", 0) + 1);
	state_put(env->s, TABLE_SERVICE, &k, row);
}

/* -- revisions -------------------------------------------------------- */

static void history_add(const struct op_env *env, const char *name, uint64_t n,
			const char *rev)
{
	const struct state *s = env->s;
	struct state_key k = state_key_num(name, n);
	struct doc *old;

	state_put(s, TABLE_HISTORY, &k, doc_str(s->arena, rev));
	if (n <= STATE_REVISIONS_KEPT)
		return;
	k = state_key_num(name, n - STATE_REVISIONS_KEPT);
	old = state_row(s, TABLE_HISTORY, &k);
	state_del(s, TABLE_HISTORY, &k);
	k = state_key(name, doc_text(old, ""));
	state_del(s, TABLE_REVISION, &k);
}

/* Store a revision and make it the head. Returns its id. */
static const char *revision_put(const struct op_env *env, struct doc *service,
				const struct doc *cmd,
				const struct doc *parents)
{
	struct arena *a = env->s->arena;
	const char *name = doc_get_str(service, "name", "");
	const char *config = doc_get_str(cmd, "config", "");
	const char *rev = op_revision_id(a, parents, config, strlen(config));
	uint64_t n = (uint64_t)doc_get_int(service, "revisions", 0) + 1;
	struct state_key k = state_key(name, rev);
	struct doc *row = doc_map(a);

	doc_put_str(a, row, "rev", rev);
	doc_put(a, row, "parents", doc_copy(a, parents));
	doc_put_str(a, row, "config", config);
	doc_put_int(a, row, "at", env->at);
	if (env->by)
		doc_put(a, row, "author", doc_copy(a, env->by));
	if (doc_get(cmd, "comment"))
		doc_put_str(a, row, "comment", doc_get_str(cmd, "comment", ""));
	doc_put_int(a, row, "n", (int64_t)n);
	state_put(env->s, TABLE_REVISION, &k, row);
	history_add(env, name, n, rev);
	doc_put_int(a, service, "revisions", (int64_t)n);
	doc_put_str(a, service, "head", rev);
	return rev;
}

static struct doc *result_rev(const struct op_env *env, const char *rev)
{
	struct doc *r = op_result(env, OP_OK, NULL);

	doc_put_str(env->s->arena, r, "rev", rev);
	return r;
}

static struct doc *intent_new(const struct op_env *env, const char *want,
			      const char *encap, const char *node, int64_t seq)
{
	struct arena *a = env->s->arena;
	struct doc *i = doc_map(a);

	doc_put_str(a, i, "want", want);
	doc_put_str(a, i, "encap", encap);
	if (node)
		doc_put_str(a, i, "node", node);
	doc_put_int(a, i, "seq", seq);
	doc_put_int(a, i, "at", env->at);
	if (env->by)
		doc_put(a, i, "by", doc_copy(a, env->by));
	return i;
}

struct doc *op_svc_create(const struct op_env *env, const struct doc *cmd)
{
	const struct state *s = env->s;
	struct arena *a = s->arena;
	const char *name = doc_get_str(cmd, "name", "");
	struct doc *row = doc_map(a);
	const char *rev;
	struct err err;

	if (name_check(name, &err) < 0)
		return op_result(env, OP_USAGE, "service name: %s", err.text);
	if (state_service(s, name))
		return op_result(env, OP_CONFLICT,
				 "the service %s exists: 'encap edit %s' "
				 "changes it",
				 name, name);
	doc_put_str(a, row, "name", name);
	doc_put_int(a, row, "created", env->at);
	doc_put(a, row, "intent",
		intent_new(env, "stopped", "stopped", NULL, 0));
	rev = revision_put(env, row, cmd, doc_list(a));
	service_put(env, row);
	op_event(env, "edit", name, NULL, "created, revision %.12s", rev);
	return result_rev(env, rev);
}

/* A service group begins with the command that the cluster's index recorded,
 * so a row with "group" here is the index's, not the service. */
static struct doc *service_here(const struct op_env *env, const struct doc *cmd)
{
	struct doc *row = state_service(env->s, doc_get_str(cmd, "name", ""));

	return row && !doc_get(row, "group") ? row : NULL;
}

struct doc *op_svc_edit(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	struct doc *row = service_here(env, cmd), *parents, *r;
	const char *name = doc_get_str(cmd, "name", "");
	const char *base = doc_get_str(cmd, "base", "");
	const char *head, *rev;

	if (!row)
		return not_found(env, name);
	head = doc_get_str(row, "head", "");
	if (strcmp(base, head) != 0) {
		r = op_result(env, OP_CONFLICT,
			      "the edit of %s is based on revision %.12s, the "
			      "head is %.12s: look at it with 'encap config "
			      "%s' and edit again",
			      name, base, head, name);
		doc_put_str(a, r, "base", base);
		doc_put_str(a, r, "head", head);
		return r;
	}
	parents = doc_list(a);
	doc_add(a, parents, doc_str(a, head));
	rev = revision_put(env, row, cmd, parents);
	service_put(env, row);
	op_event(env, "edit", name, doc_get_str(env->by, "node", NULL),
		 "revision %.12s by %s", rev,
		 doc_get_str(env->by, "user", "nobody"));
	return result_rev(env, rev);
}

static void rows_drop(const struct state *s, enum table t, const char *name)
{
	struct state_key prefix = state_key(name, "");
	struct txn_iter it;

	txn_iter_init(&it, s->txn, s->group, t,
		      (struct bytes){ prefix.bytes, prefix.len });
	while (txn_iter_next(&it))
		txn_del(s->txn, s->group, t, it.key);
}

/* NULL if nothing of the service is running anywhere. */
static const char *still_up(const struct op_env *env, const char *name)
{
	struct doc *assigns = state_assigns(env->s, name);
	struct doc *instances = state_instances(env->s, name);

	for (size_t i = 0; i < doc_len(assigns); i++)
		if (strcmp(doc_get_str(doc_at(assigns, i), "want", ""), "up") ==
		    0)
			return doc_at(assigns, i)->key;
	for (size_t i = 0; i < doc_len(instances); i++) {
		const char *avail =
			doc_get_str(doc_at(instances, i), "avail", "n/a");

		if (strcmp(avail, "up") == 0 || strcmp(avail, "warn") == 0)
			return doc_at(instances, i)->key;
	}
	return NULL;
}

struct doc *op_svc_delete(const struct op_env *env, const struct doc *cmd)
{
	static const enum table tables[] = { TABLE_REVISION, TABLE_HISTORY,
					     TABLE_ASSIGN, TABLE_INSTANCE };
	const char *name = doc_get_str(cmd, "name", "");
	struct doc *row = service_here(env, cmd);
	struct state_key k = state_key(name, NULL);
	const char *node;

	if (!row)
		return not_found(env, name);
	node = still_up(env, name);
	if (node)
		return op_result(env, OP_CONFLICT,
				 "%s is up on %s: 'encap stop %s' first", name,
				 node, name);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		rows_drop(env->s, tables[i], name);
	state_del(env->s, TABLE_SERVICE, &k);
	op_event(env, "edit", name, NULL, "deleted");
	return op_result(env, OP_OK, NULL);
}

/* -- intents ---------------------------------------------------------- */

static bool word_in(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

static const char *intent_node_refused(const struct op_env *env,
				       const struct doc *service,
				       const char *node)
{
	struct arena *a = env->s->arena;
	struct doc *rev =
		state_revision(env->s, doc_get_str(service, "name", ""),
			       doc_get_str(service, "head", ""));
	const char *text = doc_get_str(rev, "config", "");
	struct problems p = { .arena = a };
	struct conf *c = conf_parse(a, text, strlen(text), &p);
	struct service_conf sc;

	if (!c || service_eval(a, c, doc_get_str(service, "name", ""), NULL,
			       &sc, NULL) < 0)
		return NULL;
	if (names_have(&sc.nodes, node) || names_have(&sc.drpnodes, node))
		return NULL;
	return "is not in the service's nodes";
}

struct doc *op_svc_intent(const struct op_env *env, const struct doc *cmd)
{
	static const char *const wants[] = { "started", "stopped", "restart",
					     "same", NULL };
	struct arena *a = env->s->arena;
	struct doc *row = service_here(env, cmd), *was, *r;
	const char *name = doc_get_str(cmd, "name", "");
	const char *want = doc_get_str(cmd, "want", "");
	const char *encap = doc_get_str(cmd, "encap", want);
	const char *node = doc_get_str(cmd, "node", NULL);
	const char *why;
	int64_t seq;

	if (!row)
		return not_found(env, name);
	if (!word_in(want, wants) || !word_in(encap, wants))
		return op_result(env, OP_USAGE,
				 "an intent is started, stopped or restart, "
				 "not '%s'",
				 want);
	why = node ? intent_node_refused(env, row, node) : NULL;
	if (why)
		return op_result(env, OP_USAGE, "%s %s of %s", node, why, name);
	was = doc_get(row, "intent");
	if (strcmp(want, "same") == 0)
		want = doc_get_str(was, "want", "stopped");
	if (strcmp(encap, "same") == 0)
		encap = doc_get_str(was, "encap", "stopped");
	if (strcmp(encap, "restart") == 0)
		encap = "started";
	seq = doc_get_int(was, "seq", 0) + 1;
	doc_put(a, row, "intent", intent_new(env, want, encap, node, seq));
	service_put(env, row);
	op_event(env, "intent", name, node, "%s%s%s, encap level %s, by %s",
		 want, node ? " on " : "", node ? node : "", encap,
		 doc_get_str(env->by, "user", "nobody"));
	r = op_result(env, OP_OK, NULL);
	doc_put_int(a, r, "seq", seq);
	return r;
}

struct doc *op_svc_freeze(const struct op_env *env, const struct doc *cmd)
{
	struct doc *row = service_here(env, cmd);
	const char *name = doc_get_str(cmd, "name", "");
	bool frozen = doc_get_bool(cmd, "frozen", false);

	if (!row)
		return not_found(env, name);
	doc_put_bool(env->s->arena, row, "frozen", frozen);
	service_put(env, row);
	op_event(env, "freeze", name, NULL, frozen ? "frozen" : "thawed");
	return op_result(env, OP_OK, NULL);
}

/* -- decisions and observations --------------------------------------- */

static void assign_put(const struct op_env *env, struct doc *service,
		       const struct doc *change)
{
	struct arena *a = env->s->arena;
	const char *name = doc_get_str(service, "name", "");
	const char *node = doc_get_str(change, "node", "");
	struct state_key k = state_key(name, node);
	struct doc *row = doc_copy(a, change);
	int64_t token = doc_get_int(change, "token", 0);

	doc_put_int(a, row, "at", env->at);
	state_put(env->s, TABLE_ASSIGN, &k, row);
	if (token > doc_get_int(service, "token", 0))
		doc_put_int(a, service, "token", token);
	op_event(env, "assign", name, node, "%s: %s",
		 doc_get_str(change, "want", ""),
		 doc_get_str(change, "why", ""));
}

static void intent_on(const struct op_env *env, struct doc *service,
		      const struct doc *change)
{
	struct arena *a = env->s->arena;
	struct doc *intent = doc_copy(a, doc_get(service, "intent"));

	doc_put_str(a, intent, "want", doc_get_str(change, "want", ""));
	doc_put(a, service, "intent", intent);
	op_event(env, "intent", doc_get_str(service, "name", ""), NULL,
		 "%s: %s", doc_get_str(change, "want", ""),
		 doc_get_str(change, "why", ""));
}

struct doc *op_assign(const struct op_env *env, const struct doc *cmd)
{
	struct doc *row = service_here(env, cmd);
	const struct doc *changes = doc_get(cmd, "changes");

	if (!row)
		return not_found(env, doc_get_str(cmd, "name", ""));
	if (doc_get_int(row, "version", 0) != doc_get_int(cmd, "version", -1))
		return op_result(env, OP_CONFLICT, "the state has moved on");
	for (size_t i = 0; i < doc_len(changes); i++) {
		const struct doc *c = doc_at(changes, i);

		if (strcmp(doc_get_str(c, "kind", ""), "intent") == 0)
			intent_on(env, row, c);
		else
			assign_put(env, row, c);
	}
	service_put(env, row);
	return op_result(env, OP_OK, NULL);
}

struct doc *op_observe(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	const struct state *s = env->s;
	struct doc *row = service_here(env, cmd), *doc, *was;
	const char *name = doc_get_str(cmd, "name", "");
	const char *node = doc_get_str(cmd, "node", "");
	struct state_key k;

	if (!row)
		return not_found(env, name);
	if (!node[0] || !doc_get(cmd, "doc") ||
	    doc_get(cmd, "doc")->type != DOC_MAP)
		return op_result(env, OP_USAGE, "an instance is a map");
	k = state_key(name, node);
	was = state_instance(s, name, node);
	doc = doc_copy(a, doc_get(cmd, "doc"));
	doc_put_int(a, doc, "at", env->at);
	/* A document of an earlier assignment that arrives late would undo
	 * what a later one confirmed. */
	if (doc_get_int(doc, "n", 0) && was &&
	    strcmp(doc_get_str(doc, "session", ""),
		   doc_get_str(was, "session", "")) == 0 &&
	    doc_get_int(doc, "n", 0) <= doc_get_int(was, "n", 0))
		return op_result(env, OP_CONFLICT, "a later one is known");
	state_put(s, TABLE_INSTANCE, &k, doc);
	if (strcmp(doc_get_str(was, "state", ""),
		   doc_get_str(doc, "state", "")) != 0 ||
	    strcmp(doc_get_str(was, "avail", ""),
		   doc_get_str(doc, "avail", "")) != 0)
		op_event(env, "state", name, node, "%s, %s",
			 doc_get_str(doc, "avail", "n/a"),
			 doc_get_str(doc, "state", "idle"));
	service_put(env, row);
	return op_result(env, OP_OK, NULL);
}

/* -- containers as members -------------------------------------------- */

/* Their ids are above every node's. */
#define FIRST_CONTAINER_ID (1ULL << 32)

/* Give @name an id in this group. "incarnation" names the one that the caller
 * knows: if the member is beyond it already, that one's id is the answer; so a
 * repeated request makes no second member. */
struct doc *op_member_join(const struct op_env *env, const struct doc *cmd)
{
	const struct state *s = env->s;
	struct arena *a = s->arena;
	const char *name = doc_get_str(cmd, "name", "");
	struct doc *row, *r = op_result(env, OP_OK, NULL);
	struct state_key k;
	struct err err;

	if (name_check(name, &err) < 0)
		return op_result(env, OP_USAGE, "member name: %s", err.text);
	k = state_key(name, NULL);
	row = state_member(s, name);
	if (!row || doc_get_int(row, "incarnation", 0) <=
			    doc_get_int(cmd, "incarnation", 0)) {
		int64_t inc = doc_get_int(row, "incarnation", 0) + 1;

		row = doc_map(a);
		doc_put_str(a, row, "name", name);
		doc_put_str(a, row, "level", "encap");
		doc_put_int(a, row, "id",
			    (int64_t)(FIRST_CONTAINER_ID +
				      state_next(s, "member")));
		doc_put_int(a, row, "incarnation", inc);
		state_put(s, TABLE_MEMBER, &k, row);
		op_event(env, "member", NULL, name,
			 "joins its service's group, incarnation %lld",
			 (long long)inc);
	}
	doc_put(a, r, "member", doc_copy(a, row));
	return r;
}
