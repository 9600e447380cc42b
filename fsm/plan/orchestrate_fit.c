/*
 * Which nodes are fit to run a service, which of them is the best, and what has
 * to be waited for first: the part of the orchestrator that looks at what the
 * env file says of other services and of nodes.
 *
 * The lists of affinities and the constraints may be scoped, so they are
 * evaluated for the node that is looked at, and only when a place is sought: a
 * service that runs is not moved because they no longer hold.
 */
#include "fsm/conf/ini.h"
#include "fsm/conf/text.h"
#include "fsm/plan/actions.h"
#include "fsm/plan/others.h"
#include "fsm/plan/pass.h"

/* -- other services --------------------------------------------------------
 */

static const struct orch_other *other_named(const struct pass *p,
					    const char *name)
{
	static const struct orch_other none;

	for (size_t i = 0; i < p->in->n_others; i++)
		if (strcmp(p->in->others[i].name, name) == 0)
			return &p->in->others[i];
	return &none;
}

static bool is_on(const struct pass *p, const char *service, const char *node)
{
	return names_have(&other_named(p, service)->on, node);
}

/* As a parent or child: of the whole, or of one node. */
static enum status avail_of(const struct pass *p, const char *word,
			    const struct orch_other **ret)
{
	const char *name, *node;

	other_split(p->a, word, &name, &node);
	*ret = other_named(p, name);
	if (!(*ret)->known)
		return STATUS_UNDEF;
	if (!*node)
		return (*ret)->avail;
	return status_said(doc_get((*ret)->nodes, node), "avail");
}

const char *fit_waits_for_parent(const struct pass *p)
{
	const struct names *l = &p->in->conf->parents;

	for (size_t i = 0; p->level == LEVEL_HYPERVISOR && i < l->n; i++) {
		const struct orch_other *o;
		enum status s = avail_of(p, l->at[i], &o);

		if (s == STATUS_UP || s == STATUS_NA)
			continue;
		return arena_printf(p->a,
				    "its start waits for its parent %s, "
				    "which is %s",
				    l->at[i],
				    o->known ? status_name(s) : "not there");
	}
	return NULL;
}

const char *fit_waits_for_child(const struct pass *p)
{
	const struct names *l = &p->in->conf->children;

	for (size_t i = 0; p->level == LEVEL_HYPERVISOR && i < l->n; i++) {
		const struct orch_other *o;
		enum status s = avail_of(p, l->at[i], &o);

		if (s != STATUS_UP && s != STATUS_WARN)
			continue;
		return arena_printf(p->a,
				    "its stop waits for its child %s, which "
				    "is %s: 'encap stop %s'",
				    l->at[i], status_name(s), o->name);
	}
	return NULL;
}

/* -- one node ---------------------------------------------------------------
 */

/* Does the file have such a keyword, under any scope? */
static bool says(const struct pass *p, const char *keyword)
{
	const struct ini_section *s =
		p->in->file ? ini_section(p->in->file, "DEFAULT") : NULL;

	return s && ini_has_option(p->in->file, s, keyword);
}

static bool says_affinity(const struct pass *p)
{
	static const char *const words[] = { "hard_affinity",
					     "hard_anti_affinity",
					     "soft_affinity",
					     "soft_anti_affinity",
					     "affinity",
					     "anti_affinity",
					     NULL };

	for (size_t i = 0; words[i]; i++)
		if (says(p, words[i]))
			return true;
	return false;
}

/* The service as @node sees it, with its scopes. */
static const struct service_conf *conf_on(const struct pass *p,
					  const char *node)
{
	struct service_conf *own;

	if (!says_affinity(p))
		return p->in->conf;
	own = ARENA_NEW(p->a, struct service_conf);
	if (service_eval(p->a, p->in->file, p->in->service, node, own, NULL) <
	    0)
		return p->in->conf;
	return own;
}

static const char *unmet_constraint(const struct pass *p, const char *node)
{
	static const struct conf_key key = { "DEFAULT", "constraints", "" };
	static const char *const no[] = { "false", "no", "none", "0",
					  "f",	   "n",	 "",	 NULL };
	struct err err = { 0 };
	const char *text = NULL;
	int rc = 1;

	if (says(p, "constraints"))
		rc = conf_eval_key(p->a, p->in->file, p->in->service, node,
				   &key, &text, &err);
	if (rc < 0)
		return arena_printf(p->a,
				    "has constraints that cannot be worked "
				    "out: %s",
				    err.text);
	text = rc == 0 ? text_lowered(p->a, text) : "";
	for (size_t i = 0; rc == 0 && no[i]; i++)
		if (strcmp(text, no[i]) == 0)
			return "does not meet the constraints";
	return NULL;
}

static const char *unmet_affinity(const struct pass *p, const char *node,
				  const struct service_conf *c)
{
	for (size_t i = 0; i < c->hard_affinity.n; i++)
		if (!is_on(p, c->hard_affinity.at[i], node))
			return arena_printf(p->a,
					    "does not run %s, which "
					    "hard_affinity asks for",
					    c->hard_affinity.at[i]);
	for (size_t i = 0; i < c->hard_anti_affinity.n; i++)
		if (is_on(p, c->hard_anti_affinity.at[i], node))
			return arena_printf(p->a,
					    "runs %s, which "
					    "hard_anti_affinity forbids",
					    c->hard_anti_affinity.at[i]);
	return NULL;
}

/* No node of `nodes` is left, and the file says who is next. */
static bool is_drp_turn(const struct pass *p)
{
	if (!p->in->conf->drp_ha)
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].listed && is_alive(&p->at[i]))
			return false;
	return true;
}

/* @ret_own, where nothing else stands against it: the service as @v sees it. */
static const char *refused(const struct pass *p, const struct view *v,
			   bool asked, const struct service_conf **ret_own)
{
	const char *why;

	if (!v->listed && !(v->drp && (asked || is_drp_turn(p))))
		return v->drp ? "is one of drpnodes, which are used by hand"
			      : "is not one of the service's nodes";
	if (!v->node)
		return "is not a member of the cluster";
	if (v->node->witness)
		return "is a witness, which runs nothing";
	if (!v->node->alive)
		return "is not up";
	if (v->node->leaving)
		return "leaves the cluster";
	if (v->node->frozen)
		return "is frozen";
	if (v->node->maintenance)
		return "is in maintenance";
	if (v->node->draining)
		return arena_printf(p->a,
				    "is being drained ('encap node undrain "
				    "%s')",
				    v->name);
	if (doc_get_bool(v->row, "failed", false) &&
	    num(v->row, "seq") == p->seq)
		return "its start failed there";
	why = unmet_constraint(p, v->name);
	if (why)
		return why;
	*ret_own = conf_on(p, v->name);
	return unmet_affinity(p, v->name, *ret_own);
}

const char *fit_refused(const struct pass *p, const struct view *v, bool asked)
{
	const struct service_conf *own;

	return p->level == LEVEL_ENCAP ? encap_refused(p, v)
				       : refused(p, v, asked, &own);
}

/* -- what a start needs ---------------------------------------------------- */

/* The first resource of which it is known that it is not there, or NULL. */
static const char *missing_on(const struct view *v)
{
	const struct doc *rows = doc_get(v->inst, "resources");

	for (size_t i = 0; i < doc_len(rows); i++) {
		const struct doc *r = doc_at(rows, i);
		const struct doc *p = doc_get(r, "provisioned");

		if (p && !doc_get_bool(p, "state", true) &&
		    !doc_get_bool(r, "optional", false) &&
		    !doc_get_bool(r, "disable", false) &&
		    !doc_get_bool(r, "encap", false))
			return r->key;
	}
	return NULL;
}

/* As the end of a sentence about the node. */
const char *fit_unmade(const struct pass *p, const struct view *v)
{
	const char *rid = missing_on(v);

	return rid ? arena_printf(p->a,
				  "lacks what %s needs: 'encap provision "
				  "%s' makes it",
				  rid, p->in->service)
		   : NULL;
}

/* -- the best of them -------------------------------------------------------
 */

/* "3.web" is the third part of web. */
static size_t name_number(const char *name)
{
	size_t digits = strspn(name, "0123456789"), n = 0;

	if (!digits || digits > 9 || name[digits] != '.')
		return 0;
	while (*name != '.')
		n = n * 10 + (size_t)(*name++ - '0');
	return n;
}

/* The place of the i-th node: the least is the best. */
static uint64_t place_of(const struct pass *p, size_t i)
{
	const char *policy = p->in->conf->placement;
	const struct view *v = &p->at[i];
	const char *words[] = { p->in->service, v->name };
	size_t n = p->in->conf->nodes.n;

	if (!policy || !n)
		return i;
	if (strcmp(policy, "shift") == 0)
		return (i + n - name_number(p->in->service) % n) % n;
	if (strcmp(policy, "spread") == 0)
		return actions_hash(words, 2, 0);
	if (strcmp(policy, "last start") == 0 && v == pass_latest(p))
		return 0;
	return i + 1;
}

uint64_t fit_place(const struct pass *p, const struct view *v)
{
	return place_of(p, (size_t)(v - p->at));
}

static int64_t wishes(const struct pass *p, const char *node,
		      const struct service_conf *c)
{
	int64_t n = 0;

	for (size_t i = 0; i < c->soft_affinity.n; i++)
		n += is_on(p, c->soft_affinity.at[i], node);
	for (size_t i = 0; i < c->soft_anti_affinity.n; i++)
		n -= is_on(p, c->soft_anti_affinity.at[i], node);
	return n;
}

static struct view *best(const struct pass *p, const struct view *but,
			 bool made)
{
	struct view *best = NULL;
	int64_t best_wishes = 0;
	uint64_t best_place = 0;

	if (p->level == LEVEL_ENCAP)
		return encap_best(p, but);
	for (size_t i = 0; i < p->n; i++) {
		const struct service_conf *own;
		struct view *v = &p->at[i];
		int64_t wish;
		uint64_t place;

		if (v == but || (made && missing_on(v)) || v->picked ||
		    v->given_up || refused(p, v, false, &own))
			continue;
		wish = wishes(p, v->name, own);
		place = place_of(p, i);
		if (best && (wish < best_wishes ||
			     (wish == best_wishes && place >= best_place)))
			continue;
		best = v;
		best_wishes = wish;
		best_place = place;
	}
	return best;
}

/* A start that we make is never where it is known to fail; one that a person
 * asks for is, if there is nothing better: it says what is missing. */
struct view *fit_best(const struct pass *p, const struct view *but)
{
	struct view *v = best(p, but, true);

	return v || p->served ? v : best(p, but, false);
}

/* -- what is ours to do ----------------------------------------------------
 */

/* Those that are known to be down are none that only look so. */
const char *fit_too_many_dead(const struct pass *p)
{
	size_t dead = 0;

	for (size_t i = 0; i < p->in->n_nodes; i++)
		dead += !p->in->nodes[i].alive && !p->in->nodes[i].sure;
	if (dead * 2 <= p->in->n_nodes)
		return NULL;
	return arena_printf(p->a,
			    "%zu of %zu nodes are not up: nothing is "
			    "started by itself until more are back, or 'encap "
			    "node confirm-down NODE' says which are really "
			    "down",
			    dead, p->in->n_nodes);
}

static const char *missing_node(const struct pass *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].listed && !is_alive(&p->at[i]))
			return p->at[i].name;
	return NULL;
}

/* What a person is told who finds too little of it up. */
static const char *what_is_down(const struct pass *p)
{
	return p->holder ? "not up as often as asked for" : "down";
}

/* NULL where a start by ourselves, not at somebody's word, is allowed. */
static const char *must_not_act(const struct pass *p)
{
	const char *name = p->in->service, *missing;

	if (p->in->frozen)
		return arena_printf(p->a,
				    "%s is frozen: 'encap thaw %s' lets "
				    "it be started again",
				    name, name);
	if (is_ha(p))
		return fit_too_many_dead(p);
	if (strcmp(p->orchestrate, "start") != 0)
		return arena_printf(p->a,
				    "%s is %s and has orchestrate = "
				    "%s: 'encap start %s' starts it",
				    name, what_is_down(p), p->orchestrate,
				    name);
	missing = missing_node(p);
	if (!missing)
		return NULL;
	return arena_printf(p->a,
			    "%s is %s and has orchestrate = start: it "
			    "starts when all its nodes are there (%s is "
			    "not), or by 'encap start %s'",
			    name, what_is_down(p), missing, name);
}

/* NULL where any start is allowed. */
const char *fit_must_not_start(const struct pass *p)
{
	const struct service_conf *c = p->in->conf;

	if (c->disable)
		return arena_printf(p->a,
				    "%s is disabled in its env file: "
				    "'encap set %s disable=false'",
				    p->in->service, p->in->service);
	return p->served ? must_not_act(p) : NULL;
}

static const char *nobody_why(const struct pass *p, const struct view *v)
{
	const char *why = fit_refused(p, v, false);

	return why ? why : fit_unmade(p, v);
}

const char *fit_nobody(const struct pass *p)
{
	struct buf b = BUF(p->a);
	bool any = false;

	buf_printf(&b, "no %s is left to start %s %s",
		   p->level == LEVEL_ENCAP ? "container" : "node",
		   p->in->service, p->level == LEVEL_ENCAP ? "in" : "on");
	for (size_t i = 0; i < p->n; i++) {
		const struct view *v = &p->at[i];
		const char *why =
			v->listed && !v->picked ? nobody_why(p, v) : NULL;

		if (why)
			buf_printf(&b, "%s %s %s", any ? ";" : ":", v->name,
				   why);
		any = any || why;
	}
	return buf_text(&b);
}
