/*
 * copies - where a sync copies to, and whether that is new enough.
 *
 *     [sync#1] target, nodes, drpnodes ──copies_to──▶ the nodes
 *     when each last got it, sync_max_delay ──copies_late──▶ which need it
 *
 * Pure. What the agent that sends, the one that receives and `encap plan` have
 * in common.
 */
#pragma once

#include "fsm/conf/conf.h"

#define COPIES_MAX_DELAY_MS (24 * INT64_C(3600) * 1000)

/* What a person asks for: "nodes", "drp", "all". */
enum copies { COPIES_NONE, COPIES_NODES = 1, COPIES_DRP = 2, COPIES_ALL = 7 };
/* COPIES_NONE for a word that is none of them. */
enum copies copies_word(const char *word);
/* The word that names the triggers and orders: "sync_nodes", ... */
const char *copies_action(enum copies which);

/* Is it a sync that has targets? */
bool copies_is(const struct resource *r);
/* The nodes that @r copies to when it is sent from inst->node, of those meant
 * by @which, sorted as in the file; never inst->node itself but for `local`,
 * which is that of COPIES_ALL alone. */
struct names copies_to(struct arena *a, const struct instance *inst,
		       const struct resource *r, enum copies which);
bool copies_any(const struct instance *inst, const struct resource *r,
		enum copies which);
/* May inst->node send, if it is up? Of a flex service the primary does. */
bool copies_sends(const struct instance *inst);
/* Is a copy of @last_ms (0: never) too old at @now_ms? */
bool copies_late(const struct resource *r, int64_t last_ms, int64_t now_ms);
/* When a sync or task runs: its schedule; of a sync that says sync_period,
 * sync_days or sync_interval, what these say. Never NULL. */
const char *copies_schedule(struct arena *a, const struct resource *r);
/* The one that is there by itself (fsm/conf/automatic.c). */
bool copies_is_automatic(const struct resource *r);
