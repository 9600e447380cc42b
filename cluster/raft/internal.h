/*
 * internal - what the files of cluster/raft/ share.
 *
 *     message.c   libraft's messages as docs, and back, everything checked
 *     log.c       entries in memory
 *     group.c     one group: an event into libraft, its update carried out
 *     apply.c     committed entries into the database
 *     propose.c   commands on their way in, and their results out
 *     read.c      contact with the voters; linearizable reads
 *     snapshot.c  taking snapshots
 *     transfer.c  snapshots from member to member
 *     witness.c   members that only vote
 *     members.c   changing who is a member
 *     load.c      what the log and the snapshots say at start
 *     engine.c    the whole: open, turn, tick, recv, close
 */
#pragma once

#include <raft.h>
#include <sys/queue.h>

#include "cluster/raft/engine.h"
#include "cluster/raft/log.h"

enum {
	LANE_LOG = 0,  /* flushes of the write-ahead log */
	LANE_SNAP = 1, /* everything on the snapshots' disk */

	/* A command, and with it the entry that it travels in. */
	MAX_COMMAND = (1 << 20) - 4096,
	/* Commands of one turn are packed up to this size. */
	PACK_BYTES = 256 << 10,
	/* Entries of one AppendEntries message on the wire. */
	APPEND_BYTES = 1 << 20,
	APPEND_ENTRIES = 1024,
	INFLIGHT_ENTRIES = 256,
	CHUNK_BYTES = 256 << 10,
	MAX_SNAPSHOT = 1 << 30,
	MAX_MEMBERS = 1024,
	MAX_ADDRESS = 255,
	MAX_HELD = 512,	    /* messages that wait for a vote to be durable */
	MAX_RELAYED = 4096, /* commands of others that wait for our turn */
	MAX_ASKED = 1024,   /* reads of others that wait for a round */
	MAX_SERVING = 64,   /* chunks being read for others, of one group */

	HOUSEKEEP_MS = 50, /* deadlines and retries are looked at so often */
	IDLE_MS = 1000,	   /* ... and so often when nothing waits */
	FORWARD_RETRY_MS = 1000,
	FORWARD_RETRY_MAX_MS = 8000,
	ASKED_KEEP_MS = 5000,
	ROUND_RETRY_MS = 200,
	CHUNK_RETRY_MS = 1000,
	CHUNK_TRIES = 10,
	SNAP_KEEP_MS = 10000, /* an older file that was lately read */
	SNAP_BACKOFF_MS = 5000,
	SNAP_BYTES = 8 << 20,  /* of entries behind a snapshot: take another */
	TRAIL_BYTES = 1 << 20, /* kept in memory behind a snapshot */
	STALL_MS = 30000,      /* a flush that takes so long has failed */
	HASTE_MS = 150,
	TURN_ENTRIES = 2048, /* applied in one turn, of one group */
	TURN_BYTES = 4 << 20,
	TURN_ROUNDS = 8, /* of what callbacks brought about */
};

/* Entries hold back the log's space for so many of its segments. */
#define SEGMENTS_HELD	16
#define SEGMENT_DEFAULT (UINT64_C(8) << 20)

/* A snapshot that is durable on this member, or none (index 0). */
struct snap {
	uint64_t index, term;
	uint64_t conf_index;
	uint64_t size; /* bytes of the file */
	void *conf;    /* as libraft encodes it; owned */
	size_t conf_len;
	uint64_t read_ms; /* when a chunk of it was last asked for */
};

struct peer {
	uint64_t id;
	uint64_t contact_ms; /* when the last answered message had left */
	uint64_t round;	     /* the last round that it answered */
	uint64_t told;	     /* it can know that so much is committed */
	uint64_t since_ms;   /* a member since, as far as we added it */
};

enum proposal_state {
	PROPOSAL_WAITING,   /* for a leader */
	PROPOSAL_FORWARDED, /* to the leader */
	PROPOSAL_SUBMITTED, /* to our own libraft */
};

#define CLIENT_SIZE 65 /* as fsm/op counts them */

struct proposal {
	TAILQ_ENTRY(proposal) link; /* egroup::proposals, engine::failed */
	TAILQ_ENTRY(proposal) todo; /* egroup::waiting, while WAITING */
	struct proposal *next;	    /* of its bucket in engine::table */
	struct egroup *group;
	enum proposal_state state;
	char client[CLIENT_SIZE];
	uint64_t sq;
	uint64_t hash;
	bool numbered; /* client and sq are the engine's */
	bool tried;    /* was submitted or forwarded at least once */
	bool led;      /* is given up with the leadership */
	uint64_t deadline, retry;
	unsigned pause_ms; /* before the next retry */
	int code;	   /* in engine::failed */
	void *data;	   /* the encoded command */
	size_t len;
	engine_done done;
	void *arg;
};
TAILQ_HEAD(proposal_list, proposal);

/* A command that a member forwarded to us, until the end of the turn. */
struct relayed {
	STAILQ_ENTRY(relayed) link;
	size_t len;
	unsigned char data[];
};
STAILQ_HEAD(relayed_list, relayed);

enum reader_state {
	READER_WAITING,	  /* for a leader */
	READER_FORWARDED, /* the leader was asked */
	READER_ROUND,	  /* we lead: for a round of checks */
	READER_INDEX,	  /* until `index` is applied here */
};

struct reader {
	TAILQ_ENTRY(reader) link; /* egroup::readers, engine::done_readers */
	enum reader_state state;
	uint64_t id;   /* of the question */
	uint64_t from; /* who asks; 0: it is ours */
	uint64_t round, index;
	bool tried;
	uint64_t deadline, retry;
	int code;
	engine_done done;
	void *arg;
};
TAILQ_HEAD(reader_list, reader);

struct held {
	uint64_t to;
	struct doc *msg;
};

struct transfer;

struct egroup {
	struct engine *engine;
	uint64_t gid, self;
	struct engine_timing timing;
	size_t slot; /* in engine::groups and engine::due */
	bool started, dropped, installing;
	bool touched;  /* in engine::touched: has records in the next flush */
	bool dirty;    /* in engine::dirty: has something to do this turn */
	bool changed;  /* io.changed is due */
	bool quiet;    /* this step's results are not sent */
	bool tell;     /* the commit index rose: the others shall know */
	bool has_rows; /* dropped, but the database still holds it */
	unsigned jobs; /* under way, that refer to it */

	struct raft r; /* valid once started */
	struct glog log;
	uint64_t flush_last; /* last index of the flush under way; 0: none */
	/* Numbers of flushes, 0: nothing pending. */
	uint64_t start_seq; /* of the first records; then RAFT_START */
	uint64_t vote_seq;  /* of the latest term or vote */
	uint64_t mark_seq;  /* of the mark of `taken` */
	uint64_t reset_seq; /* of the mark of the snapshot being installed */
	uint64_t drop_seq;  /* of WAL_DROP; then it may be freed */

	struct arena *held_arena;
	struct held *held;
	size_t n_held, cap_held;

	uint64_t first_term; /* before start: what RAFT_START is told */
	uint64_t first_vote;

	uint64_t applied;  /* in the database; of a witness: is committed */
	uint64_t all_have; /* witness: the hypervisors that vote do */
	uint64_t applied_term;
	uint64_t conf_cursor; /* changes up to here were told to libraft */

	struct snap snap;     /* the newest that the log knows of */
	struct snap old_snap; /* still being read by somebody */
	struct snap taken;    /* written; its mark is not yet durable */
	bool taking;	      /* a job runs */
	uint64_t take_after_ms;
	bool take_now; /* its entries hold back the log's space */

	struct transfer *rx; /* a snapshot on its way to us */
	unsigned n_serving;  /* chunks being read for others */

	/* Leadership, as last seen */
	uint64_t seen_leader, seen_term;
	bool was_leader;
	uint64_t leader_since_ms;
	uint64_t ready_index; /* leader: commit >= this: state is current */
	struct peer *peers;
	size_t n_peers, cap_peers;
	uint64_t leader_st; /* latest send time seen from the leader ... */
	uint64_t leader_st_term;

	uint64_t haste_at; /* 0: no */
	bool hastened;

	struct proposal_list proposals, waiting;
	struct relayed_list relayed;
	size_t n_relayed;
	struct reader_list readers;
	unsigned n_asked;  /* readers that are not ours */
	uint64_t round;	   /* last round of checks that was sent */
	uint64_t round_ms; /* when it was last sent */
	bool barrier_sent; /* need_term(), in seen_term */
};

struct group_list {
	struct egroup **at;
	size_t n, cap;
};

struct engine {
	struct engine_io io;
	const struct wal_disk *snap_disk;
	struct db *db;
	struct wal *wal;
	unsigned snapshot_entries, trailing;
	uint64_t wal_segment;
	bool witness;
	uint64_t now;
	uint64_t rng;
	char client[CLIENT_SIZE];
	uint64_t next_sq, next_id;

	struct egroup **groups; /* sorted by gid */
	uint64_t *due;		/* beside it: when each wants a tick */
	size_t n_groups, cap_groups;
	struct group_list touched, flushing, dirty, doing, dead;

	uint64_t flush_begun, flush_ended; /* numbers of flushes */
	struct wal_flush *flush;
	bool flush_done; /* its run came back */
	int flush_rc;
	struct err flush_err;
	uint64_t flush_ms;
	uint64_t put_bytes; /* to the wal, so far */

	struct proposal **table; /* by group, client, number */
	size_t n_table, cap_table;
	struct proposal_list failed; /* to be told in the next turn */
	struct reader_list done_readers;
	unsigned n_readers, n_transfers;
	unsigned importing; /* a worker writes the database: nobody else may */
	uint64_t housekeep_ms;

	struct arena *scratch; /* until the end of the turn */
	bool again;	       /* another turn is wanted at once */
	bool is_dead;	       /* a fatal error was reported */
	bool closing;	       /* no job may begin any more */
};

/* -- engine.c -- */
struct arena *engine_scratch(struct engine *e);
uint64_t engine_random(struct engine *e);
void engine_log(struct engine *e, int level, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* Report once; everything stops. Returns err->code. */
int engine_fatal(struct engine *e, const struct err *err);
/* The group has something to do in this turn's end. */
void engine_mark(struct egroup *g);
/* Something began that deadlines or retries have to be looked at for. */
void engine_busy(struct engine *e);
int group_list_add(struct group_list *l, struct egroup *g);
/* A job that refers to @g begins; its done calls engine_job_done(). */
void engine_job(struct egroup *g, void (*run)(void *arg),
		void (*done)(void *arg), void *arg);
void engine_job_done(struct egroup *g);

/* -- load.c -- */
struct egroup *group_new(struct engine *e, uint64_t gid, uint64_t self,
			 const struct engine_timing *timing);
void group_free(struct egroup *g);
struct egroup *engine_group(const struct engine *e, uint64_t gid);
int engine_insert(struct engine *e, struct egroup *g);
void engine_remove(struct engine *e, struct egroup *g);
int engine_load(struct engine *e, const struct wal_disk *disk, struct err *err);

/* -- group.c -- */
/* Put a record of @g behind those pending; a failure is fatal. */
int group_put(struct egroup *g, const struct wal_record *rec);
/* The mark that says which snapshot there is and who we are. */
int group_put_mark(struct egroup *g, enum wal_kind kind, const struct snap *s,
		   uint64_t keep);
int group_put_entry(struct egroup *g, uint64_t index,
		    const struct raft_entry *src);
void group_put_vote(struct egroup *g);
int group_start(struct egroup *g, struct err *err);
int group_step(struct egroup *g, struct raft_event *ev);
/* The timer rang. */
int group_timeout(struct egroup *g);
/* A message of libraft's came in. */
int group_receive(struct egroup *g, uint64_t from, const struct doc *msg);
/* Send, or hold until our vote is durable. */
void group_send(struct egroup *g, uint64_t to, struct arena *a,
		struct doc *msg);
/* Leader: tell those who can use it what is committed. */
void group_tell(struct egroup *g);
void group_flushed(struct egroup *g);
bool group_leads(const struct egroup *g);
/* Leader, and everything that may be committed is known to be. */
bool group_ready(const struct egroup *g);
/* Leads, and an entry of its own term is committed (engine_settle()). */
bool group_settled(const struct egroup *g);
uint64_t group_leader(const struct egroup *g);
void group_due(struct egroup *g);
/* The latest list, committed or not. */
const struct raft_server *group_server(const struct egroup *g, uint64_t id);
/* 0 if the log does not reach back to @index. */
uint64_t group_term(const struct egroup *g, uint64_t index);
/* Submit one entry in @data, of raft_malloc(); takes it either way. 0, or a
 * negated errno when this member cannot now. */
int group_submit(struct egroup *g, enum raft_entry_type type, void *data,
		 size_t len);

/* -- message.c -- */
struct doc *message_encode(struct egroup *g, struct arena *a,
			   const struct raft_message *m);
/* What came in, checked. For "ae" the entries' data points into @msg. */
struct message {
	struct raft_message raft;
	struct raft_entry *entries; /* on the arena */
	const void *conf;	    /* "is" */
	size_t conf_len;
	uint64_t size;
	uint64_t sent_ms; /* the sender's clock, or ours echoed; 0: none */
	bool quiet;	  /* no answer is wanted */
};
bool message_is_raft(const char *kind);
int message_decode(struct arena *a, uint64_t from, const struct doc *msg,
		   struct message *ret, struct err *err);
/* 0 if @data is a member list that libraft may be given. */
int message_check_configuration(const void *data, size_t len);

/* -- apply.c -- */
/* Everything that became committed and durable, of the groups in @list. */
void apply_run(struct engine *e, const struct group_list *list);
int apply_get(struct txn *t, uint64_t gid, uint64_t *ret_index,
	      uint64_t *ret_term);
/* Tell libraft of member lists that became committed. */
void apply_configurations(struct egroup *g);

/* -- propose.c -- */
/* The entry that holds @n encoded commands; of raft_malloc(). */
void *propose_pack(const struct bytes *commands, size_t n, size_t *ret_len);
void propose_turn(struct egroup *g);
void propose_housekeep(struct egroup *g);
/* The leader or the term is another one. */
void propose_new_leader(struct egroup *g);
void propose_recv(struct egroup *g, const struct doc *msg);
struct proposal *propose_find(struct engine *e, uint64_t gid,
			      const char *client, uint64_t sq);
/* Its command was applied here. */
void propose_applied(struct proposal *p, struct arena *a,
		     const struct doc *result);
/* The state jumped: what was on its way may be in it. */
void propose_installed(struct egroup *g);
void propose_drop(struct egroup *g);
void propose_tell(struct engine *e);

/* -- read.c -- */
void read_new_leader(struct egroup *g);
void read_turn(struct egroup *g);
void read_housekeep(struct egroup *g);
void read_recv(struct egroup *g, uint64_t from, const char *kind,
	       const struct doc *msg);
void read_drop(struct egroup *g);
void read_tell(struct engine *e);
struct peer *contact_peer(struct egroup *g, uint64_t id);
void contact_note(struct egroup *g, uint64_t from, uint64_t sent_ms);
uint64_t contact_majority(const struct egroup *g);

/* -- snapshot.c -- */
void snap_fini(struct snap *s);
char *snap_name(struct arena *a, uint64_t gid, const struct snap *s);
int snap_metadata(const struct snap *s, struct raft_snapshot_metadata *ret);
int snap_read(struct engine *e, const char *name, uint64_t size, void **ret,
	      struct err *err);
/* Take @s over: its file is removed once nobody reads it any more. */
void snap_supersede(struct egroup *g, struct snap *s);
void snap_discard(struct egroup *g, struct snap *s);
/* Begin one if it is time. */
void snap_turn(struct egroup *g);
void snap_flushed(struct egroup *g);
void snap_housekeep(struct egroup *g);

/* -- transfer.c -- */
void transfer_offer(struct egroup *g, uint64_t from, const struct message *m);
void transfer_recv(struct egroup *g, uint64_t from, const char *kind,
		   const struct doc *msg);
void transfer_housekeep(struct egroup *g);
/* libraft took the snapshot: from here the old log counts no more. */
void transfer_install(struct egroup *g, const struct raft_update *u);
void transfer_flushed(struct egroup *g);
void transfer_drop(struct egroup *g);
bool transfer_uses(const struct egroup *g, uint64_t index, uint64_t term);

/* -- witness.c -- */
bool witness_is(const struct egroup *g, uint64_t id);
/* The data of an entry as it may go to @to; NULL: it may not. */
struct doc *witness_seal(struct egroup *g, struct arena *a, uint64_t to,
			 uint64_t index, const struct raft_log_entry *e);
/* What comes from a witness is made readable. False: it cannot be. */
bool witness_open(struct egroup *g, struct message *m, const struct doc *msg);
/* Leader: all hypervisors that vote have the entries up to it. */
uint64_t witness_all_have(const struct egroup *g);
/* As a witness: so much is committed. */
void witness_apply(struct egroup *g, uint64_t to);
/* As a witness: is it time for a mark? Then where, without the list. */
bool witness_mark(struct egroup *g, struct snap *ret);
/* As a witness: lead no longer than needed. */
void witness_turn(struct egroup *g);
