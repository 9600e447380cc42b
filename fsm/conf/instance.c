/*
 * What a file means for one node: the service-wide part and the resources.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/conf/automatic.h"
#include "fsm/conf/eval.h"
#include "fsm/conf/text.h"

static const char *const no_pairs[] = { NULL };

/* -- the service ---------------------------------------------------------- */

static int head_texts(struct eval *e, struct service_conf *sc, struct err *err)
{
	const struct {
		const char *name, **ret;
	} texts[] = {
		{ "topology", &sc->topology },
		{ "orchestrate", &sc->orchestrate },
		{ "app", &sc->app },
		{ "env", &sc->env },
		{ "comment", &sc->comment },
		{ "placement", &sc->placement },
		{ "stop_failed", &sc->stop_failed },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct value v;
		int rc = eval_head(e, texts[i].name, &v, err);

		if (rc < 0)
			return rc;
		*texts[i].ret = v.text;
	}
	return 0;
}

static int head_lists(struct eval *e, struct service_conf *sc, struct err *err)
{
	const struct {
		const char *name;
		struct names *ret;
	} lists[] = {
		{ "parents", &sc->parents },
		{ "children", &sc->children },
		{ "hard_affinity", &sc->hard_affinity },
		{ "hard_anti_affinity", &sc->hard_anti_affinity },
		{ "soft_affinity", &sc->soft_affinity },
		{ "soft_anti_affinity", &sc->soft_anti_affinity },
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct value v;
		int rc = eval_head(e, lists[i].name, &v, err);

		if (rc < 0)
			return rc;
		*lists[i].ret = v.words;
	}
	return 0;
}

static int64_t clamp(int64_t n, int64_t low, int64_t high)
{
	return n < low ? low : n > high ? high : n;
}

static int head_numbers(struct eval *e, struct service_conf *sc,
			struct err *err)
{
	int64_t disable, rollback, stonith, peers = (int64_t)sc->nodes.n;
	const struct {
		const char *name;
		int64_t *ret;
	} numbers[] = {
		{ "priority", &sc->priority },
		{ "disable", &disable },
		{ "rollback", &rollback },
		{ "start_retries", &sc->start_retries },
		{ "start_retry_delay", &sc->start_retry_delay_ms },
		{ "stonith", &stonith },
		{ "flex_min", &sc->flex_min },
		{ "flex_max", &sc->flex_max },
		{ "flex_target", &sc->flex_target },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct value v;
		int rc = eval_head(e, numbers[i].name, &v, err);

		if (rc < 0)
			return rc;
		*numbers[i].ret = v.num;
	}
	sc->disable = disable;
	sc->rollback = rollback;
	sc->stonith = stonith;
	if (sc->flex_max <= 0) /* no limit */
		sc->flex_max = peers;
	sc->flex_min = clamp(sc->flex_min, 0, peers);
	sc->flex_max = clamp(sc->flex_max, sc->flex_min, peers);
	sc->flex_target = clamp(sc->flex_target, sc->flex_min, sc->flex_max);
	return 0;
}

/* Does the file say it with a scope that means the containers? */
static bool is_said_of_encap(const struct eval *e, const char *name)
{
	const struct keyword *row =
		keyword_find(e->keywords, "DEFAULT", NULL, name);

	for (const struct ini_key *k = e->head ? e->head->keys : NULL; k;
	     k = k->next)
		if (!k->gone && row &&
		    (text_equal(k->option, name) ||
		     words_have(row->aliases ? row->aliases : "", k->option)) &&
		    (text_equal(k->scope, "encapnodes") ||
		     text_equal(text_lowered(e->arena, k->scope), e->node)))
			return true;
	return false;
}

/* True where it is said; @ret is not touched otherwise. */
static bool encap_value(struct eval *e, const char *name, struct value *ret)
{
	struct value v;

	if (!is_said_of_encap(e, name) || eval_head(e, name, &v, NULL) < 0)
		return false;
	*ret = v;
	return true;
}

static void encap_of(struct eval *e, const struct service_conf *sc,
		     struct encap_conf *ret)
{
	int64_t n = (int64_t)sc->encapnodes.n;
	struct value v;

	*ret = (struct encap_conf){ "flex", sc->orchestrate, 1, n, n };
	if (encap_value(e, "topology", &v))
		ret->topology = v.text;
	if (encap_value(e, "orchestrate", &v))
		ret->orchestrate = v.text;
	if (encap_value(e, "flex_max", &v) && v.num > 0)
		ret->flex_max = v.num;
	if (encap_value(e, "flex_min", &v))
		ret->flex_target = ret->flex_min = v.num;
	if (encap_value(e, "flex_target", &v))
		ret->flex_target = v.num;
	ret->flex_min = clamp(ret->flex_min, 0, n);
	ret->flex_max = clamp(ret->flex_max, ret->flex_min, n);
	ret->flex_target =
		clamp(ret->flex_target, ret->flex_min, ret->flex_max);
}

/* Nobody means it for a disaster recovery site who did not name that. */
static bool is_drp_ha(const struct eval *e)
{
	for (const struct ini_key *k = e->head ? e->head->keys : NULL; k;
	     k = k->next)
		if (!k->gone && text_equal(k->option, "orchestrate") &&
		    text_equal(k->scope, "drpnodes"))
			return text_equal(k->value, "ha");
	return false;
}

bool encap_is_failover(const struct service_conf *sc)
{
	return sc->encapnodes.n > 1 &&
	       strcmp(sc->encap.topology, "failover") == 0;
}

static int service_of(struct eval *e, struct service_conf *ret, struct err *err)
{
	struct service_conf sc = { .nodes = e->nodes,
				   .drpnodes = e->drpnodes,
				   .encapnodes = e->encapnodes };
	int rc = 0;

	if (!sc.nodes.n)
		rc = err_set(err, -EINVAL,
			     "DEFAULT.nodes is required, without a scope: the "
			     "hypervisors that may run the service");
	if (rc == 0)
		rc = head_texts(e, &sc, err);
	if (rc == 0)
		rc = head_numbers(e, &sc, err);
	if (rc == 0)
		rc = head_lists(e, &sc, err);
	sc.drp_ha = is_drp_ha(e);
	if (rc == 0 && sc.encapnodes.n) {
		const char *node = e->node;

		rc = eval_switch(e, sc.encapnodes.at[0], err);
		if (rc == 0)
			encap_of(e, &sc, &sc.encap);
		if (rc == 0)
			rc = eval_switch(e, node, err);
	}
	if (rc == 0)
		*ret = sc;
	return rc;
}

int service_eval(struct arena *a, const struct conf *c, const char *service,
		 const char *node, struct service_conf *ret, struct err *err)
{
	struct eval e;
	int rc = eval_init(&e, a, c, service, node, err);

	return rc < 0 ? rc : service_of(&e, ret, err);
}

int conf_level(struct arena *a, const struct conf *c, const char *service,
	       const char *node, enum level *ret, struct err *err)
{
	struct eval e;
	int rc = eval_init(&e, a, c, service, node, err);

	if (rc < 0)
		return rc;
	if (!e.in_nodes && !e.in_drpnodes && !e.in_encapnodes)
		return err_set(err, -ENOENT,
			       "%s is in none of nodes, drpnodes and "
			       "encapnodes of %s",
			       node, service);
	*ret = e.in_nodes || e.in_drpnodes ? LEVEL_HYPERVISOR : LEVEL_ENCAP;
	return 0;
}

/* -- a resource's flags ------------------------------------------------------
 */

static int value_of(struct eval *e, const struct resource *r, const char *name,
		    struct value *ret, struct err *err)
{
	const struct keyword *row =
		keyword_find(e->keywords, r->group, r->type, name);

	*ret = (struct value){ .text = "" };
	return row ? eval_value(e, r->rid, row, ret, NULL, err) : 1;
}

/* Lists of older versions, as in always_on = nodes n7: does one hold here? */
static int holds_on(struct eval *e, const struct resource *r, const char *name,
		    bool *ret, struct err *err)
{
	struct value v;
	int rc = value_of(e, r, name, &v, err);

	*ret = rc == 0 &&
	       (names_have(&v.words, e->node) ||
		(e->in_nodes && names_have(&v.words, "nodes")) ||
		(e->in_drpnodes && names_have(&v.words, "drpnodes")));
	return rc < 0 ? rc : 0;
}

struct flag {
	const char *name;
	bool *ret;	 /* holds the default */
	const char *on;	 /* the list that sets it, or NULL */
	const char *off; /* the list that clears it, or NULL */
};

static int flag_eval(struct eval *e, const struct resource *r,
		     const struct flag *f, struct err *err)
{
	struct value v;
	bool on = false, off = false;
	int rc = value_of(e, r, f->name, &v, err);

	if (rc == 0)
		*f->ret = v.num;
	if (rc >= 0 && f->on)
		rc = holds_on(e, r, f->on, &on, err);
	if (rc >= 0 && f->off)
		rc = holds_on(e, r, f->off, &off, err);
	if (rc >= 0)
		*f->ret = (*f->ret || on) && !off;
	return rc < 0 ? rc : 0;
}

static int flags_eval(struct eval *e, struct resource *r, struct err *err)
{
	const struct flag flags[] = {
		{ "disable", &r->disable, "disable_on", "enable_on" },
		{ "optional", &r->optional, "optional_on", NULL },
		{ "monitor", &r->monitor, "monitor_on", NULL },
		{ "standby", &r->standby, "always_on", NULL },
	};

	r->optional = r->noaction || group_find(r->group)->optional;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		int rc = flag_eval(e, r, &flags[i], err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int timeout_eval(struct eval *e, const struct resource *r,
			const char *name, int64_t *ret, struct err *err)
{
	struct value v;
	int rc = value_of(e, r, name, &v, err);

	if (rc == 1)
		rc = value_of(e, r, "timeout", &v, err);
	*ret = v.num > 0 ? v.num : 0;
	return rc < 0 ? rc : 0;
}

static int timeouts_eval(struct eval *e, struct resource *r, struct err *err)
{
	int rc = timeout_eval(e, r, "start_timeout", &r->start_timeout_ms, err);

	if (rc < 0)
		return rc;
	return timeout_eval(e, r, "stop_timeout", &r->stop_timeout_ms, err);
}

/* All that is not for the driver alone. */
static int head_eval(struct eval *e, struct resource *r, struct err *err)
{
	struct value v;
	int rc = eval_type(e, r->rid, &r->type, err);

	r->kw = r->common = no_pairs;
	r->encapnode = "";
	if (rc >= 0)
		rc = value_of(e, r, "subset", &v, err);
	if (rc < 0)
		return rc;
	r->subset = v.text;
	rc = value_of(e, r, "tags", &v, err);
	if (rc < 0)
		return rc;
	r->tags = v.words;
	r->noaction = names_have(&r->tags, "noaction");
	r->nostatus = names_have(&r->tags, "nostatus");
	rc = value_of(e, r, "restart", &v, err);
	if (rc < 0)
		return rc;
	r->restart = v.num > 0 ? v.num : 0;
	rc = value_of(e, r, "restart_delay", &v, err);
	if (rc < 0)
		return rc;
	r->restart_delay_ms = v.num;
	rc = flags_eval(e, r, err);
	if (rc < 0)
		return rc;
	if (r->standby && r->restart < 2)
		r->restart = 2;
	return timeouts_eval(e, r, err);
}

/* -- its driver's keywords
 * ------------------------------------------------------ */

struct pairs {
	struct arena *arena;
	const char **at;
	size_t n, cap;
};

static void pair_add(struct pairs *p, const char *name, const char *text)
{
	if (p->n + 3 > p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 32;
		const char **at = ARENA_VEC(p->arena, const char *, cap);

		if (p->n)
			memcpy(at, p->at, p->n * sizeof(*at));
		p->at = at;
		p->cap = cap;
	}
	p->at[p->n++] = name;
	p->at[p->n++] = text;
	p->at[p->n] = NULL;
}

static const char *driver_text(struct arena *a, const struct keyword *row,
			       const struct value *v)
{
	if (row->conv == CONV_DURATION || row->conv == CONV_MINUTES)
		return arena_printf(a, "%lld", (long long)v->num);
	return v->text;
}

/* Commands see the keys of [env] as variables. */
static int env_eval(struct eval *e, struct pairs *p, struct err *err)
{
	const struct ini_section *s = ini_section(e->conf, "env");

	for (const struct ini_key *k = s ? s->keys : NULL; k; k = k->next) {
		struct value v;
		int rc;

		if (eval_line(e, "env", k->option) != k)
			continue;
		rc = eval_option(e, "env", k->option, &v, err);
		if (rc < 0)
			return rc;
		pair_add(p, arena_printf(e->arena, "env.%s", k->option),
			 v.text);
	}
	return 0;
}

static int kw_eval(struct eval *e, struct resource *r, struct err *err)
{
	struct pairs p = { .arena = e->arena };
	struct keyword_set rows = keywords_of(e->keywords, r->group, r->type);
	bool driven = group_drives(group_find(r->group), r->type);
	int rc = 0;

	/* What all resources have is in struct resource. */
	for (size_t i = 0; i < rows.n_own && rc >= 0; i++) {
		const struct keyword *row = rows.at[i];
		struct value v;

		rc = eval_value(e, r->rid, row, &v, NULL, err);
		if (rc == 0)
			pair_add(&p, row->name, driver_text(e->arena, row, &v));
		else if (!driven) /* nobody would read it */
			rc = 0;
		else if (rc == 1 && row->flags & KW_REQUIRED &&
			 !text_equal(r->rid, AUTOMATIC_RID) &&
			 eval_depends(e, r->rid, r->type, row))
			rc = err_set(err, -EINVAL,
				     "%s.%s is required (%s), and has no value "
				     "that holds for %s",
				     r->rid, row->name, row->help, e->node);
	}
	if (rc >= 0 && text_equal(r->group, "app"))
		rc = env_eval(e, &p, err);
	if (rc < 0)
		return rc;
	if (p.n)
		r->kw = (const char *const *)p.at;
	return 0;
}

const char *kw_find(const char *const *kw, const char *keyword)
{
	for (; kw && *kw; kw += 2)
		if (text_equal(kw[0], keyword))
			return kw[1];
	return NULL;
}

const char *resource_kw(const struct resource *r, const char *keyword)
{
	return kw_find(r->kw, keyword);
}

/* What @section itself says of the keywords whose rows are @group's. */
static int said_eval(struct eval *e, const char *section, const char *type,
		     const char *group, const char *const **ret,
		     struct err *err)
{
	const struct ini_section *s = ini_section(e->conf, section);
	struct pairs p = { .arena = e->arena };

	for (const struct ini_key *k = s ? s->keys : NULL; k; k = k->next) {
		const struct keyword *row =
			eval_row(e, section, type, k->option);
		struct value v;
		int rc;

		if (!row || !text_equal(row->group, group) ||
		    eval_row_line(e, section, row) != k)
			continue;
		rc = eval_value(e, section, row, &v, NULL, err);
		if (rc < 0)
			return rc;
		if (rc == 0)
			pair_add(&p, row->name, driver_text(e->arena, row, &v));
	}
	*ret = p.n ? (const char *const *)p.at : no_pairs;
	return 0;
}

static int subset_eval(struct eval *e, const char *section, struct subset *ret,
		       struct err *err)
{
	const char *group = section + strlen("subset#");
	const char *colon = strchr(group, ':');
	const char *parallel;
	int rc = said_eval(e, section, NULL, "subset", &ret->kw, err);

	if (rc < 0)
		return rc;
	ret->group = colon ? arena_printf(e->arena, "%.*s",
					  (int)(colon - group), group)
			   : group;
	ret->name = colon ? colon + 1 : "";
	parallel = kw_find(ret->kw, "parallel");
	ret->parallel = parallel && text_equal(parallel, "true");
	return 0;
}

static int subsets_eval(struct eval *e, struct instance *inst, struct err *err)
{
	const struct conf *c = e->conf;

	inst->subsets = ARENA_VEC(e->arena, struct subset, c->n + 1);
	for (size_t i = 0; i < c->n; i++) {
		int rc;

		if (!text_starts(c->sections[i]->name, "subset#"))
			continue;
		rc = subset_eval(e, c->sections[i]->name,
				 &inst->subsets[inst->n_subsets++], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int whole_eval(struct eval *e, struct instance *inst, struct err *err)
{
	struct pairs env = { .arena = e->arena };
	int rc = subsets_eval(e, inst, err);

	if (rc == 0)
		rc = said_eval(e, "DEFAULT", NULL, "DEFAULT", &inst->kw, err);
	if (rc == 0)
		rc = env_eval(e, &env, err);
	inst->env = env.n ? (const char *const *)env.at : no_pairs;
	return rc;
}

static void encapnode_find(const struct eval *e, struct resource *r)
{
	const char *host = resource_kw(r, "hostname");

	if (!text_equal(r->group, "container") || !host)
		return;
	host = text_lowered(e->arena, host);
	if (names_have(&e->encapnodes, host))
		r->encapnode = host;
}

/* -- the order
 * -------------------------------------------------------------------- */

static unsigned mount_depth(const struct resource *r)
{
	const char *p = resource_kw(r, "mnt");
	unsigned depth = 0;

	if (!text_equal(r->group, "fs"))
		return 0;
	if (!p)
		p = resource_kw(r, "path");
	for (; p && *p; p++)
		depth += p[0] == '/' && p[1] && p[1] != '/';
	return depth;
}

/* What the order goes by, worked out once. */
struct place {
	struct resource res;
	int rank;
	unsigned depth;
};

static int start_cmp(const void *x, const void *y)
{
	const struct place *a = x, *b = y;
	int cmp;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	cmp = strcmp(a->res.subset, b->res.subset);
	if (cmp)
		return cmp;
	if (a->depth != b->depth)
		return a->depth < b->depth ? -1 : 1;
	return natural_cmp(a->res.rid, b->res.rid);
}

static void start_sort(struct arena *a, struct resource *res, size_t n)
{
	struct place *places = ARENA_VEC(a, struct place, n + 1);

	for (size_t i = 0; i < n; i++)
		places[i] = (struct place){ res[i], group_rank(res[i].group),
					    mount_depth(&res[i]) };
	qsort(places, n, sizeof(*places), start_cmp);
	for (size_t i = 0; i < n; i++)
		res[i] = places[i].res;
}

/* -- an instance
 * ------------------------------------------------------------------- */

/* The resources of @e's node: those it drives in full, of encap ones seen from
 * a hypervisor (they come last in @ret->res, from @ret->n on) only the rid. */
static int list(struct eval *e, struct instance *ret, size_t *ret_encap,
		struct err *err)
{
	const struct conf *c = e->conf;
	struct resource *res = ARENA_VEC(e->arena, struct resource, c->n + 2);
	size_t n = 0, end = c->n + 1, last = c->n + 1;
	bool automatic = false;

	for (size_t i = 0; i < c->n; i++) {
		const char *rid = c->sections[i]->name;
		struct section_id id = section_id(e->arena, rid);
		struct resource r = { .rid = rid };
		int rc;

		if (!section_is_resource(&id) || text_equal(rid, AUTOMATIC_RID))
			continue;
		r.group = id.group->name;
		rc = eval_encap(e, rid, &r.encap, err);
		if (rc < 0)
			return rc;
		if (ret->level == LEVEL_ENCAP ? r.encap : !r.encap)
			res[n++] = r;
		else if (ret->level == LEVEL_HYPERVISOR && e->encapnodes.n)
			res[--end] = r;
	}
	if (ret->level == LEVEL_HYPERVISOR && n) {
		int rc = automatic_is_there(e, res, n, &automatic, err);

		if (rc < 0)
			return rc;
	}
	if (automatic)
		res[n++] = (struct resource){ .rid = AUTOMATIC_RID,
					      .group = "sync" };
	*ret_encap = last - end;
	memmove(res + n, res + end, *ret_encap * sizeof(*res));
	ret->res = res;
	ret->n = n;
	return 0;
}

static int own_eval(struct eval *e, struct instance *inst, struct err *err)
{
	for (size_t i = 0; i < inst->n; i++) {
		struct resource *r = &inst->res[i];
		int rc = head_eval(e, r, err);

		if (rc == 0)
			rc = kw_eval(e, r, err);
		if (rc >= 0 && text_equal(r->rid, AUTOMATIC_RID))
			automatic_eval(e, inst->res, inst->n, r);
		if (rc >= 0)
			rc = said_eval(e, r->rid, r->type, "*", &r->common,
				       err);
		if (rc < 0)
			return rc;
		encapnode_find(e, r);
	}
	start_sort(e->arena, inst->res, inst->n);
	return 0;
}

/* The node in the first container, in start order, that has one. */
static const char *first_encapnode(const struct eval *e,
				   const struct instance *inst)
{
	for (size_t i = 0; i < inst->n; i++)
		if (inst->res[i].encapnode && *inst->res[i].encapnode)
			return inst->res[i].encapnode;
	return e->encapnodes.at[0];
}

static int encap_eval(struct eval *e, struct instance *inst, size_t n,
		      struct err *err)
{
	int rc;

	if (!n)
		return 0;
	rc = eval_switch(e, first_encapnode(e, inst), err);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = head_eval(e, &inst->res[inst->n + i], err);
	if (rc < 0)
		return rc;
	inst->n += n;
	start_sort(e->arena, inst->res, inst->n);
	return 0;
}

int instance_eval(struct arena *a, const struct conf *c, const char *service,
		  const char *node, enum level level, struct instance *ret,
		  struct err *err)
{
	struct instance inst = { .service = arena_printf(a, "%s", service),
				 .level = level };
	size_t n_encap;
	struct eval e;
	int rc = eval_init(&e, a, c, inst.service, node, err);

	if (rc < 0)
		return rc;
	inst.node = e.node;
	rc = service_of(&e, &inst.conf, err);
	if (rc == 0)
		rc = list(&e, &inst, &n_encap, err);
	if (rc == 0)
		rc = own_eval(&e, &inst, err);
	if (rc == 0)
		rc = whole_eval(&e, &inst, err);
	if (rc == 0)
		rc = encap_eval(&e, &inst, n_encap, err);
	if (rc == 0)
		*ret = inst;
	return rc;
}

/* -- for people
 * ---------------------------------------------------------------------- */

int conf_eval_key(struct arena *a, const struct conf *c, const char *service,
		  const char *node, const struct conf_key *k, const char **ret,
		  struct err *err)
{
	const char *text = *k->scope ? conf_raw(c, k) : NULL;
	struct eval e;
	struct value v;
	int rc;

	if (*k->scope && !text)
		return 1;
	rc = eval_init(&e, a, c, service, node, err);
	if (rc < 0)
		return rc;
	if (text)
		rc = eval_text(&e, k->section, k->option, text, &v, err);
	else
		rc = eval_option(&e, k->section, k->option, &v, err);
	if (rc == 0)
		*ret = v.text;
	return rc;
}

/* A line that is not for this node, or that nobody reads, need not make sense
 * for it: what cannot be worked out is shown as it stands. */
static struct doc *eval_section(struct eval *e, const struct ini_section *s)
{
	struct doc *d = doc_map(e->arena);

	for (const struct ini_key *k = s->keys; k; k = k->next) {
		struct value v = { .text = k->value };

		if (eval_line(e, s->name, k->option) != k)
			continue;
		if (eval_text(e, s->name, k->option, k->value, &v, NULL) < 0)
			v.text = k->value;
		doc_put_str(e->arena, d, k->option, v.text);
	}
	return d;
}

struct doc *conf_eval_all(struct arena *a, const struct conf *c,
			  const char *service, const char *node,
			  struct err *err)
{
	struct doc *all = doc_map(a);
	struct eval e;

	if (eval_init(&e, a, c, service, node, err) < 0)
		return NULL;
	for (size_t i = 0; i < c->n; i++)
		doc_put(a, all, c->sections[i]->name,
			eval_section(&e, c->sections[i]));
	return all;
}
