/*
 * Two steps that know nothing of each other. The meaning: for each key which
 * value is wanted, from the three values alone. The text: that of both sides
 * put together by layout_merged(), and where that holds anything but what is
 * wanted, its keys are set; so a text that is hard to lay out costs comments or
 * order, never a value. What comes out is parsed again and compared.
 */
#include "fsm/rev/merge.h"

#include <string.h>

#include "fsm/conf/text.h"
#include "fsm/rev/internal.h"
#include "store/plant.h"

/* -- values -------------------------------------------------------------- */

const char *conf_value(const struct conf *c, const char *section,
		       const char *option, const char *scope)
{
	const struct ini_section *s = ini_section(c, section);
	const struct ini_key *k = s ? ini_key(c, s, option, scope) : NULL;

	return k ? k->value : NULL;
}

bool key_counts(const struct conf *c, const struct ini_key *k)
{
	return !k->gone && ini_key(c, k->section, k->option, k->scope) == k;
}

bool values_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* -- what is wanted -------------------------------------------------------- */

struct deciding {
	struct arena *arena;
	struct wanted *w;
	enum merge_take take;
	struct merge *m; /* conflicts are listed here */
};

static bool has_section(const struct conf *c, const char *name)
{
	return ini_section(c, name) != NULL;
}

/* Has @side added or changed a key of the section? */
static bool section_touched(const struct wanted *w, enum side side,
			    const char *name)
{
	const struct conf *base = w->conf[SIDE_BASE], *c = w->conf[side];
	const struct ini_section *s = ini_section(c, name);

	for (const struct ini_key *k = s ? s->keys : NULL; k; k = k->next)
		if (key_counts(c, k) &&
		    !values_equal(k->value,
				  conf_value(base, name, k->option, k->scope)))
			return true;
	return false;
}

/* One side removed the section, and the other put something into it. */
static bool section_contested(const struct wanted *w, const char *name)
{
	bool ours = has_section(w->conf[SIDE_OURS], name);
	bool theirs = has_section(w->conf[SIDE_THEIRS], name);

	if (!has_section(w->conf[SIDE_BASE], name) || ours == theirs)
		return false;
	return section_touched(w, ours ? SIDE_OURS : SIDE_THEIRS, name);
}

static void conflict_add(struct deciding *d, const struct wanted_key *k,
			 const char *const value[SIDES])
{
	struct merge *m = d->m;

	if (!m)
		return;
	m->code = MERGE_CONFLICT;
	m->at[m->n++] = (struct merge_key){
		k->section,	  k->option,	    k->scope,
		value[SIDE_BASE], value[SIDE_OURS], value[SIDE_THEIRS],
	};
}

static const char *decide(struct deciding *d, const struct wanted_key *k,
			  bool contested, bool *clean)
{
	const char *v[SIDES];

	for (size_t i = 0; i < SIDES; i++)
		v[i] = conf_value(d->w->conf[i], k->section, k->option,
				  k->scope);
	if (values_equal(v[SIDE_OURS], v[SIDE_THEIRS]))
		return v[SIDE_OURS];
	if (!contested && values_equal(v[SIDE_OURS], v[SIDE_BASE]))
		return PLANTED(MERGE_LOSES) ? v[SIDE_OURS] : v[SIDE_THEIRS];
	if (!contested && values_equal(v[SIDE_THEIRS], v[SIDE_BASE]))
		return v[SIDE_OURS];
	if (d->take == MERGE_NEITHER) {
		*clean = false;
		conflict_add(d, k, v);
	}
	return v[d->take == MERGE_THEIRS ? SIDE_THEIRS : SIDE_OURS];
}

static bool want_section(const struct wanted *w, enum merge_take take,
			 const char *name, bool contested)
{
	bool base = has_section(w->conf[SIDE_BASE], name);
	bool ours = has_section(w->conf[SIDE_OURS], name);
	bool theirs = has_section(w->conf[SIDE_THEIRS], name);

	if (ours == theirs)
		return ours;
	if (contested)
		return take == MERGE_THEIRS ? theirs : ours;
	return ours == base ? theirs : ours;
}

/* Was the section or the key seen on a side before @side? In the order ours,
 * theirs, base. */
static bool seen_before(const struct wanted *w, size_t turn,
			const enum side *order, const struct ini_section *s,
			const struct ini_key *k)
{
	for (size_t i = 0; i < turn; i++) {
		const struct conf *c = w->conf[order[i]];

		if (k ? conf_value(c, s->name, k->option, k->scope) != NULL
		      : has_section(c, s->name))
			return true;
	}
	return false;
}

static void want_keys(struct deciding *d, size_t turn, const enum side *order,
		      const struct ini_section *s, bool contested, bool *clean)
{
	struct wanted *w = d->w;
	const struct conf *c = w->conf[order[turn]];

	for (const struct ini_key *k = s->keys; k; k = k->next) {
		struct wanted_key *key = &w->keys[w->n_keys];

		if (!key_counts(c, k) || seen_before(w, turn, order, s, k))
			continue;
		*key = (struct wanted_key){ s->name, k->option, k->scope,
					    NULL };
		key->value = decide(d, key, contested, clean);
		w->n_keys++;
	}
}

/* False if there is a conflict that nobody's word ends. */
static bool want(struct deciding *d)
{
	static const enum side order[] = { SIDE_OURS, SIDE_THEIRS, SIDE_BASE };
	struct wanted *w = d->w;
	size_t keys = 1, sections = 1;
	bool clean = true;

	for (size_t i = 0; i < SIDES; i++) {
		keys += w->conf[i]->n_keys;
		sections += w->conf[i]->n;
	}
	w->keys = ARENA_VEC(d->arena, struct wanted_key, keys);
	w->sections = ARENA_VEC(d->arena, struct wanted_section, sections);
	if (d->m)
		d->m->at = ARENA_VEC(d->arena, struct merge_key, keys);
	for (size_t turn = 0; turn < SIDES; turn++) {
		const struct conf *c = w->conf[order[turn]];

		for (size_t i = 0; i < c->n; i++) {
			const struct ini_section *s = c->sections[i];
			bool contested = section_contested(w, s->name);

			want_keys(d, turn, order, s, contested, &clean);
			if (seen_before(w, turn, order, s, NULL))
				continue;
			w->sections[w->n_sections++] = (struct wanted_section){
				s->name,
				want_section(w, d->take, s->name, contested),
			};
		}
	}
	return clean;
}

/* -- the text -------------------------------------------------------------- */

static bool text_is_wanted(struct arena *a, const struct wanted *w,
			   const char *text)
{
	struct problems p = { .arena = a };
	struct conf *c = conf_parse(a, text, strlen(text), &p);
	size_t keys = 0, sections = 0, found = 0;

	if (!c)
		return false;
	for (size_t i = 0; i < w->n_keys; i++) {
		const struct wanted_key *k = &w->keys[i];

		keys += k->value != NULL;
		if (!values_equal(k->value, conf_value(c, k->section, k->option,
						       k->scope)))
			return false;
	}
	for (size_t i = 0; i < w->n_sections; i++) {
		sections += w->sections[i].there;
		if (has_section(c, w->sections[i].name) != w->sections[i].there)
			return false;
	}
	for (size_t i = 0; i < c->n; i++)
		for (const struct ini_key *k = c->sections[i]->keys; k;
		     k = k->next)
			found += key_counts(c, k);
	return keys == found && sections == c->n;
}

/* Lines of the same key that neither side has, but both together. */
static void drop_doubles(struct conf *c, const struct wanted *w)
{
	for (size_t i = 0; i < c->n; i++)
		for (struct ini_key *k = c->sections[i]->keys; k; k = k->next) {
			if (key_counts(c, k))
				continue;
			for (size_t side = SIDE_OURS; side < SIDES; side++) {
				const struct conf *s = w->conf[side];
				const struct ini_section *sec =
					ini_section(s, k->section->name);
				size_t n = 0;

				for (const struct ini_key *o = sec ? sec->keys
								   : NULL;
				     o; o = o->next)
					n += strcmp(o->option, k->option) ==
						     0 &&
					     strcmp(o->scope, k->scope) == 0;
				if (n > 1)
					return; /* a side has it so itself */
			}
			ini_piece_drop(c, k->piece);
			k->gone = true;
		}
}

static bool is_of_a_side(const struct wanted *w, const struct ini_key *k)
{
	for (size_t i = 0; i < SIDES; i++)
		if (conf_value(w->conf[i], k->section->name, k->option,
			       k->scope))
			return true;
	return false;
}

/* A key that came to stand below the header of another section. */
static void drop_strays(struct conf *c, const struct wanted *w)
{
	for (size_t i = 0; i < c->n; i++)
		for (struct ini_key *k = c->sections[i]->keys; k; k = k->next) {
			struct conf_key key = { k->section->name, k->option,
						k->scope };

			if (!k->gone && !is_of_a_side(w, k))
				conf_unset(c, &key, NULL);
		}
}

static void drop_headers(struct conf *c, const char *name)
{
	size_t len = strlen(name);

	for (struct piece *p = c->first, *next; p; p = next) {
		const char *open = memchr(p->raw, '[', p->len);

		next = p->next;
		if (p->kind == PIECE_SECTION && open &&
		    (size_t)(p->raw + p->len - open) > len + 1 &&
		    memcmp(open + 1, name, len) == 0 && open[len + 1] == ']')
			ini_piece_drop(c, p);
	}
}

/* Make what is wanted of a text that may be something else. */
static const char *text_set(struct arena *a, const struct wanted *w,
			    const char *text)
{
	struct problems p = { .arena = a };
	struct conf *c = conf_parse(a, text, strlen(text), &p);
	struct buf out = BUF(a);

	if (!c)
		return NULL;
	drop_doubles(c, w);
	drop_strays(c, w);
	for (size_t i = 0; i < w->n_keys; i++) {
		const struct wanted_key *k = &w->keys[i];
		struct conf_key key = { k->section, k->option, k->scope };
		const char *is = conf_value(c, k->section, k->option, k->scope);

		if (values_equal(is, k->value))
			continue;
		if (k->value && conf_set(c, &key, k->value, NULL) < 0)
			return NULL;
		if (!k->value)
			conf_unset(c, &key, NULL);
	}
	for (size_t i = 0; i < w->n_sections; i++)
		if (!w->sections[i].there)
			drop_headers(c, w->sections[i].name);
	conf_text(c, &out);
	for (size_t i = 0; i < w->n_sections; i++)
		if (w->sections[i].there &&
		    !has_section(c, w->sections[i].name)) {
			if (out.len && out.data[out.len - 1] != '\n')
				buf_puts(&out, "\n");
			buf_printf(&out, "[%s]\n", w->sections[i].name);
		}
	return text_is_wanted(a, w, buf_text(&out)) ? buf_text(&out) : NULL;
}

/* NULL if there is none, which is a file that cannot be set by its keys. */
static const char *text_wanted(struct arena *a, const struct wanted *w,
			       const char *ours)
{
	const char *laid = layout_merged(a, w), *text;

	if (text_is_wanted(a, w, laid))
		return laid;
	text = text_set(a, w, laid);
	return text ? text : text_set(a, w, ours);
}

/* -- the whole ------------------------------------------------------------- */

/* NULL where one side changed nothing: the other is the result, as it is. */
static const char *trivial(const struct merge_in *in)
{
	if (strcmp(in->ours, in->theirs) == 0 ||
	    strcmp(in->theirs, in->base) == 0)
		return in->ours;
	return strcmp(in->ours, in->base) == 0 ? in->theirs : NULL;
}

static bool parse_sides(struct arena *a, const struct merge_in *in,
			struct wanted *w, struct problems *p)
{
	static const char *const names[SIDES] = { "the base", "the head",
						  "the edit" };
	const char *const texts[SIDES] = { in->base, in->ours, in->theirs };

	for (size_t i = 0; i < SIDES; i++) {
		p->name = names[i];
		w->conf[i] = conf_parse(a, texts[i], strlen(texts[i]), p);
	}
	p->name = NULL;
	return w->conf[SIDE_BASE] && w->conf[SIDE_OURS] && w->conf[SIDE_THEIRS];
}

static void validate(struct arena *a, const struct merge_in *in,
		     struct merge *ret)
{
	struct problems p = { .arena = a, .name = "merged" };
	struct conf *c;

	if (!in->service)
		return;
	c = conf_parse(a, ret->text, strlen(ret->text), &p);
	if (c)
		conf_of_version(c, a, in->version);
	if (c)
		conf_validate(a, c, in->service, &p);
	ret->problems = p;
	if (!c || p.fatal)
		ret->code = MERGE_INVALID;
}

void merge_texts(struct arena *a, const struct merge_in *in, struct merge *ret)
{
	struct wanted w = { 0 };
	struct deciding d = { a, &w, in->take, ret };

	*ret = (struct merge){ .problems = { .arena = a } };
	ret->text = trivial(in);
	if (ret->text) {
		validate(a, in, ret);
		return;
	}
	if (!parse_sides(a, in, &w, &ret->problems)) {
		ret->code = MERGE_INVALID;
		return;
	}
	ret->problems = (struct problems){ .arena = a };
	if (!want(&d))
		return;
	ret->text = text_wanted(a, &w, in->ours);
	if (ret->text) {
		validate(a, in, ret);
		return;
	}
	ret->code = MERGE_INVALID;
	problem_add(&ret->problems, 0, true,
		    "the lines of the two cannot be put into one file: take "
		    "one, or write the file anew");
}

bool merge_is_whole(struct arena *a, const struct merge_in *in,
		    const char *text)
{
	struct problems p = { .arena = a };
	struct wanted w = { 0 };
	struct deciding d = { a, &w, in->take, NULL };

	return parse_sides(a, in, &w, &p) && want(&d) &&
	       text_is_wanted(a, &w, text);
}

#define VALUE_SHOWN 400

static void value_put(struct arena *a, struct doc *row, const char *key,
		      const char *value)
{
	size_t n = VALUE_SHOWN;

	if (!value)
		return;
	if (strlen(value) <= n) {
		doc_put_str(a, row, key, value);
		return;
	}
	while (n && ((unsigned char)value[n] & 0xc0) == 0x80)
		n--; /* not within a letter */
	doc_put_str(a, row, key, arena_printf(a, "%.*s...", (int)n, value));
}

struct doc *merge_doc(struct arena *a, const struct merge *m, size_t max)
{
	struct doc *list = doc_list(a);

	for (size_t i = 0; i < m->n && i < max; i++) {
		const struct merge_key *k = &m->at[i];
		struct doc *row = doc_add(a, list, doc_map(a));

		doc_put_str(a, row, "key",
			    arena_printf(a, "%s.%s%s%s", k->section, k->option,
					 *k->scope ? "@" : "", k->scope));
		value_put(a, row, "base", k->base);
		value_put(a, row, "ours", k->ours);
		value_put(a, row, "theirs", k->theirs);
	}
	return list;
}
