/*
 * How: one pass looks at every hypervisor once and makes at most one change
 * for each. First the assignments whose lease has run out are written off.
 * Then the part of the intent for the hypervisors is compared with who holds
 * the service; a change of place takes three passes (down, confirmed, up), of
 * which each follows from the state alone. Last the containers follow.
 *
 * Whether an intent was carried out already decides what is a person's doing,
 * which is always allowed, and what would be ours, which `orchestrate`, a
 * freeze or too many dead nodes may forbid. It was, once an assignment that
 * serves its seq was up, failed, or still is to come up: "served".
 */
#include "fsm/plan/pass.h"

#include <stdlib.h>
#include <string.h>

#include "fsm/status/status.h"
#include "store/plant.h"

/* -- one view ----------------------------------------------------------- */

static bool is_up(const struct view *v)
{
	return doc_is(v->row, "want", "up");
}

/* The epoch of its assignment is over. */
static bool is_lost(const struct view *v)
{
	return v->row && v->node && v->node->epoch > num(v->row, "epoch");
}

/* Its document speaks of its present assignment. */
static bool has_said(const struct view *v)
{
	return v->row && v->inst && num(v->inst, "token") != 0 &&
	       (num(v->inst, "token") == num(v->row, "token") ||
		PLANTED(IGNORES_TOKEN));
}

static bool said_state(const struct view *v, const char *state)
{
	return has_said(v) && doc_is(v->inst, "state", state);
}

/* The executor has settled on an assignment down, and nothing is up. */
static bool said_down(const struct view *v)
{
	if (PLANTED(STOPPED_EARLY))
		return !is_up(v) && has_said(v);
	return !is_up(v) && said_state(v, "idle") && !instance_runs(v->inst);
}

/* It keeps what it runs when it is cut off, as far as it knows. */
static bool is_alone(const struct view *v)
{
	if (v->node && v->node->left)
		return false;
	/* Unless it was ended, or somebody vouches that it is down. */
	return v->row &&
	       !(v->node && v->node->fenced >= num(v->row, "epoch")) &&
	       (doc_get_bool(v->row, "alone", false) ||
		(doc_get_bool(v->row, "was_alone", false) && !has_said(v)));
}

/* What it says is of its present epoch, since when it is back. */
static bool is_back(const struct view *v)
{
	return is_alive(v) && num(v->inst, "lease") == v->node->epoch;
}

/* Found up although nobody ever assigned it there. */
static bool runs_unasked(const struct view *v)
{
	return !v->row && is_alive(v) && doc_is(v->inst, "avail", "up");
}

/* What was never assigned to it may be taken away there all the same; that must
 * not happen under one that has just been started. */
static bool is_taking_away(const struct view *v)
{
	return is_alive(v) && doc_is(v->inst, "state", "unprovisioning");
}

static bool may_run(const struct view *v)
{
	if (!v->row)
		return runs_unasked(v) || is_taking_away(v);
	if (v->must_fence)
		return true;
	if (is_up(v))
		return !is_lost(v) || is_alone(v);
	if (is_lost(v) && !is_alive(v))
		return is_alone(v);
	/* Its own word counts more than that its lease was lost once: it is
	 * back, and something may have withstood being killed. */
	if (has_said(v))
		return !said_down(v);
	return is_alone(v) ||
	       (!is_lost(v) && !doc_get_bool(v->row, "lost", false));
}

static bool may_run_failed(const struct view *v)
{
	return said_state(v, "stop failed") ||
	       (said_state(v, "idle") && !is_up(v));
}

static const char *what_is_up(const struct doc *inst)
{
	const struct doc *rows = doc_get(inst, "resources");

	for (size_t i = 0; i < doc_len(rows); i++) {
		const struct doc *r = doc_at(rows, i);

		if (!doc_get_bool(r, "encap", false) &&
		    !doc_get_bool(r, "standby", false) &&
		    (doc_is(r, "status", "up") || doc_is(r, "status", "warn") ||
		     doc_is(r, "status", "undef")))
			return r->key;
	}
	return "something";
}

static const char *may_run_why(struct arena *a, const struct view *v)
{
	if (v->must_fence)
		return fence_why(a, v);
	if (!v->row && is_taking_away(v))
		return arena_printf(a, "%s is still unprovisioning it",
				    v->name);
	if (is_alone(v) && is_lost(v))
		return arena_printf(a,
				    "%s is not up and may run it all the "
				    "same: it was the only node that had it "
				    "when it was last heard of",
				    v->name);
	if (!v->row)
		return arena_printf(a,
				    "it runs on %s, where nobody has asked "
				    "for it: 'encap stop' stops it there",
				    v->name);
	if (is_up(v))
		return arena_printf(a,
				    "%s runs it and has a lease of epoch "
				    "%llu",
				    v->name,
				    (unsigned long long)num(v->row, "epoch"));
	if (said_state(v, "stop failed"))
		return arena_printf(
			a, "%s could not stop it: %s%s", v->name,
			doc_get_str(v->inst, "error", "stop failed"),
			fence_why(a, v));
	if (said_state(v, "idle"))
		return arena_printf(a,
				    "%s of it is still up on %s (or it is "
				    "not known): stop it there by hand",
				    what_is_up(v->inst), v->name);
	return arena_printf(a,
			    "%s has not confirmed yet that nothing of it "
			    "runs there any more",
			    v->name);
}

/* How the start that an assignment up asked for has ended. */
enum ended { ENDED_NOT, ENDED_UP, ENDED_FAILED };

/* What it started is up no more and cannot be: monitor_action = switch. */
static bool said_switch(const struct view *v)
{
	return has_said(v) && doc_get_bool(v->inst, "switch", false);
}

static enum ended start_ended(const struct view *v)
{
	if (said_state(v, "start failed") || said_switch(v))
		return ENDED_FAILED;
	if (has_said(v) && doc_get_bool(v->inst, "up_once", false))
		return ENDED_UP;
	return ENDED_NOT;
}

static bool has_served(const struct view *v, uint64_t seq)
{
	if (!v->row || num(v->row, "seq") != seq)
		return false;
	if (is_up(v))
		return !is_lost(v) || is_alone(v) ||
		       start_ended(v) != ENDED_NOT;
	return doc_get_bool(v->row, "lost", false) ||
	       doc_get_bool(v->row, "failed", false);
}

/* -- all views ------------------------------------------------------------ */

const struct orch_node *orch_node_named(const struct orch_node *nodes, size_t n,
					const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(nodes[i].name, name) == 0)
			return &nodes[i];
	return NULL;
}

/* It may still run there whatever its lease says: where nobody can ask it. */
static bool must_fence(const struct orch_in *in, const struct view *v)
{
	return in->conf->stonith && is_lost(v) && !is_alive(v) &&
	       v->node->fenced < num(v->row, "epoch") &&
	       !doc_get_bool(v->row, "lost", false) && !said_down(v);
}

static struct view view_of(const struct orch_in *in, const char *name)
{
	struct view v = {
		.name = name,
		.node = orch_node_named(in->nodes, in->n_nodes, name),
		.row = doc_get(in->assigns, name),
		.inst = doc_get(in->instances, name),
		.listed = names_have(&in->conf->nodes, name),
		.drp = names_have(&in->conf->drpnodes, name),
	};

	v.must_fence = must_fence(in, &v);
	v.is_fenced_last = fence_is_last(in);
	v.stop_failed = !is_up(&v) && said_state(&v, "stop failed");
	return v;
}

static struct view *view_named(const struct pass *p, const char *name)
{
	for (size_t i = 0; name && i < p->n; i++)
		if (strcmp(p->at[i].name, name) == 0)
			return &p->at[i];
	return NULL;
}

static void view_add(struct pass *p, const char *name)
{
	if (!view_named(p, name))
		p->at[p->n++] = view_of(p->in, name);
}

static int name_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_container(const struct orch_in *in, const char *name)
{
	return names_have(&in->conf->encapnodes, name) ||
	       doc_is(doc_get(in->assigns, name), "level", "encap") ||
	       doc_is(doc_get(in->instances, name), "level", "encap");
}

/* Those that have rows without being listed, in the order of their names: an
 * edit may have taken them out. */
static struct names names_left(struct pass *p, bool containers)
{
	const struct doc *maps[] = { p->in->assigns, p->in->instances };
	struct names l = {
		.at = ARENA_VEC(p->a, const char *,
				doc_len(maps[0]) + doc_len(maps[1]) + 1),
	};

	for (size_t m = 0; m < 2; m++)
		for (size_t i = 0; i < doc_len(maps[m]); i++) {
			const char *name = doc_at(maps[m], i)->key;

			if (is_container(p->in, name) == containers)
				l.at[l.n++] = name;
		}
	qsort(l.at, l.n, sizeof(*l.at), name_cmp);
	return l;
}

static void pass_init(struct pass *p, struct arena *a, const struct orch_in *in,
		      struct orch_out *out)
{
	const struct service_conf *c = in->conf;
	struct names left;

	*p = (struct pass){ .a = a, .in = in, .out = out };
	left = names_left(p, false);
	p->token = in->next_token;
	p->want = doc_get_str(in->intent, "want", "stopped");
	p->seq = num(in->intent, "want_seq");
	p->at = ARENA_VEC(a, struct view,
			  c->nodes.n + c->drpnodes.n + left.n + 1);
	for (size_t i = 0; i < c->nodes.n; i++)
		view_add(p, c->nodes.at[i]);
	for (size_t i = 0; i < c->drpnodes.n; i++)
		view_add(p, c->drpnodes.at[i]);
	for (size_t i = 0; i < left.n; i++)
		view_add(p, left.at[i]);
	for (size_t i = 0; i < p->n; i++) {
		struct view *v = &p->at[i];

		p->served = p->served || has_served(v, p->seq);
		if (is_up(v) && (!is_lost(v) || is_alone(v)) &&
		    (!p->holder ||
		     num(v->row, "token") > num(p->holder->row, "token")))
			p->holder = v;
	}
}

static const struct view *other_that_may_run(const struct pass *p,
					     const struct view *target)
{
	for (size_t i = 0; i < p->n; i++)
		if (&p->at[i] != target && may_run(&p->at[i]))
			return &p->at[i];
	return NULL;
}

const char *orch_may_start_elsewhere(struct arena *a, const struct orch_in *in,
				     const char *node)
{
	struct orch_out out = { 0 };
	const struct view *other;
	struct pass p;

	pass_init(&p, a, in, &out);
	other = other_that_may_run(&p, view_named(&p, node));
	return other ? may_run_why(a, other) : NULL;
}

const char *orch_rests(struct arena *a, const struct orch_in *in)
{
	struct orch_out out = { 0 };
	struct pass p;

	pass_init(&p, a, in, &out);
	return upkeep_rests(&p);
}

const char *orch_unfit(struct arena *a, const struct orch_in *in,
		       const char *node)
{
	struct orch_out out = { 0 };
	const struct view *v;
	struct pass p;

	pass_init(&p, a, in, &out);
	p.seq++; /* what failed for the last intent is tried for a new one */
	v = view_named(&p, node);
	return v ? fit_refused(&p, v, true)
		 : "is not one of the service's nodes";
}

const char *orch_unmade(struct arena *a, const struct orch_in *in,
			const char *node)
{
	struct orch_out out = { 0 };
	const struct view *v;
	struct pass p;

	pass_init(&p, a, in, &out);
	v = view_named(&p, node);
	return v ? fit_unmade(&p, v) : NULL;
}

/* -- changes --------------------------------------------------------------- */

struct orch_change *change_new(struct pass *p, enum orch_kind kind,
			       const char *node, enum level level)
{
	struct orch_out *o = p->out;
	struct orch_change *c;

	for (size_t i = 0; i < o->n; i++) {
		c = &o->at[i];
		if (kind == ORCH_ASSIGN && c->kind == kind &&
		    strcmp(c->node, node) == 0) {
			*c = (struct orch_change){ .kind = kind,
						   .node = node,
						   .level = level,
						   .token = c->token };
			return c;
		}
	}
	if (!o->at) /* two for each name, and one per restart that goes on */
		o->at = ARENA_VEC(p->a, struct orch_change,
				  2 * p->n + doc_len(p->in->assigns) +
					  2 * p->in->conf->encapnodes.n + 2);
	c = &o->at[o->n++];
	*c = (struct orch_change){ .kind = kind, .node = node, .level = level };
	if (kind == ORCH_ASSIGN)
		c->token = p->token++;
	return c;
}

static bool is_only_node(const struct pass *p, const struct view *v)
{
	const struct service_conf *c = p->in->conf;

	return c->nodes.n == 1 && (v->listed || v->drp) &&
	       (c->drpnodes.n == 0 ||
		(c->drpnodes.n == 1 && v->listed && v->drp));
}

static struct orch_change *assign(struct pass *p, const struct view *v,
				  const char *want, const char *why)
{
	struct orch_change *c =
		change_new(p, ORCH_ASSIGN, v->name, LEVEL_HYPERVISOR);

	c->want = want;
	c->seq = p->seq;
	c->why = why;
	c->alone = strcmp(want, "up") == 0 && !p->in->no_alone &&
		   is_only_node(p, v);
	c->was_alone = !c->alone && is_alone(v);
	/* A node that is told to stop keeps the epoch in which it ran. */
	if (strcmp(want, "up") == 0 || !v->row)
		c->epoch = v->node ? v->node->epoch : 0;
	else
		c->epoch = num(v->row, "epoch");
	return c;
}

static void restart_goes_on(struct pass *p, enum level level, const char *node)
{
	struct orch_change *c = change_new(p, ORCH_INTENT, node, level);

	c->want = "started";
	c->why = "all of it was stopped, now it is started again";
}

static const char *asker(const struct pass *p)
{
	return doc_get_str(doc_get(p->in->intent, "by"), "user", "somebody");
}

/* It was cut off, and kept what it ran: that goes on, in its new epoch. True
 * where it is back and has nothing of it (it was off). */
static bool alone_came_back(struct pass *p, const struct view *v)
{
	if (!is_back(v))
		return false;
	if (!instance_runs(v->inst))
		return true;
	if (is_up(v) && strcmp(p->want, "stopped") != 0) {
		struct orch_change *c =
			assign(p, v, "up",
			       arena_printf(p->a,
					    "%s was cut off, and kept what "
					    "only it can run",
					    v->name));
		c->seq = num(v->row, "seq");
	}
	return false;
}

static void write_off_lost(struct pass *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct view *v = &p->at[i];
		enum ended ended;
		struct orch_change *c;

		if (!is_lost(v) || v->must_fence || (!is_up(v) && said_down(v)))
			continue;
		if (is_alone(v) && !alone_came_back(p, v))
			continue;
		c = assign(p, v, "down", fence_lost_why(p, v));
		c->epoch = v->node->epoch;
		c->lost = true;
		c->was_alone = false;
		ended = start_ended(v);
		if (is_up(v)) {
			c->failed = ended == ENDED_FAILED;
			/* Of what was alone that is forgotten by now. */
			c->seq = ended == ENDED_NOT && !is_alone(v)
					 ? 0
					 : num(v->row, "seq");
		} else {
			c->failed = doc_get_bool(v->row, "failed", false);
			c->seq = has_served(v, num(v->row, "seq"))
					 ? num(v->row, "seq")
					 : 0;
		}
	}
}

/* -- where to ---------------------------------------------------------------
 */

struct view *pass_latest(const struct pass *p)
{
	struct view *last = NULL;

	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].row && (!last || num(p->at[i].row, "token") >
						      num(last->row, "token")))
			last = &p->at[i];
	return last;
}

static struct view *found_running(const struct pass *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (runs_unasked(&p->at[i]))
			return &p->at[i];
	return NULL;
}

static bool start_failed(const struct pass *p, const struct view *v)
{
	return has_served(v, p->seq) && start_ended(v) == ENDED_FAILED;
}

/* Whatever its node does. */
static const char *stays_anyhow(const struct pass *p)
{
	if (p->in->frozen)
		return "it is frozen";
	if (p->in->conf->disable)
		return "it is disabled";
	return upkeep_rests(p);
}

/* A start that failed is tried on the next node, where that is ours to do; and
 * a node that is none of the service's any more cannot keep it. */
static bool moves_on(const struct pass *p)
{
	const struct view *h = p->holder;

	if ((!h->listed && !h->drp) || upkeep_drains(p))
		return true;
	return start_failed(p, h) && is_ha(p) &&
	       (p->in->conf->rollback || said_switch(h)) &&
	       !fit_must_not_start(p);
}

const char *orch_cannot_go(struct arena *a, const struct orch_in *in,
			   const char *node)
{
	struct orch_node *nodes =
		ARENA_VEC(a, struct orch_node, in->n_nodes + 1);
	struct orch_in then = *in;
	struct orch_out out = { 0 };
	const struct view *v;
	struct pass p;

	for (size_t i = 0; i < in->n_nodes; i++) {
		nodes[i] = in->nodes[i];
		if (strcmp(nodes[i].name, node) == 0)
			nodes[i].leaving = nodes[i].draining = true;
	}
	then.nodes = nodes;
	pass_init(&p, a, &then, &out);
	v = view_named(&p, node);
	if (!v || !may_run(v))
		return NULL;
	if (!is_up(v))
		return may_run_why(a, v);
	if (stays_anyhow(&p))
		return stays_anyhow(&p);
	return fit_best(&p, v) ? NULL : fit_nobody(&p);
}

static struct view *pick_free(struct pass *p)
{
	struct view *v = found_running(p);

	if (v && !fit_refused(p, v, false))
		return v;
	if (strcmp(p->want, "restart") == 0) {
		v = pass_latest(p);
		if (v && !fit_refused(p, v, true))
			return v;
	}
	v = fit_best(p, NULL);
	if (!v)
		p->out->blocked = fit_nobody(p);
	return v;
}

/* The node that a person has named, as long as that is of use. */
static struct view *pick_asked(const struct pass *p)
{
	struct view *v =
		view_named(p, doc_get_str(p->in->intent, "node", NULL));

	return p->served || (v && v->node && v->node->draining) ? NULL : v;
}

static struct view *pick_next(struct pass *p)
{
	struct view *next = moves_on(p) ? fit_best(p, p->holder) : NULL;

	if (is_lost(p->holder)) { /* alone: nobody else may have it */
		p->out->blocked = may_run_why(p->a, p->holder);
		return p->holder;
	}
	if (next)
		return next;
	if (upkeep_drain_stuck(p))
		return NULL;
	if (start_failed(p, p->holder) && !p->out->blocked)
		p->out->blocked = upkeep_start_failed(p);
	return p->holder;
}

/* NULL: nowhere, and p->out->blocked says why. */
static struct view *pick(struct pass *p)
{
	struct view *asked = pick_asked(p);
	const char *why = asked ? fit_refused(p, asked, true) : NULL;
	const char *stop = fit_must_not_start(p);

	if (stop && (!p->holder || (asked && asked != p->holder)))
		p->out->blocked = stop;
	else if (asked && !why)
		return asked;
	else if (asked)
		p->out->blocked =
			arena_printf(p->a,
				     "%s was asked to run on "
				     "%s, which %s",
				     p->in->service, asked->name, why);
	if (p->holder)
		return pick_next(p);
	if (stop || (asked && !is_ha(p)))
		return NULL;
	return pick_free(p);
}

/* -- the hypervisor level -----------------------------------------------------
 */

static void take_down(struct pass *p, const struct view *v,
		      const struct view *next)
{
	struct orch_change *c = assign(p, v, "down", NULL);

	if (!next) {
		c->why = arena_printf(p->a,
				      "%s is being drained, and its time is "
				      "over: no other node can run it",
				      v->name);
		return;
	}
	if (start_failed(p, v)) {
		c->failed = true;
		c->error = doc_get_str(
			v->inst, said_switch(v) ? "monitor" : "error", NULL);
		if (said_switch(v)) {
			c->why = arena_printf(
				p->a, "%s cannot keep it up: %s is next (%s)",
				v->name, next->name,
				doc_get_str(v->inst, "monitor",
					    "monitor_action = switch"));
			return;
		}
		c->why = arena_printf(
			p->a, "its start failed on %s: %s is next (%s)",
			v->name, next->name,
			doc_get_str(v->inst, "error", "no reason given"));
		return;
	}
	c->why = arena_printf(p->a,
			      upkeep_drains(p) ? "%s is being drained: %s is "
						 "next"
					       : "moves from %s to %s",
			      v->name, next->name);
}

static const char *up_why(const struct pass *p, const struct view *v)
{
	if (p->served)
		return arena_printf(p->a, "%s is the first that can run it",
				    v->name);
	return arena_printf(p->a, "%s asked for a %s", asker(p),
			    strcmp(p->want, "restart") == 0 ? "restart"
							    : "start");
}

static void bring_up(struct pass *p, struct view *v)
{
	bool restart = strcmp(p->want, "restart") == 0;
	const struct view *other = other_that_may_run(p, restart ? NULL : v);
	const char *why;

	if (other) {
		if (may_run_failed(other) || !other->row || other->must_fence ||
		    (is_alone(other) && is_lost(other)))
			p->out->blocked = may_run_why(p->a, other);
		return;
	}
	why = fit_waits_for_parent(p);
	if (why) {
		p->out->blocked = why;
		return;
	}
	assign(p, v, "up", up_why(p, v));
	p->up = v;
	p->placed = true;
	if (restart)
		restart_goes_on(p, LEVEL_HYPERVISOR, NULL);
}

/* True where a stop that somebody asked for is not its turn yet. */
static bool waits_for_child(struct pass *p)
{
	const char *why = fit_waits_for_child(p);

	if (!why)
		return false;
	p->out->blocked = why;
	p->waits = true;
	p->up = p->holder;
	return true;
}

/* The first step of a restart: what is up goes down. */
static bool restart_begins(struct pass *p)
{
	const struct view *v = p->holder ? p->holder : found_running(p);

	if (strcmp(p->want, "restart") != 0 || !v || fit_must_not_start(p))
		return false;
	if (waits_for_child(p))
		return true;
	assign(p, v, "down",
	       arena_printf(p->a, "%s asked for a restart", asker(p)));
	return true;
}

static void place(struct pass *p)
{
	struct view *target;

	if (restart_begins(p))
		return;
	target = pick(p);
	if (!target && p->holder) {
		if (!waits_for_child(p))
			take_down(p, p->holder, NULL);
	} else if (!target) {
		p->up = NULL;
	} else if (!p->holder) {
		bring_up(p, target);
	} else if (target != p->holder) {
		if (!waits_for_child(p))
			take_down(p, p->holder, target);
	} else {
		p->up = p->holder;
		if (is_lost(p->holder)) /* it keeps what only it can run */
			return;
		/* A start that is asked anew tries anew what had failed. */
		if (!p->served && !p->out->blocked && !fit_must_not_start(p))
			assign(p, p->holder, "up", up_why(p, p->holder));
		else if (doc_get_bool(p->holder->row, "alone", false) &&
			 !is_only_node(p, p->holder))
			assign(p, p->holder, "up",
			       "it is not the only node any more")
				->seq = num(p->holder->row, "seq");
	}
}

static void stop_all(struct pass *p)
{
	if (waits_for_child(p))
		return;
	for (size_t i = 0; i < p->n; i++) {
		const struct view *v = &p->at[i];

		if ((is_up(v) && (!is_lost(v) || is_alone(v))) ||
		    runs_unasked(v))
			assign(p, v, "down",
			       arena_printf(p->a, "%s asked for a stop",
					    asker(p)));
	}
}

/* Two that are assigned up can only come from outside: the later one counts. */
static void stop_doubles(struct pass *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct view *v = &p->at[i];

		if (v != p->holder && is_up(v) && !is_lost(v))
			assign(p, v, "down",
			       arena_printf(p->a, "it is assigned to %s",
					    p->holder->name));
	}
}

static bool is_changed(const struct pass *p, const char *name)
{
	for (size_t i = 0; i < p->out->n; i++)
		if (p->out->at[i].kind == ORCH_ASSIGN &&
		    strcmp(p->out->at[i].node, name) == 0)
			return true;
	return false;
}

static bool stop_is_tried_again(const struct view *v, uint64_t seq)
{
	return !is_up(v) && said_state(v, "stop failed") &&
	       num(v->row, "seq") != seq;
}

static void retry_stops(struct pass *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct view *v = &p->at[i];

		if (stop_is_tried_again(v, p->seq) && !is_changed(p, v->name))
			assign(p, v, "down",
			       "its stop had failed and is tried again");
	}
}

/* -- the encap level
 * ------------------------------------------------------------ */

static struct orch_change *encap_assign(struct pass *p, const struct view *v,
					const char *want, uint64_t seq,
					const char *why)
{
	struct orch_change *c =
		change_new(p, ORCH_ASSIGN, v->name, LEVEL_ENCAP);

	c->want = want;
	c->seq = seq;
	c->why = why;
	return c;
}

static void encap_up(struct pass *p, const struct view *v, uint64_t seq)
{
	encap_assign(p, v, "up", seq,
		     arena_printf(p->a, "its container is %s on %s",
				  p->placed ? "started" : "assigned",
				  p->up->name));
}

static void encap_restart(struct pass *p, const struct view *v, uint64_t seq)
{
	if (is_up(v)) {
		encap_assign(
			p, v, "down", seq,
			arena_printf(p->a, "%s asked for a restart", asker(p)));
		return;
	}
	if (!p->up) { /* it will be started when its container is */
		restart_goes_on(p, LEVEL_ENCAP, v->name);
		return;
	}
	if (v->row && !p->placed && !said_down(v))
		return;
	encap_up(p, v, seq);
	restart_goes_on(p, LEVEL_ENCAP, v->name);
}

/* A stop of the hypervisor level alone leaves the encap level as it is asked
 * for: it is there again when the container is. */
static void encap_waits(struct pass *p, uint64_t seq)
{
	if (seq > p->seq && !p->out->blocked)
		p->out->blocked = arena_printf(
			p->a,
			"the hypervisor level of %s is stopped: 'encap "
			"start %s' starts both levels",
			p->in->service, p->in->service);
}

static void encap_stop(struct pass *p, const struct view *v, uint64_t seq)
{
	if (is_up(v) || (!v->row && doc_is(v->inst, "avail", "up")))
		encap_assign(p, v, "down", seq,
			     p->up ? arena_printf(p->a, "%s asked for a stop",
						  asker(p))
				   : "its container is to be stopped");
	else if (stop_is_tried_again(v, seq))
		encap_assign(p, v, "down", seq,
			     "its stop had failed and is tried again");
}

static void encap_decide(struct pass *p, const char *name)
{
	const struct view v = view_of(p->in, name);
	const struct doc *intent = p->in->intent;
	const struct doc *own = doc_get(doc_get(intent, "slaves"), name);
	const char *want = own ? doc_get_str(own, "want", "stopped")
			       : doc_get_str(intent, "encap", "stopped");
	uint64_t seq = own ? num(own, "seq") : num(intent, "encap_seq");

	if (!names_have(&p->in->conf->encapnodes, name)) {
		if (is_up(&v))
			encap_assign(p, &v, "down", seq,
				     "it is none of encapnodes any more");
		return;
	}
	if (!seq)
		return;
	if (strcmp(want, "restart") == 0)
		encap_restart(p, &v, seq);
	else if (strcmp(want, "started") != 0)
		encap_stop(p, &v, seq);
	else if (strcmp(p->want, "stopped") == 0)
		encap_waits(p, seq);
	else if (!p->up)
		encap_stop(p, &v, seq);
	else if (!is_up(&v) || p->placed || num(v.row, "seq") != seq)
		encap_up(p, &v, seq);
}

static void decide_encaps(struct pass *p)
{
	const struct names *listed = &p->in->conf->encapnodes;
	struct names left = names_left(p, true);

	for (size_t i = 0; i < listed->n; i++)
		encap_decide(p, listed->at[i]);
	for (size_t i = 0; i < left.n; i++)
		if (!names_have(listed, left.at[i]) &&
		    (i == 0 || strcmp(left.at[i], left.at[i - 1]) != 0))
			encap_decide(p, left.at[i]);
}

void orchestrate(struct arena *a, const struct orch_in *in,
		 struct orch_out *ret)
{
	struct service_conf conf = *in->conf;
	struct orch_in own = *in;
	struct pass p;

	/* A start of some resources alone is for its node: nothing follows
	 * from it that nobody has asked for. */
	if (doc_get(in->intent, "part"))
		conf.orchestrate = "no";
	own.conf = &conf;
	*ret = (struct orch_out){ 0 };
	pass_init(&p, a, &own, ret);
	if (upkeep_rests(&p)) {
		ret->blocked = p.seq ? upkeep_rests(&p) : NULL;
		return;
	}
	write_off_lost(&p);
	if (p.seq && strcmp(p.want, "stopped") == 0) {
		stop_all(&p);
	} else if (p.seq) {
		place(&p);
		stop_doubles(&p);
	}
	retry_stops(&p);
	fence_nodes(&p);
	if (!p.waits) /* what is inside waits with it */
		decide_encaps(&p);
}
