/*
 * frame - messages with borders on a stream of bytes.
 *
 *     doc ──frame_put──▶ bytes ... bytes ──frame_feed──▶ on_frame(doc)
 *
 * A frame is a 4-byte big-endian length and that many bytes: one msgpack map
 * (fsm/base/doc.h). The same on links between nodes, on the sockets of
 * containers and on the API's. The decoder takes the bytes in whatever pieces
 * they come. A length is checked before memory is reserved for it, and memory
 * then grows with the bytes that arrive, never with what is only announced.
 *
 *     struct frames in = FRAMES(max);
 *     ...
 *     rc = frame_feed(&in, bytes, n, on_frame, arg, &err);
 *     if (rc > 0) return;                     // on_frame closed us
 *     if (rc < 0) { close; log err.text; }    // the peer broke a rule
 *     ...
 *     frame_reset(&in);                       // frees what is half received
 */
#pragma once

#include <stddef.h>

#include "fsm/base/doc.h"
#include "store/err.h"

#define FRAME_HEAD 4

struct frames {
	size_t max; /* bytes of one frame, without its length */
	unsigned char head[FRAME_HEAD];
	size_t head_len;     /* of the length's bytes that are here */
	unsigned char *body; /* of a frame that is not whole yet */
	size_t len, have, cap;
};

#define FRAMES(max_len) ((struct frames){ .max = (max_len) })

/*
 * A whole frame. @frame is a map on @a, which dies after the call. Return 0
 * to go on, or something positive to stop: then neither the decoder nor the
 * rest of the bytes is looked at any more, so that the callback may have freed
 * whatever holds them.
 */
typedef int (*frame_fn)(void *arg, struct arena *a, struct doc *frame);

/* Take @n bytes. 0: all were taken; > 0: what @on_frame returned. Negative
 * when the stream cannot be trusted any more: -EMSGSIZE a frame longer than
 * max, -EBADMSG not one msgpack map, -ENOMEM. Not to be fed again then. */
int frame_feed(struct frames *f, const void *bytes, size_t n, frame_fn on_frame,
	       void *arg, struct err *err);

/* Bytes of a frame are here, but not all of them. */
bool frame_is_partial(const struct frames *f);

/* Forget (and free) what is half received. */
void frame_reset(struct frames *f);

/* Append a whole frame with @map to @out. -EMSGSIZE, and nothing is appended,
 * when it is longer than @max. */
int frame_put(struct buf *out, const struct doc *map, size_t max,
	      struct err *err);

/* The length that goes before @len bytes. */
void frame_head(unsigned char head[FRAME_HEAD], size_t len);
