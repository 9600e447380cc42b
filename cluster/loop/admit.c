#include "cluster/loop/admit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool admit_is_root(const char *map, unsigned uid)
{
	unsigned inside, outside, count;
	int used;

	/* Lines of "inside outside count", the kernel's. */
	for (; sscanf(map, "%u %u %u%n", &inside, &outside, &count, &used) == 3;
	     map += used)
		if (inside == 0 && count > 0)
			return outside == uid;
	return false;
}

static int proc_open(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool is_root_there(pid_t pid, uid_t uid)
{
	char map[4096];
	int fd = proc_open(pid, "uid_map");
	ssize_t n = 0;

	if (fd >= 0) {
		n = read(fd, map, sizeof(map) - 1);
		close(fd);
	}
	map[n > 0 ? n : 0] = '\0';
	return admit_is_root(map, uid);
}

static bool is_of_our_making(pid_t pid)
{
	uid_t owner = (uid_t)-1;
	int fd = proc_open(pid, "ns/user");
	bool ok = fd >= 0 && ioctl(fd, NS_GET_OWNER_UID, &owner) == 0;

	if (fd >= 0)
		close(fd);
	return ok && owner == geteuid();
}

int admit_peer(pid_t pid, uid_t uid, struct err *err)
{
	if (uid == 0 || uid == geteuid())
		return 0;
	/* The map is of whoever has the number now, should the peer have died
	 * meanwhile; but that @uid is its root's is true then, too. */
	if (pid > 0 && is_of_our_making(pid) && is_root_there(pid, uid))
		return 0;
	return err_set(err, -EPERM,
		       "uid %u is refused: only root may, here or of a "
		       "container that root has started",
		       (unsigned)uid);
}
