#include "cluster/net/bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cluster/net/address.h"
#include "cluster/net/frame.h"
#include "cluster/net/link.h"

#define REACH_MS  5000	/* per address */
#define GREET_MS  10000 /* TLS and the first frames */
#define LAST_MS	  5000	/* for the peer's last words when ours are said */
#define CHUNK	  (64 << 10)
#define LOOK_MS	  200 /* how often @stop is looked at */
#define BYE_BYTES 65536

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* -- TLS on a socket that does not block ------------------------------------
 */

/* 1: the call that returned @rc is to be made again. */
static int again(SSL *ssl, int sock, int rc, int64_t until, struct err *err)
{
	int why = SSL_get_error(ssl, rc);
	struct pollfd p = { .fd = sock };
	int64_t left = until - now_ms();
	char text[TLS_WHY];

	if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
		if (why == SSL_ERROR_ZERO_RETURN ||
		    (why == SSL_ERROR_SYSCALL && ERR_peek_error() == 0))
			return err_set(err, -ECONNRESET,
				       "the connection was closed");
		return err_set(err, -EPROTO, "TLS: %s", tls_why(text));
	}
	p.events = why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
	if (left <= 0 || poll(&p, 1, (int)left) == 0)
		return err_set(err, -ETIMEDOUT, "no answer in time");
	return 1;
}

int bridge_say(SSL *ssl, int sock, const struct doc *frame, int timeout_ms,
	       struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	int64_t until = now_ms() + timeout_ms;
	struct buf out = BUF(a);
	int rc = frame_put(&out, frame, LINK_MAX_STRANGER, err);

	while (rc == 0) {
		ERR_clear_error();
		rc = SSL_write(ssl, out.data, (int)out.len);
		if (rc > 0)
			return 0;
		rc = again(ssl, sock, rc, until, err);
		rc = rc > 0 ? 0 : rc;
	}
	return rc;
}

/* -- carrying ----------------------------------------------------------------
 */

struct pipe_half {
	unsigned char bytes[CHUNK];
	size_t at, len;
	bool ended; /* nothing more comes; what is here still has to leave */
	bool closed;
};

struct carry {
	SSL *ssl;
	int sock, in, out;
	struct pipe_half up, down; /* to the peer, from the peer */
	bool want_write;	   /* of TLS */
	bool broken;
};

static bool is_empty(const struct pipe_half *h)
{
	return h->at == h->len;
}

static void unblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* True: something moved. */
static bool read_in(struct carry *c)
{
	ssize_t n;

	if (c->up.ended || !is_empty(&c->up))
		return false;
	n = read(c->in, c->up.bytes, sizeof(c->up.bytes));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	c->up.at = 0;
	c->up.len = n > 0 ? (size_t)n : 0;
	c->up.ended = n <= 0;
	return true;
}

static bool tls_moved(struct carry *c, int rc)
{
	int why;

	if (rc > 0)
		return true;
	why = SSL_get_error(c->ssl, rc);
	if (why == SSL_ERROR_WANT_WRITE)
		c->want_write = true;
	else if (why == SSL_ERROR_ZERO_RETURN)
		c->down.ended = true;
	else if (why != SSL_ERROR_WANT_READ)
		c->broken = true;
	return why == SSL_ERROR_ZERO_RETURN;
}

static bool write_tls(struct carry *c)
{
	int rc;

	ERR_clear_error();
	if (is_empty(&c->up)) {
		if (!c->up.ended || c->up.closed)
			return false;
		rc = SSL_shutdown(c->ssl);
		if (rc < 0 &&
		    SSL_get_error(c->ssl, rc) == SSL_ERROR_WANT_WRITE) {
			c->want_write = true;
			return false;
		}
		c->up.closed = true;
		return true;
	}
	rc = SSL_write(c->ssl, c->up.bytes + c->up.at,
		       (int)(c->up.len - c->up.at));
	if (rc > 0)
		c->up.at += (size_t)rc;
	return tls_moved(c, rc);
}

static bool read_tls(struct carry *c)
{
	int rc;

	if (c->down.ended || !is_empty(&c->down))
		return false;
	ERR_clear_error();
	rc = SSL_read(c->ssl, c->down.bytes, sizeof(c->down.bytes));
	c->down.at = 0;
	c->down.len = rc > 0 ? (size_t)rc : 0;
	return tls_moved(c, rc);
}

/* The reader of @out may be the same socket as @in: its other half stays. */
static void close_out(struct carry *c)
{
	c->down.closed = true;
	shutdown(c->out, SHUT_WR);
	if (c->in != c->out) {
		close(c->out);
		c->out = -1;
	}
}

static bool write_out(struct carry *c)
{
	ssize_t n;

	if (is_empty(&c->down)) {
		if (!c->down.ended || c->down.closed)
			return false;
		close_out(c);
		return true;
	}
	n = write(c->out, c->down.bytes + c->down.at, c->down.len - c->down.at);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0) { /* nobody reads any more */
		c->down.at = c->down.len;
		c->down.ended = true;
		return true;
	}
	c->down.at += (size_t)n;
	return true;
}

static void wait_for_more(struct carry *c)
{
	struct pollfd p[3] = {
		{ .fd = c->sock },
		{ .fd = c->up.ended || !is_empty(&c->up) ? -1 : c->in,
		  .events = POLLIN },
		{ .fd = is_empty(&c->down) ? -1 : c->out, .events = POLLOUT },
	};

	if (!c->down.ended && is_empty(&c->down))
		p[0].events |= POLLIN;
	if (c->want_write)
		p[0].events |= POLLOUT;
	if (!p[0].events)
		p[0].fd = -1;
	poll(p, 3, LOOK_MS);
}

static bool carry_once(struct carry *c)
{
	bool moved = false;

	c->want_write = false;
	moved |= read_in(c);
	moved |= write_tls(c);
	moved |= read_tls(c);
	moved |= write_out(c);
	return moved;
}

/* The peer has ended, and all that it said was passed on: nobody hears what is
 * said now. Or the program here has: the peer's close is waited for, so that
 * its last words arrive. */
static bool is_over(const struct carry *c, int64_t *over_ms)
{
	if (c->down.closed)
		return true;
	if (!c->up.closed)
		return false;
	if (!*over_ms)
		*over_ms = now_ms();
	return now_ms() - *over_ms > LAST_MS;
}

int bridge_carry(SSL *ssl, int sock, int in, int out, const atomic_bool *stop,
		 struct err *err)
{
	struct carry *c = calloc(1, sizeof(*c));
	int64_t over_ms = 0;
	int rc = 0;

	if (!c)
		abort();
	c->ssl = ssl;
	c->sock = sock;
	c->in = in;
	c->out = out;
	SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	unblock(sock);
	unblock(in);
	unblock(out);
	while (!c->broken && !is_over(c, &over_ms)) {
		if (stop && atomic_load(stop)) {
			rc = err_set(err, -ECANCELED, "the agent stops");
			break;
		}
		if (!carry_once(c) && !c->broken)
			wait_for_more(c);
	}
	if (!c->broken && !c->up.closed)
		SSL_shutdown(ssl);
	if (c->broken && !c->up.closed)
		rc = err_set(err, -ECONNRESET, "the connection was lost");
	close(c->in);
	if (c->out >= 0 && c->out != c->in)
		close(c->out);
	ERR_clear_error();
	free(c);
	return rc;
}

/* -- the calling side --------------------------------------------------------
 */

struct call {
	struct arena *arena;
	const char *pki, *cluster, *name, *service, *rid, *addresses;
	uint64_t self, peer;
	int fd;
	SSL *ssl;
	struct doc *answer;
};

static const char *env_of(const char *key, struct err *err)
{
	const char *text = getenv(key);

	if (!text || !*text)
		err_set(err, -EINVAL, "%s is not set", key);
	return text ? text : "";
}

static int call_read(struct call *c, struct err *err)
{
	err->code = 0;
	c->pki = env_of(BRIDGE_ENV_PKI, err);
	c->cluster = env_of(BRIDGE_ENV_CLUSTER, err);
	c->name = env_of(BRIDGE_ENV_NAME, err);
	c->service = env_of(BRIDGE_ENV_SERVICE, err);
	c->rid = env_of(BRIDGE_ENV_RID, err);
	c->addresses = env_of(BRIDGE_ENV_ADDRESSES, err);
	c->self = strtoull(env_of(BRIDGE_ENV_SELF, err), NULL, 10);
	c->peer = strtoull(env_of(BRIDGE_ENV_PEER, err), NULL, 10);
	return err->code;
}

/* A peer that is gone is noticed by the kernel, busy or silent. */
static void keep_alive(int fd)
{
	const int yes = 1, idle = 10, every = 5, count = 4;
	const unsigned dead = BRIDGE_DEAD_MS;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead, sizeof(dead));
}

static int connect_one(const struct addrinfo *to, struct err *err)
{
	struct pollfd p = { .events = POLLOUT };
	socklen_t len = sizeof(int);
	int rc = 0;

	p.fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		      0);
	if (p.fd < 0)
		return err_set(err, -errno, "no socket: %s", strerror(errno));
	if (connect(p.fd, to->ai_addr, to->ai_addrlen) < 0)
		rc = errno;
	if (rc == EINPROGRESS && poll(&p, 1, REACH_MS) == 0)
		rc = ETIMEDOUT;
	else if (rc == EINPROGRESS &&
		 getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &rc, &len) < 0)
		rc = errno;
	if (rc == 0)
		return p.fd;
	close(p.fd);
	return err_set(err, -rc, "it cannot be reached: %s", strerror(rc));
}

static int connect_to(const char *address, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	struct address where;
	int rc = address_parse(address, LINK_PORT, &where, err);

	if (rc < 0)
		return rc;
	rc = getaddrinfo(where.host, where.port, &hints, &list);
	if (rc)
		return err_set(err, -EHOSTUNREACH, "%s", gai_strerror(rc));
	rc = -EHOSTUNREACH;
	for (const struct addrinfo *at = list; at && rc < 0; at = at->ai_next)
		rc = connect_one(at, err);
	freeaddrinfo(list);
	return rc;
}

static int call_connect(struct call *c, struct err *err)
{
	char *words = arena_printf(c->arena, "%s", c->addresses), *rest;
	int rc = err_set(err, -EHOSTUNREACH, "it has no address");

	for (char *w = strtok_r(words, " ", &rest); w && rc < 0;
	     w = strtok_r(NULL, " ", &rest)) {
		rc = connect_to(w, err);
		if (rc < 0)
			err_wrap(err, rc, "%s", w);
	}
	if (rc < 0)
		return rc;
	c->fd = rc;
	keep_alive(c->fd);
	return 0;
}

/* The certificate's chain was checked in the handshake. */
static int call_check(const struct call *c, struct err *err)
{
	X509 *cert = SSL_get0_peer_certificate(c->ssl);
	const char *pinned = getenv(BRIDGE_ENV_CERT);
	char text[TLS_NAME_MAX + 1], hex[65];

	if (!cert || !tls_subject(cert, NID_organizationName, text) ||
	    strcmp(text, c->cluster) != 0)
		return err_set(err, -EPERM,
			       "its certificate is for another cluster");
	if (!tls_subject(cert, NID_commonName, text) ||
	    strcmp(text, c->name) != 0)
		return err_set(err, -EPERM,
			       "the certificate there names another node");
	if (pinned && *pinned &&
	    (!tls_fingerprint(cert, hex) || strcmp(hex, pinned) != 0))
		return err_set(err, -EPERM,
			       "the certificate there is not the one that it "
			       "joined with");
	return 0;
}

static int call_shake(struct call *c, int64_t until, struct err *err)
{
	int rc;

	if (SSL_set_fd(c->ssl, c->fd) != 1)
		return err_set(err, -ENOMEM, "no memory");
	do {
		ERR_clear_error();
		rc = SSL_connect(c->ssl);
		if (rc == 1)
			return call_check(c, err);
		rc = again(c->ssl, c->fd, rc, until, err);
	} while (rc > 0);
	return rc;
}

static int on_answer(void *arg, struct arena *a, struct doc *frame)
{
	struct call *c = arg;

	(void)a;
	c->answer = doc_copy(c->arena, frame);
	return 0;
}

/* Byte by byte: what comes behind the frame is not ours. */
static int call_answer(struct call *c, int64_t until, struct err *err)
{
	struct frames in = FRAMES(BYE_BYTES);
	int rc = 1;

	while (rc > 0 && !c->answer) {
		unsigned char byte;

		ERR_clear_error();
		rc = SSL_read(c->ssl, &byte, 1);
		if (rc <= 0) {
			rc = again(c->ssl, c->fd, rc, until, err);
			continue;
		}
		rc = frame_feed(&in, &byte, 1, on_answer, c, err);
		rc = rc < 0 ? rc : 1;
	}
	frame_reset(&in);
	if (rc < 0)
		return rc;
	if (strcmp(doc_get_str(c->answer, "k", ""), "bridge") == 0)
		return 0;
	return err_set(err, -EPERM, "it refuses: %.200s",
		       doc_get_str(c->answer, "why", "it does not say why"));
}

static int call_ask(struct call *c, struct err *err)
{
	struct doc *d = doc_map(c->arena);
	const char *file = getenv(BRIDGE_ENV_FILE);
	int64_t until = now_ms() + GREET_MS;
	int rc = call_shake(c, until, err);

	doc_put_str(c->arena, d, "k", "bridge");
	doc_put_int(c->arena, d, "v", 1);
	doc_put_int(c->arena, d, "id", (int64_t)c->self);
	doc_put_int(c->arena, d, "to", (int64_t)c->peer);
	doc_put_str(c->arena, d, "service", c->service);
	doc_put_str(c->arena, d, "rid", c->rid);
	doc_put_bool(c->arena, d, "file", file && strcmp(file, "1") == 0);
	if (rc == 0)
		rc = bridge_say(c->ssl, c->fd, d, GREET_MS, err);
	if (rc == 0)
		rc = call_answer(c, until, err);
	return rc;
}

static int call_all(struct call *c, struct err *err)
{
	SCOPED(ssl_ctx_st) SSL_CTX *ctx = NULL;
	SCOPED(ssl_st) SSL *ssl = NULL;
	int rc = call_read(c, err);

	if (rc < 0)
		return rc;
	ctx = tls_context(c->pki, false, err);
	if (!ctx)
		return -EIO;
	ssl = c->ssl = SSL_new(ctx);
	if (!ssl)
		return err_set(err, -ENOMEM, "no memory");
	rc = call_connect(c, err);
	if (rc == 0)
		rc = call_ask(c, err);
	if (rc == 0)
		rc = bridge_carry(ssl, c->fd, STDIN_FILENO, STDOUT_FILENO, NULL,
				  err);
	if (c->fd >= 0)
		close(c->fd);
	return rc;
}

bool bridge_wanted(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], BRIDGE_WORD) == 0;
}

int bridge_main(void)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct call c = { .arena = a, .fd = -1 };
	struct err err = { 0 };

	signal(SIGPIPE, SIG_IGN);
	if (call_all(&c, &err) == 0)
		return 0;
	fprintf(stderr, "%s: %s\n", c.name && *c.name ? c.name : "bridge",
		err.text);
	return 1;
}
