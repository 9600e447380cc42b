/*
 * Witnesses, from both sides (docs/decisions/witness.md).
 *
 * A witness reads nothing, so it knows neither the nodes nor the services. The
 * cluster's leader tells it who the nodes are ("peers"), and it becomes a
 * member of a service's group when somebody speaks to it of one; whoever knows
 * that a group is gone says so ("gone") when it is asked for its vote.
 *
 * The hypervisors seal what it keeps with keys made from the cluster's, one for
 * each group and term; index and term are authenticated with the entry, so that
 * none can be given for another.
 */
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"

#define TELL_EVERY_MS 1000

void agent_be_witness(struct agent *g)
{
	g->witness = true;
	engine_be_witness(g->engine);
}

bool witness_row(const struct doc *row)
{
	return doc_get_bool(row, "witness", false);
}

const char *witness_address(struct arena *a, const struct doc *row)
{
	return arena_printf(a, "%s%s", witness_row(row) ? ENGINE_WITNESS : "",
			    doc_get_str(row, "name", "?"));
}

/* -- sealing --------------------------------------------------------------- */

static bool log_key(struct agent *g, uint64_t gid, uint64_t term,
		    struct seal_key *ret)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct err err;

	/* The name of a service has no blank. */
	if (secret_service_key(g,
			       arena_printf(a, "log %llu %llu",
					    (unsigned long long)gid,
					    (unsigned long long)term),
			       ret, &err) == 0)
		return true;
	agent_log(g, 3, "a witness gets nothing: %s", err.text);
	return false;
}

static const char *entry_name(struct arena *a, uint64_t index)
{
	return arena_printf(a, "%llu", (unsigned long long)index);
}

struct doc *witness_on_seal(void *ctx, struct arena *a, uint64_t gid,
			    uint64_t index, uint64_t term, const void *data,
			    size_t len)
{
	struct agent *g = ctx;
	unsigned char nonce[12];
	struct seal_key key;

	if (g->level != LEVEL_HYPERVISOR || !log_key(g, gid, term, &key))
		return NULL;
	g->io.random(g->io.ctx, nonce, sizeof(nonce));
	return seal_shut(a, &key, "log", entry_name(a, index), nonce, data,
			 len);
}

bool witness_on_open(void *ctx, struct arena *a, uint64_t gid, uint64_t index,
		     uint64_t term, void **data, size_t *len)
{
	struct agent *g = ctx;
	struct seal_key key;
	const char *text;
	size_t n;

	/* A container has another key; it hears it from a hypervisor. */
	if (g->level != LEVEL_HYPERVISOR || !log_key(g, gid, term, &key) ||
	    seal_open(a, &key, "log", entry_name(a, index),
		      doc_bin(a, *data, *len), &text, &n, NULL) < 0)
		return false;
	*data = (void *)(uintptr_t)text;
	*len = n;
	return true;
}

/* -- as a hypervisor --------------------------------------------------------
 */

void witness_tell(struct agent *g, const struct doc *nodes)
{
	if (g->now_ms < g->told_peers_ms + TELL_EVERY_MS)
		return;
	g->told_peers_ms = g->now_ms;
	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *row = doc_at(nodes, i);
		uint64_t id = (uint64_t)doc_get_int(row, "id", 0);
		struct arena *a;
		struct doc *f;

		if (!witness_row(row) || member_has_left(row) ||
		    !agent_peer_is_up(g, id))
			continue;
		a = arena_new();
		f = agent_frame(a, "peers");
		doc_put(a, f, "nodes", doc_copy(a, nodes));
		g->io.send(g->io.ctx, id, a, f);
		arena_free(a);
	}
}

/* Somebody speaks of a group that is not here: it may be gone for good. */
static void say_gone(struct agent *g, uint64_t peer, uint64_t gid)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = txn_begin_read(g->db, NULL);
	struct state s = { t, CLUSTER_GROUP, a };
	bool gone = t && op_group_gone(&s, gid);
	struct doc *f;

	txn_abort(t);
	if (!gone)
		return;
	f = agent_frame(a, "gone");
	doc_put_int(a, f, "g", (int64_t)gid);
	g->io.send(g->io.ctx, peer, a, f);
}

/* -- as a witness -----------------------------------------------------------
 */

static void meet(struct agent *g, uint64_t gid)
{
	uint64_t gids[1];
	struct err err;

	if (gid <= CLUSTER_GROUP ||
	    engine_groups(g->engine, gids, 1) >= MAX_GROUPS)
		return;
	if (groups_join(g, gid, &err) < 0)
		agent_log(g, 3, "group %llu: %s", (unsigned long long)gid,
			  err.text);
}

void witness_expects(struct agent *g, uint64_t peer, uint64_t gid)
{
	if (engine_has(g->engine, gid))
		return;
	if (g->witness)
		meet(g, gid);
	else if (g->level == LEVEL_HYPERVISOR)
		say_gone(g, peer, gid);
}

bool witness_recv(struct agent *g, const char *k, const struct doc *frame)
{
	const struct doc *nodes = doc_get(frame, "nodes");
	struct err err;

	if (!g->witness)
		return strcmp(k, "peers") == 0 || strcmp(k, "gone") == 0;
	if (strcmp(k, "r") == 0 || strcmp(k, "grant") == 0)
		return false;
	if (strcmp(k, "peers") == 0 && nodes && nodes->type == DOC_LIST)
		g->io.peers(g->io.ctx, nodes);
	else if (strcmp(k, "gone") == 0 &&
		 engine_drop(g->engine, (uint64_t)doc_get_int(frame, "g", 0),
			     &err) < 0)
		agent_log(g, 3, "%s", err.text);
	return true;
}
