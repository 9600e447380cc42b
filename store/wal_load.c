/*
 * Opening, in this order; nothing is written before everything was checked:
 *   1. the headers of all files say which is the newest segment, and its
 *      header which older ones belong to the log; all must be there;
 *   2. all batches of these are checked, up to the last that is listed, or, in
 *      the newest, up to the first that does not check: the tail. An intact
 *      batch behind it proves that it is damage and no torn write;
 *   3. the tail is overwritten with zeros. The next batch gets the number of
 *      the torn one: nothing that is left of that must look like a part of it;
 *   4. the records are replayed, but for those that a WAL_VOID hides.
 *
 * A newest file without a good header is one whose header was under way when
 * the machine stopped, if no batch of that segment is in it; it is a spare.
 */
#include "store/wal_internal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_TWO = 2 * WAL_BLOCK }; /* header and first batch head */

struct file {
	uint64_t seq, size;
	bool is_good, in_log;
	struct wal_header head; /* if is_good */
};

struct load {
	struct wal *w;
	const struct wal_disk *disk;
	struct file *files; /* by sequence number */
	size_t n, cap;
	bool no_memory;
	uint8_t *buf;
	uint64_t buf_size;
	uint64_t torn_at; /* offset of the tail in the newest segment */
};

/* -- disk ------------------------------------------------------------ */

static int refuse(uint64_t seq, uint64_t off, const char *why, struct err *err)
{
	char name[WAL_NAME_SIZE];

	wal_name_format(name, seq);
	return err_set(err, -EUCLEAN, "write-ahead log: %s at %" PRIu64 ": %s",
		       name, off, why);
}

static int no_disk(uint64_t seq, int rc, const char *verb, struct err *err)
{
	char name[WAL_NAME_SIZE];

	wal_name_format(name, seq);
	return err_set(err, rc, "write-ahead log: %s %s: %s", verb, name,
		       strerror(-rc));
}

static int read_file(struct load *l, const struct file *f, uint64_t len,
		     struct err *err)
{
	char name[WAL_NAME_SIZE];
	int rc;

	if (l->buf_size < len) {
		free(l->buf);
		l->buf = wal_alloc((size_t)len);
		l->buf_size = l->buf ? len : 0;
		if (!l->buf)
			return wal_no_memory(err);
	}
	wal_name_format(name, f->seq);
	rc = l->disk->read(l->disk->ctx, name, 0, l->buf, (size_t)len);
	return rc < 0 ? no_disk(f->seq, rc, "read", err) : 0;
}

/* -- which files ----------------------------------------------------- */

static void found(void *arg, const char *name)
{
	struct load *l = arg;
	uint64_t seq;

	if (!wal_name_parse(name, &seq) || !seq)
		return;
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		void *more = reallocarray(l->files, cap, sizeof(*l->files));

		l->no_memory |= !more;
		if (!more)
			return;
		l->files = more;
		l->cap = cap;
	}
	l->files[l->n++] = (struct file){ .seq = seq };
}

static int by_seq(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

static int read_header(struct load *l, struct file *f, struct err *err)
{
	char name[WAL_NAME_SIZE], why[64];
	int rc;

	wal_name_format(name, f->seq);
	rc = l->disk->size(l->disk->ctx, name, &f->size);
	if (rc < 0)
		return no_disk(f->seq, rc, "measure", err);
	if (f->size < WAL_BLOCK)
		return 0;
	rc = read_file(l, f, WAL_BLOCK, err);
	if (rc < 0)
		return rc;
	switch (wal_header_decode(l->buf, &f->head)) {
	case WAL_HEADER_OK:
		f->is_good = f->head.seq == f->seq;
		return 0;
	case WAL_HEADER_UNKNOWN:
		snprintf(why, sizeof(why),
			 "format version %" PRIu32 ", this agent knows %d",
			 f->head.version, WAL_VERSION);
		return refuse(f->seq, 8, why, err);
	case WAL_HEADER_DAMAGED:
		return 0;
	}
	return 0;
}

static int list_files(struct load *l, struct err *err)
{
	int rc = l->disk->list(l->disk->ctx, found, l);

	if (rc < 0)
		return err_set(err, rc, "write-ahead log: list the files: %s",
			       strerror(-rc));
	if (l->no_memory)
		return wal_no_memory(err);
	if (l->n)
		qsort(l->files, l->n, sizeof(*l->files), by_seq);
	for (size_t i = 0; i < l->n && rc == 0; i++)
		rc = read_header(l, &l->files[i], err);
	return rc;
}

/* The last file has no good header. 0 if it never had one. */
static int check_unborn(struct load *l, struct err *err)
{
	const struct file *f = &l->files[l->n - 1];
	uint64_t before = l->n > 1 ? f[-1].seq : 0;
	struct wal_batch b;
	int rc;

	if (f->seq != before + 1)
		return refuse(f->seq, 0, "the header is damaged", err);
	if (f->size < FIRST_TWO)
		return 0;
	rc = read_file(l, f, FIRST_TWO, err);
	if (rc < 0)
		return rc;
	if (wal_batch_peek(l->buf + WAL_BLOCK, &b) && b.seq == f->seq)
		return refuse(f->seq, 0, "the header is damaged", err);
	return 0;
}

static struct file *find(struct load *l, uint64_t seq)
{
	struct file key = { .seq = seq };

	return l->n ? bsearch(&key, l->files, l->n, sizeof(key), by_seq) : NULL;
}

static int join(struct file *f, struct err *err)
{
	if (!f->is_good)
		return refuse(f->seq, 0, "the header is damaged", err);
	if (f->head.size != f->size || f->size % WAL_BLOCK)
		return refuse(f->seq, f->size,
			      "the file does not have the size that its "
			      "header says",
			      err);
	f->in_log = true;
	return 0;
}

/* *ret: the newest segment, NULL in an empty log. */
static int find_log(struct load *l, struct file **ret, struct err *err)
{
	struct file *newest = l->n ? &l->files[l->n - 1] : NULL;
	int rc = 0;

	*ret = NULL;
	if (newest && !newest->is_good) {
		rc = check_unborn(l, err);
		newest = l->n > 1 ? newest - 1 : NULL;
	}
	if (rc < 0 || !newest)
		return rc;
	rc = join(newest, err);
	for (uint32_t i = 0; rc == 0 && i < newest->head.n_live; i++) {
		uint64_t seq = newest->head.live[i].seq;
		struct file *f = find(l, seq);

		if (f && f < newest)
			rc = join(f, err);
		else
			rc = refuse(seq, 0,
				    "the file is missing; a later one says "
				    "that it belongs to the log",
				    err);
	}
	*ret = newest;
	return rc;
}

/* -- are they whole -------------------------------------------------- */

static bool is_known(enum wal_kind kind)
{
	return (kind >= WAL_ENTRY && kind <= WAL_DROP) ||
	       kind == (enum wal_kind)WAL_VOID;
}

/* Look at the records of an intact batch at @off of l->buf. */
static int note_batch(struct load *l, const struct wal_batch *b, uint64_t off,
		      struct err *err)
{
	size_t pos = (size_t)off + WAL_BATCH_HEAD;
	struct wal_record r;

	for (uint32_t i = 0; i < b->count; i++) {
		struct wal_group *g;
		size_t at = pos;

		pos += wal_record_decode(l->buf + pos, &r);
		if (!is_known(r.kind))
			return refuse(b->seq, at,
				      "a record is of a kind that this version "
				      "does not know",
				      err);
		if (r.kind != (enum wal_kind)WAL_VOID)
			continue;
		g = wal_space_group_make(&l->w->space, r.group);
		if (!g)
			return wal_no_memory(err);
		if (r.index > g->void_seq)
			g->void_seq = r.index;
	}
	return 0;
}

static uint64_t batch_size(const struct wal_batch *b)
{
	uint64_t n = WAL_BATCH_HEAD + (uint64_t)b->bytes;

	return (n + WAL_BLOCK - 1) / WAL_BLOCK * WAL_BLOCK;
}

/* Is there an intact batch of @seq with a number above @number from @off on,
 * or another than it at @off? */
static bool is_damage(const struct load *l, const struct file *f, uint64_t off,
		      uint64_t number)
{
	struct wal_batch b;

	for (uint64_t at = off; at < f->size; at += WAL_BLOCK)
		if (wal_batch_peek(l->buf + at, &b) && b.seq == f->seq &&
		    (b.number > number || (at == off && b.number != number)))
			return true;
	return false;
}

/* Check a segment that is in l->buf; up to batch @last, or, if it is the newest
 * (@last 0), as far as it goes. */
static int check_segment(struct load *l, const struct file *f,
			 const uint64_t *last, struct wal_segment *seg,
			 struct err *err)
{
	uint64_t off = WAL_BLOCK, number = f->head.first_batch, bad = off;
	const char *why = NULL;
	struct wal_batch b;
	int rc;

	while (off < f->size && (!last || seg->last_batch != *last)) {
		why = wal_batch_check(l->buf, f->size, off, f->seq, &b, &bad);
		if (!why && b.number != number)
			why = "a batch is not the one that must follow";
		if (why)
			break;
		rc = note_batch(l, &b, off, err);
		if (rc < 0)
			return rc;
		seg->last_batch = number++;
		off += batch_size(&b);
	}
	if (last && seg->last_batch != *last)
		return refuse(f->seq, why ? bad : off,
			      why ? why : "batches are missing at the end",
			      err);
	if (!last && why && is_damage(l, f, off, number))
		return refuse(f->seq, bad, why, err);
	if (!last) {
		l->torn_at = off;
		l->w->next_batch = number;
	}
	return 0;
}

static int check_log(struct load *l, const struct file *newest, struct err *err)
{
	const struct wal_header *h = &newest->head;
	int rc = 0;

	for (uint32_t i = 0; i <= h->n_live && rc == 0; i++) {
		bool is_old = i < h->n_live;
		const struct file *f =
			is_old ? find(l, h->live[i].seq) : newest;
		struct wal_segment *seg =
			wal_space_push(&l->w->space, f->seq, f->size);

		if (!seg)
			return wal_no_memory(err);
		rc = read_file(l, f, f->size, err);
		if (rc == 0)
			rc = check_segment(
				l, f, is_old ? &h->live[i].last_batch : NULL,
				seg, err);
	}
	return rc;
}

/* -- using them ------------------------------------------------------ */

/* The newest segment is in l->buf. */
static int cut_tail(struct load *l, const struct file *f, struct err *err)
{
	uint8_t *tail = l->buf + l->torn_at;
	size_t len = (size_t)(f->size - l->torn_at), i = 0;
	char name[WAL_NAME_SIZE];
	int rc;

	l->w->off = l->torn_at;
	while (i < len && !tail[i])
		i++;
	if (i == len)
		return 0;
	memset(tail, 0, len);
	wal_name_format(name, f->seq);
	rc = l->disk->write(l->disk->ctx, name, l->torn_at, tail, len);
	return rc < 0 ? no_disk(f->seq, rc, "cut the tail of", err) : 0;
}

static int replay_record(struct load *l, struct wal_segment *seg,
			 const struct wal_record *r, wal_replay_fn replay,
			 void *arg, struct err *err)
{
	struct wal_space *s = &l->w->space;
	const struct wal_group *g = wal_space_group(s, r->group);
	bool is_void = g && seg->seq < g->void_seq;
	int rc = is_void ? wal_space_note(s, seg, r->group)
			 : wal_space_apply(s, seg, r);

	if (rc < 0)
		return wal_no_memory(err);
	if (is_void || !replay || r->kind == (enum wal_kind)WAL_VOID)
		return 0;
	return replay(arg, r, err);
}

static int replay_segment(struct load *l, struct wal_segment *seg,
			  wal_replay_fn replay, void *arg, struct err *err)
{
	const struct file *f = find(l, seg->seq);
	uint64_t off = WAL_BLOCK, bad, number = 0;
	int rc = seg->last_batch ? read_file(l, f, f->size, err) : 0;
	struct wal_batch b;

	for (; rc == 0 && number != seg->last_batch; off += batch_size(&b)) {
		const char *why =
			wal_batch_check(l->buf, f->size, off, f->seq, &b, &bad);
		const uint8_t *p = l->buf + off + WAL_BATCH_HEAD;
		struct wal_record r;

		if (why)
			return refuse(f->seq, bad, why, err);
		for (uint32_t i = 0; i < b.count && rc == 0; i++) {
			p += wal_record_decode(p, &r);
			rc = replay_record(l, seg, &r, replay, arg, err);
		}
		number = b.number;
	}
	return rc;
}

static int keep_spares(struct load *l, struct err *err)
{
	char name[WAL_NAME_SIZE];

	for (size_t i = 0; i < l->n; i++) {
		const struct file *f = &l->files[i];
		int rc = 0;

		if (f->in_log)
			continue;
		if (f->size == l->w->segment_size) {
			if (wal_spare_add(l->w, f->seq, f->size) < 0)
				return wal_no_memory(err);
			continue;
		}
		wal_name_format(name, f->seq);
		rc = l->disk->remove(l->disk->ctx, name);
		if (rc < 0)
			return no_disk(f->seq, rc, "remove", err);
	}
	return 0;
}

static int load(struct load *l, wal_replay_fn replay, void *arg,
		struct err *err)
{
	struct wal_space *s = &l->w->space;
	struct file *newest;
	int rc = list_files(l, err);

	if (rc == 0)
		rc = find_log(l, &newest, err);
	if (rc == 0 && newest)
		rc = check_log(l, newest, err);
	if (rc == 0 && newest)
		rc = cut_tail(l, newest, err);
	for (size_t i = 0; i < s->n_segments && rc == 0; i++)
		rc = replay_segment(l, s->segments[i], replay, arg, err);
	return rc == 0 ? keep_spares(l, err) : rc;
}

int wal_load(struct wal *w, wal_replay_fn replay, void *arg, struct err *err)
{
	struct load l = { .w = w, .disk = w->disk };
	int rc = load(&l, replay, arg, err);

	free(l.files);
	free(l.buf);
	return rc;
}
