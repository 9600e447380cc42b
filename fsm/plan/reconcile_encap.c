/*
 * What runs in the containers of an instance: what their agents have said, and
 * whether that is worth waiting for.
 */
#include "fsm/plan/sweep.h"

#include <string.h>

static const struct encap_view *encap_in(const struct sweep *s, size_t i)
{
	const struct resource *r = &s->in->inst->res[i];

	if (strcmp(r->group, "container") != 0)
		return NULL;
	for (size_t k = 0; k < s->in->n_encaps; k++)
		if (strcmp(s->in->encaps[k].rid, r->rid) == 0)
			return &s->in->encaps[k];
	return NULL;
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

const char *encap_act_error(const struct sweep *s, size_t i)
{
	const struct encap_view *v = encap_in(s, i);
	const struct doc *said = v ? encap_said(v) : NULL;
	const char *error = doc_get_str(said, "act_error", NULL);

	return error && *error ? arena_printf(s->a, "what runs in %s: %s",
					      v->rid, error)
			       : NULL;
}

static const char *encap_error(const struct sweep *s, size_t i,
			       const struct doc *said)
{
	return arena_printf(s->a, "what runs in %s: %s: %s",
			    s->in->inst->res[i].rid,
			    doc_get_str(said, "state", "failed"),
			    doc_get_str(said, "error", "no reason given"));
}

/* Is it worth waiting for what it will say next? */
static bool encap_answers(const struct sweep *s, const struct encap_view *v,
			  const struct doc *said)
{
	return instance_is_busy(said) || v->asked_ms < s->in->agent_timeout_ms;
}

/* An agent that has just booted may say what it knew before: all down, and
 * idle, before it learns what is wanted. */
static bool encap_has_started(const struct doc *said)
{
	if (!doc_is(said, "state", "idle"))
		return false;
	return doc_get_bool(said, "up_once", false) ||
	       (!doc_is(said, "avail", "down") &&
		!doc_is(said, "avail", "undef"));
}

enum need encap_start_need(const struct sweep *s, size_t i, const char **why)
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
	if (said && doc_is(said, "state", "start failed")) {
		*why = encap_error(s, i, said);
		return NEED_GIVE_UP;
	}
	if (said && encap_has_started(said))
		return NEED_NOTHING;
	*why = arena_printf(s->a, "the encap resources in %s are not up yet",
			    v->rid);
	return encap_answers(s, v, said) ? NEED_WAIT : NEED_NOTHING;
}

enum need encap_stop_need(const struct sweep *s, size_t i, const char **why)
{
	const struct encap_view *v = encap_in(s, i);
	const struct doc *said;

	/* Where only the hypervisor level is to stop, what is inside goes down
	 * with the container. */
	if (!v || v->want != WANT_DOWN)
		return NEED_NOTHING;
	said = encap_said(v);
	if (said && doc_is(said, "state", "stop failed")) {
		*why = encap_error(s, i, said);
		return NEED_GIVE_UP;
	}
	if (said && doc_is(said, "state", "idle") && !instance_runs(said))
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

/* What it says counts only once it has heard of it. One that does not answer,
 * or cannot stop something, ends with its container. */
enum need encap_halt_need(const struct sweep *s, size_t i, bool *halt,
			  const char **why)
{
	const struct encap_view *v = encap_in(s, i);
	const struct doc *said;

	if (!v || v->want != WANT_UP || !v->connected)
		return NEED_NOTHING;
	said = encap_said(v);
	if (said && doc_get_bool(said, "halted", false)) {
		if (!instance_is_busy(said) &&
		    (doc_is(said, "state", "stop failed") ||
		     !instance_runs(said)))
			return NEED_NOTHING;
	} else if (v->halted_ms >= s->in->agent_timeout_ms) {
		return NEED_NOTHING;
	}
	*halt = true;
	*why = arena_printf(s->a, "what runs in %s is stopped before it",
			    v->rid);
	return NEED_WAIT;
}
