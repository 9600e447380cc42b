/*
 * db_mark - may what LMDB holds be trusted; private to store/.
 *
 * A small file beside LMDB's says which boot of the kernel wrote last and
 * whether it was closed cleanly. Nothing is synced per commit, so after an
 * unclean stop of the machine LMDB's pages may be from different times, and
 * opening them could crash us: that must be known before LMDB is asked.
 */
#pragma once

#include <stdbool.h>

#include "store/err.h"

/* What db_mark_read() found. */
enum db_mark {
	DB_MARK_NEW,  /* there is nothing yet */
	DB_MARK_KEEP, /* closed cleanly, or in use until now in this boot */
	DB_MARK_LOST, /* not to be trusted */
};

/* In directory @fd; -EUCLEAN: written by a version that is not known. */
int db_mark_read(int fd, const char *boot_id, enum db_mark *ret,
		 struct err *err);
/* @clean: synced, may be kept whatever comes; else: in use in @boot_id. */
int db_mark_write(int fd, const char *boot_id, bool clean, struct err *err);
