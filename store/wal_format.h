/*
 * wal_format - the bytes of a log segment; private to store/.
 *
 *     segment: [header 4096][batch][batch]...[zeros or an earlier life]
 *     batch:   [batch head 32][record]...[zeros up to 4096]
 *     record:  [record head 48][data][zeros up to 8]
 *
 * All integers are little-endian. A batch is one synchronous write. It starts
 * on a block and carries the segment's sequence number and its own number,
 * which grows by one with each batch of the log; both are under every
 * checksum, so nothing from an earlier life of a recycled segment, or from
 * another place in the log, is ever taken for valid.
 *
 * The header of the newest segment says which older segments belong to the
 * log, and the number of each one's last batch: so a segment that went
 * missing, or lost its end, is noticed even though batches do not point at
 * each other. Files that it does not list are spares.
 *
 * Magic, version and checksum of the header keep their places in all future
 * versions, so that an unknown version can be told from damage.
 */
#pragma once

#include "store/wal.h"

enum {
	WAL_BLOCK = 4096,
	WAL_VERSION = 1,
	WAL_BATCH_HEAD = 32,
	WAL_RECORD_HEAD = 48,
	WAL_LIVE_MAX = (WAL_BLOCK - 48) / 16,
	/* Never passed to a caller: records of `group` in segments with a
	 * sequence number below `index` are void. */
	WAL_VOID = 100,
	WAL_NAME_SIZE = 24,
};

struct wal_live {
	uint64_t seq, last_batch; /* 0: no batch */
};

struct wal_header {
	uint32_t version;
	uint64_t seq, size;
	uint64_t first_batch; /* the number that its first batch gets */
	uint32_t n_live;
	struct wal_live live[WAL_LIVE_MAX];
};

enum wal_header_state {
	WAL_HEADER_OK,
	WAL_HEADER_DAMAGED, /* or never written */
	WAL_HEADER_UNKNOWN, /* intact, of a version that is not ours */
};

struct wal_batch {
	uint64_t seq, number;
	uint32_t bytes; /* of records */
	uint32_t count; /* of records */
};

/* "wal-" and 16 hexadecimal digits of the sequence number. */
void wal_name_format(char name[WAL_NAME_SIZE], uint64_t seq);
bool wal_name_parse(const char *name, uint64_t *ret_seq);

void wal_header_encode(uint8_t block[WAL_BLOCK], const struct wal_header *h);
enum wal_header_state wal_header_decode(const uint8_t block[WAL_BLOCK],
					struct wal_header *ret);

/* Bytes that a record with @len bytes of data takes. */
uint64_t wal_record_size(uint64_t len);
/* The checksum is left for wal_batch_seal(). */
void wal_record_encode(uint8_t *at, const struct wal_record *r);
/* From bytes that were checked; r->data points into them. Returns the size. */
size_t wal_record_decode(const uint8_t *at, struct wal_record *ret);

/* Complete head and record checksums of a batch whose records are in place. */
void wal_batch_seal(uint8_t *at, const struct wal_batch *b);

/* Is an intact batch head at @at (WAL_BATCH_HEAD bytes), of any segment? */
bool wal_batch_peek(const uint8_t *at, struct wal_batch *ret);

/* NULL if a whole valid batch of segment @seq lies at @off of the segment's
 * @size bytes; else what is wrong, with *ret_bad the offset of the wrong. */
const char *wal_batch_check(const uint8_t *segment, uint64_t size, uint64_t off,
			    uint64_t seq, struct wal_batch *ret,
			    uint64_t *ret_bad);
