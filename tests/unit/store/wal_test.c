#include "tests/lib/table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/crc32c.h"
#include "store/wal_format.h"
#include "tests/lib/simdisk.h"

enum { SEGMENT = 32 << 10, BIG = SEGMENT - 3 * WAL_BLOCK };

/* -- a log and what it says ------------------------------------------ */

struct fixture {
	struct simdisk *disk;
	struct wal *wal;
	char got[8192]; /* what the last opening replayed, see describe() */
	size_t n;
	struct err err;
};

/* "1.e5:3" is entry 5 of group 1, of term 3. */
static int describe(void *arg, const struct wal_record *r, struct err *err)
{
	static const char verbs[] = "?evsrd";
	struct fixture *f = arg;
	int n = snprintf(f->got + f->n, sizeof(f->got) - f->n,
			 "%s%" PRIu64 ".%c", f->n ? " " : "", r->group,
			 verbs[r->kind]);

	(void)err;
	f->n += (size_t)n;
	if (r->kind == WAL_DROP)
		return 0;
	n = snprintf(f->got + f->n, sizeof(f->got) - f->n,
		     "%" PRIu64 ":%" PRIu64,
		     r->kind == WAL_VOTE ? r->aux : r->index, r->term);
	f->n += (size_t)n;
	assert_in_range(f->n, 0, sizeof(f->got) - 64);
	for (size_t i = 0; i < r->len; i++)
		assert_int_equal(((const uint8_t *)r->data)[i],
				 (uint8_t)(r->index + i));
	return 0;
}

static int try_open(struct fixture *f)
{
	wal_close(f->wal);
	f->wal = NULL;
	f->n = 0;
	f->got[0] = '\0';
	memset(&f->err, 0, sizeof(f->err));
	return wal_open(&f->wal, simdisk_disk(f->disk), SEGMENT, describe, f,
			&f->err);
}

static void reopen(struct fixture *f)
{
	int rc = try_open(f);

	if (rc)
		fail_msg("%s", f->err.text);
}

static void init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->disk = simdisk_new(1);
	reopen(f);
}

static void fini(struct fixture *f)
{
	wal_close(f->wal);
	simdisk_free(f->disk);
}

static int add(struct fixture *f, struct wal_record r, size_t len)
{
	uint8_t *data = malloc(len + 1);
	int rc;

	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(r.index + i);
	r.data = data;
	r.len = len;
	rc = wal_add(f->wal, &r, &f->err);
	free(data);
	return rc;
}

static void add_entry(struct fixture *f, uint64_t group, uint64_t index,
		      uint64_t term, size_t len)
{
	struct wal_record r = {
		.kind = WAL_ENTRY, .group = group, .index = index, .term = term
	};

	assert_int_equal(add(f, r, len), 0);
}

static void add_vote(struct fixture *f, uint64_t group, uint64_t term,
		     uint64_t voted)
{
	struct wal_record r = {
		.kind = WAL_VOTE, .group = group, .term = term, .aux = voted
	};

	assert_int_equal(add(f, r, 0), 0);
}

static void add_drop(struct fixture *f, uint64_t group)
{
	struct wal_record r = { .kind = WAL_DROP, .group = group };

	assert_int_equal(add(f, r, 0), 0);
}

static void add_mark(struct fixture *f, enum wal_kind kind, uint64_t group,
		     uint64_t index, uint64_t keep)
{
	struct wal_record r = {
		.kind = kind, .group = group, .index = index, .aux = keep
	};

	assert_int_equal(add(f, r, 20), 0);
}

static void sync_log(struct fixture *f)
{
	if (wal_sync(f->wal, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

/* -- round trip ------------------------------------------------------ */

static void an_empty_log_opens_empty(void **state)
{
	struct fixture f;
	struct wal_stats s;

	(void)state;
	init(&f);
	assert_string_equal(f.got, "");
	assert_false(wal_dirty(f.wal));
	assert_null(wal_flush_begin(f.wal));
	assert_int_equal(wal_sync(f.wal, NULL), 0);
	wal_stats(f.wal, &s);
	assert_int_equal(s.segments, 1);
	assert_int_equal(s.flushes, 0);
	reopen(&f);
	assert_string_equal(f.got, "");
	fini(&f);
}

static void records_come_back_in_order(void **state)
{
	static const char want[] = "1.v3:2 1.e1:2 2.s0:0 1.e2:2 1.d 2.r7:0";
	struct fixture f;
	struct wal_stats s;

	(void)state;
	init(&f);
	add_vote(&f, 1, 2, 3);
	add_entry(&f, 1, 1, 2, 100);
	assert_true(wal_dirty(f.wal));
	sync_log(&f);
	assert_false(wal_dirty(f.wal));
	add_mark(&f, WAL_SNAPSHOT, 2, 0, 1);
	add_entry(&f, 1, 2, 2, 0);
	add_drop(&f, 1);
	add_mark(&f, WAL_RESET, 2, 7, 8);
	sync_log(&f);
	wal_stats(f.wal, &s);
	assert_int_equal(s.flushes, 2);
	assert_int_equal(s.records, 6);
	reopen(&f);
	assert_string_equal(f.got, want);
	reopen(&f); /* reading changes nothing */
	assert_string_equal(f.got, want);
	fini(&f);
}

static void what_was_not_flushed_is_not_there(void **state)
{
	struct fixture f;

	(void)state;
	init(&f);
	add_entry(&f, 1, 1, 1, 10);
	sync_log(&f);
	add_entry(&f, 1, 2, 1, 10);
	reopen(&f);
	assert_string_equal(f.got, "1.e1:1");
	fini(&f);
}

static void a_flush_takes_what_was_added_before_it(void **state)
{
	struct fixture f;
	struct wal_flush *flush;

	(void)state;
	init(&f);
	add_entry(&f, 1, 1, 1, 10);
	flush = wal_flush_begin(f.wal);
	assert_non_null(flush);
	assert_false(wal_dirty(f.wal));
	add_entry(&f, 1, 2, 1, 10);
	assert_true(wal_dirty(f.wal));
	assert_null(wal_flush_begin(f.wal)); /* one at a time */
	assert_int_equal(wal_flush_run(flush, NULL), 0);
	assert_int_equal(wal_flush_end(f.wal, flush, 0, NULL), 0);
	assert_true(wal_dirty(f.wal));
	reopen(&f);
	assert_string_equal(f.got, "1.e1:1");
	fini(&f);
}

static void a_flush_is_one_write(void **state)
{
	struct fixture f;
	struct simdisk_counts before, after;

	(void)state;
	init(&f);
	before = simdisk_counts(f.disk);
	for (uint64_t i = 1; i <= 50; i++)
		add_entry(&f, i, 1, 1, 60);
	sync_log(&f);
	after = simdisk_counts(f.disk);
	assert_int_equal(after.writes - before.writes, 1);
	assert_int_equal(after.bytes - before.bytes, 2 * WAL_BLOCK);
	assert_int_equal(after.creates - before.creates, 0);
	fini(&f);
}

static int stop_at_second(void *arg, const struct wal_record *r,
			  struct err *err)
{
	(void)arg;
	return r->index == 2 ? err_set(err, -EPERM, "no more") : 0;
}

static void replay_can_stop_the_opening(void **state)
{
	struct fixture f;

	(void)state;
	init(&f);
	for (uint64_t i = 1; i <= 3; i++)
		add_entry(&f, 1, i, 1, 10);
	sync_log(&f);
	wal_close(f.wal);
	f.wal = NULL;
	assert_int_equal(wal_open(&f.wal, simdisk_disk(f.disk), SEGMENT,
				  stop_at_second, NULL, &f.err),
			 -EPERM);
	assert_string_equal(f.err.text, "no more");
	assert_null(f.wal);
	reopen(&f);
	assert_string_equal(f.got, "1.e1:1 1.e2:1 1.e3:1");
	fini(&f);
}

/* -- sizes ----------------------------------------------------------- */

static void a_record_fits_a_segment_or_is_refused(void **state)
{
	struct wal_record r = { .kind = WAL_SNAPSHOT, .group = 1 };
	struct fixture f;

	(void)state;
	init(&f);
	assert_int_equal(add(&f, r, BIG + 1), -EMSGSIZE);
	assert_non_null(strstr(f.err.text, "20481"));
	assert_false(wal_dirty(f.wal));
	/* Again and again, so that marks are carried from old segments. */
	for (r.index = 1; r.index < 20; r.index++) {
		assert_int_equal(add(&f, r, BIG), 0);
		add_vote(&f, 1, r.index, 1);
		sync_log(&f);
	}
	reopen(&f);
	assert_non_null(strstr(f.got, "1.s19:0 1.v1:19"));
	fini(&f);
}

static void more_than_a_segment_goes_into_several(void **state)
{
	struct fixture f;
	struct wal_stats s;
	char want[4096] = "";

	(void)state;
	init(&f);
	for (uint64_t i = 1; i <= 100; i++) {
		add_entry(&f, 1, i, 1, 2000);
		snprintf(want + strlen(want), sizeof(want) - strlen(want),
			 "%s1.e%" PRIu64 ":1", i > 1 ? " " : "", i);
	}
	sync_log(&f);
	wal_stats(f.wal, &s);
	assert_in_range(s.segments, 7, 8);
	assert_int_equal(s.bytes_live, s.segments * SEGMENT);
	reopen(&f);
	assert_string_equal(f.got, want);
	fini(&f);
}

static void another_segment_size_is_taken_up(void **state)
{
	struct fixture f;
	struct wal_stats s;
	size_t size;

	(void)state;
	init(&f);
	add_entry(&f, 1, 1, 1, 10);
	sync_log(&f);
	wal_close(f.wal);
	f.wal = NULL;
	assert_int_equal(wal_open(&f.wal, simdisk_disk(f.disk), 2 * SEGMENT - 1,
				  NULL, NULL, NULL),
			 0);
	for (uint64_t i = 2; i < 200; i++) {
		add_entry(&f, 1, i, 1, 2000);
		wal_release(f.wal, 1, i);
		sync_log(&f);
	}
	wal_stats(f.wal, &s);
	assert_in_range(s.segments, 2, 5);
	for (size_t i = 0; simdisk_name(f.disk, i); i++) {
		simdisk_data(f.disk, simdisk_name(f.disk, i), &size);
		assert_int_equal(size, 2 * SEGMENT);
	}
	fini(&f);
}

/* -- space ----------------------------------------------------------- */

static void released_segments_are_used_again(void **state)
{
	struct fixture f;
	struct simdisk_counts c;
	struct wal_stats s;

	(void)state;
	init(&f);
	for (uint64_t i = 1; i <= 1000; i++) {
		add_entry(&f, 1, i, 1, 1000);
		sync_log(&f);
		wal_release(f.wal, 1, i > 5 ? i - 5 : 0);
	}
	c = simdisk_counts(f.disk);
	wal_stats(f.wal, &s);
	assert_in_range(s.segments, 2, 6);
	assert_int_equal(s.segments, c.creates);
	assert_true(c.renames > 100);
	assert_true(s.bytes_live <= 3 * SEGMENT);
	reopen(&f);
	assert_non_null(strstr(f.got, "1.e996:1 1.e997:1 1.e998:1 1.e999:1 "
				      "1.e1000:1"));
	fini(&f);
}

static void a_burst_is_given_back(void **state)
{
	struct fixture f;
	struct wal_stats s;

	(void)state;
	init(&f);
	for (uint64_t i = 1; i <= 1000; i++)
		add_entry(&f, 1, i, 1, 1000);
	sync_log(&f);
	wal_stats(f.wal, &s);
	assert_true(s.segments > 30);
	for (uint64_t i = 1001; i <= 2000; i++) {
		wal_release(f.wal, 1, i - 1);
		add_entry(&f, 1, i, 1, 100);
		sync_log(&f);
	}
	wal_stats(f.wal, &s);
	assert_in_range(s.segments, 2, 9);
	assert_int_equal(simdisk_counts(f.disk).creates -
				 simdisk_counts(f.disk).removes,
			 s.segments);
	fini(&f);
}

/* Others write on and on; the records of group 1 travel with them. */
static void churn(struct fixture *f)
{
	for (uint64_t i = 1; i <= 400; i++) {
		add_entry(f, 9, i, 1, 1000);
		sync_log(f);
		wal_release(f->wal, 9, i);
	}
}

/* What is said of group 1, behind the others' last words. */
static const char *said_of_1(const struct fixture *f)
{
	static char text[512];
	char copy[sizeof(f->got)], *save, *word;
	size_t n = 0;

	memcpy(copy, f->got, sizeof(copy));
	text[0] = '\0';
	for (word = strtok_r(copy, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		if (word[0] == '1' && word[1] == '.')
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      "%s%s", n ? " " : "", word);
	return text;
}

/* The last part of @text that is @tail. */
static bool ends_with(const char *text, const char *tail)
{
	size_t n = strlen(text), m = strlen(tail);

	return n >= m && strcmp(text + n - m, tail) == 0;
}

static void votes_and_marks_are_carried_forward(void **state)
{
	struct fixture f;
	struct wal_stats s;

	(void)state;
	init(&f);
	add_vote(&f, 1, 5, 2);
	add_entry(&f, 1, 1, 5, 10);
	add_mark(&f, WAL_SNAPSHOT, 1, 1, 2);
	sync_log(&f);
	churn(&f);
	wal_stats(f.wal, &s);
	assert_in_range(s.segments, 2, 6);
	for (int i = 0; i < 3; i++) {
		reopen(&f);
		/* The entry has gone, and the log says so. */
		assert_true(ends_with(said_of_1(&f), "1.r1:0 1.v2:5"));
		assert_null(strstr(said_of_1(&f), "1.e"));
		churn(&f);
	}
	fini(&f);
}

static void entries_that_are_needed_stay(void **state)
{
	struct fixture f;

	(void)state;
	init(&f);
	add_vote(&f, 1, 5, 2);
	add_entry(&f, 1, 1, 5, 10);
	add_entry(&f, 1, 2, 5, 10);
	add_mark(&f, WAL_SNAPSHOT, 1, 1, 2);
	sync_log(&f);
	churn(&f);
	reopen(&f);
	assert_string_equal(said_of_1(&f), "1.v2:5 1.e1:5 1.e2:5 1.s1:0");
	fini(&f);
}

static void a_dropped_group_stays_dropped(void **state)
{
	struct fixture f;

	(void)state;
	init(&f);
	/* Its first segment stays, for the sake of group 2. */
	add_entry(&f, 2, 1, 5, 10);
	add_entry(&f, 1, 1, 5, 10);
	add_vote(&f, 1, 5, 2);
	sync_log(&f);
	churn(&f);
	add_drop(&f, 1);
	sync_log(&f);
	churn(&f);
	reopen(&f);
	assert_string_equal(said_of_1(&f), "");
	assert_non_null(strstr(f.got, "2.e1:5"));
	fini(&f);
}

static void a_reset_log_stays_reset(void **state)
{
	struct fixture f;

	(void)state;
	init(&f);
	add_entry(&f, 2, 1, 5, 10);
	add_entry(&f, 1, 1, 5, 10);
	sync_log(&f);
	churn(&f);
	add_mark(&f, WAL_RESET, 1, 40, 41);
	sync_log(&f);
	churn(&f);
	reopen(&f);
	assert_string_equal(said_of_1(&f), "1.r40:0");
	add_entry(&f, 1, 41, 5, 10);
	sync_log(&f);
	churn(&f);
	reopen(&f);
	assert_true(ends_with(said_of_1(&f), "1.e41:5 1.s40:0") ||
		    ends_with(said_of_1(&f), "1.r40:0 1.e41:5"));
	fini(&f);
}

static void nothing_is_carried_while_nothing_is_written(void **state)
{
	struct fixture f;
	struct simdisk_counts before, after;

	(void)state;
	init(&f);
	churn(&f);
	before = simdisk_counts(f.disk);
	wal_release(f.wal, 9, 1000);
	assert_null(wal_flush_begin(f.wal));
	assert_int_equal(wal_sync(f.wal, NULL), 0);
	after = simdisk_counts(f.disk);
	assert_int_equal(after.writes, before.writes);
	fini(&f);
}

/* -- errors ---------------------------------------------------------- */

static void a_failed_flush_is_final(void **state)
{
	struct wal_record r = { .kind = WAL_VOTE, .group = 1 };
	struct fixture f;
	struct err again;

	(void)state;
	init(&f);
	add_entry(&f, 1, 1, 1, 10);
	sync_log(&f);
	add_entry(&f, 1, 2, 1, 10);
	simdisk_fail_after(f.disk, 0, -EIO);
	assert_int_equal(wal_sync(f.wal, &f.err), -EIO);
	assert_string_equal(f.err.text,
			    "write-ahead log: write 4096 bytes at 8192 of "
			    "wal-0000000000000001: Input/output error");
	/* The disk works again; the log does not. */
	assert_int_equal(wal_add(f.wal, &r, &again), -EIO);
	assert_string_equal(again.text, f.err.text);
	assert_int_equal(wal_sync(f.wal, &again), -EIO);
	assert_string_equal(again.text, f.err.text);
	assert_null(wal_flush_begin(f.wal));
	reopen(&f);
	assert_true(ends_with(f.got, "1.e1:1") || ends_with(f.got, "1.e2:1"));
	add_entry(&f, 1, 2, 2, 10);
	sync_log(&f);
	fini(&f);
}

static void the_caller_can_fail_a_flush(void **state)
{
	struct fixture f;
	struct wal_flush *flush;

	(void)state;
	init(&f);
	add_entry(&f, 1, 1, 1, 10);
	flush = wal_flush_begin(f.wal);
	assert_int_equal(wal_flush_run(flush, NULL), 0);
	assert_int_equal(wal_flush_end(f.wal, flush, -ETIMEDOUT, &f.err),
			 -ETIMEDOUT);
	assert_non_null(strstr(f.err.text, "timed out"));
	assert_int_equal(wal_sync(f.wal, NULL), -ETIMEDOUT);
	fini(&f);
}

static void a_full_disk_stops_the_log(void **state)
{
	struct fixture f;
	char *before;
	uint64_t i = 0;
	int rc;

	(void)state;
	init(&f);
	simdisk_limit(f.disk, 3 * SEGMENT + 1000);
	do {
		add_entry(&f, 1, ++i, 1, 1000);
		rc = wal_sync(f.wal, &f.err);
	} while (rc == 0 && i < 1000);
	assert_int_equal(rc, -ENOSPC);
	assert_string_equal(f.err.text,
			    "write-ahead log: create wal-0000000000000004: No "
			    "space left on device");
	reopen(&f);
	before = strdup(f.got);
	assert_int_equal(wal_sync(f.wal, NULL), 0);
	/* With some room again, it goes on from there. */
	simdisk_limit(f.disk, 0);
	add_entry(&f, 1, i, 2, 1000);
	sync_log(&f);
	reopen(&f);
	assert_memory_equal(f.got, before, strlen(before));
	assert_true(ends_with(f.got, ":2"));
	free(before);
	fini(&f);
}

static void spares_are_used_before_the_disk_is_asked(void **state)
{
	struct fixture f;

	(void)state;
	init(&f);
	churn(&f);
	simdisk_limit(f.disk, 1);
	churn(&f);
	fini(&f);
}

static void too_many_segments_say_who_holds_them(void **state)
{
	struct fixture f;
	uint64_t i = 0;
	int rc;

	(void)state;
	init(&f);
	add_entry(&f, 77, 1, 1, 10);
	do {
		for (int n = 0; n < 20; n++)
			add_entry(&f, 1, ++i, 1, 20000);
		rc = wal_sync(f.wal, &f.err);
	} while (rc == 0 && i < 1000);
	assert_int_equal(rc, -ENOSPC);
	assert_in_range(i, WAL_LIVE_MAX - 20, WAL_LIVE_MAX + 21);
	assert_non_null(strstr(f.err.text, "group 77"));
	reopen(&f);
	assert_int_equal(wal_sync(f.wal, NULL), 0);
	fini(&f);
}

/* -- torn tails ------------------------------------------------------ */

/* Four flushes; the last one is of three blocks. */
static void make_tail(struct fixture *f)
{
	init(f);
	for (uint64_t i = 1; i <= 3; i++) {
		add_entry(f, 1, i, 1, 100);
		sync_log(f);
	}
	for (uint64_t i = 4; i <= 8; i++)
		add_entry(f, 1, i, 1, 1650); /* three blocks, just so */
	sync_log(f);
}

static const char first[] = "wal-0000000000000001";
static const char kept[] = "1.e1:1 1.e2:1 1.e3:1";
static const char all[] = "1.e1:1 1.e2:1 1.e3:1 1.e4:1 1.e5:1 1.e6:1 1.e7:1 "
			  "1.e8:1";

enum { TAIL = 4 * WAL_BLOCK, TAIL_BYTES = 32 + 5 * (48 + 1656) };

/* Open a copy of what @f left on its disk, after @spoil; it must still be
 * a log that takes records. */
static const char *open_spoilt(struct fixture *f, struct fixture *copy,
			       void (*spoil)(uint8_t *segment, size_t at),
			       size_t at)
{
	memset(copy, 0, sizeof(*copy));
	copy->disk = simdisk_clone(f->disk);
	spoil(simdisk_data(copy->disk, first, NULL), at);
	return try_open(copy) ? copy->err.text : copy->got;
}

static void write_on(struct fixture *f)
{
	char before[sizeof(f->got)];

	memcpy(before, f->got, sizeof(before));
	add_vote(f, 1, 9, 9);
	sync_log(f);
	reopen(f);
	assert_memory_equal(f->got, before, strlen(before));
	assert_true(ends_with(f->got, "1.v9:9"));
}

static void flip(uint8_t *segment, size_t at)
{
	segment[at] ^= 0x10;
}

static void a_wrong_byte_in_the_last_batch_is_cut(void **state)
{
	struct fixture f, copy;

	(void)state;
	make_tail(&f);
	for (size_t i = 0; i < 3 * WAL_BLOCK;
	     i += i < TAIL_BYTES + 8 ? 1 : 100) {
		const char *got = open_spoilt(&f, &copy, flip, TAIL + i);

		/* Behind its last record it says nothing. */
		assert_string_equal(got, i < TAIL_BYTES ? kept : all);
		if (i % 128 == 0)
			write_on(&copy);
		fini(&copy);
	}
	fini(&f);
}

static void lose_sectors(uint8_t *segment, size_t pattern)
{
	for (size_t i = 0; i < 24; i++)
		if (!(pattern >> i & 1))
			memset(segment + TAIL + i * 512, 0, 512);
}

static void a_torn_last_batch_is_cut(void **state)
{
	struct fixture f, copy;
	uint32_t x = 1;

	(void)state;
	make_tail(&f);
	/* Each sector missing alone, each beginning, then patterns. */
	for (int i = 0; i < 400; i++) {
		uint32_t pattern = 0xffffff;
		bool whole;

		x = x * 1664525 + 1013904223;
		if (i < 24)
			pattern ^= 1u << i;
		else if (i < 48)
			pattern = (1u << (i - 24)) - 1;
		else
			pattern = x >> 8;
		/* 17 sectors have something in them. */
		whole = (pattern & 0x1ffff) == 0x1ffff;
		assert_string_equal(
			open_spoilt(&f, &copy, lose_sectors, pattern),
			whole ? all : kept);
		write_on(&copy);
		fini(&copy);
	}
	fini(&f);
}

/*
 * Two torn batches at the same place, with equal numbers: what the first left
 * behind must not complete the second.
 */
static void leftovers_of_a_torn_batch_do_not_count(void **state)
{
	struct fixture f;
	uint8_t *segment, *saved = malloc(WAL_BLOCK);

	(void)state;
	assert_non_null(saved);
	init(&f);
	add_entry(&f, 1, 1, 1, 5000); /* of the first, its second block ... */
	add_entry(&f, 1, 2, 1, 100);
	sync_log(&f);
	segment = simdisk_data(f.disk, first, NULL);
	memset(segment + WAL_BLOCK, 0, WAL_BLOCK);
	reopen(&f);
	assert_string_equal(f.got, "");
	add_entry(&f, 1, 1, 2, 5000);
	add_entry(&f, 1, 2, 2, 100);
	segment = simdisk_data(f.disk, first, NULL);
	memcpy(saved, segment + 2 * WAL_BLOCK, WAL_BLOCK);
	sync_log(&f);
	/* ... behind the first block of the second. */
	segment = simdisk_data(f.disk, first, NULL);
	memcpy(segment + 2 * WAL_BLOCK, saved, WAL_BLOCK);
	reopen(&f);
	assert_string_equal(f.got, "");
	for (size_t i = 0; i < WAL_BLOCK; i++)
		assert_int_equal(saved[i], 0);
	free(saved);
	fini(&f);
}

/* -- damage ---------------------------------------------------------- */

static void a_wrong_byte_before_the_last_batch_is_refused(void **state)
{
	struct fixture f, copy;

	(void)state;
	make_tail(&f);
	/* Three batches of one record, a block each. */
	for (size_t batch = 1; batch <= 3; batch++)
		for (size_t i = 0; i < 32 + 48 + 104; i++) {
			size_t off = batch * WAL_BLOCK;
			char want[64];

			open_spoilt(&f, &copy, flip, off + i);
			assert_int_equal(copy.err.code, -EUCLEAN);
			snprintf(want, sizeof(want), "log: %s at %zu: ", first,
				 i < 32 ? off : off + 32);
			if (!strstr(copy.err.text, want))
				fail_msg("%s", copy.err.text);
			fini(&copy);
		}
	fini(&f);
}

static void damage_changes_nothing_on_the_disk(void **state)
{
	struct fixture f;
	uint8_t *segment, *before = malloc(SEGMENT);

	(void)state;
	assert_non_null(before);
	make_tail(&f);
	segment = simdisk_data(f.disk, first, NULL);
	flip(segment, WAL_BLOCK + 50);
	memcpy(before, segment, SEGMENT);
	assert_int_equal(try_open(&f), -EUCLEAN);
	assert_memory_equal(simdisk_data(f.disk, first, NULL), before, SEGMENT);
	/* With the byte right again, all is there. */
	flip(segment, WAL_BLOCK + 50);
	reopen(&f);
	assert_string_equal(f.got, all);
	free(before);
	fini(&f);
}

static void a_lost_batch_in_the_middle_is_refused(void **state)
{
	struct fixture f;
	uint8_t *segment;

	(void)state;
	make_tail(&f);
	segment = simdisk_data(f.disk, first, NULL);
	memset(segment + 2 * WAL_BLOCK, 0, WAL_BLOCK);
	assert_int_equal(try_open(&f), -EUCLEAN);
	assert_non_null(strstr(f.err.text, " at 8192: "));
	/* A batch that skips one is not taken for it. */
	memcpy(segment + 2 * WAL_BLOCK, segment + 3 * WAL_BLOCK, WAL_BLOCK);
	assert_int_equal(try_open(&f), -EUCLEAN);
	assert_non_null(strstr(f.err.text, " at 8192: "));
	fini(&f);
}

/* Five segments that all belong to the log, three batches in each. */
static void make_segments(struct fixture *f)
{
	init(f);
	for (uint64_t i = 1; i <= 15; i++) {
		add_entry(f, 1, i, 1, 5000);
		sync_log(f);
	}
	assert_string_equal(simdisk_name(f->disk, 4), "wal-0000000000000005");
	assert_null(simdisk_name(f->disk, 5));
}

static const struct damage {
	const char *name;
	const char *file;
	int64_t flip;	  /* -1: remove it */
	const char *want; /* in the message */
} damages[] = {
	{ "the header of the first", "wal-0000000000000001", 100,
	  "wal-0000000000000001 at 0: the header is damaged" },
	{ "the header of the newest", "wal-0000000000000005", 17,
	  "wal-0000000000000005 at 0: the header is damaged" },
	{ "the last batch of an older one", "wal-0000000000000002",
	  WAL_BLOCK * 6, "wal-0000000000000002 at 20512: " },
	{ "the first is missing", "wal-0000000000000001", -1,
	  "wal-0000000000000001 at 0: the file is missing" },
	{ "one is missing", "wal-0000000000000003", -1,
	  "wal-0000000000000003 at 0: the file is missing" },
};

static void damage_is_refused(void **state)
{
	const struct damage *r = *state;
	const struct wal_disk *d;
	struct fixture f;

	make_segments(&f);
	d = simdisk_disk(f.disk);
	if (r->flip < 0)
		d->remove(d->ctx, r->file);
	else
		flip(simdisk_data(f.disk, r->file, NULL), (size_t)r->flip);
	assert_int_equal(try_open(&f), -EUCLEAN);
	if (!strstr(f.err.text, r->want))
		fail_msg("%s", f.err.text);
	fini(&f);
}

static void an_older_segment_may_not_end_early(void **state)
{
	struct fixture f;
	uint8_t *segment;

	(void)state;
	make_segments(&f);
	/* As a torn tail would look, in a segment that has a successor. */
	segment = simdisk_data(f.disk, "wal-0000000000000002", NULL);
	memset(segment + 5 * WAL_BLOCK, 0, 3 * WAL_BLOCK);
	assert_int_equal(try_open(&f), -EUCLEAN);
	assert_non_null(strstr(f.err.text, "wal-0000000000000002 at 20480: "));
	fini(&f);
}

static void a_file_of_another_size_is_refused(void **state)
{
	const struct wal_disk *d;
	struct fixture f;
	uint8_t *copy = malloc(SEGMENT);

	(void)state;
	assert_non_null(copy);
	make_segments(&f);
	d = simdisk_disk(f.disk);
	memcpy(copy, simdisk_data(f.disk, first, NULL), SEGMENT);
	d->create(d->ctx, first, SEGMENT - WAL_BLOCK);
	d->write(d->ctx, first, 0, copy, SEGMENT - WAL_BLOCK);
	assert_int_equal(try_open(&f), -EUCLEAN);
	assert_non_null(strstr(f.err.text, "wal-0000000000000001 at 28672: "));
	free(copy);
	fini(&f);
}

static void put_header(struct fixture *f, const char *name, uint32_t version)
{
	struct wal_header h;
	uint8_t *block = simdisk_data(f->disk, name, NULL);

	assert_int_equal(wal_header_decode(block, &h), WAL_HEADER_OK);
	h.version = version;
	wal_header_encode(block, &h);
}

static void another_version_is_refused(void **state)
{
	struct fixture f;

	(void)state;
	make_segments(&f);
	put_header(&f, "wal-0000000000000005", 2);
	assert_int_equal(try_open(&f), -EUCLEAN);
	assert_non_null(strstr(f.err.text, "format version 2"));
	fini(&f);
}

/* A record that a newer version wrote is no torn tail. */
static void another_kind_of_record_is_refused(void **state)
{
	struct wal_record r = { .kind = WAL_DROP, .group = 1 };
	struct wal_batch b = { .seq = 1, .number = 5, .count = 1 };
	struct fixture f;
	uint8_t *at;

	(void)state;
	make_tail(&f);
	at = simdisk_data(f.disk, first, NULL) + 7 * WAL_BLOCK;
	r.kind = (enum wal_kind)(WAL_DROP + 1);
	wal_record_encode(at + WAL_BATCH_HEAD, &r);
	b.bytes = WAL_RECORD_HEAD;
	wal_batch_seal(at, &b);
	assert_int_equal(try_open(&f), -EUCLEAN);
	assert_non_null(strstr(f.err.text, " at 28704: a record is of a kind"));
	fini(&f);
}

static void errors_of_the_disk_are_passed_on(void **state)
{
	struct fixture f;
	int rc, n = 0;

	(void)state;
	make_segments(&f);
	for (;; n++) {
		simdisk_restart(f.disk);
		simdisk_fail_after(f.disk, (unsigned)n, -ENOMEDIUM);
		rc = try_open(&f);
		if (rc == 0)
			break;
		assert_int_equal(rc, -ENOMEDIUM);
		assert_non_null(strstr(f.err.text, "No medium"));
	}
	/* list; size and header of 5; check 5; replay 5. */
	assert_int_equal(n, 1 + 10 + 5 + 5);
	fini(&f);
}

static void other_files_do_not_matter(void **state)
{
	const struct wal_disk *d;
	struct fixture f;

	(void)state;
	make_segments(&f);
	d = simdisk_disk(f.disk);
	d->create(d->ctx, "README", 10);
	d->create(d->ctx, "wal-0000000000000000", 10);
	d->create(d->ctx, "wal-00000000000000ff.old", 10);
	reopen(&f);
	assert_true(ends_with(f.got, "1.e15:1"));
	assert_non_null(simdisk_data(f.disk, "README", NULL));
	fini(&f);
}

/* -- a segment that was about to begin ------------------------------- */

/* Fill segment 1, then cut the power at change @n of what begins the next. */
static void cut_at_segment(struct fixture *f, unsigned n)
{
	uint64_t i = 0;

	init(f);
	while (!simdisk_is_off(f->disk)) {
		add_entry(f, 1, ++i, 1, 5000);
		simdisk_cut_after(f->disk, n);
		if (wal_sync(f->wal, NULL) == 0)
			simdisk_restart(f->disk);
		assert_in_range(i, 1, 5);
	}
	assert_int_equal(i, 4);
	simdisk_restart(f->disk);
}

static void a_header_under_way_is_finished_later(void **state)
{
	static const char want[] = "1.e1:1 1.e2:1 1.e3:1";
	struct fixture f;

	(void)state;
	for (unsigned n = 1; n <= 2; n++) { /* the header; the batch */
		cut_at_segment(&f, n);
		reopen(&f);
		assert_memory_equal(f.got, want, sizeof(want) - 1);
		for (uint64_t i = 4; i < 20; i++)
			add_entry(&f, 1, i, 2, 5000);
		sync_log(&f);
		reopen(&f);
		assert_memory_equal(f.got, want, sizeof(want) - 1);
		assert_true(ends_with(f.got, "1.e18:2 1.e19:2"));
		fini(&f);
	}
}

static void any_torn_header_is_seen_as_such(void **state)
{
	struct fixture f, copy;
	const char *second = "wal-0000000000000002";
	uint8_t *block;

	(void)state;
	cut_at_segment(&f, 2);
	for (unsigned pattern = 0; pattern < 256; pattern++) {
		memset(&copy, 0, sizeof(copy));
		copy.disk = simdisk_clone(f.disk);
		block = simdisk_data(copy.disk, second, NULL);
		/* A recycled segment: something of an earlier life. */
		memset(block + WAL_BLOCK, 0x55, SEGMENT - WAL_BLOCK);
		for (int i = 0; i < 8; i++)
			if (pattern >> i & 1)
				memset(block + 512 * i, 0x55, 512);
		reopen(&copy);
		assert_string_equal(copy.got, "1.e1:1 1.e2:1 1.e3:1");
		add_entry(&copy, 1, 4, 3, 9000);
		sync_log(&copy);
		reopen(&copy);
		assert_string_equal(copy.got, "1.e1:1 1.e2:1 1.e3:1 1.e4:3");
		fini(&copy);
	}
	fini(&f);
}

static void the_first_header_can_be_torn(void **state)
{
	struct fixture f;

	(void)state;
	for (uint64_t seed = 0; seed < 40; seed++) {
		memset(&f, 0, sizeof(f));
		f.disk = simdisk_new(seed);
		simdisk_cut_after(f.disk, (unsigned)(seed % 2));
		assert_int_equal(try_open(&f), -EIO);
		simdisk_restart(f.disk);
		reopen(&f);
		assert_string_equal(f.got, "");
		write_on(&f);
		fini(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_log_opens_empty),
		cmocka_unit_test(records_come_back_in_order),
		cmocka_unit_test(what_was_not_flushed_is_not_there),
		cmocka_unit_test(a_flush_takes_what_was_added_before_it),
		cmocka_unit_test(a_flush_is_one_write),
		cmocka_unit_test(replay_can_stop_the_opening),
		cmocka_unit_test(a_record_fits_a_segment_or_is_refused),
		cmocka_unit_test(more_than_a_segment_goes_into_several),
		cmocka_unit_test(another_segment_size_is_taken_up),
		cmocka_unit_test(released_segments_are_used_again),
		cmocka_unit_test(a_burst_is_given_back),
		cmocka_unit_test(votes_and_marks_are_carried_forward),
		cmocka_unit_test(entries_that_are_needed_stay),
		cmocka_unit_test(a_dropped_group_stays_dropped),
		cmocka_unit_test(a_reset_log_stays_reset),
		cmocka_unit_test(nothing_is_carried_while_nothing_is_written),
		cmocka_unit_test(a_failed_flush_is_final),
		cmocka_unit_test(the_caller_can_fail_a_flush),
		cmocka_unit_test(a_full_disk_stops_the_log),
		cmocka_unit_test(spares_are_used_before_the_disk_is_asked),
		cmocka_unit_test(too_many_segments_say_who_holds_them),
		cmocka_unit_test(a_wrong_byte_in_the_last_batch_is_cut),
		cmocka_unit_test(a_torn_last_batch_is_cut),
		cmocka_unit_test(leftovers_of_a_torn_batch_do_not_count),
		cmocka_unit_test(a_wrong_byte_before_the_last_batch_is_refused),
		cmocka_unit_test(damage_changes_nothing_on_the_disk),
		cmocka_unit_test(a_lost_batch_in_the_middle_is_refused),
		cmocka_unit_test(an_older_segment_may_not_end_early),
		cmocka_unit_test(a_file_of_another_size_is_refused),
		cmocka_unit_test(another_version_is_refused),
		cmocka_unit_test(another_kind_of_record_is_refused),
		cmocka_unit_test(errors_of_the_disk_are_passed_on),
		cmocka_unit_test(other_files_do_not_matter),
		cmocka_unit_test(a_header_under_way_is_finished_later),
		cmocka_unit_test(any_torn_header_is_seen_as_such),
		cmocka_unit_test(the_first_header_can_be_torn),
	};

	cmocka_set_test_filter(getenv("T"));
	return cmocka_run_group_tests(tests, NULL, NULL) +
	       TABLE_RUN(damages, damage_is_refused);
}
