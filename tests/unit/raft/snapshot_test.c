/* Which snapshot files are there, when their disk gives an error, too. */
#include "tests/unit/raft/rig.h"

enum { FAILS = 24 };

static unsigned count_files(const struct rig_node *x, bool left)
{
	const char *name;
	unsigned n = 0;

	for (size_t i = 0; (name = simdisk_name(x->snap, i)); i++)
		n += strncmp(name, "snap-", 5) == 0 &&
		     simdisk_is_left(x->snap, name) == left;
	return n;
}

static void put_many(struct rig_node *x, unsigned n)
{
	char val[16];

	for (unsigned i = 0; i < n; i++) {
		snprintf(val, sizeof(val), "%u", i);
		rig_put(x, "colour", val);
	}
}

/* What could not be removed stays, alone of all that are old, until the engine
 * starts anew. Each operation in turn is the one that fails. */
static void what_stays_is_swept_at_the_next_start(void **state)
{
	unsigned left = 0;

	(void)state;
	for (unsigned nth = 0; nth < FAILS; nth++) {
		struct rig r = { .snapshot_entries = 10, .trailing = 1 };
		struct rig_node *x;
		struct err err;
		char value[32];

		rig_start(&r, 1);
		rig_group(&r, 1);
		x = rig_leader(&r);
		put_many(x, 25);
		assert_int_equal(count_files(x, true), 0);
		simdisk_fail_after(x->snap, nth, -EIO);
		put_many(x, 40);
		rig_run(&r, 6000); /* a snapshot that failed is due again */
		put_many(x, 60);
		assert_in_range(count_files(x, false), 1, 2);
		assert_in_range(count_files(x, true), 0, 1);
		left += count_files(x, true);
		rig_stop(x);
		assert_int_equal(rig_boot(x, "boot", &err), 0);
		assert_int_equal(count_files(x, false), 1);
		assert_int_equal(count_files(x, true), 0);
		rig_get(rig_leader(&r), "colour", value, sizeof(value));
		assert_string_equal(value, "59");
		rig_end(&r);
	}
	/* Or else nothing was tried. */
	assert_true(left > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stays_is_swept_at_the_next_start),
	};

	cmocka_set_test_filter(getenv("T"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
