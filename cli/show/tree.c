/*
 * How: the document is turned into rows hung under each other first, so that
 * each row knows whether another follows it; then the rows are printed, the
 * branches to the left of a row being those of its ancestors that go on.
 */
#include "cli/show/tree.h"

#include <string.h>

#include "cli/show/list.h"
#include "fsm/status/status.h"

#define COL_FLAGS   21
#define FLAGS_SHORT 4
#define FLAGS_WIDE  8
#define STATUS_PAD  9
#define LABEL_MIN   20 /* on a terminal narrower than this, do not wrap */
#define DEPTH_MAX   8

struct row {
	const char *name, *flags, *status, *label; /* flags NULL: a group */
	const char *mark; /* instead of "|- " or "'- "; NULL: those */
	const char **logs;
	size_t n_logs, cap_logs;
	struct row *first, *last, *next; /* children; the next sibling */
};

/* -- rows ------------------------------------------------------------------ */

static struct row *row_new(struct arena *a, const char *name,
			   const char *status)
{
	struct row *r = ARENA_NEW(a, struct row);

	r->name = text_clean(a, name);
	r->status = text_clean(a, status);
	r->label = "";
	return r;
}

static struct row *row_add(struct row *parent, struct row *r)
{
	if (parent->last)
		parent->last->next = r;
	else
		parent->first = r;
	parent->last = r;
	return r;
}

static void row_log(struct arena *a, struct row *r, const char *text)
{
	if (r->n_logs == r->cap_logs) {
		size_t cap = r->cap_logs ? r->cap_logs * 2 : 4;
		const char **more = ARENA_VEC(a, const char *, cap);

		if (r->n_logs)
			memcpy(more, r->logs, r->n_logs * sizeof(*more));
		r->logs = more;
		r->cap_logs = cap;
	}
	r->logs[r->n_logs++] = text_clean(a, text);
}

/* -- the document as rows ------------------------------------------ */

struct tree {
	struct arena *arena;
	const struct doc *status;
	const struct doc *inst; /* the expanded instance */
	size_t n_instances;
	bool wide, encap; /* all the flags; seen from within a container */
};

static bool starts_with(const char *text, const char *head)
{
	return strncmp(text, head, strlen(head)) == 0;
}

static const char *group_of(struct arena *a, const char *rid)
{
	return arena_printf(a, "%.*s", (int)strcspn(rid, "#"), rid);
}

/* Where a group stands under `avail`. */
static unsigned shown_rank(const char *group)
{
	static const char *const order[] = { "container", "ip",	    "disk",
					     "vg",	  "volume", "fs",
					     "share",	  "app",    "task" };
	unsigned n = sizeof(order) / sizeof(order[0]);

	for (unsigned i = 0; i < n; i++)
		if (strcmp(group, order[i]) == 0)
			return i;
	return n;
}

static char flag(const struct doc *res, const char *key, char letter)
{
	return doc_get_bool(res, key, false) ? letter : '.';
}

static bool lists(const struct doc *inst, const char *key, const char *rid)
{
	const struct doc *list = doc_get(inst, key);

	for (size_t i = 0; i < doc_len(list); i++)
		if (strcmp(doc_text(doc_at(list, i), ""), rid) == 0)
			return true;
	return false;
}

static char flag_standby(const struct doc *inst, const struct doc *res)
{
	return lists(inst, "held", res->key) ? 'X' : flag(res, "standby", 'S');
}

static char flag_provisioned(const struct doc *res)
{
	const struct doc *p = doc_get(res, "provisioned");
	const struct doc *state = doc_get(p, "state");

	state = state ? state : p;
	if (!state || state->type != DOC_BOOL)
		return '/';
	return state->yes ? '.' : 'P';
}

/* How many restarts are left. */
static char flag_restarts(const struct doc *inst, const struct doc *res)
{
	const struct doc *used = doc_get(
		doc_get(doc_get(doc_get(inst, "monitor"), "restart"), res->key),
		"retries");
	int64_t all = doc_get_int(res, "restart", 0);
	int64_t gone = doc_get_int(
		res, "retries", used && used->type == DOC_INT ? used->num : 0);

	if (all <= 0)
		return '.';
	if (gone >= all)
		return '0';
	if (gone < 0 || all - gone >= 10)
		return '+';
	return (char)('0' + (all - gone));
}

static const char *flags_of(const struct tree *t, const struct doc *inst,
			    const struct doc *res, bool encap)
{
	const char *four =
		arena_printf(t->arena, "%c%c%c%c", flag(res, "monitor", 'M'),
			     flag(res, "disable", 'D'),
			     flag(res, "optional", 'O'), encap ? 'E' : '.');

	if (!t->wide)
		return four;
	return arena_printf(t->arena, "%c%s%c%c%c",
			    lists(inst, "running", res->key) ? 'R' : '.', four,
			    flag_provisioned(res), flag_standby(inst, res),
			    flag_restarts(inst, res));
}

static struct row *resource_row(const struct tree *t, struct row *parent,
				const struct doc *inst, const struct doc *res,
				bool encap)
{
	const struct doc *log = doc_get(res, "log");
	struct row *r = row_new(t->arena, res->key,
				doc_get_str(res, "status", "undef"));

	r->flags = flags_of(t, inst, res, encap);
	r->label = text_clean(t->arena, doc_get_str(res, "label", ""));
	for (size_t i = 0; i < doc_len(log); i++) {
		const char *line = doc_text(doc_at(log, i), "");

		row_log(t->arena, r,
			starts_with(line, "info: ") ? line + 6 : line);
	}
	if (lists(inst, "held", res->key))
		row_log(t->arena, r, "stopped by hand: it is not restarted");
	return row_add(parent, r);
}

static bool group_is(const struct tree *t, const struct doc *res,
		     const char *group)
{
	return strcmp(group_of(t->arena, res->key), group) == 0;
}

static enum status status_of(const struct doc *res)
{
	return status_said(res, "status");
}

/* -- a level of resources: groups in their order, subsets in it --------- */

/* Which rows of an instance are meant. */
struct level_rows {
	const struct doc *inst; /* that they are of */
	bool inner;		/* what runs in a container, below its row */
	bool encap_only;	/* of @inst, those that should run in one */
	const char *group;	/* this one; NULL: all but sync and hb */
};

static bool level_has(const struct tree *t, const struct level_rows *l,
		      const struct doc *res)
{
	bool encap = doc_get_bool(res, "encap", false);

	if (l->group)
		return group_is(t, res, l->group) && !encap;
	if (l->inner)
		return !l->encap_only || encap;
	return !encap && !group_is(t, res, "sync") && !group_is(t, res, "hb");
}

static void fold_container(const struct tree *t, struct row *container,
			   const struct doc *inner);

static void put_resource(const struct tree *t, const struct level_rows *l,
			 struct row *parent, const struct doc *res)
{
	struct row *r = resource_row(t, parent, l->inst, res, l->inner);

	if (!l->inner && group_is(t, res, "container"))
		fold_container(t, r,
			       doc_get(doc_get(l->inst, "encap"), res->key));
}

static const char *subset_of(const struct doc *res)
{
	return doc_get_str(res, "subset", "");
}

/* The least name of a subset after @after, among those of this rank. */
static const char *next_subset(const struct tree *t, const struct level_rows *l,
			       unsigned rank, const char *after)
{
	const struct doc *rows = doc_get(l->inst, "resources");
	const char *best = NULL;

	for (size_t i = 0; i < doc_len(rows); i++) {
		const struct doc *res = doc_at(rows, i);
		const char *name = subset_of(res);

		if (shown_rank(group_of(t->arena, res->key)) == rank &&
		    level_has(t, l, res) && strcmp(name, after) > 0 &&
		    (!best || strcmp(name, best) < 0))
			best = name;
	}
	return best;
}

/* All of one subset of a group, or what is in none. */
static void put_subset(const struct tree *t, const struct level_rows *l,
		       struct row *parent, unsigned rank, const char *subset)
{
	const struct doc *rows = doc_get(l->inst, "resources");
	enum status sum = STATUS_UNDEF;
	struct row *own = NULL;

	for (size_t i = 0; i < doc_len(rows); i++) {
		const struct doc *res = doc_at(rows, i);
		const char *group = group_of(t->arena, res->key);
		const char *name;

		if (shown_rank(group) != rank || !level_has(t, l, res) ||
		    strcmp(subset_of(res), subset) != 0)
			continue;
		if (*subset && !own) {
			name = arena_printf(t->arena, "%s:%s", group, subset);
			own = row_add(parent, row_new(t->arena, name, ""));
			if (doc_get_bool(
				    doc_get(doc_get(l->inst, "subsets"), name),
				    "parallel", false))
				own->label = "//";
		}
		sum = status_merge(sum, status_of(res));
		put_resource(t, l, own ? own : parent, res);
	}
	if (own)
		own->status = status_name(status_shown(sum));
}

static void put_level(const struct tree *t, const struct level_rows *l,
		      struct row *parent)
{
	for (unsigned rank = 0; rank <= shown_rank("?"); rank++) {
		const char *subset = "";

		do
			put_subset(t, l, parent, rank, subset);
		while ((subset = next_subset(t, l, rank, subset)) != NULL);
	}
}

static const char *reach_text(const struct tree *t, const struct doc *inner)
{
	const char *why = doc_get_str(inner, "why", "");

	if (!*why || !doc_get(inner, "age_ms"))
		return why;
	return arena_printf(
		t->arena, "%s, for %s", why,
		text_age(t->arena, doc_get_int(inner, "age_ms", 0)));
}

/* What runs in a container that is up, as its agent says; or the rows that
 * should be there, with the reason why nothing is known of them. */
static void fold_container(const struct tree *t, struct row *container,
			   const struct doc *inner)
{
	struct level_rows l = { .inst = inner, .inner = true };
	const char *why = reach_text(t, inner), *notes;

	if (!inner || strcmp(container->status, "down") == 0 ||
	    strcmp(container->status, "stdby down") == 0)
		return;
	notes = list_instance_notes(t->arena, inner, false);
	if (*why)
		row_log(t->arena, container, why);
	if (*notes && !*why)
		row_log(t->arena, container, notes);
	if (!doc_get(inner, "resources")) {
		l.inst = t->inst;
		l.encap_only = true;
	}
	put_level(t, &l, container);
}

/* sync and hb are branches of their own, with or without such resources: their
 * word is that of their resources. */
static void group_branch(const struct tree *t, struct row *top,
			 const char *group)
{
	const struct level_rows l = { .inst = t->inst, .group = group };
	const struct doc *rows = doc_get(t->inst, "resources");
	enum status sum = STATUS_UNDEF;
	struct row *branch = row_add(top, row_new(t->arena, group, ""));
	bool any = false;

	for (size_t i = 0; i < doc_len(rows); i++) {
		if (!level_has(t, &l, doc_at(rows, i)))
			continue;
		sum = status_merge(sum, status_of(doc_at(rows, i)));
		any = true;
	}
	branch->status = any ? status_name(status_shown(sum)) : "n/a";
	put_level(t, &l, branch);
	for (struct row *r = branch->first; r && t->encap; r = r->next)
		r->mark = "|- ";
}

/* -- what is said of the service ---------------------------------------- */

static void service_logs(const struct tree *t, struct row *top)
{
	const struct doc *drafts = doc_get(t->status, "drafts");
	const struct doc *pending = doc_get(t->status, "pending");
	const char *blocked = doc_get_str(t->status, "blocked", "");

	if (*blocked)
		row_log(t->arena, top,
			arena_printf(t->arena, "blocked: %s", blocked));
	if (pending)
		row_log(t->arena, top,
			arena_printf(
				t->arena,
				"an edit of the file on %s waits, for "
				"%s: %s",
				doc_get_str(pending, "node", "?"),
				text_age(t->arena,
					 doc_get_int(pending, "age_ms", 0)),
				doc_get_str(pending, "why", "?")));
	for (size_t i = 0; i < doc_len(drafts); i++) {
		const struct doc *d = doc_at(drafts, i);
		const char *path = doc_text(d, doc_get_str(d, "path", "?"));
		const char *why =
			doc_get_str(d, "why", doc_get_str(d, "reason", ""));

		row_log(t->arena, top,
			arena_printf(t->arena, "draft: %s%s%s", path,
				     *why ? ": " : "", why));
	}
}

/* Where the encap level has nodes of its own: in which it is up. */
static void farm_row(const struct tree *t, struct row *top)
{
	const struct doc *farm = doc_get(t->status, "encap"), *up;
	struct buf b = BUF(t->arena);
	struct row *r;

	if (!doc_get(farm, "topology")) /* of an instance: its containers */
		return;
	up = doc_get(farm, "up");
	for (size_t i = 0; i < doc_len(up); i++)
		buf_printf(&b, "%s%s", i ? " " : "",
			   doc_text(doc_at(up, i), ""));
	if (doc_is(farm, "placement", "non-optimal"))
		text_note(&b, "non-optimal placement");
	r = row_add(top, row_new(t->arena, "encap",
				 doc_get_str(farm, "avail", "undef")));
	r->label = text_clean(t->arena, buf_text(&b));
}

/* "vm2 down": what is in the containers of another instance. */
static const char *inner_notes(const struct tree *t, const struct doc *inst)
{
	const struct doc *all = doc_get(inst, "encap");
	struct buf b = BUF(t->arena);

	for (size_t i = 0; i < doc_len(all) &&
			   doc_get(doc_get(t->status, "encap"), "topology");
	     i++) {
		const struct doc *inner = doc_at(all, i);
		const char *node = doc_get_str(inner, "node", NULL);

		if (node)
			text_note(&b, arena_printf(t->arena, "%s %s", node,
						   doc_get_str(inner, "avail",
							       "n/a")));
	}
	return buf_text(&b);
}

static void other_rows(const struct tree *t, struct row *top)
{
	const struct doc *all = doc_get(t->status, "instances");

	for (size_t i = 0; i < doc_len(all); i++) {
		const struct doc *inst = doc_at(all, i);
		struct row *r;

		if (inst == t->inst)
			continue;
		r = row_new(t->arena, inst->key,
			    doc_get_str(inst, "avail", "undef"));
		r->label = text_clean(
			t->arena, list_instance_notes(t->arena, inst, true));
		if (!*r->label)
			r->label = text_clean(t->arena, inner_notes(t, inst));
		row_add(top, r);
	}
}

static const char *avail_label(const struct tree *t)
{
	struct buf b = BUF(t->arena);

	if (t->n_instances > 1)
		text_note(&b, t->inst->key);
	if (t->inst != t->status)
		text_note(&b, list_instance_notes(t->arena, t->inst,
						  t->n_instances > 1));
	return buf_text(&b);
}

static struct row *tree_rows(const struct tree *t)
{
	const struct level_rows all = { .inst = t->inst };
	struct row *top = row_new(t->arena, "overall",
				  doc_get_str(t->status, "overall", "undef"));
	const char *avail =
		doc_get_str(t->inst ? t->inst : t->status, "avail", "undef");
	struct row *r = row_add(top, row_new(t->arena, "avail", avail));

	top->label =
		text_clean(t->arena, list_service_state(t->arena, t->status));
	service_logs(t, top);
	if (t->inst) {
		r->label = text_clean(t->arena, avail_label(t));
		put_level(t, &all, r);
	} else {
		row_log(t->arena, r, "no instance has reported yet");
	}
	for (struct row *k = r->first; k && t->encap; k = k->next)
		k->mark = k->next ? "|  " : NULL;
	group_branch(t, top, "sync");
	group_branch(t, top, "hb");
	farm_row(t, top);
	other_rows(t, top);
	return top;
}

/* -- rows on the grid ---------------------------------------------- */

struct printer {
	FILE *out;
	const struct term *term;
	struct arena *arena;
	size_t col_status, col_label;
	size_t label_width;	 /* 0: do not wrap */
	bool goes_on[DEPTH_MAX]; /* per level, whether a branch goes on */
};

static void pad_to(struct buf *b, size_t used, size_t column)
{
	do
		buf_puts(b, " ");
	while (++used < column);
}

/* The branches that pass a row of this depth on its left. */
static void put_branches(const struct printer *p, struct buf *b, size_t depth)
{
	for (size_t i = 0; i < depth; i++)
		buf_puts(b, p->goes_on[i] ? "|  " : "   ");
}

/* A line that has nothing but @text in the label column. */
static void print_below(const struct printer *p, const struct row *r,
			size_t depth, const char *text)
{
	struct buf b = BUF(p->arena);

	put_branches(p, &b, depth);
	if (r->first)
		buf_puts(&b, "|");
	pad_to(&b, b.len, p->col_label);
	fprintf(p->out, "%s%s\n", buf_text(&b), text);
}

/* @text in lines as wide as the label column; the first goes to @first. */
static void print_wrapped(const struct printer *p, const struct row *r,
			  size_t depth, const char *text, struct buf *first,
			  const char *mark)
{
	size_t mark_len = strlen(mark), width = p->label_width;
	bool more = false;

	do {
		size_t n = text_fit(text, width ? width - mark_len : 0);
		const char *line =
			arena_printf(p->arena, "%s%.*s", mark, (int)n, text);

		if (first && !more) {
			fprintf(p->out, "%s%s\n", buf_text(first), line);
		} else {
			print_below(p, r, depth, line);
		}
		text += n + (text[n] == ' ');
		more = true;
	} while (*text);
}

static void print_row(const struct printer *p, const struct row *r,
		      size_t depth, bool follows)
{
	struct buf b = BUF(p->arena);
	size_t used;

	if (depth > 0) {
		put_branches(p, &b, depth - 1);
		buf_puts(&b, r->mark ? r->mark : follows ? "|- " : "'- ");
	}
	buf_puts(&b, r->name);
	used = depth * 3 + text_width(r->name);
	if (r->flags) {
		pad_to(&b, used, COL_FLAGS);
		buf_puts(&b, r->flags);
		used = used < COL_FLAGS ? COL_FLAGS : used + 1;
		used += strlen(r->flags);
	}
	pad_to(&b, used, p->col_status);
	text_status(&b, p->term, r->status, STATUS_PAD - 1);
	buf_puts(&b, " ");
	print_wrapped(p, r, depth, r->label, &b, "");
	for (size_t i = 0; i < r->n_logs; i++)
		print_wrapped(p, r, depth, r->logs[i], NULL, "# ");
}

static void print_rows(struct printer *p, const struct row *r, size_t depth,
		       bool follows)
{
	if (depth > 0)
		p->goes_on[depth - 1] = follows;
	print_row(p, r, depth, follows);
	for (const struct row *k = r->first; k; k = k->next)
		print_rows(p, k, depth + 1, k->next != NULL);
}

/* -- which instance ----------------------------------------------------- */

const struct doc *tree_expanded(const struct doc *status, const char *self)
{
	const struct doc *instances = doc_get(status, "instances");
	const struct doc *inst = doc_get(instances, self);

	if (!instances)
		return doc_get(status, "resources") ? status : NULL;
	if (inst)
		return inst;
	for (size_t i = 0; i < doc_len(instances); i++) {
		inst = doc_at(instances, i);
		if (strcmp(doc_get_str(inst, "avail", ""), "up") == 0 &&
		    !doc_get(inst, "stale"))
			return inst;
	}
	return doc_len(instances) ? doc_at(instances, 0) : NULL;
}

void tree_print(FILE *out, const struct term *t, struct arena *a,
		const struct doc *status, const struct tree_options *o)
{
	struct tree tree = {
		.arena = a,
		.status = status,
		.inst = tree_expanded(status, o->self ? o->self : ""),
		.n_instances = doc_len(doc_get(status, "instances")),
		.wide = o->wide
	};
	struct printer p = { .out = out, .term = t, .arena = a };

	tree.encap = strcmp(doc_get_str(status, "level", ""), "encap") == 0 ||
		     doc_get_bool(status, "encap", false);
	p.col_status = COL_FLAGS + 1 + (o->wide ? FLAGS_WIDE : FLAGS_SHORT);
	p.col_label = p.col_status + STATUS_PAD;
	if (t->width >= p.col_label + LABEL_MIN)
		p.label_width = t->width - p.col_label;
	fprintf(out, "%s\n",
		text_clean(a,
			   doc_get_str(status, "service",
				       doc_get_str(status, "svcname", "?"))));
	print_rows(&p, tree_rows(&tree), 0, false);
}
