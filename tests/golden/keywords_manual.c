/*
 * docs/keywords.md is what fsm/conf/keywords_*.c says. With GOLDEN_UPDATE in
 * the environment it is written instead of compared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/conf/keyword.h"
#include "fsm/conf/text.h"
#include "golden.h"

static const char head[] =
	"# Keywords of env files\n"
	"\n"
	"Made from the tables in `fsm/conf/keywords_*.c`; see env-file.md for "
	"how a\n"
	"file is read, and `encap explain KEYWORD` for one of them. \"Must\" "
	"marks what\n"
	"has no default and has to be given. \"Later\" marks what is read and "
	"kept, but\n"
	"has no effect in this version: a file that uses it is accepted with a "
	"warning.\n"
	"So is one with a type that this version has no driver for: the "
	"resource shows\n"
	"why it cannot be started.\n";

/* In a table a bar ends a column. */
static void put_text(struct buf *b, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			buf_puts(b, "\\");
		buf_add(b, text, 1);
	}
}

static void put_from(struct buf *b, const struct keyword *k)
{
	static const char *const names[] = { "1", "2", "3" };
	const char *comma = " ";

	if (k->from == FROM_OURS)
		buf_puts(b, " *Of Encap alone.*");
	if (!k->from || k->from == FROM_OURS)
		return;
	buf_puts(b, " *From OpenSVC");
	for (unsigned i = 0; i < 3; i++)
		if (k->from & 1u << i) {
			buf_printf(b, "%s%s", comma, names[i]);
			comma = ", ";
		}
	buf_puts(b, ".*");
}

static void put_notes(struct buf *b, const struct keyword *k)
{
	put_text(b, k->help);
	if (k->candidates)
		buf_printf(b, "; %s: %s",
			   k->flags & KW_ANY_WORD ? "for example" : "one of",
			   k->candidates);
	if (k->depends)
		buf_printf(b, "; only with %s", k->depends);
	if (k->flags & KW_NO_SCOPE)
		buf_puts(b, "; cannot be scoped");
	if (k->aliases)
		buf_printf(b, "; also spelled: %s", k->aliases);
	if (k->head)
		buf_printf(b, "; in DEFAULT: %s", k->head);
	else if (k->inherit == LEAF && !words_have("DEFAULT subset", k->group))
		buf_puts(b, "; not from DEFAULT");
	buf_puts(b, ". ");
	put_text(b, k->more);
	put_from(b, k);
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
	buf_printf(b, "\n## %s\n\n", title);
	if (rows.len)
		buf_printf(b,
			   "| keyword | types | value | default | meaning |\n"
			   "|---|---|---|---|---|\n%s",
			   buf_text(&rows));
}

/* Each type, and whether this version drives it. */
static void put_types(struct buf *b, const struct group *g)
{
	if (!g->drivers) {
		buf_puts(b, "Kept; nothing looks at what is in it.\n");
		return;
	}
	buf_puts(b, "\n| type | driver | is |\n|---|---|---|\n");
	for (const struct type *t = type_table; t->group; t++)
		if (text_equal(t->group, g->name))
			buf_printf(b, "| `%s`%s | %s | %s |\n", t->name,
				   g->type && text_equal(g->type, t->name)
					   ? ", by default"
					   : "",
				   words_have(g->drivers, t->name) ? "yes" : "",
				   t->help);
	if (g->old_types)
		buf_printf(b, "\nOlder spellings of types: %s.\n",
			   g->old_types);
}

static const char *manual(struct arena *a)
{
	struct buf b = BUF(a);

	buf_puts(&b, head);
	put_group(&b, "DEFAULT", "DEFAULT: the service");
	put_group(&b, "*", "Every resource");
	for (size_t i = 0; i < group_count; i++) {
		const struct group *g = &group_table[i];

		put_group(&b, g->name,
			  arena_printf(a, "%s: %s", g->name, g->help));
		put_types(&b, g);
	}
	put_group(&b, "subset", "subset#GROUP:NAME");
	return buf_text(&b);
}

int main(int argc, char **argv)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *text, *is;

	if (argc != 2)
		return 2;
	text = manual(a);
	if (getenv("GOLDEN_UPDATE"))
		return golden_write(argv[1], text);
	is = golden_read(a, argv[1]);
	if (is && strcmp(is, text) == 0)
		return 0;
	printf("%s does not say what fsm/conf/keywords_*.c says; run this with "
	       "GOLDEN_UPDATE=1\n",
	       argv[1]);
	return 1;
}
