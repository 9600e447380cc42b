/*
 * Edits that were refused, and files that offer a service: what there is, and
 * what becomes of it.
 */
#include <string.h>

#include "cli/edit.h"
#include "cli/rev.h"
#include "fsm/rev/merge.h"

/* -- drafts ---------------------------------------------------------------- */

static int drop(struct cli *c, const char *draft)
{
	struct doc *args = doc_map(c->arena);

	if (c->n_args)
		doc_put_str(c->arena, args, "name", c->args[0]);
	doc_put_str(c->arena, args, "draft", draft);
	cli_put_author(c, args);
	return cli_call(c, "svc_draft_drop", args, NULL);
}

static const char *place_of(struct arena *a, const struct doc *d)
{
	const char *node = doc_get_str(doc_get(d, "by"), "node",
				       doc_get_str(d, "node", ""));
	const char *where = doc_get_str(d, "where", "");

	return *where ? arena_printf(a, "%s:%s", node, where) : node;
}

static void print_drafts(struct cli *c, const struct doc *all)
{
	static const char *const heads[] = { "ID",   "SERVICE", "KIND", "BY",
					     "TIME", "FROM",	"WHY" };
	struct text_table t = { .arena = c->arena, .n_cols = 7 };

	text_table_add(&t, heads);
	for (size_t i = 0; i < doc_len(all); i++) {
		const struct doc *d = doc_at(all, i);
		const char *why = doc_get_str(d, "why", "");
		const char *cells[] = {
			doc_get_str(d, "id", "-"),
			doc_get_str(d, "name", ""),
			doc_get_str(d, "kind", ""),
			doc_get_str(doc_get(d, "by"), "user", "-"),
			text_time(c->arena, doc_get_int(d, "at", 0)),
			place_of(c->arena, d),
			arena_printf(c->arena, "%.*s", (int)strcspn(why, "\n"),
				     why),
		};

		text_table_add(&t, cells);
	}
	text_table_print(&t, &c->term, c->out);
}

static bool any_offer(const struct doc *all)
{
	for (size_t i = 0; i < doc_len(all); i++)
		if (strcmp(doc_get_str(doc_at(all, i), "kind", ""), "offer") ==
		    0)
			return true;
	return false;
}

int cmd_drafts(struct cli *c)
{
	struct doc *args = doc_map(c->arena), *data;
	int rc;

	if (c->opt[OPT_DROP])
		return drop(c, c->opt[OPT_DROP]);
	if (c->n_args)
		doc_put_str(c->arena, args, "name", c->args[0]);
	rc = cli_call(c, "svc_drafts", args, &data);
	if (rc != CLI_DONE)
		return rc;
	if (cli_wants_doc(c)) {
		cli_print_doc(c, data, "drafts");
		return CLI_DONE;
	}
	if (!doc_len(doc_get(data, "drafts"))) {
		fprintf(c->err, "there are no drafts\n");
		return CLI_DONE;
	}
	print_drafts(c, doc_get(data, "drafts"));
	if (any_offer(doc_get(data, "drafts")))
		fprintf(c->err, "an offer becomes a service with: encap "
				"create NAME --draft\n");
	return CLI_DONE;
}

/* -- create --draft -------------------------------------------------------- */

int draft_offer(struct cli *c, const char *name, const char **ret_id,
		const char **ret_text)
{
	struct doc *args = doc_map(c->arena), *data;
	const struct doc *all, *found = NULL;
	size_t n = 0;
	int rc;

	doc_put_str(c->arena, args, "name", name);
	rc = cli_call(c, "svc_drafts", args, &data);
	if (rc != CLI_DONE)
		return rc;
	all = doc_get(data, "drafts");
	for (size_t i = 0; i < doc_len(all); i++) {
		if (strcmp(doc_get_str(doc_at(all, i), "kind", ""), "offer"))
			continue;
		found = doc_at(all, i);
		n++;
	}
	if (!n)
		return cli_error(c, CLI_NOT_FOUND,
				 "no file offers the service %s: 'encap "
				 "drafts' lists the offers",
				 name);
	if (n > 1)
		return cli_error(
			c, CLI_FAILED,
			"%zu files offer the service %s: drop all but "
			"one of them ('encap drafts %s', 'encap drafts "
			"--drop ID')",
			n, name, name);
	*ret_id = doc_get_str(found, "id", "");
	*ret_text = doc_get_str(found, "text", "");
	return CLI_DONE;
}

/* -- resolve --------------------------------------------------------------- */

static int fetch_draft(struct cli *c, struct doc **ret)
{
	struct doc *args = cli_args_name(c);

	doc_put_str(c->arena, args, "draft", c->args[1]);
	return cli_call(c, "svc_draft", args, ret);
}

/* What to begin with: the head with all of the draft's changes in it; the
 * draft's own text where they cannot be put together. */
static const char *text_to_edit(struct cli *c, const struct doc *draft,
				const char *head)
{
	const char *text = doc_get_str(draft, "text", "");
	const char *base = doc_get_str(draft, "base", "");
	const struct doc *from =
		*base ? rev_fetch_quietly(c, c->args[0], base) : NULL;
	struct merge_in in = { .base = rev_text(from),
			       .ours = head,
			       .theirs = text,
			       .take = MERGE_THEIRS };
	struct merge m;

	if (!from)
		return text;
	merge_texts(c->arena, &in, &m);
	return m.code == MERGE_DONE ? m.text : text;
}

static int send_resolve(struct cli *c, struct doc *args)
{
	const char *expected;
	int rc = rev_expected(c, c->args[0], &expected);

	if (rc != CLI_DONE)
		return rc;
	doc_put_str(c->arena, args, "draft", c->args[1]);
	if (expected) {
		doc_put_str(c->arena, args, "base", expected);
		doc_put_bool(c->arena, args, "strict", true);
	}
	return rev_send(c, "svc_resolve", args);
}

static int resolve_by_hand(struct cli *c)
{
	struct editing e = { .name = c->args[0] };
	struct doc *args = cli_args_name(c), *draft, *head;
	int rc = fetch_draft(c, &draft);

	if (rc == CLI_DONE)
		rc = rev_fetch(c, c->args[0], NULL, &head);
	if (rc != CLI_DONE)
		return rc;
	rev_print_keys(c, c->err, draft);
	e.before = rev_text(head);
	e.base = doc_get_str(head, "rev", "");
	e.text = text_to_edit(c, draft, e.before);
	rc = edit_open(c, &e);
	if (rc == EDIT_UNCHANGED) /* nothing of it is wanted */
		return drop(c, c->args[1]);
	if (rc != CLI_DONE)
		return rc;
	doc_put_str(c->arena, args, "take", "text");
	doc_put_str(c->arena, args, "config", buf_text(&e.result));
	doc_put_str(c->arena, args, "base", e.base);
	return edit_end(c, &e, send_resolve(c, args));
}

int cmd_resolve(struct cli *c)
{
	bool ours = c->opt[OPT_OURS], theirs = c->opt[OPT_THEIRS];
	struct doc *args = cli_args_name(c);

	if (ours + theirs + !!c->opt[OPT_EDIT] != 1)
		return cli_usage(c, "how? one of --ours, --theirs and --edit");
	if (c->opt[OPT_EDIT])
		return resolve_by_hand(c);
	doc_put_str(c->arena, args, "take", ours ? "ours" : "theirs");
	return send_resolve(c, args);
}
