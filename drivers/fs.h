/*
 * fs - is what is mounted what the env file names? For fs_mount.c.
 *
 * None of these touches what is mounted, so none hangs on it.
 */
#pragma once

#include "drivers/driver.h"
#include "drivers/mountinfo.h"

/* The device or file that "LABEL=x", "UUID=x" or a path stands for. */
int fs_device(const struct job *j, const char *dev, const char **ret,
	      struct err *err);
/* Is @m of the block device @rdev (for btrfs: one of its devices)? */
bool fs_on_device(const struct mount *m, dev_t rdev);
/* Is @m of a loop device of this node on @file? */
bool fs_backed_by(const struct job *j, const struct mount *m, const char *file);
/* Does @m show the directory or file @source? */
bool fs_is_bind(const struct mounts *all, struct arena *a, const char *source,
		const struct mount *m);
