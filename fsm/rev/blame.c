#include "fsm/rev/blame.h"

#include "fsm/rev/lines.h"

struct blamed {
	struct lines lines;
	size_t *rev; /* of each line */
};

/* Lines of @of that @parent has are of whom the parent has them from; those
 * that an earlier parent gave already stay. */
static void take_from(struct arena *a, const struct blamed *parent,
		      struct blamed *of, size_t self)
{
	size_t i = 0, j = 0;
	struct hunks h;

	lines_diff(a, &parent->lines, &of->lines, &h);
	for (size_t k = 0; k <= h.n; k++) {
		size_t end = k < h.n ? h.at[k].old_at : parent->lines.n;

		for (; i < end; i++, j++)
			if (of->rev[j] == self)
				of->rev[j] = parent->rev[i];
		if (k < h.n) {
			i += h.at[k].old_n;
			j += h.at[k].new_n;
		}
	}
}

void blame_texts(struct arena *a, const struct blame_rev *revs, size_t n,
		 struct blame *ret)
{
	SCOPED(arena) struct arena *tmp = arena_new();
	struct blamed *all = ARENA_VEC(tmp, struct blamed, n + 1);
	const struct blamed *last;

	*ret = (struct blame){ 0 };
	for (size_t i = 0; i < n; i++) {
		struct blamed *b = &all[i];

		lines_split(tmp, revs[i].text, &b->lines);
		b->rev = ARENA_VEC(tmp, size_t, b->lines.n + 1);
		for (size_t k = 0; k < b->lines.n; k++)
			b->rev[k] = i;
		for (size_t p = 0; p < 2; p++)
			if (revs[i].parents[p] < i)
				take_from(tmp, &all[revs[i].parents[p]], b, i);
	}
	if (!n)
		return;
	last = &all[n - 1];
	ret->n = last->lines.n;
	ret->at = ARENA_VEC(a, struct blame_line, ret->n + 1);
	for (size_t i = 0; i < ret->n; i++)
		ret->at[i] = (struct blame_line){
			last->lines.at[i].at,
			last->lines.at[i].len,
			last->rev[i],
		};
}
