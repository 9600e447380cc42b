/*
 * owner - whose a file or directory is to be: the keywords user, group, perm.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "drivers/driver.h"

struct owner {
	bool has_uid, has_gid, has_mode; /* what was said */
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

/* User and group are names or numbers, perm is octal. */
int owner_read(const struct job *j, struct owner *ret, struct err *err);
int owner_apply(const struct owner *o, const char *path, struct err *err);
/* What is not as said, "owner is 0, not 33; ...", or NULL if all is. */
int owner_differs(const struct owner *o, const char *path, struct arena *a,
		  const char **ret, struct err *err);

/* By name or number; 0, or a sentence. */
int user_find(const char *name, uid_t *uid, gid_t *gid, struct arena *a,
	      const char **ret_name, const char **ret_home, struct err *err);
int group_find_id(const char *name, gid_t *gid, struct err *err);
