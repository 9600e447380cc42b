/*
 * On a node without a majority: a start in an emergency, and the end of what
 * was done there alone.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/wait.h"

#define LOOK_EVERY_MS 500
#define LINE_MAX_LEN  300

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* -- until it is as it was asked ---------------------------------------------
 */

static bool is_there(const struct doc *inst, const char *word)
{
	const char *avail = doc_get_str(inst, "avail", "");
	bool up = strcmp(avail, "up") == 0 || strcmp(avail, "n/a") == 0;
	bool down = strcmp(avail, "down") == 0 || strcmp(avail, "n/a") == 0 ||
		    strncmp(avail, "stdby", 5) == 0;

	return doc_is(inst, "state", "idle") &&
	       strcmp(doc_get_str(inst, "local", ""), word) == 0 &&
	       (strcmp(word, "start") == 0 ? up : down);
}

int local_wait(struct cli *c, const char *node, const char *word,
	       int64_t timeout_ms)
{
	int64_t until = now_ms() + timeout_ms;

	for (;;) {
		struct doc *data;
		const struct doc *inst;
		const char *state;
		int rc = cli_call(c, "status", cli_args_name(c), &data);

		if (rc != CLI_DONE)
			return rc;
		inst = doc_get(doc_get(data, "instances"), node);
		state = doc_get_str(inst, "state", "");
		if (is_there(inst, word))
			return CLI_DONE;
		if (strstr(state, "failed"))
			return cli_error(c, CLI_FAILED, "%s on %s: %s", state,
					 node, doc_get_str(inst, "error", ""));
		if (now_ms() >= until)
			return cli_error(c, CLI_TIMEOUT,
					 "not done in time: %s shows how far "
					 "it is",
					 "encap status");
		usleep(LOOK_EVERY_MS * 1000);
	}
}

int local_stopped(struct cli *c, const struct doc *data, int64_t timeout_ms)
{
	const char *node = doc_get_str(data, "node", "?");

	fprintf(c->err,
		"%s has no majority: %s is stopped here alone, and the "
		"cluster is told when it can be reached\n",
		node, c->args[0]);
	return c->opt[OPT_NO_WAIT] ? CLI_DONE
				   : local_wait(c, node, "stop", timeout_ms);
}

/* -- a start in an emergency --------------------------------------------------
 */

static void put_names(struct buf *b, const struct doc *list)
{
	for (size_t i = 0; i < doc_len(list); i++)
		buf_printf(b, "%s%s", i ? ", " : "",
			   doc_text(doc_at(list, i), "?"));
}

static void show_risk(struct cli *c, const struct doc *look)
{
	const char *node = doc_get_str(look, "node", "?");
	const struct doc *on = doc_get(look, "assigned");
	struct buf b = BUF(c->arena);

	fprintf(c->err, "%s: %s.\n", node,
		doc_get_str(doc_get(look, "group"), "why", "no majority"));
	put_names(&b, doc_get(look, "away"));
	if (b.len)
		fprintf(c->err, "Not reached from here: %s.\n", buf_text(&b));
	b = BUF(c->arena);
	put_names(&b, on);
	if (b.len)
		fprintf(c->err, "When this was last known, %s ran on %s.\n",
			c->args[0], buf_text(&b));
	fprintf(c->err,
		"It is started on %s whatever the others do, and no lease "
		"protects it.\nIf it runs elsewhere too, or is started there "
		"before %s can be reached,\nits data is written from two "
		"places. Make sure that the others are off, and stay off.\n",
		node, node);
}

static int confirmed(struct cli *c)
{
	char line[LINE_MAX_LEN];

	if (c->opt[OPT_YES])
		return CLI_DONE;
	if (!isatty(0))
		return cli_error(c, CLI_FAILED,
				 "nothing was started: --yes says that you "
				 "have made sure of that");
	fprintf(c->err, "Type the name of the service to start it: ");
	fflush(c->err);
	if (!fgets(line, sizeof(line), stdin))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return strcmp(line, c->args[0]) == 0
		       ? CLI_DONE
		       : cli_error(c, CLI_FAILED, "nothing was started");
}

int cmd_emergency(struct cli *c)
{
	struct doc *args = cli_args_name(c), *look, *data;
	int64_t timeout_ms;
	int rc = wait_timeout(c, &timeout_ms);

	if (rc == CLI_DONE && cli_selects(c))
		rc = cli_usage(c, "--emergency is about the whole service");
	if (rc != CLI_DONE)
		return rc;
	doc_put_bool(c->arena, args, "look", true);
	rc = cli_call(c, "svc_emergency", args, &look);
	if (rc != CLI_DONE)
		return rc;
	show_risk(c, look);
	rc = confirmed(c);
	if (rc != CLI_DONE)
		return rc;
	args = cli_args_name(c);
	cli_put_author(c, args);
	rc = cli_call(c, "svc_emergency", args, &data);
	if (rc != CLI_DONE || c->opt[OPT_NO_WAIT])
		return rc;
	return local_wait(c, doc_get_str(data, "node", "?"), "start",
			  timeout_ms);
}
