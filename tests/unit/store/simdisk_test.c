/* What tests rest on must hold itself. */
#include "tests/lib/table.h"

#include <errno.h>
#include <string.h>

#include "cluster/sim/simdisk.h"

enum { SECTOR = 512, SECTORS = 8, SIZE = SECTORS * SECTOR };

/* A write of ones over zeros that the power goes in; one bit per sector. */
static unsigned torn_pattern(uint64_t seed)
{
	struct simdisk *s = simdisk_new(seed);
	const struct wal_disk *d = simdisk_disk(s);
	uint8_t ones[SIZE];
	const uint8_t *got;
	unsigned pattern = 0;

	memset(ones, 1, sizeof(ones));
	assert_int_equal(d->create(d->ctx, "x", SIZE), 0);
	simdisk_cut_after(s, 0);
	assert_int_equal(d->write(d->ctx, "x", 0, ones, SIZE), -EIO);
	assert_true(simdisk_is_off(s));
	assert_int_equal(d->read(d->ctx, "x", 0, ones, 1), -EIO);
	simdisk_restart(s);
	got = simdisk_data(s, "x", NULL);
	for (int i = 0; i < SIZE; i++) {
		assert_int_equal(got[i], got[i / SECTOR * SECTOR]);
		pattern |= (unsigned)got[i] << (i / SECTOR);
	}
	simdisk_free(s);
	return pattern;
}

static void a_write_is_torn_in_all_ways(void **state)
{
	bool seen[1 << SECTORS] = { false };
	int n = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 2000; seed++) {
		unsigned p = torn_pattern(seed);

		n += !seen[p];
		seen[p] = true;
		assert_int_equal(torn_pattern(seed), p); /* the same again */
	}
	assert_true(seen[0] && seen[(1 << SECTORS) - 1]);
	assert_in_range(n, 200, 1 << SECTORS);
}

static void what_returned_is_kept(void **state)
{
	struct simdisk *s = simdisk_new(1);
	const struct wal_disk *d = simdisk_disk(s);
	char buf[2];

	(void)state;
	simdisk_cut_after(s, 3);
	assert_int_equal(d->create(d->ctx, "x", 10), 0);
	assert_int_equal(d->write(d->ctx, "x", 0, "ab", 2), 0);
	assert_int_equal(d->rename(d->ctx, "x", "y"), 0);
	assert_int_equal(d->read(d->ctx, "y", 0, buf, 2), 0); /* no change */
	assert_false(simdisk_is_off(s));
	assert_int_equal(d->write(d->ctx, "y", 0, "c", 1), -EIO);
	assert_int_equal(d->create(d->ctx, "z", 10), -EIO);
	simdisk_restart(s);
	assert_null(simdisk_data(s, "z", NULL));
	assert_int_equal(d->read(d->ctx, "y", 1, buf, 1), 0);
	assert_int_equal(buf[0], 'b');
	simdisk_free(s);
}

static void names_change_or_do_not(void **state)
{
	int created = 0, renamed = 0, removed = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct simdisk *s = simdisk_new(seed);
		const struct wal_disk *d = simdisk_disk(s);
		size_t size;

		simdisk_cut_after(s, 0);
		d->create(d->ctx, "x", 10);
		simdisk_restart(s);
		if (simdisk_data(s, "x", &size)) {
			assert_int_equal(size, 10);
			created++;
		}
		d->create(d->ctx, "x", 10);
		d->create(d->ctx, "y", 20);
		simdisk_cut_after(s, 0);
		d->rename(d->ctx, "x", "y");
		simdisk_restart(s);
		simdisk_data(s, "y", &size);
		assert_int_equal(size, simdisk_data(s, "x", NULL) ? 20 : 10);
		renamed += size == 10;
		simdisk_cut_after(s, 0);
		d->remove(d->ctx, "y");
		simdisk_restart(s);
		removed += !simdisk_data(s, "y", NULL);
		simdisk_free(s);
	}
	assert_in_range(created, 20, 80);
	assert_in_range(renamed, 20, 80);
	assert_in_range(removed, 20, 80);
}

static void one_operation_fails(void **state)
{
	struct simdisk *s = simdisk_new(1);
	const struct wal_disk *d = simdisk_disk(s);
	uint64_t size;

	(void)state;
	simdisk_fail_after(s, 1, -EROFS);
	assert_int_equal(d->create(d->ctx, "x", 10), 0);
	assert_int_equal(d->size(d->ctx, "x", &size), -EROFS);
	assert_int_equal(d->size(d->ctx, "x", &size), 0);
	assert_false(simdisk_is_off(s));
	simdisk_limit(s, 15);
	assert_int_equal(d->create(d->ctx, "y", 6), -ENOSPC);
	assert_int_equal(d->create(d->ctx, "y", 5), 0);
	simdisk_free(s);
}

static void a_removal_fails(void **state)
{
	int left = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct simdisk *s = simdisk_new(seed), *copy;
		const struct wal_disk *d = simdisk_disk(s);
		bool there;

		d->create(d->ctx, "x", 10);
		d->create(d->ctx, "y", 10);
		simdisk_fail_after(s, 0, -EIO);
		assert_int_equal(d->remove(d->ctx, "x"), -EIO);
		there = simdisk_data(s, "x", NULL) != NULL;
		assert_int_equal(simdisk_is_left(s, "x"), there);
		assert_false(simdisk_is_left(s, "y"));
		copy = simdisk_clone(s);
		assert_int_equal(simdisk_is_left(copy, "x"), there);
		simdisk_free(copy);
		left += there;
		d->create(d->ctx, "x", 10); /* another one */
		assert_false(simdisk_is_left(s, "x"));
		simdisk_cut_after(s, 0);
		d->remove(d->ctx, "x");
		d->remove(d->ctx, "y");
		simdisk_restart(s);
		assert_false(simdisk_is_left(s, "x"));
		assert_false(simdisk_is_left(s, "y"));
		simdisk_free(s);
	}
	assert_in_range(left, 20, 80);
}

static void a_clone_is_apart(void **state)
{
	struct simdisk *s = simdisk_new(1), *copy;
	const struct wal_disk *d = simdisk_disk(s);

	(void)state;
	d->create(d->ctx, "b", 10);
	d->create(d->ctx, "a", 10);
	copy = simdisk_clone(s);
	d->write(d->ctx, "a", 0, "x", 1);
	d->remove(d->ctx, "b");
	assert_string_equal(simdisk_name(copy, 0), "a");
	assert_string_equal(simdisk_name(copy, 1), "b");
	assert_null(simdisk_name(copy, 2));
	assert_int_equal(simdisk_data(copy, "a", NULL)[0], 0);
	assert_null(simdisk_name(s, 1));
	simdisk_free(copy);
	simdisk_free(s);
	simdisk_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_is_torn_in_all_ways),
		cmocka_unit_test(what_returned_is_kept),
		cmocka_unit_test(names_change_or_do_not),
		cmocka_unit_test(one_operation_fails),
		cmocka_unit_test(a_removal_fails),
		cmocka_unit_test(a_clone_is_apart),
	};

	cmocka_set_test_filter(getenv("T"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
