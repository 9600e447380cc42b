#include "cluster/loop/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_read(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

uint64_t clock_ms(void)
{
	return (uint64_t)clock_read(CLOCK_BOOTTIME);
}

int64_t clock_wall_ms(void)
{
	return clock_read(CLOCK_REALTIME);
}

int64_t clock_to_monotonic(int64_t ms)
{
	return ms - clock_read(CLOCK_BOOTTIME) + clock_read(CLOCK_MONOTONIC);
}

static void on_ring(uv_poll_t *poll, int status, int events)
{
	struct alarm *a = poll->data;
	uint64_t times;

	(void)status;
	(void)events;
	if (read(a->fd, &times, sizeof(times)) != (ssize_t)sizeof(times))
		return; /* set anew meanwhile */
	a->at = UINT64_MAX;
	a->ring(a->data);
}

int alarm_open(struct alarm *a, uv_loop_t *loop, void (*ring)(void *data),
	       void *data, struct err *err)
{
	int rc;

	*a = (struct alarm){ .at = UINT64_MAX, .ring = ring, .data = data };
	a->fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (a->fd < 0)
		return err_set(err, -errno, "timer: %s", strerror(errno));
	rc = uv_poll_init(loop, &a->poll, a->fd);
	if (rc < 0) {
		close(a->fd);
		return err_set(err, rc, "timer: %s", uv_strerror(rc));
	}
	a->poll.data = a;
	uv_poll_start(&a->poll, UV_READABLE, on_ring);
	return 0;
}

void alarm_set(struct alarm *a, uint64_t at_ms)
{
	struct itimerspec when = { 0 };

	if (at_ms == a->at)
		return;
	a->at = at_ms;
	if (at_ms != UINT64_MAX) {
		when.it_value.tv_sec = (time_t)(at_ms / 1000);
		when.it_value.tv_nsec = (long)(at_ms % 1000) * 1000000;
		if (at_ms == 0)
			when.it_value.tv_nsec = 1; /* 0 would be off */
	}
	timerfd_settime(a->fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void on_closed(uv_handle_t *h)
{
	struct alarm *a = h->data;

	close(a->fd);
}

void alarm_close(struct alarm *a)
{
	uv_close((uv_handle_t *)&a->poll, on_closed);
}
