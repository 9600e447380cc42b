#include "tests/lib/table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/wal_space.h"

/*
 * Scripts, word by word:
 *     +          a new segment; they are numbered from 1
 *     a.e5       group a: entry 5
 *     a.v3       vote in term 3
 *     a.s9/4     snapshot up to 9, the log keeps 4 and what is behind
 *     a.r9       reset to 9
 *     a.d        drop
 *     a.l5       release below 5
 *     !2         segment 2 is overwritten
 */
static void play_record(struct wal_space *s, uint64_t group, char verb,
			uint64_t n, uint64_t m)
{
	struct wal_record r = { .group = group, .index = n };

	switch (verb) {
	case 'e':
		r.kind = WAL_ENTRY;
		break;
	case 'v':
		r.kind = WAL_VOTE;
		r.term = n;
		break;
	case 's':
		r.kind = WAL_SNAPSHOT;
		r.aux = m;
		r.data = "meta";
		r.len = 4;
		break;
	case 'r':
		r.kind = WAL_RESET;
		r.aux = n + 1;
		break;
	case 'd':
		r.kind = WAL_DROP;
		break;
	case 'l':
		wal_space_release(s, group, n);
		return;
	default:
		fail();
	}
	assert_int_equal(wal_space_apply(s, wal_space_last(s), &r), 0);
}

static struct wal_segment *segment(struct wal_space *s, uint64_t seq)
{
	for (size_t i = 0; i < s->n_segments; i++)
		if (s->segments[i]->seq == seq)
			return s->segments[i];
	return NULL;
}

static void play(struct wal_space *s, const char *script)
{
	char copy[512], *save, *word;
	uint64_t seq = 0, n, m;
	char group, verb;

	snprintf(copy, sizeof(copy), "%s", script);
	for (word = strtok_r(copy, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		n = m = 0;
		if (word[0] == '+') {
			assert_non_null(wal_space_push(s, ++seq, 4096));
		} else if (word[0] == '!') {
			wal_space_forget(s, segment(s, (uint64_t)word[1] -
							       (uint64_t)'0'));
		} else {
			assert_true(sscanf(word, "%c.%c%" SCNu64 "/%" SCNu64,
					   &group, &verb, &n, &m) >= 2);
			play_record(s, (uint64_t)group, verb, n, m);
		}
	}
}

/* -- pins ------------------------------------------------------------ */

static const struct pins_row {
	const char *name;
	const char *script;
	const char *want; /* pins of each segment that is left */
} pins[] = {
	{ "nothing", "+", "0" },
	{ "an entry pins", "+ a.e1", "1" },
	{ "a group pins once", "+ a.e1 a.e2 a.e3", "1" },
	{ "two groups", "+ a.e1 b.e1", "2" },
	{ "votes and marks do not pin", "+ a.v1 a.s0/1 +", "0 0" },
	{ "entries in two segments", "+ a.e1 + a.e2", "1 1" },
	{ "released in part", "+ a.e1 a.e2 + a.e3 a.l2", "1 1" },
	{ "released to the border", "+ a.e1 a.e2 + a.e3 a.l3", "0 1" },
	{ "released wholly", "+ a.e1 + a.e2 a.l3", "0 0" },
	{ "released beyond", "+ a.e1 + a.e2 a.l99 a.e3", "0 0" },
	{ "a release never goes back", "+ a.e1 + a.e2 a.l2 a.l1", "0 1" },
	{ "a release of nobody", "+ a.e1 b.l9", "1" },
	{ "a snapshot releases", "+ a.e1 a.e2 + a.e3 a.s3/3", "0 1" },
	{ "a snapshot that keeps all", "+ a.e1 + a.e2 a.s2/1", "1 1" },
	{ "a reset", "+ a.e1 + a.e2 a.r7", "0 0" },
	{ "entries after a reset", "+ a.e1 + a.r7 a.e8", "0 1" },
	{ "a drop", "+ a.e1 b.e1 + a.e2 a.d", "1 0" },
	{ "a new life after a drop", "+ a.e5 + a.d + a.e1", "0 0 1" },
	{ "a new life is not released", "+ a.e5 a.l6 a.d + a.e1", "0 1" },
	{ "a cut in one segment", "+ a.e1 a.e2 a.e3 a.e2", "1" },
	{ "a cut of everything before", "+ a.e1 + a.e1", "0 1" },
	{ "a cut of part before", "+ a.e1 a.e2 + a.e2", "1 1" },
	/* Segment 2 holds what was cut, of a log that begins in 1: without 2,
	 * entry 6 would follow entry 2. */
	{ "what was cut pins behind live entries",
	  "+ a.e1 a.e2 + a.e3 a.e4 a.e5 + a.e6 a.e3", "1 1 1" },
	{ "until those are released",
	  "+ a.e1 a.e2 + a.e3 a.e4 a.e5 + a.e6 a.e3 a.l3", "0 0 1" },
	{ "or cut as well", "+ a.e1 a.e2 + a.e3 a.e4 + a.e5 a.e3 a.e1",
	  "0 0 1" },
	{ "or reset", "+ a.e1 a.e2 + a.e3 a.e4 + a.e5 a.e3 a.r9", "0 0 0" },
	{ "a cut segment comes to life", "+ a.e1 + a.e2 a.e3 a.e2 a.l2",
	  "0 1" },
	{ "cut twice", "+ a.e1 + a.e2 + a.e3 + a.e2 + a.e2 a.l2", "0 0 0 0 1" },
	{ "overwritten", "+ a.e1 + a.e2 a.l2 !1", "1" },
};

static void pins_are(void **state)
{
	const struct pins_row *r = *state;
	struct wal_space s = { 0 };
	char got[64] = "";

	play(&s, r->script);
	for (size_t i = 0; i < s.n_segments; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%u",
			 i ? " " : "", s.segments[i]->pins);
	assert_string_equal(got, r->want);
	wal_space_fini(&s);
}

/* -- what is carried ------------------------------------------------- */

static const struct carry_row {
	const char *name;
	const char *script;
	uint64_t seq; /* of the segment that is given away */
	const char *want;
} carries[] = {
	{ "nothing", "+ +", 1, "" },
	{ "a vote", "+ a.v3 +", 1, "a.v3" },
	{ "the latest vote only", "+ a.v3 a.v4 +", 1, "a.v4" },
	{ "a vote elsewhere", "+ a.v3 + b.v4", 1, "a.v3" },
	{ "a vote in both", "+ a.v3 + a.v4", 1, "a.!2 a.v4" },
	{ "entries elsewhere", "+ a.v3 + a.e1 +", 1, "a.!2 a.v3" },
	{ "no entries left", "+ a.e1 + a.e2 a.l3 +", 1, "a.!3" },
	{ "one in the middle", "+ a.e1 + a.v2 + a.e2", 2, "a.!1 a.v2" },
	{ "a mark without entries is a reset", "+ a.s5/6 +", 1, "a.r5/6" },
	{ "whatever it kept", "+ a.s5/3 +", 1, "a.r5/6" },
	{ "a mark of nothing", "+ a.s0/0 a.v1 +", 1, "a.r0/1 a.v1" },
	{ "a mark before entries", "+ a.s5/4 + a.e6", 1, "a.!2 a.s5/4" },
	{ "a reset before entries", "+ a.r5 + a.e6", 1, "a.!2 a.s5/6" },
	{ "a reset behind entries", "+ a.e1 + a.r5", 1, "a.!2 a.r5/6" },
	{ "a drop in the same segment", "+ a.e1 a.v1 a.s1/1 a.d +", 1, "" },
	{ "a drop in a later one", "+ a.e1 a.v1 + a.d", 1, "a.!2" },
	{ "what the drop hides is still there", "+ a.e1 b.e1 + a.d +", 2,
	  "a.!3" },
	{ "once that is gone, so is the group", "+ a.e1 + a.d + !1", 2, "" },
	{ "two groups", "+ a.v1 b.v2 +", 1, "a.v1 b.v2" },
};

static void carry_text(const struct wal_stream *st, char *text, size_t size)
{
	size_t pos = 0, n = 0;
	struct wal_record r;

	text[0] = '\0';
	while (pos < st->len) {
		pos += wal_record_decode(st->data + pos, &r);
		n += (size_t)snprintf(text + n, size - n, "%s%c.", n ? " " : "",
				      (char)r.group);
		switch ((int)r.kind) {
		case WAL_VOID:
			n += (size_t)snprintf(text + n, size - n, "!%" PRIu64,
					      r.index);
			break;
		case WAL_VOTE:
			n += (size_t)snprintf(text + n, size - n, "v%" PRIu64,
					      r.term);
			break;
		default:
			n += (size_t)snprintf(text + n, size - n,
					      "%c%" PRIu64 "/%" PRIu64,
					      r.kind == WAL_RESET ? 'r' : 's',
					      r.index, r.aux);
		}
	}
}

static void carried_is(void **state)
{
	const struct carry_row *r = *state;
	struct wal_space s = { 0 };
	struct wal_stream out = { 0 };
	char got[256];

	play(&s, r->script);
	assert_int_equal(wal_space_carry(&s, segment(&s, r->seq), &out), 0);
	carry_text(&out, got, sizeof(got));
	assert_string_equal(got, r->want);
	free(out.data);
	wal_space_fini(&s);
}

/* -- many ------------------------------------------------------------ */

static void thousands_of_groups_come_and_go(void **state)
{
	struct wal_space s = { 0 };
	struct wal_record r = { .kind = WAL_ENTRY, .index = 1 };
	struct wal_segment *seg;

	(void)state;
	seg = wal_space_push(&s, 1, 4096);
	for (r.group = 0; r.group < 3000; r.group++)
		assert_int_equal(wal_space_apply(&s, seg, &r), 0);
	assert_int_equal(s.n_groups, 3000);
	assert_int_equal(seg->pins, 3000);
	assert_non_null(wal_space_group(&s, 2999));
	assert_null(wal_space_group(&s, 3000));
	r.kind = WAL_DROP;
	for (r.group = 0; r.group < 3000; r.group++)
		assert_int_equal(wal_space_apply(&s, seg, &r), 0);
	assert_int_equal(seg->pins, 0);
	wal_space_push(&s, 2, 4096);
	wal_space_forget(&s, seg);
	assert_int_equal(s.n_groups, 0);
	wal_space_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thousands_of_groups_come_and_go),
	};

	return TABLE_RUN(pins, pins_are) + TABLE_RUN(carries, carried_is) +
	       cmocka_run_group_tests(tests, NULL, NULL);
}
