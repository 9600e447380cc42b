/*
 * helper - our own program, started once more, for what must not be done in
 * the agent: libraries that fork, close descriptors, are not for threads, or
 * may hang (docs/decisions/liblxc-in-a-child.md).
 *
 *     agent thread ──run.h──▶ /proc/self/exe encap-helper lxc start ... ──▶
 * exit
 *
 * Going through /proc/self/exe, agent and helper are always the same build,
 * also while an upgrade replaces the file. A program that uses drivers calls
 * helper_main() first thing in main(), before it starts threads or libraries:
 *
 *     int main(int argc, char **argv)
 *     {
 *         if (helper_wanted(argc, argv))
 *                 return helper_main(argc, argv);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "drivers/run.h"

bool helper_wanted(int argc, char **argv);
int helper_main(int argc, char **argv);

/* Fill in r->program and r->argv: the helper @name with @n words. */
void helper_prepare(struct run *r, struct arena *a, const char *name,
		    const char *const *words, size_t n);

/* The helpers there are: words after the name, then the exit code. */
#define LXC_ENDED 3
int lxc_helper(int argc, char **argv);
