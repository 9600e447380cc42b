/*
 * What is done when a monitored resource stays down: monitor_action of the env
 * file. It is done again after a while, as long as the resource is down and
 * the instance wanted up: what was proposed may have been lost.
 */
#include <stdio.h>
#include <string.h>

#include "cluster/agent/internal.h"
#include "fsm/plan/actions.h"

#define MONITOR_AGAIN_MS 10000

static void tell(struct agent *g, const struct instance_run *run,
		 const char *word)
{
	SCOPED(arena) struct arena *a = arena_new();

	agent_log(g, 4, "%s: %s: %s", run->service, run->monitor, word);
	agent_event(
		g, run->group, "action", run->service, NULL,
		arena_printf(a, "monitor_action %s: %s", word, run->monitor));
}

/* In a container it is about that alone. */
static void freeze_and_stop(struct agent *g, const struct instance_run *run)
{
	SCOPED(arena) struct arena *a = arena_new();
	bool inside = g->level == LEVEL_ENCAP;
	struct doc *by = doc_map(a), *cmd;

	doc_put_str(a, by, "user", "monitor_action");
	cmd = agent_command(g, a, "svc_freeze", by);
	doc_put_str(a, cmd, "name", run->service);
	doc_put_bool(a, cmd, "frozen", true);
	agent_propose(g, run->group, a, cmd);
	cmd = agent_command(g, a, "svc_intent", by);
	doc_put_str(a, cmd, "name", run->service);
	doc_put_str(a, cmd, "want", inside ? "same" : "stopped");
	doc_put_str(a, cmd, "encap", "stopped");
	if (inside)
		doc_add(a, doc_put(a, cmd, "slave", doc_list(a)),
			doc_str(a, g->node));
	agent_propose(g, run->group, a, cmd);
}

static const char *action_of(const struct agent *g,
			     const struct instance_run *run)
{
	return actions_monitor(&run->inst, g->io.node_action != NULL);
}

void monitor_act(struct agent *g, struct instance_run *run)
{
	const char *word = action_of(g, run);

	if (!run->monitor[0])
		return; /* it is up again */
	if (strcmp(word, "freezestop") == 0)
		freeze_and_stop(g, run);
	else if (strcmp(word, "switch") == 0)
		run->switching = run->moved = true;
	else if (strcmp(word, "none") != 0)
		g->io.node_action(g->io.ctx, strcmp(word, "crash") == 0);
}

void monitor_step(struct agent *g, struct instance_run *run, const char *what)
{
	const char *word, *before;
	bool first = !run->monitor[0];

	if (!what) {
		run->switching = false;
		run->monitor[0] = '\0';
		return;
	}
	snprintf(run->monitor, sizeof(run->monitor), "%s", what);
	if (!first && g->now_ms < run->monitor_ms)
		return;
	run->monitor_ms = g->now_ms + MONITOR_AGAIN_MS;
	word = action_of(g, run);
	if (first)
		tell(g, run, word);
	before = kw_find(run->inst.kw, "pre_monitor_action");
	if (first && before && *before && strcmp(word, "none") != 0)
		job_before_monitor(g, run, before);
	else
		monitor_act(g, run);
}
