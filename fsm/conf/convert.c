#include "fsm/conf/convert.h"

#include <errno.h>
#include <string.h>

#include "fsm/conf/text.h"

static int refuse(struct arena *a, struct err *err, const char *text,
		  const char *expected)
{
	return err_set(err, -EINVAL, "'%s' is not %s", text_shown(a, text),
		       expected);
}

/* -- numbers ----------------------------------------------------------- */

/* Digits, with a fraction of at most 9 that count, times @unit, rounded down.
 * False if it does not fit. */
struct decimal {
	int64_t whole;
	int64_t part, of; /* part / of, of = 10^k */
};

static bool decimal_read(const char **at, struct decimal *d, const char *points)
{
	const char *p = *at;

	*d = (struct decimal){ 0, 0, 1 };
	if (!text_is_digit(*p))
		return false;
	for (; text_is_digit(*p); p++)
		if (__builtin_mul_overflow(d->whole, 10, &d->whole) ||
		    __builtin_add_overflow(d->whole, *p - '0', &d->whole))
			return false;
	if (*p && strchr(points, *p) && text_is_digit(p[1])) {
		for (p++; text_is_digit(*p); p++) {
			if (d->of >= 1000000000)
				continue;
			d->part = d->part * 10 + (*p - '0');
			d->of *= 10;
		}
	}
	*at = p;
	return true;
}

static bool decimal_times(const struct decimal *d, int64_t unit, int64_t *ret)
{
	__int128 n =
		(__int128)d->whole * unit + (__int128)d->part * unit / d->of;

	if (n > INT64_MAX)
		return false;
	*ret = (int64_t)n;
	return true;
}

static void skip_blanks(const char **at)
{
	while (text_is_blank(**at))
		(*at)++;
}

static int to_integer(struct arena *a, const char *text, struct value *v,
		      struct err *err)
{
	const char *at = text;
	bool minus = *at == '-';
	struct decimal d;

	at += *at == '-' || *at == '+';
	if (!decimal_read(&at, &d, ".") || *at)
		return refuse(a, err, text, "a number");
	v->num = minus ? -d.whole : d.whole;
	return 0;
}

static size_t letters(const char *at, char *ret, size_t size)
{
	size_t n = 0;

	for (; text_is_letter(at[n]); n++)
		if (n < size - 1)
			ret[n] = text_lower(at[n]);
	ret[n < size - 1 ? n : size - 1] = '\0';
	return n;
}

static const struct {
	const char *name;
	int64_t num, of; /* in ms: num / of */
} durations[] = {
	{ "ns", 1, 1000000 },	 { "us", 1, 1000 },
	{ "ms", 1, 1 },		 { "s", 1000, 1 },
	{ "m", 60000, 1 },	 { "h", 3600000, 1 },
	{ "d", 86400000, 1 },	 { "w", 604800000, 1 },
	{ "y", 31536000000, 1 }, /* 365 days */
};

/* @bare: the unit of a number that has none. */
static bool duration_term(const char **at, const char *bare, int64_t *ret)
{
	const char *name;
	struct decimal d;
	char unit[4];
	int64_t ms;

	if (!decimal_read(at, &d, "."))
		return false;
	skip_blanks(at);
	*at += letters(*at, unit, sizeof(unit));
	name = *unit ? unit : bare;
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		if (strcmp(name, durations[i].name) != 0)
			continue;
		if (!decimal_times(&d, durations[i].num, &ms))
			return false;
		return !__builtin_add_overflow(*ret, ms / durations[i].of, ret);
	}
	return false;
}

static int to_duration(struct arena *a, const char *text, const char *bare,
		       struct value *v, struct err *err)
{
	const char *at = text;
	bool minus = *at == '-';

	at += minus;
	while (*at) {
		if (!duration_term(&at, bare, &v->num))
			return refuse(a, err, text,
				      "a duration such as 30s, 1h30m or 500ms");
		skip_blanks(&at);
	}
	if (minus)
		v->num = -v->num;
	return 0;
}

/* How the letters behind a number are read. */
struct unit {
	int64_t factor;
	int64_t was; /* the factor of OpenSVC 2: KB and KiB the other way */
};

static bool unit_read(const char *letters, struct unit *ret)
{
	static const char powers[] = "kmgtpe";
	const char *power = *letters ? strchr(powers, *letters) : NULL;
	const char *rest = power ? letters + 1 : letters;
	int64_t base = 1024, was = 1024;

	*ret = (struct unit){ 1, 1 };
	if (power && strcmp(rest, "b") == 0)
		base = 1000;
	else if (power && (strcmp(rest, "ib") == 0 || strcmp(rest, "i") == 0))
		was = 1000;
	else if (*rest && (power || strcmp(rest, "b") != 0))
		return false;
	for (const char *p = powers; power && p <= power; p++) {
		ret->factor *= base;
		ret->was *= was;
	}
	return true;
}

/* Files of OpenSVC 2 may have meant another number. */
static void size_note(struct arena *a, const char *text,
		      const struct decimal *d, const struct unit *u,
		      struct value *v)
{
	int64_t was;

	if (u->was == u->factor || !decimal_times(d, u->was, &was) ||
	    was == v->num)
		return;
	v->note = arena_printf(a,
			       "'%s' is %lld bytes; OpenSVC 2 read it as %lld: "
			       "say which by k, m, g (1024) or by the number",
			       text_shown(a, text), (long long)v->num,
			       (long long)was);
}

static int to_size(struct arena *a, const char *text, const char *behind,
		   struct value *v, struct err *err)
{
	const char *at = text;
	struct decimal d;
	struct unit u;
	char unit[5];

	if (!*text)
		return 0;
	if (!decimal_read(&at, &d, ".,"))
		goto bad;
	if (*at == '%') {
		v->is_percent = true;
		return 0;
	}
	skip_blanks(&at);
	at += letters(at, unit, sizeof(unit));
	skip_blanks(&at);
	if (text_starts(at, behind))
		at += strlen(behind);
	if (*at || !unit_read(unit, &u) ||
	    !decimal_times(&d, u.factor, &v->num))
		goto bad;
	size_note(a, text, &d, &u, v);
	return 0;
bad:
	return refuse(a, err, text,
		      "a size such as 512, 10m, 1.5GiB (1024) or 2GB (1000)");
}

static int to_boolean(struct arena *a, const char *text, struct value *v,
		      struct err *err)
{
	const char *low = text_lowered(a, text);

	v->num = words_have("yes y true t 1 on", low);
	if (v->num || !*low ||
	    words_have("no n false f 0 0.0 none [] {} off", low))
		return 0;
	return refuse(a, err, text, "true or false");
}

/* -- lists ------------------------------------------------------------- */

static int to_nodes(struct arena *a, const char *text, struct value *v,
		    struct err *err)
{
	struct names all = v->words;
	struct err why;

	v->words.n = 0;
	if (strchr(text, ','))
		return err_set(err, -EINVAL,
			       "'%s' has commas: names are separated by blanks",
			       text_shown(a, text));
	for (size_t i = 0; i < all.n; i++) {
		if (strpbrk(all.at[i], "*?[="))
			return err_set(err, -EINVAL,
				       "'%s' is a pattern; a file names its "
				       "nodes one by one, so that it means the "
				       "same on each of them (encap set writes "
				       "out patterns)",
				       text_shown(a, all.at[i]));
		if (name_check(all.at[i], &why) < 0)
			return err_set(err, -EINVAL, "node %s", why.text);
		if (names_have(&v->words, all.at[i]))
			continue;
		if (v->words.n == CONV_MAX_NODES)
			return err_set(err, -EINVAL,
				       "more than %d nodes are named",
				       CONV_MAX_NODES);
		v->words.at[v->words.n++] = all.at[i];
	}
	v->text = words_join(a, &v->words);
	return 0;
}

static int shlex_quoted(const char **at, struct buf *word)
{
	char quote = *(*at)++;

	for (; **at && **at != quote; (*at)++) {
		if (quote == '"' && **at == '\\' &&
		    ((*at)[1] == '"' || (*at)[1] == '\\' || (*at)[1] == '$' ||
		     (*at)[1] == '`'))
			(*at)++;
		buf_add(word, *at, 1);
	}
	if (!**at)
		return -EINVAL;
	(*at)++;
	return 0;
}

static int shlex_word(const char **at, struct buf *word)
{
	buf_puts(word, ""); /* '' is a word */
	while (**at && !text_is_blank(**at)) {
		if (**at == '\'' || **at == '"') {
			if (shlex_quoted(at, word) < 0)
				return -EINVAL;
			continue;
		}
		if (**at == '\\' && !*++*at)
			return -EINVAL;
		buf_add(word, (*at)++, 1);
	}
	return 0;
}

int shlex_split(struct arena *a, const char *text, struct names *ret,
		struct err *err)
{
	const char *at = text;
	size_t cap = 0;

	*ret = (struct names){ 0 };
	for (skip_blanks(&at); *at; skip_blanks(&at)) {
		struct buf word = BUF(a);

		if (shlex_word(&at, &word) < 0)
			return err_set(err, -EINVAL,
				       "'%s' has a quote that is not closed",
				       text_shown(a, text));
		if (ret->n == cap) {
			const char **more =
				ARENA_VEC(a, const char *, cap * 2 + 4);

			if (cap)
				memcpy(more, ret->at, cap * sizeof(*more));
			ret->at = more;
			cap = cap * 2 + 4;
		}
		ret->at[ret->n++] = buf_text(&word);
	}
	return 0;
}

static bool is_plain(const char *word)
{
	for (const char *p = word; *p; p++)
		if (!text_is_letter(*p) && !text_is_digit(*p) &&
		    !strchr("_@%+=:,./-", *p))
			return false;
	return *word != '\0';
}

const char *shlex_join(struct arena *a, const struct names *words)
{
	struct buf b = BUF(a);

	for (size_t i = 0; i < words->n; i++) {
		if (i)
			buf_puts(&b, " ");
		if (is_plain(words->at[i])) {
			buf_puts(&b, words->at[i]);
			continue;
		}
		buf_puts(&b, "'");
		for (const char *p = words->at[i]; *p; p++)
			buf_puts(&b,
				 *p == '\'' ? "'\\''" : (char[]){ *p, '\0' });
		buf_puts(&b, "'");
	}
	return buf_text(&b);
}

/* "-it": how many flags of one letter are in it; 0 if it is something else. */
static size_t flags_in(const char *word)
{
	size_t n = 0;

	if (*word != '-')
		return 0;
	while (text_is_letter(word[n + 1]))
		n++;
	return word[n + 1] ? 0 : n;
}

static int to_flags(struct arena *a, const char *text, struct value *v,
		    struct err *err)
{
	struct names all, out = { 0 };
	size_t n = 0;
	int rc = shlex_split(a, text, &all, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < all.n; i++)
		n += flags_in(all.at[i]) + 1;
	if (n)
		out.at = ARENA_VEC(a, const char *, n);
	for (size_t i = 0; i < all.n; i++) {
		n = flags_in(all.at[i]);
		if (!n)
			out.at[out.n++] = all.at[i];
		for (size_t j = 1; j <= n; j++)
			out.at[out.n++] = arena_printf(a, "-%c", all.at[i][j]);
	}
	v->words = out;
	v->text = shlex_join(a, &out);
	return 0;
}

/* -- all of them ------------------------------------------------------- */

static void each_once(struct names *l)
{
	struct names all = *l;

	l->n = 0;
	for (size_t i = 0; i < all.n; i++)
		if (!names_have(l, all.at[i]))
			l->at[l->n++] = all.at[i];
}

static struct names commas_split(struct arena *a, const char *text)
{
	struct names l = { 0 };
	size_t n = 1;

	for (const char *p = text; *p; p++)
		n += *p == ',';
	l.at = ARENA_VEC(a, const char *, n);
	for (;;) {
		size_t len = strcspn(text, ",");
		const char *word = text_trimmed(a, text, len);

		if (*word)
			l.at[l.n++] = word;
		if (!text[len])
			return l;
		text += len + 1;
	}
}

static const char *commas_join(struct arena *a, const struct names *words)
{
	struct buf b = BUF(a);

	for (size_t i = 0; i < words->n; i++)
		buf_printf(&b, "%s%s", i ? "," : "", words->at[i]);
	return buf_text(&b);
}

static void to_words(struct arena *a, enum conv conv, const char *text,
		     struct value *v)
{
	bool commas = conv == CONV_LIST_COMMA || conv == CONV_SET_COMMA;

	if (conv == CONV_LIST_LOWER || conv == CONV_NODES)
		text = text_lowered(a, text);
	v->words = commas ? commas_split(a, text) : words_split(a, text);
	if (conv == CONV_SET || conv == CONV_SET_COMMA)
		each_once(&v->words);
	v->text = commas ? commas_join(a, &v->words) : words_join(a, &v->words);
}

/* Not by printf: half of all values are numbers. */
static const char *number_text(struct arena *a, int64_t num, const char *unit)
{
	char text[32], *end = text + sizeof(text), *p = end - strlen(unit);
	uint64_t n = num < 0 ? -(uint64_t)num : (uint64_t)num;

	memcpy(p, unit, strlen(unit));
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	if (num < 0)
		*--p = '-';
	return text_copy(a, p, (size_t)(end - p));
}

static const char *duration_text(struct arena *a, int64_t ms)
{
	return ms % 1000 ? number_text(a, ms, "ms")
			 : number_text(a, ms / 1000, "s");
}

int convert(struct arena *a, enum conv conv, const char *text,
	    struct value *ret, struct err *err)
{
	struct value v = { .text = text };
	int rc = 0;

	switch (conv) {
	case CONV_STRING:
		break;
	case CONV_LIST:
	case CONV_LIST_LOWER:
	case CONV_LIST_COMMA:
	case CONV_SET:
	case CONV_SET_COMMA:
	case CONV_NODES:
		to_words(a, conv, text, &v);
		if (conv == CONV_NODES)
			rc = to_nodes(a, text, &v, err);
		break;
	case CONV_INTEGER:
		rc = to_integer(a, text, &v, err);
		v.text = number_text(a, v.num, "");
		break;
	case CONV_BOOLEAN:
	case CONV_TRISTATE:
		rc = to_boolean(a, text, &v, err);
		v.text = v.num ? "true" : "false";
		break;
	case CONV_DURATION:
	case CONV_MINUTES:
		rc = to_duration(a, text, conv == CONV_MINUTES ? "m" : "s", &v,
				 err);
		v.text = duration_text(a, v.num);
		break;
	case CONV_SIZE:
	case CONV_SPEED:
		rc = to_size(a, text, conv == CONV_SPEED ? "/s" : "", &v, err);
		if (!v.is_percent)
			v.text = number_text(a, v.num, "");
		break;
	case CONV_SHLEX:
		rc = shlex_split(a, text, &v.words, err);
		break;
	case CONV_FLAGS:
		rc = to_flags(a, text, &v, err);
		break;
	}
	if (rc == 0)
		*ret = v;
	return rc;
}

const char *conv_name(enum conv conv)
{
	static const char *const names[] = {
		[CONV_STRING] = "text",
		[CONV_LIST] = "list",
		[CONV_LIST_LOWER] = "list, lower-cased",
		[CONV_LIST_COMMA] = "list with commas",
		[CONV_SET] = "set",
		[CONV_SET_COMMA] = "set with commas",
		[CONV_NODES] = "list of nodes",
		[CONV_INTEGER] = "number",
		[CONV_BOOLEAN] = "true or false",
		[CONV_TRISTATE] = "true, false or not given",
		[CONV_DURATION] = "duration",
		[CONV_MINUTES] = "duration, of minutes if no unit is given",
		[CONV_SIZE] = "size",
		[CONV_SPEED] = "size per second",
		[CONV_SHLEX] = "command",
		[CONV_FLAGS] = "command options",
	};

	return names[conv];
}
