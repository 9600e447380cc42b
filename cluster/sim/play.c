/*
 * A step after the other: time passes up to the one that has a time, what
 * people ask for is asked and not waited for, what is expected within a time
 * lets it pass. The services are looked at when something of them changed, the
 * groups ten times a second.
 */
#include "cluster/sim/play_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 10
#define POLL_US 100000

bool play_stop(struct play *p, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!p->r->error) {
		p->r->error = arena_printf(p->arena, "%s", text);
		p->r->error_line = p->step ? p->step->line : 0;
	}
	return false;
}

bool play_pass(struct play *p, uint64_t ms)
{
	uint64_t end = p->w->now_us + ms * 1000;

	while (p->w->now_us < end) {
		uint64_t left = (end - p->w->now_us + 999) / 1000;

		if (!world_run(p->w, left < LOOK_MS ? left : LOOK_MS)) {
			p->r->broken = true;
			PLAY_SAY(p, DIARY_FAILED, NULL, NULL, "%s",
				 p->w->failure);
			return false;
		}
		play_services_look(p, false);
		if (p->w->now_us >= p->polled_us + POLL_US) {
			play_watch(p);
			play_services_look(p, true); /* who woke up */
			p->polled_us = p->w->now_us;
		}
	}
	return true;
}

struct world_node *play_node(struct play *p, const char *name)
{
	struct world_node *n = world_named(p->w, name);

	if (!n)
		play_stop(p, "there is no node or container %s", name);
	return n;
}

static bool step_run(struct play *p, const struct scenario_step *s)
{
	uint64_t now = p->w->now_us - p->r->diary.zero_us;
	uint64_t at = (uint64_t)s->at_ms * 1000;

	p->step = s;
	if (s->timed && at < now)
		return play_stop(p, "it is %.1f s by then: 'at' is past",
				 (double)now / 1e6);
	if (s->timed && at > now && !play_pass(p, (at - now + 999) / 1000))
		return false;
	if (s->act == ACT_RUN)
		return play_pass(p, (uint64_t)s->ms);
	if (s->act > ACT_RUN)
		return play_expect(p, s);
	p->acted_us = p->w->now_us;
	PLAY_SAY(p, DIARY_ACT, NULL, NULL, "%s", s->text);
	if (s->act >= ACT_WANT)
		return play_act_people(p, s);
	if (!play_act_world(p, s))
		return false;
	play_services_look(p, true);
	return true;
}

static void result_fill(struct play *p)
{
	struct play_result *r = p->r;

	play_watch(p);
	play_services_end(p);
	r->lasted_us = p->w->now_us - r->diary.zero_us;
	r->services = ARENA_VEC(p->arena, struct play_outage, p->n + 1);
	for (size_t i = 0; i < p->n; i++)
		if (!p->services[i].gone)
			r->services[r->n++] = p->services[i].sum;
	diary_sort(&r->diary);
}

static void play_end(struct play *p)
{
	play_asks_end(p);
	p->w->hooks = NULL;
	world_free(p->w);
	for (unsigned i = 0; i < WORLD_NODES; i++)
		image_free(p->images[i]);
	for (size_t i = 0; i < p->n; i++) {
		free(p->services[i].config);
		arena_free(p->services[i].arena);
	}
}

void play_run(struct arena *a, const struct setup *setup,
	      const struct scenario *scenario, const char *base, uint64_t seed,
	      struct play_result *ret)
{
	struct play *p = ARENA_NEW(a, struct play);
	bool on;

	*ret = (struct play_result){ .diary = { .arena = a } };
	p->arena = a;
	p->setup = setup;
	p->scenario = scenario;
	p->base = base;
	p->r = ret;
	for (size_t i = 0; i < scenario->n; i++)
		if (scenario->at[i].act == ACT_SEED)
			seed = (uint64_t)scenario->at[i].number;
	p->w = world_new(seed, NULL);
	p->cap = setup->n + scenario->n + 1;
	p->services = ARENA_VEC(a, struct play_service, p->cap);
	p->rules = ARENA_VEC(a, struct play_rule, scenario->n + 1);
	on = play_begin(p);
	for (size_t i = 0; i < scenario->n && on; i++)
		if (scenario->at[i].act > ACT_BEGIN_STOPPED)
			on = step_run(p, &scenario->at[i]);
	result_fill(p);
	play_end(p);
}
