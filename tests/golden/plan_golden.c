/*
 * Who runs what, and what is done for it. A case is a script; a line is a
 * command, and lines that begin with a tab belong to the service above them:
 *
 *     nodes NAME...              up, epoch 1
 *     service NAME [KIND]        and its env file, tab by tab; of a KIND below,
 *                                what stands in its section DEFAULT
 *     done: ACTION               the action, and all that follows of it, is
 *                                over: nothing is shown
 *     ACTION                     likewise, and the plan of it is shown
 *     plan: ACTION               it is shown, and not done
 *     edit NAME [KIND]           an action: and the env file, tab by tab
 *     lost NODE | back NODE      it lost its lease; it has booted again
 *     heal NODE                  it can be reached again, and has what it had
 *     down NAME NODE RID...      these resources are found to be down
 *     state NAME NODE RID WORD   this one is found so
 *     lacks NAME NODE RID...     what these need is not there; has ...: it is
 *     said NAME NODE WORD: TEXT  its agent has come to an end of what it does
 *     why NAME [WORD]            what encap why says
 *     asked: ACTION              it is asked for, and nothing came of it yet
 *     decided NAME               what the orchestrator says now is agreed, and
 *                                no agent has done anything for it yet
 *
 * An action: start|stop|restart NAME [--master|--slaves|--slave VM],
 * move NAME NODE, freeze|thaw NAME, node-freeze|node-thaw NODE, delete NAME,
 * provision|unprovision NAME NODE [--stop] [--rid RID],
 * clear NAME, drain|undrain NODE, drained NODE (its time is over),
 * node-leave|node-stay NODE (it leaves the cluster, or does not any more),
 * maintenance on|off [NAME|NODE], wait (nothing is asked).
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/op/op.h"
#include "fsm/plan/forecast.h"
#include "fsm/plan/others.h"
#include "fsm/plan/why.h"
#include "golden.h"
#include "tests/lib/foreseen.h"

#define NODES_MAX    16
#define SERVICES_MAX 16
#define GROUP	     CLUSTER_GROUP

struct world {
	struct arena *a;
	struct buf *out;
	struct db *db;
	struct txn *txn; /* of the case, never committed */
	struct orch_node nodes[NODES_MAX];
	size_t n_nodes;
	const char *services[SERVICES_MAX];
	size_t n_services;
	bool maintenance; /* of all */
	int64_t at;
};

/* -- words -----------------------------------------------------------------
 */

struct line {
	const char *at[24];
	size_t n;
	const char *text;  /* as it stands */
	const char *block; /* the lines with a tab below it */
};

static void split(struct arena *a, struct line *l)
{
	char *copy = arena_printf(a, "%s", l->text), *save = NULL;

	l->n = 0;
	for (char *w = strtok_r(copy, " ", &save); w && l->n < 24;
	     w = strtok_r(NULL, " ", &save))
		l->at[l->n++] = w;
}

static bool is(const struct line *l, size_t i, const char *word)
{
	return i < l->n && strcmp(l->at[i], word) == 0;
}

static const char *word(const struct line *l, size_t i)
{
	if (i < l->n)
		return l->at[i];
	fprintf(stderr, "plan_golden: '%s' lacks a word\n", l->text);
	abort();
}

/* -- the state -------------------------------------------------------------
 */

static struct state state_of(const struct world *w)
{
	return (struct state){ w->txn, GROUP, w->a };
}

static struct orch_node *node_named(struct world *w, const char *name)
{
	for (size_t i = 0; i < w->n_nodes; i++)
		if (strcmp(w->nodes[i].name, name) == 0)
			return &w->nodes[i];
	fprintf(stderr, "plan_golden: there is no node %s\n", name);
	abort();
}

static struct doc *command(struct world *w, const char *op, const char *name)
{
	struct doc *by = doc_map(w->a), *cmd;

	doc_put_str(w->a, by, "user", "ann");
	cmd = op_new(w->a, op, w->at += 1000, by);
	doc_put_str(w->a, cmd, "name", name);
	return cmd;
}

/* False, and why is shown, if it is refused. */
static bool apply(struct world *w, const struct doc *cmd)
{
	struct doc *r = op_apply(w->a, w->txn, GROUP, cmd);

	if (doc_get_int(r, "code", -1) == OP_OK)
		return true;
	buf_printf(w->out, "  refused: %s\n", doc_get_str(r, "err", ""));
	return false;
}

static struct forecast_service service_now(struct world *w, const char *name)
{
	const struct state s = state_of(w);
	struct forecast_service f = foreseen_service(&s, name, NULL);

	f.maintenance = f.maintenance || w->maintenance;
	f.maintenance_of_all = w->maintenance;
	return f;
}

static bool is_service(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->n_services; i++)
		if (strcmp(w->services[i], name) == 0)
			return true;
	return false;
}

static struct forecast_in world_now(struct world *w)
{
	struct forecast_service *list =
		ARENA_VEC(w->a, struct forecast_service, SERVICES_MAX);
	size_t n = 0;

	for (size_t i = 0; i < w->n_services; i++) {
		list[n] = service_now(w, w->services[i]);
		n += list[n].intent != NULL;
	}
	return (struct forecast_in){ list, n, w->nodes, w->n_nodes };
}

/* What a forecast ends in becomes what there is. */
static void settle(struct world *w, const struct forecast_service *after,
		   size_t n)
{
	const struct state s = state_of(w);

	for (size_t i = 0; i < n; i++)
		foreseen_keep(&s, &after[i]);
}

/* -- what is shown -----------------------------------------------------------
 */

static void show_step(struct world *w, const struct doc *s, bool many)
{
	const char *host = doc_get_str(s, "host", NULL);
	const char *rid = doc_get_str(s, "rid", NULL);
	const char *kind = doc_get_str(s, "kind", "");

	buf_printf(w->out, "  %s%s%s%s%s%s%s",
		   strcmp(kind, "action") ? "* " : "",
		   many ? doc_get_str(s, "service", "") : "", many ? " " : "",
		   host ? host : "", host ? "/" : "",
		   doc_get_str(s, "node", "intent"), ": ");
	buf_printf(w->out, "%s%s%s", doc_get_str(s, "op", ""), rid ? " " : "",
		   rid ? rid : "");
	/* The order says it of the others. */
	if (strncmp(doc_get_str(s, "why", ""), "next in the order", 17) != 0)
		buf_printf(w->out, " (%s)", doc_get_str(s, "why", ""));
	buf_puts(w->out, "\n");
}

/* Where it is not the one that every service has. */
static void show_ladders(struct world *w, const struct doc *list)
{
	for (size_t i = 0; i < doc_len(list); i++) {
		const struct doc *d = doc_at(list, i);
		const struct doc *rungs = doc_get(d, "rungs");

		if (doc_len(rungs) < 2)
			continue;
		buf_printf(w->out, "  if a stop of %s on %s fails:",
			   doc_get_str(d, "service", ""),
			   doc_get_str(d, "node", ""));
		for (size_t k = 0; k < doc_len(rungs); k++)
			buf_printf(w->out, " %s",
				   doc_text(doc_at(rungs, k), ""));
		buf_puts(w->out, "\n");
	}
}

static void show_plan(struct world *w, const struct doc *d)
{
	const struct doc *steps = doc_get(d, "steps");
	const struct doc *list = doc_get(d, "interrupted");

	if (!doc_len(steps))
		buf_puts(w->out, "  nothing\n");
	for (size_t i = 0; i < doc_len(steps); i++)
		show_step(w, doc_at(steps, i), w->n_services > 1);
	for (size_t i = 0; i < doc_len(list); i++) {
		const struct doc *r = doc_at(list, i);

		buf_printf(w->out, "  interrupted: %s on %s from %s, %s%s\n",
			   doc_get_str(r, "service", ""),
			   doc_get_str(r, "node", ""),
			   doc_get_str(r, "rid", ""),
			   doc_get(r, "again") ? "up again on " : "stays down",
			   doc_get_str(r, "again", ""));
	}
	list = doc_get(d, "waiting");
	for (size_t i = 0; i < doc_len(list); i++)
		buf_printf(w->out, "  not done: %s%s%s: %s\n",
			   doc_get_str(doc_at(list, i), "service", ""),
			   doc_get(doc_at(list, i), "node") ? " on " : "",
			   doc_get_str(doc_at(list, i), "node", ""),
			   doc_get_str(doc_at(list, i), "why", ""));
	show_ladders(w, doc_get(d, "ladders"));
	if (!doc_get_bool(d, "settled", true))
		buf_puts(w->out, "  no end of it\n");
}

/* -- what is done ------------------------------------------------------------
 */

static struct service_conf *conf_now(struct world *w,
				     const struct forecast_service *s)
{
	struct service_conf *sc = ARENA_NEW(w->a, struct service_conf);

	if (service_eval(w->a, s->conf, s->name, NULL, sc, NULL) < 0)
		return NULL;
	return sc;
}

/* Is the container up on a node that is? Then its agent has a lease. */
static bool has_lease(struct world *w, const struct forecast_service *s,
		      const char *container)
{
	const char *host =
		doc_get_str(doc_get(s->instances, container), "host", NULL);
	const struct doc *rows;
	struct instance inst;

	if (!host || !node_named(w, host)->alive ||
	    instance_eval(w->a, s->conf, s->name, host, LEVEL_HYPERVISOR, &inst,
			  NULL) < 0)
		return false;
	rows = doc_get(doc_get(s->instances, host), "resources");
	for (size_t i = 0; i < inst.n; i++)
		if (inst.res[i].encapnode &&
		    strcmp(inst.res[i].encapnode, container) == 0)
			return doc_is(doc_get(rows, inst.res[i].rid), "status",
				      "up");
	return false;
}

static struct orch_node *members_now(struct world *w,
				     const struct forecast_service *s,
				     const struct names *containers)
{
	struct orch_node *list =
		ARENA_VEC(w->a, struct orch_node, containers->n + 1);

	for (size_t i = 0; i < containers->n; i++) {
		const char *name = containers->at[i];
		const struct doc *row = doc_get(s->assigns, name);
		bool alive = has_lease(w, s, name);
		bool gone = !alive && doc_is(row, "want", "up");
		int64_t epoch = doc_get_int(row, "epoch", 0);

		list[i] = (struct orch_node){
			.name = name,
			.alive = alive,
			.epoch = (uint64_t)(epoch ? epoch + gone : 1),
		};
	}
	return list;
}

/* As the orchestrator sees it. */
static struct orch_in orch_now(struct world *w, const char *name)
{
	struct forecast_service *s = ARENA_NEW(w->a, struct forecast_service);
	const struct service_conf *sc;
	struct orch_other *others;
	struct names named;

	*s = service_now(w, name);
	sc = conf_now(w, s);
	named = others_named(w->a, sc);
	others = ARENA_VEC(w->a, struct orch_other, named.n + 1);
	for (size_t i = 0; i < named.n; i++) {
		struct forecast_service o = service_now(w, named.at[i]);

		others[i].name = named.at[i];
		if (o.intent)
			other_see(w->a, conf_now(w, &o), o.assigns, o.instances,
				  w->nodes, w->n_nodes, &others[i]);
	}
	return (struct orch_in){
		.service = name,
		.conf = sc,
		.file = s->conf,
		.others = others,
		.n_others = named.n,
		.intent = s->intent,
		.frozen = s->frozen,
		.maintenance = s->maintenance,
		.maintenance_of_all = s->maintenance_of_all,
		.assigns = s->assigns,
		.instances = s->instances,
		.nodes = w->nodes,
		.n_nodes = w->n_nodes,
		.members = members_now(w, s, &sc->encapnodes),
		.n_members = sc->encapnodes.n,
		.next_token = s->next_token,
	};
}

static bool ask_intent(struct world *w, const struct line *l, size_t i)
{
	const char *action = l->at[i], *name = word(l, i + 1);
	bool move = strcmp(action, "move") == 0;
	bool master = is(l, i + 2, "--master"),
	     slaves = is(l, i + 2, "--slaves");
	const char *want = strcmp(action, "stop") == 0	    ? "stopped"
			   : strcmp(action, "restart") == 0 ? "restart"
							    : "started";
	struct doc *cmd = command(w, "svc_intent", name);

	doc_put_str(w->a, cmd, "want",
		    slaves || is(l, i + 2, "--slave") ? "same" : want);
	doc_put_str(w->a, cmd, "encap", master ? "same" : want);
	if (is(l, i + 2, "--slave"))
		doc_add(w->a, doc_put(w->a, cmd, "slave", doc_list(w->a)),
			doc_str(w->a, word(l, i + 3)));
	if (move) {
		struct orch_in in = orch_now(w, name);
		const char *why = orch_unfit(w->a, &in, word(l, i + 2));

		doc_put_str(w->a, cmd, "node", word(l, i + 2));
		if (why) {
			buf_printf(w->out, "  refused: %s %s\n", word(l, i + 2),
				   why);
			return false;
		}
	}
	return apply(w, cmd);
}

static const char *config_of(struct world *w, const char *kind,
			     const char *block);

static bool ask_edit(struct world *w, const struct line *l, size_t i)
{
	const struct state s = state_of(w);
	struct doc *row = state_service(&s, word(l, i + 1));
	struct doc *cmd = command(w, "svc_edit", word(l, i + 1));

	doc_put_str(w->a, cmd, "base", doc_get_str(row, "head", ""));
	doc_put_str(w->a, cmd, "config",
		    config_of(w, i + 2 < l->n ? l->at[i + 2] : "", l->block));
	return apply(w, cmd);
}

/* False: it is none of these. */
static bool ask_upkeep(struct world *w, const struct line *l, size_t i,
		       bool *ret)
{
	const char *action = word(l, i),
		   *what = i + 1 < l->n ? l->at[i + 1] : "";
	bool on = strcmp(what, "on") == 0;
	struct doc *cmd;

	*ret = true;
	if (strcmp(action, "clear") == 0) {
		*ret = apply(w, command(w, "svc_clear", what));
	} else if (strstr(action, "drain")) {
		node_named(w, what)->draining = strcmp(action, "undrain") != 0;
		node_named(w, what)->drain_over =
			strcmp(action, "drained") == 0;
	} else if (strcmp(action, "maintenance") != 0) {
		return false;
	} else if (i + 2 >= l->n) {
		w->maintenance = on;
	} else if (is_service(w, l->at[i + 2])) {
		cmd = command(w, "svc_maintenance", l->at[i + 2]);
		doc_put_bool(w->a, cmd, "on", on);
		*ret = apply(w, cmd);
	} else {
		node_named(w, l->at[i + 2])->maintenance = on;
	}
	return true;
}

/* Of both levels, where no resource is named. */
static bool ask_make(struct world *w, const struct line *l, size_t i)
{
	struct doc *cmd = command(w, "svc_act", word(l, i + 1));

	doc_put_str(w->a, cmd, "action", l->at[i]);
	doc_put_str(w->a, cmd, "node", word(l, i + 2));
	if (is(l, i + 3, "--stop"))
		doc_put_bool(w->a, cmd, "stop", true);
	if (is(l, i + 3, "--rid"))
		doc_put_str(w->a, cmd, "rid", word(l, i + 4));
	else
		doc_put_bool(w->a, cmd, "slaves", true);
	return apply(w, cmd);
}

/* False if it is refused. */
static bool ask(struct world *w, const struct line *l, size_t i)
{
	const char *action = word(l, i);
	bool thaw = strcmp(action, "thaw") == 0, done;
	struct doc *cmd;

	if (strcmp(action, "wait") == 0)
		return true;
	if (strcmp(action, "edit") == 0)
		return ask_edit(w, l, i);
	if (strcmp(action, "node-leave") == 0 ||
	    strcmp(action, "node-stay") == 0) {
		node_named(w, word(l, i + 1))->leaving =
			node_named(w, word(l, i + 1))->draining =
				strcmp(action, "node-leave") == 0;
		return true;
	}
	if (strncmp(action, "node-", 5) == 0) {
		node_named(w, word(l, i + 1))->frozen =
			strcmp(action, "node-freeze") == 0;
		return true;
	}
	if (strstr(action, "provision"))
		return ask_make(w, l, i);
	if (ask_upkeep(w, l, i, &done))
		return done;
	if (strcmp(action, "delete") == 0)
		return apply(w, command(w, "svc_delete", word(l, i + 1)));
	if (thaw || strcmp(action, "freeze") == 0) {
		cmd = command(w, "svc_freeze", word(l, i + 1));
		doc_put_bool(w->a, cmd, "frozen", !thaw);
		return apply(w, cmd);
	}
	return ask_intent(w, l, i);
}

/* Orders of a plan are for nobody. */
static void orders_drop(struct world *w, int64_t from)
{
	const struct state s = state_of(w);

	for (size_t i = 0; i < w->n_services; i++) {
		const struct doc *all = state_orders(&s, w->services[i]);

		for (size_t k = 0; k < doc_len(all); k++) {
			const struct doc *o = doc_at(all, k);
			struct state_key key =
				state_key(w->services[i], o->key);

			if (doc_get_int(o, "at", 0) > from)
				state_del(&s, TABLE_ORDER, &key);
		}
	}
}

/* What is only planned is not asked: the rows are put back. */
static struct doc *rows_now(struct world *w)
{
	const struct state s = state_of(w);

	return state_services(&s);
}

static void rows_back(struct world *w, const struct doc *rows,
		      const struct orch_node *nodes)
{
	const struct state s = state_of(w);

	for (size_t i = 0; i < doc_len(rows); i++) {
		struct state_key k = state_key(
			doc_get_str(doc_at(rows, i), "name", ""), NULL);

		state_put(&s, TABLE_SERVICE, &k, doc_at(rows, i));
	}
	memcpy(w->nodes, nodes, sizeof(w->nodes));
}

enum mode { DONE, DO, PLAN };

static void act(struct world *w, const struct line *l, size_t i, enum mode mode)
{
	struct forecast_service *after =
		ARENA_VEC(w->a, struct forecast_service, SERVICES_MAX);
	struct orch_node nodes[NODES_MAX];
	const struct doc *rows = rows_now(w);
	int64_t from = w->at;
	struct forecast_in in;
	struct doc *d;
	bool asked;

	memcpy(nodes, w->nodes, sizeof(nodes));
	if (mode != DONE)
		buf_printf(w->out, "%s\n", l->text);
	asked = ask(w, l, i);
	if (asked) {
		in = world_now(w);
		d = forecast(w->a, &in, after);
		if (mode != DONE)
			show_plan(w, d);
		if (mode != PLAN)
			settle(w, after, in.n);
	}
	if (mode == PLAN) {
		rows_back(w, rows, nodes);
		orders_drop(w, from);
	}
}

/* -- what happens ------------------------------------------------------------
 */

static void do_nodes(struct world *w, const struct line *l)
{
	for (size_t i = 1; i < l->n; i++)
		w->nodes[w->n_nodes++] = (struct orch_node){ .name = l->at[i],
							     .alive = true,
							     .epoch = 1 };
}

static const struct {
	const char *name, *before, *after;
} kinds[] = {
	{ "small", "[DEFAULT]\nnodes = hv1 hv2 hv3\n",
	  "[fs#1]\ntype = directory\npath = /srv\n" },
	{ "boxed", "[DEFAULT]\nnodes = hv1 hv2 hv3\nencapnodes = vm1\n",
	  "[fs#1]\ntype = directory\npath = /srv\n"
	  "[container#0]\ntype = sim\nname = vm1\n"
	  "[fs#2]\ntype = directory\npath = /data\nencap = true\n" },
	{ "farmed",
	  "[DEFAULT]\nnodes = hv1 hv2 hv3\nencapnodes = vm1 vm2 vm3\n"
	  "topology = flex\nflex_min = 3\ntopology@encapnodes = "
	  "failover\norchestrate = ha\n",
	  "[container#1]\ntype = sim\nname@hv1 = vm1\nname@hv2 = vm2\n"
	  "name@hv3 = vm3\n"
	  "[fs#2]\ntype = directory\npath = /data\nencap = true\n" },
	{ "farmed2",
	  "[DEFAULT]\nnodes = hv1 hv2\nencapnodes = vm1 vm2\n"
	  "topology = flex\nflex_min = 2\ntopology@encapnodes = "
	  "failover\norchestrate = ha\n",
	  "[container#1]\ntype = sim\nname@hv1 = vm1\nname@hv2 = vm2\n"
	  "name@hv3 = vm3\n"
	  "[fs#2]\ntype = directory\npath = /data\nencap = true\n" },
	{ "farm3",
	  "[DEFAULT]\nnodes = hv1 hv2 hv3\nencapnodes = vm1 vm2 vm3\n"
	  "topology = flex\nflex_min = 3\norchestrate = ha\n",
	  "[container#1]\ntype = sim\nname@hv1 = vm1\nname@hv2 = vm2\n"
	  "name@hv3 = vm3\n"
	  "[fs#2]\ntype = directory\npath = /data\nencap = true\n" },
	{ "farm", "[DEFAULT]\nnodes = hv1 hv2 hv3\nencapnodes = vm1 vm2\n",
	  "[container#0]\ntype = sim\nname = vm1\n"
	  "[container#1]\ntype = sim\nname = vm2\n"
	  "[fs#2]\ntype = directory\npath = /data\nencap = true\n" },
};

static const char *config_of(struct world *w, const char *kind,
			     const char *block)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, kind) == 0)
			return arena_printf(w->a, "%s%s%s", kinds[i].before,
					    block, kinds[i].after);
	return block;
}

static void put_instance(struct world *w, const char *name, const char *node,
			 const struct doc *d)
{
	const struct state s = state_of(w);
	struct state_key k = state_key(name, node);

	state_put(&s, TABLE_INSTANCE, &k, d);
}

/* Each node looks at what it has of a service, and says so. */
static void look(struct world *w, const char *name, const char *node,
		 const struct conf *conf)
{
	struct instance inst;
	struct probe *probes;
	struct doc *d;

	if (instance_eval(w->a, conf, name, node, LEVEL_HYPERVISOR, &inst,
			  NULL) < 0)
		return;
	probes = ARENA_VEC(w->a, struct probe, inst.n + 1);
	for (size_t i = 0; i < inst.n; i++)
		probes[i] = (struct probe){ .status = STATUS_DOWN,
					    .label = "",
					    .log = "" };
	d = instance_status(w->a, &inst, probes);
	doc_put_str(w->a, d, "state", "idle");
	put_instance(w, name, node, d);
}

static void do_service(struct world *w, const struct line *l)
{
	struct doc *cmd = command(w, "svc_create", word(l, 1));
	struct problems p = { .arena = w->a, .name = word(l, 1) };
	const char *text = config_of(w, l->n > 2 ? l->at[2] : "", l->block);
	struct service_conf sc;
	struct conf *conf;

	conf = conf_parse(w->a, text, strlen(text), &p);
	if (!conf || p.fatal ||
	    service_eval(w->a, conf, word(l, 1), NULL, &sc, NULL) < 0) {
		fprintf(stderr, "plan_golden: %s\n", l->text);
		abort();
	}
	doc_put_str(w->a, cmd, "config", text);
	if (!apply(w, cmd))
		return;
	w->services[w->n_services++] = word(l, 1);
	for (size_t i = 0; i < sc.nodes.n; i++)
		look(w, word(l, 1), sc.nodes.at[i], conf);
	for (size_t i = 0; i < sc.drpnodes.n; i++)
		look(w, word(l, 1), sc.drpnodes.at[i], conf);
}

/* What it has on the node is gone with the boot, and its agent says so. */
static void down_all(struct world *w, const char *name, const char *node)
{
	const struct state s = state_of(w);
	struct doc *d = state_instance(&s, name, node), *rows;

	if (!d)
		return;
	rows = doc_get(d, "resources");
	for (size_t i = 0; i < doc_len(rows); i++)
		if (strcmp(doc_get_str(doc_at(rows, i), "status", ""), "up") ==
		    0)
			doc_put_str(w->a, doc_at(rows, i), "status", "down");
	doc_put_str(w->a, d, "avail", "down");
	doc_put_bool(w->a, d, "up_once", false);
	put_instance(w, name, node, d);
}

/* Its agent speaks again, in its present epoch. */
static void speak(struct world *w, const char *name, const struct orch_node *n)
{
	const struct state s = state_of(w);
	struct doc *d = state_instance(&s, name, n->name);

	if (!d)
		return;
	doc_put_int(w->a, d, "lease", (int64_t)n->epoch);
	put_instance(w, name, n->name, d);
}

static void do_lost(struct world *w, const struct line *l)
{
	struct orch_node *n = node_named(w, word(l, 1));

	n->alive = false;
	n->epoch++;
}

static void do_back(struct world *w, const struct line *l)
{
	node_named(w, word(l, 1))->alive = true;
	for (size_t i = 0; i < w->n_services; i++) {
		down_all(w, w->services[i], word(l, 1));
		speak(w, w->services[i], node_named(w, word(l, 1)));
	}
}

static void do_heal(struct world *w, const struct line *l)
{
	node_named(w, word(l, 1))->alive = true;
	for (size_t i = 0; i < w->n_services; i++)
		speak(w, w->services[i], node_named(w, word(l, 1)));
}

static void do_state(struct world *w, const char *name, const char *node,
		     const char *rid, const char *status)
{
	const struct state s = state_of(w);
	struct doc *d = state_instance(&s, name, node);
	struct doc *row = doc_get(doc_get(d, "resources"), rid);

	if (!row) {
		fprintf(stderr, "plan_golden: %s has no %s on %s\n", name, rid,
			node);
		abort();
	}
	doc_put_str(w->a, row, "status", status);
	doc_put_str(w->a, d, "avail", status);
	put_instance(w, name, node, d);
}

static void line_down(struct world *w, const struct line *l)
{
	for (size_t i = 3; i < l->n; i++)
		do_state(w, word(l, 1), word(l, 2), l->at[i], "down");
}

static void line_lacks(struct world *w, const struct line *l)
{
	const struct state s = state_of(w);
	struct doc *d = state_instance(&s, word(l, 1), word(l, 2)), *made;

	for (size_t i = 3; i < l->n; i++) {
		made = doc_put(w->a, doc_get(doc_get(d, "resources"), l->at[i]),
			       "provisioned", doc_map(w->a));
		doc_put_bool(w->a, made, "state", is(l, 0, "has"));
	}
	put_instance(w, word(l, 1), word(l, 2), d);
}

static void line_state(struct world *w, const struct line *l)
{
	do_state(w, word(l, 1), word(l, 2), word(l, 3), word(l, 4));
}

/* "said web hv1 start failed: start fs#1: no such device" */
static void line_said(struct world *w, const struct line *l)
{
	const struct state s = state_of(w);
	const char *rest = strstr(l->text, word(l, 2)) + strlen(word(l, 2)) + 1;
	const char *colon = strchr(rest, ':');
	struct doc *d;

	if (strncmp(rest, "start", 5) == 0)
		down_all(w, word(l, 1), word(l, 2));
	d = state_instance(&s, word(l, 1), word(l, 2));
	if (!d)
		d = doc_map(w->a);
	doc_put_str(
		w->a, d, "state",
		arena_printf(w->a, "%.*s",
			     (int)(colon ? colon - rest : (long)strlen(rest)),
			     rest));
	if (colon)
		doc_put_str(w->a, d, "error", colon + 2);
	doc_put_int(w->a, d, "token",
		    doc_get_int(state_assign(&s, word(l, 1), word(l, 2)),
				"token", 0));
	put_instance(w, word(l, 1), word(l, 2), d);
}

/* Decided, and nothing was done yet. */
static void line_decided(struct world *w, const struct line *l)
{
	const struct state s = state_of(w);
	const char *name = word(l, 1);
	struct orch_in in = orch_now(w, name);
	struct orch_out out = { 0 };
	struct doc *row = state_service(&s, name);
	struct state_key k;

	orchestrate(w->a, &in, &out);
	for (size_t i = 0; i < out.n; i++) {
		if (out.at[i].kind != ORCH_ASSIGN)
			continue;
		k = state_key(name, out.at[i].node);
		state_put(&s, TABLE_ASSIGN, &k,
			  orch_change_doc(w->a, &out.at[i]));
		doc_put_int(w->a, row, "token", (int64_t)out.at[i].token);
	}
	k = state_key(name, NULL);
	state_put(&s, TABLE_SERVICE, &k, row);
}

static void do_why(struct world *w, const struct line *l)
{
	struct orch_in in = orch_now(w, word(l, 1));
	struct err err = { 0 };
	struct doc *d;
	const struct doc *lines;

	buf_printf(w->out, "%s\n", l->text);
	if (why(w->a, &in, l->n > 2 ? l->at[2] : NULL, &d, &err) < 0) {
		buf_printf(w->out, "  refused: %s\n", err.text);
		return;
	}
	lines = doc_get(d, "lines");
	for (size_t i = 0; i < doc_len(lines); i++)
		buf_printf(w->out, "  %s: %s\n",
			   doc_get_str(doc_at(lines, i), "kind", ""),
			   doc_get_str(doc_at(lines, i), "text", ""));
}

static void do_asked(struct world *w, const struct line *l)
{
	ask(w, l, 1);
}

static const struct {
	const char *word;
	void (*run)(struct world *w, const struct line *l);
} rows[] = {
	{ "nodes", do_nodes },	     { "service", do_service },
	{ "lost", do_lost },	     { "back", do_back },
	{ "heal", do_heal },	     { "down", line_down },
	{ "state", line_state },     { "said", line_said },
	{ "decided", line_decided }, { "asked:", do_asked },
	{ "why", do_why },	     { "lacks", line_lacks },
	{ "has", line_lacks },
};

static void run_line(struct world *w, const struct line *l)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (is(l, 0, rows[i].word)) {
			rows[i].run(w, l);
			return;
		}
	if (is(l, 0, "done:"))
		act(w, l, 1, DONE);
	else if (is(l, 0, "plan:"))
		act(w, l, 1, PLAN);
	else
		act(w, l, 0, DO);
}

/* The next line and what belongs to it; NULL at the end. */
static const char *next_line(struct arena *a, const char *text, struct line *l)
{
	struct buf block = BUF(a);
	size_t n;

	while (*text == '\n')
		text++;
	if (!*text)
		return NULL;
	n = strcspn(text, "\n");
	l->text = arena_printf(a, "%.*s", (int)n, text);
	text += n + (text[n] == '\n');
	while (*text == '\t') {
		n = strcspn(text, "\n");
		buf_printf(&block, "%.*s\n", (int)n - 1, text + 1);
		text += n + (text[n] == '\n');
	}
	l->block = buf_text(&block);
	split(a, l);
	return text;
}

static struct db *the_db;

/* Every command that there is, is known to all members. */
static struct doc *all_know(struct world *w)
{
	struct doc *cmd = op_new(w->a, "version_set", 0, NULL);

	doc_put_int(w->a, cmd, "version", STATE_VERSION);
	return cmd;
}

static void show(struct arena *a, const struct golden_case *c, struct buf *out)
{
	struct world w = { .a = a, .out = out, .db = the_db };
	const char *text = c->text;
	struct line l;

	w.txn = txn_begin_write(w.db, NULL);
	if (!w.txn)
		abort();
	apply(&w, all_know(&w));
	while ((text = next_line(a, text, &l)))
		run_line(&w, &l);
	txn_abort(w.txn);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/encap-plan-XXXXXX";
	struct db_options o = { .dir = dir,
				.boot_id = "boot",
				.map_size = 1 << 24 };
	struct err err = { 0 };
	int rc;

	if (!mkdtemp(dir) || db_open(&the_db, &o, &err) < 0) {
		fprintf(stderr, "%s: %s\n", dir, err.text);
		return 1;
	}
	rc = golden_main(argc, argv, show);
	db_close(the_db, true);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return rc;
}
