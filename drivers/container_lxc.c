/*
 * container.lxc - a container of LXC, through liblxc.
 *
 *   name          its name; the service's by default
 *   data_dir      the directory of containers; /var/lib/lxc
 *   cf            its configuration; DATA_DIR/NAME/config if that is there
 *   rootfs        its root: a directory, or what lxc.rootfs.path takes
 *   hostname      its host name; the name by default
 *   init          its first process; /sbin/init
 *   mount         lines for lxc.mount.entry
 *   network       a bridge: one interface eth0 on it, with
 *   address       these addresses and
 *   gateway       these default routes
 *   halt_signal   what makes its init halt; found out by default
 *   template      what its root is made from, when it is provisioned, with
 *   template_options (lxc_make.h)
 *
 * The file, if any, comes first, and the keywords that are set are put over
 * it. Without a file there must be a rootfs, and what the distribution gives
 * to all containers (common.conf) comes first.
 *
 * The channel's directory is mounted at /dev/encap in it. Whoever started the
 * container, what runs under this name in this directory is it.
 *
 * All of liblxc runs in lxc_helper.c, in a process with a deadline. It leaves
 * a monitor behind, which is the container's parent and nobody's child: the
 * agent may end, and the container stays. When the monitor has not removed its
 * cgroups (they were still busy), we do: the next one would be given "-1".
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/cgroup.h"
#include "drivers/channel.h"
#include "drivers/drivers.h"
#include "drivers/helper.h"
#include "drivers/job.h"
#include "drivers/lxc_make.h"
#include "drivers/netcut.h"
#include "fsm/base/buf.h"
#include "fsm/conf/convert.h"
#include "fsm/conf/text.h"

#define DATA_DIR    "/var/lib/lxc"
#define COMMON_CONF "/usr/share/lxc/config/common.conf"
#define PIDS_MAX    4096
#define ITEMS_MAX   64
#define KILL_MS	    3000  /* to clear away what a failed start left */
#define KILL_SHARE  10000 /* of a stop: kept for the kill, at most */

static struct lxc_place box_of(const struct job *j)
{
	const char *name = job_kw(j, "name"), *dir = job_kw(j, "data_dir");
	const char *cf = job_kw(j, "cf");

	return (struct lxc_place){ .name = name ? name : j->service,
				   .dir = dir ? dir : DATA_DIR,
				   .cf = cf ? cf : "" };
}

/* -- asking the helper -------------------------------------------------- */

struct words {
	const char *at[ITEMS_MAX + 8];
	size_t n;
};

static void word(struct words *w, const char *text)
{
	if (w->n < sizeof(w->at) / sizeof(w->at[0]))
		w->at[w->n] = text;
	w->n++;
}

static void verb(struct words *w, const struct lxc_place *b, const char *name,
		 const char *cf)
{
	w->n = 0;
	word(w, name);
	word(w, b->name);
	word(w, b->dir);
	word(w, cf);
}

static int ask(const struct job *j, struct words *w, struct run *r,
	       int64_t deadline_ms, struct err *err)
{
	int rc;

	if (w->n > sizeof(w->at) / sizeof(w->at[0]))
		return err_set(err, -E2BIG, "%s: too many settings: %zu",
			       j->res->rid, w->n);
	*r = (struct run){ .deadline_ms = deadline_ms };
	helper_prepare(r, j->arena, "lxc", w->at, w->n);
	rc = run_wait(r, err);
	if (rc < 0)
		return err_wrap(err, rc, "%s %s", w->at[0], w->at[1]);
	return rc;
}

static int ask_ok(const struct job *j, struct words *w, int64_t deadline_ms,
		  struct err *err)
{
	struct run r;
	int rc = ask(j, w, &r, deadline_ms, err);

	if (rc <= 0)
		return rc;
	return err_set(err, -EIO, "%s %s: %s (code %d)", w->at[0], w->at[1],
		       run_said(&r), r.code);
}

/* -- state -------------------------------------------------------------- */

struct state {
	char word[16]; /* as liblxc says: "RUNNING" */
	int init, automatic;
};

static int read_state(const struct job *j, const struct lxc_place *b,
		      struct state *s, struct err *err)
{
	struct words w;
	struct run r;
	int rc;

	/* A configuration on storage that is not mounted here now is no
	 * reason not to know the state. */
	verb(&w, b, "state", access(b->cf, R_OK) == 0 ? b->cf : "");
	rc = ask(j, &w, &r, j->deadline_ms, err);
	if (rc < 0)
		return rc;
	if (rc == 0 &&
	    sscanf(r.tail, "%15s %d %d", s->word, &s->init, &s->automatic) == 3)
		return 0;
	return err_set(err, -EIO, "state of %s: liblxc says '%s' (code %d)",
		       b->name, run_said(&r), r.code);
}

/* The cgroups of what is in the container, NULL-terminated. */
static const char *const *payloads(const struct job *j,
				   const struct lxc_place *b)
{
	const char *const *homes, **list;
	size_t n = 0;

	if (cgroup_homes(j->arena, &homes, NULL) < 0)
		return ARENA_VEC(j->arena, const char *, 1);
	while (homes[n])
		n++;
	list = ARENA_VEC(j->arena, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		list[i] = arena_printf(j->arena, "%s/lxc.payload.%s", homes[i],
				       b->name);
	return list;
}

/* By liblxc, or by somebody else, of whom liblxc knows nothing. */
static bool is_frozen(const struct job *j, const struct lxc_place *b,
		      const struct state *s)
{
	bool frozen = strcmp(s->word, "FROZEN") == 0;

	if (strcmp(s->word, "RUNNING") == 0)
		for (const char *const *dir = payloads(j, b); *dir; dir++)
			frozen = frozen || cgroup_is_frozen(*dir);
	return frozen;
}

static bool in_state(const struct state *s, const char *state)
{
	return strcmp(s->word, state) == 0;
}

static int probe(const struct job *j, struct probe *ret, struct err *err)
{
	struct lxc_place b = box_of(j);
	struct state s;
	int rc;

	ret->label = b.name;
	rc = read_state(j, &b, &s, err);
	if (rc < 0)
		return rc;
	if (is_frozen(j, &b, &s)) {
		ret->status = STATUS_NA;
		probe_log(j, ret, "warn", "the container is frozen");
	} else if (in_state(&s, "RUNNING")) {
		ret->status = STATUS_UP;
	} else if (in_state(&s, "STOPPED")) {
		ret->status = STATUS_DOWN;
	} else {
		ret->status = STATUS_WARN;
		probe_log(j, ret, "warn",
			  "container status is neither up nor down: %s",
			  s.word);
	}
	if (s.automatic)
		probe_log(j, ret, "warn",
			  "container auto boot is on: lxc.start.auto = 1");
	ret->provisioned =
		in_state(&s, "STOPPED") ? lxc_made(j, &b) : PROVISIONED_YES;
	return 0;
}

/* -- leftovers ------------------------------------------------------------ */

/* Starts share the lock, the removal of empty cgroups is alone: a cgroup that
 * was made a moment ago for a container of a like name is empty too. */
static int lock(const struct job *j, int how)
{
	const char *path = arena_printf(j->arena, "%s/lxc.lock", j->run_dir);
	int fd = -1;

	if (dir_make(j->run_dir, 0755, NULL) == 0)
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && flock(fd, how) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* "lxc.monitor.NAME" and "lxc.payload.NAME", and those with "-1" and so on. */
static bool is_leftover(const char *entry, const char *name)
{
	static const char *const stems[] = { "lxc.monitor.", "lxc.payload." };
	size_t n = strlen(name);

	for (size_t i = 0; i < 2; i++) {
		const char *rest = entry + strlen(stems[i]);

		if (!text_starts(entry, stems[i]) ||
		    strncmp(rest, name, n) != 0)
			continue;
		rest += n;
		if (!*rest)
			return true;
		return rest[0] == '-' && rest[1] &&
		       !rest[1 + strspn(rest + 1, "0123456789")];
	}
	return false;
}

static void clear_home(const struct job *j, const char *home, const char *name)
{
	DIR *d = opendir(home);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (is_leftover(e->d_name, name))
			cgroup_remove(arena_printf(j->arena, "%s/%s", home,
						   e->d_name));
	if (d)
		closedir(d);
}

/* Only for a container that is down. As well as it goes: what is left does no
 * harm but for its name, and the next stop or start tries again. */
static void clear_cgroups(const struct job *j, const struct lxc_place *b)
{
	const char *const *homes;
	int fd = lock(j, LOCK_EX | LOCK_NB);

	if (fd < 0)
		return;
	if (cgroup_homes(j->arena, &homes, NULL) == 0)
		for (; *homes; homes++)
			clear_home(j, *homes, b->name);
	close(fd);
}

/* -- start ---------------------------------------------------------------- */

static void item(const struct job *j, struct words *w, const char *key,
		 const char *value)
{
	if (value)
		word(w, arena_printf(j->arena, "%s=%s", key, value));
}

/* Mount entries are lines of fstab(5): blanks in a path are octal. */
static const char *fstab_path(const struct job *j, const char *path)
{
	struct buf b = BUF(j->arena);

	for (; *path; path++) {
		if (strchr(" \t\n\\", *path))
			buf_printf(&b, "\\%03o", (unsigned char)*path);
		else
			buf_add(&b, path, 1);
	}
	return buf_text(&b);
}

static void network_items(const struct job *j, struct words *w)
{
	const char *bridge = job_kw(j, "network");
	const char *gateway = job_kw(j, "gateway");
	const char *addresses = job_kw(j, "address");
	struct names list = words_split(j->arena, addresses ? addresses : "");
	struct names ways = words_split(j->arena, gateway ? gateway : "");

	if (!bridge)
		return;
	word(w, "lxc.net.+.type=veth");
	item(j, w, "lxc.net.+.link", bridge);
	word(w, "lxc.net.+.name=eth0");
	word(w, "lxc.net.+.flags=up");
	for (size_t i = 0; i < list.n; i++)
		item(j, w,
		     strchr(list.at[i], ':') ? "lxc.net.+.ipv6.address"
					     : "lxc.net.+.ipv4.address",
		     list.at[i]);
	for (size_t i = 0; i < ways.n; i++)
		item(j, w,
		     strchr(ways.at[i], ':') ? "lxc.net.+.ipv6.gateway"
					     : "lxc.net.+.ipv4.gateway",
		     ways.at[i]);
}

static void mount_items(const struct job *j, struct words *w)
{
	const char *text = job_kw(j, "mount");

	while (text && *text) {
		size_t n = strcspn(text, "\n");
		const char *line = text_trimmed(j->arena, text, n);

		if (*line)
			item(j, w, "lxc.mount.entry", line);
		text += n + (text[n] == '\n');
	}
}

/* What comes first where no file says anything. */
static void base_items(const struct job *j, struct words *w)
{
	if (access(COMMON_CONF, R_OK) == 0)
		word(w, "lxc.include=" COMMON_CONF);
	else
		word(w, "lxc.mount.auto=proc:mixed sys:mixed");
	if (!job_kw(j, "network"))
		word(w, "lxc.net.+.type=empty");
}

/* Not as lxc.init.cmd, which knows no quotes. */
static int init_words(const struct job *j, struct words *w, struct err *err)
{
	const char *init = job_kw(j, "init");
	struct names list = { 0 };
	int rc = init ? shlex_split(j->arena, init, &list, err) : 0;

	if (rc < 0)
		return err_wrap(err, rc, "init");
	if (list.n)
		word(w, "--");
	for (size_t i = 0; i < list.n; i++)
		word(w, list.at[i]);
	return 0;
}

static int settings(const struct job *j, const struct lxc_place *b,
		    struct words *w, struct err *err)
{
	const char *own =
		arena_printf(j->arena, "%s/%s/config", b->dir, b->name);
	const char *rootfs = job_kw(j, "rootfs"), *channel;
	bool file = *b->cf || access(own, F_OK) == 0;
	struct stat st;
	int rc = channel_dir(j, &channel, err);

	if (rc < 0)
		return rc;
	/* liblxc wants it, also for a container that keeps nothing there. */
	rc = dir_make(b->dir, 0711, err);
	if (rc < 0)
		return rc;
	if (*b->cf && access(b->cf, R_OK) < 0)
		return err_set(err, -errno, "cf %s: %s", b->cf,
			       strerror(errno));
	if (!file && !rootfs)
		return err_set(err, -EINVAL,
			       "%s: no configuration: there is no %s; set cf, "
			       "or rootfs",
			       b->name, own);
	if (rootfs && rootfs[0] == '/' && stat(rootfs, &st) < 0)
		return err_set(err, -errno, "rootfs %s: %s", rootfs,
			       strerror(errno));
	if (!file)
		base_items(j, w);
	item(j, w, "lxc.rootfs.path", rootfs);
	item(j, w, "lxc.uts.name", job_kw(j, "hostname"));
	item(j, w, "lxc.signal.halt", job_kw(j, "halt_signal"));
	network_items(j, w);
	mount_items(j, w);
	word(w, arena_printf(j->arena,
			     "lxc.mount.entry=%s %s none bind,create=dir 0 0",
			     fstab_path(j, channel), &CHANNEL_MOUNT[1]));
	return init_words(j, w, err);
}

/* The first lines that say ERROR, without time and place: "a; b; c". Line:
 * "encap NAME TIME ERROR    start - FILE:FUNCTION:LINE - MESSAGE". */
static const char *log_text(const struct job *j, const char *path)
{
	struct buf b = BUF(j->arena);
	char *text, *next;
	size_t n = 0;

	if (job_file_read(j->arena, path, &text, NULL) != 0)
		return "";
	for (; text && *text && n < 3; text = next) {
		char *message;

		next = strchr(text, '\n');
		if (next)
			*next++ = '\0';
		message = strstr(text, " ERROR ");
		for (int i = 0; message && i < 2; i++) {
			message = strstr(message, " - ");
			message += message ? 3 : 0;
		}
		if (!message)
			continue;
		buf_printf(&b, "%s%s", n++ ? "; " : "", message);
	}
	return job_clean(j->arena, buf_text(&b));
}

/* The last line that the container wrote on its console. */
static const char *console_text(const struct job *j, const char *log)
{
	const char *path = arena_printf(j->arena, "%s.console", log);
	const char *line = "";
	char *text;

	if (job_file_read(j->arena, path, &text, NULL) != 0)
		return "";
	while (*text) {
		size_t n = strcspn(text, "\r\n");

		if (n)
			line = arena_printf(j->arena, "; its last words: %.*s",
					    (int)n, text);
		text += n + (text[n] != '\0');
	}
	return job_clean(j->arena, line);
}

static void kill_box(const struct job *j, const struct lxc_place *b)
{
	struct words w;

	verb(&w, b, "kill", "");
	ask_ok(j, &w, driver_now_ms() + KILL_MS, NULL);
}

static int start_box(const struct job *j, const struct lxc_place *b,
		     struct err *err)
{
	const char *log, *said;
	struct words w;
	struct run r;
	int rc = job_file(j, "log", ".lxc", true, &log, err);

	if (rc >= 0)
		rc = job_file_remove(log, err);
	if (rc >= 0)
		rc = job_file_remove(arena_printf(j->arena, "%s.console", log),
				     err);
	if (rc < 0)
		return rc;
	verb(&w, b, "start", b->cf);
	word(&w, log);
	rc = settings(j, b, &w, err);
	if (rc < 0)
		return rc;
	rc = ask(j, &w, &r, j->deadline_ms, err);
	if (rc == 0)
		return 0;
	kill_box(j, b);
	if (rc < 0)
		return rc;
	if (r.code == LXC_ENDED)
		said = "its first process ended at once";
	else
		said = log_text(j, log);
	if (!*said)
		said = run_said(&r);
	return err_set(err, -EIO, "%s: %s%s", b->name, said,
		       console_text(j, log));
}

static int start(const struct job *j, struct err *err)
{
	struct lxc_place b = box_of(j);
	struct state s;
	int fd, rc = read_state(j, &b, &s, err);

	if (rc < 0)
		return rc;
	if (in_state(&s, "RUNNING"))
		return DRIVER_NOOP;
	if (!in_state(&s, "STOPPED"))
		return err_set(err, -EBUSY, "%s is %s", b.name, s.word);
	clear_cgroups(j, &b);
	fd = lock(j, LOCK_SH);
	rc = start_box(j, &b, err);
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		clear_cgroups(j, &b);
	return rc;
}

/* -- stop -------------------------------------------------------------------
 */

/* Ask liblxc, which asks the container's monitor. */
static int ask_down(const struct job *j, const struct lxc_place *b, bool hard,
		    int64_t patience_ms, struct err *err)
{
	const char *signal = job_kw(j, "halt_signal");
	struct state s;
	struct words w;
	int rc = read_state(j, b, &s, err);

	if (rc < 0)
		return rc;
	if (in_state(&s, "STOPPED"))
		return DRIVER_NOOP;
	if (is_frozen(j, b, &s))
		for (const char *const *dir = payloads(j, b); *dir; dir++)
			cgroup_thaw(*dir);
	/* Its own file may name the signal, but need not be there any more. */
	verb(&w, b, hard ? "kill" : "stop",
	     access(b->cf, R_OK) == 0 ? b->cf : "");
	if (!hard)
		word(&w,
		     arena_printf(j->arena, "%d", (int)(patience_ms / 1000)));
	if (!hard && signal)
		word(&w, signal);
	rc = ask_ok(j, &w, j->deadline_ms, err);
	if (rc == 0)
		rc = read_state(j, b, &s, err);
	if (rc == 0 && !in_state(&s, "STOPPED"))
		rc = err_set(err, -EIO, "%s was stopped, but is %s", b->name,
			     s.word);
	return rc;
}

/* SIGKILL to all in a group; how many there are. */
static size_t kill_group(const struct job *j, const char *dir)
{
	pid_t *pids = ARENA_VEC(j->arena, pid_t, PIDS_MAX);
	size_t n = cgroup_pids(dir, pids, PIDS_MAX);

	for (size_t i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	if (n)
		cgroup_thaw(dir);
	return n;
}

/* Without liblxc: a monitor that hangs answers nobody, and whatever else is
 * wrong, what is in the container's cgroup can be killed. Its monitor as well:
 * the container's first process dies with it. 1 when nothing was there. */
static int kill_processes(const struct job *j, const struct lxc_place *b,
			  struct err *err)
{
	const char *const *homes;
	bool any = false;
	int rc = cgroup_homes(j->arena, &homes, err);

	while (rc == 0) {
		size_t n = 0;

		for (size_t i = 0; homes[i]; i++) {
			n += kill_group(j, arena_printf(j->arena,
							"%s/lxc.payload.%s",
							homes[i], b->name));
			n += kill_group(j, arena_printf(j->arena,
							"%s/lxc.monitor.%s",
							homes[i], b->name));
		}
		if (!n)
			return any ? 0 : 1;
		any = true;
		rc = job_sleep(j, 50, "kill the container's processes", err);
	}
	return rc;
}

static int take_down(const struct job *j, bool hard, struct err *err)
{
	int64_t left = job_left_ms(j);
	int64_t share = left / 2 < KILL_SHARE ? left / 2 : KILL_SHARE;
	struct lxc_place b = box_of(j);
	struct job first = *j;
	int rc, killed;

	/* Of its time: to halt, for liblxc to kill it, for us to kill it. */
	first.deadline_ms = j->deadline_ms - (hard ? left : share) / 2;
	rc = ask_down(&first, &b, hard, left - share, err);
	if (rc < 0) {
		killed = kill_processes(j, &b, NULL);
		if (killed != 0)
			return rc;
		rc = 0;
	}
	clear_cgroups(j, &b);
	return rc;
}

static int stop(const struct job *j, struct err *err)
{
	return take_down(j, false, err);
}

static int kill_hard(const struct job *j, struct err *err)
{
	return take_down(j, true, err);
}

/* -- operational ------------------------------------------------------------
 */

/* Where there is systemd, its default target is reached; else a shell runs;
 * where there is no shell, the first process is all that there is to see. */
static int operational(const struct job *j, struct err *err)
{
	static const char script[] =
		"[ ! -d /run/systemd/system ] || "
		"systemctl is-active --quiet default.target";
	struct lxc_place b = box_of(j);
	struct state s;
	struct words w;
	struct run r;
	int rc = read_state(j, &b, &s, err);

	if (rc < 0)
		return rc;
	if (!in_state(&s, "RUNNING"))
		return err_set(err, -EAGAIN, "container %s is %s", b.name,
			       s.word);
	verb(&w, &b, "run", "");
	word(&w, "/bin/sh");
	word(&w, "-c");
	word(&w, script);
	rc = ask(j, &w, &r, j->deadline_ms, err);
	if (rc < 0)
		return rc;
	if (rc == 0 || r.code == 126 || r.code == 127)
		return 0;
	return err_set(err, -EAGAIN,
		       "container %s runs, but its system is not up yet: %s",
		       b.name, run_said(&r));
}

/* -- provision --------------------------------------------------------------
 */

static int provision(const struct job *j, struct err *err)
{
	struct lxc_place b = box_of(j);
	struct state s;
	int rc = read_state(j, &b, &s, err);

	if (rc < 0)
		return rc;
	return in_state(&s, "STOPPED") ? lxc_make(j, &b, err) : DRIVER_NOOP;
}

static int unprovision(const struct job *j, struct err *err)
{
	struct lxc_place b = box_of(j);
	struct state s;
	int rc = read_state(j, &b, &s, err);

	if (rc < 0)
		return rc;
	if (!in_state(&s, "STOPPED"))
		return err_set(err, -EBUSY, "%s is %s", b.name, s.word);
	return lxc_unmake(j, &b, err);
}

/* What is left of it may hang in the kernel; its interfaces go down. */
static int cut(const struct job *j, struct err *err)
{
	struct lxc_place b = box_of(j);
	struct state s;
	int rc = read_state(j, &b, &s, err);

	if (rc < 0)
		return rc;
	if (s.init <= 0)
		return err_set(err, -ESRCH, "liblxc knows no process of %s",
			       b.name);
	rc = netcut(s.init, j->deadline_ms, err);
	return rc < 0 ? err_wrap(err, rc, "the network of %s", b.name) : 0;
}

static void guard(const struct job *j, struct buf *out)
{
	struct lxc_place b = box_of(j);

	driver_guard_item(out, "cgroup",
			  arena_printf(j->arena, "lxc.payload.%s", b.name),
			  NULL);
	driver_guard_item(out, "cgroup",
			  arena_printf(j->arena, "lxc.monitor.%s", b.name),
			  NULL);
}

const struct driver driver_container_lxc = {
	.group = "container",
	.kind = "lxc",
	.summary = "a container of LXC",
	.start_timeout_ms = 240000,
	.stop_timeout_ms = 120000,
	.probe = probe,
	.start = start,
	.stop = stop,
	.provision = provision,
	.unprovision = unprovision,
	.kill = kill_hard,
	.cut = cut,
	.guard = guard,
	.channel_dir = channel_dir,
	.operational = operational,
};
