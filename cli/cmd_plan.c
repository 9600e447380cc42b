/*
 * What would be done: encap plan, and --dry-run.
 */
#include "cli/plan.h"

#include <string.h>

#include "cli/each.h"
#include "cli/file.h"

/* -- what is shown --------------------------------------------------------- */

static bool is_of_many(const struct doc *steps)
{
	for (size_t i = 1; i < doc_len(steps); i++)
		if (strcmp(doc_get_str(doc_at(steps, i), "service", ""),
			   doc_get_str(doc_at(steps, 0), "service", "")) != 0)
			return true;
	return false;
}

static const char *step_text(struct arena *a, const struct doc *s)
{
	const char *kind = doc_get_str(s, "kind", "");
	const char *op = doc_get_str(s, "op", "");
	const char *subset = doc_get_str(s, "subset", NULL);

	if (strcmp(kind, "assign") == 0)
		return arena_printf(a, "assigned %s", op);
	if (strcmp(kind, "intent") == 0)
		return arena_printf(a, "to be %s", op);
	if (strcmp(kind, "fence") == 0)
		return "the machine is fenced";
	if (doc_get(s, "rid"))
		return arena_printf(a, "%s %s", op, doc_get_str(s, "rid", ""));
	return arena_printf(a, "triggers %s%s%s", op, subset ? " of " : "",
			    subset ? subset : "");
}

static void print_steps(struct cli *c, const struct doc *steps)
{
	bool many = is_of_many(steps);
	struct text_table tab = { .arena = c->arena,
				  .n_cols = many ? 5 : 4,
				  .wrap = true };
	const char *cells[5] = { "SERVICE", "NODE", "INSIDE", "ACTION", "WHY" };

	text_table_add(&tab, many ? cells : cells + 1);
	for (size_t i = 0; i < doc_len(steps); i++) {
		const struct doc *s = doc_at(steps, i);
		const char *node = doc_get_str(s, "node", "");
		const char *host = doc_get_str(s, "host", NULL);
		bool inside = host || doc_get_bool(s, "container", false);

		cells[0] = doc_get_str(s, "service", "");
		cells[1] = inside ? host ? host : "" : node;
		cells[2] = inside ? node : "";
		cells[3] = step_text(c->arena, s);
		cells[4] = doc_get_str(s, "why", "");
		text_table_add(&tab, many ? cells : cells + 1);
	}
	text_table_print(&tab, &c->term, c->out);
}

static void print_interrupted(struct cli *c, const struct doc *list)
{
	for (size_t i = 0; i < doc_len(list); i++) {
		const struct doc *d = doc_at(list, i);
		const char *host = doc_get_str(d, "host", NULL);
		const char *again = doc_get_str(d, "again", NULL);

		fprintf(c->out,
			"interrupted: %s %s %s%s%s, from the stop of %s",
			doc_get_str(d, "service", ""), host ? "in" : "on",
			doc_get_str(d, "node", ""), host ? " on " : "",
			host ? host : "", doc_get_str(d, "rid", ""));
		if (again)
			fprintf(c->out, " until it is up on %s\n", again);
		else
			fprintf(c->out, "; it stays down\n");
	}
}

static void print_waiting(struct cli *c, const struct doc *list)
{
	for (size_t i = 0; i < doc_len(list); i++) {
		const struct doc *d = doc_at(list, i);
		const char *node = doc_get_str(d, "node", NULL);

		fprintf(c->out, "not done: %s%s%s: %s\n",
			doc_get_str(d, "service", ""), node ? " on " : "",
			node ? node : "", doc_get_str(d, "why", ""));
	}
}

static const char *rung_text(struct cli *c, const char *rung, const char *node)
{
	if (strcmp(rung, "kill") == 0)
		return "it is stopped by force (5s)";
	if (strcmp(rung, "cut") == 0)
		return "a container's network is cut (5s)";
	return arena_printf(c->arena, "%s is fenced", node);
}

static void print_ladders(struct cli *c, const struct doc *list)
{
	for (size_t i = 0; i < doc_len(list); i++) {
		const struct doc *d = doc_at(list, i);
		const struct doc *rungs = doc_get(d, "rungs");
		const char *node = doc_get_str(d, "node", "");

		fprintf(c->out, "if a stop fails: %s on %s: ",
			doc_get_str(d, "service", ""), node);
		for (size_t k = 0; k < doc_len(rungs); k++)
			fprintf(c->out, "%s%s", k ? ", then " : "",
				rung_text(c, doc_text(doc_at(rungs, k), ""),
					  node));
		fprintf(c->out, "\n");
	}
}

void plan_print(struct cli *c, const struct doc *d)
{
	const struct doc *steps = doc_get(d, "steps");

	if (cli_wants_doc(c)) {
		cli_print_doc(c, d, "steps");
		return;
	}
	if (doc_len(steps))
		print_steps(c, steps);
	else
		fprintf(c->out, "nothing would be done\n");
	print_interrupted(c, doc_get(d, "interrupted"));
	print_waiting(c, doc_get(d, "waiting"));
	print_ladders(c, doc_get(d, "ladders"));
	if (!doc_get_bool(d, "settled", true))
		fprintf(c->out, "and so on: no end of it was found\n");
}

/* -- asking ---------------------------------------------------------------- */

static void request_add(struct cli *c, struct doc *plan, const char *op,
			struct doc *args)
{
	struct doc *list = doc_get(plan, "requests");

	if (!list)
		list = doc_put(c->arena, plan, "requests", doc_list(c->arena));
	doc_put_str(c->arena, args, "op", op);
	doc_add(c->arena, list, args);
}

static int plan_ask(struct cli *c, struct doc *plan)
{
	struct doc *data;
	int rc = cli_call(c, "plan", plan, &data);

	if (rc == CLI_DONE)
		plan_print(c, data);
	return rc;
}

struct doc *plan_args(struct cli *c, const char *op, struct doc *args)
{
	struct doc *plan = doc_map(c->arena);

	request_add(c, plan, op, args);
	return plan;
}

int plan_request(struct cli *c, const char *op, struct doc *args)
{
	return plan_ask(c, plan_args(c, op, args));
}

/* -- the command ----------------------------------------------------------- */

struct planned {
	const char *word;
	const char *op;	  /* of the request */
	const char *want; /* of an intent */
};

static const struct planned actions[] = {
	{ "start", "svc_intent", "started" },
	{ "stop", "svc_intent", "stopped" },
	{ "restart", "svc_intent", "restart" },
	{ "move", "svc_intent", "started" },
	{ "freeze", "svc_freeze", NULL },
	{ "thaw", "svc_thaw", NULL },
	{ "delete", "svc_delete", NULL },
	{ "edit", "svc_edit", NULL },
	{ "provision", "svc_act", NULL },
	{ "unprovision", "svc_act", NULL },
};

#define N_ACTIONS (sizeof(actions) / sizeof(actions[0]))

static const struct planned *action_named(struct cli *c, const char *word)
{
	const char *names[N_ACTIONS], *near;

	for (size_t i = 0; i < N_ACTIONS; i++) {
		names[i] = actions[i].word;
		if (strcmp(word, actions[i].word) == 0)
			return &actions[i];
	}
	near = cli_nearest(word, names, N_ACTIONS);
	cli_usage(c, "'%s' is no action that can be planned%s%s%s", word,
		  near ? ": '" : "", near ? near : "", near ? "'?" : "");
	return NULL;
}

/* As it would be sent: based on the head that is there now. */
static int edit_args(struct cli *c, struct doc *args)
{
	const char *name = c->args[0], *path = c->opt[OPT_CONFIG];
	struct buf text = BUF(c->arena);
	struct err err = { 0 };
	struct doc *head;
	int rc;

	if (file_read(path, &text, &err) < 0)
		return cli_error(c, CLI_FAILED, "%s", err.text);
	if (!file_check(c, name, path, buf_text(&text), text.len))
		return CLI_FAILED;
	rc = cli_call(c, "svc_config", cli_args_name(c), &head);
	if (rc != CLI_DONE)
		return rc;
	doc_put_str(c->arena, args, "base", doc_get_str(head, "rev", ""));
	doc_put_str(c->arena, args, "config", buf_text(&text));
	return CLI_DONE;
}

/* @c: with the service as its only argument. */
static int action_args(struct cli *c, const struct planned *p, const char *node,
		       struct doc **ret)
{
	if (p->want)
		return plan_intent(c, p->want, node, ret);
	if (strcmp(p->op, "svc_act") == 0)
		return cmd_act_args(c, p->word, ret);
	*ret = cli_args_name(c);
	cli_put_author(c, *ret);
	return strcmp(p->word, "edit") == 0 ? edit_args(c, *ret) : CLI_DONE;
}

static int check_args(struct cli *c, const struct planned *p)
{
	bool edit = strcmp(p->word, "edit") == 0;
	bool act = strcmp(p->op, "svc_act") == 0;
	bool levels =
		c->opt[OPT_MASTER] || c->opt[OPT_SLAVE] || c->opt[OPT_SLAVES];

	if (strcmp(p->word, "move") == 0 && c->n_args != 3)
		return cli_usage(c, "a move is of one service to one node: "
				    "encap plan move NAME NODE");
	if (edit && (c->n_args != 2 || !c->opt[OPT_CONFIG]))
		return cli_usage(c, "an edit is of one service: encap plan "
				    "edit NAME --config FILE");
	if (!edit && c->opt[OPT_CONFIG])
		return cli_usage(c, "--config is for an edit");
	if (levels && ((!p->want && !act) || strcmp(p->word, "move") == 0))
		return cli_usage(c, "a %s is not of one level", p->word);
	if ((c->opt[OPT_NODE] || c->opt[OPT_STOP]) && !act)
		return cli_usage(c, "--node and --stop are for a provision and "
				    "an unprovision");
	return CLI_DONE;
}

/* The requests for what one word means. */
static int add_all(struct cli *c, const struct planned *p, const char *word,
		   const char *node, struct doc *plan)
{
	struct names names;
	struct doc *args;
	int rc = each_names(c, word, &names);

	for (size_t i = 0; rc == CLI_DONE && i < names.n; i++) {
		struct cli one = *c;

		one.args = &names.at[i];
		one.n_args = 1;
		rc = action_args(&one, p, node, &args);
		c->client = one.client;
		if (rc == CLI_DONE)
			request_add(c, plan, p->op, args);
	}
	return rc;
}

int cmd_plan(struct cli *c)
{
	const struct planned *p = action_named(c, c->args[0]);
	bool move = p && strcmp(p->word, "move") == 0;
	struct doc *plan = doc_map(c->arena);
	int rc = p ? check_args(c, p) : CLI_USAGE;

	for (size_t i = 1; rc == CLI_DONE && i < (move ? 2 : c->n_args); i++)
		rc = add_all(c, p, c->args[i], move ? c->args[2] : NULL, plan);
	return rc == CLI_DONE ? plan_ask(c, plan) : rc;
}

/* -- why ------------------------------------------------------------------- */

int cmd_why(struct cli *c)
{
	struct doc *args = cli_args_name(c), *data;
	const struct doc *lines;
	int rc;

	if (c->n_args > 1)
		doc_put_str(c->arena, args, "about", c->args[1]);
	rc = cli_call(c, "why", args, &data);
	if (rc != CLI_DONE)
		return rc;
	if (cli_wants_doc(c)) {
		cli_print_doc(c, data, "lines");
		return CLI_DONE;
	}
	lines = doc_get(data, "lines");
	for (size_t i = 0; i < doc_len(lines); i++) {
		const struct doc *d = doc_at(lines, i);
		int64_t at = doc_get_int(d, "at", 0);

		fprintf(c->out, "%-9s %s%s%s%s\n", doc_get_str(d, "kind", ""),
			doc_get_str(d, "text", ""), at ? " (" : "",
			at ? text_time(c->arena, at) : "", at ? ")" : "");
	}
	return CLI_DONE;
}
