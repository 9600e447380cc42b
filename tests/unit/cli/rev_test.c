/*
 * Revisions, drafts and files, against an agent that has what is written here.
 */
#include <errno.h>
#include <sys/stat.h>

#include "tests/unit/cli/cli_run.h"
#include "tests/unit/cli/doctext.h"

#define HEAD "[DEFAULT]\nnodes = hv1\n\n[fs#1]\ntype = flag\n"
#define LAST "[DEFAULT]\nnodes = hv1 hv2\n\n[fs#1]\ntype = flag\n"
/* Of the last one, and of another edit of the first. */
#define SIDE "[DEFAULT]\nnodes = hv1\n# side\n\n[fs#1]\ntype = flag\n"
#define BOTH "[DEFAULT]\nnodes = hv1 hv2\n# side\n\n[fs#1]\ntype = flag\n"

static const struct {
	const char *id, *text, *row;
} revs[] = {
	/* the newest first */
	{ "dddd00000000ff", BOTH,
	  "{ rev: dddd00000000ff, n: 4, at: 1700000003000,"
	  "  parents: [bbbb00000000ff, cccc00000000ff],"
	  "  author: { user: root, node: vm1, level: encap, tool: file } }" },
	{ "cccc00000000ff", SIDE,
	  "{ rev: cccc00000000ff, n: 3, at: 1700000002000,"
	  "  parents: [aaaa00000000ff],"
	  "  author: { user: root, node: vm1, level: encap, tool: file } }" },
	{ "bbbb00000000ff", LAST,
	  "{ rev: bbbb00000000ff, n: 2, at: 1700000001000,"
	  "  parents: [aaaa00000000ff], comment: 'one more',"
	  "  author: { user: eve, node: hv2, level: hypervisor,"
	  "            tool: 'encap set' } }" },
	{ "aaaa00000000ff", HEAD,
	  "{ rev: aaaa00000000ff, n: 1, at: 1700000000000, parents: [],"
	  "  author: { user: bob, node: hv1, level: hypervisor,"
	  "            tool: 'encap create' } }" },
};

static const char conflict[] =
	"{ base: aaaa00000000ff, head: bbbb00000000ff, draft: 'draft-5',"
	"  theirs: { at: 1700000009000,"
	"            by: { user: bob, node: vm1, level: encap } },"
	"  conflicts: [{ key: DEFAULT.nodes, base: hv1, ours: 'hv1 hv2',"
	"                theirs: hv3, rev: bbbb00000000ff, at: 1700000001000,"
	"                by: { user: eve, node: hv2 } }] }";

static const char drafts[] =
	"{ drafts: ["
	"  { id: 'draft-5', name: web, kind: conflict, at: "
	"1700000009000,"
	"    by: { user: bob, node: vm1, level: encap, tool: file },"
	"    where: /etc/encap/services/web.conf, base: aaaa00000000ff,"
	"    why: 'both changed nodes' },"
	"  { id: 'draft-1', name: mail, kind: offer, at: 1700000009000,"
	"    by: { user: root, node: hv3 }, text: '[DEFAULT]\nnodes = hv3\n',"
	"    where: /etc/encap/services/mail.conf, why: 'a new file' },"
	"  { name: web, kind: file, node: hv2, at: 1700000009000,"
	"    where: /var/lib/encap/drafts/web.1.conf, why: 'too large' } ] }";

/* What the test's agent makes of a change. */
struct world {
	int code;
	const char *data;
};

static struct doc *find_rev(struct arena *a, const char *word, int *code,
			    const char **err)
{
	size_t n = sizeof(revs) / sizeof(revs[0]), i = n;

	if (!*word || strcmp(word, "HEAD") == 0)
		i = 0;
	else if (strcmp(word, "HEAD~1") == 0)
		i = 1;
	for (size_t k = 0; k < n; k++)
		if (*word && strncmp(revs[k].id, word, strlen(word)) == 0)
			i = k;
	if (i < n) {
		struct doc *d = doctext(a, revs[i].row);

		doc_put_str(a, d, "config", revs[i].text);
		return d;
	}
	*code = CLI_NOT_FOUND;
	*err = "no such revision";
	return NULL;
}

static struct doc *history(struct arena *a, const struct doc *req)
{
	struct doc *d = doc_map(a);
	struct doc *list = doc_put(a, d, "revs", doc_list(a));
	size_t n = sizeof(revs) / sizeof(revs[0]);
	size_t max = (size_t)doc_get_int(req, "limit", (int64_t)n);

	doc_put_str(a, d, "head", revs[0].id);
	for (size_t i = 0; i < n && i < max; i++)
		doc_add(a, list, doctext(a, revs[i].row));
	return d;
}

static struct doc *answer(struct fake_agent *f, struct arena *a, const char *op,
			  const struct doc *req, int *code, const char **err)
{
	struct world *w = f->data;
	const char *name = doc_get_str(req, "name", "");

	if (strcmp(op, "svc_history") == 0)
		return history(a, req);
	if (strcmp(op, "svc_drafts") == 0)
		return doctext(a, drafts);
	if (strcmp(op, "svc_ls") == 0)
		return doctext(a, "{ services: [{ service: web },"
				  " { service: old }] }");
	if (strcmp(op, "svc_draft") == 0) {
		struct doc *d = doc_copy(
			a, doc_at(doc_get(doctext(a, drafts), "drafts"), 0));

		doc_put(a, d, "conflicts",
			doc_copy(a,
				 doc_get(doctext(a, conflict), "conflicts")));
		doc_put_str(a, d, "text",
			    "[DEFAULT]\nnodes = hv3\n\n[fs#1]\ntype = flag\n");
		return d;
	}
	if (strcmp(op, "svc_config") == 0) {
		if (strcmp(name, "web") == 0 || strcmp(name, "old") == 0)
			return find_rev(a, doc_get_str(req, "rev", ""), code,
					err);
		*code = CLI_NOT_FOUND;
		*err = "there is no such service";
		return NULL;
	}
	*code = w->code;
	if (w->code)
		*err = "refused by the test";
	return w->data ? doctext(a, w->data)
		       : doctext(a, "{ rev: eeee00000000ff }");
}

static struct ran run(struct world w, const char *line, char **ret_asked)
{
	setenv("TZ", "UTC", 1);
	return cli_run_asking(answer, &w, line, ret_asked);
}

/* -- reading ---------------------------------------------------------- */

static const struct row {
	const char *name, *line;
	int code;
	const char *says[6];
} rows[] = {
	{ "history",
	  "encap history web",
	  0,
	  { "dddd00000000  2023-11-14 22:13:23.000  root@vm1 (encap)",
	    "merge of bbbb00000000 and cccc00000000",
	    "eve@hv2           encap set     one more",
	    "bob@hv1           encap create" } },
	{ "history -n", "encap history web -n 1", 0, { "dddd00000000" } },
	{ "history -n 0",
	  "encap history web -n 0",
	  2,
	  { "no number above 0" } },
	{ "history -p",
	  "encap history web -p",
	  0,
	  { "one more\n~ DEFAULT.nodes = hv1 -> hv1 hv2\n", "encap create",
	    "+ DEFAULT.nodes = hv1\n" } },
	{ "history as json",
	  "encap history web -o json",
	  0,
	  { "\"head\": \"dddd00000000ff\"", "\"comment\": \"one more\"" } },
	{ "show",
	  "encap show web bbbb",
	  0,
	  { "revision  bbbb00000000ff\nparent    aaaa00000000ff\n",
	    "author    eve@hv2, encap set\n", "comment   one more\n",
	    "\n~ DEFAULT.nodes = hv1 -> hv1 hv2\n" } },
	{ "show the head",
	  "encap show web",
	  0,
	  { "revision  dddd00000000ff\n", "parent    cccc00000000ff\n",
	    "# side" } },
	{ "show a draft",
	  "encap show web draft-5",
	  0,
	  { "draft     draft-5\nkind      conflict\n", "both changed nodes\n",
	    "ours    hv1 hv2    (the head: eve@hv2",
	    "theirs  hv3    (this edit: bob@vm1 (encap)",
	    "~ DEFAULT.nodes = hv1 -> hv3\n" } },
	{ "diff of the last", "encap diff web", 0, { "+ # side" } },
	{ "diff of two",
	  "encap diff web bbbb aaaa",
	  0,
	  { "~ DEFAULT.nodes = hv1 hv2 -> hv1\n" } },
	{ "diff to the head", "encap diff web bbbb", 0, { "+ # side\n" } },
	{ "diff as json",
	  "encap diff web bbbb aaaa -o json",
	  0,
	  { "\"from\": \"bbbb00000000ff\"", "\"kind\": \"changed\"" } },
	{ "no such revision",
	  "encap diff web ffff",
	  3,
	  { "no such revision" } },
	{ "blame",
	  "encap blame web",
	  0,
	  { "aaaa00000000  bob@hv1           2023-11-14 22:13:20 | [DEFAULT]",
	    "bbbb00000000  eve@hv2           2023-11-14 22:13:21 | "
	    "nodes = hv1 hv2",
	    "cccc00000000  root@vm1 (encap)  2023-11-14 22:13:22 | # side" } },
	{ "blame of an older one",
	  "encap blame web --rev bbbb -o json",
	  0,
	  { "\"user\": \"eve\"", "\"text\": \"nodes = hv1 hv2\\n\"" } },
	{ "drafts",
	  "encap drafts",
	  0,
	  { "draft-5  web      conflict  bob",
	    "vm1:/etc/encap/services/web.conf", "both changed nodes",
	    "hv2:/var/lib/encap/drafts/web.1.conf",
	    "encap create NAME "
	    "--draft" } },
};

static void row_reads(void **state)
{
	const struct row *row = *state;
	struct ran r = run((struct world){ 0 }, row->line, NULL);

	assert_int_equal(r.code, row->code);
	for (size_t i = 0; i < 6 && row->says[i]; i++)
		if (!strstr(r.err, row->says[i]))
			says(r.out, row->says[i]);
	ran_free(&r);
}

/* -- changes ------------------------------------------------------------ */

static void a_conflict_says_who_wants_what_and_what_to_do(void **state)
{
	struct world w = { CLI_CONFLICT, conflict };
	struct ran r = run(w, "encap set web DEFAULT.nodes=hv3", NULL);

	(void)state;
	assert_int_equal(r.code, CLI_CONFLICT);
	says(r.err,
	     "  DEFAULT.nodes\n"
	     "    base    hv1\n"
	     "    ours    hv1 hv2    (the head: eve@hv2, 2023-11-14 "
	     "22:13:21.000, revision bbbb00000000)\n"
	     "    theirs  hv3    (this edit: bob@vm1 (encap), 2023-11-14 "
	     "22:13:29.000)\n"
	     "the edit is kept as draft-5; to end this:\n"
	     "  encap resolve web draft-5 --ours");
	says(r.err, "  encap resolve web draft-5 --theirs");
	says(r.err, "  encap resolve web draft-5 --edit");
	says(r.err, "  encap drafts web --drop draft-5");
	ran_free(&r);
}

/* Another one may come while the text is in the editor: then the plan is in
 * conflict, too, and the edit is sent for its text to be kept. */
static void an_edit_that_lost_while_it_was_made_is_sent(void **state)
{
	struct world w = { CLI_CONFLICT, conflict };
	char *asked;
	struct ran r;

	(void)state;
	setenv("EDITOR", "sed -i 's/^nodes = .*/nodes = hv3/'", 1);
	r = run(w, "encap edit web", &asked);
	unsetenv("EDITOR");
	assert_int_equal(r.code, CLI_CONFLICT);
	says(asked, "\"op\": \"svc_edit\", \"name\"");
	says(r.err, "    base    hv1\n");
	says(r.err, "the edit is kept as draft-5; to end this:\n");
	free(asked);
	ran_free(&r);
}

static void what_is_invalid_together_is_said(void **state)
{
	struct world w = {
		CLI_CONFLICT,
		"{ draft: dd, problems: ['line 3: no such node'] }"
	};
	struct ran r = run(w, "encap revert web bbbb", NULL);

	(void)state;
	assert_int_equal(r.code, CLI_CONFLICT);
	says(r.err, "both together: line 3: no such node\n");
	says(r.err, "kept as dd;");
	ran_free(&r);
}

static void a_merge_is_mentioned(void **state)
{
	struct world w = { 0, "{ rev: eeee, edit: ffff, merged: true }" };
	struct ran r = run(w, "encap unset web fs#1.type", NULL);

	(void)state;
	ran_free(&r);
	r = run(w, "encap set web DEFAULT.comment=x", NULL);
	assert_int_equal(r.code, CLI_DONE);
	assert_string_equal(r.out, "eeee\n");
	says(r.err, "both are in the head");
	ran_free(&r);
}

/* What is sent, each by the command that sends it. */
static const struct sent_row {
	const char *name, *line;
	const char *asks[6];
} sent[] = {
	{ "if-rev is a whole id",
	  "encap set web DEFAULT.comment=x --if-rev bbbb",
	  { "\"base\": \"bbbb00000000ff\"", "\"strict\": true" } },
	{ "revert",
	  "encap revert web aaaa --comment no",
	  { "svc_revert", "\"rev\": \"aaaa00000000ff\"",
	    "\"base\": \"dddd00000000ff\"", "\"comment\": \"no\"" } },
	{ "resolve --ours",
	  "encap resolve web draft-5 --ours",
	  { "svc_resolve", "\"draft\": \"draft-5\"", "\"take\": \"ours\"" } },
	{ "resolve --theirs",
	  "encap resolve web draft-5 --theirs --if-rev HEAD",
	  { "\"take\": \"theirs\"", "\"strict\": true",
	    "\"base\": \"dddd00000000ff\"" } },
	{ "drop",
	  "encap drafts --drop draft-5",
	  { "svc_draft_drop", "\"draft\": \"draft-5\"" } },
	{ "create of an offer",
	  "encap create mail --draft",
	  { "svc_create", "\"draft\": \"draft-1\"", "nodes = hv3\\n" } },
};

static void row_sends(void **state)
{
	const struct sent_row *row = *state;
	char *asked;
	struct ran r = run((struct world){ 0 }, row->line, &asked);

	assert_int_equal(r.code, CLI_DONE);
	for (size_t i = 0; i < 6 && row->asks[i]; i++)
		says(asked, row->asks[i]);
	ran_free(&r);
	free(asked);
}

/* The head, with all of the draft in it. */
static void a_draft_is_resolved_in_an_editor(void **state)
{
	char *asked;
	struct ran r;

	(void)state;
	setenv("VISUAL", "sed -i s/hv3/hv4/", 1);
	r = run((struct world){ 0 }, "encap resolve web draft-5 --edit",
		&asked);
	assert_int_equal(r.code, CLI_DONE);
	says(r.err, "ours    hv1 hv2");
	says(asked, "\"take\": \"text\"");
	says(asked, "\"base\": \"dddd00000000ff\"");
	says(asked, "nodes = hv4\\n# side\\n");
	ran_free(&r);
	free(asked);
	/* Nothing of it is wanted: the head is as it was. */
	setenv("VISUAL", "sed -i s/hv3/hv1\\ hv2/", 1);
	setenv("VISUAL", "sed -i 's/hv3/hv1 hv2/'", 1);
	r = run((struct world){ 0 }, "encap resolve web draft-5 --edit",
		&asked);
	unsetenv("VISUAL");
	assert_int_equal(r.code, CLI_DONE);
	says(asked, "svc_draft_drop");
	ran_free(&r);
	free(asked);
}

static void who_offers_nothing_is_told(void **state)
{
	struct world w = { 0 };
	struct ran r = run(w, "encap show mail", NULL);

	(void)state;
	assert_int_equal(r.code, CLI_NOT_FOUND);
	ran_free(&r);
}

/* -- files --------------------------------------------------------------- */

struct files {
	char dir[32];
};

static void put(const struct files *f, const char *name, const char *text)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static struct ran run_on(const struct files *f, struct world w,
			 const char *command, const char *rest, char **asked)
{
	char line[256];

	snprintf(line, sizeof(line), "encap %s %s%s", command, f->dir, rest);
	return run(w, line, asked);
}

static int files_setup(void **state)
{
	static struct files f;

	snprintf(f.dir, sizeof(f.dir), "/tmp/encap-apply.XXXXXX");
	*state = &f;
	return mkdtemp(f.dir) ? 0 : -1;
}

static int files_teardown(void **state)
{
	struct files *f = *state;
	char line[64];

	snprintf(line, sizeof(line), "rm -r %s", f->dir);
	return system(line);
}

static void files_that_are_the_heads_change_nothing(void **state)
{
	struct files *f = *state;
	struct ran r;
	char *asked;

	put(f, "web.conf", BOTH);
	put(f, "web.conf~", "not looked at");
	put(f, ".web.conf.swp", "not looked at");
	r = run_on(f, (struct world){ 0 }, "diff -f", "", NULL);
	assert_int_equal(r.code, 0);
	assert_string_equal(r.out, "");
	ran_free(&r);
	r = run_on(f, (struct world){ 0 }, "apply -f", "", &asked);
	assert_int_equal(r.code, 0);
	says(r.err, "nothing to do: 1 service is as the files say");
	assert_null(strstr(asked, "svc_edit"));
	ran_free(&r);
	free(asked);
}

static void what_differs_is_shown_and_made_so(void **state)
{
	struct files *f = *state;
	struct ran r;
	char *asked;

	put(f, "web.conf", HEAD);
	put(f, "mail.conf", LAST);
	r = run_on(f, (struct world){ 0 }, "diff --prune -f", "", NULL);
	assert_int_equal(r.code, 1);
	says(r.out, "create mail from ");
	says(r.out, "edit web from ");
	says(r.out, "~ DEFAULT.nodes = hv1 hv2 -> hv1\n");
	says(r.out, "delete old\n");
	ran_free(&r);
	r = run_on(f, (struct world){ 0 }, "diff -o json -f", "", NULL);
	assert_int_equal(r.code, 1);
	says(r.out, "\"same\": false");
	says(r.out, "\"change\": \"create\"");
	assert_null(strstr(r.out, "delete"));
	ran_free(&r);
	r = run_on(f, (struct world){ 0 }, "apply --prune -f", "", &asked);
	assert_int_equal(r.code, 0);
	says(r.out, "mail eeee00000000ff\nweb eeee00000000ff\nold deleted\n");
	says(asked, "svc_create");
	says(asked, "\"base\": \"dddd00000000ff\"");
	says(asked, "\"strict\": true");
	says(asked, "svc_delete");
	ran_free(&r);
	free(asked);
}

static void one_wrong_file_is_nothing_changed(void **state)
{
	struct files *f = *state;
	struct ran r;
	char *asked;

	put(f, "web.conf", HEAD);
	put(f, "mail.conf", "[nonsense#1]\n");
	put(f, "news.conf", "[trash#1]\n");
	r = run_on(f, (struct world){ 0 }, "apply -f", "", &asked);
	assert_int_equal(r.code, 1);
	says(r.err, "mail.conf:1: ");
	says(r.err, "news.conf:1: ");
	says(r.err, "nothing was changed");
	assert_null(strstr(asked, "svc_edit"));
	ran_free(&r);
	free(asked);
	r = run_on(f, (struct world){ 0 }, "apply -f", "/web.conf /dev/null",
		   NULL);
	assert_int_equal(r.code, 2);
	says(r.err, "/dev/null: an env file is called NAME.conf");
	ran_free(&r);
}

static void what_fails_does_not_stop_the_rest(void **state)
{
	struct files *f = *state;
	struct ran r;
	char *asked;

	put(f, "web.conf", HEAD);
	put(f, "mail.conf", LAST);
	r = run_on(f, (struct world){ .code = CLI_CONFLICT }, "apply -f", "",
		   &asked);
	assert_int_equal(r.code, CLI_CONFLICT);
	says(r.err, "create mail: refused by the test");
	says(r.err, "edit web: refused by the test");
	says(r.err, "2 of 2 changes were not made");
	ran_free(&r);
	free(asked);
	r = run_on(f, (struct world){ .code = CLI_NO_QUORUM }, "apply -f", "",
		   &asked);
	assert_int_equal(r.code, CLI_NO_QUORUM);
	says(asked, "\"op\": \"svc_create\", \"name\"");
	assert_null(strstr(asked, "\"op\": \"svc_edit\", \"name\""));
	says(r.err, "2 of 2 changes were not made");
	ran_free(&r);
	free(asked);
}

int main(void)
{
	static struct CMUnitTest tests[64];
	size_t n = 0;
	static const struct CMUnitTest alone[] = {
		cmocka_unit_test(a_conflict_says_who_wants_what_and_what_to_do),
		cmocka_unit_test(an_edit_that_lost_while_it_was_made_is_sent),
		cmocka_unit_test(what_is_invalid_together_is_said),
		cmocka_unit_test(a_merge_is_mentioned),
		cmocka_unit_test(a_draft_is_resolved_in_an_editor),
		cmocka_unit_test(who_offers_nothing_is_told),
#define FILES(fn)                                                              \
	cmocka_unit_test_setup_teardown(fn, files_setup, files_teardown)
		FILES(files_that_are_the_heads_change_nothing),
		FILES(what_differs_is_shown_and_made_so),
		FILES(one_wrong_file_is_nothing_changed),
		FILES(what_fails_does_not_stop_the_rest),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tests[n++] = (struct CMUnitTest){ rows[i].name, row_reads, NULL,
						  NULL, (void *)&rows[i] };
	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++)
		tests[n++] = (struct CMUnitTest){ sent[i].name, row_sends, NULL,
						  NULL, (void *)&sent[i] };
	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++)
		tests[n++] = alone[i];
	return _cmocka_run_group_tests("rev", tests, n, NULL, NULL);
}
