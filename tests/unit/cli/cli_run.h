/*
 * cli_run - a command line as a person types it, and what comes of it.
 */
#pragma once

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "tests/lib/table.h"
#include "tests/unit/cli/fake_agent.h"

struct ran {
	int code;
	char *out, *err;
};

static inline struct ran cli_run_words(int argc, const char *const *argv)
{
	struct ran r = { 0 };
	size_t n_out, n_err;
	FILE *out = open_memstream(&r.out, &n_out);
	FILE *err = open_memstream(&r.err, &n_err);

	assert_non_null(out);
	assert_non_null(err);
	r.code = cli_main(argc, argv, out, err);
	fclose(out);
	fclose(err);
	return r;
}

/* Words are parted by single blanks; no quoting. */
static inline struct ran cli_run(const char *line)
{
	SCOPED(arena) struct arena *a = arena_new();
	char *copy = arena_printf(a, "%s", line), *save = NULL;
	const char *argv[32] = { NULL };
	int argc = 0;

	for (char *w = strtok_r(copy, " ", &save); w && argc < 31;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return cli_run_words(argc, argv);
}

/* The same where an agent answers; *@ret_asked, unless NULL, is what it was
 * asked. */
static inline struct ran cli_run_asking(fake_answer *answer, void *data,
					const char *line, char **ret_asked)
{
	struct fake_agent f = { .answer = answer, .data = data };
	struct ran r;

	fake_start(&f);
	r = cli_run(line);
	if (ret_asked)
		*ret_asked = strdup(buf_text(&f.asked));
	fake_stop(&f);
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
