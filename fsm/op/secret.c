/*
 * Secrets of a service: sealed by who proposes them (cluster/net/seal.h), so
 * what is stored, sent and kept in logs is of use to nobody else.
 */
#include <string.h>

#include "fsm/op/internal.h"

#define SECRETS_MAX 256 /* of one service */

const char *op_secret_key_refused(const char *key)
{
	size_t n = strlen(key);

	if (n == 0 || n > OP_SECRET_KEY_MAX)
		return "the name of a secret has 1 to 128 letters";
	if (strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789_.-") != n)
		return "the name of a secret is made of letters, digits, '_', "
		       "'-' and '.'";
	return NULL;
}

static bool owner_here(const struct op_env *env, const struct doc *cmd)
{
	return op_service_here(env, cmd) ||
	       op_fence_owner(env->s, doc_get_str(cmd, "name", ""));
}

static struct doc *no_owner(const struct op_env *env, const char *name)
{
	if (strncmp(name, "fence#", 6) != 0)
		return op_no_service(env, name);
	return op_result(env, OP_NOT_FOUND,
			 "there is no device [%.80s]: 'encap cluster set "
			 "%.80s.agent=PROGRAM' makes it",
			 name, name);
}

struct doc *op_secret_set(const struct op_env *env, const struct doc *cmd)
{
	const struct state *s = env->s;
	const char *name = doc_get_str(cmd, "name", "");
	const char *key = doc_get_str(cmd, "key", "");
	const struct doc *sealed = doc_get(cmd, "sealed");
	const char *why = op_secret_key_refused(key);
	struct state_key k;
	struct doc *row;

	if (!owner_here(env, cmd))
		return no_owner(env, name);
	if (why)
		return op_result(env, OP_USAGE, "%s", why);
	if (!sealed || sealed->type != DOC_BIN ||
	    sealed->str.len > OP_SECRET_MAX + 64)
		return op_result(env, OP_USAGE,
				 "a secret is at most %d bytes long",
				 OP_SECRET_MAX);
	k = state_key(name, key);
	if (!state_row(s, TABLE_SECRET, &k) &&
	    doc_len(state_secrets(s, name)) >= SECRETS_MAX)
		return op_result(env, OP_FAILED,
				 "%s has %d secrets: that is the most; 'encap "
				 "secret unset' removes one",
				 name, SECRETS_MAX);
	row = doc_map(s->arena);
	doc_put(s->arena, row, "sealed", doc_copy(s->arena, sealed));
	doc_put_int(s->arena, row, "at", env->at);
	if (env->by)
		doc_put(s->arena, row, "by", doc_copy(s->arena, env->by));
	state_put(s, TABLE_SECRET, &k, row);
	op_event(env, "secret", name, NULL, "%s is set", key);
	return op_result(env, OP_OK, NULL);
}

struct doc *op_secret_unset(const struct op_env *env, const struct doc *cmd)
{
	const struct state *s = env->s;
	const char *name = doc_get_str(cmd, "name", "");
	const char *key = doc_get_str(cmd, "key", "");
	struct state_key k = state_key(name, key);

	if (!owner_here(env, cmd))
		return no_owner(env, name);
	if (op_secret_key_refused(key) || !state_row(s, TABLE_SECRET, &k))
		return op_result(env, OP_NOT_FOUND,
				 "%s has no secret %.64s: see 'encap secret ls "
				 "%s'",
				 name, key, name);
	state_del(s, TABLE_SECRET, &k);
	op_event(env, "secret", name, NULL, "%s is removed", key);
	return op_result(env, OP_OK, NULL);
}
