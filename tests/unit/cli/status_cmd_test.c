#include <unistd.h>

#include "tests/unit/cli/cli_run.h"
#include "tests/unit/cli/doctext.h"

/* An agent that says these one after the other, and then no more. */
struct sayings {
	const char *at[4];
};

struct teller {
	const struct sayings *sayings;
	size_t n;
};

static struct doc *say(struct fake_agent *f, struct arena *a, const char *op,
		       const struct doc *req, int *code, const char **err)
{
	struct teller *s = f->data;
	const char *text = s->n < 4 ? s->sayings->at[s->n] : NULL;

	(void)req;
	if (strcmp(op, "status") == 0 || strcmp(op, "svc_ls") == 0 ||
	    strcmp(op, "node_ls") == 0 || strcmp(op, "events") == 0)
		s->n++;
	if (text)
		return doctext(a, text);
	*code = CLI_NO_QUORUM;
	*err = "no more";
	return NULL;
}

static struct ran run(const struct sayings *sayings, const char *line)
{
	struct teller s = { .sayings = sayings };

	return cli_run_asking(say, &s, line, NULL);
}

#define WEB(avail, more)                                                       \
	"{ version: 1, service: web, node: hv2, overall: " avail               \
	", instances: { hv1: { avail: down },"                                 \
	"  hv2: { avail: " avail ", resources: {"                              \
	"    fs#1: { status: " avail ", monitor: true } }" more " } } }"

static const struct row {
	const char *name;
	struct sayings sayings;
	const char *line, *out, *err;
	int code;
} rows[] = {
	{ "the tree, the node that was asked open",
	  { { WEB("up", "") } },
	  "encap status web",
	  "|- avail                  up       hv2\n"
	  "|  '- fs#1           M... up       \n",
	  "",
	  CLI_DONE },
	{ "print status is the same",
	  { { WEB("up", "") } },
	  "svcmgr -s web print status",
	  "|  '- fs#1           M... up       \n",
	  "",
	  CLI_DONE },
	{ "all the flags",
	  { { WEB("up", "") } },
	  "encap status web --flags wide",
	  "|  '- fs#1           .M.../.. up       \n",
	  "",
	  CLI_DONE },
	{ "json is the document",
	  { { WEB("up", "") } },
	  "encap status web -o json",
	  "{\n  \"version\": 1,\n  \"service\": \"web\",",
	  "",
	  CLI_DONE },
	{ "json status has the keys of OpenSVC",
	  { { WEB("up", "") } },
	  "svcmgr -s web json status",
	  "\"nodename\": \"hv2\"",
	  "",
	  CLI_DONE },
	{ "a table",
	  { { WEB("up", "") } },
	  "encap status web -o tab=S:.service,A:.instances[].avail",
	  "S    A\nweb  down,up\n",
	  "",
	  CLI_DONE },
	{ "all services",
	  { { "{ services: [" WEB("up", "") "] }" } },
	  "encap status",
	  "SERVICE  AVAIL  OVERALL  hv1   hv2  NOTES\n"
	  "web      undef  up       down  up\n",
	  "",
	  CLI_DONE },
	{ "all services as a table",
	  { { "{ services: [" WEB("up", "") "] }" } },
	  "encap status -o tab=S:service",
	  "S\nweb\n",
	  "",
	  CLI_DONE },
	{ "nodes as a table",
	  { { "{ nodes: [ { name: hv1 }, { name: hv2 } ] }" } },
	  "encap node ls -o tab=N:.name",
	  "N\nhv1\nhv2\n",
	  "",
	  CLI_DONE },
	{ "events as yaml: a document each",
	  { { "{ events: [ { text: a }, { text: b } ] }" } },
	  "encap events -o yaml",
	  "---\ntext: a\n---\ntext: b\n",
	  "",
	  CLI_DONE },
	{ "events as a table",
	  { { "{ events: [ { text: a }, { text: bc } ] }" } },
	  "encap events -o tab=TEXT:.text",
	  "TEXT\na\nbc\n",
	  "",
	  CLI_DONE },
	{ "--watch prints what changed, and not that time went by",
	  { { WEB("up", ", stale: lost, age_ms: 1000"),
	      WEB("up", ", stale: lost, age_ms: 2000"), WEB("down", "") } },
	  "encap status web --watch -o tab=S:.overall",
	  "S\nup\ndown\n",
	  "no more",
	  CLI_NO_QUORUM },
	{ "unknown flags",
	  { { NULL } },
	  "encap status web --flags all",
	  "",
	  "unknown flags 'all': short or wide",
	  CLI_USAGE },
	{ "--from with a name",
	  { { NULL } },
	  "encap status web --from x",
	  "",
	  "--from goes with no name",
	  CLI_USAGE },
	{ "--from of nothing",
	  { { NULL } },
	  "encap status --from /nowhere/x",
	  "",
	  "/nowhere/x: No such file or directory",
	  CLI_FAILED },
	{ "--from of what is no JSON",
	  { { NULL } },
	  "encap status --from /proc/self/cmdline",
	  "",
	  "this is no JSON",
	  CLI_FAILED },
	{ "no format",
	  { { NULL } },
	  "encap status -o xml",
	  "",
	  "unknown output format 'xml'",
	  CLI_USAGE },
};

static void line_gives(void **state)
{
	const struct row *row = *state;
	struct ran r = run(&row->sayings, row->line);

	assert_int_equal(r.code, row->code);
	says(r.out, row->out);
	says(r.err, row->err);
	ran_free(&r);
}

static void watch_with_json_is_a_line_per_change(void **state)
{
	const struct sayings s = { { WEB("up", ""), WEB("down", "") } };
	struct ran r = run(&s, "encap status web --watch -o json");
	const char *second = strchr(r.out, '\n');

	(void)state;
	assert_int_equal(r.code, CLI_NO_QUORUM);
	says(r.out, "{\"version\": 1, \"service\": \"web\"");
	assert_non_null(second);
	assert_true(strncmp(second, "\n{\"version\": 1", 14) == 0);
	assert_string_equal(strrchr(r.out, '\n'), "\n");
	assert_ptr_equal(strchr(second + 1, '\n'), strrchr(r.out, '\n'));
	ran_free(&r);
}

/* What -o json printed is shown by --from as it was. */
static void from_shows_what_was_saved(void **state)
{
	const struct sayings s = { { WEB("up", "") } };
	struct ran saved = run(&s, "encap status web -o json");
	struct ran tree = run(&s, "encap status web"), r;
	char path[] = "/tmp/encap-status-XXXXXX", line[64];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, saved.out, strlen(saved.out)),
			 (ssize_t)strlen(saved.out));
	close(fd);
	snprintf(line, sizeof(line), "encap status --from %s", path);
	r = cli_run(line);
	unlink(path);
	assert_int_equal(r.code, CLI_DONE);
	assert_string_equal(r.out, tree.out);
	ran_free(&r);
	ran_free(&saved);
	ran_free(&tree);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(watch_with_json_is_a_line_per_change),
		cmocka_unit_test(from_shows_what_was_saved),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(rows, line_gives);
	return failed != 0;
}
