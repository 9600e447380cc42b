/*
 * drafts - texts of env files that were refused, kept beside the reason.
 *
 *     VAR/drafts/NAME.TIME.conf     the person's text
 *     VAR/drafts/NAME.TIME.why      why it was refused
 *
 * Nothing here is ever removed by the agent: a person does, when done with it.
 * Blocking; no state of its own.
 */
#pragma once

#include <stdint.h>

#include "fsm/base/doc.h"
#include "store/err.h"

struct draft {
	const char *name, *why;
	const char *text; /* NULL: of the file @from */
	size_t len;
	const char *from;
};

/* The path of what was kept comes on @a. */
int draft_save(struct arena *a, const char *dir, const struct draft *draft,
	       const char **ret_path, struct err *err);

/* What lies there: {NAME: [{"path", "why", "at" (ms since the epoch)}]}, the
 * newest first, at most @max of each. */
int drafts_list(struct arena *a, const char *dir, size_t max, struct doc **ret,
		struct err *err);
