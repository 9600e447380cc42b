/*
 * fake_agent - answers like an agent, by what a test has written down.
 *
 * A thread listens on a unix socket in a directory of its own and answers each
 * request by calling `answer`; what was asked is kept as one line of JSON per
 * request. ENCAP_SOCKET names the socket as long as it runs.
 */
#pragma once

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fsm/base/doc.h"
#include "tests/lib/table.h"

struct fake_agent;

/* Fills in code and err, returns the data (or NULL). Must not be slow. */
typedef struct doc *fake_answer(struct fake_agent *f, struct arena *a,
				const char *op, const struct doc *request,
				int *code, const char **err);

struct fake_agent {
	fake_answer *answer;
	void *data;
	char dir[32], path[64];
	int listener;
	pthread_t thread;
	pthread_mutex_t lock;
	struct arena *arena;
	struct buf asked; /* one request a line */
	/* Misbehaviour, each for one answer: */
	const void *raw; /* send this instead of the answer, and close */
	size_t raw_len;
	bool swapped; /* hold an answer back until the next one is out */
};

static inline bool fake_read(int fd, void *to, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t r = read(fd, (char *)to + done, n - done);

		if (r <= 0)
			return false;
		done += (size_t)r;
	}
	return true;
}

static inline bool fake_write(int fd, const void *from, size_t n)
{
	return send(fd, from, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static inline struct doc *fake_request(int fd, struct arena *a)
{
	unsigned char head[4];
	struct doc *d = NULL;
	size_t len;
	char *body;

	if (!fake_read(fd, head, 4))
		return NULL;
	len = (size_t)head[0] << 24 | (size_t)head[1] << 16 |
	      (size_t)head[2] << 8 | head[3];
	body = arena_alloc(a, len);
	if (!fake_read(fd, body, len))
		return NULL;
	return doc_decode(a, body, len, &d, NULL) == 0 ? d : NULL;
}

static inline struct buf fake_frame(struct fake_agent *f, struct arena *a,
				    const struct doc *req)
{
	struct doc *d = doc_map(a), *data;
	struct buf body = BUF(a), frame = BUF(a);
	const char *err = "";
	unsigned char head[4];
	int code = 0;

	data = f->answer(f, a, doc_get_str(req, "op", ""), req, &code, &err);
	doc_put_int(a, d, "id", doc_get_int(req, "id", 0));
	doc_put_int(a, d, "code", code);
	doc_put_str(a, d, "err", err);
	doc_put(a, d, "data", data ? doc_copy(a, data) : doc_map(a));
	doc_encode(&body, d);
	for (unsigned i = 0; i < 4; i++)
		head[i] = (unsigned char)(body.len >> (24 - 8 * i));
	buf_add(&frame, head, 4);
	buf_add(&frame, body.data, body.len);
	return frame;
}

static inline void fake_serve(struct fake_agent *f, int fd)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf held = BUF(a);

	for (;;) {
		struct doc *req = fake_request(fd, a);
		struct buf frame;

		if (!req)
			return;
		pthread_mutex_lock(&f->lock);
		doc_json(&f->asked, req, 0);
		buf_puts(&f->asked, "\n");
		pthread_mutex_unlock(&f->lock);
		if (f->raw) {
			fake_write(fd, f->raw, f->raw_len);
			return;
		}
		frame = fake_frame(f, a, req);
		if (f->swapped && !held.len) {
			held = frame;
			continue;
		}
		if (!fake_write(fd, frame.data, frame.len))
			return;
		if (held.len && !fake_write(fd, held.data, held.len))
			return;
		held.len = 0;
		f->swapped = false;
	}
}

static inline void *fake_run(void *arg)
{
	struct fake_agent *f = arg;

	for (;;) {
		int fd = accept(f->listener, NULL, NULL);

		if (fd < 0)
			return NULL;
		fake_serve(f, fd);
		close(fd);
	}
}

static inline void fake_start(struct fake_agent *f)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	snprintf(f->dir, sizeof(f->dir), "/tmp/encap-cli-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/api.sock", f->dir);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", f->path);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(f->listener >= 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&sa, sizeof(sa)),
			 0);
	assert_int_equal(listen(f->listener, 8), 0);
	f->arena = arena_new();
	f->asked = BUF(f->arena);
	pthread_mutex_init(&f->lock, NULL);
	setenv("ENCAP_SOCKET", f->path, 1);
	assert_int_equal(pthread_create(&f->thread, NULL, fake_run, f), 0);
}

/* Every client of it must be gone. */
static inline void fake_stop(struct fake_agent *f)
{
	shutdown(f->listener, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->listener);
	unlink(f->path);
	rmdir(f->dir);
	unsetenv("ENCAP_SOCKET");
	pthread_mutex_destroy(&f->lock);
	arena_free(f->arena);
}
