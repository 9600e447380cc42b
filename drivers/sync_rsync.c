/*
 * Files, by rsync, to the other nodes of the service.
 *
 * To another hypervisor it goes through a bridge (cluster/net/bridge.h): rsync
 * speaks its daemon's protocol over it, and the agent there starts the other
 * end, shut in the directory that its own reading of the env file names. With
 * transport = ssh rsync goes its own way.
 *
 * What is replaced is replaced at the end, by renames (--delay-updates), and
 * what is gone is deleted after that: a copy that is killed half-way leaves
 * the old files as they were. What it had received lies in directories .~tmp~,
 * which the next run uses, and then removes ("risk": not protected from it).
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/drivers.h"
#include "drivers/job.h"
#include "drivers/mountinfo.h"
#include "drivers/track.h"
#include "fsm/plan/copies.h"

#define WORDS_MAX     4096
#define BRIDGE_WORD   "encap-bridge"
#define WHOLE_OPTIONS "-HAXpogDtrlvx --stats --delete --force --timeout=3600"
#define VANISHED      24 /* rsync: files went away while it looked */

struct words {
	struct arena *arena;
	const char **at;
	size_t n;
};

static int word_add(struct words *w, const char *word, struct err *err)
{
	if (w->n + 1 >= WORDS_MAX)
		return err_set(err, -E2BIG,
			       "more than %d words for rsync: name the "
			       "directory, not what is in it",
			       WORDS_MAX);
	w->at[w->n++] = word;
	w->at[w->n] = NULL;
	return 0;
}

static int words_add(struct words *w, const char *text, struct err *err)
{
	const char *const *argv;
	int rc = run_split(w->arena, text, &argv, err);

	for (size_t i = 0; rc == 0 && argv[i]; i++)
		rc = word_add(w, argv[i], err);
	return rc;
}

/* -- status ------------------------------------------------------------------
 */

/* As a list: what needs a copy. */
static const char *late_nodes(const struct job *j)
{
	const struct job_copy *c = j->copy;
	struct buf b = BUF(j->arena);

	for (size_t i = 0; i < c->n; i++)
		if (copies_late(j->res, c->to[i].last_ms, c->now_ms))
			buf_printf(&b, "%s%s", b.len ? ", " : "",
				   c->to[i].node);
	return b.len ? buf_text(&b) : NULL;
}

static const char *label(const struct job *j)
{
	const char *to = job_kw(j, "target");
	const char *src = job_kw(j, "src");

	if (copies_is_automatic(j->res))
		return arena_printf(j->arena, "rsync svc config to %s", to);
	return arena_printf(j->arena, "rsync %s to %s",
			    job_clean(j->arena, src ? src : ""), to);
}

static int probe(const struct job *j, struct probe *ret, struct err *err)
{
	const struct job_copy *c = j->copy;
	const char *late;

	(void)err;
	ret->label = label(j);
	ret->status = STATUS_NA;
	if (!c || !c->n)
		return 0;
	if (c->part == JOB_PAUSED) {
		probe_log(j, ret, "info", "paused: the service is not up");
		return 0;
	}
	late = late_nodes(j);
	ret->status = STATUS_UP;
	if (late && c->part == JOB_RECEIVES) {
		ret->status = STATUS_WARN;
		probe_log(j, ret, "warn", "passive node needs update");
	} else if (late) {
		ret->status = STATUS_DOWN;
		probe_log(j, ret, "warn", "%s need update", late);
	}
	if (j->has_run && j->last_code && c->part == JOB_SENDS)
		probe_log(j, ret, "warn", "its last run failed");
	return 0;
}

/* -- a run -------------------------------------------------------------------
 */

struct copy {
	const struct job *j;
	struct words sources;
	const char *dst;
	bool file; /* one file, not a directory */
	bool ssh;
};

/* @there: only what there is. */
static int add_matches(struct words *w, const char *pattern, bool there,
		       struct err *err)
{
	glob_t g;
	int rc = glob(pattern, there ? 0 : GLOB_NOMAGIC, NULL, &g);

	if (rc == GLOB_NOMATCH)
		return 0;
	if (rc)
		return err_set(err, -EIO, "src %s cannot be looked at",
			       pattern);
	for (size_t i = 0; i < g.gl_pathc && rc == 0; i++)
		rc = word_add(w, arena_printf(w->arena, "%s", g.gl_pathv[i]),
			      err);
	globfree(&g);
	return rc;
}

static bool ends_in_slash(const char *path)
{
	size_t n = strlen(path);

	return n && path[n - 1] == '/';
}

/* The automatic one has what the env file names and is not in the log, as far
 * as it is there. */
static int source_words(const struct job *j, const char **ret, struct err *err)
{
	const char *src = job_kw(j, "src");

	if (!copies_is_automatic(j->res))
		return job_need(j, "src", ret, err);
	*ret = arena_printf(j->arena, "%s %s/services/%s.d", src ? src : "",
			    j->etc_dir, j->service);
	return 0;
}

static int read_sources(struct copy *c, struct err *err)
{
	const struct job *j = c->j;
	const char *src;
	char *text, *rest;
	int rc = source_words(j, &src, err);

	if (rc < 0)
		return rc;
	text = arena_printf(j->arena, "%s", src);
	for (char *w = strtok_r(text, " ", &rest); w && rc == 0;
	     w = strtok_r(NULL, " ", &rest)) {
		if (w[0] != '/')
			return err_set(err, -EINVAL,
				       "src %s: an absolute path is needed", w);
		rc = add_matches(&c->sources, w, copies_is_automatic(j->res),
				 err);
	}
	if (rc == 0 && !c->sources.n && !copies_is_automatic(j->res))
		rc = err_set(err, -ENOENT, "there is nothing at src %s", src);
	return rc;
}

static int copy_read(struct copy *c, struct err *err)
{
	const char *transport = job_kw(c->j, "transport");
	struct stat st;
	int rc = 0;

	if (copies_is_automatic(c->j->res))
		c->dst = "/";
	else
		rc = job_need(c->j, "dst", &c->dst, err);

	c->sources = (struct words){
		c->j->arena, ARENA_VEC(c->j->arena, const char *, WORDS_MAX), 0
	};
	if (rc == 0 && c->dst[0] != '/')
		rc = err_set(err, -EINVAL, "dst %s: an absolute path is needed",
			     c->dst);
	if (rc == 0)
		rc = read_sources(c, err);
	if (rc < 0)
		return rc;
	c->ssh = transport && strcmp(transport, "ssh") == 0;
	c->file = c->sources.n == 1 && !ends_in_slash(c->dst) &&
		  !ends_in_slash(c->sources.at[0]) &&
		  stat(c->sources.at[0], &st) == 0 && !S_ISDIR(st.st_mode);
	return 0;
}

static int add_options(struct copy *c, struct words *w, struct err *err)
{
	const struct job *j = c->j;
	int64_t limit = job_kw_int(j, "bwlimit", 0);
	const char *more = job_kw(j, "options"),
		   *without = job_kw(j, "exclude");
	int rc = 0;

	if (!job_kw_bool(j, "reset_options", false))
		rc = words_add(w, WHOLE_OPTIONS " --delete-after", err);
	if (rc == 0 && copies_is_automatic(j->res))
		rc = words_add(w, "-R --exclude=*.core", err);
	if (rc == 0 && more)
		rc = words_add(w, more, err);
	if (rc == 0 && without)
		rc = words_add(w, without, err);
	if (rc == 0 && !c->file)
		rc = words_add(w,
			       "--delay-updates '--filter=risk .~tmp~/' "
			       "'--filter=hide .~tmp~/'",
			       err);
	if (rc == 0 && limit > 0)
		rc = word_add(w,
			      arena_printf(j->arena, "--bwlimit=%lld",
					   (long long)((limit + 1023) / 1024)),
			      err);
	return rc;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const char *place(const struct copy *c, const struct job_copy_to *to)
{
	const char *user = job_kw(c->j, "user");
	struct arena *a = c->j->arena;

	if (strcmp(to->node, c->j->node) == 0)
		return c->dst;
	if (c->ssh)
		return arena_printf(a, "%s@%s:%s", user ? user : "root",
				    to->node, c->dst);
	return arena_printf(a, "%s::copy/%s", to->node,
			    c->file ? last_part(c->dst) : "");
}

static int add_transport(struct copy *c, struct words *w,
			 const struct job_copy_to *to, struct err *err)
{
	if (strcmp(to->node, c->j->node) == 0)
		return 0;
	if (c->ssh)
		return words_add(w,
				 "-s -e 'ssh -o BatchMode=yes -o "
				 "ConnectTimeout=10'",
				 err);
	if (!to->id || !*to->addresses || !c->j->copy->pki_dir)
		return err_set(err, -EHOSTUNREACH,
			       "%s cannot be reached from here: there is no "
			       "link with its agent (transport = ssh needs "
			       "none)",
			       to->node);
	/* This program, whatever has become of its file meanwhile. */
	return word_add(w,
			arena_printf(c->j->arena, "--rsh=/proc/%d/exe %s",
				     (int)getpid(), BRIDGE_WORD),
			err);
}

static const char *const *bridge_env(const struct copy *c,
				     const struct job_copy_to *to,
				     const char *token)
{
	const struct job_copy *jc = c->j->copy;
	struct arena *a = c->j->arena;
	const char **env = ARENA_VEC(a, const char *, 13);
	size_t n = 0;

	env[n++] = token;
	if (to->id && jc->pki_dir) {
		env[n++] = arena_printf(a, "ENCAP_BRIDGE_PKI=%s", jc->pki_dir);
		env[n++] = arena_printf(a, "ENCAP_BRIDGE_CLUSTER=%s",
					jc->cluster_id);
		env[n++] = arena_printf(a, "ENCAP_BRIDGE_SELF=%llu",
					(unsigned long long)jc->self);
		env[n++] = arena_printf(a, "ENCAP_BRIDGE_PEER=%llu",
					(unsigned long long)to->id);
		env[n++] = arena_printf(a, "ENCAP_BRIDGE_NAME=%s", to->node);
		env[n++] = arena_printf(a, "ENCAP_BRIDGE_ADDRESSES=%s",
					to->addresses);
		env[n++] = arena_printf(a, "ENCAP_BRIDGE_CERT=%s", to->cert);
		env[n++] = arena_printf(a, "ENCAP_BRIDGE_SERVICE=%s",
					c->j->service);
		env[n++] =
			arena_printf(a, "ENCAP_BRIDGE_RID=%s", c->j->res->rid);
		env[n++] = arena_printf(a, "ENCAP_BRIDGE_FILE=%d", c->file);
	}
	env[n] = NULL;
	return env;
}

/* Where the other side's agent does not: it is asked by itself. */
static int check_dstfs(const struct copy *c, const struct job_copy_to *to,
		       struct err *err)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789/._-";
	const char *fs = job_kw(c->j, "dstfs");
	const char *user = job_kw(c->j, "user");
	bool local = strcmp(to->node, c->j->node) == 0;
	struct mounts m;

	if (!fs || (!local && !c->ssh))
		return 0;
	if (local) {
		if (mounts_read(c->j->arena, &m, err) < 0)
			return err->code;
		return mounts_top(&m, fs)
			       ? 0
			       : err_set(err, -ENODEV,
					 "dstfs %s is not mounted", fs);
	}
	if (fs[strspn(fs, safe)])
		return err_set(err, -EINVAL,
			       "dstfs %s has characters that a shell would "
			       "take for its own",
			       fs);
	const char *argv[] = { "ssh",
			       "-o",
			       "BatchMode=yes",
			       "-o",
			       "ConnectTimeout=10",
			       arena_printf(c->j->arena, "%s@%s",
					    user ? user : "root", to->node),
			       "mountpoint",
			       "-q",
			       fs,
			       NULL };
	struct run r = { .argv = argv, .deadline_ms = c->j->deadline_ms };
	int rc = run_ok(&r, err);

	return rc < 0 ? err_wrap(err, rc, "dstfs %s is not mounted there", fs)
		      : 0;
}

static int copy_to(struct copy *c, struct track *t,
		   const struct job_copy_to *to, struct err *err)
{
	struct words w = { c->j->arena,
			   ARENA_VEC(c->j->arena, const char *, WORDS_MAX), 0 };
	struct run r = { .argv = w.at,
			 .env = bridge_env(c, to, t->token),
			 .deadline_ms = c->j->deadline_ms };
	int rc = word_add(&w, "rsync", err);

	if (rc == 0)
		rc = check_dstfs(c, to, err);
	if (rc == 0)
		rc = add_options(c, &w, err);
	if (rc == 0)
		rc = add_transport(c, &w, to, err);
	for (size_t i = 0; rc == 0 && i < c->sources.n; i++)
		rc = word_add(&w, c->sources.at[i], err);
	if (rc == 0)
		rc = word_add(&w, place(c, to), err);
	if (rc == 0)
		rc = track_join(t, &r, err);
	if (rc < 0)
		return rc;
	rc = run_wait(&r, err);
	track_joined(&r);
	if (rc == RUN_FAILED && r.code == VANISHED)
		return 0;
	if (rc == RUN_FAILED)
		return err_set(err, -EIO, "rsync ended with code %d: %s",
			       r.code, run_said(&r));
	return rc;
}

/* All that are wanted, the others although one fails. */
static int copy_all(struct copy *c, struct track *t, struct err *err)
{
	struct job_copy *jc = c->j->copy;
	int rc = 0;

	for (size_t i = 0; i < jc->n; i++) {
		struct job_copy_to *to = &jc->to[i];
		struct err one = { 0 };
		int one_rc;

		if (!to->wanted)
			continue;
		one_rc = c->sources.n ? copy_to(c, t, to, &one) : 0;
		if (one_rc == 0)
			/* As of its beginning: what changed since is late. */
			to->done_ms = jc->now_ms;
		else if (rc == 0)
			rc = err_set(err, one_rc, "to %s: %s", to->node,
				     one.text);
	}
	return rc;
}

static int run(const struct job *j, struct err *err)
{
	struct copy c = { .j = j };
	struct track t;
	int rc = track_is_free(j, err);

	if (rc == 0 && !j->copy)
		rc = err_set(err, -EINVAL, "it is not known where to");
	if (rc == 0)
		rc = copy_read(&c, err);
	if (rc == 0)
		rc = track_begin(j, &t, err);
	if (rc < 0)
		return rc;
	rc = copy_all(&c, &t, err);
	if (track_end(j, &t, TRACK_KILL, NULL) >= 0)
		track_forget(&t);
	return rc;
}

const struct driver driver_sync_rsync = {
	.group = "sync",
	.kind = "rsync",
	.summary = "files on the other nodes, by rsync",
	.start_timeout_ms = 60000,
	.stop_timeout_ms = 30000,
	.probe = probe,
	.stop = track_stop,
	.kill = track_kill,
	.run = run,
	.guard = track_guard,
};
