#include "tests/lib/table.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/wal.h"
#include "tests/unit/store/tmpdir.h"

enum { BLOCK = 4096 };

struct fixture {
	struct tmpdir tmp;
	char dir[300];
	struct wal_disk disk;
	struct err err;
};

static void open_disk(struct fixture *f)
{
	if (wal_disk_open(&f->disk, f->dir, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	tmpdir_make(&f->tmp);
	snprintf(f->dir, sizeof(f->dir), "%s/log", f->tmp.path);
	open_disk(f);
}

static void fini(struct fixture *f)
{
	wal_disk_close(&f->disk);
	tmpdir_remove(&f->tmp);
}

static void count(void *arg, const char *name)
{
	char *text = arg;

	snprintf(text + strlen(text), 200 - strlen(text), "[%s]", name);
}

static const char *list(const struct fixture *f)
{
	static char text[200];

	text[0] = '\0';
	assert_int_equal(f->disk.list(f->disk.ctx, count, text), 0);
	return text;
}

static uint64_t size_of(const struct fixture *f, const char *name)
{
	uint64_t size = 0;

	assert_int_equal(f->disk.size(f->disk.ctx, name, &size), 0);
	return size;
}

static void files_come_and_go(void **state)
{
	struct fixture f;
	const struct wal_disk *d = &f.disk;
	uint64_t size;
	char buf[10];

	(void)state;
	init(&f);
	assert_string_equal(list(&f), "");
	assert_int_equal(d->create(d->ctx, "a", 3 * BLOCK), 0);
	assert_string_equal(list(&f), "[a]");
	assert_int_equal(size_of(&f, "a"), 3 * BLOCK);
	assert_int_equal(d->write(d->ctx, "a", 5, "hello", 5), 0);
	assert_int_equal(d->rename(d->ctx, "a", "b"), 0);
	assert_string_equal(list(&f), "[b]");
	assert_int_equal(d->read(d->ctx, "b", 5, buf, 5), 0);
	assert_memory_equal(buf, "hello", 5);
	/* Replaced by a create, and by a rename. */
	assert_int_equal(d->create(d->ctx, "b", 100), 0);
	assert_int_equal(size_of(&f, "b"), 100);
	assert_int_equal(d->read(d->ctx, "b", 5, buf, 5), 0);
	assert_memory_equal(buf, "\0\0\0\0\0", 5);
	assert_int_equal(d->create(d->ctx, "c", 0), 0);
	assert_int_equal(d->rename(d->ctx, "b", "c"), 0);
	assert_int_equal(size_of(&f, "c"), 100);
	assert_int_equal(d->remove(d->ctx, "c"), 0);
	assert_string_equal(list(&f), "");

	assert_int_equal(d->remove(d->ctx, "c"), -ENOENT);
	assert_int_equal(d->rename(d->ctx, "c", "d"), -ENOENT);
	assert_int_equal(d->size(d->ctx, "c", &size), -ENOENT);
	assert_int_equal(d->read(d->ctx, "c", 0, buf, 1), -ENOENT);
	assert_int_equal(d->write(d->ctx, "c", 0, buf, 1), -ENOENT);
	fini(&f);
}

/* Every mixture of aligned and not gives the same bytes. */
static const struct access {
	const char *name;
	uint64_t off;
	size_t len, shift; /* of the memory */
} accesses[] = {
	{ "aligned", BLOCK, 2 * BLOCK, 0 },
	{ "the offset is not", 100, 2 * BLOCK, 0 },
	{ "the length is not", BLOCK, 1000, 0 },
	{ "the memory is not", BLOCK, BLOCK, 8 },
	{ "nothing is", 4000, 200, 3 },
	{ "a sector", 512, 512, 512 },
	{ "nothing at all", BLOCK, 0, 0 },
	{ "everything", 0, 4 * BLOCK, 0 },
};

static void bytes_come_back(void **state)
{
	const struct access *r = *state;
	uint8_t *mem = aligned_alloc(BLOCK, 8 * BLOCK);
	uint8_t want[4 * BLOCK] = { 0 };
	struct fixture f;
	const struct wal_disk *d = &f.disk;

	assert_non_null(mem);
	init(&f);
	assert_int_equal(d->create(d->ctx, "x", sizeof(want)), 0);
	for (size_t i = 0; i < r->len; i++)
		want[r->off + i] = mem[r->shift + i] = (uint8_t)(i * 7 + 1);
	assert_int_equal(d->write(d->ctx, "x", r->off, mem + r->shift, r->len),
			 0);
	for (int i = 0; i < 2; i++) {
		/* Past the page cache, and through it. */
		memset(mem, 0xee, 8 * BLOCK);
		assert_int_equal(d->read(d->ctx, "x", 0, mem + i, sizeof(want)),
				 0);
		assert_memory_equal(mem + i, want, sizeof(want));
	}
	memset(mem, 0xee, 8 * BLOCK);
	assert_int_equal(d->read(d->ctx, "x", r->off, mem + r->shift, r->len),
			 0);
	assert_memory_equal(mem + r->shift, want + r->off, r->len);
	/* As others see it; and the size did not change. */
	assert_int_equal(size_of(&f, "x"), sizeof(want));
	free(mem);
	fini(&f);
}

static void reading_over_the_end_fails(void **state)
{
	uint8_t *mem = aligned_alloc(BLOCK, 2 * BLOCK);
	struct fixture f;
	const struct wal_disk *d = &f.disk;

	(void)state;
	assert_non_null(mem);
	init(&f);
	assert_int_equal(d->create(d->ctx, "x", BLOCK), 0);
	assert_int_equal(d->read(d->ctx, "x", 0, mem, 2 * BLOCK), -EIO);
	assert_int_equal(d->read(d->ctx, "x", BLOCK, mem, 1), -EIO);
	assert_int_equal(d->read(d->ctx, "x", BLOCK - 1, mem, 2), -EIO);
	assert_int_equal(d->read(d->ctx, "x", BLOCK - 1, mem, 1), 0);
	free(mem);
	fini(&f);
}

/* Blocks that are allocated and written need no work of the file system. */
static void a_new_file_has_all_its_blocks(void **state)
{
	struct fixture f;
	struct stat st;
	char path[400];

	(void)state;
	init(&f);
	assert_int_equal(f.disk.create(f.disk.ctx, "x", 1 << 20), 0);
	snprintf(path, sizeof(path), "%s/x", f.dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 1 << 20);
	assert_true(st.st_blocks * 512 >= 1 << 20);
	assert_int_equal(st.st_mode & 0777, 0600);
	fini(&f);
}

static void one_agent_at_a_time(void **state)
{
	struct wal_disk second;
	struct fixture f;

	(void)state;
	init(&f);
	assert_int_equal(wal_disk_open(&second, f.dir, &f.err), -EBUSY);
	assert_non_null(strstr(f.err.text, "another agent"));
	assert_non_null(strstr(f.err.text, f.dir));
	wal_disk_close(&f.disk);
	wal_disk_close(&f.disk);
	assert_int_equal(wal_disk_open(&second, f.dir, &f.err), 0);
	wal_disk_close(&second);
	fini(&f);
}

static void interrupted_creations_are_swept(void **state)
{
	struct fixture f;
	char path[400];
	int fd;

	(void)state;
	init(&f);
	assert_int_equal(f.disk.create(f.disk.ctx, "x", 10), 0);
	snprintf(path, sizeof(path), "%s/y.tmp", f.dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_string_equal(list(&f), "[x]");
	wal_disk_close(&f.disk);
	open_disk(&f);
	assert_int_equal(access(path, F_OK), -1);
	assert_string_equal(list(&f), "[x]");
	fini(&f);
}

static void a_place_that_cannot_be(void **state)
{
	struct wal_disk d;
	struct fixture f;

	(void)state;
	init(&f);
	snprintf(f.dir, sizeof(f.dir), "%s/no/such", f.tmp.path);
	assert_int_equal(wal_disk_open(&d, f.dir, &f.err), -ENOENT);
	assert_non_null(strstr(f.err.text, "no/such: No such file"));
	fini(&f);
}

/* More than any file system can hold. */
static void a_creation_that_fails_leaves_nothing(void **state)
{
	struct fixture f;

	(void)state;
	init(&f);
	assert_int_equal(f.disk.create(f.disk.ctx, "x", 10), 0);
	assert_true(f.disk.create(f.disk.ctx, "x", UINT64_MAX / 2) < 0);
	assert_true(f.disk.create(f.disk.ctx, "y", UINT64_MAX / 2) < 0);
	assert_string_equal(list(&f), "[x]");
	assert_int_equal(size_of(&f, "x"), 10);
	wal_disk_close(&f.disk);
	open_disk(&f);
	assert_string_equal(list(&f), "[x]");
	fini(&f);
}

/* -- the log on it --------------------------------------------------- */

static int sum(void *arg, const struct wal_record *r, struct err *err)
{
	uint64_t *last = arg;

	(void)err;
	if (r->kind == WAL_ENTRY)
		*last = r->index;
	return 0;
}

static void a_log_works_on_it(void **state)
{
	struct wal_record r = { .kind = WAL_ENTRY, .group = 1, .len = 3000 };
	static const char data[3000];
	uint64_t last = 0;
	struct fixture f;
	struct wal *w = NULL;

	(void)state;
	init(&f);
	r.data = data;
	for (int round = 0; round < 3; round++) {
		assert_int_equal(
			wal_open(&w, &f.disk, 64 << 10, sum, &last, &f.err), 0);
		assert_int_equal(last, r.index);
		for (int i = 0; i < 60; i++) {
			r.index++;
			assert_int_equal(wal_add(w, &r, NULL), 0);
			assert_int_equal(wal_sync(w, NULL), 0);
			wal_release(w, 1, r.index - 1);
		}
		wal_close(w);
		wal_disk_close(&f.disk);
		open_disk(&f);
	}
	fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_come_and_go),
		cmocka_unit_test(reading_over_the_end_fails),
		cmocka_unit_test(a_new_file_has_all_its_blocks),
		cmocka_unit_test(one_agent_at_a_time),
		cmocka_unit_test(interrupted_creations_are_swept),
		cmocka_unit_test(a_place_that_cannot_be),
		cmocka_unit_test(a_creation_that_fails_leaves_nothing),
		cmocka_unit_test(a_log_works_on_it),
	};

	cmocka_set_test_filter(getenv("T"));
	return cmocka_run_group_tests(tests, NULL, NULL) +
	       TABLE_RUN(accesses, bytes_come_back);
}
