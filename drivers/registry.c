#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drivers/drivers.h"
#include "drivers/job.h"
#include "drivers/token.h"

#define TIMEOUT_DEFAULT_MS 60000
#define SYSTEM_ASK_MS	   1000

const struct driver *const driver_table[] = {
	&driver_app_forking,
	&driver_app_sim,
	&driver_app_simple,
	&driver_container_lxc,
	&driver_container_sim,
	&driver_disk_loop,
	&driver_fs_bind,
	&driver_fs_btrfs,
	&driver_fs_directory,
	&driver_fs_ext2,
	&driver_fs_ext3,
	&driver_fs_ext4,
	&driver_fs_flag,
	&driver_fs_tmpfs,
	&driver_fs_xfs,
	&driver_ip_host,
	&driver_sync_rsync,
	&driver_task_host,
	NULL,
};

const struct driver *driver_find(const char *group, const char *kind)
{
	for (const struct driver *const *d = driver_table; *d; d++)
		if (strcmp((*d)->group, group) == 0 &&
		    strcmp((*d)->kind, kind) == 0)
			return *d;
	return NULL;
}

int64_t driver_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

int64_t driver_timeout_ms(const struct resource *r, bool start)
{
	const struct driver *d = driver_find(r->group, r->type);
	int64_t own = start ? r->start_timeout_ms : r->stop_timeout_ms;
	const char *both = resource_kw(r, "timeout");
	int64_t kind = 0;

	if (d)
		kind = start ? d->start_timeout_ms : d->stop_timeout_ms;
	if (own > 0)
		return own;
	if (both && atoll(both) > 0)
		return atoll(both);
	return kind > 0 ? kind : TIMEOUT_DEFAULT_MS;
}

/* What a file may hold and this build has no driver for. Of a start or stop
 * these have nothing to do, with or without one. */
static bool is_passive(const struct resource *r)
{
	return strcmp(r->group, "sync") == 0 || strcmp(r->group, "task") == 0 ||
	       strcmp(r->group, "hb") == 0;
}

/* The kinds of @group that there are. */
static void list_kinds(const char *group, char *text, size_t size)
{
	size_t n = 0;

	snprintf(text, size, "none");
	for (const struct driver *const *d = driver_table; *d; d++)
		if (strcmp((*d)->group, group) == 0 && n < size)
			n += (size_t)snprintf(text + n, size - n, "%s%s",
					      n ? ", " : "", (*d)->kind);
}

static int undriven(const struct resource *r, struct err *err)
{
	char known[256];

	list_kinds(r->group, known, sizeof(known));
	return err_set(err, -ENOTSUP,
		       "this version has no driver for %s.%s; of %s it drives: "
		       "%s",
		       r->group, r->type ? r->type : "", r->group, known);
}

static const struct driver *find(const struct job *j)
{
	return driver_find(j->res->group, j->res->type ? j->res->type : "");
}

/* Nobody can look: n/a, which counts for nothing, and a word about it. */
static void probe_undriven(const struct job *j, struct probe *ret)
{
	const struct resource *r = j->res;

	ret->status = STATUS_NA;
	ret->undriven = !is_passive(r);
	ret->log = arena_printf(j->arena,
				"%s: this version has no driver for %s.%s",
				ret->undriven ? "warn" : "info", r->group,
				r->type ? r->type : "");
}

/* Of a container that runs. It gets a moment of its own: one that hangs must
 * not hold up the probe of everything else. */
static bool is_booting(const struct job *j, const struct driver *d)
{
	struct job asked = *j;
	int64_t until = driver_now_ms() + SYSTEM_ASK_MS;

	if (until < asked.deadline_ms)
		asked.deadline_ms = until;
	return d->operational && d->operational(&asked, NULL) < 0;
}

int driver_probe(const struct job *j, struct probe *ret, struct err *err)
{
	const struct driver *d = find(j);
	int rc = 0;

	*ret = (struct probe){ .status = STATUS_UNDEF, .label = "", .log = "" };
	if (d)
		rc = d->probe(j, ret, err);
	else
		probe_undriven(j, ret);
	if (rc < 0)
		ret->status = STATUS_UNDEF;
	if (d && j->ask_system && ret->status == STATUS_UP)
		ret->booting = is_booting(j, d);
	if (!ret->label)
		ret->label = "";
	if (!ret->log)
		ret->log = "";
	return rc;
}

static int act(const struct job *j, const char *verb,
	       int (*op)(const struct job *j, struct err *err), struct err *err)
{
	int rc;

	if (!op)
		return DRIVER_NOOP;
	rc = job_check_time(j, "no time was left", err);
	if (rc == 0)
		rc = op(j, err);
	return rc < 0 ? err_wrap(err, rc, "%s %s", verb, j->res->rid) : rc;
}

int driver_start(const struct job *j, struct err *err)
{
	const struct driver *d = find(j);

	int rc;

	if (d) {
		rc = token_take(j, err);
		if (rc < 0)
			return err_wrap(err, rc, "start %s", j->res->rid);
		return act(j, "start", d->start, err);
	}
	if (is_passive(j->res))
		return DRIVER_NOOP;
	return err_wrap(err, undriven(j->res, err), "start %s", j->res->rid);
}

/* What has no driver was not started from here. */
int driver_stop(const struct job *j, struct err *err)
{
	const struct driver *d = find(j);

	return d ? act(j, "stop", d->stop, err) : DRIVER_NOOP;
}

int driver_provision(const struct job *j, struct err *err)
{
	const struct driver *d = find(j);

	return d ? act(j, "provision", d->provision, err) : DRIVER_NOOP;
}

int driver_unprovision(const struct job *j, struct err *err)
{
	const struct driver *d = find(j);

	return d ? act(j, "unprovision", d->unprovision, err) : DRIVER_NOOP;
}

int driver_kill(const struct job *j, struct err *err)
{
	const struct driver *d = find(j);

	if (!d)
		return DRIVER_NOOP;
	return act(j, "kill", d->kill ? d->kill : d->stop, err);
}

int driver_cut(const struct job *j, struct err *err)
{
	const struct driver *d = find(j);

	if (d && d->cut)
		return act(j, "cut", d->cut, err);
	return err_set(err, -ENOTSUP,
		       "cut %s: this version cannot take the network of "
		       "%s.%s away",
		       j->res->rid, j->res->group, j->res->type);
}

void driver_guard(const struct job *j, struct buf *out)
{
	const struct driver *d = find(j);

	if (d && d->guard)
		d->guard(j, out);
}

void driver_guard_item(struct buf *out, const char *kind, const char *one,
		       const char *two)
{
	if (!one || !*one || (two && !*two))
		return;
	buf_add(out, kind, strlen(kind) + 1);
	buf_add(out, one, strlen(one) + 1);
	if (two)
		buf_add(out, two, strlen(two) + 1);
	buf_add(out, "", 1);
}

int driver_run(const struct job *j, struct err *err)
{
	const struct driver *d = find(j);
	int rc = d && d->run ? d->run(j, err) : undriven(j->res, err);

	return rc < 0 ? err_wrap(err, rc, "run %s", j->res->rid) : rc;
}
