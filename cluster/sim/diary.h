/*
 * diary - what happened in a simulated cluster, for people, in order of time.
 *
 *     diary_add ... (in any order) ─▶ diary_text, diary_json
 *
 * Times are shown in tenths of a second. Entries of one moment keep the order
 * in which they were added.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "fsm/base/doc.h"

enum diary_kind {
	DIARY_ACT,     /* a step of the scenario */
	DIARY_WORLD,   /* machines, agents, resources */
	DIARY_CLUSTER, /* what the cluster notes and decides */
	DIARY_AGENT,   /* what an agent warns of */
	DIARY_SERVICE, /* a service is up, or is not */
	DIARY_ANSWER,  /* to a person's request */
	DIARY_MET,     /* an expectation was met */
	DIARY_FAILED,  /* or was not; or a rule is broken */
};

struct diary_entry {
	uint64_t at_us, seq;
	enum diary_kind kind;
	const char *node, *service; /* or NULL */
	const char *text;
};

struct diary {
	struct arena *arena; /* the caller's */
	struct diary_entry *at;
	size_t n, cap;
	uint64_t zero_us; /* when the scenario begins; nothing before counts */
};

void diary_add(struct diary *d, uint64_t at_us, enum diary_kind kind,
	       const char *node, const char *service, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* Does an entry since @since_us hold @text? */
bool diary_says(const struct diary *d, uint64_t since_us, const char *text);
void diary_sort(struct diary *d);
/* Sorted before. */
void diary_text(struct buf *out, const struct diary *d);
struct doc *diary_doc(struct arena *a, const struct diary *d);
