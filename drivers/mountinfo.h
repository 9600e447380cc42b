/*
 * mountinfo - what is mounted where, as the kernel tells it.
 *
 *     /proc/self/mountinfo ──▶ [mounts] ──▶ what is at this mount point?
 *
 * Nothing here touches a mounted file system, so nothing hangs on a dead one.
 * All strings live on the arena that was given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fsm/base/arena.h"
#include "store/err.h"

struct mount {
	unsigned id, parent;
	dev_t dev;	     /* of the super block; btrfs and bind: no device */
	const char *root;    /* which part of the file system: "/" if all */
	const char *at;	     /* the mount point */
	const char *options; /* of the mount: "rw,nosuid" */
	const char *type, *source;
	const char *super; /* options of the super block */
};

struct mounts { /* in the kernel's order: older first */
	struct mount *at;
	size_t n;
};

int mounts_read(struct arena *a, struct mounts *ret, struct err *err);
/* Lines that are not understood are left out. */
void mounts_parse(struct arena *a, const char *text, struct mounts *ret);

/* What one sees at the mount point @path, or NULL. */
const struct mount *mounts_top(const struct mounts *m, const char *path);
/* The mount that holds @path: the top one at the longest mount point. */
const struct mount *mounts_holding(const struct mounts *m, const char *path);
/* A mount of the device @dev that is not @but, or NULL. */
const struct mount *mounts_of_dev(const struct mounts *m, dev_t dev,
				  const struct mount *but);
/* @path is @dir or below it. */
bool path_is_below(const char *path, const char *dir);

/* Is @word one of the comma-separated options? */
bool options_have(const char *options, const char *word);

/* @path without links, "." and "..", whether its last part is there or not;
 * the last part itself is not looked into, in case something dead is mounted
 * there. */
int path_canonical(struct arena *a, const char *path, const char **ret,
		   struct err *err);
