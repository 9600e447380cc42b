/*
 * world - hosts, containers, a network and time, all of it pretended,
 * around real agents.
 *
 *     agents (cluster/agent) ─io─▶ [world] ─events, in order of time─▶ agents
 *
 * One thread, one random sequence: the same seed gives the same run. A node is
 * a hypervisor or a container; both run the same agent on a simulated disk
 * (cluster/sim/simdisk) and a real LMDB in a scratch folder. Resources are rows
 * in a table here; a container that is started boots an agent of its own,
 * which reaches its hypervisor by a channel.
 *
 * Each node has its own monotonic clock, with an offset and a speed.
 */
#pragma once

#include "cluster/agent/agent.h"
#include "cluster/sim/simdisk.h"

#define WORLD_NODES 256
#define WORLD_NAME  64 /* bytes of a name; longer ones are cut */

struct world;

/* What the drivers of a node do for a while. */
enum world_spell {
	SPELL_NONE,
	SPELL_FAIL,  /* a start, a stop: an error, and nothing is done */
	SPELL_HANG,  /* nothing is done until the time for it is over */
	SPELL_LATE,  /* it is done, and says so, much later */
	SPELL_LIE,   /* success, and nothing is done */
	SPELL_BLIND, /* nobody can say what is up */
};

struct world_resource { /* of one node; up or not there */
	char service[WORLD_NAME], rid[WORLD_NAME];
	bool up;
	char guard[192]; /* what the guard would know it by; "": nothing */
	size_t guard_len;
	/* A start or stop that is done at last (SPELL_LATE); 0: none. */
	uint64_t late_us;
	bool late_up;
	char encapnode[WORLD_NAME]; /* of a container */
};

struct world_node {
	struct world *world;
	unsigned slot;
	char name[WORLD_NAME];
	bool container;
	bool up;  /* the machine runs (a container: its host runs it) */
	bool cut; /* no network; a container has none anyway */
	bool joining;
	unsigned boots;
	unsigned life; /* of the agent: what was begun in another is void */

	struct agent *agent; /* NULL: not running */
	struct db *db;
	struct simdisk *wal, *snap;
	struct arena *identity_arena;
	struct doc *identity;
	struct arena *local_arena;
	struct doc *local; /* what was asked of this node alone */
	bool keyless;	   /* it has not the cluster's key, as a witness */
	uint64_t id;	   /* in the cluster; 0 for containers */
	char session[WORLD_NAME + 16];
	uint64_t lease_until, lease_epoch;

	/* The process stands still (SIGSTOP), or all of the machine does. */
	uint64_t paused_until_us, asleep_until_us;
	uint64_t slow_until_us;		 /* its disks are */
	uint64_t late_until_us, late_us; /* what is sent to it comes later */
	bool disk_full, disk_hurt, will_die;
	enum world_spell spell;
	uint64_t spell_until_us;
	uint64_t op_us; /* how long the operation that just ran goes on */

	/* The guard, a process of its own: what the agent has told it. */
	uint64_t guard_until_ms, guard_next_us;
	char *guard_list;
	size_t guard_len;

	int64_t wall_ms; /* how wrong the clock on the wall is */
	int64_t offset_ms;
	int64_t speed; /* of its clock, per mille */

	struct world_resource *res; /* lost with the machine */
	size_t n_res, cap_res;
	/* A container: where it runs (NULL: nowhere) and as what. */
	struct world_node *host;
	char service[WORLD_NAME], rid[WORLD_NAME];
	bool channel;	/* both ends are told that it is up */
	bool host_lost; /* its end was not told yet that it is down */
	struct arena *wanted_arena; /* a hypervisor: the channels it wants */
	struct doc *wanted;
};

struct world_event;

/* For who wants to know what happens, and to say what comes of it. Each may be
 * NULL; where there are hooks the world itself does not judge whether a
 * service is up twice, and leaves nothing to chance but what agents draw. */
struct world_hooks {
	void *ctx;
	/* A driver is asked to start (@up) or stop @j->res, which is not so
	 * yet: it takes *@us. 0: it comes to be; negative: it does not. */
	int (*drive)(void *ctx, struct world_node *n, bool up,
		     const struct job *j, uint64_t *us, struct err *err);
	/* The hard way. 0: it is down. */
	int (*kill)(void *ctx, struct world_node *n, const struct job *j,
		    struct err *err);
	/* A device of @node is asked, by @n; the world does the rest. */
	int (*fence)(void *ctx, struct world_node *n, const char *node,
		     const char *action, struct err *err);
	void (*changed)(void *ctx, struct world_node *n, const char *service,
			const char *rid, bool up);
	void (*head)(void *ctx, struct world_node *n, const char *service,
		     const char *config);
	void (*log)(void *ctx, struct world_node *n, int level,
		    const char *text);
	void (*agent)(void *ctx, struct world_node *n); /* starts */
};

struct world {
	uint64_t now_us, rng;
	const struct world_hooks *hooks; /* or NULL */
	struct world_node node[WORLD_NODES];
	unsigned n;
	struct world_event **events; /* a heap */
	size_t n_events, cap_events;
	uint64_t seq;
	uint64_t links_us; /* when they are looked at again */
	bool blocked[WORLD_NODES][WORLD_NODES]; /* nothing gets from to */
	unsigned resets; /* of 100,000 frames, so many end their link */
	bool reset[WORLD_NODES][WORLD_NODES]; /* that link is to end */
	bool resetting;			      /* any of them */
	uint64_t link_up_us[WORLD_NODES][WORLD_NODES];
	bool guarded;			     /* hypervisors have a guard */
	unsigned snapshot_entries, trailing; /* of the agents */
	/* Whoever wants to read what happens; NULL: nobody. */
	void (*tell)(const char *line);
	/* What each end of a link believes, and since when it is as it is. */
	bool link[WORLD_NODES][WORLD_NODES];
	uint64_t link_moved_us[WORLD_NODES][WORLD_NODES];
	uint64_t last_us[WORLD_NODES][WORLD_NODES]; /* order of delivery */
	uint64_t lane_us[WORLD_NODES][4];
	uint64_t trace;	   /* a hash over all that happened */
	char dir[64];	   /* of the databases */
	char failure[256]; /* the first broken rule; "" if none */
	const char *rule;  /* the same without names and numbers */
	/* Called after each event, for what must hold at any time. */
	void (*check)(struct world *w, void *arg);
	void *check_arg;
};

/* @tell may be NULL. */
struct world *world_new(uint64_t seed, void (*tell)(const char *line));
void world_free(struct world *w);

/* A hypervisor without an agent yet. */
struct world_node *world_add(struct world *w, const char *name, bool container);
struct world_node *world_named(struct world *w, const char *name);

void world_agent_start(struct world_node *n);
void world_agent_start_in(struct world_node *n, uint64_t ms);
/* As by kill -9: what it had begun is void. */
void world_agent_kill(struct world_node *n);
void world_boot(struct world_node *n); /* nothing if it is up */
void world_boot_in(struct world_node *n, uint64_t ms);
void world_power_off(struct world_node *n);
/* A container stops by itself. */
void world_container_crash(struct world_node *c);
/* The agent stands still for @ms, as by SIGSTOP; its world goes on. */
void world_pause(struct world_node *n, uint64_t ms);
/* All of the machine does, its containers too; its clock goes on. */
void world_sleep(struct world_node *n, uint64_t ms);
/* The drivers of @n; @ms from now they are as they should be. */
void world_spell(struct world_node *n, enum world_spell spell, uint64_t ms);
/* From now on its clock is so much faster than time, or slower. */
void world_drift(struct world_node *n, int64_t permille);
/* By itself, without anybody having stopped it. */
void world_resource_down(struct world_node *n, const char *service,
			 const char *rid);
/* The log's and the snapshots' disk has no room, or has again. */
void world_disk_full(struct world_node *n, bool full);
/* The @nth operation from now gives an error. */
void world_disk_error(struct world_node *n, unsigned nth);
/* Everything that goes wrong by itself ends; who is off stays off, and who
 * stands still does so until his time. */
void world_calm(struct world *w);

/* Let @ms pass. false when a rule was broken. */
bool world_run(struct world *w, uint64_t ms);
uint64_t world_random(struct world *w, uint64_t below);
void world_fail(struct world *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void world_trace(struct world *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

uint64_t world_node_ms(const struct world_node *n); /* by its own clock */
bool world_resource_up(const struct world_node *n, const char *service,
		       const char *rid);
/* Hypervisors on which something of @service is up. */
unsigned world_places(const struct world *w, const char *service);

/* A request of @n's agent, with an answer that comes while time passes. */
void world_ask(struct world_node *n, const struct doc *req, agent_answer done,
	       void *arg);
/* The same, waiting for it: NULL if there was none after @ms. On @a. */
struct doc *world_call(struct world_node *n, struct arena *a,
		       const struct doc *req, uint64_t ms);
