#include "cli/help.h"

#include <string.h>

#include "cli/older.h"

#define WIDTH 78

void help_usage(FILE *f, const struct command *k)
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

void help_wrap(FILE *f, const char *text, unsigned indent, unsigned width)
{
	size_t column = indent;
	bool first = true;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (!first && column + 1 + n > width) {
			fprintf(f, "\n%*s", (int)indent, "");
			column = indent;
			first = true;
		}
		fprintf(f, "%s%.*s", first ? "" : " ", (int)n, text);
		column += n + !first;
		first = false;
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', f);
}

static void help_line(FILE *f, const struct command *k)
{
	int n = fprintf(f, "  %s%s%s", k->words, *k->args ? " " : "", k->args);

	/* One that reaches into the next column has a line of its own. */
	if (n > 32)
		fprintf(f, "\n%*s%s\n", 33, "", k->summary);
	else
		fprintf(f, "%*s%s\n", 33 - n, "", k->summary);
}

static void help_topic(FILE *f, enum topic topic)
{
	fprintf(f, "%s:\n", topic_table[topic]);
	for (const struct command *k = command_table; k->words; k++)
		if (k->topic == topic)
			help_line(f, k);
	fputc('\n', f);
}

void help_all(FILE *f)
{
	fprintf(f, "encap runs services that live inside other machines.\n\n"
		   "usage: encap COMMAND [ARGUMENT...] [OPTION...]\n\n");
	for (unsigned t = 0; t < TOPIC_N; t++)
		help_topic(f, (enum topic)t);
	fprintf(f, "encap COMMAND --help says more. The older spellings, "
		   "`svcmgr -s NAME ACTION`\nand `nodemgr ACTION`, work too: "
		   "svcmgr --help and nodemgr --help list them.\n\n"
		   "Exit codes:");
	for (const struct exit_row *e = exit_table; e->word; e++)
		fprintf(f, "%s%d %s", e == exit_table ? " " : ", ", e->code,
			e->word);
	fprintf(f, ".\n");
}

bool help_family(FILE *f, const char *word)
{
	size_t len = strlen(word);
	bool any = false;

	for (const struct command *k = command_table; k->words; k++) {
		if (strncmp(k->words, word, len) != 0 || k->words[len] != ' ')
			continue;
		if (!any)
			fprintf(f, "encap: '%s' goes on with one of:\n", word);
		help_line(f, k);
		any = true;
	}
	return any;
}

void help_one(FILE *f, const struct command *k)
{
	fprintf(f, "encap %s - %s\n\nexamples:\n", k->words, k->summary);
	for (unsigned i = 0; i < 2; i++)
		fprintf(f, "  %s\n", k->example[i]);
	fputc('\n', f);
	help_wrap(f, k->about, 0, WIDTH);
	fputc('\n', f);
	help_usage(f, k);
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

/* What an older action is now, or why it is no more. */
static void help_action(FILE *f, const struct older_action *o)
{
	fprintf(f, "  %-22s ", o->words);
	if (o->command)
		fprintf(f, "encap %s%s%s\n", o->command, o->adds ? " " : "",
			o->adds ? o->adds : "");
	else
		help_wrap(f, o->note, 25, WIDTH);
}

static void help_actions(FILE *f, const struct older *p, bool apply,
			 const char *title)
{
	fprintf(f, "\n%s\n", title);
	for (const struct older_action *o = p->actions; o->words; o++)
		if ((o->command != NULL) == apply)
			help_action(f, o);
}

static void help_older_options(FILE *f)
{
	fprintf(f, "\noptions that are spelt differently now, or gone:\n");
	for (const struct older_option *o = older_options; o->name; o++) {
		char left[32];

		snprintf(left, sizeof(left), "--%s", o->name);
		fprintf(f, "  %-22s ", left);
		if (o->note)
			help_wrap(f, o->note, 25, WIDTH);
		else if (*o->now)
			fprintf(f, "--%s\n", o->now);
		else
			fprintf(f, "what is always done\n");
	}
}

void help_older(FILE *f, const char *program)
{
	const struct older *p = older_program(program);

	fprintf(f, "usage: %s\n", p->usage);
	for (unsigned i = 0; i < 2; i++)
		fprintf(f, "%s  %s\n", i ? "" : "\nexamples:\n", p->example[i]);
	if (*p->actions[0].words) {
		help_actions(f, p, true, "actions, and what they are now:");
		help_actions(f, p, false, "actions that are no more, and why:");
	} else {
		fprintf(f, "\nIt is encap %s.\n", p->actions[0].command);
	}
	help_older_options(f);
	fprintf(f, "\nExit codes: 0 done, 1 failed, 2 not understood; `status` "
		   "gives the state's own.\n");
}
