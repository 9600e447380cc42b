/*
 * Drafts: texts of env files that are no revision, kept for a person to decide.
 * None is dropped to make room for another: when there is none left, a new one
 * is refused, and who brought it still has it. Those of a service are forgotten
 * when they are as old as a revision may get.
 */
#include <string.h>

#include "fsm/op/internal.h"
#include "fsm/state/revision.h"
#include "store/plant.h"

struct room {
	size_t n, bytes;
	const char *same; /* the id of one that is the same */
};

static bool is_same(const struct doc *row, const struct op_env *env,
		    const struct draft *d)
{
	const char *node = doc_get_str(env->by, "node", "");

	return doc_is(row, "kind", d->kind) && doc_is(row, "text", d->text) &&
	       doc_is(row, "base", d->base ? d->base : "") &&
	       doc_is(doc_get(row, "by"), "node", node);
}

static struct room room_of(const struct op_env *env, const struct draft *d)
{
	const struct doc *rows = state_drafts(env->s, d->name);
	struct room r = { .n = doc_len(rows) };

	for (size_t i = 0; i < doc_len(rows); i++) {
		const struct doc *row = doc_at(rows, i);

		r.bytes += strlen(doc_get_str(row, "text", ""));
		if (is_same(row, env, d))
			r.same = doc_get_str(row, "id", "");
	}
	return r;
}

/* Of the whole group, by the rows alone. */
static struct room room_of_all(const struct op_env *env)
{
	struct room r = { 0 };
	struct txn_iter it;

	txn_iter_init(&it, env->s->txn, env->s->group, TABLE_DRAFT,
		      (struct bytes){ "", 0 });
	while (txn_iter_next(&it)) {
		r.n++;
		r.bytes += it.value.len;
	}
	return r;
}

static const char *no_room(const struct op_env *env, const struct draft *d,
			   const struct room *r)
{
	size_t len = strlen(d->text);
	struct room all;

	if (len > CONF_MAX_SIZE)
		return "it is longer than an env file may be";
	if (r->n >= OP_DRAFTS_KEPT)
		return "there are as many drafts of it as are kept: 'encap "
		       "drafts' lists them, drop some";
	if (r->bytes + len > OP_DRAFTS_BYTES)
		return "its drafts take as much room as they may: 'encap "
		       "drafts' lists them, drop some";
	if (strcmp(d->kind, "offer") != 0)
		return NULL;
	all = room_of_all(env);
	if (all.n >= OP_OFFERS_KEPT || all.bytes + len > OP_OFFERS_BYTES)
		return "there are as many offers of new services as are kept: "
		       "'encap drafts' lists them, drop some";
	return NULL;
}

static struct doc *draft_row(const struct op_env *env, const struct draft *d)
{
	struct arena *a = env->s->arena;
	struct doc *row = doc_map(a);

	doc_put_str(
		a, row, "id",
		arena_printf(a, "draft-%llu",
			     (unsigned long long)state_next(env->s, "draft")));
	doc_put_str(a, row, "name", d->name);
	doc_put_str(a, row, "kind", d->kind);
	doc_put_str(a, row, "text", d->text);
	op_put_known(a, row, "base", d->base);
	op_put_known(a, row, "head", d->head);
	op_put_known(a, row, "where", d->where);
	op_put_known(a, row, "why", d->why);
	doc_put_int(a, row, "at", env->at);
	if (env->by)
		doc_put(a, row, "by", doc_copy(a, env->by));
	if (doc_len(d->conflicts))
		doc_put(a, row, "conflicts", doc_copy(a, d->conflicts));
	if (doc_len(d->problems))
		doc_put(a, row, "problems", doc_copy(a, d->problems));
	return row;
}

static void forget_old(const struct op_env *env, const struct doc *service)
{
	const char *name = doc_get_str(service, "name", "");
	int64_t now = op_time_of(env, service);
	const struct doc *rows = state_drafts(env->s, name);

	for (size_t i = 0; i < doc_len(rows); i++) {
		const struct doc *row = doc_at(rows, i);

		if (now > STATE_HISTORY_MS &&
		    doc_get_int(row, "at", now) < now - STATE_HISTORY_MS)
			op_draft_end(env, service, row,
				     "is forgotten: nobody resolved it in 400 "
				     "days");
	}
}

const char *op_draft_put(const struct op_env *env, const struct draft *d,
			 const char **why_not)
{
	const struct doc *service = state_service(env->s, d->name);
	struct state_key k;
	struct room room;
	struct doc *row;
	const char *id;

	*why_not = NULL;
	if (service && !doc_get(service, "group"))
		forget_old(env, service);
	room = room_of(env, d);
	if (room.same)
		return room.same;
	*why_not = no_room(env, d, &room);
	if (*why_not)
		return NULL;
	row = draft_row(env, d);
	id = doc_get_str(row, "id", "");
	k = state_key(d->name, id);
	if (!PLANTED(DRAFT_LOST))
		state_put(env->s, TABLE_DRAFT, &k, row);
	op_event(env, "draft", d->name, doc_get_str(env->by, "node", NULL),
		 "%s is kept: %.300s", id, d->why ? d->why : d->kind);
	return id;
}

void op_draft_end(const struct op_env *env, const struct doc *service,
		  const struct doc *draft, const char *what)
{
	const char *name = doc_get_str(draft, "name", "");
	const char *id = doc_get_str(draft, "id", "");
	struct state_key k = state_key(name, id);

	state_del(env->s, TABLE_DRAFT, &k);
	if (service)
		revisions_unpin(env->s, service, draft);
	op_event(env, "draft", name, doc_get_str(env->by, "node", NULL),
		 "%s %s", id, what);
}

static bool kind_fits(const char *kind)
{
	return strcmp(kind, "invalid") == 0 || strcmp(kind, "conflict") == 0 ||
	       strcmp(kind, "offer") == 0;
}

struct doc *op_draft_add(const struct op_env *env, const struct doc *cmd)
{
	const struct doc *service = op_service_here(env, cmd);
	struct draft d = {
		.name = doc_get_str(cmd, "name", ""),
		.kind = doc_get_str(cmd, "kind", ""),
		.text = doc_get_str(cmd, "config", NULL),
		.base = doc_get_str(cmd, "base", NULL),
		.head = doc_get_str(service, "head", NULL),
		.where = doc_get_str(cmd, "where", NULL),
		.why = doc_get_str(cmd, "why", NULL),
	};
	bool offer = strcmp(d.kind, "offer") == 0;
	const char *id, *why_not;
	struct doc *r;
	struct err err;

	if (!kind_fits(d.kind) || !d.text)
		return op_result(env, OP_USAGE,
				 "a draft is invalid, conflict or offer, and "
				 "has a text");
	if (!offer && !service)
		return op_no_service(env, d.name);
	if (offer && !state_cluster(env->s))
		return op_result(env, OP_USAGE,
				 "a new service is offered to the cluster, not "
				 "to a service's group");
	if (offer && name_check(d.name, &err) < 0)
		return op_result(env, OP_USAGE, "service name: %s", err.text);
	if (offer && state_service(env->s, d.name))
		return op_result(env, OP_CONFLICT,
				 "the service %s exists: an edit of it is no "
				 "offer",
				 d.name);
	id = op_draft_put(env, &d, &why_not);
	if (!id)
		return op_result(env, OP_FAILED,
				 "the draft of %s is not kept: "
				 "%s",
				 d.name, why_not);
	r = op_result(env, OP_OK, NULL);
	doc_put_str(env->s->arena, r, "draft", id);
	return r;
}

struct doc *op_draft_drop(const struct op_env *env, const struct doc *cmd)
{
	const char *name = doc_get_str(cmd, "name", "");
	const char *id = doc_get_str(cmd, "draft", "");
	const struct doc *draft = state_draft(env->s, name, id);

	if (!draft)
		return op_result(env, OP_NOT_FOUND,
				 "%s has no draft %.64s: 'encap drafts' lists "
				 "those that there are",
				 name, id);
	op_draft_end(env, op_service_here(env, cmd), draft, "is dropped");
	return op_result(env, OP_OK, NULL);
}
