#include "tests/sim/editors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"
#include "tests/sim/plan.h"

#define EDITS	300
#define SHARED	2 /* keys that everybody changes */
#define VISITED 1000

enum fate {
	FATE_ASKED, /* no answer yet */
	FATE_UNKNOWN,
	FATE_ACKED,
	FATE_DRAFT,
	FATE_REFUSED,
};

struct edit {
	enum fate fate;
	bool maybe; /* an answer did not come: it may have been made then */
	char rev[65], draft[32], value[WORLD_NAME + 12];
	bool resolving, resolved, unsure; /* the draft */
};

/* The file as it lies on a node. */
struct copy {
	char *text, rev[65];
	int edit; /* that is in it and not yet decided on; -1: none */
	bool asked;
};

struct editors {
	struct world *w;
	uint64_t *chance; /* of the step that is played */
	const char *service;
	struct edit edits[EDITS];
	unsigned n, n_asked;
	struct copy copy[WORLD_NODES];
	struct editors_counts counts;
};

struct asked {
	struct editors *e;
	unsigned edit;
	struct world_node *node;
};

/* -- looking ----------------------------------------------------------------
 */

struct look {
	struct txn *t;
	struct state s;
};

static bool look_begin(const struct editors *e, struct world_node *n,
		       struct arena *a, struct look *l)
{
	l->t = n->agent ? txn_begin_read(n->db, NULL) : NULL;
	l->s = (struct state){ l->t, 0, a };
	if (l->t)
		l->s.group = agent_service_group(n->agent, a, l->t, e->service);
	if (l->s.group && state_service(&l->s, e->service))
		return true;
	txn_abort(l->t);
	return false;
}

static const char *head_id(const struct editors *e, const struct look *l)
{
	return doc_get_str(state_service(&l->s, e->service), "head", "");
}

static const char *text_of(const struct editors *e, const struct look *l,
			   const char *rev)
{
	return doc_get_str(state_revision(&l->s, e->service, rev), "config",
			   NULL);
}

static void copy_set(struct copy *c, const char *rev, const char *text)
{
	char *t = strdup(text);

	if (!t)
		abort();
	free(c->text);
	c->text = t;
	snprintf(c->rev, sizeof(c->rev), "%s", rev);
	c->edit = -1;
}

static void copy_drop(struct copy *c)
{
	free(c->text);
	*c = (struct copy){ .edit = -1 };
}

/* As the agent writes the file when the head moves and nobody edits. */
static void reopen(struct editors *e, struct world_node *n)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct look l;
	const char *text;

	if (!look_begin(e, n, a, &l))
		return;
	text = text_of(e, &l, head_id(e, &l));
	if (text)
		copy_set(&e->copy[n->slot], head_id(e, &l), text);
	txn_abort(l.t);
}

/* -- saving -------------------------------------------------------------------
 */

static struct doc *request(struct arena *a, const char *op, const char *service)
{
	struct doc *d = doc_map(a), *by = doc_map(a);

	doc_put_str(a, d, "op", op);
	doc_put_str(a, d, "name", service);
	doc_put_str(a, by, "user", "sim");
	doc_put_str(a, by, "tool", "editor");
	doc_put(a, d, "by", by);
	return d;
}

static struct asked *asked_new(struct editors *e, unsigned edit,
			       struct world_node *n)
{
	struct asked *x = calloc(1, sizeof(*x));

	if (!x)
		abort();
	*x = (struct asked){ e, edit, n };
	e->n_asked++;
	return x;
}

static void decided(struct editors *e, struct edit *x, const struct doc *answer)
{
	const struct doc *data = doc_get(answer, "data");

	switch ((int)doc_get_int(answer, "code", -1)) {
	case OP_OK:
		x->fate = FATE_ACKED;
		e->counts.acked++;
		e->counts.merged += doc_get_bool(data, "merged", false);
		snprintf(x->rev, sizeof(x->rev), "%s",
			 doc_get_str(data, "rev", ""));
		break;
	case OP_TIMEOUT:
		x->fate = FATE_UNKNOWN;
		x->maybe = true;
		break;
	case OP_CONFLICT:
		x->fate = doc_get_bool(data, "kept", false) ? FATE_DRAFT
							    : FATE_REFUSED;
		e->counts.drafted += x->fate == FATE_DRAFT;
		snprintf(x->draft, sizeof(x->draft), "%s",
			 doc_get_str(data, "draft", ""));
		break;
	default:
		x->fate = x->maybe ? FATE_UNKNOWN : FATE_REFUSED;
		break;
	}
}

/* Nothing was decided: the file waits as it is. */
static bool is_to_wait(int code)
{
	return code == OP_TIMEOUT || code == OP_NO_QUORUM;
}

static void on_saved(void *arg, struct arena *a, struct doc *answer)
{
	struct asked *x = arg;
	struct editors *e = x->e;
	struct edit *edit = &e->edits[x->edit];
	struct copy *c = &e->copy[x->node->slot];

	(void)a;
	e->n_asked--;
	decided(e, edit, answer);
	world_trace(e->w, "edit %u: %d %.60s", x->edit,
		    (int)doc_get_int(answer, "code", -1),
		    doc_get_str(answer, "err", ""));
	if (c->edit == (int)x->edit) {
		c->asked = false;
		if (!is_to_wait((int)doc_get_int(answer, "code", -1)))
			copy_drop(c); /* and the file is written anew */
	}
	free(x);
}

static void save(struct editors *e, struct world_node *n)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *req = request(a, "svc_edit", e->service);
	struct copy *c = &e->copy[n->slot];

	c->asked = true;
	doc_put_str(a, req, "base", c->rev);
	doc_put_str(a, req, "config", c->text);
	world_trace(e->w, "edit %d on %.8s at %s", c->edit, c->rev, n->name);
	world_ask(n, req, on_saved, asked_new(e, (unsigned)c->edit, n));
}

static void set_key(struct conf *c, struct arena *a, const char *option,
		    const char *value)
{
	struct conf_key k = { "env", arena_printf(a, "%s", option), "" };
	struct err err;

	if (conf_set(c, &k, value, &err) < 0)
		abort();
}

/* A key of its own, and at times one that others change, too. */
static void type(struct editors *e, struct world_node *n)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct copy *c = &e->copy[n->slot];
	struct problems p = { .arena = a };
	struct conf *conf = conf_parse(a, c->text, strlen(c->text), &p);
	struct edit *x = &e->edits[e->n];
	struct buf b = BUF(a);

	if (!conf)
		abort();
	*x = (struct edit){ .fate = FATE_ASKED };
	snprintf(x->value, sizeof(x->value), "%s.%u", n->name, e->n);
	set_key(conf, a, arena_printf(a, "edit%u", e->n), x->value);
	if (chance_pick(e->chance, 2) == 0)
		set_key(conf, a,
			arena_printf(a, "shared%u",
				     (unsigned)chance_pick(e->chance, SHARED)),
			x->value);
	conf_text(conf, &b);
	if (chance_pick(e->chance, 6) == 0)
		buf_printf(&b, "# by %s\n", x->value);
	free(c->text);
	c->text = strdup(buf_text(&b));
	if (!c->text)
		abort();
	c->edit = (int)e->n++;
	c->asked = false;
}

/* -- copies of another life
 * -----------------------------------------------------
 */

static void on_old_copy(void *arg, struct arena *a, struct doc *answer)
{
	struct asked *x = arg;
	int code = (int)doc_get_int(answer, "code", -1);

	(void)a;
	x->e->n_asked--;
	if (code == OP_CONFLICT)
		world_fail(x->e->w, "%s: an old copy is taken for an edit: %s",
			   x->node->name, doc_get_str(answer, "err", ""));
	if (code == OP_OK &&
	    !doc_get_bool(doc_get(answer, "data"), "same", false))
		world_fail(x->e->w, "%s: an old copy became the head",
			   x->node->name);
	x->e->counts.old_copies += code == OP_OK;
	free(x);
}

/* A clone: the text of a revision that the history knows, on one it does not
 * know. */
static void old_copy(struct editors *e, struct world_node *n)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *req = request(a, "svc_edit", e->service), *history;
	const char *text = NULL;
	struct look l;

	if (!look_begin(e, n, a, &l))
		return;
	history = state_history(&l.s, e->service, 0, VISITED);
	if (doc_len(history))
		text = text_of(
			e, &l,
			doc_get_str(
				doc_at(history, chance_pick(e->chance,
							    doc_len(history))),
				"rev", ""));
	txn_abort(l.t);
	if (!text)
		return;
	doc_put_str(a, req, "base", "of-another-life");
	doc_put_str(a, req, "config", text);
	world_trace(e->w, "an old copy at %s", n->name);
	world_ask(n, req, on_old_copy, asked_new(e, 0, n));
}

void editors_rolled_back(struct editors *e, struct world_node *n)
{
	struct copy *c = &e->copy[n->slot];

	/* What was typed and not decided on is gone with the disk. */
	if (c->edit >= 0)
		e->edits[c->edit].maybe = true;
	if (c->edit >= 0 && !c->asked)
		e->edits[c->edit].fate = FATE_UNKNOWN;
	copy_drop(c);
}

/* -- drafts -------------------------------------------------------------------
 */

static void on_resolved(void *arg, struct arena *a, struct doc *answer)
{
	struct asked *x = arg;
	struct edit *edit = &x->e->edits[x->edit];
	int code = (int)doc_get_int(answer, "code", -1);

	(void)a;
	x->e->n_asked--;
	edit->resolving = false;
	edit->resolved = edit->resolved || code == OP_OK;
	edit->unsure = edit->unsure || code == OP_TIMEOUT;
	x->e->counts.resolved += code == OP_OK;
	world_trace(x->e->w, "resolve %s: %d %.80s", edit->draft, code,
		    doc_get_str(answer, "err", ""));
	free(x);
}

static bool to_resolve(const struct edit *x)
{
	return x->fate == FATE_DRAFT && !x->resolved && !x->resolving &&
	       !x->unsure;
}

static void resolve(struct editors *e, struct world_node *n)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *req = request(a, "svc_resolve", e->service);
	unsigned i = (unsigned)chance_pick(e->chance, e->n);

	while (i < e->n && !to_resolve(&e->edits[i]))
		i++;
	if (i == e->n)
		return;
	e->edits[i].resolving = true;
	doc_put_str(a, req, "draft", e->edits[i].draft);
	doc_put_str(a, req, "take",
		    chance_pick(e->chance, 2) ? "ours" : "theirs");
	world_ask(n, req, on_resolved, asked_new(e, i, n));
}

/* -- acting -------------------------------------------------------------------
 */

static bool answers(const struct world_node *n)
{
	return n->agent && n->paused_until_us <= n->world->now_us &&
	       n->asleep_until_us <= n->world->now_us;
}

void editors_act(struct editors *e, uint64_t *chance)
{
	struct world_node *n = &e->w->node[chance_pick(chance, e->w->n)];
	struct copy *c = &e->copy[n->slot];

	e->chance = chance;
	if (c->edit >= 0) { /* a file that waits is proposed again */
		if (answers(n) && !c->asked)
			save(e, n);
		return;
	}
	switch (chance_pick(e->chance, 12)) {
	case 0:
		if (answers(n))
			old_copy(e, n);
		break;
	case 1:
	case 2:
		if (answers(n))
			resolve(e, n);
		break;
	case 3:
	case 4:
	case 5:
		reopen(e, n);
		break;
	default:
		if (!c->text)
			reopen(e, n);
		if (!c->text || e->n == EDITS)
			break;
		type(e, n); /* with the agent dead or cut off, too */
		if (answers(n))
			save(e, n);
		break;
	}
}

bool editors_idle(const struct editors *e)
{
	return e->n_asked == 0;
}

/* -- what must hold
 * -------------------------------------------------------------
 */

static bool list_has(const struct doc *list, const char *text)
{
	for (size_t i = 0; i < doc_len(list); i++)
		if (strcmp(doc_text(doc_at(list, i), ""), text) == 0)
			return true;
	return false;
}

/* The head and all that it came of. */
static struct doc *ancestors(const struct editors *e, const struct look *l)
{
	struct arena *a = l->s.arena;
	struct doc *list = doc_list(a);

	doc_add(a, list, doc_str(a, head_id(e, l)));
	for (size_t i = 0; i < doc_len(list); i++) {
		const struct doc *row = state_revision(
			&l->s, e->service, doc_text(doc_at(list, i), ""));
		const struct doc *parents = doc_get(row, "parents");

		for (size_t k = 0; k < doc_len(parents); k++) {
			const char *rev = doc_text(doc_at(parents, k), "");

			if (!list_has(list, rev))
				doc_add(a, list, doc_str(a, rev));
		}
	}
	return list;
}

static bool has_key(const char *text, unsigned i, const char *value)
{
	char line[80];

	snprintf(line, sizeof(line), "edit%u = %s\n", i, value);
	return text && strstr(text, line);
}

static bool is_draft(const struct editors *e, const struct look *l, unsigned i)
{
	const struct doc *rows = state_drafts(&l->s, e->service);

	for (size_t k = 0; k < doc_len(rows); k++)
		if (has_key(doc_get_str(doc_at(rows, k), "text", ""), i,
			    e->edits[i].value))
			return true;
	return false;
}

static const char *wrong(const struct editors *e, const struct look *l,
			 unsigned i, const struct doc *came_of)
{
	const struct edit *x = &e->edits[i];
	bool there = has_key(text_of(e, l, head_id(e, l)), i, x->value);

	switch (x->fate) {
	case FATE_ASKED:
	case FATE_UNKNOWN:
		return NULL;
	case FATE_ACKED:
		if (!list_has(came_of, x->rev))
			return "was acknowledged and is no ancestor of the "
			       "head";
		return there ? NULL : "was acknowledged and is not in the head";
	case FATE_REFUSED:
		if (x->maybe)
			return NULL;
		if (there)
			return "was refused and is in the head";
		return is_draft(e, l, i) ? "was refused and is a draft" : NULL;
	case FATE_DRAFT:
		if (x->maybe || x->unsure)
			return NULL;
		if (x->resolved)
			return there ? NULL
				     : "was resolved and is not in the head";
		if (there)
			return "is a draft and in the head";
		return is_draft(e, l, i) ? NULL
					 : "was refused, and is no draft";
	}
	return NULL;
}

void editors_check(struct editors *e, struct world_node *n)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct doc *came_of;
	struct look l;

	if (!look_begin(e, n, a, &l)) {
		world_fail(e->w, "%s has no copy of %s", n->name, e->service);
		return;
	}
	came_of = ancestors(e, &l);
	for (unsigned i = 0; i < e->n; i++) {
		const char *why = wrong(e, &l, i, came_of);

		if (why)
			world_fail(e->w, "%s: edit %u %s", n->name, i, why);
	}
	txn_abort(l.t);
}

/* Every revision with its text, every draft. */
static const char *all_of(const struct editors *e, const struct look *l)
{
	const struct doc *history =
		state_history(&l->s, e->service, 0, VISITED);
	struct buf b = BUF(l->s.arena);

	for (size_t i = 0; i < doc_len(history); i++)
		doc_json(&b,
			 state_revision(
				 &l->s, e->service,
				 doc_get_str(doc_at(history, i), "rev", "")),
			 0);
	doc_json(&b, state_drafts(&l->s, e->service), 0);
	return buf_text(&b);
}

void editors_compare(struct editors *e, struct world_node *x,
		     struct world_node *y)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct look lx, ly;

	if (!look_begin(e, x, a, &lx))
		return;
	if (look_begin(e, y, a, &ly)) {
		if (strcmp(all_of(e, &lx), all_of(e, &ly)) != 0)
			world_fail(e->w,
				   "the history of %s differs between "
				   "%s and %s",
				   e->service, x->name, y->name);
		txn_abort(ly.t);
	}
	txn_abort(lx.t);
}

/* -- the whole ----------------------------------------------------------------
 */

struct editors *editors_new(struct world *w, const char *service)
{
	struct editors *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	e->w = w;
	e->service = service;
	for (unsigned i = 0; i < WORLD_NODES; i++)
		e->copy[i].edit = -1;
	return e;
}

void editors_free(struct editors *e)
{
	for (unsigned i = 0; i < WORLD_NODES; i++)
		free(e->copy[i].text);
	free(e);
}

struct editors_counts editors_counts(const struct editors *e)
{
	return e->counts;
}
