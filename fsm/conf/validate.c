/*
 * Every problem of a file at once.
 *
 *     sections   their names; whether this version has a driver for them
 *     nodes      for each node that the file names, at its level: all values
 *                that count for it, all keywords that it requires
 *     keys       their names, for the types that some node saw; their scopes
 *
 * Each node is looked at on an arena of its own, so that a file that names
 * many nodes needs no more memory than one that names few.
 */
#include <errno.h>
#include <string.h>

#include "fsm/conf/eval.h"
#include "fsm/conf/text.h"

#define MAX_VALUES     (2 * 1024 * 1024) /* looked at for all nodes together */
#define SECTION_VALUES 64 /* that a section costs, whatever is in it */

static const char scope_words[] =
	"nodes drpnodes encapnodes flex_primary drp_flex_primary";

/* What a line is to the nodes for which it counts, the best of it. */
enum use {
	USE_NONE,	/* it counts for none, or its section has no rows */
	USE_OTHER_TYPE, /* their types do not know it */
	USE_NO_EFFECT,	/* by what the keyword depends on */
	USE_YES,
};

struct check {
	struct arena *arena;
	const struct conf *conf;
	const char *service;
	struct problems *p;
	struct eval e; /* for nobody; each node's look begins as a copy */
	struct names nodes, drpnodes, encapnodes; /* all that are named */
	unsigned char *use; /* of the key in each line: enum use */
	bool has_lists;	    /* the node lists could be read */
	const char **types; /* of each section, as the nodes see it */
	bool *is_hosted;    /* of each encap node: a container has its name */
	size_t steps;
};

/* One node's look. */
struct look {
	struct check *ck;
	struct eval e;
	struct keywords keywords; /* the check's, with sets of its own */
};

/* -- the names of sections ---------------------------------------------------
 */

static const char *section_hint(struct arena *a, const char *section)
{
	const char *kind = section, *hash = strchr(section, '#');
	struct nearest near;

	if (hash)
		kind = text_copy(a, section, (size_t)(hash - section));
	near = nearest_to(kind);
	for (size_t i = 0; i < group_count; i++)
		nearest_try(&near, group_table[i].name);
	nearest_try(&near, "DEFAULT");
	nearest_try(&near, "env");
	nearest_try(&near, "labels");
	nearest_try(&near, "subset");
	return nearest_hint(a, &near);
}

/* [subset#GROUP] or [subset#GROUP:NAME] */
static void check_subset(struct check *ck, const struct ini_section *s)
{
	const char *group = strchr(s->name, '#') + 1;
	const char *colon = strchr(group, ':');

	if (colon)
		group = text_copy(ck->arena, group, (size_t)(colon - group));
	if (group_rank(group) < 0)
		problem_add(ck->p, s->line, true,
			    "[%s]: expected a group of resources after '#', "
			    "as in [subset#fs:NAME]%s",
			    text_shown(ck->arena, s->name),
			    section_hint(ck->arena, group));
}

static bool index_is_good(const char *index)
{
	for (; *index; index++)
		if (!text_is_letter(*index) && !text_is_digit(*index) &&
		    !strchr(".-_", *index))
			return false;
	return true;
}

static void check_unknown(struct check *ck, const struct ini_section *s)
{
	const struct group *g = group_find(s->name);
	const char *shown = text_shown(ck->arena, s->name);

	if (g)
		problem_add(ck->p, s->line, true,
			    "[%s]: an index is expected, as in [%s#1]", shown,
			    shown);
	else
		problem_add(ck->p, s->line, true,
			    "unknown section [%s]; expected DEFAULT, env, "
			    "labels, or a resource such as fs#1%s",
			    shown, section_hint(ck->arena, s->name));
}

static void check_section(struct check *ck, const struct ini_section *s)
{
	struct section_id id = section_id(ck->arena, s->name);
	const char *shown = text_shown(ck->arena, s->name);

	if (text_starts(s->name, "subset#"))
		check_subset(ck, s);
	if (section_is_special(s->name))
		return;
	if (!id.group) {
		check_unknown(ck, s);
		return;
	}
	if (strchr(s->name, '#') && (!*id.index || !index_is_good(id.index)))
		problem_add(ck->p, s->line, true,
			    "[%s]: expected letters, digits, '.', '-' and '_' "
			    "after '#'",
			    shown);
}

/* -- the node lists
 * ------------------------------------------------------------- */

/* They could not be read: say which, and where. */
static void report_lists(struct check *ck, struct eval *e)
{
	static const char *const names[] = { "encapnodes", "nodes", "drpnodes",
					     "drpnode" };

	for (size_t i = 0; i < 4; i++) {
		const struct ini_key *k = eval_line(e, "DEFAULT", names[i]);
		struct err err = { 0 };
		struct value v;

		if (k &&
		    eval_text(e, "DEFAULT", names[i], k->value, &v, &err) < 0)
			problem_add(ck->p, k->line, true, "%s", err.text);
	}
}

static void check_lists(struct check *ck)
{
	const struct ini_section *s = ini_section(ck->conf, "DEFAULT");
	const struct ini_key *line;
	struct eval *e = &ck->e;

	ck->has_lists =
		eval_init(e, ck->arena, ck->conf, ck->service, NULL, NULL) == 0;
	if (!ck->has_lists) {
		report_lists(ck, e);
		return;
	}
	ck->nodes = e->nodes;
	ck->drpnodes = e->drpnodes;
	ck->encapnodes = e->encapnodes;
	ck->is_hosted = ARENA_VEC(ck->arena, bool, e->encapnodes.n + 1);
	line = eval_line(e, "DEFAULT", "encapnodes");
	if (!e->nodes.n)
		problem_add(ck->p, s ? s->line : 0, true,
			    "DEFAULT.nodes is required, without a scope: the "
			    "hypervisors that may run the service, as in "
			    "nodes = hv1 hv2");
	for (size_t i = 0; i < e->encapnodes.n; i++)
		if (names_have(&e->nodes, e->encapnodes.at[i]) ||
		    names_have(&e->drpnodes, e->encapnodes.at[i]))
			problem_add(ck->p, line ? line->line : 0, true,
				    "%s is in encapnodes and in nodes or "
				    "drpnodes; a container and a hypervisor "
				    "cannot have one name",
				    e->encapnodes.at[i]);
}

/* -- what one node sees
 * ------------------------------------------------------------ */

/* Report what came of evaluating: the error, or what to know of it.
 * @row: of the keyword, or NULL. */
static void report(struct look *l, unsigned line, int rc, const struct err *err,
		   const struct keyword *row)
{
	struct problems *p = l->ck->p;

	if (rc < 0 && row && !strstr(err->text, row->help))
		problem_add(p, line, true, "%s (%s)", err->text, row->help);
	else if (rc < 0)
		problem_add(p, line, true, "%s", err->text);
	else if (l->e.note)
		problem_add(p, line, false, "%s", l->e.note);
	l->e.note = NULL;
}

static void note_use(struct look *l, const struct ini_key *k, enum use use)
{
	if (l->ck->use[k->line] < use)
		l->ck->use[k->line] = (unsigned char)use;
}

/* What the line @k, which counts for this node, is to it. */
static void look_at_use(struct look *l, const struct ini_key *k,
			const char *type)
{
	const char *section = k->section->name;
	const struct keyword *row = eval_row(&l->e, section, type, k->option);

	if (!row)
		note_use(l, k, USE_OTHER_TYPE);
	else if (!eval_depends(&l->e, section, type, row))
		note_use(l, k, USE_NO_EFFECT);
	else
		note_use(l, k, USE_YES);
}

static void look_at_options(struct look *l, const struct ini_section *s)
{
	for (const struct ini_key *k = s->keys; k; k = k->next) {
		struct err err = { 0 };
		struct value v;

		if (problems_full(l->ck->p) ||
		    eval_line(&l->e, s->name, k->option) != k)
			continue;
		report(l, k->line,
		       eval_option(&l->e, s->name, k->option, &v, &err), &err,
		       eval_row(&l->e, s->name, NULL, k->option));
		look_at_use(l, k, NULL);
	}
}

/* No line of a required keyword counts for this node. */
static void report_missing(struct look *l, const struct ini_section *s,
			   const struct keyword *row)
{
	const struct conf *c = l->ck->conf;
	const struct ini_section *head = ini_section(c, "DEFAULT");
	bool any = ini_has_option(c, s, row->name) ||
		   (head && row->inherit != LEAF &&
		    ini_has_option(c, head, row->name));

	if (text_equal(s->name, "sync#i0")) /* there without a section */
		return;
	problem_add(l->ck->p, s->line, true, "%s.%s is required (%s)%s%s",
		    text_shown(l->e.arena, s->name), row->name, row->help,
		    any ? ", and no scope of it holds for " : "",
		    any ? l->e.node : "");
}

static void look_at_keywords(struct look *l, const struct ini_section *s,
			     const char *group, const char *type)
{
	struct keyword_set rows = keywords_of(l->e.keywords, group, type);

	for (size_t i = 0; i < rows.n; i++) {
		const struct keyword *row = rows.at[i];
		const struct ini_key *line = NULL;
		struct err err = { 0 };
		struct value v;
		int rc;

		rc = eval_value(&l->e, s->name, row, &v, &line, &err);
		report(l, line ? line->line : s->line, rc, &err, row);
		if (rc == 1 && row->flags & KW_REQUIRED &&
		    eval_depends(&l->e, s->name, type, row))
			report_missing(l, s, row);
	}
	for (const struct ini_key *k = s->keys; k; k = k->next)
		if (eval_line(&l->e, s->name, k->option) == k)
			look_at_use(l, k, type);
}

/* What is not driven is accepted: its file may come from another agent, and a
 * later version may drive it. */
static void report_undriven(struct look *l, unsigned line, const char *section,
			    const struct group *g, const char *type)
{
	const char *shown = text_shown(l->e.arena, section);

	if (words_have("sync task hb", g->name))
		problem_add(l->ck->p, line, false,
			    "[%s]: this version has no driver for %s.%s; it "
			    "shows n/a, and nothing is done for it",
			    shown, g->name, text_shown(l->e.arena, type));
	else
		problem_add(l->ck->p, line, false,
			    "[%s]: this version has no driver for %s.%s; it "
			    "shows n/a, and a start fails there",
			    shown, g->name, text_shown(l->e.arena, type));
}

/* False, and reported: there is no such type. */
static bool type_is_good(struct look *l, const struct ini_section *s,
			 const struct group *g, const char *type)
{
	const struct ini_key *k = eval_line(&l->e, s->name, "type");
	struct names all = group_types(l->e.arena, g);
	struct nearest near = nearest_to(type);
	unsigned line = k ? k->line : s->line;

	if (group_drives(g, type))
		return true;
	if (*type && (!all.n || names_have(&all, type))) {
		report_undriven(l, line, s->name, g, type);
		return true;
	}
	for (size_t i = 0; i < all.n; i++)
		nearest_try(&near, all.at[i]);
	if (!*type)
		problem_add(l->ck->p, line, true,
			    "%s.type is required; expected one of: %s",
			    text_shown(l->e.arena, s->name),
			    words_join(l->e.arena, &all));
	else
		problem_add(l->ck->p, line, true,
			    "%s.type: '%s' is none of: %s%s",
			    text_shown(l->e.arena, s->name),
			    text_shown(l->e.arena, type),
			    words_join(l->e.arena, &all),
			    nearest_hint(l->e.arena, &near));
	return false;
}

static void note_type(struct look *l, size_t section, const char *type)
{
	const char **seen = &l->ck->types[section];

	if (!*seen)
		*seen = arena_printf(l->ck->arena, "%s", type);
	else if (!words_have(*seen, type))
		*seen = arena_printf(l->ck->arena, "%s %s", *seen, type);
}

static void note_host(struct look *l, const char *section, const char *type)
{
	const struct names *all = &l->ck->encapnodes;
	struct value v;

	if (eval_value(
		    &l->e, section,
		    keyword_find(l->e.keywords, "container", type, "hostname"),
		    &v, NULL, NULL) != 0)
		return;
	for (size_t i = 0; i < all->n; i++)
		if (text_equal(all->at[i], text_lowered(l->e.arena, v.text)))
			l->ck->is_hosted[i] = true;
}

static void look_at_resource(struct look *l, size_t i,
			     const struct section_id *id)
{
	const struct ini_section *s = l->ck->conf->sections[i];
	const char *type;
	struct err err = { 0 };
	bool encap = false;
	int rc = eval_encap(&l->e, s->name, &encap, &err);

	if (rc == 0 && encap && !l->ck->encapnodes.n)
		problem_add(l->ck->p, s->line, true,
			    "[%s] is an encap resource, but there are no "
			    "encap nodes: name the containers in "
			    "DEFAULT.encapnodes",
			    text_shown(l->e.arena, s->name));
	if (rc == 0 && encap != l->e.in_encapnodes)
		return;
	if (rc == 0)
		rc = eval_type(&l->e, s->name, &type, &err);
	if (rc < 0) {
		problem_add(l->ck->p, s->line, true, "%s", err.text);
		return;
	}
	if (!type_is_good(l, s, id->group, type))
		return;
	note_type(l, i, type);
	look_at_keywords(l, s, id->group->name, type);
	if (text_equal(id->group->name, "container"))
		note_host(l, s->name, type);
}

static void look_at_section(struct look *l, size_t i)
{
	const struct ini_section *s = l->ck->conf->sections[i];
	struct section_id id = section_id(l->e.arena, s->name);

	if (words_have("DEFAULT env labels", s->name) ||
	    text_starts(s->name, "subset#"))
		look_at_options(l, s);
	else if (section_is_resource(&id))
		look_at_resource(l, i, &id);
}

static void look_as(struct check *ck, const char *node)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct look l = { ck, ck->e, *ck->e.keywords };
	struct err err = { 0 };

	if (problems_full(ck->p))
		return;
	l.keywords.arena = l.e.arena = a;
	l.keywords.sets = NULL;
	l.e.keywords = &l.keywords;
	l.e.steps = ck->steps;
	if (eval_switch(&l.e, node, &err) < 0) {
		problem_add(ck->p, 0, true, "%s", err.text);
		return;
	}
	for (size_t i = 0; i < ck->conf->n && !problems_full(ck->p); i++)
		look_at_section(&l, i);
	ck->steps = l.e.steps;
}

static void look_as_all(struct check *ck)
{
	const struct names *lists[] = { &ck->nodes, &ck->drpnodes,
					&ck->encapnodes };
	size_t nodes = ck->nodes.n + ck->drpnodes.n + ck->encapnodes.n;
	size_t values = ck->conf->n_keys + SECTION_VALUES * ck->conf->n;

	if (values * nodes > MAX_VALUES) {
		problem_add(ck->p, 0, true,
			    "%zu keywords in %zu sections for %zu nodes are "
			    "too many",
			    ck->conf->n_keys, ck->conf->n, nodes);
		return;
	}
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < lists[i]->n; j++)
			look_as(ck, lists[i]->at[j]);
}

static void check_hosts(struct check *ck)
{
	const struct ini_section *s = ini_section(ck->conf, "DEFAULT");
	const struct ini_key *k =
		s ? ini_key(ck->conf, s, "encapnodes", "") : NULL;

	for (size_t i = 0; i < ck->encapnodes.n; i++)
		if (!ck->is_hosted[i])
			problem_add(ck->p, k ? k->line : 0, false,
				    "no container has the host name %s, which "
				    "encapnodes holds",
				    ck->encapnodes.at[i]);
}

/* -- the keys
 * ------------------------------------------------------------------------ */

/* What the rows say of a key, for any of the types that its section has. */
static const struct keyword *row_of(const struct keywords *k, const char *group,
				    const char *types,
				    const struct ini_key *key, struct arena *a)
{
	struct names all = words_split(a, types);
	const struct keyword *row = keyword_find(k, group, NULL, key->option);

	for (size_t i = 0; !row && i < all.n; i++)
		row = keyword_find(k, group, all.at[i], key->option);
	return row;
}

static void check_scope(struct check *ck, const struct ini_key *k,
			const struct keyword *row)
{
	const struct names *lists[] = { &ck->nodes, &ck->drpnodes,
					&ck->encapnodes };
	struct nearest near = nearest_to(k->scope);
	struct names words;

	if (!*k->scope)
		return;
	if (row && row->flags & KW_NO_SCOPE) {
		problem_add(ck->p, k->line, true, "%s cannot have a scope",
			    row->name);
		return;
	}
	if (!ck->has_lists || words_have(scope_words, k->scope))
		return;
	for (size_t i = 0; i < 3; i++) {
		if (names_have(lists[i], k->scope))
			return;
		for (size_t j = 0; j < lists[i]->n; j++)
			nearest_try(&near, lists[i]->at[j]);
	}
	words = words_split(ck->arena, scope_words);
	for (size_t i = 0; i < words.n; i++)
		nearest_try(&near, words.at[i]);
	problem_add(ck->p, k->line, true,
		    "scope @%s: expected a node of the service or one of: %s%s",
		    text_shown(ck->arena, k->scope), scope_words,
		    nearest_hint(ck->arena, &near));
}

static bool text_ends(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && text_equal(text + n - m, end);
}

static void check_required_rid(struct check *ck, const struct ini_key *k,
			       const char *rid)
{
	struct nearest near = nearest_to(rid);

	if (strchr(rid, '{') || text_equal(rid, "impossible") ||
	    ini_section(ck->conf, rid))
		return;
	for (size_t i = 0; i < ck->conf->n; i++)
		nearest_try(&near, ck->conf->sections[i]->name);
	problem_add(ck->p, k->line, false,
		    "%s.%s: there is no [%s], which it requires%s",
		    text_shown(ck->arena, k->section->name), k->option,
		    text_shown(ck->arena, rid), nearest_hint(ck->arena, &near));
}

/* Words "rid" and "rid(state,other state)". */
static void check_requires(struct check *ck, const struct ini_key *k)
{
	const char *at = k->value;

	while (*at) {
		size_t n = 0;

		while (text_is_blank(*at))
			at++;
		while (at[n] && !text_is_blank(at[n]) && at[n] != '(')
			n++;
		if (n)
			check_required_rid(ck, k, text_copy(ck->arena, at, n));
		at += n;
		if (*at == '(')
			at += strcspn(at, ")");
		at += *at == ')';
	}
}

static void check_self_scope(struct check *ck, const struct ini_key *k)
{
	if (text_equal(k->section->name, "DEFAULT") &&
	    text_equal(k->scope, k->option))
		problem_add(ck->p, k->line, false,
			    "%s@%s has no effect: the list is not scoped by "
			    "itself",
			    k->option, k->scope);
}

static void unknown_keyword(struct check *ck, const struct ini_key *k,
			    const char *group, const char *types)
{
	problem_add(ck->p, k->line, false,
		    "%s.%s is no keyword of %s%s%s: it is ignored%s",
		    text_shown(ck->arena, k->section->name),
		    text_shown(ck->arena, k->option), group, *types ? "." : "",
		    types, keyword_hint(ck->arena, group, types, k->option));
}

/* A keyword of some type of the section, and yet without effect. */
static void check_use(struct check *ck, const struct ini_key *k,
		      const struct keyword *row, const char *types)
{
	const char *section = text_shown(ck->arena, k->section->name);

	switch ((enum use)ck->use[k->line]) {
	case USE_OTHER_TYPE:
		problem_add(ck->p, k->line, false,
			    "%s.%s is ignored: the nodes for which this line "
			    "counts have a type without that keyword (the "
			    "types are %s)",
			    section, k->option, types);
		break;
	case USE_NO_EFFECT:
		problem_add(ck->p, k->line, false,
			    "%s.%s has no effect unless %s", section, k->option,
			    depends_text(ck->arena, row));
		break;
	case USE_NONE:
	case USE_YES:
		break;
	}
}

static bool any_driven(struct arena *a, const struct group *g,
		       const char *types)
{
	struct names all = words_split(a, types);

	for (size_t i = 0; i < all.n; i++)
		if (group_drives(g, all.at[i]))
			return true;
	return false;
}

/* @group: NULL for a section without rows. @types: that some node sees. */
static void check_key(struct check *ck, const struct keywords *kws,
		      const struct ini_key *k, const struct section_id *id,
		      const char *group, const char *types)
{
	bool resource = section_is_resource(id);
	const struct keyword *row = NULL;

	if (group)
		row = row_of(kws, group, types, k, ck->arena);
	check_scope(ck, k, row);
	check_self_scope(ck, k);
	if (row && row->flags & KW_LATER &&
	    (!resource || any_driven(ck->arena, id->group, types)))
		problem_add(ck->p, k->line, false,
			    "%s.%s has no effect in this version",
			    text_shown(ck->arena, k->section->name), k->option);
	else if (row)
		check_use(ck, k, row, types);
	if (row && text_ends(row->name, "_requires"))
		check_requires(ck, k);
	if (!group || row || (resource && !*types))
		return;
	if (resource || text_equal(group, "subset") ||
	    !keyword_is_inherited(k->option))
		unknown_keyword(ck, k, group, types);
}

static void check_keys(struct check *ck, const struct keywords *kws, size_t i)
{
	const struct ini_section *s = ck->conf->sections[i];
	const char *types = ck->types[i] ? ck->types[i] : "";
	struct section_id id = section_id(ck->arena, s->name);
	const char *group = section_is_resource(&id) ? id.group->name : NULL;

	if (words_have("data metadata", s->name))
		return;
	if (text_equal(s->name, "DEFAULT"))
		group = "DEFAULT";
	else if (text_starts(s->name, "subset#"))
		group = "subset";
	for (const struct ini_key *k = s->keys; k; k = k->next)
		if (!k->gone && !problems_full(ck->p))
			check_key(ck, kws, k, &id, group, types);
}

/* -- all of them
 * ------------------------------------------------------------------------ */

/* By line; those of one line in the order in which they were found. */
static void sort(struct problems *p, size_t from)
{
	for (size_t i = from + 1; i < p->n; i++) {
		struct problem one = p->at[i];
		size_t j = i;

		for (; j > from && p->at[j - 1].line > one.line; j--)
			p->at[j] = p->at[j - 1];
		p->at[j] = one;
	}
}

static size_t last_line(const struct conf *c)
{
	size_t last = 0;

	for (size_t i = 0; i < c->n; i++)
		for (const struct ini_key *k = c->sections[i]->keys; k;
		     k = k->next)
			last = k->line > last ? k->line : last;
	return last;
}

void conf_validate(struct arena *a, const struct conf *c, const char *service,
		   struct problems *p)
{
	struct check ck = { .arena = a, .conf = c, .service = service, .p = p };
	size_t from = p->n;

	ck.types = ARENA_VEC(a, const char *, c->n + 1);
	ck.use = ARENA_VEC(a, unsigned char, last_line(c) + 1);
	for (size_t i = 0; i < c->n; i++)
		check_section(&ck, c->sections[i]);
	check_lists(&ck);
	look_as_all(&ck);
	if (ck.has_lists)
		check_hosts(&ck);
	for (size_t i = 0; i < c->n; i++)
		check_keys(&ck, ck.e.keywords, i);
	sort(p, from);
}
