/*
 * What an agent says of the state that it has: read from one transaction, and
 * made into the documents of docs/api.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"

static struct conf *query_conf(const struct state *s, const char *service,
			       const struct doc *row)
{
	struct doc *rev =
		state_revision(s, service, doc_get_str(row, "head", ""));
	const char *text = doc_get_str(rev, "config", "");
	struct problems p = { .arena = s->arena };

	return rev ? conf_parse(s->arena, text, strlen(text), &p) : NULL;
}

static struct doc *query_group(struct agent *g, struct arena *a, uint64_t gid)
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
	return d;
}

/* A document is as fresh as its node: it proposes each change, so while it is
 * up what it last said still holds. */
static void put_age(struct agent *g, struct arena *a, const struct doc *node,
		    struct doc *inst)
{
	int64_t now = g->io.wall_ms(g->io.ctx);
	int64_t since = doc_get_int(node, "since", now);
	const char *state = doc_get_str(node, "state", "");

	if (!node || strcmp(state, "up") == 0)
		return;
	doc_put_int(a, inst, "age_ms", now > since ? now - since : 0);
	doc_put_str(a, inst, "stale",
		    arena_printf(a, "%s is %s", doc_get_str(node, "name", "?"),
				 state));
}

static bool is_up(const struct doc *d, const char *key)
{
	const char *s = doc_get_str(d, key, "");

	return strcmp(s, "up") == 0 || strcmp(s, "stdby up") == 0;
}

/* Fold what the agent in each container of @inst says into it. */
static void fold_encaps(struct arena *a, const struct instance *conf,
			const struct doc *all, const char *node,
			struct doc *inst)
{
	const struct doc *channels = doc_get(inst, "channels");
	const struct doc *resources = doc_get(inst, "resources");

	for (size_t i = 0; i < conf->n; i++) {
		const struct resource *r = &conf->res[i];
		const struct doc *encap;
		const char *word = doc_get_str(channels, r->rid, "");
		bool up;

		if (strcmp(r->group, "container") != 0 || !r->encapnode ||
		    !r->encapnode[0])
			continue;
		up = is_up(doc_get(resources, r->rid), "status");
		encap = doc_get(all, r->encapnode);
		if (encap && strcmp(doc_get_str(encap, "host", ""), node) != 0)
			encap = NULL;
		if (!up)
			instance_fold_encap(a, inst, r->rid, NULL,
					    "the container is not running here",
					    false);
		else if (strncmp(word, "refused", 7) == 0)
			instance_fold_encap(
				a, inst, r->rid, NULL,
				arena_printf(a, "the agent in it is %s", word),
				true);
		else if (strcmp(word, "up") != 0)
			instance_fold_encap(a, inst, r->rid, NULL,
					    "the agent in it does not answer",
					    true);
		else if (!encap)
			instance_fold_encap(a, inst, r->rid, NULL,
					    "the agent in it has not said "
					    "anything yet",
					    true);
		else
			instance_fold_encap(a, inst, r->rid, doc_copy(a, encap),
					    NULL, false);
	}
}

static struct doc *empty_instance(struct arena *a, const char *node,
				  const char *level)
{
	struct doc *d = doc_map(a);

	doc_put_str(a, d, "node", node);
	doc_put_str(a, d, "level", level);
	doc_put_str(a, d, "avail", "n/a");
	doc_put_str(a, d, "overall", "n/a");
	doc_put(a, d, "resources", doc_map(a));
	doc_put_str(a, d, "stale", "nothing is known of it yet");
	return d;
}

static struct doc *query_instance(struct agent *g, const struct state *s,
				  const struct state *cluster,
				  const struct conf *c, const char *service,
				  const char *node, const struct doc *all)
{
	struct arena *a = s->arena;
	const struct doc *row = doc_get(all, node);
	struct doc *inst;
	struct instance conf;

	inst = row ? doc_copy(a, row)
		   : empty_instance(a, node,
				    g->level == LEVEL_ENCAP ? "encap"
							    : "hypervisor");
	if (g->level == LEVEL_ENCAP)
		return inst;
	if (row && instance_eval(a, c, service, node, LEVEL_HYPERVISOR, &conf,
				 NULL) == 0)
		fold_encaps(a, &conf, all, node, inst);
	put_age(g, a, state_node_named(cluster, node), inst);
	return inst;
}

static const char *blocked_why(const struct state *s,
			       const struct state *cluster, const char *name,
			       const struct doc *row,
			       const struct service_conf *sc)
{
	struct orch_in in;
	struct orch_out out = { 0 };

	orch_inputs(s->arena, s, name, row, state_nodes(cluster), sc, &in);
	orchestrate(s->arena, &in, &out);
	return out.blocked;
}

static void put_service(struct agent *g, struct arena *a, struct doc *d,
			const struct service_conf *sc, const struct doc *row,
			const struct doc *instances)
{
	struct service_status ss = { 0 };
	bool frozen = doc_get_bool(row, "frozen", false);

	service_status(sc, instances, &ss);
	doc_put_str(a, d, "level",
		    g->level == LEVEL_ENCAP ? "encap" : "hypervisor");
	doc_put_str(a, d, "node", g->node);
	doc_put_str(a, d, "revision", doc_get_str(row, "head", ""));
	doc_put_str(a, d, "avail", status_name(ss.avail));
	doc_put_str(a, d, "overall", status_name(ss.overall));
	doc_put_str(a, d, "placement", ss.placement ? ss.placement : "n/a");
	doc_put_str(a, d, "frozen", frozen ? "frozen" : "thawed");
	doc_put_str(a, d, "topology", sc->topology);
	doc_put_str(a, d, "orchestrate", sc->orchestrate);
	if (doc_get(row, "intent"))
		doc_put(a, d, "intent", doc_copy(a, doc_get(row, "intent")));
}

/* Those of every node's document, and ours, which may have none. */
static void drafts_add(struct agent *g, struct arena *a, struct doc *list,
		       const char *node, const struct doc *drafts)
{
	for (size_t i = 0; i < doc_len(drafts); i++) {
		struct doc *d =
			doc_add(a, list, doc_copy(a, doc_at(drafts, i)));

		doc_put_str(a, d, "node", node);
		if (strcmp(node, g->node) != 0)
			doc_put_str(a, d, "path",
				    arena_printf(a, "%s:%s", node,
						 doc_get_str(d, "path", "")));
	}
}

static struct doc *query_drafts(struct agent *g, struct arena *a,
				const char *service, const struct doc *all)
{
	struct doc *list = doc_list(a);

	for (size_t i = 0; i < doc_len(all); i++)
		if (strcmp(doc_at(all, i)->key, g->node) != 0)
			drafts_add(g, a, list, doc_at(all, i)->key,
				   doc_get(doc_at(all, i), "drafts"));
	drafts_add(g, a, list, g->node, head_drafts(g, service));
	return list;
}

/* At the hypervisor level an instance per hypervisor, the encap parts folded
 * in; in a container those of the encap level. */
struct doc *query_status(struct agent *g, struct arena *a, struct txn *t,
			 const char *service, bool brief)
{
	uint64_t gid = agent_service_group(g, a, t, service);
	struct state s = { t, gid, a };
	struct state cluster = { t, CLUSTER_GROUP, a };
	struct doc *d = doc_map(a), *instances = doc_map(a), *all, *row;
	const struct names *lists[2];
	struct service_conf sc;
	struct conf *c;

	doc_put_str(a, d, "service", service);
	row = gid ? state_service(&s, service) : NULL;
	c = row ? query_conf(&s, service, row) : NULL;
	if (!c || service_eval(a, c, service, NULL, &sc, NULL) < 0) {
		doc_put_str(a, d, "avail", "n/a");
		doc_put_str(a, d, "overall", "n/a");
		doc_put_str(a, d, "blocked",
			    "its group has not reached this node yet");
		doc_put(a, d, "instances", instances);
		doc_put(a, d, "group", query_group(g, a, gid));
		return d;
	}
	all = state_instances(&s, service);
	lists[0] = g->level == LEVEL_ENCAP ? &sc.encapnodes : &sc.nodes;
	lists[1] = g->level == LEVEL_ENCAP ? NULL : &sc.drpnodes;
	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; lists[l] && i < lists[l]->n; i++)
			doc_put(a, instances, lists[l]->at[i],
				query_instance(g, &s, &cluster, c, service,
					       lists[l]->at[i], all));
	put_service(g, a, d, &sc, row, instances);
	doc_put(a, d, "drafts", query_drafts(g, a, service, all));
	doc_put(a, d, "group", query_group(g, a, gid));
	doc_put(a, d, "instances", instances);
	if (g->level == LEVEL_HYPERVISOR && !brief) {
		const char *why = blocked_why(&s, &cluster, service, row, &sc);

		doc_put(a, d, "assigns", state_assigns(&s, service));
		if (why)
			doc_put_str(a, d, "blocked", why);
	}
	if (brief)
		for (size_t i = 0; i < doc_len(instances); i++)
			doc_put(a, doc_at(instances, i), "resources",
				doc_map(a));
	return d;
}

struct doc *query_services(struct agent *g, struct arena *a, struct txn *t)
{
	struct state s = { t, g->group, a };
	struct doc *rows = state_services(&s), *d = doc_map(a);
	struct doc *list = doc_put(a, d, "services", doc_list(a));

	for (size_t i = 0; i < doc_len(rows); i++)
		doc_add(a, list,
			query_status(g, a, t,
				     doc_get_str(doc_at(rows, i), "name", ""),
				     true));
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

struct doc *query_nodes(struct agent *g, struct arena *a, struct txn *t)
{
	struct doc *d = doc_map(a);
	struct doc *nodes = state_nodes(&(struct state){ t, CLUSTER_GROUP, a });
	struct engine_server *servers;
	size_t n = engine_members(g->engine, CLUSTER_GROUP, a, &servers);
	struct engine_info info = { 0 };

	engine_info(g->engine, CLUSTER_GROUP, &info);
	doc_put(a, d, "nodes", nodes);
	for (size_t i = 0; i < doc_len(nodes); i++) {
		struct doc *row = doc_at(nodes, i);
		uint64_t id = (uint64_t)doc_get_int(row, "id", 0);

		doc_put_str(a, row, "role", "joining");
		for (size_t k = 0; k < n; k++)
			if (servers[k].id == id)
				doc_put_str(a, row, "role",
					    role_name(servers[k].role));
		doc_put_bool(a, row, "leader", id == info.leader);
		doc_put_bool(a, row, "connected",
			     id == g->self || agent_peer_is_up(g, id));
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
	return d;
}
