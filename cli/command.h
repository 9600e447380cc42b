/*
 * command - what a person types, as rows of a table.
 *
 *     argv ──words──▶ [command row] ──options, arguments──▶ handler ──▶ exit
 *
 * One row per command in cli/table.c: its words, arguments, options, summary,
 * two examples and handler. The help, completion, the manual pages and the
 * tests walk the same rows. A handler prints to
 * c->out what was asked for and to c->err everything else, and returns the
 * exit code. Everything it allocates lives on c->arena until cli_main()
 * returns.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/client.h"
#include "cli/show/output.h"
#include "cli/show/text.h"
#include "fsm/base/arena.h"
#include "fsm/base/doc.h"
#include "store/err.h"

/* Exit codes; the API's answers carry the same. */
enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NOT_FOUND = 3,
	CLI_CONFLICT = 4,
	CLI_NO_QUORUM = 5,
	CLI_TIMEOUT = 7,
};

struct exit_row {
	int code;
	const char *word; /* "no quorum" */
	const char *meaning;
};

extern const struct exit_row exit_table[]; /* ends with a row without word */

enum option_id {
	OPT_ADDRESS,
	OPT_AS,
	OPT_CANCEL,
	OPT_CLUSTER,
	OPT_COMMENT,
	OPT_CONFIG,
	OPT_CREATE,
	OPT_DEADLINE,
	OPT_DOWNTO,
	OPT_DRAFT,
	OPT_DROP,
	OPT_DRY_RUN,
	OPT_EDIT,
	OPT_EMERGENCY,
	OPT_EVAL,
	OPT_FILE,
	OPT_FLAGS,
	OPT_FOLLOW,
	OPT_FOR,
	OPT_FROM,
	OPT_IF_REV,
	OPT_KW,
	OPT_LEASE,
	OPT_LIMIT,
	OPT_LIVE,
	OPT_LOCAL,
	OPT_MASTER,
	OPT_NODE,
	OPT_NO_WAIT,
	OPT_OFF,
	OPT_ON,
	OPT_OURS,
	OPT_OUTPUT,
	OPT_PARAM,
	OPT_PATCH,
	OPT_PROVISION,
	OPT_PRUNE,
	OPT_REBOOT,
	OPT_REPLACE,
	OPT_REV,
	OPT_RID,
	OPT_SCENARIO,
	OPT_SERVICE,
	OPT_SLAVE,
	OPT_SLAVES,
	OPT_STALE,
	OPT_STANDBY,
	OPT_STOP,
	OPT_SUBSETS,
	OPT_TAGS,
	OPT_THEIRS,
	OPT_TIMEOUT,
	OPT_TO,
	OPT_UNPROVISION,
	OPT_UPTO,
	OPT_VALUE,
	OPT_VERIFY,
	OPT_WAIT,
	OPT_WATCH,
	OPT_WHY,
	OPT_WITNESS,
	OPT_YES,
	OPT_HELP,
	OPT_N,
};

struct option_row {
	const char *name; /* "if-rev", without dashes */
	char letter;	  /* 'o'; 0 if it has none */
	const char *arg;  /* "REV"; NULL for a flag */
	const char *help;
};

extern const struct option_row option_table[OPT_N];

/* A set of options: one bit each. */
#define OPT_BIT(id) (UINT64_C(1) << (id))
static_assert(OPT_N <= 64, "a set of options is 64 bits");

/* What a command is listed under, in the order of the list. */
enum topic {
	TOPIC_SEE,
	TOPIC_RUN,
	TOPIC_CONFIG,
	TOPIC_REV,
	TOPIC_NODE,
	TOPIC_CLUSTER,
	TOPIC_HELP,
	TOPIC_N,
};

extern const char *const topic_table[TOPIC_N];

struct cli;

struct command {
	const char *words;   /* "node freeze" */
	const char *args;    /* "NODE"; "" if none */
	uint64_t options;    /* OPT_BIT(); --help is always there */
	uint64_t required;   /* of these, the ones that must be given */
	const char *summary; /* one line */
	const char *example[2];
	unsigned min, max; /* arguments; CLI_ANY: no upper bound */
	int (*run)(struct cli *c);
	enum topic topic;
	const char *about; /* sentences: what it does and promises */
};

#define CLI_ANY 1000000u

/* Ends with a row that has no words. */
extern const struct command command_table[];

struct cli {
	FILE *out, *err;
	struct arena *arena;
	const char *prog; /* "encap", "svcmgr", ... */
	const struct command *cmd;
	const char *words; /* as typed: "switch" for "move"; NULL: the row's */
	const char *const *args;
	size_t n_args;
	const char *opt[OPT_N]; /* NULL if not given; "" for a flag */
	struct term term;	/* of out */
	struct client *client;	/* opened by the first call */
	struct each *each;	/* of several services: each.c */
};

/* The whole program as a function; @argv as main() gets it. */
int cli_main(int argc, const char *const *argv, FILE *out, FILE *err);

/* "encap set: ...\n" on c->err; returns @code. */
int cli_error(const struct cli *c, int code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* The same with the row's usage line behind it; CLI_USAGE. */
int cli_usage(const struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Asks the agent. Transport failures and refusals are printed; the exit code
 * is returned. @args may be NULL; @ret may be NULL, is set on CLI_DONE only. */
int cli_call(struct cli *c, const char *op, const struct doc *args,
	     struct doc **ret);
/* The same, but a refusal (ret->code) is left to the caller. */
int cli_ask(struct cli *c, const char *op, const struct doc *args,
	    struct reply *ret);
/* Prints a refusal; returns its code. */
int cli_refused(const struct cli *c, const struct reply *r);

/* Change the env file of the service that is the first argument; again where
 * somebody else was faster. (cmd_conf.c) */
struct conf;
int cli_change(struct cli *c, int (*apply)(struct cli *, struct conf *));
/* {"name": the first argument} */
struct doc *cli_args_name(struct cli *c);
/* The words of @text between any of @separators, as a list; NULL: none. */
struct doc *cli_list(struct cli *c, const char *text, const char *separators);
/* Who answers: its node, and its level ("" before it is a member). NULL where
 * the caller does not ask. */
int cli_agent(struct cli *c, const char **ret_node, const char **ret_level);
/* The containers of --slave; an empty list where all are meant. */
int cli_slaves(struct cli *c, struct doc **ret);
/* "by": who asks, for the history. */
void cli_put_author(struct cli *c, struct doc *args);
/* True if -o asks for the document, in whatever format. What is none was
 * refused before. */
bool cli_wants_doc(const struct cli *c);
/* Prints it so. @rows: the list that makes the lines of a table, as for
 * output_print(). */
void cli_print_doc(struct cli *c, const struct doc *d, const char *rows);
/* One of a stream of them; @first: nothing went before. */
void cli_print_next(const struct cli *c, struct arena *a, const struct doc *d,
		    const char *rows, bool first);
/* "90s", "5m", "1h", "250ms", "10" (seconds); -1 if it is none. */
int64_t cli_duration_ms(const char *text);
/* A whole number of @min to @max; -1 if it is none. */
int64_t cli_count(const char *text, int64_t min, int64_t max);
/* The candidate that @word was probably meant to be, or NULL. */
const char *cli_nearest(const char *word, const char *const *names, size_t n);

/* Are some resources alone meant, by --rid and its like? */
bool cli_selects(const struct cli *c);

/* Handlers. */
int cmd_apply(struct cli *c);
int cmd_audit(struct cli *c);
int cmd_blame(struct cli *c);
int cmd_cluster_arm(struct cli *c);
int cmd_cluster_backup(struct cli *c);
int cmd_cluster_config(struct cli *c);
int cmd_cluster_disarm(struct cli *c);
int cmd_cluster_forget(struct cli *c);
int cmd_cluster_init(struct cli *c);
int cmd_cluster_join(struct cli *c);
int cmd_cluster_leave(struct cli *c);
int cmd_cluster_remove(struct cli *c);
int cmd_cluster_replace(struct cli *c);
int cmd_cluster_set(struct cli *c);
/* The arguments as keys of the cluster's configuration. */
int cli_cluster_configure(struct cli *c);
int cmd_node_label(struct cli *c);
int cmd_cluster_recover(struct cli *c);
int cmd_cluster_restore(struct cli *c);
int cmd_cluster_status(struct cli *c);
int cmd_cluster_token(struct cli *c);
int cmd_clear(struct cli *c);
int cmd_cluster_unset(struct cli *c);
int cmd_config(struct cli *c);
int cmd_create(struct cli *c);
int cmd_delete(struct cli *c);
int cmd_diff(struct cli *c);
int cmd_diff_files(struct cli *c);
int cmd_drafts(struct cli *c);
int cmd_edit(struct cli *c);
int cmd_emergency(struct cli *c);
int cmd_events(struct cli *c);
int cmd_explain(struct cli *c);
int cmd_fence_ls(struct cli *c);
int cmd_fence_test(struct cli *c);
int cmd_freeze(struct cli *c);
int cmd_get(struct cli *c);
int cmd_help(struct cli *c);
int cmd_history(struct cli *c);
int cmd_import(struct cli *c);
int cmd_log(struct cli *c);
int cmd_ls(struct cli *c);
int cmd_maintenance(struct cli *c);
int cmd_move(struct cli *c);
int cmd_node_drain(struct cli *c);
int cmd_node_confirm_down(struct cli *c);
int cmd_node_fence(struct cli *c);
int cmd_node_freeze(struct cli *c);
int cmd_node_ls(struct cli *c);
int cmd_node_thaw(struct cli *c);
int cmd_node_undrain(struct cli *c);
int cmd_act(struct cli *c, const char *action);
/* What is sent for it. */
int cmd_act_args(struct cli *c, const char *action, struct doc **ret);
/* Only where the answer is yes: typed, or --yes. Nobody there: a usage error.
 */
int cli_yes(struct cli *c, const char *question);
/* The env file of the service c->args[0], as it is agreed. */
int cli_conf(struct cli *c, struct conf **ret);
int cmd_plan(struct cli *c);
int cmd_resolve(struct cli *c);
int cmd_restart(struct cli *c);
int cmd_revert(struct cli *c);
int cmd_run(struct cli *c);
int cmd_provision(struct cli *c);
int cmd_unprovision(struct cli *c);
int cmd_schedule(struct cli *c);
int cmd_sync(struct cli *c);
int cmd_secret_ls(struct cli *c);
int cmd_secret_set(struct cli *c);
int cmd_secret_unset(struct cli *c);
int cmd_set(struct cli *c);
int cmd_show(struct cli *c);
int cmd_simulate(struct cli *c);
int cmd_start(struct cli *c);
int cmd_status(struct cli *c);
int cmd_stop(struct cli *c);
int cmd_thaw(struct cli *c);
int cmd_unset(struct cli *c);
int cmd_validate(struct cli *c);
int cmd_version(struct cli *c);
int cmd_why(struct cli *c);
