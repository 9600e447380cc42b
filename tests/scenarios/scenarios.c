/*
 * scenarios FOLDER [NAME] - plays every FOLDER/NAME.scenario and compares what
 * comes of it with NAME.log beside it.
 *
 * Words must be the same, and in the same order; times may differ by half a
 * second, so that not every change of what happens within shows here. With
 * GOLDEN_UPDATE in the environment the logs that differ are written instead:
 * read them as you would read code. An expectation that is not met fails,
 * whatever the log says.
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/sim/play.h"
#include "tests/golden/golden.h"

#define NEAR_S 0.501

static bool number_at(const char *p, double *ret, const char **ret_end)
{
	char *end;
	size_t n = strspn(p, "0123456789");

	if (!n || p[n] != '.' || !strspn(p + n + 1, "0123456789"))
		return false;
	*ret = strtod(p, &end);
	*ret_end = end;
	return true;
}

static const char *past_blanks(const char *p)
{
	return p + strspn(p, " ");
}

/* Is @got what @want says, but for the times? */
static bool alike(const char *got, const char *want)
{
	double x, y;

	while (*got && *want) {
		if (*got == ' ' && *want == ' ') {
			got = past_blanks(got);
			want = past_blanks(want);
			continue;
		}
		if (number_at(got, &x, &got) && number_at(want, &y, &want)) {
			if (fabs(x - y) > NEAR_S)
				return false;
			continue;
		}
		if (*got++ != *want++)
			return false;
	}
	return !*got && !*want;
}

static void problems_text(struct buf *out, const struct problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		buf_printf(out, "%s\n", p->at[i].text);
}

static bool play(struct arena *a, const char *path, const char *text,
		 struct buf *out)
{
	const char *base = setup_folder(a, path), *name = strrchr(path, '/');
	struct problems p = { .arena = a }, q = { .arena = a };
	struct scenario *s = scenario_parse(a, path, text, strlen(text), &p);
	struct setup *setup = NULL;
	struct play_result r;

	name = name ? name + 1 : path;
	problems_text(out, &p);
	if (!s || !s->n || s->at[0].act != ACT_CLUSTER)
		return false;
	setup = setup_read(a, arena_printf(a, "%s%s", base, s->at[0].file), &q);
	problems_text(out, &q);
	if (!setup)
		return false;
	play_run(a, setup, s, base, 1, &r);
	play_text(out, &r);
	if (r.error)
		buf_printf(out, "%s:%u: %s\n", name, r.error_line, r.error);
	return !r.error && !r.failed && !r.broken;
}

static bool check(const char *path)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *log =
		arena_printf(a, "%.*s.log", (int)strlen(path) - 9, path);
	const char *text = golden_read(a, path), *want = golden_read(a, log);
	struct buf out = BUF(a);
	bool good;

	if (!text) {
		printf("%s: %s\n", path, strerror(errno));
		return false;
	}
	good = play(a, path, text, &out);
	if (getenv("GOLDEN_UPDATE") && (!want || !alike(buf_text(&out), want)))
		return golden_write(log, buf_text(&out)) == 0 && good;
	if (!good) {
		printf("%s:\n%s\n", path, buf_text(&out));
		return false;
	}
	if (want && alike(buf_text(&out), want))
		return true;
	printf("%s: this is not what %s says:\n%s\n", path, log,
	       buf_text(&out));
	return false;
}

static int is_scenario(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 9 && strcmp(d->d_name + n - 9, ".scenario") == 0;
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;
	struct dirent **list;
	int n;

	if (argc < 2)
		return 2;
	n = scandir(argv[1], &list, is_scenario, alphasort);
	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", argv[1], list[i]->d_name);
		if (argc < 3 || strstr(list[i]->d_name, argv[2])) {
			bool good = check(path);

			passed += good;
			failed += !good;
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
