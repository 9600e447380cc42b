/*
 * The audit log, a chain of one group at a time: who asks checks it himself.
 */
#include <string.h>

#include "cluster/agent/request.h"
#include "fsm/state/audit.h"

#define RECORDS_DEFAULT 200
#define RECORDS_MAX	2000

/* Services that have a group, and so a chain, of their own. */
static struct doc *own_chains(struct arena *a, struct txn *t)
{
	const struct doc *rows =
		state_services(&(struct state){ t, CLUSTER_GROUP, a });
	struct doc *list = doc_list(a);

	for (size_t i = 0; i < doc_len(rows); i++)
		if (doc_get(doc_at(rows, i), "group"))
			doc_add(a, list,
				doc_str(a, doc_get_str(doc_at(rows, i), "name",
						       "")));
	return list;
}

/* The group; 0 if the request is answered. */
static uint64_t audit_group(struct request *r)
{
	struct agent *g = r->agent;

	if (*request_arg(r, "name"))
		return request_service(r);
	return g->level == LEVEL_ENCAP ? g->group : CLUSTER_GROUP;
}

/* Without "after": the last ones. */
static uint64_t audit_after(const struct request *r, const struct state *s,
			    size_t limit)
{
	uint64_t last = audit_last(s);
	int64_t after = doc_get_int(r->doc, "after", -1);

	if (after >= 0)
		return (uint64_t)after;
	return last > limit ? last - limit : 0;
}

void request_audit(struct request *r)
{
	struct arena *a = r->arena;
	int64_t limit = doc_get_int(r->doc, "limit", RECORDS_DEFAULT);
	struct doc *d = doc_map(a);
	uint64_t gid = audit_group(r);
	struct txn *t = gid ? request_read(r) : NULL;
	struct state s = { t, gid, a };

	if (!t)
		return;
	if (limit <= 0 || limit > RECORDS_MAX)
		limit = RECORDS_MAX;
	doc_put_int(a, d, "group", (int64_t)gid);
	if (r->agent->level == LEVEL_ENCAP)
		doc_put_str(a, d, "service", r->agent->service);
	if (gid == CLUSTER_GROUP)
		doc_put(a, d, "chains", own_chains(a, t));
	doc_put(a, d, "anchor", audit_anchor(&s));
	doc_put_int(a, d, "last", (int64_t)audit_last(&s));
	doc_put(a, d, "records",
		audit_records(&s, audit_after(r, &s, (size_t)limit),
			      (size_t)limit));
	txn_abort(t);
	request_data(r, d);
}
