/*
 * How: the document is turned into rows hung under each other first, so that
 * each row knows whether another follows it; then the rows are printed, the
 * branches to the left of a row being those of its ancestors that go on.
 *
 * `avail` is drawn as a branch that goes on even if nothing follows: so did
 * the seed, whose tree always had more below.
 */
#include "cli/show/tree.h"

#include <string.h>

#include "cli/show/list.h"

#define COL_FLAGS  21
#define COL_STATUS 26
#define STATUS_PAD 9
#define COL_LABEL  (COL_STATUS + STATUS_PAD)
#define LABEL_MIN  20 /* on a terminal narrower than this, do not wrap */
#define DEPTH_MAX  8

struct row {
	const char *name, *flags, *status, *label; /* flags NULL: a group */
	const char **logs;
	size_t n_logs, cap_logs;
	struct row *first, *last, *next; /* children; the next sibling */
	bool open;			 /* drawn as if another followed */
};

/* -- rows ------------------------------------------------------------------ */

static struct row *row_new(struct arena *a, const char *name,
			   const char *status)
{
	struct row *r = ARENA_NEW(a, struct row);

	r->name = name;
	r->status = status;
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
	r->logs[r->n_logs++] = text;
}

/* -- the document as rows ------------------------------------------ */

struct tree {
	struct arena *arena;
	const struct doc *status;
	const struct doc *inst; /* the expanded instance */
	size_t n_instances;
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

static const char *flags_of(struct arena *a, const struct doc *res, bool encap)
{
	return arena_printf(a, "%c%c%c%c",
			    doc_get_bool(res, "monitor", false) ? 'M' : '.',
			    doc_get_bool(res, "disable", false) ? 'D' : '.',
			    doc_get_bool(res, "optional", false) ? 'O' : '.',
			    encap ? 'E' : '.');
}

static struct row *resource_row(const struct tree *t, struct row *parent,
				const struct doc *res, bool encap)
{
	const struct doc *log = doc_get(res, "log");
	struct row *r = row_new(t->arena, res->key,
				doc_get_str(res, "status", "undef"));

	r->flags = flags_of(t->arena, res, encap);
	r->label = doc_get_str(res, "label", "");
	for (size_t i = 0; i < doc_len(log); i++) {
		const char *line = doc_text(doc_at(log, i), "");

		row_log(t->arena, r,
			starts_with(line, "info: ") ? line + 6 : line);
	}
	return row_add(parent, r);
}

static bool group_is(const struct tree *t, const struct doc *res,
		     const char *group)
{
	return strcmp(group_of(t->arena, res->key), group) == 0;
}

static bool has_own_branch(const struct tree *t, const struct doc *res)
{
	return group_is(t, res, "sync") || group_is(t, res, "hb");
}

static void inner_rows(const struct tree *t, struct row *container,
		       const struct doc *rows, bool all)
{
	for (unsigned rank = 0; rank <= shown_rank("?"); rank++) {
		for (size_t i = 0; i < doc_len(rows); i++) {
			const struct doc *res = doc_at(rows, i);

			if (shown_rank(group_of(t->arena, res->key)) != rank)
				continue;
			if (all || doc_get_bool(res, "encap", false))
				resource_row(t, container, res, true);
		}
	}
}

/* What runs in a container that is up, as its agent says; or the rows that
 * should be there, with the reason why nothing is known of them. */
static void fold_container(const struct tree *t, struct row *container,
			   const struct doc *inner)
{
	const struct doc *rows = doc_get(inner, "resources");
	const char *why = doc_get_str(inner, "why", "");

	if (strcmp(container->status, "down") == 0 ||
	    strcmp(container->status, "stdby down") == 0)
		return;
	if (*why)
		row_log(t->arena, container, why);
	if (rows)
		inner_rows(t, container, rows, true);
	else if (inner)
		inner_rows(t, container, doc_get(t->inst, "resources"), false);
}

static void avail_rows(const struct tree *t, struct row *avail)
{
	const struct doc *rows = doc_get(t->inst, "resources");
	const struct doc *encap = doc_get(t->inst, "encap");

	for (unsigned rank = 0; rank <= shown_rank("?"); rank++) {
		for (size_t i = 0; i < doc_len(rows); i++) {
			const struct doc *res = doc_at(rows, i);
			struct row *r;

			if (shown_rank(group_of(t->arena, res->key)) != rank ||
			    doc_get_bool(res, "encap", false) ||
			    has_own_branch(t, res))
				continue;
			r = resource_row(t, avail, res, false);
			if (rank == 0)
				fold_container(t, r, doc_get(encap, res->key));
		}
	}
}

/* sync and hb: shown where there are such resources. */
static void group_branch(const struct tree *t, struct row *top,
			 const char *group)
{
	const struct doc *rows = doc_get(t->inst, "resources");
	const struct doc *sums = doc_get(t->inst, "status_group");
	struct row *branch = NULL;

	for (size_t i = 0; i < doc_len(rows); i++) {
		const struct doc *res = doc_at(rows, i);

		if (!group_is(t, res, group) ||
		    doc_get_bool(res, "encap", false))
			continue;
		if (!branch)
			branch = row_add(
				top, row_new(t->arena, group,
					     doc_get_str(sums, group, "n/a")));
		resource_row(t, branch, res, false);
	}
}

static void note(struct buf *b, const char *text)
{
	if (!*text)
		return;
	if (b->len)
		buf_puts(b, ", ");
	buf_puts(b, text);
}

/* "frozen, non-optimal placement" */
static const char *service_label(const struct tree *t)
{
	const struct doc *s = t->status;
	const char *frozen = doc_get_str(s, "frozen", "");
	struct buf b = BUF(t->arena);

	if (doc_get_bool(s, "frozen", false) ||
	    doc_get_int(s, "frozen", 0) != 0 || strcmp(frozen, "frozen") == 0)
		note(&b, "frozen");
	else if (strcmp(frozen, "mixed") == 0)
		note(&b, "partly frozen");
	if (strcmp(doc_get_str(s, "placement", ""), "non-optimal") == 0)
		note(&b, "non-optimal placement");
	return buf_text(&b);
}

static void service_logs(const struct tree *t, struct row *top)
{
	const struct doc *drafts = doc_get(t->status, "drafts");
	const char *blocked = doc_get_str(t->status, "blocked", "");

	if (*blocked)
		row_log(t->arena, top,
			arena_printf(t->arena, "blocked: %s", blocked));
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
		r->label = list_instance_notes(t->arena, inst);
		row_add(top, r);
	}
}

static const char *avail_label(const struct tree *t)
{
	struct buf b = BUF(t->arena);

	if (t->n_instances > 1)
		note(&b, t->inst->key);
	note(&b, list_instance_notes(t->arena, t->inst));
	return buf_text(&b);
}

static struct row *tree_rows(const struct tree *t)
{
	struct row *top = row_new(t->arena, "overall",
				  doc_get_str(t->status, "overall", "undef"));
	const char *avail =
		doc_get_str(t->inst ? t->inst : t->status, "avail", "undef");
	struct row *r = row_add(top, row_new(t->arena, "avail", avail));

	r->open = true;
	top->label = service_label(t);
	service_logs(t, top);
	if (!t->inst) {
		row_log(t->arena, r, "no instance has reported yet");
		return top;
	}
	r->label = avail_label(t);
	avail_rows(t, r);
	group_branch(t, top, "sync");
	group_branch(t, top, "hb");
	other_rows(t, top);
	return top;
}

/* -- rows on the grid ---------------------------------------------- */

struct printer {
	FILE *out;
	const struct term *term;
	struct arena *arena;
	size_t label_width;	 /* 0: do not wrap */
	bool goes_on[DEPTH_MAX]; /* per level, whether a branch goes on */
};

static void pad_to(struct buf *b, size_t used, size_t column)
{
	do
		buf_puts(b, " ");
	while (++used < column);
}

static void print_trimmed(const struct printer *p, struct buf *b)
{
	while (b->len > 0 && b->data[b->len - 1] == ' ')
		b->data[--b->len] = '\0';
	fprintf(p->out, "%s\n", buf_text(b));
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
	pad_to(&b, b.len, COL_LABEL);
	buf_puts(&b, text);
	print_trimmed(p, &b);
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
			buf_puts(first, line);
			print_trimmed(p, first);
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
		buf_puts(&b, follows ? "|- " : "'- ");
	}
	buf_puts(&b, r->name);
	used = depth * 3 + text_width(r->name);
	if (r->flags) {
		pad_to(&b, used, COL_FLAGS);
		buf_puts(&b, r->flags);
		used = used < COL_FLAGS ? COL_FLAGS : used + 1;
		used += strlen(r->flags);
	}
	pad_to(&b, used, COL_STATUS);
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
		print_rows(p, k, depth + 1, k->next || k->open);
}

/* -- which instance
 * ------------------------------------------------------------ */

static const struct doc *expanded(const struct doc *instances, const char *self)
{
	const struct doc *inst = doc_get(instances, self);

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
		const struct doc *status, const char *self)
{
	const struct doc *instances = doc_get(status, "instances");
	struct tree tree = { .arena = a,
			     .status = status,
			     .inst = expanded(instances, self),
			     .n_instances = doc_len(instances) };
	struct printer p = { .out = out, .term = t, .arena = a };

	if (t->width >= COL_LABEL + LABEL_MIN)
		p.label_width = t->width - COL_LABEL;
	fprintf(out, "%s\n", doc_get_str(status, "service", "?"));
	print_rows(&p, tree_rows(&tree), 0, false);
}
