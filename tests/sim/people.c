/* What people ask of the services while things go wrong. */
#include <stdlib.h>

#include "cluster/agent/internal.h"
#include "tests/sim/scene.h"

struct asked {
	struct scene *s;
	struct service *v;
	bool intent, up;
	const char *what;
};

static void on_answer(void *arg, struct arena *a, struct doc *answer)
{
	struct asked *e = arg;
	struct service *v = e->v;
	int code = scene_code(answer);

	(void)a;
	if (v)
		v->asking = false;
	if (e->intent && code == OP_OK &&
	    doc_get_bool(doc_get(answer, "data"), "local", false)) {
		v->disturbed = true; /* done there alone, and not agreed */
	} else if (e->intent && code == OP_OK) {
		v->want_up = e->up;
		v->unsure = false;
	} else if (e->intent && code == OP_TIMEOUT) {
		v->unsure = true;
	}
	world_trace(e->s->w, "%s %s: %d %s", e->what, v ? v->name : "", code,
		    doc_get_str(answer, "err", ""));
	free(e);
}

static void ask(struct scene *s, struct service *v, const struct doc *req,
		const struct asked *what)
{
	struct world_node *n = scene_host(s);
	struct asked *e;

	if (!scene_answers(n) || (v && v->asking))
		return;
	e = malloc(sizeof(*e));
	if (!e)
		abort();
	*e = *what;
	e->s = s;
	e->v = v;
	if (v)
		v->asking = true;
	world_trace(s->w, "%s %s at %s", e->what, v ? v->name : "", n->name);
	world_ask(n, req, on_answer, e);
}

static void intend(struct scene *s, const char *want, const char *node,
		   const struct asked *what)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct service *v = scene_service(s);
	struct doc *req = scene_request(a, "svc_intent", v->name);

	doc_put_str(a, req, "want", want);
	doc_put_str(a, req, "level", "both");
	if (node)
		doc_put_str(a, req, "node", node);
	s->n_intents++;
	ask(s, v, req, what);
}

void people_start(struct scene *s)
{
	intend(s, "started", NULL,
	       &(struct asked){ .intent = true, .up = true, .what = "start" });
}

void people_stop(struct scene *s)
{
	intend(s, "stopped", NULL,
	       &(struct asked){ .intent = true, .what = "stop" });
}

void people_move(struct scene *s)
{
	s->n_moves++;
	intend(s, "started", scene_host(s)->name,
	       &(struct asked){ .intent = true, .up = true, .what = "move" });
}

/* They do not wait for what becomes of it. */
void people_hasty(struct scene *s)
{
	for (unsigned i = 0; i < 3; i++) {
		if (scene_pick(s, 4))
			people_move(s);
		else
			people_stop(s);
		world_run(s->w, 5 + scene_pick(s, 150));
	}
}

static bool leads_something(const struct world_node *n)
{
	uint64_t gids[16];
	size_t k = n->agent ? engine_groups(n->agent->engine, gids, 16) : 0;
	struct engine_info e;

	while (k--)
		if (engine_info(n->agent->engine, gids[k], &e) && e.is_leader)
			return true;
	return false;
}

static struct world_node *some_leader(struct scene *s)
{
	unsigned first = (unsigned)scene_pick(s, s->hosts);

	for (unsigned i = 0; i < s->hosts; i++)
		if (leads_something(s->hv[(first + i) % s->hosts]))
			return s->hv[(first + i) % s->hosts];
	return s->hv[first];
}

/* What a leader was about to decide comes to its successor, which has decided
 * otherwise since. */
void people_tangle(struct scene *s)
{
	struct world_node *n = some_leader(s);

	s->n_troubles++;
	n->late_us = 300000;
	n->late_until_us = s->w->now_us + 4000000;
	world_trace(s->w, "%s: hears everything late, then nothing", n->name);
	people_move(s);
	world_run(s->w, 1000 + scene_pick(s, 1500));
	n->cut = true;
	world_run(s->w, 1500 + scene_pick(s, 2500));
	people_move(s);
	world_run(s->w, 500 + scene_pick(s, 1500));
	n->cut = false;
}

void people_restart(struct scene *s)
{
	intend(s, "restart", NULL,
	       &(struct asked){
		       .intent = true, .up = true, .what = "restart" });
}

static void about_service(struct scene *s, const char *op)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct service *v = scene_service(s);

	ask(s, v, scene_request(a, op, v->name), &(struct asked){ .what = op });
}

void people_freeze(struct scene *s)
{
	about_service(s, "svc_freeze");
}

void people_thaw(struct scene *s)
{
	about_service(s, "svc_thaw");
}

static void about_node(struct scene *s, const char *op)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *req = scene_request(a, op, NULL);

	doc_put_str(a, req, "node", scene_host(s)->name);
	ask(s, NULL, req, &(struct asked){ .what = op });
}

void people_node_freeze(struct scene *s)
{
	about_node(s, "node_freeze");
}

void people_node_thaw(struct scene *s)
{
	about_node(s, "node_thaw");
}

/* One resource alone is started or stopped. */
void people_part(struct scene *s)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct service *v = scene_service(s);
	struct doc *req = scene_request(a, "svc_act", v->name);

	doc_put_str(a, req, "action", scene_pick(s, 2) ? "stop" : "start");
	doc_put_str(a, req, "rid", scene_pick(s, 2) ? "app#1" : "fs#1");
	doc_put_str(a, req, "node", scene_host(s)->name);
	doc_put_str(a, req, "level", "hypervisor");
	v->disturbed = true;
	ask(s, v, req, &(struct asked){ .what = "part of" });
}

void people_edit(struct scene *s)
{
	for (unsigned i = 0; i < 3; i++)
		editors_act(s->editors, &s->chance);
}
