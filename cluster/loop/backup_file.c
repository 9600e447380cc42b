#include "cluster/loop/backup_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/loop/disk.h"
#include "store/crc32c.h"

#define MAX_FRAME (4 * 1024 * 1024)

/* -- writing ------------------------------------------------------------ */

struct writer {
	FILE *f;
	const char *path;
	uint32_t crc;
	struct err *err;
};

static int put_bytes(struct writer *w, const void *data, size_t len)
{
	w->crc = crc32c(w->crc, data, len);
	if (fwrite(data, 1, len, w->f) == len)
		return 0;
	return disk_failed(w->err, "write", w->path);
}

static int put_frame(struct writer *w, struct arena *a, const struct doc *d)
{
	struct buf b = BUF(a);
	unsigned char size[4];
	int rc;

	doc_encode(&b, d);
	for (int i = 0; i < 4; i++)
		size[i] = (unsigned char)(b.len >> (24 - 8 * i));
	rc = put_bytes(w, size, sizeof(size));
	return rc < 0 ? rc : put_bytes(w, b.data, b.len);
}

static int put_data(void *arg, const void *data, size_t len)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = doc_map(a);

	doc_put_bin(a, d, "data", data, len);
	return put_frame(arg, a, d);
}

static int put_group(struct writer *w, struct txn *t,
		     const struct backup_group *g)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = doc_map(a);
	int rc;

	doc_put_int(a, d, "group", (int64_t)g->gid);
	doc_put_str(a, d, "service", g->service);
	rc = put_frame(w, a, d);
	if (rc == 0)
		rc = txn_export(t, g->gid, put_data, w, w->err);
	for (size_t i = 0; rc == 0 && i < doc_len(g->commands); i++) {
		d = doc_map(a);
		doc_put(a, d, "command", doc_copy(a, doc_at(g->commands, i)));
		rc = put_frame(w, a, d);
	}
	return rc;
}

static int put_head(struct writer *w, struct arena *a, const struct doc *head,
		    const unsigned char *key)
{
	struct doc *d = doc_map(a);
	int rc = put_bytes(w, BACKUP_TITLE, strlen(BACKUP_TITLE));

	doc_put(a, d, "head", doc_copy(a, head));
	if (rc == 0)
		rc = put_frame(w, a, d);
	d = doc_map(a);
	doc_put_bin(a, d, "key", key, BACKUP_KEY);
	return rc < 0 ? rc : put_frame(w, a, d);
}

static int put_all(struct writer *w, struct txn *t, const struct doc *head,
		   const unsigned char *key, const struct backup_group *groups,
		   size_t n)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d;
	int rc = put_head(w, a, head, key);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = put_group(w, t, &groups[i]);
	if (rc < 0)
		return rc;
	d = doc_map(a);
	doc_put_int(a, d, "end", (int64_t)n);
	doc_put_int(a, d, "crc", w->crc);
	return put_frame(w, a, d);
}

static int close_file(struct writer *w, int rc)
{
	if (rc == 0 && (fflush(w->f) != 0 || fsync(fileno(w->f)) < 0))
		rc = disk_failed(w->err, "write", w->path);
	fclose(w->f);
	return rc;
}

int backup_write(const char *path, struct txn *t, const struct doc *head,
		 const unsigned char key[BACKUP_KEY],
		 const struct backup_group *groups, size_t n, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *temp = arena_printf(a, "%s.new", path);
	struct writer w = { .path = temp, .err = err };
	int fd, rc;

	unlink(temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	w.f = fd < 0 ? NULL : fdopen(fd, "wb");
	if (!w.f)
		return disk_failed(err, "create", temp);
	rc = close_file(&w, put_all(&w, t, head, key, groups, n));
	if (rc == 0 && rename(temp, path) < 0)
		rc = disk_failed(err, "replace", path);
	if (rc < 0)
		unlink(temp);
	return rc < 0 ? rc : disk_sync_parent(path, err);
}

/* -- reading ------------------------------------------------------------ */

struct reader {
	FILE *f;
	const char *path;
	uint32_t crc;
	struct err *err;
	struct backup *b;
	/* The group that is being read: */
	struct buf stream;
	struct backup_group *group;
	struct doc *commands;
};

static int not_whole(struct reader *r, const char *why)
{
	return err_set(r->err, -EUCLEAN,
		       "%s: %s: this is no backup, or not a whole one: nothing "
		       "of it was taken",
		       r->path, why);
}

static int get_bytes(struct reader *r, void *data, size_t len)
{
	if (fread(data, 1, len, r->f) != len)
		return ferror(r->f) ? disk_failed(r->err, "read", r->path)
				    : not_whole(r, "it ends too early");
	return 0;
}

/* @ret_crc: of everything before this frame. */
static int get_frame(struct reader *r, struct arena *a, struct doc **ret,
		     uint32_t *ret_crc)
{
	unsigned char size[4], *data;
	size_t len;
	struct err err;
	int rc = get_bytes(r, size, sizeof(size));

	if (rc < 0)
		return rc;
	*ret_crc = r->crc;
	len = (size_t)size[0] << 24 | (size_t)size[1] << 16 |
	      (size_t)size[2] << 8 | size[3];
	if (len > MAX_FRAME)
		return not_whole(r, "a part of impossible size");
	data = arena_alloc(a, len + 1);
	rc = get_bytes(r, data, len);
	if (rc < 0)
		return rc;
	r->crc = crc32c(crc32c(r->crc, size, sizeof(size)), data, len);
	if (doc_decode(a, data, len, ret, &err) < 0)
		return not_whole(r, err.text);
	return 0;
}

static int end_group(struct reader *r)
{
	struct txn *t;
	int rc;

	if (!r->group)
		return 0;
	r->group->commands = r->commands;
	r->group = NULL;
	t = txn_begin_write(r->b->db, r->err);
	if (!t)
		return r->err->code;
	rc = txn_import(t, r->b->groups[r->b->n - 1].gid, r->stream.data,
			r->stream.len, r->err);
	if (rc == 0)
		return txn_commit(t, r->err);
	txn_abort(t);
	return err_wrap(r->err, rc, "%s", r->path);
}

static int begin_group(struct reader *r, const struct doc *d)
{
	struct arena *a = r->b->arena;
	size_t max = (size_t)doc_get_int(r->b->head, "groups", 0);
	int rc = end_group(r);

	if (rc < 0)
		return rc;
	if (r->b->n >= max)
		return not_whole(r, "it has more groups than it says");
	r->group = &r->b->groups[r->b->n++];
	r->group->gid = (uint64_t)doc_get_int(d, "group", 0);
	r->group->service =
		arena_printf(a, "%s", doc_get_str(d, "service", ""));
	r->commands = doc_list(a);
	r->stream = BUF(a);
	return 0;
}

static int take_head(struct reader *r, const struct doc *head)
{
	struct arena *a = r->b->arena;
	int64_t v = doc_get_int(head, "v", 0),
		n = doc_get_int(head, "groups", 0);

	if (v != BACKUP_VERSION)
		return err_set(r->err, -EUCLEAN,
			       "%s: a backup of format %lld, this version "
			       "reads %d",
			       r->path, (long long)v, BACKUP_VERSION);
	if (n < 1 || n > 65536)
		return not_whole(r, "an impossible number of groups");
	r->b->head = doc_copy(a, head);
	r->b->groups = ARENA_VEC(a, struct backup_group, (size_t)n);
	return 0;
}

static int take_key(struct reader *r, const struct doc *key)
{
	if (key->type != DOC_BIN || key->str.len != BACKUP_KEY)
		return not_whole(r, "a key of odd size");
	memcpy(r->b->key, key->str.data, BACKUP_KEY);
	return 0;
}

static int take_frame(struct reader *r, const struct doc *d)
{
	const struct doc *data = doc_get(d, "data");

	if (doc_get(d, "head"))
		return r->b->head ? not_whole(r, "two heads")
				  : take_head(r, doc_get(d, "head"));
	if (!r->b->head)
		return not_whole(r, "no head");
	if (doc_get(d, "key") && !r->b->n)
		return take_key(r, doc_get(d, "key"));
	if (doc_get(d, "group"))
		return begin_group(r, d);
	if (data && data->type == DOC_BIN && r->group) {
		buf_add(&r->stream, data->str.data, data->str.len);
		return 0;
	}
	if (doc_get(d, "command") && r->group) {
		doc_add(r->b->arena, r->commands,
			doc_copy(r->b->arena, doc_get(d, "command")));
		return 0;
	}
	return not_whole(r, "a part of no known kind");
}

static int take_end(struct reader *r, const struct doc *d, uint32_t crc)
{
	int rc = end_group(r);

	if (rc < 0)
		return rc;
	if (doc_get_int(d, "crc", -1) != (int64_t)crc)
		return not_whole(r, "its checksum does not match");
	if (!r->b->head || doc_get_int(d, "end", -1) != (int64_t)r->b->n ||
	    doc_get_int(r->b->head, "groups", -1) != (int64_t)r->b->n)
		return not_whole(r, "groups are missing");
	return fgetc(r->f) == EOF ? 0
				  : not_whole(r, "it goes on after its end");
}

static int read_all(struct reader *r)
{
	char title[sizeof(BACKUP_TITLE) - 1];
	int rc = get_bytes(r, title, sizeof(title));

	if (rc < 0)
		return rc;
	if (memcmp(title, BACKUP_TITLE, sizeof(title)) != 0)
		return not_whole(r, "it does not begin as one");
	r->crc = crc32c(0, title, sizeof(title));
	for (;;) {
		SCOPED(arena) struct arena *a = arena_new();
		struct doc *d;
		uint32_t crc;

		rc = get_frame(r, a, &d, &crc);
		if (rc == 0 && doc_get(d, "end"))
			return take_end(r, d, crc);
		if (rc == 0)
			rc = take_frame(r, d);
		if (rc < 0)
			return rc;
	}
}

static int open_db(struct backup *b, const char *dir, struct err *err)
{
	struct db_options o = { .boot_id = "backup" };

	b->dir = strdup(arena_printf(b->arena, "%s/backup-XXXXXX", dir));
	if (!b->dir)
		abort();
	if (!mkdtemp(b->dir)) {
		free(b->dir);
		b->dir = NULL;
		return disk_failed(err, "make a folder in", dir);
	}
	o.dir = b->dir;
	return db_open(&b->db, &o, err);
}

static void remove_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
}

void backup_close(struct backup *b)
{
	if (!b)
		return;
	db_close(b->db, false);
	if (b->dir)
		remove_dir(b->dir);
	free(b->dir);
	arena_free(b->arena);
	free(b);
}

int backup_load(struct backup **ret, const char *path, const char *dir,
		struct err *err)
{
	struct backup *b = calloc(1, sizeof(*b));
	struct reader r = { .path = path, .err = err, .b = b };
	int rc;

	if (!b)
		abort();
	b->arena = arena_new();
	r.f = fopen(path, "rbe");
	rc = r.f ? open_db(b, dir, err) : disk_failed(err, "open", path);
	if (rc == 0)
		rc = read_all(&r);
	if (r.f)
		fclose(r.f);
	if (rc == 0)
		*ret = b;
	else
		backup_close(b);
	return rc;
}
