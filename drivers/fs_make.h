/*
 * fs_make - a file system on a device that holds nothing. For fs_mount.c.
 *
 * What holds a file system, a partition table, or any other data is not
 * formatted: only where mkfs_opt has mkfs's own word for it (-F of ext*, -f
 * of xfs and btrfs), and even then not where it is of the type that is wanted.
 */
#pragma once

#include "drivers/driver.h"

/* Does @dev hold a file system, as far as that can be seen from here? A log
 * line where it is of another type. */
enum provisioned fs_made(const struct job *j, const char *dev,
			 struct probe *ret);
/* As driver::provision and driver::unprovision, for what is not mounted. */
int fs_make(const struct job *j, const char *dev, struct err *err);
int fs_unmake(const struct job *j, const char *dev, struct err *err);
