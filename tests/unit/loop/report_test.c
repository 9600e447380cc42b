/*
 * What may be said: once per thing and minute, and so many things at most.
 */
#include "cluster/loop/report.h"
#include "tests/lib/table.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void the_same_is_said_once_a_minute(void **state)
{
	struct quiet q = { 0 };

	(void)state;
	assert_false(quiet_about(&q, 1000, "one"));
	assert_true(quiet_about(&q, 1001, "one"));
	assert_false(quiet_about(&q, 1002, "other"));
	assert_true(quiet_about(&q, 1003, "one"));
	assert_true(quiet_about(&q, 60999, "one"));
	assert_false(quiet_about(&q, 61000, "one"));
	assert_true(quiet_about(&q, 61001, "other"));
	assert_false(quiet_about(&q, 61002, "other"));
}

/* Whose words they are may make up others for ever. */
static void made_up_words_fill_no_log(void **state)
{
	struct quiet q = { 0 };
	unsigned lines = 0;
	char text[32];

	(void)state;
	for (unsigned i = 0; i < 60000; i++) {
		snprintf(text, sizeof(text), "node%u", i);
		lines += !quiet_about(&q, 1000 + i, text);
	}
	assert_int_equal(lines, QUIET_LINES);
	assert_false(quiet_about(&q, 62000, "node1"));
}

static void a_line_is_one_line(void **state)
{
	char text[256];
	int ends[2], was = dup(STDERR_FILENO);
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	report(4, "it says '%s'", "a\n<3>b\x7f\x1b[2J");
	dup2(was, STDERR_FILENO);
	n = read(ends[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	assert_non_null(strstr(text, "it says 'a <3>b  [2J'\n"));
	close(was);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_is_said_once_a_minute),
		cmocka_unit_test(made_up_words_fill_no_log),
		cmocka_unit_test(a_line_is_one_line),
	};

	cmocka_set_test_filter(getenv("T"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
