#include "cluster/loop/offers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "cluster/loop/envfiles.h"
#include "fsm/op/op.h"

struct offer {
	LIST_ENTRY(offer) link;
	struct offers *offers;
	char *name, *path;
	char *text;  /* to be told; NULL: to be taken back */
	char *draft; /* where the cluster has it, or NULL */
	bool asking, changed;
	uint64_t due_ms; /* UINT64_MAX: it is as it should be */
};

struct offers {
	const struct envfiles_io *io;
	LIST_HEAD(, offer) list;
	uint64_t now_ms;
};

static char *copy(const char *text)
{
	char *s = text ? strdup(text) : NULL;

	if (text && !s)
		abort();
	return s;
}

static struct offer *offer_of(struct offers *o, const char *name)
{
	struct offer *one;

	LIST_FOREACH(one, &o->list, link)
	if (strcmp(one->name, name) == 0)
		return one;
	one = calloc(1, sizeof(*one));
	if (!one)
		abort();
	one->offers = o;
	one->name = copy(name);
	LIST_INSERT_HEAD(&o->list, one, link);
	return one;
}

static void offer_free(struct offer *one)
{
	LIST_REMOVE(one, link);
	free(one->name);
	free(one->path);
	free(one->text);
	free(one->draft);
	free(one);
}

void offers_put(struct offers *o, const char *name, const char *path,
		const char *text)
{
	struct offer *one = offer_of(o, name);

	free(one->path);
	free(one->text);
	one->path = copy(path);
	one->text = copy(text);
	one->changed = true;
	one->due_ms = 0;
}

static void on_answer(void *arg, struct arena *a, struct doc *answer)
{
	struct offer *one = arg;
	int64_t code = doc_get_int(answer, "code", OP_FAILED);
	const char *draft = doc_get_str(doc_get(answer, "data"), "draft", NULL);

	(void)a;
	one->asking = false;
	if (code == OP_NO_QUORUM || code == OP_TIMEOUT) {
		one->due_ms = one->offers->now_ms + OFFERS_RETRY_MS;
		return;
	}
	/* Refused is settled, too: asking again would not change it. */
	free(one->draft);
	one->draft = code == OP_OK ? copy(draft) : NULL;
	one->due_ms = one->changed ? 0 : UINT64_MAX;
}

static void ask(struct offer *one)
{
	const struct envfiles_io *io = one->offers->io;
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *req = doc_map(a), *by = doc_map(a);
	bool drop = one->draft; /* the one before goes first */

	doc_put_str(a, req, "op", drop ? "svc_draft_drop" : "svc_draft_add");
	doc_put_str(a, req, "name", one->name);
	if (drop) {
		doc_put_str(a, req, "draft", one->draft);
	} else {
		one->changed = false;
		doc_put_str(a, req, "kind", "offer");
		doc_put_str(a, req, "config", one->text);
		doc_put_str(a, req, "where", one->path);
		doc_put_str(a, req, "why", "a file that is no service's");
	}
	doc_put_str(a, by, "user", "root");
	doc_put_str(a, by, "tool", "file");
	doc_put(a, req, "by", by);
	one->asking = true;
	io->request(io->ctx, req, on_answer, one);
}

void offers_turn(struct offers *o, uint64_t now_ms)
{
	struct offer *one, *next;

	o->now_ms = now_ms;
	for (one = LIST_FIRST(&o->list); one; one = next) {
		next = LIST_NEXT(one, link);
		if (one->asking || one->due_ms > now_ms)
			continue;
		if (one->text || one->draft)
			ask(one);
		else
			offer_free(one);
	}
}

uint64_t offers_next_ms(const struct offers *o)
{
	uint64_t next = UINT64_MAX;
	struct offer *one;

	LIST_FOREACH(one, &o->list, link)
	if (!one->asking && one->due_ms < next)
		next = one->due_ms;
	return next;
}

struct offers *offers_new(const struct envfiles_io *io)
{
	struct offers *o = calloc(1, sizeof(*o));

	if (!o)
		abort();
	o->io = io;
	LIST_INIT(&o->list);
	return o;
}

void offers_free(struct offers *o)
{
	while (!LIST_EMPTY(&o->list))
		offer_free(LIST_FIRST(&o->list));
	free(o);
}
