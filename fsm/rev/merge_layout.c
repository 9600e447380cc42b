/*
 * Three rows of units, as one. A unit that all three have in order is an
 * anchor; between two anchors each side may have taken units out and put units
 * in. What either took out goes; what ours put in comes first, then theirs.
 */
#include <string.h>

#include "fsm/conf/text.h"
#include "fsm/rev/internal.h"

/* -- units ----------------------------------------------------------------- */

static struct line_span id_of(const char *text)
{
	return (struct line_span){ text, strlen(text) };
}

static size_t line_len(const char *at, const char *end)
{
	const char *nl = memchr(at, '\n', (size_t)(end - at));

	return nl ? (size_t)(nl + 1 - at) : (size_t)(end - at);
}

static void add_fillers(struct arena *a, const struct piece *p,
			struct units *ret)
{
	const char *at = p->raw, *end = p->raw + p->len;

	while (at < end) {
		size_t len = line_len(at, end), n = len;

		while (n && text_is_blank(at[n - 1]))
			n--;
		ret->at[ret->n++] = (struct unit){
			.kind = UNIT_FILLER,
			.id = id_of(arena_printf(a, "#%.*s", (int)n, at)),
			.raw = { at, len },
		};
		at += len;
	}
}

static void add_section(struct arena *a, const struct piece *p,
			struct units *ret)
{
	const char *open = memchr(p->raw, '[', p->len);
	const char *close = memchr(p->raw, ']', p->len);
	const char *name = text_copy(a, open + 1, (size_t)(close - open - 1));

	ret->at[ret->n++] = (struct unit){
		.kind = UNIT_SECTION,
		.id = id_of(arena_printf(a, "[%s]", name)),
		.raw = { p->raw, p->len },
		.section = name,
	};
}

static void add_key(struct arena *a, const struct piece *p,
		    const struct ini_key *k, struct units *ret)
{
	ret->at[ret->n++] = (struct unit){
		.kind = UNIT_KEY,
		/* No section's name has a ']' in it. */
		.id = id_of(arena_printf(a, "[%s]%s@%s", k->section->name,
					 k->option, k->scope)),
		.raw = { p->raw, p->len },
		.key = k,
	};
}

void units_of(struct arena *a, const struct conf *c, struct units *ret)
{
	size_t n = 0;

	for (const struct piece *p = c->first; p; p = p->next) {
		n++;
		for (size_t i = 0; p->kind == PIECE_FILLER && i < p->len; i++)
			n += p->raw[i] == '\n';
	}
	*ret = (struct units){ .at = ARENA_VEC(a, struct unit, n + 1) };
	for (const struct piece *p = c->first; p; p = p->next) {
		if (p->kind == PIECE_FILLER) {
			add_fillers(a, p, ret);
		} else if (p->kind == PIECE_SECTION) {
			add_section(a, p, ret);
		} else {
			add_key(a, p, p->key, ret);
		}
	}
}

bool unit_is_blank(const struct unit *u)
{
	return u->kind == UNIT_FILLER && u->id.len == 1;
}

/* -- three rows ------------------------------------------------------------ */

#define NONE ((size_t)-1)

struct row {
	struct units u;
	uint32_t *sym;
	size_t *base;  /* of each unit: the one of the base that it is, or NONE
			*/
	size_t *match; /* of each unit of the base: the one here, or NONE */
};

struct layout {
	const struct wanted *w;
	struct row row[SIDES];
	bool *put_by_ours; /* by symbol: ours has it where the base has not */
	size_t *put_here;  /* by symbol: the last gap where it has */
	size_t gap;	   /* which one this is, from 1 */
	struct buf out;
};

/* Units [from, to) of each side: what lies between two anchors. */
struct gap {
	size_t from[SIDES], to[SIDES];
};

static void row_match(struct arena *a, struct row *r, const struct row *base)
{
	size_t i = 0, j = 0;
	struct hunks h;

	r->base = ARENA_VEC(a, size_t, r->u.n + 1);
	r->match = ARENA_VEC(a, size_t, base->u.n + 1);
	symbols_diff(a, base->sym, base->u.n, r->sym, r->u.n, &h);
	for (size_t k = 0; k <= h.n; k++) {
		size_t end = k < h.n ? h.at[k].old_at : base->u.n;

		while (i < end) {
			r->match[i] = j;
			r->base[j++] = i++;
		}
		for (size_t n = k < h.n ? h.at[k].old_n : 0; n; n--)
			r->match[i++] = NONE;
		for (size_t n = k < h.n ? h.at[k].new_n : 0; n; n--)
			r->base[j++] = NONE;
	}
}

static void layout_load(struct arena *a, struct layout *l)
{
	struct interner in;
	size_t n = 0;

	for (size_t s = 0; s < SIDES; s++) {
		units_of(a, l->w->conf[s], &l->row[s].u);
		n += l->row[s].u.n;
	}
	in = interner_for(a, n + 1);
	for (size_t s = 0; s < SIDES; s++) {
		struct row *r = &l->row[s];

		r->sym = ARENA_VEC(a, uint32_t, r->u.n + 1);
		for (size_t i = 0; i < r->u.n; i++)
			r->sym[i] = intern(&in, &r->u.at[i].id);
	}
	row_match(a, &l->row[SIDE_OURS], &l->row[SIDE_BASE]);
	row_match(a, &l->row[SIDE_THEIRS], &l->row[SIDE_BASE]);
	l->put_by_ours = ARENA_VEC(a, bool, in.next + 1);
	l->put_here = ARENA_VEC(a, size_t, in.next + 1);
	for (size_t i = 0; i < l->row[SIDE_OURS].u.n; i++)
		if (l->row[SIDE_OURS].base[i] == NONE)
			l->put_by_ours[l->row[SIDE_OURS].sym[i]] = true;
}

/* -- what is written ------------------------------------------------------- */

static void emit(struct layout *l, const struct unit *u)
{
	struct buf *out = &l->out;
	bool bom = out->len == 3 && memcmp(out->data, "\xef\xbb\xbf", 3) == 0;

	if (out->len && !bom && out->data[out->len - 1] != '\n')
		buf_puts(out, "\n"); /* it was the last line of its text */
	buf_add(out, u->raw.at, u->raw.len);
}

static bool raw_equal(const struct unit *a, const struct unit *b)
{
	return a->raw.len == b->raw.len &&
	       memcmp(a->raw.at, b->raw.at, a->raw.len) == 0;
}

static bool has_line(const struct unit *u, const struct line_span *line)
{
	const char *at = u->raw.at, *end = at + u->raw.len;

	while (at < end) {
		size_t len = line_len(at, end);

		if (len == line->len && memcmp(at, line->at, len) == 0)
			return true;
		at += len;
	}
	return false;
}

#define INNER_MAX                                                              \
	4096 /* bytes of a key: each line is looked for in the others */

/* Comments among the lines of a value that theirs put there. */
static void emit_inner(struct layout *l, const struct unit *b,
		       const struct unit *o, const struct unit *t)
{
	const char *at = t->raw.at, *end = at + t->raw.len;

	while (at < end) {
		struct line_span line = { at, line_len(at, end) };
		const char *first = at;

		at += line.len;
		while (first < at && text_is_blank(*first))
			first++;
		if (first < at && (*first == '#' || *first == ';') &&
		    !has_line(b, &line) && !has_line(o, &line))
			buf_add(&l->out, line.at, line.len);
	}
}

/* Where both wrote it anew, as ours has it: theirs' value is set in it. */
static void emit_anchor(struct layout *l, const struct unit *b,
			const struct unit *o, const struct unit *t)
{
	bool ours = !raw_equal(b, o);

	emit(l, ours ? o : t);
	if (ours && o->kind == UNIT_KEY && t->raw.len <= INNER_MAX &&
	    o->raw.len <= INNER_MAX && b->raw.len <= INNER_MAX)
		emit_inner(l, b, o, t);
}

/* Theirs put it in; does ours have it already? */
static bool is_double(const struct layout *l, const struct gap *g, size_t i)
{
	const struct row *r = &l->row[SIDE_THEIRS];
	const struct unit *u = &r->u.at[i];

	if (unit_is_blank(u)) /* as what it stands before */
		return i + 1 < g->to[SIDE_THEIRS] && r->base[i + 1] == NONE &&
		       u[1].kind == UNIT_SECTION &&
		       l->put_by_ours[r->sym[i + 1]];
	if (u->kind == UNIT_FILLER)
		return l->put_here[r->sym[i]] == l->gap;
	return l->put_by_ours[r->sym[i]];
}

static bool same_in_both(const struct layout *l, const struct gap *g)
{
	size_t n = g->to[SIDE_OURS] - g->from[SIDE_OURS];

	return g->to[SIDE_THEIRS] - g->from[SIDE_THEIRS] == n &&
	       (!n || memcmp(l->row[SIDE_OURS].sym + g->from[SIDE_OURS],
			     l->row[SIDE_THEIRS].sym + g->from[SIDE_THEIRS],
			     n * sizeof(uint32_t)) == 0);
}

/* A unit of the base that is in a gap was taken out by one side at least: if
 * both had it, it would be an anchor. */
static void emit_gap(struct layout *l, const struct gap *g)
{
	const struct row *o = &l->row[SIDE_OURS], *t = &l->row[SIDE_THEIRS];

	l->gap++;
	for (size_t i = g->from[SIDE_OURS]; i < g->to[SIDE_OURS]; i++) {
		if (o->base[i] != NONE)
			continue;
		emit(l, &o->u.at[i]);
		l->put_here[o->sym[i]] = l->gap;
	}
	if (same_in_both(l, g))
		return;
	for (size_t i = g->from[SIDE_THEIRS]; i < g->to[SIDE_THEIRS]; i++)
		if (t->base[i] == NONE && !is_double(l, g, i))
			emit(l, &t->u.at[i]);
}

const char *layout_merged(struct arena *a, const struct wanted *w)
{
	struct layout l = { .w = w, .out = BUF(a) };
	const struct row *o = &l.row[SIDE_OURS], *t = &l.row[SIDE_THEIRS];
	struct gap g = { 0 };
	size_t n;

	layout_load(a, &l);
	n = l.row[SIDE_BASE].u.n;
	for (size_t b = 0; b < n; b++) {
		if (o->match[b] == NONE || t->match[b] == NONE)
			continue;
		g.to[SIDE_BASE] = b;
		g.to[SIDE_OURS] = o->match[b];
		g.to[SIDE_THEIRS] = t->match[b];
		emit_gap(&l, &g);
		emit_anchor(&l, &l.row[SIDE_BASE].u.at[b],
			    &o->u.at[o->match[b]], &t->u.at[t->match[b]]);
		for (size_t s = 0; s < SIDES; s++)
			g.from[s] = g.to[s] + 1;
	}
	g.to[SIDE_BASE] = n;
	g.to[SIDE_OURS] = o->u.n;
	g.to[SIDE_THEIRS] = t->u.n;
	emit_gap(&l, &g);
	return buf_text(&l.out);
}
