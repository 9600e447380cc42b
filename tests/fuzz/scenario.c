/*
 * Any bytes as a scenario: it is refused with a reason that names a line, or
 * each of its steps has what its row says, and reads again as what it is.
 */
#include "cluster/sim/scenario.h"

#include <string.h>

#include "fsm/base/arena.h"
#include "tests/fuzz/fuzz.h"

static void step_holds(struct arena *a, const struct scenario_step *s)
{
	struct problems p = { .arena = a };
	struct scenario *again;

	PROMISE("a step has its text", s->text && *s->text && s->line);
	PROMISE("times are within bounds",
		s->at_ms >= 0 && s->at_ms <= SCENARIO_MAX_MS &&
			s->within_ms >= 0 && s->for_ms >= 0);
	if (s->act == ACT_KILL || s->act == ACT_CUT || s->act == ACT_MOVE)
		PROMISE("a node is named", s->nodes.n > 0);
	if (s->act == ACT_SET || s->act == ACT_ASK)
		PROMISE("there is a rest", s->rest && *s->rest);
	again = scenario_parse(a, "again", s->text, strlen(s->text), &p);
	PROMISE("it reads again",
		again && again->n == 1 && again->at[0].act == s->act);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct problems p = { .arena = a };
	struct scenario *s =
		scenario_parse(a, "fuzz", (const char *)data, size, &p);

	PROMISE("what is refused has a reason", s || p.fatal);
	for (size_t i = 0; s && i < s->n; i++)
		step_holds(a, &s->at[i]);
	return 0;
}
