/*
 * Where a service is, by what is up in the world: on a hypervisor if all that
 * counts of its part there is, and, where something counts within containers,
 * all of it in one that runs there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/sim/play_internal.h"
#include "fsm/conf/text.h"

struct play_service *play_service(struct play *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->services[i].name, name) == 0)
			return &p->services[i];
	return NULL;
}

struct play_service *play_service_add(struct play *p, const char *name)
{
	struct play_service *s = play_service(p, name);

	if (!s && p->n < p->cap) {
		s = &p->services[p->n++];
		s->name = arena_printf(p->arena, "%s", name);
		s->sum.service = s->name;
	}
	if (s)
		s->gone = false;
	return s;
}

bool play_containers(struct play *p, const char *name, const char *config)
{
	struct problems none = { .arena = p->arena };
	struct conf *c = conf_parse(p->arena, config, strlen(config), &none);
	struct service_conf sc;
	struct err err;

	if (!c || service_eval(p->arena, c, name, NULL, &sc, &err) < 0)
		return true; /* the agent will say so */
	for (size_t i = 0; i < sc.encapnodes.n; i++) {
		const char *vm = sc.encapnodes.at[i];
		struct world_node *n = world_named(p->w, vm);

		if (n && !n->container)
			return play_stop(p,
					 "%s: %s is a container there and a "
					 "node of the cluster",
					 name, vm);
		if (!n && p->w->n == WORLD_NODES)
			return play_stop(p, "more than %d nodes and containers",
					 WORLD_NODES);
		if (!n)
			world_add(p->w, vm, true);
	}
	return true;
}

/* -- parts ---------------------------------------------------------------- */

bool play_counts(const struct resource *r)
{
	static const char *const never[] = { "sync",	"task",	 "hb",
					     "stonith", "fence", "expose" };

	if (r->disable || r->standby || r->optional || r->noaction)
		return false;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (strcmp(r->group, never[i]) == 0)
			return false;
	return true;
}

static void part_add(struct play *p, struct play_service *s,
		     const struct conf *c, const char *node, enum level level)
{
	struct world_node *n = world_named(p->w, node);
	struct play_part *t = &s->parts[s->n_parts];

	if (!n || instance_eval(s->arena, c, s->name, node, level, &t->inst,
				NULL) < 0)
		return;
	t->node = n;
	s->n_parts++;
	for (size_t i = 0; level == LEVEL_ENCAP && i < t->inst.n; i++)
		s->has_encap |= play_counts(&t->inst.res[i]);
}

static void parts_make(struct play *p, struct play_service *s)
{
	struct problems none;
	struct service_conf sc;
	struct conf *c;

	arena_free(s->arena);
	s->arena = arena_new();
	s->n_parts = 0;
	s->has_encap = false;
	none = (struct problems){ .arena = s->arena };
	c = conf_parse(s->arena, s->config, strlen(s->config), &none);
	if (!c || service_eval(s->arena, c, s->name, NULL, &sc, NULL) < 0)
		return;
	s->parts = ARENA_VEC(s->arena, struct play_part,
			     sc.nodes.n + sc.drpnodes.n + sc.encapnodes.n + 1);
	for (size_t i = 0; i < sc.nodes.n; i++)
		part_add(p, s, c, sc.nodes.at[i], LEVEL_HYPERVISOR);
	for (size_t i = 0; i < sc.drpnodes.n; i++)
		part_add(p, s, c, sc.drpnodes.at[i], LEVEL_HYPERVISOR);
	for (size_t i = 0; i < sc.encapnodes.n; i++)
		part_add(p, s, c, sc.encapnodes.at[i], LEVEL_ENCAP);
}

void play_service_head(struct play *p, const char *name, const char *config)
{
	struct play_service *s = play_service(p, name);

	if (!s || !config || (s->config && strcmp(s->config, config) == 0))
		return;
	free(s->config);
	s->config = strdup(config);
	if (!s->config)
		abort();
	parts_make(p, s);
	s->dirty = true;
}

const struct play_part *play_part(const struct play_service *s,
				  const struct world_node *node)
{
	for (size_t i = 0; i < s->n_parts; i++)
		if (s->parts[i].node == node)
			return &s->parts[i];
	return NULL;
}

static bool is_asleep(const struct world_node *n)
{
	return n->asleep_until_us > n->world->now_us;
}

bool play_part_up(const struct play_part *t)
{
	size_t n = 0;

	if (is_asleep(t->node))
		return false;
	for (size_t i = 0; i < t->inst.n; i++) {
		const struct resource *r = &t->inst.res[i];

		if (!play_counts(r) ||
		    (t->inst.level == LEVEL_HYPERVISOR && r->encap))
			continue;
		if (!world_resource_up(t->node, t->inst.service, r->rid))
			return false;
		n++;
	}
	return n > 0;
}

/* Must it not be in two places? A driver that gives the guard nothing to take
 * away says that it may (drivers/driver.h). */
static bool is_once_only(const struct resource *r)
{
	const struct driver *d = driver_find(r->group, r->type);

	return !r->standby && (!d || d->guard);
}

static bool part_any(const struct play_part *t)
{
	for (size_t i = 0; i < t->inst.n && !is_asleep(t->node); i++)
		if (is_once_only(&t->inst.res[i]) &&
		    world_resource_up(t->node, t->inst.service,
				      t->inst.res[i].rid))
			return true;
	return false;
}

bool play_up_on(const struct play_service *s, const struct world_node *n)
{
	const struct play_part *t = play_part(s, n);

	if (!t || !play_part_up(t))
		return false;
	if (n->container || !s->has_encap)
		return true;
	for (size_t i = 0; i < s->n_parts; i++)
		if (s->parts[i].node->container &&
		    s->parts[i].node->host == n && play_part_up(&s->parts[i]))
			return true;
	return false;
}

/* -- looking --------------------------------------------------------------- */

static void where_text(const struct play_service *s, char *ret, size_t size)
{
	size_t len = 0;

	*ret = '\0';
	for (size_t i = 0; i < s->n_parts && len < size; i++)
		if (!s->parts[i].node->container &&
		    play_up_on(s, s->parts[i].node))
			len += (size_t)snprintf(ret + len, size - len, "%s%s",
						len ? " " : "",
						s->parts[i].node->name);
}

static void check_twice(struct play *p, struct play_service *s, bool container)
{
	const struct play_part *first = NULL;

	for (size_t i = 0; i < s->n_parts; i++) {
		const struct play_part *t = &s->parts[i];

		if (t->node->container != container || !part_any(t) ||
		    strcmp(t->inst.conf.topology, "failover") != 0)
			continue;
		if (first && !s->sum.twice) {
			s->sum.twice = p->r->broken = true;
			PLAY_SAY(p, DIARY_FAILED, NULL, s->name,
				 "it is up twice: on %s and on %s",
				 first->node->name, t->node->name);
		}
		first = t;
	}
}

static void outage_ends(struct play *p, struct play_service *s)
{
	uint64_t us = p->w->now_us - s->down_since_us;

	if (!s->watched)
		return;
	s->watched = false;
	s->sum.down_us += us;
	if (us > s->sum.longest_us)
		s->sum.longest_us = us;
	s->sum.times++;
}

static void outage_begins(struct play *p, struct play_service *s)
{
	if (s->watched || !s->wanted || !p->begun)
		return;
	s->watched = true;
	s->down_since_us = p->w->now_us;
}

void play_service_wanted(struct play *p, struct play_service *s, bool wanted)
{
	if (!wanted && s->watched) {
		s->watched = false; /* it is not missed any more */
		s->sum.down_us += p->w->now_us - s->down_since_us;
	}
	s->wanted = s->sum.wanted = wanted;
	if (wanted && !s->where[0])
		outage_begins(p, s);
}

static void look(struct play *p, struct play_service *s)
{
	char where[sizeof(s->where)];

	s->dirty = false;
	check_twice(p, s, false);
	check_twice(p, s, true);
	where_text(s, where, sizeof(where));
	if (strcmp(where, s->where) == 0)
		return;
	memcpy(s->where, where, sizeof(where));
	if (!where[0]) {
		outage_begins(p, s);
		PLAY_SAY(p, DIARY_SERVICE, NULL, s->name, "down");
	} else if (s->watched) {
		PLAY_SAY(p, DIARY_SERVICE, NULL, s->name,
			 "up on %s, after %.1f s without", where,
			 (double)(p->w->now_us - s->down_since_us) / 1e6);
		outage_ends(p, s);
	} else {
		PLAY_SAY(p, DIARY_SERVICE, NULL, s->name, "up on %s", where);
	}
}

void play_services_look(struct play *p, bool all)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->services[i].dirty || all)
			look(p, &p->services[i]);
}

void play_services_end(struct play *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct play_service *s = &p->services[i];

		outage_ends(p, s);
		s->sum.where = arena_printf(p->arena, "%s", s->where);
	}
}
