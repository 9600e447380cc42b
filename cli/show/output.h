/*
 * output - one document in the formats of -o.
 *
 *     json   as it is, indented; on one line where there is a stream of them
 *     yaml   the same, one document after the other
 *     flat   a line per value: .instances.hv1.avail = "up"
 *     tab=COLUMN:.path,...
 *            a table: a line per item of the list that the command shows
 *            (nodes, services, events), or one for the whole document
 *
 * A path is made of .name, ["any name"] and [number]; [] stands for every item,
 * and the values that it finds are joined by commas. What is not there is
 * empty. flat writes the same paths.
 */
#pragma once

#include <stdio.h>

#include "fsm/base/doc.h"

enum output_format {
	OUTPUT_TEXT, /* made by the command itself */
	OUTPUT_JSON,
	OUTPUT_YAML,
	OUTPUT_FLAT,
	OUTPUT_TAB,
};

struct output {
	enum output_format format;
	const char *columns; /* of tab: "NODE:.name,STATE:.state" */
	bool stream;	     /* one of several: json on one line, */
	bool later;	     /* tab without a heading but for the first */
};

/* What -o was given; NULL is text. -EINVAL with a sentence. */
int output_parse(const char *text, struct output *ret, struct err *err);
/* Writes @d; not of OUTPUT_TEXT. @rows is the key of the list whose items are
 * the lines of a table, "" if @d is the only one; NULL: if @d holds nothing but
 * one list it is that. */
void output_print(FILE *out, struct arena *a, const struct output *o,
		  const struct doc *d, const char *rows);

/* The value at @path: of several, a list; NULL if there is none. */
const struct doc *output_find(struct arena *a, const struct doc *d,
			      const char *path);
