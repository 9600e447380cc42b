/*
 * Changes of the orchestrator as documents: as they are proposed, and as the
 * rows of assignments are stored.
 */
#include "fsm/plan/orchestrate.h"

struct doc *orch_change_doc(struct arena *a, const struct orch_change *c)
{
	struct doc *d = doc_map(a);

	doc_put_str(a, d, "kind", c->kind == ORCH_INTENT ? "intent" : "assign");
	doc_put_str(a, d, "want", c->want);
	doc_put_str(a, d, "why", c->why);
	doc_put_str(a, d, "level", level_name(c->level));
	if (c->node)
		doc_put_str(a, d, "node", c->node);
	if (c->kind == ORCH_INTENT)
		return d;
	if (c->lost)
		doc_put_bool(a, d, "lost", true);
	if (c->failed)
		doc_put_bool(a, d, "failed", true);
	if (c->alone)
		doc_put_bool(a, d, "alone", true);
	if (c->was_alone)
		doc_put_bool(a, d, "was_alone", true);
	if (c->failed && c->error)
		doc_put_str(a, d, "error", c->error);
	doc_put_int(a, d, "epoch", (int64_t)c->epoch);
	if (c->host) {
		doc_put_str(a, d, "host", c->host);
		doc_put_int(a, d, "host_epoch", (int64_t)c->host_epoch);
	}
	doc_put_int(a, d, "token", (int64_t)c->token);
	doc_put_int(a, d, "seq", (int64_t)c->seq);
	return d;
}

bool orch_intent_goes_on(struct arena *a, struct doc *intent,
			 const struct doc *change)
{
	struct doc *part = intent;

	if (doc_is(change, "level", "encap") && !doc_get(change, "node")) {
		doc_put_str(a, part, "encap", doc_get_str(change, "want", ""));
		return true;
	}
	if (doc_is(change, "level", "encap"))
		part = doc_get(doc_get(intent, "slaves"),
			       doc_get_str(change, "node", ""));
	if (!part)
		return false;
	doc_put_str(a, part, "want", doc_get_str(change, "want", ""));
	return true;
}
