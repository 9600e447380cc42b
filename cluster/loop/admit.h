/*
 * admit - may who is at the other end of a container's socket be heard?
 *
 * Root may, and who the agent runs as. Root of a container with a user
 * namespace of its own (user_namespaces(7)) has another number here. It is
 * told from that container's other users by the namespace's map, and from
 * somebody who made a namespace for himself, in which anybody is root, by the
 * namespace's owner: ours are made by root.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "store/err.h"

/* @pid, @uid: of the peer, as the kernel tells them (unix_peer()). 0, or
 * -EPERM with the reason. */
int admit_peer(pid_t pid, uid_t uid, struct err *err);

/* Is @uid the 0 of this user namespace? @map: the text of its
 * /proc/PID/uid_map. */
bool admit_is_root(const char *map, unsigned uid);
