/*
 * join - the client side of `encap cluster join TOKEN ADDRESS...`.
 *
 * A token is "encap1.<cluster id>.<CA fingerprint>.<secret>". The joiner
 * connects with TLS 1.3 without a certificate, checks that the server's chain
 * ends at the authority with that fingerprint, sends one frame and reads one:
 *   -> {"k":"join","v":1,"token":secret,"name":NODE,"csr":PEM,
 *       "addresses":["host:port",...], "replace":NODE?,
 *       "witness":true?, "speaks":N (fsm/op/op.h)}
 *   <- {"code":0,"id":N,"cert":PEM,"ca":PEM,"ca_key":PEM,"cluster":{...}}
 *      (a witness: "witness":true, and no ca_key)
 *   or {"code":1..7,"err":"why"}
 * A secret is good once and for one hour; the cluster keeps only its SHA-256.
 */
#pragma once

#include "fsm/base/doc.h"
#include "store/err.h"

struct join_token {
	const char *cluster_id, *fingerprint, *secret;
};
int join_token_parse(struct arena *a, const char *text, struct join_token *ret,
		     struct err *err);
/* A fresh one from the system's random source; the secret's SHA-256 (hex) in
 * @ret_hash. */
int join_token_new(struct arena *a, const char *cluster_id,
		   const char *fingerprint, const char **ret_text,
		   const char **ret_hash, struct err *err);
const char *join_secret_hash(struct arena *a, const char *secret);

/* Blocking, bounded by @timeout_ms; tries each address in turn. Returns the
 * server's answer on @a. -ECONNREFUSED etc. with the address in the text. */
int join_ask(struct arena *a, const struct join_token *t,
	     const char *const *addresses, const struct doc *request,
	     int timeout_ms, struct doc **ret, struct err *err);
