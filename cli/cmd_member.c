/*
 * Machines that leave, are removed, or take another's place; what is said of
 * them.
 */
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "fsm/conf/conf.h"

#define LOOK_EVERY_MS 300
#define LEAVE_MS      300000

/* -- leave ------------------------------------------------------------------
 */

/* Is the agent a member of nothing, or away because it starts anew as that?
 * *@ret_waits: what it still waits for. */
static bool has_left(struct cli *c, const char **ret_waits)
{
	struct reply r = { .code = CLI_FAILED };
	struct err err = { 0 };
	struct client *client;
	int64_t id;
	bool left = false;

	if (client_open(&client, NULL, &err) < 0)
		return false;
	if (client_send(client, "ping", NULL, &id, &err) == 0 &&
	    client_wait(client, c->arena, id, 2000, &r, &err) == 0)
		left = r.code == CLI_DONE &&
		       !*doc_get_str(r.data, "level", "?");
	if (!left &&
	    client_send(client, "node_leave_look", NULL, &id, &err) == 0 &&
	    client_wait(client, c->arena, id, 2000, &r, &err) == 0 &&
	    r.code == CLI_DONE)
		*ret_waits = doc_join(c->arena, doc_get(r.data, "waits"), "; ");
	client_free(client);
	return left;
}

static int leave_wait(struct cli *c, int64_t ms)
{
	const char *waits = "", *said = "";

	client_free(c->client);
	c->client = NULL;
	for (int64_t t = 0; t < ms; t += LOOK_EVERY_MS) {
		if (has_left(c, &waits)) {
			fprintf(c->out, "this machine has left the cluster; "
					"what it had is in "
					"/var/lib/encap/before-...\n");
			return CLI_DONE;
		}
		if (c->term.tty && *waits && strcmp(waits, said) != 0)
			fprintf(c->err, "waiting: %s\n", waits);
		said = waits;
		usleep(LOOK_EVERY_MS * 1000);
	}
	return cli_error(c, CLI_TIMEOUT,
			 "it has not left yet%s%s; it goes on, 'encap cluster "
			 "leave --cancel' ends that",
			 *waits ? ": " : "", waits);
}

int cmd_cluster_leave(struct cli *c)
{
	struct doc *args = doc_map(c->arena);
	bool cancel = c->opt[OPT_CANCEL];
	int64_t ms = c->opt[OPT_TIMEOUT] ? cli_duration_ms(c->opt[OPT_TIMEOUT])
					 : LEAVE_MS;
	int rc;

	if (ms < 0)
		return cli_usage(c, "--timeout: '%s' is no time",
				 c->opt[OPT_TIMEOUT]);
	cli_put_author(c, args);
	rc = cli_call(c, cancel ? "node_stay" : "node_leave", args, NULL);
	if (rc != CLI_DONE || cancel || c->opt[OPT_NO_WAIT])
		return rc;
	return leave_wait(c, ms);
}

/* -- remove, replace --------------------------------------------------------
 */

static int node_remove(struct cli *c, const char *node)
{
	struct doc *args = doc_map(c->arena);
	int rc;

	doc_put_str(c->arena, args, "node", node);
	cli_put_author(c, args);
	rc = cli_call(c, "node_remove", args, NULL);
	if (rc == CLI_DONE)
		fprintf(c->out, "%s is removed from the cluster\n", node);
	return rc;
}

int cmd_cluster_remove(struct cli *c)
{
	return node_remove(c, c->args[0]);
}

static const struct doc *node_named(const struct doc *nodes, const char *name)
{
	for (size_t i = 0; i < doc_len(nodes); i++)
		if (doc_is(doc_at(nodes, i), "name", name))
			return doc_at(nodes, i);
	return NULL;
}

/* The arguments: the service, the old name, the new one. */
static int apply_rename(struct cli *c, struct conf *conf)
{
	struct err err = { 0 };

	if (conf_rename_node(conf, c->args[1], c->args[2], &err) < 0)
		return cli_error(c, CLI_FAILED, "%s: %s", c->args[0], err.text);
	return CLI_DONE;
}

/* In the env file of one service; nothing is done where @old is not in it. */
static int rename_in(struct cli *c, const char *service, const char *old,
		     const char *new)
{
	const char *const args[] = { service, old, new };
	struct doc *ask = doc_map(c->arena), *data;
	struct problems p = { .arena = c->arena, .name = service };
	const char *text;
	struct conf *conf;
	int rc;

	doc_put_str(c->arena, ask, "name", service);
	rc = cli_call(c, "svc_config", ask, &data);
	if (rc != CLI_DONE)
		return rc;
	text = doc_get_str(data, "config", "");
	conf = conf_parse(c->arena, text, strlen(text), &p);
	if (!conf || conf_rename_node(conf, old, new, NULL) <= 0)
		return CLI_DONE;
	c->args = args;
	c->n_args = 3;
	return cli_change(c, apply_rename);
}

static int replace_checked(struct cli *c, const struct doc *nodes,
			   const char *old, const char *new)
{
	const struct doc *is = node_named(nodes, old);

	if (strcmp(old, new) == 0)
		return cli_usage(c,
				 "a machine cannot take its own place; a "
				 "new one of the same name joins with "
				 "--replace %s",
				 old);
	if (!node_named(nodes, new))
		return cli_error(c, CLI_NOT_FOUND,
				 "%s is not a member: join it first (encap "
				 "cluster join --replace %s)",
				 new, old);
	if (is && doc_is(is, "state", "up"))
		return cli_error(
			c, CLI_CONFLICT,
			"%s is up: 'encap cluster leave' on it empties "
			"it first",
			old);
	return CLI_DONE;
}

int cmd_cluster_replace(struct cli *c)
{
	const char *old = c->args[0], *new = c->args[1];
	const struct doc *nodes, *services;
	struct doc *data;
	int rc = cli_call(c, "node_ls", NULL, &data);

	if (rc != CLI_DONE)
		return rc;
	nodes = doc_get(data, "nodes");
	rc = replace_checked(c, nodes, old, new);
	if (rc == CLI_DONE)
		rc = cli_call(c, "svc_ls", NULL, &data);
	if (rc != CLI_DONE)
		return rc;
	services = doc_get(data, "services");
	for (size_t i = 0; i < doc_len(services) && rc == CLI_DONE; i++)
		rc = rename_in(c,
			       doc_get_str(doc_at(services, i), "service", ""),
			       old, new);
	if (rc == CLI_DONE && node_named(nodes, old))
		rc = node_remove(c, old);
	return rc;
}

/* -- labels and options -----------------------------------------------------
 */

int cmd_node_label(struct cli *c)
{
	struct doc *args = doc_map(c->arena), *labels = doc_map(c->arena);

	for (size_t i = 1; i < c->n_args; i++) {
		const char *equals = strchr(c->args[i], '=');

		if (!equals)
			return cli_usage(c, "a label is KEY=VALUE, not '%s'",
					 c->args[i]);
		doc_put_str(c->arena, labels,
			    arena_printf(c->arena, "%.*s",
					 (int)(equals - c->args[i]),
					 c->args[i]),
			    equals + 1);
	}
	doc_put_str(c->arena, args, "node", c->args[0]);
	doc_put(c->arena, args, "labels", labels);
	cli_put_author(c, args);
	return cli_call(c, "node_label", args, NULL);
}

int cmd_cluster_set(struct cli *c)
{
	static const char word[] = "voter_grace=";
	struct doc *args = doc_map(c->arena);
	int64_t ms;

	if (strncmp(c->args[0], word, strlen(word)) != 0)
		return cli_cluster_configure(c);
	if (c->n_args > 1)
		return cli_usage(c, "voter_grace is set by itself");
	ms = cli_duration_ms(c->args[0] + strlen(word));
	if (ms < 0)
		return cli_usage(c, "'%s' is no time: 90s, 10m, 1h",
				 c->args[0] + strlen(word));
	doc_put_int(c->arena, args, "voter_grace_ms", ms);
	cli_put_author(c, args);
	return cli_call(c, "cluster_set", args, NULL);
}
