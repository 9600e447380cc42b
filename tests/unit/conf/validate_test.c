/* What a person is told of a file: all of it, to the letter. */
#include "fsm/conf/ini.h"
#include "tests/unit/conf/confs.h"

#define HEAD "[DEFAULT]\nnodes = n1 n2\n" /* 2 lines */
#define ENCAP                                                                  \
	"[DEFAULT]\nnodes = n1 n2\nencapnodes = vm1\n[container#0]\n"          \
	"type = sim\nname = vm1\n" /* 6 lines */

#define FS_TYPES                                                               \
	"ext2 ext3 ext4 xfs btrfs bind tmpfs directory flag zfs vfat "         \
	"reiserfs jfs jfs2 ufs vxfs advfs nfs nfs4 cifs smbfs 9p shm gfs "     \
	"gfs2 ocfs2 docker"

/* "web.conf:" stands in front of each line of @says. */
static const struct row {
	const char *name, *text, *says;
} rows[] = {
	{ "all is well", ENCAP "[fs#1]\ntype = flag\nencap = true\n", "" },
	{ "the least", HEAD, "" },
	{ "all that is allowed",
	  ENCAP "[env]\nanything = goes\n[labels]\na = b\n[data]\nx@y = {x}\n"
		"[subset#fs:a]\ncomment = x\n[subset#app]\n"
		"[expose#1]\nport = 80\n[app]\ntype = sim\n",
	  "" },

	/* sections */
	{ "an unknown section", HEAD "[nonsense#1]\n",
	  "3: unknown section [nonsense#1]; expected DEFAULT, env, labels, or "
	  "a resource such as fs#1\n" },
	{ "a section nearly known", HEAD "[contaner#1]\n",
	  "3: unknown section [contaner#1]; expected DEFAULT, env, labels, or "
	  "a resource such as fs#1; did you mean container?\n" },
	{ "another case", "[default]\n" HEAD,
	  "1: unknown section [default]; expected DEFAULT, env, labels, or a "
	  "resource such as fs#1; did you mean DEFAULT?\n" },
	{ "no index", HEAD "[fs]\n",
	  "3: [fs]: an index is expected, as in [fs#1]\n" },
	{ "an empty index", HEAD "[fs#]\ntype = flag\n",
	  "3: [fs#]: expected letters, digits, '.', '-' and '_' after '#'\n" },
	{ "a strange index", HEAD "[fs#a b]\ntype = flag\n",
	  "3: [fs#a b]: expected letters, digits, '.', '-' and '_' after "
	  "'#'\n" },
	{ "a subset of nothing", HEAD "[subset#fz:a]\n",
	  "3: [subset#fz:a]: expected a group of resources after '#', as in "
	  "[subset#fs:NAME]; did you mean fs?\n" },
	{ "no driver, and none is needed",
	  HEAD "[sync#1]\ntype = drbd\nres = x\n",
	  "4: warning: [sync#1]: this version has no driver for sync.drbd; it "
	  "shows n/a, and nothing is done for it\n" },
	{ "no driver", HEAD "[share#1]\ntype = nfs\npath = /x\nopts = *(ro)\n",
	  "4: warning: [share#1]: this version has no driver for share.nfs; it "
	  "shows n/a, and a start fails there\n" },
	{ "the sync that is there by itself", HEAD "[sync#i0]\n", "" },

	/* types */
	{ "no type", HEAD "[fs#1]\n",
	  "3: fs#1.type is required; expected one of: " FS_TYPES "\n" },
	{ "an unknown type", HEAD "[fs#1]\n\ntype = etx4\n",
	  "5: fs#1.type: 'etx4' is none of: " FS_TYPES
	  "; did you mean ext4?\n" },
	{ "a type by default", HEAD "[disk#1]\n",
	  "3: warning: [disk#1]: this version has no driver for disk.vg; it "
	  "shows n/a, and a start fails there\n"
	  "3: disk#1.name is required (the volume group)\n" },
	{ "a type that another node has",
	  HEAD "[fs#1]\ntype = flag\ntype@n2 = flig\n",
	  "5: fs#1.type: 'flig' is none of: " FS_TYPES
	  "; did you mean flag?\n" },
	{ "keywords of the types that nodes see",
	  HEAD "[fs#1]\ntype = flag\ntype@n2 = bind\ndev@n2 = /x\n"
	       "mnt = /y\npath = /z\n",
	  "8: warning: fs#1.path is no keyword of fs.flag bind: it is "
	  "ignored\n" },

	/* keywords */
	{ "an unknown keyword", HEAD "[fs#1]\ntype = flag\nnonsense = 1\n",
	  "5: warning: fs#1.nonsense is no keyword of fs.flag: it is "
	  "ignored\n" },
	{ "one nearly known", HEAD "[fs#1]\ntype = flag\nmonitro = 1\n",
	  "5: warning: fs#1.monitro is no keyword of fs.flag: it is ignored; "
	  "did you mean monitor?\n" },
	{ "in DEFAULT", HEAD "orchestrat = ha\n",
	  "3: warning: DEFAULT.orchestrat is no keyword of DEFAULT: it is "
	  "ignored; did you mean orchestrate?\n" },
	{ "in a subset", HEAD "[subset#fs]\nparalel = 1\n",
	  "4: warning: subset#fs.paralel is no keyword of subset: it is "
	  "ignored; did you mean parallel?\n" },
	{ "of a resource, in DEFAULT", HEAD "mnt_opt = ro\n", "" },
	{ "an older spelling", HEAD "cluster_type = flex\n", "" },
	{ "a required keyword", HEAD "[fs#1]\ntype = bind\nmnt = /x\n",
	  "3: fs#1.dev is required (the device; for bind the directory)\n" },
	{ "all required keywords", HEAD "[ip#1]\n",
	  "3: ip#1.ipname is required (a host name or address, with /length "
	  "if wanted)\n"
	  "3: ip#1.ipdev is required (the network interface)\n" },
	{ "one that n2 has not",
	  HEAD "[fs#1]\ntype = bind\nmnt = /x\ndev@n1 = /y\n",
	  "3: fs#1.dev is required (the device; for bind the directory), and "
	  "no scope of it holds for n2\n" },
	{ "required and empty", HEAD "[fs#1]\ntype = bind\nmnt =\ndev = /y\n",
	  "5: fs#1.mnt: a value is required (the mount point)\n" },
	{ "required, from DEFAULT",
	  HEAD "dev = /y\n[fs#1]\ntype = bind\nmnt = /x\n", "" },
	{ "no nodes", "[DEFAULT]\napp = x\n",
	  "1: DEFAULT.nodes is required, without a scope: the hypervisors "
	  "that may run the service, as in nodes = hv1 hv2\n" },
	{ "an empty file", "",
	  "DEFAULT.nodes is required, without a scope: the hypervisors that "
	  "may run the service, as in nodes = hv1 hv2\n" },

	/* values */
	{ "no number", HEAD "restart = often\n",
	  "3: DEFAULT.restart: 'often' is not a number (the restarts of "
	  "resources that do not say)\n" },
	{ "no duration", HEAD "[fs#1]\ntype = flag\nstart_timeout = soon\n",
	  "5: fs#1.start_timeout: 'soon' is not a duration such as 30s, "
	  "1h30m or 500ms (how long a start may take)\n" },
	{ "inherited",
	  HEAD "stop_timeout = soon\n[fs#1]\ntype = flag\n"
	       "[fs#2]\ntype = flag\n",
	  "3: fs#1.stop_timeout: 'soon' is not a duration such as 30s, 1h30m "
	  "or 500ms (how long a stop may take)\n"
	  "3: fs#2.stop_timeout: 'soon' is not a duration such as 30s, 1h30m "
	  "or 500ms (how long a stop may take)\n" },
	{ "none of the candidates", HEAD "orchestrate = yes\n",
	  "3: DEFAULT.orchestrate: 'yes' is none of: no start ha (no: by hand; "
	  "start: once, at boot; ha: failover too)\n" },
	{ "nearly one", HEAD "topology = failovr\n",
	  "3: DEFAULT.topology: 'failovr' is none of: failover flex; did you "
	  "mean failover? (failover: up on one node; flex: on several)\n" },
	{ "a word of a list", HEAD "monitor_action = reboot crsh\n",
	  "3: DEFAULT.monitor_action: 'crsh' is none of: none reboot crash "
	  "freezestop switch; did you mean crash? (what to do when a monitored "
	  "resource stays down)\n" },
	{ "what is for later",
	  HEAD "pre_sync_all = x\n[fs#1]\ntype = flag\n"
	       "scsireserv@n1 = true\n",
	  "3: warning: DEFAULT.pre_sync_all has no effect in this version\n"
	  "6: warning: fs#1.scsireserv has no effect in this version\n" },
	{ "for one node only", HEAD "restart@n2 = x\nrestart = 1\n",
	  "3: DEFAULT.restart: 'x' is not a number (the restarts of resources "
	  "that do not say)\n" },
	{ "of a line that nobody reads", HEAD "restart = x\nrestart = 1\n",
	  "" },
	{ "nodes with commas", "[DEFAULT]\nnodes = n1,n2\n[fs]\n",
	  "2: DEFAULT.nodes: 'n1,n2' has commas: names are separated by "
	  "blanks\n"
	  "3: [fs]: an index is expected, as in [fs#1]\n" },
	{ "nodes that are no names", "[DEFAULT]\nnodes = n1 n_2\n",
	  "2: DEFAULT.nodes: node name 'n_2' is not letters, digits and '-', "
	  "in parts of at most 63 that dots separate\n" },
	{ "two lists",
	  "[DEFAULT]\nnodes = n1,n2\nencapnodes = {encapnodes}\n"
	  "drpnode = -\n",
	  "2: DEFAULT.nodes: 'n1,n2' has commas: names are separated by "
	  "blanks\n"
	  "3: DEFAULT.encapnodes: a reference cycle: DEFAULT.encapnodes -> "
	  "DEFAULT.encapnodes\n"
	  "4: DEFAULT.drpnode: node name '-' is not letters, digits and '-', "
	  "in parts of at most 63 that dots separate\n" },

	/* scopes */
	{ "a scope that is none", HEAD "app@nowhere = x\n",
	  "3: scope @nowhere: expected a node of the service or one of: nodes "
	  "drpnodes encapnodes flex_primary drp_flex_primary\n" },
	{ "nearly a scope", HEAD "app@node = x\n",
	  "3: scope @node: expected a node of the service or one of: nodes "
	  "drpnodes encapnodes flex_primary drp_flex_primary; did you mean "
	  "nodes?\n" },
	{ "nearly a node",
	  "[DEFAULT]\nnodes = hyper1 hyper2\n"
	  "app@hypr2 = x\n",
	  "3: scope @hypr2: expected a node of the service or one of: nodes "
	  "drpnodes encapnodes flex_primary drp_flex_primary; did you mean "
	  "hyper2?\n" },
	{ "in env", HEAD "[env]\nx@n3 = y\n",
	  "4: scope @n3: expected a node of the service or one of: nodes "
	  "drpnodes encapnodes flex_primary drp_flex_primary; did you mean "
	  "n1?\n" },
	{ "not to be scoped", HEAD "encapnodes@n1 = vm1\n",
	  "3: encapnodes cannot have a scope\n" },
	{ "by itself", HEAD "nodes@nodes = n1\n",
	  "3: warning: nodes@nodes has no effect: the list is not scoped by "
	  "itself\n" },
	{ "of a container and of a drpnode",
	  ENCAP "[env]\nx@vm1 = 1\nx@D1 = 2\n[DEFAULT]\ndrpnode = d1\n", "" },

	/* the two levels */
	{ "encap without encap nodes",
	  HEAD "[fs#1]\ntype = flag\nencap = true\n[fs#2]\ntype = flag\n"
	       "tags = encap\n",
	  "3: [fs#1] is an encap resource, but there are no encap nodes: name "
	  "the containers in DEFAULT.encapnodes\n"
	  "6: [fs#2] is an encap resource, but there are no encap nodes: name "
	  "the containers in DEFAULT.encapnodes\n" },
	{ "encap ones are looked at as the container",
	  ENCAP "[fs#1]\ntype = bind\nencap = true\ndev@vm1 = /x\n"
		"mnt@nodes = /y\n",
	  "7: fs#1.mnt is required (the mount point), and no scope of it holds "
	  "for vm1\n" },
	{ "others as the hypervisors",
	  ENCAP "[fs#1]\ntype = bind\ndev@encapnodes = /x\nmnt = /y\n",
	  "7: fs#1.dev is required (the device; for bind the directory), and "
	  "no scope of it holds for n1\n"
	  "7: fs#1.dev is required (the device; for bind the directory), and "
	  "no scope of it holds for n2\n" },
	{ "an encap node without a container",
	  "[DEFAULT]\nnodes = n1\nencapnodes = vm1 vm2\n[container#0]\n"
	  "type = sim\nname@n1 = vm2\n",
	  "3: warning: no container has the host name vm1, which encapnodes "
	  "holds\n" },
	{ "a name at both levels",
	  "[DEFAULT]\nnodes = n1 web\nencapnodes = WEB\n[container#0]\n"
	  "type = sim\n",
	  "3: web is in encapnodes and in nodes or drpnodes; a container and a "
	  "hypervisor cannot have one name\n" },

	/* references */
	{ "a cycle", HEAD "[env]\na = {env.b}\nb = {env.a}\n",
	  "4: env.a: env.b: a reference cycle: env.a -> env.b -> env.a\n"
	  "5: env.b: env.a: a reference cycle: env.b -> env.a -> env.b\n" },
	{ "a cycle on one node only",
	  HEAD "[env]\na = x\na@n2 = {env.b}\nb = {env.a}\n",
	  "5: env.a: env.b: a reference cycle: env.a -> env.b -> env.a\n"
	  "6: env.b: env.a: a reference cycle: env.b -> env.a -> env.b\n" },
	{ "a cycle of a resource",
	  HEAD "[fs#1]\ntype = directory\npath = /x\nuser = {user}\n",
	  "6: fs#1.user: a reference cycle: fs#1.user -> fs#1.user (its "
	  "owner)\n" },
	{ "to nothing", HEAD "[env]\na = {env.b}\nc = {fs#1.mnt}\nd = {xyz}\n",
	  "4: warning: {env.b} is not known: it stays as it is\n"
	  "5: warning: {fs#1.mnt} is not known: it stays as it is\n" },
	{ "to nothing, in a command",
	  HEAD "[app#1]\ntype = simple\nstart = a {env.b} {start}\n",
	  "5: warning: {env.b} is not known: it stays as it is\n" },
	{ "no reference at all",
	  HEAD "[app#1]\ntype = simple\nstart = awk '{print $1}' {a.b}\n", "" },

	{ "all at once, by line",
	  "[DEFAULT]\nnodes = n1\norchestrate = x\nnods = y\n[fs#1]\n"
	  "type = flog\n[what]\nk@n1 = v\nk@n9 = w\n[env]\na = {env.a}\n",
	  "3: DEFAULT.orchestrate: 'x' is none of: no start ha (no: by hand; "
	  "start: once, at boot; ha: failover too)\n"
	  "4: warning: DEFAULT.nods is no keyword of DEFAULT: it is ignored; "
	  "did you mean nodes?\n"
	  "6: fs#1.type: 'flog' is none of: " FS_TYPES "; did you mean flag?\n"
	  "7: unknown section [what]; expected DEFAULT, env, labels, or a "
	  "resource such as fs#1\n"
	  "9: scope @n9: expected a node of the service or one of: nodes "
	  "drpnodes encapnodes flex_primary drp_flex_primary; did you mean "
	  "n1?\n"
	  "11: env.a: a reference cycle: env.a -> env.a\n" },
};

/* Without "web.conf:" and "web.conf: ". */
static const char *without_name(struct arena *a, const char *text)
{
	struct buf b = BUF(a);

	while (*text) {
		size_t n = strcspn(text, "\n") + 1;

		assert_int_equal(strncmp(text, "web.conf:", 9), 0);
		buf_add(&b, text + 9 + (text[9] == ' '),
			n - 9 - (text[9] == ' '));
		text += n;
	}
	return buf_text(&b);
}

static void problems_are_told(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct row *row = *state;

	assert_string_equal(
		without_name(a, all_problems(a, row->text, strlen(row->text))),
		row->says);
}

static void a_file_is_not_changed_by_looking(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		SCOPED(arena) struct arena *a = arena_new();
		struct problems p = { .arena = a };
		struct conf *c =
			conf_parse(a, rows[i].text, strlen(rows[i].text), &p);

		assert_non_null(c);
		conf_validate(a, c, "web", &p);
		assert_string_equal(written(a, c), rows[i].text);
	}
}

/* What passes without an error can be evaluated, by every node. */
static void what_is_valid_can_be_evaluated(void **state)
{
	static const char *const nodes[] = { "n1", "n2", "vm1" };
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		SCOPED(arena) struct arena *a = arena_new();
		struct conf *c = parse(a, rows[i].text);
		struct problems p = { .arena = a };

		conf_validate(a, c, "web", &p);
		for (size_t j = 0; j < 3 && !p.fatal; j++) {
			struct err err = { 0 };
			struct instance inst;

			if (instance_eval(a, c, "web", nodes[j],
					  j < 2 ? LEVEL_HYPERVISOR
						: LEVEL_ENCAP,
					  &inst, &err) < 0)
				fail_msg("%s: %s", rows[i].name, err.text);
			assert_non_null(
				conf_eval_all(a, c, "web", nodes[j], NULL));
			n++;
		}
	}
	assert_true(n > 30);
}

static void a_large_file_is_bounded(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);

	(void)state;
	buf_puts(&b, "[DEFAULT]\nnodes =");
	for (int i = 0; i < 256; i++)
		buf_printf(&b, " n%d", i);
	for (int i = 0; i < 200; i++)
		buf_printf(&b, "\n[fs#%d]\ntype = flag", i);
	assert_string_equal(
		all_problems(a, b.data, b.len),
		"web.conf: 201 keywords in 201 sections for 256 nodes are too "
		"many\n");
}

/* References that multiply: 1 million of them are not followed. */
static void references_are_bounded(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);

	(void)state;
	buf_puts(&b, "[DEFAULT]\nnodes = n1 n2\n[env]\nk0 =\n");
	for (int i = 1; i < 31; i++)
		buf_printf(&b, "k%d = {k%d}{k%d}\n", i, i - 1, i - 1);
	assert_says(all_problems(a, b.data, b.len),
		    "the references of this file insert too much");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_not_changed_by_looking),
		cmocka_unit_test(what_is_valid_can_be_evaluated),
		cmocka_unit_test(a_large_file_is_bounded),
		cmocka_unit_test(references_are_bounded),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(rows, problems_are_told);
	return failed != 0;
}
