#include "cli/rev.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "cli/plan.h"
#include "fsm/rev/diff.h"
#include "fsm/rev/lines.h"

int rev_fetch(struct cli *c, const char *name, const char *word,
	      struct doc **ret)
{
	struct doc *args = doc_map(c->arena);

	doc_put_str(c->arena, args, "name", name);
	if (word)
		doc_put_str(c->arena, args, "rev", word);
	return cli_call(c, "svc_config", args, ret);
}

struct doc *rev_fetch_quietly(struct cli *c, const char *name, const char *word)
{
	struct doc *args = doc_map(c->arena);
	struct reply r;

	doc_put_str(c->arena, args, "name", name);
	doc_put_str(c->arena, args, "rev", word);
	if (cli_ask(c, "svc_config", args, &r) != CLI_DONE ||
	    r.code != CLI_DONE)
		return NULL;
	return r.data;
}

int rev_expected(struct cli *c, const char *name, const char **ret)
{
	struct doc *d;
	int rc;

	*ret = NULL;
	if (!c->opt[OPT_IF_REV])
		return CLI_DONE;
	rc = rev_fetch(c, name, c->opt[OPT_IF_REV], &d);
	if (rc == CLI_DONE)
		*ret = doc_get_str(d, "rev", "");
	return rc;
}

const char *rev_text(const struct doc *revision)
{
	return doc_get_str(revision, "config", "");
}

const char *rev_short(struct arena *a, const char *id)
{
	return arena_printf(a, "%.*s", REV_DIGITS, id);
}

const char *rev_author(struct arena *a, const struct doc *by)
{
	bool encap = strcmp(doc_get_str(by, "level", ""), "encap") == 0;

	return arena_printf(a, "%s@%s%s", doc_get_str(by, "user", "?"),
			    doc_get_str(by, "node", "?"),
			    encap ? " (encap)" : "");
}

/* -- differences ----------------------------------------------------------- */

void rev_print_diff(struct cli *c, FILE *to, const char *old, const char *new)
{
	struct buf b = BUF(c->arena);
	struct diff d;

	diff_texts(c->arena, old, new, &d);
	if (d.parsed)
		diff_text(c->arena, &d, &b);
	else
		lines_unified(c->arena, old, new, &b);
	fputs(buf_text(&b), to);
}

struct doc *rev_diff_doc(struct arena *a, const char *old, const char *new)
{
	struct buf b = BUF(a);
	struct diff d;
	struct doc *doc;

	diff_texts(a, old, new, &d);
	doc = diff_doc(a, &d);
	if (!d.parsed) {
		lines_unified(a, old, new, &b);
		doc_put_str(a, doc, "lines", buf_text(&b));
	}
	return doc;
}

/* -- conflicts ------------------------------------------------------------- */

/* Of many lines only the first, so that the sides stay below each other. */
static const char *value_text(struct arena *a, const struct doc *key,
			      const char *side)
{
	const char *v = doc_get_str(key, side, NULL);
	size_t n;

	if (!v)
		return "(not set)";
	n = strcspn(v, "\n");
	return v[n] ? arena_printf(a, "%.*s ...", (int)n, v) : v;
}

static const char *who_when(struct arena *a, const struct doc *by, int64_t at)
{
	return at ? arena_printf(a, "%s, %s", rev_author(a, by),
				 text_time(a, at))
		  : rev_author(a, by);
}

static void print_key(struct cli *c, FILE *to, const struct doc *key,
		      const struct doc *data)
{
	const struct doc *theirs = doc_get(data, "theirs");
	struct arena *a = c->arena;

	if (!theirs) /* a draft is its author's itself */
		theirs = data;

	fprintf(to, "  %s\n", doc_get_str(key, "key", "?"));
	fprintf(to, "    base    %s\n", value_text(a, key, "base"));
	fprintf(to, "    ours    %s    (the head: %s, revision %s)\n",
		value_text(a, key, "ours"),
		who_when(a, doc_get(key, "by"), doc_get_int(key, "at", 0)),
		rev_short(a, doc_get_str(key, "rev", "?")));
	fprintf(to, "    theirs  %s    (this edit: %s)\n",
		value_text(a, key, "theirs"),
		who_when(a, doc_get(theirs, "by"),
			 doc_get_int(theirs, "at", 0)));
}

void rev_print_keys(struct cli *c, FILE *to, const struct doc *data)
{
	const struct doc *keys = doc_get(data, "conflicts");
	const struct doc *problems = doc_get(data, "problems");

	for (size_t i = 0; i < doc_len(keys); i++)
		print_key(c, to, doc_at(keys, i), data);
	for (size_t i = 0; i < doc_len(problems); i++)
		fprintf(to, "  both together: %s\n",
			doc_text(doc_at(problems, i), "?"));
}

static void print_ways(struct cli *c, const char *name, const char *draft)
{
	static const char *const ways[][2] = {
		{ "--ours", "keep the head's values, take the rest of the "
			    "edit" },
		{ "--theirs", "take all of the edit" },
		{ "--edit", "merge them in an editor" },
	};
	fprintf(c->err, "the edit is kept as %s; to end this:\n", draft);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		fprintf(c->err, "  encap resolve %s %s %-9s %s\n", name, draft,
			ways[i][0], ways[i][1]);
	fprintf(c->err, "  encap drafts %s --drop %s  forget the edit\n", name,
		draft);
}

int rev_refused(struct cli *c, const char *name, const struct reply *r)
{
	const char *draft = doc_get_str(r->data, "draft", NULL);
	int rc = cli_refused(c, r);

	if (r->code != CLI_CONFLICT)
		return rc;
	rev_print_keys(c, c->err, r->data);
	if (draft)
		print_ways(c, name, draft);
	else if (doc_get(r->data, "why_not"))
		fprintf(c->err, "the edit is not kept as a draft: %s\n",
			doc_get_str(r->data, "why_not", "?"));
	return rc;
}

int rev_done(struct cli *c, const char *name, const struct reply *r)
{
	if (c->opt[OPT_DRY_RUN]) {
		plan_print(c, r->data);
		return CLI_DONE;
	}
	if (doc_get_bool(r->data, "merged", false))
		fprintf(c->err,
			"%s: another edit came first and changed other keys: "
			"both are in the head\n",
			name);
	fprintf(c->out, "%s\n", doc_get_str(r->data, "rev", ""));
	return CLI_DONE;
}

int rev_send(struct cli *c, const char *op, struct doc *args)
{
	const char *name = c->args[0];
	struct reply r;
	int rc;

	if (c->opt[OPT_COMMENT])
		doc_put_str(c->arena, args, "comment", c->opt[OPT_COMMENT]);
	cli_put_author(c, args);
	rc = cli_ask(c, op, args, &r);
	if (rc != CLI_DONE)
		return rc;
	return r.code == CLI_DONE ? rev_done(c, name, &r)
				  : rev_refused(c, name, &r);
}

int rev_print_plan(struct cli *c, struct doc *requests)
{
	struct doc *args = doc_map(c->arena);
	FILE *out = c->out;
	struct reply r;
	int rc;

	doc_put(c->arena, args, "requests", requests);
	rc = cli_ask(c, "plan", args, &r);
	if (rc != CLI_DONE)
		return rc;
	if (r.code == CLI_CONFLICT)
		return r.code;
	if (r.code != CLI_DONE)
		return cli_refused(c, &r);
	if (!doc_len(doc_get(r.data, "steps")) &&
	    !doc_len(doc_get(r.data, "waiting")))
		return CLI_DONE;
	fprintf(c->err, "what comes of it:\n");
	c->out = c->err; /* only the new revision goes to the output */
	plan_print(c, r.data);
	c->out = out;
	return CLI_DONE;
}

char rev_ask(const struct cli *c, const char *question)
{
	char line[32];

	if (!isatty(STDIN_FILENO))
		return 0;
	fflush(c->out);
	fprintf(c->err, "%s ", question);
	fflush(c->err);
	if (!fgets(line, sizeof(line), stdin))
		return 'n';
	return *line == '\n' ? 'y' : (char)tolower((unsigned char)*line);
}

bool rev_confirm(struct cli *c, const char *question)
{
	return c->opt[OPT_YES] || rev_ask(c, question) != 'n';
}
