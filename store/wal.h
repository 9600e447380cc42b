/*
 * wal - one write-ahead log for all raft groups of an agent.
 *
 *     wal_add ─▶ [pending] ─wal_flush_begin─▶ flush ─wal_flush_run─▶ disk
 *                                               └──wal_flush_end──▶ durable
 *
 * Records of every group go, in the order added, into fixed-size segments
 * that are written ahead with zeros once and then recycled, so that a flush
 * rewrites blocks which the file system has long allocated. One flush is one
 * synchronous write of everything that was added since the flush before.
 *
 * Three rules:
 *  - the caller's thread owns the wal; only wal_flush_run() may run elsewhere,
 *    and between begin and end there is exactly one flush under way;
 *  - a record counts only once the wal_flush_end() of its flush returned 0; a
 *    failed flush is final: the wal refuses everything from then on, with the
 *    same error (the agent stops with it);
 *  - on open, a torn tail (the bytes of a flush that never completed) is
 *    recognised and cut; anything else that does not check is refused with
 *    file and offset, nothing is guessed.
 *
 * Space: a segment is recycled once every group that has a record in it has
 * released that record (wal_release) or is gone (WAL_DROP). What must survive
 * (term, vote, the snapshot mark) of a group whose records would pin an old
 * segment is carried forward by the wal itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/err.h"

enum wal_kind {
	WAL_ENTRY =
		1, /* a log entry at index, of term; cuts any suffix >= index */
	WAL_VOTE,  /* term = current term, aux = voted for (0: nobody) */
	WAL_SNAPSHOT, /* a snapshot up to (index, term) is durable elsewhere;
			 aux = first index that the log keeps afterwards.
			 data = its metadata, opaque here */
	WAL_RESET,    /* a snapshot was installed: the log is empty, next index
			 is index + 1; fields as WAL_SNAPSHOT */
	WAL_DROP,     /* the group is gone from this agent */
};

struct wal_record {
	enum wal_kind kind;
	uint64_t group;
	uint64_t index, term, aux;
	uint8_t entry_type; /* WAL_ENTRY: libraft's raft_entry_type */
	const void *data;   /* borrowed until wal_add() returns */
	size_t len;
};

/*
 * The files, as functions, so that the simulator can lose and tear writes.
 * All return 0 or a negated errno. Files are named, sizes are in bytes.
 * `write` must be synchronous: when it returns 0 the bytes are on the disk.
 * So are create, rename (which replaces) and remove, and a crash finds them
 * done or not done. Reads and writes lie within the file. One call at a time;
 * from any thread.
 */
struct wal_disk {
	void *ctx;
	/* Every name in the log's directory, in any order, to @each. */
	int (*list)(void *ctx, void (*each)(void *arg, const char *name),
		    void *arg);
	/* Create @name with @size zero bytes, allocated and durable. One that
	 * exists is replaced. */
	int (*create)(void *ctx, const char *name, uint64_t size);
	int (*size)(void *ctx, const char *name, uint64_t *ret);
	int (*read)(void *ctx, const char *name, uint64_t off, void *buf,
		    size_t len);
	int (*write)(void *ctx, const char *name, uint64_t off, const void *buf,
		     size_t len);
	int (*rename)(void *ctx, const char *from, const char *to);
	int (*remove)(void *ctx, const char *name);
};

/* The real one: a directory, made if absent; O_DSYNC semantics per write, past
 * the page cache where offset, length and memory are multiples of 4096.
 * Takes an exclusive lock on the directory (-EBUSY: a second agent). Names
 * that end in .tmp are its own: creations that a crash interrupted.
 * wal_disk_close() releases what it holds. */
int wal_disk_open(struct wal_disk *ret, const char *dir, struct err *err);
void wal_disk_close(struct wal_disk *d);

struct wal;

/* Called for each valid record in log order while opening. The data is valid
 * only during the call. A non-zero return aborts wal_open() with it. */
typedef int (*wal_replay_fn)(void *arg, const struct wal_record *r,
			     struct err *err);

/* @disk is borrowed and must outlive the wal. @segment_size in bytes (0: 8 MiB;
 * rounded up to 4096, at least 32 KiB). -EUCLEAN: the log is damaged, or of a
 * version that is not known; nothing was changed. */
int wal_open(struct wal **ret, const struct wal_disk *disk,
	     uint64_t segment_size, wal_replay_fn replay, void *arg,
	     struct err *err);
/* NULL is fine. Pending records are dropped, so is a flush under way, whose
 * wal_flush_run() must have returned or never be called. */
void wal_close(struct wal *w);

/* Put a record behind those pending. Copies r->data. -EMSGSIZE: more data than
 * the segment's size less 12 KiB; the wal goes on. Else: see rule two. */
int wal_add(struct wal *w, const struct wal_record *r, struct err *err);

/* Entries of @group below @index are no longer needed: what replaces them is
 * durable. (A WAL_SNAPSHOT releases what is below its aux by itself.) They may
 * still be replayed once more. */
void wal_release(struct wal *w, uint64_t group, uint64_t index);

struct wal_flush; /* one write under way */

bool wal_dirty(const struct wal *w); /* something was added and not begun */

/* Freeze what is pending. NULL when there is nothing, one is under way, or the
 * wal has failed. */
struct wal_flush *wal_flush_begin(struct wal *w);
/* The blocking part; any thread. */
int wal_flush_run(struct wal_flush *f, struct err *err);
/* Back on the owner's thread with what wal_flush_run() gave; frees @f. */
int wal_flush_end(struct wal *w, struct wal_flush *f, int rc, struct err *err);

/* begin + run + end, for tools and tests. */
int wal_sync(struct wal *w, struct err *err);

struct wal_stats {
	uint64_t segments;   /* files on disk, spares among them */
	uint64_t bytes_live; /* of the segments that hold needed entries, and of
				the one being written */
	uint64_t flushes, records; /* that became durable, since the opening */
};
void wal_stats(const struct wal *w, struct wal_stats *ret);
