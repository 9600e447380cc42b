/*
 * The executor: for each service of this node, what is wanted (assignment and
 * lease), what is there (probes), and the next action (fsm/plan/reconcile).
 *
 * After a restart of the agent nothing is remembered and nothing needs to be:
 * the probes show what runs, the assignment what should, and the document that
 * was committed before tells whether it once was all up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"
#include "fsm/plan/order.h"

#define WAIT_PROBE_MS	   400
#define CURRENT_TIMEOUT_MS 2000

/* -- what should be ------------------------------------------------ */

static void run_unload(struct instance_run *run)
{
	arena_free(run->conf_arena);
	arena_free(run->probe_arena);
	run->conf_arena = run->probe_arena = NULL;
	run->memory = NULL;
	run->hooks = NULL;
	run->holds = NULL;
	run->hold_acts = NULL;
	run->up_since = NULL;
	run->probes = NULL;
	run->probed = false;
	guard_forget(run);
	memset(&run->inst, 0, sizeof(run->inst));
	run->rev[0] = '\0';
}

/* What a person asks anew is done anew, whatever was done before. */
static void run_take_holds(struct instance_run *run)
{
	for (size_t i = 0; i < run->inst.n; i++) {
		struct recon_memory *m = &run->memory[i];
		uint64_t act;
		enum hold hold = order_hold(&run->inst, run->order, i, &act);
		bool same = hold == run->holds[i] && act == run->hold_acts[i];

		run->holds[i] = hold;
		run->hold_acts[i] = act;
		if (same)
			continue;
		if (act > run->act_done)
			*m = (struct recon_memory){ .asked = true };
		else if (act)
			m->turned = true;
		else
			m->asked = true;
	}
}

static void run_load(struct agent *g, struct instance_run *run,
		     const char *config)
{
	struct arena *a = arena_new();
	struct conf *c = agent_conf(g, a, config);
	struct instance inst;
	enum level level;
	struct err err = { 0 };

	snprintf(run->rev, sizeof(run->rev), "%s", run->head);
	if (!c || conf_level(a, c, run->service, g->node, &level, &err) < 0 ||
	    instance_eval(a, c, run->service, g->node, level, &inst, &err) <
		    0) {
		/* Committed files were validated: this is another version's. */
		agent_log(g, 3, "%s: revision %.12s cannot be evaluated: %s",
			  run->service, run->head, err.text);
		arena_free(a);
		return;
	}
	run->conf_arena = a;
	run->inst = inst;
	run->memory = ARENA_VEC(a, struct recon_memory, inst.n);
	run->hooks = ARENA_VEC(a, struct recon_hooks, inst.n_subsets + 1);
	run->holds = ARENA_VEC(a, enum hold, inst.n);
	run->hold_acts = ARENA_VEC(a, uint64_t, inst.n);
	run->up_since = ARENA_VEC(a, uint64_t, inst.n);
	run_take_holds(run);
	for (struct task *t = run->tasks; t; t = t->next)
		t->next_ms = 0; /* its schedule may be another */
	run->poked = true;
	g->reloaded = true;
}

/* Take up a new head once no job looks at the old one. What was remembered of
 * resources that are still there is kept. */
static void run_reload(struct agent *g, struct instance_run *run)
{
	SCOPED(arena) struct arena *a = NULL;
	struct txn *t;
	struct doc *rev;
	struct instance old = run->inst;
	struct arena *old_arena = run->conf_arena;
	struct recon_memory *old_memory = run->memory;

	if (strcmp(run->rev, run->head) == 0 || run->probing || run->acting ||
	    run->killing)
		return;
	a = arena_new();
	t = txn_begin_read(g->db, NULL);
	rev = t ? state_revision(&(struct state){ t, run->group, a },
				 run->service, run->head)
		: NULL;
	txn_abort(t);
	if (!rev)
		return;
	run->conf_arena = NULL;
	run_unload(run);
	run_load(g, run, doc_get_str(rev, "config", ""));
	for (size_t i = 0; i < run->inst.n; i++)
		for (size_t k = 0; k < old.n; k++)
			if (strcmp(run->inst.res[i].rid, old.res[k].rid) == 0)
				run->memory[i] = old_memory[k];
	arena_free(old_arena);
}

enum want instance_want(const struct doc *assign)
{
	const char *want = doc_get_str(assign, "want", "");

	if (strcmp(want, "up") == 0)
		return WANT_UP;
	return strcmp(want, "down") == 0 ? WANT_DOWN : WANT_NOTHING;
}

static void run_take_assignment(struct instance_run *run,
				const struct doc *assign)
{
	uint64_t token = (uint64_t)doc_get_int(assign, "token", 0);

	run->want = instance_want(assign);
	run->epoch = (uint64_t)doc_get_int(assign, "epoch", 0);
	run->alone = doc_get_bool(assign, "alone", false);
	snprintf(run->host, sizeof(run->host), "%s",
		 doc_get_str(assign, "host", ""));
	run->host_epoch = (uint64_t)doc_get_int(assign, "host_epoch", 0);
	if (token == run->token)
		return;
	run->token = token;
	run->poked = true;
}

static void run_take_order(struct instance_run *run, const struct doc *order)
{
	if (order == run->order ||
	    (order && run->order && doc_equal(order, run->order)))
		return;
	arena_free(run->order_arena);
	run->order_arena = order ? arena_new() : NULL;
	run->order = order ? doc_copy(run->order_arena, order) : NULL;
	run->act = (uint64_t)doc_get_int(order, "act", 0);
	run->act_error[0] = '\0';
	run->poked = true;
	if (!run->memory)
		return;
	run_take_holds(run);
	for (size_t i = 0; order_whole(order) && i <= run->inst.n_subsets; i++)
		run->hooks[i] = (struct recon_hooks){ 0 };
}

/* The first time after a start of the agent: what did it last say? */
static void run_take_own_doc(struct agent *g, struct instance_run *run,
			     const struct doc *doc)
{
	if (run->seen_own_doc)
		return;
	run->seen_own_doc = true;
	if (strcmp(doc_get_str(doc, "session", ""), g->session) != 0)
		return;
	run->n = (uint64_t)doc_get_int(doc, "n", 0);
	if ((uint64_t)doc_get_int(doc, "token", 0) != run->token)
		return;
	run->act_done = (uint64_t)doc_get_int(doc, "act", 0);
	snprintf(run->act_error, sizeof(run->act_error), "%s",
		 doc_get_str(doc, "act_error", ""));
	run->memory_token = run->token;
	run->was_up = doc_get_bool(doc, "up_once", false);
	run->adopting = true;
}

static void tasks_take_all(struct agent *g, struct instance_run *run,
			   const struct doc *instances)
{
	for (size_t i = 0; i < doc_len(instances); i++) {
		const struct doc *doc = doc_at(instances, i);
		bool own = strcmp(doc->key, g->node) == 0;

		if (!own || !run->seen_own_doc)
			tasks_take(run, doc, own);
	}
}

static struct instance_run *run_find(struct agent *g, const char *service)
{
	struct instance_run *run;

	HASH_FIND(hh, g->by_service, service, strlen(service), run);
	return run;
}

const struct instance_run *instance_of(struct agent *g, const char *service)
{
	return run_find(g, service);
}

static struct instance_run *run_new(struct agent *g, const char *service)
{
	struct instance_run *run = calloc(1, sizeof(*run));

	if (!run)
		abort();
	run->service = agent_strdup(service);
	snprintf(run->word, sizeof(run->word), "idle");
	run->next = g->instances;
	g->instances = run;
	HASH_ADD_KEYPTR(hh, g->by_service, run->service, strlen(run->service),
			run);
	return run;
}

/* Only a hypervisor can be frozen by itself. */
static bool node_is_frozen(struct agent *g, struct arena *a, struct txn *t)
{
	const struct state s = { t, CLUSTER_GROUP, a };

	return g->level == LEVEL_HYPERVISOR &&
	       doc_get_bool(state_node(&s, g->self), "frozen", false);
}

struct node_word { /* what was said of this node as such */
	bool frozen, rests;
};

static struct node_word node_word(struct agent *g, struct arena *a,
				  struct txn *t)
{
	return (struct node_word){
		.frozen = node_is_frozen(g, a, t),
		.rests = upkeep_node_rests(g, a, t),
	};
}

/* Which other node of this level it is to be up on. */
static void run_take_others(const struct agent *g, struct instance_run *run,
			    const struct doc *assigns)
{
	bool inside = g->level == LEVEL_ENCAP;

	run->up_on[0] = '\0';
	for (size_t i = 0; i < doc_len(assigns); i++) {
		const struct doc *row = doc_at(assigns, i);

		if (strcmp(row->key, g->node) == 0 ||
		    instance_want(row) != WANT_UP ||
		    (strcmp(doc_get_str(row, "level", ""), "encap") == 0) !=
			    inside)
			continue;
		snprintf(run->up_on, sizeof(run->up_on), "%s", row->key);
		return;
	}
}

static void sync_service(struct agent *g, struct arena *a, struct txn *t,
			 const char *name, const struct node_word *node)
{
	uint64_t group = agent_service_group(g, a, t, name);
	struct state s = { t, group, a };
	struct doc *row = state_service(&s, name);
	const struct doc *assign, *order;
	struct instance_run *run;
	const struct head *head;

	if (row && doc_get(row, "group"))
		row = NULL; /* the index's */
	head = head_see(g, &s, name, row);
	if (!row || !head || !head->takes_part)
		return;
	run = run_find(g, name);
	if (!run)
		run = run_new(g, name);
	snprintf(run->head, sizeof(run->head), "%s", head->rev);
	run->group = group;
	run->wanted = true;
	run->frozen = doc_get_bool(row, "frozen", false) || node->frozen;
	upkeep_take(run, row, node->rests);
	local_take(g, run);
	if (run->version == (uint64_t)doc_get_int(row, "version", 0))
		return;
	run->version = (uint64_t)doc_get_int(row, "version", 0);
	run_take_others(g, run, state_assigns(&s, name));
	run->asked_once = doc_get_int(doc_get(row, "intent"), "seq", 0) > 0;
	assign = state_assign(&s, name, g->node);
	run_take_assignment(run, assign);
	order = state_order(&s, name, g->node);
	if (!order_counts(order, doc_get(row, "intent"), g->node,
			  g->level == LEVEL_ENCAP, assign))
		order = NULL;
	run_take_order(run, order);
	tasks_take_all(g, run, state_instances(&s, name));
	run_take_own_doc(g, run, state_instance(&s, name, g->node));
}

static void run_free(struct instance_run *run)
{
	run_unload(run);
	arena_free(run->doc_arena);
	arena_free(run->told_arena);
	arena_free(run->order_arena);
	tasks_free(run);
	free(run->service);
	free(run);
}

static void run_end(struct agent *g, struct instance_run *run)
{
	if (run->gone)
		return;
	run->gone = true;
	HASH_DEL(g->by_service, run);
	g->reloaded = true;
}

static void drop_gone(struct agent *g)
{
	for (struct instance_run **at = &g->instances; *at;) {
		struct instance_run *run = *at;

		if (!run->gone || run->busy) {
			at = &run->next;
			continue;
		}
		*at = run->next;
		run_free(run);
	}
}

void instance_sync_one(struct agent *g, const char *service)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = txn_begin_read(g->db, NULL);
	struct instance_run *run = run_find(g, service);
	struct node_word node;

	if (!t)
		return;
	if (run)
		run->wanted = false;
	node = node_word(g, a, t);
	sync_service(g, a, t, service, &node);
	txn_abort(t);
	if (run && !run->wanted)
		run_end(g, run);
	drop_gone(g);
}

void instance_sync(struct agent *g)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = txn_begin_read(g->db, NULL);
	struct state s = { t, g->group, a };
	struct doc *services;
	struct node_word node;

	if (!t)
		return;
	for (struct instance_run *r = g->instances; r; r = r->next)
		r->wanted = false;
	head_begin(g);
	node = node_word(g, a, t);
	services = state_services(&s);
	for (size_t i = 0; i < doc_len(services); i++)
		sync_service(g, a, t,
			     doc_get_str(doc_at(services, i), "name", ""),
			     &node);
	txn_abort(t);
	head_end(g);
	if (g->level == LEVEL_HYPERVISOR)
		channel_tell_words(g, node.rests);
	for (struct instance_run *r = g->instances; r; r = r->next)
		if (!r->wanted)
			run_end(g, r);
	drop_gone(g);
}

/* -- what to do about it ------------------------------------------- */

/* Also where it is to go down: a stop takes time, or waits for a container, and
 * the lease can run out meanwhile. A later lease is good for that, too: an
 * assignment that was carried out long ago is not made anew with each epoch. */
enum lease_right instance_right(const struct agent *g,
				const struct instance_run *run)
{
	enum lease_right right;

	if (g->level == LEVEL_HYPERVISOR && run->local != LOCAL_NOT)
		return local_right(g, run);
	if (run->local != LOCAL_NOT || run->want == WANT_NOTHING)
		return LEASE_RUN;
	if (g->level == LEVEL_ENCAP)
		return encap_lease_right(g, run);
	if (run->want == WANT_DOWN && g->lease.epoch > run->epoch)
		return lease_right(g, g->lease.epoch);
	right = lease_right(g, run->epoch);
	/* Nobody else may start it: what runs is kept, and nothing begun. */
	return right == LEASE_NONE && run->want == WANT_UP && run->alone
		       ? LEASE_ASK
		       : right;
}

/* There is an assignment, but the lease is not held, or is of another epoch:
 * what is up must go down, at once. */
static bool must_kill(const struct agent *g, const struct instance_run *run)
{
	return instance_right(g, run) == LEASE_NONE;
}

struct asking {
	struct agent *agent;
	uint64_t gid;
};

static void on_current(void *arg, int code, struct arena *a,
		       const struct doc *result)
{
	struct asking *q = arg;
	struct group_seen *seen = agent_seen(q->agent, q->gid);

	(void)a;
	(void)result;
	q->agent->pending--;
	seen->asking = false;
	seen->current = code == 0;
	free(q);
}

/* A machine that lost power begins with its last snapshot, and what came after
 * counts only once it is told that this is agreed. Until then its assignments
 * may be such as it has itself carried out, and others stand in their place. */
static bool is_current(struct agent *g, uint64_t gid)
{
	struct group_seen *seen = agent_seen(g, gid);
	struct asking *q;

	if (seen->current || seen->asking)
		return seen->current;
	q = calloc(1, sizeof(*q));
	if (!q)
		abort();
	*q = (struct asking){ g, gid };
	seen->asking = true;
	g->pending++;
	engine_read(g->engine, gid, CURRENT_TIMEOUT_MS, on_current, q);
	return false;
}

/* Is it known what this node should do with the instance? Old state may say
 * what nobody wants any more. */
static bool may_reconcile(struct agent *g, const struct instance_run *run)
{
	if (g->level == LEVEL_ENCAP)
		return must_kill(g, run) || run->local != LOCAL_NOT ||
		       (g->synced && instance_right(g, run) != LEASE_ASK);
	if (run->local != LOCAL_NOT) /* it does not depend on what is agreed */
		return instance_right(g, run) != LEASE_ASK;
	return instance_right(g, run) != LEASE_ASK &&
	       (run->want == WANT_NOTHING || must_kill(g, run) ||
		is_current(g, run->group));
}

/* The host takes the start of this assignment back. */
static bool is_halted(const struct instance_run *run)
{
	return run->want == WANT_UP && run->halt_token == run->token;
}

static void memory_of_assignment(struct instance_run *run)
{
	bool halted = is_halted(run);

	if (run->memory_token == run->token && run->halted == halted)
		return;
	/* What was carried out once is not done again. */
	for (size_t i = 0; i < run->inst.n; i++)
		run->memory[i] = (struct recon_memory){
			.turned = run->hold_acts[i] &&
				  run->hold_acts[i] <= run->act_done,
		};
	for (size_t i = 0; i <= run->inst.n_subsets; i++)
		run->hooks[i] = (struct recon_hooks){ 0 };
	run->memory_token = run->token;
	run->halted = halted;
	run->was_up = false;
	run->error[0] = '\0';
}

static bool anything_up(const struct instance_run *run)
{
	for (size_t i = 0; i < run->inst.n; i++)
		if (run->probes[i].status == STATUS_UP)
			return true;
	return false;
}

/* What was said before the agent was away holds only where some of it is still
 * up: the lease may have ended, and then all was stopped with no majority to be
 * told. Nothing fell down by itself then, and it is started anew. */
static void adopt(const struct agent *g, struct instance_run *run)
{
	if (run->adopting && (g->level == LEVEL_HYPERVISOR || run->epoch) &&
	    !anything_up(run))
		run->was_up = false;
	run->adopting = false;
}

static const struct doc *encap_assignment(struct agent *g, struct arena *a,
					  const struct instance_run *run,
					  const char *node)
{
	struct txn *t = txn_begin_read(g->db, NULL);
	const struct doc *row = NULL;

	if (t)
		row = state_assign(&(struct state){ t, run->group, a },
				   run->service, node);
	txn_abort(t);
	return row;
}

static int64_t asked_ms(const struct agent *g, struct channel *c,
			uint64_t token)
{
	if (c && !c->welcomed)
		c->halt_ms = 0;
	if (!c || !c->welcomed)
		return 0;
	if (c->asked_token != token)
		c->asked_ms = g->now_ms;
	c->asked_token = token;
	return (int64_t)(g->now_ms - c->asked_ms);
}

static int64_t halted_ms(const struct agent *g, const struct channel *c,
			 uint64_t token)
{
	if (!c || !c->halt_ms || c->halt_token != token)
		return 0;
	return (int64_t)(g->now_ms - c->halt_ms) + 1;
}

static size_t encap_views(struct agent *g, struct arena *a,
			  const struct instance_run *run,
			  struct encap_view *views)
{
	size_t n = 0;

	for (size_t i = 0; i < run->inst.n; i++) {
		const struct resource *r = &run->inst.res[i];
		const struct doc *row;
		struct channel *c;
		uint64_t token;

		if (!channel_is_for(r))
			continue;
		c = channel_find(g, run->service, r->rid);
		row = encap_assignment(g, a, run, r->encapnode);
		token = (uint64_t)doc_get_int(row, "token", 0);
		views[n++] = (struct encap_view){
			.rid = r->rid,
			.connected = c && c->welcomed,
			.want = instance_want(row),
			.token = token,
			.asked_ms = asked_ms(g, c, token),
			.status = c && c->welcomed ? c->status : NULL,
			.halted_ms = halted_ms(g, c, token),
			.since_ms = run->up_since[i]
					    ? (int64_t)(g->now_ms -
							run->up_since[i])
					    : 0,
		};
	}
	return n;
}

/* Is there a start that a person asked for by itself, not carried out yet? */
static bool starts_something(const struct instance_run *run)
{
	for (size_t i = 0; i < run->inst.n; i++)
		if (run->hold_acts[i] > run->act_done &&
		    run->holds[i] != HOLD_DOWN)
			return true;
	return false;
}

/* What came out, for people and for the document. */
static void run_note(struct agent *g, struct instance_run *run,
		     const struct recon_out *out)
{
	run->moved = true;
	snprintf(run->word, sizeof(run->word), "%s", out->word);
	snprintf(run->wait, sizeof(run->wait), "%s",
		 out->wait ? out->wait : "");
	if (out->error && out->error != run->error)
		snprintf(run->error, sizeof(run->error), "%s", out->error);
	else if (out->state == RECON_FAILED && !run->error[0])
		snprintf(run->error, sizeof(run->error), "%s", out->wait);
	if (out->act_error)
		snprintf(run->act_error, sizeof(run->act_error), "%s",
			 out->act_error);
	else if (out->state == RECON_FAILED && starts_something(run))
		snprintf(run->act_error, sizeof(run->act_error), "%s",
			 out->wait);
	if ((out->state == RECON_SETTLED || out->state == RECON_FAILED) &&
	    !tasks_pending(run))
		run->act_done = run->act;
	/* What was found out in this pass is for the next one, too. */
	for (size_t i = 0; out->error && i < run->inst.n; i++)
		if (run->memory[i].start_failed && !run->memory[i].error)
			run->memory[i].error = run->error;
	if (out->note)
		agent_log(g, 4, "%s: %s", run->service, out->note);
}

static void run_halt(struct agent *g, const struct instance_run *run,
		     const struct encap_view *views, size_t n, const char *rid)
{
	struct channel *c = channel_find(g, run->service, rid);

	for (size_t i = 0; c && i < n; i++)
		if (strcmp(views[i].rid, rid) == 0)
			channel_halt(g, c, views[i].token);
}

static void run_act(struct agent *g, struct instance_run *run,
		    const struct recon_out *out, bool kill)
{
	if (kill) {
		/* If the lease comes back, this is a start from nothing. */
		run->memory_token = 0;
		job_kill(g, run, out->at, out->n);
	} else {
		job_act(g, run, out->at, out->n);
	}
}

static uint64_t next_probe_ms(const struct agent *g,
			      const struct recon_out *out)
{
	uint64_t ms = out->state == RECON_WAIT ? WAIT_PROBE_MS : PROBE_EVERY_MS;

	if (out->again_ms > 0 && (uint64_t)out->again_ms < ms)
		ms = (uint64_t)out->again_ms;
	return g->now_ms + ms;
}

static void tasks_wait(const struct agent *g, struct instance_run *run)
{
	run->moved = true;
	snprintf(run->word, sizeof(run->word), "stopping");
	snprintf(run->wait, sizeof(run->wait), "its tasks are being ended");
	run->next_probe_ms = g->now_ms + WAIT_PROBE_MS;
}

static enum want want_now(const struct instance_run *run)
{
	if (run->local != LOCAL_NOT)
		return run->local == LOCAL_START ? WANT_UP : WANT_DOWN;
	return run->halted ? WANT_DOWN : run->want;
}

static void run_reconcile(struct agent *g, struct instance_run *run, bool kill)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct encap_view *views =
		ARENA_VEC(a, struct encap_view, run->inst.n + 1);
	struct recon_in in = {
		.inst = &run->inst,
		.want = want_now(run),
		.kill = kill,
		.frozen = run->frozen,
		.standby = run->asked_once || run->order,
		.probes = run->probes,
		.encaps = views,
		.n_encaps = encap_views(g, a, run, views),
		.was_up = run->was_up,
		.holds = run->holds,
		.whole = order_whole(run->order),
		.memory = run->memory,
		.hooks = run->hooks,
		.agent_timeout_ms = AGENT_TIMEOUT_MS,
		.now_ms = (int64_t)g->now_ms,
	};
	struct recon_out out = { 0 };

	if (run->rests && !kill) {
		upkeep_rest(g, run);
		return;
	}
	if (tasks_end(g, run, kill) && !kill) {
		tasks_wait(g, run);
		return;
	}
	reconcile(a, &in, &out);
	retry_step(g, run, a, &out);
	run_note(g, run, &out);
	if (out.state == RECON_SETTLED && in.want == WANT_UP && !kill) {
		run->was_up = true;
		run->error[0] = '\0';
	}
	if (out.state == RECON_SETTLED && in.want == WANT_DOWN)
		run->error[0] = '\0';
	if (out.halt)
		run_halt(g, run, views, in.n_encaps, out.halt);
	if (out.state == RECON_ACT && out.n)
		run_act(g, run, &out, kill);
	else
		monitor_step(g, run, out.monitor);
	run->next_probe_ms = next_probe_ms(g, &out);
}

/* An operation that hangs must not keep the lease's end from being obeyed. */
static void kill_beside(struct agent *g, struct instance_run *run)
{
	if (run->killing || !run->probes || !must_kill(g, run) ||
	    (run->was_kill && g->now_ms < run->next_probe_ms))
		return;
	run->was_kill = true; /* from here on it is repeated */
	run_reconcile(g, run, true);
	run->next_probe_ms = g->now_ms + WAIT_PROBE_MS;
}

static void run_step(struct agent *g, struct instance_run *run)
{
	bool kill;

	if (run->gone)
		return;
	run_reload(g, run);
	local_step(g, run);
	if (run->probing)
		observe_late(g, run);
	if (!run->rev[0] || !run->memory || run->probing || run->killing)
		return;
	tasks_step(g, run);
	if (run->acting) {
		kill_beside(g, run);
		return;
	}
	kill = must_kill(g, run);
	if (kill != run->was_kill)
		run->poked = true;
	run->was_kill = kill;
	if (run->probed && run->probe_token == run->token && !run->poked) {
		run->probed = false;
		memory_of_assignment(run);
		adopt(g, run);
		if (may_reconcile(g, run))
			run_reconcile(g, run, kill);
		else
			run->next_probe_ms = g->now_ms + WAIT_PROBE_MS;
		observe_step(g, run);
		return;
	}
	if (run->poked || !run->probes || run->probed ||
	    g->now_ms >= run->next_probe_ms) {
		run->probed = false;
		job_probe(g, run);
		return;
	}
	observe_step(g, run);
}

static void on_synced(void *arg, int code, struct arena *a,
		      const struct doc *result)
{
	struct agent *g = arg;

	(void)a;
	(void)result;
	g->pending--;
	g->sync_asked = false;
	if (code == 0 && g->host_welcomed && !g->synced) {
		g->synced = true;
		g->dirty = true;
		for (struct instance_run *r = g->instances; r; r = r->next)
			r->poked = true;
	}
}

static void sync_ask(struct agent *g)
{
	if (g->level != LEVEL_ENCAP || !g->identity || g->synced ||
	    g->sync_asked || !g->host_welcomed)
		return;
	g->sync_asked = true;
	g->pending++;
	engine_read(g->engine, g->group, 2000, on_synced, g);
}

void instance_step_all(struct agent *g)
{
	sync_ask(g);
	for (struct instance_run *r = g->instances; r; r = r->next)
		run_step(g, r);
}

static uint64_t run_next_ms(const struct agent *g,
			    const struct instance_run *run)
{
	uint64_t next = run->next_probe_ms;
	uint64_t quarter;

	if (run->gone || run->probing || run->killing)
		return UINT64_MAX;
	if (run->poked)
		return g->now_ms;
	if (run->epoch != 0 && run->want != WANT_NOTHING) {
		quarter = g->lease.ms / 4;
		if (g->lease.until_ms > g->now_ms + quarter &&
		    g->lease.until_ms - quarter < next)
			next = g->lease.until_ms - quarter;
	}
	if (run->acting && next < g->now_ms + 100)
		next = g->now_ms + 100;
	return next;
}

uint64_t instance_next_ms(const struct agent *g)
{
	uint64_t next = UINT64_MAX;

	for (const struct instance_run *r = g->instances; r; r = r->next) {
		uint64_t at = run_next_ms(g, r);

		if (at < next)
			next = at;
	}
	return next;
}

unsigned instance_busy(const struct agent *g)
{
	unsigned n = 0;

	for (const struct instance_run *r = g->instances; r; r = r->next)
		n += r->probing + r->acting + r->killing;
	return n;
}

void instance_tell_again(struct agent *g)
{
	for (struct instance_run *r = g->instances; r; r = r->next) {
		r->told = NULL;
		r->moved = true;
	}
}

void instance_poke(struct agent *g, const char *service)
{
	struct instance_run *run = run_find(g, service);

	if (run)
		run->poked = true;
}

void instance_halt(struct agent *g, uint64_t token)
{
	struct instance_run *run = g->service ? run_find(g, g->service) : NULL;

	if (!run || !token || run->halt_token == token)
		return;
	run->halt_token = token;
	run->poked = true;
}

void instance_free(struct agent *g)
{
	HASH_CLEAR(hh, g->by_service);
	while (g->instances) {
		struct instance_run *run = g->instances;

		g->instances = run->next;
		run_free(run);
	}
}
