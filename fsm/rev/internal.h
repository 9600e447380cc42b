/*
 * internal - shared by the files of this folder.
 */
#pragma once

#include "fsm/conf/ini.h"
#include "fsm/rev/lines.h"
#include "fsm/rev/merge.h"

/* Texts as numbers: equal ones have the same, from 1. Room for @n of them. */
struct interner {
	struct line_span *slots; /* len 0: free; no text is empty */
	uint32_t *ids;
	size_t mask;
	uint32_t next;
};
struct interner interner_for(struct arena *a, size_t n);
uint32_t intern(struct interner *in, const struct line_span *text);

/* -- an env file as a row of things that have a name -------------------- */

enum unit_kind { UNIT_FILLER, UNIT_SECTION, UNIT_KEY };

/* A section's header, a key with all its lines, or one line between. */
struct unit {
	enum unit_kind kind;
	struct line_span id; /* equal: the same thing, whatever it holds */
	struct line_span raw;
	const struct ini_key *key; /* of a UNIT_KEY */
	const char *section;	   /* of a UNIT_SECTION */
};

struct units {
	struct unit *at;
	size_t n;
};
void units_of(struct arena *a, const struct conf *c, struct units *ret);
bool unit_is_blank(const struct unit *u);

/* -- what must come of a merge ------------------------------------------- */

enum side { SIDE_BASE, SIDE_OURS, SIDE_THEIRS, SIDES };

struct wanted_key {
	const char *section, *option, *scope;
	const char *value; /* NULL: not there */
};

struct wanted_section {
	const char *name;
	bool there;
};

struct wanted {
	struct conf *conf[SIDES];
	struct wanted_key *keys;
	size_t n_keys;
	struct wanted_section *sections;
	size_t n_sections;
};

const char *conf_value(const struct conf *c, const char *section,
		       const char *option, const char *scope);
/* Is this the line that counts, of those with its name? */
bool key_counts(const struct conf *c, const struct ini_key *k);
bool values_equal(const char *a, const char *b); /* either may be NULL */

/* All that has a meaning put together, laid out as both sides have it where
 * that goes; it need not be what is wanted. merge_layout.c */
const char *layout_merged(struct arena *a, const struct wanted *w);
