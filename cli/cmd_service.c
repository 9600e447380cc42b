/*
 * What is asked of a service: start, stop, restart, move, freeze, thaw; and
 * its beginning and end: create, delete.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/each.h"
#include "cli/file.h"
#include "cli/plan.h"
#include "cli/rev.h"
#include "cli/wait.h"
#include "fsm/conf/conf.h"

/* -- create, delete -------------------------------------------------------- */

/* The text of the new service, from a file or from what a file offers. */
static int create_text(struct cli *c, struct buf *text, const char **ret_path,
		       const char **ret_draft)
{
	const char *offered;
	struct err err = { 0 };
	int rc;

	*ret_draft = NULL;
	*ret_path = c->opt[OPT_CONFIG];
	if (!*ret_path == !c->opt[OPT_DRAFT])
		return cli_usage(c, "from what? --config FILE, or --draft");
	if (*ret_path)
		return file_read(*ret_path, text, &err) < 0
			       ? cli_error(c, CLI_FAILED, "%s", err.text)
			       : CLI_DONE;
	rc = draft_offer(c, c->args[0], ret_draft, &offered);
	*ret_path = c->args[0];
	if (rc == CLI_DONE)
		buf_puts(text, offered);
	return rc;
}

/* The node where the file lies takes the offer back, too; it may be down. */
static void drop_offer(struct cli *c, const char *draft)
{
	struct doc *args = cli_args_name(c);
	struct reply r;

	doc_put_str(c->arena, args, "draft", draft);
	cli_put_author(c, args);
	cli_ask(c, "svc_draft_drop", args, &r);
}

int cmd_create(struct cli *c)
{
	struct doc *args = cli_args_name(c), *data;
	struct buf text = BUF(c->arena);
	const char *path, *draft;
	struct err err = { 0 };
	int rc;

	if (name_check(c->args[0], &err) < 0)
		return cli_error(c, CLI_USAGE, "%s", err.text);
	rc = create_text(c, &text, &path, &draft);
	if (rc != CLI_DONE)
		return rc;
	if (!file_check(c, c->args[0], path, buf_text(&text), text.len))
		return cli_error(c, CLI_FAILED, "%s: nothing was created",
				 path);
	doc_put_str(c->arena, args, "config", buf_text(&text));
	if (c->opt[OPT_COMMENT])
		doc_put_str(c->arena, args, "comment", c->opt[OPT_COMMENT]);
	cli_put_author(c, args);
	rc = cli_call(c, "svc_create", args, &data);
	if (rc == CLI_DONE && draft)
		drop_offer(c, draft);
	if (rc != CLI_DONE)
		return rc;
	fprintf(c->out, "%s\n", doc_get_str(data, "rev", ""));
	return c->opt[OPT_PROVISION] ? cmd_provision(c) : CLI_DONE;
}

static int name_call(struct cli *c, const char *op)
{
	struct doc *args = cli_args_name(c);

	cli_put_author(c, args);
	if (c->opt[OPT_DRY_RUN])
		return plan_request(c, op, args);
	return cli_call(c, op, args, NULL);
}

int cmd_delete(struct cli *c)
{
	bool both = c->opt[OPT_UNPROVISION] != NULL;
	int rc = CLI_DONE;

	if (both && c->opt[OPT_DRY_RUN])
		return cli_usage(c,
				 "plan them one by one: encap plan "
				 "unprovision %s",
				 c->args[0]);
	if (c->opt[OPT_STOP] && !both)
		return cli_usage(c, "--stop is for --unprovision");
	if (both)
		rc = cmd_unprovision(c);
	return rc == CLI_DONE ? name_call(c, "svc_delete") : rc;
}

int cmd_freeze(struct cli *c)
{
	return name_call(c, "svc_freeze");
}

int cmd_thaw(struct cli *c)
{
	return name_call(c, "svc_thaw");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int cmd_ls(struct cli *c)
{
	struct doc *data;
	const struct doc *all;
	const char **names;
	int rc = cli_call(c, "svc_ls", NULL, &data);

	if (rc != CLI_DONE)
		return rc;
	all = doc_get(data, "services");
	names = ARENA_VEC(c->arena, const char *, doc_len(all) + 1);
	for (size_t i = 0; i < doc_len(all); i++)
		names[i] = doc_get_str(doc_at(all, i), "service", "?");
	qsort(names, doc_len(all), sizeof(*names), by_name);
	if (cli_wants_doc(c)) {
		struct doc *list = doc_list(c->arena);

		for (size_t i = 0; i < doc_len(all); i++)
			doc_add(c->arena, list, doc_str(c->arena, names[i]));
		cli_print_doc(c, list, NULL);
		return CLI_DONE;
	}
	for (size_t i = 0; i < doc_len(all); i++)
		fprintf(c->out, "%s\n", names[i]);
	return CLI_DONE;
}

/* -- intents --------------------------------------------------------------- */

struct intent {
	const char *want;
	struct wait_goal goal;
	const char *level; /* of the agent asked */
	const char *self;  /* its node */
	int64_t timeout_ms;
	struct doc *cursor; /* where the events were before it */
};

/* Which levels: --master is the hypervisor's, --slave and --slaves are the
 * containers'; both or none is all. In a container there is only its own. */
static int intent_levels(struct cli *c, struct intent *in)
{
	bool master = c->opt[OPT_MASTER] != NULL;
	bool slaves = c->opt[OPT_SLAVES] || c->opt[OPT_SLAVE];
	struct doc *list;
	int rc = cli_slaves(c, &list);

	if (rc != CLI_DONE)
		return rc;
	if (strcmp(in->level, "encap") == 0) {
		master = false;
		slaves = true;
		list = doc_list(c->arena);
		doc_add(c->arena, list, doc_str(c->arena, in->self));
	}
	in->goal.slaves = list;
	in->goal.hypervisor = master || !slaves;
	in->goal.encap = slaves || !master;
	return CLI_DONE;
}

static struct doc *intent_args(struct cli *c, const struct intent *in)
{
	const struct wait_goal *g = &in->goal;
	struct doc *args = cli_args_name(c);

	doc_put_str(c->arena, args, "want", in->want);
	doc_put_str(c->arena, args, "level",
		    g->hypervisor && g->encap ? "both"
		    : g->hypervisor	      ? "hypervisor"
					      : "encap");
	if (doc_len(g->slaves))
		doc_put(c->arena, args, "slave", doc_copy(c->arena, g->slaves));
	if (g->node)
		doc_put_str(c->arena, args, "node", g->node);
	cli_put_author(c, args);
	return args;
}

/* What the status is before anything is asked for, to tell old from new. */
static int intent_before(struct cli *c, struct intent *in)
{
	struct doc *data;
	int rc = cli_call(c, "status", cli_args_name(c), &data);

	if (rc == CLI_DONE)
		in->goal.before = data;
	return rc;
}

static int intent_wait(struct cli *c, void *arg)
{
	const struct intent *in = arg;

	return wait_run(c, &in->goal, in->cursor, in->timeout_ms);
}

static int intent_run(struct cli *c, const struct intent *what)
{
	struct intent *in = ARENA_NEW(c->arena, struct intent);
	bool wait = !c->opt[OPT_NO_WAIT];
	struct doc *data;
	int rc;

	*in = *what;
	rc = wait_timeout(c, &in->timeout_ms);
	in->goal.service = c->args[0];
	if (rc == CLI_DONE)
		rc = cli_agent(c, &in->self, &in->level);
	if (rc == CLI_DONE)
		rc = intent_levels(c, in);
	if (rc == CLI_DONE && c->opt[OPT_DRY_RUN])
		return plan_request(c, "svc_intent", intent_args(c, in));
	if (rc == CLI_DONE && wait)
		rc = intent_before(c, in);
	if (rc != CLI_DONE)
		return rc;
	if (wait)
		in->cursor = wait_cursor(c, c->args[0]);
	rc = cli_call(c, "svc_intent", intent_args(c, in), &data);
	if (rc == CLI_DONE && doc_get_bool(data, "local", false))
		return local_stopped(c, data, in->timeout_ms);
	if (rc != CLI_DONE || !wait)
		return rc;
	in->goal.seq = doc_get_int(data, "seq", 0);
	return each_later(c, intent_wait, in);
}

int plan_intent(struct cli *c, const char *want, const char *node,
		struct doc **ret)
{
	struct intent in = { .want = want, .goal.node = node };
	int rc = cli_agent(c, &in.self, &in.level);

	if (rc == CLI_DONE)
		rc = intent_levels(c, &in);
	if (rc == CLI_DONE)
		*ret = intent_args(c, &in);
	return rc;
}

/* On some resources, where they are selected; else on the whole service. */
static int run_on(struct cli *c, const char *action, const struct intent *in)
{
	if (cli_selects(c))
		return cmd_act(c, action);
	if (c->opt[OPT_NODE])
		return cli_usage(c,
				 "--node is where some resources are acted on: "
				 "say which, by --rid; to have the service "
				 "there: encap move %s %s",
				 c->args[0], c->opt[OPT_NODE]);
	return intent_run(c, in);
}

int cmd_start(struct cli *c)
{
	struct intent in = { .want = "started", .goal.want = WAIT_UP };

	if (c->opt[OPT_EMERGENCY])
		return cmd_emergency(c);
	return run_on(c, "start", &in);
}

int cmd_stop(struct cli *c)
{
	struct intent in = { .want = "stopped", .goal.want = WAIT_DOWN };

	return run_on(c, "stop", &in);
}

int cmd_restart(struct cli *c)
{
	struct intent in = { .want = "restart", .goal.want = WAIT_RESTARTED };

	return run_on(c, "restart", &in);
}

int cmd_move(struct cli *c)
{
	struct intent in = { .want = "started",
			     .goal.want = WAIT_MOVED,
			     .goal.node = c->args[1] };

	if (c->opt[OPT_LIVE])
		return cli_error(c, CLI_FAILED,
				 "no driver of this version can move what runs "
				 "without stopping it, so nothing was changed; "
				 "without --live it is stopped, and started "
				 "on %s",
				 c->args[1]);
	return intent_run(c, &in);
}
