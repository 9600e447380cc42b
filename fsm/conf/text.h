/*
 * text - the small things that env files are made of: blanks, words, numbers.
 *
 * ASCII rules whatever the locale says: an env file means the same everywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "fsm/conf/conf.h"

#define TEXT_MAX_SPELLING 48 /* longer words are not compared for likeness */

static inline bool text_is_blank(char c) /* newline is one */
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool text_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline char text_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static inline char text_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static inline bool text_is_letter(char c)
{
	return text_upper(c) >= 'A' && text_upper(c) <= 'Z';
}

/* Inline, as the first letters mostly differ. */
static inline bool text_equal(const char *a, const char *b)
{
	return *a == *b && strcmp(a, b) == 0;
}

bool text_starts(const char *text, const char *prefix);
char *text_copy(struct arena *a, const char *text, size_t len);
char *text_lowered(struct arena *a, const char *text);
/* Without the blanks at both ends. */
char *text_trimmed(struct arena *a, const char *text, size_t len);

/* The words of @text, which blanks separate. */
struct names words_split(struct arena *a, const char *text);
/* Is @word one of the blank-separated words of @list? */
bool words_have(const char *list, const char *word);
const char *words_join(struct arena *a, const struct names *words);

/* As people count: fs#2 before fs#10. Never 0 for two different texts. */
int natural_cmp(const char *a, const char *b);

/* For messages: control characters shown as '?', long text cut with "...". */
const char *text_shown(struct arena *a, const char *text);

/* Offset of the first byte that is no UTF-8 or is NUL; @len if all is well. */
size_t text_bad_utf8(const char *text, size_t len);

/* How many letters must change, whatever their case; @limit if more. */
unsigned text_distance(const char *a, const char *b, unsigned limit);

/* Keeps the candidate that is most like @word. */
struct nearest {
	const char *word, *best;
	unsigned distance;
};
struct nearest nearest_to(const char *word);
void nearest_try(struct nearest *n, const char *candidate);
/* "; did you mean X?" or "". */
const char *nearest_hint(struct arena *a, const struct nearest *n);
