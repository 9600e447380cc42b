#include "tests/sim/plant.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/wal_format.h"

const char *const plant_names[PLANT_N] = {
	[PLANT_NONE] = "none",
	[PLANT_DISK_LIES] = "disk-lies",
	[PLANT_VOTE_LOST] = "vote-lost",
	[PLANT_NET_ALTERS] = "net-alters",
	[PLANT_NET_LATE] = "net-late",
	[PLANT_NO_DEDUPE] = "no-dedupe",
	[PLANT_STALE_READ] = "stale-read",
	[PLANT_DIVERGES] = "diverges",
	[PLANT_EARLY_ACK] = "early-ack",
};

/* -- a disk that says that it has written what it has only in its cache -------
 */

enum { LIE_US = 40 * MS };

static void on_sync(struct world *w, void *arg, uint64_t n)
{
	struct node *x = arg;

	simdisk_free(x->behind);
	x->behind = simdisk_clone(x->wal);
	world_at(w, LIE_US, on_sync, x, n);
}

void plant_begin(struct world *w)
{
	if (w->plant != PLANT_DISK_LIES)
		return;
	for (unsigned i = 0; i < w->n_nodes; i++)
		world_at(w, world_pick(w, LIE_US), on_sync, &w->nodes[i], 0);
}

void plant_power_lost(struct node *x)
{
	if (x->world->plant != PLANT_DISK_LIES || !x->behind)
		return;
	simdisk_free(x->wal);
	x->wal = x->behind;
	x->behind = NULL;
}

/* -- a disk that forgets whom the node voted for ------------------------------
 */

static void forget_votes(uint8_t *at, size_t len)
{
	struct wal_batch b;
	uint8_t *p = at + WAL_BATCH_HEAD;

	if (len < WAL_BATCH_HEAD || !wal_batch_peek(at, &b))
		return;
	for (uint32_t i = 0; i < b.count; i++) {
		struct wal_record r;
		size_t size = wal_record_decode(p, &r);

		if (r.kind == WAL_VOTE) {
			r.aux = 0;
			wal_record_encode(p, &r);
		}
		p += size;
	}
	wal_batch_seal(at, &b);
}

static int lossy_write(void *ctx, const char *name, uint64_t off,
		       const void *buf, size_t len)
{
	struct node *x = ctx;
	const struct wal_disk *d = simdisk_disk(x->wal);
	uint8_t *copy = malloc(len);
	int rc;

	assert(copy);
	memcpy(copy, buf, len);
	forget_votes(copy, len);
	rc = d->write(d->ctx, name, off, copy, len);
	free(copy);
	return rc;
}

static const struct wal_disk *inner(void *ctx)
{
	return simdisk_disk(((struct node *)ctx)->wal);
}

static int lossy_list(void *ctx, void (*each)(void *arg, const char *name),
		      void *arg)
{
	return inner(ctx)->list(inner(ctx)->ctx, each, arg);
}

static int lossy_create(void *ctx, const char *name, uint64_t size)
{
	return inner(ctx)->create(inner(ctx)->ctx, name, size);
}

static int lossy_size(void *ctx, const char *name, uint64_t *ret)
{
	return inner(ctx)->size(inner(ctx)->ctx, name, ret);
}

static int lossy_read(void *ctx, const char *name, uint64_t off, void *buf,
		      size_t len)
{
	return inner(ctx)->read(inner(ctx)->ctx, name, off, buf, len);
}

static int lossy_rename(void *ctx, const char *from, const char *to)
{
	return inner(ctx)->rename(inner(ctx)->ctx, from, to);
}

static int lossy_remove(void *ctx, const char *name)
{
	return inner(ctx)->remove(inner(ctx)->ctx, name);
}

const struct wal_disk *plant_disk(struct node *x)
{
	if (x->world->plant != PLANT_VOTE_LOST)
		return simdisk_disk(x->wal);
	x->lossy = (struct wal_disk){ .ctx = x,
				      .list = lossy_list,
				      .create = lossy_create,
				      .size = lossy_size,
				      .read = lossy_read,
				      .write = lossy_write,
				      .rename = lossy_rename,
				      .remove = lossy_remove };
	return &x->lossy;
}

/* -- a network that alters
 * ------------------------------------------------------ */

/* One letter of the text of a command. */
static bool alter_text(char *data, size_t len)
{
	for (size_t i = 0; i + 5 < len; i++)
		if (memcmp(data + i, "text", 4) == 0 && i + 8 < len) {
			data[i + 7] ^= 1;
			return true;
		}
	return false;
}

static void alter(struct world *w, struct arena *a, struct doc *msg)
{
	struct doc *list = doc_get(msg, "e");

	for (size_t i = 2; i < doc_len(list); i += 3) {
		struct doc *bin = doc_at(list, i);
		char *copy = arena_alloc(a, bin->str.len + 1);

		if (!world_chance(w, 10))
			continue;
		memcpy(copy, bin->str.data, bin->str.len);
		if (alter_text(copy, bin->str.len))
			bin->str.data = copy;
	}
}

void plant_message(struct world *w, struct arena *a, struct doc *msg)
{
	if (w->plant == PLANT_NET_ALTERS)
		alter(w, a, msg);
}

void plant_arrival(struct node *x, struct doc *msg)
{
	const char *kind = doc_get_str(msg, "k", "");
	struct doc *st = doc_get(msg, "st");

	if (x->world->plant == PLANT_NET_LATE && st &&
	    (strcmp(kind, "ar") == 0 || strcmp(kind, "ca") == 0))
		st->num = (int64_t)node_now_ms(x);
}
