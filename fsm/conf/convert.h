/*
 * convert - the text of a value to what it stands for.
 *
 * The canonical text is what a reference inserts and people are shown; read
 * again, it gives the same value: lists with single blanks, durations with
 * their unit (s or ms), sizes in bytes, "true" and "false".
 */
#pragma once

#include "fsm/conf/conf.h"

enum conv {
	CONV_STRING,
	CONV_LIST,
	CONV_LIST_LOWER,
	CONV_LIST_COMMA, /* words that commas separate; empty ones are none */
	CONV_SET,	 /* list, each word once */
	CONV_SET_COMMA,
	CONV_NODES, /* list_lower of node names, each once */
	CONV_INTEGER,
	CONV_BOOLEAN,
	CONV_TRISTATE, /* boolean that knows when it was not said */
	CONV_DURATION, /* of seconds, if no unit is given */
	CONV_MINUTES,  /* duration of minutes, if no unit is given */
	CONV_SIZE,
	CONV_SPEED, /* size, "/s" behind it or not */
	CONV_SHLEX, /* checked here, split by who runs it */
	CONV_FLAGS, /* shlex with -it taken apart: -i -t */
};

struct value {
	const char *text;   /* canonical */
	struct names words; /* lists, sets and shlex */
	int64_t num;	    /* integer, ms, bytes; boolean 0 or 1 */
	bool is_percent;    /* a size such as 50%FREE: only text */
	const char *note;   /* what an older version made of it, or NULL */
};

#define CONV_MAX_NODES 256 /* of one list */

/* -EINVAL with what was expected (the keyword's name is not in it). */
int convert(struct arena *a, enum conv conv, const char *text,
	    struct value *ret, struct err *err);

/* "list", "duration", ... */
const char *conv_name(enum conv conv);

/* Split as a POSIX shell does: blanks, '', "", \. */
int shlex_split(struct arena *a, const char *text, struct names *ret,
		struct err *err);
/* Quoted where need be, so that it splits into these words again. */
const char *shlex_join(struct arena *a, const struct names *words);
