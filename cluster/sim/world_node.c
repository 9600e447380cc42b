#include "cluster/sim/world_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WAL_SEGMENT (256 << 10)

struct world_node *world_named(struct world *w, const char *name)
{
	for (unsigned i = 0; i < w->n; i++)
		if (strcmp(w->node[i].name, name) == 0)
			return &w->node[i];
	return NULL;
}

struct world_node *world_add(struct world *w, const char *name, bool container)
{
	struct world_node *n = &w->node[w->n];

	assert(w->n < WORLD_NODES);
	n->world = w;
	n->slot = w->n++;
	n->container = container;
	snprintf(n->name, sizeof(n->name), "%s", name);
	n->offset_ms = (int64_t)world_chance(w, 1000, 1000000, 100000);
	n->speed = (int64_t)world_chance(w, 990, 21, 1000);
	n->wal = simdisk_new(world_mix(w));
	n->snap = simdisk_new(world_mix(w));
	return n;
}

static struct world_node *machine_of(struct world_node *n)
{
	return n->container && n->host ? n->host : n;
}

static void agent_start_again(struct world_node *n, const char *why)
{
	world_trace(n->world, "%s: does not start: %s", n->name, why);
	n->disk_hurt = n->disk_full;
	simdisk_restart(n->wal);
	simdisk_restart(n->snap);
	world_agent_start_in(n, 1000);
}

void world_agent_start(struct world_node *n)
{
	struct world_node *m = machine_of(n);
	char dir[160], boot[WORLD_NAME + 16];
	struct agent_options o = {
		.io = world_io(n),
		.node = n->name,
		.run_dir = "/run/encap",
		.etc_dir = "/etc/encap",
	};
	struct db_options d = { .dir = dir, .boot_id = boot };
	struct err err;

	assert(!n->agent && n->up);
	snprintf(dir, sizeof(dir), "%s/%s", n->world->dir, n->name);
	snprintf(boot, sizeof(boot), "%s.%u", m->name, m->boots);
	n->life++;
	if (db_open(&n->db, &d, &err) < 0) {
		world_fail(n->world, "%s: %s", n->name, err.text);
		return;
	}
	o.wal_disk = simdisk_disk(n->wal);
	o.snap_disk = simdisk_disk(n->snap);
	o.db = n->db;
	o.session = n->session;
	o.identity = n->identity;
	o.local = n->local;
	o.now_ms = world_node_ms(n);
	o.seed = world_mix(n->world);
	o.lease_until_ms = n->lease_until;
	o.lease_epoch = n->lease_epoch;
	o.snapshot_entries = n->world->snapshot_entries;
	o.trailing = n->world->trailing;
	o.wal_segment = WAL_SEGMENT;
	if (agent_open(&n->agent, &o, &err) < 0) {
		n->agent = NULL;
		db_close(n->db, false);
		n->db = NULL;
		if (n->disk_full || n->disk_hurt)
			agent_start_again(n, err.text);
		else
			world_fail(n->world, "%s: %s", n->name, err.text);
		return;
	}
	n->disk_hurt = false;
	world_trace(n->world, "%s: agent starts", n->name);
	if (n->world->hooks && n->world->hooks->agent)
		n->world->hooks->agent(n->world->hooks->ctx, n);
}

void world_agent_start_in(struct world_node *n, uint64_t ms)
{
	world_event_new(n->world, EV_START, n, ms * 1000);
}

void world_agent_kill(struct world_node *n)
{
	struct agent *g = n->agent;

	if (!g)
		return;
	world_trace(n->world, "%s: agent dies", n->name);
	n->paused_until_us = 0;
	n->will_die = false;
	for (size_t i = 0; i < n->n_res; i++)
		n->res[i].late_us = 0; /* what is under way ends with it */
	n->agent = NULL;	       /* from here on it is a ghost */
	world_channel_end(n);
	n->host_lost = false;
	world_channels_lost(n);
	n->wanted = NULL;
	simdisk_cut_after(n->wal, (unsigned)world_random(n->world, 3));
	simdisk_cut_after(n->snap, (unsigned)world_random(n->world, 3));
	world_events_void(n);
	agent_close(g);
	db_close(n->db, false);
	n->db = NULL;
	n->life++;
	simdisk_restart(n->wal);
	simdisk_restart(n->snap);
	for (unsigned k = 0; k < n->world->n; k++) {
		n->world->link[n->slot][k] = false;
		n->world->link_moved_us[n->slot][k] = n->world->now_us;
		n->world->lane_us[n->slot][k % 4] = 0;
	}
}

void world_boot(struct world_node *n)
{
	if (n->up)
		return;
	n->up = true;
	n->boots++;
	snprintf(n->session, sizeof(n->session), "%s.%u", n->name, n->boots);
	n->lease_until = n->lease_epoch = 0;
	world_trace(n->world, "%s: boots", n->name);
	world_agent_start(n);
}

void world_boot_in(struct world_node *n, uint64_t ms)
{
	world_event_new(n->world, EV_BOOT, n, ms * 1000);
}

void world_power_off(struct world_node *n)
{
	struct world *w = n->world;

	if (!n->up)
		return;
	world_trace(w, "%s: power off", n->name);
	for (unsigned i = 0; i < w->n; i++)
		if (w->node[i].container && w->node[i].host == n)
			world_container_end(&w->node[i]);
	world_agent_kill(n);
	world_guard_forget(n);
	n->asleep_until_us = 0;
	n->up = false;
	n->n_res = 0;
}

/* -- what goes wrong ------------------------------------------------------- */

void world_container_crash(struct world_node *c)
{
	struct world_node *h = c->host;

	if (!c->up || !h)
		return;
	world_trace(c->world, "%s: stops by itself", c->name);
	world_res_set(h, world_res_find(h, c->service, c->rid), false);
}

void world_pause(struct world_node *n, uint64_t ms)
{
	if (!n->agent)
		return;
	world_trace(n->world, "%s: agent stands still for %llu ms", n->name,
		    (unsigned long long)ms);
	n->paused_until_us = n->world->now_us + ms * 1000;
}

void world_sleep(struct world_node *n, uint64_t ms)
{
	struct world *w = n->world;

	if (!n->up)
		return;
	world_trace(w, "%s: sleeps for %llu ms", n->name,
		    (unsigned long long)ms);
	n->asleep_until_us = w->now_us + ms * 1000;
	for (unsigned i = 0; i < w->n; i++)
		if (w->node[i].host == n)
			w->node[i].asleep_until_us = n->asleep_until_us;
}

void world_spell(struct world_node *n, enum world_spell spell, uint64_t ms)
{
	n->spell = spell;
	n->spell_until_us = n->world->now_us + ms * 1000;
}

void world_drift(struct world_node *n, int64_t permille)
{
	int64_t now = (int64_t)world_node_ms(n);

	n->speed = 1000 + permille;
	n->offset_ms = now - (int64_t)n->world->now_us * n->speed / 1000000;
}

void world_disk_full(struct world_node *n, bool full)
{
	if (full && !n->disk_full)
		world_trace(n->world, "%s: its disk is full", n->name);
	n->disk_full = full;
	simdisk_limit(n->wal, full);
	simdisk_limit(n->snap, full);
}

void world_disk_error(struct world_node *n, unsigned nth)
{
	if (!n->agent)
		return;
	world_trace(n->world, "%s: its disk has an error", n->name);
	n->disk_hurt = true;
	simdisk_fail_after(n->wal, nth, -EIO);
}

void world_calm(struct world *w)
{
	w->resets = 0;
	memset(w->blocked, 0, sizeof(w->blocked));
	for (unsigned i = 0; i < w->n; i++) {
		struct world_node *n = &w->node[i];

		n->cut = false;
		n->slow_until_us = n->late_until_us = n->spell_until_us = 0;
		world_disk_full(n, false);
		simdisk_restart(n->wal);
		simdisk_restart(n->snap);
	}
}
