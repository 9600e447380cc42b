#include "drivers/proc.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENV_SEEN (128UL * 1024) /* that much of an environment is looked at */

static ssize_t slurp(pid_t pid, const char *name, char *to, size_t size)
{
	char path[48];
	size_t len = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	while (len < size - 1 && (n = read(fd, to + len, size - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	to[len] = '\0';
	return (ssize_t)len;
}

/* proc(5): "pid (name) state ppid pgrp session ... starttime". The name may
 * hold anything, ") " too, so the fields are counted from the last one. */
bool proc_parse(const char *stat, struct proc *ret)
{
	const char *after = strrchr(stat, ')');
	int pid, session;

	*ret = (struct proc){ 0 };
	if (!after || sscanf(stat, "%d", &pid) != 1 ||
	    sscanf(after,
		   ") %c %*d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u "
		   "%*d %*d %*d %*d %*d %*d %" SCNu64,
		   &ret->state, &session, &ret->start) != 3)
		return false;
	ret->pid = pid;
	ret->session = session;
	return true;
}

bool proc_read(pid_t pid, struct proc *ret)
{
	char stat[1024];

	return slurp(pid, "stat", stat, sizeof(stat)) > 0 &&
	       proc_parse(stat, ret);
}

bool proc_is_alive(pid_t pid)
{
	struct proc p;

	return proc_read(pid, &p) && p.state != 'Z' && p.state != 'X';
}

bool proc_has_env(pid_t pid, const char *pair)
{
	char *env = malloc(ENV_SEEN);
	ssize_t n = env ? slurp(pid, "environ", env, ENV_SEEN) : -1;
	bool found = false;

	for (const char *at = env; n > 0 && !found && at < env + n;
	     at += strlen(at) + 1)
		found = strcmp(at, pair) == 0;
	free(env);
	return found;
}
