#include "drivers/job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "drivers/mountinfo.h"
#include "fsm/conf/text.h"

#define FILE_MAX (64UL * 1024)

const char *job_kw(const struct job *j, const char *keyword)
{
	for (const char *const *k = j->res->kw; k && k[0]; k += 2)
		if (strcmp(k[0], keyword) == 0)
			return k[1] && *k[1] ? k[1] : NULL;
	return NULL;
}

int job_need(const struct job *j, const char *keyword, const char **ret,
	     struct err *err)
{
	*ret = job_kw(j, keyword);
	if (*ret)
		return 0;
	return err_set(err, -EINVAL, "keyword %s.%s is not set", j->res->rid,
		       keyword);
}

int64_t job_kw_int(const struct job *j, const char *keyword, int64_t fallback)
{
	const char *text = job_kw(j, keyword);
	long long value;
	char *end;

	if (!text)
		return fallback;
	value = strtoll(text, &end, 10);
	return *end ? fallback : value;
}

bool job_kw_bool(const struct job *j, const char *keyword, bool fallback)
{
	const char *text = job_kw(j, keyword);

	return text ? strcmp(text, "true") == 0 : fallback;
}

int64_t job_left_ms(const struct job *j)
{
	int64_t left = j->deadline_ms - driver_now_ms();

	return left > 0 ? left : 0;
}

int job_check_time(const struct job *j, const char *what, struct err *err)
{
	if (job_left_ms(j))
		return 0;
	return err_set(err, -ETIMEDOUT, "%s: not done in time", what);
}

int job_sleep(const struct job *j, int64_t ms, const char *what,
	      struct err *err)
{
	int64_t left = job_left_ms(j), step = ms < left ? ms : left;
	struct timespec t = { .tv_sec = step / 1000,
			      .tv_nsec = step % 1000 * 1000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
		;
	return step < ms ? job_check_time(j, what, err) : 0;
}

const char *job_plain_rid(const struct job *j)
{
	char *name = arena_printf(j->arena, "%s", j->res->rid), *to = name;

	for (const char *from = name; *from; from++)
		if (*from != '#')
			*to++ = *from;
	*to = '\0';
	return name;
}

int job_file(const struct job *j, const char *area, const char *suffix,
	     bool plain, const char **ret, struct err *err)
{
	const char *dir = arena_printf(j->arena, "%s/%s/%s", j->run_dir, area,
				       j->service);
	int rc = dir_make(dir, 0755, err);

	*ret = arena_printf(j->arena, "%s/%s%s", dir,
			    plain ? job_plain_rid(j) : j->res->rid, suffix);
	return rc;
}

const char *job_hidden(const struct job *j, const char *path)
{
	for (const char *const *at = j->hidden; at && *at; at++)
		if (path_is_below(path, *at))
			return *at;
	return NULL;
}

enum provisioned job_made(const struct job *j, const char *path)
{
	if (access(path, F_OK) == 0)
		return PROVISIONED_YES;
	/* Storage that does not answer has not lost anything. */
	if (errno != ENOENT || job_hidden(j, path))
		return PROVISIONED_NA;
	return PROVISIONED_NO;
}

const char *job_clean(struct arena *a, const char *text)
{
	size_t n = strlen(text);
	char *clean = text_copy(a, text, n);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)clean[i] < ' ')
			clean[i] = ' ';
	for (size_t at = 0; (at += text_bad_utf8(clean + at, n - at)) < n;)
		clean[at] = '?';
	return clean;
}

void probe_log(const struct job *j, struct probe *ret, const char *level,
	       const char *fmt, ...)
{
	const char *old = ret->log ? ret->log : "";
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	ret->log = arena_printf(j->arena, "%s%s%s: %s", old, *old ? "\n" : "",
				level, job_clean(j->arena, line));
}

int dir_make(const char *path, mode_t mode, struct err *err)
{
	char part[4096];
	size_t n = strlen(path);
	struct stat st;

	if (n == 0 || n >= sizeof(part))
		return err_set(err, -ENAMETOOLONG,
			       "'%.60s': no path for a "
			       "folder",
			       path);
	memcpy(part, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		/* The agent's umask is not meant for what drivers make. */
		if (mkdir(part, mode) == 0)
			chmod(part, mode);
		else if (errno != EEXIST)
			return err_set(err, -errno, "%s: make folder: %s", part,
				       strerror(errno));
		part[i] = '/';
	}
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return err_set(err, -ENOTDIR, "%s: is there, but is no folder", path);
}

int job_file_write(const char *path, const char *text, struct err *err)
{
	char temp[4096];
	size_t n = strlen(text);
	int fd, rc = 0;

	if (snprintf(temp, sizeof(temp), "%s.new", path) >= (int)sizeof(temp))
		return err_set(err, -ENAMETOOLONG, "%.60s...: too long", path);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_set(err, -errno, "%s: create: %s", temp,
			       strerror(errno));
	if (write(fd, text, n) != (ssize_t)n)
		rc = -(errno ? errno : ENOSPC);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(temp, path) < 0)
		rc = -errno;
	if (rc == 0)
		return 0;
	unlink(temp);
	return err_set(err, rc, "%s: write: %s", path, strerror(-rc));
}

int job_file_read(struct arena *a, const char *path, char **ret,
		  struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), saved;
	size_t len = 0;
	ssize_t n;
	char *text;

	if (fd < 0 && errno == ENOENT)
		return 1;
	if (fd < 0)
		return err_set(err, -errno, "%s: open: %s", path,
			       strerror(errno));
	text = arena_alloc(a, FILE_MAX + 1);
	while ((n = read(fd, text + len, FILE_MAX - len)) > 0)
		len += (size_t)n;
	saved = errno;
	close(fd);
	if (n < 0)
		return err_set(err, -saved, "%s: read: %s", path,
			       strerror(saved));
	text[len] = '\0';
	*ret = text;
	return 0;
}

int job_file_remove(const char *path, struct err *err)
{
	if (unlink(path) == 0)
		return 0;
	if (errno == ENOENT)
		return 1;
	return err_set(err, -errno, "%s: remove: %s", path, strerror(errno));
}
