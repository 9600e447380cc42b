/*
 * expr - the arithmetic of values: what stands in $(...).
 *
 *     or  and  not  == != < <= > >= in, not in  |  ^  &  + -  * / // %  -x  **
 *
 * from the loosest to the tightest, with the meaning that they have in Python,
 * which is what they were read by. Operands are numbers, "texts", bare words
 * (texts, too), lists (a, b) and [a, b], true, false and none. A division of
 * integers that leaves no rest is an integer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "fsm/base/arena.h"
#include "store/err.h"

#define EXPR_MAX_LEN   4096
#define EXPR_MAX_DEPTH 16 /* of brackets and of operators before operands */

#define EXPR_NONE 1 /* no expression: the text stays as it is */

struct expr {
	const char *text; /* true, false, none, 12, 1.5, a text; a list as
			     words. Or why it is no expression */
	const char *end;  /* behind the closing bracket, or where it ends */
	bool has_words;	  /* a bare word or a text is in it */
	bool is_word;	  /* it is a bare word and nothing else */
};

/* The expression that begins at @text, behind its "$(". 0, EXPR_NONE, or
 * -EINVAL if it is one and has no value. @ret is set in any case. */
int expr_eval(struct arena *a, const char *text, struct expr *ret,
	      struct err *err);
