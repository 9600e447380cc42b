/*
 * What a backup of another cluster held, brought into this one: a service by
 * its oldest revision (svc_create or index_add, by the author and at the time
 * of that), the others by svc_restore.
 */
#include <string.h>

#include "fsm/op/internal.h"
#include "fsm/state/revision.h"

#define REVS_PER_COMMAND 1024

static bool is_asked(const struct doc *service)
{
	return doc_get_int(doc_get(service, "intent"), "seq", 0) != 0;
}

/* NULL, or what is wrong with the @i-th revision of the list. */
static const char *rev_refused(const struct op_env *env, const struct doc *rev,
			       size_t i)
{
	struct arena *a = env->s->arena;
	const struct doc *parents = doc_get(rev, "parents");
	const char *config = doc_get_str(rev, "config", NULL);
	const char *id = doc_get_str(rev, "rev", "");

	if (!config || !parents || parents->type != DOC_LIST)
		return arena_printf(a,
				    "revision %zu of the list has no text or "
				    "no parents",
				    i);
	if (strcmp(op_revision_id(a, parents, config, strlen(config)), id) != 0)
		return arena_printf(a, "revision %.12s is not what its id says",
				    id);
	return NULL;
}

/* Only what a revision has, whatever else the command says of it. */
static struct doc *rev_row(struct arena *a, const struct doc *rev)
{
	static const char *const keys[] = { "rev", "parents", "config",
					    "at",  "author",  "comment" };
	struct doc *row = doc_map(a);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (doc_get(rev, keys[i]))
			doc_put(a, row, keys[i],
				doc_copy(a, doc_get(rev, keys[i])));
	return row;
}

struct doc *op_svc_restore(const struct op_env *env, const struct doc *cmd)
{
	const struct state *s = env->s;
	const struct doc *revs = doc_get(cmd, "revs");
	const char *name = doc_get_str(cmd, "name", "");
	struct doc *row = op_service_here(env, cmd);
	const char *why = NULL;
	size_t added = 0;
	struct doc *r;

	if (!row)
		return op_no_service(env, name);
	if (is_asked(row))
		return op_result(env, OP_CONFLICT,
				 "%s is in use: a history is restored only "
				 "into a service that nobody has started yet",
				 name);
	if (doc_len(revs) > REVS_PER_COMMAND)
		return op_result(env, OP_USAGE, "more than %d revisions",
				 REVS_PER_COMMAND);
	for (size_t i = 0; !why && i < doc_len(revs); i++)
		why = rev_refused(env, doc_at(revs, i), i);
	if (why)
		return op_result(env, OP_USAGE, "%s", why);
	for (size_t i = 0; i < doc_len(revs); i++) {
		const struct doc *rev = doc_at(revs, i);

		if (state_revision(s, name, doc_get_str(rev, "rev", "")))
			continue;
		revision_put(s, row, rev_row(s->arena, rev));
		added++;
	}
	if (added) {
		op_service_put(env, row);
		op_event(env, "edit", name, NULL, "%zu revisions restored",
			 added);
	}
	r = op_result(env, OP_OK, NULL);
	doc_put_int(s->arena, r, "added", (int64_t)added);
	return r;
}
