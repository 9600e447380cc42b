/*
 * dir - a directory of ours on disk, held by one agent; private to store/.
 */
#pragma once

#include "store/err.h"

/* Open @path, made (and durable) if absent, its parent must exist; with an
 * exclusive lock that lasts until the descriptor is closed. Returns the
 * descriptor; -EBUSY: another agent has it. */
int dir_open(const char *path, struct err *err);

/* Make creations, renames and removals in it durable. 0 or a negated errno. */
int dir_sync(int fd);

/* Write a small file anew, all or nothing, durable; @name in @fd. 0 or a
 * negated errno. */
int dir_write(int fd, const char *name, const char *text);
