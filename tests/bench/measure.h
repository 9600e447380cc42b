/*
 * measure - the clock of the programs here, and what lies in the middle.
 */
#pragma once

#include <stdlib.h>
#include <time.h>

static inline double measure_now_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline int measure_by_size(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return a < b ? -1 : a > b;
}

/* The value below which @q of the @n are: 0.5 is the median, 1 the greatest.
 * They are sorted. */
static inline double measure_part(double *v, size_t n, double q)
{
	if (!n)
		return 0;
	qsort(v, n, sizeof(*v), measure_by_size);
	return v[(size_t)((double)(n - 1) * q)];
}
