/*
 * json - a document from JSON text (RFC 8259).
 *
 *     text ──json_parse──▶ [doc]
 *
 * For files that a person hands to a command: a status that was saved. Numbers
 * with a fraction or an exponent are reals, all others integers. The last of
 * two equal keys counts.
 */
#pragma once

#include <stddef.h>

#include "fsm/base/doc.h"

/* One value and nothing behind it, at most DOC_MAX_DEPTH deep; all of it on
 * @a. Returns 0, or -EBADMSG with the line and what was expected there. */
int json_parse(struct arena *a, const char *text, size_t len, struct doc **ret,
	       struct err *err);
