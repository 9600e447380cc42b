/*
 * Myers' greedy algorithm: for each number d of differences, how far one gets
 * on each diagonal; the way back through what was kept of each d is the
 * shortest script. Equal ends are cut off first, so that a usual edit costs
 * little.
 */
#include "fsm/rev/lines.h"

#include <string.h>

#include "fsm/base/buf.h"
#include "fsm/rev/internal.h"

/* -- lines as numbers ----------------------------------------------------- */

void lines_split(struct arena *a, const char *text, struct lines *ret)
{
	size_t n = 0;
	const char *at = text;

	for (const char *p = text; *p; p++)
		n += *p == '\n' || !p[1];
	*ret = (struct lines){ .n = n };
	if (n)
		ret->at = ARENA_VEC(a, struct line_span, n);
	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(at, "\n");

		len += at[len] == '\n';
		ret->at[i] = (struct line_span){ at, len };
		at += len;
	}
}

struct interner interner_for(struct arena *a, size_t n)
{
	struct interner in = { 0 };
	size_t cap = 16;

	while (cap < n * 2)
		cap *= 2;
	in.slots = ARENA_VEC(a, struct line_span, cap);
	in.ids = ARENA_VEC(a, uint32_t, cap);
	in.mask = cap - 1;
	return in;
}

uint32_t intern(struct interner *in, const struct line_span *l)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

	for (size_t i = 0; i < l->len; i++)
		h = (h ^ (unsigned char)l->at[i]) * 0x100000001b3u;
	for (size_t i = (size_t)(h ^ h >> 29) & in->mask;;
	     i = (i + 1) & in->mask) {
		struct line_span *s = &in->slots[i];

		if (!s->len) {
			*s = *l;
			in->ids[i] = ++in->next;
		} else if (s->len != l->len ||
			   memcmp(s->at, l->at, l->len) != 0) {
			continue;
		}
		return in->ids[i];
	}
}

/* -- the shortest script -------------------------------------------------- */

#define DIFFERENCES_MAX 1000
#define STEPS_MAX	(20 * 1000 * 1000) /* so that no text takes long */

struct script { /* what lies between the equal ends */
	const uint32_t *old, *new;
	long n_old, n_new;
	bool *taken, *put; /* of old, of new */
};

static void all_differs(const struct script *s)
{
	memset(s->taken, true, (size_t)s->n_old);
	memset(s->put, true, (size_t)s->n_new);
}

/* From which diagonal is k reached with d differences? */
static bool from_above(const int32_t *v, long d, long k)
{
	return k == -d || (k != d && v[k - 1] < v[k + 1]);
}

static void walk_back(const struct script *s, int32_t *const *kept, long d)
{
	long x = s->n_old, y = s->n_new;

	for (; d > 0; d--) {
		const int32_t *v = kept[d - 1] + d; /* v[0]: diagonal 0 */
		long k = x - y;
		bool down = from_above(v, d, k);
		long prev = down ? k + 1 : k - 1;

		x = v[prev];
		y = x - prev;
		if (down)
			s->put[y] = true;
		else
			s->taken[x] = true;
	}
}

static void find_script(struct arena *a, const struct script *s)
{
	long size = s->n_old + s->n_new;
	long max = STEPS_MAX / (size + 1) + 1;
	int32_t **kept, *room, *v;

	if (max > DIFFERENCES_MAX)
		max = DIFFERENCES_MAX;
	if (max > size)
		max = size;
	kept = ARENA_VEC(a, int32_t *, (size_t)max + 1);
	room = ARENA_VEC(a, int32_t, (size_t)max * 2 + 3);
	v = room + max + 1;
	for (long d = 0; d <= max; d++) {
		for (long k = -d; k <= d; k += 2) {
			long x = from_above(v, d, k) ? v[k + 1] : v[k - 1] + 1;
			long y = x - k;

			while (x < s->n_old && y < s->n_new && x >= 0 &&
			       y >= 0 && s->old[x] == s->new[y])
				x++, y++;
			v[k] = (int32_t)x;
			if (x >= s->n_old && y >= s->n_new) {
				walk_back(s, kept, d);
				return;
			}
		}
		/* Diagonals -d-1 to d+1, as the next round reads them. */
		kept[d] = ARENA_VEC(a, int32_t, (size_t)d * 2 + 3);
		memcpy(kept[d], v - d - 1,
		       ((size_t)d * 2 + 3) * sizeof(int32_t));
	}
	all_differs(s);
}

static void hunk_add(struct hunks *h, const struct hunk *one)
{
	if (one->old_n || one->new_n)
		h->at[h->n++] = *one;
}

static void script_hunks(struct arena *a, const struct script *s, size_t skip,
			 struct hunks *ret)
{
	size_t n_old = (size_t)s->n_old, n_new = (size_t)s->n_new;
	size_t i = 0, j = 0;
	size_t most = 0;
	struct hunk one;

	for (size_t k = 0; k < n_old; k++)
		most += s->taken[k];
	for (size_t k = 0; k < n_new; k++)
		most += s->put[k];
	*ret = (struct hunks){ 0 };
	if (!most)
		return;
	ret->at = ARENA_VEC(a, struct hunk, most);
	while (i < n_old || j < n_new) {
		one = (struct hunk){ skip + i, 0, skip + j, 0 };
		while (i < n_old && s->taken[i])
			i++, one.old_n++;
		while (j < n_new && s->put[j])
			j++, one.new_n++;
		hunk_add(ret, &one);
		if (i < n_old && j < n_new && !s->taken[i] && !s->put[j])
			i++, j++;
	}
}

void symbols_diff(struct arena *a, const uint32_t *old, size_t n_old,
		  const uint32_t *new, size_t n_new, struct hunks *ret)
{
	SCOPED(arena) struct arena *tmp = arena_new();
	struct script s = { 0 };
	size_t skip = 0;

	while (skip < n_old && skip < n_new && old[skip] == new[skip])
		skip++;
	while (n_old > skip && n_new > skip && old[n_old - 1] == new[n_new - 1])
		n_old--, n_new--;
	s.old = old + skip;
	s.new = new + skip;
	s.n_old = (long)(n_old - skip);
	s.n_new = (long)(n_new - skip);
	s.taken = ARENA_VEC(tmp, bool, n_old - skip + 1);
	s.put = ARENA_VEC(tmp, bool, n_new - skip + 1);
	if (s.n_old && s.n_new)
		find_script(tmp, &s);
	else
		all_differs(&s);
	script_hunks(a, &s, skip, ret);
}

void lines_diff(struct arena *a, const struct lines *old,
		const struct lines *new, struct hunks *ret)
{
	SCOPED(arena) struct arena *tmp = arena_new();
	struct interner in = interner_for(tmp, old->n + new->n);
	uint32_t *x = ARENA_VEC(tmp, uint32_t, old->n + 1);
	uint32_t *y = ARENA_VEC(tmp, uint32_t, new->n + 1);

	for (size_t i = 0; i < old->n; i++)
		x[i] = intern(&in, &old->at[i]);
	for (size_t i = 0; i < new->n; i++)
		y[i] = intern(&in, &new->at[i]);
	symbols_diff(a, x, old->n, y, new->n, ret);
}

/* -- deltas --------------------------------------------------------------- */

/* The bytes of lines [from, from + n). */
static struct line_span span_of(const struct lines *l, size_t from, size_t n)
{
	const struct line_span *last;

	if (!n)
		return (struct line_span){ "", 0 };
	last = &l->at[from + n - 1];
	return (struct line_span){
		l->at[from].at,
		(size_t)(last->at + last->len - l->at[from].at),
	};
}

struct doc *lines_delta(struct arena *a, const char *old, const char *new)
{
	SCOPED(arena) struct arena *tmp = arena_new();
	struct doc *delta = doc_list(a);
	struct lines was, is;
	struct hunks h;
	size_t at = 0;

	lines_split(tmp, old, &was);
	lines_split(tmp, new, &is);
	lines_diff(tmp, &was, &is, &h);
	for (size_t i = 0; i <= h.n; i++) {
		size_t end = i < h.n ? h.at[i].old_at : was.n;
		struct line_span same = span_of(&was, at, end - at);
		struct line_span more = { "", 0 };

		if (i < h.n) {
			more = span_of(&is, h.at[i].new_at, h.at[i].new_n);
			at = end + h.at[i].old_n;
		}
		if (!same.len && !more.len)
			continue;
		doc_add(a, delta,
			doc_int(a, same.len ? (int64_t)(same.at - old) : 0));
		doc_add(a, delta, doc_int(a, (int64_t)same.len));
		doc_add(a, delta, doc_strn(a, more.at, more.len));
	}
	return delta;
}

const char *lines_patch(struct arena *a, const char *old,
			const struct doc *delta)
{
	struct buf b = BUF(a);
	size_t len = strlen(old);

	if (!delta || delta->type != DOC_LIST || doc_len(delta) % 3)
		return NULL;
	for (size_t i = 0; i < doc_len(delta); i += 3) {
		const struct doc *off = doc_at(delta, i);
		const struct doc *n = doc_at(delta, i + 1);
		const struct doc *more = doc_at(delta, i + 2);

		if (off->type != DOC_INT || n->type != DOC_INT ||
		    more->type != DOC_STR || off->num < 0 || n->num < 0 ||
		    (uint64_t)off->num > len ||
		    (uint64_t)n->num > len - (size_t)off->num)
			return NULL;
		buf_add(&b, old + off->num, (size_t)n->num);
		buf_add(&b, more->str.data, more->str.len);
	}
	return buf_text(&b);
}

/* -- for people ----------------------------------------------------------- */

#define AROUND 3

struct unified {
	const struct lines *old, *new;
	const struct hunks *h;
	struct buf *out;
};

static void put_lines(struct buf *out, char mark, const struct lines *l,
		      size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		buf_add(out, &mark, 1);
		buf_add(out, l->at[i].at, l->at[i].len);
		if (l->at[i].at[l->at[i].len - 1] != '\n')
			buf_puts(out, "\n\\ No newline at end of file\n");
	}
}

/* The first hunk that is too far from the one before it to be shown with it. */
static size_t group_end(const struct hunks *h, size_t first)
{
	size_t i = first + 1;

	while (i < h->n &&
	       h->at[i].old_at - h->at[i - 1].old_at - h->at[i - 1].old_n <=
		       2 * AROUND)
		i++;
	return i;
}

static void put_range(struct buf *out, char mark, size_t at, size_t n)
{
	/* A range of no lines is named by the line before it. */
	buf_printf(out, "%c%zu", mark, n ? at + 1 : at);
	if (n != 1)
		buf_printf(out, ",%zu", n);
	buf_puts(out, " ");
}

static void put_group(const struct unified *u, size_t first, size_t end)
{
	const struct hunk *a = &u->h->at[first], *z = &u->h->at[end - 1];
	size_t before = a->old_at < AROUND ? a->old_at : AROUND;
	size_t left = u->old->n - z->old_at - z->old_n;
	size_t after = left < AROUND ? left : AROUND;
	size_t from = a->old_at - before, to = z->old_at + z->old_n + after;
	size_t at = from;

	buf_puts(u->out, "@@ ");
	put_range(u->out, '-', from, to - from);
	put_range(u->out, '+', a->new_at - before,
		  z->new_at + z->new_n + after - (a->new_at - before));
	buf_puts(u->out, "@@\n");
	for (size_t i = first; i < end; i++) {
		const struct hunk *h = &u->h->at[i];

		put_lines(u->out, ' ', u->old, at, h->old_at);
		at = h->old_at + h->old_n;
		put_lines(u->out, '-', u->old, h->old_at, at);
		put_lines(u->out, '+', u->new, h->new_at, h->new_at + h->new_n);
	}
	put_lines(u->out, ' ', u->old, at, to);
}

void lines_unified(struct arena *a, const char *old, const char *new,
		   struct buf *out)
{
	struct lines was, is;
	struct hunks h;
	struct unified u = { &was, &is, &h, out };

	lines_split(a, old, &was);
	lines_split(a, new, &is);
	lines_diff(a, &was, &is, &h);
	for (size_t i = 0, end; i < h.n; i = end) {
		end = group_end(&h, i);
		put_group(&u, i, end);
	}
}
