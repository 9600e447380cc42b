/*
 * state - the tables of a group, and the documents in them.
 *
 * Both kinds of group have the same tables; a service group has one service
 * and no nodes. All values are docs (msgpack maps). Keys are text; numbers in
 * keys are big-endian so that byte order is number order.
 *
 *  CLUSTER  ""            {name, id, lease_ms, voter_grace_ms, created,
 *                          config (fsm/conf/fence.h), config_n}
 *  NODE     id (8 bytes)  {id, name, addresses[], state joining|up|lost|left,
 *                          epoch, frozen, since, labels{}, cert (its
 *                          certificate's SHA-256), leaving, gone, witness,
 *                          speaks (the version of the state that it knows),
 *                          protection, and what fsm/op/fence.c puts there}
 *  TOKEN    sha256 hex    {expires, used}
 *  SERVICE  name          {name, head, intent{want started|stopped|restart,
 *                          want_seq, node, encap started|stopped, encap_seq,
 *                          slaves{container: {want, seq}}, seq, by, at},
 *                          frozen, version, token, revisions, oldest, created}
 *           or, in the index of the cluster's group:
 *                         {name, group, voters[{id,name}], config, created}
 *  REVISION name 0 rev    {rev, parents[], config, at, author{user,node,level,
 *                          tool}, comment, n}; see fsm/state/revision.h
 *  DRAFT    name 0 id     {id, name, kind, text, base, head, at, by{user, node,
 *                          level, tool}, where, why, conflicts[], problems[]}
 *  ASSIGN   name 0 node   {node, level, want up|down, epoch, token, seq, lost,
 *                          failed, why, at}
 *  INSTANCE name 0 node   the instance document (fsm/status/status.h) + at
 *  ORDER    name 0 node   what a person asked of some resources there alone
 *                         (fsm/plan/order.h)
 *  MEMBER   name          {name, id, incarnation, level, speaks}
 *  HISTORY  name 0 n      the n-th revision's id (n: 8 bytes)
 *  SEEN     client id     {floor}; sq below floor are settled
 *           client 0 sq   the result of a command that may be retried
 *           n (8 bytes)   the n-th client's id
 *  EVENT    seq (8 bytes) {seq, at, node, service, level, kind, text, rid, by}
 *  SECRET   name 0 key    {sealed (cluster/net/seal.h), at, by}
 *  AUDIT    seq (8 bytes) a record; "": the anchor (fsm/state/audit.h)
 *  COUNTER  name          number; "version": of the state, that is active
 */
#pragma once

#include "fsm/base/doc.h"
#include "store/db.h"

enum table {
	TABLE_CLUSTER = 'C',
	TABLE_NODE = 'N',
	TABLE_TOKEN = 'K',
	TABLE_SERVICE = 'S',
	TABLE_REVISION = 'R',
	TABLE_ASSIGN = 'A',
	TABLE_INSTANCE = 'I',
	TABLE_ORDER = 'O',
	TABLE_MEMBER = 'M',
	TABLE_HISTORY = 'H',
	TABLE_TEXT = 'T',
	TABLE_DRAFT = 'F',
	TABLE_SEEN = 'D',
	TABLE_EVENT = 'E',
	TABLE_SECRET = 'X',
	TABLE_AUDIT = 'L',
	TABLE_COUNTER = 'Z',
};

#define CLUSTER_GROUP	  1
#define STATE_EVENTS_KEPT 4096 /* per group */
/* Of a service: whichever is less, but always the head and what a draft
 * names. */
#define STATE_REVISIONS_KEPT 1000
#define STATE_HISTORY_MS     (400 * 24 * 3600 * 1000LL)

/* A view of one group within a transaction; all docs come out on @arena. */
struct state {
	struct txn *txn;
	uint64_t group;
	struct arena *arena;
};

/* NULL where there is no such row. */
struct doc *state_cluster(const struct state *s);
struct doc *state_node(const struct state *s, uint64_t id);
struct doc *state_node_named(const struct state *s, const char *name);
struct doc *state_service(const struct state *s, const char *name);
/* The text of a revision as a NUL-terminated string in "config". */
struct doc *state_revision(const struct state *s, const char *service,
			   const char *rev);
/* Without their texts, the newest first, at most @max; @before: only those
 * whose n is below (0: all). */
struct doc *state_history(const struct state *s, const char *service,
			  uint64_t before, size_t max);
/* The id that a person's @word means: "head", "head~3" (by n), the number of
 * one ("#12"), or its first digits (four or more). NULL, with what is wrong
 * with it in @err: -ENOENT, -EINVAL, or -EEXIST where it means several. */
const char *state_revision_named(const struct state *s, const char *service,
				 const char *word, struct err *err);
struct doc *state_draft(const struct state *s, const char *service,
			const char *id);
/* With their texts, by service and id; @service NULL: all of the group. */
struct doc *state_drafts(const struct state *s, const char *service);
struct doc *state_assign(const struct state *s, const char *service,
			 const char *node);
struct doc *state_instance(const struct state *s, const char *service,
			   const char *node);
struct doc *state_order(const struct state *s, const char *service,
			const char *node);
struct doc *state_member(const struct state *s, const char *name);

/* Lists in key order. */
struct doc *state_nodes(const struct state *s);
struct doc *state_services(const struct state *s);
/* Maps {node: row}. */
struct doc *state_assigns(const struct state *s, const char *service);
struct doc *state_instances(const struct state *s, const char *service);
struct doc *state_orders(const struct state *s, const char *service);
struct doc *state_secrets(const struct state *s, const char *service);
struct doc *state_members(const struct state *s);
/* Events after @after (exclusive), oldest first, at most @max. */
struct doc *state_events(const struct state *s, uint64_t after, size_t max);

/* The parts of a key, joined by a NUL where there are both; and a number
 * behind them (8 bytes, big-endian) where there is one. */
struct state_key {
	unsigned char bytes[480];
	size_t len;
};
struct state_key state_key(const char *part, const char *part2);
struct state_key state_key_num(const char *part, uint64_t num);
/* False if the parts are too long for a row: nothing is found under it, and
 * nothing may be put. */
bool state_key_fits(const struct state_key *k);

/* Rows, for fsm/op. */
struct doc *state_row(const struct state *s, enum table t,
		      const struct state_key *k);
void state_put(const struct state *s, enum table t, const struct state_key *k,
	       const struct doc *row);
void state_del(const struct state *s, enum table t, const struct state_key *k);
/* Counters start at 0; state_next() gives 1 first. */
uint64_t state_counter(const struct state *s, const char *name);
uint64_t state_next(const struct state *s, const char *name); /* after ++ */
