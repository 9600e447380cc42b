/*
 * audit - who changed what, as a chain that shows when a link of it was
 * changed.
 *
 *     op_apply ─▶ audit_add ─▶ [record] ─ each holds the hash of the one before
 *                                └─▶ audit_check (anywhere): does it hold?
 *
 * A record: {seq, at, op, kind, service?, node?, text, comment?, rev?, by{user,
 * node, level, tool}?, prev, hash}. Its hash is SHA-256 (FIPS 180-4), in hex,
 * of the record as one line of JSON (doc_json) without "hash"; prev is the hash
 * of the record before it, of the first one 64 zeros. In Python:
 *
 *     r.pop("hash"); sha256(json.dumps(r, ensure_ascii=False).encode())
 *
 * The oldest records are dropped; the anchor keeps number and hash of the last
 * one that was. Every member has the chain: who alters his own makes it differ
 * from the others'.
 */
#pragma once

#include "fsm/state/state.h"

#define AUDIT_KEPT 8192 /* per group */

/* Adds seq, prev and hash to @record, which begins with at. */
void audit_add(const struct state *s, const struct doc *record);

/* {seq, hash}: what the oldest record follows. Of a chain that lost none,
 * {0, zeros}. */
struct doc *audit_anchor(const struct state *s);
/* The number of the newest record; 0 if there is none. */
uint64_t audit_last(const struct state *s);
/* Records after @after, oldest first, at most @max. */
struct doc *audit_records(const struct state *s, uint64_t after, size_t max);

/* On @a. */
const char *audit_hash(struct arena *a, const struct doc *record);

/* Records in order, one at a time. */
struct audit_check {
	uint64_t seq;  /* of the last one, or of the anchor */
	char hash[65]; /* its */
};
void audit_check_begin(struct audit_check *c, const struct doc *anchor);
/* NULL; or what is wrong with @record, a sentence on @a. */
const char *audit_check_next(struct audit_check *c, struct arena *a,
			     const struct doc *record);
