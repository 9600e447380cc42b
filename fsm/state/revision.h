/*
 * revision - how the texts of a service's history are kept.
 *
 * Most revisions differ from their neighbours in a line or two. So of each 32
 * in a row the last text is kept whole, and each other one as its difference
 * from the one after it, unless they have little in common. The head, which is
 * read most, is whole.
 *
 *  REVISION name 0 rev    {rev, parents[], at, author, comment, n, sum}; those
 *                          of older versions: config, and no TEXT
 *  TEXT     name 0 n      {config} or {delta} (lines_delta, from n + 1)
 *
 * For fsm/op; who reads asks state_revision().
 */
#pragma once

#include "fsm/state/state.h"

/* Add @row (with rev, parents, config ...) to the history of @service, whose
 * row in TABLE_SERVICE gets "revisions" and "head", and is not written. */
void revision_put(const struct state *s, struct doc *service, struct doc *row);

/* Forget what is beyond the number or, at the time @at (ms), the age that are
 * kept, but for the head and what a draft names. Updates "oldest" of the
 * service's row, which is not written. */
void revisions_prune(const struct state *s, struct doc *service, int64_t at);

/* A draft that named these is gone: what only it kept goes, too. */
void revisions_unpin(const struct state *s, const struct doc *service,
		     const struct doc *draft);

bool revision_known(const struct state *s, const char *service,
		    const char *rev);
/* When it was made; @fallback if it is not known. */
int64_t revision_time(const struct state *s, const char *service,
		      const char *rev, int64_t fallback);

/* The newest revision of exactly this text, or NULL. */
const char *revision_of_text(const struct state *s, const char *service,
			     const char *config);
