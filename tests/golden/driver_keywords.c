/*
 * Every keyword that a driver asks for has a row in fsm/conf/keywords_*.c, else
 * it would never have a value. Reads the drivers' sources: a call of job_kw(),
 * job_need() and their like with a literal name. A file that defines drivers is
 * held to their groups and types; one that serves several of them, to any row.
 *
 * And every row of a driver is asked for by name somewhere in the sources, or
 * says that it is for later (KW_LATER), so that people are told.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/driver.h"
#include "fsm/conf/keyword.h"
#include "fsm/conf/text.h"
#include "golden.h"

static unsigned asked, missing, idle;

static bool any_row(const char *keyword)
{
	KEYWORDS_EACH (row)
		if (text_equal(row->name, keyword))
			return true;
	return false;
}

static bool defines(struct arena *a, const char *source, const struct driver *d)
{
	return strstr(source, arena_printf(a, ".group = \"%s\"", d->group)) &&
	       strstr(source, arena_printf(a, ".kind = \"%s\"", d->kind));
}

static bool has_row(struct arena *a, const char *source, const char *keyword)
{
	struct keywords all = keywords_index(a, 0);
	bool is_driver = false;

	for (const struct driver *const *d = driver_table; *d; d++) {
		const struct keyword *row;

		if (!defines(a, source, *d))
			continue;
		is_driver = true;
		row = keyword_find(&all, (*d)->group, (*d)->kind, keyword);
		if (row && text_equal(row->name, keyword))
			return true;
	}
	return !is_driver && any_row(keyword);
}

/* At the '(' of a call: the literal that is its second argument. */
static const char *second_literal(struct arena *a, const char *p)
{
	const char *end;

	for (p++; *p && *p != ',' && *p != ')'; p++)
		;
	if (*p++ != ',')
		return NULL;
	while (isspace((unsigned char)*p))
		p++;
	if (*p++ != '"')
		return NULL;
	end = strchr(p, '"');
	return end ? text_copy(a, p, (size_t)(end - p)) : NULL;
}

static void scan(struct arena *a, const char *path, const char *source)
{
	for (const char *p = strstr(source, "job_"); p;
	     p = strstr(p + 1, "job_")) {
		const char *open = p, *keyword;

		while (isalpha((unsigned char)*open) || *open == '_')
			open++;
		if (*open != '(' ||
		    (!text_starts(p, "job_kw") && !text_starts(p, "job_need")))
			continue;
		keyword = second_literal(a, open);
		if (!keyword)
			continue;
		asked++;
		if (has_row(a, source, keyword))
			continue;
		printf("%s asks for the keyword %s, which has no row in "
		       "fsm/conf/keywords_*.c\n",
		       path, keyword);
		missing++;
	}
}

static bool has_driver(struct arena *a, const struct keyword *row)
{
	struct names types = words_split(a, row->types ? row->types : "");

	for (size_t i = 0; i < types.n; i++)
		if (driver_find(row->group, types.at[i]))
			return true;
	return false;
}

static void find_idle(struct arena *a, const char *sources)
{
	KEYWORDS_EACH (row) {
		if (row->flags & KW_LATER || !has_driver(a, row) ||
		    strstr(sources, arena_printf(a, "\"%s\"", row->name)))
			continue;
		printf("no driver asks for %s.%s: is it for later?\n",
		       row->group, row->name);
		idle++;
	}
}

static int is_source(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 2 && strcmp(d->d_name + n - 2, ".c") == 0;
}

int main(int argc, char **argv)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf all = BUF(a);
	struct dirent **list;
	int n;

	if (argc != 2)
		return 2;
	n = scandir(argv[1], &list, is_source, alphasort);
	for (int i = 0; i < n; i++) {
		const char *path =
			arena_printf(a, "%s/%s", argv[1], list[i]->d_name);
		const char *source = golden_read(a, path);

		free(list[i]);
		if (!source) {
			printf("%s: %s\n", path, strerror(errno));
			return 1;
		}
		scan(a, path, source);
		buf_puts(&all, source);
	}
	if (n >= 0)
		free(list);
	find_idle(a, buf_text(&all));
	printf("%u keywords asked for, %u without a row; %u rows that nobody "
	       "asks for\n",
	       asked, missing, idle);
	return missing || idle || asked < 3;
}
