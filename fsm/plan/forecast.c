/*
 * How: rounds, until one of them changes nothing. In each the orchestrator of
 * every service looks once, and then every agent goes as far as it can by
 * itself: its resources, then its words about them, which are what the others
 * see. A container's agent is there as long as its container is up, and knows
 * nothing of the time before.
 */
#include "fsm/plan/forecast.h"

#include <stdlib.h>
#include <string.h>

#include "fsm/conf/ini.h"
#include "fsm/plan/order.h"
#include "fsm/plan/others.h"
#include "fsm/plan/reconcile.h"

#define ROUNDS_MAX 200 /* a service has settled long before */
#define PASSES_MAX 8   /* of one agent in a round, per resource */

struct fc_service;

struct fc_agent {
	const char *name;
	struct fc_service *of;
	enum level level;
	struct instance inst;  /* nothing until it is evaluated */
	bool evaluated;	       /* what the env file means for it */
	bool there;	       /* it can be asked */
	struct fc_agent *host; /* of a container that is up; else NULL */
	uint64_t epoch;	       /* of its lease, if it needs one */
	size_t carrier;	       /* which of its resources that is */
	struct probe *probes;
	struct recon_memory *memory;
	struct recon_hooks *hooks;
	enum hold *holds;
	const struct doc *order; /* that holds are of */
	bool was_up, halted, interrupted;
	bool came_up;  /* since the beginning */
	bool changed;  /* since it last said something */
	bool given_up; /* what failed is not tried again for this assignment */
	uint64_t token;
	const char *word, *wait;
};

struct fc_service {
	const struct forecast_service *from;
	struct service_conf conf;
	bool valid;
	struct doc *intent, *assigns, *instances;
	uint64_t next_token;
	struct fc_agent *agents; /* hypervisors, then containers */
	size_t n, n_hosts;
	struct names named; /* the others that it looks at */
	bool standby;	    /* it may have resources that are standby */
	const char *blocked;
};

struct fc {
	struct arena *a;
	const struct forecast_in *in;
	struct fc_service *services;
	struct orch_node *nodes; /* a copy: some are fenced */
	struct doc *steps, *interrupted, *ladders;
	bool moved; /* something changed in this round */
};

/* -- what comes out --------------------------------------------------------
 */

static void put_where(struct fc *f, struct doc *d, const char *service,
		      const char *node, const char *host)
{
	doc_put_str(f->a, d, "service", service);
	if (node)
		doc_put_str(f->a, d, "node", node);
	if (host)
		doc_put_str(f->a, d, "host", host);
}

static struct doc *step(struct fc *f, const char *service, const char *node,
			const char *host, const char *kind)
{
	struct doc *d = doc_add(f->a, f->steps, doc_map(f->a));

	put_where(f, d, service, node, host);
	doc_put_str(f->a, d, "kind", kind);
	f->moved = true;
	return d;
}

/* -- what is known at the beginning ------------------------------------------
 */

/* As the driver said it, where the document says it as the status shows it. */
static enum status found(enum status s)
{
	if (s == STATUS_STDBY_UP || s == STATUS_SUU)
		return STATUS_UP;
	return s == STATUS_STDBY_DOWN || s == STATUS_SUD ? STATUS_DOWN : s;
}

/* Of a resource that was never looked at, as if nothing had been done yet. */
static enum status unknown(const struct resource *r)
{
	const char *check = resource_kw(r, "check");

	if (r->disable || r->nostatus)
		return STATUS_NA;
	return strcmp(r->group, "app") == 0 && (!check || !*check)
		       ? STATUS_NA
		       : STATUS_DOWN;
}

static enum provisioned provisioned(const struct doc *row)
{
	const struct doc *state = doc_get(doc_get(row, "provisioned"), "state");

	if (!state)
		return PROVISIONED_NA;
	return doc_get_bool(doc_get(row, "provisioned"), "state", false)
		       ? PROVISIONED_YES
		       : PROVISIONED_NO;
}

static void probes_init(struct fc_agent *g, const struct doc *said)
{
	const struct doc *rows = doc_get(said, "resources");

	for (size_t i = 0; i < g->inst.n; i++) {
		const struct resource *r = &g->inst.res[i];
		const char *word =
			doc_get_str(doc_get(rows, r->rid), "status", NULL);

		g->probes[i] = (struct probe){
			.status = word ? found(status_parse(word)) : unknown(r),
			.provisioned = provisioned(doc_get(rows, r->rid)),
			.label = "",
			.log = "",
		};
	}
}

/* Another boot of the container, or none: what had an answer is down. */
static void inside_gone(struct fc_agent *g)
{
	for (size_t i = 0; i < g->inst.n; i++) {
		g->memory[i] = (struct recon_memory){ 0 };
		if (g->probes[i].status != STATUS_NA)
			g->probes[i].status = unknown(&g->inst.res[i]);
	}
	for (size_t i = 0; i <= g->inst.n_subsets; i++)
		g->hooks[i] = (struct recon_hooks){ 0 };
	g->was_up = g->halted = false;
	g->token = 0;
}

/* What the env file means there is worked out only where something can be to
 * do. False if it cannot be. */
static bool agent_evaluate(struct fc *f, struct fc_agent *g)
{
	const struct fc_service *s = g->of;
	struct arena *a = f->a;

	if (g->evaluated)
		return true;
	if (instance_eval(a, s->from->conf, s->from->name, g->name, g->level,
			  &g->inst, NULL) < 0)
		return false;
	g->evaluated = true;
	g->probes = ARENA_VEC(a, struct probe, g->inst.n + 1);
	g->memory = ARENA_VEC(a, struct recon_memory, g->inst.n + 1);
	g->holds = ARENA_VEC(a, enum hold, g->inst.n + 1);
	g->hooks = ARENA_VEC(a, struct recon_hooks, g->inst.n_subsets + 1);
	probes_init(g, doc_get(s->instances, g->name));
	return true;
}

/* Does the file speak of resources that are up where nothing is assigned? */
static bool has_standby(const struct conf *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (!c->sections[i]->gone &&
		    (ini_has_option(c, c->sections[i], "standby") ||
		     ini_has_option(c, c->sections[i], "always_on")))
			return true;
	return false;
}

/* A hypervisor that has nothing of it and is to have nothing of it. */
static bool is_idle(const struct fc_agent *g)
{
	const struct fc_service *s = g->of;
	const struct doc *said = doc_get(s->instances, g->name);

	return said && !doc_get(s->assigns, g->name) &&
	       !doc_get(s->from->orders, g->name) && !s->standby &&
	       !instance_runs(said);
}

static void agent_init(struct fc_service *s, struct fc_agent *g,
		       const char *name, enum level level)
{
	const struct doc *said = doc_get(s->instances, name);

	*g = (struct fc_agent){ .name = name, .of = s, .level = level };
	g->token = (uint64_t)doc_get_int(said, "token", 0);
	/* At the end of its maintenance, all is looked at as for a start. */
	g->was_up = doc_get_bool(said, "up_once", false) &&
		    !doc_get_bool(said, "rests", false);
	g->word = doc_get_str(said, "state", "idle");
	g->given_up = strcmp(g->word, "start failed") == 0 ||
		      strcmp(g->word, "stop failed") == 0;
}

static const struct orch_node *node_of(const struct fc *f, const char *name)
{
	return orch_node_named(f->nodes, f->in->n_nodes, name);
}

static bool carries(const struct fc_agent *host, size_t i, const char *name)
{
	const struct resource *r = &host->inst.res[i];

	return strcmp(r->group, "container") == 0 && r->encapnode &&
	       strcmp(r->encapnode, name) == 0;
}

/* Who hosts it: where its container is up. */
static struct fc_agent *host_find(const struct fc_service *s,
				  const char *container, size_t *ret)
{
	for (size_t h = 0; h < s->n_hosts; h++)
		for (size_t i = 0; i < s->agents[h].inst.n; i++)
			if (s->agents[h].there &&
			    s->agents[h].probes[i].status == STATUS_UP &&
			    carries(&s->agents[h], i, container)) {
				*ret = i;
				return &s->agents[h];
			}
	return NULL;
}

/* One that has not answered so far is not taken to do so now. */
static bool agent_answers(const struct fc_agent *g)
{
	const struct doc *said = doc_get(g->of->instances, g->host->name);
	const struct doc *channel = doc_get(doc_get(said, "channels"),
					    g->host->inst.res[g->carrier].rid);

	return !doc_is(channel, "word", "unreachable") &&
	       !doc_is(channel, "word", "refused");
}

/* That of its assignment holds as long as its agent is there. */
static void epoch_init(const struct fc_service *s, struct fc_agent *g)
{
	const struct doc *row = doc_get(s->assigns, g->name);

	g->epoch = (uint64_t)doc_get_int(row, "epoch", 0);
	if (!g->epoch)
		g->epoch = 1;
	else if (!g->there && doc_is(row, "want", "up"))
		g->epoch++;
}

static void names_add(struct names *to, const struct names *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (!names_have(to, from->at[i]))
			to->at[to->n++] = from->at[i];
}

static struct names hosts_of(struct fc *f, const struct fc_service *s)
{
	const struct service_conf *c = &s->conf;
	struct names l = {
		.at = ARENA_VEC(f->a, const char *,
				c->nodes.n + c->drpnodes.n + 1),
	};

	names_add(&l, &c->nodes);
	names_add(&l, &c->drpnodes);
	return l;
}

static void service_init(struct fc *f, struct fc_service *s,
			 const struct forecast_service *from)
{
	struct names hosts;
	const struct orch_node *node;

	*s = (struct fc_service){ .from = from,
				  .next_token = from->next_token };
	if (service_eval(f->a, from->conf, from->name, NULL, &s->conf, NULL) <
	    0)
		return;
	s->valid = true;
	s->named = others_named(f->a, &s->conf);
	s->standby = has_standby(from->conf);
	s->intent = from->intent ? doc_copy(f->a, from->intent) : doc_map(f->a);
	s->assigns =
		from->assigns ? doc_copy(f->a, from->assigns) : doc_map(f->a);
	/* Its rows are only replaced, never written to. */
	s->instances = doc_map(f->a);
	for (size_t i = 0; i < doc_len(from->instances); i++)
		doc_put(f->a, s->instances, doc_at(from->instances, i)->key,
			doc_copy(f->a, doc_at(from->instances, i)));
	hosts = hosts_of(f, s);
	s->agents = ARENA_VEC(f->a, struct fc_agent,
			      hosts.n + s->conf.encapnodes.n + 1);
	for (size_t i = 0; i < hosts.n; i++) {
		struct fc_agent *g = &s->agents[s->n];

		agent_init(s, g, hosts.at[i], LEVEL_HYPERVISOR);
		if (!is_idle(g) && !agent_evaluate(f, g))
			continue;
		node = node_of(f, g->name);
		g->there = node && node->alive;
		s->n_hosts = ++s->n;
	}
	for (size_t i = 0; i < s->conf.encapnodes.n; i++) {
		struct fc_agent *g = &s->agents[s->n];

		agent_init(s, g, s->conf.encapnodes.at[i], LEVEL_ENCAP);
		if (!agent_evaluate(f, g))
			continue;
		s->n++;
		g->host = host_find(s, g->name, &g->carrier);
		if (!g->host)
			inside_gone(g);
		else
			g->there = agent_answers(g);
		epoch_init(s, g);
	}
}

/* -- an agent ---------------------------------------------------------------
 */

static void agent_say(struct fc *f, struct fc_agent *g)
{
	struct doc *d = instance_status(f->a, &g->inst, g->probes);
	const struct orch_node *node =
		orch_node_named(f->in->nodes, f->in->n_nodes, g->name);

	doc_put_str(f->a, d, "state", g->word);
	if (node)
		doc_put_int(f->a, d, "lease", (int64_t)node->epoch);
	if (g->given_up && g->wait)
		doc_put_str(f->a, d, "error", g->wait);
	doc_put_int(f->a, d, "token", (int64_t)g->token);
	if (g->order)
		doc_put_int(f->a, d, "act", doc_get_int(g->order, "act", 0));
	if (g->was_up)
		doc_put_bool(f->a, d, "up_once", true);
	if (g->halted)
		doc_put_bool(f->a, d, "halted", true);
	if (g->host)
		doc_put_str(f->a, d, "host", g->host->name);
	doc_put(f->a, g->of->instances, g->name, d);
	g->changed = false;
	f->moved = true;
}

static void forget(struct fc_agent *g)
{
	for (size_t i = 0; i < g->inst.n; i++)
		g->memory[i] = (struct recon_memory){ 0 };
	for (size_t i = 0; i <= g->inst.n_subsets; i++)
		g->hooks[i] = (struct recon_hooks){ 0 };
	g->was_up = g->halted = g->given_up = false;
}

static enum want take_assignment(struct fc_agent *g)
{
	const struct doc *row = doc_get(g->of->assigns, g->name);
	uint64_t token = (uint64_t)doc_get_int(row, "token", 0);

	if (token != g->token) {
		forget(g);
		g->token = token;
		g->changed = true;
	}
	if (g->halted || doc_is(row, "want", "down"))
		return WANT_DOWN;
	return doc_is(row, "want", "up") ? WANT_UP : WANT_NOTHING;
}

/* What a person asked of some resources alone, as the executor takes it up. */
static void take_order(struct fc_agent *g)
{
	const struct fc_service *s = g->of;
	const struct doc *order = doc_get(s->from->orders, g->name);
	const struct doc *said = doc_get(s->instances, g->name);
	bool encap = g->level == LEVEL_ENCAP;

	if (!order_counts(order, s->intent, g->name, encap,
			  doc_get(s->assigns, g->name)))
		order = NULL;
	if (order == g->order)
		return;
	g->order = order;
	for (size_t i = 0; i < g->inst.n; i++) {
		uint64_t act;

		g->holds[i] = order_hold(&g->inst, order, i, &act);
		if (act > (uint64_t)doc_get_int(said, "act", 0))
			g->memory[i] = (struct recon_memory){ .asked = true };
		else if (act)
			g->memory[i].turned = true;
	}
}

static struct fc_agent *inside(const struct fc_agent *g, size_t i)
{
	const struct fc_service *s = g->of;

	for (size_t k = s->n_hosts; k < s->n; k++)
		if (carries(g, i, s->agents[k].name))
			return &s->agents[k];
	return NULL;
}

static size_t encap_views(const struct fc_agent *g, struct encap_view *views)
{
	size_t n = 0;

	for (size_t i = 0; i < g->inst.n; i++) {
		const struct fc_agent *c = inside(g, i);
		const struct doc *row;

		if (!c)
			continue;
		row = doc_get(g->of->assigns, c->name);
		views[n++] = (struct encap_view){
			.rid = g->inst.res[i].rid,
			.connected = c->host == g && c->there,
			.want = doc_is(row, "want", "up")     ? WANT_UP
				: doc_is(row, "want", "down") ? WANT_DOWN
							      : WANT_NOTHING,
			.token = (uint64_t)doc_get_int(row, "token", 0),
			.status = doc_get(g->of->instances, c->name),
			.since_ms = INT64_MAX,
			.asked_ms = 0,
		};
	}
	return n;
}

static void container_turns(struct fc_agent *g, size_t i)
{
	struct fc_agent *c = inside(g, i);
	bool up = g->probes[i].status == STATUS_UP;

	if (!c || (c->host != g && c->host) || (up && c->host))
		return;
	inside_gone(c);
	c->epoch += !up;
	c->host = up ? g : NULL;
	c->carrier = i;
	c->there = up;
	c->changed = up;
}

/* What a person would miss: the first that stops of what was up. */
static void note_interrupted(struct fc *f, struct fc_agent *g, size_t i)
{
	struct doc *d;

	if (g->interrupted || g->inst.res[i].standby ||
	    g->holds[i] == HOLD_MAKE || g->probes[i].status != STATUS_UP)
		return;
	g->interrupted = true;
	d = doc_add(f->a, f->interrupted, doc_map(f->a));
	put_where(f, d, g->of->from->name, g->name,
		  g->host ? g->host->name : NULL);
	doc_put_str(f->a, d, "rid", g->inst.res[i].rid);
}

static void note_action(struct fc *f, const struct fc_agent *g,
			const struct recon_action *act)
{
	struct doc *d = step(f, g->of->from->name, g->name,
			     g->host ? g->host->name : NULL, "action");

	if (act->op == RECON_HOOK) {
		doc_put_str(f->a, d, "op",
			    arena_printf(f->a, "%s_%s",
					 act->after ? "post" : "pre",
					 act->action));
		if (act->res)
			doc_put_str(f->a, d, "subset",
				    g->inst.subsets[act->res - 1].name);
	} else {
		doc_put_str(f->a, d, "op", recon_op_word(act->op));
		doc_put_str(f->a, d, "rid", g->inst.res[act->res].rid);
	}
	doc_put_str(f->a, d, "why", act->why);
}

/* What would be done if a stop on a hypervisor failed, once for each. */
static void note_ladder(struct fc *f, const struct fc_agent *g)
{
	const char *word = g->inst.conf.stop_failed;
	struct doc *d, *rungs;

	if (g->level == LEVEL_ENCAP || !word || strcmp(word, "none") == 0)
		return;
	for (size_t i = 0; i < doc_len(f->ladders); i++)
		if (doc_is(doc_at(f->ladders, i), "service",
			   g->of->from->name) &&
		    doc_is(doc_at(f->ladders, i), "node", g->name))
			return;
	d = doc_add(f->a, f->ladders, doc_map(f->a));
	put_where(f, d, g->of->from->name, g->name, NULL);
	rungs = doc_put(f->a, d, "rungs", doc_list(f->a));
	doc_add(f->a, rungs, doc_str(f->a, "kill"));
	if (strcmp(word, "kill") != 0)
		doc_add(f->a, rungs, doc_str(f->a, "cut"));
	if (strcmp(word, "fence") == 0)
		doc_add(f->a, rungs, doc_str(f->a, "fence"));
}

static void agent_act(struct fc *f, struct fc_agent *g,
		      const struct recon_in *in, const struct recon_out *out)
{
	for (size_t i = 0; i < out->n; i++) {
		const struct recon_action *act = &out->at[i];

		note_action(f, g, act);
		if (act->op == RECON_STOP) {
			note_interrupted(f, g, act->res);
			note_ladder(f, g);
		}
		recon_assume(in, act, g->probes);
		if (act->op == RECON_START || act->op == RECON_STOP)
			container_turns(g, act->res);
	}
	g->changed = true;
}

static void agent_halt(struct fc *f, struct fc_agent *g, const char *rid)
{
	for (size_t i = 0; i < g->inst.n; i++) {
		struct fc_agent *c = inside(g, i);

		if (!c || c->halted || strcmp(g->inst.res[i].rid, rid) != 0)
			continue;
		forget(c);
		c->halted = c->changed = true;
		f->moved = true;
	}
}

static void agent_note(struct fc_agent *g, const struct recon_in *in,
		       const struct recon_out *out)
{
	if (strcmp(g->word, out->word) != 0)
		g->changed = true;
	g->word = out->word;
	g->wait = out->wait;
	/* What was found out in this pass is for the next one, too. */
	for (size_t i = 0; out->error && i < g->inst.n; i++)
		if (g->memory[i].start_failed && !g->memory[i].error)
			g->memory[i].error = out->error;
	if (out->state == RECON_SETTLED && in->want == WANT_UP && !g->was_up)
		g->was_up = g->changed = g->came_up = true;
}

static void agent_reconcile(struct fc *f, struct fc_agent *g)
{
	const struct orch_node *node = node_of(f, g->name);
	struct encap_view *views =
		ARENA_VEC(f->a, struct encap_view, g->inst.n + 1);
	struct recon_in in = {
		.inst = &g->inst,
		.want = take_assignment(g),
		.frozen = g->of->from->frozen || (node && node->frozen),
		.standby = doc_get_int(g->of->intent, "seq", 0) > 0,
		.probes = g->probes,
		.encaps = views,
		.was_up = g->was_up,
		.holds = g->holds,
		.memory = g->memory,
		.hooks = g->hooks,
		.agent_timeout_ms = 1,
	};
	size_t left = (g->inst.n + 1) * PASSES_MAX;
	struct recon_out out = { .state = RECON_ACT };

	take_order(g);
	in.standby = in.standby || g->order;
	in.whole = order_whole(g->order);
	while (!g->given_up && left-- && out.state == RECON_ACT) {
		in.n_encaps = encap_views(g, views);
		in.was_up = g->was_up;
		reconcile(f->a, &in, &out);
		agent_note(g, &in, &out);
		if (out.halt)
			agent_halt(f, g, out.halt);
		if (out.state == RECON_ACT)
			agent_act(f, g, &in, &out);
	}
	if (g->changed)
		agent_say(f, g);
}

/* Of the service, or of the node that it is on. */
static bool is_left_alone(const struct fc *f, const struct fc_agent *g)
{
	const struct orch_node *node =
		node_of(f, g->host ? g->host->name : g->name);

	return g->of->from->maintenance || (node && node->maintenance);
}

static void agent_run(struct fc *f, struct fc_agent *g)
{
	if (is_left_alone(f, g))
		return;
	if ((g->evaluated || !is_idle(g)) && agent_evaluate(f, g))
		agent_reconcile(f, g);
}

/* -- a service
 * -----------------------------------------------------------------
 */

static const struct fc_service *service_named(const struct fc *f,
					      const char *name)
{
	for (size_t i = 0; i < f->in->n; i++)
		if (strcmp(f->services[i].from->name, name) == 0)
			return &f->services[i];
	return NULL;
}

static struct orch_other *others_of(const struct fc *f,
				    const struct fc_service *s)
{
	struct orch_other *list =
		ARENA_VEC(f->a, struct orch_other, s->named.n + 1);

	for (size_t i = 0; i < s->named.n; i++) {
		const struct fc_service *o = service_named(f, s->named.at[i]);

		list[i].name = s->named.at[i];
		if (o && o->valid)
			other_see(f->a, &o->conf, o->assigns, o->instances,
				  f->nodes, f->in->n_nodes, &list[i]);
	}
	return list;
}

/* The agents in containers, with the leases that they would have. */
static struct orch_node *members_of(const struct fc *f,
				    const struct fc_service *s)
{
	struct orch_node *list =
		ARENA_VEC(f->a, struct orch_node, s->n - s->n_hosts + 1);

	for (size_t i = s->n_hosts; i < s->n; i++) {
		const struct fc_agent *g = &s->agents[i];
		const struct orch_node *host =
			g->host ? node_of(f, g->host->name) : NULL;

		list[i - s->n_hosts] = (struct orch_node){
			.name = g->name,
			.alive = g->there,
			.epoch = g->epoch,
			.draining = host && host->draining,
			.drain_over = host && host->drain_over,
		};
	}
	return list;
}

static struct orch_in orch_view(const struct fc *f, const struct fc_service *s)
{
	return (struct orch_in){
		.service = s->from->name,
		.conf = &s->conf,
		.file = s->from->conf,
		.others = others_of(f, s),
		.n_others = s->named.n,
		.intent = s->intent,
		.frozen = s->from->frozen,
		.maintenance = s->from->maintenance,
		.maintenance_of_all = s->from->maintenance_of_all,
		.assigns = s->assigns,
		.instances = s->instances,
		.nodes = f->nodes,
		.n_nodes = f->in->n_nodes,
		.members = members_of(f, s),
		.n_members = s->n - s->n_hosts,
		.next_token = s->next_token,
	};
}

/* As if a device had confirmed it: the machine is off, and whatever ran there
 * is over, for all services. */
static void take_fence(struct fc *f, const struct orch_change *c)
{
	for (size_t i = 0; i < f->in->n_nodes; i++) {
		struct orch_node *n = &f->nodes[i];

		if (strcmp(n->name, c->node) != 0)
			continue;
		n->epoch += n->alive;
		n->alive = false;
		n->fenced = n->epoch - 1;
		n->sure = true;
	}
	for (size_t i = 0; i < f->in->n; i++)
		for (size_t k = 0; k < f->services[i].n; k++) {
			struct fc_agent *g = &f->services[i].agents[k];
			bool inside =
				g->host && strcmp(g->host->name, c->node) == 0;

			if (!inside && strcmp(g->name, c->node) != 0)
				continue;
			g->there = false;
			g->host = NULL;
			if (inside)
				inside_gone(g);
		}
}

static void take_change(struct fc *f, struct fc_service *s,
			const struct orch_change *c)
{
	struct doc *d = step(f, s->from->name, c->node, NULL,
			     c->kind == ORCH_INTENT  ? "intent"
			     : c->kind == ORCH_FENCE ? "fence"
						     : "assign");
	struct doc *row = orch_change_doc(f->a, c);

	doc_put_str(f->a, d, "op", c->want);
	doc_put_str(f->a, d, "why", c->why);
	if (c->level == LEVEL_ENCAP)
		doc_put_bool(f->a, d, "container", true);
	if (c->kind == ORCH_FENCE) {
		take_fence(f, c);
		return;
	}
	if (c->kind == ORCH_INTENT) {
		orch_intent_goes_on(f->a, s->intent, row);
		return;
	}
	doc_put(f->a, s->assigns, c->node, row);
	if (c->token >= s->next_token)
		s->next_token = c->token + 1;
}

static void service_decide(struct fc *f, struct fc_service *s)
{
	struct orch_in in = orch_view(f, s);
	struct orch_out out = { 0 };

	orchestrate(f->a, &in, &out);
	s->blocked = out.blocked;
	for (size_t i = 0; i < out.n; i++)
		take_change(f, s, &out.at[i]);
}

static void service_step(struct fc *f, struct fc_service *s)
{
	if (!s->valid)
		return;
	service_decide(f, s);
	for (size_t i = 0; i < s->n; i++)
		if (s->agents[i].there)
			agent_run(f, &s->agents[i]);
}

/* -- the whole ------------------------------------------------------------ */

static bool is_up_again(const struct fc_agent *g)
{
	return g->was_up && (g->level == LEVEL_HYPERVISOR || g->host) &&
	       doc_is(doc_get(g->of->assigns, g->name), "want", "up");
}

/* Where it is up in the end: the instance of @node, or what runs in it if that
 * is a container. There again, or where it came up last; what runs in each
 * container is not that of another one. */
static const char *up_again(const struct fc_service *s, const char *node,
			    bool inside)
{
	const struct fc_agent *last = NULL;

	for (size_t k = 0; k < s->n; k++) {
		const struct fc_agent *g = &s->agents[k];
		bool same = strcmp(g->name, node) == 0;

		if ((k >= s->n_hosts) != inside || !is_up_again(g))
			continue;
		if (same)
			return inside ? g->host->name : g->name;
		if (g->came_up && (!inside || encap_is_failover(&s->conf)))
			last = !last || g->token > last->token ? g : last;
	}
	return last ? last->name : NULL;
}

static void waits(struct fc *f, struct doc *list, const struct fc_service *s,
		  const char *node, const char *why)
{
	struct doc *d;

	if (!why)
		return;
	d = doc_add(f->a, list, doc_map(f->a));
	put_where(f, d, s->from->name, node, NULL);
	doc_put_str(f->a, d, "why", why);
}

static bool is_assigned(const struct fc_service *s)
{
	for (size_t i = 0; i < s->n_hosts; i++)
		if (doc_is(doc_get(s->assigns, s->agents[i].name), "want",
			   "up"))
			return true;
	return false;
}

/* It is to run and does not: what a start somewhere else would have to wait
 * for. */
static const char *held_up(struct fc *f, const struct fc_service *s)
{
	struct orch_in in = orch_view(f, s);

	if (s->blocked || doc_is(s->intent, "want", "stopped") ||
	    !doc_get_int(s->intent, "want_seq", 0) || is_assigned(s))
		return s->blocked;
	for (size_t i = 0; i < s->n_hosts; i++) {
		const char *why =
			orch_may_start_elsewhere(f->a, &in, s->agents[i].name);

		if (why)
			return why;
	}
	return NULL;
}

/* What an agent waits for, or has given up at. */
static const char *agent_waits(const struct fc_agent *g)
{
	if (!g->given_up)
		return g->wait;
	return doc_get_str(doc_get(g->of->instances, g->name), "error",
			   g->word);
}

static void finish(struct fc *f, struct doc *out)
{
	struct doc *list = doc_put(f->a, out, "waiting", doc_list(f->a));

	for (size_t i = 0; i < doc_len(f->interrupted); i++) {
		struct doc *d = doc_at(f->interrupted, i);
		const struct fc_service *s =
			service_named(f, doc_get_str(d, "service", ""));
		const char *again = up_again(s, doc_get_str(d, "node", ""),
					     doc_get(d, "host") != NULL);

		if (again)
			doc_put_str(f->a, d, "again", again);
	}
	for (size_t i = 0; i < f->in->n; i++) {
		const struct fc_service *s = &f->services[i];

		if (!s->valid)
			continue;
		waits(f, list, s, NULL, held_up(f, s));
		for (size_t k = 0; k < s->n; k++)
			if (s->agents[k].there)
				waits(f, list, s, s->agents[k].name,
				      agent_waits(&s->agents[k]));
	}
	doc_put_bool(f->a, out, "settled", !f->moved);
}

static int by_priority(const void *x, const void *y)
{
	const struct fc_service *a = x, *b = y;

	if (a->conf.priority != b->conf.priority)
		return a->conf.priority < b->conf.priority ? -1 : 1;
	return strcmp(a->from->name, b->from->name);
}

/* What points to a service in memory is set once it lies where it stays. */
static void adopt(struct fc_service *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->agents[i].of = s;
}

static void put_after(const struct fc_service *s, struct forecast_service *ret)
{
	*ret = *s->from;
	ret->intent = s->intent;
	ret->assigns = s->assigns;
	ret->instances = s->instances;
	ret->next_token = s->next_token;
}

struct doc *forecast(struct arena *a, const struct forecast_in *in,
		     struct forecast_service *ret_after)
{
	struct doc *out = doc_map(a);
	struct fc f = { .a = a, .in = in };

	f.steps = doc_put(a, out, "steps", doc_list(a));
	f.interrupted = doc_put(a, out, "interrupted", doc_list(a));
	f.ladders = doc_put(a, out, "ladders", doc_list(a));
	f.nodes = ARENA_VEC(a, struct orch_node, in->n_nodes + 1);
	for (size_t i = 0; i < in->n_nodes; i++)
		f.nodes[i] = in->nodes[i];
	f.services = ARENA_VEC(a, struct fc_service, in->n + 1);
	for (size_t i = 0; i < in->n; i++)
		service_init(&f, &f.services[i], &in->services[i]);
	qsort(f.services, in->n, sizeof(*f.services), by_priority);
	for (size_t i = 0; i < in->n; i++)
		adopt(&f.services[i]);
	f.moved = true;
	for (size_t round = 0; f.moved && round < ROUNDS_MAX; round++) {
		f.moved = false;
		for (size_t i = 0; i < in->n; i++)
			service_step(&f, &f.services[i]);
	}
	finish(&f, out);
	for (size_t i = 0; ret_after && i < in->n; i++)
		put_after(&f.services[i], &ret_after[i]);
	return out;
}
