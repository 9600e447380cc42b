/*
 * world - machines, a network and disks that are simulated; the engine on them
 * is the real one.
 *
 *     seed ─▶ [events in order of time] ─▶ nodes: engine + wal + LMDB
 *                 ▲      │
 *                 └──────┴─ messages, jobs of workers, timers, chaos
 *
 * One thread, one queue of events, one source of chance: the same seed gives
 * the same run, which trace_hash shows. Time is in microseconds; each node has
 * a clock of its own that starts somewhere, runs a little fast or slow, and
 * starts anew with the machine.
 *
 * A process that crashes keeps the database and what the disk did; a machine
 * that crashes loses the database. A disk write that is under way at that time
 * is done, lost, or torn.
 *
 * The world knows nothing about what the commands mean; see checks.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "cluster/raft/engine.h"
#include "cluster/sim/simdisk.h"
#include "store/plant.h"

enum {
	WORLD_NODES = 6,
	WORLD_GROUPS = 3,
	WORLD_LANES = 2,
	MS = 1000, /* of the world's time */
	SECOND = 1000 * MS,
};

struct world;
struct event;

struct job {
	TAILQ_ENTRY(job) link;
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
	bool begun, ran;
};
TAILQ_HEAD(job_list, job);

struct node {
	struct world *world;
	uint64_t id;
	unsigned index;
	char dir[80];
	bool up, will_die, doomed;
	unsigned doom;	/* enum crash */
	unsigned epoch; /* of the process */
	unsigned boots; /* of the machine */
	uint64_t boot_us, clock_ms;
	/* Before its clock has jumped; and when it last has, or has gone on
	 * after a pause. */
	uint64_t old_boot_us, old_clock_ms, odd_us;
	uint64_t paused_until_us; /* the process stands still */
	int64_t clock_ppm;
	struct simdisk *wal, *snap;
	struct simdisk *behind; /* DISK_LIES: what is really there */
	struct db *db;
	struct engine *engine;
	struct job_list lanes[WORLD_LANES];
	bool turn_due;
	unsigned wake;		   /* number of the latest timer */
	bool disk_hurt, disk_full; /* an error was injected */
	uint64_t slow_until_us;	   /* its disks are */
	uint64_t late_until_us;	   /* what is sent to it comes so much later */
	uint64_t late_us;
	uint64_t restart_us; /* when it shall come back; 0: not decided */
};

struct link {
	bool cut;
	uint64_t last_us; /* arrival of the latest message */
};

struct network {
	struct link links[WORLD_NODES][WORLD_NODES];
	unsigned loss, dup; /* per mille */
	unsigned delay_us;  /* at most */
	bool reorders;
};

struct world {
	uint64_t seed, rng;
	uint64_t now_us;
	bool verbose, ended;
	bool calm; /* no more faults */
	char dir[48];
	char failure[1024]; /* the first; "" if none */
	uint64_t trace_hash, n_events;
	unsigned n_nodes;
	struct node nodes[WORLD_NODES];
	struct network net;
	struct event **heap;
	size_t n_heap, cap_heap;
	uint64_t next_seq;
	unsigned snapshot_entries, trailing;
	uint64_t wal_segment;
	unsigned die_voting; /* per mille of the votes */
	/* What happened, to see that a run did something. */
	struct counts {
		unsigned messages, lost, chunks, crashes, reboots, torn;
		unsigned leaders, changes, transfers, joins, drops;
		unsigned pauses, jumps;
	} counts;
	struct checks *checks;
};

uint64_t world_random(struct world *w);
/* In [0, n); n > 0. */
uint64_t world_pick(struct world *w, uint64_t n);
bool world_chance(struct world *w, unsigned per_mille);
void world_say(struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The run ends with this. */
void world_fail(struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
void world_trace(struct world *w, const void *data, size_t len);

void world_init(struct world *w, uint64_t seed, unsigned n_nodes);
void world_fini(struct world *w);

/* Call @fn(arg, @n) @after_us from now. */
void world_at(struct world *w, uint64_t after_us,
	      void (*fn)(struct world *w, void *arg, uint64_t n), void *arg,
	      uint64_t n);
/* The next event; false: there is none. */
bool world_step(struct world *w);

/* -- nodes -- */
enum crash {
	CRASH_CLEAN,   /* asked to stop: what runs is finished */
	CRASH_PROCESS, /* killed */
	CRASH_MACHINE, /* no power */
};
void node_start(struct node *x);
void node_crash(struct node *x, enum crash how);
/* It crashes in the middle of its next job; a job of the log's where there is
 * one soon. */
void node_doom(struct node *x, enum crash how);
/* It stands still, as by SIGSTOP. */
void node_pause(struct node *x, uint64_t us);
/* Its clock goes on at another time, as after a sleep. */
void node_jump(struct node *x, uint64_t ms);
uint64_t node_now_ms(const struct node *x);
/* When it was this late by the clock of the machine that runs now. */
uint64_t node_time_us(const struct node *x, uint64_t ms);
struct node *world_node(struct world *w, uint64_t id);
/* Something was asked of its engine: it takes a turn soon. */
void node_turn_soon(struct node *x);

/* -- called by the world; checks.c -- */
struct doc *checks_apply(struct node *x, struct arena *a, struct txn *t,
			 uint64_t gid, uint64_t index,
			 const struct doc *command);
/* After each turn of a node, for each of its groups. */
void checks_look(struct node *x);
