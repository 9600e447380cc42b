/*
 * wal_space - which segments are still needed, and by whom; private to store/.
 *
 *     record that became durable ─▶ wal_space_apply ─▶ spans, marks, pins
 *     a segment without pins     ─▶ wal_space_carry ─▶ records to write
 *     ... once those are durable ─▶ the segment may be overwritten
 *
 * For each group, a span per segment says which of its live entries lie
 * there; a segment is pinned by each span in it. A release, a reset or a drop
 * ends spans. Everything here reflects what
 * is durable, never what is only pending: a segment must not be given away on
 * the word of a record that a crash could still lose.
 */
#pragma once

#include "store/wal_format.h"

struct wal_segment {
	uint64_t seq, size;
	uint64_t last_batch; /* number of its last batch; 0: none */
	unsigned pins;	     /* spans in it */
	bool condemned;	     /* what must survive of it is being written */
	bool free;	     /* ... and is durable: may be overwritten */
	uint64_t *groups;    /* who has any record in it, each once */
	size_t n_groups, cap_groups;
};

struct wal_span {
	struct wal_segment *segment;
	uint64_t first, last; /* last < first: all were cut, but see the .c */
};

struct wal_group {
	struct wal_group *next; /* wal_space::buckets */
	uint64_t id;
	uint64_t released;	/* entries below are not needed */
	uint64_t void_seq;	/* records in segments below do not count */
	uint64_t seen_seq;	/* newest segment with a record of it */
	unsigned n_segments;	/* segments with a record of it */
	struct wal_span *spans; /* by segment; the first has live entries */
	size_t n_spans, cap_spans;
	bool has_vote, has_mark;
	uint64_t term, voted;
	struct wal_record mark; /* SNAPSHOT or RESET; owns its data */
};

struct wal_space {
	struct wal_segment **segments; /* by sequence number */
	size_t n_segments, cap_segments;
	struct wal_group **buckets;
	size_t n_groups, n_buckets; /* a power of two */
};

/* Encoded records, one after the other. */
struct wal_stream {
	uint8_t *data;
	size_t len, cap;
	uint64_t records;
};

void wal_space_fini(struct wal_space *s);

/* A segment behind all others. NULL: out of memory. */
struct wal_segment *wal_space_push(struct wal_space *s, uint64_t seq,
				   uint64_t size);
/* Forget a segment whose file is being overwritten or removed. */
void wal_space_forget(struct wal_space *s, struct wal_segment *seg);
struct wal_segment *wal_space_last(const struct wal_space *s);

struct wal_group *wal_space_group(struct wal_space *s, uint64_t id);
/* As above, made if absent. NULL: out of memory. */
struct wal_group *wal_space_group_make(struct wal_space *s, uint64_t id);

/* @r is durable in @seg. 0 or -ENOMEM. */
int wal_space_apply(struct wal_space *s, struct wal_segment *seg,
		    const struct wal_record *r);
/* Only note that @seg holds a record of the group. 0 or -ENOMEM. */
int wal_space_note(struct wal_space *s, struct wal_segment *seg, uint64_t id);
void wal_space_release(struct wal_space *s, uint64_t group, uint64_t index);

/* Put the records that must be durable before @seg may be overwritten to
 * @out. 0 or -ENOMEM. */
int wal_space_carry(struct wal_space *s, const struct wal_segment *seg,
		    struct wal_stream *out);

/* Append an encoded record. 0 or -ENOMEM. */
int wal_stream_put(struct wal_stream *st, const struct wal_record *r);
