/*
 * How: one sweep over the resources, in start order or in the reverse of it,
 * stops at the first that is not as wanted: that one is acted on or waited
 * for. So the order of a start or stop is never kept anywhere; it is found
 * again each time from what is there.
 *
 * A start that has failed is sticky for its assignment (memory): from then on
 * the sweep is that of the rollback.
 */
#include "fsm/plan/reconcile.h"

#include <string.h>

#define STANDBY_RESTARTS 2

struct sweep {
	struct arena *a;
	const struct recon_in *in;
	struct recon_out *out;
};

/* What one resource needs to be as wanted. */
enum need { NEED_NOTHING, NEED_ACT, NEED_WAIT, NEED_GIVE_UP };

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

/* Ours to act on, at this level. */
static bool is_ours(const struct sweep *s, size_t i)
{
	const struct resource *r = res(s, i);

	return !r->disable && !r->noaction && group_rank(r->group) >= 0 &&
	       !(r->encap && s->in->inst->level == LEVEL_HYPERVISOR);
}

static int64_t restarts_allowed(const struct resource *r)
{
	if (r->standby && r->restart < STANDBY_RESTARTS)
		return STANDBY_RESTARTS;
	return r->restart;
}

static bool may_restart(const struct sweep *s, size_t i)
{
	return !s->in->frozen &&
	       s->in->memory[i].restarts < restarts_allowed(res(s, i));
}

static const struct encap_view *encap_in(const struct sweep *s, size_t i)
{
	if (!is_group(res(s, i), "container"))
		return NULL;
	for (size_t k = 0; k < s->in->n_encaps; k++)
		if (strcmp(s->in->encaps[k].rid, res(s, i)->rid) == 0)
			return &s->in->encaps[k];
	return NULL;
}

/* -- what comes out ------------------------------------------------------- */

static void act(struct sweep *s, enum recon_op op, size_t i, const char *why)
{
	struct recon_out *o = s->out;

	if (!o->at)
		o->at = ARENA_VEC(s->a, struct recon_action, s->in->inst->n);
	o->at[o->n++] = (struct recon_action){ op, i, why };
	o->state = RECON_ACT;
	o->word = op == RECON_START ? "starting" : "stopping";
}

static void wait_for(struct sweep *s, const char *word, const char *what)
{
	s->out->state = RECON_WAIT;
	s->out->word = word;
	s->out->wait = what;
}

static void give_up(struct sweep *s, const char *word, const char *why)
{
	s->out->state = RECON_FAILED;
	s->out->word = word;
	s->out->wait = why;
}

/* -- what runs in a container ---------------------------------------------- */

/* Its document, if it speaks of its present assignment. */
static const struct doc *encap_said(const struct encap_view *v)
{
	if (!v->connected || !v->status || !v->token ||
	    (uint64_t)doc_get_int(v->status, "token", 0) != v->token)
		return NULL;
	return v->status;
}

static bool word_is(const struct doc *d, const char *key, const char *word)
{
	return strcmp(doc_get_str(d, key, ""), word) == 0;
}

static const char *encap_error(const struct sweep *s, size_t i,
			       const struct doc *said)
{
	return arena_printf(s->a, "what runs in %s: %s: %s", res(s, i)->rid,
			    doc_get_str(said, "state", "failed"),
			    doc_get_str(said, "error", "no reason given"));
}

/* Is it worth waiting for what it will say next? */
static bool encap_answers(const struct sweep *s, const struct encap_view *v,
			  const struct doc *said)
{
	return word_is(said, "state", "starting") ||
	       word_is(said, "state", "stopping") ||
	       v->asked_ms < s->in->agent_timeout_ms;
}

/* An agent that has just booted may say what it knew before: all down, and
 * idle, before it learns what is wanted. */
static bool encap_has_started(const struct doc *said)
{
	if (!word_is(said, "state", "idle"))
		return false;
	return doc_get_bool(said, "up_once", false) ||
	       (!word_is(said, "avail", "down") &&
		!word_is(said, "avail", "undef"));
}

static enum need encap_start_need(const struct sweep *s, size_t i,
				  const char **why)
{
	const struct encap_view *v = encap_in(s, i);
	const struct doc *said;

	if (!v || v->want != WANT_UP)
		return NEED_NOTHING;
	if (!v->connected) {
		*why = arena_printf(s->a,
				    "%s is up, its agent does not answer "
				    "yet",
				    v->rid);
		return v->since_ms < s->in->agent_timeout_ms ? NEED_WAIT
							     : NEED_NOTHING;
	}
	said = encap_said(v);
	if (said && word_is(said, "state", "start failed")) {
		*why = encap_error(s, i, said);
		return NEED_GIVE_UP;
	}
	if (said && encap_has_started(said))
		return NEED_NOTHING;
	*why = arena_printf(s->a, "the encap resources in %s are not up yet",
			    v->rid);
	return encap_answers(s, v, said) ? NEED_WAIT : NEED_NOTHING;
}

static enum need encap_stop_need(const struct sweep *s, size_t i,
				 const char **why)
{
	const struct encap_view *v = encap_in(s, i);
	const struct doc *said;

	/* Where only the hypervisor level is to stop, what is inside goes down
	 * with the container. */
	if (!v || v->want != WANT_DOWN)
		return NEED_NOTHING;
	said = encap_said(v);
	if (said && word_is(said, "state", "stop failed")) {
		*why = encap_error(s, i, said);
		return NEED_GIVE_UP;
	}
	if (said && word_is(said, "state", "idle") && !instance_runs(said))
		return NEED_NOTHING;
	if (!v->connected || !encap_answers(s, v, said)) {
		*why = "its agent does not answer: what runs in it ends with "
		       "it";
		return NEED_NOTHING;
	}
	*why = arena_printf(s->a, "the encap resources in %s are not down yet",
			    v->rid);
	return NEED_WAIT;
}

/* -- start ------------------------------------------------------------------
 */

static enum need start_need(const struct sweep *s, size_t i)
{
	const struct recon_memory *m = &s->in->memory[i];
	const struct resource *r = res(s, i);
	enum need failed = r->optional ? NEED_NOTHING : NEED_GIVE_UP;
	enum status st = status_of(s, i);

	if (st == STATUS_UP)
		return NEED_NOTHING;
	if (s->in->was_up) /* it fell down; or it cannot be told */
		return st == STATUS_DOWN && may_restart(s, i) ? NEED_ACT
							      : NEED_NOTHING;
	if (m->start_failed)
		return failed;
	/* An app without a check is n/a and may be down. */
	if (!m->done)
		return st == STATUS_NA && !is_group(r, "app") ? NEED_NOTHING
							      : NEED_ACT;
	if (st != STATUS_DOWN)
		return NEED_NOTHING;
	return may_restart(s, i) ? NEED_ACT : failed;
}

static const char *start_why(const struct sweep *s, size_t i)
{
	const struct recon_memory *m = &s->in->memory[i];

	if (s->in->was_up || m->done)
		return arena_printf(s->a, "it fell down: restart %u of %lld",
				    m->restarts + 1,
				    (long long)restarts_allowed(res(s, i)));
	return "next in the order of the start";
}

static bool stop_in_rollback(const struct sweep *s, size_t i)
{
	const struct recon_memory *m = &s->in->memory[i];
	enum status st = status_of(s, i);

	if (!is_ours(s, i) || res(s, i)->standby || m->stop_failed ||
	    st == STATUS_DOWN)
		return false;
	if (m->started)
		return true;
	return m->start_failed && !m->done && st != STATUS_NA;
}

/* The start has failed because of @f: stop what it has started, in reverse. */
static void roll_back(struct sweep *s, size_t f)
{
	const struct recon_memory *m = &s->in->memory[f];
	const char *error =
		m->error ? m->error
			 : arena_printf(s->a, "the start of %s failed",
					res(s, f)->rid);

	s->out->error = m->error;
	for (size_t i = s->in->inst->n;
	     s->in->inst->conf.rollback && i-- > 0;) {
		if (!stop_in_rollback(s, i))
			continue;
		act(s, RECON_STOP, i,
		    arena_printf(s->a, "rollback: %s", error));
		return;
	}
	give_up(s, "start failed", error);
}

static bool has_failed(const struct sweep *s, size_t *ret)
{
	for (size_t i = 0; i < s->in->inst->n; i++)
		if (is_ours(s, i) && !res(s, i)->optional &&
		    s->in->memory[i].start_failed) {
			*ret = i;
			return true;
		}
	return false;
}

static void start_failed_by(struct sweep *s, size_t i, const char *error)
{
	struct recon_memory *m = &s->in->memory[i];

	m->start_failed = true;
	m->error = error;
	roll_back(s, i);
	m->error = NULL; /* it is on this pass's arena */
}

/* False where the sweep ends. */
static bool start_one(struct sweep *s, size_t i)
{
	const char *why = NULL;
	enum need need = start_need(s, i);

	if (need == NEED_ACT) {
		act(s, RECON_START, i, start_why(s, i));
		return false;
	}
	if (need == NEED_GIVE_UP) {
		start_failed_by(s, i,
				arena_printf(s->a,
					     "%s did not stay up after "
					     "its start",
					     res(s, i)->rid));
		return false;
	}
	if (s->in->was_up || status_of(s, i) == STATUS_DOWN)
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

static void sweep_up(struct sweep *s)
{
	size_t failed;

	if (!s->in->was_up && has_failed(s, &failed)) {
		roll_back(s, failed);
		return;
	}
	for (size_t i = 0; i < s->in->inst->n; i++)
		if (is_ours(s, i) && !start_one(s, i))
			return;
}

/* -- stop --------------------------------------------------------------------
 */

/* An app that cannot be asked is taken to be up where what it needs is up. */
static bool app_may_be_up(const struct sweep *s, size_t i)
{
	if (!is_group(res(s, i), "app"))
		return false;
	for (size_t k = 0; k < s->in->inst->n; k++)
		if (is_ours(s, k) && !is_group(res(s, k), "app") &&
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
	if (m->stop_failed || m->done)
		return res(s, i)->optional ? NEED_NOTHING : NEED_GIVE_UP;
	return NEED_ACT;
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

static void stop_failed_by(struct sweep *s, const char *error)
{
	give_up(s, "stop failed", error);
	s->out->error = error;
}

/* False where the sweep ends. */
static bool stop_one(struct sweep *s, size_t i)
{
	const char *why = NULL;
	enum need need = stop_need(s, i);

	if (need != NEED_NOTHING) {
		enum need inner = encap_stop_need(s, i, &why);

		if (inner == NEED_WAIT)
			wait_for(s, "stopping", why);
		else if (inner == NEED_GIVE_UP)
			stop_failed_by(s, why);
		else if (need == NEED_GIVE_UP)
			stop_failed_by(s, stop_error(s, i));
		else
			act(s, RECON_STOP, i,
			    why ? why : "next in the order of the stop");
		return false;
	}
	return true;
}

/* Up wherever there is an assignment. */
static bool standby_one(struct sweep *s, size_t i)
{
	const struct recon_memory *m = &s->in->memory[i];

	if (status_of(s, i) != STATUS_DOWN || m->start_failed ||
	    (m->done && !may_restart(s, i)))
		return true;
	act(s, RECON_START, i, "it is standby: up whether the rest is or not");
	return false;
}

static void sweep_down(struct sweep *s)
{
	for (size_t i = s->in->inst->n; i-- > 0;)
		if (is_ours(s, i) && !res(s, i)->standby && !stop_one(s, i))
			return;
	for (size_t i = 0; i < s->in->inst->n; i++)
		if (is_ours(s, i) && res(s, i)->standby && !standby_one(s, i))
			return;
}

/* -- kill ---------------------------------------------------------------------
 */

static bool must_be_killed(const struct sweep *s, size_t i)
{
	const struct recon_memory *m = &s->in->memory[i];
	enum status st = status_of(s, i);

	if (!is_ours(s, i) || res(s, i)->standby || st == STATUS_DOWN)
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
			act(s, RECON_KILL, i,
			    "this node has no lease for it any more");
}

void reconcile(struct arena *a, const struct recon_in *in,
	       struct recon_out *ret)
{
	struct sweep s = { a, in, ret };

	*ret = (struct recon_out){ .state = RECON_SETTLED, .word = "idle" };
	if (in->kill)
		sweep_kill(&s);
	else if (in->want == WANT_UP)
		sweep_up(&s);
	else if (in->want == WANT_DOWN)
		sweep_down(&s);
}
