/*
 * cgroup - groups of processes that the kernel keeps, by version 1 or 2.
 *
 * Only to know which processes belong together; no limits are set here.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "drivers/driver.h"

/* The mounted hierarchies, best first for keeping processes together: version
 * 2, then those of version 1. NULL-terminated, on the arena. */
int cgroup_mounts(struct arena *a, const char *const **ret, struct err *err);

/* The directories in which those are made that belong to nobody's group: the
 * top of each hierarchy, and the group of process 1. */
int cgroup_homes(struct arena *a, const char *const **ret, struct err *err);

/* Make a group below the first hierarchy that lets us: "encap/SERVICE/RID".
 * 1 when none does (a container that sees them read-only). */
int cgroup_make(struct arena *a, const char *name, const char **ret,
		struct err *err);
/* A descriptor of its cgroup.procs, to be written by who joins. */
int cgroup_join_fd(const char *dir, struct err *err);

/* The processes in @dir and below, at most @max of them; those that have ended
 * and only wait to be reaped are left out. */
size_t cgroup_pids(const char *dir, pid_t *pids, size_t max);
/* What is frozen does not even die. */
bool cgroup_is_frozen(const char *dir);
void cgroup_thaw(const char *dir);
/* Remove the group and those below it, if no process is in them. */
bool cgroup_remove(const char *dir);
