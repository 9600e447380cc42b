/*
 * Edits of env files: from a text and the revision that it is based on, to a
 * new head or to a draft.
 *
 *     base is the head                  a child of the head
 *     base is older                     merged with the head: the text as it
 *                                       came is a revision (a child of its
 *                                       base), the merge one of both
 *     both changed the same, or both    refused with a report; the text is a
 *     together are not valid            draft
 *     base is not known (any more)      nothing, if the history knows the
 *                                       text: an old copy is no edit; else
 *                                       refused, the text is a draft
 *
 * The validator runs here for merges, and so must say the same on every member:
 * see docs/decisions/merge.md.
 */
#include <string.h>

#include "fsm/op/internal.h"
#include "fsm/state/revision.h"
#include "store/plant.h"

#define KEYS_SHOWN     16 /* of a conflict */
#define PROBLEMS_SHOWN 8
#define STEPS_BACK     64 /* to see who changed a value */
#define BYTES_BACK     (4 * 1024 * 1024)

struct edit {
	const struct op_env *env;
	struct doc *service; /* its row */
	const char *name;
	const char *head, *head_text;
	const char *base; /* "" if it names none */
	const char *text;
	const struct doc *author;
	const char *comment;
	const char *where; /* the file on the author's node, or NULL */
	int64_t at;
	enum merge_take take;
	const struct doc *draft; /* that this resolves, or NULL */
};

/* -- revisions ------------------------------------------------------------- */

int64_t op_time_of(const struct op_env *env, const struct doc *service)
{
	int64_t at = revision_time(env->s, doc_get_str(service, "name", ""),
				   doc_get_str(service, "head", ""), 0);

	return at < env->at ? at : env->at;
}

const char *op_revision_add(const struct op_env *env, struct doc *service,
			    const struct revision *r)
{
	struct arena *a = env->s->arena;
	struct doc *row = doc_map(a);
	const struct doc *parents = r->parents ? r->parents : doc_list(a);
	int64_t age = op_time_of(env, service);
	const char *rev =
		op_revision_id(a, parents, r->config, strlen(r->config));

	doc_put_str(a, row, "rev", rev);
	doc_put(a, row, "parents", doc_copy(a, parents));
	doc_put_str(a, row, "config", r->config);
	doc_put_int(a, row, "at", r->at);
	if (r->author)
		doc_put(a, row, "author", doc_copy(a, r->author));
	if (r->comment)
		doc_put_str(a, row, "comment", r->comment);
	revision_put(env->s, service, row);
	revisions_prune(env->s, service, age);
	return rev;
}

static struct doc *parents_of(const struct edit *e, const char *one,
			      const char *two)
{
	struct arena *a = e->env->s->arena;
	struct doc *list = doc_list(a);

	doc_add(a, list, doc_str(a, one));
	if (two)
		doc_add(a, list, doc_str(a, two));
	return list;
}

static struct doc *result_rev(const struct edit *e, const char *rev)
{
	struct doc *r = op_result(e->env, OP_OK, NULL);

	doc_put_str(e->env->s->arena, r, "rev", rev);
	return r;
}

static struct doc *result_same(const struct edit *e)
{
	struct doc *r = result_rev(e, e->head);

	doc_put_bool(e->env->s->arena, r, "same", true);
	return r;
}

/* -- what may not become the head ------------------------------------------ */

static bool has_encap_nodes(const struct edit *e, const char *text)
{
	struct service_conf sc;
	struct conf *conf;

	return op_service_conf(e->env, e->name, text, &conf, &sc) &&
	       sc.encapnodes.n;
}

/* NULL, or the answer to an edit that would take the service away from under
 * what runs, or from the group that it is in. */
static struct doc *refused(const struct edit *e, const char *text)
{
	struct service_conf sc;
	struct conf *conf;
	const char *node;

	if (!op_service_conf(e->env, e->name, text, &conf, &sc))
		return NULL;
	if (has_encap_nodes(e, e->head_text) != (sc.encapnodes.n > 0))
		return op_result(e->env, OP_FAILED,
				 "%s was made %s encap nodes and keeps its "
				 "place in the cluster: to change that, stop "
				 "it, delete it and create it again",
				 e->name, sc.encapnodes.n ? "without" : "with");
	node = op_runs_beside(e->env, e->name, &sc);
	if (node) /* it would be left running with nobody to stop it */
		return op_result(e->env, OP_FAILED,
				 "%s may be running on %s, which this edit "
				 "takes out of its nodes: 'encap move %s' to "
				 "another node, or 'encap stop %s', first",
				 e->name, node, e->name, e->name);
	return NULL;
}

static struct doc *invalid(const struct edit *e, const struct problems *p)
{
	struct arena *a = e->env->s->arena;
	struct doc *r, *list = doc_list(a);

	for (size_t i = 0; i < p->n && doc_len(list) < PROBLEMS_SHOWN; i++)
		if (p->at[i].fatal)
			doc_add(a, list, doc_str(a, p->at[i].text));
	r = op_result(e->env, OP_FAILED, "%s would not be valid: %.400s",
		      e->name, doc_text(doc_at(list, 0), "it cannot be read"));
	doc_put(a, r, "problems", list);
	return r;
}

/* NULL, or the answer to a text that is no valid env file. */
static struct doc *refused_invalid(const struct edit *e, const char *text)
{
	struct arena *a = e->env->s->arena;
	struct problems p = { .arena = a, .name = e->name };
	struct conf *c = conf_parse(a, text, strlen(text), &p);

	if (c)
		conf_of_version(c, a, e->env->version);
	if (c)
		conf_validate(a, c, e->name, &p);
	return c && !p.fatal ? NULL : invalid(e, &p);
}

/* -- conflicts ------------------------------------------------------------- */

static const char *value_of(const struct conf *c, const struct merge_key *k)
{
	struct conf_key key = { k->section, k->option, k->scope };

	return c ? conf_raw(c, &key) : NULL;
}

static bool differs(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) != 0 : a != b;
}

struct back { /* a revision on the way from the head */
	struct doc *row;
	struct conf *conf;
};

static bool step_back(const struct state *s, const char *name, const char *rev,
		      struct back *ret)
{
	struct problems p = { .arena = s->arena };
	const char *text;

	ret->row = *rev ? state_revision(s, name, rev) : NULL;
	text = doc_get_str(ret->row, "config", "");
	ret->conf =
		ret->row ? conf_parse(s->arena, text, strlen(text), &p) : NULL;
	return ret->conf != NULL;
}

/* To each key of the report: who gave it the value that the head has. */
static void name_authors(const struct edit *e, const struct merge *m,
			 struct doc *report)
{
	SCOPED(arena) struct arena *tmp = arena_new();
	const struct state s = { e->env->s->txn, e->env->s->group, tmp };
	struct arena *a = e->env->s->arena;
	struct back at, before;
	size_t bytes = 0;

	if (!step_back(&s, e->name, e->head, &at))
		return;
	for (int i = 0; i < STEPS_BACK && bytes < BYTES_BACK; i++) {
		const struct doc *parents = doc_get(at.row, "parents");
		const char *rev = doc_get_str(at.row, "rev", "");

		if (strcmp(rev, e->base) == 0 ||
		    !step_back(&s, e->name, doc_text(doc_at(parents, 0), ""),
			       &before))
			return;
		bytes += strlen(doc_get_str(before.row, "config", ""));
		for (size_t k = 0; k < doc_len(report); k++) {
			struct doc *row = doc_at(report, k);
			const struct doc *by = doc_get(at.row, "author");

			if (doc_get(row, "rev") ||
			    !differs(value_of(at.conf, &m->at[k]),
				     value_of(before.conf, &m->at[k])))
				continue;
			doc_put_str(a, row, "rev", rev);
			doc_put_int(a, row, "at", doc_get_int(at.row, "at", 0));
			if (by)
				doc_put(a, row, "by", doc_copy(a, by));
		}
		at = before;
	}
}

static const char *why_conflict(const struct edit *e, const struct merge *m,
				const struct doc *report,
				const struct doc *problems)
{
	struct arena *a = e->env->s->arena;
	struct buf b = BUF(a);

	if (!m)
		return "it is based on a revision that is not known here (any "
		       "more)";
	if (m->code == MERGE_INVALID)
		return arena_printf(a,
				    "merged with the head it is not valid: %s",
				    doc_text(doc_at(problems, 0), "?"));
	for (size_t i = 0; i < doc_len(report) && i < 3; i++)
		buf_printf(&b, "%s%s", i ? ", " : "",
			   doc_get_str(doc_at(report, i), "key", ""));
	if (m->n > 3)
		buf_printf(&b, " and %zu more", m->n - 3);
	return arena_printf(a, "it and the head both changed %s", buf_text(&b));
}

static struct doc *side_doc(const struct edit *e, const struct doc *by,
			    int64_t at, const char *rev)
{
	struct arena *a = e->env->s->arena;
	struct doc *d = doc_map(a);

	if (rev)
		doc_put_str(a, d, "rev", rev);
	if (by)
		doc_put(a, d, "by", doc_copy(a, by));
	doc_put_int(a, d, "at", at);
	return d;
}

static const char *advice(const struct edit *e, const char *id,
			  const char *why_not)
{
	struct arena *a = e->env->s->arena;

	if (!id)
		return arena_printf(a, "; it is not kept: %s", why_not);
	return arena_printf(a,
			    "; it is kept as %s: 'encap resolve %s %s "
			    "--ours|--theirs|--edit' ends this",
			    id, e->name, id);
}

/* Refuse the edit, and keep its text. @m is NULL if there was no merge. */
static struct doc *conflict(const struct edit *e, const struct merge *m)
{
	struct arena *a = e->env->s->arena;
	struct doc *r = op_result(e->env, OP_CONFLICT, NULL);
	struct doc *report = m ? merge_doc(a, m, KEYS_SHOWN) : doc_list(a);
	struct doc *problems = doc_list(a);
	const struct doc *head = state_revision(e->env->s, e->name, e->head);
	struct draft d = { .name = e->name, .kind = "conflict" };
	const char *id, *why_not;

	for (size_t i = 0; m && i < m->problems.n; i++)
		if (m->problems.at[i].fatal &&
		    doc_len(problems) < PROBLEMS_SHOWN)
			doc_add(a, problems,
				doc_str(a, m->problems.at[i].text));
	if (doc_len(report))
		name_authors(e, m, report);
	d.text = e->text;
	d.base = e->base;
	d.head = e->head;
	d.conflicts = report;
	d.problems = problems;
	d.where = e->where;
	d.why = why_conflict(e, m, report, problems);
	if (doc_get_bool(e->env->cmd, "plan", false)) {
		id = NULL;
		why_not = "a plan keeps nothing";
	} else {
		id = op_draft_put(e->env, &d, &why_not);
	}
	doc_put_str(a, r, "err",
		    arena_printf(a, "the edit of %s cannot be made: %s%s",
				 e->name, d.why, advice(e, id, why_not)));
	doc_put_str(a, r, "base", e->base);
	doc_put_str(a, r, "head", e->head);
	if (id)
		doc_put_str(a, r, "draft", id);
	doc_put_bool(a, r, "kept", id != NULL);
	if (!id)
		doc_put_str(a, r, "why_not", why_not);
	doc_put(a, r, "conflicts", report);
	doc_put(a, r, "problems", problems);
	doc_put(a, r, "ours",
		side_doc(e, doc_get(head, "author"), doc_get_int(head, "at", 0),
			 e->head));
	doc_put(a, r, "theirs", side_doc(e, e->author, e->at, NULL));
	return r;
}

/* -- what becomes the head ------------------------------------------------- */

/* A person's comment, or what an edit is that has none. */
static const char *comment_of(const struct edit *e)
{
	if (e->comment || !e->draft)
		return e->comment;
	return arena_printf(e->env->s->arena, "resolves %s",
			    doc_get_str(e->draft, "id", "a draft"));
}

static struct doc *put_child(struct edit *e)
{
	struct doc *no = refused(e, e->text);
	struct revision r = {
		.config = e->text,
		.parents = parents_of(e, e->head, NULL),
		.author = e->author,
		.comment = comment_of(e),
		.at = e->at,
	};
	const char *rev;

	if (no)
		return no;
	rev = op_revision_add(e->env, e->service, &r);
	op_service_put(e->env, e->service);
	op_event(e->env, "edit", e->name, doc_get_str(e->env->by, "node", NULL),
		 "revision %.12s", rev);
	return result_rev(e, rev);
}

/* The text as it came, a child of its base; unless it is there already. */
static const char *put_side(struct edit *e)
{
	struct arena *a = e->env->s->arena;
	const struct doc *parents = parents_of(e, e->base, NULL);
	struct revision r = {
		.config = e->text,
		.parents = parents,
		.author = e->author,
		.comment = e->draft ? NULL : e->comment,
		.at = e->at,
	};
	const char *rev = op_revision_id(a, parents, e->text, strlen(e->text));

	return revision_known(e->env->s, e->name, rev)
		       ? rev
		       : op_revision_add(e->env, e->service, &r);
}

static struct doc *put_merge(struct edit *e, const struct merge *m)
{
	const struct doc *by = e->draft ? e->env->by : e->author;
	struct doc *no = refused(e, m->text), *r;
	struct revision both = { .config = m->text,
				 .author = by,
				 .comment = e->draft ? comment_of(e) : NULL,
				 .at = e->env->at };
	const char *side, *rev;

	if (no)
		return no;
	if (strcmp(m->text, e->head_text) == 0)
		return result_same(e);
	side = put_side(e);
	both.parents = parents_of(e, e->head, side);
	rev = op_revision_add(e->env, e->service, &both);
	op_service_put(e->env, e->service);
	op_event(e->env, "edit", e->name, doc_get_str(e->env->by, "node", NULL),
		 "revision %.12s: %.12s merged with %.12s", rev, side, e->head);
	r = result_rev(e, rev);
	doc_put_bool(e->env->s->arena, r, "merged", true);
	doc_put_str(e->env->s->arena, r, "edit", side);
	return r;
}

static struct doc *merge_in(struct edit *e, const struct doc *base)
{
	struct arena *a = e->env->s->arena;
	struct merge_in in = {
		.service = e->name,
		.base = doc_get_str(base, "config", ""),
		.ours = e->head_text,
		.theirs = e->text,
		.take = e->take,
		.version = e->env->version,
	};
	struct merge m;

	if (strcmp(in.base, e->text) == 0) /* it changes nothing */
		return result_same(e);
	if (!e->draft &&
	    revision_known(e->env->s, e->name,
			   op_revision_id(a, parents_of(e, e->base, NULL),
					  e->text, strlen(e->text))))
		return result_same(e); /* it was made before */
	merge_texts(a, &in, &m);
	if (m.code == MERGE_DONE && strcmp(e->base, e->head) == 0) {
		e->text = m.text; /* of a draft that was not valid then */
		return put_child(e);
	}
	if (m.code == MERGE_DONE)
		return put_merge(e, &m);
	return e->draft ? invalid(e, &m.problems) : conflict(e, &m);
}

static struct doc *apply_edit(struct edit *e)
{
	const struct doc *base;

	if (strcmp(e->text, e->head_text) == 0)
		return result_same(e);
	if (strcmp(e->base, e->head) == 0 || PLANTED(LAST_WINS))
		return put_child(e);
	base = state_revision(e->env->s, e->name, e->base);
	if (base)
		return merge_in(e, base);
	if (revision_of_text(e->env->s, e->name, e->text))
		return result_same(e); /* an old copy, and no edit */
	return conflict(e, NULL);
}

/* -- commands -------------------------------------------------------------- */

/* False: there is no such service here. */
static bool edit_begin(struct edit *e, const struct op_env *env,
		       const struct doc *cmd)
{
	const struct doc *head;

	*e = (struct edit){
		.env = env,
		.service = op_service_here(env, cmd),
		.name = doc_get_str(cmd, "name", ""),
		.base = doc_get_str(cmd, "base", ""),
		.text = doc_get_str(cmd, "config", ""),
		.comment = doc_get_str(cmd, "comment", NULL),
		.where = doc_get_str(cmd, "where", NULL),
		.author = env->by,
		.at = env->at,
	};
	if (!e->service)
		return false;
	e->head = doc_get_str(e->service, "head", "");
	head = state_revision(env->s, e->name, e->head);
	e->head_text = doc_get_str(head, "config", "");
	return true;
}

static struct doc *not_the_head(const struct edit *e)
{
	struct arena *a = e->env->s->arena;
	struct doc *r = op_result(
		e->env, OP_CONFLICT,
		"the edit of %s is based on revision %.12s, the head is "
		"%.12s: look at it with 'encap config %s' and edit again",
		e->name, e->base, e->head, e->name);

	doc_put_str(a, r, "base", e->base);
	doc_put_str(a, r, "head", e->head);
	return r;
}

struct doc *op_svc_edit(const struct op_env *env, const struct doc *cmd)
{
	bool old = doc_get_int(cmd, "v", 1) < 2;
	bool strict = old || doc_get_bool(cmd, "strict", false);
	struct edit e;

	if (!edit_begin(&e, env, cmd))
		return op_no_service(env, e.name);
	if (strict && strcmp(e.base, e.head) != 0)
		return not_the_head(&e);
	return old ? put_child(&e) : apply_edit(&e);
}

struct doc *op_svc_revert(const struct op_env *env, const struct doc *cmd)
{
	const char *rev = doc_get_str(cmd, "rev", "");
	const struct doc *old;
	struct doc *no;
	struct edit e;

	if (!edit_begin(&e, env, cmd))
		return op_no_service(env, e.name);
	if (*e.base && strcmp(e.base, e.head) != 0)
		return not_the_head(&e);
	old = state_revision(env->s, e.name, rev);
	if (!old)
		return op_result(env, OP_NOT_FOUND,
				 "%s has no revision %.64s: 'encap history %s' "
				 "lists those that are kept",
				 e.name, rev, e.name);
	e.base = e.head;
	e.text = doc_get_str(old, "config", "");
	if (!e.comment)
		e.comment =
			arena_printf(env->s->arena, "reverts to %.12s", rev);
	if (strcmp(e.text, e.head_text) == 0)
		return result_same(&e);
	no = refused_invalid(&e, e.text);
	return no ? no : put_child(&e);
}

/* The draft's text with the head, and somebody's word for what both changed.
 * Where its base is not known, all of it is a change. */
static struct doc *resolve_take(struct edit *e, bool ours)
{
	const struct doc *base;
	struct doc *no;

	e->take = ours ? MERGE_OURS : MERGE_THEIRS;
	e->base = doc_get_str(e->draft, "base", "");
	e->text = doc_get_str(e->draft, "text", "");
	e->author = doc_get(e->draft, "by");
	e->at = doc_get_int(e->draft, "at", e->at);
	base = state_revision(e->env->s, e->name, e->base);
	if (base)
		return merge_in(e, base);
	if (ours || strcmp(e->text, e->head_text) == 0)
		return result_same(e);
	no = refused_invalid(e, e->text);
	return no ? no : put_child(e);
}

struct doc *op_svc_resolve(const struct op_env *env, const struct doc *cmd)
{
	const char *take = doc_get_str(cmd, "take", "");
	const char *id = doc_get_str(cmd, "draft", "");
	bool text = strcmp(take, "text") == 0;
	bool ours = strcmp(take, "ours") == 0;
	struct doc *r, *draft;
	struct edit e;

	if (!edit_begin(&e, env, cmd))
		return op_no_service(env, e.name);
	draft = state_draft(env->s, e.name, id);
	if (!draft)
		return op_result(env, OP_NOT_FOUND,
				 "%s has no draft %.64s: 'encap drafts' lists "
				 "those that there are",
				 e.name, id);
	if (doc_get_bool(cmd, "strict", false) && strcmp(e.base, e.head) != 0)
		return not_the_head(&e);
	if (!text && !ours && strcmp(take, "theirs") != 0)
		return op_result(env, OP_USAGE,
				 "a draft is resolved with ours, theirs or a "
				 "text");
	if (text) {
		r = apply_edit(&e);
	} else {
		e.draft = draft;
		r = resolve_take(&e, ours);
	}
	if (doc_get_int(r, "code", OP_FAILED) == OP_OK)
		op_draft_end(env, e.service, draft,
			     arena_printf(env->s->arena, "is resolved with %s",
					  take));
	return r;
}
