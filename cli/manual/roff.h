/*
 * roff - text for man(1), one element at a time.
 *
 * What is handed in is plain text; everything that the formatter would take
 * for a request or an escape is written so that it does not. Elements begin on
 * a line of their own.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

/* The header of a page: "ENCAP-STATUS" "1". */
void roff_page(FILE *f, const char *title, const char *section,
	       const char *heading);
void roff_section(FILE *f, const char *title);	  /* .SH */
void roff_subsection(FILE *f, const char *title); /* .SS */
/* A new paragraph begins. */
void roff_paragraph(FILE *f);
/* A paragraph with a tag hanging before it; the tag is what is written until
 * roff_body(). */
void roff_tag(FILE *f);
void roff_body(FILE *f);
void roff_bullet(FILE *f);
/* Lines as they are, in between. */
void roff_literal_begin(FILE *f);
void roff_literal_line(FILE *f, const char *text, size_t len);
void roff_literal_end(FILE *f);
/* Running text: no line end is written. */
void roff_text(FILE *f, const char *text, size_t len);
void roff_bold(FILE *f, const char *text, size_t len);
void roff_italic(FILE *f, const char *text, size_t len);
/* Sentences of the tables: words that begin with a dash are bold, and the line
 * is ended. */
void roff_prose(FILE *f, const char *text);
