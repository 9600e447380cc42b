#include "cluster/loop/strangers.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "cluster/loop/envfile.h"
#include "fsm/conf/conf.h"

#define STRANGERS_MAX 64 /* offers; a folder may hold anything */

struct stranger {
	LIST_ENTRY(stranger) link;
	char *name;
	struct file_sig sig; /* as last seen */
	bool seen, judged;   /* in the scan under way; as it is by sig */
	bool offered;
};

struct strangers {
	char *dir;
	struct strangers_io io;
	LIST_HEAD(, stranger) list;
	size_t n;
};

static void say(struct strangers *s, int level, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

static void say(struct strangers *s, int level, const char *fmt, ...)
{
	char text[700];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->io.log(s->io.ctx, level, text);
}

char *strangers_service(struct arena *a, const char *file)
{
	size_t n = strlen(file);

	if (file[0] == '.' || file[0] == '#' || n <= 5 ||
	    strcmp(file + n - 5, ".conf") != 0)
		return NULL;
	return arena_printf(a, "%.*s", (int)(n - 5), file);
}

static struct stranger *stranger_of(struct strangers *s, const char *name)
{
	struct stranger *one;

	LIST_FOREACH(one, &s->list, link)
	if (strcmp(one->name, name) == 0)
		return one;
	if (s->n == STRANGERS_MAX)
		return NULL;
	one = calloc(1, sizeof(*one));
	if (!one || !(one->name = strdup(name)))
		abort();
	LIST_INSERT_HEAD(&s->list, one, link);
	s->n++;
	return one;
}

static void stranger_end(struct strangers *s, struct stranger *one)
{
	LIST_REMOVE(one, link);
	s->n--;
	free(one->name);
	free(one);
}

static void withdraw(struct strangers *s, struct stranger *one)
{
	SCOPED(arena) struct arena *a = arena_new();

	if (one->offered)
		s->io.offer(s->io.ctx, one->name,
			    envfile_path(a, s->dir, one->name), NULL, 0);
	one->offered = false;
}

/* It has been the same for the time between two scans. */
static void judge(struct strangers *s, struct stranger *one)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *path = envfile_path(a, s->dir, one->name);
	struct found f;
	struct err err;

	if (envfile_is_written(path))
		return;
	one->judged = true;
	envfile_find(a, path, &f, &err);
	if (name_check(one->name, &err) < 0)
		say(s, 5, "%s is left alone: no service can have its name: %s",
		    path, err.text);
	else if (f.kind != FOUND_TEXT)
		say(s, 5, "%s is left alone: it is no env file", path);
	else if (found_is_blank(&f))
		say(s, 5, "%s is left alone: it is empty", path);
	else {
		say(s, 5,
		    "%s is no service's file and is left alone: 'encap "
		    "create %s --draft' makes a service of it",
		    path, one->name);
		one->offered = true;
		s->io.offer(s->io.ctx, one->name, path, f.text, f.len);
		return;
	}
	withdraw(s, one);
}

static void see(struct strangers *s, const char *name)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct stranger *one = stranger_of(s, name);
	struct file_sig sig;

	if (!one)
		return;
	one->seen = true;
	file_sig_of(envfile_path(a, s->dir, name), &sig);
	if (!file_sig_equal(&sig, &one->sig)) {
		one->sig = sig;
		one->judged = false;
	} else if (!one->judged) {
		judge(s, one);
	}
}

void strangers_scan(struct strangers *s)
{
	SCOPED(arena) struct arena *a = arena_new();
	DIR *d = opendir(s->dir);
	struct stranger *one, *next;
	struct dirent *f;

	if (!d)
		return;
	LIST_FOREACH(one, &s->list, link)
	one->seen = false;
	while ((f = readdir(d))) {
		const char *name = strangers_service(a, f->d_name);

		if (name && !s->io.is_service(s->io.ctx, name))
			see(s, name);
	}
	closedir(d);
	for (one = LIST_FIRST(&s->list); one; one = next) {
		next = LIST_NEXT(one, link);
		if (one->seen)
			continue;
		withdraw(s, one);
		stranger_end(s, one);
	}
}

struct strangers *strangers_new(const char *dir, const struct strangers_io *io)
{
	struct strangers *s = calloc(1, sizeof(*s));

	if (!s || !(s->dir = strdup(dir)))
		abort();
	s->io = *io;
	LIST_INIT(&s->list);
	return s;
}

void strangers_free(struct strangers *s)
{
	if (!s)
		return;
	while (!LIST_EMPTY(&s->list))
		stranger_end(s, LIST_FIRST(&s->list));
	free(s->dir);
	free(s);
}
