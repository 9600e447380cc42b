/* Secrets open with their own key, in their own place, unchanged; else not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "cluster/net/pki.h"
#include "cluster/net/seal.h"
#include "tests/unit/store/tmpdir.h"

static const unsigned char nonce[12] = "a nonce here";

static void test_there_and_back(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct seal_key k = { "0123456789abcdef0123456789abcde" };
	const char *values[] = { "", "x", "a longer value\nof two lines" };
	const char *got;
	size_t len;
	struct err err;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct doc *d = seal_shut(a, &k, "web", "password", nonce,
					  values[i], strlen(values[i]));

		assert_int_equal(seal_open(a, &k, "web", "password", d, &got,
					   &len, &err),
				 0);
		assert_int_equal(len, strlen(values[i]));
		assert_string_equal(got, values[i]);
		assert_int_equal(d->str.len, strlen(values[i]) + 29);
	}
}

static void test_what_does_not_open(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct seal_key k = { "0123456789abcdef0123456789abcde" };
	struct seal_key other = k;
	struct doc *d = seal_shut(a, &k, "web", "password", nonce, "hello", 5);
	const char *got;
	size_t len;
	struct err err;

	(void)state;
	other.bytes[31] ^= 1;
	assert_int_equal(
		seal_open(a, &other, "web", "password", d, &got, &len, &err),
		-EBADMSG);
	assert_non_null(strstr(err.text, "encap secret set web password"));
	assert_int_equal(
		seal_open(a, &k, "db", "password", d, &got, &len, &err),
		-EBADMSG);
	assert_int_equal(seal_open(a, &k, "web", "pass", d, &got, &len, &err),
			 -EBADMSG);
	/* Neither part may take letters from the other. */
	assert_int_equal(
		seal_open(a, &k, "we", "bpassword", d, &got, &len, &err),
		-EBADMSG);
	for (size_t i = 0; i < d->str.len; i++) {
		struct doc *bad = doc_bin(a, d->str.data, d->str.len);

		((char *)bad->str.data)[i] ^= 4;
		assert_int_equal(seal_open(a, &k, "web", "password", bad, &got,
					   &len, &err),
				 -EBADMSG);
	}
	for (size_t n = 0; n < d->str.len; n++)
		assert_int_equal(seal_open(a, &k, "web", "password",
					   doc_bin(a, d->str.data, n), &got,
					   &len, &err),
				 -EBADMSG);
	assert_int_equal(
		seal_open(a, &k, "web", "password", NULL, &got, &len, &err),
		-EBADMSG);
}

static void test_keys(void **state)
{
	struct seal_key one, again, of_other_id, web, db;
	struct tmpdir t;
	struct err err;

	(void)state;
	tmpdir_make(&t);
	assert_int_equal(pki_init(t.path, "0011223344556677", "hv1", &err), 0);
	assert_int_equal(
		seal_cluster_key(t.path, "0011223344556677", &one, &err), 0);
	assert_int_equal(
		seal_cluster_key(t.path, "0011223344556677", &again, &err), 0);
	assert_memory_equal(&one, &again, sizeof(one));
	assert_int_equal(seal_cluster_key(t.path, "other", &of_other_id, &err),
			 0);
	assert_memory_not_equal(&one, &of_other_id, sizeof(one));
	seal_service_key(&one, "web", &web);
	seal_service_key(&one, "db", &db);
	assert_memory_not_equal(&web, &db, sizeof(web));
	assert_memory_not_equal(&web, &one, sizeof(web));
	tmpdir_remove(&t);
	assert_true(seal_cluster_key("/nowhere", "x", &one, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_what_does_not_open),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
