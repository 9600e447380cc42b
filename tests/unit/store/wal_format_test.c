#include "tests/lib/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/crc32c.h"
#include "store/wal_format.h"

/* -- names ----------------------------------------------------------- */

static const struct name_row {
	const char *name;
	const char *text;
	uint64_t seq; /* 0: not a segment's name */
} names[] = {
	{ "the first", "wal-0000000000000001", 1 },
	{ "the last", "wal-ffffffffffffffff", UINT64_MAX },
	{ "upper case", "wal-000000000000000A", 0 },
	{ "too short", "wal-1", 0 },
	{ "too long", "wal-00000000000000010", 0 },
	{ "something behind", "wal-0000000000000001.tmp", 0 },
	{ "a sign", "wal-+000000000000001", 0 },
	{ "a space", "wal- 000000000000001", 0 },
	{ "0x", "wal-0x00000000000001", 0 },
	{ "another name", "lost+found", 0 },
	{ "empty", "", 0 },
};

static void name_parses(void **state)
{
	const struct name_row *r = *state;
	char again[WAL_NAME_SIZE];
	uint64_t seq = 0;

	assert_int_equal(wal_name_parse(r->text, &seq), r->seq != 0);
	if (!r->seq)
		return;
	assert_true(seq == r->seq);
	wal_name_format(again, seq);
	assert_string_equal(again, r->text);
}

/* -- headers --------------------------------------------------------- */

static void make_header(struct wal_header *h, uint32_t n_live)
{
	memset(h, 0, sizeof(*h)); /* they are compared byte by byte */
	h->version = WAL_VERSION;
	h->seq = 300;
	h->size = 8 << 20;
	h->first_batch = 77;
	h->n_live = n_live;
	for (uint32_t i = 0; i < n_live; i++)
		h->live[i] = (struct wal_live){ i + 1, UINT64_MAX - i };
}

static void header_comes_back(void **state)
{
	static const uint32_t sizes[] = { 0, 1, WAL_LIVE_MAX };
	uint8_t block[WAL_BLOCK];
	struct wal_header h, got;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		make_header(&h, sizes[i]);
		wal_header_encode(block, &h);
		memset(&got, 0, sizeof(got));
		assert_int_equal(wal_header_decode(block, &got), WAL_HEADER_OK);
		assert_memory_equal(&got, &h, sizeof(h));
	}
}

static void header_with_any_bit_wrong_is_damaged(void **state)
{
	uint8_t block[WAL_BLOCK];
	struct wal_header h, got;

	(void)state;
	make_header(&h, 3);
	wal_header_encode(block, &h);
	for (int i = 0; i < WAL_BLOCK; i++) {
		block[i] ^= (uint8_t)(1 << (i % 8));
		assert_int_equal(wal_header_decode(block, &got),
				 WAL_HEADER_DAMAGED);
		block[i] ^= (uint8_t)(1 << (i % 8));
	}
	memset(block, 0, sizeof(block));
	assert_int_equal(wal_header_decode(block, &got), WAL_HEADER_DAMAGED);
}

static void seal_header(uint8_t *block)
{
	uint32_t crc;

	memset(block + 12, 0, 4);
	crc = crc32c(0, block, WAL_BLOCK);
	for (int i = 0; i < 4; i++)
		block[12 + i] = (uint8_t)(crc >> (8 * i));
}

static void header_of_another_version_is_unknown(void **state)
{
	uint8_t block[WAL_BLOCK];
	struct wal_header h, got;

	(void)state;
	make_header(&h, 3);
	h.version = 2;
	wal_header_encode(block, &h);
	assert_int_equal(wal_header_decode(block, &got), WAL_HEADER_UNKNOWN);
	assert_int_equal(got.version, 2);
	/* Whatever such a version does with the rest. */
	memset(block + 16, 0xaa, WAL_BLOCK - 16);
	seal_header(block);
	assert_int_equal(wal_header_decode(block, &got), WAL_HEADER_UNKNOWN);
}

static void header_with_too_long_a_list_is_damaged(void **state)
{
	uint8_t block[WAL_BLOCK];
	struct wal_header h, got;

	(void)state;
	make_header(&h, 3);
	wal_header_encode(block, &h);
	block[40] = WAL_LIVE_MAX + 1;
	seal_header(block);
	assert_int_equal(wal_header_decode(block, &got), WAL_HEADER_DAMAGED);
	block[43] = 0xff;
	seal_header(block);
	assert_int_equal(wal_header_decode(block, &got), WAL_HEADER_DAMAGED);
}

/* -- batches --------------------------------------------------------- */

enum { SIZE = 4 * WAL_BLOCK, OFF = WAL_BLOCK };

static const struct wal_record records[] = {
	{ .kind = WAL_ENTRY,
	  .group = 1,
	  .index = 2,
	  .term = 3,
	  .aux = 4,
	  .entry_type = 5,
	  .data = "hello",
	  .len = 5 },
	{ .kind = WAL_VOTE, .group = UINT64_MAX, .term = 7, .aux = 8 },
	{ .kind = WAL_DROP, .group = 9, .data = "12345678", .len = 8 },
};

static const struct wal_batch batch = { .seq = 4, .number = 12, .count = 3 };

static struct wal_batch make_batch(uint8_t *segment)
{
	uint8_t *p = segment + OFF + WAL_BATCH_HEAD;
	struct wal_batch b = batch;

	memset(segment, 0, SIZE);
	for (int i = 0; i < 3; i++) {
		wal_record_encode(p, &records[i]);
		p += wal_record_size(records[i].len);
	}
	b.bytes = (uint32_t)(p - segment - OFF - WAL_BATCH_HEAD);
	wal_batch_seal(segment + OFF, &b);
	return b;
}

static void batch_comes_back(void **state)
{
	static uint8_t segment[SIZE];
	struct wal_batch b = make_batch(segment), got;
	const uint8_t *p = segment + OFF + WAL_BATCH_HEAD;
	struct wal_record r;
	uint64_t bad;

	(void)state;
	assert_null(wal_batch_check(segment, SIZE, OFF, 4, &got, &bad));
	assert_memory_equal(&got, &b, sizeof(b));
	for (int i = 0; i < 3; i++) {
		const struct wal_record *want = &records[i];

		p += wal_record_decode(p, &r);
		assert_int_equal(r.kind, want->kind);
		assert_true(r.group == want->group);
		assert_true(r.index == want->index && r.term == want->term);
		assert_true(r.aux == want->aux && r.len == want->len);
		assert_int_equal(r.entry_type, want->entry_type);
		if (r.len)
			assert_memory_equal(r.data, want->data, r.len);
	}
}

static void batch_with_any_bit_wrong_does_not_check(void **state)
{
	static uint8_t segment[SIZE];
	struct wal_batch b = make_batch(segment), got;
	uint64_t bad;

	(void)state;
	for (uint32_t i = 0; i < WAL_BATCH_HEAD + b.bytes; i++)
		for (int bit = 0; bit < 8; bit++) {
			uint8_t *at = segment + OFF + i;

			*at ^= (uint8_t)(1 << bit);
			assert_non_null(wal_batch_check(segment, SIZE, OFF, 4,
							&got, &bad));
			assert_in_range(bad, OFF, OFF + i);
			*at ^= (uint8_t)(1 << bit);
		}
}

static void batch_of_another_place_does_not_check(void **state)
{
	static uint8_t segment[SIZE];
	struct wal_batch b = make_batch(segment), got;
	uint64_t bad;

	(void)state;
	assert_non_null(wal_batch_check(segment, SIZE, OFF, 5, &got, &bad));
	assert_non_null(wal_batch_check(segment, SIZE, 0, 4, &got, &bad));
	/* The segment ends within it. */
	for (uint64_t n = OFF; n < OFF + WAL_BATCH_HEAD + b.bytes; n++)
		assert_non_null(
			wal_batch_check(segment, n, OFF, 4, &got, &bad));
	assert_null(wal_batch_check(segment, OFF + WAL_BATCH_HEAD + b.bytes,
				    OFF, 4, &got, &bad));
}

static void batch_of_an_older_use_is_seen_as_such(void **state)
{
	static uint8_t segment[SIZE];
	struct wal_batch b = make_batch(segment), got;

	(void)state;
	assert_true(wal_batch_peek(segment + OFF, &got));
	assert_memory_equal(&got, &b, sizeof(b));
	assert_false(wal_batch_peek(segment, &got));
	segment[OFF + 20] ^= 1;
	assert_false(wal_batch_peek(segment + OFF, &got));
}

static void put32(uint8_t *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

/* A good checksum over a length that is none. */
static const struct lie {
	const char *name;
	uint32_t bytes, count; /* of the batch */
	uint32_t len;	       /* of the record's data */
} lies[] = {
	{ "the batch is longer than the segment", UINT32_MAX, 1, 8 },
	{ "the batch ends behind the segment", 3 * WAL_BLOCK, 1, 8 },
	{ "more records than there are", 56, UINT32_MAX, 8 },
	{ "less records than there are", 112, 1, 8 },
	{ "no records, but bytes", 56, 0, 8 },
	{ "no place for a record's head", 40, 1, 8 },
	{ "the record is longer than the batch", 56, 1, 9 },
	{ "the record is longer than anything", 56, 1, UINT32_MAX },
};

static void lie_does_not_check(void **state)
{
	const struct lie *r = *state;
	uint8_t *segment = calloc(1, SIZE), *at, *rec;
	struct wal_batch b = { .seq = 4, .number = 12 }, got;
	uint32_t start;
	uint64_t bad;

	assert_non_null(segment);
	at = segment + OFF;
	rec = at + WAL_BATCH_HEAD;
	wal_batch_seal(at, &b);
	put32(at + 24, r->bytes);
	put32(at + 28, r->count);
	start = crc32c(0, at + 8, 16);
	put32(at + 4, crc32c(start, at + 8, WAL_BATCH_HEAD - 8));
	assert_true(wal_batch_peek(at, &got));
	put32(rec + 4, r->len);
	rec[8] = WAL_ENTRY;
	put32(rec, crc32c(start, rec + 4, 52));
	assert_non_null(wal_batch_check(segment, SIZE, OFF, 4, &got, &bad));
	/* And it is this that does not check. */
	put32(at + 24, 56);
	put32(at + 28, 1);
	put32(at + 4, crc32c(start, at + 8, WAL_BATCH_HEAD - 8));
	put32(rec + 4, 8);
	put32(rec, crc32c(start, rec + 4, 52));
	assert_null(wal_batch_check(segment, SIZE, OFF, 4, &got, &bad));
	free(segment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_comes_back),
		cmocka_unit_test(header_with_any_bit_wrong_is_damaged),
		cmocka_unit_test(header_of_another_version_is_unknown),
		cmocka_unit_test(header_with_too_long_a_list_is_damaged),
		cmocka_unit_test(batch_comes_back),
		cmocka_unit_test(batch_with_any_bit_wrong_does_not_check),
		cmocka_unit_test(batch_of_another_place_does_not_check),
		cmocka_unit_test(batch_of_an_older_use_is_seen_as_such),
	};

	return TABLE_RUN(names, name_parses) +
	       TABLE_RUN(lies, lie_does_not_check) +
	       cmocka_run_group_tests(tests, NULL, NULL);
}
