/*
 * For the groups that this node leads: what the orchestrator decides, proposed
 * with the version of the state that it saw.
 *
 * What it looks at is the service's rows, which have a version, those of the
 * services that its env file names, and the table of nodes. A memo per service
 * says for which of them it was asked last: it is not asked again before one of
 * the three has changed, and never while what it said is being committed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/fence.h"
#include "fsm/plan/others.h"

struct orch_memo {
	UT_hash_handle hh; /* agent::memos, by key */
	uint64_t version, nodes, others;
	bool deciding; /* what it said is being committed */
	bool seen;     /* in this look at all of them */
	bool again;    /* look once more, though nothing has changed */
	int64_t priority;
	char *named; /* " db web ": the services that it looks at; or NULL */
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
		if (out->at[i].kind != ORCH_FENCE)
			doc_add(a, changes, orch_change_doc(a, &out->at[i]));
	doc_put_str(a, cmd, "name", doc_get_str(row, "name", ""));
	doc_put_int(a, cmd, "version", doc_get_int(row, "version", 0));
	doc_put(a, cmd, "changes", changes);
	memo->deciding = true;
	g->pending++;
	engine_propose(g->engine, s->group, a, cmd, PROPOSE_TIMEOUT_MS,
		       on_decided, d);
}

/* A fence of an earlier epoch says nothing of this one. */
static void orch_node_fence(const struct doc *row, struct orch_node *n)
{
	const struct doc *f = doc_get(row, "fence");
	bool now = (uint64_t)doc_get_int(f, "epoch", 0) == n->epoch;

	n->fenced = (uint64_t)doc_get_int(row, "fenced", 0);
	n->sure = *doc_get_str(row, "sure", "") != '\0';
	n->fencing =
		doc_is(f, "state", "asked") || doc_is(f, "state", "running");
	if (now && doc_is(f, "state", "failed"))
		n->fence_failed = doc_get_str(f, "text", "");
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
			.maintenance = doc_get_bool(row, "maintenance", false),
			.draining =
				upkeep_drains_now(row) || member_leaves(row),
			.leaving = member_leaves(row),
			.witness = witness_row(row),
			.left = member_has_left(row),
			.drain_over = doc_get_bool(doc_get(row, "drain"),
						   "over", false),
		};
		orch_node_fence(row, &list[i]);
	}
	return list;
}

/* The agents in containers, as far as they have leases. What goes for the node
 * that one is on goes for it. */
static struct orch_node *orch_members(const struct state *s,
				      const struct orch_node *nodes, size_t n,
				      size_t *ret_n)
{
	const struct doc *rows = state_members(s);
	struct orch_node *list =
		ARENA_VEC(s->arena, struct orch_node, doc_len(rows) + 1);

	*ret_n = doc_len(rows);
	for (size_t i = 0; i < doc_len(rows); i++) {
		const struct doc *row = doc_at(rows, i);
		const struct orch_node *host =
			orch_node_named(nodes, n, doc_get_str(row, "host", ""));

		list[i] = (struct orch_node){
			.name = doc_get_str(row, "name", ""),
			.epoch = (uint64_t)doc_get_int(row, "epoch", 0),
		};
		if (!host)
			continue;
		list[i].alive = doc_is(row, "state", "up") && host->alive;
		list[i].draining = host->draining;
		list[i].drain_over = host->drain_over;
		list[i].fencing = host->fencing;
		list[i].fence_failed = host->fence_failed;
	}
	return list;
}

/* What this agent has of the services that the env file names: their groups
 * are other ones, of which every voter has a copy. */
static struct orch_other *orch_others(struct agent *g, const struct state *s,
				      const struct names *named,
				      const struct orch_node *nodes, size_t n)
{
	struct arena *a = s->arena;
	struct orch_other *list = ARENA_VEC(a, struct orch_other, named->n + 1);

	for (size_t i = 0; i < named->n; i++) {
		const char *name = named->at[i];
		const struct state o = {
			s->txn, agent_service_group(g, a, s->txn, name), a
		};
		struct service_conf sc;

		list[i].name = name;
		if (o.group && groups_head_service(g, &o, name, &sc))
			other_see(a, &sc, state_assigns(&o, name),
				  state_instances(&o, name), nodes, n,
				  &list[i]);
	}
	return list;
}

void orch_inputs(struct agent *g, const struct state *s, const char *name,
		 const struct doc *row, const struct doc *nodes,
		 const struct conf *file, const struct service_conf *sc,
		 struct orch_in *ret)
{
	struct arena *a = s->arena;
	struct names named = others_named(a, sc);
	bool all = upkeep_of_all(s->txn, a);

	*ret = (struct orch_in){
		.service = name,
		.conf = sc,
		.intent = doc_get(row, "intent"),
		.frozen = doc_get_bool(row, "frozen", false),
		.maintenance = all || doc_get_bool(row, "maintenance", false),
		.maintenance_of_all = all,
		.no_alone = op_version_active(s) < 2,
		.assigns = state_assigns(s, name),
		.instances = state_instances(s, name),
		.nodes = orch_nodes(a, nodes),
		.n_nodes = doc_len(nodes),
		.next_token = (uint64_t)doc_get_int(row, "token", 0) + 1,
		.file = file,
		.n_others = named.n,
	};
	if (sc->encapnodes.n)
		ret->members = orch_members(s, ret->nodes, ret->n_nodes,
					    &ret->n_members);
	ret->others = orch_others(g, s, &named, ret->nodes, ret->n_nodes);
}

/* Whose changes are of concern to it, and when its turn is. */
static void memo_note(struct orch_memo *m, struct arena *a,
		      const struct service_conf *sc)
{
	struct names named = others_named(a, sc);
	struct buf b = BUF(a);

	m->priority = sc->priority;
	free(m->named);
	m->named = NULL;
	for (size_t i = 0; i < named.n; i++)
		buf_printf(&b, " %s", named.at[i]);
	if (named.n)
		m->named = agent_strdup(arena_printf(a, "%s ", buf_text(&b)));
}

/* What is decided of nodes is the cluster's. Asked for again at each look until
 * it shows there: @ret is how much else there is to be proposed. */
static size_t propose_fences(struct agent *g, struct arena *a,
			     const struct orch_out *out)
{
	size_t n = out->n;

	for (size_t i = 0; i < out->n; i++) {
		const struct orch_change *c = &out->at[i];
		struct doc *cmd;

		if (c->kind != ORCH_FENCE)
			continue;
		n--;
		cmd = agent_command(g, a, "fence_ask", NULL);
		doc_put_str(a, cmd, "node", c->node);
		doc_put_str(a, cmd, "action", fence_action(g, a, c->node));
		doc_put_int(a, cmd, "epoch", (int64_t)c->epoch);
		doc_put_bool(a, cmd, "auto", true);
		doc_put_bool(a, cmd, "self", c->self);
		doc_put_str(a, cmd, "why", c->why);
		agent_propose(g, CLUSTER_GROUP, a, cmd);
	}
	return n;
}

static void decide(struct agent *g, const struct state *s,
		   struct orch_memo *memo, const struct doc *nodes,
		   const struct doc *row)
{
	const char *name = doc_get_str(row, "name", "");
	struct service_conf sc;
	struct conf *conf = groups_head_service(g, s, name, &sc);
	struct orch_in in;
	struct orch_out out = { 0 };
	size_t rest;

	if (!conf)
		return;
	memo_note(memo, s->arena, &sc);
	orch_inputs(g, s, name, row, nodes, conf, &sc, &in);
	orchestrate(s->arena, &in, &out);
	rest = propose_fences(g, s->arena, &out);
	if (rest)
		decide_propose(g, s, memo, row, &out);
	memo->again = rest != out.n;
}

/* -- which of them ----------------------------------------------------- */

/* FNV-1a 64. */
static uint64_t sign_of(const struct buf *b)
{
	uint64_t h = 14695981039346656037ULL;

	for (size_t i = 0; i < b->len; i++)
		h = (h ^ (unsigned char)b->data[i]) * 1099511628211ULL;
	return h;
}

/* A number that is another one when what the orchestrator sees of the nodes
 * has changed. */
static uint64_t nodes_sign(const struct doc *nodes, bool all_rest)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);

	buf_printf(&b, "%d;", all_rest);
	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *r = doc_at(nodes, i);

		buf_printf(&b, "%s %lld %s %d%d%d%d%d %lld %s %s;",
			   doc_get_str(r, "name", ""),
			   (long long)doc_get_int(r, "epoch", 0),
			   doc_get_str(r, "state", ""),
			   doc_get_bool(r, "frozen", false),
			   doc_get_bool(r, "maintenance", false),
			   upkeep_drains_now(r), member_leaves(r),
			   doc_get_bool(doc_get(r, "drain"), "over", false),
			   (long long)doc_get_int(r, "fenced", 0),
			   doc_get_str(r, "sure", ""),
			   doc_get_str(doc_get(r, "fence"), "state", ""));
	}
	return sign_of(&b);
}

/* The same of the services that the env file names. */
static uint64_t others_sign(struct agent *g, const struct state *s,
			    const char *named)
{
	struct arena *a = s->arena;
	struct buf b = BUF(a);

	for (const char *p = named ? named + 1 : ""; *p;) {
		size_t n = strcspn(p, " ");
		const char *name = arena_printf(a, "%.*s", (int)n, p);
		const struct state o = {
			s->txn, agent_service_group(g, a, s->txn, name), a
		};
		const struct doc *row =
			o.group ? state_service(&o, name) : NULL;

		buf_printf(&b, "%llu %lld %lld;", (unsigned long long)o.group,
			   (long long)doc_get_int(row, "created", 0),
			   (long long)doc_get_int(row, "version", 0));
		p += n + 1;
	}
	return sign_of(&b);
}

static bool decides(const struct agent *g, uint64_t gid)
{
	struct engine_info info;

	return g->level == LEVEL_HYPERVISOR &&
	       engine_info(g->engine, gid, &info) && info.is_leader &&
	       info.is_ready;
}

/* The rows of the nodes, and their sign. */
struct seen_nodes {
	const struct doc *rows;
	uint64_t sign;
};

static struct seen_nodes nodes_now(struct txn *t, struct arena *a)
{
	const struct doc *rows =
		state_nodes(&(struct state){ t, CLUSTER_GROUP, a });

	return (struct seen_nodes){ rows,
				    nodes_sign(rows, upkeep_of_all(t, a)) };
}

static void orch_row(struct agent *g, const struct state *s,
		     struct orch_memo *m, const struct seen_nodes *nodes,
		     const struct doc *row)
{
	uint64_t version = (uint64_t)doc_get_int(row, "version", 0);

	m->seen = true;
	if (m->deciding ||
	    (!m->again && m->version == version && m->nodes == nodes->sign &&
	     m->others == others_sign(g, s, m->named)))
		return;
	m->version = version;
	m->nodes = nodes->sign;
	decide(g, s, m, nodes->rows, row);
	m->others = others_sign(g, s, m->named); /* whom it names by now */
}

static void orch_one(struct agent *g, uint64_t gid, const char *service)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = decides(g, gid) ? txn_begin_read(g->db, NULL) : NULL;
	struct state s = { t, gid, a };
	struct seen_nodes nodes;
	struct doc *row;

	if (!t)
		return;
	nodes = nodes_now(t, a);
	row = state_service(&s, service);
	if (row && !doc_get(row, "group")) /* not the index's */
		orch_row(g, &s, memo_of(g, gid, service), &nodes, row);
	txn_abort(t);
}

/* Those whose env files name it may have waited for just that. */
void orch_service(struct agent *g, uint64_t gid, const char *service)
{
	struct orch_memo *m, *next;
	char word[NAME_MAX_LEN + 4];

	orch_one(g, gid, service);
	snprintf(word, sizeof(word), " %.*s ", NAME_MAX_LEN, service);
	HASH_ITER(hh, g->memos, m, next)
	{
		if (m->named && strstr(m->named, word))
			orch_one(g, strtoull(m->key, NULL, 10),
				 strchr(m->key, '/') + 1);
	}
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
		free(m->named);
		free(m);
	}
}

struct turn {
	uint64_t gid;
	const struct doc *row;
	struct orch_memo *memo;
};

static int by_priority(const void *x, const void *y)
{
	const struct turn *a = x, *b = y;

	if (a->memo->priority != b->memo->priority)
		return a->memo->priority < b->memo->priority ? -1 : 1;
	return strcmp(doc_get_str(a->row, "name", ""),
		      doc_get_str(b->row, "name", ""));
}

static struct turn turn_of(struct agent *g, const struct state *s,
			   const struct doc *row)
{
	const char *name = doc_get_str(row, "name", "");
	struct orch_memo *m = memo_of(g, s->group, name);
	struct service_conf sc;

	if (!m->version) /* it was not looked at before */
		m->priority =
			groups_head_service(g, s, name, &sc) ? sc.priority : 0;
	return (struct turn){ s->group, row, m };
}

/* All that this node decides on, the lowest priority first. */
static struct turn *turns_of(struct agent *g, struct txn *t, struct arena *a,
			     size_t *ret_n)
{
	uint64_t *gids = ARENA_VEC(a, uint64_t, MAX_GROUPS);
	size_t n = engine_groups(g->engine, gids, MAX_GROUPS), cap = 0;
	struct doc **rows = ARENA_VEC(a, struct doc *, n + 1);
	struct turn *turns;

	for (size_t i = 0; i < n; i++) {
		rows[i] = decides(g, gids[i]) ? state_services(&(struct state){
							t, gids[i], a })
					      : NULL;
		cap += doc_len(rows[i]);
	}
	turns = ARENA_VEC(a, struct turn, cap + 1);
	*ret_n = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < doc_len(rows[i]); k++) {
			const struct state s = { t, gids[i], a };
			const struct doc *row = doc_at(rows[i], k);

			if (doc_get(row, "group")) /* the index's */
				continue;
			turns[(*ret_n)++] = turn_of(g, &s, row);
		}
	qsort(turns, *ret_n, sizeof(*turns), by_priority);
	return turns;
}

void orch_all(struct agent *g)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = txn_begin_read(g->db, NULL);
	struct seen_nodes nodes;
	struct turn *turns;
	size_t n;

	if (!t)
		return;
	nodes = nodes_now(t, a);
	turns = turns_of(g, t, a, &n);
	for (size_t i = 0; i < n; i++) {
		const struct state s = { t, turns[i].gid, a };

		orch_row(g, &s, turns[i].memo, &nodes, turns[i].row);
	}
	txn_abort(t);
	memos_sweep(g, false);
}

void orch_free(struct agent *g)
{
	memos_sweep(g, true);
}
