/*
 * plan_text - states and decisions as a few lines of text, for tables.
 *
 * A state, items separated by ';':
 *   ha|start|no NODE...          orchestrate and nodes
 *   drp NODE...                  drpnodes
 *   vms NAME...                  encapnodes
 *   want WORD SEQ [on NODE]      the intent for the hypervisor level
 *   encap WORD SEQ [on NAME]     ... for the encap level
 *   slave NAME WORD SEQ          ... for one container
 *   node NAME [lost] [frozen] [sure] [fencing] [nofence] eN [fN]
 *                                fN: its epochs up to N are certainly over
 *   (containers are called vm...)
 *   assign NAME up|down tN eN sN [lost] [failed]
 *   said NAME tN STATE AVAIL [once] [err] [switch]  '-' for ' '
 *   frozen | disabled | norollback | stonith
 *   ladder none|kill|cut|fence   stop_failed
 *   flex TARGET MAX              of the hypervisor level
 *   vmflex TARGET | vmfailover   of the encap level
 *   member NAME [lost] eN        the agent in a container, and its lease
 * Nodes that are named as the service's and not by themselves are up, epoch 1.
 * A decision: "fence NAME eN [self]", "NAME up|down tN eN sN [lost] [failed]",
 * "WORD [NAME] goes on", "blocked: TEXT".
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/plan/orchestrate.h"

#define PLAN_MAX 16

struct plan_state {
	struct arena *a;
	struct service_conf conf;
	struct orch_node nodes[PLAN_MAX], members[PLAN_MAX];
	size_t n_nodes, n_members;
	struct doc *intent, *assigns, *instances;
	bool frozen;
	uint64_t last_token;
};

struct plan_words {
	char *at[PLAN_MAX];
	size_t n;
};

static inline struct plan_words plan_split(struct arena *a, const char *text,
					   size_t len)
{
	struct plan_words w = { .n = 0 };
	char *copy = arena_printf(a, "%.*s", (int)len, text), *save = NULL;

	for (char *p = strtok_r(copy, " \n\t", &save); p && w.n < PLAN_MAX;
	     p = strtok_r(NULL, " \n\t", &save))
		w.at[w.n++] = p;
	return w;
}

static inline struct names plan_names(struct arena *a,
				      const struct plan_words *w)
{
	struct names l = { .at = ARENA_VEC(a, const char *, PLAN_MAX) };

	for (size_t i = 1; i < w->n; i++)
		l.at[l.n++] = w->at[i];
	return l;
}

static inline bool plan_has(const struct plan_words *w, const char *word)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->at[i], word) == 0)
			return true;
	return false;
}

/* The number behind a letter: "t5". */
static inline int64_t plan_num(const struct plan_words *w, char letter)
{
	for (size_t i = 2; i < w->n; i++)
		if (w->at[i][0] == letter && w->at[i][1] >= '0' &&
		    w->at[i][1] <= '9')
			return atoll(w->at[i] + 1);
	return 0;
}

static inline struct orch_node plan_one(const struct plan_words *w)
{
	return (struct orch_node){
		.name = w->at[1],
		.alive = !plan_has(w, "lost"),
		.frozen = plan_has(w, "frozen"),
		.epoch = (uint64_t)plan_num(w, 'e'),
		.fenced = (uint64_t)plan_num(w, 'f'),
		.sure = plan_has(w, "sure"),
		.fencing = plan_has(w, "fencing"),
		.fence_failed = plan_has(w, "nofence") ? "no answer" : NULL,
	};
}

static inline void plan_node(struct plan_state *s, const struct plan_words *w)
{
	s->nodes[s->n_nodes++] = plan_one(w);
}

static inline void plan_assign(struct plan_state *s, const struct plan_words *w)
{
	struct doc *row = doc_map(s->a);
	int64_t token = plan_num(w, 't');

	doc_put_str(s->a, row, "want", w->at[2]);
	doc_put_int(s->a, row, "epoch", plan_num(w, 'e'));
	doc_put_int(s->a, row, "token", token);
	doc_put_str(s->a, row, "level",
		    strncmp(w->at[1], "vm", 2) == 0 ? "encap" : "hypervisor");
	doc_put_int(s->a, row, "seq", plan_num(w, 's'));
	if (plan_has(w, "lost"))
		doc_put_bool(s->a, row, "lost", true);
	if (plan_has(w, "failed"))
		doc_put_bool(s->a, row, "failed", true);
	doc_put(s->a, s->assigns, w->at[1], row);
	if ((uint64_t)token > s->last_token)
		s->last_token = (uint64_t)token;
}

static inline char *plan_spaced(char *word)
{
	for (char *p = word; *p; p++)
		if (*p == '-')
			*p = ' ';
	return word;
}

static inline void plan_said(struct plan_state *s, const struct plan_words *w)
{
	struct doc *d = doc_map(s->a);
	char *state = plan_spaced(w->at[3]), *avail = plan_spaced(w->at[4]);

	doc_put_int(s->a, d, "token", plan_num(w, 't'));
	doc_put_str(s->a, d, "state", state);
	doc_put_str(s->a, d, "avail", avail);
	if (plan_has(w, "once"))
		doc_put_bool(s->a, d, "up_once", true);
	if (plan_has(w, "switch"))
		doc_put_bool(s->a, d, "switch", true);
	if (plan_has(w, "err"))
		doc_put_str(s->a, d, "error", "start fs#1: no such device");
	doc_put(s->a, s->instances, w->at[1], d);
}

static inline void plan_intent(struct plan_state *s, const struct plan_words *w,
			       const char *want, const char *seq)
{
	doc_put_str(s->a, s->intent, want, w->at[1]);
	doc_put_int(s->a, s->intent, seq, atoll(w->at[2]));
	if (w->n > 4)
		doc_put_str(s->a, s->intent,
			    strcmp(want, "encap") ? "node" : "encap_node",
			    w->at[4]);
}

static inline void plan_slave(struct plan_state *s, const struct plan_words *w)
{
	struct doc *all = doc_get(s->intent, "slaves"), *one = doc_map(s->a);

	if (!all)
		all = doc_put(s->a, s->intent, "slaves", doc_map(s->a));
	doc_put_str(s->a, one, "want", w->at[2]);
	doc_put_int(s->a, one, "seq", atoll(w->at[3]));
	doc_put(s->a, all, w->at[1], one);
}

static inline void plan_item(struct plan_state *s, const struct plan_words *w)
{
	const char *k = w->n ? w->at[0] : "";

	if (strcmp(k, "ha") == 0 || strcmp(k, "start") == 0 ||
	    strcmp(k, "no") == 0) {
		s->conf.orchestrate = k;
		s->conf.nodes = plan_names(s->a, w);
	} else if (strcmp(k, "drp") == 0) {
		s->conf.drpnodes = plan_names(s->a, w);
	} else if (strcmp(k, "vms") == 0) {
		s->conf.encapnodes = plan_names(s->a, w);
	} else if (strcmp(k, "want") == 0) {
		plan_intent(s, w, "want", "want_seq");
	} else if (strcmp(k, "encap") == 0) {
		plan_intent(s, w, "encap", "encap_seq");
	} else if (strcmp(k, "slave") == 0) {
		plan_slave(s, w);
	} else if (strcmp(k, "node") == 0) {
		plan_node(s, w);
	} else if (strcmp(k, "assign") == 0) {
		plan_assign(s, w);
	} else if (strcmp(k, "said") == 0) {
		plan_said(s, w);
	} else if (strcmp(k, "frozen") == 0) {
		s->frozen = true;
	} else if (strcmp(k, "disabled") == 0) {
		s->conf.disable = true;
	} else if (strcmp(k, "norollback") == 0) {
		s->conf.rollback = false;
	} else if (strcmp(k, "stonith") == 0) {
		s->conf.stonith = true;
	} else if (strcmp(k, "ladder") == 0) {
		s->conf.stop_failed = w->at[1];
	} else if (strcmp(k, "flex") == 0) {
		s->conf.topology = "flex";
		s->conf.flex_target = atoll(w->at[1]);
		s->conf.flex_max = atoll(w->at[2]);
	} else if (strcmp(k, "vmflex") == 0) {
		s->conf.encap.flex_target = atoll(w->at[1]);
	} else if (strcmp(k, "vmfailover") == 0) {
		s->conf.encap.topology = "failover";
	} else if (strcmp(k, "member") == 0) {
		s->members[s->n_members++] = plan_one(w);
	} else if (w->n) {
		fprintf(stderr, "plan_text: what is '%s'?\n", k);
		abort();
	}
}

static inline void plan_default_nodes(struct orch_node *nodes, size_t *n_nodes,
				      const struct names *l)
{
	for (size_t i = 0; i < l->n; i++) {
		bool known = false;

		for (size_t k = 0; k < *n_nodes; k++)
			known = known || strcmp(nodes[k].name, l->at[i]) == 0;
		if (!known)
			nodes[(*n_nodes)++] = (struct orch_node){
				.name = l->at[i],
				.alive = true,
				.epoch = 1,
			};
	}
}

/* As the file says nothing of its own of the encap level. */
static inline void plan_default_encap(struct service_conf *c)
{
	int64_t n = (int64_t)c->encapnodes.n;

	if (!c->encap.topology)
		c->encap.topology = "flex";
	c->encap.orchestrate = c->orchestrate;
	c->encap.flex_min = 1;
	c->encap.flex_max = n;
	if (!c->encap.flex_target)
		c->encap.flex_target = n;
}

static inline struct plan_state plan_parse(struct arena *a, const char *text)
{
	struct plan_state s = {
		.a = a,
		.conf = { .topology = "failover",
			  .orchestrate = "no",
			  .rollback = true },
		.intent = doc_map(a),
		.assigns = doc_map(a),
		.instances = doc_map(a),
	};
	struct doc *by = doc_put(a, s.intent, "by", doc_map(a));

	doc_put_str(a, by, "user", "ann");
	while (*text) {
		size_t n = strcspn(text, ";");
		struct plan_words w = plan_split(a, text, n);

		plan_item(&s, &w);
		text += n + (text[n] == ';');
	}
	plan_default_nodes(s.nodes, &s.n_nodes, &s.conf.nodes);
	plan_default_nodes(s.nodes, &s.n_nodes, &s.conf.drpnodes);
	plan_default_nodes(s.members, &s.n_members, &s.conf.encapnodes);
	plan_default_encap(&s.conf);
	return s;
}

static inline struct orch_in plan_in(const struct plan_state *s)
{
	return (struct orch_in){
		.service = "web",
		.conf = &s->conf,
		.intent = s->intent,
		.frozen = s->frozen,
		.assigns = s->assigns,
		.instances = s->instances,
		.nodes = s->nodes,
		.n_nodes = s->n_nodes,
		.members = s->members,
		.n_members = s->n_members,
		.next_token = s->last_token + 1,
	};
}

static inline void plan_put_change(struct buf *b, const struct orch_change *c)
{
	buf_puts(b, b->len ? "; " : "");
	if (c->kind == ORCH_INTENT) {
		buf_printf(b, "%s%s%s goes on", c->want, c->node ? " " : "",
			   c->node ? c->node : "");
		return;
	}
	if (c->kind == ORCH_FENCE) {
		buf_printf(b, "fence %s e%llu%s", c->node,
			   (unsigned long long)c->epoch,
			   c->self ? " self" : "");
		return;
	}
	buf_printf(b, "%s %s t%llu", c->node, c->want,
		   (unsigned long long)c->token);
	if (c->level == LEVEL_HYPERVISOR || c->epoch)
		buf_printf(b, " e%llu", (unsigned long long)c->epoch);
	buf_printf(b, " s%llu%s%s", (unsigned long long)c->seq,
		   c->lost ? " lost" : "", c->failed ? " failed" : "");
}

static inline const char *plan_decided(struct arena *a,
				       const struct orch_out *out, bool why)
{
	struct buf b = BUF(a);

	for (size_t i = 0; i < out->n; i++) {
		plan_put_change(&b, &out->at[i]);
		if (why)
			buf_printf(&b, " (%s)", out->at[i].why);
	}
	if (out->blocked)
		buf_printf(&b, "%sblocked: %s", b.len ? "; " : "",
			   out->blocked);
	return buf_text(&b);
}
