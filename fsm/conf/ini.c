/*
 * One pass over the lines. A line is, in this order of tests:
 *
 *     blank, or '#' or ';' first    filler
 *     indented deeper than the key  continuation of its value
 *     '[' first                     section header, to the first ']'
 *     anything else                 option, '=' or ':', value
 *
 * There are no inline comments: a trigger such as `echo a ; echo b` is one
 * value. Names are found through one hash table; it is never walked, so its
 * order shows nowhere.
 */
#include "fsm/conf/ini.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fsm/conf/text.h"

/* -- names ------------------------------------------------------------- */

/* A section (option NULL), an option (scope NULL) or a key. */
struct ini_slot {
	const char *option, *scope;
	struct ini_section *section;
	struct ini_key *key;
};

static uint64_t hash_text(uint64_t h, const char *s)
{
	/* FNV-1a; NULL and "" must differ. */
	if (!s)
		return (h ^ 0xffu) * 0x100000001b3u;
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h * 0x100000001b3u;
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct ini_slot *slot_at(const struct conf *c, const char *section,
				const char *option, const char *scope)
{
	uint64_t h = 0xcbf29ce484222325u;
	size_t mask = c->cap_slots - 1;

	h = hash_text(hash_text(hash_text(h, section), option), scope);
	for (size_t i = (size_t)(h ^ h >> 29) & mask;; i = (i + 1) & mask) {
		struct ini_slot *s = &c->slots[i];

		if (!s->section)
			return s;
		if (same(s->scope, scope) && same(s->option, option) &&
		    strcmp(s->section->name, section) == 0)
			return s;
	}
}

static void slots_grow(struct conf *c)
{
	struct ini_slot *old = c->slots;
	size_t n = c->cap_slots;

	if (c->n_slots * 4 < n * 3)
		return;
	c->cap_slots = n ? n * 2 : 64;
	c->slots = ARENA_VEC(c->arena, struct ini_slot, c->cap_slots);
	for (size_t i = 0; i < n; i++)
		if (old[i].section)
			*slot_at(c, old[i].section->name, old[i].option,
				 old[i].scope) = old[i];
}

static struct ini_slot *slot_add(struct conf *c, struct ini_section *section,
				 const char *option, const char *scope)
{
	struct ini_slot *s;

	slots_grow(c);
	s = slot_at(c, section->name, option, scope);
	if (!s->section) {
		*s = (struct ini_slot){ option, scope, section, NULL };
		c->n_slots++;
	}
	return s;
}

struct ini_section *ini_section(const struct conf *c, const char *name)
{
	struct ini_section *s = slot_at(c, name, NULL, NULL)->section;

	return s && !s->gone ? s : NULL;
}

struct ini_key *ini_key(const struct conf *c, const struct ini_section *s,
			const char *option, const char *scope)
{
	struct ini_key *k = slot_at(c, s->name, option, scope)->key;

	return k && !k->gone ? k : NULL;
}

/* Most keywords that are asked for are not there: a cheap no. */
static uint64_t option_bit(const char *option)
{
	size_t n = strlen(option);

	if (!n)
		return 1;
	return (uint64_t)1 << ((n * 13 + (unsigned char)option[0] * 5u +
				(unsigned char)option[n - 1] * 3u +
				(unsigned char)option[n / 2]) &
			       63);
}

struct ini_key *ini_option(const struct conf *c, const struct ini_section *s,
			   const char *option)
{
	if (!(s->options & option_bit(option)))
		return NULL;
	return slot_at(c, s->name, option, NULL)->key;
}

bool ini_has_option(const struct conf *c, const struct ini_section *s,
		    const char *option)
{
	return ini_option(c, s, option) != NULL;
}

static void section_push(struct conf *c, struct ini_section *s)
{
	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 16;
		struct ini_section **at =
			ARENA_VEC(c->arena, struct ini_section *, cap);

		if (c->n)
			memcpy(at, c->sections, c->n * sizeof(*at));
		c->sections = at;
		c->cap = cap;
	}
	c->sections[c->n++] = s;
}

struct ini_section *ini_section_add(struct conf *c, const char *name)
{
	struct ini_section *s = slot_at(c, name, NULL, NULL)->section;

	if (s && !s->gone)
		return s;
	if (!s) {
		s = ARENA_NEW(c->arena, struct ini_section);
		s->name = name;
		slot_add(c, s, NULL, NULL);
	}
	s->gone = false;
	section_push(c, s);
	return s;
}

void ini_section_drop(struct conf *c, struct ini_section *s)
{
	size_t n = 0;

	for (struct ini_key *k = s->keys; k; k = k->next)
		k->gone = true;
	for (size_t i = 0; i < c->n; i++)
		if (c->sections[i] != s)
			c->sections[n++] = c->sections[i];
	c->n = n;
	s->gone = true;
}

struct ini_key *ini_key_add(struct conf *c, struct ini_section *s,
			    const char *option, const char *scope)
{
	struct ini_key *k = ARENA_NEW(c->arena, struct ini_key);
	struct ini_slot *slot;

	k->section = s;
	k->option = option;
	k->scope = scope;
	if (s->last)
		s->last->next = k;
	else
		s->keys = k;
	s->last = k;
	c->n_keys++;
	s->options |= option_bit(option);
	slot = slot_add(c, s, option, NULL);
	k->same = slot->key;
	slot->key = k;
	slot_add(c, s, option, scope)->key = k;
	return k;
}

/* -- pieces ------------------------------------------------------------ */

struct piece *ini_piece_after(struct conf *c, struct piece *after,
			      enum piece_kind kind, const char *raw, size_t len)
{
	struct piece *p = ARENA_NEW(c->arena, struct piece);

	*p = (struct piece){ .kind = kind, .raw = raw, .len = len };
	p->prev = after;
	p->next = after ? after->next : c->first;
	*(p->prev ? &p->prev->next : &c->first) = p;
	*(p->next ? &p->next->prev : &c->last) = p;
	return p;
}

void ini_key_put(struct conf *c, struct ini_key *k, struct piece *after,
		 const char *raw, size_t len)
{
	k->piece = ini_piece_after(c, after, PIECE_KEY, raw, len);
	k->piece->key = k;
	k->section->tail = k->piece;
}

void ini_piece_drop(struct conf *c, struct piece *p)
{
	*(p->prev ? &p->prev->next : &c->first) = p->next;
	*(p->next ? &p->next->prev : &c->last) = p->prev;
}

void conf_text(const struct conf *c, struct buf *out)
{
	for (const struct piece *p = c->first; p; p = p->next)
		buf_add(out, p->raw, p->len);
}

/* -- problems ---------------------------------------------------------- */

/* So that a hostile file cannot make a report larger than itself. */
#define PROBLEMS_MAX 1000

static void problem_push(struct problems *p, struct problem one)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 8;
		struct problem *at = ARENA_VEC(p->arena, struct problem, cap);

		if (p->n)
			memcpy(at, p->at, p->n * sizeof(*at));
		p->at = at;
		p->cap = cap;
	}
	p->at[p->n++] = one;
}

static const char *problem_prefix(struct problems *p, unsigned line)
{
	if (p->name && line)
		return arena_printf(p->arena, "%s:%u: ", p->name, line);
	if (p->name)
		return arena_printf(p->arena, "%s: ", p->name);
	return line ? arena_printf(p->arena, "line %u: ", line) : "";
}

bool problems_full(const struct problems *p)
{
	return p->n >= PROBLEMS_MAX;
}

void problem_add(struct problems *p, unsigned line, bool fatal, const char *fmt,
		 ...)
{
	struct buf b = BUF(p->arena);
	char text[1024];
	va_list ap;

	p->fatal += fatal;
	if (p->n > PROBLEMS_MAX)
		return;
	if (p->n == PROBLEMS_MAX) {
		buf_printf(&b,
			   "%smore than %d problems, the others are not "
			   "listed",
			   problem_prefix(p, 0), PROBLEMS_MAX);
		problem_push(p, (struct problem){ 0, true, buf_text(&b) });
		p->fatal += !fatal;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_puts(&b, problem_prefix(p, line));
	if (!fatal)
		buf_puts(&b, "warning: ");
	buf_puts(&b, text);
	for (size_t i = 0; i < p->n; i++) {
		if (p->at[i].line != line || p->at[i].fatal != fatal ||
		    strcmp(p->at[i].text, buf_text(&b)) != 0)
			continue;
		p->fatal -= fatal;
		return; /* the same, seen from another node */
	}
	problem_push(p, (struct problem){ line, fatal, buf_text(&b) });
}

/* -- the parser -------------------------------------------------------- */

struct parser {
	struct conf *c;
	struct problems *p;
	struct ini_section *section;
	struct ini_key *key;
	size_t indent;	  /* of that key */
	struct buf value; /* of that key, once it has continuations */
	unsigned line;
};

struct line {
	const char *raw, *at; /* at: the first that is not blank */
	size_t len;	      /* with its end */
	size_t n;	      /* of what is not blank, from `at` */
};

static struct line line_cut(const char *text, const char *end)
{
	const char *nl = memchr(text, '\n', (size_t)(end - text));
	struct line l = { .raw = text, .at = text };

	l.len = nl ? (size_t)(nl + 1 - text) : (size_t)(end - text);
	l.n = l.len;
	while (l.n && text_is_blank(l.at[0])) {
		l.at++;
		l.n--;
	}
	while (l.n && text_is_blank(l.at[l.n - 1]))
		l.n--;
	return l;
}

static void key_end(struct parser *s)
{
	if (s->key && s->value.data)
		s->key->value = buf_text(&s->value);
	s->key = NULL;
	s->value = BUF(s->c->arena);
}

static void take_filler(struct parser *s, const struct line *l)
{
	struct conf *c = s->c;

	if (c->last && c->last->kind == PIECE_FILLER)
		c->last->len += l->len;
	else
		ini_piece_after(c, c->last, PIECE_FILLER, l->raw, l->len);
}

static void take_continuation(struct parser *s, const struct line *l)
{
	struct piece *p = s->key->piece;

	/* Comments and blank lines on the way become part of the key's piece:
	 * all raw text is one stretch of memory. */
	while (s->c->last != p)
		ini_piece_drop(s->c, s->c->last);
	p->len = (size_t)(l->raw + l->len - p->raw);
	if (!s->value.data)
		buf_puts(&s->value, s->key->value);
	if (s->value.len)
		buf_puts(&s->value, "\n");
	buf_add(&s->value, l->at, l->n);
}

static void take_section(struct parser *s, const struct line *l)
{
	const char *end = memchr(l->at, ']', l->n);
	const char *name;

	key_end(s);
	if (!end || end == l->at + 1) {
		problem_add(s->p, s->line, true,
			    "a section header is expected, as in [fs#1]");
		return;
	}
	if (s->c->n == INI_MAX_SECTIONS) {
		problem_add(s->p, s->line, true, "more than %d sections",
			    INI_MAX_SECTIONS);
		return;
	}
	name = text_copy(s->c->arena, l->at + 1, (size_t)(end - l->at - 1));
	s->section = ini_section_add(s->c, name);
	if (!s->section->line)
		s->section->line = s->line;
	s->section->tail = ini_piece_after(s->c, s->c->last, PIECE_SECTION,
					   l->raw, l->len);
}

static const char *separator(const struct line *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->at[i] == '=' || l->at[i] == ':')
			return l->at + i;
	return NULL;
}

static bool key_refused(struct parser *s, const struct line *l, const char *sep)
{
	if (!sep || sep == l->at)
		problem_add(s->p, s->line, true,
			    "expected 'keyword = value', [section] or a "
			    "# comment, found '%s'",
			    text_shown(s->c->arena,
				       text_copy(s->c->arena, l->at,
						 l->n < 80 ? l->n : 80)));
	else if (!s->section)
		problem_add(s->p, s->line, true,
			    "a keyword before any section: put [DEFAULT] above "
			    "it");
	else if (s->c->n_keys == INI_MAX_KEYS)
		problem_add(s->p, s->line, true, "more than %d keywords",
			    INI_MAX_KEYS);
	else
		return false;
	return true;
}

static void take_key(struct parser *s, const struct line *l)
{
	struct arena *a = s->c->arena;
	const char *sep = separator(l), *name, *at, *scope = "";
	struct ini_key *k;

	key_end(s);
	if (key_refused(s, l, sep))
		return;
	name = text_trimmed(a, l->at, (size_t)(sep - l->at));
	at = strchr(name, '@');
	if (at && !at[1]) {
		problem_add(
			s->p, s->line, true,
			"expected a scope after '@', as in %s@nodes",
			text_shown(a, text_copy(a, name, (size_t)(at - name))));
		return;
	}
	if (at && at != name) {
		scope = text_lowered(a, at + 1);
		name = text_copy(a, name, (size_t)(at - name));
	}
	k = ini_key_add(s->c, s->section, name, scope);
	k->line = s->line;
	k->value = text_trimmed(a, sep + 1, (size_t)(l->at + l->n - sep - 1));
	ini_key_put(s->c, k, s->c->last, l->raw, l->len);
	s->key = k;
	s->indent = (size_t)(l->at - l->raw);
}

static void too_long(struct problems *p, unsigned line, size_t len)
{
	problem_add(p, line, true, "a line of %zu bytes; %d are allowed", len,
		    CONF_MAX_LINE);
}

static void take_line(struct parser *s, const struct line *l)
{
	if (l->len > CONF_MAX_LINE)
		too_long(s->p, s->line, l->len);
	else if (!l->n || l->at[0] == '#' || l->at[0] == ';')
		take_filler(s, l);
	else if (s->key && (size_t)(l->at - l->raw) > s->indent)
		take_continuation(s, l);
	else if (l->at[0] == '[')
		take_section(s, l);
	else
		take_key(s, l);
}

/* The lines that make the file so large, if it is not their number. */
static void size_refused(const char *text, size_t len, struct problems *p)
{
	const char *end = text + len;
	unsigned line = 1;

	problem_add(p, 0, true, "a file of %zu bytes; %d are allowed", len,
		    CONF_MAX_SIZE);
	while (text < end && !problems_full(p)) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = nl ? (size_t)(nl + 1 - text) : (size_t)(end - text);

		if (n > CONF_MAX_LINE)
			too_long(p, line, n);
		text += n;
		line++;
	}
}

static bool text_refused(const char *text, size_t len, struct problems *p)
{
	unsigned line = 1;
	size_t bad;

	if (len > CONF_MAX_SIZE) {
		size_refused(text, len, p);
		return true;
	}
	bad = text_bad_utf8(text, len);
	if (bad == len)
		return false;
	for (size_t i = 0; i < bad; i++)
		line += text[i] == '\n';
	if (text[bad])
		problem_add(p, line, true,
			    "byte 0x%02x is not UTF-8: save the file as UTF-8",
			    (unsigned char)text[bad]);
	else
		problem_add(p, line, true, "a zero byte: is this a text file?");
	return true;
}

struct conf *conf_parse(struct arena *a, const char *text, size_t len,
			struct problems *p)
{
	struct conf *c = ARENA_NEW(a, struct conf);
	struct parser s = { .c = c, .p = p, .value = BUF(a) };
	size_t fatal = p->fatal;
	const char *at, *end;

	if (text_refused(text, len, p))
		return NULL;
	c->arena = a;
	slots_grow(c);
	at = text_copy(a, text, len);
	end = at + len;
	if (len >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0) {
		ini_piece_after(c, NULL, PIECE_FILLER, at, 3);
		at += 3;
	}
	while (at < end) {
		struct line l = line_cut(at, end);

		s.line++;
		take_line(&s, &l);
		at += l.len;
	}
	key_end(&s);
	return p->fatal > fatal ? NULL : c;
}
