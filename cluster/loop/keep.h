/*
 * keep - what the agent remembers outside the log.
 *
 *     VAR/identity   who it is in the cluster: durable
 *     VAR/local      what a person asked of it while it had no majority: durable
 *     VAR/peers      who the hypervisors are, as last known: durable
 *     RUN/session    which boot of this system this is
 *     RUN/lease      until when, and in which epoch, it may run things
 *     RUN/encapd.pid locked by the one that runs
 *
 * RUN is lost at a reboot. Where it is not (a container whose /run is on a
 * disk), the session still differs: it is bound to the kernel's boot and to
 * the start of process 1.
 */
#pragma once

#include <stdint.h>

#include "fsm/base/doc.h"
#include "store/err.h"

#define KEEP_SESSION 33 /* 32 hex digits, and the NUL */

struct keep {
	const char *var, *run; /* borrowed */
	char boot_id[64];      /* of the running kernel */
	char session[KEEP_SESSION];
	int lock_fd, lease_fd;
	uint64_t lease_until_ms, lease_epoch; /* as left in this session */
};

/* Makes both folders, refuses (-EBUSY) while another encapd uses @run, finds
 * or makes the session. */
int keep_open(struct keep *k, const char *var, const char *run,
	      struct err *err);
void keep_close(struct keep *k);

/* @name: "identity", "peers", "local". 1: there is none. */
int keep_load(struct keep *k, struct arena *a, const char *name,
	      struct doc **ret, struct err *err);
int keep_save(struct keep *k, const char *name, const struct doc *d,
	      struct err *err);

/* Cheap: one write to memory. */
int keep_lease(struct keep *k, uint64_t until_ms, uint64_t epoch,
	       struct err *err);
