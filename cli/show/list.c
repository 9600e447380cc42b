#include "cli/show/list.h"

#include <stdlib.h>
#include <string.h>

static bool truth(const struct doc *d, const char *key)
{
	return doc_get_bool(d, key, false) || doc_get_int(d, key, 0) != 0;
}

static void note_state(struct buf *b, const struct doc *inst)
{
	const char *state = doc_get_str(inst, "state", "idle");
	const char *error = doc_get_str(inst, "error", "");
	bool idle = strcmp(state, "idle") == 0 || !*state;

	if (!idle)
		text_note(b, state);
	if (idle)
		text_note(b, error);
	else if (*error)
		buf_printf(b, ": %s", error);
}

static void note_provisioned(struct buf *b, const struct doc *d)
{
	const struct doc *p = doc_get(d, "provisioned");
	const char *word = doc_text(p, "");

	if ((p && p->type == DOC_BOOL && !p->yes) || strcmp(word, "false") == 0)
		text_note(b, "not provisioned");
	else if (strcmp(word, "mixed") == 0)
		text_note(b, "partly provisioned");
}

/* It is not fully well though it is up, or not up and not simply down. */
static bool warns(const struct doc *inst)
{
	return strcmp(doc_get_str(inst, "overall", ""), "warn") == 0 &&
	       strcmp(doc_get_str(inst, "avail", ""), "warn") != 0;
}

const char *list_instance_notes(struct arena *a, const struct doc *inst,
				bool warn)
{
	int64_t age = doc_get_int(inst, "age_ms", 0);
	const char *stale = doc_get_str(inst, "stale", "");
	struct buf b = BUF(a);

	if (warn && warns(inst))
		text_note(&b, "warn");
	if (truth(inst, "frozen"))
		text_note(&b, "frozen");
	if (truth(inst, "node_frozen"))
		text_note(&b, "node frozen");
	if (strcmp(doc_get_str(inst, "local", ""), "start") == 0)
		text_note(&b, "started in an emergency");
	else if (*doc_get_str(inst, "local", ""))
		text_note(&b, "stopped without a majority");
	if (truth(inst, "node_maintenance"))
		text_note(&b, "node in maintenance");
	if (truth(inst, "node_drained"))
		text_note(&b, "node drained");
	note_provisioned(&b, inst);
	note_state(&b, inst);
	if (truth(inst, "outdated"))
		text_note(&b, "older revision");
	text_note(&b, stale);
	if (*stale && age > 0)
		text_note(&b, arena_printf(a, "for %s", text_age(a, age)));
	return buf_text(&b);
}

/* -- services ---------------------------------------------------------- */

const char *list_service_state(struct arena *a, const struct doc *s)
{
	const char *frozen = doc_get_str(s, "frozen", "");
	struct buf b = BUF(a);

	if (truth(s, "frozen") || strcmp(frozen, "frozen") == 0)
		text_note(&b, "frozen");
	else if (strcmp(frozen, "mixed") == 0)
		text_note(&b, "partly frozen");
	if (truth(s, "maintenance"))
		text_note(&b, "in maintenance");
	note_provisioned(&b, s);
	if (strcmp(doc_get_str(s, "placement", ""), "non-optimal") == 0)
		text_note(&b, "non-optimal placement");
	return buf_text(&b);
}

static const char *service_notes(struct arena *a, const struct doc *s)
{
	const struct doc *instances = doc_get(s, "instances");
	const char *state = list_service_state(a, s);
	const char *blocked = doc_get_str(s, "blocked", "");
	struct buf b = BUF(a);

	text_note(&b, state);
	text_note(&b, doc_get_str(doc_get(s, "group"), "why", ""));
	text_note(&b, blocked);
	if (doc_len(doc_get(s, "drafts")))
		text_note(&b, "drafts");
	for (size_t i = 0; i < doc_len(instances); i++) {
		const struct doc *inst = doc_at(instances, i);
		const char *text = list_instance_notes(a, inst, true);

		if (*text)
			text_note(&b,
				  arena_printf(a, "%s: %s", inst->key, text));
	}
	return buf_text(&b);
}

/* Digits by their number, so that hv2 stands before hv10. */
static int by_name(const void *x, const void *y)
{
	return strverscmp(*(const char *const *)x, *(const char *const *)y);
}

static bool has(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Every node that has an instance of one of them, sorted. */
static size_t nodes_of(struct arena *a, const struct doc *services,
		       const char ***ret)
{
	size_t n = 0, max = 0;
	const char **names;

	for (size_t i = 0; i < doc_len(services); i++)
		max += doc_len(doc_get(doc_at(services, i), "instances"));
	names = ARENA_VEC(a, const char *, max + 1);
	for (size_t i = 0; i < doc_len(services); i++) {
		const struct doc *all =
			doc_get(doc_at(services, i), "instances");

		for (size_t k = 0; k < doc_len(all); k++)
			if (!has(names, n, doc_at(all, k)->key))
				names[n++] = doc_at(all, k)->key;
	}
	if (n > 1)
		qsort(names, n, sizeof(*names), by_name);
	*ret = names;
	return n;
}

/* "up", "up!", "down*", "up? 3m": what it is, a warning, frozen, how old. */
static const char *instance_cell(struct arena *a, const struct doc *inst)
{
	int64_t age = doc_get_int(inst, "age_ms", 0);
	bool stale = doc_get(inst, "stale") != NULL;

	if (!inst)
		return "";
	return arena_printf(
		a, "%s%s%s%s%s%s", doc_get_str(inst, "avail", "undef"),
		warns(inst) ? "!" : "",
		truth(inst, "frozen") || truth(inst, "node_frozen") ? "*" : "",
		stale ? "?" : "", stale && age > 0 ? " " : "",
		stale && age > 0 ? text_age(a, age) : "");
}

void list_services(FILE *out, const struct term *t, struct arena *a,
		   const struct doc *services)
{
	const char **nodes, **cells;
	size_t n = nodes_of(a, services, &nodes);
	struct text_table tab = { .arena = a, .n_cols = n + 4, .wrap = true };

	tab.status_cols = n + 3 < 32 ? (1u << (n + 3)) - 2 : UINT32_MAX - 1;
	cells = ARENA_VEC(a, const char *, n + 4);
	cells[0] = "SERVICE";
	cells[1] = "AVAIL";
	cells[2] = "OVERALL";
	for (size_t k = 0; k < n; k++)
		cells[3 + k] = nodes[k];
	cells[3 + n] = "NOTES";
	text_table_add(&tab, cells);
	for (size_t i = 0; i < doc_len(services); i++) {
		const struct doc *s = doc_at(services, i);

		cells[0] = doc_get_str(s, "service", "?");
		cells[1] = doc_get_str(s, "avail", "undef");
		cells[2] = doc_get_str(s, "overall", "undef");
		for (size_t k = 0; k < n; k++)
			cells[3 + k] = instance_cell(
				a, doc_get(doc_get(s, "instances"), nodes[k]));
		cells[3 + n] = service_notes(a, s);
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

/* To the second. */
static const char *node_since(struct arena *a, const struct doc *n)
{
	int64_t since = doc_get_int(n, "since", 0);
	const char *at = since ? text_time(a, since) : "";

	return arena_printf(a, "%.*s", (int)strcspn(at, "."), at);
}

static const char *node_drain(struct arena *a, const struct doc *drain)
{
	size_t left = doc_len(doc_get(drain, "left"));

	if (!left)
		return "drained";
	return arena_printf(a, "being drained, %zu service%s left", left,
			    left == 1 ? "" : "s");
}

static const char *node_notes(struct arena *a, const struct doc *n)
{
	struct buf b = BUF(a);

	if (truth(n, "leader"))
		text_note(&b, "leader");
	if (truth(n, "frozen"))
		text_note(&b, "frozen");
	if (truth(n, "maintenance"))
		text_note(&b, "in maintenance");
	if (doc_get(doc_get(n, "drain"), "at"))
		text_note(&b, node_drain(a, doc_get(n, "drain")));
	if (truth(n, "leaving"))
		text_note(&b, "leaving");
	for (size_t i = 0; i < doc_len(doc_get(n, "labels")); i++)
		text_note(&b,
			  arena_printf(a, "%s=%s",
				       doc_at(doc_get(n, "labels"), i)->key,
				       doc_text(doc_at(doc_get(n, "labels"), i),
						"")));
	text_note(&b, doc_get_str(n, "sure", ""));
	if (doc_is(doc_get(n, "fence"), "state", "asked") ||
	    doc_is(doc_get(n, "fence"), "state", "running"))
		text_note(&b, "is being fenced");
	if (doc_get(n, "connected") && !truth(n, "connected"))
		text_note(&b, "not connected to this node");
	return buf_text(&b);
}

void list_nodes(FILE *out, const struct term *t, struct arena *a,
		const struct doc *nodes)
{
	static const char *const head[] = { "NODE",  "STATE",	  "ROLE",
					    "EPOCH", "ADDRESSES", "SINCE",
					    "NOTES" };
	struct text_table tab = {
		.arena = a, .n_cols = 7, .status_cols = 1u << 1, .wrap = true
	};

	text_table_add(&tab, head);
	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *n = doc_at(nodes, i);
		const struct doc *epoch = doc_get(n, "epoch");
		const char *cells[] = {
			doc_get_str(n, "name", "?"),
			doc_get_str(n, "state", "?"),
			doc_get_str(n, "role", ""),
			epoch ? arena_printf(a, "%lld", (long long)epoch->num)
			      : "",
			joined(a, doc_get(n, "addresses")),
			node_since(a, n),
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

static void print_lease(FILE *out, struct arena *a, const struct doc *cluster)
{
	int64_t left = doc_get_int(cluster, "lease_left_ms", 0);

	fprintf(out, "lease     %lld ms",
		(long long)doc_get_int(cluster, "lease_ms", 0));
	if (doc_get(cluster, "lease_left_ms") && left > 0)
		fprintf(out, ", %lld ms left of that of %s", (long long)left,
			doc_get_str(cluster, "node", "this node"));
	else if (doc_get(cluster, "lease_left_ms"))
		fprintf(out, ", that of %s ended %s ago",
			doc_get_str(cluster, "node", "this node"),
			text_age(a, -left));
	fprintf(out, "\n");
}

/* What is active, and who knows another one. */
static void print_version(FILE *out, const struct doc *cluster)
{
	const struct doc *nodes = doc_get(cluster, "nodes");
	long long active = doc_get_int(cluster, "state_version", 0);
	bool any = false;

	if (!active)
		return;
	fprintf(out, "version   %lld of the state", active);
	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *n = doc_at(nodes, i);
		long long speaks = doc_get_int(n, "speaks", 1);

		if (speaks == active || truth(n, "witness"))
			continue;
		fprintf(out, "%s%s knows %lld", any ? ", " : "; ",
			doc_get_str(n, "name", "?"), speaks);
		any = true;
	}
	fprintf(out, "%s\n",
		any ? ": a later one is active once all know it" : "");
}

void list_cluster(FILE *out, const struct term *t, struct arena *a,
		  const struct doc *cluster)
{
	const struct doc *g = doc_get(cluster, "group");
	const char *leader = doc_get_str(g, "leader", "");
	int64_t voters = doc_get_int(g, "voters", 0);

	fprintf(out, "cluster   %s (%s)\n", doc_get_str(cluster, "name", "?"),
		doc_get_str(cluster, "id", "?"));
	fprintf(out, "leader    %s, term %lld, applied %lld\n",
		*leader ? leader
			: doc_get_str(g, "why",
				      "none: is a majority of the nodes up?"),
		(long long)doc_get_int(g, "term", 0),
		(long long)doc_get_int(g, "applied", 0));
	if (voters > 0)
		fprintf(out, "voters    %lld, of which %lld decide\n",
			(long long)voters, (long long)(voters / 2 + 1));
	print_lease(out, a, cluster);
	print_version(out, cluster);
	fprintf(out, "services  %lld\n", (long long)service_count(cluster));
	if (doc_get(cluster, "disarm_left_ms"))
		fprintf(out,
			"disarmed  for another %s: a node that is cut off goes "
			"on, and none is taken over\n",
			text_age(a, doc_get_int(cluster, "disarm_left_ms", 0)));
	if (truth(cluster, "maintenance"))
		fprintf(out, "maintenance  of all: Encap looks, and does not "
			     "touch; 'encap maintenance off' ends it\n");
	fprintf(out, "\n");
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
	return text_clean(a, buf_text(&b));
}
