/*
 * voters - which members of the cluster's group vote.
 *
 *     members, where they stand, who is gone ──▶ who shall vote
 *
 * Pure. The leader carries the difference out one change at a time; the groups
 * of services follow.
 *
 * At most five, and an odd number. Nobody loses a vote by being gone unless
 * somebody who is there can have it: fewer voters would only make the next
 * loss worse. Nor while somebody is on the way in. Of witnesses there are
 * always fewer than a majority, so that whatever is agreed lies on a hypervisor
 * that can use it. No failure domain (a value of one of the labels in
 * voters_domains) holds a majority where that can be avoided. Among equals: who
 * votes already, then the lower id.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fsm/base/doc.h"

#define VOTERS_MAX 5

struct voter {
	uint64_t id;
	const struct doc *labels; /* {key: value}; may be NULL */
	bool votes;		  /* now */
	bool leads;		  /* the group */
	bool up;		  /* it may be promoted */
	bool gone;		  /* for so long that it is to be replaced */
	bool joining;		  /* it was not up yet: on its way in */
	bool leaving;
	bool witness;
	bool shall; /* the answer */
};

/* The labels that say what fails together, the widest first; NULL-terminated.
 */
extern const char *const voters_domains[];

/* Sets shall of each of @at. If nobody could vote, nothing is changed. */
void voters_choose(struct voter *at, size_t n);
