/*
 * rig - engines in one process, for unit tests: messages and jobs are carried
 * out in the order in which they came, time passes as the test says.
 *
 * For what goes wrong on the way see tests/sim; here everything works, unless
 * a node is `down` or a test looks into `drop`.
 */
#pragma once

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "cluster/raft/engine.h"
#include "cluster/sim/simdisk.h"
#include "tests/lib/table.h"

#define RIG_NODES 5
#define RIG_GROUP 7

struct rig;

struct rig_node {
	struct rig *rig;
	uint64_t id;
	char dir[64];
	bool down, witness;
	struct simdisk *wal, *snap;
	struct db *db;
	struct engine *engine;
	struct err fatal;
	unsigned applied_calls, changed_calls;
	uint64_t clock_skew;
};

struct rig_event {
	TAILQ_ENTRY(rig_event) link;
	struct rig_node *node;
	/* a message ... */
	struct arena *arena;
	uint64_t gid, from;
	struct doc *msg;
	/* ... or a job */
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

struct rig {
	uint64_t now;
	char dir[32];
	struct rig_node nodes[RIG_NODES];
	size_t n;
	TAILQ_HEAD(, rig_event) events;
	unsigned snapshot_entries, trailing;
	/* False: the message is lost. */
	bool (*pass)(struct rig *r, uint64_t from, uint64_t to,
		     const struct doc *msg);
	unsigned messages;
	unsigned kinds[256]; /* by the sum of the kind's two letters */
};

static inline unsigned rig_kind(const char *k)
{
	return ((unsigned)k[0] * 7 + (unsigned)k[1]) & 255;
}

static inline struct rig_node *rig_find(struct rig *r, uint64_t id)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->nodes[i].id == id)
			return &r->nodes[i];
	return NULL;
}

static inline void rig_send(void *ctx, uint64_t gid, uint64_t to,
			    struct arena *a, struct doc *msg)
{
	struct rig_node *x = ctx;
	struct rig_node *y = rig_find(x->rig, to);
	struct rig_event *e;

	(void)a;
	x->rig->messages++;
	x->rig->kinds[rig_kind(doc_get_str(msg, "k", "??"))]++;
	if (!y || x->down || y->down ||
	    (x->rig->pass && !x->rig->pass(x->rig, x->id, to, msg)))
		return;
	e = calloc(1, sizeof(*e));
	assert_non_null(e);
	e->node = y;
	e->arena = arena_new();
	e->gid = gid;
	e->from = x->id;
	e->msg = doc_copy(e->arena, msg);
	TAILQ_INSERT_TAIL(&x->rig->events, e, link);
}

static inline void rig_work(void *ctx, int lane, void (*run)(void *arg),
			    void (*done)(void *arg), void *arg)
{
	struct rig_node *x = ctx;
	struct rig_event *e = calloc(1, sizeof(*e));

	(void)lane;
	assert_non_null(e);
	e->node = x;
	e->run = run;
	e->done = done;
	e->arg = arg;
	TAILQ_INSERT_TAIL(&x->rig->events, e, link);
}

/* {key, val}: a row, and the count of commands as the result. */
static inline struct doc *rig_apply(void *ctx, struct arena *a, struct txn *t,
				    uint64_t gid, uint64_t index,
				    const struct doc *command)
{
	struct doc *result = doc_map(a);
	struct bytes was;
	uint64_t n = 0;

	(void)ctx;
	if (txn_get(t, gid, 'n', bytes_of("n"), &was))
		memcpy(&n, was.data, sizeof(n));
	n++;
	txn_put(t, gid, 'n', bytes_of("n"), (struct bytes){ &n, sizeof(n) });
	txn_put(t, gid, 'v', bytes_of(doc_get_str(command, "key", "?")),
		bytes_of(doc_get_str(command, "val", "?")));
	doc_put_int(a, result, "n", (int64_t)n);
	doc_put_int(a, result, "index", (int64_t)index);
	return result;
}

static inline void rig_applied(void *ctx, uint64_t gid, uint64_t index)
{
	struct rig_node *x = ctx;

	(void)gid;
	(void)index;
	x->applied_calls++;
}

static inline void rig_changed(void *ctx, uint64_t gid)
{
	struct rig_node *x = ctx;

	(void)gid;
	x->changed_calls++;
}

static inline void rig_fatal(void *ctx, const struct err *err)
{
	struct rig_node *x = ctx;

	x->fatal = *err;
}

static inline void rig_log(void *ctx, int level, const char *text)
{
	struct rig_node *x = ctx;

	if (getenv("RIG_LOG"))
		fprintf(stderr, "%6llu node %llu <%d> %s\n",
			(unsigned long long)x->rig->now,
			(unsigned long long)x->id, level, text);
}

/* Every byte another one. */
static inline struct doc *rig_seal(void *ctx, struct arena *a, uint64_t gid,
				   uint64_t index, uint64_t term,
				   const void *data, size_t len)
{
	const unsigned char *in = data;
	unsigned char *out = arena_alloc(a, len + 1);

	(void)ctx;
	(void)gid;
	for (size_t i = 0; i < len; i++)
		out[i] = in[i] ^ 0x55;
	out[len] = (unsigned char)(index ^ term);
	return doc_bin(a, out, len + 1);
}

static inline bool rig_unseal(void *ctx, struct arena *a, uint64_t gid,
			      uint64_t index, uint64_t term, void **data,
			      size_t *len)
{
	const unsigned char *in = *data;
	unsigned char *out = arena_alloc(a, *len);

	(void)ctx;
	(void)gid;
	if (!*len || in[*len - 1] != (unsigned char)(index ^ term))
		return false;
	for (size_t i = 0; i + 1 < *len; i++)
		out[i] = in[i] ^ 0x55;
	*data = out;
	--*len;
	return true;
}

static inline int rig_boot(struct rig_node *x, const char *boot_id,
			   struct err *err)
{
	struct db_options o = { .dir = x->dir,
				.boot_id = boot_id,
				.map_size = 1 << 20 };
	struct engine_options eo = {
		.io = { .ctx = x,
			.send = rig_send,
			.work = rig_work,
			.apply = rig_apply,
			.applied = rig_applied,
			.changed = rig_changed,
			.seal = rig_seal,
			.open = rig_unseal,
			.fatal = rig_fatal,
			.log = rig_log },
		.wal_disk = simdisk_disk(x->wal),
		.snap_disk = simdisk_disk(x->snap),
		.now_ms = x->rig->now,
		.seed = x->id * 1000 + x->rig->now,
		.snapshot_entries = x->rig->snapshot_entries,
		.trailing = x->rig->trailing,
		.wal_segment = 256 << 10,
		.witness = x->witness,
	};

	assert_int_equal(db_open(&x->db, &o, err), 0);
	eo.db = x->db;
	x->down = false;
	x->fatal = (struct err){ 0 };
	return engine_open(&x->engine, &eo, err);
}

static inline void rig_event_free(struct rig *r, struct rig_event *e)
{
	TAILQ_REMOVE(&r->events, e, link);
	arena_free(e->arena);
	free(e);
}

/* The process ends; what was not flushed is lost. */
static inline void rig_stop(struct rig_node *x)
{
	struct rig_event *e, *next;

	simdisk_cut_after(x->wal, 0);
	simdisk_cut_after(x->snap, 0);
	x->down = true;
	for (e = TAILQ_FIRST(&x->rig->events); e; e = next) {
		next = TAILQ_NEXT(e, link);
		if (e->node != x)
			continue;
		if (e->run) {
			e->run(e->arg);
			e->done(e->arg);
			next = TAILQ_NEXT(e, link);
		}
		rig_event_free(x->rig, e);
	}
	engine_close(x->engine);
	db_close(x->db, false);
	x->engine = NULL;
	x->db = NULL;
	simdisk_restart(x->wal);
	simdisk_restart(x->snap);
}

static inline void rig_start(struct rig *r, size_t n)
{
	const char *base = getenv("TMPDIR");
	struct err err;

	r->n = n;
	r->now = 1000;
	TAILQ_INIT(&r->events);
	snprintf(r->dir, sizeof(r->dir), "%.16s/rigXXXXXX",
		 base ? base : "/tmp");
	assert_non_null(mkdtemp(r->dir));
	for (size_t i = 0; i < n; i++) {
		struct rig_node *x = &r->nodes[i];

		x->rig = r;
		x->id = i + 1;
		snprintf(x->dir, sizeof(x->dir), "%s/%zu", r->dir, i);
		x->wal = simdisk_new(i);
		x->snap = simdisk_new(100 + i);
		assert_int_equal(rig_boot(x, "boot", &err), 0);
	}
}

static inline int rig_unlink(const char *path, const struct stat *st, int flag,
			     struct FTW *w)
{
	(void)st;
	(void)flag;
	(void)w;
	return remove(path);
}

static inline void rig_end(struct rig *r)
{
	for (size_t i = 0; i < r->n; i++) {
		if (!r->nodes[i].down)
			rig_stop(&r->nodes[i]);
		simdisk_free(r->nodes[i].wal);
		simdisk_free(r->nodes[i].snap);
	}
	while (!TAILQ_EMPTY(&r->events))
		rig_event_free(r, TAILQ_FIRST(&r->events));
	nftw(r->dir, rig_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

/* All that is there to do at this time. */
static inline void rig_settle(struct rig *r)
{
	bool again;

	do {
		struct rig_event *e = TAILQ_FIRST(&r->events);

		again = false;
		if (e && e->run) {
			e->run(e->arg);
			e->done(e->arg);
		} else if (e && !e->node->down) {
			engine_recv(e->node->engine, r->now, e->gid, e->from,
				    e->msg);
		}
		if (e)
			rig_event_free(r, e);
		for (size_t i = 0; i < r->n; i++) {
			struct rig_node *x = &r->nodes[i];

			if (x->down)
				continue;
			engine_turn(x->engine, r->now);
			again |= engine_next_ms(x->engine) <= r->now &&
				 !x->fatal.code;
			if (engine_next_ms(x->engine) <= r->now)
				engine_tick(x->engine, r->now);
		}
		again |= !TAILQ_EMPTY(&r->events);
	} while (again);
}

static inline void rig_run(struct rig *r, unsigned ms)
{
	for (unsigned i = 0; i < ms; i++) {
		r->now++;
		rig_settle(r);
	}
}

static const struct engine_timing rig_timing = { .heartbeat_ms = 50,
						 .election_ms = 150 };

static inline struct engine_server rig_server(uint64_t id,
					      enum engine_role role)
{
	static const char *const names[] = { "-",     "one",  "two",
					     "three", "four", "five" };

	return (struct engine_server){ id, role, names[id] };
}

/* The group on the first @voters nodes. */
static inline void rig_group(struct rig *r, size_t voters)
{
	struct engine_server s[RIG_NODES];
	struct err err;

	for (size_t i = 0; i < voters; i++)
		s[i] = rig_server(i + 1, ENGINE_VOTER);
	for (size_t i = 0; i < voters; i++)
		assert_int_equal(engine_bootstrap(r->nodes[i].engine, RIG_GROUP,
						  i + 1, &rig_timing, s, voters,
						  NULL, 0, &err),
				 0);
}

/* The node that leads, once there is one and it is ready. */
static inline struct rig_node *rig_leader(struct rig *r)
{
	struct engine_info info;

	for (unsigned ms = 0; ms < 5000; ms++) {
		for (size_t i = 0; i < r->n; i++)
			if (!r->nodes[i].down &&
			    engine_info(r->nodes[i].engine, RIG_GROUP, &info) &&
			    info.is_leader && info.is_ready)
				return &r->nodes[i];
		rig_run(r, 1);
	}
	fail_msg("no leader");
	return NULL;
}

struct rig_answer {
	unsigned calls;
	int code;
	int64_t n, index;
};

static inline void rig_answered(void *arg, int code, struct arena *a,
				const struct doc *result)
{
	struct rig_answer *w = arg;

	(void)a;
	w->calls++;
	w->code = code;
	w->n = doc_get_int(result, "n", 0);
	w->index = doc_get_int(result, "index", 0);
}

static inline void rig_propose(struct rig_node *x, struct rig_answer *w,
			       const char *key, const char *val,
			       unsigned timeout)
{
	struct arena *a = arena_new();
	struct doc *cmd = doc_map(a);

	*w = (struct rig_answer){ 0 };
	doc_put_str(a, cmd, "key", key);
	doc_put_str(a, cmd, "val", val);
	engine_propose(x->engine, RIG_GROUP, a, cmd, timeout, rig_answered, w);
	assert_int_equal(w->calls, 0);
	arena_free(a);
}

static inline void rig_put(struct rig_node *x, const char *key, const char *val)
{
	struct rig_answer w;

	rig_propose(x, &w, key, val, 5000);
	for (unsigned ms = 0; ms < 6000 && !w.calls; ms++)
		rig_run(x->rig, 1);
	assert_int_equal(w.calls, 1);
	assert_int_equal(w.code, 0);
}

/* "" where there is none. */
static inline void rig_get(struct rig_node *x, const char *key, char *ret,
			   size_t size)
{
	struct txn *t = txn_begin_read(x->db, NULL);
	struct bytes v = { "", 0 };

	assert_non_null(t);
	txn_get(t, RIG_GROUP, 'v', bytes_of(key), &v);
	snprintf(ret, size, "%.*s", (int)v.len, (const char *)v.data);
	txn_abort(t);
}

static inline uint64_t rig_digest(struct rig_node *x)
{
	struct txn *t = txn_begin_read(x->db, NULL);
	uint64_t d;

	assert_non_null(t);
	d = txn_digest(t, RIG_GROUP);
	txn_abort(t);
	return d;
}

static inline void rig_same(struct rig *r, uint64_t id)
{
	struct rig_node *l = rig_leader(r);

	rig_run(r, 200);
	assert_int_equal(rig_digest(rig_find(r, id)), rig_digest(l));
}
