/*
 * Requests about revisions and drafts: what there was, what was refused, and
 * what is to become of it.
 */
#include <errno.h>
#include <string.h>

#include "cluster/agent/request.h"

#define HISTORY_MAX 1000

void request_history(struct request *r)
{
	const char *name = request_arg(r, "name");
	struct arena *a = r->arena;
	int64_t before = doc_get_int(r->doc, "before", 0);
	int64_t limit = doc_get_int(r->doc, "limit", HISTORY_MAX);
	struct doc *d = doc_map(r->arena);
	uint64_t gid = request_service(r);
	struct txn *t = gid ? request_read(r) : NULL;
	struct state s = { t, gid, a };

	if (!t)
		return;
	if (limit <= 0 || limit > HISTORY_MAX)
		limit = HISTORY_MAX;
	doc_put_str(r->arena, d, "head",
		    doc_get_str(state_service(&s, name), "head", ""));
	doc_put(r->arena, d, "revs",
		state_history(&s, name, before > 0 ? (uint64_t)before : 0,
			      (size_t)limit));
	txn_abort(t);
	request_data(r, d);
}

void request_revert(struct request *r)
{
	uint64_t gid = request_service(r);
	struct doc *cmd;

	if (!gid)
		return;
	cmd = request_command(r, "svc_revert");
	request_pass(r, cmd, "name");
	request_pass(r, cmd, "rev");
	request_pass(r, cmd, "base");
	request_pass(r, cmd, "strict");
	request_pass(r, cmd, "comment");
	request_propose(r, gid, cmd);
}

/* -- drafts ---------------------------------------------------------- */

static void add_all(struct doc *to, struct arena *a, const struct doc *rows,
		    const char *name)
{
	for (size_t i = 0; i < doc_len(rows); i++)
		if (!*name ||
		    strcmp(doc_get_str(doc_at(rows, i), "name", ""), name) == 0)
			doc_add(a, to, doc_copy(a, doc_at(rows, i)));
}

/* Those that only a node keeps, as files. */
static void add_files(struct arena *a, struct doc *to, const char *service,
		      const char *node, const struct doc *drafts)
{
	for (size_t i = 0; i < doc_len(drafts); i++) {
		const struct doc *from = doc_at(drafts, i);
		struct doc *d = doc_add(a, to, doc_map(a));

		doc_put_str(a, d, "name", service);
		doc_put_str(a, d, "kind", "file");
		doc_put_str(a, d, "node", node);
		doc_put_str(a, d, "where", doc_get_str(from, "path", ""));
		doc_put_str(a, d, "why", doc_get_str(from, "why", ""));
		doc_put_int(a, d, "at", doc_get_int(from, "at", 0));
	}
}

static void add_waiting(struct agent *g, struct arena *a, struct doc *to,
			const char *service)
{
	const struct doc *from = head_waits(g, a, service);
	struct doc *d;

	if (!from)
		return;
	d = doc_add(a, to, doc_map(a));
	doc_put_str(a, d, "name", service);
	doc_put_str(a, d, "kind", "pending");
	doc_put_str(a, d, "node", g->node);
	doc_put_str(a, d, "why", doc_get_str(from, "why", ""));
	doc_put_int(a, d, "at", doc_get_int(from, "since", 0));
}

static void add_service(struct agent *g, const struct state *s,
			const char *service, struct doc *to)
{
	const struct doc *all = state_instances(s, service);

	if (s->group != CLUSTER_GROUP)
		add_all(to, s->arena, state_drafts(s, service), service);
	for (size_t i = 0; i < doc_len(all); i++)
		if (strcmp(doc_at(all, i)->key, g->node) != 0)
			add_files(s->arena, to, service, doc_at(all, i)->key,
				  doc_get(doc_at(all, i), "drafts"));
	add_files(s->arena, to, service, g->node, head_drafts(g, service));
	add_waiting(g, s->arena, to, service);
}

/* Of one service, or of all (@name ""). */
static struct doc *drafts_all(struct agent *g, struct arena *a, struct txn *t,
			      const char *name)
{
	struct state cluster = { t, CLUSTER_GROUP, a };
	struct doc *list = doc_list(a), *rows;

	if (g->level == LEVEL_ENCAP) {
		if (g->service && (!*name || strcmp(name, g->service) == 0))
			add_service(g, &(struct state){ t, g->group, a },
				    g->service, list);
		return list;
	}
	add_all(list, a, state_drafts(&cluster, *name ? name : NULL), name);
	rows = state_services(&cluster);
	for (size_t i = 0; i < doc_len(rows); i++) {
		const char *service = doc_get_str(doc_at(rows, i), "name", "");
		uint64_t gid = agent_service_group(g, a, t, service);

		if (gid && (!*name || strcmp(name, service) == 0))
			add_service(g, &(struct state){ t, gid, a }, service,
				    list);
	}
	return list;
}

void request_drafts(struct request *r)
{
	struct txn *t = request_read(r);
	struct doc *d = doc_map(r->arena);

	if (!t)
		return;
	doc_put(r->arena, d, "drafts",
		drafts_all(r->agent, r->arena, t, request_arg(r, "name")));
	txn_abort(t);
	request_data(r, d);
}

/* "draft-3", or "3" for short. */
static bool is_named(const struct doc *draft, const char *word)
{
	const char *id = doc_get_str(draft, "id", NULL), *number;

	if (!id || !*word)
		return false;
	number = strrchr(id, '-');
	return strcmp(id, word) == 0 ||
	       (number && strcmp(number + 1, word) == 0);
}

/* The draft of the service "name", or of any. NULL, and the request is
 * answered, if it is not just one. */
static struct doc *draft_named(struct request *r)
{
	const char *word = request_arg(r, "draft");
	struct txn *t = request_read(r);
	struct doc *all, *found = NULL;
	size_t n = 0;

	if (!t)
		return NULL;
	all = drafts_all(r->agent, r->arena, t, request_arg(r, "name"));
	txn_abort(t);
	for (size_t i = 0; i < doc_len(all); i++) {
		if (!is_named(doc_at(all, i), word))
			continue;
		found = doc_at(all, i);
		n++;
	}
	if (n == 1)
		return found;
	if (n)
		REFUSE(r, OP_USAGE,
		       "%zu services have a %.64s: name the service, too", n,
		       word);
	else
		REFUSE(r, OP_NOT_FOUND,
		       "there is no draft %.64s%s%s: 'encap drafts' lists "
		       "those "
		       "that there are",
		       word, *request_arg(r, "name") ? " of " : "",
		       request_arg(r, "name"));
	return NULL;
}

/* Offers are the cluster's, the others are of their service's group. */
static uint64_t draft_group(struct agent *g, struct arena *a,
			    const struct doc *draft)
{
	struct txn *t;
	uint64_t gid;

	if (strcmp(doc_get_str(draft, "kind", ""), "offer") == 0)
		return CLUSTER_GROUP;
	t = txn_begin_read(g->db, NULL);
	gid = t ? agent_service_group(g, a, t, doc_get_str(draft, "name", ""))
		: 0;
	txn_abort(t);
	return gid;
}

void request_draft(struct request *r)
{
	struct doc *d = draft_named(r);

	if (d)
		request_data(r, d);
}

void request_draft_drop(struct request *r)
{
	struct doc *d = draft_named(r), *cmd;

	if (!d)
		return;
	cmd = request_command(r, "draft_drop");
	doc_put_str(r->arena, cmd, "name", doc_get_str(d, "name", ""));
	doc_put_str(r->arena, cmd, "draft", doc_get_str(d, "id", ""));
	request_propose(r, draft_group(r->agent, r->arena, d), cmd);
}

void request_draft_add(struct request *r)
{
	bool offer = strcmp(request_arg(r, "kind"), "offer") == 0;
	uint64_t gid = CLUSTER_GROUP;
	struct doc *cmd;

	if (offer && request_in_container(r))
		return;
	if (!offer)
		gid = request_service(r);
	if (!gid)
		return;
	cmd = request_command(r, "draft_add");
	request_pass(r, cmd, "name");
	request_pass(r, cmd, "kind");
	request_pass(r, cmd, "config");
	request_pass(r, cmd, "base");
	request_pass(r, cmd, "where");
	request_pass(r, cmd, "why");
	request_propose(r, gid, cmd);
}

void request_resolve(struct request *r)
{
	uint64_t gid = request_service(r);
	struct doc *d, *cmd;

	if (!gid)
		return;
	d = draft_named(r);
	if (!d)
		return;
	cmd = request_command(r, "svc_resolve");
	request_pass(r, cmd, "name");
	doc_put_str(r->arena, cmd, "draft", doc_get_str(d, "id", ""));
	request_pass(r, cmd, "take");
	request_pass(r, cmd, "config");
	request_pass(r, cmd, "base");
	request_pass(r, cmd, "strict");
	request_pass(r, cmd, "comment");
	request_propose(r, gid, cmd);
}
