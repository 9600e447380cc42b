/*
 * The log against a model of it: random records, flushes, releases, power cuts
 * in the middle of flushes, disk errors, re-openings; what is replayed must be
 * what was acknowledged, followed by some beginning of what was under way.
 */
#include "tests/lib/table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/crc32c.h"
#include "store/wal.h"
#include "cluster/sim/simdisk.h"

enum { GROUPS = 5, ENTRIES = 600, BATCH = 64, DATA = 3000, SEEDS = 250 };

/* -- the model ------------------------------------------------------- */

struct entry {
	uint64_t term;
	uint32_t sum; /* of type and data */
};

struct group {
	bool has_vote, has_mark;
	uint64_t term, voted;
	uint64_t mark_index, mark_term;
	uint32_t mark_sum;
	uint64_t floor;	     /* entries below need not be there */
	uint64_t base, last; /* entries base + 1 ... last */
	struct entry entries[ENTRIES];
};

struct world {
	struct group groups[GROUPS];
};

static uint32_t sum_of(const struct wal_record *r)
{
	return crc32c(crc32c(0, &r->entry_type, 1), r->data, r->len);
}

static void apply_mark(struct group *g, const struct wal_record *r)
{
	g->has_mark = true;
	g->mark_index = r->index;
	g->mark_term = r->term;
	g->mark_sum = sum_of(r);
	if (r->kind == WAL_RESET || r->aux > g->last + 1) {
		g->base = g->last =
			r->kind == WAL_RESET ? r->index : r->aux - 1;
		g->floor = g->base + 1;
	} else if (r->aux > g->floor) {
		g->floor = r->aux;
	}
	/* Entries behind the snapshot may all have been released. */
	if (g->last == g->base && g->base < g->mark_index)
		g->base = g->last = g->mark_index;
}

static void apply(struct world *w, const struct wal_record *r)
{
	struct group *g = &w->groups[r->group];

	switch (r->kind) {
	case WAL_ENTRY:
		if (r->index > g->last + 1 || r->index <= g->base)
			g->base = r->index - 1;
		g->last = r->index;
		assert_true(r->index < ENTRIES);
		g->entries[r->index] = (struct entry){ r->term, sum_of(r) };
		break;
	case WAL_VOTE:
		g->has_vote = true;
		g->term = r->term;
		g->voted = r->aux;
		break;
	case WAL_SNAPSHOT:
	case WAL_RESET:
		apply_mark(g, r);
		break;
	case WAL_DROP:
		memset(g, 0, sizeof(*g));
		break;
	}
}

static bool group_equal(const struct group *want, const struct group *got)
{
	if (want->has_vote != got->has_vote || want->term != got->term ||
	    want->voted != got->voted || want->has_mark != got->has_mark ||
	    want->mark_index != got->mark_index ||
	    want->mark_term != got->mark_term ||
	    want->mark_sum != got->mark_sum || want->last != got->last)
		return false;
	for (uint64_t i = want->floor ? want->floor : 1; i <= want->last; i++)
		if (i <= got->base ||
		    want->entries[i].term != got->entries[i].term ||
		    want->entries[i].sum != got->entries[i].sum)
			return false;
	return true;
}

static bool world_equal(const struct world *want, const struct world *got)
{
	for (int i = 0; i < GROUPS; i++)
		if (!group_equal(&want->groups[i], &got->groups[i]))
			return false;
	return true;
}

/* -- one run --------------------------------------------------------- */

struct saved {
	struct wal_record r;
	uint8_t data[DATA];
};

struct run {
	uint64_t seed, rng;
	struct simdisk *disk;
	struct wal *wal;
	struct world durable, now, got;
	/* Pending and under way, in order. */
	struct saved added[BATCH * 4];
	size_t n_added;
	uint64_t reopened, cut, failed;
};

static uint64_t below(struct run *x, uint64_t n)
{
	x->rng ^= x->rng << 13;
	x->rng ^= x->rng >> 7;
	x->rng ^= x->rng << 17;
	return (x->rng >> 16) % n;
}

static void add(struct run *x, struct wal_record r, size_t len)
{
	struct saved *s = &x->added[x->n_added++];
	struct err err;

	assert_true(x->n_added <= BATCH * 4 && len <= DATA);
	memset(s->data, (int)below(x, 256), len);
	memcpy(s->data, &x->rng, len < 8 ? len : 8);
	r.data = s->data;
	r.len = len;
	s->r = r;
	assert_int_equal(wal_add(x->wal, &r, &err), 0);
	apply(&x->now, &r);
}

static void add_random(struct run *x)
{
	uint64_t id = below(x, GROUPS), low;
	struct group *g = &x->now.groups[id];
	struct wal_record r = { .group = id, .term = g->term };
	uint64_t what = below(x, 40);

	/* A group that is idle for long pins old segments. */
	if (id == 0 && g->last > 3 && below(x, 20))
		return;
	if (g->last + 30 > ENTRIES)
		return;
	low = g->mark_index + 1;
	if (what < 30) {
		r.kind = WAL_ENTRY;
		r.entry_type = (uint8_t)(1 + below(x, 3));
		r.index = g->last + 1;
		if (what < 3 && g->last >= low)
			r.index = low + below(x, g->last - low + 1);
		add(x, r, what == 29 ? below(x, DATA) : below(x, 300));
	} else if (what < 33) {
		r.kind = WAL_VOTE;
		r.term = g->term + below(x, 2);
		r.aux = below(x, 4);
		add(x, r, 0);
	} else if (what < 38) {
		r.kind = WAL_SNAPSHOT;
		r.index = g->mark_index + below(x, g->last - g->mark_index + 1);
		low = g->floor ? g->floor : 1;
		r.aux = low > r.index ? r.index + 1
				      : low + below(x, r.index + 2 - low);
		add(x, r, below(x, 200));
	} else if (what == 38) {
		r.kind = WAL_RESET;
		r.index = g->last + 1 + below(x, 20);
		r.aux = r.index + 1;
		add(x, r, below(x, 200));
	} else if (below(x, 3) == 0) {
		r.kind = WAL_DROP;
		add(x, r, 0);
	}
}

static int replay(void *arg, const struct wal_record *r, struct err *err)
{
	(void)err;
	apply(arg, r);
	return 0;
}

/* Open what is on the disk; it must be `durable` and the first so many of
 * `added`, which are durable from now on. */
static void reopen(struct run *x)
{
	struct err err = { 0 };
	int rc;

	wal_close(x->wal);
	x->wal = NULL;
	memset(&x->got, 0, sizeof(x->got));
	rc = wal_open(&x->wal, simdisk_disk(x->disk), 1, replay, &x->got, &err);
	if (rc)
		fail_msg("seed %" PRIu64 ", opening %" PRIu64 ": %s", x->seed,
			 x->reopened, err.text);
	for (size_t i = 0; !world_equal(&x->durable, &x->got); i++) {
		if (i == x->n_added)
			fail_msg("seed %" PRIu64 ", opening %" PRIu64
				 ": what is replayed was not written",
				 x->seed, x->reopened);
		apply(&x->durable, &x->added[i].r);
	}
	/* What was released is no longer known: it may be there again. */
	x->now = x->durable;
	x->n_added = 0;
	x->reopened++;
}

static void crash(struct run *x, bool in_flush)
{
	struct wal_flush *f;

	if (in_flush) {
		simdisk_cut_after(x->disk, (unsigned)(below(x, 4) / 2));
		f = wal_flush_begin(x->wal);
		if (f)
			wal_flush_run(f, NULL);
		x->cut += simdisk_is_off(x->disk);
	}
	wal_close(x->wal);
	x->wal = NULL;
	simdisk_restart(x->disk);
	/* The power can go while the log is being opened. */
	if (below(x, 3) == 0) {
		simdisk_cut_after(x->disk, 0);
		wal_open(&x->wal, simdisk_disk(x->disk), 1, NULL, NULL, NULL);
		wal_close(x->wal);
		x->wal = NULL;
		simdisk_restart(x->disk);
	}
	reopen(x);
}

static void disk_error(struct run *x)
{
	struct wal_record r = { .kind = WAL_VOTE, .group = 1 };
	struct err err, again;
	int rc;

	simdisk_fail_after(x->disk, (unsigned)below(x, 2), -EIO);
	rc = wal_sync(x->wal, &err);
	if (rc == 0) { /* it did not need that many operations */
		simdisk_restart(x->disk);
		x->durable = x->now;
		x->n_added = 0;
		return;
	}
	assert_int_equal(rc, -EIO);
	assert_int_equal(wal_add(x->wal, &r, &again), -EIO);
	assert_string_equal(err.text, again.text);
	assert_int_equal(wal_sync(x->wal, &again), -EIO);
	assert_null(wal_flush_begin(x->wal));
	x->failed++;
	simdisk_restart(x->disk);
	reopen(x);
}

static void release(struct run *x)
{
	uint64_t id = below(x, GROUPS);
	struct group *g = &x->durable.groups[id];
	uint64_t index;

	if (!g->has_mark || x->n_added)
		return;
	index = g->mark_index + 1 - below(x, 5 > g->mark_index ? 1 : 5);
	wal_release(x->wal, id, index);
	if (index > g->floor)
		g->floor = index;
	x->now.groups[id].floor = g->floor;
}

static void step(struct run *x)
{
	uint64_t what = below(x, 30), n = 1 + below(x, 12);

	if (below(x, 60) == 0)
		n = BATCH;
	for (uint64_t i = 0; i < n; i++)
		add_random(x);
	if (what == 0) {
		crash(x, below(x, 4) > 0);
	} else if (what == 1) {
		disk_error(x);
	} else {
		assert_int_equal(wal_sync(x->wal, NULL), 0);
		x->durable = x->now;
		x->n_added = 0;
		release(x);
	}
}

static void the_log_keeps_what_it_acknowledged(void **state)
{
	struct run *x = malloc(sizeof(*x));
	uint64_t renames = 0, cut = 0, failed = 0;

	(void)state;
	assert_non_null(x);
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		memset(x, 0, sizeof(*x));
		x->seed = seed;
		x->rng = seed * UINT64_C(0x9e3779b97f4a7c15);
		x->disk = simdisk_new(seed);
		reopen(x);
		for (int i = 0; i < 100; i++)
			step(x);
		reopen(x);
		wal_close(x->wal);
		renames += simdisk_counts(x->disk).renames;
		cut += x->cut;
		failed += x->failed;
		simdisk_free(x->disk);
	}
	print_message("%" PRIu64 " renames, %" PRIu64 " cuts, %" PRIu64
		      " errors\n",
		      renames, cut, failed);
	/* It came to the things that it is about. */
	assert_true(renames > 4 * SEEDS && cut > SEEDS && failed > SEEDS / 2);
	free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_log_keeps_what_it_acknowledged),
	};

	cmocka_set_test_filter(getenv("T"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
