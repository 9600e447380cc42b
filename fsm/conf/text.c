#include "fsm/conf/text.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "fsm/base/utf8.h"

bool text_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

char *text_copy(struct arena *a, const char *text, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (len)
		memcpy(copy, text, len);
	return copy;
}

char *text_lowered(struct arena *a, const char *text)
{
	char *copy = text_copy(a, text, strlen(text));

	for (char *p = copy; *p; p++)
		*p = text_lower(*p);
	return copy;
}

char *text_trimmed(struct arena *a, const char *text, size_t len)
{
	while (len && text_is_blank(text[0])) {
		text++;
		len--;
	}
	while (len && text_is_blank(text[len - 1]))
		len--;
	return text_copy(a, text, len);
}

/* The next word at or after *at; NULL at the end. */
static const char *word_next(const char **at, size_t *len)
{
	const char *p = *at, *word;

	while (text_is_blank(*p))
		p++;
	word = p;
	while (*p && !text_is_blank(*p))
		p++;
	*at = p;
	*len = (size_t)(p - word);
	return *len ? word : NULL;
}

struct names words_split(struct arena *a, const char *text)
{
	struct names l = { 0 };
	const char *at = text, *word;
	size_t n = 0, len;

	while (word_next(&at, &len))
		n++;
	if (!n)
		return l;
	l.at = ARENA_VEC(a, const char *, n);
	at = text;
	while ((word = word_next(&at, &len)))
		l.at[l.n++] = text_copy(a, word, len);
	return l;
}

bool words_have(const char *list, const char *word)
{
	size_t n = strlen(word);

	while (n) {
		while (text_is_blank(*list))
			list++;
		if (*list == *word && strncmp(list, word, n) == 0 &&
		    (!list[n] || text_is_blank(list[n])))
			return true;
		while (*list && !text_is_blank(*list))
			list++;
		if (!*list)
			break;
	}
	return false;
}

const char *words_join(struct arena *a, const struct names *words)
{
	struct buf b = BUF(a);

	for (size_t i = 0; i < words->n; i++) {
		if (i)
			buf_puts(&b, " ");
		buf_puts(&b, words->at[i]);
	}
	return buf_text(&b);
}

static size_t digits(const char **p)
{
	const char *start;

	while (**p == '0')
		(*p)++;
	start = *p;
	while (text_is_digit(**p))
		(*p)++;
	return (size_t)(*p - start);
}

int natural_cmp(const char *a, const char *b)
{
	const char *x = a, *y = b;

	while (*x && *y) {
		size_t n, m;
		int cmp;

		if (!text_is_digit(*x) || !text_is_digit(*y)) {
			if (*x != *y)
				return (unsigned char)*x < (unsigned char)*y
					       ? -1
					       : 1;
			x++;
			y++;
			continue;
		}
		n = digits(&x);
		m = digits(&y);
		if (n != m)
			return n < m ? -1 : 1;
		cmp = memcmp(x - n, y - m, n);
		if (cmp)
			return cmp < 0 ? -1 : 1;
	}
	if (*x || *y)
		return *y ? -1 : 1;
	return strcmp(a, b); /* 01 and 1 */
}

#define SHOWN_MAX 60

const char *text_shown(struct arena *a, const char *text)
{
	size_t len = strlen(text), keep = len;
	char *copy;

	if (len > SHOWN_MAX) {
		keep = SHOWN_MAX;
		while (keep && ((unsigned char)text[keep] & 0xc0) == 0x80)
			keep--;
	}
	copy = arena_alloc(a, keep + 4);
	for (size_t i = 0; i < keep; i++)
		copy[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f
				  ? '?'
				  : text[i];
	if (keep < len)
		memcpy(copy + keep, "...", 4);
	return copy;
}

size_t text_bad_utf8(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t n = utf8_char(text + at, len - at);

		if (!n)
			return at;
		at += n;
	}
	return len;
}

static bool same_letter(char a, char b)
{
	return text_lower(a) == text_lower(b);
}

static unsigned least_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: a letter more, less or other, or two swapped, each
 * count one (Damerau, "A technique for computer detection and correction of
 * spelling errors", 1964). Three rows of the table are enough. */
unsigned text_distance(const char *a, const char *b, unsigned limit)
{
	unsigned rows[3][TEXT_MAX_SPELLING + 1] = { { 0 } };
	size_t n = strlen(a), m = strlen(b);

	if (n > TEXT_MAX_SPELLING || m > TEXT_MAX_SPELLING ||
	    (n > m ? n - m : m - n) >= limit)
		return limit;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		const unsigned *before = rows[(i + 1) % 3];
		const unsigned *above = rows[(i + 2) % 3];
		unsigned *row = rows[i % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned other = !same_letter(a[i - 1], b[j - 1]);

			row[j] = least_of(above[j - 1] + other,
					  least_of(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
			    same_letter(a[i - 2], b[j - 1]))
				row[j] = least_of(row[j], before[j - 2] + 1);
		}
	}
	return least_of(rows[n % 3][m], limit);
}

struct nearest nearest_to(const char *word)
{
	size_t n = strlen(word);

	/* A third of the letters may be wrong, and one at least. */
	return (struct nearest){ word, NULL,
				 n > TEXT_MAX_SPELLING
					 ? 0
					 : (unsigned)(n < 3 ? 1 : n / 3) + 1 };
}

void nearest_try(struct nearest *n, const char *candidate)
{
	unsigned d;

	if (!n->distance)
		return;
	d = text_distance(n->word, candidate, n->distance);
	if (d >= n->distance)
		return;
	n->distance = d;
	n->best = candidate;
}

const char *nearest_hint(struct arena *a, const struct nearest *n)
{
	return n->best ? arena_printf(a, "; did you mean %s?", n->best) : "";
}

/* -- names of services and nodes ---------------------------------------- */

bool names_have(const struct names *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (text_equal(l->at[i], name))
			return true;
	return false;
}

static bool is_alphanumeric(char c)
{
	return text_is_letter(c) || text_is_digit(c);
}

/* Length of the label at @p: letters, digits and '-', not at its ends. 0 if
 * there is none. */
static size_t label(const char *p)
{
	size_t n = 0;

	if (!is_alphanumeric(*p))
		return 0;
	while (is_alphanumeric(p[n]) || p[n] == '-')
		n++;
	return is_alphanumeric(p[n - 1]) ? n : 0;
}

#define NAME_MAX_LEN  200 /* a file NAME.conf and its drafts must fit */
#define LABEL_MAX_LEN 63  /* RFC 1035 2.3.4 */

int name_check(const char *name, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *at = name;
	size_t n = strlen(name);

	if (n > NAME_MAX_LEN)
		return err_set(err, -EINVAL,
			       "name '%s' has %zu letters; %d are allowed",
			       text_shown(a, name), n, NAME_MAX_LEN);
	do {
		n = label(at);
		if (!n || n > LABEL_MAX_LEN || (at[n] && at[n] != '.'))
			return err_set(err, -EINVAL,
				       "name '%s' is not letters, digits and "
				       "'-', in parts of at most %d that dots "
				       "separate",
				       text_shown(a, name), LABEL_MAX_LEN);
		at += n + 1;
	} while (at[-1]);
	return 0;
}
