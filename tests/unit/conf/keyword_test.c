/* The rows themselves: complete, consistent, and found. */
#include <ctype.h>

#include "drivers/driver.h"
#include "fsm/conf/eval.h"
#include "fsm/conf/text.h"
#include "tests/unit/conf/confs.h"

static bool is_keyword_name(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!islower((unsigned char)*p) &&
		    !isdigit((unsigned char)*p) && *p != '_')
			return false;
	return *name != '\0';
}

static bool is_group(const char *name)
{
	return words_have("DEFAULT subset *", name) || group_find(name);
}

#define FROM_ALL (FROM_V12 | FROM_V3 | FROM_OURS)

/* One line of help, and then whole sentences. */
static void help_is_whole(const struct keyword *k)
{
	if (!k->help || !*k->help || strchr(k->help, '\n') ||
	    k->help[strlen(k->help) - 1] == '.')
		fail_msg("%s.%s: help", k->group, k->name);
	if (!k->more || (!*k->more || strchr(k->more, '\n') ||
			 k->more[strlen(k->more) - 1] != '.'))
		fail_msg("%s.%s: more", k->group, k->name);
}

/* What all members of a group must find alike. */
static void later_ones_are_not_there_before(void **state)
{
	struct arena *a = arena_new();
	struct keywords before = keywords_index(a, 1);
	struct keywords then = keywords_index(a, 2);

	(void)state;
	assert_null(keyword_find(&before, "fs", "xfs", "shared"));
	assert_non_null(keyword_find(&then, "fs", "xfs", "shared"));
	assert_non_null(keyword_find(&before, "fs", "xfs", "mnt"));
	arena_free(a);
}

static void rows_are_complete(void **state)
{
	(void)state;
	KEYWORDS_EACH (k) {
		if (!is_keyword_name(k->name))
			fail_msg("%s.%s: name", k->group, k->name);
		if (!k->group || !is_group(k->group))
			fail_msg("%s: group", k->name);
		help_is_whole(k);
		if (k->types && !group_find(k->group))
			fail_msg("%s.%s: types", k->group, k->name);
		if (k->flags & KW_REQUIRED && k->fallback)
			fail_msg("%s.%s: required, with a default", k->group,
				 k->name);
		if (k->flags & KW_ANY_WORD && !k->candidates)
			fail_msg("%s.%s: advice without candidates", k->group,
				 k->name);
		if (k->from & ~FROM_ALL || k->from == FROM_ALL)
			fail_msg("%s.%s: from", k->group, k->name);
	}
}

/* The rows' types are known, and so are those that are driven. */
static void types_are_known(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();

	(void)state;
	KEYWORDS_EACH (k) {
		struct names types = words_split(a, k->types ? k->types : "");

		for (size_t t = 0; t < types.n; t++)
			if (!type_find(k->group, types.at[t]))
				fail_msg("%s.%s: type %s", k->group, k->name,
					 types.at[t]);
	}
	for (size_t i = 0; i < group_count; i++) {
		const struct group *g = &group_table[i];
		struct names all = words_split(a, g->drivers ? g->drivers : "");

		assert_true((g->rank >= 0) == (g->drivers != NULL));
		assert_true(g->help && *g->help);
		assert_ptr_equal(group_find(g->name), g);
		assert_int_equal(group_rank(g->name), g->rank);
		for (size_t j = 0; j < all.n; j++)
			assert_non_null(type_find(g->name, all.at[j]));
	}
	for (const struct type *t = type_table; t->group; t++) {
		assert_true(group_rank(t->group) >= 0);
		assert_true(t->help && *t->help);
		assert_false(t->from & ~FROM_ALL);
		assert_ptr_equal(type_find(t->group, t->name), t);
	}
	assert_int_equal(group_rank("nonsense"), -1);
}

/* What a keyword depends on is a keyword beside it, with such a value. */
static void depends_are_known(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct keywords all = keywords_index(a, 0);

	(void)state;
	KEYWORDS_EACH (k) {
		struct names on = words_split(a, k->depends ? k->depends : "");
		struct names types = words_split(a, k->types ? k->types : "-");

		for (size_t i = 0; i < on.n; i++) {
			size_t n = strcspn(on.at[i], "=");
			const char *name = text_copy(a, on.at[i], n);
			const char *group =
				text_equal(k->group, "*") ? "fs" : k->group;

			for (size_t t = 0; t < types.n; t++)
				if (!keyword_find(&all, group, types.at[t],
						  name))
					fail_msg("%s.%s: depends on %s",
						 k->group, k->name, name);
		}
	}
}

static bool types_meet(struct arena *a, const struct keyword *x,
		       const struct keyword *y)
{
	struct names types;

	if (!x->types || !y->types)
		return !x->types && !y->types;
	types = words_split(a, x->types);
	for (size_t i = 0; i < types.n; i++)
		if (words_have(y->types, types.at[i]))
			return true;
	return false;
}

static bool spelled_alike(const struct keyword *x, const struct keyword *y)
{
	return text_equal(x->name, y->name) ||
	       (x->aliases && words_have(x->aliases, y->name)) ||
	       (y->aliases && words_have(y->aliases, x->name));
}

/* No two rows of equal weight answer to one name. */
static void names_are_unique(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();

	(void)state;
	KEYWORDS_EACH (x) {
		KEYWORDS_EACH (y) {
			if (x != y && text_equal(x->group, y->group) &&
			    spelled_alike(x, y) && types_meet(a, x, y))
				fail_msg("%s: %s and %s are two rows", x->group,
					 x->name, y->name);
		}
	}
}

/* A row is found by its own name and type, and by its aliases. */
static void rows_are_found(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct keywords all = keywords_index(a, 0);

	(void)state;
	KEYWORDS_EACH (k) {
		struct names types = words_split(a, k->types ? k->types : "-");
		struct names old = words_split(a, k->aliases ? k->aliases : "");
		const char *group = text_equal(k->group, "*") ? "hb" : k->group;

		for (size_t t = 0; t < types.n; t++) {
			assert_ptr_equal(
				keyword_find(&all, group, types.at[t], k->name),
				k);
			assert_true(
				keyword_counts(&all, k, group, types.at[t]));
		}
		for (size_t j = 0; j < old.n; j++)
			assert_ptr_equal(keyword_find(&all, group, types.at[0],
						      old.at[j]),
					 k);
	}
	assert_null(keyword_find(&all, "fs", "flag", "mnt"));
	assert_null(keyword_find(&all, "fs", "flag", "zzz"));
	assert_null(keyword_find(&all, "fs", "flag", ""));
	assert_null(keyword_find(&all, "DEFAULT", NULL, "mnt"));
}

/* A section of each type, "container#kvm", for the rows of it. */
static struct conf *every_type(struct arena *a)
{
	struct buf b = BUF(a);

	buf_puts(&b, "[DEFAULT]\nnodes = n1\n[subset#fs]\n");
	for (size_t i = 0; i < group_count; i++)
		buf_printf(&b, "[%s#-]\n", group_table[i].name);
	for (const struct type *t = type_table; t->group; t++)
		buf_printf(&b, "[%s#%s]\ntype = %s\n", t->group, t->name,
			   t->name);
	return parse(a, buf_text(&b));
}

static const char *section_for(struct arena *a, const struct keyword *k)
{
	struct names types = words_split(a, k->types ? k->types : "-");

	if (text_equal(k->group, "DEFAULT"))
		return "DEFAULT";
	if (text_equal(k->group, "subset"))
		return "subset#fs";
	if (text_equal(k->group, "*"))
		return "fs#ext4";
	return arena_printf(a, "%s#%s", k->group, types.at[0]);
}

static bool is_candidate(struct arena *a, const struct keyword *k,
			 const char *word)
{
	struct names all = keyword_candidates(a, k);

	return names_have(&all, word);
}

/* A default must be a value that could have been written. */
static void defaults_convert(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct conf *c = every_type(a);
	struct eval e;
	unsigned n = 0;

	(void)state;
	assert_int_equal(eval_init(&e, a, c, "web", "n1", NULL), 0);
	KEYWORDS_EACH (k) {
		struct err err = { 0 };
		struct value v;

		if (!k->fallback)
			continue;
		if (eval_value(&e, section_for(a, k), k, &v, NULL, &err) < 0)
			fail_msg("%s", err.text);
		if (k->candidates && !(k->flags & KW_ANY_WORD) &&
		    !is_candidate(a, k, v.text))
			fail_msg("%s.%s: default", k->group, k->name);
		assert_null(strchr(v.text, '{'));
		n++;
	}
	assert_true(n > 40);
}

/* keywords_of() is keyword_counts(), the group's own rows first. */
static void sets_are_what_counts(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct keywords all = keywords_index(a, 0);

	(void)state;
	for (const struct type *t = type_table; t->group; t++) {
		struct keyword_set set = keywords_of(&all, t->group, t->name);
		size_t n = 0;

		KEYWORDS_EACH (row)
			n += keyword_counts(&all, row, t->group, t->name);
		assert_int_equal(set.n, n);
		for (size_t i = 0; i < set.n; i++)
			assert_int_equal(text_equal(set.at[i]->group, "*"),
					 i >= set.n_own);
		assert_ptr_equal(keywords_of(&all, t->group, t->name).at,
				 set.at);
	}
}

/* What is said to be driven has a driver, and the other way. */
static void drivers_are_in_the_groups(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < group_count; i++) {
		const struct group *g = &group_table[i];
		struct names all = words_split(a, g->drivers ? g->drivers : "");

		for (size_t j = 0; j < all.n; j++)
			if (!driver_find(g->name, all.at[j]))
				fail_msg("%s.%s has no driver", g->name,
					 all.at[j]);
	}
	for (const struct driver *const *d = driver_table; *d; d++) {
		const struct group *g = group_find((*d)->group);

		if (!g || !words_have(g->drivers, (*d)->kind))
			fail_msg("%s.%s has no entry in group_table",
				 (*d)->group, (*d)->kind);
	}
}

static const struct section_row {
	const char *name;
	const char *group, *index, *type; /* group NULL: none */
} sections[] = {
	{ "fs#1", "fs", "1", NULL },
	{ "fs#a.b-c", "fs", "a.b-c", NULL },
	{ "fs#a#b", "fs", "a#b", NULL },
	{ "app", "app", "", NULL },
	{ "app#0", "app", "0", NULL },
	{ "fs", NULL, NULL, NULL },
	{ "DEFAULT", NULL, NULL, NULL },
	{ "env", NULL, NULL, NULL },
	{ "subset#fs", NULL, NULL, NULL },
	{ "nonsense#1", NULL, NULL, NULL },
	{ "", NULL, NULL, NULL },
	{ "#1", NULL, NULL, NULL },
	{ "loop#1", "disk", "1", "loop" },
	{ "lv#1", "disk", "1", "lv" },
	{ "pool#1", "disk", "1", "zpool" },
	{ "loop", NULL, NULL, NULL },
	{ "expose#1", "expose", "1", NULL },
};

static void section_is_taken_apart(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct section_row *row = *state;
	struct section_id id = section_id(a, row->name);

	if (!row->group) {
		assert_null(id.group);
		assert_false(section_is_resource(&id));
		return;
	}
	assert_non_null(id.group);
	assert_string_equal(id.group->name, row->group);
	assert_string_equal(id.index, row->index);
	assert_value(id.type, row->type);
	assert_int_equal(section_is_resource(&id),
			 strcmp(row->group, "expose") != 0);
}

static const struct rank_row {
	const char *name, *before, *after;
} ranks[] = {
	{ "an address before disks", "ip", "disk" },
	{ "volumes before disks", "volume", "disk" },
	{ "disks before what lies on them", "disk", "fs" },
	{ "file systems before shares", "fs", "share" },
	{ "shares before containers", "share", "container" },
	{ "containers before apps", "container", "app" },
	{ "apps before tasks", "app", "task" },
};

static void groups_start_in_order(void **state)
{
	const struct rank_row *row = *state;

	assert_true(group_rank(row->before) >= 0);
	assert_true(group_rank(row->before) < group_rank(row->after));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_complete),
		cmocka_unit_test(later_ones_are_not_there_before),
		cmocka_unit_test(types_are_known),
		cmocka_unit_test(depends_are_known),
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(rows_are_found),
		cmocka_unit_test(defaults_convert),
		cmocka_unit_test(sets_are_what_counts),
		cmocka_unit_test(drivers_are_in_the_groups),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(sections, section_is_taken_apart);
	failed += TABLE_RUN(ranks, groups_start_in_order);
	return failed != 0;
}
