/* The engine with everything around it working: see rig.h. */
#include "tests/unit/raft/rig.h"

/* -- commands -------------------------------------------------------------- */

struct put_row {
	const char *name;
	size_t voters;
	size_t at; /* the node that proposes, counted from the leader */
};

static const struct put_row put_rows[] = {
	{ "alone", 1, 0 },
	{ "three, at the leader", 3, 0 },
	{ "three, at a follower", 3, 1 },
	{ "five, at the last", 5, 4 },
};

static void test_put(void **state)
{
	const struct put_row *row = *state;
	struct rig r = { 0 };
	struct rig_node *x;
	char value[32];

	rig_start(&r, row->voters);
	rig_group(&r, row->voters);
	x = rig_leader(&r);
	x = &r.nodes[(x->id - 1 + row->at) % row->voters];
	for (int i = 0; i < 20; i++) {
		char val[8];
		uint64_t began = r.now;

		snprintf(val, sizeof(val), "%d", i);
		rig_put(x, "colour", val);
		/* Nothing waits for a heartbeat. */
		assert_true(r.now <= began + 1);
		rig_get(x, "colour", value, sizeof(value));
		assert_string_equal(value, val);
	}
	rig_run(&r, 100);
	for (size_t i = 0; i < r.n; i++)
		assert_int_equal(rig_digest(&r.nodes[i]), rig_digest(x));
	rig_end(&r);
}

int main(void)
{
	return TABLE_RUN(put_rows, test_put);
}
