/*
 * Any bytes as an env file:
 *
 *     it is refused with a reason, or written back byte by byte;
 *     what has no error can be evaluated by every node that it names;
 *     an edit reads back as it was meant, and leaves the other keys alone;
 *     an import tells of every key.
 */
#include <string.h>

#include "fsm/conf/eval.h"
#include "fsm/conf/import.h"
#include "tests/fuzz/fuzz.h"

static void try_node(struct arena *a, const struct conf *c, const char *node,
		     enum level level)
{
	struct instance inst;
	struct err err = { 0 };
	enum level found;

	if (instance_eval(a, c, "web", node, level, &inst, &err) < 0) {
		fprintf(stderr, "%s: %s\n", node, err.text);
		PROMISE("a valid file can be evaluated", false);
	}
	PROMISE("a node that is named has a level",
		conf_level(a, c, "web", node, &found, &err) == 0);
	for (size_t i = 0; i < inst.n; i++) {
		const struct resource *r = &inst.res[i];

		PROMISE("a resource is whole", r->rid && r->group && r->type &&
						       r->subset && r->kw &&
						       r->encapnode);
		PROMISE("a container runs encap resources",
			level == LEVEL_HYPERVISOR || r->encap);
	}
	PROMISE("a valid file can be shown",
		conf_eval_all(a, c, "web", node, &err));
}

static void try_nodes(struct arena *a, const struct conf *c)
{
	struct service_conf sc;
	struct err err = { 0 };
	const struct names *lists[] = { &sc.nodes, &sc.drpnodes,
					&sc.encapnodes };

	PROMISE("a valid file is a service",
		service_eval(a, c, "web", NULL, &sc, &err) == 0);
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < lists[i]->n && j < 3; j++)
			try_node(a, c, lists[i]->at[j],
				 i < 2 ? LEVEL_HYPERVISOR : LEVEL_ENCAP);
}

static void try_problems(const struct problems *p)
{
	size_t fatal = 0;

	for (size_t i = 0; i < p->n; i++) {
		const char *text = p->at[i].text;

		PROMISE("a problem is one line that names the file",
			strncmp(text, "f:", 2) == 0 && !strchr(text, '\n'));
		PROMISE("a problem is short", strlen(text) < 1200);
		fatal += p->at[i].fatal;
	}
	PROMISE("errors are counted", problems_full(p) || fatal == p->fatal);
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Every key has the value that it had, but for @changed. */
static void compare(const struct conf *before, const struct conf *after,
		    const struct conf_key *changed)
{
	for (size_t i = 0; i < before->n; i++)
		for (const struct ini_key *k = before->sections[i]->keys; k;
		     k = k->next) {
			struct conf_key key = { before->sections[i]->name,
						k->option, k->scope };

			if (same(key.section, changed->section) &&
			    same(key.option, changed->option) &&
			    same(key.scope, changed->scope))
				continue;
			PROMISE("an edit leaves other keys alone",
				same(conf_raw(before, &key),
				     conf_raw(after, &key)));
		}
}

static struct conf *parse_text(struct arena *a, const struct conf *c)
{
	struct problems p = { .arena = a, .name = "f" };
	struct buf b = BUF(a);

	conf_text(c, &b);
	return conf_parse(a, b.data, b.len, &p);
}

/* Change, add or drop the key which the bytes themselves choose. */
static void try_edit(struct arena *a, const struct conf *c, uint8_t choice)
{
	static const char *const values[] = { "", "x", "x\ny", "# x", "a = b" };
	struct conf *edited = parse_text(a, c), *read;
	struct conf_key key = { "env", "new", "" };
	const char *value = values[choice % 5];
	int rc;

	if (choice & 8 && c->n) {
		const struct ini_section *s = c->sections[choice % c->n];

		key.section = s->name;
		if (s->keys && choice & 16) {
			key.option = s->last->option;
			key.scope = s->last->scope;
		}
	}
	rc = choice & 32 ? conf_unset(edited, &key, NULL)
			 : conf_set(edited, &key, value, NULL);
	read = parse_text(a, edited);
	if (!read)
		return; /* a limit that the edit has crossed */
	PROMISE("an edit reads back",
		same(conf_raw(edited, &key), conf_raw(read, &key)));
	if (rc == 0)
		PROMISE("an edit is done",
			same(conf_raw(read, &key), choice & 32 ? NULL : value));
	compare(c, read, &key);
}

/* A report has a line for each key, in order, and changes nothing. */
static void try_import(struct arena *a, const struct conf *c,
		       const struct problems *p, uint8_t choice)
{
	struct buf text = BUF(a);
	struct import in;
	size_t n = 0, all = 0;

	import_look(a, c, choice % 4, p, &in);
	for (size_t i = 0; i < c->n; i++)
		for (const struct ini_key *k = c->sections[i]->keys; k;
		     k = k->next)
			n++;
	PROMISE("every key is told of", in.n == n);
	for (size_t i = 0; i < in.n; i++) {
		PROMISE("keys are told of in their order",
			!i || in.at[i - 1].line < in.at[i].line);
		PROMISE("a note is a line", !strchr(in.at[i].note, '\n'));
	}
	for (size_t i = 0; i < IMPORT_N; i++)
		all += in.count[i];
	PROMISE("the counts are of all keys", all == n);
	import_text(&in, &text);
	import_doc(a, &in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct problems p = { .arena = a, .name = "f" };
	struct conf *c = conf_parse(a, (const char *)data, size, &p);
	struct buf b = BUF(a);

	try_problems(&p);
	PROMISE("a refused file has a reason", !c == !!p.fatal);
	if (!c)
		return 0;
	conf_text(c, &b);
	PROMISE("a file is written back as it was",
		b.len == size && (!size || memcmp(b.data, data, size) == 0));
	conf_validate(a, c, "web", &p);
	try_problems(&p);
	if (!p.fatal)
		try_nodes(a, c);
	try_import(a, c, &p, size ? data[0] : 0);
	for (size_t i = 0; i < 3 && i < size; i++)
		try_edit(a, c, data[size - 1 - i]);
	return 0;
}
