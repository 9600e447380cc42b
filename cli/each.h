/*
 * each - a command on every service that a person means.
 *
 * A command whose first argument is NAME takes a selector there, as
 * fsm/conf/select.h has it: `encap stop 'web*,!web-db'`. It is worked out here,
 * from the list of services and, if it asks for keywords, their env files: the
 * agent knows single services only. Each service is then done as if it had
 * been named alone, in the order of the list.
 */
#pragma once

#include "cli/command.h"
#include "fsm/conf/conf.h"

/* The names that @text means, on c->arena; CLI_NOT_FOUND if there is none, and
 * it was said. The name of one service is not looked up. */
int each_names(struct cli *c, const char *text, struct names *ret);

/* Runs the command, on one service or on each. The exit code: that of those
 * that failed, CLI_FAILED if they failed in different ways. */
int each_run(struct cli *c);

/* What a command has still to wait for: run at once, or, where there are more
 * services, once all of them have been asked. @arg lives on c->arena. */
int each_later(struct cli *c, int (*run)(struct cli *c, void *arg), void *arg);
