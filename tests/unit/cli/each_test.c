#include "cli/command.h"
#include "tests/unit/cli/cli_run.h"
#include "tests/unit/cli/doctext.h"

/* An agent with web, web-db and mail; mail is refused with 4, gone with 3. */
static struct doc *answer(struct fake_agent *f, struct arena *a, const char *op,
			  const struct doc *req, int *code, const char **err)
{
	const char *name = doc_get_str(req, "name", "");
	struct doc *d = doc_map(a);

	(void)f;
	if (strcmp(op, "svc_ls") == 0)
		return doctext(a, "{services: [{service: 'web'}, {service: "
				  "'web-db'}, {service: 'mail'}, {service: "
				  "'gone'}]}");
	if (strcmp(op, "node_ls") == 0)
		return doctext(a, "{nodes: [{name: 'hv1'}, {name: 'hv2'}, "
				  "{name: 'dr1'}]}");
	if (strcmp(name, "gone") == 0) {
		*code = CLI_NOT_FOUND;
		*err = "there is no service gone";
	} else if (strcmp(op, "svc_freeze") == 0 && strcmp(name, "mail") == 0) {
		*code = CLI_CONFLICT;
		*err = "not now";
	} else if (strcmp(op, "ping") == 0) {
		doc_put_str(a, d, "node", "hv1");
		doc_put_str(a, d, "level", "hypervisor");
	} else if (strcmp(op, "svc_config") == 0) {
		doc_put_str(a, d, "rev", "r0");
		doc_put_str(a, d, "config",
			    arena_printf(a,
					 "[DEFAULT]\nnodes = hv1\napp = %s\n",
					 *name == 'w' ? "shop" : "office"));
	} else if (strcmp(op, "svc_edit") == 0) {
		doc_put_str(a, d, "rev", "r1");
	} else if (strcmp(op, "svc_intent") == 0) {
		doc_put_int(a, d, "seq", 7);
	} else if (strcmp(op, "status") == 0) {
		return doctext(a,
			       "{service: 'x', avail: 'up', overall: 'up', "
			       "intent: {want: 'started', seq: 7}, group: {}, "
			       "instances: {hv1: {node: 'hv1', level: "
			       "'hypervisor', avail: 'up', overall: 'up', "
			       "resources: {}, seq: 7}}}");
	}
	return d;
}

static struct ran run(const char *line, char **ret_asked)
{
	return cli_run_asking(answer, NULL, line, ret_asked);
}

static const struct row {
	const char *name, *line;
	int code;
	const char *out, *err; /* all of it; a part of it */
	const char *asked;     /* a part of it, or NULL */
} rows[] = {
	{ "one name is not looked up", "encap freeze web", CLI_DONE, "", "",
	  NULL },
	{ "a list", "encap freeze web,web-db", CLI_DONE, "== web\n== web-db\n",
	  "", "\"name\": \"web-db\"" },
	{ "a glob", "encap freeze web*", CLI_DONE, "== web\n== web-db\n", "",
	  NULL },
	{ "one that matches is as if named", "encap freeze *b-*", CLI_DONE, "",
	  "", "\"name\": \"web-db\"" },
	{ "each is tried, and those that failed are told", "encap freeze *",
	  CLI_FAILED, "== web\n== web-db\n== mail\n== gone\n",
	  "2 of 4 services failed: mail (4), gone (3)", NULL },
	{ "the code of those that failed", "encap freeze web,mail",
	  CLI_CONFLICT, "== web\n== mail\n", "1 of 2 services failed: mail (4)",
	  NULL },
	{ "nothing matches", "encap freeze nothing*", CLI_NOT_FOUND, "",
	  "no service is meant by 'nothing*'; there are 4", NULL },
	{ "a name that is not there", "encap freeze web,wed", CLI_NOT_FOUND, "",
	  "there is no service wed", NULL },
	{ "no selector", "encap freeze web,,mail", CLI_USAGE, "", "empty part",
	  NULL },
	{ "by a keyword", "encap get app=shop app", CLI_DONE,
	  "== web\nshop\n== web-db\nshop\n", "", "\"op\": \"svc_config\"" },
	{ "by an expression", "encap get app~^off app", CLI_DONE, "office\n",
	  "", NULL },
	{ "edits", "encap set web* app=x", CLI_DONE,
	  "== web\nr1\n== web-db\nr1\n", "", NULL },
	{ "a pattern of nodes is written out", "encap set web nodes=hv*",
	  CLI_DONE, "r1\n", "", "nodes = hv1 hv2" },
	{ "a pattern of other nodes", "encap set web DEFAULT.drpnodes|=dr*",
	  CLI_DONE, "r1\n", "", "drpnodes = dr1" },
	{ "a pattern that no node matches", "encap set web nodes+=x*",
	  CLI_NOT_FOUND, "", "no node of the cluster matches x*", NULL },
	{ "not in other keywords", "encap set web env.nodes=hv*", CLI_DONE,
	  "r1\n", "", "nodes = hv*" },
	{ "the older spelling", "svcmgr -s web,web-db freeze", CLI_DONE,
	  "== web\n== web-db\n", "", NULL },
	{ "create takes a name", "encap create web* --config /dev/null",
	  CLI_USAGE, "", "", NULL },
	{ "some commands take one", "encap log web*", CLI_USAGE, "",
	  "'web*': this command takes one service", NULL },
	{ "and so does watching", "encap status web* --watch", CLI_USAGE, "",
	  "this command takes one service with --watch", NULL },
	{ "all are asked before any is waited for",
	  "encap start web* --timeout 5s", CLI_DONE, "== web\n== web-db\n",
	  "== web\n", NULL },
};

static void it_is_done_for_each(void **state)
{
	const struct row *row = *state;
	char *asked;
	struct ran r = run(row->line, &asked);

	says(r.err, row->err);
	assert_string_equal(r.out, row->out);
	assert_int_equal(r.code, row->code);
	if (row->asked)
		says(asked, row->asked);
	ran_free(&r);
	free(asked);
}

static void intents_come_before_waiting(void **state)
{
	char *asked, *second, *watch;
	struct ran r = run("encap start web* --timeout 5s", &asked);

	(void)state;
	second = strstr(asked, "svc_intent");
	assert_non_null(second);
	second = strstr(second + 1, "svc_intent");
	assert_non_null(second);
	watch = strstr(asked, "\"watch\"");
	assert_true(!watch || watch > second);
	ran_free(&r);
	free(asked);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(intents_come_before_waiting),
	};

	return TABLE_RUN(rows, it_is_done_for_each) +
	       cmocka_run_group_tests(tests, NULL, NULL);
}
