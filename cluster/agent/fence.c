/*
 * Fencing, the agent's side: as leader of the cluster's group, have what was
 * asked for carried out by somebody; as the one who was chosen, do it on a
 * worker and say what came of it; and tell the others what protects this node.
 *
 * All of it is looked at anew at each look at everything (fsm/op/fence.c has
 * the rows), so a change of the leader, or a proposal that was lost, costs a
 * second. What a node was chosen for is begun once per try while its agent
 * runs; an agent that was started anew does it again, which devices allow.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/fence.h"
#include "drivers/fence.h"
#include "fsm/plan/fence.h"

#define ASK_AGAIN_MS 1000
#define STEADY_MS    2000 /* before a word about protection is told */
#define SAY_EVERY_MS 5000

/* What the leader has seen of a fence. */
struct seen {
	struct seen *next;
	uint64_t id;
	int64_t n, tries;
	bool running;
	uint64_t since_ms, asked_ms;
};

/* What this node was chosen for. */
struct own {
	struct own *next;
	uint64_t id;
	int64_t n, tries;
	bool ended, ok;
	char device[256], text[400];
	uint64_t asked_ms;
};

struct fences {
	struct seen *seen;
	struct own *own;
	unsigned busy;
	int64_t self_n; /* of the last fence that it ended itself for */
	char protection[257];
	uint64_t steady_ms, said_ms;
};

static struct fences *fences_of(struct agent *g)
{
	if (!g->fences)
		g->fences = calloc(1, sizeof(*g->fences));
	if (!g->fences)
		abort();
	return g->fences;
}

/* -- the secrets of a device ------------------------------------------------
 */

/* Lines NAME=VALUE for the one on whose standard input they go. */
static int secret_lines(struct agent *g, const struct state *s,
			const char *section, const char **ret, struct err *err)
{
	const struct doc *rows = state_secrets(s, section);
	struct buf b = BUF(s->arena);
	struct seal_key k;
	int rc = doc_len(rows) ? secret_service_key(g, section, &k, err) : 0;

	for (size_t i = 0; i < doc_len(rows) && rc == 0; i++) {
		const struct doc *row = doc_at(rows, i);
		const char *value;
		size_t len;

		rc = seal_open(s->arena, &k, section, row->key,
			       doc_get(row, "sealed"), &value, &len, err);
		if (rc == 0 && (strlen(value) != len || strchr(value, '\n')))
			rc = err_set(err, -EINVAL,
				     "the secret %s of %s is not one line",
				     row->key, section);
		if (rc == 0)
			buf_printf(&b, "%s=%s\n", row->key, value);
	}
	*ret = buf_text(&b);
	return rc;
}

/* -- jobs: on a worker ------------------------------------------------------
 */

struct fence_job {
	struct agent *agent;
	struct arena *arena;
	struct fence_order order;
	struct fence_devices devices;
	const char **secrets;
	/* A fence: */
	uint64_t id;
	int64_t n, tries;
	int rc;
	const char *by, *note;
	/* A test: */
	fence_tested tested;
	void *arg;
	struct doc *rows;
	struct err err;
};

/* The devices of @node and their secrets; NULL with the reason. */
static struct fence_job *job_new(struct agent *g, const char *node,
				 const char *action, struct err *err)
{
	struct fence_job *j = calloc(1, sizeof(*j));
	struct txn *t = txn_begin_read(g->db, err);
	struct state s = { t, CLUSTER_GROUP, arena_new() };
	int rc = t ? 0 : -EIO;

	if (!j)
		abort();
	*j = (struct fence_job){ .agent = g, .arena = s.arena };
	if (rc == 0)
		rc = fence_devices(
			j->arena,
			doc_get_str(state_cluster(&s), "config", NULL), node,
			&j->devices, err);
	j->secrets = ARENA_VEC(j->arena, const char *, j->devices.n + 1);
	for (size_t i = 0; i < j->devices.n && rc == 0; i++)
		rc = secret_lines(g, &s, j->devices.at[i].section,
				  &j->secrets[i], err);
	txn_abort(t);
	if (rc == 0 && !g->io.fence)
		rc = err_set(err, -ENOTSUP, "this agent has no way to fence");
	if (rc < 0) {
		arena_free(j->arena);
		free(j);
		return NULL;
	}
	j->order = (struct fence_order){
		.node = arena_printf(j->arena, "%s", node),
		.action = arena_printf(j->arena, "%s", action),
		.devices = &j->devices,
		.secrets = j->secrets,
		.arena = j->arena,
	};
	return j;
}

static void job_free(struct fence_job *j)
{
	j->agent->fences->busy--;
	arena_free(j->arena);
	free(j);
}

static void job_begin(struct fence_job *j, void (*run)(void *arg),
		      void (*done)(void *arg))
{
	struct agent *g = j->agent;

	fences_of(g)->busy++;
	g->io.work(g->io.ctx, AGENT_LANE_KILL, run, done, j);
}

static void fence_run(void *arg)
{
	struct fence_job *j = arg;
	struct agent *g = j->agent;

	j->rc = fence_carry_out(&j->order, g->io.fence, g->io.ctx, &j->by,
				&j->note, &j->err);
}

static struct own *own_find(struct agent *g, int64_t n, int64_t tries)
{
	struct own *o = g->fences ? g->fences->own : NULL;

	while (o && (o->n != n || o->tries != tries))
		o = o->next;
	return o;
}

static void own_end(struct agent *g, struct own *o, bool ok, const char *device,
		    const char *text)
{
	o->ended = true;
	o->ok = ok;
	snprintf(o->device, sizeof(o->device), "%s", device);
	snprintf(o->text, sizeof(o->text), "%s", text);
	g->dirty = true;
}

static void fence_done(void *arg)
{
	struct fence_job *j = arg;
	struct own *o = own_find(j->agent, j->n, j->tries);
	bool ok = j->rc == 0;

	agent_log(j->agent, ok ? 5 : 3, "fence %s %s: %s%s%s", j->order.action,
		  j->order.node, ok ? "done by " : "", ok ? j->by : j->err.text,
		  ok && *j->note ? j->note : "");
	if (o)
		own_end(j->agent, o, ok, ok ? j->by : "",
			ok ? j->note : j->err.text);
	job_free(j);
}

static void own_begin(struct agent *g, const struct doc *row)
{
	const struct doc *f = doc_get(row, "fence");
	const char *node = doc_get_str(row, "name", "");
	const char *action = doc_get_str(f, "action", "");
	struct own *o = calloc(1, sizeof(*o));
	struct err err = { 0 };
	struct fence_job *j;

	if (!o)
		abort();
	o->id = (uint64_t)doc_get_int(row, "id", 0);
	o->n = doc_get_int(f, "n", 0);
	o->tries = doc_get_int(f, "tries", 0);
	o->next = fences_of(g)->own;
	g->fences->own = o;
	j = job_new(g, node, action, &err);
	if (!j) {
		own_end(g, o, false, "", err.text);
		return;
	}
	j->n = o->n;
	j->tries = o->tries;
	agent_log(g, 4, "fence %s %s: %s", action, node,
		  doc_get_str(f, "why", ""));
	job_begin(j, fence_run, fence_done);
}

/* -- as the one who was chosen -----------------------------------------------
 */

static struct doc *command_of(struct agent *g, struct arena *a, const char *op,
			      uint64_t id, int64_t n, int64_t tries)
{
	struct doc *cmd = agent_command(g, a, op, NULL);

	doc_put_int(a, cmd, "id", (int64_t)id);
	doc_put_int(a, cmd, "n", n);
	doc_put_int(a, cmd, "tries", tries);
	return cmd;
}

static void own_tell(struct agent *g, struct arena *a, struct own *o)
{
	struct doc *cmd;

	if (o->asked_ms && g->now_ms < o->asked_ms + ASK_AGAIN_MS)
		return;
	o->asked_ms = g->now_ms;
	cmd = command_of(g, a, "fence_done", o->id, o->n, o->tries);
	doc_put_bool(a, cmd, "ok", o->ok);
	doc_put_str(a, cmd, "device", o->device);
	doc_put_str(a, cmd, "text", o->text);
	agent_propose(g, CLUSTER_GROUP, a, cmd);
}

static bool is_ours(struct agent *g, const struct doc *f)
{
	return doc_is(f, "state", "running") && doc_is(f, "runner", g->node);
}

static const struct doc *row_with(const struct doc *nodes, int64_t n)
{
	for (size_t i = 0; i < doc_len(nodes); i++)
		if (doc_get_int(doc_get(doc_at(nodes, i), "fence"), "n", 0) ==
		    n)
			return doc_at(nodes, i);
	return NULL;
}

static void own_look(struct agent *g, struct arena *a, const struct doc *nodes)
{
	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *f = doc_get(doc_at(nodes, i), "fence");

		if (is_ours(g, f) && !own_find(g, doc_get_int(f, "n", 0),
					       doc_get_int(f, "tries", 0)))
			own_begin(g, doc_at(nodes, i));
	}
	for (struct own **at = g->fences ? &g->fences->own : NULL; at && *at;) {
		struct own *o = *at;
		const struct doc *f = doc_get(row_with(nodes, o->n), "fence");
		bool asked =
			is_ours(g, f) && doc_get_int(f, "tries", 0) == o->tries;

		if (o->ended && !asked) { /* it is known, or not of interest */
			*at = o->next;
			free(o);
			continue;
		}
		if (o->ended)
			own_tell(g, a, o);
		at = &o->next;
	}
}

/* -- as the leader ----------------------------------------------------------
 */

static struct seen *seen_of(struct agent *g, const struct doc *row)
{
	const struct doc *f = doc_get(row, "fence");
	uint64_t id = (uint64_t)doc_get_int(row, "id", 0);
	int64_t n = doc_get_int(f, "n", 0);
	int64_t tries = doc_get_int(f, "tries", 0);
	bool running = doc_is(f, "state", "running");
	struct seen *s = fences_of(g)->seen;

	while (s && s->id != id)
		s = s->next;
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s)
			abort();
		s->id = id;
		s->next = g->fences->seen;
		g->fences->seen = s;
	}
	if (s->n != n || s->tries != tries || s->running != running) {
		struct seen *next = s->next;

		*s = (struct seen){ .next = next,
				    .id = id,
				    .n = n,
				    .tries = tries,
				    .running = running,
				    .since_ms = g->now_ms };
	}
	return s;
}

static bool is_under_way(const struct doc *row)
{
	const struct doc *f = doc_get(row, "fence");

	return doc_is(f, "state", "asked") || doc_is(f, "state", "running");
}

static struct fence_node *nodes_seen(struct agent *g, struct arena *a,
				     const struct doc *nodes)
{
	size_t n = doc_len(nodes);
	struct fence_node *list = ARENA_VEC(a, struct fence_node, n + 1);

	for (size_t i = 0; i < n; i++) {
		const struct doc *row = doc_at(nodes, i);
		uint64_t id = (uint64_t)doc_get_int(row, "id", 0);

		list[i] = (struct fence_node){
			.id = id,
			.name = doc_get_str(row, "name", ""),
			/* A witness has no state to know the devices by. */
			.alive = doc_is(row, "state", "up") &&
				 !doc_get_bool(row, "witness", false),
			.connected = id == g->self || agent_peer_is_up(g, id),
			.fence = doc_get(row, "fence"),
		};
		if (is_under_way(row))
			list[i].waited_ms =
				(int64_t)(g->now_ms -
					  seen_of(g, row)->since_ms);
	}
	return list;
}

static void lead_one(struct agent *g, struct arena *a,
		     const struct fence_node *list, size_t n, size_t i,
		     const struct doc *row, const char *config)
{
	struct seen *s = seen_of(g, row);
	struct fence_out out;
	struct doc *cmd;

	fence_decide(a, list, n, i, config, &out);
	if (out.verdict == FENCE_WAIT ||
	    (s->asked_ms && g->now_ms < s->asked_ms + ASK_AGAIN_MS))
		return;
	s->asked_ms = g->now_ms;
	if (out.verdict == FENCE_RUN) {
		cmd = command_of(g, a, "fence_run", s->id, s->n, s->tries + 1);
		doc_put_str(a, cmd, "runner", out.runner);
	} else {
		cmd = command_of(g, a, "fence_fail", s->id, s->n, s->tries);
		doc_put_str(a, cmd, "text", out.text);
	}
	agent_propose(g, CLUSTER_GROUP, a, cmd);
}

/* Not before whoever led before us can grant no lease any more: what is
 * committed from now on, every granter knows. */
static bool leads(struct agent *g)
{
	struct engine_info info;

	return engine_info(g->engine, CLUSTER_GROUP, &info) && info.is_leader &&
	       info.is_ready &&
	       g->now_ms >= info.leader_since_ms + g->lease.ms / 4;
}

static void lead(struct agent *g, struct arena *a, const struct doc *nodes,
		 const char *config)
{
	struct fence_node *list = NULL;

	for (size_t i = 0; i < doc_len(nodes); i++) {
		if (!is_under_way(doc_at(nodes, i)) || !leads(g))
			continue;
		if (!list)
			list = nodes_seen(g, a, nodes);
		lead_one(g, a, list, doc_len(nodes), i, doc_at(nodes, i),
			 config);
	}
}

/* -- this node itself --------------------------------------------------------
 */

/* It could not stop what it runs, and no device could end it: the last rung,
 * where this machine may be rebooted. Nobody believes it: the others wait for
 * the lease to run out. */
static void end_self(struct agent *g, const struct doc *row)
{
	const struct doc *f = doc_get(row, "fence");
	int64_t n = doc_get_int(f, "n", 0);

	if (!doc_is(f, "state", "failed") || !doc_get_bool(f, "self", false) ||
	    doc_get_int(f, "epoch", 0) != doc_get_int(row, "epoch", -1) ||
	    g->lease.epoch != (uint64_t)doc_get_int(row, "epoch", 0) ||
	    fences_of(g)->self_n == n || !g->io.node_action)
		return;
	g->fences->self_n = n;
	agent_log(g, 2,
		  "fence: %s; no device could end this node (%s): it "
		  "reboots itself",
		  doc_get_str(f, "why", ""), doc_get_str(f, "text", ""));
	g->io.node_action(g->io.ctx, true);
}

static void say_protection(struct agent *g, struct arena *a,
			   const struct doc *row)
{
	struct fences *f = fences_of(g);
	const char *text =
		g->io.protection ? g->io.protection(g->io.ctx) : NULL;
	struct doc *cmd;

	if (!text || !row)
		return;
	text = arena_printf(a, "%.180s%s", text,
			    g->io.node_action ? "; it may reboot itself" : "");
	if (strcmp(text, f->protection) != 0) {
		snprintf(f->protection, sizeof(f->protection), "%s", text);
		f->steady_ms = g->now_ms;
	}
	if (doc_is(row, "protection", text) || !doc_is(row, "state", "up") ||
	    g->now_ms < f->steady_ms + STEADY_MS ||
	    (f->said_ms && g->now_ms < f->said_ms + SAY_EVERY_MS))
		return;
	f->said_ms = g->now_ms;
	cmd = agent_command(g, a, "node_says", NULL);
	doc_put_int(a, cmd, "id", (int64_t)g->self);
	doc_put_str(a, cmd, "protection", text);
	agent_propose(g, CLUSTER_GROUP, a, cmd);
}

void fence_look(struct agent *g)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = txn_begin_read(g->db, NULL);
	struct state s = { t, CLUSTER_GROUP, a };
	const struct doc *nodes, *own;
	const char *config;

	if (!t)
		return;
	nodes = state_nodes(&s);
	own = state_node(&s, g->self);
	config = doc_get_str(state_cluster(&s), "config", NULL);
	txn_abort(t);
	own_look(g, a, nodes);
	lead(g, a, nodes, config);
	end_self(g, own);
	say_protection(g, a, own);
}

/* -- does a device answer? --------------------------------------------------
 */

static void test_run(void *arg)
{
	struct fence_job *j = arg;
	struct agent *g = j->agent;

	j->rows = doc_list(j->arena);
	for (size_t i = 0; i < j->devices.n; i++) {
		const struct fence_call c = {
			.node = j->order.node,
			.action = j->order.action,
			.device = &j->devices.at[i],
			.secrets = j->secrets[i],
			.arena = j->arena,
		};
		struct doc *row = doc_add(j->arena, j->rows, doc_map(j->arena));
		struct err err = { 0 };
		int rc = g->io.fence(g->io.ctx, &c, &err);

		doc_put_str(j->arena, row, "device", c.device->section);
		doc_put_bool(j->arena, row, "ok", rc >= 0);
		doc_put_str(j->arena, row, "text",
			    rc < 0			      ? err.text
			    : rc == FENCE_IS_OFF	      ? "off"
			    : strcmp(c.action, "status") == 0 ? "on"
							      : "answers");
	}
}

static void test_done(void *arg)
{
	struct fence_job *j = arg;

	j->tested(j->arg, j->rows);
	job_free(j);
}

int fence_test(struct agent *g, const char *node, const char *action,
	       fence_tested done, void *arg, struct err *err)
{
	struct fence_job *j = job_new(g, node, action, err);

	if (!j)
		return err->code < 0 ? err->code : -EIO;
	j->tested = done;
	j->arg = arg;
	job_begin(j, test_run, test_done);
	return 0;
}

const char *fence_action(struct agent *g, struct arena *a, const char *node)
{
	struct txn *t = txn_begin_read(g->db, NULL);
	struct state s = { t, CLUSTER_GROUP, a };
	struct fence_devices d = { 0 };

	if (t &&
	    fence_devices(a, doc_get_str(state_cluster(&s), "config", NULL),
			  node, &d, NULL) < 0)
		d.n = 0;
	txn_abort(t);
	return fence_default_action(&d);
}

unsigned fence_busy(const struct agent *g)
{
	return g->fences ? g->fences->busy : 0;
}

void fence_free(struct agent *g)
{
	struct fences *f = g->fences;

	while (f && f->seen) {
		struct seen *s = f->seen;

		f->seen = s->next;
		free(s);
	}
	while (f && f->own) {
		struct own *o = f->own;

		f->own = o->next;
		free(o);
	}
	free(f);
	g->fences = NULL;
}
