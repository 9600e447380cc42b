/*
 * checks - what has to be true in every run.
 *
 *     apply, looks, acknowledgements, reads ─▶ [what is known of each group]
 *                                       └─────▶ world_fail at the first breach
 *
 *  1. at most one leader per term of a group
 *  2. every node applies the same commands in the same order, and each once
 *  3. copies are equal at an equal index
 *  4. no acknowledged command is lost, and none has its effect twice
 *  5. appends and reads are linearizable: with an append-only list (the events
 *     of a group) that is to say that a read sees all that was acknowledged or
 *     seen before it began, and that an append comes behind all of that
 *  6. what a leader says about its contact: nobody was elected for a later
 *     term before that time
 *  7. once the faults stop, everything converges (chaos.h)
 *
 * A command that is checked is an "event" of a client: `cl` is "c" and the
 * client's number.
 */
#pragma once

#include "tests/sim/world.h"

enum {
	CHECK_CLIENTS = 8,
};

struct entry_seen {
	uint64_t *hashes; /* of its commands */
	unsigned n;
};

struct leader_seen {
	uint64_t id, us; /* 0: nobody */
};

struct sequence {
	uint64_t *at; /* by number: position of its effect, from 1; 0: none */
	size_t n;
};

struct group_checks {
	uint64_t gid;
	struct entry_seen *entries; /* by index */
	size_t n_entries;
	uint64_t *digests; /* by index; 0: unknown */
	size_t n_digests;
	struct leader_seen *leaders; /* by term */
	size_t n_leaders;
	struct sequence clients[CHECK_CLIENTS];
	uint64_t floor; /* a read that begins now sees at least so many */
	uint64_t total; /* effects */
};

struct checks {
	struct group_checks groups[WORLD_GROUPS];
	unsigned n_groups;
	unsigned acked, reads, digests;
};

void checks_fini(struct checks *c);
struct group_checks *checks_group(struct world *w, uint64_t gid);

/* The list is at least this long for who begins now. */
uint64_t checks_floor(struct world *w, uint64_t gid);
void checks_acked(struct world *w, uint64_t gid, unsigned client, uint64_t sq,
		  uint64_t floor);
void checks_read(struct world *w, uint64_t gid, uint64_t length,
		 uint64_t floor);
/* Compare the copy of @x with what others had at that index. */
void checks_copy(struct node *x, uint64_t gid);
/* At the end: everything that was acknowledged is in the copy of @x. */
void checks_content(struct node *x, uint64_t gid);
