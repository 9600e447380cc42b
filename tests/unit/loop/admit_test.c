/*
 * Who is root of a container of ours: from maps, and with user namespaces for
 * real.
 */
#include "cluster/loop/admit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/table.h"

static const struct row {
	const char *name;
	const char *map;
	unsigned uid;
	bool ok;
} rows[] = {
	{ "its root", "         0     100000      65536\n", 100000, true },
	{ "one of its users", "0 100000 65536\n", 100001, false },
	{ "in parts", "1 5 10\n0 100000 1\n", 100000, true },
	{ "another part's first", "1 5 10\n0 100000 1\n", 5, false },
	{ "nobody is its root", "1 100000 65536\n", 100000, false },
	{ "no map", "", 100000, false },
	{ "no map, and root", "", 0, false },
};

static void tells_root(void **state)
{
	const struct row *r = *state;

	assert_int_equal(admit_is_root(r->map, r->uid), r->ok);
}

/* -- for real -------------------------------------------------------------- */

#define FIRST 100000

/* In the child: become who the test is about. */
static bool be_root(void)
{
	return true;
}

static bool be_a_user(void)
{
	return setresuid(1000, 1000, 1000) == 0;
}

static bool write_map(pid_t pid, const char *name, const char *map)
{
	char path[64];
	size_t n = strlen(map);
	int fd;
	bool ok;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ok = fd >= 0 && write(fd, map, n) == (ssize_t)n;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* A user of the container makes himself root, of himself. */
static bool be_a_user_who_is_root_at_home(void)
{
	return be_a_user() && prctl(PR_SET_DUMPABLE, 1) == 0 &&
	       unshare(CLONE_NEWUSER) == 0 &&
	       write_map(getpid(), "uid_map", "0 1000 1\n");
}

static const struct who {
	const char *name;
	bool (*be)(void);
	uid_t uid; /* as seen from here */
	bool ok;
} whos[] = {
	{ "a container's root is heard", be_root, FIRST, true },
	{ "a container's user is not", be_a_user, FIRST + 1000, false },
	{ "nor where he is root of himself", be_a_user_who_is_root_at_home,
	  FIRST + 1000, false },
};

struct child {
	pid_t pid;
	int in, out; /* a byte each way */
};

static void child_run(int in, int out, bool (*be)(void))
{
	char c = 'y';

	if (unshare(CLONE_NEWUSER) < 0)
		c = 'n';
	if (write(out, &c, 1) != 1 || read(in, &c, 1) != 1)
		_exit(1);
	c = setresuid(0, 0, 0) == 0 && be() ? 'y' : 'n';
	if (write(out, &c, 1) != 1 || read(in, &c, 1) != 1)
		_exit(1);
	_exit(0);
}

static char child_says(const struct child *c)
{
	char answer = 0;

	assert_int_equal(read(c->out, &answer, 1), 1);
	return answer;
}

static void child_start(struct child *c, bool (*be)(void))
{
	int to[2], from[2];

	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (c->pid == 0) {
		close(to[1]);
		close(from[0]);
		child_run(to[0], from[1], be);
	}
	close(to[0]);
	close(from[1]);
	c->in = to[1];
	c->out = from[0];
}

static void child_end(struct child *c)
{
	close(c->in);
	waitpid(c->pid, NULL, 0);
	close(c->out);
}

static void hears(void **state)
{
	const struct who *w = *state;
	struct child c;
	struct err err = { 0 };

	child_start(&c, w->be);
	if (geteuid() != 0 || child_says(&c) != 'y' ||
	    !write_map(c.pid, "gid_map", "0 0 1\n") ||
	    !write_map(c.pid, "uid_map", "0 100000 65536\n")) {
		child_end(&c);
		skip();
	}
	assert_int_equal(write(c.in, "x", 1), 1);
	assert_int_equal(child_says(&c), 'y');
	assert_int_equal(admit_peer(c.pid, w->uid, &err), w->ok ? 0 : -EPERM);
	assert_int_equal(strstr(err.text, "is refused") != NULL, !w->ok);
	child_end(&c);
}

static void others_are_not_heard(void **state)
{
	(void)state;
	assert_int_equal(admit_peer(getpid(), 0, NULL), 0);
	assert_int_equal(admit_peer(getpid(), geteuid(), NULL), 0);
	assert_int_equal(admit_peer(getpid(), geteuid() + 1000, NULL), -EPERM);
	assert_int_equal(admit_peer(0, geteuid() + 1000, NULL), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_are_not_heard),
	};

	cmocka_set_test_filter(getenv("T"));
	return cmocka_run_group_tests(tests, NULL, NULL) +
	       TABLE_RUN(rows, tells_root) + TABLE_RUN(whos, hears);
}
