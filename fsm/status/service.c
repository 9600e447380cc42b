/*
 * A service from its instances: those without an answer (n/a, undef) do not
 * count as long as one has an answer. An instance marked "stale" no longer says
 * what is, only what was: it does not count for avail while a fresh one is
 * there, and makes overall warn if it was last seen with something running.
 */
#include <string.h>

#include "fsm/status/status.h"

static bool instance_is_stale(const struct doc *inst)
{
	return doc_get(inst, "stale") != NULL;
}

static bool instance_is_frozen(const struct doc *inst)
{
	return doc_get_bool(inst, "frozen", false) ||
	       doc_get_int(inst, "frozen", 0) != 0;
}

struct count {
	size_t n[STATUS_N];
	size_t known; /* neither n/a nor undef */
};

/* @stale: count the stale ones too. */
static struct count count_words(const struct doc *instances, const char *key,
				bool stale)
{
	struct count c = { 0 };

	for (size_t i = 0; i < doc_len(instances); i++) {
		const struct doc *inst = doc_at(instances, i);
		enum status s = status_said(inst, key);

		if (!stale && instance_is_stale(inst))
			continue;
		c.n[s]++;
		if (s != STATUS_NA && s != STATUS_UNDEF)
			c.known++;
	}
	return c;
}

static struct count count_fresh(const struct doc *instances, const char *key)
{
	struct count c = count_words(instances, key, false);

	return c.known ? c : count_words(instances, key, true);
}

static enum status unknown_or_na(const struct count *c)
{
	return c->n[STATUS_UNDEF] ? STATUS_UNDEF : STATUS_NA;
}

static enum status failover_avail(const struct count *c)
{
	if (c->n[STATUS_UP] == 1)
		return STATUS_UP;
	if (c->n[STATUS_UP] > 1 || c->n[STATUS_WARN])
		return STATUS_WARN;
	return STATUS_DOWN;
}

static enum status flex_avail(const struct count *c,
			      const struct service_conf *conf)
{
	int64_t up = (int64_t)c->n[STATUS_UP];

	if (up == 0)
		return c->n[STATUS_WARN] ? STATUS_WARN : STATUS_DOWN;
	if (conf->flex_max > 0 && up > conf->flex_max)
		return STATUS_WARN;
	return up < conf->flex_min ? STATUS_WARN : STATUS_UP;
}

static bool is_flex(const struct service_conf *conf)
{
	return conf->topology && strcmp(conf->topology, "flex") == 0;
}

static enum status service_avail(const struct service_conf *conf,
				 const struct doc *instances)
{
	struct count c = count_fresh(instances, "avail");

	if (!c.known)
		return unknown_or_na(&c);
	return is_flex(conf) ? flex_avail(&c, conf) : failover_avail(&c);
}

/* Something was last seen running where nobody can look now. */
static bool runs_unseen(const struct doc *instances)
{
	for (size_t i = 0; i < doc_len(instances); i++) {
		const struct doc *inst = doc_at(instances, i);
		enum status s = status_said(inst, "avail");

		if (instance_is_stale(inst) &&
		    (s == STATUS_UP || s == STATUS_WARN))
			return true;
	}
	return false;
}

static enum status service_overall(const struct doc *instances)
{
	struct count c = count_fresh(instances, "overall");

	if (c.n[STATUS_WARN] || c.n[STATUS_STDBY_DOWN] ||
	    runs_unseen(instances))
		return STATUS_WARN;
	if (!c.known)
		return unknown_or_na(&c);
	return c.n[STATUS_UP] ? STATUS_UP : STATUS_DOWN;
}

static const char *service_frozen(const struct doc *instances)
{
	size_t n = doc_len(instances), frozen = 0;

	for (size_t i = 0; i < n; i++)
		frozen += instance_is_frozen(doc_at(instances, i));
	if (n == 0)
		return "n/a";
	if (frozen == 0)
		return "thawed";
	return frozen == n ? "frozen" : "mixed";
}

/* An instance says true, false, "mixed" or "n/a". */
static const char *service_provisioned(const struct doc *instances)
{
	bool yes = false, no = false;

	for (size_t i = 0; i < doc_len(instances); i++) {
		const struct doc *p =
			doc_get(doc_at(instances, i), "provisioned");
		bool mixed = strcmp(doc_text(p, ""), "mixed") == 0;
		bool is_bool = p && p->type == DOC_BOOL;

		yes = yes || mixed || (is_bool && p->yes);
		no = no || mixed || (is_bool && !p->yes);
	}
	if (yes && no)
		return "mixed";
	return yes ? "true" : no ? "false" : "n/a";
}

/* The first in the order of nodes which can have it should have it. */
static const char *service_placement(const struct service_conf *conf,
				     const struct doc *instances)
{
	int64_t want = is_flex(conf) ? conf->flex_target : 1;
	bool any_up = false, optimal = true;

	if (!conf->orchestrate || strcmp(conf->orchestrate, "no") == 0)
		return "n/a";
	for (size_t i = 0; i < conf->nodes.n; i++) {
		const struct doc *inst = doc_get(instances, conf->nodes.at[i]);
		bool up = status_said(inst, "avail") == STATUS_UP;

		if (!inst || instance_is_stale(inst) ||
		    (!up && instance_is_frozen(inst)))
			continue;
		if (up != (want > 0))
			optimal = false;
		any_up = any_up || up;
		want--;
	}
	if (!any_up)
		return "n/a";
	return optimal ? "optimal" : "non-optimal";
}

void service_status(const struct service_conf *conf,
		    const struct doc *instances, struct service_status *ret)
{
	*ret = (struct service_status){
		.avail = service_avail(conf, instances),
		.overall = service_overall(instances),
		.placement = service_placement(conf, instances),
		.frozen = service_frozen(instances),
		.provisioned = service_provisioned(instances),
	};
}

bool service_is_farmed(const struct service_conf *conf)
{
	return encap_is_failover(conf) ||
	       conf->encap.flex_target < (int64_t)conf->encapnodes.n;
}

/* To it the containers are the nodes. */
void service_status_encap(const struct service_conf *conf,
			  const struct doc *instances,
			  struct service_status *ret)
{
	struct service_conf inner = *conf;

	inner.nodes = conf->encapnodes;
	inner.topology = conf->encap.topology;
	inner.orchestrate = conf->encap.orchestrate;
	inner.flex_min = conf->encap.flex_min;
	inner.flex_max = conf->encap.flex_max;
	inner.flex_target = conf->encap.flex_target;
	service_status(&inner, instances, ret);
}
