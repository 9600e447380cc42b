/*
 * The main loop takes the earliest of: the next event in the list, the next
 * tick that an agent asked for. After each the agent concerned has a turn.
 *
 * A crash: the disk does a few more writes at most, the last of them torn; jobs
 * under way are carried out as ghosts (they change nothing else) so that their
 * memory is given back; then the agent is closed without a word to anybody.
 */
#include "cluster/sim/world_internal.h"

#include <assert.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- chance, time, trace ------------------------------------------------- */

uint64_t world_mix(struct world *w)
{
	/* SplitMix64 (Steele, Lea, Flood 2014). */
	uint64_t z = (w->rng += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t world_random(struct world *w, uint64_t below)
{
	return below ? world_mix(w) % below : 0;
}

uint64_t world_chance(struct world *w, uint64_t least, uint64_t spread,
		      uint64_t even)
{
	return w->hooks ? even : least + world_random(w, spread);
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
	if (w->tell) {
		char line[540];

		snprintf(line, sizeof(line), "%10.3f %s",
			 (double)w->now_us / 1e6, text);
		w->tell(line);
	}
}

void world_tell(struct world_node *n, const char *text)
{
	const struct world_hooks *h = n->world->hooks;

	world_trace(n->world, "%s: %s", n->name, text);
	if (h && h->log)
		h->log(h->ctx, n, 4, text);
}

void world_fail(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->failure[0])
		return;
	w->rule = fmt;
	va_start(ap, fmt);
	vsnprintf(w->failure, sizeof(w->failure), fmt, ap);
	va_end(ap);
	world_trace(w, "BROKEN: %s", w->failure);
}

/* -- events -------------------------------------------------------------- */

static bool earlier(const struct world_event *x, const struct world_event *y)
{
	return x->at_us < y->at_us || (x->at_us == y->at_us && x->seq < y->seq);
}

static void heap_up(struct world *w, size_t i)
{
	struct world_event *e = w->events[i];

	for (; i && earlier(e, w->events[(i - 1) / 2]); i = (i - 1) / 2)
		w->events[i] = w->events[(i - 1) / 2];
	w->events[i] = e;
}

static void heap_down(struct world *w, size_t i)
{
	struct world_event *e = w->events[i];

	for (;;) {
		size_t c = 2 * i + 1;

		if (c + 1 < w->n_events &&
		    earlier(w->events[c + 1], w->events[c]))
			c++;
		if (c >= w->n_events || !earlier(w->events[c], e))
			break;
		w->events[i] = w->events[c];
		i = c;
	}
	w->events[i] = e;
}

static void event_add(struct world *w, struct world_event *e, uint64_t at_us)
{
	if (w->n_events == w->cap_events) {
		w->cap_events = w->cap_events ? w->cap_events * 2 : 256;
		w->events = reallocarray(w->events, w->cap_events,
					 sizeof(struct world_event *));
		if (!w->events)
			abort();
	}
	e->at_us = at_us;
	e->seq = ++w->seq;
	w->events[w->n_events++] = e;
	heap_up(w, w->n_events - 1);
}

static struct world_event *event_take(struct world *w, size_t i)
{
	struct world_event *e = w->events[i], *last = w->events[--w->n_events];

	if (i == w->n_events)
		return e;
	w->events[i] = last;
	heap_up(w, i);
	if (w->events[i] == last)
		heap_down(w, i);
	return e;
}

struct world_event *world_event_new(struct world *w, enum event_kind kind,
				    struct world_node *n, uint64_t delay_us)
{
	struct world_event *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	e->kind = kind;
	e->node = n;
	e->life = n->life;
	event_add(w, e, w->now_us + delay_us);
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
	if (!e->ran)
		e->run(e->arg);
	e->done(e->arg);
}

void world_events_void(struct world_node *n)
{
	struct world *w = n->world;

	for (size_t i = 0; i < w->n_events;) {
		struct world_event *e = w->events[i];

		if (e->node != n || e->kind != EV_WORK) {
			i++;
			continue;
		}
		event_take(w, i);
		work_ghost(e);
		event_free(e);
		i = 0;
	}
}

/* -- the loop ---------------------------------------------------------------
 */

static void turn(struct world_node *n)
{
	if (n->agent)
		agent_turn(n->agent, world_node_ms(n));
	if (n->will_die) {
		world_agent_kill(n);
		world_agent_start_in(n, world_chance(n->world, 100, 1000, 500));
	}
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
	    (n->cut || from->cut || w->blocked[from->slot][n->slot] ||
	     w->reset[from->slot][n->slot] || !w->link[n->slot][from->slot] ||
	     e->sent_us < w->link_up_us[n->slot][from->slot]))
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

/* Until when what comes to it has to wait. */
static uint64_t still_until(const struct world_node *n)
{
	return n->paused_until_us > n->asleep_until_us ? n->paused_until_us
						       : n->asleep_until_us;
}

static bool work_step(struct world_event *e)
{
	struct world_node *n = e->node;

	if (!e->ran) {
		n->op_us = 0;
		e->run(e->arg);
		e->ran = true;
		if (n->agent && n->op_us) {
			event_add(n->world, e, n->world->now_us + n->op_us);
			return false;
		}
	}
	if (n->agent) {
		e->done(e->arg);
		turn(n);
	}
	return true;
}

static void event_run(struct world_event *e)
{
	struct world_node *n = e->node;
	struct world *w = n->world;

	if (world_is_still(n) &&
	    (e->kind == EV_START ? !n->agent : e->life == n->life)) {
		event_add(w, e, still_until(n));
		return;
	}
	switch (e->kind) {
	case EV_FRAME:
	case EV_CHANNEL_FRAME:
		event_frame(e);
		break;
	case EV_WORK:
		if (!work_step(e))
			return;
		break;
	case EV_BOOT:
		world_boot(n);
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
		if (at < still_until(n))
			at = still_until(n);
		if (at < *ret_us) {
			*ret_us = at;
			best = n;
		}
	}
	return best;
}

static void world_around(struct world *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		if (w->node[i].asleep_until_us > w->now_us)
			continue;
		world_guard_step(&w->node[i]);
		world_late_step(&w->node[i]);
	}
	world_links_step(w);
	world_channels_step(w);
	if (w->check)
		w->check(w, w->check_arg);
}

static void step(struct world *w, uint64_t end_us)
{
	uint64_t tick_us;
	struct world_node *n = next_tick(w, &tick_us);
	struct world_event *e = w->n_events ? w->events[0] : NULL;
	uint64_t event_us = e ? e->at_us : UINT64_MAX;
	uint64_t at = tick_us < event_us ? tick_us : event_us;

	/* All else is looked at every few ms at least. */
	if (at > w->now_us + 10000)
		at = w->now_us + 10000;
	if (at > end_us)
		at = end_us;
	if (at > w->now_us)
		w->now_us = at;
	world_around(w);
	if (e && event_us <= w->now_us) {
		if (w->n_events && w->events[0] == e)
			event_run(event_take(w, 0));
	} else if (n && tick_us <= w->now_us && n->agent) {
		/* An agent that wants to be called at once gets some time. */
		agent_tick(n->agent, world_node_ms(n));
		turn(n);
		w->now_us += 20;
	}
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

struct world *world_new(uint64_t seed, void (*tell)(const char *line))
{
	struct world *w = calloc(1, sizeof(*w));
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	if (!w)
		abort();
	w->rng = seed * 0x9e3779b97f4a7c15ULL + 1;
	w->trace = 14695981039346656037ULL;
	w->tell = tell;
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
	while (w->n_events)
		event_free(event_take(w, 0));
	free(w->events);
	for (unsigned i = 0; i < w->n; i++) {
		arena_free(w->node[i].identity_arena);
		arena_free(w->node[i].local_arena);
		arena_free(w->node[i].wanted_arena);
		simdisk_free(w->node[i].wal);
		simdisk_free(w->node[i].snap);
		free(w->node[i].res);
		free(w->node[i].guard_list);
	}
	nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(w);
}
