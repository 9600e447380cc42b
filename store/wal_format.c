#include "store/wal_format.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/crc32c.h"

static const char header_magic[8] = { 'E', 'N', 'C', 'A', 'P', 'W', 'A', 'L' };

enum { BATCH_MAGIC = 0x48435442 }; /* "BTCH" */

static void put32(uint8_t *at, uint32_t v)
{
	v = htole32(v);
	memcpy(at, &v, sizeof(v));
}

static void put64(uint8_t *at, uint64_t v)
{
	v = htole64(v);
	memcpy(at, &v, sizeof(v));
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return le32toh(v);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return le64toh(v);
}

void wal_name_format(char name[WAL_NAME_SIZE], uint64_t seq)
{
	snprintf(name, WAL_NAME_SIZE, "wal-%016" PRIx64, seq);
}

bool wal_name_parse(const char *name, uint64_t *ret_seq)
{
	char again[WAL_NAME_SIZE];
	uint64_t seq;

	if (sscanf(name, "wal-%16" SCNx64, &seq) != 1)
		return false;
	wal_name_format(again, seq);
	if (strcmp(name, again) != 0)
		return false;
	*ret_seq = seq;
	return true;
}

static uint32_t header_crc(const uint8_t *block)
{
	static const uint8_t zero[4];
	uint32_t crc = crc32c(0, block, 12);

	crc = crc32c(crc, zero, sizeof(zero));
	return crc32c(crc, block + 16, WAL_BLOCK - 16);
}

void wal_header_encode(uint8_t block[WAL_BLOCK], const struct wal_header *h)
{
	assert(h->n_live <= WAL_LIVE_MAX);
	memset(block, 0, WAL_BLOCK);
	memcpy(block, header_magic, sizeof(header_magic));
	put32(block + 8, h->version);
	put64(block + 16, h->seq);
	put64(block + 24, h->size);
	put64(block + 32, h->first_batch);
	put32(block + 40, h->n_live);
	for (size_t i = 0; i < h->n_live; i++) {
		put64(block + 48 + 16 * i, h->live[i].seq);
		put64(block + 56 + 16 * i, h->live[i].last_batch);
	}
	put32(block + 12, header_crc(block));
}

enum wal_header_state wal_header_decode(const uint8_t block[WAL_BLOCK],
					struct wal_header *ret)
{
	if (memcmp(block, header_magic, sizeof(header_magic)) != 0 ||
	    get32(block + 12) != header_crc(block))
		return WAL_HEADER_DAMAGED;
	ret->version = get32(block + 8);
	if (ret->version != WAL_VERSION)
		return WAL_HEADER_UNKNOWN;
	ret->seq = get64(block + 16);
	ret->size = get64(block + 24);
	ret->first_batch = get64(block + 32);
	ret->n_live = get32(block + 40);
	if (ret->n_live > WAL_LIVE_MAX)
		return WAL_HEADER_DAMAGED;
	for (size_t i = 0; i < ret->n_live; i++) {
		ret->live[i].seq = get64(block + 48 + 16 * i);
		ret->live[i].last_batch = get64(block + 56 + 16 * i);
	}
	return WAL_HEADER_OK;
}

uint64_t wal_record_size(uint64_t len)
{
	return WAL_RECORD_HEAD + ((len + 7) & ~UINT64_C(7));
}

void wal_record_encode(uint8_t *at, const struct wal_record *r)
{
	memset(at, 0, WAL_RECORD_HEAD);
	put32(at + 4, (uint32_t)r->len);
	at[8] = (uint8_t)r->kind;
	at[9] = r->entry_type;
	put64(at + 16, r->group);
	put64(at + 24, r->index);
	put64(at + 32, r->term);
	put64(at + 40, r->aux);
	if (r->len)
		memcpy(at + WAL_RECORD_HEAD, r->data, r->len);
	memset(at + WAL_RECORD_HEAD + r->len, 0,
	       wal_record_size(r->len) - WAL_RECORD_HEAD - r->len);
}

size_t wal_record_decode(const uint8_t *at, struct wal_record *ret)
{
	*ret = (struct wal_record){
		.kind = (enum wal_kind)at[8],
		.entry_type = at[9],
		.group = get64(at + 16),
		.index = get64(at + 24),
		.term = get64(at + 32),
		.aux = get64(at + 40),
		.data = at + WAL_RECORD_HEAD,
		.len = get32(at + 4),
	};
	return wal_record_size(ret->len);
}

/* Where each checksum of a batch starts from: its place in the log. */
static uint32_t seed(uint64_t seq, uint64_t number)
{
	uint8_t place[16];

	put64(place, seq);
	put64(place + 8, number);
	return crc32c(0, place, sizeof(place));
}

void wal_batch_seal(uint8_t *at, const struct wal_batch *b)
{
	uint32_t start = seed(b->seq, b->number);
	uint8_t *p = at + WAL_BATCH_HEAD;

	for (uint32_t i = 0; i < b->count; i++) {
		size_t size = wal_record_size(get32(p + 4));

		put32(p, crc32c(start, p + 4, size - 4));
		p += size;
	}
	assert(p == at + WAL_BATCH_HEAD + b->bytes);
	put32(at, BATCH_MAGIC);
	put64(at + 8, b->seq);
	put64(at + 16, b->number);
	put32(at + 24, b->bytes);
	put32(at + 28, b->count);
	put32(at + 4, crc32c(start, at + 8, WAL_BATCH_HEAD - 8));
}

static const char *check_record(const uint8_t *at, uint64_t room,
				uint32_t start, uint64_t *ret_size)
{
	uint64_t size;

	if (room < WAL_RECORD_HEAD)
		return "a record reaches over the end of its batch";
	size = wal_record_size(get32(at + 4));
	if (size > room)
		return "a record reaches over the end of its batch";
	if (get32(at) != crc32c(start, at + 4, size - 4))
		return "the checksum of a record does not match";
	*ret_size = size;
	return NULL;
}

bool wal_batch_peek(const uint8_t *at, struct wal_batch *ret)
{
	if (get32(at) != BATCH_MAGIC)
		return false;
	*ret = (struct wal_batch){ get64(at + 8), get64(at + 16),
				   get32(at + 24), get32(at + 28) };
	return get32(at + 4) ==
	       crc32c(seed(ret->seq, ret->number), at + 8, WAL_BATCH_HEAD - 8);
}

const char *wal_batch_check(const uint8_t *segment, uint64_t size, uint64_t off,
			    uint64_t seq, struct wal_batch *ret,
			    uint64_t *ret_bad)
{
	const uint8_t *at = segment + off;
	uint64_t pos = WAL_BATCH_HEAD, end, n;
	const char *why;
	uint32_t start;

	*ret_bad = off;
	if (off + WAL_BATCH_HEAD > size || !wal_batch_peek(at, ret))
		return "no intact batch head is here";
	if (ret->seq != seq)
		return "the batch is of an earlier use of the segment";
	start = seed(ret->seq, ret->number);
	end = WAL_BATCH_HEAD + (uint64_t)ret->bytes;
	if (off + end > size)
		return "a batch reaches over the end of its segment";
	for (uint32_t i = 0; i < ret->count; i++, pos += n) {
		why = check_record(at + pos, end - pos, start, &n);
		if (why) {
			*ret_bad = off + pos;
			return why;
		}
	}
	return pos == end ? NULL : "a batch is longer than its records";
}
