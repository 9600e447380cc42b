/*
 * Segments are given away in any order, oldest first among those without a
 * pin, while an idle group may pin a very old one. So for one group the
 * records left on disk could have holes: entries that were cut could come
 * back because the record that cut them was overwritten first, entries before
 * a hole could be taken for the log that the ones behind it start anew, and a
 * dropped group could come back because its WAL_DROP was overwritten.
 *
 * Two things prevent it. First, entries that were cut go on pinning their
 * segment while the group has live entries in an older one: from the first
 * live entry on, all entries that were ever written are there. Second, before
 * a segment is given away, each group with a record in it that also has
 * records elsewhere writes a WAL_VOID: "my records before segment N do not
 * count", N being the first with a live entry (or the current one). What is
 * left and counts of a group's entries is therefore always an unbroken end of
 * their history. Vote and snapshot mark follow the WAL_VOID in the same batch,
 * as it hides them too. The group is remembered here until its last record has
 * physically gone.
 *
 * A mark of a group without live entries is carried as WAL_RESET: on replay
 * the reader then knows that the log is empty and what index comes next.
 *
 * Cost: a segment of 8 MiB shared by 1,000 groups leaves about 200 KiB to be
 * carried; nothing is carried while the log is quiet.
 */
#include "store/wal_space.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* @array of @n elements with room for one more. NULL: out of memory. */
static void *grow(void *array, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap * 2 : 8;
	void *more;

	if (n < *cap)
		return array;
	more = reallocarray(array, want, size);
	if (more)
		*cap = want;
	return more;
}

/* Group identifiers may be consecutive numbers or hashes; spread both. */
static size_t bucket_of(uint64_t id, size_t n_buckets)
{
	id ^= id >> 33;
	id *= UINT64_C(0xff51afd7ed558ccd);
	id ^= id >> 33;
	return (size_t)id & (n_buckets - 1);
}

static int rehash(struct wal_space *s)
{
	size_t n = s->n_buckets ? s->n_buckets * 2 : 64;
	struct wal_group **buckets = calloc(n, sizeof(struct wal_group *));

	if (!buckets)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_buckets; i++) {
		struct wal_group *g = s->buckets[i], *next;

		for (; g; g = next) {
			size_t at = bucket_of(g->id, n);

			next = g->next;
			g->next = buckets[at];
			buckets[at] = g;
		}
	}
	free(s->buckets);
	s->buckets = buckets;
	s->n_buckets = n;
	return 0;
}

struct wal_group *wal_space_group(struct wal_space *s, uint64_t id)
{
	struct wal_group *g;

	if (!s->n_buckets)
		return NULL;
	g = s->buckets[bucket_of(id, s->n_buckets)];
	while (g && g->id != id)
		g = g->next;
	return g;
}

struct wal_group *wal_space_group_make(struct wal_space *s, uint64_t id)
{
	struct wal_group *g = wal_space_group(s, id);
	size_t at;

	if (g)
		return g;
	if (s->n_groups >= s->n_buckets && rehash(s) < 0)
		return NULL;
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	at = bucket_of(id, s->n_buckets);
	g->id = id;
	g->next = s->buckets[at];
	s->buckets[at] = g;
	s->n_groups++;
	return g;
}

static void group_free(struct wal_group *g)
{
	free(g->spans);
	free((void *)g->mark.data);
	free(g);
}

static void group_unlink(struct wal_space *s, struct wal_group *g)
{
	struct wal_group **at = &s->buckets[bucket_of(g->id, s->n_buckets)];

	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	s->n_groups--;
	group_free(g);
}

static void segment_free(struct wal_segment *seg)
{
	free(seg->groups);
	free(seg);
}

void wal_space_fini(struct wal_space *s)
{
	for (size_t i = 0; i < s->n_segments; i++)
		segment_free(s->segments[i]);
	for (size_t i = 0; i < s->n_buckets; i++) {
		struct wal_group *g = s->buckets[i], *next;

		for (; g; g = next) {
			next = g->next;
			group_free(g);
		}
	}
	free(s->segments);
	free(s->buckets);
	*s = (struct wal_space){ 0 };
}

struct wal_segment *wal_space_push(struct wal_space *s, uint64_t seq,
				   uint64_t size)
{
	void *more = grow(s->segments, s->n_segments, &s->cap_segments,
			  sizeof(struct wal_segment *));
	struct wal_segment *seg;

	if (!more)
		return NULL;
	s->segments = more;
	seg = calloc(1, sizeof(*seg));
	if (!seg)
		return NULL;
	seg->seq = seq;
	seg->size = size;
	s->segments[s->n_segments++] = seg;
	return seg;
}

struct wal_segment *wal_space_last(const struct wal_space *s)
{
	return s->n_segments ? s->segments[s->n_segments - 1] : NULL;
}

void wal_space_forget(struct wal_space *s, struct wal_segment *seg)
{
	size_t at = 0;

	assert(!seg->pins);
	while (s->segments[at] != seg)
		at++;
	memmove(s->segments + at, s->segments + at + 1,
		(s->n_segments - at - 1) * sizeof(struct wal_segment *));
	s->n_segments--;
	for (size_t i = 0; i < seg->n_groups; i++) {
		struct wal_group *g = wal_space_group(s, seg->groups[i]);

		if (--g->n_segments == 0)
			group_unlink(s, g);
	}
	segment_free(seg);
}

int wal_space_note(struct wal_space *s, struct wal_segment *seg, uint64_t id)
{
	struct wal_group *g = wal_space_group_make(s, id);
	void *more;

	if (!g)
		return -ENOMEM;
	/* Records only ever arrive in the newest segment. */
	if (g->seen_seq == seg->seq && g->n_segments)
		return 0;
	more = grow(seg->groups, seg->n_groups, &seg->cap_groups,
		    sizeof(uint64_t));
	if (!more)
		return -ENOMEM;
	seg->groups = more;
	seg->groups[seg->n_groups++] = id;
	g->seen_seq = seg->seq;
	g->n_segments++;
	return 0;
}

static void spans_clear(struct wal_group *g)
{
	while (g->n_spans)
		g->spans[--g->n_spans].segment->pins--;
}

/* Entries below the released index, and dead ones with no live before them,
 * are not needed. */
static void spans_trim(struct wal_group *g)
{
	size_t n = 0;

	while (n < g->n_spans && (g->spans[n].last < g->spans[n].first ||
				  g->spans[n].last < g->released))
		g->spans[n++].segment->pins--;
	if (!n)
		return;
	g->n_spans -= n;
	memmove(g->spans, g->spans + n, g->n_spans * sizeof(*g->spans));
}

/* The entries from @index on are dead. */
static void spans_cut(struct wal_group *g, uint64_t index)
{
	for (size_t i = g->n_spans; i > 0; i--) {
		struct wal_span *sp = &g->spans[i - 1];

		if (sp->last < sp->first)
			continue;
		if (sp->last < index)
			break;
		sp->last = (sp->first < index ? index : sp->first) - 1;
	}
	spans_trim(g);
}

static int apply_entry(struct wal_group *g, struct wal_segment *seg,
		       uint64_t index)
{
	struct wal_span *last;
	void *more;

	spans_cut(g, index);
	if (index < g->released)
		return 0;
	last = g->n_spans ? &g->spans[g->n_spans - 1] : NULL;
	if (last && last->segment == seg) {
		if (last->last < last->first)
			last->first = index;
		last->last = index;
		return 0;
	}
	more = grow(g->spans, g->n_spans, &g->cap_spans, sizeof(*g->spans));
	if (!more)
		return -ENOMEM;
	g->spans = more;
	g->spans[g->n_spans++] = (struct wal_span){ seg, index, index };
	seg->pins++;
	return 0;
}

static int apply_mark(struct wal_group *g, const struct wal_record *r)
{
	void *copy = malloc(r->len ? r->len : 1);

	if (!copy)
		return -ENOMEM;
	if (r->len)
		memcpy(copy, r->data, r->len);
	free((void *)g->mark.data);
	g->mark = *r;
	g->mark.data = copy;
	g->has_mark = true;
	if (r->kind == WAL_RESET) {
		spans_clear(g);
		g->released = r->index + 1;
		return 0;
	}
	if (r->aux > g->released)
		g->released = r->aux;
	spans_trim(g);
	return 0;
}

static void apply_drop(struct wal_group *g)
{
	spans_clear(g);
	free((void *)g->mark.data);
	g->mark = (struct wal_record){ 0 };
	g->has_vote = g->has_mark = false;
	g->released = 0;
}

int wal_space_apply(struct wal_space *s, struct wal_segment *seg,
		    const struct wal_record *r)
{
	struct wal_group *g;
	int rc = wal_space_note(s, seg, r->group);

	if (rc < 0)
		return rc;
	g = wal_space_group(s, r->group);
	switch (r->kind) {
	case WAL_ENTRY:
		return apply_entry(g, seg, r->index);
	case WAL_VOTE:
		g->has_vote = true;
		g->term = r->term;
		g->voted = r->aux;
		return 0;
	case WAL_SNAPSHOT:
	case WAL_RESET:
		return apply_mark(g, r);
	case WAL_DROP:
		apply_drop(g);
		return 0;
	default: /* WAL_VOID speaks of what is already known here */
		return 0;
	}
}

void wal_space_release(struct wal_space *s, uint64_t group, uint64_t index)
{
	struct wal_group *g = wal_space_group(s, group);

	if (!g || index <= g->released)
		return;
	g->released = index;
	spans_trim(g);
}

/*
 * Without live entries it goes as a reset, which also says what index comes
 * next. With some it must not: a reset behind the entries would wipe them.
 */
static int carry_mark(const struct wal_group *g, struct wal_stream *out)
{
	struct wal_record r = g->mark;

	if (g->mark.kind == WAL_RESET || !g->n_spans)
		r.aux = r.index + 1;
	r.kind = g->n_spans ? WAL_SNAPSHOT : WAL_RESET;
	return wal_stream_put(out, &r);
}

static int carry_group(const struct wal_space *s, const struct wal_group *g,
		       struct wal_stream *out)
{
	struct wal_record v = { .kind = (enum wal_kind)WAL_VOID,
				.group = g->id };
	int rc;

	v.index =
		g->n_spans ? g->spans[0].segment->seq : wal_space_last(s)->seq;
	if (g->n_segments > 1) {
		rc = wal_stream_put(out, &v);
		if (rc < 0)
			return rc;
	}
	if (g->has_mark) {
		rc = carry_mark(g, out);
		if (rc < 0)
			return rc;
	}
	if (!g->has_vote)
		return 0;
	v = (struct wal_record){ .kind = WAL_VOTE,
				 .group = g->id,
				 .term = g->term,
				 .aux = g->voted };
	return wal_stream_put(out, &v);
}

int wal_space_carry(struct wal_space *s, const struct wal_segment *seg,
		    struct wal_stream *out)
{
	for (size_t i = 0; i < seg->n_groups; i++) {
		const struct wal_group *g = wal_space_group(s, seg->groups[i]);
		int rc = carry_group(s, g, out);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int wal_stream_put(struct wal_stream *st, const struct wal_record *r)
{
	uint64_t size = wal_record_size(r->len);

	if (st->cap - st->len < size) {
		size_t cap = st->cap ? st->cap : 4096;
		uint8_t *data;

		while (cap - st->len < size)
			cap *= 2;
		data = realloc(st->data, cap);
		if (!data)
			return -ENOMEM;
		st->data = data;
		st->cap = cap;
	}
	wal_record_encode(st->data + st->len, r);
	st->len += size;
	st->records++;
	return 0;
}
