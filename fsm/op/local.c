/*
 * What a node did at a person's word while it had no majority, once it has one
 * again: cluster/agent/local.c, docs/decisions/without-a-majority.md.
 */
#include <string.h>

#include "fsm/op/internal.h"

struct local {
	const struct op_env *env;
	const struct doc *cmd;
	const char *name, *node, *word;
	struct doc *row;
};

/* Was nothing asked for, and for a start nothing decided, in between? */
static bool still_fits(const struct local *q)
{
	const struct doc *assign = state_assign(q->env->s, q->name, q->node);

	if (doc_get_int(doc_get(q->row, "intent"), "seq", 0) !=
	    doc_get_int(q->cmd, "seq", -1))
		return false;
	if (strcmp(q->word, "start") == 0)
		return doc_get_int(q->row, "token", 0) ==
		       doc_get_int(q->cmd, "svc_token", -1);
	return strcmp(q->word, "stop") == 0 && doc_is(assign, "want", "up") &&
	       doc_get_int(assign, "token", 0) ==
		       doc_get_int(q->cmd, "node_token", -1);
}

static void intent_becomes(const struct local *q)
{
	struct arena *a = q->env->s->arena;
	bool start = strcmp(q->word, "start") == 0;
	const char *want = start ? "started" : "stopped";
	int64_t seq = doc_get_int(q->cmd, "seq", 0) + 1;
	struct doc *i = doc_put(a, q->row, "intent", doc_map(a));

	doc_put_str(a, i, "want", want);
	doc_put_int(a, i, "want_seq", seq);
	doc_put_str(a, i, "encap", want);
	doc_put_int(a, i, "encap_seq", seq);
	if (start)
		doc_put_str(a, i, "node", q->node);
	doc_put_int(a, i, "seq", seq);
	doc_put_int(a, i, "at", q->env->at);
	if (q->env->by)
		doc_put(a, i, "by", doc_copy(a, q->env->by));
	op_service_put(q->env, q->row);
}

static const char *outcome(const struct local *q, bool fits)
{
	if (strcmp(q->word, "end") == 0)
		return "it ended there before anybody could be told";
	if (strcmp(q->word, "stop") == 0)
		return fits ? "it stays stopped"
			    : "it was decided on anew since, and that holds";
	return fits ? "it stays there"
		    : "it was decided on anew since, and is stopped there";
}

static void event(const struct local *q, bool fits)
{
	int64_t ms = q->env->at - doc_get_int(q->cmd, "since", 0);

	op_event(q->env, "intent", q->name, q->node,
		 "%s on %s without a majority, %lld s before this could be "
		 "told: %s",
		 strcmp(q->word, "stop") == 0 ? "was stopped"
					      : "was started in an emergency",
		 q->node, (long long)(ms > 0 ? ms / 1000 : 0),
		 outcome(q, fits));
}

/* {over: true}: it does not count any more. */
struct doc *op_svc_local(const struct op_env *env, const struct doc *cmd)
{
	struct local q = {
		.env = env,
		.cmd = cmd,
		.name = doc_get_str(cmd, "name", ""),
		.node = doc_get_str(cmd, "node", ""),
		.word = doc_get_str(cmd, "word", ""),
		.row = op_service_here(env, cmd),
	};
	struct doc *r;
	bool fits;

	if (!q.row)
		return op_no_service(env, q.name);
	if (strcmp(q.word, "start") != 0 && strcmp(q.word, "stop") != 0 &&
	    strcmp(q.word, "end") != 0)
		return op_result(env, OP_USAGE,
				 "'%.16s' is nothing that a node does alone",
				 q.word);
	fits = still_fits(&q);
	if (fits)
		intent_becomes(&q);
	event(&q, fits);
	r = op_result(env, OP_OK, NULL);
	doc_put_bool(env->s->arena, r, "over", !fits);
	return r;
}
