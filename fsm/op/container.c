/*
 * The leases of containers, as far as the group has to know of them: who grants
 * them, and in which epoch (docs/decisions/container-leases.md).
 */
#include <string.h>

#include "fsm/op/internal.h"

/* The row, if it is of the member and the epoch that the command speaks of. */
static struct doc *member_at_epoch(const struct op_env *env,
				   const struct doc *cmd)
{
	struct doc *row = state_member(env->s, doc_get_str(cmd, "name", ""));

	if (!row || doc_get_int(row, "id", 0) != doc_get_int(cmd, "id", -1) ||
	    doc_get_int(row, "epoch", 0) != doc_get_int(cmd, "epoch", -1))
		return NULL;
	return row;
}

/* The orchestrator looks at it, so the service's version moves on. */
static void member_put(const struct op_env *env, const struct doc *row)
{
	struct state_key k = state_key(doc_get_str(row, "name", ""), NULL);
	struct doc *services = state_services(env->s);

	state_put(env->s, TABLE_MEMBER, &k, row);
	for (size_t i = 0; i < doc_len(services); i++)
		op_service_put(env, doc_at(services, i));
}

/* From now on @host grants, and of its agent's lives the one called grantor. */
struct doc *op_member_up(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	struct doc *row = member_at_epoch(env, cmd);
	const char *host = doc_get_str(cmd, "host", "");
	bool was_up;

	if (!row || !*host)
		return op_result(env, OP_CONFLICT, "the epoch has moved on");
	was_up = doc_is(row, "state", "up") && doc_is(row, "host", host);
	doc_put_int(a, row, "epoch",
		    doc_get_int(row, "epoch", 0) ? doc_get_int(row, "epoch", 0)
						 : 1);
	doc_put_str(a, row, "state", "up");
	doc_put_str(a, row, "host", host);
	doc_put_str(a, row, "grantor", doc_get_str(cmd, "grantor", ""));
	member_put(env, row);
	if (!was_up)
		op_event(env, "member", NULL, doc_get_str(row, "name", ""),
			 "has a lease by %s, epoch %lld", host,
			 (long long)doc_get_int(row, "epoch", 0));
	return op_result(env, OP_OK, NULL);
}

/* Proposed only by who grants, once its lease of this epoch has certainly ended
 * or the container is down: the new epoch makes every assignment of the old one
 * void. One of an earlier life of that agent may arrive late; by then the
 * present one may have granted again. */
struct doc *op_member_lost(const struct op_env *env, const struct doc *cmd)
{
	struct arena *a = env->s->arena;
	struct doc *row = member_at_epoch(env, cmd);
	int64_t epoch = doc_get_int(cmd, "epoch", 0) + 1;

	if (!row || !doc_is(row, "state", "up") ||
	    !doc_is(row, "grantor", doc_get_str(cmd, "grantor", "?")))
		return op_result(env, OP_CONFLICT, "the epoch has moved on");
	doc_put_int(a, row, "epoch", epoch);
	doc_put_str(a, row, "state", "lost");
	member_put(env, row);
	op_event(env, "member", NULL, doc_get_str(row, "name", ""),
		 "its lease of epoch %lld has ended: %s", (long long)epoch - 1,
		 doc_get_str(cmd, "why", "it was not renewed"));
	return op_result(env, OP_OK, NULL);
}
