/*
 * client - asks the agent on this machine (docs/api.md).
 *
 *     request ──frame──▶ unix socket ──frame──▶ answer, matched by its id
 *
 * Blocking, with a deadline on every wait; several questions may be open at
 * once, and an answer that nobody waits for yet is kept. No size that the
 * agent claims is believed beyond the limit. One thread.
 */
#pragma once

#include <stdint.h>

#include "fsm/base/arena.h"
#include "fsm/base/doc.h"
#include "fsm/base/scope.h"
#include "store/err.h"

#define CLIENT_SOCKET	   "/run/encap/api.sock"
#define CLIENT_MAX_REQUEST (2u * 1024 * 1024)
#define CLIENT_MAX_FRAME   (16u * 1024 * 1024)

enum { CLIENT_LATE = 1 }; /* no answer within the time */

struct client;

struct reply {
	int code;	  /* 0 done, or why not: the exit codes of encap */
	const char *err;  /* "" if none; may be of many lines */
	struct doc *data; /* never NULL */
};

/* @path NULL: $ENCAP_SOCKET, or CLIENT_SOCKET. */
int client_open(struct client **ret, const char *path, struct err *err);
void client_free(struct client *c); /* NULL is fine */
SCOPE_DEFINE(client, client_free)

/* Sends a question; @args (a map or NULL) is copied. */
int client_send(struct client *c, const char *op, const struct doc *args,
		int64_t *ret_id, struct err *err);
/* Waits for the answer to @id: 0, CLIENT_LATE, or negative. */
int client_wait(struct client *c, struct arena *a, int64_t id, int timeout_ms,
		struct reply *ret, struct err *err);
