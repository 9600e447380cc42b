/*
 * A case is revisions, parents before children: after "--- NAME PARENT..." the
 * text. What comes out: each line of the last one, with who brought it.
 */
#include <stdio.h>
#include <string.h>

#include "fsm/rev/blame.h"
#include "golden.h"

#define REVS 16

struct chain {
	char name[REVS][32];
	struct blame_rev rev[REVS];
	size_t n;
};

static size_t named(const struct chain *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->name[i], name) == 0)
			return i;
	return BLAME_NONE;
}

/* "--- NAME ONE TWO\n" */
static void add(struct arena *a, struct chain *c, const char *head,
		const char *text, size_t len)
{
	char one[32] = "", two[32] = "", name[32] = "";
	struct blame_rev *r = &c->rev[c->n];

	sscanf(arena_printf(a, "%.*s", (int)strcspn(head, "\n"), head),
	       "--- %31s %31s %31s", name, one, two);
	r->text = arena_printf(a, "%.*s", (int)len, text);
	r->parents[0] = named(c, one);
	r->parents[1] = named(c, two);
	snprintf(c->name[c->n++], 32, "%s", name);
}

static void show(struct arena *a, const struct golden_case *gc, struct buf *out)
{
	const char *at = strncmp(gc->text, "--- ", 4) == 0 ? gc->text : NULL;
	struct chain c = { .n = 0 };
	struct blame b;

	while (at && c.n < REVS) {
		const char *text = strchr(at, '\n') + 1;
		const char *next = strncmp(text, "--- ", 4) == 0
					   ? text - 1
					   : strstr(text, "\n--- ");
		size_t len = next ? (size_t)(next + 1 - text) : strlen(text);

		add(a, &c, at, text, len);
		at = next ? next + 1 : NULL;
	}
	blame_texts(a, c.rev, c.n, &b);
	for (size_t i = 0; i < b.n; i++)
		buf_printf(out, "%-6s| %.*s", c.name[b.at[i].rev],
			   (int)b.at[i].len, b.at[i].at);
}

int main(int argc, char **argv)
{
	return golden_main(argc, argv, show);
}
