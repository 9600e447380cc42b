/*
 * Changing a file by its keys, so that only the lines of that key change.
 *
 *     conf_set    the key's last line gets the value; its name, its
 *                 separator and the comments among its lines stay
 *                 no such key: a line after the last one of its section
 *                 no such section: at the end of the file
 *     conf_unset  all lines of the key go, comments among them stay
 *
 * What is written must read back as the value, so new lines take their
 * indentation from their neighbours: a line that is indented deeper than the
 * key above it would continue that key.
 */
#include "fsm/conf/ini.h"

#include <errno.h>
#include <string.h>

#include "fsm/conf/text.h"

/* -- keys ---------------------------------------------------------------- */

static bool has_blank(const char *text)
{
	for (; *text; text++)
		if (text_is_blank(*text) || (unsigned char)*text < 0x20)
			return true;
	return false;
}

/* Where the section ends: for free sections the first dot, else the last. */
static const char *section_dot(const char *text, const char *end)
{
	static const char *const free_form[] = { "env.", "labels.", "data.",
						 "metadata." };
	const char *dot = NULL;

	for (size_t i = 0; i < sizeof(free_form) / sizeof(*free_form); i++)
		if (text_starts(text, free_form[i]))
			return text + strlen(free_form[i]) - 1;
	for (const char *p = text; p < end; p++)
		if (*p == '.')
			dot = p;
	return dot;
}

static int key_refuse(struct arena *a, const char *text, const char *why,
		      struct err *err)
{
	return err_set(err, -EINVAL,
		       "'%s' %s; expected SECTION.KEYWORD[@SCOPE], as in "
		       "fs#1.mnt@n1",
		       text_shown(a, text), why);
}

/* What could not be read back from a line of the file. */
static const char *key_fault(const struct conf_key *k)
{
	if (!*k->section || strchr(k->section, ']') || has_blank(k->section))
		return "names no section";
	if (!*k->option || strchr("#;[", *k->option) ||
	    strpbrk(k->option, "=:@") || has_blank(k->option))
		return "names no keyword";
	if (strpbrk(k->scope, "=:") || has_blank(k->scope))
		return "has a scope that cannot be";
	return NULL;
}

int conf_key_parse(struct arena *a, const char *text, struct conf_key *ret,
		   struct err *err)
{
	const char *end = strchr(text, '@');
	const char *dot, *option = text, *fault;
	struct conf_key k = { "DEFAULT", "", "" };

	if (!end)
		end = text + strlen(text);
	else if (!end[1])
		return key_refuse(a, text, "has an empty scope", err);
	else
		k.scope = text_lowered(a, end + 1);
	dot = section_dot(text, end);
	if (dot) {
		k.section = text_copy(a, text, (size_t)(dot - text));
		option = dot + 1;
	} else if (memchr(text, '#', (size_t)(end - text))) {
		return key_refuse(a, text, "has no keyword", err);
	}
	k.option = text_copy(a, option, (size_t)(end - option));
	fault = key_fault(&k);
	if (fault)
		return key_refuse(a, text, fault, err);
	*ret = k;
	return 0;
}

static struct ini_key *find(const struct conf *c, const struct conf_key *k)
{
	const struct ini_section *s = ini_section(c, k->section);

	return s ? ini_key(c, s, k->option, k->scope) : NULL;
}

const char *conf_raw(const struct conf *c, const struct conf_key *k)
{
	const struct ini_key *key = find(c, k);

	return key ? key->value : NULL;
}

/* -- lines ---------------------------------------------------------------- */

/* The blanks that the first line of a piece begins with. */
static size_t indent_of(const struct piece *p)
{
	size_t n = 0;

	while (n < p->len && (p->raw[n] == ' ' || p->raw[n] == '\t'))
		n++;
	return n;
}

static const char *line_end_of(const struct piece *p)
{
	return p && p->len >= 2 && memcmp(p->raw + p->len - 2, "\r\n", 2) == 0
		       ? "\r\n"
		       : "\n";
}

static bool is_bom(const struct piece *p)
{
	return p->len == 3 && memcmp(p->raw, "\xef\xbb\xbf", 3) == 0;
}

/* What comes after @p must begin on a line of its own. */
static void end_line(struct conf *c, struct piece *p)
{
	struct buf b = BUF(c->arena);

	if (!p || !p->len || p->raw[p->len - 1] == '\n' || is_bom(p))
		return;
	buf_add(&b, p->raw, p->len);
	buf_puts(&b, line_end_of(p->prev));
	p->raw = b.data;
	p->len = b.len;
}

/* Blank lines and blanks at the ends of lines are not part of a value. */
static int value_check(struct arena *a, const char *value, const char **ret,
		       struct err *err)
{
	struct buf b = BUF(a);
	const char *at = value;
	bool first = true;

	if (text_bad_utf8(value, strlen(value)) != strlen(value))
		return err_set(err, -EINVAL, "the value is not UTF-8");
	for (;; first = false) {
		size_t n = strcspn(at, "\n");
		const char *line = text_trimmed(a, at, n);

		if (strlen(line) > CONF_MAX_LINE / 2)
			return err_set(err, -EINVAL,
				       "a line of %zu bytes; a value may have "
				       "%d in one line",
				       strlen(line), CONF_MAX_LINE / 2);
		if (!first && (*line == '#' || *line == ';'))
			return err_set(err, -EINVAL,
				       "line '%s' of the value would be read "
				       "as a comment",
				       text_shown(a, line));
		if (*line && b.len)
			buf_puts(&b, "\n");
		buf_puts(&b, line);
		if (!at[n])
			break;
		at += n + 1;
	}
	*ret = buf_text(&b);
	return 0;
}

/* The lines of a key: @head is all up to the value. */
static void put_value(struct buf *b, const char *value, const char *indent,
		      const char *nl)
{
	for (const char *p = value; *p; p++) {
		if (*p != '\n')
			buf_add(b, p, 1);
		else
			buf_printf(b, "%s%s\t", nl, indent);
	}
}

/* Blank and comment lines among those of a key, which stay. */
static void put_fillers(struct buf *b, const struct piece *p)
{
	const char *at = p->raw, *end = p->raw + p->len;

	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		size_t n = nl ? (size_t)(nl + 1 - at) : (size_t)(end - at);
		const char *first = at;

		while (first < at + n && text_is_blank(*first))
			first++;
		if (first == at + n || *first == '#' || *first == ';')
			buf_add(b, at, n);
		at += n;
	}
}

/* Where the value begins: after the separator and its blanks. */
static size_t value_offset(const struct piece *p)
{
	size_t n = 0;

	while (p->raw[n] != '=' && p->raw[n] != ':')
		n++;
	n++;
	while (n < p->len && (p->raw[n] == ' ' || p->raw[n] == '\t'))
		n++;
	return n;
}

static void replace_value(struct conf *c, struct ini_key *k, const char *value)
{
	struct piece *p = k->piece;
	struct buf b = BUF(c->arena);
	size_t head = value_offset(p);
	bool ended = p->raw[p->len - 1] == '\n';
	const char *nl = line_end_of(p);

	buf_add(&b, p->raw, head);
	/* "key =" becomes "key = value". */
	if (*value && strchr("=:", p->raw[head - 1]) && head >= 2 &&
	    text_is_blank(p->raw[head - 2]))
		buf_puts(&b, " ");
	put_value(&b, value, text_copy(c->arena, p->raw, indent_of(p)), nl);
	if (ended)
		buf_puts(&b, nl);
	put_fillers(&b, p);
	p->raw = b.data;
	p->len = b.len;
	k->value = value;
}

/* As deep as what follows, and no deeper than the key above. */
static const char *indent_after(struct conf *c, const struct piece *tail)
{
	const struct piece *next = tail->next;

	if (tail->kind == PIECE_KEY)
		return text_copy(c->arena, tail->raw, indent_of(tail));
	while (next && next->kind == PIECE_FILLER)
		next = next->next;
	return next ? text_copy(c->arena, next->raw, indent_of(next)) : "";
}

static void add_key(struct conf *c, struct ini_section *s,
		    const struct conf_key *k, const char *value)
{
	struct ini_key *key =
		ini_key_add(c, s, arena_printf(c->arena, "%s", k->option),
			    text_lowered(c->arena, k->scope));
	struct buf b = BUF(c->arena);
	const char *indent = indent_after(c, s->tail);
	const char *nl;

	end_line(c, s->tail);
	nl = line_end_of(s->tail);
	buf_printf(&b, "%s%s%s%s =%s", indent, key->option,
		   *key->scope ? "@" : "", key->scope, *value ? " " : "");
	put_value(&b, value, indent, nl);
	buf_puts(&b, nl);
	key->value = value;
	ini_key_put(c, key, s->tail, b.data, b.len);
}

static struct ini_section *add_section(struct conf *c, const char *name)
{
	struct ini_section *s;
	struct buf b = BUF(c->arena);
	const char *nl = line_end_of(c->last);

	end_line(c, c->last);
	s = ini_section_add(c, arena_printf(c->arena, "%s", name));
	buf_printf(&b, "%s[%s]%s", c->last && !is_bom(c->last) ? nl : "", name,
		   nl);
	s->tail = ini_piece_after(c, c->last, PIECE_SECTION, b.data, b.len);
	return s;
}

/* -- the edits ------------------------------------------------------------- */

static int add_refused(const struct conf *c, struct err *err)
{
	if (c->n_keys >= INI_MAX_KEYS || c->n >= INI_MAX_SECTIONS)
		return err_set(err, -ENOSPC,
			       "the file has %zu keywords in %zu sections; "
			       "that is as many as it may have",
			       c->n_keys, c->n);
	return 0;
}

int conf_set(struct conf *c, const struct conf_key *k, const char *value,
	     struct err *err)
{
	struct ini_section *s;
	struct ini_key *key;
	const char *fault = key_fault(k);
	int rc;

	if (fault)
		return key_refuse(c->arena, k->option, fault, err);
	rc = value_check(c->arena, value, &value, err);
	if (rc < 0)
		return rc;
	key = find(c, k);
	if (key) {
		if (!text_equal(key->value, value))
			replace_value(c, key, value);
		return 0;
	}
	rc = add_refused(c, err);
	if (rc < 0)
		return rc;
	s = ini_section(c, k->section);
	if (!s)
		s = add_section(c, k->section);
	add_key(c, s, k, value);
	return 0;
}

static void drop_key(struct conf *c, struct ini_key *k)
{
	struct piece *p = k->piece;
	struct ini_section *s = k->section;
	struct buf rest = BUF(c->arena);

	k->gone = true;
	put_fillers(&rest, p);
	if (rest.len)
		ini_piece_after(c, p, PIECE_FILLER, rest.data, rest.len);
	if (s->tail == p) {
		/* The section's header, if no key: it is never dropped. */
		do
			s->tail = s->tail->prev;
		while (s->tail->kind == PIECE_FILLER);
	}
	ini_piece_drop(c, p);
}

int conf_unset(struct conf *c, const struct conf_key *k, struct err *err)
{
	struct ini_section *s = ini_section(c, k->section);
	bool any = false;

	(void)err;
	if (!s || !ini_key(c, s, k->option, k->scope))
		return 1;
	for (struct ini_key *key = s->keys; key; key = key->next) {
		if (key->gone || !text_equal(key->option, k->option) ||
		    !text_equal(key->scope, k->scope))
			continue;
		drop_key(c, key);
		any = true;
	}
	return any ? 0 : 1;
}

/* -- a whole section ---------------------------------------------------------
 */

static bool is_header_of(const struct piece *p, const char *name)
{
	const char *open = memchr(p->raw, '[', p->len);
	size_t n = strlen(name);

	return open && (size_t)(p->raw + p->len - open) > n + 1 &&
	       memcmp(open + 1, name, n) == 0 && open[n + 1] == ']';
}

/* Comments behind the last key are about what follows. */
static bool is_behind_keys(const struct piece *p)
{
	while (p && p->kind == PIECE_FILLER)
		p = p->next;
	return !p || p->kind == PIECE_SECTION;
}

/* The blank lines that set a header off from what is above it. */
static void drop_blank_lines(struct piece *p)
{
	size_t n;

	if (!p || p->kind != PIECE_FILLER)
		return;
	for (n = p->len; n > 0 && text_is_blank(p->raw[n - 1]); n--)
		;
	while (n > 0 && n < p->len && p->raw[n - 1] != '\n')
		n++;
	p->len = n;
}

int conf_unset_section(struct conf *c, const char *name)
{
	struct ini_section *s = ini_section(c, name);
	bool in = false;

	if (!s)
		return 1;
	for (struct piece *p = c->first, *next; p; p = next) {
		next = p->next;
		if (p->kind == PIECE_SECTION) {
			in = is_header_of(p, name);
			if (in)
				drop_blank_lines(p->prev);
		}
		if (in && !(p->kind == PIECE_FILLER && is_behind_keys(p)))
			ini_piece_drop(c, p);
	}
	ini_section_drop(c, s);
	return 0;
}
