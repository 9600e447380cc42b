/*
 * Why a value is what it is: the line that gave it, and those that it beat.
 *
 *     lines of the keyword ──▶ the one that eval.c takes ──▶ "line", "scope"
 *     (any spelling, section           │
 *      or DEFAULT, any scope)          └─ the others ──▶ "beat", each with why
 *
 * Each value is worked out a second time with the node lists as OpenSVC saw
 * them on that node (docs/decisions/scope-nodes.md); what differs is told.
 */
#include <errno.h>
#include <string.h>

#include "fsm/conf/eval.h"
#include "fsm/conf/text.h"

struct why {
	struct arena *arena;
	struct eval e;
	struct eval old; /* what OpenSVC took for the node lists */
};

/* One keyword of one section, with or without a row. */
struct asked {
	const char *section, *option;
	const struct keyword *row;
	const struct ini_key *line; /* that counts; NULL: none */
};

/* -- why a line counts, or does not ---------------------------------------- */

static const char *scope_why(const struct eval *e, const char *scope,
			     bool *ret_holds)
{
	const struct {
		const char *word;
		bool holds;
		const char *yes, *no;
	} words[] = {
		{ "nodes", e->in_nodes, "is in nodes", "is not in nodes" },
		{ "drpnodes", e->in_drpnodes, "is in drpnodes",
		  "is not in drpnodes" },
		{ "encapnodes", e->in_encapnodes, "is in encapnodes",
		  "is not in encapnodes" },
		{ "flex_primary", e->is_flex_primary, "is the flex_primary",
		  "is not the flex_primary" },
		{ "drp_flex_primary", e->is_drp_flex_primary,
		  "is the drp_flex_primary", "is not the drp_flex_primary" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!text_equal(words[i].word, scope))
			continue;
		*ret_holds = words[i].holds;
		return arena_printf(
			e->arena, "%s %s", *e->node ? e->node : "nobody",
			words[i].holds ? words[i].yes : words[i].no);
	}
	*ret_holds = !*scope || text_equal(scope, e->node);
	if (!*scope)
		return "no scope";
	return arena_printf(e->arena, *ret_holds ? "this is %s" : "%s only",
			    scope);
}

/* A scope that this keyword does not take, whoever asks. */
static const char *scope_refused(struct arena *a, const struct asked *q,
				 const struct ini_key *k)
{
	bool head = text_equal(k->section->name, "DEFAULT");

	if (!*k->scope)
		return NULL;
	if (q->row && q->row->flags & KW_NO_SCOPE)
		return arena_printf(a, "%s takes no scope", q->row->name);
	if (head && text_equal(k->scope, k->option))
		return "a list is not scoped by itself";
	return NULL;
}

static const char *shown_key(struct arena *a, const struct ini_key *k)
{
	return arena_printf(a, "%s%s%s", text_shown(a, k->option),
			    *k->scope ? "@" : "", text_shown(a, k->scope));
}

/* Why the line @k is not the one that counts. */
static const char *beaten_why(const struct why *w, const struct asked *q,
			      const struct ini_key *k)
{
	const struct conf *c = w->e.conf;
	const struct ini_key *same =
		ini_key(c, k->section, k->option, k->scope);
	const char *refused = scope_refused(w->arena, q, k), *why;
	bool holds;

	if (refused)
		return refused;
	if (same != k)
		return arena_printf(w->arena, "line %u has the same key, later",
				    same->line);
	why = scope_why(&w->e, k->scope, &holds);
	if (!holds || !q->line)
		return why;
	if (q->line->section != k->section)
		return text_equal(k->section->name, "DEFAULT")
			       ? "the section has its own"
			       : "DEFAULT comes first";
	if (!text_equal(q->line->option, k->option))
		return arena_printf(w->arena, "an older spelling; %s is there",
				    text_shown(w->arena, q->line->option));
	return arena_printf(w->arena, "@%s comes first", q->line->scope);
}

static struct doc *line_doc(struct arena *a, const struct ini_key *k,
			    const char *why)
{
	struct doc *d = doc_map(a);

	doc_put_int(a, d, "line", k->line);
	doc_put_str(a, d, "section", k->section->name);
	doc_put_str(a, d, "key", shown_key(a, k));
	doc_put_str(a, d, "raw", k->value);
	doc_put_str(a, d, "why", why);
	return d;
}

/* -- the lines of a keyword ------------------------------------------------ */

/* Lines of one keyword, in the order of the file. */
struct lines {
	const struct ini_key **at;
	size_t n, cap;
};

static void lines_add(struct arena *a, struct lines *l, const struct ini_key *k)
{
	size_t i = l->n;

	if (l->n == l->cap) {
		const struct ini_key **more;

		l->cap = l->cap * 2 + 8;
		more = ARENA_VEC(a, const struct ini_key *, l->cap);
		if (l->n)
			memcpy(more, l->at, l->n * sizeof(*more));
		l->at = more;
	}
	for (; i > 0 && l->at[i - 1]->line > k->line; i--)
		l->at[i] = l->at[i - 1];
	l->at[i] = k;
	l->n++;
}

/* Those of the keyword in one section, under any of its spellings. */
static void add_section_lines(const struct why *w, const struct asked *q,
			      const char *section, const char *name,
			      struct doc *list)
{
	const struct ini_section *s = ini_section(w->e.conf, section);
	const char *old = q->row && q->row->aliases ? q->row->aliases : "";
	struct names all = words_split(
		w->arena, arena_printf(w->arena, "%s %s", name, old));
	struct lines lines = { 0 };

	for (size_t i = 0; s && i < all.n; i++)
		for (const struct ini_key *k =
			     ini_option(w->e.conf, s, all.at[i]);
		     k; k = k->same)
			if (!k->gone && k != q->line)
				lines_add(w->arena, &lines, k);
	for (size_t i = 0; i < lines.n; i++)
		doc_add(w->arena, list,
			line_doc(w->arena, lines.at[i],
				 beaten_why(w, q, lines.at[i])));
}

static struct doc *beaten(const struct why *w, const struct asked *q)
{
	struct doc *list = doc_list(w->arena);
	bool head = text_equal(q->section, "DEFAULT");

	if (!q->row || q->row->inherit != HEAD)
		add_section_lines(w, q, q->section, q->option, list);
	if (q->row && q->row->inherit != LEAF &&
	    (!head || q->row->inherit == HEAD))
		add_section_lines(w, q, "DEFAULT",
				  q->row->head ? q->row->head : q->row->name,
				  list);
	return list;
}

/* -- one value --------------------------------------------------------------
 */

static int value_of(struct eval *e, const struct asked *q, struct value *ret,
		    const struct ini_key **ret_line, struct err *err)
{
	const struct ini_key *k;

	e->note = NULL;
	if (q->row)
		return eval_value(e, q->section, q->row, ret, ret_line, err);
	*ret_line = k = eval_line(e, q->section, q->option);
	if (!k)
		return 1;
	return eval_text(e, q->section, q->option, k->value, ret, err);
}

/* What OpenSVC made of it on that node, if that is something else. */
static void put_opensvc(struct why *w, const struct asked *q, const char *text,
			struct doc *d)
{
	const struct ini_key *line = NULL;
	struct value v = { .text = NULL };
	struct doc *was;
	bool holds;
	int rc = value_of(&w->old, q, &v, &line, NULL);

	if (rc < 0 || !text || !v.text ||
	    (text_equal(v.text, text) && line == q->line))
		return;
	if (line && line != q->line)
		was = line_doc(w->arena, line,
			       scope_why(&w->old, line->scope, &holds));
	else
		was = doc_map(w->arena);
	doc_put_str(w->arena, was, "value", v.text);
	doc_put(w->arena, d, "opensvc", was);
}

static void put_source(struct why *w, const struct asked *q, struct doc *d)
{
	bool holds;

	if (q->line) {
		doc_put(w->arena, d, "from",
			line_doc(w->arena, q->line,
				 scope_why(&w->e, q->line->scope, &holds)));
		doc_put_bool(w->arena, d, "inherited",
			     !text_equal(q->line->section->name, q->section));
	} else if (q->row && q->row->fallback) {
		doc_put_str(w->arena, d, "default", q->row->fallback);
	}
}

static struct doc *keyword_doc(struct why *w, struct asked *q)
{
	struct doc *d = doc_map(w->arena);
	struct err err = { 0 };
	struct value v = { .text = NULL };
	int rc = value_of(&w->e, q, &v, &q->line, &err);

	doc_put_str(w->arena, d, "keyword", q->option);
	if (rc == 0)
		doc_put_str(w->arena, d, "value", v.text);
	else if (rc < 0)
		doc_put_str(w->arena, d, "error", err.text);
	put_source(w, q, d);
	if (w->e.note)
		doc_put_str(w->arena, d, "note", w->e.note);
	doc_put(w->arena, d, "beat", beaten(w, q));
	put_opensvc(w, q, rc == 0 ? v.text : NULL, d);
	return d;
}

/* -- a section, the file -----------------------------------------------------
 */

static bool is_listed(const struct doc *list, const char *name)
{
	for (size_t i = 0; i < doc_len(list); i++)
		if (text_equal(doc_get_str(doc_at(list, i), "keyword", ""),
			       name))
			return true;
	return false;
}

/* The first line of its keyword, which an older spelling may have begun. */
static bool is_first(const struct ini_key *k, const struct keyword *row,
		     const struct doc *list)
{
	for (const struct ini_key *other = k->same; other; other = other->same)
		if (!other->gone)
			return false;
	return !row || !row->aliases || !is_listed(list, row->name);
}

/* The keywords that the section has lines of, in the order of the file. */
static void add_lines(struct why *w, const struct ini_section *s,
		      const char *type, struct doc *list)
{
	for (const struct ini_key *k = s->keys; k; k = k->next) {
		const struct keyword *row =
			eval_row(&w->e, s->name, type, k->option);
		struct asked q = { s->name, row ? row->name : k->option, row,
				   NULL };

		if (!k->gone && is_first(k, row, list))
			doc_add(w->arena, list, keyword_doc(w, &q));
	}
}

/* What it has from DEFAULT or by default. */
static void add_rest(struct why *w, const char *section, const char *group,
		     const char *type, struct doc *list)
{
	KEYWORDS_EACH (row) {
		struct asked q = { section, row->name, row, NULL };
		struct doc *d;

		if (!keyword_counts(w->e.keywords, row, group, type) ||
		    is_listed(list, row->name))
			continue;
		if (!eval_row_line(&w->e, section, row) &&
		    (!row->fallback || !*row->fallback ||
		     row->flags & KW_LATER))
			continue;
		d = keyword_doc(w, &q);
		doc_add(w->arena, list, d);
	}
}

static const char *level_note(struct why *w, const char *section)
{
	bool encap;

	if (!*w->e.node || eval_encap(&w->e, section, &encap, NULL) < 0 ||
	    encap == w->e.in_encapnodes)
		return NULL;
	return encap ? "the containers run it" : "the hypervisors run it";
}

static struct doc *section_doc(struct why *w, const struct ini_section *s)
{
	struct section_id id = section_id(w->arena, s->name);
	struct doc *d = doc_map(w->arena), *list = doc_list(w->arena);
	bool resource = section_is_resource(&id);
	const char *type = "", *note = NULL;

	if (resource)
		note = level_note(w, s->name);
	doc_put_str(w->arena, d, "section", s->name);
	doc_put_int(w->arena, d, "line", s->line);
	if (note)
		doc_put_str(w->arena, d, "note", note);
	if (eval_type(&w->e, s->name, &type, NULL) < 0)
		type = "";
	add_lines(w, s, type, list);
	if (resource && *id.group->drivers)
		add_rest(w, s->name, id.group->name, type, list);
	else if (text_equal(s->name, "DEFAULT"))
		add_rest(w, s->name, "DEFAULT", NULL, list);
	doc_put(w->arena, d, "keywords", list);
	return d;
}

/* The lists as OpenSVC saw them on that node: with their scopes, and with a
 * container in nodes. */
static int old_lists(struct why *w, struct err *err)
{
	const char *node = w->e.node;
	struct value v = { .text = "" };
	int rc = eval_option(&w->e, "DEFAULT", "nodes", &v, err);

	if (rc < 0)
		return rc;
	w->old = w->e;
	w->old.nodes = v.words;
	if (w->e.in_encapnodes && !names_have(&v.words, node)) {
		w->old.nodes.at = &w->e.node;
		w->old.nodes.n = 1;
		w->old.nodes_here = node;
	}
	v = (struct value){ .text = "" };
	rc = eval_option(&w->e, "DEFAULT", "drpnodes", &v, err);
	w->old.drpnodes = v.words;
	return rc < 0 ? rc : eval_switch(&w->old, node, err);
}

static int why_init(struct why *w, struct arena *a, const struct conf *c,
		    const char *service, const char *node, struct err *err)
{
	int rc = eval_init(&w->e, a, c, service, node, err);

	w->arena = a;
	return rc < 0 ? rc : old_lists(w, err);
}

struct doc *conf_why(struct arena *a, const struct conf *c, const char *service,
		     const char *node, struct err *err)
{
	struct doc *d = doc_map(a), *list = doc_list(a);
	struct why w;

	if (why_init(&w, a, c, service, node, err) < 0)
		return NULL;
	doc_put_str(a, d, "service", service);
	doc_put_str(a, d, "node", w.e.node);
	for (size_t i = 0; i < c->n; i++)
		doc_add(a, list, section_doc(&w, c->sections[i]));
	doc_put(a, d, "sections", list);
	return d;
}

struct doc *conf_why_key(struct arena *a, const struct conf *c,
			 const char *service, const char *node,
			 const struct conf_key *k, struct err *err)
{
	struct asked q = { k->section, k->option, NULL, NULL };
	const char *type = NULL;
	struct why w;

	if (why_init(&w, a, c, service, node, err) < 0 ||
	    eval_type(&w.e, k->section, &type, err) < 0)
		return NULL;
	q.row = eval_row(&w.e, k->section, type, k->option);
	if (q.row)
		q.option = q.row->name;
	return keyword_doc(&w, &q);
}

/* -- as text -----------------------------------------------------------------
 */

static void print_line(struct buf *b, const char *file, const struct doc *line,
		       const char *own, const char *what)
{
	const char *section = doc_get_str(line, "section", "");

	buf_printf(b, "    # %s%s:%lld ", what, file,
		   (long long)doc_get_int(line, "line", 0));
	if (!text_equal(section, own))
		buf_printf(b, "[%s] ", section);
	buf_puts(b, doc_get_str(line, "key", ""));
}

static void print_raw(struct buf *b, const struct doc *line)
{
	buf_printf(b, " = %s",
		   text_shown(b->arena, doc_get_str(line, "raw", "")));
}

static void print_value(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, "%s =%s", name, *value ? " " : "");
	for (; *value; value++)
		buf_puts(b, *value == '\n' ? "\n\t" : (char[]){ *value, '\0' });
	buf_puts(b, "\n");
}

static void print_opensvc(struct buf *b, const char *file, const struct doc *d,
			  const char *own)
{
	const struct doc *was = doc_get(d, "opensvc");

	if (!was)
		return;
	buf_printf(b, "    # OpenSVC: %s",
		   text_shown(b->arena, doc_get_str(was, "value", "")));
	if (doc_get(was, "line")) {
		buf_printf(b, ", of %s:%lld ", file,
			   (long long)doc_get_int(was, "line", 0));
		if (!text_equal(doc_get_str(was, "section", ""), own))
			buf_printf(b, "[%s] ", doc_get_str(was, "section", ""));
		buf_printf(b, "%s: there, %s", doc_get_str(was, "key", ""),
			   doc_get_str(was, "why", ""));
	}
	buf_puts(b, "\n");
}

void conf_why_value(struct buf *b, const char *file, const char *section,
		    const struct doc *d)
{
	const char *value = doc_get_str(d, "value", NULL);
	const char *name = doc_get_str(d, "keyword", "");
	const struct doc *from = doc_get(d, "from"), *beat = doc_get(d, "beat");

	if (value)
		print_value(b, name, value);
	else
		buf_printf(b, "# %s: %s\n", name,
			   doc_get_str(d, "error", "not set"));
	if (from) {
		print_line(b, file, from, section, "");
		if (!value || !text_equal(value, doc_get_str(from, "raw", "")))
			print_raw(b, from);
		buf_printf(b, ": %s\n", doc_get_str(from, "why", ""));
	} else if (doc_get(d, "default")) {
		buf_printf(b, "    # the default: %s\n",
			   doc_get_str(d, "default", ""));
	}
	for (size_t i = 0; i < doc_len(beat); i++) {
		print_line(b, file, doc_at(beat, i), section, "not ");
		print_raw(b, doc_at(beat, i));
		buf_printf(b, ": %s\n",
			   doc_get_str(doc_at(beat, i), "why", ""));
	}
	print_opensvc(b, file, d, section);
	if (doc_get(d, "note"))
		buf_printf(b, "    # note: %s\n", doc_get_str(d, "note", ""));
}

void conf_why_text(struct buf *b, const char *file, const struct doc *d)
{
	const struct doc *all = doc_get(d, "sections");

	for (size_t i = 0; i < doc_len(all); i++) {
		const struct doc *s = doc_at(all, i);
		const struct doc *keywords = doc_get(s, "keywords");
		const char *name = doc_get_str(s, "section", "");

		buf_printf(b, "%s[%s]\n", i ? "\n" : "", name);
		if (doc_get(s, "note"))
			buf_printf(b, "# %s\n", doc_get_str(s, "note", ""));
		for (size_t j = 0; j < doc_len(keywords); j++)
			conf_why_value(b, file, name, doc_at(keywords, j));
	}
}
