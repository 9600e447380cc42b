/*
 * help - the table as text for a terminal.
 */
#pragma once

#include <stdio.h>

#include "cli/command.h"

/* "usage: encap move NAME NODE [--wait] ...\n" */
void help_usage(FILE *f, const struct command *k);
/* All commands by topic; one command with examples and options. */
void help_all(FILE *f);
void help_one(FILE *f, const struct command *k);
/* The commands whose first word is @word: "node" has "node ls", ...; false if
 * there are none. */
bool help_family(FILE *f, const char *word);
/* @text, sentences of any length, in lines of at most @width characters, all
 * but the first after @indent blanks; ends with a line end. */
void help_wrap(FILE *f, const char *text, unsigned indent, unsigned width);
/* Everything of the older spelling: "svcmgr", "nodemgr". */
void help_older(FILE *f, const char *program);
