#include "cluster/loop/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/loop/clock.h"
#include "cluster/loop/report.h"
#include "cluster/loop/sock.h"
#include "cluster/loop/wire.h"

#define RETRY_MS 300  /* where there is a socket's folder */
#define LOOK_MS	 3000 /* where there is none */

struct host {
	uv_loop_t *loop;
	char *path, *dir;
	struct host_io io;
	struct wire *wire;
	uint64_t retry_ms;
	struct quiet said;
};

static void say(struct host *h, const char *text)
{
	if (!quiet_about(&h->said, clock_ms(), text))
		report(4, "the hypervisor's agent: %s", text);
}

static void on_frame(void *data, struct arena *a, struct doc *frame)
{
	struct host *h = data;

	if (!wire_is_pulse(frame))
		h->io.on_frame(h->io.ctx, a, frame);
}

static void on_end(void *data, const struct err *why)
{
	struct host *h = data;

	say(h, why->code ? why->text : "it closed the connection");
	h->wire = NULL;
	h->retry_ms = clock_ms() + RETRY_MS;
	h->io.on_up(h->io.ctx, false);
}

static const struct wire_ops ops = {
	.max_in = WIRE_CHANNEL_FRAME,
	.max_out = WIRE_CHANNEL_FRAME,
	.max_queue = WIRE_CHANNEL_QUEUE,
	.on_frame = on_frame,
	.on_end = on_end,
};

struct host *host_new(uv_loop_t *loop, const char *path,
		      const struct host_io *io)
{
	struct host *h = calloc(1, sizeof(*h));
	char *slash;

	if (!h)
		abort();
	h->loop = loop;
	h->io = *io;
	h->path = strdup(path);
	h->dir = strdup(path);
	if (!h->path || !h->dir)
		abort();
	slash = strrchr(h->dir, '/');
	if (slash)
		*(slash == h->dir ? slash + 1 : slash) = '\0';
	return h;
}

bool host_send(struct host *h, struct arena *a, const struct doc *frame)
{
	struct err err;

	if (!h->wire)
		return false;
	if (wire_send(h->wire, a, frame, &err) == 0)
		return true;
	say(h, err.text);
	return false;
}

static void host_connect(struct host *h, uint64_t now_ms)
{
	enum host_want want = h->io.want(h->io.ctx);
	struct err err;
	int fd;

	h->retry_ms = now_ms + RETRY_MS;
	if (want == HOST_NO ||
	    (want == HOST_IF_THERE && access(h->dir, F_OK) < 0)) {
		h->retry_ms = now_ms + LOOK_MS;
		return;
	}
	fd = unix_connect(h->path, &err);
	if (fd < 0 || wire_open(&h->wire, h->loop, fd, &ops, h, &err) < 0) {
		say(h, err.text);
		return;
	}
	h->io.on_up(h->io.ctx, true);
}

void host_tick(struct host *h, uint64_t now_ms)
{
	if (h->wire && now_ms >= wire_pulse_ms(h->wire)) {
		if (h->io.want(h->io.ctx) == HOST_NO) {
			wire_hang_up(h->wire);
		} else if (!wire_pulse(h->wire, now_ms)) {
			say(h, "it is silent");
			wire_hang_up(h->wire);
		}
	}
	if (!h->wire && now_ms >= h->retry_ms)
		host_connect(h, now_ms);
}

uint64_t host_next_ms(const struct host *h)
{
	return h->wire ? wire_pulse_ms(h->wire) : h->retry_ms;
}

void host_close(struct host *h)
{
	if (!h)
		return;
	wire_close(h->wire);
	free(h->path);
	free(h->dir);
	free(h);
}
