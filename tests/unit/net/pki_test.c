#include "cluster/net/pki.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "tests/unit/net/rig.h"

static const char *text_of(struct arena *a, const char *dir, const char *file)
{
	const char *ret = NULL;
	struct err err = { 0 };

	if (pki_read(a, dir, file, &ret, &err))
		fail_msg("%s", err.text);
	return ret;
}

static mode_t mode_of(struct arena *a, const char *dir, const char *file)
{
	struct stat st;

	assert_int_equal(stat(arena_printf(a, "%s/%s", dir, file), &st), 0);
	return st.st_mode & 07777;
}

static void put_text(struct arena *a, const char *dir, const char *file,
		     const void *text, size_t n)
{
	int fd = open(arena_printf(a, "%s/%s", dir, file),
		      O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
}

static void assert_name(X509 *cert, int nid, const char *want)
{
	char name[TLS_NAME_MAX + 1];

	assert_true(tls_subject(cert, nid, name));
	assert_string_equal(name, want);
}

static void a_cluster_begins_with_an_authority_and_a_certificate(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *dir = rig_path(a, "first");
	X509 *ca, *cert;
	int days, secs;

	(void)state;
	rig_found(dir, "c-1", "hv1");
	assert_int_equal(mode_of(a, dir, "."), 0700);
	assert_int_equal(mode_of(a, dir, "ca.key"), 0600);
	assert_int_equal(mode_of(a, dir, "node.key"), 0600);
	ca = tls_read_cert(text_of(a, dir, "ca.pem"));
	cert = tls_read_cert(text_of(a, dir, "node.pem"));
	assert_name(cert, NID_commonName, "hv1");
	assert_name(cert, NID_organizationName, "c-1");
	assert_int_equal(X509_verify(cert, X509_get0_pubkey(ca)), 1);
	assert_int_equal(X509_check_ca(ca), 1);
	assert_int_equal(X509_check_ca(cert), 0);
	assert_int_equal(X509_get_extended_key_usage(cert),
			 XKU_SSL_SERVER | XKU_SSL_CLIENT);
	assert_true(
		ASN1_TIME_diff(&days, &secs, NULL, X509_get0_notAfter(cert)));
	assert_in_range(days, 3650, 3653);
	assert_true(ASN1_TIME_diff(&days, &secs, X509_get0_notAfter(cert),
				   X509_get0_notAfter(ca)));
	assert_true(days > 365);
	X509_free(ca);
	X509_free(cert);
}

static void a_cluster_is_not_founded_over_another(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *dir = rig_path(a, "twice"), *before;
	struct err err;

	(void)state;
	rig_found(dir, "c-1", "hv1");
	before = text_of(a, dir, "ca.key");
	assert_int_equal(pki_init(dir, "c-2", "hv1", &err), -EEXIST);
	assert_non_null(strstr(err.text, "move that directory away"));
	assert_string_equal(text_of(a, dir, "ca.key"), before);
	/* ... but what an interrupted try left is no cluster. */
	unlink(arena_printf(a, "%s/node.pem", dir));
	assert_int_equal(pki_init(dir, "c-2", "hv1", &err), 0);
}

static void a_joiner_gets_in_with_a_key_of_its_own(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *first = rig_path(a, "one"), *second = rig_path(a, "two");
	const char *print1, *print2;
	SSL_CTX *ctx;
	X509 *cert;

	(void)state;
	rig_found(first, "c-1", "hv1");
	rig_admit(first, "c-1", second, "hv2");
	cert = tls_read_cert(text_of(a, second, "node.pem"));
	assert_name(cert, NID_commonName, "hv2");
	assert_name(cert, NID_organizationName, "c-1");
	X509_free(cert);
	assert_int_equal(mode_of(a, second, "node.key"), 0600);
	assert_int_equal(mode_of(a, second, "ca.key"), 0600);
	assert_string_not_equal(text_of(a, first, "node.key"),
				text_of(a, second, "node.key"));
	assert_int_equal(
		pki_fingerprint(a, text_of(a, first, "ca.pem"), &print1, NULL),
		0);
	assert_int_equal(
		pki_fingerprint(a, text_of(a, second, "ca.pem"), &print2, NULL),
		0);
	assert_string_equal(print1, print2);
	assert_int_equal(strlen(print1), 64);
	ctx = tls_context(second, false, NULL);
	assert_non_null(ctx);
	SSL_CTX_free(ctx);
	/* It can let the next one in. */
	rig_admit(second, "c-1", rig_path(a, "three"), "hv3");
}

static void only_the_public_key_of_a_request_is_taken(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *dir = rig_path(a, "keyonly"), *csr, *pem;
	X509 *cert;

	(void)state;
	rig_found(dir, "c-1", "hv1");
	assert_int_equal(pki_request(a, rig_path(a, "evil"), "hv1", &csr, NULL),
			 0);
	assert_int_equal(pki_sign(a, dir, "c-1", csr, "hv9", &pem, NULL), 0);
	cert = tls_read_cert(pem);
	assert_name(cert, NID_commonName, "hv9");
	X509_free(cert);
}

static void a_witness_cannot_sign(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *first = rig_path(a, "w1"), *witness = rig_path(a, "w2");
	const char *csr, *cert;
	struct err err;

	(void)state;
	rig_found(first, "c-1", "hv1");
	pki_request(a, witness, "w", &csr, NULL);
	assert_int_equal(pki_sign(a, first, "c-1", csr, "w", &cert, NULL), 0);
	assert_int_equal(pki_install(witness, text_of(a, first, "ca.pem"), NULL,
				     cert, NULL),
			 0);
	assert_int_equal(pki_sign(a, witness, "c-1", csr, "x", &cert, &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "cannot sign for others"));
}

/* -- what is refused ------------------------------------------------------ */

static const char *rsa_request(struct arena *a)
{
	EVP_PKEY *key = EVP_RSA_gen(1024);
	X509_REQ *r = X509_REQ_new();
	BIO *b = BIO_new(BIO_s_mem());
	const char *ret;
	char *text;
	long n;

	X509_REQ_set_pubkey(r, key);
	X509_REQ_sign(r, key, EVP_sha256());
	PEM_write_bio_X509_REQ(b, r);
	n = BIO_get_mem_data(b, &text);
	ret = arena_printf(a, "%.*s", (int)n, text);
	BIO_free(b);
	X509_REQ_free(r);
	EVP_PKEY_free(key);
	return ret;
}

/* Signed by another key than the one in it. */
static const char *stolen_request(struct arena *a)
{
	EVP_PKEY *theirs = EVP_EC_gen("P-256"), *ours = EVP_EC_gen("P-256");
	X509_REQ *r = X509_REQ_new();
	BIO *b = BIO_new(BIO_s_mem());
	const char *ret;
	char *text;
	long n;

	X509_REQ_set_pubkey(r, theirs);
	X509_REQ_sign(r, ours, EVP_sha256());
	PEM_write_bio_X509_REQ(b, r);
	n = BIO_get_mem_data(b, &text);
	ret = arena_printf(a, "%.*s", (int)n, text);
	BIO_free(b);
	X509_REQ_free(r);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(ours);
	return ret;
}

static void requests_that_are_none_are_refused(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *dir = rig_path(a, "refuse"), *good, *cert;
	char *huge = arena_alloc(a, 100001);
	char long_name[80];

	(void)state;
	rig_found(dir, "c-1", "hv1");
	pki_request(a, rig_path(a, "asker"), "hv2", &good, NULL);
	memset(huge, 'x', 100000);
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	{
		const struct {
			const char *csr, *cluster, *node, *text;
		} rows[] = {
			{ "", "c-1", "hv2", "no signing request" },
			{ "hello", "c-1", "hv2", "no signing request" },
			{ huge, "c-1", "hv2", "no signing request" },
			{ text_of(a, dir, "ca.pem"), "c-1", "hv2",
			  "no signing request" },
			{ rsa_request(a), "c-1", "hv2", "P-256" },
			{ stolen_request(a), "c-1", "hv2", "signature" },
			{ good, "c-1", "", "0 characters" },
			{ good, "c-1", long_name, "79 characters" },
			{ good, "c-1", "a b", "cannot hold" },
			{ good, "c-1", "a\nb", "cannot hold" },
			{ good, long_name, "hv2", "cluster id" },
		};

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct err err = { 0 };

			assert_int_equal(pki_sign(a, dir, rows[i].cluster,
						  rows[i].csr, rows[i].node,
						  &cert, &err),
					 -EINVAL);
			assert_non_null(strstr(err.text, rows[i].text));
		}
	}
	assert_int_equal(pki_sign(a, dir, "c-1", good, "hv2", &cert, NULL), 0);
}

static void an_answer_that_does_not_fit_is_not_installed(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *dir = rig_path(a, "fit1"), *other = rig_path(a, "fit2");
	const char *joiner = rig_path(a, "fit3");
	const char *ca, *ca_key, *ca2, *ca2_key, *csr, *cert, *cert2;
	const char *node;

	(void)state;
	rig_found(dir, "c-1", "hv1");
	rig_found(other, "c-1", "hv1");
	pki_request(a, joiner, "hv2", &csr, NULL);
	pki_sign(a, dir, "c-1", csr, "hv2", &cert, NULL);
	pki_sign(a, other, "c-1", csr, "hv2", &cert2, NULL);
	ca = text_of(a, dir, "ca.pem");
	ca_key = text_of(a, dir, "ca.key");
	ca2 = text_of(a, other, "ca.pem");
	ca2_key = text_of(a, other, "ca.key");
	node = text_of(a, dir, "node.pem");
	{
		const struct {
			const char *ca, *key, *cert, *text;
		} rows[] = {
			{ "x", ca_key, cert, "holds no certificate" },
			{ ca, "x", cert, "holds no certificate" },
			{ ca, ca_key, "x", "holds no certificate" },
			{ node, ca_key, cert, "authority's certificate" },
			{ ca2, ca2_key, cert, "not signed by" },
			{ ca, ca_key, cert2, "not signed by" },
			{ ca, ca_key, node, "another key" },
			{ ca, ca2_key, cert, "does not fit" },
		};

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct err err = { 0 };

			assert_int_equal(pki_install(joiner, rows[i].ca,
						     rows[i].key, rows[i].cert,
						     &err),
					 -EINVAL);
			assert_non_null(strstr(err.text, rows[i].text));
		}
	}
	assert_int_equal(pki_read(a, joiner, "node.pem", &node, NULL), -ENOENT);
	assert_int_equal(pki_install(joiner, ca, ca_key, cert, NULL), 0);
}

static void files_that_are_none_are_refused(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *dir = rig_path(a, "files"), *text;
	char *huge = arena_alloc(a, 70000);
	struct err err;

	(void)state;
	rig_found(dir, "c-1", "hv1");
	assert_int_equal(pki_read(a, dir, "nothing", &text, &err), -ENOENT);
	put_text(a, dir, "huge", huge, 70000);
	assert_int_equal(pki_read(a, dir, "huge", &text, &err), -EFBIG);
	put_text(a, dir, "zero", "a\0b", 3);
	assert_int_equal(pki_read(a, dir, "zero", &text, &err), -EINVAL);
	assert_int_equal(pki_fingerprint(a, "x", &text, &err), -EINVAL);
	/* A key of another node beside the certificate. */
	put_text(a, dir, "node.key", text_of(a, dir, "ca.key"),
		 strlen(text_of(a, dir, "ca.key")));
	assert_null(tls_context(dir, false, &err));
	assert_non_null(strstr(err.text, "cannot be used"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_cluster_begins_with_an_authority_and_a_certificate),
		cmocka_unit_test(a_cluster_is_not_founded_over_another),
		cmocka_unit_test(a_joiner_gets_in_with_a_key_of_its_own),
		cmocka_unit_test(only_the_public_key_of_a_request_is_taken),
		cmocka_unit_test(a_witness_cannot_sign),
		cmocka_unit_test(requests_that_are_none_are_refused),
		cmocka_unit_test(an_answer_that_does_not_fit_is_not_installed),
		cmocka_unit_test(files_that_are_none_are_refused),
	};

	return cmocka_run_group_tests_name("pki", tests, rig_begin, rig_end);
}
