/*
 * Requests that only read: status, lists, events, and waiting for them.
 */
#include <string.h>

#include "cluster/agent/request.h"

#define EVENTS_DEFAULT 200
#define EVENTS_MAX     2000

void request_ping(struct request *r)
{
	struct agent *g = r->agent;
	struct arena *a = r->arena;
	struct doc *d = doc_map(a);

	doc_put_str(a, d, "node", g->node);
	doc_put_str(a, d, "level", g->identity ? level_name(g->level) : "");
	doc_put_str(a, d, "version", ENCAP_VERSION);
	if (g->witness)
		doc_put_bool(a, d, "witness", true);
	if (g->identity)
		doc_put_str(a, d, "cluster",
			    doc_get_str(g->identity, "cluster_id", ""));
	if (g->service)
		doc_put_str(a, d, "service", g->service);
	request_data(r, d);
}

void request_status(struct request *r)
{
	uint64_t gid = request_service(r);
	struct txn *t = gid ? request_read(r) : NULL;
	struct doc *d;

	if (!t)
		return;
	d = query_status(r->agent, r->arena, t, request_arg(r, "name"), false);
	txn_abort(t);
	request_data(r, d);
}

typedef struct doc *(*query_fn)(struct agent *g, struct arena *a,
				struct txn *t);

static void request_query(struct request *r, query_fn query)
{
	struct txn *t = request_read(r);
	struct doc *d;

	if (!t)
		return;
	d = query(r->agent, r->arena, t);
	txn_abort(t);
	request_data(r, d);
}

void request_services(struct request *r)
{
	request_query(r, query_services);
}

void request_nodes(struct request *r)
{
	if (!request_in_container(r))
		request_query(r, query_nodes);
}

void request_cluster(struct request *r)
{
	if (!request_in_container(r))
		request_query(r, query_cluster);
}

static struct doc *events_now(struct agent *g, struct arena *a,
			      const struct doc *cursor, const char *service,
			      size_t limit)
{
	struct txn *t = txn_begin_read(g->db, NULL);
	struct doc *d =
		t ? query_events(g, a, t, cursor, service, limit) : doc_map(a);

	txn_abort(t);
	return d;
}

static size_t events_limit(const struct request *r)
{
	int64_t limit = doc_get_int(r->doc, "limit", EVENTS_DEFAULT);

	return limit > 0 && limit < EVENTS_MAX ? (size_t)limit : EVENTS_MAX;
}

/* What is left of one that was deleted is still to be seen. */
void request_events(struct request *r)
{
	const char *name = doc_get_str(r->doc, "name", NULL);
	struct doc *d =
		events_now(r->agent, r->arena, doc_get(r->doc, "cursor"), name,
			   events_limit(r));

	if (name && !doc_len(doc_get(d, "events")) && !request_service(r))
		return;
	request_data(r, d);
}

/* A request that waits for something to happen: events, or a service that was
 * just made to be here. */
struct watch {
	struct watch *next; /* agent::watches */
	struct request *request;
	bool creation;
	uint64_t until_ms;
};

void request_watch_add(struct request *r, bool creation, uint64_t ms)
{
	struct agent *g = r->agent;
	struct watch *w = ARENA_NEW(r->arena, struct watch);

	*w = (struct watch){ .next = g->watches,
			     .request = r,
			     .creation = creation,
			     .until_ms = g->now_ms + ms };
	g->watches = w;
}

void request_watch(struct request *r)
{
	request_watch_add(r, false, WATCH_MS);
	/* The next turn looks at it first. */
}

/* The head of a service that was just made; NULL while it is not here. */
static const char *head_now(struct agent *g, struct arena *a,
			    const char *service)
{
	struct txn *t = txn_begin_read(g->db, NULL);
	uint64_t gid = t ? agent_service_group(g, a, t, service) : 0;
	const struct doc *row =
		gid ? state_service(&(struct state){ t, gid, a }, service)
		    : NULL;

	txn_abort(t);
	return doc_get_str(row, "head", NULL);
}

/* The answers are NULL while there is nothing to say. What is looked at in
 * vain is not kept: that is often, while it waits. */
static struct doc *creation_answer(const struct request *r, bool late)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *service = request_arg(r, "name");
	const char *head = head_now(r->agent, a, service);
	struct doc *answer;

	if (head) {
		answer = request_answer(r->arena, OP_OK, NULL);
		doc_put_str(
			r->arena,
			doc_put(r->arena, answer, "data", doc_map(r->arena)),
			"rev", head);
		return answer;
	}
	return late ? request_answer(r->arena, OP_TIMEOUT,
				     "%s is made, but its group did not begin "
				     "in time: see 'encap status %s'",
				     service, service)
		    : NULL;
}

static struct doc *events_answer(const struct request *r, bool late)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct doc *data =
		events_now(r->agent, a, doc_get(r->doc, "cursor"),
			   doc_get_str(r->doc, "name", NULL), EVENTS_DEFAULT);
	struct doc *answer;

	if (!late && doc_len(doc_get(data, "events")) == 0)
		return NULL;
	answer = request_answer(r->arena, OP_OK, NULL);
	doc_put(r->arena, answer, "data", doc_copy(r->arena, data));
	return answer;
}

void request_watch_step(struct agent *g)
{
	for (struct watch **at = &g->watches; *at;) {
		struct watch *w = *at;
		bool late = g->now_ms >= w->until_ms;
		struct doc *answer = w->creation
					     ? creation_answer(w->request, late)
					     : events_answer(w->request, late);

		if (!answer) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		request_end(w->request, answer);
		at = &g->watches; /* the answer may have brought a new one */
	}
}

void request_free(struct agent *g)
{
	while (g->watches) {
		struct request *r = g->watches->request;

		g->watches = g->watches->next;
		REFUSE(r, OP_FAILED, "the agent is stopping");
	}
}
