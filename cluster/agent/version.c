/*
 * Which version of the state each member knows, and which one is active
 * (fsm/op/version.c). Every agent says what it knows; the leader of a group
 * activates what all of its members know. An agent that is too old for what is
 * active must not apply a single command more: it stops, and says so.
 */
#include <errno.h>
#include <string.h>

#include "cluster/agent/internal.h"

#define ASK_AGAIN_MS 1000

static void too_old(struct agent *g, uint64_t gid, int64_t version)
{
	struct err err;

	err_set(&err, -EPROTO,
		"version %lld of the state is active%s, this agent knows %d: "
		"upgrade it",
		(long long)version,
		gid == CLUSTER_GROUP ? " in the cluster" : " in a group",
		STATE_VERSION);
	g->io.fatal(g->io.ctx, &err);
}

void version_before(struct agent *g, uint64_t gid, const struct doc *command)
{
	int64_t version = doc_get_int(command, "version", 0);

	if (strcmp(doc_get_str(command, "op", ""), "version_set") == 0 &&
	    version > STATE_VERSION)
		too_old(g, gid, version);
}

int version_check(struct agent *g, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	uint64_t *gids = ARENA_VEC(a, uint64_t, MAX_GROUPS);
	size_t n = engine_groups(g->engine, gids, MAX_GROUPS);
	struct txn *t = txn_begin_read(g->db, err);
	int rc = 0;

	if (!t)
		return err->code;
	for (size_t i = 0; i < n && rc == 0; i++) {
		int active =
			op_version_active(&(struct state){ t, gids[i], a });

		if (active > STATE_VERSION)
			rc = err_set(err, -EPROTO,
				     "the state here is of version %d, this "
				     "agent knows %d: run the newer version",
				     active, STATE_VERSION);
	}
	txn_abort(t);
	return rc;
}

/* -- saying, and activating -------------------------------------------------
 */

static void speak(struct agent *g, const struct state *s, const char *key,
		  const struct doc *row)
{
	struct doc *cmd;

	if (!row || member_has_left(row) || op_speaks(row) == STATE_VERSION ||
	    (g->spoke_ms && g->now_ms < g->spoke_ms + ASK_AGAIN_MS))
		return;
	g->spoke_ms = g->now_ms;
	cmd = agent_command(g, s->arena, "version_speaks", NULL);
	doc_put_str(s->arena, cmd, key, g->node);
	doc_put_int(s->arena, cmd, "speaks", STATE_VERSION);
	agent_propose(g, s->group, s->arena, cmd);
}

/* @most: no later one; of a service, what the cluster has activated. */
static void activate(struct agent *g, const struct state *s, int64_t most)
{
	const struct op_env env = { .s = s };
	struct engine_info info;
	struct doc *cmd;
	int64_t all;
	const char *who;

	if (!engine_info(g->engine, s->group, &info) || !info.is_leader ||
	    !info.is_ready)
		return;
	all = op_version_of_all(&env, &who);
	if (all > most)
		all = most;
	if (all <= op_version_active(s))
		return;
	cmd = agent_command(g, s->arena, "version_set", NULL);
	doc_put_int(s->arena, cmd, "version", all);
	agent_propose(g, s->group, s->arena, cmd);
}

static void step(struct agent *g, struct txn *t, struct arena *a)
{
	uint64_t *gids = ARENA_VEC(a, uint64_t, MAX_GROUPS);
	size_t n = engine_groups(g->engine, gids, MAX_GROUPS);
	const struct state cluster = { t, CLUSTER_GROUP, a };
	int active = op_version_active(&cluster);

	speak(g, &cluster, "node", state_node(&cluster, g->self));
	for (size_t i = 0; i < n; i++) {
		const struct state s = { t, gids[i], a };

		activate(g, &s,
			 gids[i] == CLUSTER_GROUP ? STATE_VERSION : active);
	}
}

void version_step(struct agent *g)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t;
	struct err err;

	if (version_check(g, &err) < 0) {
		/* A snapshot has brought it. */
		g->io.fatal(g->io.ctx, &err);
		return;
	}
	t = txn_begin_read(g->db, NULL);
	if (!t)
		return;
	if (g->level == LEVEL_HYPERVISOR) {
		step(g, t, a);
	} else {
		const struct state s = { t, g->group, a };

		speak(g, &s, "member", state_member(&s, g->node));
	}
	txn_abort(t);
}
