/*
 * What the cluster notes of itself, in the events of its groups, read from
 * whichever hypervisor has come furthest; and who leads. An event is told as
 * of the time that is in it.
 */
#include <stdio.h>
#include <string.h>

#include "cluster/agent/internal.h"
#include "cluster/sim/play_internal.h"

#define WALL_BEGINS_MS 1700000000000
#define AT_ONCE	       200

static struct play_group *group_of(struct play *p, uint64_t gid)
{
	for (size_t i = 0; i < p->n_groups; i++)
		if (p->groups[i].gid == gid)
			return &p->groups[i];
	if (p->n_groups == p->cap_groups) {
		struct play_group *more;

		p->cap_groups = p->cap_groups ? 2 * p->cap_groups : 64;
		more = ARENA_VEC(p->arena, struct play_group, p->cap_groups);
		if (p->n_groups)
			memcpy(more, p->groups, p->n_groups * sizeof(*more));
		p->groups = more;
	}
	p->groups[p->n_groups] = (struct play_group){ .gid = gid };
	return &p->groups[p->n_groups++];
}

/* What people asked for is told by the scenario, what agents do by the world.
 */
static bool is_told(const struct doc *e)
{
	static const char *const not [] = { "action", "state", "secret", "edit",
					    "draft" };
	const char *kind = doc_get_str(e, "kind", "");

	if (doc_is(doc_get(e, "by"), "tool", "simulate"))
		return false;
	for (size_t i = 0; i < sizeof(not ) / sizeof(not [0]); i++)
		if (strcmp(kind, not [i]) == 0)
			return false;
	return true;
}

static uint64_t event_us(const struct play *p, const struct doc *e)
{
	int64_t at = doc_get_int(e, "at", 0) - WALL_BEGINS_MS;
	uint64_t us = at > 0 ? (uint64_t)at * 1000 : 0;

	/* What was asked before we looked last is agreed since. */
	if (us < p->polled_us)
		us = p->polled_us;
	return us > p->w->now_us ? p->w->now_us : us;
}

/* "up: why", or "down: why". */
static void assign_tell(struct play *p, const struct doc *e,
			const char *service, const char *node)
{
	const char *text = doc_get_str(e, "text", "");
	size_t n = strcspn(text, ":");
	const char *why = text + n + (text[n] == ':');

	why += *why == ' ';
	diary_add(&p->r->diary, event_us(p, e), DIARY_CLUSTER, NULL, service,
		  "to be %.*s on %s%s%s", (int)n, text, node ? node : "?",
		  *why ? ": " : "", why);
}

static void event_tell(struct play *p, const struct doc *e)
{
	const char *service = doc_get_str(e, "service", NULL);
	const char *node = doc_get_str(e, "node", NULL);

	if (!is_told(e) || !p->begun)
		return;
	if (doc_is(e, "kind", "assign"))
		assign_tell(p, e, service, node);
	else if (service && *service && node && *node)
		diary_add(&p->r->diary, event_us(p, e), DIARY_CLUSTER, NULL,
			  service, "%s on %s", doc_get_str(e, "text", ""),
			  node);
	else
		diary_add(&p->r->diary, event_us(p, e), DIARY_CLUSTER,
			  node && *node ? node : NULL,
			  service && *service ? service : NULL, "%s",
			  doc_get_str(e, "text", ""));
}

static void group_read(struct play *p, struct world_node *n,
		       struct play_group *g)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = txn_begin_read(n->db, NULL);
	struct state s = { t, g->gid, a };
	struct doc *events;

	if (!t)
		return;
	do {
		events = state_events(&s, g->seen, AT_ONCE);
		for (size_t i = 0; i < doc_len(events); i++) {
			const struct doc *e = doc_at(events, i);

			g->seen = (uint64_t)doc_get_int(e, "seq", 0);
			event_tell(p, e);
		}
	} while (doc_len(events) == AT_ONCE);
	txn_abort(t);
}

static void node_read(struct play *p, struct world_node *n)
{
	uint64_t gids[MAX_GROUPS];
	size_t count = engine_groups(n->agent->engine, gids, MAX_GROUPS);

	for (size_t i = 0; i < count; i++) {
		struct play_group *g = group_of(p, gids[i]);
		struct engine_info info;

		if (!engine_info(n->agent->engine, gids[i], &info) ||
		    info.applied <= g->applied)
			continue;
		group_read(p, n, g);
		g->applied = info.applied;
	}
}

static void leader_look(struct play *p)
{
	const char *leader = NULL;
	uint64_t term = 0;

	for (unsigned i = 0; i < p->w->n; i++) {
		struct world_node *n = &p->w->node[i];
		struct engine_info info;

		if (n->container || !n->agent ||
		    !engine_info(n->agent->engine, CLUSTER_GROUP, &info) ||
		    !info.is_leader || info.term < term)
			continue;
		leader = n->name;
		term = info.term;
	}
	if (leader == p->leader)
		return;
	p->leader = leader;
	if (!p->begun)
		return;
	if (leader)
		PLAY_SAY(p, DIARY_CLUSTER, leader, NULL, "leads the cluster");
	else
		PLAY_SAY(p, DIARY_CLUSTER, NULL, NULL,
			 "nobody leads the cluster");
}

void play_watch(struct play *p)
{
	leader_look(p);
	for (unsigned i = 0; i < p->w->n; i++)
		if (p->w->node[i].agent && !p->w->node[i].container &&
		    !play_is_witness(p, &p->w->node[i]))
			node_read(p, &p->w->node[i]);
}
