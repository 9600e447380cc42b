#include "fsm/op/op.h"

#include <string.h>

#include "fsm/conf/conf.h"
#include "fsm/op/internal.h"
#include "fsm/plan/orchestrate.h"
#include "fsm/status/status.h"

struct doc *op_no_service(const struct op_env *env, const char *name)
{
	return op_result(env, OP_NOT_FOUND,
			 "there is no service %s: see 'encap status'", name);
}

void op_service_put(const struct op_env *env, struct doc *row)
{
	struct state_key k = state_key(doc_get_str(row, "name", ""), NULL);

	doc_put_int(env->s->arena, row, "version",
		    doc_get_int(row, "version", 0) + 1);
	state_put(env->s, TABLE_SERVICE, &k, row);
}

/* A seq of 0: nobody has asked for anything. */
static struct doc *intent_none(struct arena *a)
{
	struct doc *i = doc_map(a);

	doc_put_str(a, i, "want", "stopped");
	doc_put_str(a, i, "encap", "stopped");
	doc_put_int(a, i, "seq", 0);
	return i;
}

struct doc *op_svc_create(const struct op_env *env, const struct doc *cmd)
{
	const struct state *s = env->s;
	struct arena *a = s->arena;
	const char *name = doc_get_str(cmd, "name", "");
	struct doc *row = doc_map(a), *r;
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
	doc_put(a, row, "intent", intent_none(a));
	rev = op_revision_add(
		env, row,
		&(struct revision){
			.config = doc_get_str(cmd, "config", ""),
			.author = env->by,
			.comment = doc_get_str(cmd, "comment", NULL),
			.at = env->at,
		});
	op_service_put(env, row);
	if (s->group != CLUSTER_GROUP)
		op_version_put(env, doc_get_int(cmd, "state_version", 1));
	op_event(env, "edit", name, NULL, "created, revision %.12s", rev);
	r = op_result(env, OP_OK, NULL);
	doc_put_str(a, r, "rev", rev);
	return r;
}

/* -- where it may be running ------------------------------------------ */

/* By what the group knows: at an assignment up; at one down that was not
 * confirmed, unless its lease ran out; where it was seen up unasked. */
static bool may_run(const struct doc *assign, const struct doc *instance)
{
	const char *avail = doc_get_str(instance, "avail", "n/a");
	bool seen = strcmp(avail, "up") == 0 || strcmp(avail, "warn") == 0;
	int64_t token = doc_get_int(assign, "token", 0);

	if (!assign)
		return strcmp(avail, "up") == 0;
	if (doc_is(assign, "want", "up"))
		return true;
	if (doc_get_int(instance, "token", 0) == token)
		return seen;
	return !doc_get_bool(assign, "lost", false);
}

static bool is_container(const struct doc *row)
{
	return doc_is(row, "level", "encap");
}

const char *op_runs_beside(const struct op_env *env, const char *name,
			   const struct service_conf *but)
{
	const struct doc *assigns = state_assigns(env->s, name);
	const struct doc *instances = state_instances(env->s, name);
	const struct doc *maps[] = { assigns, instances };

	for (size_t m = 0; m < 2; m++)
		for (size_t i = 0; i < doc_len(maps[m]); i++) {
			const char *node = doc_at(maps[m], i)->key;

			if (is_container(doc_get(assigns, node)) ||
			    is_container(doc_get(instances, node)) ||
			    (but && (names_have(&but->nodes, node) ||
				     names_have(&but->drpnodes, node))))
				continue;
			if (may_run(doc_get(assigns, node),
				    doc_get(instances, node)))
				return node;
		}
	return NULL;
}

bool op_service_conf(const struct op_env *env, const char *name,
		     const char *config, struct conf **ret_conf,
		     struct service_conf *ret)
{
	struct arena *a = env->s->arena;
	struct problems p = { .arena = a };

	*ret_conf = conf_parse(a, config, strlen(config), &p);
	if (!*ret_conf)
		return false;
	conf_share(*ret_conf, conf_keywords(a)); /* for each node, too */
	return service_eval(a, *ret_conf, name, NULL, ret, NULL) == 0;
}

struct doc *op_head_conf(const struct op_env *env, const struct doc *row,
			 struct conf **ret_conf, struct service_conf *ret)
{
	const char *name = doc_get_str(row, "name", "");
	const struct doc *rev =
		state_revision(env->s, name, doc_get_str(row, "head", ""));

	if (op_service_conf(env, name, doc_get_str(rev, "config", ""), ret_conf,
			    ret))
		return NULL;
	return op_result(env, OP_FAILED,
			 "the head revision of %s cannot be read by this "
			 "version",
			 name);
}

const char *op_container_named(const struct op_env *env, const char *service,
			       const struct conf *conf,
			       const struct service_conf *sc, const char *word)
{
	if (names_have(&sc->encapnodes, word))
		return word;
	for (size_t n = 0; n < sc->nodes.n; n++) {
		struct instance inst;

		if (instance_eval(env->s->arena, conf, service, sc->nodes.at[n],
				  LEVEL_HYPERVISOR, &inst, NULL) < 0)
			continue;
		for (size_t i = 0; i < inst.n; i++)
			if (strcmp(inst.res[i].rid, word) == 0 &&
			    inst.res[i].encapnode && *inst.res[i].encapnode)
				return inst.res[i].encapnode;
	}
	return NULL;
}

/* A service group begins with the command that the cluster's index recorded,
 * so a row with "group" here is the index's, not the service. */
struct doc *op_service_here(const struct op_env *env, const struct doc *cmd)
{
	struct doc *row = state_service(env->s, doc_get_str(cmd, "name", ""));

	return row && !doc_get(row, "group") ? row : NULL;
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

struct doc *op_svc_delete(const struct op_env *env, const struct doc *cmd)
{
	static const enum table tables[] = { TABLE_REVISION, TABLE_HISTORY,
					     TABLE_TEXT,     TABLE_DRAFT,
					     TABLE_ASSIGN,   TABLE_INSTANCE,
					     TABLE_ORDER,    TABLE_SECRET };
	const char *name = doc_get_str(cmd, "name", "");
	struct doc *row = op_service_here(env, cmd);
	struct state_key k = state_key(name, NULL);
	const char *node;

	if (!row)
		return op_no_service(env, name);
	node = op_runs_beside(env, name, NULL);
	if (node)
		return op_result(env, OP_CONFLICT,
				 "%s is up on %s, or was not yet seen down "
				 "there: 'encap stop %s' first",
				 name, node, name);
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

struct asking { /* one svc_intent */
	const struct op_env *env;
	const struct doc *cmd, *was;
	const char *name, *want, *encap;
	const char *container; /* the node that is named is one; or NULL */
	struct conf *conf;
	struct service_conf sc;
	int64_t seq;
};

static const char *kept(const struct doc *was, const char *key)
{
	return doc_get_str(was, key, "stopped");
}

static void intent_hypervisor(const struct asking *q, struct doc *i)
{
	struct arena *a = q->env->s->arena;
	bool same = strcmp(q->want, "same") == 0;
	const char *node = doc_get_str(same ? q->was : q->cmd, "node", NULL);

	if (q->container)
		node = same ? doc_get_str(q->was, "node", NULL) : NULL;
	doc_put_str(a, i, "want", same ? kept(q->was, "want") : q->want);
	doc_put_int(a, i, "want_seq",
		    same ? doc_get_int(q->was, "want_seq", 0) : q->seq);
	if (node)
		doc_put_str(a, i, "node", node);
}

static void slave_put(const struct asking *q, struct doc *slaves,
		      const char *container, const char *want)
{
	struct arena *a = q->env->s->arena;
	struct doc *row = doc_put(a, slaves, container, doc_map(a));

	doc_put_str(a, row, "want", want);
	doc_put_int(a, row, "seq", q->seq);
}

/* In one container at most: a container that is named is the one where it is to
 * run, or the only one in which it could be stopped. NULL, or what is not
 * there. */
static const char *intent_farmed(const struct asking *q, struct doc *i)
{
	struct arena *a = q->env->s->arena;
	const struct doc *list = doc_get(q->cmd, "slave");
	bool same = strcmp(q->encap, "same") == 0, stop;
	const char *node = q->container, *word = q->encap;

	/* In a container an intent names that, too. */
	for (size_t k = 0; !same && !node && k < doc_len(list); k++) {
		const char *said = doc_text(doc_at(list, k), "");

		node = op_container_named(q->env, q->name, q->conf, &q->sc,
					  said);
		if (!node)
			return arena_printf(a, "%s has no container '%.64s'",
					    q->name, said);
	}
	stop = strcmp(q->encap, "started") != 0 && !same;
	if (stop && doc_len(list) &&
	    !doc_is(state_assign(q->env->s, q->name, node), "want", "up"))
		same = true; /* it is not there */
	/* A restart of both levels takes what is inside down with the rest. */
	if (strcmp(word, "restart") == 0 && strcmp(q->want, "restart") == 0)
		word = "started";
	doc_put_str(a, i, "encap", same ? kept(q->was, "encap") : word);
	doc_put_int(a, i, "encap_seq",
		    same ? doc_get_int(q->was, "encap_seq", 0) : q->seq);
	if (same)
		node = doc_get_str(q->was, "encap_node", NULL);
	if (node && !stop)
		doc_put_str(a, i, "encap_node", node);
	return NULL;
}

/* NULL, or what is not there. A restart of the encap level alone goes on for
 * each container by itself, so it is kept for each by itself. */
static const char *intent_encap(const struct asking *q, struct doc *i)
{
	struct arena *a = q->env->s->arena;
	const struct doc *list = doc_get(q->cmd, "slave");
	bool same = strcmp(q->encap, "same") == 0;
	bool restart = strcmp(q->encap, "restart") == 0;
	bool alone = restart && strcmp(q->want, "restart") != 0;
	bool all = !same && !doc_len(list);
	const char *word = restart && !alone ? "started" : q->encap;
	struct doc *slaves = doc_map(a);

	if (encap_is_failover(&q->sc))
		return intent_farmed(q, i);
	doc_put_str(a, i, "encap",
		    !all    ? kept(q->was, "encap")
		    : alone ? "started"
			    : word);
	doc_put_int(a, i, "encap_seq",
		    all ? q->seq : doc_get_int(q->was, "encap_seq", 0));
	if (!all && doc_get(q->was, "slaves"))
		slaves = doc_copy(a, doc_get(q->was, "slaves"));
	for (size_t k = 0; all && alone && k < q->sc.encapnodes.n; k++)
		slave_put(q, slaves, q->sc.encapnodes.at[k], word);
	for (size_t k = 0; !same && k < doc_len(list); k++) {
		const char *said = doc_text(doc_at(list, k), "");
		const char *c = op_container_named(q->env, q->name, q->conf,
						   &q->sc, said);

		if (!c)
			return arena_printf(a, "%s has no container '%.64s'",
					    q->name, said);
		slave_put(q, slaves, c, word);
	}
	if (doc_len(slaves))
		doc_put(a, i, "slaves", slaves);
	return NULL;
}

/* NULL, or what is wrong with it; *ret_code is how. */
static const char *asking_refused(const struct asking *q,
				  enum op_code *ret_code)
{
	static const char *const wants[] = { "started", "stopped", "restart",
					     "same", NULL };
	struct arena *a = q->env->s->arena;
	const char *node = doc_get_str(q->cmd, "node", NULL);
	bool same = strcmp(q->want, "same") == 0;

	*ret_code = OP_USAGE;
	if (!word_in(q->want, wants) || !word_in(q->encap, wants))
		return arena_printf(a,
				    "an intent is started, stopped or "
				    "restart, not '%.32s'",
				    word_in(q->want, wants) ? q->encap
							    : q->want);
	if (same && strcmp(q->encap, "same") == 0)
		return "an intent that asks for nothing";
	if (!node)
		return NULL;
	if (q->container && !encap_is_failover(&q->sc)) {
		*ret_code = OP_CONFLICT;
		return arena_printf(
			a,
			"%s runs in each of its containers that "
			"is up: there is nothing to move to %.64s "
			"(topology@encapnodes = failover is for one "
			"at a time)",
			q->name, node);
	}
	if (q->container)
		return NULL;
	if (strcmp(q->want, "started") != 0 && strcmp(q->want, "restart") != 0)
		return "a node is named for a start or a restart of the "
		       "hypervisor level only";
	*ret_code = OP_NOT_FOUND;
	if (!names_have(&q->sc.nodes, node) &&
	    !names_have(&q->sc.drpnodes, node))
		return arena_printf(a, "%.64s is not in the nodes of %s", node,
				    q->name);
	return NULL;
}

static void intent_event(const struct asking *q, const struct doc *intent)
{
	const char *node = doc_get_str(q->cmd, "node", NULL);
	struct buf b = BUF(q->env->s->arena);

	for (size_t i = 0;
	     !q->container && i < doc_len(doc_get(q->cmd, "slave")); i++)
		buf_printf(&b, " of %.64s",
			   doc_text(doc_at(doc_get(q->cmd, "slave"), i), ""));
	op_event(q->env, "intent", q->name, node, "%s%s%s, encap level%s %s",
		 doc_get_str(intent, "want", ""), node ? " on " : "",
		 node ? node : "", buf_text(&b), q->encap);
}

struct doc *op_svc_intent(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	struct doc *row = op_service_here(env, cmd), *intent = doc_map(a), *r;
	struct asking q = {
		.env = env,
		.cmd = cmd,
		.was = doc_get(row, "intent"),
		.name = doc_get_str(cmd, "name", ""),
		.want = doc_get_str(cmd, "want", ""),
		.seq = doc_get_int(doc_get(row, "intent"), "seq", 0) + 1,
	};
	enum op_code code;
	const char *why;

	if (!row)
		return op_no_service(env, q.name);
	q.encap = doc_get_str(cmd, "encap", q.want);
	r = op_head_conf(env, row, &q.conf, &q.sc);
	if (r)
		return r;
	/* A move to a container is about the encap level. */
	q.container = names_have(&q.sc.encapnodes, doc_get_str(cmd, "node", ""))
			      ? doc_get_str(cmd, "node", "")
			      : NULL;
	if (q.container && strcmp(q.want, "started") == 0)
		q.want = "same";
	why = asking_refused(&q, &code);
	if (!why) {
		code = OP_NOT_FOUND;
		intent_hypervisor(&q, intent);
		why = intent_encap(&q, intent);
	}
	if (why)
		return op_result(env, code, "%s", why);
	doc_put_int(a, intent, "seq", q.seq);
	doc_put_int(a, intent, "at", env->at);
	if (env->by)
		doc_put(a, intent, "by", doc_copy(a, env->by));
	doc_put(a, row, "intent", intent);
	op_service_put(env, row);
	intent_event(&q, intent);
	r = op_result(env, OP_OK, NULL);
	doc_put_int(a, r, "seq", q.seq);
	return r;
}

struct doc *op_svc_freeze(const struct op_env *env, const struct doc *cmd)
{
	struct doc *row = op_service_here(env, cmd);
	const char *name = doc_get_str(cmd, "name", "");
	bool frozen = doc_get_bool(cmd, "frozen", false);

	if (!row)
		return op_no_service(env, name);
	doc_put_bool(env->s->arena, row, "frozen", frozen);
	op_service_put(env, row);
	op_event(env, "freeze", name, NULL, frozen ? "frozen" : "thawed");
	return op_result(env, OP_OK, NULL);
}

/* -- decisions and observations --------------------------------------- */

/* May there be rows of @service for @node? */
static bool node_fits(const char *service, const char *node)
{
	struct state_key k = state_key(service, node);

	return name_check(node, NULL) == 0 && state_key_fits(&k);
}

static bool change_fits(const char *service, const struct doc *change)
{
	static const char *const wants[] = { "up", "down", NULL };

	if (doc_is(change, "kind", "intent"))
		return doc_is(change, "want", "started");
	return doc_is(change, "kind", "assign") &&
	       word_in(doc_get_str(change, "want", ""), wants) &&
	       node_fits(service, doc_get_str(change, "node", ""));
}

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

/* A restart goes on as a start: of the hypervisor level, or of a container. */
static void intent_on(const struct op_env *env, struct doc *service,
		      const struct doc *change)
{
	struct arena *a = env->s->arena;
	struct doc *intent = doc_copy(a, doc_get(service, "intent"));
	const char *want = doc_get_str(change, "want", "");
	const char *container =
		is_container(change) ? doc_get_str(change, "node", NULL) : NULL;

	if (!orch_intent_goes_on(a, intent, change))
		return;
	doc_put(a, service, "intent", intent);
	op_event(env, "intent", doc_get_str(service, "name", ""), container,
		 "%s: %s", want, doc_get_str(change, "why", ""));
}

struct doc *op_assign(const struct op_env *env, const struct doc *cmd)
{
	struct doc *row = op_service_here(env, cmd);
	const struct doc *changes = doc_get(cmd, "changes");

	if (!row)
		return op_no_service(env, doc_get_str(cmd, "name", ""));
	if (doc_get_int(row, "version", 0) != doc_get_int(cmd, "version", -1))
		return op_result(env, OP_CONFLICT, "the state has moved on");
	for (size_t i = 0; i < doc_len(changes); i++)
		if (!change_fits(doc_get_str(cmd, "name", ""),
				 doc_at(changes, i)))
			return op_result(env, OP_USAGE,
					 "change %zu is none that is known", i);
	for (size_t i = 0; i < doc_len(changes); i++) {
		const struct doc *c = doc_at(changes, i);

		if (doc_is(c, "kind", "intent"))
			intent_on(env, row, c);
		else
			assign_put(env, row, c);
	}
	op_service_put(env, row);
	return op_result(env, OP_OK, NULL);
}

struct doc *op_observe(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	const struct state *s = env->s;
	struct doc *row = op_service_here(env, cmd), *doc, *was;
	const char *name = doc_get_str(cmd, "name", "");
	const char *node = doc_get_str(cmd, "node", "");
	struct state_key k;

	if (!row)
		return op_no_service(env, name);
	if (!node_fits(name, node) || !instance_is_sound(doc_get(cmd, "doc")))
		return op_result(env, OP_USAGE,
				 "this is not built like the document of an "
				 "instance, or its node has no proper name");
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
	op_service_put(env, row);
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
		int64_t epoch = doc_get_int(row, "epoch", 0);

		row = doc_map(a);
		if (epoch) /* what the old one was granted may still last */
			doc_put_int(a, row, "epoch", epoch);
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
