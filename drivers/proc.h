/*
 * proc - what /proc says of a process.
 *
 * A pid is used again once its process is gone; pid and start time together
 * name one process for as long as the machine is up.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc {
	pid_t pid, session;
	char state;	/* 'Z': has ended, not reaped yet */
	uint64_t start; /* clock ticks since boot; never 0 */
};

bool proc_read(pid_t pid, struct proc *ret); /* false: no such process */
bool proc_is_alive(pid_t pid);		     /* there, and no zombie */
/* Does its environment, as it was at its exec, hold "KEY=VALUE"? */
bool proc_has_env(pid_t pid, const char *pair);

/* Taken apart from the text of /proc/PID/stat; for proc_read and its test. */
bool proc_parse(const char *stat, struct proc *ret);
