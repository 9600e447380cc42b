/*
 * complete - what may come next on a command line.
 *
 *     encap __complete PROGRAM WORD... CURRENT
 *
 * prints one candidate per line, with a tab and a sentence behind it where
 * there is one; the shells' scripts in deploy/completion show them. CURRENT is
 * the word that is being typed, possibly "". A line ":file" asks the shell for
 * files. Names of services, nodes and resources are asked of the agent; if it
 * does not answer at once there are none.
 */
#pragma once

#include "cli/command.h"

/* @argv: PROGRAM and what follows. Always CLI_DONE. */
int complete_run(struct cli *c, size_t argc, const char *const *argv);

/* Is it known by what a word of a row's arguments, or of an option's value, is
 * completed ("NAME", "[NODE]", "RID,...")? Tests ask it of every row. */
bool complete_knows(const char *word);
