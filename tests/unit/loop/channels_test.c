/*
 * The two ends of a container's channel, in one process.
 */
#include "cluster/loop/channels.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/loop/clock.h"
#include "cluster/loop/host.h"
#include "cluster/loop/report.h"
#include "cluster/loop/sock.h"
#include "cluster/loop/wire.h"
#include "tests/lib/table.h"

/* -- both ends --------------------------------------------------------------
 */

struct world {
	char dir[64], sock[160];
	uv_loop_t loop;
	struct channels *channels;
	struct host *host;
	enum host_want want;
	bool up, host_up; /* as last told */
	unsigned ups, downs;
	char got[64], host_got[64];
};

static void on_up(void *ctx, const char *service, const char *rid, bool up)
{
	struct world *w = ctx;

	assert_string_equal(service, "web");
	assert_string_equal(rid, "container#0");
	w->up = up;
	w->ups += up;
	w->downs += !up;
}

static void on_frame(void *ctx, const char *service, const char *rid,
		     struct arena *a, struct doc *frame)
{
	struct world *w = ctx;

	(void)service;
	(void)rid;
	(void)a;
	snprintf(w->got, sizeof(w->got), "%s", doc_get_str(frame, "k", "?"));
}

static void on_host_up(void *ctx, bool up)
{
	struct world *w = ctx;

	w->host_up = up;
}

static void on_host_frame(void *ctx, struct arena *a, struct doc *frame)
{
	struct world *w = ctx;

	(void)a;
	snprintf(w->host_got, sizeof(w->host_got), "%s",
		 doc_get_str(frame, "k", "?"));
}

static enum host_want want(void *ctx)
{
	struct world *w = ctx;

	return w->want;
}

static void set(struct world *w, bool there)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *list = doc_list(a), *row = doc_map(a);

	doc_put_str(a, row, "service", "web");
	doc_put_str(a, row, "rid", "container#0");
	doc_put_str(a, row, "type", "sim");
	if (there)
		doc_add(a, list, row);
	channels_set(w->channels, list);
}

static int setup(void **state)
{
	static struct world w;
	const struct channels_io cio = { &w, on_up, on_frame };
	const struct host_io hio = { &w, on_host_up, on_host_frame, want };

	memset(&w, 0, sizeof(w));
	w.want = HOST_YES;
	snprintf(w.dir, sizeof(w.dir), "/tmp/encap-channel.XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	snprintf(w.sock, sizeof(w.sock), "%s/channel/web/container0/sock",
		 w.dir);
	assert_int_equal(uv_loop_init(&w.loop), 0);
	w.channels = channels_new(&w.loop, "hv1", w.dir, &cio);
	w.host = host_new(&w.loop, w.sock, &hio);
	*state = &w;
	return 0;
}

static int drop(const char *path, const struct stat *st, int kind,
		struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct world *w = *state;

	host_close(w->host);
	channels_close(w->channels);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	return nftw(w->dir, drop, 8, FTW_DEPTH | FTW_PHYS);
}

static void turn(struct world *w)
{
	if (clock_ms() >= host_next_ms(w->host))
		host_tick(w->host, clock_ms());
	if (clock_ms() >= channels_next_ms(w->channels))
		channels_tick(w->channels, clock_ms());
	uv_run(&w->loop, UV_RUN_NOWAIT);
	usleep(500);
}

#define UNTIL(cond)                                                            \
	do {                                                                   \
		uint64_t end_ = clock_ms() + 10000;                            \
		while (!(cond) && clock_ms() < end_)                           \
			turn(w);                                               \
		assert_true(cond);                                             \
	} while (0)

static struct doc *frame(struct arena *a, const char *k)
{
	struct doc *d = doc_map(a);

	doc_put_str(a, d, "k", k);
	return d;
}

static void frames_go_both_ways(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct world *w = *state;
	struct stat st;

	/* The agent in the container may be there first. */
	for (int i = 0; i < 20; i++)
		turn(w);
	assert_false(w->host_up);
	set(w, true);
	UNTIL(w->up && w->host_up);
	assert_true(channels_send(w->channels, "web", "container#0", a,
				  frame(a, "down")));
	assert_true(host_send(w->host, a, frame(a, "up")));
	UNTIL(w->got[0] && w->host_got[0]);
	assert_string_equal(w->got, "up");
	assert_string_equal(w->host_got, "down");
	assert_false(channels_send(w->channels, "web", "container#1", a,
				   frame(a, "x")));
	assert_int_equal(stat(w->sock, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	set(w, false);
	UNTIL(!w->host_up);
	assert_int_equal(stat(w->sock, &st), -1);
	assert_false(host_send(w->host, a, frame(a, "x")));
}

static void one_that_is_dropped_comes_again(void **state)
{
	struct world *w = *state;

	set(w, true);
	UNTIL(w->up && w->host_up);
	channels_drop(w->channels, "web", "container#0");
	assert_true(w->up); /* not from inside the call */
	UNTIL(!w->up);
	UNTIL(w->up && w->host_up);
	assert_int_equal(w->ups, 2);
	assert_int_equal(w->downs, 1);
}

static void a_new_connection_takes_the_place_of_the_old(void **state)
{
	struct world *w = *state;
	char byte;
	int fd;

	set(w, true);
	w->want = HOST_NO;
	fd = unix_connect(w->sock, NULL);
	assert_true(fd >= 0);
	UNTIL(w->ups == 1);
	w->want = HOST_YES;
	host_tick(w->host, clock_ms() + 5000);
	UNTIL(w->host_up && w->ups == 2);
	assert_true(w->up);
	UNTIL(recv(fd, &byte, 1, MSG_DONTWAIT) == 0);
	close(fd);
}

/* Both ends say something each second, and one that does not is gone. */
static void silence_is_noticed(void **state)
{
	struct world *w = *state;
	uint64_t begun = clock_ms();
	int fd;

	set(w, true);
	UNTIL(w->host_up && w->up);
	channels_tick(w->channels, begun + WIRE_SILENT_MS - 1000);
	uv_run(&w->loop, UV_RUN_NOWAIT);
	assert_true(w->up);
	channels_tick(w->channels, clock_ms() + WIRE_SILENT_MS + 1);
	UNTIL(!w->up);
	UNTIL(w->up && w->host_up);
	host_tick(w->host, clock_ms() + WIRE_SILENT_MS + 1);
	UNTIL(!w->host_up);
	w->want = HOST_NO;
	UNTIL(!w->up);
	/* What is heard of a pulse is no frame of the agent's. */
	fd = unix_connect(w->sock, NULL);
	assert_true(fd >= 0);
	UNTIL(w->up);
	assert_string_equal(w->got, "");
	close(fd);
	UNTIL(!w->up);
}

static void a_socket_that_was_removed_is_made_again(void **state)
{
	struct world *w = *state;
	struct stat st;

	set(w, true);
	assert_int_equal(unlink(w->sock), 0);
	channels_tick(w->channels, clock_ms() + 5000);
	UNTIL(stat(w->sock, &st) == 0);
	UNTIL(w->up);
}

static void without_the_folder_nobody_is_looked_for(void **state)
{
	struct world *w = *state;

	w->want = HOST_IF_THERE;
	host_tick(w->host, clock_ms());
	assert_true(host_next_ms(w->host) > clock_ms() + 1000);
	set(w, true);
	host_tick(w->host, clock_ms() + 5000);
	UNTIL(w->host_up);
}

static void a_long_path_will_do(void **state)
{
	struct world *w = *state;
	char path[512], name[201];
	int fd, other;

	memset(name, 'n', 200);
	name[200] = '\0';
	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/%s/sock", w->dir, name);
	fd = unix_listen(path, 0600, NULL);
	assert_true(fd >= 0);
	other = unix_connect(path, NULL);
	assert_true(other >= 0);
	close(other);
	close(fd);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(frames_go_both_ways),
		TEST(one_that_is_dropped_comes_again),
		TEST(a_new_connection_takes_the_place_of_the_old),
		TEST(silence_is_noticed),
		TEST(a_socket_that_was_removed_is_made_again),
		TEST(without_the_folder_nobody_is_looked_for),
		TEST(a_long_path_will_do),
	};

	report_init(-1);
	cmocka_set_test_filter(getenv("T"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
