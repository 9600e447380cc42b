/*
 * fuzz - what a fuzz target has: one function that takes any bytes.
 *
 * It crashes (abort, a sanitizer's report) where a promise is broken, and
 * returns 0 for all the rest. Called by libFuzzer or by main.c.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An assert that no build type drops, with the reason in words. */
#define PROMISE(what, holds)                                                   \
	do {                                                                   \
		if (!(holds)) {                                                \
			fprintf(stderr, "broken promise: %s\n", what);         \
			abort();                                               \
		}                                                              \
	} while (0)
