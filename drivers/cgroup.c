#include "drivers/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/job.h"
#include "drivers/mountinfo.h"
#include "drivers/proc.h"

#define DEPTH_MAX 16

/* Hierarchies of version 1 are mounted with their controllers as options. */
static const char *const v1_best[] = { "name=systemd", "pids", "freezer" };

static int rank(const struct mount *m)
{
	if (strcmp(m->type, "cgroup2") == 0)
		return 0;
	if (strcmp(m->type, "cgroup") != 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (options_have(m->super, v1_best[i]))
			return 1 + i;
	return 4;
}

int cgroup_mounts(struct arena *a, const char *const **ret, struct err *err)
{
	struct mounts m;
	const char **list;
	size_t n = 0;
	int rc = mounts_read(a, &m, err);

	if (rc < 0)
		return rc;
	list = ARENA_VEC(a, const char *, m.n + 1);
	for (int r = 0; r <= 4; r++)
		for (size_t i = 0; i < m.n; i++)
			if (rank(&m.at[i]) == r &&
			    mounts_top(&m, m.at[i].at) == &m.at[i])
				list[n++] = m.at[i].at;
	*ret = list;
	return 0;
}

/* The path in a line "4:memory:/path" of /proc/1/cgroup, without systemd's
 * "/init.scope"; "" for the top, or where it is not visible from here. */
static const char *path_of_line(struct arena *a, const char *line)
{
	const char *path = strchr(line, ':');
	size_t n, scope = strlen("/init.scope");

	path = path ? strchr(path + 1, ':') : NULL;
	if (!path || strstr(path, "/.."))
		return "";
	path++;
	n = strcspn(path, "\n");
	if (n >= scope && strncmp(path + n - scope, "/init.scope", scope) == 0)
		n -= scope;
	return n == 1 ? "" : arena_printf(a, "%.*s", (int)n, path);
}

static bool listed(const char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

int cgroup_homes(struct arena *a, const char *const **ret, struct err *err)
{
	const char *const *roots, **list, *paths[64];
	size_t n_roots = 0, n_paths = 0, n = 0;
	char line[4096];
	int rc = cgroup_mounts(a, &roots, err);
	FILE *f;

	if (rc < 0)
		return rc;
	paths[n_paths++] = "";
	f = fopen("/proc/1/cgroup", "re");
	while (f && n_paths < 64 && fgets(line, sizeof(line), f)) {
		const char *path = path_of_line(a, line);

		if (!listed(paths, n_paths, path))
			paths[n_paths++] = path;
	}
	if (f)
		fclose(f);
	while (roots[n_roots])
		n_roots++;
	/* Which path is of which hierarchy does not matter: those that are
	 * not there are passed over. */
	list = ARENA_VEC(a, const char *, n_roots *n_paths + 1);
	for (size_t i = 0; i < n_roots; i++)
		for (size_t k = 0; k < n_paths; k++)
			list[n++] = arena_printf(a, "%s%s", roots[i], paths[k]);
	*ret = list;
	return 0;
}

int cgroup_make(struct arena *a, const char *name, const char **ret,
		struct err *err)
{
	const char *const *roots;
	int rc = cgroup_mounts(a, &roots, err);

	if (rc < 0)
		return rc;
	for (; *roots; roots++) {
		const char *dir = arena_printf(a, "%s/%s", *roots, name);

		int made = dir_make(dir, 0755, NULL);

		/* Another's track_forget() removes empty parents. */
		if (made < 0)
			made = dir_make(dir, 0755, NULL);
		if (made < 0 ||
		    access(arena_printf(a, "%s/cgroup.procs", dir), W_OK) < 0)
			continue;
		*ret = dir;
		return 0;
	}
	return 1;
}

int cgroup_join_fd(const char *dir, struct err *err)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "%s: open: %s", path,
			       strerror(errno));
	return fd;
}

static size_t pids_here(const char *dir, pid_t *pids, size_t max)
{
	char path[4096];
	size_t n = 0;
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	f = fopen(path, "re");
	while (f && n < max && fscanf(f, "%d", &pid) == 1)
		if (pid > 0 && proc_is_alive(pid))
			pids[n++] = pid;
	if (f)
		fclose(f);
	return n;
}

/* Call @fn for each group below @dir. */
static DIR *groups_open(const char *dir, unsigned depth)
{
	return depth < DEPTH_MAX ? opendir(dir) : NULL;
}

static bool group_next(DIR *d, const char *dir, char *path, size_t size)
{
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (e->d_type != DT_DIR || strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0) /* ".lxc" is a group */
			continue;
		if (snprintf(path, size, "%s/%s", dir, e->d_name) < (int)size)
			return true;
	}
	return false;
}

static size_t pids_below(const char *dir, pid_t *pids, size_t max,
			 unsigned depth)
{
	size_t n = pids_here(dir, pids, max);
	DIR *d = groups_open(dir, depth);
	char path[4096];

	while (group_next(d, dir, path, sizeof(path)))
		n += pids_below(path, pids + n, max - n, depth + 1);
	if (d)
		closedir(d);
	return n;
}

size_t cgroup_pids(const char *dir, pid_t *pids, size_t max)
{
	return pids_below(dir, pids, max, 0);
}

/* The files of version 2 and of version 1. */
static const struct {
	const char *name, *frozen, *thaw;
} freezers[] = {
	{ "cgroup.freeze", "1", "0" },
	{ "freezer.state", "FROZEN", "THAWED" },
};

bool cgroup_is_frozen(const char *dir)
{
	bool frozen = false;

	for (size_t i = 0; i < 2 && !frozen; i++) {
		char path[4096], text[16] = "";
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", dir, freezers[i].name);
		f = fopen(path, "re");
		frozen = f && fscanf(f, "%15s", text) == 1 &&
			 strcmp(text, freezers[i].frozen) == 0;
		if (f)
			fclose(f);
	}
	return frozen;
}

void cgroup_thaw(const char *dir)
{
	for (size_t i = 0; i < 2; i++) {
		char path[4096];
		int fd;

		snprintf(path, sizeof(path), "%s/%s", dir, freezers[i].name);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			continue; /* of the other version */
		if (write(fd, freezers[i].thaw, strlen(freezers[i].thaw)) < 0) {
			/* then it stays frozen, which the caller sees */
		}
		close(fd);
	}
}

static bool remove_below(const char *dir, unsigned depth)
{
	DIR *d = groups_open(dir, depth);
	char path[4096];

	while (group_next(d, dir, path, sizeof(path)))
		remove_below(path, depth + 1);
	if (d)
		closedir(d);
	return rmdir(dir) == 0 || errno == ENOENT;
}

bool cgroup_remove(const char *dir)
{
	return remove_below(dir, 0);
}
