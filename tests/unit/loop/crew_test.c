/*
 * Lanes: order in a crew of one, growth past what hangs, done() on the loop.
 */
#include "cluster/loop/crew.h"

#include <semaphore.h>
#include <stdbool.h>
#include <string.h>

#include "tests/lib/table.h"

struct work {
	uv_loop_t loop;
	struct crew *crew;
	sem_t gate;
	char said[256];
	unsigned done, batches;
};

struct item {
	struct work *work;
	char name;
	bool hangs;
	uv_thread_t ran_on;
};

static void run(void *arg)
{
	struct item *i = arg;

	i->ran_on = uv_thread_self();
	if (i->hangs)
		sem_wait(&i->work->gate);
}

static void done(void *arg)
{
	struct item *i = arg;
	struct work *w = i->work;
	uv_thread_t self = uv_thread_self();

	assert_false(uv_thread_equal(&self, &i->ran_on));
	w->said[w->done++] = i->name;
}

static void worked(void *data)
{
	struct work *w = data;

	w->batches++;
}

static void work_init(struct work *w, unsigned max)
{
	struct err err;

	memset(w, 0, sizeof(*w));
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(sem_init(&w->gate, 0, 0), 0);
	assert_int_equal(crew_open(&w->crew, &w->loop, max, worked, w, &err),
			 0);
}

static void work_fini(struct work *w)
{
	crew_close(w->crew);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	sem_destroy(&w->gate);
}

static void wait_for(struct work *w, unsigned n)
{
	while (w->done < n)
		uv_run(&w->loop, UV_RUN_ONCE);
}

static void a_crew_of_one_keeps_the_order(void **state)
{
	struct work w;
	struct item items[26];

	(void)state;
	work_init(&w, 1);
	for (int i = 0; i < 26; i++) {
		items[i] = (struct item){ &w, (char)('a' + i), i == 0, 0 };
		crew_work(w.crew, run, done, &items[i]);
	}
	assert_int_equal(crew_busy(w.crew), 26);
	assert_string_equal(w.said, "");
	sem_post(&w.gate);
	wait_for(&w, 26);
	assert_string_equal(w.said, "abcdefghijklmnopqrstuvwxyz");
	assert_int_equal(crew_threads(w.crew), 1);
	assert_true(w.batches >= 1 && w.batches <= 26);
	work_fini(&w);
}

static void what_hangs_delays_nobody(void **state)
{
	struct work w;
	struct item items[8];

	(void)state;
	work_init(&w, 8);
	for (int i = 0; i < 8; i++) {
		items[i] = (struct item){ &w, (char)('a' + i), i < 7, 0 };
		crew_work(w.crew, run, done, &items[i]);
	}
	wait_for(&w, 1);
	assert_string_equal(w.said, "h");
	assert_int_equal(crew_busy(w.crew), 7);
	assert_int_equal(crew_threads(w.crew), 8);
	for (int i = 0; i < 7; i++)
		sem_post(&w.gate);
	wait_for(&w, 8);
	work_fini(&w);
}

static void idle_threads_are_used_again(void **state)
{
	struct work w;
	struct item items[20];

	(void)state;
	work_init(&w, 8);
	for (unsigned i = 0; i < 20; i++) {
		items[i] = (struct item){ &w, 'x', false, 0 };
		crew_work(w.crew, run, done, &items[i]);
		wait_for(&w, i + 1);
	}
	/* A thread that has said so may not be back at the queue yet. */
	assert_true(crew_threads(w.crew) <= 3);
	work_fini(&w);
}

static void at_the_bound_jobs_wait(void **state)
{
	struct work w;
	struct item items[6];

	(void)state;
	work_init(&w, 2);
	for (int i = 0; i < 6; i++) {
		items[i] = (struct item){ &w, 'x', i < 2, 0 };
		crew_work(w.crew, run, done, &items[i]);
	}
	for (int i = 0; i < 20; i++)
		uv_run(&w.loop, UV_RUN_NOWAIT);
	assert_int_equal(w.done, 0);
	assert_int_equal(crew_threads(w.crew), 2);
	sem_post(&w.gate);
	sem_post(&w.gate);
	wait_for(&w, 6);
	work_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crew_of_one_keeps_the_order),
		cmocka_unit_test(what_hangs_delays_nobody),
		cmocka_unit_test(idle_threads_are_used_again),
		cmocka_unit_test(at_the_bound_jobs_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
