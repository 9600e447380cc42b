/*
 * diff - what an edit of an env file means: which values it adds, changes and
 * removes; and apart from that, whether only order or comments differ.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "fsm/base/arena.h"
#include "fsm/base/buf.h"
#include "fsm/base/doc.h"

enum diff_kind { DIFF_ADDED, DIFF_REMOVED, DIFF_CHANGED };

struct diff_item {
	enum diff_kind kind;
	const char *section;
	const char *option; /* NULL: a section without a key in it */
	const char *scope;
	const char *old, *new; /* NULL: none */
};

struct diff {
	bool parsed; /* false: one text is no env file, and only `layout` says
		      * whether they differ: show them with lines_unified() */
	struct diff_item *at; /* sections, and keys in them, as in the new
			       * text; of each the removed keys last */
	size_t n;
	size_t moved; /* keys and sections that have another place only */
	struct doc *comments_added, *comments_removed; /* lists of lines */
	bool layout; /* only blanks, line ends or separators differ */
};

void diff_texts(struct arena *a, const char *old, const char *new,
		struct diff *ret);

/* Nothing of it has a meaning. */
bool diff_is_void(const struct diff *d);
/* Byte for byte the same. */
bool diff_is_equal(const struct diff *d);

/* For people, a line per change:
 *
 *     + fs#2.mnt = /srv/www
 *     - app#1.timeout = 30
 *     ~ DEFAULT.nodes = hv1 hv2 -> hv1 hv2 hv3
 *     order: 3 keys or sections have moved
 *     + # a comment
 *
 * Nothing where the texts are equal. */
void diff_text(struct arena *a, const struct diff *d, struct buf *out);
/* {changes[{kind added|removed|changed, key, old?, new?}], moved,
 *  comments{added[], removed[]}, layout}. */
struct doc *diff_doc(struct arena *a, const struct diff *d);
