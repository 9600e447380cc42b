#include "cluster/loop/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "cluster/loop/disk.h"

#define FILE_MAX      (1 << 20)
#define LOCK_TRIES    20
#define LOCK_PAUSE_US 50000

/* -- one at a time ------------------------------------------------------- */

/* One that was killed may take a moment to be gone. */
static bool lock_wait(int fd)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		usleep(LOCK_PAUSE_US);
	}
	return false;
}

static int keep_lock(struct keep *k, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *path = arena_printf(a, "%s/encapd.pid", k->run);
	char pid[24] = "?";
	ssize_t n;

	k->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (k->lock_fd < 0)
		return disk_failed(err, "open", path);
	if (!lock_wait(k->lock_fd)) {
		n = read(k->lock_fd, pid, sizeof(pid) - 1);
		pid[n > 0 ? n : 1] = '\0';
		return err_set(err, -EBUSY,
			       "%s: encapd runs already, process %.*s", path,
			       (int)strcspn(pid, "\n"), pid);
	}
	n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(k->lock_fd, 0) < 0 ||
	    pwrite(k->lock_fd, pid, (size_t)n, 0) != n)
		return disk_failed(err, "write", path);
	return 0;
}

/* -- the session ----------------------------------------------------------- */

static int read_boot_id(struct keep *k, struct err *err)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return disk_failed(err, "open", path);
	n = read(fd, k->boot_id, sizeof(k->boot_id) - 1);
	close(fd);
	if (n <= 0)
		return disk_failed(err, "read", path);
	k->boot_id[n] = '\0';
	k->boot_id[strcspn(k->boot_id, "\n")] = '\0';
	return 0;
}

/* Field 22 of /proc/1/stat (proc(5)), which stands behind the name in
 * brackets; 0 if it cannot be seen. */
static unsigned long long init_start(void)
{
	int fd = open("/proc/1/stat", O_RDONLY | O_CLOEXEC);
	unsigned long long ticks = 0;
	char text[1024], *at;
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at)
		ticks = strtoull(at, NULL, 10);
	return ticks;
}

static int session_new(struct keep *k, struct err *err)
{
	unsigned char bytes[(KEEP_SESSION - 1) / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_set(err, -errno, "random: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(k->session + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static int keep_session(struct keep *k, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *path = arena_printf(a, "%s/session", k->run);
	const char *boot = arena_printf(a, "%s.%llu", k->boot_id, init_start());
	char was[100], session[KEEP_SESSION], *text;
	size_t len;
	int rc = disk_read(a, path, FILE_MAX, &text, &len, err);

	if (rc == 0 && sscanf(text, "%99s %32[0-9a-f]", was, session) == 2 &&
	    strlen(session) == KEEP_SESSION - 1 && strcmp(was, boot) == 0) {
		memcpy(k->session, session, KEEP_SESSION);
		return 0;
	}
	rc = session_new(k, err);
	if (rc < 0)
		return rc;
	text = arena_printf(a, "%s %s\n", boot, k->session);
	return disk_replace(path, text, strlen(text), 0600, err);
}

/* -- the lease ----------------------------------------------------------- */

static int lease_open(struct keep *k, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *path = arena_printf(a, "%s/lease", k->run);
	char text[128], session[KEEP_SESSION];
	uint64_t until, epoch;
	ssize_t n;

	k->lease_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (k->lease_fd < 0)
		return disk_failed(err, "open", path);
	n = pread(k->lease_fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "%32[0-9a-f] %" SCNu64 " %" SCNu64, session, &until,
		   &epoch) != 3 ||
	    strcmp(session, k->session) != 0)
		return 0;
	k->lease_until_ms = until;
	k->lease_epoch = epoch;
	return 0;
}

/* Of one length always, so that a reader never sees an old tail. */
int keep_lease(struct keep *k, uint64_t until_ms, uint64_t epoch,
	       struct err *err)
{
	char text[128];
	int n = snprintf(text, sizeof(text),
			 "%s %020" PRIu64 " %020" PRIu64 "\n", k->session,
			 until_ms, epoch);

	if (pwrite(k->lease_fd, text, (size_t)n, 0) != n)
		return disk_failed(err, "write", "the lease");
	return 0;
}

/* -- documents ------------------------------------------------------------- */

int keep_load(struct keep *k, struct arena *a, const char *name,
	      struct doc **ret, struct err *err)
{
	const char *path = arena_printf(a, "%s/%s", k->var, name);
	char *bytes;
	size_t len;
	int rc = disk_read(a, path, FILE_MAX, &bytes, &len, err);

	if (rc == DISK_NOT_THERE)
		return 1;
	if (rc == DISK_TOO_LARGE)
		return err_set(err, -EBADMSG, "%s: too large", path);
	if (rc == 0)
		rc = doc_decode(a, bytes, len, ret, err);
	return rc < 0 ? err_wrap(err, rc, "%s", path) : 0;
}

int keep_save(struct keep *k, const char *name, const struct doc *d,
	      struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf out = BUF(a);

	doc_encode(&out, d);
	return disk_replace(arena_printf(a, "%s/%s", k->var, name), out.data,
			    out.len, 0600, err);
}

/* -- life ------------------------------------------------------------------ */

int keep_open(struct keep *k, const char *var, const char *run, struct err *err)
{
	int rc;

	*k = (struct keep){
		.var = var, .run = run, .lock_fd = -1, .lease_fd = -1
	};
	rc = disk_make_dir(var, 0700, err);
	/* Containers reach their channel's folder through it. */
	if (rc == 0)
		rc = disk_make_dir(run, 0711, err);
	if (rc == 0)
		rc = keep_lock(k, err);
	if (rc == 0)
		rc = read_boot_id(k, err);
	if (rc == 0)
		rc = keep_session(k, err);
	if (rc == 0)
		rc = lease_open(k, err);
	if (rc < 0)
		keep_close(k);
	return rc;
}

void keep_close(struct keep *k)
{
	if (k->lock_fd >= 0)
		close(k->lock_fd);
	if (k->lease_fd >= 0)
		close(k->lease_fd);
	k->lock_fd = k->lease_fd = -1;
}
