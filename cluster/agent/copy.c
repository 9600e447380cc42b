/*
 * Syncs: what the one that sends has to know of the others, and when each got
 * its last copy.
 *
 * That is in the document of the instance that sent it, with the last runs of
 * tasks; so the node that gets a copy knows how old it is, and who takes over
 * knows what the others have.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"

/* -- when --------------------------------------------------------------------
 */

static struct task_copy *copy_find(const struct task *t, const char *node)
{
	for (struct task_copy *c = t ? t->copies : NULL; c; c = c->next)
		if (strcmp(c->node, node) == 0)
			return c;
	return NULL;
}

static void copy_note(struct task *t, const char *node, int64_t at_ms)
{
	struct task_copy *c = copy_find(t, node), **at = &t->copies;

	if (!c) {
		c = calloc(1, sizeof(*c) + strlen(node) + 1);
		if (!c)
			abort();
		memcpy(c->node, node, strlen(node) + 1);
		while (*at && strcmp((*at)->node, node) < 0)
			at = &(*at)->next;
		c->next = *at;
		*at = c;
	}
	if (at_ms > c->at_ms)
		c->at_ms = at_ms;
}

void copy_free(struct task *t)
{
	while (t->copies) {
		struct task_copy *c = t->copies;

		t->copies = c->next;
		free(c);
	}
}

void copy_take(struct task *t, const struct doc *row)
{
	const struct doc *to = doc_get(row, "to");

	for (size_t i = 0; i < doc_len(to); i++)
		copy_note(t, doc_at(to, i)->key,
			  doc_get_int(to, doc_at(to, i)->key, 0));
}

void copy_put(struct arena *a, const struct task *t, struct doc *row)
{
	struct doc *to;

	if (!t->copies)
		return;
	to = doc_put(a, row, "to", doc_map(a));
	for (const struct task_copy *c = t->copies; c; c = c->next)
		doc_put_int(a, to, c->node, c->at_ms);
}

void copy_done(struct task *t, const struct job_copy *c)
{
	for (size_t i = 0; c && i < c->n; i++)
		if (c->to[i].done_ms)
			copy_note(t, c->to[i].node, c->to[i].done_ms);
}

/* -- where -------------------------------------------------------------------
 */

static const struct doc *node_named(const struct doc *nodes, const char *name)
{
	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *row = doc_at(nodes, i);

		if (strcmp(doc_get_str(row, "name", ""), name) == 0 &&
		    strcmp(doc_get_str(row, "state", ""), "left") != 0)
			return row;
	}
	return NULL;
}

/* A container has links with nobody. */
static const struct doc *links_of(struct agent *g, struct arena *a)
{
	struct txn *t = g->level == LEVEL_HYPERVISOR
				? txn_begin_read(g->db, NULL)
				: NULL;
	const struct doc *nodes = NULL;

	if (t)
		nodes = state_nodes(&(struct state){ t, CLUSTER_GROUP, a });
	txn_abort(t);
	return nodes;
}

static void put_targets(struct agent *g, struct arena *a, struct job_copy *c,
			const struct names *l, const struct task *t)
{
	const struct doc *nodes = t && t->running ? links_of(g, a) : NULL;

	c->to = ARENA_VEC(a, struct job_copy_to, l->n + 1);
	for (size_t i = 0; i < l->n; i++) {
		const struct doc *row = node_named(nodes, l->at[i]);
		const struct task_copy *last = copy_find(t, l->at[i]);

		c->to[c->n++] = (struct job_copy_to){
			.node = arena_printf(a, "%s", l->at[i]),
			.last_ms = last ? last->at_ms : 0,
			.id = (uint64_t)doc_get_int(row, "id", 0),
			.addresses =
				doc_join(a, doc_get(row, "addresses"), " "),
			.cert = arena_printf(a, "%s",
					     doc_get_str(row, "cert", "")),
		};
	}
}

/* Does the node that is up copy to this one? */
static bool receives(struct arena *a, const struct instance_run *run,
		     const struct resource *r)
{
	struct instance from = run->inst;
	struct names l;

	if (!run->up_on[0])
		return false;
	from.node = run->up_on;
	l = copies_to(a, &from, r, COPIES_ALL);
	return names_have(&l, run->inst.node);
}

struct job_copy *copy_of(struct agent *g, struct arena *a,
			 const struct instance_run *run,
			 const struct resource *r, const struct task *t)
{
	struct job_copy *c = ARENA_NEW(a, struct job_copy);
	bool sends = tasks_may_run(g, run) && copies_sends(&run->inst);
	struct names l = copies_to(a, &run->inst, r, COPIES_ALL);
	struct names wanted =
		copies_to(a, &run->inst, r, t ? t->which : COPIES_NONE);
	struct names self = { .at = ARENA_VEC(a, const char *, 1), .n = 1 };

	*c = (struct job_copy){
		.now_ms = g->io.wall_ms(g->io.ctx),
		.self = g->self,
		.cluster_id = arena_printf(
			a, "%s", doc_get_str(g->identity, "cluster_id", "")),
	};
	self.at[0] = run->inst.node;
	if (sends)
		c->part = JOB_SENDS;
	else if (receives(a, run, r))
		c->part = JOB_RECEIVES;
	put_targets(g, a, c, c->part == JOB_RECEIVES ? &self : &l, t);
	for (size_t i = 0; i < c->n; i++)
		c->to[i].wanted = names_have(&wanted, c->to[i].node);
	return c;
}

/* -- receiving ---------------------------------------------------------------
 */

static const struct resource *sync_named(const struct instance_run *run,
					 const char *rid)
{
	for (size_t i = 0; i < run->inst.n; i++) {
		const struct resource *r = &run->inst.res[i];

		if (strcmp(r->rid, rid) == 0)
			return copies_is(r) && !r->disable &&
					       strcmp(r->type, "rsync") == 0
				       ? r
				       : NULL;
	}
	return NULL;
}

/* NULL, or why that node may not copy to this one. */
static const char *sender_wrong(struct agent *g, struct arena *a,
				const struct instance_run *run,
				const struct resource *r, const char *from)
{
	struct instance sender = run->inst;
	struct txn *t = txn_begin_read(g->db, NULL);
	const struct doc *assign = NULL;
	struct names l;

	if (t)
		assign = state_assign(&(struct state){ t, run->group, a },
				      run->service, from);
	txn_abort(t);
	sender.node = from;
	l = copies_to(a, &sender, r, COPIES_ALL);
	if (!names_have(&l, g->node))
		return "its env file names this node as no target of it";
	if (instance_want(assign) != WANT_UP || !copies_sends(&sender))
		return "as far as this node knows the service is not up there";
	if (run->want == WANT_UP &&
	    strcmp(run->inst.conf.topology, "flex") != 0)
		return "the service is up here: nothing overwrites that";
	return NULL;
}

static const struct doc *node_of(struct agent *g, struct arena *a, uint64_t id)
{
	struct txn *t = txn_begin_read(g->db, NULL);
	const struct doc *row =
		t ? state_node(&(struct state){ t, CLUSTER_GROUP, a }, id)
		  : NULL;

	txn_abort(t);
	return row;
}

int agent_receive(struct agent *g, uint64_t peer, const struct doc *frame,
		  struct arena *a, struct agent_receive *ret, struct err *err)
{
	const char *service = doc_get_str(frame, "service", "");
	const char *rid = doc_get_str(frame, "rid", "");
	const struct instance_run *run = instance_of(g, service);
	const struct resource *r = run ? sync_named(run, rid) : NULL;
	const struct doc *node = node_of(g, a, peer);
	const char *wrong, *dstfs;

	if (!r || !(copies_is_automatic(r) || resource_kw(r, "dst")))
		return err_set(err, -ENOENT,
			       "its env file has no such sync.rsync here: "
			       "%.64s of %.64s",
			       rid, service);
	wrong = node ? sender_wrong(g, a, run, r, doc_get_str(node, "name", ""))
		     : "it is no member";
	if (wrong)
		return err_set(err, -EPERM, "%s of %s: %s", rid, service,
			       wrong);
	dstfs = resource_kw(r, "dstfs");
	*ret = (struct agent_receive){
		.service = arena_printf(a, "%s", service),
		.rid = arena_printf(a, "%s", rid),
		.dst = copies_is_automatic(r)
			       ? "/"
			       : arena_printf(a, "%s", resource_kw(r, "dst")),
		.dstfs = dstfs ? arena_printf(a, "%s", dstfs) : "",
		.file = doc_get_bool(frame, "file", false),
	};
	if (copies_is_automatic(r))
		ret->only = arena_printf(
			a, "%s %s/services/%s.d",
			resource_kw(r, "src") ? resource_kw(r, "src") : "",
			g->etc_dir, service);
	return 0;
}
