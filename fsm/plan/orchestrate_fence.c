/*
 * Which nodes have to be ended before a service can go on, and what is said of
 * them. Who does it is the cluster's (fsm/plan/fence.h); here it is only asked
 * for, again and again until it is under way or has failed.
 *
 *  - stonith = true: a node that was lost while it may have run the service,
 *    when it is to be up elsewhere and a start would be allowed
 *  - stop_failed = fence: a node that has come to the end of the ladder
 *
 * Never while so many nodes look dead that it may be us who are wrong.
 */
#include "fsm/plan/pass.h"

static bool may_fence_lost(const struct pass *p)
{
	return p->seq && strcmp(p->want, "stopped") != 0 &&
	       !fit_must_not_start(p);
}

bool fence_is_last(const struct orch_in *in)
{
	return in->conf->stop_failed &&
	       strcmp(in->conf->stop_failed, "fence") == 0;
}

static bool is_asked(const struct pass *p, const char *node)
{
	for (size_t i = 0; i < p->out->n; i++)
		if (p->out->at[i].kind == ORCH_ASSIGN &&
		    strcmp(p->out->at[i].node, node) == 0)
			return true;
	return false;
}

static void ask(struct pass *p, const struct view *v, bool self,
		const char *why)
{
	struct orch_change *c;

	if (!v->node || v->node->fencing || v->node->fence_failed)
		return;
	c = pass_change(p, ORCH_FENCE, v->name, LEVEL_HYPERVISOR);
	c->want = "fenced";
	c->epoch = v->node->epoch;
	c->self = self;
	c->why = why;
}

void fence_nodes(struct pass *p)
{
	if (fit_too_many_dead(p))
		return;
	for (size_t i = 0; i < p->n; i++) {
		const struct view *v = &p->at[i];

		if (v->must_fence && may_fence_lost(p))
			ask(p, v, false,
			    arena_printf(p->a,
					 "%s is lost and may still run %s "
					 "(stonith = true)",
					 v->name, p->in->service));
		/* One whose stop is tried anew has another chance. */
		if (v->stop_failed && v->is_fenced_last && is_alive(v) &&
		    !is_asked(p, v->name))
			ask(p, v, true,
			    arena_printf(p->a,
					 "%s cannot stop %s: %.200s "
					 "(stop_failed = fence)",
					 v->name, p->in->service,
					 doc_get_str(v->inst, "error",
						     "no reason given")));
	}
}

static const char *stop_failed_why(struct arena *a, const struct view *v)
{
	if (!v->node || !v->is_fenced_last)
		return "";
	if (v->node->fencing)
		return arena_printf(a, "; %s is being fenced", v->name);
	if (v->node->fence_failed)
		return arena_printf(a, "; fencing %s failed (%s)", v->name,
				    v->node->fence_failed);
	return "";
}

const char *fence_why(struct arena *a, const struct view *v)
{
	if (!v->must_fence)
		return stop_failed_why(a, v);
	if (v->node->fencing)
		return arena_printf(a,
				    "%s is being fenced: nothing is started "
				    "elsewhere before that is confirmed "
				    "(stonith = true)",
				    v->name);
	if (v->node->fence_failed)
		return arena_printf(
			a,
			"%s is lost, and fencing it failed (%s): 'encap node "
			"fence %s' tries again, 'encap node confirm-down %s' "
			"vouches that it is down",
			v->name, v->node->fence_failed, v->name, v->name);
	return arena_printf(a,
			    "%s is lost and has to be fenced first (stonith = "
			    "true)",
			    v->name);
}

const char *fence_lost_why(const struct pass *p, const struct view *v)
{
	uint64_t epoch = num(v->row, "epoch");

	return arena_printf(p->a, "%s %llu %s: nothing of it can run on %s",
			    v->node->fenced >= epoch ? "epoch"
						     : "the lease of epoch",
			    (unsigned long long)epoch,
			    v->node->fenced >= epoch ? "was ended by a fence, "
						       "or by a person's word"
						     : "has run out",
			    v->name);
}
