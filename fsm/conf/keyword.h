/*
 * keyword - one row for everything that may stand left of a '='.
 *
 * Validation, evaluation, import, `encap explain` and the manual come from
 * these rows. To add a keyword: add its row to the keywords_*.c of its group
 * (KW_LATER until something acts upon it), have its driver ask for it, and run
 * the golden tests once with GOLDEN_UPDATE=1, which writes docs/keywords.md.
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

/* Which agents know it. 0: OpenSVC 1, 2 and 3, and this one. */
#define FROM_V1	  1
#define FROM_V2	  2
#define FROM_V3	  4
#define FROM_V12  (FROM_V1 | FROM_V2)
#define FROM_V23  (FROM_V2 | FROM_V3)
#define FROM_OURS 8 /* no OpenSVC has it */

struct keyword {
	const char *group; /* "DEFAULT", "subset", "fs", or "*": resources */
	const char *types; /* blank-separated; NULL: every type */
	const char *name;
	enum conv conv;
	unsigned flags;
	const char *help;	/* one line, no full stop; it is in messages */
	const char *more;	/* sentences, behind the help; or NULL */
	const char *fallback;	/* may hold references; NULL: unset */
	const char *candidates; /* blank-separated, or comma-separated if they
				 * have blanks; NULL: any text */
	/* "mode=bridge,macvlan alias": means something only where these
	 * keywords of its section have one of these values (or any); all of
	 * them. NULL: always. */
	const char *depends;
	enum inherit inherit;
	const char *aliases; /* older spellings, blank-separated */
	const char *head;    /* its name in DEFAULT, if it is another */
	unsigned from;	     /* FROM_... */
	int since;	     /* version of the state; 0: always */
};

/* Tables of rows, each up to a row without a name; the last one is NULL. */
extern const struct keyword *const keyword_parts[];

/* Every row, in order. A `break` goes on with the next table. */
#define KEYWORDS_EACH(row)                                                     \
	for (const struct keyword *const *row##_part = keyword_parts;          \
	     *row##_part; row##_part++)                                        \
		for (const struct keyword *row = *row##_part; row->name; row++)

/* What sections there are, and which of their types this version drives. */
struct group {
	const char *name;
	int rank;	       /* in a start; -1: data, nothing is started */
	const char *type;      /* the default; NULL: must be given */
	const char *drivers;   /* of this version, blank-separated */
	const char *old_types; /* "lvm=vg ...": older spellings of types */
	bool bare;	       /* a section without '#' is allowed */
	bool optional;	       /* the default of that keyword */
	const char *help;      /* one line */
};

extern const struct group group_table[];
extern const size_t group_count;
const struct group *group_find(const char *name);
/* Has this version a driver for the type? */
bool group_drives(const struct group *g, const char *type);

/* The types of all groups, driven by this version or not. */
struct type {
	const char *group, *name;
	const char *help; /* one line */
	unsigned from;	  /* FROM_... */
};

extern const struct type type_table[]; /* up to a row without a group */
const struct type *type_find(const char *group, const char *name);
/* The current spelling of an older one ("lvm": "vg"); else @type itself. */
const char *type_current(struct arena *a, const struct group *g,
			 const char *type);
/* All types of the group; none: any word is one. */
struct names group_types(struct arena *a, const struct group *g);

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

/* Rows by name and alias; made once per evaluation, on @arena. */
struct keywords {
	struct arena *arena;
	struct keyword_ref {
		const char *name;
		const struct keyword *row;
		unsigned next; /* of the same bucket; 0: none */
	} * refs;
	unsigned *buckets;
	struct keyword_set_of *sets; /* that were asked for */
};
/* As of that version of the state (fsm/op/op.h); 0: all. */
struct keywords keywords_index(struct arena *a, int version);

/* The row for @name (or an alias) in a section of @group and @type; a row of
 * the type wins over one of the group, that over one of all resources. */
const struct keyword *keyword_find(const struct keywords *k, const char *group,
				   const char *type, const char *name);
/* Does @row count for this group and type: no row is more specific? */
bool keyword_counts(const struct keywords *k, const struct keyword *row,
		    const char *group, const char *type);
/* The rows that count for this group and type, in table order: those of the
 * group first, then those of all resources. */
struct keyword_set {
	const struct keyword **at;
	size_t n;
	size_t n_own; /* the first ones: of the group itself */
};
struct keyword_set keywords_of(struct keywords *k, const char *group,
			       const char *type);
/* May @name stand in DEFAULT for the resources that inherit it? */
bool keyword_is_inherited(const char *name);
/* The values that a row allows; none: any. */
struct names keyword_candidates(struct arena *a, const struct keyword *row);
/* The first word of a value of its that the row does not allow, or NULL. */
const char *keyword_not_allowed(struct arena *a, const struct keyword *row,
				const struct value *v);
/* "mode is bridge or macvlan and size is given"; "" if it depends on nothing.
 */
const char *depends_text(struct arena *a, const struct keyword *row);
/* "" or "; did you mean ...?". */
const char *keyword_hint(struct arena *a, const char *group, const char *types,
			 const char *name);
bool keyword_applies(const struct keyword *row, const char *group,
		     const char *type);
