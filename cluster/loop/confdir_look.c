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
 * Ways out: in conflict: a draft, and the head is restored. Not valid: the
 * same, if it is not mended in a moment, for it may be half a file; empty: no
 * draft, for there is nothing to keep. No leader, or not heard of: the file
 * stays as it is and is proposed again. The service is deleted: a draft, and
 * the file goes. It is not known what it is based on (no record of ours): the
 * group knows it as an old copy, or keeps it as a draft. It is no file: it is
 * moved away. It was removed: it comes back.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/loop/confdir_internal.h"
#include "cluster/loop/drafts.h"

#define OPEN_MS 10000

static void news_set(struct confdir *c, struct entry *e, const char *text)
{
	free(e->news);
	e->news = strdup(text);
	c->drafts_changed = true;
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
		if (!e->told_odd)
			confdir_say(c, 3, "%s; the file stays as it is",
				    err.text);
		e->told_odd = true;
		return false;
	}
	confdir_say(
		c, 4,
		"%s: an edit of its env file is refused: %s; it is kept as %s",
		e->name, why, path);
	news_set(c, e,
		 arena_printf(a, "an edit is kept as a draft, %s: %.*s", path,
			      (int)strcspn(why, "\n"), why));
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
			confdir_say(c, 3,
				    "%s: its env file is not there: %s; %s",
				    e->name, what->text, err.text);
		e->told_odd = true;
		return false;
	}
	confdir_say(c, 4, "%s: no env file: %s: it is moved to %s", e->name,
		    what->text, to);
	news_set(c, e,
		 arena_printf(a, "no env file: %s: it is moved to %s",
			      what->text, to));
	return true;
}

/* -- writing the head ------------------------------------------------------ */

/* What there is, @f, which is known or kept as a draft, is about to be the old
 * one. Where its text was not read, it is known by the rest. */
static void old_expect(struct confdir *c, struct entry *e,
		       const struct found *f)
{
	known_set(&e->record.old, "", f->text ? f->text : "", f->len);
	e->old_sig = f->text ? (struct file_sig){ 0 } : f->sig;
	e->old_ms = c->now + CONFDIR_OLD_MS;
}

/* The same file, by another name: that changes its ctime. */
static bool is_moved(const struct file_sig *a, const struct file_sig *b)
{
	return b->ino && a->dev == b->dev && a->ino == b->ino &&
	       a->size == b->size && a->mtime_ns == b->mtime_ns;
}

/* Nobody edited it. */
static bool is_known(const struct entry *e, const struct found *f)
{
	return f->kind == FOUND_TEXT &&
	       (known_is(&e->record.is, f->text, f->len) ||
		known_is(&e->record.prev, f->text, f->len) ||
		known_is(&e->head, f->text, f->len));
}

/* What was replaced is what it should have been; or somebody saved an edit in
 * that very moment, or had the file open and wrote on. */
void look_old(struct confdir *c, struct entry *e)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *path = envfile_old(a, c->services, e->name);
	struct found f;
	struct err err;
	bool fine;

	envfile_find(a, path, &f, &err);
	if (f.kind == FOUND_ODD && move_odd(c, e, path, &err))
		f.kind = FOUND_NOTHING;
	fine = f.kind == FOUND_NOTHING || is_moved(&f.sig, &e->old_sig) ||
	       (f.kind == FOUND_TEXT &&
		known_is(&e->record.old, f.text, f.len)) ||
	       is_known(e, &f);
	if (!fine && !keep_draft(c, e, path, &f,
				 "it was saved in the moment in which another "
				 "revision took the file's place")) {
		e->old_ms = c->now + CONFDIR_RETRY_MS;
		return;
	}
	if (unlink(path) < 0 && errno != ENOENT) { /* a read-only folder */
		old_expect(c, e, &f);		   /* not to be kept twice */
		e->old_ms = c->now + CONFDIR_RETRY_MS;
		return;
	}
	e->old_sig = (struct file_sig){ 0 };
	e->old_ms = NEVER;
}

void look_write_failed(struct confdir *c, struct entry *e,
		       const struct err *err)
{
	if (!e->told_odd)
		confdir_say(c, 3, "%s: its env file cannot be written: %s",
			    e->name, err->text);
	e->told_odd = true;
	entry_read_at(e, c->now + CONFDIR_RETRY_MS);
}

/* What was replaced before is to be looked at before something else takes its
 * place. */
static bool old_is_free(struct confdir *c, struct entry *e)
{
	if (e->old_ms != NEVER)
		look_old(c, e);
	if (e->old_ms == NEVER)
		return true;
	entry_read_at(e, e->old_ms);
	return false;
}

/* While the file is being replaced the record holds both texts: whichever a
 * crash leaves there, nobody edited it. */
static int record_begin(struct confdir *c, struct entry *e,
			const struct found *f, struct err *err)
{
	bool is_there = f->kind == FOUND_TEXT &&
			known_is(&e->record.is, f->text, f->len);

	/* One that was begun and could not be ended leaves what was there. */
	if (e->record.is.text && (is_there || !e->record.prev.text)) {
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

static void kept_none(struct entry *e)
{
	known_fini(&e->kept);
	e->kept_sig = (struct file_sig){ 0 };
}

static void written(struct confdir *c, struct entry *e)
{
	SCOPED(arena) struct arena *a = arena_new();

	file_sig_of(envfile_path(a, c->services, e->name), &e->sig);
	e->sig_ms = c->now;
	e->unsure = true; /* by now it may be somebody else's */
	e->told_odd = e->told_open = false;
	kept_none(e);
}

/* Make the file be the head. It holds what @f says, which is known, or kept as
 * a draft. True if it could be done. */
static bool write_head(struct confdir *c, struct entry *e,
		       const struct found *f)
{
	bool was_there = f->kind != FOUND_NOTHING;
	struct err err;
	int rc;

	assert(e->head.text);
	if (!old_is_free(c, e))
		return false;
	if (was_there)
		old_expect(c, e, f);
	rc = record_begin(c, e, f, &err);
	if (rc == 0)
		rc = envfile_put(c->services, e->name,
				 was_there ? &f->sig : NULL, e->head.text,
				 e->head.len, &err);
	if (rc == -EEXIST) { /* somebody was faster: that is an edit */
		entry_poke(c, e);
		return false;
	}
	if (rc >= 0 && e->record.prev.text) {
		recent_add(&e->recent, &e->record.prev, c->now);
		rc = record_end(c, e, &err);
	}
	if (rc < 0)
		look_write_failed(c, e, &err);
	else
		written(c, e);
	return rc >= 0;
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
		confdir_say(c, 5,
			    "%s: somebody has it open for writing: an edit is "
			    "taken once it is closed",
			    path);
	}
	entry_read_at(e, c->now < due ? due : c->now + CONFDIR_SETTLE_MS);
	return false;
}

static void look_gone(struct confdir *c, struct entry *e)
{
	struct err err;

	if (e->old_ms != NEVER) {
		entry_read_at(e, e->old_ms);
		return;
	}
	if (record_remove(c->heads, e->name, &err) < 0)
		confdir_say(c, 4, "%s", err.text);
	record_fini(&e->record);
}

static void look_absent(struct confdir *c, struct entry *e)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct found nothing = { .kind = FOUND_NOTHING };
	bool was_there = e->record.is.text;
	const char *said;

	if (e->gone) {
		look_gone(c, e);
		return;
	}
	/* An editor moves the file away before it writes the new one. */
	if (!e->head.text || (was_there && !settled(c, e)) ||
	    !write_head(c, e, &nothing) || !was_there)
		return;
	said = arena_printf(a,
			    "its env file was removed and is written again: "
			    "'encap delete %s' deletes a service",
			    e->name);
	confdir_say(c, 4, "%s: %s", e->name, said);
	news_set(c, e, said);
}

static void set_aside(struct confdir *c, struct entry *e, const struct found *f)
{
	struct err err;
	int rc = 0;

	if (!old_is_free(c, e))
		return;
	old_expect(c, e, f);
	if (e->record.is.text)
		rc = record_save(c->heads, e->name, &e->record, &err);
	if (rc == 0)
		rc = envfile_set_aside(c->services, e->name, &err);
	if (rc < 0) {
		look_write_failed(c, e, &err);
		return;
	}
	kept_none(e);
	entry_poke(c, e);
}

/* The edit that was there is settled. */
static void edit_end(struct confdir *c, struct entry *e)
{
	if (e->told_waits)
		c->io.waits(c->io.ctx, e->name, 0, NULL);
	free(e->refused);
	free(e->draft);
	e->refused = e->draft = NULL;
	e->wait_ms = 0;
	e->told_waits = e->told_later = false;
}

static void look_known(struct confdir *c, struct entry *e,
		       const struct found *f)
{
	struct err err;

	edit_end(c, e);
	if (e->gone) {
		set_aside(c, e, f);
		return;
	}
	if (!e->head.text)
		return;
	if (!known_is(&e->head, f->text, f->len)) {
		write_head(c, e, f);
		return;
	}
	if (!e->record.prev.text && e->record.is.text &&
	    strcmp(e->record.is.rev, e->head.rev) == 0 &&
	    known_is(&e->record.is, f->text, f->len))
		return;
	recent_add(&e->recent, &e->record.is, c->now);
	if (record_end(c, e, &err) < 0)
		look_write_failed(c, e, &err);
}

/* It was kept when we came to it first, but could not be replaced then. */
static bool is_kept(const struct entry *e, const struct found *f)
{
	return f->kind == FOUND_TEXT
		       ? known_is(&e->kept, f->text, f->len)
		       : e->kept_sig.ino &&
				 file_sig_equal(&e->kept_sig, &f->sig);
}

static void replace_kept(struct confdir *c, struct entry *e,
			 const struct found *f)
{
	if (f->text)
		known_set(&e->kept, "", f->text, f->len);
	e->kept_sig = f->sig;
	if (e->gone)
		set_aside(c, e, f);
	else
		write_head(c, e, f);
}

static void edit_refused(struct confdir *c, struct entry *e,
			 const struct found *f, const char *why)
{
	SCOPED(arena) struct arena *a = arena_new();

	if (!keep_draft(c, e, envfile_path(a, c->services, e->name), f, why)) {
		entry_read_at(e, c->now + CONFDIR_RETRY_MS);
		return;
	}
	edit_end(c, e);
	replace_kept(c, e, f);
}

static const char *owner(struct arena *a, uid_t uid)
{
	return uid == 0 ? "root" : arena_printf(a, "uid %u", (unsigned)uid);
}

/* The revision of which it was made; "" where that is not known: it was there
 * before the service, or our record is lost. */
static const char *base_of(struct confdir *c, const struct entry *e,
			   const struct found *f)
{
	const struct known *last =
		e->record.prev.text ? &e->record.prev : &e->record.is;
	const struct known *base;

	if (!last->text)
		return "";
	base = recent_base(&e->recent, last, f->text, f->len, e->sig_ms);
	if (base != last)
		confdir_say(c, 5,
			    "%s: its env file was edited as revision %.12s "
			    "had it, which %.12s had just replaced",
			    e->name, base->rev, last->rev);
	return base->rev;
}

/* @keep: if it is not valid, the group keeps it as a draft. */
static void edit_propose(struct confdir *c, struct entry *e,
			 const struct found *f, bool keep)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *base;

	if (c->now < e->retry_ms) {
		entry_read_at(e, e->retry_ms);
		return;
	}
	base = base_of(c, e, f);
	if (!e->wait_ms)
		e->wait_ms = c->now;
	known_set(&e->asked, base, f->text, f->len);
	e->asking = true;
	e->asked_keep = keep;
	c->io.edit(c->io.ctx, e->name,
		   &(struct confdir_edit){ base, f->text, f->len,
					   owner(a, f->uid), keep });
}

/* What is not valid may be half of what somebody is about to write. */
static bool in_grace(struct confdir *c, struct entry *e)
{
	uint64_t until = e->sig_ms + CONFDIR_GRACE_MS;

	if (c->now >= until)
		return false;
	entry_read_at(e, until);
	return true;
}

/* @f is what was refused. */
static void look_refused(struct confdir *c, struct entry *e,
			 const struct found *f)
{
	if (e->draft) {
		confdir_say(c, 4,
			    "%s: an edit of its env file is refused: %s; it is "
			    "draft %.12s: 'encap drafts %s'",
			    e->name, e->refused, e->draft, e->name);
		edit_end(c, e);
		replace_kept(c, e, f);
	} else if (e->invalid && !e->asked_keep) {
		if (!in_grace(c, e))
			edit_propose(c, e, f, true);
	} else {
		edit_refused(c, e, f, e->refused);
	}
}

/* Its editor failed half-way, or is about to write it. */
static void look_empty(struct confdir *c, struct entry *e,
		       const struct found *f)
{
	if (in_grace(c, e))
		return;
	confdir_say(c, 4,
		    "%s: its env file was empty and is written again: 'encap "
		    "delete %s' deletes a service",
		    e->name, e->name);
	replace_kept(c, e, f);
}

static void look_edit(struct confdir *c, struct entry *e, const struct found *f)
{
	SCOPED(arena) struct arena *a = arena_new();

	if (!e->gone && !e->head.text)
		return; /* not named yet */
	if (!settled(c, e))
		return;
	if (is_kept(e, f))
		replace_kept(c, e, f);
	else if (found_is_blank(f))
		look_empty(c, e, f);
	else if (e->gone)
		edit_refused(c, e, f, "the service was deleted");
	else if (f->kind == FOUND_LARGE)
		edit_refused(c, e, f,
			     envfile_why_large(a, c->services, e->name,
					       f->sig.size));
	else if (e->refused && known_is(&e->asked, f->text, f->len))
		look_refused(c, e, f);
	else
		edit_propose(c, e, f, false);
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
	const struct found nothing = { .kind = FOUND_NOTHING };

	if (!e->head.text || !settled(c, e))
		return;
	if (move_odd(c, e, envfile_path(a, c->services, e->name), err)) {
		write_head(c, e, &nothing);
	} else {
		entry_read_at(e, c->now + CONFDIR_RETRY_MS);
	}
}

static void look_unreadable(struct confdir *c, struct entry *e,
			    const struct err *err)
{
	if (!e->told_odd)
		confdir_say(c, 4, "%s: its env file is left alone: %s", e->name,
			    err->text);
	e->told_odd = true;
}

void look(struct confdir *c, struct entry *e)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct found f;
	struct err err;
	bool first = e->unsure;

	e->look_ms = NEVER;
	if (e->asking)
		return;
	if (c->now < e->await_ms) {
		entry_read_at(e, e->await_ms);
		return;
	}
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
