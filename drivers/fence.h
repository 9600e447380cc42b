/*
 * fence - ask the devices of a node to end it.
 *
 * The convention of fence-agents: the program gets lines NAME=VALUE on its
 * standard input (action=reboot, nodename=hv1, the options of the device and
 * its secrets) and no argument. Exit code 0: done; of status: 0 on, 2 off. A
 * plain command gets the same lines, and ENCAP_FENCE_NODE and
 * ENCAP_FENCE_ACTION in its environment. Neither is believed before it has
 * ended with 0. No secret is in an argument, in the environment or in what is
 * said of a failure.
 */
#pragma once

#include "drivers/driver.h"
#include "fsm/conf/fence.h"

#define FENCE_IS_OFF 1 /* of status */

struct fence_call { /* one try of one device */
	const char *node;
	const char *action; /* off, on, reboot, status, monitor */
	const struct fence_device *device;
	const char *secrets; /* lines NAME=VALUE, or "" */
	struct arena *arena;
};

/* 0, or FENCE_IS_OFF; else a sentence. Takes device->timeout_ms and a little
 * more at most. */
int fence_call(const struct fence_call *c, struct err *err);

typedef int (*fence_fn)(void *ctx, const struct fence_call *c, struct err *err);

struct fence_order { /* all devices of a node, until it is certain */
	const char *node, *action; /* off, on, reboot */
	const struct fence_devices *devices;
	const char *const *secrets; /* of each of them */
	struct arena *arena;
};

/* Level by level, each device as often as it says, by @fn. 0: @ret_by is which
 * of them did it ("fence#hv1 fence#hv1:b"), and @ret_note what went wrong and
 * does not matter, or "". */
int fence_carry_out(const struct fence_order *o, fence_fn fn, void *ctx,
		    const char **ret_by, const char **ret_note,
		    struct err *err);
