/*
 * backup_file - a cluster's state in one file.
 *
 *     read transaction ──backup_write──▶ FILE ──backup_load──▶ a database
 *
 * The file: the line BACKUP_TITLE; then frames, each a 4-byte big-endian length
 * and a msgpack map:
 *     {"head": {v, cluster{name,id}, node, at, version, groups}}
 *     {"key": 32 bytes}              the cluster's key for its secrets
 *     {"group": its number, "service": its name or ""}
 *     {"data": bytes}...             a stream of txn_export() (store/db.h)
 *     {"command": {...}}...          beyond it: what its log has and nobody
 *                                    knows to be agreed (recover only)
 *     {"end": groups, "crc": CRC-32C of every byte before this frame}
 * A file without its end, or with one bit turned, is refused as a whole.
 */
#pragma once

#include "fsm/base/doc.h"
#include "store/db.h"

#define BACKUP_TITLE   "encap backup 1\n"
#define BACKUP_VERSION 1

struct backup_group {
	uint64_t gid;
	const char *service;	    /* "" for the cluster's */
	const struct doc *commands; /* list, or NULL */
};

#define BACKUP_KEY 32

/* Write @path anew (by way of PATH.new, mode 0600), durable, from what @t
 * sees. Blocking; for a worker. */
int backup_write(const char *path, struct txn *t, const struct doc *head,
		 const unsigned char key[BACKUP_KEY],
		 const struct backup_group *groups, size_t n, struct err *err);

/* What a file holds, checked, in a database of its own below @dir. */
struct backup {
	struct arena *arena;
	const struct doc *head;
	unsigned char key[BACKUP_KEY];
	struct backup_group *groups;
	size_t n;
	char *dir; /* of the database: removed by backup_close */
	struct db *db;
};
/* Blocking. The commands are not applied yet. */
int backup_load(struct backup **ret, const char *path, const char *dir,
		struct err *err);
void backup_close(struct backup *b); /* NULL is fine */
