/*
 * What would come of requests: their commands are applied to the state in a
 * transaction that is never committed, and the forecast is made from what is
 * there then. So a plan is refused with the words with which the request itself
 * would be, and is made of what the request itself would change.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/request.h"
#include "fsm/plan/forecast.h"
#include "fsm/plan/others.h"
#include "fsm/plan/why.h"

#define SERVICES_MAX 4096 /* of one plan */

struct planning {
	struct arena *arena;
	struct doc *commands; /* [{group, command}] */
	struct doc *refused;  /* the answer of the first that was */
};

/* Called instead of a proposal. */
void request_plan_add(struct request *r, uint64_t gid, const struct doc *cmd)
{
	struct planning *p = r->planning;
	struct doc *row = doc_add(p->arena, p->commands, doc_map(p->arena));
	struct doc *copy = doc_copy(p->arena, cmd);

	doc_put_bool(p->arena, copy, "plan", true);
	doc_put_int(p->arena, row, "group", (int64_t)gid);
	doc_put(p->arena, row, "command", copy);
	request_end(r, request_answer(r->arena, OP_OK, NULL));
}

static void on_part(void *arg, struct arena *a, struct doc *answer)
{
	struct planning *p = arg;

	(void)a;
	if (!p->refused && doc_get_int(answer, "code", 0) != OP_OK)
		p->refused = doc_copy(p->arena, answer);
}

/* -- the state afterwards ---------------------------------------------------
 */

struct after {
	struct agent *agent;
	struct arena *arena;
	struct txn *txn;
	struct names names; /* of services; sorted */
	struct forecast_service *services;
	size_t n;
	struct doc *nodes;
};

static void name_add(struct after *w, const char *name)
{
	if (w->names.n < SERVICES_MAX && !names_have(&w->names, name))
		w->names.at[w->names.n++] = name;
}

/* A freeze of a node is about all services. */
static void all_names(struct after *w)
{
	const struct state s = { w->txn, CLUSTER_GROUP, w->arena };
	struct doc *rows = state_services(&s);

	w->names.n = 0;
	for (size_t i = 0; i < doc_len(rows) && i < SERVICES_MAX; i++)
		w->names.at[w->names.n++] =
			doc_get_str(doc_at(rows, i), "name", "");
}

/* Which others a service looks at; none if it is deleted, or its group is not
 * here yet. */
static struct names named_by(struct after *w, const char *name)
{
	uint64_t gid = agent_service_group(w->agent, w->arena, w->txn, name);
	const struct state s = { w->txn, gid, w->arena };
	struct service_conf sc;

	if (!gid || !groups_head_service(w->agent, &s, name, &sc))
		return (struct names){ 0 };
	return others_named(w->arena, &sc);
}

static bool looks_at_one_of(const struct after *w, const struct names *named)
{
	for (size_t i = 0; i < named->n; i++)
		if (names_have(&w->names, named->at[i]))
			return true;
	return false;
}

/* Whom they look at, and who looks at them, and so on: these may act, too. */
static void related_add(struct after *w)
{
	const struct state s = { w->txn, CLUSTER_GROUP, w->arena };
	struct doc *rows = state_services(&s);
	size_t n = doc_len(rows), before;
	struct names *named = ARENA_VEC(w->arena, struct names, n + 1);

	for (size_t i = 0; i < n; i++)
		named[i] =
			named_by(w, doc_get_str(doc_at(rows, i), "name", ""));
	do {
		before = w->names.n;
		for (size_t i = 0; i < n; i++) {
			const char *name =
				doc_get_str(doc_at(rows, i), "name", "");

			if (!named[i].n)
				continue;
			if (looks_at_one_of(w, &named[i]))
				name_add(w, name);
			if (!names_have(&w->names, name))
				continue;
			for (size_t k = 0; k < named[i].n; k++)
				name_add(w, named[i].at[k]);
		}
	} while (w->names.n != before);
}

static void service_add(struct after *w, const char *name)
{
	uint64_t gid = agent_service_group(w->agent, w->arena, w->txn, name);
	const struct state s = { w->txn, gid, w->arena };
	struct doc *row = gid ? state_service(&s, name) : NULL;
	struct conf *conf = row && !doc_get(row, "group")
				    ? groups_head_conf(w->agent, &s, name)
				    : NULL;

	if (!conf) /* deleted, or its group is not here yet */
		return;
	w->services[w->n++] = (struct forecast_service){
		.name = name,
		.conf = conf,
		.intent = doc_get(row, "intent"),
		.assigns = state_assigns(&s, name),
		.instances = state_instances(&s, name),
		.orders = state_orders(&s, name),
		.frozen = doc_get_bool(row, "frozen", false),
		.maintenance = doc_get_bool(row, "maintenance", false) ||
			       upkeep_of_all(w->txn, w->arena),
		.maintenance_of_all = upkeep_of_all(w->txn, w->arena),
		.next_token = (uint64_t)doc_get_int(row, "token", 0) + 1,
	};
}

/* A container knows nothing of the nodes: those of its service are taken to be
 * as they were when it was last assigned. */
static void nodes_of_service(struct after *w)
{
	const struct forecast_service *s = &w->services[0];

	w->nodes = doc_list(w->arena);
	for (size_t i = 0; w->n && i < doc_len(s->instances); i++) {
		const char *node = doc_at(s->instances, i)->key;
		struct doc *row = doc_map(w->arena);

		doc_put_str(w->arena, row, "name", node);
		doc_put_str(w->arena, row, "state", "up");
		doc_put_int(w->arena, row, "epoch",
			    doc_get_int(doc_get(s->assigns, node), "epoch", 0));
		doc_add(w->arena, w->nodes, row);
	}
}

static struct doc *look_ahead(struct after *w)
{
	struct forecast_in in = { 0 };

	w->services =
		ARENA_VEC(w->arena, struct forecast_service, w->names.n + 1);
	for (size_t i = 0; i < w->names.n; i++)
		service_add(w, w->names.at[i]);
	if (w->agent->level == LEVEL_ENCAP)
		nodes_of_service(w);
	else
		w->nodes = state_nodes(
			&(struct state){ w->txn, CLUSTER_GROUP, w->arena });
	in.services = w->services;
	in.n = w->n;
	in.nodes = orch_nodes(w->arena, w->nodes);
	in.n_nodes = doc_len(w->nodes);
	return forecast(w->arena, &in, NULL);
}

/* NULL, or the answer of the first command that is refused. */
static struct doc *apply_all(struct after *w, const struct planning *p)
{
	bool all = false;

	for (size_t i = 0; i < doc_len(p->commands); i++) {
		const struct doc *row = doc_at(p->commands, i);
		const struct doc *cmd = doc_get(row, "command");
		struct doc *result =
			op_apply(w->arena, w->txn,
				 (uint64_t)doc_get_int(row, "group", 0), cmd);

		if (doc_get_int(result, "code", OP_FAILED) != OP_OK)
			return request_result(w->arena, 0, result);
		if (doc_get(cmd, "name"))
			name_add(w, doc_get_str(cmd, "name", ""));
		else
			all = true;
	}
	if (all)
		all_names(w);
	else if (w->agent->level == LEVEL_HYPERVISOR)
		related_add(w);
	return NULL;
}

static void plan_answer(struct request *r, const struct planning *p)
{
	struct after w = { .agent = r->agent, .arena = r->arena };
	struct doc *refused, *data = NULL;
	struct err err = { 0 };

	w.names.at = ARENA_VEC(r->arena, const char *, SERVICES_MAX);
	w.txn = txn_begin_write(r->agent->db, &err);
	if (!w.txn) {
		REFUSE(r, OP_FAILED, "the state cannot be looked at: %s",
		       err.text);
		return;
	}
	refused = apply_all(&w, p);
	if (!refused)
		data = look_ahead(&w);
	txn_abort(w.txn);
	if (refused)
		request_end(r, refused);
	else
		request_data(r, data);
}

void request_plan(struct request *r)
{
	const struct doc *list = doc_get(r->doc, "requests");
	struct planning p = { .arena = r->arena,
			      .commands = doc_list(r->arena) };

	if (!doc_len(list) || doc_len(list) > SERVICES_MAX) {
		REFUSE(r, OP_USAGE, "a plan is of 1 to %d requests",
		       SERVICES_MAX);
		return;
	}
	for (size_t i = 0; i < doc_len(list) && !p.refused; i++)
		request_plan_part(r->agent, &p, doc_at(list, i), on_part);
	if (p.refused)
		request_end(r, p.refused);
	else
		plan_answer(r, &p);
}

/* -- why -------------------------------------------------------------------
 */

static int why_look(struct request *r, struct txn *t, uint64_t gid,
		    struct doc **ret, struct err *err)
{
	struct state s = { t, gid, r->arena };
	const char *name = request_arg(r, "name");
	struct conf *conf = groups_head_conf(r->agent, &s, name);
	struct after w = { .agent = r->agent, .arena = r->arena, .txn = t };
	struct service_conf sc;
	struct orch_in in;
	int rc;

	if (!conf)
		return err_set(err, -EAGAIN,
			       "the group of %s has not reached this node yet",
			       name);
	rc = service_eval(r->arena, conf, name, NULL, &sc, err);
	if (rc < 0)
		return rc;
	if (r->agent->level == LEVEL_ENCAP) {
		w.services = ARENA_VEC(r->arena, struct forecast_service, 1);
		service_add(&w, name);
		nodes_of_service(&w);
	} else {
		w.nodes = state_nodes(
			&(struct state){ t, CLUSTER_GROUP, r->arena });
	}
	orch_inputs(r->agent, &s, name, state_service(&s, name), w.nodes, conf,
		    &sc, &in);
	return why(r->arena, &in, request_arg(r, "about"), ret, err);
}

void request_why(struct request *r)
{
	uint64_t gid = request_service(r);
	struct txn *t = gid ? txn_begin_read(r->agent->db, NULL) : NULL;
	struct err err = { 0 };
	struct doc *d = NULL;
	int rc = -EIO;

	if (!gid)
		return;
	if (t)
		rc = why_look(r, t, gid, &d, &err);
	txn_abort(t);
	if (rc < 0)
		REFUSE(r, rc == -ENOENT ? OP_NOT_FOUND : OP_FAILED, "%s",
		       err.text);
	else
		request_data(r, d);
}
