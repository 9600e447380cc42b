/*
 * For the groups that this node leads: what the orchestrator decides, proposed
 * with the version of the state that it saw.
 *
 * What it looks at is the service's rows, which have a version, and the table
 * of nodes. A memo per service says for which of them it was asked last: it is
 * not asked again before one of the two has changed, and never while what it
 * said is being committed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"

struct orch_memo {
	UT_hash_handle hh; /* agent::memos, by key */
	uint64_t version, nodes;
	bool deciding; /* what it said is being committed */
	bool seen;     /* in this look at all of them */
	char key[NAME_MAX_LEN + 32];
};

struct deciding {
	struct agent *agent;
	struct orch_memo *memo;
};

static struct orch_memo *memo_of(struct agent *g, uint64_t gid,
				 const char *service)
{
	char key[NAME_MAX_LEN + 32];
	struct orch_memo *m;

	snprintf(key, sizeof(key), "%llu/%.*s", (unsigned long long)gid,
		 NAME_MAX_LEN, service);
	HASH_FIND_STR(g->memos, key, m);
	if (m)
		return m;
	m = calloc(1, sizeof(*m));
	if (!m)
		abort();
	memcpy(m->key, key, sizeof(key));
	HASH_ADD_STR(g->memos, key, m);
	return m;
}

static void on_decided(void *arg, int code, struct arena *a,
		       const struct doc *result)
{
	struct deciding *d = arg;

	(void)a;
	(void)code;
	(void)result;
	/* Decide again whatever became of it: it is a fixpoint when done. */
	d->memo->deciding = false;
	d->memo->version = 0;
	d->agent->pending--;
	agent_touch(d->agent, strtoull(d->memo->key, NULL, 10),
		    strchr(d->memo->key, '/') + 1);
	free(d);
}

static void decide_propose(struct agent *g, const struct state *s,
			   struct orch_memo *memo, const struct doc *row,
			   const struct orch_out *out)
{
	struct deciding *d = calloc(1, sizeof(*d));
	struct arena *a = s->arena;
	struct doc *cmd = agent_command(g, a, "assign", NULL);
	struct doc *changes = doc_list(a);

	if (!d)
		abort();
	d->agent = g;
	d->memo = memo;
	for (size_t i = 0; i < out->n; i++)
		doc_add(a, changes, orch_change_doc(a, &out->at[i]));
	doc_put_str(a, cmd, "name", doc_get_str(row, "name", ""));
	doc_put_int(a, cmd, "version", doc_get_int(row, "version", 0));
	doc_put(a, cmd, "changes", changes);
	memo->deciding = true;
	g->pending++;
	engine_propose(g->engine, s->group, a, cmd, PROPOSE_TIMEOUT_MS,
		       on_decided, d);
}

struct orch_node *orch_nodes(struct arena *a, const struct doc *nodes)
{
	size_t n = doc_len(nodes);
	struct orch_node *list = ARENA_VEC(a, struct orch_node, n + 1);

	for (size_t i = 0; i < n; i++) {
		const struct doc *row = doc_at(nodes, i);

		list[i] = (struct orch_node){
			.name = doc_get_str(row, "name", ""),
			.alive = strcmp(doc_get_str(row, "state", ""), "up") ==
				 0,
			.epoch = (uint64_t)doc_get_int(row, "epoch", 0),
			.frozen = doc_get_bool(row, "frozen", false),
		};
	}
	return list;
}

void orch_inputs(struct arena *a, const struct state *s, const char *name,
		 const struct doc *row, const struct doc *nodes,
		 const struct service_conf *sc, struct orch_in *ret)
{
	*ret = (struct orch_in){
		.service = name,
		.conf = sc,
		.intent = doc_get(row, "intent"),
		.frozen = doc_get_bool(row, "frozen", false),
		.assigns = state_assigns(s, name),
		.instances = state_instances(s, name),
		.nodes = orch_nodes(a, nodes),
		.n_nodes = doc_len(nodes),
		.next_token = (uint64_t)doc_get_int(row, "token", 0) + 1,
	};
}

static void decide(struct agent *g, const struct state *s,
		   struct orch_memo *memo, const struct doc *nodes,
		   const struct doc *row)
{
	const char *name = doc_get_str(row, "name", "");
	struct conf *conf = groups_head_conf(s->arena, s, name);
	struct service_conf sc;
	struct orch_in in;
	struct orch_out out = { 0 };

	if (!conf || service_eval(s->arena, conf, name, NULL, &sc, NULL) < 0)
		return;
	orch_inputs(s->arena, s, name, row, nodes, &sc, &in);
	orchestrate(s->arena, &in, &out);
	if (out.n)
		decide_propose(g, s, memo, row, &out);
}

/* -- which of them ----------------------------------------------------- */

/* A number that is another one when what the orchestrator sees of the nodes
 * has changed (FNV-1a 64). */
static uint64_t nodes_sign(const struct doc *nodes)
{
	SCOPED(arena) struct arena *a = arena_new();
	uint64_t h = 14695981039346656037ULL;
	struct buf b = BUF(a);

	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *r = doc_at(nodes, i);

		buf_printf(&b, "%s %lld %s %d;", doc_get_str(r, "name", ""),
			   (long long)doc_get_int(r, "epoch", 0),
			   doc_get_str(r, "state", ""),
			   doc_get_bool(r, "frozen", false));
	}
	for (size_t i = 0; i < b.len; i++)
		h = (h ^ (unsigned char)b.data[i]) * 1099511628211ULL;
	return h;
}

static bool decides(const struct agent *g, uint64_t gid)
{
	struct engine_info info;

	return g->level == LEVEL_HYPERVISOR &&
	       engine_info(g->engine, gid, &info) && info.is_leader &&
	       info.is_ready;
}

static void orch_row(struct agent *g, const struct state *s,
		     const struct doc *nodes, uint64_t sign,
		     const struct doc *row)
{
	uint64_t version = (uint64_t)doc_get_int(row, "version", 0);
	struct orch_memo *m;

	if (!row || doc_get(row, "group")) /* the index's, not the service */
		return;
	m = memo_of(g, s->group, doc_get_str(row, "name", ""));
	m->seen = true;
	if (m->deciding || (m->version == version && m->nodes == sign))
		return;
	m->version = version;
	m->nodes = sign;
	decide(g, s, m, nodes, row);
}

void orch_service(struct agent *g, uint64_t gid, const char *service)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = decides(g, gid) ? txn_begin_read(g->db, NULL) : NULL;
	struct state s = { t, gid, a };
	struct doc *nodes;

	if (!t)
		return;
	nodes = state_nodes(&(struct state){ t, CLUSTER_GROUP, a });
	orch_row(g, &s, nodes, nodes_sign(nodes), state_service(&s, service));
	txn_abort(t);
}

static void memos_sweep(struct agent *g, bool all)
{
	struct orch_memo *m, *next;

	HASH_ITER(hh, g->memos, m, next)
	{
		if (!all && (m->seen || m->deciding)) {
			m->seen = false;
			continue;
		}
		HASH_DEL(g->memos, m);
		free(m);
	}
}

void orch_all(struct agent *g)
{
	SCOPED(arena) struct arena *a = arena_new();
	uint64_t *gids = ARENA_VEC(a, uint64_t, MAX_GROUPS);
	size_t n = engine_groups(g->engine, gids, MAX_GROUPS);
	struct txn *t = txn_begin_read(g->db, NULL);
	struct doc *nodes;
	uint64_t sign;

	if (!t)
		return;
	nodes = state_nodes(&(struct state){ t, CLUSTER_GROUP, a });
	sign = nodes_sign(nodes);
	for (size_t i = 0; i < n; i++) {
		const struct state s = { t, gids[i], a };
		struct doc *services;

		if (!decides(g, gids[i]))
			continue;
		services = state_services(&s);
		for (size_t k = 0; k < doc_len(services); k++)
			orch_row(g, &s, nodes, sign, doc_at(services, k));
	}
	txn_abort(t);
	memos_sweep(g, false);
}

void orch_free(struct agent *g)
{
	memos_sweep(g, true);
}
