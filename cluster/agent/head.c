/*
 * The heads of the env files that this node has: told to the world when they
 * change, with the drafts that lie beside them here.
 *
 * A service is gone when the cluster's index has lost it (in a container: when
 * this is another service's), never because its rows are absent: a group that
 * is being filled again lacks them, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"

static struct head *head_find(struct agent *g, const char *service)
{
	struct head *h;

	HASH_FIND(hh, g->heads, service, strlen(service), h);
	return h;
}

static struct head *head_new(struct agent *g, const char *service)
{
	struct head *h = calloc(1, sizeof(*h));

	if (!h)
		abort();
	h->service = agent_strdup(service);
	HASH_ADD_KEYPTR(hh, g->heads, h->service, strlen(h->service), h);
	return h;
}

static bool takes_part(const struct agent *g, struct arena *a,
		       const char *service, const char *text)
{
	struct conf *c = agent_conf(g, a, text);
	enum level level;

	return c && conf_level(a, c, service, g->node, &level, NULL) == 0 &&
	       level == g->level;
}

void head_begin(struct agent *g)
{
	for (struct head *h = g->heads; h; h = h->hh.next)
		h->wanted = g->level == LEVEL_ENCAP && g->service &&
			    strcmp(h->service, g->service) == 0;
}

const struct head *head_see(struct agent *g, const struct state *s,
			    const char *service, const struct doc *row)
{
	struct head *h = head_find(g, service);
	const char *rev = doc_get_str(row, "head", ""), *text;
	struct doc *d;

	if (h)
		h->wanted = true;
	if (!row || (h && strcmp(h->rev, rev) == 0))
		return h;
	d = state_revision(s, service, rev);
	if (!d)
		return h;
	if (!h)
		h = head_new(g, service);
	text = doc_get_str(d, "config", "");
	h->wanted = true;
	snprintf(h->rev, sizeof(h->rev), "%s", rev);
	h->takes_part = takes_part(g, s->arena, service, text);
	g->io.head(g->io.ctx, service, rev, text);
	return h;
}

static void head_free_one(struct head *h)
{
	arena_free(h->drafts_arena);
	free(h->waits_why);
	free(h->service);
	free(h);
}

void head_end(struct agent *g)
{
	struct head *h, *next;

	HASH_ITER(hh, g->heads, h, next)
	{
		if (h->wanted)
			continue;
		HASH_DEL(g->heads, h);
		g->io.head(g->io.ctx, h->service, "", NULL);
		head_free_one(h);
	}
}

void head_free(struct agent *g)
{
	struct head *h, *next;

	HASH_ITER(hh, g->heads, h, next)
	{
		HASH_DEL(g->heads, h);
		head_free_one(h);
	}
}

/* -- drafts ---------------------------------------------------------- */

const struct doc *head_drafts(struct agent *g, const char *service)
{
	const struct head *h = head_find(g, service);

	return h ? h->drafts : NULL;
}

static void draft_tell(struct agent *g, const char *service, const char *news)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = txn_begin_read(g->db, NULL);
	uint64_t gid = t ? agent_service_group(g, a, t, service) : 0;

	txn_abort(t);
	if (gid)
		agent_event(g, gid, "draft", service, NULL, news);
}

void agent_drafts(struct agent *g, uint64_t now_ms, const char *service,
		  const struct doc *list, const char *news)
{
	struct head *h = head_find(g, service);

	g->now_ms = now_ms;
	if (h) {
		arena_free(h->drafts_arena);
		h->drafts_arena = arena_new();
		h->drafts = doc_copy(h->drafts_arena, list);
		instance_poke(g, service);
	}
	if (news && g->identity)
		draft_tell(g, service, news);
	g->dirty = true;
}

void agent_waits(struct agent *g, uint64_t now_ms, const char *service,
		 uint64_t since_ms, const char *why)
{
	struct head *h = head_find(g, service);

	g->now_ms = now_ms;
	if (!h)
		return;
	free(h->waits_why);
	h->waits_why = why ? agent_strdup(why) : NULL;
	h->waits_at = g->io.wall_ms(g->io.ctx) - (int64_t)(now_ms - since_ms);
}

struct doc *head_waits(struct agent *g, struct arena *a, const char *service)
{
	const struct head *h = head_find(g, service);
	struct doc *d;

	if (!h || !h->waits_why)
		return NULL;
	d = doc_map(a);
	doc_put_str(a, d, "node", g->node);
	doc_put_int(a, d, "since", h->waits_at);
	doc_put_int(a, d, "age_ms", g->io.wall_ms(g->io.ctx) - h->waits_at);
	doc_put_str(a, d, "why", h->waits_why);
	return d;
}
