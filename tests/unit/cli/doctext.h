/*
 * doctext - documents written down in tests.
 *
 *     { service: web, frozen: true, n: 12, list: [a, b], text: 'a, b' }
 *
 * A word is a string, a number or a truth value by its looks; quotes make
 * anything a string. Made for tests: a mistake in the text fails the test.
 */
#pragma once

#include <ctype.h>
#include <string.h>

#include "fsm/base/doc.h"
#include "tests/lib/table.h"

struct doctext {
	struct arena *a;
	const char *p;
};

static inline void doctext_blank(struct doctext *t)
{
	while (isspace((unsigned char)*t->p))
		t->p++;
}

static inline bool doctext_take(struct doctext *t, char c)
{
	doctext_blank(t);
	if (*t->p != c)
		return false;
	t->p++;
	return true;
}

static inline struct doc *doctext_word(struct doctext *t)
{
	const char *start = t->p;
	size_t n = strcspn(start, ",:]}\n");
	const char *w;

	t->p += n;
	while (n > 0 && start[n - 1] == ' ')
		n--;
	assert_true(n > 0);
	w = arena_printf(t->a, "%.*s", (int)n, start);
	if (strspn(w, "0123456789") == n)
		return doc_int(t->a, strtoll(w, NULL, 10));
	if (strcmp(w, "true") == 0 || strcmp(w, "false") == 0)
		return doc_bool(t->a, *w == 't');
	return doc_str(t->a, w);
}

static inline struct doc *doctext_quoted(struct doctext *t)
{
	const char *start = t->p, *end = strchr(start, '\'');

	assert_non_null(end);
	t->p = end + 1;
	return doc_strn(t->a, start, (size_t)(end - start));
}

static inline struct doc *doctext_value(struct doctext *t);

static inline struct doc *doctext_map(struct doctext *t)
{
	struct doc *d = doc_map(t->a);

	while (!doctext_take(t, '}')) {
		struct doc *key;
		const char *k;

		doctext_blank(t);
		key = doctext_take(t, '\'') ? doctext_quoted(t)
					    : doctext_word(t);
		k = key->type == DOC_INT
			    ? arena_printf(t->a, "%d", (int)key->num)
			    : doc_text(key, NULL);
		assert_non_null(k);
		assert_true(doctext_take(t, ':'));
		doc_put(t->a, d, k, doctext_value(t));
		if (!doctext_take(t, ','))
			assert_int_equal(*t->p, '}');
	}
	return d;
}

static inline struct doc *doctext_list(struct doctext *t)
{
	struct doc *d = doc_list(t->a);

	while (!doctext_take(t, ']')) {
		doc_add(t->a, d, doctext_value(t));
		if (!doctext_take(t, ','))
			assert_int_equal(*t->p, ']');
	}
	return d;
}

static inline struct doc *doctext_value(struct doctext *t)
{
	doctext_blank(t);
	if (doctext_take(t, '{'))
		return doctext_map(t);
	if (doctext_take(t, '['))
		return doctext_list(t);
	if (doctext_take(t, '\''))
		return doctext_quoted(t);
	return doctext_word(t);
}

static inline struct doc *doctext(struct arena *a, const char *text)
{
	struct doctext t = { a, text };
	struct doc *d = doctext_value(&t);

	doctext_blank(&t);
	assert_int_equal(*t.p, '\0');
	return d;
}
