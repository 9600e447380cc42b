#include "cli/show/output.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "cli/show/text.h"

/* -- paths -------------------------------------------------------------- */

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* Takes "[...]" at *path apart: @name for ["..."], else @index; -1: every
 * item. */
static bool take_bracket(struct arena *a, const char **path, const char **name,
			 long *index)
{
	const char *p = *path + 1, *close;
	char *end;

	*name = NULL;
	*index = -1;
	if (*p == '"') {
		close = strstr(p + 1, "\"]");
		if (!close)
			return false;
		*name = arena_printf(a, "%.*s", (int)(close - p - 1), p + 1);
		*path = close + 2;
		return true;
	}
	if (*p != ']') {
		*index = strtol(p, &end, 10);
		if (end == p || *index < 0)
			return false;
		p = end;
	}
	if (*p != ']')
		return false;
	*path = p + 1;
	return true;
}

/* ".name" or "name" at *path. */
static bool take_name(struct arena *a, const char **path, const char **name)
{
	const char *p = *path + (**path == '.');
	size_t n = 0;

	while (is_name(p[n]))
		n++;
	*name = arena_printf(a, "%.*s", (int)n, p);
	*path = p + n;
	return n > 0;
}

/* NULL if it is a path, else the place where it is none. */
static const char *path_mistake(const char *path)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *name, *at = path;
	long index;

	if (strcmp(path, ".") == 0)
		return NULL;
	while (*at) {
		const char *was = at;
		bool ok = *at == '[' ? take_bracket(a, &at, &name, &index)
				     : (at == path || *at == '.') &&
					       take_name(a, &at, &name);

		if (!ok)
			return was;
	}
	return NULL;
}

static void find_all(struct arena *a, const struct doc *d, const char *path,
		     struct doc *found)
{
	const char *name = NULL;
	long index = 0;

	while (d && *path) {
		if (*path != '[') {
			if (!take_name(a, &path, &name))
				return;
			d = doc_get(d, name);
			continue;
		}
		if (!take_bracket(a, &path, &name, &index))
			return;
		if (!name && index < 0) {
			for (size_t i = 0; i < doc_len(d); i++)
				find_all(a, doc_at(d, i), path, found);
			return;
		}
		if (name)
			d = doc_get(d, name);
		else
			d = (size_t)index < doc_len(d)
				    ? doc_at(d, (size_t)index)
				    : NULL;
	}
	if (d)
		doc_add(a, found, doc_copy(a, d));
}

const struct doc *output_find(struct arena *a, const struct doc *d,
			      const char *path)
{
	struct doc *found = doc_list(a);

	if (strcmp(path, ".") == 0)
		return d;
	find_all(a, d, path, found);
	if (doc_len(found) == 0)
		return NULL;
	return strstr(path, "[]") ? found : doc_at(found, 0);
}

/* -- what was asked for ------------------------------------------------- */

static int columns_check(const char *text, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();

	do {
		size_t n = strcspn(text, ",");
		const char *column = arena_printf(a, "%.*s", (int)n, text);
		const char *path = strchr(column, ':'), *bad;

		if (!path || path == column || !path[1])
			return err_set(err, -EINVAL,
				       "'%s' is no column of a table: it is "
				       "COLUMN:.path, as in NODE:.name",
				       column);
		bad = path_mistake(path + 1);
		if (bad)
			return err_set(
				err, -EINVAL,
				"'%s' is no path, from '%s' on: it is "
				"made of .name, [\"any name\"], [number] "
				"and [] for every item",
				path + 1, bad);
		text += n + (text[n] == ',');
	} while (*text);
	return 0;
}

int output_parse(const char *text, struct output *ret, struct err *err)
{
	static const struct {
		const char *word;
		enum output_format format;
	} words[] = {
		{ "text", OUTPUT_TEXT },
		{ "json", OUTPUT_JSON },
		{ "yaml", OUTPUT_YAML },
		{ "flat", OUTPUT_FLAT },
	};

	*ret = (struct output){ .format = OUTPUT_TEXT };
	if (!text)
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i].word) != 0)
			continue;
		ret->format = words[i].format;
		return 0;
	}
	if (strncmp(text, "tab=", 4) != 0)
		return err_set(err, -EINVAL,
			       "unknown output format '%s': json, yaml, flat, "
			       "tab=COLUMN:.path,... or text",
			       text);
	ret->format = OUTPUT_TAB;
	ret->columns = text + 4;
	return columns_check(ret->columns, err);
}

/* -- flat ------------------------------------------------------------------ */

static void flat_key(struct buf *b, const char *key)
{
	size_t n = 0;

	while (is_name(key[n]))
		n++;
	if (n > 0 && !key[n])
		buf_printf(b, ".%s", key);
	else
		buf_printf(b, "[\"%s\"]", key);
}

static void flat_print(FILE *out, struct arena *a, const struct doc *d,
		       const char *path)
{
	bool is_map = d->type == DOC_MAP;
	struct buf value = BUF(a);

	if (doc_len(d) == 0) {
		doc_json(&value, d, 0);
		fprintf(out, "%s = %s\n", *path ? path : ".", buf_text(&value));
		return;
	}
	for (size_t i = 0; i < doc_len(d); i++) {
		struct buf b = BUF(a);

		buf_puts(&b, path);
		if (is_map)
			flat_key(&b, doc_at(d, i)->key);
		else
			buf_printf(&b, "[%zu]", i);
		flat_print(out, a, doc_at(d, i), buf_text(&b));
	}
}

/* -- tab ----------------------------------------------------------------- */

/* A text as it is, anything else as JSON; of a list, its items. */
static void cell_put(struct buf *b, const struct doc *d)
{
	if (!d || d->type == DOC_NIL)
		return;
	if (d->type == DOC_STR) {
		buf_puts(b, d->str.data);
		return;
	}
	if (d->type != DOC_LIST) {
		doc_json(b, d, 0);
		return;
	}
	for (size_t i = 0; i < doc_len(d); i++) {
		if (i)
			buf_puts(b, ",");
		cell_put(b, doc_at(d, i));
	}
}

static const char *cell_of(struct arena *a, const struct doc *row,
			   const char *path)
{
	struct buf b = BUF(a);

	cell_put(&b, output_find(a, row, path));
	return buf_text(&b);
}

static size_t columns_split(struct arena *a, const char *text,
			    const char **heads, const char **paths)
{
	size_t cols = 0;

	do {
		size_t n = strcspn(text, ","), head = strcspn(text, ":");

		heads[cols] = arena_printf(a, "%.*s", (int)head, text);
		paths[cols++] = arena_printf(a, "%.*s", (int)(n - head - 1),
					     text + head + 1);
		text += n + (text[n] == ',');
	} while (*text);
	return cols;
}

static const struct doc *rows_of(const struct doc *d, const char *rows)
{
	const struct doc *list;

	if (d->type == DOC_LIST)
		return d;
	if (!rows && doc_len(d) == 1)
		list = doc_at(d, 0);
	else
		list = rows ? doc_get(d, rows) : NULL;
	return list && list->type == DOC_LIST ? list : NULL;
}

static void tab_print(FILE *out, struct arena *a, const struct output *o,
		      const struct doc *d, const char *rows)
{
	size_t max = strlen(o->columns) + 1;
	const char **heads = ARENA_VEC(a, const char *, max);
	const char **paths = ARENA_VEC(a, const char *, max);
	const char **cells = ARENA_VEC(a, const char *, max);
	const struct doc *list = rows_of(d, rows);
	static const struct term plain = { 0 };
	struct text_table t = { .arena = a };
	size_t n = list ? doc_len(list) : 1;

	t.n_cols = columns_split(a, o->columns, heads, paths);
	if (!o->later)
		text_table_add(&t, heads);
	for (size_t i = 0; i < n; i++) {
		const struct doc *row = list ? doc_at(list, i) : d;

		for (size_t k = 0; k < t.n_cols; k++)
			cells[k] = cell_of(a, row, paths[k]);
		text_table_add(&t, cells);
	}
	text_table_print(&t, &plain, out);
}

/* -- yaml: emitted by libyaml ------------------------------------------- */

struct yaml {
	yaml_emitter_t emitter;
	bool failed;
};

static void yaml_put(struct yaml *y, yaml_event_t *e, int made)
{
	/* Emitting takes the event over, even when it fails. */
	if (!made || !yaml_emitter_emit(&y->emitter, e))
		y->failed = true;
}

/* Would a reader take this plain text for something else than a text? */
static bool is_plain_text(const char *s)
{
	static const char *const words[] = { "true", "false", "yes", "no",
					     "on",   "off",   "y",   "n",
					     "null", "nan",   "inf" };

	if (!isalpha((unsigned char)*s) && *s != '/')
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(s, words[i]) == 0)
			return false;
	return true;
}

static void yaml_scalar(struct yaml *y, const char *text, bool is_text)
{
	yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;
	yaml_event_t e;

	if (is_text && strchr(text, '\n'))
		style = YAML_LITERAL_SCALAR_STYLE;
	else if (is_text && !is_plain_text(text))
		style = YAML_SINGLE_QUOTED_SCALAR_STYLE;
	yaml_put(y, &e,
		 yaml_scalar_event_initialize(&e, NULL, NULL,
					      (const yaml_char_t *)text,
					      (int)strlen(text), 1, 1, style));
}

static void yaml_value(struct yaml *y, struct arena *a, const struct doc *d)
{
	struct buf b = BUF(a);
	yaml_event_t e;

	if (d->type == DOC_MAP) {
		yaml_put(y, &e,
			 yaml_mapping_start_event_initialize(
				 &e, NULL, NULL, 1, YAML_ANY_MAPPING_STYLE));
		for (size_t i = 0; i < doc_len(d); i++) {
			yaml_scalar(y, doc_at(d, i)->key, true);
			yaml_value(y, a, doc_at(d, i));
		}
		yaml_put(y, &e, yaml_mapping_end_event_initialize(&e));
	} else if (d->type == DOC_LIST) {
		yaml_put(y, &e,
			 yaml_sequence_start_event_initialize(
				 &e, NULL, NULL, 1, YAML_ANY_SEQUENCE_STYLE));
		for (size_t i = 0; i < doc_len(d); i++)
			yaml_value(y, a, doc_at(d, i));
		yaml_put(y, &e, yaml_sequence_end_event_initialize(&e));
	} else if (d->type == DOC_STR) {
		yaml_scalar(y, d->str.data, true);
	} else if (d->type == DOC_BIN) {
		doc_json(&b, d, 0); /* hexadecimal digits, in quotes */
		b.data[b.len - 1] = '\0';
		yaml_scalar(y, b.data + 1, true);
	} else {
		doc_json(&b, d, 0);
		yaml_scalar(y, buf_text(&b), false);
	}
}

static void yaml_print(FILE *out, struct arena *a, const struct doc *d)
{
	struct yaml y = { 0 };
	yaml_event_t e;

	if (!yaml_emitter_initialize(&y.emitter))
		abort(); /* out of memory */
	yaml_emitter_set_output_file(&y.emitter, out);
	yaml_emitter_set_unicode(&y.emitter, 1);
	yaml_emitter_set_width(&y.emitter, -1);
	yaml_put(&y, &e,
		 yaml_stream_start_event_initialize(&e, YAML_UTF8_ENCODING));
	yaml_put(&y, &e,
		 yaml_document_start_event_initialize(&e, NULL, NULL, NULL, 0));
	yaml_value(&y, a, d);
	yaml_put(&y, &e, yaml_document_end_event_initialize(&e, 1));
	yaml_put(&y, &e, yaml_stream_end_event_initialize(&e));
	if (y.failed && !ferror(out))
		fprintf(out, "# not shown whole: %s\n",
			y.emitter.problem ? y.emitter.problem : "no memory");
	yaml_emitter_delete(&y.emitter);
}

void output_print(FILE *out, struct arena *a, const struct output *o,
		  const struct doc *d, const char *rows)
{
	struct buf b = BUF(a);

	switch (o->format) {
	case OUTPUT_JSON:
		doc_json(&b, d, o->stream ? 0 : 2);
		fprintf(out, "%s\n", buf_text(&b));
		break;
	case OUTPUT_YAML:
		yaml_print(out, a, d);
		break;
	case OUTPUT_FLAT:
		flat_print(out, a, d, "");
		break;
	case OUTPUT_TAB:
		tab_print(out, a, o, d, rows);
		break;
	case OUTPUT_TEXT:
		break;
	}
}
