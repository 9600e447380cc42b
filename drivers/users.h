/*
 * users - which processes keep a mount busy.
 *
 * By the kernel's number of the mount (mountinfo.h, statx(2)), so a bind mount
 * is told from what it shows, and the same file system mounted elsewhere, or
 * in a container, does not count: its users do not hold this mount.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "fsm/base/arena.h"

#define USERS_MAX 256

struct users {
	pid_t pid[USERS_MAX];
	size_t n;
};

/* Those with their root, directory, program, open or mapped files there. */
void users_of_mount(unsigned mount_id, struct users *ret);
void users_signal(const struct users *u, int signal);
/* "1234 (bash), 1240 (vi)" */
const char *users_text(struct arena *a, const struct users *u);
