/*
 * Requests about env files: create, edit, read, delete.
 */
#include <errno.h>
#include <string.h>

#include "cluster/agent/request.h"

#define CREATE_TIMEOUT_MS 15000

static struct doc *problem_doc(struct arena *a, const struct problems *p,
			       bool fatal)
{
	struct doc *list = doc_list(a);

	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].fatal == fatal)
			doc_add(a, list, doc_str(a, p->at[i].text));
	return list;
}

struct keeping {
	struct request *request;
	struct doc *answer; /* that it is not valid, and why */
};

static void on_kept(void *arg, int code, struct arena *a,
		    const struct doc *result)
{
	struct keeping *k = arg;
	struct request *r = k->request;
	const char *draft = doc_get_str(result, "draft", NULL);

	(void)a;
	r->agent->pending--;
	if (code == 0 && draft)
		doc_put_str(r->arena, doc_get(k->answer, "data"), "draft",
			    draft);
	request_end(r, k->answer);
}

/* Whether it could be kept or not, the answer is that it is not valid. */
static void keep_config(struct request *r, struct doc *answer)
{
	struct keeping *k = ARENA_NEW(r->arena, struct keeping);
	struct agent *g = r->agent;
	struct txn *t = txn_begin_read(g->db, NULL);
	uint64_t gid =
		t ? agent_service_group(g, r->arena, t, request_arg(r, "name"))
		  : 0;
	struct doc *cmd = request_command(r, "draft_add");

	txn_abort(t);
	if (!gid) {
		request_end(r, answer);
		return;
	}
	*k = (struct keeping){ r, answer };
	request_pass(r, cmd, "name");
	request_pass(r, cmd, "config");
	request_pass(r, cmd, "base");
	request_pass(r, cmd, "where");
	doc_put_str(r->arena, cmd, "kind", "invalid");
	doc_put_str(r->arena, cmd, "why", doc_get_str(answer, "err", ""));
	g->pending++;
	engine_propose(g->engine, gid, r->arena, cmd, PROPOSE_TIMEOUT_MS,
		       on_kept, k);
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
	if (doc_get_bool(r->doc, "keep", false))
		keep_config(r, answer);
	else
		request_end(r, answer);
}

/* A container is a member of one service's group: what runs in it is that
 * service's. Two that name the same one would both start it. Known here of the
 * others is what this agent has; a container knows of its own service only. */
static bool container_taken(struct request *r, const char *name,
			    const struct service_conf *sc, struct err *err)
{
	struct txn *t =
		sc->encapnodes.n ? txn_begin_read(r->agent->db, NULL) : NULL;
	struct state cluster = { t, CLUSTER_GROUP, r->arena };
	struct doc *rows = t ? state_services(&cluster) : NULL;
	bool taken = false;

	for (size_t i = 0; i < doc_len(rows) && !taken; i++) {
		const char *other = doc_get_str(doc_at(rows, i), "name", "");
		uint64_t gid =
			(uint64_t)doc_get_int(doc_at(rows, i), "group", 0);
		const struct state s = { t, gid, r->arena };
		struct service_conf theirs;

		if (!gid || strcmp(other, name) == 0)
			continue;
		if (!groups_head_service(r->agent, &s, other, &theirs))
			continue;
		for (size_t k = 0; k < sc->encapnodes.n && !taken; k++) {
			taken = names_have(&theirs.encapnodes,
					   sc->encapnodes.at[k]);
			if (taken)
				err_set(err, -EEXIST,
					"the container %s is one of %s "
					"already: name another in encapnodes "
					"of %s, or take it out of %s first",
					sc->encapnodes.at[k], other, name,
					other);
		}
	}
	txn_abort(t);
	return taken;
}

/* NULL, and the request is answered, when the file is not valid. */
struct conf *request_config(struct request *r, const char *name,
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
	if (container_taken(r, name, sc, &err)) {
		REFUSE(r, OP_FAILED, "%s", err.text);
		return NULL;
	}
	return c;
}

static const char *config_text(const struct request *r)
{
	return doc_get(r->doc, "config")->str.data;
}

static void on_indexed(void *arg, int code, struct arena *a,
		       const struct doc *result)
{
	struct request *r = arg;

	(void)a;
	r->agent->pending--;
	if (code != 0 || doc_get_int(result, "code", 0) != OP_OK) {
		request_end(r, request_result(r->arena, code, result));
		return;
	}
	r->agent->dirty = true;
	request_watch_add(r, true, CREATE_TIMEOUT_MS);
}

void request_make(struct request *r, struct doc *cmd, bool own_group)
{
	struct agent *g = r->agent;

	if (!own_group) {
		request_propose(r, CLUSTER_GROUP, cmd);
		return;
	}
	doc_put(r->arena, cmd, "voters", groups_voters(g, r->arena));
	g->pending++;
	engine_propose(g->engine, CLUSTER_GROUP, r->arena, cmd,
		       PROPOSE_TIMEOUT_MS, on_indexed, r);
}

void request_create(struct request *r)
{
	struct agent *g = r->agent;
	const char *name = request_arg(r, "name");
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
	request_pass(r, cmd, "comment");
	request_make(r, cmd, sc.encapnodes.n > 0);
}

void request_edit(struct request *r)
{
	const char *name = request_arg(r, "name");
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
	doc_put_str(r->arena, cmd, "base", request_arg(r, "base"));
	doc_put_str(r->arena, cmd, "config", config_text(r));
	request_pass(r, cmd, "comment");
	request_pass(r, cmd, "strict");
	request_pass(r, cmd, "where");
	request_propose(r, gid, cmd);
}

/* "HEAD~1" is what people know from elsewhere. */
static const char *lower_head(struct arena *a, const char *word)
{
	if (!*word)
		return "head";
	return strncmp(word, "HEAD", 4) == 0
		       ? arena_printf(a, "head%s", word + 4)
		       : word;
}

void request_read_config(struct request *r)
{
	const char *name = request_arg(r, "name");
	struct arena *a = r->arena;
	const char *rev = lower_head(r->arena, request_arg(r, "rev"));
	uint64_t gid = request_service(r);
	struct txn *t = gid ? request_read(r) : NULL;
	struct state s = { t, gid, a };
	struct doc *row;
	struct err err;

	if (!t)
		return;
	rev = state_revision_named(&s, name, rev, &err);
	row = rev ? state_revision(&s, name, rev) : NULL;
	txn_abort(t);
	if (row)
		request_data(r, row);
	else if (rev)
		REFUSE(r, OP_NOT_FOUND, "%s has no revision %.64s any more",
		       name, rev);
	else
		REFUSE(r, err.code == -ENOENT ? OP_NOT_FOUND : OP_USAGE, "%s",
		       err.text);
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
		request_end(r, request_result(r->arena, code, result));
		return;
	}
	cmd = request_command(r, "index_del");
	doc_put_str(r->arena, cmd, "name", request_arg(r, "name"));
	request_propose(r, CLUSTER_GROUP, cmd);
}

void request_delete(struct request *r)
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
	doc_put_str(r->arena, cmd, "name", request_arg(r, "name"));
	if (gid == CLUSTER_GROUP || r->planning) {
		request_propose(r, gid, cmd);
		return;
	}
	g->pending++;
	engine_propose(g->engine, gid, r->arena, cmd, PROPOSE_TIMEOUT_MS,
		       on_delete_allowed, r);
}
