#include "cli/show/list.h"

#include <string.h>

static void note(struct buf *b, const char *text)
{
	if (b->len)
		buf_puts(b, ", ");
	buf_puts(b, text);
}

static bool truth(const struct doc *d, const char *key)
{
	return doc_get_bool(d, key, false) || doc_get_int(d, key, 0) != 0;
}

static void note_state(struct buf *b, const struct doc *inst)
{
	const char *state = doc_get_str(inst, "state", "idle");
	const char *error = doc_get_str(inst, "error", "");

	if (strcmp(state, "idle") != 0 && *state)
		note(b, state);
	if (*error) {
		buf_puts(b, b->len ? ": " : "");
		buf_puts(b, error);
	}
}

const char *list_instance_notes(struct arena *a, const struct doc *inst)
{
	int64_t age = doc_get_int(inst, "age_ms", 0);
	const char *stale = doc_get_str(inst, "stale", "");
	struct buf b = BUF(a);

	note_state(&b, inst);
	if (truth(inst, "frozen"))
		note(&b, "frozen");
	if (*stale)
		note(&b, stale);
	if (*stale || age > 0)
		note(&b, arena_printf(a, "seen %s ago", text_age(a, age)));
	return buf_text(&b);
}

/* -- services ---------------------------------------------------------- */

/* Where it is up, or at least not down. */
static const char *places(struct arena *a, const struct doc *instances)
{
	struct buf b = BUF(a);

	for (size_t i = 0; i < doc_len(instances); i++) {
		const struct doc *inst = doc_at(instances, i);
		const char *avail = doc_get_str(inst, "avail", "");

		if (doc_get(inst, "stale"))
			continue;
		if (strcmp(avail, "up") != 0 && strcmp(avail, "warn") != 0)
			continue;
		if (b.len)
			buf_puts(&b, ",");
		buf_puts(&b, inst->key);
	}
	return b.len ? buf_text(&b) : "-";
}

static const char *service_notes(struct arena *a, const struct doc *s)
{
	const struct doc *instances = doc_get(s, "instances");
	const char *frozen = doc_get_str(s, "frozen", "");
	const char *blocked = doc_get_str(s, "blocked", "");
	struct buf b = BUF(a);

	if (truth(s, "frozen") || strcmp(frozen, "frozen") == 0)
		note(&b, "frozen");
	else if (strcmp(frozen, "mixed") == 0)
		note(&b, "partly frozen");
	if (strcmp(doc_get_str(s, "placement", ""), "non-optimal") == 0)
		note(&b, "non-optimal placement");
	if (*blocked)
		note(&b, blocked);
	if (doc_len(doc_get(s, "drafts")))
		note(&b, "drafts");
	for (size_t i = 0; i < doc_len(instances); i++) {
		const struct doc *inst = doc_at(instances, i);
		const char *text = list_instance_notes(a, inst);

		if (*text)
			note(&b, arena_printf(a, "%s: %s", inst->key, text));
	}
	return buf_text(&b);
}

void list_services(FILE *out, const struct term *t, struct arena *a,
		   const struct doc *services)
{
	static const char *const head[] = { "SERVICE", "AVAIL", "OVERALL", "ON",
					    "NOTES" };
	struct text_table tab = { .arena = a,
				  .n_cols = 5,
				  .status_cols = 1u << 1 | 1u << 2 };

	text_table_add(&tab, head);
	for (size_t i = 0; i < doc_len(services); i++) {
		const struct doc *s = doc_at(services, i);
		const char *cells[] = {
			doc_get_str(s, "service", "?"),
			doc_get_str(s, "avail", "undef"),
			doc_get_str(s, "overall", "undef"),
			places(a, doc_get(s, "instances")),
			service_notes(a, s),
		};

		text_table_add(&tab, cells);
	}
	text_table_print(&tab, t, out);
}

/* -- nodes and the cluster --------------------------------------------- */

static const char *joined(struct arena *a, const struct doc *list)
{
	struct buf b = BUF(a);

	for (size_t i = 0; i < doc_len(list); i++) {
		if (i)
			buf_puts(&b, ",");
		buf_puts(&b, doc_text(doc_at(list, i), "?"));
	}
	return buf_text(&b);
}

static const char *node_notes(struct arena *a, const struct doc *n)
{
	struct buf b = BUF(a);

	if (truth(n, "leader"))
		note(&b, "leader");
	if (truth(n, "frozen"))
		note(&b, "frozen");
	if (doc_get(n, "connected") && !truth(n, "connected"))
		note(&b, "not connected to this node");
	return buf_text(&b);
}

void list_nodes(FILE *out, const struct term *t, struct arena *a,
		const struct doc *nodes)
{
	static const char *const head[] = { "NODE",	 "STATE", "ROLE",
					    "ADDRESSES", "SINCE", "NOTES" };
	struct text_table tab = { .arena = a,
				  .n_cols = 6,
				  .status_cols = 1u << 1 };

	text_table_add(&tab, head);
	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *n = doc_at(nodes, i);
		int64_t since = doc_get_int(n, "since", 0);
		const char *cells[] = {
			doc_get_str(n, "name", "?"),
			doc_get_str(n, "state", "?"),
			doc_get_str(n, "role", ""),
			joined(a, doc_get(n, "addresses")),
			since ? text_time(a, since) : "",
			node_notes(a, n),
		};

		text_table_add(&tab, cells);
	}
	text_table_print(&tab, t, out);
}

/* "services" may be their number or their names. */
static int64_t service_count(const struct doc *cluster)
{
	const struct doc *s = doc_get(cluster, "services");

	if (s && s->type == DOC_INT)
		return s->num;
	return (int64_t)doc_len(s);
}

void list_cluster(FILE *out, const struct term *t, struct arena *a,
		  const struct doc *cluster)
{
	const struct doc *g = doc_get(cluster, "group");
	const char *leader = doc_get_str(g, "leader", "");

	fprintf(out, "cluster   %s (%s)\n", doc_get_str(cluster, "name", "?"),
		doc_get_str(cluster, "id", "?"));
	fprintf(out, "leader    %s, term %lld, applied %lld\n",
		*leader ? leader : "none: is a majority of the nodes up?",
		(long long)doc_get_int(g, "term", 0),
		(long long)doc_get_int(g, "applied", 0));
	fprintf(out, "lease     %lld ms\n",
		(long long)doc_get_int(cluster, "lease_ms", 0));
	fprintf(out, "services  %lld\n\n", (long long)service_count(cluster));
	list_nodes(out, t, a, doc_get(cluster, "nodes"));
}

/* -- events ------------------------------------------------------------ */

static void word(struct buf *b, const char *text)
{
	if (*text)
		buf_printf(b, " %s", text);
}

const char *list_event(struct arena *a, const struct doc *e)
{
	const struct doc *by = doc_get(e, "by");
	const char *user = doc_text(by, doc_get_str(by, "user", ""));
	const char *from = doc_get_str(by, "node", "");
	struct buf b = BUF(a);

	buf_puts(&b, text_time(a, doc_get_int(e, "at", 0)));
	word(&b, doc_get_str(e, "node", ""));
	word(&b, doc_get_str(e, "service", ""));
	word(&b, doc_get_str(e, "rid", ""));
	word(&b, doc_get_str(e, "kind", ""));
	buf_puts(&b, ": ");
	buf_puts(&b, doc_get_str(e, "text", ""));
	if (*user)
		buf_printf(&b, " (%s%s%s)", user, *from ? " on " : "", from);
	return buf_text(&b);
}
