/*
 * What is said to liblxc, in a process of its own (helper.h):
 *
 *   state NAME PATH CF                  prints "STATE INIT-PID AUTOSTART"
 *   start NAME PATH CF LOG KEY=VALUE... [-- INIT...]  makes it run and stay
 *   stop NAME PATH CF SECONDS [SIGNAL]  asks its init to halt, then kills it
 *   kill NAME PATH CF
 *   run NAME PATH CF COMMAND...         in the container; its exit code
 *
 * PATH is the directory of containers, CF a configuration file or "" for
 * PATH/NAME/config. Exit code 0, or 1 and the reason on stderr (run: 126);
 * LXC_ENDED when it was started and is not there any more.
 *
 * errno.h stands first: lxccontainer.h uses it without including it.
 */
#include <errno.h>

#include <fcntl.h>
#include <lxc/lxccontainer.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drivers/announce.h"
#include "drivers/helper.h"

#define MONITOR_WAIT_MS 1500 /* for the monitor to clean up and end */
#define SETTLE_MS	100  /* an init that cannot run has ended by then */

static int fail(const struct lxc_container *c, const char *what)
{
	fprintf(stderr, "%s%s%s\n", what, c && c->error_string ? ": " : "",
		c && c->error_string ? c->error_string : "");
	return 1;
}

static void pause_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000,
			      .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static bool is_state(struct lxc_container *c, const char *state)
{
	return strcmp(c->state(c), state) == 0;
}

/* -- state ------------------------------------------------------------------
 */

static int do_state(struct lxc_container *c, int argc, char **argv)
{
	char automatic[8] = "";

	(void)argc;
	(void)argv;
	if (c->get_config_item(c, "lxc.start.auto", automatic,
			       sizeof(automatic)) < 0)
		automatic[0] = '\0';
	printf("%s %d %d\n", c->state(c), (int)c->init_pid(c),
	       automatic[0] == '1');
	return 0;
}

/* -- start ------------------------------------------------------------------
 */

static unsigned count_networks(struct lxc_container *c)
{
	char list[4096];
	unsigned n = 0;
	int len = c->get_config_item(c, "lxc.net", list, sizeof(list));

	for (int i = 0; i < len && i < (int)sizeof(list); i++)
		n += list[i] == '\n';
	return n;
}

/* "lxc.net.+.x": of one more network than the file has. */
static bool set_item(struct lxc_container *c, const char *pair,
		     unsigned networks)
{
	static const char more[] = "lxc.net.+.";
	const char *value = strchr(pair, '=');
	char key[128];
	int n;

	if (!value)
		return false;
	n = (int)(value++ - pair);
	if (strncmp(pair, more, strlen(more)) == 0)
		snprintf(key, sizeof(key), "lxc.net.%u.%.*s", networks,
			 n - (int)strlen(more), pair + strlen(more));
	else
		snprintf(key, sizeof(key), "%.*s", n, pair);
	if (c->set_config_item(c, key, value))
		return true;
	fprintf(stderr, "liblxc does not take %s = %s\n", key, value);
	return false;
}

/* The last things that the container says on its console tell why it ended,
 * if it does. Nothing, where the file has its own idea of a console. */
static void keep_console(struct lxc_container *c, const char *log)
{
	static const char *const own[] = { "lxc.console.path",
					   "lxc.console.logfile",
					   "lxc.console.size" };
	char path[4096];

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (c->get_config_item(c, own[i], path, sizeof(path)) > 0 &&
		    strcmp(path, "0") != 0)
			return;
	snprintf(path, sizeof(path), "%s.console", log);
	c->set_config_item(c, "lxc.console.size", "64KB");
	c->set_config_item(c, "lxc.console.logfile", path);
}

/* The container may have been elsewhere, with another MAC: say where its
 * addresses are now. Who keeps the old place in mind finds out by itself in
 * half a minute, so a failure is none of the start. Leaves the process in the
 * container's network: to be done last. */
static void announce_addresses(struct lxc_container *c, int argc, char **argv)
{
	char path[64];
	struct netif dev;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)c->init_pid(c));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0 ||
	    netif_look("eth0", &dev, NULL) < 0 || !dev.up || !dev.has_mac)
		return;
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *is = strstr(argv[i], ".address=");
		char text[64];
		struct ip ip;

		if (strncmp(argv[i], "lxc.net.+.", 10) != 0 || !is)
			continue;
		snprintf(text, sizeof(text), "%s", strchr(is, '=') + 1);
		text[strcspn(text, "/")] = '\0';
		if (ip_parse(text, &ip))
			announce(&dev, &ip, NULL);
	}
}

static int do_start(struct lxc_container *c, int argc, char **argv)
{
	struct lxc_log log = {
		.name = c->name,
		.lxcpath = c->get_config_path(c),
		.file = argv[0],
		.level = "WARN",
		.prefix = "encap",
		.quiet = true,
	};
	unsigned networks = count_networks(c);
	int i;

	if (argc < 1)
		return 2;
	if (lxc_log_init(&log) < 0)
		return fail(c, "liblxc cannot open its log");
	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!set_item(c, argv[i], networks))
			return 1;
	keep_console(c, argv[0]);
	if (!c->want_daemonize(c, true) || !c->want_close_all_fds(c, true))
		return fail(c, "liblxc refuses to start it in the background");
	if (!c->start(c, 0, i + 1 < argc ? argv + i + 1 : NULL))
		return fail(c, "liblxc cannot start it");
	for (int ms = 0; ms < SETTLE_MS; ms += 20) {
		if (!c->is_running(c))
			return LXC_ENDED;
		pause_ms(20);
	}
	announce_addresses(c, argc, argv);
	return 0;
}

/* -- stop -------------------------------------------------------------------
 */

/* A value of /proc/PID/status, such as the line "SigCgt:\t0000...". */
static unsigned long long proc_value(pid_t pid, const char *name, int base)
{
	char path[48], line[256];
	unsigned long long value = 0;
	size_t n = strlen(name);
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, n) == 0)
			value = strtoull(line + n, NULL, base);
	if (f)
		fclose(f);
	return value;
}

static bool is_busybox_init(pid_t pid)
{
	char path[48], exe[256], comm[32] = "";
	ssize_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	exe[n < 0 ? 0 : n] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (f && !fgets(comm, sizeof(comm), f))
		comm[0] = '\0';
	if (f)
		fclose(f);
	return strstr(exe, "busybox") && strcmp(comm, "init\n") == 0;
}

/*
 * How to ask this init to halt; NULL when it would not hear. systemd and
 * others wait for SIGRTMIN+3 with it blocked; System V's take SIGPWR; busybox
 * powers off at SIGUSR2 (and would reboot at SIGTERM); a plain program that is
 * the first process ends at SIGTERM if it catches it, and ignores it if not.
 */
static const char *halt_signal(pid_t init)
{
	unsigned long long heard = proc_value(init, "SigCgt:", 16) |
				   proc_value(init, "SigBlk:", 16);
#define HEARS(sig) (heard >> ((sig)-1) & 1)

	if (HEARS(SIGRTMIN + 3))
		return "SIGRTMIN+3";
	if (HEARS(SIGPWR))
		return "SIGPWR";
	if (is_busybox_init(init))
		return "SIGUSR2";
	return HEARS(SIGTERM) ? "SIGTERM" : NULL;
#undef HEARS
}

/* The monitor, parent of the init, ends when it has removed the cgroups. */
static int monitor_watch(pid_t init)
{
	pid_t monitor = (pid_t)proc_value(init, "PPid:", 10);

	return monitor > 1 ? pidfd_open(monitor, 0) : -1;
}

static void monitor_wait(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	if (pidfd >= 0)
		poll(&p, 1, MONITOR_WAIT_MS);
}

static int kill_box(struct lxc_container *c)
{
	/* A process that is frozen does not die before it is thawed. */
	if (is_state(c, "FROZEN"))
		c->unfreeze(c);
	if (c->is_running(c) && !c->stop(c) && c->is_running(c))
		return fail(c, "liblxc cannot kill it");
	return 0;
}

static int do_kill(struct lxc_container *c, int argc, char **argv)
{
	int monitor = monitor_watch(c->init_pid(c)), rc = kill_box(c);

	(void)argc;
	(void)argv;
	if (rc == 0)
		monitor_wait(monitor);
	return rc;
}

static int do_stop(struct lxc_container *c, int argc, char **argv)
{
	const char *signal = argc > 1 ? argv[1] : NULL;
	int seconds = argc > 0 ? atoi(argv[0]) : 0;
	pid_t init = c->init_pid(c);
	int monitor = monitor_watch(init);
	char set[32] = "";

	if (is_state(c, "FROZEN"))
		c->unfreeze(c);
	if (!signal &&
	    c->get_config_item(c, "lxc.signal.halt", set, sizeof(set)) > 0 &&
	    atoi(set) > 0)
		signal = set; /* liblxc's number of what the file says */
	if (!signal && init > 0)
		signal = halt_signal(init);
	if (signal && seconds > 0 &&
	    c->set_config_item(c, "lxc.signal.halt", signal) &&
	    c->shutdown(c, seconds)) {
		monitor_wait(monitor);
		return 0;
	}
	if (kill_box(c) != 0)
		return 1;
	monitor_wait(monitor);
	return 0;
}

/* -- run --------------------------------------------------------------------
 */

static int do_run(struct lxc_container *c, int argc, char **argv)
{
	lxc_attach_options_t o = LXC_ATTACH_OPTIONS_DEFAULT;
	int status;

	if (argc < 1)
		return 126;
	o.env_policy = LXC_ATTACH_CLEAR_ENV;
	status = c->attach_run_wait(c, &o, argv[0],
				    (const char *const *)(uintptr_t)argv);
	if (status < 0)
		return 126;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* -- which ------------------------------------------------------------------
 */

static const struct {
	const char *name;
	int (*call)(struct lxc_container *c, int argc, char **argv);
} verbs[] = {
	{ "state", do_state }, { "start", do_start }, { "stop", do_stop },
	{ "kill", do_kill },   { "run", do_run },
};

static struct lxc_container *open_box(const char *name, const char *path,
				      const char *cf)
{
	struct lxc_container *c = lxc_container_new(name, path);

	if (!c) {
		fprintf(stderr, "liblxc cannot open container %s in %s\n", name,
			path);
		return NULL;
	}
	/* Without any configuration liblxc does not even thaw one. */
	if (!c->is_defined(c))
		c->set_config_item(c, "lxc.uts.name", name);
	if (!*cf)
		return c;
	c->clear_config(c);
	if (c->load_config(c, cf))
		return c;
	fprintf(stderr, "%s: liblxc does not take this configuration\n", cf);
	lxc_container_put(c);
	return NULL;
}

int lxc_helper(int argc, char **argv)
{
	struct lxc_container *c;
	int rc = 1;

	if (argc < 4)
		return 2;
	c = open_box(argv[1], argv[2], argv[3]);
	if (!c)
		return 1;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[0], verbs[i].name) == 0)
			rc = verbs[i].call(c, argc - 4, argv + 4);
	lxc_container_put(c);
	return rc;
}
