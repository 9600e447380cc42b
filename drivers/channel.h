/*
 * channel - the directory that a container shares with its hypervisor.
 *
 *     hypervisor: RUN_DIR/channel/SERVICE/RID/sock   (rid without '#')
 *     container:  /dev/encap/sock
 *
 * Below /dev because that is where a mount made before the container's init
 * stays visible: liblxc gives each container a tmpfs there, writable even when
 * the root is not, and no init replaces it, while systemd and our own small
 * inits mount a fresh tmpfs over /run and would hide the socket.
 */
#pragma once

#include "drivers/driver.h"

#define CHANNEL_MOUNT "/dev/encap"
#define CHANNEL_SOCK  CHANNEL_MOUNT "/sock"

/* The hypervisor's side, created (mode 0755, as in user namespaces root of
 * the container is somebody else here; the socket's own mode decides). */
int channel_dir(const struct job *j, const char **ret, struct err *err);
