/*
 * What happened: the last events, and with -f what happens from then on. Each
 * round of following has an arena of its own: it may go on for weeks.
 */
#include <string.h>

#include "cli/command.h"
#include "cli/show/list.h"

#define WATCH_MS  30000 /* the agent answers after 10 s at the latest */
#define LIMIT_MAX 100000

struct tail {
	struct cli *c;
	const char *name; /* NULL: of everything */
	const struct doc *cursor;
	bool begun; /* one was printed */
};

static struct doc *tail_args(const struct tail *t, struct arena *a)
{
	struct doc *args = doc_map(a);

	if (t->name)
		doc_put_str(a, args, "name", t->name);
	if (t->cursor)
		doc_put(a, args, "cursor", doc_copy(a, t->cursor));
	return args;
}

/* A document per event; but a table is one as long as nothing follows. */
static void tail_print_docs(struct tail *t, struct arena *a,
			    const struct doc *events)
{
	if (t->c->opt[OPT_FOLLOW] || strncmp(t->c->opt[OPT_OUTPUT], "tab", 3)) {
		for (size_t i = 0; i < doc_len(events); i++, t->begun = true)
			cli_print_next(t->c, a, doc_at(events, i), "",
				       !t->begun);
		return;
	}
	cli_print_doc(t->c, events, NULL);
}

static void tail_print(struct tail *t, struct arena *a, const struct doc *data)
{
	const struct doc *events = doc_get(data, "events");

	if (cli_wants_doc(t->c)) {
		tail_print_docs(t, a, events);
	} else {
		for (size_t i = 0; i < doc_len(events); i++)
			fprintf(t->c->out, "%s\n",
				list_event(a, doc_at(events, i)));
	}
	fflush(t->c->out);
}

/* One answer of `watch`; the next cursor is written to *ret on @next. */
static int tail_round(struct tail *t, struct arena *a, struct arena *next,
		      struct doc **ret)
{
	struct cli *c = t->c;
	const struct doc *cursor;
	struct err err = { 0 };
	struct reply r;
	int64_t id;
	int rc;

	rc = client_send(c->client, "watch", tail_args(t, a), &id, &err);
	if (rc == 0)
		rc = client_wait(c->client, a, id, WATCH_MS, &r, &err);
	if (rc < 0)
		return cli_error(c, CLI_FAILED, "%s", err.text);
	if (rc == CLIENT_LATE)
		return cli_error(c, CLI_TIMEOUT,
				 "the agent has been silent for %d s",
				 WATCH_MS / 1000);
	if (r.code != CLI_DONE)
		return cli_refused(c, &r);
	tail_print(t, a, r.data);
	cursor = doc_get(r.data, "cursor");
	*ret = doc_copy(next, cursor ? cursor : t->cursor);
	return CLI_DONE;
}

static int tail_follow(struct tail *t)
{
	SCOPED(arena) struct arena *a = arena_new();

	while (!ferror(t->c->out)) {
		struct arena *next = arena_new();
		struct doc *cursor = NULL;
		int rc = tail_round(t, a, next, &cursor);

		arena_free(a);
		a = next;
		if (rc != CLI_DONE)
			return rc;
		t->cursor = cursor;
	}
	return CLI_FAILED;
}

static int tail_limit(struct cli *c, struct doc *args)
{
	const char *text = c->opt[OPT_LIMIT];
	int64_t n;

	if (!text)
		return CLI_DONE;
	n = cli_count(text, 0, LIMIT_MAX);
	if (n < 0)
		return cli_usage(c, "'%s' is no number of events", text);
	doc_put_int(c->arena, args, "limit", n);
	return CLI_DONE;
}

static int tail_run(struct cli *c)
{
	struct tail t = { .c = c, .name = c->n_args ? c->args[0] : NULL };
	struct doc *args = tail_args(&t, c->arena), *data;
	int rc = tail_limit(c, args);

	if (rc == CLI_DONE)
		rc = cli_call(c, "events", args, &data);
	if (rc != CLI_DONE)
		return rc;
	tail_print(&t, c->arena, data);
	if (!c->opt[OPT_FOLLOW])
		return CLI_DONE;
	t.cursor = doc_get(data, "cursor");
	if (!t.cursor)
		return cli_error(c, CLI_FAILED,
				 "the agent names no place to go on from");
	return tail_follow(&t);
}

int cmd_events(struct cli *c)
{
	return tail_run(c);
}

int cmd_log(struct cli *c)
{
	return tail_run(c);
}
