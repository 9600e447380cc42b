/*
 * agent - what a member of the cluster does, without a loop of its own.
 *
 *     frames, requests, time ─▶ [agent] ─▶ frames, answers, driver operations
 *
 * The same program on hypervisors and in containers; the identity says which.
 * It holds the engine (raft groups), renews and grants leases, runs the
 * orchestrator for the groups that it leads, carries out the assignments of
 * its own instances, relays between groups and the containers that it hosts,
 * and answers requests.
 *
 * Like the engine it knows no clock, socket, thread or process: the loop
 * (cluster/loop) gives it the real ones, the simulator simulated ones. All
 * calls are made on one thread. One turn: any number of events, then
 * agent_turn().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cluster/net/seal.h"
#include "cluster/raft/engine.h"
#include "drivers/driver.h"
#include "fsm/base/doc.h"

struct agent;
struct fence_call; /* drivers/fence.h */

/* Lanes of agent_io.work. The engine's lane N is AGENT_LANE_LOG + N. */
enum agent_lane {
	AGENT_LANE_OPS,	 /* driver operations: they may hang and must not wait
			    for each other: no order */
	AGENT_LANE_LOG,	 /* the log: waits for nobody */
	AGENT_LANE_SNAP, /* snapshots */
	AGENT_LANE_KILL, /* as OPS, and must not wait for those that hang */
};

enum drive_op {
	DRIVE_PROBE,
	DRIVE_START,
	DRIVE_STOP,
	DRIVE_KILL,
	DRIVE_CUT, /* the network of a container */
	DRIVE_PROVISION,
	DRIVE_UNPROVISION,
	DRIVE_RUN,     /* a task: its exit code */
	DRIVE_COMMAND, /* job->command; its resource may be NULL */
};

struct agent_io {
	void *ctx;
	int64_t (*wall_ms)(void *ctx); /* since the epoch: only ever shown */
	/* The same on the clock on the wall, in its time zone. */
	int64_t (*local_ms)(void *ctx);
	void (*random)(void *ctx, void *buf, size_t n);
	/* To a hypervisor; false if it is not connected. */
	bool (*send)(void *ctx, uint64_t peer, struct arena *a,
		     struct doc *frame);
	/* To the container of a resource that this node hosts; to the host,
	 * from within a container (@service NULL). */
	bool (*channel_send)(void *ctx, const char *service, const char *rid,
			     struct arena *a, struct doc *frame);
	/* End a channel whose peer broke a rule. */
	void (*channel_close)(void *ctx, const char *service, const char *rid);
	/* Run @run(arg) where it may block, then @done(arg) on the agent's
	 * thread, not from inside this call. Calls with equal @lane (enum
	 * agent_lane) run in order, where the lane has one. */
	void (*work)(void *ctx, int lane, void (*run)(void *arg),
		     void (*done)(void *arg), void *arg);
	/* A driver operation; called where it may block (from work's run). */
	int (*drive)(void *ctx, enum drive_op op, const struct job *j,
		     struct probe *ret, struct err *err);
	/* Keep the identity where the next start finds it; durable. */
	int (*save_identity)(void *ctx, const struct doc *identity,
			     struct err *err);
	/* Where the next start, and a guard, find the lease: until when on the
	 * monotonic clock, and its epoch. */
	void (*save_lease)(void *ctx, uint64_t until_ms, uint64_t epoch);
	/* Keep what was asked of this node alone (agent_options::local);
	 * durable. NULL: not kept. */
	int (*save_local)(void *ctx, const struct doc *orders, struct err *err);
	/* The members that are hypervisors changed: who to keep links with. */
	void (*peers)(void *ctx, const struct doc *nodes);
	/* Which channels this node should listen on: [{service, rid, type}],
	 * the type being that of the container's driver. */
	void (*channels)(void *ctx, const struct doc *list);
	/* The head of a service's env file is this revision (config NULL: the
	 * service is gone). Told once for each service that there is, then when
	 * it changes. */
	void (*head)(void *ctx, const char *service, const char *rev,
		     const char *config);
	/* A hypervisor: the cluster's key for secrets. NULL: there are none. */
	int (*secret_key)(void *ctx, struct seal_key *ret, struct err *err);
	/* What the guard takes away when @until_ms has passed (cluster/guard/
	 * page.h); 0: nothing. NULL: there is no guard. */
	void (*guard)(void *ctx, uint64_t until_ms, const char *list,
		      size_t len);
	/* What protects this node, a sentence; NULL: its agent alone. */
	const char *(*protection)(void *ctx);
	/* This node has left its cluster: it is to start anew, as a member of
	 * nothing. May be called again. NULL: it stays as it is. */
	void (*left)(void *ctx);
	/* Ask a fence device, once; called where it may block, gives up by
	 * itself. NULL: there is no way to. */
	int (*fence)(void *ctx, const struct fence_call *c, struct err *err);
	/* Reboot this machine, with @crash without leaving it time for
	 * anything; NULL where that is not allowed. */
	void (*node_action)(void *ctx, bool crash);
	void (*fatal)(void *ctx, const struct err *err);
	void (*log)(void *ctx, int level, const char *text);
};

struct agent_options {
	struct agent_io io;
	const struct wal_disk *wal_disk, *snap_disk;
	struct db *db;
	const char *node; /* the host name, lower case */
	const char *run_dir, *etc_dir;
	const char *session;	    /* differs after each boot of this system */
	const struct doc *identity; /* NULL: member of nothing yet */
	uint64_t now_ms, seed;
	uint64_t lease_until_ms, lease_epoch; /* as saved in this session */
	/* As in engine_options; 0: the usual. */
	unsigned snapshot_entries, trailing;
	uint64_t wal_segment;
	const struct doc *local;	      /* as saved; NULL: none */
};

int agent_open(struct agent **ret, const struct agent_options *o,
	       struct err *err);
/* Stops nothing that runs. Work under way must have ended. */
void agent_close(struct agent *g);
/* Operations under way that agent_close() would have to wait for. */
unsigned agent_busy(const struct agent *g);

void agent_peer(struct agent *g, uint64_t now_ms, uint64_t peer, bool up);
void agent_recv(struct agent *g, uint64_t now_ms, uint64_t peer,
		struct arena *a, struct doc *frame);
/* Host side; @service and @rid as in io.channels. */
void agent_channel(struct agent *g, uint64_t now_ms, const char *service,
		   const char *rid, bool up);
void agent_channel_recv(struct agent *g, uint64_t now_ms, const char *service,
			const char *rid, struct arena *a, struct doc *frame);
/* Container side. */
void agent_host(struct agent *g, uint64_t now_ms, bool up);
void agent_host_recv(struct agent *g, uint64_t now_ms, struct arena *a,
		     struct doc *frame);

void agent_tick(struct agent *g, uint64_t now_ms);
uint64_t agent_next_ms(const struct agent *g);
void agent_turn(struct agent *g, uint64_t now_ms);

/* A request of docs/api.md. The answer {"code", "err"?, "data"?} is on @a of
 * the callback, which comes exactly once, possibly at once. */
typedef void (*agent_answer)(void *arg, struct arena *a, struct doc *answer);
void agent_request(struct agent *g, uint64_t now_ms, const struct doc *req,
		   agent_answer done, void *arg);

/* The refused edits of @service that only this node keeps: [{path, why, at}];
 * @news: a sentence when one has come, else NULL. Shown in its status. */
void agent_drafts(struct agent *g, uint64_t now_ms, const char *service,
		  const struct doc *list, const char *news);

/* An edit of the file of @service on this node is not agreed since @since_ms
 * (on the clock of @now_ms); @why NULL: there is none. Shown in its status. */
void agent_waits(struct agent *g, uint64_t now_ms, const char *service,
		 uint64_t since_ms, const char *why);

#define LEASE_DEFAULT_MS 3000
#define LEASE_MIN_MS	 1000 /* heartbeats and stops have parts of it */
#define LEASE_MAX_MS	 600000

/* A cluster begins: this node is its first member. */
struct agent_founding {
	const char *cluster, *cluster_id;
	int64_t lease_ms;	     /* of its nodes, for good; 0: default */
	const struct doc *addresses; /* of this node */
};
int agent_found(struct agent *g, uint64_t now_ms,
		const struct agent_founding *f, struct err *err);
/* This node joins as a witness: before agent_joined(). */
void agent_be_witness(struct agent *g);
/* What a joiner was told: {id, cluster{...}}. */
int agent_joined(struct agent *g, uint64_t now_ms, uint64_t id,
		 const char *cluster_id, struct err *err);

/* For a cluster that lost its majority: does this member know a leader of the
 * cluster's group; and what a log of it holds beyond what is agreed, on @a. */
bool agent_has_leader(const struct agent *g);
struct doc *agent_tail(const struct agent *g, uint64_t gid, struct arena *a);

/* A member asks to copy to this node, for a sync of the frame "bridge" (@frame:
 * {service, rid, file}): 0 and where to, by this node's reading of the env
 * file; or a negative one with why it may not. On @a. */
struct agent_receive {
	const char *service, *rid;
	const char *dst, *dstfs; /* dstfs: "" if none must be mounted */
	bool file;		 /* dst is one file */
	/* Not NULL: of dst (which is / then), these paths alone, separated by
	 * blanks, and what is below them. */
	const char *only;
};
int agent_receive(struct agent *g, uint64_t peer, const struct doc *frame,
		  struct arena *a, struct agent_receive *ret, struct err *err);

/* Who this agent is: {level, id, name, cluster_id, ...} or NULL. */
const struct doc *agent_identity(const struct agent *g);
