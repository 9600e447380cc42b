/*
 * The links as a whole. A timer looks at deadlines; an idle handle, active
 * only when something waits, sends it and ends what is doomed, before the loop
 * polls again. links_flush() does the sending earlier, at the end of a turn.
 *
 * What can fail is done before the first handle is given to the loop, so that
 * a links_open() that fails leaves nothing to close.
 */
#include "cluster/net/link.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cluster/net/link_internal.h"

const struct link_timing link_timing_default = {
	.tick = 100,
	.ping = 1000,
	.dead = 3000,
	.connect = 2000,
	.greet = 5000,
	.answer = 20000,
	.drain = 2000,
	.backoff = 100,
	.backoff_max = 800,
	.settled = 1000,
	.quiet = 60000,
	.quiet_up = 10000,
};

uint64_t link_now(const struct links *l)
{
	return uv_now(l->o.loop);
}

void *link_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();
	return p;
}

char *link_strdup(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		abort();
	return copy;
}

struct peer *links_find(const struct links *l, uint64_t id)
{
	struct peer *p = l->peers;

	while (p && p->id != id)
		p = p->next;
	return p;
}

/* -- peers ---------------------------------------------------------------- */

static void addresses_free(struct peer *p)
{
	for (size_t i = 0; i < p->n_addresses; i++)
		free(p->addresses[i]);
	free(p->addresses);
	p->addresses = NULL;
	p->n_addresses = 0;
}

static bool addresses_equal(const struct peer *p, const char *const *list)
{
	size_t n = 0;

	while (n < p->n_addresses && list[n] &&
	       strcmp(p->addresses[n], list[n]) == 0)
		n++;
	return n == p->n_addresses && !list[n];
}

static void addresses_set(struct peer *p, const char *const *list)
{
	size_t n = 0;

	while (list[n])
		n++;
	dial_cancel(p);
	addresses_free(p);
	p->addresses = link_alloc((n + 1) * sizeof(*p->addresses));
	for (size_t i = 0; i < n; i++)
		p->addresses[i] = link_strdup(list[i]);
	p->n_addresses = p->tried = n;
	p->first = 0;
	p->next_ms = 0;
}

static void peer_free(struct peer *p)
{
	dial_cancel(p);
	if (p->conn) {
		p->conn->peer = NULL;
		conn_doom(p->conn, "removed", "it is no member any more");
	}
	addresses_free(p);
	free(p->name);
	free(p);
}

/* True if there is somebody, or somewhere, new to dial. */
static bool peer_set(struct links *l, const struct link_peer *want)
{
	static const char *const none[] = { NULL };
	const char *const *list = want->addresses ? want->addresses : none;
	struct peer *p = links_find(l, want->id);

	if (!p) {
		p = link_alloc(sizeof(*p));
		p->links = l;
		p->id = want->id;
		p->name = link_strdup(want->name);
		p->backoff = l->timing.backoff;
		p->next = l->peers;
		l->peers = p;
	}
	snprintf(p->cert, sizeof(p->cert), "%s", want->cert ? want->cert : "");
	if (addresses_equal(p, list))
		return false;
	addresses_set(p, list);
	return true;
}

/* Remove the peers that @list does not name, or names otherwise. */
static void peers_prune(struct links *l, const struct link_peer *list, size_t n)
{
	for (struct peer **at = &l->peers; *at;) {
		struct peer *p = *at;
		bool keep = false;

		for (size_t i = 0; i < n && !keep; i++)
			keep = list[i].id == p->id &&
			       strcmp(list[i].name, p->name) == 0;
		if (keep) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		peer_free(p);
	}
}

/* -- sending -------------------------------------------------------------- */

bool link_is_up(const struct links *l, uint64_t peer)
{
	const struct peer *p = links_find(l, peer);

	return p && p->conn && p->conn->state == CONN_UP && !p->conn->doomed;
}

bool link_send(struct links *l, uint64_t peer, const void *data, size_t len)
{
	struct conn *c;

	if (!link_is_up(l, peer))
		return false;
	c = links_find(l, peer)->conn;
	if (len == 0 || len > LINK_MAX_FRAME) {
		if (link_note(l, c->peer->name, "size", l->timing.quiet))
			link_log(l, LOG_ERR,
				 "a message of %zu bytes to %s is not sent: at "
				 "most %u are possible",
				 len, c->peer->name, LINK_MAX_FRAME);
		return false;
	}
	if (tls_conn_waiting(c) + len > LINK_MAX_QUEUE) {
		conn_doom(c, "queue", "it does not read what is sent to it");
		return false;
	}
	if (!tls_conn_queue(c, data, len)) {
		conn_doom(c, "memory", "no memory for what is sent to it");
		return false;
	}
	link_wake(l);
	return true;
}

void links_answer(struct links *l, uint64_t who, struct arena *a,
		  const struct doc *answer)
{
	for (struct conn *c = l->conns; c; c = c->next)
		if (c->stranger == who && c->state == CONN_ASKING && who)
			conn_say(c, a, answer, true);
}

void links_flush(struct links *l)
{
	if (l->closing)
		return;
	uv_idle_stop(&l->idle);
	for (struct conn *c = l->conns; c; c = c->next) {
		if (c->doomed)
			link_wake(l);
		else
			tls_conn_flush(c);
	}
}

static void on_idle(uv_idle_t *idle)
{
	struct links *l = idle->data;

	uv_idle_stop(idle);
	for (struct conn *c = l->conns; c; c = c->next) {
		if (c->doomed)
			conn_fail(c, c->doomed_class, "%s", c->doomed);
		else
			tls_conn_flush(c);
	}
}

void link_wake(struct links *l)
{
	if (!l->closing)
		uv_idle_start(&l->idle, on_idle);
}

/* -- time ----------------------------------------------------------------- */

/* When the loop stood still (a suspended machine, a blocked process), what the
 * peers said meanwhile has not been read yet: nobody's fault. */
static void forgive(struct links *l, uint64_t late)
{
	uint64_t now = link_now(l);

	for (struct conn *c = l->conns; c; c = c->next) {
		c->heard_ms += late;
		if (c->heard_ms > now)
			c->heard_ms = now;
		if (c->deadline_ms != UINT64_MAX)
			c->deadline_ms += late;
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct links *l = timer->data;
	uint64_t passed = link_now(l) - l->ticked_ms;

	l->ticked_ms = link_now(l);
	if (passed > 3UL * l->timing.tick)
		forgive(l, passed - l->timing.tick);
	for (struct conn *c = l->conns; c; c = c->next)
		conn_tick(c);
	for (struct peer *p = l->peers; p && !l->closing; p = p->next)
		dial_tick(p);
}

void links_set_peers(struct links *l, const struct link_peer *peers, size_t n)
{
	bool fresh = false;

	if (l->closing)
		return;
	peers_prune(l, peers, n);
	for (size_t i = 0; i < n; i++)
		if (peers[i].id != l->o.self && peer_set(l, &peers[i]))
			fresh = true;
	if (fresh) /* no need to wait for the next tick */
		uv_timer_start(&l->timer, on_tick, 0, l->timing.tick);
}

/* -- listening ------------------------------------------------------------ */

static int listen_on(const struct sockaddr_storage *at, int *ret_fd)
{
	int yes = 1, no = 0, fd, rc = 0;

	fd = socket(at->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (at->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	if (bind(fd, (const struct sockaddr *)at, address_len(at)) ||
	    listen(fd, SOMAXCONN))
		rc = -errno;
	if (rc)
		close(fd);
	else
		*ret_fd = fd;
	return rc;
}

/* The port has the same place in both families (RFC 3493, 3.4). */
static unsigned port_of(int fd)
{
	struct sockaddr_in6 s = { 0 };
	socklen_t len = sizeof(s);

	if (getsockname(fd, (struct sockaddr *)&s, &len))
		return 0;
	return ntohs(s.sin6_port);
}

/* Every address of this machine: one socket for both families, or one for
 * IPv4 where there is no IPv6. */
static int listen_everywhere(const struct address *a, int *ret_fd)
{
	struct address any = *a;
	struct sockaddr_storage at;
	int rc;

	strcpy(any.host, "::");
	address_numeric(&any, &at);
	rc = listen_on(&at, ret_fd);
	if (rc != -EAFNOSUPPORT && rc != -EADDRNOTAVAIL)
		return rc;
	strcpy(any.host, "0.0.0.0");
	address_numeric(&any, &at);
	return listen_on(&at, ret_fd);
}

/* A name may have several addresses: all of them, on one port. */
static int listen_name(const struct address *a, int *fds, size_t *n)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE };
	struct addrinfo *list;
	int rc = 0;

	if (getaddrinfo(a->host, a->port, &hints, &list))
		return -EADDRNOTAVAIL;
	for (struct addrinfo *at = list; at && !rc && *n < LINK_LISTENERS;
	     at = at->ai_next) {
		struct sockaddr_storage s = { 0 };

		memcpy(&s, at->ai_addr, at->ai_addrlen);
		if (*n > 0) /* port 0: the one that the first was given */
			((struct sockaddr_in *)&s)->sin_port =
				htons((uint16_t)port_of(fds[0]));
		rc = listen_on(&s, &fds[*n]);
		if (!rc)
			++*n;
	}
	freeaddrinfo(list);
	return rc;
}

static int listen_all(const char *text, int *fds, size_t *n, struct err *err)
{
	struct sockaddr_storage at = { 0 };
	struct address a;
	int rc = address_parse(text, LINK_PORT, &a, err);

	*n = 0;
	if (rc)
		return rc;
	if (a.host[0] && !address_numeric(&a, &at)) {
		rc = listen_name(&a, fds, n);
	} else {
		rc = a.host[0] ? listen_on(&at, fds)
			       : listen_everywhere(&a, fds);
		*n = !rc;
	}
	if (!rc)
		return 0;
	for (size_t i = 0; i < *n; i++)
		close(fds[i]);
	return err_set(err, rc, "cannot listen on '%s': %s", text,
		       strerror(-rc));
}

static void on_connection(uv_stream_t *s, int status)
{
	struct links *l = s->data;

	if (l->closing)
		return;
	if (status < 0) {
		if (link_note(l, "", "accept", l->timing.quiet))
			link_log(l, LOG_ERR,
				 "a connection cannot be accepted: %s",
				 uv_strerror(status));
		return;
	}
	conn_accept(l, s);
}

/* -- open and close ------------------------------------------------------- */

static void links_start(struct links *l, const int *fds, size_t n)
{
	uv_loop_t *loop = l->o.loop;

	for (size_t i = 0; i < n; i++) {
		uv_tcp_t *t = &l->listeners[i];
		int rc;

		uv_tcp_init(loop, t);
		t->data = l;
		rc = uv_tcp_open(t, fds[i]);
		if (!rc)
			rc = uv_listen((uv_stream_t *)t, SOMAXCONN,
				       on_connection);
		assert(rc == 0); /* the socket listens already */
	}
	l->n_listeners = n;
	l->port = port_of(fds[0]);
	uv_idle_init(loop, &l->idle);
	l->idle.data = l;
	uv_timer_init(loop, &l->timer);
	l->timer.data = l;
	uv_timer_start(&l->timer, on_tick, l->timing.tick, l->timing.tick);
	l->ticked_ms = link_now(l);
	l->live = (unsigned)n + 2;
}

static void links_free(struct links *l)
{
	SSL_CTX_free(l->ctx);
	BIO_meth_free(l->bio);
	free(l->cluster_id);
	free(l);
}

int links_open(struct links **ret, const struct links_options *o,
	       struct err *err)
{
	struct links *l;
	int fds[LINK_LISTENERS] = { 0 };
	size_t n = 0;
	int rc;

	l = calloc(1, sizeof(*l));
	if (!l)
		return err_set(err, -ENOMEM, "no memory for links");
	l->o = *o;
	l->timing = link_timing_default;
	l->cluster_id = link_strdup(o->cluster_id);
	l->bio = tls_conn_bio();
	l->ctx = l->bio ? tls_context(o->pki_dir, o->on_stranger, err) : NULL;
	if (!l->ctx) {
		rc = l->bio ? -EINVAL : err_set(err, -ENOMEM, "no memory");
	} else {
		rc = listen_all(o->listen, fds, &n, err);
	}
	if (rc) {
		links_free(l);
		return rc;
	}
	links_start(l, fds, n);
	*ret = l;
	return 0;
}

unsigned links_port(const struct links *l)
{
	return l->port;
}

void link_release(struct links *l)
{
	void (*closed)(void *data) = l->closed;
	void *data = l->o.data;

	if (--l->live > 0 || !l->closing)
		return;
	links_free(l);
	if (closed)
		closed(data);
}

static void on_closed(uv_handle_t *h)
{
	link_release(h->data);
}

void links_close(struct links *l, void (*closed)(void *data))
{
	assert(!l->closing);
	l->closing = true;
	l->closed = closed;
	for (struct conn *c = l->conns; c; c = c->next)
		conn_end(c);
	while (l->peers) {
		struct peer *p = l->peers;

		l->peers = p->next;
		peer_free(p);
	}
	for (size_t i = 0; i < l->n_listeners; i++)
		uv_close((uv_handle_t *)&l->listeners[i], on_closed);
	uv_close((uv_handle_t *)&l->idle, on_closed);
	uv_close((uv_handle_t *)&l->timer, on_closed);
}
