#include "cluster/loop/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster/loop/report.h"
#include "drivers/proc.h"

#define ALIVE_MS 2000 /* it looks twenty times a second */

static void cannot(struct guard *g, const char *what)
{
	snprintf(g->why, sizeof(g->why), "%s: %s", what, strerror(errno));
	g->page = NULL;
}

static struct guard_page *map_page(int fd)
{
	void *at = mmap(NULL, sizeof(struct guard_page), PROT_READ | PROT_WRITE,
			MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

static bool fits(int fd)
{
	struct stat st;
	struct guard_page head;

	return fstat(fd, &st) == 0 &&
	       (size_t)st.st_size >= sizeof(struct guard_page) &&
	       pread(fd, &head, offsetof(struct guard_page, pid), 0) ==
		       (ssize_t)offsetof(struct guard_page, pid) &&
	       head.magic == GUARD_MAGIC && head.version == GUARD_VERSION &&
	       head.size == sizeof(head);
}

/* A page of another version, whose guard does not know ours: it guards what an
 * agent of its version said, until that agent's successor has said it anew. */
static void dismiss(int fd)
{
	uint32_t pid = 0;

	if (pread(fd, &pid, sizeof(pid), offsetof(struct guard_page, pid)) ==
		    sizeof(pid) &&
	    pid > 1)
		kill((pid_t)pid, SIGTERM);
}

static int make_page(struct guard *g)
{
	int fd;

	unlink(g->path);
	fd = open(g->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || posix_fallocate(fd, 0, sizeof(struct guard_page)) != 0) {
		cannot(g, g->path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static void open_page(struct guard *g)
{
	int fd = open(g->path, O_RDWR | O_CLOEXEC);
	bool old = fd >= 0 && fits(fd);
	struct proc self;

	if (fd >= 0 && !old) {
		dismiss(fd);
		close(fd);
	}
	if (!old)
		fd = make_page(g);
	if (fd < 0)
		return;
	g->page = map_page(fd);
	close(fd);
	if (!g->page) {
		cannot(g, g->path);
		return;
	}
	g->page->size = sizeof(*g->page);
	g->page->version = GUARD_VERSION;
	g->page->magic = GUARD_MAGIC;
	if (proc_read(getpid(), &self))
		atomic_store(&g->page->agent_start, self.start);
	atomic_store(&g->page->agent, (uint32_t)getpid());
}

/* Beside this program, whatever it is called. */
static void find_program(struct guard *g)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	if ((size_t)snprintf(g->program, sizeof(g->program), "%s/encap-guard",
			     dirname(self)) >= sizeof(g->program))
		g->program[0] = '\0';
}

/* Is a guard there? It holds a lock for as long as it lives. */
static bool is_guarded(const struct guard *g)
{
	int fd = open(g->path, O_RDWR | O_CLOEXEC);
	bool locked = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 &&
		      errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return locked;
}

/* Its parent is the system's init: it outlives this agent, and nobody of us
 * has to bury it. Between fork and exec nothing is allocated. */
static void start(struct guard *g)
{
	char *const argv[] = { g->program, g->path,
			       g->watchdog[0] ? g->watchdog : NULL, NULL };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setsid();
		if (fork() == 0)
			execv(g->program, argv);
		_exit(0);
	}
	if (pid > 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
}

void guard_open(struct guard *g, const char *run, const char *program,
		const char *watchdog)
{
	*g = (struct guard){ 0 };
	snprintf(g->path, sizeof(g->path), "%s/guard", run);
	snprintf(g->program, sizeof(g->program), "%s", program);
	snprintf(g->watchdog, sizeof(g->watchdog), "%s", watchdog);
	if (!g->program[0])
		find_program(g);
	if (access(g->program, X_OK) < 0) {
		cannot(g, g->program);
		return;
	}
	open_page(g);
	if (g->page && !is_guarded(g))
		start(g);
}

static void put_list(struct guard_page *p, const char *list, size_t len)
{
	uint32_t next = 1 - (atomic_load(&p->which) & 1);

	if (p->list[1 - next].len == len &&
	    memcmp(p->list[1 - next].bytes, list, len) == 0)
		return;
	memcpy(p->list[next].bytes, list, len);
	p->list[next].len = (uint32_t)len;
	atomic_store(&p->which, next);
	atomic_fetch_add(&p->seq, 1);
}

/* A list that is too long is cut behind the last item that fits: what is left
 * out is this agent's alone, and that is said. */
static size_t cut(const char *list, size_t len)
{
	size_t fits_to = 0;

	if (len <= GUARD_LIST)
		return len;
	for (size_t i = 1; i < GUARD_LIST; i++)
		if (!list[i] && !list[i - 1])
			fits_to = i + 1;
	report(3,
	       "the guard's list is full: what is in the last %zu bytes of "
	       "it is not guarded",
	       len - fits_to);
	return fits_to;
}

void guard_set(struct guard *g, uint64_t until_ms, const char *list, size_t len)
{
	if (!g->page)
		return;
	/* Later times first, so that a new list never meets an old time. */
	if (until_ms > atomic_load(&g->page->until_ms))
		atomic_store(&g->page->until_ms, until_ms);
	put_list(g->page, list, cut(list, len));
	atomic_store(&g->page->until_ms, until_ms);
}

void guard_turn(struct guard *g, uint64_t now_ms)
{
	if (g->page)
		atomic_store(&g->page->agent_ms, now_ms);
}

static bool is_alive(const struct guard *g, uint64_t now_ms)
{
	return g->page && atomic_load(&g->page->pid) != 0 &&
	       now_ms < atomic_load(&g->page->alive_ms) + ALIVE_MS;
}

void guard_look(struct guard *g, uint64_t now_ms)
{
	if (!g->page) {
		if (!g->told)
			report(4, "%s", guard_says(g, now_ms));
		g->told = true;
		return;
	}
	if (!is_alive(g, now_ms) && !is_guarded(g)) {
		report(4, "the guard is gone: starting it");
		start(g);
	}
}

const char *guard_says(const struct guard *g, uint64_t now_ms)
{
	static char text[256];

	if (!g->page)
		snprintf(text, sizeof(text), "its agent alone; no guard (%s)",
			 g->why);
	else if (!is_alive(g, now_ms))
		snprintf(text, sizeof(text),
			 "its agent alone; the guard does not answer");
	else
		snprintf(text, sizeof(text), "its agent, the guard%s",
			 atomic_load(&g->page->watchdog) ? ", and the watchdog"
							 : "; no watchdog");
	return text;
}

void guard_close(struct guard *g)
{
	if (g->page)
		munmap(g->page, sizeof(*g->page));
	g->page = NULL;
}
