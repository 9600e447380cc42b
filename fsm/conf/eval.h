/*
 * eval - one value of an env file, for one node.
 *
 *     scoping ──▶ inheritance ──▶ default ──▶ references ──▶ conversion
 *
 * Where in a section to look comes from spec 1.4: the first scope that is
 * there and holds for the node. Then the other section (DEFAULT or leaf), then
 * the keyword's default.
 */
#pragma once

#include "fsm/conf/ini.h"
#include "fsm/conf/keyword.h"

#define EVAL_MAX_DEPTH 32	   /* references within references */
#define EVAL_MAX_VALUE (64 * 1024) /* added by references to one value */
/* Of one struct eval: references, each 64 bytes of what they inserted, and each
 * 16 bytes of expressions. */
#define EVAL_MAX_STEPS (256 * 1024)

struct eval {
	struct arena *arena;
	const struct conf *conf;
	const char *service;
	struct keywords *keywords;
	const struct ini_section *head; /* DEFAULT, or NULL */
	const char *at_name;		/* the section looked up last: */
	const struct ini_section *at;

	const char *node; /* "": nobody, only what has no scope */
	/* Which scope words hold for it. */
	bool in_nodes, in_drpnodes, in_encapnodes;
	bool is_flex_primary, is_drp_flex_primary;
	struct names nodes, drpnodes, encapnodes; /* without any scope */
	const char *nodes_here; /* what {nodes} is, whatever the file says */

	size_t steps;	  /* spent on references */
	const char *note; /* what a person should know of a value, or NULL:
			     the first since the caller cleared it */
	unsigned depth;
	struct frame {
		const char *section, *option;
	} stack[EVAL_MAX_DEPTH];
};

/* Reads the node lists and works out which scopes hold for @node (NULL or "":
 * none). The lists may be empty: callers that need them insist. */
int eval_init(struct eval *e, struct arena *a, const struct conf *c,
	      const char *service, const char *node, struct err *err);
/* The same file and lists for another node. */
int eval_switch(struct eval *e, const char *node, struct err *err);

/* The line of an option, or of a keyword under any of its spellings and in
 * whichever section it is inherited from, that counts for this node; NULL if
 * there is none. */
const struct ini_key *eval_line(const struct eval *e, const char *section,
				const char *option);
const struct ini_key *eval_row_line(const struct eval *e, const char *section,
				    const struct keyword *row);

/* The value of one keyword: 0, 1 if it is unset, or negative with a sentence
 * that names the keyword. @ret_line: the line it is from, or NULL. */
int eval_value(struct eval *e, const char *section, const struct keyword *row,
	       struct value *ret, const struct ini_key **ret_line,
	       struct err *err);
/* Likewise for any option: without a row it is text. */
int eval_option(struct eval *e, const char *section, const char *option,
		struct value *ret, struct err *err);
/* Of a keyword of DEFAULT; where it is unset, @ret is empty. */
int eval_head(struct eval *e, const char *name, struct value *ret,
	      struct err *err);
/* The text of one line as it stands, whether or not its scope holds. */
int eval_text(struct eval *e, const char *section, const char *option,
	      const char *text, struct value *ret, struct err *err);

/* The driver of a resource's section, as this node sees it; "" if it has no
 * default and none is given. */
int eval_type(struct eval *e, const char *section, const char **ret,
	      struct err *err);
/* The row for @option in a section of that type, or NULL. */
const struct keyword *eval_row(struct eval *e, const char *section,
			       const char *type, const char *option);
/* Does the resource belong to the containers? By `encap` or its tag. */
int eval_encap(struct eval *e, const char *section, bool *ret, struct err *err);

/* depends.c: does @row mean something in that section, for this node? */
bool eval_depends(struct eval *e, const char *section, const char *type,
		  const struct keyword *row);

/* Keeps the first note. */
void eval_note(struct eval *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* reference.c: @text with its references replaced, as seen in @section.
 * @lenient: one that cannot be worked out stays as it is. */
int eval_expand(struct eval *e, const char *section, const char *text,
		bool lenient, const char **ret, struct err *err);
