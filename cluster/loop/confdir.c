/*
 * A file is compared with the texts that are known: what we wrote last (or,
 * after a crash in the middle, either of two), and the head. If it is one of
 * them, nobody edited it, and it is made to be the head. Else it is an edit.
 *
 * Happy path of an edit: the file changes, and then does not for a moment; it
 * is proposed as based on the revision that was written last; that commits,
 * and the head which comes of it is the same text, or a merge, which is then
 * written.
 *
 * Ways out: not valid, or in conflict: a draft, and the head is restored. No
 * leader, or not heard of: the file stays as it is and is proposed again. The
 * service is deleted: a draft, and the file goes. It is not known what it is
 * based on (no record of ours): a draft. It is no file: it is moved away.
 */
#include "cluster/loop/confdir.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/loop/disk.h"
#include "cluster/loop/drafts.h"
#include "cluster/loop/envfile.h"
#include "fsm/conf/conf.h"

#define NEVER	   UINT64_MAX
#define OPEN_MS	   10000
#define MAX_DRAFTS 8 /* that are told of, per service */

struct entry {
	LIST_ENTRY(entry) link; /* confdir::entries */
	char *name;
	struct known head; /* none: not named yet, or gone */
	bool gone;
	struct record record; /* none: we never wrote it */

	uint64_t look_ms;
	bool forced;	     /* look at the content, too */
	struct file_sig sig; /* as last seen ... */
	uint64_t sig_ms;     /* ... and since when it is like that */
	bool unsure;	     /* it was read within a tick of its change */
	struct known asked;  /* the edit under way; rev: its base */
	bool asking;
	bool await_head;   /* it was taken: the head must change */
	char *refused;	   /* why `asked` was refused */
	uint64_t retry_ms; /* not before */
	bool told_later, told_odd, told_open;

	bool old_any;	 /* the old file may hold anything: it is drafted */
	uint64_t old_ms; /* look at it; NEVER: there is none */

	struct arena *drafts_arena;
	const struct doc *drafts; /* as last told */
	char *news;		  /* of a draft, to be told with the list */
};

struct stranger { /* a file that is no service's */
	LIST_ENTRY(stranger) link;
	char *file;
	bool seen, told;
};

struct confdir {
	char *services, *heads, *drafts;
	struct confdir_io io;
	uint64_t now, rescan_ms;
	LIST_HEAD(, entry) entries;
	LIST_HEAD(, stranger) strangers;
	struct file_sig drafts_sig;
	bool drafts_changed, all_named;
};

static void say(struct confdir *c, int level, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

static void say(struct confdir *c, int level, const char *fmt, ...)
{
	char text[700];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->io.log(c->io.ctx, level, text);
}

/* -- entries ------------------------------------------------------------- */

static struct entry *entry_find(struct confdir *c, const char *name)
{
	struct entry *e;

	LIST_FOREACH(e, &c->entries, link)
	if (strcmp(e->name, name) == 0)
		return e;
	return NULL;
}

static struct entry *entry_new(struct confdir *c, const char *name)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct entry *e = calloc(1, sizeof(*e));
	struct err err;

	if (!e || !(e->name = strdup(name)))
		abort();
	if (record_load(c->heads, name, &e->record, &err) < 0)
		say(c, 4, "what was last written of %s is not known: %s", name,
		    err.text);
	/* Left by a crash in the middle of replacing it? */
	e->old_ms = access(envfile_old(a, c->services, name), F_OK) == 0
			    ? c->now
			    : NEVER;
	e->look_ms = NEVER;
	c->drafts_changed = true;
	LIST_INSERT_HEAD(&c->entries, e, link);
	return e;
}

static void entry_free(struct entry *e)
{
	LIST_REMOVE(e, link);
	known_fini(&e->head);
	known_fini(&e->asked);
	record_fini(&e->record);
	arena_free(e->drafts_arena);
	free(e->news);
	free(e->refused);
	free(e->name);
	free(e);
}

static void entry_look_at(struct entry *e, uint64_t at)
{
	if (at < e->look_ms)
		e->look_ms = at;
}

static void entry_poke(struct confdir *c, struct entry *e)
{
	e->look_ms = c->now;
	e->forced = true;
}

/* -- drafts -------------------------------------------------------------- */

/* Keep what the person wrote, the file's text or, where it was not read, a copy
 * of @from; false if even that failed. */
static bool keep_draft(struct confdir *c, struct entry *e, const char *from,
		       const struct found *f, const char *why)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct draft draft = { .name = e->name,
				     .why = why,
				     .text = f->text,
				     .len = f->len,
				     .from = from };
	const char *path;
	struct err err;

	if (draft_save(a, c->drafts, &draft, &path, &err) < 0) {
		say(c, 3, "%s; the file stays as it is", err.text);
		return false;
	}
	say(c, 4,
	    "%s: an edit of its env file is refused: %s; it is kept as %s",
	    e->name, why, path);
	free(e->news);
	e->news = strdup(arena_printf(a, "an edit is kept as a draft, %s: %.*s",
				      path, (int)strcspn(why, "\n"), why));
	c->drafts_changed = true;
	return true;
}

/* A folder, a link to nothing: no text that could be a draft. */
static bool move_odd(struct confdir *c, struct entry *e, const char *path,
		     const struct err *what)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *to;
	struct err err;

	if (envfile_move_odd(a, c->services, e->name, path, &to, &err) < 0) {
		if (!e->told_odd)
			say(c, 3, "%s: its env file is not there: %s; %s",
			    e->name, what->text, err.text);
		e->told_odd = true;
		return false;
	}
	say(c, 4, "%s: no env file: %s: it is moved to %s", e->name, what->text,
	    to);
	free(e->news);
	e->news = strdup(arena_printf(a, "no env file: %s: it is moved to %s",
				      what->text, to));
	c->drafts_changed = true;
	return true;
}

static void tell_drafts(struct confdir *c)
{
	struct arena *a = arena_new();
	struct doc *all;
	struct entry *e;
	struct err err;

	c->drafts_changed = false;
	file_sig_of(c->drafts, &c->drafts_sig);
	if (drafts_list(a, c->drafts, MAX_DRAFTS, &all, &err) < 0) {
		say(c, 4, "drafts: %s", err.text);
		all = doc_map(a);
	}
	LIST_FOREACH(e, &c->entries, link)
	{
		const struct doc *list = doc_get(all, e->name);

		if (!list)
			list = doc_list(a);
		if (!e->news &&
		    (e->drafts ? doc_equal(e->drafts, list) : !doc_len(list)))
			continue;
		arena_free(e->drafts_arena);
		e->drafts_arena = arena_new();
		e->drafts = doc_copy(e->drafts_arena, list);
		c->io.drafts(c->io.ctx, e->name, e->drafts, e->news);
		free(e->news);
		e->news = NULL;
	}
	arena_free(a);
}

/* -- writing the head ------------------------------------------------------ */

/* What was replaced is what it should have been; or somebody saved an edit in
 * that very moment, or had the file open and wrote on. */
static void look_old(struct confdir *c, struct entry *e)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *path = envfile_old(a, c->services, e->name);
	struct found f;
	struct err err;
	bool fine;

	envfile_find(a, path, &f, &err);
	if (f.kind == FOUND_ODD && move_odd(c, e, path, &err))
		f.kind = FOUND_NOTHING;
	fine = f.kind == FOUND_NOTHING || e->old_any ||
	       (f.kind == FOUND_TEXT &&
		(known_is(&e->record.old, f.text, f.len) ||
		 known_is(&e->record.is, f.text, f.len) ||
		 known_is(&e->record.prev, f.text, f.len) ||
		 known_is(&e->head, f.text, f.len)));
	if (!fine && !keep_draft(c, e, path, &f,
				 "it was saved in the moment in which another "
				 "revision took the file's place")) {
		e->old_ms = c->now + CONFDIR_RETRY_MS;
		return;
	}
	unlink(path);
	e->old_any = false;
	e->old_ms = NEVER;
}

static void write_failed(struct confdir *c, struct entry *e,
			 const struct err *err)
{
	if (!e->told_odd)
		say(c, 3, "%s: its env file cannot be written: %s", e->name,
		    err->text);
	e->told_odd = true;
	entry_look_at(e, c->now + CONFDIR_RETRY_MS);
	e->forced = true;
}

/* What was replaced before is to be looked at before something else takes its
 * place. */
static bool old_is_free(struct confdir *c, struct entry *e)
{
	if (e->old_ms != NEVER)
		look_old(c, e);
	if (e->old_ms == NEVER)
		return true;
	entry_look_at(e, e->old_ms);
	e->forced = true;
	return false;
}

static void old_expect(struct confdir *c, struct entry *e,
		       const struct found *f, bool drafted)
{
	known_set(&e->record.old, "", f->text ? f->text : "", f->len);
	e->old_any = drafted;
	e->old_ms = c->now + CONFDIR_OLD_MS;
}

/* While the file is being replaced the record holds both texts: whichever a
 * crash leaves there, nobody edited it. */
static int record_begin(struct confdir *c, struct entry *e, struct err *err)
{
	if (e->record.is.text) {
		known_fini(&e->record.prev);
		e->record.prev = e->record.is;
		e->record.is = (struct known){ 0 };
	}
	known_set(&e->record.is, e->head.rev, e->head.text, e->head.len);
	return record_save(c->heads, e->name, &e->record, err);
}

static int record_end(struct confdir *c, struct entry *e, struct err *err)
{
	known_fini(&e->record.prev);
	known_set(&e->record.is, e->head.rev, e->head.text, e->head.len);
	return record_save(c->heads, e->name, &e->record, err);
}

static void written(struct confdir *c, struct entry *e)
{
	SCOPED(arena) struct arena *a = arena_new();

	file_sig_of(envfile_path(a, c->services, e->name), &e->sig);
	e->sig_ms = c->now;
	e->unsure = true; /* by now it may be somebody else's */
	e->told_odd = e->told_open = false;
}

/* Make the file be the head. It holds what @f says, which is known, or kept as
 * a draft (@drafted). */
static void write_head(struct confdir *c, struct entry *e,
		       const struct found *f, bool drafted)
{
	bool was_there = f->kind != FOUND_NOTHING;
	struct err err;
	int rc;

	assert(e->head.text);
	if (!old_is_free(c, e))
		return;
	if (was_there)
		old_expect(c, e, f, drafted);
	rc = record_begin(c, e, &err);
	if (rc == 0)
		rc = envfile_put(c->services, e->name, was_there, e->head.text,
				 e->head.len, &err);
	if (rc == -EEXIST) { /* somebody was faster: that is an edit */
		entry_poke(c, e);
		return;
	}
	if (rc >= 0 && e->record.prev.text)
		rc = record_end(c, e, &err);
	if (rc < 0)
		write_failed(c, e, &err);
	else
		written(c, e);
}

/* -- looking at a file ------------------------------------------------------
 */

static bool settled(struct confdir *c, struct entry *e)
{
	uint64_t due = e->sig_ms + CONFDIR_SETTLE_MS;
	SCOPED(arena) struct arena *a = arena_new();
	const char *path = envfile_path(a, c->services, e->name);

	if (c->now >= due && !envfile_is_written(path))
		return true;
	if (c->now >= e->sig_ms + OPEN_MS && !e->told_open) {
		e->told_open = true;
		say(c, 5,
		    "%s: somebody has it open for writing: an edit is "
		    "taken once it is closed",
		    path);
	}
	entry_look_at(e, c->now < due ? due : c->now + CONFDIR_SETTLE_MS);
	e->forced = true;
	return false;
}

static void look_absent(struct confdir *c, struct entry *e)
{
	const struct found nothing = { .kind = FOUND_NOTHING };
	struct err err;

	if (e->gone && e->old_ms != NEVER) {
		entry_look_at(e, e->old_ms);
		e->forced = true;
		return;
	}
	if (e->gone) {
		if (record_remove(c->heads, e->name, &err) < 0)
			say(c, 4, "%s", err.text);
		record_fini(&e->record);
		return;
	}
	/* An editor moves the file away before it writes the new one. */
	if (!e->head.text || (e->record.is.text && !settled(c, e)))
		return;
	write_head(c, e, &nothing, false);
}

static void set_aside(struct confdir *c, struct entry *e, const struct found *f,
		      bool drafted)
{
	struct err err;

	int rc = 0;

	if (!old_is_free(c, e))
		return;
	old_expect(c, e, f, drafted);
	if (e->record.is.text)
		rc = record_save(c->heads, e->name, &e->record, &err);
	if (rc == 0)
		rc = envfile_set_aside(c->services, e->name, &err);
	if (rc < 0)
		write_failed(c, e, &err);
	else
		entry_poke(c, e);
}

/* Nobody edited it. */
static void look_known(struct confdir *c, struct entry *e,
		       const struct found *f)
{
	struct err err;

	if (e->gone) {
		set_aside(c, e, f, false);
		return;
	}
	if (!e->head.text)
		return;
	if (!known_is(&e->head, f->text, f->len)) {
		write_head(c, e, f, false);
		return;
	}
	if (!e->record.prev.text && e->record.is.text &&
	    strcmp(e->record.is.rev, e->head.rev) == 0 &&
	    known_is(&e->record.is, f->text, f->len))
		return;
	if (record_end(c, e, &err) < 0)
		write_failed(c, e, &err);
}

static void edit_refused(struct confdir *c, struct entry *e,
			 const struct found *f, const char *why)
{
	SCOPED(arena) struct arena *a = arena_new();

	if (!keep_draft(c, e, envfile_path(a, c->services, e->name), f, why)) {
		entry_look_at(e, c->now + CONFDIR_RETRY_MS);
		e->forced = true;
		return;
	}
	e->told_later = false;
	free(e->refused);
	e->refused = NULL;
	if (e->gone)
		set_aside(c, e, f, true);
	else
		write_head(c, e, f, true);
}

static const char *owner(struct arena *a, uid_t uid)
{
	return uid == 0 ? "root" : arena_printf(a, "uid %u", (unsigned)uid);
}

static void edit_propose(struct confdir *c, struct entry *e,
			 const struct found *f)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct known *base =
		e->record.prev.text ? &e->record.prev : &e->record.is;

	if (c->now < e->retry_ms) {
		entry_look_at(e, e->retry_ms);
		e->forced = true;
		return;
	}
	known_set(&e->asked, base->rev, f->text, f->len);
	e->asking = true;
	c->io.edit(c->io.ctx, e->name, base->rev, f->text, f->len,
		   owner(a, f->uid));
}

static void look_edit(struct confdir *c, struct entry *e, const struct found *f)
{
	SCOPED(arena) struct arena *a = arena_new();

	if (!e->gone && !e->head.text)
		return; /* not named yet */
	if (!settled(c, e))
		return;
	if (e->gone)
		edit_refused(c, e, f, "the service was deleted");
	else if (f->kind == FOUND_LARGE)
		edit_refused(c, e, f,
			     envfile_why_large(a, c->services, e->name,
					       f->sig.size));
	else if (!e->record.is.text)
		edit_refused(c, e, f,
			     "it is not known on which revision it is based: "
			     "it was there before the service was known here");
	else if (e->refused && known_is(&e->asked, f->text, f->len))
		edit_refused(c, e, f, e->refused);
	else
		edit_propose(c, e, f);
}

static bool is_known(const struct entry *e, const struct found *f)
{
	return f->kind == FOUND_TEXT &&
	       (known_is(&e->record.is, f->text, f->len) ||
		known_is(&e->record.prev, f->text, f->len) ||
		known_is(&e->head, f->text, f->len));
}

/* Has the file changed since it was last looked at? */
static bool changed(struct confdir *c, struct entry *e)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct file_sig sig;

	file_sig_of(envfile_path(a, c->services, e->name), &sig);
	return e->unsure || !file_sig_equal(&sig, &e->sig);
}

static void look_odd(struct confdir *c, struct entry *e, const struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();

	if (!e->head.text || !settled(c, e))
		return;
	if (move_odd(c, e, envfile_path(a, c->services, e->name), err)) {
		entry_poke(c, e);
	} else {
		entry_look_at(e, c->now + CONFDIR_RETRY_MS);
		e->forced = true;
	}
}

static void look_unreadable(struct confdir *c, struct entry *e,
			    const struct err *err)
{
	if (!e->told_odd)
		say(c, 4, "%s: its env file is left alone: %s", e->name,
		    err->text);
	e->told_odd = true;
}

static void look(struct confdir *c, struct entry *e)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct found f;
	struct err err;
	bool first = e->unsure;

	e->look_ms = NEVER;
	if (e->asking || e->await_head)
		return;
	if (!e->forced && !changed(c, e))
		return;
	e->forced = false;
	envfile_find(a, envfile_path(a, c->services, e->name), &f, &err);
	/* A change within the tick of a file's clock in which it was read
	 * does not show: read it once more. */
	e->unsure = !first || f.kind == FOUND_UNREADABLE ||
		    !file_sig_equal(&f.sig, &e->sig);
	if (!file_sig_equal(&f.sig, &e->sig)) {
		e->sig = f.sig;
		e->sig_ms = c->now;
	}
	if (f.kind == FOUND_ODD)
		look_odd(c, e, &err);
	else if (f.kind == FOUND_UNREADABLE)
		look_unreadable(c, e, &err);
	else if (f.kind == FOUND_NOTHING)
		look_absent(c, e);
	else if (is_known(e, &f))
		look_known(c, e, &f);
	else
		look_edit(c, e, &f);
}

/* -- what comes in ------------------------------------------------------------
 */

void confdir_head(struct confdir *c, const char *service, const char *rev,
		  const char *text)
{
	struct entry *e = entry_find(c, service);

	if (strchr(service, '/') || service[0] == '.')
		return; /* no name for a file; op refuses such names */
	if (!e && !text)
		return;
	if (!e)
		e = entry_new(c, service);
	e->gone = !text;
	e->await_head = false;
	if (text)
		known_set(&e->head, rev, text, strlen(text));
	else
		known_fini(&e->head);
	entry_poke(c, e);
}

static void answer_taken(struct confdir *c, struct entry *e, const char *rev,
			 const char *text)
{
	struct err err;

	e->told_later = false;
	e->await_head = e->head.text &&
			strcmp(e->head.rev, e->asked.rev) == 0 &&
			strcmp(rev, e->asked.rev) != 0;
	/* What the person sees is that revision; or, when others' changes are
	 * in it as well, still only an edit of the old one. */
	if (text && known_is(&e->asked, text, strlen(text)))
		known_set(&e->asked, rev, e->asked.text, e->asked.len);
	known_fini(&e->record.prev);
	known_set(&e->record.is, e->asked.rev, e->asked.text, e->asked.len);
	if (record_save(c->heads, e->name, &e->record, &err) < 0)
		write_failed(c, e, &err);
	say(c, 6, "%s: the edit of its env file is revision %.12s", e->name,
	    rev);
}

void confdir_answer(struct confdir *c, const char *service,
		    enum confdir_verdict verdict, const char *why,
		    const char *rev, const char *text)
{
	struct entry *e = entry_find(c, service);

	if (!e || !e->asking)
		return;
	e->asking = false;
	free(e->refused);
	e->refused = NULL;
	if (verdict == CONFDIR_TAKEN) {
		answer_taken(c, e, rev, text);
	} else if (verdict == CONFDIR_REFUSED) {
		e->refused = strdup(why);
	} else {
		e->retry_ms = c->now + CONFDIR_RETRY_MS;
		if (!e->told_later)
			say(c, 4,
			    "%s: the edit of its env file is proposed again "
			    "later: %s",
			    e->name, why);
		e->told_later = true;
	}
	entry_poke(c, e);
}

/* "NAME.conf", or NULL for what editors leave about. */
static char *service_of(struct arena *a, const char *file)
{
	size_t n = strlen(file);

	if (file[0] == '.' || file[0] == '#' || n <= 5 ||
	    strcmp(file + n - 5, ".conf") != 0)
		return NULL;
	return arena_printf(a, "%.*s", (int)(n - 5), file);
}

void confdir_touch(struct confdir *c, const char *file)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *name = file ? service_of(a, file) : NULL;
	struct entry *e = name ? entry_find(c, name) : NULL;

	if (e)
		entry_poke(c, e);
	if (!file)
		c->rescan_ms = 0;
}

void confdir_all_named(struct confdir *c)
{
	struct entry *e;

	c->all_named = true;
	LIST_FOREACH(e, &c->entries, link)
	{
		if (e->head.text || e->gone)
			continue;
		e->gone = true;
		entry_poke(c, e);
	}
}

/* -- looking at all
 * ------------------------------------------------------------ */

static struct stranger *stranger_of(struct confdir *c, const char *file)
{
	struct stranger *s;

	LIST_FOREACH(s, &c->strangers, link)
	if (strcmp(s->file, file) == 0)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s || !(s->file = strdup(file)))
		abort();
	LIST_INSERT_HEAD(&c->strangers, s, link);
	return s;
}

static void strangers_drop(struct confdir *c, bool all)
{
	struct stranger *s, *next;

	for (s = LIST_FIRST(&c->strangers); s; s = next) {
		next = LIST_NEXT(s, link);
		if (s->seen && !all)
			continue;
		LIST_REMOVE(s, link);
		free(s->file);
		free(s);
	}
}

static void rescan_strangers(struct confdir *c)
{
	SCOPED(arena) struct arena *a = arena_new();
	DIR *d = opendir(c->services);
	struct stranger *s;
	struct dirent *f;

	if (!d)
		return;
	LIST_FOREACH(s, &c->strangers, link)
	s->seen = false;
	while ((f = readdir(d))) {
		const char *name = service_of(a, f->d_name);

		if (!name || entry_find(c, name))
			continue;
		s = stranger_of(c, f->d_name);
		s->seen = true;
		if (!s->told && c->all_named)
			say(c, 5,
			    "%s/%s is no service's file and is left alone: "
			    "'encap create %s --config FILE' makes a service",
			    c->services, f->d_name, name);
		s->told = c->all_named;
	}
	closedir(d);
	strangers_drop(c, false);
}

static void rescan(struct confdir *c)
{
	struct file_sig sig;
	struct entry *e;
	struct err err;

	c->rescan_ms = c->now + CONFDIR_RESCAN_MS;
	file_sig_of(c->services, &sig);
	if (!sig.ino && disk_make_dir(c->services, 0700, &err) < 0)
		say(c, 3, "%s", err.text);
	LIST_FOREACH(e, &c->entries, link)
	entry_look_at(e, c->now);
	rescan_strangers(c);
	file_sig_of(c->drafts, &sig);
	if (!file_sig_equal(&sig, &c->drafts_sig))
		c->drafts_changed = true;
}

void confdir_step(struct confdir *c, uint64_t now_ms)
{
	struct entry *e, *next;

	c->now = now_ms;
	if (now_ms >= c->rescan_ms)
		rescan(c);
	for (e = LIST_FIRST(&c->entries); e; e = next) {
		next = LIST_NEXT(e, link);
		if (e->old_ms <= now_ms)
			look_old(c, e);
		if (e->look_ms <= now_ms)
			look(c, e);
	}
	if (c->drafts_changed)
		tell_drafts(c);
	for (e = LIST_FIRST(&c->entries); e; e = next) {
		next = LIST_NEXT(e, link);
		if (e->gone && !e->record.is.text && e->old_ms == NEVER &&
		    e->look_ms == NEVER && !e->asking)
			entry_free(e);
	}
}

uint64_t confdir_next_ms(const struct confdir *c)
{
	uint64_t next = c->rescan_ms;
	struct entry *e;

	LIST_FOREACH(e, &c->entries, link)
	{
		if (e->look_ms < next)
			next = e->look_ms;
		if (e->old_ms < next)
			next = e->old_ms;
	}
	return next;
}

/* -- life -------------------------------------------------------------------
 */

/* What was written before, whether or not it is named later. */
static int load_heads(struct confdir *c, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	const size_t suffix = strlen(RECORD_SUFFIX);
	DIR *d = opendir(c->heads);
	struct dirent *f;

	if (!d)
		return err_set(err, -errno, "%s: %s", c->heads,
			       strerror(errno));
	while ((f = readdir(d))) {
		size_t n = strlen(f->d_name);

		if (n <= suffix ||
		    strcmp(f->d_name + n - suffix, RECORD_SUFFIX) != 0)
			continue;
		entry_new(c, arena_printf(a, "%.*s", (int)(n - suffix),
					  f->d_name));
	}
	closedir(d);
	return 0;
}

int confdir_open(struct confdir **ret, const char *services, const char *heads,
		 const char *drafts, const struct confdir_io *io,
		 struct err *err)
{
	struct confdir *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return err_set(err, -ENOMEM, "env files: out of memory");
	c->io = *io;
	c->services = strdup(services);
	c->heads = strdup(heads);
	c->drafts = strdup(drafts);
	if (!c->services || !c->heads || !c->drafts)
		abort();
	LIST_INIT(&c->entries);
	LIST_INIT(&c->strangers);
	rc = disk_make_dir(services, 0700, err);
	if (rc == 0)
		rc = disk_make_dir(heads, 0700, err);
	if (rc == 0)
		rc = disk_make_dir(drafts, 0700, err);
	if (rc == 0)
		rc = load_heads(c, err);
	if (rc < 0) {
		confdir_close(c);
		return rc;
	}
	*ret = c;
	return 0;
}

void confdir_close(struct confdir *c)
{
	if (!c)
		return;
	while (!LIST_EMPTY(&c->entries))
		entry_free(LIST_FIRST(&c->entries));
	strangers_drop(c, true);
	free(c->services);
	free(c->heads);
	free(c->drafts);
	free(c);
}
