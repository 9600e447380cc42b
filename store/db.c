/*
 * One LMDB environment with one unnamed database. A key there is
 *
 *     group, 8 bytes big-endian | table, 1 byte | key bytes
 *
 * so that everything of a group lies together, and one of its tables too.
 */
#include "store/db_internal.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/db_mark.h"
#include "store/dir.h"

enum {
	READERS = 512,
	GROUP_LEN = 8,
	HEAD_LEN = GROUP_LEN + 1,
	FULL_KEY_MAX = HEAD_LEN + DB_KEY_MAX,
};
static_assert(FULL_KEY_MAX == 511, "LMDB's longest key");

struct db {
	int dir;
	MDB_env *env;
	MDB_dbi dbi;
	bool was_reset;
	char *boot_id;
	size_t page_size;

	pthread_mutex_t lock; /* of what follows */
	size_t map_size;
	unsigned n_readers;
	bool is_writing;
	struct err broken; /* the map was lost in growing; code 0: no */
};

/* -- errors ---------------------------------------------------------- */

/* LMDB gives errnos as positive numbers, its own codes as negative ones. */
static int code_of(int rc)
{
	if (rc > 0)
		return -rc;
	switch (rc) {
	case MDB_MAP_FULL:
		return -EAGAIN;
	case MDB_READERS_FULL:
		return -EBUSY;
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
		return -EUCLEAN;
	default:
		return -EIO;
	}
}

static int mdb_err(struct err *err, int rc, const char *what)
{
	int code = code_of(rc);

	if (code == -EUCLEAN)
		return err_set(err, code,
			       "%s: %s: the database is damaged; remove its "
			       "directory to have it built again from the log",
			       what, mdb_strerror(rc));
	return err_set(err, code, "%s: %s", what, mdb_strerror(rc));
}

int txn_fail(struct txn *t, int code, const char *text)
{
	if (!t->failed.code)
		err_set(&t->failed, code, "%s", text);
	return t->failed.code;
}

static void txn_fail_mdb(struct txn *t, int rc, const char *what)
{
	if (t->failed.code)
		return;
	t->is_full = rc == MDB_MAP_FULL;
	mdb_err(&t->failed, rc, what);
}

/* -- the environment ------------------------------------------------- */

static int wipe(int dir, struct err *err)
{
	static const char *const names[] = { "data.mdb", "lock.mdb" };
	int rc;

	for (size_t i = 0; i < 2; i++)
		if (unlinkat(dir, names[i], 0) < 0 && errno != ENOENT)
			return err_set(err, -errno, "remove %s: %s", names[i],
				       strerror(errno));
	rc = dir_sync(dir);
	if (rc < 0)
		return err_set(err, rc, "sync: %s", strerror(-rc));
	return 0;
}

/* The map must hold the file, with room to work in. */
static size_t map_size_for(int dir, size_t want)
{
	size_t unit = 1 << 20, size = want;
	struct stat st;

	if (!size)
		size = sizeof(size_t) > 4 ? (size_t)1 << 34 : (size_t)1 << 28;
	if (fstatat(dir, "data.mdb", &st, 0) == 0 &&
	    size < (size_t)st.st_size * 2)
		size = (size_t)st.st_size * 2;
	return (size + unit - 1) / unit * unit;
}

static int open_dbi(struct db *d, struct err *err)
{
	MDB_txn *txn;
	MDB_stat st;
	int rc = mdb_txn_begin(d->env, NULL, 0, &txn);

	if (rc)
		return mdb_err(err, rc, "begin");
	rc = mdb_dbi_open(txn, NULL, 0, &d->dbi);
	if (rc) {
		mdb_txn_abort(txn);
		return mdb_err(err, rc, "open the table");
	}
	rc = mdb_txn_commit(txn);
	if (rc)
		return mdb_err(err, rc, "commit");
	mdb_env_stat(d->env, &st);
	d->page_size = st.ms_psize;
	return 0;
}

static int open_env(struct db *d, const struct db_options *o, struct err *err)
{
	int rc = mdb_env_create(&d->env);

	if (rc)
		return mdb_err(err, rc, "create");
	d->map_size = map_size_for(d->dir, o->map_size);
	rc = mdb_env_set_mapsize(d->env, d->map_size);
	if (!rc)
		rc = mdb_env_set_maxreaders(d->env, READERS);
	if (!rc)
		rc = mdb_env_open(d->env, o->dir, MDB_NOSYNC | MDB_NOTLS, 0600);
	if (rc)
		return mdb_err(err, rc, "open");
	assert(mdb_env_get_maxkeysize(d->env) >= FULL_KEY_MAX);
	return open_dbi(d, err);
}

static int db_prepare(struct db *d, const struct db_options *o, struct err *err)
{
	enum db_mark mark;
	int rc;

	d->dir = dir_open(o->dir, err);
	if (d->dir < 0)
		return d->dir;
	rc = db_mark_read(d->dir, o->boot_id, &mark, err);
	if (rc < 0)
		return rc;
	if (mark == DB_MARK_LOST) {
		d->was_reset = true;
		rc = wipe(d->dir, err);
		if (rc < 0)
			return rc;
	}
	rc = db_mark_write(d->dir, o->boot_id, false, err);
	if (rc < 0)
		return rc;
	return open_env(d, o, err);
}

static void db_free(struct db *d)
{
	if (d->env)
		mdb_env_close(d->env);
	if (d->dir >= 0)
		close(d->dir);
	pthread_mutex_destroy(&d->lock);
	free(d->boot_id);
	free(d);
}

int db_open(struct db **ret, const struct db_options *o, struct err *err)
{
	struct db *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return err_set(err, -ENOMEM, "database: out of memory");
	d->dir = -1;
	pthread_mutex_init(&d->lock, NULL);
	d->boot_id = strdup(o->boot_id);
	rc = d->boot_id ? db_prepare(d, o, err)
			: err_set(err, -ENOMEM, "out of memory");
	if (rc < 0) {
		err_wrap(err, rc, "database %s", o->dir);
		db_free(d);
		return rc;
	}
	*ret = d;
	return 0;
}

void db_close(struct db *d, bool clean)
{
	if (!d)
		return;
	assert(!d->n_readers && !d->is_writing);
	/* Without the mark the worst is that it is built again. */
	if (clean && !d->broken.code && mdb_env_sync(d->env, 1) == 0)
		db_mark_write(d->dir, d->boot_id, true, NULL);
	db_free(d);
}

bool db_was_reset(const struct db *d)
{
	return d->was_reset;
}

/* -- the size of the map --------------------------------------------- */

/* Double the map, with the lock held. Nothing may be open. */
static int map_grow(struct db *d, struct err *err)
{
	size_t size = d->map_size * 2;
	int rc;

	assert(!d->n_readers && !d->is_writing);
	if (size < d->map_size)
		return err_set(err, -ENOSPC, "database: no address space left");
	rc = mdb_env_set_mapsize(d->env, size);
	if (rc) {
		/* LMDB has given the old map up before it failed. */
		mdb_err(&d->broken, rc, "database: grow the map");
		if (err)
			*err = d->broken;
		return d->broken.code;
	}
	d->map_size = size;
	return 0;
}

static int map_grow_early(struct db *d, struct err *err)
{
	MDB_envinfo info;

	if (d->n_readers)
		return 0;
	mdb_env_info(d->env, &info);
	if (info.me_last_pgno < d->map_size / d->page_size / 2)
		return 0;
	return map_grow(d, err);
}

/* A transaction met the end of the map. */
static int map_grow_now(struct db *d, struct err *err)
{
	int rc;

	pthread_mutex_lock(&d->lock);
	if (d->n_readers)
		rc = err_set(err, -EBUSY,
			     "database: the map of %zu bytes is full and "
			     "cannot grow while %u read transactions are open",
			     d->map_size, d->n_readers);
	else
		rc = map_grow(d, err);
	if (rc == 0)
		rc = err_set(err, -EAGAIN,
			     "database: the map has grown to %zu bytes: the "
			     "transaction must be run again",
			     d->map_size);
	pthread_mutex_unlock(&d->lock);
	return rc;
}

/* -- transactions ---------------------------------------------------- */

static void db_leave(struct db *d, bool is_write)
{
	pthread_mutex_lock(&d->lock);
	if (is_write)
		d->is_writing = false;
	else
		d->n_readers--;
	pthread_mutex_unlock(&d->lock);
}

static int db_enter(struct db *d, bool is_write, struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&d->lock);
	if (d->broken.code) {
		rc = d->broken.code;
		if (err)
			*err = d->broken;
	} else if (is_write) {
		assert(!d->is_writing);
		rc = map_grow_early(d, err);
		d->is_writing = rc == 0;
	} else {
		d->n_readers++;
	}
	pthread_mutex_unlock(&d->lock);
	return rc;
}

static struct txn *begin(struct db *d, bool is_write, struct err *err)
{
	struct txn *t = calloc(1, sizeof(*t));
	int rc;

	if (!t) {
		err_set(err, -ENOMEM, "database: out of memory");
		return NULL;
	}
	t->db = d;
	t->is_write = is_write;
	if (db_enter(d, is_write, err) < 0)
		goto fail;
	rc = mdb_txn_begin(d->env, NULL, is_write ? 0 : MDB_RDONLY, &t->mdb);
	if (!rc)
		return t;
	mdb_err(err, rc, "database: begin a transaction");
	db_leave(d, is_write);
fail:
	free(t);
	return NULL;
}

struct txn *txn_begin_write(struct db *d, struct err *err)
{
	return begin(d, true, err);
}

struct txn *txn_begin_read(struct db *d, struct err *err)
{
	return begin(d, false, err);
}

int txn_commit(struct txn *t, struct err *err)
{
	struct db *d = t->db;
	bool full;
	int rc;

	if (t->is_write && !t->failed.code) {
		rc = mdb_txn_commit(t->mdb);
		t->mdb = NULL; /* gone even if it failed */
		if (rc)
			txn_fail_mdb(t, rc, "commit");
	}
	rc = t->failed.code;
	full = t->is_full;
	if (rc < 0 && err) {
		*err = t->failed;
		err_wrap(err, rc, "database");
	}
	txn_abort(t);
	return full ? map_grow_now(d, err) : rc;
}

void txn_abort(struct txn *t)
{
	if (!t)
		return;
	if (t->cursor)
		mdb_cursor_close(t->cursor);
	if (t->mdb)
		mdb_txn_abort(t->mdb);
	db_leave(t->db, t->is_write);
	free(t);
}

/* -- keys and values ------------------------------------------------- */

struct full_key {
	uint8_t bytes[FULL_KEY_MAX];
	size_t len;
};

static MDB_val val_of(const void *data, size_t len)
{
	/* LMDB does not write through it. */
	return (MDB_val){ len, (void *)data };
}

static bool full_key(struct full_key *k, uint64_t group, uint8_t table,
		     struct bytes key)
{
	uint64_t be = htobe64(group);

	if (key.len > DB_KEY_MAX)
		return false;
	memcpy(k->bytes, &be, GROUP_LEN);
	k->bytes[GROUP_LEN] = table;
	if (key.len)
		memcpy(k->bytes + HEAD_LEN, key.data, key.len);
	k->len = HEAD_LEN + key.len;
	return true;
}

bool txn_get(struct txn *t, uint64_t group, uint8_t table, struct bytes key,
	     struct bytes *ret)
{
	struct full_key full;
	MDB_val k, v;
	int rc;

	if (t->failed.code || !full_key(&full, group, table, key))
		return false;
	k = val_of(full.bytes, full.len);
	rc = mdb_get(t->mdb, t->db->dbi, &k, &v);
	if (rc && rc != MDB_NOTFOUND)
		txn_fail_mdb(t, rc, "get");
	if (rc)
		return false;
	*ret = (struct bytes){ v.mv_data, v.mv_size };
	return true;
}

void txn_put(struct txn *t, uint64_t group, uint8_t table, struct bytes key,
	     struct bytes value)
{
	struct full_key full;
	MDB_val k, v = val_of(value.data, value.len);
	int rc;

	assert(t->is_write);
	if (t->failed.code)
		return;
	if (!full_key(&full, group, table, key)) {
		txn_fail(t, -EMSGSIZE, "put: the key is too long");
		return;
	}
	k = val_of(full.bytes, full.len);
	rc = mdb_put(t->mdb, t->db->dbi, &k, &v, 0);
	if (rc)
		txn_fail_mdb(t, rc, "put");
}

void txn_del(struct txn *t, uint64_t group, uint8_t table, struct bytes key)
{
	struct full_key full;
	MDB_val k;
	int rc;

	assert(t->is_write);
	if (t->failed.code || !full_key(&full, group, table, key))
		return;
	k = val_of(full.bytes, full.len);
	rc = mdb_del(t->mdb, t->db->dbi, &k, NULL);
	if (rc && rc != MDB_NOTFOUND)
		txn_fail_mdb(t, rc, "delete");
}

/* -- iterating ------------------------------------------------------- */

static bool starts_with(const MDB_val *v, const void *prefix, size_t len)
{
	return v->mv_size >= len && memcmp(v->mv_data, prefix, len) == 0;
}

void txn_iter_init(struct txn_iter *it, struct txn *t, uint64_t group,
		   uint8_t table, struct bytes prefix)
{
	*it = (struct txn_iter){
		.txn = t, .group = group, .table = table, .prefix = prefix
	};
}

/* A write transaction gets a cursor that has seen none of its changes. */
static MDB_cursor *cursor_open(struct txn *t)
{
	MDB_cursor *c = t->cursor;
	int rc;

	if (c)
		return c;
	rc = mdb_cursor_open(t->mdb, t->db->dbi, &c);
	if (rc) {
		txn_fail_mdb(t, rc, "iterate");
		return NULL;
	}
	if (!t->is_write)
		t->cursor = c;
	return c;
}

static void cursor_done(struct txn *t, MDB_cursor *c)
{
	if (t->is_write)
		mdb_cursor_close(c);
}

/* The first key at or, if @after, behind @from. */
static bool seek(struct txn *t, MDB_val from, bool after, MDB_val *k,
		 MDB_val *v)
{
	MDB_cursor *c = cursor_open(t);
	int rc;

	if (!c)
		return false;
	*k = from;
	rc = mdb_cursor_get(c, k, v, MDB_SET_RANGE);
	if (!rc && after && k->mv_size == from.mv_size &&
	    memcmp(k->mv_data, from.mv_data, from.mv_size) == 0)
		rc = mdb_cursor_get(c, k, v, MDB_NEXT);
	cursor_done(t, c);
	if (rc && rc != MDB_NOTFOUND)
		txn_fail_mdb(t, rc, "iterate");
	return rc == 0;
}

bool txn_iter_next(struct txn_iter *it)
{
	struct txn *t = it->txn;
	struct full_key p;
	MDB_val k, v, from;

	if (t->failed.code || !full_key(&p, it->group, it->table, it->prefix))
		return false;
	from = it->started ? val_of(it->last, it->last_len)
			   : val_of(p.bytes, p.len);
	if (!seek(t, from, it->started, &k, &v) ||
	    !starts_with(&k, p.bytes, p.len))
		return false;
	it->started = true;
	memcpy(it->last, k.mv_data, k.mv_size);
	it->last_len = k.mv_size;
	it->key = (struct bytes){ (uint8_t *)k.mv_data + HEAD_LEN,
				  k.mv_size - HEAD_LEN };
	it->value = (struct bytes){ v.mv_data, v.mv_size };
	return true;
}

/* -- groups ---------------------------------------------------------- */

int txn_each(struct txn *t, uint64_t group, txn_each_fn each, void *arg)
{
	uint64_t be = htobe64(group);
	MDB_val k = val_of(&be, GROUP_LEN), v;
	MDB_cursor *c = t->failed.code ? NULL : cursor_open(t);
	int rc, own = 0;

	if (!c)
		return t->failed.code;
	rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
	while (!rc && starts_with(&k, &be, GROUP_LEN)) {
		const uint8_t *key = k.mv_data;

		own = each(
			arg, key[GROUP_LEN],
			(struct bytes){ key + HEAD_LEN, k.mv_size - HEAD_LEN },
			(struct bytes){ v.mv_data, v.mv_size });
		if (own < 0)
			break;
		rc = mdb_cursor_get(c, &k, &v, MDB_NEXT);
	}
	cursor_done(t, c);
	if (rc && rc != MDB_NOTFOUND)
		txn_fail_mdb(t, rc, "iterate");
	if (own < 0)
		txn_fail(t, own, strerror(-own));
	return t->failed.code;
}

void txn_drop_group(struct txn *t, uint64_t group)
{
	uint64_t be = htobe64(group);
	MDB_val prefix = val_of(&be, GROUP_LEN), k, v;
	int rc;

	assert(t->is_write);
	while (!t->failed.code && seek(t, prefix, false, &k, &v) &&
	       starts_with(&k, &be, GROUP_LEN)) {
		rc = mdb_del(t->mdb, t->db->dbi, &k, NULL);
		if (rc)
			txn_fail_mdb(t, rc, "drop a group");
	}
}
