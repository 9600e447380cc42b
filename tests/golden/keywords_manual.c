/*
 * docs/keywords.md is what fsm/conf/keywords_*.c says. With GOLDEN_UPDATE in
 * the environment it is written instead of compared.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/conf/keyword.h"
#include "fsm/conf/text.h"

static const char head[] =
	"# Keywords of env files\n"
	"\n"
	"Made from the tables in `fsm/conf/keywords_*.c`; see "
	"env-file.md for how a\n"
	"file is read. \"Must\" marks what has no default "
	"and has to be given.\n"
	"\"Later\" marks what is read and kept, but has no "
	"effect in this version:\n"
	"a file that uses it is accepted with a warning.\n";

static void put_notes(struct buf *b, const struct keyword *k)
{
	buf_puts(b, k->help);
	if (k->candidates)
		buf_printf(b, "; one of: %s", k->candidates);
	if (k->flags & KW_NO_SCOPE)
		buf_puts(b, "; cannot be scoped");
	if (k->aliases)
		buf_printf(b, "; also spelled: %s", k->aliases);
	if (k->head)
		buf_printf(b, "; in DEFAULT: %s", k->head);
	else if (k->inherit == LEAF && !words_have("DEFAULT subset", k->group))
		buf_puts(b, "; not from DEFAULT");
}

static void put_row(struct buf *b, const struct keyword *k)
{
	buf_printf(b, "| `%s` | %s | %s | ", k->name, k->types ? k->types : "",
		   conv_name(k->conv));
	if (k->flags & KW_REQUIRED)
		buf_puts(b, "must");
	else if (k->fallback && *k->fallback)
		buf_printf(b, "`%s`", k->fallback);
	buf_printf(b, " | %s", k->flags & KW_LATER ? "*Later:* " : "");
	put_notes(b, k);
	buf_puts(b, " |\n");
}

static void put_group(struct buf *b, const char *group, const char *title)
{
	struct buf rows = BUF(b->arena);

	KEYWORDS_EACH (row)
		if (text_equal(row->group, group))
			put_row(&rows, row);
	if (!rows.len)
		return;
	buf_printf(b,
		   "\n## %s\n\n"
		   "| keyword | types | value | default | meaning |\n"
		   "|---|---|---|---|---|\n",
		   title);
	buf_puts(b, buf_text(&rows));
}

static const char *manual(struct arena *a)
{
	struct buf b = BUF(a);

	buf_puts(&b, head);
	put_group(&b, "DEFAULT", "DEFAULT: the service");
	put_group(&b, "*", "Every resource");
	for (size_t i = 0; i < group_count; i++) {
		const struct group *g = &group_table[i];
		const char *title = arena_printf(a, "%s", g->name);

		if (g->drivers && *g->drivers)
			title = arena_printf(a, "%s: %s%s%s", g->name,
					     g->drivers,
					     g->type ? "; by default " : "",
					     g->type ? g->type : "");
		else if (g->drivers)
			title = arena_printf(a, "%s: no driver yet", g->name);
		put_group(&b, g->name, title);
	}
	put_group(&b, "subset", "subset#GROUP:NAME");
	return buf_text(&b);
}

static const char *slurp(struct arena *a, const char *path)
{
	FILE *f = fopen(path, "rb");
	struct buf b = BUF(a);
	char chunk[4096];
	size_t n;

	if (!f)
		return "";
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&b, chunk, n);
	fclose(f);
	return buf_text(&b);
}

int main(int argc, char **argv)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *text;
	FILE *f;

	if (argc != 2)
		return 2;
	text = manual(a);
	if (getenv("GOLDEN_UPDATE")) {
		f = fopen(argv[1], "wb");
		if (!f || fputs(text, f) < 0 || fclose(f) != 0) {
			printf("%s: %s\n", argv[1], strerror(errno));
			return 1;
		}
		return 0;
	}
	if (strcmp(slurp(a, argv[1]), text) == 0)
		return 0;
	printf("%s does not say what fsm/conf/keywords_*.c says; run this with "
	       "GOLDEN_UPDATE=1\n",
	       argv[1]);
	return 1;
}
