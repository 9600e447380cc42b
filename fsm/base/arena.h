/*
 * arena - memory for one unit of work, given back all at once.
 *
 * A reconcile pass, a request or a test case makes one arena, hangs everything
 * it computes on it and drops it at the end. Nothing inside is freed one by
 * one, so planners and parsers contain no cleanup code at all. Nothing that
 * outlives the pass may point into it: copy out what must stay.
 *
 * Not thread-safe. Never returns NULL: running out of memory while deciding is
 * fatal by choice (see docs), while I/O code reports -ENOMEM.
 */
#pragma once

#include <stddef.h>

#include "fsm/base/scope.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a); /* NULL is fine */

void *arena_alloc(struct arena *a, size_t size); /* zeroed, max-aligned */
char *arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define ARENA_NEW(a, type)    ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_VEC(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))

SCOPE_DEFINE(arena, arena_free)
