/*
 * One mutex guards both lists. Threads are made on demand and stay until the
 * crew is closed: an idle one costs a few pages.
 */
#include "cluster/loop/crew.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct crew_job {
	STAILQ_ENTRY(crew_job) link; /* crew::queue or crew::ended */
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
};
STAILQ_HEAD(crew_jobs, crew_job);

struct crew {
	uv_async_t async;
	void (*worked)(void *data);
	void *data;
	unsigned busy; /* of the loop's thread alone */
	unsigned max, n_threads;
	uv_thread_t *threads;

	uv_mutex_t lock; /* what follows */
	uv_cond_t wake;
	struct crew_jobs queue, ended;
	unsigned n_queued, n_idle;
	bool closing;
};

static struct crew_job *crew_next(struct crew *c)
{
	struct crew_job *j;

	c->n_idle++;
	while (STAILQ_EMPTY(&c->queue) && !c->closing)
		uv_cond_wait(&c->wake, &c->lock);
	c->n_idle--;
	j = STAILQ_FIRST(&c->queue);
	if (j) {
		STAILQ_REMOVE_HEAD(&c->queue, link);
		c->n_queued--;
	}
	return j;
}

static void crew_thread(void *arg)
{
	struct crew *c = arg;
	struct crew_job *j;

	uv_mutex_lock(&c->lock);
	while ((j = crew_next(c))) {
		uv_mutex_unlock(&c->lock);
		j->run(j->arg);
		uv_mutex_lock(&c->lock);
		STAILQ_INSERT_TAIL(&c->ended, j, link);
		uv_async_send(&c->async);
	}
	uv_mutex_unlock(&c->lock);
}

static void on_async(uv_async_t *async)
{
	struct crew *c = async->data;
	struct crew_jobs ended = STAILQ_HEAD_INITIALIZER(ended);
	struct crew_job *j;

	uv_mutex_lock(&c->lock);
	STAILQ_CONCAT(&ended, &c->ended);
	uv_mutex_unlock(&c->lock);
	if (!STAILQ_EMPTY(&ended) && c->worked)
		c->worked(c->data);
	while ((j = STAILQ_FIRST(&ended))) {
		STAILQ_REMOVE_HEAD(&ended, link);
		c->busy--;
		j->done(j->arg);
		free(j);
	}
}

int crew_open(struct crew **ret, uv_loop_t *loop, unsigned max,
	      void (*worked)(void *data), void *data, struct err *err)
{
	struct crew *c = calloc(1, sizeof(*c));
	int rc;

	assert(max > 0);
	if (c)
		c->threads = calloc(max, sizeof(*c->threads));
	if (!c || !c->threads) {
		free(c);
		return err_set(err, -ENOMEM, "workers: out of memory");
	}
	rc = uv_async_init(loop, &c->async, on_async);
	if (rc < 0) {
		free(c->threads);
		free(c);
		return err_set(err, rc, "workers: %s", uv_strerror(rc));
	}
	if (uv_mutex_init(&c->lock) < 0 || uv_cond_init(&c->wake) < 0)
		abort();
	c->async.data = c;
	c->max = max;
	c->worked = worked;
	c->data = data;
	STAILQ_INIT(&c->queue);
	STAILQ_INIT(&c->ended);
	*ret = c;
	return 0;
}

/* One more, unless the idle ones suffice. The first must come to be. */
static void crew_grow(struct crew *c, unsigned queued, unsigned idle)
{
	if (queued <= idle || c->n_threads == c->max)
		return;
	if (uv_thread_create(&c->threads[c->n_threads], crew_thread, c) == 0)
		c->n_threads++;
	else if (c->n_threads == 0)
		abort();
}

void crew_work(struct crew *c, void (*run)(void *arg), void (*done)(void *arg),
	       void *arg)
{
	struct crew_job *j = malloc(sizeof(*j));
	unsigned queued, idle;

	if (!j)
		abort();
	*j = (struct crew_job){ .run = run, .done = done, .arg = arg };
	c->busy++;
	uv_mutex_lock(&c->lock);
	STAILQ_INSERT_TAIL(&c->queue, j, link);
	queued = ++c->n_queued;
	idle = c->n_idle;
	uv_cond_signal(&c->wake);
	uv_mutex_unlock(&c->lock);
	crew_grow(c, queued, idle);
}

unsigned crew_busy(const struct crew *c)
{
	return c->busy;
}

unsigned crew_threads(const struct crew *c)
{
	return c->n_threads;
}

static void on_closed(uv_handle_t *h)
{
	struct crew *c = h->data;

	uv_cond_destroy(&c->wake);
	uv_mutex_destroy(&c->lock);
	free(c->threads);
	free(c);
}

void crew_close(struct crew *c)
{
	if (!c)
		return;
	assert(c->busy == 0);
	uv_mutex_lock(&c->lock);
	c->closing = true;
	uv_cond_broadcast(&c->wake);
	uv_mutex_unlock(&c->lock);
	for (unsigned i = 0; i < c->n_threads; i++)
		uv_thread_join(&c->threads[i]);
	uv_close((uv_handle_t *)&c->async, on_closed);
}
