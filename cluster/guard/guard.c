/*
 * encap-guard - holds the deadline when the agent cannot.
 *
 *     encap-guard PAGE [WATCHDOG]
 *
 * A process of its own, started by the agent and not ended with it. It looks at
 * the page twenty times a second. When the time on it is over, the agent is
 * dead, hung or stopped (alive, it would have stopped everything itself a
 * moment ago). Then it ends the agent, which may hold on to what was a
 * container's (the socket of its channel keeps the network alive) and must not
 * wake up to old ideas; takes away what the page lists, the hard way; and goes
 * on doing so until nothing is left or the time is moved on. The agent's
 * supervisor starts it anew.
 *
 * What it needs it has from the start: its memory is locked, it allocates
 * nothing, opens few files, and runs with real-time priority where it may.
 *
 * WATCHDOG (/dev/watchdog) is fed at each look while nothing is overdue. If
 * something cannot be taken away within WATCHDOG_MS it is not fed any more, and
 * the machine is reset by it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cluster/guard/page.h"

#define LOOK_MS	    50
#define AGAIN_MS    100
#define REST_MS	    500
#define HANGS_MS    2000 /* an agent turns at least once a second */
#define WATCHDOG_MS 1000
#define ENV_SEEN    (128 * 1024)

static struct guard_page *page;
static char names[32 * 1024];	   /* of a directory */
static char text[ENV_SEEN + 1];	   /* of a small file */
static char items[GUARD_LIST + 2]; /* the list that is carried out */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void sleep_ms(long ms)
{
	const struct timespec t = { 0, ms * 1000000 };

	nanosleep(&t, NULL);
}

/* Without stdio, which may allocate. */
static void say(const char *what, const char *more)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "encap-guard: %s%s\n", what, more);

	if (n > 0 &&
	    write(STDERR_FILENO, line,
		  (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1) < 0)
		return;
}

static size_t read_file(const char *path, char *ret, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	while (fd >= 0 && len < max && (n = read(fd, ret + len, max - len)) > 0)
		len += (size_t)n;
	if (fd >= 0)
		close(fd);
	ret[len] = '\0';
	return len;
}

/* -- processes ---------------------------------------------------------- */

struct dirent64 {
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

/* Is NAME, or NAME-N as LXC has it where NAME is taken, a part of one of the
 * paths of /proc/PID/cgroup? */
static bool in_cgroup(const char *groups, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = strstr(groups, name); p; p = strstr(p + 1, name)) {
		const char *end = p + n;

		if (p == groups || p[-1] != '/')
			continue;
		if (*end == '-')
			end += 1 + strspn(end + 1, "0123456789");
		if (*end == '/' || *end == '\n' || *end == '\0')
			return true;
	}
	return false;
}

static bool in_environment(const char *env, size_t len, const char *word)
{
	for (size_t at = 0; at < len; at += strlen(env + at) + 1)
		if (strcmp(env + at, word) == 0)
			return true;
	return false;
}

static bool is_meant(const char *pid, bool by_cgroup, const char *what)
{
	char path[64];
	size_t len;

	snprintf(path, sizeof(path), "/proc/%.20s/%s", pid,
		 by_cgroup ? "cgroup" : "environ");
	len = read_file(path, text, ENV_SEEN);
	return by_cgroup ? in_cgroup(text, what)
			 : in_environment(text, len, what);
}

static bool is_zombie(const char *pid)
{
	char path[64], *end;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	read_file(path, text, 512);
	end = strrchr(text, ')');
	return !end || end[1] != ' ' || end[2] == 'Z' || end[2] == 'X';
}

/* The 22nd word of /proc/PID/stat; the 2nd may have blanks in it. 0: gone. */
static uint64_t start_of(uint32_t pid)
{
	char path[64], *at;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	read_file(path, text, 1024);
	at = strrchr(text, ')');
	for (int i = 2; at && i < 22; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

/* One that turns is at it already: it is only cut off. */
static void end_agent(uint64_t now)
{
	uint32_t pid = atomic_load(&page->agent);

	if (pid > 1 && now > atomic_load(&page->agent_ms) + HANGS_MS &&
	    start_of(pid) == atomic_load(&page->agent_start)) {
		say("the agent hangs: ", "ending it");
		kill((pid_t)pid, SIGKILL);
	}
}

/* A frozen one does not die. Version 2 and the freezer of version 1 each have
 * one word for it; the group is the one that the process is in. */
static void thaw(const char *pid)
{
	static const char *const roots[] = { "/sys/fs/cgroup",
					     "/sys/fs/cgroup/unified",
					     "/sys/fs/cgroup/freezer" };
	char path[64], file[1024];
	char *line, *end;

	snprintf(path, sizeof(path), "/proc/%.20s/cgroup", pid);
	read_file(path, text, 16384);
	for (line = text; line && *line; line = end ? end + 1 : NULL) {
		char *group = strchr(line, ':');

		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		group = group ? strchr(group + 1, ':') : NULL;
		for (size_t i = 0; group && i < 3; i++) {
			const char *word = i < 2 ? "0" : "THAWED";
			int fd;

			snprintf(file, sizeof(file), "%s%s/%s", roots[i],
				 group + 1,
				 i < 2 ? "cgroup.freeze" : "freezer.state");
			fd = open(file, O_WRONLY | O_CLOEXEC);
			if (fd < 0)
				continue;
			if (write(fd, word, strlen(word)) < 0)
				errno = 0; /* the next look tries again */
			close(fd);
		}
	}
}

static bool kill_one(const char *pid, bool by_cgroup, const char *what)
{
	pid_t p = (pid_t)atoi(pid);

	if (p <= 1 || p == getpid() || !is_meant(pid, by_cgroup, what) ||
	    is_zombie(pid))
		return false;
	kill(p, SIGKILL);
	thaw(pid);
	return true;
}

/* True if there was any. */
static bool kill_all(bool by_cgroup, const char *what)
{
	int dir = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool any = false;
	long n;

	while (dir >= 0 &&
	       (n = syscall(SYS_getdents64, dir, names, sizeof(names))) > 0)
		for (long at = 0; at < n;) {
			struct dirent64 *e = (void *)(names + at);

			at += e->len;
			if (e->name[0] >= '1' && e->name[0] <= '9')
				any |= kill_one(e->name, by_cgroup, what);
		}
	if (dir >= 0)
		close(dir);
	return any;
}

/* -- addresses ---------------------------------------------------------- */

struct address_request {
	struct nlmsghdr head;
	struct ifaddrmsg body;
	char attributes[64];
};

static void put_attribute(struct address_request *r, unsigned short type,
			  const void *data, size_t len)
{
	struct rtattr *a = (void *)((char *)r + NLMSG_ALIGN(r->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	r->head.nlmsg_len = NLMSG_ALIGN(r->head.nlmsg_len) +
			    (uint32_t)RTA_ALIGN(a->rta_len);
}

static bool make_request(struct address_request *r, const char *device,
			 const char *address)
{
	char host[64];
	unsigned char bytes[16];
	const char *slash = strchr(address, '/');
	bool v6 = strchr(address, ':') != NULL;

	memset(r, 0, sizeof(*r));
	snprintf(host, sizeof(host), "%.*s",
		 slash ? (int)(slash - address) : 63, address);
	if (inet_pton(v6 ? AF_INET6 : AF_INET, host, bytes) != 1)
		return false;
	r->head.nlmsg_len = NLMSG_LENGTH(sizeof(r->body));
	r->head.nlmsg_type = RTM_DELADDR;
	r->head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	r->body.ifa_family = v6 ? AF_INET6 : AF_INET;
	r->body.ifa_prefixlen = slash ? (unsigned char)atoi(slash + 1)
				: v6  ? 128
				      : 32;
	r->body.ifa_index = if_nametoindex(device);
	put_attribute(r, IFA_LOCAL, bytes, v6 ? 16 : 4);
	return r->body.ifa_index != 0;
}

/* True if it was there. */
static bool drop_address(const char *device, const char *address)
{
	struct address_request r;
	struct {
		struct nlmsghdr head;
		struct nlmsgerr body;
		char rest[256];
	} answer = { 0 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	bool was = false;

	if (fd >= 0 && make_request(&r, device, address) &&
	    send(fd, &r, r.head.nlmsg_len, 0) > 0 &&
	    recv(fd, &answer, sizeof(answer), 0) > 0)
		was = answer.head.nlmsg_type == NLMSG_ERROR &&
		      answer.body.error == 0;
	if (fd >= 0)
		close(fd);
	return was;
}

/* -- the list ----------------------------------------------------------- */

/* A copy of it, whole, and its length. */
static size_t copy_list(void)
{
	uint32_t seq, len = 0;

	for (int i = 0; i < 100; i++) {
		uint32_t which;

		seq = atomic_load(&page->seq);
		which = atomic_load(&page->which) & 1;
		len = page->list[which].len;
		if (len > GUARD_LIST)
			len = GUARD_LIST;
		memcpy(items, page->list[which].bytes, len);
		items[len] = items[len + 1] = '\0';
		/* Who writes works on the other one, until seq has grown. */
		if (atomic_load(&page->seq) == seq)
			break;
	}
	return len;
}

/* True if it was there: what is busy is so until its processes are gone. */
static bool unmount(const char *path)
{
	return umount2(path, UMOUNT_NOFOLLOW) == 0 || errno == EBUSY;
}

/* Carry out one item; true if there was something to take away. */
static bool take_away(const char *kind, const char *one, const char *two)
{
	if (strcmp(kind, "cgroup") == 0)
		return kill_all(true, one);
	if (strcmp(kind, "env") == 0)
		return kill_all(false, one);
	if (strcmp(kind, "address") == 0)
		return drop_address(one, two);
	if (strcmp(kind, "mount") == 0)
		return unmount(one);
	return false;
}

static const char *next_word(const char *at)
{
	return *at ? at + strlen(at) + 1 : at;
}

/* True if anything was there. */
static bool take_all(size_t len)
{
	bool any = false;

	for (const char *at = items; at < items + len && *at;) {
		const char *kind = at, *one = next_word(kind);
		const char *two = next_word(one);

		if (take_away(kind, one, two)) {
			say("took away ", one);
			any = true;
		}
		for (at = kind; *at; at = next_word(at))
			;
		at++;
	}
	return any;
}

/* -- looking ------------------------------------------------------------ */

struct watching {
	int watchdog;	     /* -1: none */
	uint64_t overdue_ms; /* since when something is */
	uint64_t again_ms;   /* not before */
	uint64_t said_for;   /* the time of which it was said that it is over */
};

static void feed(const struct watching *w)
{
	if (w->watchdog >= 0 && write(w->watchdog, "\0", 1) < 0)
		say("the watchdog cannot be fed: ", strerror(errno));
}

/* The time is over. False once nothing is left. */
static bool act(struct watching *w, uint64_t until, uint64_t now)
{
	size_t len = copy_list();

	if (!len || atomic_load(&page->until_ms) != until)
		return false;
	if (w->said_for != until)
		say("the lease is over: ", "nothing may run here");
	w->said_for = until;
	end_agent(now);
	return take_all(len);
}

static void look(struct watching *w)
{
	uint64_t until = atomic_load(&page->until_ms), now = now_ms();
	bool over = until && now >= until && now >= w->again_ms;
	bool left = over && act(w, until, now);

	/* Once nothing is left it is looked at now and then. */
	if (over)
		w->again_ms = left ? 0 : now + REST_MS;
	atomic_store(&page->alive_ms, now);
	if (!left)
		w->overdue_ms = 0;
	else if (!w->overdue_ms)
		w->overdue_ms = now;
	if (!left || now < w->overdue_ms + WATCHDOG_MS)
		feed(w);
	sleep_ms(left ? AGAIN_MS : LOOK_MS);
}

/* -- starting ----------------------------------------------------------- */

static volatile sig_atomic_t ended;

static void on_term(int number)
{
	(void)number;
	ended = 1;
}

static void raise_priority(void)
{
	const struct sched_param p = { .sched_priority = 10 };

	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		say("memory is not locked: ", strerror(errno));
	if (sched_setscheduler(0, SCHED_FIFO, &p) < 0)
		say("no real-time priority: ", strerror(errno));
}

/* Locked by the one that guards. */
static int open_page(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -1;
	if (fstat(fd, &st) < 0 || (size_t)st.st_size < sizeof(*page)) {
		errno = EINVAL;
		return -1;
	}
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
	return page == MAP_FAILED ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct watching w = { .watchdog = -1 };
	const struct sigaction term = { .sa_handler = on_term };

	if (argc < 2 || argc > 3) {
		say("usage: encap-guard PAGE [WATCHDOG]", "");
		return 2;
	}
	if (open_page(argv[1]) < 0) {
		say(argv[1], errno == EWOULDBLOCK ? ": another one guards it"
						  : ": no page to guard");
		return 1;
	}
	if (page->magic != GUARD_MAGIC || page->version != GUARD_VERSION) {
		say(argv[1], ": a page of another version");
		return 1;
	}
	if (argc == 3) {
		w.watchdog = open(argv[2], O_WRONLY | O_CLOEXEC);
		if (w.watchdog < 0) {
			say(argv[2], ": this watchdog cannot be opened");
			return 1;
		}
	}
	sigaction(SIGTERM, &term, NULL);
	raise_priority();
	atomic_store(&page->watchdog, w.watchdog >= 0);
	atomic_store(&page->pid, (uint32_t)getpid());
	while (!ended)
		look(&w);
	/* The letter that says: on purpose. */
	if (w.watchdog >= 0 && write(w.watchdog, "V", 1) < 0)
		return 1;
	atomic_store(&page->pid, 0);
	return 0;
}
