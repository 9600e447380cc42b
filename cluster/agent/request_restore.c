/*
 * The steps of a restore (cluster/loop/backup.c), each by itself and each
 * repeatable.
 */
#include <string.h>

#include "cluster/agent/request.h"

/* Is the service here because an earlier attempt has made it? */
static bool made_before(struct request *r, const char *name, const char *rev)
{
	struct agent *g = r->agent;
	struct txn *t = txn_begin_read(g->db, NULL);
	uint64_t gid = t ? agent_service_group(g, r->arena, t, name) : 0;
	bool there = gid && state_revision(&(struct state){ t, gid, r->arena },
					   name, rev);

	txn_abort(t);
	return there;
}

/* The service as its oldest revision was: by its author, at its time. It is
 * not validated: what an older version took is not lost to a newer one. */
void request_restore_first(struct request *r)
{
	struct arena *a = r->arena;
	const struct doc *first = doc_get(r->doc, "first");
	const char *name = request_arg(r, "name");
	bool own_group = doc_get_bool(r->doc, "own_group", false);
	struct doc *cmd;

	if (request_in_container(r))
		return;
	if (made_before(r, name, doc_get_str(first, "rev", ""))) {
		struct doc *data = doc_map(a);

		doc_put_bool(a, data, "exists", true);
		request_data(r, data);
		return;
	}
	cmd = request_command(r, own_group ? "index_add" : "svc_create");
	doc_put_str(a, cmd, "name", name);
	doc_put_str(a, cmd, "config", doc_get_str(first, "config", ""));
	doc_put_int(a, cmd, "at", doc_get_int(first, "at", 0));
	if (doc_get(first, "author"))
		doc_put(a, cmd, "by", doc_copy(a, doc_get(first, "author")));
	if (doc_get(first, "comment"))
		doc_put_str(a, cmd, "comment",
			    doc_get_str(first, "comment", ""));
	request_make(r, cmd, own_group);
}

void request_restore_more(struct request *r)
{
	uint64_t gid = request_service(r);
	struct doc *cmd;

	if (!gid)
		return;
	cmd = request_command(r, "svc_restore");
	request_pass(r, cmd, "name");
	request_pass(r, cmd, "revs");
	request_propose(r, gid, cmd);
}
