/*
 * Which rows a person asks for, and what they say as text.
 *
 * A keyword is a heading, its paragraph, and a list of properties, of which
 * only those are there that say something.
 */
#include "fsm/conf/explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/conf/text.h"

#define EVERY "*" /* the group of rows of all resources */

/* -- what is asked for ----------------------------------------------------- */

static bool has_rows(const char *group)
{
	return words_have("DEFAULT subset", group) || group_find(group);
}

static const char *group_help(const char *group)
{
	const struct group *g = group_find(group);

	if (text_equal(group, "DEFAULT"))
		return "the service, and what its resources have in common";
	if (text_equal(group, "subset"))
		return "a part of a group: [subset#GROUP:NAME]";
	if (text_equal(group, EVERY))
		return "of every resource";
	return g ? g->help : "";
}

static bool row_is(const struct keyword *row, const char *name)
{
	return text_equal(row->name, name) ||
	       (row->aliases && words_have(row->aliases, name));
}

static bool row_counts(const struct keywords *all, const struct keyword *row,
		       const char *group, const char *type, const char *name)
{
	if (group && type)
		return keyword_find(all, group, type, name) == row;
	return !group || text_equal(row->group, group);
}

/* The rows of that name which count for a group and type; NULL: any. */
static void find_rows(struct arena *a, const char *group, const char *type,
		      const char *name, struct explained *t)
{
	struct keywords all = keywords_index(a, 0);
	size_t n = 0;

	KEYWORDS_EACH (row)
		n += row_is(row, name);
	t->rows = ARENA_VEC(a, const struct keyword *, n + 1);
	KEYWORDS_EACH (row)
		if (row_is(row, name) &&
		    row_counts(&all, row, group, type, name))
			t->rows[t->n++] = row;
	if (!t->n && group && group_rank(group) >= 0 && !type)
		find_rows(a, EVERY, NULL, name, t);
	t->kind = EXPLAIN_KEYWORDS;
	t->asked = name;
	t->group = group;
	t->type = type;
}

static int not_found(struct arena *a, const char *what, struct err *err)
{
	struct nearest near = nearest_to(what);
	struct names all = explain_names(a);
	const char *dot = strrchr(what, '.');

	for (size_t i = 0; i < all.n; i++)
		nearest_try(&near, all.at[i]);
	if (!near.best && dot) {
		near = nearest_to(dot + 1);
		for (size_t i = 0; i < all.n; i++)
			nearest_try(&near, all.at[i]);
	}
	return err_set(err, -ENOENT, "there is no keyword, type or group %s%s",
		       text_shown(a, what), nearest_hint(a, &near));
}

/* "fs#1", "fs", "fs.ext4", "lv#1": a group, and a type if there is one. */
static bool find_place(struct arena *a, const char *text, struct explained *t)
{
	const char *dot = strchr(text, '.');
	struct section_id id = { 0 };

	if (strchr(text, '#') && !text_starts(text, "subset#")) {
		id = section_id(a, text);
		t->group = id.group ? id.group->name : NULL;
		t->type = id.type;
		t->kind = t->type ? EXPLAIN_TYPE : EXPLAIN_GROUP;
		return id.group;
	}
	t->group = dot ? text_copy(a, text, (size_t)(dot - text)) : text;
	if (text_starts(text, "subset#"))
		t->group = "subset";
	else if (dot)
		t->type = dot + 1;
	if (!has_rows(t->group))
		return false;
	if (t->type && !type_find(t->group, t->type))
		return false;
	t->kind = t->type ? EXPLAIN_TYPE : EXPLAIN_GROUP;
	return true;
}

/* A type by its name alone: "lxc". */
static bool find_type(const char *name, struct explained *t)
{
	for (const struct type *type = type_table; type->group; type++) {
		if (!text_equal(type->name, name))
			continue;
		*t = (struct explained){ .kind = EXPLAIN_TYPE,
					 .group = type->group,
					 .type = type->name };
		return true;
	}
	return false;
}

/* "PLACE.KEYWORD", the last dot before the keyword. */
static bool find_placed(struct arena *a, const char *what, struct explained *t)
{
	const char *dot = strrchr(what, '.');
	struct explained place = { 0 };

	if (!dot ||
	    !find_place(a, text_copy(a, what, (size_t)(dot - what)), &place))
		return false;
	find_rows(a, place.group, place.type, dot + 1, t);
	return t->n > 0;
}

/* "fs#1.mnt_opt": a keyword stands behind the section. */
static bool is_placed(const char *what)
{
	const char *hash = strchr(what, '#');

	return hash && strchr(hash, '.');
}

static int find_at(struct arena *a, const char *what, struct explained *t,
		   struct err *err)
{
	if (!*what || (!is_placed(what) && find_place(a, what, t)))
		return 0;
	*t = (struct explained){ 0 };
	if (find_placed(a, what, t))
		return 0;
	*t = (struct explained){ 0 };
	find_rows(a, NULL, NULL, what, t);
	if (t->n || find_type(what, t))
		return 0;
	return not_found(a, what, err);
}

int explain_find(struct arena *a, const char *what, struct explained *ret,
		 struct err *err)
{
	struct explained t = { 0 };
	/* A scope says nothing about the keyword. */
	const char *plain = text_trimmed(a, what, strcspn(what, "@"));
	int rc = find_at(a, plain, &t, err);

	if (rc == 0)
		*ret = t;
	return rc;
}

static int name_cmp(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

struct names explain_names(struct arena *a)
{
	struct names l = { 0 };
	size_t n = 2 + group_count, k = 0;

	KEYWORDS_EACH (row)
		n++;
	for (const struct type *t = type_table; t->group; t++)
		n++;
	l.at = ARENA_VEC(a, const char *, n);
	l.at[l.n++] = "DEFAULT";
	l.at[l.n++] = "subset";
	for (size_t i = 0; i < group_count; i++)
		l.at[l.n++] = group_table[i].name;
	for (const struct type *t = type_table; t->group; t++)
		l.at[l.n++] = arena_printf(a, "%s.%s", t->group, t->name);
	KEYWORDS_EACH (row)
		l.at[l.n++] = row->name;
	qsort(l.at, l.n, sizeof(*l.at), name_cmp);
	for (size_t i = 0; i < l.n; i++)
		if (!k || !text_equal(l.at[k - 1], l.at[i]))
			l.at[k++] = l.at[i];
	l.n = k;
	return l;
}

/* -- text ------------------------------------------------------------------ */

const char *from_text(struct arena *a, unsigned from)
{
	struct buf b = BUF(a);

	if (from == FROM_OURS)
		return "Encap alone";
	for (unsigned i = 0; i < 3; i++)
		if (from & 1u << i)
			buf_printf(&b, "%s%u", b.len ? ", " : "OpenSVC ",
				   i + 1);
	return buf_text(&b);
}

struct page {
	struct buf *out;
	unsigned width;
};

/* Words of @text from column @indent on, where the line is already. */
static void put_words(const struct page *p, unsigned indent, const char *text)
{
	size_t column = indent;
	bool first = true;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (!first && p->width && column + 1 + n > p->width) {
			buf_printf(p->out, "\n%*s", (int)indent, "");
			column = indent;
			first = true;
		}
		buf_printf(p->out, "%s%.*s", first ? "" : " ", (int)n, text);
		column += n + !first;
		first = false;
		text += n + strspn(text + n, " ");
	}
	buf_puts(p->out, "\n");
}

/* A word, and behind it, from a column on, what there is to say of it. */
static void put_pair(const struct page *p, unsigned indent, unsigned column,
		     const char *word, const char *text)
{
	size_t n = strlen(word);

	buf_printf(p->out, "%*s%s", (int)indent, "", word);
	if (indent + n + 1 > column)
		buf_printf(p->out, "\n%*s", (int)column, "");
	else
		buf_printf(p->out, "%*s", (int)(column - indent - n), "");
	put_words(p, column, text);
}

static void put_property(const struct page *p, const char *name,
			 const char *text)
{
	if (text && *text)
		put_pair(p, 4, 16, name, text);
}

static const char *undriven_types(struct arena *a, const struct keyword *row)
{
	struct names types = words_split(a, row->types ? row->types : "");
	const struct group *g = group_find(row->group);
	struct buf b = BUF(a);

	for (size_t i = 0; i < types.n; i++)
		if (!group_drives(g, types.at[i]))
			buf_printf(&b, "%s%s", b.len ? " " : "", types.at[i]);
	return buf_text(&b);
}

static const char *inherit_text(struct arena *a, const struct keyword *row)
{
	if (words_have("DEFAULT subset", row->group))
		return NULL;
	switch (row->inherit) {
	case LEAF_HEAD:
		return row->head ? arena_printf(a,
						"its section, then %s of "
						"DEFAULT",
						row->head)
				 : "its section, then DEFAULT";
	case HEAD_LEAF:
		return "DEFAULT, then its section";
	case LEAF:
		return "its section alone";
	case HEAD:
		return "DEFAULT alone";
	}
	return NULL;
}

static void put_sentence(const struct page *p, unsigned indent,
			 const char *help, const char *more)
{
	struct arena *a = p->out->arena;
	char *text = arena_printf(a, "%s. %s", help, more);

	text[0] = text_upper(text[0]);
	buf_printf(p->out, "%*s", (int)indent, "");
	put_words(p, indent, text);
}

/* How a value is written, where the name of its kind does not say it. */
static const char *value_text(enum conv conv)
{
	switch (conv) {
	case CONV_DURATION:
		return "duration: 90 (seconds), 500ms, 1h30m";
	case CONV_MINUTES:
		return "duration: 90 (minutes), 30s, 1d";
	case CONV_SIZE:
		return "size: 512, 10k or 10KiB (1024), 10kB (1000), 1.5g";
	case CONV_SPEED:
		return "size per second: 10MB/s (1000), 10m (1024)";
	case CONV_LIST:
	case CONV_LIST_LOWER:
	case CONV_SET:
		return "words, with blanks between them";
	case CONV_NODES:
		return "names of nodes, with blanks between them";
	case CONV_SHLEX:
	case CONV_FLAGS:
		return "words, quoted as for a shell";
	case CONV_STRING:
	case CONV_LIST_COMMA:
	case CONV_SET_COMMA:
	case CONV_INTEGER:
	case CONV_BOOLEAN:
	case CONV_TRISTATE:
		break;
	}
	return conv_name(conv);
}

static void put_properties(const struct page *p, const struct keyword *row)
{
	struct arena *a = p->out->arena;
	const char *older = undriven_types(a, row);
	const char *all = row->candidates;

	put_property(p, "types", row->types);
	put_property(p, "value", value_text(row->conv));
	put_property(p, row->flags & KW_ANY_WORD ? "such as" : "one of", all);
	if (row->flags & KW_REQUIRED)
		put_property(p, "default", "none: it must be given");
	else
		put_property(p, "default", row->fallback);
	put_property(p, "only where", depends_text(a, row));
	if (row->flags & KW_NO_SCOPE)
		put_property(p, "scopes", "none");
	put_property(p, "read from", inherit_text(a, row));
	put_property(p, "older", row->aliases);
	put_property(p, "known to", from_text(a, row->from));
	if (row->flags & KW_LATER)
		put_property(p, "note",
			     "this version reads it and keeps it, and does "
			     "nothing by it");
	if (*older)
		put_property(p, "no driver",
			     arena_printf(a, "in this version for %s", older));
}

static void put_keyword(const struct page *p, const struct keyword *row)
{
	if (text_equal(row->group, EVERY))
		buf_printf(p->out, "%s, %s\n\n", row->name, group_help(EVERY));
	else
		buf_printf(p->out, "%s.%s\n\n", row->group, row->name);
	put_sentence(p, 4, row->help, row->more);
	buf_puts(p->out, "\n");
	put_properties(p, row);
}

static void put_keywords(const struct page *p, const struct explained *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct keyword *row = t->rows[i];

		if (i)
			buf_puts(p->out, "\n");
		put_keyword(p, row);
		if (!text_equal(row->name, t->asked))
			put_property(p, "spelling",
				     arena_printf(p->out->arena,
						  "%s is an older one of %s",
						  t->asked, row->name));
	}
}

static void put_types(const struct page *p, const char *group)
{
	const struct group *g = group_find(group);
	struct arena *a = p->out->arena;

	for (const struct type *t = type_table; t->group; t++) {
		bool is_default = g->type && text_equal(g->type, t->name);

		if (!text_equal(t->group, group))
			continue;
		put_pair(p, 4, 16, t->name,
			 arena_printf(a, "%s%s%s", t->help,
				      is_default ? "; by default" : "",
				      group_drives(g, t->name)
					      ? ""
					      : " (no driver in this "
						"version)"));
	}
}

/* Rows that come in families are told of once. */
static bool is_family(const char *name)
{
	if (text_equal(name, "pre_monitor_action"))
		return false;
	return text_starts(name, "pre_") || text_starts(name, "post_") ||
	       text_starts(name, "blocking_") || text_starts(name, "pg_");
}

static void put_families(const struct page *p, unsigned indent)
{
	buf_printf(p->out, "%*s", (int)indent, "");
	put_words(p, indent,
		  "and pre_ACTION post_ACTION blocking_pre_ACTION "
		  "blocking_post_ACTION, as in pre_start, and pg_LIMIT, as in "
		  "pg_mem_limit");
}

/* Of a row that only few types have, which. */
static const char *help_of(struct arena *a, const struct keyword *row)
{
	struct names types = words_split(a, row->types ? row->types : "");

	if (!types.n || types.n > 4)
		return row->help;
	return arena_printf(a, "%s (%s)", row->help, row->types);
}

static void put_helps(const struct page *p, const char *group)
{
	bool families = false;

	KEYWORDS_EACH (row) {
		if (!text_equal(row->group, group))
			continue;
		if (is_family(row->name))
			families = true;
		else
			put_pair(p, 4, 24, row->name,
				 help_of(p->out->arena, row));
	}
	if (families)
		put_families(p, 4);
}

/* The names of the keywords of every resource. */
static void put_every(const struct page *p)
{
	struct buf b = BUF(p->out->arena);

	KEYWORDS_EACH (row)
		if (text_equal(row->group, EVERY) && !is_family(row->name))
			buf_printf(&b, "%s%s", b.len ? " " : "", row->name);
	buf_puts(p->out, "\nKeywords of every resource:\n\n    ");
	put_words(p, 4, buf_text(&b));
	put_families(p, 4);
}

static void put_group(const struct page *p, const char *group)
{
	const struct group *g = group_find(group);

	buf_printf(p->out, "%s: ", group);
	put_words(p, 4, group_help(group));
	if (g && g->rank >= 0) {
		if (type_find(group, g->type ? g->type : "") || !g->type)
			buf_puts(p->out, "\nTypes:\n\n");
		put_types(p, group);
	}
	if (g && g->rank < 0) {
		buf_puts(p->out, "\n    ");
		put_words(p, 4, "Kept; nothing looks at what is in it.");
		return;
	}
	buf_puts(p->out, "\nKeywords:\n\n");
	put_helps(p, group);
	if (g)
		put_every(p);
}

static void put_type(const struct page *p, const struct explained *t)
{
	const struct group *g = group_find(t->group);
	struct keywords all = keywords_index(p->out->arena, 0);
	struct keyword_set set = keywords_of(&all, t->group, t->type);
	const struct type *type = type_find(t->group, t->type);

	buf_printf(p->out, "%s.%s: ", t->group, t->type);
	put_words(p, 4, type ? type->help : "");
	if (type && type->from)
		put_pair(p, 4, 16, "known to",
			 from_text(p->out->arena, type->from));
	if (!group_drives(g, t->type))
		put_pair(p, 4, 16, "no driver",
			 words_have("sync task hb", t->group)
				 ? "in this version: it shows n/a, and nothing "
				   "is done for it"
				 : "in this version: it shows n/a, and a start "
				   "of the service fails there");
	buf_puts(p->out, "\nKeywords:\n\n");
	for (size_t i = 0; i < set.n_own; i++)
		put_pair(p, 4, 24, set.at[i]->name,
			 arena_printf(p->out->arena, "%s%s", set.at[i]->help,
				      set.at[i]->flags & KW_REQUIRED
					      ? " (must be given)"
					      : ""));
	put_every(p);
}

static void put_all(const struct page *p)
{
	buf_puts(p->out, "Sections:\n\n");
	put_pair(p, 4, 16, "DEFAULT", group_help("DEFAULT"));
	put_pair(p, 4, 16, "env", "values of your own, for references");
	put_pair(p, 4, 16, "labels", "words of your own");
	put_pair(p, 4, 16, "subset", group_help("subset"));
	for (size_t i = 0; i < group_count; i++)
		put_pair(p, 4, 16, group_table[i].name, group_table[i].help);
	buf_puts(p->out, "\nof which each is explained by its name, as are "
			 "types (container.lxc) and\nkeywords (mnt_opt, "
			 "fs.mnt_opt).\n\nKeywords of the service:\n\n");
	put_helps(p, "DEFAULT");
	put_every(p);
}

void explain_text(const struct explained *t, unsigned width, struct buf *out)
{
	struct page p = { out, width };

	switch (t->kind) {
	case EXPLAIN_ALL:
		put_all(&p);
		break;
	case EXPLAIN_GROUP:
		put_group(&p, t->group);
		break;
	case EXPLAIN_TYPE:
		put_type(&p, t);
		break;
	case EXPLAIN_KEYWORDS:
		put_keywords(&p, t);
		break;
	}
}
