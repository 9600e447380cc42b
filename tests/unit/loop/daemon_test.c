/*
 * A whole agent as a process of its own: founding, a service, edits of files,
 * restarts, and when it refuses to start.
 */
#include "fsm/op/op.h"
#include "tests/unit/loop/daemon_rig.h"

static const char *state_file(const struct node *n)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/sim/web/app#1", n->run);
	return path;
}

/* -- one node -------------------------------------------------------------- */

static void a_service_runs_over_restarts_of_the_agent(void **state)
{
	struct rig *r = *state;
	struct node *n = rig_founded(r);
	struct stat was, is;

	rig_with_web(r, n);
	assert_int_equal(stat(state_file(n), &was), 0);
	assert_int_equal(rig_end(n, SIGKILL), 128 + SIGKILL);
	assert_int_equal(stat(state_file(n), &is), 0);
	rig_start(r, n);
	RIG_WAIT(rig_is(r, n, "web", "hv1", "up"));
	assert_int_equal(rig_end(n, SIGTERM), 0);
	assert_int_equal(stat(state_file(n), &is), 0);
	rig_start(r, n);
	RIG_WAIT(rig_is(r, n, "web", "hv1", "up"));
	usleep(300000);
	/* It was adopted both times, not started again. */
	assert_int_equal(stat(state_file(n), &is), 0);
	assert_int_equal(was.st_ino, is.st_ino);
	assert_int_equal(was.st_mtim.tv_nsec, is.st_mtim.tv_nsec);
	assert_int_equal(rig_count(rig_read(n->log), "start app#1"), 1);
	assert_int_equal(rig_ask(r, n, NULL, "svc_intent", "name", "web",
				 "want", "stopped", NULL),
			 0);
	RIG_WAIT(rig_is(r, n, "web", "hv1", "down"));
	assert_int_equal(stat(state_file(n), &is), -1);
}

static void an_edited_file_is_an_edit(void **state)
{
	struct rig *r = *state;
	struct node *n = rig_founded(r);
	struct reply reply;
	const struct doc *drafts;

	rig_with_web(r, n);
	RIG_WAIT(rig_has(n, RIG_WEB));
	rig_save(n, "web", RIG_EDITED);
	RIG_WAIT(strstr(rig_read(n->log), "is revision") != NULL);
	assert_int_equal(
		rig_ask(r, n, &reply, "svc_config", "name", "web", NULL), 0);
	assert_string_equal(doc_get_str(reply.data, "config", ""), RIG_EDITED);
	assert_string_equal(
		doc_get_str(doc_get(reply.data, "author"), "tool", ""), "file");
	rig_save(n, "web", "[nonsense]\n");
	RIG_WAIT(rig_has(n, RIG_EDITED));
	RIG_WAIT(rig_ask(r, n, &reply, "status", "name", "web", NULL) == 0 &&
		 doc_len(doc_get(reply.data, "drafts")) == 1);
	drafts = doc_get(reply.data, "drafts");
	assert_string_equal(doc_get_str(doc_at(drafts, 0), "path", ""),
			    "draft-1");
	assert_int_equal(rig_ask(r, n, &reply, "svc_draft", "name", "web",
				 "draft", "1", NULL),
			 0);
	assert_string_equal(doc_get_str(reply.data, "text", ""),
			    "[nonsense]\n");
	assert_string_equal(doc_get_str(reply.data, "kind", ""), "invalid");
	assert_non_null(
		strstr(doc_get_str(reply.data, "where", ""), "/web.conf"));
	/* While the agent is stopped. */
	assert_int_equal(rig_end(n, SIGKILL), 128 + SIGKILL);
	rig_save(n, "web", RIG_WEB);
	rig_start(r, n);
	RIG_WAIT(rig_ask(r, n, &reply, "svc_config", "name", "web", NULL) ==
			 0 &&
		 strcmp(doc_get_str(reply.data, "config", ""), RIG_WEB) == 0);
	assert_int_equal(doc_len(doc_get(reply.data, "parents")), 1);
	assert_true(rig_is(r, n, "web", "hv1", "up"));
}

static void deleted_it_is_gone(void **state)
{
	struct rig *r = *state;
	struct node *n = rig_founded(r);

	rig_with_web(r, n);
	RIG_WAIT(rig_has(n, RIG_WEB));
	assert_int_equal(rig_ask(r, n, NULL, "svc_delete", "name", "web", NULL),
			 4);
	assert_int_equal(rig_ask(r, n, NULL, "svc_intent", "name", "web",
				 "want", "stopped", NULL),
			 0);
	RIG_WAIT(rig_is(r, n, "web", "hv1", "down"));
	RIG_WAIT(rig_ask(r, n, NULL, "svc_delete", "name", "web", NULL) == 0);
	RIG_WAIT(rig_has(n, "(none)"));
	assert_int_equal(rig_ask(r, n, NULL, "status", "name", "web", NULL), 3);
	assert_int_equal(
		rig_ask(r, n, NULL, "svc_history", "name", "web", NULL), 3);
	assert_int_equal(rig_ask(r, n, NULL, "svc_config", "name", "web", NULL),
			 3);
	assert_int_equal(rig_ask(r, n, NULL, "svc_act", "name", "web", "action",
				 "stop", "rid", "app#1", NULL),
			 3);
	assert_int_equal(rig_ask(r, n, NULL, "audit", "name", "web", NULL), 3);
}

/* A stop of the agent does not wait for what hangs, and nothing is lost. */
static void it_ends_while_an_operation_hangs(void **state)
{
	struct rig *r = *state;
	struct node *n = rig_founded(r);
	int64_t begun;

	RIG_WAIT(rig_ask(r, n, NULL, "svc_create", "name", "web", "config",
			 "[DEFAULT]\nnodes = hv1\n"
			 "[app#1]\ntype = sim\nstart_delay = 50s\n",
			 NULL) == 0);
	assert_int_equal(rig_ask(r, n, NULL, "svc_intent", "name", "web",
				 "want", "started", NULL),
			 0);
	RIG_WAIT(rig_is(r, n, "web", "hv1", "down"));
	usleep(1000000); /* a lease, and the start is under way */
	begun = rig_now();
	assert_int_equal(rig_end(n, SIGTERM), 0);
	assert_in_range(rig_now() - begun, 1000, 8000);
	assert_non_null(strstr(rig_read(n->log), "have not ended"));
	rig_start(r, n);
	RIG_WAIT(rig_ask(r, n, NULL, "svc_config", "name", "web", NULL) == 0);
	assert_int_equal(rig_end(n, SIGKILL), 128 + SIGKILL);
}

/* -- what refuses to start ------------------------------------------------ */

static void a_second_one_is_refused(void **state)
{
	struct rig *r = *state;
	struct node *n = rig_node(r, "hv1");
	pid_t first;

	rig_start(r, n);
	first = n->pid;
	n->pid = 0;
	rig_spawn(n);
	assert_int_equal(rig_wait_exit(n), 1);
	assert_non_null(strstr(rig_read(n->log), "runs already"));
	n->pid = first;
	assert_int_equal(rig_ask(r, n, NULL, "ping", NULL), 0);
}

static void move(const struct node *n, const char *what, const char *to)
{
	char from[160], there[160];

	snprintf(from, sizeof(from), "%s/%s", n->var, what);
	snprintf(there, sizeof(there), "%s/%s", n->var, to);
	assert_int_equal(rename(from, there), 0);
}

static void a_member_without_its_log_is_refused(void **state)
{
	struct rig *r = *state;
	struct node *n = rig_founded(r);

	assert_int_equal(rig_end(n, SIGTERM), 0);
	move(n, "log", "log.lost");
	rig_spawn(n);
	assert_int_equal(rig_wait_exit(n), 1);
	assert_non_null(strstr(rig_read(n->log), "must not vote"));
}

/* The identity was on the disk, the beginning of the log was not yet. */
static void a_founding_that_was_cut_short_is_completed(void **state)
{
	struct rig *r = *state;
	struct node *n = rig_node(r, "hv1");
	struct reply reply;

	rig_start(r, n);
	assert_int_equal(rig_end(n, SIGTERM), 0);
	move(n, "log", "log.before");
	move(n, "db", "db.before");
	rig_start(r, n);
	assert_int_equal(
		rig_ask(r, n, NULL, "cluster_init", "name", "demo", NULL), 0);
	assert_int_equal(rig_end(n, SIGTERM), 0);
	move(n, "log", "log.after");
	move(n, "db", "db.after");
	move(n, "log.before", "log");
	move(n, "db.before", "db");
	rig_start(r, n);
	RIG_WAIT(rig_ask(r, n, &reply, "cluster_status", NULL) == 0 &&
		 doc_get_str(doc_get(reply.data, "group"), "leader", NULL));
	assert_string_equal(doc_get_str(reply.data, "name", ""), "demo");
}

/* Or neither the identity: then what is left over is in nobody's way. */
static void one_that_left_no_identity_can_be_repeated(void **state)
{
	struct rig *r = *state;
	struct node *n = rig_founded(r);
	struct reply reply;

	assert_int_equal(rig_end(n, SIGTERM), 0);
	move(n, "identity", "identity.lost");
	rig_start(r, n);
	assert_int_equal(
		rig_ask(r, n, NULL, "cluster_init", "name", "again", NULL), 0);
	RIG_WAIT(rig_ask(r, n, &reply, "cluster_status", NULL) == 0 &&
		 doc_get_str(doc_get(reply.data, "group"), "leader", NULL));
	assert_string_equal(doc_get_str(reply.data, "name", ""), "again");
	assert_int_equal(doc_len(doc_get(reply.data, "nodes")), 1);
}

static void a_lease_is_as_long_as_the_founder_said(void **state)
{
	struct rig *r = *state;
	struct node *n = rig_node(r, "hv1");
	struct doc *args = doc_map(r->arena);
	struct reply reply;

	rig_start(r, n);
	doc_put_int(r->arena, args, "lease_ms", 20);
	assert_int_equal(rig_ask_doc(r, n, "cluster_init", args, &reply),
			 OP_USAGE);
	assert_non_null(strstr(reply.err, "from 1 to 600 s, not 20 ms"));
	doc_put_int(r->arena, args, "lease_ms", 1500);
	assert_int_equal(rig_ask_doc(r, n, "cluster_init", args, &reply), 0);
	RIG_WAIT(rig_ask(r, n, &reply, "cluster_status", NULL) == 0 &&
		 doc_get_int(reply.data, "lease_ms", 0) == 1500);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_service_runs_over_restarts_of_the_agent),
		TEST(an_edited_file_is_an_edit),
		TEST(deleted_it_is_gone),
		TEST(it_ends_while_an_operation_hangs),
		TEST(a_second_one_is_refused),
		TEST(a_lease_is_as_long_as_the_founder_said),
		TEST(a_member_without_its_log_is_refused),
		TEST(a_founding_that_was_cut_short_is_completed),
		TEST(one_that_left_no_identity_can_be_repeated),
	};

	cmocka_set_test_filter(getenv("T"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
