/*
 * When something runs by itself: a schedule in, the next times out, each of
 * them taken to be when it last ran before the next.
 *
 *     @now: YYYY-MM-DD HH:MM:SS   (2026-11-24 12:00:00, a Tuesday)
 *     @last: YYYY-MM-DD HH:MM:SS  when it last ran; without it never
 *     @times: N                   how many (3)
 *     @seed: N                    (1)
 *     the schedule
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/plan/schedule.h"
#include "tests/golden/golden.h"

static wall_time read_time(const char *text, wall_time fallback)
{
	int y, mo, d, h, mi, s;

	if (!text)
		return fallback;
	if (sscanf(text, "%d-%d-%d %d:%d:%d", &y, &mo, &d, &h, &mi, &s) != 6)
		abort();
	return wall_make(y, mo, d, h, mi, s);
}

static const char *weekday(wall_time t)
{
	static const char *const names[] = { "Thu", "Fri", "Sat", "Sun",
					     "Mon", "Tue", "Wed" };

	return names[(t / 86400) % 7];
}

static void show_time(struct buf *out, wall_time t)
{
	int y, m, d, s;

	wall_split(t, &y, &m, &d, &s);
	buf_printf(out, "%s %04d-%02d-%02d %02d:%02d:%02d\n", weekday(t), y, m,
		   d, s / 3600, s / 60 % 60, s % 60);
}

static void show(struct arena *a, const struct golden_case *c, struct buf *out)
{
	const char *times = golden_setting(a, c->text, "times");
	const char *seed = golden_setting(a, c->text, "seed");
	wall_time now = read_time(golden_setting(a, c->text, "now"),
				  wall_make(2026, 11, 24, 12, 0, 0));
	wall_time last =
		read_time(golden_setting(a, c->text, "last"), WALL_NEVER);
	const char *body = golden_body(c->text);
	const char *text =
		arena_printf(a, "%.*s", (int)strcspn(body, "\n"), body);
	struct schedule s;
	struct err err = { 0 };

	if (schedule_parse(a, text, &s, &err))
		buf_printf(out, "%s\n", err.text);
	for (int n = times ? atoi(times) : 3; n > 0; n--) {
		wall_time t = schedule_next(
			&s, now, last, seed ? strtoull(seed, NULL, 10) : 1);

		if (t == WALL_NEVER) {
			buf_puts(out, "never\n");
			return;
		}
		show_time(out, t);
		last = t;
		now = t + 1;
	}
}

int main(int argc, char **argv)
{
	return golden_main(argc, argv, show);
}
