/*
 * bench_plan - how long a plan of many services takes.
 *
 *     bench_plan [SERVICES [RUNS]]
 *
 * What an agent does for 'encap plan stop' of all of them: applies their
 * intents in a transaction, reads what is there, evaluates the env files for
 * each node, looks ahead until nothing changes, and throws it away. Each has
 * five resources, two of them in a container, and is up. Prints the median and
 * the longest, in ms.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fsm/op/op.h"
#include "fsm/plan/forecast.h"
#include "fsm/plan/others.h"
#include "tests/bench/measure.h"
#include "tests/lib/foreseen.h"

#define CONFIG                                                                 \
	"[DEFAULT]\nnodes = hv1 hv2 hv3\nencapnodes = vm%zu\n"                 \
	"orchestrate = ha\n"                                                   \
	"[ip#1]\nipname = 10.0.0.1\nipdev = br0\n"                             \
	"[fs#1]\ntype = directory\npath = /srv/%zu\n"                          \
	"[container#0]\ntype = sim\nname = vm%zu\n"                            \
	"[fs#2]\ntype = directory\npath = /data\nencap = true\n"               \
	"[app#1]\nstart = /bin/s\ncheck = /bin/c\nencap = true\n"

static const struct orch_node nodes[] = {
	{ .name = "hv1", .alive = true, .epoch = 1 },
	{ .name = "hv2", .alive = true, .epoch = 1 },
	{ .name = "hv3", .alive = true, .epoch = 1 }
};

struct bench {
	struct db *db;
	size_t n;
};

static double clock_ms(clockid_t clock)
{
	return measure_now_s(clock) * 1e3;
}

static const char *name_of(struct arena *a, size_t i)
{
	return arena_printf(a, "web%04zu", i);
}

static void must(struct arena *a, struct txn *t, const struct doc *cmd)
{
	struct doc *r = op_apply(a, t, CLUSTER_GROUP, cmd);

	if (doc_get_int(r, "code", -1) == OP_OK)
		return;
	fprintf(stderr, "%s\n", doc_get_str(r, "err", "?"));
	exit(1);
}

static void ask(struct arena *a, struct txn *t, const char *name,
		const char *want)
{
	struct doc *cmd = op_new(a, "svc_intent", 1000, NULL);

	doc_put_str(a, cmd, "name", name);
	doc_put_str(a, cmd, "want", want);
	must(a, t, cmd);
}

/* All that is to be looked at, as it is now. */
static struct forecast_in look(struct arena *a, struct txn *t, size_t n)
{
	struct forecast_service *list =
		ARENA_VEC(a, struct forecast_service, n);
	const struct state s = { t, CLUSTER_GROUP, a };
	struct keywords *keywords = conf_keywords(a);

	for (size_t i = 0; i < n; i++) {
		struct service_conf sc;

		list[i] = foreseen_service(&s, name_of(a, i), keywords);
		/* Whom does it look at? */
		if (service_eval(a, list[i].conf, list[i].name, NULL, &sc,
				 NULL) == 0)
			others_named(a, &sc);
	}
	return (struct forecast_in){ list, n, nodes, 3 };
}

/* Each node has looked at what it has of it. */
static void look_round(struct arena *a, struct txn *t, const char *name)
{
	const struct state st = { t, CLUSTER_GROUP, a };

	for (size_t i = 0; i < 3; i++) {
		struct state_key k = state_key(name, nodes[i].name);
		struct doc *d = doc_map(a);

		doc_put_str(a, d, "level", "hypervisor");
		doc_put_str(a, d, "state", "idle");
		doc_put_str(a, d, "avail", "down");
		state_put(&st, TABLE_INSTANCE, &k, d);
	}
}

/* They are there, and up. */
static void set_up(struct bench *b)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct txn *t = txn_begin_write(b->db, NULL);
	const struct state s = { t, CLUSTER_GROUP, a };
	struct forecast_service *after =
		ARENA_VEC(a, struct forecast_service, b->n);
	struct forecast_in in;

	for (size_t i = 0; i < b->n; i++) {
		struct doc *cmd = op_new(a, "svc_create", 1000, NULL);

		doc_put_str(a, cmd, "name", name_of(a, i));
		doc_put_str(a, cmd, "config", arena_printf(a, CONFIG, i, i, i));
		must(a, t, cmd);
		look_round(a, t, name_of(a, i));
		ask(a, t, name_of(a, i), "started");
	}
	in = look(a, t, b->n);
	forecast(a, &in, after);
	for (size_t i = 0; i < b->n; i++)
		foreseen_keep(&s, &after[i]);
	if (txn_commit(t, NULL) < 0)
		abort();
}

static double plan_once(struct bench *b, clockid_t clock, size_t *ret_steps)
{
	SCOPED(arena) struct arena *a = arena_new();
	double begin = clock_ms(clock);
	struct txn *t = txn_begin_write(b->db, NULL);
	struct forecast_in in;
	struct doc *d;

	for (size_t i = 0; i < b->n; i++)
		ask(a, t, name_of(a, i), "stopped");
	in = look(a, t, b->n);
	d = forecast(a, &in, NULL);
	txn_abort(t);
	*ret_steps = doc_len(doc_get(d, "steps"));
	if (!doc_get_bool(d, "settled", false))
		abort();
	return clock_ms(clock) - begin;
}

static void measure(struct bench *b, clockid_t clock, const char *what,
		    double *ms, size_t runs)
{
	size_t steps = 0;

	for (size_t i = 0; i < runs; i++)
		ms[i] = plan_once(b, clock, &steps);
	printf("plan of %zu services, %zu steps: median %.1f ms%s, longest "
	       "%.1f ms of %zu\n",
	       b->n, steps, measure_part(ms, runs, 0.5), what,
	       measure_part(ms, runs, 1), runs);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/encap-bench-XXXXXX";
	struct bench b = { .n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000 };
	size_t runs = argc > 2 ? strtoul(argv[2], NULL, 10) : 7;
	struct db_options o = { .dir = dir,
				.boot_id = "boot",
				.map_size = 1u << 30 };
	struct err err = { 0 };
	double *ms = calloc(runs, sizeof(*ms));

	if (!ms || !runs || !b.n || !mkdtemp(dir) ||
	    db_open(&b.db, &o, &err) < 0) {
		fprintf(stderr, "bench_plan: %s\n", err.text);
		return 1;
	}
	set_up(&b);
	measure(&b, CLOCK_MONOTONIC, "", ms, runs);
	measure(&b, CLOCK_PROCESS_CPUTIME_ID, " of processor time", ms, runs);
	db_close(b.db, true);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(ms);
	return 0;
}
