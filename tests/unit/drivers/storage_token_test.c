/*
 * What keeps a start of the past away from shared storage, and a container that
 * does not stop away from the network.
 */
#include "tests/unit/drivers/sandbox.h"

#include <fcntl.h>
#include <net/if.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "drivers/netcut.h"
#include "drivers/token.h"
#include "tests/lib/table.h"

static const char *token_path(struct arena *a)
{
	return arena_printf(a, "%s/token", sandbox_dir);
}

static int start(struct arena *a, const char *path, uint64_t token, int64_t ms,
		 struct err *err)
{
	const char *common[] = { "token_file", path, NULL };
	const struct resource r = {
		.rid = "fs#1", .group = "fs", .type = "flag", .common = common
	};
	const struct job j = { .service = "web",
			       .node = "hv1",
			       .res = &r,
			       .token = token,
			       .run_dir = sandbox_dir,
			       .deadline_ms = driver_now_ms() + ms,
			       .arena = a };
	int rc = driver_start(&j, err);

	driver_stop(&j, NULL);
	return rc;
}

static const struct row {
	const char *name;
	const char *before; /* what the file holds; NULL: there is none */
	uint64_t token;
	int rc;
	const char *after, *text;
} rows[] = {
	{ "the first", NULL, 7, 0, "7\n", "" },
	{ "an empty file", "", 7, 0, "7\n", "" },
	{ "a newer one", "7\n", 8, 0, "8\n", "" },
	{ "one with more digits", "9\n", 10, 0, "10\n", "" },
	{ "the same again", "8\n", 8, 0, "8\n", "" },
	{ "an older one", "8\n", 7, -ESTALE, "8\n", "start fs#1: token_file" },
	{ "an older one with fewer digits", "10\n", 9, -ESTALE, "10\n",
	  "a newer assignment than 9 has started it" },
	{ "as a person writes it", "8", 7, -ESTALE, "8", "newer" },
	{ "no number", "eight\n", 9, -EIO, "eight\n", "holds no number" },
	{ "a number that is none", "99999999999999999999999\n", 9, -EIO,
	  "99999999999999999999999\n", "holds no number" },
	{ "no assignment: nothing to compare", "8\n", 0, 0, "8\n", "" },
};

static void takes(void **state)
{
	const struct row *row = *state;
	SCOPED(arena) struct arena *a = arena_new();
	const char *path = token_path(a);
	struct err err = { 0 };
	char *now;
	int rc;

	unlink(path);
	if (row->before)
		assert_int_equal(job_file_write(path, row->before, NULL), 0);
	rc = start(a, path, row->token, 5000, &err);
	if (rc != row->rc)
		fail_msg("%d: %s", rc, err.text);
	if (!strstr(err.text, row->text))
		fail_msg("'%s' is not in '%s'", row->text, err.text);
	assert_int_equal(job_file_read(a, path, &now, NULL), 0);
	assert_string_equal(now, row->after);
}

/* Another node is at it, or died at it. */
static void test_locked(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *path = token_path(a);
	struct err err = { 0 };
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(start(a, path, 7, 300, &err), -ETIMEDOUT);
	close(fd);
	assert_int_equal(start(a, path, 7, 5000, &err), 0);
}

static void test_bad_paths(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct err err = { 0 };

	(void)state;
	assert_int_equal(start(a, "token", 7, 5000, &err), -EINVAL);
	assert_int_equal(start(a, "/no/such/folder/token", 7, 5000, &err),
			 -EIO);
	assert_int_equal(start(a, "", 7, 5000, &err), 0);
}

/* -- the network -------------------------------------------------------------
 */

static bool is_up(const char *dev)
{
	struct ifreq r = { 0 };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", dev);
	assert_int_equal(ioctl(s, SIOCGIFFLAGS, &r), 0);
	close(s);
	return r.ifr_flags & IFF_UP;
}

static void set_up(const char *dev)
{
	struct ifreq r = { .ifr_flags = IFF_UP };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", dev);
	assert_int_equal(ioctl(s, SIOCSIFFLAGS, &r), 0);
	close(s);
}

/* A process with a network of its own, which has one end of a cable. */
static pid_t contained(int to[2])
{
	pid_t pid;
	char c;

	assert_int_equal(pipe(to), 0);
	pid = fork();
	if (pid == 0) {
		char own[2] = "x";

		if (unshare(CLONE_NEWNET) < 0)
			_exit(1);
		if (write(to[1], own, 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(to[0], &c, 1), 1);
	return pid;
}

static void ip(struct arena *a, const char *args)
{
	const char *argv[] = { "sh", "-c", arena_printf(a, "ip %s", args),
			       NULL };
	struct run r = { .argv = argv, .deadline_ms = driver_now_ms() + 5000 };
	struct err err = { 0 };

	if (run_ok(&r, &err) < 0)
		fail_msg("%s", err.text);
}

static void test_netcut(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct err err = { 0 };
	int to[2], own, theirs;
	pid_t pid = contained(to);

	(void)state;
	ip(a, arena_printf(a, "link add cut0 type veth peer name cut1 netns %d",
			   pid));
	set_up("cut0");
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	theirs = open(arena_printf(a, "/proc/%d/ns/net", pid),
		      O_RDONLY | O_CLOEXEC);
	assert_int_equal(setns(theirs, CLONE_NEWNET), 0);
	set_up("cut1");
	set_up("lo");
	assert_int_equal(setns(own, CLONE_NEWNET), 0);

	if (netcut(pid, driver_now_ms() + 5000, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(is_up("cut0")); /* this machine's own stays as it is */
	assert_int_equal(setns(theirs, CLONE_NEWNET), 0);
	assert_false(is_up("cut1"));
	assert_true(is_up("lo"));
	assert_int_equal(setns(own, CLONE_NEWNET), 0);
	/* Again, when nothing is left to do. */
	assert_int_equal(netcut(pid, driver_now_ms() + 5000, &err), 0);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(netcut(pid, driver_now_ms() + 5000, &err), -ESRCH);
	close(own);
	close(theirs);
	close(to[0]);
	close(to[1]);
}

/* A container that shares the machine's network must not take it away. */
static void test_own_network(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(netcut(getpid(), driver_now_ms() + 5000, &err),
			 -EPERM);
	assert_non_null(strstr(err.text, "this machine's"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_bad_paths),
		cmocka_unit_test(test_netcut),
		cmocka_unit_test(test_own_network),
	};

	sandbox_enter(NULL);
	sandbox_exit(TABLE_RUN(rows, takes) +
		     cmocka_run_group_tests(tests, NULL, NULL));
}
