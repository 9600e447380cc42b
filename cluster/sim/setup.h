/*
 * setup - the cluster that a scenario plays on, read from a file.
 *
 * In the language of env files:
 *
 *     [DEFAULT]
 *     nodes = hv1 hv2 hv3
 *     lease = 3s
 *     witnesses = w1
 *     services = web.conf db.conf
 *
 * `services` are env files by their path from the folder of the cluster's
 * file; of a folder, every NAME.conf in it.
 */
#pragma once

#include "fsm/conf/conf.h"

struct setup_service {
	const char *name, *path;
	const char *config;
};

struct setup {
	struct names nodes, witnesses;
	int64_t lease_ms;
	const char *config; /* of the cluster: fence devices; NULL: none */
	struct setup_service *services;
	size_t n;
};

/* NULL when any problem is fatal. What is wrong with an env file is told with
 * its name. All on @a. */
struct setup *setup_read(struct arena *a, const char *path, struct problems *p);

/* The service of an env file; @base: the folder of what names it. False, with
 * the problem at @line of what names it. */
bool setup_service_read(struct arena *a, const char *base, const char *path,
			unsigned line, struct setup_service *ret,
			struct problems *p);

/* All of a file, NUL-terminated; NULL with errno. At most 1 MiB. */
char *setup_file(struct arena *a, const char *path, size_t *ret_len);
/* The folder of @path with its slash; "" if it has none. */
const char *setup_folder(struct arena *a, const char *path);
