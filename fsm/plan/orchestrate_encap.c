/*
 * The encap level: containers as nodes.
 *
 * Each container has a host, the hypervisor that is assigned up and has it; one
 * without a host runs nothing. Topology failover, with several containers: the
 * same pass as that of the hypervisors, over the containers (orchestrate.c).
 * Otherwise each container follows its host and its own part of the intent; of
 * more than flex_target of them, the first that are well.
 */
#include "fsm/plan/pass.h"

#include <stdlib.h>
#include <string.h>

/* -- which hypervisor has it ------------------------------------------------
 */

static bool needs_look(const struct orch_in *in)
{
	return in->file && (in->conf->encapnodes.n > 1 ||
			    strcmp(in->conf->topology, "flex") == 0);
}

void encap_look(const struct pass *p, struct view *v)
{
	const struct names *all = &p->in->conf->encapnodes;
	struct instance inst;

	if (v->looked)
		return;
	v->looked = true;
	v->carries = ARENA_VEC(p->a, struct carried, all->n + 1);
	if (needs_look(p->in) &&
	    instance_eval(p->a, p->in->file, p->in->service, v->name,
			  LEVEL_HYPERVISOR, &inst, NULL) == 0) {
		for (size_t i = 0; i < inst.n && v->n_carries < all->n; i++) {
			const struct resource *r = &inst.res[i];

			if (strcmp(r->group, "container") == 0 &&
			    r->encapnode && *r->encapnode && !r->disable)
				v->carries[v->n_carries++] =
					(struct carried){ r->encapnode,
							  r->rid };
		}
		return;
	}
	for (size_t i = 0; i < all->n; i++)
		v->carries[v->n_carries++] =
			(struct carried){ all->at[i], NULL };
}

static const struct carried *carried_named(const struct view *v,
					   const char *container)
{
	for (size_t i = 0; i < v->n_carries; i++)
		if (strcmp(v->carries[i].name, container) == 0)
			return &v->carries[i];
	return NULL;
}

bool encap_carries(const struct view *v, const char *container)
{
	return carried_named(v, container) != NULL;
}

void encap_pass(struct pass *q, struct pass *p)
{
	pass_init_encap(q, p);
	for (size_t i = 0; i < p->n; i++) {
		struct view *host = &p->at[i];

		if (!host->on)
			continue;
		encap_look(p, host);
		for (size_t k = 0; k < q->n; k++) {
			struct view *v = &q->at[k];

			if (v->host || !encap_carries(host, v->name))
				continue;
			v->host = host;
			v->rid = carried_named(host, v->name)->rid;
		}
	}
}

/* -- is it fit --------------------------------------------------------------
 */

static const struct doc *said_of(const struct view *v, const char *what)
{
	return v->rid ? doc_get(doc_get(v->host->inst, what), v->rid) : NULL;
}

/* Its host has done with it, and it is down, or its agent does not answer. */
static const char *is_gone(const struct view *v)
{
	if (!has_said(v->host) || said_state(v->host, "starting"))
		return NULL;
	if (doc_is(said_of(v, "resources"), "status", "down"))
		return "is down";
	if (doc_is(said_of(v, "channels"), "word", "unreachable") &&
	    !doc_get_bool(said_of(v, "channels"), "new", false))
		return "has an agent that does not answer";
	return NULL;
}

/* Its container is being started, or its agent is not quite there yet. */
static bool is_on_its_way(const struct view *v)
{
	if (!v->listed || !v->host || !is_alive(v->host) || is_alive(v) ||
	    said_state(v->host, "start failed") || is_gone(v))
		return false;
	return !has_said(v->host) || said_state(v->host, "starting") ||
	       doc_get_bool(said_of(v, "channels"), "new", false);
}

const char *encap_refused(const struct pass *p, const struct view *v)
{
	const char *gone;

	if (!v->listed)
		return "is not one of the service's containers";
	if (!v->host)
		return "is on no hypervisor that is assigned up";
	if (doc_get_bool(v->row, "failed", false) &&
	    num(v->row, "seq") == p->seq)
		return "its start failed there";
	if (v->host->node && v->host->node->draining)
		return "is on a hypervisor that is being drained";
	gone = is_gone(v);
	if (gone)
		return gone;
	if (encap_is_failover(p->in->conf) && is_on_its_way(v))
		return "is on its way up";
	if (encap_is_failover(p->in->conf) && !is_alive(v))
		return "has no lease: its agent is not there, or is not in "
		       "touch";
	return NULL;
}

struct view *encap_best(const struct pass *p, const struct view *but)
{
	for (size_t i = 0; i < p->n; i++) {
		struct view *v = &p->at[i];

		if (v == but || v->picked)
			continue;
		if (!encap_refused(p, v))
			return v;
		if (!p->served && is_on_its_way(v))
			return NULL;
	}
	return NULL;
}

/* -- failover ---------------------------------------------------------------
 */

/* A stop of the hypervisor level alone leaves the encap level as it is asked
 * for: it is there again when the container is. */
static void waits_for_hosts(struct pass *p, uint64_t seq)
{
	if (seq > p->seq && !p->out->blocked)
		p->out->blocked = arena_printf(
			p->a,
			"the hypervisor level of %s is stopped: 'encap "
			"start %s' starts both levels",
			p->in->service, p->in->service);
}

static void decide_failover(struct pass *p, struct pass *q)
{
	struct view *h = q->holder;

	pass_write_off_lost(q);
	if (!q->seq)
		return;
	if (strcmp(q->want, "stopped") == 0) {
		pass_stop_all(q);
	} else if (h && (!h->listed || (!h->host && p->seq &&
					strcmp(p->want, "stopped") != 0))) {
		pass_assign(q, h, "down",
			    h->listed ? "its container is to be stopped"
				      : "it is none of encapnodes any more");
	} else if (!p->seq || strcmp(p->want, "stopped") == 0) {
		waits_for_hosts(p, q->seq);
	} else {
		pass_place(q);
		pass_stop_doubles(q);
	}
	pass_retry_stops(q);
}

/* -- each, or some of them ----------------------------------------------------
 */

struct one { /* what is asked of one container */
	const char *want;
	uint64_t seq;
	bool own; /* by its name */
};

static struct one asked_of(const struct pass *q, const struct view *v)
{
	const struct doc *own =
		doc_get(doc_get(q->in->intent, "slaves"), v->name);

	if (own)
		return (struct one){ doc_get_str(own, "want", "stopped"),
				     num(own, "seq"), true };
	return (struct one){ q->want, q->seq, false };
}

static struct orch_change *assign(struct pass *q, const struct view *v,
				  const char *want, uint64_t seq,
				  const char *why)
{
	struct orch_change *c = pass_assign(q, v, want, why);

	c->seq = seq;
	c->epoch = 0; /* it needs no lease */
	c->host = NULL;
	return c;
}

static void encap_up(struct pass *q, struct view *v, uint64_t seq)
{
	assign(q, v, "up", seq,
	       arena_printf(q->a, "its container is %s on %s",
			    v->host->placed ? "started" : "assigned",
			    v->host->name));
}

static void encap_restart(struct pass *q, struct view *v, uint64_t seq)
{
	if (is_up(v)) {
		assign(q, v, "down", seq,
		       arena_printf(q->a, "%s asked for a restart",
				    pass_asker(q)));
		return;
	}
	if (!v->host) { /* it will be started when its container is */
		pass_restart_goes_on(q, LEVEL_ENCAP, v->name);
		return;
	}
	if (v->row && !v->host->placed && !said_down(v))
		return;
	encap_up(q, v, seq);
	pass_restart_goes_on(q, LEVEL_ENCAP, v->name);
}

static void encap_stop(struct pass *q, const struct view *v, uint64_t seq,
		       const char *why)
{
	if (is_up(v) || (!v->row && doc_is(v->inst, "avail", "up")))
		assign(q, v, "down", seq, why)->failed = v->given_up;
	else if (stop_is_tried_again(v, seq))
		assign(q, v, "down", seq,
		       "its stop had failed and is tried again");
}

static const char *stop_why(const struct pass *q, const struct view *v)
{
	return v->host ? arena_printf(q->a, "%s asked for a stop",
				      pass_asker(q))
		       : "its container is to be stopped";
}

static const char *surplus_why(const struct pass *q, const struct view *v)
{
	const char *gone = v->host ? is_gone(v) : NULL;

	if (v->given_up)
		return arena_printf(q->a, "its start failed in %s", v->name);
	if (gone)
		return arena_printf(q->a, "%s %s", v->name, gone);
	return arena_printf(q->a, "one too many: flex_target is %lld",
			    (long long)q->in->conf->encap.flex_target);
}

static bool is_limited(const struct pass *q)
{
	const struct service_conf *c = q->in->conf;

	return c->encap.flex_target < (int64_t)c->encapnodes.n;
}

static bool is_asked_up(const struct pass *q, const struct view *v)
{
	struct one o = asked_of(q, v);

	return v->listed && v->host && o.seq && strcmp(o.want, "stopped") != 0;
}

/* Has it got it, and is it well? */
static bool may_keep(const struct view *v)
{
	return is_up(v) && !is_gone(v) && !v->given_up;
}

/* Those that shall have it, where that is not all: first whom a person named,
 * then who has it, then the first that are well, then what there is. */
static void pick_some(struct pass *q)
{
	int64_t left = q->in->conf->encap.flex_target;

	for (size_t i = 0; i < q->n; i++)
		q->at[i].given_up =
			is_up(&q->at[i]) && pass_gives_up(q, &q->at[i]);
	for (int turn = 0; turn < 4; turn++)
		for (size_t i = 0; left > 0 && i < q->n; i++) {
			struct view *v = &q->at[i];

			if (v->picked || !is_asked_up(q, v) ||
			    (turn == 0 && !asked_of(q, v).own) ||
			    (turn == 1 && !may_keep(v)) ||
			    (turn == 2 &&
			     (v->given_up || encap_refused(q, v))) ||
			    (turn == 3 && !is_up(v)))
				continue;
			v->picked = true;
			left--;
		}
}

/* Whether one that is not up may be brought up, and one that is, be taken down,
 * without a person's word: by its container's start, or where that is ours. */
static bool may_change(const struct pass *q, const struct view *v)
{
	return !is_limited(q) || (v->host && v->host->placed) ||
	       !fit_must_not_start(q);
}

static void decide_one(struct pass *p, struct pass *q, struct view *v)
{
	struct one o = asked_of(q, v);

	if (!v->listed) {
		if (is_up(v))
			assign(q, v, "down", o.seq,
			       "it is none of encapnodes any more");
		return;
	}
	if (!o.seq)
		return;
	if (strcmp(o.want, "restart") == 0)
		encap_restart(q, v, o.seq);
	else if (strcmp(o.want, "started") != 0)
		encap_stop(q, v, o.seq, stop_why(q, v));
	else if (strcmp(p->want, "stopped") == 0)
		waits_for_hosts(p, o.seq);
	else if (!v->host)
		encap_stop(q, v, o.seq, stop_why(q, v));
	else if (!v->picked && may_change(q, v))
		encap_stop(q, v, o.seq, surplus_why(q, v));
	else if (v->picked && (is_up(v) || may_change(q, v)) &&
		 (!is_up(v) || v->host->placed || num(v->row, "seq") != o.seq))
		encap_up(q, v, o.seq);
}

static void decide_each(struct pass *p, struct pass *q)
{
	if (is_limited(q))
		pick_some(q);
	for (size_t i = 0; i < q->n; i++) {
		q->at[i].picked = q->at[i].picked || !is_limited(q);
		decide_one(p, q, &q->at[i]);
	}
}

void encap_decide(struct pass *p)
{
	struct pass q;

	encap_pass(&q, p);
	if (encap_is_failover(p->in->conf))
		decide_failover(p, &q);
	else
		decide_each(p, &q);
	p->token = q.token;
}
