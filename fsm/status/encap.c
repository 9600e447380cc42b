/*
 * What runs in a container, as its hypervisor sees it. Between "the container
 * is down" and "all is well" there are as many steps as can hang, and each has
 * a word of its own: who has to mend it must know which.
 */
#include <string.h>

#include "fsm/status/status.h"

static const struct reach_row {
	const char *word, *text;
} reaches[ENCAP_N] = {
	[ENCAP_OK] = { "ok", "its agent answers" },
	[ENCAP_DOWN] = { "container down",
			 "the container is not running here" },
	[ENCAP_UNKNOWN] = { "unknown", "it is not known whether it runs" },
	[ENCAP_BOOTING] = { "booting",
			    "the container runs, its system is not up yet" },
	[ENCAP_UNREACHABLE] = { "unreachable",
				"its system is up, its agent does not answer" },
	[ENCAP_REFUSED] = { "refused", "its agent is refused" },
	[ENCAP_SILENT] = { "silent", "its agent has not said anything yet" },
	[ENCAP_OUTDATED] = { "outdated",
			     "it has an older revision of the env file" },
	[ENCAP_OLD] = { "old", "its agent is there, but has not looked" },
};

const char *encap_reach_word(enum encap_reach r)
{
	return (unsigned)r < ENCAP_N ? reaches[r].word : "unknown";
}

const char *encap_reach_text(enum encap_reach r)
{
	return (unsigned)r < ENCAP_N ? reaches[r].text : "";
}

static bool is_down(enum status s)
{
	return s == STATUS_DOWN || s == STATUS_STDBY_DOWN;
}

enum encap_reach encap_reach(const struct encap_facts *f)
{
	const char *channel = f->channel ? f->channel : "";

	if (is_down(f->container))
		return ENCAP_DOWN;
	if (strcmp(channel, "refused") == 0)
		return ENCAP_REFUSED;
	if (strcmp(channel, "up") != 0) {
		if (f->container == STATUS_UNDEF || f->container == STATUS_NA)
			return ENCAP_UNKNOWN;
		return strcmp(channel, "booting") == 0 ? ENCAP_BOOTING
						       : ENCAP_UNREACHABLE;
	}
	if (!f->said)
		return ENCAP_SILENT;
	if (f->old)
		return ENCAP_OLD;
	return f->current ? ENCAP_OK : ENCAP_OUTDATED;
}

static void merge_word(struct arena *a, struct doc *d, const char *key,
		       enum status s)
{
	enum status was = status_said(d, key);

	/* n/a is what a sum over nothing says: it gives way. */
	doc_put_str(a, d, key, status_name(status_shown(status_merge(was, s))));
}

/* The hypervisor's own rows for what runs inside get the word and the label
 * that the container found. */
static void fold_rows(struct arena *a, struct doc *rows,
		      const struct doc *inner)
{
	for (size_t i = 0; i < doc_len(inner); i++) {
		const struct doc *from = doc_at(inner, i);
		struct doc *row = doc_get(rows, from->key);
		const struct doc *log = doc_get(from, "log");
		const char *label = doc_get_str(from, "label", NULL);

		if (!row || !doc_get_bool(row, "encap", false))
			continue;
		merge_word(a, row, "status", status_said(from, "status"));
		if (label)
			doc_put_str(a, row, "label", label);
		if (log)
			doc_put(a, row, "log", doc_copy(a, log));
	}
}

static void put_reach(struct arena *a, struct doc *inner,
		      const struct encap_fold *f, bool unexpected)
{
	doc_put_str(a, inner, "reach", encap_reach_word(f->reach));
	if (f->reach == ENCAP_OK)
		return;
	doc_put_str(a, inner, "why",
		    arena_printf(a, "%s%s%s", encap_reach_text(f->reach),
				 f->detail ? ": " : "",
				 f->detail ? f->detail : ""));
	if (f->since)
		doc_put_int(a, inner, "since", f->since);
	if (f->since)
		doc_put_int(a, inner, "age_ms", f->age_ms);
	if (unexpected)
		doc_put_bool(a, inner, "unexpected", true);
}

static bool is_idle(const struct doc *inner)
{
	return is_down(status_said(inner, "avail")) &&
	       is_down(status_said(inner, "overall"));
}

void instance_fold_encap(struct arena *a, struct doc *instance,
			 const struct encap_fold *f)
{
	struct doc *all = doc_get(instance, "encap"), *inner;
	bool unexpected =
		f->reach != ENCAP_OK && f->reach != ENCAP_DOWN && !f->expected;

	if (!all || all->type != DOC_MAP)
		all = doc_put(a, instance, "encap", doc_map(a));
	inner = f->doc ? doc_copy(a, f->doc) : doc_map(a);
	if (!f->doc) {
		doc_put_str(a, inner, "avail", status_name(STATUS_NA));
		doc_put_str(a, inner, "overall", status_name(STATUS_NA));
	}
	put_reach(a, inner, f, unexpected);
	if (f->idle)
		doc_put_bool(a, inner, "idle", true);
	doc_put(a, all, f->rid, inner);
	if (f->doc && !(f->idle && is_idle(f->doc))) {
		merge_word(a, instance, "avail", status_said(f->doc, "avail"));
		merge_word(a, instance, "overall",
			   status_said(f->doc, "overall"));
	}
	if (f->doc) {
		fold_rows(a, doc_get(instance, "resources"),
			  doc_get(f->doc, "resources"));
	}
	if (unexpected)
		merge_word(a, instance, "overall", STATUS_WARN);
}
