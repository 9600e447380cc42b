/*
 * text - words on a screen: columns, colours, ages, wrapped lines.
 *
 * Colour is used only on a terminal, only where NO_COLOR is not set, and
 * never says anything that the words do not say.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "fsm/base/arena.h"
#include "fsm/base/buf.h"

struct term {
	bool tty;
	bool colour;
	unsigned width; /* columns; 0: do not wrap */
};

struct term term_of(FILE *f);

/* @text as it may go to a screen: what a container, a driver or a file says
 * must not move its cursor. Blanks for line breaks and tabs, ? for other
 * control characters and for what is no UTF-8. */
const char *text_clean(struct arena *a, const char *text);
/* Columns that @text takes (UTF-8, one per character). */
size_t text_width(const char *text);
/* @word in the colour of a status word, blanks up to @pad columns behind. */
void text_status(struct buf *b, const struct term *t, const char *word,
		 size_t pad);
/* How much of @text fits in @width columns, cut at a blank if there is one;
 * all of it for a width of 0. In bytes, without the blank. */
size_t text_fit(const char *text, size_t width);

/* @text behind what is there, a comma between them; nothing if it is "". */
void text_note(struct buf *b, const char *text);

/* "850ms", "12s", "3m", "2h", "5d" */
const char *text_age(struct arena *a, int64_t ms);
/* "2026-11-23 21:06:44.123", local time */
const char *text_time(struct arena *a, int64_t epoch_ms);

/* A table: a row of headings, columns as wide as they need to be. */
struct text_table {
	struct arena *arena;
	size_t n_cols;
	const char **cells; /* row by row; the first row is the heading */
	size_t n, cap;
	uint32_t status_cols; /* 1 << column: words to be coloured */
	bool wrap;	      /* the last column, on a terminal */
};

void text_table_add(struct text_table *t, const char *const *cells);
void text_table_print(const struct text_table *t, const struct term *term,
		      FILE *out);
