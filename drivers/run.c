/*
 * Happy path: find the program, block signals, fork, [child: group, signals,
 * cgroup, descriptors, identity, exec], read the status pipe until the exec
 * closes it, poll the output pipe and the pidfd until the child is gone.
 *
 * What can go wrong, and where it shows:
 *  - exec fails: the child writes the step and errno to the status pipe
 *  - the output pipe stays open in a grandchild: we stop at the child's end
 *  - the deadline: SIGTERM and SIGKILL to the group, and -ETIMEDOUT
 *  - a child stuck in the kernel: it is put on the list of the abandoned
 */
#include "drivers/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drivers/driver.h"
#include "fsm/conf/convert.h"
#include "fsm/conf/text.h"

#define PATH_DEFAULT                                                           \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ENV_MAX	     256
#define READ_MAX     (256UL * 1024) /* at once: a child may never stop talking */
#define TERM_GRACE   300	    /* ms from SIGTERM to SIGKILL */
#define KILL_GRACE   1500	    /* ms to die of SIGKILL */
#define LOG_MAX_SIZE (1024L * 1024)

enum step {
	STEP_PID,
	STEP_FORK,
	STEP_CGROUP,
	STEP_LIMIT,
	STEP_USER,
	STEP_CWD,
	STEP_EXEC
};

static const char *const step_text[] = {
	[STEP_PID] = "start",	       [STEP_FORK] = "fork",
	[STEP_CGROUP] = "join cgroup", [STEP_LIMIT] = "set limits",
	[STEP_USER] = "change user",   [STEP_CWD] = "change directory",
	[STEP_EXEC] = "execute",
};

struct note { /* child to parent, over the status pipe */
	int step, value;
};

/* All that the child needs, made before the fork. */
struct plan {
	const struct run *run;
	const struct run_as *as;
	char path[512];
	char pid_env[sizeof(RUN_PID_ENV) + 16];
	const char *env[ENV_MAX];
	int in, out, status;
	bool detach;
};

/* -- children that did not die ----------------------------------------- */

static struct {
	pthread_mutex_t lock;
	pid_t pid[128];
	size_t n;
} abandoned = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void reap_abandoned(void)
{
	pthread_mutex_lock(&abandoned.lock);
	for (size_t i = 0; i < abandoned.n;) {
		if (waitpid(abandoned.pid[i], NULL, WNOHANG) == 0)
			i++;
		else
			abandoned.pid[i] = abandoned.pid[--abandoned.n];
	}
	pthread_mutex_unlock(&abandoned.lock);
}

static void abandon(pid_t pid)
{
	pthread_mutex_lock(&abandoned.lock);
	if (abandoned.n < sizeof(abandoned.pid) / sizeof(abandoned.pid[0]))
		abandoned.pid[abandoned.n++] = pid;
	pthread_mutex_unlock(&abandoned.lock);
}

/* -- the child: system calls only --------------------------------------- */

static void note_send(const struct plan *p, enum step step, int value)
{
	struct note n = { .step = (int)step, .value = value };
	ssize_t rc;

	do
		rc = write(p->status, &n, sizeof(n));
	while (rc < 0 && errno == EINTR);
}

static _Noreturn void child_fail(const struct plan *p, enum step step)
{
	note_send(p, step, errno);
	_exit(127);
}

static void child_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int s = 1; s < _NSIG; s++)
		sigaction(s, &dfl, NULL); /* fails for KILL and STOP: fine */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void child_pid_env(char *env, unsigned pid)
{
	char digits[12];
	size_t n = 0, at = sizeof(RUN_PID_ENV); /* after the '=' */

	do
		digits[n++] = (char)('0' + pid % 10);
	while (pid /= 10);
	while (n)
		env[at++] = digits[--n];
	env[at] = '\0';
}

/* Straight system calls: the C library's wrappers for these want to talk to
 * threads that do not exist in the child. */
static void child_identity(const struct plan *p)
{
	const struct run_as *as = p->as;

	for (size_t i = 0; i < as->n_limits; i++)
		if (setrlimit((__rlimit_resource_t)as->limits[i].which,
			      &as->limits[i].to) < 0)
			child_fail(p, STEP_LIMIT);
	if (as->n_groups >= 0 &&
	    syscall(SYS_setgroups, (size_t)as->n_groups, as->groups) < 0)
		child_fail(p, STEP_USER);
	if (as->gid != RUN_NO_ID &&
	    syscall(SYS_setresgid, as->gid, as->gid, as->gid) < 0)
		child_fail(p, STEP_USER);
	if (as->uid != RUN_NO_ID &&
	    syscall(SYS_setresuid, as->uid, as->uid, as->uid) < 0)
		child_fail(p, STEP_USER);
	umask(as->umask == RUN_NO_UMASK ? 022 : as->umask);
}

static _Noreturn void child_main(struct plan *p)
{
	if (p->detach) {
		pid_t pid = fork();

		if (pid < 0)
			child_fail(p, STEP_FORK);
		if (pid > 0)
			_exit(0);
		setsid();
		child_pid_env(p->pid_env, (unsigned)getpid());
		note_send(p, STEP_PID, getpid());
	} else {
		setpgid(0, 0);
	}
	child_signals();
	for (size_t i = 0; i < p->run->n_cgroups; i++)
		if (write(p->run->cgroups[i], "0", 1) < 0)
			child_fail(p, STEP_CGROUP);
	if (dup2(p->in, 0) < 0 || dup2(p->out, 1) < 0 || dup2(p->out, 2) < 0)
		child_fail(p, STEP_EXEC);
	child_identity(p);
	if (chdir(p->run->cwd ? p->run->cwd : "/") < 0)
		child_fail(p, STEP_CWD);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	execve(p->path, (char *const *)(uintptr_t)p->run->argv,
	       (char *const *)(uintptr_t)p->env);
	child_fail(p, STEP_EXEC);
}

/* -- before the fork ------------------------------------------------------ */

static int find_program(struct plan *p, struct err *err)
{
	const char *name = p->run->program, *dirs = getenv("PATH");

	if (!name)
		name = p->run->argv[0];

	if (strchr(name, '/')) {
		if (strlen(name) >= sizeof(p->path))
			return err_set(err, -ENAMETOOLONG, "%.60s...: too long",
				       name);
		strcpy(p->path, name);
		return 0;
	}
	/* The system's own folders last: a daemon's PATH may lack sbin. */
	for (int round = 0; round < 2; round++, dirs = PATH_DEFAULT) {
		while (dirs && *dirs) {
			size_t n = strcspn(dirs, ":");

			snprintf(p->path, sizeof(p->path), "%.*s/%s", (int)n,
				 dirs, name);
			if (n && access(p->path, X_OK) == 0)
				return 0;
			dirs += n + (dirs[n] == ':');
		}
	}
	return err_set(err, -ENOENT, "%s: command not found; is it installed?",
		       name);
}

static bool same_key(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return strncmp(a, b, n + 1) == 0;
}

/* Beyond ENV_MAX it is only counted. */
static void env_put(struct plan *p, size_t *n, const char *pair)
{
	for (size_t i = 0; i < *n && i < ENV_MAX; i++) {
		if (same_key(p->env[i], pair)) {
			p->env[i] = pair;
			return;
		}
	}
	if (*n < ENV_MAX)
		p->env[*n] = pair;
	++*n;
}

static int make_env(struct plan *p, struct err *err)
{
	static const char *const base[] = { "PATH=" PATH_DEFAULT,
					    "LANG=C.UTF-8" };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++)
		env_put(p, &n, base[i]);
	for (char **e = environ; e && *e; e++)
		if (same_key("PATH=", *e) || same_key("TZ=", *e))
			env_put(p, &n, *e);
	for (const char *const *e = p->run->env; e && *e; e++)
		env_put(p, &n, *e);
	if (p->detach) {
		strcpy(p->pid_env, RUN_PID_ENV "=");
		env_put(p, &n, p->pid_env);
	}
	if (n >= ENV_MAX)
		return err_set(err, -E2BIG, "%s: %zu variables; %d at most",
			       p->run->argv[0], n, ENV_MAX - 1);
	p->env[n] = NULL;
	return 0;
}

/* -- output -------------------------------------------------------- */

static void tail_clear(struct run *r)
{
	r->tail_len = r->head_len = 0;
	r->tail[0] = r->head[0] = '\0';
	r->cut = false;
}

static void head_add(struct run *r, const char *bytes, size_t n)
{
	size_t room = RUN_HEAD - r->head_len;

	if (n > room)
		n = room;
	memcpy(r->head + r->head_len, bytes, n);
	r->head_len += n;
	r->head[r->head_len] = '\0';
}

static void tail_add(struct run *r, const char *bytes, size_t n)
{
	head_add(r, bytes, n);
	r->cut = r->cut || r->tail_len + n > RUN_TAIL;
	if (n > RUN_TAIL) {
		bytes += n - RUN_TAIL;
		n = RUN_TAIL;
	}
	if (r->tail_len + n > RUN_TAIL) {
		size_t drop = r->tail_len + n - RUN_TAIL;

		memmove(r->tail, r->tail + drop, r->tail_len - drop);
		r->tail_len -= drop;
	}
	memcpy(r->tail + r->tail_len, bytes, n);
	r->tail_len += n;
	r->tail[r->tail_len] = '\0';
}

/* 1 at the end of the output, 0 when there is no more for now. */
static int tail_read(struct run *r, int fd)
{
	char bytes[4096];

	for (size_t all = 0; all < READ_MAX;) {
		ssize_t n = read(fd, bytes, sizeof(bytes));

		if (n > 0) {
			tail_add(r, bytes, (size_t)n);
			all += (size_t)n;
		} else if (n == 0 || (errno != EINTR && errno != EAGAIN))
			return 1;
		else if (errno == EAGAIN)
			return 0;
	}
	return 0;
}

/* Append to r->said, with line ends as "; " and no control characters. */
static size_t said_add(struct run *r, size_t n, const char *from, size_t len)
{
	while (len && strchr("\n\r\t ", from[len - 1]))
		len--;
	for (size_t i = 0; i < len; i++) {
		if (from[i] == '\n') {
			r->said[n++] = ';';
			r->said[n++] = ' ';
		} else {
			r->said[n++] =
				(unsigned char)from[i] < ' ' ? ' ' : from[i];
		}
	}
	return n;
}

const char *run_said(struct run *r)
{
	const char *half = r->cut ? memchr(r->tail, '\n', r->tail_len) : NULL;
	size_t skip = half ? (size_t)(half + 1 - r->tail) : 0, n = 0;

	if (r->cut) {
		n = said_add(r, n, r->head, strcspn(r->head, "\n"));
		memcpy(r->said + n, "; ...; ", 7);
		n += 7;
	}
	n = said_add(r, n, r->tail + skip, r->tail_len - skip);
	/* It is shown and sent as text: what is cut or no UTF-8 becomes '?'. */
	for (size_t at = 0; (at += text_bad_utf8(r->said + at, n - at)) < n;)
		r->said[at] = '?';
	r->said[n] = '\0';
	return r->said;
}

static int open_log(const struct run *r, off_t *start, struct err *err)
{
	int fd = open(r->log, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	if (fd < 0)
		return err_set(err, -errno, "%s: open for output: %s", r->log,
			       strerror(errno));
	*start = lseek(fd, 0, SEEK_END);
	if (*start > LOG_MAX_SIZE && ftruncate(fd, 0) == 0)
		*start = 0;
	return fd;
}

static void tail_from_log(struct run *r, int fd, off_t start)
{
	char bytes[RUN_TAIL];
	off_t end = lseek(fd, 0, SEEK_END);
	ssize_t n;

	if (end - start > RUN_TAIL) {
		n = pread(fd, bytes, RUN_HEAD, start);
		head_add(r, bytes, n > 0 ? (size_t)n : 0);
		start = end - RUN_TAIL;
		r->cut = true;
	}
	n = pread(fd, bytes, sizeof(bytes), start);
	if (n > 0)
		tail_add(r, bytes, (size_t)n);
}

/* -- fork and wait ------------------------------------------------- */

static pid_t fork_quietly(void)
{
	sigset_t all, old;
	pid_t pid;
	int saved;

	/* No handler of ours may run in the child before it resets them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = fork();
	saved = errno;
	if (pid != 0)
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return pid;
}

static int poll_until(struct pollfd *fds, nfds_t n, int64_t until_ms)
{
	for (;;) {
		int64_t left = until_ms - driver_now_ms();
		int rc = poll(fds, n,
			      (int)(left < 0	     ? 0
				    : left > 3600000 ? 3600000
						     : left));

		if (rc > 0)
			return rc;
		if (rc == 0 && driver_now_ms() >= until_ms)
			return 0;
		if (rc < 0 && errno != EINTR)
			return -errno;
	}
}

static int decode(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int reap(pid_t pid, int *code)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	*code = decode(status);
	return 0;
}

/* End the group of a child that took too long, and the child for sure. */
static void put_down(pid_t pid, int pidfd)
{
	static const struct {
		int signal, grace;
	} steps[] = { { SIGTERM, TERM_GRACE }, { SIGKILL, KILL_GRACE } };
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };
	bool gone = false;
	int code;

	for (size_t i = 0; i < 2 && !gone; i++) {
		kill(-pid, steps[i].signal);
		kill(pid, steps[i].signal); /* it may not have its group yet */
		gone = poll_until(&fd, 1, driver_now_ms() + steps[i].grace) > 0;
	}
	/* Its children may have outlived it; the pid is not free until we have
	 * waited for it, so the group is still ours. */
	kill(-pid, SIGKILL);
	if (gone)
		reap(pid, &code);
	else
		abandon(pid);
}

/* Output and end of the child; 1 when the deadline came first. */
static int watch(struct run *r, int pidfd, int out)
{
	struct pollfd fds[] = { { .fd = pidfd, .events = POLLIN },
				{ .fd = out, .events = POLLIN } };

	for (;;) {
		int rc = poll_until(fds, 2, r->deadline_ms);

		if (rc <= 0)
			return rc < 0 ? rc : 1;
		if (fds[1].revents && tail_read(r, out))
			fds[1].fd = -1;
		if (fds[0].revents) {
			if (fds[1].fd >= 0)
				tail_read(r, out);
			return 0;
		}
		if (driver_now_ms() >= r->deadline_ms)
			return 1;
	}
}

/* What the child says on its way to exec. Ends when exec closes the pipe. */
static int listen_status(struct run *r, int fd, struct err *err)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct note n;
	ssize_t got;

	for (;;) {
		if (poll_until(&pfd, 1, r->deadline_ms) <= 0)
			return err_set(err, -ETIMEDOUT,
				       "%s: did not start in time", r->argv[0]);
		got = read(fd, &n, sizeof(n));
		if (got < 0 && errno == EINTR)
			continue;
		if (got != (ssize_t)sizeof(n))
			return 0;
		if (n.step != STEP_PID)
			return err_set(err, -(n.value ? n.value : EIO),
				       "%s: %s: %s%s", r->argv[0],
				       step_text[n.step], strerror(n.value),
				       n.value == ENOEXEC
					       ? " (a script needs a #! line)"
					       : "");
		r->pid = n.value;
	}
}

struct ends { /* descriptors of one run; -1 where closed */
	int null, in, out[2], status[2], log, pidfd;
};

static void ends_close(struct ends *e)
{
	int *const all[] = { &e->null,	 &e->in,	&e->out[0],
			     &e->out[1], &e->status[0], &e->status[1],
			     &e->log,	 &e->pidfd };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (*all[i] >= 0)
			close(*all[i]);
		*all[i] = -1;
	}
}

/* None of them may be 0, 1 or 2, which the child replaces: an agent that was
 * started without them would hand out numbers that are overwritten there. */
static int ends_lift(struct ends *e)
{
	int *const all[] = { &e->null,	 &e->in,	&e->out[0],
			     &e->out[1], &e->status[0], &e->status[1],
			     &e->log };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int fd = *all[i];

		if (fd < 0 || fd > 2)
			continue;
		*all[i] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		close(fd);
		if (*all[i] < 0)
			return -errno;
	}
	return 0;
}

/* In memory, as a file that is there as a whole: no write can block, and a
 * child that does not read it is not waited for. */
static int open_input(const char *text)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	return -EIO;
}

static int ends_make(struct ends *e, const struct run *r, off_t *start,
		     struct err *err)
{
	e->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (e->null < 0 || pipe2(e->status, O_CLOEXEC) < 0)
		return err_set(err, -errno, "%s: descriptors: %s", r->argv[0],
			       strerror(errno));
	if (r->input) {
		e->in = open_input(r->input);
		if (e->in < 0)
			return err_set(err, e->in, "%s: its input: %s",
				       r->argv[0], strerror(-e->in));
	}
	if (r->log) {
		e->log = open_log(r, start, err);
		return e->log < 0 ? e->log : 0;
	}
	/* Only our end: a child with a non-blocking stdout loses output. */
	if (pipe2(e->out, O_CLOEXEC) < 0 ||
	    fcntl(e->out[0], F_SETFL, O_NONBLOCK) < 0)
		return err_set(err, -errno, "%s: pipe: %s", r->argv[0],
			       strerror(errno));
	return 0;
}

static int ends_open(struct ends *e, const struct run *r, off_t *start,
		     struct err *err)
{
	int rc = ends_make(e, r, start, err);

	if (rc == 0) {
		rc = ends_lift(e);
		if (rc < 0)
			err_set(err, rc, "%s: descriptors: %s", r->argv[0],
				strerror(-rc));
	}
	return rc;
}

static int start(struct run *r, struct plan *p, struct ends *e, pid_t *child,
		 struct err *err)
{
	int rc;

	reap_abandoned();
	tail_clear(r);
	if (driver_now_ms() >= r->deadline_ms)
		return err_set(err, -ETIMEDOUT,
			       "%s: not started: no time is left", r->argv[0]);
	rc = find_program(p, err);
	if (rc < 0)
		return rc;
	rc = make_env(p, err);
	if (rc < 0)
		return rc;
	p->in = e->in >= 0 ? e->in : e->null;
	p->out = r->log ? e->log : e->out[1];
	p->status = e->status[1];
	*child = fork_quietly();
	if (*child == 0)
		child_main(p);
	if (*child < 0)
		return err_set(err, -errno, "%s: fork: %s", r->argv[0],
			       strerror(errno));
	close(e->status[1]);
	e->status[1] = -1;
	if (e->out[1] >= 0)
		close(e->out[1]);
	e->out[1] = -1;
	e->pidfd = pidfd_open(*child, 0);
	if (e->pidfd >= 0)
		return 0;
	rc = -errno; /* no descriptor is left: it could not be watched */
	kill(*child, SIGKILL);
	reap(*child, &r->code);
	return err_set(err, rc, "%s: watch it: %s", r->argv[0], strerror(-rc));
}

static int finish(struct run *r, struct ends *e, pid_t child, struct err *err)
{
	int rc = watch(r, e->pidfd, e->out[0]);

	if (rc == 0)
		rc = reap(child, &r->code);
	else
		put_down(child, e->pidfd);
	if (r->log)
		tail_from_log(r, e->log, r->log_from);
	if (rc > 0) {
		const char *said = run_said(r);

		return err_set(err, -ETIMEDOUT,
			       "%s: did not end in time and was killed%s%s",
			       r->argv[0], *said ? "; it said: " : "", said);
	}
	if (rc < 0)
		return err_set(err, rc, "%s: wait: %s", r->argv[0],
			       strerror(-rc));
	return r->code ? RUN_FAILED : 0;
}

int run_wait(struct run *r, struct err *err)
{
	struct plan p = { .run = r };
	struct run_as plain = RUN_AS;
	struct ends e = { -1, -1, { -1, -1 }, { -1, -1 }, -1, -1 };
	pid_t child = -1;
	int rc = ends_open(&e, r, &r->log_from, err);

	p.as = r->as ? r->as : &plain;
	if (rc == 0)
		rc = start(r, &p, &e, &child, err);
	if (rc == 0) {
		rc = listen_status(r, e.status[0], err);
		r->pid = child;
		if (rc < 0)
			put_down(child, e.pidfd);
		else
			rc = finish(r, &e, child, err);
	}
	ends_close(&e);
	return rc;
}

int run_detach(struct run *r, struct err *err)
{
	struct plan p = { .run = r, .detach = true };
	struct run_as plain = RUN_AS;
	struct ends e = { -1, -1, { -1, -1 }, { -1, -1 }, -1, -1 };
	pid_t child = -1;
	int rc = ends_open(&e, r, &r->log_from, err), code;

	p.as = r->as ? r->as : &plain;
	r->pid = 0;
	if (rc == 0)
		rc = start(r, &p, &e, &child, err);
	if (rc == 0) {
		reap(child, &code); /* it only forks */
		rc = listen_status(r, e.status[0], err);
		if (rc < 0 && r->pid > 0)
			kill(-r->pid, SIGKILL);
	}
	ends_close(&e);
	return rc;
}

void run_log_tail(struct run *r)
{
	int fd = open(r->log, O_RDONLY | O_CLOEXEC);

	tail_clear(r);
	if (fd < 0)
		return;
	tail_from_log(r, fd, r->log_from);
	close(fd);
}

int run_ok(struct run *r, struct err *err)
{
	int rc = run_wait(r, err);
	const char *said;

	if (rc != RUN_FAILED)
		return rc;
	said = run_said(r);
	if (r->code > 128)
		return err_set(err, -EIO, "%s: ended by signal %d (%s)%s%s",
			       r->argv[0], r->code - 128,
			       strsignal(r->code - 128), *said ? ": " : "",
			       said);
	return err_set(err, -EIO, "%s: exit code %d%s%s", r->argv[0], r->code,
		       *said ? ": " : "", said);
}

int run_call(int (*fn)(const void *arg), const void *arg, int64_t deadline_ms,
	     struct err *err)
{
	struct run r = { .deadline_ms = deadline_ms };
	int rc, pidfd;
	pid_t pid;

	reap_abandoned();
	pid = fork_quietly();
	if (pid == 0) {
		setpgid(0, 0);
		_exit(fn(arg));
	}
	if (pid < 0)
		return err_set(err, -errno, "fork: %s", strerror(errno));
	pidfd = pidfd_open(pid, 0);
	rc = pidfd < 0 ? -errno : watch(&r, pidfd, -1);
	if (rc == 0)
		rc = reap(pid, &r.code);
	else
		put_down(pid, pidfd);
	if (pidfd >= 0)
		close(pidfd);
	if (rc > 0)
		return err_set(err, -ETIMEDOUT, "no answer in time");
	return rc < 0 ? err_set(err, rc, "wait: %s", strerror(-rc)) : r.code;
}

/* -- command texts ------------------------------------------------- */

static bool wants_shell(const char *command)
{
	return strpbrk(command, "|;") || strstr(command, "&&");
}

int run_split(struct arena *a, const char *command, const char *const **ret,
	      struct err *err)
{
	struct names words = { 0 };
	const char **argv;
	int rc = 0;

	if (!wants_shell(command))
		rc = shlex_split(a, command, &words, err);
	if (rc < 0)
		return rc;
	argv = ARENA_VEC(a, const char *, words.n + 4);
	for (size_t i = 0; i < words.n; i++)
		argv[i] = words.at[i];
	*ret = argv;
	if (!wants_shell(command))
		return words.n ? 0
			       : err_set(err, -EINVAL, "the command is empty");
	argv[0] = "/bin/sh";
	argv[1] = "-c";
	argv[2] = command;
	return 0;
}
