/*
 * loop - block devices whose content is a file.
 *
 * Loop devices belong to the kernel, so what other hosts on the same kernel
 * (namespaces, as in the try-out cluster) have attached is visible here, even
 * for the very same file. Each device that we attach is marked with the node's
 * name; one that carries another node's mark is never ours. One without a mark
 * was attached by hand, and counts as ours if its file is.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "drivers/driver.h"

struct loop {
	char path[32]; /* "/dev/loop3" */
	dev_t dev;
};

/* The device that holds @file for this node: 0, or 1 if there is none. */
int loop_find(const struct job *j, const char *file, struct loop *ret,
	      struct err *err);
/* Is @dev a loop device of this node on @file? */
bool loop_is(const struct job *j, dev_t dev, const char *file);
/* Attach. With @until_unused it goes away with its last user: the descriptor
 * in @ret_fd keeps it until then; else @ret_fd is NULL. */
int loop_attach(const struct job *j, const char *file, bool until_unused,
		struct loop *ret, int *ret_fd, struct err *err);
/* Detach and wait until it is; -EBUSY when something uses it. */
int loop_detach(const struct job *j, const struct loop *l, const char *file,
		struct err *err);
