/*
 * How: one sweep over the resources, in start order or in the reverse of it,
 * stops at the first that is not as wanted: that one is acted on or waited
 * for. So the order of a start or stop is never kept anywhere; it is found
 * again each time from what is there. What is wanted down is swept first.
 *
 * A start that has failed is sticky for its assignment (memory): from then on
 * the sweep is that of the rollback. What a person asked of some resources of
 * an instance that is up fails by itself: the rest is not touched.
 */
#include "fsm/plan/reconcile.h"

#include <string.h>

#include "fsm/plan/actions.h"
#include "fsm/plan/sweep.h"

/* -- one resource ------------------------------------------------------- */

static const struct resource *res(const struct sweep *s, size_t i)
{
	return &s->in->inst->res[i];
}

static enum status status_of(const struct sweep *s, size_t i)
{
	return s->in->probes[i].status;
}

static bool is_group(const struct resource *r, const char *group)
{
	return strcmp(r->group, group) == 0;
}

bool sweep_is_ours(const struct sweep *s, size_t i)
{
	return actions_may_touch(s->in->inst, res(s, i));
}

enum hold sweep_hold(const struct sweep *s, size_t i)
{
	return s->in->holds ? s->in->holds[i] : HOLD_NOT;
}

static enum want wanted_standby(const struct sweep *s)
{
	return s->in->want != WANT_NOTHING || s->in->standby ? WANT_UP
							     : WANT_NOTHING;
}

/* The hold goes before the assignment; but what is not standby is up only where
 * that is assigned. */
static enum want wanted(const struct sweep *s, size_t i)
{
	bool standby = res(s, i)->standby;
	enum want up =
		s->in->want == WANT_UP || standby ? WANT_UP : s->in->want;

	switch (sweep_hold(s, i)) {
	case HOLD_UP:
	case HOLD_PROVISION:
		return up;
	case HOLD_DOWN:
	case HOLD_UNPROVISION:
		return WANT_DOWN;
	case HOLD_MAKE:
		if (s->making)
			return WANT_NOTHING;
		if (s->in->memory[i].started && !standby)
			return WANT_DOWN;
		break;
	case HOLD_RESTART:
		return s->in->memory[i].turned ? up : WANT_DOWN;
	case HOLD_KEEP:
		return s->in->want == WANT_DOWN && !standby ? WANT_DOWN
							    : WANT_NOTHING;
	case HOLD_NOT:
		break;
	}
	return standby ? wanted_standby(s) : s->in->want;
}

/* A failure of it is that of a person's action, not of the assignment. */
static bool is_held(const struct sweep *s, size_t i)
{
	return s->in->memory[i].asked &&
	       (s->in->was_up || s->in->want != WANT_UP);
}

/* -- restarts ---------------------------------------------------------------
 */

static bool may_restart(const struct sweep *s, size_t i)
{
	return !s->in->frozen && s->in->memory[i].restarts < res(s, i)->restart;
}

/* How long until its next restart; restarts of before it was last seen up
 * count for the pause, too. */
static int64_t restart_pause_ms(const struct sweep *s, size_t i)
{
	const struct recon_memory *m = &s->in->memory[i];
	unsigned n = m->restarts ? m->restarts : m->last_ms > 0;
	int64_t due =
		m->last_ms + actions_restart_wait_ms(s->in->inst, res(s, i), n);

	return n && due > s->in->now_ms ? due - s->in->now_ms : 0;
}

/* -- what comes out ------------------------------------------------------- */

static struct recon_action *put(struct sweep *s, enum recon_op op, size_t i,
				const char *why)
{
	struct recon_out *o = s->out;
	struct recon_action *act;

	if (!o->at)
		o->at = ARENA_VEC(s->a, struct recon_action,
				  s->in->inst->n + 1);
	act = &o->at[o->n++];
	*act = (struct recon_action){ .op = op, .res = i, .why = why };
	o->state = RECON_ACT;
	o->wait = NULL;
	return act;
}

static void scope_acted(struct sweep *s, size_t i)
{
	const struct subset *sub = actions_subset(s->in->inst, res(s, i));
	struct recon_hooks *h = s->in->hooks;

	if (!h || s->partial)
		return;
	h[0].acted = true;
	if (sub)
		h[1 + (sub - s->in->inst->subsets)].acted = true;
}

void sweep_act(struct sweep *s, enum recon_op op, size_t i, const char *why)
{
	put(s, op, i, why);
	s->out->word = op == RECON_START	 ? "starting"
		       : op == RECON_PROVISION	 ? "provisioning"
		       : op == RECON_UNPROVISION ? "unprovisioning"
						 : "stopping";
}

static void wait_for(struct sweep *s, const char *word, const char *what)
{
	if (s->out->n) /* others of a parallel subset are acted on */
		return;
	s->out->state = RECON_WAIT;
	s->out->word = word;
	s->out->wait = what;
}

static void give_up(struct sweep *s, const char *word, const char *why)
{
	s->out->n = 0;
	s->out->state = RECON_FAILED;
	s->out->word = word;
	s->out->wait = why;
}

static void again_after(struct sweep *s, int64_t ms)
{
	if (ms > 0 && (!s->out->again_ms || ms < s->out->again_ms))
		s->out->again_ms = ms;
}

/* -- triggers around the whole, and around subsets ---------------------------
 */

static const char *const *scope_kw(const struct sweep *s, size_t scope)
{
	return scope ? s->in->inst->subsets[scope - 1].kw : s->in->inst->kw;
}

/* True if they are to be run now. */
static bool hook(struct sweep *s, size_t scope, bool after, const char *action)
{
	struct recon_hooks *h = s->in->hooks ? &s->in->hooks[scope] : NULL;
	const char *const *kw = scope_kw(s, scope);
	bool start = strcmp(action, "start") == 0;
	struct recon_action *put_act;

	if (s->in->whole)
		action = s->in->whole;
	if (!h || s->partial || h->failed || (after ? h->after : h->before) ||
	    (after && !h->acted) ||
	    (!actions_trigger(kw, action, after, false) &&
	     !actions_trigger(kw, action, after, true)))
		return false;
	h->acted = true;
	put_act = put(s, RECON_HOOK, scope,
		      scope ? "triggers of the subset"
			    : "triggers of the service");
	put_act->after = after;
	put_act->action = action;
	s->out->word = start ? "starting" : "stopping";
	return true;
}

static const struct recon_hooks *failed_hook(const struct sweep *s)
{
	for (size_t i = 0; s->in->hooks && i <= s->in->inst->n_subsets; i++)
		if (s->in->hooks[i].failed)
			return &s->in->hooks[i];
	return NULL;
}

/* -- units: the resources of a group and subset ------------------------------
 */

struct unit {
	size_t from, to; /* to: behind the last */
	size_t scope;	 /* 0: the file says nothing of it */
	bool parallel;
};

static struct unit unit_of(const struct sweep *s, size_t from, size_t to)
{
	const struct subset *sub = actions_subset(s->in->inst, res(s, from));

	return (struct unit){
		.from = from,
		.to = to,
		.scope = sub ? (size_t)(sub - s->in->inst->subsets) + 1 : 0,
		.parallel = sub && sub->parallel,
	};
}

static bool same_unit(const struct sweep *s, size_t i, size_t k)
{
	return is_group(res(s, i), res(s, k)->group) &&
	       strcmp(res(s, i)->subset, res(s, k)->subset) == 0;
}

static struct unit unit_from(const struct sweep *s, size_t from)
{
	size_t to = from + 1;

	while (to < s->in->inst->n && same_unit(s, from, to))
		to++;
	return unit_of(s, from, to);
}

static struct unit unit_upto(const struct sweep *s, size_t to)
{
	size_t from = to - 1;

	while (from > 0 && same_unit(s, from - 1, to - 1))
		from--;
	return unit_of(s, from, to);
}

/* -- start ------------------------------------------------------------------
 */

static bool has_fallen(const struct sweep *s, size_t i)
{
	return s->in->was_up && !s->in->memory[i].asked;
}

/* NEED_ACT, or nothing while it is not time for it. */
static enum need restart_need(struct sweep *s, size_t i, enum need none_left)
{
	int64_t pause = restart_pause_ms(s, i);

	if (!may_restart(s, i))
		return none_left;
	again_after(s, pause);
	return pause ? NEED_WAIT : NEED_ACT;
}

static enum need start_need(struct sweep *s, size_t i)
{
	const struct recon_memory *m = &s->in->memory[i];
	const struct resource *r = res(s, i);
	enum need failed = r->optional ? NEED_NOTHING : NEED_GIVE_UP;
	enum status st = status_of(s, i);

	if (st == STATUS_UP)
		return NEED_NOTHING;
	if (has_fallen(s, i)) /* or it cannot be told */
		return st == STATUS_DOWN ? restart_need(s, i, NEED_NOTHING)
					 : NEED_NOTHING;
	if (m->start_failed)
		return failed;
	/* An app without a check is n/a and may be down. */
	if (!m->done)
		return st == STATUS_NA && !is_group(r, "app") &&
				       !s->in->probes[i].undriven
			       ? NEED_NOTHING
			       : NEED_ACT;
	if (st != STATUS_DOWN)
		return NEED_NOTHING;
	return restart_need(s, i, failed);
}

static const char *start_why(const struct sweep *s, size_t i)
{
	const struct recon_memory *m = &s->in->memory[i];

	if (m->done || has_fallen(s, i))
		return arena_printf(s->a, "it fell down: restart %u of %lld",
				    m->restarts + 1,
				    (long long)res(s, i)->restart);
	if (sweep_hold(s, i) == HOLD_UP || sweep_hold(s, i) == HOLD_RESTART)
		return "it was asked for by itself";
	if (res(s, i)->standby && s->in->want != WANT_UP)
		return "it is standby: up whether the rest is or not";
	return "next in the order of the start";
}

static bool stop_in_rollback(const struct sweep *s, size_t i)
{
	const struct recon_memory *m = &s->in->memory[i];
	enum status st = status_of(s, i);

	if (!sweep_is_ours(s, i) || res(s, i)->standby || m->stop_failed ||
	    st == STATUS_DOWN)
		return false;
	if (m->started)
		return true;
	return m->start_failed && !m->done && st != STATUS_NA;
}

/* Stop @i, and before it what runs in it. */
static void roll_back_one(struct sweep *s, size_t i, const char *error)
{
	const char *why;
	bool halt = false;

	if (encap_halt_need(s, i, &halt, &why) == NEED_WAIT) {
		wait_for(s, "starting", why);
		if (halt)
			s->out->halt = res(s, i)->rid;
		return;
	}
	sweep_act(s, RECON_STOP, i, arena_printf(s->a, "rollback: %s", error));
}

/* The start has failed: stop what it has started, in reverse. */
static void roll_back(struct sweep *s, const char *error)
{
	s->out->n = 0;
	for (size_t i = s->in->inst->n;
	     s->in->inst->conf.rollback && i-- > 0;) {
		if (!stop_in_rollback(s, i))
			continue;
		roll_back_one(s, i, error);
		return;
	}
	give_up(s, "start failed", error);
}

static const char *start_error(const struct sweep *s, size_t i)
{
	const struct recon_memory *m = &s->in->memory[i];

	return m->error ? m->error
			: arena_printf(s->a, "the start of %s failed",
				       res(s, i)->rid);
}

/* What has failed to start, of the assignment or of what is held. */
static bool has_failed(const struct sweep *s, bool held, size_t *ret)
{
	for (size_t i = 0; i < s->in->inst->n; i++)
		if (sweep_is_ours(s, i) && !res(s, i)->optional &&
		    is_held(s, i) == held && s->in->memory[i].start_failed) {
			*ret = i;
			return true;
		}
	return false;
}

static void start_failed_by(struct sweep *s, size_t i, const char *error)
{
	struct recon_memory *m = &s->in->memory[i];

	m->start_failed = true;
	s->out->error = error;
	if (is_held(s, i))
		s->out->act_error = error;
	else
		roll_back(s, error);
}

/* Its requirements; false where it cannot be started for want of them. */
static bool start_is_allowed(struct sweep *s, size_t i, bool *ret_goes_on)
{
	bool skip;
	const char *why = actions_unmet(s->a, s->in->inst, s->in->probes, i,
					"start", &skip);

	*ret_goes_on = true;
	if (!why)
		return true;
	if (skip || has_fallen(s, i))
		return false;
	if (res(s, i)->optional ||
	    (s->in->want != WANT_UP && !s->in->memory[i].asked)) {
		s->out->note = why;
		s->in->memory[i].start_failed = true;
		return false;
	}
	start_failed_by(s, i, why);
	*ret_goes_on = is_held(s, i);
	return false;
}

/* A standby one where the instance is not wanted up: nothing depends on it. */
static enum need standby_need(struct sweep *s, size_t i)
{
	const struct recon_memory *m = &s->in->memory[i];

	if (status_of(s, i) != STATUS_DOWN || m->start_failed)
		return NEED_NOTHING;
	if (!m->done)
		return NEED_ACT;
	return restart_need(s, i, NEED_NOTHING) == NEED_ACT ? NEED_ACT
							    : NEED_NOTHING;
}

/* False where the sweep ends. */
static bool start_one(struct sweep *s, size_t i)
{
	const char *why = NULL;
	bool alone = s->in->want != WANT_UP && !s->in->memory[i].asked;
	enum need need = sweep_hold(s, i) == HOLD_PROVISION
				 ? provision_need(s, i, &why)
				 : NEED_NOTHING;
	bool goes_on;

	if (need == NEED_ACT)
		return false;
	if (need == NEED_GIVE_UP) {
		start_failed_by(s, i, why);
		return is_held(s, i);
	}
	need = alone ? standby_need(s, i) : start_need(s, i);
	if (need == NEED_ACT) {
		if (!start_is_allowed(s, i, &goes_on))
			return goes_on;
		sweep_act(s, RECON_START, i, start_why(s, i));
		return false;
	}
	if (need == NEED_WAIT && !has_fallen(s, i)) {
		wait_for(s, "starting",
			 arena_printf(s->a,
				      "%s did not stay up: a pause before "
				      "its next start",
				      res(s, i)->rid));
		return false;
	}
	if (need == NEED_GIVE_UP) {
		start_failed_by(s, i,
				arena_printf(s->a,
					     "%s did not stay up after "
					     "its start",
					     res(s, i)->rid));
		return is_held(s, i);
	}
	if (alone || has_fallen(s, i) || status_of(s, i) == STATUS_DOWN)
		return true;
	need = encap_start_need(s, i, &why);
	if (need == NEED_WAIT)
		wait_for(s, "starting", why);
	else if (need == NEED_GIVE_UP && !res(s, i)->optional)
		start_failed_by(s, i, why);
	else
		return true;
	return false;
}

/* What else was asked for is not begun once some of it has failed. */
static bool is_start(struct sweep *s, size_t i)
{
	return sweep_is_ours(s, i) && wanted(s, i) == WANT_UP &&
	       !(s->out->act_error && is_held(s, i));
}

/* The triggers that come before the first start in @u. True if there are. */
static bool hooks_before_start(struct sweep *s, const struct unit *u)
{
	bool needed = false;

	for (size_t i = u->from; i < u->to && !needed; i++)
		needed = is_start(s, i) && !has_fallen(s, i) &&
			 start_need(s, i) == NEED_ACT;
	if (!needed || s->in->want != WANT_UP)
		return false;
	return hook(s, 0, false, "start") ||
	       (u->scope && hook(s, u->scope, false, "start"));
}

/* False where the sweep ends. */
static bool unit_up(struct sweep *s, const struct unit *u)
{
	bool goes_on = true;

	if (hooks_before_start(s, u))
		return false;
	for (size_t i = u->from; i < u->to; i++) {
		if (!is_start(s, i) || start_one(s, i))
			continue;
		if (s->out->n && s->out->at[s->out->n - 1].op != RECON_STOP &&
		    !has_fallen(s, i))
			scope_acted(s, i);
		goes_on = false;
		if (!u->parallel || s->out->state == RECON_FAILED ||
		    s->out->error)
			return false;
	}
	return goes_on && !(u->scope && s->in->want == WANT_UP &&
			    hook(s, u->scope, true, "start"));
}

/* What a person asked for has failed: what that has started is stopped. True
 * where something is done about it. */
static bool roll_back_held(struct sweep *s)
{
	size_t failed;

	if (!has_failed(s, true, &failed))
		return false;
	s->out->act_error = start_error(s, failed);
	for (size_t i = s->in->inst->n; s->in->inst->conf.rollback && i-- > 0;)
		if (is_held(s, i) && stop_in_rollback(s, i)) {
			roll_back_one(s, i, s->out->act_error);
			return true;
		}
	return false;
}

/* False where the sweep ends. */
static bool sweep_up(struct sweep *s)
{
	const struct recon_hooks *h = failed_hook(s);
	size_t failed;

	if (s->in->want == WANT_UP && !s->in->was_up) {
		if (has_failed(s, false, &failed)) {
			s->out->error = s->in->memory[failed].error;
			roll_back(s, start_error(s, failed));
			return false;
		}
		if (h) {
			s->out->error = h->error;
			roll_back(s, h->error ? h->error : "a trigger failed");
			return false;
		}
	}
	if (roll_back_held(s))
		return false;
	for (size_t i = 0; i < s->in->inst->n;) {
		struct unit u = unit_from(s, i);

		i = u.to;
		if (!unit_up(s, &u))
			return false;
	}
	return !(s->in->want == WANT_UP && hook(s, 0, true, "start"));
}

/* -- stop --------------------------------------------------------------------
 */

/* An app that cannot be asked is taken to be up where what it needs is up. */
static bool app_may_be_up(const struct sweep *s, size_t i)
{
	if (!is_group(res(s, i), "app"))
		return false;
	for (size_t k = 0; k < s->in->inst->n; k++)
		if (sweep_is_ours(s, k) && !is_group(res(s, k), "app") &&
		    !res(s, k)->optional && !res(s, k)->standby &&
		    status_of(s, k) == STATUS_DOWN)
			return false;
	return true;
}

static enum need stop_need(const struct sweep *s, size_t i)
{
	const struct recon_memory *m = &s->in->memory[i];
	enum status st = status_of(s, i);

	if (st == STATUS_DOWN)
		return NEED_NOTHING;
	if (st == STATUS_NA && (m->done || !app_may_be_up(s, i)))
		return NEED_NOTHING;
	return m->stop_failed || m->done ? NEED_GIVE_UP : NEED_ACT;
}

static const char *stop_error(const struct sweep *s, size_t i)
{
	const struct recon_memory *m = &s->in->memory[i];

	if (m->stop_failed && m->error)
		return m->error;
	return arena_printf(s->a,
			    "stop %s: it came back well, but %s is not "
			    "down",
			    res(s, i)->rid, res(s, i)->rid);
}

/* Of some resources alone: the others go on. False where the sweep ends. */
static bool stop_failed_by(struct sweep *s, const char *error)
{
	if (s->in->want != WANT_DOWN) {
		s->out->act_error = error;
		return true;
	}
	give_up(s, "stop failed", error);
	s->out->error = error;
	return false;
}

/* What runs in it goes first. A person who stops the container of an instance
 * that is up has not asked the encap level for anything. */
static enum need stop_inner_need(struct sweep *s, size_t i, const char **why)
{
	enum need need;
	bool halt = false;

	if (s->in->want == WANT_DOWN)
		return encap_stop_need(s, i, why);
	need = encap_halt_need(s, i, &halt, why);
	if (halt)
		s->out->halt = res(s, i)->rid;
	return need;
}

static bool stop_is_allowed(struct sweep *s, size_t i, bool *ret_goes_on)
{
	bool skip;
	const char *why = actions_unmet(s->a, s->in->inst, s->in->probes, i,
					"stop", &skip);

	*ret_goes_on = true;
	if (!why)
		return true;
	if (!skip && !res(s, i)->optional)
		*ret_goes_on = stop_failed_by(s, why);
	return false;
}

/* The ladder of a stop of the whole ends with this rung. */
static enum rung last_rung(const struct sweep *s, size_t i)
{
	const char *word = s->in->inst->conf.stop_failed;

	if (s->in->want != WANT_DOWN || !word || strcmp(word, "none") == 0)
		return RUNG_SOFT;
	return strcmp(word, "kill") == 0 || !is_group(res(s, i), "container")
		       ? RUNG_KILL
		       : RUNG_CUT;
}

static const char *stop_why(const struct sweep *s, size_t i)
{
	enum hold hold = sweep_hold(s, i);

	if (hold == HOLD_MAKE)
		return "it was up only for what was made on it";
	return hold == HOLD_DOWN || hold == HOLD_RESTART
		       ? "it was asked for by itself"
		       : "next in the order of the stop";
}

/* It is down: what was made for it may go. False where the sweep ends. */
static bool unprovision_one(struct sweep *s, size_t i)
{
	const char *why = NULL;
	enum need need = unprovision_need(s, i, &why);

	if (need == NEED_GIVE_UP) {
		s->in->memory[i].unmade = true;
		s->out->act_error = why;
	}
	return need != NEED_ACT;
}

/* What went wrong in a container is lost once that is down. */
static void note_inner(struct sweep *s, size_t i)
{
	const char *error = sweep_hold(s, i) == HOLD_UNPROVISION
				    ? encap_act_error(s, i)
				    : NULL;

	if (!error)
		return;
	s->in->memory[i].unmade = true;
	s->out->act_error = error;
}

/* Its stop has failed: the next rung, or the end of it. False where the sweep
 * ends. */
static bool stop_harder(struct sweep *s, size_t i)
{
	const struct recon_memory *m = &s->in->memory[i];

	if (m->rung >= last_rung(s, i))
		return res(s, i)->optional
			       ? unprovision_one(s, i)
			       : stop_failed_by(s, stop_error(s, i));
	if (m->rung == RUNG_SOFT)
		sweep_act(s, RECON_KILL, i,
			  arena_printf(s->a,
				       "by force, as its stop has failed: %s",
				       stop_error(s, i)));
	else
		sweep_act(s, RECON_CUT, i,
			  "it cannot be stopped: its network is taken away");
	return false;
}

/* False where the sweep ends. */
static bool stop_one(struct sweep *s, size_t i)
{
	const char *why = NULL;
	enum need need = stop_need(s, i), inner;
	bool goes_on;

	if (need == NEED_NOTHING)
		return unprovision_one(s, i);
	if (need == NEED_GIVE_UP)
		return stop_harder(s, i);
	if (!stop_is_allowed(s, i, &goes_on))
		return goes_on;
	inner = stop_inner_need(s, i, &why);
	if (inner == NEED_WAIT) {
		wait_for(s, "stopping", why);
		return false;
	}
	if (inner == NEED_GIVE_UP && last_rung(s, i) == RUNG_SOFT)
		return stop_failed_by(s, why);
	if (inner == NEED_GIVE_UP)
		why = arena_printf(s->a, "it ends with its container: %s", why);
	note_inner(s, i);
	sweep_act(s, RECON_STOP, i, why ? why : stop_why(s, i));
	return false;
}

static bool is_stop(const struct sweep *s, size_t i)
{
	return sweep_is_ours(s, i) && wanted(s, i) == WANT_DOWN;
}

/* An unprovision of all of it may find all of it down. */
static bool stops_all(const struct sweep *s)
{
	return s->in->want == WANT_DOWN ||
	       (s->in->whole && strcmp(s->in->whole, "unprovision") == 0);
}

static bool hooks_before_stop(struct sweep *s, const struct unit *u)
{
	bool needed = false;

	for (size_t i = u->from; i < u->to && !needed; i++)
		needed = is_stop(s, i) && (stop_need(s, i) == NEED_ACT ||
					   unprovision_pends(s, i));
	if (!needed || !stops_all(s))
		return false;
	return hook(s, 0, false, "stop") ||
	       (u->scope && hook(s, u->scope, false, "stop"));
}

/* False where the sweep ends. */
static bool unit_down(struct sweep *s, const struct unit *u)
{
	bool goes_on = true;

	if (hooks_before_stop(s, u))
		return false;
	for (size_t i = u->to; i-- > u->from;) {
		if (!is_stop(s, i) || stop_one(s, i))
			continue;
		if (s->out->n)
			scope_acted(s, i);
		goes_on = false;
		if (!u->parallel || s->out->state == RECON_FAILED)
			return false;
	}
	return goes_on &&
	       !(u->scope && stops_all(s) && hook(s, u->scope, true, "stop"));
}

/* What was to be down before it comes up again has come down. */
static void turn(struct sweep *s)
{
	for (size_t i = 0; i < s->in->inst->n; i++) {
		struct recon_memory *m = &s->in->memory[i];

		if (sweep_hold(s, i) != HOLD_RESTART || m->turned)
			continue;
		if (m->stop_failed)
			m->asked = false;
		else
			*m = (struct recon_memory){ .asked = true };
		m->turned = true;
	}
}

/* False where the sweep ends. */
static bool sweep_down(struct sweep *s)
{
	const struct recon_hooks *h = failed_hook(s);

	if (h && stops_all(s))
		return stop_failed_by(s,
				      h->error ? h->error : "a trigger failed");
	for (size_t i = s->in->inst->n; i > 0;) {
		struct unit u = unit_upto(s, i);

		i = u.from;
		if (!unit_down(s, &u))
			return false;
	}
	if (stops_all(s) && hook(s, 0, true, "stop"))
		return false;
	turn(s);
	return true;
}

/* -- what stays down ---------------------------------------------------------
 */

static void find_monitored(struct sweep *s)
{
	for (size_t i = 0; i < s->in->inst->n; i++) {
		const struct resource *r = res(s, i);

		if (!sweep_is_ours(s, i) || !r->monitor || !has_fallen(s, i) ||
		    wanted(s, i) != WANT_UP || status_of(s, i) != STATUS_DOWN ||
		    may_restart(s, i) || s->in->frozen)
			continue;
		s->out->monitor = arena_printf(
			s->a, "%s is monitored and stays down%s", r->rid,
			r->restart ? ": its restarts are used up" : "");
		s->out->monitor_res = i;
		return;
	}
}

/* -- kill ---------------------------------------------------------------------
 */

static bool must_be_killed(const struct sweep *s, size_t i)
{
	const struct recon_memory *m = &s->in->memory[i];
	enum status st = status_of(s, i);

	if (!sweep_is_ours(s, i) || res(s, i)->standby)
		return false;
	if (m->busy) /* it was down, and may be up any moment */
		return true;
	if (st == STATUS_DOWN)
		return false;
	if (st == STATUS_NA)
		return is_group(res(s, i), "app") &&
		       (m->done || m->started || s->in->was_up);
	return true;
}

static void sweep_kill(struct sweep *s)
{
	for (size_t i = 0; i < s->in->inst->n; i++)
		if (must_be_killed(s, i))
			sweep_act(s, RECON_KILL, i,
				  "this node has no lease for it any more");
}

/* What was asked for and is there is like all the rest from now on. */
static void settle(struct sweep *s)
{
	for (size_t i = 0; i < s->in->inst->n; i++)
		if (status_of(s, i) == STATUS_UP && wanted(s, i) == WANT_UP)
			s->in->memory[i].asked = false;
	if (s->in->want == WANT_UP && s->in->was_up)
		find_monitored(s);
}

void reconcile(struct arena *a, const struct recon_in *in,
	       struct recon_out *ret)
{
	struct sweep s = { .a = a, .in = in, .out = ret };

	*ret = (struct recon_out){ .state = RECON_SETTLED, .word = "idle" };
	for (size_t i = 0; in->holds && !in->whole && i < in->inst->n; i++)
		s.partial = s.partial || in->holds[i] != HOLD_NOT;
	if (in->kill) {
		sweep_kill(&s);
		return;
	}
	if (in->want == WANT_NOTHING && !in->standby)
		return;
	make_begin(&s);
	if (sweep_down(&s) && make_sweep(&s) && sweep_up(&s))
		settle(&s);
}
