#include "fsm/state/audit.h"

#include <openssl/sha.h>
#include <string.h>

static const char zeros[] =
	"0000000000000000000000000000000000000000000000000000000000000000";

const char *audit_hash(struct arena *a, const struct doc *record)
{
	struct doc *bare = doc_map(a);
	struct buf text = BUF(a), hex = BUF(a);
	unsigned char sum[SHA256_DIGEST_LENGTH];

	for (size_t i = 0; i < doc_len(record); i++) {
		const struct doc *v = doc_at(record, i);

		if (strcmp(v->key, "hash") != 0)
			doc_put(a, bare, v->key, doc_copy(a, v));
	}
	doc_json(&text, bare, 0);
	SHA256((const unsigned char *)text.data, text.len, sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		buf_printf(&hex, "%02x", sum[i]);
	return hex.data;
}

/* -- the chain --------------------------------------------------------------
 */

static struct doc *record_at(const struct state *s, uint64_t seq)
{
	struct state_key k = state_key_num(NULL, seq);

	return state_row(s, TABLE_AUDIT, &k);
}

uint64_t audit_last(const struct state *s)
{
	return state_counter(s, "audit");
}

struct doc *audit_anchor(const struct state *s)
{
	struct state_key k = state_key("", NULL);
	struct doc *row = state_row(s, TABLE_AUDIT, &k);

	if (row)
		return row;
	row = doc_map(s->arena);
	doc_put_int(s->arena, row, "seq", 0);
	doc_put_str(s->arena, row, "hash", zeros);
	return row;
}

static void forget(const struct state *s, uint64_t seq)
{
	struct state_key k = state_key_num(NULL, seq);
	struct doc *anchor = doc_map(s->arena);

	doc_put_int(s->arena, anchor, "seq", (int64_t)seq);
	doc_put_str(s->arena, anchor, "hash",
		    doc_get_str(record_at(s, seq), "hash", zeros));
	state_del(s, TABLE_AUDIT, &k);
	k = state_key("", NULL);
	state_put(s, TABLE_AUDIT, &k, anchor);
}

void audit_add(const struct state *s, const struct doc *record)
{
	struct arena *a = s->arena;
	struct doc *row = doc_map(a);
	const struct doc *before = record_at(s, audit_last(s));
	uint64_t seq = state_next(s, "audit");
	struct state_key k = state_key_num(NULL, seq);

	doc_put_int(a, row, "seq", (int64_t)seq);
	for (size_t i = 0; i < doc_len(record); i++)
		doc_put(a, row, doc_at(record, i)->key,
			doc_copy(a, doc_at(record, i)));
	doc_put_str(a, row, "prev", doc_get_str(before, "hash", zeros));
	doc_put_str(a, row, "hash", audit_hash(a, row));
	state_put(s, TABLE_AUDIT, &k, row);
	if (seq > AUDIT_KEPT)
		forget(s, seq - AUDIT_KEPT);
}

struct doc *audit_records(const struct state *s, uint64_t after, size_t max)
{
	struct doc *list = doc_list(s->arena);
	uint64_t last = audit_last(s);
	uint64_t from = (uint64_t)doc_get_int(audit_anchor(s), "seq", 0);

	if (after > from)
		from = after;
	while (from < last && doc_len(list) < max) {
		struct doc *row = record_at(s, ++from);

		if (row)
			doc_add(s->arena, list, row);
	}
	return list;
}

/* -- checking ---------------------------------------------------------------
 */

void audit_check_begin(struct audit_check *c, const struct doc *anchor)
{
	const char *hash = doc_get_str(anchor, "hash", zeros);
	size_t n = strlen(hash);

	*c = (struct audit_check){ .seq = (uint64_t)doc_get_int(anchor, "seq",
								0) };
	memcpy(c->hash, hash, n < 64 ? n : 64);
}

const char *audit_check_next(struct audit_check *c, struct arena *a,
			     const struct doc *record)
{
	uint64_t seq = (uint64_t)doc_get_int(record, "seq", 0);
	const char *hash = doc_get_str(record, "hash", "");

	if (seq != c->seq + 1)
		return arena_printf(a,
				    "record %llu is missing: after %llu comes "
				    "%llu",
				    (unsigned long long)c->seq + 1,
				    (unsigned long long)c->seq,
				    (unsigned long long)seq);
	if (strcmp(doc_get_str(record, "prev", ""), c->hash) != 0)
		return arena_printf(a,
				    "record %llu does not follow from the one "
				    "before it: one of the two was changed",
				    (unsigned long long)seq);
	if (strcmp(audit_hash(a, record), hash) != 0)
		return arena_printf(a,
				    "record %llu does not have the hash of "
				    "what it says: it was changed",
				    (unsigned long long)seq);
	c->seq = seq;
	memcpy(c->hash, hash, 64);
	return NULL;
}
