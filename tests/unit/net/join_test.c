/*
 * The joiner's side, against real links. join_ask() blocks, so it runs on a
 * thread, and the loop of the member that it asks in the test's own.
 */
#include "cluster/net/join.h"

#include <errno.h>
#include <stdatomic.h>

#include "tests/unit/net/rig.h"

#define CLUSTER "joined"
#define SOON	6000

/* -- token ---------------------------------------------------------------- */

#define PRINT  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef"

static void a_token_is_what_it_was_made_of(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *text, *hash, *other, *other_hash;
	struct join_token t;
	struct err err;

	(void)state;
	assert_int_equal(join_token_new(a, "c-1", PRINT, &text, &hash, &err),
			 0);
	assert_int_equal(
		join_token_parse(a, arena_printf(a, " %s\n", text), &t, &err),
		0);
	assert_string_equal(t.cluster_id, "c-1");
	assert_string_equal(t.fingerprint, PRINT);
	assert_string_equal(join_secret_hash(a, t.secret), hash);
	assert_int_equal(strlen(hash), 64);
	assert_null(strstr(text, hash));
	assert_int_equal(
		join_token_new(a, "c-1", PRINT, &other, &other_hash, &err), 0);
	assert_string_not_equal(text, other);
	/* FIPS 180-2, appendix B.1 */
	assert_string_equal(join_secret_hash(a, "abc"),
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb"
			    "410ff61f20015ad");
	assert_int_equal(join_token_new(a, "a.b", PRINT, &text, &hash, &err),
			 -EINVAL);
	assert_int_equal(join_token_new(a, "c-1", "x", &text, &hash, &err),
			 -EINVAL);
}

static const struct token_row {
	const char *name, *text, *why;
} token_rows[] = {
	{ "empty", "", "no join token" },
	{ "a word", "hello", "no join token" },
	{ "another version", "encap2.c." PRINT "." SECRET, "no join token" },
	{ "three parts", "encap1.c." PRINT, "no join token" },
	{ "five parts", "encap1.c." PRINT "." SECRET ".x", "no join token" },
	{ "no cluster", "encap1.." PRINT "." SECRET, "damaged" },
	{ "a cluster with a blank", "encap1.a b." PRINT "." SECRET, "damaged" },
	{ "a short fingerprint", "encap1.c.0123." SECRET, "damaged" },
	{ "cut", "encap1.c." PRINT ".0123456789abc", "damaged" },
	{ "too long", "encap1.c." PRINT "." SECRET "0", "damaged" },
	{ "capitals",
	  "encap1.c." PRINT ".0123456789ABCDEF0123456789abcdef0123456789abcdef",
	  "damaged" },
};

static void token_row(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct token_row *row = *state;
	struct join_token t;
	struct err err;

	assert_int_equal(join_token_parse(a, row->text, &t, &err), -EINVAL);
	assert_non_null(strstr(err.text, row->why));
	assert_non_null(strstr(err.text, "encap cluster token"));
}

static void endless_text_is_no_token(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	char *text = arena_alloc(a, 100001);
	struct join_token t;

	(void)state;
	memset(text, '.', 100000);
	assert_int_equal(join_token_parse(a, text, &t, NULL), -EINVAL);
}

/* -- asking --------------------------------------------------------------- */

struct asker {
	struct arena *arena;
	struct join_token token;
	const char *addresses[4];
	struct doc *request;
	int timeout_ms;
	int rc;
	struct doc *answer;
	struct err err;
	atomic_bool done;
};

static void asker_run(void *arg)
{
	struct asker *q = arg;

	q->rc = join_ask(q->arena, &q->token, q->addresses, q->request,
			 q->timeout_ms, &q->answer, &q->err);
	q->done = true;
}

/* A member, and how it answers. */
struct member {
	struct node node;
	uv_loop_t loop;
	const char *dir; /* signs with this authority */
	int code;	 /* of the answer; 0: let in */
	bool hang_up, silent, later;
	uv_timer_t timer;
	struct arena *kept;
	struct doc *answer;
};

static struct doc *admit(struct member *m, struct arena *a, struct doc *q)
{
	struct doc *d = doc_map(a);
	const char *cert, *ca, *ca_key;
	struct err err = { 0 };

	doc_put_int(a, d, "code", m->code);
	if (m->code) {
		doc_put_str(a, d, "err", "no");
		return d;
	}
	if (pki_sign(a, m->dir, CLUSTER, doc_get_str(q, "csr", ""),
		     doc_get_str(q, "name", ""), &cert, &err) ||
	    pki_read(a, m->dir, "ca.pem", &ca, &err) ||
	    pki_read(a, m->dir, "ca.key", &ca_key, &err))
		fail_msg("%s", err.text);
	doc_put_int(a, d, "id", 2);
	doc_put_str(a, d, "cert", cert);
	doc_put_str(a, d, "ca", ca);
	doc_put_str(a, d, "ca_key", ca_key);
	return d;
}

static void on_later(uv_timer_t *t)
{
	struct member *m = t->data;

	links_answer(m->node.links, m->node.asked, m->kept, m->answer);
}

static void on_question(void *data, uint64_t who, struct arena *a,
			struct doc *q)
{
	struct member *m = data; /* begins with the node */

	m->node.questions++;
	m->node.asked = who;
	assert_string_equal(doc_get_str(q, "k", ""), "join");
	if (m->silent)
		return;
	if (m->hang_up) {
		conn_end(m->node.links->conns);
		return;
	}
	if (!m->later) {
		links_answer(m->node.links, who, a, admit(m, a, q));
		return;
	}
	m->answer = admit(m, m->kept, q);
	uv_timer_start(&m->timer, on_later, 100, 0);
}

static void member_open(struct member *m, const char *pki)
{
	struct links_options o;
	struct err err;

	memset(m, 0, sizeof(*m));
	m->kept = arena_new();
	m->dir = rig_path(m->kept, CLUSTER "-hv1");
	m->node.id = 1;
	uv_loop_init(&m->loop);
	uv_timer_init(&m->loop, &m->timer);
	m->timer.data = m;
	o = node_options(m->kept, &m->loop, &m->node, pki);
	o.on_stranger = on_question;
	if (links_open(&m->node.links, &o, &err))
		fail_msg("%s", err.text);
}

static void member_close(struct member *m)
{
	uv_close((uv_handle_t *)&m->timer, NULL);
	node_close(&m->node);
	rig_loop_end(&m->loop);
	arena_free(m->kept);
}

static struct asker asker_for(const struct member *m, struct arena *a)
{
	struct asker q = { .arena = a, .timeout_ms = 3000 };
	const char *csr, *ca;

	pki_request(a, rig_path(a, "joiner"), "hv2", &csr, NULL);
	pki_read(a, rig_path(a, CLUSTER "-hv1"), "ca.pem", &ca, NULL);
	pki_fingerprint(a, ca, &q.token.fingerprint, NULL);
	q.token.cluster_id = CLUSTER;
	q.token.secret = SECRET;
	q.addresses[0] =
		arena_printf(a, "127.0.0.1:%u", links_port(m->node.links));
	q.request = doc_map(a);
	doc_put_str(a, q.request, "k", "join");
	doc_put_int(a, q.request, "v", 1);
	doc_put_str(a, q.request, "token", SECRET);
	doc_put_str(a, q.request, "name", "hv2");
	doc_put_str(a, q.request, "csr", csr);
	return q;
}

static void ask(struct member *m, struct asker *q)
{
	uv_thread_t thread;

	assert_int_equal(uv_thread_create(&thread, asker_run, q), 0);
	RIG_UNTIL(&m->loop, SOON, q->done);
	uv_thread_join(&thread);
	if (q->rc == 0)
		assert_non_null(q->answer);
	else
		assert_int_not_equal(strlen(q->err.text), 0);
}

static void a_joiner_gets_what_it_needs(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();

	(void)state;
	for (int later = 0; later < 2; later++) {
		struct member m;
		struct asker q;
		SSL_CTX *ctx;

		member_open(&m, CLUSTER);
		m.later = later;
		q = asker_for(&m, a);
		ask(&m, &q);
		assert_int_equal(q.rc, 0);
		assert_int_equal(doc_get_int(q.answer, "code", -1), 0);
		assert_int_equal(doc_get_int(q.answer, "id", 0), 2);
		assert_int_equal(
			pki_install(rig_path(a, "joiner"),
				    doc_get_str(q.answer, "ca", ""),
				    doc_get_str(q.answer, "ca_key", ""),
				    doc_get_str(q.answer, "cert", ""), &q.err),
			0);
		ctx = tls_context(rig_path(a, "joiner"), false, NULL);
		assert_non_null(ctx);
		SSL_CTX_free(ctx);
		assert_int_equal(m.node.questions, 1);
		member_close(&m);
	}
}

static void a_refusal_is_an_answer(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct member m;
	struct asker q;

	(void)state;
	member_open(&m, CLUSTER);
	m.code = 1;
	q = asker_for(&m, a);
	q.addresses[1] = q.addresses[0]; /* not asked again */
	ask(&m, &q);
	assert_int_equal(q.rc, 0);
	assert_int_equal(doc_get_int(q.answer, "code", -1), 1);
	assert_int_equal(m.node.questions, 1);
	member_close(&m);
}

static void addresses_are_asked_in_turn(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct member m;
	struct asker q;

	(void)state;
	member_open(&m, CLUSTER);
	q = asker_for(&m, a);
	q.addresses[2] = q.addresses[0];
	q.addresses[0] = "no address";
	q.addresses[1] = "127.0.0.1:1";
	ask(&m, &q);
	assert_int_equal(q.rc, 0);
	assert_int_equal(doc_get_int(q.answer, "code", -1), 0);
	/* A member without a quorum: whoever comes next is asked. */
	q = asker_for(&m, a);
	q.addresses[1] = q.addresses[0];
	q.addresses[2] = "127.0.0.1:1";
	m.code = 5;
	ask(&m, &q);
	assert_int_equal(q.rc, 0);
	assert_int_equal(doc_get_int(q.answer, "code", -1), 5);
	assert_int_equal(m.node.questions, 3);
	member_close(&m);
}

static void the_secret_is_told_to_members_of_the_cluster_only(void **state)
{
	static const struct {
		const char *pki, *cluster_id, *text;
	} rows[] = {
		{ "stranger", CLUSTER, "no member of the cluster" },
		{ CLUSTER, "another", "of another cluster" },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		SCOPED(arena) struct arena *a = arena_new();
		struct member m;
		struct asker q;

		member_open(&m, rows[i].pki);
		q = asker_for(&m, a);
		q.token.cluster_id = rows[i].cluster_id;
		ask(&m, &q);
		assert_int_equal(q.rc, -EPERM);
		assert_non_null(strstr(q.err.text, rows[i].text));
		assert_int_equal(m.node.questions, 0);
		member_close(&m);
	}
}

static void an_answer_with_another_authority_is_refused(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct member m;
	struct asker q;

	(void)state;
	member_open(&m, CLUSTER);
	m.dir = rig_path(a, "stranger-hv1");
	q = asker_for(&m, a);
	ask(&m, &q);
	assert_int_equal(q.rc, -EPERM);
	assert_non_null(strstr(q.err.text, "another authority"));
	member_close(&m);
}

static void a_question_without_answer_is_not_asked_twice(void **state)
{
	(void)state;
	for (int how = 0; how < 2; how++) {
		SCOPED(arena) struct arena *a = arena_new();
		uint64_t began = uv_hrtime();
		struct member m;
		struct asker q;

		member_open(&m, CLUSTER);
		m.hang_up = how == 0;
		m.silent = how == 1;
		q = asker_for(&m, a);
		q.addresses[1] = q.addresses[0];
		q.timeout_ms = 400;
		ask(&m, &q);
		assert_int_equal(q.rc, how ? -ETIMEDOUT : -ECONNRESET);
		assert_non_null(strstr(q.err.text, "is not known"));
		assert_int_equal(m.node.questions, 1);
		assert_true(uv_hrtime() - began < 2000000000u);
		member_close(&m);
	}
}

static void who_never_answers_is_given_up_in_time(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct sockaddr_in mute = { .sin_family = AF_INET,
				    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(mute);
	uint64_t began;
	struct member m;
	struct asker q;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&mute, sizeof(mute)), 0);
	assert_int_equal(listen(fd, 5), 0);
	getsockname(fd, (struct sockaddr *)&mute, &len);
	member_open(&m, CLUSTER);
	q = asker_for(&m, a);
	q.addresses[0] = arena_printf(a, "127.0.0.1:%u", ntohs(mute.sin_port));
	q.timeout_ms = 400;
	began = uv_hrtime();
	ask(&m, &q);
	assert_int_equal(q.rc, -ETIMEDOUT);
	assert_null(strstr(q.err.text, "is not known"));
	assert_in_range((uv_hrtime() - began) / 1000000, 350, 2000);
	/* It costs its share of the time, and the next one is asked. */
	q = asker_for(&m, a);
	q.addresses[1] = q.addresses[0];
	q.addresses[0] = arena_printf(a, "127.0.0.1:%u", ntohs(mute.sin_port));
	q.timeout_ms = 1000;
	ask(&m, &q);
	assert_int_equal(q.rc, 0);
	member_close(&m);
	close(fd);
}

static void what_cannot_be_asked_is_said(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct member m;
	struct asker q;
	char *big = arena_alloc(a, LINK_MAX_STRANGER + 1);

	(void)state;
	member_open(&m, CLUSTER);
	q = asker_for(&m, a);
	q.addresses[0] = NULL;
	ask(&m, &q);
	assert_int_equal(q.rc, -EINVAL);
	q = asker_for(&m, a);
	q.addresses[0] = "127.0.0.1:1";
	ask(&m, &q);
	assert_int_equal(q.rc, -ECONNREFUSED);
	assert_non_null(strstr(q.err.text, "127.0.0.1:1 cannot be reached"));
	q = asker_for(&m, a);
	memset(big, 'x', LINK_MAX_STRANGER);
	doc_put_str(a, q.request, "csr", big);
	ask(&m, &q);
	assert_int_equal(q.rc, -EMSGSIZE);
	assert_int_equal(m.node.questions, 0);
	member_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_what_it_was_made_of),
		cmocka_unit_test(endless_text_is_no_token),
		cmocka_unit_test(a_joiner_gets_what_it_needs),
		cmocka_unit_test(a_refusal_is_an_answer),
		cmocka_unit_test(addresses_are_asked_in_turn),
		cmocka_unit_test(
			the_secret_is_told_to_members_of_the_cluster_only),
		cmocka_unit_test(an_answer_with_another_authority_is_refused),
		cmocka_unit_test(a_question_without_answer_is_not_asked_twice),
		cmocka_unit_test(who_never_answers_is_given_up_in_time),
		cmocka_unit_test(what_cannot_be_asked_is_said),
	};
	int failed;

	if (rig_begin(NULL))
		return 1;
	rig_cluster(CLUSTER, 1);
	rig_cluster("stranger", 1);
	cmocka_set_test_filter(getenv("T"));
	failed = cmocka_run_group_tests_name("join", tests, NULL, NULL);
	failed += TABLE_RUN(token_rows, token_row);
	return failed + (rig_end(NULL) != 0);
}
