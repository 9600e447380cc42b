/*
 * A flush is planned when it begins, on the owner's thread: a list of steps
 * with their bytes. wal_flush_run() carries them out, in order, each one
 * durable before the next; wal_flush_end() takes over what follows from them.
 *
 * Usually there is one step, the write of one batch. When the segment is full:
 *   1. a spare is renamed to (or a file created as) the next segment;
 *   2. its header is written, listing the older segments of the log. From here
 *      on it is the newest. Free segments are not listed: they are spares now;
 *   3. the batch is written.
 * A crash before 2 leaves a file with an old or torn header, which the next
 * opening takes for a spare. A file is only ever renamed or removed once the
 * newest header does not list it: so whatever is listed must be there.
 *
 * Before a segment becomes free, what must survive of it is carried forward
 * (wal_space), at the head of a flush: that repeats what is durable, and what
 * is pending may go beyond it. This starts when the newest segment is half
 * full, one segment per flush, so that a spare is there when it is full.
 */
#include "store/wal_internal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* -- planning -------------------------------------------------------- */

struct plan {
	struct wal *w;
	struct wal_flush *f;
	struct wal_header head; /* for the segment after this one */
	uint64_t seq, size, off;
	uint64_t last_batch; /* in it; 0: none */
	uint64_t number;     /* of the next batch */
	bool is_open;	     /* a batch is being put together: */
	size_t at;	     /* in f->buf */
	struct wal_batch batch;
};

static uint64_t round_up(uint64_t n)
{
	return (n + WAL_BLOCK - 1) / WAL_BLOCK * WAL_BLOCK;
}

/* @len more bytes behind the others. NULL: out of memory. */
static uint8_t *buf_add(struct wal_flush *f, size_t len)
{
	if (f->cap - f->len < len) {
		size_t cap = f->cap ? f->cap : 64 << 10;
		uint8_t *more;

		while (cap - f->len < len)
			cap *= 2;
		more = wal_alloc(cap);
		if (!more)
			return NULL;
		if (f->len)
			memcpy(more, f->buf, f->len);
		free(f->buf);
		f->buf = more;
		f->cap = cap;
	}
	f->len += len;
	return f->buf + f->len - len;
}

static int step_add(struct plan *p, const struct wal_step *step)
{
	struct wal_flush *f = p->f;

	if (f->n_steps == f->cap_steps) {
		size_t cap = f->cap_steps ? f->cap_steps * 2 : 8;
		void *more = reallocarray(f->steps, cap, sizeof(*f->steps));

		if (!more)
			return wal_no_memory(&f->err);
		f->steps = more;
		f->cap_steps = cap;
	}
	f->steps[f->n_steps++] = *step;
	return 0;
}

/* Who holds back the oldest segment that is held back. */
static int too_many(const struct wal *w, struct err *err)
{
	const struct wal_space *s = &w->space;
	uint64_t oldest = UINT64_MAX, group = 0;

	for (size_t i = 0; i < s->n_buckets; i++)
		for (const struct wal_group *g = s->buckets[i]; g; g = g->next)
			if (g->n_spans && g->spans[0].segment->seq < oldest) {
				oldest = g->spans[0].segment->seq;
				group = g->id;
			}
	return err_set(err, -ENOSPC,
		       "write-ahead log: %d segments are in use, more cannot "
		       "be; the oldest holds entries of group %" PRIu64
		       ", of which no snapshot was taken",
		       WAL_LIVE_MAX + 1, group);
}

static int close_batch(struct plan *p)
{
	struct wal_flush *f = p->f;
	size_t len = WAL_BATCH_HEAD + p->batch.bytes;
	size_t pad = round_up(len) - len;
	uint8_t *zeros;

	if (!p->is_open)
		return 0;
	zeros = buf_add(f, pad);
	if (!zeros)
		return wal_no_memory(&f->err);
	memset(zeros, 0, pad);
	p->is_open = false;
	p->last_batch = p->number++;
	p->off += len + pad;
	return step_add(p, &(struct wal_step){ .kind = WAL_STEP_BATCH,
					       .seq = p->seq,
					       .off = p->off - len - pad,
					       .at = p->at,
					       .len = len + pad,
					       .batch = p->batch });
}

/* A file for segment @seq: the one that has its name, another, or a new one. */
static int plan_file(struct plan *p, uint64_t seq)
{
	struct wal *w = p->w;
	struct wal_step step = { .kind = WAL_STEP_CREATE, .seq = seq };
	size_t pick = w->n_spares;

	for (size_t i = 0; i < w->n_spares; i++)
		if (w->spares[i].size == w->segment_size &&
		    (pick == w->n_spares || w->spares[i].seq == seq))
			pick = i;
	if (pick == w->n_spares)
		return step_add(p, &step);
	step.kind = WAL_STEP_RENAME;
	step.from = w->spares[pick].seq;
	w->spares[pick] = w->spares[--w->n_spares];
	return step.from == seq ? 0 : step_add(p, &step);
}

/* Spares that are too many, or of a size that is no longer wanted. */
static int plan_removals(struct plan *p)
{
	struct wal *w = p->w;
	size_t kept = 0;
	int rc = 0;

	for (size_t i = 0; i < w->n_spares && rc == 0; i++) {
		struct wal_spare s = w->spares[i];

		if (s.size == w->segment_size && kept < WAL_SPARES_KEPT)
			w->spares[kept++] = s;
		else
			rc = step_add(
				p, &(struct wal_step){ .kind = WAL_STEP_REMOVE,
						       .from = s.seq });
	}
	w->n_spares = kept;
	return rc;
}

static int plan_segment(struct plan *p)
{
	struct wal_header *h = &p->head;
	struct wal_step step = { .kind = WAL_STEP_HEADER, .len = WAL_BLOCK };
	uint8_t *block;
	int rc;

	if (p->seq) {
		if (h->n_live == WAL_LIVE_MAX)
			return too_many(p->w, &p->f->err);
		h->live[h->n_live++] =
			(struct wal_live){ p->seq, p->last_batch };
	}
	step.seq = ++p->seq;
	rc = plan_file(p, step.seq);
	if (rc == 0)
		rc = plan_removals(p);
	if (rc < 0)
		return rc;
	block = buf_add(p->f, WAL_BLOCK);
	if (!block)
		return wal_no_memory(&p->f->err);
	step.at = (size_t)(block - p->f->buf);
	p->size = p->w->segment_size;
	p->off = WAL_BLOCK;
	p->last_batch = 0;
	h->version = WAL_VERSION;
	h->seq = p->seq;
	h->size = p->size;
	h->first_batch = p->number;
	wal_header_encode(block, h);
	return step_add(p, &step);
}

static int open_batch(struct plan *p)
{
	uint8_t *head = buf_add(p->f, WAL_BATCH_HEAD);

	if (!head)
		return wal_no_memory(&p->f->err);
	memset(head, 0, WAL_BATCH_HEAD);
	p->at = (size_t)(head - p->f->buf);
	p->batch = (struct wal_batch){ .seq = p->seq, .number = p->number };
	p->is_open = true;
	return 0;
}

/* @count encoded records, not to be parted. */
static int plan_records(struct plan *p, const uint8_t *data, size_t len,
			uint32_t count)
{
	uint8_t *at;
	int rc = 0;

	if (p->is_open &&
	    p->off + WAL_BATCH_HEAD + p->batch.bytes + len > p->size)
		rc = close_batch(p);
	if (rc == 0 && !p->is_open) {
		if (p->off + WAL_BATCH_HEAD + len > p->size)
			rc = plan_segment(p);
		assert(rc < 0 || p->off + WAL_BATCH_HEAD + len <= p->size);
		if (rc == 0)
			rc = open_batch(p);
	}
	if (rc < 0)
		return rc;
	at = buf_add(p->f, len);
	if (!at)
		return wal_no_memory(&p->f->err);
	memcpy(at, data, len);
	p->batch.bytes += (uint32_t)len;
	p->batch.count += count;
	return 0;
}

/* What is carried of one group goes as a whole: its first record hides what
 * the others repeat. */
static int plan_stream(struct plan *p, const struct wal_stream *st,
		       bool is_carried)
{
	size_t pos = 0;
	int rc = 0;

	while (pos < st->len && rc == 0) {
		struct wal_record r, next;
		size_t start = pos;
		uint32_t count = 1;

		pos += wal_record_decode(st->data + pos, &r);
		while (is_carried && pos < st->len) {
			size_t n = wal_record_decode(st->data + pos, &next);

			if (next.group != r.group)
				break;
			pos += n;
			count++;
		}
		rc = plan_records(p, st->data + start, pos - start, count);
	}
	return rc;
}

/* Choose a segment to give away, and put what must survive of it to
 * f->carried. */
static int condemn(struct wal *w, struct wal_flush *f)
{
	struct wal_space *s = &w->space;
	struct wal_segment *last = wal_space_last(s);

	if (w->off < last->size / 2)
		return 0;
	for (size_t i = 0; i < s->n_segments; i++) {
		struct wal_segment *seg = s->segments[i];

		if (seg == last || seg->pins || seg->condemned)
			continue;
		seg->condemned = true;
		f->condemned = seg;
		if (wal_space_carry(s, seg, &f->carried) < 0)
			return wal_no_memory(&f->err);
		return 0;
	}
	return 0;
}

static void plan_init(struct plan *p, struct wal *w, struct wal_flush *f)
{
	const struct wal_space *s = &w->space;
	struct wal_segment *last = wal_space_last(s);

	*p = (struct plan){ .w = w, .f = f, .number = w->next_batch };
	if (!last)
		return;
	p->seq = last->seq;
	p->size = last->size;
	p->off = w->off;
	p->last_batch = last->last_batch;
	for (size_t i = 0; i + 1 < s->n_segments; i++) {
		const struct wal_segment *seg = s->segments[i];

		if (!seg->free)
			p->head.live[p->head.n_live++] =
				(struct wal_live){ seg->seq, seg->last_batch };
	}
}

static struct wal_flush *flush_reset(struct wal *w)
{
	struct wal_flush *f = &w->flush;

	f->disk = w->disk;
	f->segment_size = w->segment_size;
	f->carried.len = f->taken.len = f->len = f->n_steps = 0;
	f->carried.records = f->taken.records = 0;
	f->condemned = NULL;
	f->err.code = 0;
	w->is_flushing = true;
	return f;
}

struct wal_flush *wal_flush_first(struct wal *w)
{
	struct wal_flush *f = flush_reset(w);
	struct plan p;

	w->next_batch = 1;
	plan_init(&p, w, f);
	plan_segment(&p);
	return f;
}

struct wal_flush *wal_flush_begin(struct wal *w)
{
	struct wal_stream empty;
	struct wal_flush *f;
	struct plan p;
	int rc;

	if (w->failed.code || w->is_flushing || !w->pending.records)
		return NULL;
	f = flush_reset(w);
	empty = f->taken;
	f->taken = w->pending;
	w->pending = empty;
	/* What goes wrong here, wal_flush_run() reports. */
	rc = condemn(w, f);
	plan_init(&p, w, f);
	if (rc == 0)
		rc = plan_stream(&p, &f->carried, true);
	if (rc == 0)
		rc = plan_stream(&p, &f->taken, false);
	if (rc == 0)
		close_batch(&p);
	return f;
}

void wal_flush_fini(struct wal_flush *f)
{
	free(f->carried.data);
	free(f->taken.data);
	free(f->buf);
	free(f->steps);
}

/* -- running --------------------------------------------------------- */

static int step_run(struct wal_flush *f, const struct wal_step *s)
{
	const struct wal_disk *d = f->disk;
	char name[WAL_NAME_SIZE], from[WAL_NAME_SIZE];

	wal_name_format(name, s->seq);
	wal_name_format(from, s->from);
	if (s->kind == WAL_STEP_BATCH)
		wal_batch_seal(f->buf + s->at, &s->batch);
	switch (s->kind) {
	case WAL_STEP_REMOVE:
		return d->remove(d->ctx, from);
	case WAL_STEP_CREATE:
		return d->create(d->ctx, name, f->segment_size);
	case WAL_STEP_RENAME:
		return d->rename(d->ctx, from, name);
	case WAL_STEP_HEADER:
	case WAL_STEP_BATCH:
		return d->write(d->ctx, name, s->off, f->buf + s->at, s->len);
	}
	return 0;
}

static int step_failed(const struct wal_step *s, int rc, struct err *err)
{
	static const char *const verbs[] = {
		[WAL_STEP_REMOVE] = "remove", [WAL_STEP_CREATE] = "create",
		[WAL_STEP_RENAME] = "rename", [WAL_STEP_HEADER] = "write",
		[WAL_STEP_BATCH] = "write",
	};
	bool is_old = s->kind == WAL_STEP_REMOVE || s->kind == WAL_STEP_RENAME;
	char name[WAL_NAME_SIZE];

	wal_name_format(name, is_old ? s->from : s->seq);
	if (s->len)
		return err_set(err, rc,
			       "write-ahead log: write %zu bytes at %" PRIu64
			       " of %s: %s",
			       s->len, s->off, name, strerror(-rc));
	return err_set(err, rc, "write-ahead log: %s %s: %s", verbs[s->kind],
		       name, strerror(-rc));
}

int wal_flush_run(struct wal_flush *f, struct err *err)
{
	for (size_t i = 0; i < f->n_steps && !f->err.code; i++) {
		int rc = step_run(f, &f->steps[i]);

		if (rc < 0)
			step_failed(&f->steps[i], rc, &f->err);
	}
	if (f->err.code && err)
		*err = f->err;
	return f->err.code;
}

/* -- the end --------------------------------------------------------- */

/* A new header is durable: what it does not list is spare. */
static int begin_segment(struct wal *w, const struct wal_step *step)
{
	struct wal_space *s = &w->space;
	size_t i = 0;

	while (i < s->n_segments) {
		struct wal_segment *seg = s->segments[i];

		if (!seg->free) {
			i++;
			continue;
		}
		if (wal_spare_add(w, seg->seq, seg->size) < 0)
			return -ENOMEM;
		wal_space_forget(s, seg);
	}
	w->off = WAL_BLOCK;
	return wal_space_push(s, step->seq, w->segment_size) ? 0 : -ENOMEM;
}

static int end_batch(struct wal *w, const struct wal_step *step)
{
	struct wal_segment *seg = wal_space_last(&w->space);
	const uint8_t *p = w->flush.buf + step->at + WAL_BATCH_HEAD;
	struct wal_record r;

	assert(seg->seq == step->seq && w->off == step->off);
	for (uint32_t i = 0; i < step->batch.count; i++) {
		p += wal_record_decode(p, &r);
		if (wal_space_apply(&w->space, seg, &r) < 0)
			return -ENOMEM;
	}
	seg->last_batch = step->batch.number;
	w->next_batch = step->batch.number + 1;
	w->off += step->len;
	return 0;
}

static int take_over(struct wal *w, struct wal_flush *f)
{
	int rc = 0;

	for (size_t i = 0; i < f->n_steps && rc == 0; i++) {
		const struct wal_step *s = &f->steps[i];

		if (s->kind == WAL_STEP_HEADER)
			rc = begin_segment(w, s);
		else if (s->kind == WAL_STEP_BATCH)
			rc = end_batch(w, s);
	}
	if (rc == 0 && f->condemned)
		f->condemned->free = true;
	return rc;
}

int wal_flush_end(struct wal *w, struct wal_flush *f, int rc, struct err *err)
{
	assert(w->is_flushing && f == &w->flush);
	w->is_flushing = false;
	if (rc == 0 && take_over(w, f) < 0)
		rc = wal_no_memory(&f->err);
	if (rc == 0) {
		w->flushes++;
		w->records += f->taken.records;
		return 0;
	}
	if (!f->err.code) /* the caller's own reason, say a deadline */
		err_set(&f->err, rc, "write-ahead log: the flush failed: %s",
			strerror(-rc));
	w->failed = f->err;
	if (err)
		*err = w->failed;
	return w->failed.code;
}
