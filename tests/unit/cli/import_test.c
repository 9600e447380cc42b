/* encap import and encap explain: files in, report and exit code out. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/cli/cli_run.h"

/* -- an agent that creates services ---------------------------------------- */

static struct doc *answer(struct fake_agent *f, struct arena *a, const char *op,
			  const struct doc *req, int *code, const char **err)
{
	const char *exists = f->data;
	struct doc *d = doc_map(a);

	if (strcmp(op, "svc_create") != 0)
		return d;
	if (strcmp(doc_get_str(req, "name", ""), exists) == 0) {
		*code = CLI_CONFLICT;
		*err = "there is a service of that name";
		return NULL;
	}
	doc_put_str(a, d, "rev", "r1");
	return d;
}

/* -- a directory of OpenSVC ------------------------------------------------ */

static const char *const dirs[] = {
	"etc",
	"etc/web.dir",
	"etc/namespaces",
	"etc/namespaces/test",
	"etc/namespaces/test/svc",
	"etc/sec",
};

static const struct file {
	const char *path, *text;
} files[] = {
	{ "etc/db.conf", "[DEFAULT]\nnodes = hv1\nwidget = 1\n" },
	{ "etc/namespaces/test/svc/web.conf", "[DEFAULT]\nnodes = hv1\n" },
	{ "etc/node.conf", "[node]\nenv = PRD\n" },
	{ "etc/sec/keys.conf", "[data]\n" },
	{ "etc/web.dir/start.conf", "[DEFAULT]\nnodes = hv1\n" },
	{ "etc/web.env", "[DEFAULT]\nnodes = hv1\ncluster_type = flex\n" },
};

#define N_DIRS	(sizeof(dirs) / sizeof(dirs[0]))
#define N_FILES (sizeof(files) / sizeof(files[0]))

static void put_file(const char *dir, const char *path, const char *text)
{
	SCOPED(arena) struct arena *a = arena_new();
	FILE *f = fopen(arena_printf(a, "%s/%s", dir, path), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void make_tree(char *dir)
{
	SCOPED(arena) struct arena *a = arena_new();

	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < N_DIRS; i++)
		assert_int_equal(
			mkdir(arena_printf(a, "%s/%s", dir, dirs[i]), 0755), 0);
	for (size_t i = 0; i < N_FILES; i++)
		put_file(dir, files[i].path, files[i].text);
	/* SERVICE -> the program, SERVICE.d -> its scripts */
	assert_int_equal(
		symlink("../bin/svcmgr", arena_printf(a, "%s/etc/web", dir)),
		0);
	assert_int_equal(
		symlink("web.dir", arena_printf(a, "%s/etc/web.d", dir)), 0);
}

static void drop_tree(const char *dir)
{
	SCOPED(arena) struct arena *a = arena_new();

	unlink(arena_printf(a, "%s/etc/web", dir));
	unlink(arena_printf(a, "%s/etc/web.d", dir));
	for (size_t i = 0; i < N_FILES; i++)
		unlink(arena_printf(a, "%s/%s", dir, files[i].path));
	for (size_t i = N_DIRS; i > 0; i--)
		rmdir(arena_printf(a, "%s/%s", dir, dirs[i - 1]));
	assert_int_equal(rmdir(dir), 0);
}

/* "@" in @line is the directory. */
static struct ran run_in(const char *dir, const char *line)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);

	for (const char *p = line; *p; p++)
		buf_puts(&b, *p == '@' ? dir : (char[]){ *p, '\0' });
	return cli_run(buf_text(&b));
}

static void a_directory_is_reported(void **state)
{
	char dir[] = "/tmp/encap-import-XXXXXX";
	struct ran r;

	(void)state;
	make_tree(dir);
	r = run_in(dir, "encap import @/etc");
	assert_int_equal(r.code, CLI_DONE);
	says(r.out, "etc/db.conf: service db, of OpenSVC 2 or 3\n"
		    "     2  DEFAULT.nodes   taken\n"
		    "     3  DEFAULT.widget  not understood  no keyword of "
		    "DEFAULT: kept, and ignored\n"
		    "1 taken, 0 translated, 1 not understood\n"
		    "to create it: encap create db --config ");
	says(r.out, "web.conf: service web.test, of OpenSVC 2 or 3\n");
	says(r.out, "etc/web.env: service web, of OpenSVC 1\n");
	says(r.out, "translated      read as topology\n");
	assert_null(strstr(r.out, "start.conf"));
	says(r.err, "etc/node.conf: left out: of a node or cluster, not of a "
		    "service\n");
	says(r.err, "sec/keys.conf: left out: of the kind sec, not of a "
		    "service\n");
	assert_null(strstr(r.err, "encap import:"));
	ran_free(&r);
	drop_tree(dir);
}

static void services_are_created(void **state)
{
	char exists[] = "db";
	struct fake_agent f = { .answer = answer, .data = exists };
	char dir[] = "/tmp/encap-import-XXXXXX";
	struct ran r;

	(void)state;
	make_tree(dir);
	fake_start(&f);
	r = run_in(dir, "encap import @/etc --create");
	/* db is there already; the others are made */
	assert_int_equal(r.code, CLI_CONFLICT);
	says(r.err, "there is a service of that name");
	says(r.out, "created: r1\n");
	says(buf_text(&f.asked), "web.test");
	says(buf_text(&f.asked), "cluster_type = flex");
	ran_free(&r);
	fake_stop(&f);
	drop_tree(dir);
}

static void errors_are_told(void **state)
{
	char dir[] = "/tmp/encap-import-XXXXXX";
	struct ran r;

	(void)state;
	make_tree(dir);
	put_file(dir, "etc/web.env", "[DEFAULT]\nnodes = hv*\n");
	r = run_in(dir, "encap import @/etc/web.env @/etc/db.conf --create");
	assert_int_equal(r.code, CLI_FAILED);
	says(r.out, "web.env:2: DEFAULT.nodes: 'hv*' is a pattern");
	says(r.out, "no service can be created of it before that is mended\n");
	ran_free(&r);
	put_file(dir, "etc/web.env", "nonsense\n");
	r = run_in(dir, "encap import @/etc/web.env -o json");
	assert_int_equal(r.code, CLI_FAILED);
	says(r.out, "\"service\": \"web\"");
	says(r.out, "web.env:1: ");
	ran_free(&r);
	drop_tree(dir);
}

static void what_is_not_there_is_3(void **state)
{
	char dir[] = "/tmp/encap-import-XXXXXX";
	struct ran r;

	(void)state;
	make_tree(dir);
	r = run_in(dir, "encap import @/nowhere");
	assert_int_equal(r.code, CLI_NOT_FOUND);
	says(r.err, "No such file");
	ran_free(&r);
	r = run_in(dir, "encap import @/etc/sec");
	assert_int_equal(r.code, CLI_NOT_FOUND);
	says(r.err, "there is no NAME.env or NAME.conf of a service");
	ran_free(&r);
	drop_tree(dir);
}

/* -- explain --------------------------------------------------------------- */

static const struct explain_row {
	const char *name; /* the line */
	int code;
	const char *out, *err; /* NULL: nothing */
} explained[] = {
	{ "encap explain", CLI_DONE, "Sections:\n", NULL },
	{ "encap explain mnt_opt", CLI_DONE, "fs.mnt_opt\n", NULL },
	{ "encap explain fs#1.mnt_opt", CLI_DONE, "fs.mnt_opt\n", NULL },
	{ "encap explain container.lxc", CLI_DONE, "container.lxc: ", NULL },
	{ "encap explain container", CLI_DONE, "Types:\n", NULL },
	{ "encap explain mnt_opt -o json", CLI_DONE, "\"mnt_opt\"", NULL },
	{ "encap explain mnt_op", CLI_NOT_FOUND, NULL, "did you mean mnt_opt" },
	{ "encap explain a b", CLI_USAGE, NULL, "usage" },
};

/* Without an agent. */
static void it_is_explained(void **state)
{
	const struct explain_row *row = *state;
	struct ran r;

	setenv("ENCAP_SOCKET", "/nowhere/api.sock", 1);
	r = cli_run(row->name);
	assert_int_equal(r.code, row->code);
	says(r.out, row->out ? row->out : "");
	says(r.err, row->err ? row->err : "");
	if (!row->out)
		assert_string_equal(r.out, "");
	if (!row->err)
		assert_string_equal(r.err, "");
	ran_free(&r);
	unsetenv("ENCAP_SOCKET");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_directory_is_reported),
		cmocka_unit_test(services_are_created),
		cmocka_unit_test(errors_are_told),
		cmocka_unit_test(what_is_not_there_is_3),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(explained, it_is_explained);
	return failed != 0;
}
