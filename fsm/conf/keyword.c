#include "fsm/conf/keyword.h"

#include <string.h>

#include "fsm/conf/text.h"

const struct group *group_find(const char *name)
{
	for (size_t i = 0; i < group_count; i++)
		if (text_equal(group_table[i].name, name))
			return &group_table[i];
	return NULL;
}

bool group_drives(const struct group *g, const char *type)
{
	return g && g->drivers && words_have(g->drivers, type);
}

struct names group_types(struct arena *a, const struct group *g)
{
	struct names l = { 0 };
	size_t n = 0;

	for (const struct type *t = type_table; t->group; t++)
		n += text_equal(t->group, g->name);
	l.at = ARENA_VEC(a, const char *, n + 1);
	for (const struct type *t = type_table; t->group; t++)
		if (text_equal(t->group, g->name))
			l.at[l.n++] = t->name;
	return l;
}

const struct type *type_find(const char *group, const char *name)
{
	for (const struct type *t = type_table; t->group; t++)
		if (text_equal(t->group, group) && text_equal(t->name, name))
			return t;
	return NULL;
}

const char *type_current(struct arena *a, const struct group *g,
			 const char *type)
{
	struct names all = words_split(a, g->old_types ? g->old_types : "");
	size_t n = strlen(type);

	for (size_t i = 0; i < all.n; i++)
		if (text_starts(all.at[i], type) && all.at[i][n] == '=')
			return all.at[i] + n + 1;
	return type;
}

int group_rank(const char *group)
{
	const struct group *g = group_find(group);

	return g ? g->rank : -1;
}

bool section_is_special(const char *section)
{
	if (strchr(section, '#'))
		return text_starts(section, "subset#");
	return words_have("DEFAULT env labels data metadata", section);
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

#define BUCKETS 1024

static unsigned bucket_of(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return (hash ^ hash >> 16) % BUCKETS;
}

/* Those of one name stay in table order. */
static void ref_add(struct keywords *k, unsigned *n, unsigned *tails,
		    const char *name, const struct keyword *row)
{
	unsigned b = bucket_of(name);

	k->refs[++*n] = (struct keyword_ref){ name, row, 0 };
	if (k->buckets[b])
		k->refs[tails[b]].next = *n;
	else
		k->buckets[b] = *n;
	tails[b] = *n;
}

struct keywords keywords_index(struct arena *a, int version)
{
	struct keywords k = { .arena = a };
	unsigned *tails = ARENA_VEC(a, unsigned, BUCKETS);
	unsigned n = 0;
	size_t cap = 1;

	KEYWORDS_EACH (row) {
		cap++;
		for (const char *p = row->aliases; p && *p; p++)
			cap += p[1] == ' ' || !p[1];
	}
	k.refs = ARENA_VEC(a, struct keyword_ref, cap);
	k.buckets = ARENA_VEC(a, unsigned, BUCKETS);
	KEYWORDS_EACH (row) {
		struct names old = { 0 };

		if (version && row->since > version)
			continue;
		if (row->aliases)
			old = words_split(a, row->aliases);
		ref_add(&k, &n, tails, row->name, row);
		for (size_t i = 0; i < old.n; i++)
			ref_add(&k, &n, tails, old.at[i], row);
	}
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

	for (unsigned i = k->buckets[bucket_of(name)]; i; i = k->refs[i].next) {
		const struct keyword *row = k->refs[i].row;

		if (text_equal(k->refs[i].name, name) &&
		    keyword_applies(row, group, type) &&
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

struct keyword_set_of {
	struct keyword_set_of *next;
	const char *group, *type;
	struct keyword_set set;
};

static struct keyword_set set_make(const struct keywords *k, const char *group,
				   const char *type)
{
	struct keyword_set set = { 0 };
	size_t n = 0;

	KEYWORDS_EACH (row)
		n += keyword_applies(row, group, type);
	set.at = ARENA_VEC(k->arena, const struct keyword *, n + 1);
	KEYWORDS_EACH (row)
		if (!text_equal(row->group, "*") &&
		    keyword_counts(k, row, group, type))
			set.at[set.n++] = row;
	set.n_own = set.n;
	KEYWORDS_EACH (row)
		if (text_equal(row->group, "*") &&
		    keyword_counts(k, row, group, type))
			set.at[set.n++] = row;
	return set;
}

struct keyword_set keywords_of(struct keywords *k, const char *group,
			       const char *type)
{
	struct keyword_set_of *of;

	for (of = k->sets; of; of = of->next)
		if (text_equal(of->group, group) &&
		    text_equal(of->type, type ? type : ""))
			return of->set;
	of = ARENA_NEW(k->arena, struct keyword_set_of);
	*of = (struct keyword_set_of){
		.next = k->sets,
		.group = arena_printf(k->arena, "%s", group),
		.type = arena_printf(k->arena, "%s", type ? type : ""),
		.set = set_make(k, group, type),
	};
	k->sets = of;
	return of->set;
}

bool keyword_is_inherited(const char *name)
{
	KEYWORDS_EACH (row) {
		const char *head = row->head ? row->head : row->name;

		if (row->inherit == LEAF || text_equal(row->group, "DEFAULT"))
			continue;
		if (text_equal(head, name) ||
		    (row->aliases && words_have(row->aliases, name)))
			return true;
	}
	return false;
}

struct names keyword_candidates(struct arena *a, const struct keyword *row)
{
	struct value v = { 0 };

	if (row->candidates)
		convert(a,
			strchr(row->candidates, ',') ? CONV_LIST_COMMA
						     : CONV_LIST,
			row->candidates, &v, NULL);
	return v.words;
}

const char *keyword_not_allowed(struct arena *a, const struct keyword *row,
				const struct value *v)
{
	bool is_list = row->conv >= CONV_LIST && row->conv <= CONV_SET_COMMA;
	struct names words = { (const char *[]){ v->text }, 1 };
	struct names all;

	if (!row->candidates || row->flags & KW_ANY_WORD)
		return NULL;
	if (is_list)
		words = v->words;
	all = keyword_candidates(a, row);
	for (size_t i = 0; i < words.n; i++)
		if (!names_have(&all, words.at[i]))
			return words.at[i];
	return NULL;
}

const char *keyword_hint(struct arena *a, const char *group, const char *types,
			 const char *name)
{
	struct nearest near = nearest_to(name);
	struct names all = words_split(a, types ? types : "");

	KEYWORDS_EACH (row) {
		bool applies = keyword_applies(row, group, NULL);

		for (size_t t = 0; !applies && t < all.n; t++)
			applies = keyword_applies(row, group, all.at[t]);
		if (applies)
			nearest_try(&near, row->name);
	}
	return nearest_hint(a, &near);
}
