/*
 * What resources need, made and taken away again: before a start, after a stop,
 * or, on the other nodes of a service, for itself.
 *
 * A driver that has nothing to make says so at once, but to ask it takes a job,
 * and a person sees it: so those are not asked of which neither the look nor
 * the group says that there may be anything.
 */
#include <string.h>

#include "fsm/plan/actions.h"
#include "fsm/plan/sweep.h"

static const struct resource *res(const struct sweep *s, size_t i)
{
	return &s->in->inst->res[i];
}

static bool is_of(const struct resource *r, const char *const *groups)
{
	for (; *groups; groups++)
		if (strcmp(r->group, *groups) == 0)
			return true;
	return false;
}

static bool has_trigger(const struct resource *r, const char *action)
{
	for (int i = 0; i < 4; i++)
		if (actions_trigger(r->common, action, i & 1, i & 2))
			return true;
	return false;
}

static bool may_have(const struct sweep *s, size_t i, const char *action)
{
	static const char *const groups[] = { "disk", "volume", "fs",
					      "container", NULL };

	return is_of(res(s, i), groups) ||
	       s->in->probes[i].provisioned != PROVISIONED_NA ||
	       has_trigger(res(s, i), action);
}

/* As reconcile.c has it for a start: 0 go on, 1 leave it out, -1 refused. */
static int allowed(struct sweep *s, size_t i, const char *action,
		   const char **why)
{
	bool skip;

	*why = actions_unmet(s->a, s->in->inst, s->in->probes, i, action,
			     &skip);
	if (!*why)
		return 0;
	if (!skip && !res(s, i)->optional)
		return -1;
	s->out->note = *why;
	return 1;
}

enum need provision_need(struct sweep *s, size_t i, const char **why)
{
	struct recon_memory *m = &s->in->memory[i];
	int rc = 0;

	if (m->turned || m->start_failed)
		return NEED_NOTHING;
	/* What is up has what it needs. */
	m->turned = s->in->probes[i].status == STATUS_UP ||
		    !may_have(s, i, "provision");
	if (!m->turned)
		rc = allowed(s, i, "provision", why);
	if (rc > 0)
		m->turned = true;
	if (rc < 0)
		return NEED_GIVE_UP;
	if (m->turned)
		return NEED_NOTHING;
	sweep_act(s, RECON_PROVISION, i,
		  sweep_hold(s, i) == HOLD_MAKE
			  ? "it is not shared: each node has its own"
			  : "what it needs is made before its start");
	return NEED_ACT;
}

/* -- taken away -------------------------------------------------------------
 */

/* One that has failed ends it for all. */
static bool has_failed(const struct sweep *s)
{
	for (size_t i = 0; i < s->in->inst->n; i++)
		if (s->in->memory[i].unmade)
			return true;
	return false;
}

bool unprovision_pends(const struct sweep *s, size_t i)
{
	return sweep_hold(s, i) == HOLD_UNPROVISION &&
	       !s->in->memory[i].turned && may_have(s, i, "unprovision") &&
	       !has_failed(s);
}

enum need unprovision_need(struct sweep *s, size_t i, const char **why)
{
	enum status st = s->in->probes[i].status;
	struct recon_memory *m = &s->in->memory[i];
	int rc;

	if (m->unmade && m->error)
		s->out->act_error = m->error;
	if (!unprovision_pends(s, i) || (st != STATUS_DOWN && st != STATUS_NA))
		return NEED_NOTHING;
	rc = allowed(s, i, "unprovision", why);
	m->turned = rc > 0;
	if (rc != 0)
		return rc < 0 ? NEED_GIVE_UP : NEED_NOTHING;
	sweep_act(s, RECON_UNPROVISION, i,
		  "it is down: what was made for it goes");
	return NEED_ACT;
}

/* -- only made --------------------------------------------------------------
 */

static bool is_made_here(const struct sweep *s, size_t i)
{
	return sweep_is_ours(s, i) && sweep_hold(s, i) == HOLD_MAKE;
}

/* What was up for it alone goes down again, once. */
void make_begin(struct sweep *s)
{
	bool failed = false;

	for (size_t i = 0; i < s->in->inst->n; i++) {
		const struct recon_memory *m = &s->in->memory[i];

		if (!is_made_here(s, i))
			continue;
		failed = failed || m->start_failed;
		s->making = s->making || !m->turned;
	}
	s->making = s->making && !failed;
	for (size_t i = 0; !s->making && i < s->in->inst->n; i++)
		if (is_made_here(s, i) && s->in->memory[i].started)
			s->in->memory[i].done = false;
}

static bool more_to_make(const struct sweep *s, size_t after)
{
	for (size_t i = after + 1; i < s->in->inst->n; i++)
		if (is_made_here(s, i) && !s->in->memory[i].turned &&
		    may_have(s, i, "provision"))
			return true;
	return false;
}

/* Of the storage that is on the way to it. */
static bool must_be_up(const struct sweep *s, size_t i)
{
	static const char *const groups[] = { "disk", "volume", "fs", NULL };

	return is_of(res(s, i), groups) && !s->in->memory[i].done &&
	       s->in->probes[i].status == STATUS_DOWN && more_to_make(s, i);
}

bool make_sweep(struct sweep *s)
{
	for (size_t i = 0; i < s->in->inst->n; i++) {
		struct recon_memory *m = &s->in->memory[i];
		const char *why = NULL;
		enum need need;

		if (!is_made_here(s, i))
			continue;
		need = s->making ? provision_need(s, i, &why) : NEED_NOTHING;
		if (need == NEED_ACT)
			return false;
		if (need == NEED_GIVE_UP)
			m->start_failed = true;
		if (m->start_failed) {
			s->out->act_error = why ? why : m->error;
			return true;
		}
		if (s->making && must_be_up(s, i)) {
			sweep_act(s, RECON_START, i, "for what is made on it");
			return false;
		}
	}
	return true;
}
