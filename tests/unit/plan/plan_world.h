/*
 * plan_world - hypervisors and a container, simulated around the pure parts.
 *
 *     people, faults, time ──▶ [committed state] ◀── observations, late
 *                                 │      ▲
 *                      old copies ▼      │ orchestrate()
 *                              [agents] ──reconcile()──▶ resources
 *
 * What is simulated is what the promises rest on: a node sees the committed
 * state late and in order, sends its documents late or never, runs things only
 * while it holds a lease of the assignment's epoch, and is stopped the hard
 * way when the lease ends; an epoch ends only after the last lease of it. The
 * orchestrator decides on an old copy of the node table, and what it decides
 * is committed later, if the state has not moved on.
 *
 * One step is one unit of time. The same seed gives the same run.
 */
#pragma once

#include "tests/unit/plan/plan_res.h"
#include "tests/unit/plan/plan_text.h"

#define WORLD_NODES   3
#define WORLD_LEASE   12
#define WORLD_MARGIN  2
#define WORLD_HURRY   3 /* the end of a lease, in which all is killed */
#define WORLD_LATE    6 /* at most */
#define WORLD_HISTORY 4096
#define WORLD_QUEUE   64

#define WORLD_HV "ip#1 disk#1 fs#1 container#0@vm1 fs#e:e app#e:e app#1"
#define WORLD_VM "ip#e fs#e app#e"

struct world;

/* One agent and the resources around it. */
struct world_agent {
	const char *name;
	struct plan_inst *p;
	bool half[RES_MAX], up[RES_MAX]; /* the real state */

	bool was_up;
	uint64_t token, memory_token, epoch;
	enum want want;
	struct {
		bool on;
		enum recon_op op;
		size_t res;
		unsigned ends;
		uint64_t token;
	} act;
	const char *word;
	char error[256];

	size_t view; /* how much of the history it has applied */
	unsigned session;
	int64_t n;
	struct doc *doc, *sent;
};

struct world_node {
	bool powered, linked;
	unsigned lease_until;
	uint64_t lease_epoch;
	unsigned granted; /* known to the leaders */
	unsigned booted;  /* when the container came up */
	bool welcomed;	  /* its agent is connected and current */
	struct world_agent hv, vm;
};

struct world {
	struct arena *a;
	uint64_t rand;
	unsigned now;
	bool faults;
	bool guard; /* something outside of the agents ends what runs when the
		       lease does; else the agents do it in time */
	struct buf *log; /* of operations, or NULL */

	struct world_node node[WORLD_NODES];
	/* Committed: */
	struct plan_state s;
	uint64_t version;
	struct doc *history[WORLD_HISTORY]; /* of the assignments */
	size_t n_history;
	struct orch_node tables[WORLD_LATE][WORLD_NODES]; /* a ring */
	/* Under way: */
	struct {
		unsigned due;
		struct world_node *from;
		const char *name;
		struct doc *doc;
	} queue[WORLD_QUEUE];
	size_t n_queue;
	struct orch_out decision;
	unsigned decision_due;
	uint64_t decision_version;
	bool deciding;

	/* Checked: */
	size_t ups, changes;
	const char *broken; /* what should never be */
};

static inline unsigned world_rand(struct world *w, unsigned below)
{
	w->rand ^= w->rand << 13; /* xorshift64, Marsaglia 2003 */
	w->rand ^= w->rand >> 7;
	w->rand ^= w->rand << 17;
	return (unsigned)((w->rand >> 11) % below);
}

static inline bool world_one_in(struct world *w, unsigned n)
{
	return world_rand(w, n) == 0;
}

static inline bool world_fault(struct world *w, unsigned n)
{
	return w->faults && world_one_in(w, n);
}

/* -- real things ----------------------------------------------------------- */

static inline void world_vm_gone(struct world_node *n)
{
	memset(n->vm.up, 0, sizeof(n->vm.up));
	memset(n->vm.half, 0, sizeof(n->vm.half));
	memset(n->vm.p->memory, 0, sizeof(n->vm.p->memory));
	n->vm.act.on = n->welcomed = false;
	n->vm.doc = NULL;
	n->vm.was_up = false;
	n->vm.memory_token = 0;
	n->vm.session++;
	n->vm.word = "idle";
	n->booted = 0;
}

static inline size_t world_container(const struct world_agent *g)
{
	for (size_t i = 0; i < g->p->inst.n; i++)
		if (g->p->res[i].encapnode[0])
			return i;
	return RES_MAX;
}

static inline void world_set(struct world *w, struct world_node *n,
			     struct world_agent *g, size_t i, bool up)
{
	g->up[i] = up;
	g->half[i] = false;
	if (g != &n->hv || i != world_container(g))
		return;
	if (!up)
		world_vm_gone(n);
	else if (!n->booted)
		n->booted = w->now;
}

static inline void world_hard_stop(struct world *w, struct world_node *n)
{
	for (size_t i = 0; i < n->hv.p->inst.n; i++)
		world_set(w, n, &n->hv, i, false);
	n->hv.act.on = false;
}

static inline void world_forget(struct world_agent *g)
{
	memset(g->p->memory, 0, sizeof(g->p->memory));
	g->was_up = false;
	g->memory_token = 0;
	g->doc = g->sent = NULL;
	g->error[0] = '\0';
	g->word = "idle";
	g->act.on = false;
}

static inline bool world_any_up(const struct world_agent *g)
{
	for (size_t i = 0; i < g->p->inst.n; i++)
		if (g->up[i] || g->half[i])
			return true;
	return false;
}

static inline bool world_all_up(const struct world_agent *g)
{
	for (size_t i = 0; i < g->p->inst.n; i++)
		if (!g->up[i] && !(g->p->res[i].encap &&
				   g->p->inst.level == LEVEL_HYPERVISOR))
			return false;
	return true;
}

/* -- committed state
 * ----------------------------------------------------------- */

static inline bool world_quorum(const struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < WORLD_NODES; i++)
		n += w->node[i].powered && w->node[i].linked;
	return n * 2 > WORLD_NODES;
}

static inline bool world_reaches(const struct world *w,
				 const struct world_node *n)
{
	return n->powered && n->linked && world_quorum(w);
}

static inline void world_commit(struct world *w)
{
	w->version++;
	if (w->n_history < WORLD_HISTORY)
		w->history[w->n_history++] = doc_copy(w->a, w->s.assigns);
}

static inline void world_change(struct world *w, const struct orch_change *c)
{
	struct doc *row = orch_change_doc(w->a, c);

	if (c->kind == ORCH_INTENT) {
		orch_intent_goes_on(w->a, w->s.intent, row);
		return;
	}
	if (c->level == LEVEL_HYPERVISOR && strcmp(c->want, "up") == 0) {
		w->ups++;
		if (strcmp(doc_get_str(w->s.intent, "want", ""), "stopped") ==
		    0)
			w->broken = "a stop was undone";
	}
	doc_put(w->a, w->s.assigns, c->node, row);
	if (c->token > w->s.last_token)
		w->s.last_token = c->token;
}

static inline void world_decide(struct world *w)
{
	struct orch_in in = plan_in(&w->s);

	if (!world_quorum(w))
		w->deciding = false; /* its leader is gone */
	else if (w->deciding && w->now >= w->decision_due) {
		w->deciding = false;
		if (w->decision_version != w->version)
			return;
		for (size_t i = 0; i < w->decision.n; i++)
			world_change(w, &w->decision.at[i]);
		w->changes += w->decision.n;
		world_commit(w);
	} else if (!w->deciding) {
		unsigned old = world_rand(w, WORLD_LATE);

		in.nodes = w->tables[(w->now + WORLD_LATE - old) % WORLD_LATE];
		orchestrate(w->a, &in, &w->decision);
		w->decision_version = w->version;
		w->decision_due = w->now + world_rand(w, 3);
		w->deciding = w->decision.n > 0;
	}
}

static inline void world_observe(struct world *w, const char *name,
				 struct doc *doc)
{
	const struct doc *was = doc_get(w->s.instances, name);

	if (was &&
	    doc_get_int(was, "session", 0) == doc_get_int(doc, "session", 0) &&
	    doc_get_int(doc, "n", 0) <= doc_get_int(was, "n", 0))
		return;
	doc_put(w->a, w->s.instances, name, doc_copy(w->a, doc));
	world_commit(w);
}

static inline void world_deliver(struct world *w)
{
	for (size_t i = 0; i < w->n_queue;) {
		if (w->now < w->queue[i].due) {
			i++;
			continue;
		}
		if (world_reaches(w, w->queue[i].from))
			world_observe(w, w->queue[i].name, w->queue[i].doc);
		w->n_queue--;
		memmove(&w->queue[i], &w->queue[i + 1],
			(w->n_queue - i) * sizeof(w->queue[0]));
	}
}

static inline void world_intent(struct world *w, const char *want, int node)
{
	int64_t seq = doc_get_int(w->s.intent, "want_seq", 0) + 1;
	struct doc *i = w->s.intent;

	w->s.intent = doc_map(w->a);
	doc_put(w->a, w->s.intent, "by", doc_copy(w->a, doc_get(i, "by")));
	doc_put_str(w->a, w->s.intent, "want", want);
	doc_put_int(w->a, w->s.intent, "want_seq", seq);
	doc_put_str(w->a, w->s.intent, "encap",
		    strcmp(want, "stopped") == 0 ? "stopped" : "started");
	doc_put_int(w->a, w->s.intent, "encap_seq", seq);
	if (node >= 0)
		doc_put_str(w->a, w->s.intent, "node", w->node[node].hv.name);
	world_commit(w);
}

/* -- leases ------------------------------------------------------------------
 */

static inline void world_lease(struct world *w, size_t i)
{
	struct world_node *n = &w->node[i];
	struct orch_node *row = &w->s.nodes[i];

	if (!world_quorum(w))
		return;
	if (world_reaches(w, n) && !world_fault(w, 3)) {
		/* A grant counts from when it was asked for. */
		n->granted = w->now;
		if (!row->alive)
			row->alive = true;
		n->lease_until = w->now - world_rand(w, 3) + WORLD_LEASE;
		n->lease_epoch = row->epoch;
	} else if (row->alive &&
		   w->now > n->granted + WORLD_LEASE + WORLD_MARGIN) {
		row->alive = false;
		row->epoch++;
	}
}

/* -- agents
 * -------------------------------------------------------------------- */

static inline void world_log(struct world *w, const struct world_agent *g,
			     enum recon_op op, size_t res)
{
	static const char *const words[] = { "start", "stop", "kill" };

	if (w->log)
		buf_printf(w->log, "%s %s %s\n", g->name, words[op],
			   g->p->res[res].rid);
}

static inline void world_act_ends(struct world *w, struct world_node *n,
				  struct world_agent *g)
{
	struct recon_memory *m = &g->p->memory[g->act.res];
	bool failed = world_fault(w, 12), start = g->act.op == RECON_START;
	bool was = g->up[g->act.res];

	g->act.on = false;
	if (failed && world_one_in(w, 2) && start)
		g->half[g->act.res] = true;
	if (!failed)
		world_set(w, n, g, g->act.res, start);
	if (g->memory_token != g->act.token)
		return;
	m->done = !failed;
	if (failed) {
		if (start)
			m->start_failed = true;
		else
			m->stop_failed = true;
		snprintf(g->error, sizeof(g->error), "%s failed",
			 g->p->res[g->act.res].rid);
		m->error = g->error;
	} else {
		m->started = start && (m->started || !was);
	}
}

static inline void world_act(struct world *w, struct world_agent *g,
			     const struct recon_action *act)
{
	struct recon_memory *m = &g->p->memory[act->res];

	world_log(w, g, act->op, act->res);
	if (act->op == RECON_START && (g->was_up || m->done))
		m->restarts++;
	g->act.on = true;
	g->act.op = act->op;
	g->act.res = act->res;
	g->act.ends = w->now + 1 + world_rand(w, w->faults ? 5 : 2);
	g->act.token = g->token;
}

static inline void world_kill(struct world *w, struct world_node *n,
			      const struct recon_out *out)
{
	n->hv.memory_token = 0;
	n->hv.act.on = n->hv.act.on && w->guard;
	for (size_t i = 0; i < out->n; i++) {
		world_log(w, &n->hv, RECON_KILL, out->at[i].res);
		world_set(w, n, &n->hv, out->at[i].res, false);
	}
}

static inline void world_probe(struct world_agent *g)
{
	for (size_t i = 0; i < g->p->inst.n; i++) {
		g->p->probes[i].status = g->half[i] ? STATUS_WARN
					 : g->up[i] ? STATUS_UP
						    : STATUS_DOWN;
		if (g->up[i] && g->was_up)
			g->p->memory[i].restarts = 0;
	}
}

static inline enum want world_want(const struct doc *row)
{
	const char *want = doc_get_str(row, "want", "");

	if (strcmp(want, "up") == 0)
		return WANT_UP;
	return strcmp(want, "down") == 0 ? WANT_DOWN : WANT_NOTHING;
}

static inline void world_take(struct world *w, struct world_agent *g)
{
	const struct doc *row = doc_get(w->history[g->view], g->name);

	g->want = world_want(row);
	g->token = (uint64_t)doc_get_int(row, "token", 0);
	g->epoch = (uint64_t)doc_get_int(row, "epoch", 0);
}

static inline struct encap_view world_view(struct world *w,
					   struct world_node *n)
{
	const struct doc *row = doc_get(w->history[n->hv.view], "vm1");

	return (struct encap_view){
		.rid = "container#0",
		.connected = n->welcomed,
		.want = world_want(row),
		.token = (uint64_t)doc_get_int(row, "token", 0),
		.status = n->welcomed ? n->vm.doc : NULL,
		.since_ms = n->booted ? (w->now - n->booted) * 1000 : 0,
	};
}

static inline void world_say(struct world *w, struct world_node *n,
			     struct world_agent *g)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = instance_status(a, &g->p->inst, g->p->probes);

	doc_put_str(a, d, "state", g->word);
	if (g->error[0])
		doc_put_str(a, d, "error", g->error);
	doc_put_int(a, d, "token", (int64_t)g->token);
	doc_put_int(a, d, "session", g->session);
	if (g->was_up)
		doc_put_bool(a, d, "up_once", true);
	if (!g->doc || !doc_equal(d, g->doc))
		g->doc = doc_copy(w->a, d);
	/* Said again now and then until it arrives. */
	if (doc_equal(g->doc, g->sent ? g->sent : doc_nil(a)) &&
	    !world_one_in(w, 8))
		return;
	if (doc_get(w->s.instances, g->name) && g->sent == g->doc &&
	    doc_get_int(doc_get(w->s.instances, g->name), "n", 0) == g->n &&
	    doc_get_int(doc_get(w->s.instances, g->name), "session", 0) ==
		    g->session)
		return;
	if (w->n_queue == WORLD_QUEUE || !world_reaches(w, n))
		return;
	g->sent = g->doc;
	d = doc_copy(w->a, d);
	doc_put_int(w->a, d, "n", ++g->n);
	w->queue[w->n_queue].due = w->now + world_rand(w, WORLD_LATE);
	w->queue[w->n_queue].from = n;
	w->queue[w->n_queue].name = g->name;
	w->queue[w->n_queue++].doc = d;
}

static inline void world_reconcile(struct world *w, struct world_node *n,
				   struct world_agent *g, bool kill)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct encap_view view = world_view(w, n);
	struct recon_in in = {
		.inst = &g->p->inst,
		.want = g->want,
		.kill = kill,
		.probes = g->p->probes,
		.encaps = &view,
		.n_encaps = g == &n->hv,
		.was_up = g->was_up,
		.memory = g->p->memory,
		.agent_timeout_ms = 20000,
	};
	struct recon_out out;

	reconcile(a, &in, &out);
	g->word = out.word;
	if (out.error && out.error != g->error)
		snprintf(g->error, sizeof(g->error), "%s", out.error);
	if (out.state == RECON_SETTLED)
		g->error[0] = '\0';
	if (out.state == RECON_SETTLED && g->want == WANT_UP && !kill)
		g->was_up = true;
	if (out.state == RECON_ACT && kill)
		world_kill(w, n, &out);
	else if (out.state == RECON_ACT && !g->act.on)
		world_act(w, g, &out.at[0]);
}

static inline void world_agent_step(struct world *w, struct world_node *n,
				    struct world_agent *g)
{
	bool kill;

	if (world_reaches(w, n) && g->view + 1 < w->n_history)
		g->view += 1 + world_rand(w, 3);
	if (g->view >= w->n_history)
		g->view = w->n_history - 1;
	world_take(w, g);
	kill = g == &n->hv && g->want != WANT_NOTHING &&
	       (w->now + WORLD_HURRY >= n->lease_until ||
		(g->want == WANT_UP && n->lease_epoch != g->epoch));
	if (g->act.on && w->now >= g->act.ends)
		world_act_ends(w, n, g);
	else if (g->act.on && !kill)
		return;
	if (g->memory_token != g->token) {
		memset(g->p->memory, 0, sizeof(g->p->memory));
		g->memory_token = g->token;
		g->was_up = false;
		g->error[0] = '\0';
	}
	world_probe(g);
	world_reconcile(w, n, g, kill);
	world_say(w, n, g);
}

static inline void world_node_step(struct world *w, struct world_node *n)
{
	if (!n->powered)
		return;
	/* What the guard does, with or without an agent. */
	if (w->guard && w->now >= n->lease_until && n->hv.want != WANT_NOTHING)
		world_hard_stop(w, n);
	if (world_fault(w, 4) &&
	    (w->guard || w->now + WORLD_HURRY < n->lease_until))
		return; /* slow */
	world_agent_step(w, n, &n->hv);
	if (!n->booted)
		return;
	if (!n->welcomed && w->now > n->booted + 2 && world_reaches(w, n)) {
		n->welcomed = true;
		n->vm.view = w->n_history - 1;
	}
	if (n->welcomed)
		world_agent_step(w, n, &n->vm);
}

/* -- faults and people
 * ------------------------------------------------------------ */

static inline void world_power(struct world *w, struct world_node *n, bool on)
{
	n->powered = on;
	if (on)
		return;
	world_hard_stop(w, n);
	world_forget(&n->hv);
	n->hv.session++;
	n->lease_until = 0;
	n->lease_epoch = 0;
}

/* The agent alone: what runs stays, what was remembered is gone, but for what
 * its last committed document says. */
static inline void world_restart_agent(struct world *w, struct world_node *n)
{
	const struct doc *doc = doc_get(w->s.instances, n->hv.name);
	uint64_t token = n->hv.token;

	world_forget(&n->hv);
	if (!doc || doc_get_int(doc, "session", 0) != n->hv.session ||
	    (uint64_t)doc_get_int(doc, "token", 0) != token)
		return;
	n->hv.memory_token = token;
	n->hv.was_up = doc_get_bool(doc, "up_once", false);
}

static inline void world_fall(struct world *w, struct world_node *n)
{
	size_t i = world_rand(w, (unsigned)n->hv.p->inst.n);

	world_set(w, n, &n->hv, i, false);
}

static inline void world_faults(struct world *w)
{
	struct world_node *n = &w->node[world_rand(w, WORLD_NODES)];

	if (world_fault(w, 60))
		world_power(w, n, false);
	if (!n->powered && world_fault(w, 6))
		world_power(w, n, true);
	if (world_fault(w, 50))
		n->linked = false;
	if (!n->linked && world_fault(w, 6))
		n->linked = true;
	if (n->powered && world_fault(w, 50))
		world_restart_agent(w, n);
	if (n->powered && world_fault(w, 60))
		world_fall(w, n);
}

static inline void world_people(struct world *w)
{
	static const char *const wants[] = { "started", "started", "stopped",
					     "restart" };

	if (!world_quorum(w) || !world_fault(w, 70))
		return;
	world_intent(w, wants[world_rand(w, 4)],
		     world_one_in(w, 2) ? (int)world_rand(w, WORLD_NODES) : -1);
	if (strcmp(doc_get_str(w->s.intent, "want", ""), "stopped") == 0)
		doc_put_str(w->a, w->s.intent, "node", "");
	w->s.frozen = world_one_in(w, 8);
}

/* -- the whole
 * --------------------------------------------------------------------- */

static inline void world_check(struct world *w)
{
	size_t up = 0;

	for (size_t i = 0; i < WORLD_NODES; i++)
		up += world_any_up(&w->node[i].hv);
	if (up > 1)
		w->broken = "it is up on two nodes";
}

static inline void world_step(struct world *w)
{
	w->now++;
	world_faults(w);
	world_people(w);
	for (size_t i = 0; i < WORLD_NODES; i++)
		world_lease(w, i);
	memcpy(w->tables[w->now % WORLD_LATE], w->s.nodes,
	       sizeof(w->tables[0]));
	if (world_quorum(w))
		world_deliver(w);
	world_decide(w);
	for (size_t i = 0; i < WORLD_NODES; i++)
		world_node_step(w, &w->node[i]);
	world_check(w);
}

static inline struct world *world_new(struct arena *a, const char *state,
				      uint64_t seed)
{
	struct world *w = ARENA_NEW(a, struct world);

	w->a = a;
	w->rand = seed * 0x9e3779b97f4a7c15ULL + 1;
	w->s = plan_parse(a, state);
	w->now = 100;
	w->guard = seed % 2;
	for (size_t i = 0; i < WORLD_NODES; i++) {
		struct world_node *n = &w->node[i];

		n->powered = n->linked = true;
		n->granted = w->now;
		n->hv.name = w->s.nodes[i].name;
		n->vm.name = "vm1";
		n->hv.word = n->vm.word = "idle";
		n->hv.p = plan_inst(a, WORLD_HV, LEVEL_HYPERVISOR, n->hv.name);
		n->vm.p = plan_inst(a, WORLD_VM, LEVEL_ENCAP, "vm1");
		n->hv.session = n->vm.session = (unsigned)(1 + i * 1000);
	}
	for (size_t i = 0; i < WORLD_LATE; i++)
		memcpy(w->tables[i], w->s.nodes, sizeof(w->tables[0]));
	world_commit(w);
	return w;
}
