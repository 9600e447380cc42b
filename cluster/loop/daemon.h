/*
 * daemon - the agent on a real machine: one loop, its threads, its sockets.
 *
 *     options ─▶ daemon_run ─▶ exit code
 *
 *     sockets, threads, time ─▶ [loop] ─▶ agent_*() ... agent_turn()
 *
 * Everything that happened between two waits of the loop is one turn of the
 * agent: it runs in a uv_prepare, right before the next wait, so that what it
 * committed is one flush, and what it sends leaves in one write per peer.
 */
#pragma once

#include "cluster/loop/options.h"

/* The program has to be started anew. */
#define DAEMON_AGAIN 100

/* Returns what main() should. Blocks until it is told to stop by a signal. */
int daemon_run(const struct options *o);
