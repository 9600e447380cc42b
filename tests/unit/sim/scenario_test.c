/* Lines of a scenario: what they mean, and what is said of those that mean
 * nothing. */
#include "cluster/sim/scenario.h"

#include <stdio.h>
#include <string.h>

#include "fsm/base/buf.h"
#include "tests/lib/table.h"

// clang-format off
static const struct bad_row {
	const char *name, *text, *said;
} bad[] = {
	{ "a step that is none", "kil hv1\n", "line 1: 'kil' is no step; did you mean kill?" },
	{ "on which line", "# one\n\nexpekt web up\n", "line 3: 'expekt' is no step; did you mean expect?" },
	{ "a word in its midst", "expect web upp\n", "line 1: 'upp' where 'up|down' belongs; did you mean up?; it is written: expect SERVICE up|down [on NODE...] [within TIME] [for TIME]" },
	{ "an option", "expect web up wihtin 3s\n", "line 1: 'wihtin' is too much here; did you mean within?; it is written: expect SERVICE up|down [on NODE...] [within TIME] [for TIME]" },
	{ "no node", "kill\n", "line 1: NODE... is missing; it is written: kill NODE..." },
	{ "no time", "at soon kill hv1\n", "line 1: 'soon' is no time of at most 30 days: 10s, 1.5s, 200ms, 2m, 1h" },
	{ "nothing at that time", "at 3s\n", "line 1: what is to happen then is missing" },
	{ "a time below 0", "at -1s heal\n", "line 1: there is no time before 0" },
	{ "time that passes below 0", "run -1s\n", "line 1: a time that is to pass is below 0; it is written: run TIME" },
	{ "backwards", "at 9s heal\nat 3s heal\n", "line 2: this is earlier than the step before it" },
	{ "the cluster, late", "heal\ncluster x\n", "line 2: this belongs before the first step" },
	{ "a state of a disk", "disk hv1 fulll\n", "line 1: 'fulll' where 'full|slow|broken|ok' belongs; did you mean full?; it is written: disk NODE full|slow|broken|ok" },
	{ "no number", "drift hv1 much\n", "line 1: 'much' is no number; it is written: drift NODE NUMBER" },
	{ "nothing to set", "set web\n", "line 1: there is something missing at the end; it is written: set SERVICE [via NODE] TEXT..." },
	{ "too much", "heal hv1\n", "line 1: 'hv1' is too much here; it is written: heal" },
	{ "all at once", "kil hv1\nbot hv1\n", "line 1: 'kil' is no step; did you mean kill? line 2: 'bot' is no step; did you mean boot?" },
};
// clang-format on

static void is_refused(void **state)
{
	const struct bad_row *r = *state;
	struct arena *a = arena_new();
	struct problems p = { .arena = a };
	struct buf said = BUF(a);

	assert_null(scenario_parse(a, "x", r->text, strlen(r->text), &p));
	for (size_t i = 0; i < p.n; i++)
		buf_printf(&said, "%s%s", i ? " " : "", p.at[i].text);
	assert_string_equal(buf_text(&said), r->said);
	arena_free(a);
}

static struct scenario_step step(struct arena *a, const char *text)
{
	struct problems p = { .arena = a };
	struct scenario *s = scenario_parse(a, "x", text, strlen(text), &p);

	if (!s)
		fail_msg("%s: %s", text, p.at[0].text);
	assert_int_equal(s->n, 1);
	return s->at[0];
}

static void names_are(const struct names *l, const char *want)
{
	char text[200] = "";

	for (size_t i = 0; i < l->n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%s%s", i ? " " : "", l->at[i]);
	assert_string_equal(text, want);
}

static void steps_are_read(void **state)
{
	struct arena *a = arena_new();
	struct scenario_step s;

	(void)state;
	s = step(a, "at 1.5s kill HV1 hv2 # both\n");
	assert_int_equal(s.act, ACT_KILL);
	assert_true(s.timed && s.at_ms == 1500);
	assert_string_equal(s.text, "kill HV1 hv2");
	names_are(&s.nodes, "hv1 hv2");

	s = step(a, "kill agent hv1");
	assert_int_equal(s.act, ACT_AGENT_KILL);
	names_are(&s.nodes, "hv1");
	s = step(a, "start agent");
	assert_int_equal(s.act, ACT_WANT);
	assert_string_equal(s.service, "agent");

	s = step(a, "cut hv1 hv2 from hv3");
	assert_int_equal(s.act, ACT_CUT_BETWEEN);
	names_are(&s.nodes, "hv1 hv2");
	names_are(&s.others, "hv3");
	s = step(a, "cut hv1 to hv2");
	assert_int_equal(s.act, ACT_CUT_TO);
	s = step(a, "cut hv1 hv2");
	assert_int_equal(s.act, ACT_CUT);

	s = step(a, "fail start web app#1 times 2 on hv2");
	assert_int_equal(s.act, ACT_FAIL);
	assert_string_equal(s.word, "start");
	assert_string_equal(s.rid, "app#1");
	assert_int_equal(s.times, 2);
	names_are(&s.on, "hv2");
	assert_int_equal(s.nodes.n, 0);

	s = step(a, "set web via hv3 env.a=b c # no comment of the file");
	assert_string_equal(s.via, "hv3");
	assert_string_equal(s.rest, "env.a=b c");
	s = step(a, "set web env.a=b via hv3");
	assert_string_equal(s.via, "hv3");
	assert_string_equal(s.rest, "env.a=b");
	s = step(a, "set web app#1.start=/srv/x");
	assert_string_equal(s.rest, "app#1.start=/srv/x");
	arena_free(a);
}

static void expectations_are_read(void **state)
{
	struct arena *a = arena_new();
	struct scenario_step s;

	(void)state;
	s = step(a, "expect web up on hv1 hv2 within 8s for 1m");
	assert_int_equal(s.act, ACT_EXPECT_SERVICE);
	assert_string_equal(s.word, "up");
	names_are(&s.on, "hv1 hv2");
	assert_int_equal(s.within_ms, 8000);
	assert_int_equal(s.for_ms, 60000);
	s = step(a, "expect web app#1 down");
	assert_int_equal(s.act, ACT_EXPECT_RESOURCE);
	assert_string_equal(s.rid, "app#1");
	s = step(a, "expect node hv1 lost within 4");
	assert_int_equal(s.act, ACT_EXPECT_NODE);
	assert_int_equal(s.within_ms, 4000);
	s = step(a, "expect no leader");
	assert_int_equal(s.act, ACT_EXPECT_LEADER);
	assert_string_equal(s.word, "no");
	s = step(a, "expect leader on hv2");
	assert_null(s.word);
	names_are(&s.on, "hv2");
	s = step(a, "expect refused no such node");
	assert_string_equal(s.rest, "no such node");
	s = step(a, "expect refused");
	assert_null(s.rest);
	s = step(a, "expect said within 2s its lease of epoch");
	assert_string_equal(s.rest, "its lease of epoch");
	arena_free(a);
}

/* Each row has a line of its own in the manual. */
static void the_manual_has_all(void **state)
{
	char page[65536], row[200];
	FILE *f = fopen(DOCS_DIR "/simulate.md", "rb");
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(page, 1, sizeof(page) - 1, f);
	page[n] = '\0';
	fclose(f);
	for (size_t i = 0; scenario_form(i); i++) {
		char *to = row;

		*to++ = '`';
		/* A bar has to be told from that of a table. */
		for (const char *p = scenario_form(i); *p; p++) {
			if (*p == '|')
				*to++ = '\\';
			*to++ = *p;
		}
		strcpy(to, "` |");
		if (!strstr(page, row))
			fail_msg("docs/simulate.md has no row %s", row);
	}
}

static void times_are_read(void **state)
{
	int64_t ms = 0;

	(void)state;
	assert_int_equal(scenario_time("250ms", &ms, NULL), 0);
	assert_int_equal(ms, 250);
	assert_int_equal(scenario_time("0.5", &ms, NULL), 0);
	assert_int_equal(ms, 500);
	assert_int_equal(scenario_time("-1h", &ms, NULL), 0);
	assert_int_equal(ms, -3600000);
	assert_true(scenario_time("31d", &ms, NULL) < 0);
	assert_true(scenario_time("5 s", &ms, NULL) < 0);
	assert_true(scenario_time("s", &ms, NULL) < 0);
	assert_true(scenario_time("", &ms, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_are_read),
		cmocka_unit_test(expectations_are_read),
		cmocka_unit_test(the_manual_has_all),
		cmocka_unit_test(times_are_read),
	};

	return TABLE_RUN(bad, is_refused) +
	       cmocka_run_group_tests(tests, NULL, NULL);
}
