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

uint64_t group_leader(struct egroup *g)
{
	if (!g->started)
		return 0;
	if (g->r.state == RAFT_LEADER)
		return g->self;
	if (g->r.state == RAFT_FOLLOWER)
		return g->r.follower_state.current_leader.id;
	return 0;
}

const struct raft_server *group_server(const struct egroup *g, uint64_t id)
{
	for (unsigned i = 0; i < g->r.configuration.n; i++)
		if (g->r.configuration.servers[i].id == id)
			return &g->r.configuration.servers[i];
	return NULL;
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
	if (due <= now)
		due = now + 1;
	due = (due + step - 1) / step * step;
	if (g->haste_at && g->haste_at < due)
		due = g->haste_at;
	g->engine->due[g->slot] = due;
}

static bool holds(const struct egroup *g)
{
	return g->vote_seq > g->engine->flush_ended;
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

/* libraft bounds the entries of a message by number; the wire by bytes. */
static void send_append(struct egroup *g, const struct raft_message *m)
{
	struct arena *a = engine_scratch(g->engine);
	struct raft_message part = *m;
	struct raft_append_entries *p = &part.append_entries;
	unsigned left = m->append_entries.n_entries;

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
		left -= p->n_entries;
		p->prev_log_index += p->n_entries;
		p->prev_log_term = last ? last->term : 0;
	} while (left);
}

static void send_all(struct egroup *g, const struct raft_update *u)
{
	struct arena *a = engine_scratch(g->engine);

	for (unsigned i = 0; i < u->messages.n; i++) {
		const struct raft_message *m = &u->messages.batch[i];
		struct doc *doc;

		if (m->type == RAFT_APPEND_ENTRIES) {
			send_append(g, m);
			continue;
		}
		doc = message_encode(g, a, m);
		if (doc)
			group_send(g, m->server_id, a, doc);
	}
}

static void put_vote(struct egroup *g)
{
	group_put(g, &(struct wal_record){ .kind = WAL_VOTE,
					   .term = raft_current_term(&g->r),
					   .aux = raft_voted_for(&g->r) });
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

static int put_entry(struct egroup *g, uint64_t index,
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
		rc = put_entry(g, first + i, &u->entries.batch[i]);
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
	contact_reset(g);
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
	else if (group_leads(g) && g->n_peers != g->r.configuration.n)
		contact_reset(g);
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

int group_step(struct egroup *g, struct raft_event *ev)
{
	struct raft_update u;
	int rc = 0, rv;

	if (g->engine->is_dead)
		return -EIO;
	ev->time = g->engine->now;
	ev->capacity = UINT16_MAX;
	rv = raft_step(&g->r, ev, &u);
	if (rv != 0)
		return step_failed(g, ev, rv);
	if (u.flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR))
		put_vote(g);
	if (u.flags & RAFT_UPDATE_ENTRIES)
		rc = put_entries(g, &u);
	if (u.flags & RAFT_UPDATE_SNAPSHOT)
		transfer_install(g, &u);
	if (rc == 0 && (u.flags & RAFT_UPDATE_MESSAGES))
		send_all(g, &u);
	if (u.flags & RAFT_UPDATE_COMMIT_INDEX)
		engine_mark(g);
	watch(g);
	group_due(g);
	return rc;
}

int group_submit(struct egroup *g, int type, const void *data, size_t len)
{
	struct raft_entry entry = { .term = raft_current_term(&g->r),
				    .type = (enum raft_entry_type)type };
	struct raft_event ev = { .type = RAFT_SUBMIT };
	int rc;

	if (!group_leads(g))
		return -EAGAIN;
	entry.buf.base = raft_malloc(len);
	if (!entry.buf.base)
		return -ENOMEM;
	memcpy(entry.buf.base, data, len);
	entry.buf.len = len;
	entry.batch = entry.buf.base;
	ev.submit.entries = &entry;
	ev.submit.n = 1;
	rc = group_step(g, &ev);
	if (rc == -EAGAIN)
		raft_free(entry.buf.base);
	return rc;
}

/* -- start ----------------------------------------------------------- */

static unsigned count_entries(const struct egroup *g, struct raft_entry **ret)
{
	void *token = raft_malloc(1);
	struct raft_entry *at = raft_malloc((g->log.n + 1) * sizeof(*at));

	assert(at && token);
	at[0] = (struct raft_entry){ .batch = token };
	for (size_t i = 0; i < g->log.n; i++)
		at[i] = (struct raft_entry){
			.term = g->log.at[i].term,
			.type = (enum raft_entry_type)g->log.at[i].type,
			.buf = { g->log.at[i].data, g->log.at[i].len },
			.batch = token,
		};
	*ret = at;
	return (unsigned)g->log.n;
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
	raft_set_election_timeout(&g->r, g->timing.election_ms);
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
	ev.start.start_index = g->log.base + 1;
	ev.start.n_entries = count_entries(g, &entries);
	ev.start.entries = entries;
	token = entries[0].batch;
	rc = group_step(g, &ev);
	if (rc < 0)
		return err_set(err, rc, "group %" PRIu64 ": cannot start",
			       g->gid);
	raft_free(token);
	raft_free(entries);
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
	if (g->start_seq && g->start_seq <= ended)
		start_now(g);
	if (g->started && !g->installing && g->flush_last > g->r.last_stored) {
		ev.persisted_entries.index = g->flush_last;
		group_step(g, &ev);
	}
	g->flush_last = 0;
	if (g->vote_seq && g->vote_seq <= ended) {
		g->vote_seq = 0;
		send_held(g);
	}
	if (g->mark_seq && g->mark_seq <= ended)
		snap_flushed(g);
	if (g->reset_seq && g->reset_seq <= ended)
		transfer_flushed(g);
	engine_mark(g);
}
