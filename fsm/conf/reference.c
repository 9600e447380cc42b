/*
 * References: {keyword}, {section.keyword}, {env.x}, {x[n]}, {#x}, {upper:x};
 * and expressions: $({#nodes} - 1).
 *
 *     references ──▶ expressions ──▶ references, where one had a value
 *
 * One pass over the text each: a '{' is remembered, and at each '}' what stands
 * between it and the last '{' is looked up. So the innermost come first, and
 * what a reference inserted is not looked into again in that pass. The last
 * pass is for {env.$({env.i} + 1)}. Anything that is not known, {print $1},
 * {abcd} or $(date), stays as it is.
 */
#include <errno.h>
#include <string.h>

#include "fsm/conf/eval.h"
#include "fsm/conf/expr.h"
#include "fsm/conf/text.h"

#define MAX_NAME   256
#define MAX_BRACES 32 /* open at once; what is deeper stays as it is */

/* 0 found, 1 not known, negative: cannot be worked out. */
static int look_up(struct eval *e, const char *section, const char *name,
		   const char **ret, struct err *err);

/* -- names that need no keyword ----------------------------------------------
 */

static const char *up_to(struct arena *a, const char *text, char end)
{
	const char *p = strchr(text, end);

	return p ? text_copy(a, text, (size_t)(p - text)) : text;
}

/* Services of a scaler are called NUMBER.NAME. */
static const char *scaler_name(const char *service)
{
	const char *p = service;

	while (text_is_digit(*p))
		p++;
	return p != service && *p == '.' ? p + 1 : service;
}

static const char *rid_name(struct arena *a, const char *section,
			    const char *name)
{
	struct section_id id = section_id(a, section);

	if (!section_is_resource(&id))
		return NULL;
	if (text_equal(name, "rid"))
		return section;
	return text_equal(name, "rindex") ? id.index : id.group->name;
}

static const char *builtin(const struct eval *e, const char *section,
			   const char *name)
{
	struct arena *a = e->arena;

	if (words_have("name svcname path svcpath", name))
		return e->service;
	if (words_have("short_name short_svcname", name))
		return up_to(a, e->service, '.');
	if (text_equal(name, "scaler_name"))
		return scaler_name(e->service);
	if (text_equal(name, "scaler_short_name"))
		return up_to(a, scaler_name(e->service), '.');
	if (text_equal(name, "namespace"))
		return "root";
	if (text_equal(name, "kind"))
		return "svc";
	if (words_have("svcmgr nodemgr", name))
		return name; /* they are in the PATH */
	if (text_equal(name, "etc"))
		return "/etc/encap";
	if (text_equal(name, "var"))
		return "/var/lib/encap";
	if (text_equal(name, "initd"))
		return arena_printf(a, "/etc/encap/services/%s.d", e->service);
	if (words_have("rid rindex rgroup", name))
		return rid_name(a, section, name);
	if (*e->node && text_equal(name, "nodename"))
		return e->node;
	if (*e->node && text_equal(name, "short_nodename"))
		return up_to(a, e->node, '.');
	return NULL;
}

/* Names that OpenSVC had, and that no file can know here: two members of a
 * service would not agree on them. */
static bool is_elsewhere(const char *name)
{
	return words_have("fqdn domain clusterid clustername clusternodes "
			  "clusterdrpnodes dns dnsnodes dnsuxsock dnsuxsockd "
			  "private_var collector_api",
			  name) ||
	       text_starts(name, "node.") || text_starts(name, "safe://");
}

/* -- modifiers
 * ------------------------------------------------------------------ */

static void capitalize(char *text, bool every_word)
{
	bool first = true;

	for (; *text; text++) {
		*text = first ? text_upper(*text) : text_lower(*text);
		first = every_word && !text_is_letter(*text);
	}
}

static bool modify(struct arena *a, const char *how, const char *text,
		   const char **ret)
{
	char *copy = text_copy(a, text, strlen(text));

	*ret = copy;
	if (text_equal(how, "uri_ip")) {
		if (strchr(text, ':'))
			*ret = arena_printf(a, "[%s]", text);
		return true;
	}
	if (words_have("capitalize title", how)) {
		capitalize(copy, text_equal(how, "title"));
		return true;
	}
	if (!words_have("upper lower swapcase", how))
		return false;
	for (; *copy; copy++) {
		char up = text_upper(*copy);

		if (text_equal(how, "swapcase"))
			*copy = *copy == up ? text_lower(*copy) : up;
		else
			*copy = *how == 'u' ? up : text_lower(*copy);
	}
	return true;
}

static int modified(struct eval *e, const char *section, const char *name,
		    const char **ret, struct err *err)
{
	const char *colon = strchr(name, ':');
	const char *how, *unused;
	int rc;

	if (!colon)
		return 1;
	how = text_copy(e->arena, name, (size_t)(colon - name));
	if (!modify(e->arena, how, "", &unused))
		return 1;
	rc = look_up(e, section, colon + 1, ret, err);
	if (rc == 0)
		modify(e->arena, how, *ret, ret);
	return rc;
}

static int counted(struct eval *e, const char *section, const char *name,
		   const char **ret, struct err *err)
{
	int rc = look_up(e, section, name + 1, ret, err);

	if (rc == 0)
		*ret = arena_printf(e->arena, "%zu",
				    words_split(e->arena, *ret).n);
	return rc;
}

/* x[n]: where "[n]" begins, NULL if @name does not end so. */
static const char *index_of(const char *name, size_t *ret)
{
	size_t n = strlen(name), i, at = 0;

	if (n < 4 || name[n - 1] != ']')
		return NULL;
	for (i = n - 1; i > 0 && text_is_digit(name[i - 1]); i--)
		;
	if (i < 2 || i == n - 1 || n - 1 - i > 6 || name[i - 1] != '[')
		return NULL;
	for (const char *p = name + i; text_is_digit(*p); p++)
		at = at * 10 + (size_t)(*p - '0');
	*ret = at;
	return name + i - 1;
}

static int indexed(struct eval *e, const char *section, const char *name,
		   const char **ret, struct err *err)
{
	struct names words;
	size_t at;
	const char *bracket = index_of(name, &at);
	int rc;

	if (!bracket)
		return 1;
	rc = look_up(e, section,
		     text_copy(e->arena, name, (size_t)(bracket - name)), ret,
		     err);
	if (rc != 0)
		return rc;
	words = words_split(e->arena, *ret);
	if (at >= words.n)
		return 1;
	*ret = words.at[at];
	return 0;
}

/* -- keywords
 * -------------------------------------------------------------------- */

static int keyword_value(struct eval *e, const char *section,
			 const char *option, const char **ret, struct err *err)
{
	struct value v;
	int rc = eval_option(e, section, option, &v, err);

	if (rc == 0)
		*ret = v.text;
	return rc;
}

static bool is_section_like(struct eval *e, const char *section)
{
	struct section_id id = section_id(e->arena, section);

	return id.group || section_is_special(section) ||
	       ini_section(e->conf, section);
}

static int look_up(struct eval *e, const char *section, const char *name,
		   const char **ret, struct err *err)
{
	struct conf_key k;
	int rc = modified(e, section, name, ret, err);

	if (rc == 1 && *name == '#')
		return counted(e, section, name, ret, err);
	if (rc == 1)
		rc = indexed(e, section, name, ret, err);
	if (rc != 1)
		return rc;
	*ret = builtin(e, section, name);
	if (*ret)
		return 0;
	if (is_elsewhere(name)) {
		eval_note(
			e,
			"{%s} is not known to this version: it stays as it is",
			text_shown(e->arena, name));
		return 1;
	}
	if (strchr(name, '.')) {
		if (conf_key_parse(e->arena, name, &k, NULL) < 0)
			return 1;
		rc = keyword_value(e, k.section, k.option, ret, err);
		if (rc == 1 && is_section_like(e, k.section))
			eval_note(e, "{%s} is not known: it stays as it is",
				  text_shown(e->arena, name));
		return rc;
	}
	rc = keyword_value(e, section, name, ret, err);
	if (rc == 1 && !text_equal(section, "DEFAULT"))
		rc = keyword_value(e, "DEFAULT", name, ret, err);
	return rc;
}

/* -- a text with references in it
 * --------------------------------------------------- */

static bool is_name(const char *text, size_t len)
{
	if (!len || len >= MAX_NAME)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!text_is_letter(text[i]) && !text_is_digit(text[i]) &&
		    !strchr("_#.[]:/-", text[i]))
			return false;
	return true;
}

/* The '{' at @open of @out and all after it become the value. 1: they stay. */
static int replace(struct eval *e, const char *section, struct buf *out,
		   size_t open, struct err *err)
{
	const char *name = out->data + open + 1, *value;
	size_t len = out->len - open - 1;
	int rc;

	if (!is_name(name, len))
		return 1;
	if (++e->steps > EVAL_MAX_STEPS)
		return err_set(err, -E2BIG,
			       "the references of this file insert too much");
	rc = look_up(e, section, text_copy(e->arena, name, len), &value, err);
	if (rc != 0)
		return rc;
	e->steps += strlen(value) / 64;
	out->len = open;
	buf_puts(out, value);
	return 0;
}

static int references(struct eval *e, const char *section, const char *text,
		      bool lenient, const char **ret, struct err *err)
{
	struct buf out = BUF(e->arena);
	size_t open[MAX_BRACES], n = 0, most;

	*ret = text;
	if (!strchr(text, '{'))
		return 0;
	most = strlen(text) + EVAL_MAX_VALUE;
	for (const char *p = text; *p; p++) {
		if (*p == '{' && n++ < MAX_BRACES)
			open[n - 1] = out.len;
		if (*p == '}' && n && --n < MAX_BRACES) {
			int rc = replace(e, section, &out, open[n], err);

			if (rc < 0 && (!lenient || rc == -E2BIG))
				return rc;
			if (out.len > most)
				return err_set(err, -E2BIG,
					       "references insert more than "
					       "%d bytes",
					       EVAL_MAX_VALUE);
			if (rc == 0)
				continue;
		}
		buf_add(&out, p, 1);
	}
	*ret = buf_text(&out);
	return 0;
}

/* -- expressions -------------------------------------------------------------
 */

static const char *find_expression(const char *text)
{
	const char *p = strchr(text, '$');

	while (p && p[1] != '(')
		p = strchr(p + 1, '$');
	return p;
}

static void expression_note(struct eval *e, const char *at, int rc,
			    const struct expr *x)
{
	if (e->note) /* the first is kept; the text may be long */
		return;
	if (rc == EXPR_NONE)
		eval_note(e, "'%s' is no expression and stays as it is: %s",
			  text_shown(e->arena, at), x->text);
	else if (x->is_word)
		eval_note(e, "$(%s) is the word itself: nothing is run",
			  text_shown(e->arena, x->text));
}

/* The one at @at. 0: @ret is what it comes to; 1: it stays. In a command
 * (@lenient) words are the shell's, as in $(hostname). */
static int expression(struct eval *e, const char *at, bool lenient,
		      struct expr *ret, struct err *err)
{
	struct err why = { 0 };
	int rc = expr_eval(e->arena, at + 2, ret, &why);

	e->steps += (size_t)(ret->end - at) / 16 + 1;
	if (e->steps > EVAL_MAX_STEPS)
		return err_set(err, -E2BIG,
			       "the expressions of this file are too many");
	if (lenient)
		return rc != 0 || ret->has_words;
	if (rc < 0)
		return err_set(err, rc, "'%s': %s",
			       text_shown(e->arena,
					  text_copy(e->arena, at,
						    (size_t)(ret->end - at))),
			       why.text);
	expression_note(e, at, rc, ret);
	return rc;
}

/* 0: there was none that had a value; 1: @ret is another text. */
static int expressions(struct eval *e, const char *text, bool lenient,
		       const char **ret, struct err *err)
{
	struct buf out = BUF(e->arena);
	bool any = false;

	while (*text) {
		const char *at = find_expression(text);
		struct expr x;
		int rc;

		if (!at)
			break;
		buf_add(&out, text, (size_t)(at - text));
		rc = expression(e, at, lenient, &x, err);
		if (rc < 0)
			return rc;
		any |= rc == 0;
		if (rc == 0)
			buf_puts(&out, x.text);
		else
			buf_add(&out, at, 2);
		text = rc == 0 ? x.end : at + 2;
	}
	buf_puts(&out, text);
	*ret = buf_text(&out);
	return any;
}

int eval_expand(struct eval *e, const char *section, const char *text,
		bool lenient, const char **ret, struct err *err)
{
	int rc = references(e, section, text, lenient, &text, err);

	if (rc == 0 && find_expression(text)) {
		rc = expressions(e, text, lenient, &text, err);
		if (rc == 1)
			rc = references(e, section, text, lenient, &text, err);
	}
	if (rc == 0)
		*ret = text;
	return rc;
}
