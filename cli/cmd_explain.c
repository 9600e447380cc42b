/* Keywords, types and sections of env files, from the rows; no agent needed. */
#include "cli/command.h"
#include "fsm/conf/explain.h"

int cmd_explain(struct cli *c)
{
	const char *what = c->n_args ? c->args[0] : "";
	struct buf text = BUF(c->arena);
	struct err err = { 0 };
	struct explained e;

	if (explain_find(c->arena, what, &e, &err) < 0)
		return cli_error(c, CLI_NOT_FOUND, "%s", err.text);
	if (cli_wants_doc(c)) {
		cli_print_doc(c, explain_doc(c->arena, &e), NULL);
		return CLI_DONE;
	}
	explain_text(&e, c->term.width, &text);
	fputs(buf_text(&text), c->out);
	return CLI_DONE;
}
