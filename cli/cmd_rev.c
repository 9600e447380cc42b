/*
 * What an env file was, who made it so, and how to have it back: history,
 * show, diff, blame, revert.
 */
#include <string.h>

#include "cli/rev.h"
#include "fsm/rev/blame.h"

static const char *author_of(struct arena *a, const struct doc *rev)
{
	return rev_author(a, doc_get(rev, "author"));
}

static const char *time_of(struct arena *a, const struct doc *rev)
{
	return text_time(a, doc_get_int(rev, "at", 0));
}

static const struct doc *parents_of(const struct doc *rev)
{
	return doc_get(rev, "parents");
}

/* The first one: of a merge that is the head which the edit met. NULL where
 * there is none, or none any more. */
static struct doc *parent_of(struct cli *c, const char *name,
			     const struct doc *rev)
{
	const struct doc *parents = parents_of(rev);

	return doc_len(parents)
		       ? rev_fetch_quietly(c, name,
					   doc_text(doc_at(parents, 0), ""))
		       : NULL;
}

/* -- history --------------------------------------------------------------- */

static int fetch_history(struct cli *c, const char *limit, struct doc **ret)
{
	struct doc *args = cli_args_name(c);

	if (limit) {
		int64_t n = cli_count(limit, 1, INT64_MAX);

		if (n < 0)
			return cli_usage(c, "-n: '%s' is no number above 0",
					 limit);
		doc_put_int(c->arena, args, "limit", n);
	}
	return cli_call(c, "svc_history", args, ret);
}

/* What came of it besides a text: a merge, a reason. */
static const char *remark(struct arena *a, const struct doc *rev)
{
	const struct doc *parents = parents_of(rev);
	const char *comment = doc_get_str(rev, "comment", "");

	if (doc_len(parents) < 2)
		return comment;
	return arena_printf(a, "merge of %s and %s%s%s",
			    rev_short(a, doc_text(doc_at(parents, 0), "")),
			    rev_short(a, doc_text(doc_at(parents, 1), "")),
			    *comment ? ": " : "", comment);
}

static void print_history_patches(struct cli *c, const struct doc *revs)
{
	for (size_t i = 0; i < doc_len(revs); i++) {
		const struct doc *d = doc_at(revs, i);
		const char *id = doc_get_str(d, "rev", "");
		const struct doc *full = rev_fetch_quietly(c, c->args[0], id);

		fprintf(c->out, "%s%s  %s  %s  %s  %s\n", i ? "\n" : "",
			rev_short(c->arena, id), time_of(c->arena, d),
			author_of(c->arena, d),
			doc_get_str(doc_get(d, "author"), "tool", ""),
			remark(c->arena, d));
		if (full)
			rev_print_diff(c, c->out,
				       rev_text(parent_of(c, c->args[0], full)),
				       rev_text(full));
	}
}

static void print_history(struct cli *c, const struct doc *revs)
{
	static const char *const heads[] = { "REV", "TIME", "AUTHOR", "TOOL",
					     "WHAT" };
	struct text_table t = { .arena = c->arena, .n_cols = 5 };

	text_table_add(&t, heads);
	for (size_t i = 0; i < doc_len(revs); i++) {
		const struct doc *d = doc_at(revs, i);
		const char *cells[] = {
			rev_short(c->arena, doc_get_str(d, "rev", "")),
			time_of(c->arena, d),
			author_of(c->arena, d),
			doc_get_str(doc_get(d, "author"), "tool", ""),
			remark(c->arena, d),
		};

		text_table_add(&t, cells);
	}
	text_table_print(&t, &c->term, c->out);
}

int cmd_history(struct cli *c)
{
	struct doc *data;
	int rc = fetch_history(c, c->opt[OPT_LIMIT], &data);

	if (rc != CLI_DONE)
		return rc;
	if (cli_wants_doc(c))
		cli_print_doc(c, data, "revs");
	else if (c->opt[OPT_PATCH])
		print_history_patches(c, doc_get(data, "revs"));
	else
		print_history(c, doc_get(data, "revs"));
	return CLI_DONE;
}

/* -- show ------------------------------------------------------------------ */

static int show_revision(struct cli *c, struct doc *d)
{
	const char *before = rev_text(parent_of(c, c->args[0], d));
	const struct doc *parents = parents_of(d);

	if (cli_wants_doc(c)) {
		doc_put(c->arena, d, "diff",
			rev_diff_doc(c->arena, before, rev_text(d)));
		cli_print_doc(c, d, NULL);
		return CLI_DONE;
	}
	fprintf(c->out, "revision  %s\n", doc_get_str(d, "rev", ""));
	for (size_t i = 0; i < doc_len(parents); i++)
		fprintf(c->out, "parent    %s\n",
			doc_text(doc_at(parents, i), ""));
	fprintf(c->out, "author    %s, %s\n", author_of(c->arena, d),
		doc_get_str(doc_get(d, "author"), "tool", ""));
	fprintf(c->out, "time      %s\n", time_of(c->arena, d));
	if (doc_get(d, "comment"))
		fprintf(c->out, "comment   %s\n",
			doc_get_str(d, "comment", ""));
	fputc('\n', c->out);
	rev_print_diff(c, c->out, before, rev_text(d));
	return CLI_DONE;
}

static void print_draft(struct cli *c, const struct doc *d, const char *base)
{
	const char *text = doc_get_str(d, "text", "");

	fprintf(c->out, "draft     %s\n", doc_get_str(d, "id", ""));
	fprintf(c->out, "kind      %s\n", doc_get_str(d, "kind", ""));
	fprintf(c->out, "author    %s, %s\n",
		rev_author(c->arena, doc_get(d, "by")),
		doc_get_str(doc_get(d, "by"), "tool", ""));
	fprintf(c->out, "time      %s\n", time_of(c->arena, d));
	if (doc_get(d, "where"))
		fprintf(c->out, "from      %s\n", doc_get_str(d, "where", ""));
	if (*doc_get_str(d, "base", ""))
		fprintf(c->out, "based on  %s\n", doc_get_str(d, "base", ""));
	fprintf(c->out, "\n%s\n\n", doc_get_str(d, "why", ""));
	rev_print_keys(c, c->out, d);
	rev_print_diff(c, c->out, base, text);
}

/* @why: what was said of it as a revision. */
static int show_draft(struct cli *c, const struct reply *why)
{
	struct doc *args = cli_args_name(c), *base;
	struct reply r;

	doc_put_str(c->arena, args, "draft", c->args[1]);
	if (cli_ask(c, "svc_draft", args, &r) != CLI_DONE || r.code != CLI_DONE)
		return cli_refused(c, why);
	if (cli_wants_doc(c)) {
		cli_print_doc(c, r.data, NULL);
		return CLI_DONE;
	}
	base = rev_fetch_quietly(c, c->args[0],
				 doc_get_str(r.data, "base", "none"));
	print_draft(c, r.data, rev_text(base));
	return CLI_DONE;
}

int cmd_show(struct cli *c)
{
	struct doc *args = cli_args_name(c);
	struct reply r;
	int rc;

	if (c->n_args > 1)
		doc_put_str(c->arena, args, "rev", c->args[1]);
	rc = cli_ask(c, "svc_config", args, &r);
	if (rc != CLI_DONE)
		return rc;
	if (r.code == CLI_DONE)
		return show_revision(c, r.data);
	return c->n_args > 1 ? show_draft(c, &r) : cli_refused(c, &r);
}

/* -- diff ------------------------------------------------------------------ */

int cmd_diff(struct cli *c)
{
	const char *name = c->args[0];
	struct doc *old, *new;
	int rc;

	if (c->opt[OPT_FILE])
		return cmd_diff_files(c);
	if (!c->n_args)
		return cli_usage(c, "which service? or -f FILE");
	if (c->n_args > 3)
		return cli_usage(c, "two revisions at most");
	rc = rev_fetch(c, name, c->n_args > 2 ? c->args[2] : NULL, &new);
	if (rc == CLI_DONE && c->n_args > 1)
		rc = rev_fetch(c, name, c->args[1], &old);
	else if (rc == CLI_DONE)
		old = parent_of(c, name, new);
	if (rc != CLI_DONE)
		return rc;
	if (cli_wants_doc(c)) {
		struct doc *d =
			rev_diff_doc(c->arena, rev_text(old), rev_text(new));

		doc_put_str(c->arena, d, "from", doc_get_str(old, "rev", ""));
		doc_put_str(c->arena, d, "to", doc_get_str(new, "rev", ""));
		cli_print_doc(c, d, NULL);
	} else {
		rev_print_diff(c, c->out, rev_text(old), rev_text(new));
	}
	return CLI_DONE;
}

/* -- blame ----------------------------------------------------------------- */

struct ancestry { /* oldest first */
	const struct doc **rows;
	struct blame_rev *revs;
	size_t n;
};

static size_t position(const struct ancestry *l, const char *id)
{
	for (size_t i = l->n; i-- > 0;)
		if (strcmp(doc_get_str(l->rows[i], "rev", ""), id) == 0)
			return i;
	return BLAME_NONE;
}

static size_t parent_position(const struct ancestry *l, const struct doc *row,
			      size_t i)
{
	const struct doc *parents = parents_of(row);

	return i < doc_len(parents)
		       ? position(l, doc_text(doc_at(parents, i), ""))
		       : BLAME_NONE;
}

static bool is_parent(const struct doc *row, const char *id)
{
	const struct doc *parents = parents_of(row);

	for (size_t i = 0; i < doc_len(parents); i++)
		if (strcmp(doc_text(doc_at(parents, i), ""), id) == 0)
			return true;
	return false;
}

/* Of @newest first @rows, those that @target comes of, and it. */
static void find_ancestry(struct cli *c, const struct doc *rows,
			  const char *target, struct ancestry *ret)
{
	size_t n = doc_len(rows), kept = 0;
	const struct doc **mine =
		ARENA_VEC(c->arena, const struct doc *, n + 1);

	for (size_t i = 0; i < n; i++) {
		const struct doc *row = doc_at(rows, i);
		const char *id = doc_get_str(row, "rev", "");
		bool is = strcmp(id, target) == 0;

		for (size_t k = 0; !is && k < kept; k++)
			is = is_parent(mine[k], id);
		if (is)
			mine[kept++] = row;
	}
	ret->n = 0;
	ret->rows = ARENA_VEC(c->arena, const struct doc *, kept + 1);
	ret->revs = ARENA_VEC(c->arena, struct blame_rev, kept + 1);
	while (kept-- > 0) {
		const struct doc *row = mine[kept];
		const struct doc *full = rev_fetch_quietly(
			c, c->args[0], doc_get_str(row, "rev", ""));

		if (!full)
			continue; /* it went while we were looking */
		ret->revs[ret->n] = (struct blame_rev){
			rev_text(full),
			{ parent_position(ret, row, 0),
			  parent_position(ret, row, 1) },
		};
		ret->rows[ret->n++] = row;
	}
}

static void print_blame(struct cli *c, const struct ancestry *from,
			const struct blame *b)
{
	size_t width = 0;

	for (size_t i = 0; i < b->n; i++) {
		size_t n = text_width(
			author_of(c->arena, from->rows[b->at[i].rev]));

		width = n > width ? n : width;
	}
	for (size_t i = 0; i < b->n; i++) {
		const struct doc *row = from->rows[b->at[i].rev];
		const char *who = author_of(c->arena, row);
		size_t len = b->at[i].len;

		len -= len && b->at[i].at[len - 1] == '\n';
		fprintf(c->out, "%s  %s%*s  %.19s | %.*s\n",
			rev_short(c->arena, doc_get_str(row, "rev", "")), who,
			(int)(width - text_width(who)), "",
			time_of(c->arena, row), (int)len, b->at[i].at);
	}
}

static void print_blame_json(struct cli *c, const struct ancestry *from,
			     const struct blame *b)
{
	struct doc *d = doc_map(c->arena), *lines, *revs;

	revs = doc_put(c->arena, d, "revs", doc_map(c->arena));
	lines = doc_put(c->arena, d, "lines", doc_list(c->arena));
	for (size_t i = 0; i < b->n; i++) {
		const struct doc *row = from->rows[b->at[i].rev];
		const char *id = doc_get_str(row, "rev", "");
		struct doc *line = doc_add(c->arena, lines, doc_map(c->arena));

		if (!doc_get(revs, id))
			doc_put(c->arena, revs, id, doc_copy(c->arena, row));
		doc_put_str(c->arena, line, "rev", id);
		doc_put(c->arena, line, "text",
			doc_strn(c->arena, b->at[i].at, b->at[i].len));
	}
	cli_print_doc(c, d, NULL);
}

int cmd_blame(struct cli *c)
{
	struct ancestry from;
	struct doc *d, *history;
	struct blame b;
	int rc = rev_fetch(c, c->args[0], c->opt[OPT_REV], &d);

	if (rc == CLI_DONE)
		rc = fetch_history(c, NULL, &history);
	if (rc != CLI_DONE)
		return rc;
	find_ancestry(c, doc_get(history, "revs"), doc_get_str(d, "rev", ""),
		      &from);
	if (!from.n)
		return cli_error(c, CLI_NOT_FOUND,
				 "%s: its history has just gone; try again",
				 c->args[0]);
	blame_texts(c->arena, from.revs, from.n, &b);
	if (cli_wants_doc(c))
		print_blame_json(c, &from, &b);
	else
		print_blame(c, &from, &b);
	return CLI_DONE;
}

/* -- revert ---------------------------------------------------------------- */

int cmd_revert(struct cli *c)
{
	const char *name = c->args[0], *expected;
	struct doc *head, *to, *args = cli_args_name(c);
	int rc = rev_expected(c, name, &expected);

	if (rc == CLI_DONE)
		rc = rev_fetch(c, name, NULL, &head);
	if (rc == CLI_DONE)
		rc = rev_fetch(c, name, c->args[1], &to);
	if (rc != CLI_DONE)
		return rc;
	rev_print_diff(c, c->err, rev_text(head), rev_text(to));
	doc_put_str(c->arena, args, "rev", doc_get_str(to, "rev", ""));
	doc_put_str(c->arena, args, "base",
		    expected ? expected : doc_get_str(head, "rev", ""));
	if (expected)
		doc_put_bool(c->arena, args, "strict", true);
	return rev_send(c, "svc_revert", args);
}
