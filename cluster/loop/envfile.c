/*
 * A file is replaced by exchanging it with the new one (renameat2), so that
 * what somebody else wrote an instant ago is not lost but is what we get.
 * Where the file system cannot do that, the old one is moved away first, and
 * for that instant there is none.
 */
#include "cluster/loop/envfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/loop/disk.h"
#include "fsm/base/doc.h"
#include "fsm/conf/conf.h"

#define RECORD_VERSION 1
#define RECORD_MAX     ((size_t)6 * CONF_MAX_SIZE)

/* -- known texts ------------------------------------------------------- */

void known_fini(struct known *k)
{
	free(k->rev);
	free(k->text);
	*k = (struct known){ 0 };
}

/* May be given what @k has already. */
void known_set(struct known *k, const char *rev, const char *text, size_t len)
{
	struct known n = { .rev = strdup(rev), .len = len };

	n.text = malloc(len + 1);
	if (!n.rev || !n.text)
		abort();
	memcpy(n.text, text, len);
	n.text[len] = '\0';
	known_fini(k);
	*k = n;
}

bool known_is(const struct known *k, const char *text, size_t len)
{
	return k->text && k->len == len && memcmp(k->text, text, len) == 0;
}

/* -- records ----------------------------------------------------------- */

void record_fini(struct record *r)
{
	known_fini(&r->is);
	known_fini(&r->prev);
	known_fini(&r->old);
}

static bool known_from(struct known *k, const struct doc *d)
{
	const struct doc *text = doc_get(d, "text");

	if (!text || text->type != DOC_BIN)
		return false;
	known_set(k, doc_get_str(d, "rev", ""), text->str.data, text->str.len);
	return true;
}

static struct doc *known_doc(struct arena *a, const struct known *k)
{
	struct doc *d = doc_map(a);

	doc_put_str(a, d, "rev", k->rev);
	doc_put_bin(a, d, "text", k->text, k->len);
	return d;
}

static const char *record_path(struct arena *a, const char *heads,
			       const char *name)
{
	return arena_printf(a, "%s/%s" RECORD_SUFFIX, heads, name);
}

int record_load(const char *heads, const char *name, struct record *ret,
		struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *path = record_path(a, heads, name);
	struct record r = { 0 };
	struct doc *d;
	char *bytes;
	size_t len;
	int rc = disk_read(a, path, RECORD_MAX, &bytes, &len, err);

	if (rc == DISK_NOT_THERE)
		return 1;
	if (rc == DISK_TOO_LARGE)
		return err_set(err, -EBADMSG, "%s: too large", path);
	if (rc == 0)
		rc = doc_decode(a, bytes, len, &d, err);
	if (rc < 0)
		return err_wrap(err, rc, "%s", path);
	if (doc_get_int(d, "v", 0) != RECORD_VERSION ||
	    !known_from(&r.is, doc_get(d, "is")))
		return err_set(err, -EBADMSG, "%s: of an unknown format", path);
	known_from(&r.prev, doc_get(d, "prev"));
	known_from(&r.old, doc_get(d, "old"));
	*ret = r;
	return 0;
}

int record_save(const char *heads, const char *name, const struct record *r,
		struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = doc_map(a);
	struct buf out = BUF(a);

	doc_put_int(a, d, "v", RECORD_VERSION);
	doc_put(a, d, "is", known_doc(a, &r->is));
	if (r->prev.text)
		doc_put(a, d, "prev", known_doc(a, &r->prev));
	if (r->old.text)
		doc_put(a, d, "old", known_doc(a, &r->old));
	doc_encode(&out, d);
	return disk_replace(record_path(a, heads, name), out.data, out.len,
			    0600, err);
}

int record_remove(const char *heads, const char *name, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *path = record_path(a, heads, name);

	if (unlink(path) < 0 && errno != ENOENT)
		return err_set(err, -errno, "%s: remove: %s", path,
			       strerror(errno));
	return 0;
}

/* -- files ------------------------------------------------------------- */

const char *envfile_path(struct arena *a, const char *dir, const char *name)
{
	return arena_printf(a, "%s/%s.conf", dir, name);
}

const char *envfile_old(struct arena *a, const char *dir, const char *name)
{
	return arena_printf(a, "%s/.%s.conf.old", dir, name);
}

bool file_sig_equal(const struct file_sig *a, const struct file_sig *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

static int64_t ns_of(struct timespec t)
{
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void sig_from(const struct stat *st, struct file_sig *ret)
{
	*ret = (struct file_sig){ .dev = st->st_dev,
				  .ino = st->st_ino,
				  .size = (uint64_t)st->st_size,
				  .mtime_ns = ns_of(st->st_mtim),
				  .ctime_ns = ns_of(st->st_ctim) };
}

void file_sig_of(const char *path, struct file_sig *ret)
{
	struct stat st;

	*ret = (struct file_sig){ 0 };
	if (stat(path, &st) == 0)
		sig_from(&st, ret);
}

void envfile_find(struct arena *a, const char *path, struct found *ret,
		  struct err *err)
{
	struct stat st;
	int rc;

	*ret = (struct found){ .kind = FOUND_NOTHING };
	if (stat(path, &st) < 0) {
		if (lstat(path, &st) < 0)
			return;
		ret->kind = FOUND_ODD;
		err_set(err, -ENOENT, "%s is a link to nothing", path);
		return;
	}
	sig_from(&st, &ret->sig);
	if (!S_ISREG(st.st_mode)) {
		ret->kind = FOUND_ODD;
		err_set(err, -EINVAL, "%s is %s", path,
			S_ISDIR(st.st_mode) ? "a folder" : "no file");
		return;
	}
	ret->uid = st.st_uid;
	rc = disk_read(a, path, CONF_MAX_SIZE, &ret->text, &ret->len, err);
	if (rc == DISK_NOT_THERE)
		*ret = (struct found){ .kind = FOUND_NOTHING };
	else if (rc == DISK_TOO_LARGE)
		ret->kind = FOUND_LARGE;
	else
		ret->kind = rc < 0 ? FOUND_UNREADABLE : FOUND_TEXT;
}

bool found_is_blank(const struct found *f)
{
	return f->kind == FOUND_TEXT && strspn(f->text, " \t\r\n") >= f->len;
}

/* A lease for reading is refused, at once, while somebody may write (fcntl(2),
 * F_SETLEASE). */
bool envfile_is_written(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool written = false;

	if (fd < 0)
		return false;
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
		fcntl(fd, F_SETLEASE, F_UNLCK);
	else
		written = errno == EAGAIN;
	close(fd);
	return written;
}

static int put_failed(struct err *err, int code, const char *path)
{
	return err_set(err, code, "%s: replace: %s", path, strerror(-code));
}

/* @temp becomes @path; what was there becomes @old. */
static int exchange(const char *temp, const char *path, const char *old)
{
	int rc;

	if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_EXCHANGE) == 0) {
		if (rename(temp, old) == 0)
			return 0;
		rc = -errno;
		renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_EXCHANGE);
		return rc;
	}
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (rename(path, old) < 0)
		return -errno;
	/* link() refuses what came to be there meanwhile, everywhere. */
	if (link(temp, path) < 0)
		return -errno;
	unlink(temp);
	return 0;
}

static int place(const char *temp, const char *path)
{
	if (link(temp, path) < 0)
		return -errno;
	unlink(temp);
	return 0;
}

/* A person's chmod and chown hold. 0, or why @temp may not take its place. */
static int take_after(const char *temp, const char *path,
		      const struct file_sig *was)
{
	struct file_sig sig;
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	sig_from(&st, &sig);
	if (!file_sig_equal(&sig, was))
		return -EEXIST;
	if (chown(temp, st.st_uid, st.st_gid) < 0 ||
	    chmod(temp, st.st_mode & 0777) < 0)
		return -errno;
	return 0;
}

int envfile_put(const char *dir, const char *name, const struct file_sig *was,
		const char *text, size_t len, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *path = envfile_path(a, dir, name);
	const char *old = envfile_old(a, dir, name);
	const char *temp = arena_printf(a, "%s/.%s.conf.new", dir, name);
	bool none = !was;
	int rc = disk_write(temp, text, len, 0600, err);

	if (rc < 0)
		return rc;
	rc = was ? take_after(temp, path, was) : 0;
	if (rc == 0)
		rc = was ? exchange(temp, path, old) : place(temp, path);
	if (rc == -ENOENT && was) {
		none = true;
		rc = place(temp, path);
	}
	if (rc < 0) {
		unlink(temp);
		return put_failed(err, rc, path);
	}
	rc = disk_sync_dir(dir, err);
	return rc < 0 ? rc : none;
}

int envfile_set_aside(const char *dir, const char *name, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *path = envfile_path(a, dir, name);

	if (rename(path, envfile_old(a, dir, name)) == 0)
		return disk_sync_dir(dir, err);
	if (errno == ENOENT)
		return 1;
	return err_set(err, -errno, "%s: move away: %s", path, strerror(errno));
}

int envfile_move_odd(struct arena *a, const char *dir, const char *name,
		     const char *path, const char **ret_path, struct err *err)
{
	const char *to = arena_printf(a, "%s/%s.conf.odd", dir, name);
	struct stat st;

	for (unsigned i = 2; lstat(to, &st) == 0; i++)
		to = arena_printf(a, "%s/%s.conf.odd-%u", dir, name, i);
	if (rename(path, to) < 0)
		return err_set(err, -errno, "%s: move away: %s", path,
			       strerror(errno));
	*ret_path = to;
	return 0;
}

/* The first that is longer than one may be; 0 if there is none. */
static unsigned long_line(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	unsigned line = 1;
	size_t len = 0;
	char part[65536];
	ssize_t n;

	if (fd < 0)
		return 0;
	while (len <= CONF_MAX_LINE && (n = read(fd, part, sizeof(part))) > 0)
		for (ssize_t i = 0; i < n && len <= CONF_MAX_LINE; i++) {
			bool ends = part[i] == '\n';

			line += ends;
			len = ends ? 0 : len + 1;
		}
	close(fd);
	return len > CONF_MAX_LINE ? line : 0;
}

const char *envfile_why_large(struct arena *a, const char *dir,
			      const char *name, uint64_t size)
{
	unsigned line = long_line(envfile_path(a, dir, name));
	const char *where =
		line ? arena_printf(a, "line %u: more than %d KiB; ", line,
				    CONF_MAX_LINE / 1024)
		     : "";

	return arena_printf(
		a, "%san env file may be of %d KiB, this one is of %llu", where,
		CONF_MAX_SIZE / 1024, (unsigned long long)size / 1024);
}
