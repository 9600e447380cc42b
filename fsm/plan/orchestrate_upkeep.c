/*
 * What people have said about machines and services as such, beside intents:
 * this node is being drained, this one or that service is in maintenance. And
 * what is left to say where every start has failed.
 *
 * A drain is a person's word about all that runs on a node, so it moves a
 * service whatever `orchestrate` says; only a freeze is the nearer word.
 */
#include "fsm/plan/pass.h"

/* -- maintenance ------------------------------------------------------------
 */

const char *upkeep_rests(const struct pass *p)
{
	const char *name = p->in->service;

	if (p->in->maintenance)
		return arena_printf(p->a,
				    "%s is in maintenance, until 'encap "
				    "maintenance off%s%s'",
				    name, p->in->maintenance_of_all ? "" : " ",
				    p->in->maintenance_of_all ? "" : name);
	for (size_t i = 0; i < p->n; i++) {
		const struct view *v = &p->at[i];

		if (v->node && v->node->maintenance &&
		    doc_is(v->row, "want", "up"))
			return arena_printf(
				p->a,
				"%s, which has %s, is in maintenance, until "
				"'encap maintenance off %s'",
				v->name, name, v->name);
	}
	return NULL;
}

/* -- drain ------------------------------------------------------------------
 */

bool upkeep_drains_from(const struct pass *p, const struct view *v)
{
	return v->node && v->node->draining && !p->in->frozen &&
	       !p->in->conf->disable;
}

bool upkeep_drains(const struct pass *p)
{
	return p->holder && upkeep_drains_from(p, p->holder);
}

/* Its holder is to go, and nobody else can have it. True where that is so far
 * that it stops there all the same. */
bool upkeep_drain_stuck(struct pass *p)
{
	const char *name;

	if (!p->holder || !p->holder->node || !p->holder->node->draining)
		return false;
	name = p->holder->name;
	if (!upkeep_drains(p)) {
		p->out->blocked = arena_printf(
			p->a,
			"%s is being drained, but %s is %s, and stays there",
			name, p->in->service,
			p->in->frozen ? "frozen" : "disabled");
		return false;
	}
	p->out->blocked = arena_printf(p->a, "%s is being drained, and %s",
				       name, fit_nobody(p));
	return p->holder->node->drain_over;
}

/* -- starts that failed -----------------------------------------------------
 */

/* It was up, and a monitored resource of it stays down. */
static bool holder_fell(const struct pass *p)
{
	return doc_get_bool(p->holder->inst, "switch", false);
}

static const char *failure_of(struct pass *p, const struct view *v)
{
	const char *text = doc_get_str(v->row, "error", NULL);

	if (!text && v == p->holder)
		text = doc_get_str(v->inst,
				   holder_fell(p) ? "monitor" : "error", NULL);
	return text ? arena_printf(p->a, "%s (%s)", v->name, text) : v->name;
}

const char *upkeep_start_failed(struct pass *p)
{
	const char *name = p->in->service;
	bool kept = is_ha(p) && !p->in->conf->rollback;
	const char *stop = fit_must_not_start(p);
	struct buf b = BUF(p->a);

	buf_puts(&b, holder_fell(p) ? "it cannot be kept up on "
				    : "its start failed on ");
	for (size_t i = 0; i < p->n; i++) {
		const struct view *v = &p->at[i];

		if (v != p->holder && doc_get_bool(v->row, "failed", false) &&
		    num(v->row, "seq") == p->seq)
			buf_printf(&b, "%s, ", failure_of(p, v));
	}
	buf_puts(&b, failure_of(p, p->holder));
	if (kept)
		buf_puts(&b, ", and what is up is kept for a look (rollback = "
			     "false)");
	else if (p->in->frozen)
		buf_puts(&b, ", and it is frozen");
	else if (is_ha(p) && stop)
		buf_printf(&b, ", and no other node is tried: %s", stop);
	else if (is_ha(p))
		buf_puts(&b, ", and no other node can run it");
	buf_printf(&b, ": mend the cause, then 'encap clear %s'", name);
	return buf_text(&b);
}
