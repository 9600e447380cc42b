/*
 * disk - the daemon's small files: whole, bounded, durable.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "fsm/base/arena.h"
#include "store/err.h"

#define DISK_NOT_THERE 1
#define DISK_TOO_LARGE 2

/* "PATH: WHAT: ..." by errno, which is returned negated. */
int disk_failed(struct err *err, const char *what, const char *path);
/* The whole content, with a NUL behind it that is not counted. -EINVAL when it
 * is no regular file. */
int disk_read(struct arena *a, const char *path, size_t max, char **ret,
	      size_t *ret_len, struct err *err);
/* Write @path from nothing, on the disk when it returns. */
int disk_write(const char *path, const void *data, size_t len, mode_t mode,
	       struct err *err);
/* Replace @path as a whole by way of "PATH.new"; durable. */
int disk_replace(const char *path, const void *data, size_t len, mode_t mode,
		 struct err *err);
/* Copy a file of any size; durable. */
int disk_copy(const char *from, const char *to, mode_t mode, struct err *err);
/* What was renamed or removed in @dir, or beside @path, is on the disk. */
int disk_sync_dir(const char *dir, struct err *err);
int disk_sync_parent(const char *path, struct err *err);
/* mkdir -p, each new folder with @mode; @mode of the last one is insisted on.
 */
int disk_make_dir(const char *path, mode_t mode, struct err *err);
