#include "cli/wait.h"

#include "tests/unit/cli/doctext.h"

#define BOTH .hypervisor = true, .encap = true
#define HV1_UP                                                                 \
	"hv1: { avail: up, state: idle, encap: { container#0: {"               \
	"  node: vm1, avail: up, state: idle } } }"
#define HV1_DOWN                                                               \
	"hv1: { avail: down, state: idle, encap: { container#0: {"             \
	"  avail: 'n/a', why: 'container is down' } } }"
#define SEQ(n, want) "intent: { seq: " #n ", want: " #want " }, "

/* A goal, what the status says, and whether that is it. */
// clang-format off
static const struct judge_row {
	const char *name;
	struct wait_goal goal;
	const char *before, *status;
	enum wait_verdict verdict;
	const char *why;
} rows[] = {
	{ "start: up and settled is there", { .want = WAIT_UP, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { " HV1_UP ", hv2: { avail: down } } }",
	  WAIT_THERE, "" },
	{ "start: the agent asked is behind", { .want = WAIT_UP, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(2, started) "instances: { " HV1_UP " } }",
	  WAIT_MORE, "" },
	{ "start: still starting", { .want = WAIT_UP, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { hv1: { avail: up, state: starting } } }",
	  WAIT_MORE, "" },
	{ "start: the container's agent does not answer yet", { .want = WAIT_UP, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { hv1: { avail: up, state: idle, encap: {"
	  "  container#0: { avail: 'n/a', why: 'agent does not answer' } } } } }",
	  WAIT_MORE, "" },
	{ "start: what is inside is down", { .want = WAIT_UP, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { hv1: { avail: up, state: idle, encap: {"
	  "  container#0: { avail: down, state: idle } } } } }",
	  WAIT_MORE, "" },
	{ "start: nothing is inside", { .want = WAIT_UP, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { hv1: { avail: up, state: idle, encap: {"
	  "  container#0: { avail: 'n/a' } } } } }",
	  WAIT_THERE, "" },
	{ "start: what is not fresh does not count", { .want = WAIT_UP, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { hv1: { avail: up, stale: lost } } }",
	  WAIT_MORE, "" },
	{ "start: failed, with the reason", { .want = WAIT_UP, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { hv1: { avail: down, state: 'start failed',"
	  "  error: 'fs#1: no device' } } }",
	  WAIT_FAILED, "hv1: start failed: fs#1: no device" },
	{ "start: failed inside", { .want = WAIT_UP, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { hv1: { avail: warn, encap: { container#0: {"
	  "  avail: down, state: 'start failed', error: 'app#1: exit 1' } } } } }",
	  WAIT_FAILED, "container#0: start failed: app#1: exit 1" },
	{ "start: failed before it was asked for", { .want = WAIT_UP, BOTH, .seq = 3 },
	  "{ instances: { hv1: { state: 'start failed', error: x, token: 4 } } }",
	  "{ " SEQ(3, started) "instances: { hv1: { state: 'start failed', error: x, token: 4 } } }",
	  WAIT_MORE, "" },
	{ "start: failed again", { .want = WAIT_UP, BOTH, .seq = 3 },
	  "{ instances: { hv1: { state: 'start failed', error: x, token: 4 } } }",
	  "{ " SEQ(3, started) "instances: { hv1: { state: 'start failed', error: x, token: 5 } } }",
	  WAIT_FAILED, "hv1: start failed: x" },
	{ "start: blocked", { .want = WAIT_UP, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "blocked: 'all nodes are frozen', instances: { } }",
	  WAIT_BLOCKED, "all nodes are frozen" },
	{ "start: someone stops it", { .want = WAIT_UP, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(4, stopped) "instances: { " HV1_UP " } }",
	  WAIT_FAILED, "overtaken: the service was asked to be stopped since" },
	{ "start --master: what is inside does not count",
	  { .want = WAIT_UP, .hypervisor = true, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { hv1: { avail: warn, state: idle,"
	  "  status_group: { fs: up, container: up },"
	  "  encap: { container#0: { avail: down, state: idle } } } } }",
	  WAIT_THERE, "" },
	{ "start --master: not up yet",
	  { .want = WAIT_UP, .hypervisor = true, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { hv1: { avail: warn, state: idle,"
	  "  status_group: { fs: up, container: down } } } }",
	  WAIT_MORE, "" },
	{ "start --slaves: up inside is enough",
	  { .want = WAIT_UP, .encap = true, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { hv1: { avail: warn, state: idle,"
	  "  encap: { container#0: { avail: up, state: idle } } } } }",
	  WAIT_THERE, "" },
	{ "start in a container",
	  { .want = WAIT_UP, .encap = true, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { vm1: { level: encap, avail: up, state: idle } } }",
	  WAIT_THERE, "" },

	{ "stop: down everywhere is there", { .want = WAIT_DOWN, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, stopped) "instances: { " HV1_DOWN ", hv2: { avail: 'n/a' } } }",
	  WAIT_THERE, "" },
	{ "stop: one is still up", { .want = WAIT_DOWN, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, stopped) "instances: { " HV1_DOWN ", hv2: { avail: up, state: idle } } }",
	  WAIT_MORE, "" },
	{ "stop: standby stays", { .want = WAIT_DOWN, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, stopped) "instances: { hv1: { avail: 'stdby up', state: idle } } }",
	  WAIT_THERE, "" },
	{ "stop: not known is not down", { .want = WAIT_DOWN, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, stopped) "instances: { hv1: { avail: undef, state: idle } } }",
	  WAIT_MORE, "" },
	{ "stop: a lost node is not waited for", { .want = WAIT_DOWN, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, stopped) "instances: { " HV1_DOWN ", hv2: { avail: up, stale: lost } } }",
	  WAIT_THERE, "" },
	{ "stop: failed", { .want = WAIT_DOWN, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, stopped) "instances: { hv1: { avail: warn, state: 'stop failed' } } }",
	  WAIT_FAILED, "hv1: stop failed" },
	{ "stop --slaves: down inside is enough",
	  { .want = WAIT_DOWN, .encap = true, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { hv1: { avail: warn, state: idle,"
	  "  encap: { container#0: { avail: down, state: idle } } } } }",
	  WAIT_THERE, "" },
	{ "stop --slaves: up inside is not",
	  { .want = WAIT_DOWN, .encap = true, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { " HV1_UP " } }",
	  WAIT_MORE, "" },

	{ "act: not heard of yet", { .want = WAIT_ACT, .seq = 3 }, NULL,
	  "{ instances: { hv1: { avail: warn, state: idle, act: 2, act_error: x } } }",
	  WAIT_MORE, "" },
	{ "act: done", { .want = WAIT_ACT, .seq = 3 }, NULL,
	  "{ instances: { hv1: { avail: warn, state: idle, act: 3 } } }",
	  WAIT_THERE, "" },
	{ "act: failed", { .want = WAIT_ACT, .seq = 3 }, NULL,
	  "{ instances: { hv1: { avail: warn, state: idle, act: 3, act_error: 'fs#1: no' } } }",
	  WAIT_FAILED, "hv1: fs#1: no" },
	{ "act: another one came behind it", { .want = WAIT_ACT, .seq = 3 }, NULL,
	  "{ instances: { hv1: { avail: warn, state: idle, act: 4, act_error: x } } }",
	  WAIT_THERE, "" },
	{ "act: blocked", { .want = WAIT_ACT, .seq = 3 }, NULL,
	  "{ blocked: 'hv1 is lost', instances: { } }", WAIT_BLOCKED, "hv1 is lost" },

	{ "restart: still to be stopped", { .want = WAIT_RESTARTED, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, restart) "instances: { " HV1_UP " } }",
	  WAIT_MORE, "" },
	{ "restart: up again", { .want = WAIT_RESTARTED, BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { " HV1_UP " } }",
	  WAIT_THERE, "" },

	{ "restart --slaves: still to be stopped", { .want = WAIT_RESTARTED, .encap = true, .seq = 3 }, NULL,
	  "{ intent: { seq: 3, want: started, encap: started, slaves: { vm1: { want: restart, seq: 3 } } },"
	  "  instances: { " HV1_UP " } }",
	  WAIT_MORE, "" },
	{ "restart --slaves: up again", { .want = WAIT_RESTARTED, .encap = true, .seq = 3 }, NULL,
	  "{ intent: { seq: 3, want: started, encap: started, slaves: { vm1: { want: started, seq: 3 } } },"
	  "  instances: { " HV1_UP " } }",
	  WAIT_THERE, "" },

	{ "move: up elsewhere is not enough", { .want = WAIT_MOVED, .node = "hv2", BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { " HV1_UP ", hv2: { avail: down, state: idle } } }",
	  WAIT_MORE, "" },
	{ "move: up there", { .want = WAIT_MOVED, .node = "hv2", BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { " HV1_DOWN ", hv2: { avail: up, state: idle } } }",
	  WAIT_THERE, "" },
	{ "move: to where it has no instance", { .want = WAIT_MOVED, .node = "hv9", BOTH, .seq = 3 }, NULL,
	  "{ " SEQ(3, started) "instances: { " HV1_UP " } }",
	  WAIT_MORE, "" },
};
// clang-format on

static void judged(void **state)
{
	const struct judge_row *r = *state;
	SCOPED(arena) struct arena *a = arena_new();
	struct wait_goal g = r->goal;
	const char *why = NULL;

	g.service = "web";
	if (g.want == WAIT_ACT)
		g.nodes = doctext(a, "[hv1]");
	g.before = r->before ? doctext(a, r->before) : NULL;
	assert_int_equal(wait_judge(a, &g, doctext(a, r->status), &why),
			 r->verdict);
	assert_string_equal(why, r->why);
}

/* --slave vm1 leaves the other containers out, by name and by rid. */
static void only_the_named_containers_count(void **state)
{
	static const char *const names[] = { "vm1", "container#1" };
	static const char *const status =
		"{ intent: { seq: 3 }, instances: { hv1: { avail: warn,"
		"  state: idle, encap: {"
		"    container#1: { node: vm1, avail: up, state: idle },"
		"    container#2: { node: vm2, avail: down, state: idle } } } "
		"} }";

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		SCOPED(arena) struct arena *a = arena_new();
		struct doc *list = doc_list(a), *doc = doctext(a, status);
		struct wait_goal g = {
			.want = WAIT_UP, .encap = true, .seq = 3, .slaves = list
		};
		const char *why;

		assert_int_equal(wait_judge(a, &g, doc, &why), WAIT_MORE);
		doc_add(a, list, doc_str(a, names[i]));
		assert_int_equal(wait_judge(a, &g, doc, &why), WAIT_THERE);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_named_containers_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) +
		       TABLE_RUN(rows, judged) !=
	       0;
}
