#include "fsm/op/op.h"

#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fsm/op/internal.h"
#include "fsm/state/audit.h"
#include "store/plant.h"

/* Names are stored in logs: a row may be added, never renamed or reused. */
// clang-format off
const struct op op_table[] = {
	{ "cluster_init", 1, "name id lease_ms node{id,name,addresses}",    op_cluster_init },
	{ "token_add",    1, "hash expires",                                op_token_add },
	{ "node_join",    1, "hash name addresses cert? replace? witness?", op_node_join },
	{ "node_up",      1, "id epoch",                                    op_node_up },
	{ "node_lost",    1, "id epoch",                                    op_node_lost },
	{ "node_freeze",  1, "node frozen",                                 op_node_freeze },
	{ "version_speaks", 2, "node|member speaks",                        op_version_speaks },
	{ "version_set",  2, "version",                                     op_version_set },
	{ "node_leaving", 2, "node leaving",                                op_node_leaving },
	{ "node_left",    2, "node epoch said",                             op_node_left },
	{ "node_gone",    2, "id",                                          op_node_gone },
	{ "node_label",   2, "node labels{}",                               op_node_label },
	{ "cluster_set",  2, "voter_grace_ms",                              op_cluster_set },
	{ "fence_ask",    1, "node action why epoch auto self",             op_fence_ask },
	{ "fence_run",    1, "id n tries runner",                           op_fence_run },
	{ "fence_done",   1, "id n tries ok device text",                   op_fence_done },
	{ "fence_fail",   1, "id n tries text",                             op_fence_fail },
	{ "node_vouch",   1, "node",                                        op_node_vouch },
	{ "node_says",    1, "id protection",                               op_node_says },
	{ "cluster_conf", 1, "set unset config base",                       op_cluster_conf },
	{ "index_add",    1, "name config rev voters",                      op_index_add },
	{ "index_del",    1, "name",                                        op_index_del },
	{ "svc_create",   1, "name config",                                 op_svc_create },
	{ "svc_edit",     2, "name base config comment strict where",       op_svc_edit },
	{ "svc_revert",   2, "name rev base comment",                       op_svc_revert },
	{ "svc_resolve",  2, "name draft take base config comment strict",  op_svc_resolve },
	{ "draft_add",    2, "name kind config base where why",             op_draft_add },
	{ "draft_drop",   2, "name draft",                                  op_draft_drop },
	{ "svc_delete",   1, "name",                                        op_svc_delete },
	{ "svc_intent",   1, "name want encap node slave",                  op_svc_intent },
	{ "svc_act",      3, "name action node slave slaves rid tags subsets upto downto standby named stop", op_svc_act },
	{ "svc_freeze",   1, "name frozen",                                 op_svc_freeze },
	{ "assign",       1, "name version changes",                        op_assign },
	{ "observe",      1, "name node doc",                               op_observe },
	{ "member_join",  1, "name level incarnation",                      op_member_join },
	{ "member_up",    1, "name id epoch host grantor",                  op_member_up },
	{ "member_lost",  1, "name id epoch grantor why",                   op_member_lost },
	{ "event",        1, "events",                                      op_event_add },
	{ "secret_set",   2, "name key sealed",                             op_secret_set },
	{ "secret_unset", 2, "name key",                                    op_secret_unset },
	{ "svc_restore",  2, "name revs",                                   op_svc_restore },
	{ "cluster_disarm", 1, "ms",                                        op_cluster_disarm },
	{ "cluster_arm",  1, "n",                                           op_cluster_arm },
	{ "node_disarm",  1, "id n over",                                   op_node_disarm },
	{ "svc_local",    1, "name node word node_token svc_token seq since",  op_svc_local },
	{ "svc_clear",    1, "name",                                        op_svc_clear },
	{ "svc_maintenance", 1, "name on",                                  op_svc_maintenance },
	{ "maintenance",  1, "node on",                                     op_maintenance },
	{ "node_drain",   1, "node on until",                               op_node_drain },
	{ "node_drain_over", 1, "id drained_at",                            op_node_drain_over },
	{ NULL, 0, NULL, NULL },
};
// clang-format on

static const struct op *op_find(const char *name)
{
	for (const struct op *o = op_table; o->name; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

struct doc *op_new(struct arena *a, const char *name, int64_t at,
		   const struct doc *by)
{
	struct doc *cmd = doc_map(a);
	const struct op *op = op_find(name);

	doc_put_str(a, cmd, "op", name);
	doc_put_int(a, cmd, "v", op ? op->version : OP_VERSION);
	doc_put_int(a, cmd, "at", at);
	if (by)
		doc_put(a, cmd, "by", doc_copy(a, by));
	return cmd;
}

struct doc *op_result(const struct op_env *env, enum op_code code,
		      const char *fmt, ...)
{
	struct arena *a = env->s->arena;
	struct doc *r = doc_map(a);
	char text[512];
	va_list ap;

	doc_put_int(a, r, "code", code);
	if (!fmt)
		return r;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	doc_put_str(a, r, "err", text);
	return r;
}

static void event_put(const struct op_env *env, struct doc *e)
{
	uint64_t seq = state_next(env->s, "event");
	struct state_key k = state_key_num(NULL, seq);

	doc_put_int(env->s->arena, e, "seq", (int64_t)seq);
	state_put(env->s, TABLE_EVENT, &k, e);
	if (seq <= STATE_EVENTS_KEPT)
		return;
	k = state_key_num(NULL, seq - STATE_EVENTS_KEPT);
	state_del(env->s, TABLE_EVENT, &k);
}

void op_event(const struct op_env *env, const char *kind, const char *service,
	      const char *node, const char *fmt, ...)
{
	struct arena *a = env->s->arena;
	struct doc *e = doc_map(a);
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	doc_put_int(a, e, "at", env->at);
	doc_put_str(a, e, "kind", kind);
	if (service)
		doc_put_str(a, e, "service", service);
	if (node)
		doc_put_str(a, e, "node", node);
	doc_put_str(a, e, "text", text);
	if (env->by)
		doc_put(a, e, "by", doc_copy(a, env->by));
	event_put(env, e);
	if (strcmp(kind, "state") != 0) /* what was seen, and nobody did */
		op_audit(env, kind, service, node, text);
}

void op_put_known(struct arena *a, struct doc *d, const char *key,
		  const char *text)
{
	if (text && *text)
		doc_put_str(a, d, key, text);
}

void op_audit(const struct op_env *env, const char *kind, const char *service,
	      const char *node, const char *text)
{
	struct arena *a = env->s->arena;
	struct doc *r = doc_map(a);

	doc_put_int(a, r, "at", env->at);
	doc_put_str(a, r, "op", doc_get_str(env->cmd, "op", ""));
	doc_put_str(a, r, "kind", kind);
	op_put_known(a, r, "service", service);
	op_put_known(a, r, "node", node);
	doc_put_str(a, r, "text", text);
	op_put_known(a, r, "comment", doc_get_str(env->cmd, "comment", NULL));
	if (service && strcmp(kind, "edit") == 0)
		op_put_known(a, r, "rev",
			     doc_get_str(state_service(env->s, service), "head",
					 NULL));
	if (env->by)
		doc_put(a, r, "by", doc_copy(a, env->by));
	audit_add(env->s, r);
}

#define EVENTS_PER_COMMAND 64

struct doc *op_event_add(const struct op_env *env, const struct doc *cmd)
{
	const struct doc *events = doc_get(cmd, "events");

	if (doc_len(events) > EVENTS_PER_COMMAND)
		return op_result(env, OP_USAGE, "more than %d events at once",
				 EVENTS_PER_COMMAND);
	for (size_t i = 0; i < doc_len(events); i++)
		if (doc_at(events, i)->type == DOC_MAP)
			event_put(env,
				  doc_copy(env->s->arena, doc_at(events, i)));
	return op_result(env, OP_OK, NULL);
}

const char *op_revision_id(struct arena *a, const struct doc *parents,
			   const char *config, size_t len)
{
	unsigned char sum[SHA256_DIGEST_LENGTH];
	struct buf text = BUF(a), hex = BUF(a);

	buf_puts(&text, "encap revision 1\n");
	for (size_t i = 0; i < doc_len(parents); i++)
		buf_printf(&text, "parent %s\n",
			   doc_text(doc_at(parents, i), ""));
	buf_puts(&text, "\n");
	buf_add(&text, config, len);
	SHA256((const unsigned char *)text.data, text.len, sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		buf_printf(&hex, "%02x", sum[i]);
	return hex.data;
}

/* Exactly once. A client (one run of an agent) numbers its commands; the
 * result of each is kept until the client says, by its floor, that it will
 * not ask again. A number below the floor that arrives late was given up by
 * its client: it is refused, whether or not it was applied before. */
#define CLIENTS_KEPT 256

static uint64_t key_tail(const struct txn_iter *it, size_t skip)
{
	const unsigned char *p = it->key.data;
	uint64_t n = 0;

	for (size_t i = skip; i < it->key.len; i++)
		n = n << 8 | p[i];
	return n;
}

/* Walks what is there: the numbers themselves come from outside. */
static void seen_forget(const struct state *s, const char *client, uint64_t to)
{
	struct state_key k = state_key(client, "");
	struct txn_iter it;

	txn_iter_init(&it, s->txn, s->group, TABLE_SEEN,
		      (struct bytes){ k.bytes, k.len });
	while (txn_iter_next(&it)) {
		uint64_t sq = key_tail(&it, k.len);

		if (sq >= to)
			return;
		k = state_key_num(client, sq);
		state_del(s, TABLE_SEEN, &k);
		k = state_key(client, "");
	}
}

/* A client that was never heard of again is forgotten when many newer ones
 * came; its results go with it. */
static void seen_new_client(const struct state *s, const char *client)
{
	uint64_t n = state_next(s, "client");
	struct state_key k = state_key_num(NULL, n);
	struct doc *old;
	const char *name;

	state_put(s, TABLE_SEEN, &k, doc_str(s->arena, client));
	if (n <= CLIENTS_KEPT)
		return;
	k = state_key_num(NULL, n - CLIENTS_KEPT);
	old = state_row(s, TABLE_SEEN, &k);
	state_del(s, TABLE_SEEN, &k);
	name = doc_text(old, NULL);
	if (!name)
		return;
	seen_forget(s, name, UINT64_MAX);
	k = state_key(name, NULL);
	state_del(s, TABLE_SEEN, &k);
}

struct seen {
	const char *client;
	uint64_t sq;
	struct doc *row; /* of the client */
};

/* NULL: never applied. */
static struct doc *seen_result(const struct op_env *env, struct seen *c)
{
	const struct state *s = env->s;
	struct state_key k = state_key(c->client, NULL);

	c->row = state_row(s, TABLE_SEEN, &k);
	if (!c->row)
		return NULL;
	if (c->sq < (uint64_t)doc_get_int(c->row, "floor", 0))
		return op_result(env, OP_TIMEOUT,
				 "this command was given up by its client");
	k = state_key_num(c->client, c->sq);
	return state_row(s, TABLE_SEEN, &k);
}

static void seen_record(const struct state *s, const struct seen *c,
			uint64_t floor, const struct doc *result)
{
	struct state_key k = state_key_num(c->client, c->sq);
	uint64_t was = (uint64_t)doc_get_int(c->row, "floor", 0);
	struct doc *row = doc_map(s->arena);

	state_put(s, TABLE_SEEN, &k, result);
	if (!c->row)
		seen_new_client(s, c->client);
	if (floor < was || floor > c->sq)
		floor = was;
	if (floor > was)
		seen_forget(s, c->client, floor);
	k = state_key(c->client, NULL);
	doc_put_int(s->arena, row, "floor", (int64_t)floor);
	state_put(s, TABLE_SEEN, &k, row);
}

static struct doc *op_run(const struct op_env *env, const struct doc *cmd)
{
	const char *name = doc_get_str(cmd, "op", "");
	const struct op *op = op_find(name);
	int64_t version = doc_get_int(cmd, "v", 0);

	/* The same words whether it is not known or not active yet: the result
	 * is part of the state. */
	if (!op || version < 1 || version > op->version ||
	    op_since(name) > env->version)
		return op_result(
			env, OP_FAILED,
			"command '%s' version %lld is not known to all "
			"members: 'encap cluster status' says whom to "
			"upgrade",
			name, (long long)version);
	return op->apply(env, cmd);
}

struct doc *op_apply(struct arena *a, struct txn *t, uint64_t group,
		     const struct doc *cmd)
{
	const struct state s = { .txn = t, .group = group, .arena = a };
	const struct op_env env = {
		.s = &s,
		.version = op_version_active(&s),
		.at = doc_get_int(cmd, "at", 0),
		.by = doc_get(cmd, "by"),
		.cmd = cmd,
	};
	struct seen c = {
		.client = doc_get_str(cmd, "cl", ""),
		.sq = (uint64_t)doc_get_int(cmd, "sq", 0),
	};
	bool counted =
		c.client[0] && strlen(c.client) <= 64 && !PLANTED(NO_DEDUPE);
	struct doc *result = counted ? seen_result(&env, &c) : NULL;

	if (result)
		return result;
	result = op_run(&env, cmd);
	if (counted)
		seen_record(&s, &c, (uint64_t)doc_get_int(cmd, "ak", 0),
			    result);
	return result;
}
