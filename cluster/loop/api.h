/*
 * api - the agent's socket for programs on this machine (docs/api.md).
 *
 *     encap ─▶ RUN/api.sock ─▶ [request] ─▶ agent ─▶ answer
 *
 * Only root, or whoever the agent runs as, is heard. Everything is bounded:
 * clients, requests under way per client (a client with too many is not read
 * until some are answered), how much of one is looked at in a turn, size of a
 * frame, answers that wait for a client that does not read (then it is not read
 * either, and after API_STUCK_MS it is out). A client that breaks a rule is
 * disconnected, logged once a minute.
 */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "cluster/agent/agent.h"

#define API_MAX_REQUEST	 (2u << 20)  /* an env file has 1 MiB at most */
#define API_MAX_FRAME	 (16u << 20) /* of an answer */
#define API_MAX_QUEUE	 (32u << 20)
#define API_EASE_QUEUE	 (1u << 18) /* a client is not read from then on */
#define API_READ_MAX	 1024	    /* of a client in a turn of the loop */
#define API_MAX_CLIENTS	 128
#define API_MAX_REQUESTS 64
#define API_STUCK_MS	 30000

struct api;

/* Carries out a request as agent_request() does: @done comes exactly once,
 * possibly at once. @req may be changed; it dies with the call. */
typedef void (*api_request)(void *data, struct arena *a, struct doc *req,
			    agent_answer done, void *arg);

int api_open(struct api **ret, uv_loop_t *loop, const char *path,
	     api_request request, void *data, struct err *err);
/* Disconnect clients that do not read; about once a second. */
void api_tick(struct api *s, uint64_t now_ms);
size_t api_clients(const struct api *s);
/* Requests under way are still answered, to nobody. The memory goes once the
 * last one was and the loop has turned. */
void api_close(struct api *s);
