/*
 * edits - how fast acknowledged edits are, and what an idle agent costs.
 *
 * Starts three agents on loopback, each with folders of its own below DIR,
 * makes a cluster of them, and lets 1, 64 and 256 clients, spread over the
 * three, each edit a service of its own, one edit after the other. Each edit
 * is a whole one: parsed, checked, agreed on, on a majority's disks, applied.
 * In the same run it measures what the disk itself takes for a synchronous
 * write of 4 KiB into blocks that were written before.
 *
 *     bench_edits ENCAPD DIR [SECONDS per step]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/client.h"
#include "cluster/net/frame.h"
#include "tests/bench/measure.h"

#define MEMBERS	    3
#define MAX_CLIENTS 256
#define MAX_SAMPLES 2000000
#define ROUNDS	    5

struct member {
	pid_t pid;
	int port;
	char dir[64], sock[100]; /* a socket's path is short */
};

static struct member members[MEMBERS];
static double samples[MAX_SAMPLES];
static size_t n_samples;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_edits: %s: %s\n", what, why);
	for (int i = 0; i < MEMBERS; i++)
		if (members[i].pid > 0)
			kill(members[i].pid, SIGKILL);
	exit(1);
}

static double now_s(void)
{
	return measure_now_s(CLOCK_MONOTONIC);
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* -- the cluster -------------------------------------------------------- */

static int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		die("a port on loopback", strerror(errno));
	close(fd);
	return ntohs(a.sin_port);
}

static void member_start(struct member *m, const char *encapd, const char *dir,
			 int i)
{
	char etc[80], var[80], run[80], log[80], node[16], listen[32];
	int fd;

	if (snprintf(m->dir, sizeof(m->dir), "%s/n%d", dir, i + 1) >=
	    (int)sizeof(m->dir))
		die(dir, "the path is too long");
	snprintf(etc, sizeof(etc), "%s/etc", m->dir);
	snprintf(var, sizeof(var), "%s/var", m->dir);
	snprintf(run, sizeof(run), "%s/run", m->dir);
	snprintf(log, sizeof(log), "%s/log", m->dir);
	snprintf(m->sock, sizeof(m->sock), "%s/api.sock", run);
	snprintf(node, sizeof(node), "n%d", i + 1);
	m->port = free_port();
	snprintf(listen, sizeof(listen), "127.0.0.1:%d", m->port);
	if (mkdir(m->dir, 0700) < 0)
		die(m->dir, strerror(errno));
	m->pid = fork();
	if (m->pid < 0)
		die("fork", strerror(errno));
	if (m->pid)
		return;
	fd = open(log, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	dup2(fd, 1);
	dup2(fd, 2);
	execl(encapd, encapd, "--node", node, "--listen", listen, "--etc", etc,
	      "--var", var, "--run", run, (char *)NULL);
	_exit(127);
}

static struct doc *call(struct arena *a, const struct member *m, const char *op,
			const struct doc *args)
{
	struct client *c = NULL;
	struct reply r;
	struct err err;
	int64_t id;

	if (client_open(&c, m->sock, &err) < 0 ||
	    client_send(c, op, args, &id, &err) < 0 ||
	    client_wait(c, a, id, 30000, &r, &err) != 0)
		die(op, err.text);
	client_free(c);
	if (r.code)
		die(op, r.err);
	return r.data;
}

static void wait_socket(const struct member *m)
{
	for (int i = 0; i < 500; i++) {
		struct client *c = NULL;

		if (client_open(&c, m->sock, NULL) == 0) {
			client_free(c);
			return;
		}
		sleep_ms(20);
	}
	die(m->sock, "the agent does not answer");
}

static struct doc *address_of(struct arena *a, const struct member *m)
{
	struct doc *l = doc_list(a);

	doc_add(a, l, doc_str(a, arena_printf(a, "127.0.0.1:%d", m->port)));
	return l;
}

static void cluster_make(const char *encapd, const char *dir)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *args = doc_map(a);

	for (int i = 0; i < MEMBERS; i++) {
		member_start(&members[i], encapd, dir, i);
		wait_socket(&members[i]);
	}
	doc_put_str(a, args, "name", "bench");
	doc_put(a, args, "addresses", address_of(a, &members[0]));
	call(a, &members[0], "cluster_init", args);
	for (int i = 1; i < MEMBERS; i++) {
		struct doc *t = call(a, &members[0], "cluster_token", NULL);

		args = doc_map(a);
		doc_put_str(a, args, "token", doc_get_str(t, "token", ""));
		doc_put(a, args, "addresses", address_of(a, &members[0]));
		doc_put(a, args, "self", address_of(a, &members[i]));
		call(a, &members[i], "cluster_join", args);
	}
	for (int i = 0; i < 500; i++) {
		struct doc *s = call(a, &members[0], "cluster_status", NULL);

		if (doc_get_int(doc_get(s, "group"), "voters", 0) == MEMBERS)
			return;
		sleep_ms(50);
	}
	die("cluster", "three members do not become voters");
}

static void cluster_end(void)
{
	for (int i = 0; i < MEMBERS; i++)
		kill(members[i].pid, SIGTERM);
	for (int i = 0; i < MEMBERS; i++)
		waitpid(members[i].pid, NULL, 0);
}

/* -- clients ------------------------------------------------------------- */

struct editor {
	int fd;
	unsigned number;
	uint64_t edits;
	char rev[80];
	double asked;
	struct frames in;
};

static struct editor editors[MAX_CLIENTS];

static const char *editor_config(struct arena *a, const struct editor *e)
{
	return arena_printf(a,
			    "[DEFAULT]\nnodes = n1 n2 n3\norchestrate = no\n"
			    "comment = edit %llu\n[fs#1]\ntype = flag\n",
			    (unsigned long long)e->edits);
}

static void editor_open(struct editor *e, unsigned number)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct member *m = &members[number % MEMBERS];
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct doc *args = doc_map(a);

	*e = (struct editor){ .number = number, .in = FRAMES(1 << 20) };
	doc_put_str(a, args, "name", arena_printf(a, "svc%u", number));
	doc_put_str(a, args, "config", editor_config(a, e));
	snprintf(e->rev, sizeof(e->rev), "%s",
		 doc_get_str(call(a, m, "svc_create", args), "rev", ""));
	e->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", m->sock);
	if (e->fd < 0 || connect(e->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die(m->sock, strerror(errno));
}

static void editor_ask(struct editor *e)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *req = doc_map(a);
	struct buf b = BUF(a);
	struct err err;

	e->edits++;
	doc_put_int(a, req, "v", 1);
	doc_put_int(a, req, "id", (int64_t)e->edits);
	doc_put_str(a, req, "op", "svc_edit");
	doc_put_str(a, req, "name", arena_printf(a, "svc%u", e->number));
	doc_put_str(a, req, "base", e->rev);
	doc_put_str(a, req, "config", editor_config(a, e));
	if (frame_put(&b, req, 1 << 20, &err) < 0)
		die("request", err.text);
	e->asked = now_s();
	if (write(e->fd, b.data, b.len) != (ssize_t)b.len)
		die("request", "the agent does not take it");
}

static int on_answer(void *arg, struct arena *a, struct doc *frame)
{
	struct editor *e = arg;

	(void)a;
	if (doc_get_int(frame, "code", -1) != 0)
		die("edit", doc_get_str(frame, "err", "refused"));
	snprintf(e->rev, sizeof(e->rev), "%s",
		 doc_get_str(doc_get(frame, "data"), "rev", ""));
	if (n_samples < MAX_SAMPLES)
		samples[n_samples++] = now_s() - e->asked;
	e->asked = 0;
	return 0;
}

static void editor_read(struct editor *e)
{
	char bytes[65536];
	ssize_t n = read(e->fd, bytes, sizeof(bytes));
	struct err err;

	if (n <= 0)
		die("answer", n ? strerror(errno) : "the agent closed");
	if (frame_feed(&e->in, bytes, (size_t)n, on_answer, e, &err) < 0)
		die("answer", err.text);
}

/* Edits per second of @n clients over @seconds. */
static double edits_run(unsigned n, double seconds)
{
	struct pollfd p[MAX_CLIENTS];
	double begin = now_s(), end = begin + seconds;
	size_t before = n_samples;
	unsigned open = n;

	for (unsigned i = 0; i < n; i++) {
		p[i] = (struct pollfd){ editors[i].fd, POLLIN, 0 };
		editor_ask(&editors[i]);
	}
	while (open) {
		if (poll(p, n, 20000) <= 0)
			die("edit", "no answer in 20 s");
		for (unsigned i = 0; i < n; i++) {
			if (!(p[i].revents & (POLLIN | POLLHUP)))
				continue;
			editor_read(&editors[i]);
			if (editors[i].asked != 0)
				continue;
			if (now_s() < end)
				editor_ask(&editors[i]);
			else
				open--;
		}
	}
	return (double)(n_samples - before) / (now_s() - begin);
}

/* -- the disk itself ------------------------------------------------------ */

static double disk_write_s(const char *dir)
{
	enum { BLOCK = 4096, BLOCKS = 256, WRITES = 1000 };
	static double took[WRITES];
	char path[300];
	void *block;
	int fd;

	snprintf(path, sizeof(path), "%s/raw", dir);
	if (posix_memalign(&block, BLOCK, BLOCK))
		die(path, "out of memory");
	memset(block, 1, BLOCK);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	for (int i = 0; i < BLOCKS; i++)
		if (pwrite(fd, block, BLOCK, (off_t)i * BLOCK) != BLOCK)
			die(path, strerror(errno));
	fsync(fd);
	close(fd);
	fd = open(path, O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC);
	if (fd < 0)
		die(path, strerror(errno));
	for (int i = 0; i < WRITES; i++) {
		double t = now_s();

		if (pwrite(fd, block, BLOCK, (off_t)(i % BLOCKS) * BLOCK) !=
		    BLOCK)
			die(path, strerror(errno));
		took[i] = now_s() - t;
	}
	close(fd);
	unlink(path);
	free(block);
	return measure_part(took, WRITES, 0.5);
}

/* -- an idle agent --------------------------------------------------------- */

static double cpu_s(pid_t pid)
{
	char path[64], text[1024], *p;
	unsigned long user = 0, sys = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (!f || !fgets(text, sizeof(text), f))
		die(path, "cannot be read");
	fclose(f);
	p = strrchr(text, ')');
	if (!p ||
	    sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
		   &user, &sys) != 2)
		die(path, "is not understood");
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static long rss_kib(pid_t pid)
{
	char path[64], line[256];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	if (!f)
		die(path, strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

static void idle_report(double seconds)
{
	double before[MEMBERS];

	sleep_ms(2000);
	for (int i = 0; i < MEMBERS; i++)
		before[i] = cpu_s(members[i].pid);
	sleep_ms((long)(seconds * 1000));
	for (int i = 0; i < MEMBERS; i++)
		printf("idle agent n%d, %d services: %.2f %% of a core, %.1f "
		       "MiB resident\n",
		       i + 1, MAX_CLIENTS,
		       100 * (cpu_s(members[i].pid) - before[i]) / seconds,
		       (double)rss_kib(members[i].pid) / 1024);
}

int main(int argc, char **argv)
{
	static const unsigned steps[] = { 1, 64, 256 };
	double seconds = argc > 3 ? atof(argv[3]) : 2;

	if (argc < 3 || seconds <= 0) {
		fprintf(stderr, "usage: bench_edits ENCAPD DIR [SECONDS]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	cluster_make(argv[1], argv[2]);
	for (unsigned i = 0; i < MAX_CLIENTS; i++)
		editor_open(&editors[i], i);
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		double rate[ROUNDS], disk[ROUNDS], p50, p99;

		n_samples = 0;
		for (int r = 0; r < ROUNDS; r++) {
			disk[r] = disk_write_s(argv[2]);
			rate[r] = edits_run(steps[s], seconds);
		}
		p50 = measure_part(samples, n_samples, 0.5);
		p99 = measure_part(samples, n_samples, 0.99);
		printf("%3u clients: %8.0f edits/s (median of %d rounds), p50 "
		       "%.2f ms, p99 %.2f ms; disk write of 4 KiB %.3f ms; "
		       "p50/disk %.1f\n",
		       steps[s], measure_part(rate, ROUNDS, 0.5), ROUNDS,
		       p50 * 1e3, p99 * 1e3,
		       measure_part(disk, ROUNDS, 0.5) * 1e3,
		       p50 / measure_part(disk, ROUNDS, 0.5));
	}
	idle_report(5);
	cluster_end();
	return 0;
}
