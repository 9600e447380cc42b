#include "fsm/conf/eval.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fsm/conf/text.h"

#define HEAD_SECTION "DEFAULT"

/* -- which line counts ----------------------------------------------------- */

/* The rows of the table of scopes that hold for the node, best first; the
 * lists are not scoped by themselves. RANKS: it does not hold. */
#define RANKS 7

static unsigned rank_of(const struct eval *e, const struct ini_key *k)
{
	const struct {
		const char *word;
		bool holds;
	} words[] = {
		{ "nodes", e->in_nodes },
		{ "drpnodes", e->in_drpnodes },
		{ "encapnodes", e->in_encapnodes },
		{ "flex_primary", e->is_flex_primary },
		{ "drp_flex_primary", e->is_drp_flex_primary },
	};

	if (!*k->scope)
		return RANKS - 1;
	if (text_equal(k->scope, e->node))
		return 0;
	if (k->section == e->head && text_equal(k->scope, k->option))
		return RANKS;
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].holds && text_equal(words[i].word, k->scope))
			return i + 1;
	return RANKS;
}

/* The first scope that is there and holds; of duplicates the last line. */
static const struct ini_key *
line_of(const struct eval *e, const struct ini_section *s, const char *option)
{
	const struct ini_key *best = NULL;
	unsigned least = RANKS;

	if (!s)
		return NULL;
	for (const struct ini_key *k = ini_option(e->conf, s, option); k;
	     k = k->same) {
		unsigned rank = k->gone ? RANKS : rank_of(e, k);

		if (rank < least) {
			least = rank;
			best = k;
		}
	}
	return best;
}

const struct ini_key *eval_line(const struct eval *e, const char *section,
				const char *option)
{
	return line_of(e, ini_section(e->conf, section), option);
}

/* The current spelling first, then the older ones. */
static const struct ini_key *spelled_line(const struct eval *e,
					  const struct ini_section *s,
					  const char *name,
					  const struct keyword *row)
{
	const struct ini_key *k;
	struct names old;

	if (!s)
		return NULL;
	if (!(row->flags & KW_NO_SCOPE))
		k = line_of(e, s, name);
	else if (ini_has_option(e->conf, s, name))
		k = ini_key(e->conf, s, name, "");
	else
		k = NULL;
	if (k || !row->aliases)
		return k;
	old = words_split(e->arena, row->aliases);
	for (size_t i = 0; !k && i < old.n; i++)
		k = line_of(e, s, old.at[i]);
	return k;
}

static const struct ini_key *row_line(const struct eval *e,
				      const struct ini_section *s,
				      const struct keyword *row)
{
	const char *head = row->head ? row->head : row->name;
	const struct ini_key *k = NULL;

	if (row->inherit == HEAD_LEAF || row->inherit == HEAD)
		k = spelled_line(e, e->head, head, row);
	if (!k && row->inherit != HEAD)
		k = spelled_line(e, s, row->name, row);
	if (!k && row->inherit == LEAF_HEAD)
		k = spelled_line(e, e->head, head, row);
	return k;
}

const struct ini_key *eval_row_line(const struct eval *e, const char *section,
				    const struct keyword *row)
{
	return row_line(e, ini_section(e->conf, section), row);
}

/* Values are asked for section by section, by the same pointer. */
static const struct ini_section *section_at(struct eval *e, const char *name)
{
	if (e->at_name != name) {
		e->at_name = name;
		e->at = ini_section(e->conf, name);
	}
	return e->at;
}

void eval_note(struct eval *e, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (e->note)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	e->note = arena_printf(e->arena, "%s", text);
}

/* -- what it says ------------------------------------------------------------
 */

static int cycle(struct eval *e, const struct frame *from, const char *section,
		 const char *option, struct err *err)
{
	struct buf b = BUF(e->arena);

	for (const struct frame *f = from; f < e->stack + e->depth; f++)
		buf_printf(&b, "%s.%s -> ", f->section, f->option);
	return err_set(err, -EINVAL, "a reference cycle: %s%s.%s", buf_text(&b),
		       section, option);
}

static int enter(struct eval *e, const char *section, const char *option,
		 struct err *err)
{
	for (unsigned i = 0; i < e->depth; i++)
		if (text_equal(e->stack[i].section, section) &&
		    text_equal(e->stack[i].option, option))
			return cycle(e, &e->stack[i], section, option, err);
	if (e->depth == EVAL_MAX_DEPTH)
		return err_set(err, -EINVAL,
			       "references within references, more than %d "
			       "deep",
			       EVAL_MAX_DEPTH);
	e->stack[e->depth++] = (struct frame){ section, option };
	return 0;
}

static int check_candidates(struct eval *e, const struct keyword *row,
			    const struct value *v, struct err *err)
{
	const char *bad = keyword_not_allowed(e->arena, row, v);
	struct nearest near;
	struct names all;

	if (!bad)
		return 0;
	near = nearest_to(bad);
	all = keyword_candidates(e->arena, row);
	for (size_t i = 0; i < all.n; i++)
		nearest_try(&near, all.at[i]);
	return err_set(err, -EINVAL, "'%s' is none of: %s%s",
		       text_shown(e->arena, bad), row->candidates,
		       nearest_hint(e->arena, &near));
}

/* A text, in the place of @row (NULL: of an option that nobody knows). */
static int eval_raw(struct eval *e, const char *section,
		    const struct keyword *row, const char *text,
		    struct value *ret, struct err *err)
{
	struct value v = { .text = text };
	bool lenient = row && row->flags & KW_COMMAND;
	int rc = eval_expand(e, section, text, lenient, &text, err);

	if (rc < 0)
		return rc;
	v.text = text;
	if (row) {
		rc = convert(e->arena, row->conv, text, &v, err);
		if (rc == 0 && v.note && e->depth == 1)
			eval_note(e, "%s.%s: %s", text_shown(e->arena, section),
				  row->name, v.note);
		if (rc == 0)
			rc = check_candidates(e, row, &v, err);
		if (rc == 0 && row->flags & KW_REQUIRED && !*v.text)
			rc = err_set(err, -EINVAL, "a value is required (%s)",
				     row->help);
	}
	if (rc == 0)
		*ret = v;
	return rc;
}

static int eval_framed(struct eval *e, const char *section, const char *option,
		       const struct keyword *row, const char *text,
		       struct value *ret, struct err *err)
{
	int rc = enter(e, section, option, err);

	if (rc < 0)
		return rc;
	rc = eval_raw(e, section, row, text, ret, err);
	e->depth--;
	return rc < 0 ? err_wrap(err, rc, "%s.%s", section, option) : rc;
}

/* drpnode, of older versions, is put before drpnodes if it is none of them. */
static int add_drpnode(struct eval *e, struct value *v, struct err *err)
{
	const struct keyword *row =
		keyword_find(e->keywords, HEAD_SECTION, NULL, "drpnode");
	const char *both;
	struct value one;
	int rc = eval_value(e, HEAD_SECTION, row, &one, NULL, err);

	if (rc != 0 ||
	    (one.words.n == 1 && names_have(&v->words, one.words.at[0])))
		return rc < 0 ? rc : 0;
	both = arena_printf(e->arena, "%s %s", one.text, v->text);
	return convert(e->arena, CONV_NODES, both, v, err);
}

int eval_value(struct eval *e, const char *section, const struct keyword *row,
	       struct value *ret, const struct ini_key **ret_line,
	       struct err *err)
{
	const struct ini_key *line = row_line(e, section_at(e, section), row);
	const char *text = line ? line->value : row->fallback;
	int rc;

	if (ret_line)
		*ret_line = line;
	if (e->nodes_here && text_equal(row->name, "nodes"))
		text = e->nodes_here;
	if (!text)
		return 1;
	rc = eval_framed(e, section, row->name, row, text, ret, err);
	if (rc == 0 && text_equal(row->name, "drpnodes"))
		rc = add_drpnode(e, ret, err);
	return rc;
}

int eval_option(struct eval *e, const char *section, const char *option,
		struct value *ret, struct err *err)
{
	const struct keyword *row;
	const struct ini_key *line;
	const char *type = NULL;
	int rc = 0;

	if (!ini_section(e->conf, section) &&
	    !text_equal(section, HEAD_SECTION))
		return 1;
	if (!text_equal(option, "type"))
		rc = eval_type(e, section, &type, err);
	if (rc < 0)
		return rc;
	row = eval_row(e, section, type, option);
	if (row)
		return eval_value(e, section, row, ret, NULL, err);
	line = eval_line(e, section, option);
	if (!line)
		return 1;
	return eval_framed(e, section, option, NULL, line->value, ret, err);
}

int eval_text(struct eval *e, const char *section, const char *option,
	      const char *text, struct value *ret, struct err *err)
{
	const char *type = NULL;
	int rc = 0;

	if (!text_equal(option, "type"))
		rc = eval_type(e, section, &type, err);
	if (rc < 0)
		return rc;
	return eval_framed(e, section, option,
			   eval_row(e, section, type, option), text, ret, err);
}

/* -- resources ----------------------------------------------------------------
 */

const struct keyword *eval_row(struct eval *e, const char *section,
			       const char *type, const char *option)
{
	struct section_id id = section_id(e->arena, section);
	const char *group = id.group ? id.group->name : NULL;

	if (text_equal(section, HEAD_SECTION))
		group = HEAD_SECTION;
	else if (text_starts(section, "subset#"))
		group = "subset";
	return group ? keyword_find(e->keywords, group, type, option) : NULL;
}

int eval_type(struct eval *e, const char *section, const char **ret,
	      struct err *err)
{
	struct section_id id = section_id(e->arena, section);
	struct value v;
	int rc;

	*ret = "";
	if (!section_is_resource(&id))
		return 0;
	rc = eval_value(e, section, eval_row(e, section, NULL, "type"), &v,
			NULL, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		*ret = type_current(e->arena, id.group, v.text);
	else if (id.type)
		*ret = type_current(e->arena, id.group, id.type);
	else if (id.group->type)
		*ret = id.group->type;
	return 0;
}

int eval_encap(struct eval *e, const char *section, bool *ret, struct err *err)
{
	struct value v;
	int rc = eval_value(e, section, eval_row(e, section, NULL, "encap"), &v,
			    NULL, err);

	if (rc < 0)
		return rc;
	*ret = v.num;
	if (*ret)
		return 0;
	rc = eval_value(e, section, eval_row(e, section, NULL, "tags"), &v,
			NULL, err);
	if (rc == 0)
		*ret = names_have(&v.words, "encap");
	return rc;
}

/* -- the node lists
 * ------------------------------------------------------------ */

int eval_head(struct eval *e, const char *name, struct value *ret,
	      struct err *err)
{
	const struct keyword *row =
		keyword_find(e->keywords, HEAD_SECTION, NULL, name);

	*ret = (struct value){ .text = "" };
	return eval_value(e, HEAD_SECTION, row, ret, NULL, err);
}

static int read_lists(struct eval *e, struct err *err)
{
	static const char *const names[] = { "encapnodes", "nodes",
					     "drpnodes" };
	struct names *const lists[] = { &e->encapnodes, &e->nodes,
					&e->drpnodes };

	for (size_t i = 0; i < 3; i++) {
		struct value v;
		int rc = eval_head(e, names[i], &v, err);

		if (rc < 0)
			return rc;
		*lists[i] = v.words;
	}
	return 0;
}

/* Is the node the one that @name names, or by default the first of @list? */
static int is_primary(struct eval *e, const char *name,
		      const struct names *list, bool *ret, struct err *err)
{
	struct value v;
	int rc;

	/* The keyword's own default is for references: it sees what this node
	 * sees as the list. */
	if (!eval_line(e, HEAD_SECTION, name)) {
		*ret = list->n && text_equal(list->at[0], e->node);
		return 0;
	}
	rc = eval_head(e, name, &v, err);
	*ret = rc == 0 && text_equal(v.text, e->node);
	return rc < 0 ? rc : 0;
}

int eval_switch(struct eval *e, const char *node, struct err *err)
{
	bool primary, drp_primary;
	int rc;

	e->node = text_lowered(e->arena, node ? node : "");
	e->depth = 0;
	e->is_flex_primary = e->is_drp_flex_primary = false;
	e->in_nodes = names_have(&e->nodes, e->node);
	e->in_drpnodes = names_have(&e->drpnodes, e->node);
	e->in_encapnodes = names_have(&e->encapnodes, e->node);
	if (!*e->node)
		return 0;
	rc = is_primary(e, "flex_primary", &e->nodes, &primary, err);
	if (rc == 0)
		rc = is_primary(e, "drp_flex_primary", &e->drpnodes,
				&drp_primary, err);
	if (rc < 0)
		return rc;
	e->is_flex_primary = primary;
	e->is_drp_flex_primary = drp_primary;
	return 0;
}

struct keywords *conf_keywords(struct arena *a)
{
	struct keywords *k = ARENA_NEW(a, struct keywords);

	*k = keywords_index(a, 0);
	return k;
}

void conf_of_version(struct conf *c, struct arena *a, int version)
{
	c->keywords = ARENA_NEW(a, struct keywords);
	*c->keywords = keywords_index(a, version);
}

void conf_share(struct conf *c, struct keywords *k)
{
	c->keywords = k;
}

int eval_init(struct eval *e, struct arena *a, const struct conf *c,
	      const char *service, const char *node, struct err *err)
{
	int rc;

	*e = (struct eval){ .arena = a, .conf = c, .service = service };
	e->head = ini_section(c, HEAD_SECTION);
	e->node = "";
	e->keywords = c->keywords ? c->keywords : conf_keywords(a);
	rc = read_lists(e, err);
	return rc < 0 ? rc : eval_switch(e, node, err);
}
