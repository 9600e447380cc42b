/*
 * Keys are compared by name; places, by what would be left of the order if the
 * keys that one text lacks were gone: what is then not in order has moved.
 */
#include "fsm/rev/diff.h"

#include <string.h>

#include "fsm/conf/text.h"
#include "fsm/rev/internal.h"

struct comparing {
	struct arena *arena;
	struct conf *old, *new;
	struct units was, is;
	struct diff *d;
};

/* -- values ---------------------------------------------------------------- */

static void item_add(struct comparing *x, struct diff_item item)
{
	if (values_equal(item.old, item.new))
		return;
	item.kind = !item.old  ? DIFF_ADDED
		    : item.new ? DIFF_CHANGED
			       : DIFF_REMOVED;
	x->d->at[x->d->n++] = item;
}

static bool has_keys(const struct ini_section *s)
{
	return s && s->keys;
}

/* A section that has come or gone and has no key to show it. */
static void bare_section(struct comparing *x, const char *name)
{
	const struct ini_section *was = ini_section(x->old, name);
	const struct ini_section *is = ini_section(x->new, name);

	if (!was != !is && !has_keys(was) && !has_keys(is))
		item_add(x, (struct diff_item){ .section = name,
						.old = was ? "" : NULL,
						.new = is ? "" : NULL });
}

static void section_keys(struct comparing *x, const char *name)
{
	const struct ini_section *is = ini_section(x->new, name);
	const struct ini_section *was = ini_section(x->old, name);

	bare_section(x, name);
	for (const struct ini_key *k = is ? is->keys : NULL; k; k = k->next)
		if (key_counts(x->new, k))
			item_add(x,
				 (struct diff_item){
					 .section = name,
					 .option = k->option,
					 .scope = k->scope,
					 .old = conf_value(x->old, name,
							   k->option, k->scope),
					 .new = k->value });
	for (const struct ini_key *k = was ? was->keys : NULL; k; k = k->next)
		if (key_counts(x->old, k) &&
		    !conf_value(x->new, name, k->option, k->scope))
			item_add(x, (struct diff_item){ .section = name,
							.option = k->option,
							.scope = k->scope,
							.old = k->value });
}

static void compare_values(struct comparing *x)
{
	size_t most = x->old->n_keys + x->new->n_keys + x->old->n + x->new->n;

	x->d->at = ARENA_VEC(x->arena, struct diff_item, most + 1);
	for (size_t i = 0; i < x->new->n; i++)
		section_keys(x, x->new->sections[i]->name);
	for (size_t i = 0; i < x->old->n; i++)
		if (!ini_section(x->new, x->old->sections[i]->name))
			section_keys(x, x->old->sections[i]->name);
}

/* -- places and comments --------------------------------------------------- */

/* Units with a meaning that the other text has as well, as numbers. */
static size_t common(struct interner *in, const struct units *u,
		     const struct conf *other, uint32_t *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < u->n; i++) {
		const struct unit *x = &u->at[i];

		if (x->kind == UNIT_FILLER ||
		    (x->kind == UNIT_SECTION &&
		     !ini_section(other, x->section)) ||
		    (x->kind == UNIT_KEY &&
		     !conf_value(other, x->key->section->name, x->key->option,
				 x->key->scope)))
			continue;
		ret[n++] = intern(in, &x->id);
	}
	return n;
}

static void compare_places(struct comparing *x)
{
	struct arena *a = x->arena;
	struct interner in = interner_for(a, x->was.n + x->is.n + 1);
	uint32_t *was = ARENA_VEC(a, uint32_t, x->was.n + 1);
	uint32_t *is = ARENA_VEC(a, uint32_t, x->is.n + 1);
	size_t n_was = common(&in, &x->was, x->new, was);
	size_t n_is = common(&in, &x->is, x->old, is);
	struct hunks h;

	symbols_diff(a, was, n_was, is, n_is, &h);
	for (size_t i = 0; i < h.n; i++)
		x->d->moved += h.at[i].new_n;
}

static size_t comments(struct interner *in, const struct units *u,
		       uint32_t *sym, const struct unit **at)
{
	size_t n = 0;

	for (size_t i = 0; i < u->n; i++) {
		if (u->at[i].kind != UNIT_FILLER || unit_is_blank(&u->at[i]))
			continue;
		sym[n] = intern(in, &u->at[i].id);
		at[n++] = &u->at[i];
	}
	return n;
}

static void comment_add(struct arena *a, struct doc *list, const struct unit *u)
{
	doc_add(a, list, doc_str(a, u->id.at + 1)); /* after its mark */
}

static void compare_comments(struct comparing *x)
{
	struct arena *a = x->arena;
	struct interner in = interner_for(a, x->was.n + x->is.n + 1);
	uint32_t *was = ARENA_VEC(a, uint32_t, x->was.n + 1);
	uint32_t *is = ARENA_VEC(a, uint32_t, x->is.n + 1);
	const struct unit **old =
		ARENA_VEC(a, const struct unit *, x->was.n + 1);
	const struct unit **new =
		ARENA_VEC(a, const struct unit *, x->is.n + 1);
	size_t n_was = comments(&in, &x->was, was, old);
	size_t n_is = comments(&in, &x->is, is, new);
	struct hunks h;

	symbols_diff(a, was, n_was, is, n_is, &h);
	for (size_t i = 0; i < h.n; i++) {
		const struct hunk *k = &h.at[i];

		for (size_t j = 0; j < k->old_n; j++)
			comment_add(a, x->d->comments_removed,
				    old[k->old_at + j]);
		for (size_t j = 0; j < k->new_n; j++)
			comment_add(a, x->d->comments_added,
				    new[k->new_at + j]);
	}
}

/* -- the whole ------------------------------------------------------------- */

void diff_texts(struct arena *a, const char *old, const char *new,
		struct diff *ret)
{
	struct problems p = { .arena = a };
	struct comparing x = { .arena = a, .d = ret };

	*ret = (struct diff){ .comments_added = doc_list(a),
			      .comments_removed = doc_list(a) };
	ret->layout = strcmp(old, new) != 0;
	x.old = conf_parse(a, old, strlen(old), &p);
	x.new = conf_parse(a, new, strlen(new), &p);
	ret->parsed = x.old && x.new;
	if (!ret->parsed || !ret->layout)
		return;
	units_of(a, x.old, &x.was);
	units_of(a, x.new, &x.is);
	compare_values(&x);
	compare_places(&x);
	compare_comments(&x);
	/* Only if nothing else tells the two apart. */
	ret->layout = !ret->n && !ret->moved && !doc_len(ret->comments_added) &&
		      !doc_len(ret->comments_removed);
}

bool diff_is_void(const struct diff *d)
{
	return d->parsed ? d->n == 0 : !d->layout;
}

bool diff_is_equal(const struct diff *d)
{
	return diff_is_void(d) && !d->layout && !d->moved &&
	       !doc_len(d->comments_added) && !doc_len(d->comments_removed);
}

static const char *item_key(struct arena *a, const struct diff_item *i)
{
	if (!i->option)
		return arena_printf(a, "[%s]", i->section);
	return arena_printf(a, "%s.%s%s%s", i->section, i->option,
			    *i->scope ? "@" : "", i->scope);
}

/* On one line, as long as it is. */
static const char *one_line(struct arena *a, const char *value)
{
	struct buf b = BUF(a);

	for (; *value; value++)
		if (*value == '\n')
			buf_puts(&b, "\\n");
		else
			buf_add(&b, value, 1);
	return buf_text(&b);
}

static void item_text(struct arena *a, const struct diff_item *i,
		      struct buf *out)
{
	const char *key = item_key(a, i);
	const char *old = i->old ? one_line(a, i->old) : NULL;
	const char *new = i->new ? one_line(a, i->new) : NULL;

	if (!i->option)
		buf_printf(out, "%c %s\n", new ? '+' : '-', key);
	else if (old && new)
		buf_printf(out, "~ %s = %s -> %s\n", key, old, new);
	else
		buf_printf(out, "%c %s = %s\n", new ? '+' : '-', key,
			   new ? new : old);
}

void diff_text(struct arena *a, const struct diff *d, struct buf *out)
{
	if (!d->parsed && d->layout) {
		buf_puts(out, "one of the two is no env file: they differ\n");
		return;
	}
	for (size_t i = 0; i < d->n; i++)
		item_text(a, &d->at[i], out);
	if (d->moved)
		buf_printf(out, "order: %zu key%s or section%s moved\n",
			   d->moved, d->moved == 1 ? "" : "s",
			   d->moved == 1 ? " has" : "s have");
	for (size_t i = 0; i < doc_len(d->comments_removed); i++)
		buf_printf(out, "- %s\n",
			   doc_text(doc_at(d->comments_removed, i), ""));
	for (size_t i = 0; i < doc_len(d->comments_added); i++)
		buf_printf(out, "+ %s\n",
			   doc_text(doc_at(d->comments_added, i), ""));
	if (d->layout)
		buf_puts(out, "layout: only blanks, line ends or places of "
			      "comments differ\n");
}

struct doc *diff_doc(struct arena *a, const struct diff *d)
{
	static const char *const kinds[] = { "added", "removed", "changed" };
	struct doc *doc = doc_map(a), *list = doc_list(a), *c = doc_map(a);

	for (size_t i = 0; i < d->n; i++) {
		const struct diff_item *item = &d->at[i];
		struct doc *row = doc_add(a, list, doc_map(a));

		doc_put_str(a, row, "kind", kinds[item->kind]);
		doc_put_str(a, row, "key", item_key(a, item));
		if (item->old && item->option)
			doc_put_str(a, row, "old", item->old);
		if (item->new && item->option)
			doc_put_str(a, row, "new", item->new);
	}
	doc_put(a, doc, "changes", list);
	doc_put_int(a, doc, "moved", (int64_t)d->moved);
	doc_put(a, c, "added", doc_copy(a, d->comments_added));
	doc_put(a, c, "removed", doc_copy(a, d->comments_removed));
	doc_put(a, doc, "comments", c);
	doc_put_bool(a, doc, "layout", d->layout);
	return doc;
}
