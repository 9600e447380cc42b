/*
 * daemon_internal - what the files of the daemon share.
 *
 *     daemon.c   open, turn, stop
 *     world.c    the agent's callbacks: peers, channels, work, drivers
 *     backup.c   the whole state to a file, and back
 *     receive.c  copies that other nodes make here
 *     recover.c  founding a cluster anew when a majority is lost
 *     enrol.c    founding a cluster, joining one, letting others in
 */
#pragma once

#include <stdatomic.h>

#include "cluster/agent/agent.h"
#include "cluster/loop/api.h"
#include "cluster/loop/channels.h"
#include "cluster/loop/clock.h"
#include "cluster/loop/crew.h"
#include "cluster/loop/daemon.h"
#include "cluster/loop/envfiles.h"
#include "cluster/loop/guard.h"
#include "cluster/loop/host.h"
#include "cluster/loop/keep.h"
#include "cluster/loop/report.h"
#include "cluster/net/link.h"

enum crew_name {
	CREW_LOG,    /* the log's flushes: alone, and waits for nobody */
	CREW_SNAP,   /* snapshots */
	CREW_FILES,  /* env files */
	CREW_OPS,    /* driver operations; may hang */
	CREW_KILLS,  /* those that a lease's end demands */
	CREW_COPIES, /* what other nodes copy to this one */
	CREWS,
};

struct daemon {
	const struct options *o;
	uv_loop_t loop;
	uv_prepare_t prepare;
	uv_signal_t signals[2];
	struct alarm alarm;
	struct crew *crews[CREWS];

	struct keep keep;
	struct guard guard;
	char *pki_dir;
	struct wal_disk log_disk, snap_disk;
	bool has_log_disk, has_snap_disk;
	struct db *db;
	struct agent *agent;
	struct links *links;
	struct api *api;
	struct channels *channels;
	struct host *host;
	struct envfiles *envfiles;

	struct arena *peers_arena;
	const struct doc *peers; /* as last given to the links, and kept */
	bool enrolling;		 /* a cluster is being founded or joined */
	unsigned strangers;	 /* that are being let in */
	struct quiet stranger_said;
	struct receiving *receiving; /* copies that come in */
	atomic_bool stop_receiving;

	uint64_t slow_ms;  /* next time for what is done each second */
	uint64_t named_ms; /* since when a leader has been followed; 0: not */
	bool all_named;

	bool stopping, again;
	bool has_left; /* the cluster: to start anew at the end of the turn */
	uint64_t stop_by_ms;
};

/* -- world.c -- */
struct agent_io world_io(struct daemon *d);
int world_open(struct daemon *d, struct err *err); /* once there is an agent */
/* Connect with the other hypervisors, as the member that the agent is. */
int world_open_links(struct daemon *d, uint64_t self, const char *cluster_id,
		     bool witness, struct err *err);
void world_close_links(struct daemon *d);
void world_set_peers(struct daemon *d, const struct doc *nodes);
uint64_t world_next_ms(const struct daemon *d);
void world_tick(struct daemon *d, uint64_t now_ms);
void world_close(struct daemon *d);

/* An answer of the daemon's own, as agent_answer() has them; @text and @data
 * (which is on @a) may be NULL. */
void world_answer(struct arena *a, agent_answer done, void *arg, int code,
		  const char *text, struct doc *data);

/* -- enrol.c -- */
/* cluster_init, cluster_join and cluster_token; false if @req is another. */
bool enrol_request(struct daemon *d, struct arena *a, struct doc *req,
		   agent_answer done, void *arg);
void enrol_stranger(void *data, uint64_t who, struct arena *a,
		    struct doc *frame);

/* -- backup.c -- */
/* cluster_backup and cluster_restore; false if @req is another. */
bool backup_request(struct daemon *d, const struct doc *req, agent_answer done,
		    void *arg);

/* A backup that is made: prepared on the loop, written by a worker; then the
 * transaction is ended by whoever began. */
struct backup_job {
	struct txn *txn;
	struct doc *head;
	struct seal_key key;
	struct backup_group *groups;
	size_t n;
};
/* @tails: with what the logs have beyond what is agreed. */
int backup_job_prepare(struct backup_job *b, const struct daemon *d,
		       struct arena *a, bool tails, struct err *err);
int backup_job_run(const struct backup_job *b, const char *path,
		   struct err *err);

/* -- recover.c -- */
/* cluster_recover and cluster_forget; false if @req is another. */
bool recover_request(struct daemon *d, const struct doc *req, agent_answer done,
		     void *arg);
/* This node has left its cluster: start anew, as a member of nothing. */
void recover_leave(struct daemon *d);
/* Before anything of VAR is opened. */
int recover_start(struct keep *k, struct err *err);

/* -- receive.c -- */
void receive_bridge(void *data, uint64_t peer, struct arena *a,
		    struct doc *frame, const struct link_end *to);

/* -- daemon.c -- */
/* End as on a signal, and start the program anew. */
void daemon_again(struct daemon *d);
