/*
 * Committed entries into the database.
 *
 * What became committed in one turn, in all groups, shares one transaction;
 * the index that it brings a group to is written in it. Only entries that are
 * durable here are applied: the database may outlive this process while the
 * log's last writes do not, and must never be ahead of it. Results go to
 * their proposers after the commit, since the transaction may have to be
 * repeated (the map grew).
 *
 * An entry holds [1, command, ...], each command encoded by itself. What does
 * not decode is skipped, by every member alike; an entry of another version
 * stops this agent, which is then too old for its cluster.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/raft/internal.h"
#include "store/plant.h"

#define ENTRY_VERSION 1
#define KEY_APPLIED   "applied"
#define VALUE_SIZE    17 /* version, index, term */

static void put_u64(unsigned char *p, uint64_t n)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (unsigned char)(n >> (56 - 8 * i));
}

static uint64_t get_u64(const unsigned char *p)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < 8; i++)
		n = n << 8 | p[i];
	return n;
}

int apply_get(struct txn *t, uint64_t gid, uint64_t *ret_index,
	      uint64_t *ret_term)
{
	const unsigned char *p;
	struct bytes value;

	*ret_index = *ret_term = 0;
	if (!txn_get(t, gid, ENGINE_TABLE, bytes_of(KEY_APPLIED), &value))
		return 0;
	p = value.data;
	if (value.len != VALUE_SIZE || p[0] != 1)
		return -EUCLEAN;
	*ret_index = get_u64(p + 1);
	*ret_term = get_u64(p + 9);
	return 0;
}

static void put_applied(struct txn *t, uint64_t gid, uint64_t index,
			uint64_t term)
{
	unsigned char value[VALUE_SIZE] = { 1 };

	put_u64(value + 1, index);
	put_u64(value + 9, term);
	txn_put(t, gid, ENGINE_TABLE, bytes_of(KEY_APPLIED),
		(struct bytes){ value, sizeof(value) });
}

void apply_configurations(struct egroup *g)
{
	uint64_t commit = raft_commit_index(&g->r);

	while (!g->installing && !g->engine->is_dead &&
	       g->conf_cursor < commit) {
		uint64_t index = ++g->conf_cursor;
		const struct raft_log_entry *e = glog_get(&g->log, index);
		struct raft_event ev = { .type = RAFT_CONFIGURATION };
		struct raft_buffer buf;

		if (!e || e->type != RAFT_CHANGE)
			continue;
		buf = (struct raft_buffer){ e->data, e->len };
		if (raft_configuration_decode(&buf, &ev.configuration.conf) !=
		    0)
			continue; /* it was checked when it came in */
		ev.configuration.index = index;
		g->changed = true;
		group_step(g, &ev);
	}
}

/* -- one attempt --------------------------------------------------------- */

struct outcome {
	struct outcome *next;
	uint64_t gid, sq;
	const char *client;
	struct doc *result;
};

struct target {
	struct egroup *group;
	uint64_t to, term;
};

struct attempt {
	struct engine *engine;
	struct arena *arena;
	struct txn *txn;
	struct target *at;
	size_t n;
	struct outcome *first, **end;
	struct err *err;
};

/* What an entry holds; NULL if it makes no sense. */
static struct doc *entry_list(struct arena *a, const struct raft_log_entry *e,
			      struct err *err)
{
	struct doc *list;

	return doc_decode(a, e->data, e->len, &list, err) == 0 &&
			       list->type == DOC_LIST && doc_len(list) &&
			       doc_at(list, 0)->type == DOC_INT
		       ? list
		       : NULL;
}

/* One of its commands; NULL likewise. */
static struct doc *command_of(struct arena *a, const struct doc *bin)
{
	struct doc *command;

	return bin->type == DOC_BIN &&
			       doc_decode(a, bin->str.data, bin->str.len,
					  &command, NULL) == 0 &&
			       command->type == DOC_MAP
		       ? command
		       : NULL;
}

static void apply_command(struct attempt *b, struct egroup *g, uint64_t index,
			  const struct doc *bin)
{
	struct engine *e = b->engine;
	struct doc *command = command_of(b->arena, bin), *result;
	const char *client;
	struct outcome *o;
	uint64_t sq;

	if (!command) {
		engine_log(e, 3,
			   "group %" PRIu64 ": a command in entry %" PRIu64
			   " makes no sense and is skipped",
			   g->gid, index);
		return;
	}
	client = doc_get_str(command, "cl", "");
	sq = (uint64_t)doc_get_int(command, "sq", 0);
	result = e->io.apply(e->io.ctx, b->arena, b->txn, g->gid, index,
			     command);
	if (!propose_find(e, g->gid, client, sq))
		return;
	o = ARENA_NEW(b->arena, struct outcome);
	*o = (struct outcome){ NULL, g->gid, sq, client, result };
	*b->end = o;
	b->end = &o->next;
}

static int apply_entry(struct attempt *b, struct egroup *g, uint64_t index,
		       const struct raft_log_entry *e)
{
	struct doc *list;
	int64_t version;

	if (e->type == RAFT_CHANGE)
		g->changed = true;
	if (e->type != RAFT_COMMAND)
		return 0;
	list = entry_list(b->arena, e, b->err);
	if (!list) {
		engine_log(b->engine, 3,
			   "group %" PRIu64 ": entry %" PRIu64
			   " makes no sense and is skipped",
			   g->gid, index);
		return 0;
	}
	version = doc_at(list, 0)->num;
	if (version != ENTRY_VERSION)
		return err_set(b->err, -EPROTO,
			       "group %" PRIu64 ": entry %" PRIu64
			       " is of version %" PRId64
			       ", this agent knows %d: upgrade it",
			       g->gid, index, version, ENTRY_VERSION);
	for (size_t i = 1; i < doc_len(list); i++)
		apply_command(b, g, index, doc_at(list, i));
	return 0;
}

static int apply_group(struct attempt *b, struct target *t)
{
	struct egroup *g = t->group;
	uint64_t bytes = 0;
	int rc = 0;

	for (uint64_t i = g->applied + 1; i <= t->to; i++) {
		const struct raft_log_entry *e = glog_get(&g->log, i);

		if (!e)
			return err_set(b->err, -EUCLEAN,
				       "group %" PRIu64 ": entry %" PRIu64
				       " is committed but not in the log",
				       g->gid, i);
		rc = apply_entry(b, g, i, e);
		if (rc < 0)
			return rc;
		t->term = e->term;
		bytes += e->len;
		if (bytes > TURN_BYTES)
			t->to = i;
	}
	put_applied(b->txn, g->gid, PLANTED(APPLY_AGAIN) ? t->to - 1 : t->to,
		    t->term);
	return 0;
}

static int apply_all(struct attempt *b)
{
	int rc = 0;

	b->first = NULL;
	b->end = &b->first;
	b->txn = txn_begin_write(b->engine->db, b->err);
	if (!b->txn)
		return b->err->code;
	for (size_t i = 0; i < b->n && rc == 0; i++)
		rc = apply_group(b, &b->at[i]);
	if (rc < 0) {
		txn_abort(b->txn);
		return rc;
	}
	return txn_commit(b->txn, b->err);
}

static void tail_entry(struct doc *list, struct arena *a,
		       const struct raft_log_entry *e)
{
	struct doc *commands = NULL, *command;

	if (e->type == RAFT_COMMAND)
		commands = entry_list(a, e, NULL);
	if (!commands || doc_at(commands, 0)->num != ENTRY_VERSION)
		return;
	for (size_t i = 1; i < doc_len(commands); i++) {
		command = command_of(a, doc_at(commands, i));
		if (command)
			doc_add(a, list, command);
	}
}

struct doc *engine_tail(const struct engine *e, uint64_t gid, struct arena *a)
{
	const struct egroup *g = engine_group(e, gid);
	struct doc *list = doc_list(a);

	for (uint64_t i = g ? g->applied + 1 : 1; g && i <= glog_last(&g->log);
	     i++) {
		const struct raft_log_entry *entry = glog_get(&g->log, i);

		if (entry)
			tail_entry(list, a, entry);
	}
	return list;
}

/* -- the turn -------------------------------------------------------------- */

static uint64_t limit(const struct egroup *g)
{
	uint64_t to = raft_commit_index(&g->r);

	if (!g->started || g->dropped || g->installing)
		return 0;
	if (to > g->r.last_stored && !PLANTED(APPLY_UNWRITTEN))
		to = g->r.last_stored;
	if (to > g->applied + TURN_ENTRIES)
		to = g->applied + TURN_ENTRIES;
	return to;
}

static void tell(struct attempt *b)
{
	struct engine *e = b->engine;

	for (size_t i = 0; i < b->n; i++) {
		struct egroup *g = b->at[i].group;

		g->applied = b->at[i].to;
		g->applied_term = b->at[i].term;
		engine_mark(g); /* readers, a snapshot, and what is left */
	}
	for (struct outcome *o = b->first; o; o = o->next) {
		struct proposal *p;

		while ((p = propose_find(e, o->gid, o->client, o->sq)))
			propose_applied(p, b->arena, o->result);
	}
	for (size_t i = 0; i < b->n; i++)
		if (!b->at[i].group->dropped)
			e->io.applied(e->io.ctx, b->at[i].group->gid,
				      b->at[i].to);
}

void apply_run(struct engine *e, const struct group_list *list)
{
	struct err err = { 0 };
	struct attempt b = { .engine = e, .err = &err };
	int rc;

	if (e->importing)
		return;
	if (e->witness) {
		for (size_t i = 0; i < list->n; i++)
			if (limit(list->at[i]) > list->at[i]->applied)
				witness_apply(list->at[i], limit(list->at[i]));
		return;
	}
	do {
		arena_free(b.arena);
		b.arena = arena_new();
		b.at = ARENA_VEC(b.arena, struct target, list->n + 1);
		b.n = 0;
		for (size_t i = 0; i < list->n; i++)
			if (limit(list->at[i]) > list->at[i]->applied)
				b.at[b.n++] = (struct target){
					.group = list->at[i],
					.to = limit(list->at[i]),
				};
		rc = b.n ? apply_all(&b) : 0;
	} while (rc == -EAGAIN);
	if (rc == -EBUSY) {
		/* The map is full, and a reader keeps it from growing. */
		for (size_t i = 0; i < b.n; i++)
			engine_mark(b.at[i].group);
	} else if (rc < 0) {
		err_wrap(&err, rc, "applying committed entries");
		engine_fatal(e, &err);
	} else {
		tell(&b);
	}
	arena_free(b.arena);
}
