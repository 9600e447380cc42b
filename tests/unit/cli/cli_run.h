/*
 * cli_run - a command line as a person types it, and what comes of it.
 */
#pragma once

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "tests/lib/table.h"

struct ran {
	int code;
	char *out, *err;
};

/* Words are parted by single blanks; no quoting. */
static inline struct ran cli_run(const char *line)
{
	SCOPED(arena) struct arena *a = arena_new();
	char *copy = arena_printf(a, "%s", line), *save = NULL;
	const char *argv[32] = { NULL };
	struct ran r = { 0 };
	size_t n_out, n_err;
	FILE *out = open_memstream(&r.out, &n_out);
	FILE *err = open_memstream(&r.err, &n_err);
	int argc = 0;

	assert_non_null(out);
	assert_non_null(err);
	for (char *w = strtok_r(copy, " ", &save); w && argc < 31;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	r.code = cli_main(argc, argv, out, err);
	fclose(out);
	fclose(err);
	return r;
}

static inline void ran_free(struct ran *r)
{
	free(r->out);
	free(r->err);
}

static inline void says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not say '%s'", text, part);
}
