#include "drivers/owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/job.h"

#define NSS_BUF 16384

/* A number below 2^32-1, which stands for "unchanged". */
static bool is_id(const char *text, unsigned *ret)
{
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (*end || errno || value >= 0xffffffffUL)
		return false;
	*ret = (unsigned)value;
	return true;
}

int user_find(const char *name, uid_t *uid, gid_t *gid, struct arena *a,
	      const char **ret_name, const char **ret_home, struct err *err)
{
	char *buf = arena_alloc(a, NSS_BUF);
	struct passwd pw, *found = NULL;
	bool number = is_id(name, uid);
	int rc = number ? getpwuid_r(*uid, &pw, buf, NSS_BUF, &found)
			: getpwnam_r(name, &pw, buf, NSS_BUF, &found);

	*ret_name = name;
	*ret_home = "/";
	if (found) {
		*uid = pw.pw_uid;
		*gid = pw.pw_gid;
		*ret_name = pw.pw_name;
		*ret_home = pw.pw_dir;
		return 0;
	}
	if (number) { /* need not have a name; its group is of that number */
		*gid = *uid;
		return 0;
	}
	return err_set(err, -ENOENT, "user '%s' is not known%s%s", name,
		       rc ? ": " : "", rc ? strerror(rc) : "");
}

int group_find_id(const char *name, gid_t *gid, struct err *err)
{
	struct group gr, *found = NULL;
	char buf[NSS_BUF];
	int rc;

	if (is_id(name, gid))
		return 0;
	rc = getgrnam_r(name, &gr, buf, sizeof(buf), &found);
	if (found) {
		*gid = gr.gr_gid;
		return 0;
	}
	return err_set(err, -ENOENT, "group '%s' is not known%s%s", name,
		       rc ? ": " : "", rc ? strerror(rc) : "");
}

int owner_read(const struct job *j, struct owner *ret, struct err *err)
{
	const char *user = job_kw(j, "user"), *group = job_kw(j, "group");
	const char *perm = job_kw(j, "perm"), *name, *home;
	char *end = NULL;
	int rc = 0;

	*ret = (struct owner){ .has_uid = user,
			       .has_gid = group,
			       .has_mode = perm };
	if (user) {
		gid_t gid;

		rc = user_find(user, &ret->uid, &gid, j->arena, &name, &home,
			       err);
	}
	if (rc == 0 && group)
		rc = group_find_id(group, &ret->gid, err);
	if (rc == 0 && perm) {
		ret->mode = (mode_t)strtoul(perm, &end, 8);
		if (*end || *perm < '0' || *perm > '7' || ret->mode > 07777)
			rc = err_set(err, -EINVAL,
				     "perm '%s' is no mode in octal", perm);
	}
	return rc < 0 ? err_wrap(err, rc, "%s", j->res->rid) : 0;
}

int owner_apply(const struct owner *o, const char *path, struct err *err)
{
	uid_t uid = o->has_uid ? o->uid : (uid_t)-1;
	gid_t gid = o->has_gid ? o->gid : (gid_t)-1;

	if ((o->has_uid || o->has_gid) && chown(path, uid, gid) < 0)
		return err_set(err, -errno, "%s: change owner: %s", path,
			       strerror(errno));
	if (o->has_mode && chmod(path, o->mode) < 0)
		return err_set(err, -errno, "%s: change mode: %s", path,
			       strerror(errno));
	return 0;
}

int owner_differs(const struct owner *o, const char *path, struct arena *a,
		  const char **ret, struct err *err)
{
	const char *text = "";
	struct stat st;

	*ret = NULL;
	if (!o->has_uid && !o->has_gid && !o->has_mode)
		return 0;
	if (stat(path, &st) < 0)
		return err_set(err, -errno, "%s: look at it: %s", path,
			       strerror(errno));
	if (o->has_uid && st.st_uid != o->uid)
		text = arena_printf(a, "; owner is %u, not %u", st.st_uid,
				    o->uid);
	if (o->has_gid && st.st_gid != o->gid)
		text = arena_printf(a, "%s; group is %u, not %u", text,
				    st.st_gid, o->gid);
	if (o->has_mode && (st.st_mode & 07777) != o->mode)
		text = arena_printf(a, "%s; mode is %04o, not %04o", text,
				    st.st_mode & 07777, o->mode);
	*ret = *text ? text + 2 : NULL;
	return 0;
}
