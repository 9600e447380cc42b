#include "cluster/sim/world_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

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
	n->offset_ms = 1000 + (int64_t)world_random(w, 1000000);
	n->speed = 990 + (int64_t)world_random(w, 21);
	n->wal = simdisk_new(world_mix(w));
	n->snap = simdisk_new(world_mix(w));
	return n;
}

static struct world_node *machine_of(struct world_node *n)
{
	return n->container && n->host ? n->host : n;
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
	o.now_ms = world_node_ms(n);
	o.seed = world_mix(n->world);
	o.lease_until_ms = n->lease_until;
	o.lease_epoch = n->lease_epoch;
	if (agent_open(&n->agent, &o, &err) < 0) {
		world_fail(n->world, "%s: %s", n->name, err.text);
		return;
	}
	world_trace(n->world, "%s: agent starts", n->name);
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
	n->agent = NULL; /* from here on it is a ghost */
	world_channel_end(n);
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
	n->up = false;
	n->n_res = 0;
}
