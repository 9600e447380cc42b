/*
 * file - env files on this machine: read, checked, edited.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cli/command.h"
#include "fsm/base/buf.h"
#include "fsm/conf/conf.h"

/* The whole of a file ("-": standard input), for file_check() to judge. */
int file_read(const char *path, struct buf *ret, struct err *err);
/* A new file that only we can read, in $TMPDIR or /tmp, its name ending in
 * ".conf"; @ret_path lives on @a. */
int file_write_temp(struct arena *a, const char *service, const char *text,
		    size_t len, const char **ret_path, struct err *err);
/* Runs $VISUAL, $EDITOR or vi on it and waits. */
int file_edit(const char *path, struct err *err);

/* Prints what is wrong with an env file on c->err, each line of it named
 * after @path; true if nothing forbids it. */
bool file_check(struct cli *c, const char *service, const char *path,
		const char *text, size_t len);
