#include "drivers/users.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOWN 8

static bool is_on(int dir, const char *name, unsigned mount_id)
{
	struct statx st;

	/* No question goes to a server or disk: what is cached will do. */
	return statx(dir, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
		     STATX_MNT_ID, &st) == 0 &&
	       (st.stx_mask & STATX_MNT_ID) && st.stx_mnt_id == mount_id;
}

static bool any_on(int proc, const char *folder, unsigned mount_id)
{
	int fd = openat(proc, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	bool found = false;
	struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (!found && (e = readdir(d)))
		found = e->d_name[0] != '.' &&
			is_on(dirfd(d), e->d_name, mount_id);
	closedir(d);
	return found;
}

static bool uses(int proc, unsigned mount_id)
{
	return is_on(proc, "cwd", mount_id) || is_on(proc, "root", mount_id) ||
	       is_on(proc, "exe", mount_id) || any_on(proc, "fd", mount_id) ||
	       any_on(proc, "map_files", mount_id);
}

void users_of_mount(unsigned mount_id, struct users *ret)
{
	DIR *d = opendir("/proc");
	struct dirent *e;

	ret->n = 0;
	while (d && ret->n < USERS_MAX && (e = readdir(d))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
		int proc;

		if (pid <= 1 || pid == getpid())
			continue;
		proc = openat(dirfd(d), e->d_name,
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (proc < 0)
			continue;
		if (uses(proc, mount_id))
			ret->pid[ret->n++] = pid;
		close(proc);
	}
	if (d)
		closedir(d);
}

void users_signal(const struct users *u, int signal)
{
	for (size_t i = 0; i < u->n; i++)
		kill(u->pid[i], signal);
}

const char *users_text(struct arena *a, const struct users *u)
{
	const char *text = "";

	for (size_t i = 0; i < u->n && i < SHOWN; i++) {
		char path[48], name[32] = "?\n";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/comm", (int)u->pid[i]);
		f = fopen(path, "re");
		if (f && !fgets(name, sizeof(name), f))
			strcpy(name, "?\n");
		if (f)
			fclose(f);
		name[strcspn(name, "\n")] = '\0';
		text = arena_printf(a, "%s%s%d (%s)", text, i ? ", " : "",
				    (int)u->pid[i], name);
	}
	if (u->n > SHOWN)
		text = arena_printf(a, "%s and %zu more", text, u->n - SHOWN);
	return text;
}
