/*
 * While the cluster is disarmed its leader grants leases that last to the end
 * of that time, and declares nobody lost (docs/decisions/disarm.md). So a node
 * needs to know nothing of it to be safe: it has a lease, as ever, only a long
 * one, and one that was not reached has its usual one.
 *
 * A node says in each renewal under which disarm its lease is, "h", and up to
 * which one it knows that they are over, "o". What it has called over it takes
 * no lease of any more, from whatever leader. A leader believes that a node has
 * a long lease until it has said so, or until the longest one that anybody can
 * have granted has run out:
 *
 *     own grants           until the latest of these
 *     those of others      until own election + lease/4 + bound + lease; where
 *                          the disarm was agreed on under this leader, and none
 *                          was left over from before, there are none
 */
#include "cluster/agent/internal.h"

#define ASK_AGAIN_MS 1000

/* On the monotonic clock from the moment at which it was first seen; of one
 * that is found at the start of the agent, by the clock on the wall. */
static uint64_t deadline(const struct agent *g, const struct doc *d,
			 bool at_start)
{
	int64_t ms = doc_get_int(d, "ms", 0), left = ms;

	if (at_start)
		left = doc_get_int(d, "at", 0) + ms - g->io.wall_ms(g->io.ctx);
	left = left < 0 ? 0 : left > ms ? ms : left;
	return g->now_ms + (uint64_t)left;
}

void disarm_refresh(struct agent *g, const struct doc *cluster, bool at_start)
{
	const struct doc *d = doc_get(cluster, "disarm");
	struct disarm *x = &g->disarm;
	uint64_t n = (uint64_t)doc_get_int(d, "n", 0);

	if (n != x->n) {
		x->n = n;
		x->until_ms = deadline(g, d, at_start);
		x->bound_ms = (uint64_t)doc_get_int(d, "bound", 0);
		/* Under us: nobody before us can have granted any. */
		x->ours = !at_start && g->lease.leader_since_ms &&
			  !doc_get_bool(d, "carry", false);
	}
	x->on = doc_get_bool(d, "on", false);
	if (!x->on && x->over < n)
		x->over = n;
}

uint64_t disarm_left_ms(const struct agent *g)
{
	const struct disarm *x = &g->disarm;

	return x->on && g->now_ms < x->until_ms ? x->until_ms - g->now_ms : 0;
}

/* -- the node ---------------------------------------------------------------
 */

void disarm_put_renew(const struct agent *g, struct arena *a, struct doc *ask)
{
	bool holds = g->lease.disarm_n > g->disarm.over;

	doc_put_int(a, ask, "h", holds ? (int64_t)g->lease.disarm_n : 0);
	/* Said only once the lease that it has is a usual one. */
	doc_put_int(a, ask, "o",
		    g->lease.disarm_n ? 0 : (int64_t)g->disarm.over);
}

bool disarm_may_take(const struct agent *g, uint64_t n)
{
	return !n || n > g->disarm.over;
}

/* -- the leader -------------------------------------------------------------
 */

static void propose(struct agent *g, struct arena *a, struct doc *cmd,
		    uint64_t *asked_ms)
{
	if (*asked_ms && g->now_ms < *asked_ms + ASK_AGAIN_MS)
		return;
	*asked_ms = g->now_ms;
	agent_propose(g, CLUSTER_GROUP, a, cmd);
}

static void node_said(struct agent *g, struct arena *a, const struct doc *row,
		      struct lease_grantee *l, bool over)
{
	const struct doc *own = doc_get(row, "disarm");
	struct doc *cmd;

	if ((uint64_t)doc_get_int(own, "n", 0) == g->disarm.n &&
	    doc_get_bool(own, "over", false) == over)
		return;
	cmd = agent_command(g, a, "node_disarm", NULL);
	doc_put_int(a, cmd, "id", (int64_t)l->node);
	doc_put_int(a, cmd, "n", (int64_t)g->disarm.n);
	doc_put_bool(a, cmd, "over", over);
	propose(g, a, cmd, &l->said_ms);
}

void disarm_heard(struct agent *g, struct arena *a, const struct doc *row,
		  struct lease_grantee *l, const struct doc *ask)
{
	uint64_t holds = (uint64_t)doc_get_int(ask, "h", 0);
	uint64_t over = (uint64_t)doc_get_int(ask, "o", 0);

	l->knows_disarm = doc_get(ask, "o") != NULL;
	if (!g->disarm.n)
		return;
	if (g->disarm.on && holds == g->disarm.n)
		node_said(g, a, row, l, false);
	if (!g->disarm.on && over == g->disarm.n) {
		l->over = over;
		l->long_until_ms = 0;
		node_said(g, a, row, l, true);
	}
}

uint64_t disarm_grant(struct agent *g, struct lease_grantee *l, uint64_t lease,
		      uint64_t *ret_n)
{
	uint64_t left = l->knows_disarm ? disarm_left_ms(g) : 0;

	*ret_n = left ? g->disarm.n : 0;
	if (left && !l->long_until_ms)
		l->long_ms = g->now_ms;
	if (left && l->long_until_ms < g->now_ms + lease + left)
		l->long_until_ms = g->now_ms + lease + left;
	return lease + left;
}

static uint64_t with_margin(uint64_t from, uint64_t until)
{
	return until > from ? until + (until - from) / 10 : until;
}

bool disarm_may_hold(const struct agent *g, const struct doc *row,
		     const struct lease_grantee *l, uint64_t since)
{
	const struct disarm *x = &g->disarm;
	const struct doc *own = doc_get(row, "disarm");
	uint64_t lease = g->lease.ms;

	if (!x->n || l->over == x->n ||
	    ((uint64_t)doc_get_int(own, "n", 0) == x->n &&
	     doc_get_bool(own, "over", false)))
		return false;
	if (x->on)
		return true;
	if (g->now_ms <= with_margin(l->long_ms, l->long_until_ms))
		return true;
	return !x->ours &&
	       g->now_ms <= with_margin(since, since + lease + x->bound_ms);
}

void disarm_judge(struct agent *g, struct arena *a)
{
	struct doc *cmd;

	if (!g->disarm.on || disarm_left_ms(g) > 0)
		return;
	cmd = agent_command(g, a, "cluster_arm", NULL);
	doc_put_int(a, cmd, "n", (int64_t)g->disarm.n);
	propose(g, a, cmd, &g->disarm.asked_ms);
}
