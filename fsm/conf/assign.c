/*
 * What a person types after `set` and `unset`: operators on words, groups of
 * sections, whole sections. The lines are changed by edit.c.
 */
#include <errno.h>
#include <string.h>

#include "fsm/conf/ini.h"
#include "fsm/conf/keyword.h"
#include "fsm/conf/text.h"

/* -- the sections of a group ------------------------------------------------
 */

static bool is_group(const struct conf_key *k)
{
	return !strchr(k->section, '#') && group_find(k->section);
}

struct names conf_key_sections(struct arena *a, const struct conf *c,
			       const struct conf_key *k)
{
	struct names l = { 0 };

	l.at = ARENA_VEC(a, const char *, c->n + 1);
	for (size_t i = 0; is_group(k) && i < c->n; i++) {
		const char *name = c->sections[i]->name;
		struct section_id id = section_id(a, name);

		if (id.group && text_equal(id.group->name, k->section))
			l.at[l.n++] = name;
	}
	if (!l.n && (!is_group(k) || group_find(k->section)->bare))
		l.at[l.n++] = k->section;
	return l;
}

static int no_section(const struct conf_key *k, struct err *err)
{
	return err_set(err, -EINVAL,
		       "%s.%s is for all sections of the group %s, and there "
		       "is none; expected one, as in %s#1.%s",
		       k->section, k->option, k->section, k->section,
		       k->option);
}

/* -- words -------------------------------------------------------------------
 */

static struct names words_but(struct arena *a, const struct names *all,
			      const struct names *drop)
{
	struct names left = { 0 };

	left.at = ARENA_VEC(a, const char *, all->n + 1);
	for (size_t i = 0; i < all->n; i++)
		if (!names_have(drop, all->at[i]))
			left.at[left.n++] = all->at[i];
	return left;
}

/* @words before the word @at of @all; behind the last if there are fewer. */
static struct names words_insert(struct arena *a, const struct names *all,
				 const struct names *words, size_t at)
{
	struct names out = { 0 };

	if (at > all->n)
		at = all->n;
	out.at = ARENA_VEC(a, const char *, all->n + words->n + 1);
	for (size_t i = 0; i < at; i++)
		out.at[out.n++] = all->at[i];
	for (size_t i = 0; i < words->n; i++)
		out.at[out.n++] = words->at[i];
	for (size_t i = at; i < all->n; i++)
		out.at[out.n++] = all->at[i];
	return out;
}

/* Behind the last line of the value, which may be several. */
static const char *appended(struct arena *a, const char *old,
			    const struct names *words)
{
	if (!words->n)
		return old;
	return arena_printf(a, "%s%s%s", old, *old ? " " : "",
			    words_join(a, words));
}

static const char *without(struct arena *a, const char *old,
			   const struct names *words)
{
	struct names all = words_split(a, old);
	struct names left = words_but(a, &all, words);

	return left.n == all.n ? old : words_join(a, &left);
}

/* -- one assignment ----------------------------------------------------------
 */

struct assign {
	struct conf_key key;
	char op; /* '=' '+' '|' '-' '^', '[' inserts */
	size_t at;
	const char *value;
	struct names words; /* of value */
};

static const char *changed(struct arena *a, const struct assign *s,
			   const char *old)
{
	struct names all = words_split(a, old), more;

	switch (s->op) {
	case '+':
		return appended(a, old, &s->words);
	case '|':
		more = words_but(a, &s->words, &all);
		return appended(a, old, &more);
	case '-':
		return without(a, old, &s->words);
	case '^':
		more = words_but(a, &s->words, &all);
		return appended(a, without(a, old, &s->words), &more);
	case '[':
		more = words_insert(a, &all, &s->words, s->at);
		return s->words.n ? words_join(a, &more) : old;
	default:
		return s->value;
	}
}

/* "key[N]": the N, and the end of the key. 0: there is none. */
static int take_index(struct assign *s, const char *text, const char **end,
		      struct err *err)
{
	const char *p = *end - 1;
	size_t at = 0;

	if (p <= text || *p != ']')
		return 0;
	while (p > text && text_is_digit(p[-1]))
		p--;
	if (p[-1] != '[' || p == *end - 1 || *end - p > 7)
		return err_set(err, -EINVAL,
			       "an index is expected in [...]: the number of "
			       "a word, from 0");
	if (!strchr("=+", s->op))
		return err_set(err, -EINVAL,
			       "[N] inserts a word: [N]=WORD or [N]+=WORD, "
			       "not [N]%c=",
			       s->op);
	for (const char *d = p; text_is_digit(*d); d++)
		at = at * 10 + (size_t)(*d - '0');
	s->at = at;
	s->op = '[';
	*end = p - 1;
	return 0;
}

static int assign_parse(struct arena *a, const char *text, struct assign *ret,
			struct err *err)
{
	const char *equals = strchr(text, '='), *end = equals;
	struct assign s = { .op = '=' };
	int rc;

	if (!equals || equals == text)
		return err_set(err, -EINVAL,
			       "expected KEY=VALUE, KEY+=WORD, KEY|=WORD, "
			       "KEY-=WORD, KEY^=WORD or KEY[N]=WORD");
	if (strchr("+-|^", equals[-1]))
		s.op = *--end;
	rc = take_index(&s, text, &end, err);
	if (rc == 0)
		rc = conf_key_parse(a, text_copy(a, text, (size_t)(end - text)),
				    &s.key, err);
	if (rc < 0)
		return rc;
	s.value = equals + 1;
	s.words = words_split(a, s.value);
	*ret = s;
	return 0;
}

int conf_assign(struct conf *c, const char *assignment, struct err *err)
{
	struct names sections;
	struct assign s;
	int rc = assign_parse(c->arena, assignment, &s, err);

	if (rc < 0)
		return rc;
	sections = conf_key_sections(c->arena, c, &s.key);
	if (!sections.n)
		return no_section(&s.key, err);
	for (size_t i = 0; i < sections.n && rc == 0; i++) {
		const char *old;

		s.key.section = sections.at[i];
		old = conf_raw(c, &s.key);
		if (!old && s.op == '-')
			continue;
		rc = conf_set(c, &s.key, changed(c->arena, &s, old ? old : ""),
			      err);
	}
	return rc;
}

/* -- what is removed ----------------------------------------------------------
 */

/* "[env]", or "fs#1", which is no key. */
static const char *section_named(struct arena *a, const char *text)
{
	size_t n = strlen(text);

	if (n > 2 && *text == '[' && text[n - 1] == ']')
		return text_copy(a, text + 1, n - 2);
	return strchr(text, '#') && !strpbrk(text, ".@") ? text : NULL;
}

int conf_remove(struct conf *c, const char *text, struct err *err)
{
	const char *section = section_named(c->arena, text);
	struct names sections;
	struct conf_key k;
	int rc, result = 1;

	if (section)
		return conf_unset_section(c, section);
	rc = conf_key_parse(c->arena, text, &k, err);
	if (rc < 0)
		return rc;
	sections = conf_key_sections(c->arena, c, &k);
	for (size_t i = 0; i < sections.n; i++) {
		k.section = sections.at[i];
		rc = conf_unset(c, &k, err);
		if (rc < 0)
			return rc;
		result = rc == 0 ? 0 : result;
	}
	return result;
}
