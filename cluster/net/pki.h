/*
 * pki - the cluster's own certificate authority and the nodes' certificates.
 *
 * A directory (0700) holds ca.pem, ca.key, node.pem, node.key (keys 0600),
 * all ECDSA P-256. A node's certificate has CN = node name and O = cluster id,
 * valid for 10 years. Every hypervisor holds the authority's key, so that any
 * of them can let another in.
 */
#pragma once

#include <stddef.h>

#include "fsm/base/arena.h"
#include "store/err.h"

/* A new authority and this node's first certificate. */
int pki_init(const char *dir, const char *cluster_id, const char *node,
	     struct err *err);
/* A new key (written to dir) and a signing request for it, PEM, on @a. */
int pki_request(struct arena *a, const char *dir, const char *node,
		const char **ret_csr, struct err *err);
/* Sign a request for @node; only the public key is taken from it. */
int pki_sign(struct arena *a, const char *dir, const char *cluster_id,
	     const char *csr, const char *node, const char **ret_cert,
	     struct err *err);
/* What a joiner got: written beside its key. ca_key NULL for a witness. */
int pki_install(const char *dir, const char *ca, const char *ca_key,
		const char *cert, struct err *err);
int pki_read(struct arena *a, const char *dir, const char *file,
	     const char **ret, struct err *err);
/* SHA-256 over the authority's certificate (DER), 64 hex digits, on @a. */
int pki_fingerprint(struct arena *a, const char *ca_pem, const char **ret,
		    struct err *err);
