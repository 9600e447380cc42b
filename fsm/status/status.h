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
/* Of a document's @key; STATUS_UNDEF if it is not there. */
enum status status_said(const struct doc *d, const char *key);
enum status status_merge(enum status a, enum status b);
enum status status_shown(enum status s); /* SUU and SUD reduced */

/* Is there what a start needs: the file system made, the container created?
 * Most kinds of resource have nothing to provision. */
enum provisioned { PROVISIONED_NA, PROVISIONED_NO, PROVISIONED_YES };

/* What a driver found, per resource of an instance. */
struct probe {
	enum status status;
	enum provisioned provisioned;
	bool booting;  /* a container: it runs, its system is not up yet */
	bool undriven; /* n/a as nobody can look; a start fails and says so */
	const char *label; /* "128.0.0.2@lo"; "" if it has nothing to say */
	const char *log;   /* lines "level: text" joined by \n, or "" */
};

/*
 * The document of one instance (spec, JSON of status): built by the node that
 * runs it, proposed to the log when it changes, shown by every agent:
 *   {"node","level","avail","overall","optional","provisioned",
 *    "status_group":{group: s}, "subsets":{"GROUP:NAME": {"parallel"}},
 *    "resources":{rid: {"status","type","label","log":[...],"monitor",
 *      "disable","optional","encap","standby","restart","provisioned":
 *      {"state"},"tags","subset"}},
 *    "running":[rid...], "state": "idle|starting|stopping|provisioning|
 *    unprovisioning|start failed|...",
 *    "error": text, "revision": applied revision, "epoch","token",
 *    "act": the last order on some resources that was carried out or failed,
 *    "act_error": text, "held": [rids that a person holds down],
 *    "monitor": text (a monitored resource stays down), "switch" (it is to run
 *    elsewhere), "halted" (its host takes the start back),
 *    "tasks": {rid: {"at" (ms), "code", "act"}}}
 * False booleans and empty lists are left out, so that equal states are equal
 * documents. @probes has one row for each of inst->res, in its order.
 *
 * Built here: node, level, avail, overall, optional, provisioned, status_group,
 * subsets, resources; what the executor alone knows (running, state, error, of
 * a resource "retries": the restarts that are used up, ...) is put by it. At
 * hypervisor level the encap resources are rows too, with "encap": true: undef
 * and without effect on any sum until the container's document is folded in.
 *
 * What counts where: avail is the sum of what is not optional, but for sync,
 * task and hb, which never count for it; overall is avail, the optional ones
 * and those three, and a warning where a log has one. "provisioned" is true,
 * false, "mixed" or "n/a".
 */
struct doc *instance_status(struct arena *a, const struct instance *inst,
			    const struct probe *probes);

/* Is it built like an instance's document, as far as all who read one rely on
 * it? What a container says, and what a file holds, is asked first. */
bool instance_is_sound(const struct doc *instance);

/* What a hypervisor knows of the agent in one of its containers. */
enum encap_reach {
	ENCAP_OK,	   /* it answers, and its document is current */
	ENCAP_DOWN,	   /* the container is not running here */
	ENCAP_UNKNOWN,	   /* whether it runs is not known */
	ENCAP_BOOTING,	   /* it runs, its system is not up yet */
	ENCAP_UNREACHABLE, /* its system is up, its agent does not answer */
	ENCAP_REFUSED,	   /* its agent is not let in */
	ENCAP_SILENT,	   /* its agent answers and has said nothing yet */
	ENCAP_OUTDATED,	   /* it has an older revision of the env file */
	ENCAP_OLD,	   /* its document is of some time ago */
	ENCAP_N,
};

/* What that is found out from. */
struct encap_facts {
	enum status container; /* of the container's own row */
	const char *channel;   /* "up", "booting", "refused", or anything */
	bool said;	       /* there is a document of it, from this host */
	bool old;	       /* that says of itself that it is */
	bool current;	       /* it has the head of the env file */
};
enum encap_reach encap_reach(const struct encap_facts *f);
/* "ok", "container down", ...: for programs, and a sentence for people. */
const char *encap_reach_word(enum encap_reach r);
const char *encap_reach_text(enum encap_reach r);

/* How a container's document is folded in. */
struct encap_fold {
	const char *rid;       /* of the container */
	const struct doc *doc; /* its document; NULL: none that counts */
	enum encap_reach reach;
	const char *detail;    /* behind the sentence, or NULL */
	int64_t since, age_ms; /* of that state: ms since the epoch, ms; 0: not
				  known */
	bool expected;	       /* the way things go: no warning */
	bool idle; /* it is to run in another one: down is as it should be */
};

/* Fold a container's document into its hypervisor's: avail and overall merge
 * (n/a is neutral); under "encap": {container rid: document}; the rows of its
 * resources get the status, label and log that the container found. That
 * document gets "reach" (the word); and unless it is "ok" "why" (the sentence),
 * "since", "age_ms", and "unexpected" if it makes overall warn: whatever is not
 * ENCAP_OK or ENCAP_DOWN, unless @expected. It never touches avail. Each
 * container is folded once. */
void instance_fold_encap(struct arena *a, struct doc *instance,
			 const struct encap_fold *f);

/* Is its agent at work on it: "starting", "stopping", "provisioning",
 * "unprovisioning"? */
bool instance_is_busy(const struct doc *instance);

/* May anything of this instance be running, by what its document says? Counts
 * optional resources, and what is not known; not what is up on every node
 * (standby), what no action touches (noaction), and what only copies data or
 * runs now and then (sync, task). At hypervisor level a container stands for
 * all that is in it. */
bool instance_runs(const struct doc *instance);

/* The service as a whole from its instances' documents (hypervisor level, or
 * encap level for a container's view): avail, overall, placement, frozen,
 * provisioned. Instances that are n/a or undef do not count while another has
 * an answer. One with a "stale" key is what was, not what is: it counts for
 * avail only where all are stale, and makes overall warn if something of it
 * was seen running. "frozen" of an instance is true or the time of the freeze.
 */
struct service_status {
	enum status avail, overall;
	const char *placement;	 /* "optimal", "non-optimal", "n/a" */
	const char *frozen;	 /* "thawed", "frozen", "mixed", "n/a" */
	const char *provisioned; /* "true", "false", "mixed", "n/a" */
};
void service_status(const struct service_conf *conf,
		    const struct doc *instances, struct service_status *ret);
/* The encap level by itself, where it is up in some of its containers only:
 * @instances has their documents. */
void service_status_encap(const struct service_conf *conf,
			  const struct doc *instances,
			  struct service_status *ret);
/* Is it so: in one of several, or in fewer than there are? */
bool service_is_farmed(const struct service_conf *conf);
