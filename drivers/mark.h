/*
 * mark - "this was made by a provision, for this resource".
 *
 *     provision ──mark_put──▶ the thing itself ──mark_get──▶ unprovision
 *
 * A file or directory carries it as the extended attribute user.encap, with
 * the names of service and resource; a file system in half of its UUID. So it
 * is seen by every machine that sees the thing, and is gone with it: a file
 * that somebody has put in its place has none. See docs/decisions/provision.md.
 */
#pragma once

#include "drivers/driver.h"

enum mark {
	MARK_NONE,   /* none, or that of another resource */
	MARK_MAKING, /* it is half-made */
	MARK_DONE,
};

/* Never looks through a link. */
enum mark mark_get(const struct job *j, const char *path);
/* -ENOTSUP where the file system keeps no such attributes. */
int mark_put(const struct job *j, const char *path, enum mark mark,
	     struct err *err);
void mark_remove(const char *path);

#define MARK_UUID 37 /* bytes, with the NUL */
/* A new UUID of version 8, the last 62 bits of which are the mark. */
void mark_uuid(const struct job *j, char to[MARK_UUID]);
bool mark_uuid_is(const struct job *j, const char *uuid);
