/*
 * Any bytes as the values of env files. The first byte chooses, the rest of
 * the first line is a text, what follows is a file:
 *
 *     an expression ends within its text and says why it is none;
 *     what a converter made of a text, it makes of that again;
 *     a text is replaced to the same twice, or refused with a reason;
 *     an assignment is written so that it reads back, or changes nothing;
 *     the reasons for the values of a file can be given for any node.
 */
#include <string.h>

#include "fsm/conf/eval.h"
#include "fsm/conf/expr.h"
#include "fsm/conf/text.h"
#include "tests/fuzz/fuzz.h"

static void try_expr(struct arena *a, const char *text)
{
	struct err err = { 0 };
	struct expr x, again;
	int rc = expr_eval(a, text, &x, &err);

	PROMISE("an expression ends within its text",
		x.end >= text && x.end <= text + strlen(text));
	PROMISE("what is no expression, or has no value, has a reason",
		rc == 0 || (rc == EXPR_NONE ? *x.text : *err.text));
	PROMISE("a value is no error", rc <= 0 || rc == EXPR_NONE);
	PROMISE("an expression has one value",
		expr_eval(a, text, &again, &err) == rc && again.end == x.end &&
			strcmp(again.text, x.text) == 0);
}

static void try_convert(struct arena *a, const char *text, enum conv conv)
{
	struct err err = { 0 };
	struct value v, again;

	if (convert(a, conv, text, &v, &err) < 0) {
		PROMISE("a refusal has a reason", *err.text);
		PROMISE("a reason is one line", !strchr(err.text, '\n'));
		return;
	}
	PROMISE("what was converted can be converted",
		convert(a, conv, v.text, &again, &err) == 0);
	PROMISE("to the same text", strcmp(v.text, again.text) == 0);
	PROMISE("to the same number", v.num == again.num);
	PROMISE("to as many words", v.words.n == again.words.n);
	for (size_t i = 0; i < v.words.n; i++)
		PROMISE("to the same words",
			strcmp(v.words.at[i], again.words.at[i]) == 0);
}

static void try_expand(struct arena *a, const struct conf *c, const char *text,
		       const char *node)
{
	const char *section = c->n ? c->sections[0]->name : "env";
	struct err err = { 0 };
	struct eval e;
	struct value v;
	int rc;

	if (eval_init(&e, a, c, "web", node, &err) < 0)
		return;
	rc = eval_text(&e, section, "this", text, &v, &err);
	PROMISE("a refusal has a reason", rc == 0 || *err.text);
	PROMISE("a reason is one line", rc == 0 || !strchr(err.text, '\n'));
	PROMISE("a note is one line", !e.note || !strchr(e.note, '\n'));
	PROMISE("nothing is left open", e.depth == 0);
	if (rc < 0)
		return;
	/* The same again, from the start: there is no state in it. */
	PROMISE("it can be read again",
		eval_init(&e, a, c, "web", node, &err) == 0);
	{
		struct value again;

		PROMISE("and comes to the same",
			eval_text(&e, section, "this", text, &again, &err) ==
					0 &&
				strcmp(v.text, again.text) == 0);
	}
}

static struct conf *parse(struct arena *a, const char *text, size_t len)
{
	struct problems p = { .arena = a, .name = "f" };

	return conf_parse(a, text, len, &p);
}

static void try_assign(struct arena *a, const char *file, size_t len,
		       const char *text, bool remove)
{
	struct conf *c = parse(a, file, len), *read;
	struct buf b = BUF(a), again = BUF(a);
	struct err err = { 0 };
	int rc;

	if (!c)
		return;
	rc = remove ? conf_remove(c, text, &err) : conf_assign(c, text, &err);
	PROMISE("a refusal has a reason", rc >= 0 || *err.text);
	conf_text(c, &b);
	PROMISE("what is not done changes nothing",
		rc == 0 || (b.len == len && !memcmp(b.data, file, len)) ||
			strchr(text, '.')); /* some sections of a group */
	read = parse(a, buf_text(&b), b.len);
	if (!read)
		return; /* a limit that the edit has crossed */
	conf_text(read, &again);
	PROMISE("an edit is written as it is read", b.len == again.len);
	for (size_t i = 0; i < c->n; i++)
		for (const struct ini_key *k = c->sections[i]->keys; k;
		     k = k->next) {
			struct conf_key key = { c->sections[i]->name, k->option,
						k->scope };
			const char *x = conf_raw(c, &key);
			const char *y = conf_raw(read, &key);

			PROMISE("an edit reads back",
				x && y ? strcmp(x, y) == 0 : x == y);
		}
}

static void try_why(struct arena *a, const struct conf *c, const char *node)
{
	struct buf b = BUF(a);
	struct err err = { 0 };
	struct doc *d = conf_why(a, c, "web", node, &err);

	PROMISE("there are reasons, or one why not", d || *err.text);
	if (!d)
		return;
	conf_why_text(&b, "f", d);
	PROMISE("each section has its own",
		doc_len(doc_get(d, "sections")) == c->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *all, *file, *text, *node;
	struct conf *c;
	size_t n;

	if (size < 2)
		return 0;
	all = text_copy(a, (const char *)data + 1, size - 1);
	if (strlen(all) != size - 1 || text_bad_utf8(all, size - 1) != size - 1)
		return 0; /* no text comes that far */
	n = strcspn(all, "\n");
	text = text_copy(a, all, n);
	file = all + n + (all[n] == '\n');
	node = data[0] & 16 ? "vm1" : "n1";
	try_expr(a, text);
	try_convert(a, text, (enum conv)(data[0] % (CONV_FLAGS + 1)));
	try_assign(a, file, strlen(file), text, data[0] & 32);
	c = parse(a, file, strlen(file));
	if (!c)
		return 0;
	try_expand(a, c, text, node);
	try_why(a, c, node);
	return 0;
}
