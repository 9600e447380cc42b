/*
 * The env file language. A case without settings is a file, which is checked
 * and evaluated for every node that it names. Others say what they do:
 *
 *     @do: KIND      a row of the table at the end of this file
 *     @as: NODE...   for whom
 *     @in: SECTION   where a text stands
 *     @escapes: yes  \r, \t, \n, \\ and \xHH in the case are the bytes, and a
 *                    \ at the end of a line takes the line end away
 *
 * and have two parts: lines, one for each thing that is done, and below a line
 * "----" the env file. Without such a line the file is DIR/NAME.conf.
 */
#include <stdio.h>
#include <string.h>

#include "fsm/conf/eval.h"
#include "fsm/conf/select.h"
#include "fsm/conf/text.h"
#include "golden.h"

static const char *dir;

/* -- the parts of a case ----------------------------------------------------
 */

struct parts {
	struct arena *arena;
	const struct golden_case *gc;
	struct names lines;
	const char *file;
	struct names nodes; /* @as */
	struct buf *out;
};

static unsigned hex(char c)
{
	return text_is_digit(c) ? (unsigned)(c - '0')
				: (unsigned)(text_lower(c) - 'a' + 10);
}

static const char *unescape(struct arena *a, const char *text)
{
	struct buf b = BUF(a);

	for (; *text; text++) {
		char c = *text;

		if (c == '\\' && text[1]) {
			c = *++text;
			c = c == 'r' ? '\r' : c == 't' ? '\t' : c;
			if (c == '\n')
				continue; /* the line is not ended */
			c = c == 'n' ? '\n' : c;
			if (c == 'x') {
				c = (char)(hex(text[1]) * 16 + hex(text[2]));
				text += 2;
			}
		}
		buf_add(&b, &c, 1);
	}
	return buf_text(&b);
}

/* Bytes that a reader would not see. */
static void show_text(struct buf *b, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '\n')
			buf_puts(b, "\\n");
		else if (c == '\t')
			buf_puts(b, "\\t");
		else if (c == '\r')
			buf_puts(b, "\\r");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\x%02x", c);
		else
			buf_add(b, text, 1);
	}
}

static struct names lines_of(struct arena *a, const char *text,
			     const char **ret_rest)
{
	struct names l = { 0 };
	size_t n = 1;

	for (const char *p = text; *p; p++)
		n += *p == '\n';
	l.at = ARENA_VEC(a, const char *, n);
	*ret_rest = NULL;
	while (*text) {
		size_t len = strcspn(text, "\n");
		const char *line = text_copy(a, text, len);

		text += len + (text[len] == '\n');
		if (text_equal(line, "----")) {
			*ret_rest = text;
			break;
		}
		if (*line)
			l.at[l.n++] = line;
	}
	return l;
}

static struct parts parts_of(struct arena *a, const struct golden_case *gc,
			     struct buf *out)
{
	struct parts p = { .arena = a, .gc = gc, .out = out };
	const char *as = golden_setting(a, gc->text, "as");
	const char *body = golden_body(gc->text);

	p.nodes = words_split(a, as ? as : "");
	p.lines = lines_of(a, body, &p.file);
	if (golden_setting(a, gc->text, "escapes")) {
		for (size_t i = 0; i < p.lines.n; i++)
			p.lines.at[i] = unescape(a, p.lines.at[i]);
		p.file = p.file ? unescape(a, p.file) : NULL;
	}
	if (!p.file)
		p.file = golden_read(
			a, arena_printf(a, "%s/%s.conf", dir, gc->file));
	if (!p.file)
		p.file = "";
	return p;
}

static void show_problems(struct buf *b, const struct problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		buf_printf(b, "%s\n", p->at[i].text);
}

static struct conf *parse(struct parts *p, const char *text)
{
	struct problems all = { .arena = p->arena, .name = "web.conf" };
	struct conf *c = conf_parse(p->arena, text, strlen(text), &all);

	show_problems(p->out, &all);
	return c;
}

/* "words -> ..." */
static void show_asked(struct parts *p, size_t i)
{
	show_text(p->out, p->lines.at[i]);
	buf_puts(p->out, " -> ");
}

static void show_result(struct parts *p, int rc, const char *text,
			const struct err *err)
{
	if (rc < 0)
		buf_printf(p->out, "error: %s\n", err->text);
	else if (rc > 0)
		buf_puts(p->out, "not set\n");
	if (rc)
		return;
	buf_puts(p->out, "'");
	show_text(p->out, text);
	buf_puts(p->out, "'\n");
}

/* -- what is shown ----------------------------------------------------------
 */

static void show_names(struct buf *b, const char *what, const struct names *l)
{
	buf_printf(b, "%s", what);
	for (size_t i = 0; i < l->n; i++)
		buf_printf(b, " %s", l->at[i]);
	buf_puts(b, "\n");
}

static void show_service(struct buf *b, const struct service_conf *sc)
{
	show_names(b, "nodes:", &sc->nodes);
	show_names(b, "drpnodes:", &sc->drpnodes);
	show_names(b, "encapnodes:", &sc->encapnodes);
	buf_printf(b, "topology: %s, orchestrate: %s, priority: %lld\n",
		   sc->topology, sc->orchestrate, (long long)sc->priority);
	buf_printf(b, "flex: %lld to %lld, target %lld\n",
		   (long long)sc->flex_min, (long long)sc->flex_max,
		   (long long)sc->flex_target);
	buf_printf(b, "app: %s, env: %s, comment: %s%s%s\n", sc->app, sc->env,
		   sc->comment, sc->disable ? ", disabled" : "",
		   sc->rollback ? "" : ", no rollback");
}

static void show_flags(struct buf *b, const struct resource *r)
{
	const struct {
		bool set;
		const char *word;
	} flags[] = {
		{ r->encap, "encap" },	     { r->disable, "disable" },
		{ r->optional, "optional" }, { r->monitor, "monitor" },
		{ r->standby, "standby" },   { r->noaction, "noaction" },
		{ r->nostatus, "nostatus" },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].set)
			buf_printf(b, " %s", flags[i].word);
	if (r->restart)
		buf_printf(b, " restart=%lld", (long long)r->restart);
	if (r->start_timeout_ms)
		buf_printf(b, " start_timeout=%lld",
			   (long long)r->start_timeout_ms);
	if (r->stop_timeout_ms)
		buf_printf(b, " stop_timeout=%lld",
			   (long long)r->stop_timeout_ms);
	if (*r->subset)
		buf_printf(b, " subset=%s", r->subset);
	if (*r->encapnode)
		buf_printf(b, " encapnode=%s", r->encapnode);
	buf_puts(b, "\n");
}

static void show_resource(struct buf *b, const struct resource *r)
{
	buf_printf(b, "  %s %s.%s", r->rid, r->group, r->type);
	show_flags(b, r);
	for (const char *const *kw = r->kw; *kw; kw += 2) {
		buf_printf(b, "      %s = ", kw[0]);
		for (const char *p = kw[1]; *p; p++)
			buf_puts(b, *p == '\n' ? "\n          "
					       : (char[]){ *p, '\0' });
		buf_puts(b, "\n");
	}
}

static void show_node(struct buf *b, const struct conf *c, const char *service,
		      const char *node)
{
	struct instance inst;
	enum level level;
	struct err err = { 0 };
	int rc = conf_level(b->arena, c, service, node, &level, &err);

	if (rc == 0)
		rc = instance_eval(b->arena, c, service, node, level, &inst,
				   &err);
	if (rc < 0) {
		buf_printf(b, "\n%s: %s\n", node, err.text);
		return;
	}
	buf_printf(b, "\n%s, %s level\n", node,
		   level == LEVEL_ENCAP ? "encap" : "hypervisor");
	for (size_t i = 0; i < inst.n; i++)
		show_resource(b, &inst.res[i]);
}

static void show_file(struct arena *a, const struct golden_case *gc,
		      struct buf *b)
{
	const char *service = gc->file, *text = gc->text;
	char name[256];
	struct problems p = { .arena = b->arena, .name = name };
	struct service_conf sc;
	struct err err = { 0 };
	struct conf *c;

	snprintf(name, sizeof(name), "%s.conf", service);
	c = conf_parse(a, text, strlen(text), &p);
	if (c)
		conf_validate(a, c, service, &p);
	show_problems(b, &p);
	if (!c || p.fatal)
		return;
	if (service_eval(a, c, service, NULL, &sc, &err) < 0) {
		buf_printf(b, "%s\n", err.text);
		return;
	}
	show_service(b, &sc);
	for (size_t i = 0; i < sc.nodes.n; i++)
		show_node(b, c, service, sc.nodes.at[i]);
	for (size_t i = 0; i < sc.drpnodes.n; i++)
		show_node(b, c, service, sc.drpnodes.at[i]);
	for (size_t i = 0; i < sc.encapnodes.n; i++)
		show_node(b, c, service, sc.encapnodes.at[i]);
}

/* -- the kinds ---------------------------------------------------------------
 */

/* What is read, and whether it is written back byte by byte. */
static void do_parse(struct parts *p)
{
	struct conf *c = parse(p, p->file);
	struct buf text = BUF(p->arena);

	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++) {
		const struct ini_section *s = c->sections[i];

		buf_printf(p->out, "%u: [%s]\n", s->line, s->name);
		for (const struct ini_key *k = s->keys; k; k = k->next) {
			buf_printf(p->out, "%u:   %s", k->line, k->option);
			if (*k->scope)
				buf_printf(p->out, " @%s", k->scope);
			buf_puts(p->out, " = '");
			show_text(p->out, k->value);
			buf_puts(p->out,
				 ini_key(c, s, k->option, k->scope) == k
					 ? "'\n"
					 : "', beaten by a later one\n");
		}
	}
	conf_text(c, &text);
	buf_puts(p->out, text_equal(buf_text(&text), p->file)
				 ? "written back: the same bytes\n"
				 : "WRITTEN BACK: OTHER BYTES\n");
}

/* What is wrong with the file. */
static void do_check(struct parts *p)
{
	struct problems all = { .arena = p->arena, .name = "web.conf" };
	struct conf *c = conf_parse(p->arena, p->file, strlen(p->file), &all);

	if (c)
		conf_validate(p->arena, c, "web", &all);
	show_problems(p->out, &all);
	buf_printf(p->out, "%s\n", all.fatal ? "refused" : "accepted");
}

/* Each line is a key: its value for each node of @as. */
static void do_get(struct parts *p)
{
	struct conf *c = parse(p, p->file);

	for (size_t n = 0; c && n < p->nodes.n; n++)
		for (size_t i = 0; i < p->lines.n; i++) {
			const char *value = NULL;
			struct err err = { 0 };
			struct conf_key k;
			int rc = conf_key_parse(p->arena, p->lines.at[i], &k,
						&err);

			if (rc == 0)
				rc = conf_eval_key(p->arena, c, "web",
						   p->nodes.at[n], &k, &value,
						   &err);
			buf_printf(p->out, "%s: ", p->nodes.at[n]);
			show_asked(p, i);
			show_result(p, rc, value, &err);
		}
}

/* Each line is a text that stands in the section @in. */
static void do_expand(struct parts *p)
{
	const char *in = golden_setting(p->arena, p->gc->text, "in");
	const char *service = golden_setting(p->arena, p->gc->text, "service");
	struct conf *c = parse(p, p->file);
	struct err err = { 0 };
	struct eval e;

	if (c && eval_init(&e, p->arena, c, service ? service : "web",
			   p->nodes.n ? p->nodes.at[0] : NULL, &err) < 0)
		buf_printf(p->out, "%s\n", err.text);
	for (size_t i = 0; c && i < p->lines.n; i++) {
		struct value v = { .text = NULL };
		int rc;

		e.note = NULL;
		rc = eval_text(&e, in ? in : "env", "this", p->lines.at[i], &v,
			       &err);
		show_asked(p, i);
		show_result(p, rc, v.text, &err);
		if (e.note)
			buf_printf(p->out, "    note: %s\n", e.note);
	}
}

static enum conv conv_of(const char *name)
{
	static const char *const names[] = {
		"string",  "list",	"list_lower", "list_comma",
		"set",	   "set_comma", "nodes",      "integer",
		"boolean", "tristate",	"duration",   "minutes",
		"size",	   "speed",	"shlex",      "expanded_shlex",
	};
	enum conv c = CONV_STRING;

	while (c < CONV_FLAGS && !text_equal(names[c], name))
		c++;
	return c;
}

/* Each line is a text in quotes, for the converter @with. */
static void do_convert(struct parts *p)
{
	enum conv conv = conv_of(golden_setting(p->arena, p->gc->text, "with"));

	for (size_t i = 0; i < p->lines.n; i++) {
		const char *quoted = p->lines.at[i];
		const char *text =
			text_copy(p->arena, quoted + 1, strlen(quoted) - 2);
		struct value v = { .text = NULL };
		struct err err = { 0 };
		int rc = convert(p->arena, conv, text, &v, &err);

		show_asked(p, i);
		show_result(p, rc, v.text, &err);
		for (size_t j = 0; rc == 0 && j < v.words.n; j++)
			buf_printf(p->out, "    word '%s'\n", v.words.at[j]);
		if (rc == 0 && v.note)
			buf_printf(p->out, "    note: %s\n", v.note);
	}
}

/* The driver of each section, as the node @as sees it. */
static void do_types(struct parts *p)
{
	struct conf *c = parse(p, p->file);
	struct err err = { 0 };
	struct eval e;

	if (c && eval_init(&e, p->arena, c, "web",
			   p->nodes.n ? p->nodes.at[0] : NULL, &err) < 0)
		buf_printf(p->out, "%s\n", err.text);
	for (size_t i = 0; c && i < c->n; i++) {
		const char *name = c->sections[i]->name, *type = "";
		struct section_id id = section_id(p->arena, name);

		if (section_is_special(name))
			continue;
		eval_type(&e, name, &type, NULL);
		buf_printf(p->out, "[%s] -> %s%s%s, index '%s'\n", name,
			   id.group ? id.group->name : "no group",
			   *type ? "." : "", type, id.index);
	}
}

/* Each line is a key of the command line. */
static void do_key(struct parts *p)
{
	for (size_t i = 0; i < p->lines.n; i++) {
		struct err err = { 0 };
		struct conf_key k;
		int rc = conf_key_parse(p->arena, p->lines.at[i], &k, &err);

		show_asked(p, i);
		if (rc < 0)
			buf_printf(p->out, "error: %s\n", err.text);
		else
			buf_printf(p->out, "[%s] %s%s%s\n", k.section, k.option,
				   *k.scope ? " @" : "", k.scope);
	}
}

/* Each line is a name of a service. */
static void do_name(struct parts *p)
{
	for (size_t i = 0; i < p->lines.n; i++) {
		struct err err = { 0 };
		int rc = name_check(p->lines.at[i], &err);

		show_asked(p, i);
		buf_printf(p->out, rc < 0 ? "error: %s\n" : "good%s\n",
			   err.text);
	}
}

static int edit_line(struct parts *p, struct conf *c, const char *line,
		     struct err *err)
{
	if (text_starts(line, "unset "))
		return conf_remove(c, line + 6, err);
	if (text_starts(line, "set "))
		line += 4;
	return conf_assign(c, unescape(p->arena, line), err);
}

/* Each line is what is typed after `set` or `unset`; then the file follows. */
static void do_edit(struct parts *p)
{
	struct conf *c = parse(p, p->file);
	struct buf text = BUF(p->arena);
	bool bad = false;

	for (size_t i = 0; c && i < p->lines.n; i++) {
		struct err err = { 0 };
		int rc = edit_line(p, c, p->lines.at[i], &err);

		bad |= rc != 0;
		if (rc < 0)
			buf_printf(p->out, "%s -> error: %s\n", p->lines.at[i],
				   err.text);
		else if (rc > 0)
			buf_printf(p->out, "%s -> not set\n", p->lines.at[i]);
	}
	if (!c)
		return;
	conf_text(c, &text);
	if (bad && text_equal(buf_text(&text), p->file)) {
		buf_puts(p->out, "nothing was changed\n");
		return;
	}
	for (const char *at = buf_text(&text); *at; at++)
		buf_puts(p->out, *at == '\r' ? "\\r" : (char[]){ *at, '\0' });
	if (text.len && text.data[text.len - 1] != '\n')
		buf_puts(p->out, "<no newline>\n");
}

/* Why the values of the file (or of the keys of the lines) are what they are,
 * for each node of @as. */
static void do_why(struct parts *p)
{
	struct conf *c = parse(p, p->file);
	struct err err = { 0 };

	for (size_t n = 0; c && n < p->nodes.n; n++) {
		const char *node = p->nodes.at[n];
		struct doc *d;

		buf_printf(p->out, "-- %s\n", node);
		if (!p->lines.n) {
			d = conf_why(p->arena, c, "web", node, &err);
			conf_why_text(p->out, "web.conf", d);
		}
		for (size_t i = 0; i < p->lines.n; i++) {
			struct conf_key k;

			conf_key_parse(p->arena, p->lines.at[i], &k, &err);
			d = conf_why_key(p->arena, c, "web", node, &k, &err);
			conf_why_value(p->out, "web.conf", k.section, d);
		}
	}
}

/* The services of the case: "#### NAME" and its file, one after the other. */
static size_t services_of(struct parts *p, struct selectable *all, size_t most)
{
	const char *at = p->file;
	size_t n = 0;

	while (n < most && text_starts(at, "#### ")) {
		const char *name = at + 5, *body, *end;
		size_t len = strcspn(name, "\n");

		body = name + len + (name[len] == '\n');
		for (end = body; *end && !text_starts(end, "#### "); end++)
			;
		all[n].name = text_copy(p->arena, name, len);
		all[n++].conf = parse(
			p, text_copy(p->arena, body, (size_t)(end - body)));
		at = end;
	}
	return n;
}

/* Each line is a selector: which services it means for the node @as. */
static void do_select(struct parts *p)
{
	struct selectable all[16];
	size_t n = services_of(p, all, 16);

	for (size_t i = 0; i < p->lines.n; i++) {
		struct err err = { 0 };
		bool meant[16] = { false };
		int rc = select_services(p->arena, p->lines.at[i], all, n,
					 p->nodes.n ? p->nodes.at[0] : NULL,
					 meant, &err);

		buf_printf(p->out, "%s ->", p->lines.at[i]);
		if (rc < 0)
			buf_printf(p->out, " error: %s", err.text);
		for (size_t j = 0; rc == 0 && j < n; j++)
			if (meant[j])
				buf_printf(p->out, " %s", all[j].name);
		buf_puts(p->out, "\n");
	}
}

static const struct kind {
	const char *name;
	void (*run)(struct parts *p);
} kinds[] = {
	{ "parse", do_parse },	   { "check", do_check },
	{ "get", do_get },	   { "expand", do_expand },
	{ "convert", do_convert }, { "types", do_types },
	{ "key", do_key },	   { "name", do_name },
	{ "edit", do_edit },	   { "why", do_why },
	{ "select", do_select },
};

static void show_case(struct arena *a, const struct golden_case *gc,
		      struct buf *out)
{
	const char *what = golden_setting(a, gc->text, "do");
	struct parts p;

	if (!what) {
		show_file(a, gc, out);
		return;
	}
	p = parts_of(a, gc, out);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (text_equal(kinds[i].name, what)) {
			kinds[i].run(&p);
			return;
		}
	buf_printf(out, "@do: %s is none of the kinds\n", what);
}

int main(int argc, char **argv)
{
	dir = argc > 1 ? argv[1] : ".";
	return golden_main(argc, argv, show_case);
}
