/*
 * What goes wrong. Where an agent may be away for longer than its lease, only
 * the guard keeps what it ran from being in two places: those faults are for
 * clusters that have one (docs/decisions/leases.md).
 */
#include "tests/sim/scene.h"

static struct world_node *trouble(struct scene *s)
{
	s->n_troubles++;
	return scene_host(s);
}

/* Whatever supervises it starts it again within half a lease. */
void fault_kill(struct scene *s)
{
	struct world_node *n = trouble(s);

	if (!n->agent)
		return;
	world_agent_kill(n);
	world_agent_start_in(n, 50 + scene_pick(s, s->lease_ms / 2 - 50));
}

void fault_dead(struct scene *s)
{
	struct world_node *n = trouble(s);

	if (!n->agent || !s->w->guarded)
		return;
	world_agent_kill(n);
	world_agent_start_in(n, s->lease_ms / 2 + scene_pick(s, 15000));
}

void fault_power(struct scene *s)
{
	world_power_off(trouble(s));
}

void fault_power_all(struct scene *s)
{
	s->n_troubles += s->hosts;
	for (unsigned i = 0; i < s->hosts; i++)
		world_power_off(s->hv[i]);
}

/* Things get better. */
void fault_boot(struct scene *s)
{
	struct world_node *n = scene_host(s);

	n->cut = false;
	world_boot(n);
}

void fault_cut(struct scene *s)
{
	struct world_node *n = trouble(s);

	n->cut = true;
	world_trace(s->w, "%s: cut", n->name);
}

void fault_one_way(struct scene *s)
{
	struct world_node *x = trouble(s), *y = trouble(s);

	if (x == y)
		return;
	s->w->blocked[x->slot][y->slot] = true;
	world_trace(s->w, "nothing gets from %s to %s", x->name, y->name);
}

/* In two parts, or only some pairs do not see each other. */
void fault_split(struct scene *s)
{
	uint64_t side = chance_next(&s->chance);
	bool partial = scene_pick(s, 2);

	s->n_troubles += s->hosts;
	world_trace(s->w, "the network splits%s", partial ? " in part" : "");
	for (unsigned i = 0; i < s->hosts; i++)
		for (unsigned k = 0; k < i; k++) {
			bool apart =
				partial ? side >> (i * 5 + k) & 1
					: (side >> i & 1) != (side >> k & 1);

			s->w->blocked[s->hv[i]->slot][s->hv[k]->slot] = apart;
			s->w->blocked[s->hv[k]->slot][s->hv[i]->slot] = apart;
		}
}

void fault_heal(struct scene *s)
{
	world_trace(s->w, "the network heals");
	for (unsigned i = 0; i < s->hosts; i++) {
		s->hv[i]->cut = false;
		for (unsigned k = 0; k < s->hosts; k++)
			s->w->blocked[s->hv[i]->slot][s->hv[k]->slot] = false;
	}
}

void fault_late(struct scene *s)
{
	struct world_node *n = trouble(s);

	n->late_us = scene_pick(s, 1500000);
	n->late_until_us = s->w->now_us + scene_pick(s, 10000000);
	world_trace(s->w, "%s: hears everything %.0f ms late", n->name,
		    (double)n->late_us / 1000);
}

void fault_pause(struct scene *s)
{
	struct world_node *n = trouble(s);

	if (s->w->guarded)
		world_pause(n, 100 + scene_pick(s, 10000));
}

void fault_sleep(struct scene *s)
{
	struct world_node *n = trouble(s);

	if (s->w->guarded)
		world_sleep(n, 100 + scene_pick(s, 10000));
}

void fault_wall(struct scene *s)
{
	struct world_node *n = scene_host(s);

	n->wall_ms = (int64_t)scene_pick(s, 20000000) - 10000000;
	world_trace(s->w, "%s: its clock on the wall is wrong by %lld s",
		    n->name, (long long)n->wall_ms / 1000);
}

void fault_disk_full(struct scene *s)
{
	struct world_node *n = trouble(s);

	if (s->w->guarded)
		world_disk_full(n, true);
}

void fault_disk_room(struct scene *s)
{
	for (unsigned i = 0; i < s->hosts; i++)
		world_disk_full(s->hv[i], false);
}

void fault_disk_error(struct scene *s)
{
	struct world_node *n = trouble(s);

	if (s->w->guarded)
		world_disk_error(n, (unsigned)scene_pick(s, 10));
}

void fault_disk_slow(struct scene *s)
{
	struct world_node *n = trouble(s);

	n->slow_until_us = s->w->now_us + scene_pick(s, 10000000);
	world_trace(s->w, "%s: its disk is slow", n->name);
}

static void spell(struct scene *s, enum world_spell what)
{
	struct world_node *n = trouble(s);

	scene_disturbed(s);
	if (scene_pick(s, 4) == 0 && s->vm->up)
		n = s->vm;
	world_spell(n, what, 500 + scene_pick(s, 8000));
}

void fault_fails(struct scene *s)
{
	spell(s, SPELL_FAIL);
}

void fault_hangs(struct scene *s)
{
	spell(s, SPELL_HANG);
}

void fault_is_late(struct scene *s)
{
	spell(s, SPELL_LATE);
}

void fault_lies(struct scene *s)
{
	spell(s, SPELL_LIE);
}

void fault_blind(struct scene *s)
{
	spell(s, SPELL_BLIND);
}

void fault_container(struct scene *s)
{
	scene_disturbed(s);
	world_container_crash(s->vm);
}

void fault_container_agent(struct scene *s)
{
	if (!s->vm->agent)
		return;
	world_agent_kill(s->vm);
	world_agent_start_in(s->vm, 50 + scene_pick(s, 10000));
}

void fault_container_pause(struct scene *s)
{
	world_pause(s->vm, 100 + scene_pick(s, 10000));
}

/* A snapshot of the container, or the way back to the last one. */
void fault_snapshot(struct scene *s)
{
	if (!s->vm->up || s->vm->asleep_until_us > s->w->now_us)
		return;
	if (s->image && scene_pick(s, 3) != 0) {
		image_restore(s->image, s->vm);
		editors_rolled_back(s->editors, s->vm);
		return;
	}
	image_free(s->image);
	s->image = image_take(s->vm);
}
