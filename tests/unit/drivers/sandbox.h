/*
 * sandbox - where drivers may do what they do for real, and a job for them.
 *
 * sandbox_enter() goes on in a child with mounts, network and processes of its
 * own; whatever the test leaves there is gone with it. Without the rights for
 * that the program ends with 77 and the reason.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "drivers/driver.h"
#include "drivers/job.h"
#include "drivers/proc.h"
#include "drivers/run.h"

static const char *sandbox_service = "web";
static char sandbox_dir[64]; /* a tmpfs inside, gone afterwards */
/* Loop devices are the machine's, and carry the node's name: of no other test
 * that runs beside this one. */
static char sandbox_node[32] = "node1";

static inline _Noreturn void sandbox_skip(const char *why)
{
	printf("SKIP: %s\n", why);
	exit(77);
}

/* The end of main(): LeakSanitizer, which would run at exit, does not work as
 * process 1 of a namespace. */
static inline _Noreturn void sandbox_exit(int code)
{
	fflush(stdout);
	fflush(stderr);
	_exit(code);
}

/* /sys shows the network of who mounted it, and holds the cgroups: so only
 * these two of a new one. */
static inline int sandbox_sys(void)
{
	int rc = mount("sysfs", sandbox_dir, "sysfs", 0, NULL);
	char from[96];

	for (int i = 0; rc == 0 && i < 2; i++) {
		const char *part = i ? "devices" : "class";
		char to[32];

		snprintf(from, sizeof(from), "%s/%s", sandbox_dir, part);
		snprintf(to, sizeof(to), "/sys/%s", part);
		rc = mount(from, to, NULL, MS_BIND, NULL);
	}
	return rc < 0 ? rc : umount2(sandbox_dir, MNT_DETACH);
}

static inline void sandbox_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("proc", "/proc", "proc", 0, NULL) < 0 || sandbox_sys() < 0 ||
	    mount("tmpfs", sandbox_dir, "tmpfs", 0, "mode=755") < 0 ||
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=755") < 0) {
		perror("mounts of the sandbox");
		exit(1);
	}
}

/* The one in between has the new namespaces for its children alone; once the
 * first of them is gone it cannot have more. */
static inline void sandbox_between(void)
{
	int status = 0;
	pid_t pid;

	if (unshare(CLONE_NEWNET | CLONE_NEWPID) < 0) {
		printf("SKIP: no namespaces can be made here\n");
		sandbox_exit(77);
	}
	pid = fork();
	if (pid == 0) {
		sandbox_mounts();
		return;
	}
	waitpid(pid, &status, 0);
	sandbox_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* @after runs outside when all is over, for what namespaces do not hold. */
static inline void sandbox_enter(void (*after)(void))
{
	int status = 0;
	pid_t pid;

	if (geteuid() != 0)
		sandbox_skip("must be root to make namespaces");
	snprintf(sandbox_dir, sizeof(sandbox_dir), "/tmp/encap-drivers-XXXXXX");
	if (!mkdtemp(sandbox_dir))
		sandbox_skip("no folder below /tmp can be made");
	snprintf(sandbox_node, sizeof(sandbox_node), "node%s",
		 strrchr(sandbox_dir, '-') + 1);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		sandbox_between();
		return;
	}
	waitpid(pid, &status, 0);
	rmdir(sandbox_dir);
	if (after)
		after();
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* How many others there are in here; children that have ended are reaped. */
static inline int sandbox_processes(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	assert_non_null(d);
	while ((e = readdir(d))) {
		pid_t pid = (pid_t)atoi(e->d_name);

		n += pid > 1 && proc_is_alive(pid);
	}
	closedir(d);
	return n;
}

/* -- a job ---------------------------------------------------------------- */

struct rig {
	struct arena *arena;
	struct resource res;
	struct job job;
	struct err err;
	struct probe probe;
};

static inline void rig_init(struct rig *r, const char *rid, const char *group,
			    const char *type, const char *const *kw)
{
	/* One for all, and always reachable: a test that fails midway frees
	 * nothing, and a report of leaks would hide why. */
	static struct arena *arena;

	if (!arena)
		arena = arena_new();
	*r = (struct rig){ .arena = arena };
	r->res = (struct resource){ .rid = rid,
				    .group = group,
				    .type = type,
				    .subset = "",
				    .kw = kw,
				    .encapnode = "" };
	r->job = (struct job){
		.service = sandbox_service,
		.node = sandbox_node,
		.instance_up = true,
		.run_dir = arena_printf(r->arena, "%s/run", sandbox_dir),
		.etc_dir = arena_printf(r->arena, "%s/etc", sandbox_dir),
		.arena = r->arena
	};
	if (!sandbox_dir[0])
		r->job.run_dir = r->job.etc_dir = "/nonexistent";
}

#define RIG(r, rid, group, type, ...)                                          \
	struct rig r;                                                          \
	const char *r##_kw[] = { __VA_ARGS__, NULL };                          \
	rig_init(&r, rid, group, type, r##_kw)

static inline struct job *rig_within(struct rig *r, int64_t ms)
{
	r->job.res = &r->res;
	r->job.deadline_ms = driver_now_ms() + ms;
	r->err = (struct err){ 0 };
	return &r->job;
}

static inline void rig_expect(const char *op, int want, int rc,
			      const struct err *err)
{
	if (rc != want)
		fail_msg("%s: %d, not %d: %s", op, rc, want,
			 rc < 0 ? err->text : "");
}

static inline void rig_start(struct rig *r, int want)
{
	rig_expect("start", want, driver_start(rig_within(r, 20000), &r->err),
		   &r->err);
}

static inline void rig_stop(struct rig *r, int want)
{
	rig_expect("stop", want, driver_stop(rig_within(r, 8000), &r->err),
		   &r->err);
}

static inline void rig_kill(struct rig *r, int want)
{
	rig_expect("kill", want, driver_kill(rig_within(r, 4000), &r->err),
		   &r->err);
}

static inline void rig_provision(struct rig *r, int want)
{
	rig_expect("provision", want,
		   driver_provision(rig_within(r, 20000), &r->err), &r->err);
}

static inline void rig_unprovision(struct rig *r, int want)
{
	rig_expect("unprovision", want,
		   driver_unprovision(rig_within(r, 8000), &r->err), &r->err);
}

/* The probe says @want, and its log holds @log (NULL: is empty). */
static inline void rig_probe(struct rig *r, enum status want, const char *log)
{
	int rc = driver_probe(rig_within(r, 5000), &r->probe, &r->err);

	rig_expect("probe", 0, rc, &r->err);
	if (r->probe.status != want)
		fail_msg("status %s, not %s; log: %s",
			 status_name(r->probe.status), status_name(want),
			 r->probe.log);
	if (log ? !strstr(r->probe.log, log) : *r->probe.log != '\0')
		fail_msg("log '%s', expected '%s'", r->probe.log,
			 log ? log : "");
}

/* What a look says of what a start needs. */
static inline void rig_made(struct rig *r, enum provisioned want)
{
	static const char *const words[] = { "n/a", "no", "yes" };
	int rc = driver_probe(rig_within(r, 5000), &r->probe, &r->err);

	rig_expect("probe", 0, rc, &r->err);
	if (r->probe.provisioned != want)
		fail_msg("provisioned: %s, not %s", words[r->probe.provisioned],
			 words[want]);
}

/* What comes a moment later: on a busy machine moments are long. */
#define SANDBOX_WAIT(condition)                                                \
	do {                                                                   \
		for (int i_ = 0; i_ < 5000 && !(condition); i_++)              \
			usleep(1000);                                          \
		assert_true(condition);                                        \
	} while (0)

static inline void expect_text(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not hold '%s'", text, part);
}

/* A shell command of the test itself; its output, without the last newline. */
static inline const char *shell(struct arena *a, const char *command)
{
	char text[4096];
	FILE *f = popen(command, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = '\0';
	if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
	if (!f || pclose(f) != 0)
		fail_msg("%s: failed: %s", command, text);
	return arena_printf(a, "%s", text);
}
