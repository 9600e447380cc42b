/*
 * older - the spellings that an administrator brings along.
 *
 *     svcmgr -s NAME ACTION ──▶ [older_action row] ──▶ encap COMMAND NAME
 *
 * Three programs: svcmgr for services, nodemgr for machines, svcmon for the
 * overview. Each action is a row: what it is now, or, for one that is no more,
 * why and what to use instead. They run by the same handlers as encap's own
 * commands; only the exit codes are the older ones: 0, 1, and 2 for a line
 * that was not understood.
 */
#pragma once

#include "cli/command.h"

struct older_action {
	const char *words;   /* "print status" */
	const char *command; /* of encap; NULL: it is no more */
	const char
		*adds; /* what it implies: "--output json", "nodes"; or NULL */
	/* What is more than another spelling, or NULL. */
	int (*run)(struct cli *c, const struct older_action *o);
	const char *note; /* without a command: why, and what to use instead */
};

/* An option that encap does not have under this name. */
struct older_option {
	const char *name;
	const char *now;  /* its name now; "" if it is what is always done */
	const char *note; /* NULL, or why there is none and what to do */
};

struct older {
	const char *name;
	const char *usage;
	const char *example[2];
	const struct older_action *actions; /* ends with a row without words */
};

extern const struct older older_programs[];	  /* ends without a name */
extern const struct older_option older_options[]; /* likewise */

/* NULL if @name is none of them. */
const struct older *older_program(const char *name);
/* @argv: what stands behind the program's name. */
int older_run(struct cli *c, const struct older *p, size_t argc,
	      const char *const *argv);

/* Runs c->cmd with c->opt and c->args, as if they had been typed; the exit
 * code is an older one. */
int older_line(struct cli *c);

/* -- handlers of actions --------------------------------------------------- */

int older_disable(struct cli *c, const struct older_action *o);
int older_enable(struct cli *c, const struct older_action *o);
int older_frozen(struct cli *c, const struct older_action *o);
int older_here(struct cli *c, const struct older_action *o);
int older_move(struct cli *c, const struct older_action *o);
int older_node(struct cli *c, const struct older_action *o);
int older_node_frozen(struct cli *c, const struct older_action *o);
int older_running(struct cli *c, const struct older_action *o);
int older_status(struct cli *c, const struct older_action *o);
