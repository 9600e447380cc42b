/*
 * doc - a tree of values: what travels, what is stored, what is shown.
 *
 *     bytes ──doc_decode──▶ [doc] ──doc_encode──▶ bytes (msgpack)
 *                             └────doc_json─────▶ text
 *
 * Messages, commands, stored records and answers are all maps of this kind,
 * so there is one decoder to bound and to fuzz. Everything lives on an arena.
 * A map keeps the order in which its keys were set, so that encoding is
 * deterministic.
 *
 * Readers never fail: a key that is missing or of another type gives the
 * fallback. Code that must insist on a field asks for the doc and checks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fsm/base/arena.h"
#include "fsm/base/buf.h"
#include "store/err.h"

enum doc_type {
	DOC_NIL,
	DOC_BOOL,
	DOC_INT,
	DOC_REAL,
	DOC_STR, /* NUL-terminated as well as counted */
	DOC_BIN,
	DOC_LIST,
	DOC_MAP,
};

/*
 * Bounds that doc_decode() holds whatever the bytes say. An item is a value or
 * a key. The longest honest message is the status of a service of 1,024
 * sections on nine nodes, both levels of it: 350,000 items. An item of one
 * byte becomes about a hundred of memory, so what is decoded takes no more than
 * some 60 MiB beside its own bytes. Entries of the log are decoded under the
 * same bounds and must be so on every member: they may be raised with a new
 * feature of the cluster, and never lowered.
 */
#define DOC_MAX_DEPTH 24
#define DOC_MAX_KEYS  4096 /* of one map: keys are searched in turn */
#define DOC_MAX_ITEMS (512 * 1024)

struct doc {
	enum doc_type type;
	const char *key; /* of this value in its map; NULL elsewhere */
	union {
		bool yes;
		int64_t num;
		double real;
		struct {
			const char *data;
			size_t len;
		} str; /* DOC_STR and DOC_BIN */
		struct {
			struct doc **at;
			size_t n, cap;
		} list; /* DOC_LIST and DOC_MAP */
	};
};

struct doc *doc_map(struct arena *a);
struct doc *doc_list(struct arena *a);
struct doc *doc_nil(struct arena *a);
struct doc *doc_bool(struct arena *a, bool yes);
struct doc *doc_int(struct arena *a, int64_t num);
struct doc *doc_real(struct arena *a, double real);
struct doc *doc_str(struct arena *a, const char *text); /* copied; NULL: nil */
struct doc *doc_strn(struct arena *a, const char *text, size_t n);
struct doc *doc_bin(struct arena *a, const void *bytes, size_t n); /* copied */

/* Set @key in @map (replacing in place), or append to @list. @value must not
 * be in another map: its key is set here. Returns @value. */
struct doc *doc_put(struct arena *a, struct doc *map, const char *key,
		    struct doc *value);
struct doc *doc_add(struct arena *a, struct doc *list, struct doc *value);

void doc_put_str(struct arena *a, struct doc *map, const char *key,
		 const char *text);
void doc_put_int(struct arena *a, struct doc *map, const char *key,
		 int64_t num);
void doc_put_bool(struct arena *a, struct doc *map, const char *key, bool yes);
void doc_put_bin(struct arena *a, struct doc *map, const char *key,
		 const void *bytes, size_t n);

/* NULL if @map is NULL, no map, or has no such key. */
struct doc *doc_get(const struct doc *map, const char *key);
const char *doc_get_str(const struct doc *map, const char *key,
			const char *fallback);
int64_t doc_get_int(const struct doc *map, const char *key, int64_t fallback);
bool doc_get_bool(const struct doc *map, const char *key, bool fallback);
/* Is it this text? What is no text, or not there, counts as "". */
bool doc_is(const struct doc *map, const char *key, const char *text);

/* Number of items of a list or map; 0 for NULL and for anything else. */
size_t doc_len(const struct doc *d);
/* The i-th item of a list or map. */
struct doc *doc_at(const struct doc *d, size_t i);
const char *doc_text(const struct doc *d, const char *fallback);
/* The texts of a list in one, on @a; what is no text counts as empty. */
const char *doc_join(struct arena *a, const struct doc *list,
		     const char *separator);
bool doc_equal(const struct doc *a, const struct doc *b);
struct doc *doc_copy(struct arena *a, const struct doc *d);

/* msgpack. Exactly one value must fill @len bytes. Nothing that the bytes
 * claim is believed before it is checked against what is there: no allocation
 * is larger than a small multiple of @len. Strings and binaries are copied to
 * @a. Returns 0, or -EBADMSG with the offset and the reason. */
int doc_decode(struct arena *a, const void *bytes, size_t len, struct doc **ret,
	       struct err *err);
void doc_encode(struct buf *out, const struct doc *d);

/* JSON (RFC 8259); @indent 0 gives one line. Binaries become hex text. */
void doc_json(struct buf *out, const struct doc *d, int indent);
