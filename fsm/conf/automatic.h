/*
 * automatic - sync#i0, the sync that is there by itself.
 *
 * Of hypervisors: what the env file names and the log does not carry, to the
 * same place on the other nodes. The env file itself is everywhere anyway. That
 * is the launcher directory, where an app's script is in it, and configuration
 * files that containers name. A section [sync#i0] tunes it, and has it be there
 * where nothing is named.
 */
#pragma once

#include "fsm/conf/eval.h"

#define AUTOMATIC_RID "sync#i0"

/* @res: the resources of this node's level, not evaluated yet. */
int automatic_is_there(struct eval *e, const struct resource *res, size_t n,
		       bool *ret, struct err *err);
/* Its target, src and times in place of what the section does not say. @res:
 * evaluated. */
void automatic_eval(struct eval *e, const struct resource *res, size_t n,
		    struct resource *r);
