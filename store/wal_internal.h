/*
 * wal_internal - what the files of store/wal*.c share.
 *
 *     wal.c         the life of a wal; add, release
 *     wal_flush.c   what a flush writes, and what follows from it
 *     wal_load.c    opening: what is on disk, is it whole, replay
 *     wal_format.c  bytes
 *     wal_space.c   which segments are needed
 *     wal_disk.c    the real disk
 */
#pragma once

#include "store/wal_space.h"

enum {
	WAL_SEGMENT_DEFAULT = 8 << 20,
	WAL_SEGMENT_MIN = 8 * WAL_BLOCK,
	/* Of a segment no record may use: header, heads, and what is carried
	 * together with a mark. */
	WAL_OVERHEAD = 3 * WAL_BLOCK,
	WAL_SPARES_KEPT = 4,
};

/* A file that belongs to no log: the newest segment's header does not list it.
 * It may lie ready under the name of the next segment. */
struct wal_spare {
	uint64_t seq, size;
};

enum wal_step_kind {
	WAL_STEP_REMOVE, /* file `from` */
	WAL_STEP_CREATE, /* file `seq` */
	WAL_STEP_RENAME, /* `from` to `seq` */
	WAL_STEP_HEADER, /* of segment `seq` */
	WAL_STEP_BATCH,
};

struct wal_step {
	enum wal_step_kind kind;
	uint64_t seq, from;
	uint64_t off;	/* in the file */
	size_t at, len; /* in wal_flush::buf */
	struct wal_batch batch;
};

/* Between begin and end, all of this is the flush's; wal_flush_run() uses
 * nothing else. Kept from flush to flush for its memory. */
struct wal_flush {
	const struct wal_disk *disk;
	uint64_t segment_size;
	struct wal_stream carried, taken;
	uint8_t *buf; /* aligned to WAL_BLOCK */
	size_t len, cap;
	struct wal_step *steps;
	size_t n_steps, cap_steps;
	struct wal_segment *condemned; /* free once this is durable */
	struct err err;		       /* code 0: none */
};

struct wal {
	const struct wal_disk *disk;
	uint64_t segment_size;
	struct wal_space space;
	struct wal_spare *spares;
	size_t n_spares, cap_spares;
	uint64_t off;	     /* in the newest segment: of the next batch */
	uint64_t next_batch; /* its number */
	struct wal_stream pending;
	struct wal_flush flush;
	bool is_flushing;
	struct err failed; /* code 0: no */
	uint64_t flushes, records;
};

/* Memory for direct I/O. NULL: out of memory. */
uint8_t *wal_alloc(size_t size);
int wal_no_memory(struct err *err);

/* 0 or -ENOMEM. */
int wal_spare_add(struct wal *w, uint64_t seq, uint64_t size);

/* Freeze a flush that only starts a segment, the first. */
struct wal_flush *wal_flush_first(struct wal *w);
void wal_flush_fini(struct wal_flush *f);

/* Fill an empty wal with what is on its disk. */
int wal_load(struct wal *w, wal_replay_fn replay, void *arg, struct err *err);
