/*
 * rev - revisions and drafts, as commands show them.
 */
#pragma once

#include "cli/command.h"

/* Long enough to be told apart, short enough to be typed. */
#define REV_DIGITS 12

/* The document of a revision of @name ("HEAD~2", the first digits of an id,
 * NULL: the head). */
int rev_fetch(struct cli *c, const char *name, const char *word,
	      struct doc **ret);
/* Of one that may not be there any more: NULL without a word. */
struct doc *rev_fetch_quietly(struct cli *c, const char *name,
			      const char *word);
/* --if-rev as a whole id, or NULL where it is not given. */
int rev_expected(struct cli *c, const char *name, const char **ret);
const char *rev_text(const struct doc *revision);

const char *rev_short(struct arena *a, const char *id);
/* "root@hv1", "root@vm1 (encap)" */
const char *rev_author(struct arena *a, const struct doc *by);

/* To @to what @new makes of @old: by meaning, or line by line where one of them
 * is no env file. Nothing where they are equal. */
void rev_print_diff(struct cli *c, FILE *to, const char *old, const char *new);
/* The same as a document. */
struct doc *rev_diff_doc(struct arena *a, const char *old, const char *new);

/* What stands against an edit, and the commands that end it: of an answer with
 * CLI_CONFLICT (docs/api.md). Returns its code. */
int rev_refused(struct cli *c, const char *name, const struct reply *r);
/* Of such an answer, or of a draft: the keys that both sides changed. */
void rev_print_keys(struct cli *c, FILE *to, const struct doc *data);
/* The id of the head that came of it, with a word where that is a merge. */
int rev_done(struct cli *c, const char *name, const struct reply *r);
/* On c->err, what the cluster would do after these requests ([{op, ...}], as
 * docs/api.md has "plan"); nothing where that is nothing. One that would be
 * refused is said, and its code returned; of a conflict the code alone, as the
 * request itself will tell it and keep the text. */
int rev_print_plan(struct cli *c, struct doc *requests);
/* Sends the edit @op of the first argument, with --comment and its author, and
 * says what came of it: rev_done() or rev_refused(). */
int rev_send(struct cli *c, const char *op, struct doc *args);
/* The first letter, a small one, of what a person at a terminal answers: 'y'
 * for Enter, 'n' for the end of the input; 0 where nobody is there. */
char rev_ask(const struct cli *c, const char *question);
/* Yes, unless a person at a terminal says no; --yes asks nobody. */
bool rev_confirm(struct cli *c, const char *question);
/* The one file that offers the service @name (cmd_draft.c). */
int draft_offer(struct cli *c, const char *name, const char **ret_id,
		const char **ret_text);
