#include "cluster/sim/diary.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {
	[DIARY_ACT] = "act",	     [DIARY_WORLD] = "world",
	[DIARY_CLUSTER] = "cluster", [DIARY_AGENT] = "agent",
	[DIARY_SERVICE] = "service", [DIARY_ANSWER] = "answer",
	[DIARY_MET] = "met",	     [DIARY_FAILED] = "failed",
};

static const char *const marks[] = {
	[DIARY_ACT] = "> ",   [DIARY_WORLD] = "",	   [DIARY_CLUSTER] = "",
	[DIARY_AGENT] = "",   [DIARY_SERVICE] = "",	   [DIARY_ANSWER] = "",
	[DIARY_MET] = "ok: ", [DIARY_FAILED] = "FAILED: ",
};

static const char *copy_of(struct arena *a, const char *text)
{
	return text ? arena_printf(a, "%s", text) : NULL;
}

void diary_add(struct diary *d, uint64_t at_us, enum diary_kind kind,
	       const char *node, const char *service, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (d->n == d->cap) {
		struct diary_entry *more;

		d->cap = d->cap ? 2 * d->cap : 256;
		more = ARENA_VEC(d->arena, struct diary_entry, d->cap);
		if (d->n)
			memcpy(more, d->at, d->n * sizeof(*more));
		d->at = more;
	}
	d->at[d->n] = (struct diary_entry){
		.at_us = at_us,
		.seq = d->n,
		.kind = kind,
		.node = copy_of(d->arena, node),
		.service = copy_of(d->arena, service),
		.text = copy_of(d->arena, text),
	};
	d->n++;
}

static void entry_text(struct buf *b, const struct diary_entry *e)
{
	buf_puts(b, marks[e->kind]);
	if (e->node)
		buf_printf(b, "%s: ", e->node);
	if (e->service)
		buf_printf(b, "%s%s", e->service,
			   e->kind == DIARY_WORLD ? " " : ": ");
	buf_puts(b, e->text);
}

bool diary_says(const struct diary *d, uint64_t since_us, const char *text)
{
	SCOPED(arena) struct arena *a = arena_new();

	for (size_t i = d->n; i-- > 0;) {
		struct buf b = BUF(a);

		if (d->at[i].at_us < since_us || d->at[i].kind == DIARY_ACT)
			continue;
		entry_text(&b, &d->at[i]);
		if (strstr(buf_text(&b), text))
			return true;
	}
	return false;
}

static int by_time(const void *x, const void *y)
{
	const struct diary_entry *a = x, *b = y;

	if (a->at_us != b->at_us)
		return a->at_us < b->at_us ? -1 : 1;
	return a->seq < b->seq ? -1 : 1;
}

void diary_sort(struct diary *d)
{
	if (d->n)
		qsort(d->at, d->n, sizeof(*d->at), by_time);
}

static uint64_t shown_ms(const struct diary *d, const struct diary_entry *e)
{
	return e->at_us > d->zero_us ? (e->at_us - d->zero_us) / 1000 : 0;
}

void diary_text(struct buf *out, const struct diary *d)
{
	for (size_t i = 0; i < d->n; i++) {
		if (d->at[i].at_us < d->zero_us)
			continue;
		buf_printf(out, "%8.1f  ",
			   (double)shown_ms(d, &d->at[i]) / 1000);
		entry_text(out, &d->at[i]);
		buf_puts(out, "\n");
	}
}

struct doc *diary_doc(struct arena *a, const struct diary *d)
{
	struct doc *list = doc_list(a);

	for (size_t i = 0; i < d->n; i++) {
		const struct diary_entry *e = &d->at[i];
		struct doc *row = doc_map(a);

		if (e->at_us < d->zero_us)
			continue;
		doc_put_int(a, row, "at_ms", (int64_t)shown_ms(d, e));
		doc_put_str(a, row, "kind", words[e->kind]);
		if (e->node)
			doc_put_str(a, row, "node", e->node);
		if (e->service)
			doc_put_str(a, row, "service", e->service);
		doc_put_str(a, row, "text", e->text);
		doc_add(a, list, row);
	}
	return list;
}
