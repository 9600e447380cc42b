/*
 * Maintenance as an agent sees it, and the end of a drain's time.
 *
 * What is in maintenance is looked at and not touched: no start, stop, restart,
 * task or monitor_action. Only the lease goes before it: a node that may not
 * run something any more stops it, since maintenance may have ended where the
 * node does not hear of it.
 */
#include <stdio.h>
#include <string.h>

#include "cluster/agent/internal.h"

#define PROBE_MS 3000

/* -- maintenance ------------------------------------------------------------
 */

static bool is_on(const struct doc *row)
{
	return doc_get_bool(row, "maintenance", false);
}

bool upkeep_of_all(struct txn *t, struct arena *a)
{
	return is_on(state_cluster(&(struct state){ t, CLUSTER_GROUP, a }));
}

/* Of all that this node has: its own, or the cluster's. A container is told by
 * its host. */
bool upkeep_node_rests(struct agent *g, struct arena *a, struct txn *t)
{
	const struct state s = { t, CLUSTER_GROUP, a };

	if (g->level == LEVEL_ENCAP)
		return g->host_rests;
	return is_on(state_node(&s, g->self)) || upkeep_of_all(t, a);
}

void upkeep_take(struct instance_run *run, const struct doc *row,
		 bool node_rests)
{
	bool rests = is_on(row) || node_rests;

	if (rests == run->rests)
		return;
	run->rests = rests;
	run->poked = true;
	if (!rests) /* what is not as wanted is mended, as by a start */
		run->memory_token = 0;
}

void upkeep_rest(const struct agent *g, struct instance_run *run)
{
	run->moved = true;
	snprintf(run->word, sizeof(run->word), "idle");
	snprintf(run->wait, sizeof(run->wait),
		 "in maintenance: it is looked at, not touched");
	run->next_probe_ms = g->now_ms + PROBE_MS;
}

/* -- drain ------------------------------------------------------------------
 */

void upkeep_judge_drain(struct agent *g, struct arena *a, const struct doc *row)
{
	const struct doc *drain = doc_get(row, "drain");
	int64_t until = doc_get_int(drain, "until", 0);
	struct doc *cmd;

	if (!until || doc_get_bool(drain, "over", false) ||
	    g->io.wall_ms(g->io.ctx) < until ||
	    (g->upkeep_asked_ms && g->now_ms < g->upkeep_asked_ms + 1000))
		return;
	g->upkeep_asked_ms = g->now_ms;
	cmd = agent_command(g, a, "node_drain_over", NULL);
	doc_put_int(a, cmd, "id", doc_get_int(row, "id", 0));
	doc_put_int(a, cmd, "drained_at", doc_get_int(drain, "at", 0));
	agent_propose(g, CLUSTER_GROUP, a, cmd);
}

bool upkeep_drains_now(const struct doc *node)
{
	return doc_get_int(doc_get(node, "drain"), "at", 0) > 0;
}

/* What may run there: by its assignment, or by what was seen last. */
static bool is_left(const struct state *s, const char *service,
		    const char *node)
{
	return doc_is(state_assign(s, service, node), "want", "up") ||
	       instance_runs(state_instance(s, service, node));
}

static void put_left(struct agent *g, const struct state *s,
		     const struct doc *nodes, const char *service,
		     struct doc *list)
{
	struct arena *a = s->arena;
	struct doc *d = doc_add(a, list, doc_map(a));
	struct orch_out out = { 0 };
	struct service_conf sc;
	struct orch_in in;
	struct conf *conf = groups_head_service(g, s, service, &sc);

	doc_put_str(a, d, "service", service);
	if (!conf)
		return;
	orch_inputs(g, s, service, state_service(s, service), nodes, conf, &sc,
		    &in);
	orchestrate(a, &in, &out);
	if (out.blocked)
		doc_put_str(a, d, "why", out.blocked);
}

void upkeep_put_drain(struct agent *g, struct txn *t, struct arena *a,
		      const struct doc *nodes, struct doc *node)
{
	const struct state cluster = { t, CLUSTER_GROUP, a };
	const char *name = doc_get_str(node, "name", "");
	struct doc *services, *list;

	if (!upkeep_drains_now(node))
		return;
	services = state_services(&cluster);
	list = doc_put(a, doc_get(node, "drain"), "left", doc_list(a));
	for (size_t i = 0; i < doc_len(services); i++) {
		const char *service =
			doc_get_str(doc_at(services, i), "name", "");
		const struct state s = { t,
					 agent_service_group(g, a, t, service),
					 a };

		if (s.group && is_left(&s, service, name))
			put_left(g, &s, nodes, service, list);
	}
}
