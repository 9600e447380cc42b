/*
 * channels - the hypervisor's ends of the streams to its containers' agents.
 *
 *     agent in a container ─▶ DIR/sock ─▶ [channel] ─▶ agent here
 *
 * One listening socket per container resource with an encap node, in the
 * folder that its driver shares with that container (drivers/channel.h), and
 * one live connection: a new one takes the place of the old, as a container
 * that was killed or rolled back has left it without a word. A peer that is
 * silent for WIRE_SILENT_MS is gone.
 *
 * Only root is heard, root of a container in its own user namespace included
 * (admit.h): no other user of the hypervisor, or in the container, can pass
 * for its agent.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "fsm/base/doc.h"
#include "store/err.h"

struct channels;

struct channels_io {
	void *ctx;
	void (*on_up)(void *ctx, const char *service, const char *rid, bool up);
	void (*on_frame)(void *ctx, const char *service, const char *rid,
			 struct arena *a, struct doc *frame);
};

struct channels *channels_new(uv_loop_t *loop, const char *node,
			      const char *run_dir,
			      const struct channels_io *io);
/* Listen on exactly these: [{service, rid, type}]. */
void channels_set(struct channels *cs, const struct doc *list);
bool channels_send(struct channels *cs, const char *service, const char *rid,
		   struct arena *a, const struct doc *frame);
/* End the connection: on_up() comes of it, later. The container may come
 * again. */
void channels_drop(struct channels *cs, const char *service, const char *rid);
void channels_tick(struct channels *cs, uint64_t now_ms);
uint64_t channels_next_ms(const struct channels *cs);
/* The memory goes as the loop turns. No callbacks any more. */
void channels_close(struct channels *cs);
