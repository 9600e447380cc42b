#include "tests/sim/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"

#define PATIENCE_MS 120000 /* until all is as it was asked for */

/* -- services ---------------------------------------------------------------
 */

static const struct {
	const char *name, *text;
} files[SCENE_SERVICES] = {
	{ "web", "encapnodes = vm1\n"
		 "[fs#1]\n"
		 "type = ext4\n"
		 "dev = /dev/sim/web\n"
		 "mnt = /srv/web\n"
		 "[container#0]\n"
		 "type = lxc\n"
		 "name = vm1\n"
		 "[app#1]\n"
		 "type = sim\n"
		 "encap = true\n"
		 "[env]\n"
		 "shared0 = nobody\n" },
	{ "db", "[fs#1]\n"
		"type = ext4\n"
		"dev = /dev/sim/db\n"
		"mnt = /srv/db\n"
		"[app#1]\n"
		"type = forking\n"
		"start = /bin/db\n" },
	{ "api", "parents = db\n"
		 "soft_anti_affinity = db\n"
		 "[app#1]\n"
		 "type = forking\n"
		 "start = /bin/api\n" },
};

static const char *config_of(const struct scene *s, struct arena *a,
			     unsigned service)
{
	struct buf b = BUF(a);

	buf_puts(&b, "[DEFAULT]\nnodes =");
	for (unsigned i = 0; i < s->hosts; i++)
		buf_printf(&b, " hv%u", i + 1);
	buf_printf(&b, "\ntopology = failover\norchestrate = ha\n%s",
		   files[service].text);
	return buf_text(&b);
}

/* All that belongs to it, on the one node where some of it is. */
static bool is_up(const struct scene *s, unsigned i)
{
	const char *name = s->svc[i].name;

	if (world_places(s->w, name) != 1)
		return false;
	for (unsigned k = 0; k < s->hosts; k++) {
		const struct world_node *h = s->hv[k];

		if (i == 0 && world_resource_up(h, name, "fs#1") &&
		    world_resource_up(h, name, "container#0") &&
		    s->vm->host == h && world_resource_up(s->vm, name, "app#1"))
			return true;
		if (i == 1 && world_resource_up(h, name, "fs#1") &&
		    world_resource_up(h, name, "app#1"))
			return true;
		if (i == 2 && world_resource_up(h, name, "app#1"))
			return true;
	}
	return false;
}

static bool is_down(const struct scene *s, unsigned i)
{
	return world_places(s->w, s->svc[i].name) == 0;
}

/* -- small things -----------------------------------------------------------
 */

uint64_t scene_pick(struct scene *s, uint64_t n)
{
	return chance_pick(&s->chance, n);
}

struct world_node *scene_host(struct scene *s)
{
	return s->hv[scene_pick(s, s->hosts)];
}

struct service *scene_service(struct scene *s)
{
	return &s->svc[scene_pick(s, s->services)];
}

bool scene_answers(const struct world_node *n)
{
	return n->agent && n->paused_until_us <= n->world->now_us &&
	       n->asleep_until_us <= n->world->now_us;
}

struct doc *scene_request(struct arena *a, const char *op, const char *name)
{
	struct doc *d = doc_map(a), *by = doc_map(a);

	doc_put_str(a, d, "op", op);
	if (name)
		doc_put_str(a, d, "name", name);
	doc_put_str(a, by, "user", "sim");
	doc_put_str(a, by, "tool", "sim");
	doc_put(a, d, "by", by);
	return d;
}

int scene_code(const struct doc *answer)
{
	return answer ? (int)doc_get_int(answer, "code", -1) : -2;
}

void scene_disturbed(struct scene *s)
{
	for (unsigned i = 0; i < s->services; i++)
		s->svc[i].disturbed = true;
}

/* -- the beginning ----------------------------------------------------------
 */

static void found(struct scene *s)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *addresses = doc_list(a);
	const struct agent_founding f = { "sim", "c1", (int64_t)s->lease_ms,
					  addresses };
	struct world_node *n = s->hv[0];
	struct err err;

	doc_add(a, addresses, doc_str(a, n->name));
	if (agent_found(n->agent, world_node_ms(n), &f, &err) < 0)
		world_fail(s->w, "found: %s", err.text);
	world_run(s->w, 1500);
}

static void join(struct scene *s, struct world_node *n)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *req = scene_request(a, "token_add", NULL), *answer;
	char hash[65];
	struct err err;

	snprintf(hash, sizeof(hash), "%064u", n->slot + 1);
	doc_put_str(a, req, "hash", hash);
	doc_put_int(a, req, "expires", INT64_MAX);
	answer = world_call(s->hv[0], a, req, 5000);
	if (scene_code(answer) == 0) {
		req = scene_request(a, "node_join", n->name);
		doc_put_str(a, req, "hash", hash);
		answer = world_call(s->hv[0], a, req, 5000);
	}
	if (scene_code(answer) != 0) {
		world_fail(s->w, "join: %s",
			   doc_get_str(answer, "err", "no answer"));
		return;
	}
	if (agent_joined(
		    n->agent, world_node_ms(n),
		    (uint64_t)doc_get_int(doc_get(answer, "data"), "id", 0),
		    "c1", &err) < 0)
		world_fail(s->w, "joined: %s", err.text);
	world_run(s->w, 500);
}

static void create(struct scene *s, unsigned service)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *name = s->svc[service].name;
	struct doc *req = scene_request(a, "svc_create", name), *answer;

	doc_put_str(a, req, "config", config_of(s, a, service));
	answer = world_call(s->hv[1], a, req, 20000);
	if (scene_code(answer) != 0)
		world_fail(s->w, "create %s: %s", name,
			   doc_get_str(answer, "err", "no answer"));
}

/* Ask until it is acknowledged. */
static bool insist(struct scene *s, const char *op, const char *name,
		   const char *want, const char *node)
{
	for (unsigned i = 0; i < 40 && !s->w->failure[0]; i++) {
		SCOPED(arena) struct arena *a = arena_new();
		struct world_node *n = s->hv[i % s->hosts];
		struct doc *req = scene_request(a, op, name), *answer;

		if (!scene_answers(n)) {
			world_run(s->w, 500);
			continue;
		}
		if (want) {
			doc_put_str(a, req, "want", want);
			doc_put_str(a, req, "level", "both");
		}
		if (node)
			doc_put_str(a, req, "node", node);
		answer = world_call(n, a, req, 20000);
		if (scene_code(answer) == 0)
			return true;
		world_trace(s->w, "%s %s: %s", op, name ? name : node,
			    doc_get_str(answer, "err", "no answer"));
		world_run(s->w, 500);
	}
	if (!s->w->failure[0])
		world_fail(s->w,
			   "with nothing wrong any more, %s %s is not "
			   "accepted for long",
			   op, name ? name : node);
	return false;
}

static void start_at_first(struct scene *s, unsigned i)
{
	s->svc[i].want_up = true;
	insist(s, "svc_intent", s->svc[i].name, "started", NULL);
	for (uint64_t t = 0; t < 30000 && !is_up(s, i); t += 20)
		if (!world_run(s->w, 20))
			return;
	if (!is_up(s, i))
		world_fail(s->w, "%s does not start", s->svc[i].name);
}

void scene_build(struct scene *s)
{
	for (unsigned i = 0; i < s->hosts; i++)
		world_boot(s->hv[i]);
	found(s);
	for (unsigned i = 1; i < s->hosts && !s->w->failure[0]; i++)
		join(s, s->hv[i]);
	for (unsigned i = 0; i < s->services && !s->w->failure[0]; i++)
		create(s, i);
	for (unsigned i = 0; i < s->services && !s->w->failure[0]; i++)
		start_at_first(s, i);
}

/* -- the end ----------------------------------------------------------------
 */

static bool is_quiet(const struct scene *s)
{
	for (unsigned i = 0; i < s->w->n; i++)
		if (s->w->node[i].up && !scene_answers(&s->w->node[i]))
			return false; /* it stands still, or starts */
	for (unsigned i = 0; i < s->services; i++)
		if (s->svc[i].asking)
			return false;
	return editors_idle(s->editors);
}

/* A person puts right what only a person may. */
static void put_right(struct scene *s)
{
	for (unsigned i = 0; i < s->hosts && !s->w->failure[0]; i++)
		insist(s, "node_thaw", NULL, NULL, s->hv[i]->name);
	for (unsigned i = 0; i < s->services && !s->w->failure[0]; i++) {
		struct service *v = &s->svc[i];

		insist(s, "svc_thaw", v->name, NULL, NULL);
		if ((v->unsure || v->disturbed) && !s->w->failure[0])
			insist(s, "svc_intent", v->name,
			       v->want_up ? "started" : "stopped", NULL);
	}
}

/* A child is down, or waits, where what it needs is to be down. */
static bool is_as_asked(const struct scene *s, unsigned i)
{
	const struct service *v = &s->svc[i];

	if (i == 2 && v->want_up && !s->svc[1].want_up)
		return is_up(s, i) || is_down(s, i);
	return v->want_up ? is_up(s, i) : is_down(s, i);
}

static bool all_as_asked(const struct scene *s, const char **ret)
{
	for (unsigned i = 0; i < s->services; i++)
		if (!is_as_asked(s, i)) {
			*ret = s->svc[i].name;
			return false;
		}
	return true;
}

/* Why it is not, by what the agents say. */
static void tell_status(struct scene *s, const char *name)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *answer =
		world_call(s->hv[0], a, scene_request(a, "status", name), 5000);
	struct buf b = BUF(a);

	doc_json(&b, doc_get(answer, "data"), 0);
	world_trace(s->w, "status: %.500s", buf_text(&b));
}

static void check_services(struct scene *s)
{
	const char *name = NULL;

	for (uint64_t t = 0; t < PATIENCE_MS && !all_as_asked(s, &name);
	     t += 50)
		if (!world_run(s->w, 50))
			return;
	if (all_as_asked(s, &name) || s->w->failure[0])
		return;
	tell_status(s, name);
	world_fail(s->w,
		   "two minutes after the last disaster %s is not as it was "
		   "asked for",
		   name);
}

static void check_edits(struct scene *s)
{
	for (unsigned i = 0; i < s->w->n && !s->w->failure[0]; i++) {
		struct world_node *n = &s->w->node[i];

		if (!n->agent) /* the container's, where it is stopped */
			continue;
		editors_check(s->editors, n);
		editors_compare(s->editors, s->hv[0], n);
	}
}

void scene_end(struct scene *s)
{
	world_trace(s->w, "-- the disasters end --");
	world_calm(s->w);
	for (unsigned i = 0; i < s->hosts; i++) {
		world_boot(s->hv[i]);
		if (!s->hv[i]->agent)
			world_agent_start_in(s->hv[i], 500);
	}
	for (uint64_t t = 0; t < 30000 && !is_quiet(s); t += 20)
		if (!world_run(s->w, 20))
			return;
	if (!is_quiet(s) && !s->w->failure[0])
		world_fail(s->w, "a request is not answered");
	if (!s->w->failure[0])
		put_right(s);
	if (!s->w->failure[0])
		check_services(s);
	world_run(s->w, 5000); /* for all to have what was agreed on last */
	if (!s->w->failure[0])
		check_edits(s);
	if (!s->w->failure[0])
		invariants_end(s->invariants, s->n_troubles + s->hosts);
}

/* -- the whole --------------------------------------------------------------
 */

void scene_begin(struct scene *s, const struct plan *p,
		 void (*tell)(const char *line))
{
	char name[16];
	unsigned drift = plan_get(p, "drift");

	*s = (struct scene){ .plan = p };
	s->w = world_new(p->seed, tell);
	s->hosts = plan_get(p, "hosts");
	s->services = plan_get(p, "services");
	s->lease_ms = plan_get(p, "lease-ms");
	s->w->guarded = plan_get(p, "guard") != 0;
	s->w->snapshot_entries = plan_get(p, "snapshot-after");
	s->w->trailing = s->w->snapshot_entries / 4;
	for (unsigned i = 0; i < s->hosts; i++) {
		snprintf(name, sizeof(name), "hv%u", i + 1);
		s->hv[i] = world_add(s->w, name, false);
	}
	s->vm = world_add(s->w, "vm1", true);
	for (unsigned i = 0; i < s->w->n; i++)
		s->w->node[i].speed = 1000 - drift / 2 +
				      (int64_t)world_random(s->w, drift + 1);
	for (unsigned i = 0; i < s->services; i++)
		s->svc[i].name = files[i].name;
	s->editors = editors_new(s->w, "web");
	s->invariants = invariants_new(s->w);
}

void scene_free(struct scene *s)
{
	world_free(s->w);
	image_free(s->image);
	editors_free(s->editors);
	invariants_free(s->invariants);
}
