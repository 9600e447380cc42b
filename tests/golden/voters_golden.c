/*
 * Who votes: members, a line each, "NAME [WORD...]", by id from 1.
 *
 *     votes leads gone leaving joining witness   as in fsm/plan/voters.h
 *     KEY=VALUE                             a label
 *
 * All are up but those with "down", "gone" or "joining". Out come the
 * names of those who shall vote, and what has to change.
 */
#include <string.h>

#include "fsm/plan/voters.h"
#include "tests/golden/golden.h"

#define MEMBERS 32

static void word_into(struct arena *a, struct voter *v, struct doc *labels,
		      const char *word)
{
	const char *value = strchr(word, '=');
	const struct {
		const char *word;
		bool *at;
	} flags[] = { { "votes", &v->votes },
		      { "leads", &v->leads },
		      { "gone", &v->gone },
		      { "leaving", &v->leaving },
		      { "joining", &v->joining },
		      { "witness", &v->witness } };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(word, flags[i].word) == 0)
			*flags[i].at = true;
	if (strcmp(word, "down") == 0 || strcmp(word, "gone") == 0 ||
	    strcmp(word, "joining") == 0)
		v->up = false;
	if (value)
		doc_put_str(a, labels,
			    arena_printf(a, "%.*s", (int)(value - word), word),
			    value + 1);
}

static const char *member_read(struct arena *a, char *line, uint64_t id,
			       struct voter *v)
{
	struct doc *labels = doc_map(a);
	char *save = NULL, *name = strtok_r(line, " ", &save), *word;

	*v = (struct voter){ .id = id, .labels = labels, .up = true };
	while ((word = strtok_r(NULL, " ", &save)) != NULL)
		word_into(a, v, labels, word);
	return name;
}

static void show_list(struct buf *out, const char *what,
		      const char *const *names, const struct voter *at,
		      size_t n, bool shall, bool changed)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		if (at[i].shall != shall || (changed && at[i].votes == shall))
			continue;
		buf_printf(out, "%s%s", any ? " " : what, names[i]);
		any = true;
	}
	if (any)
		buf_puts(out, "\n");
}

static void show(struct arena *a, const struct golden_case *c, struct buf *out)
{
	char *text = arena_printf(a, "%s", golden_body(c->text)), *save = NULL;
	const char *names[MEMBERS];
	struct voter at[MEMBERS];
	size_t n = 0;

	for (char *l = strtok_r(text, "\n", &save); l && n < MEMBERS;
	     l = strtok_r(NULL, "\n", &save), n++)
		names[n] = member_read(a, l, n + 1, &at[n]);
	voters_choose(at, n);
	show_list(out, "vote: ", names, at, n, true, false);
	show_list(out, "promote: ", names, at, n, true, true);
	show_list(out, "demote: ", names, at, n, false, true);
}

int main(int argc, char **argv)
{
	return golden_main(argc, argv, show);
}
