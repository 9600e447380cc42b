/*
 * explain - what the rows of the keywords say, for people.
 *
 *     [keyword rows] ──explain──▶ text, wrapped   `encap explain WHAT`
 *                    ├──explain_doc──▶ document   `encap explain WHAT -o json`
 *                    └──explain_manual──▶ roff    env(5)
 *
 * WHAT is a keyword ("mnt_opt"), one of a section ("fs#1.mnt_opt",
 * "DEFAULT.nodes", "container.lxc.rootfs"), a type ("container.lxc"), a group
 * ("container", "DEFAULT", "subset"), or "" for the list of all of these.
 */
#pragma once

#include "fsm/conf/conf.h"

/* Text of lines of at most @width columns (0: not wrapped), where a word is not
 * longer itself. -ENOENT with the nearest spelling if there is no such. */
int explain(const char *what, unsigned width, struct buf *out, struct err *err);
/* {"keywords": [...]}, {"type": ...}, {"group": ...} or {"groups": [...]}. */
int explain_doc(struct arena *a, const char *what, struct doc **ret,
		struct err *err);
/* Everything that can be asked for, for completion: keywords, groups, types. */
struct names explain_names(struct arena *a);
/* The manual page env(5), for man(1). */
void explain_manual(struct buf *out);
