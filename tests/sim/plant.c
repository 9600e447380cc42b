#include "tests/sim/plant.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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
	if (!PLANTED(DISK_LIES))
		return;
	for (unsigned i = 0; i < w->n_nodes; i++)
		world_at(w, world_pick(w, LIE_US), on_sync, &w->nodes[i], 0);
}

void plant_power_lost(struct node *x)
{
	if (!PLANTED(DISK_LIES) || !x->behind)
		return;
	simdisk_free(x->wal);
	x->wal = x->behind;
	x->behind = NULL;
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
	if (PLANTED(NET_ALTERS))
		alter(w, a, msg);
}
