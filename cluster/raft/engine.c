/*
 * The whole: open, turn, tick, recv, close.
 *
 * A turn
 *   1. takes what the last flush made durable to libraft
 *   2. for each group that has something to do: proposals into the log, what
 *      is committed into the database, results out, reads, snapshots, calls
 *      back; and again, since those who are called propose more
 *   3. begins the next flush with everything that is pending
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/raft/internal.h"

/* -- helpers --------------------------------------------------------------- */

struct arena *engine_scratch(struct engine *e)
{
	if (!e->scratch)
		e->scratch = arena_new();
	return e->scratch;
}

/* splitmix64 (Vigna). */
uint64_t engine_random(struct engine *e)
{
	uint64_t z = e->rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void engine_log(struct engine *e, int level, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	e->io.log(e->io.ctx, level, text);
}

int engine_fatal(struct engine *e, const struct err *err)
{
	if (e->is_dead)
		return err->code;
	e->is_dead = true;
	e->io.fatal(e->io.ctx, err);
	return err->code;
}

int group_list_add(struct group_list *l, struct egroup *g)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		struct egroup **at =
			realloc(l->at, cap * sizeof(struct egroup *));

		if (!at)
			abort(); /* a few bytes per group */
		l->at = at;
		l->cap = cap;
	}
	l->at[l->n++] = g;
	return 0;
}

void engine_mark(struct egroup *g)
{
	g->engine->again = true;
	if (g->dirty)
		return;
	g->dirty = true;
	group_list_add(&g->engine->dirty, g);
}

void engine_job(struct egroup *g, void (*run)(void *arg),
		void (*done)(void *arg), void *arg)
{
	g->jobs++;
	g->engine->io.work(g->engine->io.ctx, LANE_SNAP, run, done, arg);
}

void engine_job_done(struct egroup *g)
{
	assert(g->jobs);
	g->jobs--;
	g->engine->again = true;
}

void engine_busy(struct engine *e)
{
	if (e->housekeep_ms > e->now + HOUSEKEEP_MS)
		e->housekeep_ms = e->now + HOUSEKEEP_MS;
}

static void set_now(struct engine *e, uint64_t now_ms)
{
	if (now_ms > e->now)
		e->now = now_ms;
}

/* -- life --------------------------------------------------------------------
 */

int engine_open(struct engine **ret, const struct engine_options *o,
		struct err *err)
{
	struct engine *e = calloc(1, sizeof(*e));
	int rc;

	if (!e)
		return err_set(err, -ENOMEM, "out of memory");
	e->io = o->io;
	e->snap_disk = o->snap_disk;
	e->db = o->db;
	e->snapshot_entries = o->snapshot_entries ? o->snapshot_entries : 4096;
	e->trailing = o->trailing ? o->trailing : 1024;
	e->wal_segment = o->wal_segment;
	e->witness = o->witness;
	e->now = o->now_ms;
	e->rng = o->seed;
	TAILQ_INIT(&e->failed);
	TAILQ_INIT(&e->done_readers);
	snprintf(e->client, sizeof(e->client), "e%016" PRIx64 "%016" PRIx64,
		 engine_random(e), engine_random(e));
	/* An answer to a question of an earlier life must not fit one of
	 * this. */
	e->next_id = engine_random(e) >> 1;
	rc = engine_load(e, o->wal_disk, err);
	if (rc < 0) {
		engine_close(e);
		return rc;
	}
	*ret = e;
	return 0;
}

static void forget(struct engine *e, struct egroup *g)
{
	propose_drop(g);
	read_drop(g);
	transfer_drop(g);
	/* Its callbacks may have been waiting for this. */
	propose_tell(e);
	read_tell(e);
}

void engine_close(struct engine *e)
{
	if (!e)
		return;
	e->closing = e->is_dead = true;
	for (size_t i = 0; i < e->n_groups; i++)
		forget(e, e->groups[i]);
	for (size_t i = 0; i < e->n_groups; i++)
		group_free(e->groups[i]);
	for (size_t i = 0; i < e->dead.n; i++)
		group_free(e->dead.at[i]);
	propose_tell(e);
	read_tell(e);
	wal_close(e->wal);
	free(e->groups);
	free(e->due);
	free(e->table);
	free(e->touched.at);
	free(e->flushing.at);
	free(e->dirty.at);
	free(e->doing.at);
	free(e->dead.at);
	arena_free(e->scratch);
	free(e);
}

/* -- groups come and go ------------------------------------------------------
 */

static void put_new(struct egroup *g, const struct raft_entry *entries,
		    unsigned n)
{
	struct snap none = { 0 };

	group_put_mark(g, WAL_RESET, &none, 1);
	if (n) {
		g->first_term = 1;
		group_put(g,
			  &(struct wal_record){ .kind = WAL_VOTE, .term = 1 });
	}
	for (unsigned i = 0; i < n; i++)
		group_put_entry(g, i + 1, &entries[i]);
	g->start_seq = g->engine->flush_begun + 1;
	g->engine->again = true;
}

static int make(struct engine *e, uint64_t gid, uint64_t self,
		const struct engine_timing *timing, struct egroup **ret,
		struct err *err)
{
	struct egroup *g;

	for (size_t i = 0; i < e->dead.n; i++)
		if (e->dead.at[i]->gid == gid &&
		    (e->dead.at[i]->jobs || e->dead.at[i]->has_rows))
			return err_set(err, -EBUSY,
				       "group %" PRIu64
				       " is still being forgotten here: try "
				       "again",
				       gid);
	if (!self)
		return err_set(err, -EINVAL, "group %" PRIu64 ": no member id",
			       gid);
	g = group_new(e, gid, self, timing);
	if (!g || engine_insert(e, g) < 0) {
		group_free(g);
		return err_set(err, -ENOMEM, "group %" PRIu64 ": out of memory",
			       gid);
	}
	*ret = g;
	return 0;
}

static int pack_docs(const struct doc *const *commands, size_t n,
		     struct raft_buffer *ret)
{
	struct arena *a = arena_new();
	struct bytes *at = ARENA_VEC(a, struct bytes, n + 1);

	for (size_t i = 0; i < n; i++) {
		struct buf b = BUF(a);

		doc_encode(&b, commands[i]);
		at[i] = (struct bytes){ b.data, b.len };
	}
	ret->base = propose_pack(at, n, &ret->len);
	arena_free(a);
	if (!ret->base)
		return -ENOMEM;
	return ret->len <= 1 << 20 ? 0 : -EMSGSIZE;
}

static int first_entries(const struct engine_server *servers, size_t n,
			 const struct doc *const *commands, size_t n_commands,
			 struct raft_entry ret[2])
{
	struct raft_configuration c;
	int rv = 0;

	raft_configuration_init(&c);
	for (size_t i = 0; i < n && rv == 0; i++)
		rv = raft_configuration_add(
			&c, servers[i].id, servers[i].address,
			servers[i].role == ENGINE_VOTER	  ? RAFT_VOTER
			: servers[i].role == ENGINE_SPARE ? RAFT_SPARE
							  : RAFT_STANDBY);
	if (rv == 0 && c.n)
		rv = raft_configuration_encode(&c, &ret[0].buf);
	raft_configuration_close(&c);
	if (rv != 0 || !n)
		return -EINVAL;
	ret[0].term = ret[1].term = 1;
	ret[0].type = RAFT_CHANGE;
	ret[1].type = RAFT_COMMAND;
	return n_commands ? pack_docs(commands, n_commands, &ret[1].buf) : 0;
}

int engine_bootstrap(struct engine *e, uint64_t gid, uint64_t self,
		     const struct engine_timing *timing,
		     const struct engine_server *servers, size_t n,
		     const struct doc *const *commands, size_t n_commands,
		     struct err *err)
{
	struct raft_entry entries[2] = { 0 };
	struct egroup *g;
	int rc;

	if (engine_group(e, gid))
		return 0;
	rc = first_entries(servers, n, commands, n_commands, entries);
	if (rc < 0)
		err_set(err, rc, "group %" PRIu64 ": its first entries: %s",
			gid, strerror(-rc));
	else
		rc = make(e, gid, self, timing, &g, err);
	if (rc == 0)
		put_new(g, entries, n_commands ? 2 : 1);
	raft_free(entries[0].buf.base);
	raft_free(entries[1].buf.base);
	return rc;
}

int engine_join(struct engine *e, uint64_t gid, uint64_t self,
		const struct engine_timing *timing, struct err *err)
{
	struct egroup *g;
	int rc;

	if (engine_group(e, gid))
		return 0;
	rc = make(e, gid, self, timing, &g, err);
	if (rc == 0)
		put_new(g, NULL, 0);
	return rc;
}

static int drop_rows(struct egroup *g, struct err *err)
{
	struct engine *e = g->engine;
	int rc;

	do {
		struct txn *t = txn_begin_write(e->db, err);

		if (!t)
			return err->code;
		txn_drop_group(t, g->gid);
		rc = txn_commit(t, err);
	} while (rc == -EAGAIN);
	g->has_rows = rc < 0;
	return rc;
}

int engine_drop(struct engine *e, uint64_t gid, struct err *err)
{
	struct egroup *g = engine_group(e, gid);
	struct err own = { 0 };
	int rc = 0;

	if (!g)
		return 0;
	g->dropped = g->has_rows = true;
	group_put(g, &(struct wal_record){ .kind = WAL_DROP });
	g->drop_seq = e->flush_begun + 1;
	engine_remove(e, g);
	group_list_add(&e->dead, g);
	propose_drop(g);
	read_drop(g);
	transfer_drop(g);
	if (!e->importing)
		rc = drop_rows(g, &own);
	if (rc == 0 || rc == -EBUSY)
		return 0; /* or later, in reap() */
	if (err)
		*err = own;
	return err_wrap(err, rc, "dropping group %" PRIu64, gid);
}

/* Its files go once the log says for good that it is gone. */
static bool reap(struct engine *e, struct egroup *g)
{
	struct err err = { 0 };

	if (g->has_rows && !e->importing && drop_rows(g, &err) < 0 &&
	    err.code != -EBUSY)
		engine_fatal(e, &err);
	if (g->has_rows || g->dirty || g->drop_seq > e->flush_ended)
		return false;
	snap_discard(g, &g->snap);
	snap_discard(g, &g->old_snap);
	snap_discard(g, &g->taken);
	if (g->jobs)
		return false;
	group_free(g);
	return true;
}

static void reap_all(struct engine *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->dead.n; i++)
		if (!reap(e, e->dead.at[i]))
			e->dead.at[n++] = e->dead.at[i];
	e->dead.n = n;
}

/* -- what is asked of it ------------------------------------------------------
 */

bool engine_has(const struct engine *e, uint64_t gid)
{
	return engine_group(e, gid) != NULL;
}

size_t engine_groups(const struct engine *e, uint64_t *ret_gids, size_t max)
{
	size_t n = e->n_groups < max ? e->n_groups : max;

	for (size_t i = 0; i < n; i++)
		ret_gids[i] = e->groups[i]->gid;
	return n;
}

static void info_members(const struct egroup *g, struct engine_info *ret)
{
	const struct raft_configuration *c = &g->r.configuration;

	ret->role = ENGINE_SPARE;
	for (unsigned i = 0; i < c->n; i++) {
		const struct raft_server *s = &c->servers[i];

		ret->n_voters += s->role == RAFT_VOTER;
		if (s->id == g->self && s->role != RAFT_SPARE)
			ret->role = s->role == RAFT_VOTER ? ENGINE_VOTER
							  : ENGINE_STANDBY;
	}
}

bool engine_info(const struct engine *e, uint64_t gid, struct engine_info *ret)
{
	const struct egroup *g = engine_group(e, gid);
	const struct raft_log_entry *last;

	if (!g)
		return false;
	*ret = (struct engine_info){ .self = g->self,
				     .role = ENGINE_STANDBY,
				     .applied = g->applied };
	if (!g->started)
		return true;
	ret->leader = group_leader(g);
	ret->is_leader = group_leads(g) && !e->witness;
	ret->is_ready = ret->is_leader && group_ready(g) &&
			g->applied >= g->ready_index;
	ret->is_settled = ret->is_ready && group_settled(g);
	ret->leader_since_ms = g->leader_since_ms;
	ret->term = raft_current_term(&g->r);
	ret->commit = raft_commit_index(&g->r);
	ret->last = glog_last(&g->log);
	last = glog_get(&g->log, ret->last);
	ret->last_term = last ? last->term : g->applied_term;
	ret->contact_ms = ret->is_leader ? contact_majority(g) : 0;
	info_members(g, ret);
	return true;
}

void engine_hasten(struct engine *e, uint64_t gid, unsigned delay_ms)
{
	struct egroup *g = engine_group(e, gid);

	if (!g || !g->started || g->hastened || e->witness || g->haste_at ||
	    g->r.state != RAFT_FOLLOWER)
		return;
	g->haste_at = e->now + delay_ms;
	group_due(g);
}

static void haste(struct egroup *g)
{
	g->haste_at = 0;
	if (g->r.state == RAFT_LEADER)
		return;
	g->hastened = true;
	raft_set_election_timeout(&g->r, HASTE_MS);
	group_due(g);
}

/* -- the log's flushes ----------------------------------------------------- */

static void flush_run(void *arg)
{
	struct engine *e = arg;

	e->flush_rc = wal_flush_run(e->flush, &e->flush_err);
}

static void flush_back(void *arg)
{
	struct engine *e = arg;

	e->flush_done = true;
	e->again = true;
}

static void flush_begin(struct engine *e)
{
	struct group_list swap = e->flushing;

	if (e->flush || e->is_dead || !wal_dirty(e->wal))
		return;
	e->flush = wal_flush_begin(e->wal);
	if (!e->flush)
		return;
	e->flush_begun++;
	e->flush_done = false;
	e->flush_err = (struct err){ 0 };
	e->flush_ms = e->now;
	e->flushing = e->touched;
	e->touched = swap;
	e->touched.n = 0;
	for (size_t i = 0; i < e->flushing.n; i++) {
		struct egroup *g = e->flushing.at[i];

		g->touched = false;
		g->flush_last = glog_last(&g->log);
	}
	e->io.work(e->io.ctx, LANE_LOG, flush_run, flush_back, e);
}

static void flush_end(struct engine *e)
{
	struct wal_flush *f = e->flush;
	int rc;

	if (!e->flush_done)
		return;
	e->flush = NULL;
	e->flush_done = false;
	rc = wal_flush_end(e->wal, f, e->flush_rc, &e->flush_err);
	if (rc < 0) {
		err_wrap(&e->flush_err, rc, "writing the log");
		engine_fatal(e, &e->flush_err);
		return;
	}
	e->flush_ended++;
	for (size_t i = 0; i < e->flushing.n; i++)
		group_flushed(e->flushing.at[i]);
	e->flushing.n = 0;
}

static void check_stall(struct engine *e)
{
	struct err err;

	if (!e->flush || e->flush_done || e->now < e->flush_ms + STALL_MS)
		return;
	err_set(&err, -ETIMEDOUT,
		"a write to the log has taken %d seconds: the disk hangs",
		STALL_MS / 1000);
	engine_fatal(e, &err);
}

/* -- driving it -------------------------------------------------------------
 */

static void turn_round(struct engine *e)
{
	struct group_list list = e->dirty;

	e->dirty = e->doing;
	e->dirty.n = 0;
	e->doing = list;
	for (size_t i = 0; i < list.n; i++)
		list.at[i]->dirty = false;
	for (size_t i = 0; i < list.n; i++)
		if (list.at[i]->started && !list.at[i]->dropped)
			propose_turn(list.at[i]);
	apply_run(e, &list);
	for (size_t i = 0; i < list.n; i++) {
		struct egroup *g = list.at[i];

		if (!g->started || g->dropped || e->is_dead)
			continue;
		read_turn(g);
		if (e->witness)
			witness_turn(g);
		if (g->tell)
			group_tell(g);
		snap_turn(g);
		if (g->changed) {
			g->changed = false;
			e->io.changed(e->io.ctx, g->gid);
		}
	}
	propose_tell(e);
	read_tell(e);
}

void engine_turn(struct engine *e, uint64_t now_ms)
{
	set_now(e, now_ms);
	e->again = false;
	if (e->is_dead)
		return;
	flush_end(e);
	for (int i = 0; i < TURN_ROUNDS && !e->is_dead; i++) {
		if (!e->dirty.n && TAILQ_EMPTY(&e->failed) &&
		    TAILQ_EMPTY(&e->done_readers))
			break;
		turn_round(e);
	}
	flush_begin(e);
	reap_all(e);
	e->again = e->dirty.n || !TAILQ_EMPTY(&e->failed) ||
		   !TAILQ_EMPTY(&e->done_readers);
	arena_free(e->scratch);
	e->scratch = NULL;
}

static void housekeep(struct engine *e)
{
	bool busy = e->n_table || e->n_readers || e->n_transfers;

	e->housekeep_ms = e->now + (busy ? HOUSEKEEP_MS : IDLE_MS);
	for (size_t i = 0; i < e->n_groups; i++) {
		struct egroup *g = e->groups[i];

		if (!TAILQ_EMPTY(&g->proposals))
			propose_housekeep(g);
		if (!TAILQ_EMPTY(&g->readers))
			read_housekeep(g);
		if (!g->started)
			continue;
		transfer_housekeep(g);
		snap_housekeep(g);
	}
}

void engine_tick(struct engine *e, uint64_t now_ms)
{
	set_now(e, now_ms);
	check_stall(e);
	if (e->is_dead)
		return;
	for (size_t i = 0; i < e->n_groups; i++) {
		struct egroup *g = e->groups[i];

		if (e->due[i] > e->now)
			continue;
		if (g->haste_at && g->haste_at <= e->now)
			haste(g);
		if (raft_timeout(&g->r) <= e->now)
			group_timeout(g);
		else
			group_due(g);
		if (e->witness && group_leads(g))
			engine_mark(g);
	}
	if (e->now >= e->housekeep_ms)
		housekeep(e);
}

uint64_t engine_next_ms(const struct engine *e)
{
	uint64_t next = e->housekeep_ms;

	if (e->again)
		return e->now;
	for (size_t i = 0; i < e->n_groups; i++)
		if (e->due[i] < next)
			next = e->due[i];
	return next;
}

void engine_recv(struct engine *e, uint64_t now_ms, uint64_t gid, uint64_t from,
		 const struct doc *msg)
{
	struct egroup *g = engine_group(e, gid);
	const char *kind = doc_get_str(msg, "k", "");

	set_now(e, now_ms);
	if (!g || !g->started || e->is_dead || !from || from == g->self)
		return;
	if (message_is_raft(kind))
		group_receive(g, from, msg);
	else if (e->witness && kind[0] != 'c' && kind[0] != 's')
		return; /* it serves nobody */
	else if (strcmp(kind, "pp") == 0)
		propose_recv(g, msg);
	else if (kind[0] == 's')
		transfer_recv(g, from, kind, msg);
	else if (kind[0] == 'c' || kind[0] == 'r')
		read_recv(g, from, kind, msg);
}
