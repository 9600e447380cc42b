/*
 * clock - the daemon's time, and one alarm on it.
 *
 * Time is CLOCK_BOOTTIME: it goes on while the machine sleeps, so that one
 * which wakes up does not believe in a lease that ended meanwhile
 * (docs/decisions/clock.md).
 */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "store/err.h"

uint64_t clock_ms(void);
/* Since the epoch; only ever shown. */
int64_t clock_wall_ms(void);
/* A time of clock_ms() on CLOCK_MONOTONIC, which drivers and threads use. */
int64_t clock_to_monotonic(int64_t ms);

struct alarm {
	uv_poll_t poll;
	int fd;
	uint64_t at; /* UINT64_MAX: off */
	void (*ring)(void *data);
	void *data;
};

int alarm_open(struct alarm *a, uv_loop_t *loop, void (*ring)(void *data),
	       void *data, struct err *err);
/* Ring once at @at_ms of clock_ms(), at once if that has passed. */
void alarm_set(struct alarm *a, uint64_t at_ms);
void alarm_close(struct alarm *a); /* the struct lives until the loop turned */
