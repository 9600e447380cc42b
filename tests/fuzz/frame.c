/*
 * Any bytes as what a peer sends, in pieces whose size the first byte says:
 *
 *     frames come out, or the stream is refused with a reason;
 *     no memory is reserved that the bytes do not pay for;
 *     what was decoded is encoded and decoded to the same.
 *
 * And any bytes as one document, which must be one value and no more.
 */
#include <string.h>

#include "cluster/net/frame.h"
#include "tests/fuzz/fuzz.h"

#define MAX_FRAME (1024 * 1024)

static void try_doc(struct arena *a, const struct doc *d)
{
	struct buf b = BUF(a), again = BUF(a), json = BUF(a);
	struct doc *copy;
	struct err err = { 0 };

	doc_encode(&b, d);
	PROMISE("what was encoded can be decoded",
		doc_decode(a, b.data, b.len, &copy, &err) == 0);
	PROMISE("decoding gives the same", doc_equal(d, copy));
	doc_encode(&again, copy);
	PROMISE("encoding gives the same",
		b.len == again.len && memcmp(b.data, again.data, b.len) == 0);
	PROMISE("a copy is equal", doc_equal(d, doc_copy(a, d)));
	doc_json(&json, d, 2);
	PROMISE("JSON is text", json.len == strlen(buf_text(&json)));
}

struct stream {
	unsigned frames;
	unsigned stop; /* after so many; 0: never */
};

static int on_frame(void *arg, struct arena *a, struct doc *frame)
{
	struct stream *s = arg;

	PROMISE("a frame is a map", frame->type == DOC_MAP);
	try_doc(a, frame);
	s->frames++;
	return s->frames == s->stop;
}

static void try_stream(const uint8_t *data, size_t size, size_t piece,
		       unsigned stop)
{
	struct frames in = FRAMES(MAX_FRAME);
	struct stream s = { .stop = stop };
	struct err err = { 0 };
	int rc = 0;

	for (size_t at = 0; at < size && rc == 0; at += piece) {
		size_t n = size - at < piece ? size - at : piece;

		rc = frame_feed(&in, data + at, n, on_frame, &s, &err);
		PROMISE("memory grows with what is there",
			in.cap <= 2 * size + 4096);
	}
	PROMISE("a refusal has a reason", rc >= 0 || *err.text);
	frame_reset(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct err err = { 0 };
	struct doc *d;
	int rc = doc_decode(a, data, size, &d, &err);

	if (rc == 0)
		try_doc(a, d);
	else
		PROMISE("a refusal has a reason", *err.text);
	if (!size)
		return 0;
	try_stream(data + 1, size - 1, (data[0] & 0x7fu) + 1, data[0] >> 7);
	try_stream(data + 1, size - 1, size, 0);
	return 0;
}
