/*
 * What is there, as a document: built after each probe, proposed when it
 * differs from what was last committed. A quiet service writes nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"

/* How far the agent in a container that is up can be reached from here. */
static const char *channel_word(const struct channel *c, const struct probe *p)
{
	if (p->status != STATUS_UP)
		return "down";
	if (c->welcomed)
		return "up";
	if (c->refused[0])
		return "refused";
	return p->booting ? "booting" : "unreachable";
}

/* Since when, by what was committed before this agent was started; else now. */
static int64_t channel_since(struct agent *g, const struct instance_run *run,
			     const struct channel *c, const char *word)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = txn_begin_read(g->db, NULL);
	struct state s = { t, run->group, a };
	int64_t now = g->io.wall_ms(g->io.ctx);
	const struct doc *was = NULL;

	if (t)
		was = state_instance(&s, run->service, g->node);
	txn_abort(t);
	was = doc_get(doc_get(was, "channels"), c->rid);
	if (strcmp(doc_get_str(was, "word", ""), word) != 0)
		return now;
	return doc_get_int(was, "since", now);
}

static void channel_set_word(struct agent *g, const struct instance_run *run,
			     struct channel *c, const char *word)
{
	if (strcmp(c->word, word) == 0)
		return;
	c->since = c->word[0] ? g->io.wall_ms(g->io.ctx)
			      : channel_since(g, run, c, word);
	snprintf(c->word, sizeof(c->word), "%s", word);
}

/* Its container was started a moment ago, and its agent has no lease yet. */
static bool is_on_its_way(const struct agent *g, const struct channel *c,
			  uint64_t up_since)
{
	return up_since && g->now_ms < up_since + AGENT_TIMEOUT_MS &&
	       (c->farmed ? c->granted_ms < up_since : !c->welcomed);
}

static void put_channels(struct agent *g, struct arena *a,
			 const struct instance_run *run, struct doc *d)
{
	struct doc *map = NULL;

	for (size_t i = 0; i < run->inst.n; i++) {
		const struct resource *r = &run->inst.res[i];
		struct channel *c;
		struct doc *row;

		if (!channel_is_for(r))
			continue;
		c = channel_find(g, run->service, r->rid);
		if (!c)
			continue;
		if (!map)
			map = doc_put(a, d, "channels", doc_map(a));
		channel_set_word(g, run, c, channel_word(c, &run->probes[i]));
		row = doc_put(a, map, r->rid, doc_map(a));
		doc_put_str(a, row, "word", c->word);
		doc_put_int(a, row, "since", c->since);
		if (service_is_farmed(&run->inst.conf) &&
		    is_on_its_way(g, c, run->up_since[i]))
			doc_put_bool(a, row, "new", true);
		if (strcmp(c->word, "refused") == 0)
			doc_put_str(a, row, "why", c->refused);
	}
}

static void put_running(struct arena *a, const struct instance_run *run,
			struct doc *d)
{
	const char *p = run->running;
	struct doc *list;

	if (!*p)
		return;
	list = doc_put(a, d, "running", doc_list(a));
	while (*p) {
		size_t n = strcspn(p, " ");

		doc_add(a, list, doc_strn(a, p, n));
		p += n + strspn(p + n, " ");
	}
}

/* The restarts that were used up, in the rows of their resources. */
static void put_retries(struct arena *a, const struct instance_run *run,
			struct doc *rows)
{
	for (size_t i = 0; run->memory && i < run->inst.n; i++)
		if (run->memory[i].restarts && run->inst.res[i].restart > 0)
			doc_put_int(a, doc_get(rows, run->inst.res[i].rid),
				    "retries", run->memory[i].restarts);
}

/* What a person asked of some resources alone, and how far that has come. */
static void put_act(struct arena *a, const struct instance_run *run,
		    struct doc *d)
{
	struct doc *held = NULL;

	doc_put_int(a, d, "act", (int64_t)run->act_done);
	if (run->act_error[0])
		doc_put_str(a, d, "act_error", run->act_error);
	for (size_t i = 0; i < run->inst.n; i++) {
		if (run->holds[i] != HOLD_DOWN)
			continue;
		if (!held)
			held = doc_put(a, d, "held", doc_list(a));
		doc_add(a, held, doc_str(a, run->inst.res[i].rid));
	}
}

/* What a container cannot go on with, its hypervisor cannot either. */
static bool inside_switches(struct agent *g, const struct instance_run *run)
{
	for (size_t i = 0; i < run->inst.n; i++) {
		const struct resource *r = &run->inst.res[i];
		const struct channel *c;

		if (!channel_is_for(r))
			continue;
		c = channel_find(g, run->service, r->rid);
		if (c && c->welcomed &&
		    doc_get_bool(c->status, "switch", false))
			return true;
	}
	return false;
}

static struct doc *observe_doc(struct agent *g, struct arena *a,
			       const struct instance_run *run)
{
	struct doc *d = instance_status(a, &run->inst, run->probes);

	put_retries(a, run, doc_get(d, "resources"));
	put_running(a, run, d);
	doc_put_str(a, d, "state", run->word);
	if (run->wait[0])
		doc_put_str(a, d, "wait", run->wait);
	if (run->error[0])
		doc_put_str(a, d, "error", run->error);
	doc_put_str(a, d, "revision", run->rev);
	doc_put_int(a, d, "token", (int64_t)run->probe_token);
	doc_put_int(a, d, "epoch", (int64_t)run->epoch);
	/* Since when it is back: in which epoch it says this. */
	if (run->alone)
		doc_put_int(a, d, "lease", (int64_t)g->lease.epoch);
	doc_put_str(a, d, "session", g->session);
	if (run->was_up)
		doc_put_bool(a, d, "up_once", true);
	tasks_put(a, run, d);
	if (run->monitor[0])
		doc_put_str(a, d, "monitor", run->monitor);
	if (run->switching || inside_switches(g, run))
		doc_put_bool(a, d, "switch", true);
	if (run->order)
		put_act(a, run, d);
	if (run->halted)
		doc_put_bool(a, d, "halted", true);
	if (run->local != LOCAL_NOT)
		doc_put_str(a, d, "local",
			    run->local == LOCAL_START ? "start" : "stop");
	if (run->rests)
		doc_put_bool(a, d, "rests", true);
	if (g->level == LEVEL_ENCAP && g->host)
		doc_put_str(a, d, "host", g->host);
	if (doc_len(head_drafts(g, run->service)))
		doc_put(a, d, "drafts",
			doc_copy(a, head_drafts(g, run->service)));
	put_channels(g, a, run, d);
	return d;
}

struct observing {
	struct agent *agent;
	struct instance_run *run;
	struct arena *arena;
	struct doc *doc;
};

static void on_observed(void *arg, int code, struct arena *a,
			const struct doc *result)
{
	struct observing *o = arg;
	struct instance_run *run = o->run;
	struct agent *g = o->agent;

	(void)a;
	g->pending--;
	run->busy--;
	run->observing = false;
	if (code == 0 && doc_get_int(result, "code", 0) == OP_OK) {
		arena_free(run->doc_arena);
		run->doc_arena = o->arena;
		run->doc = o->doc;
	} else {
		arena_free(o->arena);
		run->retry_ms = g->now_ms + 500;
	}
	free(o);
}

static void observe_propose(struct agent *g, struct instance_run *run,
			    struct arena *a, struct doc *d)
{
	struct observing *o = calloc(1, sizeof(*o));
	struct doc *cmd = agent_command(g, a, "observe", NULL);
	struct doc *sent = doc_copy(a, d);

	if (!o)
		abort();
	o->agent = g;
	o->run = run;
	o->arena = arena_new();
	o->doc = doc_copy(o->arena, d);
	/* Grows within one session, over restarts of the agent too. */
	run->n = g->now_ms > run->n ? g->now_ms : run->n + 1;
	doc_put_int(a, sent, "n", (int64_t)run->n);
	doc_put_str(a, cmd, "name", run->service);
	doc_put_str(a, cmd, "node", g->node);
	doc_put(a, cmd, "doc", sent);
	run->observing = true;
	run->busy++;
	g->pending++;
	engine_propose(g->engine, run->group, a, cmd, PROPOSE_TIMEOUT_MS,
		       on_observed, o);
}

/* The host is told at once, beside the log: it waits for these words between
 * its own actions, with or without a majority. */
static void observe_tell(struct agent *g, struct instance_run *run,
			 const struct doc *d)
{
	if (!g->host_welcomed || (run->told && doc_equal(run->told, d)))
		return;
	arena_free(run->told_arena);
	run->told_arena = arena_new();
	run->told = doc_copy(run->told_arena, d);
	channel_tell_status(g, d);
}

struct doc *observe_now(struct agent *g, struct arena *a, const char *service)
{
	const struct instance_run *run = instance_of(g, service);

	return run && run->probes && !run->gone ? observe_doc(g, a, run) : NULL;
}

/* A look that hangs (a file system that does not answer) brings no document: it
 * is said of the last one that it is old. The next look takes that back. */
void observe_late(struct agent *g, struct instance_run *run)
{
	SCOPED(arena) struct arena *a = NULL;
	uint64_t ms = g->now_ms - run->probe_begun_ms;
	struct doc *d;

	if (!run->probing || run->gone || ms < OLD_MS || run->observing ||
	    g->now_ms < run->retry_ms || !run->doc ||
	    doc_get(run->doc, "old_since"))
		return;
	a = arena_new();
	d = doc_copy(a, run->doc);
	doc_put_int(a, d, "old_since", g->io.wall_ms(g->io.ctx) - (int64_t)ms);
	observe_propose(g, run, a, d);
}

void observe_step(struct agent *g, struct instance_run *run)
{
	SCOPED(arena) struct arena *a = NULL;
	bool busy = run->observing || g->now_ms < run->retry_ms;
	struct doc *d;

	if (!run->moved || !run->probes || run->gone ||
	    (busy && g->level == LEVEL_HYPERVISOR))
		return;
	a = arena_new();
	d = observe_doc(g, a, run);
	if (g->level == LEVEL_ENCAP)
		observe_tell(g, run, d);
	if (busy)
		return;
	if (run->doc && doc_equal(run->doc, d))
		run->moved = false;
	else
		observe_propose(g, run, a, d);
}
