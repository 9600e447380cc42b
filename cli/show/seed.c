#include "cli/show/seed.h"

#include <string.h>

#include "cli/show/tree.h"

static void take(struct arena *a, struct doc *to, const struct doc *from,
		 const char *key)
{
	const struct doc *value = doc_get(from, key);

	if (value)
		doc_put(a, to, key, doc_copy(a, value));
}

static void take_all(struct arena *a, struct doc *to, const struct doc *from,
		     const char *const *keys)
{
	for (; *keys; keys++)
		take(a, to, from, *keys);
}

static bool is_frozen(const struct doc *status)
{
	const char *word = doc_get_str(status, "frozen", "");

	return strcmp(word, "frozen") == 0 ||
	       doc_get_bool(status, "frozen", false);
}

/* The inner documents with the name by which the container is known. */
static void put_encap(struct arena *a, struct doc *to, const struct doc *inst)
{
	const struct doc *all = doc_get(inst, "encap");
	struct doc *map;

	if (strcmp(doc_get_str(inst, "level", ""), "encap") == 0) {
		doc_put_bool(a, to, "encap", true);
		return;
	}
	map = doc_put(a, to, "encap", doc_map(a));
	for (size_t i = 0; i < doc_len(all); i++) {
		const struct doc *inner = doc_at(all, i);
		struct doc *d = doc_put(a, map, inner->key, doc_copy(a, inner));

		doc_put_str(a, d, "hostname", doc_get_str(inner, "node", ""));
	}
}

static void put_monitor(struct arena *a, struct doc *to,
			const struct doc *status, const struct doc *inst)
{
	struct doc *m = doc_put(a, to, "monitor", doc_map(a));
	struct doc *restart = doc_map(a);
	const struct doc *rows = doc_get(inst, "resources");

	doc_put_str(a, m, "status", doc_get_str(inst, "state", "idle"));
	doc_put_str(a, m, "placement", doc_get_str(status, "placement", "n/a"));
	for (size_t i = 0; i < doc_len(rows); i++) {
		const struct doc *used = doc_get(doc_at(rows, i), "retries");

		if (used)
			doc_put(a,
				doc_put(a, restart, doc_at(rows, i)->key,
					doc_map(a)),
				"retries", doc_copy(a, used));
	}
	if (doc_len(restart))
		doc_put(a, m, "restart", restart);
}

static void put_cluster(struct arena *a, struct doc *to,
			const struct doc *status)
{
	static const char *const keys[] = { "avail",	   "overall",
					    "frozen",	   "placement",
					    "provisioned", NULL };

	take_all(a, doc_put(a, to, "cluster", doc_map(a)), status, keys);
}

struct doc *seed_status(struct arena *a, const struct doc *status)
{
	static const char *const of_service[] = {
		"app",	       "env",	   "topology",	  "priority",
		"orchestrate", "flex_min", "flex_max",	  "flex_target",
		"parents",     "children", "constraints", NULL,
	};
	static const char *const of_instance[] = {
		"avail",       "overall",      "optional",
		"provisioned", "status_group", "subsets",
		"resources",   "running",      NULL,
	};
	const struct doc *inst =
		tree_expanded(status, doc_get_str(status, "node", ""));
	const struct doc *groups = doc_get(inst, "status_group");
	struct doc *d = doc_map(a);

	doc_put_int(a, d, "version", SEED_VERSION);
	doc_put(a, d, "updated",
		doc_real(a, (double)doc_get_int(inst, "at", 0) / 1000));
	doc_put_str(a, d, "svcname", doc_get_str(status, "service", ""));
	doc_put_str(a, d, "nodename", inst ? inst->key : "");
	doc_put_str(a, d, "kind", "svc");
	take_all(a, d, status, of_service);
	doc_put_bool(a, d, "frozen", is_frozen(status));
	take_all(a, d, inst, of_instance);
	for (size_t i = 0; i < doc_len(groups); i++)
		if (strcmp(doc_at(groups, i)->key, "app") != 0)
			take(a, d, groups, doc_at(groups, i)->key);
	put_encap(a, d, inst);
	doc_put_str(a, d, "csum", doc_get_str(inst, "revision", ""));
	put_monitor(a, d, status, inst);
	put_cluster(a, d, status);
	return d;
}
