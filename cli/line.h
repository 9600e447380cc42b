/*
 * line - a command line against the rows of the table.
 *
 *     argv ──line_command──▶ row ──line_words──▶ options, arguments
 *                                                └──line_check──▶ fit the row
 *
 * For the frame around the commands: command.c, older.c, complete.c. What
 * cannot be understood is printed with the nearest thing that could be meant,
 * and CLI_USAGE returned.
 */
#pragma once

#include "cli/command.h"

/* How many words of @argv spell @words; 0 if not all of @words are there. */
size_t line_match(const char *words, size_t argc, const char *const *argv);
/* The row whose words @argv begins with, the longest; NULL if there is none. */
const struct command *line_command(size_t argc, const char *const *argv,
				   size_t *ret_used);
/* The row with exactly these words, or NULL. */
const struct command *line_command_named(const char *words);
/* Of @names what the first two words of @argv, or else the first, were probably
 * meant to be, or NULL; *@ret_typed is which of it. */
const char *line_nearest(struct cli *c, size_t argc, const char *const *argv,
			 const char *const *names, size_t n,
			 const char **ret_typed);
/* Says why @argv is no command. */
int line_unknown(struct cli *c, size_t argc, const char *const *argv);

/* OPT_N if there is none. */
enum option_id line_option(const char *name, size_t len);
/* Of several with this letter, the one that is in @among. */
enum option_id line_option_lettered(char letter, uint64_t among);
/* Splits @argv into c->opt and c->args. */
int line_words(struct cli *c, size_t argc, const char *const *argv,
	       uint64_t allowed);
/* Do the options and arguments fit c->cmd? */
int line_check(const struct cli *c);
