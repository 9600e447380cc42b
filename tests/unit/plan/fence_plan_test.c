/*
 * Who carries out a fence, and when it is given up.
 */
#include <stdio.h>
#include <string.h>

#include "fsm/plan/fence.h"
#include "tests/lib/table.h"

#define DEVICE	"[fence#hv2]\nagent = a\n"
#define DELAYED DEVICE "delay = 5s\n"

/* Of four nodes hv2 is the one: "NODES; STATE", where a node is its digit, a
 * capital letter: L lost, C not connected. */
static const struct row {
	const char *name;
	const char
		*others; /* hv1 hv3 hv4: "-", "L" lost, "C" cannot be reached */
	const char *state, *runner;
	int tries;
	bool automatic;
	int64_t waited_ms;
	const char *config;
	const char *decided;
} rows[] = {
	{ "asked: the first", "---", "asked", "", 0, false, 0, DEVICE,
	  "run hv1" },
	{ "asked: the first that is up", "L--", "asked", "", 0, false, 0,
	  DEVICE, "run hv3" },
	{ "asked: the first that can be reached", "C--", "asked", "", 0, false,
	  0, DEVICE, "run hv3" },
	{ "asked, and failed: the next", "---", "asked", "hv1", 1, false, 0,
	  DEVICE, "run hv3" },
	{ "asked, and failed twice: the next", "---", "asked", "hv3", 2, false,
	  0, DEVICE, "run hv4" },
	{ "failed as often as there are tries", "---", "asked", "hv4", 3, false,
	  0, DEVICE, "fail: it said no" },
	{ "the only one tries again", "-LL", "asked", "hv1", 1, false, 0,
	  DEVICE, "run hv1" },
	{ "nobody is left", "LLC", "asked", "", 0, false, 0, DEVICE,
	  "fail: no node is left to carry it out; it said no" },
	{ "no device", "---", "asked", "", 0, false, 0, "",
	  "fail: no fence device is configured for hv2: docs/fencing.md" },
	{ "a device of another", "---", "asked", "", 0, false, 0,
	  "[fence#hv1]\nagent = a\n",
	  "fail: no fence device is configured for hv2: docs/fencing.md" },
	{ "what cannot be read", "---", "asked", "", 0, false, 0,
	  "[fence#hv2]\nwand = a\n", "fail: [fence#hv2]" },
	{ "by itself: after a delay", "---", "asked", "", 0, true, 0, DELAYED,
	  "wait 5000" },
	{ "by itself: the delay is over", "---", "asked", "", 0, true, 5000,
	  DELAYED, "run hv1" },
	{ "by itself: the delay is before the first try alone", "---", "asked",
	  "hv1", 1, true, 0, DELAYED, "run hv3" },
	{ "by a person: no delay", "---", "asked", "", 0, false, 0, DELAYED,
	  "run hv1" },
	{ "running: waited for", "---", "running", "hv1", 1, false, 1000,
	  "[fence#hv2]\nagent = a\ntimeout = 1s\nretries = 0\n", "wait 10000" },
	{ "running: it does not say what came of it", "---", "running", "hv1",
	  1, false, 11000,
	  "[fence#hv2]\nagent = a\ntimeout = 1s\nretries = 0\n", "run hv3" },
	{ "running: who does it is lost", "L--", "running", "hv1", 1, false, 0,
	  DEVICE, "run hv4" },
	{ "running: who does it is lost, the last", "--L", "running", "hv4", 3,
	  false, 0, DEVICE, "fail: hv4 was lost while it carried it out" },
	{ "running: who does it has left", "---", "running", "hv9", 1, false, 0,
	  DEVICE, "run hv3" },
	{ "done", "---", "done", "hv1", 1, false, 0, DEVICE, "wait 0" },
	{ "failed: not by itself again", "---", "failed", "hv1", 3, false,
	  99999999, DEVICE, "wait 0" },
	{ "never", "---", "", "", 0, false, 0, DEVICE, "wait 0" },
};

static const char *decided(struct arena *a, const struct fence_out *o)
{
	if (o->verdict == FENCE_RUN)
		return arena_printf(a, "run %s", o->runner);
	if (o->verdict == FENCE_FAIL)
		return arena_printf(a, "fail: %s", o->text);
	return arena_printf(a, "wait %lld", (long long)o->again_ms);
}

static void decides(void **state)
{
	static const char *const names[] = { "hv1", "hv2", "hv3", "hv4" };
	const struct row *row = *state;
	SCOPED(arena) struct arena *a = arena_new();
	struct fence_node nodes[4];
	struct doc *fence = doc_map(a);
	struct fence_out out;
	const char *was;

	for (size_t i = 0; i < 4; i++) {
		char c = i == 1 ? '-' : row->others[i - (i > 1)];

		nodes[i] = (struct fence_node){ .id = i + 1,
						.name = names[i],
						.alive = c != 'L',
						.connected = c == '-' };
	}
	doc_put_str(a, fence, "state", row->state);
	doc_put_str(a, fence, "runner", row->runner);
	doc_put_int(a, fence, "tries", row->tries);
	doc_put_bool(a, fence, "auto", row->automatic);
	doc_put_str(a, fence, "text", "it said no");
	nodes[1].fence = *row->state ? fence : NULL;
	nodes[1].waited_ms = row->waited_ms;
	fence_decide(a, nodes, 4, 1, row->config, &out);
	was = decided(a, &out);
	if (strncmp(was, row->decided, strlen(row->decided)) != 0)
		fail_msg("%s, not %s", was, row->decided);
}

int main(void)
{
	return TABLE_RUN(rows, decides);
}
