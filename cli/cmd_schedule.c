/*
 * What of a service runs by itself on a node, and when: the same functions that
 * its agent goes by.
 */
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/show/text.h"
#include "fsm/plan/actions.h"
#include "fsm/plan/schedule.h"

struct scheduled {
	struct cli *c;
	const struct doc *status;
	struct instance inst;
	int64_t now_ms, offset_ms; /* of the local time */
};

static int64_t offset_ms(int64_t epoch_ms)
{
	time_t s = (time_t)(epoch_ms / 1000);
	struct tm local;

	return localtime_r(&s, &local) ? local.tm_gmtoff * INT64_C(1000) : 0;
}

static int64_t last_in(const struct doc *instance, const char *rid)
{
	const struct doc *task = doc_get(doc_get(instance, "tasks"), rid);

	return doc_get_int(task, "at", 0);
}

/* Of whichever node ran it last; 0: never. */
static int64_t last_run(const struct scheduled *s, const char *rid)
{
	const struct doc *all = doc_get(s->status, "instances");
	int64_t last = 0;

	for (size_t i = 0; i < doc_len(all); i++) {
		const struct doc *inst = doc_at(all, i);
		const struct doc *inner = doc_get(inst, "encap");
		bool inside = s->inst.level == LEVEL_ENCAP;

		if (!inside && last_in(inst, rid) > last)
			last = last_in(inst, rid);
		for (size_t k = 0; inside && k < doc_len(inner); k++)
			if (last_in(doc_at(inner, k), rid) > last)
				last = last_in(doc_at(inner, k), rid);
	}
	return last;
}

static bool is_scheduled(const struct scheduled *s, const struct resource *r)
{
	if (r->disable || r->noaction ||
	    (r->encap && s->inst.level == LEVEL_HYPERVISOR))
		return false;
	if (strcmp(r->group, "task") == 0)
		return true;
	return copies_any(&s->inst, r, COPIES_ALL) && copies_sends(&s->inst);
}

/* On the clock of the log: ms since the epoch; 0: never. */
static int64_t next_run(const struct scheduled *s, const struct resource *r,
			const char *text, int64_t last)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *words[] = { s->inst.service, s->inst.node, r->rid };
	struct schedule sched;
	wall_time next;

	schedule_parse(a, text, &sched, NULL);
	next = schedule_next(&sched, (s->now_ms + s->offset_ms) / 1000 + 1,
			     last ? (last + s->offset_ms) / 1000 : WALL_NEVER,
			     actions_hash(words, 3, 0));
	return next == WALL_NEVER ? 0 : next * 1000 - s->offset_ms;
}

static void add_row(const struct scheduled *s, const struct resource *r,
		    struct doc *rows)
{
	struct arena *a = s->c->arena;
	const char *text = copies_schedule(a, r);
	int64_t last = last_run(s, r->rid);
	int64_t next = next_run(s, r, text, last);
	struct doc *row = doc_add(a, rows, doc_map(a));

	doc_put_str(a, row, "rid", r->rid);
	doc_put_str(a, row, "action",
		    strcmp(r->group, "task") == 0 ? "run" : "sync_all");
	doc_put_str(a, row, "schedule", text);
	if (last)
		doc_put_int(a, row, "last", last);
	if (next)
		doc_put_int(a, row, "next", next);
}

static void print_rows(struct cli *c, const struct doc *rows)
{
	static const char *const heads[] = { "RID", "ACTION", "LAST", "NEXT",
					     "SCHEDULE" };
	struct text_table t = { .arena = c->arena, .n_cols = 5 };

	text_table_add(&t, heads);
	for (size_t i = 0; i < doc_len(rows); i++) {
		const struct doc *r = doc_at(rows, i);
		int64_t last = doc_get_int(r, "last", 0);
		int64_t next = doc_get_int(r, "next", 0);
		const char *text = doc_get_str(r, "schedule", "");
		const char *cells[] = {
			doc_get_str(r, "rid", ""),
			doc_get_str(r, "action", ""),
			last ? text_time(c->arena, last) : "-",
			next ? text_time(c->arena, next) : "never",
			*text ? text : "-",
		};

		text_table_add(&t, cells);
	}
	text_table_print(&t, &c->term, c->out);
}

static int evaluate(struct scheduled *s, const char *node)
{
	struct cli *c = s->c;
	struct conf *conf;
	enum level level;
	struct err err;
	int rc = cli_conf(c, &conf);

	if (rc != CLI_DONE)
		return rc;
	if (conf_level(c->arena, conf, c->args[0], node, &level, &err) < 0)
		return cli_error(c, CLI_NOT_FOUND, "%s", err.text);
	if (instance_eval(c->arena, conf, c->args[0], node, level, &s->inst,
			  &err) < 0)
		return cli_error(c, CLI_FAILED, "%s", err.text);
	return CLI_DONE;
}

int cmd_schedule(struct cli *c)
{
	struct scheduled s = { .c = c };
	const char *node = c->opt[OPT_NODE];
	struct doc *status, *d, *rows;
	struct timespec now;
	int rc = node ? CLI_DONE : cli_agent(c, &node, NULL);

	if (rc == CLI_DONE)
		rc = evaluate(&s, node);
	if (rc == CLI_DONE)
		rc = cli_call(c, "status", cli_args_name(c), &status);
	if (rc != CLI_DONE)
		return rc;
	clock_gettime(CLOCK_REALTIME, &now);
	s.status = status;
	s.now_ms = now.tv_sec * INT64_C(1000);
	s.offset_ms = offset_ms(s.now_ms);
	d = doc_map(c->arena);
	rows = doc_put(c->arena, d, "schedule", doc_list(c->arena));
	for (size_t i = 0; i < s.inst.n; i++)
		if (is_scheduled(&s, &s.inst.res[i]))
			add_row(&s, &s.inst.res[i], rows);
	if (cli_wants_doc(c))
		cli_print_doc(c, d, "schedule");
	else
		print_rows(c, rows);
	return CLI_DONE;
}
