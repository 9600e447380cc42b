/*
 * wire - frames over a unix socket, both ways, on the loop.
 *
 *     wire_send ─▶ frame ─▶ socket ─▶ ... ─▶ on_frame
 *
 * A peer that breaks a rule of cluster/net/frame.h, closes, or lets more than
 * max_queue bytes wait for it, ends the wire: on_end is called, once, later
 * than the call that found out, and the wire is gone after it. After
 * wire_close() nothing is called any more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "fsm/base/doc.h"
#include "store/err.h"

struct wire;

/* On a channel, either way: raft's largest message is a command or a batch of
 * entries of 1 MiB, and what is around it. */
#define WIRE_CHANNEL_FRAME (2u << 20)
#define WIRE_CHANNEL_QUEUE (32u << 20)

struct wire_ops {
	size_t max_in, max_out; /* bytes of one frame */
	size_t max_queue;	/* bytes that wait for the peer */
	/* For a peer that asks and is answered; 0: no such limit. At most
	 * @read_max bytes are looked at in a turn of the loop, so that one who
	 * asks a lot does not keep the others waiting; and none while more
	 * than @ease_queue bytes of answers wait for it. */
	size_t read_max, ease_queue;
	/* @frame is on @a, which dies after the call. */
	void (*on_frame)(void *data, struct arena *a, struct doc *frame);
	/* @why->code 0: the peer closed it. */
	void (*on_end)(void *data, const struct err *why);
};

/* Takes the connected socket @fd over, also when it fails. @ops is borrowed. */
int wire_open(struct wire **ret, uv_loop_t *loop, int fd,
	      const struct wire_ops *ops, void *data, struct err *err);
/* Queue a frame. -EMSGSIZE: it is too long, nothing was sent. Whatever else
 * goes wrong ends the wire by itself. */
int wire_send(struct wire *w, struct arena *a, const struct doc *frame,
	      struct err *err);
/* Read no more for now; what was read already may still come. */
void wire_pause(struct wire *w, bool pause);
/* Since when what was queued has waited without progress; 0: nothing waits. */
uint64_t wire_stuck_ms(const struct wire *w);
/* End it as if the peer had closed it: on_end comes. NULL is fine. */
void wire_hang_up(struct wire *w);
void wire_close(struct wire *w); /* NULL is fine */

/* A peer that is frozen keeps its socket open, so both sides of a channel say
 * something now and then. To be called at wire_pulse_ms(): says it when it is
 * time. False: the peer has said nothing for WIRE_SILENT_MS. */
#define WIRE_PULSE_MS  1000
#define WIRE_SILENT_MS 6000
bool wire_pulse(struct wire *w, uint64_t now_ms);
uint64_t wire_pulse_ms(const struct wire *w);
bool wire_is_pulse(const struct doc *frame);
