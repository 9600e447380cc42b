/*
 * tls - what pki, link and join share of OpenSSL; private to cluster/net/.
 */
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "fsm/base/arena.h"
#include "store/err.h"

SCOPE_DEFINE(bio_st, BIO_free_all)
SCOPE_DEFINE(evp_pkey_st, EVP_PKEY_free)
SCOPE_DEFINE(ssl_ctx_st, SSL_CTX_free)
SCOPE_DEFINE(ssl_st, SSL_free)
SCOPE_DEFINE(x509_st, X509_free)
SCOPE_DEFINE(X509_req_st, X509_REQ_free)

/* Certificate fields hold at most this (RFC 5280, appendix A: ub-common-name,
 * ub-organization-name). */
#define TLS_NAME_MAX 64

#define TLS_WHY 200
/* The oldest entry of this thread's error queue in words; empties the queue. */
const char *tls_why(char ret[TLS_WHY]);

/* From PEM text; NULL if it is none. A key that is encrypted is refused, never
 * asked a password for. */
X509 *tls_read_cert(const char *pem);
EVP_PKEY *tls_read_key(const char *pem);

/* The subject's one field of that kind (NID_commonName ...). False if there is
 * none, more than one, or what no name of ours can be. */
bool tls_subject(const X509 *cert, int nid, char ret[TLS_NAME_MAX + 1]);

/* SHA-256 over the certificate (DER), as 64 hex digits. */
bool tls_fingerprint(const X509 *cert, char ret[65]);

/* For both ends of a link: TLS 1.3 only, no resumption; the node's certificate
 * is shown, the peer's must come from the authority in @dir. A peer without a
 * certificate is let through only if @strangers. */
SSL_CTX *tls_context(const char *dir, bool strangers, struct err *err);

/* For a joiner, who has nothing: no certificate is shown, none is checked. */
SSL_CTX *tls_context_bare(struct err *err);
