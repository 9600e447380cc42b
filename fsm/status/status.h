/*
 * status - from what each resource says to what the service is.
 *
 *     drivers ─probe─▶ [instance] ─propose─▶ log ─▶ [service]
 *
 * Pure and order-free: the merge is associative, commutative and idempotent
 * with STATUS_UNDEF as identity (spec: status merge table), tested over all
 * triples.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "fsm/base/doc.h"
#include "fsm/conf/conf.h"

enum status {
	STATUS_UP,
	STATUS_DOWN,
	STATUS_WARN,
	STATUS_NA,
	STATUS_UNDEF,
	STATUS_STDBY_UP,
	STATUS_STDBY_DOWN,
	STATUS_SUU, /* standby up merged with up; shown as up */
	STATUS_SUD, /* standby up merged with down; shown as stdby up */
	STATUS_N,
};

const char *status_name(enum status s);	    /* "up", ..., "n/a", "stdby up" */
enum status status_parse(const char *text); /* unknown text: STATUS_UNDEF */
enum status status_merge(enum status a, enum status b);
enum status status_shown(enum status s); /* SUU and SUD reduced */

/* What a driver found, per resource of an instance. */
struct probe {
	enum status status;
	const char *label; /* "128.0.0.2@lo"; "" if it has nothing to say */
	const char *log;   /* lines "level: text" joined by \n, or "" */
};

/*
 * The document of one instance (spec, JSON of status): built by the node that
 * runs it, proposed to the log when it changes, shown by every agent:
 *   {"node","level","avail","overall","optional","status_group":{group: s},
 *    "resources":{rid: {"status","type","label","log":[...],"monitor",
 *      "disable","optional","encap","standby","tags","subset"}},
 *    "running":[rid...], "state": "idle|starting|stopping|start failed|...",
 *    "error": text, "revision": applied revision, "epoch","token"}
 * False booleans and empty lists are left out, so that equal states are equal
 * documents. @probes has one row for each of inst->res, in its order.
 *
 * Built here: node, level, avail, overall, optional, status_group, resources;
 * what the executor alone knows (running, state, error, ...) is put by it. At
 * hypervisor level the encap resources are rows too, with "encap": true: undef
 * and without effect on any sum until the container's document is folded in.
 */
struct doc *instance_status(struct arena *a, const struct instance *inst,
			    const struct probe *probes);

/* Fold a container's document into its hypervisor's: avail and overall merge
 * (n/a is neutral); under "encap": {container rid: document}; the rows of its
 * resources get the status, label and log that the container found. @why is
 * shown where there is none ("container is down", "agent does not answer"), as
 * "why" of that document: then overall merges warn if @unexpected, avail
 * nothing. Each container is folded once. */
void instance_fold_encap(struct arena *a, struct doc *instance,
			 const char *container_rid, const struct doc *encap,
			 const char *why, bool unexpected);

/* May anything of this instance be running, by what its document says? Counts
 * optional resources, and what is not known; not what is up on every node
 * (standby), what no action touches (noaction), and what only copies data or
 * runs now and then (sync, task). At hypervisor level a container stands for
 * all that is in it. */
bool instance_runs(const struct doc *instance);

/* The service as a whole from its instances' documents (hypervisor level, or
 * encap level for a container's view): avail, overall, placement, frozen.
 * Instances that are n/a or undef do not count while another has an answer.
 * One with a "stale" key is what was, not what is: it counts for avail only
 * where all are stale, and makes overall warn if something of it was seen
 * running. "frozen" of an instance is true or the time of the freeze. */
struct service_status {
	enum status avail, overall;
	const char *placement; /* "optimal", "non-optimal", "n/a" */
	const char *frozen;    /* "thawed", "frozen", "mixed" */
};
void service_status(const struct service_conf *conf,
		    const struct doc *instances, struct service_status *ret);
