/*
 * Requests of docs/api.md: a row per operation. What reads answers at once
 * from this agent's own state; what changes becomes a command and is answered
 * when it is applied here.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"

#define CREATE_TIMEOUT_MS 15000
#define READ_TIMEOUT_MS	  5000
#define EVENTS_DEFAULT	  200
#define EVENTS_MAX	  2000

struct request {
	struct agent *agent;
	struct arena *arena;
	const struct doc *doc;
	agent_answer done;
	void *arg;
};

struct doc *request_answer(struct arena *a, int code, const char *fmt, ...)
{
	struct doc *d = doc_map(a);
	char text[2048];
	va_list ap;

	doc_put_int(a, d, "code", code);
	if (!fmt)
		return d;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	doc_put_str(a, d, "err", text);
	return d;
}

static void request_end(struct request *r, struct doc *answer)
{
	r->done(r->arg, r->arena, answer);
	arena_free(r->arena);
	free(r);
}

static void request_data(struct request *r, struct doc *data)
{
	struct doc *answer = request_answer(r->arena, OP_OK, NULL);

	doc_put(r->arena, answer, "data", data);
	request_end(r, answer);
}

#define REFUSE(r, code, ...)                                                   \
	request_end((r), request_answer((r)->arena, (code), __VA_ARGS__))

static const char *arg_str(const struct request *r, const char *key)
{
	return doc_get_str(r->doc, key, "");
}

/* -- commands ------------------------------------------------------ */

static struct doc *answer_of(struct arena *a, int code,
			     const struct doc *result)
{
	struct doc *answer, *data;

	if (code == -ETIMEDOUT)
		return request_answer(
			a, OP_TIMEOUT,
			"the group did not answer in time: whether the change "
			"was made is not known; look before you repeat it");
	if (code == -ENETUNREACH)
		return request_answer(
			a, OP_NO_QUORUM,
			"no leader can be reached from here: a majority of "
			"the group's voters must be up and connected ('encap "
			"cluster status'); nothing was changed");
	if (code < 0)
		return request_answer(a, OP_FAILED, "%s", strerror(-code));
	answer = request_answer(a, (int)doc_get_int(result, "code", OP_FAILED),
				NULL);
	if (doc_get(result, "err"))
		doc_put_str(a, answer, "err", doc_get_str(result, "err", ""));
	data = doc_put(a, answer, "data", doc_map(a));
	for (size_t i = 0; i < doc_len(result); i++) {
		const struct doc *v = doc_at(result, i);

		if (strcmp(v->key, "code") != 0 && strcmp(v->key, "err") != 0)
			doc_put(a, data, v->key, doc_copy(a, v));
	}
	return answer;
}

static void on_proposed(void *arg, int code, struct arena *a,
			const struct doc *result)
{
	struct request *r = arg;

	(void)a;
	r->agent->pending--;
	request_end(r, answer_of(r->arena, code, result));
}

static void request_propose(struct request *r, uint64_t gid, struct doc *cmd)
{
	r->agent->pending++;
	engine_propose(r->agent->engine, gid, r->arena, cmd, PROPOSE_TIMEOUT_MS,
		       on_proposed, r);
}

static struct doc *request_command(struct request *r, const char *op)
{
	return agent_command(r->agent, r->arena, op, doc_get(r->doc, "by"));
}

/* 0, and the request is answered and gone, when there is no such service
 * here. */
static uint64_t request_service(struct request *r)
{
	struct agent *g = r->agent;
	const char *name = arg_str(r, "name");
	struct txn *t = txn_begin_read(g->db, NULL);
	uint64_t gid = t ? agent_service_group(g, r->arena, t, name) : 0;
	bool there =
		gid && state_service(&(struct state){ t, gid, r->arena }, name);

	txn_abort(t);
	if (there)
		return gid;
	REFUSE(r, OP_NOT_FOUND,
	       "there is no service %s here: 'encap status' lists those that "
	       "there are",
	       name);
	return 0;
}

/* -- env files ----------------------------------------------------- */

static struct doc *problem_doc(struct arena *a, const struct problems *p,
			       bool fatal)
{
	struct doc *list = doc_list(a);

	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].fatal == fatal)
			doc_add(a, list, doc_str(a, p->at[i].text));
	return list;
}

static void refuse_config(struct request *r, const struct problems *p)
{
	struct buf text = BUF(r->arena);
	struct doc *answer;

	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].fatal)
			buf_printf(&text, "%s%s", text.len ? "\n" : "",
				   p->at[i].text);
	answer = request_answer(r->arena, OP_FAILED, NULL);
	doc_put_str(r->arena, answer, "err", buf_text(&text));
	doc_put(r->arena, doc_put(r->arena, answer, "data", doc_map(r->arena)),
		"problems", problem_doc(r->arena, p, true));
	request_end(r, answer);
}

/* NULL, and the request is answered, when the file is not valid. */
static struct conf *request_config(struct request *r, const char *name,
				   struct service_conf *sc)
{
	const struct doc *text = doc_get(r->doc, "config");
	struct problems p = { .arena = r->arena };
	struct conf *c;
	struct err err;

	if (!text || (text->type != DOC_STR && text->type != DOC_BIN)) {
		REFUSE(r, OP_USAGE, "no env file is given");
		return NULL;
	}
	c = conf_parse(r->arena, text->str.data, text->str.len, &p);
	if (c)
		conf_validate(r->arena, c, name, &p);
	if (!c || p.fatal) {
		refuse_config(r, &p);
		return NULL;
	}
	if (service_eval(r->arena, c, name, NULL, sc, &err) < 0) {
		REFUSE(r, OP_FAILED, "%s: %s", name, err.text);
		return NULL;
	}
	return c;
}

static const char *config_text(const struct request *r)
{
	return doc_get(r->doc, "config")->str.data;
}

static void watch_add(struct request *r, bool creation, uint64_t ms)
{
	struct agent *g = r->agent;
	struct watch *w = calloc(1, sizeof(*w));
	const struct doc *cursor = doc_get(r->doc, "cursor");

	if (!w)
		abort();
	w->creation = creation;
	w->until_ms = g->now_ms + ms;
	w->arena = r->arena;
	w->cursor = cursor ? doc_copy(r->arena, cursor) : NULL;
	w->service = doc_get_str(r->doc, "name", NULL);
	w->done = r->done;
	w->arg = r->arg;
	w->next = g->watches;
	g->watches = w;
	free(r);
}

static void on_indexed(void *arg, int code, struct arena *a,
		       const struct doc *result)
{
	struct request *r = arg;

	(void)a;
	r->agent->pending--;
	if (code != 0 || doc_get_int(result, "code", 0) != OP_OK) {
		request_end(r, answer_of(r->arena, code, result));
		return;
	}
	r->agent->dirty = true;
	watch_add(r, true, CREATE_TIMEOUT_MS);
}

static void request_create(struct request *r)
{
	struct agent *g = r->agent;
	const char *name = arg_str(r, "name");
	struct service_conf sc;
	struct doc *cmd;
	struct err err;

	if (g->level == LEVEL_ENCAP) {
		REFUSE(r, OP_USAGE,
		       "a service is made on a hypervisor: this is a "
		       "container of %s",
		       g->service);
		return;
	}
	if (name_check(name, &err) < 0) {
		REFUSE(r, OP_USAGE, "service name: %s", err.text);
		return;
	}
	if (!request_config(r, name, &sc))
		return;
	cmd = request_command(r, sc.encapnodes.n ? "index_add" : "svc_create");
	doc_put_str(r->arena, cmd, "name", name);
	doc_put_str(r->arena, cmd, "config", config_text(r));
	if (!sc.encapnodes.n) {
		request_propose(r, CLUSTER_GROUP, cmd);
		return;
	}
	doc_put(r->arena, cmd, "voters", groups_voters(g, r->arena));
	g->pending++;
	engine_propose(g->engine, CLUSTER_GROUP, r->arena, cmd,
		       PROPOSE_TIMEOUT_MS, on_indexed, r);
}

static void request_edit(struct request *r)
{
	const char *name = arg_str(r, "name");
	uint64_t gid = request_service(r);
	struct service_conf sc;
	struct doc *cmd;
	bool own_group = gid != CLUSTER_GROUP;

	if (!gid || !request_config(r, name, &sc))
		return;
	if (own_group != (sc.encapnodes.n > 0)) {
		REFUSE(r, OP_FAILED,
		       "%s was made %s encap nodes and keeps its place in the "
		       "cluster: to change that, stop it, delete it and create "
		       "it again",
		       name, own_group ? "with" : "without");
		return;
	}
	cmd = request_command(r, "svc_edit");
	doc_put_str(r->arena, cmd, "name", name);
	doc_put_str(r->arena, cmd, "base", arg_str(r, "base"));
	doc_put_str(r->arena, cmd, "config", config_text(r));
	if (doc_get(r->doc, "comment"))
		doc_put_str(r->arena, cmd, "comment", arg_str(r, "comment"));
	request_propose(r, gid, cmd);
}

static void request_read_config(struct request *r)
{
	const char *name = arg_str(r, "name"), *rev = arg_str(r, "rev");
	uint64_t gid = request_service(r);
	struct txn *t;
	struct state s;
	struct doc *row;

	if (!gid)
		return;
	t = txn_begin_read(r->agent->db, NULL);
	s = (struct state){ t, gid, r->arena };
	if (!rev[0])
		rev = doc_get_str(state_service(&s, name), "head", "");
	row = state_revision(&s, name, rev);
	txn_abort(t);
	if (!row)
		REFUSE(r, OP_NOT_FOUND, "%s has no revision %.64s", name, rev);
	else
		request_data(r, row);
}

/* A service group ends with its entry in the cluster's index; whether it may
 * is the group's to say. */
static void on_delete_allowed(void *arg, int code, struct arena *a,
			      const struct doc *result)
{
	struct request *r = arg;
	struct doc *cmd;

	(void)a;
	r->agent->pending--;
	if (code != 0 || doc_get_int(result, "code", 0) != OP_OK) {
		request_end(r, answer_of(r->arena, code, result));
		return;
	}
	cmd = request_command(r, "index_del");
	doc_put_str(r->arena, cmd, "name", arg_str(r, "name"));
	request_propose(r, CLUSTER_GROUP, cmd);
}

static void request_delete(struct request *r)
{
	struct agent *g = r->agent;
	uint64_t gid = request_service(r);
	struct doc *cmd;

	if (!gid)
		return;
	if (g->level == LEVEL_ENCAP) {
		REFUSE(r, OP_USAGE, "a service is deleted on a hypervisor");
		return;
	}
	cmd = request_command(r, "svc_delete");
	doc_put_str(r->arena, cmd, "name", arg_str(r, "name"));
	if (gid == CLUSTER_GROUP) {
		request_propose(r, gid, cmd);
		return;
	}
	g->pending++;
	engine_propose(g->engine, gid, r->arena, cmd, PROPOSE_TIMEOUT_MS,
		       on_delete_allowed, r);
}

/* -- intents ------------------------------------------------------- */

/* In a container an intent is about its own level. */
static const char *intent_level(const struct request *r)
{
	const char *level = doc_get_str(r->doc, "level", "both");

	return r->agent->level == LEVEL_ENCAP ? "encap" : level;
}

static void request_intent(struct request *r)
{
	const char *want = arg_str(r, "want"), *level = intent_level(r);
	uint64_t gid = request_service(r);
	struct doc *cmd;

	if (!gid)
		return;
	cmd = request_command(r, "svc_intent");
	doc_put_str(r->arena, cmd, "name", arg_str(r, "name"));
	doc_put_str(r->arena, cmd, "want",
		    strcmp(level, "encap") == 0 ? "same" : want);
	doc_put_str(r->arena, cmd, "encap",
		    strcmp(level, "hypervisor") == 0 ? "same" : want);
	if (doc_get(r->doc, "node"))
		doc_put_str(r->arena, cmd, "node", arg_str(r, "node"));
	if (doc_len(doc_get(r->doc, "slave")))
		doc_put(r->arena, cmd, "slave",
			doc_copy(r->arena, doc_get(r->doc, "slave")));
	request_propose(r, gid, cmd);
}

static void request_freeze(struct request *r, bool frozen)
{
	uint64_t gid = request_service(r);
	struct doc *cmd;

	if (!gid)
		return;
	cmd = request_command(r, "svc_freeze");
	doc_put_str(r->arena, cmd, "name", arg_str(r, "name"));
	doc_put_bool(r->arena, cmd, "frozen", frozen);
	request_propose(r, gid, cmd);
}

static void request_svc_freeze(struct request *r)
{
	request_freeze(r, true);
}

static void request_svc_thaw(struct request *r)
{
	request_freeze(r, false);
}

static bool refuse_in_container(struct request *r)
{
	if (r->agent->level != LEVEL_ENCAP)
		return false;
	REFUSE(r, OP_USAGE,
	       "this is a container of %s: the cluster is seen from its "
	       "hypervisors",
	       r->agent->service ? r->agent->service : "a service");
	return true;
}

static void node_freeze(struct request *r, bool frozen)
{
	struct doc *cmd;

	if (refuse_in_container(r))
		return;
	cmd = request_command(r, "node_freeze");
	doc_put_str(r->arena, cmd, "node", arg_str(r, "node"));
	doc_put_bool(r->arena, cmd, "frozen", frozen);
	request_propose(r, CLUSTER_GROUP, cmd);
}

static void request_node_freeze(struct request *r)
{
	node_freeze(r, true);
}

static void request_node_thaw(struct request *r)
{
	node_freeze(r, false);
}

/* The loop's part of cluster_token: the secret never comes here. */
static void request_token_add(struct request *r)
{
	struct doc *cmd;

	if (refuse_in_container(r))
		return;
	cmd = request_command(r, "token_add");
	doc_put_str(r->arena, cmd, "hash", arg_str(r, "hash"));
	doc_put_int(r->arena, cmd, "expires",
		    doc_get_int(r->doc, "expires", 0));
	request_propose(r, CLUSTER_GROUP, cmd);
}

static const char *token_refused(struct request *r)
{
	struct agent *g = r->agent;
	struct txn *t = txn_begin_read(g->db, NULL);
	struct state s = { t, CLUSTER_GROUP, r->arena };
	const char *why = "the database cannot be read";

	if (t)
		why = op_token_refused(&s, arg_str(r, "hash"),
				       g->io.wall_ms(g->io.ctx));
	txn_abort(t);
	return why;
}

static void on_token_read(void *arg, int code, struct arena *a,
			  const struct doc *result)
{
	struct request *r = arg;
	const char *why;

	(void)a;
	(void)result;
	r->agent->pending--;
	if (code != 0) {
		request_end(r, answer_of(r->arena, code, NULL));
		return;
	}
	why = token_refused(r);
	request_end(r, request_answer(r->arena, why ? OP_FAILED : OP_OK,
				      why ? "%s" : NULL, why));
}

/* Would it let somebody in? A stranger asks, so nothing is written. A token
 * that is not known here may just have been made elsewhere. */
static void request_token_check(struct request *r)
{
	if (refuse_in_container(r))
		return;
	if (!token_refused(r)) {
		request_end(r, request_answer(r->arena, OP_OK, NULL));
		return;
	}
	r->agent->pending++;
	engine_read(r->agent->engine, CLUSTER_GROUP, READ_TIMEOUT_MS,
		    on_token_read, r);
}

/* The loop's part of a join: it signs the certificate for the id. */
static void request_node_join(struct request *r)
{
	const struct doc *addresses = doc_get(r->doc, "addresses");
	struct doc *cmd;

	if (refuse_in_container(r))
		return;
	cmd = request_command(r, "node_join");
	doc_put_str(r->arena, cmd, "hash", arg_str(r, "hash"));
	doc_put_str(r->arena, cmd, "name", arg_str(r, "name"));
	if (addresses)
		doc_put(r->arena, cmd, "addresses",
			doc_copy(r->arena, addresses));
	request_propose(r, CLUSTER_GROUP, cmd);
}

/* -- queries ------------------------------------------------------- */

static void request_ping(struct request *r)
{
	struct agent *g = r->agent;
	struct arena *a = r->arena;
	struct doc *d = doc_map(a);

	doc_put_str(a, d, "node", g->node);
	doc_put_str(a, d, "level",
		    !g->identity	      ? ""
		    : g->level == LEVEL_ENCAP ? "encap"
					      : "hypervisor");
	doc_put_str(a, d, "version", ENCAP_VERSION);
	if (g->identity)
		doc_put_str(a, d, "cluster",
			    doc_get_str(g->identity, "cluster_id", ""));
	if (g->service)
		doc_put_str(a, d, "service", g->service);
	request_data(r, d);
}

static void request_status(struct request *r)
{
	uint64_t gid = request_service(r);
	struct txn *t;
	struct doc *d;

	if (!gid)
		return;
	t = txn_begin_read(r->agent->db, NULL);
	d = query_status(r->agent, r->arena, t, arg_str(r, "name"), false);
	txn_abort(t);
	request_data(r, d);
}

typedef struct doc *(*query_fn)(struct agent *g, struct arena *a,
				struct txn *t);

static void request_query(struct request *r, query_fn query)
{
	struct err err;
	struct txn *t = txn_begin_read(r->agent->db, &err);
	struct doc *d;

	if (!t) {
		REFUSE(r, OP_FAILED, "%s", err.text);
		return;
	}
	d = query(r->agent, r->arena, t);
	txn_abort(t);
	request_data(r, d);
}

static void request_services(struct request *r)
{
	request_query(r, query_services);
}

static void request_nodes(struct request *r)
{
	if (!refuse_in_container(r))
		request_query(r, query_nodes);
}

static void request_cluster(struct request *r)
{
	if (!refuse_in_container(r))
		request_query(r, query_cluster);
}

static struct doc *events_now(struct agent *g, struct arena *a,
			      const struct doc *cursor, const char *service,
			      size_t limit)
{
	struct txn *t = txn_begin_read(g->db, NULL);
	struct doc *d =
		t ? query_events(g, a, t, cursor, service, limit) : doc_map(a);

	txn_abort(t);
	return d;
}

static size_t events_limit(const struct request *r)
{
	int64_t limit = doc_get_int(r->doc, "limit", EVENTS_DEFAULT);

	return limit > 0 && limit < EVENTS_MAX ? (size_t)limit : EVENTS_MAX;
}

/* What is left of one that was deleted is still to be seen. */
static void request_events(struct request *r)
{
	const char *name = doc_get_str(r->doc, "name", NULL);
	struct doc *d =
		events_now(r->agent, r->arena, doc_get(r->doc, "cursor"), name,
			   events_limit(r));

	if (name && !doc_len(doc_get(d, "events")) && !request_service(r))
		return;
	request_data(r, d);
}

static void request_watch(struct request *r)
{
	watch_add(r, false, WATCH_MS);
	/* The next turn looks at it first. */
}

/* NULL while there is nothing to say. */
static struct doc *watch_answer(struct agent *g, struct watch *w, bool late)
{
	struct doc *answer, *data;

	if (w->creation) {
		struct txn *t = txn_begin_read(g->db, NULL);
		uint64_t gid =
			t ? agent_service_group(g, w->arena, t, w->service) : 0;
		struct doc *row =
			gid ? state_service(&(struct state){ t, gid, w->arena },
					    w->service)
			    : NULL;

		txn_abort(t);
		if (row && doc_get(row, "head")) {
			answer = request_answer(w->arena, OP_OK, NULL);
			data = doc_put(w->arena, answer, "data",
				       doc_map(w->arena));
			doc_put_str(w->arena, data, "rev",
				    doc_get_str(row, "head", ""));
			return answer;
		}
		return late ? request_answer(
				      w->arena, OP_TIMEOUT,
				      "%s is made, but its group did not begin "
				      "in time: see 'encap status %s'",
				      w->service, w->service)
			    : NULL;
	}
	data = events_now(g, w->arena, w->cursor, w->service, EVENTS_DEFAULT);
	if (!late && doc_len(doc_get(data, "events")) == 0)
		return NULL;
	answer = request_answer(w->arena, OP_OK, NULL);
	doc_put(w->arena, answer, "data", data);
	return answer;
}

void request_watch_step(struct agent *g)
{
	for (struct watch **at = &g->watches; *at;) {
		struct watch *w = *at;
		struct doc *answer =
			watch_answer(g, w, g->now_ms >= w->until_ms);

		if (!answer) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->done(w->arg, w->arena, answer);
		arena_free(w->arena);
		free(w);
		at = &g->watches; /* the answer may have brought a new one */
	}
}

void request_free(struct agent *g)
{
	while (g->watches) {
		struct watch *w = g->watches;

		g->watches = w->next;
		w->done(w->arg, w->arena,
			request_answer(w->arena, OP_FAILED,
				       "the agent is stopping"));
		arena_free(w->arena);
		free(w);
	}
}

static const struct {
	const char *op;
	void (*run)(struct request *r);
	bool anywhere; /* also before the node is a member of anything */
} rows[] = {
	{ "ping", request_ping, true },
	{ "cluster_status", request_cluster, false },
	{ "node_ls", request_nodes, false },
	{ "node_freeze", request_node_freeze, false },
	{ "node_thaw", request_node_thaw, false },
	{ "token_add", request_token_add, false },
	{ "token_check", request_token_check, false },
	{ "node_join", request_node_join, false },
	{ "svc_ls", request_services, false },
	{ "svc_create", request_create, false },
	{ "svc_config", request_read_config, false },
	{ "svc_edit", request_edit, false },
	{ "svc_delete", request_delete, false },
	{ "svc_intent", request_intent, false },
	{ "svc_freeze", request_svc_freeze, false },
	{ "svc_thaw", request_svc_thaw, false },
	{ "status", request_status, false },
	{ "events", request_events, false },
	{ "watch", request_watch, false },
};

void agent_request(struct agent *g, uint64_t now_ms, const struct doc *req,
		   agent_answer done, void *arg)
{
	struct request *r = calloc(1, sizeof(*r));
	const char *op = doc_get_str(req, "op", "");

	if (!r)
		abort();
	g->now_ms = now_ms;
	*r = (struct request){ g, arena_new(), NULL, done, arg };
	r->doc = doc_copy(r->arena, req);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].op, op) != 0)
			continue;
		if (!g->identity && !rows[i].anywhere)
			REFUSE(r, OP_FAILED,
			       "%s is not a member of a cluster yet: 'encap "
			       "cluster init' makes one, 'encap cluster join' "
			       "enters one; in a container, its hypervisor's "
			       "agent must be running",
			       g->node);
		else
			rows[i].run(r);
		return;
	}
	REFUSE(r, OP_USAGE, "the agent does not know the request '%.40s'", op);
}
