/*
 * The audit log: print it, or take each chain from its anchor to its end and
 * see that every record follows from the one before it. The check is made here,
 * on what the agent gives, by the rules of fsm/state/audit.h.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/show/list.h"
#include "fsm/state/audit.h"

#define PAGE	     1000
#define SHOWN	     50
#define SHOWN_AS_DOC 100000

static struct doc *page_args(struct cli *c, const char *name, int64_t after,
			     int64_t limit)
{
	struct doc *args = doc_map(c->arena);

	if (name)
		doc_put_str(c->arena, args, "name", name);
	if (after >= 0)
		doc_put_int(c->arena, args, "after", after);
	doc_put_int(c->arena, args, "limit", limit);
	return args;
}

/* -- checking -------------------------------------------------------------- */

struct chain {
	struct cli *c;
	const char *name; /* NULL: of the agent's own group */
	const char *own;  /* the service that this is of, in a container */
	const struct doc *others;
	struct audit_check check;
	uint64_t first, last;
};

static const char *chain_name(const struct chain *x)
{
	return x->name ? x->name : x->own ? x->own : "the cluster";
}

static int chain_page(struct chain *x, const struct doc *data)
{
	const struct doc *records = doc_get(data, "records");

	for (size_t i = 0; i < doc_len(records); i++) {
		SCOPED(arena) struct arena *a = arena_new();
		const char *why =
			audit_check_next(&x->check, a, doc_at(records, i));

		if (why)
			return cli_error(x->c, CLI_FAILED, "%s: %s",
					 chain_name(x), why);
	}
	if (!doc_len(records) && x->check.seq < x->last)
		return cli_error(x->c, CLI_FAILED,
				 "%s: record %llu is missing: the last one is "
				 "%llu",
				 chain_name(x),
				 (unsigned long long)x->check.seq + 1,
				 (unsigned long long)x->last);
	return CLI_DONE;
}

static int chain_run(struct chain *x)
{
	const struct doc *data;
	struct doc *ret;
	int rc;

	rc = cli_call(x->c, "audit", page_args(x->c, x->name, 0, PAGE), &ret);
	if (rc != CLI_DONE)
		return rc;
	data = ret;
	x->own = doc_get_str(data, "service", NULL);
	x->others = doc_get(data, "chains");
	x->last = (uint64_t)doc_get_int(data, "last", 0);
	audit_check_begin(&x->check, doc_get(data, "anchor"));
	x->first = x->check.seq + 1;
	for (;;) {
		rc = chain_page(x, data);
		if (rc != CLI_DONE || x->check.seq >= x->last)
			return rc;
		rc = cli_call(
			x->c, "audit",
			page_args(x->c, x->name, (int64_t)x->check.seq, PAGE),
			&ret);
		if (rc != CLI_DONE)
			return rc;
		data = ret;
	}
}

static int verify_one(struct cli *c, const char *name,
		      const struct doc **ret_others)
{
	struct chain x = { .c = c, .name = name };
	int rc = chain_run(&x);

	if (rc != CLI_DONE)
		return rc;
	if (ret_others)
		*ret_others = x.others;
	fprintf(c->out,
		"%s: %llu records hold, from %llu to %llu; the last is "
		"%s\n",
		chain_name(&x), (unsigned long long)(x.check.seq + 1 - x.first),
		(unsigned long long)x.first, (unsigned long long)x.check.seq,
		x.check.hash);
	return CLI_DONE;
}

static int verify(struct cli *c)
{
	const struct doc *others = NULL;
	int rc;

	if (c->n_args)
		return verify_one(c, c->args[0], NULL);
	rc = verify_one(c, NULL, &others);
	for (size_t i = 0; i < doc_len(others); i++) {
		int one = verify_one(c, doc_text(doc_at(others, i), ""), NULL);

		if (one != CLI_DONE)
			rc = one;
	}
	return rc;
}

/* -- printing -------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
	int64_t x = doc_get_int(*(const struct doc *const *)a, "at", 0);
	int64_t y = doc_get_int(*(const struct doc *const *)b, "at", 0);

	return x < y ? -1 : x > y;
}

/* A chain's records behind those of the others: the last ones, or page by page
 * all of them. */
static int collect(struct cli *c, const char *name, int64_t limit,
		   struct doc *to, const struct doc **ret_others)
{
	bool paged = limit > PAGE;
	int64_t after = paged ? 0 : -1;
	struct doc *data = NULL;
	size_t n;

	do {
		const struct doc *records;
		int rc = cli_call(
			c, "audit",
			page_args(c, name, after, paged ? PAGE : limit), &data);

		if (rc != CLI_DONE)
			return rc;
		records = doc_get(data, "records");
		n = doc_len(records);
		for (size_t i = 0; i < n; i++)
			doc_add(c->arena, to,
				doc_copy(c->arena, doc_at(records, i)));
		if (n)
			after = doc_get_int(doc_at(records, n - 1), "seq", 0);
	} while (paged && n);
	if (ret_others)
		*ret_others = doc_get(data, "chains");
	return CLI_DONE;
}

static int limit_of(struct cli *c, int64_t *ret)
{
	const char *text = c->opt[OPT_LIMIT];

	*ret = cli_wants_doc(c) ? SHOWN_AS_DOC : SHOWN;
	if (!text)
		return CLI_DONE;
	*ret = cli_count(text, 1, SHOWN_AS_DOC);
	if (*ret < 0)
		return cli_usage(c, "'%s' is no number of records", text);
	return CLI_DONE;
}

static void print(struct cli *c, struct doc *all, int64_t limit)
{
	size_t n = doc_len(all), from;
	struct doc *list = doc_list(c->arena);

	if (n)
		qsort(all->list.at, n, sizeof(*all->list.at), by_time);
	from = n > (size_t)limit ? n - (size_t)limit : 0;
	for (size_t i = from; i < n; i++) {
		const struct doc *r = doc_at(all, i);

		if (cli_wants_doc(c)) {
			doc_add(c->arena, list, doc_copy(c->arena, r));
			continue;
		}
		fprintf(c->out, "%s%s%s\n", list_event(c->arena, r),
			doc_get(r, "comment") ? ": " : "",
			doc_get_str(r, "comment", ""));
	}
	if (cli_wants_doc(c))
		cli_print_doc(c, list, NULL);
}

int cmd_audit(struct cli *c)
{
	const char *name = c->n_args ? c->args[0] : NULL;
	const struct doc *others = NULL;
	struct doc *all = doc_list(c->arena);
	int64_t limit;
	int rc;

	if (c->opt[OPT_VERIFY])
		return verify(c);
	rc = limit_of(c, &limit);
	if (rc == CLI_DONE)
		rc = collect(c, name, limit, all, &others);
	for (size_t i = 0; rc == CLI_DONE && i < doc_len(others); i++)
		rc = collect(c, doc_text(doc_at(others, i), ""), limit, all,
			     NULL);
	if (rc == CLI_DONE)
		print(c, all, limit);
	return rc;
}
