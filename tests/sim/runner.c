#include "tests/sim/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	TWICE_EVERY = 16,
	TAIL = 40, /* lines of a failing run that are shown */
	LINE = 240,
	PLANT_LIMIT = 1000,
	JOBS_MAX = 64,
};

struct options {
	uint64_t first, last, limit;
	double hours;
	unsigned jobs;
	bool trace, one, table;
	const char *only, *set;
};

/* -- the trace --------------------------------------------------------------
 */

static bool tells, keeps;
static char (*tail)[LINE]; /* the last lines, a ring */
static unsigned n_tail;

bool sim_tells(void)
{
	return tells || keeps;
}

void sim_tell(const char *line)
{
	if (tells)
		puts(line);
	else if (keeps)
		snprintf(tail[n_tail++ % TAIL], LINE, "%s", line);
}

static void tail_show(void)
{
	unsigned n = n_tail < TAIL ? n_tail : TAIL;

	for (unsigned i = n_tail - n; i < n_tail; i++)
		printf("  %s\n", tail[i % TAIL]);
}

/* -- one run ----------------------------------------------------------------
 */

/* Two failures are the same if their rules are; what differs from run to run
 * is left out. */
static void rule_of(struct sim_outcome *o)
{
	size_t n = 0;

	for (const char *p = o->failure; *p && n + 1 < sizeof(o->rule); p++)
		if (*p < '0' || *p > '9')
			o->rule[n++] = *p;
	o->rule[n] = '\0';
}

static void play(const struct sim *s, const struct plan *p,
		 struct sim_outcome *o)
{
	memset(o, 0, sizeof(*o));
	s->play(p, o);
	if (!o->rule[0])
		rule_of(o);
}

struct again {
	const struct sim *sim;
	const char *rule;
};

static bool fails_again(void *arg, const struct plan *p)
{
	const struct again *a = arg;
	struct sim_outcome o;

	play(a->sim, p, &o);
	return o.failure[0] && strcmp(o.rule, a->rule) == 0;
}

static void plan_show(const struct sim *s, const struct plan *p)
{
	printf("seed %llu:", (unsigned long long)p->seed);
	for (unsigned i = 0; i < p->n_set; i++)
		printf(" %s=%u", p->set[i].name, p->set[i].value);
	printf("\n");
	for (unsigned i = 0; i < p->n; i++)
		printf("  step %-3u at %7.3f s: %s\n", p->step[i].number,
		       (double)p->step[i].at_ms / 1000,
		       s->kinds[p->step[i].kind]);
}

static void replay_show(const struct sim *s, const struct plan *p)
{
	printf("to see all of it: %s --seed %llu --trace --set ", s->name,
	       (unsigned long long)p->seed);
	for (unsigned i = 0; i < p->n_set; i++)
		printf("%s%s=%u", i ? "," : "", p->set[i].name,
		       p->set[i].value);
	printf(" --only '");
	for (unsigned i = 0; i < p->n; i++)
		printf("%s%u", i ? "," : "", p->step[i].number);
	printf("'\n");
}

/* A failure, as small as it can be made. */
static void explain(const struct sim *s, struct plan *p,
		    const struct sim_outcome *o)
{
	struct again a = { s, o->rule };
	unsigned was = p->n, tries;
	struct sim_outcome small;

	tries = plan_shrink(p, o->at_ms, fails_again, &a);
	printf("%u of its %u steps are enough (%u runs):\n", p->n, was, tries);
	plan_show(s, p);
	tail = calloc(TAIL, LINE);
	if (!tail)
		abort();
	n_tail = 0;
	keeps = true;
	play(s, p, &small);
	keeps = false;
	tail_show();
	free(tail);
	printf("at %.3f s: %s\n", (double)small.at_ms / 1000, small.failure);
	replay_show(s, p);
}

static bool run_seed(const struct sim *s, uint64_t seed, bool explains,
		     uint64_t *counts)
{
	struct plan *p = calloc(1, sizeof(*p));
	struct sim_outcome o, again;
	bool ok = false;

	if (!p)
		abort();
	s->draw(seed, p);
	play(s, p, &o);
	for (unsigned i = 0; counts && s->counts[i]; i++)
		counts[i] += o.counts[i];
	if (o.failure[0]) {
		if (explains) {
			printf("seed %llu: at %.3f s: %s\n",
			       (unsigned long long)seed, (double)o.at_ms / 1000,
			       o.failure);
			explain(s, p, &o);
		}
	} else if (seed % TWICE_EVERY != 0) {
		ok = true;
	} else {
		play(s, p, &again);
		ok = o.trace == again.trace;
		if (!ok)
			printf("seed %llu: two runs differ\n",
			       (unsigned long long)seed);
	}
	free(p);
	return ok;
}

static int run_one(const struct sim *s, const struct options *o)
{
	struct plan *p = calloc(1, sizeof(*p));
	struct sim_outcome out;
	int rc = 2;

	if (!p)
		abort();
	s->draw(o->first, p);
	if ((o->set && !plan_change(p, o->set)) ||
	    (o->only && !plan_keep(p, o->only))) {
		fprintf(stderr, "%s: there is no such step or setting\n",
			s->name);
		goto out;
	}
	tells = o->trace;
	if (tells)
		plan_show(s, p);
	play(s, p, &out);
	tells = false;
	if (out.failure[0]) {
		printf("at %.3f s: %s\n", (double)out.at_ms / 1000,
		       out.failure);
		if (!o->only && !o->trace)
			explain(s, p, &out);
	}
	printf("%d passed, %d failed\n", !out.failure[0], !!out.failure[0]);
	rc = out.failure[0] != '\0';
out:
	free(p);
	return rc;
}

/* -- many, by several processes ---------------------------------------------
 */

struct tally {
	uint64_t passed, failed, found; /* found: the first that failed; 0 */
	uint64_t counts[SIM_COUNTS];
};

struct many {
	const struct sim *sim;
	uint64_t first, last; /* last 0: until the time is over */
	time_t until;
	bool first_only; /* end with the first that fails, and tell nothing */
	unsigned jobs;
	struct tally *tallies; /* shared, one for each */
};

static bool is_found(const struct many *m, uint64_t below)
{
	for (unsigned i = 0; m->first_only && i < m->jobs; i++)
		if (m->tallies[i].found && m->tallies[i].found < below)
			return true;
	return false;
}

static void job_run(const struct many *m, unsigned job)
{
	struct tally *t = &m->tallies[job];

	for (uint64_t seed = m->first + job;
	     seed <= m->last && !is_found(m, seed); seed += m->jobs) {
		if (m->until && time(NULL) >= m->until)
			break;
		if (run_seed(m->sim, seed, !m->first_only, t->counts)) {
			t->passed++;
			continue;
		}
		t->failed++;
		if (!t->found)
			t->found = seed;
		if (m->first_only)
			break;
	}
}

static void run_many(struct many *m, struct tally *ret)
{
	size_t size = m->jobs * sizeof(struct tally);
	bool lost = false;
	int status;

	m->tallies = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (m->tallies == MAP_FAILED)
		abort();
	fflush(stdout);
	for (unsigned i = 0; i < m->jobs; i++)
		if (m->jobs > 1 && fork() == 0) {
			job_run(m, i);
			fflush(stdout);
			_exit(0);
		}
	if (m->jobs == 1)
		job_run(m, 0);
	while (m->jobs > 1 && wait(&status) > 0)
		lost |= status != 0;
	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < m->jobs; i++) {
		const struct tally *t = &m->tallies[i];

		ret->passed += t->passed;
		ret->failed += t->failed;
		if (t->found && (!ret->found || t->found < ret->found))
			ret->found = t->found;
		for (unsigned k = 0; k < SIM_COUNTS; k++)
			ret->counts[k] += t->counts[k];
	}
	munmap(m->tallies, size);
	if (lost) { /* an assertion, or a sanitizer, has said why */
		ret->failed++;
		printf("a process of the simulator has died\n");
	}
}

static int run_range(const struct sim *s, const struct options *o)
{
	struct many m = {
		.sim = s, .first = o->first, .last = o->last, .jobs = o->jobs
	};
	time_t begin = time(NULL);
	struct tally t;

	if (o->hours > 0) {
		m.until = begin + (time_t)(o->hours * 3600);
		m.last = UINT64_MAX - JOBS_MAX;
	}
	run_many(&m, &t);
	for (unsigned i = 0; s->counts[i]; i++)
		printf("%s%llu %s", i ? ", " : "",
		       (unsigned long long)t.counts[i], s->counts[i]);
	printf(": %lld s\n%llu passed, %llu failed\n",
	       (long long)(time(NULL) - begin), (unsigned long long)t.passed,
	       (unsigned long long)t.failed);
	return t.failed != 0;
}

/* -- planted bugs -----------------------------------------------------------
 */

#ifdef ENCAP_PLANTS

struct plant_row {
	const char *name, *text;
	enum plant_finder finder;
};

#define PLANT_ROW(id, name, finder, text) { name, text, FOUND_BY_##finder },
static const struct plant_row plant_rows[PLANT_N] = { { 0 },
						      PLANTS(PLANT_ROW) };

static bool plant_choose(const char *name)
{
	for (int i = 1; i < PLANT_N; i++)
		if (strcmp(plant_rows[i].name, name) == 0) {
			plant_chosen = (enum plant)i;
			return true;
		}
	return false;
}

/* The first seed that finds the chosen one; 0: none of them. */
static uint64_t plant_find(const struct sim *s, const struct options *o)
{
	struct many m = { .sim = s,
			  .first = 1,
			  .last = o->limit,
			  .jobs = o->jobs,
			  .first_only = true };
	struct tally t;

	run_many(&m, &t);
	return t.found;
}

/* What it says of the failure, for the table. */
static void plant_line(const struct sim *s, const struct plant_row *r,
		       uint64_t seed)
{
	struct plan *p = calloc(1, sizeof(*p));
	struct sim_outcome out;

	if (!p)
		abort();
	s->draw(seed, p);
	play(s, p, &out);
	printf("| `%s` | %s | %llu | %s |\n", r->name, r->text,
	       (unsigned long long)seed, out.failure);
	fflush(stdout);
	free(p);
}

static int plants_table(const struct sim *s, const struct options *o)
{
	unsigned found = 0, missed = 0;

	printf("| bug | what it does | seeds | what is found |\n"
	       "|---|---|---|---|\n");
	for (int i = 1; i < PLANT_N; i++) {
		const struct plant_row *r = &plant_rows[i];
		uint64_t seed;

		if (r->finder != s->finder)
			continue;
		plant_chosen = (enum plant)i;
		seed = plant_find(s, o);
		found += seed != 0;
		missed += seed == 0;
		if (seed)
			plant_line(s, r, seed);
		else
			printf("| `%s` | %s | **not in %llu** | |\n", r->name,
			       r->text, (unsigned long long)o->limit);
	}
	printf("%u passed, %u failed\n", found, missed);
	return missed != 0;
}

#else

static bool plant_choose(const char *name)
{
	(void)name;
	fprintf(stderr, "this build has no planted bugs: cmake --preset sim\n");
	return false;
}

static int plants_table(const struct sim *s, const struct options *o)
{
	(void)s;
	(void)o;
	return !plant_choose("") * 2;
}

#endif

/* -- what is asked ----------------------------------------------------------
 */

static bool take(struct options *o, const char *arg, const char *value)
{
	unsigned long long a, b;
	char end;

	if (strcmp(arg, "--seed") == 0 &&
	    sscanf(value, "%llu%c", &a, &end) == 1) {
		o->first = o->last = a;
		o->one = true;
	} else if (strcmp(arg, "--seeds") == 0 &&
		   sscanf(value, "%llu-%llu%c", &a, &b, &end) == 2 && a <= b) {
		o->first = a;
		o->last = b;
	} else if (strcmp(arg, "--hours") == 0 &&
		   sscanf(value, "%lf%c", &o->hours, &end) == 1) {
		return o->hours > 0;
	} else if (strcmp(arg, "--jobs") == 0 &&
		   sscanf(value, "%u%c", &o->jobs, &end) == 1) {
		return o->jobs > 0 && o->jobs <= JOBS_MAX;
	} else if (strcmp(arg, "--limit") == 0 &&
		   sscanf(value, "%llu%c", &a, &end) == 1) {
		o->limit = a;
	} else if (strcmp(arg, "--only") == 0) {
		o->only = value;
	} else if (strcmp(arg, "--set") == 0) {
		o->set = value;
	} else {
		return strcmp(arg, "--plant") == 0 && plant_choose(value);
	}
	return true;
}

static int usage(const struct sim *s)
{
	fprintf(stderr,
		"usage: %s [--seeds A-B | --hours H] [--jobs N] [--plant "
		"NAME]\n"
		"       %s --seed N [--trace] [--only STEP,...] "
		"[--set NAME=VALUE,...]\n"
		"       %s --plants [--limit N] [--jobs N]\n",
		s->name, s->name, s->name);
	return 2;
}

int sim_main(const struct sim *s, int argc, char **argv)
{
	struct options o = {
		.first = 1, .last = 20, .jobs = 1, .limit = PLANT_LIMIT
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--trace") == 0)
			o.trace = true;
		else if (strcmp(argv[i], "--plants") == 0)
			o.table = true;
		else if (i + 1 == argc || !take(&o, argv[i], argv[i + 1]))
			return usage(s);
		else
			i++;
	}
	if (o.table)
		return plants_table(s, &o);
	return o.one ? run_one(s, &o) : run_range(s, &o);
}
