/*
 * What is expected: looked at again and again while the time that was given
 * for it passes, and then for as long as it has to stay so.
 */
#include <stdio.h>
#include <string.h>

#include "cluster/agent/internal.h"
#include "cluster/sim/play_internal.h"

#define LOOK_MS	    20
#define ANSWERED_MS 10000 /* for an answer to come, if no time is given */

typedef bool (*held_fn)(struct play *p, const struct scenario_step *s,
			struct buf *is);

static bool service_held(struct play *p, const struct scenario_step *s,
			 struct buf *is)
{
	const struct play_service *v = play_service(p, s->service);
	bool up = strcmp(s->word, "up") == 0;

	if (!v) {
		buf_printf(is, "there is no service %s", s->service);
		return false;
	}
	if (v->where[0])
		buf_printf(is, "it is up on %s", v->where);
	else
		buf_puts(is, "it is up nowhere");
	for (size_t i = 0; i < s->on.n; i++) {
		const struct world_node *n = play_node(p, s->on.at[i]);

		if (!n || play_up_on(v, n) != up)
			return false;
	}
	return s->on.n || (v->where[0] != '\0') == up;
}

static bool res_up(const struct play *p, const struct scenario_step *s,
		   const struct world_node *only)
{
	for (unsigned i = 0; i < p->w->n; i++)
		if ((!only || only == &p->w->node[i]) &&
		    world_resource_up(&p->w->node[i], s->service, s->rid))
			return true;
	return false;
}

static bool resource_held(struct play *p, const struct scenario_step *s,
			  struct buf *is)
{
	bool up = strcmp(s->word, "up") == 0;

	for (unsigned i = 0; i < p->w->n; i++)
		if (world_resource_up(&p->w->node[i], s->service, s->rid))
			buf_printf(is, "%s%s", is->len ? " " : "it is up on ",
				   p->w->node[i].name);
	if (!is->len)
		buf_puts(is, "it is up nowhere");
	for (size_t i = 0; i < s->on.n; i++) {
		const struct world_node *n = play_node(p, s->on.at[i]);

		if (!n || res_up(p, s, n) != up)
			return false;
	}
	return s->on.n || res_up(p, s, NULL) == up;
}

static bool node_held(struct play *p, const struct scenario_step *s,
		      struct buf *is)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct world_node *n = NULL;
	const char *state = "";
	struct txn *t;

	for (unsigned i = 0; i < p->w->n; i++)
		if (p->w->node[i].agent && !p->w->node[i].container &&
		    !play_is_witness(p, &p->w->node[i]) &&
		    (!n || agent_has_leader(p->w->node[i].agent)))
			n = &p->w->node[i];
	t = n ? txn_begin_read(n->db, NULL) : NULL;
	if (!t) {
		buf_puts(is, "nobody is there to say so");
		return false;
	}
	state = doc_get_str(
		state_node_named(&(struct state){ t, CLUSTER_GROUP, a },
				 s->nodes.at[0]),
		"state", "none");
	buf_printf(is, "it is %s", state);
	txn_abort(t);
	return strcmp(state, strcmp(s->word, "alive") == 0 ? "up" : "lost") ==
	       0;
}

static bool leader_held(struct play *p, const struct scenario_step *s,
			struct buf *is)
{
	play_watch(p);
	buf_printf(is, "%s leads", p->leader ? p->leader : "nobody");
	if (s->word)
		return !p->leader;
	return p->leader && (!s->on.n || strcmp(p->leader, s->on.at[0]) == 0);
}

static bool answer_held(struct play *p, const struct scenario_step *s,
			struct buf *is)
{
	const struct play_ask *k = p->ask;

	if (!k || !k->answered) {
		buf_puts(is,
			 k ? "there is no answer" : "nothing was asked for");
		return false;
	}
	buf_puts(is, k->code ? k->err : "it was done");
	if (s->act == ACT_EXPECT_DONE)
		return k->code == 0;
	return k->code != 0 && (!s->rest || strstr(k->err, s->rest));
}

static bool said_held(struct play *p, const struct scenario_step *s,
		      struct buf *is)
{
	play_watch(p);
	buf_puts(is, "nothing like it was said");
	return diary_says(&p->r->diary, p->acted_us, s->rest);
}

static held_fn held_of(const struct scenario_step *s)
{
	if (s->act == ACT_EXPECT_SERVICE)
		return service_held;
	if (s->act == ACT_EXPECT_RESOURCE)
		return resource_held;
	if (s->act == ACT_EXPECT_NODE)
		return node_held;
	if (s->act == ACT_EXPECT_LEADER)
		return leader_held;
	return s->act == ACT_EXPECT_SAID ? said_held : answer_held;
}

static bool holds(struct play *p, const struct scenario_step *s,
		  const char **ret_is)
{
	struct buf is = BUF(p->arena);
	bool yes = held_of(s)(p, s, &is);

	*ret_is = buf_text(&is);
	return yes;
}

static void tell(struct play *p, const struct scenario_step *s, bool met,
		 const char *is, uint64_t us)
{
	if (met)
		p->r->met++;
	else
		p->r->failed++;
	if (met && us >= 1000)
		PLAY_SAY(p, DIARY_MET, NULL, NULL, "%s (after %.1f s)", s->text,
			 (double)us / 1e6);
	else if (met)
		PLAY_SAY(p, DIARY_MET, NULL, NULL, "%s", s->text);
	else
		PLAY_SAY(p, DIARY_FAILED, NULL, NULL, "line %u: %s: %s",
			 s->line, s->text, is);
}

bool play_expect(struct play *p, const struct scenario_step *s)
{
	uint64_t begin = p->w->now_us, within = (uint64_t)s->within_ms * 1000;
	uint64_t after = 0, until;
	const char *is;
	bool yes;

	if (!within &&
	    (s->act == ACT_EXPECT_DONE || s->act == ACT_EXPECT_REFUSED))
		within = ANSWERED_MS * 1000;
	while (!(yes = holds(p, s, &is)) && p->w->now_us < begin + within &&
	       !(p->ask && p->ask->answered && held_of(s) == answer_held))
		if (!play_pass(p, LOOK_MS))
			return false;
	if (yes && p->w->now_us > begin)
		after = p->w->now_us - begin;
	until = p->w->now_us + (uint64_t)s->for_ms * 1000;
	while (yes && p->w->now_us < until) {
		if (!play_pass(p, LOOK_MS))
			return false;
		yes = holds(p, s, &is);
	}
	tell(p, s, yes, is, after);
	return !p->r->error;
}
