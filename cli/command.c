/*
 * How: the words of the line are matched against the rows (line.c), the row's
 * handler runs, and the agent is asked. Called by one of the older names, or
 * with it as the first word, the line is one of older.c.
 *
 * A line that cannot be understood says what is wrong with it, what the
 * nearest thing is that could be meant, and the usage of the command if there
 * is one; nothing is sent anywhere.
 */
#include "cli/command.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/complete.h"
#include "cli/each.h"
#include "cli/help.h"
#include "cli/line.h"
#include "cli/older.h"

#define CALL_MS 30000

/* -- what handlers use --------------------------------------------------- */

static void print_prefix(const struct cli *c)
{
	if (c->words || c->cmd)
		fprintf(c->err, "%s %s: ", c->prog,
			c->words ? c->words : c->cmd->words);
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

int cli_usage(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	print_prefix(c);
	va_start(ap, fmt);
	print_line(c->err, fmt, ap);
	va_end(ap);
	if (c->cmd) {
		help_usage(c->err, c->cmd);
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

struct doc *cli_list(struct cli *c, const char *text, const char *separators)
{
	struct doc *l = doc_list(c->arena);

	while (text && *text) {
		size_t n = strcspn(text, separators);

		if (n > 0)
			doc_add(c->arena, l, doc_strn(c->arena, text, n));
		text += n + (text[n] != '\0');
	}
	return l;
}

int cli_agent(struct cli *c, const char **ret_node, const char **ret_level)
{
	struct doc *data;
	int rc = cli_call(c, "ping", NULL, &data);

	if (rc == CLI_DONE && ret_node)
		*ret_node = doc_get_str(data, "node", "");
	if (rc == CLI_DONE && ret_level)
		*ret_level = doc_get_str(data, "level", "");
	return rc;
}

int cli_slaves(struct cli *c, struct doc **ret)
{
	const char *text = c->opt[OPT_SLAVE];

	if (c->opt[OPT_SLAVES] && text)
		return cli_usage(c,
				 "--slaves are all of them, --slave %s is "
				 "not: only one of the two",
				 text);
	*ret = cli_list(c, text, ",");
	if (text && doc_len(*ret) == 0)
		return cli_usage(c, "--slave names no container");
	return CLI_DONE;
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
		    arena_printf(c->arena, "%s %s", c->prog,
				 c->words ? c->words : c->cmd->words));
}

static struct output output_of(const struct cli *c)
{
	struct output o;

	if (output_parse(c->opt[OPT_OUTPUT], &o, NULL) < 0)
		o.format = OUTPUT_TEXT;
	return o;
}

bool cli_wants_doc(const struct cli *c)
{
	return output_of(c).format != OUTPUT_TEXT;
}

void cli_print_doc(struct cli *c, const struct doc *d, const char *rows)
{
	struct output o = output_of(c);

	output_print(c->out, c->arena, &o, d, rows);
}

void cli_print_next(const struct cli *c, struct arena *a, const struct doc *d,
		    const char *rows, bool first)
{
	struct output o = output_of(c);

	o.stream = true;
	o.later = !first;
	output_print(c->out, a, &o, d, rows);
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

int64_t cli_count(const char *text, int64_t min, int64_t max)
{
	char *end;
	long long n = strtoll(text, &end, 10);

	return end == text || *end || n < min || n > max ? -1 : n;
}

/* -- running it ------------------------------------------------------------ */

static int run_command(struct cli *c)
{
	int rc = line_check(c);

	return rc == CLI_DONE ? each_run(c) : rc;
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run_encap(struct cli *c, size_t argc, const char *const *argv)
{
	size_t used;
	int rc;

	c->cmd = line_command(argc, argv, &used);
	if (!c->cmd && argc == 2 && is_help(argv[1]) &&
	    help_family(c->out, argv[0]))
		return CLI_DONE;
	if (!c->cmd)
		return line_unknown(c, argc, argv);
	rc = line_words(c, argc - used, argv + used,
			c->cmd->options | OPT_BIT(OPT_HELP));
	if (rc != CLI_DONE)
		return rc;
	if (c->opt[OPT_HELP]) {
		help_one(c->out, c->cmd);
		return CLI_DONE;
	}
	return run_command(c);
}

static int cli_run(struct cli *c, int argc, const char *const *argv)
{
	static const char *const version[] = { "version" };
	const char *base = argc > 0 ? strrchr(argv[0], '/') : NULL;
	size_t n = argc > 0 ? (size_t)argc - 1 : 0;

	base = base ? base + 1 : argc > 0 ? argv[0] : "encap";
	if (argc > 0)
		argv++;
	if (older_program(base))
		return older_run(c, older_program(base), n, argv);
	if (n > 0 && strcmp(argv[0], "__complete") == 0)
		return complete_run(c, n - 1, argv + 1);
	if (n > 0 && older_program(argv[0]))
		return older_run(c, older_program(argv[0]), n - 1, argv + 1);
	if (n == 0) {
		help_all(c->err);
		return CLI_USAGE;
	}
	if (is_help(argv[0])) {
		c->args = argv + 1;
		c->n_args = n - 1;
		return cmd_help(c);
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
	k = line_command(c->n_args, c->args, &used);
	if (!k && older_program(c->args[0])) {
		help_older(c->out, c->args[0]);
		return CLI_DONE;
	}
	c->cmd = NULL;
	if (!k && c->n_args == 1 && help_family(c->out, c->args[0]))
		return CLI_DONE;
	if (!k)
		return line_unknown(c, c->n_args, c->args);
	help_one(c->out, k);
	return CLI_DONE;
}

int cli_yes(struct cli *c, const char *question)
{
	char line[16];

	if (c->opt[OPT_YES])
		return CLI_DONE;
	if (!isatty(STDIN_FILENO))
		return cli_error(c, CLI_USAGE,
				 "not done: nobody is there to be asked; --yes "
				 "is the answer");
	fprintf(c->err, "%s Type 'yes': ", question);
	if (fgets(line, sizeof(line), stdin) && strcmp(line, "yes\n") == 0)
		return CLI_DONE;
	return cli_error(c, CLI_FAILED, "not done");
}
