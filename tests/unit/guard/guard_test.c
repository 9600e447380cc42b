/* The guard acts when the time is over and not before, on what is listed and on
 * nothing else, and an agent that hangs is ended first. */
#include <fcntl.h>
#include <net/if.h>
#include <sys/file.h>
#include <time.h>

#include "cluster/loop/guard.h"
#include "tests/unit/drivers/sandbox.h"

static struct guard guard;
static char list[4096];
static size_t list_len;

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void item(const char *kind, const char *one, const char *two)
{
	struct arena *a = arena_new();
	struct buf b = BUF(a);

	driver_guard_item(&b, kind, one, two);
	memcpy(list + list_len, b.data, b.len);
	list_len += b.len;
	arena_free(a);
}

static pid_t child_with(const char *env)
{
	pid_t pid = fork();

	if (pid == 0) {
		const char *const envp[] = { env, NULL };

		execle("/bin/sleep", "sleep", "1000", NULL, envp);
		_exit(1);
	}
	return pid;
}

static bool is_gone(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == pid;
}

static void sleep_ms(unsigned ms)
{
	usleep(ms * 1000);
}

static bool within(unsigned ms, bool (*what)(pid_t), pid_t pid)
{
	for (unsigned t = 0; t < ms; t += 10) {
		if (what(pid))
			return true;
		sleep_ms(10);
	}
	return false;
}

static bool is_guarding(pid_t ignored)
{
	(void)ignored;
	return atomic_load(&guard.page->pid) != 0 &&
	       now_ms() < atomic_load(&guard.page->alive_ms) + 500;
}

static int begin(void **state)
{
	(void)state;
	list_len = 0;
	guard_open(&guard, sandbox_dir, GUARD_PROGRAM, "");
	assert_non_null(guard.page);
	assert_true(within(5000, is_guarding, 0));
	/* This process is no agent that hangs. */
	atomic_store(&guard.page->agent, 0);
	return 0;
}

static int end(void **state)
{
	pid_t pid = (pid_t)atomic_load(&guard.page->pid);
	int fd;

	(void)state;
	guard_set(&guard, 0, "", 0);
	kill(pid, SIGTERM);
	for (int i = 0; i < 300 && atomic_load(&guard.page->pid); i++)
		sleep_ms(10);
	assert_int_equal(atomic_load(&guard.page->pid), 0);
	/* It holds its lock a moment longer. */
	fd = open(guard.path, O_RDWR);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	close(fd);
	guard_close(&guard);
	return 0;
}

static void test_in_time(void **state)
{
	pid_t meant = child_with("ENCAP_RUN=web/app#1@hv1");
	pid_t other = child_with("ENCAP_RUN=web/app#11@hv1");

	(void)state;
	item("env", "ENCAP_RUN=web/app#1@hv1", NULL);
	guard_set(&guard, now_ms() + 400, list, list_len);
	sleep_ms(250);
	guard_set(&guard, now_ms() + 400, list, list_len);
	sleep_ms(250);
	assert_false(is_gone(meant)); /* it was moved on */
	assert_true(within(1000, is_gone, meant));
	sleep_ms(200);
	assert_false(is_gone(other));
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

static void test_nothing_is_guarded(void **state)
{
	pid_t meant = child_with("ENCAP_RUN=web/app#1@hv1");

	(void)state;
	item("env", "ENCAP_RUN=web/app#1@hv1", NULL);
	guard_set(&guard, now_ms() + 100, list, list_len);
	guard_set(&guard, 0, "", 0);
	sleep_ms(400);
	assert_false(is_gone(meant));
	kill(meant, SIGKILL);
	waitpid(meant, NULL, 0);
}

/* What comes up again while the time is over is taken away again. */
static void test_again(void **state)
{
	pid_t meant;

	(void)state;
	item("env", "ENCAP_RUN=web/app#1@hv1", NULL);
	guard_set(&guard, now_ms() - 1, list, list_len);
	sleep_ms(300);
	meant = child_with("ENCAP_RUN=web/app#1@hv1");
	assert_true(within(1000, is_gone, meant));
}

static bool command(const char *line)
{
	return system(line) == 0;
}

static void test_addresses_and_mounts(void **state)
{
	char line[256], dir[128];

	(void)state;
	snprintf(dir, sizeof(dir), "%s/mnt", sandbox_dir);
	mkdir(dir, 0755);
	assert_int_equal(mount("tmpfs", dir, "tmpfs", 0, NULL), 0);
	assert_true(command("ip link set lo up && "
			    "ip addr add 10.7.0.1/24 dev lo && "
			    "ip addr add 10.8.0.2/24 dev lo && "
			    "ip addr add fd77::1/64 dev lo"));
	item("mount", dir, NULL);
	item("address", "lo", "10.7.0.1");
	item("address", "lo", "fd77::1/64");
	item("address", "nodev", "10.8.0.2/24");
	item("address", "lo", "no address");
	item("unheard", "of", NULL);
	guard_set(&guard, now_ms() - 1, list, list_len);
	sleep_ms(500);
	snprintf(line, sizeof(line), "! mountpoint -q %s", dir);
	assert_true(command(line));
	assert_true(command("! ip addr show dev lo | grep -q 10.7.0.1/"));
	assert_true(command("! ip addr show dev lo | grep -q fd77::1/"));
	assert_true(command("ip addr show dev lo | grep -q 10.8.0.2/"));
}

static void test_an_agent_that_hangs(void **state)
{
	struct proc p;
	pid_t agent = child_with("A=agent");
	pid_t other = child_with("A=other");

	(void)state;
	kill(agent, SIGSTOP);
	assert_true(proc_read(agent, &p));
	item("env", "ENCAP_RUN=nothing", NULL);
	/* One that turns does not hang, whatever the time is. */
	atomic_store(&guard.page->agent_start, p.start);
	atomic_store(&guard.page->agent, (uint32_t)agent);
	guard_turn(&guard, now_ms() + 60000);
	guard_set(&guard, now_ms() - 3, list, list_len);
	sleep_ms(700);
	assert_false(is_gone(agent));
	guard_turn(&guard, now_ms() - 5000);
	/* A number that was given to another process is not the agent. */
	atomic_store(&guard.page->agent_start, p.start + 1000);
	atomic_store(&guard.page->agent, (uint32_t)other);
	guard_set(&guard, now_ms() - 2, list, list_len);
	sleep_ms(300);
	assert_false(is_gone(other));
	atomic_store(&guard.page->agent_start, p.start);
	atomic_store(&guard.page->agent, (uint32_t)agent);
	guard_set(&guard, now_ms() - 1, list, list_len);
	assert_true(within(2000, is_gone, agent));
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

/* It is fed while all is well, not any more once something stays, and told the
 * letter V when the guard ends on purpose. */
static void test_watchdog(void **state)
{
	char path[128], bytes[512];
	struct guard own;
	int fd;
	ssize_t n;

	(void)state;
	snprintf(path, sizeof(path), "%s/run", sandbox_dir);
	mkdir(path, 0700);
	snprintf(bytes, sizeof(bytes), "%s/watchdog", sandbox_dir);
	assert_int_equal(mkfifo(bytes, 0600), 0);
	fd = open(bytes, O_RDWR | O_NONBLOCK);
	assert_true(fd >= 0);
	guard_open(&own, path, GUARD_PROGRAM, bytes);
	for (int i = 0; i < 200 && !atomic_load(&own.page->pid); i++)
		sleep_ms(10);
	assert_int_equal(atomic_load(&own.page->watchdog), 1);
	sleep_ms(500);
	n = read(fd, bytes, sizeof(bytes));
	assert_in_range(n, 3, 40);
	kill((pid_t)atomic_load(&own.page->pid), SIGTERM);
	for (int i = 0; i < 200 && atomic_load(&own.page->pid); i++)
		sleep_ms(10);
	n = read(fd, bytes, sizeof(bytes));
	assert_true(n > 0 && bytes[n - 1] == 'V');
	close(fd);
	guard_close(&own);
}

static void test_no_program(void **state)
{
	struct guard none;

	(void)state;
	guard_open(&none, sandbox_dir, "/no/such/guard", "");
	assert_null(none.page);
	assert_non_null(strstr(guard_says(&none, 0), "/no/such/guard"));
	guard_set(&none, 1, "", 0);
	guard_close(&none);
}

int main(void)
{
#define GUARDED(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		GUARDED(test_in_time),
		GUARDED(test_nothing_is_guarded),
		GUARDED(test_again),
		GUARDED(test_addresses_and_mounts),
		GUARDED(test_an_agent_that_hangs),
		cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_no_program),
	};

	sandbox_enter(NULL);
	sandbox_exit(cmocka_run_group_tests(tests, NULL, NULL));
}
