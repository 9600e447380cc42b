/*
 * plan - what a request would do, instead of doing it.
 */
#pragma once

#include "cli/command.h"

/* Prints what would come of the request @op with @args; the exit code is that
 * of its refusal, or CLI_DONE. */
int plan_request(struct cli *c, const char *op, struct doc *args);

/* The arguments of the request "plan" for that one, and what it gives. */
struct doc *plan_args(struct cli *c, const char *op, struct doc *args);
void plan_print(struct cli *c, const struct doc *data);

/* The arguments of the svc_intent by which c->args[0] is asked to be @want
 * (on @node, or NULL), from the options of the level. */
int plan_intent(struct cli *c, const char *want, const char *node,
		struct doc **ret);
