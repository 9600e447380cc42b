/*
 * bridge - a stream of bytes to another node, beside the link with it.
 *
 *     program ◀─stdin/stdout─▶ [bridge_main] ◀─TLS─▶ link.h's port of the peer
 *                                            ◀─▶ [bridge_carry] ◀─▶ program
 *
 * For what is too much for a link, whose messages must not wait: copies of
 * files. It is a TCP connection of its own to the same port, with the same
 * certificates checked on both sides; its first frame is "bridge" instead of
 * "hello", is answered with "bridge" or "bye", and what follows are bytes.
 *
 * bridge_main() is a process of its own (rsync's -e), told by its environment
 * where to; on the other side a worker thread carries. Neither touches the
 * agent's loop. Blocking; both ends end when either side does, when the peer
 * is not heard of for BRIDGE_DEAD_MS, or @stop becomes true.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "cluster/net/tls.h"
#include "fsm/base/doc.h"

#define BRIDGE_WORD    "encap-bridge" /* argv[1] */
#define BRIDGE_DEAD_MS 30000

/* What bridge_main() reads from its environment. The addresses are separated
 * by blanks and tried in turn. */
#define BRIDGE_ENV_PKI	     "ENCAP_BRIDGE_PKI"	    /* directory */
#define BRIDGE_ENV_CLUSTER   "ENCAP_BRIDGE_CLUSTER" /* its id */
#define BRIDGE_ENV_SELF	     "ENCAP_BRIDGE_SELF"    /* member id */
#define BRIDGE_ENV_PEER	     "ENCAP_BRIDGE_PEER"    /* member id */
#define BRIDGE_ENV_NAME	     "ENCAP_BRIDGE_NAME"    /* the peer's */
#define BRIDGE_ENV_CERT	     "ENCAP_BRIDGE_CERT"    /* its own; or not set */
#define BRIDGE_ENV_ADDRESSES "ENCAP_BRIDGE_ADDRESSES"
#define BRIDGE_ENV_SERVICE   "ENCAP_BRIDGE_SERVICE"
#define BRIDGE_ENV_RID	     "ENCAP_BRIDGE_RID"
#define BRIDGE_ENV_FILE	     "ENCAP_BRIDGE_FILE" /* "1": a single file */

bool bridge_wanted(int argc, char **argv);
/* The exit code: 0; 1 with the reason on stderr. */
int bridge_main(void);

/* Carry bytes both ways between @ssl, whose socket is @sock, and descriptors.
 * Takes over @in and @out, which may be the same. @sock is the caller's. 0 when
 * both sides have ended in order. */
int bridge_carry(SSL *ssl, int sock, int in, int out, const atomic_bool *stop,
		 struct err *err);
/* One frame, whole: within @timeout_ms. */
int bridge_say(SSL *ssl, int sock, const struct doc *frame, int timeout_ms,
	       struct err *err);
