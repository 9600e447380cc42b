/*
 * What is asked of a node that has no majority (cluster/agent/local.c).
 */
#include <string.h>

#include "cluster/agent/request.h"

static const struct instance_run *run_here(struct request *r)
{
	const struct instance_run *run =
		instance_of(r->agent, request_arg(r, "name"));

	if (run && run->rev[0] && !run->gone)
		return run;
	REFUSE(r, OP_NOT_FOUND, "%s has nothing to do with %s", r->agent->node,
	       request_arg(r, "name"));
	return NULL;
}

/* Done here, and told once there is a majority. */
static void local_done(struct request *r, const struct instance_run *run,
		       const char *word)
{
	struct doc *data = doc_map(r->arena), *by = doc_map(r->arena);

	doc_put_str(r->arena, by, "user",
		    doc_get_str(doc_get(r->doc, "by"), "user", "somebody"));
	local_ask(r->agent, run, word,
		  doc_get(r->doc, "by") ? doc_get(r->doc, "by") : by);
	doc_put_bool(r->arena, data, "local", true);
	doc_put_str(r->arena, data, "node", r->agent->node);
	request_data(r, data);
}

void request_local_stop(struct request *r)
{
	const struct instance_run *run = run_here(r);

	if (run)
		local_done(r, run, "stop");
}

/* -- a start in an emergency --------------------------------------------------
 */

static const char *emergency_refused(struct request *r,
				     const struct instance_run *run)
{
	const char *name = request_arg(r, "name");

	if (!local_is_cut_off(r->agent, run->group) ||
	    !local_is_cut_off(r->agent, CLUSTER_GROUP))
		return arena_printf(r->arena,
				    "%s has a majority, or had one a moment "
				    "ago: this is no emergency, and 'encap "
				    "start %s' does it",
				    r->agent->node, name);
	if (run->inst.conf.disable)
		return arena_printf(r->arena, "%s is disabled in its env file",
				    name);
	if (run->rests)
		return arena_printf(r->arena, "%s is in maintenance", name);
	return NULL;
}

/* Who may run it as far as is known here: named before the person decides. */
static void put_risk(struct request *r, const struct instance_run *run,
		     struct doc *data)
{
	struct arena *a = r->arena;
	struct txn *t = txn_begin_read(r->agent->db, NULL);
	struct state s = { t, run->group, a };
	struct state cluster = { t, CLUSTER_GROUP, a };
	const struct doc *assigns = t ? state_assigns(&s, run->service) : NULL;
	const struct doc *nodes = t ? state_nodes(&cluster) : NULL;
	struct doc *away = doc_put(a, data, "away", doc_list(a));
	struct doc *on = doc_put(a, data, "assigned", doc_list(a));

	txn_abort(t);
	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *n = doc_at(nodes, i);
		uint64_t id = (uint64_t)doc_get_int(n, "id", 0);

		if (id != r->agent->self && !agent_peer_is_up(r->agent, id))
			doc_add(a, away,
				doc_str(a, doc_get_str(n, "name", "?")));
	}
	for (size_t i = 0; i < doc_len(assigns); i++) {
		const struct doc *row = doc_at(assigns, i);

		if (doc_is(row, "want", "up") && !doc_is(row, "level", "encap"))
			doc_add(a, on, doc_str(a, row->key));
	}
}

/* With "look" only what there is to know. */
void request_emergency(struct request *r)
{
	const struct instance_run *run;
	const char *why;
	struct doc *data;

	if (request_in_container(r))
		return;
	run = run_here(r);
	if (!run)
		return;
	why = emergency_refused(r, run);
	if (why) {
		REFUSE(r, OP_CONFLICT, "%s", why);
		return;
	}
	if (!doc_get_bool(r->doc, "look", false)) {
		local_done(r, run, "start");
		return;
	}
	data = doc_map(r->arena);
	doc_put_str(r->arena, data, "node", r->agent->node);
	doc_put(r->arena, data, "group",
		query_group(r->agent, r->arena, CLUSTER_GROUP));
	put_risk(r, run, data);
	request_data(r, data);
}
