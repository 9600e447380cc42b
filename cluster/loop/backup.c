/*
 * The requests cluster_backup and cluster_restore.
 *
 * Backup: the agent makes sure that its state is current (or is told not to
 * mind), one read transaction is begun, and a worker writes what it sees.
 *
 * Restore: a worker reads and checks the whole file and makes a list of
 * requests of it; then they are made, one after the other, like those of any
 * client. Each can be repeated, so a restore that was cut short is begun again.
 * Nothing that is restored is started: what was up when the backup was made may
 * still be up where that cluster is.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/loop/backup_file.h"
#include "cluster/loop/daemon_internal.h"
#include "cluster/net/seal.h"
#include "fsm/conf/fence.h"
#include "fsm/op/op.h"

#define REVS_MAX   65536
#define REVS_BYTES (256 * 1024) /* of revisions in one request */

struct backing {
	struct daemon *daemon;
	struct arena *arena;
	agent_answer done;
	void *arg;
	const char *path;
	struct backup_job job; /* backup */
	/* restore: */
	const struct doc *head;
	struct doc *services, *requests;
	size_t at;
	/* Of the thread: */
	int rc;
	struct err err;
};

static struct backing *backing_new(struct daemon *d, const struct doc *req,
				   agent_answer done, void *arg)
{
	struct backing *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	*b = (struct backing){
		.daemon = d, .arena = arena_new(), .done = done, .arg = arg
	};
	b->path = arena_printf(b->arena, "%s", doc_get_str(req, "path", ""));
	return b;
}

/* @data may be NULL. */
static void backing_end(struct backing *b, int code, const char *text,
			struct doc *data)
{
	txn_abort(b->job.txn);
	world_answer(b->arena, b->done, b->arg, code, text, data);
	arena_free(b->arena);
	free(b);
}

static bool path_refused(struct backing *b)
{
	if (b->path[0] == '/' && strlen(b->path) < PATH_MAX - 16)
		return false;
	backing_end(b, OP_USAGE, "the path of a backup must begin with '/'",
		    NULL);
	return true;
}

/* -- backup ------------------------------------------------------------- */

/* The groups that make up the cluster; -ENOENT if one is not here. */
static int find_groups(struct backup_job *b, const struct daemon *d,
		       struct arena *a, bool tails, struct err *err)
{
	struct state s = { b->txn, CLUSTER_GROUP, a };
	struct doc *services = state_services(&s);

	b->groups = ARENA_VEC(a, struct backup_group, doc_len(services) + 1);
	b->groups[b->n++] = (struct backup_group){ CLUSTER_GROUP, "", NULL };
	for (size_t i = 0; i < doc_len(services); i++) {
		const struct doc *row = doc_at(services, i);
		const char *name = doc_get_str(row, "name", "");
		uint64_t gid = (uint64_t)doc_get_int(row, "group", 0);

		if (!gid)
			continue;
		if (!state_service(&(struct state){ b->txn, gid, a }, name))
			return err_set(err, -ENOENT,
				       "this node has no copy of %s: make the "
				       "backup on one that votes ('encap node "
				       "ls')",
				       name);
		b->groups[b->n++] = (struct backup_group){ gid, name, NULL };
	}
	for (size_t i = 0; tails && i < b->n; i++)
		b->groups[i].commands =
			agent_tail(d->agent, b->groups[i].gid, a);
	return 0;
}

static void make_head(struct backup_job *b, const struct daemon *d,
		      struct arena *a)
{
	struct state s = { b->txn, CLUSTER_GROUP, a };
	struct doc *row = state_cluster(&s), *cluster;

	b->head = doc_map(a);
	doc_put_int(a, b->head, "v", BACKUP_VERSION);
	cluster = doc_put(a, b->head, "cluster", doc_map(a));
	doc_put_str(a, cluster, "name", doc_get_str(row, "name", ""));
	doc_put_str(a, cluster, "id",
		    doc_get_str(agent_identity(d->agent), "cluster_id", ""));
	doc_put_str(a, b->head, "node", d->o->node);
	doc_put_int(a, b->head, "at", clock_wall_ms());
	doc_put_str(a, b->head, "version", ENCAP_VERSION);
	doc_put_int(a, b->head, "services",
		    (int64_t)doc_len(state_services(&s)));
	doc_put_int(a, b->head, "groups", (int64_t)b->n);
}

int backup_job_prepare(struct backup_job *b, const struct daemon *d,
		       struct arena *a, bool tails, struct err *err)
{
	int rc;

	*b = (struct backup_job){ .txn = txn_begin_read(d->db, err) };
	if (!b->txn)
		return err->code;
	rc = find_groups(b, d, a, tails, err);
	if (rc < 0)
		return rc;
	make_head(b, d, a);
	return seal_cluster_key(
		d->pki_dir, doc_get_str(doc_get(b->head, "cluster"), "id", ""),
		&b->key, err);
}

int backup_job_run(const struct backup_job *b, const char *path,
		   struct err *err)
{
	return backup_write(path, b->txn, b->head, b->key.bytes, b->groups,
			    b->n, err);
}

static void backup_run(void *arg)
{
	struct backing *b = arg;

	b->rc = backup_job_run(&b->job, b->path, &b->err);
}

static void backup_done(void *arg)
{
	struct backing *b = arg;
	struct doc *data;

	if (b->rc < 0) {
		backing_end(b, OP_FAILED, b->err.text, NULL);
		return;
	}
	data = doc_copy(b->arena, b->job.head);
	doc_put_str(b->arena, data, "path", b->path);
	backing_end(b, OP_OK, NULL, data);
}

static void backup_begin(struct backing *b)
{
	struct daemon *d = b->daemon;

	if (backup_job_prepare(&b->job, d, b->arena, false, &b->err) < 0)
		backing_end(b, OP_FAILED, b->err.text, NULL);
	else
		crew_work(d->crews[CREW_SNAP], backup_run, backup_done, b);
}

static void on_fresh(void *arg, struct arena *a, struct doc *answer)
{
	struct backing *b = arg;
	int code = (int)doc_get_int(answer, "code", OP_FAILED);

	(void)a;
	if (code == OP_OK && !b->daemon->stopping)
		backup_begin(b);
	else
		backing_end(b, code == OP_OK ? OP_FAILED : code,
			    arena_printf(b->arena, "%s",
					 doc_get_str(answer, "err",
						     "the agent is stopping")),
			    NULL);
}

static void backup_ask(struct daemon *d, const struct doc *req,
		       agent_answer done, void *arg)
{
	struct backing *b = backing_new(d, req, done, arg);
	struct doc *fresh;

	if (path_refused(b))
		return;
	fresh = doc_map(b->arena);
	doc_put_str(b->arena, fresh, "op", "fresh");
	doc_put_bool(b->arena, fresh, "stale",
		     doc_get_bool(req, "stale", false));
	agent_request(d->agent, clock_ms(), fresh, on_fresh, b);
}

/* -- restore ------------------------------------------------------------ */

/* What the log of a survivor had beyond what it knew to be agreed. */
static int apply_commands(struct backup *f, struct err *err)
{
	struct txn *t = txn_begin_write(f->db, err);

	if (!t)
		return err->code;
	for (size_t i = 0; i < f->n; i++)
		for (size_t k = 0; k < doc_len(f->groups[i].commands); k++) {
			SCOPED(arena) struct arena *a = arena_new();

			op_apply(a, t, f->groups[i].gid,
				 doc_at(f->groups[i].commands, k));
		}
	return txn_commit(t, err);
}

/* A revision as a request carries it, on the arena of @b. */
static struct doc *revision_doc(struct backing *b, const struct doc *row)
{
	static const char *const keys[] = { "rev", "parents", "config",
					    "at",  "author",  "comment" };
	struct doc *d = doc_map(b->arena);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (doc_get(row, keys[i]))
			doc_put(b->arena, d, keys[i],
				doc_copy(b->arena, doc_get(row, keys[i])));
	return d;
}

static struct doc *add_request(struct backing *b, const char *op,
			       const char *name)
{
	struct doc *d = doc_add(b->arena, b->requests, doc_map(b->arena));

	doc_put_str(b->arena, d, "op", op);
	doc_put_str(b->arena, d, "name", name);
	return d;
}

/* The oldest revision makes the service. If what it came of is forgotten, it
 * is made with its text but without parents, and follows itself. */
static void plan_first(struct backing *b, const struct state *s,
		       const char *name, const struct doc *row)
{
	struct arena *a = b->arena;
	struct doc *req = add_request(b, "restore_first", name);
	struct doc *first = doc_put(a, req, "first", revision_doc(b, row));
	const char *config = doc_get_str(row, "config", "");

	doc_put_str(a, first, "rev",
		    op_revision_id(a, doc_list(a), config, strlen(config)));
	doc_put_bool(a, req, "own_group", s->group != CLUSTER_GROUP);
}

/* The list that the next revision goes into. */
static struct doc *next_revs(struct backing *b, const char *name,
			     struct doc *revs, size_t *bytes,
			     const char *config)
{
	*bytes += strlen(config);
	if (revs && *bytes <= REVS_BYTES)
		return revs;
	*bytes = strlen(config);
	return doc_put(b->arena, add_request(b, "restore_more", name), "revs",
		       doc_list(b->arena));
}

static void plan_revisions(struct backing *b, const struct state *s,
			   const char *name, struct doc *said)
{
	struct doc *history = state_history(s, name, 0, REVS_MAX);
	struct doc *revs = NULL;
	bool begun = false;
	size_t bytes = 0;

	for (size_t i = doc_len(history); i-- > 0;) {
		const struct doc *row = state_revision(
			s, name, doc_get_str(doc_at(history, i), "rev", ""));

		if (!row)
			continue;
		if (!begun)
			plan_first(b, s, name, row);
		if (begun || doc_len(doc_get(row, "parents"))) {
			revs = next_revs(b, name, revs, &bytes,
					 doc_get_str(row, "config", ""));
			doc_add(b->arena, revs, revision_doc(b, row));
		}
		begun = true;
	}
	doc_put_int(b->arena, said, "revisions", (int64_t)doc_len(history));
}

/* They were sealed with the key of the cluster that the backup is of. */
static int plan_secrets(struct backing *b, const struct state *s,
			const char *name, const unsigned char *key)
{
	struct doc *rows = state_secrets(s, name);
	struct seal_key cluster, own;

	memcpy(cluster.bytes, key, sizeof(cluster.bytes));
	seal_service_key(&cluster, name, &own);
	for (size_t i = 0; i < doc_len(rows); i++) {
		const struct doc *row = doc_at(rows, i);
		const char *value;
		struct doc *req;
		size_t len;
		int rc = seal_open(s->arena, &own, name, row->key,
				   doc_get(row, "sealed"), &value, &len,
				   &b->err);

		if (rc < 0)
			return rc;
		req = add_request(b, "secret_set", name);
		doc_put_str(b->arena, req, "key", row->key);
		doc_put_bin(b->arena, req, "value", value, len);
		if (doc_get(row, "by"))
			doc_put(b->arena, req, "by",
				doc_copy(b->arena, doc_get(row, "by")));
	}
	return 0;
}

static int plan_service(struct backing *b, const struct state *s,
			const struct doc *row, const unsigned char *key)
{
	const char *name = doc_get_str(row, "name", "");
	struct doc *said = doc_add(b->arena, b->services, doc_map(b->arena));

	doc_put_str(b->arena, said, "name", name);
	doc_put_str(b->arena, said, "head", doc_get_str(row, "head", ""));
	doc_put_str(b->arena, said, "was",
		    doc_get_str(doc_get(row, "intent"), "want", "stopped"));
	plan_revisions(b, s, name, said);
	if (doc_get_bool(row, "frozen", false))
		add_request(b, "svc_freeze", name);
	return plan_secrets(b, s, name, key);
}

#define CONFIGURATION "the cluster's configuration"

/* Into a cluster that has none of its own; the secrets of its devices go with
 * it. */
static int plan_configuration(struct backing *b, const struct state *s,
			      const unsigned char *key)
{
	const char *text = doc_get_str(state_cluster(s), "config", "");
	struct problems p = { .arena = s->arena };
	struct names sections;
	struct doc *req;
	int rc = 0;

	if (!*text)
		return 0;
	req = add_request(b, "cluster_configure", CONFIGURATION);
	doc_put_str(b->arena, req, "config", text);
	doc_put_int(b->arena, req, "base", 0);
	sections = fence_sections(s->arena,
				  conf_parse(s->arena, text, strlen(text), &p));
	for (size_t i = 0; i < sections.n && rc == 0; i++)
		rc = plan_secrets(b, s, sections.at[i], key);
	return rc;
}

static int plan_restore(struct backing *b, struct backup *f, struct err *err)
{
	struct txn *t = txn_begin_read(f->db, err);
	struct arena *a = f->arena;
	int rc = 0;

	if (!t)
		return err->code;
	b->services = doc_list(b->arena);
	b->requests = doc_list(b->arena);
	b->head = doc_copy(b->arena, f->head);
	for (size_t i = 0; rc == 0 && i < f->n; i++) {
		struct state s = { t, f->groups[i].gid, a };
		struct doc *rows = state_services(&s);

		for (size_t k = 0; rc == 0 && k < doc_len(rows); k++)
			if (!doc_get(doc_at(rows, k), "group"))
				rc = plan_service(b, &s, doc_at(rows, k),
						  f->key);
		if (rc == 0 && s.group == CLUSTER_GROUP)
			rc = plan_configuration(b, &s, f->key);
	}
	txn_abort(t);
	return rc;
}

static void restore_run(void *arg)
{
	struct backing *b = arg;
	struct backup *f = NULL;

	b->rc = backup_load(&f, b->path, b->daemon->o->var, &b->err);
	if (b->rc == 0)
		b->rc = apply_commands(f, &b->err);
	if (b->rc == 0)
		b->rc = plan_restore(b, f, &b->err);
	backup_close(f);
}

static void restore_end(struct backing *b, int code, const char *text)
{
	struct doc *data = doc_map(b->arena);

	doc_put(b->arena, data, "head", doc_copy(b->arena, b->head));
	doc_put(b->arena, data, "services", b->services);
	backing_end(b, code, text, data);
}

static void restore_step(struct backing *b);

static void say_exists(struct backing *b, const char *name, bool exists)
{
	for (size_t i = 0; i < doc_len(b->services); i++)
		if (strcmp(doc_get_str(doc_at(b->services, i), "name", ""),
			   name) == 0)
			doc_put_bool(b->arena, doc_at(b->services, i), "exists",
				     exists);
}

/* A service that was there before and is another one, or is used. */
static void skip_service(struct backing *b, const char *name)
{
	bool devices = strcmp(name, CONFIGURATION) == 0;

	while (b->at < doc_len(b->requests)) {
		const char *next =
			doc_get_str(doc_at(b->requests, b->at), "name", "");

		if (strcmp(next, name) != 0 &&
		    !(devices && strncmp(next, "fence#", 6) == 0))
			break;
		b->at++;
	}
	say_exists(b, name, true);
}

/* One that an attempt before this one has made may lack what follows. */
static void step_done(struct backing *b, const char *name,
		      const struct doc *data)
{
	b->at++;
	if (doc_get_bool(data, "exists", false))
		say_exists(b, name, true);
	if (doc_get_int(data, "added", 0))
		say_exists(b, name, false);
}

static void on_restored(void *arg, struct arena *a, struct doc *answer)
{
	struct backing *b = arg;
	const struct doc *req = doc_at(b->requests, b->at);
	int code = (int)doc_get_int(answer, "code", OP_FAILED);

	(void)a;
	if (code == OP_OK)
		step_done(b, doc_get_str(req, "name", ""),
			  doc_get(answer, "data"));
	else if (code == OP_CONFLICT)
		skip_service(b, doc_get_str(req, "name", ""));
	if (code == OP_OK || code == OP_CONFLICT)
		restore_step(b);
	else
		restore_end(b, code,
			    arena_printf(b->arena,
					 "%s: %s (run it again: what is "
					 "restored already stays)",
					 doc_get_str(req, "name", "?"),
					 doc_get_str(answer, "err", "")));
}

static void restore_step(struct backing *b)
{
	if (b->daemon->stopping)
		restore_end(b, OP_FAILED, "the agent is stopping");
	else if (b->at == doc_len(b->requests))
		restore_end(b, OP_OK, NULL);
	else
		agent_request(b->daemon->agent, clock_ms(),
			      doc_at(b->requests, b->at), on_restored, b);
}

static void restore_done(void *arg)
{
	struct backing *b = arg;

	if (b->rc < 0)
		backing_end(b, OP_FAILED, b->err.text, NULL);
	else
		restore_step(b);
}

static void restore_ask(struct daemon *d, const struct doc *req,
			agent_answer done, void *arg)
{
	struct backing *b = backing_new(d, req, done, arg);

	if (!path_refused(b))
		crew_work(d->crews[CREW_SNAP], restore_run, restore_done, b);
}

bool backup_request(struct daemon *d, const struct doc *req, agent_answer done,
		    void *arg)
{
	const char *op = doc_get_str(req, "op", "");

	if (strcmp(op, "cluster_backup") == 0)
		backup_ask(d, req, done, arg);
	else if (strcmp(op, "cluster_restore") == 0)
		restore_ask(d, req, done, arg);
	else
		return false;
	return true;
}
