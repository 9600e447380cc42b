#include "tests/sim/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

uint64_t chance_next(uint64_t *chance)
{
	uint64_t z = (*chance += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t chance_pick(uint64_t *chance, uint64_t n)
{
	return n ? chance_next(chance) % n : 0;
}

bool chance_hit(uint64_t *chance, unsigned per_mille)
{
	return chance_pick(chance, 1000) < per_mille;
}

static struct plan_setting *setting(const struct plan *p, const char *name,
				    size_t len)
{
	for (unsigned i = 0; i < p->n_set; i++)
		if (strncmp(p->set[i].name, name, len) == 0 &&
		    !p->set[i].name[len])
			return (struct plan_setting *)&p->set[i];
	return NULL;
}

void plan_set(struct plan *p, const char *name, unsigned value, unsigned least)
{
	assert(p->n_set < PLAN_SETTINGS);
	p->set[p->n_set++] = (struct plan_setting){ name, value, least };
}

unsigned plan_get(const struct plan *p, const char *name)
{
	const struct plan_setting *s = setting(p, name, strlen(name));

	assert(s);
	return s->value;
}

void plan_step(struct plan *p, unsigned kind, uint64_t at_ms, uint64_t chance)
{
	assert(p->n < PLAN_STEPS);
	p->step[p->n] = (struct plan_step){ p->n, kind, at_ms, chance };
	p->n++;
}

bool plan_keep(struct plan *p, const char *numbers)
{
	unsigned n = 0;

	while (*numbers) {
		char *end;
		unsigned long number = strtoul(numbers, &end, 10);

		if (end == numbers || (*end && *end != ','))
			return false;
		while (n < p->n && p->step[n].number < number)
			memmove(&p->step[n], &p->step[n + 1],
				(--p->n - n) * sizeof(p->step[0]));
		if (n == p->n || p->step[n].number != number)
			return false;
		n++;
		numbers = *end ? end + 1 : end;
	}
	p->n = n;
	return true;
}

bool plan_change(struct plan *p, const char *settings)
{
	while (*settings) {
		size_t len = strcspn(settings, "=");
		struct plan_setting *s = setting(p, settings, len);
		char *end;

		if (!s || !settings[len])
			return false;
		s->value = (unsigned)strtoul(settings + len + 1, &end, 10);
		if (end == settings + len + 1 || (*end && *end != ','))
			return false;
		settings = *end ? end + 1 : end;
	}
	return true;
}

/* -- smaller --------------------------------------------------------------- */

struct shrinking {
	plan_fails fails;
	void *arg;
	unsigned tries;
	struct plan next;
};

static bool try_it(struct shrinking *s, struct plan *p)
{
	if (s->tries == PLAN_TRIES)
		return false;
	s->tries++;
	if (!s->fails(s->arg, &s->next))
		return false;
	*p = s->next;
	return true;
}

static bool try_without(struct shrinking *s, struct plan *p, unsigned from,
			unsigned n)
{
	s->next = *p;
	memmove(&s->next.step[from], &s->next.step[from + n],
		(p->n - from - n) * sizeof(p->step[0]));
	s->next.n -= n;
	return try_it(s, p);
}

static bool fewer_steps(struct shrinking *s, struct plan *p)
{
	bool any = false;

	for (unsigned size = (p->n + 1) / 2; size; size /= 2)
		for (unsigned from = 0; from < p->n;) {
			unsigned n = p->n - from < size ? p->n - from : size;

			if (try_without(s, p, from, n))
				any = true;
			else
				from += n;
		}
	return any;
}

static bool lower_settings(struct shrinking *s, struct plan *p)
{
	bool any = false;

	for (unsigned i = 0; i < p->n_set; i++)
		for (unsigned v = p->set[i].least; v < p->set[i].value;) {
			s->next = *p;
			s->next.set[i].value = v;
			if (try_it(s, p)) {
				any = true;
				break;
			}
			/* 0, 1, 2, 4, ...: some are large numbers. */
			v = v + (v > 2 ? v / 2 : 1);
		}
	return any;
}

unsigned plan_shrink(struct plan *p, uint64_t fail_ms, plan_fails fails,
		     void *arg)
{
	struct shrinking s = { .fails = fails, .arg = arg };
	unsigned n = 0;

	while (n < p->n && p->step[n].at_ms <= fail_ms)
		n++;
	if (n < p->n)
		try_without(&s, p, n, p->n - n);
	do {
		lower_settings(&s, p);
	} while (fewer_steps(&s, p) && s.tries < PLAN_TRIES);
	return s.tries;
}
