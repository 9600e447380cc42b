#include "cli/command.h"
#include "cli/show/list.h"
#include "cli/show/tree.h"

static int status_all(struct cli *c)
{
	struct doc *data;
	int rc = cli_call(c, "svc_ls", NULL, &data);

	if (rc != CLI_DONE)
		return rc;
	if (cli_wants_json(c))
		cli_print_json(c, data);
	else
		list_services(c->out, &c->term, c->arena,
			      doc_get(data, "services"));
	return CLI_DONE;
}

int cmd_status(struct cli *c)
{
	struct doc *status, *ping;
	int rc;

	if (c->n_args == 0)
		return status_all(c);
	rc = cli_call(c, "status", cli_args_name(c), &status);
	if (rc != CLI_DONE)
		return rc;
	if (cli_wants_json(c)) {
		cli_print_json(c, status);
		return CLI_DONE;
	}
	rc = cli_call(c, "ping", NULL, &ping);
	if (rc == CLI_DONE)
		tree_print(c->out, &c->term, c->arena, status,
			   doc_get_str(ping, "node", ""));
	return rc;
}
