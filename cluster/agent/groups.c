/*
 * Which groups this node has, and who their members are: compared anew at each
 * look and carried on by one step.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"
#include "store/plant.h"

#define HASTEN_STEP_MS 15 /* between the elections of two groups */
#define HASTEN_STEPS   32
#define FIRST_STEP_MS  300 /* between the voters of a new group */

static const struct engine_timing service_timing = {
	.heartbeat_ms = SERVICE_HEARTBEAT_MS,
	.election_ms = SERVICE_ELECTION_MS,
};

/* -- members ------------------------------------------------------- */

struct doc *groups_voters(struct agent *g, struct arena *a)
{
	struct doc *list = doc_list(a);
	struct engine_server *s;
	size_t n = engine_members(g->engine, CLUSTER_GROUP, a, &s);

	for (size_t i = 0; i < n; i++) {
		struct doc *row;

		if (s[i].role != ENGINE_VOTER ||
		    engine_is_witness(s[i].address))
			continue;
		row = doc_add(a, list, doc_map(a));
		doc_put_int(a, row, "id", (int64_t)s[i].id);
		doc_put_str(a, row, "name", s[i].address);
	}
	return list;
}

struct wanted {
	struct engine_server *at;
	size_t n;
};

static void want_server(struct wanted *w, uint64_t id, enum engine_role role,
			const char *address)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->at[i].id == id)
			return;
	w->at[w->n++] = (struct engine_server){ id, role, address };
}

static void want_nodes(struct wanted *w, const struct doc *nodes,
		       const struct names *names)
{
	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *row = doc_at(nodes, i);
		const char *name = doc_get_str(row, "name", "");

		if (names_have(names, name) && !member_has_left(row) &&
		    !witness_row(row))
			want_server(w, (uint64_t)doc_get_int(row, "id", 0),
				    ENGINE_STANDBY, name);
	}
}

static void want_containers(struct wanted *w, struct arena *a,
			    const struct doc *members,
			    const struct names *encapnodes)
{
	for (size_t i = 0; i < doc_len(members); i++) {
		const struct doc *m = doc_at(members, i);
		const char *name = doc_get_str(m, "name", "");

		if (names_have(encapnodes, name))
			want_server(w, (uint64_t)doc_get_int(m, "id", 0),
				    PLANTED(CONTAINER_VOTES) ? ENGINE_VOTER
							     : ENGINE_STANDBY,
				    arena_printf(a, "%s in a container", name));
	}
}

struct conf *groups_head_conf(struct agent *g, const struct state *s,
			      const char *service)
{
	struct doc *row = state_service(s, service);
	struct doc *rev =
		state_revision(s, service, doc_get_str(row, "head", ""));

	return rev ? agent_conf(g, s->arena, doc_get_str(rev, "config", ""))
		   : NULL;
}

struct conf *groups_head_service(struct agent *g, const struct state *s,
				 const char *service, struct service_conf *ret)
{
	struct conf *c = groups_head_conf(g, s, service);

	if (!c || service_eval(s->arena, c, service, NULL, ret, NULL) < 0)
		return NULL;
	return c;
}

static void service_members(struct agent *g, struct arena *a, struct txn *t,
			    const struct doc *nodes, const struct doc *index)
{
	uint64_t gid = (uint64_t)doc_get_int(index, "group", 0);
	const char *name = doc_get_str(index, "name", "");
	struct state s = { t, gid, a };
	struct doc *members = state_members(&s);
	struct engine_server *voters;
	struct service_conf sc;
	struct wanted w = { 0 };
	size_t n;
	struct err err;

	if (!groups_head_service(g, &s, name, &sc))
		return;
	n = engine_members(g->engine, CLUSTER_GROUP, a, &voters);
	w.at = ARENA_VEC(a, struct engine_server,
			 doc_len(nodes) + doc_len(members) + n + 1);
	for (size_t i = 0; i < n; i++)
		if (voters[i].role == ENGINE_VOTER)
			want_server(&w, voters[i].id, ENGINE_VOTER,
				    voters[i].address);
	if (!w.n)
		return;
	want_nodes(&w, nodes, &sc.nodes);
	want_nodes(&w, nodes, &sc.drpnodes);
	want_containers(&w, a, members, &sc.encapnodes);
	if (engine_set_members(g->engine, gid, w.at, w.n, &err) < 0)
		agent_log(g, 7, "%s: members: %s", name, err.text);
}

/* -- groups
 * --------------------------------------------------------------------- */

static bool index_lists_me(struct agent *g, const struct doc *index)
{
	const struct doc *voters = doc_get(index, "voters");

	for (size_t i = 0; i < doc_len(voters); i++)
		if ((uint64_t)doc_get_int(doc_at(voters, i), "id", 0) ==
		    g->self)
			return true;
	return false;
}

/* The same on each of its first voters, so all of it comes from the index. */
static int group_begin(struct agent *g, struct arena *a,
		       const struct doc *index, struct err *err)
{
	const struct doc *voters = doc_get(index, "voters");
	size_t n = doc_len(voters);
	struct engine_server *servers = ARENA_VEC(a, struct engine_server, n);
	struct doc *cmd =
		op_new(a, "svc_create", doc_get_int(index, "created", 0),
		       doc_get(index, "by"));

	for (size_t i = 0; i < n; i++)
		servers[i] = (struct engine_server){
			.id = (uint64_t)doc_get_int(doc_at(voters, i), "id", 0),
			.role = ENGINE_VOTER,
			.address = doc_get_str(doc_at(voters, i), "name", "?"),
		};
	doc_put_str(a, cmd, "name", doc_get_str(index, "name", ""));
	doc_put_str(a, cmd, "config", doc_get_str(index, "config", ""));
	if (doc_get(index, "state_version"))
		doc_put_int(a, cmd, "state_version",
			    doc_get_int(index, "state_version", 1));
	return engine_bootstrap(g->engine,
				(uint64_t)doc_get_int(index, "group", 0),
				g->self, &service_timing, servers, n,
				(const struct doc *const *)&cmd, 1, err);
}

int groups_join(struct agent *g, uint64_t gid, struct err *err)
{
	return engine_join(g->engine, gid, g->self, &service_timing, err);
}

static void group_open(struct agent *g, struct arena *a,
		       const struct doc *index)
{
	uint64_t gid = (uint64_t)doc_get_int(index, "group", 0);
	struct err err;
	int rc;

	if (engine_has(g->engine, gid))
		return;
	/* Every hypervisor has every group: who is no member of it yet is an
	 * empty standby which the leader fills, or leaves alone. */
	rc = index_lists_me(g, index) ? group_begin(g, a, index, &err)
				      : groups_join(g, gid, &err);
	if (rc < 0)
		agent_log(g, 3, "%s: its group: %s",
			  doc_get_str(index, "name", "?"), err.text);
}

static void groups_drop_gone(struct agent *g, const struct state *s)
{
	uint64_t *gids = ARENA_VEC(s->arena, uint64_t, MAX_GROUPS);
	size_t n = engine_groups(g->engine, gids, MAX_GROUPS);
	struct err err;

	for (size_t i = 0; i < n; i++)
		if (gids[i] != CLUSTER_GROUP && op_group_gone(s, gids[i]) &&
		    engine_drop(g->engine, gids[i], &err) < 0)
			agent_log(g, 3, "group %llu: %s",
				  (unsigned long long)gids[i], err.text);
}

static bool node_is_lost(const struct doc *nodes, uint64_t id)
{
	for (size_t i = 0; i < doc_len(nodes); i++)
		if ((uint64_t)doc_get_int(doc_at(nodes, i), "id", 0) == id)
			return strcmp(doc_get_str(doc_at(nodes, i), "state",
						  ""),
				      "up") != 0;
	return false;
}

/* Nobody ever led it: there is no silence to wait for. The voters take turns
 * at being the first one to stand, so that the leaders are spread. */
static bool group_is_new(const struct engine_info *info)
{
	return !info->leader && info->term <= 1 && info->role == ENGINE_VOTER;
}

static void group_look(struct agent *g, struct arena *a, struct txn *t,
		       const struct doc *nodes, const struct doc *index)
{
	uint64_t gid = (uint64_t)doc_get_int(index, "group", 0);
	struct engine_info info;

	group_open(g, a, index);
	if (!engine_info(g->engine, gid, &info))
		return;
	if (info.is_leader && info.is_ready)
		service_members(g, a, t, nodes, index);
	else if (info.leader && node_is_lost(nodes, info.leader))
		engine_hasten(g->engine, gid,
			      (unsigned)((gid + g->self) % HASTEN_STEPS) *
				      HASTEN_STEP_MS);
	else if (group_is_new(&info))
		engine_hasten(g->engine, gid,
			      (unsigned)((gid + g->self) % info.n_voters) *
				      FIRST_STEP_MS);
}

void groups_sync(struct agent *g)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct engine_info info;
	struct doc *nodes, *services;
	struct state s;
	struct txn *t;

	if (g->level != LEVEL_HYPERVISOR)
		return;
	t = txn_begin_read(g->db, NULL);
	if (!t)
		return;
	s = (struct state){ t, CLUSTER_GROUP, a };
	nodes = state_nodes(&s);
	services = state_services(&s);
	if (doc_len(nodes))
		g->io.peers(g->io.ctx, nodes);
	groups_drop_gone(g, &s);
	if (engine_info(g->engine, CLUSTER_GROUP, &info) && info.is_leader &&
	    info.is_ready)
		member_list(g, &s, nodes, &info);
	for (size_t i = 0; i < doc_len(services); i++)
		if (doc_get(doc_at(services, i), "group"))
			group_look(g, a, t, nodes, doc_at(services, i));
	txn_abort(t);
}
