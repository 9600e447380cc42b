/*
 * envfile - one env file in the services' folder, and what is remembered of
 * it: reading, replacing without losing what somebody else wrote, putting
 * aside.
 *
 *     ETC/services/NAME.conf         the file that a person edits
 *     ETC/services/.NAME.conf.old    what was there, until it was looked at
 *     VAR/heads/NAME.head            what we wrote last, and its revision
 *
 * Blocking; no state of its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fsm/base/arena.h"
#include "store/err.h"

/* A text of an env file, and the revision that it is. */
struct known {
	char *rev, *text; /* owned; NULL: none */
	size_t len;
};
void known_set(struct known *k, const char *rev, const char *text, size_t len);
void known_fini(struct known *k); /* leaves none */
bool known_is(const struct known *k, const char *text, size_t len);

/* VAR/heads/NAME.head: what the file was last seen or made to be. While it is
 * being replaced, both what it was (prev) and what it becomes. Then, what the
 * old one should hold. */
#define RECORD_SUFFIX ".head"

struct record {
	struct known is, prev, old;
};
void record_fini(struct record *r);
/* 1 when there is none; one that cannot be read is an error. */
int record_load(const char *heads, const char *name, struct record *ret,
		struct err *err);
int record_save(const char *heads, const char *name, const struct record *r,
		struct err *err);
int record_remove(const char *heads, const char *name, struct err *err);

/* Changes whenever the file does. */
struct file_sig {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
};

enum found_kind {
	FOUND_NOTHING,
	FOUND_TEXT,
	FOUND_LARGE,	  /* more than an env file may have: not read */
	FOUND_ODD,	  /* a folder, a link to nothing ...: see the error */
	FOUND_UNREADABLE, /* now, at least: see the error */
};

struct found {
	enum found_kind kind;
	struct file_sig sig; /* all 0: nothing is there */
	uid_t uid;	     /* its owner */
	char *text;
	size_t len;
};

/* A text that says nothing. */
bool found_is_blank(const struct found *f);

const char *envfile_path(struct arena *a, const char *dir, const char *name);
const char *envfile_old(struct arena *a, const char *dir, const char *name);
/* Does somebody have it open for writing? false where that is not known.
 * SIGIO must be ignored: it comes to who asks when somebody wants to write at
 * the same moment. */
bool envfile_is_written(const char *path);
bool file_sig_equal(const struct file_sig *a, const struct file_sig *b);
void file_sig_of(const char *path, struct file_sig *ret);
void envfile_find(struct arena *a, const char *path, struct found *ret,
		  struct err *err);

/* Put @text in the file's place, with the mode and the owner that it had, and
 * what was there into the old one's (replacing that). @was: what was seen
 * there; NULL: nothing. 1: nothing was there. -EEXIST: something else is there
 * than what was seen. */
int envfile_put(const char *dir, const char *name, const struct file_sig *was,
		const char *text, size_t len, struct err *err);
/* Move what is no file from @path to a free name beside NAME.conf that no
 * service has, @ret_path on @a. */
int envfile_move_odd(struct arena *a, const char *dir, const char *name,
		     const char *path, const char **ret_path, struct err *err);
/* What is wrong with a FOUND_LARGE one of @size bytes, for people. */
const char *envfile_why_large(struct arena *a, const char *dir,
			      const char *name, uint64_t size);
/* Move the file into the old one's place. 1: there is none. */
int envfile_set_aside(const char *dir, const char *name, struct err *err);
