/*
 * Any bytes as a base, ours and theirs, with 0xff between them:
 *
 *     a merge is whole, or there is a conflict, or a reason;
 *     either way round it is the same;
 *     somebody's word ends every conflict;
 *     a difference gives the text back.
 */
#include <string.h>

#include "fsm/rev/diff.h"
#include "fsm/rev/lines.h"
#include "fsm/rev/merge.h"
#include "tests/fuzz/fuzz.h"

static void try_merge(struct arena *a, const struct merge_in *in)
{
	struct merge_in turned = *in;
	struct merge m, other;

	turned.ours = in->theirs;
	turned.theirs = in->ours;
	if (in->take)
		turned.take =
			in->take == MERGE_OURS ? MERGE_THEIRS : MERGE_OURS;
	merge_texts(a, in, &m);
	merge_texts(a, &turned, &other);
	PROMISE("an invalid one has a reason",
		m.code != MERGE_INVALID || m.problems.fatal);
	PROMISE("a conflict has a key", m.code != MERGE_CONFLICT || m.n);
	PROMISE("a word ends a conflict",
		m.code != MERGE_CONFLICT || !in->take);
	if (m.code == MERGE_INVALID || other.code == MERGE_INVALID)
		return;
	PROMISE("it is the same the other way round",
		m.code == other.code && m.n == other.n);
	if (m.code == MERGE_DONE && strcmp(in->base, in->ours) != 0 &&
	    strcmp(in->base, in->theirs) != 0 &&
	    strcmp(in->ours, in->theirs) != 0) {
		PROMISE("it is whole", merge_is_whole(a, in, m.text));
		PROMISE("and so the other way round",
			merge_is_whole(a, in, other.text));
	}
}

static void try_difference(struct arena *a, const char *old, const char *new)
{
	const char *text = lines_patch(a, old, lines_delta(a, old, new));
	struct buf out = BUF(a);
	struct diff d;

	PROMISE("a difference gives the text back",
		text && strcmp(text, new) == 0);
	diff_texts(a, old, new, &d);
	PROMISE("only the same is equal",
		diff_is_equal(&d) == (strcmp(old, new) == 0));
	diff_text(a, &d, &out);
	lines_unified(a, old, new, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(arena) struct arena *a = arena_new();
	char *text = arena_alloc(a, size + 1), *at = text;
	const char *part[3] = { "", "", "" };
	struct merge_in in;

	memcpy(text, data, size);
	for (size_t i = 0; i < 3 && at; i++) {
		part[i] = at;
		at = strchr(at, '\xff');
		if (at)
			*at++ = '\0';
	}
	in = (struct merge_in){ NULL, part[0], part[1], part[2],
				MERGE_NEITHER, 0 };
	try_merge(a, &in);
	in.take = MERGE_OURS;
	try_merge(a, &in);
	in.take = MERGE_THEIRS;
	try_merge(a, &in);
	try_difference(a, part[0], part[1]);
	try_difference(a, part[1], part[2]);
	return 0;
}
