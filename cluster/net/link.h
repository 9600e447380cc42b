/*
 * link - framed messages between two agents.
 *
 *     link_send ─▶ frames ─▶ TLS 1.3 ─▶ TCP ─▶ ... ─▶ on_frame
 *
 * One connection per pair of nodes carries the messages of all groups. The
 * node with the lower id dials, with backoff and jitter, for ever; the other
 * listens. Both sides' certificates are checked against the cluster's own
 * authority, and the certificate's name (CN) against the member that the peer
 * says it is. What is sent in one turn of the loop leaves in one write.
 *
 * A frame is a 4-byte big-endian length and that many bytes (a doc, see
 * fsm/base/doc.h). LINK_MAX_FRAME bounds it before memory is reserved. A peer
 * that breaks a rule is disconnected and logged once per reason until it
 * behaves for a minute; one that does not read is disconnected when
 * LINK_MAX_QUEUE bytes wait for it.
 *
 * All on the loop thread. Callbacks are never made from inside link_send() or
 * links_flush().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "fsm/base/doc.h"
#include "store/err.h"

#define LINK_MAX_FRAME (16u << 20)
#define LINK_MAX_QUEUE (64u << 20)
/* Of a frame from who is not known yet, a stranger's question included. */
#define LINK_MAX_STRANGER (64u << 10)
#define LINK_PORT	  7600 /* default listening port */

struct links;
struct ssl_st;

struct link_end {	    /* of a connection that is handed over */
	struct ssl_st *ssl; /* its BIO is the socket's */
	int sock;	    /* does not block */
};

struct links_options {
	uv_loop_t *loop;
	const char *pki_dir; /* ca.pem node.pem node.key (cluster/net/pki.h) */
	uint64_t self;	     /* node id */
	const char *cluster_id; /* must be the peer's too */
	const char *listen;	/* "host:port", "[v6]:port", ":port" */
	void *data;
	/* A whole frame from a peer whose certificate was checked. The doc is
	 * on @a, which dies after the call. */
	void (*on_frame)(void *data, uint64_t peer, struct arena *a,
			 struct doc *frame);
	void (*on_peer)(void *data, uint64_t peer, bool up);
	/* A frame from a client without certificate (joining), to be answered
	 * with links_answer(), at once or later: a join has to be committed
	 * first. See cluster/net/join.h. NULL: such clients are refused. */
	void (*on_stranger)(void *data, uint64_t who, struct arena *a,
			    struct doc *frame);
	/* A member asks for a bridge (bridge.h), which @frame says what for.
	 * The connection is the callee's from then on, to be answered (bridge
	 * or bye), carried on, freed and closed. NULL: they are refused. */
	void (*on_bridge)(void *data, uint64_t peer, struct arena *a,
			  struct doc *frame, const struct link_end *to);
	void (*log)(void *data, int level, const char *text); /* syslog level */
};

/* Certificates are read, and the port is bound, here. Who is no member yet has
 * no links: it founds a cluster or joins one (pki_init(); join_ask() and
 * pki_install()), learns its id, and opens them then. */
int links_open(struct links **ret, const struct links_options *o,
	       struct err *err);
/* The port that it listens on, also where "listen" said port 0. */
unsigned links_port(const struct links *l);

/* Tell who the peers are: names as in their certificates, addresses tried in
 * turn. Peers that are not named any more are disconnected. Copied. Only who
 * is named here is let in, so a joiner must name at once those that the answer
 * to its join told it: it learns the rest from them. */
struct link_peer {
	uint64_t id;
	const char *name;
	const char *const *addresses; /* NULL-terminated "host:port" */
	/* The one certificate that is its own: SHA-256 as 64 hex digits. NULL:
	 * any of the authority's that has its name. */
	const char *cert;
};
void links_set_peers(struct links *l, const struct link_peer *peers, size_t n);

/* Queue one encoded frame (without length) for @peer. false, and nothing is
 * queued, when it is not connected. */
bool link_send(struct links *l, uint64_t peer, const void *data, size_t len);
bool link_is_up(const struct links *l, uint64_t peer);
/* What was queued since the last call leaves: to be called at the end of each
 * turn, before the loop waits again. Without the call it leaves in the next
 * round of the loop. */
void links_flush(struct links *l);
/* The answer to a stranger: sent, then the connection is closed. Nothing
 * happens when it has gone meanwhile; numbers are never used again. */
void links_answer(struct links *l, uint64_t who, struct arena *a,
		  const struct doc *answer);

/* No callback but @closed is made any more; it comes from the loop, when every
 * handle is closed and @l is freed. */
void links_close(struct links *l, void (*closed)(void *data));
