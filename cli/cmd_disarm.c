/*
 * Work on the network: disarm the cluster, and arm it again.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/wait.h"

#define FOR_MS	      (30 * 60 * 1000)
#define LOOK_EVERY_MS 300

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The nodes that have not said it yet, as a list; "" if all have. */
static const char *missing(struct cli *c, const struct doc *cluster, bool over)
{
	const struct doc *nodes = doc_get(cluster, "nodes");
	int64_t n = doc_get_int(doc_get(cluster, "disarm"), "n", 0);
	struct buf b = BUF(c->arena);

	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *node = doc_at(nodes, i);
		const struct doc *d = doc_get(node, "disarm");

		if (doc_is(node, "state", "up") &&
		    (doc_get_int(d, "n", 0) != n ||
		     doc_get_bool(d, "over", false) != over))
			buf_printf(&b, "%s%s", b.len ? ", " : "",
				   doc_get_str(node, "name", "?"));
	}
	return buf_text(&b);
}

/* Until all that are up have said so. *ret: who has not, in the end. */
static int wait_for_nodes(struct cli *c, bool over, int64_t timeout_ms,
			  const char **ret)
{
	int64_t until = now_ms() + timeout_ms;

	for (;;) {
		struct doc *data;
		const struct doc *d;
		int rc = cli_call(c, "cluster_status", NULL, &data);

		if (rc != CLI_DONE)
			return rc;
		d = doc_get(data, "disarm");
		if (doc_get_bool(d, "on", false) == over)
			return cli_error(c, CLI_CONFLICT,
					 "somebody has %s the cluster since",
					 over ? "disarmed" : "armed");
		*ret = missing(c, data, over);
		if (!**ret || now_ms() >= until)
			return CLI_DONE;
		usleep(LOOK_EVERY_MS * 1000);
	}
}

int cmd_cluster_disarm(struct cli *c)
{
	struct doc *args = doc_map(c->arena);
	const char *text = c->opt[OPT_FOR], *left;
	int64_t ms = text ? cli_duration_ms(text) : FOR_MS, timeout_ms;
	int rc = wait_timeout(c, &timeout_ms);

	if (rc != CLI_DONE)
		return rc;
	if (ms <= 0)
		return cli_usage(c, "'%s' is no time: 90s, 5m, 1h", text);
	doc_put_int(c->arena, args, "ms", ms);
	cli_put_author(c, args);
	rc = cli_call(c, "cluster_disarm", args, NULL);
	if (rc != CLI_DONE || c->opt[OPT_NO_WAIT])
		return rc;
	rc = wait_for_nodes(c, false, timeout_ms, &left);
	if (rc != CLI_DONE)
		return rc;
	if (*left)
		return cli_error(c, CLI_TIMEOUT,
				 "%s could not be told, and will stop what it "
				 "runs when it is cut off; the others will not",
				 left);
	fprintf(c->out, "disarmed; 'encap cluster arm' ends it before its "
			"time\n");
	return CLI_DONE;
}

int cmd_cluster_arm(struct cli *c)
{
	struct doc *args = doc_map(c->arena);
	const char *left;
	int64_t timeout_ms;
	int rc = wait_timeout(c, &timeout_ms);

	if (rc != CLI_DONE)
		return rc;
	cli_put_author(c, args);
	rc = cli_call(c, "cluster_arm", args, NULL);
	if (rc != CLI_DONE || c->opt[OPT_NO_WAIT])
		return rc;
	rc = wait_for_nodes(c, true, timeout_ms, &left);
	if (rc != CLI_DONE)
		return rc;
	if (*left)
		return cli_error(c, CLI_TIMEOUT,
				 "%s cannot be reached, and is taken over once "
				 "the time of the disarm is over for it",
				 left);
	return CLI_DONE;
}
