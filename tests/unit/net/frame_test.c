#include "cluster/net/frame.h"

#include <errno.h>
#include <string.h>

#include "tests/lib/table.h"

#define MAX 1024

/* What a feed delivered: each frame's "n", and how it ended. */
struct seen {
	int64_t n[64];
	size_t count;
	size_t stop_at;	      /* return 1 from this frame on; 0: never */
	struct frames *reset; /* free the decoder when stopping */
};

static int on_frame(void *arg, struct arena *a, struct doc *frame)
{
	struct seen *s = arg;

	(void)a;
	assert_int_equal(frame->type, DOC_MAP);
	assert_true(s->count < 64);
	s->n[s->count++] = doc_get_int(frame, "n", -1);
	if (s->stop_at && s->count >= s->stop_at) {
		if (s->reset)
			frame_reset(s->reset);
		return 1;
	}
	return 0;
}

static void put(struct buf *out, int64_t n, size_t pad)
{
	struct arena *a = out->arena;
	struct doc *d = doc_map(a);

	doc_put_int(a, d, "n", n);
	if (pad)
		doc_put_bin(a, d, "pad", arena_alloc(a, pad), pad);
	assert_int_equal(frame_put(out, d, MAX, NULL), 0);
}

/* -- well-formed streams, cut in every way ------------------------------- */

static void frames_arrive_whole_however_the_stream_is_cut(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);

	(void)state;
	for (int64_t i = 0; i < 5; i++)
		put(&b, i, (size_t)i * 70);
	for (size_t piece = 1; piece <= b.len; piece++) {
		struct frames f = FRAMES(MAX);
		struct seen s = { 0 };

		for (size_t at = 0; at < b.len; at += piece) {
			size_t n = b.len - at < piece ? b.len - at : piece;

			assert_int_equal(frame_feed(&f, b.data + at, n,
						    on_frame, &s, NULL),
					 0);
		}
		assert_int_equal(s.count, 5);
		for (int64_t i = 0; i < 5; i++)
			assert_int_equal(s.n[i], i);
		assert_false(frame_is_partial(&f));
		assert_null(f.body);
	}
}

static void a_frame_of_exactly_the_limit_passes(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct frames f = FRAMES(MAX);
	struct seen s = { 0 };
	struct buf b = BUF(a);

	(void)state;
	put(&b, 7, MAX - 11); /* {n:7, pad:bin16}: 11 bytes of overhead */
	assert_int_equal(b.len, FRAME_HEAD + MAX);
	assert_int_equal(frame_feed(&f, b.data, 100, on_frame, &s, NULL), 0);
	assert_int_equal(s.count, 0);
	assert_true(frame_is_partial(&f));
	assert_int_equal(
		frame_feed(&f, b.data + 100, b.len - 100, on_frame, &s, NULL),
		0);
	assert_int_equal(s.count, 1);
}

static void a_callback_may_stop_and_free_the_decoder(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);

	(void)state;
	for (int64_t i = 0; i < 3; i++)
		put(&b, i, 200);
	for (size_t first = 0; first <= 210; first += 105) {
		struct frames f = FRAMES(MAX);
		struct seen s = { .stop_at = 2, .reset = &f };

		assert_int_equal(
			frame_feed(&f, b.data, first, on_frame, &s, NULL), 0);
		assert_int_equal(frame_feed(&f, b.data + first, b.len - first,
					    on_frame, &s, NULL),
				 1);
		assert_int_equal(s.count, 2);
	}
}

static void memory_follows_what_arrives_not_what_is_announced(void **state)
{
	static const unsigned char head[] = { 1, 0, 0, 0, 0x81 };
	struct frames f = FRAMES(16u << 20);
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(frame_feed(&f, head, sizeof(head), on_frame, &s, NULL),
			 0);
	assert_int_equal(f.len, 16u << 20);
	assert_true(f.cap <= 4096);
	frame_reset(&f);
	assert_false(frame_is_partial(&f));
	assert_int_equal(f.max, 16u << 20);
}

static void encoding_refuses_more_than_the_limit_and_appends_nothing(void **st)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = doc_map(a);
	struct buf b = BUF(a);
	struct err err;

	(void)st;
	put(&b, 1, 0);
	doc_put_bin(a, d, "x", arena_alloc(a, MAX), MAX);
	assert_int_equal(frame_put(&b, d, MAX, &err), -EMSGSIZE);
	assert_non_null(strstr(err.text, "at most 1024"));
	put(&b, 2, 0);
	assert_int_equal(b.len, 2 * (FRAME_HEAD + 4));
}

/* -- streams that break a rule ------------------------------------------- */

#define BYTES(...)                                                             \
	(const unsigned char[]){ __VA_ARGS__ },                                \
		sizeof((const unsigned char[]){ __VA_ARGS__ })

static const struct bad {
	const char *name;
	const unsigned char *bytes;
	size_t len;
	int rc;
	size_t frames; /* that are delivered before */
	const char *text;
} bad_rows[] = {
	{ "empty", BYTES(0, 0, 0, 0), -EBADMSG, 0, "empty" },
	{ "one over the limit", BYTES(0, 0, 4, 1), -EMSGSIZE, 0, "1025 bytes" },
	{ "the largest length", BYTES(0xff, 0xff, 0xff, 0xff), -EMSGSIZE, 0,
	  "4294967295 bytes" },
	{ "ascii", BYTES('G', 'E', 'T', ' ', '/'), -EMSGSIZE, 0, "at most" },
	{ "not a map", BYTES(0, 0, 0, 1, 0x93), -EBADMSG, 0, "1 bytes" },
	{ "a number", BYTES(0, 0, 0, 1, 0x05), -EBADMSG, 0, "no map" },
	{ "a map that is cut", BYTES(0, 0, 0, 2, 0x81, 0xa1), -EBADMSG, 0,
	  "2 bytes" },
	{ "bytes after the map", BYTES(0, 0, 0, 2, 0x80, 0x80), -EBADMSG, 0,
	  "2 bytes" },
	{ "a reserved byte", BYTES(0, 0, 0, 1, 0xc1), -EBADMSG, 0, "1 bytes" },
	{ "a map with 2^32 keys", BYTES(0, 0, 0, 5, 0xdf, 255, 255, 255, 255),
	  -EBADMSG, 0, "5 bytes" },
	{ "after a good one", BYTES(0, 0, 0, 1, 0x80, 0, 0, 0, 1, 0xc0),
	  -EBADMSG, 1, "no map" },
};

static void bad_stream(void **state)
{
	const struct bad *row = *state;

	for (size_t piece = 1; piece <= row->len; piece++) {
		struct frames f = FRAMES(MAX);
		struct seen s = { 0 };
		struct err err = { 0 };
		int rc = 0;

		for (size_t at = 0; at < row->len && !rc; at += piece) {
			size_t n = row->len - at;

			rc = frame_feed(&f, row->bytes + at,
					n < piece ? n : piece, on_frame, &s,
					&err);
		}
		assert_int_equal(rc, row->rc);
		assert_int_equal(s.count, row->frames);
		assert_non_null(strstr(err.text, row->text));
		frame_reset(&f);
	}
}

/* Any bytes at all: never more than a refusal, and never more memory than the
 * limit. The generator is xorshift64 (Marsaglia 2003). */
static void random_bytes_are_survived(void **state)
{
	uint64_t x = 88172645463325252u;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct frames f = FRAMES(256);
		unsigned char bytes[200];
		struct seen s = { .stop_at = 60 };

		for (size_t i = 0; i < sizeof(bytes); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			bytes[i] = (unsigned char)x;
		}
		/* Lengths that are mostly acceptable, or nothing is tried. */
		bytes[0] = bytes[1] = bytes[2] = 0;
		bytes[4] = (unsigned char)(0x80 | (bytes[4] & 0x0f));
		frame_feed(&f, bytes, sizeof(bytes), on_frame, &s, NULL);
		assert_true(f.cap <= 256);
		frame_reset(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_arrive_whole_however_the_stream_is_cut),
		cmocka_unit_test(a_frame_of_exactly_the_limit_passes),
		cmocka_unit_test(a_callback_may_stop_and_free_the_decoder),
		cmocka_unit_test(
			memory_follows_what_arrives_not_what_is_announced),
		cmocka_unit_test(
			encoding_refuses_more_than_the_limit_and_appends_nothing),
		cmocka_unit_test(random_bytes_are_survived),
	};
	int failed = cmocka_run_group_tests_name("frame", tests, NULL, NULL);

	return failed + TABLE_RUN(bad_rows, bad_stream);
}
