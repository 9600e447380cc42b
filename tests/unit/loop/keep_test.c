/*
 * What the agent remembers outside the log, over restarts.
 */
#include "cluster/loop/keep.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/table.h"

struct world {
	char dir[64], var[96], run[96];
};

static int setup(void **state)
{
	static struct world w;

	snprintf(w.dir, sizeof(w.dir), "/tmp/encap-keep.XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	snprintf(w.var, sizeof(w.var), "%s/lib/encap", w.dir);
	snprintf(w.run, sizeof(w.run), "%s/run/encap", w.dir);
	*state = &w;
	return 0;
}

static int drop(const char *path, const struct stat *st, int kind,
		struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct world *w = *state;

	return nftw(w->dir, drop, 8, FTW_DEPTH | FTW_PHYS);
}

static void open_it(struct world *w, struct keep *k)
{
	struct err err = { 0 };

	if (keep_open(k, w->var, w->run, &err) < 0)
		fail_msg("%s", err.text);
}

static void put_file(const char *dir, const char *name, const char *text)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void the_session_lasts_until_run_is_lost(void **state)
{
	struct world *w = *state;
	char first[KEEP_SESSION], path[160];
	struct keep k;

	open_it(w, &k);
	assert_int_equal(strlen(k.session), KEEP_SESSION - 1);
	memcpy(first, k.session, KEEP_SESSION);
	keep_close(&k);
	open_it(w, &k);
	assert_string_equal(k.session, first);
	keep_close(&k);
	snprintf(path, sizeof(path), "%s/session", w->run);
	assert_int_equal(unlink(path), 0);
	open_it(w, &k);
	assert_string_not_equal(k.session, first);
	keep_close(&k);
}

/* /run that survived a boot, and what a disk may have made of the file. */
static void a_session_of_another_boot_is_not_taken(void **state)
{
	static const char *const texts[] = {
		"another-boot.1 0123456789abcdef0123456789abcdef\n",
		"",
		"nonsense",
		"a b\n",
	};
	struct world *w = *state;
	struct keep k;

	open_it(w, &k);
	keep_close(&k);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put_file(w->run, "session", texts[i]);
		open_it(w, &k);
		assert_string_not_equal(k.session,
					"0123456789abcdef0123456789abcdef");
		assert_int_equal(strlen(k.session), KEEP_SESSION - 1);
		keep_close(&k);
	}
}

static void the_lease_is_found_in_its_session_only(void **state)
{
	struct world *w = *state;
	char path[160];
	struct keep k;

	open_it(w, &k);
	assert_int_equal(k.lease_epoch, 0);
	assert_int_equal(keep_lease(&k, UINT64_MAX - 1, 7, NULL), 0);
	assert_int_equal(keep_lease(&k, 1234, 8, NULL), 0);
	keep_close(&k);
	open_it(w, &k);
	assert_int_equal(k.lease_until_ms, 1234);
	assert_int_equal(k.lease_epoch, 8);
	keep_close(&k);
	snprintf(path, sizeof(path), "%s/session", w->run);
	unlink(path);
	open_it(w, &k);
	assert_int_equal(k.lease_until_ms, 0);
	assert_int_equal(k.lease_epoch, 0);
	keep_close(&k);
}

static void a_document_comes_back_or_is_refused(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct world *w = *state;
	struct doc *d = doc_map(a), *back;
	struct err err = { 0 };
	struct stat st;
	char path[160];
	struct keep k;

	open_it(w, &k);
	assert_int_equal(keep_load(&k, a, "identity", &back, &err), 1);
	doc_put_int(a, d, "id", 3);
	assert_int_equal(keep_save(&k, "identity", d, &err), 0);
	assert_int_equal(keep_load(&k, a, "identity", &back, &err), 0);
	assert_true(doc_equal(d, back));
	snprintf(path, sizeof(path), "%s/identity", w->var);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	put_file(w->var, "identity", "\x81\xa2id");
	assert_true(keep_load(&k, a, "identity", &back, &err) < 0);
	assert_non_null(strstr(err.text, path));
	keep_close(&k);
}

static void only_one_may_run(void **state)
{
	struct world *w = *state;
	struct keep k;
	struct err err;
	int status;
	pid_t pid;

	open_it(w, &k);
	pid = fork();
	if (pid == 0) {
		struct keep other;

		_exit(keep_open(&other, w->var, w->run, &err) == -EBUSY &&
				      strstr(err.text, "runs already")
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	keep_close(&k);
	open_it(w, &k);
	keep_close(&k);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_session_lasts_until_run_is_lost),
		TEST(a_session_of_another_boot_is_not_taken),
		TEST(the_lease_is_found_in_its_session_only),
		TEST(a_document_comes_back_or_is_refused),
		TEST(only_one_may_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
