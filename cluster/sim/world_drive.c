/*
 * What runs on a node: resources, their drivers, and the guard that takes them
 * away. A container that is started has an agent of its own.
 *
 * A kill ends what is under way of the same resource, too, as a driver's kill
 * ends the processes in its control group.
 */
#include "cluster/sim/world_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world_resource *world_res_find(struct world_node *n, const char *service,
				      const char *rid)
{
	struct world_resource *r;

	for (size_t i = 0; i < n->n_res; i++)
		if (strcmp(n->res[i].service, service) == 0 &&
		    strcmp(n->res[i].rid, rid) == 0)
			return &n->res[i];
	if (n->n_res == n->cap_res) {
		n->cap_res = n->cap_res ? 2 * n->cap_res : 16;
		n->res = realloc(n->res, n->cap_res * sizeof(*n->res));
		if (!n->res)
			abort();
	}
	r = &n->res[n->n_res++];
	*r = (struct world_resource){ 0 };
	snprintf(r->service, sizeof(r->service), "%s", service);
	snprintf(r->rid, sizeof(r->rid), "%s", rid);
	return r;
}

bool world_resource_up(const struct world_node *n, const char *service,
		       const char *rid)
{
	for (size_t i = 0; i < n->n_res; i++)
		if (strcmp(n->res[i].service, service) == 0 &&
		    strcmp(n->res[i].rid, rid) == 0)
			return n->res[i].up;
	return false;
}

unsigned world_places(const struct world *w, const char *service)
{
	unsigned places = 0;

	for (unsigned i = 0; i < w->n; i++) {
		const struct world_node *n = &w->node[i];
		bool any = false;

		if (n->container || n->asleep_until_us > w->now_us)
			continue; /* nothing of what is there runs */
		for (size_t k = 0; k < n->n_res; k++)
			any |= n->res[k].up &&
			       strcmp(n->res[k].service, service) == 0;
		places += any;
	}
	return places;
}

struct world_node *world_container_of(struct world_node *host,
				      const char *service, const char *rid)
{
	struct world *w = host->world;

	for (unsigned i = 0; i < w->n; i++) {
		struct world_node *c = &w->node[i];

		if (c->container && c->host == host &&
		    strcmp(c->service, service) == 0 &&
		    strcmp(c->rid, rid) == 0)
			return c;
	}
	return NULL;
}

void world_container_end(struct world_node *c)
{
	if (c->agent)
		world_agent_kill(c);
	c->up = false;
	c->paused_until_us = c->asleep_until_us = 0;
	c->host = NULL;
	c->n_res = 0;
}

static void container_begin(struct world_node *host,
			    const struct world_resource *r)
{
	struct world_node *c = world_named(host->world, r->encapnode);

	if (!c)
		return;
	if (c->host && c->host->asleep_until_us > host->world->now_us)
		world_container_end(
			c); /* what is left there is for the guard */
	if (c->host && c->host != host) {
		world_fail(host->world, "%s runs on %s and on %s", c->name,
			   c->host->name, host->name);
		return;
	}
	c->host = host;
	c->up = true;
	snprintf(c->service, sizeof(c->service), "%s", r->service);
	snprintf(c->rid, sizeof(c->rid), "%s", r->rid);
	snprintf(c->session, sizeof(c->session), "%s.%u", c->name, ++c->boots);
	c->lease_until = c->lease_epoch = 0;
	world_agent_start_in(c, world_chance(host->world, 20, 200, 500));
}

void world_res_set(struct world_node *n, struct world_resource *r, bool up)
{
	bool container = strncmp(r->rid, "container#", 10) == 0;
	const struct world_hooks *h = n->world->hooks;

	r->late_us = 0;
	if (r->up == up)
		return;
	world_trace(n->world, "%s: %s %s %s", n->name, r->service, r->rid,
		    up ? "up" : "down");
	if (container && !up) {
		struct world_node *c =
			world_container_of(n, r->service, r->rid);

		if (c)
			world_container_end(c);
	}
	r->up = up;
	if (h && h->changed)
		h->changed(h->ctx, n, r->service, r->rid, up);
	if (up && container)
		container_begin(n, r);
	if (up && !h && world_places(n->world, r->service) > 1)
		world_fail(n->world,
			   "%s is up twice: %s started %s while "
			   "another node runs it",
			   r->service, n->name, r->rid);
}

/* -- drivers -------------------------------------------------------------- */

/* What it is, beside its name, for when it is taken away or comes up late. */
static struct world_resource *res_of(struct world_node *n, const struct job *j)
{
	struct world_resource *r = world_res_find(n, j->service, j->res->rid);
	struct buf b = BUF(j->arena);

	if (j->res->encapnode)
		snprintf(r->encapnode, sizeof(r->encapnode), "%s",
			 j->res->encapnode);
	driver_guard(j, &b);
	r->guard_len = b.len < sizeof(r->guard) ? b.len : 0;
	if (r->guard_len)
		memcpy(r->guard, b.data, r->guard_len);
	return r;
}

static uint64_t until_deadline(const struct world_node *n, const struct job *j)
{
	uint64_t now = world_node_ms(n);

	return j->deadline_ms > 0 && (uint64_t)j->deadline_ms > now
		       ? ((uint64_t)j->deadline_ms - now) * 1000
		       : 0;
}

static int change_spelled(struct world_node *n, const struct job *j,
			  struct world_resource *r, bool up, struct err *err)
{
	struct world *w = n->world;
	uint64_t left = until_deadline(n, j);

	world_trace(w, "%s: %s %s %s %s", n->name, r->service, r->rid,
		    up ? "start" : "stop",
		    n->spell == SPELL_FAIL   ? "fails"
		    : n->spell == SPELL_HANG ? "hangs"
		    : n->spell == SPELL_LATE ? "is late"
					     : "lies");
	switch (n->spell) {
	case SPELL_FAIL:
		return err_set(err, -EIO, "it does not want to");
	case SPELL_HANG:
		n->op_us += left < 15000000 ? left : 15000000;
		return err_set(err, -ETIMEDOUT, "it takes too long");
	case SPELL_LATE:
		n->op_us += 500000 + world_random(w, 6000000);
		r->late_us = w->now_us + n->op_us;
		r->late_up = up;
		return 0;
	case SPELL_LIE:
	case SPELL_NONE:
	case SPELL_BLIND:
		break;
	}
	return 0;
}

/* As who plays with the world will have it. */
static int change_hooked(struct world_node *n, const struct job *j,
			 struct world_resource *r, bool up, struct err *err)
{
	const struct world_hooks *h = n->world->hooks;
	uint64_t us = 0, left = until_deadline(n, j);
	int rc = h->drive(h->ctx, n, up, j, &us, err);

	if (us > left) {
		n->op_us += left;
		return err_set(err, -ETIMEDOUT, "it is not done within %.0f s",
			       (double)left / 1e6);
	}
	n->op_us += us;
	if (rc == 0) {
		r->late_us = n->world->now_us + n->op_us;
		r->late_up = up;
	}
	return rc;
}

static int res_change(struct world_node *n, const struct job *j, bool up,
		      struct err *err)
{
	struct world_resource *r = res_of(n, j);

	if (r->up == up)
		return DRIVER_NOOP;
	if (n->world->hooks && n->world->hooks->drive)
		return change_hooked(n, j, r, up, err);
	if (n->spell_until_us > n->world->now_us && n->spell != SPELL_BLIND)
		return change_spelled(n, j, r, up, err);
	world_res_set(n, r, up);
	return 0;
}

static int res_probe(struct world_node *n, const struct job *j,
		     struct probe *ret, struct err *err)
{
	if (n->spell == SPELL_BLIND && n->spell_until_us > n->world->now_us)
		return err_set(err, -EIO, "nobody can say");
	ret->status = world_res_find(n, j->service, j->res->rid)->up
			      ? STATUS_UP
			      : STATUS_DOWN;
	ret->label = j->res->rid;
	ret->log = "";
	return 0;
}

int world_drive(void *ctx, enum drive_op op, const struct job *j,
		struct probe *ret, struct err *err)
{
	struct world_node *n = ctx;
	const struct world_hooks *h = n->world->hooks;

	if (!n->agent || !n->up)
		return err_set(err, -EIO, "a ghost");
	switch (op) {
	case DRIVE_PROBE:
		return res_probe(n, j, ret, err);
	case DRIVE_START:
		return res_change(n, j, true, err);
	case DRIVE_STOP:
		return res_change(n, j, false, err);
	case DRIVE_KILL: /* ends what is under way, too */
		if (h && h->kill && h->kill(h->ctx, n, j, err) < 0)
			return -EIO;
		world_res_set(n, world_res_find(n, j->service, j->res->rid),
			      false);
		return 0;
	case DRIVE_PROVISION: /* everything is there from the beginning */
	case DRIVE_UNPROVISION:
		return DRIVER_NOOP;
	case DRIVE_RUN:
	case DRIVE_COMMAND:
	case DRIVE_CUT: /* who can be reached from outside is not modelled */
		break;
	}
	return 0;
}

void world_late_step(struct world_node *n)
{
	for (size_t i = 0; i < n->n_res; i++)
		if (n->res[i].late_us && n->res[i].late_us <= n->world->now_us)
			world_res_set(n, &n->res[i], n->res[i].late_up);
}

void world_resource_down(struct world_node *n, const char *service,
			 const char *rid)
{
	if (world_resource_up(n, service, rid))
		world_res_set(n, world_res_find(n, service, rid), false);
}

/* -- the guard ------------------------------------------------------------ */

void world_guard(void *ctx, uint64_t until_ms, const char *list, size_t len)
{
	struct world_node *n = ctx;

	if (!n->agent)
		return;
	free(n->guard_list);
	n->guard_list = malloc(len + 1);
	if (!n->guard_list)
		abort();
	memcpy(n->guard_list, list, len);
	n->guard_len = len;
	n->guard_until_ms = until_ms;
}

void world_guard_forget(struct world_node *n)
{
	free(n->guard_list);
	n->guard_list = NULL;
	n->guard_len = 0;
	n->guard_until_ms = n->guard_next_us = 0;
}

static bool guard_knows(const struct world_node *n,
			const struct world_resource *r)
{
	return (r->up || r->late_us) && r->guard_len &&
	       memmem(n->guard_list, n->guard_len, r->guard, r->guard_len);
}

/* An agent that hangs is ended before anything else: it might go on with a
 * start that it has begun. */
void world_guard_step(struct world_node *n)
{
	struct world *w = n->world;
	bool acted = false;

	if (!n->up || !n->guard_until_ms || w->now_us < n->guard_next_us ||
	    world_node_ms(n) < n->guard_until_ms)
		return;
	n->guard_next_us = w->now_us + 100000;
	/* One that just woke has said nothing for as long as it slept. */
	if (n->agent && n->guard_len &&
	    (n->paused_until_us > w->now_us ||
	     (n->asleep_until_us && n->asleep_until_us == w->now_us))) {
		world_trace(w, "%s: the guard ends an agent that hangs",
			    n->name);
		world_agent_kill(n);
		world_agent_start_in(n, 50 + world_random(w, 1000));
	}
	for (size_t i = 0; i < n->n_res; i++) {
		if (!guard_knows(n, &n->res[i]))
			continue;
		if (!acted)
			world_tell(n, "the guard acts");
		acted = true;
		world_res_set(n, &n->res[i], false);
	}
}
