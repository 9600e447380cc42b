/*
 * world_internal - what the files of the world share.
 *
 *  world.c        chance, events, the loop, requests
 *  world_io.c     what an agent asks of its world: frames, work
 *  world_drive.c  what runs on a node: resources, drivers, the guard
 *  world_node.c   agents and machines that start and end
 *  world_links.c  who hears whom
 */
#pragma once

#include "cluster/sim/world.h"

enum event_kind { EV_FRAME, EV_CHANNEL_FRAME, EV_WORK, EV_START, EV_BOOT };

struct world_event {
	uint64_t at_us, seq, sent_us;
	enum event_kind kind;
	bool ran; /* work: what is left is to tell of it */
	struct world_node *node;
	unsigned life; /* of the node's agent that it is for */
	struct world_node *from;
	unsigned from_life;
	void *data;
	size_t len;
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

uint64_t world_mix(struct world *w); /* 64 random bits */
/* @least and something below @spread more; where nothing is left to chance,
 * @even. */
uint64_t world_chance(struct world *w, uint64_t least, uint64_t spread,
		      uint64_t even);
/* Something that happens to @n, for whoever watches. */
void world_tell(struct world_node *n, const char *text);
struct world_event *world_event_new(struct world *w, enum event_kind kind,
				    struct world_node *n, uint64_t delay_us);
/* What @n's agent had begun is carried out as a ghost. */
void world_events_void(struct world_node *n);

struct agent_io world_io(struct world_node *n);
struct world_resource *world_res_find(struct world_node *n, const char *service,
				      const char *rid);
void world_res_set(struct world_node *n, struct world_resource *r, bool up);
int world_drive(void *ctx, enum drive_op op, const struct job *j,
		struct probe *ret, struct err *err);
/* Starts and stops that are late come to their end. */
void world_late_step(struct world_node *n);
void world_guard(void *ctx, uint64_t until_ms, const char *list, size_t len);
void world_guard_step(struct world_node *n);
void world_guard_forget(struct world_node *n);
/* NULL: it does not run here. */
struct world_node *world_container_of(struct world_node *host,
				      const char *service, const char *rid);
/* The container and all in it is gone. */
void world_container_end(struct world_node *c);

/* Nothing is heard of it, and nothing hears it. */
bool world_is_still(const struct world_node *n);
void world_links_step(struct world *w);
void world_channels_step(struct world *w);
/* Those of the containers on @host, which has no agent any more. */
void world_channels_lost(struct world_node *host);
/* The channel of container @c is no more. */
void world_channel_end(struct world_node *c);
