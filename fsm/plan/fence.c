#include "fsm/plan/fence.h"

#include <string.h>

static bool fits(const struct fence_node *n, const struct fence_node *target)
{
	return n != target && n->alive && n->connected;
}

/* The @tries-th of those that can, in the order of the table, round and round.
 */
static const struct fence_node *runner(const struct fence_node *nodes, size_t n,
				       const struct fence_node *target,
				       size_t tries)
{
	size_t all = 0;

	for (size_t i = 0; i < n; i++)
		all += fits(&nodes[i], target);
	if (!all)
		return NULL;
	tries %= all;
	for (size_t i = 0; i < n; i++)
		if (fits(&nodes[i], target) && tries-- == 0)
			return &nodes[i];
	return NULL;
}

static void fail(struct fence_out *ret, const char *text)
{
	ret->verdict = FENCE_FAIL;
	ret->text = text;
}

static bool is_lost(const struct fence_node *nodes, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(nodes[i].name, name) == 0)
			return !nodes[i].alive;
	return true;
}

/* The next one tries, or it has failed. */
static void next(struct arena *a, const struct fence_node *nodes, size_t n,
		 size_t i, struct fence_out *ret, const char *text)
{
	size_t tries = (size_t)doc_get_int(nodes[i].fence, "tries", 0);
	const struct fence_node *who = runner(nodes, n, &nodes[i], tries);

	if (tries >= FENCE_RUNNERS) {
		fail(ret, text);
		return;
	}
	if (!who) {
		fail(ret, arena_printf(a, "no node is left to carry it out%s%s",
				       *text ? "; " : "", text));
		return;
	}
	ret->verdict = FENCE_RUN;
	ret->runner = who->name;
}

void fence_decide(struct arena *a, const struct fence_node *nodes, size_t n,
		  size_t i, const char *config, struct fence_out *ret)
{
	const struct fence_node *t = &nodes[i];
	const char *who = doc_get_str(t->fence, "runner", "");
	bool running = doc_is(t->fence, "state", "running");
	struct fence_devices d;
	struct err err = { 0 };
	int64_t until = 0;

	*ret = (struct fence_out){ .verdict = FENCE_WAIT };
	if (!running && !doc_is(t->fence, "state", "asked"))
		return;
	if (fence_devices(a, config, t->name, &d, &err) < 0) {
		fail(ret, arena_printf(a, "%s", err.text));
		return;
	}
	if (!d.n) {
		fail(ret, arena_printf(a,
				       "no fence device is configured for %s: "
				       "docs/fencing.md",
				       t->name));
		return;
	}
	if (running && is_lost(nodes, n, who)) {
		next(a, nodes, n, i, ret,
		     arena_printf(a, "%s was lost while it carried it out",
				  who));
		return;
	}
	if (running)
		until = fence_limit_ms(&d);
	else if (doc_get_bool(t->fence, "auto", false) &&
		 !doc_get_int(t->fence, "tries", 0))
		until = fence_delay_ms(&d);
	if (t->waited_ms < until) {
		ret->again_ms = until - t->waited_ms;
		return;
	}
	next(a, nodes, n, i, ret,
	     running ? arena_printf(a, "%s did not say in time what came of it",
				    who)
		     : doc_get_str(t->fence, "text", ""));
}
