/*
 * One connection, from either side:
 *
 *     we dial:    CONNECTING ─▶ SHAKING ─▶ GREETING ─▶ UP
 *     we accept:                SHAKING ─▶ GREETING ─▶ UP
 *                                             ├─▶ ASKING ─▶ DRAINING (stranger)
 *                                             ├─▶ handed over, CLOSED (bridge)
 *                                             └─▶ DRAINING           (refused)
 *
 * The handshake has shown that the peer's certificate comes from the cluster's
 * authority; its name is then held against the member that we dialed, or that
 * the peer's hello says it is. The dialer says hello first, the other answers
 * with its own, or with a bye that says why not.
 *
 * A second connection from a peer replaces the first: only one side dials, and
 * it dials again only when the connection is gone for it.
 *
 * Every state but UP has a deadline; UP has the ping. Whoever is not known yet
 * counts as a guest: there are at most LINK_MAX_GUESTS, the oldest gives way,
 * so that silent clients cannot keep a member out.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/net/link_internal.h"

/* {"k":"ping"} */
static const unsigned char ping[] = {
	0x81, 0xa1, 'k', 0xa4, 'p', 'i', 'n', 'g'
};

#define NEVER UINT64_MAX

static void conn_enter(struct conn *c, enum conn_state state, unsigned ms)
{
	c->state = state;
	c->deadline_ms = link_now(c->links) + ms;
}

/* -- beginning ------------------------------------------------------------ */

static struct conn *conn_new(struct links *l)
{
	struct conn *c = link_alloc(sizeof(*c));

	c->links = l;
	c->in = FRAMES(LINK_MAX_STRANGER);
	c->heard_ms = c->said_ms = link_now(l);
	uv_tcp_init(l->o.loop, &c->tcp);
	c->tcp.data = c;
	c->next = l->conns;
	l->conns = c;
	l->live++;
	return c;
}

static bool is_guest(const struct conn *c)
{
	return !c->dialed && c->state != CONN_UP && c->state != CONN_CLOSED;
}

/* The oldest guest; one whose question we have not answered only if there is
 * no other. */
static struct conn *guest_oldest(const struct links *l)
{
	struct conn *oldest = NULL, *asking = NULL;

	for (struct conn *c = l->conns; c; c = c->next) {
		if (!is_guest(c))
			continue;
		if (c->state == CONN_ASKING)
			asking = c;
		else
			oldest = c;
	}
	return oldest ? oldest : asking;
}

void conn_accept(struct links *l, uv_stream_t *listener)
{
	struct conn *c;
	int len = sizeof(c->where);

	if (l->guests >= LINK_MAX_GUESTS)
		conn_fail(guest_oldest(l), "crowd",
			  "it is closed to make room: %u connections are "
			  "waiting to be known",
			  l->guests);
	c = conn_new(l);
	l->guests++;
	conn_enter(c, CONN_SHAKING, l->timing.greet);
	if (uv_accept(listener, (uv_stream_t *)&c->tcp) < 0 ||
	    uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&c->where, &len)) {
		conn_end(c); /* it went away already */
		return;
	}
	if (tls_conn_init(c))
		tls_conn_start(c);
	else
		conn_fail(c, "memory", "no memory for TLS");
}

static void on_connected(uv_connect_t *req, int status)
{
	struct conn *c = req->data;

	if (c->state == CONN_CLOSED || c->doomed)
		return;
	if (status < 0) {
		conn_fail(c, "reach", "%s", uv_strerror(status));
		return;
	}
	conn_enter(c, CONN_SHAKING, c->links->timing.greet);
	tls_conn_start(c);
}

int conn_dial(struct peer *p, const struct sockaddr_storage *to)
{
	struct conn *c = conn_new(p->links);
	int rc = UV_ENOMEM;

	c->dialed = true;
	c->where = *to;
	conn_enter(c, CONN_CONNECTING, c->links->timing.connect);
	c->connect.data = c;
	if (tls_conn_init(c))
		rc = uv_tcp_connect(&c->connect, &c->tcp,
				    (const struct sockaddr *)to, on_connected);
	if (rc < 0) {
		conn_end(c);
		return rc;
	}
	c->peer = p;
	p->conn = c;
	return 0;
}

/* -- the end -------------------------------------------------------------- */

static void on_closed(uv_handle_t *h)
{
	struct conn *c = h->data;
	struct links *l = c->links;
	struct conn **at = &l->conns;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	tls_conn_fini(c);
	free(c);
	link_release(l);
}

void conn_end(struct conn *c)
{
	struct links *l = c->links;
	struct peer *p = c->peer;
	bool was_up = c->state == CONN_UP;

	if (c->state == CONN_CLOSED)
		return;
	if (is_guest(c))
		l->guests--;
	c->state = CONN_CLOSED;
	c->peer = NULL;
	uv_close((uv_handle_t *)&c->tcp, on_closed);
	if (p && p->conn == c) {
		p->conn = NULL;
		if (!l->closing && c->dialed)
			dial_ended(p, was_up ? link_now(l) - c->up_ms : 0);
	}
	if (was_up && !l->closing && !link_is_up(l, c->id))
		l->o.on_peer(l->o.data, c->id, false);
}

static void conn_log(struct conn *c, const char *class, const char *why)
{
	struct links *l = c->links;
	bool going = c->state == CONN_UP && (strcmp(class, "closed") == 0 ||
					     strcmp(class, "silent") == 0);
	unsigned quiet = going ? l->timing.quiet_up : l->timing.quiet;
	char where[ADDRESS_TEXT], who[ADDRESS_TEXT + 300];

	address_text(&c->where, c->dialed, where);
	if (!c->peer) {
		if (link_note(l, where, class, quiet) && link_guest_line(l))
			link_log(l, LOG_WARNING, "connection from %s: %s",
				 where, why);
		return;
	}
	snprintf(who, sizeof(who), "%s (%s)", c->peer->name, where);
	if (link_note(l, c->dialed ? who : c->peer->name, class, quiet))
		link_log(l, going ? LOG_NOTICE : LOG_WARNING,
			 "link with %s: %s", who, why);
}

void conn_fail(struct conn *c, const char *class, const char *fmt, ...)
{
	char why[512];
	va_list ap;

	if (c->state == CONN_CLOSED)
		return;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (c->state != CONN_DRAINING)
		conn_log(c, class, why);
	conn_end(c);
}

void conn_doom(struct conn *c, const char *class, const char *why)
{
	if (c->doomed || c->state == CONN_CLOSED)
		return;
	c->doomed_class = class;
	c->doomed = why;
	link_wake(c->links);
}

/* -- saying --------------------------------------------------------------- */

void conn_say(struct conn *c, struct arena *a, const struct doc *frame,
	      bool last)
{
	struct buf b = BUF(a);

	doc_encode(&b, frame);
	if (b.len > LINK_MAX_FRAME || !tls_conn_queue(c, b.data, b.len)) {
		conn_doom(c, "memory", "an answer is too large");
		return;
	}
	if (last)
		conn_enter(c, CONN_DRAINING, c->links->timing.drain);
	link_wake(c->links);
}

static void say_hello(struct conn *c)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = doc_map(a);

	doc_put_str(a, d, "k", "hello");
	doc_put_int(a, d, "v", LINK_VERSION);
	doc_put_int(a, d, "min", LINK_VERSION_MIN);
	doc_put_int(a, d, "id", (int64_t)c->links->o.self);
	doc_put_int(a, d, "to", (int64_t)c->peer->id);
	conn_say(c, a, d, false);
}

/* Tell the peer why, and close. */
static void conn_refuse(struct conn *c, struct arena *a, const char *why)
{
	struct doc *d = doc_map(a);

	conn_log(c, "refused", arena_printf(a, "refused: %s", why));
	doc_put_str(a, d, "k", "bye");
	doc_put_str(a, d, "why", why);
	conn_say(c, a, d, true);
}

/* -- greeting ------------------------------------------------------------- */

/* A machine that was removed keeps a certificate that is valid, for its name;
 * another one may have that name now. */
static bool is_own_cert(const struct conn *c, const struct peer *p)
{
	return !p->cert[0] || strcmp(p->cert, c->cert) == 0;
}

void conn_shaken(struct conn *c)
{
	X509 *cert = SSL_get0_peer_certificate(c->ssl);
	char cluster[TLS_NAME_MAX + 1];

	c->state = CONN_GREETING; /* within the same deadline */
	if (!cert)
		return; /* a stranger: tls_context() let it through */
	if (!tls_subject(cert, NID_organizationName, cluster) ||
	    strcmp(cluster, c->links->cluster_id) != 0) {
		conn_fail(c, "certificate",
			  "its certificate is for another cluster");
		return;
	}
	if (!tls_subject(cert, NID_commonName, c->cn)) {
		conn_fail(c, "certificate", "its certificate names no node");
		return;
	}
	tls_fingerprint(cert, c->cert);
	if (!c->dialed)
		return;
	if (strcmp(c->cn, c->peer->name) != 0)
		conn_fail(c, "name", "the certificate there names %s", c->cn);
	else if (!is_own_cert(c, c->peer))
		conn_fail(c, "certificate",
			  "the certificate there is not the one that %s joined "
			  "with: an older machine of that name?",
			  c->cn);
	else
		say_hello(c);
}

static void conn_up(struct conn *c)
{
	struct links *l = c->links;
	struct peer *p = c->peer;
	char where[ADDRESS_TEXT];

	if (c->dialed)
		dial_worked(p);
	else
		l->guests--;
	c->state = CONN_UP;
	c->deadline_ms = NEVER;
	c->up_ms = c->heard_ms = link_now(l);
	c->in.max = LINK_MAX_FRAME;
	c->id = p->id;
	p->conn = c;
	address_text(&c->where, c->dialed, where);
	if (link_note(l, p->name, "up", l->timing.quiet_up))
		link_log(l, LOG_INFO, "link with %s (%s) is up", p->name,
			 where);
	l->o.on_peer(l->o.data, c->id, true);
}

/* What is wrong with a hello; NULL: nothing. Both sides may log the text, so it
 * calls nobody "this node". */
static const char *hello_wrong(const struct conn *c, struct arena *a,
			       const struct doc *d)
{
	long long version = doc_get_int(d, "v", 0);
	long long oldest = doc_get_int(d, "min", version);
	long long id = doc_get_int(d, "id", 0), to = doc_get_int(d, "to", 0);
	unsigned long long self = c->links->o.self;

	if (strcmp(doc_get_str(d, "k", ""), "hello") != 0)
		return "the first frame is no hello";
	if (version < LINK_VERSION_MIN || oldest > LINK_VERSION)
		return arena_printf(a,
				    "node %lld speaks versions %lld to %lld of "
				    "the protocol, node %llu %d to %d: upgrade "
				    "the older one",
				    id, oldest, version, self, LINK_VERSION_MIN,
				    LINK_VERSION);
	if ((unsigned long long)to != self)
		return arena_printf(a,
				    "node %lld looks for node %lld, and found "
				    "node %llu",
				    id, to, self);
	return NULL;
}

static const char *caller_wrong(const struct conn *c, struct arena *a,
				uint64_t id, bool dials)
{
	const struct peer *p = links_find(c->links, id);
	unsigned long long self = c->links->o.self;

	if (!p)
		return arena_printf(a,
				    "node %llu (%s) is no member that node "
				    "%llu knows of; if it was removed, 'encap "
				    "cluster forget' there has it forget what "
				    "it was",
				    (unsigned long long)id, c->cn, self);
	if (strcmp(p->name, c->cn) != 0)
		return arena_printf(a,
				    "node %llu is %s, but the certificate "
				    "names %s",
				    (unsigned long long)id, p->name, c->cn);
	if (!is_own_cert(c, p))
		return arena_printf(a,
				    "node %llu (%s) joined with another "
				    "certificate than the one that is shown",
				    (unsigned long long)id, c->cn);
	if (dials && id > self)
		return arena_printf(a,
				    "node %llu has to wait: the node with the "
				    "lower id dials",
				    (unsigned long long)id);
	return NULL;
}

static void greet_caller(struct conn *c, struct arena *a, struct doc *d)
{
	uint64_t id = (uint64_t)doc_get_int(d, "id", 0);
	const char *wrong = hello_wrong(c, a, d);
	struct conn *old;

	if (!wrong)
		wrong = caller_wrong(c, a, id, true);
	if (wrong) {
		conn_refuse(c, a, wrong);
		return;
	}
	old = links_find(c->links, id)->conn;
	if (old)
		conn_fail(old, "closed", "a newer connection takes its place");
	c->peer = links_find(c->links, id); /* on_peer() may have changed it */
	if (c->links->closing || !c->peer) {
		conn_end(c);
		return;
	}
	say_hello(c);
	conn_up(c);
}

/* -- a bridge ------------------------------------------------------------- */

/* The socket and what OpenSSL knows of it, without the loop. NULL: all that
 * could wait for each other is in order, or the reason why not. */
static const char *conn_detach(struct conn *c, struct link_end *to)
{
	uv_os_fd_t fd;
	BIO *b;

	if (c->rx_len || SSL_pending(c->ssl) || tls_conn_waiting(c))
		return "it spoke before it was answered";
	if (uv_fileno((uv_handle_t *)&c->tcp, &fd) < 0)
		return "it is gone";
	to->sock = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	b = to->sock < 0 ? NULL : BIO_new_socket(to->sock, BIO_NOCLOSE);
	if (!b) {
		if (to->sock >= 0)
			close(to->sock);
		return "this node has no descriptor left";
	}
	SSL_set_bio(c->ssl, b, b);
	to->ssl = c->ssl;
	c->ssl = NULL;
	return NULL;
}

static void greet_bridge(struct conn *c, struct arena *a, struct doc *d)
{
	struct links *l = c->links;
	uint64_t id = (uint64_t)doc_get_int(d, "id", 0);
	const char *wrong = NULL;
	struct link_end to;

	if ((uint64_t)doc_get_int(d, "to", 0) != l->o.self)
		wrong = "another node is meant";
	if (!wrong)
		wrong = caller_wrong(c, a, id, false);
	if (!wrong && !l->o.on_bridge)
		wrong = "this node takes no bridges";
	if (!wrong)
		wrong = conn_detach(c, &to);
	if (wrong) {
		conn_refuse(c, a, wrong);
		return;
	}
	conn_end(c);
	l->o.on_bridge(l->o.data, id, a, d, &to);
}

/* What a peer wrote, fit for a log. */
static const char *clean(struct arena *a, const char *text)
{
	char *copy = arena_printf(a, "%.200s", text);

	for (char *p = copy; *p; p++)
		if (!isprint((unsigned char)*p))
			*p = '?';
	return copy;
}

static void greet_called(struct conn *c, struct arena *a, struct doc *d)
{
	const char *why = doc_get_str(d, "why", "it does not say why");
	const char *wrong;

	if (strcmp(doc_get_str(d, "k", ""), "bye") == 0) {
		conn_fail(c, "refused", "it refuses this node: %s",
			  clean(a, why));
		return;
	}
	wrong = hello_wrong(c, a, d);
	if (!wrong && (uint64_t)doc_get_int(d, "id", 0) != c->peer->id)
		wrong = arena_printf(a, "it is node %lld, not %llu",
				     (long long)doc_get_int(d, "id", 0),
				     (unsigned long long)c->peer->id);
	if (wrong)
		conn_fail(c, "refused", "refused: %s", wrong);
	else
		conn_up(c);
}

static void greet_stranger(struct conn *c, struct arena *a, struct doc *d)
{
	struct links *l = c->links;

	conn_enter(c, CONN_ASKING, l->timing.answer);
	c->stranger = ++l->last_stranger;
	l->o.on_stranger(l->o.data, c->stranger, a, d);
}

int conn_frame(void *arg, struct arena *a, struct doc *frame)
{
	struct conn *c = arg;
	struct links *l = c->links;

	if (c->doomed)
		return 1;
	switch (c->state) {
	case CONN_GREETING:
		if (c->dialed)
			greet_called(c, a, frame);
		else if (c->cn[0] &&
			 strcmp(doc_get_str(frame, "k", ""), "bridge") == 0)
			greet_bridge(c, a, frame);
		else if (c->cn[0])
			greet_caller(c, a, frame);
		else
			greet_stranger(c, a, frame);
		break;
	case CONN_UP:
		if (strcmp(doc_get_str(frame, "k", ""), "ping") != 0)
			l->o.on_frame(l->o.data, c->id, a, frame);
		break;
	case CONN_ASKING:
		conn_fail(c, "frame", "more than one question");
		break;
	case CONN_CONNECTING:
	case CONN_SHAKING:
	case CONN_DRAINING:
	case CONN_CLOSED:
		break;
	}
	return c->state == CONN_CLOSED || c->state == CONN_DRAINING;
}

/* -- time ----------------------------------------------------------------- */

static void conn_overdue(struct conn *c)
{
	const struct link_timing *t = &c->links->timing;

	switch (c->state) {
	case CONN_CONNECTING:
		conn_fail(c, "reach", "no answer within %u ms", t->connect);
		break;
	case CONN_SHAKING:
		conn_fail(c, "greet", "no TLS handshake within %u ms",
			  t->greet);
		break;
	case CONN_GREETING:
		conn_fail(c, "greet", "no greeting within %u ms", t->greet);
		break;
	case CONN_ASKING:
		conn_fail(c, "answer",
			  "this node had no answer to it within %u ms",
			  t->answer);
		break;
	case CONN_DRAINING:
		conn_end(c);
		break;
	case CONN_UP:
	case CONN_CLOSED:
		break;
	}
}

void conn_tick(struct conn *c)
{
	const struct link_timing *t = &c->links->timing;
	uint64_t now = link_now(c->links);

	if (c->state == CONN_CLOSED || c->doomed)
		return;
	if (now >= c->deadline_ms) {
		conn_overdue(c);
		return;
	}
	if (c->state != CONN_UP)
		return;
	if (now - c->heard_ms >= t->dead) {
		conn_fail(c, "silent", "nothing was heard for %u ms", t->dead);
		return;
	}
	if (now - c->said_ms < t->ping || tls_conn_waiting(c) > 0)
		return;
	if (tls_conn_queue(c, ping, sizeof(ping)))
		tls_conn_flush(c);
}
