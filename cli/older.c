/*
 * How: the line is split by the options of all commands, for -s and the others
 * may stand anywhere; the words left over begin with the action; its row names
 * the command of encap, and the line becomes one of that command.
 */
#include "cli/older.h"

#include <string.h>

#include "cli/each.h"
#include "cli/help.h"
#include "cli/line.h"
#include "fsm/conf/select.h"

/* Every option of any command, before it is known which. */
#define ALL_OPTIONS (OPT_BIT(OPT_N) - 1)

const struct older *older_program(const char *name)
{
	for (const struct older *p = older_programs; p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

static const struct older_action *find_action(const struct older *p,
					      size_t argc,
					      const char *const *argv,
					      size_t *ret_used)
{
	const struct older_action *best = NULL;

	*ret_used = 0;
	for (const struct older_action *o = p->actions; o->words; o++) {
		size_t n = line_match(o->words, argc, argv);

		if (n > *ret_used || !*o->words) {
			*ret_used = n;
			best = o;
		}
	}
	return best;
}

static int unknown_action(struct cli *c, const struct older *p)
{
	const char *names[128], *near, *typed;
	size_t n = 0;

	for (const struct older_action *o = p->actions; o->words && n < 128;
	     o++)
		names[n++] = o->words;
	near = line_nearest(c, c->n_args, c->args, names, n, &typed);
	if (near)
		return cli_error(c, CLI_USAGE,
				 "'%s' is no action; did you mean '%s'? %s "
				 "--help lists them all",
				 typed, near, p->name);
	return cli_error(c, CLI_USAGE,
			 "'%s' is no action; %s --help lists them", typed,
			 p->name);
}

/* -- options --------------------------------------------------------------- */

/* Also one whose name means another thing today, as --cluster does. */
static const struct older_option *find_option(const char *word, size_t len)
{
	for (const struct older_option *o = older_options; o->name; o++)
		if (strlen(o->name) == len && strncmp(o->name, word, len) == 0)
			return o;
	return NULL;
}

/* Has @argv speak of options by their names of now. */
static int rename_options(struct cli *c, size_t argc, const char *const *argv,
			  const char **out, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < argc; i++) {
		const char *word = argv[i];
		size_t len = strcspn(word, "=");
		const struct older_option *o =
			strncmp(word, "--", 2) == 0 && len > 2
				? find_option(word + 2, len - 2)
				: NULL;

		if (o && o->note)
			return cli_error(c, CLI_USAGE, "--%s: %s", o->name,
					 o->note);
		if (o && *o->now)
			out[n++] = arena_printf(c->arena, "--%s%s", o->now,
						word + len);
		else if (!o)
			out[n++] = word;
	}
	*ret_n = n;
	return CLI_DONE;
}

/* Older names of formats. */
static void rename_format(struct cli *c)
{
	const char *o = c->opt[OPT_OUTPUT];

	if (o && strcmp(o, "flat_json") == 0)
		c->opt[OPT_OUTPUT] = "flat";
}

static int check_options(const struct cli *c)
{
	uint64_t allowed = c->cmd->options;

	for (unsigned i = 0; i < OPT_N; i++)
		if (c->opt[i] && !(allowed >> i & 1))
			return cli_usage(c, "option '--%s' has no meaning here",
					 option_table[i].name);
	return CLI_DONE;
}

/* -- arguments ------------------------------------------------------------- */

static void push_argument(struct cli *c, const char *word)
{
	const char **args = ARENA_VEC(c->arena, const char *, c->n_args + 1);

	memcpy(args, c->args, c->n_args * sizeof(*args));
	args[c->n_args++] = word;
	c->args = args;
}

/* What the action implies: "--output json --eval", or an argument: "nodes". */
static void add_options(struct cli *c, const char *adds)
{
	char *words = arena_printf(c->arena, "%s", adds), *save = NULL;
	enum option_id id = OPT_N;

	for (char *w = strtok_r(words, " ", &save); w;
	     w = strtok_r(NULL, " ", &save)) {
		if (strncmp(w, "--", 2) == 0) {
			id = line_option(w + 2, strlen(w + 2));
			assert(id != OPT_N);
			c->opt[id] = "";
		} else if (id != OPT_N) {
			c->opt[id] = w;
		} else {
			push_argument(c, w);
		}
	}
}

/* Takes the value of an option that has become an argument. */
static const char *take_option(struct cli *c, enum option_id id)
{
	const char *value = c->opt[id];

	c->opt[id] = NULL;
	return value;
}

/* Keys were options: --param KEY --value VALUE, --kw KEY=VALUE --kw ... */
static int push_keys(struct cli *c)
{
	const char *param = take_option(c, OPT_PARAM);
	const char *value = take_option(c, OPT_VALUE);
	const char *kw = take_option(c, OPT_KW);

	if (value && !param)
		return cli_usage(c, "--value %s is the value of no --param",
				 value);
	if (value)
		param = arena_printf(c->arena, "%s=%s", param, value);
	if (param)
		push_argument(c, param);
	while (kw && *kw) {
		size_t n = strcspn(kw, "\n");

		push_argument(c, arena_printf(c->arena, "%.*s", (int)n, kw));
		kw += n + (kw[n] != '\0');
	}
	return CLI_DONE;
}

/* NAME, what stood behind the action, and what options stood for. */
static int build_arguments(struct cli *c, size_t used)
{
	const char *const *rest = c->args + used;
	size_t n_rest = c->n_args - used;
	const char *name = take_option(c, OPT_SERVICE);
	const char *to;

	c->n_args = 0;
	if (name)
		push_argument(c, name);
	for (size_t i = 0; i < n_rest; i++)
		push_argument(c, rest[i]);
	to = take_option(c, OPT_TO);
	if (to)
		push_argument(c, to);
	return push_keys(c);
}

/* -- running it ------------------------------------------------------------ */

/* Those that call svcmgr know of done, and of not done. */
int older_line(struct cli *c)
{
	int rc = check_options(c);

	if (rc == CLI_DONE)
		rc = line_check(c);
	if (rc == CLI_DONE)
		rc = each_run(c);
	return rc > CLI_USAGE ? CLI_FAILED : rc;
}

/* Those that -s means. @ret_code: as with OpenSVC a pattern that none matches
 * is no failure. */
static bool find_services(struct cli *c, struct names *ret, int *ret_code)
{
	const char *selector = c->args[0];

	if (each_names(c, selector, ret) == CLI_DONE)
		return true;
	*ret_code = strpbrk(selector, "*?[") ? CLI_DONE : CLI_FAILED;
	return false;
}

/* An action of its own on each service; the greatest code counts. */
static int run_each(struct cli *c, const struct older_action *o,
		    const struct names *names)
{
	const struct cli line = *c;
	int most = CLI_DONE;

	for (size_t i = 0; i < names->n; i++) {
		const char **args =
			ARENA_VEC(c->arena, const char *, line.n_args);
		struct client *client = c->client;
		int rc;

		memcpy(args, line.args, line.n_args * sizeof(*args));
		args[0] = names->at[i];
		*c = line; /* the action may have taken options */
		c->client = client;
		c->args = args;
		rc = o->run(c, o);
		most = rc > most ? rc : most;
	}
	return most;
}

/* All but those that may be about every service. */
static bool needs_service(const struct older *p, const struct older_action *o,
			  const struct command *k)
{
	return strcmp(p->name, "svcmgr") == 0 && (!k || k->min > 0 || o->run);
}

/* --local is what is done anyway to some resources, and in a container. A whole
 * service is where the cluster has it. */
static int check_local(struct cli *c)
{
	const char *level;

	if (!take_option(c, OPT_LOCAL) || cli_selects(c))
		return CLI_DONE;
	if (cli_agent(c, NULL, &level) != CLI_DONE)
		return CLI_FAILED;
	if (strcmp(level, "encap") == 0)
		return CLI_DONE;
	return cli_error(c, CLI_USAGE,
			 "--local: the cluster has a service where it was "
			 "asked to be: use switch --to NODE, or takeover");
}

/* Is a selector the first argument? */
static bool selects(const struct older *p, const struct cli *c)
{
	return strcmp(p->name, "svcmgr") == 0 && c->n_args > 0 &&
	       !select_is_name(c->args[0]);
}

static int run_action(struct cli *c, const struct older *p,
		      const struct older_action *o, size_t used)
{
	struct names names;
	int rc;

	c->words = *o->words ? o->words : NULL;
	rename_format(c);
	if (o->note)
		return cli_error(c, CLI_USAGE, "%s", o->note);
	c->cmd = o->command ? line_command_named(o->command) : NULL;
	if (needs_service(p, o, c->cmd) && !c->opt[OPT_SERVICE])
		return cli_error(c, CLI_USAGE,
				 "which service? svcmgr -s NAME %s", o->words);
	if (o->adds)
		add_options(c, o->adds);
	rc = build_arguments(c, used);
	if (rc == CLI_DONE)
		rc = check_local(c);
	if (rc != CLI_DONE)
		return rc;
	if (!selects(p, c))
		return o->run ? o->run(c, o) : older_line(c);
	if (!find_services(c, &names, &rc))
		return rc;
	return o->run ? run_each(c, o, &names) : older_line(c);
}

int older_run(struct cli *c, const struct older *p, size_t argc,
	      const char *const *argv)
{
	const char **words = ARENA_VEC(c->arena, const char *, argc + 1);
	const struct older_action *o;
	size_t n = 0, used;
	int rc;

	c->prog = p->name;
	rc = rename_options(c, argc, argv, words, &n);
	if (rc == CLI_DONE)
		rc = line_words(c, n, words, ALL_OPTIONS);
	if (rc != CLI_DONE)
		return rc;
	if (c->opt[OPT_HELP]) {
		help_older(c->out, p->name);
		return CLI_DONE;
	}
	o = find_action(p, c->n_args, c->args, &used);
	if (o)
		return run_action(c, p, o, used);
	if (c->n_args > 0)
		return unknown_action(c, p);
	help_older(c->err, p->name);
	return CLI_USAGE;
}
