#include "drivers/mark.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/xattr.h>

#include "fsm/plan/actions.h"

#define NAME   "user.encap"
#define MAKING " (half-made)"

static const char *text_of(const struct job *j, enum mark mark)
{
	return arena_printf(j->arena, "%s/%s%s", j->service, j->res->rid,
			    mark == MARK_MAKING ? MAKING : "");
}

enum mark mark_get(const struct job *j, const char *path)
{
	char text[1024];
	ssize_t n = lgetxattr(path, NAME, text, sizeof(text) - 1);

	if (n < 0)
		return MARK_NONE;
	text[n] = '\0';
	if (strcmp(text, text_of(j, MARK_DONE)) == 0)
		return MARK_DONE;
	return strcmp(text, text_of(j, MARK_MAKING)) == 0 ? MARK_MAKING
							  : MARK_NONE;
}

int mark_put(const struct job *j, const char *path, enum mark mark,
	     struct err *err)
{
	const char *text = text_of(j, mark);

	if (lsetxattr(path, NAME, text, strlen(text), 0) == 0)
		return 0;
	return err_set(
		err, -errno,
		"%s: its file system takes no attribute user.encap, by "
		"which a later unprovision would know it: %s; make it by "
		"hand",
		path, strerror(errno));
}

void mark_remove(const char *path)
{
	lremovexattr(path, NAME);
}

/* RFC 9562, version 8: 4 bits of version after the first 48, 2 of variant
 * after the first 64. */
static uint64_t uuid_low(const struct job *j)
{
	const char *words[] = { "encap", j->service, j->res->rid };

	return (actions_hash(words, 3, 0) & 0x3fffffffffffffffULL) |
	       0x8000000000000000ULL;
}

static void put_low(uint64_t low, char *to, size_t size)
{
	snprintf(to, size, "%04x-%012llx", (unsigned)(low >> 48),
		 (unsigned long long)(low & 0xffffffffffffULL));
}

void mark_uuid(const struct job *j, char to[MARK_UUID])
{
	uint64_t high = 0;

	while (getrandom(&high, sizeof(high), 0) != sizeof(high))
		;
	snprintf(to, MARK_UUID, "%08x-%04x-8%03x-", (unsigned)(high >> 32),
		 (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff));
	put_low(uuid_low(j), to + 19, MARK_UUID - 19);
}

bool mark_uuid_is(const struct job *j, const char *uuid)
{
	char low[20];

	put_low(uuid_low(j), low, sizeof(low));
	return strlen(uuid) == MARK_UUID - 1 && uuid[14] == '8' &&
	       strcasecmp(uuid + 19, low) == 0;
}
