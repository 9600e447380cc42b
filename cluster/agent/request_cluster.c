/*
 * Requests about the cluster: nodes and tokens.
 */
#include <string.h>

#include "cluster/agent/request.h"

#define READ_TIMEOUT_MS 5000

bool request_in_container(struct request *r)
{
	if (r->agent->level != LEVEL_ENCAP)
		return false;
	REFUSE(r, OP_USAGE,
	       "this is a container of %s: the cluster is seen from its "
	       "hypervisors",
	       r->agent->service ? r->agent->service : "a service");
	return true;
}

static void node_freeze(struct request *r, bool frozen)
{
	struct doc *cmd;

	if (request_in_container(r))
		return;
	cmd = request_command(r, "node_freeze");
	doc_put_str(r->arena, cmd, "node", request_arg(r, "node"));
	doc_put_bool(r->arena, cmd, "frozen", frozen);
	request_propose(r, CLUSTER_GROUP, cmd);
}

void request_node_freeze(struct request *r)
{
	node_freeze(r, true);
}

void request_node_thaw(struct request *r)
{
	node_freeze(r, false);
}

/* The loop's part of cluster_token: the secret never comes here. */
void request_token_add(struct request *r)
{
	struct doc *cmd;

	if (request_in_container(r))
		return;
	cmd = request_command(r, "token_add");
	doc_put_str(r->arena, cmd, "hash", request_arg(r, "hash"));
	doc_put_int(r->arena, cmd, "expires",
		    doc_get_int(r->doc, "expires", 0));
	request_propose(r, CLUSTER_GROUP, cmd);
}

static const char *token_refused(struct request *r)
{
	struct agent *g = r->agent;
	struct txn *t = txn_begin_read(g->db, NULL);
	struct state s = { t, CLUSTER_GROUP, r->arena };
	const char *why = "the database cannot be read";

	if (t)
		why = op_token_refused(&s, request_arg(r, "hash"),
				       g->io.wall_ms(g->io.ctx));
	txn_abort(t);
	return why;
}

static void on_token_read(void *arg, int code, struct arena *a,
			  const struct doc *result)
{
	struct request *r = arg;
	const char *why;

	(void)a;
	(void)result;
	r->agent->pending--;
	if (code != 0) {
		request_end(r, request_result(r->arena, code, NULL));
		return;
	}
	why = token_refused(r);
	request_end(r, request_answer(r->arena, why ? OP_FAILED : OP_OK,
				      why ? "%s" : NULL, why));
}

/* Would it let somebody in? A stranger asks, so nothing is written. A token
 * that is not known here may just have been made elsewhere. */
void request_token_check(struct request *r)
{
	if (request_in_container(r))
		return;
	if (!token_refused(r)) {
		request_end(r, request_answer(r->arena, OP_OK, NULL));
		return;
	}
	r->agent->pending++;
	engine_read(r->agent->engine, CLUSTER_GROUP, READ_TIMEOUT_MS,
		    on_token_read, r);
}

/* The loop's part of a join: it signs the certificate for the id. */
void request_node_join(struct request *r)
{
	const struct doc *addresses = doc_get(r->doc, "addresses");
	struct doc *cmd;

	if (request_in_container(r))
		return;
	cmd = request_command(r, "node_join");
	doc_put_str(r->arena, cmd, "hash", request_arg(r, "hash"));
	doc_put_str(r->arena, cmd, "name", request_arg(r, "name"));
	request_pass(r, cmd, "cert");
	request_pass(r, cmd, "replace");
	request_pass(r, cmd, "witness");
	doc_put_int(r->arena, cmd, "speaks",
		    doc_get_int(r->doc, "speaks", STATE_VERSION));
	if (addresses)
		doc_put(r->arena, cmd, "addresses",
			doc_copy(r->arena, addresses));
	request_propose(r, CLUSTER_GROUP, cmd);
}

/* -- is what is here current? -----------------------------------------------
 */

struct fresh {
	struct request *r;
	size_t waiting;
	int code;
};

static void on_fresh(void *arg, int code, struct arena *a,
		     const struct doc *result)
{
	struct fresh *f = arg;

	(void)a;
	(void)result;
	f->r->agent->pending--;
	if (code != 0)
		f->code = code;
	if (--f->waiting == 0)
		request_end(f->r,
			    f->code ? request_result(f->r->arena, f->code, NULL)
				    : request_answer(f->r->arena, OP_OK, NULL));
}

/* The loop's part of a backup: answered once this member's state has all that
 * was committed in every group when it was asked. */
void request_fresh(struct request *r)
{
	struct agent *g = r->agent;
	uint64_t *gids = ARENA_VEC(r->arena, uint64_t, MAX_GROUPS);
	struct fresh *f = arena_alloc(r->arena, sizeof(*f));

	if (request_in_container(r))
		return;
	if (doc_get_bool(r->doc, "stale", false)) {
		request_end(r, request_answer(r->arena, OP_OK, NULL));
		return;
	}
	*f = (struct fresh){ r, engine_groups(g->engine, gids, MAX_GROUPS), 0 };
	for (size_t i = 0, n = f->waiting; i < n; i++) {
		g->pending++;
		engine_read(g->engine, gids[i], READ_TIMEOUT_MS, on_fresh, f);
	}
}
