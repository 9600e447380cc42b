#include "tests/sim/checks.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/op/op.h"

#define SIM_TABLE 1 /* rows of the simulator's own */

static void *grow(void *at, size_t *n, size_t want, size_t size)
{
	size_t more = *n ? *n : 64;

	if (want < *n)
		return at;
	while (more <= want)
		more *= 2;
	at = reallocarray(at, more, size);
	assert(at);
	memset((char *)at + *n * size, 0, (more - *n) * size);
	*n = more;
	return at;
}

void checks_fini(struct checks *c)
{
	for (unsigned i = 0; i < c->n_groups; i++) {
		struct group_checks *g = &c->groups[i];

		for (size_t j = 0; j < g->n_entries; j++)
			free(g->entries[j].hashes);
		for (size_t j = 0; j < CHECK_CLIENTS; j++)
			free(g->clients[j].at);
		free(g->entries);
		free(g->digests);
		free(g->leaders);
	}
}

struct group_checks *checks_group(struct world *w, uint64_t gid)
{
	for (unsigned i = 0; i < w->checks->n_groups; i++)
		if (w->checks->groups[i].gid == gid)
			return &w->checks->groups[i];
	world_fail(w, "group %" PRIu64 " is none of ours", gid);
	return &w->checks->groups[0];
}

/* -- applying -------------------------------------------------------------- */

static uint64_t hash_command(struct arena *a, const struct doc *command)
{
	struct buf b = BUF(a);
	uint64_t h = UINT64_C(14695981039346656037);

	doc_encode(&b, command);
	for (size_t i = 0; i < b.len; i++)
		h = (h ^ (unsigned char)b.data[i]) * UINT64_C(1099511628211);
	return h;
}

/* Which command of its entry is this? Kept in the state, so that it goes back
 * with a transaction that is repeated; and it shows an entry that is applied
 * again. */
static unsigned place_in_entry(struct node *x, struct txn *t, uint64_t gid,
			       uint64_t index)
{
	struct {
		uint64_t index, k;
	} at = { 0, 0 };
	struct bytes v;

	if (txn_get(t, gid, SIM_TABLE, bytes_of("place"), &v))
		memcpy(&at, v.data, sizeof(at));
	if (at.index > index)
		world_fail(x->world,
			   "node %u, group %" PRIu64 ": entry %" PRIu64
			   " is applied after %" PRIu64,
			   x->index + 1, gid, index, at.index);
	at.k = at.index == index ? at.k + 1 : 0;
	at.index = index;
	txn_put(t, gid, SIM_TABLE, bytes_of("place"),
		(struct bytes){ &at, sizeof(at) });
	return (unsigned)at.k;
}

static void same_command(struct node *x, struct group_checks *g, uint64_t index,
			 unsigned k, uint64_t hash)
{
	struct entry_seen *e;

	g->entries =
		grow(g->entries, &g->n_entries, index, sizeof(*g->entries));
	e = &g->entries[index];
	if (k > e->n) {
		world_fail(x->world,
			   "node %u, group %" PRIu64 ": command %u of entry "
			   "%" PRIu64 " comes where %u are known",
			   x->index + 1, g->gid, k, index, e->n);
		return;
	}
	if (k == e->n) {
		e->hashes = reallocarray(e->hashes, k + 1, sizeof(uint64_t));
		assert(e->hashes);
		e->hashes[e->n++] = hash;
	}
	if (e->hashes[k] != hash)
		world_fail(x->world,
			   "node %u, group %" PRIu64 ": entry %" PRIu64
			   " is another one than elsewhere",
			   x->index + 1, g->gid, index);
}

static bool is_checked(const struct doc *command, unsigned *ret_client,
		       uint64_t *ret_sq)
{
	const char *cl = doc_get_str(command, "cl", "");

	*ret_sq = (uint64_t)doc_get_int(command, "sq", 0);
	return sscanf(cl, "c%u", ret_client) == 1 &&
	       *ret_client < CHECK_CLIENTS;
}

static void had_effect(struct node *x, struct group_checks *g, unsigned client,
		       uint64_t sq, uint64_t position)
{
	struct sequence *s = &g->clients[client];

	s->at = grow(s->at, &s->n, (size_t)sq, sizeof(*s->at));
	if (s->at[sq] && s->at[sq] != position)
		world_fail(x->world,
			   "node %u, group %" PRIu64 ": command c%u:%" PRIu64
			   " has its effect twice, at %" PRIu64 " and %" PRIu64,
			   x->index + 1, g->gid, client, sq, s->at[sq],
			   position);
	s->at[sq] = position;
	if (position > g->total)
		g->total = position;
}

static struct doc *plant_command(struct node *x, struct arena *a,
				 const struct doc *command)
{
	struct doc *copy = doc_copy(a, command);
	struct doc *e = doc_at(doc_get(copy, "events"), 0);

	if (PLANTED(DIVERGES) && x->index == 1 && world_chance(x->world, 20) &&
	    e)
		doc_put_str(a, e, "kind", "other");
	return copy;
}

/* After a failure (the map was full) a transaction finds nothing and will be
 * repeated. */
static bool has_failed(struct txn *t, uint64_t gid)
{
	struct bytes v;

	return !txn_get(t, gid, SIM_TABLE, bytes_of("place"), &v);
}

struct doc *checks_apply(struct node *x, struct arena *a, struct txn *t,
			 uint64_t gid, uint64_t index,
			 const struct doc *command)
{
	const struct state s = { .txn = t, .group = gid, .arena = a };
	struct group_checks *g = checks_group(x->world, gid);
	unsigned client, k = place_in_entry(x, t, gid, index);
	uint64_t sq, before = state_counter(&s, "event"), after;
	struct doc *result;

	if (!has_failed(t, gid))
		same_command(x, g, index, k, hash_command(a, command));
	result = op_apply(a, t, gid, plant_command(x, a, command));
	after = state_counter(&s, "event");
	if (is_checked(command, &client, &sq) && after != before &&
	    !has_failed(t, gid))
		had_effect(x, g, client, sq, after);
	return result;
}

/* -- leaders
 * -------------------------------------------------------------------- */

static void look_leader(struct node *x, struct group_checks *g,
			const struct engine_info *info)
{
	struct world *w = x->world;
	struct leader_seen *l;

	g->leaders = grow(g->leaders, &g->n_leaders, (size_t)info->term,
			  sizeof(*g->leaders));
	l = &g->leaders[info->term];
	if (l->id && l->id != x->id)
		world_fail(w,
			   "group %" PRIu64 ": nodes %" PRIu64 " and %" PRIu64
			   " both lead in term %" PRIu64,
			   g->gid, l->id, x->id, info->term);
	if (!l->id) {
		*l = (struct leader_seen){ x->id, w->now_us };
		w->counts.leaders++;
		world_say(w, "node %u leads group %" PRIu64 " in term %" PRIu64,
			  x->index + 1, g->gid, info->term);
	}
}

static void look_contact(struct node *x, const struct group_checks *g,
			 const struct engine_info *info)
{
	uint64_t us = node_time_us(x, info->contact_ms);

	if (!info->contact_ms)
		return;
	for (uint64_t t = info->term + 1; t < g->n_leaders; t++)
		if (g->leaders[t].id && g->leaders[t].us + 2 * MS < us)
			world_fail(x->world,
				   "group %" PRIu64 ": node %" PRIu64
				   " leads in term %" PRIu64
				   " and claims contact at %.3f ms, but term "
				   "%" PRIu64 " had a leader at %.3f ms",
				   g->gid, x->id, info->term, (double)us / 1000,
				   t, (double)g->leaders[t].us / 1000);
}

void checks_look(struct node *x)
{
	struct checks *c = x->world->checks;

	for (unsigned i = 0; i < c->n_groups && x->up; i++) {
		struct group_checks *g = &c->groups[i];
		struct engine_info info;

		if (!engine_info(x->engine, g->gid, &info) || !info.is_leader)
			continue;
		look_leader(x, g, &info);
		look_contact(x, g, &info);
	}
}

/* -- clients
 * ---------------------------------------------------------------------- */

uint64_t checks_floor(struct world *w, uint64_t gid)
{
	return checks_group(w, gid)->floor;
}

void checks_acked(struct world *w, uint64_t gid, unsigned client, uint64_t sq,
		  uint64_t floor)
{
	struct group_checks *g = checks_group(w, gid);
	const struct sequence *s = &g->clients[client];
	uint64_t at = sq < s->n ? s->at[sq] : 0;

	w->checks->acked++;
	if (!at)
		world_fail(w,
			   "group %" PRIu64 ": c%u:%" PRIu64
			   " was acknowledged, but nowhere applied",
			   gid, client, sq);
	else if (at <= floor)
		world_fail(w,
			   "group %" PRIu64 ": c%u:%" PRIu64
			   " was appended as number %" PRIu64 ", yet %" PRIu64
			   " were there before it was sent",
			   gid, client, sq, at, floor);
	if (at > g->floor)
		g->floor = at;
}

void checks_read(struct world *w, uint64_t gid, uint64_t length, uint64_t floor)
{
	struct group_checks *g = checks_group(w, gid);

	w->checks->reads++;
	if (length < floor)
		world_fail(w,
			   "group %" PRIu64 ": a read sees %" PRIu64
			   " events, %" PRIu64 " were there before it began",
			   gid, length, floor);
	if (length > g->floor)
		g->floor = length;
}

/* -- copies
 * ------------------------------------------------------------------------- */

/* The database says itself how far it is: while a worker puts a snapshot into
 * it, it is ahead of what the engine says. */
static uint64_t applied_in(struct txn *t, uint64_t gid)
{
	struct bytes v;
	uint64_t index = 0;

	if (!txn_get(t, gid, ENGINE_TABLE, bytes_of("applied"), &v))
		return 0;
	for (unsigned i = 1; i <= 8; i++)
		index = index << 8 | ((const unsigned char *)v.data)[i];
	return index;
}

void checks_copy(struct node *x, uint64_t gid)
{
	struct group_checks *g = checks_group(x->world, gid);
	uint64_t digest, index, *known;
	struct txn *t;

	if (!x->up || !engine_has(x->engine, gid))
		return;
	t = txn_begin_read(x->db, NULL);
	assert(t);
	digest = txn_digest(t, gid);
	index = applied_in(t, gid);
	txn_abort(t);
	if (!index)
		return;
	g->digests = grow(g->digests, &g->n_digests, (size_t)index,
			  sizeof(uint64_t));
	known = &g->digests[index];
	x->world->checks->digests++;
	if (*known && *known != digest)
		world_fail(x->world,
			   "node %u, group %" PRIu64 ": the copy at %" PRIu64
			   " is another one than elsewhere",
			   x->index + 1, gid, index);
	*known = digest;
	world_trace(x->world, &digest, sizeof(digest));
}

static void content_of(struct node *x, const struct state *s,
		       const struct group_checks *g, unsigned client,
		       uint64_t sq)
{
	const struct sequence *q = &g->clients[client];
	struct state_key key = state_key_num(NULL, q->at[sq]);
	const struct doc *row = state_row(s, TABLE_EVENT, &key);
	char want[48];

	snprintf(want, sizeof(want), "c%u:%" PRIu64, client, sq);
	if (strncmp(doc_get_str(row, "text", ""), want, strlen(want)) != 0)
		world_fail(x->world,
			   "node %u, group %" PRIu64 ": event %" PRIu64
			   " is lost: %s",
			   x->index + 1, g->gid, q->at[sq], want);
}

void checks_content(struct node *x, uint64_t gid)
{
	const struct group_checks *g = checks_group(x->world, gid);
	struct txn *t = txn_begin_read(x->db, NULL);
	struct arena *a = arena_new();
	const struct state s = { .txn = t, .group = gid, .arena = a };

	assert(t);
	for (unsigned c = 0; c < CHECK_CLIENTS; c++)
		for (uint64_t sq = 0; sq < g->clients[c].n; sq++)
			if (g->clients[c].at[sq] &&
			    g->clients[c].at[sq] + STATE_EVENTS_KEPT > g->total)
				content_of(x, &s, g, c, sq);
	arena_free(a);
	txn_abort(t);
}
