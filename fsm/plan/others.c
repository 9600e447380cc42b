#include "fsm/plan/others.h"

#include <string.h>

/* What is inside its containers counts, and while it is starting it is not up
 * whatever the parts say. */
static enum status avail_on(const struct service_conf *conf,
			    const struct doc *instances, const char *node)
{
	const struct doc *inst = doc_get(instances, node);
	enum status s = status_said(inst, "avail");

	if (s == STATUS_UP && (doc_is(inst, "state", "starting") ||
			       doc_is(inst, "state", "provisioning")))
		return STATUS_DOWN;
	for (size_t i = 0; i < conf->encapnodes.n; i++) {
		const struct doc *c =
			doc_get(instances, conf->encapnodes.at[i]);

		if (s == STATUS_UP && doc_is(c, "host", node))
			s = status_merge(s, status_said(c, "avail"));
	}
	return s;
}

static bool is_on(const struct orch_node *node, const struct doc *row,
		  const struct doc *inst)
{
	uint64_t epoch = (uint64_t)doc_get_int(row, "epoch", 0);

	if (doc_is(row, "want", "up") && (!node || node->epoch <= epoch))
		return true;
	return node && node->alive && instance_runs(inst);
}

static void see_node(struct arena *a, const struct service_conf *conf,
		     const struct doc *assigns, const struct doc *instances,
		     const struct orch_node *node, const char *name,
		     struct orch_other *ret)
{
	struct doc *d;

	if (is_on(node, doc_get(assigns, name), doc_get(instances, name)))
		ret->on.at[ret->on.n++] = name;
	if (!node || !node->alive || !doc_get(instances, name))
		return; /* what it said is not what is */
	d = doc_put(a, ret->nodes, name, doc_map(a));
	doc_put_str(a, d, "avail",
		    status_name(avail_on(conf, instances, name)));
}

void other_see(struct arena *a, const struct service_conf *conf,
	       const struct doc *assigns, const struct doc *instances,
	       const struct orch_node *nodes, size_t n_nodes,
	       struct orch_other *ret)
{
	const struct names *lists[] = { &conf->nodes, &conf->drpnodes };
	struct service_status ss;

	ret->known = true;
	ret->nodes = doc_map(a);
	ret->on = (struct names){
		.at = ARENA_VEC(a, const char *,
				conf->nodes.n + conf->drpnodes.n + 1),
	};
	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; i < lists[l]->n; i++)
			if (!names_have(&ret->on, lists[l]->at[i]))
				see_node(a, conf, assigns, instances,
					 orch_node_named(nodes, n_nodes,
							 lists[l]->at[i]),
					 lists[l]->at[i], ret);
	service_status(conf, ret->nodes, &ss);
	ret->avail = ss.avail;
}

void other_split(struct arena *a, const char *word, const char **ret_name,
		 const char **ret_node)
{
	size_t n = strcspn(word, "@");

	*ret_name = arena_printf(a, "%.*s", (int)n, word);
	*ret_node = word[n] ? word + n + 1 : "";
}

struct names others_named(struct arena *a, const struct service_conf *conf)
{
	const struct names *lists[] = {
		&conf->parents,	      &conf->children,
		&conf->hard_affinity, &conf->hard_anti_affinity,
		&conf->soft_affinity, &conf->soft_anti_affinity,
	};
	size_t n = 0;
	struct names l;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		n += lists[i]->n;
	l = (struct names){ .at = ARENA_VEC(a, const char *, n + 1) };
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (size_t k = 0; k < lists[i]->n; k++) {
			const char *name, *node;

			other_split(a, lists[i]->at[k], &name, &node);
			if (!names_have(&l, name))
				l.at[l.n++] = name;
		}
	return l;
}
