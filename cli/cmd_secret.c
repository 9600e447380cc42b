/*
 * Secrets: set (from standard input or a file, never from the command line,
 * which others can see), list, remove.
 */
#include <termios.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/file.h"
#include "fsm/op/op.h"

static struct doc *secret_args(struct cli *c)
{
	struct doc *args = cli_args_name(c);

	doc_put_str(c->arena, args, "key", c->args[1]);
	cli_put_author(c, args);
	return args;
}

/* What a person types is not shown. */
static int read_hidden(struct cli *c, struct buf *ret, struct err *err)
{
	struct termios was, hidden;
	int rc;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &was) < 0)
		return file_read("-", ret, err);
	fprintf(c->err,
		"the value of %s (end it with Enter, Ctrl-D): ", c->args[1]);
	fflush(c->err);
	hidden = was;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	rc = file_read("-", ret, err);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	fputc('\n', c->err);
	return rc;
}

/* The end of the line that was typed, or echoed, is not part of the value. */
static int read_typed(struct cli *c, struct buf *ret, struct err *err)
{
	int rc = read_hidden(c, ret, err);

	if (rc == 0 && ret->len && ret->data[ret->len - 1] == '\n')
		ret->len--;
	return rc;
}

int cmd_secret_set(struct cli *c)
{
	struct doc *args = secret_args(c);
	const char *why = op_secret_key_refused(c->args[1]);
	struct buf value = BUF(c->arena);
	struct err err;
	int rc;

	if (why)
		return cli_error(c, CLI_USAGE, "%s", why);
	rc = c->opt[OPT_FROM] ? file_read(c->opt[OPT_FROM], &value, &err)
			      : read_typed(c, &value, &err);
	if (rc < 0)
		return cli_error(c, CLI_FAILED, "%s", err.text);
	if (!value.len)
		return cli_error(c, CLI_USAGE,
				 "the value is empty: 'encap secret unset' "
				 "removes a secret");
	if (value.len > OP_SECRET_MAX)
		return cli_error(c, CLI_USAGE,
				 "a secret is at most %d bytes long",
				 OP_SECRET_MAX);
	doc_put_bin(c->arena, args, "value", value.data, value.len);
	return cli_call(c, "secret_set", args, NULL);
}

int cmd_secret_unset(struct cli *c)
{
	return cli_call(c, "secret_unset", secret_args(c), NULL);
}

int cmd_secret_ls(struct cli *c)
{
	struct doc *data;
	const struct doc *list;
	int rc = cli_call(c, "secret_ls", cli_args_name(c), &data);

	if (rc != CLI_DONE)
		return rc;
	if (cli_wants_doc(c)) {
		cli_print_doc(c, data, NULL);
		return CLI_DONE;
	}
	list = doc_get(data, "secrets");
	for (size_t i = 0; i < doc_len(list); i++) {
		const struct doc *row = doc_at(list, i), *by;

		by = doc_get(row, "by");
		fprintf(c->out, "%-24s set %s by %s on %s\n",
			doc_get_str(row, "key", "?"),
			text_time(c->arena, doc_get_int(row, "at", 0)),
			doc_get_str(by, "user", "?"),
			doc_get_str(by, "node", "?"));
	}
	return CLI_DONE;
}
