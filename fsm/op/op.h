/*
 * op - what can be committed, one row per kind of command.
 *
 *     command (a doc from the log) ──op_apply──▶ rows of the group's tables
 *                                        └─────▶ result for who proposed it
 *
 * The one place where replicated state changes. Applying is total and the same
 * on every member: no clock, no chance, no identity but what the command
 * carries; a command that does not fit the state any more, or that this
 * version does not know, changes nothing and says so in its result.
 *
 * Every command: {"op": name, "v": version, "at": ms since the epoch at its
 * proposer, "cl": client id, "sq": sequence number, "ak": all of the client's
 * commands below this one are settled, "by": {user, node, level, tool}, ...}.
 * A command that comes again (same cl and sq) is answered from the recorded
 * result and not applied. One with "plan" is never proposed: it is applied to a
 * transaction that is given up, and its answer promises nothing.
 *
 * A result: {"code": 0 or an exit code of encap, "err": sentence, ...}.
 *
 * Edits (docs/decisions/merge.md). svc_edit, svc_revert and svc_resolve give
 *   0  {rev: the head now, merged: true and edit: the revision of the text
 *      as it came, if the head is a merge of it; same: true if there was
 *      nothing to change}
 *   4  {base, head, draft: the id under which the text was kept,
 *      kept: false and why_not if it was not, conflicts[{key, base?, ours?,
 *      theirs?, by, at (who gave ours its value, when), rev}], problems[]
 *      (of both together), ours{rev, by, at}, theirs{by, at}}
 * A command of version 1, or one with "strict", must be based on the head and
 * leaves no draft.
 *   draft_add   kind invalid (an edit that was refused for what it holds),
 *               conflict or offer (of a new service, in the cluster's group);
 *               gives {draft}. The same text from the same place again gives
 *               the id that it has. "where": the path on the node.
 *   draft_drop  gives {}.
 *   svc_resolve take ours (the draft's other changes are made), theirs (and
 *               where both changed a value, the draft's counts), or text (an
 *               edit based on base); then the draft is dropped.
 */
#pragma once

#include "fsm/base/doc.h"
#include "fsm/state/state.h"

#define OP_VERSION 2

/* Of the state machine as a whole, what this program knows; docs/decisions/
 * versions.md. A change of what a command does, of what an env file may hold,
 * or of how two are merged makes it another one, and asks for the active one
 * (op_env.version). */
#define STATE_VERSION 2

enum op_code {
	OP_OK = 0,
	OP_FAILED = 1,
	OP_USAGE = 2,
	OP_NOT_FOUND = 3,
	OP_CONFLICT = 4,
	OP_NO_QUORUM = 5,
	OP_TIMEOUT = 7,
};

struct op_env {
	const struct state *s;
	int64_t at;	      /* of the command */
	const struct doc *by; /* may be NULL */
	const struct doc *cmd;
	int version; /* that is active in this group */
};

struct op {
	const char *name;
	int version;	    /* as it is made now; older ones are understood */
	const char *fields; /* for people: what it carries */
	struct doc *(*apply)(const struct op_env *env, const struct doc *cmd);
};

extern const struct op op_table[]; /* ends with name == NULL */

struct doc *op_apply(struct arena *a, struct txn *t, uint64_t group,
		     const struct doc *cmd);

/* A new command, for its fields to be put. @by may be NULL. */
struct doc *op_new(struct arena *a, const char *name, int64_t at,
		   const struct doc *by);

/* The id of a revision: SHA-256 (FIPS 180-4) over a version word, its parents'
 * ids and its content; 64 hex digits on @a. */
const char *op_revision_id(struct arena *a, const struct doc *parents,
			   const char *config, size_t len);

/* Shared by the files of this folder. */
struct doc *op_result(const struct op_env *env, enum op_code code,
		      const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* What happened, for people: an event; and, but for kind "state", a record of
 * the audit log. */
void op_event(const struct op_env *env, const char *kind, const char *service,
	      const char *node, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* A record alone. */
void op_audit(const struct op_env *env, const char *kind, const char *service,
	      const char *node, const char *text);

/* cluster.c */
struct doc *op_cluster_init(const struct op_env *env, const struct doc *cmd);
struct doc *op_token_add(const struct op_env *env, const struct doc *cmd);
struct doc *op_node_join(const struct op_env *env, const struct doc *cmd);
struct doc *op_node_up(const struct op_env *env, const struct doc *cmd);
struct doc *op_node_lost(const struct op_env *env, const struct doc *cmd);
struct doc *op_node_freeze(const struct op_env *env, const struct doc *cmd);
/* fence.c */
struct doc *op_fence_ask(const struct op_env *env, const struct doc *cmd);
struct doc *op_fence_run(const struct op_env *env, const struct doc *cmd);
struct doc *op_fence_done(const struct op_env *env, const struct doc *cmd);
struct doc *op_fence_fail(const struct op_env *env, const struct doc *cmd);
struct doc *op_node_vouch(const struct op_env *env, const struct doc *cmd);
struct doc *op_node_says(const struct op_env *env, const struct doc *cmd);
struct doc *op_cluster_conf(const struct op_env *env, const struct doc *cmd);
/* Is the node of this row being fenced, so that it must get no lease? */
bool op_fence_bars(const struct doc *node);
/* Is @name, "fence#NODE", a section of the cluster's configuration? It can have
 * secrets, as a service can. */
bool op_fence_owner(const struct state *s, const char *name);
/* cluster.c */
struct doc *op_index_add(const struct op_env *env, const struct doc *cmd);
struct doc *op_index_del(const struct op_env *env, const struct doc *cmd);
/* Why the token whose secret has this SHA-256 lets nobody in; NULL where it is
 * good. */
const char *op_token_refused(const struct state *s, const char *hash,
			     int64_t at);
/* Was the service whose group this was deleted? */
bool op_group_gone(const struct state *s, uint64_t group);
/* version.c */
struct doc *op_version_speaks(const struct op_env *env, const struct doc *cmd);
struct doc *op_version_set(const struct op_env *env, const struct doc *cmd);
/* The active one; 1 where nobody has said. */
int op_version_active(const struct state *s);
/* What the member of this row, of a node or a container, knows. */
int64_t op_speaks(const struct doc *row);
/* The latest that all members of the group know, INT64_MAX if there are none,
 * and the first who knows no more. Of env only the state is looked at. */
int64_t op_version_of_all(const struct op_env *env, const char **ret_who);
/* With which version the command of that name came. */
int op_since(const char *op);
/* member.c */
struct doc *op_node_leaving(const struct op_env *env, const struct doc *cmd);
struct doc *op_node_left(const struct op_env *env, const struct doc *cmd);
struct doc *op_node_gone(const struct op_env *env, const struct doc *cmd);
struct doc *op_node_label(const struct op_env *env, const struct doc *cmd);
struct doc *op_cluster_set(const struct op_env *env, const struct doc *cmd);
/* service.c */
struct doc *op_svc_create(const struct op_env *env, const struct doc *cmd);
struct doc *op_svc_delete(const struct op_env *env, const struct doc *cmd);
struct doc *op_svc_intent(const struct op_env *env, const struct doc *cmd);
struct doc *op_svc_freeze(const struct op_env *env, const struct doc *cmd);
struct doc *op_assign(const struct op_env *env, const struct doc *cmd);
struct doc *op_observe(const struct op_env *env, const struct doc *cmd);
struct doc *op_member_join(const struct op_env *env, const struct doc *cmd);
/* container.c */
struct doc *op_member_up(const struct op_env *env, const struct doc *cmd);
struct doc *op_member_lost(const struct op_env *env, const struct doc *cmd);
struct doc *op_event_add(const struct op_env *env, const struct doc *cmd);
/* edit.c */
struct doc *op_svc_edit(const struct op_env *env, const struct doc *cmd);
struct doc *op_svc_revert(const struct op_env *env, const struct doc *cmd);
struct doc *op_svc_resolve(const struct op_env *env, const struct doc *cmd);
/* draft.c */
#define OP_DRAFTS_KEPT	64 /* of a service, and of a name that is offered */
#define OP_DRAFTS_BYTES (4 * 1024 * 1024) /* of these: their texts */
#define OP_OFFERS_KEPT	256		  /* drafts of the cluster, in all */
#define OP_OFFERS_BYTES (16 * 1024 * 1024)
struct doc *op_draft_add(const struct op_env *env, const struct doc *cmd);
struct doc *op_draft_drop(const struct op_env *env, const struct doc *cmd);
/* action.c */
struct doc *op_svc_act(const struct op_env *env, const struct doc *cmd);
/* restore.c */
struct doc *op_svc_restore(const struct op_env *env, const struct doc *cmd);
/* secret.c: of a service, or (version 2) of a fence device */
#define OP_SECRET_KEY_MAX 128
#define OP_SECRET_MAX	  (64 * 1024) /* bytes, before it is sealed */
struct doc *op_secret_set(const struct op_env *env, const struct doc *cmd);
struct doc *op_secret_unset(const struct op_env *env, const struct doc *cmd);
/* NULL, or why @key is no name for a secret. */
const char *op_secret_key_refused(const char *key);
/* disarm.c */
struct doc *op_cluster_disarm(const struct op_env *env, const struct doc *cmd);
struct doc *op_cluster_arm(const struct op_env *env, const struct doc *cmd);
struct doc *op_node_disarm(const struct op_env *env, const struct doc *cmd);
/* Has this node said that no lease of the last disarm is left with it? */
bool op_disarm_is_over(const struct doc *cluster, const struct doc *node);
/* local.c */
struct doc *op_svc_local(const struct op_env *env, const struct doc *cmd);
/* upkeep.c */
struct doc *op_svc_clear(const struct op_env *env, const struct doc *cmd);
struct doc *op_svc_maintenance(const struct op_env *env, const struct doc *cmd);
struct doc *op_maintenance(const struct op_env *env, const struct doc *cmd);
struct doc *op_node_drain(const struct op_env *env, const struct doc *cmd);
struct doc *op_node_drain_over(const struct op_env *env, const struct doc *cmd);
