#include "fsm/plan/why.h"

#include <errno.h>
#include <string.h>

#include "fsm/plan/pass.h"

struct telling {
	struct arena *a;
	const struct orch_in *in;
	struct doc *lines;
	struct orch_out next; /* what would be decided now */
};

static struct doc *tell(struct telling *t, const char *kind, const char *text)
{
	struct doc *d = doc_add(t->a, t->lines, doc_map(t->a));

	doc_put_str(t->a, d, "kind", kind);
	doc_put_str(t->a, d, "text", text);
	return d;
}

static const struct doc *row_of(const struct telling *t, const char *node)
{
	return doc_get(t->in->assigns, node);
}

static const struct doc *said_by(const struct telling *t, const char *node)
{
	return doc_get(t->in->instances, node);
}

static const struct orch_node *node_of(const struct telling *t,
				       const char *name)
{
	return orch_node_named(t->in->nodes, t->in->n_nodes, name);
}

/* A hypervisor that is assigned up. */
static bool is_holder(const struct telling *t, const struct doc *row)
{
	const struct orch_node *n = node_of(t, row->key);

	return doc_is(row, "want", "up") && !doc_is(row, "level", "encap") &&
	       !(n && n->epoch > num(row, "epoch"));
}

static bool is_flex(const struct telling *t)
{
	return strcmp(t->in->conf->topology, "flex") == 0;
}

/* Which one; the latest, if there are several. */
static const struct doc *holder_row(const struct telling *t)
{
	const struct doc *last = NULL;

	for (size_t i = 0; i < doc_len(t->in->assigns); i++) {
		const struct doc *row = doc_at(t->in->assigns, i);

		if (!is_holder(t, row))
			continue;
		if (!last || num(row, "token") > num(last, "token"))
			last = row;
	}
	return last;
}

/* -- what is there -----------------------------------------------------------
 */

static void tell_observed(struct telling *t, const char *node)
{
	const struct doc *d = said_by(t, node);
	const struct orch_node *n = node_of(t, node);
	const char *error = doc_get_str(d, "error", NULL);
	const char *wait = doc_get_str(d, "wait", NULL);
	const char *text;
	struct doc *line;

	if (!d)
		text = arena_printf(t->a, "nothing is known of it on %s", node);
	else if (n && !n->alive)
		text = arena_printf(t->a,
				    "%s is not up; it was %s there when it "
				    "last said something",
				    node, doc_get_str(d, "avail", "n/a"));
	else
		text = arena_printf(t->a, "it is %s on %s (%s)%s%s%s%s",
				    doc_get_str(d, "avail", "n/a"), node,
				    doc_get_str(d, "state", "idle"),
				    error ? ": " : "", error ? error : "",
				    wait ? ": " : "", wait ? wait : "");
	line = tell(t, "observed", text);
	doc_put_str(t->a, line, "node", node);
	if (doc_get_int(d, "at", 0))
		doc_put_int(t->a, line, "at", doc_get_int(d, "at", 0));
}

static void tell_decided(struct telling *t, const char *node)
{
	const struct doc *row = row_of(t, node);
	struct doc *line;

	if (!row) {
		tell(t, "decided",
		     arena_printf(t->a, "it was never assigned to %s", node));
		return;
	}
	line = tell(t, "decided",
		    arena_printf(t->a, "%s is assigned %s: %s", node,
				 doc_get_str(row, "want", "?"),
				 doc_get_str(row, "why", "no reason given")));
	doc_put_str(t->a, line, "node", node);
	if (doc_get_int(row, "at", 0))
		doc_put_int(t->a, line, "at", doc_get_int(row, "at", 0));
}

/* -- what was asked ----------------------------------------------------------
 */

static void tell_asked(struct telling *t, const char *container)
{
	const struct doc *i = t->in->intent, *by = doc_get(i, "by");
	const struct doc *own = doc_get(doc_get(i, "slaves"), container);
	const char *tool = doc_get_str(by, "tool", NULL), *node;
	struct buf b = BUF(t->a);
	struct doc *line;

	if (!doc_get_int(i, "seq", 0)) {
		tell(t, "asked", "nobody has ever asked for it to be started");
		return;
	}
	node = doc_get_str(i, "node", NULL);
	buf_printf(&b, "it is to be %s%s%s", doc_get_str(i, "want", "stopped"),
		   node ? " on " : "", node ? node : "");
	if (t->in->conf->encapnodes.n)
		buf_printf(&b, ", what runs in %s %s",
			   container ? container : "containers",
			   own ? doc_get_str(own, "want", "stopped")
			       : doc_get_str(i, "encap", "stopped"));
	buf_printf(&b, ": the last word was that of %s%s%s%s%s%s",
		   doc_get_str(by, "user", "somebody"),
		   doc_get(by, "node") ? " on " : "",
		   doc_get_str(by, "node", ""), tool ? ", by '" : "",
		   tool ? tool : "", tool ? "'" : "");
	line = tell(t, "asked", buf_text(&b));
	if (by)
		doc_put(t->a, line, "by", doc_copy(t->a, by));
	if (doc_get_int(i, "at", 0))
		doc_put_int(t->a, line, "at", doc_get_int(i, "at", 0));
}

/* -- what keeps it so --------------------------------------------------------
 */

static void tell_next(struct telling *t)
{
	for (size_t i = 0; i < t->next.n; i++) {
		const struct orch_change *c = &t->next.at[i];

		tell(t, "next",
		     arena_printf(t->a, "%s is about to be %s%s: %s",
				  c->node ? c->node : "it",
				  c->kind == ORCH_FENCE ? "" : "assigned ",
				  c->want, c->why));
	}
	if (t->next.blocked)
		tell(t, "rule",
		     arena_printf(t->a, "nothing %sis done: %s",
				  t->next.n ? "else " : "", t->next.blocked));
}

static void tell_frozen(struct telling *t)
{
	if (t->in->frozen)
		tell(t, "rule",
		     arena_printf(t->a,
				  "it is frozen: nothing is done by itself "
				  "until 'encap thaw %s'",
				  t->in->service));
}

static void tell_mode(struct telling *t)
{
	const char *mode = t->in->conf->orchestrate;
	const char *text = "orchestrate = no: it is started and stopped by "
			   "people alone";

	if (strcmp(mode, "ha") == 0)
		text = "orchestrate = ha: it is started elsewhere when its "
		       "node is lost or its start fails, and is not moved "
		       "back";
	else if (strcmp(mode, "start") == 0)
		text = "orchestrate = start: it is started by itself once "
		       "all its nodes are there, and not moved";
	tell(t, "rule", text);
}

static bool is_asked_up(const struct telling *t)
{
	return doc_get_int(t->in->intent, "want_seq", 0) > 0 &&
	       !doc_is(t->in->intent, "want", "stopped");
}

/* True if there is something to tell. */
static bool tell_unmade(struct telling *t, const char *node)
{
	const char *why = orch_unmade(t->a, t->in, node);

	if (why)
		tell(t, "rule", arena_printf(t->a, "%s %s", node, why));
	return why != NULL;
}

/* Why it could not, or need not, run on @node. */
static void tell_place(struct telling *t, const char *node)
{
	const struct doc *holder = holder_row(t);
	const char *why = orch_unfit(t->a, t->in, node);

	if (row_of(t, node) && is_holder(t, row_of(t, node)))
		return;
	if (why)
		tell(t, "rule", arena_printf(t->a, "%s %s", node, why));
	if (!tell_unmade(t, node) && holder && !why)
		tell(t, "rule",
		     arena_printf(t->a,
				  "%s could run it, but a service that runs "
				  "is not moved by itself: 'encap move %s "
				  "%s'",
				  node, t->in->service, node));
	why = holder ? NULL : orch_may_start_elsewhere(t->a, t->in, node);
	if (why && is_asked_up(t) &&
	    (!t->next.blocked || strcmp(why, t->next.blocked) != 0))
		tell(t, "rule", why);
}

/* -- about a service, a node, a container, a resource ------------------------
 */

static void tell_each_holder(struct telling *t)
{
	const struct doc *rows = t->in->assigns;

	for (size_t i = 0; i < doc_len(rows); i++)
		if (is_holder(t, doc_at(rows, i)))
			tell_observed(t, doc_at(rows, i)->key);
	for (size_t i = 0; i < doc_len(rows); i++)
		if (is_holder(t, doc_at(rows, i)))
			tell_decided(t, doc_at(rows, i)->key);
}

/* In which of the containers it is, and why there. */
static void tell_container(struct telling *t)
{
	for (size_t i = 0;
	     encap_is_failover(t->in->conf) && i < t->in->conf->encapnodes.n;
	     i++) {
		const char *name = t->in->conf->encapnodes.at[i];

		if (!doc_is(row_of(t, name), "want", "up"))
			continue;
		tell_observed(t, name);
		tell_decided(t, name);
	}
}

static void about_service(struct telling *t)
{
	const struct service_conf *c = t->in->conf;
	const struct doc *holder = holder_row(t);

	if (holder && is_flex(t)) {
		tell_each_holder(t);
	} else if (holder) {
		tell_observed(t, holder->key);
		tell_decided(t, holder->key);
	} else {
		for (size_t i = 0; i < c->nodes.n; i++)
			tell_observed(t, c->nodes.at[i]);
		for (size_t i = 0; i < c->nodes.n; i++)
			if (row_of(t, c->nodes.at[i]))
				tell_decided(t, c->nodes.at[i]);
		for (size_t i = 0; i < c->nodes.n; i++)
			tell_unmade(t, c->nodes.at[i]);
	}
	tell_container(t);
	tell_frozen(t);
	tell_mode(t);
	tell_next(t);
	tell_asked(t, NULL);
}

static void about_node(struct telling *t, const char *node)
{
	const struct doc *holder = holder_row(t);

	tell_observed(t, node);
	tell_decided(t, node);
	if (holder && strcmp(holder->key, node) != 0 && !is_flex(t))
		tell_decided(t, holder->key);
	tell_place(t, node);
	tell_frozen(t);
	tell_next(t);
	tell_asked(t, NULL);
}

/* The hypervisor that has the container. */
static const struct doc *host_row(const struct telling *t, const char *name)
{
	const char *host = doc_get_str(row_of(t, name), "host", NULL);
	const struct doc *row;

	if (!host)
		host = doc_get_str(said_by(t, name), "host", "");
	row = row_of(t, host);
	return row && is_holder(t, row) ? row
	       : is_flex(t)		? NULL
					: holder_row(t);
}

/* Why it is not in this one, where it is in one at a time. */
static void tell_container_place(struct telling *t, const char *name)
{
	const char *why;

	if (!encap_is_failover(t->in->conf) ||
	    doc_is(row_of(t, name), "want", "up"))
		return;
	why = orch_unfit(t->a, t->in, name);
	if (why)
		tell(t, "rule", arena_printf(t->a, "%s %s", name, why));
	else
		tell(t, "rule",
		     arena_printf(t->a,
				  "it runs in one container at a time: 'encap "
				  "move %s %s' moves it there",
				  t->in->service, name));
}

static void about_container(struct telling *t, const char *name)
{
	const struct doc *holder = host_row(t, name);

	tell_observed(t, name);
	tell_decided(t, name);
	tell_container_place(t, name);
	if (holder)
		tell_decided(t, holder->key);
	else
		tell(t, "rule", "its container is assigned to no node");
	tell_frozen(t);
	tell_next(t);
	tell_asked(t, name);
}

static const char *flag_rule(struct telling *t, const struct resource *r,
			     const char *status)
{
	if (r->disable)
		return "disable = true: no action touches it";
	if (r->noaction)
		return "it has the tag noaction: no action touches it";
	if (r->standby)
		return "standby = true: it is up on each node that was ever "
		       "assigned the service, whether that runs there or not";
	if (strcmp(status, "down") == 0 && r->restart > 0)
		return arena_printf(t->a,
				    "restart = %lld: so often it is started "
				    "again when it falls down",
				    (long long)r->restart);
	if (strcmp(status, "down") == 0)
		return "restart = 0: when it falls down it stays down until "
		       "somebody starts it";
	return NULL;
}

/* What became of it where its instance is to be up. */
static void tell_resource(struct telling *t, const struct resource *r,
			  const char *where)
{
	const struct doc *said = said_by(t, where), *row = row_of(t, where);
	const struct doc *d = doc_get(doc_get(said, "resources"), r->rid);
	const char *status = doc_get_str(d, "status", "not known");
	const char *label = doc_get_str(d, "label", ""), *rule;
	const struct doc *log = doc_get(d, "log");
	struct doc *line;

	line = tell(t, "observed",
		    arena_printf(t->a, "%s is %s on %s%s%s", r->rid, status,
				 where, *label ? ", " : "", label));
	doc_put_str(t->a, line, "node", where);
	for (size_t i = 0; i < doc_len(log); i++)
		tell(t, "observed", doc_text(doc_at(log, i), ""));
	tell_observed(t, where);
	tell_decided(t, where);
	rule = flag_rule(t, r,
			 doc_is(row, "want", "up") &&
					 doc_get_bool(said, "up_once", false)
				 ? status
				 : "");
	if (rule)
		tell(t, "rule", rule);
}

static const char *where_is(const struct telling *t)
{
	const struct doc *holder = holder_row(t);

	if (holder)
		return holder->key;
	return t->in->conf->nodes.n ? t->in->conf->nodes.at[0] : NULL;
}

static const struct resource *resource_named(struct telling *t,
					     const char *node, enum level level,
					     const char *rid)
{
	struct instance *inst = ARENA_NEW(t->a, struct instance);

	if (!node || !t->in->file ||
	    instance_eval(t->a, t->in->file, t->in->service, node, level, inst,
			  NULL) < 0)
		return NULL;
	for (size_t i = 0; i < inst->n; i++)
		if (strcmp(inst->res[i].rid, rid) == 0 &&
		    (level == LEVEL_ENCAP || !inst->res[i].encap))
			return &inst->res[i];
	return NULL;
}

static bool about_resource(struct telling *t, const char *rid)
{
	const struct names *vms = &t->in->conf->encapnodes;
	const char *node = where_is(t);
	const struct resource *r =
		resource_named(t, node, LEVEL_HYPERVISOR, rid);
	bool found = r != NULL;

	if (r)
		tell_resource(t, r, node);
	for (size_t i = 0; !r && i < vms->n; i++) {
		const struct resource *in =
			resource_named(t, vms->at[i], LEVEL_ENCAP, rid);

		if (in)
			tell_resource(t, in, vms->at[i]);
		found = found || in;
	}
	if (!found)
		return false;
	tell_frozen(t);
	tell_next(t);
	tell_asked(t, NULL);
	return true;
}

int why(struct arena *a, const struct orch_in *in, const char *about,
	struct doc **ret, struct err *err)
{
	struct doc *d = doc_map(a);
	struct telling t = { .a = a, .in = in };

	doc_put_str(a, d, "service", in->service);
	if (about && *about)
		doc_put_str(a, d, "about", about);
	t.lines = doc_put(a, d, "lines", doc_list(a));
	orchestrate(a, in, &t.next);
	*ret = d;
	if (!about || !*about)
		about_service(&t);
	else if (names_have(&in->conf->nodes, about) ||
		 names_have(&in->conf->drpnodes, about))
		about_node(&t, about);
	else if (names_have(&in->conf->encapnodes, about))
		about_container(&t, about);
	else if (!about_resource(&t, about))
		return err_set(err, -ENOENT,
			       "%s has no node, container or resource '%.64s'",
			       in->service, about);
	return 0;
}
