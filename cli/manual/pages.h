/*
 * pages - the manual, made from the tables and from docs/.
 *
 *     command_table, older_programs ──▶ encap.1, encap-VERB.1, svcmgr.1, ...
 *     docs/encapd.md ─────────────────▶ encapd.8
 *     docs/env-file.md, keywords.md ──▶ env.5
 *     docs/tutorial.md ───────────────▶ encap-tutorial.7
 */
#pragma once

#include <stdio.h>

#include "cli/command.h"
#include "store/err.h"

void pages_encap(FILE *f);
void pages_command(FILE *f, const struct command *k);
/* "svcmgr", "nodemgr", "svcmon". */
void pages_older(FILE *f, const char *program);

/* Writes all pages below @dir (man1/..., which is made). @docs: the folder. */
int pages_write(const char *dir, const char *docs, struct err *err);
