/*
 * The status document of docs/api.md: the instances as they were committed,
 * the encap parts folded into them, and how old all of that is.
 *
 * A document holds as long as its node is up and in touch, since each change of
 * it is proposed at once. It is "stale" when the node is not up, when it says
 * of itself that it could not look for a while, and when this agent has not
 * heard from the others: then nothing that it knows of them is news. What this
 * node itself has is then taken from its own last look instead of the log,
 * which can take nothing in.
 */
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"

#define STATUS_VERSION 1
#define REVISION_MS    5000 /* for a container to take up a new revision */

/* What a service's documents are made from. */
struct query {
	struct agent *agent;
	struct arena *arena;
	const struct state *state, *cluster;
	const char *service, *head;
	int64_t lost_ms; /* this agent has not heard from the others; or -1 */
	int64_t now, head_at; /* ms since the epoch */
	struct conf *conf;    /* of the head */
	const struct service_conf *sc;
	const struct doc *all; /* instances, as committed */
	const struct doc *assigns;
};

static int64_t age_of(const struct query *q, int64_t since)
{
	return q->now > since ? q->now - since : 0;
}

/* Until when the state of a container is of its own time. */
static void fold_since(const struct query *q, struct encap_fold *f,
		       int64_t channel_since, const struct doc *encap)
{
	f->since = channel_since;
	if (f->reach == ENCAP_OLD)
		f->since = doc_get_int(encap, "old_since", 0);
	if (f->reach == ENCAP_OUTDATED)
		f->since = q->head_at;
	f->age_ms = f->since ? age_of(q, f->since) : 0;
}

/* On the way up or down, and while a new revision is on its way, it is no
 * surprise that the agent does not answer, or has the one before. */
static bool is_expected(const struct encap_fold *f, const struct doc *inst,
			enum status container)
{
	if (f->reach == ENCAP_REFUSED)
		return false;
	if (f->reach == ENCAP_OUTDATED)
		return f->since && f->age_ms < REVISION_MS;
	return container == STATUS_NA || instance_is_busy(inst);
}

static void fold_encap(const struct query *q, const struct resource *r,
		       const char *node, struct doc *inst)
{
	const struct doc *channel = doc_get(doc_get(inst, "channels"), r->rid);
	const struct doc *row = doc_get(doc_get(inst, "resources"), r->rid);
	const struct doc *encap = doc_get(q->all, r->encapnode);
	struct encap_facts facts = {
		.container = status_said(row, "status"),
		.channel = doc_get_str(channel, "word", doc_text(channel, "")),
	};
	struct encap_fold f = { .rid = r->rid };

	if (encap && strcmp(doc_get_str(encap, "host", ""), node) != 0)
		encap = NULL;
	facts.said = encap != NULL;
	facts.old = doc_get(encap, "old_since") != NULL;
	facts.current =
		strcmp(doc_get_str(encap, "revision", ""), q->head) == 0;
	f.reach = encap_reach(&facts);
	if (f.reach == ENCAP_OK || f.reach == ENCAP_OLD ||
	    f.reach == ENCAP_OUTDATED)
		f.doc = encap;
	if (f.reach == ENCAP_REFUSED)
		f.detail = doc_get_str(channel, "why", NULL);
	f.idle = service_is_farmed(q->sc) &&
		 !doc_is(doc_get(q->assigns, r->encapnode), "want", "up");
	fold_since(q, &f, doc_get_int(channel, "since", 0), encap);
	f.expected = is_expected(&f, inst, facts.container);
	instance_fold_encap(q->arena, inst, &f);
}

/* Fold what the agent in each container of @inst says into it. */
static void fold_encaps(const struct query *q, const struct instance *conf,
			const char *node, struct doc *inst)
{
	for (size_t i = 0; i < conf->n; i++) {
		const struct resource *r = &conf->res[i];

		if (channel_is_for(r))
			fold_encap(q, r, node, inst);
	}
}

/* How long the others have not been heard of; -1: they are. On a hypervisor the
 * lease tells, in a container the channel to its host. */
static int64_t contact_lost_ms(const struct agent *g)
{
	if (g->level == LEVEL_ENCAP)
		return g->host_welcomed
			       ? -1
			       : (int64_t)(g->now_ms - g->host_lost_ms);
	if (!g->lease.epoch || g->lease.until_ms > g->now_ms)
		return -1;
	return (int64_t)(g->now_ms + g->lease.ms - g->lease.until_ms);
}

static void put_stale(const struct query *q, struct doc *inst, int64_t age_ms,
		      const char *why)
{
	doc_put_int(q->arena, inst, "age_ms", age_ms);
	doc_put_str(q->arena, inst, "stale", why);
}

/* What it said before it was told to be down is not news, once it has booted.
 */
static bool speaks_of_now(const struct query *q, const char *node,
			  const struct doc *inner)
{
	const struct doc *row = doc_get(q->assigns, node);

	return !row || doc_is(row, "want", "up") ||
	       doc_get_int(row, "token", 0) == doc_get_int(inner, "token", -1);
}

static int64_t assigned_at(const struct query *q, const char *node)
{
	return doc_get_int(doc_get(q->assigns, node), "at", q->now);
}

static void put_age(const struct query *q, const char *node, struct doc *inst)
{
	bool own = strcmp(node, q->agent->node) == 0;
	const struct doc *row = NULL;
	const char *state = "up";
	int64_t old = doc_get_int(inst, "old_since", 0);

	if (q->agent->level == LEVEL_HYPERVISOR)
		row = state_node_named(q->cluster, node);
	state = doc_get_str(row, "state", "up");
	if (q->lost_ms >= 0 && !own)
		put_stale(q, inst, q->lost_ms,
			  arena_printf(q->arena, "%s is cut off",
				       q->agent->node));
	else if (strcmp(state, "up") != 0 && !own)
		put_stale(
			q, inst, age_of(q, doc_get_int(row, "since", q->now)),
			arena_printf(q->arena, "node %s %s",
				     strcmp(state, "left") == 0 ? "has" : "is",
				     state));
	else if (q->agent->level == LEVEL_ENCAP && !own &&
		 !speaks_of_now(q, node, inst))
		put_stale(q, inst, age_of(q, assigned_at(q, node)),
			  "it has not said anything since it was lost");
	else if (old)
		put_stale(q, inst, age_of(q, old),
			  "it does not come to look at its resources");
	if (doc_get_bool(row, "frozen", false))
		doc_put_bool(q->arena, inst, "node_frozen", true);
	if (doc_get_bool(row, "maintenance", false))
		doc_put_bool(q->arena, inst, "node_maintenance", true);
	if (upkeep_drains_now(row))
		doc_put_bool(q->arena, inst, "node_drained", true);
}

static struct doc *empty_instance(const struct query *q, const char *node)
{
	struct arena *a = q->arena;
	struct doc *d = doc_map(a);

	doc_put_str(a, d, "node", node);
	doc_put_str(a, d, "level", level_name(q->agent->level));
	doc_put_str(a, d, "avail", "n/a");
	doc_put_str(a, d, "overall", "n/a");
	doc_put(a, d, "resources", doc_map(a));
	doc_put_str(a, d, "stale", "nothing is known of it yet");
	return d;
}

static struct doc *query_instance(const struct query *q, const char *node)
{
	const struct doc *row = doc_get(q->all, node);
	struct doc *inst = NULL;
	struct instance conf;

	if (q->lost_ms >= 0 && strcmp(node, q->agent->node) == 0)
		inst = observe_now(q->agent, q->arena, q->service);
	if (!inst && !row)
		return empty_instance(q, node);
	if (!inst)
		inst = doc_copy(q->arena, row);
	if (q->agent->level == LEVEL_HYPERVISOR && q->sc->encapnodes.n &&
	    instance_eval(q->arena, q->conf, q->service, node, LEVEL_HYPERVISOR,
			  &conf, NULL) == 0)
		fold_encaps(q, &conf, node, inst);
	if (strcmp(doc_get_str(inst, "revision", ""), q->head) != 0 &&
	    q->now - q->head_at > REVISION_MS)
		doc_put_bool(q->arena, inst, "outdated", true);
	put_age(q, node, inst);
	return inst;
}

static const char *blocked_why(const struct query *q, const struct doc *row)
{
	struct orch_in in;
	struct orch_out out = { 0 };

	orch_inputs(q->agent, q->state, q->service, row,
		    state_nodes(q->cluster), q->conf, q->sc, &in);
	orchestrate(q->arena, &in, &out);
	return out.blocked;
}

static void put_conf(struct arena *a, struct doc *d,
		     const struct service_conf *sc)
{
	doc_put_str(a, d, "topology", sc->topology);
	doc_put_str(a, d, "orchestrate", sc->orchestrate);
	doc_put_int(a, d, "priority", sc->priority);
	if (*sc->app)
		doc_put_str(a, d, "app", sc->app);
	if (*sc->env)
		doc_put_str(a, d, "env", sc->env);
	if (strcmp(sc->topology, "flex") == 0) {
		doc_put_int(a, d, "flex_min", sc->flex_min);
		doc_put_int(a, d, "flex_max", sc->flex_max);
		doc_put_int(a, d, "flex_target", sc->flex_target);
	}
}

/* The containers' documents, each from the instance that hosts it. */
static struct doc *farm_of(const struct query *q, const struct doc *instances)
{
	struct doc *farm = doc_map(q->arena);

	for (size_t i = 0; i < doc_len(instances); i++) {
		const struct doc *inst = doc_at(instances, i);
		const struct doc *all = doc_get(inst, "encap");

		for (size_t k = 0; k < doc_len(all); k++) {
			struct doc *one = doc_copy(q->arena, doc_at(all, k));
			const char *node = doc_get_str(one, "node", NULL);

			if (node && doc_get(inst, "stale"))
				doc_put(q->arena, one, "stale",
					doc_copy(q->arena,
						 doc_get(inst, "stale")));
			if (node && speaks_of_now(q, node, one))
				doc_put(q->arena, farm, node, one);
		}
	}
	return farm;
}

/* Where the encap level has nodes of its own it has a status of its own. */
static void put_farm(const struct query *q, struct doc *d,
		     const struct doc *instances, struct service_status *ss)
{
	struct arena *a = q->arena;
	struct doc *farm = farm_of(q, instances), *e = doc_map(a), *up;
	struct service_status es;

	service_status_encap(q->sc, farm, &es);
	doc_put_str(a, e, "topology", q->sc->encap.topology);
	doc_put_str(a, e, "avail", status_name(es.avail));
	doc_put_str(a, e, "placement", es.placement);
	if (strcmp(q->sc->encap.topology, "flex") == 0)
		doc_put_int(a, e, "flex_target", q->sc->encap.flex_target);
	up = doc_put(a, e, "up", doc_list(a));
	for (size_t i = 0; i < doc_len(farm); i++)
		if (doc_is(doc_at(farm, i), "avail", "up") &&
		    !doc_get(doc_at(farm, i), "stale"))
			doc_add(a, up, doc_str(a, doc_at(farm, i)->key));
	doc_put(a, d, "encap", e);
	if (es.avail == STATUS_UNDEF || es.avail == STATUS_NA)
		es.avail = STATUS_DOWN;
	ss->avail = status_shown(status_merge(ss->avail, es.avail));
	ss->overall = status_shown(status_merge(ss->overall, es.avail));
}

static void put_service(const struct query *q, struct doc *d,
			const struct doc *row, const struct doc *instances)
{
	struct arena *a = q->arena;
	struct service_status ss = { 0 };
	bool frozen = doc_get_bool(row, "frozen", false);

	if (q->agent->level == LEVEL_ENCAP && q->sc->encapnodes.n > 1)
		service_status_encap(q->sc, instances, &ss);
	else
		service_status(q->sc, instances, &ss);
	if (q->agent->level == LEVEL_HYPERVISOR && service_is_farmed(q->sc))
		put_farm(q, d, instances, &ss);
	doc_put_str(a, d, "level", level_name(q->agent->level));
	doc_put_str(a, d, "node", q->agent->node);
	doc_put_str(a, d, "revision", q->head);
	doc_put_str(a, d, "avail", status_name(ss.avail));
	doc_put_str(a, d, "overall", status_name(ss.overall));
	doc_put_str(a, d, "placement", ss.placement);
	doc_put_str(a, d, "frozen", frozen ? "frozen" : "thawed");
	doc_put_str(a, d, "provisioned", ss.provisioned);
	if (doc_get_bool(row, "maintenance", false))
		doc_put_bool(a, d, "maintenance", true);
	put_conf(a, d, q->sc);
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

/* Those of the group, without their texts. */
static void drafts_kept(const struct state *s, struct doc *list,
			const char *service)
{
	const struct doc *rows = state_drafts(s, service);
	struct arena *a = s->arena;

	for (size_t i = 0; i < doc_len(rows); i++) {
		const struct doc *row = doc_at(rows, i);
		const char *why = doc_get_str(row, "why", "");
		struct doc *d = doc_map(a);

		if (strcmp(doc_get_str(row, "kind", ""), "offer") == 0)
			continue;
		doc_put_str(a, d, "path", doc_get_str(row, "id", ""));
		doc_put_str(a, d, "kind", doc_get_str(row, "kind", ""));
		doc_put(a, d, "why", doc_strn(a, why, strcspn(why, "\n")));
		doc_put_int(a, d, "at", doc_get_int(row, "at", 0));
		doc_put_str(a, d, "node",
			    doc_get_str(doc_get(row, "by"), "node", ""));
		doc_add(a, list, d);
	}
}

static struct doc *query_drafts(struct agent *g, const struct state *s,
				const char *service, const struct doc *all)
{
	struct arena *a = s->arena;
	struct doc *list = doc_list(a);

	drafts_kept(s, list, service);
	for (size_t i = 0; i < doc_len(all); i++)
		if (strcmp(doc_at(all, i)->key, g->node) != 0)
			drafts_add(g, a, list, doc_at(all, i)->key,
				   doc_get(doc_at(all, i), "drafts"));
	drafts_add(g, a, list, g->node, head_drafts(g, service));
	return list;
}

static void put_instances(const struct query *q, struct doc *instances,
			  const struct names *nodes)
{
	for (size_t i = 0; i < nodes->n; i++)
		doc_put(q->arena, instances, nodes->at[i],
			query_instance(q, nodes->at[i]));
}

/* A line each needs no more than that of it. */
static void be_brief(struct arena *a, struct doc *instances)
{
	for (size_t i = 0; i < doc_len(instances); i++)
		doc_put(a, doc_at(instances, i), "resources", doc_map(a));
}

static struct doc *nothing_yet(struct agent *g, struct arena *a, struct doc *d,
			       uint64_t gid)
{
	doc_put_str(a, d, "avail", "n/a");
	doc_put_str(a, d, "overall", "n/a");
	doc_put_str(a, d, "blocked", "its group has not reached this node yet");
	doc_put(a, d, "instances", doc_map(a));
	doc_put(a, d, "group", query_group(g, a, gid));
	return d;
}

static void query_begin(struct query *q, const struct state *s,
			const struct doc *row)
{
	struct doc *rev;

	q->head = doc_get_str(row, "head", "");
	rev = state_revision(s, q->service, q->head);
	if (rev)
		q->conf = agent_conf(q->agent, q->arena,
				     doc_get_str(rev, "config", ""));
	q->head_at = doc_get_int(rev, "at", 0);
	q->all = state_instances(s, q->service);
	q->assigns = state_assigns(s, q->service);
	q->now = q->agent->io.wall_ms(q->agent->io.ctx);
	q->lost_ms = contact_lost_ms(q->agent);
}

/* At the hypervisor level an instance per hypervisor, the encap parts folded
 * in; in a container those of the encap level. */
struct doc *query_status(struct agent *g, struct arena *a, struct txn *t,
			 const char *service, bool brief)
{
	uint64_t gid = agent_service_group(g, a, t, service);
	struct state s = { t, gid, a }, cluster = { t, CLUSTER_GROUP, a };
	struct query q = { g, a, &s, &cluster, .service = service };
	struct doc *d = doc_map(a), *instances = doc_map(a);
	struct doc *row = gid ? state_service(&s, service) : NULL, *pending;
	struct service_conf sc;
	const char *why;

	doc_put_int(a, d, "version", STATUS_VERSION);
	doc_put_str(a, d, "service", service);
	if (row)
		query_begin(&q, &s, row);
	if (!q.conf || service_eval(a, q.conf, service, NULL, &sc, NULL) < 0)
		return nothing_yet(g, a, d, gid);
	q.sc = &sc;
	if (g->level == LEVEL_ENCAP) {
		put_instances(&q, instances, &sc.encapnodes);
	} else {
		put_instances(&q, instances, &sc.nodes);
		put_instances(&q, instances, &sc.drpnodes);
	}
	put_service(&q, d, row, instances);
	doc_put(a, d, "drafts", query_drafts(g, &s, service, q.all));
	pending = head_waits(g, a, service);
	if (pending)
		doc_put(a, d, "pending", pending);
	doc_put(a, d, "group", query_group(g, a, gid));
	doc_put(a, d, "instances", instances);
	if (g->level == LEVEL_HYPERVISOR && !brief) {
		why = blocked_why(&q, row);
		doc_put(a, d, "assigns", state_assigns(&s, service));
		if (why)
			doc_put_str(a, d, "blocked", why);
	}
	if (brief)
		be_brief(a, instances);
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
