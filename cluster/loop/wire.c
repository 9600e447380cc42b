#include "cluster/loop/wire.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/loop/clock.h"
#include "cluster/net/frame.h"

#define READS_PER_TURN 32 /* of one stream, in libuv */

struct wire {
	uv_pipe_t pipe;
	const struct wire_ops *ops;
	void *data;
	struct frames in;
	size_t queued;
	uint64_t heard_ms, sent_ms, progress_ms;
	bool ended;  /* on_end is due */
	bool silent; /* its user closed it */
	bool paused; /* by its user */
	bool reading;
	struct err why;
	char buf[65536];
};

/* What the socket did not take at once. */
struct wire_out {
	uv_write_t req;
	struct wire *wire;
	size_t len;
	char data[];
};

static void on_closed(uv_handle_t *h)
{
	struct wire *w = h->data;

	if (!w->silent)
		w->ops->on_end(w->data, &w->why);
	frame_reset(&w->in);
	free(w);
}

static void wire_end(struct wire *w, const struct err *why)
{
	if (w->ended)
		return;
	w->ended = true;
	if (why)
		w->why = *why;
	uv_close((uv_handle_t *)&w->pipe, on_closed);
}

void wire_close(struct wire *w)
{
	if (!w)
		return;
	assert(!w->silent);
	w->silent = true;
	wire_end(w, NULL);
}

void wire_hang_up(struct wire *w)
{
	if (w)
		wire_end(w, NULL);
}

static int on_whole_frame(void *arg, struct arena *a, struct doc *frame)
{
	struct wire *w = arg;

	w->ops->on_frame(w->data, a, frame);
	return w->ended;
}

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *ret)
{
	struct wire *w = h->data;
	size_t max = w->ops->read_max / READS_PER_TURN;

	(void)hint;
	if (!max || max > sizeof(w->buf))
		max = sizeof(w->buf);
	*ret = uv_buf_init(w->buf, (unsigned)max);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct wire *w = s->data;
	struct err err = { 0 };

	if (n == 0)
		return;
	if (n == UV_EOF && !frame_is_partial(&w->in)) {
		wire_end(w, NULL);
		return;
	}
	if (n < 0) {
		err_set(&err, (int)n, "%s",
			n == UV_EOF ? "closed within a frame"
				    : uv_strerror((int)n));
		wire_end(w, &err);
		return;
	}
	w->heard_ms = clock_ms();
	if (frame_feed(&w->in, buf->base, (size_t)n, on_whole_frame, w, &err) <
	    0)
		wire_end(w, &err);
}

/* Start or stop reading, as things are now. */
static int wire_look(struct wire *w)
{
	size_t ease = w->ops->ease_queue;
	bool want = !w->paused && (!ease || w->queued <= ease);

	if (w->ended || want == w->reading)
		return 0;
	w->reading = want;
	return want ? uv_read_start((uv_stream_t *)&w->pipe, on_alloc, on_read)
		    : uv_read_stop((uv_stream_t *)&w->pipe);
}

int wire_open(struct wire **ret, uv_loop_t *loop, int fd,
	      const struct wire_ops *ops, void *data, struct err *err)
{
	struct wire *w = calloc(1, sizeof(*w));
	int rc;

	if (!w) {
		close(fd);
		return err_set(err, -ENOMEM, "out of memory");
	}
	w->ops = ops;
	w->data = data;
	w->in = FRAMES(ops->max_in);
	w->heard_ms = w->sent_ms = clock_ms();
	rc = uv_pipe_init(loop, &w->pipe, 0);
	assert(rc == 0);
	w->pipe.data = w;
	rc = uv_pipe_open(&w->pipe, fd);
	if (rc < 0)
		close(fd);
	else
		rc = wire_look(w);
	if (rc < 0) {
		wire_close(w);
		return err_set(err, rc, "socket: %s", uv_strerror(rc));
	}
	*ret = w;
	return 0;
}

static void on_written(uv_write_t *req, int status)
{
	struct wire_out *o = (struct wire_out *)req;
	struct wire *w = o->wire;
	struct err err;

	w->queued -= o->len;
	w->progress_ms = clock_ms();
	if (status < 0 && status != UV_ECANCELED) {
		err_set(&err, status, "%s", uv_strerror(status));
		wire_end(w, &err);
	}
	wire_look(w);
	free(o);
}

static void wire_queue(struct wire *w, const char *data, size_t len)
{
	struct wire_out *o;
	struct err err;
	uv_buf_t buf;

	if (w->queued + len > w->ops->max_queue) {
		err_set(&err, -ENOBUFS,
			"it does not read: %zu bytes wait for it", w->queued);
		wire_end(w, &err);
		return;
	}
	o = malloc(sizeof(*o) + len);
	if (!o)
		abort();
	o->wire = w;
	o->len = len;
	memcpy(o->data, data, len);
	buf = uv_buf_init(o->data, (unsigned)len);
	if (w->queued == 0)
		w->progress_ms = clock_ms();
	if (uv_write(&o->req, (uv_stream_t *)&w->pipe, &buf, 1, on_written) <
	    0) {
		free(o);
		wire_end(w, NULL);
		return;
	}
	w->queued += len;
	wire_look(w);
}

int wire_send(struct wire *w, struct arena *a, const struct doc *frame,
	      struct err *err)
{
	struct buf out = BUF(a);
	uv_buf_t buf;
	struct err why;
	int rc;

	if (w->ended)
		return 0;
	rc = frame_put(&out, frame, w->ops->max_out, err);
	if (rc < 0)
		return rc;
	w->sent_ms = clock_ms();
	buf = uv_buf_init(out.data, (unsigned)out.len);
	rc = w->queued ? UV_EAGAIN
		       : uv_try_write((uv_stream_t *)&w->pipe, &buf, 1);
	if (rc == UV_EAGAIN)
		rc = 0;
	if (rc < 0) {
		err_set(&why, rc, "%s", uv_strerror(rc));
		wire_end(w, &why);
	} else if ((size_t)rc < out.len) {
		wire_queue(w, out.data + rc, out.len - (size_t)rc);
	}
	return 0;
}

void wire_pause(struct wire *w, bool pause)
{
	w->paused = pause;
	wire_look(w);
}

uint64_t wire_stuck_ms(const struct wire *w)
{
	return w->queued ? w->progress_ms : 0;
}

/* -- pulse ------------------------------------------------------------- */

#define PULSE "pulse"

bool wire_pulse(struct wire *w, uint64_t now_ms)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *f;

	if (now_ms >= w->heard_ms + WIRE_SILENT_MS)
		return false;
	if (now_ms < w->sent_ms + WIRE_PULSE_MS)
		return true;
	f = doc_map(a);
	doc_put_str(a, f, "k", PULSE);
	wire_send(w, a, f, NULL);
	return true;
}

uint64_t wire_pulse_ms(const struct wire *w)
{
	uint64_t send = w->sent_ms + WIRE_PULSE_MS;
	uint64_t silent = w->heard_ms + WIRE_SILENT_MS;

	if (w->ended)
		return UINT64_MAX;
	return send < silent ? send : silent;
}

bool wire_is_pulse(const struct doc *frame)
{
	return strcmp(doc_get_str(frame, "k", ""), PULSE) == 0;
}
