#include "cli/show/tree.h"

#include <stdio.h>

#include "cli/show/list.h"
#include "tests/unit/cli/doctext.h"

/* A status document, and the screen that it makes, to the byte. */
static const struct tree_row {
	const char *name, *self;
	unsigned width;
	const char *status, *want;
} trees[] = {
	{ "the seed's sample at the hypervisor level", "deb1", 0,
	  "{ service: deb1.opensvc.com, level: hypervisor, avail: up,"
	  "  overall: up, instances: { deb1: { avail: up, overall: up,"
	  "    state: idle, resources: {"
	  "      ip#2: { status: undef, encap: true },"
	  "      ip#1: { status: undef, encap: true },"
	  "      fs#1: { status: up, label: '/dev/mapper/data-deb1@/deb1' },"
	  "      container#0: { status: up, label: deb1 },"
	  "      app: { status: 'n/a', label: app,"
	  "             log: ['info: no checkup scripts'] } },"
	  "    encap: { container#0: { avail: up, resources: {"
	  "      ip#2: { status: up, label: '128.0.0.2@lo' },"
	  "      ip#1: { status: up, label: 'deb1@eth0' } } } } } } }",
	  "deb1.opensvc.com\n"
	  "overall                   up\n"
	  "|- avail                  up\n"
	  "|  |- container#0    .... up       deb1\n"
	  "|  |  |- ip#2        ...E up       128.0.0.2@lo\n"
	  "|  |  '- ip#1        ...E up       deb1@eth0\n"
	  "|  |- fs#1           .... up       /dev/mapper/data-deb1@/deb1\n"
	  "|  '- app            .... n/a      app\n"
	  "|                                  # no checkup scripts\n" },

	{ "in a container nothing is marked as encapsulated", "vm1", 0,
	  "{ service: deb1.opensvc.com, level: encap, overall: up,"
	  "  instances: { vm1: { level: encap, avail: up, resources: {"
	  "    ip#2: { status: up, label: '128.0.0.2@lo' },"
	  "    ip#1: { status: up, label: 'deb1@eth0' } } } } }",
	  "deb1.opensvc.com\n"
	  "overall                   up\n"
	  "|- avail                  up\n"
	  "|  |- ip#2           .... up       128.0.0.2@lo\n"
	  "|  '- ip#1           .... up       deb1@eth0\n" },

	{ "the other instances have a line each", "hv1", 0,
	  "{ service: web, overall: warn, placement: optimal, frozen: thawed,"
	  "  instances: {"
	  "    hv1: { avail: up, state: idle,"
	  "           resources: { fs#1: { status: up, label: a } } },"
	  "    hv2: { avail: down, state: idle },"
	  "    hv3: { avail: up, state: idle, stale: 'node is lost',"
	  "           age_ms: 12345 } } }",
	  "web\n"
	  "overall                   warn\n"
	  "|- avail                  up       hv1\n"
	  "|  '- fs#1           .... up       a\n"
	  "|- hv2                    down\n"
	  "'- hv3                    up       node is lost, seen 12s ago\n" },

	{ "where there is none of ours, the one that is up is shown", "hv9", 0,
	  "{ service: web, overall: up, instances: {"
	  "    hv1: { avail: down },"
	  "    hv2: { avail: up, stale: gone, age_ms: 1000 },"
	  "    hv3: { avail: up,"
	  "           resources: { fs#1: { status: up, label: a } } } } }",
	  "web\n"
	  "overall                   up\n"
	  "|- avail                  up       hv3\n"
	  "|  '- fs#1           .... up       a\n"
	  "|- hv1                    down\n"
	  "'- hv2                    up       gone, seen 1s ago\n" },

	{ "ours is shown even if it is down", "hv1", 0,
	  "{ service: web, overall: up, instances: {"
	  "    hv1: { avail: down, state: 'start failed', frozen: true,"
	  "           error: 'fs#1: mount: no such device',"
	  "           resources: { fs#1: { status: down } } },"
	  "    hv2: { avail: up } } }",
	  "web\n"
	  "overall                   up\n"
	  "|- avail                  down     hv1, start failed: fs#1: mount: "
	  "no such device, frozen\n"
	  "|  '- fs#1           .... down\n"
	  "'- hv2                    up\n" },

	{ "an agent that does not answer: its rows, and why", "hv1", 0,
	  "{ service: web, overall: warn, instances: { hv1: { avail: up,"
	  "    resources: {"
	  "      container#1: { status: up, label: vm1 },"
	  "      app#1: { status: undef, encap: true, monitor: true } },"
	  "    encap: { container#1: { avail: 'n/a',"
	  "             why: 'its agent does not answer' } } } } }",
	  "web\n"
	  "overall                   warn\n"
	  "|- avail                  up\n"
	  "|  '- container#1    .... up       vm1\n"
	  "|     |                            # its agent does not answer\n"
	  "|     '- app#1       M..E undef\n" },

	{ "what runs in a container that is down is not shown", "hv1", 0,
	  "{ service: web, overall: down, instances: { hv1: { avail: down,"
	  "    resources: {"
	  "      container#1: { status: down, label: vm1 },"
	  "      app#1: { status: undef, encap: true } },"
	  "    encap: { container#1: { avail: 'n/a',"
	  "             why: 'container is down' } } } } }",
	  "web\n"
	  "overall                   down\n"
	  "|- avail                  down\n"
	  "|  '- container#1    .... down     vm1\n" },

	{ "two containers, each with its own", "hv1", 0,
	  "{ service: web, overall: warn, instances: { hv1: { avail: warn,"
	  "    resources: {"
	  "      container#1: { status: up, label: vm1 },"
	  "      container#2: { status: up, label: vm2 },"
	  "      app#1: { status: undef, encap: true } },"
	  "    encap: {"
	  "      container#1: { resources: { app#1: { status: up } } },"
	  "      container#2: { resources: { app#1: { status: down } } } } } } "
	  "}",
	  "web\n"
	  "overall                   warn\n"
	  "|- avail                  warn\n"
	  "|  |- container#1    .... up       vm1\n"
	  "|  |  '- app#1       ...E up\n"
	  "|  '- container#2    .... up       vm2\n"
	  "|     '- app#1       ...E down\n" },

	{ "all flags, groups in their order, sync on its own branch", "hv1", 0,
	  "{ service: web, overall: up, instances: { hv1: { avail: up,"
	  "    status_group: { sync: 'n/a' }, resources: {"
	  "      ip#1: { status: up, monitor: true, label: '10.0.0.1@br0' },"
	  "      disk#1: { status: 'stdby up', optional: true },"
	  "      fs#1: { status: 'n/a', disable: true },"
	  "      sync#1: { status: up, optional: true, label: rsync },"
	  "      container#0: { status: up } } } } }",
	  "web\n"
	  "overall                   up\n"
	  "|- avail                  up\n"
	  "|  |- container#0    .... up\n"
	  "|  |- ip#1           M... up       10.0.0.1@br0\n"
	  "|  |- disk#1         ..O. stdby up\n"
	  "|  '- fs#1           .D.. n/a\n"
	  "'- sync                   n/a\n"
	  "   '- sync#1         ..O. up       rsync\n" },

	{ "what is said of the service as a whole", "hv1", 0,
	  "{ service: web, overall: down, frozen: frozen,"
	  "  placement: non-optimal, blocked: 'no node may start it',"
	  "  drafts: ['/etc/encap/services/web.conf.draft'],"
	  "  instances: { hv1: { avail: down } } }",
	  "web\n"
	  "overall                   down     frozen, non-optimal placement\n"
	  "|                                  # blocked: no node may start it\n"
	  "|                                  # draft: "
	  "/etc/encap/services/web.conf.draft\n"
	  "|- avail                  down\n" },

	{ "no instance yet", "hv1", 0, "{ service: web, overall: undef }",
	  "web\n"
	  "overall                   undef\n"
	  "|- avail                  undef\n"
	  "|                                  # no instance has reported "
	  "yet\n" },

	{ "labels and logs are wrapped in their column", "hv1", 60,
	  "{ service: web, overall: up, instances: { hv1: { avail: up,"
	  "    resources: {"
	  "      fs#1: { status: up, label: '/dev/mapper/data on /srv/www/x' },"
	  "      fs#2: { status: up, label: none,"
	  "              log: ['warn: nearly full: 1 MB are left of 2 GB'] }"
	  "    } } } }",
	  "web\n"
	  "overall                   up\n"
	  "|- avail                  up\n"
	  "|  |- fs#1           .... up       /dev/mapper/data on\n"
	  "|  |                               /srv/www/x\n"
	  "|  '- fs#2           .... up       none\n"
	  "|                                  # warn: nearly full: 1 MB\n"
	  "|                                  # are left of 2 GB\n" },

	{ "a long name moves its own row only", "hv1", 0,
	  "{ service: web, overall: up, instances: { hv1: { avail: up,"
	  "    resources: {"
	  "      app#a-very-long-index: { status: up, label: x },"
	  "      app#b: { status: up, label: y } } } } }",
	  "web\n"
	  "overall                   up\n"
	  "|- avail                  up\n"
	  "|  |- app#a-very-long-index .... up       x\n"
	  "|  '- app#b          .... up       y\n" },
};

static char *screen(const struct tree_row *r, bool colour)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct term t = { .width = r->width, .colour = colour };
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	tree_print(f, &t, a, doctext(a, r->status), r->self);
	fclose(f);
	return text;
}

static void tree_is(void **state)
{
	const struct tree_row *r = *state;
	char *text = screen(r, false);

	assert_string_equal(text, r->want);
	free(text);
}

static void colour_adds_nothing_but_escapes(void **state)
{
	const struct tree_row *r = *state;
	char *text = screen(r, true), *to = text;

	assert_non_null(strstr(text, "\033["));
	for (const char *from = text; *from; from++) {
		if (*from == '\033')
			from = strchr(from, 'm');
		else
			*to++ = *from;
	}
	*to = '\0';
	assert_string_equal(text, r->want);
	free(text);
}

/* -- lists --------------------------------------------------------------- */

static void a_line_for_each_service(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct term t = { 0 };
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	list_services(
		f, &t, a,
		doctext(a, "[ { service: web, avail: up, overall: warn,"
			   "    instances: { hv1: { avail: up },"
			   "      hv2: { avail: down, state: 'start failed',"
			   "             error: 'fs#1: no device' },"
			   "      hv3: { avail: up, stale: lost, age_ms: 180000"
			   "      } } },"
			   "  { service: a.longer.name, avail: down,"
			   "    overall: down, frozen: frozen, instances: { } }"
			   "]"));
	fclose(f);
	assert_string_equal(
		text,
		"SERVICE        AVAIL  OVERALL  ON   NOTES\n"
		"web            up     warn     hv1  hv2: start failed: fs#1: "
		"no device, hv3: lost, seen 3m ago\n"
		"a.longer.name  down   down     -    frozen\n");
	free(text);
}

static void a_cluster_with_its_nodes(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct term t = { 0 };
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	list_cluster(
		f, &t, a,
		doctext(a,
			"{ name: lab, id: ab12, lease_ms: 3000,"
			"  services: [web, db],"
			"  group: { leader: hv2, term: 5, applied: 123 },"
			"  nodes: ["
			"   { name: hv1, state: up, role: voter,"
			"     addresses: ['10.0.0.1', 'fd00::1'],"
			"     connected: true },"
			"   { name: hv2, state: up, role: voter, leader: true,"
			"     addresses: ['10.0.0.2'], frozen: true },"
			"   { name: hv3, state: lost, role: standby,"
			"     connected: false } ] }"));
	fclose(f);
	assert_string_equal(text,
			    "cluster   lab (ab12)\n"
			    "leader    hv2, term 5, applied 123\n"
			    "lease     3000 ms\n"
			    "services  2\n"
			    "\n"
			    "NODE  STATE  ROLE     ADDRESSES         SINCE  "
			    "NOTES\n"
			    "hv1   up     voter    10.0.0.1,fd00::1\n"
			    "hv2   up     voter    10.0.0.2                 "
			    "leader, frozen\n"
			    "hv3   lost   standby                           "
			    "not connected to this node\n");
	free(text);
}

static void an_event_is_one_line(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();

	(void)state;
	setenv("TZ", "UTC", 1);
	assert_string_equal(
		list_event(a, doctext(a, "{ at: 1764000000123, node: hv1,"
					 "  service: web, kind: action,"
					 "  rid: fs#1, text: started }")),
		"2025-11-24 16:00:00.123 hv1 web fs#1 action: started");
	assert_string_equal(
		list_event(a, doctext(a, "{ at: 1764000000000, service: web,"
					 "  kind: edit, text: 'app#1 changed',"
					 "  by: { user: root, node: vm1 } }")),
		"2025-11-24 16:00:00.000 web edit: app#1 changed (root on "
		"vm1)");
}

static void ages_are_short(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();

	(void)state;
	assert_string_equal(text_age(a, -5), "0ms");
	assert_string_equal(text_age(a, 999), "999ms");
	assert_string_equal(text_age(a, 119999), "119s");
	assert_string_equal(text_age(a, 120000), "2m");
	assert_string_equal(text_age(a, 7200000), "2h");
	assert_string_equal(text_age(a, 2 * 86400000), "2d");
}

static void text_is_cut_at_blanks(void **state)
{
	(void)state;
	assert_int_equal(text_fit("abc def", 0), 7);
	assert_int_equal(text_fit("abc def", 7), 7);
	assert_int_equal(text_fit("abc def", 6), 3);
	assert_int_equal(text_fit("abcdefg", 4), 4);
	assert_int_equal(text_fit("äöü x", 3), 6);
	assert_int_equal(text_width("äöü"), 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_for_each_service),
		cmocka_unit_test(a_cluster_with_its_nodes),
		cmocka_unit_test(an_event_is_one_line),
		cmocka_unit_test(ages_are_short),
		cmocka_unit_test(text_is_cut_at_blanks),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(trees, tree_is);
	failed += TABLE_RUN(trees, colour_adds_nothing_but_escapes);
	return failed != 0;
}
