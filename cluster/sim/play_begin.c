/*
 * Before the scenario: the cluster is founded, its nodes join one by one, the
 * services are made and started. The scenario's time begins when all of them
 * are up, or after a while.
 */
#include <stdio.h>
#include <string.h>

#include "cluster/sim/play_internal.h"
#include "fsm/conf/text.h"

#define SETTLE_MS 60000

static struct doc *request(struct play *p, const char *op)
{
	struct doc *d = doc_map(p->arena), *by = doc_map(p->arena);

	doc_put_str(p->arena, d, "op", op);
	doc_put_str(p->arena, by, "user", "somebody");
	doc_put_str(p->arena, by, "tool", "simulate");
	doc_put(p->arena, d, "by", by);
	return d;
}

/* The answer to what must go well; NULL, having stopped. */
static struct doc *must(struct play *p, struct world_node *n,
			const struct doc *req)
{
	const char *op = doc_get_str(req, "op", "");
	struct doc *answer =
		n && n->agent ? world_call(n, p->arena, req, 20000) : NULL;

	if (answer && doc_get_int(answer, "code", -1) == 0)
		return answer;
	play_stop(p, "%s %s: %s", op, doc_get_str(req, "name", ""),
		  doc_get_str(answer, "err", "there is no answer"));
	return NULL;
}

static bool found(struct play *p)
{
	struct world_node *n = &p->w->node[0];
	struct doc *addresses = doc_list(p->arena);
	struct agent_founding f = { .cluster = "simulated",
				    .cluster_id = "simulated",
				    .lease_ms = p->setup->lease_ms,
				    .addresses = addresses };
	struct err err;

	doc_add(p->arena, addresses, doc_str(p->arena, n->name));
	if (agent_found(n->agent, world_node_ms(n), &f, &err) < 0)
		return play_stop(p, "the cluster: %s", err.text);
	return play_pass(p, 1500);
}

bool play_is_witness(const struct play *p, const struct world_node *n)
{
	return names_have(&p->setup->witnesses, n->name);
}

/* A machine more. */
bool play_join(struct play *p, struct world_node *n)
{
	const char *hash = arena_printf(p->arena, "%064u", n->slot + 1);
	bool witness = play_is_witness(p, n);
	struct doc *req = request(p, "token_add"), *answer;
	struct err err;

	doc_put_str(p->arena, req, "hash", hash);
	doc_put_int(p->arena, req, "expires", INT64_MAX);
	if (!must(p, play_first(p), req))
		return false;
	req = request(p, "node_join");
	doc_put_str(p->arena, req, "hash", hash);
	doc_put_str(p->arena, req, "name", n->name);
	if (witness)
		doc_put_bool(p->arena, req, "witness", true);
	answer = must(p, play_first(p), req);
	if (!answer)
		return false;
	if (witness)
		agent_be_witness(n->agent);
	if (agent_joined(
		    n->agent, world_node_ms(n),
		    (uint64_t)doc_get_int(doc_get(answer, "data"), "id", 0),
		    "simulated", &err) < 0)
		return play_stop(p, "%s: %s", n->name, err.text);
	return play_pass(p, 300);
}

static bool create(struct play *p, const struct setup_service *s)
{
	struct doc *req = request(p, "svc_create");

	if (!play_containers(p, s->name, s->config))
		return false;
	play_service_add(p, s->name);
	doc_put_str(p->arena, req, "name", s->name);
	doc_put_str(p->arena, req, "config", s->config);
	return must(p, &p->w->node[0], req) != NULL;
}

static bool configure(struct play *p)
{
	struct doc *req = request(p, "cluster_configure");

	if (!p->setup->config)
		return true;
	doc_put_str(p->arena, req, "config", p->setup->config);
	return must(p, &p->w->node[0], req) != NULL;
}

static bool start(struct play *p, struct play_service *s)
{
	struct doc *req = request(p, "svc_intent");

	doc_put_str(p->arena, req, "name", s->name);
	doc_put_str(p->arena, req, "want", "started");
	doc_put_str(p->arena, req, "level", "both");
	return must(p, &p->w->node[0], req) != NULL;
}

static bool all_up(const struct play *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (!p->services[i].where[0])
			return false;
	return true;
}

static bool start_all(struct play *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (!start(p, &p->services[i]))
			return false;
	for (unsigned t = 0; t < SETTLE_MS && !all_up(p); t += 100)
		if (!play_pass(p, 100))
			return false;
	return true;
}

/* From here on it is told. */
static void begin(struct play *p, bool started)
{
	play_watch(p);
	p->begun = true;
	p->r->diary.zero_us = p->acted_us = p->w->now_us;
	PLAY_SAY(p, DIARY_CLUSTER, p->leader, NULL, "leads the cluster");
	for (size_t i = 0; i < p->n; i++) {
		struct play_service *s = &p->services[i];

		play_service_wanted(p, s, started);
		PLAY_SAY(p, DIARY_SERVICE, NULL, s->name, "%s%s",
			 s->where[0] ? "up on " : "down", s->where);
	}
}

bool play_begin(struct play *p)
{
	const struct setup *s = p->setup;
	bool stopped = false, on;

	for (size_t i = 0; i < p->scenario->n; i++)
		stopped |= p->scenario->at[i].act == ACT_BEGIN_STOPPED;
	play_hooks(p);
	p->w->guarded = true;
	for (size_t i = 0; i < s->nodes.n; i++)
		world_boot(world_add(p->w, s->nodes.at[i], false));
	for (size_t i = 0; i < s->witnesses.n; i++) {
		struct world_node *n =
			world_add(p->w, s->witnesses.at[i], false);

		n->keyless = true;
		world_boot(n);
	}
	on = found(p);
	for (unsigned i = 1; i < s->nodes.n + s->witnesses.n && on; i++)
		on = play_join(p, &p->w->node[i]);
	on = on && configure(p);
	for (size_t i = 0; i < s->n && on; i++)
		on = create(p, &s->services[i]);
	/* For every standby to be a voter, and have a lease. */
	on = on && play_pass(p, 3000) && (stopped || start_all(p)) &&
	     play_pass(p, 1000);
	begin(p, !stopped);
	return on;
}
