#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Much more than a valid one has, so that the check can say which line it is
 * that is too long. */
#define FILE_MAX (16 * CONF_MAX_SIZE)

static int read_all(int fd, const char *path, struct buf *ret, struct err *err)
{
	char chunk[16384];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, -errno, "%s: read: %s", path,
				       strerror(errno));
		if (ret->len + (size_t)n > FILE_MAX)
			return err_set(err, -EFBIG,
				       "%s: longer than %d bytes; an env file "
				       "has %d at most",
				       path, FILE_MAX, CONF_MAX_SIZE);
		buf_add(ret, chunk, (size_t)n);
	}
}

int file_read(const char *path, struct buf *ret, struct err *err)
{
	int fd, rc;

	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, "standard input", ret, err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	rc = read_all(fd, path, ret, err);
	close(fd);
	return rc;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_write_temp(struct arena *a, const char *service, const char *text,
		    size_t len, const char **ret_path, struct err *err)
{
	const char *dir = getenv("TMPDIR");
	char *path;
	int fd, rc;

	path = arena_printf(a, "%s/%s-XXXXXX.conf", dir && *dir ? dir : "/tmp",
			    service);
	fd = mkostemps(path, 5, O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	rc = write_all(fd, text, len);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc < 0) {
		unlink(path);
		return err_set(err, rc, "%s: write: %s", path, strerror(-rc));
	}
	*ret_path = path;
	return 0;
}

static const char *editor_command(void)
{
	const char *e = getenv("VISUAL");

	if (!e || !*e)
		e = getenv("EDITOR");
	return e && *e ? e : "vi";
}

int file_edit(const char *path, struct err *err)
{
	const char *editor = editor_command();
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return err_set(err, -errno, "fork: %s", strerror(errno));
	if (pid == 0) {
		/* The variable may hold options, so the shell takes it apart;
		 * the path is an argument and is not looked into. */
		setenv("ENCAP_EDITOR", editor, 1);
		execl("/bin/sh", "sh", "-c", "eval \"$ENCAP_EDITOR\" '\"$1\"'",
		      "sh", path, (char *)NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(err, -errno, "waitpid: %s",
				       strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_set(err, -ENOENT,
			       "the editor '%s' was not found; set VISUAL or "
			       "EDITOR to one that is installed",
			       editor);
	return err_set(err, -ECANCELED, "the editor '%s' ended with %s %d",
		       editor, WIFEXITED(status) ? "status" : "signal",
		       WIFEXITED(status) ? WEXITSTATUS(status)
					 : WTERMSIG(status));
}

bool file_check(struct cli *c, const char *service, const char *path,
		const char *text, size_t len)
{
	struct problems p = { .arena = c->arena, .name = path };
	struct conf *conf = conf_parse(c->arena, text, len, &p);

	if (conf)
		conf_validate(c->arena, conf, service, &p);
	for (size_t i = 0; i < p.n; i++)
		fprintf(c->err, "%s\n", p.at[i].text);
	return conf && p.fatal == 0;
}
