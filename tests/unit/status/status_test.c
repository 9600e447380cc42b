#include "fsm/status/status.h"

#include <string.h>

#include "tests/unit/cli/doctext.h"

#define UP	   STATUS_UP
#define DOWN	   STATUS_DOWN
#define WARN	   STATUS_WARN
#define NA	   STATUS_NA
#define UNDEF	   STATUS_UNDEF
#define STDBY_UP   STATUS_STDBY_UP
#define STDBY_DOWN STATUS_STDBY_DOWN
#define SUU	   STATUS_SUU
#define SUD	   STATUS_SUD

/* -- the algebra ------------------------------------------------------- */

static void merging_is_commutative_idempotent_with_identities(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STATUS_N; i++) {
		enum status a = (enum status)i;

		assert_int_equal(status_merge(a, a), a);
		assert_int_equal(status_merge(a, UNDEF), a);
		assert_int_equal(status_merge(a, NA), a == UNDEF ? NA : a);
		assert_int_equal(status_merge(a, WARN), WARN);
		for (unsigned j = 0; j < STATUS_N; j++)
			assert_int_equal(status_merge(a, (enum status)j),
					 status_merge((enum status)j, a));
	}
}

static void merging_is_associative_over_all_triples(void **state)
{
	(void)state;
	for (unsigned n = 0; n < STATUS_N * STATUS_N * STATUS_N; n++) {
		enum status a = (enum status)(n % STATUS_N);
		enum status b = (enum status)(n / STATUS_N % STATUS_N);
		enum status c = (enum status)(n / STATUS_N / STATUS_N);

		assert_int_equal(status_merge(status_merge(a, b), c),
				 status_merge(a, status_merge(b, c)));
	}
}

static void merging_gives_the_documented_words(void **state)
{
	static const enum status rows[][3] = {
		{ UP, DOWN, WARN },
		{ UP, STDBY_UP, SUU },
		{ UP, STDBY_DOWN, WARN },
		{ UP, SUU, SUU },
		{ UP, SUD, WARN },
		{ DOWN, STDBY_UP, SUD },
		{ DOWN, STDBY_DOWN, STDBY_DOWN },
		{ DOWN, SUU, WARN },
		{ DOWN, SUD, SUD },
		{ STDBY_UP, STDBY_DOWN, WARN },
		{ STDBY_UP, SUU, SUU },
		{ STDBY_UP, SUD, SUD },
		{ STDBY_DOWN, SUU, WARN },
		{ STDBY_DOWN, SUD, WARN },
		{ SUU, SUD, WARN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(status_merge(rows[i][0], rows[i][1]),
				 rows[i][2]);
}

static void names_are_read_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STATUS_N; i++) {
		enum status s = (enum status)i;

		assert_int_equal(status_parse(status_name(s)), status_shown(s));
	}
	assert_int_equal(status_parse("na"), NA);
	assert_int_equal(status_parse("sideways"), UNDEF);
	assert_int_equal(status_parse(NULL), UNDEF);
	assert_string_equal(status_name((enum status)77), "undef");
}

/* -- an instance ------------------------------------------------------- */

#define RES(r, g, t) .rid = r, .group = g, .type = t, .subset = ""
#define IP	     RES("ip#1", "ip", "host")
#define FS	     RES("fs#1", "fs", "ext4")
#define DISK	     RES("disk#1", "disk", "loop")
#define SYNC	     RES("sync#1", "sync", "rsync"), .optional = true
#define APP	     RES("app#1", "app", "simple"), .encap = true

#define FOUND(s, l, t)                                                         \
	{                                                                      \
		.status = s, .label = l, .log = t                              \
	}

/* One or two resources, what was found of each, and what that makes. */
// clang-format off
static const struct instance_row {
	const char *name;
	enum level level;
	struct resource res[2];
	struct probe found[2];
	const char *avail, *overall, *optional, *group; /* of res[0] */
} instances[] = {
	{ "no resource is n/a",			LEVEL_HYPERVISOR,
	  { { 0 } }, { { 0 } }, "n/a", "n/a", "n/a", NULL },
	{ "all up is up",			LEVEL_HYPERVISOR,
	  { { IP }, { FS } }, { FOUND(UP, "", ""), FOUND(UP, "", "") },
	  "up", "up", "n/a", "up" },
	{ "one down is a warning",		LEVEL_HYPERVISOR,
	  { { IP }, { FS } }, { FOUND(UP, "", ""), FOUND(DOWN, "", "") },
	  "warn", "warn", "n/a", "up" },
	{ "optional counts for overall alone",	LEVEL_HYPERVISOR,
	  { { IP }, { FS, .optional = true } }, { FOUND(UP, "", ""), FOUND(DOWN, "", "") },
	  "up", "warn", "down", "up" },
	{ "disabled does not count",		LEVEL_HYPERVISOR,
	  { { IP, .disable = true }, { FS } }, { FOUND(DOWN, "", "error: no device"), FOUND(UP, "", "") },
	  "up", "up", "n/a", "n/a" },
	{ "nostatus does not count",		LEVEL_HYPERVISOR,
	  { { IP, .nostatus = true }, { FS } }, { FOUND(DOWN, "", ""), FOUND(UP, "", "") },
	  "up", "up", "n/a", "n/a" },
	{ "a warning logged warns overall",	LEVEL_HYPERVISOR,
	  { { IP } }, { FOUND(UP, "", "info: fine\nwarn: not so fine") },
	  "up", "warn", "n/a", "up" },
	{ "an info logged does not",		LEVEL_HYPERVISOR,
	  { { IP } }, { FOUND(UP, "", "info: fine") },
	  "up", "up", "n/a", "up" },
	{ "standby up beside up is up",		LEVEL_HYPERVISOR,
	  { { DISK, .standby = true }, { FS } }, { FOUND(UP, "", ""), FOUND(UP, "", "") },
	  "up", "up", "n/a", "up" },
	{ "standby up beside down is stdby up",	LEVEL_HYPERVISOR,
	  { { DISK, .standby = true }, { FS } }, { FOUND(UP, "", ""), FOUND(DOWN, "", "") },
	  "stdby up", "stdby up", "n/a", "stdby up" },
	{ "standby down is said",		LEVEL_HYPERVISOR,
	  { { DISK, .standby = true } }, { FOUND(DOWN, "", "") },
	  "stdby down", "stdby down", "n/a", "stdby down" },
	{ "a sync that is up says nothing",	LEVEL_HYPERVISOR,
	  { { SYNC } }, { FOUND(UP, "", "") },
	  "n/a", "n/a", "n/a", "n/a" },
	{ "a sync that is late warns",		LEVEL_HYPERVISOR,
	  { { SYNC }, { FS } }, { FOUND(DOWN, "", ""), FOUND(UP, "", "") },
	  "up", "warn", "warn", "warn" },
	{ "a sync is none of avail, optional or not", LEVEL_HYPERVISOR,
	  { { RES("sync#1", "sync", "rsync") }, { FS } }, { FOUND(DOWN, "", ""), FOUND(UP, "", "") },
	  "up", "warn", "warn", "warn" },
	{ "nor is a task",			LEVEL_HYPERVISOR,
	  { { RES("task#1", "task", "host") }, { FS } }, { FOUND(DOWN, "", ""), FOUND(UP, "", "") },
	  "up", "warn", "down", "down" },
	{ "nor is a heartbeat",			LEVEL_HYPERVISOR,
	  { { RES("hb#1", "hb", "x") }, { FS } }, { FOUND(DOWN, "", ""), FOUND(UP, "", "") },
	  "up", "warn", "down", "down" },
	{ "noaction counts as optional",	LEVEL_HYPERVISOR,
	  { { IP, .noaction = true, .optional = true }, { FS } }, { FOUND(DOWN, "", ""), FOUND(UP, "", "") },
	  "up", "warn", "down", "down" },
	{ "not looked at yet is undef",		LEVEL_HYPERVISOR,
	  { { IP } }, { FOUND(UNDEF, "", "") },
	  "undef", "undef", "n/a", "undef" },
	{ "what runs inside is not judged",	LEVEL_HYPERVISOR,
	  { { APP }, { FS } }, { FOUND(DOWN, "", "error: not mine"), FOUND(UP, "", "") },
	  "up", "up", "n/a", NULL },
	{ "inside it is like any other",	LEVEL_ENCAP,
	  { { APP } }, { FOUND(DOWN, "", "") },
	  "down", "down", "n/a", "down" },
};
// clang-format on

static void instance_gives(void **state)
{
	const struct instance_row *r = *state;
	SCOPED(arena) struct arena *a = arena_new();
	struct resource res[2] = { r->res[0], r->res[1] };
	struct instance inst = { .service = "web",
				 .node = "hv1",
				 .level = r->level,
				 .res = res,
				 .n = !!res[0].rid + !!res[1].rid };
	struct doc *d = instance_status(a, &inst, r->found);
	const struct doc *groups = doc_get(d, "status_group");

	assert_string_equal(doc_get_str(d, "avail", ""), r->avail);
	assert_string_equal(doc_get_str(d, "overall", ""), r->overall);
	assert_string_equal(doc_get_str(d, "optional", ""), r->optional);
	if (r->group)
		assert_string_equal(doc_get_str(groups, res[0].group, ""),
				    r->group);
	else if (inst.n)
		assert_null(doc_get(groups, res[0].group));
}

static const char *json_of(struct arena *a, const struct doc *d)
{
	struct buf b = BUF(a);

	doc_json(&b, d, 0);
	return buf_text(&b);
}

/* What may be taken for the document of an instance. */
static const struct sound_row {
	const char *name, *text;
	bool sound;
} sounds[] = {
	{ "nothing in it", "{}", true },
	{ "what is usual",
	  "{ avail: up, resources: { fs#1: { status: up } },"
	  "  status_group: { fs: up }, subsets: { 'fs:s': { } },"
	  "  encap: { container#0: { resources: { app#1: { } } } },"
	  "  running: [fs#1], drafts: [], held: [] }",
	  true },
	{ "of a container, for scripts", "{ encap: true }", true },
	{ "a list", "[]", false },
	{ "resources in a list", "{ resources: [ { } ] }", false },
	{ "a resource that is a word", "{ resources: { fs#1: up } }", false },
	{ "subsets in a list", "{ subsets: [ { } ] }", false },
	{ "groups in a list", "{ status_group: [up] }", false },
	{ "a group that is a map", "{ status_group: { fs: { } } }", false },
	{ "containers in a list", "{ encap: [ { } ] }", false },
	{ "a container that is a word", "{ encap: { a: up } }", false },
	{ "what is wrong in a container", "{ encap: { a: { resources: [] } } }",
	  false },
	{ "a container in a container", "{ encap: { a: { encap: { } } } }",
	  false },
	{ "running that is a word", "{ running: fs#1 }", false },
	{ "drafts that are a map", "{ drafts: { } }", false },
	{ "held that is a number", "{ held: 1 }", false },
};

static void document_is_sound(void **state)
{
	const struct sound_row *r = *state;
	SCOPED(arena) struct arena *a = arena_new();

	assert_int_equal(instance_is_sound(doctext(a, r->text)), r->sound);
}

static void no_document_is_not_sound(void **state)
{
	(void)state;
	assert_false(instance_is_sound(NULL));
}

static void subsets_are_named_with_their_group(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct resource res = { FS };
	struct probe probe = FOUND(UP, "", "");
	struct subset subsets[] = {
		{ .group = "fs", .name = "s1", .parallel = true },
		{ .group = "fs", .name = "s2" },
		{ .group = "app", .name = "", .parallel = true },
	};
	struct instance inst = { .service = "web",
				 .node = "hv1",
				 .res = &res,
				 .n = 1,
				 .subsets = subsets,
				 .n_subsets = 3 };
	const struct doc *d = instance_status(a, &inst, &probe);

	(void)state;
	assert_string_equal(json_of(a, doc_get(d, "subsets")),
			    "{\"fs:s1\": {\"parallel\": true}, "
			    "\"fs:s2\": {\"parallel\": false}}");
	inst.n_subsets = 0;
	assert_null(doc_get(instance_status(a, &inst, &probe), "subsets"));
}

static void an_instance_is_written_without_what_is_false(void **state)
{
	static const char *const words[] = { "encap", "web" };
	SCOPED(arena) struct arena *a = arena_new();
	struct resource res[] = {
		{ RES("ip#2", "ip", "host"), .monitor = true },
		{ .rid = "app",
		  .group = "app",
		  .type = "",
		  .subset = "s1",
		  .encap = true,
		  .tags = { (const char **)words, 2 } },
	};
	struct probe probes[] = {
		FOUND(UP, "10.0.0.2@lo", "info: a\nwarn: b"),
		FOUND(UP, "never read", "error: never read"),
	};
	struct instance inst = { .service = "web",
				 .node = "hv1",
				 .level = LEVEL_HYPERVISOR,
				 .res = res,
				 .n = 2 };

	(void)state;
	assert_string_equal(
		json_of(a, instance_status(a, &inst, probes)),
		"{\"node\": \"hv1\", \"level\": \"hypervisor\", "
		"\"avail\": \"up\", \"overall\": \"warn\", "
		"\"optional\": \"n/a\", \"provisioned\": \"n/a\", "
		"\"status_group\": {\"ip\": \"up\"}, \"resources\": {"
		"\"ip#2\": {\"status\": \"up\", "
		"\"type\": \"ip.host\", \"label\": \"10.0.0.2@lo\", "
		"\"log\": [\"info: a\", \"warn: b\"], "
		"\"monitor\": true}, "
		"\"app\": {\"status\": \"undef\", \"type\": \"app\", "
		"\"encap\": true, \"tags\": [\"encap\", \"web\"], "
		"\"subset\": \"s1\"}}}");
}

/* -- folding ----------------------------------------------------------- */

static struct doc *host_doc(struct arena *a, const char *avail)
{
	struct doc *d = doc_map(a),
		   *rows = doc_put(a, d, "resources", doc_map(a));
	struct doc *own = doc_put(a, rows, "fs#1", doc_map(a));
	struct doc *app = doc_put(a, rows, "app#1", doc_map(a));

	doc_put_str(a, d, "avail", avail);
	doc_put_str(a, d, "overall", avail);
	doc_put_str(a, own, "status", avail);
	doc_put_str(a, app, "status", "undef");
	doc_put_bool(a, app, "encap", true);
	return d;
}

static struct doc *inner_doc(struct arena *a, const char *avail)
{
	struct doc *d = doc_map(a),
		   *rows = doc_put(a, d, "resources", doc_map(a));
	struct doc *app = doc_put(a, rows, "app#1", doc_map(a));
	struct doc *other = doc_put(a, rows, "fs#1", doc_map(a));

	doc_put_str(a, d, "avail", avail);
	doc_put_str(a, d, "overall", avail);
	doc_put_str(a, app, "status", avail);
	doc_put_str(a, app, "label", "httpd");
	doc_add(a, doc_put(a, app, "log", doc_list(a)),
		doc_str(a, "info: no checkup scripts"));
	doc_put_str(a, other, "status", "warn");
	return d;
}

static const struct fold_row {
	const char *name, *host, *inner;
	enum encap_reach reach;
	bool expected;
	const char *avail, *overall, *app;
} folds[] = {
	{ "up and up", "up", "up", ENCAP_OK, false, "up", "up", "up" },
	{ "up and down inside", "up", "down", ENCAP_OK, false, "warn", "warn",
	  "down" },
	{ "n/a outside gives way", "n/a", "up", ENCAP_OK, false, "up", "up",
	  "up" },
	{ "n/a inside gives way", "up", "n/a", ENCAP_OK, false, "up", "up",
	  "n/a" },
	{ "a container that is down warns of nothing", "down", NULL, ENCAP_DOWN,
	  false, "down", "down", "undef" },
	{ "one that boots warns", "up", NULL, ENCAP_BOOTING, false, "up",
	  "warn", "undef" },
	{ "but not on its way up", "up", NULL, ENCAP_BOOTING, true, "up", "up",
	  "undef" },
	{ "no answer warns", "up", NULL, ENCAP_UNREACHABLE, false, "up", "warn",
	  "undef" },
	{ "refused warns", "up", NULL, ENCAP_REFUSED, false, "up", "warn",
	  "undef" },
	{ "silent warns", "up", NULL, ENCAP_SILENT, false, "up", "warn",
	  "undef" },
	{ "not known warns", "undef", NULL, ENCAP_UNKNOWN, false, "undef",
	  "warn", "undef" },
	{ "outdated: what it says counts, and warns", "up", "up",
	  ENCAP_OUTDATED, false, "up", "warn", "up" },
	{ "outdated on its way: it counts", "up", "up", ENCAP_OUTDATED, true,
	  "up", "up", "up" },
	{ "old: what it said counts, and warns", "up", "up", ENCAP_OLD, false,
	  "up", "warn", "up" },
};

static void fold_gives(void **state)
{
	const struct fold_row *r = *state;
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = host_doc(a, r->host), *rows = doc_get(d, "resources");
	struct encap_fold f = {
		.rid = "container#0",
		.doc = r->inner ? inner_doc(a, r->inner) : NULL,
		.reach = r->reach,
		.since = 1000,
		.age_ms = 7,
		.expected = r->expected,
	};
	bool ok = r->reach == ENCAP_OK;
	const struct doc *folded;

	instance_fold_encap(a, d, &f);
	folded = doc_get(doc_get(d, "encap"), "container#0");
	assert_string_equal(doc_get_str(d, "avail", ""), r->avail);
	assert_string_equal(doc_get_str(d, "overall", ""), r->overall);
	assert_string_equal(doc_get_str(doc_get(rows, "app#1"), "status", ""),
			    r->app);
	/* A resource of the same name outside is another resource. */
	assert_string_equal(doc_get_str(doc_get(rows, "fs#1"), "status", ""),
			    r->host);
	assert_string_equal(doc_get_str(folded, "avail", ""),
			    r->inner ? r->inner : "n/a");
	assert_string_equal(doc_get_str(folded, "reach", ""),
			    encap_reach_word(r->reach));
	assert_string_equal(doc_get_str(folded, "why", ""),
			    ok ? "" : encap_reach_text(r->reach));
	assert_int_equal(doc_get_int(folded, "since", 0), ok ? 0 : 1000);
	assert_int_equal(doc_get_int(folded, "age_ms", 0), ok ? 0 : 7);
	if (r->inner)
		assert_string_equal(
			doc_get_str(doc_get(rows, "app#1"), "label", ""),
			"httpd");
}

static void two_containers_fold_side_by_side(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = host_doc(a, "up");
	struct encap_fold f[] = {
		{ .rid = "container#0", .doc = inner_doc(a, "up") },
		{ .rid = "container#1", .doc = inner_doc(a, "down") },
		{ .rid = "container#2",
		  .reach = ENCAP_REFUSED,
		  .detail = "its name is vm9" },
	};
	const struct doc *all;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		instance_fold_encap(a, d, &f[i]);
	all = doc_get(d, "encap");
	assert_int_equal(doc_len(all), 3);
	assert_string_equal(doc_get_str(d, "avail", ""), "warn");
	assert_string_equal(doc_get_str(doc_get(all, "container#2"), "why", ""),
			    "its agent is refused: its name is vm9");
}

/* What is known of the container and of its channel, and the word for that. */
static const struct reach_row {
	const char *name;
	struct encap_facts facts;
	enum encap_reach reach;
} reaches[] = {
	{ "down, whatever is said of it",
	  { DOWN, "up", true, false, true },
	  ENCAP_DOWN },
	{ "stdby down", { STDBY_DOWN, "down", 0, 0, 0 }, ENCAP_DOWN },
	{ "not looked at", { UNDEF, "down", 0, 0, 0 }, ENCAP_UNKNOWN },
	{ "disabled", { NA, "down", 0, 0, 0 }, ENCAP_UNKNOWN },
	{ "not looked at, but its agent is there",
	  { UNDEF, "up", true, false, true },
	  ENCAP_OK },
	{ "up, system not", { UP, "booting", true, 0, 0 }, ENCAP_BOOTING },
	{ "up, agent not",
	  { UP, "unreachable", true, 0, 0 },
	  ENCAP_UNREACHABLE },
	{ "no word of the channel",
	  { UP, NULL, true, 0, 0 },
	  ENCAP_UNREACHABLE },
	{ "refused", { UP, "refused", 0, 0, 0 }, ENCAP_REFUSED },
	{ "there, and silent", { UP, "up", false, 0, 0 }, ENCAP_SILENT },
	{ "older revision", { UP, "up", true, false, false }, ENCAP_OUTDATED },
	{ "has not looked", { UP, "up", true, true, false }, ENCAP_OLD },
	{ "all well", { WARN, "up", true, false, true }, ENCAP_OK },
	{ "standby, all well",
	  { STDBY_UP, "up", true, false, true },
	  ENCAP_OK },
};

static void facts_give(void **state)
{
	const struct reach_row *r = *state;

	assert_int_equal(encap_reach(&r->facts), r->reach);
}

static void each_reach_has_its_word_and_sentence(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ENCAP_N; i++) {
		const char *word = encap_reach_word((enum encap_reach)i);

		assert_true(*word && *encap_reach_text((enum encap_reach)i));
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(
				word, encap_reach_word((enum encap_reach)k));
	}
}

/* -- a service --------------------------------------------------------- */

/* Members on hv1, hv2, hv3: "AVAIL[/OVERALL]", "~" before one that is stale,
 * "*" before one that is frozen. */
// clang-format off
#define FO "failover"
#define FX "flex"
static const struct service_row {
	const char *name, *members, *topology, *orchestrate;
	int64_t min, max, target;
	enum status avail, overall;
	const char *placement, *frozen;
} services[] = {
	{ "no instance",			"",			FO, "ha", 0, 0, 0, NA, NA, "n/a", "n/a" },
	{ "all n/a",				"n/a,n/a",		FO, "ha", 0, 0, 0, NA, NA, "n/a", "thawed" },
	{ "one up on the first",		"up,down",		FO, "ha", 0, 0, 0, UP, UP, "optimal", "thawed" },
	{ "one up on the second",		"down,up",		FO, "ha", 0, 0, 0, UP, UP, "non-optimal", "thawed" },
	{ "no placement if not orchestrated",	"down,up",		FO, "no", 0, 0, 0, UP, UP, "n/a", "thawed" },
	{ "two up is a warning",		"up,up",		FO, "ha", 0, 0, 0, WARN, UP, "non-optimal", "thawed" },
	{ "up beside warn is up and warns",	"up,warn",		FO, "ha", 0, 0, 0, UP, WARN, "optimal", "thawed" },
	{ "up with an overall warning",		"up/warn,down",		FO, "ha", 0, 0, 0, UP, WARN, "optimal", "thawed" },
	{ "warn alone",				"warn,down",		FO, "ha", 0, 0, 0, WARN, WARN, "n/a", "thawed" },
	{ "all down",				"down,down",		FO, "ha", 0, 0, 0, DOWN, DOWN, "n/a", "thawed" },
	{ "n/a does not count beside up",	"up,n/a",		FO, "ha", 0, 0, 0, UP, UP, "optimal", "thawed" },
	{ "n/a does not count beside down",	"down,n/a,undef",	FO, "ha", 0, 0, 0, DOWN, DOWN, "n/a", "thawed" },
	{ "unknown everywhere is unknown",	"undef,n/a",		FO, "ha", 0, 0, 0, UNDEF, UNDEF, "n/a", "thawed" },
	{ "standby beside up is up",		"up,stdby up",		FO, "ha", 0, 0, 0, UP, UP, "optimal", "thawed" },
	{ "standby alone is down",		"stdby up,down",	FO, "ha", 0, 0, 0, DOWN, DOWN, "n/a", "thawed" },
	{ "standby down warns",			"up,stdby down",	FO, "ha", 0, 0, 0, UP, WARN, "optimal", "thawed" },
	{ "stale and up warns, is not counted",	"~up,up",		FO, "ha", 0, 0, 0, UP, WARN, "optimal", "thawed" },
	{ "stale and down does not warn",	"~down,up",		FO, "ha", 0, 0, 0, UP, UP, "optimal", "thawed" },
	{ "old answers are better than none",	"~up,~down",		FO, "ha", 0, 0, 0, UP, WARN, "n/a", "thawed" },
	{ "a frozen one is no better place",	"*down,up",		FO, "ha", 0, 0, 0, UP, UP, "optimal", "mixed" },
	{ "all frozen",				"*down,*up",		FO, "ha", 0, 0, 0, UP, UP, "optimal", "frozen" },
	{ "flex within its bounds",		"up,up,down",		FX, "ha", 1, 3, 2, UP, UP, "optimal", "thawed" },
	{ "flex below its minimum",		"up,down,down",		FX, "ha", 2, 3, 2, WARN, UP, "non-optimal", "thawed" },
	{ "flex above its maximum",		"up,up,up",		FX, "ha", 1, 2, 2, WARN, UP, "non-optimal", "thawed" },
	{ "flex without a maximum",		"up,up,up",		FX, "ha", 1, 0, 3, UP, UP, "optimal", "thawed" },
	{ "flex all down",			"down,down",		FX, "ha", 1, 2, 1, DOWN, DOWN, "n/a", "thawed" },
	{ "flex down with one warn",		"down,warn",		FX, "ha", 1, 2, 1, WARN, WARN, "n/a", "thawed" },
};
// clang-format on

static struct doc *members_doc(struct arena *a, const char *members)
{
	static const char *const nodes[] = { "hv1", "hv2", "hv3" };
	char *text = arena_printf(a, "%s", members), *save = NULL;
	struct doc *all = doc_map(a);
	size_t n = 0;

	for (char *w = strtok_r(text, ",", &save); w;
	     w = strtok_r(NULL, ",", &save)) {
		struct doc *d = doc_put(a, all, nodes[n++], doc_map(a));
		char *slash;

		if (*w == '~')
			doc_put_str(a, d, "stale", "node is lost");
		if (*w == '*')
			doc_put_bool(a, d, "frozen", true);
		w += *w == '~' || *w == '*';
		slash = strchr(w, '/');
		if (slash && strcmp(w, "n/a") != 0)
			*slash++ = '\0';
		else
			slash = w;
		doc_put_str(a, d, "avail", w);
		doc_put_str(a, d, "overall", slash);
	}
	return all;
}

static void service_gives(void **state)
{
	static const char *nodes[] = { "hv1", "hv2", "hv3" };
	const struct service_row *r = *state;
	SCOPED(arena) struct arena *a = arena_new();
	struct service_status s;
	struct service_conf conf = { .nodes = { nodes, 3 },
				     .topology = r->topology,
				     .orchestrate = r->orchestrate,
				     .flex_min = r->min,
				     .flex_max = r->max,
				     .flex_target = r->target };

	service_status(&conf, members_doc(a, r->members), &s);
	assert_string_equal(status_name(s.avail), status_name(r->avail));
	assert_string_equal(status_name(s.overall), status_name(r->overall));
	assert_string_equal(s.placement, r->placement);
	assert_string_equal(s.frozen, r->frozen);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			merging_is_commutative_idempotent_with_identities),
		cmocka_unit_test(merging_is_associative_over_all_triples),
		cmocka_unit_test(merging_gives_the_documented_words),
		cmocka_unit_test(names_are_read_back),
		cmocka_unit_test(an_instance_is_written_without_what_is_false),
		cmocka_unit_test(no_document_is_not_sound),
		cmocka_unit_test(subsets_are_named_with_their_group),
		cmocka_unit_test(two_containers_fold_side_by_side),
		cmocka_unit_test(each_reach_has_its_word_and_sentence),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(instances, instance_gives);
	failed += TABLE_RUN(sounds, document_is_sound);
	failed += TABLE_RUN(folds, fold_gives);
	failed += TABLE_RUN(reaches, facts_give);
	failed += TABLE_RUN(services, service_gives);
	return failed != 0;
}
