/*
 * Most frames arrive whole within one read: those are decoded where they lie.
 * Only a frame that is cut by the end of a read is collected, in a buffer that
 * doubles as its bytes come, so an announced length alone costs nothing.
 */
#include "cluster/net/frame.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define FIRST_CAP 4096

void frame_head(unsigned char head[FRAME_HEAD], size_t len)
{
	assert(len <= UINT32_MAX);
	head[0] = (unsigned char)(len >> 24);
	head[1] = (unsigned char)(len >> 16);
	head[2] = (unsigned char)(len >> 8);
	head[3] = (unsigned char)len;
}

static size_t head_value(const unsigned char head[FRAME_HEAD])
{
	return (size_t)head[0] << 24 | (size_t)head[1] << 16 |
	       (size_t)head[2] << 8 | (size_t)head[3];
}

bool frame_is_partial(const struct frames *f)
{
	return f->head_len > 0;
}

void frame_reset(struct frames *f)
{
	free(f->body);
	*f = FRAMES(f->max);
}

static int deliver(const void *bytes, size_t len, frame_fn on_frame, void *arg,
		   struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *frame;
	int rc;

	rc = doc_decode(a, bytes, len, &frame, err);
	if (rc)
		return err_wrap(err, rc, "a frame of %zu bytes", len);
	if (frame->type != DOC_MAP)
		return err_set(err, -EBADMSG,
			       "a frame of %zu bytes holds no map", len);
	return on_frame(arg, a, frame);
}

/* Room for @n more bytes of the frame that is being collected. */
static int reserve(struct frames *f, size_t n, struct err *err)
{
	size_t cap = f->cap ? f->cap : FIRST_CAP;
	unsigned char *body;

	if (f->cap - f->have >= n)
		return 0;
	while (cap < f->have + n)
		cap *= 2;
	if (cap > f->len)
		cap = f->len;
	body = realloc(f->body, cap);
	if (!body)
		return err_set(err, -ENOMEM,
			       "no memory for a frame of %zu bytes", f->len);
	f->body = body;
	f->cap = cap;
	return 0;
}

/* The length is whole: is a frame of that length acceptable? */
static int begin(struct frames *f, struct err *err)
{
	f->len = head_value(f->head);
	if (f->len > f->max)
		return err_set(err, -EMSGSIZE,
			       "a frame of %zu bytes, at most %zu are allowed",
			       f->len, f->max);
	if (f->len == 0)
		return err_set(err, -EBADMSG, "an empty frame");
	return 0;
}

/* Collect up to @n bytes; returns how many were taken, or an error. */
static ssize_t collect(struct frames *f, const unsigned char *bytes, size_t n,
		       struct err *err)
{
	size_t want = f->len - f->have;
	int rc;

	if (n > want)
		n = want;
	rc = reserve(f, n, err);
	if (rc)
		return rc;
	memcpy(f->body + f->have, bytes, n);
	f->have += n;
	return (ssize_t)n;
}

int frame_feed(struct frames *f, const void *bytes, size_t n, frame_fn on_frame,
	       void *arg, struct err *err)
{
	const unsigned char *at = bytes, *end = at + n;
	int rc = 0;

	while (at < end && !rc) {
		size_t here = (size_t)(end - at), len = f->len;
		unsigned char *body;
		ssize_t taken;

		if (f->head_len < FRAME_HEAD) {
			f->head[f->head_len++] = *at++;
			rc = f->head_len == FRAME_HEAD ? begin(f, err) : 0;
			continue;
		}
		if (f->have == 0 && len <= here) {
			f->head_len = 0;
			rc = deliver(at, len, on_frame, arg, err);
			at += len;
			continue;
		}
		taken = collect(f, at, here, err);
		if (taken < 0)
			return (int)taken;
		at += taken;
		if (f->have < len)
			continue;
		/* Ready for the next one first: the callback may free @f. */
		body = f->body;
		*f = FRAMES(f->max);
		rc = deliver(body, len, on_frame, arg, err);
		free(body);
	}
	return rc;
}

int frame_put(struct buf *out, const struct doc *map, size_t max,
	      struct err *err)
{
	static const unsigned char none[FRAME_HEAD];
	size_t at = out->len, len;

	assert(map->type == DOC_MAP);
	buf_add(out, none, FRAME_HEAD);
	doc_encode(out, map);
	len = out->len - at - FRAME_HEAD;
	if (len > max || len > UINT32_MAX) {
		out->len = at;
		out->data[at] = '\0';
		return err_set(
			err, -EMSGSIZE,
			"a message of %zu bytes, at most %zu are allowed", len,
			max);
	}
	frame_head((unsigned char *)out->data + at, len);
	return 0;
}
