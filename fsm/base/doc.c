/*
 * Decoding is done in two passes. The first walks the raw msgpack and refuses
 * what is too deep, claims more items than there are bytes, or does not end
 * where the input ends; it allocates nothing. Only then does msgpack-c build
 * its objects: it reserves memory by the counts that the wire names, which is
 * harmless once those are known to be true.
 */
#include "fsm/base/doc.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/base/buf.h"
#include "fsm/base/utf8.h"

static struct doc *doc_new(struct arena *a, enum doc_type type)
{
	struct doc *d = ARENA_NEW(a, struct doc);

	d->type = type;
	return d;
}

struct doc *doc_map(struct arena *a)
{
	return doc_new(a, DOC_MAP);
}

struct doc *doc_list(struct arena *a)
{
	return doc_new(a, DOC_LIST);
}

struct doc *doc_nil(struct arena *a)
{
	return doc_new(a, DOC_NIL);
}

struct doc *doc_bool(struct arena *a, bool yes)
{
	struct doc *d = doc_new(a, DOC_BOOL);

	d->yes = yes;
	return d;
}

struct doc *doc_int(struct arena *a, int64_t num)
{
	struct doc *d = doc_new(a, DOC_INT);

	d->num = num;
	return d;
}

struct doc *doc_real(struct arena *a, double real)
{
	struct doc *d = doc_new(a, DOC_REAL);

	d->real = real;
	return d;
}

static const char *doc_bytes_copy(struct arena *a, const void *bytes, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	if (n)
		memcpy(copy, bytes, n);
	return copy;
}

static struct doc *doc_bytes(struct arena *a, enum doc_type type,
			     const void *bytes, size_t n)
{
	struct doc *d = doc_new(a, type);

	d->str.data = doc_bytes_copy(a, bytes, n);
	d->str.len = n;
	return d;
}

struct doc *doc_strn(struct arena *a, const char *text, size_t n)
{
	return doc_bytes(a, DOC_STR, text, n);
}

struct doc *doc_str(struct arena *a, const char *text)
{
	return text ? doc_strn(a, text, strlen(text)) : doc_nil(a);
}

struct doc *doc_bin(struct arena *a, const void *bytes, size_t n)
{
	return doc_bytes(a, DOC_BIN, bytes, n);
}

static void doc_reserve(struct arena *a, struct doc *d, size_t cap)
{
	struct doc **at = ARENA_VEC(a, struct doc *, cap);

	if (d->list.n)
		memcpy(at, d->list.at, d->list.n * sizeof(*at));
	d->list.at = at;
	d->list.cap = cap;
}

static void doc_grow(struct arena *a, struct doc *d)
{
	if (d->list.n == d->list.cap)
		doc_reserve(a, d, d->list.cap ? d->list.cap * 2 : 8);
}

/* Without looking whether @key, which lives on @a, is there already. */
static void doc_append(struct arena *a, struct doc *map, const char *key,
		       struct doc *value)
{
	value->key = key;
	doc_grow(a, map);
	map->list.at[map->list.n++] = value;
}

struct doc *doc_put(struct arena *a, struct doc *map, const char *key,
		    struct doc *value)
{
	assert(map->type == DOC_MAP);
	value->key = arena_printf(a, "%s", key);
	for (size_t i = 0; i < map->list.n; i++) {
		if (strcmp(map->list.at[i]->key, key) == 0) {
			map->list.at[i] = value;
			return value;
		}
	}
	doc_grow(a, map);
	map->list.at[map->list.n++] = value;
	return value;
}

struct doc *doc_add(struct arena *a, struct doc *list, struct doc *value)
{
	assert(list->type == DOC_LIST);
	doc_grow(a, list);
	list->list.at[list->list.n++] = value;
	return value;
}

void doc_put_str(struct arena *a, struct doc *map, const char *key,
		 const char *text)
{
	doc_put(a, map, key, doc_str(a, text));
}

void doc_put_int(struct arena *a, struct doc *map, const char *key, int64_t num)
{
	doc_put(a, map, key, doc_int(a, num));
}

void doc_put_bool(struct arena *a, struct doc *map, const char *key, bool yes)
{
	doc_put(a, map, key, doc_bool(a, yes));
}

void doc_put_bin(struct arena *a, struct doc *map, const char *key,
		 const void *bytes, size_t n)
{
	doc_put(a, map, key, doc_bin(a, bytes, n));
}

struct doc *doc_get(const struct doc *map, const char *key)
{
	if (!map || map->type != DOC_MAP)
		return NULL;
	for (size_t i = 0; i < map->list.n; i++)
		if (strcmp(map->list.at[i]->key, key) == 0)
			return map->list.at[i];
	return NULL;
}

const char *doc_text(const struct doc *d, const char *fallback)
{
	return d && d->type == DOC_STR ? d->str.data : fallback;
}

const char *doc_join(struct arena *a, const struct doc *list,
		     const char *separator)
{
	struct buf b = BUF(a);

	for (size_t i = 0; i < doc_len(list); i++)
		buf_printf(&b, "%s%s", i ? separator : "",
			   doc_text(doc_at(list, i), ""));
	return buf_text(&b);
}

const char *doc_get_str(const struct doc *map, const char *key,
			const char *fallback)
{
	return doc_text(doc_get(map, key), fallback);
}

bool doc_is(const struct doc *map, const char *key, const char *text)
{
	return strcmp(doc_get_str(map, key, ""), text) == 0;
}

int64_t doc_get_int(const struct doc *map, const char *key, int64_t fallback)
{
	const struct doc *d = doc_get(map, key);

	return d && d->type == DOC_INT ? d->num : fallback;
}

bool doc_get_bool(const struct doc *map, const char *key, bool fallback)
{
	const struct doc *d = doc_get(map, key);

	return d && d->type == DOC_BOOL ? d->yes : fallback;
}

static bool doc_is_list(const struct doc *d)
{
	return d && (d->type == DOC_LIST || d->type == DOC_MAP);
}

size_t doc_len(const struct doc *d)
{
	return doc_is_list(d) ? d->list.n : 0;
}

struct doc *doc_at(const struct doc *d, size_t i)
{
	assert(i < doc_len(d));
	return d->list.at[i];
}

static bool doc_equal_items(const struct doc *a, const struct doc *b)
{
	if (a->list.n != b->list.n)
		return false;
	for (size_t i = 0; i < a->list.n; i++) {
		const struct doc *x = a->list.at[i];
		const struct doc *y =
			a->type == DOC_MAP ? doc_get(b, x->key) : b->list.at[i];

		if (!y || !doc_equal(x, y))
			return false;
	}
	return true;
}

bool doc_equal(const struct doc *a, const struct doc *b)
{
	if (!a || !b || a->type != b->type)
		return a == b;
	switch (a->type) {
	case DOC_NIL:
		return true;
	case DOC_BOOL:
		return a->yes == b->yes;
	case DOC_INT:
		return a->num == b->num;
	case DOC_REAL:
		return memcmp(&a->real, &b->real, sizeof(a->real)) == 0;
	case DOC_STR:
	case DOC_BIN:
		return a->str.len == b->str.len &&
		       memcmp(a->str.data, b->str.data, a->str.len) == 0;
	case DOC_LIST:
	case DOC_MAP:
		return doc_equal_items(a, b);
	}
	return false;
}

struct doc *doc_copy(struct arena *a, const struct doc *d)
{
	struct doc *copy = doc_new(a, d->type);

	if (d->type == DOC_STR || d->type == DOC_BIN)
		return doc_bytes(a, d->type, d->str.data, d->str.len);
	if (!doc_is_list(d)) {
		*copy = *d;
		copy->key = NULL;
		return copy;
	}
	for (size_t i = 0; i < d->list.n; i++) {
		struct doc *item = doc_copy(a, d->list.at[i]);

		if (d->type == DOC_MAP)
			doc_append(a, copy,
				   arena_printf(a, "%s", d->list.at[i]->key),
				   item);
		else
			doc_add(a, copy, item);
	}
	return copy;
}

/* First pass: the shape of raw msgpack, by the specification's table of
 * formats (https://github.com/msgpack/msgpack/blob/master/spec.md). */
struct walk {
	const unsigned char *at, *end;
	uint64_t items; /* seen, or announced by what was seen */
};

/* What a first byte announces: @len bytes of payload, or @items values. */
struct shape {
	uint64_t len, items;
	unsigned size; /* bytes of the count or number that follows */
	bool counted, per_item_2, is_list;
};

static uint64_t walk_number(const unsigned char *p, unsigned size)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < size; i++)
		n = n << 8 | p[i];
	return n;
}

static int shape_of(unsigned char c, struct shape *s)
{
	static const struct {
		unsigned char first, last, size;
		bool counted, is_list, is_map;
	} rows[] = {
		{ 0xc0, 0xc0, 0, false, false, false }, /* nil */
		{ 0xc2, 0xc3, 0, false, false, false }, /* false, true */
		{ 0xc4, 0xc4, 1, true, false, false },	/* bin 8, 16, 32 */
		{ 0xc5, 0xc5, 2, true, false, false },
		{ 0xc6, 0xc6, 4, true, false, false },
		{ 0xca, 0xca, 4, false, false, false }, /* float, double */
		{ 0xcb, 0xcb, 8, false, false, false },
		{ 0xcc, 0xcc, 1, false, false, false }, /* unsigned */
		{ 0xcd, 0xcd, 2, false, false, false },
		{ 0xce, 0xce, 4, false, false, false },
		{ 0xcf, 0xcf, 8, false, false, false },
		{ 0xd0, 0xd0, 1, false, false, false }, /* signed */
		{ 0xd1, 0xd1, 2, false, false, false },
		{ 0xd2, 0xd2, 4, false, false, false },
		{ 0xd3, 0xd3, 8, false, false, false },
		{ 0xd9, 0xd9, 1, true, false, false }, /* str 8, 16, 32 */
		{ 0xda, 0xda, 2, true, false, false },
		{ 0xdb, 0xdb, 4, true, false, false },
		{ 0xdc, 0xdc, 2, true, true, false }, /* array 16, 32 */
		{ 0xdd, 0xdd, 4, true, true, false },
		{ 0xde, 0xde, 2, true, true, true }, /* map 16, 32 */
		{ 0xdf, 0xdf, 4, true, true, true },
	};

	*s = (struct shape){ 0 };
	if (c <= 0x7f || c >= 0xe0)
		return 0;
	if (c <= 0x9f) {
		s->is_list = true;
		s->items = (c & 0x0fu) * (c <= 0x8f ? 2u : 1u);
		return 0;
	}
	if (c <= 0xbf) {
		s->len = c & 0x1fu;
		return 0;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (c < rows[i].first || c > rows[i].last)
			continue;
		s->size = rows[i].size;
		s->counted = rows[i].counted;
		s->is_list = rows[i].is_list;
		s->per_item_2 = rows[i].is_map;
		return 0;
	}
	return -1; /* extension types and 0xc1: we send none */
}

static const char *walk_value(struct walk *w, unsigned depth)
{
	struct shape s;
	uint64_t n;

	if (depth > DOC_MAX_DEPTH)
		return "nested too deep";
	if (w->at == w->end)
		return "ends too early";
	if (shape_of(*w->at++, &s) < 0)
		return "a type that is not used here";
	if ((size_t)(w->end - w->at) < s.size)
		return "ends too early";
	n = walk_number(w->at, s.size);
	w->at += s.size;
	if (s.counted && s.is_list)
		s.items = s.per_item_2 ? n * 2 : n;
	else if (s.counted)
		s.len = n;
	if (s.len > (size_t)(w->end - w->at) ||
	    s.items > (size_t)(w->end - w->at))
		return "claims more than there is";
	if (s.per_item_2 && s.items > 2 * DOC_MAX_KEYS)
		return "a map with too many keys";
	w->items += s.items;
	if (w->items > DOC_MAX_ITEMS)
		return "too many items";
	w->at += s.len;
	for (uint64_t i = 0; i < s.items; i++) {
		const char *why = walk_value(w, depth + 1);

		if (why)
			return why;
	}
	return NULL;
}

static struct doc *doc_from(struct arena *a, const msgpack_object *o);

static int key_cmp(const void *x, const void *y)
{
	const struct doc *const *a = x, *const *b = y;

	return strcmp((*a)->key, (*b)->key);
}

/* Searching for each key in turn takes the square of their number, and a peer
 * chooses that. Once sorted, two that are the same are neighbours. */
static bool has_key_twice(struct arena *a, const struct doc *map)
{
	size_t n = map->list.n;
	struct doc **sorted;

	if (n < 2)
		return false;
	sorted = ARENA_VEC(a, struct doc *, n);
	memcpy(sorted, map->list.at, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), key_cmp);
	for (size_t i = 1; i < n; i++)
		if (key_cmp(&sorted[i - 1], &sorted[i]) == 0)
			return true;
	return false;
}

static struct doc *doc_from_map(struct arena *a, const msgpack_object_map *m)
{
	struct doc *d = doc_map(a);

	doc_reserve(a, d, m->size);
	for (uint32_t i = 0; i < m->size; i++) {
		const msgpack_object *k = &m->ptr[i].key;
		struct doc *value;

		if (k->type != MSGPACK_OBJECT_STR ||
		    (k->via.str.size &&
		     memchr(k->via.str.ptr, '\0', k->via.str.size)))
			return NULL;
		value = doc_from(a, &m->ptr[i].val);
		if (!value)
			return NULL;
		doc_append(a, d,
			   doc_bytes_copy(a, k->via.str.ptr, k->via.str.size),
			   value);
	}
	return has_key_twice(a, d) ? NULL : d;
}

static struct doc *doc_from_list(struct arena *a, const msgpack_object_array *l)
{
	struct doc *d = doc_list(a);

	doc_reserve(a, d, l->size);
	for (uint32_t i = 0; i < l->size; i++) {
		struct doc *item = doc_from(a, &l->ptr[i]);

		if (!item)
			return NULL;
		doc_add(a, d, item);
	}
	return d;
}

static struct doc *doc_from(struct arena *a, const msgpack_object *o)
{
	switch ((int)o->type) {
	case MSGPACK_OBJECT_NIL:
		return doc_nil(a);
	case MSGPACK_OBJECT_BOOLEAN:
		return doc_bool(a, o->via.boolean);
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		return o->via.u64 > INT64_MAX ? NULL
					      : doc_int(a, (int64_t)o->via.u64);
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return doc_int(a, o->via.i64);
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return doc_real(a, o->via.f64);
	case MSGPACK_OBJECT_STR:
		return doc_strn(a, o->via.str.ptr, o->via.str.size);
	case MSGPACK_OBJECT_BIN:
		return doc_bin(a, o->via.bin.ptr, o->via.bin.size);
	case MSGPACK_OBJECT_ARRAY:
		return doc_from_list(a, &o->via.array);
	case MSGPACK_OBJECT_MAP:
		return doc_from_map(a, &o->via.map);
	default:
		return NULL;
	}
}

int doc_decode(struct arena *a, const void *bytes, size_t len, struct doc **ret,
	       struct err *err)
{
	struct walk w = { bytes, (const unsigned char *)bytes + len, 1 };
	const char *why = walk_value(&w, 0);
	msgpack_unpacked u;
	size_t off = 0;
	struct doc *d;

	if (!why && w.at != w.end)
		why = "bytes after the end";
	if (why)
		return err_set(err, -EBADMSG, "message: byte %zu of %zu: %s",
			       (size_t)(w.at - (const unsigned char *)bytes),
			       len, why);
	msgpack_unpacked_init(&u);
	if (msgpack_unpack_next(&u, bytes, len, &off) !=
	    MSGPACK_UNPACK_SUCCESS) {
		msgpack_unpacked_destroy(&u);
		return err_set(err, -EBADMSG, "message: not msgpack");
	}
	d = doc_from(a, &u.data);
	msgpack_unpacked_destroy(&u);
	if (!d)
		return err_set(err, -EBADMSG,
			       "message: a map key that is no text or comes "
			       "twice, or a number out of range");
	*ret = d;
	return 0;
}

static int buf_write(void *data, const char *bytes, size_t n)
{
	buf_add(data, bytes, n);
	return 0;
}

static void pack_str(msgpack_packer *pk, const char *s, size_t n)
{
	msgpack_pack_str(pk, n);
	msgpack_pack_str_body(pk, s, n);
}

static void pack(msgpack_packer *pk, const struct doc *d)
{
	switch (d->type) {
	case DOC_NIL:
		msgpack_pack_nil(pk);
		return;
	case DOC_BOOL:
		if (d->yes)
			msgpack_pack_true(pk);
		else
			msgpack_pack_false(pk);
		return;
	case DOC_INT:
		msgpack_pack_int64(pk, d->num);
		return;
	case DOC_REAL:
		msgpack_pack_double(pk, d->real);
		return;
	case DOC_STR:
		pack_str(pk, d->str.data, d->str.len);
		return;
	case DOC_BIN:
		msgpack_pack_bin(pk, d->str.len);
		msgpack_pack_bin_body(pk, d->str.data, d->str.len);
		return;
	case DOC_LIST:
		msgpack_pack_array(pk, d->list.n);
		break;
	case DOC_MAP:
		msgpack_pack_map(pk, d->list.n);
		break;
	}
	for (size_t i = 0; i < d->list.n; i++) {
		const struct doc *item = d->list.at[i];

		if (d->type == DOC_MAP)
			pack_str(pk, item->key, strlen(item->key));
		pack(pk, item);
	}
}

void doc_encode(struct buf *out, const struct doc *d)
{
	msgpack_packer pk;

	msgpack_packer_init(&pk, out, buf_write);
	pack(&pk, d);
}

static void json_str(struct buf *out, const char *s, size_t n)
{
	buf_puts(out, "\"");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		size_t len = utf8_char(&s[i], n - i);

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_puts(out, "\\n");
		else if (c == '\t')
			buf_puts(out, "\\t");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\u%04x", c);
		else if (!len)
			buf_puts(out, "\\ufffd"); /* a reader must not choke */
		else
			buf_add(out, &s[i], len);
		i += len ? len - 1 : 0;
	}
	buf_puts(out, "\"");
}

static void json_newline(struct buf *out, int indent, int depth)
{
	if (indent)
		buf_printf(out, "\n%*s", indent * depth, "");
}

static void json(struct buf *out, const struct doc *d, int indent, int depth);

static void json_items(struct buf *out, const struct doc *d, int indent,
		       int depth)
{
	const char *marks = d->type == DOC_MAP ? "{}" : "[]";

	buf_add(out, &marks[0], 1);
	for (size_t i = 0; i < d->list.n; i++) {
		const struct doc *item = d->list.at[i];

		if (i)
			buf_puts(out, indent ? "," : ", ");
		json_newline(out, indent, depth + 1);
		if (d->type == DOC_MAP) {
			json_str(out, item->key, strlen(item->key));
			buf_puts(out, ": ");
		}
		json(out, item, indent, depth + 1);
	}
	if (d->list.n)
		json_newline(out, indent, depth);
	buf_add(out, &marks[1], 1);
}

static void json(struct buf *out, const struct doc *d, int indent, int depth)
{
	switch (d->type) {
	case DOC_NIL:
		buf_puts(out, "null");
		return;
	case DOC_BOOL:
		buf_puts(out, d->yes ? "true" : "false");
		return;
	case DOC_INT:
		buf_printf(out, "%lld", (long long)d->num);
		return;
	case DOC_REAL:
		if (isfinite(d->real))
			buf_printf(out, "%.17g", d->real);
		else
			buf_puts(out, "null");
		return;
	case DOC_STR:
		json_str(out, d->str.data, d->str.len);
		return;
	case DOC_BIN:
		buf_puts(out, "\"");
		for (size_t i = 0; i < d->str.len; i++)
			buf_printf(out, "%02x", (unsigned char)d->str.data[i]);
		buf_puts(out, "\"");
		return;
	case DOC_LIST:
	case DOC_MAP:
		json_items(out, d, indent, depth);
		return;
	}
}

void doc_json(struct buf *out, const struct doc *d, int indent)
{
	json(out, d, indent, 0);
}
