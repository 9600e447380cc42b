/*
 * plan - what goes wrong and what people do in one run, as data.
 *
 *     seed ─▶ drawn: settings, steps in order of time ─▶ played
 *                        ▲                                 │ it fails
 *                        └── fewer steps, lower settings ──┘
 *
 * Each step has its own source of chance, so that to leave one out changes
 * nothing in what the others do. What a kind of step is, and what a setting
 * means, is the program's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PLAN_STEPS = 1024,
	PLAN_SETTINGS = 12,
	PLAN_TRIES = 400, /* to make one smaller, at most */
};

struct plan_step {
	unsigned number; /* as it was drawn */
	unsigned kind;
	uint64_t at_ms;
	uint64_t chance;
};

struct plan_setting {
	const char *name;
	unsigned value, least;
};

struct plan {
	uint64_t seed;
	uint64_t end_ms; /* from then on nothing goes wrong */
	struct plan_setting set[PLAN_SETTINGS];
	unsigned n_set;
	struct plan_step step[PLAN_STEPS];
	unsigned n;
};

/* SplitMix64 (Steele, Lea, Flood 2014). */
uint64_t chance_next(uint64_t *chance);
uint64_t chance_pick(uint64_t *chance, uint64_t n); /* in [0, n); 0 of 0 */
bool chance_hit(uint64_t *chance, unsigned per_mille);

void plan_set(struct plan *p, const char *name, unsigned value, unsigned least);
unsigned plan_get(const struct plan *p, const char *name);
void plan_step(struct plan *p, unsigned kind, uint64_t at_ms, uint64_t chance);

/* "--only 3,17": leave out all other steps. "--set a=1,b=2". False: that is
 * not how they are written. */
bool plan_keep(struct plan *p, const char *numbers);
bool plan_change(struct plan *p, const char *settings);

/* Does @p still break the same rule? */
typedef bool (*plan_fails)(void *arg, const struct plan *p);
/*
 * A smaller plan that still fails: all steps after @fail_ms go at once, then
 * ever smaller parts of the rest (delta debugging: Zeller, Hildebrandt 2002),
 * then the settings are lowered. Returns how often it was tried.
 */
unsigned plan_shrink(struct plan *p, uint64_t fail_ms, plan_fails fails,
		     void *arg);
