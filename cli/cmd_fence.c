/*
 * Machines that have to be ended: fence one, vouch that one is down, look at
 * the devices; and the cluster's configuration, in which the devices are.
 */
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/file.h"

#define LOOK_EVERY_MS 250
#define WAIT_MS	      600000

/* -- ending a node ----------------------------------------------------------
 */

/* NULL, and the answer is said, if there is no such node. */
static int node_of(struct cli *c, const char *name, const struct doc **ret)
{
	struct doc *data;
	const struct doc *nodes;
	int rc = cli_call(c, "fence_ls", NULL, &data);

	if (rc != CLI_DONE)
		return rc;
	nodes = doc_get(data, "nodes");
	for (size_t i = 0; i < doc_len(nodes); i++)
		if (doc_is(doc_at(nodes, i), "name", name)) {
			*ret = doc_at(nodes, i);
			return CLI_DONE;
		}
	return cli_error(c, CLI_NOT_FOUND,
			 "there is no node %s: see 'encap node ls'", name);
}

static int wait_for_fence(struct cli *c, const char *name, int64_t n)
{
	int64_t left = WAIT_MS;

	if (c->opt[OPT_TIMEOUT])
		left = cli_duration_ms(c->opt[OPT_TIMEOUT]);
	if (left < 0)
		return cli_usage(c, "--timeout: '%s' is no time",
				 c->opt[OPT_TIMEOUT]);
	for (; left > 0; left -= LOOK_EVERY_MS) {
		const struct doc *row, *f;
		int rc = node_of(c, name, &row);

		if (rc != CLI_DONE)
			return rc;
		f = doc_get(row, "fence");
		if (doc_get_int(f, "n", 0) != n)
			return cli_error(c, CLI_CONFLICT,
					 "another fence of %s was asked for "
					 "since",
					 name);
		if (doc_is(f, "state", "failed"))
			return cli_error(c, CLI_FAILED, "%s %s: %s",
					 doc_get_str(f, "action", "fence"),
					 name, doc_get_str(f, "text", "?"));
		if (doc_is(f, "state", "done")) {
			fprintf(c->out, "%s: %s, by %s with %s%s%s\n", name,
				doc_get_str(f, "action", "?"),
				doc_get_str(f, "runner", "?"),
				doc_get_str(f, "device", "?"),
				*doc_get_str(f, "text", "") ? "; " : "",
				doc_get_str(f, "text", ""));
			return CLI_DONE;
		}
		usleep(LOOK_EVERY_MS * 1000);
	}
	return cli_error(c, CLI_TIMEOUT,
			 "%s: not yet certain; 'encap fence ls' tells", name);
}

static const char *action_of(const struct cli *c)
{
	if (c->opt[OPT_OFF])
		return "off";
	if (c->opt[OPT_ON])
		return "on";
	return c->opt[OPT_REBOOT] ? "reboot" : NULL;
}

int cmd_node_fence(struct cli *c)
{
	struct doc *args = doc_map(c->arena), *data;
	const char *name = c->args[0], *action = action_of(c);
	const struct doc *row;
	int rc;

	if (!!c->opt[OPT_OFF] + !!c->opt[OPT_ON] + !!c->opt[OPT_REBOOT] > 1)
		return cli_usage(c, "one of --off, --on and --reboot");
	rc = node_of(c, name, &row);
	if (rc != CLI_DONE)
		return rc;
	if (!c->opt[OPT_ON]) {
		fprintf(c->err,
			"%s is %s. What runs on it ends at once, as by a power "
			"cut.\n",
			name, doc_get_str(row, "state", "?"));
		rc = cli_yes(c, "Fence it?");
	}
	if (rc != CLI_DONE)
		return rc;
	doc_put_str(c->arena, args, "node", name);
	if (action)
		doc_put_str(c->arena, args, "action", action);
	cli_put_author(c, args);
	rc = cli_call(c, "node_fence", args, &data);
	if (rc != CLI_DONE || c->opt[OPT_NO_WAIT])
		return rc;
	return wait_for_fence(c, name, doc_get_int(data, "n", 0));
}

int cmd_node_confirm_down(struct cli *c)
{
	struct doc *args = doc_map(c->arena);
	const char *name = c->args[0];
	int rc;

	fprintf(c->err,
		"You vouch that %s is off, or that nothing of any service runs "
		"on it, not even\nin a machine that hangs or is cut off. If it "
		"does, data that it writes will be\ncorrupted: services that "
		"wait for this word start elsewhere at once.\n",
		name);
	rc = cli_yes(c, "Is it down?");
	if (rc != CLI_DONE)
		return rc;
	doc_put_str(c->arena, args, "node", name);
	cli_put_author(c, args);
	rc = cli_call(c, "node_vouch", args, NULL);
	if (rc == CLI_DONE)
		fprintf(c->out, "%s is taken to be down\n", name);
	return rc;
}

/* -- devices ----------------------------------------------------------------
 */

static void device_line(struct cli *c, const struct doc *d)
{
	const char *options = doc_join(c->arena, doc_get(d, "options"), " ");
	const char *secrets = doc_join(c->arena, doc_get(d, "secrets"), " ");

	fprintf(c->out, "  level %lld  %s  %s%s%s",
		(long long)doc_get_int(d, "level", 1),
		doc_get_str(d, "device", "?"),
		doc_get_str(d, "agent", doc_get_str(d, "command", "?")),
		*options ? "  " : "", options);
	if (*secrets)
		fprintf(c->out, "  (secret: %s)", secrets);
	fprintf(c->out, "  %s, timeout %s, retries %lld",
		doc_get_str(d, "action", "reboot"),
		text_age(c->arena, doc_get_int(d, "timeout_ms", 0)),
		(long long)doc_get_int(d, "retries", 0));
	if (doc_get_int(d, "delay_ms", 0))
		fprintf(c->out, ", delay %s",
			text_age(c->arena, doc_get_int(d, "delay_ms", 0)));
	fprintf(c->out, "\n");
}

static void last_line(struct cli *c, const struct doc *f)
{
	const char *text = doc_get_str(f, "text", "");

	fprintf(c->out, "  last: %s %s, asked %s: %s",
		doc_get_str(f, "action", "?"), doc_get_str(f, "state", "?"),
		text_time(c->arena, doc_get_int(f, "at", 0)),
		doc_get_str(f, "why", ""));
	if (*doc_get_str(f, "runner", ""))
		fprintf(c->out, "; by %s", doc_get_str(f, "runner", ""));
	if (*doc_get_str(f, "device", ""))
		fprintf(c->out, " with %s", doc_get_str(f, "device", ""));
	fprintf(c->out, "%s%s\n", *text ? "; " : "", text);
}

int cmd_fence_ls(struct cli *c)
{
	struct doc *data;
	const struct doc *nodes;
	int rc = cli_call(c, "fence_ls", NULL, &data);

	if (rc != CLI_DONE)
		return rc;
	if (cli_wants_doc(c)) {
		cli_print_doc(c, data, "nodes");
		return CLI_DONE;
	}
	nodes = doc_get(data, "nodes");
	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *n = doc_at(nodes, i);
		const struct doc *devices = doc_get(n, "devices");
		const char *sure = doc_get_str(n, "sure", "");

		fprintf(c->out, "%s: %s%s%s%s\n", doc_get_str(n, "name", "?"),
			doc_get_str(n, "state", "?"), *sure ? ", " : "", sure,
			doc_len(devices) ? "" : ", no fence device");
		if (doc_get(n, "error"))
			fprintf(c->out, "  %s\n", doc_get_str(n, "error", ""));
		for (size_t k = 0; k < doc_len(devices); k++)
			device_line(c, doc_at(devices, k));
		if (doc_get(n, "fence"))
			last_line(c, doc_get(n, "fence"));
	}
	return CLI_DONE;
}

int cmd_fence_test(struct cli *c)
{
	struct doc *args = doc_map(c->arena), *data;
	const struct doc *devices;
	int rc;

	doc_put_str(c->arena, args, "node", c->args[0]);
	rc = cli_call(c, "fence_test", args, &data);
	if (rc != CLI_DONE)
		return rc;
	devices = doc_get(data, "devices");
	for (size_t i = 0; i < doc_len(devices); i++)
		if (!doc_get_bool(doc_at(devices, i), "ok", false))
			rc = CLI_FAILED;
	if (cli_wants_doc(c)) {
		cli_print_doc(c, data, "devices");
		return rc;
	}
	for (size_t i = 0; i < doc_len(devices); i++) {
		const struct doc *d = doc_at(devices, i);

		fprintf(c->out, "%s, asked by %s: %s%s\n",
			doc_get_str(d, "device", "?"),
			doc_get_str(data, "node", "?"),
			doc_get_bool(d, "ok", false) ? "" : "error: ",
			doc_get_str(d, "text", ""));
	}
	return rc;
}

/* -- the cluster's configuration ---------------------------------------------
 */

static int configure(struct cli *c, const char *field)
{
	struct doc *args = doc_map(c->arena), *list = doc_list(c->arena);

	for (size_t i = 0; i < c->n_args; i++)
		doc_add(c->arena, list, doc_str(c->arena, c->args[i]));
	doc_put(c->arena, args, field, list);
	cli_put_author(c, args);
	return cli_call(c, "cluster_configure", args, NULL);
}

int cli_cluster_configure(struct cli *c)
{
	return configure(c, "set");
}

int cmd_cluster_unset(struct cli *c)
{
	return configure(c, "unset");
}

static int replace(struct cli *c)
{
	struct doc *args = doc_map(c->arena);
	struct buf text = BUF(c->arena);
	struct err err;

	if (file_read(c->opt[OPT_CONFIG], &text, &err) < 0)
		return cli_error(c, CLI_FAILED, "%s", err.text);
	doc_put_str(c->arena, args, "config", buf_text(&text));
	cli_put_author(c, args);
	return cli_call(c, "cluster_configure", args, NULL);
}

int cmd_cluster_config(struct cli *c)
{
	struct doc *data;
	int rc;

	if (c->opt[OPT_CONFIG])
		return replace(c);
	rc = cli_call(c, "cluster_config", NULL, &data);
	if (rc != CLI_DONE)
		return rc;
	if (cli_wants_doc(c))
		cli_print_doc(c, data, NULL);
	else
		fputs(doc_get_str(data, "config", ""), c->out);
	return CLI_DONE;
}
