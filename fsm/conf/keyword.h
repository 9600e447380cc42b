/*
 * keyword - one row for everything that may stand left of a '='.
 *
 * Validation, evaluation and the manual come from these rows. To add a keyword:
 * add its row to keywords.c (KW_LATER until something acts upon it), have its
 * driver ask for it, and run the golden tests once with GOLDEN_UPDATE=1, which
 * writes docs/keywords.md.
 */
#pragma once

#include "fsm/conf/convert.h"

enum inherit {
	LEAF_HEAD, /* the section, then DEFAULT */
	HEAD_LEAF, /* DEFAULT, then the section */
	LEAF,	   /* the section alone */
	HEAD,	   /* DEFAULT alone */
};

#define KW_REQUIRED 1 /* of every node that evaluates it */
#define KW_NO_SCOPE 2
#define KW_ANY_WORD 4  /* the candidates are advice */
#define KW_COMMAND  8  /* a reference that fails stays as it is */
#define KW_LATER    16 /* read and kept; this version does nothing by it */

struct keyword {
	const char *group; /* "DEFAULT", "subset", "fs", or "*": resources */
	const char *types; /* blank-separated; NULL: every type */
	const char *name;
	enum conv conv;
	const char *fallback; /* may hold references; NULL: unset */
	unsigned flags;
	enum inherit inherit;
	const char *candidates; /* blank-separated; NULL: any text */
	const char *aliases;	/* older spellings, blank-separated */
	const char *head;	/* its name in DEFAULT, if it is another */
	const char *help;	/* one line */
};

extern const struct keyword keyword_table[];
extern const size_t keyword_count;

/* What sections there are, and which of their types this version drives. */
struct group {
	const char *name;
	int rank;	       /* in a start; -1: data, nothing is started */
	const char *type;      /* the default; NULL: must be given */
	const char *drivers;   /* of this version, blank-separated */
	const char *old_types; /* "lvm=vg ...": older spellings of types */
	bool bare;	       /* a section without '#' is allowed */
	bool optional;	       /* the default of that keyword */
};

extern const struct group group_table[];
extern const size_t group_count;
const struct group *group_find(const char *name);

/* A section's name taken apart. */
struct section_id {
	const struct group *group; /* NULL: DEFAULT, env ... or not known */
	const char *index;	   /* after '#', "" if none */
	const char *type;	   /* that an old kind such as [lv#1] implies */
};
struct section_id section_id(struct arena *a, const char *section);
/* DEFAULT, env, labels, data, metadata, subset#... */
bool section_is_special(const char *section);
/* A resource that can be started: its group has a rank. */
bool section_is_resource(const struct section_id *id);

/* -- looking rows up ---------------------------------------------------- */

/* Rows by name and alias; made once per evaluation. */
struct keywords {
	struct keyword_ref {
		const char *name;
		const struct keyword *row;
	} * at;
	size_t n;
};
struct keywords keywords_index(struct arena *a);

/* The row for @name (or an alias) in a section of @group and @type; a row of
 * the type wins over one of the group, that over one of all resources. */
const struct keyword *keyword_find(const struct keywords *k, const char *group,
				   const char *type, const char *name);
/* Does @row count for this group and type: no row is more specific? */
bool keyword_counts(const struct keywords *k, const struct keyword *row,
		    const char *group, const char *type);
/* May @name stand in DEFAULT for the resources that inherit it? */
bool keyword_is_inherited(const char *name);
/* "" or "; did you mean ...?". */
const char *keyword_hint(struct arena *a, const char *group, const char *types,
			 const char *name);
bool keyword_applies(const struct keyword *row, const char *group,
		     const char *type);
