#include "cluster/loop/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The address of @path; one that is too long for it by way of an open
 * descriptor of its folder, which is for the caller to close. */
static int unix_address(const char *path, struct sockaddr_un *ret, int *ret_dir,
			struct err *err)
{
	const char *slash = strrchr(path, '/');
	char dir[4096];

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*ret_dir = -1;
	if (strlen(path) < sizeof(ret->sun_path)) {
		memcpy(ret->sun_path, path, strlen(path) + 1);
		return 0;
	}
	if (!slash || (size_t)(slash - path) >= sizeof(dir) ||
	    strlen(slash) > 64)
		return err_set(err, -ENAMETOOLONG, "%.80s...: too long a path",
			       path);
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	*ret_dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_dir < 0)
		return err_set(err, -errno, "%s: %s", dir, strerror(errno));
	snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d%.64s",
		 *ret_dir, slash);
	return 0;
}

static void close_dir(int dir)
{
	if (dir >= 0)
		close(dir);
}

int unix_listen(const char *path, mode_t mode, struct err *err)
{
	struct sockaddr_un at;
	int dir, fd, rc = unix_address(path, &at, &dir, err);

	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && unlink(at.sun_path) < 0 && errno != ENOENT)
		rc = -errno;
	/* Nobody can connect before listen(), so its mode is right by then. */
	if (fd < 0 ||
	    (rc == 0 && (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
			 chmod(at.sun_path, mode) < 0 || listen(fd, 64) < 0)))
		rc = -errno;
	close_dir(dir);
	if (rc == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return err_set(err, rc, "%s: listen: %s", path, strerror(-rc));
}

int unix_connect(const char *path, struct err *err)
{
	struct sockaddr_un to;
	int dir, fd, rc = unix_address(path, &to, &dir, err);

	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		rc = -errno;
	close_dir(dir);
	if (rc == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return err_set(err, rc, "%s: connect: %s", path, strerror(-rc));
}

int unix_peer(int fd, uid_t *ret_uid, pid_t *ret_pid, struct err *err)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return err_set(err, -errno, "peer's credentials: %s",
			       strerror(errno));
	*ret_uid = cred.uid;
	*ret_pid = cred.pid;
	return 0;
}

/* -- on the loop ------------------------------------------------------- */

static int spare_open(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Out of descriptors: the one that is kept for this takes the client, and is
 * closed with it. Else the loop would spin on it. */
static void turn_away(struct listener *l)
{
	int fd;

	if (l->spare >= 0)
		close(l->spare);
	fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	l->spare = spare_open();
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;
	int fd;

	(void)status;
	(void)events;
	fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		l->on_client(l->data, fd);
	else if (errno == EMFILE || errno == ENFILE)
		turn_away(l);
}

int listener_open(struct listener *l, uv_loop_t *loop, const char *path,
		  mode_t mode, struct err *err)
{
	int fd = unix_listen(path, mode, err), rc;

	if (fd < 0)
		return fd;
	l->fd = fd;
	rc = uv_poll_init(loop, &l->poll, fd);
	if (rc < 0) {
		close(fd);
		return err_set(err, rc, "%s: %s", path, uv_strerror(rc));
	}
	l->poll.data = l;
	l->spare = spare_open();
	uv_poll_start(&l->poll, UV_READABLE, on_ready);
	return 0;
}

static void on_closed(uv_handle_t *h)
{
	struct listener *l = h->data;

	close(l->fd);
	if (l->spare >= 0)
		close(l->spare);
	if (l->on_closed)
		l->on_closed(l->data);
}

void listener_close(struct listener *l, void (*closed)(void *data))
{
	l->on_closed = closed;
	uv_close((uv_handle_t *)&l->poll, on_closed);
}
