/*
 * Snapshots from member to member.
 *
 *     leader ──"is": there is one──▶ create the file
 *            ◀──"sg": from offset──  │
 *            ──"sc": a chunk───────▶ write it, ask for the next ... the last
 *                                    │ [worker: does it check?]
 *                                    ▼
 *                          libraft is told, takes it: the log is reset
 *                                    │ the mark of that is durable
 *                                    ▼
 *                 [worker: into the database] ─▶ PERSISTED_SNAPSHOT
 *
 * The data goes beside raft's messages and never through libraft, which only
 * learns of a snapshot that is complete and has been checked. Until then the
 * leader's heartbeats are refused for want of entries, and each refusal brings
 * another "is", which keeps the transfer alive; it goes on as long as that
 * leader leads, even if the leader has taken a newer snapshot meanwhile.
 *
 * From the moment that libraft takes it the old log counts no more, and its
 * commit index may rise to the snapshot's before that is in the database: so
 * nothing is applied until it is. The database is written by a worker, and
 * nothing else is applied in that time, to any group; messages and heartbeats
 * go on. It is written only after the mark in the log is durable: after a
 * crash the log must never be behind the database.
 *
 * Failure: a chunk that does not come is asked for again, then the transfer is
 * given up; the leader's next offer begins another.
 *
 *   k    message               carries
 *   sg   give me               li lt of
 *   sc   a chunk               li lt of d
 *   sx   I have it no more     li lt
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/raft/internal.h"

struct transfer {
	struct egroup *group; /* stays while a job runs */
	struct snap snap;
	uint64_t from, term;
	char *name;
	uint64_t offset; /* so much is written */
	bool busy;	 /* a job runs */
	bool given_up;	 /* while it did */
	bool checked;	 /* it is whole */
	bool taken;	 /* libraft has it */
	uint64_t retry;
	unsigned tries;
	void *chunk;
	size_t chunk_len;
	struct raft_snapshot_metadata meta; /* once taken */
	uint64_t applied, applied_term;	    /* once imported */
	struct err err;
	int rc;
};

static void transfer_free(struct transfer *x)
{
	snap_fini(&x->snap);
	free(x->name);
	free(x->chunk);
	free(x);
}

/* A job that runs frees it when it comes back. */
static void give_up(struct egroup *g, const char *why)
{
	struct transfer *x = g->rx;

	g->rx = NULL;
	g->engine->n_transfers--;
	if (why)
		engine_log(g->engine, 4,
			   "group %" PRIu64 ": snapshot at %" PRIu64
			   " from %" PRIu64 ": %s",
			   g->gid, x->snap.index, x->from, why);
	x->given_up = true;
	if (x->busy)
		return;
	snap_discard(g, &x->snap);
	transfer_free(x);
}

bool transfer_uses(const struct egroup *g, uint64_t index, uint64_t term)
{
	return g->rx && g->rx->snap.index == index && g->rx->snap.term == term;
}

void transfer_drop(struct egroup *g)
{
	struct transfer *x = g->rx;

	if (!x)
		return;
	if (x->taken)
		raft_configuration_close(&x->meta.configuration);
	give_up(g, NULL);
}

static void job(struct transfer *x, void (*run)(void *arg),
		void (*done)(void *arg))
{
	x->busy = true;
	engine_job(x->group, run, done, x);
}

/* False: @x was given up meanwhile and is gone now. */
static bool job_back(struct transfer *x)
{
	struct egroup *g = x->group;
	bool here = !x->given_up;

	x->busy = false;
	if (!here) {
		snap_discard(g, &x->snap);
		transfer_free(x);
	}
	engine_job_done(g);
	return here;
}

/* -- chunks come in -------------------------------------------------------- */

static struct doc *snap_doc(struct arena *a, const char *kind,
			    const struct snap *s)
{
	struct doc *d = doc_map(a);

	doc_put_str(a, d, "k", kind);
	doc_put_int(a, d, "li", (int64_t)s->index);
	doc_put_int(a, d, "lt", (int64_t)s->term);
	return d;
}

static void ask(struct transfer *x)
{
	struct egroup *g = x->group;
	struct arena *a = engine_scratch(g->engine);
	struct doc *msg = snap_doc(a, "sg", &x->snap);

	doc_put_int(a, msg, "of", (int64_t)x->offset);
	x->retry = g->engine->now + CHUNK_RETRY_MS;
	group_send(g, x->from, a, msg);
}

static void begin_check(struct transfer *x);

static void write_run(void *arg)
{
	struct transfer *x = arg;
	const struct wal_disk *d = x->group->engine->snap_disk;

	if (x->chunk) {
		x->rc = d->write(d->ctx, x->name, x->offset, x->chunk,
				 x->chunk_len);
		return;
	}
	d->remove(d->ctx, x->name); /* of an attempt that failed */
	x->rc = d->create(d->ctx, x->name, x->snap.size);
}

static void write_done(void *arg)
{
	struct transfer *x = arg;

	if (!job_back(x))
		return;
	if (x->rc < 0) {
		give_up(x->group, strerror(-x->rc));
		return;
	}
	if (x->chunk)
		x->offset += x->chunk_len;
	free(x->chunk);
	x->chunk = NULL;
	x->tries = 0;
	if (x->offset < x->snap.size)
		ask(x);
	else
		begin_check(x);
}

static void recv_chunk(struct egroup *g, uint64_t from, const struct doc *msg)
{
	const struct doc *data = doc_get(msg, "d");
	struct transfer *x = g->rx;

	if (x->busy || x->checked || from != x->from || !data ||
	    data->type != DOC_BIN || !data->str.len ||
	    data->str.len > CHUNK_BYTES ||
	    data->str.len > x->snap.size - x->offset ||
	    (uint64_t)doc_get_int(msg, "of", -1) != x->offset)
		return;
	x->chunk = malloc(data->str.len);
	if (!x->chunk)
		return; /* asked for again */
	memcpy(x->chunk, data->str.data, data->str.len);
	x->chunk_len = data->str.len;
	job(x, write_run, write_done);
}

/* -- the whole of it ---------------------------------------------------------
 */

static int import_once(struct transfer *x, const void *data)
{
	struct engine *e = x->group->engine;
	struct txn *t = txn_begin_write(e->db, &x->err);
	int rc;

	if (!t)
		return x->err.code;
	rc = txn_import(t, x->group->gid, data, (size_t)x->snap.size, &x->err);
	if (rc == 0)
		rc = apply_get(t, x->group->gid, &x->applied, &x->applied_term);
	/* A full map looks like a stream that does not go in. */
	if (rc == 0 && !x->taken)
		txn_abort(t);
	else if (rc == 0)
		rc = txn_commit(t, &x->err);
	else if (txn_commit(t, NULL) == -EAGAIN)
		rc = -EAGAIN;
	return rc;
}

static void import_run(void *arg)
{
	struct transfer *x = arg;
	void *data = NULL;
	int rc = snap_read(x->group->engine, x->name, x->snap.size, &data,
			   &x->err);

	if (rc == 0)
		do
			rc = import_once(x, data);
		while (rc == -EAGAIN);
	if (rc == 0 &&
	    (x->applied != x->snap.index || x->applied_term != x->snap.term))
		rc = err_set(&x->err, -EUCLEAN,
			     "it holds the state of %" PRIu64
			     " in term %" PRIu64,
			     x->applied, x->applied_term);
	free(data);
	x->rc = rc;
}

/* Offer it to libraft, in the name of the leader whose it is. */
static void feed(struct transfer *x)
{
	struct egroup *g = x->group;
	struct raft_message m = { .type = RAFT_INSTALL_SNAPSHOT,
				  .server_id = x->from,
				  .server_address = "" };
	struct raft_event ev = { .type = RAFT_RECEIVE };
	struct raft_snapshot_metadata meta;

	if (g->r.state != RAFT_FOLLOWER || group_leader(g) != x->from ||
	    raft_current_term(&g->r) != x->term) {
		give_up(g, "its leader leads no more");
		return;
	}
	if (g->engine->is_dead)
		return;
	if (snap_metadata(&x->snap, &meta) < 0) {
		give_up(g, "its member list does not check");
		return;
	}
	m.install_snapshot.term = x->term;
	m.install_snapshot.last_index = meta.index;
	m.install_snapshot.last_term = meta.term;
	m.install_snapshot.conf_index = meta.configuration_index;
	m.install_snapshot.conf = meta.configuration;
	ev.receive.message = &m;
	if (group_step(g, &ev) < 0)
		return;
	/* Or else the entries have come in another way. */
	if (!x->taken)
		give_up(g, NULL);
}

/* Nothing was applied meanwhile, to any group. */
static void import_back(struct transfer *x)
{
	struct engine *e = x->group->engine;

	e->importing--;
	for (size_t i = 0; i < e->n_groups; i++)
		engine_mark(e->groups[i]);
}

static void check_done(void *arg)
{
	struct transfer *x = arg;

	import_back(x);
	if (!job_back(x))
		return;
	if (x->rc < 0) {
		give_up(x->group, x->err.text);
		return;
	}
	x->checked = true;
	feed(x);
}

static void begin_check(struct transfer *x)
{
	x->group->engine->importing++;
	job(x, import_run, check_done);
}

void transfer_offer(struct egroup *g, uint64_t from, const struct message *m)
{
	const struct raft_install_snapshot *is = &m->raft.install_snapshot;
	struct transfer *x = g->rx;
	struct arena *a;

	if (g->installing || (x && x->from == from && x->term == is->term))
		return;
	if (x)
		give_up(g, "another leader has another");
	x = calloc(1, sizeof(*x));
	if (!x)
		return; /* it will be offered again */
	a = arena_new();
	x->group = g;
	x->from = from;
	x->term = is->term;
	x->snap = (struct snap){ .index = is->last_index,
				 .term = is->last_term,
				 .conf_index = is->conf_index,
				 .size = m->size,
				 .conf = malloc(m->conf_len),
				 .conf_len = m->conf_len };
	x->name = strdup(snap_name(a, g->gid, &x->snap));
	arena_free(a);
	if (!x->name || !x->snap.conf) {
		transfer_free(x);
		return;
	}
	memcpy(x->snap.conf, m->conf, m->conf_len);
	g->rx = x;
	g->engine->n_transfers++;
	engine_busy(g->engine);
	if (g->engine->witness) { /* what it holds is not for us */
		x->snap.size = 0;
		x->checked = true;
		feed(x);
		return;
	}
	job(x, write_run, write_done);
}

/* -- libraft took it --------------------------------------------------------
 */

static int copy_snap(struct snap *ret, const struct snap *s)
{
	*ret = *s;
	ret->conf = malloc(s->conf_len);
	if (!ret->conf)
		return -ENOMEM;
	memcpy(ret->conf, s->conf, s->conf_len);
	return 0;
}

void transfer_install(struct egroup *g, const struct raft_update *u)
{
	struct transfer *x = g->rx;
	struct err err;

	assert(x && x->snap.index == u->snapshot.metadata.index);
	x->taken = true;
	x->meta = u->snapshot.metadata;
	g->installing = true;
	g->flush_last = 0;
	snap_discard(g, &g->taken);
	snap_supersede(g, &g->snap);
	glog_reset(&g->log, x->snap.index);
	if (copy_snap(&g->snap, &x->snap) < 0) {
		err_set(&err, -ENOMEM, "group %" PRIu64 ": out of memory",
			g->gid);
		engine_fatal(g->engine, &err);
		return;
	}
	group_put_mark(g, WAL_RESET, &g->snap, g->snap.index + 1);
	g->reset_seq = g->engine->flush_begun + 1;
}

static void install_finish(struct egroup *g, struct transfer *x)
{
	struct raft_event ev = { .type = RAFT_PERSISTED_SNAPSHOT };
	uint64_t index = x->snap.index;

	g->applied = x->applied;
	g->applied_term = x->applied_term;
	g->conf_cursor = index;
	g->installing = false;
	g->changed = true;
	ev.persisted_snapshot.metadata = x->meta;
	ev.persisted_snapshot.last = true;
	g->rx = NULL;
	g->engine->n_transfers--;
	transfer_free(x);
	group_step(g, &ev);
	propose_installed(g);
	engine_mark(g);
	g->engine->io.applied(g->engine->io.ctx, g->gid, index);
}

static void install_done(void *arg)
{
	struct transfer *x = arg;
	struct egroup *g = x->group;

	import_back(x);
	if (!job_back(x))
		return;
	if (x->rc == -EBUSY) {
		/* The map is full, and a reader kept it from growing. */
		transfer_flushed(g);
		return;
	}
	if (x->rc < 0) {
		err_wrap(&x->err, x->rc,
			 "group %" PRIu64 ": installing snapshot %" PRIu64,
			 g->gid, x->snap.index);
		engine_fatal(g->engine, &x->err);
		return;
	}
	install_finish(g, x);
}

void transfer_flushed(struct egroup *g)
{
	g->reset_seq = 0;
	if (g->engine->witness) {
		g->rx->applied = g->rx->snap.index;
		g->rx->applied_term = g->rx->snap.term;
		install_finish(g, g->rx);
		return;
	}
	g->engine->importing++;
	job(g->rx, import_run, install_done);
}

/* -- chunks go out ----------------------------------------------------------
 */

struct serving {
	struct egroup *group;
	struct snap snap; /* without its list */
	uint64_t to, offset;
	char *name;
	void *data;
	size_t len;
	int rc;
};

static void serving_run(void *arg)
{
	struct serving *s = arg;
	const struct wal_disk *d = s->group->engine->snap_disk;

	s->rc = d->read(d->ctx, s->name, s->offset, s->data, s->len);
}

static void serving_free(struct serving *s)
{
	free(s->name);
	free(s->data);
	free(s);
}

static void serving_done(void *arg)
{
	struct serving *s = arg;
	struct egroup *g = s->group;
	struct arena *a = engine_scratch(g->engine);
	struct doc *msg = snap_doc(a, s->rc < 0 ? "sx" : "sc", &s->snap);

	g->n_serving--;
	if (s->rc < 0)
		engine_log(g->engine, 4, "group %" PRIu64 ": reading %s: %s",
			   g->gid, s->name, strerror(-s->rc));
	if (s->rc == 0) {
		doc_put_int(a, msg, "of", (int64_t)s->offset);
		doc_put_bin(a, msg, "d", s->data, s->len);
	}
	if (!g->dropped)
		group_send(g, s->to, a, msg);
	serving_free(s);
	engine_job_done(g);
}

static void serve(struct egroup *g, struct snap *s, uint64_t to,
		  uint64_t offset)
{
	struct serving *job_of = calloc(1, sizeof(*job_of));
	struct arena *a = arena_new();

	if (job_of) {
		uint64_t left = s->size - offset;

		job_of->len = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
		job_of->data = malloc(job_of->len);
		job_of->name = strdup(snap_name(a, g->gid, s));
	}
	arena_free(a);
	if (!job_of || !job_of->data || !job_of->name) {
		if (job_of)
			serving_free(job_of);
		return; /* asked for again */
	}
	job_of->group = g;
	job_of->snap = (struct snap){ .index = s->index, .term = s->term };
	job_of->to = to;
	job_of->offset = offset;
	s->read_ms = g->engine->now;
	g->n_serving++;
	engine_job(g, serving_run, serving_done, job_of);
}

static bool is_snap(const struct snap *s, const struct doc *msg)
{
	return s->index && s->index == (uint64_t)doc_get_int(msg, "li", 0) &&
	       s->term == (uint64_t)doc_get_int(msg, "lt", 0);
}

static void recv_ask(struct egroup *g, uint64_t from, const struct doc *msg)
{
	uint64_t offset = (uint64_t)doc_get_int(msg, "of", -1);
	struct arena *a = engine_scratch(g->engine);
	struct snap *s = NULL, gone = { 0 };

	if (witness_is(g, from) || g->engine->witness)
		return;
	if (is_snap(&g->snap, msg))
		s = &g->snap;
	else if (is_snap(&g->old_snap, msg))
		s = &g->old_snap;
	/* While it is being installed, the file is still its writer's. */
	if (g->installing && s == &g->snap)
		return;
	if (s && (offset >= s->size || g->n_serving == MAX_SERVING))
		return;
	if (s) {
		serve(g, s, from, offset);
		return;
	}
	gone.index = (uint64_t)doc_get_int(msg, "li", 0);
	gone.term = (uint64_t)doc_get_int(msg, "lt", 0);
	group_send(g, from, a, snap_doc(a, "sx", &gone));
}

void transfer_recv(struct egroup *g, uint64_t from, const char *kind,
		   const struct doc *msg)
{
	if (strcmp(kind, "sg") == 0) {
		recv_ask(g, from, msg);
		return;
	}
	if (!g->rx || !is_snap(&g->rx->snap, msg))
		return;
	if (strcmp(kind, "sc") == 0)
		recv_chunk(g, from, msg);
	else if (!g->rx->checked && from == g->rx->from)
		give_up(g, "it is not there any more");
}

void transfer_housekeep(struct egroup *g)
{
	struct transfer *x = g->rx;

	if (!x || x->busy || x->checked || g->engine->now < x->retry)
		return;
	if (++x->tries > CHUNK_TRIES)
		give_up(g, "no answer");
	else
		ask(x);
}
