#include "cluster/sim/simdisk.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512, NAME_SIZE = 128 };

struct file {
	char name[NAME_SIZE];
	uint8_t *data;
	size_t size;
	bool is_left; /* its removal gave an error */
};

struct simdisk {
	struct wal_disk disk;
	uint64_t rng;
	struct file *files; /* by name */
	size_t n, cap;
	uint64_t limit;
	bool is_off;
	bool will_cut, will_fail;
	unsigned cut_after, fail_after;
	int fail_code;
	struct simdisk_counts counts;
};

/* What an operation comes to. */
enum fate { DONE, FAILED, INTERRUPTED };

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next(struct simdisk *d)
{
	uint64_t z = d->rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

/* -- files ----------------------------------------------------------- */

/* Where @name is, or would be. */
static size_t place(const struct simdisk *d, const char *name, bool *ret_found)
{
	size_t i = 0;
	int c = 1;

	while (i < d->n && (c = strcmp(d->files[i].name, name)) < 0)
		i++;
	*ret_found = i < d->n && c == 0;
	return i;
}

static struct file *find(const struct simdisk *d, const char *name)
{
	bool found;
	size_t i = place(d, name, &found);

	return found ? &d->files[i] : NULL;
}

static void drop(struct simdisk *d, struct file *f)
{
	size_t i = (size_t)(f - d->files);

	free(f->data);
	memmove(f, f + 1, (d->n - i - 1) * sizeof(*f));
	d->n--;
}

/* Takes @data over. */
static void put(struct simdisk *d, const char *name, uint8_t *data, size_t size)
{
	bool found;
	size_t i = place(d, name, &found);

	if (found) {
		drop(d, &d->files[i]);
	} else if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 8;
		d->files =
			must(reallocarray(d->files, d->cap, sizeof(*d->files)));
	}
	memmove(d->files + i + 1, d->files + i, (d->n - i) * sizeof(*d->files));
	d->n++;
	assert(strlen(name) < NAME_SIZE);
	snprintf(d->files[i].name, NAME_SIZE, "%s", name);
	d->files[i].data = data;
	d->files[i].size = size;
	d->files[i].is_left = false;
}

/* -- what happens to an operation ------------------------------------ */

static enum fate fate(struct simdisk *d, bool is_change, int *ret_code)
{
	*ret_code = -EIO;
	if (d->is_off)
		return FAILED;
	if (d->will_fail && d->fail_after-- == 0) {
		d->will_fail = false;
		*ret_code = d->fail_code;
		return is_change ? INTERRUPTED : FAILED;
	}
	if (is_change && d->will_cut && d->cut_after-- == 0) {
		d->is_off = true;
		return INTERRUPTED;
	}
	*ret_code = 0;
	return DONE;
}

/* Has an operation that cannot be torn an effect? */
static bool has_effect(struct simdisk *d, enum fate f)
{
	return f == DONE || (f == INTERRUPTED && next(d) % 2);
}

static void tear(struct simdisk *d, uint8_t *at, const uint8_t *data,
		 size_t len)
{
	uint64_t how = next(d) % 4, odds = 1 + next(d) % 15;

	for (size_t off = 0; off < len; off += SECTOR) {
		size_t n = len - off < SECTOR ? len - off : SECTOR;

		if (how == 0 || (how != 1 && next(d) % 16 >= odds))
			continue;
		memcpy(at + off, data + off, n);
	}
}

/* -- the functions of a wal_disk ------------------------------------- */

static int sim_list(void *ctx, void (*each)(void *arg, const char *name),
		    void *arg)
{
	struct simdisk *d = ctx;
	int rc;

	if (fate(d, false, &rc) == DONE)
		for (size_t i = 0; i < d->n; i++)
			each(arg, d->files[i].name);
	return rc;
}

static uint64_t used(const struct simdisk *d)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < d->n; i++)
		sum += d->files[i].size;
	return sum;
}

static int sim_create(void *ctx, const char *name, uint64_t size)
{
	struct simdisk *d = ctx;
	int rc;
	enum fate f = fate(d, true, &rc);

	if (f == DONE && d->limit && used(d) + size > d->limit)
		return -ENOSPC;
	if (has_effect(d, f)) {
		put(d, name, must(calloc(1, size ? size : 1)), size);
		d->counts.creates++;
	}
	return rc;
}

static int sim_size(void *ctx, const char *name, uint64_t *ret)
{
	struct simdisk *d = ctx;
	const struct file *file = find(d, name);
	int rc;

	if (fate(d, false, &rc) != DONE)
		return rc;
	if (!file)
		return -ENOENT;
	*ret = file->size;
	return 0;
}

static int sim_read(void *ctx, const char *name, uint64_t off, void *buf,
		    size_t len)
{
	struct simdisk *d = ctx;
	const struct file *file = find(d, name);
	int rc;

	if (fate(d, false, &rc) != DONE)
		return rc;
	if (!file)
		return -ENOENT;
	if (off > file->size || len > file->size - off)
		return -EIO;
	memcpy(buf, file->data + off, len);
	return 0;
}

static int sim_write(void *ctx, const char *name, uint64_t off, const void *buf,
		     size_t len)
{
	struct simdisk *d = ctx;
	const struct file *file = find(d, name);
	int rc;
	enum fate f = fate(d, true, &rc);

	if (f == FAILED)
		return rc;
	if (!file)
		return -ENOENT;
	/* Neither the log nor snapshots ever make a file longer. */
	assert(off <= file->size && len <= file->size - off);
	if (f == INTERRUPTED) {
		tear(d, file->data + off, buf, len);
		return rc;
	}
	memcpy(file->data + off, buf, len);
	d->counts.writes++;
	d->counts.bytes += len;
	return 0;
}

static int sim_rename(void *ctx, const char *from, const char *to)
{
	struct simdisk *d = ctx;
	struct file *file = find(d, from);
	int rc;
	enum fate f = fate(d, true, &rc);

	if (f != FAILED && !file)
		return -ENOENT;
	if (has_effect(d, f) && strcmp(from, to) != 0) {
		uint8_t *data = file->data;
		size_t size = file->size;

		file->data = NULL;
		drop(d, file);
		put(d, to, data, size);
		d->counts.renames++;
	}
	return rc;
}

static int sim_remove(void *ctx, const char *name)
{
	struct simdisk *d = ctx;
	struct file *file = find(d, name);
	int rc;
	enum fate f = fate(d, true, &rc);

	if (f != FAILED && !file)
		return -ENOENT;
	if (has_effect(d, f)) {
		drop(d, file);
		d->counts.removes++;
	} else if (!d->is_off) {
		file->is_left = true;
	}
	return rc;
}

/* -- for the test ---------------------------------------------------- */

struct simdisk *simdisk_new(uint64_t seed)
{
	struct simdisk *d = must(calloc(1, sizeof(*d)));

	d->rng = seed;
	d->disk = (struct wal_disk){ .ctx = d,
				     .list = sim_list,
				     .create = sim_create,
				     .size = sim_size,
				     .read = sim_read,
				     .write = sim_write,
				     .rename = sim_rename,
				     .remove = sim_remove };
	return d;
}

struct simdisk *simdisk_clone(const struct simdisk *d)
{
	struct simdisk *copy = simdisk_new(d->rng);

	for (size_t i = 0; i < d->n; i++) {
		const struct file *f = &d->files[i];
		uint8_t *data = must(malloc(f->size ? f->size : 1));

		memcpy(data, f->data, f->size);
		put(copy, f->name, data, f->size);
		copy->files[i].is_left = f->is_left;
	}
	copy->limit = d->limit;
	return copy;
}

void simdisk_free(struct simdisk *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++)
		free(d->files[i].data);
	free(d->files);
	free(d);
}

const struct wal_disk *simdisk_disk(const struct simdisk *d)
{
	return &d->disk;
}

void simdisk_cut_after(struct simdisk *d, unsigned n)
{
	d->will_cut = true;
	d->cut_after = n;
}

bool simdisk_is_off(const struct simdisk *d)
{
	return d->is_off;
}

void simdisk_restart(struct simdisk *d)
{
	d->is_off = d->will_cut = d->will_fail = false;
}

void simdisk_fail_after(struct simdisk *d, unsigned n, int code)
{
	assert(code < 0);
	d->will_fail = true;
	d->fail_after = n;
	d->fail_code = code;
}

void simdisk_limit(struct simdisk *d, uint64_t bytes)
{
	d->limit = bytes;
}

uint8_t *simdisk_data(const struct simdisk *d, const char *name, size_t *size)
{
	const struct file *f = find(d, name);

	if (!f)
		return NULL;
	if (size)
		*size = f->size;
	return f->data;
}

const char *simdisk_name(const struct simdisk *d, size_t i)
{
	return i < d->n ? d->files[i].name : NULL;
}

bool simdisk_is_left(const struct simdisk *d, const char *name)
{
	const struct file *f = find(d, name);

	return f && f->is_left;
}

struct simdisk_counts simdisk_counts(const struct simdisk *d)
{
	return d->counts;
}
