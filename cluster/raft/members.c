/*
 * Changing who is a member, one step at a time.
 *
 * Each call compares the list with what is wanted and takes the first step of
 * these that is due:
 *
 *   1. an entry of our term must be committed: else the list that we change
 *      might not be the latest one (Ongaro, raft-dev, July 2015)
 *   2. no change may be under way
 *   3. add whoever is missing, as standby or spare; correct addresses
 *   4. promote a standby that has caught up
 *   5. once all wanted voters vote: demote or remove those that shall not;
 *      if that is ourselves, hand over first
 *   6. remove whoever is not wanted and does not vote
 *
 * Every step changes the voters by at most one, so that any two majorities of
 * neighbouring lists have a member in common. libraft keeps a record per
 * position of the list, which it only rebuilds when the length changes: so
 * members keep their places.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/raft/internal.h"

static int to_raft(enum engine_role role)
{
	switch (role) {
	case ENGINE_VOTER:
		return RAFT_VOTER;
	case ENGINE_SPARE:
		return RAFT_SPARE;
	case ENGINE_STANDBY:
		break;
	}
	return RAFT_STANDBY;
}

static enum engine_role from_raft(int role)
{
	if (role == RAFT_VOTER)
		return ENGINE_VOTER;
	return role == RAFT_SPARE ? ENGINE_SPARE : ENGINE_STANDBY;
}

size_t engine_members(const struct engine *e, uint64_t gid, struct arena *a,
		      struct engine_server **ret)
{
	const struct egroup *g = engine_group(e, gid);
	const struct raft_configuration *c;

	*ret = NULL;
	if (!g || !g->started)
		return 0;
	c = &g->r.configuration_committed;
	*ret = ARENA_VEC(a, struct engine_server, c->n + 1);
	for (unsigned i = 0; i < c->n; i++)
		(*ret)[i] = (struct engine_server){
			.id = c->servers[i].id,
			.role = from_raft(c->servers[i].role),
			.address = arena_printf(a, "%s", c->servers[i].address),
		};
	return c->n;
}

uint64_t engine_match(const struct engine *e, uint64_t gid, uint64_t id)
{
	const struct egroup *g = engine_group(e, gid);
	raft_index match = 0;

	if (!g || !group_leads(g) || raft_match_index(&g->r, id, &match) != 0)
		return 0;
	return match;
}

/* -- one step ------------------------------------------------------------- */

struct wanted {
	const struct engine_server *at;
	size_t n;
};

static const struct engine_server *wanted(const struct wanted *w, uint64_t id)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->at[i].id == id)
			return &w->at[i];
	return NULL;
}

static int check_wanted(const struct wanted *w, struct err *err)
{
	size_t voters = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct engine_server *s = &w->at[i];

		voters += s->role == ENGINE_VOTER;
		if (!s->id || !s->address || !s->address[0] ||
		    strlen(s->address) > MAX_ADDRESS)
			return err_set(err, -EINVAL,
				       "member %" PRIu64
				       " has no id or no usable name",
				       s->id);
		for (size_t j = 0; j < i; j++)
			if (w->at[j].id == s->id ||
			    strcmp(w->at[j].address, s->address) == 0)
				return err_set(err, -EINVAL,
					       "member %" PRIu64
					       " (%s) is named twice",
					       s->id, s->address);
	}
	if (!voters || w->n > MAX_MEMBERS)
		return err_set(err, -EINVAL, "%zu members, %zu of them voters",
			       w->n, voters);
	return 0;
}

/* A list under construction, from the present one. */
struct list {
	struct raft_configuration conf;
	int rv;
};

static void list_add(struct list *l, uint64_t id, const char *address, int role)
{
	if (l->rv == 0)
		l->rv = raft_configuration_add(&l->conf, id, address, role);
}

static int list_submit(struct egroup *g, struct list *l, struct err *err)
{
	struct raft_buffer buf = { 0 };
	int rc = -ENOMEM;

	if (l->rv == 0 && l->conf.n)
		l->rv = raft_configuration_encode(&l->conf, &buf);
	raft_configuration_close(&l->conf);
	if (l->rv != 0)
		return err_set(err, l->rv == RAFT_NOMEM ? -ENOMEM : -EINVAL,
			       "group %" PRIu64 ": the new member list: %s",
			       g->gid, raft_strerror(l->rv));
	rc = group_submit(g, RAFT_CHANGE, buf.base, buf.len);
	if (rc < 0)
		return err_set(err, rc,
			       "group %" PRIu64 ": the new member list: %s",
			       g->gid, strerror(-rc));
	return 1;
}

/* The present list, with @id's role or address changed, or without it where
 * @role is -1. */
static int change_one(struct egroup *g, uint64_t id, int role,
		      const char *address, struct err *err)
{
	const struct raft_configuration *c = &g->r.configuration;
	struct list l = { .rv = 0 };

	raft_configuration_init(&l.conf);
	for (unsigned i = 0; i < c->n; i++) {
		const struct raft_server *s = &c->servers[i];

		if (s->id != id)
			list_add(&l, s->id, s->address, s->role);
		else if (role >= 0)
			list_add(&l, id, address ? address : s->address, role);
	}
	return list_submit(g, &l, err);
}

static int add_one(struct egroup *g, const struct engine_server *s,
		   struct err *err)
{
	const struct raft_configuration *c = &g->r.configuration;
	struct list l = { .rv = 0 };

	raft_configuration_init(&l.conf);
	for (unsigned i = 0; i < c->n; i++)
		list_add(&l, c->servers[i].id, c->servers[i].address,
			 c->servers[i].role);
	list_add(&l, s->id, s->address,
		 s->role == ENGINE_SPARE ? RAFT_SPARE : RAFT_STANDBY);
	*contact_peer(g, s->id) =
		(struct peer){ .id = s->id, .since_ms = g->engine->now };
	return list_submit(g, &l, err);
}

static bool address_taken(const struct egroup *g,
			  const struct engine_server *by)
{
	const struct raft_configuration *c = &g->r.configuration;

	for (unsigned i = 0; i < c->n; i++)
		if (c->servers[i].id != by->id &&
		    strcmp(c->servers[i].address, by->address) == 0)
			return true;
	return false;
}

/* 0: nothing to do; else as list_submit(). A name that somebody who leaves
 * still has is waited for. */
static int step_add(struct egroup *g, const struct wanted *w, struct err *err)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct engine_server *s = &w->at[i];
		const struct raft_server *is = group_server(g, s->id);

		if (address_taken(g, s))
			continue;
		if (!is)
			return add_one(g, s, err);
		if (strcmp(is->address, s->address) != 0)
			return change_one(g, s->id, is->role, s->address, err);
	}
	return 0;
}

static bool caught_up(const struct egroup *g, uint64_t id)
{
	raft_index match = 0;

	return raft_match_index(&g->r, id, &match) == 0 &&
	       match >= raft_commit_index(&g->r);
}

/* *ret_waits: somebody who shall vote does not yet. */
static int step_promote(struct egroup *g, const struct wanted *w,
			bool *ret_waits, struct err *err)
{
	*ret_waits = false;
	for (size_t i = 0; i < w->n; i++) {
		const struct engine_server *s = &w->at[i];
		const struct raft_server *is = group_server(g, s->id);

		if (s->role != ENGINE_VOTER || (is && is->role == RAFT_VOTER))
			continue;
		*ret_waits = true;
		if (!is)
			continue;
		if (is->role == RAFT_SPARE)
			return change_one(g, s->id, RAFT_STANDBY, NULL, err);
		if (caught_up(g, s->id))
			return change_one(g, s->id, RAFT_VOTER, NULL, err);
	}
	return 0;
}

static int hand_over(struct egroup *g, const struct wanted *w, struct err *err)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct raft_server *is = group_server(g, w->at[i].id);

		if (w->at[i].role == ENGINE_VOTER && is &&
		    !engine_is_witness(is->address) && is->role == RAFT_VOTER &&
		    is->id != g->self && caught_up(g, is->id)) {
			int rc =
				engine_transfer(g->engine, g->gid, is->id, err);

			return rc < 0 ? rc : 1;
		}
	}
	return 1; /* nobody can take over now */
}

static int step_demote(struct egroup *g, const struct wanted *w, bool waits,
		       struct err *err)
{
	const struct raft_configuration *c = &g->r.configuration;

	for (unsigned i = 0; i < c->n; i++) {
		const struct raft_server *is = &c->servers[i];
		const struct engine_server *s = wanted(w, is->id);
		int role = s ? to_raft(s->role) : -1;

		if (role == is->role ||
		    (is->role == RAFT_VOTER ? waits : role == RAFT_VOTER))
			continue;
		if (is->id == g->self)
			return hand_over(g, w, err);
		return change_one(g, is->id, role, NULL, err);
	}
	return 0;
}

static bool same(const struct egroup *g, const struct wanted *w)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct raft_server *is = group_server(g, w->at[i].id);

		if (!is || is->role != to_raft(w->at[i].role) ||
		    strcmp(is->address, w->at[i].address) != 0)
			return false;
	}
	return g->r.configuration.n == w->n;
}

/* A barrier, unless one is on its way. 1, or a negated errno. */
static int need_term(struct egroup *g, struct err *err)
{
	void *data;
	int rc;

	if (g->barrier_sent)
		return 1;
	data = raft_malloc(8);
	if (!data)
		return err_set(err, -ENOMEM, "out of memory");
	memset(data, 0, 8);
	rc = group_submit(g, RAFT_BARRIER, data, 8);
	if (rc < 0)
		return err_set(err, rc, "group %" PRIu64 ": a barrier: %s",
			       g->gid, strerror(-rc));
	g->barrier_sent = true;
	return 1;
}

bool group_settled(const struct egroup *g)
{
	return group_leads(g) && group_term(g, raft_commit_index(&g->r)) ==
					 raft_current_term(&g->r);
}

void engine_settle(struct engine *e, uint64_t gid)
{
	struct egroup *g = e->closing ? NULL : engine_group(e, gid);
	struct err err;

	/* What fails is tried again by who asks again. */
	if (g && g->started && group_leads(g) && !group_settled(g))
		need_term(g, &err);
}

int engine_set_members(struct engine *e, uint64_t gid,
		       const struct engine_server *want, size_t n,
		       struct err *err)
{
	struct egroup *g = engine_group(e, gid);
	struct wanted w = { want, n };
	bool waits;
	int rc;

	if (!g || !group_leads(g))
		return err_set(err, -EAGAIN,
			       "group %" PRIu64 ": not the leader", gid);
	rc = check_wanted(&w, err);
	if (rc < 0)
		return err_wrap(err, rc, "group %" PRIu64, gid);
	if (g->r.configuration_uncommitted_index || raft_transferee(&g->r))
		return 1;
	if (same(g, &w))
		return 0;
	if (!group_settled(g))
		return need_term(g, err);
	rc = step_add(g, &w, err);
	if (rc == 0)
		rc = step_promote(g, &w, &waits, err);
	if (rc == 0)
		rc = step_demote(g, &w, waits, err);
	return rc ? rc : waits;
}

int engine_transfer(struct engine *e, uint64_t gid, uint64_t to,
		    struct err *err)
{
	struct egroup *g = engine_group(e, gid);
	struct raft_event ev = { .type = RAFT_TRANSFER };
	int rc;

	if (!g || !group_leads(g))
		return err_set(err, -EAGAIN,
			       "group %" PRIu64 ": not the leader", gid);
	if (raft_transferee(&g->r))
		return 0;
	ev.transfer.server_id = to;
	rc = group_step(g, &ev);
	if (rc < 0)
		return err_set(err, rc,
			       "group %" PRIu64 ": handing over to %" PRIu64
			       ": %s",
			       gid, to, strerror(-rc));
	return 0;
}
