/*
 * Leases of containers, where the encap level is up in one of several of them
 * (docs/decisions/container-leases.md has the argument in full).
 *
 * Container: asks its host every eighth of a lease, naming the time at which it
 * asks; the rest is as with a node's own (lease.c).
 *
 * Host: grants while it has a lease itself, never beyond the end of that, and
 * only once the group knows that it is this life of this agent that grants. It
 * declares the lease over when the last one that it has granted has run out,
 * plus the margin; or at once when it has looked at the container since, and
 * that is down. What an earlier life of this agent has granted it does not
 * know, so it waits from the moment at which it began. If that had declared one
 * over, and it is not known what became of it, it takes a name of its own.
 *
 * A host that is lost cannot do so, and need not: its own epoch ends what was
 * granted by it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"
#include "store/plant.h"

#define ASK_AGAIN_MS 1000

/* -- the container's side ---------------------------------------------------
 */

/* Does what this agent is to run need a lease? */
static bool needs_lease(const struct agent *g)
{
	const struct instance_run *run =
		g->service ? instance_of((struct agent *)g, g->service) : NULL;

	return run && !run->gone &&
	       (run->epoch != 0 || encap_is_failover(&run->inst.conf));
}

static bool asks(const struct agent *g)
{
	return g->level == LEVEL_ENCAP && g->identity && g->host_up &&
	       needs_lease(g);
}

static void encap_lease_ask(struct agent *g)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *ask = agent_frame(a, "renew");

	doc_put_int(a, ask, "n", (int64_t)g->now_ms);
	doc_put_int(a, ask, "id", (int64_t)g->self);
	g->io.channel_send(g->io.ctx, NULL, NULL, a, ask);
	g->lease.next_renew_ms = g->now_ms + g->lease.ms / 8;
}

void encap_lease_recv_grant(struct agent *g, const struct doc *frame)
{
	int64_t asked = doc_get_int(frame, "n", -1);
	int64_t duration = doc_get_int(frame, "d", 0);
	int64_t epoch = doc_get_int(frame, "e", 0);
	int64_t whole = doc_get_int(frame, "l", 0);

	/* A host whose agent was restarted grants before it welcomes: for that
	 * it has to ask the group's leader. */
	if (!g->host || !doc_is(frame, "host", g->host))
		return;
	if (asked < 0 || epoch <= 0 || duration <= 0 || duration > 600000 ||
	    whole < 200 || whole > 600000 || (uint64_t)asked > g->now_ms)
		return;
	g->lease.ms = (uint64_t)whole;
	if (g->lease.host_epoch != (uint64_t)doc_get_int(frame, "h", 0))
		g->dirty = true;
	g->lease.host_epoch = (uint64_t)doc_get_int(frame, "h", 0);
	lease_take(g, (uint64_t)asked, (uint64_t)duration, (uint64_t)epoch, 0);
}

/* An assignment names who grants the lease, and in which of its epochs. A host
 * that was lost and is back grants anew, and not for what was before. */
enum lease_right encap_lease_right(const struct agent *g,
				   const struct instance_run *run)
{
	enum lease_right right;

	if (!run->epoch)
		return LEASE_RUN;
	if (run->want == WANT_DOWN && g->lease.epoch > run->epoch)
		return lease_right(g, g->lease.epoch);
	right = lease_right(g, run->epoch);
	if (right != LEASE_RUN || run->want == WANT_DOWN ||
	    PLANTED(IGNORES_EPOCH))
		return right;
	if (!g->lease.host_epoch || !g->host)
		return LEASE_ASK; /* it was saved by an earlier life */
	return run->host_epoch == g->lease.host_epoch &&
			       strcmp(run->host, g->host) == 0
		       ? LEASE_RUN
		       : LEASE_NONE;
}

/* -- the host's side ----------------------------------------------------------
 */

static struct doc *member_of(struct agent *g, struct arena *a,
			     const struct channel *c)
{
	struct txn *t = txn_begin_read(g->db, NULL);
	struct doc *row =
		t ? state_member(&(struct state){ t, c->group, a }, c->name)
		  : NULL;

	txn_abort(t);
	return row;
}

static void propose_member(struct agent *g, struct arena *a, const char *op,
			   struct channel *c, const struct doc *row,
			   const char *why)
{
	struct doc *cmd;

	if (c->lease_asked_ms && g->now_ms < c->lease_asked_ms + ASK_AGAIN_MS)
		return;
	c->lease_asked_ms = g->now_ms;
	cmd = agent_command(g, a, op, NULL);
	doc_put_str(a, cmd, "name", c->name);
	doc_put_int(a, cmd, "id", doc_get_int(row, "id", 0));
	doc_put_int(a, cmd, "epoch", doc_get_int(row, "epoch", 0));
	doc_put_str(a, cmd, "grantor", g->grantor);
	if (why)
		doc_put_str(a, cmd, "why", why);
	else
		doc_put_str(a, cmd, "host", g->node);
	agent_propose(g, c->group, a, cmd);
}

/* -- lives of this agent ------------------------------------------------------
 */

#define LOCAL_GROUP 0 /* of no group: this agent's alone, in its database */

static void put_life(struct agent *g, const struct state *s)
{
	struct state_key k = state_key("grantor", NULL);
	struct doc *row = doc_map(s->arena);

	doc_put_str(s->arena, row, "name", g->grantor);
	doc_put_str(s->arena, row, "session", g->session);
	doc_put_bool(s->arena, row, "declared", g->has_declared);
	state_put(s, TABLE_COUNTER, &k, row);
}

/* False if it could not be kept. */
static bool keep_life(struct agent *g, bool declared)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = txn_begin_write(g->db, NULL);
	const struct state s = { t, LOCAL_GROUP, a };
	bool was = g->has_declared;
	struct err err = { 0 };

	if (!t)
		return false;
	g->has_declared = declared;
	put_life(g, &s);
	if (txn_commit(t, &err) == 0)
		return true;
	agent_log(g, 3, "who grants leases cannot be kept: %s", err.text);
	g->has_declared = was;
	return false;
}

/* Its database outlives an agent that dies, and not a machine that does. */
void encap_lease_open(struct agent *g)
{
	SCOPED(arena) struct arena *a = arena_new();
	unsigned char bytes[(sizeof(g->grantor) - 1) / 2];
	struct txn *t = txn_begin_read(g->db, NULL);
	struct state_key k = state_key("grantor", NULL);
	const struct doc *row =
		t ? state_row(&(struct state){ t, LOCAL_GROUP, a },
			      TABLE_COUNTER, &k)
		  : NULL;

	txn_abort(t);
	if (doc_is(row, "session", g->session) &&
	    !doc_get_bool(row, "declared", true)) {
		snprintf(g->grantor, sizeof(g->grantor), "%s",
			 doc_get_str(row, "name", ""));
		return;
	}
	g->io.random(g->io.ctx, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(g->grantor + 2 * i, 3, "%02x", bytes[i]);
}

/* All that was declared is agreed: what may still be under way of it names an
 * epoch that is over. */
static bool is_settled(struct agent *g)
{
	SCOPED(arena) struct arena *a = arena_new();

	for (const struct channel *c = g->channels; c; c = c->next)
		if (c->lost_epoch &&
		    (uint64_t)doc_get_int(member_of(g, a, c), "epoch", 0) <=
			    c->lost_epoch)
			return false;
	return true;
}

/* How long this node has a right to run anything: ms, 0 if it has none. */
static uint64_t own_lease_ms(const struct agent *g)
{
	if (lease_right(g, g->lease.epoch) != LEASE_RUN)
		return 0;
	return g->lease.until_ms - g->now_ms;
}

static uint64_t grant_over_ms(const struct agent *g, const struct channel *c)
{
	return c->grant_ms + g->lease.ms + lease_margin_ms(g->lease.ms);
}

static bool is_mine(const struct agent *g, const struct doc *row)
{
	return doc_is(row, "state", "up") && doc_is(row, "host", g->node) &&
	       doc_is(row, "grantor", g->grantor);
}

/* Another incarnation may have been granted one that still lasts. */
static bool must_wait(const struct agent *g, const struct channel *c,
		      const struct doc *row)
{
	return (uint64_t)doc_get_int(row, "id", 0) != c->grant_id &&
	       doc_get_int(row, "epoch", 0) &&
	       doc_get_int(row, "incarnation", 0) > 1 &&
	       g->now_ms <= grant_over_ms(g, c);
}

/* Since its container was started. */
static bool is_first_grant(struct agent *g, const struct channel *c)
{
	const struct instance_run *run = instance_of(g, c->service);

	for (size_t i = 0; run && run->probes && i < run->inst.n; i++)
		if (strcmp(run->inst.res[i].rid, c->rid) == 0)
			return c->granted_ms < run->up_since[i];
	return false;
}

void encap_lease_recv_renew(struct agent *g, struct channel *c, struct arena *a,
			    const struct doc *frame)
{
	struct doc *row = member_of(g, a, c), *answer;
	uint64_t epoch = (uint64_t)doc_get_int(row, "epoch", 0);
	uint64_t ms = own_lease_ms(g);

	if (!ms || !row ||
	    doc_get_int(row, "id", 0) != doc_get_int(frame, "id", -1) ||
	    (epoch && c->lost_epoch >= epoch) || must_wait(g, c, row))
		return;
	if (!is_mine(g, row)) { /* it has as long as a lease to ask again */
		c->grant_ms = g->now_ms;
		if (!g->named && !keep_life(g, g->has_declared))
			return;
		g->named = true;
		propose_member(g, a, "member_up", c, row, NULL);
		return;
	}
	if (is_first_grant(g, c))
		instance_poke(g, c->service); /* it is no longer on its way */
	c->grant_ms = c->granted_ms = g->now_ms;
	c->grant_id = (uint64_t)doc_get_int(row, "id", 0);
	answer = agent_frame(a, "grant");
	doc_put_int(a, answer, "n", doc_get_int(frame, "n", 0));
	doc_put_int(a, answer, "e", (int64_t)epoch);
	doc_put_int(a, answer, "d",
		    (int64_t)(ms < g->lease.ms ? ms : g->lease.ms));
	doc_put_int(a, answer, "l", (int64_t)g->lease.ms);
	doc_put_int(a, answer, "h", (int64_t)g->lease.epoch);
	doc_put_str(a, answer, "host", g->node);
	g->io.channel_send(g->io.ctx, c->service, c->rid, a, answer);
}

/* The container was looked at since the last grant, and it was down: whatever
 * held that is gone with it. */
static bool is_seen_down(struct agent *g, const struct channel *c)
{
	const struct instance_run *run = instance_of(g, c->service);

	if (!run || !run->probes || c->up || run->acting ||
	    run->probed_begun_ms <= c->grant_ms)
		return false;
	for (size_t i = 0; i < run->inst.n; i++)
		if (strcmp(run->inst.res[i].rid, c->rid) == 0)
			return run->probes[i].status == STATUS_DOWN;
	return false;
}

static void encap_lease_judge(struct agent *g, struct channel *c)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct doc *row = member_of(g, a, c);
	uint64_t epoch = (uint64_t)doc_get_int(row, "epoch", 0);
	const char *why = "it was not renewed";

	if (!doc_is(row, "state", "up") || !doc_is(row, "host", g->node))
		return;
	if (!is_mine(g, row)) { /* that of an earlier life of this agent */
		c->grant_ms = g->now_ms;
		propose_member(g, a, "member_up", c, row, NULL);
		return;
	}
	if (is_seen_down(g, c))
		why = "its container is down";
	else if (g->now_ms <= (PLANTED(LOST_EARLY)
				       ? c->grant_ms + g->lease.ms / 2
				       : grant_over_ms(g, c)))
		return;
	if (!g->has_declared && !keep_life(g, true))
		return;
	if (c->lost_epoch < epoch) {
		c->lost_epoch = epoch;
		c->lease_asked_ms = 0;
		agent_log(g, 4, "%s: its lease of epoch %llu has ended: %s",
			  c->name, (unsigned long long)epoch, why);
	}
	propose_member(g, a, "member_lost", c, row, why);
}

/* -- both --------------------------------------------------------------------
 */

void encap_lease_tick(struct agent *g)
{
	if (asks(g) && g->now_ms >= g->lease.next_renew_ms)
		encap_lease_ask(g);
	if (!g->identity || g->level != LEVEL_HYPERVISOR ||
	    g->now_ms < g->lease.next_judge_ms)
		return;
	for (struct channel *c = g->channels; c; c = c->next)
		if (c->farmed)
			encap_lease_judge(g, c);
	if (g->has_declared && is_settled(g))
		keep_life(g, false);
	g->lease.next_judge_ms = g->now_ms + g->lease.ms / 8;
}

uint64_t encap_lease_next_ms(const struct agent *g)
{
	if (asks(g))
		return g->lease.next_renew_ms;
	if (g->level != LEVEL_HYPERVISOR || !g->identity)
		return UINT64_MAX;
	for (const struct channel *c = g->channels; c; c = c->next)
		if (c->farmed)
			return g->lease.next_judge_ms;
	return UINT64_MAX;
}
