/*
 * internal - the agent's parts and what they share. One file per part; each
 * part's functions begin with its name.
 */
#pragma once

/* The default's fall-throughs are not marked for compilers. */
#define HASH_FUNCTION(key, len, hash) HASH_FNV(key, len, hash)
#include <uthash.h>

#include "cluster/agent/agent.h"
#include "fsm/op/op.h"
#include "fsm/plan/copies.h"
#include "fsm/plan/orchestrate.h"
#include "fsm/plan/reconcile.h"
#include "fsm/state/state.h"

/* Timings of the cluster group: its leader grants the leases, so it must be
 * replaced well within one (docs/decisions/leases.md). */
#define CLUSTER_HEARTBEAT_MS 80
#define CLUSTER_ELECTION_MS  350
#define SERVICE_HEARTBEAT_MS 500
#define SERVICE_ELECTION_MS  2000
#define PROPOSE_TIMEOUT_MS   10000
#define PROBE_EVERY_MS	     3000
#define AGENT_TIMEOUT_MS     20000 /* for the agent in a container to answer */
#define WATCH_MS	     10000
#define OLD_MS		     15000 /* a probe gives up after 10 s */

#define MAX_GROUPS 4096 /* looked at */
/* A name of a thing in one of the lists below. */
#define NAME_MAX_LEN 255

/* -- lease ------------------------------------------------------------- */

struct lease_grantee {
	uint64_t node;
	uint64_t last_ms;    /* of the last grant */
	uint64_t lost_epoch; /* proposed as lost: grants no more at this one */
	uint64_t asked_ms;   /* when its state was last proposed */
	/* disarm.c: when its word on that was proposed; when it was last given
	 * a long lease by us, and until when the longest lasts; the last disarm
	 * that it has called over. */
	uint64_t said_ms, long_ms, long_until_ms, over;
	bool knows_disarm; /* its version does */
};

/* The last time for which the cluster was disarmed (disarm.c). */
struct disarm {
	uint64_t n; /* 0: it never was */
	bool on;
	uint64_t until_ms, bound_ms;
	bool ours;     /* agreed on while this node led, with none left over */
	uint64_t over; /* node: up to this one they are over */
	uint64_t asked_ms;
};

struct lease {
	uint64_t until_ms, epoch;    /* ours; epoch 0: never had one */
	uint64_t ms;		     /* how long one is */
	uint64_t saved_ms, grace_ms; /* until_ms as found at the start; until
					when a fresh answer is waited for */
	uint64_t next_renew_ms;
	uint64_t asked_ms; /* when that was asked for which we have */
	uint64_t heard_ms; /* the same, or when this agent began */
	uint64_t disarm_n; /* it is a long one, of that disarm; 0: it is none */
	uint64_t next_judge_ms; /* of the containers here */
	uint64_t host_epoch;	/* in a container: of who has granted it */
	/* As leader of the cluster group: */
	uint64_t leader_since_ms;
	struct lease_grantee *grantees;
	size_t n, cap;
};

void lease_refresh(struct agent *g); /* lease.ms, from the state */
/* May instances of @epoch run here now? */
enum lease_right {
	LEASE_RUN,
	LEASE_ASK,  /* not known yet: start nothing, stop nothing */
	LEASE_NONE, /* what runs must be stopped */
};
enum lease_right lease_right(const struct agent *g, uint64_t epoch);
/* What an earlier run of this agent saved in this session. */
void lease_init(struct agent *g, uint64_t until_ms, uint64_t epoch);
void lease_tick(struct agent *g);
uint64_t lease_next_ms(const struct agent *g);
void lease_recv_renew(struct agent *g, uint64_t peer, struct arena *a,
		      const struct doc *frame);
void lease_recv_grant(struct agent *g, const struct doc *frame);
/* An answer to what was asked at @asked_ms. */
void lease_take(struct agent *g, uint64_t asked_ms, uint64_t duration,
		uint64_t epoch, uint64_t disarm_n);
/* For clocks that differ in speed. */
uint64_t lease_margin_ms(uint64_t lease);
void lease_free(struct agent *g);

/* -- disarm ------------------------------------------------------------- */

/* The cluster's row may be another one. */
void disarm_refresh(struct agent *g, const struct doc *cluster, bool at_start);
uint64_t disarm_left_ms(const struct agent *g);
/* Node: what it says with a renewal; may it take a lease of disarm @n? */
void disarm_put_renew(const struct agent *g, struct arena *a, struct doc *ask);
bool disarm_may_take(const struct agent *g, uint64_t n);
/* Leader: what a node has said; how long a lease it is given; may it have a
 * long one, though it is not heard of? @since: when others granted last. */
void disarm_heard(struct agent *g, struct arena *a, const struct doc *row,
		  struct lease_grantee *l, const struct doc *ask);
uint64_t disarm_grant(struct agent *g, struct lease_grantee *l, uint64_t lease,
		      uint64_t *ret_n);
bool disarm_may_hold(const struct agent *g, const struct doc *row,
		     const struct lease_grantee *l, uint64_t since);
void disarm_judge(struct agent *g, struct arena *a);

/* It is over, by this node's own word: it runs nothing. */
void lease_end(struct agent *g);

/* Those of containers (encap_lease.c). */
struct channel;
struct instance_run;
void encap_lease_open(struct agent *g);
void encap_lease_tick(struct agent *g);
uint64_t encap_lease_next_ms(const struct agent *g);
void encap_lease_recv_renew(struct agent *g, struct channel *c, struct arena *a,
			    const struct doc *frame);
void encap_lease_recv_grant(struct agent *g, const struct doc *frame);
enum lease_right encap_lease_right(const struct agent *g,
				   const struct instance_run *run);

/* -- member ------------------------------------------------------------ */

/* As leader: have the list of members be as the rows of the nodes say. */
void member_list(struct agent *g, const struct state *s,
		 const struct doc *nodes, const struct engine_info *info);
/* A node that leaves: is it time? */
void member_step(struct agent *g);
/* Rows of those who have left stay, for their epochs: is this one of them? */
bool member_has_left(const struct doc *row);
/* It is to leave. */
bool member_leaves(const struct doc *row);
/* The rows of those who have not. */
struct doc *member_rows(struct arena *a, const struct doc *nodes);
void member_free(struct agent *g);

/* -- witness ----------------------------------------------------------- */

bool witness_row(const struct doc *row);
/* As the engine has it, of a node's row. */
const char *witness_address(struct arena *a, const struct doc *row);
/* engine_io.seal and .open */
struct doc *witness_on_seal(void *ctx, struct arena *a, uint64_t gid,
			    uint64_t index, uint64_t term, const void *data,
			    size_t len);
bool witness_on_open(void *ctx, struct arena *a, uint64_t gid, uint64_t index,
		     uint64_t term, void **data, size_t *len);
/* As leader: tell witnesses who the nodes are. */
void witness_tell(struct agent *g, const struct doc *nodes);
/* @peer speaks of a group that may not be here. */
void witness_expects(struct agent *g, uint64_t peer, uint64_t gid);
/* True: it was for a witness, or a witness has no use for it. */
bool witness_recv(struct agent *g, const char *k, const struct doc *frame);

/* -- version ----------------------------------------------------------- */

/* Before a command is applied: this agent may be too old to go on. */
void version_before(struct agent *g, uint64_t gid, const struct doc *command);
/* Is what is here too new for this agent? */
int version_check(struct agent *g, struct err *err);
/* Say what this one knows; as leader, activate what all know. */
void version_step(struct agent *g);

/* -- channel ----------------------------------------------------------- */

/* A container that this node hosts (or would): one per container resource
 * with an encap node. */
struct channel {
	struct channel *next; /* agent::channels */
	char *service, *rid, *name;
	uint64_t group, id, incarnation; /* of the member inside; id 0: none */
	bool up;			 /* the byte stream is there */
	bool welcomed;			 /* and its agent has its identity */
	bool asking;			 /* a check or a join is under way */
	bool wanted;			 /* of this turn's list */
	bool told_rest;			 /* that its host is in maintenance */
	bool told_emergency;		 /* and runs it without a majority */
	bool farmed; /* what runs in it could run in another container */
	uint64_t grant_ms, grant_id; /* of the last lease: when, to whom */
	uint64_t granted_ms; /* the same, but of one by this life; 0: none */
	uint64_t lost_epoch; /* declared over: grants no more */
	uint64_t lease_asked_ms;	/* when that was last proposed */
	uint64_t asked_token, asked_ms; /* its assignment, and since when it
					   could know that */
	uint64_t halt_token, halt_ms;	/* which it was told to halt, when */
	struct arena *status_arena;
	struct doc *status; /* the container's own instance document */
	char refused[128];  /* the reason that was logged last */
	char word[16];	    /* as in the instance's document, "channels" */
	int64_t since;	    /* ms since the epoch, of that word */
};

/* Where a container's member can be reached: through which hypervisor. */
struct route {
	uint64_t group, id, host;
};

/* Is it a container with an agent of ours? */
bool channel_is_for(const struct resource *r);
struct channel *channel_find(struct agent *g, const char *service,
			     const char *rid);
/* The channels follow the services and their env files. */
void channel_sync(struct agent *g);
void channel_peer_up(struct agent *g, uint64_t peer);
void channel_peer_down(struct agent *g, uint64_t peer);
void channel_recv_route(struct agent *g, uint64_t peer,
			const struct doc *frame);
void channel_recv_check(struct agent *g, uint64_t peer, struct arena *a,
			const struct doc *frame);
void channel_recv_checked(struct agent *g, const struct doc *frame);
/* Deliver a frame for member @to of @group, wherever it is. */
bool channel_deliver(struct agent *g, uint64_t group, uint64_t to,
		     struct arena *a, struct doc *frame);
void channel_tick(struct agent *g);
void channel_free(struct agent *g);
/* Tell the agents in containers whether this node is in maintenance, and which
 * of them are started in an emergency. */
void channel_tell_words(struct agent *g, bool rests);
/* Tell the agent in a container to stop what it runs for this assignment. */
void channel_halt(struct agent *g, struct channel *c, uint64_t token);
/* In a container: tell the host what we have. */
void channel_tell_status(struct agent *g, const struct doc *status);

/* -- instance ----------------------------------------------------------- */

struct task_copy { /* of a sync: when a node got its last one */
	struct task_copy *next;
	int64_t at_ms; /* since the epoch */
	char node[];
};

/* A resource that is run now and then; it outlives an edit. */
struct task {
	struct task *next; /* instance_run::tasks */
	char *rid;
	bool running, ending;
	bool by_order;	    /* the run that is under way */
	bool ran;	    /* then: */
	int64_t at_ms;	    /* since the epoch: when its last run began */
	int code;	    /* and how that ended; < 0: not at all */
	uint64_t act;	    /* the last order that was carried out */
	uint64_t next_ms;   /* by its schedule; 0: not worked out */
	bool planned_act;   /* that was for an instance that is up */
	uint64_t end_token; /* of the assignment for which it was ended */
	struct task_copy *copies;
	enum copies which; /* the run that is under way, of a sync */
};

enum local { LOCAL_NOT, LOCAL_STOP, LOCAL_START };

/*
 * One service on this node: probe, reconcile, act, probe again, ... and a
 * document of what is there, proposed when it changes. At most one operation
 * (of a parallel subset, one for each) and one kill are under way.
 */
struct instance_run {
	struct instance_run *next; /* agent::instances */
	UT_hash_handle hh;	   /* agent::by_service, unless gone */
	char *service;
	uint64_t group;
	bool wanted; /* of this turn's list */
	bool gone;   /* no longer ours: freed when nothing is under way */

	char rev[65]; /* of what is evaluated below; "" if none */
	struct arena *conf_arena;
	struct instance inst;

	/* From the group's state: */
	uint64_t version; /* of the service's row when it was last looked at */
	char head[65];
	enum want want;		     /* of this node */
	uint64_t token, epoch;	     /* of the assignment; 0 if none */
	char host[NAME_MAX_LEN + 1]; /* in a container: who grants the lease */
	uint64_t host_epoch;	     /* that it needs, and in which epoch */
	bool frozen;		     /* the service, or this node */
	bool rests;		     /* it is in maintenance */
	enum local local; /* what a person asked of this node alone */
	uint64_t local_asked_ms;
	bool alone;		      /* its assignment: no other node has it */
	char up_on[NAME_MAX_LEN + 1]; /* another node that is to run it */
	bool seen_own_doc;
	bool adopting; /* what that said was not yet compared with a probe */

	unsigned busy; /* jobs under way */
	bool probing, killing;
	unsigned acting; /* operations under way: of a parallel subset, many */
	bool probed;	 /* a probe came back: reconcile */
	bool poked;	 /* look again now */
	bool was_kill;	 /* it had no right to run when last looked at */
	uint64_t next_probe_ms;
	uint64_t probe_token;	  /* the assignment when it was begun */
	uint64_t probe_begun_ms;  /* the one under way, or the last one */
	uint64_t probed_begun_ms; /* that of which there is a result */
	struct arena *probe_arena;
	struct probe *probes; /* NULL: never probed */
	uint64_t *up_since;   /* per resource, ms; 0: not up */

	struct recon_memory *memory; /* per resource */
	struct recon_hooks *hooks;   /* per scope */
	uint64_t memory_token;
	bool was_up;
	char word[32], wait[256], error[400], running[256];
	/* Encap level: the host rolls the start of this assignment back. */
	uint64_t halt_token;
	bool halted;	 /* what the memory is of */
	bool asked_once; /* somebody has asked for the service */

	struct task *tasks; /* that have run, or may */

	/* A start that failed is tried again (retry.c). */
	uint64_t retry_token; /* of the assignment that is counted for */
	unsigned retries;
	uint64_t start_again_ms; /* 0: none is to come */

	/* A monitored resource that stays down: which; "": none. */
	char monitor[256];
	uint64_t monitor_ms; /* when something is done about it again */
	bool switching;	     /* it is to run elsewhere */

	/* What a person asked of some resources alone (fsm/plan/order.h). */
	struct arena *order_arena;
	struct doc *order; /* what counts now, or NULL */
	enum hold *holds;  /* per resource */
	uint64_t *hold_acts;
	uint64_t act;	   /* the last of it */
	uint64_t act_done; /* that was carried out, or has failed */
	char act_error[400];

	/* What the guard takes away of it; NULL: has to be looked at. */
	bool guarded; /* it is in the list that the guard has */
	struct arena *guard_arena;
	const char *guard_list;
	size_t guard_len;

	bool moved;	   /* the document may be another one than the last */
	uint64_t n;	   /* of the last document */
	bool observing;	   /* a proposal is under way */
	uint64_t retry_ms; /* not before */
	struct arena *doc_arena;
	struct doc *doc;  /* as last committed, without "n" */
	struct doc *told; /* encap level: as last told to the host */
	struct arena *told_arena;
};

/* What an assignment (NULL: none) wants. */
enum want instance_want(const struct doc *assign);
void instance_sync(struct agent *g); /* one for each service of this node */
void instance_sync_one(struct agent *g, const char *service);
void instance_step_all(struct agent *g);
uint64_t instance_next_ms(const struct agent *g);
void instance_free(struct agent *g);
unsigned instance_busy(const struct agent *g);
/* In a container: another host, or the same anew, knows nothing yet. */
void instance_tell_again(struct agent *g);
const struct instance_run *instance_of(struct agent *g, const char *service);
/* May it run what it is assigned, by its lease? */
enum lease_right instance_right(const struct agent *g,
				const struct instance_run *run);
/* Something about the containers changed: look again. */
void instance_poke(struct agent *g, const char *service);
/* In a container: the host takes back the start of this assignment. */
void instance_halt(struct agent *g, uint64_t token);
/* job.c: begin work on a worker; the run's busy flags are set. */
void job_probe(struct agent *g, struct instance_run *run);
void job_act(struct agent *g, struct instance_run *run,
	     const struct recon_action *acts, size_t n);
void job_kill(struct agent *g, struct instance_run *run,
	      const struct recon_action *acts, size_t n);
/* Run pre_monitor_action, then monitor_act(). */
void job_before_monitor(struct agent *g, struct instance_run *run,
			const char *command);
/* Run a task, end what is left of it; beside all other operations. */
void job_task(struct agent *g, struct instance_run *run, size_t res,
	      struct task *t);
void job_task_end(struct agent *g, struct instance_run *run, size_t res,
		  struct task *t, bool kill);
/* copy.c: what a sync has to know, on @a, which may outlive the env file; of a
 * run that is under way, where the others' agents are, too. */
struct job_copy *copy_of(struct agent *g, struct arena *a,
			 const struct instance_run *run,
			 const struct resource *r, const struct task *t);
/* Its run has ended: which nodes got one. */
void copy_done(struct task *t, const struct job_copy *c);
void copy_take(struct task *t, const struct doc *row);
void copy_put(struct arena *a, const struct task *t, struct doc *row);
void copy_free(struct task *t);
/* task.c */
/* Where the instance is up, and may run them. */
bool tasks_may_run(const struct agent *g, const struct instance_run *run);
struct task *task_find(const struct instance_run *run, const char *rid);
void tasks_take(struct instance_run *run, const struct doc *doc, bool own);
void tasks_put(struct arena *a, const struct instance_run *run, struct doc *d);
/* Run what is due. */
void tasks_step(struct agent *g, struct instance_run *run);
/* Is one that somebody has asked for not done yet? */
bool tasks_pending(const struct instance_run *run);
/* Before it goes down, end those that run; true while some are left. */
bool tasks_end(struct agent *g, struct instance_run *run, bool kill);
void tasks_free(struct instance_run *run);
/* retry.c: where @out is a start that failed, and that is tried again, it is
 * made into a wait for that. */
void retry_step(struct agent *g, struct instance_run *run, struct arena *a,
		struct recon_out *out);
/* local.c: @saved: from the last run. */
void local_open(struct agent *g, const struct doc *saved);
void local_free(struct agent *g);
enum local local_word(const struct agent *g, const struct instance_run *run);
/* A start that the cluster has agreed on by now. */
bool local_is_agreed(const struct agent *g, const struct instance_run *run);
enum lease_right local_right(const struct agent *g,
			     const struct instance_run *run);
void local_take(const struct agent *g, struct instance_run *run);
void local_step(struct agent *g, struct instance_run *run);
/* No leader, and none has granted a lease for as long as one lasts. */
bool local_is_cut_off(const struct agent *g, uint64_t gid);
/* "stop" or "start", from now on. */
void local_ask(struct agent *g, const struct instance_run *run,
	       const char *word, const struct doc *by);
/* upkeep.c */
bool upkeep_node_rests(struct agent *g, struct arena *a, struct txn *t);
void upkeep_take(struct instance_run *run, const struct doc *row,
		 bool node_rests);
void upkeep_rest(const struct agent *g, struct instance_run *run);
/* As leader: is the time of this node's drain over? */
void upkeep_judge_drain(struct agent *g, struct arena *a,
			const struct doc *row);
bool upkeep_drains_now(const struct doc *node);
/* What is still on a node that is being drained, and why, into its row. */
void upkeep_put_drain(struct agent *g, struct txn *t, struct arena *a,
		      const struct doc *nodes, struct doc *node);
/* Is the whole cluster in maintenance? */
bool upkeep_of_all(struct txn *t, struct arena *a);
/* monitor.c: @what stays down, or NULL. */
void monitor_step(struct agent *g, struct instance_run *run, const char *what);
void monitor_act(struct agent *g, struct instance_run *run);
/* observe.c: the document, and its way into the log. */
void observe_step(struct agent *g, struct instance_run *run);
/* What was found last, in the log or not; NULL if nothing was. */
struct doc *observe_now(struct agent *g, struct arena *a, const char *service);
void observe_late(struct agent *g, struct instance_run *run);

/* -- head ------------------------------------------------------------ */

struct head {
	UT_hash_handle hh; /* agent::heads */
	char *service;
	char rev[65];
	bool wanted;	 /* of this turn's look */
	bool takes_part; /* the env file names this node, at its level */
	struct arena *drafts_arena;
	const struct doc *drafts; /* that lie here; NULL: none */
	int64_t waits_at;	  /* an edit of the file is not agreed since */
	char *waits_why;	  /* NULL: there is none */
};

/* A look at all services: begin, each of them (@row: its own, NULL while its
 * group has not brought it), end. head_see() gives NULL for one whose head is
 * not known. */
void head_begin(struct agent *g);
const struct head *head_see(struct agent *g, const struct state *s,
			    const char *service, const struct doc *row);
void head_end(struct agent *g);
const struct doc *head_drafts(struct agent *g, const char *service);
/* {node, since, age_ms, why} of an edit that waits here, on @a; NULL if none
 * does. */
struct doc *head_waits(struct agent *g, struct arena *a, const char *service);
void head_free(struct agent *g);

/* -- recover ---------------------------------------------------------- */

void recover_recv_look(struct agent *g, uint64_t peer, struct arena *a);
void recover_recv_looked(struct agent *g, uint64_t peer,
			 const struct doc *frame);
void recover_free(struct agent *g);

/* -- secret ----------------------------------------------------------- */

/* The key of a service's secrets; -ENOKEY with the reason if it is not here. */
int secret_service_key(struct agent *g, const char *service,
		       struct seal_key *ret, struct err *err);
/* In a container: as its host has told it. */
void secret_keep_key(struct agent *g, const struct doc *welcome);
/* "VARIABLE=value" for each word VARIABLE=KEY of the keyword
 * secrets_environment, a list on @a that ends with NULL; NULL if it has none.
 * What is missing is named in @err, and the rest is there. */
const char *const *secret_words(struct agent *g, struct arena *a,
				const char *service, uint64_t gid,
				const struct resource *r, struct err *err);
void secret_free(struct agent *g);

/* -- guard ------------------------------------------------------------ */

/* Told what to take away, when that or the lease has changed. */
void guard_step(struct agent *g);
/* What is there of @run was looked at. */
void guard_probed(struct agent *g, const struct instance_run *run);
/* What it takes away of @run may be something else now. */
void guard_forget(struct instance_run *run);
void guard_free(struct agent *g);

/* -- groups -------------------------------------------------------------- */

void groups_sync(struct agent *g); /* those of the index; members of ours */
/* Those of the cluster's group that vote, as a list of {id, name}, without
 * witnesses: who a group begins with. */
struct doc *groups_voters(struct agent *g, struct arena *a);
/* Be an empty member of a service's group. */
int groups_join(struct agent *g, uint64_t gid, struct err *err);
/* The env file of a service as it is agreed, on the state's arena; NULL if it
 * is not here. */
struct conf *groups_head_conf(struct agent *g, const struct state *s,
			      const char *service);
/* And what it says of the service as a whole; NULL too if it cannot be
 * evaluated. */
struct conf *groups_head_service(struct agent *g, const struct state *s,
				 const char *service, struct service_conf *ret);

/* -- orch ---------------------------------------------------------------- */

/* Decide on one service, or on all, where something has changed. */
void orch_service(struct agent *g, uint64_t gid, const char *service);
void orch_all(struct agent *g);
void orch_free(struct agent *g);
/* The rows of the cluster's nodes as it sees them. */
struct orch_node *orch_nodes(struct arena *a, const struct doc *nodes);
/* What the orchestrator would look at, for `status`, too. */
void orch_inputs(struct agent *g, const struct state *s, const char *name,
		 const struct doc *row, const struct doc *nodes,
		 const struct conf *file, const struct service_conf *sc,
		 struct orch_in *ret);

/* -- requests ------------------------------------------------------------ */

void request_watch_step(struct agent *g);
void request_free(struct agent *g);
struct doc *request_answer(struct arena *a, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
struct doc *query_group(struct agent *g, struct arena *a, uint64_t gid);
struct doc *query_status(struct agent *g, struct arena *a, struct txn *t,
			 const char *service, bool brief);
struct doc *query_services(struct agent *g, struct arena *a, struct txn *t);
struct doc *query_nodes(struct agent *g, struct arena *a, struct txn *t);
struct doc *query_cluster(struct agent *g, struct arena *a, struct txn *t);
struct doc *query_events(struct agent *g, struct arena *a, struct txn *t,
			 const struct doc *cursor, const char *service,
			 size_t limit);

/* -- the whole ----------------------------------------------------------- */

struct group_seen { /* what was last looked at, per group */
	uint64_t gid, applied;
	bool told; /* what the commands now being applied change is noted */
	/* A hypervisor: all is here that was agreed on before this agent
	 * began. */
	bool current, asking;
};

struct touched { /* a service of which something has changed */
	uint64_t gid;
	char service[NAME_MAX_LEN + 1];
};

struct agent {
	struct agent_io io;
	struct engine *engine;
	struct db *db;
	char *node, *run_dir, *etc_dir, *session;
	uint64_t now_ms;

	struct arena *keywords_arena;
	struct keywords *keywords; /* shared by all files that are evaluated */
	struct arena *identity_arena;
	struct doc *identity; /* NULL before it is a member */
	enum level level;
	uint64_t self;	/* member id: of the cluster, or of our group */
	uint64_t group; /* CLUSTER_GROUP, or the container's own */
	char *service;	/* encap level: ours */

	struct lease lease;
	struct disarm disarm;
	char grantor[33]; /* this life of the agent, as who grants leases */
	bool named;	  /* and the next life will know that name */
	bool has_declared; /* that one is over; not all of that is settled */
	struct member_seen *members;
	size_t n_members, cap_members;
	uint64_t members_term;	/* of these */
	bool witness;		/* this node only votes */
	uint64_t spoke_ms;	/* when it last said which version it knows */
	uint64_t told_peers_ms; /* when witnesses were told of the nodes */
	bool left; /* this node has emptied itself: it runs nothing any more */
	uint64_t leave_ms; /* when it last said so */
	struct channel *channels;
	struct route *routes;
	size_t n_routes, cap_routes;
	bool host_up, host_welcomed; /* encap level: the channel out */
	bool host_rests;	     /* and its host is in maintenance */
	bool host_emergency;	     /* and runs it without a majority */
	struct arena *locals_arena;
	struct doc *locals;	  /* {service: order}, see local.c */
	uint64_t upkeep_asked_ms; /* when something of it was proposed */
	char host_refused[128];	  /* the reason that was logged last */
	char *host;		  /* who hosts us */
	uint64_t host_lost_ms;	  /* when that was last so */
	bool synced;		  /* encap level: state is current */
	bool sync_asked;
	uint64_t hello_ms;

	bool has_secret_key;
	struct seal_key secret_key; /* the cluster's; encap level: our
				       service's */

	struct {
		bool stale; /* what is guarded has to be looked at */
		uint64_t until_ms;
		struct arena *arena; /* of the list */
		const char *list;
		size_t len;
	} guard;

	struct fences *fences;
	struct instance_run *instances, *by_service;
	struct orch_memo *memos;
	struct head *heads;
	struct looked *looked;
	struct watch *watches;
	struct joining *joinings;
	struct group_seen *seen;
	size_t n_seen, cap_seen;

	bool dirty;		 /* look at everything */
	struct touched *touched; /* or else at these alone */
	size_t n_touched, cap_touched;
	bool news;	  /* something was applied: for those who watch */
	bool reloaded;	  /* an instance has another env file */
	uint64_t slow_ms; /* next time to look at everything */
	unsigned pending; /* proposals whose answer is awaited */
	bool closing;
	struct peer_up {
		uint64_t id;
		bool up;
	} * peers;
	size_t n_peers, cap_peers;
};

/* The group that a service lives in; 0 if there is none of that name. */
uint64_t agent_service_group(struct agent *g, struct arena *a, struct txn *t,
			     const char *service);
/* The env file that @text is, which was validated when it was agreed; NULL if
 * another version did. */
struct conf *agent_conf(const struct agent *g, struct arena *a,
			const char *text);
struct group_seen *agent_seen(struct agent *g, uint64_t gid);
/* Look at this service at the end of the turn. */
void agent_touch(struct agent *g, uint64_t gid, const char *service);
void agent_log(struct agent *g, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A command by this node, with its author filled in. */
struct doc *agent_command(struct agent *g, struct arena *a, const char *op,
			  const struct doc *by);
/* Propose and forget, but for a line in the log when it is refused. */
void agent_propose(struct agent *g, uint64_t gid, struct arena *a,
		   struct doc *cmd);
/* The same, given up with the leadership (engine_propose_led()). */
void agent_propose_led(struct agent *g, uint64_t gid, struct arena *a,
		       struct doc *cmd);
/* Propose an event of a service, "action" or "draft"; @rid NULL: of all of it.
 */
void agent_event(struct agent *g, uint64_t gid, const char *kind,
		 const char *service, const char *rid, const char *text);
int agent_identity_set(struct agent *g, const struct doc *id, struct err *err);
bool agent_peer_is_up(const struct agent *g, uint64_t peer);
/* A frame of kind @k. */
struct doc *agent_frame(struct arena *a, const char *k);
/* Grow @at to hold one more; aborts out of memory. */
void *agent_grow(void *at, size_t n, size_t *cap, size_t size);
char *agent_strdup(const char *text);
