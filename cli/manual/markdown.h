/*
 * markdown - a document of docs/ as a manual page.
 *
 * Knows what those documents use: headings, paragraphs, lists, tables, code in
 * blocks and in lines, emphasis, links. A table becomes a list: the first cell
 * hangs before the last, which is prose; the cells in between follow it with
 * their headings.
 */
#pragma once

#include <stdio.h>

/* Writes the body of the page: no header, no NAME. The first heading of the
 * document is left out, it is the page's own. */
void markdown_page(FILE *f, const char *text);
