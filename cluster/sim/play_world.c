/*
 * What happens to machines, the network and resources; and what drivers come
 * to: each start and stop takes a moment, unless a step of the scenario said
 * otherwise.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cluster/sim/play_internal.h"

#define RESOURCE_US  200000
#define CONTAINER_US 1000000
#define REBOOT_MS    30000
#define RESTART_MS   500 /* RestartSec of the unit */

/* -- drivers --------------------------------------------------------------- */

static bool rule_fits(const struct play_rule *r, const struct world_node *n,
		      const struct job *j, enum play_op op)
{
	return r->act != ACT_FAIL_FENCE && r->op == op && r->times != 0 &&
	       strcmp(r->service, j->service) == 0 &&
	       strcmp(r->rid, j->res->rid) == 0 &&
	       (!r->node || strcmp(r->node, n->name) == 0);
}

static int on_drive(void *ctx, struct world_node *n, bool up,
		    const struct job *j, uint64_t *us, struct err *err)
{
	struct play *p = ctx;

	*us = strcmp(j->res->group, "container") == 0 ? CONTAINER_US
						      : RESOURCE_US;
	for (size_t i = p->n_rules; i-- > 0;) {
		struct play_rule *r = &p->rules[i];

		if (!rule_fits(r, n, j, up ? PLAY_START : PLAY_STOP))
			continue;
		if (r->times > 0)
			r->times--;
		if (r->act == ACT_SLOW) {
			*us = (uint64_t)r->ms * 1000;
			return 0;
		}
		if (r->act == ACT_HANG)
			*us = UINT64_MAX;
		return err_set(err, r->act == ACT_HANG ? -ETIMEDOUT : -EIO,
			       r->act == ACT_HANG ? "it takes too long"
						  : "as the scenario has it");
	}
	return 0;
}

static int on_kill(void *ctx, struct world_node *n, const struct job *j,
		   struct err *err)
{
	struct play *p = ctx;

	for (size_t i = 0; i < p->n_rules; i++) {
		struct play_rule *r = &p->rules[i];

		if (!rule_fits(r, n, j, PLAY_KILL))
			continue;
		if (r->times > 0)
			r->times--;
		return err_set(err, -EIO, "as the scenario has it");
	}
	return 0;
}

static int on_fence(void *ctx, struct world_node *n, const char *node,
		    const char *action, struct err *err)
{
	struct play *p = ctx;

	for (size_t i = 0; i < p->n_rules; i++) {
		struct play_rule *r = &p->rules[i];

		if (r->act != ACT_FAIL_FENCE || r->times == 0 ||
		    strcmp(r->node, node) != 0)
			continue;
		if (r->times > 0)
			r->times--;
		return err_set(err, -EIO, "as the scenario has it");
	}
	PLAY_SAY(p, DIARY_WORLD, n->name, NULL, "fences %s: %s", node, action);
	return 0;
}

static void on_changed(void *ctx, struct world_node *n, const char *service,
		       const char *rid, bool up)
{
	struct play *p = ctx;
	struct play_service *s = play_service(p, service);

	if (s)
		s->dirty = true;
	if (p->begun)
		PLAY_SAY(p, DIARY_WORLD, n->name, service, "%s %s", rid,
			 up ? "up" : "down");
}

static void on_head(void *ctx, struct world_node *n, const char *service,
		    const char *config)
{
	struct play *p = ctx;

	if (!n->container)
		play_service_head(p, service, config);
}

static void on_log(void *ctx, struct world_node *n, int level, const char *text)
{
	struct play *p = ctx;

	/* The events have that, too, once it is agreed. */
	if (strstr(text, "its lease of epoch"))
		return;
	if (p->begun && level <= 4)
		PLAY_SAY(p, DIARY_AGENT, n->name, NULL, "%s", text);
}

static void on_agent(void *ctx, struct world_node *n)
{
	struct play *p = ctx;

	if (p->begun && !n->container)
		PLAY_SAY(p, DIARY_WORLD, n->name, NULL, "its agent starts");
}

void play_hooks(struct play *p)
{
	struct world_hooks *h = ARENA_NEW(p->arena, struct world_hooks);

	*h = (struct world_hooks){ .ctx = p,
				   .drive = on_drive,
				   .kill = on_kill,
				   .fence = on_fence,
				   .changed = on_changed,
				   .head = on_head,
				   .log = on_log,
				   .agent = on_agent };
	p->w->hooks = h;
}

static const char *on_of(const struct scenario_step *s)
{
	return s->on.n ? s->on.at[0] : NULL;
}

static enum play_op op_of(const char *word)
{
	if (!word || strcmp(word, "start") == 0)
		return PLAY_START;
	return strcmp(word, "kill") == 0 ? PLAY_KILL : PLAY_STOP;
}

static bool rule_add(struct play *p, const struct scenario_step *s)
{
	if (on_of(s) && !play_node(p, on_of(s)))
		return false;
	p->rules[p->n_rules++] = (struct play_rule){
		.act = s->act,
		.op = op_of(s->word),
		.service = s->service,
		.rid = s->rid,
		.node = s->act == ACT_FAIL_FENCE ? s->nodes.at[0] : on_of(s),
		.times = s->times ? s->times : -1,
		.ms = s->ms,
	};
	return true;
}

static bool mend(struct play *p, const struct scenario_step *s)
{
	for (size_t i = 0; i < p->n_rules; i++)
		if (p->rules[i].act != ACT_SLOW && p->rules[i].service &&
		    strcmp(p->rules[i].service, s->service) == 0)
			p->rules[i].times = 0;
	return true;
}

/* By itself, wherever it is. */
static bool down(struct play *p, const struct scenario_step *s)
{
	bool any = false;

	if (on_of(s) && !play_node(p, on_of(s)))
		return false;
	for (unsigned i = 0; i < p->w->n; i++) {
		struct world_node *n = &p->w->node[i];

		if ((on_of(s) && strcmp(on_of(s), n->name) != 0) ||
		    !world_resource_up(n, s->service, s->rid))
			continue;
		world_resource_down(n, s->service, s->rid);
		any = true;
	}
	return any ||
	       play_stop(p, "%s of %s is up nowhere", s->rid, s->service);
}

/* -- machines ---------------------------------------------------------------
 */

static void kill(struct world_node *n)
{
	if (n->container)
		world_container_crash(n);
	else
		world_power_off(n);
}

static bool reboot(struct play *p, struct world_node *n,
		   const struct scenario_step *s)
{
	if (n->container)
		return play_stop(p,
				 "%s is a container: kill ends it, and "
				 "what starts it is the cluster",
				 n->name);
	world_power_off(n);
	world_boot_in(n, (uint64_t)(s->for_ms ? s->for_ms : REBOOT_MS));
	return true;
}

static bool agent_start(struct play *p, struct world_node *n)
{
	if (!n->up)
		return play_stop(p, "%s is off: no agent starts there",
				 n->name);
	if (!n->agent)
		world_agent_start(n);
	return true;
}

static bool machine(struct play *p, struct world_node *n,
		    const struct scenario_step *s)
{
	if (s->act == ACT_KILL)
		kill(n);
	else if (s->act == ACT_BOOT)
		world_boot(n);
	else if (s->act == ACT_REBOOT)
		return reboot(p, n, s);
	else if (s->act == ACT_AGENT_START)
		return agent_start(p, n);
	else
		world_agent_kill(n);
	if (s->act == ACT_AGENT_RESTART)
		world_agent_start_in(
			n, (uint64_t)(s->for_ms ? s->for_ms : RESTART_MS));
	return true;
}

static bool disk(struct play *p, struct world_node *n,
		 const struct scenario_step *s)
{
	(void)p;
	world_disk_full(n, strcmp(s->word, "full") == 0);
	n->slow_until_us = strcmp(s->word, "slow") == 0 ? UINT64_MAX : 0;
	if (strcmp(s->word, "broken") == 0)
		world_disk_error(n, 0);
	return true;
}

static bool snapshot(struct play *p, struct world_node *n,
		     const struct scenario_step *s)
{
	struct image **i = &p->images[n->slot];

	if (s->act == ACT_RESTORE && !*i)
		return play_stop(p, "there is no snapshot of %s", n->name);
	if (s->act == ACT_RESTORE) {
		image_restore(*i, n);
		return true;
	}
	image_free(*i);
	*i = image_take(n);
	return *i || play_stop(p, "%s never ran", n->name);
}

/* -- the network ------------------------------------------------------------
 */

static bool nodes_of(struct play *p, const struct names *names,
		     bool in[WORLD_NODES])
{
	memset(in, 0, WORLD_NODES * sizeof(in[0]));
	for (size_t i = 0; i < names->n; i++) {
		const struct world_node *n = play_node(p, names->at[i]);

		if (!n)
			return false;
		if (n->container)
			return play_stop(p,
					 "%s is a container: it has no "
					 "network to cut",
					 n->name);
		in[n->slot] = true;
	}
	return true;
}

static bool cut(struct play *p, const struct scenario_step *s)
{
	bool one[WORLD_NODES], two[WORLD_NODES];

	if (!nodes_of(p, &s->nodes, one) || !nodes_of(p, &s->others, two))
		return false;
	for (unsigned i = 0; i < p->w->n; i++)
		for (unsigned k = 0; k < p->w->n; k++) {
			if (!one[i] ||
			    (s->act == ACT_CUT ? one[k] : !two[k] || i == k))
				continue;
			p->w->blocked[i][k] = true;
			if (s->act != ACT_CUT_TO)
				p->w->blocked[k][i] = true;
		}
	return true;
}

static bool for_each(struct play *p, const struct scenario_step *s,
		     bool (*what)(struct play *p, struct world_node *n,
				  const struct scenario_step *s))
{
	for (size_t i = 0; i < s->nodes.n; i++) {
		struct world_node *n = play_node(p, s->nodes.at[i]);

		if (!n || !what(p, n, s))
			return false;
	}
	return true;
}

static bool time_of(struct play *p, struct world_node *n,
		    const struct scenario_step *s)
{
	(void)p;
	if (s->act == ACT_PAUSE)
		world_pause(n, (uint64_t)s->ms);
	else if (s->act == ACT_SLEEP)
		world_sleep(n, (uint64_t)s->ms);
	else if (s->act == ACT_CLOCK)
		n->wall_ms += s->ms;
	else
		world_drift(n, s->number);
	return true;
}

static bool add(struct play *p, const struct scenario_step *s)
{
	struct world_node *n = world_named(p->w, s->nodes.at[0]);

	if (n)
		return play_stop(p, "there is a %s already", n->name);
	if (p->w->n == WORLD_NODES)
		return play_stop(p, "more than %d nodes and containers",
				 WORLD_NODES);
	n = world_add(p->w, s->nodes.at[0], false);
	world_boot(n);
	return play_join(p, n);
}

bool play_act_world(struct play *p, const struct scenario_step *s)
{
	bool on = true;

	if (s->act <= ACT_AGENT_RESTART)
		on = for_each(p, s, machine);
	else if (s->act == ACT_PAUSE || s->act == ACT_SLEEP ||
		 s->act == ACT_CLOCK || s->act == ACT_DRIFT)
		on = for_each(p, s, time_of);
	else if (s->act == ACT_SNAPSHOT || s->act == ACT_RESTORE)
		on = for_each(p, s, snapshot);
	else if (s->act == ACT_ADD)
		on = add(p, s);
	else if (s->act == ACT_DISK)
		on = for_each(p, s, disk);
	else if (s->act == ACT_HEAL)
		memset(p->w->blocked, 0, sizeof(p->w->blocked));
	else if (s->act <= ACT_CUT_TO)
		on = cut(p, s);
	else if (s->act == ACT_DOWN)
		on = down(p, s);
	else if (s->act == ACT_MEND)
		on = mend(p, s);
	else
		on = rule_add(p, s);
	return on;
}
