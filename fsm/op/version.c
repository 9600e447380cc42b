/*
 * The version of the state machine: what commands there are, how they change
 * the rows, what an env file may hold, how two of them are merged. All members
 * of a group must agree on all of that at every entry of its log, so it is part
 * of the state which version is active; a later one is activated by a command,
 * once every member of the group knows it.
 *
 *     member ──version_speaks──▶ rows ──all know N──▶ version_set N
 *
 * A command that came with a later version than the active one does nothing,
 * and says so in the same words as in an agent that does not know it.
 */
#include <string.h>

#include "fsm/conf/conf.h"
#include "fsm/op/internal.h"

/* What came with which version; what is not here was always there. */
static const struct {
	const char *op;
	int since;
} later[] = {
	{ "node_leaving", 2 },	  { "node_left", 2 },
	{ "node_gone", 2 },	  { "node_label", 2 },
	{ "cluster_set", 2 },	  { "node_drain", 2 },
	{ "node_drain_over", 2 }, { "maintenance", 2 },
	{ "svc_maintenance", 2 }, { "svc_clear", 2 },
	{ "svc_local", 2 },	  { "node_disarm", 2 },
	{ "cluster_disarm", 2 },  { "cluster_arm", 2 },
};

int op_since(const char *op)
{
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (strcmp(later[i].op, op) == 0)
			return later[i].since;
	return 1;
}

int op_version_active(const struct state *s)
{
	struct state_key k = state_key("version", NULL);
	const struct doc *n = state_row(s, TABLE_COUNTER, &k);

	return n && n->type == DOC_INT && n->num > 1 ? (int)n->num : 1;
}

void op_version_put(const struct op_env *env, int64_t version)
{
	struct state_key k = state_key("version", NULL);

	if (version > 1)
		state_put(env->s, TABLE_COUNTER, &k,
			  doc_int(env->s->arena, version));
}

int64_t op_speaks(const struct doc *row)
{
	return doc_get_int(row, "speaks", 1);
}

/* Members that have to know it: those that apply what is agreed. */
static bool counts(const struct doc *row)
{
	return !doc_is(row, "state", "left") &&
	       !doc_get_bool(row, "witness", false);
}

/* The containers of the service that is the group's, as its env file has them:
 * the rows of others stay when they are taken out. */
static bool is_listed(const struct op_env *env, const char *name)
{
	struct doc *services = state_services(env->s);
	struct service_conf sc;
	struct conf *conf;

	if (!doc_len(services) ||
	    op_head_conf(env, doc_at(services, 0), &conf, &sc) != NULL)
		return true;
	return names_have(&sc.encapnodes, name);
}

int64_t op_version_of_all(const struct op_env *env, const char **ret_who)
{
	struct doc *nodes = state_nodes(env->s);
	struct doc *members = state_members(env->s);
	int64_t least = INT64_MAX;

	*ret_who = NULL;
	for (size_t i = 0; i < doc_len(nodes) + doc_len(members); i++) {
		bool node = i < doc_len(nodes);
		const struct doc *row =
			node ? doc_at(nodes, i)
			     : doc_at(members, i - doc_len(nodes));
		const char *name = doc_get_str(row, "name", "");

		if (op_speaks(row) >= least ||
		    !(node ? counts(row) : is_listed(env, name)))
			continue;
		least = op_speaks(row);
		*ret_who = name;
	}
	return least;
}

struct doc *op_version_speaks(const struct op_env *env, const struct doc *cmd)
{
	const char *node = doc_get_str(cmd, "node", NULL);
	const char *name = node ? node : doc_get_str(cmd, "member", "");
	struct doc *row =
		node ? op_node_here(env, node) : state_member(env->s, name);
	int64_t speaks = doc_get_int(cmd, "speaks", 0);
	struct state_key k;

	if (!row || speaks < 1)
		return op_result(env, OP_NOT_FOUND,
				 "there is no member %s of that version", name);
	if (op_speaks(row) == speaks)
		return op_result(env, OP_OK, NULL);
	if (speaks < op_version_active(env->s))
		return op_result(env, OP_CONFLICT,
				 "%s knows version %lld of the state, of which "
				 "%d is active: upgrade it",
				 name, (long long)speaks,
				 op_version_active(env->s));
	doc_put_int(env->s->arena, row, "speaks", speaks);
	k = node ? state_key_num(NULL, (uint64_t)doc_get_int(row, "id", 0))
		 : state_key(name, NULL);
	state_put(env->s, node ? TABLE_NODE : TABLE_MEMBER, &k, row);
	return op_result(env, OP_OK, NULL);
}

struct doc *op_version_set(const struct op_env *env, const struct doc *cmd)
{
	int64_t version = doc_get_int(cmd, "version", 0);
	const char *who;

	if (version <= op_version_active(env->s))
		return op_result(env, OP_CONFLICT,
				 "version %lld is not later than the active "
				 "one",
				 (long long)version);
	if (op_version_of_all(env, &who) < version)
		return op_result(env, OP_CONFLICT,
				 "%s does not know version %lld yet: upgrade "
				 "it",
				 who ? who : "a member", (long long)version);
	op_version_put(env, version);
	op_event(env, "cluster", NULL, NULL,
		 "version %lld of the state is active: all members know it",
		 (long long)version);
	return op_result(env, OP_OK, NULL);
}

const char *op_version_refused(const struct op_env *env, const char *name,
			       const struct doc *cmd)
{
	int64_t speaks = doc_get_int(cmd, "speaks", 1);
	int active = op_version_active(env->s);

	if (speaks >= active || doc_get_bool(cmd, "witness", false))
		return NULL;
	return arena_printf(env->s->arena,
			    "%s has an agent that knows version %lld of the "
			    "state, and version %d is active here: upgrade it, "
			    "then let it join",
			    name, (long long)speaks, active);
}
