/*
 * What an agent says of the state that it has: read from one transaction, and
 * made into the documents of docs/api.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"
#include "fsm/conf/fence.h"

/* Of how many votes this node knows that they could be given. */
static void put_votes(struct agent *g, struct arena *a, struct doc *d,
		      const struct engine_info *info,
		      const struct engine_server *servers, size_t n)
{
	size_t reached = 0;

	for (size_t i = 0; i < n; i++)
		reached += servers[i].role == ENGINE_VOTER &&
			   (servers[i].id == info->self ||
			    agent_peer_is_up(g, servers[i].id));
	doc_put_int(a, d, "reached", (int64_t)reached);
	if (info->leader)
		return;
	if (reached * 2 > info->n_voters)
		doc_put_str(a, d, "why",
			    "no leader at this moment: one is being elected");
	else
		doc_put_str(a, d, "why",
			    arena_printf(a,
					 "no majority: %s reaches %zu of %zu "
					 "votes, and %zu decide",
					 g->node, reached, info->n_voters,
					 info->n_voters / 2 + 1));
}

struct doc *query_group(struct agent *g, struct arena *a, uint64_t gid)
{
	struct doc *d = doc_map(a);
	struct engine_info info;
	struct engine_server *servers;
	size_t n;

	doc_put_int(a, d, "id", (int64_t)gid);
	if (!engine_info(g->engine, gid, &info))
		return d;
	n = engine_members(g->engine, gid, a, &servers);
	for (size_t i = 0; i < n; i++)
		if (servers[i].id == info.leader)
			doc_put_str(a, d, "leader", servers[i].address);
	if (!doc_get(d, "leader"))
		doc_put(a, d, "leader", doc_nil(a));
	doc_put_int(a, d, "term", (int64_t)info.term);
	doc_put_int(a, d, "applied", (int64_t)info.applied);
	doc_put_int(a, d, "voters", (int64_t)info.n_voters);
	if (g->level == LEVEL_HYPERVISOR)
		put_votes(g, a, d, &info, servers, n);
	return d;
}

static const char *role_name(enum engine_role role)
{
	static const char *const names[] = {
		[ENGINE_STANDBY] = "standby",
		[ENGINE_VOTER] = "voter",
		[ENGINE_SPARE] = "spare",
	};

	return names[role];
}

static const char *role_of(const struct engine_server *s)
{
	return s->role == ENGINE_VOTER && engine_is_witness(s->address)
		       ? "witness"
		       : role_name(s->role);
}

/* The sections of the devices that can end it. */
static struct doc *devices_of(struct arena *a, const char *config,
			      const char *node)
{
	struct doc *list = doc_list(a);
	struct fence_devices d;

	if (fence_devices(a, config, node, &d, NULL) < 0)
		return list;
	for (size_t i = 0; i < d.n; i++)
		doc_add(a, list, doc_str(a, d.at[i].section));
	return list;
}

struct doc *query_nodes(struct agent *g, struct arena *a, struct txn *t)
{
	struct doc *d = doc_map(a);
	struct doc *nodes = member_rows(
		a, state_nodes(&(struct state){ t, CLUSTER_GROUP, a }));
	struct engine_server *servers;
	size_t n = engine_members(g->engine, CLUSTER_GROUP, a, &servers);
	struct engine_info info = { 0 };
	const char *config = doc_get_str(
		state_cluster(&(struct state){ t, CLUSTER_GROUP, a }), "config",
		NULL);

	engine_info(g->engine, CLUSTER_GROUP, &info);
	doc_put(a, d, "nodes", nodes);
	if (upkeep_of_all(t, a))
		doc_put_bool(a, d, "maintenance", true);
	doc_put_str(a, d, "node", g->node);
	doc_put_str(a, d, "protection",
		    g->io.protection ? g->io.protection(g->io.ctx)
				     : "its agent alone");
	for (size_t i = 0; i < doc_len(nodes); i++) {
		struct doc *row = doc_at(nodes, i);
		uint64_t id = (uint64_t)doc_get_int(row, "id", 0);

		doc_put_str(a, row, "role", "joining");
		for (size_t k = 0; k < n; k++)
			if (servers[k].id == id)
				doc_put_str(a, row, "role",
					    role_of(&servers[k]));
		doc_put(a, row, "devices",
			devices_of(a, config, doc_get_str(row, "name", "")));
		doc_put_bool(a, row, "leader", id == info.leader);
		doc_put_bool(a, row, "connected",
			     id == g->self || agent_peer_is_up(g, id));
		upkeep_put_drain(g, t, a, nodes, row);
	}
	return d;
}

struct doc *query_cluster(struct agent *g, struct arena *a, struct txn *t)
{
	struct state s = { t, CLUSTER_GROUP, a };
	struct doc *row = state_cluster(&s);
	struct doc *d = query_nodes(g, a, t);

	doc_put_str(a, d, "name", doc_get_str(row, "name", ""));
	doc_put_str(a, d, "id", doc_get_str(g->identity, "cluster_id", ""));
	doc_put_str(a, d, "node", g->node);
	doc_put(a, d, "group", query_group(g, a, CLUSTER_GROUP));
	doc_put_int(a, d, "services", (int64_t)doc_len(state_services(&s)));
	if (doc_get(row, "disarm"))
		doc_put(a, d, "disarm", doc_copy(a, doc_get(row, "disarm")));
	if (disarm_left_ms(g))
		doc_put_int(a, d, "disarm_left_ms", (int64_t)disarm_left_ms(g));
	doc_put_int(a, d, "state_version", op_version_active(&s));
	doc_put_int(a, d, "lease_ms", doc_get_int(row, "lease_ms", 0));
	doc_put_int(a, d, "lease_left_ms",
		    (int64_t)g->lease.until_ms - (int64_t)g->now_ms);
	return d;
}

/* -- events
 * -------------------------------------------------------------------- */

static int by_time(const void *x, const void *y)
{
	const struct doc *a = *(struct doc *const *)x;
	const struct doc *b = *(struct doc *const *)y;
	int64_t d = doc_get_int(a, "at", 0) - doc_get_int(b, "at", 0);

	if (d == 0)
		d = doc_get_int(a, "seq", 0) - doc_get_int(b, "seq", 0);
	return d < 0 ? -1 : d > 0;
}

static void events_of_group(struct arena *a, struct txn *t, uint64_t gid,
			    const struct doc *cursor, const char *service,
			    size_t limit, struct doc *list, struct doc *next)
{
	struct state s = { t, gid, a };
	const char *key = arena_printf(a, "%llu", (unsigned long long)gid);
	uint64_t last = state_counter(&s, "event");
	uint64_t after = (uint64_t)doc_get_int(
		cursor, key,
		cursor ? 0 : (int64_t)(last > limit ? last - limit : 0));
	struct doc *rows = state_events(&s, after, limit);
	uint64_t seen = after;

	for (size_t i = 0; i < doc_len(rows); i++) {
		struct doc *e = doc_at(rows, i);
		const char *of = doc_get_str(e, "service", NULL);

		seen = (uint64_t)doc_get_int(e, "seq", 0);
		if (!service || (of && strcmp(of, service) == 0))
			doc_add(a, list, e);
	}
	doc_put_int(a, next, key, (int64_t)(seen > last ? last : seen));
}

struct doc *query_events(struct agent *g, struct arena *a, struct txn *t,
			 const struct doc *cursor, const char *service,
			 size_t limit)
{
	struct doc *d = doc_map(a);
	struct doc *list = doc_put(a, d, "events", doc_list(a));
	struct doc *next = doc_put(a, d, "cursor", doc_map(a));
	uint64_t *gids = ARENA_VEC(a, uint64_t, MAX_GROUPS);
	size_t n = engine_groups(g->engine, gids, MAX_GROUPS);
	uint64_t own = service ? agent_service_group(g, a, t, service) : 0;

	for (size_t i = 0; i < n; i++)
		if (!service || gids[i] == own || gids[i] == CLUSTER_GROUP)
			events_of_group(a, t, gids[i], cursor, service, limit,
					list, next);
	if (list->list.n > 1)
		qsort(list->list.at, list->list.n, sizeof(*list->list.at),
		      by_time);
	/* Each group gave so many: of all of them the last ones are meant. */
	if (!cursor && list->list.n > limit) {
		memmove(list->list.at, list->list.at + list->list.n - limit,
			limit * sizeof(*list->list.at));
		list->list.n = limit;
	}
	return d;
}
