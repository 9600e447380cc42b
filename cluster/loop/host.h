/*
 * host - a container's end of the stream to the agent of its hypervisor.
 *
 *     agent here ─▶ /dev/encap/sock ─▶ agent of the hypervisor
 *
 * Connects for ever: the hypervisor's agent may be restarted, and the
 * container may wake up on another hypervisor. An agent without identity tries
 * where the socket's folder is there: that is how it finds out that it is in a
 * container (docs/decisions/in-a-container.md).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "fsm/base/doc.h"

struct host;

struct host_io {
	void *ctx;
	void (*on_up)(void *ctx, bool up);
	void (*on_frame)(void *ctx, struct arena *a, struct doc *frame);
	/* Should there be a connection? */
	enum host_want { HOST_NO, HOST_IF_THERE, HOST_YES } (*want)(void *ctx);
};

/* @path: of the socket. */
struct host *host_new(uv_loop_t *loop, const char *path,
		      const struct host_io *io);
bool host_send(struct host *h, struct arena *a, const struct doc *frame);
void host_tick(struct host *h, uint64_t now_ms);
uint64_t host_next_ms(const struct host *h);
void host_close(struct host *h); /* no callbacks any more */
