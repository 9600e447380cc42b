/*
 * tree - the status of one service, on the grid of the seed.
 *
 *     web
 *     overall                   up
 *     |- avail                  up       hv1
 *     |  |- container#0    .... up       vm1
 *     |  |  '- app#1       ...E up       app
 *     |  '- fs#1           .... up       /dev/loop0@/srv
 *     |- hv2                    down
 *     '- hv3                    down     node is lost, seen 12s ago
 *
 * Flags stand in column 21, status in 26 (nine wide), label in 35, whatever
 * the depth. One instance is expanded: that of @self if there is one, else the
 * one that is up, else the first; where there are several its node is named
 * behind `avail`, and each other one has a line of its own below. What is to be
 * said of a row and is no label (log lines, why something is not known)
 * follows it in the label column, after `# `.
 *
 * Groups: containers first, each with what runs in it one level deeper, then
 * ip, disk, fs, share, app, task as branches of `avail`; sync and hb are
 * branches of their own and shown where there are such resources. Within a
 * group the order is the document's. Flags are MDOE: monitored, disabled,
 * optional, encapsulated; in a container nothing is marked as encapsulated.
 */
#pragma once

#include <stdio.h>

#include "cli/show/text.h"
#include "fsm/base/doc.h"

/* @status: the status document (docs/api.md); @self: the node asked, or "". */
void tree_print(FILE *out, const struct term *t, struct arena *a,
		const struct doc *status, const char *self);
