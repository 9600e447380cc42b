/*
 * lxc_make - the root and the configuration of a container. For
 * container_lxc.c.
 *
 *   template is    the root is made by
 *   /a/directory   a copy of it
 *   /an/archive    tar, as far as it knows the compression
 *   a name         lxc-create, with template_options
 *
 * The root is `rootfs`, a directory, or by default DATA_DIR/NAME/rootfs: then
 * there is a configuration, DATA_DIR/NAME/config, that says so. A directory
 * that is there and holds anything is the root already.
 *
 * Copying and unpacking may be cut short at any time: the root is marked as
 * half-made before it begins, and such a one is emptied and made anew. The
 * configuration is written last.
 */
#pragma once

#include "drivers/driver.h"

struct lxc_place {
	const char *name, *dir, *cf; /* cf: "" if there is none */
};

/* Of a container that is down. */
enum provisioned lxc_made(const struct job *j, const struct lxc_place *p);
/* As driver::provision and driver::unprovision. */
int lxc_make(const struct job *j, const struct lxc_place *p, struct err *err);
int lxc_unmake(const struct job *j, const struct lxc_place *p, struct err *err);
