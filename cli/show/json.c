#include "cli/show/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/base/utf8.h"

struct json {
	struct arena *a;
	const char *text, *p, *end;
	struct err *err;
};

static int fail(const struct json *j, const char *expected)
{
	unsigned line = 1;

	for (const char *p = j->text; p < j->p; p++)
		line += *p == '\n';
	return err_set(j->err, -EBADMSG,
		       "line %u: this is no JSON: %s expected", line, expected);
}

static void skip_blanks(struct json *j)
{
	while (j->p < j->end && strchr(" \t\r\n", *j->p) && *j->p)
		j->p++;
}

static bool take(struct json *j, char c)
{
	skip_blanks(j);
	if (j->p == j->end || *j->p != c)
		return false;
	j->p++;
	return true;
}

static bool take_word(struct json *j, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(j->end - j->p) < n || memcmp(j->p, word, n) != 0)
		return false;
	j->p += n;
	return true;
}

/* -- strings --------------------------------------------------------------- */

static void put_utf8(struct buf *b, unsigned c)
{
	char u[4];

	if (c < 0x80) {
		u[0] = (char)c;
		buf_add(b, u, 1);
	} else if (c < 0x800) {
		u[0] = (char)(0xc0 | c >> 6);
		u[1] = (char)(0x80 | (c & 0x3f));
		buf_add(b, u, 2);
	} else if (c < 0x10000) {
		u[0] = (char)(0xe0 | c >> 12);
		u[1] = (char)(0x80 | (c >> 6 & 0x3f));
		u[2] = (char)(0x80 | (c & 0x3f));
		buf_add(b, u, 3);
	} else {
		u[0] = (char)(0xf0 | c >> 18);
		u[1] = (char)(0x80 | (c >> 12 & 0x3f));
		u[2] = (char)(0x80 | (c >> 6 & 0x3f));
		u[3] = (char)(0x80 | (c & 0x3f));
		buf_add(b, u, 4);
	}
}

static bool take_hex(struct json *j, unsigned *ret)
{
	unsigned value = 0;

	if (j->end - j->p < 4)
		return false;
	for (unsigned i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *at = *j->p ? strchr(digits, *j->p) : NULL;

		if (!at)
			return false;
		value = value << 4 | (unsigned)((at - digits) & 15);
		j->p++;
	}
	*ret = value;
	return true;
}

/* Behind "\u": one character, or the two halves of one. */
static bool take_unicode(struct json *j, struct buf *b)
{
	unsigned c, low;

	if (!take_hex(j, &c) || c == 0)
		return false;
	if (c >= 0xdc00 && c < 0xe000)
		return false;
	if (c >= 0xd800 && c < 0xdc00) {
		if (!take_word(j, "\\u") || !take_hex(j, &low) ||
		    low < 0xdc00 || low >= 0xe000)
			return false;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	put_utf8(b, c);
	return true;
}

static bool take_escape(struct json *j, struct buf *b)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (j->p == j->end)
		return false;
	if (*j->p == 'u') {
		j->p++;
		return take_unicode(j, b);
	}
	at = *j->p ? strchr(from, *j->p) : NULL;
	if (!at)
		return false;
	j->p++;
	buf_add(b, &to[at - from], 1);
	return true;
}

static int parse_string(struct json *j, const char **ret)
{
	struct buf b = BUF(j->a);

	if (!take(j, '"'))
		return fail(j, "\"");
	for (;;) {
		const char *start = j->p;

		while (j->p < j->end && *j->p != '"' && *j->p != '\\' &&
		       (unsigned char)*j->p >= ' ')
			j->p++;
		buf_add(&b, start, (size_t)(j->p - start));
		if (j->p == j->end || (unsigned char)*j->p < ' ')
			return fail(j, "the end of a string");
		if (*j->p++ == '"')
			break;
		if (!take_escape(j, &b))
			return fail(j, "an escape sequence");
	}
	*ret = buf_text(&b);
	return 0;
}

/* -- values ------------------------------------------------------------ */

static int parse_number(struct json *j, struct doc **ret)
{
	static const char chars[] = "+-.0123456789eE";
	const char *start = j->p, *text;
	char *end;
	size_t n = 0;

	while (start + n < j->end && start[n] && strchr(chars, start[n]))
		n++;
	text = arena_printf(j->a, "%.*s", (int)n, start);
	errno = 0;
	if (strcspn(text, ".eE") == n)
		*ret = doc_int(j->a, strtoll(text, &end, 10));
	else
		*ret = doc_real(j->a, strtod(text, &end));
	if (n == 0 || *end || errno || *text == '+' || *text == '.')
		return fail(j, "a value");
	j->p += n;
	return 0;
}

static int parse_value(struct json *j, unsigned depth, struct doc **ret);

static int parse_list(struct json *j, unsigned depth, struct doc **ret)
{
	struct doc *list = doc_list(j->a), *item;
	int rc = 0;

	*ret = list;
	if (take(j, ']'))
		return 0;
	do {
		rc = parse_value(j, depth + 1, &item);
		if (rc == 0)
			doc_add(j->a, list, item);
	} while (rc == 0 && take(j, ','));
	if (rc == 0 && !take(j, ']'))
		return fail(j, ", or ]");
	return rc;
}

static int parse_map(struct json *j, unsigned depth, struct doc **ret)
{
	struct doc *map = doc_map(j->a), *item;
	const char *key;
	int rc = 0;

	*ret = map;
	if (take(j, '}'))
		return 0;
	do {
		rc = parse_string(j, &key);
		if (rc == 0 && !take(j, ':'))
			rc = fail(j, ":");
		if (rc == 0)
			rc = parse_value(j, depth + 1, &item);
		if (rc == 0 && doc_len(map) >= DOC_MAX_KEYS)
			rc = fail(j, "a map of fewer keys");
		if (rc == 0)
			doc_put(j->a, map, key, item);
	} while (rc == 0 && take(j, ','));
	if (rc == 0 && !take(j, '}'))
		return fail(j, ", or }");
	return rc;
}

static int parse_value(struct json *j, unsigned depth, struct doc **ret)
{
	const char *text;
	int rc;

	if (depth > DOC_MAX_DEPTH)
		return fail(j, "less depth");
	if (take(j, '{'))
		return parse_map(j, depth, ret);
	if (take(j, '['))
		return parse_list(j, depth, ret);
	if (j->p < j->end && *j->p == '"') {
		rc = parse_string(j, &text);
		if (rc == 0)
			*ret = doc_str(j->a, text);
		return rc;
	}
	if (take_word(j, "true"))
		*ret = doc_bool(j->a, true);
	else if (take_word(j, "false"))
		*ret = doc_bool(j->a, false);
	else if (take_word(j, "null"))
		*ret = doc_nil(j->a);
	else
		return parse_number(j, ret);
	return 0;
}

/* All of it, from where the reader stands. */
static int check_utf8(const struct json *whole)
{
	struct json j = *whole;

	while (j.p < j.end) {
		size_t n = utf8_char(j.p, (size_t)(j.end - j.p));

		if (n == 0)
			return fail(&j, "UTF-8");
		j.p += n;
	}
	return 0;
}

int json_parse(struct arena *a, const char *text, size_t len, struct doc **ret,
	       struct err *err)
{
	struct json j = { a, text, text, text + len, err };
	struct doc *d = NULL;
	int rc = check_utf8(&j);

	if (rc == 0)
		rc = parse_value(&j, 0, &d);
	skip_blanks(&j);
	if (rc == 0 && j.p != j.end)
		rc = fail(&j, "the end");
	if (rc == 0)
		*ret = d;
	return rc;
}
