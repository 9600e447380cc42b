#include "tests/sim/invariants.h"

#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"

enum {
	GROUPS = 16,
	NODES = 16,
	TERMS = 4096,
	INDEXES = 1 << 14,
	LOOK_US = 20000,
	COMPARE_US = 700000,
};

struct group_seen_here {
	uint64_t gid;
	uint64_t leader[TERMS];	  /* by term; 0: none yet */
	uint64_t digest[INDEXES]; /* by index; 0: not known */
};

/* The leases of a node, as it has them; in the world's time. */
struct lease_seen {
	uint64_t until_ms, epoch; /* the last */
	uint64_t end_us;	  /* of all in that epoch */
};

struct invariants {
	struct world *w;
	struct lease_seen leases[NODES];
	uint64_t applied[NODES]; /* of the cluster's group, when looked at */
	struct group_seen_here *groups[GROUPS];
	unsigned n, compared;
	uint64_t look_us, compare_us;
};

static struct group_seen_here *group_of(struct invariants *v, uint64_t gid)
{
	for (unsigned i = 0; i < v->n; i++)
		if (v->groups[i]->gid == gid)
			return v->groups[i];
	if (v->n == GROUPS)
		return NULL;
	v->groups[v->n] = calloc(1, sizeof(*v->groups[0]));
	if (!v->groups[v->n])
		abort();
	v->groups[v->n]->gid = gid;
	return v->groups[v->n++];
}

static void look_leader(struct invariants *v, struct group_seen_here *g,
			const struct engine_info *e)
{
	uint64_t *known;

	if (!e->is_leader || e->term >= TERMS)
		return;
	known = &g->leader[e->term];
	if (*known && *known != e->self)
		world_fail(v->w,
			   "group %llu has two leaders in term %llu: %llu and "
			   "%llu",
			   (unsigned long long)g->gid,
			   (unsigned long long)e->term,
			   (unsigned long long)*known,
			   (unsigned long long)e->self);
	*known = e->self;
}

/* The index is read where the rows are: a worker may be ahead of the engine. */
static uint64_t applied_in(struct txn *t, uint64_t gid)
{
	struct bytes value;
	uint64_t index = 0;

	if (!txn_get(t, gid, ENGINE_TABLE, bytes_of("applied"), &value) ||
	    value.len < 9)
		return 0;
	for (unsigned i = 1; i <= 8; i++)
		index = index << 8 | ((const unsigned char *)value.data)[i];
	return index;
}

static void compare(struct invariants *v, struct group_seen_here *g,
		    struct world_node *n)
{
	struct txn *t = txn_begin_read(n->db, NULL);
	uint64_t index = t ? applied_in(t, g->gid) : 0, digest;

	if (index && index < INDEXES) {
		digest = txn_digest(t, g->gid);
		v->compared++;
		if (g->digest[index] && g->digest[index] != digest)
			world_fail(v->w,
				   "group %llu on %s at index %llu is another "
				   "one than elsewhere",
				   (unsigned long long)g->gid, n->name,
				   (unsigned long long)index);
		g->digest[index] = digest;
	}
	txn_abort(t);
}

static bool stands(const struct doc *assign, const struct doc *nodes)
{
	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *row = doc_at(nodes, i);

		if (strcmp(doc_get_str(row, "name", ""), assign->key) == 0)
			return doc_get_int(row, "epoch", 0) ==
			       doc_get_int(assign, "epoch", 0);
	}
	return false;
}

/* Each decision gives out new ones. */
static void look_tokens(struct invariants *v, const char *name,
			const struct doc *rows)
{
	for (size_t i = 0; i < doc_len(rows); i++)
		for (size_t k = 0; k < i; k++)
			if (doc_get_int(doc_at(rows, i), "token", 0) ==
			    doc_get_int(doc_at(rows, k), "token", 0))
				world_fail(v->w,
					   "%s: the assignments of %s and %s "
					   "have one token",
					   name, doc_at(rows, i)->key,
					   doc_at(rows, k)->key);
}

/* By this node's own copies, which may be of different times: a group's own is
 * what counts, as the epochs only ever grow. */
static void look_assigns(struct invariants *v, struct world_node *n,
			 uint64_t gid)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = txn_begin_read(n->db, NULL);
	const struct state s = { t, gid, a }, c = { t, CLUSTER_GROUP, a };
	const struct doc *nodes = t ? state_nodes(&c) : NULL;
	const struct doc *services = t ? state_services(&s) : NULL;

	for (size_t i = 0; i < doc_len(services); i++) {
		const char *name = doc_get_str(doc_at(services, i), "name", "");
		const struct doc *rows = state_assigns(&s, name);
		unsigned up = 0;

		look_tokens(v, name, rows);
		for (size_t k = 0; k < doc_len(rows); k++) {
			const struct doc *row = doc_at(rows, k);

			up += strcmp(doc_get_str(row, "want", ""), "up") == 0 &&
			      strcmp(doc_get_str(row, "level", ""), "encap") !=
				      0 &&
			      stands(row, nodes);
		}
		if (up > 1)
			world_fail(v->w,
				   "%s is assigned up to %u nodes in epochs "
				   "that stand",
				   name, up);
	}
	txn_abort(t);
}

/* -- leases --------------------------------------------------------------- */

static void see_lease(struct invariants *v, struct world_node *n)
{
	struct lease_seen *l = &v->leases[n->slot];
	int64_t left = (int64_t)n->lease_until - n->offset_ms;
	uint64_t end = left > 0 ? (uint64_t)(left * 1000000 / n->speed) : 0;

	if (n->lease_until == l->until_ms && n->lease_epoch == l->epoch)
		return;
	if (n->lease_epoch > l->epoch)
		l->end_us = 0;
	if (n->lease_epoch >= l->epoch && end > l->end_us)
		l->end_us = end;
	if (n->lease_epoch)
		l->epoch = n->lease_epoch;
	l->until_ms = n->lease_until;
}

static void judge_losses(struct invariants *v, struct world_node *n)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = txn_begin_read(n->db, NULL);
	const struct doc *nodes =
		t ? state_nodes(&(struct state){ t, CLUSTER_GROUP, a }) : NULL;

	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *row = doc_at(nodes, i);
		struct world_node *x =
			world_named(v->w, doc_get_str(row, "name", ""));
		const struct lease_seen *l = x ? &v->leases[x->slot] : NULL;

		if (l && l->epoch &&
		    doc_get_int(row, "epoch", 0) > (int64_t)l->epoch &&
		    l->end_us > v->w->now_us)
			world_fail(
				v->w,
				"%s is declared lost %llu ms before its "
				"lease of epoch %llu ends",
				x->name,
				(unsigned long long)(l->end_us - v->w->now_us) /
					1000,
				(unsigned long long)l->epoch);
	}
	txn_abort(t);
}

static void check_leases(struct invariants *v)
{
	struct world *w = v->w;

	for (unsigned i = 0; i < w->n && i < NODES; i++)
		if (!w->node[i].container)
			see_lease(v, &w->node[i]);
	for (unsigned i = 0; i < w->n && i < NODES; i++) {
		struct world_node *n = &w->node[i];
		struct engine_info e;

		if (!n->agent || n->container ||
		    !engine_info(n->agent->engine, CLUSTER_GROUP, &e) ||
		    e.applied == v->applied[i])
			continue;
		v->applied[i] = e.applied;
		judge_losses(v, n);
	}
}

/* -- all of it ------------------------------------------------------------- */

static void check(struct world *w, void *arg)
{
	struct invariants *v = arg;
	bool compares = w->now_us >= v->compare_us;

	check_leases(v);
	if (w->now_us < v->look_us)
		return;
	v->look_us = w->now_us + LOOK_US;
	if (compares)
		v->compare_us = w->now_us + COMPARE_US;
	for (unsigned i = 0; i < w->n; i++) {
		struct world_node *n = &w->node[i];
		uint64_t gids[GROUPS];
		size_t n_gids;

		if (!n->agent)
			continue;
		n_gids = engine_groups(n->agent->engine, gids, GROUPS);
		for (size_t k = 0; k < n_gids; k++) {
			struct group_seen_here *g = group_of(v, gids[k]);
			struct engine_info e;

			if (!g || !engine_info(n->agent->engine, gids[k], &e))
				continue;
			look_leader(v, g, &e);
			if (compares)
				compare(v, g, n);
			if (compares && e.is_leader && e.is_ready)
				look_assigns(v, n, gids[k]);
		}
	}
}

/* A node is declared lost for a reason. */
void invariants_end(struct invariants *v, unsigned reasons)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct world_node *n = &v->w->node[0];
	struct txn *t = txn_begin_read(n->db, NULL);
	struct doc *nodes = state_nodes(&(struct state){ t, CLUSTER_GROUP, a });
	int64_t losses = 0;

	for (size_t i = 0; i < doc_len(nodes); i++)
		losses += doc_get_int(doc_at(nodes, i), "epoch", 1) - 1;
	txn_abort(t);
	if (losses > (int64_t)reasons)
		world_fail(
			v->w,
			"nodes were declared lost %lld times, for %u reasons",
			(long long)losses, reasons);
}

unsigned invariants_compared(const struct invariants *v)
{
	return v->compared;
}

struct invariants *invariants_new(struct world *w)
{
	struct invariants *v = calloc(1, sizeof(*v));

	if (!v)
		abort();
	v->w = w;
	w->check = check;
	w->check_arg = v;
	return v;
}

void invariants_free(struct invariants *v)
{
	for (unsigned i = 0; i < v->n; i++)
		free(v->groups[i]);
	free(v);
}
