/*
 * daemon_rig - real agents as child processes, on folders and ports of their
 * own, asked through their sockets.
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/client.h"
#include "cluster/loop/daemon.h"
#include "cluster/loop/report.h"
#include "tests/lib/table.h"

#define RIG_NODES 4
#define RIG_MS	  20000

struct node {
	char name[16], etc[96], var[96], run[96], log[96];
	char channel[160]; /* in a container */
	unsigned port;
	pid_t pid; /* 0: is not running */
};

struct rig {
	char dir[64];
	struct node nodes[RIG_NODES];
	size_t n;
	struct arena *arena; /* of the test: what was answered */
};

static inline int64_t rig_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* Until @cond, but not for ever. */
#define RIG_WAIT(cond)                                                         \
	do {                                                                   \
		int64_t end_ = rig_now() + RIG_MS;                             \
		bool is_;                                                      \
		while (!(is_ = (cond)) && rig_now() < end_)                    \
			usleep(10000);                                         \
		if (!is_)                                                      \
			fail_msg("not within the time: %s", #cond);            \
	} while (0)

static inline unsigned rig_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close(fd);
	return ntohs(at.sin_port);
}

static inline struct node *rig_node(struct rig *r, const char *name)
{
	struct node *n = &r->nodes[r->n++];

	assert_true(r->n <= RIG_NODES);
	snprintf(n->name, sizeof(n->name), "%s", name);
	snprintf(n->etc, sizeof(n->etc), "%s/%s/etc", r->dir, name);
	snprintf(n->var, sizeof(n->var), "%s/%s/var", r->dir, name);
	snprintf(n->run, sizeof(n->run), "%s/%s/run", r->dir, name);
	snprintf(n->log, sizeof(n->log), "%s/%s.log", r->dir, name);
	n->port = rig_port();
	return n;
}

static inline void rig_child(const struct node *n)
{
	char listen[32];
	const char *words[] = {
		"encapd",
		"--node",
		n->name,
		"--etc",
		n->etc,
		"--var",
		n->var,
		"--run",
		n->run,
		"--listen",
		listen,
		"--channel",
		n->channel[0] ? n->channel : "none",
		NULL,
	};
	char *argv[sizeof(words) / sizeof(words[0])] = { NULL };
	struct options o;
	int fd = open(n->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	snprintf(listen, sizeof(listen), "127.0.0.1:%u", n->port);
	dup2(fd, STDERR_FILENO);
	close(fd);
	for (size_t i = 0; words[i]; i++)
		argv[i] = strdup(words[i]);
	if (options_parse(&o, 13, argv, stdout, NULL) != 0)
		_exit(99);
	report_init(6);
	fd = daemon_run(&o);
	options_fini(&o);
	for (size_t i = 0; argv[i]; i++)
		free(argv[i]);
	exit(fd); /* with a look for leaks */
}

/* Without waiting for it to answer. */
static inline void rig_spawn(struct node *n)
{
	assert_int_equal(n->pid, 0);
	n->pid = fork();
	if (n->pid == 0)
		rig_child(n);
	assert_true(n->pid > 0);
}

/* What it exits with; 128 + signal. */
static inline int rig_wait_exit(struct node *n)
{
	int status;

	assert_int_equal(waitpid(n->pid, &status, 0), n->pid);
	n->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int rig_end(struct node *n, int signal_number)
{
	kill(n->pid, signal_number);
	return rig_wait_exit(n);
}

/* -- asking -------------------------------------------------------------- */

static inline int rig_ask_doc(struct rig *r, struct node *n, const char *op,
			      struct doc *args, struct reply *ret)
{
	SCOPED(client) struct client *c = NULL;
	char path[128];
	int64_t id;

	*ret = (struct reply){ .code = -1, .err = "" };
	snprintf(path, sizeof(path), "%s/api.sock", n->run);
	if (client_open(&c, path, NULL) < 0 ||
	    client_send(c, op, args, &id, NULL) < 0 ||
	    client_wait(c, r->arena, id, RIG_MS, ret, NULL) != 0)
		return -1;
	return ret->code;
}

/* Text arguments: key, value, ..., NULL. The exit code, or -1. */
static inline int rig_ask(struct rig *r, struct node *n, struct reply *ret,
			  const char *op, ...)
{
	struct doc *args = doc_map(r->arena);
	struct reply unused;
	const char *key;
	va_list ap;

	va_start(ap, op);
	while ((key = va_arg(ap, const char *)))
		doc_put_str(r->arena, args, key, va_arg(ap, const char *));
	va_end(ap);
	return rig_ask_doc(r, n, op, args, ret ? ret : &unused);
}

static inline void rig_start(struct rig *r, struct node *n)
{
	rig_spawn(n);
	RIG_WAIT(rig_ask(r, n, NULL, "ping", NULL) == 0);
}

/* "avail" of the service as a whole, or of one instance. */
static inline const char *rig_avail(struct rig *r, struct node *n,
				    const char *service, const char *instance)
{
	struct reply reply;
	const struct doc *d;

	if (rig_ask(r, n, &reply, "status", "name", service, NULL) != 0)
		return "?";
	d = reply.data;
	if (instance)
		d = doc_get(doc_get(d, "instances"), instance);
	return doc_get_str(d, "avail", "?");
}

static inline bool rig_is(struct rig *r, struct node *n, const char *service,
			  const char *instance, const char *avail)
{
	return strcmp(rig_avail(r, n, service, instance), avail) == 0;
}

/* -- files ----------------------------------------------------------------- */

static inline const char *rig_read(const char *path)
{
	static char text[1 << 16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return "(none)";
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static inline const char *rig_conf(const struct node *n, const char *service)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/services/%s.conf", n->etc, service);
	return path;
}

/* As sed -i does. */
static inline void rig_save(const struct node *n, const char *service,
			    const char *text)
{
	char temp[256];
	FILE *f;

	snprintf(temp, sizeof(temp), "%s/services/sed123", n->etc);
	f = fopen(temp, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(rename(temp, rig_conf(n, service)), 0);
}

/* -- life --------------------------------------------------------------------
 */

static inline int rig_setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	snprintf(r->dir, sizeof(r->dir), "/tmp/encap-daemon.XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	r->arena = arena_new();
	*state = r;
	return 0;
}

static inline int rig_drop(const char *path, const struct stat *st, int kind,
			   struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static inline int rig_teardown(void **state)
{
	struct rig *r = *state;
	int bad = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->nodes[i].pid && rig_end(&r->nodes[i], SIGTERM) != 0)
			bad = 1;
	/* A node that ended badly has said why in its log. */
	for (size_t i = 0; i < r->n; i++)
		if (bad || strstr(rig_read(r->nodes[i].log), "Sanitizer")) {
			fprintf(stderr, "%s:\n%s\n", r->nodes[i].log,
				rig_read(r->nodes[i].log));
			bad = 1;
		}
	nftw(r->dir, rig_drop, 16, FTW_DEPTH | FTW_PHYS);
	arena_free(r->arena);
	free(r);
	return bad;
}

/* -- what the tests begin with ----------------------------------------- */

#define RIG_WEB                                                                \
	"[DEFAULT]\nnodes = hv1 hv2\norchestrate = ha\n"                       \
	"[fs#1]\ntype = flag\n[app#1]\ntype = sim\n"

static inline struct node *rig_founded(struct rig *r)
{
	struct node *n = rig_node(r, "hv1");

	rig_start(r, n);
	assert_int_equal(
		rig_ask(r, n, NULL, "cluster_init", "name", "demo", NULL), 0);
	return n;
}

static inline void rig_with_web(struct rig *r, struct node *n)
{
	RIG_WAIT(rig_ask(r, n, NULL, "svc_create", "name", "web", "config",
			 RIG_WEB, NULL) == 0);
	assert_int_equal(rig_ask(r, n, NULL, "svc_intent", "name", "web",
				 "want", "started", NULL),
			 0);
	RIG_WAIT(rig_is(r, n, "web", "hv1", "up"));
}

static inline unsigned rig_count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

#define RIG_EDITED RIG_WEB "comment = edited\n"

static inline bool rig_has(const struct node *n, const char *text)
{
	return strcmp(rig_read(rig_conf(n, "web")), text) == 0;
}
