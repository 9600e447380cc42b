/*
 * page - what the agent and the guard share: a file in memory.
 *
 *     agent ──until, what──▶ [page] ──▶ guard: the time is over, and nobody
 *                                       has moved it on: take all of it away
 *
 * The agent writes, the guard reads; each number is written whole. There are
 * two lists: the agent writes the one that does not count, then has it count,
 * then adds one to `seq`; a reader that finds another `seq` afterwards reads
 * again. So an agent that is stopped at any point leaves a list that is whole.
 * An item is a kind and its words, each ended by a NUL, the whole by one more:
 *
 *     cgroup NAME           every process in a control group NAME or NAME-N
 *     env VARIABLE=VALUE    every process with that in its environment
 *     address DEVICE ADDRESS/LENGTH
 *     mount PATH
 *
 * carried out in this order, again and again until nothing is left.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define GUARD_MAGIC   0x656e6361702d6764ULL /* "encap-gd" */
#define GUARD_VERSION 3
#define GUARD_LIST    (128 * 1024) /* bytes */

struct guard_page {
	uint64_t magic;
	uint32_t version, size; /* of this struct */
	/* By the guard: */
	_Atomic uint32_t pid;
	_Atomic uint32_t watchdog; /* 1: it feeds one */
	_Atomic uint64_t alive_ms; /* when it last looked */
	/* By the agent, on CLOCK_BOOTTIME: */
	_Atomic uint32_t agent;	      /* its pid, and as /proc/PID/stat has */
	_Atomic uint64_t agent_start; /* it, its start */
	_Atomic uint64_t agent_ms;    /* when it last turned */
	_Atomic uint64_t until_ms;    /* 0: nothing is guarded */
	_Atomic uint32_t seq;
	_Atomic uint32_t which; /* of the two lists, the one that counts */
	struct {
		uint32_t len;
		char bytes[GUARD_LIST];
	} list[2];
};
