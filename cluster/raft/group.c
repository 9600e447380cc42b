/*
 * One group: an event goes into raft_step(), and what comes out is carried out
 * in this order:
 *
 *   1. term or vote    a record for the log; from here until it is durable
 *                      every message of the group is held
 *   2. entries         records for the log, copies in memory
 *   3. a snapshot      the old log stops counting at once (transfer.c)
 *   4. messages        sent, or held by 1. A leader's entries leave while its
 *                      own flush is under way: that is safe, since libraft
 *                      counts the leader's copy only after PERSISTED_ENTRIES
 *   5. commit index    the group is marked for apply.c at the turn's end
 *
 * Three rules of libraft that are easy to miss and kept here: a message may
 * bring new entries only if a member list among them comes first (it would
 * remember the list under a wrong index); a sole voter makes itself leader
 * without a new term, so the term is raised for it; a vote's result is
 * looked at in any state, so it is kept from all but candidates.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cluster/raft/internal.h"
#include "store/plant.h"

static int raft_errno(int rv)
{
	switch (rv) {
	case RAFT_NOMEM:
		return -ENOMEM;
	case RAFT_NOTLEADER:
	case RAFT_CANTCHANGE:
	case RAFT_NOSPACE:
		return -EAGAIN;
	case RAFT_SHUTDOWN:
	case RAFT_CORRUPT:
		return -EUCLEAN;
	case RAFT_BADID:
	case RAFT_NOTFOUND:
		return -ENOENT;
	default:
		return -EINVAL;
	}
}

bool group_leads(const struct egroup *g)
{
	return g->started && g->r.state == RAFT_LEADER;
}

bool group_ready(const struct egroup *g)
{
	return group_leads(g) && g->r.commit_index >= g->ready_index;
}

/* But for a witness: it leads only to hand over. */
uint64_t group_leader(const struct egroup *g)
{
	uint64_t id = 0;

	if (g->started && g->r.state == RAFT_LEADER)
		id = g->self;
	if (g->started && g->r.state == RAFT_FOLLOWER)
		id = g->r.follower_state.current_leader.id;
	return id && witness_is(g, id) ? 0 : id;
}

const struct raft_server *group_server(const struct egroup *g, uint64_t id)
{
	for (unsigned i = 0; i < g->r.configuration.n; i++)
		if (g->r.configuration.servers[i].id == id)
			return &g->r.configuration.servers[i];
	return NULL;
}

uint64_t group_term(const struct egroup *g, uint64_t index)
{
	const struct raft_log_entry *e = glog_get(&g->log, index);

	if (e)
		return e->term;
	return index && index == g->snap.index ? g->snap.term : 0;
}

/* Are we the only one who votes? */
static bool sole_voter(const struct egroup *g)
{
	const struct raft_configuration *c = &g->r.configuration;
	unsigned others = 0;
	bool mine = false;

	for (unsigned i = 0; i < c->n; i++) {
		bool is_us = c->servers[i].id == g->self;

		if (c->servers[i].role != RAFT_VOTER)
			continue;
		mine |= is_us;
		others += !is_us;
	}
	return mine && !others;
}

int group_put(struct egroup *g, const struct wal_record *rec)
{
	struct engine *e = g->engine;
	struct wal_record r = *rec;
	struct err err = { 0 };
	int rc;

	if (e->is_dead)
		return -EIO;
	r.group = g->gid;
	rc = wal_add(e->wal, &r, &err);
	if (rc < 0) {
		err_wrap(&err, rc, "group %" PRIu64, g->gid);
		return engine_fatal(e, &err);
	}
	e->put_bytes += r.len + 48;
	if (g->touched)
		return 0;
	g->touched = true;
	return group_list_add(&e->touched, g);
}

int group_put_mark(struct egroup *g, enum wal_kind kind, const struct snap *s,
		   uint64_t keep)
{
	struct arena *a = arena_new();
	struct doc *d = doc_map(a);
	struct buf b = BUF(a);
	int rc;

	doc_put_int(a, d, "v", 1);
	doc_put_int(a, d, "id", (int64_t)g->self);
	doc_put_int(a, d, "hb", g->timing.heartbeat_ms);
	doc_put_int(a, d, "el", g->timing.election_ms);
	if (s->index) {
		doc_put_int(a, d, "ci", (int64_t)s->conf_index);
		doc_put_int(a, d, "sz", (int64_t)s->size);
		doc_put_bin(a, d, "cf", s->conf, s->conf_len);
	}
	doc_encode(&b, d);
	rc = group_put(g, &(struct wal_record){ .kind = kind,
						.index = s->index,
						.term = s->term,
						.aux = keep,
						.data = b.data,
						.len = b.len });
	arena_free(a);
	return rc;
}

void group_due(struct egroup *g)
{
	uint64_t due, step = 1, now = g->engine->now;

	if (!g->started || g->dropped) {
		g->engine->due[g->slot] = UINT64_MAX;
		return;
	}
	due = raft_timeout(&g->r);
	/* Heartbeats of many groups are made to fall together. */
	if (g->r.state == RAFT_LEADER && g->timing.heartbeat_ms >= 16)
		step = g->timing.heartbeat_ms / 8;
	/* A leader's may lie in the past for good: of a spare it counts when
	 * something was last sent to it, while it sends it nothing. */
	if (due <= now)
		due = now + step;
	due = (due + step - 1) / step * step;
	if (g->haste_at && g->haste_at < due)
		due = g->haste_at;
	g->engine->due[g->slot] = due;
}

static bool holds(const struct egroup *g)
{
	return g->vote_seq > g->engine->flush_ended && !PLANTED(VOTE_AHEAD);
}

static void hold(struct egroup *g, uint64_t to, const struct doc *msg)
{
	/* libraft takes a lost message in its stride. */
	if (g->n_held == MAX_HELD)
		return;
	if (!g->held_arena)
		g->held_arena = arena_new();
	if (g->n_held == g->cap_held) {
		size_t cap = g->cap_held ? g->cap_held * 2 : 8;
		struct held *at = ARENA_VEC(g->held_arena, struct held, cap);

		if (g->n_held)
			memcpy(at, g->held, g->n_held * sizeof(*at));
		g->held = at;
		g->cap_held = cap;
	}
	g->held[g->n_held].to = to;
	g->held[g->n_held++].msg = doc_copy(g->held_arena, msg);
}

static void held_forget(struct egroup *g)
{
	arena_free(g->held_arena);
	g->held_arena = NULL;
	g->held = NULL;
	g->n_held = g->cap_held = 0;
}

void group_send(struct egroup *g, uint64_t to, struct arena *a, struct doc *msg)
{
	if (to == g->self || !to)
		return;
	if (holds(g))
		hold(g, to, msg);
	else
		g->engine->io.send(g->engine->io.ctx, g->gid, to, a, msg);
}

static void told(struct egroup *g, uint64_t to,
		 const struct raft_append_entries *m)
{
	struct peer *p = contact_peer(g, to);
	uint64_t known = m->prev_log_index + m->n_entries;

	if (known > m->leader_commit)
		known = m->leader_commit;
	if (known > p->told)
		p->told = known;
}

/* libraft tells its followers what is committed with the next entries, or with
 * the next heartbeat. Who waits for a result cannot wait for that. */
static void tell_one(struct egroup *g, uint64_t id)
{
	struct arena *a = engine_scratch(g->engine);
	struct raft_append_entries m = {
		.term = raft_current_term(&g->r),
		.leader_commit = raft_commit_index(&g->r),
	};
	raft_index match = 0;
	struct doc *doc;

	if (raft_match_index(&g->r, id, &match) != 0)
		return;
	if (match > m.leader_commit)
		match = m.leader_commit;
	m.prev_log_index = match;
	m.prev_log_term = group_term(g, match);
	if (!m.prev_log_term || match <= contact_peer(g, id)->told)
		return;
	doc = message_encode(
		g, a,
		&(struct raft_message){ .type = RAFT_APPEND_ENTRIES,
					.server_id = id,
					.append_entries = m });
	doc_put_bool(a, doc, "q", true);
	group_send(g, id, a, doc);
	told(g, id, &m);
}

void group_tell(struct egroup *g)
{
	const struct raft_configuration *c = &g->r.configuration;

	g->tell = false;
	if (!group_leads(g))
		return;
	for (unsigned i = 0; i < c->n; i++)
		if (c->servers[i].id != g->self &&
		    c->servers[i].role != RAFT_SPARE)
			tell_one(g, c->servers[i].id);
}

static bool votes_in(const struct raft_configuration *c, uint64_t id)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->servers[i].id == id)
			return c->servers[i].role == RAFT_VOTER;
	return false;
}

/* Who is being demoted gets the list that says so when it is committed. With it
 * in its log, but not in ours, it would neither lead, being no voter by it, nor
 * let others lead, whose logs are behind. */
static unsigned may_send(const struct egroup *g, uint64_t id, uint64_t prev,
			 unsigned n)
{
	uint64_t list = g->r.configuration_uncommitted_index;

	if (!list || prev + n < list ||
	    !votes_in(&g->r.configuration_committed, id) ||
	    votes_in(&g->r.configuration, id))
		return n;
	return prev + 1 < list ? (unsigned)(list - prev - 1) : 0;
}

/* libraft bounds the entries of a message by number; the wire by bytes. */
static void send_append(struct egroup *g, const struct raft_message *m)
{
	struct arena *a = engine_scratch(g->engine);
	struct raft_message part = *m;
	struct raft_append_entries *p = &part.append_entries;
	unsigned left = may_send(g, m->server_id, p->prev_log_index,
				 m->append_entries.n_entries);

	do {
		const struct raft_log_entry *last = NULL;
		size_t bytes = 0;
		struct doc *doc;

		for (p->n_entries = 0;
		     p->n_entries < left && p->n_entries < APPEND_ENTRIES;
		     p->n_entries++) {
			const struct raft_log_entry *e = glog_get(
				&g->log, p->prev_log_index + p->n_entries + 1);

			if (!e ||
			    (p->n_entries && bytes + e->len > APPEND_BYTES))
				break;
			bytes += e->len;
			last = e;
		}
		if (left && !last)
			return;
		doc = message_encode(g, a, &part);
		if (doc)
			group_send(g, m->server_id, a, doc);
		told(g, m->server_id, p);
		left -= p->n_entries;
		p->prev_log_index += p->n_entries;
		p->prev_log_term = last ? last->term : 0;
	} while (left);
}

/* To a pre-vote libraft answers with the term that it was asked about. Who has
 * the longest log but is behind in its term would never hear of that, and where
 * its vote is needed nobody would be elected any more. */
static void tell_term(const struct egroup *g, struct raft_message *m)
{
	struct raft_request_vote_result *r = &m->request_vote_result;

	if (m->type == RAFT_REQUEST_VOTE_RESULT && r->pre_vote &&
	    !r->vote_granted && r->term < raft_current_term(&g->r))
		r->term = raft_current_term(&g->r);
}

static void send_all(struct egroup *g, const struct raft_update *u)
{
	struct arena *a = engine_scratch(g->engine);

	for (unsigned i = 0; i < u->messages.n; i++) {
		struct raft_message *m = &u->messages.batch[i];
		struct doc *doc;

		if (m->type == RAFT_APPEND_ENTRIES) {
			send_append(g, m);
			continue;
		}
		if (m->type == RAFT_APPEND_ENTRIES_RESULT && g->quiet)
			continue;
		tell_term(g, m);
		doc = message_encode(g, a, m);
		if (doc)
			group_send(g, m->server_id, a, doc);
	}
}

void group_put_vote(struct egroup *g)
{
	group_put(g, &(struct wal_record){
			     .kind = WAL_VOTE,
			     .term = raft_current_term(&g->r),
			     .aux = PLANTED(VOTE_FORGOTTEN)
					    ? 0
					    : raft_voted_for(&g->r) });
	g->vote_seq = g->engine->flush_begun + 1;
}

static int bad_entries(struct egroup *g, uint64_t index)
{
	struct err err;

	err_set(&err, -EUCLEAN,
		"group %" PRIu64 ": an entry for index %" PRIu64
		" does not follow %" PRIu64 " or contradicts what was "
		"applied (%" PRIu64 "); the member's state is damaged: remove "
		"it from the cluster and join it again",
		g->gid, index, glog_last(&g->log), g->applied);
	return engine_fatal(g->engine, &err);
}

int group_put_entry(struct egroup *g, uint64_t index,
		    const struct raft_entry *src)
{
	struct raft_log_entry entry = { .term = src->term,
					.type = (uint8_t)src->type,
					.len = (uint32_t)src->buf.len,
					.data = src->buf.base,
					.pos = g->engine->put_bytes };
	struct err err;
	int rc = glog_append(&g->log, &entry);

	if (rc < 0) {
		err_set(&err, rc, "group %" PRIu64 ": out of memory", g->gid);
		return engine_fatal(g->engine, &err);
	}
	return group_put(g,
			 &(struct wal_record){ .kind = WAL_ENTRY,
					       .index = index,
					       .term = src->term,
					       .entry_type = (uint8_t)src->type,
					       .data = src->buf.base,
					       .len = src->buf.len });
}

static int put_entries(struct egroup *g, const struct raft_update *u)
{
	uint64_t first = u->entries.index;
	int rc = 0;

	if (first <= g->applied || first <= g->log.base ||
	    first > glog_last(&g->log) + 1)
		rc = bad_entries(g, first);
	if (rc == 0 && first <= glog_last(&g->log)) {
		glog_truncate(&g->log, first);
		if (g->flush_last >= first)
			g->flush_last = first - 1;
	}
	for (unsigned i = 0; i < u->entries.n && rc == 0; i++)
		rc = group_put_entry(g, first + i, &u->entries.batch[i]);
	/* One allocation carries them all; it is ours to free. */
	raft_free(u->entries.batch[0].batch);
	return rc;
}

static void new_leadership(struct egroup *g)
{
	bool leads = group_leads(g);

	g->seen_leader = group_leader(g);
	g->seen_term = raft_current_term(&g->r);
	g->leader_since_ms = leads ? g->engine->now : 0;
	/* Whatever may be committed lies at or before this index. */
	g->ready_index = leads ? raft_last_index(&g->r) : 0;
	g->barrier_sent = false;
	g->was_leader = leads;
	g->n_peers = 0;
	propose_new_leader(g);
	read_new_leader(g);
	if (g->hastened && g->seen_leader) {
		raft_set_election_timeout(&g->r, g->timing.election_ms);
		g->hastened = false;
	}
	if (g->seen_leader)
		g->haste_at = 0;
	g->changed = true;
	engine_mark(g);
}

static void watch(struct egroup *g)
{
	if (group_leader(g) != g->seen_leader ||
	    raft_current_term(&g->r) != g->seen_term ||
	    group_leads(g) != g->was_leader)
		new_leadership(g);
}

static int step_failed(struct egroup *g, const struct raft_event *ev, int rv)
{
	struct err err;

	if (rv == RAFT_NOMEM || rv == RAFT_SHUTDOWN || rv == RAFT_CORRUPT) {
		err_set(&err, raft_errno(rv),
			"group %" PRIu64 ": raft (event %d): %s", g->gid,
			(int)ev->type, raft_strerror(rv));
		return engine_fatal(g->engine, &err);
	}
	if (ev->type != RAFT_SUBMIT && ev->type != RAFT_TRANSFER)
		engine_log(g->engine, 3,
			   "group %" PRIu64 ": raft (event %d): %s", g->gid,
			   (int)ev->type, raft_strerror(rv));
	return raft_errno(rv);
}

/* What libraft wants done. */
static int carry_out(struct egroup *g, const struct raft_update *u)
{
	int rc = 0;

	if (u->flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR))
		group_put_vote(g);
	if (u->flags & RAFT_UPDATE_ENTRIES)
		rc = put_entries(g, u);
	if (u->flags & RAFT_UPDATE_SNAPSHOT)
		transfer_install(g, u);
	if (rc == 0 && (u->flags & RAFT_UPDATE_MESSAGES))
		send_all(g, u);
	watch(g);
	if (u->flags & RAFT_UPDATE_COMMIT_INDEX) {
		g->tell |= group_leads(g);
		engine_mark(g);
		apply_configurations(g);
	}
	group_due(g);
	return rc;
}

int group_step(struct egroup *g, struct raft_event *ev)
{
	struct raft_update u;
	int rv;

	if (g->engine->is_dead)
		return -EIO;
	ev->time = g->engine->now;
	ev->capacity = UINT16_MAX;
	rv = raft_step(&g->r, ev, &u);
	return rv == 0 ? carry_out(g, &u) : step_failed(g, ev, rv);
}

static struct raft_server *own_server(struct egroup *g)
{
	for (unsigned i = 0; i < g->r.configuration.n; i++)
		if (g->r.configuration.servers[i].id == g->self)
			return &g->r.configuration.servers[i];
	return NULL;
}

/* libraft lets only voters forget a leader that is silent; but who asks a
 * standby for its vote or its commands must not be told that there is one. */
static void forget_leader(struct egroup *g)
{
	const struct raft_server *own = own_server(g);

	if (own && own->role == RAFT_VOTER)
		return;
	raft_free(g->r.follower_state.current_leader.address);
	g->r.follower_state.current_leader.address = NULL;
	g->r.follower_state.current_leader.id = 0;
}

int group_timeout(struct egroup *g)
{
	struct raft_event ev = { .type = RAFT_TIMEOUT };

	if (g->r.state == RAFT_FOLLOWER &&
	    raft_timeout(&g->r) <= g->engine->now)
		forget_leader(g);

	if (g->r.state == RAFT_FOLLOWER && sole_voter(g) && !g->installing &&
	    g->r.last_stored == raft_last_index(&g->r) &&
	    raft_timeout(&g->r) <= g->engine->now) {
		g->r.current_term++;
		g->r.voted_for = g->self;
		group_put_vote(g);
	}
	return group_step(g, &ev);
}

int group_submit(struct egroup *g, enum raft_entry_type type, void *data,
		 size_t len)
{
	struct raft_entry entry = { .term = raft_current_term(&g->r),
				    .type = type,
				    .buf = { data, len },
				    .batch = data };
	struct raft_event ev = { .type = RAFT_SUBMIT,
				 .time = g->engine->now,
				 .capacity = UINT16_MAX };
	struct raft_update u;
	int rv = RAFT_NOTLEADER;

	ev.submit.entries = &entry;
	ev.submit.n = 1;
	if (group_leads(g) && !g->engine->is_dead)
		rv = raft_step(&g->r, &ev, &u);
	if (rv == 0)
		return carry_out(g, &u);
	raft_free(data);
	return step_failed(g, &ev, rv);
}

/* -- messages of libraft's ------------------------------------------------ */

static int receive(struct egroup *g, struct raft_message *m)
{
	struct raft_event ev = { .type = RAFT_RECEIVE };

	ev.receive.message = m;
	return group_step(g, &ev);
}

/* Only entries, with nothing between them and what is before them. */
static int receive_part(struct egroup *g, const struct message *m,
			uint64_t skip, unsigned n)
{
	struct raft_message part = m->raft;
	struct raft_append_entries *p = &part.append_entries;
	void *token = NULL;

	if (skip) {
		p->prev_log_index += skip;
		p->prev_log_term = m->entries[skip - 1].term;
	}
	p->entries = m->entries + skip;
	p->n_entries = n;
	if (n) {
		/* The data is the message's; libraft frees this instead. */
		token = raft_malloc(1);
		if (!token)
			return -ENOMEM;
		for (unsigned i = 0; i < n; i++)
			p->entries[i].batch = token;
	}
	return receive(g, &part);
}

static bool second_list(const struct egroup *g, const struct raft_entry *e)
{
	return e->type == RAFT_CHANGE && g->r.configuration_uncommitted_index;
}

static int receive_append(struct egroup *g, const struct message *m)
{
	const struct raft_append_entries *ae = &m->raft.append_entries;
	unsigned done = 0, n;
	bool quiet = g->quiet;
	int rc;

	do {
		for (n = 0; done + n < ae->n_entries; n++)
			if (n && m->entries[done + n].type == RAFT_CHANGE)
				break;
		/* What is committed of the one before, first. */
		if (n && second_list(g, &m->entries[done])) {
			g->quiet = true;
			receive_part(g, m, done, 0);
			g->quiet = quiet;
		}
		rc = receive_part(g, m, done, n);
		done += n;
	} while (rc == 0 && done < ae->n_entries &&
		 glog_last(&g->log) >= ae->prev_log_index + done);
	return rc;
}

/* What our snapshot covers is committed, so whoever leads has it too; but
 * libraft knows no terms before the log's begin and would refuse what follows
 * on it, for good where the leader's own snapshot is older than ours. */
static void skip_known(const struct egroup *g, struct message *m)
{
	struct raft_append_entries *ae = &m->raft.append_entries;
	uint64_t first = g->log.base, skip;

	if (group_term(g, first) == 0)
		first++;
	if (!g->snap.index || ae->prev_log_index >= first)
		return;
	skip = first - ae->prev_log_index;
	if (skip > ae->n_entries)
		skip = ae->n_entries;
	m->entries += skip;
	ae->n_entries -= (unsigned)skip;
	ae->prev_log_index = first;
	ae->prev_log_term = group_term(g, first);
}

/* Somebody who leads no more. libraft's own answer would have an index of
 * whatever its stack held. */
static void refuse(struct egroup *g, const struct message *m)
{
	struct arena *a = engine_scratch(g->engine);
	struct raft_message answer = {
		.type = RAFT_APPEND_ENTRIES_RESULT,
		.append_entries_result = {
			.term = raft_current_term(&g->r),
			.rejected = m->raft.append_entries.prev_log_index,
		},
	};

	if (!m->quiet)
		group_send(g, m->raft.server_id, a,
			   message_encode(g, a, &answer));
}

static int recv_append(struct egroup *g, struct message *m)
{
	uint64_t term = m->raft.append_entries.term;
	int rc;

	if (term < raft_current_term(&g->r)) {
		refuse(g, m);
		return 0;
	}

	if (group_leads(g) && term == raft_current_term(&g->r)) {
		engine_log(g->engine, 3,
			   "group %" PRIu64 ": %llu says that it leads in our "
			   "term %" PRIu64,
			   g->gid, m->raft.server_id, term);
		return 0;
	}
	if (term > g->leader_st_term) {
		g->leader_st_term = term;
		g->leader_st = 0;
	}
	if (term == g->leader_st_term && m->sent_ms > g->leader_st)
		g->leader_st = m->sent_ms;
	g->quiet = m->quiet;
	skip_known(g, m);
	rc = receive_append(g, m);
	g->quiet = false;
	return rc;
}

/* A refusal from before what it has acknowledged since. libraft may follow it
 * where messages overtake each other, then believes that more is under way
 * than it allows, and sends that member nothing any more. */
static void skip_stale(const struct egroup *g, uint64_t from,
		       struct raft_append_entries_result *r)
{
	raft_index match = 0;

	if (!r->rejected || raft_match_index(&g->r, from, &match) != 0)
		return;
	if (r->rejected <= match) {
		r->rejected = 0;
		r->last_log_index = match;
	} else if (r->last_log_index < match) {
		r->last_log_index = match;
	}
}

static int recv_append_result(struct egroup *g, uint64_t from,
			      const struct message *m)
{
	struct raft_message raft = m->raft;
	int rc;

	if (group_leads(g) &&
	    raft.append_entries_result.term == g->r.current_term) {
		/* From before it was removed, forgot everything, and was added
		 * again: what it had then it has no more. */
		if (group_server(g, from) &&
		    m->sent_ms < contact_peer(g, from)->since_ms)
			return 0;
		contact_note(g, from, m->sent_ms);
		skip_stale(g, from, &raft.append_entries_result);
	}
	rc = receive(g, &raft);
	/* Who comes behind the majority is told when it has come. */
	if (group_leads(g) && group_server(g, from) &&
	    contact_peer(g, from)->told < raft_commit_index(&g->r)) {
		g->tell = true;
		engine_mark(g);
	}
	return rc;
}

/* Who votes is for the candidate's list to say, not for ours, which may be
 * older (Ongaro's dissertation, 4.2.2): where the second voter has not heard
 * yet that it is one, and the first has restarted, nobody could be elected any
 * more. libraft asks our list, so a standby is a voter while it answers. */
static int recv_vote(struct egroup *g, struct raft_message *m)
{
	struct raft_event ev = { .type = RAFT_RECEIVE,
				 .time = g->engine->now,
				 .capacity = UINT16_MAX };
	struct raft_server *own = own_server(g);
	struct raft_update u;
	int rv;

	if (!own || own->role != RAFT_STANDBY || g->engine->is_dead)
		return receive(g, m);
	ev.receive.message = m;
	own->role = RAFT_VOTER;
	rv = raft_step(&g->r, &ev, &u);
	own_server(g)->role = RAFT_STANDBY;
	return rv == 0 ? carry_out(g, &u) : step_failed(g, &ev, rv);
}

static void recv_install(struct egroup *g, const struct message *m)
{
	const struct raft_install_snapshot *is = &m->raft.install_snapshot;

	/* Its heartbeats tell libraft who leads; and who has that entry says
	 * so in answer to the next of them. */
	if (g->r.state != RAFT_FOLLOWER || is->term != g->r.current_term ||
	    group_leader(g) != m->raft.server_id ||
	    g->snap.index >= is->last_index ||
	    group_term(g, is->last_index) == is->last_term)
		return;
	transfer_offer(g, m->raft.server_id, m);
}

int group_receive(struct egroup *g, uint64_t from, const struct doc *msg)
{
	struct message m;
	struct err err;

	if (message_decode(engine_scratch(g->engine), from, msg, &m, &err) <
	    0) {
		engine_log(g->engine, 4,
			   "group %" PRIu64 ": from %" PRIu64 ": %s", g->gid,
			   from, err.text);
		return 0;
	}
	switch (m.raft.type) {
	case RAFT_APPEND_ENTRIES:
		if (!witness_open(g, &m, msg)) {
			engine_log(g->engine, 4,
				   "group %" PRIu64 ": entries from %" PRIu64
				   " cannot be opened",
				   g->gid, from);
			return 0;
		}
		if (g->engine->witness && doc_get(msg, "hm"))
			g->all_have = (uint64_t)doc_get_int(msg, "hm", 0);
		return recv_append(g, &m);
	case RAFT_INSTALL_SNAPSHOT:
		recv_install(g, &m);
		return 0;
	case RAFT_APPEND_ENTRIES_RESULT:
		return recv_append_result(g, from, &m);
	case RAFT_REQUEST_VOTE_RESULT:
		if (g->r.state != RAFT_CANDIDATE)
			return 0;
		break;
	case RAFT_TIMEOUT_NOW:
		/* It would lead without a new term. */
		if (sole_voter(g))
			return 0;
		break;
	case RAFT_REQUEST_VOTE:
		return recv_vote(g, &m.raft);
	}
	return receive(g, &m.raft);
}

/* -- start ----------------------------------------------------------- */

/* The log as libraft wants it; of one batch, which is only a token. */
static struct raft_entry *list_entries(const struct egroup *g)
{
	void *token = raft_malloc(1);
	struct raft_entry *at = raft_malloc((g->log.n + 1) * sizeof(*at));

	if (!at || !token) {
		raft_free(at);
		raft_free(token);
		return NULL;
	}
	at[0] = (struct raft_entry){ .batch = token };
	for (size_t i = 0; i < g->log.n; i++)
		at[i] = (struct raft_entry){
			.term = g->log.at[i].term,
			.type = (enum raft_entry_type)g->log.at[i].type,
			.buf = { g->log.at[i].data, g->log.at[i].len },
			.batch = token,
		};
	return at;
}

static int start_raft(struct egroup *g, struct err *err)
{
	int rv = raft_init(&g->r, NULL, NULL, g->self, "");

	if (rv != 0)
		return err_set(err, raft_errno(rv), "raft: %s",
			       raft_strerror(rv));
	g->r.tracer = NULL; /* it would format a line per event */
	raft_seed(&g->r, (unsigned)engine_random(g->engine));
	/* The heartbeat last: certain pairs are changed by libraft. */
	/* A hypervisor stands first, where it can win. */
	raft_set_election_timeout(&g->r, g->engine->witness
						 ? 2 * g->timing.election_ms
						 : g->timing.election_ms);
	raft_set_heartbeat_timeout(&g->r, g->timing.heartbeat_ms);
	raft_set_pre_vote(&g->r, true);
	raft_set_max_inflight_entries(&g->r, INFLIGHT_ENTRIES);
	g->started = true;
	return 0;
}

int group_start(struct egroup *g, struct err *err)
{
	struct raft_event ev = { .type = RAFT_START };
	struct raft_snapshot_metadata meta;
	struct raft_entry *entries;
	void *token;
	int rc = start_raft(g, err);

	if (rc < 0)
		return rc;
	ev.start.term = g->first_term;
	ev.start.voted_for = g->first_vote;
	if (g->snap.index) {
		rc = snap_metadata(&g->snap, &meta);
		if (rc < 0)
			return err_set(err, rc,
				       "group %" PRIu64
				       ": the snapshot's member list",
				       g->gid);
		ev.start.metadata = &meta;
	}
	entries = list_entries(g);
	if (!entries)
		return err_set(err, -ENOMEM, "out of memory");
	token = entries[0].batch;
	ev.start.start_index = g->log.base + 1;
	ev.start.n_entries = (unsigned)g->log.n;
	ev.start.entries = entries;
	g->conf_cursor = g->snap.index;
	rc = group_step(g, &ev);
	if (rc < 0)
		return err_set(err, rc, "group %" PRIu64 ": cannot start",
			       g->gid);
	raft_free(token);
	raft_free(entries);
	g->changed = true;
	engine_mark(g);
	return 0;
}

/* -- after a flush --------------------------------------------------- */

static void send_held(struct egroup *g)
{
	struct engine *e = g->engine;

	for (size_t i = 0; i < g->n_held; i++)
		e->io.send(e->io.ctx, g->gid, g->held[i].to, g->held_arena,
			   g->held[i].msg);
	held_forget(g);
}

static void start_now(struct egroup *g)
{
	struct err err = { 0 };

	g->start_seq = 0;
	if (group_start(g, &err) < 0)
		engine_fatal(g->engine, &err);
}

void group_flushed(struct egroup *g)
{
	uint64_t ended = g->engine->flush_ended;
	struct raft_event ev = { .type = RAFT_PERSISTED_ENTRIES };

	if (g->dropped)
		return;
	if (g->vote_seq && g->vote_seq <= ended) {
		g->vote_seq = 0;
		send_held(g);
	}
	if (g->start_seq && g->start_seq <= ended)
		start_now(g);
	if (g->started && !g->installing && g->flush_last > g->r.last_stored) {
		ev.persisted_entries.index = g->flush_last;
		group_step(g, &ev);
	}
	g->flush_last = 0;
	if (g->mark_seq && g->mark_seq <= ended)
		snap_flushed(g);
	if (g->reset_seq && g->reset_seq <= ended)
		transfer_flushed(g);
	engine_mark(g);
}
