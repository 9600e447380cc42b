/*
 * How: one stream socket. What arrives is collected in `in` until a whole
 * frame is there, so a wait that ends early loses no byte. Answers to other
 * questions than the one waited for go to `kept`.
 *
 * Failures: nobody listens or the socket is not ours to open (a sentence that
 * says what to do), the agent closes the connection, a frame longer than the
 * limit or one that cannot be decoded. After any of them the connection is of
 * no more use.
 */
#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define HEAD	 4  /* bytes of the length before a frame */
#define KEEP_MAX 64 /* answers that nobody waited for */
#define SEND_MS	 30000

struct kept {
	struct kept *next; /* client::kept */
	int64_t id;
	size_t len;
	unsigned char bytes[];
};

struct client {
	int fd;
	char *path;
	int64_t last_id;
	unsigned char *in;
	size_t in_len, in_cap;
	struct kept *kept;
	size_t n_kept;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const char *hint_for(int error)
{
	if (error == EACCES || error == EPERM)
		return "only root may ask the agent; try again as root";
	return "is encapd running? systemctl status encapd, or its log, say "
	       "why not";
}

static int client_connect(const char *path, struct err *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, error;

	if (strlen(path) >= sizeof(sa.sun_path))
		return err_set(err, -ENAMETOOLONG,
			       "the agent's socket: %s: a path may be of %zu "
			       "characters here; set ENCAP_SOCKET to a shorter "
			       "one",
			       path, sizeof(sa.sun_path) - 1);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, -errno, "socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	error = errno;
	close(fd);
	return err_set(err, -error, "the agent does not answer: %s: %s; %s",
		       path, strerror(error), hint_for(error));
}

int client_open(struct client **ret, const char *path, struct err *err)
{
	struct client *c;
	int fd;

	if (!path)
		path = getenv("ENCAP_SOCKET");
	if (!path || !*path)
		path = CLIENT_SOCKET;
	fd = client_connect(path, err);
	if (fd < 0)
		return fd;
	c = calloc(1, sizeof(*c));
	if (c)
		c->path = strdup(path);
	if (!c || !c->path) {
		free(c);
		close(fd);
		return err_set(err, -ENOMEM, "out of memory");
	}
	c->fd = fd;
	*ret = c;
	return 0;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	while (c->kept) {
		struct kept *k = c->kept;

		c->kept = k->next;
		free(k);
	}
	close(c->fd);
	free(c->in);
	free(c->path);
	free(c);
}

/* 0 when @events are there, CLIENT_LATE, or negative. */
static int client_poll(const struct client *c, short events, int64_t until,
		       struct err *err)
{
	struct pollfd p = { .fd = c->fd, .events = events };

	for (;;) {
		int64_t left = until - now_ms();
		int n = poll(&p, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return 0;
		if (n == 0)
			return CLIENT_LATE;
		if (errno != EINTR)
			return err_set(err, -errno, "%s: poll: %s", c->path,
				       strerror(errno));
	}
}

static int client_write(struct client *c, const char *bytes, size_t n,
			struct err *err)
{
	int64_t until = now_ms() + SEND_MS;

	while (n > 0) {
		ssize_t done =
			send(c->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (done >= 0) {
			bytes += done;
			n -= (size_t)done;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return err_set(err, -errno,
				       "the agent broke off: %s: %s", c->path,
				       strerror(errno));
		if (client_poll(c, POLLOUT, until, err) != 0)
			return err_set(err, -ETIMEDOUT,
				       "the agent takes no requests: %s: "
				       "nothing was read for %d s",
				       c->path, SEND_MS / 1000);
	}
	return 0;
}

int client_send(struct client *c, const char *op, const struct doc *args,
		int64_t *ret_id, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = doc_map(a);
	struct buf body = BUF(a), frame = BUF(a);
	unsigned char head[HEAD];

	doc_put_int(a, d, "v", 1);
	doc_put_int(a, d, "id", c->last_id + 1);
	doc_put_str(a, d, "op", op);
	for (size_t i = 0; i < doc_len(args); i++)
		doc_put(a, d, doc_at(args, i)->key,
			doc_copy(a, doc_at(args, i)));
	doc_encode(&body, d);
	if (body.len > CLIENT_MAX_REQUEST)
		return err_set(err, -EMSGSIZE,
			       "a request of %zu bytes; the agent takes %u at "
			       "most",
			       body.len, CLIENT_MAX_REQUEST);
	for (unsigned i = 0; i < HEAD; i++)
		head[i] = (unsigned char)(body.len >> (8 * (HEAD - 1 - i)));
	buf_add(&frame, head, HEAD);
	buf_add(&frame, body.data, body.len);
	*ret_id = ++c->last_id;
	return client_write(c, frame.data, frame.len, err);
}

/* Bytes of the frame at the start of c->in, its head included; 0 if that is
 * not known yet; negative if it is too long. */
static int64_t frame_size(const struct client *c, struct err *err)
{
	uint32_t len = 0;

	if (c->in_len < HEAD)
		return 0;
	for (unsigned i = 0; i < HEAD; i++)
		len = len << 8 | c->in[i];
	if (len > CLIENT_MAX_FRAME)
		return err_set(err, -EMSGSIZE,
			       "%s: an answer of %u bytes is announced, %u is "
			       "the limit; is this the agent's socket?",
			       c->path, len, CLIENT_MAX_FRAME);
	return (int64_t)len + HEAD;
}

static int client_reserve(struct client *c, size_t need, struct err *err)
{
	size_t cap = c->in_cap ? c->in_cap : 4096;
	unsigned char *in;

	if (need <= c->in_cap)
		return 0;
	while (cap < need)
		cap *= 2;
	in = realloc(c->in, cap);
	if (!in)
		return err_set(err, -ENOMEM, "out of memory for an answer");
	c->in = in;
	c->in_cap = cap;
	return 0;
}

/* Reads what is there. Space grows with what has come, not with what is
 * announced. */
static int client_fill(struct client *c, struct err *err)
{
	ssize_t n;
	int rc = client_reserve(c, c->in_len + 4096, err);

	if (rc < 0)
		return rc;
	do
		n = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(err, -errno, "the agent broke off: %s: %s",
			       c->path, strerror(errno));
	if (n == 0)
		return err_set(err, -ECONNRESET,
			       "the agent closed the connection before it "
			       "answered: %s; its log says why",
			       c->path);
	c->in_len += (size_t)n;
	return 0;
}

/* Waits until a whole frame is at the start of c->in; its size. */
static int client_frame(struct client *c, int64_t until, size_t *ret,
			struct err *err)
{
	for (;;) {
		int64_t size = frame_size(c, err);
		int rc;

		if (size < 0)
			return (int)size;
		if (size > 0 && c->in_len >= (size_t)size) {
			*ret = (size_t)size;
			return 0;
		}
		rc = client_poll(c, POLLIN, until, err);
		if (rc != 0)
			return rc;
		rc = client_fill(c, err);
		if (rc < 0)
			return rc;
	}
}

static int reply_decode(struct arena *a, const unsigned char *bytes, size_t len,
			int64_t *ret_id, struct reply *ret, struct err *err)
{
	struct doc *d, *data;
	int rc = doc_decode(a, bytes, len, &d, err);

	if (rc < 0)
		return err_wrap(err, rc, "the agent's answer");
	if (d->type != DOC_MAP || doc_get_int(d, "id", -1) < 0)
		return err_set(err, -EBADMSG,
			       "the agent's answer: no map with an id");
	data = doc_get(d, "data");
	*ret_id = doc_get_int(d, "id", -1);
	*ret = (struct reply){
		.code = (int)doc_get_int(d, "code", 1),
		.err = doc_get_str(d, "err", ""),
		.data = data ? data : doc_map(a),
	};
	return 0;
}

static int client_keep(struct client *c, int64_t id, const unsigned char *bytes,
		       size_t len, struct err *err)
{
	struct kept *k;

	if (c->n_kept == KEEP_MAX)
		return err_set(err, -EPROTO, "%s: more answers than questions",
			       c->path);
	k = malloc(sizeof(*k) + len);
	if (!k)
		return err_set(err, -ENOMEM, "out of memory for an answer");
	k->id = id;
	k->len = len;
	memcpy(k->bytes, bytes, len);
	k->next = c->kept;
	c->kept = k;
	c->n_kept++;
	return 0;
}

/* True if the answer to @id had been kept; *rc is then what came of it. */
static bool client_kept(struct client *c, struct arena *a, int64_t id,
			struct reply *ret, int *rc, struct err *err)
{
	for (struct kept **p = &c->kept; *p; p = &(*p)->next) {
		struct kept *k = *p;
		int64_t same;

		if (k->id != id)
			continue;
		*rc = reply_decode(a, k->bytes, k->len, &same, ret, err);
		*p = k->next;
		c->n_kept--;
		free(k);
		return true;
	}
	return false;
}

int client_wait(struct client *c, struct arena *a, int64_t id, int timeout_ms,
		struct reply *ret, struct err *err)
{
	int64_t until = now_ms() + timeout_ms, got;
	size_t size;
	int rc;

	if (client_kept(c, a, id, ret, &rc, err))
		return rc;
	for (;;) {
		rc = client_frame(c, until, &size, err);
		if (rc != 0)
			return rc;
		rc = reply_decode(a, c->in + HEAD, size - HEAD, &got, ret, err);
		if (rc == 0 && got != id)
			rc = client_keep(c, got, c->in + HEAD, size - HEAD,
					 err);
		memmove(c->in, c->in + size, c->in_len - size);
		c->in_len -= size;
		if (rc < 0 || got == id)
			return rc;
	}
}
