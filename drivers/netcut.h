/*
 * netcut - take the network of a container away.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "store/err.h"

/* Every interface but loopback in the network namespace of process @pid goes
 * down. -EPERM: it has no network of its own, but this machine's; -ESRCH: it
 * has ended. */
int netcut(pid_t pid, int64_t deadline_ms, struct err *err);
