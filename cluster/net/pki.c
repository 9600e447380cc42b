/*
 * How a cluster's certificates come to be:
 *  - the first node makes the authority and signs its own (pki_init);
 *  - a joiner makes a key that never leaves it, and a request (pki_request);
 *  - a member signs the public key in it for a name that the cluster agreed on
 *    (pki_sign); nothing else of the request is taken;
 *  - the joiner checks that what it got fits its key and each other, and
 *    writes it (pki_install).
 *
 * Files are written beside their place, synced and renamed, node.pem last: a
 * directory with a node.pem is complete. What an interrupted try left without
 * one is overwritten by the next.
 *
 * Certificates begin a day before they are made, since the clocks of machines
 * that are being set up are often wrong.
 */
#include "cluster/net/pki.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/net/tls.h"

#define DAY	  (24L * 60 * 60)
#define NODE_DAYS 3653L	 /* 10 years */
#define CA_DAYS	  10958L /* 30 years: outlives what it signs */
#define FILE_MAX  (64u << 10)
#define CURVE	  "prime256v1"

/* -- files ---------------------------------------------------------------- */

static int path_of(char ret[PATH_MAX], const char *dir, const char *file,
		   struct err *err)
{
	int n = snprintf(ret, PATH_MAX, "%s/%s", dir, file);

	if (n < 0 || n >= PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "%s: the path is too long",
			       dir);
	return 0;
}

static int write_all(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, text, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		text += done;
		n -= (size_t)done;
	}
	return fsync(fd) ? -errno : 0;
}

static int sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return -errno;
	rc = fsync(fd) ? -errno : 0;
	close(fd);
	return rc;
}

static int file_put(const char *dir, const char *file, mode_t mode,
		    const char *text, struct err *err)
{
	char path[PATH_MAX], tmp[PATH_MAX], name[32];
	int fd, rc;

	snprintf(name, sizeof(name), "%s.new", file);
	rc = path_of(path, dir, file, err);
	if (rc)
		return rc;
	rc = path_of(tmp, dir, name, err);
	if (rc)
		return rc;
	unlink(tmp); /* of an earlier try, perhaps with another mode */
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return err_set(err, -errno, "%s cannot be written: %s", tmp,
			       strerror(errno));
	rc = write_all(fd, text, strlen(text));
	close(fd);
	if (!rc && rename(tmp, path))
		rc = -errno;
	if (!rc)
		rc = sync_dir(dir);
	if (rc) {
		unlink(tmp);
		return err_set(err, rc, "%s cannot be written: %s", path,
			       strerror(-rc));
	}
	return 0;
}

static bool file_exists(const char *dir, const char *file)
{
	char path[PATH_MAX];

	return path_of(path, dir, file, NULL) == 0 && access(path, F_OK) == 0;
}

static int dir_make(const char *dir, struct err *err)
{
	if (mkdir(dir, 0700) && errno != EEXIST)
		return err_set(err, -errno, "%s cannot be made: %s", dir,
			       strerror(errno));
	return 0;
}

static int read_text(struct arena *a, int fd, const char *path,
		     const char **ret, struct err *err)
{
	char *text = arena_alloc(a, FILE_MAX + 1);
	size_t n = 0;

	for (;;) {
		ssize_t got = read(fd, text + n, FILE_MAX + 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, -errno, "%s cannot be read: %s",
				       path, strerror(errno));
		if (got == 0)
			break;
		n += (size_t)got;
		if (n > FILE_MAX)
			return err_set(err, -EFBIG,
				       "%s is no certificate or key: longer "
				       "than %u bytes",
				       path, FILE_MAX);
	}
	if (memchr(text, '\0', n))
		return err_set(err, -EINVAL,
			       "%s is no certificate or key: it is not text",
			       path);
	text[n] = '\0';
	*ret = text;
	return 0;
}

int pki_read(struct arena *a, const char *dir, const char *file,
	     const char **ret, struct err *err)
{
	char path[PATH_MAX];
	int rc = path_of(path, dir, file, err);
	int fd;

	if (rc)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "%s cannot be read: %s", path,
			       strerror(errno));
	rc = read_text(a, fd, path, ret, err);
	close(fd);
	return rc;
}

/* -- PEM ------------------------------------------------------------------ */

static const char *bio_text(struct arena *a, BIO *b)
{
	char *text;
	long n = BIO_get_mem_data(b, &text);

	return arena_printf(a, "%.*s", (int)n, text);
}

static const char *cert_pem(struct arena *a, X509 *cert)
{
	SCOPED(bio_st) BIO *b = BIO_new(BIO_s_mem());

	if (!b || PEM_write_bio_X509(b, cert) != 1)
		return NULL;
	return bio_text(a, b);
}

static const char *key_pem(struct arena *a, const EVP_PKEY *key)
{
	SCOPED(bio_st) BIO *b = BIO_new(BIO_s_mem());

	if (!b ||
	    PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) != 1)
		return NULL;
	return bio_text(a, b);
}

/* What OpenSSL could not do, for want of memory or entropy. */
static int failed(struct err *err, const char *what)
{
	char why[TLS_WHY];

	return err_set(err, -EIO, "%s: %s", what, tls_why(why));
}

static int put_key(struct arena *a, const char *dir, const char *file,
		   const EVP_PKEY *key, struct err *err)
{
	const char *pem = key_pem(a, key);

	if (!pem)
		return failed(err, "a key cannot be encoded");
	return file_put(dir, file, 0600, pem, err);
}

static int put_cert(struct arena *a, const char *dir, const char *file,
		    X509 *cert, struct err *err)
{
	const char *pem = cert_pem(a, cert);

	if (!pem)
		return failed(err, "a certificate cannot be encoded");
	return file_put(dir, file, 0644, pem, err);
}

/* -- certificates --------------------------------------------------------- */

struct extension {
	int nid;
	const char *value;
};

static const struct extension ca_extensions[] = {
	{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
	{ NID_key_usage, "critical,keyCertSign" },
	{ NID_subject_key_identifier, "hash" },
	{ 0, NULL },
};

static const struct extension node_extensions[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "serverAuth,clientAuth" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid:always" },
	{ 0, NULL },
};

static bool add_extensions(X509 *cert, X509 *issuer,
			   const struct extension *list)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	for (; list->nid; list++) {
		X509_EXTENSION *e =
			X509V3_EXT_conf_nid(NULL, &ctx, list->nid, list->value);
		bool ok = e && X509_add_ext(cert, e, -1) == 1;

		X509_EXTENSION_free(e);
		if (!ok)
			return false;
	}
	return true;
}

static bool set_serial(X509 *cert)
{
	BIGNUM *n = BN_new();
	bool ok = n &&
		  BN_rand(n, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
		  BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));

	BN_free(n);
	return ok;
}

static bool add_name(X509_NAME *name, int nid, const char *text)
{
	return X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
					  (const unsigned char *)text, -1, -1,
					  0) == 1;
}

/* @issuer NULL: signed by itself. */
static X509 *cert_make(EVP_PKEY *pub, const char *cn, const char *o, long days,
		       X509 *issuer, EVP_PKEY *signer)
{
	SCOPED(x509_st) X509 *cert = X509_new();
	X509 *by = issuer ? issuer : cert;
	X509_NAME *name;

	if (!cert)
		return NULL;
	name = X509_get_subject_name(cert);
	if (X509_set_version(cert, X509_VERSION_3) != 1 || !set_serial(cert) ||
	    !X509_gmtime_adj(X509_getm_notBefore(cert), -DAY) ||
	    !X509_gmtime_adj(X509_getm_notAfter(cert), days * DAY) ||
	    !add_name(name, NID_organizationName, o) ||
	    !add_name(name, NID_commonName, cn) ||
	    X509_set_issuer_name(cert, X509_get_subject_name(by)) != 1 ||
	    X509_set_pubkey(cert, pub) != 1 ||
	    !add_extensions(cert, by,
			    issuer ? node_extensions : ca_extensions) ||
	    X509_sign(cert, signer, EVP_sha256()) == 0)
		return NULL;
	return TAKE(cert);
}

static int name_ok(const char *what, const char *name, struct err *err)
{
	size_t n = strlen(name);

	if (n == 0 || n > TLS_NAME_MAX)
		return err_set(err, -EINVAL,
			       "the %s '%.80s' has %zu characters: a "
			       "certificate holds 1 to %d",
			       what, name, n, TLS_NAME_MAX);
	for (size_t i = 0; i < n; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return err_set(err, -EINVAL,
				       "the %s '%s' has a character that a "
				       "certificate's name cannot hold",
				       what, name);
	return 0;
}

/* -- the authority -------------------------------------------------------- */

static int init_write(const char *dir, X509 *ca, EVP_PKEY *ca_key, X509 *cert,
		      EVP_PKEY *key, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	int rc = dir_make(dir, err);

	if (!rc)
		rc = put_key(a, dir, "ca.key", ca_key, err);
	if (!rc)
		rc = put_cert(a, dir, "ca.pem", ca, err);
	if (!rc)
		rc = put_key(a, dir, "node.key", key, err);
	if (!rc)
		rc = put_cert(a, dir, "node.pem", cert, err);
	return rc;
}

int pki_init(const char *dir, const char *cluster_id, const char *node,
	     struct err *err)
{
	SCOPED(evp_pkey_st) EVP_PKEY *ca_key = NULL, *key = NULL;
	SCOPED(x509_st) X509 *ca = NULL, *cert = NULL;

	if (name_ok("cluster id", cluster_id, err) ||
	    name_ok("node name", node, err))
		return -EINVAL;
	if (file_exists(dir, "node.pem"))
		return err_set(err, -EEXIST,
			       "%s holds the certificates of a cluster; if "
			       "this node is in none any more, move that "
			       "directory away",
			       dir);
	ca_key = EVP_EC_gen(CURVE);
	key = EVP_EC_gen(CURVE);
	if (!ca_key || !key)
		return failed(err, "a key cannot be made");
	ca = cert_make(ca_key, "encap authority", cluster_id, CA_DAYS, NULL,
		       ca_key);
	if (ca)
		cert = cert_make(key, node, cluster_id, NODE_DAYS, ca, ca_key);
	if (!cert)
		return failed(err, "a certificate cannot be made");
	return init_write(dir, ca, ca_key, cert, key, err);
}

/* -- requests ------------------------------------------------------------- */

static X509_REQ *request_make(EVP_PKEY *key, const char *node)
{
	SCOPED(X509_req_st) X509_REQ *r = X509_REQ_new();

	if (!r || X509_REQ_set_version(r, X509_REQ_VERSION_1) != 1 ||
	    !add_name(X509_REQ_get_subject_name(r), NID_commonName, node) ||
	    X509_REQ_set_pubkey(r, key) != 1 ||
	    X509_REQ_sign(r, key, EVP_sha256()) == 0)
		return NULL;
	return TAKE(r);
}

int pki_request(struct arena *a, const char *dir, const char *node,
		const char **ret_csr, struct err *err)
{
	SCOPED(evp_pkey_st) EVP_PKEY *key = EVP_EC_gen(CURVE);
	SCOPED(bio_st) BIO *b = BIO_new(BIO_s_mem());
	SCOPED(X509_req_st) X509_REQ *r = NULL;
	int rc = name_ok("node name", node, err);

	if (rc)
		return rc;
	if (key)
		r = request_make(key, node);
	if (!r || !b || PEM_write_bio_X509_REQ(b, r) != 1)
		return failed(err, "a signing request cannot be made");
	rc = dir_make(dir, err);
	if (!rc)
		rc = put_key(a, dir, "node.key", key, err);
	if (!rc)
		*ret_csr = bio_text(a, b);
	return rc;
}

/* The key in a request from nobody we know: ours are all of one kind, and a
 * huge one of another kind would cost us dearly with each handshake. */
static EVP_PKEY *request_key(const char *csr, struct err *err)
{
	SCOPED(bio_st) BIO *b = NULL;
	SCOPED(X509_req_st) X509_REQ *r = NULL;
	EVP_PKEY *key = NULL;
	char curve[32];

	if (strlen(csr) <= FILE_MAX)
		b = BIO_new_mem_buf(csr, -1);
	if (b)
		r = PEM_read_bio_X509_REQ(b, NULL, NULL, NULL);
	if (r)
		key = X509_REQ_get0_pubkey(r);
	ERR_clear_error();
	if (!key) {
		err_set(err, -EINVAL, "this is no signing request (PEM)");
		return NULL;
	}
	if (!EVP_PKEY_is_a(key, "EC") ||
	    EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) != 1 ||
	    strcmp(curve, CURVE) != 0) {
		ERR_clear_error();
		err_set(err, -EINVAL,
			"a signing request must be for an ECDSA P-256 key");
		return NULL;
	}
	if (X509_REQ_verify(r, key) != 1) {
		ERR_clear_error();
		err_set(err, -EINVAL,
			"a signing request's own signature is wrong");
		return NULL;
	}
	EVP_PKEY_up_ref(key);
	return key;
}

int pki_sign(struct arena *a, const char *dir, const char *cluster_id,
	     const char *csr, const char *node, const char **ret_cert,
	     struct err *err)
{
	SCOPED(evp_pkey_st) EVP_PKEY *ca_key = NULL, *key = NULL;
	SCOPED(x509_st) X509 *ca = NULL, *cert = NULL;
	const char *ca_pem = NULL, *ca_key_pem = NULL, *pem;
	int rc;

	if (name_ok("cluster id", cluster_id, err) ||
	    name_ok("node name", node, err))
		return -EINVAL;
	key = request_key(csr, err);
	if (!key)
		return -EINVAL;
	rc = pki_read(a, dir, "ca.pem", &ca_pem, err);
	if (!rc)
		rc = pki_read(a, dir, "ca.key", &ca_key_pem, err);
	if (rc)
		return err_wrap(err, rc, "this node cannot sign for others");
	ca = tls_read_cert(ca_pem);
	ca_key = tls_read_key(ca_key_pem);
	if (!ca || !ca_key)
		return err_set(err, -EINVAL, "%s/ca.pem or ca.key is damaged",
			       dir);
	cert = cert_make(key, node, cluster_id, NODE_DAYS, ca, ca_key);
	pem = cert ? cert_pem(a, cert) : NULL;
	if (!pem)
		return failed(err, "a certificate cannot be made");
	*ret_cert = pem;
	return 0;
}

/* -- what a joiner got ---------------------------------------------------- */

struct install {
	X509 *ca, *cert;
	EVP_PKEY *ca_key, *key;
};

static void install_end(struct install *i)
{
	X509_free(i->ca);
	X509_free(i->cert);
	EVP_PKEY_free(i->ca_key);
	EVP_PKEY_free(i->key);
}

static const char *install_wrong(const struct install *i, bool with_ca_key)
{
	const char *why = NULL;

	if (!i->ca || !i->cert || (with_ca_key && !i->ca_key))
		why = "it holds no certificate or key";
	else if (X509_check_ca(i->ca) != 1 ||
		 X509_verify(i->ca, X509_get0_pubkey(i->ca)) != 1)
		why = "the authority's certificate is none";
	else if (X509_verify(i->cert, X509_get0_pubkey(i->ca)) != 1)
		why = "the certificate is not signed by that authority";
	else if (X509_check_private_key(i->cert, i->key) != 1)
		why = "the certificate is for another key than this node's";
	else if (with_ca_key && X509_check_private_key(i->ca, i->ca_key) != 1)
		why = "the authority's key does not fit its certificate";
	ERR_clear_error();
	return why;
}

int pki_install(const char *dir, const char *ca, const char *ca_key,
		const char *cert, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	__attribute__((cleanup(install_end))) struct install i = { 0 };
	const char *key = NULL, *wrong;
	int rc = pki_read(a, dir, "node.key", &key, err);

	if (rc)
		return rc;
	i.key = tls_read_key(key);
	if (!i.key)
		return err_set(err, -EINVAL, "%s/node.key is damaged", dir);
	i.ca = tls_read_cert(ca);
	i.cert = tls_read_cert(cert);
	i.ca_key = ca_key ? tls_read_key(ca_key) : NULL;
	wrong = install_wrong(&i, ca_key != NULL);
	if (wrong)
		return err_set(err, -EINVAL,
			       "what the cluster answered cannot be used: %s",
			       wrong);
	if (ca_key)
		rc = put_key(a, dir, "ca.key", i.ca_key, err);
	if (!rc)
		rc = put_cert(a, dir, "ca.pem", i.ca, err);
	if (!rc)
		rc = put_cert(a, dir, "node.pem", i.cert, err);
	return rc;
}

int pki_fingerprint(struct arena *a, const char *ca_pem, const char **ret,
		    struct err *err)
{
	SCOPED(x509_st) X509 *ca = tls_read_cert(ca_pem);
	char hex[65];

	if (!ca || !tls_fingerprint(ca, hex))
		return err_set(err, -EINVAL, "this is no certificate (PEM)");
	*ret = arena_printf(a, "%s", hex);
	return 0;
}
