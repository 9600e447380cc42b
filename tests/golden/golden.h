/*
 * golden - decisions as text: what goes in, and what must come out.
 *
 * A program of this folder gives golden_main() the function that turns one case
 * into text. DIR/NAME.in holds cases:
 *
 *     whatever stands before the first case is for the reader
 *     ==== the name of the case
 *     its text, up to the next such line
 *
 * and DIR/NAME.out has the same names with what came out. A file without such
 * a line is one case, of the file's name. With GOLDEN_UPDATE in the environment
 * the .out files are written instead of compared: look at the difference as at
 * code. GOLDEN_CASE=TEXT runs only the cases whose names contain it.
 */
#pragma once

#include "fsm/base/arena.h"
#include "fsm/base/buf.h"

struct golden_case {
	const char *file; /* NAME */
	const char *name;
	const char *text;
};

/* Appends what comes out to @out, whole lines. */
typedef void golden_fn(struct arena *a, const struct golden_case *c,
		       struct buf *out);

/* main() of such a program; DIR is its argument. The last line is
 * "N passed, N failed", and that is what the exit code says. */
int golden_main(int argc, char **argv, golden_fn *show);

/* A case may begin with settings, one a line: "@key: value". The value of one,
 * or NULL; and the text behind them. */
const char *golden_setting(struct arena *a, const char *text, const char *key);
const char *golden_body(const char *text);

/* All of a file; NULL, with errno, if it cannot be opened. */
const char *golden_read(struct arena *a, const char *path);
/* 1, and said why, if it cannot be written. */
int golden_write(const char *path, const char *text);
