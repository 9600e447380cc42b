/*
 * Requests about secrets. A value comes in and is sealed here, before it is
 * proposed; no request gives one back.
 */
#include <errno.h>
#include <string.h>

#include "cluster/agent/request.h"

static bool key_refused(struct request *r)
{
	const char *why = op_secret_key_refused(request_arg(r, "key"));

	if (why)
		REFUSE(r, OP_USAGE, "%s", why);
	return why != NULL;
}

/* A value is text or bytes. NULL, and the request is answered, if it is
 * neither or too long. */
static const struct doc *value_of(struct request *r)
{
	const struct doc *v = doc_get(r->doc, "value");

	if (!v || (v->type != DOC_STR && v->type != DOC_BIN))
		REFUSE(r, OP_USAGE, "a secret needs a value");
	else if (v->str.len > OP_SECRET_MAX)
		REFUSE(r, OP_USAGE, "a secret is at most %d bytes long",
		       OP_SECRET_MAX);
	else
		return v;
	return NULL;
}

/* As request_service(), but a fence device has secrets, too. */
static uint64_t owner_group(struct request *r)
{
	struct txn *t = txn_begin_read(r->agent->db, NULL);
	struct state s = { t, CLUSTER_GROUP, r->arena };
	bool device = t && r->agent->level == LEVEL_HYPERVISOR &&
		      op_fence_owner(&s, request_arg(r, "name"));

	txn_abort(t);
	return device ? CLUSTER_GROUP : request_service(r);
}

void request_secret_set(struct request *r)
{
	struct agent *g = r->agent;
	const char *name = request_arg(r, "name"), *key = request_arg(r, "key");
	unsigned char nonce[12];
	const struct doc *value;
	struct seal_key k;
	struct doc *cmd;
	struct err err;
	uint64_t gid;

	if (key_refused(r))
		return;
	value = value_of(r);
	gid = value ? owner_group(r) : 0;
	if (!gid)
		return;
	if (secret_service_key(g, name, &k, &err) < 0) {
		REFUSE(r, OP_FAILED, "%s", err.text);
		return;
	}
	g->io.random(g->io.ctx, nonce, sizeof(nonce));
	cmd = request_command(r, "secret_set");
	request_pass(r, cmd, "name");
	request_pass(r, cmd, "key");
	doc_put(r->arena, cmd, "sealed",
		seal_shut(r->arena, &k, name, key, nonce, value->str.data,
			  value->str.len));
	request_propose(r, gid, cmd);
}

void request_secret_unset(struct request *r)
{
	uint64_t gid;
	struct doc *cmd;

	if (key_refused(r))
		return;
	gid = owner_group(r);
	if (!gid)
		return;
	cmd = request_command(r, "secret_unset");
	request_pass(r, cmd, "name");
	request_pass(r, cmd, "key");
	request_propose(r, gid, cmd);
}

static struct doc *secret_row(struct arena *a, const struct doc *row)
{
	struct doc *d = doc_map(a);

	doc_put_str(a, d, "key", row->key);
	doc_put_int(a, d, "at", doc_get_int(row, "at", 0));
	if (doc_get(row, "by"))
		doc_put(a, d, "by", doc_copy(a, doc_get(row, "by")));
	return d;
}

void request_secret_ls(struct request *r)
{
	uint64_t gid = owner_group(r);
	struct txn *t = gid ? txn_begin_read(r->agent->db, NULL) : NULL;
	struct doc *data, *list, *rows;

	if (!gid)
		return;
	data = doc_map(r->arena);
	list = doc_put(r->arena, data, "secrets", doc_list(r->arena));
	rows = t ? state_secrets(&(struct state){ t, gid, r->arena },
				 request_arg(r, "name"))
		 : NULL;
	for (size_t i = 0; i < doc_len(rows); i++)
		doc_add(r->arena, list, secret_row(r->arena, doc_at(rows, i)));
	txn_abort(t);
	request_data(r, data);
}
