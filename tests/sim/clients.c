#include "tests/sim/clients.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/op/op.h"
#include "tests/sim/checks.h"

enum {
	GIVE_UP_TRIES = 6,
	LATE_MS = 400, /* an answer may come so much after its deadline */
};

struct call {
	struct clients *clients;
	struct client *client;
};

static struct clients *clients_of(struct client *c)
{
	return (struct clients *)(void *)(c - c->number);
}

static void on_next(struct world *w, void *arg, uint64_t n);

static void next_after(struct client *c, uint64_t us)
{
	world_at(c->world, us, on_next, c, 0);
}

static void finish(struct client *c)
{
	c->state = CLIENT_IDLE;
	next_after(c, 1 + world_pick(c->world, clients_of(c)->pause_us));
}

static void try_again(struct client *c)
{
	struct world *w = c->world;

	if (++c->tries >= GIVE_UP_TRIES && !w->calm && world_chance(w, 300)) {
		world_say(w, "c%u:%" PRIu64 " is given up", c->number, c->sq);
		finish(c);
		return;
	}
	next_after(c, 1 + world_pick(w, 50 * MS));
}

/* -- answers --------------------------------------------------------------- */

static void check_time(struct client *c)
{
	uint64_t now;

	if (!c->node->up || c->node->epoch != c->epoch ||
	    c->node->odd_us > c->called_us)
		return;
	now = node_now_ms(c->node);
	if (now > c->deadline_ms + LATE_MS)
		world_fail(c->world,
			   "node %u answers c%u %" PRIu64 " ms too late",
			   c->node->index + 1, c->number, now - c->deadline_ms);
}

static struct client *answered(struct call *call, int code)
{
	struct client *c = call->client;

	world_trace(c->world, &code, sizeof(code));
	call->clients->calls--;
	assert(c->waits);
	c->waits = false;
	check_time(c);
	free(call);
	if (code != 0 && code != -ETIMEDOUT && code != -ENETUNREACH &&
	    code != -ENOENT)
		world_fail(c->world, "c%u: an answer of %s", c->number,
			   strerror(-code));
	return c;
}

static void on_appended(void *arg, int code, struct arena *a,
			const struct doc *result)
{
	struct client *c = answered(arg, code);

	(void)a;
	world_say(c->world, "c%u:%" PRIu64 " at node %u: %s", c->number, c->sq,
		  c->node->index + 1, code ? strerror(-code) : "done");
	if (code != 0) {
		try_again(c);
		return;
	}
	if (doc_get_int(result, "code", -1) != OP_OK)
		world_fail(c->world, "c%u:%" PRIu64 ": %s", c->number, c->sq,
			   doc_get_str(result, "err", "no result"));
	else
		checks_acked(c->world, c->gid, c->number, c->sq, c->floor);
	finish(c);
}

static uint64_t list_length(struct node *x, uint64_t gid)
{
	struct txn *t = txn_begin_read(x->db, NULL);
	struct arena *a = arena_new();
	const struct state s = { .txn = t, .group = gid, .arena = a };
	uint64_t n;

	assert(t);
	n = state_counter(&s, "event");
	txn_abort(t);
	arena_free(a);
	return n;
}

static void on_read(void *arg, int code, struct arena *a,
		    const struct doc *result)
{
	struct client *c = answered(arg, code);

	(void)a;
	(void)result;
	if (code == 0)
		checks_read(c->world, c->gid, list_length(c->node, c->gid),
			    c->floor);
	finish(c);
}

/* -- asking ------------------------------------------------------------------
 */

static struct node *some_node(struct client *c)
{
	struct world *w = c->world;
	unsigned first = (unsigned)world_pick(w, w->n_nodes);

	for (unsigned i = 0; i < w->n_nodes; i++) {
		struct node *x = &w->nodes[(first + i) % w->n_nodes];

		if (x->up && engine_has(x->engine, c->gid))
			return x;
	}
	return NULL;
}

static struct call *call_out(struct client *c, struct node *x, uint64_t timeout)
{
	struct call *call = malloc(sizeof(*call));

	assert(call);
	call->clients = clients_of(c);
	call->client = c;
	call->clients->calls++;
	c->waits = true;
	c->node = x;
	c->epoch = x->epoch;
	c->called_us = c->world->now_us;
	c->deadline_ms = node_now_ms(x) + timeout;
	return call;
}

static void append(struct client *c, struct node *x, uint64_t timeout)
{
	struct arena *a = arena_new();
	struct doc *cmd = op_new(a, "event", c->at, NULL);
	struct doc *list = doc_list(a), *e = doc_map(a);
	struct buf text = BUF(a);
	char cl[16];

	buf_printf(&text, "c%u:%" PRIu64 " ", c->number, c->sq);
	while (text.len < c->text_len)
		buf_puts(&text, "all work and no play makes a dull log ");
	doc_put_str(a, e, "kind", "sim");
	doc_put_str(a, e, "text", text.data);
	doc_add(a, list, e);
	doc_put(a, cmd, "events", list);
	snprintf(cl, sizeof(cl), "c%u", c->number);
	doc_put_str(a, cmd, "cl", cl);
	doc_put_int(a, cmd, "sq", (int64_t)c->sq);
	doc_put_int(a, cmd, "ak", (int64_t)c->sq);
	engine_propose(x->engine, c->gid, a, cmd, timeout, on_appended,
		       call_out(c, x, timeout));
	arena_free(a);
	if (PLANTED(EARLY_ACK) && c->tries == 0)
		checks_acked(c->world, c->gid, c->number, c->sq, c->floor);
}

static void begin(struct client *c)
{
	struct world *w = c->world;
	struct checks *k = w->checks;

	c->gid = k->groups[world_pick(w, k->n_groups)].gid;
	c->tries = 0;
	c->floor = checks_floor(w, c->gid);
	if (world_chance(w, 350)) {
		c->state = CLIENT_READING;
		return;
	}
	c->state = CLIENT_APPENDING;
	c->sq++;
	c->at = (int64_t)(w->now_us / MS);
	c->text_len = 8 + world_pick(w, clients_of(c)->text_len);
}

static void on_next(struct world *w, void *arg, uint64_t n)
{
	struct client *c = arg;
	uint64_t timeout = 100 + world_pick(w, 1500);
	struct node *x;

	(void)n;
	if (c->waits || (c->state == CLIENT_IDLE && clients_of(c)->only_finish))
		return;
	if (c->state == CLIENT_IDLE)
		begin(c);
	x = some_node(c);
	if (!x) {
		if (c->state == CLIENT_READING)
			finish(c);
		else
			try_again(c);
		return;
	}
	if (c->state == CLIENT_APPENDING) {
		append(c, x, timeout);
	} else {
		engine_read(x->engine, c->gid, timeout, on_read,
			    call_out(c, x, timeout));
	}
	node_turn_soon(x);
}

void clients_begin(struct clients *c, struct world *w)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		c->all[i].world = w;
		c->all[i].number = i;
		next_after(&c->all[i], world_pick(w, 500 * MS));
	}
}

bool clients_are_idle(const struct clients *c)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		if (c->all[i].state != CLIENT_IDLE)
			return false;
	return true;
}
