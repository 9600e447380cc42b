/*
 * seed - the status of an instance in the form that OpenSVC gave it.
 *
 * `svcmgr -s NAME json status` is read by scripts: one instance at the top, of
 * the service what concerns it, keys by their old names. Each group's word is
 * both under "status_group" and, as the oldest ones had it, at the top, but for
 * app: there that is what the service belongs to.
 */
#pragma once

#include "fsm/base/doc.h"

#define SEED_VERSION 1

/* @status: the status document (docs/api.md); its own node's instance is
 * shown, or the one that a tree would expand. */
struct doc *seed_status(struct arena *a, const struct doc *status);
