/*
 * After a majority was lost for good: what does each survivor hold?
 *
 *     this member ──look──▶ the others ──looked──▶ what they hold, here
 *
 * Whoever asks again a moment later finds the answers that came meanwhile. Only
 * asks and tells; what is done about it is cluster/loop/recover.c's.
 */
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/request.h"

#define LOOKED_MS 5000 /* an older answer is none */

/* One per peer that ever answered. */
struct looked {
	struct looked *next;
	uint64_t peer, at_ms;
	struct arena *arena;
	const struct doc *groups;
};

/* [{group, service, term, last, beyond}]: how far each log of ours goes, and
 * how many commands of it are beyond what is applied. */
static struct doc *own_groups(struct agent *g, struct arena *a)
{
	struct doc *list = doc_list(a);
	uint64_t *gids = ARENA_VEC(a, uint64_t, MAX_GROUPS);
	size_t n = engine_groups(g->engine, gids, MAX_GROUPS);

	for (size_t i = 0; i < n; i++) {
		struct engine_info info;
		struct doc *row;

		if (!engine_info(g->engine, gids[i], &info) || !info.last_term)
			continue;
		row = doc_add(a, list, doc_map(a));
		doc_put_int(a, row, "group", (int64_t)gids[i]);
		doc_put_int(a, row, "term", (int64_t)info.last_term);
		doc_put_int(a, row, "last", (int64_t)info.last);
		doc_put_int(
			a, row, "beyond",
			(int64_t)doc_len(engine_tail(g->engine, gids[i], a)));
	}
	return list;
}

bool agent_has_leader(const struct agent *g)
{
	struct engine_info info;

	return engine_info(g->engine, CLUSTER_GROUP, &info) && info.leader != 0;
}

struct doc *agent_tail(const struct agent *g, uint64_t gid, struct arena *a)
{
	return engine_tail(g->engine, gid, a);
}

void recover_recv_look(struct agent *g, uint64_t peer, struct arena *a)
{
	struct doc *f = agent_frame(a, "looked");

	doc_put(a, f, "groups", own_groups(g, a));
	g->io.send(g->io.ctx, peer, a, f);
}

static struct looked *looked_of(struct agent *g, uint64_t peer)
{
	struct looked *l = g->looked;

	while (l && l->peer != peer)
		l = l->next;
	return l;
}

void recover_recv_looked(struct agent *g, uint64_t peer,
			 const struct doc *frame)
{
	struct looked *l = looked_of(g, peer);

	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			abort();
		l->peer = peer;
		l->next = g->looked;
		g->looked = l;
	}
	arena_free(l->arena);
	l->arena = arena_new();
	l->at_ms = g->now_ms;
	l->groups = doc_copy(l->arena, doc_get(frame, "groups")
					       ? doc_get(frame, "groups")
					       : doc_list(l->arena));
}

void recover_free(struct agent *g)
{
	while (g->looked) {
		struct looked *l = g->looked;

		g->looked = l->next;
		arena_free(l->arena);
		free(l);
	}
}

static void put_node(struct agent *g, struct arena *a, struct doc *list,
		     const struct doc *node)
{
	uint64_t id = (uint64_t)doc_get_int(node, "id", 0);
	struct doc *row = doc_add(a, list, doc_map(a));
	const struct looked *l = looked_of(g, id);

	doc_put_str(a, row, "name", doc_get_str(node, "name", "?"));
	doc_put_bool(a, row, "here", id == g->self);
	if (doc_get(node, "addresses"))
		doc_put(a, row, "addresses",
			doc_copy(a, doc_get(node, "addresses")));
	doc_put_bool(a, row, "connected",
		     id == g->self || agent_peer_is_up(g, id));
	if (id == g->self)
		doc_put(a, row, "groups", own_groups(g, a));
	else if (l && g->now_ms < l->at_ms + LOOKED_MS)
		doc_put(a, row, "groups", doc_copy(a, l->groups));
}

static void ask_all(struct agent *g, struct arena *a)
{
	for (size_t i = 0; i < g->n_peers; i++)
		if (g->peers[i].up)
			g->io.send(g->io.ctx, g->peers[i].id, a,
				   agent_frame(a, "look"));
}

static struct doc *service_names(struct arena *a, const struct state *s)
{
	struct doc *map = doc_map(a), *rows = state_services(s);

	for (size_t i = 0; i < doc_len(rows); i++) {
		int64_t gid = doc_get_int(doc_at(rows, i), "group", 0);

		if (gid)
			doc_put_str(a, map,
				    arena_printf(a, "%lld", (long long)gid),
				    doc_get_str(doc_at(rows, i), "name", "?"));
	}
	return map;
}

void request_recover_look(struct request *r)
{
	struct agent *g = r->agent;
	struct arena *a = r->arena;
	struct doc *data = doc_map(a), *list, *nodes;
	struct engine_info info = { 0 };
	struct state s;
	struct txn *t;

	if (request_in_container(r))
		return;
	t = txn_begin_read(g->db, NULL);
	if (!t) {
		REFUSE(r, OP_FAILED, "the database cannot be read");
		return;
	}
	s = (struct state){ t, CLUSTER_GROUP, a };
	engine_info(g->engine, CLUSTER_GROUP, &info);
	doc_put_str(a, data, "cluster",
		    doc_get_str(state_cluster(&s), "name", ""));
	doc_put_bool(a, data, "leader", info.leader != 0);
	doc_put_int(a, data, "voters", (int64_t)info.n_voters);
	list = doc_put(a, data, "nodes", doc_list(a));
	nodes = member_rows(a, state_nodes(&s));
	for (size_t i = 0; i < doc_len(nodes); i++)
		put_node(g, a, list, doc_at(nodes, i));
	doc_put(a, data, "services", service_names(a, &s));
	txn_abort(t);
	ask_all(g, a);
	request_data(r, data);
}
