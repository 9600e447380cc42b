/*
 * The agents in containers are members of their service's group and are
 * reached through the hypervisor that hosts them.
 *
 * Happy path: the hypervisor listens on a socket in a directory that it shares
 * with one container, so that who connects there is that container, whatever
 * it says. The agent inside says hello (name, identity, how far its log goes).
 * The name must be the one that the env file gives this container. If it has
 * no identity, or one of an older incarnation, or its log is shorter than what
 * it is known to have held (it was rolled back), it gets a new one from the
 * group. It is welcomed, and told which member of which group it is; the
 * hypervisor then relays between it and the group, and tells the other
 * hypervisors that the way to this member goes through here.
 *
 * Failure: a hello that is not answered (no leader yet) is simply repeated by
 * the container every second.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"
#include "store/plant.h"

#define HELLO_EVERY_MS 500
#define CONTAINER_ID   (1ULL << 32) /* ids of containers begin here */

bool channel_is_for(const struct resource *r)
{
	return strcmp(r->group, "container") == 0 && r->encapnode &&
	       r->encapnode[0];
}

struct channel *channel_find(struct agent *g, const char *service,
			     const char *rid)
{
	for (struct channel *c = g->channels; c; c = c->next)
		if (strcmp(c->service, service) == 0 &&
		    strcmp(c->rid, rid) == 0)
			return c;
	return NULL;
}

static struct channel *channel_of(struct agent *g, uint64_t group, uint64_t id)
{
	for (struct channel *c = g->channels; c; c = c->next)
		if (c->group == group && c->id == id && c->welcomed)
			return c;
	return NULL;
}

/* -- routes --------------------------------------------------------------- */

static struct route *route_find(struct agent *g, uint64_t group, uint64_t id)
{
	for (size_t i = 0; i < g->n_routes; i++)
		if (g->routes[i].group == group && g->routes[i].id == id)
			return &g->routes[i];
	return NULL;
}

static void route_set(struct agent *g, uint64_t group, uint64_t id,
		      uint64_t host)
{
	struct route *r = route_find(g, group, id);

	if (!r) {
		g->routes = agent_grow(g->routes, g->n_routes, &g->cap_routes,
				       sizeof(*g->routes));
		r = &g->routes[g->n_routes++];
	}
	*r = (struct route){ group, id, host };
}

static void route_drop(struct agent *g, uint64_t group, uint64_t id,
		       uint64_t host)
{
	struct route *r = route_find(g, group, id);

	if (r && r->host == host)
		*r = g->routes[--g->n_routes];
}

static void route_tell(struct agent *g, uint64_t peer, const struct channel *c)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *f = agent_frame(a, "route");

	doc_put_int(a, f, "g", (int64_t)c->group);
	doc_put_int(a, f, "id", (int64_t)c->id);
	doc_put_bool(a, f, "up", c->welcomed);
	g->io.send(g->io.ctx, peer, a, f);
}

static void route_tell_all(struct agent *g, const struct channel *c)
{
	for (size_t i = 0; i < g->n_peers; i++)
		if (g->peers[i].up)
			route_tell(g, g->peers[i].id, c);
}

void channel_peer_up(struct agent *g, uint64_t peer)
{
	for (struct channel *c = g->channels; c; c = c->next)
		if (c->welcomed)
			route_tell(g, peer, c);
}

void channel_peer_down(struct agent *g, uint64_t peer)
{
	for (size_t i = 0; i < g->n_routes;) {
		if (g->routes[i].host == peer)
			g->routes[i] = g->routes[--g->n_routes];
		else
			i++;
	}
}

/* A message for a group that this node should have but has not opened. */
static void group_expected(struct agent *g)
{
	g->dirty = true;
}

bool channel_deliver(struct agent *g, uint64_t group, uint64_t to,
		     struct arena *a, struct doc *f)
{
	struct engine_info info;
	struct channel *c;
	struct route *r;

	if (!engine_info(g->engine, group, &info)) {
		group_expected(g);
		return false;
	}
	if (to == info.self) {
		engine_recv(g->engine, g->now_ms, group,
			    (uint64_t)doc_get_int(f, "f", 0), doc_get(f, "m"));
		return true;
	}
	if (g->level == LEVEL_ENCAP)
		return g->host_welcomed &&
		       g->io.channel_send(g->io.ctx, NULL, NULL, a, f);
	if (to < CONTAINER_ID)
		return g->io.send(g->io.ctx, to, a, f);
	c = channel_of(g, group, to);
	if (c)
		return g->io.channel_send(g->io.ctx, c->service, c->rid, a, f);
	r = route_find(g, group, to);
	return r && r->host != g->self && g->io.send(g->io.ctx, r->host, a, f);
}

/* -- host side ------------------------------------------------------------ */

static void channel_down(struct agent *g, struct channel *c)
{
	bool was = c->welcomed;

	c->up = c->welcomed = c->asking = false;
	if (was)
		route_tell_all(g, c);
	arena_free(c->status_arena);
	c->status_arena = NULL;
	c->status = NULL;
	instance_poke(g, c->service);
	g->dirty = true;
}

void channel_recv_route(struct agent *g, uint64_t peer, const struct doc *frame)
{
	uint64_t group = (uint64_t)doc_get_int(frame, "g", 0);
	uint64_t id = (uint64_t)doc_get_int(frame, "id", 0);

	struct channel *c = channel_of(g, group, id);

	if (id < CONTAINER_ID || !engine_has(g->engine, group))
		return;
	if (!doc_get_bool(frame, "up", false)) {
		route_drop(g, group, id, peer);
		return;
	}
	route_set(g, group, id, peer);
	if (c) { /* it is there now: what is left of it here leads nowhere */
		g->io.channel_close(g->io.ctx, c->service, c->rid);
		channel_down(g, c);
	}
}

static void channel_refuse(struct agent *g, struct channel *c, const char *why)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *f = agent_frame(a, "refused");

	if (strncmp(c->refused, why, sizeof(c->refused) - 1) != 0)
		agent_log(g, 4, "%s %s: its agent is refused: %s", c->service,
			  c->rid, why);
	snprintf(c->refused, sizeof(c->refused), "%s", why);
	doc_put_str(a, f, "err", why);
	g->io.channel_send(g->io.ctx, c->service, c->rid, a, f);
	g->io.channel_close(g->io.ctx, c->service, c->rid);
}

static void channel_welcome(struct agent *g, struct channel *c,
			    const struct doc *member)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *f = agent_frame(a, "welcome");
	const char *cluster = doc_get_str(g->identity, "cluster_id", "");
	struct seal_key key;

	c->asking = false;
	c->id = (uint64_t)doc_get_int(member, "id", 0);
	c->incarnation = (uint64_t)doc_get_int(member, "incarnation", 0);
	if (!c->up)
		return;
	c->welcomed = true;
	c->told_rest = c->told_emergency = false;
	c->asked_ms = g->now_ms;
	c->refused[0] = '\0';
	doc_put_int(a, f, "g", (int64_t)c->group);
	doc_put_int(a, f, "id", (int64_t)c->id);
	doc_put_int(a, f, "incarnation", (int64_t)c->incarnation);
	doc_put_str(a, f, "name", c->name);
	doc_put_str(a, f, "service", c->service);
	doc_put_str(a, f, "rid", c->rid);
	doc_put_str(a, f, "host", g->node);
	doc_put_str(a, f, "cluster_id", cluster);
	if (secret_service_key(g, c->service, &key, NULL) == 0)
		doc_put_bin(a, f, "secret_key", key.bytes, SEAL_KEY_SIZE);
	g->io.channel_send(g->io.ctx, c->service, c->rid, a, f);
	route_tell_all(g, c);
	agent_log(g, 6, "%s %s: the agent in %s is connected", c->service,
		  c->rid, c->name);
	instance_poke(g, c->service);
	g->dirty = true;
}

struct channel_join {
	struct agent *agent;
	char service[NAME_MAX_LEN + 1], rid[NAME_MAX_LEN + 1];
};

static void on_joined(void *arg, int code, struct arena *a,
		      const struct doc *result)
{
	struct channel_join *j = arg;
	struct agent *g = j->agent;
	struct channel *c = channel_find(g, j->service, j->rid);
	const struct doc *member = code == 0 ? doc_get(result, "member") : NULL;

	(void)a;
	g->pending--;
	if (c && member)
		channel_welcome(g, c, member);
	else if (c)
		c->asking = false; /* it says hello again */
	free(j);
}

static void channel_new_member(struct agent *g, struct channel *c,
			       uint64_t known)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *cmd = agent_command(g, a, "member_join", NULL);
	struct channel_join *j = calloc(1, sizeof(*j));

	if (!j)
		abort();
	j->agent = g;
	snprintf(j->service, sizeof(j->service), "%s", c->service);
	snprintf(j->rid, sizeof(j->rid), "%s", c->rid);
	doc_put_str(a, cmd, "name", c->name);
	doc_put_int(a, cmd, "incarnation", (int64_t)known);
	c->asking = true;
	g->pending++;
	engine_propose(g->engine, c->group, a, cmd, PROPOSE_TIMEOUT_MS,
		       on_joined, j);
}

static struct doc *member_row(struct agent *g, struct arena *a,
			      const struct channel *c)
{
	struct txn *t = txn_begin_read(g->db, NULL);
	struct state s = { t, c->group, a };
	struct doc *row = t ? state_member(&s, c->name) : NULL;

	txn_abort(t);
	return row;
}

/* Only the leader knows how far a member's log was seen to go. */
static void channel_ask_check(struct agent *g, struct channel *c,
			      struct arena *a, int64_t last)
{
	struct engine_info info;
	struct doc *f;

	if (!engine_info(g->engine, c->group, &info) || !info.leader)
		return;
	f = agent_frame(a, "check");
	doc_put_int(a, f, "g", (int64_t)c->group);
	doc_put_int(a, f, "id", (int64_t)c->id);
	doc_put_int(a, f, "last", last);
	if (info.is_leader)
		channel_recv_check(g, g->self, a, f);
	else if (info.leader < CONTAINER_ID)
		g->io.send(g->io.ctx, info.leader, a, f);
}

void channel_recv_check(struct agent *g, uint64_t peer, struct arena *a,
			const struct doc *frame)
{
	uint64_t group = (uint64_t)doc_get_int(frame, "g", 0);
	uint64_t id = (uint64_t)doc_get_int(frame, "id", 0);
	uint64_t last = (uint64_t)doc_get_int(frame, "last", 0);
	struct engine_info info;
	struct doc *f;

	if (!engine_info(g->engine, group, &info) || !info.is_leader)
		return;
	f = agent_frame(a, "checked");
	doc_put_int(a, f, "g", (int64_t)group);
	doc_put_int(a, f, "id", (int64_t)id);
	doc_put_bool(a, f, "ok",
		     engine_match(g->engine, group, id) <= last ||
			     PLANTED(OLD_INCARNATION));
	if (peer == g->self)
		channel_recv_checked(g, f);
	else
		g->io.send(g->io.ctx, peer, a, f);
}

void channel_recv_checked(struct agent *g, const struct doc *frame)
{
	SCOPED(arena) struct arena *a = arena_new();
	uint64_t group = (uint64_t)doc_get_int(frame, "g", 0);
	uint64_t id = (uint64_t)doc_get_int(frame, "id", 0);

	for (struct channel *c = g->channels; c; c = c->next) {
		struct doc *row;

		if (c->group != group || c->id != id || !c->up || c->welcomed ||
		    c->asking)
			continue;
		row = member_row(g, a, c);
		if (doc_get_bool(frame, "ok", false) && row) {
			channel_welcome(g, c, row);
			continue;
		}
		agent_log(g, 4,
			  "%s: its log is shorter than it was: it was rolled "
			  "back, and becomes a new member",
			  c->name);
		channel_new_member(g, c, c->incarnation);
	}
}

static void channel_hello(struct agent *g, struct channel *c, struct arena *a,
			  const struct doc *frame)
{
	const char *name = doc_get_str(frame, "name", "");
	uint64_t id = (uint64_t)doc_get_int(frame, "id", 0);
	uint64_t inc = (uint64_t)doc_get_int(frame, "incarnation", 0);
	struct doc *row;
	char why[256];

	if (strcmp(name, c->name) != 0) {
		snprintf(why, sizeof(why),
			 "it calls itself '%.64s', the env file says '%.64s': "
			 "its host name must be that",
			 name, c->name);
		channel_refuse(g, c, why);
		return;
	}
	if (c->asking || c->welcomed || !c->group)
		return;
	row = member_row(g, a, c);
	if (!row) {
		channel_new_member(g, c, 0);
		return;
	}
	if ((uint64_t)doc_get_int(row, "id", 0) != id ||
	    (uint64_t)doc_get_int(row, "incarnation", 0) != inc ||
	    (uint64_t)doc_get_int(frame, "g", 0) != c->group) {
		channel_new_member(
			g, c, (uint64_t)doc_get_int(row, "incarnation", 0));
		return;
	}
	c->id = id;
	c->incarnation = inc;
	channel_ask_check(g, c, a, doc_get_int(frame, "last", 0));
}

static void channel_status(struct agent *g, struct channel *c,
			   const struct doc *frame)
{
	const struct doc *status = doc_get(frame, "doc");

	if (!c->welcomed || !instance_is_sound(status))
		return;
	arena_free(c->status_arena);
	c->status_arena = arena_new();
	c->status = doc_copy(c->status_arena, status);
	instance_poke(g, c->service);
}

void agent_channel(struct agent *g, uint64_t now_ms, const char *service,
		   const char *rid, bool up)
{
	struct channel *c = channel_find(g, service, rid);

	g->now_ms = now_ms;
	if (!c)
		return;
	if (up && c->up)
		channel_down(g, c);
	if (up)
		c->up = true;
	else
		channel_down(g, c);
}

/* What a container sends is data to check: a raft message must be its own, of
 * its own group. */
void agent_channel_recv(struct agent *g, uint64_t now_ms, const char *service,
			const char *rid, struct arena *a, struct doc *frame)
{
	struct channel *c = channel_find(g, service, rid);
	const char *k = doc_get_str(frame, "k", "");

	g->now_ms = now_ms;
	if (!c || !c->up)
		return;
	if (strcmp(k, "hello") == 0) {
		channel_hello(g, c, a, frame);
	} else if (strcmp(k, "status") == 0) {
		channel_status(g, c, frame);
	} else if (strcmp(k, "renew") == 0) {
		encap_lease_recv_renew(g, c, a, frame);
	} else if (strcmp(k, "r") == 0 && c->welcomed) {
		if ((uint64_t)doc_get_int(frame, "g", 0) != c->group ||
		    (uint64_t)doc_get_int(frame, "f", 0) != c->id)
			channel_refuse(g, c,
				       "a message in another member's name");
		else
			channel_deliver(g, c->group,
					(uint64_t)doc_get_int(frame, "t", 0), a,
					frame);
	}
}

/* -- which channels there are ------------------------------------------- */

static void channel_want(struct agent *g, const struct instance_run *run,
			 const struct resource *r, struct arena *a,
			 struct doc *list)
{
	const char *service = run->service;
	struct channel *c = channel_find(g, service, r->rid);
	struct doc *row = doc_map(a);

	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			abort();
		c->service = agent_strdup(service);
		c->rid = agent_strdup(r->rid);
		c->name = agent_strdup(r->encapnode);
		c->grant_ms = g->now_ms; /* by an earlier life, perhaps */
		c->next = g->channels;
		g->channels = c;
	}
	if (strcmp(c->name, r->encapnode) != 0) {
		free(c->name);
		c->name = agent_strdup(r->encapnode);
		g->io.channel_close(g->io.ctx, service, r->rid);
	}
	c->group = run->group;
	c->farmed = encap_is_failover(&run->inst.conf);
	c->wanted = true;
	doc_put_str(a, row, "service", service);
	doc_put_str(a, row, "rid", r->rid);
	doc_put_str(a, row, "type", r->type);
	doc_add(a, list, row);
}

static void channel_drop_unwanted(struct agent *g)
{
	for (struct channel **at = &g->channels; *at;) {
		struct channel *c = *at;

		if (c->wanted) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		arena_free(c->status_arena);
		free(c->service);
		free(c->rid);
		free(c->name);
		free(c);
	}
}

void channel_sync(struct agent *g)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *list = doc_list(a);

	if (g->level != LEVEL_HYPERVISOR)
		return;
	for (struct channel *c = g->channels; c; c = c->next)
		c->wanted = false;
	for (struct instance_run *run = g->instances; run; run = run->next)
		for (size_t i = 0; !run->gone && i < run->inst.n; i++) {
			const struct resource *r = &run->inst.res[i];

			if (channel_is_for(r))
				channel_want(g, run, r, a, list);
		}
	channel_drop_unwanted(g);
	g->io.channels(g->io.ctx, list);
}

void channel_free(struct agent *g)
{
	for (struct channel *c = g->channels; c; c = c->next)
		c->wanted = false;
	channel_drop_unwanted(g);
}

/* -- container side -------------------------------------------------------- */

static void host_hello(struct agent *g)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *f = agent_frame(a, "hello");
	struct engine_info info = { 0 };

	if (g->identity)
		engine_info(g->engine, g->group, &info);
	doc_put_str(a, f, "name", g->node);
	doc_put_int(a, f, "g", g->identity ? (int64_t)g->group : 0);
	doc_put_int(a, f, "id", g->identity ? (int64_t)g->self : 0);
	doc_put_int(a, f, "incarnation",
		    doc_get_int(g->identity, "incarnation", 0));
	doc_put_int(a, f, "last", (int64_t)info.last);
	g->io.channel_send(g->io.ctx, NULL, NULL, a, f);
	g->hello_ms = g->now_ms + HELLO_EVERY_MS;
}

void agent_host(struct agent *g, uint64_t now_ms, bool up)
{
	g->now_ms = now_ms;
	g->host_up = up;
	if (g->host_welcomed)
		g->host_lost_ms = now_ms;
	g->host_welcomed = false;
	if (up)
		host_hello(g);
	g->dirty = true;
}

/* What is kept on the disk: the welcome, but for its secret. */
static struct doc *identity_of(struct arena *a, const struct doc *welcome)
{
	struct doc *d = doc_map(a);

	for (size_t i = 0; i < doc_len(welcome); i++) {
		const struct doc *v = doc_at(welcome, i);

		if (strcmp(v->key, "secret_key") != 0)
			doc_put(a, d, v->key, doc_copy(a, v));
	}
	return d;
}

static int host_become(struct agent *g, const struct doc *frame,
		       struct err *err)
{
	static const struct engine_timing timing = {
		.heartbeat_ms = SERVICE_HEARTBEAT_MS,
		.election_ms = SERVICE_ELECTION_MS,
	};
	SCOPED(arena) struct arena *a = arena_new();
	uint64_t group = (uint64_t)doc_get_int(frame, "g", 0);
	uint64_t id = (uint64_t)doc_get_int(frame, "id", 0);
	struct doc *d;
	int rc;

	if (g->identity && g->group == group && g->self == id)
		return 0;
	if (!group || id < CONTAINER_ID)
		return err_set(err, -EBADMSG, "a welcome without identity");
	if (g->identity && engine_has(g->engine, g->group)) {
		rc = engine_drop(g->engine, g->group, err);
		if (rc < 0)
			return rc;
	}
	rc = engine_join(g->engine, group, id, &timing, err);
	if (rc < 0)
		return rc;
	d = identity_of(a, frame);
	doc_put_str(a, d, "level", "encap");
	doc_put_int(a, d, "group", (int64_t)group);
	g->synced = false;
	return agent_identity_set(g, d, err);
}

static void host_welcome(struct agent *g, const struct doc *frame)
{
	const char *name = doc_get_str(frame, "name", "");
	struct err err;

	if (strcmp(name, g->node) != 0) {
		agent_log(g, 4, "the host calls this container '%s'", name);
		return;
	}
	if (host_become(g, frame, &err) < 0) {
		agent_log(g, 3, "joining the service's group: %s", err.text);
		return;
	}
	secret_keep_key(g, frame);
	free(g->host);
	g->host = agent_strdup(doc_get_str(frame, "host", "?"));
	g->host_welcomed = true;
	g->host_rests = g->host_emergency = false;
	g->lease.next_renew_ms = g->now_ms;
	g->host_refused[0] = '\0';
	instance_tell_again(g);
	g->dirty = true;
	agent_log(g, 6, "member of %s, hosted by %s",
		  g->service ? g->service : "?", g->host);
	instance_poke(g, g->service ? g->service : "");
}

/* It is asked again several times a second, and said once. */
static void host_refused(struct agent *g, const char *why)
{
	if (strncmp(g->host_refused, why, sizeof(g->host_refused) - 1) != 0)
		agent_log(g, 4, "the host refuses this agent: %s", why);
	snprintf(g->host_refused, sizeof(g->host_refused), "%s", why);
}

static void host_word(struct agent *g, bool *word, bool on)
{
	if (*word != on)
		g->dirty = true;
	*word = on;
}

void agent_host_recv(struct agent *g, uint64_t now_ms, struct arena *a,
		     struct doc *frame)
{
	const char *k = doc_get_str(frame, "k", "");

	g->now_ms = now_ms;
	if (g->identity && g->level != LEVEL_ENCAP)
		return;
	if (strcmp(k, "welcome") == 0)
		host_welcome(g, frame);
	else if (strcmp(k, "refused") == 0)
		host_refused(g, doc_get_str(frame, "err", "no reason"));
	else if (strcmp(k, "halt") == 0 && g->host_welcomed)
		instance_halt(g, (uint64_t)doc_get_int(frame, "token", 0));
	else if (strcmp(k, "grant") == 0 && g->host_up)
		encap_lease_recv_grant(g, frame);
	else if (strcmp(k, "rest") == 0 && g->host_welcomed)
		host_word(g, &g->host_rests, doc_get_bool(frame, "on", false));
	else if (strcmp(k, "emergency") == 0 && g->host_welcomed)
		host_word(g, &g->host_emergency,
			  doc_get_bool(frame, "on", false));
	else if (strcmp(k, "r") == 0 && g->host_welcomed &&
		 (uint64_t)doc_get_int(frame, "g", 0) == g->group &&
		 (uint64_t)doc_get_int(frame, "t", 0) == g->self)
		channel_deliver(g, g->group, g->self, a, frame);
}

void channel_tell_status(struct agent *g, const struct doc *status)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *f = agent_frame(a, "status");

	if (!g->host_welcomed)
		return;
	doc_put(a, f, "doc", doc_copy(a, status));
	g->io.channel_send(g->io.ctx, NULL, NULL, a, f);
}

void channel_halt(struct agent *g, struct channel *c, uint64_t token)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *f = agent_frame(a, "halt");

	if (c->halt_token != token || !c->halt_ms) {
		c->halt_token = token;
		c->halt_ms = g->now_ms;
	}
	doc_put_int(a, f, "token", (int64_t)token);
	g->io.channel_send(g->io.ctx, c->service, c->rid, a, f);
}

static void tell_word(struct agent *g, struct channel *c, const char *word,
		      bool on, bool *told)
{
	SCOPED(arena) struct arena *a = NULL;
	struct doc *f;

	if (!c->welcomed || *told == on)
		return;
	a = arena_new();
	f = agent_frame(a, word);
	*told = on;
	doc_put_bool(a, f, "on", on);
	g->io.channel_send(g->io.ctx, c->service, c->rid, a, f);
}

void channel_tell_words(struct agent *g, bool rests)
{
	for (struct channel *c = g->channels; c; c = c->next) {
		const struct instance_run *run = instance_of(g, c->service);

		tell_word(g, c, "rest", rests, &c->told_rest);
		tell_word(g, c, "emergency", run && run->local == LOCAL_START,
			  &c->told_emergency);
	}
}

void channel_tick(struct agent *g)
{
	if (g->host_up && !g->host_welcomed && g->now_ms >= g->hello_ms)
		host_hello(g);
}
