#include "drivers/lxc_make.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/job.h"
#include "drivers/mark.h"
#include "drivers/mountinfo.h"
#include "drivers/run.h"
#include "fsm/conf/convert.h"
#include "fsm/conf/text.h"

#define COMMON_CONF "/usr/share/lxc/config/common.conf"

/* -- where it is ------------------------------------------------------------
 */

/* Of the keyword; NULL where there is none, "" where it is no directory. */
static const char *root_keyword(const struct job *j)
{
	const char *root = job_kw(j, "rootfs");

	if (root && text_starts(root, "dir:"))
		root += 4;
	return !root || root[0] == '/' ? root : "";
}

static const char *own_dir(const struct job *j, const struct lxc_place *p)
{
	return arena_printf(j->arena, "%s/%s", p->dir, p->name);
}

static const char *own_config(const struct job *j, const struct lxc_place *p)
{
	return arena_printf(j->arena, "%s/%s/config", p->dir, p->name);
}

/* "" where it is no directory that we could make. */
static const char *root_of(const struct job *j, const struct lxc_place *p)
{
	const char *root = root_keyword(j);

	return root ? root
		    : arena_printf(j->arena, "%s/%s/rootfs", p->dir, p->name);
}

/* Or not there. What mkfs puts into a new file system is nothing; of what
 * cannot be read it is not known. */
static bool is_empty(const char *path)
{
	DIR *d = opendir(path);
	bool empty = d || errno == ENOENT;
	struct dirent *e;

	while (d && empty && (e = readdir(d)))
		empty = strcmp(e->d_name, ".") == 0 ||
			strcmp(e->d_name, "..") == 0 ||
			strcmp(e->d_name, "lost+found") == 0;
	if (d)
		closedir(d);
	return empty;
}

static bool is_made(const struct job *j, const char *root)
{
	return mark_get(j, root) != MARK_MAKING && !is_empty(root);
}

enum provisioned lxc_made(const struct job *j, const struct lxc_place *p)
{
	const char *root = root_keyword(j);
	enum provisioned config = PROVISIONED_YES;

	if (*p->cf || !root)
		config = job_made(j, *p->cf ? p->cf : own_config(j, p));
	if (config != PROVISIONED_YES || !root)
		return config;
	if (!*root || job_hidden(j, root))
		return PROVISIONED_NA;
	return is_made(j, root) ? PROVISIONED_YES : PROVISIONED_NO;
}

/* -- making ---------------------------------------------------------------- */

static int command(const struct job *j, const char *const *argv,
		   struct err *err)
{
	struct run r = { .argv = argv, .deadline_ms = j->deadline_ms };

	return run_ok(&r, err);
}

/* What is in it, not itself: it may be a mount point. Nothing that is mounted
 * below it is entered. */
static int make_empty(const struct job *j, const char *root, struct err *err)
{
	const char *const argv[] = { "find", root,	"-xdev", "-mindepth",
				     "1",    "-delete", NULL };

	return command(j, argv, err);
}

static int fill(const struct job *j, const char *template, const char *root,
		struct err *err)
{
	const char *from = arena_printf(j->arena, "%s/.", template);
	const char *const copy[] = { "cp", "-a", "--", from, root, NULL };
	const char *const unpack[] = { "tar",	   "--numeric-owner",
				       "--xattrs", "--xattrs-include=*.*",
				       "-xpf",	   template,
				       "-C",	   root,
				       NULL };
	struct stat st;

	if (stat(template, &st) < 0)
		return err_set(err, -errno, "template %s: %s", template,
			       strerror(errno));
	return command(j, S_ISDIR(st.st_mode) ? copy : unpack, err);
}

static int root_make(const struct job *j, const char *template,
		     const char *root, struct err *err)
{
	int rc = dir_make(root, 0755, err);

	if (rc == 0 && mark_get(j, root) == MARK_MAKING)
		rc = make_empty(j, root, err);
	if (rc == 0)
		rc = mark_put(j, root, MARK_MAKING, err);
	if (rc == 0)
		rc = fill(j, template, root, err);
	/* A copy brings the attributes of what it is of. */
	return rc < 0 ? rc : mark_put(j, root, MARK_DONE, err);
}

/* What a start would say itself where there is a rootfs and no file. */
static int config_make(const struct job *j, const struct lxc_place *p,
		       const char *root, struct err *err)
{
	struct buf b = BUF(j->arena);

	buf_printf(&b, "# Made by encap for %s, %s.\n", j->service,
		   j->res->rid);
	if (access(COMMON_CONF, R_OK) == 0)
		buf_printf(&b, "lxc.include = %s\n", COMMON_CONF);
	else
		buf_puts(&b, "lxc.mount.auto = proc:mixed sys:mixed\n");
	if (!job_kw(j, "network"))
		buf_puts(&b, "lxc.net.0.type = empty\n");
	buf_printf(&b, "lxc.uts.name = %s\nlxc.rootfs.path = dir:%s\n", p->name,
		   root);
	return job_file_write(own_config(j, p), buf_text(&b), err);
}

static int lxc_create(const struct job *j, const struct lxc_place *p,
		      const char *template, const struct names *words,
		      struct err *err)
{
	const char **argv = ARENA_VEC(j->arena, const char *, words->n + 14);
	const char *root = root_keyword(j);
	size_t n = 0;
	int rc = dir_make(p->dir, 0711, err);

	argv[n++] = "lxc-create";
	argv[n++] = "-n";
	argv[n++] = p->name;
	argv[n++] = "-P";
	argv[n++] = p->dir;
	if (*p->cf) {
		argv[n++] = "-f";
		argv[n++] = p->cf;
	}
	if (root) {
		argv[n++] = "--dir";
		argv[n++] = root;
	}
	argv[n++] = "-t";
	argv[n++] = template;
	argv[n++] = "--";
	for (size_t i = 0; i < words->n; i++)
		argv[n++] = words->at[i];
	if (rc == 0)
		rc = command(j, argv, err);
	if (rc == 0)
		rc = mark_put(j, own_dir(j, p), MARK_DONE, err);
	return rc < 0 ? rc : mark_put(j, root_of(j, p), MARK_DONE, err);
}

/* The directory of the container, if it is made by this. */
static int own_dir_make(const struct job *j, const struct lxc_place *p,
			struct err *err)
{
	const char *dir = own_dir(j, p);
	bool there = access(dir, F_OK) == 0;
	int rc = dir_make(p->dir, 0711, err);

	if (rc == 0)
		rc = dir_make(dir, 0770, err);
	return rc == 0 && !there ? mark_put(j, dir, MARK_DONE, err) : rc;
}

int lxc_make(const struct job *j, const struct lxc_place *p, struct err *err)
{
	const char *template = job_kw(j, "template"), *root = root_of(j, p);
	const char *text = job_kw(j, "template_options"), *hidden;
	struct names words = { 0 };
	int rc = 0;

	hidden = job_hidden(j, *root ? root : "/");
	if (hidden)
		return err_set(err, -ENOENT, "%s: %s is not mounted", root,
			       hidden);
	if (lxc_made(j, p) == PROVISIONED_YES)
		return DRIVER_NOOP;
	if (!template)
		return err_set(err, -EINVAL,
			       "%s has no root, and no template says what it "
			       "is to be made from",
			       p->name);
	if (!*root)
		return err_set(err, -EINVAL,
			       "rootfs %s is no directory that could be made",
			       job_kw(j, "rootfs"));
	if (text)
		rc = shlex_split(j->arena, text, &words, err);
	if (rc == 0 && template[0] != '/')
		return lxc_create(j, p, template, &words, err);
	if (rc == 0 && !root_keyword(j))
		rc = own_dir_make(j, p, err);
	if (rc == 0 && !is_made(j, root))
		rc = root_make(j, template, root, err);
	if (rc == 0 && !root_keyword(j) && !*p->cf)
		rc = config_make(j, p, root, err);
	return rc;
}

/* -- and back -------------------------------------------------------------- */

/* @dir itself may be a mount point, but nothing below it. */
static int check_mounts(const struct job *j, const char *dir, bool *ret_is,
			struct err *err)
{
	struct mounts m;
	const char *at;
	int rc = path_canonical(j->arena, dir, &at, err);

	if (rc == 0)
		rc = mounts_read(j->arena, &m, err);
	if (rc < 0)
		return rc;
	*ret_is = false;
	for (size_t i = 0; i < m.n; i++) {
		if (strcmp(m.at[i].at, at) == 0)
			*ret_is = true;
		else if (path_is_below(m.at[i].at, at))
			return err_set(err, -EBUSY,
				       "%s is mounted below it: nothing was "
				       "removed",
				       m.at[i].at);
	}
	return 0;
}

/* DRIVER_LEFT, where it is not ours. */
static int root_remove(const struct job *j, const char *root, struct err *err)
{
	bool is_mount;
	int rc;

	if (!*root || job_hidden(j, root))
		return DRIVER_LEFT;
	if (access(root, F_OK) < 0)
		return DRIVER_NOOP;
	if (mark_get(j, root) == MARK_NONE)
		return is_empty(root) ? DRIVER_NOOP : DRIVER_LEFT;
	rc = check_mounts(j, root, &is_mount, err);
	if (rc == 0)
		rc = mark_put(j, root, MARK_MAKING, err);
	if (rc == 0)
		rc = make_empty(j, root, err);
	if (rc < 0)
		return rc;
	mark_remove(root);
	if (is_mount || rmdir(root) == 0)
		return 0;
	return err_set(err, -errno, "%s: remove: %s", root, strerror(errno));
}

/* What lxc-create and we put beside the root. */
static int own_dir_remove(const struct job *j, const struct lxc_place *p,
			  struct err *err)
{
	const char *dir = own_dir(j, p);
	int rc = job_file_remove(own_config(j, p), err);

	if (rc < 0)
		return rc;
	if (rmdir(dir) < 0 && errno != ENOENT && errno != ENOTEMPTY &&
	    errno != EEXIST)
		return err_set(err, -errno, "%s: remove: %s", dir,
			       strerror(errno));
	return rc > 0 ? DRIVER_NOOP : 0;
}

int lxc_unmake(const struct job *j, const struct lxc_place *p, struct err *err)
{
	const char *root = root_of(j, p);
	bool ours = mark_get(j, own_dir(j, p)) != MARK_NONE;
	int rc = root_remove(j, root, err), own = DRIVER_NOOP;

	if (rc >= 0 && ours)
		own = own_dir_remove(j, p, err);
	if (rc < 0 || own < 0)
		return rc < 0 ? rc : own;
	return rc == 0 || own == 0 ? 0 : rc;
}
