#include "fsm/conf/select.h"

#include <errno.h>
#include <regex.h>
#include <string.h>

#include "fsm/conf/eval.h"
#include "fsm/conf/text.h"

/* -- a selector taken apart --------------------------------------------------
 */

enum what {
	NAME,
	GLOB,
	SECTION,
	DEFINED,
	EQUAL,
	LESS,
	MORE,
	AT_MOST,
	AT_LEAST,
	LIKE
};

struct term {
	const char *text; /* as it was typed */
	bool not ;
	enum what what;
	struct conf_key key;
	const char *value; /* the name, pattern, section, text to compare */
	regex_t *regex;	   /* LIKE */
	struct term *and;
};

bool select_is_name(const char *text)
{
	return !strpbrk(text, "*?[,+!=<>~:");
}

bool select_needs_conf(const char *text)
{
	return strpbrk(text, "=<>~:") != NULL;
}

/* Up to the next @stop that no '\' is before. */
static const char *cut(struct arena *a, const char **at, char stop)
{
	struct buf b = BUF(a);
	const char *p = *at;

	for (; *p && *p != stop; p++) {
		if (*p == '\\' && (p[1] == ',' || p[1] == '+')) {
			/* The outer cut leaves it to the inner one. */
			if (stop == '+')
				p++;
			else
				buf_add(&b, p++, 1);
		}
		buf_add(&b, p, 1);
	}
	*at = *p ? p + 1 : p;
	return text_trimmed(a, buf_text(&b), b.len);
}

static int refuse(struct arena *a, struct err *err, const char *text,
		  const char *why)
{
	return err_set(err, -EINVAL, "'%s' %s", text_shown(a, text), why);
}

/* "fs:" is a section, "fs#1:" and "env:" too; else a keyword. */
static bool is_section(const char *text)
{
	if (strchr(text, '#'))
		return !strchr(strchr(text, '#'), '.');
	return group_find(text) || section_is_special(text);
}

static int term_colon(struct arena *a, struct term *t, const char *key,
		      struct err *err)
{
	t->value = key;
	t->what = is_section(key) ? SECTION : DEFINED;
	return t->what == SECTION ? 0 : conf_key_parse(a, key, &t->key, err);
}

static int term_regex(struct arena *a, struct term *t, struct err *err)
{
	char why[128];
	int rc;

	t->regex = ARENA_NEW(a, regex_t);
	rc = regcomp(t->regex, t->value, REG_EXTENDED | REG_NOSUB);
	if (!rc)
		return 0;
	regerror(rc, t->regex, why, sizeof(why));
	t->regex = NULL;
	return err_set(err, -EINVAL, "'%s' is no regular expression: %s",
		       text_shown(a, t->value), why);
}

static int term_compare(struct arena *a, struct term *t, const char *op,
			struct err *err)
{
	size_t n = (size_t)(op - t->value);
	const char *key = text_trimmed(a, t->value, n);
	bool equal = op[1] == '=' && *op != '=';
	int rc = conf_key_parse(a, key, &t->key, err);

	if (rc < 0)
		return rc;
	t->what = *op == '='   ? EQUAL
		  : *op == '~' ? LIKE
		  : *op == '<' ? (equal ? AT_MOST : LESS)
			       : (equal ? AT_LEAST : MORE);
	op += 1 + equal;
	t->value = text_trimmed(a, op, strlen(op));
	return t->what == LIKE ? term_regex(a, t, err) : 0;
}

static int term_parse(struct arena *a, const char *text, struct term *t,
		      struct err *err)
{
	const char *op;
	size_t n;

	*t = (struct term){ .text = text, .value = text };
	while (*t->value == '!') {
		t->not = !t->not ;
		t->value = text_trimmed(a, t->value + 1, strlen(t->value + 1));
	}
	n = strlen(t->value);
	if (!n)
		return refuse(a, err, text, "is an empty part of a selector");
	if (text_starts(t->value, "$."))
		return refuse(a, err, text,
			      "is a path into a document; a selector compares "
			      "keywords, as in orchestrate=ha");
	op = strpbrk(t->value, "=<>~");
	if (op)
		return term_compare(a, t, op, err);
	if (t->value[n - 1] == ':')
		return term_colon(a, t, text_copy(a, t->value, n - 1), err);
	if (strchr(t->value, ':'))
		return refuse(a, err, text,
			      "has a ':' in it; expected GROUP: or KEYWORD:");
	t->what = select_is_name(t->value) ? NAME : GLOB;
	return 0;
}

/* -- names -------------------------------------------------------------------
 */

/* "[a-z]": does it hold @c? @at: behind it; NULL if it is not closed. */
static bool in_set(const char **at, char c)
{
	const char *p = *at + 1;
	bool not = *p == '!' || *p == '^', found = false;

	p += not ;
	do {
		if (!*p) {
			*at = NULL;
			return false;
		}
		if (p[1] == '-' && p[2] && p[2] != ']') {
			found |= *p <= c && c <= p[2];
			p += 2;
		} else {
			found |= *p == c;
		}
	} while (*++p != ']');
	*at = p + 1;
	return found != not ;
}

static bool one_matches(const char **pattern, char c)
{
	const char *p = *pattern;
	bool is;

	if (*p == '[') {
		is = in_set(&p, c);
		if (p) {
			*pattern = p;
			return is;
		}
	}
	is = **pattern == '?' || **pattern == c;
	(*pattern)++;
	return is;
}

/* Of several stars only the last can be wrong about what it took. */
bool select_glob(const char *pattern, const char *name)
{
	const char *star = NULL, *from = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = ++pattern;
			from = name;
			continue;
		}
		if (*pattern && one_matches(&pattern, *name)) {
			name++;
			continue;
		}
		if (!star)
			return false;
		pattern = star;
		name = ++from;
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* -- files -------------------------------------------------------------------
 */

struct file {
	struct eval e;
	bool good; /* it has node lists that can be read */
};

static bool has_section(struct arena *a, const struct conf *c,
			const char *section)
{
	struct conf_key k = { section, "", "" };
	struct names l;

	if (strchr(section, '#') || !group_find(section))
		return ini_section(c, section);
	l = conf_key_sections(a, c, &k);
	return l.n > 1 || (l.n && ini_section(c, l.at[0]));
}

static bool is_defined(const struct conf *c, const struct conf_key *k)
{
	const struct ini_section *s = ini_section(c, k->section);

	for (const struct ini_key *i = s ? s->keys : NULL; i; i = i->next)
		if (!i->gone && text_equal(i->option, k->option) &&
		    (!*k->scope || text_equal(i->scope, k->scope)))
			return true;
	return false;
}

static int value_of(struct file *f, const struct conf_key *k, struct value *ret)
{
	const char *text;

	if (!*k->scope)
		return eval_option(&f->e, k->section, k->option, ret, NULL);
	text = conf_raw(f->e.conf, k);
	if (!text)
		return 1;
	return eval_text(&f->e, k->section, k->option, text, ret, NULL);
}

/* Has the keyword values that are numbers? */
static bool is_number(struct file *f, const struct conf_key *k)
{
	const struct keyword *row;
	const char *type = NULL;

	if (eval_type(&f->e, k->section, &type, NULL) < 0)
		return false;
	row = eval_row(&f->e, k->section, type, k->option);
	return row && (row->conv == CONV_INTEGER || row->conv == CONV_SIZE ||
		       row->conv == CONV_SPEED || row->conv == CONV_DURATION ||
		       row->conv == CONV_MINUTES);
}

/* What is compared with is read as the keyword's values are, or else both as
 * numbers. */
static bool is_ordered(struct file *f, const struct term *t,
		       const struct conf_key *k, const struct value *v)
{
	struct value a = *v, b;
	int rc;

	if (is_number(f, k))
		rc = eval_text(&f->e, k->section, k->option, t->value, &b,
			       NULL);
	else
		rc = convert(f->e.arena, CONV_INTEGER, v->text, &a, NULL) < 0
			     ? -1
			     : convert(f->e.arena, CONV_INTEGER, t->value, &b,
				       NULL);
	if (rc < 0 || a.is_percent || b.is_percent)
		return false;
	if (t->what == LESS)
		return a.num < b.num;
	if (t->what == MORE)
		return a.num > b.num;
	return t->what == AT_MOST ? a.num <= b.num : a.num >= b.num;
}

/* A list is equal to each of its words, too. */
static bool is_equal(struct file *f, const struct term *t,
		     const struct conf_key *k, const struct value *v)
{
	struct value b;

	if (text_equal(v->text, t->value) || names_have(&v->words, t->value))
		return true;
	return eval_text(&f->e, k->section, k->option, t->value, &b, NULL) ==
		       0 &&
	       text_equal(v->text, b.text);
}

static bool key_matches(struct file *f, const struct term *t,
			const struct conf_key *k)
{
	struct value v;

	if (t->what == DEFINED)
		return is_defined(f->e.conf, k);
	if (value_of(f, k, &v) != 0)
		return false;
	if (t->what == LIKE)
		return regexec(t->regex, v.text, 0, NULL, 0) == 0;
	return t->what == EQUAL ? is_equal(f, t, k, &v)
				: is_ordered(f, t, k, &v);
}

static bool file_matches(struct file *f, const struct term *t)
{
	struct names sections;

	if (!f->good)
		return false;
	if (t->what == SECTION)
		return has_section(f->e.arena, f->e.conf, t->value);
	sections = conf_key_sections(f->e.arena, f->e.conf, &t->key);
	for (size_t i = 0; i < sections.n; i++) {
		struct conf_key k = { sections.at[i], t->key.option,
				      t->key.scope };

		if (key_matches(f, t, &k))
			return true;
	}
	return false;
}

/* -- all of it ----------------------------------------------------------------
 */

static bool term_matches(struct file *f, const char *name, const struct term *t)
{
	bool is = t->what == NAME   ? text_equal(t->value, name)
		  : t->what == GLOB ? select_glob(t->value, name)
				    : file_matches(f, t);

	return is != t->not ;
}

struct selector {
	struct term **any; /* each with its chain of `and` */
	size_t n;
};

static void selector_free(struct selector *s)
{
	for (size_t i = 0; i < s->n; i++)
		for (struct term *t = s->any[i]; t; t = t->and)
			if (t->regex)
				regfree(t->regex);
}

static int chain_parse(struct arena *a, const char *text, struct term **ret,
		       struct err *err)
{
	struct term **end = ret;

	do {
		struct term *t = ARENA_NEW(a, struct term);
		const char *before = text;
		int rc = term_parse(a, cut(a, &text, '+'), t, err);

		*end = t;
		end = &t->and;
		if (rc == 0 && !*text && text > before && text[-1] == '+')
			rc = refuse(a, err, t->text,
				    "has a + behind it and nothing more");
		if (rc < 0)
			return rc;
	} while (*text);
	return 0;
}

static int selector_parse(struct arena *a, const char *text,
			  struct selector *ret, struct err *err)
{
	size_t most = 1;
	int rc;

	for (const char *p = text; *p; p++)
		most += *p == ',';
	ret->any = ARENA_VEC(a, struct term *, most);
	do {
		const char *part = cut(a, &text, ',');

		rc = chain_parse(a, part, &ret->any[ret->n++], err);
		if (rc == 0 && !*text && text[-1] == ',')
			rc = refuse(a, err, part,
				    "has a , behind it and nothing more");
	} while (rc == 0 && *text);
	return rc;
}

static int check_names(const struct selector *s, const struct selectable *all,
		       size_t n, struct err *err)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct term *t = s->any[i];
		bool found = t->what != NAME || t->not ;

		for (size_t j = 0; !found && j < n; j++)
			found = text_equal(all[j].name, t->value);
		if (!found)
			return err_set(err, -ENOENT, "there is no service %s",
				       t->value);
	}
	return 0;
}

static bool is_meant(const struct selector *s, const struct selectable *one,
		     const char *node)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct file f;

	f.good = one->conf &&
		 eval_init(&f.e, a, one->conf, one->name, node, NULL) == 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct term *t = s->any[i];

		while (t && term_matches(&f, one->name, t))
			t = t->and;
		if (!t)
			return true;
	}
	return false;
}

int select_services(struct arena *a, const char *text,
		    const struct selectable *all, size_t n, const char *node,
		    bool *ret, struct err *err)
{
	struct selector s = { 0 };
	int rc = selector_parse(a, text, &s, err);

	if (rc == 0)
		rc = check_names(&s, all, n, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		ret[i] = is_meant(&s, &all[i], node);
	selector_free(&s);
	return rc;
}
