/*
 * wal_fixture - a log on a simulated disk, and in words what it replays.
 */
#pragma once

#include "tests/lib/table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/wal_format.h"
#include "cluster/sim/simdisk.h"

enum { SEGMENT = 32 << 10, BIG = SEGMENT - 3 * WAL_BLOCK };

/* -- a log and what it says ------------------------------------------ */

struct fixture {
	struct simdisk *disk;
	struct wal *wal;
	char got[8192]; /* what the last opening replayed, see describe() */
	size_t n;
	struct err err;
};

/* "1.e5:3" is entry 5 of group 1, of term 3. */
static inline int describe(void *arg, const struct wal_record *r,
			   struct err *err)
{
	static const char verbs[] = "?evsrd";
	struct fixture *f = arg;
	int n = snprintf(f->got + f->n, sizeof(f->got) - f->n,
			 "%s%" PRIu64 ".%c", f->n ? " " : "", r->group,
			 verbs[r->kind]);

	(void)err;
	f->n += (size_t)n;
	if (r->kind == WAL_DROP)
		return 0;
	n = snprintf(f->got + f->n, sizeof(f->got) - f->n,
		     "%" PRIu64 ":%" PRIu64,
		     r->kind == WAL_VOTE ? r->aux : r->index, r->term);
	f->n += (size_t)n;
	assert_in_range(f->n, 0, sizeof(f->got) - 64);
	for (size_t i = 0; i < r->len; i++)
		assert_int_equal(((const uint8_t *)r->data)[i],
				 (uint8_t)(r->index + i));
	return 0;
}

static inline int try_open(struct fixture *f)
{
	wal_close(f->wal);
	f->wal = NULL;
	f->n = 0;
	f->got[0] = '\0';
	memset(&f->err, 0, sizeof(f->err));
	return wal_open(&f->wal, simdisk_disk(f->disk), SEGMENT, describe, f,
			&f->err);
}

static inline void reopen(struct fixture *f)
{
	int rc = try_open(f);

	if (rc)
		fail_msg("%s", f->err.text);
}

static inline void init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->disk = simdisk_new(1);
	reopen(f);
}

static inline void fini(struct fixture *f)
{
	wal_close(f->wal);
	simdisk_free(f->disk);
}

static inline int add(struct fixture *f, struct wal_record r, size_t len)
{
	uint8_t *data = malloc(len + 1);
	int rc;

	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(r.index + i);
	r.data = data;
	r.len = len;
	rc = wal_add(f->wal, &r, &f->err);
	free(data);
	return rc;
}

static inline void add_entry(struct fixture *f, uint64_t group, uint64_t index,
			     uint64_t term, size_t len)
{
	struct wal_record r = {
		.kind = WAL_ENTRY, .group = group, .index = index, .term = term
	};

	assert_int_equal(add(f, r, len), 0);
}

static inline void add_vote(struct fixture *f, uint64_t group, uint64_t term,
			    uint64_t voted)
{
	struct wal_record r = {
		.kind = WAL_VOTE, .group = group, .term = term, .aux = voted
	};

	assert_int_equal(add(f, r, 0), 0);
}

static inline void add_drop(struct fixture *f, uint64_t group)
{
	struct wal_record r = { .kind = WAL_DROP, .group = group };

	assert_int_equal(add(f, r, 0), 0);
}

static inline void add_mark_of(struct fixture *f, enum wal_kind kind,
			       uint64_t group, uint64_t index, uint64_t keep,
			       size_t len)
{
	struct wal_record r = {
		.kind = kind, .group = group, .index = index, .aux = keep
	};

	assert_int_equal(add(f, r, len), 0);
}

static inline void add_mark(struct fixture *f, enum wal_kind kind,
			    uint64_t group, uint64_t index, uint64_t keep)
{
	add_mark_of(f, kind, group, index, keep, 20);
}

static inline void sync_log(struct fixture *f)
{
	if (wal_sync(f->wal, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

/* The last part of @text that is @tail. */
static inline bool ends_with(const char *text, const char *tail)
{
	size_t n = strlen(text), m = strlen(tail);

	return n >= m && strcmp(text + n - m, tail) == 0;
}
