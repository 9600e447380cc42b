/*
 * Who is a member of the cluster's group, and who leaves it.
 *
 * The leader, at each look: the list of members is made equal to the rows of
 * the nodes (engine_set_members() takes one safe step), those who vote as
 * fsm/plan/voters.h says. A node that has left stays in the list for a moment,
 * so that it learns that it has; then it is out of the list, and "gone": its
 * certificate is no longer accepted by anybody.
 *
 * A node that leaves: the orchestrators move away what it runs. When nothing
 * is left and it votes nowhere any more it keeps in its identity that it has
 * done, renews its lease no more, and says so: that ends its epoch. In this
 * order, or an agent that starts anew in between could take up a lease that
 * its cluster believes over.
 */
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/request.h"
#include "fsm/plan/voters.h"

#define GRACE_DEFAULT_MS 600000
#define LEARN_MS	 10000 /* for who has left to learn it */
#define ASK_AGAIN_MS	 1000

struct member_seen { /* agent::members, by the leader */
	uint64_t id;
	uint64_t down_ms; /* not up since, as far as this leader saw; 0: up */
	uint64_t asked_ms;
};

static struct member_seen *seen_of(struct agent *g, uint64_t id)
{
	for (size_t i = 0; i < g->n_members; i++)
		if (g->members[i].id == id)
			return &g->members[i];
	g->members = agent_grow(g->members, g->n_members, &g->cap_members,
				sizeof(*g->members));
	g->members[g->n_members] = (struct member_seen){ .id = id };
	return &g->members[g->n_members++];
}

void member_free(struct agent *g)
{
	free(g->members);
}

bool member_has_left(const struct doc *row)
{
	return doc_is(row, "state", "left");
}

bool member_leaves(const struct doc *row)
{
	return doc_get_bool(row, "leaving", false);
}

struct doc *member_rows(struct arena *a, const struct doc *nodes)
{
	struct doc *list = doc_list(a);

	for (size_t i = 0; i < doc_len(nodes); i++)
		if (!member_has_left(doc_at(nodes, i)))
			doc_add(a, list, doc_copy(a, doc_at(nodes, i)));
	return list;
}

/* -- the list of members ---------------------------------------------------
 */

static const struct engine_server *server_of(const struct engine_server *s,
					     size_t n, uint64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (s[i].id == id)
			return &s[i];
	return NULL;
}

static uint64_t grace_ms(const struct state *s)
{
	return (uint64_t)doc_get_int(state_cluster(s), "voter_grace_ms",
				     GRACE_DEFAULT_MS);
}

static uint64_t down_for(struct agent *g, const struct doc *row)
{
	struct member_seen *m = seen_of(g, (uint64_t)doc_get_int(row, "id", 0));

	if (doc_is(row, "state", "up"))
		m->down_ms = 0;
	else if (!m->down_ms)
		m->down_ms = g->now_ms;
	return m->down_ms ? g->now_ms - m->down_ms : 0;
}

/* Does it still have to be told that it has left? */
static bool learns(struct agent *g, const struct engine_info *info,
		   const struct doc *row)
{
	uint64_t id = (uint64_t)doc_get_int(row, "id", 0);

	return agent_peer_is_up(g, id) && down_for(g, row) < LEARN_MS &&
	       engine_match(g->engine, CLUSTER_GROUP, id) < info->applied;
}

static void propose_gone(struct agent *g, struct arena *a, uint64_t id)
{
	struct member_seen *m = seen_of(g, id);
	struct doc *cmd;

	if (m->asked_ms && g->now_ms < m->asked_ms + ASK_AGAIN_MS)
		return;
	m->asked_ms = g->now_ms;
	cmd = agent_command(g, a, "node_gone", NULL);
	doc_put_int(a, cmd, "id", (int64_t)id);
	agent_propose(g, CLUSTER_GROUP, a, cmd);
}

struct roll { /* of members, as it is made */
	struct engine_server *want;
	struct voter *voters;
	size_t n;
};

static void roll_row(struct agent *g, struct arena *a, struct roll *r,
		     const struct doc *row, const struct engine_server *is,
		     const struct engine_info *info, uint64_t grace)
{
	uint64_t id = (uint64_t)doc_get_int(row, "id", 0);
	uint64_t down = down_for(g, row);
	bool left = member_has_left(row);

	if (left && !(is && learns(g, info, row))) {
		if (!is && !doc_get_bool(row, "gone", false))
			propose_gone(g, a, id);
		return;
	}
	r->want[r->n] = (struct engine_server){
		.id = id,
		.role = ENGINE_STANDBY,
		.address = witness_address(a, row),
	};
	r->voters[r->n++] = (struct voter){
		.id = id,
		.labels = doc_get(row, "labels"),
		.votes = is && is->role == ENGINE_VOTER,
		.leads = id == g->self,
		.up = doc_is(row, "state", "up"),
		.joining = doc_is(row, "state", "joining"),
		.gone = down >= grace && down > 0,
		.leaving = left || member_leaves(row),
		.witness = witness_row(row),
	};
}

void member_list(struct agent *g, const struct state *s,
		 const struct doc *nodes, const struct engine_info *info)
{
	struct arena *a = s->arena;
	size_t n = doc_len(nodes), n_is;
	struct engine_server *is;
	struct roll r = {
		.want = ARENA_VEC(a, struct engine_server, n + 1),
		.voters = ARENA_VEC(a, struct voter, n + 1),
	};
	uint64_t grace = grace_ms(s);
	struct err err;

	if (g->members_term != info->term) { /* what we saw then is old */
		g->members_term = info->term;
		g->n_members = 0;
	}
	n_is = engine_members(g->engine, CLUSTER_GROUP, a, &is);
	for (size_t i = 0; i < n; i++) {
		const struct doc *row = doc_at(nodes, i);

		roll_row(g, a, &r, row,
			 server_of(is, n_is,
				   (uint64_t)doc_get_int(row, "id", 0)),
			 info, grace);
	}
	witness_tell(g, nodes);
	voters_choose(r.voters, r.n);
	for (size_t i = 0; i < r.n; i++)
		if (r.voters[i].shall)
			r.want[i].role = ENGINE_VOTER;
	if (r.n &&
	    engine_set_members(g->engine, CLUSTER_GROUP, r.want, r.n, &err) < 0)
		agent_log(g, 7, "members: %s", err.text);
}

/* -- leaving: what is in the way -------------------------------------------
 */

/* A look at each service that this node may run, with its group's state. */
typedef void service_fn(struct agent *g, const struct state *s,
			const char *name, const struct doc *row, void *arg);

static void each_service(struct agent *g, const struct state *cluster,
			 service_fn *fn, void *arg)
{
	struct arena *a = cluster->arena;
	struct doc *list = state_services(cluster);

	for (size_t i = 0; i < doc_len(list); i++) {
		const char *name = doc_get_str(doc_at(list, i), "name", "");
		const struct state s = { cluster->txn,
					 (uint64_t)doc_get_int(doc_at(list, i),
							       "group",
							       CLUSTER_GROUP),
					 a };
		const struct doc *row = state_service(&s, name);

		if (row && !doc_get(row, "group"))
			fn(g, &s, name, row, arg);
	}
}

static bool is_here(struct agent *g, const struct state *s, const char *name)
{
	return doc_is(state_assign(s, name, g->node), "want", "up") ||
	       instance_runs(state_instance(s, name, g->node));
}

struct waits {
	const struct doc *nodes;
	struct doc *list;
};

static void wait_add(struct waits *w, struct arena *a, const char *text)
{
	doc_add(a, w->list, doc_str(a, text));
}

static void still_here(struct agent *g, const struct state *s, const char *name,
		       const struct doc *row, void *arg)
{
	const struct instance_run *run = instance_of(g, name);

	(void)row;
	if (is_here(g, s, name) || (run && (run->busy || run->was_up)))
		wait_add(arg, s->arena,
			 arena_printf(s->arena, "%s runs here", name));
}

static void cannot_go(struct agent *g, const struct state *s, const char *name,
		      const struct doc *row, void *arg)
{
	struct waits *w = arg;
	struct service_conf sc;
	struct orch_in in;
	const char *why;
	struct conf *conf = is_here(g, s, name)
				    ? groups_head_service(g, s, name, &sc)
				    : NULL;

	if (!conf)
		return;
	orch_inputs(g, s, name, row, w->nodes, conf, &sc, &in);
	why = orch_cannot_go(s->arena, &in, g->node);
	if (why)
		wait_add(w, s->arena,
			 arena_printf(s->arena, "%s: %s", name, why));
}

static void still_votes(struct agent *g, struct arena *a, struct waits *w)
{
	uint64_t *gids = ARENA_VEC(a, uint64_t, MAX_GROUPS);
	size_t n = engine_groups(g->engine, gids, MAX_GROUPS), votes = 0;
	struct engine_info info;

	for (size_t i = 0; i < n; i++)
		votes += engine_info(g->engine, gids[i], &info) &&
			 info.role == ENGINE_VOTER;
	if (votes)
		wait_add(w, a,
			 arena_printf(a, "its vote in %zu groups is handed on",
				      votes));
}

static struct doc *what_waits(struct agent *g, const struct state *s)
{
	struct waits w = { .list = doc_list(s->arena) };

	each_service(g, s, still_here, &w);
	still_votes(g, s->arena, &w);
	return w.list;
}

/* -- leaving: doing it -----------------------------------------------------
 */

/* Keep in the identity that this node runs nothing any more, or does again. */
static bool keep_left(struct agent *g, bool left)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *id = doc_copy(a, g->identity);
	struct err err;

	doc_put_bool(a, id, "left", left);
	if (agent_identity_set(g, id, &err) == 0)
		return true;
	agent_log(g, 3, "leaving: %s", err.text);
	return false;
}

static void say_left(struct agent *g, struct arena *a, const struct doc *row)
{
	struct doc *cmd;

	if (g->leave_ms && g->now_ms < g->leave_ms + ASK_AGAIN_MS)
		return;
	g->leave_ms = g->now_ms;
	cmd = agent_command(g, a, "node_left", NULL);
	doc_put_str(a, cmd, "node", g->node);
	doc_put_int(a, cmd, "epoch", doc_get_int(row, "epoch", 0));
	doc_put_bool(a, cmd, "said", true);
	agent_propose(g, CLUSTER_GROUP, a, cmd);
}

static void leave_look(struct agent *g, const struct state *s)
{
	const struct doc *row = state_node(s, g->self);

	if (row && member_has_left(row)) {
		if (g->io.left)
			g->io.left(g->io.ctx);
		return;
	}
	if (!row || !member_leaves(row)) {
		if (g->left)
			g->left = !keep_left(g, false);
		return;
	}
	if (!g->left) {
		if (doc_len(what_waits(g, s)) || !keep_left(g, true))
			return;
		g->left = true;
		lease_end(g);
	}
	say_left(g, s->arena, row);
}

void member_step(struct agent *g)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t;
	struct state s;

	if (!g->identity || g->level != LEVEL_HYPERVISOR)
		return;
	t = txn_begin_read(g->db, NULL);
	if (!t)
		return;
	s = (struct state){ t, CLUSTER_GROUP, a };
	leave_look(g, &s);
	txn_abort(t);
}

/* -- requests -------------------------------------------------------------- */

static void propose_leaving(struct request *r, bool leaving)
{
	struct doc *cmd = request_command(r, "node_leaving");

	doc_put_str(r->arena, cmd, "node", r->agent->node);
	doc_put_bool(r->arena, cmd, "leaving", leaving);
	request_propose(r, CLUSTER_GROUP, cmd);
}

/* This node is to leave. Refused where something runs here that can go nowhere:
 * it would wait for ever. */
void request_node_leave(struct request *r)
{
	struct waits w = { .list = doc_list(r->arena) };
	struct txn *t;
	struct state s;

	if (request_in_container(r) || !(t = request_read(r)))
		return;
	s = (struct state){ t, CLUSTER_GROUP, r->arena };
	w.nodes = state_nodes(&s);
	each_service(r->agent, &s, cannot_go, &w);
	txn_abort(t);
	if (doc_len(w.list))
		REFUSE(r, OP_CONFLICT,
		       "%s cannot leave, what runs here has nowhere to go: "
		       "%s; stop it first (encap stop), or make room for it",
		       r->agent->node, doc_join(r->arena, w.list, "; "));
	else
		propose_leaving(r, true);
}

void request_node_stay(struct request *r)
{
	if (!request_in_container(r))
		propose_leaving(r, false);
}

/* {waits[]}: what a node that leaves waits for. */
void request_node_leave_look(struct request *r)
{
	struct doc *data = doc_map(r->arena);
	struct txn *t;

	if (request_in_container(r) || !(t = request_read(r)))
		return;
	doc_put(r->arena, data, "waits",
		what_waits(r->agent,
			   &(struct state){ t, CLUSTER_GROUP, r->arena }));
	txn_abort(t);
	request_data(r, data);
}

void request_node_remove(struct request *r)
{
	const char *node = request_arg(r, "node");
	struct doc *cmd;

	if (request_in_container(r))
		return;
	if (strcmp(node, r->agent->node) == 0) {
		REFUSE(r, OP_CONFLICT,
		       "%s is this machine: 'encap cluster leave' empties it "
		       "and leaves",
		       node);
		return;
	}
	cmd = request_command(r, "node_left");
	doc_put_str(r->arena, cmd, "node", node);
	request_propose(r, CLUSTER_GROUP, cmd);
}

void request_node_label(struct request *r)
{
	static const char *const keys[] = { "node", "labels", NULL };

	request_to_cluster(r, "node_label", keys);
}

void request_cluster_set(struct request *r)
{
	static const char *const keys[] = { "voter_grace_ms", NULL };

	request_to_cluster(r, "cluster_set", keys);
}
