/*
 * The actions of svcmgr and nodemgr that are more than another spelling.
 */
#include <string.h>

#include "cli/older.h"

static void set_arguments(struct cli *c, size_t n, const char *const *words)
{
	const char **args = ARENA_VEC(c->arena, const char *, n);

	memcpy(args, words, n * sizeof(*args));
	c->args = args;
	c->n_args = n;
}

/* -- states as exit codes -------------------------------------------------- */

static int status_code(const char *word)
{
	static const struct {
		const char *word;
		int code;
	} codes[] = {
		{ "up", 0 },	     { "down", 1 },  { "warn", 2 },
		{ "n/a", 3 },	     { "undef", 5 }, { "stdby up", 6 },
		{ "stdby down", 7 },
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].word, word) == 0)
			return codes[i].code;
	return 5;
}

/* This node's instance; where it has none, the service. */
int older_status(struct cli *c, const struct older_action *o)
{
	const struct doc *here;
	const char *node, *word;
	struct doc *status;
	int rc = cli_agent(c, &node, NULL);

	(void)o;
	if (rc == CLI_DONE)
		rc = cli_call(c, "status", cli_args_name(c), &status);
	if (rc != CLI_DONE)
		return CLI_FAILED;
	here = doc_get(doc_get(status, "instances"), node);
	word = doc_get_str(here ? here : status, "overall", "undef");
	fprintf(c->out, "%s\n", word);
	return status_code(word);
}

static int say_frozen(struct cli *c, bool frozen)
{
	fprintf(c->out, "%s\n", frozen ? "frozen" : "thawed");
	return frozen ? 1 : 0;
}

int older_frozen(struct cli *c, const struct older_action *o)
{
	struct doc *status;
	int rc = cli_call(c, "status", cli_args_name(c), &status);

	(void)o;
	if (rc != CLI_DONE)
		return CLI_FAILED;
	return say_frozen(c, strcmp(doc_get_str(status, "frozen", "thawed"),
				    "thawed") != 0);
}

int older_node_frozen(struct cli *c, const struct older_action *o)
{
	const char *node = c->opt[OPT_NODE];
	const struct doc *nodes;
	struct doc *data;
	int rc = node ? CLI_DONE : cli_agent(c, &node, NULL);

	(void)o;
	if (rc == CLI_DONE)
		rc = cli_call(c, "node_ls", NULL, &data);
	if (rc != CLI_DONE)
		return CLI_FAILED;
	nodes = doc_get(data, "nodes");
	for (size_t i = 0; i < doc_len(nodes); i++)
		if (strcmp(doc_get_str(doc_at(nodes, i), "name", ""), node) ==
		    0)
			return say_frozen(c, doc_get_bool(doc_at(nodes, i),
							  "frozen", false));
	return cli_error(c, CLI_FAILED,
			 "there is no node %s: nodemgr ls lists "
			 "those that there are",
			 node);
}

int older_running(struct cli *c, const struct older_action *o)
{
	const char *node;

	(void)o;
	return cli_agent(c, &node, NULL) == CLI_DONE ? CLI_DONE : CLI_FAILED;
}

/* -- other places for an argument ------------------------------------------ */

int older_move(struct cli *c, const struct older_action *o)
{
	if (c->n_args < 2)
		return cli_usage(c, "where to? svcmgr -s %s %s --to NODE",
				 c->args[0], o->words);
	return older_line(c);
}

/* To this node. */
int older_here(struct cli *c, const struct older_action *o)
{
	const char *words[2] = { c->args[0], NULL };

	if (c->n_args > 1)
		return cli_usage(c,
				 "'%s' is one argument too many: %s is to "
				 "this node",
				 c->args[1], o->words);
	if (cli_agent(c, &words[1], NULL) != CLI_DONE)
		return CLI_FAILED;
	set_arguments(c, 2, words);
	return older_line(c);
}

/* Of --node, or of this node. */
int older_node(struct cli *c, const struct older_action *o)
{
	const char *node = c->opt[OPT_NODE];

	(void)o;
	c->opt[OPT_NODE] = NULL;
	if (c->n_args == 0) {
		if (!node && cli_agent(c, &node, NULL) != CLI_DONE)
			return CLI_FAILED;
		set_arguments(c, 1, &node);
	}
	return older_line(c);
}

/* -- disable, enable ------------------------------------------------------- */

/* An edit: the keyword `disable` of the resources of --rid, or of the whole. */
static int set_disable(struct cli *c, const char *value)
{
	const char *rids = c->opt[OPT_RID] ? c->opt[OPT_RID] : "DEFAULT";
	const char **words =
		ARENA_VEC(c->arena, const char *, strlen(rids) + 2);
	size_t n = 0;

	if (c->n_args > 1)
		return cli_usage(c,
				 "'%s' is one argument too many: which "
				 "resources is said by --rid",
				 c->args[1]);
	words[n++] = c->args[0];
	while (*rids) {
		size_t len = strcspn(rids, ",");

		if (len > 0)
			words[n++] = arena_printf(c->arena, "%.*s.disable=%s",
						  (int)len, rids, value);
		rids += len + (rids[len] == ',');
	}
	c->opt[OPT_RID] = NULL;
	set_arguments(c, n, words);
	return older_line(c);
}

int older_disable(struct cli *c, const struct older_action *o)
{
	(void)o;
	return set_disable(c, "true");
}

int older_enable(struct cli *c, const struct older_action *o)
{
	(void)o;
	return set_disable(c, "false");
}
