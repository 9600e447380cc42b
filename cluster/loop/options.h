/*
 * options - encapd's command line.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "store/err.h"

struct options {
	char node[256]; /* lower case */
	char *etc, *var, *run;
	char *listen;
	char *channel;		/* NULL: none */
	char *guard, *watchdog; /* NULL: the one beside encapd; none */
	bool no_guard;
	bool monitor_reboots;
	int log_level;
};

#define OPTIONS_DONE 1 /* --help or --version: all is said */

/* 0; OPTIONS_DONE; -EINVAL with a sentence. */
int options_parse(struct options *ret, int argc, char **argv, FILE *out,
		  struct err *err);
void options_fini(struct options *o);
