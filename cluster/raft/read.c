/*
 * Who was in touch with us and when; linearizable reads.
 *
 * Contact: what a leader sends carries its clock; an answer echoes the latest
 * that the follower has seen in this term. So the leader knows of each voter a
 * time, on its own clock, at which a message left that the voter has answered
 * within the term. From a majority of them it follows that nobody was elected
 * for a later term before that time: each election has a voter in common with
 * the majority, and that voter was still in our term when it got the message.
 *
 * A linearizable read (Ongaro's dissertation, 6.4): the leader notes its
 * commit index, then asks all voters whether it still leads; once a majority
 * says so, whoever has applied that index may read. It must have committed an
 * entry of its term before, or else it may not know of all that is committed.
 * Reads that arrive while a round is under way wait for the next one.
 *
 *   k    message               carries
 *   ck   do you follow?        t rd st
 *   ca   yes                   t rd st (echoed)
 *   rq   may I read?           id
 *   ra   from this index on    id ix
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/raft/internal.h"
#include "store/plant.h"

/* -- contact ----------------------------------------------------------------
 */

struct peer *contact_peer(struct egroup *g, uint64_t id)
{
	for (size_t i = 0; i < g->n_peers; i++)
		if (g->peers[i].id == id)
			return &g->peers[i];
	if (g->n_peers == g->cap_peers) {
		size_t cap = g->cap_peers ? g->cap_peers * 2 : 8;
		struct peer *at = realloc(g->peers, cap * sizeof(*at));

		if (!at)
			abort(); /* a few bytes; there is nobody to tell */
		g->peers = at;
		g->cap_peers = cap;
	}
	g->peers[g->n_peers] = (struct peer){ .id = id };
	return &g->peers[g->n_peers++];
}

void contact_note(struct egroup *g, uint64_t from, uint64_t sent_ms)
{
	struct peer *p;

	if (!group_server(g, from) || sent_ms > g->engine->now)
		return;
	if (PLANTED(CONTACT_LATE))
		sent_ms = g->engine->now;
	p = contact_peer(g, from);
	if (sent_ms > p->contact_ms)
		p->contact_ms = sent_ms;
}

static uint64_t peer_contact(const struct egroup *g, uint64_t id, bool round)
{
	if (id == g->self)
		return round ? g->round : g->engine->now;
	for (size_t i = 0; i < g->n_peers; i++)
		if (g->peers[i].id == id)
			return round ? g->peers[i].round
				     : g->peers[i].contact_ms;
	return 0;
}

/* The largest value that a majority of the voters has reached. */
static uint64_t majority(const struct egroup *g, bool round)
{
	const struct raft_configuration *c = &g->r.configuration;
	uint64_t best = 0;
	unsigned voters = 0;

	for (unsigned i = 0; i < c->n; i++)
		voters += c->servers[i].role == RAFT_VOTER;
	for (unsigned i = 0; i < c->n; i++) {
		uint64_t v = peer_contact(g, c->servers[i].id, round);
		unsigned reached = 0;

		if (c->servers[i].role != RAFT_VOTER || v <= best)
			continue;
		for (unsigned j = 0; j < c->n; j++)
			reached +=
				c->servers[j].role == RAFT_VOTER &&
				peer_contact(g, c->servers[j].id, round) >= v;
		if (reached > voters / 2)
			best = v;
	}
	return best;
}

uint64_t contact_majority(const struct egroup *g)
{
	return majority(g, false);
}

/* -- readers ------------------------------------------------------------------
 */

static void reader_detach(struct egroup *g, struct reader *r)
{
	TAILQ_REMOVE(&g->readers, r, link);
	if (r->from)
		g->n_asked--;
	else
		g->engine->n_readers--;
}

/* Ours are told in the turn. */
static void finish(struct engine *e, struct egroup *g, struct reader *r,
		   int code)
{
	if (g)
		reader_detach(g, r);
	if (r->from) {
		free(r);
		return;
	}
	r->code = code;
	TAILQ_INSERT_TAIL(&e->done_readers, r, link);
	e->again = true;
}

void read_tell(struct engine *e)
{
	struct arena *a;
	struct reader *r;

	if (TAILQ_EMPTY(&e->done_readers))
		return;
	a = arena_new();
	while ((r = TAILQ_FIRST(&e->done_readers))) {
		TAILQ_REMOVE(&e->done_readers, r, link);
		r->done(r->arg, r->code, a, NULL);
		free(r);
	}
	arena_free(a);
}

void engine_read(struct engine *e, uint64_t gid, uint64_t timeout_ms,
		 engine_done done, void *arg)
{
	struct egroup *g = e->closing ? NULL : engine_group(e, gid);
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		abort(); /* nobody could be told */
	r->done = done;
	r->arg = arg;
	if (!g) {
		finish(e, NULL, r, -ENOENT);
		return;
	}
	r->deadline = e->now + timeout_ms;
	TAILQ_INSERT_TAIL(&g->readers, r, link);
	e->n_readers++;
	engine_mark(g);
	engine_busy(e);
}

void read_drop(struct egroup *g)
{
	struct reader *r;

	while ((r = TAILQ_FIRST(&g->readers)))
		finish(g->engine, g, r, r->tried ? -ETIMEDOUT : -ENOENT);
}

void read_new_leader(struct egroup *g)
{
	struct reader *r, *next;

	g->round = 0;
	for (r = TAILQ_FIRST(&g->readers); r; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->from && !group_leads(g))
			finish(g->engine, g, r, 0);
		else if (r->state != READER_INDEX)
			r->state = READER_WAITING;
	}
}

/* -- the leader
 * ---------------------------------------------------------------- */

static void send_round(struct egroup *g)
{
	const struct raft_configuration *c = &g->r.configuration;
	struct arena *a = engine_scratch(g->engine);

	g->round_ms = g->engine->now;
	for (unsigned i = 0; i < c->n; i++) {
		struct doc *msg;

		if (c->servers[i].role != RAFT_VOTER)
			continue;
		msg = doc_map(a);
		doc_put_str(a, msg, "k", "ck");
		doc_put_int(a, msg, "t", (int64_t)raft_current_term(&g->r));
		doc_put_int(a, msg, "rd", (int64_t)g->round);
		doc_put_int(a, msg, "st", (int64_t)g->engine->now);
		group_send(g, c->servers[i].id, a, msg);
	}
}

static void answer(struct egroup *g, const struct reader *r)
{
	struct arena *a = engine_scratch(g->engine);
	struct doc *msg = doc_map(a);

	doc_put_str(a, msg, "k", "ra");
	doc_put_int(a, msg, "id", (int64_t)r->id);
	doc_put_int(a, msg, "ix", (int64_t)r->index);
	group_send(g, r->from, a, msg);
}

/* A majority has answered the round: its readers know their index. */
static void round_finish(struct egroup *g)
{
	struct reader *r, *next;

	for (r = TAILQ_FIRST(&g->readers); r; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->state != READER_ROUND || r->round > g->round)
			continue;
		if (!r->from) {
			r->state = READER_INDEX;
			continue;
		}
		answer(g, r);
		g->tell = true;
		reader_detach(g, r);
		free(r);
	}
	engine_mark(g);
}

static void round_begin(struct egroup *g)
{
	struct reader *r;
	bool any = false;

	/* One at a time: what comes meanwhile shares the next. */
	if (!group_ready(g) || majority(g, true) < g->round)
		return;
	TAILQ_FOREACH (r, &g->readers, link) {
		if (r->state != READER_WAITING)
			continue;
		any = true;
		r->state = READER_ROUND;
		r->tried = true;
		r->round = g->round + 1;
		r->index = raft_commit_index(&g->r);
	}
	if (!any)
		return;
	g->round++;
	send_round(g);
	if (majority(g, true) >= g->round || PLANTED(READ_ALONE))
		round_finish(g);
}

static void ask(struct egroup *g, uint64_t leader)
{
	struct engine *e = g->engine;
	struct arena *a = engine_scratch(e);
	struct doc *msg;
	struct reader *r;
	uint64_t id = 0;

	TAILQ_FOREACH (r, &g->readers, link) {
		if (r->state != READER_WAITING)
			continue;
		if (!id)
			id = ++e->next_id;
		r->state = READER_FORWARDED;
		r->tried = true;
		r->id = id;
		r->retry = e->now + ROUND_RETRY_MS;
	}
	if (!id)
		return;
	msg = doc_map(a);
	doc_put_str(a, msg, "k", "rq");
	doc_put_int(a, msg, "id", (int64_t)id);
	group_send(g, leader, a, msg);
}

void read_turn(struct egroup *g)
{
	uint64_t leader = group_leader(g);
	struct reader *r, *next;

	if (leader == g->self && leader)
		round_begin(g);
	else if (leader)
		ask(g, leader);
	for (r = TAILQ_FIRST(&g->readers); r; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->state == READER_INDEX && r->index <= g->applied)
			finish(g->engine, g, r, 0);
	}
}

/* -- messages ---------------------------------------------------------- */

static void recv_check(struct egroup *g, uint64_t from, const struct doc *msg)
{
	struct arena *a = engine_scratch(g->engine);
	struct doc *d = doc_map(a);
	uint64_t term = (uint64_t)doc_get_int(msg, "t", 0);

	/* In that term nobody but its leader asks. */
	if (term != raft_current_term(&g->r) || group_leads(g))
		return;
	doc_put_str(a, d, "k", "ca");
	doc_put_int(a, d, "t", (int64_t)term);
	doc_put_int(a, d, "rd", doc_get_int(msg, "rd", 0));
	doc_put_int(a, d, "st", doc_get_int(msg, "st", 0));
	group_send(g, from, a, d);
}

static void recv_yes(struct egroup *g, uint64_t from, const struct doc *msg)
{
	uint64_t round = (uint64_t)doc_get_int(msg, "rd", 0);
	struct peer *p;

	if (!group_leads(g) || !group_server(g, from) ||
	    (uint64_t)doc_get_int(msg, "t", 0) != raft_current_term(&g->r))
		return;
	contact_note(g, from, (uint64_t)doc_get_int(msg, "st", 0));
	p = contact_peer(g, from);
	if (round > g->round || round <= p->round)
		return;
	p->round = round;
	if (majority(g, true) >= g->round)
		round_finish(g);
}

static void recv_question(struct egroup *g, uint64_t from,
			  const struct doc *msg)
{
	struct reader *r;

	if (!group_leads(g) || g->n_asked == MAX_ASKED)
		return;
	r = calloc(1, sizeof(*r));
	if (!r)
		return;
	r->from = from;
	r->id = (uint64_t)doc_get_int(msg, "id", 0);
	r->deadline = g->engine->now + ASKED_KEEP_MS;
	TAILQ_INSERT_TAIL(&g->readers, r, link);
	g->n_asked++;
	engine_mark(g);
}

static void recv_answer(struct egroup *g, const struct doc *msg)
{
	uint64_t id = (uint64_t)doc_get_int(msg, "id", 0);
	struct reader *r;

	TAILQ_FOREACH (r, &g->readers, link) {
		if (r->from || r->state != READER_FORWARDED || r->id != id)
			continue;
		r->state = READER_INDEX;
		r->index = (uint64_t)doc_get_int(msg, "ix", 0);
	}
	engine_mark(g);
}

void read_recv(struct egroup *g, uint64_t from, const char *kind,
	       const struct doc *msg)
{
	if (strcmp(kind, "ck") == 0)
		recv_check(g, from, msg);
	else if (strcmp(kind, "ca") == 0)
		recv_yes(g, from, msg);
	else if (strcmp(kind, "rq") == 0)
		recv_question(g, from, msg);
	else
		recv_answer(g, msg);
}

void read_housekeep(struct egroup *g)
{
	struct engine *e = g->engine;
	struct reader *r, *next;

	for (r = TAILQ_FIRST(&g->readers); r; r = next) {
		next = TAILQ_NEXT(r, link);
		if (e->now >= r->deadline)
			finish(e, g, r, r->tried ? -ETIMEDOUT : -ENETUNREACH);
		else if (r->state == READER_FORWARDED && e->now >= r->retry)
			r->state = READER_WAITING;
	}
	if (TAILQ_EMPTY(&g->readers))
		return;
	engine_mark(g);
	if (group_leads(g) && majority(g, true) < g->round &&
	    e->now >= g->round_ms + ROUND_RETRY_MS)
		send_round(g);
}
