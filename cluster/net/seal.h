/*
 * seal - secrets as they lie on disks: encrypted, and bound to where they
 * belong.
 *
 *     the authority's private key ──HKDF──▶ the cluster's key ──HKDF──▶ a
 *     service's key ──AES-256-GCM──▶ sealed bytes
 *
 * HKDF-SHA256 (RFC 5869) through OpenSSL; AES-256-GCM (NIST SP 800-38D) with a
 * random nonce of 96 bits. A sealed value: a version byte, the nonce, the
 * ciphertext, the tag of 16 bytes. What it belongs to (service and key) is
 * authenticated with it: moved to another row it does not open.
 * docs/decisions/secrets.md has the reasons.
 */
#pragma once

#include "fsm/base/doc.h"

#define SEAL_KEY_SIZE 32
#define SEAL_VERSION  1

struct seal_key {
	unsigned char bytes[SEAL_KEY_SIZE];
};

/* From VAR/pki, which hypervisors have and nobody else. */
int seal_cluster_key(const char *pki_dir, const char *cluster_id,
		     struct seal_key *ret, struct err *err);
/* What a container of @service is given: it opens that service's alone. */
void seal_service_key(const struct seal_key *cluster, const char *service,
		      struct seal_key *ret);

/* @nonce: 12 random bytes, never used before. The result is on @a. */
struct doc *seal_shut(struct arena *a, const struct seal_key *k,
		      const char *service, const char *name,
		      const unsigned char nonce[12], const void *value,
		      size_t len);
/* -EBADMSG: it was sealed with another key, or for another place, or has been
 * changed. @ret has a NUL behind it that is not counted. */
int seal_open(struct arena *a, const struct seal_key *k, const char *service,
	      const char *name, const struct doc *sealed, const char **ret,
	      size_t *ret_len, struct err *err);
