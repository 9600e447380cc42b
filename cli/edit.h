/*
 * edit - a text in a person's editor, until it is valid and they agree to what
 * it changes.
 */
#pragma once

#include "cli/command.h"
#include "fsm/base/buf.h"

struct editing {
	const char *name;   /* the service */
	const char *before; /* what the service has */
	const char *base;   /* the revision that this is */
	const char *text;   /* what to begin with */
	const char *path;   /* out: the file that was edited */
	struct buf result;  /* out */
};

enum { EDIT_UNCHANGED = -1 };

/* CLI_DONE: send the result. EDIT_UNCHANGED: it is what the service has.
 * Anything else is an exit code, and said. The file stays till edit_end(). */
int edit_open(struct cli *c, struct editing *e);
/* Remove the file; or, where the result was not taken, say where it is. */
int edit_end(struct cli *c, const struct editing *e, int rc);
