/*
 * The turn: events come in (frames, requests, time, work that ended); each
 * part changes its own state and proposes; agent_turn() lets the engine apply
 * what is committed and then looks, once, at everything that may have changed.
 *
 * Looking is level-triggered throughout: nothing here depends on having seen
 * every change, only on looking again after each.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/fence.h"

#define SLOW_LOOK_MS 1000
#define TOUCHED_MAX  1024 /* of a turn; more: look at everything */

void agent_log(struct agent *g, int level, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	g->io.log(g->io.ctx, level, text);
}

void *agent_grow(void *at, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return at;
	*cap = *cap ? *cap * 2 : 8;
	at = realloc(at, *cap * size);
	if (!at)
		abort();
	return at;
}

char *agent_strdup(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		abort();
	return copy;
}

struct doc *agent_frame(struct arena *a, const char *k)
{
	struct doc *f = doc_map(a);

	doc_put_str(a, f, "k", k);
	return f;
}

struct doc *agent_command(struct agent *g, struct arena *a, const char *op,
			  const struct doc *by)
{
	struct doc *cmd = op_new(a, op, g->io.wall_ms(g->io.ctx), NULL);
	struct doc *author = by ? doc_copy(a, by) : doc_map(a);

	doc_put_str(a, author, "node", g->node);
	doc_put_str(a, author, "level", level_name(g->level));
	doc_put(a, cmd, "by", author);
	return cmd;
}

struct forgotten {
	struct agent *agent;
	char op[24];
};

static void on_forgotten(void *arg, int code, struct arena *a,
			 const struct doc *result)
{
	struct forgotten *f = arg;

	(void)a;
	f->agent->pending--;
	/* A conflict is the expected answer to a decision on old state. */
	if (code == 0 && doc_get_int(result, "code", 0) != OP_OK &&
	    doc_get_int(result, "code", 0) != OP_CONFLICT)
		agent_log(f->agent, 4, "%s: %s", f->op,
			  doc_get_str(result, "err", "refused"));
	free(f);
}

static struct forgotten *forgotten_new(struct agent *g, const struct doc *cmd)
{
	struct forgotten *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->agent = g;
	snprintf(f->op, sizeof(f->op), "%s", doc_get_str(cmd, "op", ""));
	g->pending++;
	return f;
}

void agent_propose(struct agent *g, uint64_t gid, struct arena *a,
		   struct doc *cmd)
{
	engine_propose(g->engine, gid, a, cmd, PROPOSE_TIMEOUT_MS, on_forgotten,
		       forgotten_new(g, cmd));
}

void agent_propose_led(struct agent *g, uint64_t gid, struct arena *a,
		       struct doc *cmd)
{
	engine_propose_led(g->engine, gid, a, cmd, PROPOSE_TIMEOUT_MS,
			   on_forgotten, forgotten_new(g, cmd));
}

void agent_event(struct agent *g, uint64_t gid, const char *kind,
		 const char *service, const char *rid, const char *text)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *cmd = agent_command(g, a, "event", NULL);
	struct doc *e =
		doc_add(a, doc_put(a, cmd, "events", doc_list(a)), doc_map(a));

	doc_put_int(a, e, "at", doc_get_int(cmd, "at", 0));
	doc_put_str(a, e, "kind", kind);
	doc_put_str(a, e, "service", service);
	doc_put_str(a, e, "node", g->node);
	doc_put_str(a, e, "level", level_name(g->level));
	if (rid)
		doc_put_str(a, e, "rid", rid);
	doc_put_str(a, e, "text", text);
	agent_propose(g, gid, a, cmd);
}

uint64_t agent_service_group(struct agent *g, struct arena *a, struct txn *t,
			     const char *service)
{
	struct state s = { t, CLUSTER_GROUP, a };
	struct doc *row;

	if (!g->identity)
		return 0;
	if (g->level == LEVEL_ENCAP)
		return g->service && strcmp(service, g->service) == 0 ? g->group
								      : 0;
	row = state_service(&s, service);
	if (!row)
		return 0;
	return (uint64_t)doc_get_int(row, "group", CLUSTER_GROUP);
}

struct conf *agent_conf(const struct agent *g, struct arena *a,
			const char *text)
{
	struct problems p = { .arena = a };
	struct conf *c = conf_parse(a, text, strlen(text), &p);

	if (c)
		conf_share(c, g->keywords);
	return c;
}

struct group_seen *agent_seen(struct agent *g, uint64_t gid)
{
	for (size_t i = 0; i < g->n_seen; i++)
		if (g->seen[i].gid == gid)
			return &g->seen[i];
	g->seen =
		agent_grow(g->seen, g->n_seen, &g->cap_seen, sizeof(*g->seen));
	g->seen[g->n_seen] = (struct group_seen){ .gid = gid };
	return &g->seen[g->n_seen++];
}

bool agent_peer_is_up(const struct agent *g, uint64_t peer)
{
	for (size_t i = 0; i < g->n_peers; i++)
		if (g->peers[i].id == peer)
			return g->peers[i].up;
	return false;
}

/* -- the engine's side ------------------------------------------------- */

static void on_send(void *ctx, uint64_t gid, uint64_t to, struct arena *a,
		    struct doc *msg)
{
	struct agent *g = ctx;
	struct doc *f = agent_frame(a, "r");
	struct engine_info info;

	/* A group that elects itself while it is opened speaks before there is
	 * anybody to speak through. */
	if (!g->engine || !engine_info(g->engine, gid, &info))
		return;
	doc_put_int(a, f, "g", (int64_t)gid);
	doc_put_int(a, f, "f", (int64_t)info.self);
	doc_put_int(a, f, "t", (int64_t)to);
	doc_put(a, f, "m", msg);
	channel_deliver(g, gid, to, a, f);
}

static void on_work(void *ctx, int lane, void (*run)(void *arg),
		    void (*done)(void *arg), void *arg)
{
	struct agent *g = ctx;

	g->io.work(g->io.ctx, AGENT_LANE_LOG + lane, run, done, arg);
}

void agent_touch(struct agent *g, uint64_t gid, const char *service)
{
	struct touched *t;

	if (g->dirty)
		return;
	for (size_t i = 0; i < g->n_touched; i++)
		if (g->touched[i].gid == gid &&
		    strcmp(g->touched[i].service, service) == 0)
			return;
	if (g->n_touched == TOUCHED_MAX) {
		g->dirty = true;
		return;
	}
	g->touched = agent_grow(g->touched, g->n_touched, &g->cap_touched,
				sizeof(*g->touched));
	t = &g->touched[g->n_touched++];
	t->gid = gid;
	snprintf(t->service, sizeof(t->service), "%s", service);
}

/* Most commands are about one service; of the rest, few do not matter. */
static void note_change(struct agent *g, uint64_t gid,
			const struct doc *command)
{
	static const char *const of_service[] = {
		"svc_edit",   "svc_revert",	 "svc_resolve",
		"svc_intent", "svc_freeze",	 "assign",
		"svc_clear",  "svc_maintenance", "observe"
	};
	const char *op = doc_get_str(command, "op", "");

	agent_seen(g, gid)->told = true;
	if (strcmp(op, "event") == 0)
		return;
	for (size_t i = 0; i < sizeof(of_service) / sizeof(of_service[0]); i++)
		if (strcmp(op, of_service[i]) == 0) {
			agent_touch(g, gid, doc_get_str(command, "name", ""));
			return;
		}
	g->dirty = true;
}

static struct doc *on_apply(void *ctx, struct arena *a, struct txn *t,
			    uint64_t gid, uint64_t index,
			    const struct doc *command)
{
	(void)index;
	version_before(ctx, gid, command);
	note_change(ctx, gid, command);
	return op_apply(a, t, gid, command);
}

static void on_applied(void *ctx, uint64_t gid, uint64_t index)
{
	struct agent *g = ctx;

	struct group_seen *seen = agent_seen(g, gid);

	seen->applied = index;
	g->news = true;
	if (!seen->told) /* a snapshot, or another list of members */
		g->dirty = true;
	seen->told = false;
}

static void on_changed(void *ctx, uint64_t gid)
{
	struct agent *g = ctx;

	(void)gid;
	g->dirty = true;
}

static void on_fatal(void *ctx, const struct err *err)
{
	struct agent *g = ctx;

	g->io.fatal(g->io.ctx, err);
}

static void on_log(void *ctx, int level, const char *text)
{
	struct agent *g = ctx;

	g->io.log(g->io.ctx, level, text);
}

/* -- identity ------------------------------------------------------------ */

static void identity_take(struct agent *g, const struct doc *id)
{
	struct arena *a = arena_new();
	const char *service = doc_get_str(id, "service", NULL);

	g->identity = doc_copy(a, id);
	arena_free(g->identity_arena);
	g->identity_arena = a;
	g->level = strcmp(doc_get_str(id, "level", ""), "encap") == 0
			   ? LEVEL_ENCAP
			   : LEVEL_HYPERVISOR;
	g->self = (uint64_t)doc_get_int(id, "id", 0);
	g->group = (uint64_t)doc_get_int(id, "group", CLUSTER_GROUP);
	free(g->service);
	g->service = service ? agent_strdup(service) : NULL;
	g->left = doc_get_bool(id, "left", false);
	g->witness = doc_get_bool(id, "witness", false);
	g->dirty = true;
}

const struct doc *agent_identity(const struct agent *g)
{
	return g->identity;
}

int agent_identity_set(struct agent *g, const struct doc *id, struct err *err)
{
	int rc = g->io.save_identity(g->io.ctx, id, err);

	if (rc == 0)
		identity_take(g, id);
	return rc;
}

static struct doc *identity_doc(struct agent *g, struct arena *a, uint64_t id,
				const char *cluster_id)
{
	struct doc *d = doc_map(a);

	doc_put_str(a, d, "level", "hypervisor");
	doc_put_str(a, d, "name", g->node);
	doc_put_int(a, d, "id", (int64_t)id);
	doc_put_int(a, d, "group", CLUSTER_GROUP);
	doc_put_str(a, d, "cluster_id", cluster_id);
	if (g->witness)
		doc_put_bool(a, d, "witness", true);
	return d;
}

static const struct engine_timing cluster_timing = {
	.heartbeat_ms = CLUSTER_HEARTBEAT_MS,
	.election_ms = CLUSTER_ELECTION_MS,
};
static const struct engine_timing container_timing = {
	.heartbeat_ms = SERVICE_HEARTBEAT_MS,
	.election_ms = SERVICE_ELECTION_MS,
};

/* All of it is in @founding, so that it can be done again: the log may not have
 * been on the disk yet when the identity was. */
static int found(struct agent *g, struct arena *a, const char *cluster_id,
		 const struct doc *founding, struct err *err)
{
	const struct engine_server self = { 1, ENGINE_VOTER, g->node };
	const struct doc *addresses = doc_get(founding, "addresses");
	struct doc *node = doc_map(a), *cmd;

	doc_put_str(a, node, "name", g->node);
	if (addresses)
		doc_put(a, node, "addresses", doc_copy(a, addresses));
	cmd = op_new(a, "cluster_init", doc_get_int(founding, "at", 0), NULL);
	doc_put_str(a, cmd, "name", doc_get_str(founding, "cluster", ""));
	doc_put_str(a, cmd, "id", cluster_id);
	doc_put_int(a, cmd, "state_version",
		    doc_get_int(founding, "state_version", 1));
	doc_put_int(a, cmd, "lease_ms",
		    doc_get_int(founding, "lease_ms", LEASE_DEFAULT_MS));
	doc_put(a, cmd, "node", node);
	return engine_bootstrap(g->engine, CLUSTER_GROUP, 1, &cluster_timing,
				&self, 1, (const struct doc *const *)&cmd, 1,
				err);
}

int agent_found(struct agent *g, uint64_t now_ms,
		const struct agent_founding *f, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *founding = doc_map(a), *id;
	int rc;

	g->now_ms = now_ms;
	if (g->identity)
		return err_set(err, -EEXIST,
			       "%s is a member of a cluster already", g->node);
	doc_put_str(a, founding, "cluster", f->cluster);
	doc_put_int(a, founding, "state_version", STATE_VERSION);
	doc_put_int(a, founding, "lease_ms",
		    f->lease_ms ? f->lease_ms : LEASE_DEFAULT_MS);
	doc_put_int(a, founding, "at", g->io.wall_ms(g->io.ctx));
	doc_put(a, founding, "addresses", doc_copy(a, f->addresses));
	rc = found(g, a, f->cluster_id, founding, err);
	if (rc < 0)
		return rc;
	id = identity_doc(g, a, 1, f->cluster_id);
	doc_put(a, id, "founding", founding);
	return agent_identity_set(g, id, err);
}

int agent_joined(struct agent *g, uint64_t now_ms, uint64_t id,
		 const char *cluster_id, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	int rc;

	g->now_ms = now_ms;
	rc = engine_join(g->engine, CLUSTER_GROUP, id, &cluster_timing, err);
	if (rc < 0)
		return rc;
	return agent_identity_set(g, identity_doc(g, a, id, cluster_id), err);
}

/* -- life ---------------------------------------------------------------- */

/* Its own group is missing: the identity came to the disk, the beginning of
 * the log did not. So nobody has heard anything from this member. */
static int identity_begin(struct agent *g, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct doc *founding = doc_get(g->identity, "founding");

	if (founding)
		return found(g, a, doc_get_str(g->identity, "cluster_id", ""),
			     founding, err);
	return engine_join(g->engine, g->group, g->self,
			   g->level == LEVEL_ENCAP ? &container_timing
						   : &cluster_timing,
			   err);
}

/* Groups of no identity, or of an earlier one, are what was left when founding
 * or joining was cut short. */
static int identity_tidy(struct agent *g, struct err *err)
{
	uint64_t gids[64];
	size_t n = engine_groups(g->engine, gids, 64);
	int rc = 0;

	if (g->identity && g->level == LEVEL_HYPERVISOR)
		n = 0;
	for (size_t i = 0; i < n && i < 64 && rc == 0; i++)
		if (!g->identity || gids[i] != g->group)
			rc = engine_drop(g->engine, gids[i], err);
	if (rc == 0 && g->identity && !engine_has(g->engine, g->group))
		rc = identity_begin(g, err);
	return rc;
}

int agent_open(struct agent **ret, const struct agent_options *o,
	       struct err *err)
{
	struct agent *g = calloc(1, sizeof(*g));
	struct engine_options eo = {
		.io = { .ctx = g,
			.send = on_send,
			.work = on_work,
			.apply = on_apply,
			.applied = on_applied,
			.changed = on_changed,
			.seal = witness_on_seal,
			.open = witness_on_open,
			.fatal = on_fatal,
			.log = on_log },
		.wal_disk = o->wal_disk,
		.snap_disk = o->snap_disk,
		.db = o->db,
		.now_ms = o->now_ms,
		.seed = o->seed,
		.snapshot_entries = o->snapshot_entries,
		.trailing = o->trailing,
		.wal_segment = o->wal_segment,
	};
	int rc;

	if (!g)
		return err_set(err, -ENOMEM, "agent: out of memory");
	g->io = o->io;
	g->db = o->db;
	g->node = agent_strdup(o->node);
	g->run_dir = agent_strdup(o->run_dir);
	g->etc_dir = agent_strdup(o->etc_dir);
	g->session = agent_strdup(o->session);
	g->keywords_arena = arena_new();
	g->keywords = conf_keywords(g->keywords_arena);
	g->now_ms = o->now_ms;
	lease_init(g, o->lease_until_ms, o->lease_epoch);
	local_open(g, o->local);
	encap_lease_open(g);
	if (o->identity)
		identity_take(g, o->identity);
	eo.witness = g->witness;
	rc = engine_open(&g->engine, &eo, err);
	if (rc == 0)
		rc = version_check(g, err);
	if (rc == 0)
		rc = identity_tidy(g, err);
	if (rc < 0) {
		agent_close(g);
		return rc;
	}
	g->dirty = true;
	*ret = g;
	return 0;
}

unsigned agent_busy(const struct agent *g)
{
	return instance_busy(g) + fence_busy(g);
}

void agent_close(struct agent *g)
{
	if (!g)
		return;
	g->closing = true;
	engine_close(g->engine);
	instance_free(g);
	head_free(g);
	channel_free(g);
	request_free(g);
	lease_free(g);
	member_free(g);
	local_free(g);
	orch_free(g);
	secret_free(g);
	guard_free(g);
	recover_free(g);
	fence_free(g);
	free(g->touched);
	arena_free(g->identity_arena);
	arena_free(g->keywords_arena);
	free(g->seen);
	free(g->peers);
	free(g->routes);
	free(g->host);
	free(g->service);
	free(g->node);
	free(g->run_dir);
	free(g->etc_dir);
	free(g->session);
	free(g);
}

/* -- frames between hypervisors ------------------------------------------ */

static void peer_mark(struct agent *g, uint64_t peer, bool up)
{
	for (size_t i = 0; i < g->n_peers; i++) {
		if (g->peers[i].id == peer) {
			g->peers[i].up = up;
			return;
		}
	}
	g->peers = agent_grow(g->peers, g->n_peers, &g->cap_peers,
			      sizeof(*g->peers));
	g->peers[g->n_peers++] = (struct peer_up){ peer, up };
}

void agent_peer(struct agent *g, uint64_t now_ms, uint64_t peer, bool up)
{
	g->now_ms = now_ms;
	peer_mark(g, peer, up);
	if (up)
		channel_peer_up(g, peer);
	else
		channel_peer_down(g, peer);
	g->dirty = true;
}

static void recv_raft(struct agent *g, uint64_t peer, struct arena *a,
		      struct doc *frame)
{
	uint64_t gid = (uint64_t)doc_get_int(frame, "g", 0);
	uint64_t to = (uint64_t)doc_get_int(frame, "t", 0);

	witness_expects(g, peer, gid);
	channel_deliver(g, gid, to, a, frame);
}

void agent_recv(struct agent *g, uint64_t now_ms, uint64_t peer,
		struct arena *a, struct doc *frame)
{
	const char *k = doc_get_str(frame, "k", "");

	g->now_ms = now_ms;
	if (witness_recv(g, k, frame))
		return;
	if (strcmp(k, "r") == 0)
		recv_raft(g, peer, a, frame);
	else if (strcmp(k, "renew") == 0)
		lease_recv_renew(g, peer, a, frame);
	else if (strcmp(k, "grant") == 0)
		lease_recv_grant(g, frame);
	else if (strcmp(k, "look") == 0)
		recover_recv_look(g, peer, a);
	else if (strcmp(k, "looked") == 0)
		recover_recv_looked(g, peer, frame);
	else if (strcmp(k, "route") == 0)
		channel_recv_route(g, peer, frame);
	else if (strcmp(k, "check") == 0)
		channel_recv_check(g, peer, a, frame);
	else if (strcmp(k, "checked") == 0)
		channel_recv_checked(g, frame);
	else
		agent_log(g, 4, "peer %llu: a frame of unknown kind '%.20s'",
			  (unsigned long long)peer, k);
}

/* -- time ----------------------------------------------------------------- */

static uint64_t min_ms(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void agent_tick(struct agent *g, uint64_t now_ms)
{
	g->now_ms = now_ms;
	engine_tick(g->engine, now_ms);
	lease_tick(g);
	encap_lease_tick(g);
	channel_tick(g);
	request_watch_step(g);
	if (now_ms >= g->slow_ms) {
		g->slow_ms = now_ms + SLOW_LOOK_MS;
		g->dirty = true;
	}
}

uint64_t agent_next_ms(const struct agent *g)
{
	uint64_t next = min_ms(engine_next_ms(g->engine), g->slow_ms);

	if (g->dirty || g->n_touched) /* by the end of the last turn */
		return g->now_ms;
	next = min_ms(next, lease_next_ms(g));
	next = min_ms(next, encap_lease_next_ms(g));
	if (g->host_up && !g->host_welcomed)
		next = min_ms(next, g->hello_ms);
	return min_ms(next, instance_next_ms(g));
}

static void look_at_all(struct agent *g)
{
	lease_refresh(g);
	groups_sync(g);
	instance_sync(g);
	channel_sync(g);
	if (g->level == LEVEL_HYPERVISOR)
		orch_all(g);
	member_step(g);
	if (g->level == LEVEL_HYPERVISOR)
		fence_look(g);
	version_step(g);
}

static void look(struct agent *g)
{
	size_t n = g->n_touched;
	bool all = g->dirty;

	g->guard.stale = g->guard.stale || all || n;
	g->dirty = g->news = false;
	g->n_touched = 0;
	if (!g->identity || g->witness)
		return;
	if (all) {
		look_at_all(g);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		instance_sync_one(g, g->touched[i].service);
		orch_service(g, g->touched[i].gid, g->touched[i].service);
	}
}

void agent_turn(struct agent *g, uint64_t now_ms)
{
	g->now_ms = now_ms;
	engine_turn(g->engine, now_ms);
	if (g->dirty || g->news || g->n_touched) {
		look(g);
		request_watch_step(g);
	}
	instance_step_all(g);
	if (g->reloaded) {
		g->reloaded = false;
		g->guard.stale = true;
		channel_sync(g);
	}
	guard_step(g);
	/* What looking has proposed goes into this turn's flush. */
	engine_turn(g->engine, now_ms);
}
