/*
 * A majority of the cluster's machines is lost for good: found it anew from
 * what the survivors hold (recover), or leave what is left of it (forget).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

#define LOOKS	      10
#define LOOK_EVERY_MS 200
#define BACK_MS	      20000 /* for the agent to be back */
#define BACK_EVERY_MS 100

static bool all_told(const struct doc *look)
{
	const struct doc *nodes = doc_get(look, "nodes");

	for (size_t i = 0; i < doc_len(nodes); i++)
		if (doc_get_bool(doc_at(nodes, i), "connected", false) &&
		    !doc_get(doc_at(nodes, i), "groups"))
			return false;
	return true;
}

static int look_around(struct cli *c, struct doc **ret)
{
	int rc = CLI_DONE;

	for (int i = 0; i < LOOKS && rc == CLI_DONE; i++) {
		if (i)
			usleep(LOOK_EVERY_MS * 1000);
		rc = cli_call(c, "recover_look", NULL, ret);
		if (rc == CLI_DONE && i && all_told(*ret))
			break;
	}
	return rc;
}

/* -- who has most --------------------------------------------------------- */

static const struct doc *group_of(const struct doc *node, int64_t gid)
{
	const struct doc *groups = doc_get(node, "groups");

	for (size_t i = 0; i < doc_len(groups); i++)
		if (doc_get_int(doc_at(groups, i), "group", 0) == gid)
			return doc_at(groups, i);
	return NULL;
}

/* As raft compares logs: the later term, then the longer one. */
static int group_cmp(const struct doc *a, const struct doc *b)
{
	int64_t d = doc_get_int(a, "term", -1) - doc_get_int(b, "term", -1);

	if (d == 0)
		d = doc_get_int(a, "last", -1) - doc_get_int(b, "last", -1);
	return d < 0 ? -1 : d > 0;
}

/* In how many groups @node has less than another survivor; the cluster's own
 * counts more than all the others. */
static unsigned node_lacks(const struct doc *nodes, const struct doc *node)
{
	unsigned lacks = 0;

	for (size_t n = 0; n < doc_len(nodes); n++) {
		const struct doc *theirs = doc_get(doc_at(nodes, n), "groups");

		for (size_t i = 0; i < doc_len(theirs); i++) {
			const struct doc *g = doc_at(theirs, i);
			int64_t gid = doc_get_int(g, "group", 0);

			if (group_cmp(group_of(node, gid), g) < 0)
				lacks += gid == 1 ? 65536 : 1;
		}
	}
	return lacks;
}

static const struct doc *best_node(const struct doc *nodes)
{
	const struct doc *best = NULL;
	unsigned least = 0;

	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *n = doc_at(nodes, i);
		unsigned lacks;

		if (!doc_get(n, "groups"))
			continue;
		lacks = node_lacks(nodes, n);
		if (!best || lacks < least ||
		    (lacks == least && doc_get_bool(n, "here", false))) {
			best = n;
			least = lacks;
		}
	}
	return best;
}

/* -- what is said --------------------------------------------------------- */

static void show_lacks(struct cli *c, const struct doc *look,
		       const struct doc *node)
{
	const struct doc *services = doc_get(look, "services");
	const struct doc *nodes = doc_get(look, "nodes");

	for (size_t s = 0; s < doc_len(services); s++) {
		int64_t gid = atoll(doc_at(services, s)->key);

		for (size_t n = 0; n < doc_len(nodes); n++)
			if (group_cmp(group_of(node, gid),
				      group_of(doc_at(nodes, n), gid)) < 0) {
				fprintf(c->out, "; %s has more of %s",
					doc_get_str(doc_at(nodes, n), "name",
						    "?"),
					doc_text(doc_at(services, s), "?"));
				break;
			}
	}
}

static void show_node(struct cli *c, const struct doc *look,
		      const struct doc *node)
{
	const struct doc *g = group_of(node, 1);

	fprintf(c->out, "%-12s ", doc_get_str(node, "name", "?"));
	if (!doc_get_bool(node, "connected", false)) {
		fprintf(c->out, "cannot be reached\n");
		return;
	}
	if (!g) {
		fprintf(c->out, "does not say what it holds\n");
		return;
	}
	fprintf(c->out, "holds the cluster's log up to %lld of term %lld",
		(long long)doc_get_int(g, "last", 0),
		(long long)doc_get_int(g, "term", 0));
	if (doc_get_int(g, "beyond", 0))
		fprintf(c->out, ", %lld commands of it perhaps not agreed",
			(long long)doc_get_int(g, "beyond", 0));
	show_lacks(c, look, node);
	fputc('\n', c->out);
}

static void show_risks(struct cli *c, const struct doc *nodes)
{
	fprintf(c->out,
		"\nA new cluster will be founded from what is here. What only "
		"the lost machines\nhad is lost: that may be changes of the "
		"last moments which were acknowledged.\nNothing will be "
		"started.\n");
	for (size_t i = 0; i < doc_len(nodes); i++)
		if (!doc_get_bool(doc_at(nodes, i), "connected", false))
			fprintf(c->out,
				"%s must not come back as it was: with others "
				"like it, it would go on as the\nold cluster "
				"and run the same services. Before its agent "
				"starts again, move\n/var/lib/encap away "
				"there.\n",
				doc_get_str(doc_at(nodes, i), "name", "?"));
}

/* -- doing it ------------------------------------------------------------- */

/* The agent starts itself anew, as a member of nothing. */
static int wait_for_agent(struct cli *c)
{
	struct client *client;
	struct reply r;
	struct err err = { 0 };
	int64_t id;

	client_free(c->client);
	c->client = NULL;
	for (int i = 0; i < BACK_MS / BACK_EVERY_MS; i++) {
		usleep(BACK_EVERY_MS * 1000);
		if (client_open(&client, NULL, &err) < 0)
			continue;
		if (client_send(client, "ping", NULL, &id, &err) == 0 &&
		    client_wait(client, c->arena, id, 2000, &r, &err) == 0 &&
		    r.code == CLI_DONE &&
		    doc_get_str(r.data, "level", "?")[0] == '\0') {
			c->client = client;
			return CLI_DONE;
		}
		client_free(client);
	}
	return cli_error(c, CLI_TIMEOUT, "the agent did not come back: %s",
			 err.text);
}

static int found_anew(struct cli *c, const char *cluster,
		      const struct doc *addresses, const char *path)
{
	struct doc *args = doc_map(c->arena), *data;
	const char *argv[] = { path };
	int rc;

	doc_put_str(c->arena, args, "name", cluster);
	doc_put(c->arena, args, "addresses",
		addresses ? doc_copy(c->arena, addresses) : doc_list(c->arena));
	rc = cli_call(c, "cluster_init", args, &data);
	if (rc != CLI_DONE)
		return rc;
	fprintf(c->out, "cluster %s (%s) founded\n", cluster,
		doc_get_str(data, "id", "?"));
	c->args = argv;
	c->n_args = 1;
	return cmd_cluster_restore(c);
}

int cmd_cluster_recover(struct cli *c)
{
	struct doc *look, *data;
	const struct doc *nodes, *best;
	const char *path;
	int rc = look_around(c, &look);

	if (rc != CLI_DONE)
		return rc;
	if (doc_get_bool(look, "leader", false))
		return cli_error(c, CLI_CONFLICT,
				 "the cluster has a leader, so a majority is "
				 "alive: nothing is to be recovered ('encap "
				 "cluster status')");
	nodes = doc_get(look, "nodes");
	for (size_t i = 0; i < doc_len(nodes); i++)
		show_node(c, look, doc_at(nodes, i));
	best = best_node(nodes);
	if (!doc_get_bool(best, "here", false))
		return cli_error(c, CLI_FAILED,
				 "%s holds more than this machine: run this "
				 "there",
				 doc_get_str(best, "name", "?"));
	show_risks(c, nodes);
	rc = cli_yes(c, "Found the cluster anew?");
	if (rc == CLI_DONE)
		rc = cli_call(c, "cluster_recover", NULL, &data);
	if (rc != CLI_DONE)
		return rc;
	path = doc_get_str(data, "path", "");
	fprintf(c->out,
		"saved as %s; if this is cut short: encap cluster init, then "
		"encap cluster restore %s\n",
		path, path);
	rc = wait_for_agent(c);
	if (rc == CLI_DONE)
		rc = found_anew(c, doc_get_str(look, "cluster", "encap"),
				doc_get(best, "addresses"), path);
	if (rc == CLI_DONE)
		fprintf(c->out, "on each other survivor: encap cluster forget, "
				"then encap cluster join with a new token\n");
	return rc;
}

int cmd_cluster_forget(struct cli *c)
{
	int rc = cli_yes(c, "Have this machine leave its cluster, which has no "
			    "majority?");

	if (rc == CLI_DONE)
		rc = cli_call(c, "cluster_forget", NULL, NULL);
	if (rc == CLI_DONE)
		rc = wait_for_agent(c);
	if (rc == CLI_DONE)
		fprintf(c->out, "this machine is a member of nothing; what it "
				"had is below /var/lib/encap/before-...\n");
	return rc;
}
