/*
 * fence - the devices that can end a node: sections of the cluster's own
 * configuration, a text in the language of env files.
 *
 *     [fence#NODE]  [fence#NODE:NAME]
 *       agent    = PROGRAM     that keeps the conventions of fence-agents; or
 *       command  = WORDS...    anything else
 *       options  = NAME=VALUE  ... for the agent; secrets are kept elsewhere
 *       action   = reboot|off  what is done where nobody says (reboot)
 *       level    = 1..9        the levels of a node are tried in this order
 *       timeout  = 60s         of one try
 *       retries  = 2           after the first try
 *       delay    = 0           before a fence that nobody has asked for
 *
 * All devices of a level have to succeed (a machine with two power supplies),
 * and one level of a node. docs/fencing.md is the manual of it.
 */
#pragma once

#include "fsm/conf/conf.h"

#define FENCE_LEVELS	   9
#define CLUSTER_CONFIG_MAX (256 * 1024)

struct fence_device {
	const char *section; /* "fence#hv1:pdu" */
	const char *agent;   /* NULL: a command */
	const char *command;
	struct names options; /* NAME=VALUE */
	bool off;	      /* action = off */
	int64_t timeout_ms, delay_ms;
	unsigned level, retries;
};

struct fence_devices { /* by level, then as the file has them */
	struct fence_device *at;
	size_t n;
};

/* Every problem of a cluster's configuration, as conf_validate() has them. */
void cluster_config_validate(struct arena *a, const struct conf *c,
			     struct problems *p);

/* The node of a section "fence#NODE" or "fence#NODE:NAME", on @a; NULL if it is
 * called otherwise. */
const char *fence_section_node(struct arena *a, const char *section);

/* The names of all its devices' sections; @c may be NULL. */
struct names fence_sections(struct arena *a, const struct conf *c);
bool fence_has_section(const struct conf *c, const char *section);

/* Those of @node in the cluster's configuration @text, which may be NULL. What
 * another version wrote and cannot be read is -EINVAL. */
int fence_devices(struct arena *a, const char *text, const char *node,
		  struct fence_devices *ret, struct err *err);

/* How long all tries of all levels may take, and the longest delay. */
int64_t fence_limit_ms(const struct fence_devices *d);
int64_t fence_delay_ms(const struct fence_devices *d);
/* What the first device says is done: "reboot" or "off". */
const char *fence_default_action(const struct fence_devices *d);
