/*
 * import - an env file of OpenSVC, key by key: what becomes of it here.
 *
 *     [conf of a file] ──import_look──▶ [import] ──import_text──▶ report
 *                                              └──import_doc───▶ document
 *
 * Files of OpenSVC 1, 2 and 3 are read as they are: nothing in them is changed
 * or dropped. What is told is what each line means here:
 *
 *     taken           it means here what it meant there
 *     translated      it is read under another spelling, or means something
 *                     that is said in another way here: the note says which
 *     not understood  it is kept, and has no effect: the note says why
 *
 * Whether the file can be a service is for conf_validate() to say.
 */
#pragma once

#include "fsm/conf/conf.h"

enum import_state {
	IMPORT_TAKEN,
	IMPORT_TRANSLATED,
	IMPORT_UNKNOWN,
	IMPORT_N,
};

const char *import_state_name(enum import_state s);

struct import_key {
	unsigned line;
	const char *key; /* "fs#1.mnt@hv1" */
	enum import_state state;
	const char *note; /* "" if there is nothing to say */
};

struct import {
	unsigned version;      /* of OpenSVC: 1, 2, 3; 0: 2 or 3 */
	struct import_key *at; /* in file order */
	size_t n;
	size_t count[IMPORT_N];
};

/* What a file is, by its path ("svc1.env", "namespaces/NS/svc/svc1.conf",
 * "cfg/x.conf", "node.conf"). */
struct import_file {
	const char *service; /* NULL: no service; then */
	const char *why;     /* what it is */
	unsigned version;    /* 1 by its name; 0: not known by that */
};
struct import_file import_file(struct arena *a, const char *path);

/* @version: of import_file(), or 0. @p: what conf_validate() found. */
void import_look(struct arena *a, const struct conf *c, unsigned version,
		 const struct problems *p, struct import *ret);
/* "OpenSVC 1", "OpenSVC 2 or 3", ... */
const char *import_version(const struct import *in);
void import_text(const struct import *in, struct buf *out);
/* {"version" (if it is known), "keys": [{"line","key","state","note"}],
 * "taken", "translated", "not_understood"} */
struct doc *import_doc(struct arena *a, const struct import *in);
