/*
 * explain - what the rows of the keywords say, for people.
 *
 *     [rows of keywords, groups, types] ──explain_find──▶ [explained]
 *             explain_text ──▶ text, wrapped   `encap explain WHAT`
 *             explain_doc ───▶ document        `encap explain WHAT -o json`
 *
 * WHAT is a keyword ("mnt_opt"), one of a section or type ("fs#1.mnt_opt",
 * "DEFAULT.nodes", "container.lxc.rootfs"), a type ("container.lxc", "lxc"), a
 * group ("container", "DEFAULT", "subset"), or "" for the list of all groups.
 * The manual page env(5) is made from docs/keywords.md, which is made from the
 * same rows.
 */
#pragma once

#include "fsm/conf/keyword.h"

struct explained {
	enum explained_kind {
		EXPLAIN_ALL,
		EXPLAIN_GROUP,
		EXPLAIN_TYPE,
		EXPLAIN_KEYWORDS,
	} kind;
	const char *asked; /* for EXPLAIN_KEYWORDS: the spelling */
	const char *group; /* "fs", "DEFAULT", "subset"; not for EXPLAIN_ALL */
	const char *type;  /* for EXPLAIN_TYPE */
	const struct keyword **rows; /* EXPLAIN_KEYWORDS: one or more */
	size_t n;
};

/* -ENOENT with the nearest spelling if there is no such. */
int explain_find(struct arena *a, const char *what, struct explained *ret,
		 struct err *err);
/* Lines of at most @width columns (0: not wrapped), unless a word is longer. */
void explain_text(const struct explained *t, unsigned width, struct buf *out);
/* {"keywords": [...]}, {"type": {...}}, {"group": {...}} or {"groups": [...]}
 */
struct doc *explain_doc(struct arena *a, const struct explained *t);
/* Everything that can be asked for: groups, GROUP.TYPE, keywords; sorted, each
 * once. For completion. */
struct names explain_names(struct arena *a);

/* "OpenSVC 1, 2" or "Encap alone"; "" for all. */
const char *from_text(struct arena *a, unsigned from);
