/*
 * link_internal - the parts of link and what they share.
 *
 *     link.c       the links as a whole: open, peers, send, tick, close
 *     link_dial.c  from a peer's addresses to a connection
 *     link_conn.c  one connection: its states, greeting, frames, end
 *     link_tls.c   between a connection's frames and its socket
 *     link_log.c   once per reason
 *
 * Closing: `live` counts handles and requests that the loop still holds. A
 * connection is freed in the callback of its uv_close(), never before, so any
 * function may go on using one after it was ended (its state says so).
 */
#pragma once

#include <syslog.h>

#include "cluster/net/address.h"
#include "cluster/net/frame.h"
#include "cluster/net/link.h"
#include "cluster/net/tls.h"

enum {
	LINK_VERSION = 1,     /* of the protocol that we speak */
	LINK_VERSION_MIN = 1, /* the oldest that we still speak */
	LINK_LISTENERS = 8,
	LINK_TARGETS = 8,	   /* addresses tried of one name */
	LINK_MAX_GUESTS = 64,	   /* inbound, not yet known to be a peer */
	LINK_CHUNK = 256 << 10,	   /* bytes that are encrypted at once */
	LINK_MAX_WIRE = 512 << 10, /* encrypted bytes that wait */
	LINK_READ = 64 << 10,
	LINK_NOTES = 64,
	LINK_GUEST_LINES = 10, /* logged about strangers in a minute */
};

/* Milliseconds. */
struct link_timing {
	unsigned tick;	  /* how often deadlines are looked at */
	unsigned ping;	  /* silence of ours that we break */
	unsigned dead;	  /* silence of the peer's that ends it */
	unsigned connect; /* for TCP to be connected */
	unsigned greet;	  /* for TLS and the greeting */
	unsigned answer;  /* for us to answer a stranger */
	unsigned drain;	  /* for the peer to take our last words */
	unsigned backoff; /* between the beginnings of dialing rounds, first */
	unsigned backoff_max;
	unsigned settled;  /* up for this long: begin with `backoff` again */
	unsigned quiet;	   /* a fault is logged again after this long without */
	unsigned quiet_up; /* ... likewise coming and going */
};
extern const struct link_timing link_timing_default;

struct bytes_queue {
	unsigned char *data;
	size_t at, len, cap; /* data[at..len) waits */
};

enum conn_state {
	CONN_CONNECTING, /* we dial */
	CONN_SHAKING,	 /* TLS */
	CONN_GREETING,	 /* the peer's first frame is awaited */
	CONN_UP,
	CONN_ASKING,   /* a stranger waits for our answer */
	CONN_DRAINING, /* our last frame is on its way; input is ignored */
	CONN_CLOSED,   /* uv_close() was called */
};

struct conn {
	struct links *links;
	struct conn *next; /* links::conns */
	struct peer *peer; /* whom we dial or who greeted; else NULL */
	uint64_t id;	   /* of the peer, once up */
	uint64_t stranger; /* links_answer()'s number; 0: none */
	enum conn_state state;
	bool dialed;
	bool fin;	      /* nothing more will be sent */
	uint64_t deadline_ms; /* of the state; UINT64_MAX: none */
	uint64_t up_ms, heard_ms, said_ms;
	/* Ended by the loop's next turn, for this reason; static text. */
	const char *doomed_class, *doomed;
	char cn[TLS_NAME_MAX + 1];
	char cert[65]; /* the peer's certificate's fingerprint */
	struct sockaddr_storage where;

	uv_tcp_t tcp;
	uv_connect_t connect;
	uv_write_t write;
	uv_shutdown_t shutdown;

	SSL *ssl;
	const unsigned char *rx; /* what the socket gave, not yet taken */
	size_t rx_len;
	struct frames in;
	struct bytes_queue out;	 /* frames to send */
	struct bytes_queue wire; /* encrypted */
	unsigned char *flying;	 /* of uv_write(); NULL: none under way */
	size_t flying_len;
};

struct peer {
	struct links *links;
	struct peer *next; /* links::peers */
	uint64_t id;
	char *name;
	char cert[65]; /* "" : any with its name */
	char **addresses;
	size_t n_addresses;
	struct conn *conn; /* up or being dialed */

	/* A round of dialing tries each address, and each target of it. */
	size_t first; /* the address that worked last */
	size_t tried;
	struct sockaddr_storage targets[LINK_TARGETS];
	size_t n_targets, target;
	struct resolve *resolve;
	uint64_t round_ms, next_ms;
	unsigned backoff;
};

struct note {
	uint64_t key, at_ms;
};

struct links {
	struct links_options o;
	char *cluster_id;
	struct link_timing timing;
	SSL_CTX *ctx;
	BIO_METHOD *bio;
	uv_tcp_t listeners[LINK_LISTENERS];
	size_t n_listeners;
	unsigned port;
	uv_timer_t timer;
	uv_idle_t idle;
	struct peer *peers;
	struct conn *conns;
	unsigned live, guests;
	uint64_t last_stranger;
	uint64_t ticked_ms;
	bool closing;
	void (*closed)(void *data);
	struct note notes[LINK_NOTES];
	uint64_t guest_minute_ms;
	unsigned guest_lines;
	unsigned char rx[LINK_READ];	/* uv's, between alloc and read */
	unsigned char plain[LINK_READ]; /* decrypted, until it is fed */
};

/* -- link.c -------------------------------------------------------------- */

uint64_t link_now(const struct links *l);
struct peer *links_find(const struct links *l, uint64_t id);
/* Memory, or the end of the process: as everywhere on an arena. */
void *link_alloc(size_t size);
char *link_strdup(const char *text);
/* Look at what waits in the loop's next round. */
void link_wake(struct links *l);
/* A handle or request of ours is the loop's no more. */
void link_release(struct links *l);

/* -- link_dial.c --------------------------------------------------------- */

/* Begin a round if it is time for one. */
void dial_tick(struct peer *p);
/* The connection to @p that is up came from this round. */
void dial_worked(struct peer *p);
/* A connection to @p ended; it had been up for @up_ms (0: never). */
void dial_ended(struct peer *p, uint64_t up_ms);
/* Wait for nothing any more. */
void dial_cancel(struct peer *p);

/* -- link_conn.c --------------------------------------------------------- */

void conn_accept(struct links *l, uv_stream_t *listener);
/* 0, or libuv's error: then nothing is left of it. */
int conn_dial(struct peer *p, const struct sockaddr_storage *to);
/* The handshake is done. */
void conn_shaken(struct conn *c);
void conn_tick(struct conn *c);
/* Over, without a word. */
void conn_end(struct conn *c);
/* Over, because of @fmt; logged once per @class. Not from inside link.h's
 * functions. */
void conn_fail(struct conn *c, const char *class, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* As conn_fail(), from anywhere, in the next round of the loop. */
void conn_doom(struct conn *c, const char *class, const char *why);
/* Send @frame and, if @last, close once it has left. */
void conn_say(struct conn *c, struct arena *a, const struct doc *frame,
	      bool last);
/* A whole frame, see frame_fn. */
int conn_frame(void *arg, struct arena *a, struct doc *frame);

/* -- link_tls.c ---------------------------------------------------------- */

BIO_METHOD *tls_conn_bio(void);
bool tls_conn_init(struct conn *c);
void tls_conn_fini(struct conn *c);
/* Begin to read from the socket; as a client, begin the handshake. */
void tls_conn_start(struct conn *c);
/* Put a frame of @len bytes behind what waits; false: no memory. */
bool tls_conn_queue(struct conn *c, const void *data, size_t len);
size_t tls_conn_waiting(const struct conn *c);
/* Send what waits, as far as the socket takes it. Calls nobody back: what
 * fails is doomed. */
void tls_conn_flush(struct conn *c);

/* -- link_log.c ---------------------------------------------------------- */

/* Whether @who's @class has not been seen for @quiet_ms. */
bool link_note(struct links *l, const char *who, const char *class,
	       unsigned quiet_ms);
/* One more line about those who are nobody's peer? */
bool link_guest_line(struct links *l);
void link_log(struct links *l, int level, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
