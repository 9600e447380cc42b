/*
 * merge - two edits of one env file into one, key by key.
 *
 *     base ──┬─▶ ours ────┐
 *            └─▶ theirs ──┴─merge_texts──▶ text, or what stands against it
 *
 * Ours is what the service has (the head), theirs the edit that comes in. A
 * (section, key, scope) that only one side changed is as that side has it; one
 * that both changed to different values is a conflict. A section that one side
 * removed and in which the other changed or added something is one, too. Of
 * what has no meaning (order, comments, blanks) that of both is kept where it
 * fits together; where it does not, ours. What comes out is validated as a
 * whole: it may be that each side is valid and both together are not.
 *
 * Pure, and the same on every member: op_svc_edit() calls it (see
 * docs/decisions/merge.md for what that asks of changes to the validator).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "fsm/base/arena.h"
#include "fsm/base/doc.h"
#include "fsm/conf/conf.h"

enum merge_code {
	MERGE_DONE,	/* `text` is the result */
	MERGE_CONFLICT, /* `at` lists the keys */
	MERGE_INVALID,	/* `problems` says what is wrong with both together */
};

/* Whose value counts where both changed it. */
enum merge_take { MERGE_NEITHER, MERGE_OURS, MERGE_THEIRS };

struct merge_key {
	const char *section, *option, *scope; /* scope: "" if none */
	const char *base, *ours, *theirs;     /* NULL: it has none */
};

struct merge_in {
	const char *service; /* NULL: the result is not validated */
	const char *base, *ours, *theirs;
	enum merge_take take;
	int version; /* of the state, whose keywords count; 0: all */
};

struct merge {
	enum merge_code code;
	const char *text;
	struct merge_key *at; /* in the order of ours, then of theirs */
	size_t n;
	struct problems problems; /* warnings, too; of a MERGE_INVALID one,
				   * or of a side that cannot be parsed */
};

void merge_texts(struct arena *a, const struct merge_in *in, struct merge *ret);

/* Everything of the three texts that has a meaning is as it must be in @text:
 * what the tests of merge_texts() ask, and merge_texts() itself. */
bool merge_is_whole(struct arena *a, const struct merge_in *in,
		    const char *text);

/* The conflict as a list [{key ("fs#1.mnt@n1"), base?, ours?, theirs?}]; a
 * value that is not there is absent. At most @max; long values are cut. */
struct doc *merge_doc(struct arena *a, const struct merge *m, size_t max);
