/*
 * A group as bytes, all integers little-endian:
 *
 *     "ENCAPGRP"  version, 4
 *     'R'  table, 1  key length, 2  value length, 4  key  value    ... rows
 *     'E'  number of rows, 8  CRC-32C of all before, 4
 *
 * Rows are in ascending order, so equal groups give equal bytes.
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/crc32c.h"
#include "store/db_internal.h"
#include "store/plant.h"

enum {
	VERSION = 1,
	START_LEN = 12,
	ROW_LEN = 8,
	END_LEN = 13,
	PIECE = 64 << 10,
};

static const char magic[8] = { 'E', 'N', 'C', 'A', 'P', 'G', 'R', 'P' };

/* -- out ------------------------------------------------------------- */

struct export
{
	txn_sink sink;
	void *arg;
	uint8_t *piece;
	size_t len; /* of the piece */
	uint32_t crc;
	uint64_t rows;
};

static int flush(struct export *x)
{
	int rc = x->len ? x->sink(x->arg, x->piece, x->len) : 0;

	x->len = 0;
	return rc;
}

static int put(struct export *x, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t n;
	int rc;

	x->crc = crc32c(x->crc, data, len);
	for (; len; p += n, len -= n) {
		n = len < PIECE - x->len ? len : PIECE - x->len;
		memcpy(x->piece + x->len, p, n);
		x->len += n;
		if (x->len < PIECE)
			continue;
		rc = flush(x);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int put_row(void *arg, uint8_t table, struct bytes key,
		   struct bytes value)
{
	struct export *x = arg;
	uint16_t klen = htole16((uint16_t)key.len);
	uint32_t vlen = htole32((uint32_t)value.len);
	uint8_t head[ROW_LEN] = { 'R', table };
	int rc;

	if ((PLANTED(SNAPSHOT_NO_SEEN) && table == 'D') ||
	    (PLANTED(SNAPSHOT_NO_ROWS) && table == 'E'))
		return 0;
	memcpy(head + 2, &klen, sizeof(klen));
	memcpy(head + 4, &vlen, sizeof(vlen));
	x->rows++;
	rc = put(x, head, sizeof(head));
	if (rc == 0)
		rc = put(x, key.data, key.len);
	return rc < 0 ? rc : put(x, value.data, value.len);
}

static int put_start(struct export *x)
{
	uint32_t version = htole32(VERSION);
	int rc = put(x, magic, sizeof(magic));

	return rc < 0 ? rc : put(x, &version, sizeof(version));
}

static int put_end(struct export *x)
{
	uint64_t rows = htole64(x->rows);
	uint32_t crc;
	int rc = put(x, "E", 1);

	if (rc == 0)
		rc = put(x, &rows, sizeof(rows));
	crc = htole32(x->crc);
	if (rc == 0)
		rc = put(x, &crc, sizeof(crc));
	return rc < 0 ? rc : flush(x);
}

int txn_export(struct txn *t, uint64_t group, txn_sink sink, void *arg,
	       struct err *err)
{
	struct export x = { .sink = sink, .arg = arg };
	int rc;

	x.piece = malloc(PIECE);
	if (!x.piece)
		return err_set(err, -ENOMEM, "export: out of memory");
	rc = put_start(&x);
	if (rc == 0)
		rc = txn_each(t, group, put_row, &x);
	if (rc == 0)
		rc = put_end(&x);
	free(x.piece);
	if (rc < 0)
		return err_set(err, rc, "export of group %" PRIu64 ": %s",
			       group,
			       t->failed.code ? t->failed.text : strerror(-rc));
	return 0;
}

/* -- in -------------------------------------------------------------- */

struct row {
	uint8_t table;
	struct bytes key, value;
};

/* The row at *pos of @len bytes, which end where the rows must. False: there
 * is none that fits. */
static bool get_row(const uint8_t *data, size_t len, size_t *pos,
		    struct row *ret)
{
	const uint8_t *p = data + *pos;
	size_t room = len - *pos;
	uint16_t klen;
	uint32_t vlen;

	if (room < ROW_LEN || p[0] != 'R')
		return false;
	memcpy(&klen, p + 2, sizeof(klen));
	memcpy(&vlen, p + 4, sizeof(vlen));
	klen = le16toh(klen);
	vlen = le32toh(vlen);
	if (klen > DB_KEY_MAX || room - ROW_LEN < klen ||
	    room - ROW_LEN - klen < vlen)
		return false;
	ret->table = p[1];
	ret->key = (struct bytes){ p + ROW_LEN, klen };
	ret->value = (struct bytes){ p + ROW_LEN + klen, vlen };
	*pos += ROW_LEN + (size_t)klen + vlen;
	return true;
}

static bool is_before(const struct row *a, const struct row *b)
{
	size_t n = a->key.len < b->key.len ? a->key.len : b->key.len;
	int c;

	if (a->table != b->table)
		return a->table < b->table;
	c = memcmp(a->key.data, b->key.data, n);
	return c ? c < 0 : a->key.len < b->key.len;
}

static int check_frame(const uint8_t *data, size_t len, struct err *err)
{
	uint32_t version, crc;

	if (len < START_LEN + END_LEN ||
	    memcmp(data, magic, sizeof(magic)) != 0)
		return err_set(err, -EUCLEAN,
			       "not a stream of ours, or only its beginning "
			       "(%zu bytes)",
			       len);
	memcpy(&version, data + sizeof(magic), sizeof(version));
	version = le32toh(version);
	if (version != VERSION)
		return err_set(err, -EUCLEAN,
			       "format version %" PRIu32
			       ", this agent knows %d: run the newer agent",
			       version, VERSION);
	memcpy(&crc, data + len - sizeof(crc), sizeof(crc));
	if (le32toh(crc) != crc32c(0, data, len - sizeof(crc)))
		return err_set(err, -EUCLEAN,
			       "the checksum of its %zu bytes does not match",
			       len);
	return 0;
}

static int check_rows(const uint8_t *data, size_t len, struct err *err)
{
	size_t end = len - END_LEN, pos = START_LEN;
	struct row row, before = { 0 };
	uint64_t rows = 0, said;

	while (pos < end) {
		size_t at = pos;

		if (!get_row(data, end, &pos, &row))
			return err_set(err, -EUCLEAN, "byte %zu: no row", at);
		if (rows++ && !is_before(&before, &row))
			return err_set(err, -EUCLEAN,
				       "byte %zu: a row out of order", at);
		before = row;
	}
	memcpy(&said, data + end + 1, sizeof(said));
	if (data[end] != 'E' || le64toh(said) != rows)
		return err_set(err, -EUCLEAN,
			       "byte %zu: no end after %" PRIu64 " rows", end,
			       rows);
	return 0;
}

int txn_import(struct txn *t, uint64_t group, const void *data, size_t len,
	       struct err *err)
{
	struct err why = { 0 };
	size_t pos = START_LEN;
	struct row row;
	int rc = t->failed.code;

	if (rc == 0)
		rc = check_frame(data, len, &why);
	if (rc == 0)
		rc = check_rows(data, len, &why);
	if (rc < 0) {
		txn_fail(t, rc, why.text);
	} else {
		txn_drop_group(t, group);
		while (!t->failed.code &&
		       get_row(data, len - END_LEN, &pos, &row))
			txn_put(t, group, row.table, row.key, row.value);
	}
	rc = t->failed.code;
	if (rc < 0)
		return err_set(err, rc, "import of group %" PRIu64 ": %s",
			       group, t->failed.text);
	return 0;
}

/* -- digest ---------------------------------------------------------- */

/* FNV-1a, 64 bits: draft-eastlake-fnv. */
static uint64_t fnv(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t fnv_number(uint64_t hash, uint64_t n)
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(n >> (8 * i));
	return fnv(hash, bytes, sizeof(bytes));
}

static int digest_row(void *arg, uint8_t table, struct bytes key,
		      struct bytes value)
{
	uint64_t *hash = arg;

	*hash = fnv(*hash, &table, 1);
	*hash = fnv_number(*hash, key.len);
	*hash = fnv_number(*hash, value.len);
	*hash = fnv(*hash, key.data, key.len);
	*hash = fnv(*hash, value.data, value.len);
	return 0;
}

uint64_t txn_digest(struct txn *t, uint64_t group)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	txn_each(t, group, digest_row, &hash);
	return hash;
}
