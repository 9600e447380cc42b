#include "cluster/loop/api.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "cluster/loop/clock.h"
#include "cluster/loop/report.h"
#include "cluster/loop/sock.h"
#include "cluster/loop/wire.h"

struct api_call {
	LIST_ENTRY(api_call) link; /* api_client::calls, while that is there */
	struct api *api;
	struct api_client *client; /* NULL: it has gone */
	int64_t id;
};

struct api_client {
	LIST_ENTRY(api_client) link; /* api::clients */
	struct api *api;
	struct wire *wire;
	uid_t uid;
	pid_t pid;
	unsigned n_calls;
	LIST_HEAD(, api_call) calls;
};

struct api {
	uv_loop_t *loop;
	struct listener listener;
	api_request request;
	void *data;
	unsigned live; /* the listener, and calls under way */
	size_t n_clients;
	LIST_HEAD(, api_client) clients;
	struct quiet refused, broken;
};

static void api_unref(struct api *s)
{
	if (--s->live == 0)
		free(s);
}

/* -- answers --------------------------------------------------------- */

static void client_send(struct api_client *c, struct arena *a, int64_t id,
			struct doc *answer)
{
	struct doc *small;
	struct err err;

	doc_put_int(a, answer, "id", id);
	if (wire_send(c->wire, a, answer, &err) == 0)
		return;
	small = doc_map(a);
	doc_put_int(a, small, "id", id);
	doc_put_int(a, small, "code", 1);
	doc_put_str(a, small, "err",
		    "the answer is too long: ask for less, by name or limit");
	wire_send(c->wire, a, small, NULL);
}

static void on_answer(void *arg, struct arena *a, struct doc *answer)
{
	struct api_call *call = arg;
	struct api_client *c = call->client;

	if (c) {
		client_send(c, a, call->id, answer);
		LIST_REMOVE(call, link);
		c->n_calls--;
		if (c->n_calls < API_MAX_REQUESTS)
			wire_pause(c->wire, false);
	}
	api_unref(call->api);
	free(call);
}

static void client_refuse(struct api_client *c, struct arena *a, int64_t id,
			  const char *why)
{
	struct doc *d = doc_map(a);

	doc_put_int(a, d, "code", 2);
	doc_put_str(a, d, "err", why);
	client_send(c, a, id, d);
}

/* -- clients --------------------------------------------------------- */

static void put_author(struct arena *a, struct doc *req, uid_t uid)
{
	struct doc *by = doc_get(req, "by");

	if (!by || by->type != DOC_MAP)
		by = doc_put(a, req, "by", doc_map(a));
	if (!doc_get_str(by, "user", NULL))
		doc_put_str(a, by, "user",
			    uid == 0
				    ? "root"
				    : arena_printf(a, "uid %u", (unsigned)uid));
}

static void on_frame(void *data, struct arena *a, struct doc *req)
{
	struct api_client *c = data;
	struct api *s = c->api;
	int64_t id = doc_get_int(req, "id", 0);
	struct api_call *call;

	if (doc_get_int(req, "v", 0) != 1) {
		client_refuse(c, a, id,
			      "a request needs \"v\": 1, the only version of "
			      "this interface: is encap of the same release?");
		return;
	}
	call = calloc(1, sizeof(*call));
	if (!call)
		abort();
	*call = (struct api_call){ .api = s, .client = c, .id = id };
	LIST_INSERT_HEAD(&c->calls, call, link);
	s->live++;
	if (++c->n_calls >= API_MAX_REQUESTS)
		wire_pause(c->wire, true);
	put_author(a, req, c->uid);
	s->request(s->data, a, req, on_answer, call);
}

static void client_free(struct api_client *c)
{
	struct api_call *call;

	while ((call = LIST_FIRST(&c->calls))) {
		LIST_REMOVE(call, link);
		call->client = NULL;
	}
	LIST_REMOVE(c, link);
	c->api->n_clients--;
	free(c);
}

static void client_say(struct api_client *c, const char *why)
{
	if (!quiet_about(&c->api->broken, clock_ms(), why))
		report(4, "api: client of pid %d, uid %u: %s: disconnected",
		       (int)c->pid, (unsigned)c->uid, why);
}

static void on_end(void *data, const struct err *why)
{
	struct api_client *c = data;

	/* One that dies in the middle is nothing to write home about. */
	if (why->code && why->code != -ECONNRESET && why->code != -EPIPE)
		client_say(c, why->text);
	client_free(c);
}

static const struct wire_ops ops = {
	.max_in = API_MAX_REQUEST,
	.max_out = API_MAX_FRAME,
	.max_queue = API_MAX_QUEUE,
	.read_max = API_READ_MAX,
	.ease_queue = API_EASE_QUEUE,
	.on_frame = on_frame,
	.on_end = on_end,
};

static int client_check(struct api *s, struct api_client *c, int fd,
			struct err *err)
{
	int rc = unix_peer(fd, &c->uid, &c->pid, err);

	if (rc < 0)
		return rc;
	if (c->uid != 0 && c->uid != geteuid())
		return err_set(err, -EPERM, "uid %u may not ask: only root may",
			       (unsigned)c->uid);
	if (s->n_clients >= API_MAX_CLIENTS)
		return err_set(err, -EMFILE, "%d clients are connected already",
			       API_MAX_CLIENTS);
	return 0;
}

static void on_client(void *data, int fd)
{
	struct api *s = data;
	struct api_client *c = calloc(1, sizeof(*c));
	struct err err;
	int rc;

	if (!c)
		abort();
	c->api = s;
	rc = client_check(s, c, fd, &err);
	if (rc < 0)
		close(fd);
	else
		rc = wire_open(&c->wire, s->loop, fd, &ops, c, &err);
	if (rc < 0) {
		if (!quiet_about(&s->refused, clock_ms(), err.text))
			report(4, "api: a client is refused: %s", err.text);
		free(c);
		return;
	}
	LIST_INIT(&c->calls);
	LIST_INSERT_HEAD(&s->clients, c, link);
	s->n_clients++;
}

int api_open(struct api **ret, uv_loop_t *loop, const char *path,
	     api_request request, void *data, struct err *err)
{
	struct api *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return err_set(err, -ENOMEM, "api: out of memory");
	s->loop = loop;
	s->request = request;
	s->data = data;
	s->live = 1;
	LIST_INIT(&s->clients);
	s->listener.data = s;
	s->listener.on_client = on_client;
	rc = listener_open(&s->listener, loop, path, 0600, err);
	if (rc < 0) {
		free(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void api_tick(struct api *s, uint64_t now_ms)
{
	struct api_client *c, *next;

	for (c = LIST_FIRST(&s->clients); c; c = next) {
		uint64_t stuck = wire_stuck_ms(c->wire);

		next = LIST_NEXT(c, link);
		if (!stuck || now_ms < stuck + API_STUCK_MS)
			continue;
		client_say(c, "it does not read its answers");
		wire_close(c->wire);
		client_free(c);
	}
}

size_t api_clients(const struct api *s)
{
	return s->n_clients;
}

static void on_listener_closed(void *data)
{
	api_unref(data);
}

void api_close(struct api *s)
{
	struct api_client *c;

	if (!s)
		return;
	while ((c = LIST_FIRST(&s->clients))) {
		wire_close(c->wire);
		client_free(c);
	}
	listener_close(&s->listener, on_listener_closed);
}
