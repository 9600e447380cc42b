/*
 * guard - the agent's side of encap-guard (cluster/guard/).
 *
 * The guard is found by its lock on RUN/guard and started if there is none; one
 * that guards for an agent before this one is kept. It is looked after once a
 * second.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cluster/guard/page.h"
#include "store/err.h"

struct guard {
	struct guard_page *page; /* NULL: there is no guard */
	char path[256];		 /* of the page */
	char program[256], watchdog[256];
	char why[160]; /* there is none */
	bool told;     /* that there is none */
};

/* @program: "" for the one beside this program; @watchdog: "" for none. A
 * failure leaves a node without a guard, and the reason in `why`. */
void guard_open(struct guard *g, const char *run, const char *program,
		const char *watchdog);
/* What is to be taken away when @until_ms (CLOCK_BOOTTIME) has passed. */
void guard_set(struct guard *g, uint64_t until_ms, const char *list,
	       size_t len);
/* The agent turns: it does not hang. */
void guard_turn(struct guard *g, uint64_t now_ms);
/* Start it if it is gone. */
void guard_look(struct guard *g, uint64_t now_ms);
/* A sentence for people. */
const char *guard_says(const struct guard *g, uint64_t now_ms);
void guard_close(struct guard *g);
