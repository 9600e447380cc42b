/*
 * Open: the lock, threads, database, log, agent, then the sockets; readiness
 * is told once all of it is there.
 *
 * Stop: no more events come in (sockets are closed), no more turns are made;
 * what is under way on threads is waited for; then the agent and the database
 * are closed, clean. If an operation of a driver does not end, everything else
 * is still closed clean, and the process goes without waiting for it.
 *
 * Failure: a disk that fails ends the process at once (world.c, on_fatal).
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/loop/daemon_internal.h"

#define STOP_MS	    2000
#define MAX_OPS	    256
#define MAX_KILLS   64
#define MAX_COPIES  16
#define SNAP_DIR    "snapshots"
#define DESCRIPTORS 65536

/* -- turns --------------------------------------------------------------- */

static bool crews_idle(const struct daemon *d, bool but_ops)
{
	for (int i = 0; i < CREWS; i++)
		if (crew_busy(d->crews[i]) &&
		    !(but_ops && (i == CREW_OPS || i == CREW_KILLS)))
			return false;
	return true;
}

static void daemon_end(struct daemon *d);

static void stop_turn(struct daemon *d, uint64_t now_ms)
{
	if (crews_idle(d, false) ||
	    (now_ms >= d->stop_by_ms && crews_idle(d, true)))
		daemon_end(d);
	else
		alarm_set(&d->alarm, now_ms < d->stop_by_ms ? d->stop_by_ms
							    : now_ms + 100);
}

static void daemon_turn(struct daemon *d, uint64_t now_ms)
{
	uint64_t next;

	guard_turn(&d->guard, now_ms);
	world_tick(d, now_ms);
	if (now_ms >= agent_next_ms(d->agent))
		agent_tick(d->agent, now_ms);
	agent_turn(d->agent, now_ms);
	envfiles_turn(d->envfiles, now_ms);
	if (d->links)
		links_flush(d->links);
	next = agent_next_ms(d->agent);
	if (world_next_ms(d) < next)
		next = world_next_ms(d);
	if (envfiles_next_ms(d->envfiles) < next)
		next = envfiles_next_ms(d->envfiles);
	if (d->has_left) {
		d->has_left = false;
		recover_leave(d);
		next = now_ms;
	}
	alarm_set(&d->alarm, next);
}

static void on_prepare(uv_prepare_t *p)
{
	struct daemon *d = p->data;

	if (d->stopping)
		stop_turn(d, clock_ms());
	else
		daemon_turn(d, clock_ms());
}

/* Its ring ends the wait of the loop: the turn follows. */
static void on_alarm(void *data)
{
	(void)data;
}

/* What has ended is judged by the time at which it did. */
static void on_worked(void *data)
{
	struct daemon *d = data;

	if (d->agent && !d->stopping)
		agent_tick(d->agent, clock_ms());
}

/* -- stopping -------------------------------------------------------------- */

static void stop(struct daemon *d)
{
	report_notify("STOPPING=1");
	d->stopping = true;
	d->stop_by_ms = clock_ms() + STOP_MS;
	atomic_store(&d->stop_receiving, true);
	world_close(d);
}

static void on_signal(uv_signal_t *s, int number)
{
	struct daemon *d = s->data;

	if (d->stopping) {
		report(4, "signal %d again: going at once", number);
		_exit(1);
	}
	report(5, "signal %d: the agent stops; what runs goes on running",
	       number);
	stop(d);
}

void daemon_again(struct daemon *d)
{
	d->again = true;
	if (!d->stopping)
		stop(d);
}

static void close_disks(struct daemon *d)
{
	db_close(d->db, true);
	if (d->has_log_disk)
		wal_disk_close(&d->log_disk);
	if (d->has_snap_disk)
		wal_disk_close(&d->snap_disk);
	d->db = NULL;
	d->has_log_disk = d->has_snap_disk = false;
}

/* Whose threads are still out cannot be closed: the process takes them along.
 * Nothing else is lost: the log is on the disk, the database is closed. */
static void leave(struct daemon *d)
{
	report(4,
	       "%u operations have not ended: the next start looks at "
	       "what came of them",
	       crew_busy(d->crews[CREW_OPS]) + crew_busy(d->crews[CREW_KILLS]));
	close_disks(d);
	_exit(d->again ? 1 : 0);
}

static void daemon_end(struct daemon *d)
{
	if (!crews_idle(d, false))
		leave(d);
	agent_close(d->agent);
	d->agent = NULL;
	envfiles_close(d->envfiles);
	close_disks(d);
	for (int i = 0; i < CREWS; i++)
		crew_close(d->crews[i]);
	for (int i = 0; i < 2; i++)
		uv_close((uv_handle_t *)&d->signals[i], NULL);
	alarm_close(&d->alarm);
	uv_close((uv_handle_t *)&d->prepare, NULL);
}

/* -- opening -------------------------------------------------------------- */

static void raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	if (r.rlim_max != RLIM_INFINITY && r.rlim_max < DESCRIPTORS) {
		const struct rlimit more = { r.rlim_cur, DESCRIPTORS };

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			r.rlim_max = DESCRIPTORS;
	}
	r.rlim_cur = r.rlim_max == RLIM_INFINITY || r.rlim_max > DESCRIPTORS
			     ? DESCRIPTORS
			     : r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

/* A peer that goes is told by the write that fails, and a reader's lease that
 * is broken (envfile.h) by the one who waits for it. */
static void ignore_signals(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

static int open_crews(struct daemon *d, struct err *err)
{
	static const unsigned max[CREWS] = {
		[CREW_LOG] = 1,		  [CREW_SNAP] = 1,
		[CREW_FILES] = 1,	  [CREW_OPS] = MAX_OPS,
		[CREW_KILLS] = MAX_KILLS, [CREW_COPIES] = MAX_COPIES
	};

	for (int i = 0; i < CREWS; i++) {
		int rc = crew_open(&d->crews[i], &d->loop, max[i], on_worked, d,
				   err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int open_loop(struct daemon *d, struct err *err)
{
	static const int numbers[2] = { SIGTERM, SIGINT };
	int rc = uv_loop_init(&d->loop);

	if (rc < 0)
		return err_set(err, rc, "event loop: %s", uv_strerror(rc));
	rc = alarm_open(&d->alarm, &d->loop, on_alarm, d, err);
	if (rc < 0)
		return rc;
	for (int i = 0; i < 2; i++) {
		uv_signal_init(&d->loop, &d->signals[i]);
		d->signals[i].data = d;
		uv_signal_start(&d->signals[i], on_signal, numbers[i]);
	}
	uv_prepare_init(&d->loop, &d->prepare);
	d->prepare.data = d;
	uv_prepare_start(&d->prepare, on_prepare);
	return open_crews(d, err);
}

static int is_segment(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* A member whose log is gone has forgotten what it voted for: it must not come
 * back as the same one. */
static int check_log(const struct doc *identity, const char *dir,
		     struct err *err)
{
	struct dirent **names;
	int n = identity ? scandir(dir, &names, is_segment, NULL) : 0;

	for (int i = 0; i < n; i++)
		free(names[i]);
	if (identity && n >= 0)
		free(names);
	if (!identity || n > 0)
		return 0;
	return err_set(err, -ENOENT,
		       "%s holds no log, but this node is member %lld of a "
		       "cluster: without its log it must not vote. Move the "
		       "folder above it away and join the cluster anew",
		       dir, (long long)doc_get_int(identity, "id", 0));
}

static int open_disks(struct daemon *d, const struct doc *identity,
		      struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *log = arena_printf(a, "%s/log", d->o->var);
	const struct db_options dbo = {
		.dir = arena_printf(a, "%s/db", d->o->var),
		.boot_id = d->keep.boot_id,
	};
	int rc = check_log(identity, log, err);

	if (rc == 0)
		rc = wal_disk_open(&d->log_disk, log, err);
	if (rc < 0)
		return rc;
	d->has_log_disk = true;
	rc = wal_disk_open(&d->snap_disk,
			   arena_printf(a, "%s/" SNAP_DIR, d->o->var), err);
	if (rc < 0)
		return rc;
	d->has_snap_disk = true;
	rc = db_open(&d->db, &dbo, err);
	if (rc == 0 && db_was_reset(d->db))
		report(5, "the database is filled from the log");
	return rc;
}

static int open_agent(struct daemon *d, const struct doc *identity,
		      struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *local = NULL;
	struct agent_options ao = {
		.io = world_io(d),
		.wal_disk = &d->log_disk,
		.snap_disk = &d->snap_disk,
		.db = d->db,
		.node = d->o->node,
		.run_dir = d->o->run,
		.etc_dir = d->o->etc,
		.session = d->keep.session,
		.identity = identity,
		.now_ms = clock_ms(),
		.lease_until_ms = d->keep.lease_until_ms,
		.lease_epoch = d->keep.lease_epoch,
	};

	if (keep_load(&d->keep, a, "local", &local, err) < 0)
		report(3, "what was asked of this node alone is forgotten: %s",
		       err->text);
	ao.local = local;
	if (getrandom(&ao.seed, sizeof(ao.seed), 0) != sizeof(ao.seed))
		return err_set(err, -errno, "random: %s", strerror(errno));
	return agent_open(&d->agent, &ao, err);
}

static int open_all(struct daemon *d, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *identity = NULL;
	int rc;

	d->pki_dir = strdup(arena_printf(a, "%s/pki", d->o->var));
	if (!d->pki_dir)
		abort();
	rc = keep_open(&d->keep, d->o->var, d->o->run, err);
	if (rc == 0)
		rc = recover_start(&d->keep, err);
	if (rc == 0)
		rc = keep_load(&d->keep, a, "identity", &identity, err);
	if (rc >= 0)
		rc = open_loop(d, err);
	if (rc == 0)
		rc = open_disks(d, identity, err);
	if (rc == 0)
		rc = open_agent(d, identity, err);
	return rc == 0 ? world_open(d, err) : rc;
}

static void say_hello(const struct daemon *d)
{
	const struct doc *id = agent_identity(d->agent);

	if (id)
		report(5, "encapd " ENCAP_VERSION " on %s, %s member %lld",
		       d->o->node, doc_get_str(id, "level", "?"),
		       (long long)doc_get_int(id, "id", 0));
	else
		report(5,
		       "encapd " ENCAP_VERSION " on %s, no member of a "
		       "cluster yet",
		       d->o->node);
}

/* The process ends right after a failure to open, so what was opened by then
 * is left to the kernel. */
int daemon_run(const struct options *o)
{
	static struct daemon d;
	struct err err;
	int rc;

	d.o = o;
	umask(077);
	ignore_signals();
	raise_limits();
	if (open_all(&d, &err) < 0) {
		report(3, "%s", err.text);
		return 1;
	}
	say_hello(&d);
	report_notify("READY=1");
	uv_run(&d.loop, UV_RUN_DEFAULT);
	rc = uv_loop_close(&d.loop);
	if (rc < 0)
		report(4, "the loop is closed with something open: %s",
		       uv_strerror(rc));
	guard_close(&d.guard);
	keep_close(&d.keep);
	arena_free(d.peers_arena);
	free(d.pki_dir);
	return d.again ? DAEMON_AGAIN : 0;
}
