/*
 * In a child, which alone changes its namespace: by system calls only.
 */
#include "drivers/netcut.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/run.h"

#define INDEX_MAX 4096 /* of the interfaces of one container */

enum { DONE, NO_ENTRY, NO_SOCKET, NOT_DOWN };

static const char *const faults[] = {
	[NO_ENTRY] = "its network cannot be entered",
	[NO_SOCKET] = "no socket can be made in it",
	[NOT_DOWN] = "an interface does not go down",
};

static int all_down(const void *arg)
{
	const int *ns = arg;
	int rc = DONE, s;

	if (setns(*ns, CLONE_NEWNET) < 0)
		return NO_ENTRY;
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return NO_SOCKET;
	for (int i = 1; i <= INDEX_MAX; i++) {
		struct ifreq r = { .ifr_ifindex = i };

		if (ioctl(s, SIOCGIFNAME, &r) < 0 ||
		    ioctl(s, SIOCGIFFLAGS, &r) < 0 ||
		    (r.ifr_flags & IFF_LOOPBACK) || !(r.ifr_flags & IFF_UP))
			continue;
		r.ifr_flags &= (short)~IFF_UP;
		if (ioctl(s, SIOCSIFFLAGS, &r) < 0)
			rc = NOT_DOWN;
	}
	return rc;
}

int netcut(pid_t pid, int64_t deadline_ms, struct err *err)
{
	char path[64];
	struct stat own, theirs;
	int ns, rc;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return err_set(err, -ESRCH, "process %d: %s", (int)pid,
			       strerror(errno));
	rc = fstat(ns, &theirs) < 0 || stat("/proc/self/ns/net", &own) < 0
		     ? -errno
		     : 0;
	if (rc < 0)
		err_set(err, rc, "%s: %s", path, strerror(-rc));
	else if (own.st_ino == theirs.st_ino && own.st_dev == theirs.st_dev)
		rc = err_set(err, -EPERM,
			     "it has no network of its own, but this "
			     "machine's, which is not cut");
	else
		rc = run_call(all_down, &ns, deadline_ms, err);
	close(ns);
	return rc > 0 ? err_set(err, -EIO, "%s",
				rc <= NOT_DOWN ? faults[rc] : "it failed")
		      : rc;
}
