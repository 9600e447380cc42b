#include "fsm/conf/keyword.h"

#include <stdlib.h>
#include <string.h>

#include "fsm/conf/text.h"

const struct group *group_find(const char *name)
{
	for (size_t i = 0; i < group_count; i++)
		if (text_equal(group_table[i].name, name))
			return &group_table[i];
	return NULL;
}

int group_rank(const char *group)
{
	const struct group *g = group_find(group);

	return g ? g->rank : -1;
}

bool section_is_special(const char *section)
{
	return words_have("DEFAULT env labels data metadata", section) ||
	       text_starts(section, "subset#");
}

/* Before there were types, some disks had sections of their own. */
static const char *old_disk(const char *kind)
{
	if (text_equal(kind, "pool"))
		return "zpool";
	if (words_have("loop md vg lv zpool zvol raw drbd vdisk vmdg rados",
		       kind))
		return kind;
	return NULL;
}

struct section_id section_id(struct arena *a, const char *section)
{
	const char *hash = strchr(section, '#');
	struct section_id id = { .index = "" };
	const char *kind;

	if (section_is_special(section))
		return id;
	kind = hash ? text_copy(a, section, (size_t)(hash - section)) : section;
	id.index = hash ? hash + 1 : "";
	id.group = group_find(kind);
	if (!id.group && hash && old_disk(kind)) {
		id.group = group_find("disk");
		id.type = old_disk(kind);
	}
	if (id.group && !hash && !id.group->bare)
		id.group = NULL;
	return id;
}

bool section_is_resource(const struct section_id *id)
{
	return id->group && id->group->rank >= 0;
}

/* -- looking rows up ---------------------------------------------------- */

static int ref_cmp(const void *x, const void *y)
{
	const struct keyword_ref *a = x, *b = y;
	int cmp = strcmp(a->name, b->name);

	if (cmp)
		return cmp;
	return a->row < b->row ? -1 : a->row > b->row; /* table order */
}

struct keywords keywords_index(struct arena *a)
{
	struct keywords k = { 0 };
	size_t n = keyword_count;

	for (size_t i = 0; i < keyword_count; i++)
		for (const char *p = keyword_table[i].aliases; p && *p; p++)
			n += p[1] == ' ' || !p[1];
	k.at = ARENA_VEC(a, struct keyword_ref, n);
	for (size_t i = 0; i < keyword_count; i++) {
		const struct keyword *row = &keyword_table[i];
		struct names old =
			words_split(a, row->aliases ? row->aliases : "");

		k.at[k.n++] = (struct keyword_ref){ row->name, row };
		for (size_t j = 0; j < old.n; j++)
			k.at[k.n++] = (struct keyword_ref){ old.at[j], row };
	}
	qsort(k.at, k.n, sizeof(*k.at), ref_cmp);
	return k;
}

bool keyword_applies(const struct keyword *row, const char *group,
		     const char *type)
{
	if (text_equal(row->group, "*"))
		return group_rank(group) >= 0;
	if (!text_equal(row->group, group))
		return false;
	return !row->types || (type && words_have(row->types, type));
}

static unsigned keyword_weight(const struct keyword *row)
{
	return text_equal(row->group, "*") ? 1 : row->types ? 3 : 2;
}

const struct keyword *keyword_find(const struct keywords *k, const char *group,
				   const char *type, const char *name)
{
	const struct keyword *best = NULL;
	size_t low = 0, high = k->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(k->at[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < k->n && text_equal(k->at[low].name, name); low++) {
		const struct keyword *row = k->at[low].row;

		if (keyword_applies(row, group, type) &&
		    (!best || keyword_weight(row) > keyword_weight(best)))
			best = row;
	}
	return best;
}

bool keyword_counts(const struct keywords *k, const struct keyword *row,
		    const char *group, const char *type)
{
	return keyword_applies(row, group, type) &&
	       keyword_find(k, group, type, row->name) == row;
}

bool keyword_is_inherited(const char *name)
{
	for (size_t i = 0; i < keyword_count; i++) {
		const struct keyword *row = &keyword_table[i];
		const char *head = row->head ? row->head : row->name;

		if (row->inherit == LEAF || text_equal(row->group, "DEFAULT"))
			continue;
		if (text_equal(head, name) ||
		    (row->aliases && words_have(row->aliases, name)))
			return true;
	}
	return false;
}

const char *keyword_hint(struct arena *a, const char *group, const char *types,
			 const char *name)
{
	struct nearest near = nearest_to(name);
	struct names all = words_split(a, types ? types : "");

	for (size_t i = 0; i < keyword_count; i++) {
		const struct keyword *row = &keyword_table[i];
		bool applies = keyword_applies(row, group, NULL);

		for (size_t t = 0; !applies && t < all.n; t++)
			applies = keyword_applies(row, group, all.at[t]);
		if (applies)
			nearest_try(&near, row->name);
	}
	return nearest_hint(a, &near);
}
