/*
 * Whole starts and stops at both levels: the orchestrator, an agent on the
 * hypervisor and one in the container, and what they do, in order.
 */
#include "tests/lib/table.h"

#include "tests/unit/plan/plan_world.h"

#define BEGIN "ha hv1 hv2 hv3; vms vm1; want stopped 0; encap stopped 0"
#define STARTED                                                                \
	"hv1 start ip#1\n"                                                     \
	"hv1 start disk#1\n"                                                   \
	"hv1 start fs#1\n"                                                     \
	"hv1 start container#0\n"                                              \
	"vm1 start ip#e\n"                                                     \
	"vm1 start fs#e\n"                                                     \
	"vm1 start app#e\n"                                                    \
	"hv1 start app#1\n"
#define STOPPED                                                                \
	"hv1 stop app#1\n"                                                     \
	"vm1 stop app#e\n"                                                     \
	"vm1 stop fs#e\n"                                                      \
	"vm1 stop ip#e\n"                                                      \
	"hv1 stop container#0\n"                                               \
	"hv1 stop fs#1\n"                                                      \
	"hv1 stop disk#1\n"                                                    \
	"hv1 stop ip#1\n"

struct scene {
	struct arena *a;
	struct world *w;
	struct buf log;
};

static void run(struct scene *c, unsigned steps)
{
	while (steps--) {
		world_step(c->w);
		assert_null(c->w->broken);
	}
}

/* What was done since, and forget it. */
static void assert_done(struct scene *c, const char *text)
{
	run(c, 120);
	assert_string_equal(buf_text(&c->log), text);
	c->log.len = 0;
	if (c->log.data)
		c->log.data[0] = '\0';
}

static void ask(struct scene *c, const char *want, int node)
{
	world_intent(c->w, want, node);
}

/* One level alone, as op_svc_intent does it. */
static void ask_level(struct scene *c, const char *level, const char *want)
{
	struct doc *i = c->w->s.intent;
	char seq[16];

	snprintf(seq, sizeof(seq), "%s_seq", level);
	doc_put_str(c->a, i, level, want);
	doc_put_int(c->a, i, seq, doc_get_int(i, seq, 0) + 10);
	world_commit(c->w);
}

static struct scene begin(uint64_t seed)
{
	struct scene c = { .a = arena_new() };

	c.w = world_new(c.a, BEGIN, seed);
	return c;
}

static void start_and_stop(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct scene c = begin(seed);

		c.log = BUF(c.a);
		c.w->log = &c.log;
		assert_done(&c, "");
		ask(&c, "started", -1);
		assert_done(&c, STARTED);
		ask(&c, "started", -1);
		assert_done(&c, ""); /* all is up */
		ask(&c, "stopped", -1);
		assert_done(&c, STOPPED);
		arena_free(c.a);
	}
}

static void restart(void **state)
{
	struct scene c = begin(7);

	(void)state;
	c.log = BUF(c.a);
	c.w->log = &c.log;
	ask(&c, "started", -1);
	assert_done(&c, STARTED);
	ask(&c, "restart", -1);
	assert_done(&c, STOPPED STARTED);
	assert_string_equal(doc_get_str(c.w->s.intent, "want", ""), "started");
	arena_free(c.a);
}

static void move(void **state)
{
	struct scene c = begin(8);

	(void)state;
	c.log = BUF(c.a);
	c.w->log = &c.log;
	ask(&c, "started", -1);
	assert_done(&c, STARTED);
	ask(&c, "started", 1);
	assert_done(&c, STOPPED "hv2 start ip#1\n"
				"hv2 start disk#1\n"
				"hv2 start fs#1\n"
				"hv2 start container#0\n"
				"vm1 start ip#e\n"
				"vm1 start fs#e\n"
				"vm1 start app#e\n"
				"hv2 start app#1\n");
	arena_free(c.a);
}

static void encap_level_alone(void **state)
{
	struct scene c = begin(9);

	(void)state;
	c.log = BUF(c.a);
	c.w->log = &c.log;
	ask(&c, "started", -1);
	assert_done(&c, STARTED);
	ask_level(&c, "encap", "stopped");
	assert_done(&c, "vm1 stop app#e\nvm1 stop fs#e\nvm1 stop ip#e\n");
	ask_level(&c, "encap", "started");
	assert_done(&c, "vm1 start ip#e\nvm1 start fs#e\nvm1 start app#e\n");
	arena_free(c.a);
}

static void hypervisor_level_alone(void **state)
{
	struct scene c = begin(10);

	(void)state;
	c.log = BUF(c.a);
	c.w->log = &c.log;
	ask(&c, "started", -1);
	assert_done(&c, STARTED);
	ask_level(&c, "want", "stopped");
	assert_done(&c, "hv1 stop app#1\nhv1 stop container#0\nhv1 stop fs#1\n"
			"hv1 stop disk#1\nhv1 stop ip#1\n");
	arena_free(c.a);
}

static void the_agent_inside_does_not_answer(void **state)
{
	struct scene c = begin(11);

	(void)state;
	c.log = BUF(c.a);
	c.w->log = &c.log;
	ask(&c, "started", -1);
	assert_done(&c, STARTED);
	c.w->node[0].welcomed = false;
	c.w->node[0].booted = c.w->now + 100000; /* it is not heard again */
	ask(&c, "stopped", -1);
	assert_done(&c, "hv1 stop app#1\nhv1 stop container#0\nhv1 stop fs#1\n"
			"hv1 stop disk#1\nhv1 stop ip#1\n");
	arena_free(c.a);
}

static void failover(void **state)
{
	struct scene c = begin(12);

	(void)state;
	c.log = BUF(c.a);
	c.w->log = &c.log;
	ask(&c, "started", -1);
	assert_done(&c, STARTED);
	world_power(c.w, &c.w->node[0], false);
	assert_done(&c, "hv2 start ip#1\n"
			"hv2 start disk#1\n"
			"hv2 start fs#1\n"
			"hv2 start container#0\n"
			"vm1 start ip#e\n"
			"vm1 start fs#e\n"
			"vm1 start app#e\n"
			"hv2 start app#1\n");
	world_power(c.w, &c.w->node[0], true);
	assert_done(&c, ""); /* no way back */
	arena_free(c.a);
}

static void lost_contact(void **state)
{
	struct scene c = begin(13);
	const char *log;

	(void)state;
	c.log = BUF(c.a);
	c.w->log = &c.log;
	ask(&c, "started", -1);
	assert_done(&c, STARTED);
	c.w->node[0].linked = false;
	run(&c, 120);
	log = buf_text(&c.log);
	/* It kills all of it by itself, at once, before another starts it. */
	assert_ptr_equal(strstr(log, "hv1 kill ip#1\nhv1 kill disk#1\n"
				     "hv1 kill fs#1\nhv1 kill container#0\n"
				     "hv1 kill app#1\nhv2 start ip#1\n"),
			 log);
	arena_free(c.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_and_stop),
		cmocka_unit_test(restart),
		cmocka_unit_test(move),
		cmocka_unit_test(encap_level_alone),
		cmocka_unit_test(hypervisor_level_alone),
		cmocka_unit_test(the_agent_inside_does_not_answer),
		cmocka_unit_test(failover),
		cmocka_unit_test(lost_contact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
