/*
 * Lines are compared with the section that they stand in, and counted: the
 * same line may stand in several places.
 */
#include "cluster/loop/recent.h"

#include <stdlib.h>
#include <string.h>

struct line {
	const char *section, *at;
	size_t section_len, len;
	int last, prev, text; /* how often it is there */
};

struct table {
	struct line *at;
	size_t n;
};

void recent_fini(struct recent *r)
{
	for (size_t i = 0; i < RECENT_KEPT; i++)
		known_fini(&r->text[i]);
}

void recent_add(struct recent *r, const struct known *was, uint64_t now_ms)
{
	const size_t end = RECENT_KEPT - 1;

	if (!was->text)
		return;
	known_fini(&r->text[end]);
	memmove(&r->text[1], &r->text[0], end * sizeof(r->text[0]));
	memmove(&r->until_ms[1], &r->until_ms[0], end * sizeof(r->until_ms[0]));
	r->text[0] = (struct known){ 0 };
	known_set(&r->text[0], was->rev, was->text, was->len);
	r->until_ms[0] = now_ms;
}

/* -- lines -------------------------------------------------------------- */

static size_t count_lines(const char *text, size_t len)
{
	size_t n = 1;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

/* Those that say something. */
static void lines_add(struct table *t, const char *text, size_t len, int which)
{
	const char *end = text + len, *section = text;
	size_t section_len = 0;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);

		if (n && *text == '[') {
			section = text;
			section_len = n;
		}
		if (n)
			t->at[t->n++] = (struct line){ section,	    text,
						       section_len, n,
						       which == 0,  which == 1,
						       which == 2 };
		text += n + 1;
	}
}

static int compare_bytes(const char *a, size_t n, const char *b, size_t m)
{
	int d = memcmp(a, b, n < m ? n : m);

	return d ? d : (n > m) - (n < m);
}

static int compare(const void *x, const void *y)
{
	const struct line *a = x, *b = y;
	int d = compare_bytes(a->section, a->section_len, b->section,
			      b->section_len);

	return d ? d : compare_bytes(a->at, a->len, b->at, b->len);
}

static void count_equal(struct table *t)
{
	size_t n = 0;

	qsort(t->at, t->n, sizeof(t->at[0]), compare);
	for (size_t i = 0; i < t->n; i++) {
		struct line *to = n ? &t->at[n - 1] : NULL;

		if (to && compare(to, &t->at[i]) == 0) {
			to->last += t->at[i].last;
			to->prev += t->at[i].prev;
			to->text += t->at[i].text;
		} else {
			t->at[n++] = t->at[i];
		}
	}
	t->n = n;
}

/* Nothing of what @last brought to @prev is in @text, and what it took away
 * is, or some of it, where the edit changed the same lines. */
static bool undoes(const struct known *prev, const struct known *last,
		   const char *text, size_t len)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct table t = { 0 };
	size_t brought = 0, taken = 0, back = 0;

	t.at = arena_alloc(a, (count_lines(last->text, last->len) +
			       count_lines(prev->text, prev->len) +
			       count_lines(text, len)) *
				      sizeof(t.at[0]));
	lines_add(&t, last->text, last->len, 0);
	lines_add(&t, prev->text, prev->len, 1);
	lines_add(&t, text, len, 2);
	count_equal(&t);
	for (size_t i = 0; i < t.n; i++) {
		const struct line *l = &t.at[i];

		if (l->last > l->prev && l->text > l->prev)
			return false;
		brought += l->last > l->prev;
		taken += l->last < l->prev;
		back += l->last < l->prev && l->text > l->last;
	}
	return taken ? back > 0 : brought > 0;
}

const struct known *recent_base(const struct recent *r,
				const struct known *last, const char *text,
				size_t len, uint64_t seen_ms)
{
	for (size_t i = 0; i < RECENT_KEPT && r->text[i].text; i++) {
		if (seen_ms > r->until_ms[i] + RECENT_MS ||
		    known_is(&r->text[i], text, len))
			return last;
		if (!undoes(&r->text[i], last, text, len))
			break;
		last = &r->text[i];
	}
	return last;
}
