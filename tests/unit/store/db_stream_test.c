#include "tests/lib/table.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "store/crc32c.h"
#include "store/db.h"
#include "tests/unit/store/tmpdir.h"

/* -- a database and a stream ----------------------------------------- */

struct stream {
	uint8_t *data;
	size_t len, pieces;
	int fail_at; /* this piece, from 1; 0: none */
};

static int collect(void *arg, const void *data, size_t len)
{
	struct stream *s = arg;

	assert_true(len > 0);
	if (++s->pieces == (size_t)s->fail_at)
		return -ENOSPC;
	s->data = realloc(s->data, s->len + len);
	assert_non_null(s->data);
	memcpy(s->data + s->len, data, len);
	s->len += len;
	return 0;
}

struct fixture {
	struct tmpdir tmp;
	struct db *db;
	struct err err;
	struct stream out;
};

static void init(struct fixture *f, size_t map_size)
{
	struct db_options o = { .boot_id = "b", .map_size = map_size };
	char dir[300];

	memset(f, 0, sizeof(*f));
	tmpdir_make(&f->tmp);
	snprintf(dir, sizeof(dir), "%s/db", f->tmp.path);
	o.dir = dir;
	assert_int_equal(db_open(&f->db, &o, NULL), 0);
}

static void fini(struct fixture *f)
{
	free(f->out.data);
	db_close(f->db, false);
	tmpdir_remove(&f->tmp);
}

static void put(struct txn *t, uint64_t group, uint8_t table, const char *key,
		const char *value)
{
	txn_put(t, group, table, bytes_of(key), bytes_of(value));
}

static void fill(struct fixture *f, uint64_t group)
{
	static char big[100000];
	struct txn *t = txn_begin_write(f->db, NULL);

	memset(big, 'b', sizeof(big));
	put(t, group, 0, "", "no key");
	put(t, group, 0, "empty", "");
	put(t, group, 1, "a", "1");
	put(t, group, 1, "ab", "2");
	put(t, group, 1, "b", "3");
	txn_put(t, group, 255, bytes_of("big"),
		(struct bytes){ big, sizeof(big) });
	assert_int_equal(txn_commit(t, NULL), 0);
}

static uint64_t digest(struct fixture *f, uint64_t group)
{
	struct txn *t = txn_begin_read(f->db, NULL);
	uint64_t d = txn_digest(t, group);

	assert_int_equal(txn_commit(t, NULL), 0);
	return d;
}

static void export(struct fixture *f, uint64_t group)
{
	struct txn *t = txn_begin_read(f->db, NULL);

	free(f->out.data);
	f->out = (struct stream){ 0 };
	assert_int_equal(txn_export(t, group, collect, &f->out, NULL), 0);
	txn_abort(t);
}

/* Import to @group in a transaction of its own. */
static int import(struct fixture *f, uint64_t group, const void *data,
		  size_t len)
{
	struct txn *t = txn_begin_write(f->db, NULL);
	int rc = txn_import(t, group, data, len, &f->err);

	assert_int_equal(txn_commit(t, NULL), rc);
	return rc;
}

/* -- there and back -------------------------------------------------- */

static void a_group_goes_out_and_comes_in(void **state)
{
	struct fixture f, other;
	struct txn *t;

	(void)state;
	init(&f, 0);
	init(&other, 0);
	fill(&f, 7);
	t = txn_begin_write(f.db, NULL);
	put(t, 6, 1, "before", "x");
	put(t, 8, 1, "behind", "x");
	assert_int_equal(txn_commit(t, NULL), 0);
	export(&f, 7);
	assert_int_equal(f.out.pieces, 2); /* of 64 KiB */

	t = txn_begin_write(other.db, NULL);
	put(t, 9, 1, "zz", "goes");
	put(t, 9, 77, "zz", "goes");
	put(t, 10, 1, "zz", "stays");
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_true(digest(&other, 9) != digest(&f, 7));
	assert_int_equal(import(&other, 9, f.out.data, f.out.len), 0);
	assert_true(digest(&other, 9) == digest(&f, 7));
	assert_true(digest(&other, 10) != digest(&other, 11));
	export(&other, 9);
	assert_int_equal(other.out.len, f.out.len);
	assert_memory_equal(other.out.data, f.out.data, f.out.len);
	fini(&other);
	fini(&f);
}

static void an_empty_group_goes_too(void **state)
{
	struct fixture f;

	(void)state;
	init(&f, 0);
	fill(&f, 1);
	export(&f, 2);
	assert_int_equal(f.out.len, 12 + 13);
	assert_int_equal(import(&f, 1, f.out.data, f.out.len), 0);
	assert_true(digest(&f, 1) == digest(&f, 2));
	fini(&f);
}

static void a_snapshot_is_of_the_readers_begin(void **state)
{
	struct fixture f;
	struct txn *t;
	uint64_t before;

	(void)state;
	init(&f, 0);
	fill(&f, 1);
	before = digest(&f, 1);
	t = txn_begin_read(f.db, NULL);
	assert_int_equal(import(&f, 1, "", 0), -EUCLEAN);
	{
		struct txn *w = txn_begin_write(f.db, NULL);

		txn_drop_group(w, 1);
		assert_int_equal(txn_commit(w, NULL), 0);
	}
	assert_true(digest(&f, 1) != before);
	assert_int_equal(txn_export(t, 1, collect, &f.out, NULL), 0);
	txn_abort(t);
	assert_int_equal(import(&f, 1, f.out.data, f.out.len), 0);
	assert_true(digest(&f, 1) == before);
	fini(&f);
}

static void a_sink_can_fail(void **state)
{
	struct fixture f;
	struct txn *t;

	(void)state;
	init(&f, 0);
	fill(&f, 1);
	for (int i = 1; i <= 2; i++) {
		t = txn_begin_read(f.db, NULL);
		f.out.fail_at = i;
		f.out.pieces = 0;
		assert_int_equal(txn_export(t, 1, collect, &f.out, &f.err),
				 -ENOSPC);
		assert_string_equal(f.err.text, "export of group 1: No space "
						"left on device");
		txn_abort(t);
	}
	fini(&f);
}

static void a_map_grows_for_an_import(void **state)
{
	struct fixture f, small;
	int rc, again = 0;

	(void)state;
	init(&f, 0);
	for (uint8_t i = 0; i < 40; i++) {
		static const char value[100000];
		struct txn *t = txn_begin_write(f.db, NULL);

		txn_put(t, 1, i, bytes_of("key"),
			(struct bytes){ value, sizeof(value) });
		assert_int_equal(txn_commit(t, NULL), 0);
	}
	export(&f, 1);
	init(&small, 1 << 20);
	while ((rc = import(&small, 1, f.out.data, f.out.len)) == -EAGAIN)
		again++;
	assert_int_equal(rc, 0);
	assert_in_range(again, 2, 5);
	assert_true(digest(&small, 1) == digest(&f, 1));
	fini(&small);
	fini(&f);
}

/* -- streams that do not check --------------------------------------- */

static void fill_little(struct fixture *f, uint64_t group)
{
	struct txn *t = txn_begin_write(f->db, NULL);

	put(t, group, 1, "key", "value");
	put(t, group, 2, "another key", "another value");
	assert_int_equal(txn_commit(t, NULL), 0);
}

static void no_byte_may_be_wrong_or_missing(void **state)
{
	struct fixture f;
	uint64_t before;

	(void)state;
	init(&f, 0);
	fill_little(&f, 1);
	fill(&f, 2);
	before = digest(&f, 2);
	export(&f, 1);
	for (size_t i = 0; i < f.out.len; i++) {
		assert_int_equal(import(&f, 2, f.out.data, i), -EUCLEAN);
		f.out.data[i] ^= 0x20;
		assert_int_equal(import(&f, 2, f.out.data, f.out.len),
				 -EUCLEAN);
		f.out.data[i] ^= 0x20;
	}
	assert_true(digest(&f, 2) == before);
	assert_int_equal(import(&f, 2, f.out.data, f.out.len), 0);
	fini(&f);
}

static void what_came_before_a_bad_import_is_lost_too(void **state)
{
	struct fixture f;
	struct bytes v;
	struct txn *t;

	(void)state;
	init(&f, 0);
	t = txn_begin_write(f.db, NULL);
	put(t, 1, 1, "a", "b");
	assert_int_equal(txn_import(t, 1, "rubbish", 7, &f.err), -EUCLEAN);
	assert_non_null(strstr(f.err.text, "import of group 1: "));
	put(t, 1, 1, "c", "d");
	assert_int_equal(txn_commit(t, &f.err), -EUCLEAN);
	t = txn_begin_read(f.db, NULL);
	assert_false(txn_get(t, 1, 1, bytes_of("a"), &v));
	assert_false(txn_get(t, 1, 1, bytes_of("c"), &v));
	txn_abort(t);
	fini(&f);
}

/* Bytes with a good checksum that are no stream all the same. */
#define START	"ENCAPGRP\1\0\0\0"
#define ROW_A	"R\1\1\0\1\0\0\0a1"
#define ROW_B	"R\1\1\0\1\0\0\0b2"
#define END(n)	"E" n "\0\0\0\0\0\0\0"
#define TEXT(s) (s), sizeof(s) - 1

static const struct lie {
	const char *name;
	const char *text;
	size_t len;
	const char *want; /* in the message; NULL: it is good */
} lies[] = {
	{ "two rows", TEXT(START ROW_A ROW_B END("\2")), NULL },
	{ "another version", TEXT("ENCAPGRP\2\0\0\0" ROW_A END("\1")),
	  "format version 2, this agent knows 1" },
	{ "another magic", TEXT("ENCAPGRQ\1\0\0\0" ROW_A END("\1")),
	  "not a stream of ours" },
	{ "rows out of order", TEXT(START ROW_B ROW_A END("\2")),
	  "byte 22: a row out of order" },
	{ "a row twice", TEXT(START ROW_A ROW_A END("\2")),
	  "byte 22: a row out of order" },
	{ "too few rows", TEXT(START ROW_A END("\2")), "no end after 1 rows" },
	{ "too many rows", TEXT(START ROW_A ROW_B END("\1")),
	  "no end after 2 rows" },
	{ "no end", TEXT(START ROW_A "F\1\0\0\0\0\0\0\0"),
	  "no end after 1 rows" },
	{ "something that is no row", TEXT(START "Q\1\1\0\1\0\0\0a1" END("\1")),
	  "byte 12: no row" },
	{ "a row cut short", TEXT(START ROW_A "R\1\1" END("\2")),
	  "byte 22: no row" },
	{ "a key beyond the end", TEXT(START "R\1\3\0\0\0\0\0a1" END("\1")),
	  "byte 12: no row" },
	{ "a value beyond the end", TEXT(START "R\1\1\0\2\0\0\0a1" END("\1")),
	  "byte 12: no row" },
	{ "a value beyond all", TEXT(START "R\1\1\0\xff\xff\xff\xff" END("\1")),
	  "byte 12: no row" },
	{ "a key that is too long",
	  TEXT(START "R\1\xff\xff\1\0\0\0a1" END("\1")), "byte 12: no row" },
	{ "tables out of order",
	  TEXT(START "R\2\1\0\1\0\0\0a1" ROW_A END("\2")),
	  "byte 22: a row out of order" },
	{ "a longer key first", TEXT(START "R\1\2\0\0\0\0\0aa" ROW_A END("\2")),
	  "byte 22: a row out of order" },
};

static void lie_is_refused(void **state)
{
	const struct lie *r = *state;
	uint8_t *data = malloc(r->len + 4);
	uint32_t crc = crc32c(0, r->text, r->len);
	struct fixture f;
	int rc;

	assert_non_null(data);
	memcpy(data, r->text, r->len);
	for (int i = 0; i < 4; i++)
		data[r->len + (size_t)i] = (uint8_t)(crc >> (8 * i));
	init(&f, 0);
	rc = import(&f, 1, data, r->len + 4);
	assert_int_equal(rc, r->want ? -EUCLEAN : 0);
	if (r->want && !strstr(f.err.text, r->want))
		fail_msg("%s", f.err.text);
	free(data);
	fini(&f);
}

/* -- digests --------------------------------------------------------- */

/* "table:key=value" each; put in this order. */
static const struct digests {
	const char *name;
	const char *one[4], *two[4];
	bool equal;
} digests[] = {
	{ "nothing", { 0 }, { 0 }, true },
	{ "the same", { "1:a=b" }, { "1:a=b" }, true },
	{ "another order", { "1:a=b", "2:c=d" }, { "2:c=d", "1:a=b" }, true },
	{ "put twice", { "1:a=x", "1:a=b" }, { "1:a=b" }, true },
	{ "something and nothing", { "1:a=b" }, { 0 }, false },
	{ "an empty value and nothing", { "1:a=" }, { 0 }, false },
	{ "another value", { "1:a=b" }, { "1:a=c" }, false },
	{ "another key", { "1:a=b" }, { "1:b=b" }, false },
	{ "another table", { "1:a=b" }, { "2:a=b" }, false },
	{ "another border", { "1:a=bc" }, { "1:ab=c" }, false },
	{ "rows exchanged", { "1:a=b", "1:c=d" }, { "1:a=d", "1:c=b" }, false },
};

static uint64_t digest_of(const char *const *rows)
{
	struct fixture f;
	struct txn *t;
	uint64_t d;

	init(&f, 0);
	t = txn_begin_write(f.db, NULL);
	for (int i = 0; i < 4 && rows[i]; i++) {
		const char *eq = strchr(rows[i], '=');

		txn_put(t, 3, (uint8_t)(rows[i][0] - '0'),
			(struct bytes){ rows[i] + 2,
					(size_t)(eq - rows[i] - 2) },
			bytes_of(eq + 1));
	}
	d = txn_digest(t, 3); /* of what is not committed yet */
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_true(digest(&f, 3) == d);
	fini(&f);
	return d;
}

static void digests_compare(void **state)
{
	const struct digests *r = *state;

	assert_int_equal(digest_of(r->one) == digest_of(r->two), r->equal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_goes_out_and_comes_in),
		cmocka_unit_test(an_empty_group_goes_too),
		cmocka_unit_test(a_snapshot_is_of_the_readers_begin),
		cmocka_unit_test(a_sink_can_fail),
		cmocka_unit_test(a_map_grows_for_an_import),
		cmocka_unit_test(no_byte_may_be_wrong_or_missing),
		cmocka_unit_test(what_came_before_a_bad_import_is_lost_too),
	};

	cmocka_set_test_filter(getenv("T"));
	return cmocka_run_group_tests(tests, NULL, NULL) +
	       TABLE_RUN(lies, lie_is_refused) +
	       TABLE_RUN(digests, digests_compare);
}
