#include "cluster/net/seal.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/net/pki.h"

#define NONCE 12
#define TAG   16
#define EXTRA (1 + NONCE + TAG)

/* Fails only out of memory, or where OpenSSL was built without HKDF. */
static void derive(const void *from, size_t len, const char *salt,
		   const char *info, struct seal_key *ret)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
						 (char *)"SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
						  (void *)from, len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
						  (void *)salt, strlen(salt)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
						  (void *)info, strlen(info)),
		OSSL_PARAM_construct_end(),
	};

	if (!ctx || EVP_KDF_derive(ctx, ret->bytes, SEAL_KEY_SIZE, params) <= 0)
		abort();
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

int seal_cluster_key(const char *pki_dir, const char *cluster_id,
		     struct seal_key *ret, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *pem;
	BIO *bio;
	EVP_PKEY *key;
	BIGNUM *number = NULL;
	unsigned char raw[64];
	int rc = pki_read(a, pki_dir, "ca.key", &pem, err), n;

	if (rc < 0)
		return rc;
	bio = BIO_new_mem_buf(pem, -1);
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (!key ||
	    !EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &number)) {
		EVP_PKEY_free(key);
		return err_set(err, -EBADMSG, "%s/ca.key: no private key",
			       pki_dir);
	}
	n = BN_bn2binpad(number, raw, 32);
	BN_clear_free(number);
	EVP_PKEY_free(key);
	if (n != 32)
		return err_set(err, -EBADMSG, "%s/ca.key: a key of odd size",
			       pki_dir);
	derive(raw, 32, cluster_id, "encap secrets 1", ret);
	OPENSSL_cleanse(raw, sizeof(raw));
	OPENSSL_cleanse((void *)pem, strlen(pem));
	return 0;
}

void seal_service_key(const struct seal_key *cluster, const char *service,
		      struct seal_key *ret)
{
	derive(cluster->bytes, SEAL_KEY_SIZE, "service", service, ret);
}

static EVP_CIPHER_CTX *cipher(bool shut, const struct seal_key *k,
			      const unsigned char *nonce, const char *service,
			      const char *name)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;

	/* The NUL between the two: no other pair gives the same bytes. */
	if (!c ||
	    !EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, k->bytes, nonce,
			       shut) ||
	    !EVP_CipherUpdate(c, NULL, &n, (const unsigned char *)service,
			      (int)strlen(service) + 1) ||
	    !EVP_CipherUpdate(c, NULL, &n, (const unsigned char *)name,
			      (int)strlen(name)))
		abort();
	return c;
}

struct doc *seal_shut(struct arena *a, const struct seal_key *k,
		      const char *service, const char *name,
		      const unsigned char nonce[12], const void *value,
		      size_t len)
{
	EVP_CIPHER_CTX *c = cipher(true, k, nonce, service, name);
	unsigned char *out = arena_alloc(a, len + EXTRA);
	int n;

	out[0] = SEAL_VERSION;
	memcpy(out + 1, nonce, NONCE);
	if (!EVP_CipherUpdate(c, out + 1 + NONCE, &n, value, (int)len) ||
	    !EVP_CipherFinal_ex(c, out + 1 + NONCE + n, &n) ||
	    !EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG,
				 out + 1 + NONCE + len))
		abort();
	EVP_CIPHER_CTX_free(c);
	return doc_bin(a, out, len + EXTRA);
}

static int cannot_open(struct err *err, const char *service, const char *name)
{
	return err_set(err, -EBADMSG,
		       "the secret %s of %s does not open with this cluster's "
		       "key: set it again with 'encap secret set %s %s'",
		       name, service, service, name);
}

int seal_open(struct arena *a, const struct seal_key *k, const char *service,
	      const char *name, const struct doc *sealed, const char **ret,
	      size_t *ret_len, struct err *err)
{
	const unsigned char *in;
	size_t len;
	EVP_CIPHER_CTX *c;
	char *out;
	int n = 0, rest;
	bool good;

	if (!sealed || sealed->type != DOC_BIN || sealed->str.len < EXTRA ||
	    sealed->str.data[0] != SEAL_VERSION)
		return cannot_open(err, service, name);
	in = (const unsigned char *)sealed->str.data;
	len = sealed->str.len - EXTRA;
	out = arena_alloc(a, len + 1);
	c = cipher(false, k, in + 1, service, name);
	good = EVP_CipherUpdate(c, (unsigned char *)out, &n, in + 1 + NONCE,
				(int)len) &&
	       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG,
				   (void *)(in + 1 + NONCE + len)) &&
	       EVP_CipherFinal_ex(c, (unsigned char *)out + n, &rest);
	EVP_CIPHER_CTX_free(c);
	if (!good)
		return cannot_open(err, service, name);
	out[len] = '\0';
	*ret = out;
	*ret_len = len;
	return 0;
}
