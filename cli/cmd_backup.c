/*
 * A cluster's state in a file, and back. The agent writes and reads the file,
 * so it is on the agent's machine; paths are made absolute here.
 */
#include <limits.h>
#include <unistd.h>

#include "cli/command.h"

static struct doc *path_args(struct cli *c)
{
	struct doc *args = doc_map(c->arena);
	const char *path = c->args[0];
	char dir[PATH_MAX];

	if (path[0] != '/' && getcwd(dir, sizeof(dir)))
		path = arena_printf(c->arena, "%s/%s", dir, path);
	doc_put_str(c->arena, args, "path", path);
	cli_put_author(c, args);
	return args;
}

int cmd_cluster_backup(struct cli *c)
{
	struct doc *args = path_args(c), *data;
	int rc;

	doc_put_bool(c->arena, args, "stale", c->opt[OPT_STALE] != NULL);
	rc = cli_call(c, "cluster_backup", args, &data);
	if (rc != CLI_DONE)
		return rc;
	if (cli_wants_doc(c))
		cli_print_doc(c, data, NULL);
	else
		fprintf(c->out,
			"%s: %lld services of cluster %s; it holds the "
			"secrets' key: keep it like one\n",
			doc_get_str(data, "path", "?"),
			(long long)doc_get_int(data, "services", 0),
			doc_get_str(doc_get(data, "cluster"), "name", "?"));
	return CLI_DONE;
}

static void show_restored(struct cli *c, const struct doc *row)
{
	fprintf(c->out, "%-24s %s", doc_get_str(row, "name", "?"),
		doc_get_bool(row, "exists", false)
			? "is in this cluster already: not touched"
			: "restored");
	if (!doc_get_bool(row, "exists", false))
		fprintf(c->out, ", %lld revisions; it was asked to be %s",
			(long long)doc_get_int(row, "revisions", 0),
			doc_get_str(row, "was", "stopped"));
	fputc('\n', c->out);
}

int cmd_cluster_restore(struct cli *c)
{
	struct doc *data;
	const struct doc *list, *head;
	int rc = cli_call(c, "cluster_restore", path_args(c), &data);

	if (rc != CLI_DONE)
		return rc;
	if (cli_wants_doc(c)) {
		cli_print_doc(c, data, NULL);
		return CLI_DONE;
	}
	head = doc_get(data, "head");
	list = doc_get(data, "services");
	fprintf(c->out, "a backup of cluster %s, made on %s, %s\n",
		doc_get_str(doc_get(head, "cluster"), "name", "?"),
		doc_get_str(head, "node", "?"),
		text_time(c->arena, doc_get_int(head, "at", 0)));
	for (size_t i = 0; i < doc_len(list); i++)
		show_restored(c, doc_at(list, i));
	fprintf(c->out, "nothing was started: make sure that nothing of it "
			"runs elsewhere, then 'encap start NAME'\n");
	return CLI_DONE;
}
