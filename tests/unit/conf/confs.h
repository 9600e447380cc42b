/*
 * confs - what the tests of env files share: parse, or say why not.
 */
#pragma once

#include <stdio.h>
#include <string.h>

#include "fsm/conf/conf.h"
#include "tests/lib/table.h"

/* "" or all problems, one a line. */
static inline const char *problems_text(const struct problems *p)
{
	struct buf b = BUF(p->arena);

	for (size_t i = 0; i < p->n; i++)
		buf_printf(&b, "%s\n", p->at[i].text);
	return buf_text(&b);
}

static inline struct conf *parse(struct arena *a, const char *text)
{
	struct problems p = { .arena = a };
	struct conf *c = conf_parse(a, text, strlen(text), &p);

	if (!c)
		fail_msg("not parsed: %s", problems_text(&p));
	return c;
}

/* Of the syntax if there are any, else of the content. */
static inline const char *all_problems(struct arena *a, const char *text,
				       size_t len)
{
	struct problems p = { .arena = a, .name = "web.conf" };
	struct conf *c = conf_parse(a, text, len, &p);

	if (c)
		conf_validate(a, c, "web", &p);
	return problems_text(&p);
}

static inline const char *written(struct arena *a, const struct conf *c)
{
	struct buf b = BUF(a);

	conf_text(c, &b);
	return buf_text(&b);
}

/* The value of "section.key" for @node; NULL if unset; "error: ..." */
static inline const char *value_for(struct arena *a, const struct conf *c,
				    const char *node, const char *key)
{
	struct conf_key k;
	struct err err = { 0 };
	const char *ret = NULL;
	int rc = conf_key_parse(a, key, &k, &err);

	if (rc == 0)
		rc = conf_eval_key(a, c, "web", node, &k, &ret, &err);
	if (rc < 0)
		return arena_printf(a, "error: %s", err.text);
	return rc == 1 ? NULL : ret;
}

static inline void assert_value(const char *got, const char *want)
{
	if (want && got)
		assert_string_equal(got, want);
	else if (want || got)
		fail_msg("got %s, want %s", got ? got : "unset",
			 want ? want : "unset");
}

static inline void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not say '%s'", text, part);
}
