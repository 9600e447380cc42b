/*
 * The confdir belongs to the thread while a job runs, and to nobody else.
 * What comes in meanwhile waits in the inbox; what comes out is collected by
 * the job and carried out when it is back on the loop.
 */
#include "cluster/loop/envfiles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "cluster/loop/clock.h"
#include "cluster/loop/confdir.h"
#include "cluster/loop/offers.h"
#include "cluster/loop/report.h"
#include "fsm/op/op.h"

/* Between one round of work and the next: of edits that follow each other
 * closely only the last is written, which spares the log's disk. */
#define PAUSE_MS 100
#define WATCH_MS 5000 /* is the folder still the one that is watched? */

enum note_kind {
	NOTE_HEAD,   /* in: service, rev, text */
	NOTE_ANSWER, /* in: service, answer */
	NOTE_TOUCH,  /* in: file in `service`, or NULL */
	NOTE_ALL_NAMED,
	NOTE_EDIT,   /* out: service, edit */
	NOTE_DRAFTS, /* out: service, list, why (the news) */
	NOTE_WAITS,  /* out: service, since_ms, why */
	NOTE_OFFER,  /* out: service, rev (the path), text */
};

struct note {
	STAILQ_ENTRY(note) link;
	struct arena *arena;
	enum note_kind kind;
	const char *service, *rev, *text, *why;
	uint64_t since_ms;
	struct confdir_edit edit;
	struct confdir_answer answer;
	const struct doc *list;
};
STAILQ_HEAD(notes, note);

struct envfiles {
	uv_loop_t *loop;
	struct crew *crew;
	struct confdir *confdir;
	struct envfiles_io io;
	struct offers *offers;
	char *dir;
	uv_fs_event_t *watch; /* NULL: there is none */
	ino_t watched;
	uint64_t watch_ms;
	uint64_t pause_ms; /* no work before */
	struct notes inbox;
	uint64_t next_ms;
	bool running;

	/* Of the job. */
	struct notes input, output;
	uint64_t job_now;
};

/* -- notes ------------------------------------------------------------- */

static const char *copy(struct arena *a, const char *text)
{
	return text ? arena_printf(a, "%s", text) : NULL;
}

static struct note *note_new(struct notes *to, enum note_kind kind,
			     const char *service)
{
	struct arena *a = arena_new();
	struct note *n = ARENA_NEW(a, struct note);

	n->arena = a;
	n->kind = kind;
	n->service = copy(a, service);
	STAILQ_INSERT_TAIL(to, n, link);
	return n;
}

static void notes_drop(struct notes *l)
{
	struct note *n;

	while ((n = STAILQ_FIRST(l))) {
		STAILQ_REMOVE_HEAD(l, link);
		arena_free(n->arena);
	}
}

/* -- on the thread ------------------------------------------------------ */

static const char *copy_bytes(struct arena *a, const char *text, size_t len)
{
	char *bytes = arena_alloc(a, len + 1);

	memcpy(bytes, text, len);
	return bytes;
}

static void on_edit(void *ctx, const char *service,
		    const struct confdir_edit *edit)
{
	struct envfiles *e = ctx;
	struct note *n = note_new(&e->output, NOTE_EDIT, service);

	n->edit = *edit;
	n->edit.base = copy(n->arena, edit->base);
	n->edit.user = copy(n->arena, edit->user);
	n->edit.text = copy_bytes(n->arena, edit->text, edit->len);
}

static void on_drafts(void *ctx, const char *service, const struct doc *list,
		      const char *news)
{
	struct envfiles *e = ctx;
	struct note *n = note_new(&e->output, NOTE_DRAFTS, service);

	n->list = doc_copy(n->arena, list);
	n->why = copy(n->arena, news);
}

static void on_waits(void *ctx, const char *service, uint64_t since_ms,
		     const char *why)
{
	struct envfiles *e = ctx;
	struct note *n = note_new(&e->output, NOTE_WAITS, service);

	n->since_ms = since_ms;
	n->why = copy(n->arena, why);
}

static void on_offer(void *ctx, const char *name, const char *path,
		     const char *text, size_t len)
{
	struct envfiles *e = ctx;
	struct note *n = note_new(&e->output, NOTE_OFFER, name);

	n->rev = copy(n->arena, path);
	n->text = text ? copy_bytes(n->arena, text, len) : NULL;
}

static void on_log(void *ctx, int level, const char *text)
{
	(void)ctx;
	report(level, "%s", text);
}

static void note_take(struct confdir *c, const struct note *n)
{
	switch (n->kind) {
	case NOTE_HEAD:
		confdir_head(c, n->service, n->rev, n->text);
		break;
	case NOTE_ANSWER:
		confdir_answer(c, n->service, &n->answer);
		break;
	case NOTE_TOUCH:
		confdir_touch(c, n->service);
		break;
	case NOTE_ALL_NAMED:
		confdir_all_named(c);
		break;
	case NOTE_EDIT:
	case NOTE_DRAFTS:
	case NOTE_WAITS:
	case NOTE_OFFER:
		abort(); /* these go the other way */
	}
}

static void job_run(void *arg)
{
	struct envfiles *e = arg;
	struct note *n;

	STAILQ_FOREACH (n, &e->input, link)
		note_take(e->confdir, n);
	confdir_step(e->confdir, e->job_now);
}

/* -- edits ------------------------------------------------------------- */

struct edit {
	struct envfiles *envfiles;
	char *service;
};

/* Taken: as it is; as a merge, of which what came is a part; or it changed
 * nothing, and then the file is not what that revision holds. */
static void taken_read(struct arena *a, const struct doc *data,
		       struct confdir_answer *ret)
{
	ret->verdict = CONFDIR_TAKEN;
	ret->rev = copy(a, doc_get_str(data, "rev", ""));
	if (doc_get_bool(data, "merged", false) ||
	    doc_get_bool(data, "same", false))
		ret->own = copy(a, doc_get_str(data, "edit", ""));
}

static void on_answer(void *arg, struct arena *a, struct doc *answer)
{
	struct edit *ed = arg;
	struct note *n =
		note_new(&ed->envfiles->inbox, NOTE_ANSWER, ed->service);
	const struct doc *data = doc_get(answer, "data");
	struct confdir_answer *ret = &n->answer;

	(void)a;
	ret->why = copy(n->arena,
			doc_get_str(answer, "err", "no reason was given"));
	ret->draft = copy(n->arena, doc_get_str(data, "draft", NULL));
	switch ((int)doc_get_int(answer, "code", OP_FAILED)) {
	case OP_OK:
		taken_read(n->arena, data, ret);
		break;
	case OP_NOT_FOUND: /* it goes, or is not quite here yet */
	case OP_NO_QUORUM:
	case OP_TIMEOUT:
		ret->verdict = CONFDIR_LATER;
		break;
	case OP_FAILED:
		ret->verdict = doc_get(data, "problems") ? CONFDIR_INVALID
							 : CONFDIR_REFUSED;
		break;
	default:
		ret->verdict = CONFDIR_REFUSED;
		break;
	}
	free(ed->service);
	free(ed);
}

static void edit_begin(struct envfiles *e, const struct note *n)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *req = doc_map(a), *by = doc_map(a);
	struct edit *ed = calloc(1, sizeof(*ed));

	if (!ed || !(ed->service = strdup(n->service)))
		abort();
	ed->envfiles = e;
	doc_put_str(a, req, "op", "svc_edit");
	doc_put_str(a, req, "name", n->service);
	doc_put_str(a, req, "base", n->edit.base);
	doc_put(a, req, "config", doc_strn(a, n->edit.text, n->edit.len));
	doc_put_bool(a, req, "keep", n->edit.keep);
	doc_put_str(a, req, "where",
		    arena_printf(a, "%s/%s.conf", e->dir, n->service));
	doc_put_str(a, by, "user", n->edit.user);
	doc_put_str(a, by, "tool", "file");
	doc_put(a, req, "by", by);
	e->io.request(e->io.ctx, req, on_answer, ed);
}

/* -- turns --------------------------------------------------------------- */

static void job_done(void *arg)
{
	struct envfiles *e = arg;
	struct notes output = STAILQ_HEAD_INITIALIZER(output);
	struct note *n;

	e->running = false;
	e->next_ms = confdir_next_ms(e->confdir);
	notes_drop(&e->input);
	STAILQ_CONCAT(&output, &e->output);
	STAILQ_FOREACH (n, &output, link) {
		if (n->kind == NOTE_EDIT)
			edit_begin(e, n);
		else if (n->kind == NOTE_WAITS)
			e->io.waits(e->io.ctx, n->service, n->since_ms, n->why);
		else if (n->kind == NOTE_OFFER)
			offers_put(e->offers, n->service, n->rev, n->text);
		else
			e->io.drafts(e->io.ctx, n->service, n->list, n->why);
	}
	notes_drop(&output);
}

static void watch_check(struct envfiles *e, uint64_t now_ms);

void envfiles_turn(struct envfiles *e, uint64_t now_ms)
{
	if (now_ms >= e->watch_ms)
		watch_check(e, now_ms);
	offers_turn(e->offers, now_ms);
	if (e->running || now_ms < e->pause_ms ||
	    (STAILQ_EMPTY(&e->inbox) && now_ms < e->next_ms))
		return;
	e->running = true;
	e->pause_ms = now_ms + PAUSE_MS;
	e->job_now = now_ms;
	STAILQ_CONCAT(&e->input, &e->inbox);
	crew_work(e->crew, job_run, job_done, e);
}

uint64_t envfiles_next_ms(const struct envfiles *e)
{
	uint64_t next, rest = offers_next_ms(e->offers);

	if (e->watch_ms < rest)
		rest = e->watch_ms;
	if (e->running)
		return rest;
	next = STAILQ_EMPTY(&e->inbox) ? e->next_ms : 0;
	if (next < e->pause_ms)
		next = e->pause_ms;
	return next < rest ? next : rest;
}

void envfiles_head(struct envfiles *e, const char *service, const char *rev,
		   const char *text)
{
	struct note *n = note_new(&e->inbox, NOTE_HEAD, service);

	n->rev = copy(n->arena, rev);
	n->text = copy(n->arena, text);
}

void envfiles_all_named(struct envfiles *e)
{
	note_new(&e->inbox, NOTE_ALL_NAMED, NULL);
}

/* -- events -------------------------------------------------------------- */

static void on_event(uv_fs_event_t *w, const char *file, int events, int status)
{
	struct envfiles *e = w->data;

	(void)events;
	if (e && status == 0)
		note_new(&e->inbox, NOTE_TOUCH, file);
}

static void on_watch_closed(uv_handle_t *h)
{
	free(h);
}

static void watch_close(struct envfiles *e)
{
	if (!e->watch)
		return;
	e->watch->data = NULL;
	uv_close((uv_handle_t *)e->watch, on_watch_closed);
	e->watch = NULL;
}

static void watch_open(struct envfiles *e)
{
	int rc;

	e->watch = calloc(1, sizeof(*e->watch));
	if (!e->watch)
		abort();
	e->watch->data = e;
	rc = uv_fs_event_init(e->loop, e->watch);
	if (rc == 0)
		rc = uv_fs_event_start(e->watch, on_event, e->dir, 0);
	if (rc == 0)
		return;
	report(4, "%s cannot be watched, edits are seen some seconds later: %s",
	       e->dir, uv_strerror(rc));
	watch_close(e);
}

/* A folder that was removed and made again is another one. */
static void watch_check(struct envfiles *e, uint64_t now_ms)
{
	struct stat st;

	e->watch_ms = now_ms + WATCH_MS;
	if (stat(e->dir, &st) < 0 || st.st_ino == e->watched)
		return;
	watch_close(e);
	watch_open(e);
	e->watched = st.st_ino;
	note_new(&e->inbox, NOTE_TOUCH, NULL);
}

/* -- life --------------------------------------------------------------------
 */

int envfiles_open(struct envfiles **ret, const struct envfiles_options *o,
		  struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct envfiles *e = calloc(1, sizeof(*e));
	const struct confdir_io cio = { e,	  on_edit,  on_drafts,
					on_waits, on_offer, on_log };
	int rc;

	if (!e)
		return err_set(err, -ENOMEM, "env files: out of memory");
	e->loop = o->loop;
	e->crew = o->crew;
	e->io = o->io;
	e->dir = strdup(arena_printf(a, "%s/services", o->etc));
	if (!e->dir)
		abort();
	STAILQ_INIT(&e->inbox);
	STAILQ_INIT(&e->input);
	STAILQ_INIT(&e->output);
	rc = confdir_open(&e->confdir, e->dir,
			  arena_printf(a, "%s/heads", o->var),
			  arena_printf(a, "%s/drafts", o->var), &cio, err);
	if (rc < 0) {
		free(e->dir);
		free(e);
		return rc;
	}
	e->offers = offers_new(&e->io);
	*ret = e;
	return 0;
}

void envfiles_close(struct envfiles *e)
{
	if (!e)
		return;
	watch_close(e);
	notes_drop(&e->inbox);
	notes_drop(&e->input);
	notes_drop(&e->output);
	confdir_close(e->confdir);
	offers_free(e->offers);
	free(e->dir);
	free(e);
}
