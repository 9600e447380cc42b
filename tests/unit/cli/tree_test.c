#include "cli/show/tree.h"

#include <stdio.h>

#include "cli/show/list.h"
#include "tests/unit/cli/doctext.h"

/* What the trees look like is in tests/golden/status; here is what holds for
 * any of them. */
static char *screen(const struct doc *d, bool colour, bool wide)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct term t = { .colour = colour };
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	tree_print(f, &t, a, d, &(struct tree_options){ .wide = wide });
	fclose(f);
	return text;
}

static const char sample[] =
	"{ service: web, overall: warn, instances: { hv1: { avail: up,"
	"    resources: {"
	"      container#0: { status: up, label: vm1 },"
	"      fs#1: { status: down, label: a, log: ['warn: b'] },"
	"      fs#2: { status: 'stdby up', subset: s } },"
	"    encap: { container#0: { resources: { app#1: { status: warn"
	"    } } } } } } }";

static void colour_adds_nothing_but_escapes(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = doctext(a, sample);
	char *plain = screen(d, false, false), *text = screen(d, true, false);
	char *to = text;

	(void)state;
	assert_non_null(strstr(text, "\033["));
	for (const char *from = text; *from; from++) {
		if (*from == '\033')
			from = strchr(from, 'm');
		else
			*to++ = *from;
	}
	*to = '\0';
	assert_string_equal(text, plain);
	free(text);
	free(plain);
}

/* All flags: each status stands four columns further, nothing else moves. */
static void wide_flags_move_what_is_behind_them(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = doctext(a, sample);
	char *narrow = screen(d, false, false), *wide = screen(d, false, true);
	const char *n = narrow, *w = wide;

	(void)state;
	for (; *n && *w; n = strchr(n, '\n') + 1, w = strchr(w, '\n') + 1) {
		size_t len = strcspn(n, "\n");

		if (len < 22)
			continue;
		assert_int_equal(strcspn(w, "\n"), len + 4);
		assert_memory_equal(n, w, 21);
		assert_memory_equal(n + 26, w + 30, len - 26);
	}
	assert_true(!*n && !*w);
	free(narrow);
	free(wide);
}

/* -- lists --------------------------------------------------------------- */

static void a_cluster_with_its_nodes(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct term t = { 0 };
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	setenv("TZ", "UTC", 1);
	list_cluster(
		f, &t, a,
		doctext(a,
			"{ name: lab, id: ab12, lease_ms: 3000, node: hv1,"
			"  lease_left_ms: 2100, services: [web, db],"
			"  group: { leader: hv2, term: 5, applied: 123,"
			"           voters: 3 },"
			"  nodes: ["
			"   { name: hv1, state: up, role: voter, epoch: 7,"
			"     addresses: ['10.0.0.1', 'fd00::1'],"
			"     connected: true, since: 1764000000123 },"
			"   { name: hv2, state: up, role: voter, leader: true,"
			"     addresses: ['10.0.0.2'], frozen: true },"
			"   { name: hv3, state: lost, role: standby,"
			"     connected: false } ] }"));
	fclose(f);
	assert_string_equal(
		text,
		"cluster   lab (ab12)\n"
		"leader    hv2, term 5, applied 123\n"
		"voters    3, of which 2 decide\n"
		"lease     3000 ms, 2100 ms left of that of hv1\n"
		"services  2\n"
		"\n"
		"NODE  STATE  ROLE     EPOCH  ADDRESSES         SINCE         "
		"       NOTES\n"
		"hv1   up     voter    7      10.0.0.1,fd00::1  2025-11-24 "
		"16:00:00\n"
		"hv2   up     voter           10.0.0.2                        "
		"       leader, frozen\n"
		"hv3   lost   standby                                         "
		"       not connected to this node\n");
	free(text);
}

static void an_event_is_one_line(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();

	(void)state;
	setenv("TZ", "UTC", 1);
	assert_string_equal(
		list_event(a, doctext(a, "{ at: 1764000000123, node: hv1,"
					 "  service: web, kind: action,"
					 "  rid: fs#1, text: started }")),
		"2025-11-24 16:00:00.123 hv1 web fs#1 action: started");
	assert_string_equal(
		list_event(a, doctext(a, "{ at: 1764000000000, service: web,"
					 "  kind: edit, text: 'app#1 changed',"
					 "  by: { user: root, node: vm1 } }")),
		"2025-11-24 16:00:00.000 web edit: app#1 changed (root on "
		"vm1)");
}

static void ages_are_short(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();

	(void)state;
	assert_string_equal(text_age(a, -5), "0ms");
	assert_string_equal(text_age(a, 999), "999ms");
	assert_string_equal(text_age(a, 119999), "119s");
	assert_string_equal(text_age(a, 120000), "2m");
	assert_string_equal(text_age(a, 7200000), "2h");
	assert_string_equal(text_age(a, 2 * 86400000), "2d");
}

static void what_moves_a_cursor_is_taken_out(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();

	(void)state;
	assert_string_equal(text_clean(a, ""), "");
	assert_string_equal(text_clean(a, "a\tb\nc"), "a b c");
	assert_string_equal(text_clean(a, "\033[2J\rx\177"), "?[2J?x?");
	assert_string_equal(text_clean(a, "\302\233x\302\240"), "?x\302\240");
	assert_string_equal(text_clean(a, "\303\244\377\303"), "\303\244??");
}

static void nothing_in_a_status_moves_a_cursor(void **state)
{
	static const char evil[] =
		"{ service: 'e\033', frozen: true, blocked: 'b\033',"
		"  instances: { hv1: { avail: 'u\033', state: 's\033',"
		"    resources: { 'r\033': { status: 's\033', label: 'l\033',"
		"      log: ['warn: \033'] } } },"
		"    'h\033': { avail: 'd\033', error: 'e\033' } } }";
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = doctext(a, evil), *all = doc_list(a);
	char *text = screen(d, false, false);
	size_t n = 0;
	struct term t = { 0 };
	FILE *f;

	(void)state;
	assert_null(strchr(text, '\033'));
	free(text);
	doc_add(a, all, d);
	f = open_memstream(&text, &n);
	list_services(f, &t, a, all);
	fclose(f);
	assert_null(strchr(text, '\033'));
	free(text);
}

static void text_is_cut_at_blanks(void **state)
{
	(void)state;
	assert_int_equal(text_fit("abc def", 0), 7);
	assert_int_equal(text_fit("abc def", 7), 7);
	assert_int_equal(text_fit("abc def", 6), 3);
	assert_int_equal(text_fit("abcdefg", 4), 4);
	assert_int_equal(text_fit("äöü x", 3), 6);
	assert_int_equal(text_width("äöü"), 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(colour_adds_nothing_but_escapes),
		cmocka_unit_test(wide_flags_move_what_is_behind_them),
		cmocka_unit_test(a_cluster_with_its_nodes),
		cmocka_unit_test(an_event_is_one_line),
		cmocka_unit_test(ages_are_short),
		cmocka_unit_test(what_moves_a_cursor_is_taken_out),
		cmocka_unit_test(nothing_in_a_status_moves_a_cursor),
		cmocka_unit_test(text_is_cut_at_blanks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
