/*
 * play_internal - what the files of a play share.
 *
 *  play.c           from step to step
 *  play_begin.c     founds the cluster, makes its services
 *  play_people.c    what people ask for
 *  play_world.c     machines, the network, what drivers come to
 *  play_watch.c     what the cluster notes; who leads
 *  play_service.c   where services are
 *  play_expect.c    what is expected
 *  play_show.c      the result as text
 */
#pragma once

#include "cluster/sim/image.h"
#include "cluster/sim/play.h"
#include "cluster/sim/world.h"

/* A node's part of a service. */
struct play_part {
	struct world_node *node;
	struct instance inst;
};

struct play_service {
	const char *name;
	char *config;	     /* as of the head, once an agent told of it */
	struct arena *arena; /* of the parts */
	struct play_part *parts;
	size_t n_parts;
	bool has_encap; /* a resource within a container counts */
	bool dirty;
	bool wanted, watched, gone;
	char where[256];
	uint64_t down_since_us;
	struct play_outage sum;
};

enum play_op { PLAY_START, PLAY_STOP, PLAY_KILL };

/* What comes of a driver's operation. */
struct play_rule {
	enum act act; /* ACT_FAIL, ACT_HANG, ACT_SLOW */
	enum play_op op;
	const char *service, *rid, *node; /* node NULL: everywhere */
	int64_t times;			  /* left; -1: for ever */
	int64_t ms;
};

struct play_group {
	uint64_t gid, seen, applied;
};

/* What a person asked for last. */
struct play_ask {
	struct play_ask *next;
	struct play *play; /* NULL: the play is over */
	struct play_service *service;
	const char *what;
	bool answered;
	int code;
	int8_t wants; /* what it means if it is done: 1 up, -1 down, 0 */
	bool merged;
	char err[512];
};

struct play {
	struct arena *arena;
	const struct setup *setup;
	const struct scenario *scenario;
	const char *base;
	struct world *w;
	struct play_result *r;
	bool begun;

	struct play_service *services;
	size_t n, cap;
	struct play_rule *rules;
	size_t n_rules;
	struct play_group *groups;
	size_t n_groups, cap_groups;
	struct image *images[WORLD_NODES];
	const char *leader; /* of the cluster's group; NULL: nobody */
	uint64_t polled_us, acted_us;
	struct play_ask *ask; /* the last one; the others follow */
	const struct scenario_step *step;
};

/* Add to the diary, now. */
#define PLAY_SAY(p, kind, node, service, ...)                                  \
	diary_add(&(p)->r->diary, (p)->w->now_us, kind, node, service,         \
		  __VA_ARGS__)

/* Let @ms pass; false when it cannot go on. */
bool play_pass(struct play *p, uint64_t ms);
/* The scenario cannot be played on, because of the step that is under way. */
bool play_stop(struct play *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

bool play_begin(struct play *p);
bool play_is_witness(const struct play *p, const struct world_node *n);
bool play_join(struct play *p, struct world_node *n);
/* A node or container of the world; NULL, having stopped. */
struct world_node *play_node(struct play *p, const char *name);

struct play_service *play_service(struct play *p, const char *name);
struct play_service *play_service_add(struct play *p, const char *name);
/* The containers that the env file @config names are there. */
bool play_containers(struct play *p, const char *name, const char *config);
void play_service_head(struct play *p, const char *name, const char *config);
void play_service_wanted(struct play *p, struct play_service *s, bool wanted);
void play_services_look(struct play *p, bool all);
void play_services_end(struct play *p);
/* The instance of @s on @node, if it has one. */
const struct play_part *play_part(const struct play_service *s,
				  const struct world_node *node);
/* All that counts of the part is up. */
bool play_part_up(const struct play_part *t);
/* Is @s up on that hypervisor, or what is in that container? */
bool play_up_on(const struct play_service *s, const struct world_node *n);
bool play_counts(const struct resource *r);

void play_watch(struct play *p);

/* The first agent that knows a leader, or else the first; NULL: none runs. */
struct world_node *play_first(struct play *p);

bool play_act_world(struct play *p, const struct scenario_step *s);
void play_asks_end(struct play *p);
bool play_act_people(struct play *p, const struct scenario_step *s);
bool play_expect(struct play *p, const struct scenario_step *s);
/* What the drivers do, for the world. */
void play_hooks(struct play *p);
