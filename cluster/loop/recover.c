/*
 * A majority is lost for good: the cluster is founded anew from what this
 * member has (cluster_recover), or this member forgets it, to join what was
 * founded elsewhere (cluster_forget).
 *
 *     the state ──▶ VAR/recover-AT.backup; VAR/anew; the program starts anew
 *     start with VAR/anew ──▶ all that made it a member lies in VAR/before-AT
 *
 * Nothing is deleted. Each step can be repeated, so a crash between any two of
 * them is mended by the next start. The old cluster's id dies with it: members
 * that come back later cannot talk to those of the new one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/loop/backup_file.h"
#include "cluster/loop/daemon_internal.h"
#include "cluster/loop/disk.h"
#include "fsm/op/op.h"

#define MARKER "anew"

static const char *const parts[] = { "identity", "peers",     "pki",
				     "log",	 "snapshots", "db" };

/* -- at the start ------------------------------------------------------- */

static int move_part(struct arena *a, const char *var, const char *to,
		     const char *part, struct err *err)
{
	const char *from = arena_printf(a, "%s/%s", var, part);
	int code;

	if (rename(from, arena_printf(a, "%s/%s", to, part)) == 0)
		return 0;
	code = -errno;
	if (code == -ENOENT)
		return 0;
	return err_set(err, code, "move %s to %s: %s", from, to,
		       strerror(-code));
}

int recover_start(struct keep *k, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *marker;
	const char *to;
	int rc = keep_load(k, a, MARKER, &marker, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	to = arena_printf(a, "%s/before-%" PRId64, k->var,
			  doc_get_int(marker, "at", 0));
	rc = disk_make_dir(to, 0700, err);
	for (size_t i = 0; rc == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		rc = move_part(a, k->var, to, parts[i], err);
	if (rc == 0)
		rc = disk_sync_dir(to, err);
	if (rc < 0)
		return rc;
	if (unlink(arena_printf(a, "%s/" MARKER, k->var)) < 0)
		return err_set(err, -errno, "%s/" MARKER ": remove: %s", k->var,
			       strerror(errno));
	report(4, "this node has left its cluster; what it had is in %s", to);
	return disk_sync_dir(k->var, err);
}

/* -- requests ----------------------------------------------------------- */

struct recovery {
	struct daemon *daemon;
	struct arena *arena;
	agent_answer done;
	void *arg;
	int64_t at;
	bool backs_up;
	struct backup_job job;
	const char *path;
	int rc;
	struct err err;
};

static void recovery_end(struct recovery *r, int code, const char *text)
{
	struct doc *data = doc_map(r->arena);

	txn_abort(r->job.txn);
	if (r->backs_up && code == OP_OK)
		doc_put_str(r->arena, data, "path", r->path);
	world_answer(r->arena, r->done, r->arg, code, text, data);
	arena_free(r->arena);
	free(r);
}

static int put_marker(struct daemon *d, int64_t at, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *marker = doc_map(a);

	doc_put_int(a, marker, "at", at);
	return keep_save(&d->keep, MARKER, marker, err);
}

void recover_leave(struct daemon *d)
{
	struct err err;

	if (d->again)
		return;
	if (put_marker(d, clock_wall_ms(), &err) < 0)
		report(3, "leaving: %s", err.text);
	else
		daemon_again(d);
}

/* The answer is on its way before the program starts anew. */
static void recovery_finish(struct recovery *r)
{
	struct daemon *d = r->daemon;

	if (r->rc == 0)
		r->rc = put_marker(d, r->at, &r->err);
	if (r->rc < 0) {
		recovery_end(r, OP_FAILED, r->err.text);
		return;
	}
	recovery_end(r, OP_OK, NULL);
	daemon_again(d);
}

static void recovery_run(void *arg)
{
	struct recovery *r = arg;

	r->rc = backup_job_run(&r->job, r->path, &r->err);
}

static void recovery_done(void *arg)
{
	recovery_finish(arg);
}

/* A cluster that has a leader has no need of this, and would be torn apart. */
static const char *why_not(const struct daemon *d, struct arena *a)
{
	if (!agent_identity(d->agent))
		return "this node is a member of no cluster";
	if (strcmp(doc_get_str(agent_identity(d->agent), "level", ""),
		   "encap") == 0)
		return "this is a container: it follows its hypervisor";
	if (agent_has_leader(d->agent))
		return arena_printf(
			a,
			"the cluster has a leader, so a majority is alive: "
			"nothing is to be recovered ('encap cluster status')");
	return NULL;
}

static void recover_begin(struct recovery *r)
{
	struct daemon *d = r->daemon;

	if (!r->backs_up) {
		recovery_finish(r);
		return;
	}
	r->path = arena_printf(r->arena, "%s/recover-%" PRId64 ".backup",
			       d->o->var, r->at);
	r->rc = backup_job_prepare(&r->job, d, r->arena, true, &r->err);
	if (r->rc < 0)
		recovery_end(r, OP_FAILED, r->err.text);
	else
		crew_work(d->crews[CREW_SNAP], recovery_run, recovery_done, r);
}

bool recover_request(struct daemon *d, const struct doc *req, agent_answer done,
		     void *arg)
{
	const char *op = doc_get_str(req, "op", ""), *why;
	bool recover = strcmp(op, "cluster_recover") == 0;
	struct recovery *r;

	if (!recover && strcmp(op, "cluster_forget") != 0)
		return false;
	r = calloc(1, sizeof(*r));
	if (!r)
		abort();
	*r = (struct recovery){ .daemon = d,
				.arena = arena_new(),
				.done = done,
				.arg = arg,
				.at = clock_wall_ms(),
				.backs_up = recover };
	why = why_not(d, r->arena);
	if (why)
		recovery_end(r, OP_CONFLICT, why);
	else
		recover_begin(r);
	return true;
}
