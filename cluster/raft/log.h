/*
 * log - the entries of one group that are kept in memory; private to raft/.
 *
 *     [ .. base ] | base+1 ............ last |
 *      in a        replication sends from here,
 *      snapshot    apply reads from here
 *
 * Mirrors what the write-ahead log holds, or will once its pending records
 * are flushed. Owns the data of its entries.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct raft_log_entry {
	uint64_t term;
	uint64_t pos; /* bytes put to the wal before it, by all groups */
	uint8_t type; /* enum raft_entry_type */
	uint32_t len;
	void *data;
};

/* libraft has a struct raft_log of its own. */
struct glog {
	uint64_t base; /* index before the first entry kept */
	struct raft_log_entry *at;
	size_t n, cap;
	uint64_t bytes; /* of data */
};

void glog_fini(struct glog *l);

static inline uint64_t glog_last(const struct glog *l)
{
	return l->base + l->n;
}

/* NULL if the entry is not kept. */
const struct raft_log_entry *glog_get(const struct glog *l, uint64_t index);

/* Append a copy of @e->data behind the last entry. 0 or -ENOMEM. */
int glog_append(struct glog *l, const struct raft_log_entry *e);
/* Forget entries from @index on. */
void glog_truncate(struct glog *l, uint64_t index);
/* Forget entries up to and including @index. */
void glog_trim(struct glog *l, uint64_t index);
/* Forget everything; the next entry is @base + 1. */
void glog_reset(struct glog *l, uint64_t base);
