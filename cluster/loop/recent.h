/*
 * recent - texts that stood in an env file a moment ago, and whether an edit
 * was made of one of them.
 *
 * `sed -i` reads the file, and puts a new one in its place some milliseconds
 * later. If another revision was written in between, what it saves is an edit
 * of the text before: to take it as one of the new text would undo, without a
 * word, what that brought. It shows: nothing of what the new text brought is
 * in it, and what that took away is. No file times, no clock; blocking
 * nowhere.
 */
#pragma once

#include <stdint.h>

#include "cluster/loop/envfile.h"

/* Later than that, who undoes a change means to; editors that were open for
 * longer ask before they write over a file that has changed. */
#define RECENT_MS   2000
#define RECENT_KEPT 8

struct recent {
	struct known text[RECENT_KEPT]; /* the newest first */
	uint64_t until_ms[RECENT_KEPT]; /* it stood in the file */
};

void recent_fini(struct recent *r); /* leaves it empty */
/* @was stood there until now. */
void recent_add(struct recent *r, const struct known *was, uint64_t now_ms);
/* What @text, which came to be there at @seen_ms, was made of: @last, the one
 * that stood there, or one of before. Who puts one of before back as it was
 * means that. What is given lives as long as @r and @last do. */
const struct known *recent_base(const struct recent *r,
				const struct known *last, const char *text,
				size_t len, uint64_t seen_ms);
