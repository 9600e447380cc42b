/*
 * The main loop takes the earliest of: the next event in the list, the next
 * tick that an agent asked for. After each the agent concerned has a turn.
 *
 * A crash: the disk does a few more writes at most, the last of them torn; jobs
 * under way are carried out as ghosts (they change nothing else) so that their
 * memory is given back; then the agent is closed without a word to anybody.
 */
#include "tests/sim/cluster_world.h"

#include <assert.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum event_kind { EV_FRAME, EV_CHANNEL_FRAME, EV_WORK, EV_START };

struct world_event {
	struct world_event *next;
	uint64_t at_us, seq;
	enum event_kind kind;
	struct world_node *node;
	unsigned life; /* of the node's agent that it is for */
	struct world_node *from;
	unsigned from_life;
	void *data;
	size_t len;
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

/* -- chance, time, trace ------------------------------------------------- */

static uint64_t mix(uint64_t *state)
{
	/* SplitMix64 (Steele, Lea, Flood 2014). */
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t world_random(struct world *w, uint64_t below)
{
	return below ? mix(&w->rng) % below : 0;
}

uint64_t world_node_ms(const struct world_node *n)
{
	return (uint64_t)(n->offset_ms +
			  (int64_t)n->world->now_us * n->speed / 1000000);
}

/* The first moment at which @n's clock shows @ms. */
static uint64_t node_us(const struct world_node *n, uint64_t ms)
{
	int64_t d = (int64_t)ms - n->offset_ms;

	if (ms == UINT64_MAX)
		return UINT64_MAX;
	return d <= 0 ? 0 : (uint64_t)((d * 1000000 + n->speed - 1) / n->speed);
}

void world_trace(struct world *w, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (const char *p = text; *p; p++)
		w->trace = (w->trace ^ (unsigned char)*p) * 1099511628211ULL;
	w->trace = (w->trace ^ w->now_us) * 1099511628211ULL;
	if (w->verbose)
		printf("%10.3f %s\n", (double)w->now_us / 1e6, text);
}

void world_fail(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->failure[0])
		return;
	va_start(ap, fmt);
	vsnprintf(w->failure, sizeof(w->failure), fmt, ap);
	va_end(ap);
	world_trace(w, "BROKEN: %s", w->failure);
}

/* -- events -------------------------------------------------------------- */

static struct world_event *event_new(struct world *w, enum event_kind kind,
				     struct world_node *n, uint64_t delay_us)
{
	struct world_event *e = calloc(1, sizeof(*e)), **at = &w->events;

	if (!e)
		abort();
	e->kind = kind;
	e->node = n;
	e->life = n->life;
	e->at_us = w->now_us + delay_us;
	e->seq = ++w->seq;
	while (*at && (*at)->at_us <= e->at_us)
		at = &(*at)->next;
	e->next = *at;
	*at = e;
	return e;
}

static void event_free(struct world_event *e)
{
	free(e->data);
	free(e);
}

/* A ghost does nothing but give its memory back. */
static void work_ghost(struct world_event *e)
{
	e->run(e->arg);
	e->done(e->arg);
}

static void events_void(struct world_node *n)
{
	struct world_event **at = &n->world->events;

	while (*at) {
		struct world_event *e = *at;

		if (e->node != n || e->kind != EV_WORK) {
			at = &e->next;
			continue;
		}
		*at = e->next;
		work_ghost(e);
		event_free(e);
		at = &n->world->events;
	}
}

/* -- the agent's world ---------------------------------------------------- */

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
		p[i] = (unsigned char)mix(&n->world->rng);
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
	e = event_new(w, kind, to, at - w->now_us);
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
	e = event_new(w, EV_WORK, n, delay);
	e->run = run;
	e->done = done;
	e->arg = arg;
}

static struct world_resource *res_find(struct world_node *n,
				       const char *service, const char *rid)
{
	for (size_t i = 0; i < n->n_res; i++)
		if (strcmp(n->res[i].service, service) == 0 &&
		    strcmp(n->res[i].rid, rid) == 0)
			return &n->res[i];
	assert(n->n_res < WORLD_RES);
	snprintf(n->res[n->n_res].service, 32, "%s", service);
	snprintf(n->res[n->n_res].rid, 32, "%s", rid);
	return &n->res[n->n_res++];
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

static void container_end(struct world_node *c)
{
	if (c->agent)
		world_agent_kill(c);
	c->up = false;
	c->host = NULL;
	c->n_res = 0;
	memset(c->res, 0, sizeof(c->res));
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
			container_end(c);
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

/* -- life of a node ------------------------------------------------------- */

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
	n->wal = simdisk_new(mix(&w->rng));
	n->snap = simdisk_new(mix(&w->rng));
	return n;
}

static struct world_node *machine_of(struct world_node *n)
{
	return n->container && n->host ? n->host : n;
}

void world_agent_start(struct world_node *n)
{
	struct world_node *m = machine_of(n);
	char dir[128], boot[48];
	struct agent_options o = {
		.io = { .ctx = n,
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
			.log = io_log },
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
	o.seed = mix(&n->world->rng);
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
	event_new(n->world, EV_START, n, ms * 1000);
}

static void link_down(struct world *w, unsigned i, unsigned k)
{
	struct world_node *n = &w->node[i];

	if (!w->link[i][k])
		return;
	w->link[i][k] = false;
	w->link_moved_us[i][k] = w->now_us;
	if (n->agent)
		agent_peer(n->agent, world_node_ms(n), w->node[k].id, false);
}

static void channel_end(struct world_node *c)
{
	struct world_node *h = c->host;

	if (!c->channel)
		return;
	c->channel = false;
	if (h && h->agent)
		agent_channel(h->agent, world_node_ms(h), c->service, c->rid,
			      false);
}

void world_agent_kill(struct world_node *n)
{
	struct agent *g = n->agent;

	if (!g)
		return;
	world_trace(n->world, "%s: agent dies", n->name);
	n->agent = NULL; /* from here on it is a ghost */
	channel_end(n);
	n->wanted = NULL;
	simdisk_cut_after(n->wal, (unsigned)world_random(n->world, 3));
	simdisk_cut_after(n->snap, (unsigned)world_random(n->world, 3));
	events_void(n);
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
			container_end(&w->node[i]);
	world_agent_kill(n);
	n->up = false;
	n->n_res = 0;
	memset(n->res, 0, sizeof(n->res));
}

/* -- links and channels ---------------------------------------------------- */

static bool can_link(const struct world_node *x, const struct world_node *y)
{
	return x->agent && y->agent && x->id && y->id && !x->container &&
	       !y->container && x != y && !x->cut && !y->cut;
}

/* A broken link is noticed at once where the other end's kernel says so, after
 * a while where nothing comes any more. */
static void links_step(struct world *w)
{
	for (unsigned i = 0; i < w->n; i++)
		for (unsigned k = 0; k < w->n; k++) {
			struct world_node *x = &w->node[i], *y = &w->node[k];
			bool can = can_link(x, y);
			uint64_t age = w->now_us - w->link_moved_us[i][k];
			bool quiet = x->agent && y->up && (x->cut || y->cut);

			if (can == w->link[i][k] || !x->agent) {
				if (can == w->link[i][k] && can)
					w->link_moved_us[i][k] = w->now_us;
				continue;
			}
			if (!can && (age > 3000000 || !quiet)) {
				link_down(w, i, k);
			} else if (can && age > 100000 &&
				   (w->link[k][i] ||
				    w->now_us - w->link_moved_us[k][i] >
					    100000)) {
				w->link[i][k] = true;
				agent_peer(x->agent, world_node_ms(x), y->id,
					   true);
			}
		}
}

static bool channel_wanted(const struct world_node *host,
			   const struct world_node *c)
{
	for (size_t i = 0; i < doc_len(host->wanted); i++) {
		const struct doc *row = doc_at(host->wanted, i);

		if (strcmp(doc_get_str(row, "service", ""), c->service) == 0 &&
		    strcmp(doc_get_str(row, "rid", ""), c->rid) == 0)
			return true;
	}
	return false;
}

static void channels_step(struct world *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		struct world_node *c = &w->node[i];
		struct world_node *h = c->host;
		bool can = c->container && c->agent && h && h->agent &&
			   channel_wanted(h, c);

		if (!c->container || can == c->channel)
			continue;
		c->channel = can;
		if (h && h->agent)
			agent_channel(h->agent, world_node_ms(h), c->service,
				      c->rid, can);
		if (c->agent)
			agent_host(c->agent, world_node_ms(c), can);
	}
}

/* -- the loop ---------------------------------------------------------------
 */

static void turn(struct world_node *n)
{
	if (n->agent)
		agent_turn(n->agent, world_node_ms(n));
}

static void event_frame(struct world_event *e)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct world_node *n = e->node, *from = e->from;
	struct world *w = n->world;
	struct doc *frame;
	struct err err;

	if (!n->agent || e->life != n->life || e->from_life != from->life)
		return;
	if (e->kind == EV_FRAME &&
	    (n->cut || from->cut || !w->link[n->slot][from->slot]))
		return;
	if (doc_decode(a, e->data, e->len, &frame, &err) < 0) {
		world_fail(w, "a frame of %s: %s", from->name, err.text);
		return;
	}
	if (e->kind == EV_FRAME)
		agent_recv(n->agent, world_node_ms(n), from->id, a, frame);
	else if (n->container && n->channel && n->host == from)
		agent_host_recv(n->agent, world_node_ms(n), a, frame);
	else if (from->container && from->channel && from->host == n)
		agent_channel_recv(n->agent, world_node_ms(n), from->service,
				   from->rid, a, frame);
	turn(n);
}

static void event_run(struct world_event *e)
{
	struct world_node *n = e->node;

	switch (e->kind) {
	case EV_FRAME:
	case EV_CHANNEL_FRAME:
		event_frame(e);
		break;
	case EV_WORK:
		e->run(e->arg);
		if (n->agent) {
			e->done(e->arg);
			turn(n);
		}
		break;
	case EV_START:
		if (n->up && !n->agent && (n->host || !n->container))
			world_agent_start(n);
		break;
	}
	event_free(e);
}

static struct world_node *next_tick(struct world *w, uint64_t *ret_us)
{
	struct world_node *best = NULL;

	*ret_us = UINT64_MAX;
	for (unsigned i = 0; i < w->n; i++) {
		struct world_node *n = &w->node[i];
		uint64_t at;

		if (!n->agent)
			continue;
		at = node_us(n, agent_next_ms(n->agent));
		if (at < *ret_us) {
			*ret_us = at;
			best = n;
		}
	}
	return best;
}

static void step(struct world *w, uint64_t end_us)
{
	uint64_t tick_us;
	struct world_node *n = next_tick(w, &tick_us);
	struct world_event *e = w->events;
	uint64_t event_us = e ? e->at_us : UINT64_MAX;
	uint64_t at = tick_us < event_us ? tick_us : event_us;

	/* Links and channels are looked at every few ms at least. */
	if (at > w->now_us + 10000)
		at = w->now_us + 10000;
	if (at > end_us)
		at = end_us;
	if (at > w->now_us)
		w->now_us = at;
	if (e && event_us <= w->now_us) {
		w->events = e->next;
		event_run(e);
	} else if (n && tick_us <= w->now_us) {
		/* An agent that wants to be called at once gets some time. */
		agent_tick(n->agent, world_node_ms(n));
		turn(n);
		w->now_us += 20;
	}
	links_step(w);
	channels_step(w);
}

bool world_run(struct world *w, uint64_t ms)
{
	uint64_t end = w->now_us + ms * 1000;

	while (w->now_us < end && !w->failure[0])
		step(w, end);
	return !w->failure[0];
}

/* -- requests ----------------------------------------------------------------
 */

void world_ask(struct world_node *n, const struct doc *req, agent_answer done,
	       void *arg)
{
	agent_request(n->agent, world_node_ms(n), req, done, arg);
	turn(n);
}

struct call {
	struct arena *arena;
	struct doc *answer;
	bool abandoned;
};

static void on_called(void *arg, struct arena *a, struct doc *answer)
{
	struct call *c = arg;

	(void)a;
	if (c->abandoned) {
		free(c);
		return;
	}
	c->answer = doc_copy(c->arena, answer);
}

struct doc *world_call(struct world_node *n, struct arena *a,
		       const struct doc *req, uint64_t ms)
{
	struct call *c = calloc(1, sizeof(*c));
	struct doc *answer;

	if (!c)
		abort();
	c->arena = a;
	world_ask(n, req, on_called, c);
	for (uint64_t t = 0; t < ms && !c->answer; t += 10)
		if (!world_run(n->world, 10))
			break;
	answer = c->answer;
	if (answer)
		free(c);
	else
		c->abandoned = true;
	return answer;
}

/* -- the whole ----------------------------------------------------------------
 */

struct world *world_new(uint64_t seed, bool verbose)
{
	struct world *w = calloc(1, sizeof(*w));
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	if (!w)
		abort();
	w->rng = seed * 0x9e3779b97f4a7c15ULL + 1;
	w->trace = 14695981039346656037ULL;
	w->verbose = verbose;
	snprintf(w->dir, sizeof(w->dir), "%s/encap-sim-XXXXXX", tmp);
	if (!mkdtemp(w->dir)) {
		perror(w->dir);
		exit(1);
	}
	return w;
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

void world_free(struct world *w)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->node[i].agent)
			world_agent_kill(&w->node[i]);
	while (w->events) {
		struct world_event *e = w->events;

		w->events = e->next;
		event_free(e);
	}
	for (unsigned i = 0; i < w->n; i++) {
		arena_free(w->node[i].identity_arena);
		arena_free(w->node[i].wanted_arena);
		simdisk_free(w->node[i].wal);
		simdisk_free(w->node[i].snap);
	}
	nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(w);
}
