/*
 * encap-simulate - plays a scenario; `encap simulate` executes it.
 *
 *     encap-simulate --scenario FILE [--cluster FILE] [--seed N] [-o json]
 *
 * Exit code: 0 every expectation was met; 1 one was not, a rule was broken, or
 * the scenario could not be played to its end; 2 a file was not understood.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/sim/play.h"

struct given {
	const char *scenario, *cluster;
	uint64_t seed;
	bool json;
};

static int problems_tell(const struct problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		fprintf(stderr, "%s\n", p->at[i].text);
	return 2;
}

static const char *cluster_of(struct arena *a, const struct given *g,
			      const struct scenario *s, const char *base)
{
	if (g->cluster)
		return g->cluster;
	for (size_t i = 0; i < s->n; i++)
		if (s->at[i].act == ACT_CLUSTER)
			return *s->at[i].file == '/'
				       ? s->at[i].file
				       : arena_printf(a, "%s%s", base,
						      s->at[i].file);
	return NULL;
}

static void result_print(struct arena *a, const struct play_result *r,
			 bool json)
{
	struct buf out = BUF(a);

	if (json) {
		doc_json(&out, play_doc(a, r), 4);
		buf_puts(&out, "\n");
	} else {
		play_text(&out, r);
	}
	fputs(buf_text(&out), stdout);
}

static int simulate(struct arena *a, const struct given *g)
{
	struct problems p = { .arena = a, .name = g->scenario }, q = p;
	const char *base = setup_folder(a, g->scenario), *path;
	struct scenario *s;
	struct setup *setup;
	struct play_result r;
	size_t len;
	char *text = setup_file(a, g->scenario, &len);

	if (!text) {
		fprintf(stderr, "%s: %s\n", g->scenario, strerror(errno));
		return 2;
	}
	s = scenario_parse(a, g->scenario, text, len, &p);
	if (!s)
		return problems_tell(&p);
	path = cluster_of(a, g, s, base);
	if (!path) {
		fprintf(stderr,
			"%s: which cluster? --cluster FILE, or a first line "
			"'cluster FILE' in it\n",
			g->scenario);
		return 2;
	}
	q.name = path;
	setup = setup_read(a, path, &q);
	if (!setup)
		return problems_tell(&q);
	play_run(a, setup, s, base, g->seed, &r);
	result_print(a, &r, g->json);
	if (r.error) {
		fprintf(stderr, "%s:%u: %s\n", g->scenario, r.error_line,
			r.error);
		return 1;
	}
	return r.failed || r.broken;
}

static void usage(FILE *f)
{
	fputs("usage: encap-simulate --scenario FILE [--cluster FILE] "
	      "[--seed N] [-o text|json]\n",
	      f);
}

/* 1: there is nothing to do; -1: it is not understood. */
static int given_read(int argc, char **argv, struct given *g)
{
	static const struct option options[] = {
		{ "scenario", required_argument, NULL, 's' },
		{ "cluster", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 'n' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (c == 's')
			g->scenario = optarg;
		else if (c == 'c')
			g->cluster = optarg;
		else if (c == 'n')
			g->seed = strtoull(optarg, NULL, 10);
		else if (c == 'o' && strcmp(optarg, "json") == 0)
			g->json = true;
		else if (c == 'h')
			return usage(stdout), 1;
		else if (c != 'o' || strcmp(optarg, "text") != 0)
			return usage(stderr), -1;
	}
	if (!g->scenario || optind < argc)
		return usage(stderr), -1;
	return 0;
}

int main(int argc, char **argv)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct given g = { .seed = 1 };
	int rc = given_read(argc, argv, &g);

	return rc < 0 ? 2 : rc > 0 ? 0 : simulate(a, &g);
}
