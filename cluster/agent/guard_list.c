/*
 * What the guard has to take away when this node's lease runs out and the agent
 * does not: the resources of every instance that is up by an assignment, or not
 * yet stopped by one, and may be started elsewhere then, the last started
 * first.
 */
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"
#include "drivers/driver.h"
#include "store/plant.h"

/* The guard is the last to act: the agent itself begins with a quarter of the
 * lease left. */
static uint64_t guard_from_ms(const struct lease *l)
{
	return l->until_ms - l->ms / 8;
}

/* Where nobody else may start it, running on is no danger. */
static bool may_be_elsewhere(const struct agent *g,
			     const struct instance_run *run)
{
	if (g->level == LEVEL_ENCAP)
		return encap_is_failover(&run->inst.conf);
	return !run->alone && g->n_peers > 0;
}

static bool is_not_ours(const struct instance *inst, const struct resource *r)
{
	return (r->encap && inst->level == LEVEL_HYPERVISOR) || r->disable ||
	       r->noaction || r->standby;
}

/* A stop was asked for, and nothing of it was found since. */
static bool is_gone(const struct instance_run *run)
{
	if (run->want == WANT_NOTHING)
		return true;
	if (run->want == WANT_UP || run->acting || !run->probes ||
	    run->probe_token != run->token)
		return false;
	for (size_t i = 0; i < run->inst.n; i++)
		if (!is_not_ours(&run->inst, &run->inst.res[i]) &&
		    run->probes[i].status != STATUS_DOWN &&
		    run->probes[i].status != STATUS_NA)
			return false;
	return true;
}

static bool is_guarded(const struct agent *g, const struct instance_run *run)
{
	if (run->gone || run->inst.n == 0)
		return false;
	if (run->local == LOCAL_START) /* before that it has no lease */
		return local_is_agreed(g, run);
	return !is_gone(run) && run->epoch != 0 && may_be_elsewhere(g, run);
}

void guard_probed(struct agent *g, const struct instance_run *run)
{
	if (run->guarded != is_guarded(g, run))
		g->guard.stale = true;
}

static void list_resource(struct agent *g, const struct instance_run *run,
			  const struct resource *r, struct buf *out)
{
	const struct job j = {
		.service = run->service,
		.node = g->node,
		.res = r,
		.level = run->inst.level,
		.run_dir = g->run_dir,
		.etc_dir = g->etc_dir,
		.arena = out->arena,
	};

	if (is_not_ours(&run->inst, r))
		return;
	driver_guard(&j, out);
}

/* It follows from the env file, and from what a start has remembered. */
static void list_run(struct agent *g, struct instance_run *run)
{
	struct buf out;

	if (run->guard_arena)
		return;
	run->guard_arena = arena_new();
	out = BUF(run->guard_arena);
	for (size_t i = run->inst.n; i-- > 0;)
		list_resource(g, run, &run->inst.res[i], &out);
	run->guard_list = out.data ? out.data : "";
	run->guard_len = out.len;
}

static void list_all(struct agent *g)
{
	struct buf out;

	arena_free(g->guard.arena);
	g->guard.arena = arena_new();
	out = BUF(g->guard.arena);
	for (struct instance_run *run = g->instances; run; run = run->next) {
		run->guarded = is_guarded(g, run);
		if (!run->guarded)
			continue;
		list_run(g, run);
		buf_add(&out, run->guard_list, run->guard_len);
	}
	g->guard.list = out.data ? out.data : "";
	g->guard.len = out.len;
	g->guard.stale = false;
}

/* What an earlier run of this agent has told stands until this one has a lease
 * of its own. */
void guard_step(struct agent *g)
{
	const struct lease *l = &g->lease;

	if (!g->io.guard || !g->identity || !l->until_ms ||
	    l->until_ms == l->saved_ms)
		return;
	if (!g->guard.stale && g->guard.until_ms == l->until_ms)
		return;
	if (g->guard.stale && !(PLANTED(GUARD_FORGETS) && g->guard.arena))
		list_all(g);
	if (g->level == LEVEL_ENCAP && !g->guard.len && !g->guard.until_ms)
		return; /* it has never needed one */
	g->guard.until_ms = l->until_ms;
	g->io.guard(g->io.ctx, g->guard.len ? guard_from_ms(l) : 0,
		    g->guard.list ? g->guard.list : "", g->guard.len);
}

void guard_forget(struct instance_run *run)
{
	arena_free(run->guard_arena);
	run->guard_arena = NULL;
}

void guard_free(struct agent *g)
{
	arena_free(g->guard.arena);
}
