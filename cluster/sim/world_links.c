#include "cluster/sim/world_internal.h"

#include <string.h>

/* Nothing is heard of it, and nothing hears it. */
bool world_is_still(const struct world_node *n)
{
	return n->paused_until_us > n->world->now_us ||
	       n->asleep_until_us > n->world->now_us;
}

/* Something can be sent and answered. */
static bool is_open(const struct world_node *x, const struct world_node *y)
{
	const struct world *w = x->world;

	return !x->cut && !y->cut && !w->blocked[x->slot][y->slot] &&
	       !w->blocked[y->slot][x->slot] && !world_is_still(x) &&
	       !world_is_still(y);
}

static bool can_link(const struct world_node *x, const struct world_node *y)
{
	return x->agent && y->agent && x->id && y->id && !x->container &&
	       !y->container && x != y && is_open(x, y);
}

static void link_down(struct world *w, unsigned i, unsigned k)
{
	struct world_node *n = &w->node[i];

	if (!w->link[i][k])
		return;
	w->link[i][k] = false;
	w->link_moved_us[i][k] = w->now_us;
	if (n->agent)
		agent_peer(n->agent, world_node_ms(n), w->node[k].id, false);
}

void world_channel_end(struct world_node *c)
{
	struct world_node *h = c->host;

	if (!c->channel)
		return;
	c->channel = false;
	if (h && h->agent)
		agent_channel(h->agent, world_node_ms(h), c->service, c->rid,
			      false);
}

/* A broken link is noticed at once where the other end's kernel says so, after
 * a while where nothing comes any more. */
static void link_step(struct world *w, unsigned i, unsigned k)
{
	struct world_node *x = &w->node[i], *y = &w->node[k];
	bool can = can_link(x, y);
	uint64_t age = w->now_us - w->link_moved_us[i][k];
	bool quiet = y->up && !is_open(x, y);

	if (!x->agent || world_is_still(x))
		return;
	if (w->reset[i][k] || w->reset[k][i]) {
		link_down(w, i, k);
		return;
	}
	if (can == w->link[i][k]) {
		if (can)
			w->link_moved_us[i][k] = w->now_us;
		return;
	}
	if (!can && (age > 3000000 || !quiet)) {
		link_down(w, i, k);
	} else if (can && age > 100000 &&
		   (w->link[k][i] ||
		    w->now_us - w->link_moved_us[k][i] > 100000)) {
		w->link[i][k] = true;
		w->link_up_us[i][k] = w->now_us;
		agent_peer(x->agent, world_node_ms(x), y->id, true);
	}
}

void world_links_step(struct world *w)
{
	if (w->now_us < w->links_us)
		return;
	w->links_us = w->now_us + 2000;
	for (unsigned i = 0; i < w->n; i++)
		for (unsigned k = 0; k < w->n; k++)
			link_step(w, i, k);
	if (w->resetting)
		memset(w->reset, 0, sizeof(w->reset));
	w->resetting = false;
}

static bool channel_wanted(const struct world_node *host,
			   const struct world_node *c)
{
	for (size_t i = 0; i < doc_len(host->wanted); i++) {
		const struct doc *row = doc_at(host->wanted, i);

		if (strcmp(doc_get_str(row, "service", ""), c->service) == 0 &&
		    strcmp(doc_get_str(row, "rid", ""), c->rid) == 0)
			return true;
	}
	return false;
}

void world_channels_lost(struct world_node *host)
{
	struct world *w = host->world;

	for (unsigned i = 0; i < w->n; i++) {
		struct world_node *c = &w->node[i];

		if (c->host != host || !c->channel)
			continue;
		c->channel = false;
		c->host_lost = c->agent != NULL;
	}
}

void world_channels_step(struct world *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		struct world_node *c = &w->node[i];
		struct world_node *h = c->host;
		bool can = c->container && c->agent && h && h->agent &&
			   channel_wanted(h, c);

		if (c->host_lost && !world_is_still(c)) {
			c->host_lost = false;
			agent_host(c->agent, world_node_ms(c), false);
		}
		if (!c->container || can == c->channel || world_is_still(c) ||
		    (h && world_is_still(h)))
			continue;
		c->channel = can;
		if (h && h->agent)
			agent_channel(h->agent, world_node_ms(h), c->service,
				      c->rid, can);
		if (c->agent)
			agent_host(c->agent, world_node_ms(c), can);
	}
}
