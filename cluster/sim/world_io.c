#include "cluster/sim/world_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t io_wall(void *ctx)
{
	struct world_node *n = ctx;

	return 1700000000000 + (int64_t)(n->world->now_us / 1000);
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
	uint64_t at = w->now_us + 50 + world_random(w, 1500);
	uint64_t *last = &w->last_us[from->slot][to->slot];

	if (world_random(w, 200) == 0)
		at += world_random(w, 60000);
	if (at <= *last)
		at = *last + 1; /* a stream keeps its order */
	*last = at;
	doc_encode(&b, frame);
	e = world_event_new(w, kind, to, at - w->now_us);
	e->from = from;
	e->from_life = from->life;
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

static struct world_node *container_of_rid(struct world_node *host,
					   const char *service, const char *rid)
{
	struct world *w = host->world;

	for (unsigned i = 0; i < w->n; i++) {
		struct world_node *c = &w->node[i];

		if (c->container && c->host == host &&
		    strcmp(c->service, service) == 0 &&
		    strcmp(c->rid, rid) == 0)
			return c;
	}
	return NULL;
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
	c = container_of_rid(n, service, rid);
	return c && c->channel && frame_post(n, c, EV_CHANNEL_FRAME, frame);
}

static void io_channel_close(void *ctx, const char *service, const char *rid)
{
	(void)ctx;
	(void)service;
	(void)rid; /* links_step() compares anew */
}

static void io_work(void *ctx, int lane, void (*run)(void *arg),
		    void (*done)(void *arg), void *arg)
{
	struct world_node *n = ctx;
	struct world *w = n->world;
	uint64_t delay = 100 + world_random(w, 900);
	struct world_event *e;

	if (world_random(w, 300) == 0)
		delay += world_random(w, 100000);
	if (lane == 0)
		delay = 1000 + world_random(w, 120000);
	else if (w->lane_us[n->slot][lane] > w->now_us)
		delay += w->lane_us[n->slot][lane] - w->now_us;
	if (lane)
		w->lane_us[n->slot][lane] = w->now_us + delay;
	e = world_event_new(w, EV_WORK, n, delay);
	e->run = run;
	e->done = done;
	e->arg = arg;
}

static struct world_resource *res_find(struct world_node *n,
				       const char *service, const char *rid)
{
	struct world_resource *r;

	for (size_t i = 0; i < n->n_res; i++)
		if (strcmp(n->res[i].service, service) == 0 &&
		    strcmp(n->res[i].rid, rid) == 0)
			return &n->res[i];
	if (n->n_res == n->cap_res) {
		n->cap_res = n->cap_res ? 2 * n->cap_res : 16;
		n->res = realloc(n->res, n->cap_res * sizeof(*n->res));
		if (!n->res)
			abort();
	}
	r = &n->res[n->n_res++];
	*r = (struct world_resource){ 0 };
	snprintf(r->service, sizeof(r->service), "%s", service);
	snprintf(r->rid, sizeof(r->rid), "%s", rid);
	return r;
}

bool world_resource_up(const struct world_node *n, const char *service,
		       const char *rid)
{
	for (size_t i = 0; i < n->n_res; i++)
		if (strcmp(n->res[i].service, service) == 0 &&
		    strcmp(n->res[i].rid, rid) == 0)
			return n->res[i].up;
	return false;
}

unsigned world_places(const struct world *w, const char *service)
{
	unsigned places = 0;

	for (unsigned i = 0; i < w->n; i++) {
		const struct world_node *n = &w->node[i];
		bool any = false;

		for (size_t k = 0; !n->container && k < n->n_res; k++)
			any |= n->res[k].up &&
			       strcmp(n->res[k].service, service) == 0;
		places += any;
	}
	return places;
}

void world_container_end(struct world_node *c)
{
	if (c->agent)
		world_agent_kill(c);
	c->up = false;
	c->host = NULL;
	c->n_res = 0;
}

static void container_begin(struct world_node *host, const struct job *j)
{
	struct world_node *c = world_named(host->world, j->res->encapnode);

	if (!c)
		return;
	if (c->host && c->host != host) {
		world_fail(host->world, "%s runs on %s and on %s", c->name,
			   c->host->name, host->name);
		return;
	}
	c->host = host;
	c->up = true;
	snprintf(c->service, sizeof(c->service), "%s", j->service);
	snprintf(c->rid, sizeof(c->rid), "%s", j->res->rid);
	snprintf(c->session, sizeof(c->session), "%s.%u", c->name, ++c->boots);
	c->lease_until = c->lease_epoch = 0;
	world_agent_start_in(c, 20 + world_random(host->world, 200));
}

static void res_set(struct world_node *n, const struct job *j, bool up)
{
	struct world_resource *r = res_find(n, j->service, j->res->rid);

	if (r->up == up)
		return;
	world_trace(n->world, "%s: %s %s %s", n->name, j->service, j->res->rid,
		    up ? "up" : "down");
	if (strcmp(j->res->group, "container") == 0 && !up) {
		struct world_node *c =
			container_of_rid(n, j->service, j->res->rid);

		if (c)
			world_container_end(c);
	}
	r->up = up;
	if (up && strcmp(j->res->group, "container") == 0)
		container_begin(n, j);
	if (world_places(n->world, j->service) > 1)
		world_fail(n->world,
			   "%s is up twice: %s started %s while "
			   "another node runs it",
			   j->service, n->name, j->res->rid);
}

static int io_drive(void *ctx, enum drive_op op, const struct job *j,
		    struct probe *ret, struct err *err)
{
	struct world_node *n = ctx;
	bool up;

	if (is_ghost(n) || !n->up)
		return err_set(err, -EIO, "a ghost");
	if (op == DRIVE_COMMAND || op == DRIVE_RUN)
		return 0;
	up = res_find(n, j->service, j->res->rid)->up;
	switch (op) {
	case DRIVE_RUN:
	case DRIVE_COMMAND:
		break;
	case DRIVE_PROBE:
		ret->status = up ? STATUS_UP : STATUS_DOWN;
		ret->label = j->res->rid;
		ret->log = "";
		return 0;
	case DRIVE_START:
		res_set(n, j, true);
		return up ? DRIVER_NOOP : 0;
	case DRIVE_KILL:
		if (n->world->drop_kills)
			return 0;
		res_set(n, j, false);
		return 0;
	case DRIVE_STOP:
		res_set(n, j, false);
		return up ? 0 : DRIVER_NOOP;
	}
	return 0;
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

	world_trace(n->world, "%s: head of %s is %.8s%s", n->name, service, rev,
		    config ? "" : " (gone)");
}

static void io_fatal(void *ctx, const struct err *err)
{
	struct world_node *n = ctx;

	if (!is_ghost(n))
		world_fail(n->world, "%s: fatal: %s", n->name, err->text);
}

static void io_log(void *ctx, int level, const char *text)
{
	struct world_node *n = ctx;

	if (!is_ghost(n))
		world_trace(n->world, "%s: <%d> %s", n->name, level, text);
}

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
		.drive = io_drive,
		.save_identity = io_save_identity,
		.save_lease = io_save_lease,
		.peers = io_peers,
		.channels = io_channels,
		.head = io_head,
		.fatal = io_fatal,
		.log = io_log,
	};
}
