/* Playing: the same seed gives the same text, expectations count, and what
 * cannot be played is said with its line. The scenarios in tests/scenarios are
 * about what the cluster does. */
#include "cluster/sim/play.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/table.h"

#define CONFIG                                                                 \
	"[DEFAULT]\nnodes = hv1 hv2\norchestrate = ha\n[fs#1]\ntype = "        \
	"flag\n"

static void play(struct arena *a, const char *text, struct play_result *r)
{
	struct problems p = { .arena = a };
	const char *nodes[] = { "hv1", "hv2" };
	struct setup_service services[] = { { "db", "db.conf", CONFIG } };
	struct setup setup = { .nodes = { nodes, 2 },
			       .lease_ms = 3000,
			       .services = services,
			       .n = 1 };
	struct scenario *s = scenario_parse(a, "x", text, strlen(text), &p);

	assert_non_null(s);
	play_run(a, &setup, s, "", 7, r);
}

static void twice_the_same(void **state)
{
	struct arena *a = arena_new();
	struct buf one = BUF(a), two = BUF(a);
	struct play_result r;

	(void)state;
	play(a, "at 1s restart agent hv1\nmove db hv2\nrun 5s\n", &r);
	play_text(&one, &r);
	play(a, "at 1s restart agent hv1\nmove db hv2\nrun 5s\n", &r);
	play_text(&two, &r);
	assert_null(r.error);
	assert_string_equal(buf_text(&one), buf_text(&two));
	assert_string_equal(r.services[0].where, "hv2");
	arena_free(a);
}

static void expectations_count(void **state)
{
	struct arena *a = arena_new();
	struct play_result r;
	struct buf text = BUF(a);

	(void)state;
	play(a,
	     "expect db up on hv1\n"
	     "expect db up on hv2 within 2s\n"
	     "stop db\n"
	     "expect db up for 5s\n",
	     &r);
	assert_int_equal(r.met, 1);
	assert_int_equal(r.failed, 2);
	assert_false(r.broken);
	play_text(&text, &r);
	assert_non_null(strstr(buf_text(&text),
			       "FAILED: line 2: expect db up on hv2 within "
			       "2s: it is up on hv1"));
	assert_non_null(strstr(buf_text(&text), "1 of 3 expectations met"));
	/* It was stopped by a person: nobody missed it. */
	assert_int_equal(r.services[0].down_us, 0);
	assert_false(r.services[0].wanted);
	arena_free(a);
}

// clang-format off
static const struct stop_row {
	const char *name, *text, *said;
	unsigned line;
} stops[] = {
	{ "a node that is none", "run 1s\nkill hv9\n", "there is no node or container hv9", 2 },
	{ "a time that is past", "at 1s run 5s\nat 2s heal\n", "it is 6.0 s by then: 'at' is past", 2 },
	{ "an image that was not made", "restore hv1\n", "there is no snapshot of hv1", 1 },
	{ "an agent of a machine that is off", "kill hv1\nstart agent hv1\n", "hv1 is off: no agent starts there", 2 },
	{ "a resource that is not up", "down db fs#9\n", "fs#9 of db is up nowhere", 1 },
};
// clang-format on

static void is_stopped(void **state)
{
	const struct stop_row *row = *state;
	struct arena *a = arena_new();
	struct play_result r;

	play(a, row->text, &r);
	assert_non_null(r.error);
	assert_string_equal(r.error, row->said);
	assert_int_equal(r.error_line, row->line);
	arena_free(a);
}

static void a_document(void **state)
{
	struct arena *a = arena_new();
	struct play_result r;
	struct doc *d;

	(void)state;
	play(a, "at 1s kill hv2\nrun 1s\nexpect db up\n", &r);
	d = play_doc(a, &r);
	assert_int_equal(doc_get_int(d, "version", 0), 1);
	assert_int_equal(doc_get_int(d, "met", 0), 1);
	assert_int_equal(doc_get_int(d, "lasted_ms", 0), 2000);
	d = doc_at(doc_get(d, "log"), 2);
	assert_string_equal(doc_get_str(d, "text", ""), "kill hv2");
	assert_string_equal(doc_get_str(d, "kind", ""), "act");
	assert_int_equal(doc_get_int(d, "at_ms", 0), 1000);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(twice_the_same),
		cmocka_unit_test(expectations_count),
		cmocka_unit_test(a_document),
	};

	return TABLE_RUN(stops, is_stopped) +
	       cmocka_run_group_tests(tests, NULL, NULL);
}
