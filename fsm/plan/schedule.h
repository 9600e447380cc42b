/*
 * schedule - when something runs by itself.
 *
 *     "~04:00-06:00@10 mon-fri" ──schedule_parse──▶ [schedule]
 *     + last run, now, a seed ──schedule_next──▶ the next time
 *
 * Pure: now is the local time on the wall, given from outside. A definition is
 *     [!][~]RANGES[@INTERVAL] [DAYS [WEEKS [MONTHS]]]
 * several of them stand in a JSON list; with ! one says when not. RANGES are
 * HH:MM[:SS]-HH:MM[:SS], one time alone (of a second), or * for the whole day;
 * one that ends before it begins goes on over midnight, and belongs to the day
 * on which it began. The end is not in it. INTERVAL is in minutes if no unit is
 * given; without one it runs once per range; 0 is never. ~ begins at a random
 * moment of the range, which follows from the seed and the day. DAYS are
 * mon..sun or 1..7, with :N the N-th day of the month (first ... fifth, last,
 * -1 the last), WEEKS those of ISO 8601, MONTHS jan..dec, 1..12, or %M[+R]:
 * those of which the number plus R is divisible by M.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fsm/base/arena.h"
#include "store/err.h"

/* Seconds of local time since 1970-01-01 00:00, as if every day had 24 hours.
 */
typedef int64_t wall_time;
#define WALL_NEVER INT64_MIN

wall_time wall_make(int year, int month, int day, int hour, int minute,
		    int second);
void wall_split(wall_time t, int *year, int *month, int *day, int *second);

#define SCHEDULE_DEFS	16
#define SCHEDULE_RANGES 16
#define SCHEDULE_DAYS	32

struct schedule {
	struct schedule_def {
		bool exclude, random;
		struct {
			int from, len; /* seconds */
		} ranges[SCHEDULE_RANGES];
		unsigned n_ranges;
		int64_t interval; /* seconds; -1: once per range */
		struct {
			int from, to; /* of the week, 1 is Monday */
			int dom; /* of the month; 0: any; < 0: from its end */
		} days[SCHEDULE_DAYS];
		unsigned n_days; /* 0: every day */
		uint64_t weeks;	 /* bit N: week N; 0: every week */
		unsigned months; /* bit N: month N; 0: every month */
	} defs[SCHEDULE_DEFS];
	unsigned n;
};

/* A definition that is malformed is dropped, the others stay: the number of
 * those that were dropped, @err says what is wrong with the first. */
unsigned schedule_parse(struct arena *a, const char *text, struct schedule *ret,
			struct err *err);

/* The first moment, not before @from, at which it is to run, when it last ran
 * at @last; WALL_NEVER if there is none within five years. */
wall_time schedule_next(const struct schedule *s, wall_time from,
			wall_time last, uint64_t seed);
