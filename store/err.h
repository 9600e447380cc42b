/*
 * err - what went wrong, in words, carried by the caller.
 *
 * A fallible function takes a `struct err *` last and returns
 *
 *     0     it worked,
 *     > 0   a documented outcome the caller must look at (say, NOT_FOUND),
 *     < 0   a negated errno; *err then holds the sentence to show a person.
 *
 * The struct lives on the caller's stack and owns nothing, so it needs no
 * release and still works when memory has run out. Passing NULL means "I only
 * want the code". It stands in the lowest folder because every folder uses it.
 */
#pragma once

struct err {
	int code;	/* negated errno, or 0 */
	char text[504]; /* "outermost: ...: innermost", cut at the end */
};

#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* Record a failure and return @code, so callers can `return err_set(...)`. */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Put "context: " in front of what is there; returns @rc unchanged. */
int err_wrap(struct err *e, int rc, const char *fmt, ...) PRINTF_LIKE(3, 4);
