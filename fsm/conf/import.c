/*
 * Each line of a file against the rows.
 *
 *     its section   known, an older kind ([lv#1]), or of no known group
 *     its keyword   known for a type that the section has somewhere, under
 *                   this spelling or an older one; or retired: said in another
 *                   way now
 *     its value     converts, or holds what another version read differently
 */
#include "fsm/conf/import.h"

#include <stdlib.h>
#include <string.h>

#include "fsm/conf/ini.h"
#include "fsm/conf/keyword.h"
#include "fsm/conf/text.h"

const char *import_state_name(enum import_state s)
{
	static const char *const names[] = {
		[IMPORT_TAKEN] = "taken",
		[IMPORT_TRANSLATED] = "translated",
		[IMPORT_UNKNOWN] = "not understood",
	};

	return names[s];
}

struct look {
	struct arena *arena;
	const struct conf *conf;
	struct keywords keywords;
	struct import *in;
};

/* A section and what is known of it. */
struct place {
	const struct ini_section *s;
	struct section_id id;
	const char *group;  /* of rows; NULL: it has none */
	struct names types; /* that some node may see */
	bool encap;
	bool any_type; /* by a reference: it is not looked up */
};

static void put(struct look *l, const struct ini_key *k,
		enum import_state state, const char *note)
{
	struct import_key *key = &l->in->at[l->in->n++];

	*key = (struct import_key){
		.line = k->line,
		.key = arena_printf(l->arena, "%s.%s%s%s", k->section->name,
				    k->option, *k->scope ? "@" : "", k->scope),
		.state = state,
		.note = note,
	};
}

/* -- keywords whose meaning has moved -------------------------------------- */

static const struct retired {
	const char *group, *option;
	const char *note;
} retired[] = {
	{ "DEFAULT", "mode",
	  "the type of each container# says it; has no effect" },
	{ "DEFAULT", "autostart_node",
	  "these nodes started the service at boot: say orchestrate = start, "
	  "or ha, and give nodes their order" },
	{ "DEFAULT", "drpnode", "the first of drpnodes" },
	{ "DEFAULT", "sync_interval",
	  "say it in sync_schedule: sync_interval = 30 is sync_schedule = "
	  "@30" },
	{ "DEFAULT", "sync_days", "say it in sync_schedule, behind the times" },
	{ "DEFAULT", "sync_period", "say it in sync_schedule: the times" },
	{ "sync", "sync_interval",
	  "say it in schedule: sync_interval = 30 is schedule = @30" },
	{ "sync", "sync_days", "say it in schedule, behind the times" },
	{ "sync", "sync_period", "say it in schedule: the times" },
	{ "sync", "exclude", "say it in options, as --exclude=PATTERN" },
	{ "*", "always_on", "standby = true, on these nodes" },
	{ "*", "optional_on", "optional = true, on these nodes" },
	{ "*", "monitor_on", "monitor = true, on these nodes" },
	{ "*", "disable_on", "disable = true, on these nodes" },
	{ "*", "enable_on", "disable = false, on these nodes" },
};

static const char *retired_note(const struct keyword *row)
{
	for (size_t i = 0; i < sizeof(retired) / sizeof(retired[0]); i++)
		if (text_equal(retired[i].group, row->group) &&
		    text_equal(retired[i].option, row->name))
			return retired[i].note;
	return NULL;
}

/* -- values ---------------------------------------------------------------- */

/* The numbers with which OpenSVC 1 gave scripts their order. */
static bool is_sequence(const struct keyword *row, const char *value)
{
	if (!text_equal(row->group, "app") ||
	    !words_have("start stop check info", row->name) || !*value)
		return false;
	for (; *value; value++)
		if (!text_is_digit(*value))
			return false;
	return true;
}

/* From where on OpenSVC 1 and 3 took a value for a comment: NULL if nowhere. */
static const char *inline_comment(const struct import *in, const char *value)
{
	if (in->version == 2)
		return NULL;
	for (const char *p = value; *p; p++)
		if (text_is_blank(*p) &&
		    (p[1] == ';' || (p[1] == '#' && in->version != 1)))
			return p + 1;
	return NULL;
}

static const char *comment_note(struct look *l, const char *value)
{
	const char *at = inline_comment(l->in, value);

	if (!at)
		return NULL;
	return arena_printf(l->arena,
			    "all of the line is the value here; OpenSVC %s "
			    "took what follows the '%c' for a comment",
			    l->in->version == 1 ? "1" : "3", *at);
}

/* "lvm" -> "vg" */
static const char *type_note(struct look *l, const struct place *p,
			     const char *value)
{
	const char *type = value;

	if (p->id.group)
		type = type_current(l->arena, p->id.group, value);
	return type == value ? NULL : arena_printf(l->arena, "type = %s", type);
}

/* A value that is plain, that is, without references. */
static bool look_at_value(struct look *l, const struct ini_key *k,
			  const struct keyword *row)
{
	struct err err = { 0 };
	const char *bad;
	struct value v;

	if (strpbrk(k->value, "{$"))
		return false;
	if (convert(l->arena, row->conv, k->value, &v, &err) < 0) {
		put(l, k, IMPORT_UNKNOWN,
		    arena_printf(l->arena, "%s", err.text));
		return true;
	}
	bad = keyword_not_allowed(l->arena, row, &v);
	if (bad) {
		put(l, k, IMPORT_UNKNOWN,
		    arena_printf(l->arena, "'%s' is none of: %s",
				 text_shown(l->arena, bad), row->candidates));
		return true;
	}
	if (!v.note || l->in->version == 3)
		return false;
	put(l, k, IMPORT_TRANSLATED, v.note);
	return true;
}

/* -- keys ------------------------------------------------------------------ */

static const struct keyword *row_of(const struct look *l, const struct place *p,
				    const char *option)
{
	const struct keyword *row =
		keyword_find(&l->keywords, p->group, NULL, option);

	for (size_t i = 0; !row && i < p->types.n; i++)
		row = keyword_find(&l->keywords, p->group, p->types.at[i],
				   option);
	return row;
}

/* Told once per section: with its type, or with its first line. */
static const char *driver_note(struct look *l, const struct place *p,
			       const struct ini_key *k)
{
	struct buf b = BUF(l->arena);
	bool has_type = ini_has_option(l->conf, p->s, "type");

	if (p->any_type)
		return NULL;
	if (has_type ? !text_equal(k->option, "type") : k != p->s->keys)
		return NULL;
	for (size_t i = 0; i < p->types.n; i++)
		if (!group_drives(p->id.group, p->types.at[i]))
			buf_printf(&b, "%s%s.%s", b.len ? ", " : "", p->group,
				   text_shown(l->arena, p->types.at[i]));
	if (!b.len)
		return NULL;
	return arena_printf(l->arena, "no driver in this version for %s",
			    buf_text(&b));
}

/* What this version does with it, where that is nothing yet. */
static const char *effect_note(struct look *l, const struct place *p,
			       const struct ini_key *k,
			       const struct keyword *row)
{
	const char *note = driver_note(l, p, k);
	bool driven = !p->types.n;

	for (size_t i = 0; i < p->types.n; i++)
		driven = driven || group_drives(p->id.group, p->types.at[i]);
	if (note)
		return note;
	return driven && row->flags & KW_LATER ? "no effect in this version"
					       : "";
}

/* A container was one of its own nodes. */
static const char *scope_note(const struct place *p, const struct ini_key *k)
{
	if (!p->encap || !text_equal(k->scope, "nodes"))
		return NULL;
	return "@nodes does not hold in a container: say @encapnodes, or "
	       "no scope";
}

static void look_at_known(struct look *l, const struct place *p,
			  const struct ini_key *k, const struct keyword *row)
{
	const char *note = retired_note(row);

	if (note) {
		put(l, k, IMPORT_TRANSLATED, note);
		return;
	}
	if (text_equal(row->name, "type"))
		note = type_note(l, p, k->value);
	else if (!text_equal(row->name, k->option))
		note = arena_printf(l->arena, "read as %s", row->name);
	else if (is_sequence(row, k->value))
		note = "the script is called with this word; resources go by "
		       "their names, not by this number";
	else
		note = comment_note(l, k->value);
	if (!note)
		note = scope_note(p, k);
	if (note)
		put(l, k, IMPORT_TRANSLATED, note);
	else if (!look_at_value(l, k, row))
		put(l, k, IMPORT_TAKEN, effect_note(l, p, k, row));
}

static void look_at_unknown(struct look *l, const struct place *p,
			    const struct ini_key *k)
{
	const char *types = p->any_type ? "" : words_join(l->arena, &p->types);

	if (text_equal(p->group, "DEFAULT") &&
	    keyword_is_inherited(k->option)) {
		put(l, k, IMPORT_TAKEN, "for the resources that inherit it");
		return;
	}
	put(l, k, IMPORT_UNKNOWN,
	    arena_printf(l->arena, "no keyword of %s%s%s: kept, and ignored%s",
			 p->group, *types ? "." : "",
			 text_shown(l->arena, types),
			 keyword_hint(l->arena, p->group, types, k->option)));
}

static void look_at_key(struct look *l, const struct place *p,
			const struct ini_key *k)
{
	const struct keyword *row;

	if (!p->group) {
		if (p->id.group || section_is_special(p->s->name))
			put(l, k, IMPORT_TAKEN, "");
		else
			put(l, k, IMPORT_UNKNOWN,
			    "its section is of no known group");
		return;
	}
	row = row_of(l, p, k->option);
	if (row)
		look_at_known(l, p, k, row);
	else
		look_at_unknown(l, p, k);
}

/* -- sections -------------------------------------------------------------- */

/* By what stands there, on some node. */
static bool is_encap(struct look *l, const struct ini_section *s)
{
	for (const struct ini_key *k = s->keys; k; k = k->next) {
		struct value v = { 0 };

		if (k->gone)
			continue;
		if (text_equal(k->option, "tags") &&
		    words_have(k->value, "encap"))
			return true;
		if (text_equal(k->option, "encap") &&
		    convert(l->arena, CONV_BOOLEAN, k->value, &v, NULL) == 0 &&
		    v.num)
			return true;
	}
	return false;
}

/* What stands as its type, under any scope; else what it is by default. */
static void types_find(struct look *l, struct place *p)
{
	size_t n = 1;

	for (const struct ini_key *k = p->s->keys; k; k = k->next)
		n += text_equal(k->option, "type");
	p->types.at = ARENA_VEC(l->arena, const char *, n);
	for (const struct ini_key *k = p->s->keys; k; k = k->next) {
		const char *type =
			type_current(l->arena, p->id.group, k->value);

		if (k->gone || !text_equal(k->option, "type"))
			continue;
		if (strchr(type, '{')) { /* any of them */
			p->types = group_types(l->arena, p->id.group);
			p->any_type = true;
			return;
		}
		if (!names_have(&p->types, type))
			p->types.at[p->types.n++] = type;
	}
	if (p->types.n)
		return;
	if (p->id.type)
		p->types.at[p->types.n++] = p->id.type;
	else if (p->id.group->type)
		p->types.at[p->types.n++] = p->id.group->type;
}

static struct place place_of(struct look *l, const struct ini_section *s)
{
	struct place p = { .s = s, .id = section_id(l->arena, s->name) };

	if (text_equal(s->name, "DEFAULT")) {
		p.group = "DEFAULT";
	} else if (text_starts(s->name, "subset#")) {
		p.group = "subset";
	} else if (section_is_resource(&p.id)) {
		p.group = p.id.group->name;
		p.encap = is_encap(l, s);
		types_find(l, &p);
	}
	return p;
}

static void look_at_section(struct look *l, const struct ini_section *s)
{
	struct place p = place_of(l, s);

	for (const struct ini_key *k = s->keys; k; k = k->next)
		if (!k->gone)
			look_at_key(l, &p, k);
}

/* Before there were types: the first line of the section says what it is. */
static void note_old_section(struct look *l, const struct ini_section *s,
			     size_t from)
{
	struct section_id id = section_id(l->arena, s->name);
	struct import_key *key = &l->in->at[from];

	if (!id.type || l->in->n == from)
		return;
	if (key->state == IMPORT_TAKEN)
		key->state = IMPORT_TRANSLATED;
	key->note = arena_printf(
		l->arena, "[%s] is [disk#%s] with type = %s%s%s", s->name,
		id.index, id.type, *key->note ? "; " : "", key->note);
}

/* -- the file -------------------------------------------------------------- */

/* By keywords that not all versions have. */
static unsigned guess(struct look *l)
{
	unsigned version = 0;

	for (size_t i = 0; i < l->conf->n; i++) {
		struct place p = place_of(l, l->conf->sections[i]);

		for (const struct ini_key *k = p.s->keys; p.group && k;
		     k = k->next) {
			const struct keyword *row = row_of(l, &p, k->option);

			if (row && row->from == FROM_V3)
				return 3;
			if (row && row->from && !(row->from & FROM_V3))
				version = 2;
		}
	}
	return version;
}

/* A reference to nothing that is known: the validation has told of it. */
static void note_references(struct look *l, const struct problems *p)
{
	for (size_t i = 0; i < l->in->n; i++) {
		struct import_key *key = &l->in->at[i];

		for (size_t j = 0; j < p->n && key->state == IMPORT_TAKEN;
		     j++) {
			const char *note = strstr(p->at[j].text, "warning: {");

			if (p->at[j].line != key->line || !note)
				continue;
			key->state = IMPORT_UNKNOWN;
			key->note = note + strlen("warning: ");
		}
	}
}

static int by_line(const void *x, const void *y)
{
	const struct import_key *a = x, *b = y;

	return a->line < b->line ? -1 : a->line > b->line;
}

void import_look(struct arena *a, const struct conf *c, unsigned version,
		 const struct problems *p, struct import *ret)
{
	struct look l = { a, c, keywords_index(a, 0), ret };

	*ret = (struct import){ .version = version };
	ret->at = ARENA_VEC(a, struct import_key, c->n_keys + 1);
	if (!version)
		ret->version = guess(&l);
	for (size_t i = 0; i < c->n; i++) {
		size_t from = ret->n;

		look_at_section(&l, c->sections[i]);
		note_old_section(&l, c->sections[i], from);
	}
	if (ret->n)
		qsort(ret->at, ret->n, sizeof(*ret->at), by_line);
	note_references(&l, p);
	for (size_t i = 0; i < ret->n; i++)
		ret->count[ret->at[i].state]++;
}

const char *import_version(const struct import *in)
{
	static const char *const names[] = { "OpenSVC 2 or 3", "OpenSVC 1",
					     "OpenSVC 2", "OpenSVC 3" };

	return names[in->version];
}

void import_text(const struct import *in, struct buf *out)
{
	size_t width = 0;

	for (size_t i = 0; i < in->n; i++)
		if (strlen(in->at[i].key) > width && strlen(in->at[i].key) < 32)
			width = strlen(in->at[i].key);
	for (size_t i = 0; i < in->n; i++) {
		const struct import_key *k = &in->at[i];

		if (*k->note)
			buf_printf(out, "%6u  %-*s  %-14s  %s\n", k->line,
				   (int)width, k->key,
				   import_state_name(k->state), k->note);
		else
			buf_printf(out, "%6u  %-*s  %s\n", k->line, (int)width,
				   k->key, import_state_name(k->state));
	}
	buf_printf(out, "%zu taken, %zu translated, %zu not understood\n",
		   in->count[IMPORT_TAKEN], in->count[IMPORT_TRANSLATED],
		   in->count[IMPORT_UNKNOWN]);
}

struct doc *import_doc(struct arena *a, const struct import *in)
{
	struct doc *d = doc_map(a), *keys;

	if (in->version)
		doc_put_int(a, d, "version", in->version);
	keys = doc_put(a, d, "keys", doc_list(a));
	for (size_t i = 0; i < in->n; i++) {
		struct doc *k = doc_add(a, keys, doc_map(a));

		doc_put_int(a, k, "line", in->at[i].line);
		doc_put_str(a, k, "key", in->at[i].key);
		doc_put_str(a, k, "state", import_state_name(in->at[i].state));
		if (*in->at[i].note)
			doc_put_str(a, k, "note", in->at[i].note);
	}
	doc_put_int(a, d, "taken", (int64_t)in->count[IMPORT_TAKEN]);
	doc_put_int(a, d, "translated", (int64_t)in->count[IMPORT_TRANSLATED]);
	doc_put_int(a, d, "not_understood", (int64_t)in->count[IMPORT_UNKNOWN]);
	return d;
}
