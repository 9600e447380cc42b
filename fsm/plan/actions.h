/*
 * actions - what an action is about, and what goes around it.
 *
 *     "--rid fs --upto app" ──actions_select──▶ which resources
 *     start_requires, states ──actions_unmet──▶ a sentence, or NULL
 *     pre_start, ... ──actions_trigger──▶ a command, or NULL
 *
 * Pure. What the reconciler, the commands of the log and `encap plan` have in
 * common.
 */
#pragma once

#include "fsm/conf/conf.h"
#include "fsm/plan/copies.h"
#include "fsm/status/status.h"

/* What a person named; NULL where nothing was said. What is said in several
 * ways must hold in each: the more is said, the fewer are meant. */
struct selection {
	const char *rids;    /* "fs#1,disk,fs:data": rids, groups, subsets */
	const char *tags;    /* "a,b+c": a, or both b and c */
	const char *subsets; /* "data,logs": whatever their group */
	const char *upto;    /* in start order: all up to this one */
	const char *downto;  /* in stop order: all down to this one */
	bool standby;	     /* the standby ones alone */
	bool run;	     /* tasks, and nothing else */
	enum copies copies;  /* syncs that copy there, and nothing else */
};

bool selection_is_empty(const struct selection *s);

/* Is it run now and then, not started and stopped: a task or a sync? */
bool actions_is_run(const struct resource *r);

/* May a start or stop of this level touch it at all? Not what is disabled,
 * noaction, run, or inside a container when @inst is the hypervisor's. */
bool actions_may_touch(const struct instance *inst, const struct resource *r);

/* @ret has a place for each of inst->res. The number of them; -ENOENT when the
 * words name nothing that an action of this level may touch. */
int actions_select(const struct instance *inst, const struct selection *s,
		   bool *ret, struct err *err);

/* NULL if what resource @i requires for @action ("start", ...) is met;
 * otherwise which resource must be in which states, and is in which. One that
 * this level does not have does not count. @ret_skip: the word `impossible`. */
const char *actions_unmet(struct arena *a, const struct instance *inst,
			  const struct probe *probes, size_t i,
			  const char *action, bool *ret_skip);

/* The command of a trigger, or NULL. @kw: of a resource (common), a subset or
 * the whole instance. */
const char *actions_trigger(const char *const *kw, const char *action,
			    bool after, bool blocking);

/* The subset that @r is in, or NULL if the file says nothing of it. */
const struct subset *actions_subset(const struct instance *inst,
				    const struct resource *r);

/* How long after the last restart the next may come, when there were
 * @restarts. The first comes at once, the second after restart_delay, each
 * further one after twice as long (64 times at most), and up to a quarter more,
 * so that what fell together does not come back together; how much more
 * follows from the names alone. */
int64_t actions_restart_wait_ms(const struct instance *inst,
				const struct resource *r, unsigned restarts);

/* The first word of monitor_action that can be done here: "none", "freezestop",
 * "switch" (with orchestrate = ha), "reboot", "crash" (where @node_too). */
const char *actions_monitor(const struct instance *inst, bool node_too);

/* A number that differs from name to name and is the same everywhere. */
uint64_t actions_hash(const char *const *words, size_t n, uint64_t more);
