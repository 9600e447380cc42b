#include "store/db_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/dir.h"

enum { VERSION = 1, MARK_SIZE = 256 };

static const char name[] = "mark";

static void mark_format(char text[MARK_SIZE], const char *boot_id, bool clean)
{
	snprintf(text, MARK_SIZE, "encap-db %d\n%s %.200s\n", VERSION,
		 clean ? "closed" : "open", boot_id);
}

/* What the file says, as a string. 0, 1: there is none, or a negated errno. */
static int mark_load(int dir, char text[MARK_SIZE])
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 1 : -errno;
	n = read(fd, text, MARK_SIZE - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	return 0;
}

int db_mark_read(int fd, const char *boot_id, enum db_mark *ret,
		 struct err *err)
{
	char text[MARK_SIZE], ours[MARK_SIZE];
	struct stat st;
	bool has_data = fstatat(fd, "data.mdb", &st, 0) == 0;
	int version = 0, rc = mark_load(fd, text);

	if (rc < 0)
		return err_set(err, rc, "read %s: %s", name, strerror(-rc));
	if (rc > 0) {
		*ret = has_data ? DB_MARK_LOST : DB_MARK_NEW;
		return 0;
	}
	if (sscanf(text, "encap-db %d\n", &version) != 1)
		return err_set(err, -EUCLEAN,
			       "%s is not ours: remove the directory to have "
			       "it built again from the log",
			       name);
	if (version != VERSION)
		return err_set(err, -EUCLEAN,
			       "format version %d, this agent knows %d: run "
			       "the newer agent, or remove the directory to "
			       "have it built again from the log",
			       version, VERSION);
	mark_format(ours, boot_id, false);
	if (has_data && (strstr(text, "\nclosed ") || strcmp(text, ours) == 0))
		*ret = DB_MARK_KEEP;
	else
		*ret = DB_MARK_LOST;
	return 0;
}

int db_mark_write(int fd, const char *boot_id, bool clean, struct err *err)
{
	char text[MARK_SIZE];
	int rc;

	mark_format(text, boot_id, clean);
	rc = dir_write(fd, name, text);
	if (rc < 0)
		return err_set(err, rc, "write %s: %s", name, strerror(-rc));
	return 0;
}
