#include "cluster/sim/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct image {
	struct simdisk *wal, *snap;
	struct arena *arena;
	struct doc *identity;
	char *data; /* of the database */
	size_t len;
};

static void data_path(const struct world_node *n, char *path, size_t size)
{
	snprintf(path, size, "%s/%s/data.mdb", n->world->dir, n->name);
}

static bool data_read(struct image *i, const struct world_node *n)
{
	struct stat st;
	char path[192];
	FILE *f;

	data_path(n, path, sizeof(path));
	f = fopen(path, "rb");
	if (!f)
		return false;
	if (fstat(fileno(f), &st) < 0)
		abort();
	i->len = (size_t)st.st_size;
	i->data = malloc(i->len + 1);
	if (!i->data || fread(i->data, 1, i->len, f) != i->len)
		abort();
	fclose(f);
	return true;
}

static void data_write(const struct image *i, const struct world_node *n)
{
	char path[192];
	FILE *f;

	data_path(n, path, sizeof(path));
	f = fopen(path, "wb");
	if (!f || fwrite(i->data, 1, i->len, f) != i->len || fclose(f) != 0)
		abort();
}

struct image *image_take(struct world_node *n)
{
	struct image *i = calloc(1, sizeof(*i));

	if (!i)
		abort();
	if (!n->identity || !data_read(i, n)) {
		free(i);
		return NULL;
	}
	i->wal = simdisk_clone(n->wal);
	i->snap = simdisk_clone(n->snap);
	i->arena = arena_new();
	i->identity = doc_copy(i->arena, n->identity);
	world_trace(n->world, "%s: a snapshot is taken", n->name);
	return i;
}

void image_restore(const struct image *i, struct world_node *n)
{
	world_trace(n->world, "%s: is rolled back", n->name);
	world_agent_kill(n);
	simdisk_free(n->wal);
	simdisk_free(n->snap);
	n->wal = simdisk_clone(i->wal);
	n->snap = simdisk_clone(i->snap);
	simdisk_restart(n->wal);
	simdisk_restart(n->snap);
	arena_free(n->identity_arena);
	n->identity_arena = arena_new();
	n->identity = doc_copy(n->identity_arena, i->identity);
	data_write(i, n);
	world_agent_start_in(n, 50 + world_random(n->world, 500));
}

void image_free(struct image *i)
{
	if (!i)
		return;
	simdisk_free(i->wal);
	simdisk_free(i->snap);
	arena_free(i->arena);
	free(i->data);
	free(i);
}
