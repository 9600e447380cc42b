/*
 * plan_res - an instance and what is known of its resources, as one line.
 *
 *   RID[@VM][:FLAGS][=STATUS[!MEMORY]] ...
 *
 * in start order, e.g. "ip#1=up fs#1:or2=down!dr1 container#0@vm1=up".
 * STATUS: its name, "na", or "undriven": n/a as there is no driver for it.
 * FLAGS: o optional, d disable, n noaction, s standby, e encap, rN restart N.
 * MEMORY: b busy, d done, s started, F start_failed, S stop_failed, E with an
 * error, rN restarts.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/plan/reconcile.h"

#define RES_MAX 16

struct plan_inst {
	struct instance inst;
	struct resource res[RES_MAX];
	struct probe probes[RES_MAX];
	struct recon_memory memory[RES_MAX];
};

static inline enum status res_status(const char *word)
{
	if (strcmp(word, "na") == 0 || strcmp(word, "undriven") == 0)
		return STATUS_NA;
	return status_parse(word);
}

static inline void res_flags(struct resource *r, const char *f)
{
	for (; *f; f++) {
		r->optional = r->optional || *f == 'o';
		r->disable = r->disable || *f == 'd';
		r->noaction = r->noaction || *f == 'n';
		r->standby = r->standby || *f == 's';
		r->encap = r->encap || *f == 'e';
		if (*f == 'r')
			r->restart = strtol(f + 1, NULL, 10);
	}
	if (r->standby && r->restart < 2) /* as instance_eval() */
		r->restart = 2;
}

static inline void res_memory(struct recon_memory *m, const char *f)
{
	for (; *f; f++) {
		m->busy = m->busy || *f == 'b';
		m->done = m->done || *f == 'd';
		m->started = m->started || *f == 's';
		m->start_failed = m->start_failed || *f == 'F';
		m->stop_failed = m->stop_failed || *f == 'S';
		if (*f == 'E')
			m->error = "no such device";
		if (*f == 'r')
			m->restarts = (unsigned)strtoul(f + 1, NULL, 10);
	}
}

/* Ends @word at the last @c and returns what is behind it, or "". */
static inline char *res_cut(char *word, char c)
{
	char *at = strchr(word, c);

	if (!at)
		return word + strlen(word);
	*at = '\0';
	return at + 1;
}

static inline void res_parse(struct arena *a, struct plan_inst *p, char *word)
{
	size_t i = p->inst.n++;
	char *memory = res_cut(word, '!');
	char *status = res_cut(word, '=');
	char *flags = res_cut(word, ':');
	char *vm = res_cut(word, '@');
	char *group = arena_printf(a, "%s", word);

	res_cut(group, '#');
	p->res[i] = (struct resource){
		.rid = word,
		.group = group,
		.type = "sim",
		.subset = "",
		.encapnode = vm,
	};
	res_flags(&p->res[i], flags);
	p->probes[i] = (struct probe){
		.status = *status ? res_status(status) : STATUS_DOWN,
		.label = "",
		.log = "",
		.undriven = strcmp(status, "undriven") == 0,
	};
	res_memory(&p->memory[i], memory);
}

static inline struct plan_inst *plan_inst(struct arena *a, const char *text,
					  enum level level, const char *node)
{
	struct plan_inst *p = ARENA_NEW(a, struct plan_inst);
	char *copy = arena_printf(a, "%s", text), *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		res_parse(a, p, w);
	p->inst.service = "web";
	p->inst.node = node;
	p->inst.level = level;
	p->inst.conf.rollback = true;
	p->inst.res = p->res;
	return p;
}
