/*
 * blame - which revision brought each line of a text.
 *
 * A line is of the revision in which it is new: in none of its parents. In a
 * merge, a line that comes from either side stays with who brought it there.
 */
#pragma once

#include <stddef.h>

#include "fsm/base/arena.h"

#define BLAME_NONE ((size_t)-1)

struct blame_rev {
	const char *text;
	/* Positions in the list of earlier ones, or BLAME_NONE. */
	size_t parents[2];
};

struct blame_line {
	const char *at; /* in the last text */
	size_t len;	/* line end included */
	size_t rev;	/* position in the list */
};

struct blame {
	struct blame_line *at;
	size_t n;
};

/* Of the last of @revs, parents before children. A revision whose parents are
 * not there (any more) is the one of all its lines. */
void blame_texts(struct arena *a, const struct blame_rev *revs, size_t n,
		 struct blame *ret);
