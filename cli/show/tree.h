/*
 * tree - the status of one service, on the grid of the seed.
 *
 *     web
 *     overall                   up
 *     |- avail                  up       hv1
 *     |  |- container#0    .... up       vm1
 *     |  |  '- app#1       ...E up       app
 *     |  '- fs#1           .... up       /dev/loop0@/srv
 *     |- sync                   n/a
 *     |- hb                     n/a
 *     |- hv2                    down
 *     '- hv3                    down     node is lost, for 12s
 *
 * Flags stand in column 21, status in 26 (nine wide, filled with blanks), label
 * in 35, whatever the depth. One instance is expanded: that of @self if there
 * is one, else the one that is up, else the first; where there are several its
 * node is named behind `avail`, and each other one has a line of its own below.
 * What is to be said of a row and is no label (log lines, why something is not
 * known) follows it in the label column, after `# `.
 *
 * Groups: containers first, each with what runs in it one level deeper, then
 * ip, disk, volume, fs, share, app, task as branches of `avail`; sync and hb
 * are branches of their own. Within a group the order is the document's, what
 * is in no subset first; a subset has a row of its own, GROUP:NAME, with // for
 * its label if it is parallel. Flags are MDOE: monitored, disabled, optional,
 * encapsulated. Wide they are RMDOEPSn, and status and label stand four columns
 * further: R an action runs on it, P not provisioned (/: nothing to provision),
 * S standby (X: stopped by hand), n the restarts that are left (+: ten or
 * more).
 *
 * Seen from within a container nothing is marked as encapsulated, and the rows
 * are drawn as the seed drew them there: below `avail` only the last one has a
 * dash, below `sync` each has that of a row that goes on.
 */
#pragma once

#include <stdio.h>

#include "cli/show/text.h"
#include "fsm/base/doc.h"

struct tree_options {
	const char *self; /* the node that is asked; NULL: none */
	bool wide;	  /* all the flags */
};

/* The instance that is shown in full; NULL if there is none. A document without
 * instances is one itself. */
const struct doc *tree_expanded(const struct doc *status, const char *self);
/* @status: the status document (docs/api.md), or one instance of it. */
void tree_print(FILE *out, const struct term *t, struct arena *a,
		const struct doc *status, const struct tree_options *o);
