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

static void rows_are_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < keyword_count; i++) {
		const struct keyword *k = &keyword_table[i];

		if (!k->name || !is_keyword_name(k->name))
			fail_msg("row %zu: name", i);
		if (!k->group || !is_group(k->group))
			fail_msg("%s: group", k->name);
		if (!k->help || !*k->help || strchr(k->help, '\n'))
			fail_msg("%s.%s: help", k->group, k->name);
		if (k->types && !group_find(k->group))
			fail_msg("%s.%s: types", k->group, k->name);
		if (k->flags & KW_REQUIRED && k->fallback)
			fail_msg("%s.%s: required, with a default", k->group,
				 k->name);
		if (text_equal(k->group, "DEFAULT") && k->inherit != HEAD &&
		    k->inherit != LEAF)
			fail_msg("DEFAULT.%s: inherits from nowhere", k->name);
	}
}

/* The types of the rows are the ones that are driven, and the other way. */
static void types_are_driven(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < keyword_count; i++) {
		const struct keyword *k = &keyword_table[i];
		struct names types = words_split(a, k->types ? k->types : "");

		for (size_t t = 0; t < types.n; t++)
			if (!words_have(group_find(k->group)->drivers,
					types.at[t]))
				fail_msg("%s.%s: type %s", k->group, k->name,
					 types.at[t]);
	}
	for (size_t i = 0; i < group_count; i++) {
		const struct group *g = &group_table[i];

		assert_true((g->rank >= 0) == (g->drivers != NULL));
		assert_ptr_equal(group_find(g->name), g);
		assert_int_equal(group_rank(g->name), g->rank);
	}
	assert_int_equal(group_rank("nonsense"), -1);
}

static bool types_meet(const struct keyword *x, const struct keyword *y)
{
	SCOPED(arena) struct arena *a = arena_new();
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
	(void)state;
	for (size_t i = 0; i < keyword_count; i++)
		for (size_t j = 0; j < i; j++) {
			const struct keyword *x = &keyword_table[i];
			const struct keyword *y = &keyword_table[j];

			if (text_equal(x->group, y->group) &&
			    types_meet(x, y) && spelled_alike(x, y))
				fail_msg("%s.%s and %s: rows %zu and %zu",
					 x->group, x->name, y->name, i, j);
		}
}

/* A row is found by its own name and type, and by its aliases. */
static void rows_are_found(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct keywords all = keywords_index(a);

	(void)state;
	for (size_t i = 0; i < keyword_count; i++) {
		const struct keyword *k = &keyword_table[i];
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

/* A default must be a value that could have been written. */
static void defaults_convert(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct conf *c =
		parse(a, "[DEFAULT]\nnodes = n1\n[fs#1]\n[ip#1]\n"
			 "[disk#1]\n[container#1]\ntype = lxc\n[app#1]\n"
			 "[task#1]\n[sync#1]\n[subset#fs]\n");
	struct eval e;

	(void)state;
	assert_int_equal(eval_init(&e, a, c, "web", "n1", NULL), 0);
	for (size_t i = 0; i < keyword_count; i++) {
		const struct keyword *k = &keyword_table[i];
		const char *group = text_equal(k->group, "*") ? "fs" : k->group;
		const char *section = text_equal(group, "DEFAULT") ? group
				      : text_equal(group, "subset")
					      ? "subset#fs"
					      : arena_printf(a, "%s#1", group);
		struct err err = { 0 };
		struct value v;

		if (!k->fallback)
			continue;
		if (eval_value(&e, section, k, &v, NULL, &err) < 0)
			fail_msg("%s", err.text);
		if (k->candidates && !words_have(k->candidates, v.text))
			fail_msg("%s.%s: default", k->group, k->name);
		assert_null(strchr(v.text, '{'));
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
		cmocka_unit_test(types_are_driven),
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(rows_are_found),
		cmocka_unit_test(defaults_convert),
		cmocka_unit_test(drivers_are_in_the_groups),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(sections, section_is_taken_apart);
	failed += TABLE_RUN(ranks, groups_start_in_order);
	return failed != 0;
}
