#include "golden.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK "==== "

struct tally {
	unsigned passed, failed;
};

const char *golden_read(struct arena *a, const char *path)
{
	FILE *f = fopen(path, "rb");
	struct buf b = BUF(a);
	char chunk[4096];
	size_t n;

	if (!f)
		return NULL;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&b, chunk, n);
	fclose(f);
	return buf_text(&b);
}

int golden_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0) {
		printf("%s: %s\n", path, strerror(errno));
		return 1;
	}
	printf("%s: written\n", path);
	return 0;
}

/* -- cases ------------------------------------------------------------------
 */

/* The next line that begins a case, from @text on; NULL if there is none. */
static const char *next_mark(const char *text)
{
	while (text && strncmp(text, MARK, strlen(MARK)) != 0) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text;
}

/* Takes the case at @mark apart; returns where the next one begins. */
static const char *take_case(struct arena *a, const char *mark,
			     struct golden_case *c)
{
	size_t len = strcspn(mark, "\n");
	const char *body = mark[len] ? mark + len + 1 : mark + len;
	const char *end = next_mark(body);

	c->name = arena_printf(a, "%.*s", (int)(len - strlen(MARK)),
			       mark + strlen(MARK));
	c->text = end ? arena_printf(a, "%.*s", (int)(end - body), body) : body;
	return end;
}

/* The text of the case of that name in an .out file, or NULL. */
static const char *find_case(struct arena *a, const char *out, const char *name)
{
	const char *at = out ? next_mark(out) : NULL;
	struct golden_case c;

	while (at) {
		at = take_case(a, at, &c);
		if (strcmp(c.name, name) == 0)
			return c.text;
	}
	return NULL;
}

/* The first line that differs says more than a whole text. */
static bool is_same(const struct golden_case *c, const char *want,
		    const char *got)
{
	unsigned line = 1;

	if (!want) {
		printf("FAILED %s: %s: not in the .out file\n", c->file,
		       c->name);
		return false;
	}
	if (strcmp(want, got) == 0)
		return true;
	for (;;) {
		size_t n = strcspn(want, "\n"), m = strcspn(got, "\n");

		if (n != m || memcmp(want, got, n) != 0 || !want[n]) {
			printf("FAILED %s: %s, line %u\n"
			       "  want: %.*s\n  got:  %.*s\n",
			       c->file, c->name, line, (int)n, want, (int)m,
			       got);
			return false;
		}
		want += n + 1;
		got += m + 1;
		line++;
	}
}

static bool is_wanted(const struct golden_case *c)
{
	const char *only = getenv("GOLDEN_CASE");

	return !only || strstr(c->name, only);
}

static void run_case(struct arena *a, const struct golden_case *c,
		     golden_fn *show, const char *want, struct buf *out,
		     struct tally *t)
{
	struct buf got = BUF(a);

	show(a, c, &got);
	buf_printf(out, MARK "%s\n%s", c->name, buf_text(&got));
	if (is_same(c, want, buf_text(&got)))
		t->passed++;
	else
		t->failed++;
}

/* Every name stands for one case, or its .out would hide another's. */
static void run_text(struct arena *a, const char *file, const char *text,
		     const char *outs, golden_fn *show, struct buf *out,
		     struct tally *t)
{
	const char *at = next_mark(text);
	struct golden_case c = { .file = file, .name = file, .text = text };

	if (!at)
		run_case(a, &c, show, find_case(a, outs, file), out, t);
	while (at) {
		at = take_case(a, at, &c);
		if (find_case(a, buf_text(out), c.name)) {
			printf("FAILED %s: %s: twice\n", file, c.name);
			t->failed++;
		}
		if (is_wanted(&c))
			run_case(a, &c, show, find_case(a, outs, c.name), out,
				 t);
	}
}

static void run_file(const char *dir, const char *entry, golden_fn *show,
		     struct tally *t)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *name =
		arena_printf(a, "%.*s", (int)strlen(entry) - 3, entry);
	const char *path = arena_printf(a, "%s/%s.out", dir, name);
	const char *text = golden_read(a, arena_printf(a, "%s/%s", dir, entry));
	bool update = getenv("GOLDEN_UPDATE") && !getenv("GOLDEN_CASE");
	struct tally here = { 0, 0 };
	struct buf out = BUF(a);

	if (!text) {
		printf("FAILED %s: %s\n", entry, strerror(errno));
		t->failed++;
		return;
	}
	run_text(a, name, text, golden_read(a, path), show, &out, &here);
	if (update && here.failed)
		here.failed += (unsigned)golden_write(path, buf_text(&out));
	t->passed += here.passed;
	t->failed += here.failed;
}

static int is_input(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 3 && strcmp(d->d_name + n - 3, ".in") == 0;
}

int golden_main(int argc, char **argv, golden_fn *show)
{
	struct tally t = { 0, 0 };
	struct dirent **list;
	int n;

	if (argc != 2) {
		printf("usage: %s DIR\n", argv[0]);
		return 2;
	}
	n = scandir(argv[1], &list, is_input, alphasort);
	if (n <= 0) {
		printf("%s: no .in files\n", argv[1]);
		return 1;
	}
	for (int i = 0; i < n; i++) {
		run_file(argv[1], list[i]->d_name, show, &t);
		free(list[i]);
	}
	free(list);
	printf("%u passed, %u failed\n", t.passed, t.failed);
	return t.failed != 0;
}

/* -- settings ---------------------------------------------------------------
 */

static size_t setting_len(const char *line)
{
	size_t n = 0;

	if (*line != '@')
		return 0;
	for (n = 1; line[n] == '-' || (line[n] >= 'a' && line[n] <= 'z'); n++)
		;
	return n > 1 && line[n] == ':' ? n : 0;
}

const char *golden_setting(struct arena *a, const char *text, const char *key)
{
	size_t n, len = strlen(key);

	while ((n = setting_len(text)) > 0) {
		if (n == len + 1 && memcmp(text + 1, key, len) == 0) {
			const char *value = text + n + 1;

			value += *value == ' ';
			return arena_printf(a, "%.*s",
					    (int)strcspn(value, "\n"), value);
		}
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return NULL;
}

const char *golden_body(const char *text)
{
	while (setting_len(text) > 0) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return text;
}
