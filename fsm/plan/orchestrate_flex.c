/*
 * Topology flex: as many hypervisors as flex_target says.
 *
 * How: those that shall be up are picked anew in each pass: whom a person named
 * first, then who has it, then who is found to have it, then the best of the
 * rest. Who has it and is not picked is surplus and goes down; who is picked
 * and has it not comes up, as long as no more than flex_max may be running. So
 * the loss of one, an edit of flex_target and a move are all the same.
 */
#include "fsm/plan/pass.h"

#include <string.h>

static bool has_it(const struct view *v)
{
	return is_up(v) && !is_lost(v);
}

/* -- who shall be up --------------------------------------------------------
 */

static void pick(struct view *v, size_t *left)
{
	if (!v || v->picked || !*left)
		return;
	v->picked = true;
	(*left)--;
}

static bool may_keep(const struct view *v)
{
	return has_it(v) && (v->listed || v->drp) && !v->given_up;
}

/* The best placed of those that have it and were not picked. */
static struct view *next_kept(const struct pass *p)
{
	struct view *best = NULL;

	for (size_t i = 0; i < p->n; i++) {
		struct view *v = &p->at[i];

		if (!v->picked && may_keep(v) &&
		    (!best || fit_place(p, v) < fit_place(p, best)))
			best = v;
	}
	return best;
}

static struct view *next_found(const struct pass *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (!p->at[i].picked && pass_runs_unasked(&p->at[i]) &&
		    !fit_refused(p, &p->at[i], false))
			return &p->at[i];
	return NULL;
}

static void pick_asked(struct pass *p, size_t *left)
{
	struct view *v = p->asked && !p->served ? pass_view(p, p->asked) : NULL;
	const char *why = v ? fit_refused(p, v, true) : NULL;

	if (why)
		p->out->blocked = arena_printf(p->a,
					       "%s was asked to run on "
					       "%s, which %s",
					       p->in->service, p->asked, why);
	else
		pick(v, left);
}

static bool drain_is_over(const struct pass *p, const struct view *v)
{
	return upkeep_drains_from(p, v) && v->node->drain_over;
}

static void pick_all(struct pass *p)
{
	size_t left = (size_t)p->in->conf->flex_target;
	struct view *v;

	for (size_t i = 0; i < p->n; i++)
		p->at[i].given_up =
			has_it(&p->at[i]) && (pass_gives_up(p, &p->at[i]) ||
					      upkeep_drains_from(p, &p->at[i]));
	pick_asked(p, &left);
	while (left && (v = next_kept(p)))
		pick(v, &left);
	while (left && (v = next_found(p)))
		pick(v, &left);
	while (left && (v = fit_best(p, NULL)))
		pick(v, &left);
	/* Rather what has failed than nothing. */
	for (size_t i = 0; left && i < p->n; i++)
		if (has_it(&p->at[i]) && (p->at[i].listed || p->at[i].drp) &&
		    !drain_is_over(p, &p->at[i]))
			pick(&p->at[i], &left);
	if (left && !p->out->blocked)
		p->out->blocked = arena_printf(
			p->a, "%lld are asked for, %lld can be: %s",
			(long long)p->in->conf->flex_target,
			(long long)p->in->conf->flex_target - (long long)left,
			fit_nobody(p));
}

/* -- down --------------------------------------------------------------------
 */

static struct view *newcomer(const struct pass *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].picked && !has_it(&p->at[i]))
			return &p->at[i];
	return NULL;
}

static void drop(struct pass *p, struct view *v, const char *stop)
{
	const struct view *next = newcomer(p);

	if (!v->listed && !v->drp) {
		pass_assign(p, v, "down",
			    "it is none of the service's nodes any more");
	} else if (stop && !upkeep_drains_from(p, v)) {
		v->on = true;
	} else if (next || drain_is_over(p, v)) {
		pass_take_down(p, v, next);
	} else {
		pass_assign(p, v, "down",
			    arena_printf(p->a,
					 "one too many: flex_target is %lld",
					 (long long)p->in->conf->flex_target))
			->failed = pass_gives_up(p, v);
	}
}

/* -- up ----------------------------------------------------------------------
 */

static bool shares_container(const struct view *v, const struct view *o,
			     const char **ret)
{
	for (size_t i = 0; i < v->n_carries; i++)
		for (size_t k = 0; k < o->n_carries; k++)
			if (strcmp(v->carries[i].name, o->carries[k].name) ==
			    0) {
				*ret = v->carries[i].name;
				return true;
			}
	return false;
}

/* An encap node is one machine: it cannot be up on two hypervisors. */
static const char *container_is_elsewhere(struct pass *p, struct view *v)
{
	const char *name;

	encap_look(p, v);
	for (size_t i = 0; v->n_carries && i < p->n; i++) {
		struct view *o = &p->at[i];

		if (o == v || !(pass_may_run(o) || o->on))
			continue;
		encap_look(p, o);
		if (shares_container(v, o, &name))
			return arena_printf(
				p->a,
				"%s is the same container on %s and on %s, "
				"and %s may have it up: give each a name of "
				"its own, as in name@%s",
				name, v->name, o->name, o->name, v->name);
	}
	return NULL;
}

static size_t count_running(const struct pass *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += pass_may_run(&p->at[i]);
	return n;
}

static void raise(struct pass *p, struct view *v, const char *stop,
		  size_t *running)
{
	const char *why = container_is_elsewhere(p, v);

	if (!why)
		why = stop ? stop : fit_waits_for_parent(p);
	if (why) {
		if (!p->out->blocked)
			p->out->blocked = why;
		return;
	}
	if (!pass_may_run(v) && *running >= (size_t)p->in->conf->flex_max)
		return; /* one is on its way down */
	*running += !pass_may_run(v);
	pass_assign(p, v, "up", pass_up_why(p, v));
	v->on = v->placed = true;
}

static void keep(struct pass *p, struct view *v, const char *stop)
{
	v->on = true;
	if (upkeep_drains_from(p, v))
		p->out->blocked =
			arena_printf(p->a, "%s is being drained, and %s",
				     v->name, fit_nobody(p));
	/* A start that is asked anew tries anew what had failed. */
	else if (!p->served && !stop && num(v->row, "seq") != p->seq)
		pass_assign(p, v, "up", pass_up_why(p, v));
}

/* -- restart ------------------------------------------------------------------
 */

/* True while all of it is on its way down. */
static bool restart_begins(struct pass *p)
{
	bool any = false;

	if (strcmp(p->want, "restart") != 0 || fit_must_not_start(p))
		return false;
	for (size_t i = 0; i < p->n; i++)
		any = any || has_it(&p->at[i]) || pass_runs_unasked(&p->at[i]);
	if (any && pass_waits_for_child(p)) {
		for (size_t i = 0; i < p->n; i++)
			p->at[i].on = has_it(&p->at[i]);
		return true;
	}
	for (size_t i = 0; any && i < p->n; i++)
		if (has_it(&p->at[i]) || pass_runs_unasked(&p->at[i]))
			pass_assign(p, &p->at[i], "down",
				    arena_printf(p->a, "%s asked for a restart",
						 pass_asker(p)));
	return any || count_running(p) > 0;
}

/* The word of a person who named a node is kept once that was tried. */
static bool asked_is_open(const struct pass *p)
{
	const struct view *v = p->asked ? pass_view(p, p->asked) : NULL;

	return v && !has_served(v, p->seq) && !fit_refused(p, v, true);
}

void flex_place(struct pass *p)
{
	size_t running = count_running(p);
	const char *stop;
	bool placed = false, drains = false;

	if (asked_is_open(p))
		p->served = false;
	stop = fit_must_not_start(p);
	if (restart_begins(p))
		return;
	pick_all(p);
	for (size_t i = 0; i < p->n; i++) {
		if (!has_it(&p->at[i]) || p->at[i].picked)
			continue;
		drop(p, &p->at[i], stop);
		/* A drain is a person's word, also for who comes instead. */
		drains = drains || upkeep_drains_from(p, &p->at[i]);
	}
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].picked && has_it(&p->at[i]))
			keep(p, &p->at[i], stop);
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].picked && !has_it(&p->at[i]))
			raise(p, &p->at[i], drains ? NULL : stop, &running);
	for (size_t i = 0; i < p->n; i++)
		placed = placed || p->at[i].placed;
	if (strcmp(p->want, "restart") == 0 && placed)
		pass_restart_goes_on(p, p->level, NULL);
}
