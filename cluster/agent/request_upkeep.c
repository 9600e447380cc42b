/*
 * Requests about machines and services as such: clear, maintenance, drain.
 */
#include <string.h>

#include "cluster/agent/request.h"
#include "fsm/plan/others.h"

/* -- clear, maintenance ------------------------------------------------------
 */

void request_svc_clear(struct request *r)
{
	uint64_t gid = request_service(r);
	struct doc *cmd;

	if (!gid)
		return;
	cmd = request_command(r, "svc_clear");
	doc_put_str(r->arena, cmd, "name", request_arg(r, "name"));
	request_propose(r, gid, cmd);
}

/* The service's group; 0 if there is none of that name. */
static uint64_t group_of(struct request *r, const char *name)
{
	struct txn *t = txn_begin_read(r->agent->db, NULL);
	uint64_t gid = t ? agent_service_group(r->agent, r->arena, t, name) : 0;

	if (gid && !state_service(&(struct state){ t, gid, r->arena }, name))
		gid = 0;
	txn_abort(t);
	return gid;
}

static bool node_exists(struct request *r, const char *name)
{
	struct txn *t = txn_begin_read(r->agent->db, NULL);
	struct state s = { t, CLUSTER_GROUP, r->arena };
	bool there = t && state_node_named(&s, name);

	txn_abort(t);
	return there;
}

/* "what" is a service or else a node, "node" a node; neither: the cluster. */
void request_maintenance(struct request *r)
{
	const char *what = request_arg(r, "what");
	const char *node = request_arg(r, "node");
	uint64_t gid = *what ? group_of(r, what) : 0;
	struct doc *cmd;

	if (!gid && request_in_container(r))
		return;
	if (*what && !gid && !node_exists(r, what)) {
		REFUSE(r, OP_NOT_FOUND,
		       "there is no service and no node %s: see 'encap ls' "
		       "and 'encap node ls'",
		       what);
		return;
	}
	cmd = request_command(r, gid ? "svc_maintenance" : "maintenance");
	doc_put_bool(r->arena, cmd, "on", doc_get_bool(r->doc, "on", false));
	if (gid)
		doc_put_str(r->arena, cmd, "name", what);
	else if (*what || *node)
		doc_put_str(r->arena, cmd, "node", *node ? node : what);
	request_propose(r, gid ? gid : CLUSTER_GROUP, cmd);
}

/* NULL, or why nothing that a person asks of the service is done now. */
const char *request_rests(struct request *r, uint64_t gid)
{
	const char *name = request_arg(r, "name"), *why = NULL;
	struct txn *t = txn_begin_read(r->agent->db, NULL);
	struct state s = { t, gid, r->arena };
	struct state cluster = { t, CLUSTER_GROUP, r->arena };
	struct doc *row = t ? state_service(&s, name) : NULL;
	struct service_conf sc;
	struct orch_in in;
	struct conf *conf;

	if (row && r->agent->level == LEVEL_ENCAP) {
		if (doc_get_bool(row, "maintenance", false) ||
		    r->agent->host_rests)
			why = arena_printf(r->arena, "%s is in maintenance",
					   name);
	} else if (row &&
		   (conf = groups_head_service(r->agent, &s, name, &sc))) {
		orch_inputs(r->agent, &s, name, row, state_nodes(&cluster),
			    conf, &sc, &in);
		why = orch_rests(r->arena, &in);
	}
	txn_abort(t);
	return why;
}

/* -- drain ------------------------------------------------------------------
 */

static void node_drain(struct request *r, bool on)
{
	int64_t ms = doc_get_int(r->doc, "deadline_ms", 0);
	struct doc *cmd;

	if (request_in_container(r))
		return;
	cmd = request_command(r, "node_drain");
	doc_put_str(r->arena, cmd, "node", request_arg(r, "node"));
	doc_put_bool(r->arena, cmd, "on", on);
	if (on && ms > 0)
		doc_put_int(r->arena, cmd, "until",
			    r->agent->io.wall_ms(r->agent->io.ctx) + ms);
	request_propose(r, CLUSTER_GROUP, cmd);
}

void request_node_drain(struct request *r)
{
	node_drain(r, true);
}

void request_node_undrain(struct request *r)
{
	node_drain(r, false);
}

/* -- disarm -----------------------------------------------------------------
 */

void request_cluster_disarm(struct request *r)
{
	static const char *const keys[] = { "ms", NULL };

	request_to_cluster(r, "cluster_disarm", keys);
}

void request_cluster_arm(struct request *r)
{
	if (!request_in_container(r))
		request_propose(r, CLUSTER_GROUP,
				request_command(r, "cluster_arm"));
}
