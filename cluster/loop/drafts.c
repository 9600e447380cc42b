#include "cluster/loop/drafts.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cluster/loop/disk.h"

#define WHY_MAX	     ((size_t)64 * 1024)
#define SAME_SECOND  1000 /* drafts of one service in one second */
#define STAMP_DIGITS 16	  /* "20261124T151327Z" */

/* "DIR/NAME.TIME" or "DIR/NAME.TIME-2": the first that is free. */
static const char *draft_stem(struct arena *a, const char *dir,
			      const char *name)
{
	time_t now = time(NULL);
	char stamp[STAMP_DIGITS + 1];
	const char *stem = NULL;
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	for (int i = 1; i <= SAME_SECOND; i++) {
		stem = i == 1 ? arena_printf(a, "%s/%s.%s", dir, name, stamp)
			      : arena_printf(a, "%s/%s.%s-%d", dir, name, stamp,
					     i);
		if (access(arena_printf(a, "%s.conf", stem), F_OK) < 0)
			break;
	}
	return stem;
}

/* The reason first: a text without one would be a riddle. */
int draft_save(struct arena *a, const char *dir, const struct draft *draft,
	       const char **ret_path, struct err *err)
{
	const char *stem = draft_stem(a, dir, draft->name);
	const char *path = arena_printf(a, "%s.conf", stem);
	const char *line = arena_printf(a, "%s\n", draft->why);
	int rc = disk_write(arena_printf(a, "%s.why", stem), line, strlen(line),
			    0600, err);

	if (rc == 0)
		rc = draft->text ? disk_write(path, draft->text, draft->len,
					      0600, err)
				 : disk_copy(draft->from, path, 0600, err);
	if (rc == 0)
		rc = disk_sync_dir(dir, err);
	if (rc < 0)
		return err_wrap(err, rc, "keeping a draft of %s", draft->name);
	*ret_path = path;
	return 0;
}

/* -- what there is ------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && strcmp(text + n - m, end) == 0;
}

static struct doc *draft_doc(struct arena *a, const char *dir, const char *file,
			     const char *stem)
{
	struct doc *d = doc_map(a);
	const char *path = arena_printf(a, "%s/%s", dir, file);
	char *why;
	size_t len;
	struct stat st;

	doc_put_str(a, d, "path", path);
	if (disk_read(a, arena_printf(a, "%s/%s.why", dir, stem), WHY_MAX, &why,
		      &len, NULL) != 0)
		why = arena_printf(a, "no reason is kept");
	why[strcspn(why, "\n")] = '\0';
	doc_put_str(a, d, "why", why);
	if (stat(path, &st) == 0)
		doc_put_int(a, d, "at", st.st_mtim.tv_sec * INT64_C(1000));
	return d;
}

/* @file is "NAME.TIME.conf", and the names come newest first. */
static void list_add(struct arena *a, struct doc *map, const char *dir,
		     const char *file, size_t max)
{
	const char *stem =
		arena_printf(a, "%.*s", (int)(strlen(file) - 5), file);
	const char *dot = strrchr(stem, '.');
	const char *name;
	struct doc *list;

	if (!dot || dot == stem)
		return;
	name = arena_printf(a, "%.*s", (int)(dot - stem), stem);
	list = doc_get(map, name);
	if (!list && doc_len(map) >= DOC_MAX_KEYS)
		return;
	if (!list)
		list = doc_put(a, map, name, doc_list(a));
	if (doc_len(list) < max)
		doc_add(a, list, draft_doc(a, dir, file, stem));
}

static int is_draft(const struct dirent *e)
{
	return e->d_name[0] != '.' && ends_with(e->d_name, ".conf");
}

static int newest_first(const struct dirent **x, const struct dirent **y)
{
	return strcmp((*y)->d_name, (*x)->d_name);
}

int drafts_list(struct arena *a, const char *dir, size_t max, struct doc **ret,
		struct err *err)
{
	struct dirent **names;
	int n = scandir(dir, &names, is_draft, newest_first);

	if (n < 0)
		return err_set(err, -errno, "%s: %s", dir, strerror(errno));
	*ret = doc_map(a);
	for (int i = 0; i < n; i++) {
		list_add(a, *ret, dir, names[i]->d_name, max);
		free(names[i]);
	}
	free(names);
	return 0;
}
