/*
 * Requests by which a person says what a service shall be.
 */
#include <string.h>

#include "cluster/agent/request.h"

/* In a container an intent is about its own level. */
static const char *intent_level(const struct request *r)
{
	const char *level = doc_get_str(r->doc, "level", "both");

	return r->agent->level == LEVEL_ENCAP ? "encap" : level;
}

/* NULL, or why the node that a person names for a start cannot run it now. The
 * answer is this agent's, from its own copy: what changes before the intent is
 * agreed is for the orchestrator. */
static const char *node_refused(struct request *r, uint64_t gid)
{
	const char *name = request_arg(r, "name");
	const char *node = request_arg(r, "node"), *why = NULL;
	struct txn *t = *node ? txn_begin_read(r->agent->db, NULL) : NULL;
	struct state s = { t, gid, r->arena };
	struct state cluster = { t, CLUSTER_GROUP, r->arena };
	struct service_conf sc;
	struct orch_in in;
	struct conf *conf = NULL;

	if (!t)
		return NULL;
	if (r->agent->level == LEVEL_HYPERVISOR)
		conf = groups_head_service(r->agent, &s, name, &sc);
	if (conf &&
	    (names_have(&sc.nodes, node) || names_have(&sc.drpnodes, node) ||
	     (encap_is_failover(&sc) && names_have(&sc.encapnodes, node)))) {
		orch_inputs(r->agent, &s, name, state_service(&s, name),
			    state_nodes(&cluster), conf, &sc, &in);
		why = orch_unfit(r->arena, &in, node);
	}
	txn_abort(t);
	return why ? arena_printf(r->arena,
				  "%s cannot run on %s, which %s: nothing "
				  "was changed",
				  name, node, why)
		   : NULL;
}

void request_intent(struct request *r)
{
	const char *want = request_arg(r, "want"), *level = intent_level(r);
	uint64_t gid = request_service(r);
	const char *why;
	struct doc *cmd;

	if (!gid)
		return;
	why = request_rests(r, gid);
	if (!why)
		why = node_refused(r, gid);
	if (why) {
		REFUSE(r, OP_CONFLICT, "%s", why);
		return;
	}
	if (strcmp(want, "stopped") == 0 && strcmp(level, "both") == 0 &&
	    !doc_len(doc_get(r->doc, "slave")) && !r->planning &&
	    local_is_cut_off(r->agent, gid)) {
		request_local_stop(r);
		return;
	}
	cmd = request_command(r, "svc_intent");
	doc_put_str(r->arena, cmd, "name", request_arg(r, "name"));
	doc_put_str(r->arena, cmd, "want",
		    strcmp(level, "encap") == 0 ? "same" : want);
	doc_put_str(r->arena, cmd, "encap",
		    strcmp(level, "hypervisor") == 0 ? "same" : want);
	if (doc_get(r->doc, "node"))
		doc_put_str(r->arena, cmd, "node", request_arg(r, "node"));
	if (doc_len(doc_get(r->doc, "slave")))
		doc_put(r->arena, cmd, "slave",
			doc_copy(r->arena, doc_get(r->doc, "slave")));
	request_propose(r, gid, cmd);
}

static const char *const act_words[] = { "action", "rid",    "tags", "subsets",
					 "upto",   "downto", NULL };

static const char *const act_flags[] = { "standby", "stop", NULL };

/* Of this node, where no other is named; in a container, of that alone. */
void request_act(struct request *r)
{
	const char *level = doc_get_str(r->doc, "level", "both");
	const char *node = request_arg(r, "node");
	struct agent *g = r->agent;
	struct arena *a = r->arena;
	bool inside = g->level == LEVEL_ENCAP;
	const struct doc *slave = doc_get(r->doc, "slave");
	uint64_t gid = request_service(r); /* the last: r may be gone */
	const char *why;
	struct doc *cmd;

	if (!gid)
		return;
	why = request_rests(r, gid);
	if (why) {
		REFUSE(r, OP_CONFLICT, "%s", why);
		return;
	}
	cmd = request_command(r, "svc_act");
	doc_put_str(a, cmd, "name", request_arg(r, "name"));
	for (size_t i = 0; act_words[i]; i++)
		if (*request_arg(r, act_words[i]))
			doc_put_str(a, cmd, act_words[i],
				    request_arg(r, act_words[i]));
	for (size_t i = 0; act_flags[i]; i++)
		if (doc_get_bool(r->doc, act_flags[i], false))
			doc_put_bool(a, cmd, act_flags[i], true);
	if (*node && !inside)
		doc_put_bool(a, cmd, "named", true);
	if (inside || strcmp(level, "encap") != 0)
		doc_put_str(a, cmd, "node", *node && !inside ? node : g->node);
	if (!inside && doc_len(slave))
		doc_put(a, cmd, "slave", doc_copy(a, slave));
	else if (!inside && strcmp(level, "hypervisor") != 0)
		doc_put_bool(a, cmd, "slaves", true);
	request_propose(r, gid, cmd);
}

static void request_freeze(struct request *r, bool frozen)
{
	uint64_t gid = request_service(r);
	struct doc *cmd;

	if (!gid)
		return;
	cmd = request_command(r, "svc_freeze");
	doc_put_str(r->arena, cmd, "name", request_arg(r, "name"));
	doc_put_bool(r->arena, cmd, "frozen", frozen);
	request_propose(r, gid, cmd);
}

void request_svc_freeze(struct request *r)
{
	request_freeze(r, true);
}

void request_svc_thaw(struct request *r)
{
	request_freeze(r, false);
}
