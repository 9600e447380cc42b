/* What the rows say, as a document. */
#include <string.h>

#include "fsm/conf/explain.h"
#include "fsm/conf/text.h"

static void put_text(struct arena *a, struct doc *d, const char *key,
		     const char *text)
{
	if (text && *text)
		doc_put_str(a, d, key, text);
}

static void put_list(struct arena *a, struct doc *d, const char *key,
		     const struct names *words)
{
	struct doc *list;

	if (!words->n)
		return;
	list = doc_put(a, d, key, doc_list(a));
	for (size_t i = 0; i < words->n; i++)
		doc_add(a, list, doc_str(a, words->at[i]));
}

static void put_words(struct arena *a, struct doc *d, const char *key,
		      const char *text)
{
	struct names words = words_split(a, text ? text : "");

	put_list(a, d, key, &words);
}

static const char *inherit_name(enum inherit inherit)
{
	static const char *const names[] = {
		[LEAF_HEAD] = "section, DEFAULT",
		[HEAD_LEAF] = "DEFAULT, section",
		[LEAF] = "section",
		[HEAD] = "DEFAULT",
	};

	return names[inherit];
}

static void put_from(struct arena *a, struct doc *d, unsigned from)
{
	static const char *const names[] = { "opensvc 1", "opensvc 2",
					     "opensvc 3", "encap" };
	struct doc *list = doc_put(a, d, "from", doc_list(a));

	if (!from)
		from = FROM_V12 | FROM_V3;
	for (unsigned i = 0; i < 4; i++)
		if (from & 1u << i)
			doc_add(a, list, doc_str(a, names[i]));
}

static struct doc *row_doc(struct arena *a, const struct keyword *row)
{
	struct names candidates = keyword_candidates(a, row);
	struct doc *d = doc_map(a);

	doc_put_str(a, d, "group", row->group);
	put_words(a, d, "types", row->types);
	doc_put_str(a, d, "name", row->name);
	doc_put_str(a, d, "help", row->help);
	doc_put_str(a, d, "more", row->more);
	doc_put_str(a, d, "value", conv_name(row->conv));
	put_text(a, d, "default", row->fallback);
	put_list(a, d, "candidates", &candidates);
	if (candidates.n)
		doc_put_bool(a, d, "candidates_only",
			     !(row->flags & KW_ANY_WORD));
	put_text(a, d, "depends", row->depends);
	doc_put_bool(a, d, "required", row->flags & KW_REQUIRED);
	doc_put_bool(a, d, "scopable", !(row->flags & KW_NO_SCOPE));
	doc_put_bool(a, d, "effect", !(row->flags & KW_LATER));
	if (!words_have("DEFAULT subset", row->group))
		doc_put_str(a, d, "read_from", inherit_name(row->inherit));
	put_text(a, d, "name_in_default", row->head);
	put_words(a, d, "aliases", row->aliases);
	put_from(a, d, row->from);
	return d;
}

static struct doc *type_doc(struct arena *a, const struct group *g,
			    const struct type *t)
{
	struct doc *d = doc_map(a);

	doc_put_str(a, d, "group", g->name);
	doc_put_str(a, d, "name", t->name);
	doc_put_str(a, d, "help", t->help);
	doc_put_bool(a, d, "driver", group_drives(g, t->name));
	doc_put_bool(a, d, "default", g->type && text_equal(g->type, t->name));
	put_from(a, d, t->from);
	return d;
}

/* The rows of a group, and for a resource those of all. */
static struct doc *rows_doc(struct arena *a, const char *group)
{
	struct doc *list = doc_list(a);

	KEYWORDS_EACH (row)
		if (text_equal(row->group, group) ||
		    (text_equal(row->group, "*") &&
		     keyword_applies(row, group, NULL)))
			doc_add(a, list, row_doc(a, row));
	return list;
}

static struct doc *group_doc(struct arena *a, const char *group, bool rows)
{
	const struct group *g = group_find(group);
	struct doc *d = doc_map(a), *types;

	doc_put_str(a, d, "name", group);
	if (g) {
		doc_put_str(a, d, "help", g->help);
		put_text(a, d, "default_type", g->type);
		types = doc_put(a, d, "types", doc_list(a));
		for (const struct type *t = type_table; t->group; t++)
			if (text_equal(t->group, group))
				doc_add(a, types, type_doc(a, g, t));
	}
	if (rows)
		doc_put(a, d, "keywords", rows_doc(a, group));
	return d;
}

static struct doc *whole_type_doc(struct arena *a, const struct explained *t)
{
	struct keywords all = keywords_index(a, 0);
	struct keyword_set set = keywords_of(&all, t->group, t->type);
	struct doc *d =
		type_doc(a, group_find(t->group), type_find(t->group, t->type));
	struct doc *list = doc_put(a, d, "keywords", doc_list(a));

	for (size_t i = 0; i < set.n; i++)
		doc_add(a, list, row_doc(a, set.at[i]));
	return d;
}

struct doc *explain_doc(struct arena *a, const struct explained *t)
{
	struct doc *d = doc_map(a), *list;

	switch (t->kind) {
	case EXPLAIN_ALL:
		list = doc_put(a, d, "groups", doc_list(a));
		doc_add(a, list, group_doc(a, "DEFAULT", false));
		doc_add(a, list, group_doc(a, "subset", false));
		for (size_t i = 0; i < group_count; i++)
			doc_add(a, list,
				group_doc(a, group_table[i].name, false));
		break;
	case EXPLAIN_GROUP:
		doc_put(a, d, "group", group_doc(a, t->group, true));
		break;
	case EXPLAIN_TYPE:
		doc_put(a, d, "type", whole_type_doc(a, t));
		break;
	case EXPLAIN_KEYWORDS:
		list = doc_put(a, d, "keywords", doc_list(a));
		for (size_t i = 0; i < t->n; i++)
			doc_add(a, list, row_doc(a, t->rows[i]));
		break;
	}
	return d;
}
