/*
 * Machines: found a cluster, join it, look at it; freeze and thaw nodes.
 */

#include "cli/command.h"
#include "cli/plan.h"
#include "cli/show/list.h"

int cmd_cluster_init(struct cli *c)
{
	struct doc *args = doc_map(c->arena), *data;
	const char *name = c->n_args ? c->args[0] : "encap";
	const char *lease = c->opt[OPT_LEASE];
	int64_t lease_ms = lease ? cli_duration_ms(lease) : 0;
	int rc;

	if (lease_ms < 0)
		return cli_usage(c, "'%s' is no time: 3s, 1500ms, 1m", lease);
	if (lease)
		doc_put_int(c->arena, args, "lease_ms", lease_ms);
	doc_put_str(c->arena, args, "name", name);
	doc_put(c->arena, args, "addresses",
		cli_list(c, c->opt[OPT_ADDRESS], ", "));
	rc = cli_call(c, "cluster_init", args, &data);
	if (rc == CLI_DONE)
		fprintf(c->out,
			"cluster %s (%s) founded; on the next machine: encap "
			"cluster join TOKEN ADDRESS, with a token from encap "
			"cluster token\n",
			name, doc_get_str(data, "id", "?"));
	return rc;
}

int cmd_cluster_token(struct cli *c)
{
	struct doc *data;
	int64_t expires;
	int rc = cli_call(c, "cluster_token", NULL, &data);

	if (rc != CLI_DONE)
		return rc;
	if (cli_wants_doc(c)) {
		cli_print_doc(c, data, NULL);
		return CLI_DONE;
	}
	fprintf(c->out, "%s\n", doc_get_str(data, "token", ""));
	expires = doc_get_int(data, "expires", 0);
	if (c->term.tty && expires)
		fprintf(c->err, "good once, until %s\n",
			text_time(c->arena, expires));
	return CLI_DONE;
}

int cmd_cluster_join(struct cli *c)
{
	struct doc *args = doc_map(c->arena), *l = doc_list(c->arena), *data;
	int rc;

	for (size_t i = 1; i < c->n_args; i++)
		doc_add(c->arena, l, doc_str(c->arena, c->args[i]));
	doc_put_str(c->arena, args, "token", c->args[0]);
	doc_put(c->arena, args, "addresses", l);
	doc_put(c->arena, args, "self", cli_list(c, c->opt[OPT_ADDRESS], ", "));
	if (c->opt[OPT_WITNESS])
		doc_put_bool(c->arena, args, "witness", true);
	if (c->opt[OPT_REPLACE])
		doc_put_str(c->arena, args, "replace", c->opt[OPT_REPLACE]);
	rc = cli_call(c, "cluster_join", args, &data);
	if (rc == CLI_DONE)
		fprintf(c->out, "joined cluster %s\n",
			doc_get_str(data, "id", "?"));
	return rc;
}

int cmd_cluster_status(struct cli *c)
{
	struct doc *data;
	int rc = cli_call(c, "cluster_status", NULL, &data);

	if (rc != CLI_DONE)
		return rc;
	if (cli_wants_doc(c))
		cli_print_doc(c, data, "nodes");
	else
		list_cluster(c->out, &c->term, c->arena, data);
	return CLI_DONE;
}

/* What holds when its agent does not: in its own words, and who can end it. */
static void print_protection(struct cli *c, const struct doc *data,
			     const struct doc *node)
{
	const char *name = doc_get_str(node, "name", "?");
	const char *text = doc_get_str(node, "protection", "");
	const struct doc *devices = doc_get(node, "devices");

	if (doc_is(data, "node", name))
		text = doc_get_str(data, "protection", text);
	fprintf(c->out, "%s is protected by %s", name,
		*text ? text : "what it has not told yet");
	if (!doc_len(devices))
		fprintf(c->out, "; no fence device");
	for (size_t i = 0; i < doc_len(devices); i++)
		fprintf(c->out, "%s%s", i ? ", " : "; ",
			doc_text(doc_at(devices, i), ""));
	fprintf(c->out, "\n");
}

int cmd_node_ls(struct cli *c)
{
	const struct doc *nodes;
	struct doc *data;
	int rc = cli_call(c, "node_ls", NULL, &data);

	if (rc != CLI_DONE)
		return rc;
	if (cli_wants_doc(c))
		cli_print_doc(c, data, NULL);
	else
		list_nodes(c->out, &c->term, c->arena, doc_get(data, "nodes"));
	if (cli_wants_doc(c) || !doc_get(data, "protection"))
		return CLI_DONE;
	nodes = doc_get(data, "nodes");
	fprintf(c->out, "\n");
	for (size_t i = 0; i < doc_len(nodes); i++)
		print_protection(c, data, doc_at(nodes, i));
	return CLI_DONE;
}

static int node_call(struct cli *c, const char *op)
{
	struct doc *args = doc_map(c->arena);

	doc_put_str(c->arena, args, "node", c->args[0]);
	cli_put_author(c, args);
	if (c->opt[OPT_DRY_RUN])
		return plan_request(c, op, args);
	return cli_call(c, op, args, NULL);
}

int cmd_node_freeze(struct cli *c)
{
	return node_call(c, "node_freeze");
}

int cmd_node_thaw(struct cli *c)
{
	return node_call(c, "node_thaw");
}

/* Says the version even where there is no agent. */
int cmd_version(struct cli *c)
{
	struct doc *d = doc_map(c->arena);
	struct reply r = { .code = CLI_FAILED };
	struct err err = { 0 };
	int64_t id;
	bool there;

	there = client_open(&c->client, NULL, &err) == 0 &&
		client_send(c->client, "ping", NULL, &id, &err) == 0 &&
		client_wait(c->client, c->arena, id, 3000, &r, &err) == 0 &&
		r.code == CLI_DONE;
	doc_put_str(c->arena, d, "encap", ENCAP_VERSION);
	if (there)
		doc_put(c->arena, d, "agent", doc_copy(c->arena, r.data));
	if (cli_wants_doc(c)) {
		cli_print_doc(c, d, NULL);
		return CLI_DONE;
	}
	fprintf(c->out, "encap %s\n", ENCAP_VERSION);
	if (there)
		fprintf(c->out, "agent %s on %s%s%s\n",
			doc_get_str(r.data, "version", "?"),
			doc_get_str(r.data, "node", "?"),
			*doc_get_str(r.data, "level", "") ? ", level " : "",
			doc_get_str(r.data, "level", ""));
	else
		fprintf(c->out, "agent: %s\n",
			*err.text ? err.text : "does not answer");
	return CLI_DONE;
}
