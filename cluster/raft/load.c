/*
 * What the log and the snapshots say, at start.
 *
 *   1. Replay the records in the order in which they were written: marks,
 *      entries (which cut), votes, drops. Entries that were released may be
 *      missing or come back in pieces, so a gap only starts the list anew.
 *   2. Per group, check that what is left is whole: the entries follow the
 *      snapshot, or begin with 1 where there is none.
 *   3. Bring the database to the snapshot where it is behind it (it was
 *      emptied, or the agent died between the mark and the import).
 *   4. A group of which we are the only voter gets a new term: libraft makes
 *      a sole voter leader without one, and entries that left for a standby
 *      before they were durable here must not meet others of the same term.
 *   5. Start libraft.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/raft/internal.h"

struct egroup *group_new(struct engine *e, uint64_t gid, uint64_t self,
			 const struct engine_timing *timing)
{
	struct egroup *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->engine = e;
	g->gid = gid;
	g->self = self;
	g->timing = *timing;
	if (!g->timing.heartbeat_ms)
		g->timing.heartbeat_ms = 500;
	if (g->timing.election_ms <= g->timing.heartbeat_ms)
		g->timing.election_ms = 3 * g->timing.heartbeat_ms;
	TAILQ_INIT(&g->proposals);
	TAILQ_INIT(&g->waiting);
	TAILQ_INIT(&g->readers);
	STAILQ_INIT(&g->relayed);
	return g;
}

void group_free(struct egroup *g)
{
	if (!g)
		return;
	if (g->started)
		raft_close(&g->r, NULL);
	glog_fini(&g->log);
	arena_free(g->held_arena);
	free(g->peers);
	snap_fini(&g->snap);
	snap_fini(&g->old_snap);
	snap_fini(&g->taken);
	free(g);
}

static size_t position(const struct engine *e, uint64_t gid)
{
	size_t lo = 0, hi = e->n_groups;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (e->groups[mid]->gid < gid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct egroup *engine_group(const struct engine *e, uint64_t gid)
{
	size_t i = position(e, gid);

	if (i < e->n_groups && e->groups[i]->gid == gid)
		return e->groups[i];
	return NULL;
}

static void renumber(struct engine *e, size_t from)
{
	for (size_t i = from; i < e->n_groups; i++)
		e->groups[i]->slot = i;
}

static int reserve(struct engine *e)
{
	size_t cap = e->cap_groups ? e->cap_groups * 2 : 16;
	struct egroup **groups;
	uint64_t *due;

	if (e->n_groups < e->cap_groups)
		return 0;
	groups = realloc(e->groups, cap * sizeof(struct egroup *));
	if (!groups)
		return -ENOMEM;
	e->groups = groups;
	due = realloc(e->due, cap * sizeof(*due));
	if (!due)
		return -ENOMEM;
	e->due = due;
	e->cap_groups = cap;
	return 0;
}

int engine_insert(struct engine *e, struct egroup *g)
{
	size_t i = position(e, g->gid), behind = e->n_groups - i;
	int rc = reserve(e);

	if (rc < 0)
		return rc;
	memmove(e->groups + i + 1, e->groups + i,
		behind * sizeof(struct egroup *));
	memmove(e->due + i + 1, e->due + i, behind * sizeof(*e->due));
	e->groups[i] = g;
	e->due[i] = UINT64_MAX;
	e->n_groups++;
	renumber(e, i);
	return 0;
}

void engine_remove(struct engine *e, struct egroup *g)
{
	size_t i = g->slot, behind = e->n_groups - i - 1;

	memmove(e->groups + i, e->groups + i + 1,
		behind * sizeof(struct egroup *));
	memmove(e->due + i, e->due + i + 1, behind * sizeof(*e->due));
	e->n_groups--;
	renumber(e, i);
}

/* -- replay ---------------------------------------------------------- */

static int out_of_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

static int read_mark(struct egroup *g, const struct wal_record *rec,
		     struct err *err)
{
	struct arena *a = arena_new();
	const struct doc *cf;
	struct snap s = { .index = rec->index, .term = rec->term };
	struct doc *d = NULL;
	int rc = doc_decode(a, rec->data, rec->len, &d, err);

	if (rc == 0 && doc_get_int(d, "v", 0) != 1)
		rc = err_set(err, -EUCLEAN,
			     "a mark of version %" PRId64
			     ", this agent knows 1: run the newer version",
			     doc_get_int(d, "v", 0));
	if (rc < 0)
		goto out;
	g->self = (uint64_t)doc_get_int(d, "id", 0);
	g->timing.heartbeat_ms = (unsigned)doc_get_int(d, "hb", 500);
	g->timing.election_ms = (unsigned)doc_get_int(d, "el", 1500);
	s.conf_index = (uint64_t)doc_get_int(d, "ci", 0);
	s.size = (uint64_t)doc_get_int(d, "sz", 0);
	cf = doc_get(d, "cf");
	if (s.index &&
	    (!cf || cf->type != DOC_BIN ||
	     message_check_configuration(cf->str.data, cf->str.len) < 0)) {
		rc = err_set(err, -EUCLEAN, "a mark without a member list");
		goto out;
	}
	if (s.index) {
		s.conf = malloc(cf->str.len);
		if (!s.conf) {
			rc = out_of_memory(err);
			goto out;
		}
		memcpy(s.conf, cf->str.data, cf->str.len);
		s.conf_len = cf->str.len;
	}
	snap_fini(&g->snap);
	g->snap = s;
out:
	arena_free(a);
	return rc;
}

static int replay_mark(struct egroup *g, const struct wal_record *rec,
		       struct err *err)
{
	uint64_t last = glog_last(&g->log);
	int rc = read_mark(g, rec, err);

	if (rc < 0)
		return rc;
	if (rec->kind == WAL_RESET || rec->aux > last + 1)
		glog_reset(&g->log,
			   rec->kind == WAL_RESET ? rec->index : rec->aux - 1);
	else if (rec->aux)
		glog_trim(&g->log, rec->aux - 1);
	return 0;
}

static int replay_entry(struct egroup *g, const struct wal_record *rec,
			struct err *err)
{
	struct raft_log_entry entry = { .term = rec->term,
					.type = rec->entry_type,
					.len = (uint32_t)rec->len,
					.data = (void *)(uintptr_t)rec->data };

	if (rec->index <= g->log.base || rec->index > glog_last(&g->log) + 1)
		glog_reset(&g->log, rec->index - 1);
	else
		glog_truncate(&g->log, rec->index);
	if (glog_append(&g->log, &entry) < 0)
		return out_of_memory(err);
	return 0;
}

static struct egroup *replay_group(struct engine *e, uint64_t gid)
{
	struct egroup *g = engine_group(e, gid);
	struct engine_timing none = { 0 };

	if (g)
		return g;
	g = group_new(e, gid, 0, &none);
	if (g && engine_insert(e, g) < 0) {
		group_free(g);
		g = NULL;
	}
	return g;
}

struct replay {
	struct engine *engine;
	uint64_t *dropped;
	size_t n_dropped, cap_dropped;
};

static int replay_drop(struct replay *r, struct egroup *g, struct err *err)
{
	if (r->n_dropped == r->cap_dropped) {
		size_t cap = r->cap_dropped ? r->cap_dropped * 2 : 16;
		uint64_t *at = realloc(r->dropped, cap * sizeof(*at));

		if (!at)
			return out_of_memory(err);
		r->dropped = at;
		r->cap_dropped = cap;
	}
	r->dropped[r->n_dropped++] = g->gid;
	engine_remove(r->engine, g);
	group_free(g);
	return 0;
}

static int replay(void *arg, const struct wal_record *rec, struct err *err)
{
	struct replay *r = arg;
	struct egroup *g = replay_group(r->engine, rec->group);
	int rc = 0;

	if (!g)
		return out_of_memory(err);
	switch (rec->kind) {
	case WAL_ENTRY:
		rc = replay_entry(g, rec, err);
		break;
	case WAL_VOTE:
		g->first_term = rec->term;
		g->first_vote = rec->aux;
		break;
	case WAL_SNAPSHOT:
	case WAL_RESET:
		rc = replay_mark(g, rec, err);
		break;
	case WAL_DROP:
		return replay_drop(r, g, err);
	}
	if (rc < 0)
		err_wrap(err, rc, "group %" PRIu64, rec->group);
	return rc;
}

/* -- checks ---------------------------------------------------------- */

static int check_log(struct egroup *g, struct err *err)
{
	if (!g->self)
		return err_set(err, -EUCLEAN,
			       "the log does not say who we are in this group");
	/* Entries behind the snapshot may all have been released. */
	if (g->log.n == 0 && g->log.base < g->snap.index)
		glog_reset(&g->log, g->snap.index);
	if (g->log.base > g->snap.index)
		return err_set(err, -EUCLEAN,
			       "entries up to %" PRIu64
			       " are missing behind snapshot %" PRIu64,
			       g->log.base, g->snap.index);
	if (glog_last(&g->log) < g->snap.index)
		return err_set(err, -EUCLEAN,
			       "the log ends at %" PRIu64
			       ", before its snapshot %" PRIu64,
			       glog_last(&g->log), g->snap.index);
	if (!g->snap.index && g->log.n && g->log.at[0].type != RAFT_CHANGE)
		return err_set(err, -EUCLEAN,
			       "the first entry is not the member list");
	for (size_t i = 0; i < g->log.n; i++) {
		const struct raft_log_entry *e = &g->log.at[i];

		if (e->term > g->first_term)
			return err_set(err, -EUCLEAN,
				       "entry %" PRIu64 " is of term %" PRIu64
				       ", but the last term is %" PRIu64,
				       g->log.base + 1 + i, e->term,
				       g->first_term);
		if (e->type == RAFT_CHANGE &&
		    message_check_configuration(e->data, e->len) < 0)
			return err_set(err, -EUCLEAN,
				       "entry %" PRIu64
				       ": the member list does not check",
				       g->log.base + 1 + i);
	}
	return 0;
}

static int import(struct egroup *g, struct txn *t, struct err *err)
{
	struct arena *a = arena_new();
	void *data = NULL;
	int rc = snap_read(g->engine, snap_name(a, g->gid, &g->snap),
			   g->snap.size, &data, err);

	if (rc == 0)
		rc = txn_import(t, g->gid, data, (size_t)g->snap.size, err);
	free(data);
	arena_free(a);
	return rc;
}

static int check_db(struct egroup *g, struct txn *t, struct err *err)
{
	uint64_t term, known;
	int rc;

	if (g->engine->witness) {
		g->applied = g->snap.index;
		g->applied_term = g->snap.term;
		return 0;
	}
	rc = apply_get(t, g->gid, &g->applied, &term);
	if (rc == 0 && g->applied < g->snap.index) {
		rc = import(g, t, err);
		if (rc == 0)
			rc = apply_get(t, g->gid, &g->applied, &term);
	}
	if (rc < 0)
		return rc;
	g->applied_term = term;
	if (g->applied < g->snap.index)
		return err_set(err, -EUCLEAN,
			       "snapshot %" PRIu64
			       " holds the state of %" PRIu64,
			       g->snap.index, g->applied);
	if (g->applied > glog_last(&g->log))
		return err_set(err, -EUCLEAN,
			       "the state is at %" PRIu64
			       ", ahead of the log's end at %" PRIu64
			       ": the log was replaced or cut by hand; remove "
			       "the state directory to rebuild it",
			       g->applied, glog_last(&g->log));
	known = group_term(g, g->applied);
	if (g->applied && known && known != term)
		return err_set(err, -EUCLEAN,
			       "the state is of %" PRIu64 " in term %" PRIu64
			       ", the log has term %" PRIu64 " there",
			       g->applied, term, known);
	return 0;
}

static int check_dbs(struct engine *e, const struct replay *r, struct err *err)
{
	struct txn *t;
	int rc;

again:
	rc = 0;
	t = txn_begin_write(e->db, err);
	if (!t)
		return err && err->code ? err->code : -EIO;
	for (size_t i = 0; i < r->n_dropped; i++)
		if (!engine_group(e, r->dropped[i]))
			txn_drop_group(t, r->dropped[i]);
	for (size_t i = 0; i < e->n_groups && rc == 0; i++) {
		rc = check_db(e->groups[i], t, err);
		if (rc < 0)
			err_wrap(err, rc, "group %" PRIu64, e->groups[i]->gid);
	}
	if (rc < 0) {
		/* A full map looks like a stream that does not go in. */
		int end = txn_commit(t, NULL);

		if (end == -EAGAIN)
			goto again;
		return rc;
	}
	rc = txn_commit(t, err);
	if (rc == -EAGAIN)
		goto again;
	return rc;
}

/* -- a sole voter ----------------------------------------------------- */

static bool sole_voter(const struct egroup *g)
{
	struct raft_buffer buf = { g->snap.conf, g->snap.conf_len };
	struct raft_configuration c;
	unsigned voters = 0;
	bool mine = false;

	for (size_t i = g->log.n; i-- > 0;) {
		if (g->log.at[i].type != RAFT_CHANGE)
			continue;
		buf = (struct raft_buffer){ g->log.at[i].data,
					    g->log.at[i].len };
		break;
	}
	if (!buf.len || raft_configuration_decode(&buf, &c) != 0)
		return false;
	for (unsigned i = 0; i < c.n; i++) {
		if (c.servers[i].role != RAFT_VOTER)
			continue;
		voters++;
		mine |= c.servers[i].id == g->self;
	}
	raft_configuration_close(&c);
	return voters == 1 && mine;
}

static int raise_terms(struct engine *e, struct err *err)
{
	for (size_t i = 0; i < e->n_groups; i++) {
		struct egroup *g = e->groups[i];
		struct wal_record rec = { .kind = WAL_VOTE, .group = g->gid };
		int rc;

		if (!sole_voter(g))
			continue;
		rec.term = ++g->first_term;
		rec.aux = g->first_vote = g->self;
		rc = wal_add(e->wal, &rec, err);
		if (rc < 0)
			return rc;
	}
	return wal_dirty(e->wal) ? wal_sync(e->wal, err) : 0;
}

/* -- files that no group refers to ------------------------------------ */

struct listing {
	struct engine *engine;
	struct arena *arena;
	struct doc *names;
};

static void list_one(void *arg, const char *name)
{
	struct listing *l = arg;

	doc_add(l->arena, l->names, doc_str(l->arena, name));
}

static bool in_use(struct engine *e, struct arena *a, const char *name)
{
	for (size_t i = 0; i < e->n_groups; i++)
		if (e->groups[i]->snap.index &&
		    strcmp(snap_name(a, e->groups[i]->gid, &e->groups[i]->snap),
			   name) == 0)
			return true;
	return false;
}

/* Best effort: what cannot be removed now only takes space. */
static void sweep(struct engine *e)
{
	struct arena *a = arena_new();
	struct listing l = { e, a, doc_list(a) };

	e->snap_disk->list(e->snap_disk->ctx, list_one, &l);
	for (size_t i = 0; i < doc_len(l.names); i++) {
		const char *name = doc_text(doc_at(l.names, i), "");

		if (strncmp(name, "snap-", 5) == 0 && !in_use(e, a, name))
			e->snap_disk->remove(e->snap_disk->ctx, name);
	}
	arena_free(a);
}

int engine_load(struct engine *e, const struct wal_disk *disk, struct err *err)
{
	struct replay r = { .engine = e };
	int rc = wal_open(&e->wal, disk, e->wal_segment, replay, &r, err);

	for (size_t i = 0; i < e->n_groups && rc == 0; i++) {
		rc = check_log(e->groups[i], err);
		if (rc < 0)
			err_wrap(err, rc, "group %" PRIu64, e->groups[i]->gid);
	}
	if (rc == 0)
		rc = check_dbs(e, &r, err);
	if (rc == 0)
		rc = raise_terms(e, err);
	free(r.dropped);
	if (rc < 0)
		return rc;
	sweep(e);
	for (size_t i = 0; i < e->n_groups && rc == 0; i++)
		rc = group_start(e->groups[i], err);
	return rc;
}
