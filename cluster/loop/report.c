#include "cluster/loop/report.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define QUIET_MS 60000

static int max_level = 6;
static bool journal;

/* JOURNAL_STREAM is inherited by children whose standard error is something
 * else, so it has to be compared (systemd.exec(5)). */
static bool is_journal(void)
{
	const char *env = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return env && sscanf(env, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
	       st.st_ino == ino;
}

void report_init(int level)
{
	max_level = level;
	journal = is_journal();
}

static size_t stamp(char *text, size_t size, int level)
{
	static const char *const words[] = {
		"emergency: ", "alert: ", "critical: ", "error: ",
		"warning: ",   "",	  "",		"debug: "
	};
	struct timespec t;
	struct tm tm;
	size_t n;

	if (journal)
		return (size_t)snprintf(text, size, "<%d>", level);
	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	n = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &tm);
	return n + (size_t)snprintf(text + n, size - n, ".%03ldZ %s",
				    t.tv_nsec / 1000000, words[level]);
}

/* One line, one write: nothing that is quoted in it may begin another. */
void report(int level, const char *fmt, ...)
{
	char text[2048];
	size_t head, n;
	va_list ap;

	level = level < 0 ? 0 : level > 7 ? 7 : level;
	if (level > max_level)
		return;
	head = stamp(text, sizeof(text), level);
	va_start(ap, fmt);
	vsnprintf(text + head, sizeof(text) - head - 1, fmt, ap);
	va_end(ap);
	n = strlen(text);
	for (size_t i = head; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 127)
			text[i] = ' ';
	text[n++] = '\n';
	if (write(STDERR_FILENO, text, n) < 0)
		return; /* nobody to tell */
}

void report_notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (n < 2 || n >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, n);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		report(4, "the supervisor cannot be told '%s'", text);
	close(fd);
}

/* FNV-1a, 64 bits. */
static uint64_t hash(const char *text)
{
	uint64_t h = 14695981039346656037u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 1099511628211u;
	return h;
}

bool quiet_about(struct quiet *q, uint64_t now_ms, const char *text)
{
	struct quiet_line *room = NULL;
	uint64_t key = hash(text);

	for (size_t i = 0; i < QUIET_LINES; i++) {
		struct quiet_line *l = &q->said[i];

		if (now_ms >= l->until_ms)
			room = l;
		else if (l->key == key)
			return true;
	}
	if (!room)
		return true;
	*room = (struct quiet_line){ key, now_ms + QUIET_MS };
	return false;
}
