#include "cli/line.h"

#include <string.h>

#include "cli/help.h"

/* -- the nearest spelling -------------------------------------------------- */

#define NEAR_MAX 64 /* longer words are not guessed at */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits from @a to @b: a character more, less or another, or two neighbours
 * swapped. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][NEAR_MAX + 1], n = strlen(b);
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	if (strlen(a) > NEAR_MAX || n > NEAR_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t *free_row = before;

		before = above;
		above = row;
		row = free_row;
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			bool same = a[i - 1] == b[j - 1];

			row[j] = least(above[j - 1] + !same,
				       least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return row[n];
}

const char *cli_nearest(const char *word, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t nearest = SIZE_MAX;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, names[i]);

		if (d < nearest) {
			nearest = d;
			best = names[i];
		}
	}
	return best && nearest <= 1 + strlen(best) / 3 ? best : NULL;
}

/* -- finding the row ------------------------------------------------------- */

size_t line_match(const char *words, size_t argc, const char *const *argv)
{
	size_t n = 0;

	while (*words) {
		size_t len = strcspn(words, " ");

		if (n == argc || strlen(argv[n]) != len ||
		    strncmp(argv[n], words, len) != 0)
			return 0;
		n++;
		words += len + (words[len] == ' ');
	}
	return n;
}

const struct command *line_command_named(const char *words)
{
	for (const struct command *k = command_table; k->words; k++)
		if (strcmp(k->words, words) == 0)
			return k;
	return NULL;
}

const struct command *line_command(size_t argc, const char *const *argv,
				   size_t *ret_used)
{
	const struct command *best = NULL;

	*ret_used = 0;
	for (const struct command *k = command_table; k->words; k++) {
		size_t n = line_match(k->words, argc, argv);

		if (n > *ret_used) {
			*ret_used = n;
			best = k;
		}
	}
	return best;
}

const char *line_nearest(struct cli *c, size_t argc, const char *const *argv,
			 const char *const *names, size_t n,
			 const char **ret_typed)
{
	const char *near = NULL;

	if (argc > 1) {
		*ret_typed = arena_printf(c->arena, "%s %s", argv[0], argv[1]);
		near = cli_nearest(*ret_typed, names, n);
	}
	if (near)
		return near;
	*ret_typed = argv[0];
	return cli_nearest(argv[0], names, n);
}

int line_unknown(struct cli *c, size_t argc, const char *const *argv)
{
	const char *names[128], *near, *typed;
	size_t n = 0;

	for (const struct command *k = command_table; k->words && n < 128; k++)
		names[n++] = k->words;
	near = line_nearest(c, argc, argv, names, n, &typed);
	if (typed == argv[0] && help_family(c->err, argv[0]))
		return CLI_USAGE;
	if (near)
		return cli_error(c, CLI_USAGE,
				 "'%s' is no command; did you mean '%s'? encap "
				 "help lists them all",
				 typed, near);
	return cli_error(c, CLI_USAGE,
			 "'%s' is no command; encap help lists them", argv[0]);
}

/* -- options --------------------------------------------------------------- */

enum option_id line_option(const char *name, size_t len)
{
	for (unsigned i = 0; i < OPT_N; i++)
		if (strlen(option_table[i].name) == len &&
		    strncmp(option_table[i].name, name, len) == 0)
			return (enum option_id)i;
	return OPT_N;
}

enum option_id line_option_lettered(char letter, uint64_t among)
{
	enum option_id any = OPT_N;

	for (unsigned i = 0; i < OPT_N; i++) {
		if (option_table[i].letter != letter)
			continue;
		any = (enum option_id)i;
		if (among >> i & 1)
			break;
	}
	return any;
}

static int unknown_option(const struct cli *c, const char *word,
			  uint64_t allowed)
{
	const char *names[OPT_N], *near;
	size_t n = 0;

	for (unsigned i = 0; i < OPT_N; i++)
		if (allowed >> i & 1)
			names[n++] = option_table[i].name;
	near = cli_nearest(word + strspn(word, "-"), names, n);
	if (near)
		return cli_usage(c, "unknown option '%s'; did you mean '--%s'?",
				 word, near);
	return cli_usage(c, "unknown option '%s'", word);
}

/* Between the values of an option that was given twice; 0: the last holds. */
static char joint(enum option_id id)
{
	if (id == OPT_KW)
		return '\n'; /* a value may have anything else in it */
	return strstr(option_table[id].arg, ",...") ? ',' : '\0';
}

/* One option at argv[*i]; *i moves to the last word that belongs to it. */
static int parse_option(struct cli *c, size_t argc, const char *const *argv,
			size_t *i, uint64_t allowed)
{
	const char *word = argv[*i], *value = NULL;
	bool is_long = word[1] == '-';
	size_t len = is_long ? strcspn(word + 2, "=") : 1;
	enum option_id id = is_long ? line_option(word + 2, len)
				    : line_option_lettered(word[1], allowed);
	const struct option_row *o;

	if (id == OPT_N || !(allowed >> id & 1))
		return unknown_option(c, word, allowed);
	o = &option_table[id];
	if (is_long && word[2 + len] == '=')
		value = word + 3 + len;
	else if (!is_long && word[2])
		value = word + 2;
	if (!o->arg && value)
		return cli_usage(c, "option '--%s' takes no value", o->name);
	if (o->arg && !value) {
		if (*i + 1 == argc)
			return cli_usage(c, "option '--%s' needs a value: %s",
					 o->name, o->arg);
		value = argv[++*i];
	}
	/* Those that list things may be given more than once. */
	if (c->opt[id] && o->arg && joint(id))
		value = arena_printf(c->arena, "%s%c%s", c->opt[id], joint(id),
				     value);
	c->opt[id] = o->arg ? value : "";
	return CLI_DONE;
}

int line_words(struct cli *c, size_t argc, const char *const *argv,
	       uint64_t allowed)
{
	const char **args = ARENA_VEC(c->arena, const char *, argc + 2);
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			while (++i < argc)
				args[n++] = argv[i];
			break;
		}
		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			args[n++] = argv[i];
			continue;
		}
		rc = parse_option(c, argc, argv, &i, allowed);
		if (rc != CLI_DONE)
			return rc;
	}
	c->args = args;
	c->n_args = n;
	return CLI_DONE;
}

static int check_output(const struct cli *c)
{
	struct output o;
	struct err err = { 0 };

	if (output_parse(c->opt[OPT_OUTPUT], &o, &err) < 0)
		return cli_usage(c, "%s", err.text);
	return CLI_DONE;
}

int line_check(const struct cli *c)
{
	const struct command *k = c->cmd;

	for (unsigned i = 0; i < OPT_N; i++)
		if ((k->required >> i & 1) && !c->opt[i])
			return cli_usage(c, "--%s %s is missing",
					 option_table[i].name,
					 option_table[i].arg);
	if (c->n_args < k->min)
		return cli_usage(c, "%s is missing",
				 *k->args ? k->args : "an argument");
	if (c->n_args > k->max)
		return cli_usage(c, "'%s' is one argument too many",
				 c->args[k->max]);
	return check_output(c);
}
