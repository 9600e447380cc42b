/* tmpdir - a directory for one test, and its removal. */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

struct tmpdir {
	char path[256];
};

static inline void tmpdir_make(struct tmpdir *t)
{
	const char *base = getenv("TMPDIR");

	snprintf(t->path, sizeof(t->path), "%s/encap-test-XXXXXX",
		 base ? base : "/tmp");
	assert_non_null(mkdtemp(t->path));
}

static inline int tmpdir_unlink(const char *path, const struct stat *st,
				int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void tmpdir_remove(const struct tmpdir *t)
{
	assert_int_equal(nftw(t->path, tmpdir_unlink, 16, FTW_DEPTH | FTW_PHYS),
			 0);
}
