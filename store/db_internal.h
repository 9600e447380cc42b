/*
 * db_internal - what the files of store/db*.c share.
 *
 *     db.c         environment, transactions, keys and values
 *     db_mark.c    may the content be trusted
 *     db_stream.c  a group as a stream of bytes; its digest
 */
#pragma once

#include <lmdb.h>

#include "store/db.h"

struct txn {
	struct db *db;
	MDB_txn *mdb;
	MDB_cursor *cursor; /* read transactions: of the iterators */
	bool is_write, is_full;
	struct err failed; /* the first failure; code 0: none */
};

/* Remember a failure, if it is the first. Returns the one remembered. */
int txn_fail(struct txn *t, int code, const char *text);

/* Every row of @group, in order, to @each; a negative return of it ends the
 * walk, is remembered as the transaction's failure, and returned. */
typedef int (*txn_each_fn)(void *arg, uint8_t table, struct bytes key,
			   struct bytes value);
int txn_each(struct txn *t, uint64_t group, txn_each_fn each, void *arg);
