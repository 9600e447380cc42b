/*
 * Links and those who break the rules. A node (hv3, with the good peer hv1)
 * is visited by clients on a thread of their own, which do what a row says.
 * Each must be thrown out, be logged once however often it comes, and leave
 * the node as it was: no memory held, the good peer served.
 */
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdatomic.h>

#include "tests/unit/net/rig.h"

#define CLUSTER "bad"
#define SOON	5000
#define GREET	250 /* ms that the node waits to be greeted */
#define DEAD	300

/* -- clients -------------------------------------------------------------- */

struct client {
	unsigned port;
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	bool shaken, closed; /* what came of it */
	atomic_bool done;
	const struct bad *row;
};

static bool client_connect(struct client *c)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)c->port),
				 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct timeval limit = { 3, 0 };
	int yes = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return connect(c->fd, (struct sockaddr *)&a, sizeof(a)) == 0;
}

/* With the certificate in the directory @who (NULL: none). Nothing of the
 * server's is checked: this client is the one that lies. */
static bool client_tls(struct client *c, const char *who, int max_version)
{
	SCOPED(arena) struct arena *a = arena_new();

	if (!client_connect(c))
		return false;
	c->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(c->ctx, max_version);
	if (who) {
		SSL_CTX_use_certificate_file(
			c->ctx, arena_printf(a, "%s/%s/node.pem", rig_dir, who),
			SSL_FILETYPE_PEM);
		SSL_CTX_use_PrivateKey_file(
			c->ctx, arena_printf(a, "%s/%s/node.key", rig_dir, who),
			SSL_FILETYPE_PEM);
	}
	c->ssl = SSL_new(c->ctx);
	SSL_set_fd(c->ssl, c->fd);
	c->shaken = SSL_connect(c->ssl) == 1;
	return c->shaken;
}

/* Until the server closes. */
static void client_wait(struct client *c)
{
	char bytes[4096];

	if (c->ssl && c->shaken)
		while (SSL_read(c->ssl, bytes, sizeof(bytes)) > 0)
			;
	for (;;) {
		ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);

		if (n > 0)
			continue;
		c->closed = n == 0 || errno != EAGAIN;
		return;
	}
}

static void client_end(struct client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	close(c->fd);
	c->ssl = NULL;
	c->ctx = NULL;
}

static void client_frame(struct client *c, const void *bytes, size_t n)
{
	unsigned char head[FRAME_HEAD];

	frame_head(head, n);
	SSL_write(c->ssl, head, FRAME_HEAD);
	SSL_write(c->ssl, bytes, (int)n);
}

static void client_hello(struct client *c, int v, int min, int id, int to)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = doc_map(a);
	struct buf b = BUF(a);

	doc_put_str(a, d, "k", "hello");
	doc_put_int(a, d, "v", v);
	doc_put_int(a, d, "min", min);
	doc_put_int(a, d, "id", id);
	doc_put_int(a, d, "to", to);
	doc_encode(&b, d);
	client_frame(c, b.data, b.len);
}

/* As hv2, a member with all papers. */
static void client_member(struct client *c)
{
	char bytes[256];

	if (!client_tls(c, CLUSTER "-hv2", 0))
		return;
	client_hello(c, 1, 1, 2, 3);
	SSL_read(c->ssl, bytes, sizeof(bytes)); /* its hello */
}

/* -- what they do --------------------------------------------------------- */

struct bad {
	const char *name;
	void (*act)(struct client *c);
	const char *text; /* in the node's log */
	bool up;	  /* it was taken for a peer at first */
};

static void says_nothing(struct client *c)
{
	client_connect(c);
}

static void speaks_http(struct client *c)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

	client_connect(c);
	send(c->fd, text, sizeof(text) - 1, 0);
}

static void sends_noise(struct client *c)
{
	unsigned char noise[5000];

	client_connect(c);
	RAND_bytes(noise, sizeof(noise));
	noise[0] = 'x'; /* never the first byte of TLS */
	send(c->fd, noise, sizeof(noise), MSG_NOSIGNAL);
}

static void speaks_old_tls(struct client *c)
{
	client_tls(c, CLUSTER "-hv2", TLS1_2_VERSION);
}

/* A true ClientHello, one byte at a time. */
static void is_a_slow_loris(struct client *c)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *bytes;
	long n;

	client_connect(c);
	c->ctx = SSL_CTX_new(TLS_client_method());
	c->ssl = SSL_new(c->ctx);
	SSL_set_bio(c->ssl, BIO_new(BIO_s_mem()), out);
	SSL_connect(c->ssl);
	n = BIO_get_mem_data(out, &bytes);
	for (long i = 0; i < n; i++) {
		if (send(c->fd, bytes + i, 1, MSG_NOSIGNAL) < 0)
			break;
		usleep(10000);
	}
}

static void has_anothers_certificate(struct client *c)
{
	client_tls(c, "other-hv2", 0);
}

static void has_a_forged_certificate(struct client *c)
{
	client_tls(c, "forged", 0);
}

static void has_a_self_signed_certificate(struct client *c)
{
	client_tls(c, "selfsigned", 0);
}

static void has_an_expired_certificate(struct client *c)
{
	client_tls(c, "expired", 0);
}

static void has_another_cluster_id(struct client *c)
{
	client_tls(c, "elsewhere", 0);
}

static void greets_never(struct client *c)
{
	client_tls(c, CLUSTER "-hv2", 0);
}

static void takes_anothers_name(struct client *c)
{
	if (client_tls(c, CLUSTER "-hv2", 0))
		client_hello(c, 1, 1, 1, 3);
}

static void is_not_known(struct client *c)
{
	if (client_tls(c, CLUSTER "-hv5", 0))
		client_hello(c, 1, 1, 5, 3);
}

static void has_no_id(struct client *c)
{
	if (client_tls(c, CLUSTER "-hv2", 0))
		client_hello(c, 1, 1, 0, 3);
}

static void is_its_own_peer(struct client *c)
{
	if (client_tls(c, CLUSTER "-hv3", 0))
		client_hello(c, 1, 1, 3, 3);
}

static void dials_the_wrong_way(struct client *c)
{
	if (client_tls(c, CLUSTER "-hv4", 0))
		client_hello(c, 1, 1, 4, 3);
}

static void looks_for_another(struct client *c)
{
	if (client_tls(c, CLUSTER "-hv2", 0))
		client_hello(c, 1, 1, 2, 7);
}

static void is_too_new(struct client *c)
{
	if (client_tls(c, CLUSTER "-hv2", 0))
		client_hello(c, 9, 8, 2, 3);
}

static void greets_with_something_else(struct client *c)
{
	if (client_tls(c, CLUSTER "-hv2", 0))
		client_frame(c, "\x81\xa1k\xa1r", 5);
}

static void greets_at_length(struct client *c)
{
	if (client_tls(c, CLUSTER "-hv2", 0))
		SSL_write(c->ssl, "\0\1\0\1", 4);
}

static void sends_too_much(struct client *c)
{
	client_member(c);
	if (c->shaken)
		SSL_write(c->ssl, "\1\0\0\1", 4);
}

static void sends_no_msgpack(struct client *c)
{
	client_member(c);
	if (c->shaken)
		client_frame(c, "\xc1\xc1\xc1\xc1", 4);
}

static void sends_an_empty_frame(struct client *c)
{
	client_member(c);
	if (c->shaken)
		SSL_write(c->ssl, "\0\0\0\0", 4);
}

static void claims_many_items(struct client *c)
{
	client_member(c);
	if (c->shaken)
		client_frame(c, "\x81\xa1k\xdd\xff\xff\xff\xff", 8);
}

static void breaks_tls(struct client *c)
{
	client_member(c);
	send(c->fd, "\x17\x03\x03\x00\x20nonsense-nonsense-nonsense-nons", 37,
	     MSG_NOSIGNAL);
}

static void falls_silent(struct client *c)
{
	client_member(c);
	if (c->shaken) /* in the middle of a frame */
		SSL_write(c->ssl, "\0\1\0\0half", 8);
}

static void leaves_in_a_frame(struct client *c)
{
	client_member(c);
	if (c->shaken)
		SSL_write(c->ssl, "\0\1\0\0half", 8);
	shutdown(c->fd, SHUT_WR);
}

static void asks_twice(struct client *c)
{
	if (client_tls(c, NULL, 0)) {
		client_frame(c, "\x80", 1);
		client_frame(c, "\x80", 1);
	}
}

static void asks_at_length(struct client *c)
{
	if (client_tls(c, NULL, 0))
		SSL_write(c->ssl, "\0\1\0\1", 4);
}

static const struct bad bad_rows[] = {
	{ "says nothing", says_nothing, "no TLS handshake within", false },
	{ "speaks http", speaks_http, "TLS: ", false },
	{ "sends noise", sends_noise, "TLS: ", false },
	{ "speaks old TLS", speaks_old_tls, "unsupported protocol", false },
	{ "is a slow loris", is_a_slow_loris, "no TLS handshake", false },
	{ "has another's certificate", has_anothers_certificate,
	  "does not come from this cluster's authority", false },
	{ "has a forged certificate", has_a_forged_certificate,
	  "does not come from this cluster's authority", false },
	{ "has a self-signed certificate", has_a_self_signed_certificate,
	  "does not come from this cluster's authority", false },
	{ "has an expired certificate", has_an_expired_certificate,
	  "its certificate is refused: certificate has expired", false },
	{ "has another cluster id", has_another_cluster_id,
	  "for another cluster", false },
	{ "greets never", greets_never, "no greeting within", false },
	{ "takes another's name", takes_anothers_name,
	  "node 1 is hv1, but the certificate names hv2", false },
	{ "is not known", is_not_known, "node 5 (hv5) is no member", false },
	{ "has no id", has_no_id, "node 0 (hv2) is no member", false },
	{ "is its own peer", is_its_own_peer, "node 3 (hv3) is no member",
	  false },
	{ "dials the wrong way", dials_the_wrong_way,
	  "the node with the lower id dials", false },
	{ "looks for another", looks_for_another,
	  "looks for node 7, and found node 3", false },
	{ "is too new", is_too_new, "speaks versions 8 to 9", false },
	{ "greets with something else", greets_with_something_else,
	  "is no hello", false },
	{ "greets at length", greets_at_length,
	  "65537 bytes, at most 65536 are allowed", false },
	{ "sends too much", sends_too_much,
	  "16777217 bytes, at most 16777216 are allowed", true },
	{ "sends no msgpack", sends_no_msgpack, "a frame of 4 bytes", true },
	{ "sends an empty frame", sends_an_empty_frame, "an empty frame",
	  true },
	{ "claims many items", claims_many_items, "a frame of 8 bytes", true },
	{ "breaks TLS", breaks_tls, "TLS: ", true },
	{ "falls silent", falls_silent, "nothing was heard", true },
	{ "leaves in a frame", leaves_in_a_frame, "closed the connection",
	  true },
	{ "asks twice", asks_twice, "more than one question", false },
	{ "asks at length", asks_at_length,
	  "65537 bytes, at most 65536 are allowed", false },
};

/* -- the node that is visited -------------------------------------------- */

struct scene {
	uv_loop_t loop;
	struct node good, node;
};

static void scene_open(struct scene *s)
{
	static const char *const none[] = { NULL };
	const struct link_peer peers[] = { { 1, "hv1", none, NULL },
					   { 2, "hv2", none, NULL },
					   { 4, "hv4", none, NULL } };

	memset(s, 0, sizeof(*s));
	uv_loop_init(&s->loop);
	node_open(&s->good, &s->loop, 1, CLUSTER);
	node_open(&s->node, &s->loop, 3, CLUSTER);
	s->node.links->timing.greet = GREET;
	s->node.links->timing.dead = DEAD;
	s->good.links->timing.ping = 50;
	s->node.mute = true;
	s->node.echo = true;
	node_meet(&s->good, NODES(&s->node));
	links_set_peers(s->node.links, peers, 3);
	assert_true(RIG_UNTIL(&s->loop, SOON, s->good.up[3] && s->node.up[1]));
}

static void scene_close(struct scene *s)
{
	node_close(&s->good);
	node_close(&s->node);
	rig_loop_end(&s->loop);
}

static int count(const char *text, const char *what)
{
	int n = 0;

	while ((text = strstr(text, what))) {
		text++;
		n++;
	}
	return n;
}

static void client_run(void *arg)
{
	struct client *c = arg;

	c->row->act(c);
	client_wait(c);
	client_end(c);
	c->done = true;
}

/* The good peer is served, and nothing of anybody else is held. */
static void assert_unharmed(struct scene *s)
{
	int64_t before = s->good.frames[3];

	assert_true(RIG_UNTIL(&s->loop, SOON,
			      !s->node.links->conns->next &&
				      s->node.links->guests == 0));
	assert_int_equal(s->good.downs[3] + s->node.downs[1], 0);
	node_say(&s->good, 3, before + 1, 100);
	assert_true(RIG_UNTIL(&s->loop, SOON, s->good.frames[3] == before + 1));
}

/* @n clients at once. */
static void visit(struct scene *s, const struct bad *row, size_t n)
{
	struct client c[2] = { 0 };
	uv_thread_t thread[2];

	for (size_t i = 0; i < n; i++) {
		c[i].port = links_port(s->node.links);
		c[i].row = row;
		assert_int_equal(
			uv_thread_create(&thread[i], client_run, &c[i]), 0);
	}
	for (size_t i = 0; i < n; i++) {
		RIG_UNTIL(&s->loop, SOON, c[i].done);
		uv_thread_join(&thread[i]);
		assert_true(c[i].closed);
	}
	assert_unharmed(s);
}

static void bad_peer(void **state)
{
	const struct bad *row = *state;
	struct scene s;

	scene_open(&s);
	if (row->up) { /* each would replace the other */
		visit(&s, row, 1);
		visit(&s, row, 1);
	} else {
		visit(&s, row, 2);
	}
	assert_int_equal(s.node.ups[2], row->up ? 2 : 0);
	assert_int_equal(s.node.downs[2], row->up ? 2 : 0);
	assert_int_equal(count(s.node.log, row->text), 1);
	/* hv1 is up, hv2 was up, and the fault: nothing else. */
	assert_int_equal(s.node.lines, row->up ? 3 : 2);
	assert_int_equal(s.node.frames[2], 0);
	scene_close(&s);
}

/* -- more than one connection can show ----------------------------------- */

static atomic_bool stop_pinging;

static void does_not_read(struct client *c)
{
	client_member(c);
	while (c->shaken && !stop_pinging) {
		client_frame(c, "\x81\xa1k\xa4ping", 8);
		usleep(20000);
	}
}

static void who_does_not_read_is_disconnected(void **state)
{
	static const struct bad row = { .act = does_not_read };
	static unsigned char big[1 << 20] = "\x81\xa1p\xc6\x00\x0f\xff\xf8";
	struct client c = { .row = &row };
	uv_thread_t thread;
	struct scene s;
	size_t sent = 0;

	(void)state;
	stop_pinging = false;
	scene_open(&s);
	c.port = links_port(s.node.links);
	uv_thread_create(&thread, client_run, &c);
	assert_true(RIG_UNTIL(&s.loop, SOON, s.node.up[2]));
	while (link_send(s.node.links, 2, big, sizeof(big))) {
		assert_true(sent < 2u * LINK_MAX_QUEUE);
		sent += sizeof(big);
		if (sent % (16u << 20) == 0)
			uv_run(&s.loop, UV_RUN_NOWAIT);
	}
	assert_true(s.node.up[2]); /* no callback from inside link_send() */
	assert_true(sent > LINK_MAX_QUEUE - 2 * sizeof(big));
	assert_true(RIG_UNTIL(&s.loop, SOON, !s.node.up[2]));
	assert_int_equal(count(s.node.log, "hv2 (127.0.0.1): it does not read"),
			 1);
	stop_pinging = true;
	uv_thread_join(&thread);
	assert_unharmed(&s);
	scene_close(&s);
}

static void silent_clients_cannot_keep_a_member_out(void **state)
{
	enum { CROWD = LINK_MAX_GUESTS + 20 };
	struct client crowd[CROWD] = { 0 };
	struct node late = { 0 };
	struct scene s;

	(void)state;
	scene_open(&s);
	s.node.links->timing.greet = 60000;
	for (size_t i = 0; i < CROWD; i++) {
		crowd[i].port = links_port(s.node.links);
		assert_true(client_connect(&crowd[i]));
	}
	assert_true(RIG_UNTIL(&s.loop, SOON,
			      s.node.links->guests == LINK_MAX_GUESTS));
	node_open(&late, &s.loop, 2, CLUSTER);
	node_meet(&late, NODES(&s.node));
	assert_true(RIG_UNTIL(&s.loop, SOON, late.up[3] && s.node.up[2]));
	assert_true(s.node.links->guests <= LINK_MAX_GUESTS);
	assert_int_equal(count(s.node.log, "to make room"), 1);
	for (size_t i = 0; i < CROWD; i++)
		close(crowd[i].fd);
	node_close(&late);
	assert_true(RIG_UNTIL(&s.loop, SOON, late.closed));
	assert_unharmed(&s);
	scene_close(&s);
}

static void strangers_cannot_fill_the_log(void **state)
{
	struct scene s;
	int before;

	(void)state;
	scene_open(&s);
	before = s.node.lines;
	for (int i = 0; i < 100; i++) {
		char class[16];

		snprintf(class, sizeof(class), "%d", i);
		if (link_note(s.node.links, "somebody", class, 60000) &&
		    link_guest_line(s.node.links))
			link_log(s.node.links, LOG_WARNING, "%d", i);
	}
	assert_int_equal(s.node.lines - before, LINK_GUEST_LINES);
	assert_int_equal(count(s.node.log, "no more of them are logged"), 1);
	scene_close(&s);
}

static void strangers_are_refused_where_nobody_wants_them(void **state)
{
	static const struct bad row = { .act = asks_twice };
	SCOPED(arena) struct arena *a = arena_new();
	struct node n = { .id = 1 };
	struct client c = { .row = &row };
	struct links_options o;
	uv_thread_t thread;
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	o = node_options(a, &loop, &n, CLUSTER);
	o.on_stranger = NULL;
	assert_int_equal(links_open(&n.links, &o, NULL), 0);
	c.port = links_port(n.links);
	uv_thread_create(&thread, client_run, &c);
	RIG_UNTIL(&loop, SOON, c.done);
	uv_thread_join(&thread);
	assert_true(c.closed);
	assert_int_equal(count(n.log, "did not return a certificate"), 1);
	node_close(&n);
	rig_loop_end(&loop);
}

static void
a_stranger_is_answered_once_and_late_answers_are_for_nobody(void **st)
{
	SCOPED(arena) struct arena *a = arena_new();
	static const struct bad row = { .act = asks_twice };
	struct client c = { .row = &row };
	struct doc *d = doc_map(a);
	uv_thread_t thread;
	struct scene s;

	(void)st;
	scene_open(&s);
	c.port = links_port(s.node.links);
	uv_thread_create(&thread, client_run, &c);
	RIG_UNTIL(&s.loop, SOON, c.done);
	uv_thread_join(&thread);
	assert_int_equal(s.node.questions, 1);
	links_answer(s.node.links, s.node.asked, a, d);
	links_answer(s.node.links, 0, a, d);
	assert_unharmed(&s);
	scene_close(&s);
}

/* -- the other way: whom we dial ----------------------------------------- */

static void who_is_dialed_is_checked_as_well(void **state)
{
	static const struct {
		const char *cluster;
		uint64_t id;
		const char *text, *theirs;
	} rows[] = {
		{ "other", 2, "its certificate is refused", "TLS: " },
		{ CLUSTER, 4, "the certificate there names hv4", "closed" },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct node one = { 0 }, two = { 0 };
		uv_loop_t loop;

		uv_loop_init(&loop);
		node_open(&one, &loop, 1, CLUSTER);
		node_open(&two, &loop, rows[i].id, rows[i].cluster);
		two.id = 2; /* says node 1 */
		node_meet(&one, NODES(&two));
		assert_true(RIG_UNTIL(&loop, SOON,
				      strstr(one.log, rows[i].text) &&
					      strstr(two.log, rows[i].theirs)));
		RIG_UNTIL(&loop, 200, false); /* it goes on trying */
		assert_int_equal(count(one.log, rows[i].text), 1);
		assert_int_equal(one.lines, 1);
		assert_int_equal(one.ups[2], 0);
		node_close(&one);
		node_close(&two);
		rig_loop_end(&loop);
	}
}

/* -- certificates that pki.c would not make ------------------------------- */

static void put_pair(const char *name, X509 *cert, EVP_PKEY *key)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *dir = rig_path(a, name);
	FILE *f;

	mkdir(dir, 0700);
	f = fopen(arena_printf(a, "%s/node.pem", dir), "w");
	PEM_write_X509(f, cert);
	fclose(f);
	f = fopen(arena_printf(a, "%s/node.key", dir), "w");
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
}

/* hv2's certificate again: signed by itself, or by the authority, with other
 * dates. */
static void make_bad_certificates(void)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *dir = rig_path(a, CLUSTER "-hv2"), *pem, *key, *ca;
	SCOPED(evp_pkey_st) EVP_PKEY *own = NULL, *authority = NULL;
	SCOPED(x509_st) X509 *cert = NULL;

	pki_read(a, dir, "node.pem", &pem, NULL);
	pki_read(a, dir, "node.key", &key, NULL);
	pki_read(a, dir, "ca.key", &ca, NULL);
	cert = tls_read_cert(pem);
	own = tls_read_key(key);
	authority = tls_read_key(ca);
	X509_gmtime_adj(X509_getm_notAfter(cert), -60);
	X509_sign(cert, authority, EVP_sha256());
	put_pair("expired", cert, own);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509_EXTENSION_free(X509_delete_ext(
		cert,
		X509_get_ext_by_NID(cert, NID_authority_key_identifier, -1)));
	X509_sign(cert, own, EVP_sha256());
	put_pair("selfsigned", cert, own);
}

static int begin(void)
{
	SCOPED(arena) struct arena *a = arena_new();

	if (rig_begin(NULL))
		return 1;
	rig_cluster(CLUSTER, 5);
	rig_cluster("other", 2);
	/* An authority of one's own that says it is this cluster's. */
	rig_found(rig_path(a, "forged"), CLUSTER, "hv2");
	rig_admit(rig_path(a, CLUSTER "-hv1"), "elsewhere",
		  rig_path(a, "elsewhere"), "hv2");
	make_bad_certificates();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_does_not_read_is_disconnected),
		cmocka_unit_test(silent_clients_cannot_keep_a_member_out),
		cmocka_unit_test(strangers_cannot_fill_the_log),
		cmocka_unit_test(strangers_are_refused_where_nobody_wants_them),
		cmocka_unit_test(
			a_stranger_is_answered_once_and_late_answers_are_for_nobody),
		cmocka_unit_test(who_is_dialed_is_checked_as_well),
	};
	int failed;

	if (begin())
		return 1;
	cmocka_set_test_filter(getenv("T"));
	failed = cmocka_run_group_tests_name("link_bad", tests, NULL, NULL);
	failed += TABLE_RUN(bad_rows, bad_peer);
	return failed + (rig_end(NULL) != 0);
}
