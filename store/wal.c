#include "store/wal_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

uint8_t *wal_alloc(size_t size)
{
	return aligned_alloc(WAL_BLOCK, size);
}

int wal_no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "write-ahead log: out of memory");
}

int wal_spare_add(struct wal *w, uint64_t seq, uint64_t size)
{
	if (w->n_spares == w->cap_spares) {
		size_t cap = w->cap_spares ? w->cap_spares * 2 : 8;
		void *more = reallocarray(w->spares, cap, sizeof(*w->spares));

		if (!more)
			return -ENOMEM;
		w->spares = more;
		w->cap_spares = cap;
	}
	w->spares[w->n_spares++] = (struct wal_spare){ seq, size };
	return 0;
}

static uint64_t segment_size(uint64_t want)
{
	if (!want)
		want = WAL_SEGMENT_DEFAULT;
	if (want < WAL_SEGMENT_MIN)
		want = WAL_SEGMENT_MIN;
	return (want + WAL_BLOCK - 1) / WAL_BLOCK * WAL_BLOCK;
}

int wal_open(struct wal **ret, const struct wal_disk *disk, uint64_t size,
	     wal_replay_fn replay, void *arg, struct err *err)
{
	struct wal *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return wal_no_memory(err);
	w->disk = disk;
	w->segment_size = segment_size(size);
	rc = wal_load(w, replay, arg, err);
	if (rc == 0 && !wal_space_last(&w->space)) {
		struct wal_flush *f = wal_flush_first(w);

		rc = wal_flush_end(w, f, wal_flush_run(f, NULL), err);
	}
	if (rc != 0) {
		wal_close(w);
		return rc;
	}
	w->flushes = w->records = 0;
	*ret = w;
	return 0;
}

void wal_close(struct wal *w)
{
	if (!w)
		return;
	wal_space_fini(&w->space);
	wal_flush_fini(&w->flush);
	free(w->pending.data);
	free(w->spares);
	free(w);
}

static int wal_failed(const struct wal *w, struct err *err)
{
	if (w->failed.code && err)
		*err = w->failed;
	return w->failed.code;
}

int wal_add(struct wal *w, const struct wal_record *r, struct err *err)
{
	uint64_t most = w->segment_size - WAL_OVERHEAD;
	int rc = wal_failed(w, err);

	assert(r->kind >= WAL_ENTRY && r->kind <= WAL_DROP);
	if (rc < 0)
		return rc;
	if (r->len > most || r->len > UINT32_MAX)
		return err_set(
			err, -EMSGSIZE,
			"write-ahead log: a record of %zu bytes does not "
			"fit; the most is %zu",
			r->len, (size_t)most);
	rc = wal_stream_put(&w->pending, r);
	return rc < 0 ? wal_no_memory(err) : 0;
}

void wal_release(struct wal *w, uint64_t group, uint64_t index)
{
	wal_space_release(&w->space, group, index);
}

bool wal_dirty(const struct wal *w)
{
	return w->pending.records > 0;
}

int wal_sync(struct wal *w, struct err *err)
{
	int rc = wal_failed(w, err);
	struct wal_flush *f;

	assert(!w->is_flushing);
	if (rc < 0)
		return rc;
	f = wal_flush_begin(w);
	return f ? wal_flush_end(w, f, wal_flush_run(f, NULL), err) : 0;
}

void wal_stats(const struct wal *w, struct wal_stats *ret)
{
	const struct wal_space *s = &w->space;

	*ret = (struct wal_stats){ .segments = s->n_segments + w->n_spares,
				   .flushes = w->flushes,
				   .records = w->records };
	for (size_t i = 0; i < s->n_segments; i++)
		if (s->segments[i]->pins || i + 1 == s->n_segments)
			ret->bytes_live += s->segments[i]->size;
}
