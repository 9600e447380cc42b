/*
 * Child processes: deadlines, what is left of them, what they are given.
 */
#include "tests/unit/drivers/sandbox.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/lib/table.h"

static int64_t now(void)
{
	return driver_now_ms();
}

static struct run sh(const char *script, int64_t ms)
{
	static const char *argv[] = { "sh", "-c", NULL, NULL };

	argv[2] = script;
	return (struct run){ .argv = argv, .deadline_ms = now() + ms };
}

/* -- outcomes ---------------------------------------------------------------
 */

static const struct outcome_row {
	const char *name, *script;
	int rc, code;
	const char *text; /* in what it said, or in the error */
} outcome_rows[] = {
	{ "success", "echo fine", 0, 0, "fine" },
	{ "stderr counts", "echo bad >&2; exit 3", -EIO, 3,
	  "sh: exit code 3: bad" },
	{ "last lines, on one", "echo a; echo b; exit 1", -EIO, 1, "a; b" },
	{ "nothing said", "exit 7", -EIO, 7, "sh: exit code 7" },
	{ "a signal", "kill -9 $$", -EIO, 137, "ended by signal 9 (Killed)" },
	{ "control characters", "printf 'a\\033b\\tc\\n'; exit 1", -EIO, 1,
	  "a b c" },
	{ "no UTF-8", "printf 'a\\377b'; exit 1", -EIO, 1, "a?b" },
};

static void test_outcome(void **state)
{
	const struct outcome_row *row = *state;
	struct run r = sh(row->script, 5000);
	struct err err = { 0 };
	int rc = run_ok(&r, &err);

	if (rc != row->rc)
		fail_msg("%d: %s", rc, err.text);
	assert_int_equal(r.code, row->code);
	expect_text(rc < 0 ? err.text : run_said(&r), row->text);
}

static void test_no_such_program(void **state)
{
	const char *const argv[] = { "no-such-program", NULL };
	const char *const direct[] = { "/no/such/program", NULL };
	struct run r = { .argv = argv, .deadline_ms = now() + 1000 };
	struct err err;

	(void)state;
	assert_int_equal(run_wait(&r, &err), -ENOENT);
	expect_text(err.text, "no-such-program: command not found");
	r.argv = direct;
	assert_int_equal(run_wait(&r, &err), -ENOENT);
	expect_text(err.text, "/no/such/program: execute: No such file");
}

static void test_wrong_start(void **state)
{
	struct run_as as = RUN_AS;
	struct run r = sh("echo unreachable", 1000);
	struct err err;

	(void)state;
	r.cwd = "/no/such/folder";
	assert_int_equal(run_wait(&r, &err), -ENOENT);
	expect_text(err.text, "sh: change directory: ");
	r.cwd = NULL;
	r.as = &as;
	as.limits[0] = (struct run_limit){ RLIMIT_NOFILE, { 20, 10 } };
	as.n_limits = 1;
	assert_int_equal(run_wait(&r, &err), -EINVAL);
	expect_text(err.text, "sh: set limits: ");
	r.deadline_ms = now() - 1;
	assert_int_equal(run_wait(&r, &err), -ETIMEDOUT);
	expect_text(err.text, "not started");
}

/* The tail keeps the end of much output, and no half line. */
static void test_long_output(void **state)
{
	struct run r = sh("i=0; while [ $i -lt 2000 ]; do echo line $i; "
			  "i=$((i+1)); done; exit 1",
			  5000);
	struct err err;
	const char *said;

	(void)state;
	assert_int_equal(run_wait(&r, &err), RUN_FAILED);
	said = run_said(&r);
	assert_int_equal(strncmp(said, "line 0; ...; line 19", 20), 0);
	assert_string_equal(said + strlen(said) - 9, "line 1999");
	assert_int_equal(r.tail_len, RUN_TAIL);
}

/* -- deadlines --------------------------------------------------------------
 */

static const struct late_row {
	const char *name, *script;
	int64_t at_most; /* ms after the deadline */
} late_rows[] = {
	{ "sleeps", "echo so far; sleep 60", 200 },
	{ "ignores SIGTERM", "trap '' TERM; while :; do sleep 60; done", 700 },
	{ "never stops talking", "exec yes", 300 },
	{ "its children sleep", "sleep 61 & sleep 61 & wait", 300 },
};

static void test_late(void **state)
{
	const struct late_row *row = *state;
	struct run r = sh(row->script, 200);
	int64_t before = now();
	struct err err;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	assert_int_equal(run_wait(&r, &err), -ETIMEDOUT);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	assert_in_range(now() - before, 200, 200 + row->at_most + 400);
	expect_text(err.text, "did not end in time and was killed");
	/* The pid is free: it was waited for. */
	assert_int_equal(kill(r.pid, 0), -1);
	/* Its children are ours then, and all killed. */
	while (waitpid(-r.pid, NULL, 0) > 0)
		;
	assert_int_equal(kill(-r.pid, 0), -1);
}

/* The end of a child counts, not that of the pipe that its children hold. */
static void test_child_of_child(void **state)
{
	struct run r = sh("sleep 30 & echo $!", 5000);
	int64_t before = now();
	struct err err;

	(void)state;
	assert_int_equal(run_wait(&r, &err), 0);
	assert_true(now() - before < 2000);
	assert_int_equal(kill(atoi(r.tail), SIGKILL), 0);
}

/* -- what a child gets ------------------------------------------------------
 */

static void test_descriptors(void **state)
{
	int leaky = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
	struct run r = sh("ls -l /proc/self/fd | wc -l; readlink /proc/self/"
			  "fd/0",
			  5000);
	struct err err;

	(void)state;
	assert_true(leaky >= 0);
	assert_int_equal(run_wait(&r, &err), 0);
	/* "total", 0, 1, 2 and that of the folder */
	assert_string_equal(run_said(&r), "5; /dev/null");
	close(leaky);
}

/* An agent may have been started without any of 0, 1 and 2. */
static void test_without_standard_descriptors(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct run r = sh("read x; echo out; echo err >&2", 5000);
		struct run bad = { .argv = (const char *[]){ "/nowhere", NULL },
				   .deadline_ms = now() + 5000 };

		close(0);
		close(1);
		close(2);
		if (run_wait(&r, NULL) != RUN_FAILED && r.code != 0)
			_exit(1);
		if (strcmp(run_said(&r), "out; err") != 0)
			_exit(2);
		_exit(run_wait(&bad, NULL) == -ENOENT ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_environment(void **state)
{
	const char *const env[] = { "A=1", "LANG=xx", "A=2", NULL };
	struct run r = sh("echo $A $LANG ${HOME-none} ${SECRET-none}", 5000);
	struct err err;

	(void)state;
	setenv("SECRET", "x", 1);
	r.env = env;
	assert_int_equal(run_wait(&r, &err), 0);
	assert_string_equal(run_said(&r), "2 xx none none");
	unsetenv("SECRET");
}

static void test_too_many_variables(void **state)
{
	static char text[300][8];
	static const char *env[301];
	struct run r = sh("true", 5000);
	struct err err;

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(text[i], sizeof(text[i]), "V%d=", i);
		env[i] = text[i];
	}
	r.env = env;
	assert_int_equal(run_wait(&r, &err), -E2BIG);
}

static void test_limits_and_umask(void **state)
{
	struct run_as as = RUN_AS;
	struct run r = sh("ulimit -n; umask; pwd", 5000);
	struct err err;

	(void)state;
	as.umask = 077;
	as.limits[as.n_limits++] =
		(struct run_limit){ RLIMIT_NOFILE, { 77, 77 } };
	r.as = &as;
	r.cwd = "/usr";
	assert_int_equal(run_wait(&r, &err), 0);
	assert_string_equal(run_said(&r), "77; 0077; /usr");
}

static void test_user(void **state)
{
	struct run_as as = RUN_AS;
	struct run r = sh("id -u; id -g; id -G", 5000);
	struct err err;

	(void)state;
	as.uid = 65534;
	as.gid = 65534;
	as.groups[0] = 33;
	as.n_groups = 1;
	r.as = &as;
	if (geteuid() != 0) {
		assert_int_equal(run_wait(&r, &err), -EPERM);
		expect_text(err.text, "change user");
		return;
	}
	assert_int_equal(run_wait(&r, &err), 0);
	assert_string_equal(run_said(&r), "65534; 65534; 65534 33");
}

static void test_signals(void **state)
{
	struct run r = sh("grep -E 'Sig(Blk|Ign)' /proc/self/status", 5000);
	struct err err;
	sigset_t some;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	sigprocmask(SIG_BLOCK, &some, NULL);
	assert_int_equal(run_wait(&r, &err), 0);
	assert_string_equal(run_said(&r), "SigBlk: 0000000000000000; "
					  "SigIgn: 0000000000000000");
	sigprocmask(SIG_UNBLOCK, &some, NULL);
}

/* -- detached ---------------------------------------------------------------
 */

static char log_file[64] = "/tmp/encap-run-XXXXXX";

static void test_detach(void **state)
{
	struct run r = sh("echo $$ $" RUN_PID_ENV "; sleep 31", 5000);
	struct proc p;
	int own, told;
	struct err err;

	(void)state;
	r.log = log_file;
	assert_int_equal(run_detach(&r, &err), 0);
	assert_true(proc_read(r.pid, &p));
	assert_int_equal(p.session, r.pid);
	for (int i = 0; i < 100 && !r.tail_len; i++) {
		usleep(10000);
		run_log_tail(&r);
	}
	assert_int_equal(sscanf(r.tail, "%d %d", &own, &told), 2);
	assert_int_equal(own, r.pid);
	assert_int_equal(told, r.pid);
	assert_int_equal(waitpid(r.pid, NULL, WNOHANG), -1); /* not ours */
	assert_int_equal(kill(-r.pid, SIGKILL), 0);
}

static void test_detach_fails(void **state)
{
	const char *const argv[] = { "/no/such/daemon", NULL };
	struct run r = { .argv = argv,
			 .log = log_file,
			 .deadline_ms = now() + 5000 };
	struct err err;

	(void)state;
	assert_int_equal(run_detach(&r, &err), -ENOENT);
	expect_text(err.text, "/no/such/daemon: execute: ");
}

/* A daemon keeps the log open; it is not waited for, and no pipe breaks. */
static void test_log(void **state)
{
	struct run r = sh("(sleep 32; echo later) & echo started $!", 5000);
	int64_t before = now();
	struct err err;

	(void)state;
	r.log = log_file;
	assert_int_equal(run_wait(&r, &err), 0);
	assert_true(now() - before < 2000);
	expect_text(run_said(&r), "started ");
	kill(atoi(r.tail + strlen("started ")), SIGKILL);
}

static void test_log_is_cut(void **state)
{
	struct run r = sh("echo new", 5000);
	struct stat st;
	struct err err;

	(void)state;
	assert_int_equal(truncate(log_file, 2 * 1024 * 1024), 0);
	r.log = log_file;
	assert_int_equal(run_wait(&r, &err), 0);
	assert_string_equal(run_said(&r), "new");
	assert_int_equal(stat(log_file, &st), 0);
	assert_int_equal(st.st_size, 4);
}

/* -- calls and threads ------------------------------------------------------
 */

static int call_answer(const void *arg)
{
	return *(const int *)arg;
}

static int call_hang(const void *arg)
{
	(void)arg;
	while (pause() < 0 && errno == EINTR)
		;
	return 0;
}

static void test_call(void **state)
{
	struct err err;
	int seven = 7;
	int64_t before = now();

	(void)state;
	assert_int_equal(run_call(call_answer, &seven, now() + 2000, &err), 7);
	assert_int_equal(run_call(call_hang, NULL, now() + 100, &err),
			 -ETIMEDOUT);
	assert_in_range(now() - before, 100, 1500);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* none is left */
}

static void *many(void *arg)
{
	int *failures = arg;

	for (int i = 0; i < 20; i++) {
		const char *const argv[] = { "sh", "-c", "echo x; exit 4",
					     NULL };
		struct run r = { .argv = argv, .deadline_ms = now() + 10000 };

		if (run_wait(&r, NULL) != RUN_FAILED || r.code != 4 ||
		    strcmp(run_said(&r), "x") != 0)
			++*failures;
	}
	return NULL;
}

static void test_threads(void **state)
{
	int failures[4] = { 0 };
	pthread_t t[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&t[i], NULL, many, &failures[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(failures[i], 0);
	}
}

/* -- command texts ----------------------------------------------------------
 */

static const struct split_row {
	const char *name, *text;
	const char *words; /* joined by |; NULL: an error */
} split_rows[] = {
	{ "words", "a  b\tc", "a|b|c" },
	{ "quotes", "a 'b c' \"d e\" f\\ g", "a|b c|d e|f g" },
	{ "empty word", "a '' b", "a||b" },
	{ "a shell for a pipe", "a | b", "/bin/sh|-c|a | b" },
	{ "a shell for and", "a && b", "/bin/sh|-c|a && b" },
	{ "a shell for ;", "a; b", "/bin/sh|-c|a; b" },
	{ "no shell for one &", "a & b", "a|&|b" },
	{ "open quote", "a 'b", NULL },
	{ "empty", "", NULL },
	{ "blank", " \t ", NULL },
};

static void test_split(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct split_row *row = *state;
	const char *const *argv;
	const char *joined = NULL;
	struct err err;

	if (run_split(a, row->text, &argv, &err) == 0)
		for (size_t i = 0; argv[i]; i++)
			joined = joined ? arena_printf(a, "%s|%s", joined,
						       argv[i])
					: argv[i];
	if (row->words) {
		assert_non_null(joined);
		assert_string_equal(joined, row->words);
	} else {
		assert_null(joined);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_such_program),
		cmocka_unit_test(test_wrong_start),
		cmocka_unit_test(test_long_output),
		cmocka_unit_test(test_child_of_child),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_without_standard_descriptors),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_too_many_variables),
		cmocka_unit_test(test_limits_and_umask),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_detach),
		cmocka_unit_test(test_detach_fails),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_log_is_cut),
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_threads),
	};
	int failed;

	close(mkstemp(log_file));
	failed = TABLE_RUN(outcome_rows, test_outcome);
	failed += TABLE_RUN(late_rows, test_late);
	failed += TABLE_RUN(split_rows, test_split);
	failed += cmocka_run_group_tests(tests, NULL, NULL);
	unlink(log_file);
	return failed;
}
