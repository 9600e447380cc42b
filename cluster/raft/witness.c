/*
 * Witnesses: members that vote and keep entries which they cannot read.
 *
 *     hypervisor ──entries, sealed──▶ witness ──as they came──▶ hypervisor
 *                                                         opens them
 *
 * What a witness acknowledges is on its disk as on anybody's: an entry may be
 * on one hypervisor and the witness alone, and when that hypervisor dies the
 * witness has the longest log and is elected. It then brings a hypervisor up
 * to what it has and hands the leadership over; it proposes, applies and
 * grants nothing, and to everybody it looks as if nobody led.
 *
 * It applies nothing, so it has no state and takes no snapshots: once so much
 * is committed that all voting hypervisors have, which the leader tells it
 * ("hm" of "ae"), it puts a mark without a file and forgets what is before it.
 * Where one of them is away for so long that WITNESS_BYTES have come together
 * it does not wait for it: that one will need the other hypervisor. A snapshot
 * that is offered to it is taken as such a mark, without its data.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/raft/internal.h"

#define WITNESS_STEP  256	 /* entries, between marks */
#define WITNESS_BYTES (2u << 20) /* of entries at most, and so many: */
#define WITNESS_MOST  16384

bool engine_is_witness(const char *address)
{
	return strncmp(address, ENGINE_WITNESS, strlen(ENGINE_WITNESS)) == 0;
}

void engine_be_witness(struct engine *e)
{
	e->witness = true;
}

bool witness_is(const struct egroup *g, uint64_t id)
{
	const struct raft_server *s;

	if (id == g->self)
		return g->engine->witness;
	s = group_server(g, id);
	return s && engine_is_witness(s->address);
}

/* -- entries on their way ---------------------------------------------------
 */

struct doc *witness_seal(struct egroup *g, struct arena *a, uint64_t to,
			 uint64_t index, const struct raft_log_entry *e)
{
	const struct engine_io *io = &g->engine->io;

	if (g->engine->witness || e->type != RAFT_COMMAND || !witness_is(g, to))
		return doc_bin(a, e->data, e->len);
	return io->seal ? io->seal(io->ctx, a, g->gid, index, e->term, e->data,
				   e->len)
			: NULL;
}

bool witness_open(struct egroup *g, struct message *m, const struct doc *msg)
{
	const struct engine_io *io = &g->engine->io;
	const struct raft_append_entries *ae = &m->raft.append_entries;
	struct arena *a = engine_scratch(g->engine);

	if (g->engine->witness || !doc_get_bool(msg, "sl", false))
		return true;
	for (unsigned i = 0; i < ae->n_entries; i++) {
		struct raft_entry *e = &m->entries[i];

		if (e->type == RAFT_COMMAND &&
		    (!io->open ||
		     !io->open(io->ctx, a, g->gid, ae->prev_log_index + 1 + i,
			       e->term, &e->buf.base, &e->buf.len)))
			return false;
	}
	return true;
}

uint64_t witness_all_have(const struct egroup *g)
{
	const struct raft_configuration *c = &g->r.configuration;
	uint64_t least = glog_last(&g->log);

	for (unsigned i = 0; i < c->n; i++) {
		const struct raft_server *s = &c->servers[i];
		raft_index match = 0;

		if (s->role != RAFT_VOTER || s->id == g->self ||
		    engine_is_witness(s->address))
			continue;
		if (raft_match_index(&g->r, s->id, &match) != 0)
			match = 0;
		if (match < least)
			least = match;
	}
	return least;
}

/* -- what a witness keeps ---------------------------------------------------
 */

void witness_apply(struct egroup *g, uint64_t to)
{
	for (uint64_t i = g->applied + 1; i <= to; i++) {
		const struct raft_log_entry *e = glog_get(&g->log, i);

		if (e && e->type == RAFT_CHANGE)
			g->changed = true;
	}
	g->applied = to;
	g->applied_term = group_term(g, to);
}

/* Up to where entries can be forgotten; 0: it is not worth it yet. */
static uint64_t forgets(const struct egroup *g)
{
	uint64_t to = g->applied < g->all_have ? g->applied : g->all_have;
	bool full = g->log.bytes > WITNESS_BYTES || g->log.n > WITNESS_MOST;

	if (full && to < g->applied - (g->applied - g->snap.index) / 2)
		to = g->applied - (g->applied - g->snap.index) / 2;
	if (to <= g->snap.index || !glog_get(&g->log, to))
		return 0;
	return full || g->take_now || to - g->snap.index >= WITNESS_STEP ? to
									 : 0;
}

bool witness_mark(struct egroup *g, struct snap *ret)
{
	uint64_t to;

	if (!g->started || g->dropped || g->installing || g->mark_seq ||
	    g->applied > raft_commit_index(&g->r))
		return false;
	to = forgets(g);
	if (!to)
		return false;
	*ret = (struct snap){ .index = to, .term = group_term(g, to) };
	g->take_now = false;
	return true;
}

/* -- leading ----------------------------------------------------------------
 */

/* The one that has most, of the hypervisors that have answered. */
static uint64_t heir(struct egroup *g)
{
	const struct raft_configuration *c = &g->r.configuration;
	uint64_t best = 0;
	raft_index most = 0;

	for (unsigned i = 0; i < c->n; i++) {
		const struct raft_server *s = &c->servers[i];
		raft_index match = 0;

		if (s->role != RAFT_VOTER || s->id == g->self ||
		    engine_is_witness(s->address) ||
		    !contact_peer(g, s->id)->contact_ms ||
		    raft_match_index(&g->r, s->id, &match) != 0)
			continue;
		if (!best || match > most) {
			best = s->id;
			most = match;
		}
	}
	return best;
}

void witness_turn(struct egroup *g)
{
	struct err err;
	uint64_t to;

	if (!group_leads(g) || raft_transferee(&g->r))
		return;
	to = heir(g);
	if (to && engine_transfer(g->engine, g->gid, to, &err) < 0)
		engine_log(g->engine, 6, "%s", err.text);
}
