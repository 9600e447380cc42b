/*
 * The env file in an editor. What was changed is shown before it is sent, as
 * an edit based on the head that was opened: another one in between is merged
 * with it, or is in conflict with it.
 */

#include "cli/edit.h"
#include "cli/rev.h"

int cmd_edit(struct cli *c)
{
	struct editing e = { .name = c->args[0] };
	struct doc *head, *args = cli_args_name(c);
	const char *expected;
	int rc = rev_expected(c, e.name, &expected);

	if (rc == CLI_DONE)
		rc = rev_fetch(c, e.name, expected, &head);
	if (rc != CLI_DONE)
		return rc;
	e.before = e.text = rev_text(head);
	e.base = doc_get_str(head, "rev", "");
	rc = edit_open(c, &e);
	if (rc == EDIT_UNCHANGED) {
		fprintf(c->err, "%s: unchanged\n", e.name);
		return CLI_DONE;
	}
	if (rc != CLI_DONE)
		return rc;
	doc_put_str(c->arena, args, "base", e.base);
	doc_put(c->arena, args, "config",
		doc_strn(c->arena, buf_text(&e.result), e.result.len));
	if (expected)
		doc_put_bool(c->arena, args, "strict", true);
	return edit_end(c, &e, rev_send(c, "svc_edit", args));
}
