/* What is on the disk is not what was written: cut, or refused. */
#include "tests/unit/store/wal_fixture.h"

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

/* Only the next segment can be one that was about to begin. */
static void a_file_from_nowhere_is_refused(void **state)
{
	const struct wal_disk *d;
	struct fixture f;

	(void)state;
	make_segments(&f);
	d = simdisk_disk(f.disk);
	d->create(d->ctx, "wal-0000000000000007", SEGMENT);
	assert_int_equal(try_open(&f), -EUCLEAN);
	assert_non_null(strstr(f.err.text, "wal-0000000000000007 at 0: the "
					   "header is damaged"));
	d->rename(d->ctx, "wal-0000000000000007", "wal-0000000000000006");
	reopen(&f);
	fini(&f);
	/* A log of which nothing is left but a later segment. */
	memset(&f, 0, sizeof(f));
	f.disk = simdisk_new(1);
	d = simdisk_disk(f.disk);
	d->create(d->ctx, "wal-0000000000000002", SEGMENT);
	assert_int_equal(try_open(&f), -EUCLEAN);
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
		cmocka_unit_test(a_wrong_byte_in_the_last_batch_is_cut),
		cmocka_unit_test(a_torn_last_batch_is_cut),
		cmocka_unit_test(leftovers_of_a_torn_batch_do_not_count),
		cmocka_unit_test(a_wrong_byte_before_the_last_batch_is_refused),
		cmocka_unit_test(damage_changes_nothing_on_the_disk),
		cmocka_unit_test(a_lost_batch_in_the_middle_is_refused),
		cmocka_unit_test(a_file_from_nowhere_is_refused),
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
