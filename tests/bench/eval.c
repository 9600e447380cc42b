/*
 * eval - how long a node takes to work out what an env file means for it.
 *
 * An env file of 200 resources, with scopes, references and inheritance as
 * people write them, is evaluated for a hypervisor and for a container; the
 * same file is also only parsed, which is what the ratio is against. The median
 * of ROUNDS rounds, each of as many turns as fit into its time.
 *
 *     bench_eval [RESOURCES]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fsm/conf/conf.h"
#include "tests/bench/measure.h"

#define ROUNDS	9
#define ROUND_S 0.2

/* Of the processor: it only computes, and others may be at work. */
static double now_s(void)
{
	return measure_now_s(CLOCK_PROCESS_CPUTIME_ID);
}

/* -- the file ----------------------------------------------------------------
 */

static void put_resource(struct buf *b, int i)
{
	switch (i % 4) {
	case 0:
		buf_printf(b,
			   "[fs#%d]\ntype = ext4\n"
			   "dev = /dev/{svcname}/data%d\n"
			   "mnt = {env.base}/data%d\nmnt@n2 = /x/data%d\n"
			   "mnt_opt = noatime\n\n",
			   i, i, i, i);
		break;
	case 1:
		buf_printf(b,
			   "[ip#%d]\nipname = 10.0.%d.%d/24\n"
			   "ipdev@nodes = eth{env.n}\nipdev@encapnodes = eth0\n"
			   "encap@encapnodes = true\n\n",
			   i, i / 200, i % 200 + 1);
		break;
	case 2:
		buf_printf(b,
			   "[app#%d]\ntype = simple\nencap = true\n"
			   "start = {env.base}/bin/serve --port %d --name "
			   "{rid}\nstop_timeout = 30s\nrestart = 2\n\n",
			   i, 8000 + i);
		break;
	default:
		buf_printf(b,
			   "[fs#%d]\ntype = directory\n"
			   "path = {fs#%d.mnt}/sub\nuser = web\nperm = 750\n\n",
			   i, i - 3);
	}
}

static void put_file(struct buf *b, int resources)
{
	buf_puts(b, "[DEFAULT]\nnodes = n1 n2 n3\nencapnodes = vm1\n"
		    "orchestrate = ha\nmonitor = true\n\n"
		    "[env]\nbase = /srv/{svcname}\nn = 1\n\n"
		    "[container#0]\ntype = lxc\nname = vm1\n"
		    "rootfs = {env.base}/root\n\n");
	for (int i = 0; i < resources - 1; i++)
		put_resource(b, i);
}

/* -- measuring ---------------------------------------------------------------
 */

struct job {
	const char *text;
	size_t len;
	const struct conf *conf;
	const char *node;
	enum level level;
	size_t resources; /* that the last turn gave */
};

static const struct conf *do_parse(struct arena *a, struct job *j)
{
	struct problems p = { .arena = a };

	return conf_parse(a, j->text, j->len, &p);
}

static void do_eval(struct arena *a, struct job *j)
{
	struct instance inst;
	struct err err = { 0 };

	if (instance_eval(a, j->conf, "web", j->node, j->level, &inst, &err) <
	    0) {
		fprintf(stderr, "bench_eval: %s\n", err.text);
		exit(1);
	}
	j->resources = inst.n;
}

/* Seconds a turn, the median. */
static double measure(struct job *j)
{
	double took[ROUNDS];

	for (int r = 0; r < ROUNDS; r++) {
		double begin = now_s();
		int turns = 0;

		do {
			SCOPED(arena) struct arena *a = arena_new();

			if (j->node)
				do_eval(a, j);
			else if (!do_parse(a, j))
				exit(1);
			turns++;
		} while (now_s() - begin < ROUND_S);
		took[r] = (now_s() - begin) / turns;
	}
	return measure_part(took, ROUNDS, 0.5);
}

static void check(struct arena *a, const struct job *j)
{
	struct problems p = { .arena = a, .name = "web.conf" };

	conf_validate(a, j->conf, "web", &p);
	if (p.fatal) {
		fprintf(stderr, "bench_eval: %s\n", p.at[0].text);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	SCOPED(arena) struct arena *a = arena_new();
	int resources = argc > 1 ? atoi(argv[1]) : 200;
	struct buf text = BUF(a);
	struct job parse = { 0 }, host, encap;
	double parsing, times[2];

	if (resources < 1 || resources > 900) {
		fprintf(stderr, "usage: bench_eval [RESOURCES]\n");
		return 2;
	}
	put_file(&text, resources);
	parse.text = buf_text(&text);
	parse.len = text.len;
	parse.conf = do_parse(a, &parse);
	check(a, &parse);
	host = encap = parse;
	host.node = "n1";
	encap.node = "vm1";
	encap.level = LEVEL_ENCAP;
	parsing = measure(&parse);
	times[0] = measure(&host);
	times[1] = measure(&encap);
	printf("%d resources, %zu bytes; median of %d rounds\n", resources,
	       text.len, ROUNDS);
	printf("parse:                %8.3f ms\n", parsing * 1e3);
	printf("evaluate, hypervisor: %8.3f ms, %4.1f times the parse, %zu "
	       "resources\n",
	       times[0] * 1e3, times[0] / parsing, host.resources);
	printf("evaluate, container:  %8.3f ms, %4.1f times the parse, %zu "
	       "resources\n",
	       times[1] * 1e3, times[1] / parsing, encap.resources);
	return 0;
}
