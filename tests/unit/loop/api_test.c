/*
 * The API's socket against clients that behave, and many that do not.
 */
#include "cluster/loop/api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cluster/loop/clock.h"
#include "cluster/loop/report.h"
#include "cluster/loop/sock.h"
#include "cluster/net/frame.h"
#include "tests/lib/table.h"

#define KEPT 256

struct world {
	uv_loop_t loop;
	struct api *api;
	char dir[64], path[128];
	/* "keep": answered later, by the test. */
	agent_answer done[KEPT];
	void *arg[KEPT];
	size_t bytes[KEPT]; /* of the answer's data */
	size_t n_kept, n_asked;
	char user[64];
};

static void request(void *data, struct arena *a, struct doc *req,
		    agent_answer done, void *arg)
{
	struct world *w = data;
	const char *op = doc_get_str(req, "op", "");
	struct doc *answer = doc_map(a);
	size_t big = (size_t)doc_get_int(req, "bytes", 0);

	w->n_asked++;
	snprintf(w->user, sizeof(w->user), "%s",
		 doc_get_str(doc_get(req, "by"), "user", "?"));
	if (strcmp(op, "keep") == 0) {
		assert_true(w->n_kept < KEPT);
		w->done[w->n_kept] = done;
		w->bytes[w->n_kept] = big;
		w->arg[w->n_kept++] = arg;
		return;
	}
	doc_put_int(a, answer, "code", 0);
	if (big)
		doc_put_bin(a, answer, "data", arena_alloc(a, big), big);
	done(arg, a, answer);
}

static void answer_kept(struct world *w)
{
	SCOPED(arena) struct arena *a = arena_new();

	for (size_t i = 0; i < w->n_kept; i++) {
		struct doc *answer = doc_map(a);
		size_t big = w->bytes[i];

		doc_put_int(a, answer, "code", 7);
		if (big)
			doc_put_bin(a, answer, "data", arena_alloc(a, big),
				    big);
		w->done[i](w->arg[i], a, answer);
	}
	w->n_kept = 0;
}

static int setup(void **state)
{
	static struct world w;
	struct err err;

	memset(&w, 0, sizeof(w));
	snprintf(w.dir, sizeof(w.dir), "/tmp/encap-api.XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	snprintf(w.path, sizeof(w.path), "%s/api.sock", w.dir);
	assert_int_equal(uv_loop_init(&w.loop), 0);
	assert_int_equal(api_open(&w.api, &w.loop, w.path, request, &w, &err),
			 0);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	if (w->api)
		api_close(w->api);
	answer_kept(w);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	unlink(w->path);
	assert_int_equal(rmdir(w->dir), 0);
	return 0;
}

static void turn(struct world *w)
{
	uv_run(&w->loop, UV_RUN_NOWAIT);
}

static void wait_clients(struct world *w, size_t n)
{
	uint64_t end = clock_ms() + 10000;

	while (api_clients(w->api) != n) {
		assert_true(clock_ms() < end);
		turn(w);
	}
}

static int client(struct world *w)
{
	size_t n = api_clients(w->api);
	struct err err;
	int fd = unix_connect(w->path, &err);

	assert_true(fd >= 0);
	wait_clients(w, n + 1);
	return fd;
}

static void send_all(struct world *w, int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			turn(w);
			continue;
		}
		if (n < 0)
			return; /* it was disconnected, as it should */
		at += n;
		len -= (size_t)n;
	}
}

static void ask(struct world *w, int fd, int64_t id, const char *op,
		size_t bytes, int64_t version)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *req = doc_map(a);
	struct buf out = BUF(a);

	doc_put_int(a, req, "v", version);
	doc_put_int(a, req, "id", id);
	doc_put_str(a, req, "op", op);
	doc_put_int(a, req, "bytes", (int64_t)bytes);
	assert_int_equal(frame_put(&out, req, API_MAX_FRAME, NULL), 0);
	send_all(w, fd, out.data, out.len);
}

struct got {
	int64_t id, code;
	bool here;
};

static int on_frame(void *arg, struct arena *a, struct doc *frame)
{
	struct got *g = arg;

	(void)a;
	g->id = doc_get_int(frame, "id", -1);
	g->code = doc_get_int(frame, "code", -1);
	g->here = true;
	return 0;
}

/* The next answer; code -1 when the connection is closed instead. */
static struct got hear(struct world *w, int fd)
{
	struct frames in = FRAMES(API_MAX_FRAME);
	struct got g = { -1, -1, false };
	uint64_t end = clock_ms() + 10000;
	char byte[4096];

	while (!g.here) {
		ssize_t n;

		assert_true(clock_ms() < end);
		turn(w);
		/* Not beyond the frame: the next is for the next call. */
		n = recv(fd, byte,
			 in.head_len < FRAME_HEAD	   ? 1
			 : in.len - in.have < sizeof(byte) ? in.len - in.have
							   : sizeof(byte),
			 MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			break;
		assert_int_equal(
			frame_feed(&in, byte, (size_t)n, on_frame, &g, NULL),
			0);
	}
	frame_reset(&in);
	return g;
}

static void answers_find_their_way(void **state)
{
	struct world *w = *state;
	int one = client(w), two = client(w);
	struct stat st;

	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	ask(w, one, 11, "keep", 0, 1);
	ask(w, two, 12, "now", 0, 1);
	assert_int_equal(hear(w, two).id, 12);
	ask(w, one, 13, "now", 0, 1);
	assert_int_equal(hear(w, one).id, 13);
	answer_kept(w);
	assert_int_equal(hear(w, one).id, 11);
	assert_string_equal(w->user, geteuid() == 0 ? "root" : w->user);
	close(one);
	close(two);
	wait_clients(w, 0);
}

static void another_version_is_refused(void **state)
{
	struct world *w = *state;
	int fd = client(w);
	struct got g;

	ask(w, fd, 3, "now", 0, 2);
	g = hear(w, fd);
	assert_int_equal(g.id, 3);
	assert_int_equal(g.code, 2);
	assert_int_equal(w->n_asked, 0);
	close(fd);
}

static void too_long_an_answer_is_said_so(void **state)
{
	struct world *w = *state;
	int fd = client(w);
	struct got g;

	ask(w, fd, 4, "now", API_MAX_FRAME, 1);
	g = hear(w, fd);
	assert_int_equal(g.id, 4);
	assert_int_equal(g.code, 1);
	close(fd);
}

static const struct bad {
	const char *name;
	const char *bytes;
	size_t len;
	bool hangs_up;
} bads[] = {
	{ "text", "GET / HTTP/1.0\r\n\r\n", 18, false },
	{ "an announced gigabyte", "\x40\0\0\0", 4, false },
	{ "a request of more than 2 MiB", "\0\x20\0\1", 4, false },
	{ "no map", "\0\0\0\1\xc0", 5, false },
	{ "bytes behind the map", "\0\0\0\2\x80\x80", 6, false },
	{ "an empty frame", "\0\0\0\0", 4, false },
	{ "a map that lies of its length", "\0\0\0\5\xdf\xff\xff\xff\xff", 9,
	  false },
	{ "half a frame, and away", "\0\0\1\0\x81", 5, true },
	{ "nothing, and away", "", 0, true },
};

static void bad_bytes_end_that_client_alone(void **state)
{
	const struct bad *b = *state;
	void *world;
	struct world *w;
	int good, fd;

	setup(&world);
	w = world;
	good = client(w);
	fd = client(w);
	send_all(w, fd, b->bytes, b->len);
	if (b->hangs_up)
		close(fd);
	else
		assert_int_equal(hear(w, fd).code, -1);
	wait_clients(w, 1);
	ask(w, good, 1, "now", 0, 1);
	assert_int_equal(hear(w, good).code, 0);
	assert_int_equal(w->n_asked, 1);
	close(good);
	if (!b->hangs_up)
		close(fd);
	teardown(&world);
}

static void who_does_not_read_is_dropped(void **state)
{
	struct world *w = *state;
	int fd = client(w), slow = client(w);
	size_t asked;

	/* By too much that waits for it ... */
	for (int i = 0; i < 5; i++)
		ask(w, fd, i, "keep", API_MAX_FRAME - 4096, 1);
	while (w->n_kept < 5)
		turn(w);
	answer_kept(w);
	wait_clients(w, 1);
	/* ... and by waiting too long. */
	asked = w->n_asked;
	ask(w, slow, 1, "now", 4 << 20, 1);
	while (w->n_asked == asked)
		turn(w);
	api_tick(w->api, clock_ms() + API_STUCK_MS - 1000);
	assert_int_equal(api_clients(w->api), 1);
	api_tick(w->api, clock_ms() + API_STUCK_MS + 1000);
	assert_int_equal(api_clients(w->api), 0);
	close(fd);
	close(slow);
}

static void who_does_not_read_is_not_read(void **state)
{
	struct world *w = *state;
	int fd = client(w), other = client(w);

	for (int i = 0; i < 200; i++)
		ask(w, fd, i, "now", 50000, 1);
	for (int i = 0; i < 1000; i++)
		turn(w);
	/* What the socket took, what may wait, and what one turn looks at. */
	assert_true(w->n_asked > 4 && w->n_asked < 100);
	assert_int_equal(api_clients(w->api), 2);
	ask(w, other, 1, "now", 0, 1);
	assert_int_equal(hear(w, other).id, 1);
	/* And it is, once it reads. */
	for (int i = 0; i < 200; i++)
		assert_int_equal(hear(w, fd).id, i);
	close(fd);
	close(other);
	wait_clients(w, 0);
}

static void too_many_requests_wait_unread(void **state)
{
	struct world *w = *state;
	int fd = client(w);

	for (int i = 0; i < API_MAX_REQUESTS; i++)
		ask(w, fd, i, "keep", 0, 1);
	while (w->n_kept < API_MAX_REQUESTS)
		turn(w);
	for (int i = 0; i < 10; i++) {
		ask(w, fd, 1000 + i, "keep", 0, 1);
		turn(w);
	}
	assert_int_equal(w->n_kept, API_MAX_REQUESTS);
	answer_kept(w);
	while (w->n_kept < 10)
		turn(w);
	close(fd);
	wait_clients(w, 0); /* and the answers go to nobody */
}

static void there_is_a_bound_on_clients(void **state)
{
	struct world *w = *state;
	int fds[API_MAX_CLIENTS], one;
	char byte;

	for (int i = 0; i < API_MAX_CLIENTS; i++)
		fds[i] = client(w);
	one = unix_connect(w->path, NULL);
	assert_true(one >= 0);
	while (recv(one, &byte, 1, MSG_DONTWAIT) != 0)
		turn(w);
	assert_int_equal(api_clients(w->api), API_MAX_CLIENTS);
	close(one);
	for (int i = 0; i < API_MAX_CLIENTS; i++)
		close(fds[i]);
	wait_clients(w, 0);
}

static void closing_with_requests_under_way(void **state)
{
	struct world *w = *state;
	int fd = client(w);

	ask(w, fd, 1, "keep", 0, 1);
	while (w->n_kept < 1)
		turn(w);
	api_close(w->api);
	w->api = NULL;
	turn(w);
	answer_kept(w);
	assert_int_equal(hear(w, fd).code, -1);
	close(fd);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(answers_find_their_way),
		TEST(another_version_is_refused),
		TEST(too_long_an_answer_is_said_so),
		TEST(who_does_not_read_is_dropped),
		TEST(who_does_not_read_is_not_read),
		TEST(too_many_requests_wait_unread),
		TEST(there_is_a_bound_on_clients),
		TEST(closing_with_requests_under_way),
	};

	report_init(-1);
	return cmocka_run_group_tests(tests, NULL, NULL) +
	       TABLE_RUN(bads, bad_bytes_end_that_client_alone);
}
