#include "tests/unit/store/wal_fixture.h"

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

/* Cut the power in change @change of flush @flush; false if there is none. */
static bool cut_in_churn(struct fixture *f, uint64_t flush, unsigned change)
{
	bool was_cut;

	init(f);
	add_entry(f, 2, 1, 1, 10); /* keeps the first segment */
	add_mark_of(f, WAL_SNAPSHOT, 1, 7, 8, BIG);
	add_vote(f, 1, 3, 3);
	sync_log(f);
	for (uint64_t i = 1; i < flush; i++) {
		add_entry(f, 9, i, 1, 1000);
		if (i % 8 == 0)
			add_vote(f, 1, 3, 3);
		sync_log(f);
		wal_release(f->wal, 9, i);
	}
	add_entry(f, 9, flush, 1, 1000);
	simdisk_cut_after(f->disk, change);
	wal_sync(f->wal, NULL);
	was_cut = simdisk_is_off(f->disk);
	simdisk_restart(f->disk);
	return was_cut;
}

/* What is carried hides what it repeats: it must come as a whole. */
static void a_cut_does_not_part_what_is_carried(void **state)
{
	struct fixture f;
	bool more = true;

	(void)state;
	for (uint64_t flush = 1; flush < 50; flush++, more = true)
		for (unsigned change = 0; more; change++) {
			const char *said;

			more = cut_in_churn(&f, flush, change);
			reopen(&f);
			said = said_of_1(&f);
			if (!strstr(said, "7:0") || !strstr(said, "1.v3:3"))
				fail_msg("flush %" PRIu64 ": %s", flush, said);
			fini(&f);
		}
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
		cmocka_unit_test(a_cut_does_not_part_what_is_carried),
		cmocka_unit_test(nothing_is_carried_while_nothing_is_written),
		cmocka_unit_test(a_failed_flush_is_final),
		cmocka_unit_test(the_caller_can_fail_a_flush),
		cmocka_unit_test(a_full_disk_stops_the_log),
		cmocka_unit_test(spares_are_used_before_the_disk_is_asked),
		cmocka_unit_test(too_many_segments_say_who_holds_them),
	};

	cmocka_set_test_filter(getenv("T"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
