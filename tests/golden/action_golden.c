/*
 * What a node does with its resources: an env file and what is asked in, the
 * actions in their order and the reasons out. The hypervisor and the agents in
 * its containers are simulated around the reconciler: what it orders goes well
 * unless the case says otherwise.
 *
 *     @node: NAME            whose view it is (hv1)
 *     @want: up|down|nothing the assignment (up)
 *     @encap: up|down|nothing  that of the containers (as @want)
 *     @flags: WORD...        was_up frozen standby (asked for once)
 *     @up: RID...            what is up at the beginning, of either level
 *     @status: RID=STATUS    ... or in another state (na, warn, undef)
 *     @fail: RID.OP...       the operations that fail: start, stop, hook,
 *                            provision, unprovision
 *     @dead: NODE...         containers whose agent does not answer
 *     @then: PHASE; PHASE... what happens once all has come to rest:
 *         fall RID...        it is down now
 *         want up|down       other assignments; of one level: master, encap
 *         hold RID=up|down|restart|keep|provision|make|unprovision...
 *                            what a person asks of some
 *         provision          of all, both levels; unprovision: likewise, and
 *                            with another assignment, down
 *         release            nothing of the hypervisor's is held any more
 *         mend               nothing fails any more
 *         freeze, kill
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/plan/actions.h"
#include "fsm/plan/reconcile.h"
#include "tests/golden/golden.h"

#define VMS	   4
#define ROUNDS	   400
#define TIMEOUT_MS 20000

struct node {
	struct instance inst;
	struct probe *probes;
	struct recon_memory *memory;
	struct recon_hooks *hooks;
	enum hold *holds;
	enum want want;
	bool was_up, halted, dead, told;
	const char *word, *error, *act_error, *whole;
	uint64_t token;
};

struct scene {
	struct arena *a;
	struct buf *out;
	struct node hv, vm[VMS];
	size_t n_vm;
	const char *fail;
	bool frozen, standby, kill;
	int64_t now_ms;
};

/* -- words ------------------------------------------------------------------
 */

static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (list && *list) {
		size_t n = strcspn(list, " ");

		if (n == len && memcmp(list, word, len) == 0)
			return true;
		list += n + strspn(list + n, " ");
	}
	return false;
}

static enum want want_of(const char *word)
{
	if (!word || strcmp(word, "up") == 0)
		return WANT_UP;
	return strcmp(word, "down") == 0 ? WANT_DOWN : WANT_NOTHING;
}

static enum hold hold_of(const char *word)
{
	static const char *const words[] = { "",     "up",
					     "down", "restart",
					     "keep", "provision",
					     "make", "unprovision" };

	for (size_t i = 0; i < 8; i++)
		if (strcmp(words[i], word) == 0)
			return (enum hold)i;
	abort();
}

static enum status status_of(const char *word)
{
	return strcmp(word, "na") == 0 ? STATUS_NA : status_parse(word);
}

/* -- nodes ---------------------------------------------------------------- */

static bool node_begin(struct scene *s, struct node *n, const struct conf *c,
		       const char *name, enum level level)
{
	struct err err = { 0 };

	if (instance_eval(s->a, c, "web", name, level, &n->inst, &err) < 0) {
		buf_printf(s->out, "%s: %s\n", name, err.text);
		return false;
	}
	n->probes = ARENA_VEC(s->a, struct probe, n->inst.n + 1);
	n->memory = ARENA_VEC(s->a, struct recon_memory, n->inst.n + 1);
	n->hooks = ARENA_VEC(s->a, struct recon_hooks, n->inst.n_subsets + 1);
	n->holds = ARENA_VEC(s->a, enum hold, n->inst.n + 1);
	n->word = "idle";
	n->token = 1;
	for (size_t i = 0; i < n->inst.n; i++)
		n->probes[i] = (struct probe){ .status = STATUS_DOWN,
					       .label = "",
					       .log = "" };
	return true;
}

static void node_forget(struct node *n)
{
	memset(n->memory, 0, n->inst.n * sizeof(*n->memory));
	memset(n->hooks, 0, (n->inst.n_subsets + 1) * sizeof(*n->hooks));
	n->was_up = false;
	n->error = n->act_error = NULL;
}

/* The status of a resource at the level where it is driven. */
static struct probe *probe_of(struct scene *s, const char *rid)
{
	for (size_t i = 0; i < s->hv.inst.n; i++)
		if (strcmp(s->hv.inst.res[i].rid, rid) == 0 &&
		    !s->hv.inst.res[i].encap)
			return &s->hv.probes[i];
	for (size_t v = 0; v < s->n_vm; v++)
		for (size_t i = 0; i < s->vm[v].inst.n; i++)
			if (strcmp(s->vm[v].inst.res[i].rid, rid) == 0)
				return &s->vm[v].probes[i];
	fprintf(stderr, "no resource %s\n", rid);
	abort();
}

static struct node *node_in(struct scene *s, const struct resource *r)
{
	for (size_t v = 0; v < s->n_vm; v++)
		if (r->encapnode &&
		    strcmp(s->vm[v].inst.node, r->encapnode) == 0)
			return &s->vm[v];
	return NULL;
}

static bool any_up(const struct node *n)
{
	for (size_t i = 0; i < n->inst.n; i++)
		if (n->probes[i].status == STATUS_UP && !n->inst.res[i].standby)
			return true;
	return false;
}

static const struct doc *said(struct scene *s, const struct node *n)
{
	struct doc *d = doc_map(s->a);

	if (!n->told)
		return NULL;
	doc_put_int(s->a, d, "token", (int64_t)n->token);
	doc_put_str(s->a, d, "state", n->word);
	doc_put_str(s->a, d, "avail", any_up(n) ? "up" : "down");
	if (n->was_up)
		doc_put_bool(s->a, d, "up_once", true);
	if (n->halted)
		doc_put_bool(s->a, d, "halted", true);
	if (n->error)
		doc_put_str(s->a, d, "error", n->error);
	if (n->act_error)
		doc_put_str(s->a, d, "act_error", n->act_error);
	return d;
}

static bool is_running(struct scene *s, const struct node *vm)
{
	for (size_t i = 0; i < s->hv.inst.n; i++)
		if (node_in(s, &s->hv.inst.res[i]) == vm)
			return s->hv.probes[i].status == STATUS_UP;
	return false;
}

static size_t views(struct scene *s, struct encap_view *v)
{
	size_t n = 0;

	for (size_t i = 0; i < s->hv.inst.n; i++) {
		struct node *vm = node_in(s, &s->hv.inst.res[i]);

		if (!vm || n == VMS)
			continue;
		v[n++] = (struct encap_view){
			.rid = s->hv.inst.res[i].rid,
			.connected = is_running(s, vm) && !vm->dead,
			.want = vm->want,
			.token = vm->token,
			.status = said(s, vm),
			.since_ms = vm->dead ? TIMEOUT_MS : 0,
		};
	}
	return n;
}

/* -- what is done ------------------------------------------------------------
 */

static bool fails(const struct scene *s, const char *what, const char *op)
{
	char word[128];

	snprintf(word, sizeof(word), "%s.%s", what, op);
	return list_has(s->fail, word);
}

static void show_triggers(struct scene *s, const char *const *kw,
			  const char *action, bool after)
{
	for (int blocking = 0; blocking < 2; blocking++) {
		const char *cmd = actions_trigger(kw, action, after, blocking);

		if (cmd)
			buf_printf(s->out, "         %s%s_%s: %s\n",
				   blocking ? "blocking_" : "",
				   after ? "post" : "pre", action, cmd);
	}
}

static void container_went(struct scene *s, const struct resource *r)
{
	struct node *vm = node_in(s, r);

	if (!vm)
		return;
	for (size_t i = 0; i < vm->inst.n; i++)
		vm->probes[i].status = STATUS_DOWN;
	node_forget(vm);
	vm->halted = vm->told = false;
	vm->word = "idle";
}

static void act_hook(struct scene *s, struct node *n, const struct recon_in *in,
		     const struct recon_action *act)
{
	const struct subset *sub =
		act->res ? &n->inst.subsets[act->res - 1] : NULL;
	const char *name =
		sub ? arena_printf(s->a, "%s:%s", sub->group, sub->name)
		    : "service";

	buf_printf(s->out, "%-5s %s of %s\n", n->inst.node,
		   act->after ? "post" : "pre", name);
	show_triggers(s, sub ? sub->kw : n->inst.kw, act->action, act->after);
	recon_assume(in, act, n->probes);
	if (!fails(s, name, act->after ? "post" : "pre"))
		return;
	buf_puts(s->out, "         ... fails\n");
	n->hooks[act->res].failed = true;
	n->hooks[act->res].error = "the trigger failed";
}

static void act_one(struct scene *s, struct node *n, const struct recon_in *in,
		    const struct recon_action *act, bool together)
{
	const struct resource *r = &n->inst.res[act->res];
	struct recon_memory *m = &n->memory[act->res];
	const char *op = recon_op_word(act->op);

	buf_printf(s->out, "%-5s %s%s %s: %s\n", n->inst.node,
		   together ? "+ " : "", op, r->rid, act->why);
	if (act->op == RECON_START && ((n->was_up && !m->asked) || m->done))
		m->last_ms = s->now_ms;
	if (act->op != RECON_KILL)
		show_triggers(s, r->common, op, false);
	if (fails(s, r->rid, op)) {
		buf_puts(s->out, "         ... fails\n");
		if (act->op == RECON_START &&
		    ((n->was_up && !m->asked) || m->done))
			m->restarts++;
		m->rung = recon_rung(act->op, m->rung);
		if (act->op == RECON_UNPROVISION)
			m->unmade = true;
		else if (act->op != RECON_PROVISION)
			m->done = false;
		if (act->op == RECON_START || act->op == RECON_PROVISION)
			m->start_failed = true;
		else if (act->op != RECON_UNPROVISION)
			m->stop_failed = true;
		m->error = arena_printf(s->a, "%s%s%s %s failed",
					m->rung ? m->error : "",
					m->rung ? "; " : "", op, r->rid);
		return;
	}
	recon_assume(in, act, n->probes);
	if (act->op != RECON_KILL)
		show_triggers(s, r->common, op, true);
	if (act->op == RECON_STOP || act->op == RECON_KILL)
		container_went(s, r);
}

static void show_end(struct scene *s, const struct node *n,
		     const struct recon_out *out)
{
	if (out->note)
		buf_printf(s->out, "%-5s note: %s\n", n->inst.node, out->note);
	if (out->state == RECON_FAILED)
		buf_printf(s->out, "%-5s %s: %s\n", n->inst.node, out->word,
			   out->wait);
	if (n->act_error)
		buf_printf(s->out, "%-5s what was asked failed: %s\n",
			   n->inst.node, n->act_error);
	if (out->monitor)
		buf_printf(s->out,
			   "%-5s monitor: %s; %s, on a node that may "
			   "be rebooted %s\n",
			   n->inst.node, out->monitor,
			   actions_monitor(&n->inst, false),
			   actions_monitor(&n->inst, true));
}

static void pass_acts(struct scene *s, struct node *n,
		      const struct recon_in *in, const struct recon_out *out)
{
	for (size_t i = 0; i < out->n; i++) {
		if (out->at[i].op == RECON_HOOK)
			act_hook(s, n, in, &out->at[i]);
		else
			act_one(s, n, in, &out->at[i], out->n > 1);
	}
}

/* True if anything was done or waited for in it. */
static bool pass(struct scene *s, struct node *n, struct recon_out *out)
{
	struct encap_view v[VMS];
	struct recon_in in;

	/* As the executor does when it has looked. */
	for (size_t i = 0; n->was_up && i < n->inst.n; i++)
		if (n->probes[i].status == STATUS_UP)
			n->memory[i].restarts = 0;
	in = (struct recon_in){
		.inst = &n->inst,
		.want = n->halted ? WANT_DOWN : n->want,
		.kill = s->kill && n == &s->hv,
		.frozen = s->frozen,
		.standby = s->standby,
		.probes = n->probes,
		.encaps = v,
		.n_encaps = n == &s->hv ? views(s, v) : 0,
		.was_up = n->was_up,
		.holds = n->holds,
		.whole = n->whole,
		.memory = n->memory,
		.hooks = n->hooks,
		.agent_timeout_ms = TIMEOUT_MS,
		.now_ms = s->now_ms,
	};

	reconcile(s->a, &in, out);
	n->word = out->word;
	n->told = true;
	if (out->act_error)
		n->act_error = out->act_error;
	if (out->error)
		n->error = out->error;
	for (size_t i = 0; out->error && i < n->inst.n; i++)
		if (n->memory[i].start_failed && !n->memory[i].error)
			n->memory[i].error = out->error;
	pass_acts(s, n, &in, out);
	if (out->note && out->n)
		buf_printf(s->out, "%-5s note: %s\n", n->inst.node, out->note);
	if (out->halt) {
		for (size_t i = 0; i < n->inst.n; i++)
			if (strcmp(n->inst.res[i].rid, out->halt) == 0 &&
			    !node_in(s, &n->inst.res[i])->halted) {
				struct node *vm = node_in(s, &n->inst.res[i]);

				buf_printf(s->out, "%-5s halt %s: %s\n",
					   n->inst.node, vm->inst.node,
					   out->wait);
				node_forget(vm);
				vm->halted = true;
				return true;
			}
	}
	if (out->state == RECON_SETTLED && in.want == WANT_UP && !in.kill)
		n->was_up = true;
	return out->n > 0;
}

/* Until nothing comes of it any more. */
static void rest(struct scene *s)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct recon_out out, inner[VMS];
		bool moved = pass(s, &s->hv, &out);
		int64_t pause = out.again_ms;

		for (size_t v = 0; v < s->n_vm; v++) {
			inner[v] = (struct recon_out){ 0 };
			if (!is_running(s, &s->vm[v]) || s->vm[v].dead)
				continue;
			moved = pass(s, &s->vm[v], &inner[v]) || moved;
			if (inner[v].again_ms &&
			    (!pause || inner[v].again_ms < pause))
				pause = inner[v].again_ms;
		}
		if (moved)
			continue;
		if (pause && i + 1 < ROUNDS) {
			buf_printf(s->out, "      after %lld ms\n",
				   (long long)pause);
			s->now_ms += pause;
			continue;
		}
		/* Once more, in the light of what the others have said. */
		moved = pass(s, &s->hv, &out);
		if (moved)
			continue;
		show_end(s, &s->hv, &out);
		for (size_t v = 0; v < s->n_vm; v++)
			show_end(s, &s->vm[v], &inner[v]);
		if (out.state == RECON_WAIT)
			buf_printf(s->out, "%-5s waits: %s\n", s->hv.inst.node,
				   out.wait);
		return;
	}
	buf_puts(s->out, "it never comes to rest\n");
}

/* -- phases ------------------------------------------------------------------
 */

static void each(struct scene *s, const char *words,
		 void (*fn)(struct scene *s, const char *rid,
			    const char *value))
{
	char *copy = arena_printf(s->a, "%s", words ? words : ""), *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w;
	     w = strtok_r(NULL, " ", &save)) {
		char *eq = strchr(w, '=');

		if (eq)
			*eq++ = '\0';
		fn(s, w, eq ? eq : "");
	}
}

static void set_status(struct scene *s, const char *rid, const char *value)
{
	probe_of(s, rid)->status = status_of(value);
}

static void set_up(struct scene *s, const char *rid, const char *value)
{
	(void)value;
	probe_of(s, rid)->status = STATUS_UP;
}

static void set_down(struct scene *s, const char *rid, const char *value)
{
	(void)value;
	probe_of(s, rid)->status = STATUS_DOWN;
	for (size_t i = 0; i < s->hv.inst.n; i++)
		if (strcmp(s->hv.inst.res[i].rid, rid) == 0)
			container_went(s, &s->hv.inst.res[i]);
}

static void hold_node(struct node *n, const char *rid, enum hold hold)
{
	for (size_t i = 0; i < n->inst.n; i++) {
		if (strcmp(n->inst.res[i].rid, rid) != 0)
			continue;
		n->holds[i] = hold;
		n->memory[i] = (struct recon_memory){ .asked = true };
		n->act_error = NULL;
	}
}

static void set_hold(struct scene *s, const char *rid, const char *value)
{
	hold_node(&s->hv, rid, hold_of(value));
	for (size_t v = 0; v < s->n_vm; v++)
		hold_node(&s->vm[v], rid, hold_of(value));
}

static void release(struct node *n)
{
	for (size_t i = 0; i < n->inst.n; i++)
		if (n->holds[i] != HOLD_NOT)
			hold_node(n, n->inst.res[i].rid, HOLD_NOT);
}

static void assign(struct node *n, const char *want)
{
	n->want = want_of(want);
	n->token++;
	n->halted = false;
	node_forget(n);
}

/* As the command of the log does (fsm/op/provision.c). */
static void hold_all(struct node *n, const char *action)
{
	bool provision = strcmp(action, "provision") == 0;

	assign(n, provision ? "up" : "down");
	n->whole = action;
	for (size_t i = 0; i < n->inst.n; i++) {
		const struct resource *r = &n->inst.res[i];
		const char *no = kw_find(r->common, action);

		if (!actions_may_touch(&n->inst, r))
			continue;
		n->holds[i] = hold_of(action);
		if (no && strcmp(no, "false") == 0)
			n->holds[i] = provision ? HOLD_UP : HOLD_DOWN;
	}
}

static void make_all(struct scene *s, const char *action)
{
	hold_all(&s->hv, action);
	for (size_t v = 0; v < s->n_vm; v++)
		hold_all(&s->vm[v], action);
}

static bool assign_levels(struct scene *s, const char *what, size_t len,
			  const char *want)
{
	bool both = strncmp(what, "want", len) == 0;
	bool hv = both || strncmp(what, "master", len) == 0;
	bool encap = both || strncmp(what, "encap", len) == 0;

	if (hv)
		assign(&s->hv, want);
	for (size_t v = 0; encap && v < s->n_vm; v++)
		assign(&s->vm[v], want);
	return hv || encap;
}

static void phase(struct scene *s, const char *what)
{
	const char *arg = what + strcspn(what, " ");
	size_t len = (size_t)(arg - what);

	arg += strspn(arg, " ");
	buf_printf(s->out, "-- %s\n", what);
	if (strncmp(what, "fall", len) == 0)
		each(s, arg, set_down);
	else if (strncmp(what, "hold", len) == 0)
		each(s, arg, set_hold);
	else if (strncmp(what, "release", len) == 0)
		release(&s->hv);
	else if (strncmp(what, "mend", len) == 0)
		s->fail = NULL;
	else if (strncmp(what, "freeze", len) == 0)
		s->frozen = true;
	else if (strncmp(what, "kill", len) == 0)
		s->kill = true;
	else if (strcmp(what, "provision") == 0 ||
		 strcmp(what, "unprovision") == 0)
		make_all(s, what);
	else if (!assign_levels(s, what, len, arg))
		abort();
	rest(s);
}

static void phases(struct scene *s, const char *text)
{
	while (text && *text) {
		size_t n = strcspn(text, ";");

		phase(s, arena_printf(s->a, "%.*s", (int)n, text));
		text += n + (text[n] == ';');
		text += strspn(text, " ");
	}
}

static bool begin(struct scene *s, const struct conf *c, const char *text)
{
	const char *node = golden_setting(s->a, text, "node");
	const char *want = golden_setting(s->a, text, "want");
	const char *encap = golden_setting(s->a, text, "encap");
	const char *flags = golden_setting(s->a, text, "flags");
	const char *dead = golden_setting(s->a, text, "dead");
	const struct names *vms;

	if (!node_begin(s, &s->hv, c, node ? node : "hv1", LEVEL_HYPERVISOR))
		return false;
	s->hv.want = want_of(want);
	vms = &s->hv.inst.conf.encapnodes;
	for (size_t v = 0; v < vms->n && v < VMS; v++) {
		struct node *vm = &s->vm[s->n_vm++];

		if (!node_begin(s, vm, c, vms->at[v], LEVEL_ENCAP))
			return false;
		vm->want = want_of(encap ? encap : want);
		vm->dead = list_has(dead, vms->at[v]);
	}
	s->hv.was_up = list_has(flags, "was_up");
	for (size_t v = 0; v < s->n_vm; v++)
		s->vm[v].was_up = s->hv.was_up;
	s->frozen = list_has(flags, "frozen");
	s->standby = list_has(flags, "standby");
	s->fail = golden_setting(s->a, text, "fail");
	each(s, golden_setting(s->a, text, "up"), set_up);
	each(s, golden_setting(s->a, text, "status"), set_status);
	return true;
}

static void show(struct arena *a, const struct golden_case *c, struct buf *out)
{
	struct scene s = { .a = a, .out = out, .now_ms = 1000 };
	const char *body = golden_body(c->text);
	struct problems p = { .arena = a };
	struct conf *conf = conf_parse(a, body, strlen(body), &p);

	if (conf)
		conf_validate(a, conf, "web", &p);
	for (size_t i = 0; i < p.n; i++)
		if (p.at[i].fatal)
			buf_printf(out, "%s\n", p.at[i].text);
	if (!conf || p.fatal || !begin(&s, conf, c->text))
		return;
	rest(&s);
	phases(&s, golden_setting(a, c->text, "then"));
	if (!out->len)
		buf_puts(out, "nothing\n");
}

int main(int argc, char **argv)
{
	return golden_main(argc, argv, show);
}
