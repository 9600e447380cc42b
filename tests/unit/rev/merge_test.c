/*
 * Properties of a merge, over generated edits: what must hold of any three
 * texts. A failure names its seed.
 */
#include <string.h>

#include "fsm/rev/internal.h"
#include "fsm/rev/merge.h"
#include "tests/lib/table.h"

#define SEEDS 400

static uint64_t rng;

static unsigned below(unsigned n)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(rng >> 33) % n;
}

/* -- texts ------------------------------------------------------------------
 */

static const char *section_name(unsigned i)
{
	static const char *const names[] = { "DEFAULT", "fs#1", "fs#2",
					     "app#1",	"env",	"app#2" };
	return names[i % 6];
}

static void put_key(struct arena *a, struct buf *b, unsigned k, unsigned v)
{
	static const char *const scopes[] = { "", "", "@hv1", "@nodes" };
	static const char *const seps[] = { " = ", "=", ": ", " =  " };

	buf_puts(b, arena_printf(a, "k%u%s%sv%u", k % 8, scopes[k / 8 % 4],
				 seps[below(4)], v));
	if (v % 7 == 0)
		buf_printf(b, "\n\tmore%u", below(3));
	buf_puts(b, "\n");
}

static const char *make_text(struct arena *a)
{
	struct buf b = BUF(a);
	unsigned first = below(6), sections = below(5);

	for (unsigned i = 0; i <= sections; i++) {
		if (below(3) == 0)
			buf_printf(&b, "# comment %u\n", below(9));
		buf_printf(&b, "[%s]\n", section_name(first + i));
		for (unsigned k = below(5); k; k--)
			put_key(a, &b, below(32), below(9));
		if (below(2))
			buf_puts(&b, "\n");
	}
	return buf_text(&b);
}

/* Lines are dropped, doubled, put in, moved: whatever a person may do. */
static const char *edit_text(struct arena *a, const char *text)
{
	struct buf b = BUF(a);
	struct lines l;
	const struct line_span *held = NULL;

	lines_split(a, text, &l);
	for (size_t i = 0; i < l.n; i++) {
		const struct line_span *s = &l.at[i];

		switch (below(24)) {
		case 0: /* drop */
			continue;
		case 1:
			buf_printf(&b, "# new %u\n", below(9));
			break;
		case 2:
			if (i) /* a key needs a section */
				put_key(a, &b, below(32), below(9));
			break;
		case 3:
			buf_printf(&b, "[%s]\n", section_name(below(6)));
			break;
		case 4: /* later */
			if (!held && i) {
				held = s;
				continue;
			}
			break;
		default:
			break;
		}
		buf_add(&b, s->at, s->len);
		if (held && below(3) == 0) {
			buf_add(&b, held->at, held->len);
			held = NULL;
		}
	}
	return buf_text(&b);
}

static bool is_file(struct arena *a, const char *text)
{
	struct problems p = { .arena = a };

	return conf_parse(a, text, strlen(text), &p) != NULL;
}

/* As a value, so that a changed one is not taken for an odd line. */
static const char *edited(struct arena *a, const char *text)
{
	for (;;) {
		const char *t = edit_text(a, text);

		if (is_file(a, t))
			return t;
	}
}

struct three {
	struct arena *a;
	struct merge_in in;
	struct merge m;
};

static void make(struct three *t, uint64_t seed)
{
	rng = seed * 0x9e3779b97f4a7c15u + 1;
	t->a = arena_new();
	t->in = (struct merge_in){ .base = make_text(t->a) };
	t->in.ours = edited(t->a, t->in.base);
	t->in.theirs = edited(t->a, t->in.base);
	merge_texts(t->a, &t->in, &t->m);
}

static struct conf *parsed(struct arena *a, const char *text)
{
	struct problems p = { .arena = a };
	struct conf *c = conf_parse(a, text, strlen(text), &p);

	assert_non_null(c);
	return c;
}

/* Written apart from the merge's own: each key of all three texts. */
static void each_key(struct three *t, struct conf *of,
		     void (*check)(struct three *t, struct conf *const *c,
				   const struct ini_key *k))
{
	struct conf *c[] = { parsed(t->a, t->in.base), parsed(t->a, t->in.ours),
			     parsed(t->a, t->in.theirs),
			     t->m.text ? parsed(t->a, t->m.text) : NULL };

	for (size_t i = 0; i < of->n; i++)
		for (const struct ini_key *k = of->sections[i]->keys; k;
		     k = k->next)
			check(t, c, k);
}

/* -- properties --------------------------------------------------------------
 */

static const char *value(const struct conf *c, const struct ini_key *k)
{
	struct conf_key key = { k->section->name, k->option, k->scope };

	return conf_raw(c, &key);
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_clean(struct three *t, struct conf *const *c,
			const struct ini_key *k)
{
	const char *b = value(c[0], k), *o = value(c[1], k);
	const char *th = value(c[2], k), *r = value(c[3], k);

	(void)t;
	if (!same(o, b))
		assert_true(same(r, o)); /* a change of ours is there */
	if (!same(th, b))
		assert_true(same(r, th)); /* and one of theirs */
	if (same(o, b) && same(th, b))
		assert_true(same(r, b)); /* and no other */
}

static void a_clean_merge_is_both_and_nothing_else(void **state)
{
	size_t clean = 0, conflicts = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct three t;

		make(&t, seed);
		assert_int_not_equal(t.m.code, MERGE_INVALID);
		if (t.m.code == MERGE_DONE) {
			const char *all[] = { t.in.base, t.in.ours, t.in.theirs,
					      t.m.text };

			for (size_t i = 0; i < 4; i++)
				each_key(&t, parsed(t.a, all[i]), check_clean);
			clean++;
		} else {
			assert_true(t.m.n > 0);
			conflicts++;
		}
		arena_free(t.a);
	}
	/* Of each kind enough to mean something. */
	assert_true(clean > SEEDS / 2 && conflicts > SEEDS / 10);
}

static void either_way_round_means_the_same(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct merge_in turned;
		struct merge other;
		struct three t;

		make(&t, seed);
		turned = t.in;
		turned.ours = t.in.theirs;
		turned.theirs = t.in.ours;
		merge_texts(t.a, &turned, &other);
		assert_int_equal(other.code, t.m.code);
		assert_int_equal(other.n, t.m.n);
		if (other.code == MERGE_DONE) {
			assert_true(merge_is_whole(t.a, &t.in, other.text));
			assert_true(merge_is_whole(t.a, &turned, t.m.text));
		}
		arena_free(t.a);
	}
}

static void who_changed_nothing_changes_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct merge m;
		struct three t;

		make(&t, seed);
		for (int way = 0; way < 3; way++) {
			struct merge_in in = t.in;

			if (way != 1) /* b, x, b or b, x, x */
				in.theirs = way ? in.ours : in.base;
			else
				in.ours = in.base;
			merge_texts(t.a, &in, &m);
			assert_int_equal(m.code, MERGE_DONE);
			assert_string_equal(m.text,
					    way == 1 ? in.theirs : in.ours);
		}
		arena_free(t.a);
	}
}

static size_t lines_like(const char *text, const char *line, size_t len)
{
	size_t n = 0;

	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
		n += strncmp(p, line, len) == 0;
	return n;
}

/* A comment between the keys that either side put in is in what comes out. */
static void new_comments_survive(void **state)
{
	size_t n = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct units u;
		struct three t;

		make(&t, seed);
		for (int side = 0; side < 2 && t.m.code == MERGE_DONE; side++) {
			units_of(t.a,
				 parsed(t.a, side ? t.in.theirs : t.in.ours),
				 &u);
			for (size_t i = 0; i < u.n; i++) {
				const struct line_span *s = &u.at[i].raw;

				if (u.at[i].kind != UNIT_FILLER ||
				    strncmp(s->at, "# new", 5) != 0)
					continue;
				assert_true(lines_like(t.m.text, s->at,
						       s->len) > 0);
				n++;
			}
		}
		arena_free(t.a);
	}
	assert_true(n > SEEDS / 4);
}

/* Whoever sends them: all members merge them before they do anything else. */
static void hostile_texts_do_not_take_long(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf ours = BUF(a), theirs = BUF(a);
	struct merge_in in = { .base = "[env]\nz = 1\n" };
	struct merge m;

	(void)state;
	buf_puts(&ours, "[env]\n");
	buf_puts(&theirs, "[env]\n");
	for (int i = 0; i < 50000; i++) {
		buf_printf(&ours, "# a%d\n", i);
		buf_printf(&theirs, "# b%d\n", i);
	}
	buf_puts(&ours, "z = 1\n");
	buf_puts(&theirs, "z = 1\n");
	in.ours = buf_text(&ours);
	in.theirs = buf_text(&theirs);
	merge_texts(a, &in, &m); /* the test's own time limit is the check */
	assert_int_equal(m.code, MERGE_DONE);
	assert_non_null(strstr(m.text, "# a49999\n"));
	assert_non_null(strstr(m.text, "# b49999\n"));
}

/* With somebody's word there is no conflict left, and what is not contested
 * is as before. */
static void a_word_ends_every_conflict(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct three t;

		make(&t, seed);
		for (int i = 0; i < 2; i++) {
			struct merge_in in = t.in;
			struct merge m;
			struct conf *c;

			in.take = i ? MERGE_OURS : MERGE_THEIRS;
			merge_texts(t.a, &in, &m);
			assert_int_equal(m.code, MERGE_DONE);
			c = parsed(t.a, m.text);
			for (size_t k = 0; k < t.m.n; k++) {
				struct conf_key key = { t.m.at[k].section,
							t.m.at[k].option,
							t.m.at[k].scope };

				assert_true(same(conf_raw(c, &key),
						 i ? t.m.at[k].ours
						   : t.m.at[k].theirs));
			}
		}
		arena_free(t.a);
	}
}

/* -- lines -------------------------------------------------------------------
 */

static void a_delta_gives_the_text_back(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		const char *text;
		struct three t;
		struct doc *d;

		make(&t, seed);
		d = lines_delta(t.a, t.in.ours, t.in.theirs);
		text = lines_patch(t.a, t.in.ours, d);
		assert_non_null(text);
		assert_string_equal(text, t.in.theirs);
		arena_free(t.a);
	}
}

static void a_delta_of_another_text_is_refused(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = lines_delta(a, "one\ntwo\nthree\n", "one\nthree\n");

	(void)state;
	assert_string_equal(lines_patch(a, "one\ntwo\nthree\n", d),
			    "one\nthree\n");
	assert_null(lines_patch(a, "one\n", d));
	doc_at(d, 0)->num = -1;
	assert_null(lines_patch(a, "one\ntwo\nthree\n", d));
	assert_null(lines_patch(a, "one\n", doc_map(a)));
	assert_null(lines_patch(a, "one\n", NULL));
}

/* The script is a shortest one: compared with the length of a longest common
 * row, by the book. */
static size_t common_length(const uint32_t *x, size_t n, const uint32_t *y,
			    size_t m)
{
	size_t at[33][33] = { 0 };

	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++)
			at[i][j] = x[i - 1] == y[j - 1] ? at[i - 1][j - 1] + 1
				   : at[i - 1][j] > at[i][j - 1] ? at[i - 1][j]
								 : at[i][j - 1];
	return at[n][m];
}

static void scripts_are_shortest(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 4000; seed++) {
		SCOPED(arena) struct arena *a = arena_new();
		uint32_t x[32], y[32];
		size_t n, m, i = 0, j = 0, kept = 0;
		struct hunks h;

		rng = seed;
		n = below(33);
		m = below(33);
		for (size_t k = 0; k < 32; k++) {
			x[k] = below(2 + (unsigned)seed % 6);
			y[k] = below(2 + (unsigned)seed % 6);
		}
		symbols_diff(a, x, n, y, m, &h);
		for (size_t k = 0; k <= h.n; k++) {
			size_t end = k < h.n ? h.at[k].old_at : n;

			for (; i < end; i++, j++, kept++)
				assert_int_equal(x[i], y[j]);
			if (k < h.n) {
				assert_int_equal(j, h.at[k].new_at);
				i += h.at[k].old_n;
				j += h.at[k].new_n;
			}
		}
		assert_int_equal(j, m);
		assert_int_equal(kept, common_length(x, n, y, m));
	}
}

static void very_different_texts_are_one_hunk(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf x = BUF(a), y = BUF(a);
	const char *text;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		buf_printf(&x, "x%d\n", i);
		buf_printf(&y, "y%d\n", i);
	}
	text = lines_patch(a, buf_text(&x),
			   lines_delta(a, buf_text(&x), buf_text(&y)));
	assert_string_equal(text, buf_text(&y));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clean_merge_is_both_and_nothing_else),
		cmocka_unit_test(either_way_round_means_the_same),
		cmocka_unit_test(who_changed_nothing_changes_nothing),
		cmocka_unit_test(new_comments_survive),
		cmocka_unit_test(a_word_ends_every_conflict),
		cmocka_unit_test(hostile_texts_do_not_take_long),
		cmocka_unit_test(a_delta_gives_the_text_back),
		cmocka_unit_test(a_delta_of_another_text_is_refused),
		cmocka_unit_test(scripts_are_shortest),
		cmocka_unit_test(very_different_texts_are_one_hunk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
