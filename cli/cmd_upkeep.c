/*
 * Machines and services as such: clear, maintenance, drain.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/plan.h"
#include "cli/wait.h"

#define LOOK_EVERY_MS 500

int cmd_clear(struct cli *c)
{
	struct doc *args = cli_args_name(c), *data;
	int rc;

	cli_put_author(c, args);
	if (c->opt[OPT_DRY_RUN])
		return plan_request(c, "svc_clear", args);
	rc = cli_call(c, "svc_clear", args, &data);
	if (rc == CLI_DONE && doc_get_bool(data, "same", false))
		fprintf(c->out, "nothing of %s has failed\n", c->args[0]);
	return rc;
}

int cmd_maintenance(struct cli *c)
{
	const char *word = c->args[0], *node = c->opt[OPT_NODE];
	bool on = strcmp(word, "on") == 0;
	struct doc *args = doc_map(c->arena);

	if (!on && strcmp(word, "off") != 0)
		return cli_usage(c, "maintenance is on or off, not '%s'", word);
	if (c->n_args > 1 && node)
		return cli_usage(c, "%s, or --node %s?", c->args[1], node);
	doc_put_bool(c->arena, args, "on", on);
	if (c->n_args > 1)
		doc_put_str(c->arena, args, "what", c->args[1]);
	if (node)
		doc_put_str(c->arena, args, "node", node);
	cli_put_author(c, args);
	return cli_call(c, "maintenance", args, NULL);
}

/* -- drain ------------------------------------------------------------------
 */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The drain of the node, as the agent sees it. */
static int drain_look(struct cli *c, const struct doc **ret)
{
	struct doc *data;
	int rc = cli_call(c, "node_ls", NULL, &data);

	*ret = NULL;
	for (size_t i = 0;
	     rc == CLI_DONE && i < doc_len(doc_get(data, "nodes")); i++) {
		const struct doc *n = doc_at(doc_get(data, "nodes"), i);

		if (doc_is(n, "name", c->args[0]))
			*ret = doc_get(n, "drain");
	}
	return rc;
}

static void print_left(const struct cli *c, const struct doc *left)
{
	for (size_t i = 0; i < doc_len(left); i++) {
		const struct doc *d = doc_at(left, i);
		const char *why = doc_get_str(d, "why", "");

		fprintf(c->err, "%s is still there%s%s\n",
			doc_get_str(d, "service", "?"), *why ? ": " : "", why);
	}
}

static int drain_wait(struct cli *c, int64_t timeout_ms)
{
	int64_t until = now_ms() + timeout_ms;
	size_t before = 0;

	for (;;) {
		const struct doc *drain, *left;
		int rc = drain_look(c, &drain);

		if (rc != CLI_DONE)
			return rc;
		if (!drain || !doc_get(drain, "at"))
			return cli_error(c, CLI_CONFLICT,
					 "the drain of %s was taken back",
					 c->args[0]);
		left = doc_get(drain, "left");
		if (doc_len(left) != before && doc_len(left))
			fprintf(c->out, "%zu service%s still on %s\n",
				doc_len(left), doc_len(left) == 1 ? "" : "s",
				c->args[0]);
		before = doc_len(left);
		if (!before) {
			fprintf(c->out, "%s is drained\n", c->args[0]);
			return CLI_DONE;
		}
		if (now_ms() >= until) {
			print_left(c, left);
			return cli_error(c, CLI_TIMEOUT,
					 "not all of it could be moved away "
					 "in time; %s goes on being drained, "
					 "'encap node undrain %s' takes that "
					 "back",
					 c->args[0], c->args[0]);
		}
		usleep(LOOK_EVERY_MS * 1000);
	}
}

static int node_ask(struct cli *c, const char *op, struct doc *args)
{
	doc_put_str(c->arena, args, "node", c->args[0]);
	cli_put_author(c, args);
	if (c->opt[OPT_DRY_RUN])
		return plan_request(c, op, args);
	return cli_call(c, op, args, NULL);
}

int cmd_node_drain(struct cli *c)
{
	struct doc *args = doc_map(c->arena);
	const char *deadline = c->opt[OPT_DEADLINE];
	int64_t timeout_ms, ms = deadline ? cli_duration_ms(deadline) : 0;
	int rc = wait_timeout(c, &timeout_ms);

	if (rc != CLI_DONE)
		return rc;
	if (ms < 0 || (deadline && ms == 0))
		return cli_usage(c, "'%s' is no time: 90s, 5m, 1h", deadline);
	if (ms > 0)
		doc_put_int(c->arena, args, "deadline_ms", ms);
	rc = node_ask(c, "node_drain", args);
	if (rc != CLI_DONE || c->opt[OPT_NO_WAIT] || c->opt[OPT_DRY_RUN])
		return rc;
	return drain_wait(c, timeout_ms);
}

int cmd_node_undrain(struct cli *c)
{
	return node_ask(c, "node_undrain", doc_map(c->arena));
}
