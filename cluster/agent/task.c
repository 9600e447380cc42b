/*
 * Tasks and syncs: what of an instance is run by a schedule, or when somebody
 * asks (an order with the word "run", "sync_nodes", ...), where and while it is
 * up. What they do is no state that anything is compared with, so they are
 * beside the reconciler; but an instance goes down only once they have been
 * ended.
 *
 * Their last runs are in the instance's document, from where an agent that
 * starts has them, and a node that takes over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"
#include "fsm/plan/actions.h"
#include "fsm/plan/schedule.h"

struct task *task_find(const struct instance_run *run, const char *rid)
{
	for (struct task *t = run->tasks; t; t = t->next)
		if (strcmp(t->rid, rid) == 0)
			return t;
	return NULL;
}

static struct task *task_of(struct instance_run *run, const char *rid)
{
	struct task *t = task_find(run, rid);

	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		abort();
	t->rid = agent_strdup(rid);
	t->next = run->tasks;
	run->tasks = t;
	return t;
}

void tasks_free(struct instance_run *run)
{
	while (run->tasks) {
		struct task *t = run->tasks;

		run->tasks = t->next;
		copy_free(t);
		free(t->rid);
		free(t);
	}
}

static bool is_sync(const struct resource *r)
{
	return copies_is(r) && driver_find(r->group, r->type);
}

static bool is_task(const struct resource *r)
{
	return strcmp(r->group, "task") == 0 || is_sync(r);
}

/* -- what was -------------------------------------------------------------- */

/* From a document, of this node or of one that ran it before; the later run
 * counts. */
void tasks_take(struct instance_run *run, const struct doc *doc, bool own)
{
	const struct doc *rows = doc_get(doc, "tasks");

	for (size_t i = 0; i < doc_len(rows); i++) {
		const struct doc *row = doc_at(rows, i);
		struct task *t = task_of(run, row->key);
		int64_t at = doc_get_int(row, "at", 0);

		if (own)
			t->act = (uint64_t)doc_get_int(row, "act", 0);
		copy_take(t, row);
		if (t->ran && at <= t->at_ms)
			continue;
		t->ran = true;
		t->at_ms = at;
		t->code = (int)doc_get_int(row, "code", 0);
	}
}

void tasks_put(struct arena *a, const struct instance_run *run, struct doc *d)
{
	struct doc *rows = NULL, *row;

	for (size_t i = 0; i < run->inst.n; i++) {
		const struct task *t =
			is_task(&run->inst.res[i])
				? task_find(run, run->inst.res[i].rid)
				: NULL;

		if (!t || !t->ran)
			continue;
		if (!rows)
			rows = doc_put(a, d, "tasks", doc_map(a));
		row = doc_put(a, rows, t->rid, doc_map(a));
		doc_put_int(a, row, "at", t->at_ms);
		doc_put_int(a, row, "code", t->code);
		if (t->act)
			doc_put_int(a, row, "act", (int64_t)t->act);
		copy_put(a, t, row);
	}
}

/* -- when --------------------------------------------------------------------
 */

static wall_time local_s(const struct agent *g, int64_t epoch_ms)
{
	int64_t offset = g->io.local_ms(g->io.ctx) - g->io.wall_ms(g->io.ctx);

	return (epoch_ms + offset) / 1000;
}

static void plan_next(struct agent *g, const struct instance_run *run,
		      const struct resource *r, struct task *t)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *text = copies_schedule(a, r);
	const char *words[] = { run->service, run->inst.node, r->rid };
	wall_time now = local_s(g, g->io.wall_ms(g->io.ctx)), next;
	struct schedule s;

	schedule_parse(a, text, &s, NULL);
	next = schedule_next(&s, now + 1,
			     t->ran ? local_s(g, t->at_ms) : WALL_NEVER,
			     actions_hash(words, 3, 0));
	t->next_ms = next == WALL_NEVER
			     ? UINT64_MAX
			     : g->now_ms + (uint64_t)(next - now) * 1000;
}

/* -- doing it ----------------------------------------------------------------
 */

bool tasks_may_run(const struct agent *g, const struct instance_run *run)
{
	return run->want == WANT_UP && run->was_up && !run->halted &&
	       !run->was_kill && instance_right(g, run) == LEASE_RUN;
}

/* What of a sync an order asks for: "sync_nodes", ... */
static enum copies asked_copies(const struct instance_run *run, const char *rid)
{
	const struct doc *hold = doc_get(doc_get(run->order, "holds"), rid);
	const char *want = doc_get_str(hold, "want", "");

	return strncmp(want, "sync_", 5) == 0 ? copies_word(want + 5)
					      : COPIES_ALL;
}

/* By order, or by its schedule; else 0. */
static bool is_due(struct agent *g, struct instance_run *run, size_t i,
		   struct task *t)
{
	bool due;

	if (run->hold_acts[i] > t->act && run->holds[i] == HOLD_NOT) {
		t->act = run->hold_acts[i];
		t->by_order = true;
		t->which = asked_copies(run, t->rid);
		return true;
	}
	t->by_order = false;
	t->which = COPIES_ALL;
	if (!t->next_ms || t->planned_act != run->was_up) {
		t->planned_act = run->was_up;
		plan_next(g, run, &run->inst.res[i], t);
	}
	due = g->now_ms >= t->next_ms && !run->frozen && !run->rests;
	if (g->now_ms >= t->next_ms)
		t->next_ms = 0;
	return due;
}

static void task_begin(struct agent *g, struct instance_run *run, size_t i,
		       struct task *t)
{
	SCOPED(arena) struct arena *a = arena_new();
	bool skip;
	const char *why = actions_unmet(
		a, &run->inst, run->probes, i,
		is_sync(&run->inst.res[i]) ? "sync" : "run", &skip);

	if (!why) {
		t->running = true;
		job_task(g, run, i, t);
		return;
	}
	agent_log(g, 4, "%s: %s", run->service, why);
	if (t->by_order)
		snprintf(run->act_error, sizeof(run->act_error), "%s", why);
}

void tasks_step(struct agent *g, struct instance_run *run)
{
	if (!run->probes || run->gone || !tasks_may_run(g, run))
		return;
	for (size_t i = 0; i < run->inst.n; i++) {
		const struct resource *r = &run->inst.res[i];
		struct task *t;

		if (!is_task(r) || r->disable || r->noaction ||
		    (r->encap && g->level == LEVEL_HYPERVISOR))
			continue;
		if (is_sync(r) && !(copies_sends(&run->inst) &&
				    copies_any(&run->inst, r, COPIES_ALL)))
			continue;
		t = task_of(run, r->rid);
		if (!t->running && is_due(g, run, i, t))
			task_begin(g, run, i, t);
	}
}

bool tasks_pending(const struct instance_run *run)
{
	for (size_t i = 0; i < run->inst.n; i++) {
		const struct task *t =
			is_task(&run->inst.res[i])
				? task_find(run, run->inst.res[i].rid)
				: NULL;

		if (run->hold_acts[i] > run->act_done &&
		    is_task(&run->inst.res[i]) &&
		    (!t || t->running || t->act < run->hold_acts[i]))
			return true;
	}
	return false;
}

bool tasks_end(struct agent *g, struct instance_run *run, bool kill)
{
	bool left = false;

	if (!kill && (run->want != WANT_DOWN || !run->probes))
		return false;
	for (size_t i = 0; i < run->inst.n; i++) {
		const struct resource *r = &run->inst.res[i];
		struct task *t;

		if (!is_task(r) || r->disable ||
		    (r->encap && g->level == LEVEL_HYPERVISOR))
			continue;
		t = task_of(run, r->rid);
		/* Once for each assignment: an agent that ended may have left
		 * one behind. */
		if (!t->ending &&
		    (t->end_token != run->token || (kill && t->running))) {
			t->ending = true;
			t->end_token = run->token;
			job_task_end(g, run, i, t, kill);
		}
		left = left || t->ending || t->running;
	}
	return left;
}
