#include "fsm/state/revision.h"

#include <errno.h>
#include <openssl/sha.h>
#include <string.h>

#include "fsm/rev/lines.h"

#define BLOCK	32 /* revisions that share a whole text */
#define SUM_LEN 16

static uint64_t block_first(uint64_t n)
{
	return (n - 1) / BLOCK * BLOCK + 1;
}

static uint64_t block_last(uint64_t n)
{
	return block_first(n) + BLOCK - 1;
}

static struct doc *text_row(const struct state *s, const char *service,
			    uint64_t n, struct arena *a)
{
	const struct state view = { s->txn, s->group, a };
	struct state_key k = state_key_num(service, n);

	return state_row(&view, TABLE_TEXT, &k);
}

/* From the first whole text at or after it, back step by step. NULL if it is
 * not there. */
static const char *text_at(const struct state *s, const char *service,
			   uint64_t n)
{
	struct arena *held = NULL;
	const char *text = NULL;
	uint64_t whole = n;

	while (whole < block_last(n)) {
		SCOPED(arena) struct arena *a = arena_new();

		if (!doc_get(text_row(s, service, whole, a), "delta"))
			break;
		whole++;
	}
	for (uint64_t i = whole; i >= n; i--) {
		struct arena *a = arena_new();
		const struct doc *row = text_row(s, service, i, a);

		text = doc_get(row, "delta") && text
			       ? lines_patch(a, text, doc_get(row, "delta"))
			       : doc_get_str(row, "config", NULL);
		arena_free(held);
		held = a;
	}
	if (text)
		text = arena_printf(s->arena, "%s", text);
	arena_free(held);
	return text;
}

static void sum_of(const char *config, unsigned char ret[SHA256_DIGEST_LENGTH])
{
	SHA256((const unsigned char *)config, strlen(config), ret);
}

/* -- reading --------------------------------------------------------------- */

static bool is_stored_only(const char *key)
{
	return strcmp(key, "sum") == 0 || strcmp(key, "config") == 0;
}

/* Without what only the store needs, and without the text. */
static struct doc *row_shown(const struct state *s, const struct doc *row)
{
	struct doc *d = doc_map(s->arena);

	for (size_t i = 0; i < doc_len(row); i++)
		if (!is_stored_only(doc_at(row, i)->key))
			doc_put(s->arena, d, doc_at(row, i)->key,
				doc_copy(s->arena, doc_at(row, i)));
	return d;
}

static struct doc *stored_row(const struct state *s, const char *service,
			      const char *rev)
{
	struct state_key k = state_key(service, rev);

	return state_row(s, TABLE_REVISION, &k);
}

struct doc *state_revision(const struct state *s, const char *service,
			   const char *rev)
{
	struct doc *row = stored_row(s, service, rev), *d;
	const char *text = doc_get_str(row, "config", NULL);

	if (!row)
		return NULL;
	if (!text)
		text = text_at(s, service, (uint64_t)doc_get_int(row, "n", 1));
	if (!text) /* not what apply wrote */
		return NULL;
	d = row_shown(s, row);
	doc_put_str(s->arena, d, "config", text);
	return d;
}

static const char *rev_at(const struct state *s, const char *service,
			  uint64_t n)
{
	struct state_key k = state_key_num(service, n);

	return doc_text(state_row(s, TABLE_HISTORY, &k), NULL);
}

struct doc *state_history(const struct state *s, const char *service,
			  uint64_t before, size_t max)
{
	const struct doc *row = state_service(s, service);
	uint64_t n = (uint64_t)doc_get_int(row, "revisions", 0);
	struct doc *list = doc_list(s->arena);
	uint64_t kept = 0;

	if (before && before <= n)
		n = before - 1;
	/* Below "oldest" there are only those that a draft keeps. */
	for (; n && doc_len(list) < max && kept < 2 * STATE_REVISIONS_KEPT;
	     n--, kept++) {
		const char *rev = rev_at(s, service, n);
		struct doc *d = rev ? stored_row(s, service, rev) : NULL;

		if (d)
			doc_add(s->arena, list, row_shown(s, d));
	}
	return list;
}

/* -- names of revisions ---------------------------------------------------- */

static bool number_of(const char *text, uint64_t *ret)
{
	uint64_t n = 0;

	if (!*text || strlen(text) > 15)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	*ret = n;
	return true;
}

static const char *rev_numbered(const struct state *s, const char *service,
				const char *word, struct err *err)
{
	const struct doc *row = state_service(s, service);
	uint64_t last = (uint64_t)doc_get_int(row, "revisions", 0), n = 0;
	const char *rev;
	bool ok;

	if (*word == '#') {
		ok = number_of(word + 1, &n);
	} else {
		word += strlen("head");
		ok = !*word || (*word == '~' && number_of(word + 1, &n));
		n = ok && n < last ? last - n : 0;
	}
	if (!ok) {
		err_set(err, -EINVAL,
			"a revision is head, head~3, #12 or the first digits "
			"of its id");
		return NULL;
	}
	rev = n ? rev_at(s, service, n) : NULL;
	if (!rev)
		err_set(err, -ENOENT,
			"%s has no revision so old (any more): 'encap history "
			"%s' lists those that are kept",
			service, service);
	return rev;
}

const char *state_revision_named(const struct state *s, const char *service,
				 const char *word, struct err *err)
{
	struct state_key prefix = state_key(service, word);
	const char *found = NULL;
	struct txn_iter it;

	if (*word == '#' || strncmp(word, "head", 4) == 0)
		return rev_numbered(s, service, word, err);
	if (strlen(word) < 4 || !state_key_fits(&prefix)) {
		err_set(err, -EINVAL,
			"a revision is named by four or more of its first "
			"digits, or as head, head~3, #12");
		return NULL;
	}
	txn_iter_init(&it, s->txn, s->group, TABLE_REVISION,
		      (struct bytes){ prefix.bytes, prefix.len });
	while (txn_iter_next(&it)) {
		size_t skip = strlen(service) + 1;

		if (found) {
			err_set(err, -EEXIST,
				"several revisions of %s begin with %s: give "
				"more of the digits",
				service, word);
			return NULL;
		}
		found = doc_text(doc_strn(s->arena,
					  (const char *)it.key.data + skip,
					  it.key.len - skip),
				 NULL);
	}
	if (!found)
		err_set(err, -ENOENT,
			"%s has no revision %s: 'encap history %s' lists those "
			"that are kept",
			service, word, service);
	return found;
}

const char *revision_of_text(const struct state *s, const char *service,
			     const char *config)
{
	struct state_key prefix = state_key(service, "");
	unsigned char sum[SHA256_DIGEST_LENGTH];
	const char *found = NULL;
	int64_t newest = 0;
	struct txn_iter it;
	struct doc *row, *d;

	sum_of(config, sum);
	txn_iter_init(&it, s->txn, s->group, TABLE_REVISION,
		      (struct bytes){ prefix.bytes, prefix.len });
	while (txn_iter_next(&it)) {
		if (doc_decode(s->arena, it.value.data, it.value.len, &row,
			       NULL) < 0 ||
		    doc_get_int(row, "n", 0) <= newest)
			continue;
		d = doc_get(row, "sum"); /* of an older version: none */
		if (d ? d->type == DOC_BIN && d->str.len == SUM_LEN &&
				    memcmp(d->str.data, sum, SUM_LEN) == 0
		      : strcmp(doc_get_str(row, "config", ""), config) == 0) {
			newest = doc_get_int(row, "n", 0);
			found = doc_get_str(row, "rev", "");
		}
	}
	return found;
}

/* -- writing --------------------------------------------------------------- */

static size_t encoded_len(struct arena *a, const struct doc *d)
{
	struct buf b = BUF(a);

	doc_encode(&b, d);
	return b.len;
}

/* What was the newest text becomes its difference from the one that is. */
static void text_put(const struct state *s, const char *service, uint64_t n,
		     const char *config)
{
	struct arena *a = s->arena;
	struct state_key k = state_key_num(service, n);
	struct doc *row = doc_map(a), *delta;
	const char *before;

	doc_put_str(a, row, "config", config);
	state_put(s, TABLE_TEXT, &k, row);
	if (n == block_first(n))
		return;
	before = doc_get_str(text_row(s, service, n - 1, a), "config", NULL);
	delta = before ? lines_delta(a, config, before) : NULL;
	if (!delta || encoded_len(a, delta) > strlen(before) / 2 + 64)
		return;
	row = doc_map(a);
	doc_put(a, row, "delta", delta);
	k = state_key_num(service, n - 1);
	state_put(s, TABLE_TEXT, &k, row);
}

/* The row without its text. */
static struct doc *row_stored(const struct state *s, const struct doc *row,
			      uint64_t n)
{
	unsigned char sum[SHA256_DIGEST_LENGTH];
	struct doc *d = row_shown(s, row);

	doc_put_int(s->arena, d, "n", (int64_t)n);
	sum_of(doc_get_str(row, "config", ""), sum);
	doc_put_bin(s->arena, d, "sum", sum, SUM_LEN);
	return d;
}

void revision_put(const struct state *s, struct doc *service, struct doc *row)
{
	struct arena *a = s->arena;
	const char *name = doc_get_str(service, "name", "");
	const char *rev = doc_get_str(row, "rev", "");
	uint64_t n = (uint64_t)doc_get_int(service, "revisions", 0) + 1;
	struct state_key k = state_key(name, rev);

	text_put(s, name, n, doc_get_str(row, "config", ""));
	state_put(s, TABLE_REVISION, &k, row_stored(s, row, n));
	k = state_key_num(name, n);
	state_put(s, TABLE_HISTORY, &k, doc_str(a, rev));
	doc_put_int(a, service, "revisions", (int64_t)n);
	doc_put_str(a, service, "head", rev);
}

/* -- forgetting ------------------------------------------------------------ */

static bool is_pinned(const struct doc *drafts, const char *rev)
{
	for (size_t i = 0; i < doc_len(drafts); i++) {
		const struct doc *d = doc_at(drafts, i);

		if (strcmp(doc_get_str(d, "base", ""), rev) == 0 ||
		    strcmp(doc_get_str(d, "head", ""), rev) == 0)
			return true;
	}
	return false;
}

/* The texts of a block go with the last of its revisions: until then, older
 * ones that a draft keeps may rest on them. */
static void forget(const struct state *s, const char *service, uint64_t n,
		   const char *rev)
{
	uint64_t first = block_first(n);
	struct state_key k = state_key(service, rev);

	state_del(s, TABLE_REVISION, &k);
	k = state_key_num(service, n);
	state_del(s, TABLE_HISTORY, &k);
	for (uint64_t i = first; i < first + BLOCK; i++)
		if (rev_at(s, service, i))
			return;
	for (uint64_t i = first; i < first + BLOCK; i++) {
		k = state_key_num(service, i);
		state_del(s, TABLE_TEXT, &k);
	}
}

bool revision_known(const struct state *s, const char *service, const char *rev)
{
	return stored_row(s, service, rev) != NULL;
}

int64_t revision_time(const struct state *s, const char *service,
		      const char *rev, int64_t fallback)
{
	return doc_get_int(stored_row(s, service, rev), "at", fallback);
}

static bool too_old(const struct state *s, const char *service, const char *rev,
		    int64_t at)
{
	int64_t made = revision_time(s, service, rev, at);

	return at > STATE_HISTORY_MS && made < at - STATE_HISTORY_MS;
}

void revisions_prune(const struct state *s, struct doc *service, int64_t at)
{
	const char *name = doc_get_str(service, "name", "");
	uint64_t last = (uint64_t)doc_get_int(service, "revisions", 0);
	uint64_t from = (uint64_t)doc_get_int(service, "oldest", 1), n = from;
	const struct doc *drafts = NULL;

	for (; n < last; n++) {
		const char *rev = rev_at(s, name, n);

		if (!rev)
			continue;
		if (n + STATE_REVISIONS_KEPT > last &&
		    !too_old(s, name, rev, at))
			break;
		if (!drafts)
			drafts = state_drafts(s, name);
		if (!is_pinned(drafts, rev))
			forget(s, name, n, rev);
	}
	if (n != from)
		doc_put_int(s->arena, service, "oldest", (int64_t)n);
}

void revisions_unpin(const struct state *s, const struct doc *service,
		     const struct doc *draft)
{
	static const char *const named[] = { "base", "head" };
	const char *name = doc_get_str(service, "name", "");
	int64_t oldest = doc_get_int(service, "oldest", 1);
	const struct doc *drafts = state_drafts(s, name);

	for (size_t i = 0; i < 2; i++) {
		const char *rev = doc_get_str(draft, named[i], "");
		struct doc *row = *rev ? stored_row(s, name, rev) : NULL;
		int64_t n = doc_get_int(row, "n", oldest);

		if (row && n < oldest && !is_pinned(drafts, rev))
			forget(s, name, (uint64_t)n, rev);
	}
}
