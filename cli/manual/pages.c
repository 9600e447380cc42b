#include "cli/manual/pages.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/manual/markdown.h"
#include "cli/manual/roff.h"
#include "cli/older.h"
#include "fsm/base/buf.h"

/* -- parts of pages -------------------------------------------------------- */

static void put_text(FILE *f, const char *text)
{
	roff_text(f, text, strlen(text));
}

static void put_bold(FILE *f, const char *text)
{
	roff_bold(f, text, strlen(text));
}

static void put_name(FILE *f, const char *name, const char *summary)
{
	roff_section(f, "NAME");
	put_text(f, name);
	fputs(" \\- ", f);
	put_text(f, summary);
	fputc('\n', f);
}

static void put_upper(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; *from && n + 1 < size; from++)
		to[n++] = *from == ' ' ? '-'
				       : (char)toupper((unsigned char)*from);
	to[n] = '\0';
}

static void put_header(FILE *f, const char *page, const char *section)
{
	char title[64];

	put_upper(title, sizeof(title), page);
	roff_page(f, title, section, "Encap");
}

/* "--NAME", in bold. */
static void put_long(FILE *f, const char *name)
{
	fputs("\\fB\\-\\-", f);
	put_text(f, name);
	fputs("\\fR", f);
}

static void put_option(FILE *f, const struct option_row *o)
{
	roff_tag(f);
	if (o->letter) {
		char letter[] = { '-', o->letter, '\0' };

		put_bold(f, letter);
		fputs(", ", f);
	}
	put_long(f, o->name);
	if (o->arg) {
		fputc(' ', f);
		roff_italic(f, o->arg, strlen(o->arg));
	}
	roff_body(f);
	roff_prose(f, o->help);
}

static void put_exits(FILE *f)
{
	roff_section(f, "EXIT STATUS");
	for (const struct exit_row *e = exit_table; e->word; e++) {
		char code[16];

		snprintf(code, sizeof(code), "%d", e->code);
		roff_tag(f);
		put_bold(f, code);
		roff_body(f);
		roff_prose(f, e->meaning);
	}
}

static void put_environment(FILE *f)
{
	static const char *const rows[][2] = {
		{ "ENCAP_SOCKET", "the agent's socket, if it is not "
				  "/run/encap/api.sock" },
		{ "VISUAL, EDITOR", "the editor of encap edit, in this order; "
				    "vi if neither is set" },
		{ "NO_COLOR", "if it is set, no colour is used" },
		{ "SUDO_USER", "who is noted as the author of what is asked "
			       "for" },
	};

	roff_section(f, "ENVIRONMENT");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		roff_tag(f);
		put_bold(f, rows[i][0]);
		roff_body(f);
		roff_prose(f, rows[i][1]);
	}
}

/* "NAME(SECTION)", a comma before all but the first. */
static void put_see(FILE *f, bool first, const char *name, const char *section)
{
	if (!first)
		fputs(",\n", f);
	put_bold(f, name);
	fprintf(f, "(%s)", section);
}

/* "encap-node-freeze" */
static void page_of(const struct command *k, char *ret, size_t size)
{
	size_t n = (size_t)snprintf(ret, size, "encap-%s", k->words);

	for (size_t i = 0; i < n && i < size; i++)
		if (ret[i] == ' ')
			ret[i] = '-';
}

/* -- one command ----------------------------------------------------------- */

static void put_synopsis(FILE *f, const struct command *k)
{
	roff_section(f, "SYNOPSIS");
	put_bold(f, "encap ");
	put_bold(f, k->words);
	if (*k->args) {
		fputc(' ', f);
		roff_italic(f, k->args, strlen(k->args));
	}
	for (unsigned i = 0; i < OPT_N; i++) {
		const struct option_row *o = &option_table[i];
		bool need = k->required >> i & 1;

		if (!(k->options >> i & 1))
			continue;
		fputs(need ? "\n" : "\n[", f);
		put_long(f, o->name);
		if (o->arg) {
			fputs("\\ ", f);
			roff_italic(f, o->arg, strlen(o->arg));
		}
		fputs(need ? "" : "]", f);
	}
	fputc('\n', f);
}

static void put_neighbours(FILE *f, const struct command *k)
{
	roff_section(f, "SEE ALSO");
	put_see(f, true, "encap", "1");
	for (const struct command *l = command_table; l->words; l++) {
		char page[64];

		if (l == k || l->topic != k->topic)
			continue;
		page_of(l, page, sizeof(page));
		put_see(f, false, page, "1");
	}
	if (k->topic == TOPIC_CONFIG || k->topic == TOPIC_REV)
		put_see(f, false, "env", "5");
	put_see(f, false, "encap-tutorial", "7");
	fputc('\n', f);
}

void pages_command(FILE *f, const struct command *k)
{
	char page[64];

	page_of(k, page, sizeof(page));
	put_header(f, page, "1");
	put_name(f, page, k->summary);
	put_synopsis(f, k);
	roff_section(f, "EXAMPLES");
	roff_literal_begin(f);
	for (unsigned i = 0; i < 2; i++)
		roff_literal_line(f, k->example[i], strlen(k->example[i]));
	roff_literal_end(f);
	roff_section(f, "DESCRIPTION");
	roff_prose(f, k->about);
	roff_section(f, "OPTIONS");
	for (unsigned i = 0; i < OPT_N; i++)
		if ((k->options | OPT_BIT(OPT_HELP)) >> i & 1)
			put_option(f, &option_table[i]);
	put_exits(f);
	put_neighbours(f, k);
}

/* -- all of them ----------------------------------------------------------- */

static void put_topic(FILE *f, unsigned topic)
{
	roff_subsection(f, topic_table[topic]);
	for (const struct command *k = command_table; k->words; k++) {
		if (k->topic != topic)
			continue;
		roff_tag(f);
		put_bold(f, k->words);
		if (*k->args) {
			fputc(' ', f);
			roff_italic(f, k->args, strlen(k->args));
		}
		roff_body(f);
		roff_prose(f, k->summary);
	}
}

void pages_encap(FILE *f)
{
	put_header(f, "encap", "1");
	put_name(f, "encap", "services that live inside other machines");
	roff_section(f, "SYNOPSIS");
	fputs("\\fBencap\\fR \\fICOMMAND\\fR [\\fIARGUMENT\\fR...] "
	      "[\\fIOPTION\\fR...]\n",
	      f);
	roff_section(f, "DESCRIPTION");
	roff_prose(f, "A service is described once, by an env file: what of it "
		      "runs on hypervisors, and what inside their containers. "
		      "The agents on both keep it and have it run. encap asks "
		      "the agent of this machine, on a hypervisor or in a "
		      "container. In a container the commands act on that "
		      "container's service, at the encap level.");
	roff_paragraph(f);
	roff_prose(f, "Each command has a page of its own: encap-status(1) for "
		      "encap status. encap COMMAND --help is shorter.");
	roff_section(f, "COMMANDS");
	for (unsigned t = 0; t < TOPIC_N; t++)
		put_topic(f, t);
	put_exits(f);
	put_environment(f);
	roff_section(f, "SEE ALSO");
	put_see(f, true, "encap-tutorial", "7");
	put_see(f, false, "env", "5");
	put_see(f, false, "encapd", "8");
	put_see(f, false, "svcmgr", "1");
	put_see(f, false, "nodemgr", "1");
	fputc('\n', f);
}

/* -- the older spellings --------------------------------------------------- */

static void put_action(FILE *f, const struct older_action *o)
{
	roff_tag(f);
	put_bold(f, o->words);
	roff_body(f);
	if (o->command) {
		put_bold(f, "encap ");
		put_bold(f, o->command);
		if (o->adds) {
			fputc(' ', f);
			put_bold(f, o->adds);
		}
		fputc('\n', f);
	} else {
		roff_prose(f, o->note);
	}
}

static void put_actions(FILE *f, const struct older *p, bool apply)
{
	roff_section(f, apply ? "ACTIONS" : "ACTIONS THAT ARE NO MORE");
	for (const struct older_action *o = p->actions; o->words; o++)
		if ((o->command != NULL) == apply && *o->words)
			put_action(f, o);
}

static void put_older_options(FILE *f)
{
	roff_section(f, "OPTIONS THAT ARE SPELT DIFFERENTLY, OR GONE");
	for (const struct older_option *o = older_options; o->name; o++) {
		roff_tag(f);
		put_long(f, o->name);
		roff_body(f);
		if (o->note) {
			roff_prose(f, o->note);
		} else if (*o->now) {
			put_long(f, o->now);
			fputc('\n', f);
		} else {
			roff_prose(f, "what is always done");
		}
	}
}

static void put_older_exits(FILE *f)
{
	roff_section(f, "EXIT STATUS");
	roff_prose(f, "0: done. 1: not done, for whatever reason. 2: the line "
		      "was not understood, or the action is no more.");
	roff_paragraph(f);
	roff_prose(f, "svcmgr status: the state of this node's instance, or of "
		      "the service where it has none: 0 up, 1 down, 2 warn, "
		      "3 n/a, 5 undef, 6 stdby up, 7 stdby down. frozen: 1 if "
		      "frozen, 0 if not.");
}

void pages_older(FILE *f, const char *program)
{
	const struct older *p = older_program(program);

	put_header(f, p->name, "1");
	put_name(f, p->name, "an older spelling of encap");
	roff_section(f, "SYNOPSIS");
	put_bold(f, p->usage);
	fputc('\n', f);
	roff_section(f, "EXAMPLES");
	roff_literal_begin(f);
	for (unsigned i = 0; i < 2; i++)
		roff_literal_line(f, p->example[i], strlen(p->example[i]));
	roff_literal_end(f);
	roff_section(f, "DESCRIPTION");
	roff_prose(f, "The same program as encap under the name that scripts "
		      "and habits know. Each action is a command of encap, "
		      "and takes its options; one that is no more ends with 2 "
		      "and says what to use instead.");
	if (*p->actions[0].words) {
		put_actions(f, p, true);
		put_actions(f, p, false);
	} else {
		roff_paragraph(f);
		roff_prose(f, "It takes no action: it is encap status.");
	}
	put_older_options(f);
	put_older_exits(f);
	roff_section(f, "SEE ALSO");
	put_see(f, true, "encap", "1");
	fputc('\n', f);
}

/* -- writing them ---------------------------------------------------------- */

struct writer {
	const char *dir, *docs;
	struct err *err;
};

static FILE *page_open(const struct writer *w, const char *page,
		       const char *section)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/man%s", w->dir, section);
	if ((mkdir(w->dir, 0755) < 0 && errno != EEXIST) ||
	    (mkdir(path, 0755) < 0 && errno != EEXIST)) {
		err_set(w->err, -errno, "%s: %s", path, strerror(errno));
		return NULL;
	}
	snprintf(path, sizeof(path), "%s/man%s/%s.%s", w->dir, section, page,
		 section);
	f = fopen(path, "w");
	if (!f)
		err_set(w->err, -errno, "%s: %s", path, strerror(errno));
	return f;
}

static int page_close(const struct writer *w, FILE *f, const char *page)
{
	bool failed = ferror(f) != 0;

	if (fclose(f) == 0 && !failed)
		return 0;
	return err_set(w->err, -EIO, "%s could not be written", page);
}

/* A document below docs/ appended to the page. */
static int put_document(const struct writer *w, FILE *f, const char *name)
{
	SCOPED(arena) struct arena *a = arena_new();
	char path[4096], chunk[4096];
	struct buf text = BUF(a);
	size_t n;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", w->docs, name);
	in = fopen(path, "r");
	if (!in)
		return err_set(w->err, -errno, "%s: %s", path, strerror(errno));
	while ((n = fread(chunk, 1, sizeof(chunk), in)) > 0)
		buf_add(&text, chunk, n);
	fclose(in);
	markdown_page(f, buf_text(&text));
	return 0;
}

static const struct document {
	const char *page, *section, *summary;
	const char *docs[2];
} documents[] = {
	{ "encapd", "8", "the agent of encap", { "encapd.md" } },
	{ "env",
	  "5",
	  "the env file of a service, and all its keywords",
	  { "env-file.md", "keywords.md" } },
	{ "encap-simulate",
	  "7",
	  "scenarios for encap simulate",
	  { "simulate.md" } },
	{ "encap-tutorial",
	  "7",
	  "a service in a container, step by step",
	  { "tutorial.md" } },
};

static int write_document(const struct writer *w, const struct document *d)
{
	FILE *f = page_open(w, d->page, d->section);
	int rc = 0;

	if (!f)
		return -EIO;
	put_header(f, d->page, d->section);
	put_name(f, d->page, d->summary);
	for (size_t i = 0; rc == 0 && i < 2 && d->docs[i]; i++)
		rc = put_document(w, f, d->docs[i]);
	roff_section(f, "SEE ALSO");
	put_see(f, true, "encap", "1");
	fputc('\n', f);
	if (rc < 0) {
		fclose(f);
		return rc;
	}
	return page_close(w, f, d->page);
}

static int write_command(const struct writer *w, const struct command *k)
{
	char page[64];
	FILE *f;

	page_of(k, page, sizeof(page));
	f = page_open(w, page, "1");
	if (!f)
		return -EIO;
	pages_command(f, k);
	return page_close(w, f, page);
}

static int write_named(const struct writer *w, const char *name)
{
	FILE *f = page_open(w, name, "1");

	if (!f)
		return -EIO;
	if (strcmp(name, "encap") == 0)
		pages_encap(f);
	else
		pages_older(f, name);
	return page_close(w, f, name);
}

int pages_write(const char *dir, const char *docs, struct err *err)
{
	struct writer w = { dir, docs, err };
	int rc = write_named(&w, "encap");

	for (const struct command *k = command_table; rc == 0 && k->words; k++)
		rc = write_command(&w, k);
	for (const struct older *p = older_programs; rc == 0 && p->name; p++)
		rc = write_named(&w, p->name);
	for (size_t i = 0;
	     rc == 0 && i < sizeof(documents) / sizeof(documents[0]); i++)
		rc = write_document(&w, &documents[i]);
	return rc;
}
