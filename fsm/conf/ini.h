/*
 * ini - the lines of an env file, kept as they are.
 *
 * The file is a list of pieces that together are its bytes: section headers,
 * keys (with their continuation lines) and everything between. Sections and
 * keys point at their pieces; an edit replaces, adds or drops one piece and
 * leaves the others alone.
 */
#pragma once

#include "fsm/conf/conf.h"

#define INI_MAX_SECTIONS 1024
#define INI_MAX_KEYS	 16384

enum piece_kind { PIECE_FILLER, PIECE_SECTION, PIECE_KEY };

struct piece {
	struct piece *prev, *next; /* conf::first */
	enum piece_kind kind;
	const char *raw; /* line ends included */
	size_t len;
	const struct ini_key *key; /* of a PIECE_KEY: whose it is */
};

struct ini_section;

struct ini_key {
	struct ini_key *next; /* ini_section::keys */
	struct ini_key *same; /* the one of this option before it */
	struct ini_section *section;
	const char *option, *scope; /* scope: lower-cased, "" if none */
	const char *value;	    /* trimmed, continuations after '\n' */
	struct piece *piece;
	unsigned line;
	bool gone; /* unset */
};

struct ini_section {
	const char *name;
	unsigned line;	    /* of its first header */
	bool gone;	    /* unset */
	uint64_t options;   /* a bit per name of its options, not exact */
	struct piece *tail; /* its last header or key: new keys go after it */
	struct ini_key *keys, *last;
};

struct conf {
	struct arena *arena;
	struct keywords *keywords; /* shared (conf_share), or NULL */
	struct piece *first, *last;
	struct ini_section **sections; /* in file order, merged by name */
	size_t n, cap;
	size_t n_keys;
	struct ini_slot *slots; /* sections, options and keys by name */
	size_t n_slots, cap_slots;
};

struct ini_section *ini_section(const struct conf *c, const char *name);
/* Of duplicates the last one, which is the one that counts. NULL if none. */
struct ini_key *ini_key(const struct conf *c, const struct ini_section *s,
			const char *option, const char *scope);
/* Its last key under any scope, for a walk along `same`; it may be gone. NULL
 * if there never was one. */
struct ini_key *ini_option(const struct conf *c, const struct ini_section *s,
			   const char *option);
/* False: there is no such option under any scope (true may be stale). */
bool ini_has_option(const struct conf *c, const struct ini_section *s,
		    const char *option);

struct ini_section *ini_section_add(struct conf *c, const char *name);
/* Forgets it and its keys; their pieces are the caller's to drop. */
void ini_section_drop(struct conf *c, struct ini_section *s);
struct ini_key *ini_key_add(struct conf *c, struct ini_section *s,
			    const char *option, const char *scope);
/* Puts the lines of @k after @after, where its section then ends. */
void ini_key_put(struct conf *c, struct ini_key *k, struct piece *after,
		 const char *raw, size_t len);
struct piece *ini_piece_after(struct conf *c, struct piece *after,
			      enum piece_kind kind, const char *raw,
			      size_t len);
void ini_piece_drop(struct conf *c, struct piece *p);
