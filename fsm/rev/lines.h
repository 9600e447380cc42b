/*
 * lines - two texts, line by line: what was taken out, what was put in.
 *
 *     old, new ──lines_diff──▶ hunks     (what is between them is the same)
 *     old, new ──lines_delta─▶ delta ──lines_patch(old)──▶ new
 *
 * Pure, and the same everywhere: deltas are stored, so a change of how they
 * are found must not change what lines_patch() makes of those that exist.
 * Texts hold no NUL; a line's end belongs to it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fsm/base/arena.h"
#include "fsm/base/doc.h"

struct line_span {
	const char *at; /* in the text that was split */
	size_t len;	/* line end included */
};

struct lines {
	struct line_span *at;
	size_t n;
};

void lines_split(struct arena *a, const char *text, struct lines *ret);

/* old[old_at, old_at + old_n) became new[new_at, new_at + new_n). */
struct hunk {
	size_t old_at, old_n, new_at, new_n;
};

struct hunks {
	struct hunk *at;
	size_t n;
};

/* In order. After E. Myers, "An O(ND) Difference Algorithm and Its
 * Variations" (1986); past some 1,000 differences what lies between the equal
 * ends is one hunk. */
void lines_diff(struct arena *a, const struct lines *old,
		const struct lines *new, struct hunks *ret);

/* The same over numbers, of which equal ones stand for what is the same. */
void symbols_diff(struct arena *a, const uint32_t *old, size_t n_old,
		  const uint32_t *new, size_t n_new, struct hunks *ret);

/* As a list [offset, length, text, ...]: copy from the old, then add. */
struct doc *lines_delta(struct arena *a, const char *old, const char *new);
/* NULL if it is no delta of this text. */
const char *lines_patch(struct arena *a, const char *old,
			const struct doc *delta);

/* What two texts differ in, as people know it from diff -u (three lines
 * around); nothing is added where they are equal. */
void lines_unified(struct arena *a, const char *old, const char *new,
		   struct buf *out);
