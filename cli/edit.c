#include "cli/edit.h"

#include <string.h>
#include <unistd.h>

#include "cli/file.h"
#include "cli/rev.h"

int edit_end(struct cli *c, const struct editing *e, int rc)
{
	if (rc == CLI_DONE || rc == EDIT_UNCHANGED)
		unlink(e->path);
	else
		fprintf(c->err, "your text is kept in %s\n", e->path);
	return rc;
}

/* What would change, and what the cluster would do then. */
static int show(struct cli *c, const struct editing *e)
{
	struct doc *list = doc_list(c->arena);
	struct doc *edit = doc_add(c->arena, list, doc_map(c->arena));

	rev_print_diff(c, c->err, e->before, buf_text(&e->result));
	doc_put_str(c->arena, edit, "op", "svc_edit");
	doc_put_str(c->arena, edit, "name", e->name);
	doc_put_str(c->arena, edit, "base", e->base);
	doc_put_str(c->arena, edit, "config", buf_text(&e->result));
	return rev_print_plan(c, list);
}

/* One round: CLI_DONE, an exit code, or EDIT_AGAIN. */
enum { EDIT_AGAIN = -2 };

static int edit_once(struct cli *c, struct editing *e)
{
	struct err err = { 0 };
	char said;
	int rc;

	e->result = BUF(c->arena);
	if (file_edit(e->path, &err) < 0 ||
	    file_read(e->path, &e->result, &err) < 0)
		return cli_error(c, CLI_FAILED, "%s", err.text);
	if (strcmp(buf_text(&e->result), e->before) == 0)
		return EDIT_UNCHANGED;
	if (!file_check(c, e->name, e->path, buf_text(&e->result),
			e->result.len)) {
		cli_error(c, CLI_FAILED, "not valid; nothing was changed");
		said = rev_ask(c, "edit it again? [Y/n]");
		return said && said != 'n' ? EDIT_AGAIN : CLI_FAILED;
	}
	rc = show(c, e);
	if (rc == CLI_CONFLICT) /* sent all the same, to be kept as a draft */
		return CLI_DONE;
	if (rc != CLI_DONE || c->opt[OPT_YES])
		return rc;
	said = rev_ask(c, "make it so? [Y/n/e: edit it again]");
	if (said == 'e')
		return EDIT_AGAIN;
	if (said != 'n')
		return CLI_DONE;
	return cli_error(c, CLI_FAILED, "nothing was changed");
}

int edit_open(struct cli *c, struct editing *e)
{
	struct err err = { 0 };
	int rc;

	if (file_write_temp(c->arena, e->name, e->text, strlen(e->text),
			    &e->path, &err) < 0)
		return cli_error(c, CLI_FAILED, "%s", err.text);
	do
		rc = edit_once(c, e);
	while (rc == EDIT_AGAIN);
	return rc == CLI_DONE ? rc : edit_end(c, e, rc);
}
