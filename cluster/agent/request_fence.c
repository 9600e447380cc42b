/*
 * Requests about fencing, and about the cluster's configuration, in which the
 * devices are.
 */
#include <errno.h>
#include <string.h>

#include "cluster/agent/fence.h"
#include "cluster/agent/request.h"
#include "fsm/conf/fence.h"

/* The cluster's configuration, on the request's arena. */
static const char *config_now(struct request *r, int64_t *ret_n)
{
	struct txn *t = txn_begin_read(r->agent->db, NULL);
	struct state s = { t, CLUSTER_GROUP, r->arena };
	const struct doc *row = t ? state_cluster(&s) : NULL;

	txn_abort(t);
	*ret_n = doc_get_int(row, "config_n", 0);
	return doc_get_str(row, "config", "");
}

void request_cluster_config(struct request *r)
{
	struct doc *data = doc_map(r->arena);
	int64_t n;

	if (request_in_container(r))
		return;
	doc_put_str(r->arena, data, "config", config_now(r, &n));
	doc_put_int(r->arena, data, "n", n);
	request_data(r, data);
}

void request_cluster_configure(struct request *r)
{
	static const char *const keys[] = { "set", "unset", "config", "base",
					    NULL };

	request_to_cluster(r, "cluster_conf", keys);
}

/* -- ending a node ----------------------------------------------------------
 */

void request_node_fence(struct request *r)
{
	const char *node = request_arg(r, "node");
	const char *action = request_arg(r, "action");
	struct doc *cmd;

	if (request_in_container(r))
		return;
	cmd = request_command(r, "fence_ask");
	doc_put_str(r->arena, cmd, "node", node);
	doc_put_str(r->arena, cmd, "action",
		    *action ? action : fence_action(r->agent, r->arena, node));
	doc_put_str(r->arena, cmd, "why",
		    arena_printf(r->arena, "%s asked for it",
				 doc_get_str(doc_get(r->doc, "by"), "user",
					     "somebody")));
	request_propose(r, CLUSTER_GROUP, cmd);
}

void request_node_vouch(struct request *r)
{
	static const char *const keys[] = { "node", NULL };

	request_to_cluster(r, "node_vouch", keys);
}

/* -- what there is -----------------------------------------------------------
 */

static void put_secrets(const struct state *s, const char *section,
			struct doc *d)
{
	const struct doc *rows = state_secrets(s, section);
	struct doc *list = doc_put(s->arena, d, "secrets", doc_list(s->arena));

	for (size_t i = 0; i < doc_len(rows); i++)
		doc_add(s->arena, list,
			doc_str(s->arena, doc_at(rows, i)->key));
}

static struct doc *device_doc(const struct state *s,
			      const struct fence_device *f)
{
	struct arena *a = s->arena;
	struct doc *d = doc_map(a), *options;

	doc_put_str(a, d, "device", f->section);
	doc_put_str(a, d, f->agent ? "agent" : "command",
		    f->agent ? f->agent : f->command);
	options = doc_put(a, d, "options", doc_list(a));
	for (size_t i = 0; i < f->options.n; i++)
		doc_add(a, options, doc_str(a, f->options.at[i]));
	doc_put_str(a, d, "action", f->off ? "off" : "reboot");
	doc_put_int(a, d, "level", f->level);
	doc_put_int(a, d, "timeout_ms", f->timeout_ms);
	doc_put_int(a, d, "retries", f->retries);
	doc_put_int(a, d, "delay_ms", f->delay_ms);
	put_secrets(s, f->section, d);
	return d;
}

static struct doc *node_doc(const struct state *s, const struct doc *row,
			    const char *config)
{
	static const char *const fields[] = { "name",  "state",	     "sure",
					      "fence", "protection", NULL };
	struct arena *a = s->arena;
	struct doc *d = doc_map(a), *list;
	struct fence_devices devices;
	struct err err = { 0 };

	for (size_t i = 0; fields[i]; i++)
		if (doc_get(row, fields[i]))
			doc_put(a, d, fields[i],
				doc_copy(a, doc_get(row, fields[i])));
	list = doc_put(a, d, "devices", doc_list(a));
	if (fence_devices(a, config, doc_get_str(row, "name", ""), &devices,
			  &err) < 0)
		doc_put_str(a, d, "error", err.text);
	for (size_t i = 0; i < devices.n; i++)
		doc_add(a, list, device_doc(s, &devices.at[i]));
	return d;
}

void request_fence_ls(struct request *r)
{
	struct txn *t;
	struct state s;
	struct doc *data, *list, *nodes;
	const char *config;

	if (request_in_container(r))
		return;
	t = request_read(r);
	if (!t)
		return;
	s = (struct state){ t, CLUSTER_GROUP, r->arena };
	config = doc_get_str(state_cluster(&s), "config", "");
	data = doc_map(r->arena);
	list = doc_put(r->arena, data, "nodes", doc_list(r->arena));
	nodes = state_nodes(&s);
	for (size_t i = 0; i < doc_len(nodes); i++)
		doc_add(r->arena, list, node_doc(&s, doc_at(nodes, i), config));
	txn_abort(t);
	request_data(r, data);
}

/* -- does it answer? ---------------------------------------------------------
 */

static void on_tested(void *arg, const struct doc *rows)
{
	struct request *r = arg;
	struct doc *data = doc_map(r->arena);

	doc_put_str(r->arena, data, "node", r->agent->node);
	doc_put(r->arena, data, "devices", doc_copy(r->arena, rows));
	request_data(r, data);
}

void request_fence_test(struct request *r)
{
	const char *node = request_arg(r, "node");
	const char *action = request_arg(r, "action");
	struct fence_devices d;
	struct err err = { 0 };
	int64_t n;

	if (request_in_container(r))
		return;
	if (!*action)
		action = "status";
	if (strcmp(action, "status") != 0 && strcmp(action, "monitor") != 0) {
		REFUSE(r, OP_USAGE, "a device is asked by status or monitor");
		return;
	}
	if (fence_devices(r->arena, config_now(r, &n), node, &d, &err) < 0) {
		REFUSE(r, OP_FAILED, "%s", err.text);
		return;
	}
	if (!d.n) {
		REFUSE(r, OP_NOT_FOUND,
		       "no fence device is configured for %s: 'encap cluster "
		       "set fence#%s.agent=PROGRAM' (docs/fencing.md)",
		       node, node);
		return;
	}
	if (fence_test(r->agent, node, action, on_tested, r, &err) < 0)
		REFUSE(r, OP_FAILED, "%s", err.text);
}
