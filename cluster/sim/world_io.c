#include "cluster/sim/world_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/fence.h"

#define POWER_ON_MS 50 /* from the switch to an agent that runs */

static int64_t io_wall(void *ctx)
{
	struct world_node *n = ctx;

	return 1700000000000 + (int64_t)(n->world->now_us / 1000) + n->wall_ms;
}

static void io_random(void *ctx, void *buf, size_t len)
{
	struct world_node *n = ctx;
	unsigned char *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (unsigned char)world_mix(n->world);
}

static bool is_ghost(const struct world_node *n)
{
	return !n->agent;
}

static bool frame_post(struct world_node *from, struct world_node *to,
		       enum event_kind kind, const struct doc *frame)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct world *w = from->world;
	struct buf b = BUF(a);
	struct world_event *e;
	uint64_t at = w->now_us + world_chance(w, 50, 1500, 500);
	uint64_t *last = &w->last_us[from->slot][to->slot];

	if (kind == EV_FRAME && w->resets &&
	    world_random(w, 100000) < w->resets) {
		w->reset[from->slot][to->slot] = w->resetting = true;
		return true;
	}
	if (!w->hooks && world_random(w, 200) == 0)
		at += world_random(w, 60000);
	if (to->late_until_us > w->now_us)
		at += to->late_us;
	if (at <= *last)
		at = *last + 1; /* a stream keeps its order */
	*last = at;
	doc_encode(&b, frame);
	e = world_event_new(w, kind, to, at - w->now_us);
	e->from = from;
	e->from_life = from->life;
	e->sent_us = w->now_us;
	e->data = malloc(b.len);
	if (!e->data)
		abort();
	memcpy(e->data, b.data, b.len);
	e->len = b.len;
	return true;
}

static bool io_send(void *ctx, uint64_t peer, struct arena *a,
		    struct doc *frame)
{
	struct world_node *n = ctx;
	struct world *w = n->world;

	(void)a;
	if (is_ghost(n))
		return false;
	for (unsigned i = 0; i < w->n; i++)
		if (!w->node[i].container && w->node[i].id == peer &&
		    w->link[n->slot][i])
			return frame_post(n, &w->node[i], EV_FRAME, frame);
	return false;
}

static bool io_channel_send(void *ctx, const char *service, const char *rid,
			    struct arena *a, struct doc *frame)
{
	struct world_node *n = ctx, *c;

	(void)a;
	if (is_ghost(n))
		return false;
	if (!service)
		return n->channel && n->host &&
		       frame_post(n, n->host, EV_CHANNEL_FRAME, frame);
	c = world_container_of(n, service, rid);
	return c && c->channel && frame_post(n, c, EV_CHANNEL_FRAME, frame);
}

static void io_channel_close(void *ctx, const char *service, const char *rid)
{
	(void)ctx;
	(void)service;
	(void)rid; /* world_links_step() compares anew */
}

static void io_work(void *ctx, int lane, void (*run)(void *arg),
		    void (*done)(void *arg), void *arg)
{
	struct world_node *n = ctx;
	struct world *w = n->world;
	uint64_t delay = world_chance(w, 100, 900, 300);
	struct world_event *e;

	if (!w->hooks && world_random(w, 300) == 0)
		delay += world_random(w, 100000);
	if (lane == 0)
		delay = world_chance(w, 1000, 120000, 5000);
	else if (n->slow_until_us > w->now_us)
		delay += world_chance(w, 0, 300000, 300000);
	if (lane && w->lane_us[n->slot][lane] > w->now_us)
		delay += w->lane_us[n->slot][lane] - w->now_us;
	if (lane)
		w->lane_us[n->slot][lane] = w->now_us + delay;
	e = world_event_new(w, EV_WORK, n, delay);
	e->run = run;
	e->done = done;
	e->arg = arg;
}

static int io_save_identity(void *ctx, const struct doc *identity,
			    struct err *err)
{
	struct world_node *n = ctx;

	(void)err;
	arena_free(n->identity_arena);
	n->identity_arena = arena_new();
	n->identity = doc_copy(n->identity_arena, identity);
	if (!n->container)
		n->id = (uint64_t)doc_get_int(identity, "id", 0);
	return 0;
}

static int io_save_local(void *ctx, const struct doc *orders, struct err *err)
{
	struct world_node *n = ctx;
	struct arena *a = arena_new();

	(void)err;
	n->local = doc_copy(a, orders);
	arena_free(n->local_arena);
	n->local_arena = a;
	return 0;
}

static int io_secret_key(void *ctx, struct seal_key *ret, struct err *err)
{
	(void)ctx;
	(void)err;
	memset(ret, 7, sizeof(*ret));
	return 0;
}

#define FENCE_US 1000000 /* that is how long a device takes */
#define OFF_MS	 30000	 /* and a machine that it reboots */

/* A power switch that every hypervisor reaches, whatever the network does. */
static int io_fence(void *ctx, const struct fence_call *c, struct err *err)
{
	struct world_node *n = ctx, *to = world_named(n->world, c->node);
	const struct world_hooks *h = n->world->hooks;
	int rc = 0;

	if (is_ghost(n) || !to)
		return err_set(err, -EIO, "the power switch has no %s",
			       c->node);
	if (strcmp(c->action, "status") == 0)
		return to->up ? 0 : FENCE_IS_OFF;
	if (h && h->fence) {
		rc = h->fence(h->ctx, n, c->node, c->action, err);
		n->op_us += FENCE_US;
	}
	if (rc < 0)
		return rc;
	if (strcmp(c->action, "off") == 0 || strcmp(c->action, "reboot") == 0)
		world_power_off(to);
	if (strcmp(c->action, "on") == 0)
		world_boot_in(to, POWER_ON_MS);
	if (strcmp(c->action, "reboot") == 0)
		world_boot_in(to, h ? OFF_MS : POWER_ON_MS);
	return 0;
}

static void io_save_lease(void *ctx, uint64_t until_ms, uint64_t epoch)
{
	struct world_node *n = ctx;

	n->lease_until = until_ms;
	n->lease_epoch = epoch;
}

static void io_peers(void *ctx, const struct doc *nodes)
{
	(void)ctx;
	(void)nodes; /* everybody may link with everybody */
}

static void io_channels(void *ctx, const struct doc *list)
{
	struct world_node *n = ctx;

	arena_free(n->wanted_arena);
	n->wanted_arena = arena_new();
	n->wanted = doc_copy(n->wanted_arena, list);
}

static void io_head(void *ctx, const char *service, const char *rev,
		    const char *config)
{
	struct world_node *n = ctx;

	const struct world_hooks *h = n->world->hooks;

	if (h && h->head)
		h->head(h->ctx, n, service, config);
	world_trace(n->world, "%s: head of %s is %.8s%s", n->name, service, rev,
		    config ? "" : " (gone)");
}

static void io_log(void *ctx, int level, const char *text)
{
	struct world_node *n = ctx;
	const struct world_hooks *h = n->world->hooks;

	if (is_ghost(n))
		return;
	if (h && h->log)
		h->log(h->ctx, n, level, text);
	world_trace(n->world, "%s: <%d> %s", n->name, level, text);
}

static void io_fatal(void *ctx, const struct err *err)
{
	struct world_node *n = ctx;

	if (is_ghost(n))
		return;
	if (n->disk_full || n->disk_hurt) {
		world_trace(n->world, "%s: stops: %s", n->name, err->text);
		world_tell(n, "its disk fails: the agent ends");
		n->will_die = true;
		return;
	}
	world_fail(n->world, "%s: fatal: %s", n->name, err->text);
}

/* A power switch that every hypervisor reaches, whatever the network does. */
struct agent_io world_io(struct world_node *n)
{
	return (struct agent_io){
		.ctx = n,
		.wall_ms = io_wall,
		.local_ms = io_wall,
		.random = io_random,
		.send = io_send,
		.channel_send = io_channel_send,
		.channel_close = io_channel_close,
		.work = io_work,
		.drive = world_drive,
		.save_identity = io_save_identity,
		.save_lease = io_save_lease,
		.save_local = io_save_local,
		.fence = io_fence,
		.secret_key = n->world->hooks && !n->container && !n->keyless
				      ? io_secret_key
				      : NULL,
		.peers = io_peers,
		.channels = io_channels,
		.head = io_head,
		.guard = n->world->guarded ? world_guard : NULL,
		.fatal = io_fatal,
		.log = io_log,
	};
}
