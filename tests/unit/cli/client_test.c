#include "cli/client.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/unit/cli/fake_agent.h"

/* Says what was asked, so that answers can be told apart. */
static struct doc *echo(struct fake_agent *f, struct arena *a, const char *op,
			const struct doc *req, int *code, const char **err)
{
	struct doc *d = doc_map(a);

	(void)f;
	*code = (int)doc_get_int(req, "want_code", 0);
	*err = *code ? "because" : "";
	doc_put_str(a, d, "op", op);
	return d;
}

static void an_answer_comes_with_its_code(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct fake_agent f = { .answer = echo };
	struct doc *args = doc_map(a);
	struct client *c = NULL;
	struct reply r;
	int64_t id;

	(void)state;
	fake_start(&f);
	doc_put_int(a, args, "want_code", 4);
	assert_int_equal(client_open(&c, NULL, NULL), 0);
	assert_int_equal(client_send(c, "ping", NULL, &id, NULL), 0);
	assert_int_equal(client_wait(c, a, id, 5000, &r, NULL), 0);
	assert_int_equal(r.code, 0);
	assert_string_equal(r.err, "");
	assert_string_equal(doc_get_str(r.data, "op", ""), "ping");
	assert_int_equal(client_send(c, "svc_edit", args, &id, NULL), 0);
	assert_int_equal(client_wait(c, a, id, 5000, &r, NULL), 0);
	assert_int_equal(r.code, 4);
	assert_string_equal(r.err, "because");
	client_free(c);
	fake_stop(&f);
}

static void answers_in_another_order_are_told_apart(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct fake_agent f = { .answer = echo, .swapped = true };
	struct client *c = NULL;
	int64_t first, second;
	struct reply r;

	(void)state;
	fake_start(&f);
	assert_int_equal(client_open(&c, NULL, NULL), 0);
	assert_int_equal(client_send(c, "one", NULL, &first, NULL), 0);
	assert_int_equal(client_wait(c, a, first, 50, &r, NULL), CLIENT_LATE);
	assert_int_equal(client_send(c, "two", NULL, &second, NULL), 0);
	assert_int_equal(client_wait(c, a, first, 5000, &r, NULL), 0);
	assert_string_equal(doc_get_str(r.data, "op", ""), "one");
	assert_int_equal(client_wait(c, a, second, 5000, &r, NULL), 0);
	assert_string_equal(doc_get_str(r.data, "op", ""), "two");
	client_free(c);
	fake_stop(&f);
}

/* What a broken or strange agent sends, and what is said about it. */
static const struct raw_row {
	const char *name;
	const char *bytes;
	size_t len;
	int rc;
	const char *said;
} raws[] = {
	{ "a frame beyond the limit", "\xff\xff\xff\xff", 4, -EMSGSIZE,
	  "is the limit" },
	{ "a frame that is cut off", "\0\0\0\x20\x81", 5, -ECONNRESET,
	  "closed the connection" },
	{ "nothing at all", "", 0, -ECONNRESET, "closed the connection" },
	{ "no msgpack", "\0\0\0\x02\xc1\xc1", 6, -EBADMSG,
	  "the agent's answer" },
	{ "no map", "\0\0\0\x01\x01", 5, -EBADMSG, "no map with an id" },
	{ "no id", "\0\0\0\x01\x80", 5, -EBADMSG, "no map with an id" },
};

static void a_bad_answer_is_refused(void **state)
{
	const struct raw_row *row = *state;
	SCOPED(arena) struct arena *a = arena_new();
	struct fake_agent f = { .answer = echo,
				.raw = row->bytes,
				.raw_len = row->len };
	struct client *c = NULL;
	struct err err = { 0 };
	struct reply r;
	int64_t id;

	fake_start(&f);
	assert_int_equal(client_open(&c, NULL, NULL), 0);
	assert_int_equal(client_send(c, "ping", NULL, &id, NULL), 0);
	assert_int_equal(client_wait(c, a, id, 5000, &r, &err), row->rc);
	if (!strstr(err.text, row->said))
		fail_msg("'%s' does not say '%s'", err.text, row->said);
	client_free(c);
	fake_stop(&f);
}

static void nobody_there_says_what_to_do(void **state)
{
	struct err err = { 0 };
	struct client *c = NULL;

	(void)state;
	assert_int_equal(client_open(&c, "/nowhere/api.sock", &err), -ENOENT);
	assert_null(c);
	assert_non_null(strstr(err.text, "/nowhere/api.sock"));
	assert_non_null(strstr(err.text, "is encapd running?"));
}

static void a_socket_without_listener_says_so(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/encap-cli-XXXXXX";
	struct err err = { 0 };
	struct client *c = NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/s", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(client_open(&c, sa.sun_path, &err), -ECONNREFUSED);
	assert_non_null(strstr(err.text, "Connection refused"));
	close(fd);
	unlink(sa.sun_path);
	rmdir(dir);
}

static void a_path_too_long_is_said(void **state)
{
	char path[200];
	struct err err = { 0 };
	struct client *c = NULL;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(client_open(&c, path, &err), -ENAMETOOLONG);
	assert_non_null(strstr(err.text, "ENCAP_SOCKET"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_comes_with_its_code),
		cmocka_unit_test(answers_in_another_order_are_told_apart),
		cmocka_unit_test(nobody_there_says_what_to_do),
		cmocka_unit_test(a_socket_without_listener_says_so),
		cmocka_unit_test(a_path_too_long_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) +
		       TABLE_RUN(raws, a_bad_answer_is_refused) !=
	       0;
}
