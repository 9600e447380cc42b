#include "drivers/fs.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "drivers/job.h"
#include "drivers/loop.h"
#include "drivers/run.h"

/* findfs(8) looks into the devices themselves; udev's links, where there are
 * any, spare that at each look. */
static int find_tag(const struct job *j, const char *tag, const char **ret,
		    struct err *err)
{
	const char *const argv[] = { "findfs", tag, NULL };
	struct run r = { .argv = argv, .deadline_ms = j->deadline_ms };
	bool label = tag[0] == 'L';
	const char *link =
		arena_printf(j->arena, "/dev/disk/by-%s/%s",
			     label ? "label" : "uuid", strchr(tag, '=') + 1);
	int rc;

	if (access(link, F_OK) == 0) {
		*ret = link;
		return 0;
	}
	rc = run_ok(&r, err);
	if (rc < 0)
		return rc;
	*ret = arena_printf(j->arena, "%s", run_said(&r));
	return 0;
}

int fs_device(const struct job *j, const char *dev, const char **ret,
	      struct err *err)
{
	*ret = dev;
	if (strncmp(dev, "LABEL=", 6) == 0 || strncmp(dev, "UUID=", 5) == 0)
		return find_tag(j, dev, ret, err);
	if (dev[0] == '/')
		return 0;
	return err_set(err, -EINVAL,
		       "dev '%s' is no absolute path, LABEL= or UUID=", dev);
}

/* The kernel's name of a block device, "sda1". */
static bool dev_name(dev_t rdev, char *to, size_t size)
{
	char link[64], real[PATH_MAX];

	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(rdev),
		 minor(rdev));
	if (!realpath(link, real))
		return false;
	return snprintf(to, size, "%s", strrchr(real, '/') + 1) < (int)size;
}

/* The super block of btrfs has a number that is no device's, and its source is
 * any one of its devices: sysfs tells which belong together. */
static bool same_btrfs(dev_t a, dev_t b)
{
	char one[64], two[64], path[512];
	DIR *d = opendir("/sys/fs/btrfs");
	bool same = false;
	struct dirent *e;

	if (!d)
		return false;
	if (dev_name(a, one, sizeof(one)) && dev_name(b, two, sizeof(two))) {
		while (!same && (e = readdir(d))) {
			snprintf(path, sizeof(path),
				 "/sys/fs/btrfs/%s/devices/%s", e->d_name, one);
			same = access(path, F_OK) == 0;
			snprintf(path, sizeof(path),
				 "/sys/fs/btrfs/%s/devices/%s", e->d_name, two);
			same = same && access(path, F_OK) == 0;
		}
	}
	closedir(d);
	return same;
}

static bool source_dev(const struct mount *m, dev_t *ret)
{
	struct stat st;

	if (m->source[0] != '/' || stat(m->source, &st) < 0 ||
	    !S_ISBLK(st.st_mode))
		return false;
	*ret = st.st_rdev;
	return true;
}

bool fs_on_device(const struct mount *m, dev_t rdev)
{
	dev_t source;

	if (m->dev == rdev)
		return true;
	if (strcmp(m->type, "btrfs") != 0 || !source_dev(m, &source))
		return false;
	return source == rdev || same_btrfs(source, rdev);
}

bool fs_backed_by(const struct job *j, const struct mount *m, const char *file)
{
	dev_t source = m->dev;

	if (strcmp(m->type, "btrfs") == 0 && !source_dev(m, &source))
		return false;
	return loop_is(j, source, file);
}

bool fs_is_bind(const struct mounts *all, struct arena *a, const char *source,
		const struct mount *m)
{
	const struct mount *holder;
	char real[PATH_MAX];
	const char *rest, *root;

	if (!realpath(source, real))
		return false;
	holder = mounts_holding(all, real);
	if (!holder || holder->dev != m->dev || holder->id == m->id)
		return false;
	rest = strcmp(holder->at, "/") == 0 ? real : real + strlen(holder->at);
	root = strcmp(holder->root, "/") == 0 ? "" : holder->root;
	root = arena_printf(a, "%s%s", root, strcmp(rest, "/") ? rest : "");
	return strcmp(*root ? root : "/", m->root) == 0;
}
