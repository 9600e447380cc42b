/* What a backup holds comes back; one that is not whole is refused whole. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cluster/loop/backup_file.h"
#include "cluster/loop/disk.h"
#include "tests/unit/store/tmpdir.h"

static struct tmpdir tmp;
static struct db *db;
static struct arena *arena;
static const char *path;
static const unsigned char key[BACKUP_KEY] = "the key of thirty-two bytes.....";

static void put(struct txn *t, uint64_t group, const char *k, const char *v)
{
	txn_put(t, group, 'S', bytes_of(k), bytes_of(v));
}

static void fill(void)
{
	struct err err;
	struct txn *t = txn_begin_write(db, &err);

	put(t, 1, "cluster", "c1");
	for (int i = 0; i < 20000; i++)
		put(t, 101, arena_printf(arena, "key%d", i),
		    "a value of some length, for there to be several pieces");
	put(t, 102, "web", "");
	assert_int_equal(txn_commit(t, &err), 0);
}

static int setup(void **state)
{
	struct db_options o = { .boot_id = "b" };
	struct err err;

	(void)state;
	tmpdir_make(&tmp);
	arena = arena_new();
	o.dir = arena_printf(arena, "%s/db", tmp.path);
	path = arena_printf(arena, "%s/file", tmp.path);
	assert_int_equal(db_open(&db, &o, &err), 0);
	fill();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	db_close(db, true);
	arena_free(arena);
	tmpdir_remove(&tmp);
	return 0;
}

static void write_it(void)
{
	struct doc *head = doc_map(arena), *command = doc_map(arena);
	struct doc *commands = doc_list(arena);
	const struct backup_group groups[] = { { 1, "", NULL },
					       { 101, "db", commands },
					       { 102, "web", NULL } };
	struct err err;
	struct txn *t = txn_begin_read(db, &err);

	doc_put_str(arena, command, "op", "svc_freeze");
	doc_add(arena, commands, command);
	doc_put_int(arena, head, "v", BACKUP_VERSION);
	doc_put_int(arena, head, "groups", 3);
	assert_int_equal(backup_write(path, t, head, key, groups, 3, &err), 0);
	txn_abort(t);
}

static uint64_t digest(struct db *d, uint64_t group)
{
	struct txn *t = txn_begin_read(d, NULL);
	uint64_t n = txn_digest(t, group);

	txn_abort(t);
	return n;
}

static void test_there_and_back(void **state)
{
	struct backup *b;
	struct stat st;
	struct err err;
	char *dir;

	(void)state;
	write_it();
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	if (backup_load(&b, path, tmp.path, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(b->n, 3);
	assert_memory_equal(b->key, key, BACKUP_KEY);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(digest(b->db, b->groups[i].gid),
				 digest(db, b->groups[i].gid));
	assert_string_equal(b->groups[1].service, "db");
	assert_int_equal(doc_len(b->groups[1].commands), 1);
	assert_string_equal(
		doc_get_str(doc_at(b->groups[1].commands, 0), "op", ""),
		"svc_freeze");
	dir = strdup(b->dir);
	backup_close(b);
	assert_int_equal(access(dir, F_OK), -1);
	free(dir);
}

static void expect_refused(const char *data, size_t len, const char *what)
{
	struct backup *b;
	struct err err = { 0 };

	assert_int_equal(disk_write(path, data, len, 0600, &err), 0);
	if (backup_load(&b, path, tmp.path, &err) != -EUCLEAN)
		fail_msg("%s: %s", what, err.text);
	assert_non_null(strstr(err.text, path));
}

static void test_not_whole(void **state)
{
	char *data;
	size_t len;
	struct err err;

	(void)state;
	write_it();
	assert_int_equal(disk_read(arena, path, 1 << 26, &data, &len, &err), 0);
	for (size_t i = 0; i < 40; i++) {
		size_t at = i * (len - 1) / 39;

		data[at] ^= 0x20;
		expect_refused(data, len, "a bit turned");
		data[at] ^= 0x20;
		expect_refused(data, at, "cut");
	}
	expect_refused(data, len - 1, "its last byte");
	data[len] = 'x';
	expect_refused(data, len + 1, "a byte more");
	expect_refused("", 0, "empty");
	expect_refused("[DEFAULT]\nnodes = a\n", 20, "an env file");
}

static void test_files(void **state)
{
	struct backup *b;
	struct err err;

	(void)state;
	assert_int_equal(backup_load(&b, "/nowhere/x", tmp.path, &err),
			 -ENOENT);
	write_it();
	assert_int_equal(backup_load(&b, path, "/nowhere", &err), -ENOENT);
	assert_int_equal(
		backup_write("/nowhere/x", NULL, NULL, key, NULL, 0, &err),
		-ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_not_whole),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
