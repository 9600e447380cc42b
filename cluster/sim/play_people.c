/*
 * What people ask for: requests as `encap` makes them, of the agent that the
 * step names, else of the first one that knows a leader.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/sim/play_internal.h"
#include "fsm/conf/text.h"

#define NO_AGENT     "no agent runs there"
#define CODE_UNKNOWN 7 /* a timeout: it may have been done */

struct world_node *play_first(struct play *p)
{
	struct world_node *first = NULL;

	for (unsigned i = 0; i < p->w->n; i++) {
		struct world_node *n = &p->w->node[i];

		if (n->container || !n->agent || play_is_witness(p, n))
			continue;
		if (agent_has_leader(n->agent))
			return n;
		if (!first)
			first = n;
	}
	return first;
}

static struct world_node *asked(struct play *p, const struct scenario_step *s)
{
	return s->via ? play_node(p, s->via) : play_first(p);
}

static void answered(struct play *p, struct play_ask *k)
{
	if (k->code != 0) {
		PLAY_SAY(p, DIARY_ANSWER, NULL, NULL, "%s: %s: %s", k->what,
			 k->code == CODE_UNKNOWN ? "not known" : "refused",
			 k->err);
		return;
	}
	if (k->merged)
		PLAY_SAY(p, DIARY_ANSWER, NULL, NULL,
			 "%s: done, merged with what came first", k->what);
	if (k->wants && k->service)
		play_service_wanted(p, k->service, k->wants > 0);
}

static void on_answer(void *arg, struct arena *a, struct doc *answer)
{
	struct play_ask *k = arg;

	(void)a;
	k->answered = true;
	k->code = (int)doc_get_int(answer, "code", 1);
	k->merged = doc_get_bool(doc_get(answer, "data"), "merged", false);
	snprintf(k->err, sizeof(k->err), "%s", doc_get_str(answer, "err", ""));
	if (k->play)
		answered(k->play, k);
	else
		free(k);
}

void play_asks_end(struct play *p)
{
	while (p->ask) {
		struct play_ask *k = p->ask;

		p->ask = k->next;
		k->play = NULL; /* it frees itself once it is answered */
		if (k->answered)
			free(k);
	}
}

static struct play_ask *ask_new(struct play *p, const struct scenario_step *s)
{
	struct play_ask *k = calloc(1, sizeof(*k));

	if (!k)
		abort();
	k->next = p->ask;
	p->ask = k;
	k->play = p;
	k->service = s->service ? play_service(p, s->service) : NULL;
	k->what = s->text;
	return k;
}

static void ask_fails(struct play *p, struct play_ask *k, int code,
		      const char *why)
{
	k->answered = true;
	k->code = code;
	snprintf(k->err, sizeof(k->err), "%s", why);
	answered(p, k);
}

static struct doc *request(struct play *p, const char *op, const char *name)
{
	struct doc *d = doc_map(p->arena), *by = doc_map(p->arena);

	doc_put_str(p->arena, d, "op", op);
	doc_put_str(p->arena, by, "user", "somebody");
	doc_put_str(p->arena, by, "tool", "simulate");
	doc_put(p->arena, d, "by", by);
	if (name)
		doc_put_str(p->arena, d, "name", name);
	return d;
}

static bool ask(struct play *p, const struct scenario_step *s,
		const struct doc *req, int8_t wants)
{
	struct world_node *n = asked(p, s);
	struct play_ask *k = ask_new(p, s);

	k->wants = wants;
	if (p->r->error)
		return false;
	if (!n || !n->agent)
		ask_fails(p, k, 1, NO_AGENT);
	else
		world_ask(n, req, on_answer, k);
	return true;
}

static bool want(struct play *p, const struct scenario_step *s)
{
	struct doc *req = request(p, "svc_intent", s->service);
	bool up = s->act == ACT_MOVE || strcmp(s->word, "stop") != 0;

	doc_put_str(p->arena, req, "want",
		    s->act == ACT_MOVE		      ? "started"
		    : strcmp(s->word, "stop") == 0    ? "stopped"
		    : strcmp(s->word, "restart") == 0 ? "restart"
						      : "started");
	doc_put_str(p->arena, req, "level", "both");
	if (s->act == ACT_MOVE)
		doc_put_str(p->arena, req, "node", s->nodes.at[0]);
	return ask(p, s, req, up ? 1 : -1);
}

/* -- env files --------------------------------------------------------------
 */

static bool change(struct conf *c, struct arena *a, const char *word, bool set,
		   struct err *err)
{
	int rc;

	(void)a;
	if (set)
		return conf_assign(c, word, err) >= 0;
	rc = conf_remove(c, word, err);
	if (rc == 1)
		err_set(err, -ENOENT, "there is no %s", word);
	return rc == 0;
}

/* The env file as that node has it, changed. */
static bool edit_keys(struct play *p, const struct scenario_step *s)
{
	struct world_node *n = asked(p, s);
	struct doc *data = NULL, *req, *answer;
	struct problems none = { .arena = p->arena };
	struct buf text = BUF(p->arena);
	const char *config;
	struct conf *c;
	struct err err = { 0 };

	if (p->r->error)
		return false;
	if (n && n->agent) {
		answer = world_call(n, p->arena,
				    request(p, "svc_config", s->service), 5000);
		data = doc_get(answer, "data");
	}
	if (!data) {
		ask_fails(p, ask_new(p, s), 1,
			  n && n->agent ? "there is no such service"
					: NO_AGENT);
		return true;
	}
	config = doc_get_str(data, "config", "");
	c = conf_parse(p->arena, config, strlen(config), &none);
	/* A value may have blanks: the line is one assignment, unless each of
	 * its words is one. */
	if (!c || !change(c, p->arena, s->rest, s->act == ACT_SET, &err))
		return play_stop(p, "%s", c ? err.text : "the env file");
	conf_text(c, &text);
	req = request(p, "svc_edit", s->service);
	doc_put_str(p->arena, req, "base", doc_get_str(data, "rev", ""));
	doc_put_str(p->arena, req, "config", buf_text(&text));
	if (!play_containers(p, s->service, buf_text(&text)))
		return false;
	return ask(p, s, req, 0);
}

static bool edit_file(struct play *p, const struct scenario_step *s)
{
	bool create = s->act == ACT_CREATE;
	struct doc *req =
		request(p, create ? "svc_create" : "svc_edit", s->service);
	const char *path = *s->file == '/' ? s->file
					   : arena_printf(p->arena, "%s%s",
							  p->base, s->file);
	struct world_node *n = asked(p, s);
	struct doc *answer;
	size_t len;
	char *text = setup_file(p->arena, path, &len);

	if (!text)
		return play_stop(p, "%s: %s", path, strerror(errno));
	if (!play_containers(p, s->service, text))
		return false;
	if (create) {
		play_service_add(p, s->service);
	} else if (n && n->agent) {
		answer = world_call(n, p->arena,
				    request(p, "svc_config", s->service), 5000);
		doc_put_str(p->arena, req, "base",
			    doc_get_str(doc_get(answer, "data"), "rev", ""));
	}
	doc_put_str(p->arena, req, "config", text);
	return ask(p, s, req, 0);
}

static bool delete (struct play *p, const struct scenario_step *s)
{
	struct play_service *v = play_service(p, s->service);

	if (v)
		v->gone = true;
	return ask(p, s, request(p, "svc_delete", s->service), -1);
}

/* -- anything --------------------------------------------------------------
 */

static void put_word(struct play *p, struct doc *req, const char *word)
{
	const char *eq = strchr(word, '=');
	const char *key, *value;
	char *end;
	long long num;

	if (!eq)
		return;
	key = text_copy(p->arena, word, (size_t)(eq - word));
	value = eq + 1;
	num = strtoll(value, &end, 10);
	if (*value && !*end)
		doc_put_int(p->arena, req, key, num);
	else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
		doc_put_bool(p->arena, req, key, *value == 't');
	else
		doc_put_str(p->arena, req, key, value);
}

/* A request of docs/api.md: its op, and KEY=VALUE. */
static bool ask_any(struct play *p, const struct scenario_step *s)
{
	struct names words = words_split(p->arena, s->rest);
	struct doc *req = request(p, words.at[0], NULL);

	for (size_t i = 1; i < words.n; i++)
		put_word(p, req, words.at[i]);
	return ask(p, s, req, 0);
}

static bool ask_node(struct play *p, const struct scenario_step *s,
		     const char *op)
{
	struct doc *req = request(p, op, NULL);

	doc_put_str(p->arena, req, "node", s->nodes.at[0]);
	return ask(p, s, req, 0);
}

/* Work on machines and services. */
static bool ask_upkeep(struct play *p, const struct scenario_step *s)
{
	struct doc *req;
	struct scenario_step own = *s;

	if (s->act == ACT_UNDRAIN)
		return ask_node(p, s, "node_undrain");
	if (s->act == ACT_FENCE)
		return ask_node(p, s, "node_fence");
	if (s->act == ACT_CONFIRM_DOWN)
		return ask_node(p, s, "node_vouch");
	if (s->act == ACT_ARM)
		return ask(p, s, request(p, "cluster_arm", NULL), 0);
	if (s->act == ACT_DISARM) {
		req = request(p, "cluster_disarm", NULL);
		doc_put_int(p->arena, req, "ms", s->ms);
		return ask(p, s, req, 0);
	}
	if (s->act == ACT_REMOVE)
		return ask_node(p, s, "node_remove");
	if (s->act == ACT_EMERGENCY)
		return ask(p, s, request(p, "svc_emergency", s->service), 1);
	if (s->act == ACT_CLEAR)
		return ask(p, s, request(p, "svc_clear", s->service), 0);
	if (s->act == ACT_LEAVE) {
		own.via = s->nodes.at[0];
		return ask(p, &own, request(p, "node_leave", NULL), 0);
	}
	req = request(p, s->act == ACT_DRAIN ? "node_drain" : "maintenance",
		      NULL);
	if (s->act == ACT_DRAIN && s->for_ms)
		doc_put_int(p->arena, req, "deadline_ms", s->for_ms);
	if (s->act != ACT_DRAIN)
		doc_put_bool(p->arena, req, "on", strcmp(s->word, "on") == 0);
	if (s->nodes.n)
		doc_put_str(p->arena, req, "node", s->nodes.at[0]);
	else
		doc_put_str(p->arena, req, "what", s->service);
	return ask(p, s, req, 0);
}

bool play_act_people(struct play *p, const struct scenario_step *s)
{
	if (s->act == ACT_WANT || s->act == ACT_MOVE)
		return want(p, s);
	if (s->act == ACT_SET || s->act == ACT_UNSET)
		return edit_keys(p, s);
	if (s->act == ACT_EDIT || s->act == ACT_CREATE)
		return edit_file(p, s);
	if (s->act == ACT_DELETE)
		return delete (p, s);
	if (s->act == ACT_FREEZE_NODE)
		return ask_node(p, s, "node_freeze");
	if (s->act == ACT_THAW_NODE)
		return ask_node(p, s, "node_thaw");
	if (s->act == ACT_FREEZE)
		return ask(p, s, request(p, "svc_freeze", s->service), 0);
	if (s->act == ACT_THAW)
		return ask(p, s, request(p, "svc_thaw", s->service), 0);
	return s->act == ACT_ASK ? ask_any(p, s) : ask_upkeep(p, s);
}
