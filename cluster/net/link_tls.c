/*
 * OpenSSL reads and writes through a BIO whose two ends are memory of the
 * connection: `rx`, what the socket just gave, of which OpenSSL takes all (it
 * keeps a half record itself), and `wire`, which is written to the socket.
 *
 * Frames wait unencrypted in `out`, and are encrypted in chunks only when the
 * socket can take more: so what waits is there once, and what a turn queued
 * leaves as one write of a few large records.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/net/link_internal.h"

#define CHUNKS_AT_ONCE 8
#define KEEP_CAP       (1u << 20) /* a larger queue's memory is given back */

/* -- queues --------------------------------------------------------------- */

static size_t queue_waiting(const struct bytes_queue *q)
{
	return q->len - q->at;
}

static bool queue_reserve(struct bytes_queue *q, size_t more)
{
	size_t cap = q->cap ? q->cap : 4096;
	unsigned char *data;

	if (q->at > 0 && q->cap - q->len < more) {
		memmove(q->data, q->data + q->at, queue_waiting(q));
		q->len -= q->at;
		q->at = 0;
	}
	if (q->cap - q->len >= more)
		return true;
	while (cap < q->len + more)
		cap *= 2;
	data = realloc(q->data, cap);
	if (!data)
		return false;
	q->data = data;
	q->cap = cap;
	return true;
}

static void queue_put(struct bytes_queue *q, const void *bytes, size_t n)
{
	memcpy(q->data + q->len, bytes, n);
	q->len += n;
}

static void queue_take(struct bytes_queue *q, size_t n)
{
	q->at += n;
	if (q->at < q->len)
		return;
	q->at = q->len = 0;
	if (q->cap > KEEP_CAP) {
		free(q->data);
		*q = (struct bytes_queue){ 0 };
	}
}

bool tls_conn_queue(struct conn *c, const void *data, size_t len)
{
	unsigned char head[FRAME_HEAD];

	if (!queue_reserve(&c->out, len + FRAME_HEAD))
		return false;
	frame_head(head, len);
	queue_put(&c->out, head, FRAME_HEAD);
	queue_put(&c->out, data, len);
	return true;
}

size_t tls_conn_waiting(const struct conn *c)
{
	return queue_waiting(&c->out) + queue_waiting(&c->wire) + c->flying_len;
}

/* -- the BIO -------------------------------------------------------------- */

static int bio_read(BIO *b, char *data, int len)
{
	struct conn *c = BIO_get_data(b);
	size_t n = (size_t)len < c->rx_len ? (size_t)len : c->rx_len;

	BIO_clear_retry_flags(b);
	if (n == 0) {
		BIO_set_retry_read(b);
		return -1;
	}
	memcpy(data, c->rx, n);
	c->rx += n;
	c->rx_len -= n;
	return (int)n;
}

/* A peer that has us write (key updates) and does not read is refused here. */
static int bio_write(BIO *b, const char *data, int len)
{
	struct conn *c = BIO_get_data(b);
	size_t n = (size_t)len;

	BIO_clear_retry_flags(b);
	if (queue_waiting(&c->wire) + n > LINK_MAX_WIRE ||
	    !queue_reserve(&c->wire, n))
		return -1;
	queue_put(&c->wire, data, n);
	return len;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)b;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_conn_bio(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "link");

	if (!m)
		return NULL;
	BIO_meth_set_read(m, bio_read);
	BIO_meth_set_write(m, bio_write);
	BIO_meth_set_ctrl(m, bio_ctrl);
	return m;
}

bool tls_conn_init(struct conn *c)
{
	BIO *b = BIO_new(c->links->bio);

	c->ssl = SSL_new(c->links->ctx);
	if (!b || !c->ssl) {
		BIO_free(b);
		return false;
	}
	BIO_set_data(b, c);
	BIO_set_init(b, 1);
	SSL_set_bio(c->ssl, b, b);
	if (c->dialed)
		SSL_set_connect_state(c->ssl);
	else
		SSL_set_accept_state(c->ssl);
	return true;
}

void tls_conn_fini(struct conn *c)
{
	SSL_free(c->ssl);
	free(c->out.data);
	free(c->wire.data);
	free(c->flying);
	frame_reset(&c->in);
}

/* -- in ------------------------------------------------------------------- */

/* What the check of a certificate found, for a person. */
static const char *verdict_text(long verdict)
{
	switch (verdict) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return "it does not come from this cluster's authority";
	default:
		return X509_verify_cert_error_string(verdict);
	}
}

/* The certificate, an alert of the peer's, or what did not parse. */
static void tls_fail(struct conn *c)
{
	long verdict = SSL_get_verify_result(c->ssl);
	char why[TLS_WHY];

	tls_why(why);
	tls_conn_flush(c); /* our alert */
	if (c->state == CONN_SHAKING && verdict != X509_V_OK)
		conn_fail(c, "certificate", "its certificate is refused: %s",
			  verdict_text(verdict));
	else
		conn_fail(c, "tls", "TLS: %s", why);
}

/* False: nothing more can be had now, or the connection has ended. */
static bool tls_step(struct conn *c)
{
	struct err err;
	int n;

	ERR_clear_error();
	if (c->state == CONN_SHAKING) {
		n = SSL_do_handshake(c->ssl);
		if (n == 1) {
			conn_shaken(c);
			return c->state != CONN_CLOSED;
		}
	} else {
		n = SSL_read(c->ssl, c->links->plain, LINK_READ);
	}
	if (n > 0) {
		n = frame_feed(&c->in, c->links->plain, (size_t)n, conn_frame,
			       c, &err);
		if (n < 0)
			conn_fail(c, "frame", "%s", err.text);
		return n == 0;
	}
	switch (SSL_get_error(c->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		return false;
	case SSL_ERROR_ZERO_RETURN:
		conn_fail(c, "closed", "it closed the connection");
		return false;
	default:
		tls_fail(c);
		return false;
	}
}

static void on_alloc(uv_handle_t *h, size_t want, uv_buf_t *buf)
{
	struct conn *c = h->data;

	(void)want;
	*buf = uv_buf_init((char *)c->links->rx, sizeof(c->links->rx));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = s->data;

	if (n == 0 || c->state == CONN_CLOSED || c->doomed)
		return;
	if (n < 0 && c->state == CONN_DRAINING) {
		conn_end(c);
		return;
	}
	if (n == UV_EOF) {
		conn_fail(c, "closed", "it closed the connection");
		return;
	}
	if (n < 0) {
		conn_fail(c, "closed", "%s", uv_strerror((int)n));
		return;
	}
	c->heard_ms = link_now(c->links);
	if (c->state == CONN_DRAINING)
		return;
	c->rx = (const unsigned char *)buf->base;
	c->rx_len = (size_t)n;
	while (tls_step(c))
		;
	c->rx = NULL;
	c->rx_len = 0;
	tls_conn_flush(c);
}

void tls_conn_start(struct conn *c)
{
	uv_tcp_nodelay(&c->tcp, 1);
	uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
	if (!c->dialed)
		return;
	while (tls_step(c))
		;
	tls_conn_flush(c);
}

/* -- out ------------------------------------------------------------------ */

static void on_written(uv_write_t *req, int status)
{
	struct conn *c = req->data;

	free(c->flying);
	c->flying = NULL;
	c->flying_len = 0;
	if (c->state == CONN_CLOSED)
		return;
	if (status < 0) {
		conn_fail(c, "closed", "%s", uv_strerror(status));
		return;
	}
	c->said_ms = link_now(c->links);
	tls_conn_flush(c);
}

/* Encrypt a chunk of what waits. False: there is nothing. */
static bool encrypt(struct conn *c)
{
	size_t n = queue_waiting(&c->out);

	if (n == 0 || !SSL_is_init_finished(c->ssl) || c->fin)
		return false;
	if (n > LINK_CHUNK)
		n = LINK_CHUNK;
	ERR_clear_error();
	if (SSL_write(c->ssl, c->out.data + c->out.at, (int)n) != (int)n) {
		conn_doom(c, "tls", "TLS: it cannot be written to");
		return false;
	}
	queue_take(&c->out, n);
	return true;
}

/* Write `wire`. False: the socket takes no more now. */
static bool write_wire(struct conn *c)
{
	size_t waiting = queue_waiting(&c->wire);
	uv_buf_t buf = uv_buf_init((char *)c->wire.data + c->wire.at,
				   (unsigned)waiting);
	uv_stream_t *s = (uv_stream_t *)&c->tcp;
	int n = uv_try_write(s, &buf, 1);

	if (n == UV_EAGAIN)
		n = 0;
	if (n < 0) {
		conn_doom(c, "closed", uv_strerror(n));
		return false;
	}
	if ((size_t)n == waiting) {
		c->said_ms = link_now(c->links);
		queue_take(&c->wire, (size_t)n);
		return true;
	}
	buf.base += n;
	buf.len -= (size_t)n;
	c->flying = c->wire.data;
	c->flying_len = buf.len;
	c->wire = (struct bytes_queue){ 0 };
	c->write.data = c;
	n = uv_write(&c->write, s, &buf, 1, on_written);
	if (n < 0) {
		free(c->flying);
		c->flying = NULL;
		c->flying_len = 0;
		conn_doom(c, "closed", uv_strerror(n));
	}
	return false;
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
	(void)req;
	(void)status;
}

/* Everything has left: say so, and let the peer close. A plain close would
 * make the kernel throw away what the peer has not read yet. */
static void finish(struct conn *c)
{
	c->fin = true;
	SSL_shutdown(c->ssl);
	if (queue_waiting(&c->wire) > 0)
		write_wire(c);
	if (!c->doomed &&
	    uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) < 0)
		conn_doom(c, "closed", "it closed the connection");
}

void tls_conn_flush(struct conn *c)
{
	if (c->state == CONN_CONNECTING || c->state == CONN_CLOSED)
		return;
	for (int i = 0; i < CHUNKS_AT_ONCE; i++) {
		if (c->flying || c->doomed)
			return;
		if (queue_waiting(&c->wire) == 0 && !encrypt(c))
			break;
		if (c->doomed || !write_wire(c))
			return;
	}
	if (queue_waiting(&c->out) > 0 && SSL_is_init_finished(c->ssl))
		link_wake(c->links);
	else if (c->state == CONN_DRAINING && !c->fin)
		finish(c);
}
