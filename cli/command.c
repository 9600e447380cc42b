/*
 * How: the words of the line are matched against the rows, the longest match
 * wins; what is left is split into options and arguments by the option table
 * and checked against the row; then the row's handler runs. Called as svcmgr,
 * the words are looked up in alias_table first, and the service of -s becomes
 * the first argument.
 *
 * A line that cannot be understood says what is wrong with it, what the
 * nearest thing is that could be meant, and the usage of the command if there
 * is one; nothing is sent anywhere.
 */
#include "cli/command.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALL_MS 30000

/* -- what handlers use --------------------------------------------------- */

static void print_prefix(const struct cli *c)
{
	if (c->cmd)
		fprintf(c->err, "%s %s: ", c->prog, c->cmd->words);
	else
		fprintf(c->err, "%s: ", c->prog);
}

static void print_line(FILE *f, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void print_line(FILE *f, const char *fmt, va_list ap)
{
	vfprintf(f, fmt, ap);
	fputc('\n', f);
}

int cli_error(const struct cli *c, int code, const char *fmt, ...)
{
	va_list ap;

	print_prefix(c);
	va_start(ap, fmt);
	print_line(c->err, fmt, ap);
	va_end(ap);
	return code;
}

static void print_usage_line(FILE *f, const struct command *k)
{
	fprintf(f, "usage: encap %s%s%s", k->words, *k->args ? " " : "",
		k->args);
	for (unsigned i = 0; i < OPT_N; i++) {
		const struct option_row *o = &option_table[i];
		bool need = k->required >> i & 1;

		if (!(k->options >> i & 1))
			continue;
		fprintf(f, need ? " --%s%s%s" : " [--%s%s%s]", o->name,
			o->arg ? " " : "", o->arg ? o->arg : "");
	}
	fputc('\n', f);
}

int cli_usage(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	print_prefix(c);
	va_start(ap, fmt);
	print_line(c->err, fmt, ap);
	va_end(ap);
	if (c->cmd) {
		print_usage_line(c->err, c->cmd);
		fprintf(c->err, "see: encap %s --help\n", c->cmd->words);
	}
	return CLI_USAGE;
}

int cli_ask(struct cli *c, const char *op, const struct doc *args,
	    struct reply *ret)
{
	struct err err = { 0 };
	int64_t id;
	int rc = 0;

	if (!c->client)
		rc = client_open(&c->client, NULL, &err);
	if (rc == 0)
		rc = client_send(c->client, op, args, &id, &err);
	if (rc == 0)
		rc = client_wait(c->client, c->arena, id, CALL_MS, ret, &err);
	if (rc < 0)
		return cli_error(c, CLI_FAILED, "%s", err.text);
	if (rc == CLIENT_LATE)
		return cli_error(c, CLI_TIMEOUT,
				 "no answer from the agent within %d s; it may "
				 "still be done: look before you try again",
				 CALL_MS / 1000);
	return CLI_DONE;
}

int cli_refused(const struct cli *c, const struct reply *r)
{
	return cli_error(c, r->code, "%s",
			 *r->err ? r->err : "refused without a reason");
}

int cli_call(struct cli *c, const char *op, const struct doc *args,
	     struct doc **ret)
{
	struct reply r;
	int rc = cli_ask(c, op, args, &r);

	if (rc != CLI_DONE)
		return rc;
	if (r.code != CLI_DONE)
		return cli_refused(c, &r);
	if (ret)
		*ret = r.data;
	return CLI_DONE;
}

struct doc *cli_args_name(struct cli *c)
{
	struct doc *d = doc_map(c->arena);

	doc_put_str(c->arena, d, "name", c->args[0]);
	return d;
}

static const char *user_name(struct arena *a)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw;

	if (sudo && *sudo)
		return sudo;
	pw = getpwuid(getuid());
	return pw ? arena_printf(a, "%s", pw->pw_name)
		  : arena_printf(a, "%u", (unsigned)getuid());
}

void cli_put_author(struct cli *c, struct doc *args)
{
	struct doc *by = doc_put(c->arena, args, "by", doc_map(c->arena));

	doc_put_str(c->arena, by, "user", user_name(c->arena));
	doc_put_str(c->arena, by, "tool",
		    arena_printf(c->arena, "%s %s", c->prog, c->cmd->words));
}

bool cli_wants_json(const struct cli *c)
{
	return c->opt[OPT_OUTPUT] && strcmp(c->opt[OPT_OUTPUT], "json") == 0;
}

void cli_print_json(struct cli *c, const struct doc *d)
{
	struct buf b = BUF(c->arena);

	doc_json(&b, d, 2);
	fprintf(c->out, "%s\n", buf_text(&b));
}

int64_t cli_duration_ms(const char *text)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {
		{ "", 1000 },	{ "s", 1000 },	  { "ms", 1 },
		{ "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
	};
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (end == text || errno || n < 0 || n > 1000000)
		return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].unit) == 0)
			return n * units[i].ms;
	return -1;
}

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

/* -- help ------------------------------------------------------------------ */

static void help_topic(FILE *f, enum topic topic)
{
	fprintf(f, "%s:\n", topic_table[topic]);
	for (const struct command *k = command_table; k->words; k++) {
		char left[64];

		if (k->topic != topic)
			continue;
		snprintf(left, sizeof(left), "%s%s%s", k->words,
			 *k->args ? " " : "", k->args);
		fprintf(f, "  %-30s %s\n", left, k->summary);
	}
	fputc('\n', f);
}

/* @text broken at blanks into lines of at most 78 characters. */
static void help_paragraph(FILE *f, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column > 0 && column + 1 + n > 78) {
			fputc('\n', f);
			column = 0;
		}
		column += (size_t)fprintf(f, "%s%.*s", column ? " " : "",
					  (int)n, text);
		text += n + (text[n] == ' ');
	}
	fputs("\n\n", f);
}

static void help_all(FILE *f)
{
	fprintf(f, "encap runs services that live inside other machines.\n\n"
		   "usage: encap COMMAND [ARGUMENT...] [OPTION...]\n\n");
	for (unsigned t = 0; t < TOPIC_N; t++)
		help_topic(f, (enum topic)t);
	fprintf(f, "encap COMMAND --help says more. The spelling `svcmgr -s "
		   "NAME ACTION` works\ntoo: encap svcmgr --help lists it.\n\n"
		   "Exit codes: 0 done, 1 failed, 2 usage, 3 not found, "
		   "4 conflict, 5 no quorum,\n7 timeout.\n");
}

static void help_one(FILE *f, const struct command *k)
{
	fprintf(f, "encap %s - %s\n\nexamples:\n", k->words, k->summary);
	for (unsigned i = 0; i < 2; i++)
		fprintf(f, "  %s\n", k->example[i]);
	fputc('\n', f);
	help_paragraph(f, k->about);
	print_usage_line(f, k);
	for (unsigned i = 0; i < OPT_N; i++) {
		const struct option_row *o = &option_table[i];
		char left[48];

		if (!((k->options | OPT_BIT(OPT_HELP)) >> i & 1))
			continue;
		snprintf(left, sizeof(left), "%c%c%s --%s%s%s",
			 o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
			 o->letter ? "," : " ", o->name, o->arg ? " " : "",
			 o->arg ? o->arg : "");
		fprintf(f, "  %-26s %s\n", left, o->help);
	}
}

static void help_svcmgr(FILE *f)
{
	fprintf(f,
		"usage: svcmgr -s NAME ACTION [ARGUMENT...] [OPTION...]\n\n");
	for (const struct alias *s = alias_table; s->words; s++)
		fprintf(f, "  %-16s is: encap %s%s%s\n", s->words, s->command,
			s->output ? " -o " : "", s->output ? s->output : "");
}

/* -- finding the row ------------------------------------------------------- */

/* How many words of @argv spell @words; 0 if not all of @words are there. */
static size_t words_match(const char *words, size_t argc,
			  const char *const *argv)
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

static const struct command *find_command(size_t argc, const char *const *argv,
					  size_t *ret_used)
{
	const struct command *best = NULL;

	*ret_used = 0;
	for (const struct command *k = command_table; k->words; k++) {
		size_t n = words_match(k->words, argc, argv);

		if (n > *ret_used) {
			*ret_used = n;
			best = k;
		}
	}
	return best;
}

static const struct alias *find_alias(size_t argc, const char *const *argv,
				      size_t *ret_used)
{
	const struct alias *best = NULL;

	*ret_used = 0;
	for (const struct alias *s = alias_table; s->words; s++) {
		size_t n = words_match(s->words, argc, argv);

		if (n > *ret_used) {
			*ret_used = n;
			best = s;
		}
	}
	return best;
}

static const char *find_partial(const char *word)
{
	for (const char *const *p = partial_table; *p; p++)
		if (strcmp(*p, word) == 0)
			return *p;
	return NULL;
}

/* What @word was probably meant to be. */
static const char *nearest_command(const char *word)
{
	const char *names[128];
	size_t n = 0;

	for (const struct command *k = command_table; k->words && n < 128; k++)
		names[n++] = k->words;
	return cli_nearest(word, names, n);
}

/* Commands that begin with @word: "node" has "node ls", ... */
static bool print_family(const struct cli *c, const char *word)
{
	size_t len = strlen(word);
	bool any = false;

	for (const struct command *k = command_table; k->words; k++) {
		if (strncmp(k->words, word, len) != 0 || k->words[len] != ' ')
			continue;
		if (!any)
			fprintf(c->err, "%s: '%s' goes on with one of:\n",
				c->prog, word);
		fprintf(c->err, "  %-24s %s\n", k->words, k->summary);
		any = true;
	}
	return any;
}

static int unknown_command(struct cli *c, size_t argc, const char *const *argv)
{
	const char *near = NULL, *two = argv[0];

	if (argc > 1) {
		two = arena_printf(c->arena, "%s %s", argv[0], argv[1]);
		near = nearest_command(two);
	}
	if (!near && print_family(c, argv[0]))
		return CLI_USAGE;
	if (!near) {
		two = argv[0];
		near = nearest_command(two);
	}
	if (near)
		return cli_error(c, CLI_USAGE,
				 "'%s' is no command; did you mean '%s'? encap "
				 "help lists them all",
				 two, near);
	return cli_error(c, CLI_USAGE,
			 "'%s' is no command; encap help lists them", argv[0]);
}

/* -- options --------------------------------------------------------------- */

static const char *const output_formats[] = { "json", "text" };

static enum option_id option_named(const char *name, size_t len)
{
	for (unsigned i = 0; i < OPT_N; i++)
		if (strlen(option_table[i].name) == len &&
		    strncmp(option_table[i].name, name, len) == 0)
			return (enum option_id)i;
	return OPT_N;
}

static enum option_id option_lettered(char letter)
{
	for (unsigned i = 0; i < OPT_N; i++)
		if (option_table[i].letter == letter)
			return (enum option_id)i;
	return OPT_N;
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

/* One option at argv[*i]; *i moves to the last word that belongs to it. */
static int parse_option(struct cli *c, size_t argc, const char *const *argv,
			size_t *i, uint64_t allowed)
{
	const char *word = argv[*i], *value = NULL;
	bool is_long = word[1] == '-';
	size_t len = is_long ? strcspn(word + 2, "=") : 1;
	enum option_id id = is_long ? option_named(word + 2, len)
				    : option_lettered(word[1]);
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
	if (c->opt[id] && (id == OPT_SLAVE || id == OPT_ADDRESS))
		value = arena_printf(c->arena, "%s,%s", c->opt[id], value);
	c->opt[id] = o->arg ? value : "";
	return CLI_DONE;
}

static int parse_words(struct cli *c, size_t argc, const char *const *argv,
		       uint64_t allowed)
{
	const char **args = ARENA_VEC(c->arena, const char *, argc + 2);
	size_t n = 0;
	int rc;

	/* Of svcmgr: -s stands before the action. */
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
	const char *o = c->opt[OPT_OUTPUT];

	if (!o)
		return CLI_DONE;
	for (size_t i = 0; i < 2; i++)
		if (strcmp(o, output_formats[i]) == 0)
			return CLI_DONE;
	return cli_usage(c, "unknown output format '%s': json or text", o);
}

static int check_arguments(const struct cli *c)
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

/* -- running it ------------------------------------------------------------ */

static int run_command(struct cli *c)
{
	int rc = check_arguments(c);

	return rc == CLI_DONE ? c->cmd->run(c) : rc;
}

static int run_encap(struct cli *c, size_t argc, const char *const *argv)
{
	size_t used;
	int rc;

	c->cmd = find_command(argc, argv, &used);
	if (!c->cmd)
		return unknown_command(c, argc, argv);
	rc = parse_words(c, argc - used, argv + used,
			 c->cmd->options | OPT_BIT(OPT_HELP));
	if (rc != CLI_DONE)
		return rc;
	if (c->opt[OPT_HELP]) {
		help_one(c->out, c->cmd);
		return CLI_DONE;
	}
	return run_command(c);
}

/* Every option of any command, before it is known which. */
#define ALL_OPTIONS (OPT_BIT(OPT_N) - 1)

/* The seed gave keys as options: set --param a.b --value c. */
static void put_param(struct cli *c, const char **args, size_t *n)
{
	const char *param = c->opt[OPT_PARAM], *value = c->opt[OPT_VALUE];

	if (!param)
		return;
	args[(*n)++] =
		value ? arena_printf(c->arena, "%s=%s", param, value) : param;
	c->opt[OPT_PARAM] = c->opt[OPT_VALUE] = NULL;
}

/* NAME, what stands behind the action, and what options stand for. */
static void alias_arguments(struct cli *c, size_t used)
{
	const char **args = ARENA_VEC(c->arena, const char *, c->n_args + 4);
	size_t n = 0;

	args[n++] = c->opt[OPT_SERVICE];
	for (size_t i = used; i < c->n_args; i++)
		args[n++] = c->args[i];
	if (c->opt[OPT_TO])
		args[n++] = c->opt[OPT_TO];
	put_param(c, args, &n);
	c->opt[OPT_SERVICE] = c->opt[OPT_TO] = NULL;
	c->args = args;
	c->n_args = n;
}

static int check_alias_options(const struct cli *c)
{
	uint64_t allowed = c->cmd->options;

	for (unsigned i = 0; i < OPT_N; i++)
		if (c->opt[i] && !(allowed >> i & 1))
			return cli_usage(c, "option '--%s' has no meaning here",
					 option_table[i].name);
	return CLI_DONE;
}

static int unknown_action(struct cli *c)
{
	const char *names[64], *near;
	size_t n = 0;

	for (const struct alias *s = alias_table; s->words && n < 64; s++)
		names[n++] = s->words;
	for (const char *const *p = partial_table; *p && n < 64; p++)
		names[n++] = *p;
	near = cli_nearest(c->args[0], names, n);
	if (near)
		return cli_error(c, CLI_USAGE,
				 "'%s' is no action; did you mean '%s'? svcmgr "
				 "--help lists them all",
				 c->args[0], near);
	return cli_error(c, CLI_USAGE,
			 "'%s' is no action; svcmgr --help lists them",
			 c->args[0]);
}

static int run_alias(struct cli *c, const struct alias *s, size_t used)
{
	const char *words = arena_printf(c->arena, "%s", s->command), *w[2];
	char *blank = strchr(words, ' ');
	size_t n;
	int rc;

	w[0] = words;
	w[1] = blank ? blank + 1 : NULL;
	if (blank)
		*blank = '\0';
	c->cmd = find_command(blank ? 2 : 1, w, &n);
	alias_arguments(c, used);
	if (s->output)
		c->opt[OPT_OUTPUT] = s->output;
	rc = check_alias_options(c);
	return rc == CLI_DONE ? run_command(c) : rc;
}

static int run_svcmgr(struct cli *c, size_t argc, const char *const *argv)
{
	const struct alias *s;
	const char *partial;
	size_t used;
	int rc;

	c->prog = "svcmgr";
	rc = parse_words(c, argc, argv, ALL_OPTIONS);
	if (rc != CLI_DONE)
		return rc;
	if (c->opt[OPT_HELP] || c->n_args == 0) {
		help_svcmgr(c->opt[OPT_HELP] ? c->out : c->err);
		return c->opt[OPT_HELP] ? CLI_DONE : CLI_USAGE;
	}
	s = find_alias(c->n_args, c->args, &used);
	partial = s ? NULL : find_partial(c->args[0]);
	if (!s && !partial)
		return unknown_action(c);
	if (!c->opt[OPT_SERVICE])
		return cli_error(c, CLI_USAGE,
				 "which service? svcmgr -s NAME %s",
				 c->args[0]);
	if (s)
		return run_alias(c, s, used);
	alias_arguments(c, 1);
	return cmd_partial(c, partial);
}

static int cli_run(struct cli *c, int argc, const char *const *argv)
{
	static const char *const version[] = { "version" };
	const char *base = argc > 0 ? strrchr(argv[0], '/') : NULL;
	size_t n = argc > 0 ? (size_t)argc - 1 : 0;

	base = base ? base + 1 : argc > 0 ? argv[0] : "encap";
	if (argc > 0)
		argv++;
	if (strcmp(base, "svcmgr") == 0)
		return run_svcmgr(c, n, argv);
	if (n > 0 && strcmp(argv[0], "svcmgr") == 0)
		return run_svcmgr(c, n - 1, argv + 1);
	if (n == 0) {
		help_all(c->err);
		return CLI_USAGE;
	}
	if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
		help_all(c->out);
		return CLI_DONE;
	}
	if (strcmp(argv[0], "--version") == 0)
		return run_encap(c, 1, version);
	return run_encap(c, n, argv);
}

int cli_main(int argc, const char *const *argv, FILE *out, FILE *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct cli c = { .out = out,
			 .err = err,
			 .arena = a,
			 .prog = "encap",
			 .term = term_of(out) };
	int rc = cli_run(&c, argc, argv);

	client_free(c.client);
	if (fflush(out) != 0 || ferror(out)) {
		fprintf(err, "%s: the output could not be written: %s\n",
			c.prog, strerror(errno));
		return rc == CLI_DONE ? CLI_FAILED : rc;
	}
	return rc;
}

int cmd_help(struct cli *c)
{
	const struct command *k;
	size_t used;

	if (c->n_args == 0) {
		help_all(c->out);
		return CLI_DONE;
	}
	k = find_command(c->n_args, c->args, &used);
	if (!k && strcmp(c->args[0], "svcmgr") == 0) {
		help_svcmgr(c->out);
		return CLI_DONE;
	}
	c->cmd = NULL;
	if (!k)
		return unknown_command(c, c->n_args, c->args);
	help_one(c->out, k);
	return CLI_DONE;
}
