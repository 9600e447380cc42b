/*
 * db - LMDB, wrapped once: ordered keys and values per raft group and table.
 *
 * The raft log is the only durable truth; this is its materialised view. So
 * nothing here is synced per commit (MDB_NOSYNC): the environment records the
 * kernel's boot id and a clean-close mark. Opened after a mere process crash
 * it is kept; after an unclean stop of the machine (another boot id without
 * the mark) it is emptied, and db_was_reset() says so.
 *
 * A key is (group, table, key bytes); iteration is in byte order of the key
 * within one (group, table). One write transaction at a time; readers never
 * wait for it and see the state as of their begin.
 *
 * Errors are sticky: the first failure of a transaction is remembered, later
 * calls do nothing (reads find nothing), and txn_commit() returns it. So code
 * that applies commands is straight-line and cannot fail half-way.
 *
 * The map is address space, not memory or disk; it starts far larger than
 * what is stored and grows by itself. LMDB moves it in doing so, and the
 * pointers of an open read transaction would dangle: it grows only while no
 * read transaction is open, early when it is half full, and at the latest
 * when a transaction met its end. Then txn_commit() gives
 *   -EAGAIN  it has grown: run the whole transaction again;
 *   -EBUSY   a read transaction is open: run it again once that has ended.
 *            It takes a single reader during which half the map was written.
 *
 * Threads: one write transaction at a time, begun and ended on one thread. No
 * transaction may outlive the db. A process must not use it across a fork().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/err.h"

struct db;
struct txn;

struct bytes {
	const void *data;
	size_t len;
};

struct db_options {
	const char *dir;     /* made if absent */
	const char *boot_id; /* of the running kernel (or the simulator's) */
	size_t map_size;     /* initial; 0: 16 GiB (256 MiB on 32 bit) */
};

/* Longest key, in bytes. A longer one cannot be put (-EMSGSIZE). */
#define DB_KEY_MAX 502

/* Locks the directory (-EBUSY: another agent). Refuses (-EUCLEAN) an
 * environment of a format version it does not know. */
int db_open(struct db **ret, const struct db_options *o, struct err *err);
/* @clean: sync, then leave the mark that the content may be kept; without it
 * the content is as after a crash of the process. NULL is fine. */
void db_close(struct db *d, bool clean);
bool db_was_reset(const struct db *d);

/* NULL with err set on failure. A read transaction may be used on another
 * thread than the one that began it, by one thread at a time. */
struct txn *txn_begin_write(struct db *d, struct err *err);
struct txn *txn_begin_read(struct db *d, struct err *err);
int txn_commit(struct txn *t, struct err *err); /* ends it either way */
void txn_abort(struct txn *t);			/* NULL is fine */

/* The memory that a get returns is the map's: valid until the transaction
 * ends or, in a write transaction, until its next put or del. */
bool txn_get(struct txn *t, uint64_t group, uint8_t table, struct bytes key,
	     struct bytes *ret);
void txn_put(struct txn *t, uint64_t group, uint8_t table, struct bytes key,
	     struct bytes value);
void txn_del(struct txn *t, uint64_t group, uint8_t table, struct bytes key);

/* Iterate keys that start with @prefix: init, then next until false. Not
 * disturbed by puts and dels of the same transaction made between calls. */
struct txn_iter {
	struct txn *txn;
	uint64_t group;
	uint8_t table;
	struct bytes prefix;
	bool started;
	unsigned char last[512]; /* the key that was given last */
	size_t last_len;
	struct bytes key, value; /* current, after a true next */
};
void txn_iter_init(struct txn_iter *it, struct txn *t, uint64_t group,
		   uint8_t table, struct bytes prefix);
bool txn_iter_next(struct txn_iter *it);

/* Remove everything of @group. */
void txn_drop_group(struct txn *t, uint64_t group);

/* Snapshots: everything of @group, in key order, as a self-checking byte
 * stream (versioned, CRC), written through @sink in pieces. */
typedef int (*txn_sink)(void *arg, const void *data, size_t len);
int txn_export(struct txn *t, uint64_t group, txn_sink sink, void *arg,
	       struct err *err);
/* Replaces everything of @group. Refuses (-EUCLEAN) a stream that does not
 * check. After a failure txn_commit() says how it goes on: it fails as well,
 * and after a full map (-EAGAIN here) with -EAGAIN or -EBUSY, see above. */
int txn_import(struct txn *t, uint64_t group, const void *data, size_t len,
	       struct err *err);

/* A hash over everything of @group, equal on equal content; for comparing
 * copies. FNV-1a 64. */
uint64_t txn_digest(struct txn *t, uint64_t group);

static inline struct bytes bytes_of(const char *text)
{
	struct bytes b = { text, __builtin_strlen(text) };

	return b;
}
