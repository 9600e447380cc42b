/*
 * The joiner knows one thing of the cluster: the fingerprint in its token. So
 * it accepts any member's certificate (whichever node is asked) if that comes
 * from an authority with this fingerprint, shown in the same handshake; only
 * then is the secret sent.
 *
 * Happy path: resolve, connect, TLS, check, send one frame, read one.
 *
 * Failure: an address that cannot be reached, is no member, or has no quorum
 * is followed by the next one. Once the question was sent and no answer came,
 * nobody else is asked: the secret may have been used.
 */
#include "cluster/net/join.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cluster/net/address.h"
#include "cluster/net/frame.h"
#include "cluster/net/link.h"
#include "cluster/net/pki.h"
#include "cluster/net/tls.h"

#define PREFIX	     "encap1"
#define SECRET_BYTES 24UL
#define ANSWER_MAX   (1u << 20)
#define NO_QUORUM    5	  /* docs/api.md: it was not proposed */
#define REACH_MS     5000 /* for connection and handshake; then the next one */

/* -- token ---------------------------------------------------------------- */

static const char *hex_of(struct arena *a, const unsigned char *bytes, size_t n)
{
	struct buf b = BUF(a);

	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%02x", bytes[i]);
	return buf_text(&b);
}

static bool is_word(const char *s, size_t min, size_t max, const char *allowed)
{
	size_t n = strlen(s);

	return n >= min && n <= max && strspn(s, allowed) == n;
}

#define HEX  "0123456789abcdef"
#define WORD HEX "ghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-"

int join_token_parse(struct arena *a, const char *text, struct join_token *ret,
		     struct err *err)
{
	char *part[4], *rest;
	struct join_token t;
	size_t n = 0, len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	rest = len <= 512 ? arena_printf(a, "%.*s", (int)len, text) : NULL;
	while (rest && n < 4)
		part[n++] = strsep(&rest, ".");
	if (n < 4 || rest || strcmp(part[0], PREFIX) != 0)
		return err_set(err, -EINVAL,
			       "this is no join token: " PREFIX ".CLUSTER."
			       "FINGERPRINT.SECRET is expected, as 'encap "
			       "cluster token' prints it on a member");
	t = (struct join_token){ part[1], part[2], part[3] };
	if (!is_word(t.cluster_id, 1, TLS_NAME_MAX, WORD) ||
	    !is_word(t.fingerprint, 64, 64, HEX) ||
	    !is_word(t.secret, 2 * SECRET_BYTES, 2 * SECRET_BYTES, HEX))
		return err_set(err, -EINVAL,
			       "this join token is damaged (was all of it "
			       "copied?): get a new one with 'encap cluster "
			       "token' on a member");
	*ret = t;
	return 0;
}

const char *join_secret_hash(struct arena *a, const char *secret)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)secret, strlen(secret), hash);
	return hex_of(a, hash, sizeof(hash));
}

int join_token_new(struct arena *a, const char *cluster_id,
		   const char *fingerprint, const char **ret_text,
		   const char **ret_hash, struct err *err)
{
	unsigned char bytes[SECRET_BYTES];
	char why[TLS_WHY];
	const char *secret;

	if (!is_word(cluster_id, 1, TLS_NAME_MAX, WORD) ||
	    !is_word(fingerprint, 64, 64, HEX))
		return err_set(err, -EINVAL,
			       "no token can be made for cluster '%.80s' with "
			       "fingerprint '%.80s'",
			       cluster_id, fingerprint);
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return err_set(err, -EIO, "no random numbers for a token: %s",
			       tls_why(why));
	secret = hex_of(a, bytes, sizeof(bytes));
	*ret_text = arena_printf(a, "%s.%s.%s.%s", PREFIX, cluster_id,
				 fingerprint, secret);
	*ret_hash = join_secret_hash(a, secret);
	return 0;
}

/* -- one member ----------------------------------------------------------- */

struct ask {
	struct arena *arena;
	const struct join_token *token;
	const char *address; /* as the person wrote it */
	int64_t deadline_ms; /* of the step under way */
	int64_t end_ms;	     /* of everything */
	int fd;
	SSL *ssl;
	bool sent; /* the secret may have been used */
	struct doc *answer;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int ask_wait(const struct ask *q, short events, struct err *err)
{
	for (;;) {
		struct pollfd p = { .fd = q->fd, .events = events };
		int64_t left = q->deadline_ms - now_ms();
		int rc = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (rc > 0)
			return 0;
		if (rc == 0)
			return err_set(err, -ETIMEDOUT,
				       "%s does not answer in time",
				       q->address);
		if (errno != EINTR)
			return err_set(err, -errno, "poll: %s",
				       strerror(errno));
	}
}

static int ask_connect_to(struct ask *q, const struct addrinfo *to,
			  struct err *err)
{
	int rc = 0, yes = 1;
	socklen_t len = sizeof(rc);

	q->fd = socket(to->ai_family,
		       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (q->fd < 0)
		return err_set(err, -errno, "%s: no socket: %s", q->address,
			       strerror(errno));
	setsockopt(q->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (connect(q->fd, to->ai_addr, to->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return err_set(err, -errno, "%s cannot be reached: %s",
			       q->address, strerror(errno));
	rc = ask_wait(q, POLLOUT, err);
	if (rc)
		return rc;
	if (getsockopt(q->fd, SOL_SOCKET, SO_ERROR, &rc, &len))
		rc = errno;
	if (rc)
		return err_set(err, -rc, "%s cannot be reached: %s", q->address,
			       strerror(rc));
	return 0;
}

static int ask_connect(struct ask *q, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	struct address where;
	int rc = address_parse(q->address, LINK_PORT, &where, err);

	if (rc)
		return rc;
	rc = getaddrinfo(where.host, where.port, &hints, &list);
	if (rc)
		return err_set(err, -EHOSTUNREACH, "%s: %s", q->address,
			       gai_strerror(rc));
	rc = -EHOSTUNREACH;
	for (const struct addrinfo *at = list; at && rc; at = at->ai_next) {
		if (q->fd >= 0)
			close(q->fd);
		rc = ask_connect_to(q, at, err);
	}
	freeaddrinfo(list);
	return rc;
}

/* Does the chain that was shown contain the authority of the token, and does
 * that vouch for the certificate? */
static bool chain_is_good(const struct join_token *t, X509 *leaf,
			  STACK_OF(X509) * chain)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool good = false;
	char hex[65];

	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *ca = sk_X509_value(chain, i);

		if (tls_fingerprint(ca, hex) &&
		    CRYPTO_memcmp(hex, t->fingerprint, 64) == 0 && store)
			X509_STORE_add_cert(store, ca);
	}
	if (store && ctx && X509_STORE_CTX_init(ctx, store, leaf, NULL) == 1 &&
	    X509_STORE_CTX_set_default(ctx, "ssl_server") == 1)
		good = X509_verify_cert(ctx) == 1;
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
	return good;
}

static int ask_check(const struct ask *q, struct err *err)
{
	X509 *leaf = SSL_get0_peer_certificate(q->ssl);
	char cluster[TLS_NAME_MAX + 1];

	if (!leaf ||
	    !chain_is_good(q->token, leaf, SSL_get_peer_cert_chain(q->ssl)))
		return err_set(err, -EPERM,
			       "%s is no member of the cluster that the token "
			       "is for: its certificate does not come from "
			       "that authority",
			       q->address);
	if (!tls_subject(leaf, NID_organizationName, cluster) ||
	    strcmp(cluster, q->token->cluster_id) != 0)
		return err_set(err, -EPERM,
			       "%s has a certificate of another cluster than "
			       "the token",
			       q->address);
	return 0;
}

/* Wait for what an SSL function that returned @rc wants. 1: call it again. */
static int ask_again(const struct ask *q, int rc, struct err *err)
{
	int why = SSL_get_error(q->ssl, rc);
	char text[TLS_WHY];
	int saved = errno;

	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
		rc = ask_wait(q, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT,
			      err);
		return rc ? rc : 1;
	}
	if (why == SSL_ERROR_SYSCALL && saved)
		return err_set(err, -saved, "%s: %s", q->address,
			       strerror(saved));
	if (why == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_error()) !=
					    SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return err_set(err, -EPROTO, "%s: %s", q->address,
			       tls_why(text));
	ERR_clear_error();
	return err_set(err, -ECONNRESET, "%s closed the connection",
		       q->address);
}

static int ask_handshake(const struct ask *q, struct err *err)
{
	int rc;

	if (SSL_set_fd(q->ssl, q->fd) != 1)
		return err_set(err, -ENOMEM, "%s: no memory", q->address);
	do {
		ERR_clear_error();
		errno = 0;
		rc = SSL_connect(q->ssl);
		if (rc == 1)
			return ask_check(q, err);
		rc = ask_again(q, rc, err);
	} while (rc > 0);
	return rc;
}

static int ask_send(const struct ask *q, const struct buf *out, struct err *err)
{
	int rc;

	do {
		ERR_clear_error();
		errno = 0;
		rc = SSL_write(q->ssl, out->data, (int)out->len);
		if (rc > 0)
			return 0;
		rc = ask_again(q, rc, err);
	} while (rc > 0);
	return rc;
}

static int on_answer(void *arg, struct arena *a, struct doc *frame)
{
	struct ask *q = arg;

	(void)a;
	q->answer = doc_copy(q->arena, frame);
	return 1;
}

static int ask_receive(struct ask *q, struct err *err)
{
	struct frames in = FRAMES(ANSWER_MAX);
	int rc;

	do {
		unsigned char bytes[4096];

		ERR_clear_error();
		errno = 0;
		rc = SSL_read(q->ssl, bytes, sizeof(bytes));
		if (rc <= 0) {
			rc = ask_again(q, rc, err);
			continue;
		}
		rc = frame_feed(&in, bytes, (size_t)rc, on_answer, q, err);
		if (rc < 0)
			err_wrap(err, rc, "%s", q->address);
		else
			rc = 1;
	} while (rc > 0 && !q->answer);
	frame_reset(&in);
	return rc < 0 ? rc : 0;
}

/* A member may answer with the authority's certificate: it must be the one
 * that the token names. */
static int ask_check_answer(const struct ask *q, struct err *err)
{
	const char *ca = doc_get_str(q->answer, "ca", NULL);
	const char *hex;

	if (!ca)
		return 0;
	if (pki_fingerprint(q->arena, ca, &hex, NULL) ||
	    strcmp(hex, q->token->fingerprint) != 0)
		return err_set(err, -EPERM,
			       "%s answered with another authority than the "
			       "token's",
			       q->address);
	return 0;
}

static int ask_one(struct ask *q, SSL_CTX *ctx, const struct buf *out,
		   struct err *err)
{
	SCOPED(ssl_st) SSL *ssl = SSL_new(ctx);
	int rc;

	q->ssl = ssl;
	q->fd = -1;
	if (!ssl)
		return err_set(err, -ENOMEM, "%s: no memory", q->address);
	rc = ask_connect(q, err);
	if (!rc)
		rc = ask_handshake(q, err);
	if (!rc) {
		q->sent = true;
		q->deadline_ms = q->end_ms;
		rc = ask_send(q, out, err);
	}
	if (!rc)
		rc = ask_receive(q, err);
	if (!rc)
		rc = ask_check_answer(q, err);
	if (q->fd >= 0)
		close(q->fd);
	return rc;
}

/* -- each in turn --------------------------------------------------------- */

int join_ask(struct arena *a, const struct join_token *t,
	     const char *const *addresses, const struct doc *request,
	     int timeout_ms, struct doc **ret, struct err *err)
{
	SCOPED(ssl_ctx_st) SSL_CTX *ctx = NULL;
	int64_t end = now_ms() + timeout_ms;
	struct buf out = BUF(a);
	size_t left = 0;
	int rc;

	while (addresses[left])
		left++;
	if (left == 0)
		return err_set(err, -EINVAL, "no address to ask was given");
	ctx = tls_context_bare(err);
	if (!ctx)
		return -EIO;
	rc = frame_put(&out, request, LINK_MAX_STRANGER, err);
	if (rc)
		return rc;
	*ret = NULL;
	for (; *addresses; addresses++, left--) {
		struct ask q = { .arena = a,
				 .token = t,
				 .address = *addresses,
				 .end_ms = end };
		int64_t share = (end - now_ms()) / (int64_t)left;

		q.deadline_ms =
			now_ms() + (share < REACH_MS ? share : REACH_MS);
		rc = ask_one(&q, ctx, &out, err);
		if (!rc)
			*ret = q.answer;
		if (rc && q.sent)
			return err_wrap(err, rc,
					"the question was sent, but whether "
					"this node was let in is not known "
					"(see 'encap node ls' on a member; a "
					"new try needs a new token)");
		if (!rc && doc_get_int(q.answer, "code", 0) != NO_QUORUM)
			return 0;
	}
	return *ret ? 0 : rc;
}
