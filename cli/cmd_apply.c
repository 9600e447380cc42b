/*
 * Services as files say: `apply` makes them equal to the files, `diff -f` says
 * whether they are.
 *
 *     files ─▶ all of them checked ─▶ compared with the heads ─▶ shown
 *                                          └─▶ each created, edited, deleted
 *
 * What was compared is what is replaced: an edit in between is answered with 4.
 * Each service is changed as a whole or not at all, so a run that was killed
 * can be run again.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/file.h"
#include "cli/rev.h"

enum change { CHANGE_NONE, CHANGE_CREATE, CHANGE_EDIT, CHANGE_DELETE };

struct item {
	const char *name, *path;
	const char *text;   /* as it shall be; "" where it shall go */
	const char *before; /* as it is; "" where it is not */
	const char *rev;    /* that is the head */
	enum change change;
};

struct items {
	struct item *at;
	size_t n, cap;
};

static struct item *item_add(struct arena *a, struct items *l, const char *name)
{
	if (l->n == l->cap) {
		struct item *more = ARENA_VEC(a, struct item, l->cap * 2 + 16);

		if (l->n)
			memcpy(more, l->at, l->n * sizeof(*more));
		l->at = more;
		l->cap = l->cap * 2 + 16;
	}
	l->at[l->n] = (struct item){ .name = name, .text = "", .before = "" };
	return &l->at[l->n++];
}

static struct item *item_find(const struct items *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->at[i].name, name) == 0)
			return &l->at[i];
	return NULL;
}

/* -- files ----------------------------------------------------------------- */

/* "web" of "services/web.conf"; NULL if it is no such name. */
static const char *service_of(struct arena *a, const char *path)
{
	const char *base = strrchr(path, '/');
	size_t n;

	base = base ? base + 1 : path;
	n = strlen(base);
	if (n <= 5 || strcmp(base + n - 5, ".conf") != 0)
		return NULL;
	base = arena_printf(a, "%.*s", (int)(n - 5), base);
	return name_check(base, NULL) == 0 ? base : NULL;
}

static int add_file(struct cli *c, struct items *l, const char *path)
{
	const char *name = service_of(c->arena, path);
	struct buf text = BUF(c->arena);
	struct err err = { 0 };
	struct item *item;

	if (!name)
		return cli_error(c, CLI_USAGE,
				 "%s: an env file is called NAME.conf, NAME "
				 "being that of the service",
				 path);
	item = item_find(l, name);
	if (item)
		return cli_error(c, CLI_USAGE, "%s and %s are both of %s",
				 item->path, path, name);
	if (file_read(path, &text, &err) < 0)
		return cli_error(c, CLI_FAILED, "%s", err.text);
	item = item_add(c->arena, l, name);
	item->path = path;
	item->text = buf_text(&text);
	return CLI_DONE;
}

static int visible_conf(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && e->d_name[0] != '#' && n > 5 &&
	       strcmp(e->d_name + n - 5, ".conf") == 0;
}

static int add_dir(struct cli *c, struct items *l, const char *dir)
{
	struct dirent **all;
	int n = scandir(dir, &all, visible_conf, alphasort), rc = CLI_DONE;

	if (n < 0)
		return cli_error(c, CLI_FAILED, "%s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (rc == CLI_DONE)
			rc = add_file(c, l,
				      arena_printf(c->arena, "%s/%s", dir,
						   all[i]->d_name));
		free(all[i]);
	}
	free(all);
	return rc;
}

static int add_path(struct cli *c, struct items *l, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return cli_error(c, CLI_FAILED, "%s: %s", path,
				 strerror(errno));
	return S_ISDIR(st.st_mode) ? add_dir(c, l, path) : add_file(c, l, path);
}

static int read_files(struct cli *c, struct items *l)
{
	int rc = add_path(c, l, c->opt[OPT_FILE]);

	for (size_t i = 0; rc == CLI_DONE && i < c->n_args; i++)
		rc = add_path(c, l, c->args[i]);
	if (rc == CLI_DONE && !l->n && !c->opt[OPT_PRUNE])
		return cli_error(c, CLI_FAILED, "%s: no env file in it",
				 c->opt[OPT_FILE]);
	return rc;
}

/* -- comparing ------------------------------------------------------------- */

static int compare_one(struct cli *c, struct item *item)
{
	struct doc *args = doc_map(c->arena);
	struct reply r;
	int rc;

	doc_put_str(c->arena, args, "name", item->name);
	rc = cli_ask(c, "svc_config", args, &r);
	if (rc != CLI_DONE)
		return rc;
	if (r.code == CLI_NOT_FOUND) {
		item->change = CHANGE_CREATE;
		return CLI_DONE;
	}
	if (r.code != CLI_DONE)
		return cli_refused(c, &r);
	item->before = rev_text(r.data);
	item->rev = doc_get_str(r.data, "rev", "");
	item->change = strcmp(item->before, item->text) == 0 ? CHANGE_NONE
							     : CHANGE_EDIT;
	return CLI_DONE;
}

static int add_pruned(struct cli *c, struct items *l)
{
	struct doc *data;
	const struct doc *all;
	int rc = cli_call(c, "svc_ls", NULL, &data);

	all = rc == CLI_DONE ? doc_get(data, "services") : NULL;
	for (size_t i = 0; i < doc_len(all); i++) {
		const char *name = doc_get_str(doc_at(all, i), "service", "");
		struct doc *d;

		if (item_find(l, name))
			continue;
		d = rev_fetch_quietly(c, name, "HEAD");
		*item_add(c->arena, l, name) = (struct item){
			.name = name,
			.text = "",
			.before = rev_text(d),
			.change = CHANGE_DELETE,
		};
	}
	return rc;
}

static int compare(struct cli *c, struct items *l)
{
	int rc = read_files(c, l);

	for (size_t i = 0; rc == CLI_DONE && i < l->n; i++)
		rc = compare_one(c, &l->at[i]);
	if (rc == CLI_DONE && c->opt[OPT_PRUNE])
		rc = add_pruned(c, l);
	return rc;
}

static size_t count_changes(const struct items *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->at[i].change != CHANGE_NONE;
	return n;
}

static const char *const words[] = { "unchanged", "create", "edit", "delete" };

static void print_changes(struct cli *c, FILE *to, const struct items *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct item *item = &l->at[i];

		if (item->change == CHANGE_NONE)
			continue;
		fprintf(to, "%s %s%s%s\n", words[item->change], item->name,
			item->path ? " from " : "",
			item->path ? item->path : "");
		if (item->change == CHANGE_EDIT)
			rev_print_diff(c, to, item->before, item->text);
	}
}

static void print_json(struct cli *c, const struct items *l)
{
	struct doc *d = doc_map(c->arena);
	struct doc *all = doc_put(c->arena, d, "services", doc_list(c->arena));

	doc_put_bool(c->arena, d, "same", count_changes(l) == 0);
	for (size_t i = 0; i < l->n; i++) {
		const struct item *item = &l->at[i];
		struct doc *one = doc_add(c->arena, all, doc_map(c->arena));

		doc_put_str(c->arena, one, "service", item->name);
		doc_put_str(c->arena, one, "change", words[item->change]);
		if (item->change != CHANGE_NONE)
			doc_put(c->arena, one, "diff",
				rev_diff_doc(c->arena, item->before,
					     item->text));
	}
	cli_print_doc(c, d, NULL);
}

int cmd_diff_files(struct cli *c)
{
	struct items l = { 0 };
	int rc = compare(c, &l);

	if (rc != CLI_DONE)
		return rc;
	if (cli_wants_doc(c))
		print_json(c, &l);
	else
		print_changes(c, c->out, &l);
	return count_changes(&l) ? 1 : 0;
}

/* -- applying -------------------------------------------------------------- */

/* All of them, so that one run shows every mistake. */
static int check_all(struct cli *c, const struct items *l)
{
	bool good = true;

	for (size_t i = 0; i < l->n; i++) {
		const struct item *item = &l->at[i];

		if (item->change != CHANGE_DELETE &&
		    !file_check(c, item->name, item->path, item->text,
				strlen(item->text)))
			good = false;
	}
	return good ? CLI_DONE
		    : cli_error(c, CLI_FAILED, "nothing was changed");
}

static const char *const ops[] = { NULL, "svc_create", "svc_edit",
				   "svc_delete" };

static struct doc *request_of(struct cli *c, const struct item *item)
{
	struct doc *args = doc_map(c->arena);

	doc_put_str(c->arena, args, "name", item->name);
	if (item->change != CHANGE_DELETE)
		doc_put_str(c->arena, args, "config", item->text);
	if (item->change == CHANGE_EDIT) {
		doc_put_str(c->arena, args, "base", item->rev);
		doc_put_bool(c->arena, args, "strict", true);
	}
	if (c->opt[OPT_COMMENT])
		doc_put_str(c->arena, args, "comment", c->opt[OPT_COMMENT]);
	return args;
}

/* Of those that are there; a new one is not started. That one of them would be
 * refused does not keep the others from being done. */
static void print_plan(struct cli *c, const struct items *l)
{
	struct doc *list = doc_list(c->arena);

	for (size_t i = 0; i < l->n; i++) {
		const struct item *item = &l->at[i];
		struct doc *one;

		if (item->change != CHANGE_EDIT &&
		    item->change != CHANGE_DELETE)
			continue;
		one = doc_add(c->arena, list, request_of(c, item));
		doc_put_str(c->arena, one, "op", ops[item->change]);
	}
	if (doc_len(list))
		rev_print_plan(c, list);
}

static int apply_one(struct cli *c, const struct item *item)
{
	struct doc *args = request_of(c, item);
	struct reply r;
	int rc;

	cli_put_author(c, args);
	rc = cli_ask(c, ops[item->change], args, &r);
	if (rc != CLI_DONE)
		return rc;
	if (r.code != CLI_DONE)
		return cli_error(c, r.code, "%s %s: %s", words[item->change],
				 item->name, r.err);
	fprintf(c->out, "%s %s\n", item->name,
		item->change == CHANGE_DELETE ? "deleted"
					      : doc_get_str(r.data, "rev", ""));
	fflush(c->out); /* what was done is known, however this ends */
	return CLI_DONE;
}

int cmd_apply(struct cli *c)
{
	struct items l = { 0 };
	size_t n, made = 0;
	int rc = compare(c, &l), first = CLI_DONE;

	if (rc == CLI_DONE)
		rc = check_all(c, &l);
	if (rc != CLI_DONE)
		return rc;
	n = count_changes(&l);
	print_changes(c, c->err, &l);
	if (!n) {
		fprintf(c->err,
			"nothing to do: %zu service%s as the files "
			"say\n",
			l.n, l.n == 1 ? " is" : "s are");
		return CLI_DONE;
	}
	print_plan(c, &l);
	if (!rev_confirm(c, "make it so? [Y/n]"))
		return cli_error(c, CLI_FAILED, "nothing was changed");
	for (size_t i = 0; i < l.n; i++) {
		if (l.at[i].change == CHANGE_NONE)
			continue;
		rc = apply_one(c, &l.at[i]);
		first = first == CLI_DONE ? rc : first;
		made += rc == CLI_DONE;
		if (rc == CLI_NO_QUORUM)
			break; /* the others would wait in vain, too */
	}
	if (made < n)
		cli_error(c, first,
			  "%zu of %zu changes were not made; what was made "
			  "stays, run it again for the rest",
			  n - made, n);
	return first;
}
