/*
 * Copies that other nodes make here: a bridge (cluster/net/bridge.h) that a
 * member has opened, and rsync behind it.
 *
 *     link ─▶ agent_receive: may it, where to ─▶ a worker: rsync --daemon,
 *             shut (chroot) in that directory, writing only ─▶ bridge_carry
 *
 * The other side decides which files it sends and with which options of rsync;
 * where they land is this side's: rsync itself cannot leave the directory. The
 * worker and rsync are nicer than the agent, whose loop sees nothing of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cluster/loop/daemon_internal.h"
#include "cluster/net/bridge.h"
#include "drivers/job.h"
#include "drivers/mountinfo.h"

#define SAY_MS	    5000
#define END_MS	    5000 /* for rsync to end by itself */
#define NICER	    10
#define MAX_AT_ONCE 16

struct receiving {
	struct receiving *next; /* daemon::receiving */
	struct daemon *daemon;
	struct arena *arena;
	struct agent_receive what;
	const char *conf, *from;
	struct link_end end;
	struct err err; /* why it is refused, or has failed */
	bool refused;
};

/* -- on a worker --------------------------------------------------------------
 */

static void say(struct receiving *r, const char *k, const char *why)
{
	struct doc *d = doc_map(r->arena);

	doc_put_str(r->arena, d, "k", k);
	if (why)
		doc_put_str(r->arena, d, "why", why);
	bridge_say(r->end.ssl, r->end.sock, d, SAY_MS, NULL);
}

/* The directory that the other side may write to: dst, or that of a file. As
 * with rsync, the last part is made where it is not there. */
static int find_place(const struct receiving *r, const char **ret,
		      const char **ret_name, struct err *err)
{
	const char *dst = r->what.dst;
	const char *slash = strrchr(dst, '/');
	struct stat st;

	*ret = dst;
	*ret_name = NULL;
	if (dst[0] != '/' || strpbrk(dst, "%\n\r\\#;") ||
	    dst[strlen(dst) - 1] == ' ')
		return err_set(err, -EINVAL,
			       "dst %s: an absolute path without %%, \\, # "
			       "and ; is needed",
			       dst);
	if (stat(dst, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	if (r->what.file && slash[1 + strcspn(slash + 1, " *?[")])
		return err_set(err, -EINVAL,
			       "dst %s: a file's name without blanks, *, ? "
			       "and [ is needed",
			       dst);
	if (r->what.file) {
		*ret = slash == dst ? "/"
				    : arena_printf(r->arena, "%.*s",
						   (int)(slash - dst), dst);
		*ret_name = slash + 1;
		return stat(*ret, &st) == 0 ? 0
					    : err_set(err, -errno, "%s: %s",
						      *ret, strerror(errno));
	}
	if (mkdir(dst, 0755) == 0)
		return 0;
	return err_set(err, -errno, "dst %s: %s", dst, strerror(errno));
}

static int check_mounted(const struct receiving *r, struct err *err)
{
	struct mounts m;
	int rc;

	if (!*r->what.dstfs)
		return 0;
	rc = mounts_read(r->arena, &m, err);
	if (rc < 0 || mounts_top(&m, r->what.dstfs))
		return rc;
	return err_set(err, -ENODEV, "dstfs %s is not mounted here",
		       r->what.dstfs);
}

/* Each path, the directories above it and what is below. */
static void put_only(const struct receiving *r, struct buf *b)
{
	char *text = arena_printf(r->arena, "%s", r->what.only), *rest;

	buf_puts(b, "filter =");
	for (char *w = strtok_r(text, " ", &rest); w;
	     w = strtok_r(NULL, " ", &rest)) {
		if (w[0] != '/' || strpbrk(w, "*?[\\%\n\r"))
			continue;
		for (const char *p = strchr(w + 1, '/'); p;
		     p = strchr(p + 1, '/'))
			buf_printf(b, " + %.*s/", (int)(p - w), w);
		buf_printf(b, " + %s + %s/**", w, w);
	}
	buf_puts(b, " + .~tmp~/ + .~tmp~/** - *\n");
}

/* Of a single file nothing but that name is let in. */
static int write_conf(const struct receiving *r, struct err *err)
{
	const char *dir, *name;
	struct buf b = BUF(r->arena);
	int rc = check_mounted(r, err);

	if (rc == 0)
		rc = find_place(r, &dir, &name, err);
	if (rc < 0)
		return rc;
	buf_printf(&b,
		   "lock file = /dev/null\nlog file = /dev/null\n"
		   "reverse lookup = no\nuse chroot = %s\nstrict modes = no\n"
		   "timeout = 3600\n[copy]\npath = %s\nread only = no\n"
		   "write only = yes\nlist = no\nmunge symlinks = no\n",
		   geteuid() == 0 ? "yes" : "no", dir);
	if (geteuid() == 0)
		buf_printf(&b, "uid = 0\ngid = 0\n");
	if (name)
		buf_printf(&b, "filter = + /%s - *\n", name);
	else if (r->what.only)
		put_only(r, &b);
	return job_file_write(r->conf, buf_text(&b), err);
}

static int start_rsync(const struct receiving *r, int sock, pid_t *ret,
		       struct err *err)
{
	const char *argv[] = {
		"rsync",    "--server",
		"--daemon", arena_printf(r->arena, "--config=%s", r->conf),
		".",	    NULL
	};
	const char *env[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
			      "/usr/bin:/sbin:/bin",
			      "LANG=C", NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int rc;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, sock, 0);
	posix_spawn_file_actions_adddup2(&files, sock, 1);
	posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
						POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	rc = posix_spawnp(ret, "rsync", &files, &attr, (char **)argv,
			  (char **)env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return rc ? err_set(err, -rc, "rsync cannot be started: %s",
			    strerror(rc))
		  : 0;
}

static void end_rsync(pid_t pid)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	int64_t until = driver_now_ms() + END_MS;

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (driver_now_ms() >= until)
			kill(-pid, SIGKILL);
		nanosleep(&pause, NULL);
	}
}

static int receive(struct receiving *r, struct err *err)
{
	int pair[2];
	pid_t pid;
	int rc = write_conf(r, err);

	if (rc < 0)
		return rc;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, -errno, "socketpair: %s", strerror(errno));
	rc = start_rsync(r, pair[1], &pid, err);
	close(pair[1]);
	if (rc < 0) {
		close(pair[0]);
		return rc;
	}
	say(r, "bridge", NULL);
	rc = bridge_carry(r->end.ssl, r->end.sock, pair[0], pair[0],
			  &r->daemon->stop_receiving, err);
	end_rsync(pid);
	return rc < 0 ? 1 : 0; /* it was answered */
}

static void receive_run(void *arg)
{
	struct receiving *r = arg;

	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICER);
	if (!r->refused)
		r->refused = receive(r, &r->err) < 0;
	if (r->refused) {
		say(r, "bye", r->err.text);
		SSL_shutdown(r->end.ssl);
	}
	unlink(r->conf);
}

/* -- on the loop --------------------------------------------------------------
 */

static void receive_done(void *arg)
{
	struct receiving *r = arg, **at = &r->daemon->receiving;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	if (r->err.code < 0)
		report(4, "copy from %s: %s%s", r->from,
		       r->refused ? "refused: " : "", r->err.text);
	SSL_free(r->end.ssl);
	close(r->end.sock);
	arena_free(r->arena);
	free(r);
}

/* Two at once would undo each other's work. */
static int check_others(const struct receiving *r, struct err *err)
{
	unsigned n = 0;

	for (const struct receiving *o = r->next; o; o = o->next, n++)
		if (!o->refused &&
		    strcmp(o->what.service, r->what.service) == 0 &&
		    strcmp(o->what.rid, r->what.rid) == 0)
			return err_set(err, -EBUSY,
				       "%s of %s is being copied already",
				       r->what.rid, r->what.service);
	if (n < MAX_AT_ONCE)
		return 0;
	return err_set(err, -EAGAIN,
		       "%u copies come in already: try again later", n);
}

static const char *conf_path(struct daemon *d, struct receiving *r)
{
	static unsigned long number;

	return arena_printf(r->arena, "%s/copy.%lu.conf", d->o->run, ++number);
}

void receive_bridge(void *data, uint64_t peer, struct arena *a,
		    struct doc *frame, const struct link_end *to)
{
	struct receiving *r = calloc(1, sizeof(*r));
	struct daemon *d = data;
	int rc;

	(void)a;
	if (!r)
		abort();
	r->daemon = d;
	r->arena = arena_new();
	r->end = *to;
	r->from = arena_printf(r->arena, "node %llu", (unsigned long long)peer);
	r->conf = conf_path(d, r);
	r->what.service = r->what.rid = "";
	r->next = d->receiving;
	d->receiving = r;
	rc = agent_receive(d->agent, peer, frame, r->arena, &r->what, &r->err);
	if (rc == 0)
		rc = check_others(r, &r->err);
	r->refused = rc < 0;
	crew_work(d->crews[CREW_COPIES], receive_run, receive_done, r);
}
