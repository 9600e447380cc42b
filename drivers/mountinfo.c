#include "drivers/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fsm/base/buf.h"

#define MOUNTINFO "/proc/thread-self/mountinfo"

/* The kernel writes blanks and backslashes in paths as octal: \040. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *p = text; *p; to++) {
		if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' &&
		    p[2] <= '7' && p[3] >= '0' && p[3] <= '7') {
			*to = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 +
				     (p[3] - '0'));
			p += 4;
		} else {
			*to = *p++;
		}
	}
	*to = '\0';
}

/* The next blank-separated field of a line; NULL at its end. An empty field
 * (a mount without a source) counts: two blanks follow each other. */
static char *field(char **line)
{
	char *start = *line, *end;

	if (!start)
		return NULL;
	end = strchr(start, ' ');
	*line = end ? end + 1 : NULL;
	if (end)
		*end = '\0';
	return start;
}

/*
 * "36 35 98:0 /sub /mnt rw,noatime master:1 - ext4 /dev/sda rw,errors=continue"
 * (proc(5)): any number of tags before the "-".
 */
static bool parse_line(char *line, struct mount *m)
{
	char *f[6], *tag, *type, *source, *super;
	unsigned ma, mi;

	for (size_t i = 0; i < 6; i++) {
		f[i] = field(&line);
		if (!f[i])
			return false;
	}
	do
		tag = field(&line);
	while (tag && strcmp(tag, "-") != 0);
	type = field(&line);
	source = field(&line);
	super = field(&line);
	if (!super || sscanf(f[0], "%u", &m->id) != 1 ||
	    sscanf(f[1], "%u", &m->parent) != 1 ||
	    sscanf(f[2], "%u:%u", &ma, &mi) != 2)
		return false;
	unescape(f[3]);
	unescape(f[4]);
	unescape(source);
	m->dev = makedev(ma, mi);
	m->root = f[3];
	m->at = f[4];
	m->options = f[5];
	m->type = type;
	m->source = source;
	m->super = super;
	return true;
}

void mounts_parse(struct arena *a, const char *text, struct mounts *ret)
{
	char *copy = arena_printf(a, "%s", text), *line, *next;
	size_t lines = 1;

	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	*ret = (struct mounts){ .at = ARENA_VEC(a, struct mount, lines) };
	for (line = copy; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (parse_line(line, &ret->at[ret->n]))
			ret->n++;
	}
}

int mounts_read(struct arena *a, struct mounts *ret, struct err *err)
{
	int fd = open(MOUNTINFO, O_RDONLY | O_CLOEXEC), saved;
	struct buf text = BUF(a);
	char part[16384];
	ssize_t n;

	if (fd < 0)
		return err_set(err, -errno, "%s: open: %s", MOUNTINFO,
			       strerror(errno));
	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_add(&text, part, (size_t)n);
	saved = errno;
	close(fd);
	if (n < 0)
		return err_set(err, -saved, "%s: read: %s", MOUNTINFO,
			       strerror(saved));
	mounts_parse(a, buf_text(&text), ret);
	return 0;
}

static bool covered(const struct mounts *m, const struct mount *by_none)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->at[i].parent == by_none->id &&
		    m->at[i].id != by_none->id &&
		    strcmp(m->at[i].at, by_none->at) == 0)
			return true;
	return false;
}

const struct mount *mounts_top(const struct mounts *m, const char *path)
{
	for (size_t i = m->n; i-- > 0;)
		if (strcmp(m->at[i].at, path) == 0 && !covered(m, &m->at[i]))
			return &m->at[i];
	return NULL;
}

bool path_is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return true;
	return strncmp(path, dir, n) == 0 &&
	       (path[n] == '/' || path[n] == '\0');
}

const struct mount *mounts_holding(const struct mounts *m, const char *path)
{
	const struct mount *best = NULL;

	for (size_t i = 0; i < m->n; i++)
		if (path_is_below(path, m->at[i].at) &&
		    (!best || strlen(m->at[i].at) > strlen(best->at)))
			best = &m->at[i];
	return best ? mounts_top(m, best->at) : NULL;
}

const struct mount *mounts_of_dev(const struct mounts *m, dev_t dev,
				  const struct mount *but)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->at[i].dev == dev && &m->at[i] != but)
			return &m->at[i];
	return NULL;
}

bool options_have(const char *options, const char *word)
{
	size_t n = strlen(word);

	while (options && *options) {
		size_t len = strcspn(options, ",");

		if (len == n && strncmp(options, word, n) == 0)
			return true;
		options += len + (options[len] == ',');
	}
	return false;
}

int path_canonical(struct arena *a, const char *path, const char **ret,
		   struct err *err)
{
	char real[PATH_MAX], link[8];
	size_t n = strlen(path);
	const char *slash, *name;

	if (path[0] != '/')
		return err_set(err, -EINVAL,
			       "'%s' is no absolute path: it must begin with /",
			       path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	path = arena_printf(a, "%.*s", (int)n, path);
	slash = strrchr(path, '/');
	name = slash + 1;
	if (readlink(path, link, sizeof(link)) > 0 || strcmp(name, "..") == 0 ||
	    strcmp(name, ".") == 0) {
		*ret = realpath(path, real) ? arena_printf(a, "%s", real)
					    : path;
		return 0;
	}
	if (!realpath(slash == path ? "/"
				    : arena_printf(a, "%.*s",
						   (int)(slash - path), path),
		      real)) {
		*ret = path; /* it is not there: nothing can be mounted on it */
		return 0;
	}
	*ret = arena_printf(a, "%s/%s", strcmp(real, "/") ? real : "", name);
	return 0;
}
