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

/* Found up although nobody ever assigned it there. */
bool pass_runs_unasked(const struct view *v)
{
	return !v->row && is_alive(v) && doc_is(v->inst, "avail", "up");
}

/* What was never assigned to it may be taken away there all the same; that must
 * not happen under one that has just been started. */
static bool is_taking_away(const struct view *v)
{
	return is_alive(v) && doc_is(v->inst, "state", "unprovisioning");
}

bool pass_may_run(const struct view *v)
{
	if (!v->row)
		return pass_runs_unasked(v) || is_taking_away(v);
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

const char *pass_may_run_why(struct arena *a, const struct view *v)
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

/* -- all views ------------------------------------------------------------ */

const struct orch_node *orch_node_named(const struct orch_node *nodes, size_t n,
					const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(nodes[i].name, name) == 0)
			return &nodes[i];
	return NULL;
}

/* Who grants the lease that an assignment in a container needs. */
static const struct orch_node *host_of_row(const struct orch_in *in,
					   const char *container)
{
	const char *host =
		doc_get_str(doc_get(in->assigns, container), "host", NULL);

	return host ? orch_node_named(in->nodes, in->n_nodes, host) : NULL;
}

/* It may still run there whatever its lease says: where nobody can ask it. What
 * is in a container is ended with its host. */
static bool must_fence(const struct orch_in *in, const struct view *v)
{
	const struct orch_node *n = v->host_was ? v->host_was : v->node;
	const char *epoch = v->host_was ? "host_epoch" : "epoch";

	return in->conf->stonith && is_lost(v) && n && !n->alive &&
	       n->epoch > num(v->row, epoch) &&
	       n->fenced < num(v->row, epoch) &&
	       !doc_get_bool(v->row, "lost", false) && !said_down(v);
}

static struct view view_of(const struct pass *p, const char *name)
{
	const struct orch_in *in = p->in;
	bool encap = p->level == LEVEL_ENCAP;
	struct view v = {
		.name = name,
		.node = encap ? orch_node_named(in->members, in->n_members,
						name)
			      : orch_node_named(in->nodes, in->n_nodes, name),
		.row = doc_get(in->assigns, name),
		.inst = doc_get(in->instances, name),
		.listed = names_have(
			encap ? &in->conf->encapnodes : &in->conf->nodes, name),
		.drp = !encap && names_have(&in->conf->drpnodes, name),
		.host_was = encap ? host_of_row(in, name) : NULL,
	};

	v.must_fence = must_fence(in, &v);
	v.is_fenced_last = fence_is_last(in);
	v.stop_failed = !is_up(&v) && said_state(&v, "stop failed");
	return v;
}

struct view *pass_view(const struct pass *p, const char *name)
{
	for (size_t i = 0; name && i < p->n; i++)
		if (strcmp(p->at[i].name, name) == 0)
			return &p->at[i];
	return NULL;
}

static void view_add(struct pass *p, const char *name)
{
	if (!pass_view(p, name))
		p->at[p->n++] = view_of(p, name);
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
struct names pass_names_left(struct pass *p, bool containers)
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

static void find_holder(struct pass *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct view *v = &p->at[i];

		p->served = p->served || has_served(v, p->seq);
		if (is_up(v) && (!is_lost(v) || is_alone(v)) &&
		    (!p->holder ||
		     num(v->row, "token") > num(p->holder->row, "token")))
			p->holder = v;
	}
}

static void views_init(struct pass *p, const struct names *listed,
		       const struct names *drp)
{
	struct names left = pass_names_left(p, p->level == LEVEL_ENCAP);

	p->at = ARENA_VEC(p->a, struct view, listed->n + drp->n + left.n + 1);
	for (size_t i = 0; i < listed->n; i++)
		view_add(p, listed->at[i]);
	for (size_t i = 0; i < drp->n; i++)
		view_add(p, drp->at[i]);
	for (size_t i = 0; i < left.n; i++)
		view_add(p, left.at[i]);
	find_holder(p);
}

static void pass_init(struct pass *p, struct arena *a, const struct orch_in *in,
		      struct orch_out *out)
{
	*p = (struct pass){ .a = a, .in = in, .out = out };
	p->token = in->next_token;
	p->orchestrate = in->conf->orchestrate;
	p->want = doc_get_str(in->intent, "want", "stopped");
	p->asked = doc_get_str(in->intent, "node", NULL);
	p->seq = num(in->intent, "want_seq");
	views_init(p, &in->conf->nodes, &in->conf->drpnodes);
}

void pass_init_encap(struct pass *p, const struct pass *of)
{
	static const struct names none;
	const struct orch_in *in = of->in;

	*p = (struct pass){ .a = of->a,
			    .in = in,
			    .out = of->out,
			    .level = LEVEL_ENCAP,
			    .token = of->token };
	p->orchestrate = in->conf->encap.orchestrate;
	p->want = doc_get_str(in->intent, "encap", "stopped");
	p->asked = doc_get_str(in->intent, "encap_node", NULL);
	p->seq = num(in->intent, "encap_seq");
	views_init(p, &in->conf->encapnodes, &none);
}

const struct view *pass_other_that_may_run(const struct pass *p,
					   const struct view *target)
{
	for (size_t i = 0; i < p->n; i++)
		if (&p->at[i] != target && pass_may_run(&p->at[i]))
			return &p->at[i];
	return NULL;
}

static bool is_flex(const struct orch_in *in)
{
	return strcmp(in->conf->topology, "flex") == 0;
}

/* The pass at the level of @node. */
static void pass_about(struct pass *p, struct arena *a,
		       const struct orch_in *in, struct orch_out *out,
		       const char *node)
{
	struct pass outer;

	pass_init(p, a, in, out);
	if (!names_have(&in->conf->encapnodes, node))
		return;
	outer = *p;
	if (outer.holder)
		outer.holder->on = true;
	for (size_t i = 0; is_flex(in) && i < outer.n; i++)
		outer.at[i].on = is_up(&outer.at[i]) && !is_lost(&outer.at[i]);
	encap_pass(p, &outer);
}

const char *orch_may_start_elsewhere(struct arena *a, const struct orch_in *in,
				     const char *node)
{
	struct orch_out out = { 0 };
	const struct view *other;
	struct pass p;

	pass_about(&p, a, in, &out, node);
	if (p.level == LEVEL_ENCAP ? !encap_is_failover(in->conf) : is_flex(in))
		return NULL;
	other = pass_other_that_may_run(&p, pass_view(&p, node));
	return other ? pass_may_run_why(a, other) : NULL;
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

	pass_about(&p, a, in, &out, node);
	p.seq++; /* what failed for the last intent is tried for a new one */
	v = pass_view(&p, node);
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
	v = pass_view(&p, node);
	return v ? fit_unmade(&p, v) : NULL;
}

/* -- changes --------------------------------------------------------------- */

struct orch_change *pass_change(struct pass *p, enum orch_kind kind,
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
					  doc_len(p->in->instances) +
					  3 * p->in->conf->encapnodes.n + 3);
	c = &o->at[o->n++];
	*c = (struct orch_change){ .kind = kind, .node = node, .level = level };
	if (kind == ORCH_ASSIGN)
		c->token = p->token++;
	return c;
}

static bool is_only_node(const struct pass *p, const struct view *v)
{
	const struct service_conf *c = p->in->conf;

	return p->level == LEVEL_HYPERVISOR && c->nodes.n == 1 &&
	       (v->listed || v->drp) &&
	       (c->drpnodes.n == 0 ||
		(c->drpnodes.n == 1 && v->listed && v->drp));
}

struct orch_change *pass_assign(struct pass *p, const struct view *v,
				const char *want, const char *why)
{
	struct orch_change *c = pass_change(p, ORCH_ASSIGN, v->name, p->level);

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
	if (strcmp(want, "up") == 0 && v->host && v->host->node) {
		c->host = v->host->name;
		c->host_epoch = v->host->node->epoch;
	}
	return c;
}

void pass_restart_goes_on(struct pass *p, enum level level, const char *node)
{
	struct orch_change *c = pass_change(p, ORCH_INTENT, node, level);

	c->want = "started";
	c->why = "all of it was stopped, now it is started again";
}

const char *pass_asker(const struct pass *p)
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
		struct orch_change *c = pass_assign(
			p, v, "up",
			arena_printf(p->a,
				     "%s was cut off, and kept what "
				     "only it can run",
				     v->name));
		c->seq = num(v->row, "seq");
	}
	return false;
}

void pass_write_off_lost(struct pass *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct view *v = &p->at[i];
		enum ended ended;
		struct orch_change *c;

		if (!is_lost(v) || v->must_fence || (!is_up(v) && said_down(v)))
			continue;
		if (is_alone(v) && !alone_came_back(p, v))
			continue;
		c = pass_assign(p, v, "down", fence_lost_why(p, v));
		if (is_host_lost(v))
			c->why = arena_printf(
				p->a,
				"the lease of %s has run out, and with it "
				"that of %s: nothing of it can run there",
				v->host_was->name, v->name);
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

struct view *pass_found_running(const struct pass *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (pass_runs_unasked(&p->at[i]))
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

/* A start that failed is tried on the next node, where that is ours to do. */
bool pass_gives_up(const struct pass *p, const struct view *v)
{
	return start_failed(p, v) && is_ha(p) &&
	       (p->in->conf->rollback || said_switch(v)) &&
	       !fit_must_not_start(p);
}

/* And a node that is none of the service's any more cannot keep it. */
static bool moves_on(const struct pass *p)
{
	const struct view *h = p->holder;

	return (!h->listed && !h->drp) || upkeep_drains(p) ||
	       pass_gives_up(p, h);
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
	v = pass_view(&p, node);
	if (!v || !pass_may_run(v))
		return NULL;
	if (!is_up(v))
		return pass_may_run_why(a, v);
	if (stays_anyhow(&p))
		return stays_anyhow(&p);
	/* Who has it is no place for one more. */
	for (size_t i = 0; is_flex(in) && i < p.n; i++)
		p.at[i].picked = is_up(&p.at[i]) && !is_lost(&p.at[i]);
	return fit_best(&p, v) ? NULL : fit_nobody(&p);
}

static struct view *pick_free(struct pass *p)
{
	struct view *v = pass_found_running(p);

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
	struct view *v = pass_view(p, p->asked);

	return p->served || (v && v->node && v->node->draining) ? NULL : v;
}

static struct view *pick_next(struct pass *p)
{
	struct view *next = moves_on(p) ? fit_best(p, p->holder) : NULL;

	if (is_lost(p->holder)) { /* alone: nobody else may have it */
		p->out->blocked = pass_may_run_why(p->a, p->holder);
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

void pass_take_down(struct pass *p, const struct view *v,
		    const struct view *next)
{
	struct orch_change *c = pass_assign(p, v, "down", NULL);

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
			      upkeep_drains_from(p, v)
				      ? "%s is being drained: %s is "
					"next"
				      : "moves from %s to %s",
			      v->name, next->name);
}

const char *pass_up_why(const struct pass *p, const struct view *v)
{
	if (p->served)
		return arena_printf(p->a, "%s is the first that can run it",
				    v->name);
	return arena_printf(p->a, "%s asked for a %s", pass_asker(p),
			    strcmp(p->want, "restart") == 0 ? "restart"
							    : "start");
}

static void bring_up(struct pass *p, struct view *v)
{
	bool restart = strcmp(p->want, "restart") == 0;
	const struct view *other =
		pass_other_that_may_run(p, restart ? NULL : v);
	const char *why;

	if (other) {
		if (may_run_failed(other) || !other->row || other->must_fence ||
		    (is_alone(other) && is_lost(other)))
			p->out->blocked = pass_may_run_why(p->a, other);
		return;
	}
	why = fit_waits_for_parent(p);
	if (why) {
		p->out->blocked = why;
		return;
	}
	pass_assign(p, v, "up", pass_up_why(p, v));
	p->up = v;
	v->placed = true;
	if (restart)
		pass_restart_goes_on(p, p->level, NULL);
}

/* True where a stop that somebody asked for is not its turn yet. */
bool pass_waits_for_child(struct pass *p)
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
	const struct view *v = p->holder ? p->holder : pass_found_running(p);

	if (strcmp(p->want, "restart") != 0 || !v || fit_must_not_start(p))
		return false;
	if (pass_waits_for_child(p))
		return true;
	pass_assign(
		p, v, "down",
		arena_printf(p->a, "%s asked for a restart", pass_asker(p)));
	return true;
}

void pass_place(struct pass *p)
{
	struct view *target;

	if (restart_begins(p))
		return;
	target = pick(p);
	if (!target && p->holder) {
		if (!pass_waits_for_child(p))
			pass_take_down(p, p->holder, NULL);
	} else if (!target) {
		p->up = NULL;
	} else if (!p->holder) {
		bring_up(p, target);
	} else if (target != p->holder) {
		if (!pass_waits_for_child(p))
			pass_take_down(p, p->holder, target);
	} else {
		p->up = p->holder;
		if (is_lost(p->holder)) /* it keeps what only it can run */
			return;
		/* A start that is asked anew tries anew what had failed. */
		if (!p->served && !p->out->blocked && !fit_must_not_start(p))
			pass_assign(p, p->holder, "up",
				    pass_up_why(p, p->holder));
		else if (doc_get_bool(p->holder->row, "alone", false) &&
			 !is_only_node(p, p->holder))
			pass_assign(p, p->holder, "up",
				    "it is not the only node any more")
				->seq = num(p->holder->row, "seq");
	}
}

void pass_stop_all(struct pass *p)
{
	if (pass_waits_for_child(p))
		return;
	for (size_t i = 0; i < p->n; i++) {
		const struct view *v = &p->at[i];

		if ((is_up(v) && (!is_lost(v) || is_alone(v))) ||
		    pass_runs_unasked(v))
			pass_assign(p, v, "down",
				    arena_printf(p->a, "%s asked for a stop",
						 pass_asker(p)));
	}
}

/* Two that are assigned up can only come from outside: the later one counts. */
void pass_stop_doubles(struct pass *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct view *v = &p->at[i];

		if (v != p->holder && is_up(v) && !is_lost(v))
			pass_assign(p, v, "down",
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

void pass_retry_stops(struct pass *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct view *v = &p->at[i];

		if (stop_is_tried_again(v, p->seq) && !is_changed(p, v->name))
			pass_assign(p, v, "down",
				    "its stop had failed and is tried again");
	}
}

static void decide(struct pass *p)
{
	pass_write_off_lost(p);
	if (p->seq && strcmp(p->want, "stopped") == 0) {
		pass_stop_all(p);
	} else if (p->seq && is_flex(p->in)) {
		flex_place(p);
	} else if (p->seq) {
		pass_place(p);
		pass_stop_doubles(p);
	}
	if (p->up)
		p->up->on = true;
	pass_retry_stops(p);
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
	decide(&p);
	fence_nodes(&p);
	if (!p.waits) /* what is inside waits with it */
		encap_decide(&p);
}
