#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/loop/confdir_internal.h"
#include "cluster/loop/disk.h"
#include "cluster/loop/drafts.h"

#define AWAIT_MS   1000 /* for a head that was agreed to come */
#define MAX_DRAFTS 8	/* that are told of, per service */

void confdir_say(struct confdir *c, int level, const char *fmt, ...)
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
		confdir_say(c, 4,
			    "what was last written of %s is not known: %s",
			    name, err.text);
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
	known_fini(&e->kept);
	record_fini(&e->record);
	recent_fini(&e->recent);
	arena_free(e->drafts_arena);
	free(e->news);
	free(e->draft);
	free(e->refused);
	free(e->name);
	free(e);
}

void entry_look_at(struct entry *e, uint64_t at)
{
	if (at < e->look_ms)
		e->look_ms = at;
}

void entry_read_at(struct entry *e, uint64_t at)
{
	entry_look_at(e, at);
	e->forced = true;
}

void entry_poke(struct confdir *c, struct entry *e)
{
	e->look_ms = c->now;
	e->forced = true;
}

/* -- drafts ---------- */

static void tell_drafts(struct confdir *c)
{
	struct arena *a = arena_new();
	struct doc *all;
	struct entry *e;
	struct err err;

	c->drafts_changed = false;
	file_sig_of(c->drafts, &c->drafts_sig);
	if (drafts_list(a, c->drafts, MAX_DRAFTS, &all, &err) < 0) {
		confdir_say(c, 4, "drafts: %s", err.text);
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
	c->named = true; /* those that there are come together */
	e->gone = !text;
	e->await_ms = 0;
	if (text)
		known_set(&e->head, rev, text, strlen(text));
	else
		known_fini(&e->head);
	entry_poke(c, e);
}

/* What the person sees is a revision now, or one of two that were merged. */
static void answer_taken(struct confdir *c, struct entry *e,
			 const struct confdir_answer *answer)
{
	const char *own = answer->own ? answer->own : answer->rev;
	struct err err;

	if (e->head.text && strcmp(e->head.rev, answer->rev) != 0)
		e->await_ms = c->now + AWAIT_MS;
	if (own[0])
		known_set(&e->asked, own, e->asked.text, e->asked.len);
	recent_add(&e->recent,
		   e->record.prev.text ? &e->record.prev : &e->record.is,
		   c->now);
	known_fini(&e->record.prev);
	known_set(&e->record.is, e->asked.rev, e->asked.text, e->asked.len);
	if (record_save(c->heads, e->name, &e->record, &err) < 0)
		look_write_failed(c, e, &err);
	confdir_say(c, 6, "%s: the edit of its env file is revision %.12s%s",
		    e->name, answer->rev,
		    answer->own ? ", merged with others" : "");
}

static void answer_later(struct confdir *c, struct entry *e, const char *why)
{
	e->retry_ms = c->now + CONFDIR_RETRY_MS;
	if (!e->told_later)
		confdir_say(c, 4,
			    "%s: the edit of its env file is proposed again "
			    "later: %s",
			    e->name, why);
	e->told_later = true;
	if (!e->told_waits)
		c->io.waits(c->io.ctx, e->name, e->wait_ms, why);
	e->told_waits = true;
}

void confdir_answer(struct confdir *c, const char *service,
		    const struct confdir_answer *answer)
{
	struct entry *e = entry_find(c, service);

	if (!e || !e->asking)
		return;
	e->asking = false;
	free(e->refused);
	free(e->draft);
	e->refused = e->draft = NULL;
	switch (answer->verdict) {
	case CONFDIR_TAKEN:
		answer_taken(c, e, answer);
		break;
	case CONFDIR_LATER:
		answer_later(c, e, answer->why);
		break;
	case CONFDIR_REFUSED:
	case CONFDIR_INVALID:
		e->refused = strdup(answer->why);
		e->draft = answer->draft ? strdup(answer->draft) : NULL;
		e->invalid = answer->verdict == CONFDIR_INVALID;
		break;
	}
	entry_poke(c, e);
}

void confdir_touch(struct confdir *c, const char *file)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *name = file ? strangers_service(a, file) : NULL;
	struct entry *e = name ? entry_find(c, name) : NULL;

	if (e)
		entry_poke(c, e);
	if (!file)
		c->rescan_ms = 0;
	else if (name && !e && c->rescan_ms > c->now + CONFDIR_SETTLE_MS)
		c->rescan_ms = c->now + CONFDIR_SETTLE_MS;
}

void confdir_all_named(struct confdir *c)
{
	struct entry *e;

	c->named = true;
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

static void rescan(struct confdir *c)
{
	struct file_sig sig;
	struct entry *e;
	struct err err;

	c->rescan_ms = c->now + CONFDIR_RESCAN_MS;
	file_sig_of(c->services, &sig);
	if (!sig.ino && disk_make_dir(c->services, 0700, &err) < 0)
		confdir_say(c, 3, "%s", err.text);
	LIST_FOREACH(e, &c->entries, link)
	entry_look_at(e, c->now);
	if (c->named)
		strangers_scan(c->strangers);
	file_sig_of(c->drafts, &sig);
	if (!file_sig_equal(&sig, &c->drafts_sig))
		c->drafts_changed = true;
}

static bool waits_long(const struct confdir *c, const struct entry *e)
{
	return e->asking && !e->told_waits &&
	       c->now >= e->wait_ms + CONFDIR_WAITS_MS;
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
	LIST_FOREACH(e, &c->entries, link)
	if (waits_long(c, e)) {
		e->told_waits = true;
		c->io.waits(c->io.ctx, e->name, e->wait_ms,
			    "the group has not answered yet");
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
		if (e->asking && !e->told_waits &&
		    e->wait_ms + CONFDIR_WAITS_MS < next)
			next = e->wait_ms + CONFDIR_WAITS_MS;
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

static bool is_service(void *ctx, const char *name)
{
	return entry_find(ctx, name);
}

static void on_offer(void *ctx, const char *name, const char *path,
		     const char *text, size_t len)
{
	struct confdir *c = ctx;

	c->io.offer(c->io.ctx, name, path, text, len);
}

static void on_stranger(void *ctx, int level, const char *text)
{
	confdir_say(ctx, level, "%s", text);
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
	c->strangers = strangers_new(
		services,
		&(struct strangers_io){ c, is_service, on_offer, on_stranger });
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
	strangers_free(c->strangers);
	free(c->services);
	free(c->heads);
	free(c->drafts);
	free(c);
}
