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

#include "cluster/agent/request.h"

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

void request_end(struct request *r, struct doc *answer)
{
	r->done(r->arg, r->arena, answer);
	arena_free(r->arena);
	free(r);
}

void request_data(struct request *r, struct doc *data)
{
	struct doc *answer = request_answer(r->arena, OP_OK, NULL);

	doc_put(r->arena, answer, "data", data);
	request_end(r, answer);
}

const char *request_arg(const struct request *r, const char *key)
{
	return doc_get_str(r->doc, key, "");
}

/* -- commands ------------------------------------------------------ */

struct doc *request_result(struct arena *a, int code, const struct doc *result)
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
	request_end(r, request_result(r->arena, code, result));
}

void request_propose(struct request *r, uint64_t gid, struct doc *cmd)
{
	if (r->planning) {
		request_plan_add(r, gid, cmd);
		return;
	}
	r->agent->pending++;
	engine_propose(r->agent->engine, gid, r->arena, cmd, PROPOSE_TIMEOUT_MS,
		       on_proposed, r);
}

struct doc *request_command(struct request *r, const char *op)
{
	return agent_command(r->agent, r->arena, op, doc_get(r->doc, "by"));
}

void request_pass(struct request *r, struct doc *cmd, const char *key)
{
	const struct doc *v = doc_get(r->doc, key);

	if (v)
		doc_put(r->arena, cmd, key, doc_copy(r->arena, v));
}

void request_to_cluster(struct request *r, const char *op,
			const char *const *keys)
{
	struct doc *cmd;

	if (request_in_container(r))
		return;
	cmd = request_command(r, op);
	for (size_t i = 0; keys[i]; i++)
		request_pass(r, cmd, keys[i]);
	request_propose(r, CLUSTER_GROUP, cmd);
}

/* 0, and the request is answered and gone, when there is no such service
 * here. */
uint64_t request_service(struct request *r)
{
	struct agent *g = r->agent;
	const char *name = request_arg(r, "name");
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

struct txn *request_read(struct request *r)
{
	struct err err;
	struct txn *t = txn_begin_read(r->agent->db, &err);

	if (!t)
		REFUSE(r, OP_FAILED, "%s", err.text);
	return t;
}

/* -- the table ------------------------------------------------------------- */

static const struct {
	const char *op;
	void (*run)(struct request *r);
	bool anywhere; /* also before the node is a member of anything */
	bool planned;  /* can be part of a plan: ends with request_propose() */
} rows[] = {
	{ "ping", request_ping, true, false },
	{ "cluster_status", request_cluster, false, false },
	{ "node_ls", request_nodes, false, false },
	{ "node_freeze", request_node_freeze, false, true },
	{ "node_thaw", request_node_thaw, false, true },
	{ "node_leave", request_node_leave, false, false },
	{ "node_stay", request_node_stay, false, false },
	{ "node_leave_look", request_node_leave_look, false, false },
	{ "node_remove", request_node_remove, false, false },
	{ "node_label", request_node_label, false, false },
	{ "cluster_set", request_cluster_set, false, false },
	{ "node_fence", request_node_fence, false, false },
	{ "node_vouch", request_node_vouch, false, false },
	{ "fence_ls", request_fence_ls, false, false },
	{ "fence_test", request_fence_test, false, false },
	{ "cluster_config", request_cluster_config, false, false },
	{ "cluster_configure", request_cluster_configure, false, false },
	{ "token_add", request_token_add, false, false },
	{ "token_check", request_token_check, false, false },
	{ "node_join", request_node_join, false, false },
	{ "fresh", request_fresh, false, false },
	{ "svc_ls", request_services, false, false },
	{ "svc_create", request_create, false, false },
	{ "svc_config", request_read_config, false, false },
	{ "svc_edit", request_edit, false, true },
	{ "svc_delete", request_delete, false, true },
	{ "svc_history", request_history, false, false },
	{ "svc_revert", request_revert, false, true },
	{ "svc_drafts", request_drafts, false, false },
	{ "svc_draft", request_draft, false, false },
	{ "svc_draft_add", request_draft_add, false, false },
	{ "svc_draft_drop", request_draft_drop, false, false },
	{ "svc_resolve", request_resolve, false, true },
	{ "svc_intent", request_intent, false, true },
	{ "svc_act", request_act, false, true },
	{ "svc_freeze", request_svc_freeze, false, true },
	{ "svc_thaw", request_svc_thaw, false, true },
	{ "cluster_disarm", request_cluster_disarm, false, false },
	{ "cluster_arm", request_cluster_arm, false, false },
	{ "svc_emergency", request_emergency, false, false },
	{ "svc_clear", request_svc_clear, false, true },
	{ "maintenance", request_maintenance, false, true },
	{ "node_drain", request_node_drain, false, true },
	{ "node_undrain", request_node_undrain, false, true },
	{ "restore_first", request_restore_first, false, false },
	{ "restore_more", request_restore_more, false, false },
	{ "recover_look", request_recover_look, false, false },
	{ "secret_set", request_secret_set, false, false },
	{ "secret_unset", request_secret_unset, false, false },
	{ "secret_ls", request_secret_ls, false, false },
	{ "plan", request_plan, false, false },
	{ "why", request_why, false, false },
	{ "status", request_status, false, false },
	{ "audit", request_audit, false, false },
	{ "events", request_events, false, false },
	{ "watch", request_watch, false, false },
};

static size_t row_find(const char *op)
{
	size_t i = 0;

	while (i < sizeof(rows) / sizeof(rows[0]) &&
	       strcmp(rows[i].op, op) != 0)
		i++;
	return i;
}

static struct request *request_new(struct agent *g, const struct doc *req,
				   agent_answer done, void *arg)
{
	struct request *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	*r = (struct request){
		.agent = g, .arena = arena_new(), .done = done, .arg = arg
	};
	r->doc = doc_copy(r->arena, req);
	return r;
}

void request_plan_part(struct agent *g, struct planning *p,
		       const struct doc *req, agent_answer done)
{
	struct request *r = request_new(g, req, done, p);
	const char *op = request_arg(r, "op");
	size_t i = row_find(op);

	r->planning = p;
	if (i == sizeof(rows) / sizeof(rows[0]) || !rows[i].planned)
		REFUSE(r, OP_USAGE,
		       "what '%.40s' would do cannot be looked at before", op);
	else
		rows[i].run(r);
}

void agent_request(struct agent *g, uint64_t now_ms, const struct doc *req,
		   agent_answer done, void *arg)
{
	struct request *r = request_new(g, req, done, arg);
	const char *op = request_arg(r, "op");
	size_t i = row_find(op);

	g->now_ms = now_ms;
	if (i == sizeof(rows) / sizeof(rows[0]))
		REFUSE(r, OP_USAGE,
		       "the agent does not know the request '%.40s'", op);
	else if (g->witness && !rows[i].anywhere)
		REFUSE(r, OP_FAILED,
		       "%s is a witness: it votes, and has nothing that it "
		       "could show; ask a hypervisor of its cluster",
		       g->node);
	else if (!g->identity && !rows[i].anywhere)
		REFUSE(r, OP_FAILED,
		       "%s is not a member of a cluster yet: 'encap "
		       "cluster init' makes one, 'encap cluster join' "
		       "enters one; in a container, its hypervisor's "
		       "agent must be running",
		       g->node);
	else
		rows[i].run(r);
}
