#include "cluster/net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "cluster/net/pki.h"

const char *tls_why(char ret[TLS_WHY])
{
	unsigned long code = ERR_get_error();
	const char *reason = ERR_reason_error_string(code);

	snprintf(ret, TLS_WHY, "%s", reason ? reason : "unknown error");
	ERR_clear_error();
	return ret;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): OpenSSL's type */
static int no_password(char *buf, int size, int rw, void *arg)
{
	(void)buf;
	(void)size;
	(void)rw;
	(void)arg;
	return -1;
}

X509 *tls_read_cert(const char *pem)
{
	SCOPED(bio_st) BIO *b = BIO_new_mem_buf(pem, -1);
	X509 *cert = b ? PEM_read_bio_X509(b, NULL, no_password, NULL) : NULL;

	ERR_clear_error();
	return cert;
}

EVP_PKEY *tls_read_key(const char *pem)
{
	SCOPED(bio_st) BIO *b = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key =
		b ? PEM_read_bio_PrivateKey(b, NULL, no_password, NULL) : NULL;

	ERR_clear_error();
	return key;
}

bool tls_subject(const X509 *cert, int nid, char ret[TLS_NAME_MAX + 1])
{
	const X509_NAME *name = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(name, nid, -1);
	const ASN1_STRING *s;
	const unsigned char *text;
	int n;

	if (at < 0 || X509_NAME_get_index_by_NID(name, nid, at) >= 0)
		return false;
	s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
	text = ASN1_STRING_get0_data(s);
	n = ASN1_STRING_length(s);
	if (n <= 0 || n > TLS_NAME_MAX)
		return false;
	for (int i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	memcpy(ret, text, (size_t)n);
	ret[n] = '\0';
	return true;
}

bool tls_fingerprint(const X509 *cert, char ret[65])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned n;

	if (X509_digest(cert, EVP_sha256(), hash, &n) != 1 || n != 32)
		return false;
	for (unsigned i = 0; i < n; i++)
		snprintf(ret + 2 * (size_t)i, 3, "%02x", hash[i]);
	return true;
}

SSL_CTX *tls_context_bare(struct err *err)
{
	SCOPED(ssl_ctx_st) SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	char why[TLS_WHY];

	if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_num_tickets(ctx, 0) != 1) {
		err_set(err, -EIO, "TLS 1.3 cannot be set up: %s",
			tls_why(why));
		return NULL;
	}
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_default_passwd_cb(ctx, no_password);
	return TAKE(ctx);
}

/* @ca is sent, too: a joiner knows the authority by its fingerprint only, and
 * has to be shown the certificate. */
static bool context_use(SSL_CTX *ctx, X509 *ca, X509 *cert, EVP_PKEY *key)
{
	return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca) == 1 &&
	       SSL_CTX_use_certificate(ctx, cert) == 1 &&
	       SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
	       SSL_CTX_add1_chain_cert(ctx, ca) == 1;
}

SSL_CTX *tls_context(const char *dir, bool strangers, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	SCOPED(ssl_ctx_st) SSL_CTX *ctx = tls_context_bare(err);
	SCOPED(x509_st) X509 *ca = NULL, *cert = NULL;
	SCOPED(evp_pkey_st) EVP_PKEY *key = NULL;
	const char *ca_pem, *cert_pem, *key_pem;
	char why[TLS_WHY];

	if (!ctx || pki_read(a, dir, "ca.pem", &ca_pem, err) ||
	    pki_read(a, dir, "node.pem", &cert_pem, err) ||
	    pki_read(a, dir, "node.key", &key_pem, err))
		return NULL;
	ca = tls_read_cert(ca_pem);
	cert = tls_read_cert(cert_pem);
	key = tls_read_key(key_pem);
	if (!ca || !cert || !key || !context_use(ctx, ca, cert, key)) {
		err_set(err, -EINVAL,
			"the certificates in %s cannot be used: %s", dir,
			!ca	? "ca.pem holds none"
			: !cert ? "node.pem holds none"
			: !key	? "node.key holds no key"
				: tls_why(why));
		return NULL;
	}
	SSL_CTX_set_verify(
		ctx,
		SSL_VERIFY_PEER |
			(strangers ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT),
		NULL);
	SSL_CTX_set_verify_depth(ctx, 1);
	return TAKE(ctx);
}
