#include "fsm/state/state.h"

#include <assert.h>
#include <string.h>

/* Parts come from commands, and so from anywhere. A key that is too long is
 * cut to the full size, which no row has: it is put nowhere and never found. */
static void key_add(struct state_key *k, const void *bytes, size_t n)
{
	size_t room = sizeof(k->bytes) - k->len;

	if (n > room)
		n = room;
	memcpy(k->bytes + k->len, bytes, n);
	k->len += n;
}

bool state_key_fits(const struct state_key *k)
{
	return k->len < sizeof(k->bytes);
}

static void key_add_num(struct state_key *k, uint64_t num)
{
	unsigned char be[8];

	for (int i = 7; i >= 0; i--, num >>= 8)
		be[i] = (unsigned char)num;
	key_add(k, be, sizeof(be));
}

struct state_key state_key(const char *part, const char *part2)
{
	struct state_key k = { .len = 0 };

	key_add(&k, part, strlen(part));
	if (part2) {
		key_add(&k, "", 1);
		key_add(&k, part2, strlen(part2));
	}
	return k;
}

struct state_key state_key_num(const char *part, uint64_t num)
{
	struct state_key k = { .len = 0 };

	if (part) {
		key_add(&k, part, strlen(part));
		key_add(&k, "", 1);
	}
	key_add_num(&k, num);
	return k;
}

static struct bytes key_bytes(const struct state_key *k)
{
	struct bytes b = { k->bytes, k->len };

	return b;
}

static struct doc *row_decode(const struct state *s, struct bytes value)
{
	struct doc *d;

	/* What does not decode was not written by apply: treated as absent,
	 * which every op answers with an error and no change. */
	if (doc_decode(s->arena, value.data, value.len, &d, NULL) < 0)
		return NULL;
	return d;
}

struct doc *state_row(const struct state *s, enum table t,
		      const struct state_key *k)
{
	struct bytes value;

	if (!txn_get(s->txn, s->group, t, key_bytes(k), &value))
		return NULL;
	return row_decode(s, value);
}

void state_put(const struct state *s, enum table t, const struct state_key *k,
	       const struct doc *row)
{
	struct buf out = BUF(s->arena);
	struct bytes value;

	assert(state_key_fits(k)); /* who puts has checked the parts */
	doc_encode(&out, row);
	value = (struct bytes){ out.data, out.len };
	txn_put(s->txn, s->group, t, key_bytes(k), value);
}

void state_del(const struct state *s, enum table t, const struct state_key *k)
{
	txn_del(s->txn, s->group, t, key_bytes(k));
}

static struct doc *row2(const struct state *s, enum table t, const char *part,
			const char *part2)
{
	struct state_key k = state_key(part, part2);

	return state_row(s, t, &k);
}

struct doc *state_cluster(const struct state *s)
{
	return row2(s, TABLE_CLUSTER, "", NULL);
}

struct doc *state_node(const struct state *s, uint64_t id)
{
	struct state_key k = state_key_num(NULL, id);

	return state_row(s, TABLE_NODE, &k);
}

struct doc *state_service(const struct state *s, const char *name)
{
	return row2(s, TABLE_SERVICE, name, NULL);
}

struct doc *state_draft(const struct state *s, const char *service,
			const char *id)
{
	return row2(s, TABLE_DRAFT, service, id);
}

struct doc *state_assign(const struct state *s, const char *service,
			 const char *node)
{
	return row2(s, TABLE_ASSIGN, service, node);
}

struct doc *state_instance(const struct state *s, const char *service,
			   const char *node)
{
	return row2(s, TABLE_INSTANCE, service, node);
}

struct doc *state_order(const struct state *s, const char *service,
			const char *node)
{
	return row2(s, TABLE_ORDER, service, node);
}

struct doc *state_member(const struct state *s, const char *name)
{
	return row2(s, TABLE_MEMBER, name, NULL);
}

struct doc *state_node_named(const struct state *s, const char *name)
{
	struct doc *nodes = state_nodes(s);

	for (size_t i = 0; i < doc_len(nodes); i++) {
		struct doc *n = doc_at(nodes, i);

		if (strcmp(doc_get_str(n, "name", ""), name) == 0)
			return n;
	}
	return NULL;
}

/* Rows whose key starts with @first NUL (all for NULL). */
static struct doc *rows_list(const struct state *s, enum table t,
			     const char *first)
{
	struct doc *list = doc_list(s->arena);
	struct state_key k = { .len = 0 };
	struct txn_iter it;

	if (first)
		k = state_key(first, "");
	txn_iter_init(&it, s->txn, s->group, t, key_bytes(&k));
	while (txn_iter_next(&it)) {
		struct doc *row = row_decode(s, it.value);

		if (row)
			doc_add(s->arena, list, row);
	}
	return list;
}

/* The same, by the rest of it. */
static struct doc *rows_map(const struct state *s, enum table t,
			    const char *first)
{
	struct doc *map = doc_map(s->arena);
	struct state_key k = { .len = 0 };
	struct txn_iter it;

	if (first)
		k = state_key(first, "");
	txn_iter_init(&it, s->txn, s->group, t, key_bytes(&k));
	while (txn_iter_next(&it)) {
		struct doc *row = row_decode(s, it.value);
		const char *rest = (const char *)it.key.data + k.len;
		const char *name = doc_text(
			doc_strn(s->arena, rest, it.key.len - k.len), "");

		if (row)
			doc_put(s->arena, map, name, row);
	}
	return map;
}

struct doc *state_nodes(const struct state *s)
{
	return rows_list(s, TABLE_NODE, NULL);
}

struct doc *state_services(const struct state *s)
{
	return rows_list(s, TABLE_SERVICE, NULL);
}

struct doc *state_drafts(const struct state *s, const char *service)
{
	return rows_list(s, TABLE_DRAFT, service);
}

struct doc *state_assigns(const struct state *s, const char *service)
{
	return rows_map(s, TABLE_ASSIGN, service);
}

struct doc *state_instances(const struct state *s, const char *service)
{
	return rows_map(s, TABLE_INSTANCE, service);
}

struct doc *state_secrets(const struct state *s, const char *service)
{
	return rows_map(s, TABLE_SECRET, service);
}

struct doc *state_orders(const struct state *s, const char *service)
{
	return rows_map(s, TABLE_ORDER, service);
}

struct doc *state_members(const struct state *s)
{
	return rows_map(s, TABLE_MEMBER, NULL);
}

struct doc *state_events(const struct state *s, uint64_t after, size_t max)
{
	struct doc *list = doc_list(s->arena);
	uint64_t last = state_counter(s, "event");

	if (after >= last) /* it comes from outside, and may be anything */
		return list;
	if (last > STATE_EVENTS_KEPT && after < last - STATE_EVENTS_KEPT)
		after = last - STATE_EVENTS_KEPT;
	for (uint64_t seq = after + 1; seq <= last && doc_len(list) < max;
	     seq++) {
		struct state_key k = state_key_num(NULL, seq);
		struct doc *row = state_row(s, TABLE_EVENT, &k);

		if (row)
			doc_add(s->arena, list, row);
	}
	return list;
}

uint64_t state_counter(const struct state *s, const char *name)
{
	struct doc *row = row2(s, TABLE_COUNTER, name, NULL);

	return row && row->type == DOC_INT ? (uint64_t)row->num : 0;
}

uint64_t state_next(const struct state *s, const char *name)
{
	struct state_key k = state_key(name, NULL);
	uint64_t next = state_counter(s, name) + 1;

	state_put(s, TABLE_COUNTER, &k, doc_int(s->arena, (int64_t)next));
	return next;
}
