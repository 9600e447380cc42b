#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drivers/drivers.h"
#include "drivers/job.h"

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

/* The kinds of @group, or the groups when there is no such group. */
static void list_kinds(const char *group, char *text, size_t size)
{
	size_t n = 0;
	bool known = false;

	text[0] = '\0';
	for (const struct driver *const *d = driver_table; *d; d++)
		known = known || strcmp((*d)->group, group) == 0;
	for (const struct driver *const *d = driver_table; *d; d++) {
		const char *word = known ? (*d)->kind : (*d)->group;
		bool again = d > driver_table &&
			     strcmp(d[-1]->group, (*d)->group) == 0;

		if (known ? strcmp((*d)->group, group) != 0 : again)
			continue;
		if (n < size)
			n += (size_t)snprintf(text + n, size - n, "%s%s",
					      n ? ", " : "", word);
	}
}

static int find(const struct job *j, const struct driver **ret, struct err *err)
{
	const struct resource *r = j->res;
	char known[256];

	*ret = driver_find(r->group, r->type ? r->type : "");
	if (*ret)
		return 0;
	list_kinds(r->group, known, sizeof(known));
	return err_set(err, -ENOTSUP,
		       "no driver for %s of type '%s'; known: %s", r->group,
		       r->type ? r->type : "", known);
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
	const struct driver *d;
	int rc = find(j, &d, err);

	*ret = (struct probe){ .status = STATUS_UNDEF, .label = "", .log = "" };
	if (rc == 0)
		rc = d->probe(j, ret, err);
	if (rc < 0)
		ret->status = STATUS_UNDEF;
	if (j->ask_system && ret->status == STATUS_UP)
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
	const struct driver *d;
	int rc = find(j, &d, err);

	return rc < 0 ? rc : act(j, "start", d->start, err);
}

int driver_stop(const struct job *j, struct err *err)
{
	const struct driver *d;
	int rc = find(j, &d, err);

	return rc < 0 ? rc : act(j, "stop", d->stop, err);
}

int driver_kill(const struct job *j, struct err *err)
{
	const struct driver *d;
	int rc = find(j, &d, err);

	return rc < 0 ? rc : act(j, "kill", d->kill ? d->kill : d->stop, err);
}
