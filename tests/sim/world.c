#include "tests/sim/world.h"

#include <assert.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sim/plant.h"
#include "tests/sim/runner.h"

/* -- chance, words -----------------------------------------------------------
 */

/* splitmix64 (Steele, Lea, Flood 2014). */
uint64_t world_random(struct world *w)
{
	uint64_t z = w->rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t world_pick(struct world *w, uint64_t n)
{
	return world_random(w) % n;
}

bool world_chance(struct world *w, unsigned per_mille)
{
	return world_pick(w, 1000) < per_mille;
}

void world_say(struct world *w, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	if (!w->verbose)
		return;
	n = snprintf(line, sizeof(line), "%9.3f ", (double)w->now_us / 1000);
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	sim_tell(line);
}

void world_fail(struct world *w, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	w->ended = true;
	if (w->failure[0])
		return;
	snprintf(w->failure, sizeof(w->failure),
		 "at %.3f ms: ", (double)w->now_us / 1000);
	n = strlen(w->failure);
	va_start(ap, fmt);
	vsnprintf(w->failure + n, sizeof(w->failure) - n, fmt, ap);
	va_end(ap);
	world_say(w, "FAILED: %s", w->failure);
}

/* FNV-1a, 64 bits. */
void world_trace(struct world *w, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		w->trace_hash =
			(w->trace_hash ^ p[i]) * UINT64_C(1099511628211);
}

static void trace_event(struct world *w, char kind, uint64_t a, uint64_t b)
{
	uint64_t all[] = { (uint64_t)kind, w->now_us, a, b };

	world_trace(w, all, sizeof(all));
}

/* -- the queue
 * ----------------------------------------------------------------- */

struct event {
	uint64_t us, seq;
	void (*fn)(struct world *w, void *arg, uint64_t n);
	void *arg;
	uint64_t n;
};

static bool earlier(const struct event *a, const struct event *b)
{
	return a->us < b->us || (a->us == b->us && a->seq < b->seq);
}

static void heap_push(struct world *w, struct event *e)
{
	size_t i = w->n_heap++;

	if (w->n_heap > w->cap_heap) {
		w->cap_heap = w->cap_heap ? w->cap_heap * 2 : 256;
		w->heap = reallocarray(w->heap, w->cap_heap,
				       sizeof(struct event *));
		assert(w->heap);
	}
	for (; i && earlier(e, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = e;
}

static struct event *heap_pop(struct world *w)
{
	struct event *top = w->heap[0], *e = w->heap[--w->n_heap];
	size_t i = 0;

	for (;;) {
		size_t c = 2 * i + 1;

		if (c >= w->n_heap)
			break;
		if (c + 1 < w->n_heap && earlier(w->heap[c + 1], w->heap[c]))
			c++;
		if (!earlier(w->heap[c], e))
			break;
		w->heap[i] = w->heap[c];
		i = c;
	}
	w->heap[i] = e;
	return top;
}

void world_at(struct world *w, uint64_t after_us,
	      void (*fn)(struct world *w, void *arg, uint64_t n), void *arg,
	      uint64_t n)
{
	struct event *e = calloc(1, sizeof(*e));

	assert(e);
	*e = (struct event){ w->now_us + after_us, w->next_seq++, fn, arg, n };
	heap_push(w, e);
}

bool world_step(struct world *w)
{
	struct event *e;

	if (!w->n_heap || w->ended)
		return false;
	e = heap_pop(w);
	w->now_us = e->us;
	w->n_events++;
	e->fn(w, e->arg, e->n);
	free(e);
	return true;
}

/* -- clocks
 * ---------------------------------------------------------------------- */

uint64_t node_now_ms(const struct node *x)
{
	uint64_t us = x->world->now_us - x->boot_us;

	us += (uint64_t)((int64_t)us * x->clock_ppm / 1000000);
	return x->clock_ms + us / MS;
}

uint64_t node_time_us(const struct node *x, uint64_t ms)
{
	bool old = x->old_clock_ms && ms < x->clock_ms;
	uint64_t from = old ? x->old_clock_ms : x->clock_ms;
	uint64_t us = ms > from ? (ms - from) * MS : 0;

	us = (uint64_t)((double)us * 1e6 / (1e6 + (double)x->clock_ppm));
	us += old ? x->old_boot_us : x->boot_us;
	/* Into the gap: it was not later than when the clock jumped. */
	return old && us > x->boot_us ? x->boot_us : us;
}

void node_pause(struct node *x, uint64_t us)
{
	if (!x->up || x->paused_until_us > x->world->now_us)
		return;
	world_say(x->world, "node %u stands still for %.0f ms", x->index + 1,
		  (double)us / MS);
	x->paused_until_us = x->odd_us = x->world->now_us + us;
	x->world->counts.pauses++;
}

void node_jump(struct node *x, uint64_t ms)
{
	uint64_t now = node_now_ms(x);

	if (!x->up)
		return;
	world_say(x->world, "the clock of node %u jumps by %llu ms",
		  x->index + 1, (unsigned long long)ms);
	x->old_boot_us = x->boot_us;
	x->old_clock_ms = x->clock_ms;
	x->boot_us = x->world->now_us;
	if (x->odd_us < x->world->now_us)
		x->odd_us = x->world->now_us;
	x->clock_ms = now + ms;
	x->world->counts.jumps++;
	node_turn_soon(x);
}

/* What comes to a node that stands still waits for it. */
static bool comes_later(struct node *x,
			void (*fn)(struct world *w, void *arg, uint64_t n),
			void *arg, uint64_t n)
{
	struct world *w = x->world;

	if (!x->up || x->paused_until_us <= w->now_us)
		return false;
	world_at(w, x->paused_until_us - w->now_us, fn, arg, n);
	return true;
}

struct node *world_node(struct world *w, uint64_t id)
{
	return id >= 1 && id <= w->n_nodes ? &w->nodes[id - 1] : NULL;
}

/* -- turns
 * ------------------------------------------------------------------------ */

static void on_wake(struct world *w, void *arg, uint64_t n);

static void set_timer(struct node *x)
{
	uint64_t next, now = node_now_ms(x), after = 0;

	if (!x->up)
		return;
	next = engine_next_ms(x->engine);
	if (next == UINT64_MAX)
		return;
	if (next > now)
		after = (next - now) * MS;
	world_at(x->world, after + world_pick(x->world, MS), on_wake, x,
		 ++x->wake);
}

static void take_turn(struct node *x)
{
	uint64_t now = node_now_ms(x);

	engine_tick(x->engine, now);
	engine_turn(x->engine, now);
	checks_look(x);
	if (x->will_die)
		node_crash(x, CRASH_PROCESS);
	set_timer(x);
}

static void on_wake(struct world *w, void *arg, uint64_t n)
{
	struct node *x = arg;

	if (!x->up || n != x->wake || comes_later(x, on_wake, x, n))
		return;
	trace_event(w, 'w', x->id, n);
	take_turn(x);
}

static void on_turn(struct world *w, void *arg, uint64_t epoch)
{
	struct node *x = arg;

	if (!x->up || epoch != x->epoch || comes_later(x, on_turn, x, epoch))
		return;
	trace_event(w, 't', x->id, epoch);
	x->turn_due = false;
	take_turn(x);
}

void node_turn_soon(struct node *x)
{
	if (x->turn_due || !x->up)
		return;
	x->turn_due = true;
	world_at(x->world, world_pick(x->world, 100), on_turn, x, x->epoch);
}

/* -- messages
 * ---------------------------------------------------------------------- */

static void on_doom(struct world *w, void *arg, uint64_t epoch)
{
	struct node *x = arg;

	(void)w;
	if (x->up && x->epoch == epoch)
		node_crash(x, (enum crash)x->doom);
}

struct packet {
	struct node *to;
	uint64_t from, gid;
	size_t len;
	unsigned char data[];
};

static void on_arrival(struct world *w, void *arg, uint64_t n)
{
	struct packet *p = arg;
	struct node *x = p->to;

	if (comes_later(x, on_arrival, p, n))
		return;
	trace_event(w, 'm', x->id, p->from);
	world_trace(w, p->data, p->len);
	if (x->up && !w->net.links[p->from - 1][x->index].cut) {
		struct arena *a = arena_new();
		struct doc *msg = NULL;
		struct err err;

		if (doc_decode(a, p->data, p->len, &msg, &err) < 0)
			world_fail(w, "a message does not decode: %s",
				   err.text);
		else {
			engine_recv(x->engine, node_now_ms(x), p->gid, p->from,
				    msg);
		}
		w->counts.chunks +=
			strcmp(doc_get_str(msg, "k", ""), "sc") == 0;
		arena_free(a);
		node_turn_soon(x);
	}
	free(p);
}

static void post(struct node *x, struct node *to, uint64_t gid,
		 const struct buf *b)
{
	struct world *w = x->world;
	struct link *l = &w->net.links[x->index][to->index];
	struct packet *p = malloc(sizeof(*p) + b->len);
	uint64_t at = w->now_us + 20 + world_pick(w, w->net.delay_us);

	assert(p);
	if (to->late_until_us > w->now_us)
		at += to->late_us;
	/* Now and then one is late. */
	if (world_chance(w, 5))
		at += world_pick(w, 50 * MS);
	if (!w->net.reorders && at <= l->last_us)
		at = l->last_us + 1;
	if (at > l->last_us)
		l->last_us = at;
	p->to = to;
	p->from = x->id;
	p->gid = gid;
	p->len = b->len;
	memcpy(p->data, b->data, b->len);
	world_at(w, at - w->now_us, on_arrival, p, 0);
}

/* Now and then a node dies just after it has voted. */
static void maybe_die(struct node *x, const struct doc *msg)
{
	struct world *w = x->world;

	if (w->calm || strcmp(doc_get_str(msg, "k", ""), "rr") != 0 ||
	    doc_get_bool(msg, "pv", true) || !doc_get_bool(msg, "g", false) ||
	    !world_chance(w, w->die_voting))
		return;
	x->doom = world_chance(w, 500) ? CRASH_PROCESS : CRASH_MACHINE;
	x->restart_us = w->now_us + world_pick(w, 10 * MS);
	world_at(w, world_pick(w, 100), on_doom, x, x->epoch);
}

static void on_send(void *ctx, uint64_t gid, uint64_t to, struct arena *a,
		    struct doc *msg)
{
	struct node *x = ctx, *y = world_node(x->world, to);
	struct world *w = x->world;
	struct buf b = BUF(a);

	if (!x->up || !y)
		return;
	w->counts.messages++;
	maybe_die(x, msg);
	if (w->net.links[x->index][y->index].cut ||
	    world_chance(w, w->net.loss)) {
		w->counts.lost++;
		return;
	}
	plant_message(w, a, msg);
	doc_encode(&b, msg);
	post(x, y, gid, &b);
	if (world_chance(w, w->net.dup))
		post(x, y, gid, &b);
}

/* -- workers
 * ---------------------------------------------------------------------- */

static void on_job(struct world *w, void *arg, uint64_t n);

void node_doom(struct node *x, enum crash how)
{
	x->doomed = true;
	x->doom = how;
}

static uint64_t job_key(const struct node *x, unsigned lane)
{
	return (uint64_t)x->epoch * WORLD_LANES + lane;
}

static void job_next(struct node *x, unsigned lane)
{
	struct world *w = x->world;
	struct job *j = TAILQ_FIRST(&x->lanes[lane]);
	uint64_t us =
		lane == 0 ? 50 + world_pick(w, 400) : 100 + world_pick(w, 3000);

	if (!j || j->begun)
		return;
	if (x->slow_until_us > w->now_us)
		us += world_pick(w, 200 * MS);
	j->begun = true;
	world_at(w, us, on_job, x, job_key(x, lane));
	if (x->doomed)
		world_at(w, world_pick(w, us), on_doom, x, x->epoch);
}

/* First what it does, then, some time later, the news of it. */
static void on_job(struct world *w, void *arg, uint64_t n)
{
	struct node *x = arg;
	unsigned lane = (unsigned)(n % WORLD_LANES);
	struct job *j;

	if (!x->up || n / WORLD_LANES != x->epoch ||
	    comes_later(x, on_job, x, n))
		return;
	trace_event(w, 'j', x->id, n);
	j = TAILQ_FIRST(&x->lanes[lane]);
	if (!j->ran) {
		j->run(j->arg);
		j->ran = true;
		world_at(w, world_pick(w, 200), on_job, x, n);
		return;
	}
	TAILQ_REMOVE(&x->lanes[lane], j, link);
	j->done(j->arg);
	free(j);
	job_next(x, lane);
	node_turn_soon(x);
}

static void on_work(void *ctx, int lane, void (*run)(void *arg),
		    void (*done)(void *arg), void *arg)
{
	struct node *x = ctx;
	struct job *j = calloc(1, sizeof(*j));

	assert(j && lane >= 0 && lane < WORLD_LANES);
	j->run = run;
	j->done = done;
	j->arg = arg;
	TAILQ_INSERT_TAIL(&x->lanes[lane], j, link);
	if (x->up)
		job_next(x, (unsigned)lane);
}

/* -- the engine's other calls
 * ------------------------------------------------------- */

static struct doc *on_apply(void *ctx, struct arena *a, struct txn *t,
			    uint64_t gid, uint64_t index,
			    const struct doc *command)
{
	return checks_apply(ctx, a, t, gid, index, command);
}

static void on_applied(void *ctx, uint64_t gid, uint64_t index)
{
	struct node *x = ctx;

	if (x->up)
		trace_event(x->world, 'a', gid, index);
}

static void on_changed(void *ctx, uint64_t gid)
{
	(void)ctx;
	(void)gid;
}

static void on_fatal(void *ctx, const struct err *err)
{
	struct node *x = ctx;

	if (!x->up)
		return;
	world_say(x->world, "node %u stops: %s", x->index + 1, err->text);
	if (!x->disk_hurt && !x->disk_full)
		world_fail(x->world, "node %u stops: %s", x->index + 1,
			   err->text);
	x->will_die = true;
	x->restart_us = x->world->now_us + world_pick(x->world, 300 * MS);
}

static void on_log(void *ctx, int level, const char *text)
{
	struct node *x = ctx;

	if (x->up)
		world_say(x->world, "node %u <%d> %s", x->index + 1, level,
			  text);
}

/* -- life of a node
 * ------------------------------------------------------------------- */

static int boot(struct node *x, struct err *err)
{
	struct world *w = x->world;
	char boot_id[32];
	struct db_options o = { .dir = x->dir,
				.boot_id = boot_id,
				.map_size = 1 << 20 };
	struct engine_options eo = {
		.io = { .ctx = x,
			.send = on_send,
			.work = on_work,
			.apply = on_apply,
			.applied = on_applied,
			.changed = on_changed,
			.fatal = on_fatal,
			.log = on_log },
		.wal_disk = simdisk_disk(x->wal),
		.snap_disk = simdisk_disk(x->snap),
		.now_ms = node_now_ms(x),
		.seed = world_random(w),
		.snapshot_entries = w->snapshot_entries,
		.trailing = w->trailing,
		.wal_segment = w->wal_segment,
	};
	int rc;

	snprintf(boot_id, sizeof(boot_id), "boot-%u", x->boots);
	rc = db_open(&x->db, &o, err);
	if (rc < 0)
		return rc;
	eo.db = x->db;
	x->up = true;
	rc = engine_open(&x->engine, &eo, err);
	if (rc < 0) {
		x->up = false;
		db_close(x->db, false);
		x->db = NULL;
	}
	return rc;
}

void node_start(struct node *x)
{
	struct world *w = x->world;
	struct err err = { 0 };
	bool cut = !w->calm && world_chance(w, 30);

	x->epoch++;
	x->restart_us = 0;
	/* It can die while it reads what there is, too. */
	if (cut)
		simdisk_cut_after(x->wal, (unsigned)world_pick(w, 4));
	trace_event(w, 's', x->id, x->epoch);
	if (boot(x, &err) < 0) {
		world_say(w, "node %u does not start: %s", x->index + 1,
			  err.text);
		if (!simdisk_is_off(x->wal) && !x->disk_full)
			world_fail(w, "node %u does not start: %s",
				   x->index + 1, err.text);
		simdisk_restart(x->wal);
		x->restart_us = w->now_us + 100 * MS;
		return;
	}
	if (simdisk_is_off(x->wal))
		world_fail(w, "node %u starts without a disk", x->index + 1);
	simdisk_restart(x->wal);
	world_say(w, "node %u is up", x->index + 1);
	x->turn_due = false;
	node_turn_soon(x);
}

/* The memory has to be given back, whatever becomes of the disk. */
static void drain(struct node *x)
{
	bool again;

	do {
		again = false;
		for (unsigned i = 0; i < WORLD_LANES; i++) {
			struct job *j = TAILQ_FIRST(&x->lanes[i]);

			if (!j)
				continue;
			again = true;
			if (!j->ran)
				j->run(j->arg);
			TAILQ_REMOVE(&x->lanes[i], j, link);
			j->done(j->arg);
			free(j);
		}
	} while (again);
}

/* What is under way is interrupted; what is not yet begun never will be. */
static void interrupt(struct node *x)
{
	struct simdisk *disks[WORLD_LANES] = { x->wal, x->snap };

	for (unsigned i = 0; i < WORLD_LANES; i++) {
		struct job *j = TAILQ_FIRST(&x->lanes[i]);
		unsigned after = (unsigned)world_pick(x->world, 3);

		simdisk_cut_after(disks[i], after);
		if (!j || !j->begun || j->ran)
			continue;
		j->run(j->arg);
		j->ran = true;
		x->world->counts.torn += simdisk_is_off(disks[i]);
	}
	for (unsigned i = 0; i < WORLD_LANES; i++) {
		const struct wal_disk *d = simdisk_disk(disks[i]);

		while (!simdisk_is_off(disks[i]))
			d->create(d->ctx, "gone", 0);
	}
}

void node_crash(struct node *x, enum crash how)
{
	struct world *w = x->world;

	if (!x->up)
		return;
	trace_event(w, 'c', x->id, how);
	world_say(w, "node %u %s", x->index + 1,
		  how == CRASH_CLEAN	 ? "stops"
		  : how == CRASH_PROCESS ? "is killed"
					 : "loses power");
	x->up = x->will_die = x->disk_hurt = x->doomed = false;
	x->paused_until_us = 0;
	x->epoch++;
	w->counts.crashes++;
	if (how != CRASH_CLEAN)
		interrupt(x);
	drain(x);
	engine_close(x->engine);
	db_close(x->db, how == CRASH_CLEAN);
	x->engine = NULL;
	x->db = NULL;
	simdisk_restart(x->wal);
	simdisk_restart(x->snap);
	if (how != CRASH_MACHINE)
		return;
	plant_power_lost(x);
	w->counts.reboots++;
	x->boots++;
	x->boot_us = w->now_us;
	x->clock_ms = 1 + world_pick(w, 100000);
	x->old_clock_ms = 0;
}

/* -- life of the world
 * ------------------------------------------------------------------ */

static void make_dir(struct world *w)
{
	const char *base = getenv("TMPDIR");

	if (access("/dev/shm", W_OK) == 0)
		base = "/dev/shm";
	snprintf(w->dir, sizeof(w->dir), "%.20s/engine_sim-XXXXXX",
		 base ? base : "/tmp");
	if (!mkdtemp(w->dir)) {
		perror(w->dir);
		exit(1);
	}
}

void world_init(struct world *w, uint64_t seed, unsigned n_nodes)
{
	w->seed = seed;
	w->rng = seed * UINT64_C(0x2545f4914f6cdd1d);
	w->trace_hash = UINT64_C(14695981039346656037);
	w->n_nodes = n_nodes;
	make_dir(w);
	for (unsigned i = 0; i < n_nodes; i++) {
		struct node *x = &w->nodes[i];

		x->world = w;
		x->index = i;
		x->id = i + 1;
		x->clock_ms = 1 + world_pick(w, 100000);
		x->clock_ppm = (int64_t)world_pick(w, 2001) - 1000;
		x->wal = simdisk_new(world_random(w));
		x->snap = simdisk_new(world_random(w));
		snprintf(x->dir, sizeof(x->dir), "%s/%u", w->dir, i);
		for (unsigned lane = 0; lane < WORLD_LANES; lane++)
			TAILQ_INIT(&x->lanes[lane]);
	}
}

static int unlink_one(const char *path, const struct stat *st, int flag,
		      struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

void world_fini(struct world *w)
{
	for (unsigned i = 0; i < w->n_nodes; i++) {
		struct node *x = &w->nodes[i];

		node_crash(x, CRASH_PROCESS);
		simdisk_free(x->wal);
		simdisk_free(x->snap);
		simdisk_free(x->behind);
	}
	while (w->n_heap) {
		struct event *e = heap_pop(w);

		if (e->fn == on_arrival)
			free(e->arg);
		free(e);
	}
	free(w->heap);
	nftw(w->dir, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
}
