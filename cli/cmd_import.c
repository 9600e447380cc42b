/*
 * Env files of OpenSVC: what each line means here, and a service of each.
 *
 * A directory is looked through for NAME.env (1) and NAME.conf (2 and 3), as
 * they lie in the configuration directory of an agent: links that are not named
 * so, and directories of programs (NAME.d, NAME.dir), are left alone.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/file.h"
#include "fsm/conf/import.h"

#define DEPTH_MAX 4 /* namespaces/NS/svc/NAME.conf */

struct import_run {
	struct cli *c;
	struct doc *files; /* of the document */
	unsigned found, services;
	int code; /* of the exit: the first that is no success */
};

static void run_failed(struct import_run *r, int code)
{
	if (r->code == CLI_DONE)
		r->code = code;
}

/* -- one file -------------------------------------------------------------- */

struct import_one {
	const char *path, *service;
	struct buf text;
	struct problems problems;
	struct import import;
	bool parsed;
	const char *rev; /* NULL: it was not created */
};

static bool one_read(struct import_run *r, const struct import_file *f,
		     struct import_one *one)
{
	struct arena *a = r->c->arena;
	struct err err = { 0 };
	struct conf *conf;

	one->text = BUF(a);
	one->problems = (struct problems){ .arena = a, .name = one->path };
	if (file_read(one->path, &one->text, &err) < 0) {
		run_failed(r, cli_error(r->c, CLI_FAILED, "%s", err.text));
		return false;
	}
	conf = conf_parse(a, buf_text(&one->text), one->text.len,
			  &one->problems);
	if (!conf)
		return true;
	conf_validate(a, conf, one->service, &one->problems);
	import_look(a, conf, f->version, &one->problems, &one->import);
	one->parsed = true;
	return true;
}

static void one_create(struct import_run *r, struct import_one *one)
{
	struct cli *c = r->c;
	struct doc *args = doc_map(c->arena), *data;
	int rc;

	doc_put_str(c->arena, args, "name", one->service);
	doc_put(c->arena, args, "config",
		doc_strn(c->arena, buf_text(&one->text), one->text.len));
	cli_put_author(c, args);
	rc = cli_call(c, "svc_create", args, &data);
	if (rc == CLI_DONE)
		one->rev = doc_get_str(data, "rev", "");
	else
		run_failed(r, rc);
}

static void one_print(struct import_run *r, const struct import_one *one)
{
	FILE *out = r->c->out;
	struct buf text = BUF(r->c->arena);

	fprintf(out, "%s%s: service %s", r->services > 1 ? "\n" : "", one->path,
		one->service);
	if (one->parsed) {
		import_text(&one->import, &text);
		fprintf(out, ", of %s\n%s", import_version(&one->import),
			buf_text(&text));
	} else {
		fprintf(out, "\n");
	}
	for (size_t i = 0; i < one->problems.n; i++)
		if (one->problems.at[i].fatal)
			fprintf(out, "%s\n", one->problems.at[i].text);
	if (one->problems.fatal)
		fprintf(out, "no service can be created of it before that is "
			     "mended\n");
	else if (one->rev)
		fprintf(out, "created: %s\n", one->rev);
	else
		fprintf(out, "to create it: encap create %s --config %s\n",
			one->service, one->path);
}

static void one_add(struct import_run *r, const struct import_one *one)
{
	struct arena *a = r->c->arena;
	struct doc *d = doc_add(a, r->files, import_doc(a, &one->import));
	struct doc *list = doc_list(a);

	doc_put_str(a, d, "path", one->path);
	doc_put_str(a, d, "service", one->service);
	for (size_t i = 0; i < one->problems.n; i++)
		if (one->problems.at[i].fatal)
			doc_add(a, list, doc_str(a, one->problems.at[i].text));
	doc_put(a, d, "errors", list);
	if (one->rev)
		doc_put_str(a, d, "rev", one->rev);
}

static void look_at_file(struct import_run *r, const char *path)
{
	struct import_file f = import_file(r->c->arena, path);
	struct import_one one = { .path = path, .service = f.service };

	r->found++;
	if (!f.service) {
		fprintf(r->c->err, "%s: left out: %s\n", path, f.why);
		return;
	}
	r->services++;
	if (!one_read(r, &f, &one))
		return;
	if (one.problems.fatal)
		run_failed(r, CLI_FAILED);
	else if (r->c->opt[OPT_CREATE])
		one_create(r, &one);
	if (cli_wants_doc(r->c))
		one_add(r, &one);
	else
		one_print(r, &one);
}

/* -- a directory ----------------------------------------------------------- */

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && strcmp(name + n - m, end) == 0;
}

/* What may be an env file, or a directory with some. */
static int is_candidate(const struct dirent *e)
{
	return e->d_name[0] != '.' && !ends_in(e->d_name, ".d") &&
	       !ends_in(e->d_name, ".dir");
}

static void look_at(struct import_run *r, const char *path, unsigned depth);

static void look_into(struct import_run *r, const char *dir, unsigned depth)
{
	struct arena *a = r->c->arena;
	struct dirent **all;
	int n = scandir(dir, &all, is_candidate, alphasort);

	if (n < 0) {
		run_failed(r, cli_error(r->c, CLI_FAILED, "%s: %s", dir,
					strerror(errno)));
		return;
	}
	for (int i = 0; i < n; i++) {
		look_at(r,
			arena_printf(a, "%s%s%s", dir,
				     ends_in(dir, "/") ? "" : "/",
				     all[i]->d_name),
			depth + 1);
		free(all[i]);
	}
	free(all);
}

static void look_at(struct import_run *r, const char *path, unsigned depth)
{
	bool is_named = ends_in(path, ".env") || ends_in(path, ".conf");
	struct stat st;

	if (stat(path, &st) < 0) {
		if (depth && !is_named) /* a link of a service to a program */
			return;
		run_failed(r, cli_error(r->c,
					errno == ENOENT ? CLI_NOT_FOUND
							: CLI_FAILED,
					"%s: %s", path, strerror(errno)));
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		if (!depth || is_named)
			look_at_file(r, path);
		return;
	}
	if (depth < DEPTH_MAX)
		look_into(r, path, depth);
}

int cmd_import(struct cli *c)
{
	struct import_run r = { .c = c, .files = doc_list(c->arena) };
	struct doc *d = doc_map(c->arena);

	for (size_t i = 0; i < c->n_args; i++)
		look_at(&r, c->args[i], 0);
	if (!r.services && r.code == CLI_DONE)
		return cli_error(c, CLI_NOT_FOUND,
				 "there is no NAME.env or NAME.conf of a "
				 "service");
	doc_put(c->arena, d, "files", r.files);
	if (cli_wants_doc(c))
		cli_print_doc(c, d, "files");
	return r.code;
}
