#include "tests/lib/table.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/db.h"
#include "tests/unit/store/tmpdir.h"

/* -- a database ------------------------------------------------------ */

struct fixture {
	struct tmpdir tmp;
	char dir[300];
	struct db *db;
	struct err err;
};

static int try_open(struct fixture *f, const char *boot, size_t map_size)
{
	struct db_options o = { .dir = f->dir,
				.boot_id = boot,
				.map_size = map_size };

	memset(&f->err, 0, sizeof(f->err));
	return db_open(&f->db, &o, &f->err);
}

static void open_db(struct fixture *f, const char *boot, size_t map_size)
{
	if (try_open(f, boot, map_size) < 0)
		fail_msg("%s", f->err.text);
}

static void init(struct fixture *f)
{
	tmpdir_make(&f->tmp);
	snprintf(f->dir, sizeof(f->dir), "%s/db", f->tmp.path);
	open_db(f, "boot", 0);
}

static void fini(struct fixture *f)
{
	db_close(f->db, true);
	tmpdir_remove(&f->tmp);
}

static struct txn *write_txn(struct fixture *f)
{
	struct txn *t = txn_begin_write(f->db, &f->err);

	if (!t)
		fail_msg("%s", f->err.text);
	return t;
}

static struct txn *read_txn(struct fixture *f)
{
	struct txn *t = txn_begin_read(f->db, &f->err);

	if (!t)
		fail_msg("%s", f->err.text);
	return t;
}

static void commit(struct fixture *f, struct txn *t)
{
	if (txn_commit(t, &f->err) < 0)
		fail_msg("%s", f->err.text);
}

static void put(struct txn *t, uint64_t group, uint8_t table, const char *key,
		const char *value)
{
	txn_put(t, group, table, bytes_of(key), bytes_of(value));
}

static void put_now(struct fixture *f, uint64_t group, uint8_t table,
		    const char *key, const char *value)
{
	struct txn *t = write_txn(f);

	put(t, group, table, key, value);
	commit(f, t);
}

/* The value as a string, "-" if there is none. */
static const char *get(struct txn *t, uint64_t group, uint8_t table,
		       const char *key)
{
	static char text[64];
	struct bytes v;

	if (!txn_get(t, group, table, bytes_of(key), &v))
		return "-";
	snprintf(text, sizeof(text), "%.*s", (int)v.len, (const char *)v.data);
	return text;
}

static const char *get_now(struct fixture *f, uint64_t group, uint8_t table,
			   const char *key)
{
	struct txn *t = read_txn(f);
	const char *value = get(t, group, table, key);

	txn_abort(t);
	return value;
}

static uint64_t digest(struct fixture *f, uint64_t group)
{
	struct txn *t = read_txn(f);
	uint64_t d = txn_digest(t, group);

	assert_int_equal(txn_commit(t, NULL), 0);
	return d;
}

/* The keys with @prefix, one after the other. */
static const char *keys(struct txn *t, uint64_t group, uint8_t table,
			const char *prefix)
{
	static char text[1024];
	struct txn_iter it;
	size_t n = 0;

	text[0] = '\0';
	txn_iter_init(&it, t, group, table, bytes_of(prefix));
	while (txn_iter_next(&it))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s",
				      n ? " " : "", (int)it.key.len,
				      (const char *)it.key.data);
	assert_false(txn_iter_next(&it));
	return text;
}

/* -- keys and values ------------------------------------------------- */

static void what_is_put_is_got(void **state)
{
	struct fixture f;
	struct txn *t;

	(void)state;
	init(&f);
	t = write_txn(&f);
	put(t, 1, 2, "key", "value");
	put(t, 1, 3, "key", "other table");
	put(t, 2, 2, "key", "other group");
	put(t, 1, 2, "", "no key");
	put(t, 1, 2, "empty", "");
	assert_string_equal(get(t, 1, 2, "key"), "value");
	put(t, 1, 2, "key", "again");
	assert_string_equal(get(t, 1, 2, "key"), "again");
	commit(&f, t);
	assert_string_equal(get_now(&f, 1, 2, "key"), "again");
	assert_string_equal(get_now(&f, 1, 3, "key"), "other table");
	assert_string_equal(get_now(&f, 2, 2, "key"), "other group");
	assert_string_equal(get_now(&f, 1, 2, ""), "no key");
	assert_string_equal(get_now(&f, 1, 2, "empty"), "");
	assert_string_equal(get_now(&f, 1, 2, "ke"), "-");
	assert_string_equal(get_now(&f, 3, 2, "key"), "-");
	t = write_txn(&f);
	txn_del(t, 1, 2, bytes_of("key"));
	txn_del(t, 1, 2, bytes_of("key"));
	txn_del(t, 1, 2, bytes_of("never there"));
	assert_string_equal(get(t, 1, 2, "key"), "-");
	commit(&f, t);
	assert_string_equal(get_now(&f, 1, 2, "key"), "-");
	assert_string_equal(get_now(&f, 1, 3, "key"), "other table");
	fini(&f);
}

static void an_abort_takes_all_back(void **state)
{
	struct fixture f;
	struct txn *t;

	(void)state;
	init(&f);
	put_now(&f, 1, 2, "key", "value");
	t = write_txn(&f);
	put(t, 1, 2, "key", "new");
	put(t, 1, 2, "more", "new");
	txn_abort(t);
	txn_abort(NULL);
	assert_string_equal(get_now(&f, 1, 2, "key"), "value");
	assert_string_equal(get_now(&f, 1, 2, "more"), "-");
	fini(&f);
}

static void a_reader_sees_the_state_of_its_begin(void **state)
{
	struct fixture f;
	struct txn *before, *during, *t;

	(void)state;
	init(&f);
	put_now(&f, 1, 2, "key", "1");
	before = read_txn(&f);
	t = write_txn(&f);
	put(t, 1, 2, "key", "2");
	during = read_txn(&f);
	commit(&f, t);
	put_now(&f, 1, 2, "key", "3");
	assert_string_equal(get(before, 1, 2, "key"), "1");
	assert_string_equal(get(during, 1, 2, "key"), "1");
	assert_string_equal(get_now(&f, 1, 2, "key"), "3");
	txn_abort(before);
	txn_abort(during);
	fini(&f);
}

static void a_key_can_be_long_but_not_too_long(void **state)
{
	char longest[DB_KEY_MAX + 1] = { 0 };
	struct bytes key = { longest, DB_KEY_MAX }, v;
	struct txn_iter it;
	struct fixture f;
	struct txn *t;

	(void)state;
	init(&f);
	memset(longest, 'x', sizeof(longest));
	t = write_txn(&f);
	txn_put(t, UINT64_MAX, 255, key, bytes_of("value"));
	assert_true(txn_get(t, UINT64_MAX, 255, key, &v));
	commit(&f, t);
	t = read_txn(&f);
	txn_iter_init(&it, t, UINT64_MAX, 255, key);
	assert_true(txn_iter_next(&it));
	assert_int_equal(it.key.len, DB_KEY_MAX);
	assert_false(txn_iter_next(&it));
	txn_abort(t);

	key.len++;
	t = write_txn(&f);
	put(t, 1, 1, "a", "b");
	txn_del(t, 1, 1, key); /* it cannot be there */
	assert_false(txn_get(t, 1, 1, key, &v));
	txn_iter_init(&it, t, 1, 1, key);
	assert_false(txn_iter_next(&it));
	txn_put(t, 1, 1, key, bytes_of("value"));
	assert_int_equal(txn_commit(t, &f.err), -EMSGSIZE);
	assert_string_equal(f.err.text, "database: put: the key is too long");
	assert_string_equal(get_now(&f, 1, 1, "a"), "-");
	fini(&f);
}

static void the_first_error_sticks(void **state)
{
	char longest[DB_KEY_MAX + 1] = { 0 };
	struct bytes key = { longest, sizeof(longest) }, v;
	struct txn_iter it;
	struct fixture f;
	struct txn *t;

	(void)state;
	init(&f);
	put_now(&f, 1, 1, "a", "b");
	t = write_txn(&f);
	txn_put(t, 1, 1, key, bytes_of("value"));
	put(t, 1, 1, "a", "c");
	txn_del(t, 1, 1, bytes_of("a"));
	txn_drop_group(t, 1);
	assert_false(txn_get(t, 1, 1, bytes_of("a"), &v));
	txn_iter_init(&it, t, 1, 1, bytes_of(""));
	assert_false(txn_iter_next(&it));
	/* Another error does not take its place. */
	assert_int_equal(txn_import(t, 1, "rubbish", 7, &f.err), -EMSGSIZE);
	assert_non_null(strstr(f.err.text, "too long"));
	assert_int_equal(txn_commit(t, NULL), -EMSGSIZE);
	assert_string_equal(get_now(&f, 1, 1, "a"), "b");
	fini(&f);
}

static void a_large_value_comes_back(void **state)
{
	size_t size = 3 << 20;
	uint8_t *data = malloc(size);
	struct bytes value = { data, size }, got;
	struct fixture f;
	struct txn *t;

	(void)state;
	assert_non_null(data);
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	init(&f);
	t = write_txn(&f);
	txn_put(t, 1, 1, bytes_of("large"), value);
	commit(&f, t);
	t = read_txn(&f);
	assert_true(txn_get(t, 1, 1, bytes_of("large"), &got));
	assert_int_equal(got.len, size);
	assert_memory_equal(got.data, data, size);
	txn_abort(t);
	free(data);
	fini(&f);
}

/* -- iterating ------------------------------------------------------- */

static void keys_come_in_the_order_of_their_bytes(void **state)
{
	static const uint8_t high[] = { 0xff, 0xff };
	struct fixture f;
	struct txn *t;

	(void)state;
	init(&f);
	t = write_txn(&f);
	put(t, 2, 2, "b", "");
	put(t, 2, 2, "a", "");
	put(t, 2, 2, "ab", "");
	put(t, 2, 2, "", "");
	put(t, 2, 2, "B", "");
	put(t, 2, 2, "aa\x7f", "");
	txn_put(t, 2, 1, (struct bytes){ high, 2 }, bytes_of(""));
	put(t, 2, 3, "a3", "");
	put(t, 1, 2, "a1", "");
	put(t, 3, 2, "a4", "");
	put(t, 0x0200000000000000, 2, "a5", "");
	for (int i = 0; i < 2; i++) {
		assert_string_equal(keys(t, 2, 2, "a"), "a aa\x7f ab");
		assert_string_equal(keys(t, 2, 2, "ab"), "ab");
		assert_string_equal(keys(t, 2, 2, "abc"), "");
		assert_string_equal(keys(t, 2, 2, "c"), "");
		assert_string_equal(keys(t, 2, 3, ""), "a3");
		assert_string_equal(keys(t, 2, 4, ""), "");
		assert_string_equal(keys(t, 3, 2, ""), "a4");
		if (i == 0) {
			commit(&f, t);
			t = read_txn(&f);
		}
	}
	txn_abort(t);
	fini(&f);
}

static void values_come_with_their_keys(void **state)
{
	struct txn_iter it;
	struct fixture f;
	struct txn *t;
	int n = 0;

	(void)state;
	init(&f);
	put_now(&f, 1, 1, "a", "value of a");
	put_now(&f, 1, 1, "b", "value of b");
	t = read_txn(&f);
	txn_iter_init(&it, t, 1, 1, bytes_of(""));
	for (; txn_iter_next(&it); n++) {
		assert_int_equal(it.value.len, 10);
		assert_memory_equal(it.value.data, "value of ", 9);
		assert_memory_equal((const char *)it.value.data + 9,
				    it.key.data, 1);
	}
	assert_int_equal(n, 2);
	txn_abort(t);
	fini(&f);
}

/* Two iterations of one transaction, one within the other. */
static void iterations_can_be_nested(void **state)
{
	struct txn_iter outer, inner;
	struct fixture f;
	struct txn *t;
	int n = 0;

	(void)state;
	init(&f);
	t = write_txn(&f);
	for (int i = 0; i < 20; i++) {
		char key[8];

		snprintf(key, sizeof(key), "%02d", i);
		put(t, 1, 1, key, "");
		put(t, 1, 2, key, "");
	}
	commit(&f, t);
	t = read_txn(&f);
	txn_iter_init(&outer, t, 1, 1, bytes_of(""));
	while (txn_iter_next(&outer)) {
		txn_iter_init(&inner, t, 1, 2, bytes_of("1"));
		while (txn_iter_next(&inner))
			n++;
	}
	assert_int_equal(n, 200);
	txn_abort(t);
	fini(&f);
}

/*
 * While walking over 300 keys: delete the current one, put others before and
 * behind. Those behind are seen, those before are not.
 */
static void changes_do_not_disturb_an_iteration(void **state)
{
	struct txn_iter it;
	struct fixture f;
	struct txn *t;
	char key[32];
	int seen = 0, added = 0;

	(void)state;
	init(&f);
	t = write_txn(&f);
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "k%04d", i * 2);
		put(t, 1, 1, key,
		    "a value that takes some space, so that "
		    "pages split and merge as it changes");
	}
	txn_iter_init(&it, t, 1, 1, bytes_of("k"));
	while (txn_iter_next(&it)) {
		unsigned n;

		snprintf(key, sizeof(key), "%.*s", (int)it.key.len,
			 (const char *)it.key.data);
		assert_int_equal(sscanf(key, "k%u", &n), 1);
		seen++;
		added += n % 2;
		txn_del(t, 1, 1, bytes_of(key));
		snprintf(key, sizeof(key), "a%04u", n);
		put(t, 1, 1, key, "behind us");
		if (n % 2)
			continue;
		snprintf(key, sizeof(key), "k%04u", n + 1);
		put(t, 1, 1, key, "just before us");
	}
	assert_int_equal(seen, 600);
	assert_int_equal(added, 300);
	assert_string_equal(keys(t, 1, 1, "k"), "");
	commit(&f, t);
	fini(&f);
}

static void a_group_is_dropped_and_no_other(void **state)
{
	struct fixture f;
	struct txn *t;
	char key[16];

	(void)state;
	init(&f);
	t = write_txn(&f);
	for (int i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), "%d", i);
		put(t, 5, (uint8_t)i, key, "x");
	}
	put(t, 4, 255, "before", "x");
	put(t, 6, 0, "behind", "x");
	put(t, UINT64_MAX, 255, "last", "x");
	commit(&f, t);
	t = write_txn(&f);
	txn_drop_group(t, 5);
	txn_drop_group(t, 7);
	for (int i = 0; i < 256; i++)
		assert_string_equal(keys(t, 5, (uint8_t)i, ""), "");
	commit(&f, t);
	assert_int_equal(digest(&f, 5), digest(&f, 7));
	assert_string_equal(get_now(&f, 4, 255, "before"), "x");
	assert_string_equal(get_now(&f, 6, 0, "behind"), "x");
	t = write_txn(&f);
	txn_drop_group(t, UINT64_MAX);
	commit(&f, t);
	assert_string_equal(get_now(&f, UINT64_MAX, 255, "last"), "-");
	fini(&f);
}

/* -- threads --------------------------------------------------------- */

struct reader {
	struct txn *t;
	const char *want;
	bool ok;
};

static void *read_elsewhere(void *arg)
{
	struct reader *r = arg;
	struct bytes v;

	r->ok = txn_get(r->t, 1, 1, bytes_of("key"), &v) &&
		v.len == strlen(r->want) && !memcmp(v.data, r->want, v.len);
	txn_abort(r->t);
	return NULL;
}

static void a_reader_can_move_to_another_thread(void **state)
{
	struct reader r[8];
	pthread_t threads[8];
	struct fixture f;

	(void)state;
	init(&f);
	put_now(&f, 1, 1, "key", "old");
	for (int i = 0; i < 8; i++)
		r[i] = (struct reader){ read_txn(&f), "old", false };
	put_now(&f, 1, 1, "key", "new");
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						read_elsewhere, &r[i]),
				 0);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_true(r[i].ok);
	}
	fini(&f);
}

static void *read_on_and_on(void *arg)
{
	struct fixture *f = arg;
	struct txn *t;
	size_t bad = 0;

	for (int i = 0; i < 500; i++) {
		struct txn_iter it;
		int n = 0;

		t = txn_begin_read(f->db, NULL);
		if (!t)
			return (void *)1;
		txn_iter_init(&it, t, 1, 1, bytes_of(""));
		while (txn_iter_next(&it))
			n++;
		bad += n % 10 != 0;
		txn_abort(t);
	}
	return (void *)bad;
}

/* Ten keys per transaction: a reader sees all or none of them; the map grows
 * in between. */
static void readers_and_a_writer_get_along(void **state)
{
	pthread_t threads[3];
	char key[16], value[2000];
	struct fixture f;
	void *bad;

	(void)state;
	init(&f);
	db_close(f.db, true);
	open_db(&f, "boot", 1 << 20);
	memset(value, 'v', sizeof(value));
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, read_on_and_on, &f),
			0);
	for (int i = 0; i < 100;) {
		struct txn *t = write_txn(&f);
		int rc;

		for (int n = 0; n < 10; n++) {
			snprintf(key, sizeof(key), "%d/%d", i, n);
			txn_put(t, 1, 1, bytes_of(key),
				(struct bytes){ value, sizeof(value) });
		}
		rc = txn_commit(t, NULL);
		assert_true(rc == 0 || rc == -EAGAIN || rc == -EBUSY);
		i += rc == 0;
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &bad);
		assert_null(bad);
	}
	fini(&f);
}

/* -- the map --------------------------------------------------------- */

static int fill(struct fixture *f, size_t bytes)
{
	char key[32], value[4000];
	struct txn *t = write_txn(f);

	memset(value, 'v', sizeof(value));
	for (size_t i = 0; i < bytes / sizeof(value); i++) {
		snprintf(key, sizeof(key), "%zu", i);
		txn_put(t, 1, 1, bytes_of(key),
			(struct bytes){ value, sizeof(value) });
	}
	return txn_commit(t, &f->err);
}

static void a_full_map_grows(void **state)
{
	struct fixture f;
	int rc, again = 0;

	(void)state;
	init(&f);
	db_close(f.db, true);
	open_db(&f, "boot", 1 << 20);
	put_now(&f, 2, 1, "key", "value");
	while ((rc = fill(&f, 10 << 20)) == -EAGAIN) {
		assert_non_null(strstr(f.err.text, "run again"));
		assert_string_equal(get_now(&f, 1, 1, "0"), "-");
		again++;
	}
	assert_int_equal(rc, 0);
	assert_in_range(again, 3, 6);
	assert_string_equal(get_now(&f, 2, 1, "key"), "value");
	/* As large as needed when it is opened again. */
	db_close(f.db, true);
	open_db(&f, "boot", 1 << 20);
	assert_int_equal(fill(&f, 10 << 20), 0);
	fini(&f);
}

static void a_map_grows_before_it_is_full(void **state)
{
	struct fixture f;
	char key[16], value[4000];

	(void)state;
	init(&f);
	db_close(f.db, true);
	open_db(&f, "boot", 1 << 20);
	memset(value, 'v', sizeof(value));
	for (int i = 0; i < 3000; i++) {
		struct txn *t = write_txn(&f);

		snprintf(key, sizeof(key), "%d", i);
		txn_put(t, 1, 1, bytes_of(key),
			(struct bytes){ value, sizeof(value) });
		commit(&f, t); /* never has to be run again */
	}
	fini(&f);
}

static void a_map_does_not_grow_under_a_reader(void **state)
{
	struct fixture f;
	struct txn *reader;

	(void)state;
	init(&f);
	db_close(f.db, true);
	open_db(&f, "boot", 1 << 20);
	put_now(&f, 2, 1, "key", "value");
	reader = read_txn(&f);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fill(&f, 3 << 20), -EBUSY);
		assert_non_null(strstr(f.err.text, "1 read transaction"));
		assert_string_equal(get(reader, 2, 1, "key"), "value");
	}
	/* What fits goes on meanwhile. */
	put_now(&f, 2, 1, "key", "new");
	assert_string_equal(get(reader, 2, 1, "key"), "value");
	txn_abort(reader);
	assert_int_equal(fill(&f, 3 << 20), -EAGAIN);
	fini(&f);
}

/* -- what survives --------------------------------------------------- */

static const struct survival {
	const char *name;
	bool clean;
	const char *boot; /* of the next opening; the first is "one" */
	bool survives;
} survivals[] = {
	{ "closed, same boot", true, "one", true },
	{ "closed, next boot", true, "two", true },
	{ "crashed, same boot", false, "one", true },
	{ "crashed, next boot", false, "two", false },
	{ "crashed, a longer name", false, "one ", false },
	{ "crashed, a shorter name", false, "on", false },
};

static void content_survives(void **state)
{
	const struct survival *r = *state;
	struct fixture f;

	init(&f);
	assert_false(db_was_reset(f.db));
	db_close(f.db, true);
	open_db(&f, "one", 0);
	assert_false(db_was_reset(f.db));
	put_now(&f, 1, 1, "key", "value");
	db_close(f.db, r->clean);
	/* Opening it is using it: the mark of before is gone. */
	for (int i = 0; i < 2; i++) {
		open_db(&f, r->boot, 0);
		assert_int_equal(db_was_reset(f.db), i == 0 && !r->survives);
		assert_string_equal(get_now(&f, 1, 1, "key"),
				    r->survives ? "value" : "-");
		db_close(f.db, false);
	}
	open_db(&f, "three", 0);
	assert_true(db_was_reset(f.db));
	fini(&f);
}

/* A process that dies with transactions open: the next takes up what it had
 * committed, and is not held up by what it held. */
static void a_crash_of_the_process_loses_nothing(void **state)
{
	struct fixture f;
	int status;
	pid_t pid;

	(void)state;
	init(&f);
	put_now(&f, 1, 1, "before", "x");
	db_close(f.db, true);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct txn *t;

		open_db(&f, "boot", 0);
		put_now(&f, 1, 1, "key", "value");
		if (!txn_begin_read(f.db, NULL))
			_exit(1);
		t = write_txn(&f);
		put(t, 1, 1, "key", "not committed");
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	open_db(&f, "boot", 0);
	assert_false(db_was_reset(f.db));
	assert_string_equal(get_now(&f, 1, 1, "before"), "x");
	assert_string_equal(get_now(&f, 1, 1, "key"), "value");
	put_now(&f, 1, 1, "key", "again");
	fini(&f);
}

static void write_file(struct fixture *f, const char *name, const char *text)
{
	char path[400];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void remove_file(struct fixture *f, const char *name)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(remove(path), 0);
}

static void without_its_mark_it_is_not_trusted(void **state)
{
	struct fixture f;

	(void)state;
	init(&f);
	put_now(&f, 1, 1, "key", "value");
	db_close(f.db, true);
	remove_file(&f, "mark");
	open_db(&f, "boot", 0);
	assert_true(db_was_reset(f.db));
	assert_string_equal(get_now(&f, 1, 1, "key"), "-");
	/* Nor is a mark without the data. */
	db_close(f.db, true);
	remove_file(&f, "data.mdb");
	open_db(&f, "boot", 0);
	assert_true(db_was_reset(f.db));
	fini(&f);
}

static const struct refusal {
	const char *name;
	const char *file, *text;
	const char *want;
} refusals[] = {
	{ "a newer format", "mark", "encap-db 2\nclosed x\n",
	  "format version 2, this agent knows 1" },
	{ "no mark of ours", "mark", "hello\n", "is not ours" },
	{ "an empty mark", "mark", "", "is not ours" },
	{ "no data of LMDB's", "data.mdb",
	  "this is not what it should be ......................................"
	  "...................................................................."
	  "..................................................................."
	  ".",
	  "damaged; remove its directory" },
};

static void opening_is_refused(void **state)
{
	const struct refusal *r = *state;
	struct fixture f;

	init(&f);
	put_now(&f, 1, 1, "key", "value");
	db_close(f.db, true);
	write_file(&f, r->file, r->text);
	f.db = NULL;
	for (int i = 0; i < 2; i++) { /* and again */
		assert_int_equal(try_open(&f, "boot", 0), -EUCLEAN);
		assert_null(f.db);
		if (!strstr(f.err.text, r->want) || !strstr(f.err.text, f.dir))
			fail_msg("%s", f.err.text);
	}
	fini(&f);
}

static void one_agent_at_a_time(void **state)
{
	struct fixture f;
	struct db *first;

	(void)state;
	init(&f);
	first = f.db;
	f.db = NULL;
	assert_int_equal(try_open(&f, "boot", 0), -EBUSY);
	assert_non_null(strstr(f.err.text, "another agent"));
	f.db = first;
	put_now(&f, 1, 1, "key", "value");
	fini(&f);
}

static void a_place_that_cannot_be(void **state)
{
	struct fixture f;

	(void)state;
	init(&f);
	db_close(f.db, false);
	f.db = NULL;
	snprintf(f.dir, sizeof(f.dir), "%s/no/such", f.tmp.path);
	assert_int_equal(try_open(&f, "boot", 0), -ENOENT);
	snprintf(f.dir, sizeof(f.dir), "%s/db/mark", f.tmp.path);
	assert_int_equal(try_open(&f, "boot", 0), -ENOTDIR);
	fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_got),
		cmocka_unit_test(an_abort_takes_all_back),
		cmocka_unit_test(a_reader_sees_the_state_of_its_begin),
		cmocka_unit_test(a_key_can_be_long_but_not_too_long),
		cmocka_unit_test(the_first_error_sticks),
		cmocka_unit_test(a_large_value_comes_back),
		cmocka_unit_test(keys_come_in_the_order_of_their_bytes),
		cmocka_unit_test(values_come_with_their_keys),
		cmocka_unit_test(iterations_can_be_nested),
		cmocka_unit_test(changes_do_not_disturb_an_iteration),
		cmocka_unit_test(a_group_is_dropped_and_no_other),
		cmocka_unit_test(a_reader_can_move_to_another_thread),
		cmocka_unit_test(readers_and_a_writer_get_along),
		cmocka_unit_test(a_full_map_grows),
		cmocka_unit_test(a_map_grows_before_it_is_full),
		cmocka_unit_test(a_map_does_not_grow_under_a_reader),
		cmocka_unit_test(a_crash_of_the_process_loses_nothing),
		cmocka_unit_test(without_its_mark_it_is_not_trusted),
		cmocka_unit_test(one_agent_at_a_time),
		cmocka_unit_test(a_place_that_cannot_be),
	};

	cmocka_set_test_filter(getenv("T"));
	return cmocka_run_group_tests(tests, NULL, NULL) +
	       TABLE_RUN(survivals, content_survives) +
	       TABLE_RUN(refusals, opening_is_refused);
}
