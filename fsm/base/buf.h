/*
 * buf - text or bytes that grow, on an arena.
 *
 * The content is always followed by a NUL that is not counted in len, so
 * `buf.data` can be handed to anything that wants a string.
 */
#pragma once

#include <stddef.h>

#include "fsm/base/arena.h"

struct buf {
	struct arena *arena;
	char *data; /* NULL until something is appended */
	size_t len, cap;
};

#define BUF(a) ((struct buf){ .arena = (a) })

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The content as a string; "" where nothing was appended. Never NULL. */
const char *buf_text(const struct buf *b);
