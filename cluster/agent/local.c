/*
 * What a person asks of a service on a node that has no majority (docs/
 * decisions/without-a-majority.md): that it stops here, or, in an emergency,
 * that it starts here.
 *
 * Such an order is kept on this node's disk, and goes before the assignment.
 * Once a leader can be reached it is told (svc_local), and what is agreed on
 * then holds:
 *
 *     stop      it becomes the intent, if nothing was decided in between. It
 *               is obeyed until this node has another assignment.
 *     start     likewise. Until it has an assignment the node runs it under its
 *               lease, like all else. If something was decided in between, it
 *               is stopped here: "end".
 *     end       obeyed until nothing of it is up. Also what becomes of a start
 *               at a boot of the machine: nobody starts anything in an
 *               emergency but a person.
 *
 * An order: {word, session, node_token, svc_token, seq, at, by, told?, taken?
 * (the epoch in which a start was agreed on)}.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"

#define TELL_AGAIN_MS 2000

/* -- the orders -------------------------------------------------------------
 */

static const struct doc *order_of(const struct agent *g, const char *service)
{
	return doc_get(g->locals, service);
}

/* @order NULL: there is none any more. */
static void order_put(struct agent *g, const char *service,
		      const struct doc *order)
{
	struct arena *a = arena_new();
	struct doc *all = doc_map(a);
	struct err err = { 0 };

	for (size_t i = 0; i < doc_len(g->locals); i++) {
		const struct doc *o = doc_at(g->locals, i);

		if (strcmp(o->key, service) != 0)
			doc_put(a, all, o->key, doc_copy(a, o));
	}
	if (order)
		doc_put(a, all, service, doc_copy(a, order));
	arena_free(g->locals_arena);
	g->locals_arena = a;
	g->locals = all;
	g->dirty = true;
	if (g->io.save_local && g->io.save_local(g->io.ctx, all, &err) < 0)
		agent_log(g, 3, "%s: %s", service, err.text);
}

static void order_set(struct agent *g, const char *service, const char *key,
		      struct doc *(*make)(struct arena *a, const void *arg),
		      const void *arg)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *o = doc_copy(a, order_of(g, service));

	doc_put(a, o, key, make(a, arg));
	order_put(g, service, o);
}

static struct doc *make_word(struct arena *a, const void *arg)
{
	return doc_str(a, arg);
}

static struct doc *make_true(struct arena *a, const void *arg)
{
	(void)arg;
	return doc_bool(a, true);
}

static struct doc *make_epoch(struct arena *a, const void *arg)
{
	return doc_int(a, (int64_t) * (const uint64_t *)arg);
}

void local_open(struct agent *g, const struct doc *saved)
{
	g->locals_arena = arena_new();
	g->locals = doc_map(g->locals_arena);
	for (size_t i = 0; i < doc_len(saved); i++) {
		struct doc *o = doc_put(
			g->locals_arena, g->locals, doc_at(saved, i)->key,
			doc_copy(g->locals_arena, doc_at(saved, i)));

		if (doc_is(o, "word", "start") &&
		    !doc_is(o, "session", g->session))
			doc_put_str(g->locals_arena, o, "word", "end");
	}
}

void local_free(struct agent *g)
{
	arena_free(g->locals_arena);
}

/* -- what it means for an instance -------------------------------------------
 */

enum local local_word(const struct agent *g, const struct instance_run *run)
{
	const struct doc *o;

	if (g->level == LEVEL_ENCAP)
		return g->host_emergency ? LOCAL_START : LOCAL_NOT;
	o = order_of(g, run->service);
	if (!o)
		return LOCAL_NOT;
	return doc_is(o, "word", "start") ? LOCAL_START : LOCAL_STOP;
}

bool local_is_agreed(const struct agent *g, const struct instance_run *run)
{
	return doc_get(order_of(g, run->service), "taken") != NULL;
}

enum lease_right local_right(const struct agent *g,
			     const struct instance_run *run)
{
	const struct doc *taken = doc_get(order_of(g, run->service), "taken");

	return taken && local_word(g, run) == LOCAL_START
		       ? lease_right(g, (uint64_t)taken->num)
		       : LEASE_RUN;
}

void local_take(const struct agent *g, struct instance_run *run)
{
	enum local word = local_word(g, run);

	if (word == run->local)
		return;
	run->local = word;
	run->memory_token = 0;
	run->poked = true;
}

/* -- telling the cluster -----------------------------------------------------
 */

struct telling {
	struct agent *agent;
	char service[NAME_MAX_LEN + 1];
	char word[8]; /* that was told */
};

static void on_told(void *arg, int code, struct arena *a,
		    const struct doc *result)
{
	struct telling *t = arg;
	struct agent *g = t->agent;
	const struct doc *o = order_of(g, t->service);
	bool over = doc_get_bool(result, "over", false);

	(void)a;
	g->pending--;
	if (code == 0 && doc_get_int(result, "code", 0) == OP_NOT_FOUND)
		order_put(g, t->service, NULL);
	else if (code == 0 && o && doc_is(o, "word", t->word)) {
		order_set(g, t->service, "told", make_true, NULL);
		if (over && strcmp(t->word, "stop") == 0)
			order_put(g, t->service, NULL);
		else if (over && strcmp(t->word, "start") == 0)
			order_set(g, t->service, "word", make_word, "end");
		else if (strcmp(t->word, "start") == 0)
			order_set(g, t->service, "taken", make_epoch,
				  &g->lease.epoch);
	}
	free(t);
}

static void tell(struct agent *g, struct instance_run *run,
		 const struct doc *order)
{
	static const char *const keys[] = { "word", "node_token", "svc_token",
					    "seq", NULL };
	SCOPED(arena) struct arena *a = arena_new();
	struct telling *t = calloc(1, sizeof(*t));
	struct doc *cmd =
		agent_command(g, a, "svc_local", doc_get(order, "by"));

	if (!t)
		abort();
	t->agent = g;
	snprintf(t->service, sizeof(t->service), "%s", run->service);
	snprintf(t->word, sizeof(t->word), "%s",
		 doc_get_str(order, "word", ""));
	for (size_t i = 0; keys[i]; i++)
		doc_put(a, cmd, keys[i], doc_copy(a, doc_get(order, keys[i])));
	doc_put_str(a, cmd, "name", run->service);
	doc_put_str(a, cmd, "node", g->node);
	doc_put_int(a, cmd, "since", doc_get_int(order, "at", 0));
	run->local_asked_ms = g->now_ms;
	g->pending++;
	engine_propose(g->engine, run->group, a, cmd, PROPOSE_TIMEOUT_MS,
		       on_told, t);
}

static bool nothing_is_up(const struct instance_run *run)
{
	for (size_t i = 0; run->probes && i < run->inst.n; i++)
		if (run->probes[i].status == STATUS_UP ||
		    run->probes[i].status == STATUS_UNDEF)
			return false;
	return run->probes && strcmp(run->word, "idle") == 0;
}

static void order_step(struct agent *g, struct instance_run *run,
		       const struct doc *o)
{
	bool told = doc_get_bool(o, "told", false);
	bool end = doc_is(o, "word", "end");
	struct engine_info info;

	if (told &&
	    (end ? nothing_is_up(run)
		 : run->token != (uint64_t)doc_get_int(o, "node_token", 0))) {
		order_put(g, run->service, NULL);
		return;
	}
	if (told || g->now_ms >= g->lease.until_ms ||
	    (run->local_asked_ms &&
	     g->now_ms < run->local_asked_ms + TELL_AGAIN_MS) ||
	    !engine_info(g->engine, run->group, &info) || !info.leader)
		return;
	tell(g, run, o);
}

void local_step(struct agent *g, struct instance_run *run)
{
	const struct doc *o = order_of(g, run->service);

	if (o && g->level == LEVEL_HYPERVISOR)
		order_step(g, run, o);
}

/* -- asking for it -----------------------------------------------------------
 */

bool local_is_cut_off(const struct agent *g, uint64_t gid)
{
	struct engine_info info = { 0 };

	return g->level == LEVEL_HYPERVISOR &&
	       g->now_ms >= g->lease.heard_ms + g->lease.ms &&
	       engine_info(g->engine, gid, &info) && !info.leader;
}

void local_ask(struct agent *g, const struct instance_run *run,
	       const char *word, const struct doc *by)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = txn_begin_read(g->db, NULL);
	struct state s = { t, run->group, a };
	const struct doc *row = t ? state_service(&s, run->service) : NULL;
	struct doc *o = doc_map(a);

	txn_abort(t);
	doc_put_str(a, o, "word", word);
	doc_put_str(a, o, "session", g->session);
	doc_put_int(a, o, "node_token", (int64_t)run->token);
	doc_put_int(a, o, "svc_token", doc_get_int(row, "token", 0));
	doc_put_int(a, o, "seq", doc_get_int(doc_get(row, "intent"), "seq", 0));
	doc_put_int(a, o, "at", g->io.wall_ms(g->io.ctx));
	if (by)
		doc_put(a, o, "by", doc_copy(a, by));
	order_put(g, run->service, o);
	agent_log(g, 4, "%s: %s here without a majority, as %s asked",
		  run->service,
		  strcmp(word, "stop") == 0 ? "stopped" : "started",
		  doc_get_str(by, "user", "somebody"));
}
