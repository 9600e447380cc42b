/*
 * A node may run instances only while it holds a lease (docs/decisions/
 * leases.md has the argument in full).
 *
 * Node: asks the cluster group's leader every eighth of a lease, naming the
 * time at which it asks. An answer is good from that time, so a delay on the
 * way only ever shortens it. With a quarter of a lease left it stops what it
 * runs, the hard way.
 *
 * Leader: grants only while a majority has lately shown that it follows
 * (contact), and declares a node lost when the last grant that anybody can
 * have given has run out by its own clock, plus a margin for clocks that
 * differ in speed. What an earlier leader granted, it granted with contact,
 * hence before this leader was elected plus the time for which contact counts.
 */
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"
#include "store/plant.h"

#define ASK_AGAIN_MS 1000
/* Nobody grants a longer one; in a frame that is damaged there may be. */
#define GRANT_MAX_MS (5 * 3600 * 1000LL)

static void refresh(struct agent *g, bool at_start)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = txn_begin_read(g->db, NULL);
	struct state s = { t, CLUSTER_GROUP, a };
	const struct doc *row = NULL;
	int64_t ms = LEASE_DEFAULT_MS;

	if (g->level == LEVEL_ENCAP && g->lease.ms) { /* its host says it */
		txn_abort(t);
		return;
	}
	if (t)
		row = state_cluster(&s);
	txn_abort(t);
	ms = doc_get_int(row, "lease_ms", ms);
	disarm_refresh(g, row, at_start);
	g->lease.ms = ms >= 200 ? (uint64_t)ms : LEASE_DEFAULT_MS;
}

void lease_refresh(struct agent *g)
{
	refresh(g, false);
}

static uint64_t contact_counts_ms(uint64_t lease)
{
	return lease / 4;
}

uint64_t lease_margin_ms(uint64_t lease)
{
	return lease / 10;
}

enum lease_right lease_right(const struct agent *g, uint64_t epoch)
{
	const struct lease *l = &g->lease;
	uint64_t quarter = g->lease.ms / 4;

	if (PLANTED(KEEPS_RUNNING))
		return LEASE_RUN;
	if (PLANTED(IGNORES_EPOCH) && epoch)
		epoch = l->epoch;

	if (l->epoch == epoch && epoch != 0 &&
	    g->now_ms + quarter < l->until_ms)
		return LEASE_RUN;
	/* The agent was away for longer than its lease. If nobody has taken
	 * the epoch, its answer comes within moments. */
	if (l->until_ms == l->saved_ms && g->now_ms < l->grace_ms)
		return LEASE_ASK;
	return LEASE_NONE;
}

void lease_init(struct agent *g, uint64_t until_ms, uint64_t epoch)
{
	refresh(g, true);
	g->lease.heard_ms = g->now_ms;
	g->lease.until_ms = g->lease.saved_ms = until_ms;
	g->lease.epoch = epoch;
	/* One of a disarm: it is not called over before there is another. */
	if (until_ms > g->now_ms + g->lease.ms)
		g->lease.disarm_n = g->disarm.n ? g->disarm.n : 1;
	if (!epoch)
		return;
	g->lease.grace_ms = g->now_ms + g->lease.ms / 2;
	/* One that has not ended yet is not outlived: an eighth of it is for
	 * stopping, as the guard has. */
	if (until_ms > g->now_ms &&
	    g->lease.grace_ms + g->lease.ms / 8 > until_ms)
		g->lease.grace_ms = until_ms - g->lease.ms / 8;
}

static struct lease_grantee *grantee(struct agent *g, uint64_t node)
{
	struct lease *l = &g->lease;

	for (size_t i = 0; i < l->n; i++)
		if (l->grantees[i].node == node)
			return &l->grantees[i];
	l->grantees =
		agent_grow(l->grantees, l->n, &l->cap, sizeof(*l->grantees));
	l->grantees[l->n] = (struct lease_grantee){ .node = node };
	return &l->grantees[l->n++];
}

/* What is asked for later counts, also where it is shorter: of a disarm that
 * is over. */
void lease_take(struct agent *g, uint64_t asked_ms, uint64_t duration,
		uint64_t epoch, uint64_t disarm_n)
{
	struct lease *l = &g->lease;

	if (g->left || epoch < l->epoch || asked_ms > g->now_ms ||
	    !disarm_may_take(g, disarm_n))
		return;
	if (epoch == l->epoch && asked_ms <= l->asked_ms)
		return;
	l->asked_ms = l->heard_ms = asked_ms;
	l->disarm_n = disarm_n;
	if (epoch != l->epoch)
		g->dirty = true;
	l->until_ms = asked_ms + duration;
	l->epoch = epoch;
	g->io.save_lease(g->io.ctx, l->until_ms, l->epoch);
}

/* Is this node the leader, and is nothing left of what an earlier one
 * decided? A loss that one found may lie in its log, agreed by nobody, until
 * it leads again; an entry of our own term that is agreed ends that. What an
 * earlier one has granted is not known: that is forgotten before the first
 * grant of this one, and not after it. */
static bool leads(struct agent *g, struct engine_info *ret)
{
	if (!engine_info(g->engine, CLUSTER_GROUP, ret) || !ret->is_leader ||
	    !ret->is_ready)
		return false;
	if (!ret->is_settled) {
		engine_settle(g->engine, CLUSTER_GROUP);
		return false;
	}
	if (g->lease.leader_since_ms == ret->leader_since_ms)
		return true;
	g->lease.leader_since_ms = ret->leader_since_ms;
	g->lease.n = 0;
	g->disarm.ours = false;
	return true;
}

/* ... with a majority behind it at this moment? */
static bool may_grant(struct agent *g, uint64_t lease)
{
	struct engine_info info;

	if (!leads(g, &info))
		return false;
	return info.n_voters == 1 || PLANTED(GRANT_ALONE) ||
	       g->now_ms < info.contact_ms + contact_counts_ms(lease);
}

/* A proposal can be lost with nobody told: it is repeated until the state has
 * changed, which a repetition does not change again (it names the epoch). */
static void propose_node(struct agent *g, struct arena *a, const char *op,
			 struct lease_grantee *l, uint64_t epoch)
{
	struct doc *cmd;

	if (l->asked_ms && g->now_ms < l->asked_ms + ASK_AGAIN_MS)
		return;
	l->asked_ms = g->now_ms;
	cmd = agent_command(g, a, op, NULL);
	doc_put_int(a, cmd, "id", (int64_t)l->node);
	doc_put_int(a, cmd, "epoch", (int64_t)epoch);
	/* To a later leader it would come late: that may have granted a
	 * lease since. */
	agent_propose_led(g, CLUSTER_GROUP, a, cmd);
}

/* 0: no. Else the epoch in which @node may run things for a lease from now. */
static uint64_t lease_grant(struct agent *g, struct arena *a, uint64_t node,
			    const struct doc *ask)
{
	struct txn *t = txn_begin_read(g->db, NULL);
	struct state s = { t, CLUSTER_GROUP, a };
	struct doc *row = t ? state_node(&s, node) : NULL;
	uint64_t epoch = (uint64_t)doc_get_int(row, "epoch", 0);
	bool up = strcmp(doc_get_str(row, "state", ""), "up") == 0;
	struct lease_grantee *l = grantee(g, node);

	txn_abort(t);
	if (!row || member_has_left(row) || l->lost_epoch >= epoch ||
	    op_fence_bars(row))
		return 0;
	/* Whom we let back in has as long as a lease to ask again. */
	l->last_ms = g->now_ms;
	disarm_heard(g, a, row, l, ask);
	if (!up) {
		propose_node(g, a, "node_up", l, epoch);
		return 0;
	}
	return epoch;
}

void lease_recv_renew(struct agent *g, uint64_t peer, struct arena *a,
		      const struct doc *frame)
{
	uint64_t lease = g->lease.ms, epoch, disarm_n;
	struct doc *answer;

	if (!may_grant(g, lease))
		return;
	epoch = lease_grant(g, a, peer, frame);
	if (!epoch)
		return;
	lease = disarm_grant(g, grantee(g, peer), lease, &disarm_n);
	answer = agent_frame(a, "grant");
	doc_put_int(a, answer, "n", doc_get_int(frame, "n", 0));
	doc_put_int(a, answer, "e", (int64_t)epoch);
	doc_put_int(a, answer, "d", (int64_t)lease);
	if (disarm_n)
		doc_put_int(a, answer, "dn", (int64_t)disarm_n);
	if (PLANTED(LEADERS_CLOCK))
		doc_put_int(a, answer, "at", (int64_t)g->now_ms);
	g->io.send(g->io.ctx, peer, a, answer);
}

void lease_recv_grant(struct agent *g, const struct doc *frame)
{
	int64_t asked = doc_get_int(frame, "n", -1);
	int64_t duration = doc_get_int(frame, "d", 0);
	int64_t epoch = doc_get_int(frame, "e", 0);

	if (asked < 0 || epoch <= 0 || duration <= 0 || duration > GRANT_MAX_MS)
		return;
	if (PLANTED(LEASE_OF_ANSWER))
		asked = (int64_t)g->now_ms;
	if (PLANTED(LEADERS_CLOCK))
		asked = doc_get_int(frame, "at", 0);
	lease_take(g, (uint64_t)asked, (uint64_t)duration, (uint64_t)epoch,
		   (uint64_t)doc_get_int(frame, "dn", 0));
}

static void lease_renew(struct agent *g, uint64_t lease)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct engine_info info;
	struct doc *ask = agent_frame(a, "renew");
	uint64_t epoch, disarm_n;

	if (g->left || !engine_info(g->engine, CLUSTER_GROUP, &info) ||
	    !info.leader)
		return;
	doc_put_int(a, ask, "n", (int64_t)g->now_ms);
	disarm_put_renew(g, a, ask);
	if (info.is_leader) {
		epoch = may_grant(g, lease) ? lease_grant(g, a, g->self, ask)
					    : 0;
		if (!epoch)
			return;
		lease = disarm_grant(g, grantee(g, g->self), lease, &disarm_n);
		lease_take(g, g->now_ms, lease, epoch, disarm_n);
		return;
	}
	g->io.send(g->io.ctx, info.leader, a, ask);
}

static void lease_judge_node(struct agent *g, struct arena *a,
			     const struct doc *row, uint64_t leader_since,
			     uint64_t lease)
{
	uint64_t epoch = (uint64_t)doc_get_int(row, "epoch", 0);
	struct lease_grantee *l =
		grantee(g, (uint64_t)doc_get_int(row, "id", 0));
	uint64_t since = leader_since + contact_counts_ms(lease);

	if (PLANTED(LOST_EARLY))
		lease /= 2;
	if (PLANTED(NO_SUCCESSION))
		since = 0;
	if (l->last_ms > since)
		since = l->last_ms;
	if (strcmp(doc_get_str(row, "state", ""), "up") != 0 ||
	    g->now_ms <= since + lease + lease_margin_ms(lease) ||
	    disarm_may_hold(g, row, l,
			    leader_since + contact_counts_ms(g->lease.ms)))
		return;
	if (l->lost_epoch < epoch) {
		l->lost_epoch = epoch;
		l->asked_ms = 0;
		agent_log(g, 4, "%s: its lease of epoch %llu has run out",
			  doc_get_str(row, "name", "?"),
			  (unsigned long long)epoch);
	}
	propose_node(g, a, "node_lost", l, epoch);
}

/* As leader: who can hold no lease any more? */
static void lease_judge(struct agent *g, uint64_t lease)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct engine_info info;
	struct txn *t;
	struct doc *nodes;

	if (!leads(g, &info) || !may_grant(g, lease))
		return;
	t = txn_begin_read(g->db, NULL);
	if (!t)
		return;
	nodes = state_nodes(&(struct state){ t, CLUSTER_GROUP, a });
	txn_abort(t);
	disarm_judge(g, a);
	for (size_t i = 0; i < doc_len(nodes); i++) {
		lease_judge_node(g, a, doc_at(nodes, i), info.leader_since_ms,
				 lease);
		upkeep_judge_drain(g, a, doc_at(nodes, i));
	}
}

void lease_tick(struct agent *g)
{
	uint64_t lease;

	if (!g->identity || g->level != LEVEL_HYPERVISOR ||
	    g->now_ms < g->lease.next_renew_ms)
		return;
	lease = g->lease.ms;
	lease_renew(g, lease);
	lease_judge(g, lease);
	g->lease.next_renew_ms = g->now_ms + lease / 8;
}

uint64_t lease_next_ms(const struct agent *g)
{
	if (!g->identity || g->level != LEVEL_HYPERVISOR)
		return UINT64_MAX;
	return g->lease.next_renew_ms;
}

void lease_end(struct agent *g)
{
	g->lease.until_ms = g->lease.saved_ms = 0;
	g->lease.asked_ms = g->lease.disarm_n = 0;
	g->lease.grace_ms = 0;
	g->lease.epoch = 0;
	g->io.save_lease(g->io.ctx, 0, 0);
	g->dirty = true;
}

void lease_free(struct agent *g)
{
	free(g->lease.grantees);
}
