/*
 * engine - raft groups: libraft's pure core, our log, our state, our messages.
 *
 *     engine_propose ─▶ raft_step ─▶ wal ─▶ raft_step ─▶ commit ─▶ apply ─▶
 * done │(not leader)    ▲ └─▶ io.send ─▶ ... ─▶ engine_recv └─▶ forwarded
 * └──────────── engine_tick (time)
 *
 * The engine knows no clock, socket, thread or file of its own: time comes in
 * with every call, messages leave through io.send, blocking work (log flushes,
 * snapshots) through io.work. So the agent runs it on libuv and real disks,
 * and the simulator runs the same code on a simulated world.
 *
 * One turn: any number of engine_recv / engine_propose / engine_tick calls,
 * then one engine_turn(): what became durable is told to libraft, what is
 * committed is applied in one LMDB transaction for all groups, proposals that
 * arrived together are packed into one entry per group, the log's pending
 * records are frozen into one flush.
 *
 * Order that must hold (libraft's docs/updates): a term or vote is durable
 * before any message of the step that changed it leaves; an append is
 * acknowledged by libraft itself only after RAFT_PERSISTED_ENTRIES.
 *
 * Every proposal is a command (bytes that begin its life at a client with an
 * id and a sequence number, see fsm/op/op.h), so one that is retried after a
 * lost leader is answered from the recorded result. engine_propose() works on
 * any member: it forwards to the leader, retries until its deadline, and calls
 * back once the command is applied on THIS member (so that who asked can read
 * what it wrote).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fsm/base/doc.h"
#include "store/db.h"
#include "store/err.h"
#include "store/wal.h"

struct engine;

enum engine_role { ENGINE_STANDBY, ENGINE_VOTER, ENGINE_SPARE };

/* The address of a member that only votes, and keeps entries which it cannot
 * read, begins so (docs/decisions/witness.md). */
#define ENGINE_WITNESS "witness "
bool engine_is_witness(const char *address);

struct engine_server {
	uint64_t id;
	enum engine_role role;
	const char *address; /* informative; unique: "name" of the member */
};

struct engine_io {
	void *ctx;
	/* A message of group @gid for member @to; may be lost. @msg is a doc
	 * map of the engine's own keys; the receiver gives it to
	 * engine_recv(). Dies with @a after the call. */
	void (*send)(void *ctx, uint64_t gid, uint64_t to, struct arena *a,
		     struct doc *msg);
	/* Run @run(arg) where it may block, then @done(arg) on the engine's
	 * thread, not from inside this call; a turn is due after it. Calls
	 * with equal @lane run in order. */
	void (*work)(void *ctx, int lane, void (*run)(void *arg),
		     void (*done)(void *arg), void *arg);
	/* Apply one command; gives the result for the proposer (on @a). Total:
	 * cannot fail. May run again from scratch if the transaction has to be
	 * repeated: it must have no effect but on @t. */
	struct doc *(*apply)(void *ctx, struct arena *a, struct txn *t,
			     uint64_t gid, uint64_t index,
			     const struct doc *command);
	/* After the transaction that applied up to @index was committed. */
	void (*applied)(void *ctx, uint64_t gid, uint64_t index);
	/* Leadership here or elsewhere changed, or the members did. */
	void (*changed)(void *ctx, uint64_t gid);
	/* Make an entry's data unreadable for a witness, on @a (NULL: that
	 * cannot be done now, and it is not sent), and readable again, in
	 * place (false: it is none of ours). Both may be NULL. */
	struct doc *(*seal)(void *ctx, struct arena *a, uint64_t gid,
			    uint64_t index, uint64_t term, const void *data,
			    size_t len);
	bool (*open)(void *ctx, struct arena *a, uint64_t gid, uint64_t index,
		     uint64_t term, void **data, size_t *len);
	/* The disk failed: stop the agent with this reason. */
	void (*fatal)(void *ctx, const struct err *err);
	void (*log)(void *ctx, int level, const char *text);
};

struct engine_options {
	struct engine_io io;
	const struct wal_disk *wal_disk;  /* the log's directory */
	const struct wal_disk *snap_disk; /* another, for snapshot files */
	struct db *db;
	uint64_t now_ms;	   /* monotonic */
	uint64_t seed;		   /* of election timeouts, client ids */
	unsigned snapshot_entries; /* take one after so many; 0: 4096 */
	unsigned trailing;	   /* entries kept behind it; 0: 1024 */
	uint64_t wal_segment;	   /* bytes; 0: the wal's default */
	bool witness;		   /* this member is one, in all groups */
};

/* Opens log and groups as they were left; rebuilds the db from snapshots and
 * log where db_was_reset(). Blocking. */
int engine_open(struct engine **ret, const struct engine_options *o,
		struct err *err);
/* Pending work must have been drained (io.work's done all called). */
void engine_close(struct engine *e);

/* From now on, before it has any group. */
void engine_be_witness(struct engine *e);

/* -- groups ---------------------------------------------------------- */

struct engine_timing {
	unsigned heartbeat_ms, election_ms;
};

/* A brand-new group, the same on each of its first voters: entry 1 is the
 * member list, entry 2 holds @commands (may be none). 0 if it exists. */
int engine_bootstrap(struct engine *e, uint64_t gid, uint64_t self,
		     const struct engine_timing *timing,
		     const struct engine_server *servers, size_t n,
		     const struct doc *const *commands, size_t n_commands,
		     struct err *err);
/* An empty member that waits for the leader to send it everything. -EBUSY:
 * the group was dropped here and work for it still runs; try again. */
int engine_join(struct engine *e, uint64_t gid, uint64_t self,
		const struct engine_timing *timing, struct err *err);
/* Forget the group here: log, snapshot, state. */
int engine_drop(struct engine *e, uint64_t gid, struct err *err);
bool engine_has(const struct engine *e, uint64_t gid);
size_t engine_groups(const struct engine *e, uint64_t *ret_gids, size_t max);

/* A witness that leads for a moment is told as if nobody did. */
struct engine_info {
	uint64_t self, leader; /* leader: 0 if not known */
	bool is_leader;
	/* A leader that has applied all that can have been agreed when it was
	 * elected: its state is current and its decisions may be proposed. */
	bool is_ready;
	/* And an entry of its own term is agreed: what an earlier leader has
	 * in its log beyond ours never will be. See engine_settle(). */
	bool is_settled;
	uint64_t leader_since_ms; /* on this engine's clock; 0 if not leader */
	uint64_t term, commit, applied, last;
	uint64_t last_term; /* of the last entry */
	/* Leader: a majority answered a message that left at or after this
	 * time: nobody else can have led before it. 0 if not leader. */
	uint64_t contact_ms;
	enum engine_role role;
	size_t n_voters;
};
bool engine_info(const struct engine *e, uint64_t gid, struct engine_info *ret);
/* The committed member list; strings on @a. */
size_t engine_members(const struct engine *e, uint64_t gid, struct arena *a,
		      struct engine_server **ret);
/* Leader: the highest index @id is known to hold; 0 if unknown. */
uint64_t engine_match(const struct engine *e, uint64_t gid, uint64_t id);

/* The commands of the entries that this member's log has beyond what is applied
 * here, on @a: nobody knows whether they are agreed. */
struct doc *engine_tail(const struct engine *e, uint64_t gid, struct arena *a);

/* Leader: see to it that an entry of its own term is agreed (is_settled), with
 * an empty one where nothing else was written. Level-triggered: call it again
 * until it is. Raft itself writes one only if something was left to agree. */
void engine_settle(struct engine *e, uint64_t gid);

/* Leader: make the members be as @want, one safe step at a time; call it
 * again (it is level-triggered) until 0. 1: a step is under way. A new voter
 * enters as standby, is caught up, then promoted. -EAGAIN: not leader. */
int engine_set_members(struct engine *e, uint64_t gid,
		       const struct engine_server *want, size_t n,
		       struct err *err);
/* Leader: hand over to @to (0: whoever is most up to date). */
int engine_transfer(struct engine *e, uint64_t gid, uint64_t to,
		    struct err *err);
/* The leader's node is known to be dead: hold the election after @delay_ms
 * instead of waiting for its silence. Undone when a leader is there. */
void engine_hasten(struct engine *e, uint64_t gid, unsigned delay_ms);

/* -- the way of a command -------------------------------------------- */

/* @code: 0 applied, @result is what apply gave (on @a, dies after the call);
 * -ETIMEDOUT: not known whether it was applied; -ENETUNREACH: no leader was
 * ever reached, it was not proposed; -EMSGSIZE; -ENOENT no such group.
 * Called exactly once, never from inside engine_propose(). */
typedef void (*engine_done)(void *arg, int code, struct arena *a,
			    const struct doc *result);
/* @command: a map; "cl" and "sq" (client id and sequence number) are set here
 * when it has none. A client id has at most 64 bytes. */
void engine_propose(struct engine *e, uint64_t gid, struct arena *a,
		    struct doc *command, uint64_t timeout_ms, engine_done done,
		    void *arg);
/* The same for what only the leader that decides it may bring about: it is
 * never forwarded, and given up with the leadership. Who led next may have
 * decided otherwise by the time at which it came. */
void engine_propose_led(struct engine *e, uint64_t gid, struct arena *a,
			struct doc *command, uint64_t timeout_ms,
			engine_done done, void *arg);
/* Linearizable read: calls back with 0 once this member's state includes
 * everything that was committed when it was asked. Nothing is written. */
void engine_read(struct engine *e, uint64_t gid, uint64_t timeout_ms,
		 engine_done done, void *arg);

/* -- driving it -------------------------------------------------------- */

void engine_recv(struct engine *e, uint64_t now_ms, uint64_t gid, uint64_t from,
		 const struct doc *msg);
void engine_tick(struct engine *e, uint64_t now_ms);
/* When engine_tick() is due next (absolute, UINT64_MAX: never). */
uint64_t engine_next_ms(const struct engine *e);
/* The end of a turn; call it after every batch of events. */
void engine_turn(struct engine *e, uint64_t now_ms);

/* Table 0 of every group in the db is the engine's own. */
#define ENGINE_TABLE 0
