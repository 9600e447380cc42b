/*
 * Taking snapshots.
 *
 *     due ─▶ a read transaction ─▶ [worker: count, create, write] ─▶ a mark in
 *     the log ─▶ durable ─▶ libraft is told, the log's space given back
 *
 * The file counts only once the mark that names it is durable; the marks in
 * the log say which files are in use, all others are swept at start. It is
 * written in two passes over the same read transaction, since the disk wants
 * to know a file's size first; nothing is held in memory.
 *
 * On disk nothing is kept of the log below a snapshot. In memory some entries
 * are, so that a member that is only a little behind needs no snapshot.
 *
 * Failure: the file is removed and it is tried again later; the log grows
 * meanwhile.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/raft/internal.h"

#define WRITE_BYTES (1 << 20)

void snap_fini(struct snap *s)
{
	free(s->conf);
	*s = (struct snap){ 0 };
}

char *snap_name(struct arena *a, uint64_t gid, const struct snap *s)
{
	return arena_printf(a, "snap-%016" PRIx64 "-%016" PRIx64 "-%016" PRIx64,
			    gid, s->index, s->term);
}

int snap_metadata(const struct snap *s, struct raft_snapshot_metadata *ret)
{
	struct raft_buffer buf = { s->conf, s->conf_len };

	ret->index = s->index;
	ret->term = s->term;
	ret->configuration_index = s->conf_index;
	return raft_configuration_decode(&buf, &ret->configuration) == 0
		       ? 0
		       : -EUCLEAN;
}

int snap_read(struct engine *e, const char *name, uint64_t size, void **ret,
	      struct err *err)
{
	const struct wal_disk *d = e->snap_disk;
	uint64_t there = 0;
	void *data;
	int rc = d->size(d->ctx, name, &there);

	if (rc == 0 && there < size)
		rc = -EUCLEAN;
	if (rc < 0)
		return err_set(err, rc,
			       "snapshot %s: %s (%" PRIu64 " bytes of %" PRIu64
			       ")",
			       name, strerror(-rc), there, size);
	data = malloc(size ? (size_t)size : 1);
	if (!data)
		return err_set(err, -ENOMEM, "snapshot %s: out of memory",
			       name);
	rc = d->read(d->ctx, name, 0, data, (size_t)size);
	if (rc < 0) {
		free(data);
		return err_set(err, rc, "snapshot %s: reading: %s", name,
			       strerror(-rc));
	}
	*ret = data;
	return 0;
}

/* -- files that are not needed any more --------------------------------------
 */

struct removal {
	struct egroup *group;
	char name[];
};

static void removal_run(void *arg)
{
	struct removal *r = arg;
	const struct wal_disk *d = r->group->engine->snap_disk;

	/* What stays is swept at the next start. */
	d->remove(d->ctx, r->name);
}

static void removal_done(void *arg)
{
	struct removal *r = arg;

	engine_job_done(r->group);
	free(r);
}

static bool refers(const struct egroup *g, uint64_t index, uint64_t term)
{
	const struct snap *all[] = { &g->snap, &g->old_snap, &g->taken };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i]->index == index && all[i]->term == term)
			return true;
	return transfer_uses(g, index, term);
}

static void remove_file(struct egroup *g, const char *name)
{
	struct removal *r = malloc(sizeof(*r) + strlen(name) + 1);

	if (!r)
		return;
	r->group = g;
	strcpy(r->name, name);
	engine_job(g, removal_run, removal_done, r);
}

void snap_discard(struct egroup *g, struct snap *s)
{
	/* The group may have been dropped and be here anew. */
	struct egroup *now = engine_group(g->engine, g->gid);
	struct arena *a = arena_new();
	const char *name = snap_name(a, g->gid, s);
	uint64_t index = s->index, term = s->term;

	snap_fini(s);
	/* Another attempt may write the same file by now. */
	if (index && !g->engine->closing && !refers(g, index, term) &&
	    !(now && refers(now, index, term)))
		remove_file(g, name);
	arena_free(a);
}

void snap_supersede(struct egroup *g, struct snap *s)
{
	snap_discard(g, &g->old_snap);
	g->old_snap = *s;
	*s = (struct snap){ 0 };
}

/* -- taking one ---------------------------------------------------------------
 */

struct taking {
	struct egroup *group;
	struct snap snap;
	struct txn *txn;
	char *name;
	uint64_t written;
	unsigned char *buf;
	size_t used;
	struct err err;
	int rc;
};

static int count(void *arg, const void *data, size_t len)
{
	struct taking *t = arg;

	(void)data;
	t->snap.size += len;
	return t->snap.size <= MAX_SNAPSHOT ? 0 : -EFBIG;
}

static int write_out(struct taking *t)
{
	const struct wal_disk *d = t->group->engine->snap_disk;
	int rc = d->write(d->ctx, t->name, t->written, t->buf, t->used);

	t->written += t->used;
	t->used = 0;
	return rc;
}

static int gather(void *arg, const void *data, size_t len)
{
	struct taking *t = arg;
	const unsigned char *p = data;
	int rc = 0;

	while (len && rc == 0) {
		size_t n = WRITE_BYTES - t->used;

		if (n > len)
			n = len;
		memcpy(t->buf + t->used, p, n);
		t->used += n;
		p += n;
		len -= n;
		if (t->used == WRITE_BYTES)
			rc = write_out(t);
	}
	return rc;
}

static int take(struct taking *t)
{
	const struct wal_disk *d = t->group->engine->snap_disk;
	int rc = txn_export(t->txn, t->group->gid, count, t, &t->err);

	if (rc < 0)
		return rc;
	d->remove(d->ctx, t->name); /* of an attempt that failed */
	rc = d->create(d->ctx, t->name, t->snap.size);
	if (rc < 0)
		return err_set(&t->err, rc, "creating %s: %s", t->name,
			       strerror(-rc));
	t->buf = malloc(WRITE_BYTES);
	if (!t->buf)
		return err_set(&t->err, -ENOMEM, "out of memory");
	rc = txn_export(t->txn, t->group->gid, gather, t, &t->err);
	if (rc == 0 && t->used)
		rc = write_out(t);
	if (rc < 0)
		return err_set(&t->err, rc, "writing %s: %s", t->name,
			       strerror(-rc));
	assert(t->written == t->snap.size);
	return 0;
}

static void taking_run(void *arg)
{
	struct taking *t = arg;

	t->rc = take(t);
	free(t->buf);
	t->buf = NULL;
}

static void taking_free(struct taking *t)
{
	snap_fini(&t->snap);
	free(t->name);
	free(t);
}

static void taking_done(void *arg)
{
	struct taking *t = arg;
	struct egroup *g = t->group;
	struct engine *e = g->engine;

	txn_abort(t->txn);
	g->taking = false;
	if (t->rc < 0) {
		engine_log(e, 4,
			   "group %" PRIu64 ": snapshot at %" PRIu64
			   ": %s; trying again later",
			   g->gid, t->snap.index, t->err.text);
		g->take_after_ms = e->now + SNAP_BACKOFF_MS;
	}
	/* Meanwhile a newer one may have come from the leader. */
	if (t->rc < 0 || g->dropped || g->installing ||
	    g->snap.index >= t->snap.index) {
		snap_discard(g, &t->snap);
	} else if (group_put_mark(g, WAL_SNAPSHOT, &t->snap,
				  t->snap.index + 1) == 0) {
		g->taken = t->snap;
		t->snap = (struct snap){ 0 };
		g->mark_seq = e->flush_begun + 1;
	}
	engine_mark(g);
	taking_free(t);
	engine_job_done(g);
}

/* The member list as of @index, which was applied. */
static int conf_at(const struct egroup *g, uint64_t index, struct snap *s)
{
	const void *conf = g->snap.conf;

	s->conf_index = g->snap.conf_index;
	s->conf_len = g->snap.conf_len;
	for (uint64_t i = index; i > g->snap.index; i--) {
		const struct raft_log_entry *e = glog_get(&g->log, i);

		if (!e || e->type != RAFT_CHANGE)
			continue;
		s->conf_index = i;
		conf = e->data;
		s->conf_len = e->len;
		break;
	}
	assert(conf);
	s->conf = malloc(s->conf_len);
	if (!s->conf)
		return -ENOMEM;
	memcpy(s->conf, conf, s->conf_len);
	return 0;
}

/* After a start the database may be ahead of what libraft knows to be
 * committed; it has to see the entries, and the lists among them, first. */
static bool due(const struct egroup *g)
{
	const struct raft_log_entry *last;
	uint64_t behind;

	if (!g->started || g->dropped || g->installing || g->rx || g->taking ||
	    g->mark_seq || g->applied <= g->snap.index ||
	    g->applied > raft_commit_index(&g->r) ||
	    g->engine->now < g->take_after_ms)
		return false;
	behind = g->applied - g->snap.index;
	last = glog_get(&g->log, g->applied);
	return last && (behind >= g->engine->snapshot_entries || g->take_now ||
			g->log.bytes > SNAP_BYTES + TRAIL_BYTES);
}

/* A mark alone. */
static void mark_turn(struct egroup *g)
{
	struct snap s;

	if (!witness_mark(g, &s) || conf_at(g, s.index, &s) < 0)
		return;
	if (group_put_mark(g, WAL_SNAPSHOT, &s, s.index + 1) < 0) {
		snap_fini(&s);
		return;
	}
	g->taken = s;
	g->mark_seq = g->engine->flush_begun + 1;
	engine_mark(g);
}

void snap_turn(struct egroup *g)
{
	struct arena *a;
	struct taking *t;
	struct err err;

	if (g->engine->witness) {
		mark_turn(g);
		return;
	}
	if (!due(g))
		return;
	t = calloc(1, sizeof(*t));
	if (!t)
		return;
	a = arena_new();
	t->group = g;
	t->snap.index = g->applied;
	t->snap.term = g->applied_term;
	t->name = strdup(snap_name(a, g->gid, &t->snap));
	t->txn = txn_begin_read(g->engine->db, &err);
	arena_free(a);
	if (!t->name || !t->txn || conf_at(g, g->applied, &t->snap) < 0) {
		txn_abort(t->txn);
		taking_free(t);
		g->take_after_ms = g->engine->now + SNAP_BACKOFF_MS;
		return;
	}
	g->taking = true;
	g->take_now = false;
	engine_job(g, taking_run, taking_done, t);
}

/* How many entries to keep in memory behind @index. */
static unsigned trailing(const struct egroup *g, uint64_t index)
{
	uint64_t bytes = 0;
	unsigned n = 0;

	while (n < g->engine->trailing && !g->engine->witness) {
		const struct raft_log_entry *e = glog_get(&g->log, index - n);

		if (!e || bytes + e->len > TRAIL_BYTES)
			break;
		bytes += e->len;
		n++;
	}
	return n;
}

void snap_flushed(struct egroup *g)
{
	struct raft_event ev = { .type = RAFT_SNAPSHOT };

	g->mark_seq = 0;
	if (!g->taken.index)
		return;
	if (snap_metadata(&g->taken, &ev.snapshot.metadata) < 0)
		return;
	ev.snapshot.trailing = trailing(g, g->taken.index);
	snap_supersede(g, &g->snap);
	g->snap = g->taken;
	g->taken = (struct snap){ 0 };
	if (group_step(g, &ev) < 0)
		return;
	glog_trim(&g->log, g->r.trail.offset);
	wal_release(g->engine->wal, g->gid, g->snap.index + 1);
}

/* Entries of an idle group hold back the space of a log that the others
 * fill. */
static bool holds_back(const struct egroup *g)
{
	const struct engine *e = g->engine;
	const struct raft_log_entry *first =
		glog_get(&g->log, g->snap.index + 1);
	uint64_t segment = e->wal_segment ? e->wal_segment : SEGMENT_DEFAULT;

	return first && e->put_bytes - first->pos > SEGMENTS_HELD * segment;
}

void snap_housekeep(struct egroup *g)
{
	if (g->old_snap.index && !g->n_serving &&
	    g->engine->now >= g->old_snap.read_ms + SNAP_KEEP_MS)
		snap_discard(g, &g->old_snap);
	if (!g->take_now && g->applied > g->snap.index && holds_back(g)) {
		g->take_now = true;
		engine_mark(g);
	}
}
