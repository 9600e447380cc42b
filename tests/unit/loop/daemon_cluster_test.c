/*
 * Whole agents that meet: nodes that join, and the agent in a container, each
 * a process of its own.
 */
#include "tests/unit/loop/daemon_rig.h"

/* -- several nodes ----------------------------------------------------------
 */

static int join(struct rig *r, struct node *n, const char *token,
		const struct node *to, struct reply *reply)
{
	struct doc *args = doc_map(r->arena);
	struct doc *list =
		doc_put(r->arena, args, "addresses", doc_list(r->arena));

	doc_add(r->arena, list,
		doc_str(r->arena,
			arena_printf(r->arena, "127.0.0.1:%u", to->port)));
	doc_put_str(r->arena, args, "token", token);
	return rig_ask_doc(r, n, "cluster_join", args, reply);
}

static const char *token(struct rig *r, struct node *n)
{
	struct reply reply;

	RIG_WAIT(rig_ask(r, n, &reply, "cluster_token", NULL) == 0);
	return doc_get_str(reply.data, "token", "");
}

static void joined(struct rig *r, struct node *n, struct node *to)
{
	struct reply reply;

	rig_start(r, n);
	assert_int_equal(join(r, n, token(r, to), to, &reply), 0);
	RIG_WAIT(rig_ask(r, n, &reply, "cluster_status", NULL) == 0 &&
		 doc_get_str(doc_get(reply.data, "group"), "leader", NULL));
}

static void others_join_with_a_token(void **state)
{
	struct rig *r = *state;
	struct node *one = rig_founded(r), *two = rig_node(r, "hv2");
	struct node *late = rig_node(r, "hv3");
	struct reply reply;
	const char *t = token(r, one);

	rig_start(r, two);
	rig_start(r, late);
	assert_int_equal(join(r, two, t, one, &reply), 0);
	assert_int_not_equal(join(r, late, t, one, &reply), 0);
	assert_non_null(strstr(reply.err, "used before"));
	assert_int_equal(join(r, late, "encap1.nonsense", one, &reply), 2);
	/* One that was given up can be tried again, on the same node. */
	assert_int_equal(join(r, late, token(r, one), one, &reply), 0);
	RIG_WAIT(rig_ask(r, one, &reply, "node_ls", NULL) == 0 &&
		 doc_len(doc_get(reply.data, "nodes")) == 3);

	/* What one creates is a file on the other, and an edit there an edit
	 * here. */
	rig_with_web(r, one);
	RIG_WAIT(rig_has(two, RIG_WEB));
	RIG_WAIT(rig_has(late, RIG_WEB)); /* a member, though not named in it */
	rig_save(two, "web", RIG_EDITED);
	RIG_WAIT(rig_has(one, RIG_EDITED));
	RIG_WAIT(rig_has(late, RIG_EDITED));
	/* After a restart they find each other again. */
	assert_int_equal(rig_end(two, SIGKILL), 128 + SIGKILL);
	rig_start(r, two);
	RIG_WAIT(rig_is(r, two, "web", "hv1", "up"));
	rig_save(two, "web", RIG_WEB);
	RIG_WAIT(rig_has(one, RIG_WEB));
	/* Deleted, it goes from all of them. */
	assert_int_equal(rig_ask(r, two, NULL, "svc_intent", "name", "web",
				 "want", "stopped", NULL),
			 0);
	RIG_WAIT(rig_ask(r, two, NULL, "svc_delete", "name", "web", NULL) == 0);
	RIG_WAIT(rig_has(one, "(none)") && rig_has(two, "(none)") &&
		 rig_has(late, "(none)"));
}

static int64_t applied(struct rig *r, struct node *n)
{
	struct reply reply;

	if (rig_ask(r, n, &reply, "cluster_status", NULL) != 0)
		return -1;
	return doc_get_int(doc_get(reply.data, "group"), "applied", -1);
}

static bool is_up(struct rig *r, struct node *to_ask, size_t i)
{
	struct reply reply;
	const struct doc *nodes;

	if (rig_ask(r, to_ask, &reply, "node_ls", NULL) != 0)
		return false;
	nodes = doc_get(reply.data, "nodes");
	return doc_len(nodes) > i &&
	       strcmp(doc_get_str(doc_at(nodes, i), "state", ""), "up") == 0;
}

static bool is_quiet(struct rig *r, struct node *n)
{
	int64_t was = applied(r, n);

	usleep(300000);
	return was >= 0 && applied(r, n) == was;
}

/* Who has no good token makes nobody write, and fills no log. */
static void a_stranger_changes_nothing(void **state)
{
	struct rig *r = *state;
	struct node *one = rig_founded(r), *two = rig_node(r, "hv2");
	struct node *three = rig_node(r, "hv3");
	const char *good = token(r, one), *used = token(r, one);
	char *bad = arena_printf(r->arena, "%s", good);
	size_t len = strlen(bad);
	struct reply reply;
	int64_t before;

	memset(&bad[len - 8], bad[len - 1] == '0' ? '1' : '0', 8);
	rig_start(r, two);
	rig_start(r, three);
	assert_int_equal(join(r, three, used, one, &reply), 0);
	RIG_WAIT(is_up(r, one, 1) && is_quiet(r, one));
	before = applied(r, one);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(join(r, two, bad, one, &reply), 1);
		assert_non_null(strstr(reply.err, "not known"));
		assert_int_equal(join(r, two, used, one, &reply), 1);
		assert_non_null(strstr(reply.err, "used before"));
	}
	assert_int_equal(applied(r, one), before);
	assert_int_equal(rig_count(rig_read(one->log), "may not join"), 2);
	assert_int_equal(join(r, two, good, one, &reply), 0);
}

/* An edit without a majority waits in its file. */
static void an_edit_without_a_majority_waits(void **state)
{
	struct rig *r = *state;
	struct node *one = rig_founded(r), *two = rig_node(r, "hv2");
	struct node *three = rig_node(r, "hv3");

	joined(r, two, one);
	joined(r, three, one);
	rig_with_web(r, one);
	RIG_WAIT(rig_has(two, RIG_WEB));
	assert_int_equal(rig_end(one, SIGKILL), 128 + SIGKILL);
	assert_int_equal(rig_end(three, SIGKILL), 128 + SIGKILL);
	usleep(1500000);
	rig_save(two, "web", RIG_EDITED);
	usleep(500000);
	assert_true(rig_has(two, RIG_EDITED));
	rig_start(r, one);
	RIG_WAIT(rig_has(one, RIG_EDITED));
	rig_start(r, three);
	RIG_WAIT(rig_has(three, RIG_EDITED));
	assert_true(rig_has(two, RIG_EDITED));
}

/* -- containers ---------------------------------------------------------------
 */

#define BOX                                                                    \
	"[DEFAULT]\nnodes = hv1\nencapnodes = c1\n"                            \
	"[container#0]\ntype = sim\nname = c1\n"                               \
	"[fs#1]\ntype = flag\n[app#1]\ntype = sim\nencap = true\n"

static bool encap_is(struct rig *r, struct node *n, const char *avail)
{
	struct reply reply;
	const struct doc *d;

	if (rig_ask(r, n, &reply, "status", "name", "web", NULL) != 0)
		return false;
	d = doc_get(doc_get(reply.data, "instances"), "hv1");
	d = doc_get(doc_get(d, "encap"), "container#0");
	return strcmp(doc_get_str(d, "avail", ""), avail) == 0;
}

static void a_container_has_an_agent_of_its_own(void **state)
{
	struct rig *r = *state;
	struct node *n = rig_founded(r), *c = rig_node(r, "c1");
	struct reply reply;

	snprintf(c->channel, sizeof(c->channel),
		 "%s/channel/web/container0/sock", n->run);
	RIG_WAIT(rig_ask(r, n, NULL, "svc_create", "name", "web", "config", BOX,
			 NULL) == 0);
	rig_start(r, c); /* looks for its hypervisor's agent by itself */
	assert_int_equal(rig_ask(r, n, NULL, "svc_intent", "name", "web",
				 "want", "started", NULL),
			 0);
	RIG_WAIT(rig_is(r, n, "web", "hv1", "up"));
	RIG_WAIT(encap_is(r, n, "up"));
	RIG_WAIT(rig_is(r, c, "web", "c1", "up"));
	assert_int_equal(rig_ask(r, c, &reply, "ping", NULL), 0);
	assert_string_equal(doc_get_str(reply.data, "level", ""), "encap");
	assert_string_equal(doc_get_str(reply.data, "service", ""), "web");

	/* An edit in the container is one on the hypervisor. */
	RIG_WAIT(rig_has(c, BOX));
	rig_save(c, "web", BOX "comment = inside\n");
	RIG_WAIT(rig_has(n, BOX "comment = inside\n"));
	/* Either agent may be killed; the other one meets it again. */
	assert_int_equal(rig_end(c, SIGKILL), 128 + SIGKILL);
	rig_start(r, c);
	RIG_WAIT(encap_is(r, n, "up"));
	assert_int_equal(rig_end(n, SIGKILL), 128 + SIGKILL);
	rig_start(r, n);
	RIG_WAIT(encap_is(r, n, "up"));
	rig_save(n, "web", BOX);
	RIG_WAIT(rig_has(c, BOX));
	assert_int_equal(rig_ask(r, c, NULL, "cluster_init", "name", "x", NULL),
			 4);
	assert_int_equal(rig_ask(r, c, &reply, "cluster_token", NULL), 2);
	assert_non_null(strstr(reply.err, "this is a container"));
	assert_int_equal(rig_ask(r, c, NULL, "events", "name", "web", NULL), 0);
	assert_int_equal(rig_ask(r, c, NULL, "events", "name", "x", NULL), 3);
	assert_int_equal(rig_ask(r, n, NULL, "events", "name", "x", NULL), 3);
}

/* A container that was given another's socket is told no. */
static void a_container_of_another_name_is_refused(void **state)
{
	struct rig *r = *state;
	struct node *n = rig_founded(r), *c = rig_node(r, "c2");
	struct reply reply;

	snprintf(c->channel, sizeof(c->channel),
		 "%s/channel/web/container0/sock", n->run);
	RIG_WAIT(rig_ask(r, n, NULL, "svc_create", "name", "web", "config", BOX,
			 NULL) == 0);
	assert_int_equal(rig_ask(r, n, NULL, "svc_intent", "name", "web",
				 "want", "started", NULL),
			 0);
	rig_start(r, c);
	RIG_WAIT(strstr(rig_read(n->log), "its agent is refused") != NULL);
	usleep(1000000);
	assert_int_equal(rig_count(rig_read(n->log), "its agent is refused"),
			 1);
	assert_int_equal(rig_ask(r, c, &reply, "ping", NULL), 0);
	assert_string_equal(doc_get_str(reply.data, "level", "?"), "");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(others_join_with_a_token),
		TEST(a_stranger_changes_nothing),
		TEST(an_edit_without_a_majority_waits),
		TEST(a_container_has_an_agent_of_its_own),
		TEST(a_container_of_another_name_is_refused),
	};

	cmocka_set_test_filter(getenv("T"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
