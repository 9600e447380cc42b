#include <errno.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "tests/unit/cli/cli_run.h"
#include "tests/unit/cli/doctext.h"

static const char sample[] = "# the sample\n"
			     "[DEFAULT]\n"
			     "nodes = hv1 hv2\n"
			     "encapnodes = vm1\n"
			     "\n"
			     "[container#1]\n"
			     "type = sim\n"
			     "name = vm1\n"
			     "\n"
			     "[fs#1]\n"
			     "type = flag\n"
			     "\n"
			     "[app#1]\n"
			     "type = sim\n"
			     "encap = true\n"
			     "comment@vm1 = inside\n"
			     "comment = outside\n";
static const char plain[] = "[DEFAULT]\nnodes = hv1\n\n[fs#1]\ntype = flag\n";

/* An agent with one service, web. */
struct world {
	const char *level, *node;
	const char *config;
	int rev;
	const char *refuse;    /* this op is refused, */
	int code;	       /* with this code */
	unsigned faster;       /* edits of others that come before ours */
	const char *status[4]; /* one after the other; the last one stays */
	size_t n_status;
	const char *events; /* what the first watch answers */
	char kept[4096];    /* the config after an edit */
};

static struct doc *world_config(const struct world *w, struct arena *a,
				const struct doc *req)
{
	struct doc *d = doc_map(a);
	const char *head = arena_printf(a, "r%d", w->rev);

	doc_put_str(a, d, "rev", doc_get_str(req, "rev", head));
	doc_put_str(a, d, "config", w->config);
	return d;
}

static struct doc *world_edit(struct world *w, struct arena *a,
			      const struct doc *req, int *code,
			      const char **err)
{
	struct doc *d = doc_map(a);
	const char *head;

	if (w->faster > 0) {
		w->faster--;
		w->rev++;
	}
	head = arena_printf(a, "r%d", w->rev);
	if (strcmp(doc_get_str(req, "base", ""), head) != 0) {
		*code = CLI_CONFLICT;
		*err = "the head has moved on";
		doc_put_str(a, d, "head", head);
		doc_put_str(a, d, "base", doc_get_str(req, "base", ""));
		return d;
	}
	snprintf(w->kept, sizeof(w->kept), "%s",
		 doc_get_str(req, "config", ""));
	w->config = w->kept;
	w->rev++;
	return world_config(w, a, NULL);
}

static struct doc *world_answer(struct fake_agent *f, struct arena *a,
				const char *op, const struct doc *req,
				int *code, const char **err)
{
	struct world *w = f->data;
	struct doc *d = doc_map(a);

	if (w->refuse && strcmp(op, w->refuse) == 0) {
		*code = w->code;
		*err = "refused by the test";
		return NULL;
	}
	if (strcmp(op, "ping") == 0) {
		doc_put_str(a, d, "node", w->node ? w->node : "hv1");
		doc_put_str(a, d, "level", w->level ? w->level : "hypervisor");
		doc_put_str(a, d, "version", "0.1.0");
	} else if (strcmp(op, "svc_config") == 0) {
		return world_config(w, a, req);
	} else if (strcmp(op, "svc_edit") == 0 ||
		   strcmp(op, "svc_create") == 0) {
		if (strcmp(op, "svc_create") == 0)
			doc_put_str(a, (struct doc *)req, "base",
				    arena_printf(a, "r%d", w->rev));
		return world_edit(w, a, req, code, err);
	} else if (strcmp(op, "svc_act") == 0) {
		doc_put_int(a, d, "act", 4);
	} else if (strcmp(op, "svc_intent") == 0) {
		doc_put_int(a, d, "seq", 7);
	} else if (strcmp(op, "status") == 0) {
		const char *text = w->status[w->n_status];

		if (w->n_status < 3 && w->status[w->n_status + 1])
			w->n_status++;
		return text ? doctext(a, text) : d;
	} else if (strcmp(op, "events") == 0) {
		doc_put_str(a, d, "cursor", "here");
		doc_put(a, d, "events", doc_list(a));
	} else if (strcmp(op, "watch") == 0) {
		doc_put_str(a, d, "cursor", "further");
		doc_put(a, d, "events",
			doctext(a, w->events ? w->events : "[]"));
		w->events = NULL;
	}
	return d;
}

/* Runs @line against @w; *ret_asked is what the agent was asked. */
static struct ran world_run(struct world *w, const char *line, char **ret_asked)
{
	if (!w->config)
		w->config = sample;
	return cli_run_asking(world_answer, w, line, ret_asked);
}

/* -- codes --------------------------------------------------------- */

/* Every command that asks says why it was refused, and exits with the code. */
static const struct code_row {
	const char *name, *op;
} codes[] = {
	{ "encap delete web", "svc_delete" },
	{ "encap freeze web", "svc_freeze" },
	{ "encap thaw web", "svc_thaw" },
	{ "encap clear web", "svc_clear" },
	{ "encap cluster disarm --for 1m", "cluster_disarm" },
	{ "encap cluster arm", "cluster_arm" },
	{ "encap start web --emergency --yes", "svc_emergency" },
	{ "encap maintenance on web", "maintenance" },
	{ "encap start web", "svc_intent" },
	{ "encap stop web --no-wait", "svc_intent" },
	{ "encap restart web", "status" },
	{ "encap move web hv2", "svc_intent" },
	{ "encap status", "svc_ls" },
	{ "encap status web", "status" },
	{ "encap config web", "svc_config" },
	{ "encap get web app#1.comment", "svc_config" },
	{ "encap set web app#1.comment=x", "svc_config" },
	{ "encap set web app#1.comment=x --if-rev r0", "svc_edit" },
	{ "encap unset web app#1.comment --if-rev r0", "svc_edit" },
	{ "encap events", "events" },
	{ "encap events -f", "watch" },
	{ "encap log web", "events" },
	{ "encap node ls", "node_ls" },
	{ "encap node freeze hv1", "node_freeze" },
	{ "encap node thaw hv1", "node_thaw" },
	{ "encap node drain hv1", "node_drain" },
	{ "encap node undrain hv1", "node_undrain" },
	{ "encap cluster init", "cluster_init" },
	{ "encap cluster token", "cluster_token" },
	{ "encap cluster join T hv1", "cluster_join" },
	{ "encap cluster status", "cluster_status" },
};

static void codes_are_passed_on(void **state)
{
	static const int all[] = { CLI_FAILED,	 CLI_USAGE,	CLI_NOT_FOUND,
				   CLI_CONFLICT, CLI_NO_QUORUM, CLI_TIMEOUT };
	const struct code_row *row = *state;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct world w = { .refuse = row->op, .code = all[i] };
		char *asked;
		struct ran r = world_run(&w, row->name, &asked);

		assert_int_equal(r.code, all[i]);
		says(r.err, "refused by the test");
		assert_string_equal(r.out, "");
		ran_free(&r);
		free(asked);
	}
}

/* -- start, stop and their levels ------------------------------------------ */

#define UP                                                                     \
	"{ intent: { seq: 7, want: started }, instances: {"                    \
	"  hv1: { avail: up, state: idle } } }"
#define DOWN                                                                   \
	"{ intent: { seq: 7, want: stopped }, instances: {"                    \
	"  hv1: { avail: down, state: idle } } }"
#define FAILED                                                                 \
	"{ intent: { seq: 7, want: started }, instances: { hv1: {"             \
	" avail: down, state: 'start failed', error: 'fs#1: no' } } }"
#define INSIDE                                                                 \
	"{ intent: { seq: 7 }, level: encap, instances: {"                     \
	"  vm1: { avail: down, state: idle } } }"

// clang-format off
static const struct intent_row {
	const char *name, *line, *level, *status[3], *asked;
	int code;
	const char *err;
} intents[] = {
	{ "start", "encap start web", NULL, { DOWN, DOWN, UP },
	  "\"want\": \"started\", \"level\": \"both\", \"by\"", CLI_DONE, "" },
	{ "stop", "encap stop web", NULL, { UP, UP, DOWN },
	  "\"want\": \"stopped\", \"level\": \"both\"", CLI_DONE, "" },
	{ "restart", "encap restart web --no-wait", NULL, { UP },
	  "\"want\": \"restart\", \"level\": \"both\"", CLI_DONE, "" },
	{ "move", "encap move web hv1", NULL, { DOWN, UP },
	  "\"level\": \"both\", \"node\": \"hv1\"", CLI_DONE, "" },
	{ "--master", "encap start web --master --no-wait", NULL, { DOWN },
	  "\"level\": \"hypervisor\", \"by\"", CLI_DONE, "" },
	{ "--slaves", "encap start web --slaves --no-wait", NULL, { DOWN },
	  "\"level\": \"encap\", \"by\"", CLI_DONE, "" },
	{ "--slave", "encap start web --slave vm1,vm2 --no-wait", NULL, { DOWN },
	  "\"level\": \"encap\", \"slave\": [\"vm1\", \"vm2\"]", CLI_DONE, "" },
	{ "--slave twice", "encap start web --slave vm1 --slave=vm2 --no-wait", NULL, { DOWN },
	  "\"slave\": [\"vm1\", \"vm2\"]", CLI_DONE, "" },
	{ "--master --slave", "encap start web --master --slave vm1 --no-wait", NULL, { DOWN },
	  "\"level\": \"both\", \"slave\": [\"vm1\"]", CLI_DONE, "" },
	{ "in a container it is the container's", "encap stop web", "encap", { INSIDE },
	  "\"level\": \"encap\", \"slave\": [\"vm1\"]", CLI_DONE, "" },
	{ "in a container flags do not count", "encap stop web --master", "encap", { INSIDE },
	  "\"level\": \"encap\", \"slave\": [\"vm1\"]", CLI_DONE, "" },
	{ "svcmgr start", "svcmgr -s web start --slaves --no-wait", NULL, { DOWN },
	  "\"want\": \"started\", \"level\": \"encap\"", CLI_DONE, "" },
	{ "svcmgr, the service behind", "svcmgr stop -s web", NULL, { UP, DOWN },
	  "\"want\": \"stopped\"", CLI_DONE, "" },
	{ "svcmgr switch --to", "svcmgr -s web switch --to hv1", NULL, { DOWN, UP },
	  "\"node\": \"hv1\"", CLI_DONE, "" },
	{ "as a word of encap", "encap svcmgr -s web start --no-wait", NULL, { DOWN },
	  "\"tool\": \"svcmgr start\"", CLI_DONE, "" },

	{ "a failure ends the wait", "encap start web", NULL, { DOWN, DOWN, FAILED },
	  "svc_intent", CLI_FAILED, "hv1: start failed: fs#1: no" },
	{ "too late", "encap start web --timeout 30ms", NULL, { DOWN },
	  "svc_intent", CLI_TIMEOUT, "not done after 30ms" },
	{ "both --slaves and --slave", "encap start web --slaves --slave vm1", NULL, { DOWN },
	  "ping", CLI_USAGE, "only one of the two" },
	{ "--slave of nothing", "encap start web --slave ,", NULL, { DOWN },
	  "ping", CLI_USAGE, "names no container" },
	{ "--wait and --no-wait", "encap start web --wait --no-wait", NULL, { DOWN },
	  "", CLI_USAGE, "exclude each other" },
	{ "no time", "encap start web --timeout soon", NULL, { DOWN },
	  "", CLI_USAGE, "'soon' is no time" },
};
// clang-format on

static void intent_is_sent(void **state)
{
	const struct intent_row *row = *state;
	struct world w = { .level = row->level };
	char *asked;
	struct ran r;

	w.node = row->level ? "vm1" : "hv1";
	for (size_t i = 0; i < 3; i++)
		w.status[i] = row->status[i];
	r = world_run(&w, row->line, &asked);
	says(r.err, row->err);
	assert_int_equal(r.code, row->code);
	says(asked, row->asked);
	ran_free(&r);
	free(asked);
}

static void the_wait_says_what_is_done(void **state)
{
	struct world w = {
		.status = { DOWN, DOWN, UP },
		.events = "[ { kind: action, node: hv1, rid: fs#1,"
			  "    text: 'start: began' },"
			  "  { kind: state, node: hv1, text: idle },"
			  "  { kind: action, node: vm1, rid: app#1,"
			  "    text: 'start: done' } ]",
	};
	char *asked;
	struct ran r = world_run(&w, "encap start web", &asked);

	(void)state;
	assert_int_equal(r.code, CLI_DONE);
	assert_string_equal(r.err, "  hv1        fs#1           start: began\n"
				   "  vm1        app#1          start: done\n");
	/* The events are read from where they were before the intent. */
	says(asked, "\"op\": \"watch\", \"name\": \"web\", "
		    "\"cursor\": \"here\"");
	ran_free(&r);
	free(asked);
}

/* -- a part of a service --------------------------------------------------- */

#define LEVEL_FIRST "specify either --master, --slave(s) or both "
#define ACTS(rest)  "\"op\": \"svc_act\", \"name\": \"web\", " rest

static const struct partial_row {
	const char *name, *line, *level, *config;
	int code;
	const char *err, *asked;
} partials[] = {
	{ "two levels and no flag", "svcmgr -s web startip", NULL, sample,
	  CLI_USAGE, LEVEL_FIRST "(startip)", "" },
	{ "two levels and no flag, encap", "encap stop web --rid fs#1", NULL,
	  sample, CLI_USAGE, LEVEL_FIRST "(stop)", "" },
	{ "with --master", "svcmgr -s web stopfs --master", NULL, sample,
	  CLI_DONE, "",
	  ACTS("\"action\": \"stop\", \"level\": \"hypervisor\", \"rid\": "
	       "\"volume,disk,fs\"") },
	{ "with --slaves", "svcmgr -s web startapp --slaves", NULL, sample,
	  CLI_DONE, "",
	  ACTS("\"action\": \"start\", \"level\": \"encap\", \"rid\": "
	       "\"app\"") },
	{ "with both", "svcmgr -s web umount --master --slave vm1", NULL,
	  sample, CLI_DONE, "",
	  ACTS("\"action\": \"stop\", \"level\": \"both\", \"rid\": \"fs\", "
	       "\"slave\": [\"vm1\"]") },
	{ "standby is a class of both", "svcmgr -s web startstandby", NULL,
	  sample, CLI_DONE, "",
	  ACTS("\"action\": \"start\", \"level\": \"both\", \"standby\": "
	       "true") },
	{ "one level only", "svcmgr -s web startcontainer", NULL, plain,
	  CLI_DONE, "",
	  ACTS("\"action\": \"start\", \"level\": \"hypervisor\", \"rid\": "
	       "\"container\"") },
	{ "a provision is of both", "encap provision web", NULL, sample,
	  CLI_DONE, "",
	  ACTS("\"action\": \"provision\", \"level\": \"both\", \"by\"") },
	{ "a provision of some", "encap provision web --rid fs", NULL, sample,
	  CLI_USAGE, LEVEL_FIRST "(provision)", "" },
	{ "a provision of some, somewhere",
	  "encap provision web --rid fs --master --node hv2", NULL, sample,
	  CLI_DONE, "",
	  ACTS("\"action\": \"provision\", \"level\": \"hypervisor\", "
	       "\"rid\": \"fs\", \"node\": \"hv2\"") },
	{ "an unprovision that nobody agrees to", "encap unprovision web", NULL,
	  sample, CLI_USAGE, "nobody is there to be asked", "" },
	{ "an unprovision", "encap unprovision web --yes", NULL, sample,
	  CLI_DONE, "",
	  ACTS("\"action\": \"unprovision\", \"level\": \"both\", "
	       "\"by\"") },
	{ "an unprovision, older", "svcmgr -s web unprovision --yes", NULL,
	  sample, CLI_DONE, "",
	  ACTS("\"action\": \"unprovision\", \"level\": \"both\", "
	       "\"stop\": true") },
	{ "purge", "svcmgr -s web purge --yes", NULL, sample, CLI_DONE, "",
	  ACTS("\"action\": \"unprovision\", \"level\": \"both\", "
	       "\"stop\": true") },
	{ "--stop is for an unprovision", "encap delete web --stop", NULL,
	  sample, CLI_USAGE, "--stop is for --unprovision", "" },
	{ "in a container", "svcmgr -s web umount", "encap", sample, CLI_DONE,
	  "",
	  ACTS("\"action\": \"stop\", \"level\": \"encap\", \"rid\": "
	       "\"fs\"") },
	{ "all words, on another node",
	  "encap restart web --rid fs#1 --tags a+b --subsets x --upto app "
	  "--downto ip --node hv2",
	  NULL, plain, CLI_DONE, "",
	  ACTS("\"action\": \"restart\", \"level\": \"hypervisor\", \"rid\": "
	       "\"fs#1\", \"tags\": \"a+b\", \"subsets\": \"x\", \"upto\": "
	       "\"app\", \"downto\": \"ip\", \"node\": \"hv2\"") },
	{ "all of them, and some",
	  "encap start web --rid fs --slaves --slave x", NULL, sample,
	  CLI_USAGE, "only one of the two", "" },
	{ "--slave of nothing", "encap stop web --rid fs --slave ,", NULL,
	  sample, CLI_USAGE, "names no container", "" },
};

/* It is carried out on hv1: there are no others to wait for. */
static void partial_is_asked(void **state)
{
	const struct partial_row *row = *state;
	struct world w = { .level = row->level, .config = row->config };
	char *asked;
	struct ran r = world_run(&w, row->line, &asked);

	assert_int_equal(r.code, row->code);
	says(r.err, row->err);
	says(asked, row->asked);
	if (!*row->asked)
		assert_null(strstr(asked, "svc_act"));
	assert_null(strstr(asked, "svc_intent"));
	ran_free(&r);
	free(asked);
}

/* -- the env file ---------------------------------------------------------- */

static const struct conf_row {
	const char *name, *line;
	int code;
	const char *out, *err;
	const char *config; /* a part of it afterwards; NULL: as before */
} confs[] = {
	{ "set a key", "encap set web app#1.comment=hello", CLI_DONE, "r1\n",
	  "", "comment = hello\n" },
	{ "set scoped, and two at once",
	  "encap set web app#1.comment@hv2=a fs#1.optional=true", CLI_DONE,
	  "r1\n", "", "comment@hv2 = a\n" },
	{ "append a word", "encap set web nodes+=hv3", CLI_DONE, "r1\n", "",
	  "nodes = hv1 hv2 hv3\n" },
	{ "remove a word", "encap set web DEFAULT.nodes-=hv2", CLI_DONE, "r1\n",
	  "", "nodes = hv1\n" },
	{ "svcmgr with --param",
	  "svcmgr -s web set --param app#1.comment --value hello", CLI_DONE,
	  "r1\n", "", "comment = hello\n" },
	{ "what is so already is no edit", "encap set web fs#1.type=flag",
	  CLI_DONE, "r0\n", "", NULL },
	{ "no assignment", "encap set web app#1.comment", CLI_USAGE, "",
	  "app#1.comment", NULL },
	{ "not valid", "encap set web fs#1.type=ext4", CLI_FAILED, "",
	  "nothing was changed", NULL },
	{ "based on another revision",
	  "encap set web app#1.comment=x --if-rev r9", CLI_CONFLICT, "",
	  "the head has moved on", NULL },
	{ "unset", "encap unset web app#1.comment@vm1", CLI_DONE, "r1\n", "",
	  "encap = true\ncomment = outside\n" },
	{ "unset what is not set", "encap unset web app#1.start", CLI_NOT_FOUND,
	  "", "app#1.start is not set", NULL },
	{ "set in each section of a group", "encap set web fs.tags^=x",
	  CLI_DONE, "r1\n", "", "[fs#1]\ntype = flag\ntags = x\n" },
	{ "set in a group without sections", "encap set web disk.tags=x",
	  CLI_USAGE, "", "for all sections of the group disk", NULL },
	{ "unset a section", "encap unset web app#1", CLI_DONE, "r1\n", "",
	  "[fs#1]\ntype = flag\n" },
	{ "get of a group", "encap get web fs.type", CLI_DONE, "flag\n", "",
	  NULL },
	{ "get of a group what none has", "encap get web fs.mnt", CLI_NOT_FOUND,
	  "", "web: fs.mnt is not set", NULL },
	{ "get as JSON", "encap get web fs#1.type -o json", CLI_DONE,
	  "{\n  \"fs#1.type\": \"flag\"\n}\n", "", NULL },
	{ "get", "encap get web app#1.comment", CLI_DONE, "outside\n", "",
	  NULL },
	{ "get a scoped key", "encap get web app#1.comment@vm1", CLI_DONE,
	  "inside\n", "", NULL },
	{ "get two", "encap get web nodes app#1.comment", CLI_DONE,
	  "nodes=hv1 hv2\napp#1.comment=outside\n", "", NULL },
	{ "get for a node that is not there",
	  "encap get web app#1.comment --as vm9", CLI_NOT_FOUND, "",
	  "vm9 is in none of nodes, drpnodes and encapnodes of web", NULL },
	{ "get evaluated for a node", "encap get web app#1.comment --as vm1",
	  CLI_DONE, "inside\n", "", NULL },
	{ "get evaluated here", "encap get web fs#1.type --eval", CLI_DONE,
	  "flag\n", "", NULL },
	{ "get what is not set", "encap get web nodes app#1.start",
	  CLI_NOT_FOUND, "nodes=hv1 hv2\n", "web: app#1.start is not set",
	  NULL },
	{ "config", "encap config web", CLI_DONE, sample, "", NULL },
	{ "print config", "svcmgr -s web print config", CLI_DONE, sample, "",
	  NULL },
};

static void config_is(void **state)
{
	const struct conf_row *row = *state;
	struct world w = { 0 };
	char *asked;
	struct ran r = world_run(&w, row->line, &asked);

	says(r.err, row->err);
	assert_int_equal(r.code, row->code);
	assert_string_equal(r.out, row->out);
	if (row->config)
		says(w.config, row->config);
	else
		assert_string_equal(w.config, sample);
	ran_free(&r);
	free(asked);
}

static void config_evaluated_is_for_that_node(void **state)
{
	struct world w = { 0 };
	char *asked;
	struct ran r =
		world_run(&w, "encap config web --eval --as vm1", &asked);

	(void)state;
	assert_int_equal(r.code, CLI_DONE);
	says(r.out, "[app#1]\n");
	says(r.out, "comment = inside\n");
	ran_free(&r);
	free(asked);
	r = world_run(&w, "encap config web --as vm1 -o json", &asked);
	assert_int_equal(r.code, CLI_DONE);
	says(r.out, "\"comment\": \"inside\"");
	ran_free(&r);
	free(asked);
}

static void why_names_the_lines(void **state)
{
	static const char *const lines[] = {
		"encap config web --why --as vm1",
		"encap get web app#1.comment --why --as vm1",
	};
	struct world w = { 0 };
	struct ran r;
	char *asked;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		r = world_run(&w, lines[i], &asked);
		assert_int_equal(r.code, CLI_DONE);
		says(r.out, "comment = inside\n    # web.conf:");
		says(r.out, "comment@vm1: this is vm1\n");
		says(r.out, "comment = outside: @vm1 comes first\n");
		ran_free(&r);
		free(asked);
	}
	r = world_run(&w, "encap config web --why --as vm1 -o json", &asked);
	assert_int_equal(r.code, CLI_DONE);
	says(r.out, "\"why\": \"this is vm1\"");
	ran_free(&r);
	free(asked);
	r = world_run(&w, "encap get web app#1.comment@vm1 --why", &asked);
	assert_int_equal(r.code, CLI_USAGE);
	ran_free(&r);
	free(asked);
}

static void set_is_computed_again_when_another_edit_was_faster(void **state)
{
	struct world w = { .faster = 2 };
	char *asked;
	struct ran r =
		world_run(&w, "encap set web DEFAULT.nodes+=hv3", &asked);

	(void)state;
	assert_int_equal(r.code, CLI_DONE);
	assert_string_equal(r.out, "r3\n");
	says(asked, "\"base\": \"r0\"");
	says(asked, "\"base\": \"r1\"");
	says(asked, "\"base\": \"r2\"");
	says(asked, "\"strict\": true");
	ran_free(&r);
	free(asked);
}

/* What a value shall be is said once: the group merges, or it is a conflict. */
static void a_plain_set_is_sent_once(void **state)
{
	struct world w = { .faster = 1 };
	char *asked;
	struct ran r = world_run(&w, "encap set web app#1.comment=x", &asked);

	(void)state;
	assert_int_equal(r.code, CLI_CONFLICT);
	says(asked, "\"base\": \"r0\"");
	assert_null(strstr(asked, "\"base\": \"r1\""));
	assert_null(strstr(asked, "strict"));
	ran_free(&r);
	free(asked);
}

static void create_sends_the_file(void **state)
{
	char path[] = "/tmp/encap-cli-XXXXXX", line[128];
	struct world w = { 0 };
	struct ran r;
	char *asked;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, plain, strlen(plain)), strlen(plain));
	snprintf(line, sizeof(line), "encap create web --config %s", path);
	r = world_run(&w, line, &asked);
	assert_int_equal(r.code, CLI_DONE);
	assert_string_equal(w.config, plain);
	ran_free(&r);
	free(asked);

	/* What is wrong with it is said with file and line. */
	assert_int_equal(write(fd, "[nonsense#1]\n", 13), 13);
	r = world_run(&w, line, &asked);
	assert_int_equal(r.code, CLI_FAILED);
	says(r.err, path);
	says(r.err, ":6: ");
	says(r.err, "nothing was created");
	assert_string_equal(asked, "");
	ran_free(&r);
	free(asked);
	close(fd);
	unlink(path);

	r = world_run(&w, line, &asked);
	assert_int_equal(r.code, CLI_FAILED);
	says(r.err, "No such file");
	ran_free(&r);
	free(asked);
}

/* -- the editor ------------------------------------------------------------ */

static struct ran edit_with(struct world *w, const char *editor)
{
	char *asked;
	struct ran r;

	setenv("VISUAL", editor, 1);
	r = world_run(w, "encap edit web", &asked);
	unsetenv("VISUAL");
	free(asked);
	return r;
}

/* The path after "kept in ", its file's content checked and removed. */
static void assert_kept(const char *said, const char *part)
{
	const char *at = strstr(said, "your text is kept in ");
	char path[256], text[4096];
	size_t n;
	FILE *f;

	assert_non_null(at);
	assert_int_equal(sscanf(at, "your text is kept in %255s", path), 1);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	says(text, part);
	unlink(path);
}

static void an_edit_is_sent_and_its_file_removed(void **state)
{
	struct world w = { 0 };
	struct ran r = edit_with(&w, "sed -i s/outside/changed/");

	(void)state;
	assert_string_equal(r.err, "~ app#1.comment = outside -> changed\n");
	assert_int_equal(r.code, CLI_DONE);
	assert_string_equal(r.out, "r1\n");
	says(w.config, "comment = changed\n");
	ran_free(&r);
}

static void an_edit_that_changes_nothing_says_so(void **state)
{
	struct world w = { 0 };
	struct ran r = edit_with(&w, "true");

	(void)state;
	assert_int_equal(r.code, CLI_DONE);
	assert_string_equal(r.err, "web: unchanged\n");
	assert_int_equal(w.rev, 0);
	ran_free(&r);
}

static void an_edit_that_is_not_valid_is_kept(void **state)
{
	struct world w = { 0 };
	struct ran r = edit_with(&w, "sed -i s/flag/nonsense/");

	(void)state;
	assert_int_equal(r.code, CLI_FAILED);
	says(r.err, "not valid; nothing was changed");
	assert_kept(r.err, "type = nonsense");
	assert_int_equal(w.rev, 0);
	ran_free(&r);
}

static void an_edit_that_was_overtaken_is_kept(void **state)
{
	struct world w = { .faster = 1 };
	struct ran r = edit_with(&w, "sed -i s/outside/changed/");

	(void)state;
	assert_int_equal(r.code, CLI_CONFLICT);
	says(r.err, "the head has moved on");
	assert_kept(r.err, "comment = changed");
	assert_string_equal(w.config, sample);
	ran_free(&r);
}

static void an_editor_that_fails_or_is_missing_is_named(void **state)
{
	struct world w = { 0 };
	struct ran r = edit_with(&w, "false");

	(void)state;
	assert_int_equal(r.code, CLI_FAILED);
	says(r.err, "the editor 'false' ended with status 1");
	assert_kept(r.err, "comment = outside");
	ran_free(&r);
	r = edit_with(&w, "/nowhere/editor");
	assert_int_equal(r.code, CLI_FAILED);
	says(r.err, "'/nowhere/editor' was not found");
	assert_kept(r.err, "comment = outside");
	ran_free(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_wait_says_what_is_done),
		cmocka_unit_test(config_evaluated_is_for_that_node),
		cmocka_unit_test(why_names_the_lines),
		cmocka_unit_test(
			set_is_computed_again_when_another_edit_was_faster),
		cmocka_unit_test(a_plain_set_is_sent_once),
		cmocka_unit_test(create_sends_the_file),
		cmocka_unit_test(an_edit_is_sent_and_its_file_removed),
		cmocka_unit_test(an_edit_that_changes_nothing_says_so),
		cmocka_unit_test(an_edit_that_is_not_valid_is_kept),
		cmocka_unit_test(an_edit_that_was_overtaken_is_kept),
		cmocka_unit_test(an_editor_that_fails_or_is_missing_is_named),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(codes, codes_are_passed_on);
	failed += TABLE_RUN(intents, intent_is_sent);
	failed += TABLE_RUN(partials, partial_is_asked);
	failed += TABLE_RUN(confs, config_is);
	return failed != 0;
}
