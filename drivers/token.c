/*
 * In a child with a deadline, as storage may hang: by system calls only. The
 * number is read and written under a lock, which shared file systems carry from
 * machine to machine (NFS, OCFS2, GFS2, a directory of one machine).
 */
#include "drivers/token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "drivers/job.h"
#include "drivers/run.h"

#define DIGITS 24

enum { TAKEN, NOT_OPEN, NOT_LOCKED, NOT_READ, NEWER, NOT_WRITTEN };

static const char *const faults[] = {
	[NOT_OPEN] = "it cannot be opened",
	[NOT_LOCKED] = "it cannot be locked",
	[NOT_READ] = "it cannot be read, or holds no number",
	[NOT_WRITTEN] = "it cannot be written",
};

struct take {
	const char *path;
	uint64_t token;
};

/* False if it is no number. Nothing is 0. */
static bool parse(const char *text, ssize_t n, uint64_t *ret)
{
	*ret = 0;
	for (ssize_t i = 0; i < n && text[i] != '\n'; i++) {
		if (text[i] < '0' || text[i] > '9' || i >= 19)
			return false;
		*ret = *ret * 10 + (uint64_t)(text[i] - '0');
	}
	return true;
}

static bool put(int fd, uint64_t token)
{
	char text[DIGITS];
	size_t at = sizeof(text);

	text[--at] = '\n';
	do
		text[--at] = (char)('0' + token % 10);
	while (token /= 10);
	/* One that is greater never has fewer digits: no moment has none. */
	return pwrite(fd, text + at, sizeof(text) - at, 0) ==
		       (ssize_t)(sizeof(text) - at) &&
	       fsync(fd) == 0;
}

static int take(const void *arg)
{
	const struct take *t = arg;
	char text[DIGITS];
	uint64_t is;
	ssize_t n;
	int fd = open(t->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return NOT_OPEN;
	if (flock(fd, LOCK_EX) < 0)
		return NOT_LOCKED;
	n = pread(fd, text, sizeof(text), 0);
	if (n < 0 || !parse(text, n, &is))
		return NOT_READ;
	if (is > t->token)
		return NEWER;
	return is == t->token || put(fd, t->token) ? TAKEN : NOT_WRITTEN;
}

int token_take(const struct job *j, struct err *err)
{
	struct take t = { kw_find(j->res->common, "token_file"), j->token };
	int rc;

	if (!t.path || !*t.path || !t.token)
		return 0;
	if (t.path[0] != '/')
		return err_set(err, -EINVAL,
			       "token_file: '%s' is not a whole path", t.path);
	rc = run_call(take, &t, j->deadline_ms, err);
	if (rc < 0)
		return err_wrap(err, rc, "token_file %s", t.path);
	if (rc == NEWER)
		return err_set(err, -ESTALE,
			       "token_file %s: a newer assignment than %llu "
			       "has started it (if the service was made anew, "
			       "remove the file)",
			       t.path, (unsigned long long)t.token);
	if (rc != TAKEN)
		return err_set(err, -EIO, "token_file %s: %s", t.path,
			       rc <= NOT_WRITTEN ? faults[rc] : "it failed");
	return 0;
}
