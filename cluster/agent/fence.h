/*
 * fence - who ends a node, and what protects one (fence.c).
 */
#pragma once

#include "cluster/agent/internal.h"

/* Look at what was asked for, what this node was chosen for, and itself. */
void fence_look(struct agent *g);
/* What the devices of @node do where nobody says: "off" or "reboot". */
const char *fence_action(struct agent *g, struct arena *a, const char *node);
unsigned fence_busy(const struct agent *g); /* jobs under way */
void fence_free(struct agent *g);

/* @rows: [{device, ok, text}]. */
typedef void (*fence_tested)(void *arg, const struct doc *rows);
/* Ask every device of @node by "status" or "monitor"; ends nothing. */
int fence_test(struct agent *g, const char *node, const char *action,
	       fence_tested done, void *arg, struct err *err);
